#include "builtin/debug.h"

#include <stdio.h>

#include "builtin/bodies.h"
#include "rt/machine.h"

/* Without debug support (the Meson option debug_support) trace! only prints, and breakpoint! is an error. */
#ifdef METTA_NO_DEBUG_SUPPORT

static void log_trace(Runtime *rt, const Buf *message, Word value)
{
    (void)rt;
    (void)message;
    (void)value;
}

BiStatus debug_breakpoint(Runtime *rt, Word condition, Word *out)
{
    (void)condition;
    return bi_fail(rt, out, "breakpoint! is left out of this build");
}

#else

static void log_trace(Runtime *rt, const Buf *message, Word value)
{
    LogTarget target = rt->debug.native ? LOG_TARGET_JIT_TRACE : LOG_TARGET_VM_TRACE;
    if (!log_on(&rt->log, target, LOG_TRACE)) return;
    Buf text = {0};
    rt_print(rt, value, &text);
    const LogField fields[] = {LOG_TEXT("msg", message->data, message->len),
                               LOG_TEXT("value", text.data, text.len)};
    log_event(&rt->log, target, LOG_TRACE, "Trace", fields, COUNT_OF(fields), __FILE__, __LINE__);
    buf_free(&text);
}

static void log_hit(Runtime *rt)
{
    LogTarget target = rt->debug.native ? LOG_TARGET_JIT_BREAKPOINT : LOG_TARGET_VM_BREAKPOINT;
    if (!log_on(&rt->log, target, LOG_DEBUG)) return;
    const char *function = debug_function(rt);
    const LogField fields[] = {LOG_INT("hit", rt->debug.hits),
                               LOG_TEXT("function", function, strlen(function))};
    log_event(&rt->log, target, LOG_DEBUG, "Breakpoint hit", fields, COUNT_OF(fields), __FILE__, __LINE__);
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

BiStatus debug_breakpoint(Runtime *rt, Word condition, Word *out)
{
    (void)out; /* this build has nothing to complain of */
    if (!word_is_nil(condition) && !word_is_bool(condition)) return BI_NO_REDUCE;
    if (condition == WORD_FALSE) return BI_OK;
    rt->debug.hits++;
    log_hit(rt);
    ask(rt, condition);
    return BI_OK;
}

#endif

const char *debug_function(const Runtime *rt)
{
    const Machine *m = rt->machine;
    return m && m->head != NO_HEAD ? sym_text(rt->symbols, m->head, NULL) : "";
}

void debug_trace(Runtime *rt, Word message, Word value)
{
    Buf text = {0};
    rt_print(rt, message, &text);
    log_trace(rt, &text, value);
    buf_putc(&text, '\n');
    fwrite(text.data, 1, text.len, stderr);
    buf_free(&text);
}

#include "builtin/debug.inc"
