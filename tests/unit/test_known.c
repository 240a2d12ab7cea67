/* Which locals are known to be small integers where, and what code takes that for granted. */
#include "assembled.h"

#ifdef METTA_JIT
#include "jit1/known.h"

/* Go through TEXT in straight lines, and describe it: "IP: what is known, the stencil" for each instruction with a set that is not empty. */
static void describe(const char *text, Buf *out)
{
    Assembled a = assembled_new(text);
    uint64_t *lacks = base_calloc(a.c->code.len + 1, sizeof *lacks);
    Known k = {.c = a.c, .heights = a.heights, .lacks = lacks};
    bool flows = true;
    for (uint32_t ip = 0; ip < a.c->code.len;) {
        const Fusion *fusion = op_fusion(a.c->code.data[ip]);
        uint32_t end = ip, id = stencil_of[a.c->code.data[ip]][0];
        uint8_t op = op_at(a.c, ip);
        for (unsigned i = 0; i < (fusion ? fusion->count : 1); i++) end += length_at(a.c, end);
        known_place(&k, ip, flows);
        uint64_t now = k.now, used = known_use(&k, ip, &id);
        CHECK(!(used & ~now));
        if (now) {
            buf_printf(out, "%s%u:", out->len ? ", " : "", (unsigned)ip);
            for (uint32_t i = 0; i < a.c->locals; i++)
                if (now & known_local(i)) buf_printf(out, " %u", (unsigned)i);
            for (uint32_t i = 0; i < 2; i++)
                if (now & known_operand(i)) buf_printf(out, " +%u", (unsigned)i);
            if (used) buf_printf(out, " %s", stencils[id - 1].name);
        }
        known_pass(&k, ip, end, id, op == OP_CALL);
        flows = !(op_info(op)->flags & OPF_END);
        ip = end;
    }
    base_free(lacks);
    assembled_free(&a);
}

static void check(const char *text, const char *want)
{
    Buf got = {0};
    describe(text, &got);
    CHECK_STR(got.len ? buf_cstr(&got) : "nothing", want);
    buf_free(&got);
}

#define IF_ZERO "if_eq_small 0\npush_long_small 0\neq\ntail_branch_bool other 0\n"
#define MINUS_ONE(local) "sub_small " #local "\npush_long_small 1\nsub\n"

static void test_what_is_known(void)
{
    check(CODE(1, "load_local 0\nreturn\n"), "nothing");
    /* A comparison shows it to both its ways. */
    check(CODE(1, IF_ZERO MINUS_ONE(0) "return\nother:\n" MINUS_ONE(0) "return\n"),
          "11: 0 op_SUB_SMALL_0_known1, 17: 0 +0, 18: 0 op_SUB_SMALL_0_known1, 24: 0 +0");
    /* What is stored is known as what it is. */
    check(CODE(2, IF_ZERO MINUS_ONE(0) "store_local 1\nload_local 1\nstore_local 0\nother:\nfail\n"),
          "11: 0 op_SUB_SMALL_0_known1, 17: 0 +0, 19: 0 1, 21: 0 1 +0, 23: 0");
    /* One operand that is known makes the other known. */
    check(CODE(2, "push_const 0\nstore_local 1\n" IF_ZERO
                  "add_locals 1\nload_local 0\nadd\nstore_local 1\nfail\nother:\nfail\n"),
          "16: 0 op_ADD_LOCALS_0_known2, 21: 0 1 +0, 23: 0 1, 24: 0");
}

static void test_what_is_forgotten(void)
{
    /* A call leaves the locals alone; what else C is called for may come back by another way. */
    check(CODE(1, IF_ZERO "load_local 0\ncall 0 1\nreturn\nother:\npush_template 0\nreturn\n"),
          "11: 0, 13: 0 +0, 17: 0, 18: 0");
    /* Not all that jump there know. */
    check(CODE(1, "match_length 0 3 other other\n" IF_ZERO "fail\nother:\nload_local 0\nreturn\n"), "18: 0");
    /* Alternatives come in by a table. */
    check(CODE(1, IF_ZERO "try second\nfail\nsecond:\nfail\nother:\nfail\n"), "11: 0, 14: 0, 16: 0");
}
#endif

int main(void)
{
#ifdef METTA_JIT
    test_what_is_known();
    test_what_is_forgotten();
#endif
    return unit_end();
}
