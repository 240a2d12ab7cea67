#include "code/disasm.h"

#include "code/function.h"

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

/* Append operand LETTER at P; what it stands for goes to COMMENT. */
static void print_operand(const Names *names, const Chunk *c, char letter, const uint8_t *p, uint32_t next,
                          Buf *out, Buf *comment)
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
        buf_printf(out, " %u", *p & 0x7Fu);
        break;
    default:
        buf_printf(out, " %u", *p);
        break;
    }
}

uint32_t chunk_disassemble_at(const Names *names, const Chunk *c, uint32_t offset, Buf *out)
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
        print_operand(names, c, *letter, p, next, &line, &comment);
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

void chunk_disassemble(const Names *names, const Chunk *c, Buf *out)
{
    buf_printf(out, "=== %s/%u ===\n", sym_text(names->symbols, c->name, NULL), (unsigned)c->arity);
    buf_printf(out, "locals: %u, upvalues: 0, arity: %u\n\n", (unsigned)c->locals, (unsigned)c->arity);
    for (uint32_t at = 0; at < c->code.len;) at = chunk_disassemble_at(names, c, at, out);
}
