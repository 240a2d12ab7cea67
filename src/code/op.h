/* Opcode numbers and what the tools know of each opcode; made from the blocks of ops.inc. */
#ifndef METTA_CODE_OP_H
#define METTA_CODE_OP_H

#include "base/base.h"

enum {
    OPF_PURE = 1,
    OPF_ALLOC = 2,
    OPF_EVAL = 4,
    OPF_BRANCH = 8,
    OPF_END = 16,
};
/* Pops as many values as the operand n says. */
#define VARIABLE_POPS (-1)

typedef enum Op {
#define OP(number, name, mnemonic, operands, pops, pushes, flags, doc) OP_##name = number,
#include "ops.gen.h"
#undef OP
} Op;

typedef struct OpInfo {
    const char *mnemonic; /* NULL: no such opcode */
    const char *operands;
    int8_t pops, pushes;
    uint8_t flags;
    uint8_t length; /* bytes, opcode included */
    const char *doc;
} OpInfo;

/* The 16-bit operand at P. */
static inline uint16_t op_read16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}
/* What is known of opcode BYTE; an entry without mnemonic when there is none. */
const OpInfo *op_info(uint8_t byte);
/* Bytes that operand LETTER takes. */
unsigned op_operand_size(char letter);

#endif
