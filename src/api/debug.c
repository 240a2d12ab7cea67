/* Breakpoints: the handler of the host program. */
#include "builtin/debug.h"

#include "api/api.h"

#ifdef METTA_NO_DEBUG_SUPPORT

MtStatus mt_set_breakpoint_hook(MtRuntime *x, MtOnBreakpoint on_breakpoint, void *context)
{
    (void)on_breakpoint;
    (void)context;
    return api_fail(x, MT_INVALID, "this build has no debug support");
}

#else

/* RtDebug.on_breakpoint.  The clock of the time limit stands still meanwhile: somebody may be looking around. */
static RtDebugAction ask_host(void *context, Runtime *rt, Word condition)
{
    MtRuntime *x = context;
    uint64_t began = base_now_ns();
    size_t scope = mt_scope_open(x);
    MtBreakpoint breakpoint = {
        .hit = rt->debug.hits,
        .function = debug_function(rt),
        .condition = api_local(x, condition),
    };
    x->busy++;
    MtDebugAction action = x->on_breakpoint(x->breakpoint_context, x, &breakpoint);
    x->busy--;
    mt_scope_close(x, scope);
    if (rt->limits.deadline_ns) rt->limits.deadline_ns += base_now_ns() - began;
    return action == MT_DEBUG_STOP ? RT_DEBUG_STOP : RT_DEBUG_CONTINUE;
}

MtStatus mt_set_breakpoint_hook(MtRuntime *x, MtOnBreakpoint on_breakpoint, void *context)
{
    RtDebug *d = &x->rt->debug;
    x->on_breakpoint = on_breakpoint;
    x->breakpoint_context = context;
    d->on_breakpoint = on_breakpoint ? ask_host : NULL;
    d->context = x;
    return MT_OK;
}

#endif
