/* Relays: which code is one, and what it gives. */
#include "assembled.h"

static void describe_parts(const Relay *r, uint32_t from, uint32_t n, Buf *out)
{
    static const char *const places[RELAY_PLACES] = {"local", "item", "word", "made"};
    for (uint32_t i = from; i < from + n; i++)
        buf_printf(out, " %s %u", places[r->parts[i].place], (unsigned)r->parts[i].index);
}

static void describe(const Relay *r, Buf *out)
{
    buf_printf(out, "%u: of %u", (unsigned)r->at, (unsigned)r->count);
    for (uint32_t i = 0; i < r->same_count; i++)
        buf_printf(out, ", item %u is local %u", (unsigned)r->same[i].item, (unsigned)r->same[i].local);
    buf_printf(out, "; gives local %u:", (unsigned)r->argument);
    describe_parts(r, 0, r->given, out);
    for (uint32_t i = 0, from = r->given; i < r->inner_count; from += r->inner[i++].count) {
        buf_puts(out, " (");
        describe_parts(r, from, r->inner[i].count, out);
        buf_puts(out, " )");
    }
}

/* The relays of code that has the items of its argument in locals 1 and 2, calls, up to 23, and goes on with REST. */
static void check(const char *rest, const char *want)
{
    static const char *const head = "=== f/1 ===\nlocals: 7, upvalues: 0, arity: 1\n\n"
                                    "match_functor 0 0 3 miss miss\nget_item 0 1 1\nget_item 0 2 2\n"
                                    "eval_local 0\ncall 0 1\n";
    static const char *const tail =
        "miss:\nfail\nconstants:\n0 P\n1 1\nfunctions:\n0 f 1\nslots:\n0 1 x\n1 2 y\n2 3 z\n"
        "templates:\n0 0 2 (P ($#0 $#1))\n1 0 2 (Q $#1 ($#0 A 1) 2 (B $#1))\n2 0 1 (P (A (B $#0)))\n"
        "3 0 1 ($#0 1)\n4 0 1 (P (A $#0) (B) (C))\n5 2 1 (P $#0)\n6 0 1 (P \"text\" $#0)\n7 0 1 (P (Empty "
        "$#0))\n";
    Buf text = {0}, got = {0};
    buf_puts(&text, head);
    buf_puts(&text, rest);
    buf_puts(&text, tail);
    Assembled a = assembled_new(buf_cstr(&text));
    chunk_find_relays(a.c);
    for (size_t i = 0; i < a.c->relays.len; i++) describe(&a.c->relays.data[i], &got);
    CHECK_STR(got.len ? buf_cstr(&got) : "none", want);
    chunk_expire(a.c);
    CHECK(a.c->relays.len == 0);
    assembled_free(&a);
    buf_free(&text);
    buf_free(&got);
}

#define FUNCTOR "match_functor 3 0 3 miss miss\n"
#define FIRST_SAME "get_item 3 1 4\nmatch_same 4 1 miss\n"

static void test_relays(void)
{
    check("store_local 3\n" FUNCTOR FIRST_SAME "return_argument 0 0\n",
          "23: of 3, item 1 is local 1; gives local 0: word 0 made 0 ( item 1 local 2 )");
    check("store_local 3\nany_type\n" FUNCTOR "return_argument 0 1\n",
          "23: of 3; gives local 0: word 0 local 2 made 0 word 3 made 1 ( local 1 word 6 word 7 ) ( word 8 "
          "local 2 )");
    check("store_local 3\n" FUNCTOR FIRST_SAME "get_item 3 2 5\nmatch_same 5 2 miss\nreturn_argument 0 0\n",
          "23: of 3, item 1 is local 1, item 2 is local 2; gives local 0: word 0 made 0 ( item 1 item 2 )");
}

static void test_what_is_none(void)
{
    /* More is done with the result. */
    check("store_local 3\n" FUNCTOR FIRST_SAME "get_item 3 2 5\nreturn_argument 0 0\n", "none");
    check("store_local 3\n" FUNCTOR FIRST_SAME "return_local 3\n", "none");
    check("pop\nmatch_functor 0 0 3 miss miss\nreturn_argument 0 0\n", "none");
    /* Something else is looked at, or what was written on the way. */
    check("store_local 3\n" FUNCTOR "get_item 0 1 4\nmatch_same 4 1 miss\nreturn_argument 0 0\n", "none");
    check("store_local 3\n" FUNCTOR "get_item 3 1 4\nmatch_same 4 3 miss\nreturn_argument 0 0\n", "none");
    check("store_local 3\n" FUNCTOR FIRST_SAME "return_argument 3 0\n", "none");
    check("store_local 3\n" FUNCTOR FIRST_SAME "return_argument 0 5\n", "none");
    check("store_local 3\nmatch_functor 3 1 3 miss miss\nreturn_argument 0 0\n", "none");
    /* What is given has another shape. */
    check("store_local 3\n" FUNCTOR FIRST_SAME "return_argument 0 2\n", "none");
    check("store_local 3\n" FUNCTOR FIRST_SAME "return_argument 0 3\n", "none");
    check("store_local 3\n" FUNCTOR FIRST_SAME "return_argument 0 4\n", "none");
    check("store_local 3\n" FUNCTOR FIRST_SAME "return_argument 0 6\n", "none");
    check("store_local 3\n" FUNCTOR FIRST_SAME "return_argument 0 7\n", "none");
}

/* Operands that look like the beginning of a relay, with a constant that there is none of. */
static void test_operands(void)
{
    static const char *const text =
        "=== f/128 ===\nlocals: 128, upvalues: 0, arity: 128\n\nload_local 49\neval_local 115\n"
        "eval_local 5\neval_local 6\nload_local 7\nload_local 8\nreturn\n";
    Assembled a = assembled_new(text);
    CHECK(a.c->code.data[1] == OP_STORE_LOCAL && a.c->code.data[3] == OP_MATCH_FUNCTOR);
    chunk_find_relays(a.c);
    CHECK(a.c->relays.len == 0);
    assembled_free(&a);
}

int main(void)
{
    test_operands();
    test_relays();
    test_what_is_none();
    return unit_end();
}
