/* Types: what atoms have, what calls accept, casts, signatures and quick types.  The facts and answers are those of HE. */
#include "atom/print.h"
#include "read/read.h"
#include "type/type.h"
#include "unit.h"

#include <ctype.h>

enum { OP_PLUS, OP_EQUAL, OP_COUNT };

static const char *const op_names[OP_COUNT] = {"+", "=="};

typedef struct Fixture {
    Heap heap;
    SymTab *symbols;
    Names names;
    Bind bind;
    Store *store;
    Space *space;
    Scope *scope;
    TypeWorld world;
    Word op_types[OP_COUNT];
    Signature op_signatures[OP_COUNT];
    Buf out, error;
    Word kept; /* an expression in use */
} Fixture;

static void find_types(void *context, Heap *h)
{
    Fixture *f = context;
    type_world_moved(&f->world, h);
}

static void visit_roots(void *context, Heap *h, bool major)
{
    Fixture *f = context;
    heap_visit_range(h, f->op_types, OP_COUNT);
    heap_visit(h, &f->kept);
    scope_trace(f->scope, h);
    type_world_moves(&f->world, major);
}

static void note_stored(void *context, Obj *o)
{
    store_mark(((Fixture *)context)->store, o);
}

static bool lookup(void *context, uint32_t symbol, Word *out)
{
    const Fixture *f = context;
    const char *text = sym_text(f->symbols, symbol, NULL);
    for (uint32_t i = 0; i < OP_COUNT; i++) {
        if (strcmp(text, op_names[i]) != 0) continue;
        *out = word_op(i);
        return true;
    }
    if (strcmp(text, "True") != 0) return false;
    *out = WORD_TRUE;
    return true;
}

static Word parse(Fixture *f, const char *text)
{
    const Tokens tokens = {lookup, f};
    Reader *r = reader_new(&f->heap, f->symbols, &tokens, text, strlen(text), 0);
    Word w = WORD_NIL;
    Span span;
    CHECK_MSG(reader_next(r, &w, &span) == READ_FORM, "%s", text);
    reader_free(r);
    return w;
}

static void change(Fixture *f, const char *fact, bool add)
{
    Word w = parse(f, fact);
    if (add)
        space_add(f->space, w);
    else
        CHECK(space_remove(f->space, w));
    type_world_note(&f->world, w);
}

static const char *const facts[] = {
    "(: a A)",
    "(: b B)",
    "(: ab A)",
    "(: ab B)",
    "(:< B C)",
    "(:< C D)",
    "(: f (-> A B))",
    "(: g (-> A A B))",
    "(: same (-> $t $t))",
    "(: pair (-> $x $y (Pair $x $y)))",
    "(: fst (-> (Pair $x $y) $x))",
    "(: q (-> Atom A))",
    "(: ex (-> Expression A))",
    "(: sy (-> Symbol A))",
    "(: va (-> Variable A))",
    "(: u (-> %Undefined% A))",
    "(: over (-> A B))",
    "(: over (-> B A))",
    "(: const (-> A))",
    "(: Nil (List $t))",
    "(: Cons (-> $t (List $t) (List $t)))",
    "(: (typed expr) Special)",
    "(: hof (-> (-> A B) A B))",
    "(: notfun (->))",
    "(: anyret (-> A $r))",
};

static void setup(Fixture *f)
{
    memset(f, 0, sizeof *f);
    f->symbols = sym_new();
    f->names = (Names){f->symbols, op_names, OP_COUNT};
    CHECK(heap_init(&f->heap, visit_roots, f));
    f->heap.on_minor_end = find_types;
    f->heap.on_stored = note_stored;
    bind_init(&f->bind, &f->heap);
    f->store = store_new(&f->heap);
    f->space = space_new(&f->heap, f->store, "test");
    word_ext(space_word(f->space))->store_refs++;
    f->scope = scope_new(f->space);
    type_world_init(&f->world, &f->heap, &f->bind);
    f->world.op_types = f->op_types;
    f->world.op_signatures = f->op_signatures;
    f->op_types[OP_PLUS] = parse(f, "(-> Number Number Number)");
    f->op_types[OP_EQUAL] = parse(f, "(-> $t $t Bool)");
    for (int i = 0; i < OP_COUNT; i++) signature_from_types(&f->op_types[i], 1, &f->op_signatures[i]);
    for (size_t i = 0; i < COUNT_OF(facts); i++) change(f, facts[i], true);
}

static void teardown(Fixture *f)
{
    word_ext(space_word(f->space))->store_refs--;
    heap_fini(&f->heap);
    scope_free(f->scope);
    store_free(f->store);
    type_world_fini(&f->world);
    bind_fini(&f->bind);
    sym_free(f->symbols);
    buf_free(&f->out);
    buf_free(&f->error);
}

/* Append " | W" without the numbers of variables. */
static void put(Fixture *f, Word w)
{
    if (f->out.len) buf_puts(&f->out, " | ");
    vec_clear(&f->error);
    atom_print(&f->names, w, &f->error);
    for (size_t i = 0; i < f->error.len; i++) {
        if (f->error.data[i] != '#') {
            buf_putc(&f->out, f->error.data[i]);
            continue;
        }
        while (i + 1 < f->error.len && isdigit((unsigned char)f->error.data[i + 1])) i++;
    }
}

/* The types of an atom; "!" alone when it has errors only. */
static const char *types_of_word(Fixture *f, Word atom, const char *text)
{
    TypeList list = {0};
    size_t mark = f->bind.trail.len, errors = 0;
    uint64_t keep = f->bind.keep;
    types_of(&f->world, f->scope, atom, &list);
    vec_clear(&f->out);
    for (size_t i = 0; i < list.len; i++) {
        errors += !word_is_nil(list.data[i].error);
        if (word_is_nil(list.data[i].error)) put(f, list.data[i].type);
    }
    if (errors && !f->out.len) buf_putc(&f->out, '!');
    CHECK_MSG(f->bind.trail.len == mark && f->bind.keep == keep, "bindings left by the types of %s", text);
    vec_free(&list);
    return buf_cstr(&f->out);
}

static const char *types(Fixture *f, const char *text)
{
    return types_of_word(f, parse(f, text), text);
}

typedef struct Case {
    const char *text, *want;
} Case;

static void test_types(Fixture *f)
{
    static const Case cases[] = {
        {"a", "A"},
        {"b", "B | C | D"},
        {"ab", "A | B | C | D"},
        {"unknown", ""},
        {"$v", ""},
        {"1", "Number"},
        {"1.5", "Number"},
        {"123456789012345678901234567890", "Number"},
        {"True", "Bool"},
        {"\"s\"", "String"},
        {"'c'", "Char"},
        {"()", ""},
        {"(unknown a)", ""},
        {"(a b)", "(A B) | (A C) | (A D)"},
        {"(a b ab)",
         "(A B A) | (A B B) | (A B C) | (A B D) | (A C A) | (A C B) | (A C C) | (A C D) | (A D A) | (A D B) "
         "| (A D C) | (A D D)"},
        {"(f a)", "B"},
        {"(f ab)", "B"},
        {"(f unknown)", "B"},
        {"(f $v)", "B"},
        {"(g a ab)", "B"},
        {"(same a)", "A"},
        {"(same ab)", "A | B | C | D"},
        {"(same 1)", "Number"},
        {"(same unknown)", "$t"},
        {"(same (f a))", "B"},
        {"(pair a 1)", "(Pair A Number)"},
        {"(pair a (pair b \"s\"))",
         "(Pair A (Pair B String)) | (Pair A (Pair C String)) | (Pair A (Pair D String))"},
        {"(fst (pair a 1))", "A"},
        {"(fst (pair ab 1))", "A | B | C | D"},
        {"(q b)", "A"},
        {"(q (f b))", "A"},
        {"(ex (a b))", "A"},
        {"(ex ())", "A"},
        {"(sy a)", "A"},
        {"(va $x)", "A"},
        {"(u b)", "A"},
        {"(u (f b))", "A"},
        {"(over a)", "B"},
        {"(over b)", "A"},
        {"(over ab)", "B | A"},
        {"(const)", "A"},
        {"Nil", "(List $t)"},
        {"(Cons a Nil)", "(List A)"},
        {"(Cons a (Cons a Nil))", "(List A)"},
        {"(typed expr)", "Special"},
        {"(typed other)", ""},
        {"($x expr)", "Special"},
        {"(($x expr) a)", "(Special A)"},
        {"((typed expr) a)", "(Special A)"},
        {"(($x $y) a)", "(Special A)"},
        {"(hof f a)", "B"},
        {"notfun", "(->)"},
        {"(notfun a)", "((->) A)"},
        {"(a (f b))", "(A (-> A B)) | (A (-> A B)) | (A (-> A B))"},
        {"(unknown (f b))", ""},
        {"((f a) b)", "(B B) | (B C) | (B D)"},
        {"(+ 1 2)", "Number"},
        {"(+ 1 unknown)", "Number"},
        {"(== a ab)", "Bool"},
        {"(== 1 1.0)", "Bool"},
        {"(== a unknown)", "Bool"},
        {"f", "(-> A B)"},
        {"same", "(-> $t $t)"},
        {"+", "(-> Number Number Number)"},
        {"(f (anyret a))", "B"},
        {"(anyret a)", "$r"},
        {"(f b)", "!"},
        {"(f)", "!"},
        {"(f a a)", "!"},
        {"(f (f a))", "!"},
        {"(Cons a (Cons 1 Nil))", "!"},
        {"(sy (a b))", "!"},
        {"(== a b)", "!"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *got = types(f, cases[i].text);
        CHECK_MSG(strcmp(got, cases[i].want) == 0, "%s has types %s, not %s", cases[i].text, got,
                  cases[i].want);
    }
}

/* The errors of applying a call's function types where EXPECTED is wanted, or "ok" and the result type. */
static const char *apply(Fixture *f, const char *text, const char *expected)
{
    Word call = parse(f, text), wanted = parse(f, expected);
    TypeList list = {0};
    WordVec errors = {0};
    types_of(&f->world, f->scope, atom_deref(expr_at(call, 0)), &list);
    vec_clear(&f->out);
    bool ok = false;
    Trial t = trial_begin(&f->bind);
    for (size_t i = 0; i < list.len && !ok; i++) {
        Word type = list.data[i].type;
        ok = type_is_function(type) && type_applicable(&f->world, f->scope, call, type, wanted, &errors);
        if (ok) put(f, atom_resolve(&f->heap, expr_at(type, expr_len(type) - 1)));
    }
    for (size_t i = 0; !ok && i < errors.len; i++) put(f, errors.data[i]);
    trial_abort(&f->bind, t);
    vec_free(&errors);
    vec_free(&list);
    return buf_cstr(&f->out);
}

static void test_applicable(Fixture *f)
{
    static const struct {
        const char *text, *expected, *want;
    } cases[] = {
        {"(f a)", "%Undefined%", "B"},
        {"(f a)", "B", "B"},
        {"(f a)", "Atom", "B"},
        {"(f a)", "Other", "(Error (f a) (BadType Other B))"},
        {"(f ab)", "%Undefined%", "B"},
        {"(same ab)", "C", "C"},
        {"(same a)", "$e", "A"},
        {"(over b)", "%Undefined%", "A"},
        {"(Cons a Nil)", "%Undefined%", "(List A)"},
        {"(Cons a Nil)", "(List $e)", "(List A)"},
        {"(const)", "A", "A"},
        {"(f b)", "%Undefined%",
         "(Error (f b) (BadArgType 1 A B)) | (Error (f b) (BadArgType 1 A C)) | (Error (f b) (BadArgType 1 A "
         "D))"},
        {"(f 1)", "%Undefined%", "(Error (f 1) (BadArgType 1 A Number))"},
        {"(f)", "%Undefined%", "(Error (f) IncorrectNumberOfArguments)"},
        {"(f a a)", "%Undefined%", "(Error (f a a) IncorrectNumberOfArguments)"},
        {"(const a)", "%Undefined%", "(Error (const a) IncorrectNumberOfArguments)"},
        {"(g 1 2)", "%Undefined%", "(Error (g 1 2) (BadArgType 1 A Number))"},
        {"(g a 2)", "%Undefined%", "(Error (g a 2) (BadArgType 2 A Number))"},
        {"(fst a)", "%Undefined%", "(Error (fst a) (BadArgType 1 (Pair $x $y) A))"},
        {"(ex a)", "%Undefined%", "(Error (ex a) (BadArgType 1 Expression A))"},
        {"(sy 1)", "%Undefined%", "(Error (sy 1) (BadArgType 1 Symbol Number))"},
        {"(va a)", "%Undefined%", "(Error (va a) (BadArgType 1 Variable A))"},
        {"(over 1)", "%Undefined%",
         "(Error (over 1) (BadArgType 1 A Number)) | (Error (over 1) (BadArgType 1 B Number))"},
        {"(Cons a (Cons 1 Nil))", "%Undefined%",
         "(Error (Cons a (Cons 1 Nil)) (BadArgType 2 (List A) (List Number)))"},
        {"(f (typed expr))", "%Undefined%", "(Error (f (typed expr)) (BadArgType 1 A Special))"},
        {"(hof g a)", "%Undefined%", "(Error (hof g a) (BadArgType 1 (-> A B) (-> A A B)))"},
        {"(hof same a)", "%Undefined%", "(Error (hof same a) (BadArgType 1 (-> A B) (-> $t $t)))"},
        {"(+ 1 \"s\")", "%Undefined%", "(Error (+ 1 \"s\") (BadArgType 2 Number String))"},
        {"(== 1 \"s\")", "%Undefined%", "(Error (== 1 \"s\") (BadArgType 2 Number String))"},
        {"(f (f 1))", "%Undefined%", "(Error (f 1) (BadArgType 1 A Number))"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *got = apply(f, cases[i].text, cases[i].expected);
        CHECK_MSG(strcmp(got, cases[i].want) == 0, "%s as %s: got %s, want %s", cases[i].text,
                  cases[i].expected, got, cases[i].want);
    }
    CHECK(f->bind.trail.len == 0);
}

static const char *cast(Fixture *f, const char *text, const char *expected)
{
    WordVec errors = {0};
    Trial t = trial_begin(&f->bind);
    bool ok = type_cast(&f->world, f->scope, parse(f, text), parse(f, expected), &errors);
    vec_clear(&f->out);
    for (size_t i = 0; i < errors.len; i++) put(f, errors.data[i]);
    if (ok) put(f, W_SYM(RETURN));
    trial_abort(&f->bind, t);
    vec_free(&errors);
    return buf_cstr(&f->out);
}

static void test_casts(Fixture *f)
{
    CHECK_STR(cast(f, "a", "A"), "return");
    CHECK_STR(cast(f, "b", "D"), "return"); /* by subtyping; the errors of the types tried before are gone */
    CHECK_STR(cast(f, "a", "%Undefined%"), "return");
    CHECK_STR(cast(f, "unknown", "A"), "return");
    CHECK_STR(cast(f, "1", "Number"), "return");
    CHECK_STR(cast(f, "Nil", "(List Number)"), "return");
    CHECK_STR(cast(f, "a", "B"), "(Error a (BadType B A))");
    CHECK_STR(
        cast(f, "ab", "Number"),
        "(Error ab (BadType Number A)) | (Error ab (BadType Number B)) | (Error ab (BadType Number C)) | "
        "(Error ab (BadType Number D))");
    WordVec errors = {0};
    CHECK(!type_only_errors(&f->world, f->scope, parse(f, "(f a)"), &errors) && errors.len == 0);
    CHECK(!type_only_errors(&f->world, f->scope, parse(f, "unknown"), &errors) && errors.len == 0);
    CHECK(type_only_errors(&f->world, f->scope, parse(f, "(f 1)"), &errors) && errors.len == 1);
    CHECK(atom_is_error(errors.data[0]));
    vec_free(&errors);
}

static void test_matching(Fixture *f)
{
    static const struct {
        const char *a, *b;
        bool match;
    } cases[] = {
        {"A", "A", true},
        {"A", "B", false},
        {"%Undefined%", "A", true},
        {"A", "Atom", true},
        {"$t", "A", true},
        {"(List $t)", "(List A)", true},
        {"(List A)", "A", false},
        {"(-> $t $t)", "(-> A B)", false},
        {"(List Atom)", "(List A)", false},
        {"Number", "Number", true},
        {"(-> A B)", "(-> A B)", true},
        {"$t", "(List $t)", true},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        Trial t = trial_begin(&f->bind);
        bool got = types_match(&f->world, parse(f, cases[i].a), parse(f, cases[i].b));
        CHECK_MSG(got == cases[i].match, "%s and %s", cases[i].a, cases[i].b);
        CHECK(got || f->bind.trail.len == t.mark); /* a failure leaves no binding */
        trial_abort(&f->bind, t);
    }
    CHECK(type_is_function(parse(f, "(-> A)")) && !type_is_function(parse(f, "(->)")) &&
          !type_is_function(W_SYM(ARROW)));
    CHECK(type_is_meta(W_SYM(T_ATOM)) && type_is_meta(W_SYM(T_GROUNDED)) && !type_is_meta(W_SYM(T_NUMBER)));
}

/* -- Signatures and quick types -- */

static SignatureKind kind_of(Fixture *f, const char *name)
{
    return scope_symbol_types(&f->world, f->scope, sym_intern_cstr(f->symbols, name))->signature.kind;
}

static void test_signatures(Fixture *f)
{
    CHECK(kind_of(f, "unknown") == SIGNATURE_NONE && kind_of(f, "f") == SIGNATURE_SIMPLE);
    CHECK(kind_of(f, "const") == SIGNATURE_SIMPLE && kind_of(f, "q") == SIGNATURE_SIMPLE);
    CHECK(kind_of(f, "anyret") == SIGNATURE_SIMPLE && kind_of(f, "same") == SIGNATURE_GENERAL);
    CHECK(kind_of(f, "over") == SIGNATURE_GENERAL && kind_of(f, "a") == SIGNATURE_GENERAL);
    CHECK(kind_of(f, "pair") == SIGNATURE_GENERAL && kind_of(f, "notfun") == SIGNATURE_GENERAL);
    CHECK(f->op_signatures[OP_PLUS].kind == SIGNATURE_SIMPLE &&
          f->op_signatures[OP_EQUAL].kind == SIGNATURE_SAME);
    const Signature *s =
        &scope_symbol_types(&f->world, f->scope, sym_intern_cstr(f->symbols, "g"))->signature;
    CHECK(s->param_count == 2 && s->params[1].kind == PARAM_CONST && s->result.kind == PARAM_CONST);
    CHECK(s->result.type == parse(f, "B"));
    static const struct {
        const char *name;
        ParamKind kind;
    } params[] = {
        {"q", PARAM_ATOM}, {"ex", PARAM_META}, {"u", PARAM_ANY}, {"f", PARAM_CONST}, {"fst", PARAM_COMPLEX}};
    for (size_t i = 0; i < COUNT_OF(params); i++) {
        s = &scope_symbol_types(&f->world, f->scope, sym_intern_cstr(f->symbols, params[i].name))->signature;
        CHECK_MSG(s->params[0].kind == params[i].kind, "%s", params[i].name);
    }
    Word many = parse(f, "(-> A A A A A A A A A A A A A A A)"), *items = &many;
    Signature made;
    signature_from_types(items, 1, &made);
    CHECK(made.kind == SIGNATURE_GENERAL); /* too many parameters */
}

/* Wherever there is a quick type it is the only type. */
static void test_quick(Fixture *f)
{
    static const char *const texts[] = {
        "a",
        "b",
        "ab",
        "unknown",
        "$v",
        "1",
        "1.5",
        "True",
        "\"s\"",
        "'c'",
        "()",
        "(f a)",
        "(f b)",
        "(f ab)",
        "(f)",
        "(f a a)",
        "(g a a)",
        "(g a (f a))",
        "(f (f a))",
        "(q (f b))",
        "(u (f b))",
        "(ex (a b))",
        "(ex a)",
        "(sy a)",
        "(va $x)",
        "(va a)",
        "(const)",
        "(const a)",
        "(+ 1 2)",
        "(+ 1 (+ 2 3))",
        "(+ 1 \"s\")",
        "(+ 1 unknown)",
        "(== 1 2)",
        "(== a b)",
        "(== a a)",
        "(== (f a) b)",
        "(typed expr)",
        "(typed other)",
        "(unknown (f b))",
        "(a b)",
        "((f a) b)",
        "(same a)",
        "(anyret a)",
        "(+ 1 (+ 1 (+ 1 (+ 1 (+ 1 (+ 1 (+ 1 (+ 1 1))))))))",
        "(1 2)",
        "($x a)",
        "(hof f a)",
        "(over a)",
        "Nil",
        "f",
    };
    uint32_t known = 0;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        Word quick = type_quick(&f->world, f->scope, parse(f, texts[i]));
        if (word_is_nil(quick)) continue;
        known++;
        const char *all = types(f, texts[i]);
        const char *want = quick == W_SYM(UNDEFINED) ? "" : sym_text(f->symbols, word_sym_id(quick), NULL);
        CHECK_MSG(strcmp(all, want) == 0, "%s: quick %s, all %s", texts[i], want, all);
    }
    CHECK_MSG(known >= 20, "%u", known);
    Word call = parse(f, "(g a a)"), wrong = parse(f, "(g a b)");
    const Signature *s =
        &scope_symbol_types(&f->world, f->scope, sym_intern_cstr(f->symbols, "g"))->signature;
    CHECK(signature_accepts(&f->world, f->scope, s, call) &&
          !signature_accepts(&f->world, f->scope, s, wrong));
}

/* The leftmost atom is remembered, but what it depends on may be bound and unbound without a collection. */
static void test_leftmost(Fixture *f)
{
    Heap *h = &f->heap;
    Word fn = parse(f, "f"), a = parse(f, "a"), x = atom_new_var(h, SYM_EMPTY, 0);
    Word head = atom_expr2(h, x, a), call = atom_expr2(h, head, a), whole = atom_expr2(h, call, a);
    CHECK(type_leftmost(&f->world, whole) == x && type_leftmost(&f->world, call) == x);
    CHECK(type_leftmost(&f->world, parse(f, "((f a) b)")) == fn);
    CHECK(type_leftmost(&f->world, parse(f, "(() b)")) == WORD_UNIT);
    CHECK(type_leftmost(&f->world, call) == x);
    Trial t = trial_begin(&f->bind);
    CHECK(unify(&f->bind, x, fn));
    CHECK_MSG(type_leftmost(&f->world, call) == fn, "the variable is bound now");
    CHECK(type_leftmost(&f->world, whole) == fn);
    trial_abort(&f->bind, t);
    CHECK_MSG(type_leftmost(&f->world, whole) == x, "the variable is free again");
    /* The same for a head that is a bound variable itself. */
    t = trial_begin(&f->bind);
    Word outer = atom_expr2(h, x, a);
    CHECK(unify(&f->bind, x, parse(f, "(f a)")) && type_leftmost(&f->world, outer) == fn);
    trial_abort(&f->bind, t);
    CHECK(type_leftmost(&f->world, outer) == x);
}

/* -- Change, dependencies, collections, depth -- */

static void test_changes(Fixture *f)
{
    CHECK_STR(types(f, "later"), "");
    change(f, "(: later A)", true);
    CHECK_STR(types(f, "later"), "A");
    CHECK_STR(types(f, "(f later)"), "B");
    change(f, "(:< A Z)", true);
    CHECK_STR(types(f, "later"), "A | Z");
    change(f, "(: (f later) Special)", true);
    CHECK_STR(types(f, "(f later)"), "Special | B");
    change(f, "(: (f later) Special)", false);
    change(f, "(:< A Z)", false);
    CHECK_STR(types(f, "(f later)"), "B");
    change(f, "(: later A)", false);
    CHECK_STR(types(f, "later"), "");
    /* Types that make a circle of subtypes end. */
    change(f, "(:< X1 X2)", true);
    change(f, "(:< X2 X1)", true);
    change(f, "(: x X1)", true);
    CHECK_STR(types(f, "x"), "X1 | X2");
}

static void test_dependencies(Fixture *f)
{
    Space *own = space_new(&f->heap, f->store, NULL);
    Scope *s = scope_new(own), *before = f->scope;
    f->scope = s;
    CHECK_STR(types(f, "a"), "");
    scope_add_space(s, f->space);
    scope_add_space(s, f->space); /* once is enough */
    CHECK_STR(types(f, "a"), "A");
    space_add(own, parse(f, "(: a Own)"));
    type_world_note(&f->world, parse(f, "(: a Own)"));
    CHECK_STR(types(f, "a"), "Own | A");
    f->scope = before;
    CHECK_STR(types(f, "a"), "A");
    scope_free(s);
}

/* What was inferred of an expression is known until types change, in each scope for itself. */
static void test_inferred(Fixture *f)
{
    const char *text = "(Cons p (Cons p Nil))";
    Word list = parse(f, text), nil = parse(f, "(same Nil)"), bad = parse(f, "(Cons 1 (Cons a Nil))");
    change(f, "(: p P)", true);
    for (int i = 0; i < 3; i++) {
        CHECK_STR(types_of_word(f, list, text), "(List P)");
        CHECK(type_quick(&f->world, f->scope, list) == TYPE_COMPOUND);
        CHECK_STR(types_of_word(f, bad, "bad"), "!");
    }
    /* Its variables are others each time. */
    TypeList twice = {0};
    types_of(&f->world, f->scope, nil, &twice);
    types_of(&f->world, f->scope, nil, &twice);
    CHECK(twice.len == 2 && atom_alpha_equal(twice.data[0].type, twice.data[1].type) &&
          !atom_equal(twice.data[0].type, twice.data[1].type));
    vec_free(&twice);
    change(f, "(: p P)", false);
    change(f, "(: p Q)", true);
    CHECK(word_is_nil(type_quick(&f->world, f->scope, list)));
    CHECK_STR(types_of_word(f, list, text), "(List Q)");
    Space *own = space_new(&f->heap, f->store, NULL);
    Scope *s = scope_new(own), *before = f->scope;
    f->scope = s;
    CHECK_STR(types_of_word(f, list, text), "");
    scope_add_space(s, before->own);
    CHECK_STR(types_of_word(f, list, text), "(List Q)");
    f->scope = before;
    scope_free(s);
    change(f, "(: p Q)", false);
}

enum { KEPT = 8 };

static Word kept_item(const Fixture *f, uint32_t i)
{
    return word_obj(f->kept)->body[i];
}

/* Of how many items of what is kept is it known what was inferred?  Two may come to the same place in the table, so it need not be all. */
static uint32_t count_known(Fixture *f)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < KEPT; i++) {
        const InferredType *known = inferred_find(&f->world, f->scope, kept_item(f, i));
        count += known != NULL;
        CHECK(!known || heap_in_nursery(&f->heap, word_ptr(known->type)) ==
                            heap_in_nursery(&f->heap, word_ptr(kept_item(f, i))));
    }
    return count;
}

/* What was inferred of an expression in use outlives minor collections, which move it; of others it is forgotten. */
static void test_inferred_moves(Fixture *f)
{
    Buf text = {0};
    buf_putc(&text, '(');
    for (int i = 0; i < KEPT; i++) buf_puts(&text, " (Cons a (Cons a Nil))");
    buf_putc(&text, ')');
    f->kept = parse(f, buf_cstr(&text));
    buf_free(&text);
    Word lost = parse(f, "(Cons a Nil)"), before = f->kept;
    for (uint32_t i = 0; i < KEPT; i++) types_of_word(f, kept_item(f, i), "kept");
    types_of_word(f, lost, "lost");
    CHECK(count_known(f) > KEPT / 2 && inferred_find(&f->world, f->scope, lost));
    for (int i = 0; i < 3; i++) {
        heap_collect(&f->heap, false);
        CHECK(f->kept != before && !inferred_find(&f->world, f->scope, lost));
        CHECK(count_known(f) > KEPT / 2 && !heap_in_nursery(&f->heap, word_ptr(kept_item(f, 0))));
        CHECK_STR(types_of_word(f, kept_item(f, 0), "kept"), "(List A)");
    }
    heap_collect(&f->heap, true);
    CHECK(count_known(f) == 0);
    f->kept = WORD_NIL;
}

static void test_collections(Fixture *f)
{
    for (int i = 0; i < 6; i++) {
        CHECK_STR(types(f, "(Cons a (Cons a Nil))"), "(List A)");
        CHECK_STR(types(f, "(hof f a)"), "B");
        heap_collect(&f->heap, i & 1);
        if (f->heap.major_count) store_sweep(f->store);
    }
}

/* Linear in the size of the atom: quadratic time would be many seconds here. */
static void test_depth(Fixture *f)
{
    enum { DEPTH = 20000 };
    uint64_t start = base_now_ns();
    Buf text = {0};
    for (int i = 0; i < DEPTH; i++) buf_puts(&text, "(same ");
    buf_puts(&text, "a");
    for (int i = 0; i < DEPTH; i++) buf_putc(&text, ')');
    CHECK_STR(types(f, buf_cstr(&text)), "A");
    vec_clear(&text);
    for (int i = 0; i < DEPTH; i++) buf_puts(&text, "(+ 1 ");
    buf_puts(&text, "2");
    for (int i = 0; i < DEPTH; i++) buf_putc(&text, ')');
    CHECK_STR(types(f, buf_cstr(&text)), "Number");
    buf_free(&text);
    uint64_t ms = (base_now_ns() - start) / 1000000;
    CHECK_MSG(ms < 4000, "%llu ms", (unsigned long long)ms);
}

int main(void)
{
    Fixture f;
    setup(&f);
    test_types(&f);
    test_applicable(&f);
    test_casts(&f);
    test_matching(&f);
    test_signatures(&f);
    test_quick(&f);
    test_leftmost(&f);
    test_changes(&f);
    test_dependencies(&f);
    test_inferred(&f);
    test_inferred_moves(&f);
    test_collections(&f);
    test_depth(&f);
    teardown(&f);
    return unit_end();
}
