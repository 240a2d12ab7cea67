/* Chunk: the bytecode of one function, all its clauses for one number of arguments.
 *
 * Locals: the arguments first, then parts of arguments and the variables of the clauses.  Templates are stored terms with
 * slots, which the VM instantiates from the locals.  Once made only one thing changes: when what the chunk takes for
 * granted is no longer so, chunk_expire marks it stale, and whoever is still running in it goes on in tier 0 at the next
 * expression. */
#ifndef METTA_CODE_CHUNK_H
#define METTA_CODE_CHUNK_H

#include "code/op.h"
#include "match/match.h"
#include "read/read.h"

/* A rule that code was made from. */
typedef struct CodeClause {
    uint32_t space; /* index in the scope, counted from 1; 0: not known */
    uint32_t rule;  /* Rule.id */
} CodeClause;

/* From this offset on the code belongs to an expression at SPAN, of CLAUSE. */
typedef struct CodePlace {
    uint32_t offset;
    Span span; /* line 0: not known */
    CodeClause clause;
} CodePlace;

/* A stored term to be instantiated: its slot i is local slot_map[first + i], named names[first + i]. */
typedef struct Template {
    Word term; /* root */
    uint32_t first, count;
} Template;

/* Is TERM, a part of a template, nothing that could be called, whatever its variables stand for?  The code takes for granted that evaluating it
 * leaves it as it is; the VM finds out when that is not so. */
static inline bool term_is_headless(Word term)
{
    if (!atom_is_cons(term)) return true;
    Word head = expr_at(term, 0);
    return !word_is_sym(head) && !word_is_op(head) && !word_is_slot(head);
}

/* One case of a switch: a constant (LEN 0), or expressions of LEN items with head KEY. */
typedef struct SwitchCase {
    Word key; /* a symbol, Bool, small integer or Unit: no root */
    uint32_t len;
    uint32_t target; /* offset; a label while code is being made */
} SwitchCase;

/* Cases FIRST to FIRST + COUNT - 1.  HASHED: the cases are a table of open addressing, empty places have a Nil key. */
typedef struct Switch {
    uint32_t first, count;
    bool hashed;
} Switch;

/* The code from AT to END evaluates template TEMPLATE where type TYPE (a constant) is expected and pushes the result;
 * TAIL: in place of the frame, and END is of no meaning.  Its type is `function` if it is the (function ...) that is the body of a rule. */
typedef struct Expression {
    uint32_t at, end;
    uint16_t term, type;
    bool tail;
} Expression;

/* Where a part of what a relay gives is: in a local, in the result, in the relay's words, none of which is a variable or Empty; or it is an expression that
 * was made. */
typedef enum RelayPlace { RELAY_LOCAL, RELAY_RESULT, RELAY_WORD, RELAY_MADE, RELAY_PLACES } RelayPlace;
typedef struct RelayPart {
    uint8_t place, index;
} RelayPart;
enum { RELAY_SAME = 4, RELAY_ITEMS = 8, RELAY_INNER = 2, RELAY_PARTS = 16 };
/* Code from AT on that does nothing with a result but to find in it what it has already, in constants and locals, and to give an argument of its own; so the frame
 * need not be changed for that.  The result is an expression of COUNT items with head FUNCTOR, a symbol.  What is given is the argument in local ARGUMENT,
 * an expression of GIVEN items headed by a symbol, of which some are expressions of INNER items, none of these expressions.  It is made of PARTS: those of
 * the whole, then those of its expressions. */
typedef struct Relay {
    uint32_t at;
    uint8_t argument, count, given, part_count, inner_count, same_count;
    struct {
        uint8_t item, count;
    } inner[RELAY_INNER];
    struct {
        uint8_t item, local;
    } same[RELAY_SAME]; /* items of the result that must be what locals are */
    RelayPart parts[RELAY_PARTS];
    Word functor;
    Word words[RELAY_PARTS];
} Relay;

/* How integers are compared, in the order of the stencils. */
typedef enum Comparison { ARE_EQ, ARE_NE, ARE_LT, ARE_LE, ARE_GT, ARE_GE } Comparison;
typedef enum EarlyResult { EARLY_TESTED, EARLY_LOCAL, EARLY_WORD } EarlyResult;

/* What a function does that may be over at once (code/early.h): if LEFT compares so with RIGHT, the call is over. */
typedef struct Early {
    Comparison compare;
    uint32_t left;  /* a local, an argument */
    uint32_t right; /* the same, if TWO */
    bool two;
    uint8_t ends;      /* how they compare when the call is over, bit by bit (code/early.h); 0: it never is */
    Word number;       /* in its place if not TWO: a small integer */
    EarlyResult gives; /* local GIVEN, perhaps one that is compared; or the word VALUE */
    uint32_t given;
    Word value;
    Word type;     /* of the result */
    uint32_t rest; /* where the code goes on when the call is not over */
} Early;

/* A function of the program: a name and a number of arguments. */
typedef struct Function Function;

/* Machine code for a chunk; whoever makes it owns it. */
typedef struct Native Native;

enum { NO_SELF = UINT32_MAX };

typedef struct Chunk {
    uint32_t id;     /* counts the chunks that were adopted from 1 */
    uint32_t name;   /* symbol of the function */
    uint32_t arity;  /* arguments */
    uint32_t locals; /* arguments, slots and parts */
    uint32_t max_stack;
    uint64_t sizes; /* when adopted: the stack's, and that with the locals, where frames have them */
    uint32_t
        self; /* index of its own function among those that it calls, while calls of that come here; else NO_SELF */
    uint32_t runs;  /* see chunk_runs (vm/vm.h) */
    Native *native; /* or NULL */
    struct Guesses
        *guesses;   /* what was learned about machine code for it (jit/guess.h), freed with it; or NULL */
    bool no_native; /* there will not be any */
    bool stale;
    bool marked; /* met by the search for chunks in use */
    VEC(uint8_t) code;
    VEC(Word) constants; /* roots */
    VEC(Template) templates;
    VEC(uint8_t) slot_map;
    VEC(SlotName) names;
    VEC(Function *) functions; /* that it calls */
    VEC(Switch) switches;
    VEC(SwitchCase) cases;
    VEC(Expression)
    expressions; /* by ascending start; of those that start at one place the outermost first */
    VEC(CodePlace) places;
    VEC(Relay) relays; /* ascending; none while stale */
    Early early;
    VEC(uint32_t) depends; /* symbols whose rules and types the code takes for granted */
    VEC(uint32_t) uses;    /* further ones whose types it takes for granted: rules for them may come and go */
} Chunk;

void chunk_free(Chunk *c);
/* Visit the constants (collector root). */
void chunk_trace(Chunk *c, Heap *h);
/* Mark C stale: each of its expressions is left for tier 0 when control comes to its start.  Linear in the length of
 * the code. */
void chunk_expire(Chunk *c);
/* Fill in the relays of C, which has none yet.  Linear in the length of the code. */
void chunk_find_relays(Chunk *c);
/* The outermost expression that starts at OFFSET, or NULL.  Logarithmic. */
const Expression *chunk_expression(const Chunk *c, uint32_t offset);
/* The last expression that starts before OFFSET, or NULL.  Logarithmic. */
const Expression *chunk_before(const Chunk *c, uint32_t offset);
/* A template of the clause that the code at OFFSET is of, with all its variables, or NULL.  Logarithmic. */
const Template *chunk_clause_template(const Chunk *c, uint32_t offset);
/* The innermost expression to whose code the instruction belongs that OFFSET is in, or NULL.  Linear. */
const Expression *chunk_innermost(const Chunk *c, uint32_t offset);
/* The clause of the code at OFFSET, as far as it is known.  Logarithmic. */
CodeClause chunk_clause(const Chunk *c, uint32_t offset);
/* The place of the code at OFFSET, or NULL.  Logarithmic. */
const Span *chunk_place(const Chunk *c, uint32_t offset);
/* Where the case of the switch for KEY and LEN leads, or UINT32_MAX.  Constant time. */
uint32_t chunk_switch(const Chunk *c, const Switch *s, Word key, uint32_t len);
/* Append a switch of the COUNT cases, hashed when they are many; returns its index. */
uint32_t chunk_add_switch(Chunk *c, const SwitchCase *cases, uint32_t count);
/* Case I of S in an order in which chunk_add_switch makes the same table of them; its key is Nil where that has a hole. */
const SwitchCase *chunk_case(const Chunk *c, const Switch *s, uint32_t i);
/* Index of constant W, which is appended if it is not there; above UINT16_MAX when there is no room.  Linear in their number. */
uint32_t chunk_constant(Chunk *c, Word w);
/* Is the constant W an expression that is marked as irreducible with all its parts?  chunk_irreducible marks W, which is of the heap, so. */
bool chunk_is_irreducible(Word w);
void chunk_irreducible(Word w);
/* May a call of C's function be a step, which gives its result as it stands? */
static inline bool chunk_makes_steps(const Chunk *c)
{
    return c->code.data[0] == OP_STEPS;
}
/* Is the code well formed: opcodes, operands, jump targets, stack heights, templates?  On false *ERROR is a static text and *AT the
 * offset. Linear. */
bool chunk_verify(const Chunk *c, const char **error, uint32_t *at);
/* The same, taking for reached what follows an expression that an expired chunk leaves; returns the stack height at each offset, -1 where
 * control does not come to, to be freed.  The tables that the code refers to must be sound.  NULL when the code is not well formed. */
int32_t *chunk_heights(const Chunk *c, const char **error, uint32_t *at);
/* The same of code that is well formed, for HEIGHTS, one more than bytes of code; TARGETS, as many and all false, says where jumps and cases of
 * switches lead.  False when heights do not agree after all.  Linear. */
bool chunk_flow(const Chunk *c, int32_t *heights, bool *targets);

#endif
