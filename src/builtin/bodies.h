/* The bodies of the blocks: their prototypes, and the macro that makes a block of an .inc file a function.  Include it in the
 * file that includes the blocks. */
#ifndef METTA_BUILTIN_BODIES_H
#define METTA_BUILTIN_BODIES_H

#include "builtin/builtin.h"

#define BUILTIN(id, ...) BiStatus bi_##id(Runtime *rt, const Word *arg, uint32_t n, Word *out);
#include "builtins.gen.h"
#undef BUILTIN

#define MAY_IGNORE __attribute__((unused))
#define BUILTIN(id, ...)                                                                        \
    BiStatus bi_##id(MAY_IGNORE Runtime *rt, MAY_IGNORE const Word *arg, MAY_IGNORE uint32_t n, \
                     MAY_IGNORE Word *out)

#endif
