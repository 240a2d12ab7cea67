#include "cli/repl.h"

#include "cli/debug.h"
#include "cli/edit.h"
#include "cli/options.h"
#include "cli/stats.h"

#include <stdlib.h>
#include <string.h>

typedef struct Repl {
    MtRuntime *rt;
    Interrupt *interrupt;
    Output *out;
    Edit *edit;
    Prompt *prompt; /* of the debugger */
    char *text;     /* what was typed since the last complete form */
    size_t len, cap;
    bool quit;
} Repl;

static const char input_name[] = "<repl>";

/* -- Running text -- */

/* Tell about words like "!name": a symbol to be stored, though "! name" or "!(name)" was meant. */
static bool warn_of_bang(void *context, MtRuntime *rt, MtAtom form, const MtSpan *span)
{
    size_t len;
    (void)context;
    (void)span;
    const char *text = mt_kind(rt, form) == MT_SYMBOL ? mt_text(rt, form, &len) : NULL;
    if (text && len > 1 && text[0] == '!')
        fprintf(stderr, "note: %s is one symbol, which is added to the space; to evaluate write ! %s\n", text,
                text + 1);
    return true;
}

static void report(Repl *r, MtStatus status)
{
    interrupt_reset(r->interrupt);
    mt_clear_interrupt(r->rt);
    if (status == MT_OK || status == MT_QUERY_ERROR || status == MT_STOPPED) return;
    fflush(r->out->file);
    output_error(mt_error(r->rt));
}

static void run_text(Repl *r, const char *text, size_t len)
{
    size_t scope = mt_scope_open(r->rt);
    report(r, mt_run(r->rt, input_name, text, len, output_result, r->out));
    mt_scope_close(r->rt, scope);
    fflush(r->out->file);
}

/* Run "BEFORE ARGUMENT AFTER". */
static void run_around(Repl *r, const char *before, const char *argument, const char *after)
{
    char *text;
    int n = asprintf(&text, "%s%s%s", before, argument, after);
    if (n < 0) return;
    run_text(r, text, (size_t)n);
    free(text);
}

/* -- Commands: one function for each row of commands.inc -- */

static void command_help(Repl *r, const char *argument)
{
    (void)argument;
    fputs("Type MeTTa: a form is added to the space, a form after ! is evaluated.  Commands:\n",
          r->out->file);
#define COMMAND(name, argument, help) fprintf(r->out->file, "  :%-16s %s\n", #name " " argument, help);
#include "cli/commands.inc"
#undef COMMAND
}

static void command_load(Repl *r, const char *argument)
{
    size_t scope = mt_scope_open(r->rt);
    report(r, mt_run_file(r->rt, argument, output_result, r->out));
    mt_scope_close(r->rt, scope);
}

static void command_type(Repl *r, const char *argument)
{
    run_around(r, "!(get-type ", argument, ")");
}

static void command_doc(Repl *r, const char *argument)
{
    run_around(r, "!(help! ", argument, ")");
}

static void command_rules(Repl *r, const char *argument)
{
    size_t scope = mt_scope_open(r->rt);
    report(r, mt_each_rule(r->rt, argument, output_atom, r->out));
    mt_scope_close(r->rt, scope);
}

static void command_space(Repl *r, const char *argument)
{
    size_t scope = mt_scope_open(r->rt);
    (void)argument;
    report(r, mt_space_each(r->rt, mt_space_top(r->rt), output_atom, r->out));
    mt_scope_close(r->rt, scope);
}

static void command_time(Repl *r, const char *argument)
{
    if (argument[0] == '\0') {
        r->out->timing = !r->out->timing;
        fprintf(r->out->file, "timing is %s\n", r->out->timing ? "on" : "off");
        return;
    }
    bool before = r->out->timing;
    r->out->timing = true;
    run_around(r, argument[0] == '!' ? "" : "! ", argument, "");
    r->out->timing = before;
}

static void command_log(Repl *r, const char *argument)
{
    report(r, mt_log_set_filter(r->rt, argument));
}

static void command_break(Repl *r, const char *argument)
{
    char *text;
    if (asprintf(&text, "break %s", argument) < 0) return;
    prompt_command(r->prompt, text);
    free(text);
}

static void command_debug(Repl *r, const char *argument)
{
    prompt_command(r->prompt, argument);
}

static void command_why(Repl *r, const char *argument)
{
    char *text;
    if (asprintf(&text, "why %s", argument) < 0) return;
    prompt_command(r->prompt, text);
    free(text);
}

/* Lines of the history that hold an expression which unifies with PATTERN, or all. */
typedef struct LineSearch {
    Repl *repl;
    MtAtom pattern, space;
    bool found;
} LineSearch;

static bool add_node(void *context, MtRuntime *rt, const MtNode *node)
{
    const LineSearch *s = context;
    if (mt_kind(rt, node->atom) == MT_EXPRESSION) mt_space_add(rt, s->space, node->atom);
    return true;
}

static bool note_found(void *context, MtRuntime *rt, MtAtom atom)
{
    LineSearch *s = context;
    (void)rt;
    (void)atom;
    s->found = true;
    return false;
}

static void print_if_like(void *context, const char *line)
{
    LineSearch *s = context;
    MtRuntime *rt = s->repl->rt;
    size_t scope = mt_scope_open(rt);
    s->found = !s->pattern.id;
    if (!s->found) {
        s->space = mt_space_new(rt);
        mt_read_nodes(rt, input_name, line, strlen(line), add_node, s);
        mt_space_query(rt, s->space, s->pattern, s->pattern, note_found, s);
    }
    mt_scope_close(rt, scope);
    if (s->found) fprintf(s->repl->out->file, "%s%s", line, strchr(line, '\n') ? "" : "\n");
}

static void command_history(Repl *r, const char *argument)
{
    LineSearch s = {.repl = r};
    size_t scope = mt_scope_open(r->rt);
    if (*argument && mt_parse(r->rt, argument, strlen(argument), &s.pattern) != MT_OK)
        output_error(mt_error(r->rt));
    else
        edit_each_line(r->edit, print_if_like, &s);
    mt_scope_close(r->rt, scope);
}

static void command_stats(Repl *r, const char *argument)
{
    bool on = strcmp(argument, "on") == 0;
    if (argument[0] == '\0')
        stats_print(r->out->file, r->rt, false);
    else if (on || strcmp(argument, "off") == 0)
        mt_collect_stats(r->rt, on);
    else
        fprintf(stderr, ":stats takes on or off\n");
}

static void command_quit(Repl *r, const char *argument)
{
    (void)argument;
    r->quit = true;
}

typedef struct Command {
    const char *name, *argument;
    void (*run)(Repl *r, const char *argument);
} Command;

static const Command commands[] = {
#define COMMAND(name, argument, help) {#name, argument, command_##name},
#include "cli/commands.inc"
#undef COMMAND
};

/* The only command that NAME abbreviates, or NULL. */
static const Command *find_command(const char *name, size_t len)
{
    const Command *found = NULL;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strncmp(commands[i].name, name, len) != 0) continue;
        if (commands[i].name[len] == '\0') return &commands[i];
        if (found) return NULL;
        found = &commands[i];
    }
    return len ? found : NULL;
}

/* LINE begins after the colon and is NUL-terminated. */
static void run_command(Repl *r, char *line)
{
    size_t len = strcspn(line, " \t"), end = strlen(line);
    while (end && strchr(" \t\r", line[end - 1])) line[--end] = '\0';
    const Command *c = find_command(line, len < end ? len : end);
    const char *argument = line + (len < end ? len : end);
    argument += strspn(argument, " \t");
    if (!c)
        fprintf(stderr, "there is no command :%s, or several; :help lists them\n", line);
    else if (argument[0] == '\0' && c->argument[0] != '\0' && c->argument[0] != '[')
        fprintf(stderr, ":%s needs %s\n", c->name, c->argument);
    else
        c->run(r, argument);
    fflush(r->out->file);
}

/* -- Reading -- */

static bool append_line(Repl *r, const char *line, size_t len)
{
    if (r->len + len + 2 > r->cap) {
        size_t cap = 2 * (r->len + len + 2);
        char *text = realloc(r->text, cap);
        if (!text) return false;
        r->text = text;
        r->cap = cap;
    }
    memcpy(r->text + r->len, line, len);
    r->len += len;
    r->text[r->len++] = '\n';
    r->text[r->len] = '\0';
    return true;
}

/* A "!" that nothing follows yet waits for its form. */
static bool ends_with_bang(const Repl *r)
{
    size_t end = r->len;
    while (end && strchr(" \t\r\n", r->text[end - 1])) end--;
    return end && r->text[end - 1] == '!' && (end == 1 || strchr(" \t\r\n)", r->text[end - 2]));
}

/* Run what has been typed if it is complete. */
static void run_if_complete(Repl *r)
{
    MtStatus status = mt_check_text(r->rt, r->text, r->len);
    if (status == MT_INCOMPLETE || (status == MT_OK && ends_with_bang(r))) return;
    if (edit_is_terminal(r->edit)) {
        size_t scope = mt_scope_open(r->rt);
        mt_read(r->rt, input_name, r->text, r->len, warn_of_bang, NULL);
        mt_scope_close(r->rt, scope);
    }
    run_text(r, r->text, r->len);
    r->len = 0;
}

static void take_line(Repl *r, const char *line, size_t len)
{
    bool is_command = r->len == 0 && len > 1 && line[0] == ':' && line[1] >= 'a' && line[1] <= 'z';
    if (!append_line(r, line, len)) {
        fputs("mettatron: out of memory\n", stderr);
        r->len = 0;
    } else if (is_command) {
        r->text[--r->len] = '\0';
        r->len = 0;
        run_command(r, r->text + 1);
    } else {
        run_if_complete(r);
    }
}

static int run_repl(Repl *r)
{
    const char *line;
    size_t len;
    bool person = edit_is_terminal(r->edit);
    if (person) printf("%s  :help lists the commands, Ctrl-D leaves\n", mt_version());
    while (!r->quit) {
        EditStatus status = edit_read(r->edit, r->len > 0, &line, &len);
        if (status == EDIT_END) break;
        if (status == EDIT_CANCELLED)
            r->len = 0;
        else
            take_line(r, line, len);
    }
    if (person && !r->quit) putchar('\n');
    if (r->len == 0) return STATUS_OK;
    run_text(r, r->text, r->len); /* tells what is missing */
    return STATUS_SYNTAX;
}

int repl_run(MtRuntime *rt, Interrupt *interrupt, Output *out)
{
    Repl r = {.rt = rt, .interrupt = interrupt, .out = out, .edit = edit_new(rt)};
    r.prompt = prompt_new(rt, NULL, out->file, true);
    if (!r.edit || !r.prompt) {
        fputs("mettatron: out of memory\n", stderr);
        return STATUS_IO;
    }
    prompt_set_interrupt(r.prompt, interrupt);
    int status = run_repl(&r);
    prompt_free(r.prompt);
    mt_debug_end(rt);
    edit_free(r.edit);
    free(r.text);
    return status;
}
