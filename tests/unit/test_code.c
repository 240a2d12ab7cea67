/* Bytecode: the opcode table, what the compiler accepts and refuses, what the verifier lets pass, listings.
 *
 *     test_code [SEED]    with the seed that an earlier run printed: the same random chunks again */
#include "builtin/builtin.h"
#include "code/asm.h"
#include "code/audit.h"
#include "code/compile.h"
#include "code/disasm.h"
#include "interp/interp.h"
#include "unit.h"

#include <ctype.h>
#include <stdlib.h>
#include <time.h>

enum { RANDOM_CHUNKS = 100000, MUTATIONS = 100000, MAX_RANDOM_LENGTH = 48 };

/* -- The table -- */

typedef struct OpRow {
    unsigned number;
    const char *name, *mnemonic, *operands;
    int pops, pushes, flags;
    const char *doc;
} OpRow;

static const OpRow rows[] = {
#define OP(number, name, mnemonic, operands, pops, pushes, flags, doc) \
    {number, #name, mnemonic, operands, pops, pushes, flags, doc},
#include "ops.gen.h"
#undef OP
};

static bool is_lower_case_of(const char *mnemonic, const char *name)
{
    for (; *name && *mnemonic == tolower((unsigned char)*name); name++) mnemonic++;
    return !*name && !*mnemonic;
}

static void test_row(const OpRow *row)
{
    const OpInfo *info = op_info((uint8_t)row->number);
    CHECK_MSG(row->number <= UINT8_MAX, "%s", row->mnemonic);
    CHECK_MSG(info->mnemonic && strcmp(info->mnemonic, row->mnemonic) == 0, "%s: its number is taken twice",
              row->mnemonic);
    CHECK_MSG(is_lower_case_of(row->mnemonic, row->name), "%s is %s", row->name, row->mnemonic);
    CHECK_MSG(*row->doc, "%s says nothing", row->mnemonic);
    unsigned length = 1, jumps = 0, counts = 0;
    for (const char *letter = row->operands; *letter; letter++) {
        CHECK_MSG(strchr("ktfwsjnci", *letter), "%s: operand %c", row->mnemonic, *letter);
        length += op_operand_size(*letter);
        jumps += *letter == 'j';
        counts += *letter == 'n' || *letter == 'c';
    }
    CHECK_MSG(strlen(row->operands) <= OP_MAX_OPERANDS, "%s has too many operands for the table of lengths",
              row->mnemonic);
    CHECK_MSG(info->length == length, "%s: %u", row->mnemonic, info->length);
    CHECK_MSG((jumps > 0) == ((row->flags & OPF_BRANCH) != 0), "%s: jumps and OPF_BRANCH", row->mnemonic);
    CHECK_MSG(jumps <= 2, "%s: the verifier follows two jumps", row->mnemonic);
    CHECK_MSG(row->pops != VARIABLE_POPS || counts == 1, "%s: pops as many as which operand?", row->mnemonic);
    CHECK_MSG(row->pops >= VARIABLE_POPS && row->pushes >= 0, "%s", row->mnemonic);
    CHECK_MSG(!(row->flags & OPF_PURE) || !(row->flags & ~OPF_PURE), "%s is pure and more", row->mnemonic);
}

/* Numbers and names of MeTTaTron's guide to bytecode: an opcode that is in it keeps its number. */
static void test_guide_numbers(void)
{
    static const struct {
        uint8_t number;
        const char *mnemonic;
    } guide[] = {
        {0x00, "nop"},        {0x01, "pop"},         {0x14, "push_long_small"},
        {0x19, "push_const"}, {0x1A, "make_sexpr"},  {0x20, "cons_atom"},
        {0x30, "load_local"}, {0x31, "store_local"}, {0x50, "jump"},
        {0xFD, "breakpoint"}, {0xFE, "trace"},       {0x60, "call"},
        {0x61, "tail_call"},  {0x62, "return"},      {0xC0, "add"},
        {0xC1, "sub"},        {0xC2, "mul"},         {0xD0, "lt"},
        {0xD1, "le"},         {0xD2, "gt"},          {0xD3, "ge"},
        {0xD4, "eq"},         {0xF1, "fail"},        {0xFF, "halt"},
    };
    for (size_t i = 0; i < COUNT_OF(guide); i++) {
        const OpInfo *info = op_info(guide[i].number);
        CHECK_MSG(info->mnemonic && strcmp(info->mnemonic, guide[i].mnemonic) == 0, "0x%02X is not %s",
                  guide[i].number, guide[i].mnemonic);
    }
}

static void test_table(void)
{
    size_t known = 0;
    for (unsigned i = 0; i <= UINT8_MAX; i++) known += op_info((uint8_t)i)->mnemonic != NULL;
    CHECK_MSG(known == COUNT_OF(rows), "%zu opcodes, %zu numbers", COUNT_OF(rows), known);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        test_row(&rows[i]);
        for (size_t k = 0; k < i; k++)
            CHECK_MSG(strcmp(rows[i].mnemonic, rows[k].mnemonic) != 0, "%s twice", rows[i].mnemonic);
    }
    test_guide_numbers();
}

/* A fusion looks like its first part to whoever does not look further; only its last part, or a guard, leaves the row. */
static void test_fusion_table(void)
{
    size_t count;
    const Fusion *fusions = op_fusions(&count);
    for (size_t i = 0; i < count; i++) {
        const Fusion *f = &fusions[i];
        const OpInfo *own = op_info(f->op), *first = op_info(f->parts[0]);
        CHECK_MSG(op_fusion(f->op) == f && op_first(f->op) == f->parts[0], "%s: fused twice", own->mnemonic);
        CHECK_MSG(f->count >= 2 && f->count <= FUSION_MAX, "%s", own->mnemonic);
        CHECK_MSG(strcmp(own->operands, first->operands) == 0 && own->pops == first->pops &&
                      own->pushes == first->pushes && own->flags == first->flags,
                  "%s is not like %s", own->mnemonic, first->mnemonic);
        for (unsigned k = 0; k < f->count; k++) {
            CHECK_MSG(!op_fusion(f->parts[k]), "%s: of fusions", own->mnemonic);
            if (k + 1 < f->count) CHECK_MSG(!(op_info(f->parts[k])->flags & OPF_END), "%s", own->mnemonic);
        }
        Buf doc = {0};
        for (unsigned k = 0; k < f->count; k++)
            buf_printf(&doc, "%s%s", k ? ", " : "", op_info(f->parts[k])->mnemonic);
        CHECK_STR(own->doc, buf_cstr(&doc));
        buf_free(&doc);
    }
    CHECK(!op_fusion(OP_LOAD_LOCAL) && op_first(OP_LOAD_LOCAL) == OP_LOAD_LOCAL);
}

/* -- Compiling -- */

static void load(Runtime *rt, const char *text)
{
    const RunEvents silent = {0};
    interp_run(rt, rt->top, text, strlen(text), "test", &silent);
}

/* A runtime with a program, and the functions that its chunks call. */
typedef struct World {
    Runtime *rt;
    Functions functions;
} World;

/* Load TEXT into a fresh runtime and compile NAME; the chunk lives as long as the world. */
static Chunk *compile_text(World *w, const char *text, const char *name, uint32_t arity, CompileRefusal *why)
{
    *w = (World){.rt = rt_new(builtin_table, BI_COUNT, &interp_engine)};
    load(w->rt, text);
    uint32_t id = word_sym_id(rt_sym(w->rt, name));
    return compile_function(w->rt, w->rt->top->scope, &w->functions, id, arity, NULL, why);
}

static void world_free(World *w)
{
    functions_fini(&w->functions);
    rt_free(w->rt);
}

static const char *const fib = "(= (fib $n)\n"
                               "   (if (< $n 2)\n"
                               "       $n\n"
                               "       (+ (fib (- $n 1)) (fib (- $n 2)))))";
static const char *const len = "(= (len Nil) 0)\n"
                               "(= (len (Cons $h $t)) (+ 1 (len $t)))";

static const struct {
    const char *text, *name;
    uint32_t arity;
} programs[] = {
    {fib, "fib", 1},
    {len, "len", 1},
    {"(= (f) 1)", "f", 0},
    {"(= (f $x) $x)", "f", 1},
    {"(= (f $x) NotReducible)", "f", 1},
    {"(= (f $k (Is ($p $x) $t)) (let $t (g $k) (Is ($p $x) $t)))\n(= (f $k (Is A A)) (Is A $k))\n(= (g $x) "
     "$x)",
     "f", 2},
    {"(= (f $x) (Error $x bad))", "f", 1},
    {"(= (f $x) (if $x Empty (Error $x bad)))", "f", 1},
    {"(= (f $x $y) (let $z (+ $x $y) (Pair $z (Pair $x $free))))", "f", 2},
    {"(= (f $x) (g (if (> $x 1) (if (== $x 2) two Empty) (* $x 1.5)) \"text\" (h $x)))\n(= (g $a $b $c) "
     "$a)\n(= (h $x) True)",
     "f", 1},
    {"(= (f $x) (if (h $x) (superpose (1 2 $x)) (collapse (h $x))))\n(= (h $x) True)", "f", 1},
    {"(= (f A 0) 1)\n(= (f (B $x (C $y 1)) $z) (f $x $z))\n(= (f True ()) 99999999999999999999)", "f", 2},
    {"(: f (-> Number Number))\n(= (f $x) (+ 1 (* $x (- $x 2))))", "f", 1},
    {"(= (f 0) 0)\n(= (f $x) $x)\n(= (f 2) (g $x))", "f", 1},
    {"(= (f (Pair $x $x) $x) $x)\n(= (f (Pair $x $y) $z) (Got $x $y $z $free))", "f", 2},
    {"(= (f 1.5) 1)\n(= (f \"text\") 2)\n(= (f 99999999999999999999) 3)\n(= (f +) 4)", "f", 1},
    {"(= (f ($head 1)) $head)\n(= (f ((A $x) 1)) $x)", "f", 1},
    {"(= (f $x) (function (return $x)))", "f", 1},
    {"(= (f $x) (if $x 1 NotReducible))", "f", 1},
    {"(= (f $x) (let (Pair $a (Pair $b $b)) (g $x) (let* (($c (g $a)) ((Some $d) $c)) ($d $c))))\n(= (g $x) "
     "$x)",
     "f", 1},
    {"(= (f $x) (case (g $x) ((1 one) ((Pair $a 2) $a) (Empty none))))\n(= (g 1) 1)", "f", 1},
    {"(= (f $x) (+ 1 (case (g $x) (((Pair $a $b) $a) ($other $other)))))\n(= (g 1) 1)", "f", 1},
    {"(= (f $x) (Pair (match &self (fact $x $y) (g $y)) (unify $x (A $z) $z (switch $x ((1 2) ($w 3))))))",
     "f", 1},
    {"(= (f $l $k) (g (map-atom $l $x (P $x $y)) (foldl-atom $l 0 $a $x (+ $a (* $x $k)))))\n(= (g $a $b) "
     "(foldl-atom $a $b $c $d (h $c (foldl-atom $d 0 $e $d (+ $e 1)))))\n(= (h $x $y) (Got $x $y))",
     "f", 2},
    {"(= (f $l $g) (map-atom $l $x (h $x (filter-atom $l $y (> $y $x)) ($g $x))))\n(= (h $x $y $z) $z)", "f",
     2},
    {"(= (f $x $l) (chain (eval (+ $x 1)) $y (chain (decons-atom $l) $d (chain (P $y $z) $z (g $d $z)))))\n"
     "(= (g $x $y) $x)",
     "f", 2},
    {"(= (f $l $g) (map-atom $l $x ($g $x)))", "f", 2},
    {"(= (f $l $a) (function (unify $l ($h $t) (chain (eval (f $t $h)) $r (chain (eval (+ $r 1)) $n (return "
     "$n))) (eval (if-equal "
     "$a () (return $a) (chain (metta $a %Undefined% &self) $v (return (P $v))))))))",
     "f", 2},
    {"(= (f $x) (chain (eval (f $x)) $y (chain (context-space) $s (unify $y $s (eval $y) (P $y)))))", "f", 1},
    {"(= (f $h $x) (g (+ 1 ($h $x)) (let $y ((g $x) (1 $x)) (if ($h $y) (() ((P $y) 1)) ($x \"s\")))))\n(= "
     "(g $x) $x)",
     "f", 2},
    {"(= (f $l) (if-decons-expr $l $h $t (g $h (let* ((($a $b) (decons-atom $t))) ($b $a))) (if-equal $l () "
     "1 "
     "(if-error $l 2 3))))\n(= (g $x $y) (let ($a $b) (decons-atom $x) (P $a $b)))",
     "f", 1},
    {"(= (f $l) (let ($h $t) (decons-atom $l) (g (cons-atom $h $l) (decons-atom $t))))\n(= (g $x $y) $x)",
     "f", 1},
    {"(= (f $l) (let $a (map-atom $l $x (* $x 2)) (filter-atom $a $x (g $x $new))))\n(= (g $x $y) True)", "f",
     1},
    {"(= (f $g $x) (Cons ($g $x) (f $g ($g (superpose ($x 2))))))", "f", 2},
    {"(: f (-> Atom Bool Number))\n(= (f $a True) (size-atom $a))\n(= (f $a False) (f (car-atom $a) (not "
     "False)))",
     "f", 2},
};

/* What is dumped is assembled to the same chunk (tests/unit/test_asm.c has more). */
static void check_dump(World *w, const Chunk *c, const char *text)
{
    Buf dump = {0}, again = {0}, error = {0};
    chunk_dump(w->rt, c, &dump);
    Chunk *copy = chunk_assemble(w->rt, &w->functions, dump.data, dump.len, &error);
    CHECK_MSG(copy, "%s: %s", text, buf_cstr(&error));
    if (copy) {
        CHECK(copy->code.len == c->code.len && memcmp(copy->code.data, c->code.data, c->code.len) == 0);
        chunk_dump(w->rt, copy, &again);
        CHECK_STR(buf_cstr(&again), buf_cstr(&dump));
    }
    chunk_free(copy);
    buf_free(&dump);
    buf_free(&again);
    buf_free(&error);
}

static void test_accepts(void)
{
    for (size_t i = 0; i < COUNT_OF(programs); i++) {
        World w;
        CompileRefusal why;
        Chunk *c = compile_text(&w, programs[i].text, programs[i].name, programs[i].arity, &why);
        CHECK_MSG(c && why == REFUSED_NONE, "%s: %s", programs[i].text, compile_refusal_text(why));
        if (c) {
            const char *error;
            uint32_t at;
            bool ok = chunk_verify(c, &error, &at);
            CHECK_MSG(ok, "%s: %s at %u", programs[i].text, error, at);
            ok = chunk_audit(w.rt, c, &error, &at);
            CHECK_MSG(ok, "%s: %s at %u", programs[i].text, error, at);
            check_dump(&w, c, programs[i].text);
            CHECK(c->arity == programs[i].arity && c->locals >= c->arity && !c->stale);
            chunk_free(c);
        }
        world_free(&w);
    }
}

/* More clauses than a chunk may have. */
static const char *many_clauses(Buf *out)
{
    for (unsigned i = 0; i < 257; i++) buf_printf(out, "(= (f %u) %u)\n", i, i);
    return buf_cstr(out);
}

static void test_refusals(void)
{
    Buf many = {0};
    const char *const texts[REFUSAL_COUNT] = {
        [REFUSED_NONE] = "(= (f $x) $x)",
        [REFUSED_NO_RULES] = "(= (f) 1) (= (g $x) $x)",
        [REFUSED_WILD_HEAD] = "(= (f $x) $x) (= ($head 1) 2)",
        [REFUSED_TOO_LARGE] = many_clauses(&many),
    };
    for (unsigned i = 0; i < REFUSAL_COUNT; i++) {
        CHECK_MSG(texts[i], "no program for: %s", compile_refusal_text((CompileRefusal)i));
        if (!texts[i]) continue;
        World w;
        CompileRefusal why;
        Chunk *c = compile_text(&w, texts[i], "f", 1, &why);
        CHECK_MSG(why == i, "%s: %s", texts[i], compile_refusal_text(why));
        CHECK_MSG(!c == (i != REFUSED_NONE), "%s", texts[i]);
        CHECK(*compile_refusal_text((CompileRefusal)i));
        chunk_free(c);
        world_free(&w);
    }
    buf_free(&many);
}

/* A chunk expires with what it takes for granted, and only then. */
static void test_dependencies(void)
{
    World w;
    CompileRefusal why;
    Chunk *c = compile_text(
        &w, "(= (f $x) (g (h $x) (D $x)))\n(= (g $x $y) $x)\n(= (other) 1)\n(= (h $x) $x)", "f", 1, &why);
    Function *f = functions_get(&w.functions, word_sym_id(rt_sym(w.rt, "f")), 1);
    functions_adopt(&w.functions, f, c);
    CHECK(f->chunk == c && functions_changed(&w.functions, rt_sym(w.rt, "other"), true) == 0 && !c->stale);
    CHECK(functions_changed(&w.functions, rt_sym(w.rt, "h"), false) == 0 &&
          !c->stale); /* it is only called */
    CHECK(functions_changed(&w.functions, rt_sym(w.rt, "D"), false) == 1 && c->stale && !f->chunk);
    CHECK(functions_changed(&w.functions, rt_sym(w.rt, "g"), true) == 0); /* only once */
    for (size_t i = 0; i < c->expressions.len; i++)
        CHECK(c->code.data[c->expressions.data[i].at] == OP_LEAVE_STALE);
    c->marked = true;
    functions_sweep(&w.functions);
    CHECK(w.functions.chunks.len == 1);
    functions_sweep(&w.functions);
    CHECK(w.functions.chunks.len == 0);
    world_free(&w);
}

/* An expired chunk has no fusions left: they would run past the beginning of expressions. */
static void test_expiry(void)
{
    World w;
    CompileRefusal why;
    Chunk *c = compile_text(&w, fib, "fib", 1, &why);
    size_t n = c->code.len;
    uint8_t *before = base_alloc(n + 1);
    unsigned fused = 0;
    for (size_t i = 0; i < n; i++) before[i] = c->code.data[i];
    chunk_expire(c);
    for (size_t at = 0; at < n; at += op_info(before[at])->length) {
        bool begins = chunk_expression(c, (uint32_t)at) != NULL;
        fused += op_fusion(before[at]) != NULL;
        CHECK(c->code.data[at] == (begins ? OP_LEAVE_STALE : op_first(before[at])));
    }
    CHECK(fused > 0);
    base_free(before);
    chunk_free(c);
    world_free(&w);
}

/* Small switches are searched, large ones hashed. */
static void test_switches(void)
{
    for (uint32_t n = 1; n < 100; n += 7) {
        Chunk *c = base_calloc(1, sizeof *c);
        SwitchCase cases[100];
        for (uint32_t i = 0; i < n; i++) cases[i] = (SwitchCase){word_int48(i / 2), i % 2, i};
        uint32_t index = chunk_add_switch(c, cases, n);
        const Switch *s = &c->switches.data[index];
        for (uint32_t i = 0; i < n; i++) CHECK(chunk_switch(c, s, word_int48(i / 2), i % 2) == i);
        CHECK(chunk_switch(c, s, word_int48(n), 0) == UINT32_MAX &&
              chunk_switch(c, s, W_SYM(EMPTY), 0) == UINT32_MAX);
        chunk_free(c);
    }
}

/* -- The verifier -- */

static void put_code(Chunk *c, const uint8_t *code, size_t n)
{
    vec_clear(&c->code);
    for (size_t i = 0; i < n; i++) vec_push(&c->code, code[i]);
}

/* A chunk with one argument, another local, one constant and one template, and room for two values. */
static Chunk *small_chunk(void)
{
    Chunk *c = base_calloc(1, sizeof *c);
    const Template unit = {WORD_UNIT, 0, 0};
    c->arity = 1;
    c->locals = 2;
    c->max_stack = 2;
    vec_push(&c->constants, W_SYM(EMPTY));
    vec_push(&c->templates, unit);
    return c;
}

/* Verify a small chunk with CODE; the error must be WANT (NULL: none), at offset WANT_AT. */
static void check_code(const char *want, uint32_t want_at, const uint8_t *code, size_t n)
{
    Chunk *c = small_chunk();
    const char *error;
    uint32_t at;
    put_code(c, code, n);
    bool ok = chunk_verify(c, &error, &at);
    CHECK_MSG(ok == !error, "the error and the answer differ");
    if (want)
        CHECK_MSG(!ok && strcmp(error, want) == 0 && at == want_at, "%s at %u, want %s at %u",
                  ok ? "accepted" : error, at, want, want_at);
    else
        CHECK_MSG(ok, "%s at %u", error, at);
    chunk_free(c);
}
#define CODE(want, at, ...) \
    check_code((want), (at), (const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__})

static void test_rejects(void)
{
    CODE(NULL, 0, OP_LOAD_LOCAL, 1, OP_RETURN);
    CODE(NULL, 0, OP_STUCK, 0xFC); /* what control cannot reach does not matter */
    CODE("unknown opcode", 0, 0xFC);
    CODE("unknown opcode", 2, OP_LOAD_LOCAL, 0, 0xFC);
    CODE("instruction is cut off", 0, OP_LOAD_LOCAL);
    CODE("instruction is cut off", 0, OP_PUSH_CONST, 0);
    CODE("instruction is cut off", 1, OP_NOP, OP_JUMP, 0);
    CODE("no such constant", 0, OP_PUSH_CONST, 1, 0, OP_RETURN);
    CODE("no such constant", 0, OP_PUSH_CONST, 0, 1, OP_RETURN);
    CODE("no such constant", 0, OP_EVAL, 0, 0, 9, 0, OP_RETURN);
    CODE("no such template", 0, OP_TAIL_EVAL, 1, 0);
    CODE("no such template", 0, OP_RETURN_ERROR, 0xFF, 0xFF);
    CODE("no such local", 0, OP_LOAD_LOCAL, 2, OP_RETURN);
    CODE("no such local", 0, OP_GET_ITEM, 0, 1, 2, OP_STUCK);
    CODE("no such local", 0, OP_RETURN_LOCAL, 0xFF);
    CODE("control leaves the code", 0, OP_NOP);
    CODE("control leaves the code", 0, OP_JUMP, 100, 0);
    CODE("control leaves the code", 0, OP_JUMP, 0xFC, 0xFF);
    CODE("control leaves the code", 0, OP_GUARD_NUMBER, 0, 1, 0, OP_STUCK);
    CODE(NULL, 0, OP_JUMP, 0xFD, 0xFF); /* to itself */
    CODE("stack underflow", 0, OP_POP, OP_STUCK);
    CODE("stack underflow", 0, OP_RETURN);
    CODE("stack underflow", 2, OP_LOAD_LOCAL, 0, OP_ADD, OP_RETURN);
    CODE("stack underflow", 2, OP_LOAD_LOCAL, 0, OP_MAKE_SEXPR, 2, OP_RETURN);
    CODE(NULL, 0, OP_ADD_SMALL, 0, OP_PUSH_LONG_SMALL, 1, 0, OP_ADD, OP_RETURN);
    CODE("not what it is fused of", 0, OP_ADD_SMALL, 0, OP_PUSH_LONG_SMALL, 1, 0, OP_SUB, OP_RETURN);
    CODE("not what it is fused of", 0, OP_ADD_SMALL, 0, OP_PUSH_LONG_SMALL, 1, 0);
    CODE("instruction is cut off", 0, OP_ADD_SMALL, 0, OP_PUSH_LONG_SMALL, 1);
    CODE(NULL, 0, OP_GET_ITEMS, 0, 1, 1, OP_GET_ITEM, 0, 2, 1, OP_STUCK);
    CODE("fused, but the first changes the local of the second", 0, OP_GET_ITEMS, 0, 1, 0, OP_GET_ITEM, 0, 2,
         1, OP_STUCK);
    CODE("fused of different locals", 0, OP_GET_ITEMS, 0, 1, 1, OP_GET_ITEM, 1, 2, 1, OP_STUCK);
    CODE("no such function", 0, OP_TAIL_CALL, 0, 0, 1);
    CODE("no such switch", 0, OP_SWITCH, 0, 0, 0, 0, 0, 0, 0);
    CODE("stack overflow", 4, OP_LOAD_LOCAL, 0, OP_LOAD_LOCAL, 0, OP_LOAD_LOCAL, 0, OP_RETURN);
}

static void test_heights(void)
{
    static const char *const differ = "two ways in with different stack heights";
    CODE(differ, 7, OP_LOAD_LOCAL, 0, OP_TAIL_BRANCH_BOOL, 2, 0, 0, 0, OP_LOAD_LOCAL, 0, OP_STUCK);
    CODE(differ, 2, OP_MAKE_SEXPR, 0, OP_JUMP, 0xFB, 0xFF); /* a loop that pushes */
    CODE(NULL, 0, OP_LOAD_LOCAL, 0, OP_TAIL_BRANCH_BOOL, 0, 0, 0, 0, OP_STUCK);
    /* branch_bool has popped its condition at its first target, and pushed a result at its second. */
    CODE(NULL, 0, OP_LOAD_LOCAL, 0, OP_BRANCH_BOOL, 5, 0, 0, 0, 7, 0, OP_LOAD_LOCAL, 0, OP_JUMP, 2, 0,
         OP_LOAD_LOCAL, 1, OP_RETURN);
    CODE(differ, 2, OP_LOAD_LOCAL, 0, OP_BRANCH_BOOL, 0, 0, 0, 0, 0, 0, OP_STUCK);
}

static void test_too_many_locals(void)
{
    static const uint8_t stuck[] = {OP_STUCK};
    static const uint32_t bad[][2] = {{3, 2}, {0, 257}}; /* arity, locals */
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        Chunk *c = small_chunk();
        const char *error;
        uint32_t at;
        c->arity = bad[i][0];
        c->locals = bad[i][1];
        put_code(c, stuck, sizeof stuck);
        CHECK(!chunk_verify(c, &error, &at));
        CHECK_STR(error, "too many locals");
        chunk_free(c);
    }
    Chunk *empty = small_chunk();
    const char *error;
    uint32_t at;
    CHECK(!chunk_verify(empty, &error, &at));
    chunk_free(empty);
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 8;
}

/* Verify, and see that the answer makes sense; returns it. */
/* Is a jump or a case of a switch that control comes to a way to AT? */
static bool is_target(const Chunk *c, const int32_t *heights, uint32_t at)
{
    for (uint32_t ip = 0; ip < c->code.len; ip++) {
        const OpInfo *op = op_info(c->code.data[ip]);
        uint32_t operand = ip + 1;
        for (const char *letter = op->operands; heights[ip] >= 0 && *letter; letter++) {
            const uint8_t *p = c->code.data + operand;
            operand += op_operand_size(*letter);
            if (*letter == 'j' && ip + op->length + (uint32_t)(int16_t)op_read16(p) == at) return true;
            if (*letter != 'w') continue;
            const Switch *s = &c->switches.data[op_read16(p)];
            for (uint32_t i = s->first; i < s->first + s->count; i++)
                if (!word_is_nil(c->cases.data[i].key) && c->cases.data[i].target == at) return true;
        }
    }
    return false;
}

/* What machine code is made from is what the verifier finds. */
static bool flow_agrees(const Chunk *c)
{
    const char *error;
    uint32_t at;
    int32_t *wanted = chunk_heights(c, &error, &at);
    if (!wanted) return true;
    bool *targets = base_calloc(c->code.len + 1, sizeof *targets);
    int32_t *got = base_alloc((c->code.len + 1) * sizeof *got);
    bool same = chunk_flow(c, got, targets) && memcmp(got, wanted, c->code.len * sizeof *got) == 0;
    for (uint32_t ip = 0; same && ip < c->code.len; ip++) same = targets[ip] == is_target(c, wanted, ip);
    base_free(targets);
    base_free(got);
    base_free(wanted);
    return same;
}

static bool verify_any(const Chunk *c, unsigned *senseless)
{
    const char *error;
    uint32_t at;
    bool ok = chunk_verify(c, &error, &at);
    if (ok != !error || (!ok && at >= c->code.len)) ++*senseless;
    if (ok && !flow_agrees(c)) ++*senseless;
    return ok;
}

/* Every other byte is a known opcode or a small operand, so that some chunks get far. */
static void random_code(Chunk *c, uint64_t *state)
{
    size_t n = 1 + next_random(state) % MAX_RANDOM_LENGTH;
    vec_clear(&c->code);
    while (c->code.len < n) {
        uint64_t r = next_random(state);
        uint8_t byte = (uint8_t)(r >> 8);
        if ((r & 3) == 0) byte = (uint8_t)rows[byte % COUNT_OF(rows)].number;
        if ((r & 3) == 1) byte &= 3;
        vec_push(&c->code, byte);
    }
}

static void test_random(uint64_t seed)
{
    uint64_t state = seed;
    unsigned accepted = 0, senseless = 0;
    Chunk *c = small_chunk();
    for (unsigned i = 0; i < RANDOM_CHUNKS; i++) {
        random_code(c, &state);
        accepted += verify_any(c, &senseless);
    }
    CHECK_MSG(senseless == 0, "%u", senseless);
    CHECK_MSG(accepted > 0 && accepted < RANDOM_CHUNKS, "%u accepted", accepted);
    chunk_free(c);
}

/* Chunks of the programs above with one byte changed. */
static void test_mutations(uint64_t seed)
{
    uint64_t state = seed;
    unsigned accepted = 0, senseless = 0;
    for (size_t i = 0; i < COUNT_OF(programs); i++) {
        World w;
        CompileRefusal why;
        Chunk *c = compile_text(&w, programs[i].text, programs[i].name, programs[i].arity, &why);
        for (unsigned k = 0; c && k < MUTATIONS / COUNT_OF(programs) + 1; k++) {
            uint8_t *byte = &c->code.data[next_random(&state) % c->code.len], saved = *byte;
            *byte = (uint8_t)next_random(&state);
            accepted += verify_any(c, &senseless);
            *byte = saved;
        }
        CHECK(c && verify_any(c, &senseless));
        chunk_free(c);
        world_free(&w);
    }
    CHECK_MSG(senseless == 0, "%u", senseless);
    CHECK_MSG(accepted > 0 && accepted < MUTATIONS, "%u accepted", accepted);
}

/* -- Listings -- */

static void check_listing(const char *text, const char *name, const char *want)
{
    World w;
    CompileRefusal why;
    Chunk *c = compile_text(&w, text, name, 1, &why);
    Buf out = {0};
    CHECK(c);
    if (c) chunk_disassemble(&w.rt->names, c, &out);
    CHECK_STR(buf_cstr(&out), want);
    buf_free(&out);
    chunk_free(c);
    world_free(&w);
}

static void test_listings(void)
{
    check_listing(fib, "fib",
                  "=== fib/1 ===\n"
                  "locals: 1, upvalues: 0, arity: 1\n"
                  "\n"
                  "0000    2  guard_if_lt_small 0 51        ; and the next 4, to 0055\n"
                  "0004    2  load_local        0\n"
                  "0006    2  push_long_small   2\n"
                  "0009    2  lt\n"
                  "0010    2  tail_branch_bool  6 0         ; to 0021, (if (< $#0 2) $#0 (+ (fib (- $#0 1)) "
                  "(fib (- $#0 2))))\n"
                  "0015    2  return_branch     0 0 2       ; (if (< $#0 2) $#0 (+ (fib (- $#0 1)) (fib (- "
                  "$#0 2)))), True\n"
                  "0021    4  guard_type        3 26        ; Number, to 0052\n"
                  "0026    4  sub_small_call    0           ; and the next 3\n"
                  "0028    4  push_long_small   1\n"
                  "0031    4  sub\n"
                  "0032    4  call_typed        3 0 1       ; Number, fib/1\n"
                  "0038    4  sub_small_call    0           ; and the next 3\n"
                  "0040    4  push_long_small   2\n"
                  "0043    4  sub\n"
                  "0044    4  call_typed        3 0 1       ; Number, fib/1\n"
                  "0050    4  add_return                    ; and the next 1\n"
                  "0051    4  return\n"
                  "0052    4  tail_eval         2           ; (+ (fib (- $#0 1)) (fib (- $#0 2)))\n"
                  "0055    2  tail_eval         0           ; (if (< $#0 2) $#0 (+ (fib (- $#0 1)) (fib (- "
                  "$#0 2))))\n");
    check_listing(len, "len",
                  "=== len/1 ===\n"
                  "locals: 3, upvalues: 0, arity: 1\n"
                  "\n"
                  "0000    -  switch            0 0 51 33   ; Nil to 0008, Cons/2 to 0012, to 0059, to 0041\n"
                  "0008    1  push_long_small   0\n"
                  "0011    1  return\n"
                  "0012    2  get_items         0 1 1       ; and the next 1\n"
                  "0016    2  get_item          0 2 2\n"
                  "0020    2  guard_type        1 13        ; Number, to 0038\n"
                  "0025    2  push_long_small   1\n"
                  "0028    2  eval_local        2\n"
                  "0030    2  call_typed        1 0 1       ; Number, len/1\n"
                  "0036    2  add_return                    ; and the next 1\n"
                  "0037    2  return\n"
                  "0038    2  tail_eval         0           ; (+ 1 (len $#1))\n"
                  "0041    1  unify_head        2 1 3       ; (len Nil), to 0050\n"
                  "0047    1  jump              -42         ; to 0008\n"
                  "0050    2  unify_head        3 0 3       ; (len (Cons $#0 $#1)), to 0059\n"
                  "0056    2  jump              -39         ; to 0020\n"
                  "0059    -  stuck\n");
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL) << 16 | 1;
    printf("seed %llu\n", (unsigned long long)seed);
    test_table();
    test_fusion_table();
    test_accepts();
    test_refusals();
    test_dependencies();
    test_expiry();
    test_switches();
    test_rejects();
    test_heights();
    test_too_many_locals();
    test_random(seed | 1);
    test_mutations(seed | 1);
    test_listings();
    return unit_end();
}
