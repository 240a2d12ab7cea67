#include "rt/machine.h"

#include <math.h>
#include <stdio.h>

#include "base/embed.h"

/* -- Collector -- */

static void trace_tokens(const TokenMap *t, Heap *h)
{
    for (uint32_t i = 0; t->keys && i <= t->mask; i++)
        if (t->keys[i]) heap_visit(h, &t->words[i]);
}

static void trace_roots(void *context, Heap *h, bool major)
{
    Runtime *rt = context;
    machine_forget_resolved(&rt->bind);
    heap_visit_range(h, rt->op_types, rt->builtin_count);
    for (size_t i = 0; i < rt->modules.len; i++) trace_tokens(&rt->modules.data[i]->tokens, h);
    for (size_t i = 0; i < h->exts.len; i++) {
        Space *s = word_space(word_from_ptr(TAG_EXT, h->exts.data[i]));
        if (s && space_scope(s)) scope_trace(space_scope(s), h);
    }
    type_world_moves(&rt->types, major);
    rt->engine.trace(rt, h, major);
    if (rt->host_trace) rt->host_trace(rt->host, h);
}

static void find_types(void *context, Heap *h)
{
    Runtime *rt = context;
    type_world_moved(&rt->types, h);
}

static void note_stored(void *context, Obj *stored)
{
    Runtime *rt = context;
    store_mark(rt->store, stored);
}

static void sweep_store(void *context)
{
    Runtime *rt = context;
    store_sweep(rt->store);
}

/* -- Tokens -- */

static uint32_t token_slot(const TokenMap *t, uint32_t key)
{
    uint32_t i = (uint32_t)base_hash_word(key) & t->mask;
    while (t->keys[i] && t->keys[i] != key) i = (i + 1) & t->mask;
    return i;
}

static void tokens_grow(TokenMap *t)
{
    TokenMap old = *t;
    t->mask = old.keys ? old.mask * 2 + 1 : 15;
    t->keys = base_calloc(t->mask + 1, sizeof *t->keys);
    t->words = base_calloc(t->mask + 1, sizeof *t->words);
    for (uint32_t i = 0; old.keys && i <= old.mask; i++) {
        if (!old.keys[i]) continue;
        uint32_t at = token_slot(t, old.keys[i]);
        t->keys[at] = old.keys[i];
        t->words[at] = old.words[i];
    }
    base_free(old.keys);
    base_free(old.words);
}

static void tokens_put(TokenMap *t, uint32_t symbol, Word w)
{
    if (!t->keys || t->count * 2 > t->mask) tokens_grow(t);
    uint32_t at = token_slot(t, symbol + 1);
    t->count += t->keys[at] == 0;
    t->keys[at] = symbol + 1;
    t->words[at] = w;
}

static bool tokens_get(const TokenMap *t, uint32_t symbol, Word *out)
{
    if (!t->keys) return false;
    uint32_t at = token_slot(t, symbol + 1);
    if (!t->keys[at]) return false;
    *out = t->words[at];
    return true;
}

/* The context of the reader's look-ups is the module; core tokens come after its own. */
static bool lookup_token(void *context, uint32_t symbol, Word *out)
{
    const Module *m = context;
    return tokens_get(&m->tokens, symbol, out) || (m->core_tokens && tokens_get(m->core_tokens, symbol, out));
}

Tokens rt_tokens(Runtime *rt, Module *m)
{
    (void)rt;
    return (Tokens){lookup_token, m};
}

void rt_add_token(Runtime *rt, Module *m, const char *text, size_t len, Word w)
{
    tokens_put(&m->tokens, sym_intern(rt->symbols, text, len), w);
}

void rt_copy_tokens(const Module *from, Module *into)
{
    const TokenMap *t = &from->tokens;
    for (uint32_t i = 0; t->keys && i <= t->mask; i++)
        if (t->keys[i] && t->keys[i] != SYM_SELF + 1) tokens_put(&into->tokens, t->keys[i] - 1, t->words[i]);
}

void rt_free_tokens(Module *m)
{
    base_free(m->tokens.keys);
    base_free(m->tokens.words);
}

/* -- Builtins -- */

/* Room for COUNT operations in all tables that are indexed by operation. */
static void size_tables(Runtime *rt, uint32_t count)
{
    rt->builtins = base_realloc(rt->builtins, count * sizeof *rt->builtins);
    rt->op_types = base_realloc(rt->op_types, count * sizeof *rt->op_types);
    rt->op_signatures = base_realloc(rt->op_signatures, count * sizeof *rt->op_signatures);
    rt->op_names = base_realloc(rt->op_names, count * sizeof *rt->op_names);
    for (uint32_t i = rt->builtin_count; i < count; i++) {
        rt->op_types[i] = WORD_NIL;
        vec_push(&rt->overridden, 0);
    }
    rt->builtin_count = count;
    rt->names = (Names){rt->symbols, rt->op_names, count};
    rt->types.op_types = rt->op_types;
    rt->types.op_signatures = rt->op_signatures;
}

static bool set_op_type(Runtime *rt, uint32_t i)
{
    Word type;
    const char *text = rt->builtins[i].type;
    if (!rt_parse(rt, rt->core, text, strlen(text), &type)) return false;
    uint32_t typed = type != W_SYM(UNDEFINED);
    rt->op_types[i] = typed ? type : WORD_NIL;
    signature_from_types(&type, typed, &rt->op_signatures[i]);
    return true;
}

Word rt_register(Runtime *rt, const BuiltinInfo *info)
{
    uint32_t i = rt->builtin_count;
    size_tables(rt, i + 1);
    rt->builtins[i] = *info;
    rt->op_names[i] = info->name;
    return set_op_type(rt, i) ? word_op(i) : WORD_NIL;
}

static void init_tables(Runtime *rt, const BuiltinInfo *builtins, uint32_t count)
{
    type_world_init(&rt->types, &rt->heap, &rt->bind);
    size_tables(rt, count);
    memcpy(rt->builtins, builtins, count * sizeof *builtins);
}

static Module *builtin_module(Runtime *rt, const char *name)
{
    Module *m = rt_module_find(rt, name);
    if (m) return m;
    m = rt_module_new(rt, name, NULL, NULL);
    m->builtin = true;
    return m;
}

static void add_builtin_names(Runtime *rt)
{
    for (uint32_t i = 0; i < rt->builtin_count; i++) {
        const BuiltinInfo *b = &rt->builtins[i];
        rt->op_names[i] = b->name;
        Module *m = builtin_module(rt, b->module);
        if (!b->symbol) {
            rt_add_token(rt, m, b->name, strlen(b->name), word_op(i));
            continue;
        }
        uint32_t id = sym_intern_cstr(rt->symbols, b->name);
        while (rt->native.len <= id) vec_push(&rt->native, 0);
        rt->native.data[id] = i + 1;
    }
}

static Word tagged_text(Runtime *rt, const char *tag, const char *text, size_t len)
{
    return atom_expr2(&rt->heap, rt_sym(rt, tag), atom_str(&rt->heap, text, len));
}

/* ((@param "...") ...) from a text with one line per parameter. */
static Word doc_params(Runtime *rt, const char *text)
{
    WordVec params = {0};
    while (*text) {
        size_t len = strcspn(text, "\n");
        vec_push(&params, tagged_text(rt, "@param", text, len));
        text += len + (text[len] == '\n');
    }
    Word list = atom_expr(&rt->heap, params.data, (uint32_t)params.len);
    vec_free(&params);
    return list;
}

static void add_doc(Runtime *rt, const BuiltinInfo *b, Word subject)
{
    const Word items[] = {
        W_SYM(DOC),
        subject,
        tagged_text(rt, "@desc", b->doc, strlen(b->doc)),
        atom_expr2(&rt->heap, rt_sym(rt, "@params"), doc_params(rt, b->params)),
        tagged_text(rt, "@return", b->result, strlen(b->result)),
    };
    space_add(builtin_module(rt, b->module)->space, atom_expr(&rt->heap, items, COUNT_OF(items)));
}

/* Types and documentation of builtins become facts of their module, as if they had been written there. */
static void add_builtin_facts(Runtime *rt)
{
    for (uint32_t i = 0; i < rt->builtin_count; i++) {
        const BuiltinInfo *b = &rt->builtins[i];
        if (!set_op_type(rt, i)) base_fatal("type of %s is malformed", b->name);
        Word subject = b->symbol ? rt_sym(rt, b->name) : word_op(i);
        Word type = rt->op_types[i];
        if (b->symbol && !word_is_nil(type))
            space_add(builtin_module(rt, b->module)->space,
                      atom_expr3(&rt->heap, W_SYM(COLON), subject, type));
        add_doc(rt, b, subject);
    }
}

static void add_constants(Runtime *rt)
{
    rt_add_token(rt, rt->core, "True", 4, WORD_TRUE);
    rt_add_token(rt, rt->core, "False", 5, WORD_FALSE);
    rt_add_token(rt, rt->core, "PI", 2, word_double(M_PI));
    rt_add_token(rt, rt->core, "EXP", 3, word_double(M_E));
}

/* -- Making and freeing -- */

static void write_stdout(void *context, const char *text, size_t len)
{
    (void)context;
    fwrite(text, 1, len, stdout);
}

Runtime *rt_new(const BuiltinInfo *builtins, uint32_t count, const Engine *engine)
{
    Runtime *rt = base_calloc(1, sizeof *rt);
    if (!heap_init(&rt->heap, trace_roots, rt)) {
        base_free(rt);
        return NULL;
    }
    rt->heap.on_stored = note_stored;
    rt->heap.on_major_end = sweep_store;
    rt->heap.on_minor_end = find_types;
    rt->symbols = sym_new();
    rt->store = store_new(&rt->heap);
    bind_init(&rt->bind, &rt->heap);
    log_init(&rt->log);
    rt->engine = *engine;
    rt->log.enclosing = engine->enclosing;
    rt->log.enclosing_context = rt;
    rt->write = write_stdout;
    rt->inert_epoch = 1;
    init_tables(rt, builtins, count);
    rt->core = rt_module_new(rt, "corelib", NULL, NULL);
    rt->core->builtin = rt->core->loaded = true;
    add_constants(rt);
    add_builtin_names(rt);
    add_builtin_facts(rt);
    rt_load_embedded(rt, rt->core);
    for (size_t i = 0; i < embedded_lib_count; i++) builtin_module(rt, embedded_lib[i].name);
    rt->top = rt_module_new(rt, "top", NULL, NULL);
    rt->top->loaded = true;
    rt->current = rt->top;
    return rt;
}

void rt_free(Runtime *rt)
{
    if (!rt) return;
    for (size_t i = 0; i < rt->modules.len; i++) rt_module_free(rt->modules.data[i]);
    heap_fini(&rt->heap);

    store_free(rt->store);
    type_world_fini(&rt->types);
    bind_fini(&rt->bind);
    log_fini(&rt->log);
    sym_free(rt->symbols);
    for (size_t i = 0; i < rt->search_dirs.len; i++) base_free(rt->search_dirs.data[i]);
    for (size_t i = 0; i < rt->files.len; i++) base_free(rt->files.data[i]);
    vec_free(&rt->modules);

    vec_free(&rt->search_dirs);
    vec_free(&rt->files);
    vec_free(&rt->native);
    vec_free(&rt->overridden);
    vec_free(&rt->data_heads);
    base_free(rt->builtins);
    base_free(rt->op_types);
    base_free(rt->op_signatures);
    base_free(rt->op_names);
    base_free(rt);
}

/* -- Small services -- */

size_t rt_memory(const Runtime *rt)
{
    size_t n = heap_bytes(&rt->heap) + store_bytes(rt->store);
    for (size_t i = 0; i < rt->heap.exts.len; i++) {
        const Space *s = word_space(word_from_ptr(TAG_EXT, rt->heap.exts.data[i]));
        if (s) n += space_bytes(s);
    }
    return n;
}

Word rt_sym(Runtime *rt, const char *text)
{
    return word_sym(sym_intern_cstr(rt->symbols, text));
}

Word rt_vmessage(Runtime *rt, const char *fmt, va_list ap)
{
    Buf text = {0};
    buf_vprintf(&text, fmt, ap);
    Word w = word_sym(sym_intern(rt->symbols, text.data, text.len));
    buf_free(&text);
    return w;
}

Word rt_message(Runtime *rt, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    Word w = rt_vmessage(rt, fmt, ap);
    va_end(ap);
    return w;
}

void rt_print(Runtime *rt, Word w, Buf *out)
{
    atom_print(&rt->names, w, out);
}

void rt_write(Runtime *rt, const char *text, size_t len)
{
    rt->write(rt->write_context, text, len);
}

bool rt_parse(Runtime *rt, Module *m, const char *text, size_t len, Word *out)
{
    Tokens tokens = rt_tokens(rt, m);
    Reader *r = reader_new(&rt->heap, rt->symbols, &tokens, text, len, 0);
    Span span;
    Word rest;
    bool ok = reader_next(r, out, &span) == READ_FORM && reader_next(r, &rest, &span) == READ_EOF;
    reader_free(r);
    return ok;
}

static void release_scope(void *scope)
{
    scope_free(scope);
}

Scope *rt_scope(Runtime *rt, Space *s)
{
    (void)rt;

    Scope *scope = space_scope(s);
    if (LIKELY(scope)) return scope;
    scope = scope_new(s);
    space_set_scope(s, scope, release_scope);
    return scope;
}
