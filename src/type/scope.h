/* Scope: where an evaluation looks things up.
 *
 * A scope is a space together with the spaces it depends on (a module sees its own space, the core library and what it
 * imported; a plain space sees itself).  It caches, per symbol, what its ':' and ':<' facts say. */
#ifndef METTA_TYPE_SCOPE_H
#define METTA_TYPE_SCOPE_H

#include "space/space.h"

/* How a declared parameter treats its argument. */
typedef enum ParamKind {
    PARAM_ATOM,    /* Atom: taken as it stands */
    PARAM_META,    /* Symbol, Variable, Expression or Grounded */
    PARAM_ANY,     /* %Undefined% */
    PARAM_CONST,   /* a plain type symbol such as Number */
    PARAM_FIXED,   /* results only: an expression without variables, such as (->) */
    PARAM_COMPLEX, /* anything else: type variables, (List $a), ... */
} ParamKind;

typedef struct Param {
    ParamKind kind;
    Word type;
} Param;

enum { SIGNATURE_MAX_PARAMS = 12 };

/* What the types of an operation allow evaluation to do without general type inference. */
typedef enum SignatureKind {
    SIGNATURE_NONE,    /* no type at all: arguments are evaluated, nothing is checked */
    SIGNATURE_SIMPLE,  /* exactly one type, a function type without PARAM_COMPLEX parameters */
    SIGNATURE_SAME,    /* exactly one type of the form (-> $t $t R): "==" */
    SIGNATURE_GET,     /* exactly one type of the form (-> (M $t) $t), M a symbol: "get-state" */
    SIGNATURE_PUT,     /* exactly one type of the form (-> (M $t) $t (M $t)): "change-state!" */
    SIGNATURE_GENERAL, /* everything else */
} SignatureKind;

typedef struct Signature {
    SignatureKind kind;
    uint32_t param_count;
    Param params[SIGNATURE_MAX_PARAMS];
    Param result; /* PARAM_COMPLEX only when the result is a type variable of its own */
} Signature;

/* The declared types of a symbol in a scope, supertypes included; words are roots of the collector. */
typedef struct SymbolTypes {
    uint64_t epoch; /* of the type world when this was computed; 0: never */
    Word *types;
    uint32_t count;
    Signature signature;
} SymbolTypes;

typedef struct Scope {
    Space *own;
    VEC(Space *) spaces;          /* own first, then dependencies */
    VEC(SymbolTypes *) by_symbol; /* by symbol id; NULL: not computed */
    bool has_core;                /* sees the core library: native symbols such as "if" are defined */
} Scope;

/* What inference has found of a ground expression in a scope that sees so many spaces: one type, or none (WORD_NIL). */
typedef struct InferredType {
    Word expr, type;
    const Scope *scope;
    uint32_t spaces;
    uint32_t round; /* of the table when this was found */
} InferredType;

/* Inferred types of expressions, by address: what is there is forgotten when types change, and by major collections. */
typedef struct InferredTypes {
    InferredType *table; /* each expression has one place, and the last one that came stays */
    uint32_t mask, used;
    WordVec young;  /* expressions noted since the last collection */
    uint32_t round; /* entries of other rounds do not count */
    uint64_t epoch; /* of the world in this round */
} InferredTypes;

/* What types depend on beside a scope: the types of operations, and counters that tell when caches are stale. */
typedef struct TypeWorld {
    Heap *heap;
    Bind *bind;
    const Word *op_types; /* declared type of each operation, a root; WORD_NIL: %Undefined% */
    const Signature *op_signatures;
    uint64_t epoch;               /* grows with each ':' or ':<' fact added or removed, in any space */
    VEC(uint8_t) typed_expr_head; /* by symbol id: heads some (: (head ...) T) fact */
    bool typed_expr_other;        /* a (: (...) T) fact with another head exists */
    Word left_expr, left_atom;    /* cache of type_leftmost; reset when atoms move */
    InferredTypes inferred;
} TypeWorld;

Scope *scope_new(Space *own);
void scope_free(Scope *s);
void scope_add_space(Scope *s, Space *dependency);
/* Has any space of S a rule for calls of symbol SYM that have LEN items, or for any head? */
bool scope_has_rules(const Scope *s, uint32_t sym, uint32_t len);
/* Visit the cached types (collector root). */
void scope_trace(Scope *s, Heap *h);

/* An empty world; the tables of operations are the caller's to set. */
void type_world_init(TypeWorld *w, Heap *h, Bind *b);
/* A collection is about to move atoms: call from the root callback. */
void type_world_moves(TypeWorld *w, bool major);
/* A minor one has: what was inferred of atoms that are in use stays known.  Linear in what was noted since the last one. */
void type_world_moved(TypeWorld *w, Heap *h);
/* Note a fact added to or removed from some space: call for every change. Constant time. */
void type_world_note(TypeWorld *w, Word atom);
void type_world_fini(TypeWorld *w);

/* What inference has found of EXPR in S, and still knows, or NULL. */
const InferredType *inferred_find(TypeWorld *w, const Scope *s, Word expr);
/* EXPR, which is ground, has the one TYPE in S, whose variables nothing else knows; WORD_NIL: none. */
void inferred_note(TypeWorld *w, const Scope *s, Word expr, Word type);

/* Declared types of symbol ID in S, computed at need. Valid until the next type fact or collection. */
const SymbolTypes *scope_symbol_types(TypeWorld *w, Scope *s, uint32_t id);
/* Append the types that ':' facts of S give to SUBJECT, closed under ':<'. */
void scope_declared_types(TypeWorld *w, Scope *s, Word subject, WordVec *out);
/* Close the types of V from index FROM under ':<'. */
void scope_add_supertypes(TypeWorld *w, Scope *s, WordVec *v, size_t from);
/* Derive the signature of COUNT types. */
void signature_from_types(const Word *types, uint32_t count, Signature *out);

#endif
