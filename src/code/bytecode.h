/* Reading bytecode, whatever has been fused. */
#ifndef METTA_CODE_BYTECODE_H
#define METTA_CODE_BYTECODE_H

#include "code/function.h"
#include "code/op.h"

static inline uint8_t op_at(const Chunk *c, uint32_t ip)
{
    return op_first(c->code.data[ip]);
}

static inline uint32_t length_at(const Chunk *c, uint32_t ip)
{
    return op_info(op_at(c, ip))->length;
}

static inline bool is_call(uint8_t op)
{
    return op == OP_CALL || op == OP_CALL_TYPED;
}

static inline bool is_tail_call(uint8_t op)
{
    return op == OP_TAIL_CALL || op == OP_TAIL_CALL_TYPED;
}

static inline bool calls_value(uint8_t op)
{
    return op == OP_CALL_VALUE || op == OP_CALL_VALUE_TYPED;
}

/* An operand: its letter, where it stands, and where its instruction ends; the letters of those behind it. */
typedef struct Operand {
    char letter;
    uint32_t at, end;
    const char *others;
} Operand;

/* The first operand of the instruction at IP; its letter is 0 when there is none. */
static inline Operand operand_first(const Chunk *c, uint32_t ip)
{
    const OpInfo *op = op_info(op_at(c, ip));
    return (Operand){op->operands[0], ip + 1, ip + op->length, op->operands + 1};
}

/* The one behind O, likewise. */
static inline Operand operand_next(Operand o)
{
    return (Operand){*o.others, o.at + op_operand_size(o.letter), o.end, o.others + 1};
}

/* For each operand O of the instruction at IP of C. */
#define EACH_OPERAND(o, c, ip) for (Operand o = operand_first(c, ip); o.letter; o = operand_next(o))

/* The operand that stands DISTANCE bytes behind the opcode at IP, perhaps of a later part of a fusion. */
static inline Operand operand_at(const Chunk *c, uint32_t ip, uint32_t distance)
{
    uint32_t wanted = ip + 1 + distance;
    while (ip + length_at(c, ip) <= wanted) ip += length_at(c, ip);
    Operand o = operand_first(c, ip);
    while (o.at < wanted) o = operand_next(o);
    assert(o.at == wanted && o.letter);
    return o;
}

/* The operand LETTER of the instruction at IP, which has one. */
static inline Operand operand_of(const Chunk *c, uint32_t ip, char letter)
{
    Operand o = operand_first(c, ip);
    while (o.letter != letter) o = operand_next(o);
    return o;
}

static inline int64_t operand_value(const Chunk *c, Operand o)
{
    const uint8_t *p = c->code.data + o.at;
    if (op_operand_size(o.letter) == 1) return *p;
    return o.letter == 'i' || o.letter == 'j' ? (int16_t)op_read16(p) : op_read16(p);
}

/* The operand of the instruction at IP that is the first of kind LETTER. */
static inline uint32_t value_at(const Chunk *c, uint32_t ip, char letter)
{
    return (uint32_t)operand_value(c, operand_of(c, ip, letter));
}

static inline const Switch *switch_at(const Chunk *c, uint32_t ip)
{
    return &c->switches.data[value_at(c, ip, 'w')];
}

static inline uint32_t jump_target(const Chunk *c, Operand o)
{
    return (uint32_t)((int64_t)o.end + operand_value(c, o));
}

/* Where the operand is that the instruction at IP only writes to, a local; 0: there is none. */
static inline uint32_t written_at(const Chunk *c, uint32_t ip)
{
    uint8_t op = op_at(c, ip);
    if (op == OP_STORE_LOCAL || op == OP_CLEAR) return ip + 1;
    return op == OP_GET_ITEM ? ip + 3 : 0;
}

/* Does OP, which has operands that are locals, do with them what written_at does not tell? */
static inline bool stores_otherwise(uint8_t op)
{
    return op == OP_NEW_VAR || op == OP_SPLIT || op == OP_FORK_CASE || op == OP_CASE_DONE ||
           (op >= OP_EACH_NEXT && op <= OP_TAIL_ITEMS);
}

#endif
