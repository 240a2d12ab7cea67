#include "code/disasm.h"

#include "code/code.h"
#include "code/function.h"
#include "code/term.h"

/* What a listing is of: bytes, or code with labels. */
typedef struct Listing {
    const Names *names;
    const Chunk *chunk;
    bool labels;
    bool full;     /* nothing is left out */
    uint32_t next; /* offset of the next instruction */
    Buf line, comment;
} Listing;

static Buf *comment(Listing *l)
{
    if (l->comment.len) buf_puts(&l->comment, ", ");
    return &l->comment;
}

static void print_switch(Listing *l, const Switch *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        const SwitchCase *k = &l->chunk->cases.data[s->first + i];
        if (word_is_nil(k->key)) continue;
        atom_print(l->names, k->key, comment(l));
        if (k->len) buf_printf(&l->comment, "/%u", (unsigned)k->len - 1);
        buf_printf(&l->comment, l->labels ? " to L%u" : " to %04u", (unsigned)k->target);
    }
}

static void print_jump(Listing *l, int32_t value)
{
    if (l->labels) {
        buf_printf(&l->line, " L%u", (unsigned)value);
        return;
    }
    buf_printf(&l->line, " %d", (int)value);
    buf_printf(comment(l), "to %04u", (unsigned)((int64_t)l->next + value));
}

static void print_function(Listing *l, const Function *f)
{
    buf_printf(comment(l), "%s/%u", sym_text(l->names->symbols, f->name, NULL), (unsigned)f->arity);
}

/* Append operand LETTER of VALUE; what it stands for goes to the comment. */
static void print_operand(Listing *l, char letter, int32_t value)
{
    if (letter == 'j') {
        print_jump(l, value);
        return;
    }
    buf_printf(&l->line, " %d", letter == 'c' ? (int)value & 0x7F : (int)value);
    if (letter == 'c' && l->full && (value & 0x80)) buf_putc(&l->line, '*');
    if (letter == 'k')
        atom_print(l->names, l->chunk->constants.data[value], comment(l));
    else if (letter == 't')
        atom_print(l->names, l->chunk->templates.data[value].term, comment(l));
    else if (letter == 'f')
        print_function(l, l->chunk->functions.data[value]);
    else if (letter == 'w')
        print_switch(l, &l->chunk->switches.data[value]);
}

/* The line number and opcode CODE. */
static void begin_line(Listing *l, uint8_t code, const Span *place)
{
    const OpInfo *op = op_info(code);
    const Fusion *fusion = op_fusion(code);
    if (fusion) buf_printf(comment(l), "and the next %u", fusion->count - 1u);
    if (place && place->line)
        buf_printf(&l->line, "%4u  ", (unsigned)place->line);
    else
        buf_puts(&l->line, "   -  ");
    buf_printf(&l->line, *op->operands ? "%-17s" : "%s", op->mnemonic);
}

static void end_line(Listing *l, Buf *out)
{
    enum { COMMENT_COLUMN = 40 };
    if (l->comment.len) {
        while (l->line.len < COMMENT_COLUMN) buf_putc(&l->line, ' ');
        buf_puts(&l->line, " ; ");
        buf_put(&l->line, l->comment.data, l->comment.len);
    }
    buf_put(out, l->line.data, l->line.len);
    buf_putc(out, '\n');
    buf_free(&l->line);
    buf_free(&l->comment);
}

/* -- Bytes -- */

static int32_t read_operand(char letter, const uint8_t *p)
{
    if (op_operand_size(letter) == 1) return *p;
    return letter == 'i' || letter == 'j' ? (int16_t)op_read16(p) : op_read16(p);
}

static uint32_t list_instruction(const Names *names, const Chunk *c, uint32_t offset, bool full, Buf *out)
{
    const OpInfo *op = op_info(c->code.data[offset]);
    if (!op->mnemonic || offset + op->length > c->code.len) {
        /* Bytes that nothing leads to need not be instructions. */
        buf_printf(out, "%04u    -  .byte             %u\n", (unsigned)offset, c->code.data[offset]);
        return offset + 1;
    }
    Listing l = {.names = names, .chunk = c, .full = full, .next = offset + op->length};
    buf_printf(&l.line, "%04u ", (unsigned)offset);
    begin_line(&l, c->code.data[offset], chunk_place(c, offset));
    const uint8_t *p = c->code.data + offset + 1;
    for (const char *letter = op->operands; *letter; p += op_operand_size(*letter), letter++)
        print_operand(&l, *letter, read_operand(*letter, p));
    end_line(&l, out);
    return l.next;
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

static void dump_symbols(const Runtime *rt, const char *title, const uint32_t *symbols, size_t n, Buf *out)
{
    if (!n) return;
    buf_puts(out, title);
    for (size_t i = 0; i < n; i++) {
        buf_putc(out, ' ');
        term_write_symbol(rt, symbols[i], out);
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
    dump_symbols(rt, "depends:", c->depends.data, c->depends.len, out);
    dump_symbols(rt, "uses:", c->uses.data, c->uses.len, out);
}

/* -- Code with labels -- */

/* Which labels something leads to; to be freed. */
static bool *used_labels(const Code *code, const Chunk *chunk)
{
    bool *used = base_calloc(code->labels.len + 1, sizeof *used);
    for (size_t i = 0; i < code->instrs.len; i++) {
        const char *letters = op_info(code->instrs.data[i].op)->operands;
        for (unsigned k = 0; letters[k]; k++)
            if (letters[k] == 'j') used[code->instrs.data[i].arg[k]] = true;
    }
    for (size_t i = 0; i < chunk->cases.len; i++)
        if (!word_is_nil(chunk->cases.data[i].key)) used[chunk->cases.data[i].target] = true;
    return used;
}

/* Used labels by the instruction that they stand before: heads[i] - 1 is the first at I, chain[l] - 1 the one after L. */
static void print_labels(const uint32_t *chain, uint32_t first, Buf *out)
{
    for (uint32_t l = first; l; l = chain[l - 1]) buf_printf(out, "L%u:\n", (unsigned)l - 1);
}

static void print_instr(const Names *names, const Code *code, const Chunk *chunk, size_t i, Buf *out)
{
    const Instr *in = &code->instrs.data[i];
    const OpInfo *op = op_info(in->op);
    Listing l = {.names = names, .chunk = chunk, .labels = true};
    buf_puts(&l.line, "  ");
    begin_line(&l, in->op, in->place < code->places.len ? &code->places.data[in->place] : NULL);
    for (unsigned k = 0; op->operands[k]; k++) print_operand(&l, op->operands[k], (int32_t)in->arg[k]);
    end_line(&l, out);
}

void code_print(const Names *names, const Code *code, const Chunk *chunk, Buf *out)
{
    bool *used = used_labels(code, chunk);
    uint32_t *heads = base_calloc(code->instrs.len + 1, sizeof *heads),
             *chain = base_calloc(code->labels.len + 1, sizeof *chain);
    for (uint32_t l = (uint32_t)code->labels.len; l-- > 0;) {
        uint32_t at = code->labels.data[l];
        if (!used[l] || at > code->instrs.len) continue;
        chain[l] = heads[at];
        heads[at] = l + 1;
    }
    for (size_t i = 0; i < code->instrs.len; i++) {
        print_labels(chain, heads[i], out);
        print_instr(names, code, chunk, i, out);
    }
    base_free(used);
    base_free(heads);
    base_free(chain);
}
