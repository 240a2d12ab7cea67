#include "builtin/debug.h"

#include <stdio.h>

#include "builtin/bodies.h"

static void log_trace(Runtime *rt, const Buf *message, Word value)
{
    Buf text = {0};
    rt_print(rt, value, &text);
    LOG(&rt->log, VM_TRACE, TRACE, "Trace", LOG_TEXT("msg", message->data, message->len),
        LOG_TEXT("value", text.data, text.len));
    buf_free(&text);
}

void debug_trace(Runtime *rt, Word message, Word value)
{
    Buf text = {0};
    rt_print(rt, message, &text);
    if (log_on(&rt->log, LOG_TARGET_VM_TRACE, LOG_TRACE)) log_trace(rt, &text, value);
    buf_putc(&text, '\n');
    fwrite(text.data, 1, text.len, stderr);
    buf_free(&text);
}

#include "builtin/debug.inc"
