#include "jit1/listing.h"

#include "code/disasm.h"

#ifdef METTA_ZYDIS
#include <Zydis/Zydis.h>

/* Append one instruction at P, of which AVAILABLE bytes are there; returns its length. */
static uint32_t print_one(const uint8_t *p, uint32_t available, Buf *out)
{
    ZydisDisassembledInstruction one;
    ZyanStatus status = ZydisDisassembleIntel(ZYDIS_MACHINE_MODE_LONG_64, (uintptr_t)p, p, available, &one);
    if (!ZYAN_SUCCESS(status)) {
        buf_printf(out, "(byte) %02x", *p);
        return 1;
    }
    buf_puts(out, one.text);
    return one.info.length;
}
#else
static uint32_t print_one(const uint8_t *p, uint32_t available, Buf *out)
{
    enum { ROW = 16 };
    uint32_t n = available < ROW ? available : ROW;
    for (uint32_t i = 0; i < n; i++) buf_printf(out, "%s%02x", i ? " " : "", p[i]);
    return n;
}
#endif

/* What PIECE is for. */
static void print_heading(const Names *names, const Chunk *c, const Piece *piece, Buf *out)
{
    const char *name = stencils[piece->stencil].name;
    if (piece->aside)
        buf_printf(out, "; %04u what is rare\n", (unsigned)piece->ip);
    else if (strncmp(name, "op_", 3) == 0 || piece->stencil == STENCIL_along)
        chunk_disassemble_at(names, c, piece->ip, out);
    else if (piece->stencil >= STENCIL_step && piece->stencil <= STENCIL_step_2)
        buf_printf(out, "; %04u left to the VM\n", (unsigned)piece->ip);
    else
        buf_printf(out, "; %s\n", name);
    if (piece->stencil == STENCIL_along) buf_puts(out, "; done by the VM\n");
}

void listing_print(const Names *names, const Layout *l, const Chunk *c, const uint8_t *code, Buf *out)
{
    size_t len;
    const char *name = sym_text(names->symbols, c->name, &len);
    buf_printf(out, "=== %.*s/%u ===\nbytes: %u\n", (int)len, name, (unsigned)c->arity, (unsigned)l->size);
    for (size_t i = 0; i < l->pieces.len; i++) {
        const Piece *piece = &l->pieces.data[i];
        uint32_t end = piece->at + stencils[piece->stencil].size;
        buf_putc(out, '\n');
        print_heading(names, c, piece, out);
        for (uint32_t at = piece->at; at < end;) {
            buf_printf(out, "    %p  ", (const void *)(code + at));
            at += print_one(code + at, end - at, out);
            buf_putc(out, '\n');
        }
    }
}
