/* Numbers: inline 48-bit integers, boxed 64-bit integers, GMP integers, doubles.
 *
 * An integer has one representation only: the smallest that holds it.  So equality of integers is equality of kind
 * and bits, and arithmetic normalises its results.  "Number" below means a dereferenced integer or double word. */
#ifndef METTA_ATOM_NUM_H
#define METTA_ATOM_NUM_H

#include "atom/atom.h"
#include "base/buf.h"

typedef enum NumKind { NUM_NONE, NUM_INT, NUM_BIG, NUM_FLOAT } NumKind;
/* NUM_INT covers inline and boxed 64-bit integers. */
NumKind num_kind(Word w);
static inline bool num_is(Word w)
{
    if (LIKELY(word_is_int(w) || word_is_double(w))) return true;
    return word_is_heap(w) && (word_obj(w)->kind == OBJ_I64 || word_obj(w)->kind == OBJ_BIG);
}
/* Value of a NUM_INT. */
int64_t num_int(Word w);
Word num_from_int(Heap *h, int64_t v);
/* Nearest double of any number. */
double num_to_double(Word w);

typedef enum NumOp { NUM_ADD, NUM_SUB, NUM_MUL, NUM_DIV, NUM_MOD } NumOp;
typedef enum NumStatus { NUM_OK, NUM_NOT_NUMBER, NUM_DIV_BY_ZERO, NUM_TOO_BIG } NumStatus;
/* A OP B with HE's promotion (any double makes both double); integers are exact, division truncates toward zero,
 * the remainder has the sign of the dividend.  NUM_TOO_BIG: an integer beyond NUM_MAX_LIMBS limbs. */
NumStatus num_arith(Heap *h, NumOp op, Word a, Word b, Word *out);
enum { NUM_MAX_LIMBS = 1 << 20 };
/* The same of any two words, for code that has tried what fits its own words: Nil when num_arith has no result.  Integers of 64 bits take
 * some twenty instructions; bound variables are followed. */
Word num_add(Heap *h, Word x, Word y);
Word num_sub(Heap *h, Word x, Word y);
Word num_mul(Heap *h, Word x, Word y);
/* Three-way compare of two numbers, exact also between big integers and doubles: -1, 0, 1, or NUM_UNORDERED when one is NaN. */
enum { NUM_UNORDERED = 2 };
int num_compare(Word a, Word b);
/* The same of any two words: NUM_NEITHER when one is no number. */
enum { NUM_NEITHER = 3 };
int num_order(Word x, Word y);
/* Hash under which equal numbers (1 and 1.0) agree. */
uint64_t num_hash(Word w);

/* Read an integer of the form [+-]?digits or a float as in the reader's grammar; false when TEXT is neither. */
bool num_parse(Heap *h, const char *text, size_t len, Word *out);
/* Append the text of a number: integers in decimal; floats as the shortest text that reads back the same, always
 * with ".0" or an exponent, exponent form from 1e16 up and below 1e-4, "inf", "-inf", "NaN". */
void num_print(Word w, Buf *out);
/* Round a double to an integer word of any size (trunc, NaN and infinities give false). */
bool num_from_double(Heap *h, double d, Word *out);
/* abs() of any number. */
Word num_abs(Heap *h, Word w);

#endif
