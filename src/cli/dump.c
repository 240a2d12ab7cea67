#include "cli/dump.h"

#include <inttypes.h>
#include <string.h>

static const char *kind_name(MtKind kind)
{
    switch (kind) {
    case MT_NONE:
        break;
    case MT_SYMBOL:
        return "symbol";
    case MT_VARIABLE:
        return "variable";
    case MT_EXPRESSION:
        return "expression";
    case MT_INT:
    case MT_BIG_INT:
    case MT_FLOAT:
        return "number";
    case MT_BOOL:
        return "bool";
    case MT_STRING:
        return "string";
    case MT_SPACE:
        return "space";
    case MT_FUNCTION:
        return "function";
    case MT_HOST:
    case MT_OTHER:
        return "grounded";
    }
    return "nothing";
}

static bool is_mark(MtRuntime *rt, MtAtom atom)
{
    const char *text = mt_text(rt, atom, NULL);
    return text && mt_kind(rt, atom) == MT_SYMBOL && strcmp(text, "!") == 0;
}

/* A "!" begins a query, which the next form completes; "! !" is the query of a symbol. */
static void put_header(AstDump *d, MtRuntime *rt, const MtNode *form)
{
    if (d->after_mark) {
        d->after_mark = false;
        return;
    }
    d->after_mark = is_mark(rt, form->atom);
    fprintf(d->file, "%s=== %s %s:%" PRIu32 ":%" PRIu32 " ===\n", d->forms++ ? "\n" : "",
            d->after_mark ? "query" : "atom", form->span.file, form->span.line, form->span.column);
}

static void put_text(FILE *to, MtRuntime *rt, MtAtom atom)
{
    size_t len;
    const char *text = mt_print(rt, atom, &len);
    fputc(' ', to);
    fwrite(text, 1, len, to);
}

/* Indented by depth, up to a limit: deeper nodes tell their depth, so that a line never grows with the nesting. */
static void put_node(FILE *to, MtRuntime *rt, const MtNode *node)
{
    enum { DEEPEST = 32 };
    const MtSpan *s = &node->span;
    char place[64];
    uint32_t indent = node->depth < DEEPEST ? node->depth : DEEPEST;
    snprintf(place, sizeof place, "%" PRIu32 ":%" PRIu32 "-%" PRIu32 ":%" PRIu32, s->line, s->column,
             s->end_line, s->end_column);
    fprintf(to, "%-15s %*s", place, (int)indent * 2, "");
    if (node->depth > DEEPEST) fprintf(to, "[%" PRIu32 "] ", node->depth);
    MtKind kind = mt_kind(rt, node->atom);
    fputs(kind_name(kind), to);
    if (kind == MT_EXPRESSION)
        fprintf(to, " of %zu", mt_count(rt, node->atom));
    else
        put_text(to, rt, node->atom);
    fputc('\n', to);
}

bool dump_node(void *context, MtRuntime *rt, const MtNode *node)
{
    AstDump *d = context;
    if (node->depth == 0) put_header(d, rt, node);
    put_node(d->file, rt, node);
    return !ferror(d->file);
}
