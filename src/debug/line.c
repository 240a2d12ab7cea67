/* Breakpoints at lines: which rules, and which expressions of their bodies, a line of a text means, and how evaluation is seen to come there.
 *
 * A function with such a breakpoint runs in tier 0.  When a rule that holds the line is applied, its body is made anew with the
 * expression flagged (OBJ_SPOT), and a line frame is pushed, which passes results on and knows the call, the rule and the body. Tier 0 tells of
 * a flagged expression when it comes to it, so no other expression costs more than it did. */
#include <ctype.h>

#include "base/file.h"

#include "debug/state.h"

/* -- Lines of a text that expressions begin on -- */

/* The first line from FROM on that an expression begins on, 0: none; *LINES is how many there are. */
static uint32_t next_expression(const FileText *text, uint32_t from, uint32_t *lines)
{
    bool quoted = false, comment = false;
    uint32_t line = 1, found = 0;
    for (size_t i = 0; i < text->len; i++) {
        char c = text->data[i];
        if (c == '\n') {
            line++;
            comment = false;
        } else if (quoted) {
            if (c == '\\' && i + 1 < text->len && text->data[i + 1] != '\n') i++;
            quoted = c != '"';
        } else if (!comment) {
            quoted = c == '"';
            comment = c == ';';
            if ((c == '(' || c == '!') && line >= from && !found) found = line;
        }
    }
    *lines = line - (text->len && text->data[text->len - 1] == '\n');
    return found;
}

static bool is_file(const char *path, const char *asked)
{
    size_t n = strlen(path), k = strlen(asked);
    if (n < k || strcmp(path + n - k, asked) != 0) return false;
    return n == k || path[n - k - 1] == '/' || asked[0] == '/';
}

/* The name by which FILE has been read, or else FILE itself. */
static const char *file_path(Debugger *d, const char *file)
{
    for (size_t i = 0; i < d->rt->files.len; i++)
        if (is_file(d->rt->files.data[i], file)) return d->rt->files.data[i];
    return file;
}

static void set_note(Breakpoint *b, Buf *note)
{
    base_free(b->note);
    b->note = note->len ? base_strndup(note->data, note->len) : NULL;
    buf_free(note);
}

static void note_move(Breakpoint *b)
{
    Buf note = {0};
    if (b->wanted != b->line)
        buf_printf(&note, "nothing is evaluated on line %u: moved to line %u", b->line, b->wanted);
    set_note(b, &note);
}

bool line_look_up(Debugger *d, Breakpoint *b, const char **error)
{
    FileText text;
    uint32_t lines;
    b->wanted = b->line;
    if (!file_read(file_path(d, b->file), &text)) {
        Buf note = {0};
        buf_printf(&note, "pending until a file %s is loaded", b->file);
        set_note(b, &note);
        return true;
    }
    uint32_t found = next_expression(&text, b->line, &lines);
    file_free(&text);
    if (!found) {
        vec_clear(&d->error);
        buf_printf(&d->error, "there is no expression on line %u of %s or below: it has %u lines", b->line,
                   b->file, lines);
        *error = buf_cstr(&d->error);
        return false;
    }
    b->wanted = found;
    note_move(b);
    return true;
}

/* -- Expressions of a body that are evaluated -- */

/* What evaluation does with an expression, as its place says. */
typedef enum Role {
    ROLE_EXPRESSION,
    ROLE_ITEMS,    /* not itself, but its items */
    ROLE_BINDINGS, /* a list of pairs (of a let*): the second item of each */
    ROLE_BRANCHES, /* of a case: one of them */
    ROLE_PAIR,     /* of such lists */
    ROLE_DATA,     /* nothing of it */
} Role;

typedef struct Node {
    Word term;
    Role role;
    uint32_t parent, item; /* which item of which node it is */
    Span place;
} Node;
typedef VEC(Node) Nodes;

/* Items of special operations that are no expressions. */
static Role special_role(Debugger *d, Word head, uint32_t item)
{
    static const struct {
        const char *name;
        uint32_t item;
        Role role;
    } roles[] = {
        {"let", 1, ROLE_DATA},        {"let*", 1, ROLE_BINDINGS},       {"case", 2, ROLE_BRANCHES},
        {"switch", 2, ROLE_BRANCHES}, {"match", 2, ROLE_DATA},          {"quote", 1, ROLE_DATA},
        {"unify", 1, ROLE_DATA},      {"unify", 2, ROLE_DATA},          {"superpose", 1, ROLE_ITEMS},
        {"chain", 2, ROLE_DATA},      {"function", 1, ROLE_EXPRESSION},
    };
    for (size_t i = 0; i < COUNT_OF(roles); i++)
        if (item == roles[i].item && head_is(d, head, roles[i].name)) return roles[i].role;
    return ROLE_EXPRESSION;
}

static Role item_role(Debugger *d, const Node *parent, uint32_t item)
{
    switch (parent->role) {
    case ROLE_EXPRESSION:
        return special_role(d, expr_at(parent->term, 0), item);
    case ROLE_ITEMS:
        return ROLE_EXPRESSION;
    case ROLE_BINDINGS:
    case ROLE_BRANCHES:
        return ROLE_PAIR;
    case ROLE_PAIR:
        return item == 1 ? ROLE_EXPRESSION : ROLE_DATA;
    case ROLE_DATA:
        break;
    }
    return ROLE_DATA;
}

/* Append E and the expressions in it, in the order of the text, which is that of the places from SPANS[AT] on. */
static void list_nodes(Debugger *d, Word e, const Span *spans, size_t n, size_t at, Nodes *out)
{
    Nodes todo = {0};
    Node first = {.term = e, .parent = UINT32_MAX};
    vec_push(&todo, first);
    while (todo.len && at < n) {
        Node node = vec_pop(&todo);
        if (!atom_is_cons(node.term)) continue;
        node.place = spans[at++];
        vec_push(out, node);
        for (uint32_t k = expr_len(node.term); k > 0; k--) {
            Node part = {.term = expr_at(node.term, k - 1), .item = k - 1};
            part.parent = (uint32_t)out->len - 1;
            part.role = item_role(d, &node, k - 1);
            vec_push(&todo, part);
        }
    }
    vec_free(&todo);
}

/* Does evaluation come to it?  A function atom is taken apart as it is. */
static bool is_evaluated(Debugger *d, const Node *node)
{
    return node->role == ROLE_EXPRESSION && node->place.line &&
           !head_is(d, expr_at(node->term, 0), "function");
}

static bool has_outer_on_line(Debugger *d, const Nodes *nodes, const Node *node)
{
    for (uint32_t i = node->parent; i != UINT32_MAX; i = nodes->data[i].parent)
        if (nodes->data[i].place.line == node->place.line && is_evaluated(d, &nodes->data[i])) return true;
    return false;
}

static uint32_t depth_of(const Nodes *nodes, uint32_t i)
{
    uint32_t n = 0;
    for (; nodes->data[i].parent != UINT32_MAX; i = nodes->data[i].parent) n++;
    return n;
}

/* Is node B, which stands behind A, evaluated without A perhaps, being another branch? */
static bool are_branches(Debugger *d, const Nodes *nodes, uint32_t a, uint32_t b)
{
    uint32_t da = depth_of(nodes, a), db = depth_of(nodes, b);
    while (da > db) a = nodes->data[a].parent, da--;
    while (db > da) b = nodes->data[b].parent, db--;
    while (nodes->data[a].parent != nodes->data[b].parent) {
        a = nodes->data[a].parent;
        b = nodes->data[b].parent;
    }
    const Node *around = &nodes->data[nodes->data[a].parent];
    uint32_t item = nodes->data[a].item;
    if (around->role == ROLE_BRANCHES) return true;
    if (around->role != ROLE_EXPRESSION) return false;
    Word head = expr_at(around->term, 0);
    return (item == 2 && head_is(d, head, "if")) || (item == 3 && head_is(d, head, "unify"));
}

/* -- Lines of a rule -- */

static void add_spot(Breakpoint *b, const FoundRule *r, uint32_t head, const Nodes *nodes, uint32_t node)
{
    LineSpot spot = {.head = head, .space = r->space, .rule = r->rule.id};
    if (nodes) {
        spot.place = nodes->data[node].place;
        spot.depth = depth_of(nodes, node);
        spot.path = base_alloc((spot.depth + 1) * sizeof *spot.path);
        for (uint32_t k = spot.depth; k > 0; k--, node = nodes->data[node].parent)
            spot.path[k - 1] = nodes->data[node].item;
    }
    vec_push(&b->spots, spot);
}

/* The first line from FROM on that something of the body begins on, 0: none. */
static uint32_t body_line(Debugger *d, const Nodes *nodes, uint32_t from)
{
    uint32_t line = 0;
    for (size_t i = 0; i < nodes->len; i++) {
        uint32_t at = nodes->data[i].place.line;
        if (at >= from && (!line || at < line) && is_evaluated(d, &nodes->data[i])) line = at;
    }
    return line;
}

/* What evaluation comes to first on LINE: the outermost expressions that begin there, and no second one unless that is in another branch. */
static void add_body_spots(Debugger *d, Breakpoint *b, const FoundRule *r, uint32_t head, const Nodes *nodes,
                           uint32_t line)
{
    VEC(uint32_t) taken = {0};
    for (uint32_t i = 0; i < nodes->len; i++) {
        const Node *node = &nodes->data[i];
        bool wanted = node->place.line == line && is_evaluated(d, node) && !has_outer_on_line(d, nodes, node);
        for (size_t k = 0; k < taken.len && wanted; k++) wanted = are_branches(d, nodes, taken.data[k], i);
        if (!wanted) continue;
        vec_push(&taken, i);
        add_spot(b, r, head, nodes, i);
    }
    vec_free(&taken);
}

/* The line of R, which ends behind FROM, that a breakpoint at line FROM is at, 0: none; *IN_BODY: it is in the body, else all
 * of the rule is meant. */
static uint32_t line_of_rule(Debugger *d, const FoundRule *r, uint32_t from, Nodes *nodes, bool *in_body)
{
    size_t n = 0, first = 1 + count_expressions(r->rule.lhs);
    const Span *spans = rt_rule_spans(d->rt, r->space, r->rule.id, &n);
    uint32_t left_end = first > 1 && n > 1 ? spans[1].end_line : spans[0].line;
    *in_body = false;
    if (from <= spans[0].line) return spans[0].line;
    if (from <= left_end || !atom_is_cons(r->rule.rhs)) return from;
    list_nodes(d, r->rule.rhs, spans, n, first, nodes);
    *in_body = true;
    return body_line(d, nodes, from);
}

/* Add what line FROM of R means; returns the line that is. */
static uint32_t add_rule(Debugger *d, Breakpoint *b, const FoundRule *r, uint32_t head, uint32_t from)
{
    Nodes nodes = {0};
    bool in_body;
    uint32_t line = line_of_rule(d, r, from, &nodes, &in_body);
    if (line && in_body)
        add_body_spots(d, b, r, head, &nodes, line);
    else if (line)
        add_spot(b, r, head, NULL, 0);
    vec_free(&nodes);
    return line;
}

/* -- Finding the rules -- */

typedef struct PlacedRule {
    FoundRule found;
    uint32_t head;
    Span place;
} PlacedRule;
typedef VEC(PlacedRule) PlacedRules;

/* The rules of M that stand in the file of B and end at line FROM or behind it. */
static void rules_behind(Debugger *d, const Breakpoint *b, const Module *m, uint32_t from, PlacedRules *out)
{
    FoundRules rules = {0};
    for (uint32_t s = 0; s < sym_count(d->rt->symbols); s++) {
        rules.len = 0;
        rules_of(d, m->scope, s, ANY_ARITY, &rules);
        for (size_t i = 0; i < rules.len; i++) {
            PlacedRule r = {rules.data[i], s, rule_place(d, rules.data[i].space, rules.data[i].rule.id)};
            if (r.found.space != m->space || !r.place.line || r.place.end_line < from) continue;
            if (!atom_is_cons(r.found.rule.lhs) || expr_at(r.found.rule.lhs, 0) != word_sym(s)) continue;
            if (r.place.file < d->rt->files.len && is_file(d->rt->files.data[r.place.file], b->file))
                vec_push(out, r);
        }
    }
    vec_free(&rules);
}

/* The line that the first of RULES begins on, but FROM when one of them has begun there already; 0: there are none. */
static uint32_t first_line(const PlacedRules *rules, uint32_t from)
{
    uint32_t line = 0;
    for (size_t i = 0; i < rules->len; i++) {
        uint32_t at = rules->data[i].place.line > from ? rules->data[i].place.line : from;
        if (!line || at < line) line = at;
    }
    return line;
}

static void forget_spots(Breakpoint *b)
{
    for (size_t i = 0; i < b->spots.len; i++) base_free(b->spots.data[i].path);
    b->spots.len = 0;
    b->first = 0;
}

void line_free(Breakpoint *b)
{
    forget_spots(b);
    vec_free(&b->spots);
    base_free(b->note);
}

/* Look at RULES, which end behind FROM; returns where to go on looking, or 0. */
static uint32_t try_rules(Debugger *d, Breakpoint *b, const PlacedRules *rules, uint32_t from)
{
    uint32_t end = 0;
    for (size_t i = 0; i < rules->len; i++) {
        const PlacedRule *r = &rules->data[i];
        if (r->place.line > from || r->place.end_line < from) continue;
        uint32_t line = add_rule(d, b, &r->found, r->head, from);
        if (line) b->first = b->wanted = line;
        if (r->place.end_line > end) end = r->place.end_line;
    }
    return b->first || !end ? 0 : end + 1;
}

/* The next line from FROM on that has an expression, as far as the text can be read; else that of the next rule. */
static uint32_t next_line(Debugger *d, const Breakpoint *b, const PlacedRules *rules, uint32_t from)
{
    FileText text;
    uint32_t lines;
    if (!file_read(file_path(d, b->file), &text)) return first_line(rules, from);
    uint32_t line = next_expression(&text, from, &lines);
    file_free(&text);
    return line;
}

static void resolve_line(Debugger *d, Breakpoint *b)
{
    for (size_t i = 0; i < d->rt->modules.len && !b->first; i++) {
        const Module *m = d->rt->modules.data[i];
        PlacedRules rules = {0};
        if (!m->builtin) rules_behind(d, b, m, b->wanted, &rules);
        for (uint32_t from = b->wanted; rules.len && from && !b->first;) {
            from = next_line(d, b, &rules, from);
            if (from) from = try_rules(d, b, &rules, from);
        }
        vec_free(&rules);
    }
    if (b->first) note_move(b);
}

void resolve_lines(Debugger *d)
{
    size_t rules = 1;
    bool found = false;
    for (size_t i = 0; i < d->rt->modules.len; i++) rules += d->rt->modules.data[i]->sources.len;
    if (rules == d->resolved) return;
    d->resolved = rules;
    for (size_t i = 0; i < d->breaks.len; i++) {
        Breakpoint *b = d->breaks.data[i];
        b->argument_items = 0;
        if (b->kind != BREAK_LINE || b->spots.len) continue;
        resolve_line(d, b);
        found |= b->spots.len > 0;
    }
    if (found) break_changed(d);
}

void break_at_query(Debugger *d)
{
    const Span *query = &d->rt->debug.query;
    if (!query->line || query->file >= d->rt->files.len) return;
    for (size_t i = 0; i < d->breaks.len; i++) {
        Breakpoint *b = d->breaks.data[i];
        bool here = b->wanted >= query->line && b->wanted <= query->end_line && !b->spots.len;
        if (!b->enabled || b->kind != BREAK_LINE || !here) continue;
        if (!is_file(d->rt->files.data[query->file], b->file)) continue;
        b->first = query->line;
        d->first = true;
        d->first_break = b->id;
        b->hits++;
        break_changed(d);
        return;
    }
}

/* -- While the program runs -- */

bool line_has_rule(const Breakpoint *b, const Machine *m)
{
    for (size_t i = 0; i < b->spots.len; i++) {
        const LineSpot *spot = &b->spots.data[i];
        if (!spot->path && spot->space == m->rule_space && spot->rule == m->rule) return true;
    }
    return false;
}

/* E with the part at the end of the path flagged: what is on the path is made anew. */
static Word flag_part(Heap *h, Word e, const LineSpot *spot)
{
    enum { KEPT = OBJ_EVALUATED | OBJ_SPOT | OBJ_HOLDS_SPOT };
    Word whole = WORD_NIL, above = WORD_NIL;
    for (uint32_t k = 0;; k++) {
        Word copy = atom_expr(h, expr_items(e), expr_len(e));
        word_obj(copy)->flags |= word_obj(e)->flags & KEPT;
        word_obj(copy)->flags |= k == spot->depth ? OBJ_SPOT : OBJ_HOLDS_SPOT;
        if (k == 0)
            whole = copy;
        else
            expr_items(above)[spot->path[k - 1]] = copy;
        if (k == spot->depth) return whole;
        above = copy;
        e = atom_deref(expr_at(copy, spot->path[k]));
    }
}

/* Slots of a line frame, a FRAME_PORT whose number is 0 until its goal is marked at a stop. */
enum { LINE_BODY = MARK_TYPE, LINE_SPACE = MARK_SLOTS, LINE_RULE, LINE_CHOICE, LINE_SLOTS };

bool is_line_frame(const Frame *f)
{
    return f->kind == FRAME_PORT && f->count == LINE_SLOTS;
}

void line_frame_rule(const Frame *f, const Space **space, uint32_t *rule)
{
    *space = word_ptr(f->slot[LINE_SPACE]);
    *rule = (uint32_t)word_int48_get(f->slot[LINE_RULE]);
}

static bool holds_spot(Word goal)
{
    for (uint32_t i = 0; i < expr_len(goal); i++) {
        Word item = atom_deref(expr_at(goal, i));
        if (atom_is_cons(item) && word_obj(item)->flags & (OBJ_SPOT | OBJ_HOLDS_SPOT)) return true;
    }
    return false;
}

void line_rule_applied(Debugger *d, Machine *m)
{
    bool any = false;
    for (size_t i = 0; i < d->breaks.len; i++) {
        const Breakpoint *b = d->breaks.data[i];
        for (size_t k = 0; k < b->spots.len && b->enabled; k++) {
            const LineSpot *spot = &b->spots.data[k];
            if (!spot->path || spot->space != m->rule_space || spot->rule != m->rule) continue;
            m->value = flag_part(&d->rt->heap, atom_deref(m->value), spot);
            any = true;
        }
    }
    if (!any) return;
    /* The caller has made a last call: its frame has nothing to tell any more. */
    Frame *last = m->frame;
    if (is_line_frame(last) && mark_number(last->slot) == 0 && !machine_protects(m, last) &&
        !holds_spot(m->atom))
        m->frame = last->parent;
    const Choice *c = m->choice;
    if (c->kind == CHOICE_RULES && c->slot[0] == m->atom) c = c->prev;
    Frame *f = machine_push(m, FRAME_PORT, 0, LINE_SLOTS);
    f->slot[MARK_GOAL] = m->atom;
    f->slot[MARK_NUMBER] = word_int48(0);
    f->slot[LINE_BODY] = m->value;
    f->slot[LINE_SPACE] = word_from_ptr(TAG_RAW, (void *)m->rule_space);
    f->slot[LINE_RULE] = word_int48(m->rule);
    f->slot[LINE_CHOICE] = word_from_ptr(TAG_RAW, (void *)c);
}

/* Is E the part of the body that SPOT means? */
static bool is_at(const Frame *f, const LineSpot *spot, Word e)
{
    const Space *space;
    uint32_t rule;
    line_frame_rule(f, &space, &rule);
    if (!spot->path || spot->space != space || spot->rule != rule) return false;
    Word part = atom_deref(f->slot[LINE_BODY]);
    for (uint32_t k = 0; k < spot->depth; k++) part = atom_deref(expr_at(part, spot->path[k]));
    return part == e;
}

static const LineSpot *spot_at(const Breakpoint *b, const Frame *f, Word e)
{
    for (size_t i = 0; i < b->spots.len; i++)
        if (is_at(f, &b->spots.data[i], e)) return &b->spots.data[i];
    return NULL;
}

/* The line frame whose body E is a part of that a breakpoint is at, or NULL. */
static Frame *frame_of_spot(Debugger *d, const Machine *m, Word e)
{
    enum { MOST = 64 };
    size_t n = 0;
    for (Frame *f = m->frame; f && n < MOST; f = f->parent) {
        if (!is_line_frame(f)) continue;
        n++;
        for (size_t i = 0; i < d->breaks.len; i++)
            if (d->breaks.data[i]->enabled && spot_at(d->breaks.data[i], f, e)) return f;
    }
    return NULL;
}

/* The variables of the rule as they are at SPOT. */
static void spot_variables(Debugger *d, const Machine *m, const LineSpot *spot, Word goal, Bindings *out)
{
    FoundRules rules = {0};
    Word part, around;
    rules_of(d, m->scope, spot->head, expr_len(goal) - 1, &rules);
    for (size_t i = 0; i < rules.len; i++) {
        const FoundRule *r = &rules.data[i];
        if (r->space != spot->space || r->rule.id != spot->rule) continue;
        if (expression_at(d, r, &spot->place, &part, &around)) part_bindings(d, &r->rule, part, m->atom, out);
        rule_bindings(d, &r->rule, goal, out);
    }
    vec_free(&rules);
}

Breakpoint *line_hit(Debugger *d, Frame **frame, Span *place)
{
    Machine *m = d->rt->machine;
    Breakpoint *hit = NULL;
    Frame *f = frame_of_spot(d, m, m->atom);
    if (!f) return NULL;
    for (size_t i = 0; i < d->breaks.len; i++) {
        Breakpoint *b = d->breaks.data[i];
        const LineSpot *spot = b->enabled ? spot_at(b, f, m->atom) : NULL;
        Bindings variables = {0};
        if (!spot) continue;
        *place = spot->place;
        if (!word_is_nil(b->condition))
            spot_variables(d, m, spot, atom_deref(f->slot[MARK_GOAL]), &variables);
        if (condition_holds(d, m, b, &f->slot[MARK_GOAL], NULL, &variables) && break_counts(b) && !hit)
            hit = b;
        vec_free(&variables);
    }
    *frame = f;
    return break_stops(d, hit);
}

Goal *line_goal(Debugger *d, Frame *f, uint32_t depth)
{
    const Frame *around = f->parent;
    Goal *goal = goal_find(d, mark_number(f->slot));
    if (goal) return goal;
    if (around->kind == FRAME_PORT && atom_deref(around->slot[MARK_GOAL]) == atom_deref(f->slot[MARK_GOAL]) &&
        (goal = goal_find(d, mark_number(around->slot))))
        return goal;
    Goal new = {.number = ++d->numbers, .depth = depth, .open = word_ptr(f->slot[LINE_CHOICE])};
    line_frame_rule(f, &new.space, &new.rule);
    new.place = call_place_in(d, d->rt->machine->scope, around, f->head, atom_deref(f->slot[MARK_GOAL]));
    vec_push(&d->goals, new);
    f->slot[MARK_NUMBER] = word_int48((int64_t)new.number);
    return &vec_last(&d->goals);
}
