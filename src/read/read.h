/* Reader: text to atoms with source spans, one top-level form at a time, iteratively.
 *
 * Syntax is HE's: words end at white space, parentheses and ';'; "!" is an ordinary word that the caller
 * interprets; variables end at white space and parentheses only; strings have escapes.  White space is Unicode's.
 * A word 'c' is a character.  What HE rejects and this reader takes: integers beyond 64 bits, and "\0" in strings, which
 * printing writes. */
#ifndef METTA_READ_READ_H
#define METTA_READ_READ_H

#include "atom/atom.h"
#include "base/buf.h"

/* A place in a source: lines and columns count from 1, columns in Unicode scalars; END is the byte after the form. */
typedef struct Span {
    uint32_t file; /* index given by the caller to reader_init */
    uint32_t line, column;
    uint32_t end_line, end_column;
} Span;

/* Word-to-atom conversion beyond the fixed syntax (numbers, strings, variables): tokens such as "+", "True", "&self".
 * Called with each word that is neither number nor string, already interned as SYMBOL, so that a table indexed by symbol
 * answers without another hash; returns false to make it a plain symbol. */
typedef struct Tokens {
    bool (*lookup)(void *context, uint32_t symbol, Word *out);
    void *context;
} Tokens;

typedef enum ReadStatus { READ_FORM, READ_EOF, READ_ERROR, READ_INCOMPLETE } ReadStatus;

typedef struct ReadError {
    const char *message; /* static text */
    uint32_t line, column;
    size_t offset; /* byte offset in the text */
} ReadError;

typedef struct Reader Reader;

/* A reader of LEN bytes of TEXT, which the caller keeps alive, as are the heap, the symbol table and TOKENS (NULL: no
 * tokens).  FILE is stored in spans. */
Reader *reader_new(Heap *h, SymTab *symbols, const Tokens *tokens, const char *text, size_t len,
                   uint32_t file);
void reader_free(Reader *r);
/* From the next form on reader_spans has every node: words, variables, strings and empty expressions, too. */
void reader_span_leaves(Reader *r);

/* Read the next form into *OUT and its place into *SPAN.
 *   READ_FORM        *OUT is the atom.  Variables of one form with one name are one fresh cell (OBJ_PLAIN).
 *   READ_EOF         only white space and comments were left.
 *   READ_INCOMPLETE  the text ended inside a form or string; reader_error tells where: at the string when one is
 *                    open, else at the first "(" of the form.
 *   READ_ERROR       anything else that is wrong; see reader_error.
 * After the last two the reader is at the end of its text.  Cost: linear in the text consumed. */
ReadStatus reader_next(Reader *r, Word *out, Span *span);
const ReadError *reader_error(const Reader *r);

/* Spans of the sub-expressions of the last form read, in pre-order (the form itself first, then each non-empty
 * sub-expression as its "(" appears; with reader_span_leaves each node); owned by the reader, valid until the next call.  After an error or an incomplete
 * form only the beginnings of the open ones are set. */
const Span *reader_spans(const Reader *r, size_t *count);
/* The line of the text that holds byte OFFSET, without its newline. */
const char *reader_line_at(const Reader *r, size_t offset, size_t *len);

#endif
