#include "builtin/debug.h"

#include <stdio.h>

#include "builtin/bodies.h"
#include "rt/machine.h"

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

/* -- Breakpoints -- */

const char *debug_function(const Runtime *rt)
{
    const Machine *m = rt->machine;
    return m && m->head != NO_HEAD ? sym_text(rt->symbols, m->head, NULL) : "";
}

static void log_hit(Runtime *rt)
{
    if (!log_on(&rt->log, LOG_TARGET_VM_BREAKPOINT, LOG_DEBUG)) return;
    const char *function = debug_function(rt);
    LOG(&rt->log, VM_BREAKPOINT, DEBUG, "Breakpoint hit", LOG_INT("hit", rt->debug.hits),
        LOG_TEXT("function", function, strlen(function)));
}

/* A handler that evaluates what hits breakpoints must not be called for them: it would never come to an end. */
static void ask(Runtime *rt, Word condition)
{
    RtDebug *d = &rt->debug;
    if (!d->on_breakpoint || d->asking) return;
    d->asking = true;
    RtDebugAction action = d->on_breakpoint(d->context, rt, condition);
    d->asking = false;
    if (action == RT_DEBUG_STOP) rt_interrupt(rt);
}

BiStatus debug_breakpoint(Runtime *rt, Word condition)
{
    if (!word_is_nil(condition) && !word_is_bool(condition)) return BI_NO_REDUCE;
    if (condition == WORD_FALSE) return BI_OK;
    rt->debug.hits++;
    log_hit(rt);
    ask(rt, condition);
    return BI_OK;
}

#include "builtin/debug.inc"
