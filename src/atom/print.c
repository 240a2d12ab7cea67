#include "atom/print.h"

#include "atom/num.h"

/* -- String literals -- */

typedef struct ScalarRange {
    uint32_t first, last;
} ScalarRange;

static bool must_escape(uint32_t scalar)
{
    static const ScalarRange escaped[] = {
#include "atom/escapes.inc"
    };
    size_t low = 0, high = COUNT_OF(escaped);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (scalar > escaped[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < COUNT_OF(escaped) && scalar >= escaped[low].first;
}

static bool is_plain_ascii(char c)
{
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

/* The letter after the backslash for C, or 0 when there is none. */
static char escape_letter(char c)
{
    switch (c) {
    case '\0':
        return '0';
    case '\t':
        return 't';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '"':
        return '"';
    case '\\':
        return '\\';
    default:
        return 0;
    }
}

/* Append the scalar at TEXT as it stands or escaped; its length in bytes. */
static size_t print_scalar(const char *text, size_t len, Buf *out)
{
    char letter = escape_letter(*text);
    if (letter) {
        buf_putc(out, '\\');
        buf_putc(out, letter);
        return 1;
    }
    uint32_t scalar;
    size_t n = utf8_decode(text, len, &scalar);
    assert(n > 0);
    if (scalar < 0x80 || must_escape(scalar))
        buf_printf(out, "\\u{%x}", (unsigned)scalar);
    else
        buf_put(out, text, n);
    return n;
}

void str_print_quoted(const char *text, size_t len, Buf *out)
{
    buf_putc(out, '"');
    for (size_t i = 0; i < len;) {
        size_t from = i;
        while (i < len && is_plain_ascii(text[i])) i++;
        buf_put(out, text + from, i - from);
        if (i < len) i += print_scalar(text + i, len - i, out);
    }
    buf_putc(out, '"');
}

/* -- Atoms -- */

/* An expression, a set of bindings or the content of a box that is being printed: the words still to come. */
typedef struct Pending {
    const Word *next, *end;
    bool binds, box;
} Pending;

/* A box inside of itself, or of as many others, is printed as "(NAME ...)". */
enum { PRINT_MAX_BOXES = 1000 };

typedef struct Printer {
    const Names *names;
    Buf *out;
    VEC(Pending) stack;
    VEC(const Ext *) boxes; /* that are open */
} Printer;

static void print_symbol(const Names *names, uint32_t id, Buf *out)
{
    size_t len;
    const char *text = sym_text(names->symbols, id, &len);
    buf_put(out, text, len);
}

static void print_var(const Names *names, Word w, Buf *out)
{
    buf_putc(out, '$');
    if (word_is_slot(w)) {
        buf_printf(out, "#%u", (unsigned)word_slot_index(w));
        return;
    }
    const Obj *o = word_obj(w);
    print_symbol(names, o->len, out);
    if (!(o->flags & OBJ_PLAIN)) buf_printf(out, "#%llu", (unsigned long long)var_number(w));
}

static void begin_box(Printer *p, const Ext *x)
{
    bool open = p->boxes.len == PRINT_MAX_BOXES;
    for (size_t i = 0; i < p->boxes.len; i++) open |= p->boxes.data[i] == x;
    buf_printf(p->out, open ? "(%s ...)" : "(%s ", x->type->name);
    if (open) return;
    const Word *content = x->type->content(x);
    Pending f = {content, content + 1, .box = true};
    vec_push(&p->stack, f);
    vec_push(&p->boxes, x);
}

static void print_ext(Printer *p, Word w)
{
    const Ext *x = word_ext(w);
    if (x->type->content)
        begin_box(p, x);
    else if (x->type->print)
        x->type->print(x, p->names->symbols, p->out);
    else
        buf_printf(p->out, "%s-%p", x->type->name, (const void *)x);
}

static void print_char(Word w, Buf *out)
{
    buf_putc(out, '\'');
    buf_put_utf8(out, word_char_scalar(w));
    buf_putc(out, '\'');
}

static void print_op(const Names *names, Word w, Buf *out)
{
    uint32_t index = word_op_index(w);
    if (index < names->op_count)
        buf_puts(out, names->ops[index]);
    else
        buf_printf(out, "<operation %u>", (unsigned)index);
}

static void begin_compound(Printer *p, const Obj *o)
{
    bool binds = o->kind == OBJ_BINDS;
    Pending f = {o->body, o->body + o->len, .binds = binds};
    buf_puts(p->out, binds ? "{ " : "(");
    vec_push(&p->stack, f);
}

static void print_object(Printer *p, Word w)
{
    const Obj *o = word_obj(w);
    switch ((ObjKind)o->kind) {
    case OBJ_EXPR:
    case OBJ_BINDS:
        begin_compound(p, o);
        return;
    case OBJ_STR:
        str_print_quoted((const char *)o->body, o->len, p->out);
        return;
    case OBJ_I64:
    case OBJ_BIG:
        num_print(w, p->out);
        return;
    case OBJ_VAR:
    case OBJ_FORWARD:
        break;
    }
    base_fatal("cannot print an object of kind %d", o->kind);
}

/* Print W; of a compound only its opening, the rest goes to the stack. */
static void print_word(Printer *p, Word w)
{
    Buf *out = p->out;
    w = atom_deref(w);
    switch (word_tag(w)) {
    case TAG_HEAP:
        print_object(p, w);
        return;
    case TAG_SYM:
        print_symbol(p->names, word_sym_id(w), out);
        return;
    case TAG_VAR:
        print_var(p->names, w, out);
        return;
    case TAG_UNIT:
        buf_puts(out, "()");
        return;
    case TAG_BOOL:
        buf_puts(out, w == WORD_TRUE ? "True" : "False");
        return;
    case TAG_OP:
        print_op(p->names, w, out);
        return;
    case TAG_EXT:
        print_ext(p, w);
        return;
    case TAG_CHAR:
        print_char(w, out);
        return;
    case TAG_NIL:
        buf_puts(out, "<nil>");
        return;
    case TAG_ERROR:
    case TAG_RAW:
        buf_printf(out, "<word %016llx>", (unsigned long long)w);
        return;
    default:
        num_print(w, out);
        return;
    }
}

/* What stands before the next word of a compound that is not its first. */
static const char *separator(const Pending *f)
{
    if (!f->binds) return " ";
    return (f->end - f->next) % 2 ? " <- " : ", ";
}

/* Print one more piece of the innermost compound. */
static void print_next(Printer *p, bool first)
{
    Pending *f = &vec_last(&p->stack);
    if (f->next == f->end) {
        buf_puts(p->out, f->binds ? " }" : ")");
        p->boxes.len -= f->box;
        p->stack.len--;
        return;
    }
    if (!first) buf_puts(p->out, separator(f));
    print_word(p, *f->next++);
}

void atom_print(const Names *names, Word w, Buf *out)
{
    Printer p = {.names = names, .out = out};
    print_word(&p, w);
    bool first = true;
    while (p.stack.len) {
        size_t depth = p.stack.len;
        print_next(&p, first);
        first = p.stack.len > depth;
    }
    vec_free(&p.stack);
    vec_free(&p.boxes);
}

void atom_print_raw(const Names *names, Word w, Buf *out)
{
    w = atom_deref(w);
    if (!atom_is_str(w)) {
        atom_print(names, w, out);
        return;
    }
    size_t len;
    const char *text = str_text(w, &len);
    buf_put(out, text, len);
}
