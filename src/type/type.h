/* Types of atoms and the checks that direct evaluation: get-type, casts, applicability of function types.
 *
 * Follows HE: gradual types, any number of types per atom, %Undefined% for none.  All functions may bind type variables
 * (recorded on the trail as usual) and allocate; none collects. */
#ifndef METTA_TYPE_TYPE_H
#define METTA_TYPE_TYPE_H

#include "type/scope.h"

/* One type of an atom.  ERROR is WORD_NIL for a valid type, else the error atom that explains why the application
 * has none; TYPE is then the function type that failed. */
typedef struct AtomType {
    Word type;
    Word error;
} AtomType;
typedef VEC(AtomType) TypeList;

/* Append all types of ATOM to OUT; none means %Undefined%.  Iterative; cost is the size of the atom times the number of
 * type alternatives. */
void types_of(TypeWorld *w, Scope *s, Word atom, TypeList *out);

/* (-> ...) with at least one more item. */
bool type_is_function(Word type);
bool type_is_meta(Word type);
/* The type expected of the result of a function that is declared to give TYPE: an Expression is evaluated further, as if it could be of any. */
static inline Word type_of_result(Word type)
{
    return type == W_SYM(T_EXPRESSION) ? W_SYM(UNDEFINED) : type;
}
/* HE's match_types: %Undefined% and Atom on either side match anything, else unify (bindings kept on success).  A variable
 * bound to %Undefined% is no %Undefined%: A and B are taken as they stand, not dereferenced. */
bool types_match(TypeWorld *w, Word a, Word b);

/* What type_quick says of an atom that has types, of which none is a symbol: a parameter of type %Undefined% takes it. */
#define TYPE_COMPOUND WORD_UNIT
/* The type of ATOM when it is unique and plain, found without inference: a symbol word such as Number, W_SYM(UNDEFINED),
 * TYPE_COMPOUND, or WORD_NIL when general inference is needed.  Constant time save for nested applications, of which it follows a few. */
Word type_quick(TypeWorld *w, Scope *s, Word atom);
/* May an expression with this head have a type that was declared for it as a whole? */
static inline bool has_typed_expressions(const TypeWorld *w, Word head)
{
    if (w->typed_expr_other || word_is_var(head)) return true;
    if (!word_is_sym(head)) return false;
    uint32_t id = word_sym_id(head);
    return id < w->typed_expr_head.len && w->typed_expr_head.data[id];
}
/* Can no rule apply to expressions whose head is no symbol, and have they no types of their own? */
bool headless_are_data(const TypeWorld *w, const Scope *s);
/* Can W, an atom, head no call, whatever rules there are for symbols? */
bool is_inert_atom(Word w);

/* The symbol T when ATOM is an external object of type (M T), such as a state; else WORD_NIL. */
Word type_in_box(Word atom);

/* The first item of the first item of ... the expression EXPR that is no non-empty expression.  Constant time when the
 * previous call was for an expression one level above or below, so that a deep chain of heads costs linear time in all. */
Word type_leftmost(TypeWorld *w, Word expr);

/* Is the application CALL type-correct under the simple SIGNATURE, by quick types alone?  False: not known. */
bool signature_accepts(TypeWorld *w, Scope *s, const Signature *sig, Word call);

/* Can FUNCTION_TYPE (an instance with fresh variables) be applied to the arguments of CALL where EXPECTED is wanted?  On true
 * bindings of type variables stay.  On false, the error atoms are appended to ERRORS. */
bool type_applicable(TypeWorld *w, Scope *s, Word call, Word function_type, Word expected, WordVec *errors);

/* Cast ATOM to EXPECTED: true when some type of it matches (bindings stay), else error atoms are appended to ERRORS. */
bool type_cast(TypeWorld *w, Scope *s, Word atom, Word expected, WordVec *errors);

/* Does ATOM have nothing but error types?  Then the errors are appended to ERRORS. */
bool type_only_errors(TypeWorld *w, Scope *s, Word atom, WordVec *errors);

#endif
