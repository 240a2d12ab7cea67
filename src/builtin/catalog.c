#include "builtin/bodies.h"

/* Of no catalogs, "all" are done already, and no other name is known. */
static BiStatus need_all(Runtime *rt, Word name, const char *usage, Word *out)
{
    if (!word_is_sym(name)) return bi_fail(rt, out, "%s", usage);
    const char *text = sym_text(rt->symbols, word_sym_id(name), NULL);
    if (strcmp(text, "all") == 0) return BI_OK;
    return bi_fail(rt, out, "no catalog(s) identified by \"%s\"", text);
}

#include "builtin/catalog.inc"
