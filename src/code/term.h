/* Terms of chunks as text that reads back as the same words: what prints alike but is not what the text would be read as is written with a
 * leading '#'.
 *
 *   $#3              slot 3
 *   #"a b"           the symbol with this name, whatever the word would be read as
 *   #op"json-encode" the operation with this name, where its name is no word for it
 *   #true #false #inf #-inf #nan #char10
 *   #unreadable"..." a space, a state, an operation of the host: no text can stand for it */
#ifndef METTA_CODE_TERM_H
#define METTA_CODE_TERM_H

#include "rt/rt.h"

/* Append the text of W, a constant or stored term.  Iterative, linear in its size. */
void term_write(const Runtime *rt, Word w, Buf *out);
/* The same for the symbol ID. */
void term_write_symbol(const Runtime *rt, uint32_t id, Buf *out);

/* Read a term at *AT, which moves behind it; blanks before it are passed, and a newline ends the text like END.  False: *ERROR is a static
 * text and *AT where it is wrong.  The word is one of the heap, with slots in it if the text has them. */
bool term_read(Runtime *rt, const char **at, const char *end, Word *out, const char **error);

#endif
