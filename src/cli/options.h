/* The command line: one table (options.inc) is parsed and prints its own help. */
#ifndef METTA_CLI_OPTIONS_H
#define METTA_CLI_OPTIONS_H

#include "mettatron.h"

#include <stdio.h>

/* Exit statuses. */
enum {
#define EXIT(id, status, when) STATUS_##id = status,
#include "cli/exits.inc"
#undef EXIT
};

typedef enum InputKind { INPUT_FILE, INPUT_TEXT } InputKind;
typedef struct Input {
    InputKind kind;
    const char *text; /* path, or the text itself */
} Input;

typedef struct Options {
    Input *inputs; /* in the order of the command line */
    size_t input_count;
    const char **search_paths;
    size_t search_path_count;
    const char *output; /* NULL: standard output */
    bool compile;       /* the one input, a file */
    bool repl, sexpr, help, version, strict, log_help;
    uint64_t max_memory, max_depth, timeout_ms;
    uint64_t max_tier, bytecode_threshold, jit_threshold, jit_stage2_threshold;
    bool jit_log, jit_debug, perf;
    uint64_t jit_cache; /* bytes; 0: the default */
    uint64_t jit_force_exit;
    bool dump_ast;         /* list what is read, and run nothing */
    const char *dump;      /* compiled code: NULL: none; "": of all functions; else the head of one */
    bool dump_full;        /* with everything that the code refers to */
    bool dump_native;      /* machine code */
    const char *dump_pass; /* NULL: bytecode; else before and after this pass */
    const char *stats;     /* NULL, "text" or "json" */
    const char *explain;   /* run the inputs, and explain this expression; or NULL */
    MtWhyFormat explain_format;
    bool debug;
    const char *debug_script, *break_on; /* or NULL */
    const char *log_filter;
    MtLogFormat log_format;
} Options;

/* Parse ARGV, whose strings must outlive *O; the caller frees *O with options_free.  On false the complaint has been
 * printed to stderr. */
bool options_parse(Options *o, int argc, char **argv);
void options_free(Options *o);
/* The help, from the tables of options and of exit statuses. */
void options_print_help(FILE *to);

#endif
