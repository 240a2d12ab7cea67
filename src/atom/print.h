/* Atoms to text, in HE's output format.  Iterative: depth is bounded by memory only. */
#ifndef METTA_ATOM_PRINT_H
#define METTA_ATOM_PRINT_H

#include "atom/atom.h"
#include "base/buf.h"

/* What printing needs to name words: the symbol table and the names of grounded operations. */
typedef struct Names {
    const SymTab *symbols;
    const char *const *ops; /* by operation index */
    uint32_t op_count;
} Names;

/* Append the text of W: strings quoted with Rust debug escapes, variables as $name or $name#serial. */
void atom_print(const Names *names, Word w, Buf *out);
/* The same, but a string at top level is appended raw (println!, format-args). */
void atom_print_raw(const Names *names, Word w, Buf *out);
/* Append a string literal that reads back as the LEN bytes of TEXT. */
void str_print_quoted(const char *text, size_t len, Buf *out);

#endif
