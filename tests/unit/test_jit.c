/* Exits: the table of reasons, sites and their sums, when to compile again. */
#include "builtin/builtin.h"
#include "code/compile.h"
#include "interp/interp.h"
#include "jit/stats.h"
#include "unit.h"

enum { FREQUENT = 100 };

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

/* Count an exit. */
static void leave(Bailouts *b, const Chunk *c, uint32_t ip, BailoutReason reason, Word found)
{
    bailout_count(b, bailout_site(b, c, ip, reason, 0), found);
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

/* N times the guess at IP is wrong, of which code takes its longer way (or is left: EXITS); there is one call for each.  The last verdict. */
static GuessVerdict be_wrong(Chunk *c, uint32_t ip, unsigned n, bool exits, Guess *dropped)
{
    Guesses *g = guesses_of(c);
    GuessVerdict verdict = GUESS_GO_ON;
    for (unsigned i = 0; i < n; i++)
        if (guess_count(exits ? &g->sites[ip].left : &g->sites[ip].wrong))
            verdict = guess_judge(g, ip, g->since + i + 1, false, dropped);
    return verdict;
}

static void forget_guesses(Chunk *c)
{
    base_free(c->guesses);
    c->guesses = NULL;
}

static void test_guesses(Chunk *c)
{
    GuessSite *s = guesses_of(c)->sites;
    Guess dropped;
    uint32_t second = next_ip(c, 0);
    s[0].made = GUESS_FUSED | GUESS_SMALL | GUESS_NO_FLOATS;
    s[second].made = GUESS_FUSED;
    CHECK(be_wrong(c, 0, GUESS_FREQUENT - 1, false, &dropped) == GUESS_GO_ON);
    be_wrong(c, second, GUESS_FREQUENT / 2, true, &dropped);
    CHECK(be_wrong(c, 0, 1, false, &dropped) == GUESS_RETRY && dropped == GUESS_SMALL);
    /* What was on its way to the limit was dropped, too. */
    CHECK(s[0].dropped == GUESS_SMALL && s[second].dropped == GUESS_FUSED && s[0].wrong == 0);
    /* Floats come where integers were: other code for them again, but no exit is avoided. */
    s[0].made = GUESS_NO_FLOATS;
    s[0].wrong = GUESS_FREQUENT;
    CHECK(guess_judge(c->guesses, 0, c->guesses->since, true, &dropped) == GUESS_RETRY);
    CHECK(dropped == GUESS_NO_FLOATS);
    CHECK(be_wrong(c, 0, GUESS_FREQUENT, true, &dropped) == GUESS_GIVE_UP && !dropped);
    CHECK(be_wrong(c, 0, 3 * GUESS_FREQUENT, true, &dropped) == GUESS_GO_ON);
    forget_guesses(c);
}

/* What is no guess of code is left alone, and so is what is wrong seldom. */
static void test_no_matter(Chunk *c)
{
    Guesses *g = guesses_of(c);
    Guess dropped;
    CHECK(be_wrong(c, 0, GUESS_FREQUENT, true, &dropped) == GUESS_GO_ON);
    g->sites[0] = (GuessSite){.made = GUESS_SMALL, .wrong = GUESS_FREQUENT};
    CHECK(guess_judge(g, 0, GUESS_FREQUENT * GUESS_SELDOM + 1, false, &dropped) == GUESS_GO_ON);
    CHECK(g->sites[0].wrong == 0 && !g->sites[0].dropped);
    forget_guesses(c);
}

/* Ever new wrong guesses in one chunk: it is given up in the end. */
static void test_giving_up(Chunk *c)
{
    Guesses *g = guesses_of(c);
    Guess dropped;
    uint32_t ip = 0;
    for (unsigned i = 0; i <= GUESS_RETRIES; i++, ip = next_ip(c, ip)) {
        g->sites[ip].made = GUESS_SMALL;
        CHECK(be_wrong(c, ip, GUESS_FREQUENT, false, &dropped) ==
              (i == GUESS_RETRIES ? GUESS_GIVE_UP : GUESS_RETRY));
    }
    CHECK(g->retries == GUESS_RETRIES && !(g->sites[ip].dropped));
    forget_guesses(c);
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
    test_guesses(c);
    test_no_matter(c);
    test_giving_up(c);
    test_life(rt, f);
    functions_fini(&fs);
    rt_free(rt);
    return unit_end();
}
