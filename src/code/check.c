/* Types of calls: what the compiler knows of them, and the guards for what it does not know. */
#include "code/compiler.h"

enum { CHECK_DEPTH = MAX_NESTING, SETTLE_DEPTH = 2 };

/* What find_type says of an expression that any parameter takes: its type is a type variable. */
#define ANYTHING WORD_TRUE

uint32_t need_label(Compiler *c, uint32_t *l)
{
    if (*l == NO_LABEL) *l = new_label(c);
    return *l;
}

/* -- Heads -- */

uint32_t native_of(Compiler *c, Word head)
{
    depend_on_types(c, head);
    if (word_is_op(head)) return word_op_index(head) + 1;
    return word_is_sym(head) ? rt_native(c->rt, word_sym_id(head)) : 0;
}

static const SymbolTypes *types_of_symbol(Compiler *c, Word symbol)
{
    depend_on_types(c, symbol);
    return scope_symbol_types(&c->rt->types, c->scope, word_sym_id(symbol));
}

/* Has the native operation the meaning that it was made with? */
static bool is_untouched(Compiler *c, Word head, uint32_t builtin)
{
    if (c->rt->overridden.data[builtin]) return false;
    return !word_is_sym(head) || types_of_symbol(c, head)->count <= 1;
}

bool is_native_call(Compiler *c, Word e, uint32_t builtin, uint32_t n)
{
    if (!atom_is_cons(e) || expr_len(e) != n || native_of(c, expr_at(e, 0)) != builtin + 1) return false;
    return is_untouched(c, expr_at(e, 0), builtin);
}

bool is_minimal(Compiler *c, Word e)
{
    switch (native_of(c, expr_at(e, 0)) - 1) {
    case BI_eval:
    case BI_evalc:
    case BI_chain:
    case BI_unify:
    case BI_cons_atom:
    case BI_decons_atom:
    case BI_function:
    case BI_collapse_bind:
    case BI_superpose_bind:
    case BI_metta:
    case BI_context_space:
    case BI_call_native:
        return true;
    default:
        return false;
    }
}

bool is_plain_call(Compiler *c, Word e)
{
    if (!atom_is_cons(e) || expr_len(e) > MAX_ARGUMENTS) return false;
    Word head = expr_at(e, 0);
    if (!word_is_sym(head) || head == W_SYM(ERROR) || head == W_SYM(EMPTY) || head == W_SYM(HEADED) ||
        native_of(c, head))
        return false;
    return types_of_symbol(c, head)->count == 0;
}

bool is_data(Compiler *c, Word e)
{
    if (scope_has_rules(c->scope, word_sym_id(expr_at(e, 0)), expr_len(e))) return false;
    depend(c, expr_at(e, 0));
    return true;
}

bool is_data_tuple(Compiler *c, Word e)
{
    /* A change of what is asked of expressions without a symbol for a head expires all chunks. */
    if (!atom_is_cons(e) || expr_len(e) > MAX_ARGUMENTS || !headless_are_data(&c->rt->types, c->scope))
        return false;
    for (Word head = expr_at(e, 0);; head = expr_at(head, 0)) {
        if (is_inert_atom(head)) return true;
        if (!atom_is_cons(head)) return false;
        if (is_plain_call(c, head))
            return is_data(c, head) && !has_typed_expressions(&c->rt->types, expr_at(head, 0));
    }
}

bool is_known_data(Compiler *c, Word e)
{
    return (is_plain_call(c, e) && is_data(c, e)) || is_data_tuple(c, e);
}

static const Signature *signature_of(Compiler *c, Word head)
{
    if (word_is_op(head)) return &c->rt->types.op_signatures[word_op_index(head)];
    return word_is_sym(head) ? &types_of_symbol(c, head)->signature : NULL;
}

/* The signature of E, an operation on the box that is its first argument, as far as its type tells: a plain one. */
static const Signature *box_signature(Compiler *c, const Signature *sig, Word e)
{
    Word content = type_in_box(expr_at(e, 1));
    if (word_is_nil(content)) return NULL;
    Param of_content = {content == W_SYM(UNDEFINED) ? PARAM_ANY : PARAM_CONST, content};
    Signature *plain = base_calloc(1, sizeof *plain);
    plain->kind = SIGNATURE_SIMPLE;
    plain->param_count = sig->param_count;
    plain->params[0] = (Param){PARAM_ANY, W_SYM(UNDEFINED)};
    plain->params[1] = of_content;
    /* A result of no known type is not given where another is expected. */
    bool typed = sig->kind == SIGNATURE_GET && of_content.kind == PARAM_CONST;
    plain->result = typed ? of_content : (Param){PARAM_FIXED, W_SYM(UNDEFINED)};
    vec_push(&c->signatures, plain);
    return plain;
}

static Word type_for_variable(Compiler *c, Word e, Word type, Word variable);

/* P, or when it is a type variable, the parameter that it is in the call E by a function of TYPE.  False: that is not known. */
static bool settle_param(Compiler *c, Word e, Word type, Word declared, Param *p)
{
    if (p->kind != PARAM_COMPLEX) return true;
    declared = atom_deref(declared);
    if (!word_is_cell(declared)) return false;
    *p = (Param){PARAM_CONST, type_for_variable(c, e, type, declared)};
    return !word_is_nil(p->type);
}

/* The signature of E, a call of a function with one type that has type variables, with the types for these that arguments tell, or that
 * guards can make sure of; NULL: they cannot. */
static const Signature *settled_signature(Compiler *c, const Signature *sig, Word e)
{
    const SymbolTypes *types = types_of_symbol(c, expr_at(e, 0));
    if (types->count != 1 || native_of(c, expr_at(e, 0))) return NULL;
    Word type = types->types[0];
    Signature settled = *sig;
    settled.kind = SIGNATURE_SIMPLE;
    for (uint32_t i = 0; i < sig->param_count; i++)
        if (!settle_param(c, e, type, expr_at(type, i + 1), &settled.params[i])) return NULL;
    if (!settle_param(c, e, type, expr_at(type, sig->param_count + 1), &settled.result)) return NULL;
    Signature *made = base_alloc(sizeof *made);
    *made = settled;
    vec_push(&c->signatures, made);
    return made;
}

const Signature *simple_signature(Compiler *c, Word e)
{
    const Signature *sig = signature_of(c, expr_at(e, 0));
    if (!sig || sig->param_count != expr_len(e) - 1) return NULL;
    switch (sig->kind) {
    case SIGNATURE_SIMPLE:
    case SIGNATURE_SAME:
        return sig;
    case SIGNATURE_GET:
    case SIGNATURE_PUT:
        return box_signature(c, sig, e);
    case SIGNATURE_GENERAL:
        return word_is_sym(expr_at(e, 0)) && sig->param_count > 0 ? settled_signature(c, sig, e) : NULL;
    case SIGNATURE_NONE:
        break;
    }
    return NULL;
}

Word declared_result(Compiler *c, const Signature *sig, Word head)
{
    if (sig->result.kind == PARAM_COMPLEX) return WORD_NIL;
    if (sig->result.kind == PARAM_FIXED && word_is_sym(head)) {
        Word type = types_of_symbol(c, head)->types[0];
        return atom_deref(expr_at(type, expr_len(type) - 1));
    }
    return type_of_result(sig->result.type);
}

/* -- Checks --
 *
 * One walk serves for asking and for emitting.  The words are those of type_quick and signature_accepts (type/type.c): what they
 * would say of the instance of an expression, said now. */
typedef struct Check {
    Compiler *c;
    bool emit;
    uint32_t *fallback;
} Check;

static bool passes(Word type, bool inferring)
{
    return type == ANYTHING || type == W_SYM(UNDEFINED) || (!inferring && type == W_SYM(T_ATOM));
}

static bool check_arguments(Check *k, const Signature *sig, Word e, bool inferring, int depth);

static bool guard(Check *k, Op op, Word slot)
{
    if (k->emit) EMIT2(k->c, op, slot_local(k->c, slot), need_label(k->c, k->fallback));
    return true;
}

static bool guard_kind(Check *k, Op op, Word slot, SlotKind kind)
{
    SlotInfo *info = slot_info(k->c, slot);
    if (info->kind == kind) return true;
    guard(k, op, slot);
    if (k->emit) info->kind = (uint8_t)kind;
    return true;
}

/* The variable SLOT where PARAM takes it. */
static bool check_slot(Check *k, const Param *param, Word slot, bool inferring)
{
    Compiler *c = k->c;
    SlotInfo *info = slot_info(c, slot);
    if (info->state == SLOT_NONE) return true; /* a new variable: it may be anything */
    if (info->state == SLOT_PERHAPS && k->emit) use_slot(c, slot);
    if (param->kind == PARAM_META)
        return param->type == W_SYM(T_EXPRESSION) && guard_kind(k, OP_GUARD_EXPR, slot, KIND_EXPR);
    if (param->kind == PARAM_ANY)
        return info->kind == KIND_NUMBER || info->kind == KIND_BOOL || guard(k, OP_GUARD_ANY, slot);
    if (param->type == W_SYM(T_NUMBER)) return guard_kind(k, OP_GUARD_NUMBER, slot, KIND_NUMBER);
    if (param->type == W_SYM(T_BOOL)) return guard_kind(k, OP_GUARD_BOOL, slot, KIND_BOOL);
    if (k->emit)
        EMIT4(c, OP_GUARD_TYPE_OF, info->local, constant(c, param->type), !inferring,
              need_label(c, k->fallback));
    return true;
}

/* What HEAD stands for is a symbol that has no type, and calls of it have none. */
static bool check_plain_slot(Check *k, Word head)
{
    return slot_info(k->c, head)->state == SLOT_SET && guard(k, OP_GUARD_PLAIN, head);
}

/* The type of instances of E, whose head is an expression: none if the leftmost atom has none. */
static Word type_of_nested(Check *k, Word e)
{
    Compiler *c = k->c;
    Word left = expr_at(e, 0);
    while (atom_is_cons(left)) left = expr_at(left, 0);
    bool none = word_is_slot(left) ? check_plain_slot(k, left) : left == WORD_UNIT;
    if (word_is_sym(left) && !native_of(c, left) && left != W_SYM(ERROR))
        none = types_of_symbol(c, left)->count == 0 && !has_typed_expressions(&c->rt->types, left);
    return none && !c->rt->types.typed_expr_other ? W_SYM(UNDEFINED) : WORD_NIL;
}

/* The type that type_quick finds for the instances of E, an expression; WORD_NIL: unknown.  Guards what that depends on. */
static Word find_type(Check *k, Word e, int depth)
{
    Compiler *c = k->c;
    Word head = expr_at(e, 0);
    if (word_is_slot(head)) return check_plain_slot(k, head) ? W_SYM(UNDEFINED) : WORD_NIL;
    if (atom_is_cons(head)) return type_of_nested(k, e);
    const Signature *sig = signature_of(c, head);
    if (!sig || has_typed_expressions(&c->rt->types, head)) return WORD_NIL;
    if (sig->kind == SIGNATURE_NONE) return W_SYM(UNDEFINED);
    sig = simple_signature(c, e);
    if (depth == 0 || !sig || !check_arguments(k, sig, e, true, depth - 1)) return WORD_NIL;
    if (sig->result.kind == PARAM_FIXED) return TYPE_COMPOUND;
    if (sig->result.kind == PARAM_COMPLEX) return is_native_call(c, e, BI_if_, 4) ? ANYTHING : WORD_NIL;
    return sig->result.type;
}

/* The type of E, which is no variable. */
static Word type_of_item(Check *k, Word e, int depth)
{
    if (atom_is_cons(e)) return find_type(k, e, depth);
    depend_on_types(k->c, e);
    return type_quick(&k->c->rt->types, k->c->scope, e);
}

/* The type that VARIABLE, a parameter of the function type TYPE, has in the call E: the plain one of the first argument for it that is no
 * variable and has one; else Number, which guards make sure of.  WORD_NIL: none of them tells. */
static Word type_for_variable(Compiler *c, Word e, Word type, Word variable)
{
    Check k = {c, false, NULL};
    Word guess = WORD_NIL;
    if (c->settling == SETTLE_DEPTH) return WORD_NIL;
    c->settling++;
    for (uint32_t i = 1; i < expr_len(e); i++) {
        Word item = expr_at(e, i);
        if (atom_deref(expr_at(type, i)) != variable) continue;
        if (word_is_slot(item)) {
            if (slot_info(c, item)->state != SLOT_NONE) guess = W_SYM(T_NUMBER);
            continue;
        }
        Word found = type_of_item(&k, item, SETTLE_DEPTH);
        if (!word_is_sym(found) || found == W_SYM(UNDEFINED) || type_is_meta(found)) continue;
        guess = found;
        break;
    }
    c->settling--;
    return guess;
}

/* Is HEAD, the head of an expression, nothing that has a function type?  Then the expression is evaluated as a tuple, and its types, of which
 * none tells of an error, are those of a tuple. */
static bool check_head(Check *k, Word head, int depth)
{
    TypeWorld *types = &k->c->rt->types;
    if (word_is_slot(head)) return slot_info(k->c, head)->state == SLOT_SET && guard(k, OP_GUARD_HEAD, head);
    if (!atom_is_cons(head)) return is_inert_atom(head) && !types->typed_expr_other;
    Word inner = expr_at(head, 0);
    if (!word_is_sym(inner) && !word_is_op(inner)) return depth > 0 && check_head(k, inner, depth - 1);
    Word type = find_type(k, head, depth);
    return word_is_sym(type) && type != W_SYM(ARROW);
}

static bool is_tuple(Word e)
{
    return atom_is_cons(e) && !word_is_sym(expr_at(e, 0)) && !word_is_op(expr_at(e, 0));
}

static bool check_item(Check *k, const Param *param, Word item, bool inferring, int depth)
{
    if (param->kind == PARAM_ATOM) return true;
    if (param->kind == PARAM_ANY && is_tuple(item)) return check_head(k, expr_at(item, 0), depth);
    if (word_is_slot(item)) return check_slot(k, param, item, inferring);
    if (param->kind == PARAM_META && atom_metatype(item) == param->type) return true;
    if (param->kind == PARAM_ANY && atom_is_cons(item) && is_breakpoint(k->c, item)) return true;
    Word type = type_of_item(k, item, depth);
    if (word_is_nil(type)) return false;
    return param->kind == PARAM_ANY || type == param->type || passes(type, inferring);
}

/* Are calls among the items of E, an expression that is data itself, or variables, which may stand for some? */
static bool has_calls(Compiler *c, Word e, int depth)
{
    for (uint32_t i = 1; i < expr_len(e); i++) {
        Word item = expr_at(e, i);
        if (word_is_slot(item) ||
            (atom_is_cons(item) && (depth == 0 || !is_known_data(c, item) || has_calls(c, item, depth - 1))))
            return true;
    }
    return false;
}

/* Is E, of TYPE, a call whose result is of the type that it is compared with? */
static bool is_called(Compiler *c, Word e, Word type)
{
    return atom_is_cons(e) && passes(type, true) && !(is_plain_call(c, e) && is_data(c, e));
}

/* The type of E for the sake of the variable it is compared with.  The value of that variable decides where which type is
 * expected E is evaluated, so when E is a call the variable must be a Number. */
static Word type_of_side(Check *k, Word e, int depth)
{
    Word type = type_of_item(k, e, depth);
    return is_called(k->c, e, type) ? W_SYM(T_NUMBER) : type;
}

/* One side of ==, a variable whose value is compared with something of TYPE. */
static bool check_side(Check *k, Word slot, Word type, bool inferring)
{
    Param param = {type == W_SYM(UNDEFINED) || type == ANYTHING ? PARAM_ANY : PARAM_CONST, type};
    SlotInfo *info = slot_info(k->c, slot);
    if (info->state == SLOT_NONE || info->kind == KIND_NUMBER || info->kind == KIND_BOOL)
        return param.kind == PARAM_ANY || check_slot(k, &param, slot, inferring);
    if (param.kind == PARAM_ANY) return guard(k, OP_GUARD_VALUE, slot);
    return (type == W_SYM(T_NUMBER) || type == W_SYM(T_BOOL)) && check_slot(k, &param, slot, inferring);
}

/* The variables X and Y must be of one type, unless what was emitted last has made sure of that: a condition and the form that it is of both ask. */
static void guard_same(Check *k, const SlotInfo *x, const SlotInfo *y)
{
    Compiler *c = k->c;
    const Instr *last = c->compared ? &c->code.instrs.data[c->compared - 1] : NULL;
    bool again =
        c->compared == c->code.instrs.len && last && last->arg[0] == x->local && last->arg[1] == y->local;
    if (again) return;
    EMIT3(c, OP_GUARD_SAME, x->local, y->local, need_label(c, k->fallback));
    c->compared = c->code.instrs.len;
}

/* (== A B): both must be of one type, or the type of one not be known. */
static bool check_same(Check *k, Word e, bool inferring, int depth)
{
    Compiler *c = k->c;
    Word a = expr_at(e, 1), b = expr_at(e, 2);
    if (word_is_slot(a) && word_is_slot(b)) {
        SlotInfo *x = slot_info(c, a), *y = slot_info(c, b);
        if (x->state == SLOT_NONE || y->state == SLOT_NONE) return false;
        if (x->kind == y->kind && (x->kind == KIND_NUMBER || x->kind == KIND_BOOL)) return true;
        if (k->emit) {
            use_slot(c, a);
            use_slot(c, b);
            guard_same(k, x, y);
        }
        return true;
    }
    if (word_is_slot(b)) {
        Word type = type_of_side(k, a, depth);
        return !word_is_nil(type) && check_side(k, b, type, inferring);
    }
    if (word_is_slot(a)) {
        Word type = type_of_side(k, b, depth);
        return !word_is_nil(type) && check_side(k, a, type, inferring);
    }
    Word type = type_of_item(k, b, depth);
    if (word_is_nil(type) || type == TYPE_COMPOUND) return false;
    Word other = type_of_item(k, a, depth);
    /* The value of one decides where which type is expected the other is evaluated: for Expression the items of data are not, either. */
    if ((type == ANYTHING || other == ANYTHING) && is_called(c, a, other) && is_called(c, b, type))
        return false;
    if (other == ANYTHING && atom_is_cons(b) && has_calls(c, b, depth)) return false;
    return !word_is_nil(other) && other != TYPE_COMPOUND &&
           (type == other || passes(type, inferring) || passes(other, inferring));
}

static bool check_arguments(Check *k, const Signature *sig, Word e, bool inferring, int depth)
{
    if (sig->kind == SIGNATURE_SAME) return check_same(k, e, inferring, depth);
    for (uint32_t i = 0; i < sig->param_count; i++)
        if (!check_item(k, &sig->params[i], expr_at(e, i + 1), inferring, depth)) return false;
    return true;
}

bool can_check(Compiler *c, const Signature *sig, Word e)
{
    Check k = {c, false, NULL};
    return check_arguments(&k, sig, e, false, CHECK_DEPTH);
}

void emit_checks(Compiler *c, const Signature *sig, Word e, uint32_t *fallback)
{
    Check k = {c, true, fallback};
    check_arguments(&k, sig, e, false, CHECK_DEPTH);
}

static const Param any_param = {PARAM_ANY, W_SYM(UNDEFINED)};

bool can_check_any(Compiler *c, Word e)
{
    Check k = {c, false, NULL};
    return check_item(&k, &any_param, e, false, CHECK_DEPTH);
}

void emit_check_any(Compiler *c, Word e, uint32_t *fallback)
{
    Check k = {c, true, fallback};
    check_item(&k, &any_param, e, false, CHECK_DEPTH);
}

bool is_tuple_call(Compiler *c, Word e)
{
    Check k = {c, false, NULL};
    return is_tuple(e) && expr_len(e) <= MAX_ARGUMENTS && check_head(&k, expr_at(e, 0), CHECK_DEPTH);
}

void emit_check_head(Compiler *c, Word e, uint32_t *fallback)
{
    Check k = {c, true, fallback};
    check_head(&k, expr_at(e, 0), CHECK_DEPTH);
}

Word static_type(Compiler *c, Word e)
{
    Check k = {c, false, NULL};
    if (word_is_slot(e)) {
        uint8_t kind = slot_info(c, e)->kind;
        return kind == KIND_NUMBER ? W_SYM(T_NUMBER) : kind == KIND_BOOL ? W_SYM(T_BOOL) : WORD_NIL;
    }
    Word type = type_of_item(&k, e, CHECK_DEPTH);
    return type == ANYTHING ? W_SYM(UNDEFINED) : type;
}
