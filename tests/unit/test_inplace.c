/* Which code a protected frame may run without a copy: what such code stores, where it ends, and what rules it out. */
#include "assembled.h"

#ifdef METTA_JIT
#include "jit1/inplace.h"

/* What P says, in words. */
static void describe(const InPlace *p, Buf *out)
{
    for (uint32_t i = 0; i < p->part_count; i++)
        buf_printf(out, "%s%u-%u", i ? " " : "", (unsigned)p->parts[i].start, (unsigned)p->parts[i].end);
    for (uint32_t i = 0; i < p->stored_count; i++) buf_printf(out, " stores %u", (unsigned)p->stored[i]);
    if (p->late) buf_puts(out, " late");
    if (p->copies) buf_puts(out, " copies");
}

/* Behind the instruction of TEXT that ends at IP, a call or a `try`. */
static void check(const char *text, uint32_t ip, bool tries, const char *want)
{
    Assembled a = assembled_new(text);
    InPlaceChunk known = {.c = a.c, .heights = a.heights};
    InPlace p;
    Buf got = {0};
    if (tries ? in_place_try(&known, ip, &p) : in_place_after(&known, ip, &p)) describe(&p, &got);
    CHECK_STR(got.len ? buf_cstr(&got) : "nothing", want);
    buf_free(&got);
    assembled_free(&a);
}

/* The call ends at 6. */
#define CALL "eval_local 0\ncall 0 1\n"
#define GIVE_P "push_const 0\nreturn\n"

static void test_results(void)
{
    /* The result becomes part of an expression. */
    check(CODE(2, CALL "store_local 1\nany_type\npush_const 0\neval_local 1\nmake_same 2\nreturn\n"), 6,
          false, "6-17 stores 1");
    /* It is taken apart: the code may leave behind the first store. */
    check(CODE(3,
               CALL "store_local 1\nany_type\nmatch_functor 1 0 2 miss miss\nget_item 1 1 2\npush_const 0\n"
                    "eval_local 2\nmake_same 2\nreturn\nmiss:\nfail\n"),
          6, false, "6-30 stores 1 stores 2 late");
    /* Both ways of a conditional end. */
    check(CODE(2, CALL "store_local 1\nload_local 1\nload_local 0\neq\ntail_branch_bool other 0\nfail\n"
                       "other:\n" GIVE_P),
          6, false, "6-19 19-23 stores 1");
    /* An operand of before becomes part of the result. */
    check(CODE(1, "push_const 0\neval_local 0\ncall 0 1\nmake_sexpr 2\nreturn\n"), 9, false, "9-12");
}

static void test_what_is_ruled_out(void)
{
    /* Another call follows, and nothing is saved. */
    check(CODE(2, CALL "store_local 1\nany_type\neval_local 1\ncall 0 1\nreturn\n"), 6, false, "nothing");
    /* What it stores late something else stores, too: it need not be empty. */
    check(CODE(2, "push_const 0\nstore_local 1\n" CALL "pop\npush_const 0\nstore_local 1\n" GIVE_P), 11,
          false, "nothing");
    /* Arguments stay. */
    check(CODE(1, CALL "store_local 0\n" GIVE_P), 6, false, "nothing");
    /* A local that it stores is the result. */
    check(CODE(2, CALL "store_local 1\nreturn_local 1\n"), 6, false, "nothing");
    /* An operand of before would be written over. */
    check(CODE(1, "push_const 0\neval_local 0\ncall 0 1\npop\npop\n" GIVE_P), 9, false, "nothing");
}

static void test_first_clauses(void)
{
    check(CODE(1, "try other\n" GIVE_P "other:\nfail\n"), 3, true, "3-7");
    /* Nothing may be stored: the call begins again for the alternative. */
    check(CODE(2, "try other\npush_const 0\nstore_local 1\n" GIVE_P "other:\nfail\n"), 3, true, "nothing");
    check(CODE(1, "try other\nany_type\n" GIVE_P "other:\nfail\n"), 3, true, "nothing");
}
#endif

int main(void)
{
#ifdef METTA_JIT
    test_results();
    test_what_is_ruled_out();
    test_first_clauses();
#endif
    return unit_end();
}
