#include "code/asm.h"

#include "code/audit.h"
#include "code/term.h"

typedef struct Label {
    const char *name;
    size_t len;
    uint32_t offset;
} Label;

typedef enum FixupKind { FIX_JUMP, FIX_CASE, FIX_START, FIX_END } FixupKind;

/* An offset that was written as a label: to be filled in when all labels are known. */
typedef struct Fixup {
    const char *name;
    size_t len;
    uint32_t line;
    FixupKind kind;
    uint32_t index; /* of the operand's byte, the case or the expression */
    uint32_t next;  /* jumps: end of the instruction */
} Fixup;

typedef struct LineOf {
    uint32_t offset, line;
} LineOf;

typedef struct Asm {
    Runtime *rt;
    Functions *functions;
    Chunk *chunk;
    const char *at, *end;
    const char *line_start;
    uint32_t line;
    bool has_stack;
    VEC(Label) labels;
    VEC(Fixup) fixups;
    VEC(LineOf) lines;      /* of the instructions */
    VEC(SwitchCase) cases;  /* of all switches */
    VEC(uint32_t) switches; /* how many cases each has */
    Buf *error;
    bool failed;
} Asm;

/* -- Lines and words -- */

static bool fail_at(Asm *a, uint32_t line, const char *place, const char *message)
{
    if (a->failed) return false;
    a->failed = true;
    uint32_t column = 1;
    if (place)
        for (const char *p = a->line_start; p < place; p++) column += ((unsigned char)*p & 0xC0) != 0x80;
    buf_printf(a->error, "%u:%u: %s", (unsigned)line, (unsigned)column, message);
    return false;
}

static bool fail(Asm *a, const char *message)
{
    return fail_at(a, a->line, a->at, message);
}

static void skip_blank(Asm *a)
{
    while (a->at < a->end && (*a->at == ' ' || *a->at == '\t' || *a->at == '\r')) a->at++;
}

/* Is nothing left in the line but a comment? */
static bool at_end_of_line(Asm *a)
{
    skip_blank(a);
    return a->at == a->end || *a->at == '\n' || *a->at == ';';
}

static void next_line(Asm *a)
{
    while (a->at < a->end && *a->at != '\n') a->at++;
    if (a->at < a->end) a->at++;
    a->line_start = a->at;
    a->line++;
}

/* To the beginning of the next line that is not empty; false at the end of the text. */
static bool find_line(Asm *a)
{
    while (at_end_of_line(a)) {
        if (a->at == a->end) return false;
        next_line(a);
    }
    return true;
}

static bool end_line(Asm *a)
{
    if (!at_end_of_line(a)) return fail(a, "more than is wanted in this line");
    next_line(a);
    return true;
}

static bool passes(Asm *a, const char *text)
{
    skip_blank(a);
    size_t n = strlen(text);
    if ((size_t)(a->end - a->at) < n || memcmp(a->at, text, n) != 0) return false;
    a->at += n;
    return true;
}

static bool want(Asm *a, const char *text, const char *message)
{
    return passes(a, text) || fail(a, message);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.';
}

static bool read_number(Asm *a, uint32_t most, uint32_t *out)
{
    skip_blank(a);
    uint64_t n = 0;
    const char *from = a->at;
    while (a->at < a->end && is_digit(*a->at) && n <= UINT32_MAX) n = n * 10 + (uint64_t)(*a->at++ - '0');
    *out = (uint32_t)n;
    if (a->at == from) return fail(a, "a number is wanted");
    if (n <= most) return true;
    a->at = from;
    return fail(a, "this number is too large");
}

static bool read_signed(Asm *a, int32_t *out)
{
    bool negative = passes(a, "-");
    uint32_t n;
    if (!read_number(a, INT16_MAX + (negative ? 1u : 0u), &n)) return false;
    *out = negative ? -(int32_t)n : (int32_t)n;
    return true;
}

static bool read_name(Asm *a, const char **name, size_t *len)
{
    skip_blank(a);
    *name = a->at;
    while (a->at < a->end && is_name(*a->at)) a->at++;
    *len = (size_t)(a->at - *name);
    return *len > 0;
}

static bool read_term(Asm *a, Word *out)
{
    const char *error;
    skip_blank(a);
    return term_read(a->rt, &a->at, a->end, out, &error) || fail(a, error);
}

static bool read_symbol(Asm *a, uint32_t *out)
{
    Word w;
    skip_blank(a);
    const char *from = a->at;
    if (!read_term(a, &w)) return false;
    *out = word_is_sym(w) ? word_sym_id(w) : 0;
    if (word_is_sym(w)) return true;
    a->at = from;
    return fail(a, "a symbol is wanted");
}

/* -- Offsets -- */

static void note_fixup(Asm *a, const char *name, size_t len, FixupKind kind, uint32_t index)
{
    Fixup f = {.name = name, .len = len, .line = a->line, .kind = kind, .index = index};
    vec_push(&a->fixups, f);
}

/* An offset or a label, for place KIND of row INDEX. */
static bool read_offset(Asm *a, FixupKind kind, uint32_t index, uint32_t *out)
{
    const char *name;
    size_t len;
    *out = 0;
    skip_blank(a);
    if (a->at < a->end && is_digit(*a->at)) return read_number(a, UINT16_MAX, out);
    if (!read_name(a, &name, &len)) return fail(a, "an offset is wanted");
    note_fixup(a, name, len, kind, index);
    return true;
}

static const Label *find_label(const Asm *a, const char *name, size_t len)
{
    for (size_t i = 0; i < a->labels.len; i++)
        if (a->labels.data[i].len == len && memcmp(a->labels.data[i].name, name, len) == 0)
            return &a->labels.data[i];
    return NULL;
}

static bool put_jump(Asm *a, const Fixup *f, int64_t offset)
{
    int64_t distance = offset - f->next;
    if (distance < INT16_MIN || distance > INT16_MAX)
        return fail_at(a, f->line, NULL, "this jump is too far");
    a->chunk->code.data[f->index] = (uint8_t)(distance & 0xFF);
    a->chunk->code.data[f->index + 1] = (uint8_t)((distance >> 8) & 0xFF);
    return true;
}

static bool resolve(Asm *a, const Fixup *f)
{
    const Label *l = find_label(a, f->name, f->len);
    if (!l) return fail_at(a, f->line, NULL, "this line has a label that stands nowhere");
    switch (f->kind) {
    case FIX_JUMP:
        return put_jump(a, f, l->offset);
    case FIX_CASE:
        a->cases.data[f->index].target = l->offset;
        return true;
    case FIX_START:
        a->chunk->expressions.data[f->index].at = l->offset;
        return true;
    case FIX_END:
        a->chunk->expressions.data[f->index].end = l->offset;
        return true;
    }
    return false;
}

/* -- Instructions -- */

static void put_number(Asm *a, unsigned size, uint32_t value)
{
    vec_push(&a->chunk->code, (uint8_t)(value & 0xFF));
    if (size == 2) vec_push(&a->chunk->code, (uint8_t)((value >> 8) & 0xFF));
}

static bool read_jump(Asm *a, uint32_t next)
{
    uint32_t place = (uint32_t)a->chunk->code.len, offset;
    int32_t distance;
    const char *name;
    size_t len;
    Fixup here = {.line = a->line, .index = place, .next = next};
    put_number(a, 2, 0);
    if (passes(a, "@")) return read_number(a, UINT16_MAX, &offset) && put_jump(a, &here, offset);
    skip_blank(a);
    if (a->at < a->end && (is_digit(*a->at) || *a->at == '-'))
        return read_signed(a, &distance) && put_jump(a, &here, (int64_t)next + distance);
    if (!read_name(a, &name, &len)) return fail(a, "a jump target is wanted");
    note_fixup(a, name, len, FIX_JUMP, place);
    vec_last(&a->fixups).next = next;
    return true;
}

static bool read_operand(Asm *a, char letter, uint32_t next)
{
    unsigned size = op_operand_size(letter);
    uint32_t n;
    int32_t value;
    switch (letter) {
    case 'j':
        return read_jump(a, next);
    case 'i':
        if (!read_signed(a, &value)) return false;
        put_number(a, 2, (uint32_t)value);
        return true;
    case 'c':
        if (!read_number(a, 0x7F, &n)) return false;
        put_number(a, 1, n | (passes(a, "*") ? 0x80 : 0));
        return true;
    default:
        if (!read_number(a, size == 1 ? UINT8_MAX : UINT16_MAX, &n)) return false;
        put_number(a, size, n);
        return true;
    }
}

static bool read_instruction(Asm *a, const char *name, size_t len)
{
    int op = op_find(name, len);
    if (op < 0) {
        a->at = name;
        return fail(a, "there is no such instruction");
    }
    const OpInfo *info = op_info((uint8_t)op);
    uint32_t next = (uint32_t)a->chunk->code.len + info->length;
    LineOf l = {(uint32_t)a->chunk->code.len, a->line};
    vec_push(&a->lines, l);
    vec_push(&a->chunk->code, (uint8_t)op);
    for (const char *letter = info->operands; *letter; letter++)
        if (!read_operand(a, *letter, next)) return false;
    return true;
}

/* The columns of offset and source line, if the line has them. */
static void skip_columns(Asm *a)
{
    for (int column = 0; column < 2; column++) {
        skip_blank(a);
        const char *p = a->at;
        while (p < a->end && is_digit(*p)) p++;
        if (p == a->at && p < a->end && *p == '-') p++;
        if (p == a->end || (*p != ' ' && *p != '\t')) return;
        a->at = p;
    }
}

static bool read_byte(Asm *a)
{
    uint32_t byte;
    if (!read_number(a, UINT8_MAX, &byte)) return false;
    vec_push(&a->chunk->code, (uint8_t)byte);
    return true;
}

static bool place_label(Asm *a, const char *name, size_t len)
{
    if (find_label(a, name, len)) {
        a->at = name;
        return fail(a, "this label stands somewhere else, too");
    }
    Label l = {name, len, (uint32_t)a->chunk->code.len};
    vec_push(&a->labels, l);
    return true;
}

static bool read_code_line(Asm *a)
{
    const char *name;
    size_t len;
    skip_columns(a);
    if (!read_name(a, &name, &len)) return fail(a, "an instruction is wanted");
    bool ok;
    if (a->at < a->end && *a->at == ':') {
        a->at++;
        ok = place_label(a, name, len);
    } else if (len == 5 && memcmp(name, ".byte", 5) == 0) {
        ok = read_byte(a);
    } else {
        ok = read_instruction(a, name, len);
    }
    return ok && (a->chunk->code.len <= INT16_MAX || fail(a, "there is too much code")) && end_line(a);
}

/* -- Tables -- */

/* The number of the row, which must be NEXT. */
static bool read_index(Asm *a, size_t next)
{
    uint32_t n;
    skip_blank(a);
    const char *from = a->at;
    if (!read_number(a, UINT16_MAX, &n)) return false;
    if (n == next) return true;
    a->at = from;
    return fail(a, "the rows of a table are numbered from 0");
}

static bool read_constant(Asm *a)
{
    Word w;
    if (!read_index(a, a->chunk->constants.len) || !read_term(a, &w)) return false;
    if (passes(a, "irreducible")) chunk_irreducible(w);
    vec_push(&a->chunk->constants, w);
    return true;
}

static bool read_slot(Asm *a)
{
    uint32_t local;
    SlotName name = {0};
    if (!read_index(a, a->chunk->slot_map.len) || !read_number(a, UINT8_MAX, &local) ||
        !read_symbol(a, &name.name))
        return false;
    if (!at_end_of_line(a) && !read_number(a, UINT32_MAX, &name.serial)) return false;
    vec_push(&a->chunk->slot_map, (uint8_t)local);
    vec_push(&a->chunk->names, name);
    return true;
}

static bool read_template(Asm *a)
{
    Template t;
    if (!read_index(a, a->chunk->templates.len) || !read_number(a, UINT32_MAX, &t.first) ||
        !read_number(a, UINT32_MAX, &t.count) || !read_term(a, &t.term))
        return false;
    t.term = store_loose(a->rt->store, t.term);
    vec_push(&a->chunk->templates, t);
    return true;
}

static bool read_function(Asm *a)
{
    uint32_t name, arity;
    if (!read_index(a, a->chunk->functions.len) || !read_symbol(a, &name) ||
        !read_number(a, UINT8_MAX, &arity))
        return false;
    vec_push(&a->chunk->functions, functions_get(a->functions, name, arity));
    return true;
}

/* The tables of switches are made when all labels are known: keys may be hashed. */
static bool read_switch(Asm *a)
{
    uint32_t count = 0;
    if (!read_index(a, a->switches.len)) return false;
    for (; !at_end_of_line(a); count++) {
        SwitchCase k;
        if (!read_term(a, &k.key) || !read_number(a, UINT32_MAX, &k.len) ||
            !read_offset(a, FIX_CASE, (uint32_t)a->cases.len, &k.target))
            return false;
        vec_push(&a->cases, k);
    }
    vec_push(&a->switches, count);
    return true;
}

static void make_switches(Asm *a)
{
    SwitchCase none = {WORD_NIL, 0, 0};
    vec_push(&a->cases, none); /* so that there is a first one */
    uint32_t first = 0;
    for (size_t i = 0; i < a->switches.len; i++) {
        chunk_add_switch(a->chunk, a->cases.data + first, a->switches.data[i]);
        first += a->switches.data[i];
    }
}

static bool read_expression(Asm *a)
{
    Expression e = {0};
    uint32_t row = (uint32_t)a->chunk->expressions.len, term, type;
    if (!read_offset(a, FIX_START, row, &e.at) || !read_offset(a, FIX_END, row, &e.end) ||
        !read_number(a, UINT16_MAX, &term) || !read_number(a, UINT16_MAX, &type))
        return false;
    e.term = (uint16_t)term;
    e.type = (uint16_t)type;
    e.tail = passes(a, "tail");
    vec_push(&a->chunk->expressions, e);
    return true;
}

static uint32_t file_index(Runtime *rt, const char *name, size_t len)
{
    for (size_t i = rt->files.len; i-- > 0;)
        if (strlen(rt->files.data[i]) == len && memcmp(rt->files.data[i], name, len) == 0) return (uint32_t)i;
    vec_push(&rt->files, base_strndup(name, len));
    return (uint32_t)rt->files.len - 1;
}

static bool read_span(Asm *a, Span *s)
{
    Word file;
    size_t len;
    if (!read_term(a, &file)) return false;
    if (!atom_is_str(file)) return fail(a, "the name of a file is wanted");
    const char *name = str_text(file, &len);
    s->file = file_index(a->rt, name, len);
    return read_number(a, UINT32_MAX, &s->line) && want(a, ":", "':' is wanted") &&
           read_number(a, UINT32_MAX, &s->column) && want(a, "-", "'-' is wanted") &&
           read_number(a, UINT32_MAX, &s->end_line) && want(a, ":", "':' is wanted") &&
           read_number(a, UINT32_MAX, &s->end_column);
}

static bool read_place(Asm *a)
{
    CodePlace p = {0};
    if (!read_number(a, UINT16_MAX, &p.offset)) return false;
    if (!at_end_of_line(a) && !read_span(a, &p.span)) return false;
    vec_push(&a->chunk->places, p);
    return true;
}

static const struct {
    const char *title;
    bool (*row)(Asm *a);
} tables[] = {
    {"constants:", read_constant}, {"slots:", read_slot},      {"templates:", read_template},
    {"functions:", read_function}, {"switches:", read_switch}, {"expressions:", read_expression},
    {"places:", read_place},
};

static bool is_row(const Asm *a)
{
    return a->at < a->end && is_digit(*a->at);
}

static bool read_table(Asm *a, bool (*row)(Asm *a))
{
    if (!end_line(a)) return false;
    while (find_line(a) && (is_row(a) || (row == read_expression && *a->line_start == ' ')))
        if (!row(a) || !end_line(a)) return false;
    return true;
}

static bool read_depends(Asm *a, bool rules)
{
    while (!at_end_of_line(a)) {
        uint32_t symbol;
        if (!read_symbol(a, &symbol)) return false;
        if (rules)
            vec_push(&a->chunk->depends, symbol);
        else
            vec_push(&a->chunk->uses, symbol);
    }
    return end_line(a);
}

/* -- The text -- */

static bool read_title(Asm *a)
{
    find_line(a);
    if (!want(a, "===", "'=== NAME/ARITY ===' is wanted")) return false;
    skip_blank(a);
    const char *name = a->at, *end = memchr(a->at, '\n', (size_t)(a->end - a->at));
    if (!end) end = a->end;
    const char *slash = memrchr(name, '/', (size_t)(end - name));
    if (!slash) return fail(a, "'/' and the number of arguments are wanted");
    const char *text_end = a->end;
    a->end = slash;
    bool ok = read_symbol(a, &a->chunk->name) && (at_end_of_line(a) || fail(a, "one symbol is wanted"));
    a->end = text_end;
    a->at = slash + 1;
    return ok && read_number(a, UINT8_MAX, &a->chunk->arity) && want(a, "===", "'===' is wanted") &&
           end_line(a);
}

static bool read_counts(Asm *a)
{
    uint32_t upvalues, arity;
    find_line(a);
    if (!want(a, "locals:", "'locals: N, upvalues: 0, arity: N' is wanted") ||
        !read_number(a, 256, &a->chunk->locals) || !want(a, ",", "',' is wanted") ||
        !want(a, "upvalues:", "'upvalues:' is wanted") || !read_number(a, 0, &upvalues) ||
        !want(a, ",", "',' is wanted") || !want(a, "arity:", "'arity:' is wanted") ||
        !read_number(a, UINT8_MAX, &arity))
        return false;
    return (arity == a->chunk->arity || fail(a, "the title has another number of arguments")) && end_line(a);
}

static bool read_part(Asm *a)
{
    for (size_t i = 0; i < COUNT_OF(tables); i++)
        if (passes(a, tables[i].title)) return read_table(a, tables[i].row);
    if (passes(a, "depends:")) return read_depends(a, true);
    if (passes(a, "uses:")) return read_depends(a, false);
    if (!passes(a, "max stack:")) return read_code_line(a);
    a->has_stack = true;
    return read_number(a, UINT16_MAX, &a->chunk->max_stack) && end_line(a);
}

/* The line of the instruction at OFFSET. */
static uint32_t line_at(const Asm *a, uint32_t offset)
{
    uint32_t line = 1;
    for (size_t i = 0; i < a->lines.len && a->lines.data[i].offset <= offset; i++)
        line = a->lines.data[i].line;
    return line;
}

static bool check(Asm *a)
{
    const char *error;
    uint32_t at;
    if (!a->has_stack) a->chunk->max_stack = chunk_stack_need(a->chunk);
    return chunk_audit(a->rt, a->chunk, &error, &at) || fail_at(a, line_at(a, at), NULL, error);
}

static bool assemble(Asm *a)
{
    if (!read_title(a) || !read_counts(a)) return false;
    while (find_line(a))
        if (!read_part(a)) return false;
    for (size_t i = 0; i < a->fixups.len; i++)
        if (!resolve(a, &a->fixups.data[i])) return false;
    make_switches(a);
    return check(a);
}

Chunk *chunk_assemble(Runtime *rt, Functions *fs, const char *text, size_t len, Buf *error)
{
    Asm a = {.rt = rt,
             .functions = fs,
             .chunk = base_calloc(1, sizeof(Chunk)),
             .at = text,
             .end = text + len,
             .line_start = text,
             .line = 1,
             .error = error};
    bool ok = assemble(&a);
    vec_free(&a.labels);
    vec_free(&a.fixups);
    vec_free(&a.lines);
    vec_free(&a.cases);
    vec_free(&a.switches);
    if (ok) return a.chunk;
    chunk_free(a.chunk);
    return NULL;
}
