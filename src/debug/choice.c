/* Alternatives: what is pending, and taking one out of turn. */
#include "vm/pieces.h"

#include "debug/state.h"

/* -- What a choice point has left -- */

/* One of the alternatives, and how to come to it. */
typedef struct Option {
    Word atom; /* (= LEFT RIGHT), a row or an item */
    Span place;
    uint32_t
        at; /* RULES, MATCH: the space, by its index in the scope; LIST: the item; VM: the offset in the code */
    /* Open and just before it. */
    RuleCursor rule;
    Cursor row;
} Option;
typedef VEC(Option) Options;

static void free_options(Options *options)
{
    for (size_t i = 0; i < options->len; i++) {
        rules_close(&options->data[i].rule);
        cursor_close(&options->data[i].row);
    }
    vec_free(options);
}

/* Take back what was bound since C was made, for a look at what it has left; VALUES keeps it for bind_again. */
static void unbind(Bind *b, const Choice *c, WordVec *values)
{
    for (size_t i = b->trail.len; i-- > c->trail;) {
        vec_push(values, b->trail.data[i].cell->body[0]);
        b->trail.data[i].cell->body[0] = b->trail.data[i].unbound;
    }
}

static void bind_again(Bind *b, WordVec *values)
{
    for (size_t i = values->len; i-- > 0;)
        b->trail.data[b->trail.len - 1 - i].cell->body[0] = values->data[i];
    vec_free(values);
}

static Word written_rule(Debugger *d, const Rule *r)
{
    Bindings none = {0};
    return atom_expr3(&d->rt->heap, W_SYM(EQUAL), instance(d, r, r->lhs, &none),
                      instance(d, r, r->rhs, &none));
}

/* Was the code of CHUNK made from that rule?  It may be newer. */
static bool has_clause(const Chunk *chunk, uint32_t space, uint32_t rule)
{
    for (size_t i = 0; i < chunk->places.len; i++) {
        CodeClause clause = chunk->places.data[i].clause;
        if (clause.space == space + 1 && clause.rule == rule) return true;
    }
    return false;
}

/* Append up to MOST of the rules that match GOAL, from where C, a CHOICE_RULES, is; if C is one of bytecode, from clause FROM of CHUNK on. */
static void list_rules(Debugger *d, const Choice *c, Word goal, const Chunk *chunk, CodeClause from,
                       size_t most, Options *out)
{
    bool here = !chunk;
    goal = atom_deref(goal);
    for (uint32_t i = here ? c->index : 0; i < c->scope->spaces.len; i++) {
        Space *s = c->scope->spaces.data[i];
        RuleCursor cursor;
        Rule r;
        if (here)
            rules_copy(&c->u.rules, &cursor);
        else
            rules_open(s, goal, &cursor);
        here = false;
        while (cursor.space) {
            Option o = {.at = i};
            Bindings none = {0};
            rules_copy(&cursor, &o.rule);
            bool found = rules_next(&cursor, goal, &r) && out->len < most;
            if (found) o.place = rule_place(d, s, r.id);
            /* Rules come by ascending numbers, but not those that cannot match. */
            bool begun = !chunk || i + 1 > from.space || (i + 1 == from.space && r.id >= from.rule);
            bool meant = found && begun && (!chunk || has_clause(chunk, i, r.id));
            if (meant && rule_bindings(d, &r, goal, &none)) {
                o.atom = written_rule(d, &r);
                vec_push(out, o);
            } else {
                rules_close(&o.rule);
            }
            vec_free(&none);
            if (!found) rules_close(&cursor);
        }
    }
}

/* The same for the rows of a CHOICE_MATCH. */
static void list_rows(Debugger *d, const Choice *c, size_t most, Options *out)
{
    Bind *b = &d->rt->bind;
    Word pattern = c->slot[MATCH_PATTERN];
    const Scope *scope = rt_scope(d->rt, word_space(c->slot[MATCH_SPACE]));
    for (uint32_t i = c->index; i < c->limit; i++) {
        Cursor cursor;
        if (i == c->index && match_is_open(c))
            cursor_copy(&c->u.cursor, &cursor);
        else
            cursor_open(scope->spaces.data[i], pattern, &cursor);
        while (cursor.space) {
            Option o = {.at = i};
            cursor_copy(&cursor, &o.row);
            Trial t = trial_begin(b);
            bool found = cursor_next(&cursor, b, pattern) && out->len < most;
            if (found) o.atom = atom_resolve(&d->rt->heap, pattern);
            trial_abort(b, t);
            if (found) {
                vec_push(out, o);
            } else {
                cursor_close(&o.row);
                cursor_close(&cursor);
            }
        }
    }
}

static void list_items(const Choice *c, size_t most, Options *out)
{
    Word items = c->slot[LIST_ITEMS];
    for (uint32_t i = c->index; i < expr_len(items) && out->len < most; i++) {
        Option o = {.atom = expr_at(items, i), .at = i};
        if ((ChoiceKind)c->kind == CHOICE_LIST && c->flags) o.atom = expr_at(atom_deref(o.atom), 0);
        vec_push(out, o);
    }
}

/* -- Choice points of bytecode -- */

static Chunk *choice_chunk(const Choice *c)
{
    return word_ptr(c->slot[CV_CHUNK]);
}

static Word vm_call(Debugger *d, const Choice *c)
{
    const Chunk *chunk = choice_chunk(c);
    return make_call(d->rt->machine, word_sym(chunk->name), c->slot + CV_LOCALS, chunk->arity);
}

static bool is_superpose(Debugger *d, Word e)
{
    return atom_is_cons(e) && expr_len(e) == 2 && head_is(d, expr_at(e, 0), "superpose") &&
           atom_is_cons(expr_at(e, 1));
}

/* The superpose of the same clause that code at OFFSET belongs to an item of, as a template; NULL: none. */
static const Template *superpose_around(Debugger *d, const Chunk *chunk, uint32_t offset)
{
    const Template *best = NULL;
    CodeClause clause = chunk_clause(chunk, offset);
    for (size_t i = 0; i < chunk->expressions.len; i++) {
        const Expression *e = &chunk->expressions.data[i];
        const Template *t = &chunk->templates.data[e->term];
        CodeClause of = chunk_clause(chunk, e->at);
        bool same = of.space == clause.space && of.rule == clause.rule;
        if (same && e->at < offset && (e->tail || offset < e->end) && is_superpose(d, t->term)) best = t;
    }
    return best;
}

static Word saved_instance(Debugger *d, const Choice *c, const Template *t)
{
    const Chunk *chunk = choice_chunk(c);
    Word *slots = base_alloc((t->count + 1) * sizeof *slots);
    for (uint32_t i = 0; i < t->count; i++) {
        uint32_t local = chunk->slot_map.data[t->first + i];
        slots[i] = CV_LOCALS + local < c->count ? atom_deref(c->slot[CV_LOCALS + local]) : WORD_NIL;
    }
    Word whole = instantiate(&d->rt->heap, t->term, slots, t->count ? chunk->names.data + t->first : NULL);
    base_free(slots);
    return whole;
}

/* A fork and its operand. */
enum { FORK_BYTES = 3 };

/* The alternative at AT begins with a fork where another one follows, at *NEXT. */
static bool has_next_fork(const Chunk *chunk, uint32_t at, uint32_t *next)
{
    const uint8_t *code = chunk->code.data + at;
    if (*code != OP_FORK) return false;
    *next = at + FORK_BYTES + (uint32_t)(int32_t)(int16_t)op_read16(code + 1);
    return true;
}

/* The items of a superpose that C, a CHOICE_VM, has left.  One that was put first has the number of its item in LIMIT. */
static void list_forks(Debugger *d, const Choice *c, const Template *t, size_t most, Options *out)
{
    const Chunk *chunk = choice_chunk(c);
    Word list = expr_at(saved_instance(d, c, t), 1);
    uint32_t n = 1, next = c->index, at = c->index;
    while (!c->limit && has_next_fork(chunk, next, &next)) n++;
    uint32_t first = c->limit ? c->limit - 1 : expr_len(list) - n;
    for (uint32_t i = first; i < first + n && i < expr_len(list) && out->len < most; i++) {
        bool more = has_next_fork(chunk, at, &next);
        Option o = {.atom = expr_at(list, i), .at = more ? at + FORK_BYTES : at};
        vec_push(out, o);
        at = next;
    }
}

/* -- All kinds -- */

enum { MOST_OPTIONS = 1000 };

/* Of a CHOICE_VM.  One that begins the call anew has the arguments only. */
static const char *list_vm_options(Debugger *d, const Choice *c, Word *goal, Options *out)
{
    const Chunk *chunk = choice_chunk(c);
    bool all = c->count == CV_LOCALS + chunk->locals;
    const Template *t = all ? superpose_around(d, chunk, c->index) : NULL;
    if (t) {
        *goal = saved_instance(d, c, t);
        list_forks(d, c, t, MOST_OPTIONS, out);
        return "item";
    }
    /* All locals are kept for what a case does when nothing comes. */
    if (c->count != CV_LOCALS + chunk->arity) return NULL;
    CodeClause clause = chunk_clause(chunk, c->index);
    *goal = vm_call(d, c);
    if (clause.space) list_rules(d, c, *goal, chunk, clause, MOST_OPTIONS, out);
    /* Known, but none of them matches; or not known, with a chunk from elsewhere. */
    return clause.space && out->len == 0 ? NULL : "rule";
}

/* What kind of alternatives C has left: WORD_NIL where the goal is not known.  NULL: none of the program. */
static const char *list_options(Debugger *d, const Choice *c, Word *goal, Options *out)
{
    switch ((ChoiceKind)c->kind) {
    case CHOICE_RULES:
        *goal = c->slot[RULES_GOAL];
        list_rules(d, c, *goal, NULL, (CodeClause){0}, c->limit ? c->limit : MOST_OPTIONS, out);
        return out->len ? "rule" : NULL;
    case CHOICE_MATCH:
        *goal = c->slot[MATCH_PATTERN];
        list_rows(d, c, match_left(c) ? match_left(c) : MOST_OPTIONS, out);
        return out->len ? "match" : NULL;
    case CHOICE_LIST:
        *goal = c->slot[LIST_GOAL];
        list_items(c, MOST_OPTIONS, out);
        return "item";
    case CHOICE_RETURN:
        list_items(c, MOST_OPTIONS, out);
        return "item";
    case CHOICE_VM:
        return c->flags & CHOICE_DONE ? NULL : list_vm_options(d, c, goal, out);
    default:
        return NULL;
    }
}

static Word plain_variable(void *context, Heap *h, Word var)
{
    (void)context;
    return word_is_cell(var) ? atom_new_var(h, word_obj(var)->len, OBJ_PLAIN) : var;
}

/* A copy of W that tells what W is now, whatever its variables are bound to later. */
static Word as_it_is(Debugger *d, Word w)
{
    return atom_map_vars(&d->rt->heap, w, plain_variable, NULL);
}

/* Describe C; false: it holds no alternative of the program.  OUT gets what it has left: none when that is not known. */
static bool describe(Debugger *d, const Choice *c, Alternative *a, Options *out)
{
    WordVec values = {0};
    *a = (Alternative){.choice = c, .goal = WORD_NIL, .next = WORD_NIL, .left = 1};
    unbind(&d->rt->bind, c, &values);
    a->kind = list_options(d, c, &a->goal, out);
    if (!word_is_nil(a->goal)) a->goal = as_it_is(d, a->goal);
    for (size_t i = 0; i < out->len; i++) out->data[i].atom = as_it_is(d, out->data[i].atom);
    bind_again(&d->rt->bind, &values);
    if (!a->kind || out->len == 0) return a->kind != NULL;
    a->left = out->len;
    a->exact = out->len < MOST_OPTIONS;
    a->next = out->data[0].atom;
    a->place = out->data[0].place;
    return true;
}

void alternatives(Debugger *d, const Choice *until, Alternatives *out)
{
    Alternative a;
    if (!d->machine) return;
    for (const Choice *c = d->machine->choice; c != until && c->kind != CHOICE_BOTTOM; c = c->prev) {
        Options options = {0};
        if (describe(d, c, &a, &options)) vec_push(out, a);
        free_options(&options);
    }
}

size_t alternatives_left(Debugger *d, const Choice *until)
{
    Alternatives all = {0};
    size_t n = 0;
    d->machine = d->rt->machine;
    alternatives(d, until, &all);
    for (size_t i = 0; i < all.len; i++) n += all.data[i].left;
    vec_free(&all);
    return n;
}

/* The Nth choice point with alternatives, or NULL. */
static Choice *find_nth(Debugger *d, size_t n)
{
    Alternatives all = {0};
    alternatives(d, NULL, &all);
    Choice *c = n >= 1 && n <= all.len ? (Choice *)all.data[n - 1].choice : NULL;
    vec_free(&all);
    return c;
}

bool alternative_option(Debugger *d, size_t n, size_t which, Word *atom, Span *place)
{
    const Choice *c = find_nth(d, n);
    Options options = {0};
    Alternative a;
    bool there = c && describe(d, c, &a, &options) && which >= 1 && which <= options.len;
    if (there) {
        *atom = options.data[which - 1].atom;
        *place = options.data[which - 1].place;
    }
    free_options(&options);
    return there;
}

/* -- Taking -- */

static void close_choice(Choice *c)
{
    if (c->kind == CHOICE_RULES) rules_close(&c->u.rules);
    if (c->kind == CHOICE_MATCH && match_is_open(c)) cursor_close(&c->u.cursor);
}

static Choice *nth(Debugger *d, size_t n, const char **error)
{
    Choice *c = find_nth(d, n);
    if (!c) *error = "there is no such alternative";
    if (c && !debug_can_leave(d)) {
        *error = "an operation is at work: step to a port first";
        return NULL;
    }
    return c;
}

/* Move item WHICH of those that C has left to the front. */
static void move_item(Debugger *d, Choice *c, size_t which)
{
    Word items = c->slot[LIST_ITEMS];
    uint32_t first = c->index, at = first + (uint32_t)which - 1;
    Word copy = atom_expr(&d->rt->heap, expr_items(items), expr_len(items)), chosen = expr_at(items, at);
    memmove(expr_items(copy) + first + 1, expr_items(items) + first, (at - first) * sizeof(Word));
    expr_items(copy)[first] = chosen;
    machine_touch(d->machine, c);
    c->slot[LIST_ITEMS] = copy;
}

/* A choice point of KIND that begins where OF, a copy of one that is gone, did, with COUNT slots, of which those that OF has are its. */
static Choice *push_like(Machine *m, const Choice *of, ChoiceKind kind, uint32_t count)
{
    /* Its frames lie below the place of OF, but perhaps above the current one. */
    Frame *current = m->frame;
    if (of->frame > current) m->frame = of->frame;
    Choice *c = machine_choice(m, kind, count);
    m->frame = current;
    for (uint32_t i = 0; i < count && i < of->count; i++) c->slot[i] = of->slot[i];
    c->flags = of->flags;
    c->changed = of->changed;
    c->index = of->index;
    c->limit = of->limit;
    c->frame = of->frame;
    c->trail = of->trail;
    c->depth = of->depth;
    c->head = of->head;
    c->scope = of->scope;
    return c;
}

/* The rules from option FROM on, COUNT of them (0: all), as a choice point. */
static void push_rules(Machine *m, const Choice *of, const Option *from, size_t count)
{
    Choice *c = push_like(m, of, CHOICE_RULES, RULES_SLOTS);
    if ((ChoiceKind)of->kind == CHOICE_VM) c->changed = (of->flags & FF_CHANGED) != 0;
    c->flags = 0;
    c->index = from->at;
    c->limit = (uint32_t)count;
    rules_copy(&from->rule, &c->u.rules);
}

static void push_rows(Machine *m, const Choice *of, const Option *from, size_t count)
{
    Choice *c = push_like(m, of, CHOICE_MATCH, count ? MATCH_SLOTS + 1 : MATCH_SLOTS);
    if (count) c->slot[MATCH_LEFT] = word_int48((int64_t)count);
    c->flags &= (uint8_t)~MATCH_CLOSED;
    c->index = from->at;
    cursor_copy(&from->row, &c->u.cursor);
}

/* Put option WHICH first, then those before it, then those behind it: each in a choice point of its own. */
static void split_ranges(Machine *m, const Choice *of, const Options *options, size_t which, size_t left,
                         void (*push)(Machine *, const Choice *, const Option *, size_t))
{
    if (which < options->len) push(m, of, &options->data[which], left ? left - which : 0);
    if (which > 1) push(m, of, &options->data[0], which - 1);
    push(m, of, &options->data[which - 1], 1);
}

static void push_fork(Machine *m, const Choice *of, const Options *options, size_t i, size_t items)
{
    Choice *c = push_like(m, of, CHOICE_VM, (uint32_t)of->count);
    c->index = options->data[i].at;
    c->limit = (uint32_t)(items - options->len + i + 1);
}

static void split_forks(Machine *m, const Choice *of, const Options *options, size_t which, Word goal)
{
    size_t items = expr_len(expr_at(atom_deref(goal), 1));
    for (size_t i = options->len; i > 0; i--)
        if (i != which) push_fork(m, of, options, i - 1, items);
    push_fork(m, of, options, which - 1, items);
}

/* The choice point C, the newest one, is made anew with alternative WHICH of OPTIONS in front. */
static void reorder(Debugger *d, Choice *c, const Alternative *a, const Options *options, size_t which)
{
    Machine *m = d->machine;
    size_t size = sizeof *c + c->count * sizeof(Word);
    Choice *of = base_alloc(size);
    size_t left = c->kind == CHOICE_MATCH ? match_left(c) : c->kind == CHOICE_RULES ? c->limit : options->len;
    memcpy(of, c, size);
    bool rules = *a->kind == 'r';
    if (c->kind == CHOICE_VM && rules) {
        of->slot[RULES_GOAL] = vm_call(d, c);
        of->slot[RULES_TYPE] = c->slot[CV_TYPE];
    }
    close_choice(c);
    machine_drop(m, c);
    if (of->kind == CHOICE_VM && !rules)
        split_forks(m, of, options, which, a->goal);
    else
        split_ranges(m, of, options, which, left, rules ? push_rules : push_rows);
    base_free(of);
}

bool drop_useless(Debugger *d, Choice *c)
{
    Machine *m = d->rt->machine;
    Options options = {0};
    Alternative a;
    bool call = (ChoiceKind)c->kind == CHOICE_RULES || (ChoiceKind)c->kind == CHOICE_MATCH;
    if ((ChoiceKind)c->kind == CHOICE_VM)
        call =
            c->count == CV_LOCALS + choice_chunk(c)->arity && chunk_clause(choice_chunk(c), c->index).space;
    bool useless = call && !describe(d, c, &a, &options);
    free_options(&options);
    if (!useless) return false;
    close_choice(c);
    machine_drop(m, c);
    return true;
}

bool choice_to_tier0(Debugger *d, Choice *c)
{
    Options options = {0};
    Alternative a;
    bool rules = describe(d, c, &a, &options) && *a.kind == 'r' && options.len > 0;
    d->machine->frame = c->frame; /* what has failed needs no room */
    if (rules) reorder(d, c, &a, &options, 1);
    free_options(&options);
    return rules;
}

/* Put alternative WHICH of C in front; false: that is not possible, and *ERROR says why. */
static bool put_first(Debugger *d, Choice *c, size_t which, const char **error)
{
    Machine *m = d->machine;
    Options options = {0};
    Alternative a;
    describe(d, c, &a, &options);
    bool ok = which >= 1 && (which == 1 || which <= options.len);
    if (!ok) *error = options.len ? "there are not so many" : "only the next one of these can be taken";
    if (ok) {
        while (m->choice != c) {
            close_choice(m->choice);
            machine_drop(m, m->choice);
        }
        forget_pruned(d, m);
    }
    if (ok && which > 1) {
        if (c->kind == CHOICE_LIST || c->kind == CHOICE_RETURN)
            move_item(d, c, which);
        else
            reorder(d, c, &a, &options, which);
    }
    free_options(&options);
    return ok;
}

bool alternative_choose(Debugger *d, size_t n, size_t which, const char **error)
{
    Choice *c = nth(d, n, error);
    if (!c) return false;
    /* A result that is there already is not lost: the alternative is the next one then. */
    bool later = d->stop.port == AT_EXIT && d->machine->choice == c;
    if (!put_first(d, c, which, error)) return false;
    d->take_later = later;
    return true;
}

bool alternative_prune(Debugger *d, size_t n, const char **error)
{
    Choice *c = nth(d, n, error);
    Machine *m = d->machine;
    if (!c) return false;
    close_choice(c);
    if (m->choice == c) {
        machine_drop(m, c);
        return true;
    }
    Choice *newer = m->choice;
    while (newer->prev != c) newer = newer->prev;
    machine_touch(m, newer);
    newer->prev = c->prev;
    return true;
}
