/* Fills each hole of the stencils for AArch64 with some value and prints what became of the instruction, for tools/check-aarch64:
 *
 *     STENCIL KIND WANTED BEFORE AFTER
 *
 * WANTED is the value, of a branch the distance.  A `word` is no instruction.  Compiled with the header of those stencils in place of the host's. */
#include "jit1/stencil.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const kinds[] = {
    [PATCH_MOV0] = "mov0", [PATCH_MOV1] = "mov1",       [PATCH_MOV2] = "mov2",
    [PATCH_MOV3] = "mov3", [PATCH_BRANCH26] = "branch", [PATCH_ABS32] = "word",
};

static uint32_t instruction(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool fill(const Stencil *s, const StencilHole *hole, uint64_t random)
{
    uint8_t code[4];
    memcpy(code, s->code + hole->offset, sizeof code);
    uint64_t run = random & 0xFFFFFFFFFFFC, value = random;
    /* 26 bits, counted in instructions. */
    int64_t distance = (int64_t)(random << 8) >> 38 << 2;
    if (hole->patch == PATCH_ABS32) value = random >> 33;
    if (hole->patch == PATCH_BRANCH26) value = run + (uint64_t)distance - (uint64_t)(int64_t)hole->addend;
    bool ok = stencil_patch(hole->patch, code, run, value, hole->addend);
    uint64_t wanted =
        hole->patch == PATCH_BRANCH26 ? (uint64_t)distance : value + (uint64_t)(int64_t)hole->addend;
    printf("%s %s %" PRIu64 " %08" PRIx32 " %08" PRIx32 "\n", s->name, kinds[hole->patch], wanted,
           instruction(s->code + hole->offset), instruction(code));
    return ok;
}

int main(void)
{
    uint64_t random = 1;
    bool ok = true;
    for (unsigned i = 0; i < STENCIL_COUNT; i++) {
        for (unsigned k = 0; k < stencils[i].count; k++) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            ok &= fill(&stencils[i], &stencils[i].holes[k], random);
        }
    }
    return ok ? 0 : 1;
}
