#include "code/op.h"

#include <string.h>

/* Operand strings are short literals, so this folds to a constant. */
#define LETTER_AT(s, i) ((s)[(i) < sizeof(s) - 1 ? (i) : 0])
#define SIZE_AT(s, i) ((i) >= sizeof(s) - 1 ? 0 : OP_OPERAND_SIZE(LETTER_AT(s, i)))
#define OFFSET_1(s) (1 + SIZE_AT(s, 0))
#define OFFSET_2(s) (OFFSET_1(s) + SIZE_AT(s, 1))
#define OFFSET_3(s) (OFFSET_2(s) + SIZE_AT(s, 2))
#define OFFSET_4(s) (OFFSET_3(s) + SIZE_AT(s, 3))
#define LENGTH(s) (OFFSET_4(s) + SIZE_AT(s, 4))
#define IS_AT(s, i, letter) ((i) < sizeof(s) - 1 && LETTER_AT(s, i) == (letter))
/* Distance of the first operand of a kind; there is no other n or c, and a second jump is the last operand. */
#define FIRST_OF(s, letter)              \
    (IS_AT(s, 0, letter)   ? 1           \
     : IS_AT(s, 1, letter) ? OFFSET_1(s) \
     : IS_AT(s, 2, letter) ? OFFSET_2(s) \
     : IS_AT(s, 3, letter) ? OFFSET_3(s) \
     : IS_AT(s, 4, letter) ? OFFSET_4(s) \
                           : 0)
#define COUNT(s) (FIRST_OF(s, 'n') ? FIRST_OF(s, 'n') : FIRST_OF(s, 'c'))
#define MASK(s) (FIRST_OF(s, 'n') ? 0xFF : 0x7F)
#define LAST_JUMP(s) (sizeof(s) > 1 && (s)[sizeof(s) > 1 ? sizeof(s) - 2 : 0] == 'j' ? LENGTH(s) - 2 : 0)
#define JUMPS(s) {FIRST_OF(s, 'j'), LAST_JUMP(s) != FIRST_OF(s, 'j') ? LAST_JUMP(s) : 0}

const OpInfo op_table[256] = {
#define OP(number, name, mnemonic, operands, pops, pushes, flags, doc) \
    [number] = {mnemonic,                                              \
                operands,                                              \
                pops,                                                  \
                pushes,                                                \
                flags,                                                 \
                LENGTH(operands ""),                                   \
                COUNT(operands ""),                                    \
                MASK(operands ""),                                     \
                JUMPS(operands ""),                                    \
                FIRST_OF(operands "", 'k') != 0,                       \
                doc},
#include "ops.gen.h"
#undef OP
};

int op_find(const char *mnemonic, size_t len)
{
    for (unsigned i = 0; i <= UINT8_MAX; i++) {
        const char *name = op_info((uint8_t)i)->mnemonic;
        if (name && strlen(name) == len && memcmp(name, mnemonic, len) == 0) return (int)i;
    }
    return -1;
}

/* -- Fusions -- */

static const Fusion fusions[] = {
#define FUSE(op, locals, ...) {OP_##op, sizeof((uint8_t[]){__VA_ARGS__}), FUSE_##locals, {__VA_ARGS__}},
#include "code/fusions.inc"
#undef FUSE
};

const Fusion *op_fusions(size_t *count)
{
    *count = COUNT_OF(fusions);
    return fusions;
}

bool op_fusion_fits(const Fusion *f, const uint8_t *code)
{
    if (f->locals == FUSE_ANY) return true;
    uint32_t first[FUSION_MAX], second = code[2];
    /* Those behind have no operands, and the last one may end with the code. */
    for (unsigned i = 0; i < f->count && op_info(f->parts[i])->length > 1; i++) {
        first[i] = code[1];
        code += op_info(f->parts[i])->length;
    }
    return fusion_fits(f, first, second);
}

const Fusion *op_fusion(uint8_t op)
{
    /* Index + 1 by opcode. */
    enum {
#define FUSE(op, locals, ...) INDEX_##op,
#include "code/fusions.inc"
#undef FUSE
    };
    static const uint8_t by_op[256] = {
#define FUSE(op, locals, ...) [OP_##op] = INDEX_##op + 1,
#include "code/fusions.inc"
#undef FUSE
    };
    return by_op[op] ? &fusions[by_op[op] - 1] : NULL;
}

const uint8_t op_first_differs[256] = {
#define FIRST(first, ...) first
#define FUSE(op, locals, ...) [OP_##op] = OP_##op ^ FIRST(__VA_ARGS__, ),
#include "code/fusions.inc"
#undef FUSE
};
