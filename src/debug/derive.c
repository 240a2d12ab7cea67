/* Derivations: which rules, facts and operations a result has come from.
 *
 * An expression is evaluated with all goals marked, and what happens is noted in a list that backtracking undoes: each entry is the
 * binding of a variable that was made before it.  So at a result the list holds just what led to it. */
#include "base/text.h"

#include "debug/state.h"

typedef enum EventKind { EVENT_CALL, EVENT_RULE, EVENT_EXIT, EVENT_FACT, EVENT_OPERATION } EventKind;
/* Items of an entry.  SUBJECT: the goal, the result, the fact, the call; OTHER: parent, number of the rule, space, result. */
enum { EVENT_KIND, EVENT_GOAL, EVENT_SUBJECT, EVENT_OTHER };

enum { MOST_EVENTS = 4000, DEEPEST = 200, SHOWN = 200, MOST_MISSES = 6 };

struct Derivation {
    WordVec cells;    /* roots; entry I is the binding of cell I */
    FoundRules rules; /* that were applied: space and id */
    WordVec *atoms;   /* WHY_ATOMS; roots */
    Machine *outer;   /* of the machine that evaluates */
    WordVec misses;   /* roots: calls that came to nothing, the first ones */
    WhyFormat format;
    size_t wanted; /* result; 0: each */
    size_t results;
    bool cut; /* there was too much to note */
    Word expression;
    Buf *out;
};

/* -- Noting -- */

static uint64_t goal_number(const Frame *f)
{
    return f ? mark_number(f->slot) : 0;
}

/* The first cell that is not bound, looked for from place FIRST on: what was noted behind it is undone. */
static size_t end_of_events(const Derivation *v, size_t first)
{
    while (first + 1 < v->cells.len && !word_is_nil(word_obj(v->cells.data[first])->body[0])) first++;
    return first;
}

static void note(Debugger *d, const Frame *around, EventKind kind, uint64_t goal, Word subject, Word other)
{
    Derivation *v = d->derivation;
    Heap *h = &d->rt->heap;
    size_t first = around ? (size_t)word_int48_get(around->slot[MARK_TYPE]) : 0;
    size_t at = end_of_events(v, first);
    if (at >= MOST_EVENTS) {
        v->cut = true;
        return;
    }
    v->cells.len = at + 1;
    Word next = atom_new_var(h, SYM_EQUAL, 0);
    Word event = atom_expr4(h, word_int48(kind), word_int48((int64_t)goal), atom_resolve(h, subject), other);
    bind_cell(&d->rt->bind, v->cells.data[at], event);
    vec_push(&v->cells, next);
}

bool derivation_is_full(const Debugger *d)
{
    return d->derivation->cut;
}

void derive_call(Debugger *d, Machine *m, Frame *mark_frame)
{
    Frame *around = mark_frame->parent;
    while (around && around->kind != FRAME_PORT) around = around->parent;
    size_t first = around ? (size_t)word_int48_get(around->slot[MARK_TYPE]) : 0;
    uint64_t number = mark_number(mark_frame->slot);
    mark_frame->slot[MARK_TYPE] = word_int48((int64_t)end_of_events(d->derivation, first));
    note(d, mark_frame, EVENT_CALL, number, m->atom, word_int48((int64_t)goal_number(around)));
}

void derive_rule(Debugger *d, const Machine *m)
{
    Derivation *v = d->derivation;
    Frame *f = frame_of_goal(m);
    if (!f) return;
    FoundRule r = {.space = (Space *)m->rule_space, .rule.id = m->rule};
    vec_push(&v->rules, r);
    note(d, f, EVENT_RULE, goal_number(f), WORD_UNIT, word_int48((int64_t)v->rules.len - 1));
}

void derive_exit(Debugger *d, const Frame *f, Word value)
{
    note(d, f, EVENT_EXIT, goal_number(f), value, WORD_UNIT);
}

void derive_fact(Debugger *d, const Machine *m, Word fact)
{
    Frame *f = frame_of_goal(m);
    note(d, f, EVENT_FACT, goal_number(f), fact, WORD_UNIT);
}

void derive_operation(Debugger *d, const Machine *m, Word call, Word value)
{
    Frame *f = frame_of_goal(m);
    note(d, f, EVENT_OPERATION, goal_number(f), call, atom_resolve(&d->rt->heap, value));
}

void derive_miss(Debugger *d, Word goal)
{
    Derivation *v = d->derivation;
    goal = atom_resolve(&d->rt->heap, goal);
    if (v->misses.len >= MOST_MISSES) return;
    for (size_t i = 0; i < v->misses.len; i++)
        if (atom_alpha_equal(v->misses.data[i], goal)) return;
    vec_push(&v->misses, goal);
}

void derivation_trace(Derivation *v, Heap *h)
{
    heap_visit_range(h, v->cells.data, v->cells.len);
    heap_visit_range(h, v->misses.data, v->misses.len);
    heap_visit(h, &v->expression);
    if (v->atoms) heap_visit_range(h, v->atoms->data, v->atoms->len);
}

/* -- Telling -- */

typedef struct Telling {
    Debugger *d;
    Derivation *v;
    Buf *out;
    size_t events;
    size_t next_node; /* DOT */
} Telling;

static Word event_at(const Telling *t, size_t i)
{
    return word_obj(t->v->cells.data[i])->body[0];
}

static int64_t event_int(Word event, unsigned item)
{
    return word_int48_get(expr_at(event, item));
}

static bool is_of(Word event, EventKind kind, uint64_t goal)
{
    return event_int(event, EVENT_KIND) == (int64_t)kind && (uint64_t)event_int(event, EVENT_GOAL) == goal;
}

/* The result of GOAL, or Nil. */
static Word result_of(const Telling *t, uint64_t goal)
{
    for (size_t i = t->events; i > 0; i--)
        if (is_of(event_at(t, i - 1), EVENT_EXIT, goal)) return expr_at(event_at(t, i - 1), EVENT_SUBJECT);
    return WORD_NIL;
}

static const FoundRule *rule_of(const Telling *t, uint64_t goal)
{
    for (size_t i = t->events; i > 0; i--)
        if (is_of(event_at(t, i - 1), EVENT_RULE, goal))
            return &t->v->rules.data[event_int(event_at(t, i - 1), EVENT_OTHER)];
    return NULL;
}

static void put_short(Telling *t, Word w)
{
    print_short(t->d->rt, w, SHOWN, t->out);
}

static void put_json(Telling *t, Word w)
{
    Buf text = {0};
    print_short(t->d->rt, w, SHOWN, &text);
    buf_put_json(t->out, text.data ? text.data : "", text.len);
    buf_free(&text);
}

static void put_rule_place(Telling *t, const FoundRule *r)
{
    print_place(t->d, rule_place(t->d, r->space, r->rule.id), t->out);
}

/* The text of the rule: looked up anew, as entries outlive what rules_next gives. */
static void put_rule(Telling *t, const FoundRule *r, Word goal)
{
    FoundRules rules = {0};
    Bindings none = {0};
    Word head = atom_deref(expr_at(goal, 0));
    if (word_is_sym(head))
        rules_of(t->d, t->d->rt->top->scope, word_sym_id(head), expr_len(goal) - 1, &rules);
    for (size_t i = 0; i < rules.len; i++) {
        if (rules.data[i].space != r->space || rules.data[i].rule.id != r->rule.id) continue;
        const Rule *rule = &rules.data[i].rule;
        buf_puts(t->out, "(= ");
        put_short(t, instance(t->d, rule, rule->lhs, &none));
        buf_putc(t->out, ' ');
        put_short(t, instance(t->d, rule, rule->rhs, &none));
        buf_putc(t->out, ')');
    }
    vec_free(&rules);
}

static void indent(Telling *t, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++) buf_puts(t->out, "  ");
}

/* Each format has a function for a goal, which comes before what it rests on; for a leaf; for the end of a goal. */
typedef struct Writer {
    void (*goal)(Telling *t, uint64_t number, Word goal, Word value, unsigned depth, size_t parent);
    void (*leaf)(Telling *t, EventKind kind, Word subject, Word other, unsigned depth, size_t parent);
    void (*end)(Telling *t, unsigned depth);
    void (*truncated)(Telling *t, unsigned depth, size_t parent);
} Writer;

/* -- As text -- */

static void text_goal(Telling *t, uint64_t number, Word goal, Word value, unsigned depth, size_t parent)
{
    const FoundRule *r = rule_of(t, number);
    (void)parent;
    indent(t, depth);
    put_short(t, goal);
    buf_puts(t->out, " => ");
    if (!word_is_nil(value)) put_short(t, value);
    buf_putc(t->out, '\n');
    if (!r) return;
    indent(t, depth + 1);
    buf_puts(t->out, "rule ");
    put_rule(t, r, goal);
    buf_puts(t->out, "  ");
    put_rule_place(t, r);
    buf_putc(t->out, '\n');
}

static void text_leaf(Telling *t, EventKind kind, Word subject, Word other, unsigned depth, size_t parent)
{
    (void)parent;
    indent(t, depth);
    buf_puts(t->out, kind == EVENT_FACT ? "fact " : "");
    put_short(t, subject);
    if (kind == EVENT_OPERATION) {
        buf_puts(t->out, " => ");
        put_short(t, other);
    }
    buf_putc(t->out, '\n');
}

static void text_end(Telling *t, unsigned depth)
{
    (void)t;
    (void)depth;
}

static void text_truncated(Telling *t, unsigned depth, size_t parent)
{
    (void)parent;
    indent(t, depth);
    buf_puts(t->out, "... truncated\n");
}

/* -- As JSON -- */

static void json_goal(Telling *t, uint64_t number, Word goal, Word value, unsigned depth, size_t parent)
{
    const FoundRule *r = rule_of(t, number);
    (void)depth;
    (void)parent;
    if (t->out->len && vec_last(t->out) == '}') buf_putc(t->out, ',');
    buf_puts(t->out, "{\"goal\":");
    put_json(t, goal);
    buf_puts(t->out, ",\"result\":");
    put_json(t, word_is_nil(value) ? WORD_UNIT : value);
    if (r) {
        Buf place = {0};
        print_place(t->d, rule_place(t->d, r->space, r->rule.id), &place);
        buf_puts(t->out, ",\"rule\":");
        buf_put_json(t->out, place.data ? place.data : "", place.len);
        buf_free(&place);
    }
    buf_puts(t->out, ",\"from\":[");
}

static void json_leaf(Telling *t, EventKind kind, Word subject, Word other, unsigned depth, size_t parent)
{
    (void)depth;
    (void)parent;
    if (vec_last(t->out) == '}') buf_putc(t->out, ',');
    buf_puts(t->out, kind == EVENT_FACT ? "{\"fact\":" : "{\"operation\":");
    put_json(t, subject);
    if (kind == EVENT_OPERATION) {
        buf_puts(t->out, ",\"result\":");
        put_json(t, other);
    }
    buf_putc(t->out, '}');
}

static void json_end(Telling *t, unsigned depth)
{
    (void)depth;
    buf_puts(t->out, "]}");
}

static void json_truncated(Telling *t, unsigned depth, size_t parent)
{
    (void)depth;
    (void)parent;
    if (vec_last(t->out) == '}') buf_putc(t->out, ',');
    buf_puts(t->out, "{\"truncated\":true}");
}

/* -- As a graph for DOT -- */

static size_t dot_node(Telling *t, Word a, const char *between, Word b, const char *shape, size_t parent)
{
    Buf label = {0};
    size_t node = ++t->next_node;
    print_short(t->d->rt, a, SHOWN, &label);
    buf_puts(&label, between);
    if (!word_is_nil(b)) print_short(t->d->rt, b, SHOWN, &label);
    buf_printf(t->out, "  n%zu [shape=%s,label=", node, shape);
    buf_put_json(t->out, label.data ? label.data : "", label.len);
    buf_puts(t->out, "];\n");
    if (parent) buf_printf(t->out, "  n%zu -> n%zu;\n", parent, node);
    buf_free(&label);
    return node;
}

static void dot_goal(Telling *t, uint64_t number, Word goal, Word value, unsigned depth, size_t parent)
{
    (void)number;
    (void)depth;
    dot_node(t, goal, " => ", value, "box", parent);
}

static void dot_leaf(Telling *t, EventKind kind, Word subject, Word other, unsigned depth, size_t parent)
{
    (void)depth;
    dot_node(t, subject, kind == EVENT_FACT ? "" : " => ", kind == EVENT_FACT ? WORD_NIL : other,
             kind == EVENT_FACT ? "note" : "ellipse", parent);
}

static void dot_truncated(Telling *t, unsigned depth, size_t parent)
{
    (void)depth;
    dot_node(t, rt_sym(t->d->rt, "..."), "", WORD_NIL, "plaintext", parent);
}

static const Writer writers[] = {
    [WHY_TEXT] = {text_goal, text_leaf, text_end, text_truncated},
    [WHY_JSON] = {json_goal, json_leaf, json_end, json_truncated},
    [WHY_DOT] = {dot_goal, dot_leaf, text_end, dot_truncated},
};

/* -- The tree -- */

/* What goal NUMBER rests on; bounded by DEEPEST. */
static void tell_parts(Telling *t, uint64_t number, unsigned depth, size_t node)
{
    const Writer *w = &writers[t->v->format];
    for (size_t i = 0; i < t->events; i++) {
        Word e = event_at(t, i);
        EventKind kind = (EventKind)event_int(e, EVENT_KIND);
        uint64_t goal = (uint64_t)event_int(e, EVENT_GOAL);
        Word subject = expr_at(e, EVENT_SUBJECT), other = expr_at(e, EVENT_OTHER);
        if ((kind == EVENT_FACT || kind == EVENT_OPERATION) && goal == number)
            w->leaf(t, kind, subject, other, depth, node);
        if (kind != EVENT_CALL || (uint64_t)word_int48_get(other) != number) continue;
        if (depth >= DEEPEST) {
            w->truncated(t, depth, node);
            return;
        }
        w->goal(t, goal, subject, result_of(t, goal), depth, node);
        tell_parts(t, goal, depth + 1, t->next_node);
        w->end(t, depth);
    }
}

/* -- As atoms -- */

static void add_atom2(Telling *t, const char *head, Word a, Word b, WordVec *to)
{
    Heap *h = &t->d->rt->heap;
    Word name = rt_sym(t->d->rt, head);
    Word atom = word_is_nil(b) ? atom_expr2(h, name, a) : atom_expr3(h, name, a, b);
    vec_push(to, atom);
}

static Word derivation_atom(Telling *t, uint64_t number, Word goal, Word value, unsigned depth);

/* Append the atoms of what goal NUMBER rests on; bounded by DEEPEST. */
static void add_parts(Telling *t, uint64_t number, unsigned depth, WordVec *to)
{
    for (size_t i = 0; i < t->events; i++) {
        Word e = event_at(t, i), subject = expr_at(e, EVENT_SUBJECT), other = expr_at(e, EVENT_OTHER);
        EventKind kind = (EventKind)event_int(e, EVENT_KIND);
        uint64_t goal = (uint64_t)event_int(e, EVENT_GOAL);
        if (kind == EVENT_FACT && goal == number) add_atom2(t, "fact", subject, WORD_NIL, to);
        if (kind == EVENT_OPERATION && goal == number) add_atom2(t, "operation", subject, other, to);
        if (kind != EVENT_CALL || (uint64_t)word_int48_get(other) != number) continue;
        Word part = depth < DEEPEST ? derivation_atom(t, goal, subject, result_of(t, goal), depth + 1)
                                    : rt_sym(t->d->rt, "truncated");
        vec_push(to, part);
    }
}

static Word derivation_atom(Telling *t, uint64_t number, Word goal, Word value, unsigned depth)
{
    Heap *h = &t->d->rt->heap;
    WordVec items = {0};
    const FoundRule *r = rule_of(t, number);
    vec_push(&items, rt_sym(t->d->rt, "derivation"));
    vec_push(&items, goal);
    vec_push(&items, word_is_nil(value) ? WORD_UNIT : value);
    if (r) {
        Buf place = {0};
        print_place(t->d, rule_place(t->d, r->space, r->rule.id), &place);
        add_atom2(t, "rule", atom_str(h, place.data ? place.data : "", place.len), WORD_NIL, &items);
        buf_free(&place);
    }
    add_parts(t, number, depth, &items);
    Word atom = atom_expr(h, items.data, (uint32_t)items.len);
    vec_free(&items);
    return atom;
}

/* -- A result -- */

/* The goal that is the whole expression, or 0. */
static uint64_t whole_goal(const Telling *t)
{
    if (t->events == 0) return 0;
    Word first = event_at(t, 0);
    if (event_int(first, EVENT_KIND) != EVENT_CALL) return 0;
    if (!atom_alpha_equal(expr_at(first, EVENT_SUBJECT), t->v->expression)) return 0;
    return (uint64_t)event_int(first, EVENT_GOAL);
}

static void tell_result(Telling *t, Word value)
{
    Derivation *v = t->v;
    const Writer *w = &writers[v->format];
    uint64_t whole = whole_goal(t);
    if (v->format == WHY_DOT) buf_puts(v->out, "digraph why {\n");
    w->goal(t, whole, v->expression, value, 0, 0);
    tell_parts(t, whole, 1, t->next_node);
    if (v->cut) w->truncated(t, 1, 1);
    w->end(t, 0);
    if (v->format == WHY_DOT) buf_putc(v->out, '}');
    if (v->format != WHY_TEXT) buf_putc(v->out, '\n');
}

void derive_result(Debugger *d, const Machine *m, Word value)
{
    Derivation *v = d->derivation;
    if (m->outer != v->outer) return;
    v->results++;
    if (v->wanted && v->wanted != v->results) return;
    Telling t = {.d = d, .v = v, .out = v->out, .events = end_of_events(v, 0)};
    value = atom_resolve(&d->rt->heap, value);
    if (v->format != WHY_ATOMS)
        tell_result(&t, value);
    else
        vec_push(v->atoms, derivation_atom(&t, whole_goal(&t), v->expression, value, 0));
}

/* -- Evaluating for it -- */

/* Calls inside of EXPRESSION that came to nothing, each with the reasons. */
static void tell_misses(Debugger *d, Derivation *v, Scope *scope)
{
    for (size_t i = 0; i < v->misses.len; i++) {
        buf_puts(v->out, i || v->out->len ? "\n" : "");
        print_short(d->rt, v->misses.data[i], SHOWN, v->out);
        buf_puts(v->out, " came to nothing\n");
        why_not(d, scope, v->misses.data[i], WHY_NOT_FEW, v->out);
    }
}

/* Evaluate V's expression with everything noted. */
static size_t derive(Debugger *d, Scope *scope, Derivation *v)
{
    QueryResults results = {0};
    bool busy = d->busy;
    uint64_t numbers = d->numbers;
    size_t goals = d->goals.len;
    v->outer = d->rt->machine;
    d->derivation = v;
    d->busy = false;
    update_watching(d);
    interp_eval(d->rt, scope, v->expression, &results);
    size_t count = results.atoms.len;
    vec_free(&results.atoms);
    d->goals.len = goals;
    d->numbers = numbers;
    d->busy = busy;
    return count;
}

size_t explain(Debugger *d, Scope *scope, Word expression, WhyFormat format, size_t wanted, Buf *out,
               WordVec *atoms)
{
    Derivation v = {.format = format, .wanted = wanted, .out = out, .atoms = atoms, .expression = expression};
    Derivation *before = d->derivation;
    bool busy = d->busy;
    vec_push(&v.cells, atom_new_var(&d->rt->heap, SYM_EQUAL, 0));
    size_t count = derive(d, scope, &v);
    d->busy = true; /* what follows evaluates on its own account */
    if (format == WHY_TEXT) tell_misses(d, &v, scope);
    if (format == WHY_TEXT && count == 0 && v.misses.len == 0) {
        buf_puts(out, "no result\n");
        why_not(d, scope, v.expression, WHY_NOT_FEW, out);
    }
    d->busy = busy;
    d->derivation = before;
    update_watching(d);
    vec_free(&v.cells);
    vec_free(&v.rules);
    vec_free(&v.misses);
    return count;
}
