/* Stencils as the program has them: machine code with holes, made by tools/mkstencils from jit1/stencils.inc. */
#ifndef METTA_JIT1_STENCIL_H
#define METTA_JIT1_STENCIL_H

#include "code/op.h"

#include <string.h>

/* How a value goes into the code. */
typedef enum PatchKind {
    PATCH_ABS32,  /* unsigned */
    PATCH_ABS32S, /* signed */
    PATCH_ABS64,
    PATCH_REL32, /* distance from the place of the patch */
    /* AArch64: 16 bits of a value each, in an instruction that moves them; a branch. */
    PATCH_MOV0,
    PATCH_MOV1,
    PATCH_MOV2,
    PATCH_MOV3,
    PATCH_BRANCH26,
} PatchKind;

typedef enum HoleKind {
#define HOLE(id, what) HOLE_##id,
#include "jit1/holes.inc"
#undef HOLE
    HOLE_COUNT
} HoleKind;

typedef struct StencilHole {
    uint16_t offset;
    uint8_t patch, hole;
    uint8_t distance; /* of the operand, in bytes from the first */
    int32_t addend;
} StencilHole;

typedef struct Stencil {
    _Alignas(64) const char *name; /* so large that finding one by its index takes a shift */
    const uint8_t *code;           /* in blocks of STENCIL_BLOCK bytes */
    const StencilHole *holes;
    uint16_t size, count; /* bytes, holes */
    int8_t ends;          /* operands in registers behind it; -1: control does not come there */
    uint16_t
        cold; /* what takes over where it leaves: index + 1 of a stencil for no operands in registers; 0: the VM */
    uint16_t
        aside; /* the part of it that is seldom used, which need not be near: index + 1; 0: there is none */
    uint16_t floats, wide, typed, begun,
        new;           /* those that hot.inc calls so, which do the same: index + 1; 0: there is none */
    uint16_t known[3]; /* those for what is known of two locals, bit by bit: that they are small integers */
    uint8_t locals[2]; /* which these are: distances of operands; STENCIL_NO_LOCAL */
    bool shows, gives; /* it leaves if they are none; it gives one */
    bool leaves;       /* it may leave its instruction to something else */
    bool calls;        /* C, as a rule */
} Stencil;

/* As COLD: the stencils of the parts of the fusion. */
enum { COLD_PARTS = UINT16_MAX, STENCIL_NO_LOCAL = UINT8_MAX };

#include "stencils.gen.h"

enum {
    STENCIL_BLOCK = 16,
    STENCIL_STATES = 3,
    STENCIL_ARGUMENTS = 9,
    STENCIL_LEAST_MADE = 2,
    STENCIL_MOST_MADE = 4
};
extern const Stencil stencils[];
/* By opcode and number of operands in registers: index + 1, or 0.  For calls, that of the first of 2 * STENCIL_ARGUMENTS: by number of arguments, each with
 * one for calls of the function itself behind it.  For what makes an expression, that for any number of items; those for
 * STENCIL_LEAST_MADE to STENCIL_MOST_MADE follow. */
extern const uint16_t stencil_of[256][STENCIL_STATES];

/* Put VALUE + ADDEND into the code at WRITE, which will run at RUN.  False when it does not fit. */
bool stencil_patch(PatchKind kind, uint8_t *write, uint64_t run, uint64_t value, int64_t addend);
/* The same of a SUM, where it is a large part of the work. */
static inline bool stencil_patch_fast(PatchKind kind, uint8_t *write, uint64_t run, uint64_t sum)
{
    if (kind == PATCH_ABS64) {
        memcpy(write, &sum, sizeof sum);
        return true;
    }
    if (kind > PATCH_REL32) return stencil_patch(kind, write, run, sum, 0);
    if (kind == PATCH_REL32) sum -= run;
    uint32_t low = (uint32_t)sum;
    memcpy(write, &low, sizeof low);
    return sum == (kind == PATCH_ABS32 ? low : (uint64_t)(int64_t)(int32_t)low);
}

#endif
