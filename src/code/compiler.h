/* Internal to the compiler: its state, and what its files share.
 *
 *   compile.c    the function: which clause, in which order
 *   pattern.c    patterns against locals
 *   check.c      types of calls: what is known, what is guarded
 *   value.c      expressions: calls, operations, data
 *   form.c       control: if, let, case, match ...
 *   chain.c      minimal instructions: chain, and (function ...) as a body
 *   each.c       loops over the items of an expression: map-atom and its like
 *   inline.c     calls of functions that are conditionals
 *
 * Semantics are those of tier 0 (interp/eval.c), step by step: the types of a call are checked before anything in it is
 * evaluated, then its arguments, then the call is made. When a check fails, tier 0 evaluates the whole expression. */
#ifndef METTA_CODE_COMPILER_H
#define METTA_CODE_COMPILER_H

#include "builtin/builtin.h"
#include "code/code.h"
#include "code/compile.h"

enum { COMPUTED = 0x80 }; /* bit of a count of arguments: some argument is not what the program wrote */
enum { MAX_LOCALS = 200, MAX_CLAUSES = 256, MAX_NESTING = 100, MAX_ARGUMENTS = 100, NO_LOCAL = 255 };
/* Locals of bodies are numbered from here on while the heads, whose locals lie below, are not all compiled. */
enum { BODY_LOCALS = 0x10000 };
enum { NO_TEMPLATE = 0xFFFF };

/* What is known of the local of a slot where the code at work runs. */
typedef enum SlotState {
    SLOT_NONE,    /* it holds nothing, or a variable that nothing has seen: a value may be put there */
    SLOT_PERHAPS, /* it may hold something */
    SLOT_SET,     /* it holds an atom */
} SlotState;
typedef enum SlotKind { KIND_ANY, KIND_NUMBER, KIND_BOOL, KIND_EXPR } SlotKind;

typedef struct SlotInfo {
    uint32_t local;
    uint8_t state;  /* SlotState */
    uint8_t kind;   /* SlotKind: what a guard on the way here has made sure of */
    bool raw;       /* may hold an expression that was never evaluated */
    uint16_t early; /* number of its EarlyVariable, from 1; 0: it has none */
} SlotInfo;

/* The control form around the code at work: what tier 0 names when its result is NotReducible. */
typedef struct FormContext {
    Word form;      /* WORD_NIL: none, it is the body of the rule */
    Word condition; /* of a conditional: True or False; else WORD_NIL */
    uint32_t item;  /* that has become the value in LOCAL; 0: none */
    uint32_t local;
} FormContext;

typedef struct Clause {
    Rule rule;
    size_t space;       /* index in the scope */
    uint32_t map_first; /* its part of the slot map, and of what is known of slots where it begins */
    uint32_t node_first, node_end; /* its part of the nodes */
    uint32_t head_part, body_part; /* first locals that matching its head, and its body, may use */
    uint32_t body;                 /* label; NO_LABEL: not emitted yet */
} Clause;
typedef VEC(Clause) ClauseVec;

/* Where an expression of the clause at work stands in its text. */
typedef struct NodePlace {
    Word term; /* WORD_NIL: the rule */
    Span span;
} NodePlace;

/* A test of a head, for an expression of which all variables are new: where the local holds a variable and no other test follows, that is bound to
 * an instance of PATTERN in place of unification. */
typedef struct NewPart {
    uint32_t label, back; /* where the test jumps to; behind it */
    uint32_t local;
    Word pattern;
    uint32_t tests; /* that had been made when those inside were */
} NewPart;

/* A variable of a body, made where that begins: dropped in the end if nothing has needed it. */
typedef struct EarlyVariable {
    Word slot;
    uint32_t instr;
    bool needed;
} EarlyVariable;

typedef struct Compiler {
    Runtime *rt;
    Scope *scope;
    Functions *functions;
    Chunk *chunk;
    Code code;
    CompileRefusal refusal;
    int nesting;     /* expressions of bodies are compiled up to this depth */
    uint32_t height; /* operand stack now */
    ClauseVec clauses;
    const Clause *clause; /* at work */
    uint32_t
        map_first; /* the part of the slot map that templates are made with: the clause's, or that of a loop in it */
    VEC(SlotInfo) slots; /* of the clause */
    FormContext form;
    bool shown; /* a result of the form whose part is at work may show what the variables of that stand for */
    bool begun; /* the early variables of the code at work exist */
    VEC(EarlyVariable) early;    /* of the clause */
    VEC(NodePlace) nodes;        /* of all clauses; of each the rule first */
    VEC(SlotInfo) starts;        /* what is known of the slots of each clause where it begins */
    VEC(Signature *) signatures; /* made for single calls */
    uint32_t settling;           /* type variables of calls, one in the other, that are looked into */
    uint32_t part;               /* next free local */
    uint32_t heads, bodies;      /* locals that heads and bodies use */
    VEC(uint32_t) slot_map;      /* as the chunk's, with the numbers of now */
    bool in_head;                /* patterns are those of a left side */
    uint32_t tests;              /* of patterns that were made */
    VEC(NewPart) new_parts;      /* of the clause at work */
    uint32_t end;                /* label: no clause is left */
    uint32_t fail;               /* label of an instruction fail, made at need */
    size_t compared; /* where the code stood behind a guard_same, with no label placed since; or 0 */
} Compiler;

/* -- compile.c -- */

void refuse(Compiler *c, CompileRefusal why);
/* The code takes the rules and types of symbol HEAD for granted; other words are ignored. */
void depend(Compiler *c, Word head);
/* The same for its types only, and what else decides how a call of it is made: not for what its rules are. */
void depend_on_types(Compiler *c, Word head);
/* So many values more are on the stack. */
void raise_height(Compiler *c, uint32_t values);
/* Append an instruction and keep count of the stack; POPS values are taken where the table says that it varies. */
void emit(Compiler *c, Op op, uint32_t pops, uint32_t a, uint32_t b, uint32_t x, uint32_t d, uint32_t e);
#define EMIT0(c, op) emit(c, op, 0, 0, 0, 0, 0, 0)
#define EMIT1(c, op, a) emit(c, op, 0, a, 0, 0, 0, 0)
#define EMIT2(c, op, a, b) emit(c, op, 0, a, b, 0, 0, 0)
#define EMIT3(c, op, a, b, x) emit(c, op, 0, a, b, x, 0, 0)
#define EMIT4(c, op, a, b, x, d) emit(c, op, 0, a, b, x, d, 0)
#define EMIT5(c, op, a, b, x, d, e) emit(c, op, 0, a, b, x, d, e)
/* Index of constant W. */
uint32_t constant(Compiler *c, Word w);
/* Index of a template of TERM with the slots of the clause at work. */
uint32_t template(Compiler *c, Word term);
uint32_t callee(Compiler *c, uint32_t name, uint32_t arity);
uint32_t new_local(Compiler *c);
static inline uint32_t new_label(Compiler *c)
{
    return code_new_label(&c->code);
}
static inline void place_label(Compiler *c, uint32_t l)
{
    code_place_label(&c->code, l);
    c->compared = 0;
}
/* The code that begins now evaluates E: in tail position, or to a value where TYPE is expected; then expression_ends. */
uint32_t expression_begins(Compiler *c, Word e, bool tail, Word type);
void expression_ends(Compiler *c, uint32_t expression);

/* Append the rules of function NAME with ARITY arguments, but not many more than MAX_CLAUSES; false when one of them may apply to other
 * functions, too. */
bool collect_clauses(Compiler *c, uint32_t name, uint32_t arity, ClauseVec *out);

/* Does the type of the function say that argument I arrives as it stands? */
bool is_raw_argument(Compiler *c, uint32_t i);
/* What follows belongs to E, if its place is known; the caller puts c->code.place back. */
void place_expression(Compiler *c, Word e);

/* -- Slots -- */

static inline SlotInfo *slot_info(Compiler *c, Word slot)
{
    return &c->slots.data[word_slot_index(slot)];
}
static inline uint32_t slot_local(Compiler *c, Word slot)
{
    return slot_info(c, slot)->local;
}
/* Code that makes the variable if it does not exist, though nothing has seen it then. */
void make_variable(Compiler *c, Word slot);
/* Templates are made for the locals that the slots have now, until c->map_first is put back. */
void map_templates(Compiler *c);
/* Make sure that the variable exists; returns its local. */
uint32_t use_slot(Compiler *c, Word slot);
/* All variables of TERM exist from now on (a template of it was instantiated), or may do (STATE is SLOT_PERHAPS). */
void slots_of_term(Compiler *c, Word term, SlotState state);
/* The variables of E that the rest of the clause knows, too, or all where they may be shown, exist from now on; so do those that variables
 * of loops in E are namesakes of, for alternatives that E leaves share them. */
void slots_shared(Compiler *c, Word e);
/* Copy of what is known, to be restored and freed, or merged with what another way knows. */
SlotInfo *slots_save(const Compiler *c);
void slots_restore(Compiler *c, SlotInfo *saved);
void slots_merge(Compiler *c, SlotInfo *other);
/* Forget what guards have made sure of since: control also comes from where they failed. */
void kinds_restore(Compiler *c, SlotInfo *saved);
/* What the variables of TERM stand for may have parts that were never evaluated. */
void raw_slots(Compiler *c, Word term);
/* The variables of E, a body or a branch of one, are made here if anything needs them. */
void begin_variables(Compiler *c, Word e);
/* SLOT is made here if anything needs it; nothing if it is not new. */
void add_early(Compiler *c, Word slot);
/* Code that makes an instance of TERM follows. */
void need_variables(Compiler *c, Word term);
/* How often each slot of the clause occurs in TERM; to be freed. */
uint32_t *count_slots(const Compiler *c, Word term);
/* Does SLOT occur in T? */
bool has_slot(Word t, Word slot);

/* -- pattern.c -- */

/* Match PATTERN against LOCAL: jump to MISS when it does not match; to *SLOW, made at need, when only unification can tell. */
void match_pattern(Compiler *c, Word pattern, uint32_t local, uint32_t miss, uint32_t *slow, int depth);
/* The same with the outermost test left out. */
void match_inside(Compiler *c, Word pattern, uint32_t local, uint32_t miss, uint32_t *slow, int depth);
/* Code that unifies the terms X and Y: one is matched against the other where that is a variable that holds something; else, or when matching
 * cannot tell, the instruction OP does it, whose operands are their templates and OPERANDS.  X, Y, OTHERWISE, OP and OPERANDS are given. */
typedef struct Unification {
    Word x, y;
    uint32_t otherwise; /* label: they cannot be unified */
    Op op;
    uint32_t operands[2];
    bool matches;
    uint32_t matched, slow; /* labels; SLOW is made at need */
    SlotInfo *before;
} Unification;
/* First unify_begin; then comes code for when they are the same.  unify_otherwise; code for when they are not.  Then unify_end. */
void unify_begin(Compiler *c, Unification *u);
void unify_otherwise(Compiler *c, Unification *u);
void unify_end(Compiler *c, Unification *u);
/* What a pattern tells apart at first sight: a constant, or head and length of an expression; false for anything else. */
bool pattern_key(Word pattern, Word *head, uint32_t *len);

/* -- check.c -- */

/* Builtin index + 1 of symbol HEAD, 0 when it has no meaning of its own. */
uint32_t native_of(Compiler *c, Word head);
/* Is E a call of native symbol or operation BUILTIN with N items, to which no program has given rules or types? */
bool is_native_call(Compiler *c, Word e, uint32_t builtin, uint32_t n);
/* Is the head of the expression E a minimal instruction?  They take one step only. */
bool is_minimal(Compiler *c, Word e);
/* Is E headed by a symbol that has neither type nor native meaning, so that all items are evaluated and then rules are
 * looked up? */
bool is_plain_call(Compiler *c, Word e);
/* No rule can apply to a call with the head and length of E, whatever its arguments are. */
bool is_data(Compiler *c, Word e);
/* Is E headed by what can never be called, so that it is its own result when its items are evaluated? */
bool is_data_tuple(Compiler *c, Word e);
/* One of both: it is known now that no rule applies. */
bool is_known_data(Compiler *c, Word e);
/* Is E an expression whose head is no symbol or operation, but may turn out to be one, and is evaluated item by item if guards hold?  Emits
 * nothing. */
bool is_tuple_call(Compiler *c, Word e);
/* Emit these guards; they jump to FALLBACK (made at need). */
void emit_check_head(Compiler *c, Word e, uint32_t *fallback);
/* The signature by which a call of E's head takes its arguments, if it is a simple one; else NULL. */
const Signature *simple_signature(Compiler *c, Word e);
/* The type that calls of HEAD, whose signature is SIG, are declared to give: NIL for that of the place they stand in. */
Word declared_result(Compiler *c, const Signature *sig, Word head);
/* Can it be found out by guards that the arguments of E are accepted by SIG?  Emits nothing. */
bool can_check(Compiler *c, const Signature *sig, Word e);
/* Emit the guards; they jump to FALLBACK (made at need). */
void emit_checks(Compiler *c, const Signature *sig, Word e, uint32_t *fallback);
/* May a value of the type of E be bound by let?  As can_check and emit_checks for a parameter of type %Undefined%. */
bool can_check_any(Compiler *c, Word e);
void emit_check_any(Compiler *c, Word e, uint32_t *fallback);
/* Label *L, made at need. */
uint32_t need_label(Compiler *c, uint32_t *l);
/* The type of E when it is known now; WORD_NIL when it is not. */
Word static_type(Compiler *c, Word e);

/* -- value.c -- */

/* Code that pushes the value of E, where TYPE is expected; WORD_NIL: as an item of a tuple. */
void compile_value(Compiler *c, Word e, Word type, int depth);
/* Code that gives the value of E to the caller. */
void compile_tail(Compiler *c, Word e, int depth);
/* The same for the part E of a form. */
void compile_part(Compiler *c, FormContext form, Word e, int depth);
void emit_eval(Compiler *c, Word e, Word type);
void emit_tail_eval(Compiler *c, Word e);
/* The other way to the value of E, by tier 0, for when a guard failed and jumped to FALLBACK; nothing if none does (NO_LABEL).
 * HEIGHT: of the stack before E.  What precedes goes on behind it; in tail position it ends the call. */
void value_fallback(Compiler *c, Word e, Word type, uint32_t fallback, uint32_t height);
void tail_fallback(Compiler *c, Word e, uint32_t fallback, uint32_t height);
/* Push ITEM as it stands. */
void push_raw(Compiler *c, Word item);
/* Code that puts ITEM as it stands into a local, if it is in none; returns that. */
uint32_t store_raw(Compiler *c, Word item);
/* A call of E's function, whose arguments are pushed as SIG says (NULL: all evaluated).  TYPE: of the result; WORD_NIL: the frame's, when in its
 * place (TAIL). */
void emit_call(Compiler *c, const Signature *sig, Word e, Word type, bool tail);
/* Code for E in a frame of its own, where TYPE is expected. */
void compile_block(Compiler *c, Word e, Word type, int depth);
/* Does evaluating E certainly neither leave alternatives nor give an error? */
bool is_quiet(Compiler *c, Word e);
/* Opcode of an arithmetic operation or comparison, or OP_HALT. */
Op arithmetic_op(Word head);

/* The argument that has matched what E is, too, word for word, so that it may take the place of an instance of E; or NO_LOCAL. */
uint32_t same_argument(Compiler *c, Word e);
/* Is E a call that code makes, and no form? */
bool is_direct_call(Compiler *c, Word e);
/* Code for its value, any type; guards jump to *FALLBACK, made at need. */
void compile_direct_call(Compiler *c, Word e, uint32_t *fallback, int depth);

/* -- each.c -- */

/* Is E a call of map-atom, filter-atom or foldl-atom that can be a loop? */
bool is_each(Compiler *c, Word e);
/* Code for it in tail position. */
void compile_each(Compiler *c, Word e, int depth);
/* As count_slots, without the variables of such loops in TERM; to be freed. */
uint32_t *count_shared_slots(Compiler *c, Word term);

/* -- chain.c -- */

/* Is E a chain that code can do? */
bool is_chain(Compiler *c, Word e);
/* Code for it in tail position. */
void compile_chain(Compiler *c, Word e, int depth);
/* Is RHS, the right side of a rule, a (function ...)? */
bool is_function_body(Compiler *c, Word rhs);
void compile_function_body(Compiler *c, Word rhs, int depth);

/* -- inline.c -- */

/* Is E a call of a function that only chooses one of its arguments or an atom? */
bool is_choosing_call(Compiler *c, Word e);
/* Code for it in tail position. */
void compile_choosing_call(Compiler *c, Word e, int depth);

/* -- form.c -- */

/* Code for the control form E in tail position; false (and nothing emitted) when it is none, or needs tier 0. */
bool compile_form(Compiler *c, Word e, int depth);
/* Is E a control form that compile_form accepts? */
bool is_form(Compiler *c, Word e);
/* A conditional as a value where TYPE is expected. */
bool is_value_if(Compiler *c, Word e, Word type);
/* Is E a conditional in tail position, whose condition neither leaves alternatives nor sees variables that are new? */
bool is_choice(Compiler *c, Word e);
void compile_value_if(Compiler *c, Word e, int depth);
/* (breakpoint!), or (breakpoint! C) with a C that is certainly a Bool, as a value. */
bool is_breakpoint(Compiler *c, Word e);
void compile_breakpoint(Compiler *c, Word e, int depth);
/* (collapse E) as a value. */
bool is_collapse(Compiler *c, Word e);
void compile_collapse(Compiler *c, Word e, int depth);
/* A result that is taken as it stands: an error literal, or Empty. */
bool is_error_literal(Word e);

#endif
