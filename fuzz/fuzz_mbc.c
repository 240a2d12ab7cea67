/* Compiled programs of any content behind a valid head: they are refused with a reason, or run within the limits. */
#include "builtin/builtin.h"
#include "code/mbc.h"
#include "interp/interp.h"
#include "vm/vm.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MILLISECONDS = 20, MEGABYTES = 64, DEPTH = 500 };

static void ignore_output(void *context, const char *text, size_t len)
{
    (void)context;
    (void)text;
    (void)len;
}

static ReadStatus next_form(void *program, Word *form, Span *span)
{
    return mbc_next(program, form, span);
}

static const Span *form_spans(void *program, size_t *count)
{
    return mbc_spans(program, count);
}

static void run(Runtime *rt, Vm *vm, Mbc *program)
{
    FormSource source = {program, next_form, form_spans};
    RunEvents silent = {0};
    vec_push(&vm->programs, program);
    rt->write = ignore_output;
    rt->settings.max_memory = (size_t)MEGABYTES << 20;
    rt->settings.max_stack_depth = DEPTH;
    rt->limits.deadline_ns = base_now_ns() + (uint64_t)MILLISECONDS * 1000000;
    interp_run_forms(rt, rt->top, &source, &silent);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Runtime *rt = rt_new(builtin_table, BI_COUNT, &interp_engine);
    Vm *vm = vm_new(rt, rt->top->scope, 0, UINT32_MAX);
    Buf file = {0}, error = {0};
    rt->upper = vm;
    rt->upper_tier = &vm_tier;
    rt->changed = vm_tier.changed;
    mbc_wrap((const char *)data, size, "fuzz", &file);
    Mbc *program = mbc_open(rt, file.data, file.len, "/nowhere", "fuzz", &error);
    if (!program && error.len == 0) abort();
    if (program) run(rt, vm, program);
    rt_free(rt);
    vm_free(vm);
    mbc_close(program);
    buf_free(&file);
    buf_free(&error);
    return 0;
}
