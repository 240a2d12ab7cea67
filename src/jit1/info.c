#include "jit1/info.h"

/* -- Places -- */

/* Pieces from this one on are for what is rare. */
static size_t first_aside(const Layout *l)
{
    size_t first = l->pieces.len;
    for (size_t i = 0; i < l->pieces.len; i++)
        if (!l->pieces.data[i].in_place && l->pieces.data[i].cold < first) first = l->pieces.data[i].cold;
    return first;
}

/* Where the code of C begins to belong to an expression that was read. */
static const Span *first_place(const Chunk *c)
{
    for (size_t i = 0; i < c->places.len; i++)
        if (c->places.data[i].span.line) return &c->places.data[i].span;
    return NULL;
}

/* Lays P the frame?  The VM has done so for the calls that it begins. */
static bool lays_frame(const Piece *p)
{
    return p->stencil == STENCIL_prologue || p->stencil == STENCIL_count ||
           p->stencil == STENCIL_empty_local || p->stencil == STENCIL_empty_two;
}

static Span place_of(const Runtime *rt, const Chunk *c, const Piece *p)
{
    const Span *place = lays_frame(p) ? NULL : chunk_place(c, p->ip);
    if (!place || !place->line) place = first_place(c);
    return place && place->file < rt->files.len ? *place : (Span){0};
}

static bool continues(const CodeInfo *i, const CodeRow *row)
{
    if (i->rows.len == 0) return false;
    const CodeRow *last = &vec_last(&i->rows);
    return last->aside == row->aside && !row->first && last->place.file == row->place.file &&
           last->place.line == row->place.line && last->place.column == row->place.column;
}

/* -- Frames -- */

/* Read the push at *AT of S into F.  Frames are made by pushes at the beginning, and nowhere else (tools/mkstencils). */
static bool read_push(const Stencil *s, uint32_t *at, CodeFrame *f)
{
    uint8_t high = 0;
    uint32_t p = *at;
    if (p + 1 < s->size && s->code[p] == 0x41) high = 8, p++;
    if (f->count == MOST_PUSHES || p >= s->size || (s->code[p] & 0xF8) != 0x50) return false;
    *at = p + 1;
    f->push[f->count].end = p + 1;
    f->push[f->count++].reg = (uint8_t)(high + (s->code[p] & 7));
    return true;
}

/* Read the subtraction from the stack pointer at AT of S, which follows the pushes, into F. */
static void read_room(const Stencil *s, uint32_t at, CodeFrame *f)
{
    static const uint8_t byte[] = {0x48, 0x83, 0xEC}, word[] = {0x48, 0x81, 0xEC};
    uint32_t room = 0, size = sizeof byte;
    if (at + size + 4 > s->size) return;
    if (memcmp(s->code + at, byte, size) == 0) {
        room = s->code[at + size];
        size += 1;
    } else if (memcmp(s->code + at, word, size) == 0) {
        memcpy(&room, s->code + at + size, sizeof room);
        size += sizeof room;
    }
    f->room = room / 8;
    f->room_end = at + size;
}

/* Where the last call of S ends; 0: there is none. */
static uint32_t end_of_calls(const Stencil *s)
{
    enum { CALL = 0xE8 };
    uint32_t end = 0;
    /* It calls what is in a register, and returns. */
    if (s == &stencils[STENCIL_shared_enter]) return s->size;
    for (uint32_t i = 0; i < s->count; i++) {
        const StencilHole *hole = &s->holes[i];
        if (hole->patch == PATCH_REL32 && hole->offset > 0 && s->code[hole->offset - 1] == CALL)
            end = hole->offset + 4;
    }
    return end;
}

/* Append the frame of stencil ID, if it has one, whose code begins at AT. */
static void add_frame(CodeInfo *i, uint32_t id, uint32_t at)
{
    const Stencil *s = &stencils[id];
    uint32_t end = end_of_calls(s), p = 0;
    CodeFrame f = {.end = at + end};
    if (!end) return;
    while (read_push(s, &p, &f)) f.push[f.count - 1].end += at;
    read_room(s, p, &f);
    f.room_end += at;
    if (f.count || f.room) vec_push(&i->frames, f);
}

/* -- Making -- */

CodeInfo info_of_code(const Runtime *rt, const Layout *l, const Chunk *c, uint64_t run)
{
    Buf name = {0};
    buf_printf(&name, "metta:%s/%u%c", sym_text(rt->symbols, c->name, NULL), (unsigned)c->arity, 0);
    CodeInfo info = {.name = name.data, .run = run, .size = l->size, .files = rt->files.data};
    size_t aside = first_aside(l);
    for (size_t i = 0; i < l->pieces.len; i++) {
        const Piece *p = &l->pieces.data[i];
        bool lays = lays_frame(p);
        CodeRow row = {p->at, place_of(rt, c, p), i > 0 && !lays && lays_frame(p - 1), lays || i >= aside};
        if (stencils[p->stencil].size && !continues(&info, &row)) vec_push(&info.rows, row);
        add_frame(&info, p->stencil, p->at);
    }
    return info;
}

CodeInfo info_of_stub(StencilName id, uint64_t run)
{
    Buf name = {0};
    buf_printf(&name, "metta:%s%c", stencils[id].name, 0);
    CodeInfo info = {.name = name.data, .run = run, .size = stencils[id].size};
    add_frame(&info, id, 0);
    return info;
}

void info_free(CodeInfo *i)
{
    base_free(i->name);
    vec_free(&i->rows);
    vec_free(&i->frames);
}

const char *info_file(const CodeInfo *i, const CodeRow *row)
{
    return row->place.line ? i->files[row->place.file] : NULL;
}
