/* Exits: the table of reasons, sites and their sums, when to compile again. */
#include "builtin/builtin.h"
#include "code/compile.h"
#include "interp/interp.h"
#include "jit/stats.h"
#include "unit.h"

enum { FREQUENT = 100, MOST_RETRIES = 4 };

/* The guide's numbers and names. */
static void test_reasons(void)
{
    static const char *const guide[] = {"None",
                                        "TypeError",
                                        "DivisionByZero",
                                        "StackOverflow",
                                        "StackUnderflow",
                                        "InvalidOpcode",
                                        "UnsupportedOperation",
                                        "IntegerOverflow",
                                        "NonDeterminism",
                                        "Call",
                                        "TailCall",
                                        "Fork",
                                        "Yield",
                                        "Collect",
                                        "InvalidBinding",
                                        "BindingFrameOverflow",
                                        "HigherOrderOp"};
    for (unsigned i = 0; i < COUNT_OF(guide); i++) CHECK_STR(bailout_info(i)->name, guide[i]);
    for (unsigned i = COUNT_OF(guide); i < 32; i++) CHECK(!bailout_info(i)->name);
    CHECK_STR(bailout_info(BAILOUT_BREAKPOINT)->name, "Breakpoint");
    CHECK(!bailout_info(1000)->name);
    CHECK(bailout_info(BAILOUT_TYPE_ERROR)->guess && !bailout_info(BAILOUT_CALL)->guess);
}

static void test_kinds(Runtime *rt)
{
    Buf text = {0};
    kinds_print(KINDS(INT) | KINDS(SYMBOL) | KINDS(OTHER), &text);
    CHECK_STR(buf_cstr(&text), "Int|Symbol|Other");
    buf_free(&text);
    CHECK(value_kind(word_int48(1)) == KIND_INT);
    CHECK(value_kind(word_double(1)) == KIND_FLOAT);
    CHECK(value_kind(WORD_TRUE) == KIND_BOOL);
    CHECK(value_kind(W_SYM(EQUAL)) == KIND_SYMBOL);
    CHECK(value_kind(WORD_UNIT) == KIND_EXPRESSION);
    CHECK(value_kind(num_from_int(&rt->heap, INT64_MAX)) == KIND_INT);
    CHECK(value_kind(atom_str(&rt->heap, "a", 1)) == KIND_STRING);
    CHECK(value_kind(atom_new_var(&rt->heap, 0, 0)) == KIND_VARIABLE);
}

static Runtime *new_world(void)
{
    static const char text[] = "(= (inc $x)\n   (+ $x 1))\n";
    Runtime *rt = rt_new(builtin_table, BI_COUNT, &interp_engine);
    RunEvents events = {0};
    interp_run(rt, rt->top, text, sizeof text - 1, "inc.metta", &events);
    return rt;
}

static uint64_t sum_of_sites(const Bailouts *b)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < b->sites.len; i++) sum += b->sites.data[i].count;
    return sum;
}

static uint64_t sum_of_reasons(const Bailouts *b)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < BAILOUT_CODES; i++) sum += b->by_reason[i];
    return sum;
}

/* Count an exit and take the advice. */
static BailoutAdvice leave(Bailouts *b, const Chunk *c, uint32_t ip, BailoutReason reason, Word found)
{
    uint32_t id = bailout_site(b, c, ip, reason, 0);
    bailout_count(b, id, found);
    return bailout_advice(b, id);
}

static uint32_t next_ip(const Chunk *c, uint32_t ip)
{
    return ip + op_info(c->code.data[ip])->length;
}

static void test_sites(const Chunk *c)
{
    Bailouts b = {0};
    uint32_t second = next_ip(c, 0);
    for (int i = 0; i < 3; i++) leave(&b, c, 0, BAILOUT_TYPE_ERROR, W_SYM(EQUAL));
    leave(&b, c, 0, BAILOUT_INTEGER_OVERFLOW, word_int48(1));
    for (int i = 0; i < 5; i++) leave(&b, c, second, BAILOUT_CALL, WORD_NIL);
    CHECK(b.total == 9 && sum_of_sites(&b) == 9 && sum_of_reasons(&b) == 9);
    CHECK(b.sites.len == 3);
    CHECK(b.sites.data[0].span.line == 2 && b.sites.data[0].found == KINDS(SYMBOL));
    CHECK(b.sites.data[1].found == KINDS(BIG_INT));
    CHECK(b.sites.data[2].expected == (KINDS(INT) | KINDS(FLOAT)));
    size_t n;
    uint32_t *ids = bailouts_ranked(&b, &n);
    CHECK(n == 3 && ids[0] == 2 && ids[1] == 0 && ids[2] == 1);
    base_free(ids);
    bailouts_fini(&b);
}

/* A site is what it is, in whatever chunk: the copy counts at the same one. */
static void test_same_site(Runtime *rt, Functions *fs, const Chunk *c)
{
    Bailouts b = {0};
    CompileRefusal why;
    Chunk *again = compile_function(rt, rt->top->scope, fs, c->name, c->arity, NULL, &why);
    CHECK(bailout_site(&b, c, 0, BAILOUT_TYPE_ERROR, 0) == bailout_site(&b, again, 0, BAILOUT_TYPE_ERROR, 0));
    chunk_free(again);
    bailouts_fini(&b);
}

static void test_policy(const Chunk *c)
{
    Bailouts b = {0};
    for (int i = 1; i < FREQUENT; i++) CHECK(leave(&b, c, 0, BAILOUT_TYPE_ERROR, WORD_NIL) == BAILOUT_GO_ON);
    CHECK(!bailout_is_dropped(&b, c, 0, BAILOUT_TYPE_ERROR));
    CHECK(leave(&b, c, 0, BAILOUT_TYPE_ERROR, WORD_NIL) == BAILOUT_RECOMPILE);
    CHECK(bailout_is_dropped(&b, c, 0, BAILOUT_TYPE_ERROR));
    CHECK(!bailout_is_dropped(&b, c, 0, BAILOUT_INTEGER_OVERFLOW));
    CHECK(leave(&b, c, 0, BAILOUT_TYPE_ERROR, WORD_NIL) == BAILOUT_GO_ON);
    for (int i = 0; i < 3 * FREQUENT; i++) CHECK(leave(&b, c, 0, BAILOUT_CALL, WORD_NIL) == BAILOUT_GO_ON);
    bailouts_fini(&b);
}

/* Ever new wrong guesses of one function: it is given up in the end. */
static void test_giving_up(const Chunk *c)
{
    Bailouts b = {0};
    uint32_t ip = 0;
    unsigned recompiled = 0, given_up = 0;
    for (unsigned i = 0; i <= MOST_RETRIES; i++, ip = next_ip(c, ip)) {
        for (int n = 0; n < FREQUENT; n++) {
            BailoutAdvice advice = leave(&b, c, ip, BAILOUT_TYPE_ERROR, WORD_NIL);
            recompiled += advice == BAILOUT_RECOMPILE;
            given_up += advice == BAILOUT_GIVE_UP;
        }
        CHECK(bailout_is_given_up(&b, c) == (i == MOST_RETRIES));
    }
    CHECK(recompiled == MOST_RETRIES && b.recompilations == MOST_RETRIES);
    CHECK(given_up == 1 && b.given_up == 1);
    bailouts_fini(&b);
}

static void test_life(Runtime *rt, Function *f)
{
    JitStats s;
    jit_stats_init(&s, rt, FREQUENT);
    Chunk *chunk = f->chunk;
    f->chunk = NULL;
    CHECK_STR(chunk_life_name(chunk_life(&s, f)), "Cold");
    f->chunk = chunk;
    CHECK_STR(chunk_life_name(chunk_life(&s, f)), "Warming");
    f->executions = FREQUENT;
    CHECK_STR(chunk_life_name(chunk_life(&s, f)), "Hot");
    jit_note_compiled(&s, f, 1, 320, 1000);
    CHECK_STR(chunk_life_name(chunk_life(&s, f)), "Jitted");
    jit_note_dropped(&s, f, "evicted");
    CHECK_STR(chunk_life_name(chunk_life(&s, f)), "Hot");
    jit_note_failed(&s, f, 1, "too large");
    CHECK_STR(chunk_life_name(chunk_life(&s, f)), "Failed");
    CHECK(s.compilations == 1 && s.failures == 1 && s.code_bytes == 320);
    jit_stats_fini(&s);
}

int main(void)
{
    Runtime *rt = new_world();
    Functions fs = {0};
    CompileRefusal why;
    uint32_t name = word_sym_id(rt_sym(rt, "inc"));
    Function *f = functions_get(&fs, name, 1);
    Chunk *c = compile_function(rt, rt->top->scope, &fs, name, 1, NULL, &why);
    functions_adopt(&fs, f, c);
    CHECK(c->id == 1);
    test_reasons();
    test_kinds(rt);
    test_sites(c);
    test_same_site(rt, &fs, c);
    test_policy(c);
    test_giving_up(c);
    test_life(rt, f);
    functions_fini(&fs);
    rt_free(rt);
    return unit_end();
}
