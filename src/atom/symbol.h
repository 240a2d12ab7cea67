/* Symbol table: text interned to a dense 32-bit id, one table per runtime.
 *
 * Symbols live as long as the table.  The well-known ones have fixed ids (SYM_ERROR, ...). */
#ifndef METTA_ATOM_SYMBOL_H
#define METTA_ATOM_SYMBOL_H

#include "atom/word.h"

enum {
#define SYM(id, text) SYM_##id,
#include "atom/symbols.inc"
#undef SYM
    SYM_COUNT_KNOWN
};
#define W_SYM(id) WORD_MAKE(TAG_SYM, SYM_##id)

typedef struct SymTab SymTab;

/* A table holding just the well-known symbols; the caller frees it with sym_free. */
SymTab *sym_new(void);
void sym_free(SymTab *t);
/* The id of TEXT (any bytes, LEN of them), added when new.  Expected constant time. */
uint32_t sym_intern(SymTab *t, const char *text, size_t len);
uint32_t sym_intern_cstr(SymTab *t, const char *text);
/* The text of ID, NUL-terminated, owned by the table; its length goes to *LEN unless NULL. */
const char *sym_text(const SymTab *t, uint32_t id, size_t *len);
/* Number of symbols; ids are below it. */
uint32_t sym_count(const SymTab *t);
/* The id of TEXT if it is already interned. */
bool sym_find(const SymTab *t, const char *text, size_t len, uint32_t *id);

#endif
