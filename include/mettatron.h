/* mettatron: run MeTTa programs from C and C++.
 *
 *     MtRuntime *rt = mt_new(NULL, NULL);
 *     mt_run_file(rt, "program.metta", on_result, NULL);
 *     mt_free(rt);
 *
 * A runtime is one world: symbols, spaces, modules, limits.  Several may live in one process, each used by one thread
 * at a time; only mt_interrupt may be called from other threads and from signal handlers.  The library keeps no
 * state of its own beside the runtimes.
 *
 * ATOMS.  An MtAtom is a handle: it names an atom that the runtime keeps alive.  Every function here that returns an atom
 * makes a *local* handle.  Local handles are released together, when the scope they were made in is closed:
 *
 *     size_t scope = mt_scope_open(rt);
 *     ... make and look at atoms ...
 *     mt_scope_close(rt, scope);
 *
 * The runtime opens a scope around each callback it makes, so handles made or received there die with it.  mt_keep
 * makes a handle that lives until mt_release.  Handles made outside every scope live as long as the runtime.  Using a handle
 * after its release is an error that a build with assertions reports.
 *
 * ERRORS.  MeTTa errors are atoms, (Error ATOM CAUSE), and results like others.  Failures of the host (a file that
 * cannot be read, text that is no MeTTa, a limit) are an MtStatus; mt_error tells the details.
 *
 * STRINGS are UTF-8.  A `const char *` parameter is NUL-terminated and copied; a parameter with a length may hold NULs.
 * A returned text belongs to the runtime; each function says how long it is valid.
 *
 * COST is constant time and no allocation that matters, unless a function says otherwise.
 *
 * Stable since 1.0: until then a minor version may change what is here; MT_API_VERSION grows with every change that breaks. */
#ifndef METTATRON_H
#define METTATRON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MT_VERSION_MAJOR 0
#define MT_VERSION_MINOR 1
#define MT_VERSION_PATCH 0
#define MT_API_VERSION 1

#if defined(__GNUC__)
#define MT_API __attribute__((visibility("default")))
#define MT_PRINTF(format_index, first) __attribute__((format(printf, format_index, first)))
#else
#define MT_API
#define MT_PRINTF(format_index, first)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* -- Types ------------------------------------------------------------------------------------------------------- */

typedef struct MtRuntime MtRuntime;

/* Handle of an atom; the one with id 0 is no atom. */
typedef struct MtAtom {
    uint64_t id;
} MtAtom;

typedef enum MtStatus {
    MT_OK = 0,
    MT_QUERY_ERROR, /* a query had an (Error ...) among its results: the run stopped after it, as the language demands */
    MT_STOPPED,     /* the result callback asked to stop */
    MT_SYNTAX,      /* the text is not MeTTa; what stood before the place has run */
    MT_INCOMPLETE,  /* mt_check_text, mt_read, mt_parse: the text ends inside a form (a run says MT_SYNTAX) */
    MT_IO,          /* a file could not be read or written */
    MT_TIMEOUT,     /* the time limit of the run was reached */
    MT_INTERRUPTED, /* mt_interrupt */
    MT_NO_MEMORY,   /* the memory limit was reached; the last result is an error atom that says so */
    MT_INVALID,     /* an argument is wrong: an unknown log target, no space where a space is needed ... */
    MT_REFUSED      /* a compiled program is damaged, stale, or of another version of the runtime */
} MtStatus;

/* A place in a source.  Lines and columns count from 1, columns in Unicode scalar values; end_column is the column after
 * the last character.  A line of 0 means that the place is not known.  `file` belongs to the runtime and lives as long. */
typedef struct MtSpan {
    const char *file;
    uint32_t line, column;
    uint32_t end_line, end_column;
} MtSpan;

/* What went wrong in the last call that returned a status other than MT_OK.  Valid until the next such call. */
typedef struct MtError {
    MtStatus status;
    char message[256]; /* one line, no newline */
    MtSpan span;       /* of text that is wrong */
    char source[256];  /* the line at span.line, cut around the place; "" when not known */
    uint32_t caret;    /* where the place is in `source`: characters before it */
} MtError;

/* -- Runtime ----------------------------------------------------------------------------------------------------- */

typedef enum MtDialect {
    MT_DIALECT_HE = 0 /* Hyperon Experimental */
} MtDialect;

/* Lines of text, the same with the time before, or one JSON object a line. */
typedef enum MtLogFormat { MT_LOG_TEXT = 0, MT_LOG_FULL, MT_LOG_JSON } MtLogFormat;

/* Receives what the program prints (println! and the like): LEN bytes of TEXT, not NUL-terminated. */
typedef void (*MtOutput)(void *context, const char *text, size_t len);

/* How functions move up the tiers, with the fields that MeTTaTron's debug guide has.  The stacks and tables that it bounds there are one
 * stack here, which native code, VM and interpreter share and which grows: 0, the default, is no bound, and of the bounds
 * only max_call_stack, which is another name for MtConfig.max_depth, bounds anything. */
typedef struct MtHybridConfig {
    bool jit_enabled; /* default true; false: no tier above 1, whatever max_tier says */
    bool trace;       /* log what the executor does, as the directive mettatron::jit::hybrid=trace would */
    uint64_t jit_stack_capacity, jit_choice_point_capacity, jit_results_capacity;
    uint64_t jit_binding_frames_capacity, jit_cut_markers_capacity;
    struct {
        uint64_t max_value_stack, max_call_stack, max_choice_points;
        bool trace; /* log the trace instructions of programs: mettatron::vm::trace=trace */
    } vm_config;
} MtHybridConfig;

/* Fill with mt_config_init, then change what you need.  Strings are copied by mt_new. */
typedef struct MtConfig {
    size_t size;         /* sizeof(MtConfig) of the caller: lets the library grow the structure */
    uint64_t max_memory; /* bytes of atoms; 0: no limit */
    uint64_t max_depth;  /* nested evaluations; 0: no limit */
    uint64_t timeout_ms; /* of each run; 0: no limit */
    /* What is merely doubtful is an error (unknown pragma keys), and imports are not transitive. */
    bool strict_mode;
    MtDialect dialect;
    const char *log_filter; /* NULL: METTA_LOG, else RUST_LOG, else errors only */
    MtLogFormat log_format; /* on standard error */
    /* Folders in which modules are looked up, after the importing file's own. */
    const char *const *search_paths;
    size_t search_path_count;
    MtOutput output; /* NULL: standard output */
    void *output_context;
    /* Execution tiers: 0 is the interpreter, 1 adds the bytecode VM, 2 machine code. */
    uint32_t max_tier;           /* default: mt_highest_tier() */
    uint32_t bytecode_threshold; /* calls of a function before it is compiled; default 0 */
    bool collect_stats;     /* count every call and instruction, at a cost in speed: see mt_collect_stats */
    uint32_t jit_threshold; /* calls of a function before it is hot, ready for native code; default 100 */
    uint32_t
        jit_stage2_threshold; /* likewise for optimised native code, which no build has yet; default 500 */
    bool jit_log; /* print a line to standard error for each compilation, and each exit of native code */
    MtHybridConfig hybrid;
    uint32_t
        jit_cache_bytes; /* of native code, at least 4 KiB: what is used least makes room; 0, the default: 16 MiB */
    /* Write the functions that get native code to /tmp/perf-PID.map, where perf looks for names, and the code itself with its lines to
     * /tmp/jit-PID.dump. */
    bool perf_map;
    bool jit_debug; /* tell gdb of native code: functions, lines, frames */
    /* For tests of what is rare: the guard of each piece of native code, counted from 1, that always fails, UINT32_MAX for all; 0: none. */
    uint32_t jit_force_exit;
} MtConfig;

/* The defaults: no limits, HE, standard output, all tiers. */
MT_API void mt_config_init(MtConfig *config);

/* A new runtime with the whole library loaded, or NULL: then *ERROR (may be NULL) says why.  CONFIG may be NULL.
 * The caller frees it with mt_free.  Takes a few milliseconds. */
MT_API MtRuntime *mt_new(const MtConfig *config, MtError *error);
/* Free the runtime and all that it owns; every handle dies.  NULL is fine.  Not from within a callback. */
MT_API void mt_free(MtRuntime *rt);

/* Details of the last failure of RT. */
MT_API const MtError *mt_error(const MtRuntime *rt);
/* "mettatron 0.1.0"; static. */
MT_API const char *mt_version(void);
/* One word for a status, such as "timeout"; static. */
MT_API const char *mt_status_name(MtStatus status);

/* Change the limits for the runs that follow; 0: no limit. */
MT_API void mt_set_limits(MtRuntime *rt, uint64_t max_memory, uint64_t max_depth, uint64_t timeout_ms);
/* Ask the running evaluation to stop soon: the run returns MT_INTERRUPTED.  Without one, the next run stops at once
 * unless mt_clear_interrupt comes first.  May be called from any thread and from a signal handler. */
MT_API void mt_interrupt(MtRuntime *rt);
MT_API void mt_clear_interrupt(MtRuntime *rt);

/* -- Handles ----------------------------------------------------------------------------------------------------- */

/* Open a scope; returns the mark to close it with.  Scopes nest. */
MT_API size_t mt_scope_open(MtRuntime *rt);
/* Release the local handles made since MARK.  Linear in their number. */
MT_API void mt_scope_close(MtRuntime *rt, size_t mark);
/* A handle of the same atom that lives until mt_release. */
MT_API MtAtom mt_keep(MtRuntime *rt, MtAtom atom);
/* Release a handle made by mt_keep.  The zero handle is fine. */
MT_API void mt_release(MtRuntime *rt, MtAtom atom);

/* -- Making atoms ------------------------------------------------------------------------------------------------- */

/* Each returns a local handle.  Expressions and texts: linear in their size. */
MT_API MtAtom mt_symbol(MtRuntime *rt, const char *name);
/* A fresh variable that prints as $NAME; two calls make two variables. */
MT_API MtAtom mt_variable(MtRuntime *rt, const char *name);
MT_API MtAtom mt_int(MtRuntime *rt, int64_t value);
MT_API MtAtom mt_float(MtRuntime *rt, double value);
MT_API MtAtom mt_bool(MtRuntime *rt, bool value);
/* LEN bytes of UTF-8; bytes that are not are replaced by U+FFFD. */
MT_API MtAtom mt_string(MtRuntime *rt, const char *text, size_t len);
/* An expression of COUNT atoms; none gives (). */
MT_API MtAtom mt_expression(MtRuntime *rt, const MtAtom *items, size_t count);
/* The one atom that TEXT holds, read as the reader of programs does (numbers of any size, strings, tokens).  MT_SYNTAX or
 * MT_INCOMPLETE, also when there is none or more than one; *OUT is then 0. */
MT_API MtStatus mt_parse(MtRuntime *rt, const char *text, size_t len, MtAtom *out);

/* A kind of host object: an atom that stands for a pointer of yours. */
typedef struct MtHostType {
    const char *name;                                     /* its MeTTa type, a symbol */
    void (*destroy)(void *object);                        /* no atom refers to it any more; may be NULL */
    size_t (*print)(void *object, char *to, size_t size); /* like snprintf; NULL: name-0xADDRESS */
    bool (*equal)(void *a, void *b);                      /* beside identity; may be NULL */
} MtHostType;
/* A grounded atom for OBJECT, which now belongs to the runtime.  TYPE must live as long as the runtime. */
MT_API MtAtom mt_host(MtRuntime *rt, const MtHostType *type, void *object);

/* -- Looking at atoms ---------------------------------------------------------------------------------------------- */

typedef enum MtKind {
    MT_NONE = 0, /* the zero handle */
    MT_SYMBOL,
    MT_VARIABLE,
    MT_EXPRESSION,
    MT_INT,     /* fits int64_t */
    MT_BIG_INT, /* does not; mt_print gives its digits */
    MT_FLOAT,
    MT_BOOL,
    MT_STRING,
    MT_SPACE,
    MT_FUNCTION, /* a grounded function */
    MT_HOST,     /* made by mt_host */
    MT_OTHER     /* any other grounded atom: state, file, ... */
} MtKind;

MT_API MtKind mt_kind(MtRuntime *rt, MtAtom atom);
/* Text of a symbol, of a string (without quotes), of a variable's name (without $); NULL for other kinds.  The length goes
 * to *LEN unless NULL; a NUL follows the text.  Valid until the next call with RT. */
MT_API const char *mt_text(MtRuntime *rt, MtAtom atom, size_t *len);
/* The value if ATOM is of the kind (mt_get_float takes any number), else false and *OUT is left alone. */
MT_API bool mt_get_int(MtRuntime *rt, MtAtom atom, int64_t *out);
MT_API bool mt_get_float(MtRuntime *rt, MtAtom atom, double *out);
MT_API bool mt_get_bool(MtRuntime *rt, MtAtom atom, bool *out);
/* The pointer of a host object of that TYPE, else NULL. */
MT_API void *mt_get_host(MtRuntime *rt, MtAtom atom, const MtHostType *type);
/* Number of children of an expression, 0 for other kinds. */
MT_API size_t mt_count(MtRuntime *rt, MtAtom atom);
/* Child INDEX as a local handle; the zero handle when there is none. */
MT_API MtAtom mt_at(MtRuntime *rt, MtAtom atom, size_t index);
/* (Error ATOM CAUSE)? */
MT_API bool mt_is_error(MtRuntime *rt, MtAtom atom);
/* Equality of the language: 1 equals 1.0, a variable only itself.  Linear in the size. */
MT_API bool mt_equal(MtRuntime *rt, MtAtom a, MtAtom b);
/* Equality up to the names of variables.  Linear in the size. */
MT_API bool mt_alpha_equal(MtRuntime *rt, MtAtom a, MtAtom b);
/* The text of the atom as programs print it, NUL-terminated; its length goes to *LEN unless NULL.  Valid until the next
 * mt_print with RT.  Linear in the size. */
MT_API const char *mt_print(MtRuntime *rt, MtAtom atom, size_t *len);

/* -- Running ------------------------------------------------------------------------------------------------------- */

/* One query (a form after "!") that has ended. */
typedef struct MtResult {
    size_t query;        /* counts the queries of this run from 0 */
    const MtAtom *atoms; /* its results, local handles of the callback's scope */
    size_t count;
    bool is_error; /* one of them is an (Error ...): the run will end with MT_QUERY_ERROR */
    MtSpan span;   /* of the form */
    uint64_t elapsed_ns;
} MtResult;

/* Called as each query ends, before the next form is read.  Return false to stop the run (MT_STOPPED). */
typedef bool (*MtOnResult)(void *context, MtRuntime *rt, const MtResult *result);

/* Run a program: add each form to the top space, evaluate each form after "!".  NAME stands for the text in messages
 * and spans.  ON_RESULT may be NULL.  State stays: a later run sees what this one defined.  Runs nest (a function may run
 * text), as deep as the C stack of the host allows. */
MT_API MtStatus mt_run(MtRuntime *rt, const char *name, const char *text, size_t len, MtOnResult on_result,
                       void *context);
/* Run a file; "-" is standard input.  Modules it imports are looked up in its folder first.  A file that mt_compile_file has made is told by
 * its first bytes; MT_REFUSED when it cannot be used: nothing has run then. */
MT_API MtStatus mt_run_file(MtRuntime *rt, const char *path, MtOnResult on_result, void *context);
/* Compile the program in file PATH and write that to file OUT_PATH, which mt_run_file runs like the program: see docs/mbc.md.  Nothing of the
 * program is run or added to RT.  MT_SYNTAX: it is not MeTTa, and nothing is written. */
MT_API MtStatus mt_compile_file(MtRuntime *rt, const char *path, const char *out_path);
/* Evaluate one atom as a query of the top space. */
MT_API MtStatus mt_eval(MtRuntime *rt, MtAtom atom, MtOnResult on_result, void *context);

/* Read the forms of a program without running them; each goes to ON_FORM with its place. */
typedef bool (*MtOnForm)(void *context, MtRuntime *rt, MtAtom form, const MtSpan *span);
MT_API MtStatus mt_read(MtRuntime *rt, const char *name, const char *text, size_t len, MtOnForm on_form,
                        void *context);
/* A node of a form: a leaf, or an expression, which comes before its items. */
typedef struct MtNode {
    MtAtom atom;    /* local handle of the callback's scope */
    uint32_t depth; /* 0: the form itself */
    MtSpan span;
} MtNode;
typedef bool (*MtOnNode)(void *context, MtRuntime *rt, const MtNode *node);
/* The same, but each node of each form goes to ON_NODE, in the order of the text; "!" is a form of its own, as in mt_read.  A word
 * that stands for an expression (mt_bind, bind!) is its symbol here.  Memory and time are linear in the text; nesting may be
 * of any depth. */
MT_API MtStatus mt_read_nodes(MtRuntime *rt, const char *name, const char *text, size_t len, MtOnNode on_node,
                              void *context);
/* The same for a file; "-" is standard input. */
MT_API MtStatus mt_read_nodes_file(MtRuntime *rt, const char *path, MtOnNode on_node, void *context);
/* Is the text a sequence of whole forms?  MT_OK, MT_INCOMPLETE (more input may complete it) or MT_SYNTAX.  For line
 * editors.  Linear in its length; leaves nothing behind. */
MT_API MtStatus mt_check_text(MtRuntime *rt, const char *text, size_t len);

/* -- Functions ----------------------------------------------------------------------------------------------------- */

/* One call of a registered function: its arguments and the place for its results. */
typedef struct MtCall MtCall;

/* What a function says at its end. */
typedef enum MtOutcome {
    MT_RETURNED,     /* the results are those given by mt_return, perhaps none */
    MT_NOT_REDUCIBLE /* the call stays as it is, as if no rule matched */
} MtOutcome;

typedef MtOutcome (*MtFunction)(MtRuntime *rt, MtCall *call, void *context);

MT_API size_t mt_arg_count(const MtCall *call);
/* Argument INDEX from 0 as a local handle; the zero handle when there is none. */
MT_API MtAtom mt_arg(MtCall *call, size_t index);
/* Add one result; several calls give several results, in this order. */
MT_API void mt_return(MtCall *call, MtAtom result);
/* Add the result (Error CALL MESSAGE): the call as it is, the message as one symbol. */
MT_API void mt_return_error(MtCall *call, const char *format, ...) MT_PRINTF(2, 3);

enum {
    /* Arguments arrive unevaluated whatever TYPE says.  Else those whose parameter type is Atom (or another meta-type) do,
     * and the others are evaluated and type-checked before the call. */
    MT_LAZY = 1,
    /* Same arguments, same results, no effect: the runtime may call it less often. */
    MT_PURE = 2
};

/* Make NAME a grounded function in every module of RT.  TYPE is text such as "(-> Number Number Number)"; NULL:
 * %Undefined%, any arguments, evaluated.  DOC is one line for help, or NULL.  Registering a name again replaces it for
 * text read from then on.  MT_INVALID when TYPE is no type. */
MT_API MtStatus mt_register(MtRuntime *rt, const char *name, const char *type, unsigned flags,
                            const char *doc, MtFunction function, void *context);
/* Make NAME stand for ATOM in text read from then on, as bind! does. */
MT_API MtStatus mt_bind(MtRuntime *rt, const char *name, MtAtom atom);

/* -- Spaces -------------------------------------------------------------------------------------------------------- */

/* The space that programs know as &self. */
MT_API MtAtom mt_space_top(MtRuntime *rt);
/* A new empty space; give it a name for programs with mt_bind. */
MT_API MtAtom mt_space_new(MtRuntime *rt);
/* Add one copy of ATOM.  Linear in its size.  MT_INVALID when SPACE is none (here and below). */
MT_API MtStatus mt_space_add(MtRuntime *rt, MtAtom space, MtAtom atom);
/* Remove one copy; *REMOVED (may be NULL) tells whether there was one. */
MT_API MtStatus mt_space_remove(MtRuntime *rt, MtAtom space, MtAtom atom, bool *removed);
/* Number of atoms in SPACE; 0 when it is none. */
MT_API size_t mt_space_count(MtRuntime *rt, MtAtom space);
/* Called for each answer with a local handle.  Return false for no more. */
typedef bool (*MtOnAtom)(void *context, MtRuntime *rt, MtAtom atom);
/* For each match of PATTERN, TEMPLATE with its variables replaced.  Share variables between the two by making both
 * from the same handles, or parse them together as one expression and take it apart with mt_at.  (, P Q ...) is a
 * conjunction.  What the callback adds or removes is not seen by the running query. */
MT_API MtStatus mt_space_query(MtRuntime *rt, MtAtom space, MtAtom pattern, MtAtom template_,
                               MtOnAtom on_atom, void *context);
/* Each atom of SPACE, in the order of adding. */
MT_API MtStatus mt_space_each(MtRuntime *rt, MtAtom space, MtOnAtom on_atom, void *context);

/* -- Logging ------------------------------------------------------------------------------------------------------- */

/* Replace the filter: directives such as "warn,mettatron::gc=debug"; docs/logging.md has the grammar.  MT_INVALID with
 * the first directive that is wrong (nothing is changed then). */
MT_API MtStatus mt_log_set_filter(MtRuntime *rt, const char *filter);
/* The targets with their meaning, one call each; the texts are static. */
typedef void (*MtOnLogTarget)(void *context, const char *target, const char *meaning);
MT_API void mt_log_each_target(MtOnLogTarget on_target, void *context);

/* -- Breakpoints ---------------------------------------------------------------------------------------------------- */

/* A program came to (breakpoint!), or to (breakpoint! CONDITION) with a CONDITION of True. */
typedef struct MtBreakpoint {
    uint64_t hit;         /* counts the hits of the runtime from 1 */
    const char *function; /* whose body is evaluated, "" at the top of a query; never freed */
    MtAtom condition;     /* True, or the zero handle when the breakpoint has no condition */
} MtBreakpoint;

typedef enum MtDebugAction {
    MT_DEBUG_CONTINUE = 0,
    MT_DEBUG_STOP /* end the run as mt_interrupt does: MT_INTERRUPTED */
} MtDebugAction;

/* Called at each hit, in the thread of the run, which waits for it.  It may make and evaluate atoms, look at spaces and change them,
 * and set another handler.  Breakpoints that it hits itself are counted and logged, but not told to it.  The time it takes
 * does not count for the time limit. */
typedef MtDebugAction (*MtOnBreakpoint)(void *context, MtRuntime *rt, const MtBreakpoint *breakpoint);
/* Have ON_BREAKPOINT called from now on, in place of the handler before; NULL: nobody is asked, and programs run on.
 * MT_INVALID when the library was built without debug support. */
MT_API MtStatus mt_set_breakpoint_hook(MtRuntime *rt, MtOnBreakpoint on_breakpoint, void *context);

/* -- Debugger ------------------------------------------------------------------------------------------------------ */

/* A debugger knows no terminal: it asks one function at each stop, which looks around with what follows here and answers how to go on.
 * docs/debugging.md tells what the words mean.  Functions that run at a stop may be called then only; others at any time, too. */

/* Where the evaluation of a goal can be seen from outside. */
typedef enum MtPort {
    MT_PORT_CALL = 0, /* about to be reduced */
    MT_PORT_UNIFY,    /* a rule has matched */
    MT_PORT_EXIT,     /* a result */
    MT_PORT_REDO,     /* evaluation comes back for another result */
    MT_PORT_FAIL,     /* no result, or no more */
    MT_PORT_STUCK,    /* no rule matches: it is its own result */
    MT_PORT_ERROR     /* an error has been made */
} MtPort;
/* "call", "unify" ...; static. */
MT_API const char *mt_port_name(MtPort port);

typedef enum MtStopReason {
    MT_STOP_STEP = 0,   /* as asked for */
    MT_STOP_BREAKPOINT, /* a breakpoint */
    MT_STOP_WATCH,      /* a space or a state has changed */
    MT_STOP_PROGRAM,    /* (breakpoint!) */
    MT_STOP_PAUSE       /* mt_interrupt */
} MtStopReason;

/* Fields that a port has no use for are 0. */
typedef struct MtStop {
    MtStopReason reason;
    MtPort port;
    uint64_t goal;       /* its number; 0: none */
    uint32_t depth;      /* of nested goals, from 1 */
    uint32_t result;     /* EXIT: which one of the goal's, from 1 */
    size_t alternatives; /* EXIT, REDO: that the goal has left, at least */
    uint32_t
        tier; /* the highest one that has code for the goal's function, though it may be run below that now */
    uint32_t breakpoint; /* that has stopped the run, or 0 */
    MtAtom atom;         /* the goal; local handles of the callback's scope */
    MtAtom value;     /* UNIFY: what it becomes; EXIT: the result; ERROR: the error; a watchpoint: the atom */
    MtSpan span;      /* of the call */
    const char *note; /* a line more, or NULL */
} MtStop;

typedef enum MtResume {
    MT_RESUME_CONTINUE = 0,
    MT_RESUME_STEP,       /* to the next port */
    MT_RESUME_NEXT,       /* to the next result or the end of this goal, or what comes behind it */
    MT_RESUME_FINISH,     /* to the next result or the end of the goal around it */
    MT_RESUME_FINISH_ALL, /* to the last result of this goal: mt_debug_gathered */
    MT_RESUME_RETRY,      /* back to the call of the goal that mt_debug_retry has chosen */
    MT_RESUME_FORCE,      /* the goal has the result that mt_debug_force has given */
    MT_RESUME_TAKE,       /* the alternative that mt_debug_take has chosen */
    MT_RESUME_QUIT        /* end the run: MT_INTERRUPTED */
} MtResume;

/* Called at each stop, in the thread of the run, which waits for it.  It may make and evaluate atoms; what it evaluates is not stopped.
 * The time it takes does not count for the time limit. */
typedef MtResume (*MtOnStop)(void *context, MtRuntime *rt, const MtStop *stop);
/* Debug RT: ON_STOP is asked from now on, also in place of a handler of breakpoints and where mt_interrupt would end the run.  A run
 * without a breakpoint costs what it does without.
 * MT_INVALID when the library was built without debug support. */
MT_API MtStatus mt_debug_start(MtRuntime *rt, MtOnStop on_stop, void *context);
/* End it: breakpoints go.  Not from within ON_STOP.  What does not stop works still: explanations, traces of errors. */
MT_API void mt_debug_end(MtRuntime *rt);
/* Stop at the first call of a function of the program in what runs next. */
MT_API void mt_debug_stop_first(MtRuntime *rt);

/* Set a breakpoint; its number, which is not 0, goes to *ID.  MT_INVALID when TEXT is none: mt_error says why.
 *
 *   HEAD[/ARITY][:PORT] [if CONDITION] [hits COUNT]    calls of a function
 *   (PATTERN)[:PORT] [if ...] [hits ...]               goals that unify with a pattern
 *   FILE:LINE [if ...] [hits ...]                      the rule that begins there has matched, or evaluation comes to
 *                                                      an expression of its body or of a query
 *
 * The port is call unless given.  A condition is an expression in which the variables of rules and pattern have their values, and $result
 * has at exit; it holds when its first result is True.  A count is N, >=N or %N (each Nth time).  TEMPORARY: disabled once it has stopped. */
MT_API MtStatus mt_break_add(MtRuntime *rt, const char *text, bool temporary, uint32_t *id);
/* Stop when an atom comes to a space or goes (TEXT: the space, and perhaps a pattern), or a state changes (TEXT: the state). */
MT_API MtStatus mt_break_watch(MtRuntime *rt, const char *text, uint32_t *id);
/* Stop at "error", "stuck", "empty", "assert" or "type".  Everything runs in tier 0 then. */
MT_API MtStatus mt_break_catch(MtRuntime *rt, const char *name, uint32_t *id);

typedef struct MtBreakInfo {
    uint32_t id;
    const char *kind;      /* "function", "pattern", "line", "space", "state", "catch"; static */
    const char *text;      /* as it was written */
    const char *condition; /* or NULL */
    const char *count;     /* or NULL */
    bool enabled, temporary;
    uint64_t ignore;      /* hits still to be passed over */
    uint64_t hits;        /* that it came true, passed over or not */
    uint64_t evaluations; /* of its condition */
    uint32_t line;        /* that one at a line is at, when it is known; else 0 */
    const char *note;     /* that this is another line than asked for, or why it is not known; or NULL */
} MtBreakInfo;
/* Breakpoint I, counted from 0; false behind the last.  The texts are valid until it is changed. */
MT_API bool mt_break_info(MtRuntime *rt, size_t i, MtBreakInfo *info);
/* Change one; MT_INVALID when there is none with that number, or the text is wrong.  NULL takes a condition or count away. */
MT_API MtStatus mt_break_condition(MtRuntime *rt, uint32_t id, const char *condition);
MT_API MtStatus mt_break_count(MtRuntime *rt, uint32_t id, const char *count);
MT_API MtStatus mt_break_ignore(MtRuntime *rt, uint32_t id, uint64_t hits);
MT_API MtStatus mt_break_enable(MtRuntime *rt, uint32_t id, bool enabled);
MT_API MtStatus mt_break_delete(MtRuntime *rt, uint32_t id);

/* A function at work at a stop, or the query at the top.  Handles are local. */
typedef struct MtFrame {
    uint64_t goal;        /* its number; 0: none */
    const char *function; /* "" for the query; never freed */
    MtAtom atom;          /* the call, as far as it is known; or zero */
    MtAtom expression;    /* of its body, the one that is being reduced; or zero */
    MtAtom part;          /* of that, what is being evaluated; or zero */
    MtSpan span;          /* of what is at work in it */
    uint32_t tier;
    bool tail; /* it has made a last call, and is remembered, or only its name is left */
} MtFrame;
/* At a stop: how many there are, but not more than LIMIT.  Linear. */
MT_API size_t mt_frame_count(MtRuntime *rt, size_t limit);
/* Frame I, from the innermost, 0; false: there is none.  Those that are asked for in order take constant time each. */
MT_API bool mt_frame(MtRuntime *rt, size_t i, MtFrame *frame);
/* The variables of frame I, one call each. */
typedef void (*MtOnBinding)(void *context, MtRuntime *rt, const char *name, MtAtom value);
MT_API void mt_frame_bindings(MtRuntime *rt, size_t i, MtOnBinding on_binding, void *context);
/* Evaluate the expression TEXT with the variables of frame I; the texts of its results, one in a line, go to *OUT, valid until the next call.
 * APART: in a copy of the process, so that nothing but what it prints is left of it; the copy is given ten seconds. */
MT_API MtStatus mt_frame_eval(MtRuntime *rt, size_t i, const char *text, bool apart, const char **out);

/* An alternative that is pending at a stop. */
typedef struct MtAlternative {
    const char *kind; /* "rule", "item", "match"; static */
    MtAtom atom;      /* the goal, or zero */
    MtAtom next;      /* the next one: a rule, an item or a row; or zero */
    MtSpan span;      /* of that, if it is a rule */
    size_t left;
    bool exact; /* there are not more */
} MtAlternative;
/* Number I of them, from the newest, 0; false behind the last. */
MT_API bool mt_alternative(MtRuntime *rt, size_t i, MtAlternative *alternative);
/* Which one is number WHICH (from 1) of what alternative I has left, and where does it stand?  False: there is no such, or it is not known. */
MT_API bool mt_alternative_option(MtRuntime *rt, size_t i, size_t which, MtAtom *atom, MtSpan *span);

/* Before the answer of that name: which goal (0: that of the stop), what result, which alternative WHICH (from 1) of number I (newer ones are
 * given up).  MT_INVALID: that cannot be; mt_error says why. */
MT_API MtStatus mt_debug_retry(MtRuntime *rt, uint64_t goal);
MT_API MtStatus mt_debug_force(MtRuntime *rt, MtAtom result);
MT_API MtStatus mt_debug_take(MtRuntime *rt, size_t i, size_t which);
/* Give up number I of the alternatives, with all that is left of it. */
MT_API MtStatus mt_debug_prune(MtRuntime *rt, size_t i);
/* Derivations as text that is indented, as JSON or as a graph for DOT (an object or a graph in a line), as atoms. */
typedef enum MtWhyFormat { MT_WHY_TEXT = 0, MT_WHY_JSON, MT_WHY_DOT, MT_WHY_ATOMS } MtWhyFormat;
/* Evaluate ATOM, and tell how its results were derived: rules, facts and operations; only result RESULT (from 1) unless that is 0.  As text also
 * why calls in it came to nothing.  At any time; what ATOM changes is changed.  Valid until the next call with RT. */
MT_API const char *mt_explain(MtRuntime *rt, MtAtom atom, MtWhyFormat format, size_t result);
/* Why no rule reduces the call ATOM, or why it has no result: the nearest rules, each with the first place at which it differs; ALL of them, or
 * three.  Valid until the next call with RT. */
MT_API const char *mt_why_not(MtRuntime *rt, MtAtom atom, bool all);
/* The results that MT_RESUME_FINISH_ALL has gathered: texts, one in a line.  Valid until the next run. */
MT_API const char *mt_debug_gathered(MtRuntime *rt, size_t *count);
/* In an MtOnResult: where the error ERROR was made, one line for each call around it; NULL when that is not known.  Valid during the callback. */
MT_API const char *mt_debug_error_trace(MtRuntime *rt, MtAtom error);
/* The last events, one in a line.  Valid until the next call with RT. */
MT_API const char *mt_debug_events(MtRuntime *rt);

/* -- For tools: line editors, editors' servers --------------------------------------------------------------------- */

/* A name that has a meaning in the top module. */
typedef struct MtName {
    const char *name;
    const char *type; /* text of its first type, or NULL */
    const char *doc;  /* one line, or NULL */
} MtName;
typedef bool (*MtOnName)(void *context, const MtName *name);
/* Names that begin with PREFIX: grounded functions, tokens, heads of rules and of type declarations; in no order, each
 * once.  The texts are valid during the callback.  Linear in the number of names and of atoms in the top space. */
MT_API void mt_each_name(MtRuntime *rt, const char *prefix, MtOnName on_name, void *context);
/* The rules (= (HEAD ...) BODY) and (= HEAD BODY) of the top space, in order. */
MT_API MtStatus mt_each_rule(MtRuntime *rt, const char *head, MtOnAtom on_atom, void *context);
/* Paths of the files that were run or imported, in order of loading. */
typedef bool (*MtOnPath)(void *context, const char *path);
MT_API void mt_each_file(MtRuntime *rt, MtOnPath on_path, void *context);

/* The bytecode of function HEAD as its rules are now, one listing for each number of arguments that it has rules for, or why it has
 * none; of all functions of the top space when HEAD is NULL.  Valid until the next call with RT.  NULL without tier 1. */
MT_API const char *mt_disassemble(MtRuntime *rt, const char *head);
/* One line of such a listing: the instruction at OFFSET of the code of HEAD with ARITY arguments; *NEXT (may be NULL) becomes the offset
 * of the next one, 0 behind the last.  NULL when there is no such code or no instruction begins there.  Valid until the next call
 * with RT. */
MT_API const char *mt_disassemble_at(MtRuntime *rt, const char *head, size_t arity, size_t offset,
                                     size_t *next);
/* The same with everything the code refers to behind it: constants, templates, switches, places, dependencies (docs/mbc.md). */
MT_API const char *mt_disassemble_full(MtRuntime *rt, const char *head);
/* The machine code that functions called HEAD, or all, have at present, with the bytecode that it was made of.  Valid until the next call
 * with RT.  NULL without tier 2. */
MT_API const char *mt_disassemble_native(MtRuntime *rt, const char *head);
/* Name of pass I, in the order in which the compiler's passes run; NULL behind the last. */
MT_API const char *mt_pass(size_t i);
/* The code of function HEAD (NULL: of all) before and after the pass called PASS.  Functions that are not compiled give nothing.  Valid until
 * the next call with RT.  NULL without tier 1, and when there is no such pass. */
MT_API const char *mt_show_pass(MtRuntime *rt, const char *pass, const char *head);

/* -- Figures ------------------------------------------------------------------------------------------------------- */

/* Count exactly what costs time to count, or stop doing so: vm_instructions, executions of chunks, hits and misses of bytecode, and exits.  What was counted stays.  Figures marked (*) below are exact only for the time in which it was on;
 * all others always are. */
MT_API void mt_collect_stats(MtRuntime *rt, bool on);
/* The highest tier that this build has. */
MT_API uint32_t mt_highest_tier(void);

/* Figures since mt_new. */
typedef struct MtStats {
    size_t size; /* sizeof(MtStats) of the caller, to be set before the call */
    uint64_t queries;
    uint64_t steps;        /* evaluation steps */
    uint64_t run_ns;       /* wall-clock time inside runs */
    uint64_t heap_bytes;   /* of atoms now */
    uint64_t stored_bytes; /* of atoms in spaces now */
    uint64_t minor_collections, major_collections;
    uint64_t symbols;
    uint64_t interpreter_runs; /* calls of functions that tier 0 carried out while tier 1 was on */
    uint64_t bytecode_runs;    /* calls that the VM carried out */
    uint64_t chunks;           /* functions compiled to bytecode, each time anew */
    uint64_t expired_chunks; /* of these: no longer in use, since a rule or type they depend on has changed */
    uint64_t choice_points;
    uint64_t vm_instructions;    /* (*) bytecode instructions run, a fused one counts as one */
    uint64_t bytecode_threshold; /* calls of a function before it is compiled; MtConfig.bytecode_threshold */
    uint64_t jit_threshold;      /* MtConfig.jit_threshold */
    uint64_t jit_stage2_threshold;     /* MtConfig.jit_stage2_threshold */
    uint64_t tier;                     /* the highest one in use */
    uint64_t chunk_hits, chunk_misses; /* (*) calls of functions that found bytecode, and that did not */
    uint64_t backtracks;               /* (*) alternatives that compiled code took */
    uint64_t bytecode_exits;           /* (*) of the VM to tier 0 */
} MtStats;
MT_API void mt_stats(MtRuntime *rt, MtStats *stats);

/* The figures of the debug guide, with its names.  A run is the call of a function. */
typedef struct MtTieredStats {
    uint64_t interpreter_runs; /* tier 0, while a higher one was on */
    uint64_t bytecode_runs;    /* tier 1 */
    uint64_t jit_stage1_runs;  /* tier 2 */
    uint64_t jit_stage2_runs;  /* tier 3 */
    uint64_t jit_compilations, jit_failures;
    uint64_t total_jit_bytes; /* of native code ever made */
    uint64_t cache_hits,
        cache_misses; /* calls that found native code, and those for which it had to be made */
} MtTieredStats;
typedef struct MtHybridStats {
    size_t size;           /* sizeof(MtHybridStats) of the caller, to be set before the call */
    uint64_t total_runs;   /* jit_runs and vm_runs */
    uint64_t jit_runs;     /* of native code */
    uint64_t vm_runs;      /* of bytecode */
    uint64_t jit_bailouts; /* (*) */
    uint64_t jit_compilations, jit_compile_failures;
    MtTieredStats tiered_stats;
    uint64_t jit_recompilations; /* of jit_compilations: without a guess that was often wrong */
    uint64_t jit_given_up;       /* places that are often left, and for which no better code is made */
} MtHybridStats;
typedef struct MtJitStats {
    size_t size;         /* sizeof(MtJitStats) of the caller, to be set before the call */
    size_t total_chunks; /* functions that were called or compiled */
    size_t hot_chunks;   /* (*) of these: called jit_threshold times or more */
    size_t jitted_chunks, failed_chunks;
    size_t total_code_bytes;   /* of native code now */
    uint64_t total_executions; /* (*) calls that chunks carried out, in any tier */
} MtJitStats;
/* Linear in the number of functions. */
MT_API void mt_hybrid_stats(MtRuntime *rt, MtHybridStats *stats);
MT_API void mt_jit_stats(MtRuntime *rt, MtJitStats *stats);

/* Percentages, 0 when there is nothing to take them of. */
MT_API double mt_jit_hit_rate(const MtHybridStats *stats);       /* runs by native code, of all runs */
MT_API double mt_bailout_rate(const MtHybridStats *stats);       /* exits, of runs by native code */
MT_API double mt_jit_percentage(const MtTieredStats *stats);     /* executions by native code, of all */
MT_API double mt_cache_hit_rate(const MtTieredStats *stats);     /* hits, of hits and misses */
MT_API double mt_coverage_percent(const MtJitStats *stats);      /* chunks with native code, of all */
MT_API uint64_t mt_total_executions(const MtTieredStats *stats); /* the sum over the tiers */

/* All figures by name, in a fixed order: those of MtStats and MtHybridStats in no group, "tiered_stats", "jit_stats". */
typedef struct MtFigure {
    const char *group; /* "" for none */
    const char *name;
    bool is_rate;   /* a percentage, else a count */
    uint64_t count; /* 0 for a rate */
    double rate;    /* 0 for a count */
} MtFigure;
typedef void (*MtOnFigure)(void *context, const MtFigure *figure);
MT_API void mt_each_figure(MtRuntime *rt, MtOnFigure on_figure, void *context);

/* Exits of code of one tier to the one below: those of native code are the bailouts (FROM_TIER 2), those of bytecode leave for the
 * interpreter (FROM_TIER 1); both (*).  The counts over reasons and over sites have the same sum. */
typedef struct MtBailoutReason {
    unsigned code; /* of the debug guide's table, ours from 32 on */
    const char *name, *when;
    uint64_t count;
} MtBailoutReason;
typedef void (*MtOnBailoutReason)(void *context, const MtBailoutReason *reason);
/* The reasons that occurred, most frequent first. */
MT_API void mt_each_bailout_reason(MtRuntime *rt, unsigned from_tier, MtOnBailoutReason on_reason,
                                   void *context);
/* Where code was left.  The texts are valid during the callback. */
typedef struct MtBailoutSite {
    const char *function;
    uint32_t arity;
    uint32_t offset;       /* of the instruction in the bytecode: mt_disassemble_at */
    const char *operation; /* its name */
    MtSpan span;           /* of the expression that it belongs to */
    const char *reason;
    const char *expected, *found; /* kinds of values, as "Int|Float"; "" where none matters */
    uint64_t count;
    double percent; /* of all exits of the tier */
} MtBailoutSite;
typedef void (*MtOnBailoutSite)(void *context, const MtBailoutSite *site);
/* The sites, most frequent first. */
MT_API void mt_each_bailout_site(MtRuntime *rt, unsigned from_tier, MtOnBailoutSite on_site, void *context);

/* A function that was called or compiled. */
typedef struct MtChunk {
    const char *function;
    uint32_t arity;
    const char *state;         /* "Cold", "Warming", "Hot", "Jitted", "Failed" */
    const char *refusal;       /* why it cannot have bytecode, or NULL */
    const char *failure;       /* why it cannot have native code, or NULL */
    uint64_t interpreter_runs; /* since it was last known to have no bytecode */
    uint64_t executions;       /* (*) by its code */
    uint64_t bytecode_bytes, native_bytes;
} MtChunk;
typedef void (*MtOnChunk)(void *context, const MtChunk *chunk);
MT_API void mt_each_chunk(MtRuntime *rt, MtOnChunk on_chunk, void *context);

#ifdef __cplusplus
}
#endif

#endif
