/* How long tier 2 takes to make machine code of a chunk, warm: prints a line for each number of instructions.
 *
 *   build/release/bench_compile [ROUNDS]
 *
 * All that is done for a function that has become hot is measured: layout, room, code, bookkeeping; in CPU time of this thread.  Of as many
 * samples as there are rounds the fastest tells what the machine can do, the median what it did. */
#include "builtin/builtin.h"
#include "interp/interp.h"
#include "code/bytecode.h"
#include "jit1/jit1.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { NAME_ROOM = 32 };

static uint64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Append a function with CLAUSES clauses, each of FORMS conditionals with a comparison, arithmetic, a call, and data at the end. */
static void write_function(unsigned clauses, unsigned forms, Buf *out)
{
    for (unsigned k = 0; k < clauses; k++) {
        buf_printf(out, clauses > 1 ? "(= (f%u (K%u $x) $y) " : "(= (f%u $x $y) ", clauses, k);
        for (unsigned i = 0; i < forms; i++)
            buf_printf(out, "(if (< $x %u) (f%u (+ $x 1) (* $y $x)) ", i, clauses);
        buf_puts(out, "(Pair $x $y)");
        for (unsigned i = 0; i <= forms; i++) buf_putc(out, ')');
        buf_putc(out, '\n');
    }
}

static uint32_t instructions(const Chunk *c)
{
    uint32_t count = 0;
    for (uint32_t ip = 0; ip < c->code.len; ip += length_at(c, ip)) count++;
    return count;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

typedef struct Times {
    uint64_t fastest, median; /* nanoseconds */
} Times;

/* Compile C SAMPLES times TIMES times, and drop the code each time. */
static Times measure(Vm *vm, Chunk *c, unsigned samples, unsigned times)
{
    uint64_t *all = base_alloc(samples * sizeof *all);
    for (unsigned i = 0; i < samples; i++) {
        uint64_t began = cpu_ns();
        for (unsigned k = 0; k < times; k++) {
            if (!vm->make_native(vm, c)) base_fatal("no machine code");
            vm->functions.on_expired(vm->functions.context, c);
        }
        all[i] = (cpu_ns() - began) / times;
    }
    qsort(all, samples, sizeof *all, by_size);
    Times of_one = {all[0], all[samples / 2]};
    base_free(all);
    return of_one;
}

static Chunk *compile(Runtime *rt, Vm *vm, unsigned clauses)
{
    char name[NAME_ROOM];
    CompileRefusal why;
    snprintf(name, sizeof name, "f%u", clauses);
    Function *f = functions_get(&vm->functions, word_sym_id(rt_sym(rt, name)), 2);
    Chunk *c = compile_function(rt, vm->scope, &vm->functions, f->name, 2, NULL, &why);
    if (!c) base_fatal("%s is not compiled: %s", name, compile_refusal_text(why));
    functions_adopt(&vm->functions, f, c);
    return c;
}

int main(int argc, char **argv)
{
    static const struct {
        unsigned clauses, forms;
    } sizes[] = {{1, 1}, {5, 2}, {50, 2}, {250, 2}}; /* 20, 200, 2,000 and 10,000 instructions */
    unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 25;
    Runtime *rt = rt_new(builtin_table, BI_COUNT, &interp_engine);
    RunEvents events = {0};
    Buf text = {0};
    const char *reason;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) write_function(sizes[i].clauses, sizes[i].forms, &text);
    interp_run(rt, rt->top, text.data, text.len, "bench.metta", &events);
    Vm *vm = vm_new(rt, rt->top->scope, 0, 0);
    Jit1 *jit = jit1_new(vm, &(Jit1Config){0}, &reason);
    if (!jit) base_fatal("%s", reason);
    printf("%12s %12s %12s %12s %18s\n", "instructions", "bytes", "us", "us, median", "ns per instruction");
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        Chunk *c = compile(rt, vm, sizes[i].clauses);
        uint32_t count = instructions(c);
        (void)measure(vm, c, 2, 1 + 10000 / count); /* warm up */
        uint64_t before = vm->stats.code_bytes, made = vm->stats.compilations;
        Times t = measure(vm, c, rounds, 1 + 100000 / count);
        uint64_t bytes = (vm->stats.code_bytes - before) / (vm->stats.compilations - made);
        printf("%12u %12llu %12.2f %12.2f %18.1f\n", (unsigned)count, (unsigned long long)bytes,
               (double)t.fastest / 1e3, (double)t.median / 1e3, (double)t.fastest / count);
    }
    buf_free(&text);
    jit1_free(jit);
    vm_free(vm);
    rt_free(rt);
    return 0;
}
