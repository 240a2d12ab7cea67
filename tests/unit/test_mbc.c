/* Compiled programs: what they print is what their sources print; whatever their bytes are, they are refused or run without harm.
 *
 *     test_mbc [MUTATIONS [SEED]]    so many damaged files, with the seed that an earlier run printed: the same ones again */
#include "base/file.h"
#include "builtin/builtin.h"
#include "code/mbc.h"
#include "interp/interp.h"
#include "unit.h"
#include "vm/vm.h"

#include <ctype.h>
#include <ftw.h>
#include <stdlib.h>
#include <time.h>

static const char version[] = "test 1";

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLOW 1
#endif
#endif
#ifndef SLOW
#define SLOW 0
#endif
enum { EVERY = SLOW ? 12 : 1, MUTATIONS = 20000 };

/* -- Running -- */

static void write_output(void *context, const char *text, size_t len)
{
    buf_put(context, text, len);
}

/* A runtime, perhaps with tier 1, that prints to OUT. */
static Runtime *start(bool compiled, Buf *out)
{
    Runtime *rt = rt_new(builtin_table, BI_COUNT, &interp_engine);
    rt->write = write_output;
    rt->write_context = out;
    rt->settings.timeout_ns = 0;
    if (!compiled) return rt;
    rt->upper = vm_new(rt, rt->top->scope, 0, 100);
    rt->upper_tier = &vm_tier;
    rt->changed = vm_tier.changed;
    return rt;
}

static void finish(Runtime *rt)
{
    Vm *vm = rt->upper;
    rt_free(rt);
    vm_free(vm);
}

typedef struct Run {
    Runtime *rt;
    Buf *out;
} Run;

static bool print_results(void *context, const QueryResults *r, const Span *span)
{
    Run *run = context;
    buf_printf(run->out, "%u:%u: ", (unsigned)span->line, (unsigned)span->column);
    for (size_t i = 0; i < r->atoms.len; i++) {
        rt_print(run->rt, r->atoms.data[i], run->out);
        buf_putc(run->out, ' ');
    }
    buf_putc(run->out, '\n');
    return true;
}

static void set_limits(Runtime *rt, uint64_t ms)
{
    rt->settings.max_memory = (size_t)256 << 20;
    rt->limits.deadline_ns = base_now_ns() + ms * 1000000;
}

/* What TEXT prints in file PATH. */
static void run_text(const char *path, const char *text, size_t len, bool compiled, Buf *out)
{
    Runtime *rt = start(compiled, out);
    Run run = {rt, out};
    RunEvents events = {&run, print_results, NULL};
    rt->top->dir = file_folder(path);
    set_limits(rt, 20000);
    buf_printf(out, "status %d\n", (int)interp_run(rt, rt->top, text, len, path, &events));
    finish(rt);
}

static ReadStatus next_form(void *program, Word *form, Span *span)
{
    return mbc_next(program, form, span);
}

static const Span *form_spans(void *program, size_t *count)
{
    return mbc_spans(program, count);
}

static unsigned taken;

static void count_taken(const Vm *vm)
{
    if (vm) taken += (unsigned)(vm->entered > 0 && vm->compilations == 0);
}

/* What the compiled program FILE prints; false when it is refused. */
static bool run_compiled(const char *path, const Buf *file, bool compiled, uint64_t ms, Buf *out, Buf *error)
{
    Runtime *rt = start(compiled, out);
    Vm *vm = rt->upper;
    Run run = {rt, out};
    RunEvents events = {&run, print_results, NULL};
    rt->top->dir = file_folder(path);
    Mbc *program = mbc_open(rt, file->data, file->len, rt->top->dir, version, error);
    if (program) {
        FormSource source = {program, next_form, form_spans};
        if (vm) vec_push(&vm->programs, program);
        set_limits(rt, ms);
        buf_printf(out, "status %d\n", (int)interp_run_forms(rt, rt->top, &source, &events));
        count_taken(vm);
    }
    finish(rt);
    mbc_close(program);
    return program != NULL;
}

static bool compile(const char *path, const char *text, size_t len, Buf *out)
{
    Runtime *rt = rt_new(builtin_table, BI_COUNT, &interp_engine);
    Reader *reader = reader_new(&rt->heap, rt->symbols, NULL, text, len, UINT32_MAX);
    bool ok = mbc_compile(rt, reader, text, len, path, version, out);
    reader_free(reader);
    rt_free(rt);
    return ok;
}

/* -- Same results -- */

/* The numbers of variables are no part of what a program means (compiling makes some, too), nor are addresses. */
static void forget_numbers(Buf *text)
{
    size_t kept = 0;
    for (size_t i = 0; i < text->len; i++) {
        text->data[kept++] = text->data[i];
        bool address = text->data[i] == 'x' && i > 0 && text->data[i - 1] == '0';
        if (text->data[i] != '#' && !address) continue;
        while (i + 1 < text->len && isxdigit((unsigned char)text->data[i + 1])) i++;
    }
    text->len = kept;
}

/* Does a program print what no second run would: addresses, times, random numbers? */
static bool is_steady(const char *path, const char *text, size_t len, bool compiled, const Buf *first)
{
    Buf again = {0};
    run_text(path, text, len, compiled, &again);
    forget_numbers(&again);
    bool same = again.len == first->len && memcmp(again.data, first->data, again.len) == 0;
    buf_free(&again);
    return same;
}

static unsigned programs, unsteady;

static void check_same(const char *path, const char *text, size_t len, const Buf *file, bool compiled)
{
    Buf want = {0}, got = {0}, error = {0};
    run_text(path, text, len, compiled, &want);
    bool ok = run_compiled(path, file, compiled, 20000, &got, &error);
    CHECK_MSG(ok, "%s: %s", path, buf_cstr(&error));
    forget_numbers(&want);
    forget_numbers(&got);
    if (strcmp(buf_cstr(&got), buf_cstr(&want)) != 0) {
        bool steady = is_steady(path, text, len, compiled, &want);
        unsteady += !steady;
        CHECK_MSG(!steady, "%s, tier %d:\ngot  %s\nwant %s", path, compiled, buf_cstr(&got), buf_cstr(&want));
    } else {
        CHECK(true);
    }
    buf_free(&want);
    buf_free(&got);
    buf_free(&error);
}

/* Under sanitizers only some of the files. */
static int check_file(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    static unsigned seen;
    const char *dot = strrchr(path, '.');
    FileText text;
    Buf file = {0};
    (void)st;
    (void)ftw;
    if (kind != FTW_F || !dot || strcmp(dot, ".metta") != 0 || seen++ % EVERY) return 0;
    if (strstr(path, "/limit/") || !file_read(path, &text)) return 0;
    if (compile(path, text.data ? text.data : "", text.len, &file)) {
        programs++;
        check_same(path, text.data ? text.data : "", text.len, &file, false);
        check_same(path, text.data ? text.data : "", text.len, &file, true);
    }
    file_free(&text);
    buf_free(&file);
    return 0;
}

static void test_same(void)
{
    nftw("tests/golden", check_file, 16, FTW_PHYS);
    nftw("examples", check_file, 16, FTW_PHYS);
    printf("%u programs, %u of their runs unsteady, %u ran without compiling anything\n", programs, unsteady,
           taken);
    CHECK_MSG(programs > (SLOW ? 20 : 300), "%u", programs);
    CHECK_MSG(unsteady * 10 < programs, "%u of %u", unsteady, programs);
    CHECK_MSG(taken * 4 > programs, "%u of %u", taken, programs);
}

/* -- Damaged files -- */

static const char *const bases[] = {
    "(= (fib $n) (if (< $n 2) $n (+ (fib (- $n 1)) (fib (- $n 2)))))\n!(fib 9)",
    "(= (len Nil) 0)\n(= (len (Cons $h $t)) (+ 1 (len $t)))\n!(len (Cons 1 (Cons \"two\" (Cons 3.5 "
    "Nil))))\n!(len (Cons $x Nil))",
    "(= (f A 0) 1)\n(= (f (B $x (C $y 1)) $z) (f $x $z))\n(= (f True ()) 99999999999999999999)\n"
    "!(f (B A (C 2 1)) 0)\n!(f True ())\n!(f (B A $v) 0)",
    "(= (k A) 1) (= (k B) 2) (= (k C) 3) (= (k D) 4) (= (k E) 5) (= (k F) 6) (= (k G) 7) (= (k (H $x)) $x)\n"
    "!(k (superpose (A D G (H 8) z)))",
    "(: g (-> Atom Bool Number))\n(= (g $a True) (size-atom $a))\n(= (g $a False) (g (cdr-atom $a) (not "
    "False)))\n"
    "!(g (a b c) False)\n!(g 5 1)",
    "(fact 1 one) (fact 2 two)\n(= (h $x) (Pair (match &self (fact $x $y) (Got $y)) (unify $x (A $z) $z "
    "(switch $x "
    "((1 2) ($w 3))))))\n!(h 1)\n!(h (A b))\n!(h $free)",
    "(= (c $x) (+ 1 (case (d $x) (((Pair $a $b) $a) (Empty 7) ($other 9)))))\n(= (d 1) (Pair 1 2))\n(= (d 2) "
    "Empty)\n"
    "!(c (superpose (1 2 3)))",
    "(= (l $x) (let (Pair $a (Pair $b $b)) (m $x) (let* (($c (m $a)) ((Some $d) $c)) ($d $c))))\n(= (m $x) "
    "$x)\n"
    "!(l (Pair (Some 1) (Pair 2 2)))\n!(collapse (l $x))",
    "(= (ap $g $x) (if (> $x 2) end (Cons ($g $x) (ap $g ($g (superpose ($x 2)))))))\n(= (inc $x) (+ $x "
    "1))\n!(ap inc 1)",
    "(= (n $x) (function (chain (eval (o $x)) $r (return $r))))\n(= (o $x) (if (> $x 1) 'c' \"s\\n\"))\n!(n "
    "1)\n!(n 2)",
    "(= (e $x) (if $x Empty (Error $x bad)))\n(= (p $x) (if $x 1 NotReducible))\n(= (q $x) (id "
    "(p $x)))\n"
    "!(p False)\n!(q True)\n!(collapse (e (superpose (True True))))\n!(e False)",
    "(= (r $x $y) (let $z (+ $x $y) (Pair $z (Pair $x $free))))\n(= (s (Pair $x $x) $x) $x)\n(= (s (Pair $x "
    "$y) $z) "
    "(Got $x $y $z))\n!(r 1 2.5)\n!(s (Pair 1 $q) 1)",
};

static uint64_t state;

static uint32_t below(uint32_t n)
{
    return unit_below(&state, n);
}

static void damage(Buf *b, const Buf *other)
{
    size_t at = below((uint32_t)b->len), n = 1 + below(16);
    switch (below(24)) {
    default: /* another bit */
        b->data[at] ^= (char)(1 << below(8));
        break;
    case 1: /* another byte */
        b->data[at] = (char)below(256);
        break;
    case 2: /* one more, one less */
        b->data[at] += below(2) ? 1 : -1;
        break;
    case 3: /* cut off */
        if (below(8) == 0) b->len = at + 1;
        break;
    case 4: /* some bytes gone */
        if (at + n >= b->len) break;
        memmove(b->data + at, b->data + at + n, b->len - at - n);
        b->len -= n;
        break;
    case 5: /* some bytes more */
        vec_reserve(b, n);
        memmove(b->data + at + n, b->data + at, b->len - at);
        b->len += n;
        break;
    case 6: { /* bytes of another file */
        size_t there = below((uint32_t)other->len);
        if (n > other->len - there) n = other->len - there;
        if (n > b->len - at) n = b->len - at;
        memcpy(b->data + at, other->data + there, n);
        break;
    }
    case 0: { /* bytes from elsewhere in the file */
        size_t there = below((uint32_t)b->len);
        if (n > b->len - there) n = b->len - there;
        if (n > b->len - at) n = b->len - at;
        memmove(b->data + at, b->data + there, n);
        break;
    }
    }
}

static unsigned accepted, refused, used;

/* In a module of its own, so that programs do not see each other; the runtime is a new one now and then. */
static void run_damaged(Runtime *rt, const Buf *file, Buf *out)
{
    Vm *vm = vm_new(rt, rt->top->scope, 0, 100);
    Buf error = {0};
    Run run = {rt, out};
    RunEvents events = {&run, print_results, NULL};
    Module *top = rt->top = rt_module_new(rt, "damaged", "/nowhere", NULL);
    vm->scope = top->scope;
    rt->upper = vm;
    Mbc *program = mbc_open(rt, file->data, file->len, "/nowhere", version, &error);
    *(program ? &accepted : &refused) += 1;
    if (!program && error.len == 0) CHECK_MSG(false, "refused without a reason");
    if (program) {
        FormSource source = {program, next_form, form_spans};
        vec_push(&vm->programs, program);
        rt->settings.max_memory = rt_memory(rt) + ((size_t)32 << 20);
        rt->settings.max_stack_depth = 200;
        rt->limits.deadline_ns = base_now_ns() + 3 * 1000000;
        interp_run_forms(rt, top, &source, &events);
        used += vm->functions.chunks.len > vm->compilations;
    }
    /* No chunk is on a stack any more. */
    rt->upper = NULL;
    rt->upper_tier = NULL;
    rt->changed = NULL;
    vm_free(vm);
    mbc_close(program);
    buf_free(&error);
    vec_clear(out);
}

static void compile_bases(Buf *files)
{
    for (size_t i = 0; i < COUNT_OF(bases); i++)
        CHECK_MSG(compile("base.metta", bases[i], strlen(bases[i]), &files[i]), "%s", bases[i]);
}

static void test_damaged(unsigned mutations)
{
    enum { RUNS = 300 };
    Buf files[COUNT_OF(bases)] = {{0}}, damaged = {0}, file = {0}, out = {0};
    Runtime *rt = NULL;
    compile_bases(files);
    for (unsigned i = 0; i < mutations; i++) {
        const Buf *base = &files[below(COUNT_OF(bases))], *other = &files[below(COUNT_OF(bases))];
        if (i % RUNS == 0) {
            if (rt) rt_free(rt);
            rt = start(false, &out);
        }
        vec_clear(&damaged);
        vec_clear(&file);
        buf_put(&damaged, base->data + MBC_HEAD, base->len - MBC_HEAD);
        for (uint32_t n = 1 + below(3); n > 0 && damaged.len > 1; n--) damage(&damaged, other);
        mbc_wrap(damaged.data, damaged.len, version, &file);
        rt->upper_tier = &vm_tier;
        rt->changed = vm_tier.changed;
        run_damaged(rt, &file, &out);
    }
    if (rt) rt_free(rt);
    for (size_t i = 0; i < COUNT_OF(bases); i++) buf_free(&files[i]);
    buf_free(&damaged);
    buf_free(&file);
    buf_free(&out);
    printf("%u damaged files: %u refused, %u accepted and run, %u with chunks of theirs\n", mutations,
           refused, accepted, used);
    CHECK_MSG(refused > mutations / 10 && accepted > mutations / 50 && used > mutations / 100,
              "too one-sided");
}

int main(int argc, char **argv)
{
    unsigned mutations = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : MUTATIONS;
    state = argc > 2 ? strtoull(argv[2], NULL, 0) : (uint64_t)time(NULL);
    printf("seed %llu\n", (unsigned long long)state);
    fflush(stdout);
    if (argc < 2) test_same();
    test_damaged(mutations);
    return unit_end();
}
