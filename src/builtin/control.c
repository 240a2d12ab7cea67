#include "builtin/bodies.h"

static bool is_named(Runtime *rt, Word w, const char *name)
{
    Buf text = {0};
    bool same = strcmp(bi_text(rt, w, &text), name) == 0;
    buf_free(&text);
    return same;
}

static BiStatus set_max_stack_depth(Runtime *rt, Word value, Word *out)
{
    if (num_kind(value) != NUM_INT || num_int(value) < 0) {
        *out = W_SYM(UNSIGNED_EXPECTED);
        return BI_ERROR;
    }
    rt->settings.max_stack_depth = (uint64_t)num_int(value);
    return BI_OK;
}

/* Unknown settings are accepted, unless the run is strict. */
static BiStatus change_setting(Runtime *rt, const char *key, Word value, Word *out)
{
    if (strcmp(key, "max-stack-depth") == 0) return set_max_stack_depth(rt, value, out);
    if (strcmp(key, "type-check") == 0)
        rt->settings.type_check = is_named(rt, value, "auto");
    else if (strcmp(key, "interpreter") == 0)
        rt->settings.bare_minimal = is_named(rt, value, "bare-minimal");
    else if (rt->settings.strict)
        return bi_fail(rt, out, "unknown setting: %s", key);
    return BI_OK;
}

#include "builtin/control.inc"
