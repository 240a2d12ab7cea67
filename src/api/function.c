/* Functions of the host program as grounded operations. */
#include "api/api.h"

#include <stdarg.h>
#include <stdio.h>

struct MtCall {
    MtRuntime *x;
    MtAtom goal;  /* the call itself */
    size_t first; /* place of the first argument's handle */
    uint32_t count;
    VEC(MtAtom) results;
};

size_t mt_arg_count(const MtCall *call)
{
    return call->count;
}

MtAtom mt_arg(MtCall *call, size_t index)
{
    return index < call->count ? (MtAtom){call->first + index + 1} : (MtAtom){0};
}

void mt_return(MtCall *call, MtAtom result)
{
    assert(result.id);
    vec_push(&call->results, result);
}

void mt_return_error(MtCall *call, const char *format, ...)
{
    char message[512];
    va_list ap;
    va_start(ap, format);
    vsnprintf(message, sizeof message, format, ap);
    va_end(ap);
    Runtime *rt = call->x->rt;
    Word goal = api_word(call->x, call->goal);
    mt_return(call, api_local(call->x, atom_error(&rt->heap, goal, rt_sym(rt, message))));
}

static BiStatus take_results(MtCall *call, MtOutcome outcome, Word *out)
{
    if (outcome == MT_NOT_REDUCIBLE) return BI_NO_REDUCE;
    if (call->results.len == 0) return BI_NONE;
    if (call->results.len == 1) {
        *out = api_word(call->x, call->results.data[0]);
        return BI_OK;
    }
    WordVec words = {0};
    for (size_t i = 0; i < call->results.len; i++) vec_push(&words, api_word(call->x, call->results.data[i]));
    *out = atom_expr(&call->x->rt->heap, words.data, (uint32_t)words.len);
    vec_free(&words);
    return BI_MANY;
}

/* The body of every host function; CONTEXT is its HostFunction. */
static BiStatus call_host(Runtime *rt, void *context, Word goal, const Word *arg, uint32_t n, Word *out)
{
    MtRuntime *x = rt->host;
    const HostFunction *f = context;
    size_t scope = mt_scope_open(x);
    MtCall call = {.x = x, .goal = api_local(x, goal), .first = scope + 1, .count = n};
    for (uint32_t i = 0; i < n; i++) vec_push(&x->locals, arg[i]);
    x->busy++;
    MtOutcome outcome = f->function(x, &call, f->context);
    x->busy--;
    BiStatus status = take_results(&call, outcome, out);
    vec_free(&call.results);
    mt_scope_close(x, scope);
    return status;
}

static HostFunction *new_function(const char *name, const char *type, const char *doc, MtFunction function,
                                  void *context)
{
    HostFunction *f = base_calloc(1, sizeof *f);
    f->name = base_strndup(name, strlen(name));
    f->type = base_strndup(type, strlen(type));
    f->doc = base_strndup(doc, strlen(doc));
    f->function = function;
    f->context = context;
    return f;
}

static Word add_operation(MtRuntime *x, HostFunction *f, unsigned flags)
{
    BuiltinInfo info = {
        .name = f->name,
        .module = "corelib",
        .type = f->type,
        .flags = flags,
        .doc = f->doc,
        .params = "",
        .result = "",
        .host = call_host,
        .context = f,
    };
    return rt_register(x->rt, &info);
}

static bool is_type(MtRuntime *x, const char *text)
{
    Word type;
    return rt_parse(x->rt, x->rt->core, text, strlen(text), &type);
}

MtStatus mt_register(MtRuntime *x, const char *name, const char *type, unsigned flags, const char *doc,
                     MtFunction function, void *context)
{
    api_rest(x);
    if (type && !is_type(x, type)) return api_fail(x, MT_INVALID, "%s: '%s' is no type", name, type);
    HostFunction *f = new_function(name, type ? type : "%Undefined%", doc ? doc : "", function, context);
    unsigned bits = type ? 0 : BF_VARIADIC;
    if (flags & MT_LAZY) bits |= BF_LAZY;
    if (flags & MT_PURE) bits |= BF_PURE;
    Word op = add_operation(x, f, bits);
    assert(word_is_op(op));
    vec_push(&x->functions, f);
    rt_add_token(x->rt, x->rt->core, name, strlen(name), op);
    return MT_OK;
}

MtStatus mt_bind(MtRuntime *x, const char *name, MtAtom atom)
{
    Word w = api_word(x, atom);
    if (word_is_nil(w)) return api_fail(x, MT_INVALID, "no atom to bind %s to", name);
    rt_add_token(x->rt, x->rt->top, name, strlen(name), w);
    return MT_OK;
}

void api_free_functions(MtRuntime *x)
{
    for (size_t i = 0; i < x->functions.len; i++) {
        HostFunction *f = x->functions.data[i];
        base_free(f->name);
        base_free(f->type);
        base_free(f->doc);
        base_free(f);
    }
    vec_free(&x->functions);
}
