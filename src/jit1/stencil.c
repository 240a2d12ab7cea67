#define STENCIL_TABLES
#include "jit1/stencil.h"

#include <string.h>

static void put32(uint8_t *write, uint32_t value)
{
    memcpy(write, &value, sizeof value);
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
    }
    return false;
}
