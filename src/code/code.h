/* Code in the making: instructions with labels in place of offsets.  The compiler appends to it, passes rewrite it, the
 * assembler reads it from text; code_encode lays it out as the bytes of a chunk. */
#ifndef METTA_CODE_CODE_H
#define METTA_CODE_CODE_H

#include "atom/print.h"
#include "code/chunk.h"

typedef struct Instr {
    uint8_t op;
    uint32_t place;                /* index in places, of the expression it belongs to */
    uint32_t arg[OP_MAX_OPERANDS]; /* as the operand letters say; a jump holds a label */
} Instr;

#define NO_LABEL UINT32_MAX

/* As an Expression of a chunk, with labels. */
typedef struct CodeExpression {
    uint32_t at, end;
    uint16_t term, type;
    bool tail;
} CodeExpression;

typedef struct Code {
    VEC(Instr) instrs;
    VEC(uint32_t) labels; /* by label: the instruction it stands before; NO_LABEL: not placed yet */
    VEC(CodeExpression) expressions;
    VEC(Span) places;
    VEC(CodeClause) clauses; /* that the places belong to; none: not known */
    uint32_t place;          /* of what is appended next */
} Code;

void code_free(Code *code);
uint32_t code_new_label(Code *code);
/* Label L stands before the instruction that is appended next. */
void code_place_label(Code *code, uint32_t l);
/* The end of the code, to go back to: what was appended since, labels and expressions, too, is gone then. */
typedef struct CodeMark {
    size_t instrs, labels, expressions;
} CodeMark;
CodeMark code_mark(const Code *code);
void code_rewind(Code *code, CodeMark mark);
/* Append an instruction; the operands it has are taken from A to E.  Returns its index. */
uint32_t code_emit(Code *code, Op op, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e);
/* Make IN the instruction that pushes the constant W; false, and IN is as it was, when CHUNK has no room for it. */
bool code_push(Chunk *chunk, Word w, Instr *in);
/* Take out the instructions that are marked in DROP (one entry per instruction); labels move to what follows.  Linear. */
void code_drop(Code *code, const bool *drop);
/* Lay CODE out in CHUNK, whose tables are filled but for code, places and expressions; targets of its switches are labels and
 * become offsets.  False when a jump is too far or the code too long for the format. */
bool code_encode(const Code *code, Chunk *chunk);
/* Append the listing of CODE, with labels, for looking at what passes do.  CHUNK has the constants and templates. */
void code_print(const Names *names, const Code *code, const Chunk *chunk, Buf *out);

#endif
