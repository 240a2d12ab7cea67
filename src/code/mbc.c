#include "code/mbc.h"

#include "base/file.h"
#include "code/audit.h"
#include "code/compile.h"
#include "code/digest.h"
#include "code/image.h"

#include <stdio.h>

/* The first byte is none of a text, and a transfer as text damages the others. */
static const char magic[8] = "\x89MBC\r\n\x1a\n";

enum { VERSION_SIZE = 32 };

/* The head of a file; what follows, the content, has its length and checksum here.  Numbers are little-endian. */
enum {
    AT_FORMAT = 8,   /* 4 bytes */
    AT_OPCODES = 16, /* 8 bytes: opcode_digest */
    AT_VERSION = 24, /* padded with zeros */
    AT_LENGTH = AT_VERSION + VERSION_SIZE,
    AT_CHECKSUM = AT_LENGTH + 8,
};
static_assert(AT_CHECKSUM + 8 == MBC_HEAD, "the head has the size that the header says");

bool mbc_is(const char *data, size_t len)
{
    return len >= sizeof magic && memcmp(data, magic, sizeof magic) == 0;
}

/* Numbers, names and operands of all opcodes. */
static uint64_t opcode_digest(void)
{
    uint64_t state = 0;
    for (unsigned i = 0; i <= UINT8_MAX; i++) {
        const OpInfo *op = op_info((uint8_t)i);
        if (!op->mnemonic) continue;
        state = base_hash_mix(state, i);
        state = base_hash_mix(state, base_hash(op->mnemonic, strlen(op->mnemonic)));
        state = base_hash_mix(state, base_hash(op->operands, strlen(op->operands)));
        state = base_hash_mix(state, (uint64_t)(uint8_t)op->pops << 8 | (uint8_t)op->pushes);
    }
    return state;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* -- Making -- */

static void put_fixed(char *to, unsigned size, uint64_t n)
{
    for (unsigned i = 0; i < size; i++) to[i] = (char)(n >> (8 * i));
}

void mbc_wrap(const char *content, size_t len, const char *version, Buf *out)
{
    char head[MBC_HEAD] = {0};
    memcpy(head, magic, sizeof magic);
    put_fixed(head + AT_FORMAT, 4, MBC_FORMAT);
    put_fixed(head + AT_OPCODES, 8, opcode_digest());
    strncpy(head + AT_VERSION, version, VERSION_SIZE - 1);
    put_fixed(head + AT_LENGTH, 8, len);
    put_fixed(head + AT_CHECKSUM, 8, base_hash(content, len));
    buf_put(out, head, MBC_HEAD);
    buf_put(out, content, len);
}

/* Lines relative to the line before: most are the same or the next. */
static void put_span(Packer *p, const Span *s, uint32_t *line)
{
    pack_number(p, s->line - *line);
    pack_number(p, s->column);
    pack_number(p, s->end_line - s->line);
    pack_number(p, s->end_column);
    *line = s->line;
}

static void put_form(Packer *p, Word form, const Span *span, const Span *spans, size_t n, bool query)
{
    uint32_t line = 0;
    pack_number(p, query);
    put_span(p, span, &line);
    /* Only those of rules are asked for. */
    bool rule = !query && atom_is_triple(form, W_SYM(EQUAL));
    pack_number(p, rule ? n : 0);
    for (size_t i = 0; rule && i < n; i++) put_span(p, &spans[i], &line);
    pack_form(p, form);
}

/* All forms; those that are no queries are read once more with the tokens there are, and added. */
static ReadStatus put_forms(Packer *p, Runtime *rt, Reader *reader, Reader *meant, uint32_t *count)
{
    Word form, same;
    Span span;
    bool query = false;
    ReadStatus status;
    while ((status = reader_next(reader, &form, &span)) == READ_FORM) {
        size_t n;
        if (reader_next(meant, &same, &span) != READ_FORM) base_fatal("a text is read in two ways");
        if (form == W_SYM(BANG) && !query) {
            query = true;
            continue;
        }
        const Span *spans = reader_spans(meant, &n);
        put_form(p, form, &span, spans, n, query);
        if (!query) {
            space_add(rt->top->space, same);
            if (atom_is_triple(same, W_SYM(EQUAL))) rt_keep_spans(rt->top, spans, n);
        }
        query = false;
        ++*count;
    }
    return status;
}

/* A function that cannot be compiled, or not be kept in a file, is left to the time of the run. */
static bool put_function(Packer *p, Runtime *rt, Functions *fs, FunctionName f, uint32_t file)
{
    CompileRefusal why;
    const char *error;
    uint32_t at;
    Chunk *c = compile_function(rt, rt->top->scope, fs, f.name, f.arity, NULL, &why);
    bool kept = c && chunk_audit(rt, c, &error, &at) && image_put(p, rt->top->scope, c, file);
    chunk_free(c);
    return kept;
}

static uint32_t put_chunks(Packer *p, Runtime *rt, uint32_t file)
{
    Functions fs = {0};
    FunctionNames names = {0};
    uint32_t count = 0;
    functions_defined(rt->top->space, &names);
    for (size_t i = 0; i < names.len; i++)
        if (names.data[i].name != SYM_HEADED) count += put_function(p, rt, &fs, names.data[i], file);
    vec_free(&names);
    functions_fini(&fs);
    return count;
}

static void put_source(Packer *p, const char *file, const char *text, size_t len)
{
    pack_bytes(p, file, strlen(file));
    pack_number(p, len);
    pack_number(p, base_hash(text, len));
}

/* The content: names, source, forms, chunks.  The numbers of forms and chunks are known when they have been written. */
static void put_content(const Packer *source, Packer *forms, uint32_t form_count, const Packer *chunks,
                        uint32_t chunk_count, Buf *out)
{
    Packer counts = {0};
    pack_table(forms, out);
    buf_put(out, source->out.data, source->out.len);
    pack_number(&counts, form_count);
    buf_put(out, counts.out.data, counts.out.len);
    buf_put(out, forms->out.data, forms->out.len);
    vec_clear(&counts.out);
    pack_number(&counts, chunk_count);
    buf_put(out, counts.out.data, counts.out.len);
    buf_put(out, chunks->out.data, chunks->out.len);
    packer_free(&counts);
}

static void put_all(Packer *forms, uint32_t count, Runtime *rt, const char *text, size_t len,
                    const char *file, const char *version, Buf *out)
{
    Packer source = {.rt = rt};
    Buf content = {0};
    put_source(&source, file, text, len);
    Packer all = *forms; /* one table of names for both */
    size_t form_bytes = all.out.len;
    uint32_t chunk_count = put_chunks(&all, rt, (uint32_t)rt->files.len - 1);
    Packer chunks = {.rt = rt};
    if (chunk_count) buf_put(&chunks.out, all.out.data + form_bytes, all.out.len - form_bytes);
    all.out.len = form_bytes;
    *forms = all;
    put_content(&source, forms, count, &chunks, chunk_count, &content);
    mbc_wrap(content.data, content.len, version, out);
    packer_free(&source);
    packer_free(&chunks);
    buf_free(&content);
}

bool mbc_compile(Runtime *rt, Reader *reader, const char *text, size_t len, const char *file,
                 const char *version, Buf *out)
{
    Packer forms = {.rt = rt};
    uint32_t count = 0;
    Tokens tokens = rt_tokens(rt, rt->top);
    vec_push(&rt->files, base_strndup(file, strlen(file)));
    Reader *meant = reader_new(&rt->heap, rt->symbols, &tokens, text, len, (uint32_t)rt->files.len - 1);
    bool ok = put_forms(&forms, rt, reader, meant, &count) == READ_EOF;
    if (ok) put_all(&forms, count, rt, text, len, file, version, out);
    reader_free(meant);
    packer_free(&forms);
    return ok;
}

/* -- Opening -- */

/* Where a chunk is, and of which function. */
typedef struct Entry {
    uint32_t name, arity;
    const uint8_t *at;
} Entry;

struct Mbc {
    Runtime *rt;
    char *data;
    Unpacker u;
    const uint8_t *next; /* form */
    uint32_t left;       /* forms from there on */
    bool after_mark;     /* the mark of a query has been given */
    uint32_t file;       /* its index in rt->files */
    VEC(Span) spans;     /* of the form given last */
    VEC(Entry) chunks;
    uint32_t *table; /* of chunks: open addressing by name and arity, index + 1 */
    uint32_t mask;
};

void mbc_close(Mbc *m)
{
    if (!m) return;
    unpacker_free(&m->u);
    vec_free(&m->spans);
    vec_free(&m->chunks);
    base_free(m->table);
    base_free(m->data);
    base_free(m);
}

const char *mbc_file(const Mbc *m)
{
    return m->rt->files.data[m->file];
}

static uint64_t get_fixed(const char *from, unsigned size)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < size; i++) n |= (uint64_t)(uint8_t)from[i] << (8 * i);
    return n;
}

static bool refuse(Buf *error, const char *reason)
{
    buf_puts(error, reason);
    return false;
}

static bool check_head(const char *data, size_t len, const char *version, Buf *error)
{
    if (!mbc_is(data, len)) return refuse(error, "no compiled program");
    if (len < MBC_HEAD) return refuse(error, "the compiled program is cut off");
    uint64_t format = get_fixed(data + AT_FORMAT, 4);
    if (format != MBC_FORMAT) {
        buf_printf(error, "compiled in format %llu, this runtime has format %u: compile it again",
                   (unsigned long long)format, MBC_FORMAT);
        return false;
    }
    char made_by[VERSION_SIZE + 1] = {0};
    memcpy(made_by, data + AT_VERSION, VERSION_SIZE);
    if (strncmp(made_by, version, VERSION_SIZE - 1) != 0) {
        for (char *c = made_by; *c; c++)
            if (*c < 0x20 || *c > 0x7E) *c = '?';
        buf_printf(error, "compiled by %s, this is %s: compile it again", made_by, version);
        return false;
    }
    if (get_fixed(data + AT_OPCODES, 8) != opcode_digest())
        return refuse(error, "compiled for other instructions than this runtime has: compile it again");
    uint64_t length = get_fixed(data + AT_LENGTH, 8);
    if (length > len - MBC_HEAD) return refuse(error, "the compiled program is cut off");
    if (length < len - MBC_HEAD) return refuse(error, "something follows the compiled program");
    if (get_fixed(data + AT_CHECKSUM, 8) != base_hash(data + MBC_HEAD, length))
        return refuse(error, "the compiled program is damaged: its checksum is wrong");
    return true;
}

/* Is the source beside the compiled program what was compiled? */
static bool check_source(const char *folder, const char *file, uint64_t len, uint64_t hash, Buf *error)
{
    Buf path = {0};
    FileText text;
    buf_printf(&path, "%s/%s", folder, base_name(file));
    bool fresh = true;
    if (*base_name(file) && file_read(buf_cstr(&path), &text)) {
        fresh = text.len == len && base_hash(text.len ? text.data : "", text.len) == hash;
        file_free(&text);
    }
    if (!fresh) buf_printf(error, "stale: %s has changed since it was compiled", buf_cstr(&path));
    buf_free(&path);
    return fresh;
}

static bool get_source(Mbc *m, const char *folder, Buf *error)
{
    size_t len;
    const uint8_t *name = unpack_bytes(&m->u, &len);
    uint64_t size = unpack_number(&m->u, UINT64_MAX), hash = unpack_number(&m->u, UINT64_MAX);
    if (m->u.bad || memchr(name, '\0', len))
        return refuse(error, "the compiled program is malformed: its source");
    char *file = base_strndup((const char *)name, len);
    vec_push(&m->rt->files, file);
    m->file = (uint32_t)m->rt->files.len - 1;
    return check_source(folder, file, size, hash, error);
}

static Span get_span(Mbc *m, uint32_t *line)
{
    Span s = {.file = m->file};
    s.line = *line += (uint32_t)unpack_number(&m->u, UINT32_MAX);
    s.column = (uint32_t)unpack_number(&m->u, UINT32_MAX);
    s.end_line = s.line + (uint32_t)unpack_number(&m->u, UINT32_MAX);
    s.end_column = (uint32_t)unpack_number(&m->u, UINT32_MAX);
    return s;
}

/* The form here. */
static Word get_form(Mbc *m, const Tokens *tokens, Span *span, bool *query)
{
    uint32_t line = 0;
    *query = unpack_number(&m->u, 1) != 0;
    *span = get_span(m, &line);
    uint32_t n = unpack_count(&m->u);
    vec_clear(&m->spans);
    for (uint32_t i = 0; i < n && !m->u.bad; i++) {
        Span s = get_span(m, &line);
        vec_push(&m->spans, s);
    }
    if (n == 0) vec_push(&m->spans, *span); /* whatever is a rule when it is read has a place */
    return unpack_form(&m->u, tokens);
}

/* See that all forms can be read. */
static bool check_forms(Mbc *m, Buf *error)
{
    Tokens tokens = rt_tokens(m->rt, m->rt->top);
    uint64_t serial = m->rt->heap.next_serial;
    m->left = unpack_count(&m->u);
    m->next = m->u.at;
    for (uint32_t i = 0; i < m->left && !m->u.bad; i++) {
        Span span;
        bool query;
        char *top = m->rt->heap.top;
        get_form(m, &tokens, &span, &query);
        m->rt->heap.top = top; /* it was made to be looked at: its memory serves for the next one */
    }
    m->rt->heap.next_serial = serial; /* of variables that nothing refers to */
    return !m->u.bad || refuse(error, "the compiled program is malformed: its forms");
}

static bool check_chunk(Mbc *m, Functions *fs, uint32_t number, Buf *error)
{
    Dependencies depends = {0};
    Entry e = {.at = m->u.at};
    const char *complaint = "it cannot be read";
    uint32_t at = 0;
    char *top = m->rt->heap.top;
    Chunk *c = image_get(&m->u, fs, m->file, &depends);
    bool ok = c && chunk_audit(m->rt, c, &complaint, &at);
    if (ok) {
        e.name = c->name;
        e.arity = c->arity;
        vec_push(&m->chunks, e);
    } else {
        buf_printf(error, "the compiled program is malformed: its function %u, at %u: %s", (unsigned)number,
                   (unsigned)at, complaint);
    }
    chunk_free(c);
    vec_free(&depends);
    m->rt->heap.top = top;
    return ok;
}

static uint32_t entry_place(const Mbc *m, uint32_t name, uint32_t arity)
{
    uint32_t at = (uint32_t)base_hash_word((uint64_t)arity << 32 | name) & m->mask;
    for (; m->table[at]; at = (at + 1) & m->mask) {
        const Entry *e = &m->chunks.data[m->table[at] - 1];
        if (e->name == name && e->arity == arity) break;
    }
    return at;
}

static void make_table(Mbc *m)
{
    uint32_t size = 16;
    while (size < 2 * m->chunks.len) size *= 2;
    m->mask = size - 1;
    m->table = base_calloc(size, sizeof *m->table);
    for (uint32_t i = 0; i < m->chunks.len; i++)
        m->table[entry_place(m, m->chunks.data[i].name, m->chunks.data[i].arity)] = i + 1;
}

/* The functions that these chunks call are looked up in a table that goes with them. */
static bool check_chunks(Mbc *m, Buf *error)
{
    Functions fs = {0};
    uint32_t n = unpack_count(&m->u);
    bool ok = !m->u.bad || refuse(error, "the compiled program is malformed: its functions");
    for (uint32_t i = 0; i < n && ok; i++) ok = check_chunk(m, &fs, i, error);
    functions_fini(&fs);
    if (ok && m->u.at != m->u.end) ok = refuse(error, "the compiled program is malformed: its end");
    if (ok) make_table(m);
    return ok;
}

static bool get_content(Mbc *m, const char *folder, Buf *error)
{
    unpack_table(&m->u);
    if (m->u.bad) return refuse(error, "the compiled program is malformed: its names");
    return get_source(m, folder, error) && check_forms(m, error) && check_chunks(m, error);
}

Mbc *mbc_open(Runtime *rt, const char *data, size_t len, const char *folder, const char *version, Buf *error)
{
    Mbc *m = base_calloc(1, sizeof *m);
    m->rt = rt;
    m->data = base_strndup(data, len);
    if (check_head(m->data, len, version, error)) {
        const uint8_t *content = (const uint8_t *)m->data;
        m->u = (Unpacker){.rt = rt, .at = content + MBC_HEAD, .end = content + len};
        if (get_content(m, folder, error)) return m;
    }
    mbc_close(m);
    return NULL;
}

/* -- Forms -- */

/* The word "!" before a query is a form, as in a text: what it is read as tells that a query follows. */
static ReadStatus give_mark(Mbc *m, Word *form)
{
    Tokens tokens = rt_tokens(m->rt, m->rt->top);
    if (!tokens.lookup(tokens.context, SYM_BANG, form)) *form = W_SYM(BANG);
    m->after_mark = true;
    return READ_FORM;
}

ReadStatus mbc_next(Mbc *m, Word *form, Span *span)
{
    if (m->left == 0) return READ_EOF;
    m->u.at = m->next;
    if (*m->next && !m->after_mark) return give_mark(m, form);
    bool query;
    Tokens tokens = rt_tokens(m->rt, m->rt->top);
    *form = get_form(m, &tokens, span, &query);
    m->next = m->u.at;
    m->after_mark = false;
    m->left--;
    return READ_FORM;
}

const Span *mbc_spans(const Mbc *m, size_t *count)
{
    *count = m->spans.len;
    return m->spans.data;
}

/* -- Chunks -- */

/* Is all that the chunk takes for granted what it was? */
static bool holds(Mbc *m, Scope *scope, const Dependencies *depends)
{
    for (size_t i = 0; i < depends->len; i++) {
        uint64_t digest;
        const Dependency *d = &depends->data[i];
        if (!digest_symbol(m->rt, scope, d->symbol, d->rules, &digest) || digest != d->digest) return false;
    }
    return true;
}

/* What compiling would have left behind: the symbols that are heads of data. */
static void as_if_compiled(Runtime *rt, const Chunk *c)
{
    for (size_t i = 0; i < c->constants.len; i++) {
        if (word_is_sym(c->constants.data[i])) rt_note_data_head(rt, word_sym_id(c->constants.data[i]));
    }
}

Chunk *mbc_chunk(Mbc *m, Scope *scope, Functions *fs, const Function *f)
{
    uint32_t entry = m->table[entry_place(m, f->name, f->arity)];
    if (!entry) return NULL;
    Dependencies depends = {0};
    m->u.at = m->chunks.data[entry - 1].at;
    Chunk *c = image_get(&m->u, fs, m->file, &depends);
    bool ok = c && holds(m, scope, &depends);
    vec_free(&depends);
    if (ok) {
        as_if_compiled(m->rt, c);
        return c;
    }
    chunk_free(c);
    return NULL;
}
