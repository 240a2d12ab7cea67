#include "vm/inspect.h"

#include <inttypes.h>
#include <stdio.h>

enum { BITS_LEN = 20 };

static LogField bits_field(Word value, char *text)
{
    snprintf(text, BITS_LEN, "0x%016" PRIx64, value);
    return LOG_TEXT("val", text, strlen(text));
}

void jit_runtime_debug_print(Machine *m, Word value)
{
    Buf text = {0};
    char bits[BITS_LEN];
    rt_print(m->rt, value, &text);
    LOG(&m->rt->log, JIT_DEBUG, TRACE, "Debug print", LOG_TEXT("jv", text.data, text.len),
        bits_field(value, bits));
    buf_free(&text);
}

/* A slot may hold what is no atom: nothing yet, or a choice point. */
static void log_slot(Machine *m, const char *what, uint32_t index, Word value)
{
    Buf text = {0};
    char bits[BITS_LEN];
    if (!word_is_nil(value) && word_tag(value) != TAG_RAW) rt_print(m->rt, value, &text);
    LOG(&m->rt->log, JIT_DEBUG, TRACE, what, LOG_INT("index", index), bits_field(value, bits),
        LOG_TEXT("jv", text.data, text.len));
    buf_free(&text);
}

void jit_runtime_debug_stack(Machine *m)
{
    const Frame *f = m->frame;
    if (!f || f->kind != FRAME_VM) return;
    const Chunk *c = frame_chunk(f);
    const Word *locals = f->slot + VM_LOCALS, *stack = locals + c->locals;
    size_t len;
    const char *name = sym_text(m->rt->symbols, c->name, &len);
    LOG(&m->rt->log, JIT_DEBUG, TRACE, "Stack dump", LOG_INT("sp", frame_operands(f)),
        LOG_TEXT("function", name, len), LOG_INT("ip", frame_ip(f)));
    for (uint32_t i = 0; i < frame_operands(f); i++) log_slot(m, "  Stack slot", i, stack[i]);
    for (uint32_t i = 0; i < c->locals; i++) log_slot(m, "  Local", i, locals[i]);
}
