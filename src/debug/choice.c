/* Alternatives: what is pending, and taking one out of turn. */
#include "vm/frame.h"

#include "debug/state.h"

/* Slots of choice points of tier 0, which all begin alike: the goal of a CHOICE_RULES; items and goal of a CHOICE_LIST; space,
 * pattern, other patterns and goal of a CHOICE_MATCH. */
enum { RULES_GOAL = 0, LIST_ITEMS = 0, LIST_GOAL = 1, MATCH_PATTERN = 1, MATCH_GOAL = 3 };

/* -- Counting -- */

/* Take back what was bound since C was made, for a look at what it has left; VALUES keeps it for bind_again. */
static void unbind(Bind *b, const Choice *c, WordVec *values)
{
    for (size_t i = c->trail; i < b->trail.len; i++) {
        vec_push(values, b->trail.data[i].cell->body[0]);
        b->trail.data[i].cell->body[0] = b->trail.data[i].unbound;
    }
}

static void bind_again(Bind *b, const Choice *c, WordVec *values)
{
    for (size_t i = 0; i < values->len; i++) b->trail.data[c->trail + i].cell->body[0] = values->data[i];
    vec_free(values);
}

/* The marked goal that C, a CHOICE_RULES, belongs to: its end lies directly below, but for other marks. */
static uint64_t marked_goal_of(const Choice *c)
{
    for (const Choice *p = c->prev; p; p = p->prev) {
        bool rules = p->kind == CHOICE_RULES && p->slot[RULES_GOAL] == c->slot[RULES_GOAL];
        if (p->kind == CHOICE_PORT && p->slot[MARK_GOAL] == c->slot[RULES_GOAL]) return mark_number(p->slot);
        if (p->kind != CHOICE_PORT && !rules) break;
    }
    return 0;
}

static bool is_used(const Debugger *d, uint64_t number, const Space *s, uint32_t rule)
{
    for (size_t i = 0; number && i < d->used.len; i++) {
        const UsedRule *u = &d->used.data[i];
        if (u->goal == number && u->space == s && u->rule == rule) return true;
    }
    return false;
}

/* Does C apply one rule only, out of turn? */
static bool is_once(const Debugger *d, const Choice *c)
{
    for (size_t i = 0; i < d->used.len; i++)
        if (d->used.data[i].once == c) return true;
    return false;
}

/* One of the rules that a choice point has left. */
typedef struct Left {
    Rule rule;
    Space *space;   /* NULL: there is none */
    uint32_t index; /* of the space in the scope */
} Left;

/* How many rules C has left that match; *LEFT becomes number WHICH of them. */
static size_t count_rules(Debugger *d, const Choice *c, size_t which, Left *left)
{
    Bind *b = &d->rt->bind;
    WordVec values = {0};
    size_t n = 0;
    uint64_t number = marked_goal_of(c);
    *left = (Left){.space = NULL};
    unbind(b, c, &values);
    Word goal = atom_deref(c->slot[RULES_GOAL]);
    RuleCursor cursor = c->u.rules;
    for (uint32_t i = c->index; i < c->scope->spaces.len; i++) {
        Rule r;
        if (i > c->index) rules_open(c->scope->spaces.data[i], goal, &cursor);
        /* A copy of C's cursor must not come to its end, where it would be closed. */
        while (!rules_at_end(&cursor, goal) && rules_next(&cursor, goal, &r)) {
            Bindings none = {0};
            bool matches = rule_bindings(d, &r, goal, &none);
            vec_free(&none);
            if (!matches || is_used(d, number, c->scope->spaces.data[i], r.id)) continue;
            if (++n == which) *left = (Left){r, c->scope->spaces.data[i], i};
        }
        if (i > c->index) rules_close(&cursor);
    }
    bind_again(b, c, &values);
    return n;
}

static Word choice_goal(const Choice *c)
{
    switch ((ChoiceKind)c->kind) {
    case CHOICE_RULES:
        return c->slot[RULES_GOAL];
    case CHOICE_LIST:
        return c->slot[LIST_GOAL];
    case CHOICE_MATCH:
        return c->slot[MATCH_GOAL];
    default:
        return WORD_NIL;
    }
}

static Word list_item(const Choice *c, size_t which)
{
    Word items = c->slot[LIST_ITEMS];
    if (c->index + which > expr_len(items)) return WORD_NIL;
    Word item = expr_at(items, c->index + (uint32_t)which - 1);
    return c->kind == CHOICE_LIST && c->flags ? expr_at(atom_deref(item), 0) : item;
}

static Word vm_choice_goal(Debugger *d, const Choice *c)
{
    const Chunk *chunk = word_ptr(c->slot[CV_CHUNK]);
    Word *items, goal = atom_expr_open(&d->rt->heap, chunk->arity + 1, &items);
    items[0] = word_sym(chunk->name);
    for (uint32_t i = 0; i < chunk->arity; i++)
        items[i + 1] = CV_LOCALS + i < c->count ? atom_deref(c->slot[CV_LOCALS + i]) : W_SYM(UNDEFINED);
    expr_seal(goal);
    return goal;
}

/* Describe C; false: it holds no alternative of the program. */
static bool describe(Debugger *d, const Choice *c, Alternative *a)
{
    *a = (Alternative){.choice = c, .goal = choice_goal(c), .next = WORD_NIL, .left = 1};
    if ((ChoiceKind)c->kind == CHOICE_RULES) {
        Left left;
        a->kind = "rule";
        a->left = is_once(d, c) ? 1 : count_rules(d, c, 1, &left);
        a->exact = true;
        if (is_once(d, c)) return true;
        if (left.space) a->place = rule_place(d, left.space, left.rule.id);
        return a->left > 0;
    }
    if (c->kind == CHOICE_LIST || c->kind == CHOICE_RETURN) {
        a->kind = "item";
        a->left = expr_len(c->slot[LIST_ITEMS]) - c->index;
        a->exact = true;
        a->next = list_item(c, 1);
        return true;
    }
    if (c->kind == CHOICE_MATCH) {
        a->kind = "match";
        a->next = c->slot[MATCH_PATTERN];
        return true;
    }
    if (c->kind == CHOICE_VM && !(c->flags & CHOICE_DONE)) {
        const Span *span = chunk_place(word_ptr(c->slot[CV_CHUNK]), c->index);
        a->kind = "rule";
        a->goal = vm_choice_goal(d, c);
        if (span) a->place = *span;
        return true;
    }
    return false;
}

void alternatives(Debugger *d, const Choice *until, Alternatives *out)
{
    Alternative a;
    if (!d->machine) return;
    for (const Choice *c = d->machine->choice; c != until && c->kind != CHOICE_BOTTOM; c = c->prev)
        if (describe(d, c, &a)) vec_push(out, a);
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

/* -- Taking -- */

static void close_choice(Choice *c)
{
    if (c->kind == CHOICE_RULES) rules_close(&c->u.rules);
    if (c->kind == CHOICE_MATCH && match_is_open(c)) cursor_close(&c->u.cursor);
}

static Choice *nth(Debugger *d, size_t n, const char **error)
{
    Alternatives all = {0};
    alternatives(d, NULL, &all);
    Choice *c = n >= 1 && n <= all.len ? (Choice *)all.data[n - 1].choice : NULL;
    vec_free(&all);
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

/* A choice point above C whose next rule is number WHICH that C has left.  That rule is applied, and nothing else of it; C does not apply it
 * again. */
static void leave_rule(Debugger *d, Choice *c, size_t which, uint64_t goal)
{
    Machine *m = d->machine;
    Left left;
    Rule r;
    count_rules(d, c, which, &left);
    Choice *once = machine_choice(m, CHOICE_RULES, c->count);
    memcpy(once->slot, c->slot, c->count * sizeof(Word));
    once->flags = c->flags;
    once->index = left.index;
    once->frame = c->frame;
    once->trail = c->trail;
    once->depth = c->depth;
    once->head = c->head;
    once->scope = c->scope;
    RuleCursor *cursor = &once->u.rules;
    WordVec values = {0};
    unbind(&m->rt->bind, c, &values);
    Word atom = atom_deref(c->slot[RULES_GOAL]);
    rules_open(left.space, atom, cursor);
    for (RuleCursor ahead = *cursor; rules_next(&ahead, atom, &r) && r.id != left.rule.id;) *cursor = ahead;
    bind_again(&m->rt->bind, c, &values);
    UsedRule used = {goal, left.space, left.rule.id, once};
    vec_push(&d->used, used);
}

bool alternative_choose(Debugger *d, size_t n, size_t which, const char **error)
{
    Choice *c = nth(d, n, error);
    Machine *m = d->machine;
    Alternative a;
    if (!c) return false;
    describe(d, c, &a);
    if (which < 1 || (a.exact && which > a.left)) {
        *error = "there are not so many";
        return false;
    }
    uint64_t goal = c->kind == CHOICE_RULES ? marked_goal_of(c) : 0;
    if (which > 1 && c->kind == CHOICE_RULES && !goal) {
        *error = "of a goal that was not stepped into only the next rule can be taken";
        return false;
    }
    if (which > 1 && (c->kind == CHOICE_LIST || c->kind == CHOICE_RETURN)) move_item(d, c, which);
    if (which > 1 && !a.exact) {
        *error = "only the next one of these can be taken";
        return false;
    }
    /* A result that is there already is not lost: the alternative is the next one then. */
    d->take_later = d->stop.port == AT_EXIT && m->choice == c;
    while (m->choice != c) {
        close_choice(m->choice);
        machine_drop(m, m->choice);
    }
    forget_pruned(d, m);
    if (which > 1 && goal) leave_rule(d, c, which, goal);
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

bool rule_is_used_up(Debugger *d, uint64_t number, Machine *m)
{
    for (size_t i = 0; i < d->used.len; i++) {
        UsedRule *u = &d->used.data[i];
        if (u->goal != number || u->space != m->rule_space || u->rule != m->rule) continue;
        Choice *once = u->once;
        if (!once) return true;
        u->once = NULL;
        if (m->choice != once) return false;
        close_choice(once);
        machine_drop(m, once);
        return false;
    }
    return false;
}
