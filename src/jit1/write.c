/* Machine code of a layout: stencils in their places, and what goes into their holes. */
#include "jit1/compile.h"
#include "jit1/force.h"
#include "jit1/native.h"

typedef struct Writer {
    const Layout *l;
    const Chunk *c;
    const Stubs *stubs;
    const Piece *piece;
    uint64_t run; /* where the code begins */
} Writer;

static uint64_t local_displacement(uint64_t local)
{
    return offsetof(Frame, slot) + (VM_LOCALS + local) * sizeof(Word);
}

static uint64_t frame_place(uint32_t ip, uint32_t operands)
{
    Frame f;
    frame_save(&f, ip, operands);
    return f.index;
}

/* Where the frame is saved while it waits for the result of its instruction, whose operands are gone. */
static uint64_t place_after(const Writer *w)
{
    uint32_t ip = w->piece->ip;
    const OpInfo *op = op_info(op_at(w->c, ip));
    uint32_t pops =
        op->pops == VARIABLE_POPS ? w->c->code.data[ip + op->count] & op->mask : (uint32_t)op->pops;
    return frame_place(ip + op->length, w->piece->height - pops - calls_value(op_at(w->c, ip)));
}

static uint64_t header_word(const Chunk *c)
{
    Frame f = {.kind = FRAME_VM,
               .flags = FF_GOAL,
               .operands = (uint16_t)c->max_stack,
               .count = VM_LOCALS + c->locals + c->max_stack};
    uint64_t word;
    memcpy(&word, &f, sizeof word);
    return word;
}

static uint64_t operand_word(const Chunk *c, Operand o)
{
    int64_t value = operand_value(c, o);
    if (o.letter == 'f') return (uintptr_t)c->functions.data[value];
    return o.letter == 'k' ? c->constants.data[value] : word_int48(value);
}

/* The code for a frame that stays where it is that the piece is part of. */
static const StayCode *stay_of(const Writer *w)
{
    return &w->l->stays.data[w->piece->cold];
}

/* Where what takes over from the piece begins. */
static uint32_t takes_over(const Writer *w)
{
    const Layout *l = w->l;
    return l->pieces.data[w->piece->in_place ? stay_of(w)->out : w->piece->cold].at;
}

/* Where LOCAL is: code that stays in place may have it aside. */
static uint32_t place_of_local(const Writer *w, uint32_t local)
{
    if (!w->piece->in_place || !stay_of(w)->aside) return local;
    int stored = in_place_stored(&stay_of(w)->code, local);
    return stored < 0 ? local : w->c->locals + w->c->max_stack - 1 - (uint32_t)stored;
}

/* Where a jump to TARGET leads from where all is known that the code there takes for granted. */
static uint32_t sure_place(const Layout *l, uint32_t target)
{
    return l->others[target].sure ? l->others[target].sure : l->map[target];
}

/* Where a jump of the piece to TARGET leads. */
static uint32_t jump_place(const Writer *w, uint32_t target)
{
    /* Code knows nothing of what jumps back to it. */
    bool sure = w->piece->sure && target > w->piece->ip;
    if (!w->piece->in_place) return sure ? sure_place(w->l, target) : w->l->map[target];
    const StayCode *s = stay_of(w);
    for (uint32_t i = 0; i < s->code.part_count; i++)
        if (s->code.parts[i].start == target) return s->at[i];
    return takes_over(w);
}

/* Is stencil ID for a local, or more from it on, rather than for operands of an instruction? */
static bool is_for_local(uint32_t id)
{
    return id == STENCIL_empty_local || id == STENCIL_empty_two || id == STENCIL_copy_two ||
           id == STENCIL_save_argument;
}

/* The byte of the operand of HOLE. */
static const uint8_t *operand_byte(const Writer *w, const StencilHole *hole)
{
    return w->c->code.data + w->piece->ip + 1 + hole->distance;
}

static uint64_t local_hole(const Writer *w, const StencilHole *hole)
{
    const Piece *p = w->piece;
    return local_displacement(is_for_local(p->stencil) ? p->goes : place_of_local(w, *operand_byte(w, hole)));
}

static uint64_t jump_hole(const Writer *w, const StencilHole *hole)
{
    const Piece *p = w->piece;
    if (p->stencil >= STENCIL_hop && p->stencil <= STENCIL_hop_2)
        return w->run + (p->sure ? sure_place(w->l, p->ip) : w->l->map[p->ip]);
    return w->run + jump_place(w, jump_target(w->c, operand_at(w->c, p->ip, hole->distance)));
}

static uint64_t operand_hole(const Writer *w, const StencilHole *hole)
{
    Operand o = operand_at(w->c, w->piece->ip, hole->distance);
    if (hole->hole == HOLE_WORD) return operand_word(w->c, o);
    if (hole->hole == HOLE_OFFSET) return jump_target(w->c, o);
    return (uint64_t)operand_value(w->c, o);
}

/* Argument I of the call of the code itself. */
static uint64_t argument_displacement(const Writer *w, uint32_t i)
{
    return local_displacement(w->c->locals + w->piece->height - w->c->arity + i);
}

static uint64_t computed_flag(const Writer *w)
{
    return value_at(w->c, w->piece->ip, 'c') & 0x80 ? FF_CHANGED : 0;
}

static const SwitchCase *case_of(const Writer *w)
{
    const Switch *s = switch_at(w->c, w->piece->ip);
    return &w->c->cases.data[s->first + w->piece->goes];
}

/* Where what comes behind a piece begins. */
static uint64_t behind(const Writer *w)
{
    const Piece *p = w->piece->aside ? &w->l->pieces.data[w->piece->other] : w->piece;
    return w->run + p->at + stencils[p->stencil].size;
}

/* What is found out before a call has a frame; or an address that is the same in all code. */
static uint64_t early_hole(const Writer *w, HoleKind hole)
{
    switch (hole) {
    case HOLE_LEFT:
        return local_displacement(w->c->early.left);
    case HOLE_RIGHT:
        return local_displacement(w->c->early.right);
    case HOLE_SMALL:
        return w->c->early.number << 16;
    case HOLE_FIRST:
        return argument_displacement(w, w->c->early.left);
    case HOLE_SECOND:
        return argument_displacement(w, w->c->early.right);
    case HOLE_RESULT:
        return argument_displacement(w, w->c->early.given);
    case HOLE_GIVEN:
        return local_displacement(w->c->early.given);
    case HOLE_VALUE:
        return w->c->early.value;
    case HOLE_TYPE:
        return w->c->early.type;
    default:
        assert(w->stubs->at[hole] && "the hole can be filled");
        return w->stubs->at[hole];
    }
}

static uint64_t hole_value(const Writer *w, const StencilHole *hole)
{
    const Piece *p = w->piece;
    switch ((HoleKind)hole->hole) {
    case HOLE_LOCAL:
        return local_hole(w, hole);
    case HOLE_ITEM:
        return offsetof(Obj, body) + *operand_byte(w, hole) * sizeof(Word);
    case HOLE_SHIFTED:
        return (uint64_t)(int64_t)(int16_t)op_read16(operand_byte(w, hole)) << 16;
    case HOLE_JUMP:
        return jump_hole(w, hole);
    case HOLE_OPERAND:
    case HOLE_WORD:
    case HOLE_OFFSET:
        return operand_hole(w, hole);
    case HOLE_NEXT:
        return behind(w);
    case HOLE_BACK:
        return w->run + p->back;
    case HOLE_STAY:
        return p->goes ? p->goes - (p->at + stencils[p->stencil].size) : 0;
    case HOLE_OTHER:
        return w->run + w->l->pieces.data[p->other].at;
    case HOLE_STACK:
        return local_displacement(w->c->locals + p->height - p->state);
    case HOLE_AT:
        return frame_place(p->ip, p->height);
    case HOLE_AFTER:
        return place_after(w);
    case HOLE_BEHIND:
        return frame_place(p->ip + p->length, p->height);
    case HOLE_JOIN:
        return frame_place(jump_target(w->c, operand_of(w->c, p->ip, 'j')), p->height);
    case HOLE_FOLLOWING:
        return p->ip + p->length;
    case HOLE_SIZE:
        return local_displacement(w->c->locals + w->c->max_stack);
    case HOLE_TOP:
        return local_displacement(w->c->locals + w->c->max_stack) + offsetof(Choice, slot) +
               (CV_LOCALS + w->c->arity) * sizeof(Word);
    case HOLE_IP:
        return p->ip;
    case HOLE_LENGTH:
        return p->length;
    case HOLE_FLAGS:
        return FF_GOAL | computed_flag(w);
    case HOLE_KEY:
        return case_of(w)->key;
    case HOLE_ITEMS:
        return case_of(w)->len;
    case HOLE_CHOSEN:
        return w->run + w->l->map[case_of(w)->target];
    case HOLE_EXTRA:
        return computed_flag(w) << 8;
    case HOLE_NAME:
        return (uint64_t)w->c->name << 32;
    case HOLE_CHOICE:
        return choice_first(CHOICE_RETRY | CHOICE_ABOVE, w->c->arity);
    case HOLE_HEADER:
        return header_word(w->c);
    case HOLE_BEGUN:
        return header_word(w->c) | computed_flag(w) << 8;
    case HOLE_CONSTANT:
        return (uintptr_t)&w->c->constants.data[value_at(w->c, p->ip, 'k')];
    case HOLE_WRONG:
        return (uintptr_t)&w->l->wish.guesses->sites[p->ip].wrong;
    case HOLE_COUNTER:
        return (uintptr_t)w->l->wish.counter;
    case HOLE_CHUNK:
        return word_from_ptr(TAG_RAW, w->c);
    case HOLE_OBJECT:
        return (uintptr_t)w->c;
    case HOLE_MAP:
        return (uintptr_t)w->l->map;
    case HOLE_SLOWLY:
        return w->run + takes_over(w);
    case HOLE_SELF:
        return w->run;
    case HOLE_OVER:
        return w->run + p->goes;
    case HOLE_BODY:
        return w->run + (w->l->empty ? w->l->empty : sure_place(w->l, w->l->body));
    case HOLE_AGAIN:
        return w->run + (p->back ? p->back : w->l->again);
    case HOLE_LAY:
        return w->run + w->l->lay;
    case HOLE_REST:
        return w->run + w->l->rest;
    default:
        return early_hole(w, hole->hole);
    }
}

/* Copy the code of S to WRITE, of which MORE bytes are to be written: what is spoiled behind is the next piece's. */
static inline void copy_code(const Stencil *s, uint8_t *write, uint32_t more)
{
    if (more < s->size + (uint32_t)STENCIL_BLOCK)
        memcpy(write, s->code, s->size);
    else
        for (uint32_t i = 0; i < s->size; i += STENCIL_BLOCK) memcpy(write + i, s->code + i, STENCIL_BLOCK);
}

/* Write the COUNT pieces of W, which are SIZE bytes and all that there are. */
static bool write_pieces(Writer w, size_t count, uint32_t size, uint8_t *write)
{
    bool ok = true;
    for (const Piece *end = w.piece + count; w.piece < end; w.piece++) {
        uint32_t at = w.piece->at;
        const Stencil *s = &stencils[w.piece->stencil];
        copy_code(s, write + at, size - at);
        const StencilHole *hole = s->holes;
        for (uint32_t left = s->count; left > 0; left--, hole++)
            ok &= stencil_patch_fast(hole->patch, write + at + hole->offset, w.run + at + hole->offset,
                                     hole_value(&w, hole) + (uint64_t)(int64_t)hole->addend);
    }
    assert(ok && "a stencil holds a number too small for what goes there");
    return ok;
}

static void force_guards(const Layout *l, uint8_t *write)
{
    for (size_t i = 0; i < l->pieces.len; i++)
        force_guard(&stencils[l->pieces.data[i].stencil], write + l->pieces.data[i].at, l->wish.force);
}

void stubs_init(Stubs *stubs)
{
    *stubs = (Stubs){{0}};
#define HOLE(id, what)
#define CALLED(id, function) stubs->at[HOLE_##id] = (uintptr_t)function;
#include "jit1/holes.inc"
#undef HOLE
}

bool layout_write(const Layout *l, const Chunk *c, const Stubs *stubs, uint8_t *write, uint64_t run)
{
    Writer w = {l, c, stubs, l->pieces.data, run};
    bool ok = write_pieces(w, l->pieces.len, l->size, write);
    if (l->wish.force) force_guards(l, write);
    return ok;
}

uint32_t stub_write(StencilName id, const Stubs *stubs, uint8_t *write, uint64_t run, bool *ok)
{
    Piece alone = {.stencil = id};
    Writer w = {.stubs = stubs, .piece = &alone, .run = run};
    *ok &= write_pieces(w, 1, stencils[id].size, write);
    return stencils[id].size;
}

void hop_write(uint8_t *write, uint64_t run, uint64_t to)
{
    const Stencil *s = &stencils[STENCIL_hop];
    const StencilHole *hole = s->holes;
    assert(s->count == 1);
    memcpy(write, s->code, s->size);
    memset(write - sizeof(uint32_t), 0, sizeof(uint32_t));
    bool ok = stencil_patch(hole->patch, write + hole->offset, run + hole->offset, to, hole->addend);
    assert(ok);
    (void)ok;
}
