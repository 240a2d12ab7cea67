#define STENCIL_TABLES
#include "jit1/stencil.h"

#include <string.h>

#include "jit/bailout.h"

_Static_assert(STENCIL_ARGUMENTS == NATIVE_ARGUMENTS + 1, "what exits of calls are told to be for");

static void put32(uint8_t *write, uint32_t value)
{
    memcpy(write, &value, sizeof value);
}

static uint32_t get32(const uint8_t *code)
{
    uint32_t value;
    memcpy(&value, code, sizeof value);
    return value;
}

/* Put the last BITS bits of VALUE into the instruction at WRITE, from bit AT on. */
static void put_field(uint8_t *write, unsigned at, unsigned bits, uint64_t value)
{
    uint32_t mask = ((UINT32_C(1) << bits) - 1) << at;
    put32(write, (get32(write) & ~mask) | ((uint32_t)value << at & mask));
}

/* Put DISTANCE into the branch at WRITE, which counts instructions. */
static bool put_branch(uint8_t *write, int64_t distance)
{
    put_field(write, 0, 26, (uint64_t)distance >> 2);
    return distance % 4 == 0 && distance >= -(INT64_C(1) << 27) && distance < INT64_C(1) << 27;
}

bool stencil_patch(PatchKind kind, uint8_t *write, uint64_t run, uint64_t value, int64_t addend)
{
    uint64_t sum = value + (uint64_t)addend;
    switch (kind) {
    case PATCH_ABS32:
        put32(write, (uint32_t)sum);
        return sum <= UINT32_MAX;
    case PATCH_ABS32S:
        put32(write, (uint32_t)sum);
        return (int64_t)sum == (int32_t)sum;
    case PATCH_ABS64:
        memcpy(write, &sum, sizeof sum);
        return true;
    case PATCH_REL32:
        sum -= run;
        put32(write, (uint32_t)sum);
        return (int64_t)sum == (int32_t)sum;
    case PATCH_MOV0:
    case PATCH_MOV1:
    case PATCH_MOV2:
    case PATCH_MOV3:
        put_field(write, 5, 16, sum >> 16 * (kind - PATCH_MOV0));
        return true;
    case PATCH_BRANCH26:
        return put_branch(write, (int64_t)(sum - run));
    }
    return false;
}
