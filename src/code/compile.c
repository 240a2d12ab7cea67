#include "code/compile.h"

#include "builtin/builtin.h"

/* Bit of a count of arguments: some argument is not what the program wrote. */
enum { COMPUTED = 0x80 };
enum { MAX_LOCALS = 200, MAX_CLAUSES = 64, MAX_NESTING = 24, NO_LOCAL = 255 };

const char *compile_refusal_text(CompileRefusal r)
{
    static const char *const texts[] = {
#define REFUSAL(id, text) text,
#include "code/refusals.inc"
#undef REFUSAL
    };
    return texts[r];
}

typedef VEC(uint32_t) Holes; /* places of jump operands that are to be patched */

typedef struct Compiler {
    Runtime *rt;
    Scope *scope;
    Chunk *chunk;
    CompileRefusal refusal;
    uint32_t height; /* operand stack now */
    uint32_t part;   /* next free local */
    VEC(Rule) rules;
    VEC(size_t) rule_spaces; /* of each rule: index in the scope */
    const Rule *rule;        /* clause at work */
    VEC(uint8_t) local_of;   /* by slot of the clause: its local, NO_LOCAL while unbound */
    uint32_t map_first;      /* the clause's part of the chunk's slot map */
    Holes next_clause;       /* jumps to be patched to the next clause */
    WordVec evaluated;       /* templates of the clause that are evaluated before its end */
} Compiler;

static void refuse(Compiler *c, CompileRefusal why)
{
    if (c->refusal == REFUSED_NONE) c->refusal = why;
}

/* -- Emitting -- */

static void emit8(Compiler *c, unsigned byte)
{
    vec_push(&c->chunk->code, (uint8_t)byte);
}

static void emit16(Compiler *c, unsigned value)
{
    emit8(c, value & 0xFF);
    emit8(c, (value >> 8) & 0xFF);
}

/* The opcode, and its effect on the stack: POPS values are taken where the table says that it varies. */
static void emit_op(Compiler *c, Op op, uint32_t pops)
{
    const OpInfo *info = op_info((uint8_t)op);
    emit8(c, op);
    c->height -= info->pops == VARIABLE_POPS ? pops : (uint32_t)info->pops;
    c->height += (uint32_t)info->pushes;
    if (c->height > c->chunk->max_stack) c->chunk->max_stack = c->height;
}

static unsigned constant(Compiler *c, Word w)
{
    for (size_t i = 0; i < c->chunk->constants.len; i++)
        if (c->chunk->constants.data[i] == w) return (unsigned)i;
    vec_push(&c->chunk->constants, w);
    if (c->chunk->constants.len > UINT16_MAX) refuse(c, REFUSED_TOO_LARGE);
    return (unsigned)c->chunk->constants.len - 1;
}

/* A jump operand to be patched: its place. */
static uint32_t emit_jump_hole(Compiler *c)
{
    emit16(c, 0);
    return (uint32_t)c->chunk->code.len - 2;
}

/* Make the jump operand at HOLE of an instruction that ends at END lead to the present end of the code. */
static void patch(Compiler *c, uint32_t hole, uint32_t end)
{
    int64_t distance = (int64_t)c->chunk->code.len - end;
    if (distance > INT16_MAX) refuse(c, REFUSED_TOO_LARGE);
    c->chunk->code.data[hole] = (uint8_t)(distance & 0xFF);
    c->chunk->code.data[hole + 1] = (uint8_t)((distance >> 8) & 0xFF);
}

/* A jump operand, the last of its instruction, that HOLES remembers. */
static void add_hole(Compiler *c, Holes *holes)
{
    uint32_t hole = emit_jump_hole(c);
    vec_push(holes, hole);
}

/* Make all jumps of HOLES lead to the present end of the code, and empty it. */
static void patch_all(Compiler *c, Holes *holes)
{
    for (size_t i = 0; i < holes->len; i++) patch(c, holes->data[i], holes->data[i] + 2);
    vec_free(holes);
}

/* A template of TERM with the slots of the clause at work. */
static unsigned template(Compiler *c, Word term)
{
    Template t = {term, c->map_first, c->rule->slot_count};
    vec_push(&c->chunk->templates, t);
    if (c->chunk->templates.len > UINT16_MAX) refuse(c, REFUSED_TOO_LARGE);
    return (unsigned)c->chunk->templates.len - 1;
}

static uint32_t new_local(Compiler *c)
{
    if (c->part >= MAX_LOCALS) refuse(c, REFUSED_TOO_LARGE);
    uint32_t local = c->part < MAX_LOCALS ? c->part++ : 0;
    if (c->part > c->chunk->locals) c->chunk->locals = c->part;
    return local;
}

/* -- Patterns -- */

static bool is_constant(Word w)
{
    return word_is_sym(w) || word_is_bool(w) || word_is_int(w) || w == WORD_UNIT;
}

static void bind_slot(Compiler *c, Word slot, uint32_t local)
{
    uint32_t i = word_slot_index(slot);
    if (c->local_of.data[i] != NO_LOCAL) refuse(c, REFUSED_REPEATED_VARIABLE);
    c->local_of.data[i] = (uint8_t)local;
    c->chunk->slot_map.data[c->map_first + i] = (uint8_t)local;
}

/* The operand of a jump to the next clause. */
static void jump_to_next_clause(Compiler *c)
{
    add_hole(c, &c->next_clause);
}

static void match_pattern(Compiler *c, Word pattern, uint32_t local, int depth);

static void match_functor(Compiler *c, Word pattern, uint32_t local, int depth)
{
    uint32_t n = expr_len(pattern);
    Word head = expr_at(pattern, 0);
    if (!is_constant(head) || n > UINT8_MAX || depth == 0) {
        refuse(c, REFUSED_PATTERN);
        return;
    }
    emit_op(c, OP_MATCH_FUNCTOR, 0);
    emit8(c, local);
    emit16(c, constant(c, head));
    emit8(c, n);
    jump_to_next_clause(c);
    for (uint32_t i = 1; i < n && c->refusal == REFUSED_NONE; i++) {
        uint32_t part = new_local(c);
        emit_op(c, OP_GET_ITEM, 0);
        emit8(c, local);
        emit8(c, i);
        emit8(c, part);
        match_pattern(c, expr_at(pattern, i), part, depth - 1);
    }
}

static void match_pattern(Compiler *c, Word pattern, uint32_t local, int depth)
{
    if (word_is_slot(pattern)) {
        bind_slot(c, pattern, local);
    } else if (atom_is_cons(pattern)) {
        match_functor(c, pattern, local, depth);
    } else if (is_constant(pattern)) {
        emit_op(c, OP_MATCH_CONST, 0);
        emit8(c, local);
        emit16(c, constant(c, pattern));
        jump_to_next_clause(c);
    } else {
        refuse(c, REFUSED_PATTERN);
    }
}

/* -- Expressions -- */

static bool is_slot_local(const Compiler *c, Word w)
{
    return word_is_slot(w) && c->local_of.data[word_slot_index(w)] != NO_LOCAL;
}

static uint32_t slot_local(const Compiler *c, Word slot)
{
    return c->local_of.data[word_slot_index(slot)];
}

static uint32_t native_of(const Compiler *c, Word head)
{
    if (!word_is_sym(head) || word_sym_id(head) >= c->rt->native.len) return 0;
    return c->rt->native.data[word_sym_id(head)];
}

/* Is E a call of native symbol BUILTIN with N items that no program has given rules of its own? */
static bool is_native_call(const Compiler *c, Word e, uint32_t builtin, uint32_t n)
{
    if (!atom_is_cons(e) || expr_len(e) != n || native_of(c, expr_at(e, 0)) != builtin + 1) return false;
    const SymbolTypes *types = scope_symbol_types(&c->rt->types, c->scope, word_sym_id(expr_at(e, 0)));
    return !c->rt->overridden.data[builtin] && types->count == 1;
}

/* Is E headed by a symbol that has neither type nor native meaning, so that all items are evaluated and then rules are
 * looked up? */
static bool is_plain_call(Compiler *c, Word e)
{
    if (!atom_is_cons(e) || expr_len(e) > COMPUTED) return false;
    Word head = expr_at(e, 0);
    if (!word_is_sym(head) || native_of(c, head) || head == W_SYM(ERROR)) return false;
    return scope_symbol_types(&c->rt->types, c->scope, word_sym_id(head))->count == 0;
}

/* No rule can apply to a call with the head and length of E, whatever its arguments are. */
static bool is_data(const Compiler *c, Word e)
{
    uint32_t head = word_sym_id(expr_at(e, 0));
    return !scope_has_rules(c->scope, head, expr_len(e));
}

static void compile_value(Compiler *c, Word e, int depth);
static void compile_branch(Compiler *c, Word e, int depth);
static void compile_tail(Compiler *c, Word e, int depth);

static void emit_eval(Compiler *c, Word e, Word type)
{
    emit_op(c, OP_EVAL, 0);
    vec_push(&c->evaluated, e);
    emit16(c, template(c, e));
    emit16(c, constant(c, type));
}

static void emit_tail_eval(Compiler *c, Word e)
{
    emit_op(c, OP_TAIL_EVAL, 0);
    emit16(c, template(c, e));
}

/* Opcode of an arithmetic operation, or OP_HALT; *NUMERIC tells whether its result is a Number. */
static Op arithmetic_op(Word head, bool *numeric)
{
    if (!word_is_op(head)) return OP_HALT;
    *numeric = false;
    switch (word_op_index(head)) {
    case BI_add:
        *numeric = true;
        return OP_ADD;
    case BI_sub:
        *numeric = true;
        return OP_SUB;
    case BI_mul:
        *numeric = true;
        return OP_MUL;
    case BI_less:
        return OP_LT;
    case BI_less_equal:
        return OP_LE;
    case BI_greater:
        return OP_GT;
    case BI_greater_equal:
        return OP_GE;
    case BI_equal:
        return OP_EQ;
    default:
        return OP_HALT;
    }
}

static bool is_arithmetic(Compiler *c, Word e, bool numeric_only, int depth);

static bool is_operand(Compiler *c, Word e, int depth)
{
    if (word_is_int(e) || word_is_double(e) || is_slot_local(c, e)) return true;
    if (!atom_is_cons(e)) return false;
    return is_arithmetic(c, e, true, depth) || (is_plain_call(c, e) && !is_data(c, e));
}

/* Can E be computed by opcodes once its variables are known to be numbers? */
static bool is_arithmetic(Compiler *c, Word e, bool numeric_only, int depth)
{
    bool numeric;
    if (depth == 0 || !atom_is_cons(e) || expr_len(e) != 3) return false;
    if (arithmetic_op(expr_at(e, 0), &numeric) == OP_HALT || (numeric_only && !numeric)) return false;
    return is_operand(c, expr_at(e, 1), depth - 1) && is_operand(c, expr_at(e, 2), depth - 1);
}

/* Evaluate E, an argument whose types are checked before it is evaluated, in tier 0. */
static void emit_checked(Compiler *c, Word e, Word type, Holes *holes)
{
    emit_op(c, OP_EVAL_CHECKED, 0);
    vec_push(&c->evaluated, e);
    emit16(c, template(c, e));
    emit16(c, constant(c, type));
    add_hole(c, holes);
}

/* Jump to the fallback unless each variable that is an operand in E is a number: the types of a call are checked before
 * anything in it is evaluated. */
static void guard_operands(Compiler *c, Word e, Holes *holes)
{
    for (uint32_t i = 1; i < 3; i++) {
        Word operand = expr_at(e, i);
        bool numeric;
        if (word_is_slot(operand)) {
            emit_op(c, OP_GUARD_NUMBER, 0);
            emit8(c, slot_local(c, operand));
            add_hole(c, holes);
        } else if (atom_is_cons(operand) && arithmetic_op(expr_at(operand, 0), &numeric) != OP_HALT) {
            guard_operands(c, operand, holes);
        }
    }
}

/* In tail position the result must be what the caller expects: else the call itself is in error. */
static void guard_result_type(Compiler *c, Word e, Holes *holes)
{
    bool numeric;
    arithmetic_op(expr_at(e, 0), &numeric);
    emit_op(c, OP_GUARD_TYPE, 0);
    emit16(c, constant(c, numeric ? W_SYM(T_NUMBER) : W_SYM(T_BOOL)));
    add_hole(c, holes);
}

/* Does evaluating the items of E leave them as they are, if its variables stand for values? */
static bool is_same(Compiler *c, Word e, int depth)
{
    for (uint32_t i = 1; i < expr_len(e); i++) {
        Word item = expr_at(e, i);
        if (is_slot_local(c, item) || (!atom_is_cons(item) && !word_is_var(item))) continue;
        if (depth == 0 || !is_plain_call(c, item) || !is_data(c, item) || !is_same(c, item, depth - 1))
            return false;
    }
    return true;
}

static void compile_arguments(Compiler *c, Word e, int depth)
{
    for (uint32_t i = 1; i < expr_len(e); i++) compile_value(c, expr_at(e, i), depth - 1);
}

static void emit_call(Compiler *c, Op op, Word e)
{
    emit_op(c, op, expr_len(e) - 1);
    emit16(c, constant(c, expr_at(e, 0)));
    emit8(c, (expr_len(e) - 1) | (is_same(c, e, MAX_NESTING) ? 0 : COMPUTED));
}

static void compute(Compiler *c, Word e, int depth)
{
    for (uint32_t i = 1; i < 3; i++) {
        Word operand = expr_at(e, i);
        bool numeric;
        if (word_is_slot(operand)) {
            emit_op(c, OP_LOAD_LOCAL, 0);
            emit8(c, slot_local(c, operand));
        } else if (!atom_is_cons(operand)) {
            compile_value(c, operand, depth);
        } else if (arithmetic_op(expr_at(operand, 0), &numeric) != OP_HALT) {
            compute(c, operand, depth - 1);
        } else {
            compile_arguments(c, operand, depth);
            emit_call(c, OP_CALL_NUMBER, operand);
        }
    }
    bool numeric;
    emit_op(c, arithmetic_op(expr_at(e, 0), &numeric), 0);
}

/* Compute E; the fallback evaluates it in tier 0 where TYPE is expected (WORD_NIL: in place of the frame). */
static void compile_arithmetic(Compiler *c, Word e, Word type, int depth)
{
    Holes holes = {0};
    uint32_t height = c->height;
    if (word_is_nil(type)) guard_result_type(c, e, &holes);
    guard_operands(c, e, &holes);
    compute(c, e, depth);
    if (word_is_nil(type)) emit_op(c, OP_RETURN, 0);
    if (holes.len > 0) {
        uint32_t end = 0, hole = 0;
        if (!word_is_nil(type)) {
            emit_op(c, OP_JUMP, 0);
            hole = emit_jump_hole(c);
            end = (uint32_t)c->chunk->code.len;
        }
        patch_all(c, &holes);
        c->height = height;
        if (word_is_nil(type))
            emit_tail_eval(c, e);
        else {
            emit_eval(c, e, type);
            patch(c, hole, end);
        }
    }
}

/* Code for the condition E of an if; HOLES collects jumps to be taken when the whole if must be left to tier 0. */
static void compile_condition(Compiler *c, Word e, int depth, Holes *holes)
{
    if (is_arithmetic(c, e, false, depth)) {
        compile_arithmetic(c, e, W_SYM(T_BOOL), depth);
    } else if (is_slot_local(c, e)) {
        emit_op(c, OP_GUARD_BOOL, 0);
        emit8(c, slot_local(c, e));
        add_hole(c, holes);
        emit_op(c, OP_LOAD_LOCAL, 0);
        emit8(c, slot_local(c, e));
    } else if (is_plain_call(c, e)) {
        compile_arguments(c, e, depth);
        emit_call(c, OP_CALL_BOOL, e);
    } else {
        emit_checked(c, e, W_SYM(T_BOOL), holes);
    }
}

/* Can E be compiled as a condition?  The types of (if E ...) are checked before E is evaluated; for these E the check
 * says nothing that evaluating E does not. */
static bool is_condition(Compiler *c, Word e, int depth)
{
    if (is_slot_local(c, e)) return true;
    if (!atom_is_cons(e)) return false;
    Word head = expr_at(e, 0);
    bool numeric = false;
    if (is_arithmetic(c, e, false, depth)) return arithmetic_op(head, &numeric) != OP_HALT && !numeric;
    if (!word_is_op(head)) return is_plain_call(c, e) && !is_data(c, e);
    const Signature *sig = &c->rt->types.op_signatures[word_op_index(head)];
    return (sig->kind == SIGNATURE_SIMPLE || sig->kind == SIGNATURE_SAME) &&
           sig->result.type == W_SYM(T_BOOL);
}

static bool is_if(Compiler *c, Word e, int depth)
{
    return is_native_call(c, e, BI_if_, 4) && is_condition(c, expr_at(e, 1), depth - 1);
}

static void compile_tail_if(Compiler *c, Word e, int depth)
{
    Holes holes = {0};
    uint32_t before = c->height;
    compile_condition(c, expr_at(e, 1), depth - 1, &holes);
    emit_op(c, OP_TAIL_BRANCH_BOOL, 0);
    uint32_t hole = emit_jump_hole(c);
    emit16(c, template(c, e));
    uint32_t end = (uint32_t)c->chunk->code.len, height = c->height;
    compile_tail(c, expr_at(e, 2), depth - 1);
    patch(c, hole, end);
    c->height = height;
    compile_tail(c, expr_at(e, 3), depth - 1);
    if (holes.len == 0) return;
    patch_all(c, &holes);
    c->height = before;
    emit_tail_eval(c, e);
}

static void compile_value_if(Compiler *c, Word e, int depth)
{
    Holes holes = {0};
    uint32_t before = c->height;
    compile_condition(c, expr_at(e, 1), depth - 1, &holes);
    emit_op(c, OP_BRANCH_BOOL, 0);
    c->height--; /* the result is pushed at the end of either branch */
    uint32_t otherwise = emit_jump_hole(c);
    emit16(c, template(c, e));
    uint32_t done = emit_jump_hole(c);
    uint32_t end = (uint32_t)c->chunk->code.len, height = c->height;
    compile_branch(c, expr_at(e, 2), depth - 1);
    emit_op(c, OP_JUMP, 0);
    uint32_t over = emit_jump_hole(c), over_end = (uint32_t)c->chunk->code.len;
    patch(c, otherwise, end);
    c->height = height;
    compile_branch(c, expr_at(e, 3), depth - 1);
    if (holes.len > 0) {
        emit_op(c, OP_JUMP, 0);
        uint32_t hole = emit_jump_hole(c), hole_end = (uint32_t)c->chunk->code.len;
        patch_all(c, &holes);
        c->height = before;
        emit_eval(c, e, W_SYM(UNDEFINED));
        patch(c, hole, hole_end);
    }
    patch(c, over, over_end);
    patch(c, done, end);
}

/* Does slot SLOT occur in the stored term T? */
static bool has_slot(Word t, Word slot)
{
    WordVec todo = {0};
    vec_push(&todo, t);
    bool found = false;
    while (todo.len && !found) {
        Word w = vec_pop(&todo);
        found = w == slot;
        if (!atom_is_cons(w) || expr_is_ground(w)) continue;
        for (uint32_t i = 0; i < expr_len(w); i++) vec_push(&todo, expr_at(w, i));
    }
    vec_free(&todo);
    return found;
}

/* Has a template that is evaluated while the clause runs on made a variable for SLOT? */
static bool seen_by_template(const Compiler *c, Word slot)
{
    for (size_t i = 0; i < c->evaluated.len; i++)
        if (has_slot(c->evaluated.data[i], slot)) return true;
    return false;
}

/* (let $x E BODY) with an $x that nothing before has seen: a local.  Returns false when E is no such let. */
static bool compile_let(Compiler *c, Word e, int depth)
{
    if (!is_native_call(c, e, BI_let_, 4)) return false;
    Word var = expr_at(e, 1), value = expr_at(e, 2);
    if (!word_is_slot(var) || is_slot_local(c, var) || has_slot(value, var) || seen_by_template(c, var))
        return false;
    if (!atom_is_cons(value) || expr_at(value, 0) == W_SYM(ERROR)) return false;
    uint32_t slot = word_slot_index(var);
    uint8_t local = c->chunk->slot_map.data[c->map_first + slot];
    Holes holes = {0};
    uint32_t height = c->height;
    if (is_plain_call(c, value) || is_arithmetic(c, value, false, depth - 1))
        compile_value(c, value, depth - 1);
    else
        emit_checked(c, value, W_SYM(UNDEFINED), &holes);
    emit_op(c, OP_STORE_LOCAL, 0);
    emit8(c, local);
    c->local_of.data[slot] = local;
    emit_op(c, OP_ANY_TYPE, 0); /* let is declared to return %Undefined% */
    compile_tail(c, expr_at(e, 3), depth - 1);
    c->local_of.data[slot] = NO_LOCAL; /* unbound again in the other branch of an if around */
    if (holes.len == 0) return true;
    patch_all(c, &holes);
    c->height = height;
    emit_tail_eval(c, e);
    return true;
}

static void compile_value(Compiler *c, Word e, int depth)
{
    if (is_slot_local(c, e)) {
        emit_op(c, OP_EVAL_LOCAL, 0);
        emit8(c, slot_local(c, e));
    } else if (e == W_SYM(EMPTY)) {
        emit_op(c, OP_FAIL, 0);
        c->height++; /* never reached with this height, but the code behind expects a value */
    } else if (word_is_int(e) && word_int48_get(e) >= INT16_MIN && word_int48_get(e) <= INT16_MAX) {
        emit_op(c, OP_PUSH_LONG_SMALL, 0);
        emit16(c, (unsigned)word_int48_get(e));
    } else if (!atom_is_cons(e) && !word_is_var(e)) {
        emit_op(c, OP_PUSH_CONST, 0);
        emit16(c, constant(c, e));
    } else if (depth > 0 && is_arithmetic(c, e, false, depth)) {
        compile_arithmetic(c, e, W_SYM(UNDEFINED), depth);
    } else if (depth > 0 && is_if(c, e, depth)) {
        compile_value_if(c, e, depth);
    } else if (depth > 0 && is_plain_call(c, e)) {
        if (!is_data(c, e)) {
            compile_arguments(c, e, depth);
            emit_call(c, OP_CALL, e);
            return;
        }
        emit_op(c, OP_PUSH_CONST, 0);
        emit16(c, constant(c, expr_at(e, 0)));
        compile_arguments(c, e, depth);
        emit_op(c, is_same(c, e, depth) ? OP_MAKE_SAME : OP_MAKE_SEXPR, expr_len(e));
        emit8(c, expr_len(e));
    } else {
        emit_eval(c, e, W_SYM(UNDEFINED));
    }
}

static bool is_error_literal(Word e)
{
    return atom_is_cons(e) && expr_at(e, 0) == W_SYM(ERROR);
}

/* What a rule, a branch or a let gives is taken as it stands when it is an error, and as no result when it is Empty. */
static bool compile_special_result(Compiler *c, Word e)
{
    if (e == W_SYM(NOT_REDUCIBLE)) refuse(c, REFUSED_NOT_REDUCIBLE);
    if (is_error_literal(e)) {
        emit_op(c, OP_RETURN_ERROR, 0);
        emit16(c, template(c, e));
        return true;
    }
    if (e != W_SYM(EMPTY)) return false;
    emit_op(c, OP_FAIL, 0);
    return true;
}

/* A branch of an if that is not in tail position. */
static void compile_branch(Compiler *c, Word e, int depth)
{
    if (compile_special_result(c, e))
        c->height++; /* never reached, but the code behind expects a value */
    else
        compile_value(c, e, depth);
}

static void compile_tail(Compiler *c, Word e, int depth)
{
    if (compile_special_result(c, e)) return;
    if (is_slot_local(c, e)) {
        emit_op(c, OP_RETURN_LOCAL, 0);
        emit8(c, slot_local(c, e));
    } else if (!atom_is_cons(e) && !word_is_var(e)) {
        compile_value(c, e, depth);
        emit_op(c, OP_RETURN, 0);
    } else if (depth > 0 && is_arithmetic(c, e, false, depth)) {
        compile_arithmetic(c, e, WORD_NIL, depth);
    } else if (depth > 0 && is_if(c, e, depth)) {
        compile_tail_if(c, e, depth);
    } else if (depth > 0 && is_plain_call(c, e) && !is_data(c, e)) {
        compile_arguments(c, e, depth);
        emit_call(c, OP_TAIL_CALL, e);
    } else if (depth > 0 && is_plain_call(c, e)) {
        compile_value(c, e, depth);
        emit_op(c, OP_RETURN, 0);
    } else if (depth == 0 || !compile_let(c, e, depth)) {
        emit_tail_eval(c, e);
    }
}

/* -- Clauses -- */

/* What a pattern tells apart at first sight: a constant, or head and length of an expression; false for a variable. */
static bool pattern_key(Word pattern, Word *head, uint32_t *len)
{
    *len = 0;
    *head = pattern;
    if (word_is_slot(pattern)) return false;
    if (!atom_is_cons(pattern)) return true;
    *len = expr_len(pattern);
    *head = expr_at(pattern, 0);
    return !word_is_var(*head) && !atom_is_cons(*head);
}

static bool tells_apart(const Compiler *c, uint32_t argument)
{
    for (size_t i = 0; i < c->rules.len; i++) {
        Word head, other;
        uint32_t len, other_len;
        if (!pattern_key(expr_at(c->rules.data[i].lhs, argument), &head, &len)) return false;
        for (size_t k = 0; k < i; k++) {
            pattern_key(expr_at(c->rules.data[k].lhs, argument), &other, &other_len);
            if (other == head && other_len == len) return false;
        }
    }
    return true;
}

/* At most one clause can match a call whose arguments hold no variables where the patterns look. */
static bool clauses_exclude_each_other(const Compiler *c)
{
    if (c->rules.len == 1) return true;
    for (uint32_t i = 1; i <= c->chunk->arity; i++)
        if (tells_apart(c, i)) return true;
    return false;
}

static void collect_rules(Compiler *c)
{
    uint32_t n = c->chunk->arity + 1;
    Word *items;
    Word goal = atom_expr_open(&c->rt->heap, n, &items);
    items[0] = word_sym(c->chunk->name);
    for (uint32_t i = 1; i < n; i++) items[i] = atom_new_var(&c->rt->heap, SYM_EQUAL, 0);
    for (size_t i = 0; i < c->scope->spaces.len; i++) {
        RuleCursor cursor;
        Rule rule;
        rules_open(c->scope->spaces.data[i], goal, &cursor);
        while (rules_next(&cursor, goal, &rule)) {
            if (!atom_is_cons(rule.lhs) || expr_at(rule.lhs, 0) != items[0] || expr_len(rule.lhs) != n)
                refuse(c, REFUSED_WILD_HEAD);
            vec_push(&c->rules, rule);
            vec_push(&c->rule_spaces, i);
        }
    }
    if (c->rules.len == 0) refuse(c, REFUSED_NO_RULES);
    if (c->rules.len > MAX_CLAUSES) refuse(c, REFUSED_TOO_LARGE);
}

static bool is_function_body(const Compiler *c, Word rhs)
{
    return atom_is_cons(rhs) && native_of(c, expr_at(rhs, 0)) == BI_function + 1;
}

static void begin_clause(Compiler *c, const Rule *rule)
{
    c->rule = rule;
    c->part = c->chunk->arity;
    c->height = 0;
    c->map_first = (uint32_t)c->chunk->slot_map.len;
    vec_clear(&c->local_of);
    vec_clear(&c->evaluated);
    for (uint32_t i = 0; i < rule->slot_count; i++) {
        vec_push(&c->local_of, NO_LOCAL);
        vec_push(&c->chunk->slot_map, NO_LOCAL);
        vec_push(&c->chunk->names, rule->names[i]);
    }
}

/* Slots that no pattern binds get a local of their own: templates share the variable that stands there, or a let binds it. */
static void place_free_slots(Compiler *c)
{
    for (uint32_t i = 0; i < c->local_of.len; i++)
        if (c->local_of.data[i] == NO_LOCAL)
            c->chunk->slot_map.data[c->map_first + i] = (uint8_t)new_local(c);
}

static void note_place(Compiler *c, size_t space, const Rule *rule)
{
    size_t n;
    const Span *span = rt_rule_spans(c->rt, c->scope->spaces.data[space], rule->id, &n);
    CodePlace place = {(uint32_t)c->chunk->code.len, {0}};
    if (span && n > 0) place.span = *span;
    vec_push(&c->chunk->places, place);
}

static void compile_clause(Compiler *c, const Rule *rule, size_t space)
{
    begin_clause(c, rule);
    note_place(c, space, rule);

    for (uint32_t i = 1; i <= c->chunk->arity && c->refusal == REFUSED_NONE; i++)
        match_pattern(c, expr_at(rule->lhs, i), i - 1, MAX_NESTING);
    if (is_function_body(c, rule->rhs)) refuse(c, REFUSED_FUNCTION_BODY);
    place_free_slots(c);
    if (c->refusal != REFUSED_NONE) return;
    if (rule->rhs == W_SYM(NOT_REDUCIBLE))
        emit_op(c, OP_STUCK, 0);
    else
        compile_tail(c, rule->rhs, MAX_NESTING);
    patch_all(c, &c->next_clause);
}

Chunk *compile_function(Runtime *rt, Scope *scope, uint32_t name, uint32_t arity, CompileRefusal *why)
{
    Compiler c = {.rt = rt, .scope = scope, .chunk = base_calloc(1, sizeof(Chunk))};
    c.chunk->name = name;
    c.chunk->arity = c.chunk->locals = arity;
    c.chunk->epoch = rt_epoch(rt);
    if (arity > MAX_LOCALS / 2) refuse(&c, REFUSED_TOO_LARGE);
    collect_rules(&c);
    if (c.refusal == REFUSED_NONE && !clauses_exclude_each_other(&c)) refuse(&c, REFUSED_OVERLAP);
    for (size_t i = 0; i < c.rules.len && c.refusal == REFUSED_NONE; i++)
        compile_clause(&c, &c.rules.data[i], c.rule_spaces.data[i]);
    CodePlace nowhere = {(uint32_t)c.chunk->code.len, {0}};
    vec_push(&c.chunk->places, nowhere);
    emit_op(&c, OP_STUCK, 0);
    if (c.chunk->code.len > INT16_MAX) refuse(&c, REFUSED_TOO_LARGE);
    *why = c.refusal;
    vec_free(&c.rules);
    vec_free(&c.rule_spaces);
    vec_free(&c.local_of);
    vec_free(&c.next_clause);
    vec_free(&c.evaluated);
    if (c.refusal == REFUSED_NONE) return c.chunk;
    chunk_free(c.chunk);
    return NULL;
}
