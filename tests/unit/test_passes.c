/* Passes: code made by hand goes in, the listing of what comes out is compared. */
#include "builtin/builtin.h"
#include "code/function.h"
#include "code/passes.h"
#include "interp/interp.h"
#include "unit.h"

/* Constants that the tests push. */
enum { K_TRUE, K_FALSE, K_LARGE, K_FLOAT, K_A, K_B, K_TEXT, CONSTANTS };

typedef struct Bench {
    Runtime *rt;
    Chunk *chunk;
    Code code;
} Bench;

static Bench bench_new(void)
{
    Bench b = {.rt = rt_new(builtin_table, BI_COUNT, &interp_engine), .chunk = base_calloc(1, sizeof(Chunk))};
    const Word constants[CONSTANTS] = {
        [K_TRUE] = WORD_TRUE,
        [K_FALSE] = WORD_FALSE,
        [K_LARGE] = word_int48(INT48_MAX),
        [K_FLOAT] = word_double(1.5),
        [K_A] = rt_sym(b.rt, "A"),
        [K_B] = rt_sym(b.rt, "B"),
        [K_TEXT] = atom_str(&b.rt->heap, "text", 4),
    };
    const Template unit = {WORD_UNIT, 0, 0};
    for (size_t i = 0; i < CONSTANTS; i++) vec_push(&b.chunk->constants, constants[i]);
    vec_push(&b.chunk->templates, unit);
    b.chunk->locals = 4;
    return b;
}

static void put(Bench *b, Op op, uint32_t x, uint32_t y, uint32_t z)
{
    code_emit(&b->code, op, x, y, z, 0, 0);
}
#define PUT0(b, op) put(b, op, 0, 0, 0)
#define PUT1(b, op, x) put(b, op, x, 0, 0)
#define PUT2(b, op, x, y) put(b, op, x, y, 0)
#define PUT3(b, op, x, y, z) put(b, op, x, y, z)

static uint32_t label(Bench *b)
{
    return code_new_label(&b->code);
}

static void place(Bench *b, uint32_t l)
{
    code_place_label(&b->code, l);
}

/* An expression begins here; returns the label of its end. */
static uint32_t begin(Bench *b, bool tail)
{
    CodeExpression e = {label(b), label(b), 0, 0, tail};
    place(b, e.at);
    if (tail) place(b, e.end);
    vec_push(&b->code.expressions, e);
    return e.end;
}

/* The listing without lines, opcodes and operands set apart by one space, comments left out. */
static void plain_listing(const Bench *b, Buf *out)
{
    Buf text = {0};
    code_print(&b->rt->names, &b->code, b->chunk, &text);
    for (const char *p = buf_cstr(&text); *p; p = strchr(p, '\n') + 1) {
        if (*p == ' ') p += 8;
        for (; *p && *p != '\n' && *p != ';'; p++)
            if (*p != ' ' || (p[1] != ' ' && p[1] != ';' && p[1] != '\n')) buf_putc(out, *p);
        buf_putc(out, '\n');
        if (*p == ';') p = strchr(p, '\n');
    }
    buf_free(&text);
}

/* Run PASS, compare, and clean up. */
static void check_pass(Bench *b, PassId pass, const char *want)
{
    static void (*const runs[])(Code *, Chunk *) = {
#define PASS(id, name, doc) pass_##id,
#include "code/passes.inc"
#undef PASS
    };
    Buf got = {0};
    CHECK(code_is_sound(&b->code, b->chunk));
    runs[pass](&b->code, b->chunk);
    CHECK(code_is_sound(&b->code, b->chunk));
    plain_listing(b, &got);
    CHECK_STR(buf_cstr(&got), want);
    buf_free(&got);
    code_free(&b->code);
    chunk_free(b->chunk);
    rt_free(b->rt);
}

static void test_names(void)
{
    for (unsigned i = 0; i < PASS_COUNT; i++)
        CHECK(pass_find(pass_name((PassId)i), strlen(pass_name((PassId)i))) == i);
    CHECK(pass_find("none", 4) == PASS_COUNT && pass_find("", 0) == PASS_COUNT);
}

/* -- fold -- */

/* X OP Y, where an operand is a small integer or, negative, a constant. */
static void check_operation(int x, Op op, int y, const char *want)
{
    Bench b = bench_new();
    PUT1(&b, x < 0 ? OP_PUSH_CONST : OP_PUSH_LONG_SMALL, (uint32_t)(x < 0 ? -x - 1 : x));
    PUT1(&b, y < 0 ? OP_PUSH_CONST : OP_PUSH_LONG_SMALL, (uint32_t)(y < 0 ? -y - 1 : y));
    PUT0(&b, op);
    PUT0(&b, OP_RETURN);
    Buf text = {0};
    buf_printf(&text, "%s\nreturn\n", want);
    check_pass(&b, PASS_fold, buf_cstr(&text));
    buf_free(&text);
}
#define CONST(k) (-(k) - 1)

static void test_operations(void)
{
    check_operation(2, OP_ADD, 3, "push_long_small 5");
    check_operation(2, OP_SUB, 3, "push_long_small -1");
    check_operation(300, OP_MUL, 300, "push_const 7");
    check_operation(2, OP_LT, 3, "push_const 0");
    check_operation(2, OP_LE, 3, "push_const 0");
    check_operation(2, OP_GT, 3, "push_const 1");
    check_operation(2, OP_GE, 3, "push_const 1");
    check_operation(2, OP_EQ, 2, "push_const 0");
    check_operation(CONST(K_FLOAT), OP_MUL, 2, "push_const 7");
    check_operation(CONST(K_FLOAT), OP_LT, CONST(K_FLOAT), "push_const 1");
    check_operation(CONST(K_A), OP_EQ, CONST(K_B), "push_const 1");
    check_operation(CONST(K_A), OP_EQ, CONST(K_A), "push_const 0");
    /* For tier 0 to say: 49 bits, an integer and a float compared, no numbers. */
    check_operation(CONST(K_LARGE), OP_ADD, 1, "push_const 2\npush_long_small 1\nadd");
    check_operation(CONST(K_LARGE), OP_MUL, CONST(K_LARGE), "push_const 2\npush_const 2\nmul");
    check_operation(1, OP_LT, CONST(K_FLOAT), "push_long_small 1\npush_const 3\nlt");
    check_operation(CONST(K_A), OP_ADD, 1, "push_const 4\npush_long_small 1\nadd");
    check_operation(CONST(K_TEXT), OP_EQ, CONST(K_TEXT), "push_const 6\npush_const 6\neq");
}

/* (- (+ 1 2) (+ 3 4)), each an expression: one push remains, which is where the whole begins. */
static void test_nested_operations(void)
{
    Bench b = bench_new();
    uint32_t whole = begin(&b, false), left = begin(&b, false);
    PUT1(&b, OP_PUSH_LONG_SMALL, 1);
    PUT1(&b, OP_PUSH_LONG_SMALL, 2);
    PUT0(&b, OP_ADD);
    place(&b, left);
    uint32_t right = begin(&b, false);
    PUT1(&b, OP_PUSH_LONG_SMALL, 3);
    PUT1(&b, OP_PUSH_LONG_SMALL, 4);
    PUT0(&b, OP_ADD);
    place(&b, right);
    PUT0(&b, OP_SUB);
    place(&b, whole);
    PUT0(&b, OP_RETURN);
    pass_fold(&b.code, b.chunk);
    CHECK(b.code.expressions.len == 1);
    CHECK(b.code.expressions.len == 1 && b.code.labels.data[b.code.expressions.data[0].at] == 0 &&
          b.code.labels.data[b.code.expressions.data[0].end] == 1);
    check_pass(&b, PASS_fold, "push_long_small -4\nreturn\n");
}

/* Nothing is folded where control may come in between. */
static void test_fold_barrier(void)
{
    Bench b = bench_new();
    uint32_t in = label(&b);
    PUT1(&b, OP_PUSH_LONG_SMALL, 1);
    PUT2(&b, OP_GUARD_NUMBER, 0, in);
    place(&b, in);
    PUT1(&b, OP_PUSH_LONG_SMALL, 2);
    PUT0(&b, OP_ADD);
    PUT0(&b, OP_RETURN);
    check_pass(&b, PASS_fold, "push_long_small 1\nguard_number 0 L0\nL0:\npush_long_small 2\nadd\nreturn\n");
}

static void test_branches(void)
{
    static const char *const want[] = {
        "nop\npush_long_small 1\nreturn\npush_long_small 2\nreturn\n",
        "jump L2\npush_long_small 1\nreturn\nL2:\npush_long_small 2\nreturn\n",
        "push_const 4\ntail_branch_bool L2 0\npush_long_small 1\nreturn\nL2:\npush_long_small 2\nreturn\n",
    };
    static const uint32_t conditions[] = {K_TRUE, K_FALSE, K_A};
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        Bench b = bench_new();
        begin(&b, true);
        uint32_t otherwise = label(&b);
        PUT1(&b, OP_PUSH_CONST, conditions[i]);
        PUT2(&b, OP_TAIL_BRANCH_BOOL, otherwise, 0);
        PUT1(&b, OP_PUSH_LONG_SMALL, 1);
        PUT0(&b, OP_RETURN);
        place(&b, otherwise);
        PUT1(&b, OP_PUSH_LONG_SMALL, 2);
        PUT0(&b, OP_RETURN);
        check_pass(&b, PASS_fold, want[i]);
    }
}

/* A condition that is an expression of its own is decided only if one around it begins there, too. */
static void test_condition(void)
{
    for (int around = 0; around < 2; around++) {
        Bench b = bench_new();
        uint32_t otherwise = label(&b);
        if (around) begin(&b, true);
        uint32_t condition = begin(&b, false);
        PUT1(&b, OP_PUSH_CONST, K_FALSE);
        place(&b, condition);
        PUT2(&b, OP_TAIL_BRANCH_BOOL, otherwise, 0);
        place(&b, otherwise);
        PUT0(&b, OP_STUCK);
        check_pass(&b, PASS_fold,
                   around ? "jump L0\nL0:\nstuck\n" : "push_const 1\ntail_branch_bool L0 0\nL0:\nstuck\n");
    }
}

/* -- cold -- */

static void test_cold(void)
{
    for (int accepts = 0; accepts < 2; accepts++) {
        Bench b = bench_new();
        uint32_t otherwise = label(&b), end = label(&b);
        PUT2(&b, OP_GUARD_NUMBER, 0, otherwise);
        PUT1(&b, OP_LOAD_LOCAL, 0);
        PUT1(&b, OP_JUMP, end);
        place(&b, otherwise);
        PUT2(&b, OP_EVAL, 0, 0);
        place(&b, end);
        PUT0(&b, accepts ? OP_ACCEPT : OP_RETURN);
        if (accepts) PUT0(&b, OP_RETURN);
        check_pass(&b, PASS_cold,
                   accepts ? "guard_number 0 L0\nload_local 0\njump L1\nL0:\neval 0 0\nL1:\naccept\nreturn\n"
                           : "guard_number 0 L0\nload_local 0\nL1:\nreturn\nL0:\neval 0 0\njump L1\n");
    }
}

/* -- thread -- */

static void test_thread(void)
{
    Bench b = bench_new();
    uint32_t one = label(&b), two = label(&b), stuck = label(&b), loop = label(&b);
    const SwitchCase only = {WORD_TRUE, 0, one};
    uint32_t table = chunk_add_switch(b.chunk, &only, 1);
    code_emit(&b.code, OP_SWITCH, 0, table, one, two, 0);
    place(&b, one);
    PUT1(&b, OP_JUMP, two);
    place(&b, two);
    PUT1(&b, OP_JUMP, loop);
    place(&b, loop);
    PUT1(&b, OP_LOAD_LOCAL, 0);
    PUT1(&b, OP_TRY, stuck);
    PUT1(&b, OP_JUMP, stuck);
    place(&b, stuck);
    PUT0(&b, OP_STUCK);
    pass_thread(&b.code, b.chunk);
    CHECK(b.chunk->cases.data[0].target == loop);
    check_pass(&b, PASS_thread,
               "switch 0 0 L3 L3\njump L3\njump L3\nL3:\nload_local 0\ntry L2\nstuck\nL2:\nstuck\n");
}

/* Expressions that begin on the way keep their place, as do endless loops. */
static void test_thread_stops(void)
{
    Bench b = bench_new();
    uint32_t first = label(&b), last = label(&b), loop = label(&b);
    PUT2(&b, OP_GUARD_NUMBER, 0, first);
    PUT2(&b, OP_GUARD_NUMBER, 0, loop);
    PUT1(&b, OP_JUMP, last);
    place(&b, first);
    begin(&b, true);
    PUT1(&b, OP_JUMP, last);
    place(&b, last);
    begin(&b, true);
    PUT0(&b, OP_STUCK);
    place(&b, loop);
    PUT1(&b, OP_JUMP, loop);
    check_pass(&b, PASS_thread,
               "guard_number 0 L0\nguard_number 0 L2\njump L1\nL0:\njump L1\nL1:\nstuck\nL2:\njump L2\n");
}

/* -- dead -- */

static void test_dead(void)
{
    Bench b = bench_new();
    uint32_t end = label(&b), far = label(&b);
    PUT2(&b, OP_GUARD_NUMBER, 0, far);
    PUT0(&b, OP_NOP);
    PUT1(&b, OP_JUMP, end);
    begin(&b, true);
    PUT0(&b, OP_NOT_REDUCIBLE);
    place(&b, end);
    PUT1(&b, OP_LOAD_LOCAL, 0);
    PUT0(&b, OP_RETURN);
    place(&b, far);
    PUT0(&b, OP_FAIL);
    PUT0(&b, OP_STUCK);
    pass_dead(&b.code, b.chunk);
    CHECK(b.code.expressions.len == 0);
    check_pass(&b, PASS_dead, "guard_number 0 L1\nload_local 0\nreturn\nL1:\nfail\n");
}

/* A switch that is gone takes what its cases lead to with it; one that is there does not. */
static void test_dead_switch(void)
{
    for (int there = 0; there < 2; there++) {
        Bench b = bench_new();
        uint32_t target = label(&b);
        const SwitchCase only = {WORD_TRUE, 0, target};
        uint32_t table = chunk_add_switch(b.chunk, &only, 1), miss = label(&b);
        if (!there) PUT0(&b, OP_STUCK);
        code_emit(&b.code, OP_SWITCH, 0, table, miss, miss, 0);
        place(&b, target);
        PUT0(&b, OP_NOT_REDUCIBLE);
        place(&b, miss);
        PUT0(&b, OP_FAIL);
        check_pass(&b, PASS_dead, there ? "switch 0 0 L1 L1\nL0:\nnot_reducible\nL1:\nfail\n" : "stuck\n");
    }
}

/* In a stale chunk control goes from the beginning of an expression to its end, whatever is between. */
static void test_dead_expression(void)
{
    Bench b = bench_new();
    uint32_t end = begin(&b, false);
    PUT0(&b, OP_FAIL);
    PUT0(&b, OP_NOT_REDUCIBLE);
    place(&b, end);
    PUT0(&b, OP_RETURN);
    check_pass(&b, PASS_dead, "fail\nreturn\n");
}

/* -- fuse -- */

static void put_sum(Bench *b)
{
    PUT1(b, OP_LOAD_LOCAL, 1);
    PUT1(b, OP_PUSH_LONG_SMALL, 5);
    PUT0(b, OP_ADD);
}

static void test_fuse(void)
{
    Bench b = bench_new();
    uint32_t otherwise = label(&b);
    PUT2(&b, OP_GUARD_NUMBER, 1, otherwise);
    PUT1(&b, OP_LOAD_LOCAL, 1);
    PUT1(&b, OP_PUSH_LONG_SMALL, 5);
    PUT0(&b, OP_LT);
    PUT2(&b, OP_TAIL_BRANCH_BOOL, otherwise, 0);
    put_sum(&b);
    PUT0(&b, OP_RETURN);
    place(&b, otherwise);
    PUT0(&b, OP_STUCK);
    check_pass(&b, PASS_fuse,
               "guard_if_lt_small 1 L0\nload_local 1\npush_long_small 5\nlt\ntail_branch_bool L0 0\n"
               "add_small 1\npush_long_small 5\nadd\nreturn\nL0:\nstuck\n");
}

/* Where a jump leads into a fusion another one begins; what begins later is preferred if it is longer. */
static void test_fuse_overlap(void)
{
    Bench b = bench_new();
    uint32_t in = label(&b), sum = label(&b);
    PUT1(&b, OP_TRY, in);
    PUT2(&b, OP_GUARD_NUMBER, 2, in);
    PUT2(&b, OP_GUARD_NUMBER, 2, in);
    place(&b, in);
    PUT1(&b, OP_EVAL_LOCAL, 0);
    place(&b, sum);
    PUT1(&b, OP_EVAL_LOCAL, 0);
    PUT1(&b, OP_EVAL_LOCAL, 0);
    PUT2(&b, OP_GUARD_NUMBER, 0, sum);
    PUT1(&b, OP_LOAD_LOCAL, 0);
    put_sum(&b);
    PUT0(&b, OP_RETURN);
    check_pass(&b, PASS_fuse,
               "try L0\nguard_numbers 2 L0\nguard_number 2 L0\nL0:\neval_locals 0\nL1:\neval_locals "
               "0\neval_local 0\n"
               "guard_number 0 L1\nload_local 0\nadd_small 1\npush_long_small 5\nadd\nreturn\n");
}

/* Different locals, and an expression that is taken apart in its own local. */
static void test_fuse_not(void)
{
    Bench b = bench_new();
    PUT3(&b, OP_GET_ITEM, 0, 1, 0);
    PUT3(&b, OP_GET_ITEM, 0, 1, 2);
    PUT3(&b, OP_GET_ITEM, 1, 1, 2);
    PUT3(&b, OP_GET_ITEM, 2, 1, 3);
    PUT3(&b, OP_GET_ITEM, 2, 2, 1);
    PUT0(&b, OP_STUCK);
    check_pass(&b, PASS_fuse,
               "get_item 0 1 0\nget_item 0 1 2\nget_item 1 1 2\nget_items 2 1 3\nget_item 2 2 1\nstuck\n");
}

/* Each row of the table, laid out as it is, becomes its opcode. */
static void test_fusions(void)
{
    size_t count;
    const Fusion *fusions = op_fusions(&count);
    for (size_t i = 0; i < count; i++) {
        Bench b = bench_new();
        uint32_t end = label(&b);
        for (unsigned k = 0; k < fusions[i].count; k++) {
            const char *letters = op_info(fusions[i].parts[k])->operands;
            uint32_t operand[3] = {0, 1, 2};
            for (unsigned n = 0; n < 3 && letters[n]; n++)
                if (letters[n] != 's' && letters[n] != 'n' && letters[n] != 'i') operand[n] = 0;
            if (fusions[i].locals == FUSE_BOTH && k == 2) operand[0] = 1;
            if (fusions[i].locals == FUSE_THREE && k == 3) operand[0] = 3;
            put(&b, (Op)fusions[i].parts[k], operand[0], operand[1], operand[2]);
        }
        place(&b, end);
        PUT0(&b, OP_STUCK);
        pass_fuse(&b.code, b.chunk);
        CHECK_MSG(b.code.instrs.data[0].op == fusions[i].op, "%s", op_info(fusions[i].op)->mnemonic);
        code_free(&b.code);
        chunk_free(b.chunk);
        rt_free(b.rt);
    }
}

int main(void)
{
    test_names();
    test_operations();
    test_nested_operations();
    test_fold_barrier();
    test_branches();
    test_condition();
    test_cold();
    test_thread();
    test_thread_stops();
    test_dead();
    test_dead_switch();
    test_dead_expression();
    test_fuse();
    test_fuse_overlap();
    test_fuse_not();
    test_fusions();
    return unit_end();
}
