/* The runtime: everything one MeTTa world owns, and nothing else does.  Two runtimes share nothing writable.
 *
 * Calls up to the engines go through the Engine table, so that builtins can evaluate without knowing which
 * engine runs them. */
#ifndef METTA_RT_RT_H
#define METTA_RT_RT_H

#include "atom/num.h"
#include "atom/print.h"
#include "base/log.h"
#include "read/read.h"
#include "type/type.h"

typedef struct Runtime Runtime;
typedef struct Machine Machine;

/* -- Builtins as the runtime sees them (blocks: see builtin/builtin.h) -- */

typedef enum BiStatus {
    BI_OK,        /* *out is the one result */
    BI_MANY,      /* *out is an expression: each item is one result */
    BI_NONE,      /* no result (Empty) */
    BI_NO_REDUCE, /* the call stays as it is (NotReducible) */
    BI_ERROR,     /* the result is (Error CALL *out) */
} BiStatus;

/* The body of a builtin: N dereferenced arguments.  *OUT is WORD_UNIT on entry. */
typedef BiStatus (*BiBody)(Runtime *rt, const Word *arg, uint32_t n, Word *out);

enum {
    BF_PURE = 1,     /* result depends on arguments only, no effect */
    BF_VARIADIC = 2, /* accepts any number of arguments when called */
    BF_IO = 4,       /* reads or writes the outside world */
    BF_SPACE = 8,    /* reads or changes spaces or states */
    BF_SPECIAL = 16, /* carried out by the engine, no body */
    BF_LAZY = 32,    /* arguments are neither evaluated nor checked, whatever the type says */
};

typedef struct BuiltinInfo {
    const char *name;
    bool symbol;        /* appears as a symbol ("if"), not as a grounded operation ("+") */
    const char *module; /* "corelib", or the module that must be imported to see it */
    const char *type;   /* text of its type */
    unsigned flags;
    const char *doc;    /* one sentence */
    const char *params; /* one description per parameter, separated by newlines */
    const char *result;
    BiBody body; /* NULL for BF_SPECIAL and for operations of the host program */
    /* Operations registered by the host program: called with GOAL, the whole call, and CONTEXT. */
    BiStatus (*host)(Runtime *rt, void *context, Word goal, const Word *arg, uint32_t n, Word *out);
    void *context;
} BuiltinInfo;

/* -- Modules -- */

/* Tokens of a module: what certain words are read as.  Open addressing by symbol id; the words are roots. */
typedef struct TokenMap {
    uint32_t *keys; /* symbol id + 1, 0 is free */
    Word *words;
    uint32_t mask, count;
} TokenMap;

/* Where the sub-expressions of a rule stand in its text: COUNT spans from FIRST on, in pre-order (reader_spans). */
typedef struct RuleSource {
    uint32_t rule; /* Rule.id in the module's space */
    uint32_t first, count;
} RuleSource;

typedef struct Module {
    char *name; /* "top", "json", "pkg:sub" ... */
    char *dir;  /* where its imports are looked up, or NULL */
    char *file; /* canonical path, or NULL */
    Space *space;
    Scope *scope;
    TokenMap tokens;
    const TokenMap *core_tokens; /* looked up after its own; NULL in the core library */
    VEC(struct Module *) imports;
    VEC(RuleSource) sources; /* ascending by rule */
    VEC(Span) spans;
    bool builtin; /* part of the runtime */
    bool loaded;  /* its text has been run, or is being run */
    bool failed;  /* its text could not be run: a later import tries anew */
} Module;

/* -- Settings and limits -- */

typedef struct Settings {
    bool type_check;          /* pragma! type-check auto */
    bool bare_minimal;        /* pragma! interpreter bare-minimal */
    uint64_t max_stack_depth; /* pragma! max-stack-depth, 0: unlimited */
    size_t max_memory;        /* bytes of heap, stack and spaces; 0: unlimited */
    uint64_t timeout_ns;      /* per run; 0: none */
    bool strict;              /* unknown pragma keys are errors, imports are not transitive */
} Settings;

typedef struct Limits {
    uint64_t deadline_ns;
    _Atomic int interrupted; /* set from a signal handler or another thread */
} Limits;

/* -- Engine table: what builtins may ask of the engine that runs them -- */

typedef struct QueryResults {
    WordVec atoms; /* results in order; errors only when nothing else came */
    bool is_error; /* some result is an error atom */
    bool aborted;  /* interrupted, out of time or memory */
} QueryResults;

typedef struct Engine {
    /* Evaluate ATOM in MODULE's scope to the end and append all results.  Uses a machine of its own, so it may be called from a
     * builtin's body (modules, capture). Words in C locals of the caller do NOT survive it. */
    void (*eval)(Runtime *rt, Scope *scope, Word atom, QueryResults *out);
    /* Read and run all forms of TEXT in MODULE; appends the results of each query to LAST (cleared before each) . */
    bool (*run_text)(Runtime *rt, Module *m, const char *text, size_t len, const char *file,
                     QueryResults *last);
    /* Collector roots of the engine. */
    void (*trace)(Runtime *rt, Heap *h, bool major);
    /* The spans that enclose the present step (LogEnclosing; the context is the runtime). */
    LogEnclosing enclosing;
} Engine;

/* -- Debugging -- */

typedef enum RtDebugAction {
    RT_DEBUG_CONTINUE,
    RT_DEBUG_STOP, /* end the run, as an interrupt does */
} RtDebugAction;

/* Breakpoints that programs set (builtin/debug.h). */
typedef struct RtDebug {
    /* Called at each hit with the value of its condition, WORD_NIL when it has none; NULL: nobody is asked.  It may evaluate,
     * and so collect. */
    RtDebugAction (*on_breakpoint)(void *context, Runtime *rt, Word condition);
    void *context;
    uint64_t hits; /* since the runtime was made */
    bool native;   /* machine code comes to it: the log has targets of its own for that */
    bool asking;   /* on_breakpoint runs: it is not called for the hits of what it evaluates */
    /* The debugger, if there is one (DebugPorts in interp/engine.h), and its state. */
    const struct DebugPorts *ports;
    void *debugger;
    bool watching; /* some calls, rules, stuck calls or errors are to be told to PORTS */
    bool all;      /* every call is: nothing runs above tier 0 */
    bool derives;  /* rows and operations are to be told, too */
    bool stay;     /* the call at work stays in tier 0 */
    bool spaces;   /* changes of spaces and states are to be told to SPACE_CHANGED, at once */
    /* ATOM has come to or gone from S; S is NULL: a state, which is ATOM now, has changed. */
    void (*space_changed)(struct Runtime *rt, Space *s, Word atom, bool added);
    bool
        changed; /* one that somebody waits for has happened: PORTS wants to know at the end of the operation */
    /* The derivations of ATOM's results, as atoms, are appended to OUT; NULL: not in this build. */
    void (*explain)(struct Runtime *rt, Word atom, WordVec *out);
    Span query; /* of the form that is being evaluated; line 0: it has no place */
} RtDebug;

/* Output of the program (println!): defaults to stdout. */
typedef void (*RtWrite)(void *context, const char *text, size_t len);

/* Notes of expressions (Obj.note): the epoch in which one was found inert, and whether it is a copy, marked as evaluated, of one that held
 * variables. */
enum { INERT_EPOCH = 0x7FFF, INERT_COPY = 0x8000 };

struct Runtime {
    Heap heap;
    SymTab *symbols;
    Store *store;
    Bind bind;
    TypeWorld types;
    Log log;
    Names names;

    BuiltinInfo *builtins; /* the library's, then those registered by the host program */
    uint32_t builtin_count;
    Word *op_types; /* by builtin index; root */
    Signature *op_signatures;
    const char **op_names;
    VEC(uint8_t) overridden; /* by builtin index: some module has had rules for this native symbol */
    VEC(uint32_t) native;    /* by symbol id: builtin index + 1 for native symbols, 0 for others */

    VEC(Module *) modules;
    Module *core, *top;
    Module *current; /* whose text is being run */
    VEC(char *) search_dirs;
    VEC(char *) files; /* by file index of spans */

    Settings settings;
    Limits limits;
    Machine *machine;                   /* the innermost running one */
    const struct UpperTier *upper_tier; /* the tier above the interpreter, or NULL (interp/engine.h) */
    void *upper;                        /* its state */
    /* Told when a rule of SYMBOL (WORD_NIL: of any) has come or gone in a space that evaluation sees, or (TYPES) when what types it has or whether
     * it is an operation may have changed, too; or NULL. */
    void (*changed)(struct Runtime *rt, Word symbol, bool types);
    /* What the owner tells programs of how they are run, an atom of the heap: figures, or with EXITS where compiled code was
     * left; or NULL. */
    Word (*figures)(struct Runtime *rt, bool exits);
    /* Expressions whose note has this number in INERT_EPOCH are irreducible, since their heads are data: symbols without rules and
     * types.  A new number when such a symbol becomes something else; 0 when the numbers are used up. */
    uint16_t inert_epoch;
    VEC(uint8_t) data_heads; /* by symbol id: inert expressions have this head */
    Engine engine;
    RtWrite write;
    void *write_context;
    RtDebug debug;
    uint64_t random_state[2];
    uint64_t steps;       /* calls made by machines that have ended */
    uint64_t choices;     /* choice points likewise */
    uint64_t other_steps; /* of the steps: those that are no calls carried out by chunks */

    /* The embedding API's own state, and how the collector visits its words (NULL: none). */
    void *host;
    void (*host_trace)(void *host, Heap *h);
};

/* A runtime with the core library loaded, or NULL when address space is short.  ENGINE is copied.  The caller frees it. */
Runtime *rt_new(const BuiltinInfo *builtins, uint32_t count, const Engine *engine);
void rt_free(Runtime *rt);

/* Add an operation at run time; INFO's texts must live as long as RT.  Returns its word, or WORD_NIL when its type is no
 * type. Modules read its name as that word once rt_add_token has been called. */
Word rt_register(Runtime *rt, const BuiltinInfo *info);

/* Bytes of everything the memory limit counts but the stacks: heap, stored terms, rows and indexes of spaces.  Linear in the
 * number of external objects. */
size_t rt_memory(const Runtime *rt);

/* A rule of SYMBOL (a word; WORD_NIL: perhaps of any) has come or gone; TYPES: or a type. */
void rt_note_change(Runtime *rt, Word symbol, bool types);

/* End the run at the next safepoint.  From any thread, and from signal handlers. */
static inline void rt_interrupt(Runtime *rt)
{
    rt->limits.interrupted = 1;
    heap_interrupt(&rt->heap);
}

/* A new empty space whose type facts the type checker is told of; NAME may be NULL. */
Space *rt_space_new(Runtime *rt, const char *name);
/* The scope of a space, made at first use. */
Scope *rt_scope(Runtime *rt, Space *s);
Word rt_sym(Runtime *rt, const char *text);
/* Builtin index + 1 of the operation that the symbol with this id names, or 0. */
static inline uint32_t rt_native(const Runtime *rt, uint32_t symbol)
{
    return symbol < rt->native.len ? rt->native.data[symbol] : 0;
}
/* Expressions with this head will be noted as inert: a rule or type for it ends that. */
void rt_note_data_head(Runtime *rt, uint32_t symbol);
/* A symbol word whose name is the formatted text: the form of HE's error messages. */
Word rt_message(Runtime *rt, const char *fmt, ...) PRINTF_LIKE(2, 3);
Word rt_vmessage(Runtime *rt, const char *fmt, va_list ap);
/* Append the text of W. */
void rt_print(Runtime *rt, Word w, Buf *out);
/* Program output. */
void rt_write(Runtime *rt, const char *text, size_t len);

/* Parse the single form in TEXT with MODULE's tokens; false when it is not exactly one form. */
bool rt_parse(Runtime *rt, Module *m, const char *text, size_t len, Word *out);
/* Tokens of a module for the reader. */
Tokens rt_tokens(Runtime *rt, Module *m);
/* Words equal to TEXT are read as W in M from now on. */
void rt_add_token(Runtime *rt, Module *m, const char *text, size_t len, Word w);

/* -- Modules (module.c) -- */

Module *rt_module_new(Runtime *rt, const char *name, const char *dir, const char *file);
Module *rt_module_find(Runtime *rt, const char *name);
/* Resolve NAME (a, a:b, top:a, self:a) from module FROM and load it if needed; NULL and *ERROR (a root-free message word) when
 * that fails. */
Module *rt_module_load(Runtime *rt, Module *from, const char *name, Word *error);
/* import! &self: the scope of INTO sees FROM (and what it imports); builtin modules give their tokens too. */
void rt_module_import(Runtime *rt, Module *into, Module *from);
/* include: run the module's text in INTO; *RESULT is the list of results of its last query. */
bool rt_include(Runtime *rt, Module *into, const char *name, Word *result, Word *error);
/* register-module!: load the module in file or folder PATH under its own name. */
bool rt_module_register(Runtime *rt, const char *path, Word *error);
/* Run the library text of builtin module M. */
void rt_load_embedded(Runtime *rt, Module *m);
void rt_module_free(Module *m);
void rt_copy_tokens(const Module *from, Module *into);
void rt_free_tokens(Module *m);
/* Remember the places of the rule that was added last to M's space. */
void rt_keep_spans(Module *m, const Span *spans, size_t n);
/* The places of rule RULE of space S, *N of them, or NULL when it was not read from a text.  Logarithmic. */
const Span *rt_rule_spans(Runtime *rt, const Space *s, uint32_t rule, size_t *n);
/* The module whose space is S, or NULL. */
Module *rt_module_of(Runtime *rt, const Space *s);

#endif
