/* Why a call came to nothing: the rules that are nearest to it, and the first place at which each differs. */
#include "base/text.h"

#include <stdlib.h>

#include "builtin/builtin.h"
#include "debug/state.h"

/* -- Misspellings -- */

/* Names of fewer letters than this are too much like one another. */
enum { SHORT_NAME = 4 };

static size_t tolerance(size_t len)
{
    return len < SHORT_NAME ? 0 : len < 2 * SHORT_NAME ? 1 : 2;
}

static bool is_near(const char *a, size_t a_len, const char *b, size_t b_len, size_t *distance)
{
    if (a_len < SHORT_NAME || b_len < SHORT_NAME || a_len + 2 < b_len || b_len + 2 < a_len) return false;
    *distance = text_distance(a, b, b_len);
    return *distance > 0 && *distance <= tolerance(a_len);
}

static bool has_program_rules(Debugger *d, const Scope *scope, uint32_t head)
{
    for (uint32_t n = 1; n <= MOST_ITEMS; n++)
        if (is_program_function(d, scope, word_sym(head), n)) return true;
    return false;
}

static uint32_t search_near(Debugger *d, const Scope *scope, uint32_t head)
{
    SymTab *symbols = d->rt->symbols;
    size_t len, best = SIZE_MAX;
    const char *name = sym_text(symbols, head, &len);
    uint32_t found = NO_HEAD;
    for (uint32_t s = 0; s < sym_count(symbols); s++) {
        size_t other, distance;
        const char *text = sym_text(symbols, s, &other);
        if (s == head || !is_near(name, len, text, other, &distance) || distance >= best) continue;
        if (!has_program_rules(d, scope, s)) continue;
        best = distance;
        found = s;
    }
    return found;
}

/* Asked for each irreducible call while stepping, so remembered. */
uint32_t near_function(Debugger *d, const Scope *scope, uint32_t head)
{
    enum { UNKNOWN = 0, FIRST = 2 };
    while (d->near.len <= head) vec_push(&d->near, UNKNOWN);
    if (d->near.data[head] == UNKNOWN) d->near.data[head] = search_near(d, scope, head) + FIRST;
    return d->near.data[head] - FIRST;
}

/* -- Unification that tells where it fails -- */

typedef enum ClashKind {
#define CLASH(id, name) CLASH_##id,
#include "debug/clashes.inc"
#undef CLASH
} ClashKind;

static const char *const clash_names[] = {
#define CLASH(id, name) name,
#include "debug/clashes.inc"
#undef CLASH
};

enum { DEEPEST_PATH = 16 };

/* The first difference of a pattern and a term. */
typedef struct Clash {
    ClashKind kind;                        /* CLASH_NONE: they unify */
    uint32_t path[DEEPEST_PATH], path_len; /* items from the outermost expression inwards */
    Word expected, found;
    uint32_t matched; /* places that fit */
} Clash;

typedef struct Pair {
    Word pattern, term;
    uint32_t path[DEEPEST_PATH], path_len;
} Pair;
typedef VEC(Pair) Pairs;

static void note_clash(Clash *c, ClashKind kind, const Pair *at, Word expected)
{
    if (c->kind != CLASH_NONE) return;
    c->kind = kind;
    c->expected = expected;
    c->found = at->term;
    c->path_len = at->path_len;
    memcpy(c->path, at->path, sizeof c->path);
}

/* A variable that stands at several places must be the same everywhere. */
static void match_again(Runtime *rt, Clash *c, const Pair *at, Word before)
{
    if (unify_or_undo(&rt->bind, before, at->term)) {
        c->matched++;
        return;
    }
    before = atom_deref(before);
    bool occurs = (word_is_cell(before) && atom_is_cons(at->term) && occurs_in(before, at->term)) ||
                  (word_is_cell(at->term) && atom_is_cons(before) && occurs_in(at->term, before));
    note_clash(c, occurs ? CLASH_OCCURS : CLASH_REPEATED, at, before);
}

/* Compare what stands at AT; parts that are to be compared go to TODO. */
static void compare(Runtime *rt, Clash *c, const Pair *at, Word *slots, Pairs *todo)
{
    Word p = at->pattern, t = at->term;
    if (word_is_slot(p)) {
        Word *slot = &slots[word_slot_index(p)];
        if (!word_is_nil(*slot)) {
            match_again(rt, c, at, *slot);
            return;
        }
        *slot = t;
        c->matched++;
    } else if (word_is_var(t)) {
        c->matched++;
    } else if (!atom_is_cons(p)) {
        if (atom_equal(p, t))
            c->matched++;
        else
            note_clash(c, CLASH_CONSTANT, at, p);
    } else if (!atom_is_cons(t)) {
        note_clash(c, CLASH_SHAPE, at, p);
    } else if (expr_len(p) != expr_len(t)) {
        note_clash(c, CLASH_LENGTH, at, p);
    } else {
        for (uint32_t i = expr_len(p); i > 0; i--) {
            Pair part = *at;
            part.pattern = expr_at(p, i - 1);
            part.term = atom_deref(expr_at(t, i - 1));
            if (part.path_len < DEEPEST_PATH) part.path[part.path_len++] = i - 1;
            vec_push(todo, part);
        }
    }
}

/* Unify the stored PATTERN with TERM as far as that goes; nothing stays bound. */
static Clash find_clash(Runtime *rt, Word pattern, uint32_t slot_count, Word term)
{
    Clash c = {.kind = CLASH_NONE, .expected = WORD_NIL, .found = WORD_NIL};
    Word *slots = base_alloc((slot_count + 1) * sizeof *slots);
    Pairs todo = {0};
    Pair first = {.pattern = pattern, .term = atom_deref(term)};
    for (uint32_t i = 0; i < slot_count; i++) slots[i] = WORD_NIL;
    Trial t = trial_begin(&rt->bind);
    vec_push(&todo, first);
    while (todo.len) {
        Pair at = vec_pop(&todo);
        compare(rt, &c, &at, slots, &todo);
    }
    /* An item that heads an expression is what the expression is of. */
    if (c.kind == CLASH_CONSTANT && c.path_len > 1 && c.path[c.path_len - 1] == 0) c.kind = CLASH_HEAD;
    if (!word_is_nil(c.expected)) c.expected = atom_resolve(&rt->heap, c.expected);
    trial_abort(&rt->bind, t);
    vec_free(&todo);
    base_free(slots);
    return c;
}

/* -- Telling -- */

enum { SHOWN = 100 };

static void print_path(const Clash *c, Buf *out)
{
    if (c->path_len == 0) return;
    buf_printf(out, " arg %u", c->path[0]);
    for (uint32_t i = 1; i < c->path_len; i++) buf_printf(out, " elem %u", c->path[i]);
}

/* Is what was found, a symbol, much like what was expected? */
static bool is_misspelling(Debugger *d, const Clash *c)
{
    size_t a, b, distance;
    if (!word_is_sym(c->expected) || !word_is_sym(c->found)) return false;
    const char *expected = sym_text(d->rt->symbols, word_sym_id(c->expected), &a);
    const char *found = sym_text(d->rt->symbols, word_sym_id(c->found), &b);
    return is_near(found, b, expected, a, &distance);
}

static void print_quoted(Debugger *d, Word w, const Rule *rule, Buf *out)
{
    Bindings none = {0};
    buf_putc(out, '\'');
    print_short(d->rt, rule ? instance(d, rule, w, &none) : w, SHOWN, out);
    buf_putc(out, '\'');
}

void print_place(Debugger *d, Span place, Buf *out)
{
    if (place.line && place.file < d->rt->files.len)
        buf_printf(out, "%s:%u", d->rt->files.data[place.file], place.line);
}

/* (= LEFT ...) and its place. */
static void print_rule(Debugger *d, const FoundRule *r, Buf *out)
{
    Bindings none = {0};
    buf_puts(out, "(= ");
    print_short(d->rt, instance(d, &r->rule, r->rule.lhs, &none), SHOWN, out);
    buf_puts(out, " ...) ");
    print_place(d, rule_place(d, r->space, r->rule.id), out);
}

static void print_clash(Debugger *d, const FoundRule *r, const Clash *c, Buf *out)
{
    buf_puts(out, "near miss: ");
    print_rule(d, r, out);
    print_path(c, out);
    buf_printf(out, ": %s: pattern ", clash_names[c->kind]);
    print_quoted(d, c->expected, &r->rule, out);
    buf_puts(out, c->kind == CLASH_REPEATED || c->kind == CLASH_OCCURS ? " before, here " : " vs value ");
    print_quoted(d, c->found, NULL, out);
    if (is_misspelling(d, c))
        buf_printf(out, " (did you mean %s?)", sym_text(d->rt->symbols, word_sym_id(c->expected), NULL));
    buf_putc(out, '\n');
}

/* -- Conjunctions -- */

/* (match SPACE PATTERN TEMPLATE)? */
static bool is_query(Debugger *d, Word call)
{
    if (!atom_is_cons(call) || expr_len(call) != 4) return false;
    Word head = atom_deref(expr_at(call, 0));
    if (word_is_op(head)) return word_op_index(head) == BI_match;
    return word_is_sym(head) && rt_native(d->rt, word_sym_id(head)) == BI_match + 1;
}

static size_t count_matches(Debugger *d, Word space, const Word *patterns, uint32_t n)
{
    Heap *h = &d->rt->heap;
    WordVec items = {0};
    vec_push(&items, W_SYM(COMMA));
    for (uint32_t i = 0; i < n; i++) vec_push(&items, patterns[i]);
    Word conjunction = atom_expr(h, items.data, (uint32_t)items.len);
    vec_free(&items);
    QueryResults results = {0};
    evaluate(d, atom_expr4(h, word_op(BI_match), space, conjunction, WORD_UNIT), &results);
    size_t rows = results.atoms.len;
    vec_free(&results.atoms);
    return rows;
}

/* (match SPACE PATTERN ...): how many rows are left after each conjunct. */
static void print_rows(Debugger *d, Word goal, Buf *out)
{
    Word pattern = atom_deref(expr_at(goal, 2));
    bool several = atom_is_cons(pattern) && atom_deref(expr_at(pattern, 0)) == W_SYM(COMMA);
    uint32_t n = several ? expr_len(pattern) - 1 : 1;
    d->kept = goal; /* counting evaluates */
    buf_puts(out, "rows: ");
    for (uint32_t i = 1; i <= n; i++) {
        goal = d->kept;
        pattern = atom_deref(expr_at(goal, 2));
        size_t rows = count_matches(d, expr_at(goal, 1), several ? expr_items(pattern) + 1 : &pattern, i);
        buf_printf(out, "%s%zu", i > 1 ? " -> " : "", rows);
        if (rows) continue;
        pattern = atom_deref(expr_at(d->kept, 2));
        buf_printf(out, " at conjunct %u ", i);
        print_short(d->rt, several ? expr_at(pattern, i) : pattern, SHOWN, out);
        break;
    }
    buf_putc(out, '\n');
    d->kept = WORD_NIL;
}

/* -- Rules that are near -- */

typedef struct Near {
    FoundRule rule;
    Clash clash;
    bool misspelt; /* what was found is much like what was expected */
} Near;
typedef VEC(Near) NearRules;

/* Is what was found a call that would have been evaluated, had the function's type not said otherwise? */
static bool is_unevaluated(Debugger *d, const Scope *scope, const Clash *c)
{
    if (!atom_is_cons(c->found) || c->path_len != 1) return false;
    Word head = atom_deref(expr_at(c->found, 0));
    return word_is_op(head) || (word_is_sym(head) && rt_native(d->rt, word_sym_id(head))) ||
           is_program_function(d, scope, head, expr_len(c->found));
}

static int by_nearness(const void *a, const void *b)
{
    const Near *x = a, *y = b;
    if (x->clash.matched != y->clash.matched) return x->clash.matched < y->clash.matched ? 1 : -1;
    if (x->misspelt != y->misspelt) return x->misspelt ? -1 : 1;
    return x->rule.rule.id < y->rule.rule.id ? -1 : x->rule.rule.id > y->rule.rule.id;
}

static void find_near(Debugger *d, const Scope *scope, Word goal, NearRules *out)
{
    FoundRules rules = {0};
    rules_of(d, scope, word_sym_id(expr_at(goal, 0)), expr_len(goal) - 1, &rules);
    for (size_t i = 0; i < rules.len; i++) {
        const Rule *r = &rules.data[i].rule;
        Near near = {.rule = rules.data[i], .clash = find_clash(d->rt, r->lhs, r->slot_count, goal)};
        if (near.clash.kind != CLASH_NONE && is_unevaluated(d, scope, &near.clash))
            near.clash.kind = CLASH_UNEVALUATED;
        near.misspelt = is_misspelling(d, &near.clash);
        vec_push(out, near);
    }
    if (out->len) qsort(out->data, out->len, sizeof *out->data, by_nearness);
    vec_free(&rules);
}

/* The condition of a rule that has matched, and came to nothing. */
static void print_guard(Debugger *d, const FoundRule *r, Word goal, Buf *out)
{
    Bindings bindings = {0};
    rule_bindings(d, &r->rule, goal, &bindings);
    Word body = instance(d, &r->rule, r->rule.rhs, &bindings);
    vec_free(&bindings);
    buf_puts(out, "matched: ");
    print_rule(d, r, out);
    if (is_query(d, body)) {
        buf_puts(out, ": ");
        print_rows(d, body, out);
        return;
    }
    if (atom_is_cons(body) && expr_len(body) > 2 && expr_at(body, 0) == rt_sym(d->rt, "if")) {
        Buf value = {0};
        Word condition = expr_at(body, 1);
        evaluate_apart(d, condition, &value);
        size_t len = strcspn(buf_cstr(&value), "\n");
        buf_puts(out, len ? ": guard " : ": the guard has no value");
        print_quoted(d, condition, NULL, out);
        if (len) buf_printf(out, " is %.*s", (int)len, buf_cstr(&value));
        buf_free(&value);
    } else {
        Buf value = {0};
        evaluate_apart(d, body, &value);
        size_t len = strcspn(buf_cstr(&value), "\n");
        bool reduces = len && strncmp(buf_cstr(&value), "NotReducible", len) != 0;
        buf_puts(out, ": its body ");
        print_quoted(d, body, NULL, out);
        if (reduces)
            buf_printf(out, " gives %.*s", (int)len, buf_cstr(&value));
        else
            buf_puts(out, " has no result, or is NotReducible");
        buf_free(&value);
    }
    buf_putc(out, '\n');
}

static void print_near(Debugger *d, const Scope *scope, Word goal, size_t most, Buf *out)
{
    NearRules near = {0};
    find_near(d, scope, goal, &near);
    for (size_t i = 0; i < near.len && i < most; i++) {
        if (near.data[i].clash.kind == CLASH_NONE)
            print_guard(d, &near.data[i].rule, goal, out);
        else
            print_clash(d, &near.data[i].rule, &near.data[i].clash, out);
    }
    if (near.len > most) buf_printf(out, "... and %zu more\n", near.len - most);
    vec_free(&near);
}

/* -- Other reasons -- */

static bool print_arities(Debugger *d, const Scope *scope, Word goal, Buf *out)
{
    FoundRules rules = {0};
    rules_of(d, scope, word_sym_id(expr_at(goal, 0)), ANY_ARITY, &rules);
    bool any = rules.len > 0;
    if (any) {
        buf_puts(out, "near miss: ");
        print_rule(d, &rules.data[0], out);
        buf_printf(out, ": %s: the rule takes %u arguments, the call has %u\n", clash_names[CLASH_ARITY],
                   expr_len(rules.data[0].rule.lhs) - 1, expr_len(goal) - 1);
    }
    vec_free(&rules);
    return any;
}

static bool is_in_scope(const Scope *scope, const Space *s)
{
    for (size_t i = 0; i < scope->spaces.len; i++)
        if (scope->spaces.data[i] == s) return true;
    return false;
}

/* Are there rules for the call that evaluation does not look at?  OUT is told where; or NULL. */
static bool is_elsewhere(Debugger *d, const Scope *scope, Word goal, Buf *out)
{
    bool any = false;
    uint32_t head = word_sym_id(atom_deref(expr_at(goal, 0)));
    for (size_t i = 0; i < d->rt->heap.exts.len; i++) {
        Space *s = word_space(word_from_ptr(TAG_EXT, d->rt->heap.exts.data[i]));
        if (!s || is_in_scope(scope, s) || !rules_exist(s, head, expr_len(goal))) continue;
        any = true;
        if (!out) break;
        buf_printf(out, "%s: rules for this call are in ", clash_names[CLASH_ELSEWHERE]);
        rt_print(d->rt, space_word(s), out);
        buf_puts(out, ", where this evaluation does not look\n");
    }
    return any;
}

static bool print_misspelling(Debugger *d, const Scope *scope, Word goal, size_t most, Buf *out)
{
    uint32_t head = word_sym_id(expr_at(goal, 0)), near = near_function(d, scope, head);
    if (near == NO_HEAD) return false;
    buf_printf(out, "%s: no rules for %s (did you mean %s?)\n", clash_names[CLASH_NAME],
               sym_text(d->rt->symbols, head, NULL), sym_text(d->rt->symbols, near, NULL));
    Word meant = atom_expr(&d->rt->heap, expr_items(goal), expr_len(goal));
    expr_items(meant)[0] = word_sym(near);
    NearRules rules = {0};
    find_near(d, scope, meant, &rules);
    for (size_t i = 0; i < rules.len && i < most; i++) {
        Near *n = &rules.data[i];
        if (n->clash.kind == CLASH_NONE) {
            /* All that is wrong is the name. */
            n->clash = (Clash){
                .kind = CLASH_NAME, .path_len = 1, .expected = word_sym(near), .found = word_sym(head)};
        }
        print_clash(d, &n->rule, &n->clash, out);
    }
    vec_free(&rules);
    return true;
}

/* The types that refuse the arguments. */
static bool print_type_errors(Debugger *d, Scope *scope, Word goal, Buf *out)
{
    TypeList types = {0};
    WordVec errors = {0};
    bool accepted = false, declared = false;
    Trial t = trial_begin(&d->rt->bind);
    types_of(&d->rt->types, scope, expr_at(goal, 0), &types);
    for (size_t i = 0; i < types.len; i++) {
        if (!word_is_nil(types.data[i].error) || !type_is_function(types.data[i].type)) continue;
        declared = true;
        Word type = types.data[i].type;
        accepted |= type_applicable(&d->rt->types, scope, goal, type, W_SYM(UNDEFINED), &errors);
    }
    for (size_t i = 0; declared && !accepted && i < errors.len; i++) {
        buf_printf(out, "%s: ", clash_names[CLASH_TYPE]);
        print_short(d->rt, errors.data[i], 2 * SHOWN, out);
        buf_putc(out, '\n');
    }
    trial_abort(&d->rt->bind, t);
    vec_free(&types);
    vec_free(&errors);
    return declared && !accepted;
}

bool is_surprising(Debugger *d, const Scope *scope, Word goal)
{
    Word head = atom_deref(expr_at(goal, 0));
    if (!word_is_sym(head)) return false;
    return is_program_function(d, scope, head, expr_len(goal)) ||
           has_program_rules(d, scope, word_sym_id(head)) ||
           near_function(d, scope, word_sym_id(head)) != NO_HEAD || is_elsewhere(d, scope, goal, NULL);
}

static void print_operation(Debugger *d, Word goal, Buf *out)
{
    buf_printf(out, "%s: ", clash_names[CLASH_OPERATION]);
    print_quoted(d, expr_at(goal, 0), NULL, out);
    buf_puts(out, " is an operation of the library, which does not reduce this call; rules for it are asked "
                  "afterwards\n");
}

/* -- All of it -- */

void why_not(Debugger *d, Scope *scope, Word goal, size_t most, Buf *out)
{
    if (!atom_is_cons(goal)) {
        buf_puts(out, "this is no call\n");
        return;
    }
    Word resolved = atom_resolve(&d->rt->heap, goal), head = expr_at(resolved, 0);
    bool native = word_is_op(head) || (word_is_sym(head) && rt_native(d->rt, word_sym_id(head)));
    if (is_query(d, resolved)) {
        print_rows(d, resolved, out);
        return;
    }
    if (print_type_errors(d, scope, resolved, out)) return;
    if (native) print_operation(d, resolved, out);
    if (!word_is_sym(head)) {
        if (!native) buf_puts(out, "the head is no symbol: no rule is looked for\n");
        return;
    }
    size_t before = out->len;
    print_near(d, scope, resolved, most, out);
    if (out->len == before && print_arities(d, scope, resolved, out)) return;
    if (out->len == before) print_misspelling(d, scope, resolved, most, out);
    is_elsewhere(d, scope, resolved, out);
    if (out->len == before && !native) {
        buf_puts(out, "no rule has the head ");
        print_quoted(d, head, NULL, out);
        buf_puts(out, ", nor one like it: it is data\n");
    }
}
