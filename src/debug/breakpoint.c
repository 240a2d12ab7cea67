/* Breakpoints: what is written, and when it holds. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "vm/vm.h"

#include "debug/state.h"

/* -- Pieces of text -- */

typedef struct Text {
    const char *at;
    size_t len;
} Text;

static Text trimmed(Text t)
{
    while (t.len && isspace((unsigned char)*t.at)) t.at++, t.len--;
    while (t.len && isspace((unsigned char)t.at[t.len - 1])) t.len--;
    return t;
}

static uint32_t complain(Debugger *d, const char **error, const char *what, Text t)
{
    vec_clear(&d->error);
    buf_puts(&d->error, what);
    if (t.len) buf_printf(&d->error, ": %.*s", (int)t.len, t.at);
    *error = buf_cstr(&d->error);
    return 0;
}

/* Cut T before " WORD " where no parenthesis is open; *REST is what follows. */
static bool cut_at(Text *t, const char *word, Text *rest)
{
    size_t n = strlen(word);
    int depth = 0;
    bool quoted = false;
    for (size_t i = 0; i + n < t->len; i++) {
        char c = t->at[i];
        if (c == '"') quoted = !quoted;
        if (quoted) continue;
        depth += (c == '(') - (c == ')');
        if (depth || !isspace((unsigned char)c) || strncmp(t->at + i + 1, word, n) != 0) continue;
        if (i + 1 + n < t->len && !isspace((unsigned char)t->at[i + 1 + n])) continue;
        *rest = trimmed((Text){t->at + i + 1 + n, t->len - i - 1 - n});
        *t = trimmed((Text){t->at, i});
        return true;
    }
    return false;
}

static bool parse_port(Text t, Port *port)
{
    static const char *const names[] = {
#define PORT(id, name, meaning) name,
#include "debug/ports.inc"
#undef PORT
    };
    for (int i = 0; i < PORT_COUNT; i++) {
        if (strlen(names[i]) != t.len || strncmp(names[i], t.at, t.len) != 0) continue;
        *port = (Port)i;
        return true;
    }
    return false;
}

static bool parse_number(Text t, uint32_t *out)
{
    uint64_t n = 0;
    if (t.len == 0 || t.len > 9) return false;
    for (size_t i = 0; i < t.len; i++) {
        if (!isdigit((unsigned char)t.at[i])) return false;
        n = n * 10 + (uint64_t)(t.at[i] - '0');
    }
    *out = (uint32_t)n;
    return true;
}

/* The part of T behind the last C, which is taken off; false: there is no C. */
static bool cut_last(Text *t, char c, Text *rest)
{
    for (size_t i = t->len; i > 0; i--) {
        if (t->at[i - 1] == ')') return false;
        if (t->at[i - 1] != c) continue;
        *rest = (Text){t->at + i, t->len - i};
        t->len = i - 1;
        return true;
    }
    return false;
}

/* -- Parsing -- */

static bool parse_atom(Debugger *d, Text t, Word *out)
{
    return rt_parse(d->rt, d->rt->top, t.at, t.len, out);
}

static bool set_head(Debugger *d, Breakpoint *b, Word head)
{
    b->head = head_symbol(d, head);
    b->native = word_is_op(head) || (b->head != NO_HEAD && rt_native(d->rt, b->head));
    return b->head != NO_HEAD;
}

static bool parse_pattern(Debugger *d, Breakpoint *b, Text t)
{
    b->kind = BREAK_PATTERN;
    if (!parse_atom(d, t, &b->pattern) || !atom_is_cons(b->pattern)) return false;
    b->arity = expr_len(b->pattern) - 1;
    return set_head(d, b, expr_at(b->pattern, 0));
}

static bool parse_function(Debugger *d, Breakpoint *b, Text t)
{
    Text arity;
    Text whole = t;
    b->kind = BREAK_FUNCTION;
    b->arity = ANY_ARITY;
    if (cut_last(&t, '/', &arity) && (t.len == 0 || !parse_number(arity, &b->arity))) {
        t = whole; /* the slash belongs to the name */
        b->arity = ANY_ARITY;
    }
    Word name;
    if (t.len == 0 || !parse_atom(d, t, &name)) return false;
    return set_head(d, b, name);
}

/* What stands before the condition. */
static bool parse_where(Debugger *d, Breakpoint *b, Text t)
{
    Text last, where = t;
    if (cut_last(&where, ':', &last)) {
        if (parse_number(last, &b->line) && where.len) {
            b->kind = BREAK_LINE;
            b->port = AT_UNIFY;
            b->file = base_strndup(where.at, where.len);
            return true;
        }
        if (parse_port(last, &b->port)) t = where;
    }
    return t.len && t.at[0] == '(' ? parse_pattern(d, b, t) : parse_function(d, b, t);
}

static Breakpoint *new_break(Text text)
{
    Breakpoint *b = base_calloc(1, sizeof *b);
    b->enabled = true;
    b->pattern = b->subject = b->condition = WORD_NIL;
    b->text = base_strndup(text.at, text.len);
    b->head = NO_HEAD;
    return b;
}

static void free_break(Breakpoint *b)
{
    line_free(b);
    base_free(b->file);
    base_free(b->text);
    base_free(b->condition_text);
    base_free(b->hit_condition);
    base_free(b);
}

static bool has_rules(Debugger *d, uint32_t head, uint32_t arity)
{
    const Scope *scope = d->rt->top->scope;
    for (size_t i = 0; i < scope->spaces.len; i++)
        for (uint32_t n = 0; n <= MOST_ITEMS; n++)
            if ((arity == ANY_ARITY || arity == n) && rules_exist(scope->spaces.data[i], head, n + 1))
                return true;
    return false;
}

/* A name that nobody has defined may be a mistake, once something is defined. */
static void note_unknown(Debugger *d, Breakpoint *b)
{
    Buf note = {0};
    if (b->native || d->rt->top->sources.len == 0 || has_rules(d, b->head, b->arity)) return;
    buf_printf(&note, "there are no rules for %s", sym_text(d->rt->symbols, b->head, NULL));
    bool others = b->arity != ANY_ARITY && has_rules(d, b->head, ANY_ARITY);
    if (others) buf_printf(&note, " with %u argument%s", b->arity, b->arity == 1 ? "" : "s");
    uint32_t near = others ? NO_HEAD : near_function(d, d->rt->top->scope, b->head);
    buf_puts(&note, " yet");
    if (near != NO_HEAD) buf_printf(&note, " (did you mean %s?)", sym_text(d->rt->symbols, near, NULL));
    b->note = base_strndup(note.data, note.len);
    buf_free(&note);
}

static uint32_t keep_break(Debugger *d, Breakpoint *b)
{
    b->id = ++d->ids;
    vec_push(&d->breaks, b);
    d->resolved = 0;
    break_changed(d);
    if (b->kind == BREAK_LINE) resolve_lines(d);
    if (b->kind == BREAK_FUNCTION || b->kind == BREAK_PATTERN) note_unknown(d, b);
    return b->id;
}

uint32_t break_add(Debugger *d, const char *text, bool temporary, const char **error)
{
    Text t = trimmed((Text){text, strlen(text)}), condition = {0}, hits = {0};
    bool has_hits = cut_at(&t, "hits", &hits), has_condition = cut_at(&t, "if", &condition);
    if (has_condition && !has_hits) has_hits = cut_at(&condition, "hits", &hits);
    Breakpoint *b = new_break(t);
    b->temporary = temporary;
    char *condition_text = has_condition ? base_strndup(condition.at, condition.len) : NULL;
    char *hits_text = has_hits ? base_strndup(hits.at, hits.len) : NULL;
    bool ok = false;
    if (!parse_where(d, b, t))
        complain(d, error, "this is no function, pattern or FILE:LINE", t);
    else if (b->kind == BREAK_LINE && !line_look_up(d, b, error))
        ; /* *ERROR says what is wrong */
    else if (hits_text && !break_hit_condition(b, hits_text))
        complain(d, error, "this is no count such as 5, >=5 or %5", hits);
    else
        ok = !condition_text || break_condition(d, b, condition_text, error);
    base_free(condition_text);
    base_free(hits_text);
    if (ok) return keep_break(d, b);
    free_break(b);
    return 0;
}

uint32_t break_add_catch(Debugger *d, const char *name, const char **error)
{
    static const char *const names[] = {
#define CATCH(id, name, meaning) name,
#include "debug/catches.inc"
#undef CATCH
    };
    Text t = {name, strlen(name)};
    for (int i = 0; i < CATCH_COUNT; i++) {
        if (strcmp(names[i], name) != 0) continue;
        Breakpoint *b = new_break(t);
        b->kind = BREAK_CATCH;
        b->catches = (CatchKind)i;
        b->port = i == CATCH_STUCK ? AT_STUCK : i == CATCH_EMPTY ? AT_FAIL : AT_ERROR;
        return keep_break(d, b);
    }
    return complain(d, error, "this is none of error, stuck, empty, assert, type", t);
}

/* The atom that the first form of T gives, which is taken off. */
static bool take_subject(Debugger *d, Text *t, Word *out)
{
    size_t n = 0;
    int depth = 0;
    while (n < t->len && (depth > 0 || !isspace((unsigned char)t->at[n]))) {
        depth += (t->at[n] == '(') - (t->at[n] == ')');
        n++;
    }
    Text form = {t->at, n};
    *t = trimmed((Text){t->at + n, t->len - n});
    if (!parse_atom(d, form, out)) return false;
    if (!atom_is_cons(*out) && !word_is_sym(*out)) return true;
    QueryResults results = {0};
    evaluate(d, *out, &results);
    bool one = results.atoms.len == 1;
    if (one) *out = results.atoms.data[0];
    vec_free(&results.atoms);
    return one;
}

uint32_t break_add_watch(Debugger *d, const char *text, const char **error)
{
    Text t = trimmed((Text){text, strlen(text)}), all = t;
    Breakpoint *b = new_break(t);
    bool ok = take_subject(d, &t, &b->subject) && word_is_ext(b->subject);
    b->kind = ok && word_space(b->subject) ? BREAK_SPACE : BREAK_STATE;
    if (ok && t.len) ok = b->kind == BREAK_SPACE && parse_atom(d, t, &b->pattern);
    if (ok) return keep_break(d, b);
    free_break(b);
    return complain(d, error, "this is no space, with a pattern perhaps, and no state", all);
}

/* -- The table -- */

Breakpoint *break_find(Debugger *d, uint32_t id)
{
    for (size_t i = 0; i < d->breaks.len; i++)
        if (d->breaks.data[i]->id == id) return d->breaks.data[i];
    return NULL;
}

Breakpoint *break_at_index(Debugger *d, size_t i)
{
    return i < d->breaks.len ? d->breaks.data[i] : NULL;
}

static unsigned watch_bits(const Breakpoint *b)
{
    if (b->port == AT_CALL) return WATCH_CALLS;
    return b->port == AT_UNIFY ? WATCH_RULES : WATCH_CALLS | WATCH_PORTS;
}

void break_changed(Debugger *d)
{
    VEC(uint8_t) want = {0};
    Vm *vm = d->rt->upper;
    uint32_t symbols = sym_count(d->rt->symbols);
    vec_reserve(&want, symbols);
    memset(want.data, 0, symbols);
    d->catches = 0;
    d->natives = false;
    bool spaces = false;
    for (size_t i = 0; i < d->breaks.len; i++) {
        const Breakpoint *b = d->breaks.data[i];
        if (!b->enabled) continue;
        if (b->kind == BREAK_CATCH) d->catches |= 1U << b->catches;
        d->natives |= b->native;
        spaces |= b->kind == BREAK_SPACE || b->kind == BREAK_STATE;
        if (b->head < symbols) want.data[b->head] |= (uint8_t)watch_bits(b);
        for (size_t k = 0; k < b->spots.len; k++)
            want.data[b->spots.data[k].head] |=
                b->spots.data[k].path ? WATCH_RULES | WATCH_LINES : WATCH_RULES;
    }
    for (uint32_t s = 0; vm && s < symbols; s++) {
        bool before = s < d->watch.len && d->watch.data[s] != 0, now = want.data[s] != 0;
        if (before != now) functions_debug(&vm->functions, s, now);
    }
    vec_free(&d->watch);
    d->watch.data = want.data;
    d->watch.len = symbols;
    d->watch.cap = want.cap;
    d->rt->debug.spaces = spaces;
    update_watching(d);
}

void break_delete(Debugger *d, Breakpoint *b)
{
    for (size_t i = 0; i < d->breaks.len; i++) {
        if (d->breaks.data[i] != b) continue;
        memmove(d->breaks.data + i, d->breaks.data + i + 1, (d->breaks.len - i - 1) * sizeof *d->breaks.data);
        d->breaks.len--;
        free_break(b);
        break;
    }
    break_changed(d);
}

void breaks_free(Debugger *d)
{
    while (d->breaks.len) break_delete(d, d->breaks.data[d->breaks.len - 1]);
    vec_free(&d->breaks);
}

void breaks_trace(Debugger *d, Heap *h)
{
    for (size_t i = 0; i < d->breaks.len; i++) {
        heap_visit(h, &d->breaks.data[i]->pattern);
        heap_visit(h, &d->breaks.data[i]->subject);
        heap_visit(h, &d->breaks.data[i]->condition);
    }
}

bool break_condition(Debugger *d, Breakpoint *b, const char *text, const char **error)
{
    Text t = trimmed((Text){text ? text : "", text ? strlen(text) : 0});
    Word condition = WORD_NIL;
    if (t.len && !parse_atom(d, t, &condition)) {
        complain(d, error, "this is no expression", t);
        return false;
    }
    base_free(b->condition_text);
    b->condition_text = t.len ? base_strndup(t.at, t.len) : NULL;
    b->condition = condition;
    b->argument_items = 0;
    return true;
}

static bool parse_hits(const char *text, char *kind, uint32_t *n)
{
    size_t skip = strncmp(text, ">=", 2) == 0 ? 2 : *text == '%';
    *kind = skip ? *text : '=';
    return parse_number(trimmed((Text){text + skip, strlen(text + skip)}), n) && (*kind != '%' || *n > 0);
}

bool break_hit_condition(Breakpoint *b, const char *text)
{
    char kind;
    uint32_t n;
    if (text && *text && !parse_hits(text, &kind, &n)) return false;
    base_free(b->hit_condition);
    b->hit_condition = text && *text ? base_strndup(text, strlen(text)) : NULL;
    return true;
}

/* -- Hits -- */

static bool goal_unifies(Debugger *d, Word pattern, Word goal, Bindings *out)
{
    Bind *b = &d->rt->bind;
    WordVec cells = {0};
    free_variables(&d->rt->heap, pattern, &cells);
    Trial t = trial_begin(b);
    bool ok = unify(b, pattern, goal);
    for (size_t i = 0; ok && i < cells.len; i++) {
        Binding binding = {word_obj(cells.data[i])->len, atom_resolve(&d->rt->heap, cells.data[i])};
        vec_push(out, binding);
    }
    trial_abort(b, t);
    vec_free(&cells);
    return ok;
}

/* The variables of the rule at work, if B asks for them.  True, always. */
static bool add_line_variables(Debugger *d, const Breakpoint *b, const Machine *m, Word goal, Bindings *out)
{
    FoundRules rules = {0};
    Word head = atom_deref(expr_at(goal, 0));
    if (word_is_nil(b->condition) || !word_is_sym(head)) return true;
    rules_of(d, m->scope, word_sym_id(head), expr_len(goal) - 1, &rules);
    for (size_t i = 0; i < rules.len; i++)
        if (rules.data[i].space == m->rule_space && rules.data[i].rule.id == m->rule)
            rule_bindings(d, &rules.data[i].rule, goal, out);
    vec_free(&rules);
    return true;
}

/* Is B there, apart from its conditions?  OUT gets the variables of its condition. */
static bool applies(Debugger *d, const Breakpoint *b, Port port, Word goal, const Machine *m, Bindings *out)
{
    if (!b->enabled || b->port != port || !atom_is_cons(goal)) return false;
    if (b->kind == BREAK_LINE) return line_has_rule(b, m) && add_line_variables(d, b, m, goal, out);
    if (head_symbol(d, atom_deref(expr_at(goal, 0))) != b->head) return false;
    if (b->kind != BREAK_FUNCTION && b->kind != BREAK_PATTERN) return false;
    if (b->arity != ANY_ARITY && b->arity + 1 != expr_len(goal)) return false;
    return b->kind == BREAK_FUNCTION || goal_unifies(d, b->pattern, goal, out);
}

/* The variables of the first rules that GOAL matches, as far as OUT does not have them. */
static void add_rule_variables(Debugger *d, const Scope *scope, Word goal, Bindings *out)
{
    FoundRules rules = {0};
    rules_of(d, scope, head_symbol(d, atom_deref(expr_at(goal, 0))), expr_len(goal) - 1, &rules);
    for (size_t i = 0; i < rules.len; i++) rule_bindings(d, &rules.data[i].rule, goal, out);
    vec_free(&rules);
}

/* The argument that is just variable NAME in some rule of GOAL's function, or NO_ARGUMENT. */
static uint32_t argument_named(const FoundRules *rules, uint32_t name)
{
    for (size_t i = 0; i < rules->len; i++) {
        const Rule *r = &rules->data[i].rule;
        for (uint32_t k = 1; atom_is_cons(r->lhs) && k < expr_len(r->lhs); k++) {
            Word part = expr_at(r->lhs, k);
            if (word_is_slot(part) && r->names[word_slot_index(part)].name == name) return k;
        }
    }
    return NO_ARGUMENT;
}

/* Find out which arguments of calls with N items the variables of the condition stand for. */
static void find_arguments(Debugger *d, const Scope *scope, Breakpoint *b, uint32_t n)
{
    FoundRules rules = {0};
    WordVec cells = {0};
    rules_of(d, scope, b->head, n - 1, &rules);
    free_variables(&d->rt->heap, b->condition, &cells);
    b->argument_items = n;
    b->argument_count = cells.len <= MOST_ARGUMENTS ? (uint32_t)cells.len : NO_ARGUMENT;
    for (uint32_t i = 0; i < cells.len && b->argument_count != NO_ARGUMENT; i++) {
        uint32_t name = word_obj(cells.data[i])->len, at = argument_named(&rules, name);
        if (at == NO_ARGUMENT)
            b->argument_count = NO_ARGUMENT;
        else
            b->arguments[i] = (Argument){name, at};
    }
    vec_free(&rules);
    vec_free(&cells);
}

/* The variables of B's condition where each is an argument of GOAL: no rule needs to be looked at then. */
static bool add_arguments(Debugger *d, const Scope *scope, Breakpoint *b, Word goal, Bindings *out)
{
    if (b->kind != BREAK_FUNCTION) return false;
    if (b->argument_items != expr_len(goal)) find_arguments(d, scope, b, expr_len(goal));
    if (b->argument_count == NO_ARGUMENT) return false;
    for (uint32_t i = 0; i < b->argument_count; i++) {
        Binding binding = {b->arguments[i].name, atom_deref(expr_at(goal, b->arguments[i].at))};
        vec_push(out, binding);
    }
    return true;
}

bool condition_holds(Debugger *d, Machine *m, Breakpoint *b, const Word *goal, const Word *value,
                     Bindings *variables)
{
    if (word_is_nil(b->condition)) return true;
    if (b->kind != BREAK_LINE && !add_arguments(d, m->scope, b, *goal, variables))
        add_rule_variables(d, m->scope, *goal, variables);
    if (value) {
        Binding result = {sym_intern_cstr(d->rt->symbols, "result"), *value};
        vec_push(variables, result);
    }
    b->evaluations++;
    QueryResults results = {0};
    evaluate(d, apply_names(d->rt, b->condition, variables), &results);
    bool holds = results.atoms.len > 0 && results.atoms.data[0] == WORD_TRUE;
    vec_free(&results.atoms);
    return holds;
}

static bool count_holds(const Breakpoint *b)
{
    char kind;
    uint32_t n;
    if (!b->hit_condition || !parse_hits(b->hit_condition, &kind, &n)) return true;
    if (kind == '%') return b->hits % n == 0;
    return kind == '>' ? b->hits >= n : b->hits == n;
}

bool break_counts(Breakpoint *b)
{
    b->hits++;
    if (b->ignore > 0) {
        b->ignore--;
        return false;
    }
    return count_holds(b);
}

Breakpoint *break_stops(Debugger *d, Breakpoint *hit)
{
    if (hit && hit->temporary) {
        hit->enabled = false; /* the client sees it once more, and deletes it */
        break_changed(d);
    }
    return hit;
}

Breakpoint *break_hit(Debugger *d, Port port, Word *goal, Word *value)
{
    Machine *m = d->rt->machine;
    Breakpoint *hit = NULL;
    for (size_t i = 0; i < d->breaks.len; i++) {
        Breakpoint *b = d->breaks.data[i];
        Bindings variables = {0};
        if (applies(d, b, port, atom_deref(*goal), m, &variables) &&
            condition_holds(d, m, b, goal, value, &variables) && break_counts(b) && !hit)
            hit = b;
        vec_free(&variables);
    }
    return break_stops(d, hit);
}

Breakpoint *catch_hit(Debugger *d, CatchKind kind)
{
    if (!(d->catches & 1U << kind)) return NULL;
    for (size_t i = 0; i < d->breaks.len; i++) {
        Breakpoint *b = d->breaks.data[i];
        if (b->enabled && b->kind == BREAK_CATCH && b->catches == kind) return break_counts(b) ? b : NULL;
    }
    return NULL;
}

/* -- Watchpoints -- */

static bool is_watched_change(Debugger *d, const Breakpoint *b, const Space *s, Word atom)
{
    if (!b->enabled) return false;
    if (!s) return b->kind == BREAK_STATE && atom_deref(atom) == b->subject;
    if (b->kind != BREAK_SPACE || word_space(b->subject) != s) return false;
    Bindings none = {0};
    bool matches = word_is_nil(b->pattern) || goal_unifies(d, b->pattern, atom, &none);
    vec_free(&none);
    return matches;
}

void space_changed(Runtime *rt, Space *s, Word atom, bool added)
{
    Debugger *d = rt->debug.debugger;
    if (d->busy || d->derivation || !rt->machine) return;
    for (size_t i = 0; i < d->breaks.len; i++) {
        Breakpoint *b = d->breaks.data[i];
        if (!is_watched_change(d, b, s, atom) || !break_counts(b)) continue;
        size_t now = s ? space_count(s) : 0;
        vec_clear(&d->note);
        if (s)
            buf_printf(&d->note, "%s; %zu atoms before, %zu now", added ? "added" : "removed",
                       added ? now - 1 : now + 1, now);
        else
            buf_puts(&d->note, "the state has changed");
        d->stop = (Stop){.reason = STOP_WATCH, .port = AT_CALL, .breakpoint = b->id, .goal = WORD_NIL};
        d->stop.value = atom_resolve(&rt->heap, atom);
        d->stop.note = buf_cstr(&d->note);
        rt->debug.changed = true;
        return;
    }
}
