/* Opcode numbers and what the tools know of each opcode; made from the blocks of ops.inc. */
#ifndef METTA_CODE_OP_H
#define METTA_CODE_OP_H

#include "base/base.h"

enum {
    OPF_PURE = 1,    /* touches the frame only */
    OPF_ALLOC = 2,   /* may allocate */
    OPF_EVAL = 4,    /* may hand over to tier 0, or to another frame */
    OPF_BRANCH = 8,  /* may jump */
    OPF_END = 16,    /* control does not go on behind it */
    OPF_CHOICE = 32, /* may leave a choice point */
    OPF_FAIL = 64,   /* may take the newest alternative instead of going on */
};
/* Pops as many values as the operand n says. */
#define VARIABLE_POPS (-1)
enum { OP_MAX_OPERANDS = 5 };

typedef enum Op {
#define OP(number, name, mnemonic, operands, pops, pushes, flags, doc) OP_##name = number,
#include "ops.gen.h"
#undef OP
} Op;

typedef struct OpInfo {
    const char *mnemonic; /* NULL: no such opcode */
    const char *operands; /* a letter each, see ops.inc */
    int8_t pops, pushes;
    uint8_t flags;
    uint8_t length;   /* bytes, opcode included */
    uint8_t count;    /* distance of the operand n or c from the opcode, 0: there is none */
    uint8_t mask;     /* of the bits that count in it */
    uint8_t jumps[2]; /* of its jumps; 0: there is none */
    bool constants;   /* some operand is a k */
    const char *doc;
} OpInfo;

/* An opcode that stands for several instructions in a row, its PARTS.  It is the opcode of the first of them, with its operands; the
 * bytes of the others stay behind it, for whoever comes to them from elsewhere, and it goes on behind the last. */
enum { FUSION_MAX = 6 };
/* Which of their operands are the same locals, as a rule. */
typedef enum FusionLocals {
    FUSE_ANY,
    FUSE_SAME,  /* the first ones of the first two parts */
    FUSE_BOTH,  /* the same; and the second one of the first part and the first one of the third */
    FUSE_EACH,  /* the first ones of the first and the third, and those of the second and the fourth part */
    FUSE_THREE, /* none need be, but the fourth part takes three operands */
} FusionLocals;
typedef struct Fusion {
    uint8_t op, count, locals;
    uint8_t parts[FUSION_MAX];
} Fusion;

/* Are those the same that should be?  FIRST: the first operands of the parts; SECOND: the second one of the first part. */
static inline bool fusion_fits(const Fusion *f, const uint32_t *first, uint32_t second)
{
    switch ((FusionLocals)f->locals) {
    case FUSE_ANY:
        return true;
    case FUSE_SAME:
        return first[0] == first[1];
    case FUSE_BOTH:
        return first[0] == first[1] && second == first[2];
    case FUSE_EACH:
        return first[0] == first[2] && first[1] == first[3];
    case FUSE_THREE:
        return first[3] == 3;
    }
    return false;
}
/* The same of the parts that stand at CODE, no byte of which is missing. */
bool op_fusion_fits(const Fusion *f, const uint8_t *code);

/* Does the code behind instruction OP run in a frame of its own? */
static inline bool op_is_block(uint8_t op)
{
    return op == OP_BLOCK || op == OP_COLLAPSE || op == OP_COLLAPSE_COUNT;
}
/* The 16-bit operand at P. */
static inline uint16_t op_read16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}
extern const OpInfo op_table[256];
/* What is known of opcode BYTE; an entry without mnemonic when there is none. */
static inline const OpInfo *op_info(uint8_t byte)
{
    return &op_table[byte];
}
/* The opcode called MNEMONIC (LEN bytes), or -1.  Linear in the number of opcodes. */
int op_find(const char *mnemonic, size_t len);
/* The fusions by priority, COUNT of them. */
const Fusion *op_fusions(size_t *count);
/* The fusion that OP is, or NULL. */
const Fusion *op_fusion(uint8_t op);
/* In which bits the first parts of fusions differ from them, 0 for other opcodes. */
extern const uint8_t op_first_differs[256];
/* What OP begins with: the first part of a fusion, else itself. */
static inline uint8_t op_first(uint8_t op)
{
    return op ^ op_first_differs[op];
}
/* Bytes that operand LETTER takes: one for s, n and c. */
#define OP_OPERAND_SIZE(letter) ((letter) == 's' || (letter) == 'n' || (letter) == 'c' ? 1 : 2)
static inline unsigned op_operand_size(char letter)
{
    return OP_OPERAND_SIZE(letter);
}

#endif
