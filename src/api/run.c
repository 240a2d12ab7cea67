/* Running and reading text. */
#include "api/api.h"

#include "base/file.h"
#include "builtin/builtin.h"
#include "vm/vm.h"

#include <errno.h>
#include <stdio.h>

/* -- Places -- */

MtSpan api_span(const MtRuntime *x, const Span *s)
{
    const char *file = s->file < x->rt->files.len ? x->rt->files.data[s->file] : "";
    return (MtSpan){file, s->line, s->column, s->end_line, s->end_column};
}

/* Copy the source line into the error, so that the character in column COLUMN can be pointed at: a long line is cut, and
 * each character takes one place. */
static void note_source(MtError *e, const char *line, size_t len, uint32_t column)
{
    enum { BEFORE = 60, SHOWN = 120 };
    uint32_t first = column > BEFORE ? column - BEFORE : 1, at = 1;
    size_t used = 0;
    for (size_t i = 0; i < len && at < first + SHOWN && used + 5 < sizeof e->source; at++) {
        uint32_t c;
        size_t n = utf8_decode(line + i, len - i, &c);
        bool shown = n > 0 && c >= 0x20 && !(c >= 0x7F && c < 0xA0);
        if (at >= first) {
            memcpy(e->source + used, shown ? line + i : c == '\t' && n ? " " : "?", shown ? n : 1);
            used += shown ? n : 1;
        }
        i += n ? n : 1;
    }
    e->source[used] = '\0';
    e->caret = column >= first ? column - first : 0;
}

static MtStatus fail_read(MtRuntime *x, MtStatus status, const ReadError *error, const char *name,
                          const char *line, size_t len)
{
    api_fail(x, status, "%s", error->message);
    x->error.span = (MtSpan){name, error->line, error->column, error->line, error->column};
    note_source(&x->error, line, len, error->column);
    return status;
}

/* -- Runs -- */

typedef struct Run {
    MtRuntime *x;
    const char *name;
    MtOnResult on_result;
    void *context;
    size_t query;
    uint64_t began;
    MtStatus status;
} Run;

static bool report(Run *r, const QueryResults *results, const Span *span)
{
    MtRuntime *x = r->x;
    size_t scope = mt_scope_open(x);
    VEC(MtAtom) atoms = {0};
    uint64_t now = base_now_ns();
    for (size_t i = 0; i < results->atoms.len; i++) vec_push(&atoms, api_local(x, results->atoms.data[i]));
    MtResult result = {
        .query = r->query++,
        .atoms = atoms.data,
        .count = atoms.len,
        .is_error = results->is_error,
        .elapsed_ns = now - r->began,
    };
    if (span) result.span = api_span(x, span);
    x->queries++;
    bool go_on = !r->on_result || r->on_result(r->context, x, &result);
    vec_free(&atoms);
    mt_scope_close(x, scope);
    api_query_ended(x);
    r->began = base_now_ns();
    return go_on;
}

static bool query_ended(void *context, const QueryResults *results, const Span *span)
{
    return report(context, results, span);
}

static void text_is_wrong(void *context, const ReadError *error, const char *line, size_t len)
{
    Run *r = context;
    r->status = fail_read(r->x, MT_SYNTAX, error, r->name, line, len);
}

/* Why did the engine give the run up? */
static MtStatus fail_aborted(MtRuntime *x)
{
    Limits *l = &x->rt->limits;
    if (l->interrupted) {
        l->interrupted = 0;
        return api_fail(x, MT_INTERRUPTED, "interrupted");
    }
    if (l->deadline_ns && base_now_ns() >= l->deadline_ns) return api_fail(x, MT_TIMEOUT, "out of time");
    return api_fail(x, MT_NO_MEMORY, "out of memory");
}

/* Begin a run: the time limit is for the outermost one. */
static void enter(MtRuntime *x)
{
    uint64_t timeout = x->rt->settings.timeout_ns;
    if (x->busy++ > 0) return;
    x->rt->limits.deadline_ns = timeout ? base_now_ns() + timeout : 0;
}

static void leave(MtRuntime *x)
{
    if (--x->busy > 0) return;
    x->rt->limits.deadline_ns = 0;
}

/* What a run that ended as STATUS says returns. */
static MtStatus run_status(Run *r, RunStatus status)
{
    switch (status) {
    case RUN_OK:
        break;
    case RUN_ERROR:
        r->status = api_fail(r->x, MT_QUERY_ERROR, "a query ended in an error");
        break;
    case RUN_SYNTAX:
        assert(r->status != MT_OK);
        break;
    case RUN_STOPPED:
        r->status = api_fail(r->x, MT_STOPPED, "stopped");
        break;
    case RUN_ABORTED:
        r->status = fail_aborted(r->x);
        break;
    }
    return r->status;
}

MtStatus mt_run(MtRuntime *x, const char *name, const char *text, size_t len, MtOnResult on_result,
                void *context)
{
    uint64_t began = base_now_ns();
    Run r = {x, name, on_result, context, 0, began, MT_OK};
    RunEvents events = {&r, query_ended, text_is_wrong};
    api_rest(x);
    enter(x);
    run_status(&r, interp_run(x->rt, x->rt->top, text, len, name, &events));
    leave(x);
    if (x->busy == 0) x->run_ns += base_now_ns() - began;
    return r.status;
}

MtStatus mt_eval(MtRuntime *x, MtAtom atom, MtOnResult on_result, void *context)
{
    uint64_t began = base_now_ns();
    Run r = {x, "", on_result, context, 0, began, MT_OK};
    QueryResults results = {0};
    api_rest(x);
    enter(x);
    interp_eval(x->rt, x->rt->top->scope, api_word(x, atom), &results);
    bool go_on = report(&r, &results, NULL);
    if (results.aborted)
        r.status = fail_aborted(x);
    else if (results.is_error)
        r.status = api_fail(x, MT_QUERY_ERROR, "a query ended in an error");
    else if (!go_on)
        r.status = api_fail(x, MT_STOPPED, "stopped");
    leave(x);
    vec_free(&results.atoms);
    if (x->busy == 0) x->run_ns += base_now_ns() - began;
    return r.status;
}

/* -- Files -- */

/* Imports of the program are looked up in the folder of its file. */
static void set_folder(Module *m, const char *path)
{
    base_free(m->dir);
    m->dir = file_folder(path);
}

/* What stands for the text of the file PATH in messages. */
static const char *file_label(const char *path)
{
    return strcmp(path, "-") == 0 ? "<stdin>" : path;
}

/* -- Compiled programs -- */

static ReadStatus next_compiled(void *program, Word *form, Span *span)
{
    return mbc_next(program, form, span);
}

static const Span *compiled_spans(void *program, size_t *count)
{
    return mbc_spans(program, count);
}

/* Open the compiled program TEXT of file PATH.  It stays open as long as X: its chunks may be wanted at any time. */
static Mbc *open_compiled(MtRuntime *x, const char *path, const FileText *text)
{
    Buf reason = {0};
    Mbc *program = mbc_open(x->rt, text->data, text->len, x->rt->top->dir ? x->rt->top->dir : ".",
                            mt_version(), &reason);
    if (!program) api_fail(x, MT_REFUSED, "%s: %s", file_label(path), buf_cstr(&reason));
    if (program) vec_push(&x->programs, program);
    if (program && x->vm) vec_push(&x->vm->programs, program);
    buf_free(&reason);
    return program;
}

static MtStatus run_compiled(MtRuntime *x, const char *path, const FileText *text, MtOnResult on_result,
                             void *context)
{
    uint64_t began = base_now_ns();
    api_rest(x);
    Mbc *program = open_compiled(x, path, text);
    if (!program) return MT_REFUSED;
    Run r = {x, mbc_file(program), on_result, context, 0, began, MT_OK};
    RunEvents events = {&r, query_ended, text_is_wrong};
    FormSource source = {program, next_compiled, compiled_spans};
    enter(x);
    run_status(&r, interp_run_forms(x->rt, x->rt->top, &source, &events));
    leave(x);
    if (x->busy == 0) x->run_ns += base_now_ns() - began;
    return r.status;
}

static MtStatus write_file(MtRuntime *x, const char *path, const Buf *bytes)
{
    FILE *file = fopen(path, "wb");
    if (!file) return api_fail(x, MT_IO, "%s: %s", path, strerror(errno));
    bool ok = fwrite(bytes->data, 1, bytes->len, file) == bytes->len;
    if (fclose(file) != 0) ok = false;
    return ok ? MT_OK : api_fail(x, MT_IO, "%s: cannot write: %s", path, strerror(errno));
}

static MtStatus fail_reader(MtRuntime *x, const Reader *r, ReadStatus status, const char *name);

/* The program is compiled in a runtime of its own, as one that does nothing but run it would. */
static MtStatus compile_text(MtRuntime *x, const char *name, const char *text, size_t len, Buf *out)
{
    Runtime *rt = rt_new(builtin_table, BI_COUNT, &interp_engine);
    if (!rt) return api_fail(x, MT_NO_MEMORY, "not enough address space");
    Reader *reader = reader_new(&rt->heap, rt->symbols, NULL, text, len, UINT32_MAX);
    MtStatus status = MT_OK;
    if (!mbc_compile(rt, reader, text, len, name, mt_version(), out))
        status = fail_reader(x, reader, READ_ERROR, name);
    reader_free(reader);
    rt_free(rt);
    return status;
}

MtStatus mt_compile_file(MtRuntime *x, const char *path, const char *out_path)
{
    FileText text;
    Buf out = {0};
    if (!file_read(path, &text)) return api_fail(x, MT_IO, "%s: %s", path, text.error);
    const char *label = file_label(path);
    MtStatus status = mbc_is(text.data, text.len)
                          ? api_fail(x, MT_INVALID, "%s: this is a compiled program already", label)
                          : compile_text(x, label, text.data ? text.data : "", text.len, &out);
    file_free(&text);
    if (status == MT_OK) status = write_file(x, out_path, &out);
    buf_free(&out);
    return status;
}

MtStatus mt_run_file(MtRuntime *x, const char *path, MtOnResult on_result, void *context)
{
    FileText text;
    if (!file_read(path, &text)) return api_fail(x, MT_IO, "%s: %s", path, text.error);
    set_folder(x->rt->top, strcmp(path, "-") == 0 ? "" : path);
    MtStatus status;
    if (mbc_is(text.data, text.len))
        status = run_compiled(x, path, &text, on_result, context);
    else
        status = mt_run(x, file_label(path), text.data ? text.data : "", text.len, on_result, context);
    file_free(&text);
    return status;
}

/* -- Reading only -- */

static MtStatus fail_reader(MtRuntime *x, const Reader *r, ReadStatus status, const char *name)
{
    const ReadError *error = reader_error(r);
    size_t len;
    const char *line = reader_line_at(r, error->offset, &len);
    return fail_read(x, status == READ_INCOMPLETE ? MT_INCOMPLETE : MT_SYNTAX, error, name, line, len);
}

/* A text read form by form: TAKE is called with each form, in a handle scope of its own, and says whether to go on.  What it makes no
 * handles of does not survive a callback that evaluates. */
typedef struct Reading Reading;
struct Reading {
    MtRuntime *x;
    const char *name;
    Reader *reader;
    bool (*take)(Reading *r, Word form, const Span *span);
    union {
        MtOnForm form;
        MtOnNode node;
    } on;
    void *context;
};

static MtSpan reading_span(const Reading *r, const Span *span)
{
    MtSpan place = api_span(r->x, span);
    place.file = r->name;
    return place;
}

static MtStatus read_forms(Reading *r)
{
    MtStatus status = MT_OK;
    Word form;
    Span span;
    ReadStatus read;
    while (status == MT_OK && (read = reader_next(r->reader, &form, &span)) != READ_EOF) {
        if (read != READ_FORM) {
            status = fail_reader(r->x, r->reader, read, r->name);
            break;
        }
        size_t scope = mt_scope_open(r->x);
        r->x->busy++;
        if (!r->take(r, form, &span)) status = MT_STOPPED;
        r->x->busy--;
        mt_scope_close(r->x, scope);
    }
    reader_free(r->reader);
    api_rest(r->x);
    return status;
}

static bool give_form(Reading *r, Word form, const Span *span)
{
    MtSpan place = reading_span(r, span);
    return !r->on.form || r->on.form(r->context, r->x, api_local(r->x, form), &place);
}

MtStatus mt_read(MtRuntime *x, const char *name, const char *text, size_t len, MtOnForm on_form,
                 void *context)
{
    Runtime *rt = x->rt;
    Tokens tokens = rt_tokens(rt, rt->top);
    Reading r = {.x = x, .name = name, .take = give_form, .on.form = on_form, .context = context};
    r.reader = reader_new(&rt->heap, rt->symbols, &tokens, text, len, UINT32_MAX);
    return read_forms(&r);
}

MtStatus mt_check_text(MtRuntime *x, const char *text, size_t len)
{
    return mt_read(x, "", text, len, NULL, NULL);
}

/* -- Nodes -- */

/* The nodes of a form as local handles from place FIRST on, with their depths. */
typedef struct NodeList {
    size_t first;
    VEC(uint32_t) depths;
} NodeList;

/* An expression whose items from NEXT on are not listed yet. */
typedef struct OpenExpr {
    Word expr;
    uint32_t next;
} OpenExpr;
typedef VEC(OpenExpr) OpenExprs;

static void list_node(MtRuntime *x, NodeList *list, OpenExprs *open, Word node)
{
    vec_push(&list->depths, (uint32_t)open->len);
    api_local(x, node);
    if (!atom_is_cons(node)) return;
    OpenExpr e = {node, 0};
    vec_push(open, e);
}

/* In pre-order, as the reader has the spans. */
static void list_nodes(MtRuntime *x, NodeList *list, Word form)
{
    OpenExprs open = {0};
    list_node(x, list, &open, form);
    while (open.len) {
        OpenExpr *e = &open.data[open.len - 1];
        if (e->next == expr_len(e->expr))
            open.len--;
        else
            list_node(x, list, &open, expr_at(e->expr, e->next++));
    }
    vec_free(&open);
}

/* All handles are made before the first callback, which may collect. */
static bool give_nodes(Reading *r, Word form, const Span *span)
{
    MtRuntime *x = r->x;
    NodeList list = {.first = mt_scope_open(x)};
    bool go_on = true;
    size_t count;
    (void)span;
    list_nodes(x, &list, form);
    const Span *spans = reader_spans(r->reader, &count);
    assert(count == list.depths.len);
    for (size_t i = 0; go_on && i < list.depths.len; i++) {
        size_t scope = mt_scope_open(x);
        MtNode node = {{list.first + i + 1}, list.depths.data[i], reading_span(r, &spans[i])};
        go_on = r->on.node(r->context, x, &node);
        mt_scope_close(x, scope);
    }
    vec_free(&list.depths);
    return go_on;
}

/* A word is a leaf of the text, whatever it stands for. */
static bool lookup_leaf(void *context, uint32_t symbol, Word *out)
{
    const Tokens *tokens = context;
    return tokens->lookup(tokens->context, symbol, out) && !atom_is_cons(*out);
}

MtStatus mt_read_nodes(MtRuntime *x, const char *name, const char *text, size_t len, MtOnNode on_node,
                       void *context)
{
    Runtime *rt = x->rt;
    Tokens all = rt_tokens(rt, rt->top), leaves = {lookup_leaf, &all};
    Reading r = {.x = x, .name = name, .take = give_nodes, .on.node = on_node, .context = context};
    r.reader = reader_new(&rt->heap, rt->symbols, &leaves, text, len, UINT32_MAX);
    reader_span_leaves(r.reader);
    return read_forms(&r);
}

MtStatus mt_read_nodes_file(MtRuntime *x, const char *path, MtOnNode on_node, void *context)
{
    FileText text;
    if (!file_read(path, &text)) return api_fail(x, MT_IO, "%s: %s", path, text.error);
    MtStatus status =
        mt_read_nodes(x, file_label(path), text.data ? text.data : "", text.len, on_node, context);
    file_free(&text);
    return status;
}

static bool take_form(void *context, MtRuntime *x, MtAtom form, const MtSpan *span)
{
    WordVec *forms = context;
    (void)span;
    vec_push(forms, api_word(x, form));
    return forms->len < 2;
}

MtStatus mt_parse(MtRuntime *x, const char *text, size_t len, MtAtom *out)
{
    WordVec forms = {0};
    *out = (MtAtom){0};
    api_rest(x);
    x->busy++; /* the words in FORMS must stay where they are */
    MtStatus status = mt_read(x, "<text>", text, len, take_form, &forms);
    if (status == MT_OK && forms.len == 1)
        *out = api_local(x, forms.data[0]);
    else if (status == MT_OK || status == MT_STOPPED)
        status = api_fail(x, MT_SYNTAX, "one atom is wanted, the text has %s", forms.len ? "more" : "none");
    x->busy--;
    vec_free(&forms);
    return status;
}
