#include "builtin/bodies.h"

#include <stdlib.h>

/* Names are symbols or strings; of other values their text. */
static bool is_name(Word w)
{
    return !word_is_var(w) && !atom_is_expr(w);
}

/* The module of that name; NULL with *ERROR set when it cannot be loaded.  May run MeTTa text, so collect. */
static Module *load(Runtime *rt, Word name, Word *error)
{
    Buf text = {0};
    Word message = WORD_NIL;
    Module *m = rt_module_load(rt, rt->current, bi_text(rt, name, &text), &message);
    buf_free(&text);
    if (!m) *error = message;
    return m;
}

static BiStatus fail_destination(Runtime *rt, Word destination, Word *out)
{
    Buf text = {0};
    rt_print(rt, destination, &text);
    BiStatus status =
        bi_fail(rt, out,
                "import! destination argument must be a symbol atom naming a new space, or &self.  Found: %s",
                buf_cstr(&text));
    buf_free(&text);
    return status;
}

/* Tokens of spaces begin with an ampersand. */
static void name_space(Runtime *rt, const char *name, Space *space)
{
    Buf token = {0};
    if (*name != '&') buf_putc(&token, '&');
    buf_puts(&token, name);
    rt_add_token(rt, rt->current, token.data, token.len, space_word(space));
    buf_free(&token);
}

static void copy_atom(void *context, Word atom)
{
    space_add(context, atom);
}

/* A copy, named as the module's space inside of ModuleSpace(...): a space is searched with what it imported. */
static Word own_atoms(Runtime *rt, Space *space)
{
    static const char prefix[] = "ModuleSpace(";
    const char *name = space_name(space);
    size_t skip = strncmp(name, prefix, sizeof prefix - 1) == 0 ? sizeof prefix - 1 : 0;
    char *own = base_strndup(name + skip, strcspn(name + skip, ")"));
    Space *copy = rt_space_new(rt, own);
    base_free(own);
    space_each(space, copy_atom, copy);
    return space_word(copy);
}

/* -- The tree of modules -- */

typedef struct TreeEntry {
    const char *name;
    size_t id;
} TreeEntry;

/* By name, the modules inside of one right after it. */
static int by_name(const void *a, const void *b)
{
    const char *x = ((const TreeEntry *)a)->name, *y = ((const TreeEntry *)b)->name;
    while (*x && *x == *y) x++, y++;
    int left = *x == ':' ? 1 : (unsigned char)*x, right = *y == ':' ? 1 : (unsigned char)*y;
    return left - right;
}

/* Length of the part of NAME above its last component, without the colon. */
static size_t parent_length(const char *name)
{
    const char *colon = strrchr(name, ':');
    return colon ? (size_t)(colon - name) : 0;
}

/* Does a module after AT in order have the same parent as the first LENGTH bytes of AT's name? */
static bool has_sibling(const TreeEntry *e, size_t count, size_t at, size_t length)
{
    for (size_t i = at + 1; i < count && strncmp(e[i].name, e[at].name, length) == 0; i++)
        if (parent_length(e[i].name) == length) return true;
    return false;
}

/* One line: for each ancestor whether its list goes on, then the name. */
static void print_branch(const TreeEntry *e, size_t count, size_t at, Buf *out)
{
    const char *name = e[at].name;
    for (const char *colon = strchr(name, ':'); colon; colon = strchr(colon + 1, ':')) {
        const char *before = memrchr(name, ':', (size_t)(colon - name));
        size_t length = before ? (size_t)(before - name) : 0;
        buf_puts(out, has_sibling(e, count, at, length) ? " │ " : "   ");
    }
    size_t length = parent_length(name);
    buf_puts(out, has_sibling(e, count, at, length) ? " ├─" : " └─");
    buf_printf(out, "%s = %zu\n", length ? name + length + 1 : name, e[at].id);
}

static void print_tree(Runtime *rt, Buf *out)
{
    VEC(TreeEntry) entries = {0};
    for (size_t i = 0; i < rt->modules.len; i++) {
        const char *name = rt->modules.data[i]->name;
        TreeEntry e = {name, i};
        if (rt->modules.data[i] == rt->top)
            buf_printf(out, "%s = %zu\n", name, i);
        else
            vec_push(&entries, e);
    }
    if (entries.len) qsort(entries.data, entries.len, sizeof *entries.data, by_name);
    for (size_t i = 0; i < entries.len; i++) print_branch(entries.data, entries.len, i, out);
    buf_putc(out, '\n');
    vec_free(&entries);
}

#include "builtin/module.inc"
