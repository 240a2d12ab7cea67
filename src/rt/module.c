/* Modules: where they are found, loading, importing. */
#include "rt/rt.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/embed.h"
#include "base/file.h"

/* A rule whose head is a native symbol: calls of that symbol must look for rules from now on. */
static void note_override(Runtime *rt, Word atom)
{
    if (!atom_is_triple(atom, W_SYM(EQUAL))) return;
    Word lhs = atom_deref(expr_at(atom, 1));
    Word head = atom_is_cons(lhs) ? atom_deref(expr_at(lhs, 0)) : WORD_NIL;
    uint32_t builtin = word_is_sym(head) ? rt_native(rt, word_sym_id(head)) : 0;
    if (builtin) rt->overridden.data[builtin - 1] = 1;
}

static void log_change(Runtime *rt, const Space *s, Word atom, bool added)
{
    const char *name = space_name(s) ? space_name(s) : "unnamed";
    Buf text = {0};
    rt_print(rt, atom, &text);
    LOG(&rt->log, SPACE, TRACE, added ? "added" : "removed", LOG_TEXT("atom", text.data, text.len),
        LOG_TEXT("space", name, strlen(name)));
    buf_free(&text);
}

void rt_note_data_head(Runtime *rt, uint32_t symbol)
{
    while (rt->data_heads.len <= symbol) vec_push(&rt->data_heads, 0);
    rt->data_heads.data[symbol] = 1;
}

void rt_note_change(Runtime *rt, Word symbol, bool types)
{
    bool data = word_is_nil(symbol) ||
                (word_sym_id(symbol) < rt->data_heads.len && rt->data_heads.data[word_sym_id(symbol)]);
    if (data && rt->inert_epoch) rt->inert_epoch = (rt->inert_epoch + 1) & INERT_EPOCH;
    if (rt->changed) rt->changed(rt, symbol, types);
}

/* The symbol that ATOM, the left side of a rule or what a type is given to, is about; WORD_NIL: perhaps any. */
static Word subject_of(Word atom)
{
    atom = atom_deref(atom);
    if (word_is_sym(atom)) return atom;
    Word head = atom_is_cons(atom) ? atom_deref(expr_at(atom, 0)) : WORD_NIL;
    return word_is_sym(head) ? head : WORD_NIL;
}

/* Tell of a change when ATOM is a rule or a type, or may be both. */
static void note_meaning(Runtime *rt, Word atom)
{
    if (!atom_is_cons(atom)) return;
    Word head = atom_deref(expr_at(atom, 0));
    bool rule = head == W_SYM(EQUAL) && expr_len(atom) == 3,
         typed = head == W_SYM(COLON) && expr_len(atom) == 3;
    if (head == W_SYM(SUBTYPE) || word_is_var(head)) rt_note_change(rt, WORD_NIL, true);
    if (!rule && !typed) return;
    Word subject = atom_deref(expr_at(atom, 1));
    /* The type of an expression bears on all expressions with that head; of anything else, on all. */
    if (rule && !atom_is_cons(subject) && !word_is_var(subject)) return;
    Word symbol = subject_of(subject);
    /* A rule for an operation is a further alternative of all calls of it. */
    bool operation = word_is_nil(symbol) || rt_native(rt, word_sym_id(symbol)) != 0;
    rt_note_change(rt, symbol, typed || operation);
}

/* Is S one of the spaces in which the top module looks things up? */
static bool is_seen(const Runtime *rt, const Space *s)
{
    if (!rt->top) return false;
    const Scope *scope = rt->top->scope;
    for (size_t i = 0; i < scope->spaces.len; i++)
        if (scope->spaces.data[i] == s) return true;
    return false;
}

static void note_change(void *context, Space *s, Word atom, bool added)
{
    Runtime *rt = context;
    if (UNLIKELY(log_on(&rt->log, LOG_TARGET_SPACE, LOG_TRACE))) log_change(rt, s, atom, added);
    type_world_note(&rt->types, atom);
    if (added) note_override(rt, atom_deref(atom));
    if (is_seen(rt, s)) note_meaning(rt, atom_deref(atom));
    if (UNLIKELY(rt->debug.spaces)) rt->debug.space_changed(rt, s, atom, added);
}

Space *rt_space_new(Runtime *rt, const char *name)
{
    Space *s = space_new(&rt->heap, rt->store, name);
    space_observe(s, note_change, rt);
    return s;
}

static Space *module_space(Runtime *rt, const char *name)
{
    Buf text = {0};
    if (strcmp(name, "top") == 0)
        buf_puts(&text, "ModuleSpace(GroundingSpace-top)");
    else
        buf_printf(&text, "ModuleSpace(GroundingSpace-top:%s)", name);
    Space *s = rt_space_new(rt, buf_cstr(&text));
    buf_free(&text);
    word_ext(space_word(s))->store_refs++; /* held by the module */
    return s;
}

Module *rt_module_new(Runtime *rt, const char *name, const char *dir, const char *file)
{
    Module *m = base_calloc(1, sizeof *m);
    m->name = base_strndup(name, strlen(name));
    m->dir = dir ? base_strndup(dir, strlen(dir)) : NULL;
    m->file = file ? base_strndup(file, strlen(file)) : NULL;
    m->space = module_space(rt, name);
    m->scope = rt_scope(rt, m->space);
    m->scope->has_core = true;
    if (rt->core) {
        scope_add_space(m->scope, rt->core->space);
        m->core_tokens = &rt->core->tokens;
    }
    rt_add_token(rt, m, "&self", 5, space_word(m->space));
    vec_push(&rt->modules, m);
    return m;
}

void rt_module_free(Module *m)
{
    base_free(m->name);
    base_free(m->dir);
    base_free(m->file);
    rt_free_tokens(m);
    vec_free(&m->imports);
    vec_free(&m->sources);
    vec_free(&m->spans);
    base_free(m);
}

Module *rt_module_find(Runtime *rt, const char *name)
{
    if (strncmp(name, "top:", 4) == 0) name += 4;
    if (strcmp(name, "stdlib") == 0) name = "corelib";
    for (size_t i = 0; i < rt->modules.len; i++) {
        Module *m = rt->modules.data[i];
        if (!m->failed && strcmp(m->name, name) == 0) return m;
    }
    return NULL;
}

Module *rt_module_of(Runtime *rt, const Space *s)
{
    for (size_t i = 0; i < rt->modules.len; i++)
        if (rt->modules.data[i]->space == s) return rt->modules.data[i];
    return NULL;
}

/* -- Places of rules -- */

void rt_keep_spans(Module *m, const Span *spans, size_t n)
{
    RuleSource source = {space_last_rule(m->space), (uint32_t)m->spans.len, (uint32_t)n};
    vec_push(&m->sources, source);
    for (size_t i = 0; i < n; i++) vec_push(&m->spans, spans[i]);
}

const Span *rt_rule_spans(Runtime *rt, const Space *s, uint32_t rule, size_t *n)
{
    const Module *m = rt_module_of(rt, s);
    if (!m) return NULL;
    size_t at;
    vec_search(&m->sources, rule, rule, at);
    if (at == m->sources.len || m->sources.data[at].rule != rule) return NULL;
    *n = m->sources.data[at].count;
    return m->spans.data + m->sources.data[at].first;
}

/* -- Importing -- */

void rt_module_import(Runtime *rt, Module *into, Module *from)
{
    if (into == from) return;
    for (size_t i = 0; i < into->imports.len; i++)
        if (into->imports.data[i] == from) return;
    vec_push(&into->imports, from);
    scope_add_space(into->scope, from->space);
    for (size_t i = 0; !rt->settings.strict && i < from->scope->spaces.len; i++)
        if (from->scope->spaces.data[i] != into->space)
            scope_add_space(into->scope, from->scope->spaces.data[i]);
    if (from->builtin) rt_copy_tokens(from, into);
    rt_note_change(rt, WORD_NIL, true);
    LOG(&rt->log, MODULE, DEBUG, "imported", LOG_TEXT("module", from->name, strlen(from->name)),
        LOG_TEXT("into", into->name, strlen(into->name)));
}

/* -- Loading -- */

void rt_load_embedded(Runtime *rt, Module *m)
{
    m->loaded = true;
    for (size_t i = 0; i < embedded_lib_count; i++) {
        if (strcmp(embedded_lib[i].name, m->name) != 0) continue;
        QueryResults last = {0};
        char file[128];
        snprintf(file, sizeof file, "lib/%s.metta", m->name);
        Module *before = rt->current;
        rt->current = m;
        if (!rt->engine.run_text(rt, m, embedded_lib[i].text, embedded_lib[i].length, file, &last))
            base_fatal("the library %s is broken", m->name);
        rt->current = before;
        vec_free(&last.atoms);
    }
}

/* The name with ':' as '/' below DIR plus SUFFIX, as a canonical path to be freed, or NULL when there is no such file. */
static char *candidate(const char *dir, const char *name, const char *suffix)
{
    Buf path = {0};
    if (dir && *dir) buf_printf(&path, "%s/", dir);
    for (const char *p = name; *p; p++) buf_putc(&path, *p == ':' ? '/' : *p);
    buf_puts(&path, suffix);
    struct stat st;
    char *found = NULL;
    if (stat(buf_cstr(&path), &st) == 0 && S_ISREG(st.st_mode)) found = realpath(buf_cstr(&path), NULL);
    buf_free(&path);
    return found;
}

static char *find_below(const char *dir, const char *name)
{
    char *path = candidate(dir, name, ".metta");
    return path ? path : candidate(dir, name, "/module.metta");
}

static char *find_module_file(Runtime *rt, const Module *from, const char *name)
{
    char *path = NULL;
    if (from->dir) path = find_below(from->dir, name);
    if (!path && rt->top->dir && rt->top != from) path = find_below(rt->top->dir, name);
    for (size_t i = 0; !path && i < rt->search_dirs.len; i++)
        path = find_below(rt->search_dirs.data[i], name);
    if (!path && !from->dir && !rt->top->dir) path = find_below(".", name);
    return path;
}

/* Why the text of FILE did not run to its end: the cause of the error that a query ended in. */
static Word load_error(Runtime *rt, const Module *m, const char *file, const QueryResults *last)
{
    for (size_t i = 0; i < last->atoms.len; i++) {
        Word atom = last->atoms.data[i];
        if (atom_is_error(atom) && expr_len(atom) == 3) return expr_at(atom, 2);
    }
    return rt_message(rt, "Failed to load module %s from %s", m->name, file);
}

/* Run the text of FILE in M; on failure *ERROR says why. */
static bool run_file(Runtime *rt, Module *m, const char *file, QueryResults *last, Word *error)
{
    FileText text;
    if (!file_read(file, &text)) {
        *error = rt_message(rt, "Cannot read %s: %s", file, text.error);
        return false;
    }
    Module *before = rt->current;
    rt->current = m;
    bool ok = rt->engine.run_text(rt, m, text.data, text.len, file, last);
    rt->current = before;
    file_free(&text);
    if (!ok) *error = load_error(rt, m, file, last);
    return ok;
}

static Module *load_file(Runtime *rt, const char *name, char *path, Word *error)
{
    char *dir = file_folder(path);
    Module *m = rt_module_new(rt, name, dir, path);
    base_free(dir);
    m->loaded = true;
    LOG(&rt->log, MODULE, DEBUG, "loading", LOG_TEXT("module", name, strlen(name)),
        LOG_TEXT("file", path, strlen(path)));
    QueryResults last = {0};
    bool ok = run_file(rt, m, path, &last, error);
    vec_free(&last.atoms);
    m->failed = !ok;
    return ok ? m : NULL;
}

static Module *find_by_file(Runtime *rt, const char *path)
{
    for (size_t i = 0; i < rt->modules.len; i++) {
        Module *m = rt->modules.data[i];
        if (m->file && !m->failed && strcmp(m->file, path) == 0) return m;
    }
    return NULL;
}

/* The name without its "top:" or "self:" prefix. */
static const char *local_name(const char *name)
{
    if (strncmp(name, "top:", 4) == 0) return name + 4;
    if (strncmp(name, "self:", 5) == 0) return name + 5;
    return name;
}

Module *rt_module_load(Runtime *rt, Module *from, const char *name, Word *error)
{
    const char *local = local_name(name);
    if (strcmp(local, "top") == 0) return rt->top;
    if (strcmp(local, "self") == 0) return from;
    Module *m = rt_module_find(rt, local);
    if (m && m->builtin) {
        if (!m->loaded) rt_load_embedded(rt, m);
        return m;
    }
    char *path = find_module_file(rt, strncmp(name, "top:", 4) == 0 ? rt->top : from, local);
    if (!path) {
        if (m) return m; /* registered under this name */
        *error = rt_message(rt, "Failed to resolve module top:%s", local);
        return NULL;
    }
    m = find_by_file(rt, path);
    if (!m) m = load_file(rt, local, path, error);
    free(path);
    return m;
}

bool rt_include(Runtime *rt, Module *into, const char *name, Word *result, Word *error)
{
    char *path = find_module_file(rt, into, local_name(name));
    if (!path) {
        *error = rt_message(rt, "Failed to resolve module %s", local_name(name));
        return false;
    }
    QueryResults last = {0};
    bool ok = run_file(rt, into, path, &last, error);
    if (ok) *result = atom_expr(&rt->heap, last.atoms.data, (uint32_t)last.atoms.len);
    vec_free(&last.atoms);
    free(path);
    return ok;
}

bool rt_module_register(Runtime *rt, const char *path, Word *error)
{
    char *file = candidate(NULL, path, "");
    if (!file) file = find_below(NULL, path);
    if (!file) {
        *error = rt_message(rt, "No module format able to interpret module at %s", path);
        return false;
    }
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    size_t len = strcspn(base, ".");
    char *name = base_strndup(base, len);
    bool ok = find_by_file(rt, file) || load_file(rt, name, file, error);
    base_free(name);
    free(file);
    return ok;
}
