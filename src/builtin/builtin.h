/* Builtin blocks: each operation of the library is one block in an .inc file of this folder,
 *
 *   BUILTIN(size_atom, "size-atom", OP, "corelib", "(-> Expression Number)", BF_PURE,
 *           "Number of items of an expression.", "The expression", "Its length")
 *   {
 *       if (!atom_is_expr(arg[0])) return bi_fail(rt, out, "Atom is not an ExpressionAtom");
 *       *out = num_from_int(&rt->heap, expr_len(arg[0]));
 *       return BI_OK;
 *   }
 *
 * The fields: C identifier, name, OP (grounded operation) or SYMBOL (ordinary symbol known to the engine), module,
 * type, flags, one-sentence description, one description per parameter (separated by \n), description of the result.
 * The body is a function (Runtime *rt, const Word *arg, uint32_t n, Word *out) with dereferenced arguments; when the type is a
 * function type and the block is not BF_VARIADIC, n equals its number of parameters.  A body never evaluates.
 *
 * Operations that the engine itself carries out are listed in special.inc as SPECIAL(...) with the same fields.
 * From the same headers come the table below, the type and @doc facts of the core library and docs/builtins.md. */
#ifndef METTA_BUILTIN_BUILTIN_H
#define METTA_BUILTIN_BUILTIN_H

#include "rt/rt.h"

/* All builtins; the index is the operation index of words. */
enum BuiltinIndex {
#define OP false
#define SYMBOL true
#define BUILTIN(id, ...) BI_##id,
#define SPECIAL(id, ...) BI_##id,
#include "builtin/special.inc"
#include "builtins.gen.h"
#undef BUILTIN
#undef SPECIAL
#undef OP
#undef SYMBOL
    BI_COUNT
};

extern const BuiltinInfo builtin_table[BI_COUNT];

/* Fail with a message: (Error CALL message), the message as one symbol. */
BiStatus bi_fail(Runtime *rt, Word *out, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The failure of every operation on expressions that is given something else. */
BiStatus bi_fail_not_expr(Runtime *rt, Word *out);
/* Append the text of W, of a string without quotes; returns the whole text of TEXT, NUL-terminated. */
const char *bi_text(Runtime *rt, Word w, Buf *text);

#endif
