/* For line editors and editors' servers: what names there are, the rules of a function, the loaded files. */
#include "api/api.h"

/* -- Rules -- */

typedef struct RuleFilter {
    MtRuntime *x;
    Word head;
} RuleFilter;

/* The symbol that RULE, (= LEFT RIGHT), defines, or WORD_NIL when ATOM is no rule. */
static Word defined_by(Word atom, Word relation)
{
    if (!atom_is_triple(atom, relation)) return WORD_NIL;
    Word left = atom_deref(expr_at(atom, 1));
    return atom_is_cons(left) ? atom_deref(expr_at(left, 0)) : left;
}

static void gather_rule(void *context, Word atom)
{
    RuleFilter *f = context;
    if (defined_by(atom, W_SYM(EQUAL)) == f->head) api_local(f->x, atom);
}

MtStatus mt_each_rule(MtRuntime *x, const char *head, MtOnAtom on_atom, void *context)
{
    RuleFilter f = {x, rt_sym(x->rt, head)};
    size_t first = mt_scope_open(x);
    space_each(x->rt->top->space, gather_rule, &f);
    api_hand_out(x, first, on_atom, context);
    api_rest(x);
    return MT_OK;
}

/* -- Names -- */

typedef struct NameList {
    MtRuntime *x;
    const char *prefix;
    size_t prefix_len;
    VEC(bool) seen;      /* by symbol id */
    VEC(uint32_t) names; /* symbol ids */
} NameList;

static void add_name(NameList *l, uint32_t id)
{
    while (l->seen.len <= id) vec_push(&l->seen, false);
    if (l->seen.data[id]) return;
    l->seen.data[id] = true;
    if (strncmp(sym_text(l->x->rt->symbols, id, NULL), l->prefix, l->prefix_len) == 0)
        vec_push(&l->names, id);
}

static void add_text(NameList *l, const char *text)
{
    add_name(l, sym_intern_cstr(l->x->rt->symbols, text));
}

static void add_defined(void *context, Word atom)
{
    NameList *l = context;
    Word head = defined_by(atom, W_SYM(EQUAL));
    if (!word_is_sym(head)) head = defined_by(atom, W_SYM(COLON));
    if (word_is_sym(head)) add_name(l, word_sym_id(head));
}

static void gather_names(NameList *l)
{
    Runtime *rt = l->x->rt;
    for (uint32_t i = 0; i < rt->builtin_count; i++)
        if (strcmp(rt->builtins[i].module, "corelib") == 0) add_text(l, rt->builtins[i].name);
    Module *modules[] = {rt->core, rt->top};
    for (size_t m = 0; m < COUNT_OF(modules); m++) {
        const TokenMap *t = &modules[m]->tokens;
        for (uint32_t i = 0; t->keys && i <= t->mask; i++)
            if (t->keys[i]) add_name(l, t->keys[i] - 1);
        space_each(modules[m]->space, add_defined, l);
    }
}

static const BuiltinInfo *find_builtin(const Runtime *rt, const char *name)
{
    for (uint32_t i = rt->builtin_count; i-- > 0;)
        if (strcmp(rt->builtins[i].name, name) == 0) return &rt->builtins[i];
    return NULL;
}

/* Append the text of the first type that ID has in the top module; false when there is none. */
static bool put_type(Runtime *rt, uint32_t id, Buf *out)
{
    const SymbolTypes *types = scope_symbol_types(&rt->types, rt->top->scope, id);
    if (types->count == 0) return false;
    rt_print(rt, types->types[0], out);
    return true;
}

void mt_each_name(MtRuntime *x, const char *prefix, MtOnName on_name, void *context)
{
    NameList l = {.x = x, .prefix = prefix, .prefix_len = strlen(prefix)};
    Buf type = {0};
    gather_names(&l);
    for (size_t i = 0; i < l.names.len; i++) {
        MtName name = {.name = sym_text(x->rt->symbols, l.names.data[i], NULL)};
        const BuiltinInfo *info = find_builtin(x->rt, name.name);
        vec_clear(&type);
        if (info) {
            name.type = info->type;
            name.doc = info->doc;
        } else if (put_type(x->rt, l.names.data[i], &type)) {
            name.type = buf_cstr(&type);
        }
        if (!on_name(context, &name)) break;
    }
    buf_free(&type);
    vec_free(&l.seen);
    vec_free(&l.names);
    api_rest(x);
}

/* -- Files -- */

void mt_each_file(MtRuntime *x, MtOnPath on_path, void *context)
{
    for (size_t i = 0; i < x->rt->files.len; i++)
        if (!on_path(context, x->rt->files.data[i])) return;
}
