#include "code/op.h"

/* Operand strings are short literals, so this folds to a constant. */
#define SIZE_AT(s, i) \
    ((i) >= sizeof(s) - 1 ? 0 : (s)[i] == 'k' || (s)[i] == 'j' || (s)[i] == 'i' || (s)[i] == 't' ? 2 : 1)
#define LENGTH(s) (1 + SIZE_AT(s, 0) + SIZE_AT(s, 1) + SIZE_AT(s, 2) + SIZE_AT(s, 3))

const OpInfo *op_info(uint8_t byte)
{
    static const OpInfo table[256] = {
#define OP(number, name, mnemonic, operands, pops, pushes, flags, doc) \
    [number] = {mnemonic, operands, pops, pushes, flags, LENGTH(operands ""), doc},
#include "ops.gen.h"
#undef OP
    };
    return &table[byte];
}

unsigned op_operand_size(char letter)
{
    return letter == 'k' || letter == 'j' || letter == 'i' || letter == 't' ? 2 : 1;
}
