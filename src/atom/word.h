/* The atom word: 64 bits, NaN-boxed, the same in spaces, on the stack and in compiled code.
 *
 *   tag (top 16 bits)   payload (low 48 bits)
 *   0x7FF8 integer      signed 48-bit integer (larger ones are heap objects)
 *   0x7FF9 Bool         0 or 1
 *   0x7FFA Nil          internal: "no word"; in an unbound variable cell, its serial number
 *   0x7FFB Unit         () , the empty expression
 *   0x7FFC heap object  pointer to an Obj: expression, string, boxed integer, bindings
 *   0x7FFD error        reserved for later tiers
 *   0x7FFE symbol       index into the symbol table
 *   0x7FFF variable     pointer to a variable cell, or a slot number when bit 47 is set
 *   0xFFF9 external     pointer to an Ext (space, state, file, ...), not moved by the collector
 *   0xFFFA operation    index of a grounded operation
 *   0xFFFB raw          internal: 48 untyped bits, ignored by the collector
 *   0xFFFC character    a Unicode scalar
 *   everything else     a double; the one NaN is 0xFFF8000000000000
 *
 * Only this header and atom.h know the encoding. */
#ifndef METTA_ATOM_WORD_H
#define METTA_ATOM_WORD_H

#include "base/base.h"

#include <string.h>

typedef uint64_t Word;

enum {
    TAG_INT = 0x7FF8,
    TAG_BOOL = 0x7FF9,
    TAG_NIL = 0x7FFA,
    TAG_UNIT = 0x7FFB,
    TAG_HEAP = 0x7FFC,
    TAG_ERROR = 0x7FFD,
    TAG_SYM = 0x7FFE,
    TAG_VAR = 0x7FFF,
    TAG_EXT = 0xFFF9,
    TAG_OP = 0xFFFA,
    TAG_RAW = 0xFFFB,
    TAG_CHAR = 0xFFFC,
};

#define WORD_PAYLOAD UINT64_C(0x0000FFFFFFFFFFFF)
#define WORD_MAKE(tag, payload) (((Word)(tag) << 48) | ((Word)(payload) & WORD_PAYLOAD))
#define WORD_NIL WORD_MAKE(TAG_NIL, 0)
#define WORD_UNIT WORD_MAKE(TAG_UNIT, 0)
#define WORD_FALSE WORD_MAKE(TAG_BOOL, 0)
#define WORD_TRUE WORD_MAKE(TAG_BOOL, 1)
#define WORD_NAN UINT64_C(0xFFF8000000000000)
#define WORD_SLOT_BIT (UINT64_C(1) << 47)

static inline unsigned word_tag(Word w)
{
    return (unsigned)(w >> 48);
}
static inline uint64_t word_payload(Word w)
{
    return w & WORD_PAYLOAD;
}
static inline void *word_ptr(Word w)
{
    return (void *)(uintptr_t)word_payload(w);
}
static inline Word word_from_ptr(unsigned tag, const void *p)
{
    return WORD_MAKE(tag, (uintptr_t)p);
}

/* Kind tests. */
static inline bool word_is_sym(Word w)
{
    return word_tag(w) == TAG_SYM;
}
static inline bool word_is_heap(Word w)
{
    return word_tag(w) == TAG_HEAP;
}
static inline bool word_is_var(Word w)
{
    return word_tag(w) == TAG_VAR;
}
/* A variable of a stored term: a slot number, not a cell. */
static inline bool word_is_slot(Word w)
{
    return word_tag(w) == TAG_VAR && (w & WORD_SLOT_BIT) != 0;
}
static inline bool word_is_cell(Word w)
{
    return word_tag(w) == TAG_VAR && (w & WORD_SLOT_BIT) == 0;
}
static inline bool word_is_int(Word w)
{
    return word_tag(w) == TAG_INT;
}
static inline bool word_is_bool(Word w)
{
    return word_tag(w) == TAG_BOOL;
}
static inline bool word_is_ext(Word w)
{
    return word_tag(w) == TAG_EXT;
}
static inline bool word_is_op(Word w)
{
    return word_tag(w) == TAG_OP;
}
static inline bool word_is_char(Word w)
{
    return word_tag(w) == TAG_CHAR;
}
static inline bool word_is_nil(Word w)
{
    return word_tag(w) == TAG_NIL;
}
/* Doubles are all words outside 0x7FF8..0x7FFF and 0xFFF9..0xFFFF; so numbers are those whose lower 15 bits of the tag are at most those of
 * integers. */
static inline bool word_is_number(Word w)
{
    return w << 1 < (Word)(TAG_INT + 1) << 49;
}
static inline bool word_is_double(Word w)
{
    return word_is_number(w) && !word_is_int(w);
}

/* Symbols and operations. */
static inline Word word_sym(uint32_t id)
{
    return WORD_MAKE(TAG_SYM, id);
}
static inline uint32_t word_sym_id(Word w)
{
    assert(word_is_sym(w));
    return (uint32_t)w;
}
static inline Word word_op(uint32_t index)
{
    return WORD_MAKE(TAG_OP, index);
}
static inline uint32_t word_op_index(Word w)
{
    assert(word_is_op(w));
    return (uint32_t)w;
}
static inline Word word_slot(uint32_t index)
{
    return WORD_MAKE(TAG_VAR, WORD_SLOT_BIT | index);
}
static inline uint32_t word_slot_index(Word w)
{
    assert(word_is_slot(w));
    return (uint32_t)w;
}

/* Characters. */
static inline Word word_char(uint32_t scalar)
{
    return WORD_MAKE(TAG_CHAR, scalar);
}
static inline uint32_t word_char_scalar(Word w)
{
    assert(word_is_char(w));
    return (uint32_t)w;
}

/* Inline integers, Booleans, doubles. */
#define INT48_MAX ((INT64_C(1) << 47) - 1)
#define INT48_MIN (-(INT64_C(1) << 47))
static inline bool int_fits48(int64_t v)
{
    return v >= INT48_MIN && v <= INT48_MAX;
}
static inline Word word_int48(int64_t v)
{
    assert(int_fits48(v));
    return WORD_MAKE(TAG_INT, (uint64_t)v);
}
static inline int64_t word_int48_get(Word w)
{
    return (int64_t)(w << 16) >> 16;
}
static inline Word word_bool(bool b)
{
    return b ? WORD_TRUE : WORD_FALSE;
}
static inline Word word_double(double d)
{
    Word w;
    if (UNLIKELY(d != d)) return WORD_NAN;
    memcpy(&w, &d, sizeof w);
    return w;
}
static inline double word_double_get(Word w)
{
    double d;
    memcpy(&d, &w, sizeof d);
    return d;
}

#endif
