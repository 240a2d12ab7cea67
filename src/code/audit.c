#include "code/audit.h"

#include "builtin/builtin.h"
#include "code/compile.h"

#include <string.h>

/* -- What each opcode takes for granted --
 *
 * A character for each operand:
 *
 *   s  r read: holds an atom           w written: an atom               v becomes a variable if it holds nothing
 *      g holds an expression that has item n                            F read, and on the way on an expression of n items
 *      m written: the mark of a choice point                            d read: such a mark, which is void afterwards
 *      z holds nothing afterwards       u perhaps written: an atom       l holds nothing or what was gathered, and more of it afterwards
 *      e holds nothing or what was gathered; afterwards an atom         a holds an atom or nothing; afterwards nothing
 *   t  p instantiated or matched: on the way on its variables exist     i instantiated, and the frame ends, or the value replaces it
 *      1 2 an expression with an item 1, 2 that is replaced             x the same for item n, 0: none
 *      c an expression                                                  h the left side of a rule for the chunk's function
 *      n instantiated with variables of its own
 *   k  k any atom                      y a symbol
 *      o an operation that code may run itself                          b an operation that code may call
 *   f  f takes as many arguments as are passed
 *   n  1 not 0                         q 0 or 1
 *   .  anything that chunk_verify lets pass */
static const char *const contracts[256] = {
    [OP_NOP] = "",
    [OP_POP] = "",
    [OP_PUSH_LONG_SMALL] = ".",
    [OP_PUSH_CONST] = "k",
    [OP_MAKE_SEXPR] = "1",
    [OP_MAKE_SAME] = "1",
    [OP_PUSH_TEMPLATE] = "p",
    [OP_CONS_ATOM] = "",
    [OP_DECONS_ATOM] = "",
    [OP_LOAD_LOCAL] = "r",
    [OP_STORE_LOCAL] = "w",
    [OP_EVAL_LOCAL] = "r",
    [OP_GET_ITEM] = "g.w",
    [OP_NEW_VAR] = "vy",
    [OP_EVAL_TYPED] = "rk",
    [OP_CLEAR] = "z",
    [OP_JUMP] = ".",
    [OP_BRANCH_BOOL] = ".1.",
    [OP_TAIL_BRANCH_BOOL] = ".1",
    [OP_BLOCK] = "k.",
    [OP_ACCEPT] = "",
    [OP_ACCEPT_ANY] = "",
    [OP_INLINED] = ".",
    [OP_CASE_DONE] = "d",
    [OP_CALL] = "f.",
    [OP_CALL_STEP] = "f.",
    [OP_TAIL_CALL] = "f.",
    [OP_RETURN] = "",
    [OP_RETURN_LOCAL] = "r",
    [OP_RETURN_ERROR] = "i",
    [OP_RETURN_BRANCH] = "r1k",
    [OP_RETURN_FORM] = "rx.r",
    [OP_BRANCH_VALUE] = "r1k",
    [OP_RETURN_ARGUMENT] = "ri",
    [OP_CALL_VALUE] = ".",
    [OP_CALL_VALUE_TYPED] = "k.",
    [OP_CALL_NATIVE] = "o.",
    [OP_CALL_BUILTIN] = "b.",
    [OP_CALL_TYPED] = "kf.",
    [OP_TAIL_CALL_TYPED] = "kf.",
    [OP_TAIL_CALL_VALUE] = ".",
    [OP_SWITCH] = "r...",
    [OP_MATCH_FUNCTOR] = "Fk...",
    [OP_MATCH_LENGTH] = "F...",
    [OP_MATCH_CONST] = "rk..",
    [OP_MATCH_ATOM] = "rk..",
    [OP_MATCH_SAME] = "rr.",
    [OP_SPLIT] = "rww.",
    [OP_BIND_NEW] = "Fn..",
    [OP_UNIFY_STEP] = "pp..",
    [OP_UNIFY_HEAD] = "hq.",
    [OP_TRY] = ".",
    [OP_FORK] = ".",
    [OP_FORK_CASE] = "m.",
    [OP_MATCH_TEMPLATE] = "rp.",
    [OP_MATCH_LET] = "rp2.",
    [OP_UNIFY_TERMS] = "ppi..",
    [OP_GUARD_NUMBER] = "r.",
    [OP_GUARD_BOOL] = "r.",
    [OP_GUARD_EXPR] = "r.",
    [OP_GUARD_ANY] = "r.",
    [OP_GUARD_VALUE] = "r.",
    [OP_GUARD_TYPE_OF] = "rk..",
    [OP_GUARD_SAME] = "rr.",
    [OP_GUARD_PLAIN] = "r.",
    [OP_GUARD_HEAD] = "r.",
    [OP_GUARD_TYPE] = "k.",
    [OP_GUARD_SETTLED] = "r.",
    [OP_GUARD_GROUND] = "r.",
    [OP_ANY_TYPE] = "",
    [OP_STUCK] = "",
    [OP_NOT_REDUCIBLE] = "",
    [OP_STEPS] = "",
    [OP_GIVE_STEP] = "p",
    [OP_RETURN_VALUE] = "r",
    [OP_RUN] = "p",
    [OP_FUNCTION_REST] = "i",
    [OP_FORM_REST] = "ii",
    [OP_MATCH_SPACE] = ".",
    [OP_EACH_NEXT] = "rrw.",
    [OP_GATHER] = "l",
    [OP_GATHER_RESULT] = "lui",
    [OP_GATHERED] = "e",
    [OP_KEEP] = "lrai.",
    [OP_TAIL_ITEMS] = "r.",
    [OP_EVAL] = "pk",
    [OP_STEP_NATIVE] = "o..",
    [OP_TAIL_EVAL] = "i",
    [OP_COLLAPSE] = ".",
    [OP_COLLAPSE_COUNT] = ".",
    [OP_SUPERPOSE] = "",
    [OP_TAIL_FUNCTION] = "c",
    [OP_ADD] = "",
    [OP_SUB] = "",
    [OP_MUL] = "",
    [OP_LT] = "",
    [OP_LE] = "",
    [OP_GT] = "",
    [OP_GE] = "",
    [OP_EQ] = "",
    [OP_FAIL] = "",
    [OP_BREAKPOINT] = "q",
    [OP_TRACE] = "p",
    [OP_HALT] = "",
};

enum {
    FRAME_BYTES = 256,    /* of a frame and a choice point without their words, generously */
    MOST_STACK = 1 << 14, /* bytes of the machine's stack for one call: interp/run.c counts on that many */
    MOST_ALLOCATED = 1 << 22, /* words that the templates of one call make: a safepoint may be as far */
    SATURATED = 1 << 24,
};

/* What a local holds. */
typedef enum Held {
    HELD_PERHAPS, /* an atom, or nothing */
    HELD_ATOM,
    HELD_NOTHING,
    HELD_LIST, /* nothing, or what was gathered (each_next): no atom */
    HELD_MARK, /* of a choice point that is there */
    HELD_DEAD, /* such a mark, of one that may be gone; or one way in has a mark or list and another has not */
} Held;

typedef struct LocalState {
    uint8_t held;  /* Held */
    uint8_t items; /* it is an expression of at least as many items */
} LocalState;

typedef enum EdgeKind { EDGE_NEXT, EDGE_JUMP, EDGE_CASE, EDGE_STALE } EdgeKind;

typedef struct Edge {
    uint32_t to; /* a node */
    EdgeKind kind;
    uint32_t items; /* EDGE_CASE: of the value */
} Edge;

/* An instruction that control may reach. */
typedef struct Node {
    uint32_t at, first, count; /* edges */
    uint32_t cost;             /* frames and choice points that it and what follows may stack up */
    enum { NEW, OPEN, DONE } state;
    bool seen; /* control comes here: the states of locals are set */
    bool step; /* control may come here in a call that is a step, which expects no type */
} Node;

/* The locals that a template's variables are in. */
typedef struct TermInfo {
    uint64_t locals[4];
    uint32_t size; /* words */
} TermInfo;

typedef struct Audit {
    const Runtime *rt;
    const Chunk *c;
    int32_t *heights;
    uint32_t *node_at; /* by offset: index + 1 of the node */
    VEC(Node) nodes;
    VEC(Edge) edges;
    VEC(uint32_t) order; /* nodes, each before those that come before it */
    TermInfo *terms;     /* by template */
    LocalState *states;  /* by node and local */
    LocalState now[256];
    bool step; /* of now */
    const char *error;
    uint32_t at;
} Audit;

static bool fail(Audit *a, uint32_t at, const char *error)
{
    if (!a->error) {
        a->error = error;
        a->at = at;
    }
    return false;
}

/* The parts of a fusion are checked one by one where they stand. */
static uint8_t op_at(const Audit *a, uint32_t at)
{
    return op_first(a->c->code.data[at]);
}

/* -- Tables -- */

static bool is_constant(Word w)
{
    if (atom_is_cons(w)) return expr_is_ground(w);
    return !word_is_var(w) && !word_is_nil(w) && word_tag(w) != TAG_RAW && word_tag(w) != TAG_ERROR;
}

static bool check_constants(Audit *a)
{
    for (size_t i = 0; i < a->c->constants.len; i++)
        if (!is_constant(a->c->constants.data[i])) return fail(a, 0, "a constant is no closed atom");
    return true;
}

static bool note_slot(Audit *a, const Template *t, Word slot, TermInfo *info)
{
    if (word_is_cell(slot)) return fail(a, 0, "a template has a variable that is no slot");
    if (word_slot_index(slot) >= t->count) return fail(a, 0, "a template has a slot that it does not map");
    uint8_t local = a->c->slot_map.data[t->first + word_slot_index(slot)];
    info->locals[local / 64] |= UINT64_C(1) << (local % 64);
    return true;
}

static bool check_term(Audit *a, const Template *t, TermInfo *info)
{
    WordVec todo = {0};
    bool ok = true;
    vec_push(&todo, t->term);
    while (ok && todo.len) {
        Word w = vec_pop(&todo);
        if (info->size < SATURATED) info->size++;
        if (word_is_var(w))
            ok = note_slot(a, t, w, info);
        else if (atom_is_cons(w) && !expr_is_ground(w))
            for (uint32_t i = 0; i < expr_len(w); i++) vec_push(&todo, expr_at(w, i));
        else if (!is_constant(w))
            ok = fail(a, 0, "a template is no atom");
    }
    vec_free(&todo);
    return ok;
}

/* Each variable must have a local of its own: what one is found to hold must not be overwritten for another. */
static bool check_slots(Audit *a, const Template *t)
{
    uint64_t taken[4] = {0};
    if ((uint64_t)t->first + t->count > a->c->slot_map.len)
        return fail(a, 0, "a template has slots that are not mapped");
    for (uint32_t i = t->first; i < t->first + t->count; i++) {
        uint8_t local = a->c->slot_map.data[i];
        uint64_t bit = UINT64_C(1) << (local % 64);
        if (taken[local / 64] & bit) return fail(a, 0, "two slots of a template share a local");
        taken[local / 64] |= bit;
    }
    return true;
}

static bool check_templates(Audit *a)
{
    const Chunk *c = a->c;
    if (c->slot_map.len != c->names.len) return fail(a, 0, "slots and their names differ in number");
    for (size_t i = 0; i < c->slot_map.len; i++) {
        if (c->slot_map.data[i] >= c->locals) return fail(a, 0, "a slot is mapped to no local");
        if (c->names.data[i].name >= sym_count(a->rt->symbols)) return fail(a, 0, "a slot has no name");
    }
    for (size_t i = 0; i < c->templates.len; i++) {
        const Template *t = &c->templates.data[i];
        if (!check_slots(a, t) || !check_term(a, t, &a->terms[i])) return false;
    }
    return true;
}

static bool check_switch(Audit *a, const Switch *s)
{
    if ((uint64_t)s->first + s->count > a->c->cases.len)
        return fail(a, 0, "a switch has cases that are not there");
    uint32_t holes = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        const SwitchCase *k = &a->c->cases.data[s->first + i];
        if (word_is_nil(k->key))
            holes++;
        else if (!is_constant(k->key) || word_is_heap(k->key))
            return fail(a, 0, "a switch has a key that is no constant");
    }
    if (s->hashed ? holes == 0 || (s->count & (s->count - 1)) : holes > 0)
        return fail(a, 0, "the table of a switch is malformed");
    return true;
}

static bool check_expressions(Audit *a)
{
    const Chunk *c = a->c;
    for (size_t i = 0; i < c->expressions.len; i++) {
        const Expression *e = &c->expressions.data[i];
        if (e->at >= c->code.len || (!e->tail && e->end >= c->code.len))
            return fail(a, 0, "an expression is not in the code");
        if (i > 0 && e->at < c->expressions.data[i - 1].at)
            return fail(a, 0, "the expressions are in no order");
        if (e->term >= c->templates.len || e->type >= c->constants.len)
            return fail(a, 0, "an expression has no template or type");
    }
    return true;
}

static bool check_tables(Audit *a)
{
    const Chunk *c = a->c;
    if (c->code.len > INT16_MAX) return fail(a, 0, "there is too much code");
    if (c->locals > 256 || c->arity > c->locals) return fail(a, 0, "too many locals");
    if (c->name >= sym_count(a->rt->symbols)) return fail(a, 0, "the function has no name");
    if (c->stale) return fail(a, 0, "the chunk has expired");
    for (size_t i = 0; i < c->switches.len; i++)
        if (!check_switch(a, &c->switches.data[i])) return false;
    for (size_t i = 0; i < c->depends.len; i++)
        if (c->depends.data[i] >= sym_count(a->rt->symbols)) return fail(a, 0, "a dependency is no symbol");
    for (size_t i = 0; i < c->uses.len; i++)
        if (c->uses.data[i] >= sym_count(a->rt->symbols)) return fail(a, 0, "a dependency is no symbol");
    for (size_t i = 1; i < c->places.len; i++)
        if (c->places.data[i].offset <= c->places.data[i - 1].offset)
            return fail(a, 0, "the places are in no order");
    return check_constants(a) && check_templates(a) && check_expressions(a);
}

/* -- The graph of control -- */

static bool add_nodes(Audit *a)
{
    const Chunk *c = a->c;
    uint32_t free_from = 0;
    for (uint32_t at = 0; at < c->code.len; at++) {
        if (a->heights[at] < 0) continue;
        if (at < free_from) return fail(a, at, "two instructions overlap");
        if (!contracts[op_at(a, at)]) return fail(a, at, "the audit knows nothing of this instruction");
        free_from = at + op_info(op_at(a, at))->length;
        Node n = {.at = at};
        vec_push(&a->nodes, n);
        a->node_at[at] = (uint32_t)a->nodes.len;
    }
    /* Expiry writes an instruction there. */
    for (size_t i = 0; i < c->expressions.len; i++) {
        uint32_t at = c->expressions.data[i].at;
        if (a->heights[at] >= 0) continue;
        for (uint32_t back = 1; back <= at && back < 16; back++)
            if (a->heights[at - back] >= 0 && op_info(op_at(a, at - back))->length > back)
                return fail(a, at, "an expression begins within an instruction");
    }
    return true;
}

static void add_edge(Audit *a, int64_t to, EdgeKind kind, uint32_t items)
{
    Edge e = {a->node_at[to] - 1, kind, items};
    vec_push(&a->edges, e);
}

static void add_cases(Audit *a, uint32_t at)
{
    const Chunk *c = a->c;
    const Switch *s = &c->switches.data[op_read16(c->code.data + at + 2)];
    for (uint32_t i = 0; i < s->count; i++) {
        const SwitchCase *k = &c->cases.data[s->first + i];
        if (!word_is_nil(k->key)) add_edge(a, k->target, EDGE_CASE, k->len);
    }
}

static void add_edges(Audit *a, Node *n)
{
    const OpInfo *op = op_info(op_at(a, n->at));
    const uint8_t *p = a->c->code.data + n->at + 1;
    int64_t next = (int64_t)n->at + op->length;
    n->first = (uint32_t)a->edges.len;
    for (const char *letter = op->operands; *letter; p += op_operand_size(*letter), letter++)
        if (*letter == 'j') add_edge(a, next + (int16_t)op_read16(p), EDGE_JUMP, 0);
    if (op_at(a, n->at) == OP_SWITCH) add_cases(a, n->at);
    /* A switch always jumps. */
    if (!(op->flags & OPF_END) && op_at(a, n->at) != OP_SWITCH) add_edge(a, next, EDGE_NEXT, 0);
    const Expression *e = chunk_expression(a->c, n->at);
    if (e && !e->tail) add_edge(a, e->end, EDGE_STALE, 0);
    n->count = (uint32_t)a->edges.len - n->first;
}

/* Does the instruction at AT leave a choice point of which the alternative is its jump target? */
static bool leaves_choice(const Audit *a, uint32_t at)
{
    uint8_t op = op_at(a, at);
    if (op == OP_UNIFY_HEAD) return a->c->code.data[at + 3] != 0;
    return op == OP_TRY || op == OP_FORK || op == OP_FORK_CASE;
}

/* What runs after the alternative was taken begins where the choice point was; what runs after a block may find left there what the
 * block stacked up. */
static void add_up_cost(Audit *a, Node *n)
{
    bool block = op_is_block(op_at(a, n->at)), choice = leaves_choice(a, n->at);
    uint64_t most = 0, next = 0;
    for (uint32_t i = 0; i < n->count; i++) {
        const Edge *e = &a->edges.data[n->first + i];
        uint64_t cost = a->nodes.data[e->to].cost;
        if (e->kind == EDGE_NEXT)
            next = cost + (choice ? 1 : 0);
        else if (cost > most)
            most = cost;
    }
    uint64_t cost = block ? 1 + most + next : most > next ? most : next;
    n->cost = cost > SATURATED ? SATURATED : (uint32_t)cost;
}

typedef struct Walk {
    uint32_t node, next;
} Walk;

/* May control come back from FROM to TO?  To the next item of an expression, of which there is an end; and to take a result of tier 0. */
static bool may_come_back(const Audit *a, const Node *from, const Node *to)
{
    return op_at(a, to->at) == OP_EACH_NEXT || op_at(a, from->at) == OP_KEEP;
}

/* Depth first from the entry: the nodes in an order, and that there is no other circle.  Each item begins at a safepoint, like a call, so the
 * cost of coming back does not count. */
static bool put_in_order(Audit *a)
{
    VEC(Walk) open = {0};
    Walk first = {a->node_at[0] - 1, 0};
    vec_push(&open, first);
    a->nodes.data[first.node].state = OPEN;
    bool ok = true;
    while (ok && open.len) {
        Walk *w = &vec_last(&open);
        Node *n = &a->nodes.data[w->node];
        if (w->next == n->count) {
            add_up_cost(a, n);
            n->state = DONE;
            vec_push(&a->order, w->node);
            open.len--;
            continue;
        }
        Walk to = {a->edges.data[n->first + w->next++].to, 0};
        if (a->nodes.data[to.node].state == OPEN && !may_come_back(a, n, &a->nodes.data[to.node]))
            ok = fail(a, n->at, "the code may run in a circle");
        if (a->nodes.data[to.node].state != NEW) continue;
        a->nodes.data[to.node].state = OPEN;
        vec_push(&open, to);
    }
    vec_free(&open);
    return ok;
}

static bool check_cost(Audit *a)
{
    uint64_t frame = FRAME_BYTES + sizeof(Word) * ((uint64_t)a->c->locals + a->c->max_stack);
    uint64_t frames = 1 + (uint64_t)a->nodes.data[a->node_at[0] - 1].cost;
    return frame * frames <= MOST_STACK || fail(a, 0, "a call may need too much stack");
}

/* -- What locals hold -- */

static bool term_uses(const Audit *a, uint32_t template, uint32_t local)
{
    return a->terms[template].locals[local / 64] >> (local % 64) & 1;
}

/* No atom, and not nothing either. */
static bool is_mark(uint8_t held)
{
    return held == HELD_LIST || held == HELD_MARK || held == HELD_DEAD;
}

static bool read_local(Audit *a, uint32_t at, uint32_t local)
{
    return a->now[local].held == HELD_ATOM || fail(a, at, "a local is read that may hold no atom");
}

/* A template whose variables must not be marks. */
static bool read_term(Audit *a, uint32_t at, uint32_t template)
{
    for (uint32_t i = 0; i < a->c->locals; i++)
        if (is_mark(a->now[i].held) && term_uses(a, template, i))
            return fail(a, at, "a variable of a template is no atom");
    return true;
}

static bool has_item(Audit *a, uint32_t at, uint32_t template, uint32_t item)
{
    Word term = a->c->templates.data[template].term;
    return (atom_is_cons(term) && expr_len(term) > item) ||
           fail(a, at, "a template lacks the item that is replaced");
}

/* May code call the operation K with N arguments, without tier 0 if AT_ONCE?  As the compiler decides (value.c). */
static bool is_callable(const Runtime *rt, Word k, uint32_t n, bool at_once)
{
    enum { MOST_ARGUMENTS = 7 };
    uint32_t index;
    if (word_is_op(k))
        index = word_op_index(k);
    else if (word_is_sym(k) && rt_native(rt, word_sym_id(k)))
        index = rt_native(rt, word_sym_id(k)) - 1;
    else
        return false;
    if (index >= rt->builtin_count) return false;
    const BuiltinInfo *info = &rt->builtins[index];
    const Signature *sig = &rt->types.op_signatures[index];
    if (!code_may_call(info) || (at_once && !code_may_run(info, index))) return false;
    bool plain = sig->kind == SIGNATURE_SIMPLE || sig->kind == SIGNATURE_SAME || sig->kind == SIGNATURE_GET ||
                 sig->kind == SIGNATURE_PUT;
    return plain && sig->param_count == n && n <= MOST_ARGUMENTS;
}

/* The count among the operands of the instruction at AT: of arguments or items. */
static uint32_t count_of(const Audit *a, uint32_t at)
{
    const uint8_t *p = a->c->code.data + at + 1;
    for (const char *letter = op_info(op_at(a, at))->operands; *letter;
         p += op_operand_size(*letter), letter++)
        if (*letter == 'n' || *letter == 'c') return *letter == 'c' ? *p & 0x7F : *p;
    return 0;
}

/* Can more be gathered in LOCAL?  When alternatives are left, variables are made in locals that templates use and that hold nothing. */
static bool is_for_gathering(Audit *a, uint32_t at, uint32_t local)
{
    if (a->now[local].held != HELD_NOTHING && a->now[local].held != HELD_LIST)
        return fail(a, at, "a local holds something else than what was gathered");
    for (size_t i = 0; i < a->c->slot_map.len; i++)
        if (a->c->slot_map.data[i] == local) return fail(a, at, "what is gathered is in a variable");
    return true;
}

static bool check_local(Audit *a, uint32_t at, char contract, uint32_t local)
{
    switch (contract) {
    case 'w':
    case '.':
        return true;
    case 'a':
    case 'u':
        if (contract == 'a' && local < a->c->arity) return fail(a, at, "an argument is taken away");
        return !is_mark(a->now[local].held) || fail(a, at, "a local is no atom that may become one");
    case 'z':
        return local >= a->c->arity || fail(a, at, "an argument is taken away");
    case 'l':
        return (local >= a->c->arity || fail(a, at, "an argument is taken away")) &&
               is_for_gathering(a, at, local);
    case 'e':
        return is_for_gathering(a, at, local);
    case 'v':
        return !is_mark(a->now[local].held) || fail(a, at, "a mark is taken for a variable");
    case 'm':
        return local >= a->c->arity || fail(a, at, "a mark takes the place of an argument");
    case 'd':
        return a->now[local].held == HELD_MARK || fail(a, at, "no choice point is marked there");
    case 'g':
        if (a->now[local].items <= count_of(a, at))
            return fail(a, at, "an item is taken of what may lack it");
        return read_local(a, at, local);
    default:
        return read_local(a, at, local);
    }
}

static bool check_head(Audit *a, uint32_t at, uint32_t template)
{
    Word term = a->c->templates.data[template].term;
    if (!atom_is_cons(term) || expr_len(term) != a->c->arity + 1)
        return fail(a, at, "a left side has another number of arguments");
    /* It is not matched, so a variable there would stay empty. */
    return word_is_sym(expr_at(term, 0)) || fail(a, at, "a left side has no symbol for a head");
}

static bool check_template(Audit *a, uint32_t at, char contract, uint32_t template)
{
    bool ok = contract == 'h' || contract == 'n' || read_term(a, at, template);
    switch (contract) {
    case '1':
        return ok && has_item(a, at, template, 1);
    case '2':
        return ok && has_item(a, at, template, 2);
    case 'x':
        return ok && has_item(a, at, template, count_of(a, at));
    case 'c':
        return ok && has_item(a, at, template, 0);
    case 'h':
        return check_head(a, at, template);
    default:
        return ok;
    }
}

static bool check_constant(Audit *a, uint32_t at, char contract, Word k)
{
    switch (contract) {
    case 'y':
        return word_is_sym(k) || fail(a, at, "a variable has no name");
    case 'o':
    case 'b':
        return is_callable(a->rt, k, count_of(a, at), contract == 'o') ||
               fail(a, at, "this is no operation that code may call so");
    default:
        return true;
    }
}

static bool check_operand(Audit *a, uint32_t at, char letter, char contract, const uint8_t *p)
{
    switch (letter) {
    case 's':
        return check_local(a, at, contract, *p);
    case 't':
        return check_template(a, at, contract, op_read16(p));
    case 'k':
        return check_constant(a, at, contract, a->c->constants.data[op_read16(p)]);
    case 'f':
        return a->c->functions.data[op_read16(p)]->arity == count_of(a, at) ||
               fail(a, at, "a function is called with another number of arguments");
    case 'n':
        if (contract == '1' && *p == 0) return fail(a, at, "an expression of no items is made");
        return contract != 'q' || *p <= 1 || fail(a, at, "an operand must be 0 or 1");
    default:
        return true;
    }
}

/* -- Effects -- */

static void hold_atom(Audit *a, uint32_t local)
{
    a->now[local] = (LocalState){HELD_ATOM, 0};
}

static void make_variables(Audit *a, uint32_t template)
{
    for (uint32_t i = 0; i < a->c->locals; i++)
        if (a->now[i].held <= HELD_NOTHING && a->now[i].held != HELD_ATOM && term_uses(a, template, i))
            hold_atom(a, i);
}

/* Slots of the rule that its left side has not are empty afterwards. */
static void match_head(Audit *a, uint32_t template)
{
    const Template *t = &a->c->templates.data[template];
    for (uint32_t i = t->first; i < t->first + t->count; i++) {
        uint8_t local = a->c->slot_map.data[i];
        if (local < a->c->arity) continue;
        a->now[local] = (LocalState){term_uses(a, template, local) ? HELD_ATOM : HELD_PERHAPS, 0};
    }
}

static void apply_operand(Audit *a, char contract, const uint8_t *p, uint32_t n)
{
    switch (contract) {
    case 'w':
    case 'e':
        hold_atom(a, *p);
        break;
    case 'a':
    case 'z':
        a->now[*p] = (LocalState){HELD_NOTHING, 0};
        break;
    case 'l':
        a->now[*p] = (LocalState){HELD_LIST, 0};
        break;
    case 'u':
        if (a->now[*p].held != HELD_ATOM) a->now[*p] = (LocalState){HELD_PERHAPS, 0};
        break;
    case 'v':
        if (a->now[*p].held != HELD_ATOM) hold_atom(a, *p);
        break;
    case 'm':
        a->now[*p] = (LocalState){HELD_MARK, 0};
        break;
    case 'd':
        a->now[*p].held = HELD_DEAD;
        break;
    case 'F':
        if (n > a->now[*p].items) a->now[*p].items = (uint8_t)n;
        break;
    case 'p':
        make_variables(a, op_read16(p));
        break;
    case 'h':
        match_head(a, op_read16(p));
        break;
    default:
        break;
    }
}

static void apply(Audit *a, uint32_t at)
{
    const uint8_t *p = a->c->code.data + at + 1;
    const char *contract = contracts[op_at(a, at)];
    for (const char *letter = op_info(op_at(a, at))->operands; *letter;
         p += op_operand_size(*letter), letter++, contract++)
        apply_operand(a, *contract, p, count_of(a, at));
}

static LocalState merged(LocalState x, LocalState y)
{
    uint8_t items = x.items < y.items ? x.items : y.items;
    if (x.held == y.held) return (LocalState){x.held, items};
    uint8_t other = x.held == HELD_LIST ? y.held : x.held;
    if (other == HELD_NOTHING && (x.held == HELD_LIST || y.held == HELD_LIST))
        return (LocalState){HELD_LIST, 0};
    if (is_mark(x.held) || is_mark(y.held)) return (LocalState){HELD_DEAD, 0};
    return (LocalState){HELD_PERHAPS, 0};
}

/* Returns whether anything is known anew of what locals hold there. */
static bool arrive(Audit *a, uint32_t node)
{
    LocalState *state = a->states + (size_t)node * a->c->locals;
    Node *n = &a->nodes.data[node];
    bool news = !n->seen;
    for (uint32_t i = 0; i < a->c->locals; i++) {
        LocalState next = n->seen ? merged(state[i], a->now[i]) : a->now[i];
        news |= next.held != state[i].held || next.items != state[i].items;
        state[i] = next;
    }
    n->seen = true;
    news |= a->step && !n->step;
    n->step |= a->step;
    return news;
}

/* A block has copies of the locals: a mark is for the frame that made it. */
static void enter_block(Audit *a)
{
    for (uint32_t i = 0; i < a->c->locals; i++)
        if (a->now[i].held == HELD_MARK) a->now[i].held = HELD_DEAD;
}

/* The alternative begins with the arguments alone; or what failed goes on there as it is. */
static void begin_again(Audit *a)
{
    for (uint32_t i = a->c->arity; i < a->c->locals; i++)
        a->now[i] = (LocalState){is_mark(a->now[i].held) ? HELD_DEAD : HELD_PERHAPS, 0};
}

static bool follow(Audit *a, const Node *n, const Edge *e)
{
    uint8_t op = op_at(a, n->at);
    switch (e->kind) {
    case EDGE_NEXT:
        apply(a, n->at);
        if (op_is_block(op)) enter_block(a);
        break;
    case EDGE_JUMP:
        if (op == OP_TRY || op == OP_UNIFY_HEAD) begin_again(a);
        if (op == OP_UNIFY_TERMS || op == OP_UNIFY_STEP) apply(a, n->at); /* both were made before */
        if (op == OP_KEEP) hold_atom(a, a->c->code.data[n->at + 3]);
        break;
    case EDGE_CASE: {
        LocalState *value = &a->now[a->c->code.data[n->at + 1]];
        uint32_t items = e->items < UINT8_MAX ? e->items : UINT8_MAX;
        if (items > value->items) value->items = (uint8_t)items;
        break;
    }
    case EDGE_STALE:
        make_variables(a, chunk_expression(a->c, n->at)->term);
        break;
    }
    return arrive(a, e->to);
}

/* May OP run in a call that expects no type?  Neither does it need one, nor does it end the call with an evaluation. */
static bool is_for_steps(uint8_t op)
{
    switch (op) {
    case OP_NOP:
    case OP_POP:
    case OP_PUSH_LONG_SMALL:
    case OP_PUSH_CONST:
    case OP_PUSH_TEMPLATE:
    case OP_CONS_ATOM:
    case OP_DECONS_ATOM:
    case OP_LOAD_LOCAL:
    case OP_STORE_LOCAL:
    case OP_GET_ITEM:
    case OP_NEW_VAR:
    case OP_CLEAR:
    case OP_JUMP:
    case OP_TAIL_BRANCH_BOOL:
    case OP_ACCEPT:
    case OP_ACCEPT_ANY:
    case OP_CALL_STEP:
    case OP_SWITCH:
    case OP_MATCH_FUNCTOR:
    case OP_MATCH_LENGTH:
    case OP_MATCH_CONST:
    case OP_MATCH_ATOM:
    case OP_MATCH_SAME:
    case OP_MATCH_TEMPLATE:
    case OP_SPLIT:
    case OP_UNIFY_HEAD:
    case OP_BIND_NEW:
    case OP_UNIFY_STEP:
    case OP_TRY:
    case OP_GUARD_EXPR:
    case OP_STUCK:
    case OP_STEPS:
    case OP_GIVE_STEP:
    case OP_RETURN_VALUE:
    case OP_RUN:
    case OP_FUNCTION_REST:
    case OP_TAIL_FUNCTION:
    case OP_STEP_NATIVE:
    case OP_FAIL:
        return true;
    default:
        return false;
    }
}

static bool check_step(Audit *a, const Node *n)
{
    const Expression *e = chunk_expression(a->c, n->at);
    if (!is_for_steps(op_at(a, n->at))) return fail(a, n->at, "a step is evaluated");
    if (!e || !e->tail) return true;
    Word type = a->c->constants.data[e->type];
    bool function = word_is_sym(type) && rt_native(a->rt, word_sym_id(type)) == BI_function + 1;
    return function || fail(a, n->at, "a step may be left for an evaluation");
}

static bool check_node(Audit *a, const Node *n)
{
    if (n->step && !check_step(a, n)) return false;
    const uint8_t *p = a->c->code.data + n->at + 1;
    uint8_t op = op_at(a, n->at);
    const char *contract = contracts[op];
    for (const char *letter = op_info(op)->operands; *letter;
         p += op_operand_size(*letter), letter++, contract++)
        if (!check_operand(a, n->at, *letter, *contract, p)) return false;
    if (leaves_choice(a, n->at) && a->heights[n->at] != 0)
        return fail(a, n->at, "a choice point is left with values on the stack");
    bool called = op == OP_CALL_VALUE || op == OP_CALL_VALUE_TYPED || op == OP_TAIL_CALL_VALUE;
    if (called && a->heights[n->at] <= (int32_t)count_of(a, n->at)) return fail(a, n->at, "stack underflow");
    const Expression *e = chunk_expression(a->c, n->at);
    return !e || read_term(a, n->at, e->term);
}

/* Once through the code; *NEWS: it has shown something new of what was checked before, in a loop. */
static bool flow_through(Audit *a, bool *news)
{
    *news = false;
    for (size_t i = a->order.len; i-- > 0;) {
        uint32_t index = a->order.data[i];
        const Node *n = &a->nodes.data[index];
        const LocalState *state = a->states + (size_t)index * a->c->locals;
        for (uint32_t k = 0; k <= n->count; k++) {
            if (a->c->locals) memcpy(a->now, state, a->c->locals * sizeof *state);
            a->step = n->step && op_at(a, n->at) != OP_GIVE_STEP;
            if (k == 0 && !check_node(a, n)) return false;
            if (k < n->count) *news |= follow(a, n, &a->edges.data[n->first + k]);
        }
    }
    return true;
}

/* What is known of locals only becomes less, so this ends. */
static bool check_flow(Audit *a)
{
    size_t size = a->nodes.len * a->c->locals;
    a->states = base_calloc(size + 1, sizeof *a->states);
    for (uint32_t i = 0; i < a->c->locals; i++)
        a->now[i] = (LocalState){i < a->c->arity ? HELD_ATOM : HELD_PERHAPS, 0};
    a->step = chunk_makes_steps(a->c);
    arrive(a, a->node_at[0] - 1);
    bool news = true;
    while (news)
        if (!flow_through(a, &news)) return false;
    return true;
}

/* What all templates that the code names make together. */
static bool check_allocation(Audit *a)
{
    uint64_t total = 0;
    for (size_t i = 0; i < a->nodes.len; i++) {
        uint32_t at = a->nodes.data[i].at;
        const uint8_t *p = a->c->code.data + at + 1;
        for (const char *letter = op_info(op_at(a, at))->operands; *letter;
             p += op_operand_size(*letter), letter++)
            if (*letter == 't') total += a->terms[op_read16(p)].size;
    }
    return total <= MOST_ALLOCATED || fail(a, 0, "a call may make too much");
}

static bool audit(Audit *a)
{
    if (!check_tables(a)) return false;
    a->heights = chunk_heights(a->c, &a->error, &a->at);
    if (!a->heights) return false;
    a->node_at = base_calloc(a->c->code.len + 1, sizeof *a->node_at);
    if (!add_nodes(a)) return false;
    for (size_t i = 0; i < a->nodes.len; i++) add_edges(a, &a->nodes.data[i]);
    return put_in_order(a) && check_cost(a) && check_flow(a) && check_allocation(a);
}

bool chunk_audit(const Runtime *rt, const Chunk *c, const char **error, uint32_t *at)
{
    Audit a = {.rt = rt, .c = c};
    a.terms = base_calloc(c->templates.len + 1, sizeof *a.terms);
    bool ok = audit(&a);
    *error = a.error;
    *at = a.at;
    base_free(a.heights);
    base_free(a.node_at);
    base_free(a.terms);
    base_free(a.states);
    vec_free(&a.nodes);
    vec_free(&a.edges);
    vec_free(&a.order);
    return ok;
}

uint32_t chunk_stack_need(const Chunk *c)
{
    Chunk roomy = *c;
    const char *error;
    uint32_t at, most = 0;
    roomy.max_stack = INT16_MAX;
    int32_t *heights = chunk_heights(&roomy, &error, &at);
    for (size_t i = 0; heights && i < c->code.len; i++)
        if (heights[i] > (int32_t)most) most = (uint32_t)heights[i];
    base_free(heights);
    return most;
}
