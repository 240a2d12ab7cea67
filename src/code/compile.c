/* The function as a whole: which clause applies, in which order.
 *
 * A switch on an argument leads to the clauses that its value leaves over, in the order of writing; another switch may follow.
 * At a leaf the clauses are tried one after the other: the tests that the switches have not made, then, when further
 * clauses are left, a choice point (try), then the body, which stands in the code once.  A test that meets a variable goes to an
 * instruction that unifies the whole left side instead (unify_head). */
#include "code/compiler.h"

const char *compile_refusal_text(CompileRefusal r)
{
    static const char *const texts[] = {
#define REFUSAL(id, text) text,
#include "code/refusals.inc"
#undef REFUSAL
    };
    return texts[r];
}

void refuse(Compiler *c, CompileRefusal why)
{
    if (c->refusal == REFUSED_NONE) c->refusal = why;
}

void depend(Compiler *c, Word head)
{
    if (!word_is_sym(head)) return;
    uint32_t id = word_sym_id(head);
    for (size_t i = 0; i < c->chunk->depends.len; i++)
        if (c->chunk->depends.data[i] == id) return;
    vec_push(&c->chunk->depends, id);
    size_t kept = 0;
    for (size_t i = 0; i < c->chunk->uses.len; i++)
        if (c->chunk->uses.data[i] != id) c->chunk->uses.data[kept++] = c->chunk->uses.data[i];
    c->chunk->uses.len = kept;
}

void depend_on_types(Compiler *c, Word head)
{
    if (!word_is_sym(head)) return;
    uint32_t id = word_sym_id(head);
    for (size_t i = 0; i < c->chunk->depends.len; i++)
        if (c->chunk->depends.data[i] == id) return;
    for (size_t i = 0; i < c->chunk->uses.len; i++)
        if (c->chunk->uses.data[i] == id) return;
    vec_push(&c->chunk->uses, id);
}

/* -- Emitting -- */

void raise_height(Compiler *c, uint32_t values)
{
    c->height += values;
    if (c->height > c->chunk->max_stack && c->height < INT16_MAX) c->chunk->max_stack = c->height;
}

void emit(Compiler *c, Op op, uint32_t pops, uint32_t a, uint32_t b, uint32_t x, uint32_t d, uint32_t e)
{
    const OpInfo *info = op_info((uint8_t)op);
    code_emit(&c->code, op, a, b, x, d, e);
    c->height -= info->pops == VARIABLE_POPS ? pops : (uint32_t)info->pops;
    raise_height(c, (uint32_t)info->pushes);
}

uint32_t constant(Compiler *c, Word w)
{
    uint32_t k = chunk_constant(c->chunk, w);
    if (k > UINT16_MAX) refuse(c, REFUSED_TOO_LARGE);
    return k;
}

uint32_t template(Compiler *c, Word term)
{
    uint32_t first = c->map_first;
    for (size_t i = c->chunk->templates.len; i-- > 0 && c->chunk->templates.data[i].first == first;)
        if (c->chunk->templates.data[i].term == term) return (uint32_t)i;
    Template t = {term, first, c->clause->rule.slot_count};
    vec_push(&c->chunk->templates, t);
    if (c->chunk->templates.len >= NO_TEMPLATE) refuse(c, REFUSED_TOO_LARGE);
    return (uint32_t)c->chunk->templates.len - 1;
}

uint32_t callee(Compiler *c, uint32_t name, uint32_t arity)
{
    Function *f = functions_get(c->functions, name, arity);
    for (size_t i = 0; i < c->chunk->functions.len; i++)
        if (c->chunk->functions.data[i] == f) return (uint32_t)i;
    vec_push(&c->chunk->functions, f);
    return (uint32_t)c->chunk->functions.len - 1;
}

uint32_t new_local(Compiler *c)
{
    uint32_t local = c->part++;
    uint32_t base = local >= BODY_LOCALS ? BODY_LOCALS : 0, *most = base ? &c->bodies : &c->heads;
    if (c->part - base > *most) *most = c->part - base;
    return local;
}

uint32_t expression_begins(Compiler *c, Word e, bool tail, Word type)
{
    uint32_t at = new_label(c), end = new_label(c);
    code_place_label(&c->code, at); /* no jump leads there */
    if (tail) place_label(c, end);
    CodeExpression x = {at, end, (uint16_t)template(c, e), (uint16_t)constant(c, type), tail};
    vec_push(&c->code.expressions, x);
    return end;
}

void expression_ends(Compiler *c, uint32_t expression)
{
    place_label(c, expression);
}

/* -- Slots -- */

/* Index of the constant that is the name of SLOT. */
static uint32_t name_of(Compiler *c, Word slot)
{
    return constant(c, word_sym(c->clause->rule.names[word_slot_index(slot)].name));
}

void make_variable(Compiler *c, Word slot)
{
    const SlotInfo *info = slot_info(c, slot);
    if (info->state == SLOT_SET) return;
    if (info->early)
        c->early.data[info->early - 1].needed = true;
    else
        EMIT2(c, OP_NEW_VAR, info->local, name_of(c, slot));
}

void map_templates(Compiler *c)
{
    c->map_first = (uint32_t)c->slot_map.len;
    for (size_t i = 0; i < c->slots.len; i++) {
        vec_push(&c->slot_map, c->slots.data[i].local);
        vec_push(&c->chunk->names, c->clause->rule.names[i]);
    }
}

uint32_t use_slot(Compiler *c, Word slot)
{
    make_variable(c, slot);
    slot_info(c, slot)->state = SLOT_SET;
    return slot_local(c, slot);
}

static void add_slots(Word term, uint32_t *counts)
{
    WordVec todo = {0};
    vec_push(&todo, term);
    while (todo.len) {
        Word w = vec_pop(&todo);
        if (word_is_slot(w)) counts[word_slot_index(w)]++;
        if (!atom_is_cons(w) || expr_is_ground(w)) continue;
        for (uint32_t i = 0; i < expr_len(w); i++) vec_push(&todo, expr_at(w, i));
    }
    vec_free(&todo);
}

uint32_t *count_slots(const Compiler *c, Word term)
{
    uint32_t *counts = base_calloc(c->slots.len + 1, sizeof *counts);
    add_slots(term, counts);
    return counts;
}

/* -- Early variables --
 *
 * Tier 0 makes all variables of a body at once, breadth first.  The order decides which of two that become the same stands for both, and
 * alternatives share the variables that were there before them.  So those that are needed before a pattern gives them a value are made where the body begins,
 * or where the branch of a first condition does that can neither leave alternatives nor see them. */

void need_variables(Compiler *c, Word term)
{
    if (!c->begun) return;
    uint32_t *counts = count_slots(c, term);
    for (size_t i = 0; i < c->slots.len; i++) {
        const SlotInfo *info = &c->slots.data[i];
        if (counts[i] && info->early && info->state != SLOT_SET) c->early.data[info->early - 1].needed = true;
    }
    base_free(counts);
}

void add_early(Compiler *c, Word slot)
{
    SlotInfo *info = slot_info(c, slot);
    if (info->state != SLOT_NONE || info->early) return;
    EarlyVariable v = {slot, (uint32_t)c->code.instrs.len, false};
    vec_push(&c->early, v);
    info->early = (uint16_t)c->early.len;
    EMIT2(c, OP_NEW_VAR, info->local, 0);
}

void begin_variables(Compiler *c, Word e)
{
    WordVec todo = {0};
    uint32_t *counts = count_slots(c, e);
    c->begun = true;
    vec_push(&todo, c->clause->rule.rhs);
    for (size_t at = 0; at < todo.len; at++) {
        Word w = todo.data[at];
        if (word_is_slot(w) && counts[word_slot_index(w)]) add_early(c, w);
        if (!atom_is_cons(w) || expr_is_ground(w)) continue;
        for (uint32_t i = 0; i < expr_len(w); i++) vec_push(&todo, expr_at(w, i));
    }
    base_free(counts);
    vec_free(&todo);
}

/* Those that nothing has needed become instructions without effect. */
static void drop_early(Compiler *c)
{
    for (size_t i = 0; i < c->early.len; i++) {
        const EarlyVariable *v = &c->early.data[i];
        Instr *in = &c->code.instrs.data[v->instr];
        if (v->needed)
            in->arg[1] = name_of(c, v->slot);
        else
            *in = (Instr){OP_NOP, in->place, {0}};
    }
    vec_clear(&c->early);
}

void slots_of_term(Compiler *c, Word term, SlotState state)
{
    if (state == SLOT_SET) need_variables(c, term);
    uint32_t *counts = count_slots(c, term);
    for (size_t i = 0; i < c->slots.len; i++)
        if (counts[i] && c->slots.data[i].state < state) c->slots.data[i].state = (uint8_t)state;
    base_free(counts);
}

void raw_slots(Compiler *c, Word term)
{
    for (size_t i = 0; i < c->slots.len; i++)
        if (has_slot(term, word_slot((uint32_t)i))) c->slots.data[i].raw = true;
}

void slots_shared(Compiler *c, Word e)
{
    uint32_t *inside = count_slots(c, e), *all = count_slots(c, c->clause->rule.rhs),
             *own = count_shared_slots(c, e);
    for (uint32_t i = 0; i < c->slots.len; i++) {
        if (!inside[i] || (all[i] == inside[i] && !c->shown)) continue;
        if (own[i])
            use_slot(c, word_slot(i));
        else
            make_variable(c, word_slot(i));
    }
    base_free(inside);
    base_free(all);
    base_free(own);
}

bool has_slot(Word t, Word slot)
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

SlotInfo *slots_save(const Compiler *c)
{
    SlotInfo *saved = base_alloc((c->slots.len + 1) * sizeof *saved);
    if (c->slots.len) memcpy(saved, c->slots.data, c->slots.len * sizeof *saved);
    return saved;
}

void slots_restore(Compiler *c, SlotInfo *saved)
{
    if (c->slots.len) memcpy(c->slots.data, saved, c->slots.len * sizeof *saved);
    base_free(saved);
}

void kinds_restore(Compiler *c, SlotInfo *saved)
{
    for (size_t i = 0; i < c->slots.len; i++) c->slots.data[i].kind = saved[i].kind;
    base_free(saved);
}

void slots_merge(Compiler *c, SlotInfo *other)
{
    for (size_t i = 0; i < c->slots.len; i++) {
        SlotInfo *info = &c->slots.data[i];
        if (info->state != other[i].state) info->state = SLOT_PERHAPS;
        if (info->kind != other[i].kind) info->kind = KIND_ANY;
        info->raw |= other[i].raw;
    }
    base_free(other);
}

/* -- Clauses -- */

/* As collect_clauses for what an expression heads.  The head is the first argument: left sides get the name in front. */
static bool collect_headed(Compiler *c, uint32_t n, ClauseVec *out)
{
    Word goal = atom_new_var(&c->rt->heap, SYM_EQUAL, 0);
    bool plain = true;
    for (size_t i = 0; i < c->scope->spaces.len; i++) {
        RuleCursor cursor;
        Clause clause = {.space = i, .body = NO_LABEL};
        rules_open_headed(c->scope->spaces.data[i], &cursor);
        while (out->len <= MAX_CLAUSES && rules_next(&cursor, goal, &clause.rule)) {
            Word lhs = clause.rule.lhs, *items;
            bool open = word_is_slot(lhs) || (atom_is_cons(lhs) && word_is_slot(expr_at(lhs, 0)));
            plain &= !open;
            if (open || !atom_is_cons(lhs) || expr_len(lhs) != n || !atom_is_cons(expr_at(lhs, 0))) continue;
            clause.rule.lhs = atom_expr_open(&c->rt->heap, n + 1, &items);
            items[0] = W_SYM(HEADED);
            memcpy(items + 1, expr_items(lhs), n * sizeof *items);
            expr_seal(clause.rule.lhs);
            vec_push(out, clause);
        }
        rules_close(&cursor);
    }
    return plain;
}

bool collect_clauses(Compiler *c, uint32_t name, uint32_t arity, ClauseVec *out)
{
    if (name == SYM_HEADED) return collect_headed(c, arity, out);
    uint32_t n = arity + 1;
    Word *items;
    Word goal = atom_expr_open(&c->rt->heap, n, &items);
    bool plain = true;
    items[0] = word_sym(name);
    for (uint32_t i = 1; i < n; i++) items[i] = atom_new_var(&c->rt->heap, SYM_EQUAL, 0);
    expr_seal(goal);
    for (size_t i = 0; i < c->scope->spaces.len; i++) {
        RuleCursor cursor;
        Clause clause = {.space = i, .body = NO_LABEL};
        rules_open(c->scope->spaces.data[i], goal, &cursor);
        while (out->len <= MAX_CLAUSES && rules_next(&cursor, goal, &clause.rule)) {
            Word lhs = clause.rule.lhs;
            plain &= atom_is_cons(lhs) && expr_at(lhs, 0) == items[0] && expr_len(lhs) == n;
            vec_push(out, clause);
        }
        rules_close(&cursor);
    }
    return plain;
}

static void collect_rules(Compiler *c)
{
    if (!collect_clauses(c, c->chunk->name, c->chunk->arity, &c->clauses)) refuse(c, REFUSED_WILD_HEAD);
    if (c->clauses.len == 0) refuse(c, REFUSED_NO_RULES);
    if (c->clauses.len > MAX_CLAUSES) refuse(c, REFUSED_TOO_LARGE);
}

bool is_raw_argument(Compiler *c, uint32_t i)
{
    if (c->chunk->name == SYM_HEADED) return true; /* its type may be anything */
    const SymbolTypes *types = scope_symbol_types(&c->rt->types, c->scope, c->chunk->name);
    if (types->count == 0) return false;
    const Signature *sig = &types->signature;
    if (sig->kind != SIGNATURE_SIMPLE || i >= sig->param_count) return true;
    return sig->params[i].kind == PARAM_ATOM || sig->params[i].kind == PARAM_META;
}

/* The argument that SLOT stands for, if it occurs there before anywhere else; else NO_LOCAL. */
static uint32_t argument_of(const Compiler *c, const Rule *rule, Word slot)
{
    for (uint32_t i = 0; i < c->chunk->arity; i++) {
        if (expr_at(rule->lhs, i + 1) == slot) return i;
        if (has_slot(expr_at(rule->lhs, i + 1), slot)) return NO_LOCAL;
    }
    return NO_LOCAL;
}

/* -- Places -- */

/* What follows stands at SPAN, in CLAUSE unless that is NULL. */
static void set_place(Compiler *c, const Span *span, const Clause *clause)
{
    CodeClause of = {0};
    if (clause) of = (CodeClause){(uint32_t)clause->space + 1, clause->rule.id};
    vec_push(&c->code.places, *span);
    vec_push(&c->code.clauses, of);
    c->code.place = (uint32_t)c->code.places.len - 1;
}

static void add_node(Compiler *c, Word term, const Span *span)
{
    NodePlace node = {term, *span};
    vec_push(&c->nodes, node);
}

/* The places of the expressions of CLAUSE: the reader has noted them in the order in which they begin. */
static void find_places(Compiler *c, Clause *clause)
{
    size_t n = 0, i = 0;
    const Span *spans = rt_rule_spans(c->rt, c->scope->spaces.data[clause->space], clause->rule.id, &n);
    WordVec todo = {0};
    clause->node_first = (uint32_t)c->nodes.len;
    if (spans && n > 0) add_node(c, WORD_NIL, &spans[i++]); /* the rule */
    vec_push(&todo, clause->rule.rhs);
    vec_push(&todo, clause->rule.lhs);
    while (todo.len && i < n) {
        Word w = vec_pop(&todo);
        if (!atom_is_cons(w)) continue;
        add_node(c, w, &spans[i++]);
        for (uint32_t k = expr_len(w); k > 0; k--) vec_push(&todo, expr_at(w, k - 1));
    }
    clause->node_end = (uint32_t)c->nodes.len;
    vec_free(&todo);
}

/* What follows belongs to the clause at work as a whole; without one, to nothing. */
static void place_clause(Compiler *c, bool clause)
{
    static const Span unknown = {0};
    bool known = clause && c->clause->node_first < c->clause->node_end;
    set_place(c, known ? &c->nodes.data[c->clause->node_first].span : &unknown, clause ? c->clause : NULL);
}

void place_expression(Compiler *c, Word e)
{
    for (uint32_t i = c->clause->node_first + 1; i < c->clause->node_end; i++) {
        if (c->nodes.data[i].term != e) continue;
        set_place(c, &c->nodes.data[i].span, c->clause);
        return;
    }
}

/* Does the type of the function say that SLOT stands for what is part of an argument as it stands? */
static bool is_raw_slot(Compiler *c, const Rule *rule, Word slot)
{
    for (uint32_t i = 0; i < c->chunk->arity; i++)
        if (is_raw_argument(c, i) && has_slot(expr_at(rule->lhs, i + 1), slot)) return true;
    return false;
}

/* Find the places of CLAUSE, and locals for its variables: an argument, one of those for heads, or one of those for bodies, which hold nothing when a body
 * begins, whatever clauses were tried before. */
static void prepare_clause(Compiler *c, Clause *clause)
{
    const Rule *rule = &clause->rule;
    uint32_t head_next = c->chunk->arity, body_next = BODY_LOCALS;
    clause->map_first = (uint32_t)c->slot_map.len;
    for (uint32_t i = 0; i < rule->slot_count; i++) {
        Word slot = word_slot(i);
        uint32_t local = argument_of(c, rule, slot);
        if (local == NO_LOCAL) {
            c->part = has_slot(rule->lhs, slot) ? head_next++ : body_next++;
            local = new_local(c);
        }
        SlotInfo info = {.local = local, .raw = is_raw_slot(c, rule, slot)};
        vec_push(&c->starts, info);
        vec_push(&c->slot_map, local);
        vec_push(&c->chunk->names, rule->names[i]);
    }
    find_places(c, clause);
    clause->head_part = head_next;
    clause->body_part = body_next;
}

/* Work on CLAUSE from its beginning. */
static void begin_clause(Compiler *c, const Clause *clause)
{
    c->clause = clause;
    c->map_first = clause->map_first;
    c->form = (FormContext){.form = WORD_NIL};
    c->shown = false;
    c->height = 0;
    vec_clear(&c->slots);
    for (uint32_t i = 0; i < clause->rule.slot_count; i++)
        vec_push(&c->slots, c->starts.data[clause->map_first + i]);
}

/* May a call of the function be a single step, with all clauses bodies of instructions? */
static bool makes_steps(Compiler *c)
{
    for (size_t i = 0; i < c->clauses.len; i++)
        if (!is_function_body(c, c->clauses.data[i].rule.rhs)) return false;
    return true;
}

static void compile_body(Compiler *c, Clause *clause)
{
    clause->body = new_label(c);
    place_label(c, clause->body);
    c->part = clause->body_part;
    Word rhs = clause->rule.rhs;
    c->begun = false;
    if (is_function_body(c, rhs)) {
        begin_variables(c, rhs);
        compile_function_body(c, rhs, c->nesting);
    } else {
        compile_tail(c, rhs, c->nesting);
    }
    drop_early(c);
}

/* -- Selection -- */

enum { MAX_SWITCHES = 3, MAX_KNOWN = 64 };

/* A set of clauses, in order, and which arguments switches have looked at. */
typedef struct Selection {
    VEC(uint32_t) clauses;
    uint64_t known; /* bit per argument: the clauses with a key there have the key of its value */
} Selection;

static bool key_of(const Compiler *c, uint32_t clause, uint32_t argument, Word *head, uint32_t *len)
{
    return pattern_key(expr_at(c->clauses.data[clause].rule.lhs, argument + 1), head, len);
}

/* The argument that tells most clauses of S apart, or NO_LOCAL. */
static uint32_t choose_argument(const Compiler *c, const Selection *s)
{
    uint32_t best = NO_LOCAL;
    size_t most = 0;
    for (uint32_t a = 0; a < c->chunk->arity && a < MAX_KNOWN; a++) {
        if (s->known >> a & 1) continue;
        size_t keyed = 0;
        bool apart = false;
        Word first = WORD_NIL, head;
        uint32_t first_len = 0, len;
        for (size_t i = 0; i < s->clauses.len; i++) {
            if (!key_of(c, s->clauses.data[i], a, &head, &len)) continue;
            if (keyed++ == 0) {
                first = head;
                first_len = len;
            }
            apart |= head != first || len != first_len;
        }
        apart |= keyed > 0 && keyed < s->clauses.len;
        if (apart && keyed > most) {
            most = keyed;
            best = a;
        }
    }
    return best;
}

/* The left side of CLAUSE against the arguments: to MISS when they do not match, to *SLOW when only unification can tell. */
static void compile_head(Compiler *c, const Clause *clause, const Selection *s, uint32_t miss, uint32_t *slow)
{
    c->part = clause->head_part;
    for (uint32_t i = 0; i < c->chunk->arity && c->refusal == REFUSED_NONE; i++) {
        Word pattern = expr_at(clause->rule.lhs, i + 1), head;
        uint32_t len;
        bool tested = i < MAX_KNOWN && (s->known >> i & 1) && pattern_key(pattern, &head, &len);
        if (tested)
            match_inside(c, pattern, i, miss, slow, MAX_NESTING);
        else
            match_pattern(c, pattern, i, miss, slow, MAX_NESTING);
    }
}

/* All variables of the left side are set. */
static void head_matched(Compiler *c)
{
    slots_of_term(c, c->clause->rule.lhs, SLOT_SET);
}

static void to_body(Compiler *c, Clause *clause)
{
    head_matched(c);
    if (clause->body == NO_LABEL)
        compile_body(c, clause);
    else
        EMIT1(c, OP_JUMP, clause->body);
}

/* What is done with variables in the place of new parts of a head with so many TESTS: they are bound, or it is left to unification at *SLOW if a test follows
 * that could fail. */
static void bind_new_parts(Compiler *c, uint32_t tests, uint32_t *slow)
{
    for (size_t i = 0; i < c->new_parts.len; i++) {
        const NewPart *p = &c->new_parts.data[i];
        place_label(c, p->label);
        place_clause(c, true);
        c->height = 0;
        if (p->tests == tests) {
            EMIT4(c, OP_BIND_NEW, p->local, template(c, p->pattern), expr_len(p->pattern),
                  need_label(c, slow));
            EMIT1(c, OP_JUMP, p->back);
        } else {
            EMIT1(c, OP_JUMP, need_label(c, slow));
        }
    }
}

/* Try CLAUSE; NEXT is where the others of S are tried, MORE says that there are some. */
static void compile_attempt(Compiler *c, Clause *clause, const Selection *s, uint32_t next, bool more)
{
    uint32_t slow = NO_LABEL;
    begin_clause(c, clause);
    place_clause(c, true);
    vec_clear(&c->new_parts);
    c->in_head = !more; /* an alternative must not see what was bound */
    compile_head(c, clause, s, next, &slow);
    c->in_head = false;
    uint32_t tests = c->tests;
    if (more) EMIT1(c, OP_TRY, next);
    to_body(c, clause);
    bind_new_parts(c, tests, &slow);
    if (slow == NO_LABEL) return;
    place_label(c, slow);
    place_clause(c, true);
    c->height = 0;
    EMIT3(c, OP_UNIFY_HEAD, template(c, clause->rule.lhs), more, next);
    EMIT1(c, OP_JUMP, clause->body);
}

static void compile_leaf(Compiler *c, const Selection *s)
{
    for (size_t i = 0; i < s->clauses.len && c->refusal == REFUSED_NONE; i++) {
        bool more = i + 1 < s->clauses.len;
        uint32_t next = more ? new_label(c) : c->end;
        compile_attempt(c, &c->clauses.data[s->clauses.data[i]], s, next, more);
        if (more) place_label(c, next);
    }
    if (s->clauses.len == 0) EMIT1(c, OP_JUMP, c->end);
}

/* All clauses of S by unification, for a value that a switch cannot tell anything about. */
static void compile_slow_leaf(Compiler *c, const Selection *s)
{
    for (size_t i = 0; i < s->clauses.len && c->refusal == REFUSED_NONE; i++) {
        bool more = i + 1 < s->clauses.len;
        uint32_t next = more ? new_label(c) : c->end;
        Clause *clause = &c->clauses.data[s->clauses.data[i]];
        begin_clause(c, clause);
        place_clause(c, true);
        EMIT3(c, OP_UNIFY_HEAD, template(c, clause->rule.lhs), more, next);
        to_body(c, clause);
        if (more) place_label(c, next);
    }
}

static void compile_selection(Compiler *c, const Selection *s, int switches);

/* The clauses of S whose key at ARGUMENT is HEAD and LEN, or that have none there. */
static Selection narrow(const Compiler *c, const Selection *s, uint32_t argument, Word head, uint32_t len)
{
    Selection n = {.known = s->known | UINT64_C(1) << argument};
    for (size_t i = 0; i < s->clauses.len; i++) {
        Word its;
        uint32_t its_len;
        if (key_of(c, s->clauses.data[i], argument, &its, &its_len) && (its != head || its_len != len))
            continue;
        vec_push(&n.clauses, s->clauses.data[i]);
    }
    return n;
}

static void add_case(SwitchCase *cases, uint32_t *count, Word head, uint32_t len, uint32_t label)
{
    for (uint32_t i = 0; i < *count; i++)
        if (cases[i].key == head && cases[i].len == len) return;
    cases[(*count)++] = (SwitchCase){head, len, label};
}

static void compile_switch(Compiler *c, const Selection *s, uint32_t argument, int switches)
{
    SwitchCase cases[MAX_CLAUSES];
    uint32_t count = 0, miss = new_label(c), slow = new_label(c);
    for (size_t i = 0; i < s->clauses.len; i++) {
        Word head;
        uint32_t len, before = count;
        if (!key_of(c, s->clauses.data[i], argument, &head, &len)) continue;
        add_case(cases, &count, head, len, 0);
        if (count > before) cases[before].target = new_label(c);
    }
    place_clause(c, false);
    EMIT4(c, OP_SWITCH, argument, chunk_add_switch(c->chunk, cases, count), miss, slow);
    for (uint32_t i = 0; i < count && c->refusal == REFUSED_NONE; i++) {
        Selection n = narrow(c, s, argument, cases[i].key, cases[i].len);
        place_label(c, cases[i].target);
        compile_selection(c, &n, switches - 1);
        vec_free(&n.clauses);
    }
    Selection rest = narrow(c, s, argument, WORD_NIL, 0);
    place_label(c, miss);
    if (rest.clauses.len)
        compile_selection(c, &rest, switches - 1);
    else
        EMIT1(c, OP_JUMP, c->end);
    vec_free(&rest.clauses);
    place_label(c, slow);
    compile_slow_leaf(c, s);
}

static void compile_selection(Compiler *c, const Selection *s, int switches)
{
    uint32_t argument = switches > 0 && s->clauses.len > 1 ? choose_argument(c, s) : NO_LOCAL;
    if (argument == NO_LOCAL)
        compile_leaf(c, s);
    else
        compile_switch(c, s, argument, switches);
}

/* -- The function -- */

/* The number that LOCAL has in the end. */
static uint32_t final_local(const Compiler *c, uint32_t local)
{
    return local >= BODY_LOCALS ? c->heads + local - BODY_LOCALS : local;
}

/* Give all locals their numbers. */
static void settle_locals(Compiler *c)
{
    c->chunk->locals = c->heads + c->bodies;
    if (c->chunk->locals > MAX_LOCALS) refuse(c, REFUSED_TOO_LARGE);
    for (size_t i = 0; i < c->slot_map.len; i++)
        vec_push(&c->chunk->slot_map, (uint8_t)final_local(c, c->slot_map.data[i]));
    for (size_t i = 0; i < c->code.instrs.len; i++) {
        Instr *in = &c->code.instrs.data[i];
        unsigned k = 0;
        for (const char *letter = op_info(in->op)->operands; *letter; letter++, k++)
            if (*letter == 's') in->arg[k] = final_local(c, in->arg[k]);
    }
}

static void compile_clauses(Compiler *c)
{
    Selection all = {0};
    c->heads = c->chunk->arity;
    for (uint32_t i = 0; i < c->clauses.len; i++) {
        prepare_clause(c, &c->clauses.data[i]);
        vec_push(&all.clauses, i);
    }
    c->end = new_label(c);
    if (makes_steps(c)) EMIT0(c, OP_STEPS);
    compile_selection(c, &all, MAX_SWITCHES);
    place_clause(c, false);
    place_label(c, c->end);
    EMIT0(c, OP_STUCK);
    if (c->fail != NO_LABEL) {
        place_label(c, c->fail);
        EMIT0(c, OP_FAIL);
    }
    vec_free(&all.clauses);
    settle_locals(c);
}

/* As compile_function; what is nested deeper than NESTING is left to tier 0. */
static Chunk *compile_within(int nesting, Runtime *rt, Scope *scope, Functions *fs, uint32_t name,
                             uint32_t arity, const PassWatch *watch, CompileRefusal *why)
{
    Compiler c = {.rt = rt,
                  .scope = scope,
                  .functions = fs,
                  .chunk = base_calloc(1, sizeof(Chunk)),
                  .nesting = nesting,
                  .fail = NO_LABEL};
    c.chunk->name = name;
    c.chunk->arity = c.chunk->locals = arity;
    /* The variables made here are gone afterwards: those of the program are numbered as if nothing had been compiled. */
    uint64_t serial = rt->heap.next_serial;
    depend(&c, word_sym(name));
    if (arity > MAX_ARGUMENTS) refuse(&c, REFUSED_TOO_LARGE);
    collect_rules(&c);
    if (c.refusal == REFUSED_NONE) compile_clauses(&c);
    if (c.refusal == REFUSED_NONE) passes_run(&c.code, c.chunk, watch);
    if (c.refusal == REFUSED_NONE && !code_encode(&c.code, c.chunk)) refuse(&c, REFUSED_TOO_LARGE);
    *why = c.refusal;
    rt->heap.next_serial = serial;
    vec_free(&c.clauses);
    vec_free(&c.slots);
    vec_free(&c.new_parts);
    vec_free(&c.early);
    for (size_t i = 0; i < c.signatures.len; i++) base_free(c.signatures.data[i]);
    vec_free(&c.signatures);
    vec_free(&c.slot_map);
    vec_free(&c.nodes);
    vec_free(&c.starts);
    code_free(&c.code);
    if (c.refusal == REFUSED_NONE) return c.chunk;
    chunk_free(c.chunk);
    return NULL;
}

Chunk *compile_function(Runtime *rt, Scope *scope, Functions *fs, uint32_t name, uint32_t arity,
                        const PassWatch *watch, CompileRefusal *why)
{
    enum { LESS_NESTING = 24 };
    Chunk *c = compile_within(MAX_NESTING, rt, scope, fs, name, arity, watch, why);
    /* The beginning of what is too large as a whole may do. */
    if (!c && *why == REFUSED_TOO_LARGE)
        c = compile_within(LESS_NESTING, rt, scope, fs, name, arity, watch, why);
    return c;
}
