#include "code/early.h"

#include "code/bytecode.h"

/* How a function begins. */
typedef struct Beginning {
    uint64_t guarded; /* locals that must be numbers */
    uint8_t left, compare;
    uint32_t right;
    bool two;         /* RIGHT is a local, too */
    uint32_t yes, no; /* where the comparison leads */
} Beginning;

static uint32_t next_of(const Chunk *c, uint32_t ip)
{
    return ip + length_at(c, ip);
}

static bool is_comparison(uint8_t op)
{
    return (op >= OP_LT && op <= OP_GE) || op == OP_EQ;
}

static bool read_beginning(const Chunk *c, Beginning *b)
{
    enum { MOST_LOCALS = 64 };
    uint32_t ip = 0;
    *b = (Beginning){0};
    if (c->arity > MOST_LOCALS) return false;
    for (; op_at(c, ip) == OP_GUARD_NUMBER; ip = next_of(c, ip)) {
        if (value_at(c, ip, 's') >= c->arity) return false;
        b->guarded |= UINT64_C(1) << value_at(c, ip, 's');
    }
    if (op_at(c, ip) != OP_LOAD_LOCAL) return false;
    b->left = (uint8_t)value_at(c, ip, 's');
    ip = next_of(c, ip);
    b->two = op_at(c, ip) == OP_LOAD_LOCAL;
    if (!b->two && op_at(c, ip) != OP_PUSH_LONG_SMALL) return false;
    b->right = value_at(c, ip, b->two ? 's' : 'i');
    ip = next_of(c, ip);
    b->compare = op_at(c, ip);
    if (!is_comparison(b->compare)) return false;
    ip = next_of(c, ip);
    if (op_at(c, ip) != OP_TAIL_BRANCH_BOOL) return false;
    b->yes = next_of(c, ip);
    b->no = jump_target(c, operand_of(c, ip, 'j'));
    return true;
}

/* What the test makes sure of: that its operands are arguments, and that all guards would let them pass. */
static bool is_tested(const Chunk *c, const Beginning *b)
{
    uint64_t tested = UINT64_C(1) << b->left;
    if (b->left >= c->arity || (b->two && b->right >= c->arity)) return false;
    if (b->two) tested |= UINT64_C(1) << b->right;
    return (b->guarded & ~tested) == 0;
}

static Word type_of(Word constant)
{
    return word_is_int(constant)    ? W_SYM(T_NUMBER)
           : word_is_bool(constant) ? W_SYM(T_BOOL)
                                    : W_SYM(UNDEFINED);
}

/* Does the code at IP give an argument or a constant at once? */
static bool gives_at_once(const Chunk *c, uint32_t ip, Early *e)
{
    uint8_t op = op_at(c, ip);
    if (op == OP_RETURN_LOCAL || op == OP_RETURN_BRANCH) {
        e->gives = EARLY_LOCAL;
        e->type = W_SYM(T_NUMBER);
        e->given = value_at(c, ip, 's');
        return e->given < c->arity;
    }
    if (op != OP_PUSH_CONST && op != OP_PUSH_LONG_SMALL) return false;
    if (op_at(c, next_of(c, ip)) != OP_RETURN) return false;
    e->gives = EARLY_WORD;
    e->value = op == OP_PUSH_CONST ? c->constants.data[value_at(c, ip, 'k')]
                                   : word_int48(operand_value(c, operand_of(c, ip, 'i')));
    e->type = type_of(e->value);
    return word_is_int(e->value) || word_is_bool(e->value) || word_is_sym(e->value);
}

/* What the opcode COMPARE asks, or the opposite. */
static Comparison comparison(uint8_t compare, bool opposite)
{
    switch (compare) {
    case OP_LT:
        return opposite ? ARE_GE : ARE_LT;
    case OP_LE:
        return opposite ? ARE_GT : ARE_LE;
    case OP_GT:
        return opposite ? ARE_LE : ARE_GT;
    case OP_GE:
        return opposite ? ARE_LT : ARE_GE;
    default:
        return opposite ? ARE_NE : ARE_EQ;
    }
}

static const uint8_t ends[] = {
    [ARE_EQ] = IS_EQUAL,           [ARE_NE] = IS_LESS | IS_GREATER, [ARE_LT] = IS_LESS,
    [ARE_LE] = IS_LESS | IS_EQUAL, [ARE_GT] = IS_GREATER,           [ARE_GE] = IS_GREATER | IS_EQUAL,
};

Early early_find(const Chunk *c)
{
    static const Early none;
    Beginning b;
    Early e = none;
    if (!read_beginning(c, &b) || !is_tested(c, &b)) return none;
    bool yes = gives_at_once(c, b.yes, &e);
    if (!yes && !gives_at_once(c, b.no, &e)) return none;
    bool tested = e.given == b.left || (b.two && e.given == b.right);
    if (e.gives == EARLY_LOCAL && tested) e.gives = EARLY_TESTED;
    e.compare = comparison(b.compare, !yes);
    e.ends = ends[e.compare];
    e.two = b.two;
    e.left = b.left;
    if (b.two)
        e.right = b.right;
    else
        e.number = word_int48((int16_t)b.right);
    e.rest = yes ? b.no : b.yes;
    return e;
}
