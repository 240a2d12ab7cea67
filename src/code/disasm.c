#include "code/disasm.h"

#include "code/function.h"
#include "code/term.h"

static void print_switch(const Names *names, const Chunk *c, const Switch *s, Buf *comment)
{
    const char *separator = comment->len ? ", " : "";
    for (uint32_t i = 0; i < s->count; i++) {
        const SwitchCase *k = &c->cases.data[s->first + i];
        if (word_is_nil(k->key)) continue;
        buf_puts(comment, separator);
        atom_print(names, k->key, comment);
        if (k->len) buf_printf(comment, "/%u", (unsigned)k->len - 1);
        buf_printf(comment, " to %04u", (unsigned)k->target);
        separator = ", ";
    }
}

/* Append operand LETTER at P; what it stands for goes to COMMENT.  FULL: nothing is left out. */
static void print_operand(const Names *names, const Chunk *c, char letter, const uint8_t *p, uint32_t next,
                          bool full, Buf *out, Buf *comment)
{
    const char *separator = comment->len ? ", " : "";
    switch (letter) {
    case 'k':
        buf_printf(out, " %u", op_read16(p));
        buf_puts(comment, separator);
        atom_print(names, c->constants.data[op_read16(p)], comment);
        break;
    case 't':
        buf_printf(out, " %u", op_read16(p));
        buf_puts(comment, separator);
        atom_print(names, c->templates.data[op_read16(p)].term, comment);
        break;
    case 'j':
        buf_printf(out, " %d", (int16_t)op_read16(p));
        buf_printf(comment, "%sto %04u", separator, (unsigned)((int64_t)next + (int16_t)op_read16(p)));
        break;
    case 'f':
        buf_printf(out, " %u", op_read16(p));
        buf_printf(comment, "%s%s/%u", separator,
                   sym_text(names->symbols, c->functions.data[op_read16(p)]->name, NULL),
                   (unsigned)c->functions.data[op_read16(p)]->arity);
        break;
    case 'w':
        buf_printf(out, " %u", op_read16(p));
        print_switch(names, c, &c->switches.data[op_read16(p)], comment);
        break;
    case 'i':
        buf_printf(out, " %d", (int16_t)op_read16(p));
        break;
    case 'c':
        buf_printf(out, full && (*p & 0x80) ? " %u*" : " %u", *p & 0x7Fu);
        break;
    default:
        buf_printf(out, " %u", *p);
        break;
    }
}

static uint32_t list_instruction(const Names *names, const Chunk *c, uint32_t offset, bool full, Buf *out)
{
    enum { COMMENT_COLUMN = 40 };
    const OpInfo *op = op_info(c->code.data[offset]);
    if (!op->mnemonic || offset + op->length > c->code.len) {
        /* Bytes that nothing leads to need not be instructions. */
        buf_printf(out, "%04u    -  .byte             %u\n", (unsigned)offset, c->code.data[offset]);
        return offset + 1;
    }
    uint32_t next = offset + op->length;
    const Span *place = chunk_place(c, offset);
    Buf line = {0}, comment = {0};
    buf_printf(&line, "%04u ", (unsigned)offset);
    if (place)
        buf_printf(&line, "%4u  ", (unsigned)place->line);
    else
        buf_puts(&line, "   -  ");
    buf_printf(&line, *op->operands ? "%-17s" : "%s", op->mnemonic);
    const uint8_t *p = c->code.data + offset + 1;
    for (const char *letter = op->operands; *letter; p += op_operand_size(*letter), letter++)
        print_operand(names, c, *letter, p, next, full, &line, &comment);
    if (comment.len) {
        while (line.len < COMMENT_COLUMN) buf_putc(&line, ' ');
        buf_puts(&line, " ; ");
        buf_put(&line, comment.data, comment.len);
    }
    buf_put(out, line.data, line.len);
    buf_putc(out, '\n');
    buf_free(&line);
    buf_free(&comment);
    return next;
}

uint32_t chunk_disassemble_at(const Names *names, const Chunk *c, uint32_t offset, Buf *out)
{
    return list_instruction(names, c, offset, false, out);
}

static void list_code(const Names *names, const Chunk *c, bool full, Buf *out)
{
    buf_printf(out, "locals: %u, upvalues: 0, arity: %u\n\n", (unsigned)c->locals, (unsigned)c->arity);
    for (uint32_t at = 0; at < c->code.len;) at = list_instruction(names, c, at, full, out);
}

void chunk_disassemble(const Names *names, const Chunk *c, Buf *out)
{
    buf_printf(out, "=== %s/%u ===\n", sym_text(names->symbols, c->name, NULL), (unsigned)c->arity);
    list_code(names, c, false, out);
}

/* -- Everything else in a chunk -- */

/* The title of a table, if it has rows. */
static void begin_table(Buf *out, const char *title, size_t rows)
{
    if (rows) buf_printf(out, "%s:\n", title);
}

static void dump_constants(const Runtime *rt, const Chunk *c, Buf *out)
{
    begin_table(out, "constants", c->constants.len);
    for (size_t i = 0; i < c->constants.len; i++) {
        Word w = c->constants.data[i];
        buf_printf(out, "  %zu  ", i);
        term_write(rt, w, out);
        if (chunk_is_irreducible(w)) buf_puts(out, " irreducible");
        buf_putc(out, '\n');
    }
}

static void dump_slots(const Runtime *rt, const Chunk *c, Buf *out)
{
    begin_table(out, "slots", c->slot_map.len);
    for (size_t i = 0; i < c->slot_map.len; i++) {
        buf_printf(out, "  %zu  %u ", i, c->slot_map.data[i]);
        term_write_symbol(rt, c->names.data[i].name, out);
        if (c->names.data[i].serial) buf_printf(out, " %u", (unsigned)c->names.data[i].serial);
        buf_putc(out, '\n');
    }
}

static void dump_templates(const Runtime *rt, const Chunk *c, Buf *out)
{
    begin_table(out, "templates", c->templates.len);
    for (size_t i = 0; i < c->templates.len; i++) {
        const Template *t = &c->templates.data[i];
        buf_printf(out, "  %zu  %u %u  ", i, (unsigned)t->first, (unsigned)t->count);
        term_write(rt, t->term, out);
        buf_putc(out, '\n');
    }
}

static void dump_functions(const Runtime *rt, const Chunk *c, Buf *out)
{
    begin_table(out, "functions", c->functions.len);
    for (size_t i = 0; i < c->functions.len; i++) {
        buf_printf(out, "  %zu  ", i);
        term_write_symbol(rt, c->functions.data[i]->name, out);
        buf_printf(out, " %u\n", (unsigned)c->functions.data[i]->arity);
    }
}

static void dump_switches(const Runtime *rt, const Chunk *c, Buf *out)
{
    begin_table(out, "switches", c->switches.len);
    for (size_t i = 0; i < c->switches.len; i++) {
        const Switch *s = &c->switches.data[i];
        buf_printf(out, "  %zu", i);
        for (uint32_t k = 0; k < s->count; k++) {
            const SwitchCase *each = chunk_case(c, s, k);
            if (word_is_nil(each->key)) continue;
            buf_puts(out, "  ");
            term_write(rt, each->key, out);
            buf_printf(out, " %u %04u", (unsigned)each->len, (unsigned)each->target);
        }
        buf_putc(out, '\n');
    }
}

static void dump_expressions(const Chunk *c, Buf *out)
{
    begin_table(out, "expressions", c->expressions.len);
    for (size_t i = 0; i < c->expressions.len; i++) {
        const Expression *e = &c->expressions.data[i];
        buf_printf(out, "  %04u %04u  %u %u%s\n", (unsigned)e->at, (unsigned)e->end, e->term, e->type,
                   e->tail ? " tail" : "");
    }
}

static void dump_places(const Runtime *rt, const Chunk *c, Buf *out)
{
    begin_table(out, "places", c->places.len);
    for (size_t i = 0; i < c->places.len; i++) {
        const Span *s = &c->places.data[i].span;
        buf_printf(out, "  %04u", (unsigned)c->places.data[i].offset);
        if (s->line && s->file < rt->files.len) {
            const char *file = rt->files.data[s->file];
            buf_putc(out, ' ');
            str_print_quoted(file, strlen(file), out);
            buf_printf(out, " %u:%u-%u:%u", (unsigned)s->line, (unsigned)s->column, (unsigned)s->end_line,
                       (unsigned)s->end_column);
        }
        buf_putc(out, '\n');
    }
}

static void dump_depends(const Runtime *rt, const Chunk *c, Buf *out)
{
    if (!c->depends.len) return;
    buf_puts(out, "depends:");
    for (size_t i = 0; i < c->depends.len; i++) {
        buf_putc(out, ' ');
        term_write_symbol(rt, c->depends.data[i], out);
    }
    buf_putc(out, '\n');
}

void chunk_dump(const Runtime *rt, const Chunk *c, Buf *out)
{
    buf_puts(out, "=== ");
    term_write_symbol(rt, c->name, out);
    buf_printf(out, "/%u ===\n", (unsigned)c->arity);
    list_code(&rt->names, c, true, out);
    buf_printf(out, "\nmax stack: %u\n", (unsigned)c->max_stack);
    dump_constants(rt, c, out);
    dump_slots(rt, c, out);
    dump_templates(rt, c, out);
    dump_functions(rt, c, out);
    dump_switches(rt, c, out);
    dump_expressions(c, out);
    dump_places(rt, c, out);
    dump_depends(rt, c, out);
}
