/* Constant folding, as the VM would compute: on integers of 48 bits and on floats, and only where that is exact.  What the VM
 * would leave to tier 0 is left. */
#include "code/passes.h"

typedef struct Folding {
    Code *code;
    Chunk *chunk;
    bool *targets, *drop;
} Folding;

/* -- Constants -- */

/* The constant that instruction I pushes, or WORD_NIL. */
static Word pushed(const Folding *f, uint32_t i)
{
    const Instr *in = &f->code->instrs.data[i];
    if (in->op == OP_PUSH_LONG_SMALL) return word_int48((int32_t)in->arg[0]);
    return in->op == OP_PUSH_CONST ? f->chunk->constants.data[in->arg[0]] : WORD_NIL;
}

static Word fold_ints(uint8_t op, int64_t a, int64_t b)
{
    int64_t r;
    bool over;
    switch (op) {
    case OP_ADD:
        over = __builtin_add_overflow(a, b, &r);
        break;
    case OP_SUB:
        over = __builtin_sub_overflow(a, b, &r);
        break;
    case OP_MUL:
        over = __builtin_mul_overflow(a, b, &r);
        break;
    case OP_LT:
        return word_bool(a < b);
    case OP_LE:
        return word_bool(a <= b);
    case OP_GT:
        return word_bool(a > b);
    case OP_GE:
        return word_bool(a >= b);
    default:
        return WORD_NIL;
    }
    return over || !int_fits48(r) ? WORD_NIL : word_int48(r);
}

/* Only sums, differences and products take an integer and a float. */
static Word fold_floats(uint8_t op, double a, double b, bool mixed)
{
    switch (op) {
    case OP_ADD:
        return word_double(a + b);
    case OP_SUB:
        return word_double(a - b);
    case OP_MUL:
        return word_double(a * b);
    case OP_LT:
        return mixed ? WORD_NIL : word_bool(a < b);
    case OP_LE:
        return mixed ? WORD_NIL : word_bool(a <= b);
    case OP_GT:
        return mixed ? WORD_NIL : word_bool(a > b);
    case OP_GE:
        return mixed ? WORD_NIL : word_bool(a >= b);
    default:
        return WORD_NIL;
    }
}

static bool is_number(Word w)
{
    return word_is_int(w) || word_is_double(w);
}

static double as_double(Word w)
{
    return word_is_int(w) ? (double)word_int48_get(w) : word_double_get(w);
}

/* The result of OP on X and Y, or WORD_NIL when that is not for us to say. */
static Word fold_words(uint8_t op, Word x, Word y)
{
    bool plain_x = is_number(x) || word_is_bool(x) || word_is_sym(x);
    bool plain_y = is_number(y) || word_is_bool(y) || word_is_sym(y);
    if (op == OP_EQ) return plain_x && plain_y ? word_bool(atom_equal(x, y)) : WORD_NIL;
    if (word_is_int(x) && word_is_int(y)) return fold_ints(op, word_int48_get(x), word_int48_get(y));
    if (!is_number(x) || !is_number(y)) return WORD_NIL;
    return fold_floats(op, as_double(x), as_double(y), word_is_int(x) || word_is_int(y));
}

/* -- Expressions --
 *
 * Instructions FIRST to LAST become one, at FIRST.  An expression that begins at FIRST and ends before LAST does is forgotten: another
 * one that begins there, and goes on, stands for it in a stale chunk. */

static bool ends_inside(const Folding *f, const CodeExpression *e, uint32_t first, uint32_t last)
{
    uint32_t end = f->code->labels.data[e->end];
    return !e->tail && end > first && end <= last;
}

/* May they become one? */
static bool may_join(const Folding *f, uint32_t first, uint32_t last)
{
    bool inside = false, around = false;
    for (uint32_t i = first + 1; i <= last; i++)
        if (f->targets[i]) return false;
    for (size_t i = 0; i < f->code->expressions.len; i++) {
        const CodeExpression *e = &f->code->expressions.data[i];
        uint32_t at = f->code->labels.data[e->at];
        bool ends = ends_inside(f, e, first, last);
        if (ends && at < first) return false;
        inside |= ends && at == first;
        around |= !ends && at == first;
    }
    return !inside || around;
}

static void join(Folding *f, uint32_t first, uint32_t last)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->code->expressions.len; i++) {
        CodeExpression e = f->code->expressions.data[i];
        uint32_t at = f->code->labels.data[e.at];
        bool gone = at > first && at <= last;
        if (!gone && !(at == first && ends_inside(f, &e, first, last))) f->code->expressions.data[kept++] = e;
    }
    f->code->expressions.len = kept;
    for (uint32_t i = first + 1; i <= last; i++) f->drop[i] = true;
}

/* -- Folding -- */

/* The instruction before I that is still there, or NO_LABEL. */
static uint32_t before(const Folding *f, uint32_t i)
{
    while (i-- > 0)
        if (!f->drop[i]) return i;
    return NO_LABEL;
}

static void fold_operation(Folding *f, uint32_t i)
{
    uint8_t op = f->code->instrs.data[i].op;
    uint32_t right = before(f, i), left = right == NO_LABEL ? NO_LABEL : before(f, right);
    if (left == NO_LABEL) return;
    Word x = pushed(f, left), y = pushed(f, right);
    if (word_is_nil(x) || word_is_nil(y)) return;
    Word value = fold_words(op, x, y);
    if (!word_is_nil(value) && may_join(f, left, i) &&
        code_push(f->chunk, value, &f->code->instrs.data[left]))
        join(f, left, i);
}

/* An expression begins at the condition: something must stay there.  It may not be the first of the branch, where another one may
 * begin. */
static void fold_branch(Folding *f, uint32_t i)
{
    uint32_t condition = before(f, i);
    Word value = condition == NO_LABEL ? WORD_NIL : pushed(f, condition);
    if (!word_is_bool(value) || !may_join(f, condition, i)) return;
    Instr *in = &f->code->instrs.data[condition];
    if (value == WORD_TRUE)
        *in = (Instr){OP_NOP, in->place, {0}};
    else
        *in = (Instr){OP_JUMP, in->place, {f->code->instrs.data[i].arg[0]}};
    join(f, condition, i);
}

void pass_fold(Code *code, Chunk *chunk)
{
    size_t n = code->instrs.len;
    Folding f = {code, chunk, code_targets(code, chunk), base_calloc(n + 1, sizeof(bool))};
    for (uint32_t i = 0; i < n; i++) {
        uint8_t op = code->instrs.data[i].op;
        if (op == OP_BRANCH_BOOL || op == OP_TAIL_BRANCH_BOOL)
            fold_branch(&f, i);
        else if ((op >= OP_ADD && op <= OP_MUL) || (op >= OP_LT && op <= OP_EQ))
            fold_operation(&f, i);
    }
    code_remove(code, f.drop);
    base_free(f.targets);
    base_free(f.drop);
}
