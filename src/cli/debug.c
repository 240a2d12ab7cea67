#include "cli/debug.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is to be done at each stop of a breakpoint. */
typedef struct BreakCommands {
    uint32_t id;
    char *text; /* lines */
} BreakCommands;

enum {
    MOST_DISPLAYS = 32,
    MOST_COMMANDS = 64,
    MOST_SCRIPTS = 8,
    FRAMES_SHOWN = 20,
    EVENTS_SHOWN = 8,
    OPTIONS_SHOWN = 10,
    OPTION_TEXT = 100,
    LINES_AROUND = 5
};

/* Lines that are taken before those of standard input. */
typedef struct Script {
    char *text, *at;
} Script;

struct Prompt {
    MtRuntime *rt;
    FILE *out;
    Interrupt *interrupt; /* or NULL */
    const char *file;     /* of the program, or NULL */
    bool in_repl, person;
    bool used;          /* in the REPL: the debugger was asked for */
    const MtStop *stop; /* NULL: nothing runs */
    size_t frame;
    size_t listed; /* rules */
    MtResume answer;
    bool answered; /* the command at work has said how to go on */
    bool run, quit, restart, ended;
    uint64_t repeat; /* stops of stepping to pass over */
    MtResume repeated;
    uint64_t to_ignore; /* stops of the breakpoint that "continue COUNT" came from */
    bool gathering;     /* "finish all" is under way */
    char *displays[MOST_DISPLAYS];
    BreakCommands commands[MOST_COMMANDS];
    size_t command_count;
    Script scripts[MOST_SCRIPTS];
    size_t script_count;
    char *line;
    size_t line_size;
    char last[256]; /* the command that an empty line repeats */
};

/* -- Text -- */

static void print_atom_within(Prompt *p, MtAtom atom, size_t longest)
{
    size_t len;
    const char *text = mt_print(p->rt, atom, &len);
    fwrite(text, 1, len < longest ? len : longest, p->out);
    if (len > longest) fputs(" ...", p->out);
}

static void print_atom(Prompt *p, MtAtom atom)
{
    enum { LONGEST = 400 };
    print_atom_within(p, atom, LONGEST);
}

static void print_place(Prompt *p, const MtSpan *span, bool column)
{
    if (!span->line) return;
    fprintf(p->out, "%s:%" PRIu32, span->file, span->line);
    if (column) fprintf(p->out, ":%" PRIu32, span->column);
}

static void complain(Prompt *p)
{
    fprintf(p->out, "%s\n", mt_error(p->rt)->message);
}

/* Print lines FIRST to LAST of the file; false when it cannot be read. */
static bool print_lines(Prompt *p, const char *path, uint32_t first, uint32_t last, uint32_t marked)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t size = 0;
    ssize_t n;
    if (!file) return false;
    for (uint32_t i = 1; i <= last && (n = getline(&line, &size, file)) >= 0; i++) {
        if (i < first) continue;
        while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r')) line[--n] = '\0';
        fprintf(p->out, "%s%" PRIu32 "\t%s\n", i == marked && first != last ? "->" : "", i, line);
    }
    free(line);
    fclose(file);
    return true;
}

static char *next_word(char **text)
{
    char *word = *text + strspn(*text, " \t");
    size_t len = strcspn(word, " \t");
    *text = word + len;
    if (**text) *(*text)++ = '\0';
    *text += strspn(*text, " \t");
    return word;
}

static bool get_number(const char *text, uint64_t *out)
{
    char *end;
    if (!isdigit((unsigned char)text[0])) return false;
    *out = strtoull(text, &end, 10);
    return *end == '\0';
}

/* -- What a stop looks like -- */

static void print_port_line(Prompt *p, const MtStop *s)
{
    char port[24];
    if (s->port == MT_PORT_EXIT)
        snprintf(port, sizeof port, "exit#%" PRIu32, s->result);
    else
        snprintf(port, sizeof port, "%s", mt_port_name(s->port));
    if (s->goal)
        fprintf(p->out, "  [%" PRIu64 "] %-6s %" PRIu32 "  ", s->goal, port, s->depth);
    else
        fprintf(p->out, "  %-6s %" PRIu32 "  ", port, s->depth);
    print_atom(p, s->atom);
}

static void print_value(Prompt *p, const MtStop *s)
{
    if (!s->value.id) return;
    fputs(" => ", p->out);
    print_atom(p, s->value);
}

static void print_note(Prompt *p, const MtStop *s)
{
    if (s->note) fprintf(p->out, "  %s\n", s->note);
}

static void print_step(Prompt *p, const MtStop *s)
{
    print_port_line(p, s);
    print_value(p, s);
    if (s->alternatives)
        fprintf(p->out, "   (+%zu alternative%s)", s->alternatives, s->alternatives == 1 ? "" : "s");
    if (s->span.line) {
        fputs("   ", p->out);
        print_place(p, &s->span, true);
    }
    if (s->goal) fprintf(p->out, "   t%" PRIu32, s->tier);
    fputc('\n', p->out);
}

static void print_headline(Prompt *p, const MtStop *s, const char *what)
{
    fputs(what, p->out);
    if (s->port == MT_PORT_STUCK) fputs("stuck ", p->out);
    if (s->port == MT_PORT_REDO || s->port == MT_PORT_FAIL) fprintf(p->out, "%s ", mt_port_name(s->port));
    if (s->port == MT_PORT_ERROR && s->value.id)
        print_atom(p, s->value);
    else
        print_atom(p, s->atom);
    if (s->port == MT_PORT_EXIT || s->port == MT_PORT_UNIFY) print_value(p, s);
    if (s->span.line) {
        fputs(" at ", p->out);
        print_place(p, &s->span, false);
    }
    fputc('\n', p->out);
}

static void print_stop(Prompt *p, const MtStop *s)
{
    char what[64];
    switch (s->reason) {
    case MT_STOP_BREAKPOINT:
        snprintf(what, sizeof what, "Breakpoint %" PRIu32 ", ", s->breakpoint);
        print_headline(p, s, what);
        break;
    case MT_STOP_WATCH:
        fprintf(p->out, "Watchpoint %" PRIu32 ", ", s->breakpoint);
        print_atom(p, s->value);
        fprintf(p->out, ": %s\n", s->note);
        print_headline(p, s, "  by ");
        break;
    case MT_STOP_PROGRAM:
        print_headline(p, s, "Program breakpoint, ");
        break;
    case MT_STOP_PAUSE:
        print_headline(p, s, "Paused, ");
        break;
    case MT_STOP_STEP:
        print_step(p, s);
        break;
    }
    if (s->reason != MT_STOP_WATCH) print_note(p, s);
    if (s->reason != MT_STOP_STEP && s->span.line)
        print_lines(p, s->span.file, s->span.line, s->span.line, 0);
}

static void print_evaluated(Prompt *p, const char *text, bool apart)
{
    const char *out;
    if (mt_frame_eval(p->rt, p->frame, text, apart, &out) != MT_OK)
        complain(p);
    else
        fputs(out, p->out);
}

static void print_displays(Prompt *p)
{
    for (size_t i = 0; i < MOST_DISPLAYS; i++) {
        if (!p->displays[i]) continue;
        fprintf(p->out, "%zu: %s = ", i + 1, p->displays[i]);
        print_evaluated(p, p->displays[i], true);
    }
}

/* -- Commands: one function for each row of debug_commands.inc -- */

static bool is_stopped(Prompt *p)
{
    if (p->stop) return true;
    fputs(p->in_repl ? "Nothing is stopped.\n" : "The program is not stopped; run starts it.\n", p->out);
    return false;
}

static void answer(Prompt *p, MtResume how)
{
    p->answer = how;
    p->answered = true;
}

/* What is known of breakpoint ID. */
static bool find_break(Prompt *p, uint32_t id, MtBreakInfo *b)
{
    for (size_t i = 0; mt_break_info(p->rt, i, b); i++)
        if (b->id == id) return true;
    return false;
}

/* The file that the stop is in, else that of the program; or NULL. */
static const char *current_file(const Prompt *p)
{
    return p->stop && p->stop->span.line ? p->stop->span.file : p->file;
}

/* WHERE with the current file before a line alone, and the present line for nothing; to be freed. */
static char *complete_place(const Prompt *p, const char *where)
{
    const char *file = current_file(p);
    char *whole = NULL;
    size_t digits = strspn(where, "0123456789");
    bool line = digits > 0 && (where[digits] == '\0' || where[digits] == ' ');
    int made = -1;
    if (line && file)
        made = asprintf(&whole, "%s:%s", file, where);
    else if (!*where && p->stop && p->stop->span.line)
        made = asprintf(&whole, "%s:%" PRIu32, file, p->stop->span.line);
    return made < 0 ? strdup(where) : whole;
}

static bool set_break(Prompt *p, const char *text, bool temporary)
{
    uint32_t id;
    MtBreakInfo b;
    if (!*text) {
        fputs("Where?  help break tells what may be said.\n", p->out);
        return false;
    }
    if (mt_break_add(p->rt, text, temporary, &id) != MT_OK) {
        complain(p);
        return false;
    }
    fprintf(p->out, "Breakpoint %" PRIu32 " at %s\n", id, text);
    if (find_break(p, id, &b) && b.note) fprintf(p->out, "  %s\n", b.note);
    return true;
}

static bool add_break(Prompt *p, const char *text, bool temporary)
{
    char *whole = complete_place(p, text);
    bool ok = whole && set_break(p, whole, temporary);
    free(whole);
    return ok;
}

static void command_break(Prompt *p, char *text)
{
    add_break(p, text, false);
}

static void command_tbreak(Prompt *p, char *text)
{
    add_break(p, text, true);
}

static void command_watch(Prompt *p, char *text)
{
    uint32_t id;
    if (mt_break_watch(p->rt, text, &id) != MT_OK)
        complain(p);
    else
        fprintf(p->out, "Watchpoint %" PRIu32 ": %s\n", id, text);
}

static void command_catch(Prompt *p, char *text)
{
    uint32_t id;
    if (mt_break_catch(p->rt, text, &id) != MT_OK)
        complain(p);
    else
        fprintf(p->out, "Catchpoint %" PRIu32 ": %s\n", id, text);
}

/* The number that TEXT begins with, which is taken off; 0 and a complaint when there is none. */
static uint32_t take_id(Prompt *p, char **text)
{
    uint64_t id;
    char *word = next_word(text);
    if (get_number(word, &id) && id > 0 && id <= UINT32_MAX) return (uint32_t)id;
    if (*word)
        fprintf(p->out, "This is no number of a breakpoint: %s\n", word);
    else
        fputs("Which breakpoint?  info breakpoints lists them.\n", p->out);
    return 0;
}

static void command_condition(Prompt *p, char *text)
{
    uint32_t id = take_id(p, &text);
    if (!id) return;
    if (mt_break_condition(p->rt, id, text) != MT_OK)
        complain(p);
    else if (!*text)
        fprintf(p->out, "Breakpoint %" PRIu32 " has no condition now.\n", id);
}

static void command_hits(Prompt *p, char *text)
{
    uint32_t id = take_id(p, &text);
    if (id && mt_break_count(p->rt, id, text) != MT_OK) complain(p);
}

static void command_ignore(Prompt *p, char *text)
{
    uint64_t n;
    uint32_t id = take_id(p, &text);
    if (!id) return;
    if (!get_number(text, &n))
        fputs("How many hits?\n", p->out);
    else if (mt_break_ignore(p->rt, id, n) != MT_OK)
        complain(p);
    else
        fprintf(p->out, "The next %" PRIu64 " hits of breakpoint %" PRIu32 " are passed over.\n", n, id);
}

/* Call CHANGE for each breakpoint in TEXT, for all when it is empty. */
static void each_break(Prompt *p, char *text, MtStatus (*change)(MtRuntime *rt, uint32_t id))
{
    MtBreakInfo info;
    if (*text) {
        while (*text) {
            uint32_t id = take_id(p, &text);
            if (id && change(p->rt, id) != MT_OK) complain(p);
        }
        return;
    }
    for (size_t i = 0; mt_break_info(p->rt, i, &info);) {
        change(p->rt, info.id);
        if (change != mt_break_delete) i++;
    }
}

static MtStatus enable(MtRuntime *rt, uint32_t id)
{
    return mt_break_enable(rt, id, true);
}

static MtStatus disable(MtRuntime *rt, uint32_t id)
{
    return mt_break_enable(rt, id, false);
}

static void command_delete(Prompt *p, char *text)
{
    each_break(p, text, mt_break_delete);
}

static void command_disable(Prompt *p, char *text)
{
    each_break(p, text, disable);
}

static void command_enable(Prompt *p, char *text)
{
    each_break(p, text, enable);
}

static void info_breakpoints(Prompt *p)
{
    MtBreakInfo b;
    size_t i = 0;
    for (; mt_break_info(p->rt, i, &b); i++) {
        if (i == 0) fputs("Num  Type      Enb  Hits  What\n", p->out);
        fprintf(p->out, "%-4" PRIu32 " %-9s %-4s %-5" PRIu64 " %s", b.id, b.kind, b.enabled ? "y" : "n",
                b.hits, b.text);
        bool line = strcmp(b.kind, "line") == 0;
        if (line && b.note)
            fprintf(p->out, " (%s)", b.note);
        else if (line && !b.line)
            fputs(" (not reached yet)", p->out);
        if (b.temporary) fputs(" once", p->out);
        if (b.condition) fprintf(p->out, " if %s (evaluated %" PRIu64 " times)", b.condition, b.evaluations);
        if (b.count) fprintf(p->out, " hits %s", b.count);
        if (b.ignore) fprintf(p->out, " ignoring %" PRIu64, b.ignore);
        fputc('\n', p->out);
    }
    if (i == 0) fputs("There are no breakpoints.\n", p->out);
}

static void print_binding(void *context, MtRuntime *rt, const char *name, MtAtom value)
{
    Prompt *p = context;
    (void)rt;
    fprintf(p->out, "    $%s = ", name);
    print_atom(p, value);
    fputc('\n', p->out);
}

static void print_frame_line(Prompt *p, size_t i, const MtFrame *f)
{
    fprintf(p->out, "#%zu  ", i);
    if (f->atom.id)
        print_atom(p, f->atom);
    else
        fputs(*f->function ? f->function : "the query", p->out);
    if (f->tail) fputs(" (tail: it made a last call)", p->out);
    if (f->span.line) {
        fputs(" at ", p->out);
        print_place(p, &f->span, true);
    }
    fputc('\n', p->out);
}

/* What the goal of the stop has given, and has left. */
static void print_progress(Prompt *p)
{
    const MtStop *s = p->stop;
    if (s->result) fprintf(p->out, "    results so far: %" PRIu32 "\n", s->result);
    if (s->alternatives) fprintf(p->out, "    alternatives: %zu\n", s->alternatives);
}

static void print_frame(Prompt *p)
{
    MtFrame f;
    size_t scope = mt_scope_open(p->rt);
    if (mt_frame(p->rt, p->frame, &f)) {
        print_frame_line(p, p->frame, &f);
        if (p->frame == 0) print_progress(p);
        if (f.expression.id) {
            fputs("    reducing ", p->out);
            print_atom(p, f.expression);
            fputc('\n', p->out);
        }
        if (f.part.id) {
            fputs("    at ", p->out);
            print_atom(p, f.part);
            fputc('\n', p->out);
        }
        mt_frame_bindings(p->rt, p->frame, print_binding, p);
    }
    mt_scope_close(p->rt, scope);
}

/* What alternative I has left, one in a line. */
static void print_options(Prompt *p, size_t i, size_t left)
{
    MtAtom atom;
    MtSpan span;
    size_t k = 1;
    for (; k <= OPTIONS_SHOWN && mt_alternative_option(p->rt, i, k, &atom, &span); k++) {
        fprintf(p->out, "   %zu  ", k);
        print_atom_within(p, atom, OPTION_TEXT);
        if (span.line) {
            fputs("  ", p->out);
            print_place(p, &span, true);
        }
        fputc('\n', p->out);
    }
    if (k > OPTIONS_SHOWN && left > OPTIONS_SHOWN) fprintf(p->out, "   ... %zu more\n", left - OPTIONS_SHOWN);
}

static void print_alternatives(Prompt *p)
{
    MtAlternative a;
    size_t i = 0, scope = mt_scope_open(p->rt);
    for (; mt_alternative(p->rt, i, &a); i++) {
        const char *many = strcmp(a.kind, "match") == 0 ? "es" : "s";
        fprintf(p->out, "%zu: %s%zu %s%s", i + 1, a.exact ? "" : "at least ", a.left, a.kind,
                a.left == 1 ? "" : many);
        if (a.atom.id) {
            fputs(" of ", p->out);
            print_atom(p, a.atom);
        }
        if (!a.next.id && a.span.line) {
            fputs(", next at ", p->out);
            print_place(p, &a.span, true);
        }
        fputc('\n', p->out);
        print_options(p, i, a.left);
    }
    if (i == 0) fputs("Nothing is pending.\n", p->out);
    mt_scope_close(p->rt, scope);
}

static void list_displays(Prompt *p)
{
    for (size_t i = 0; i < MOST_DISPLAYS; i++)
        if (p->displays[i]) fprintf(p->out, "%zu: %s\n", i + 1, p->displays[i]);
}

static void command_info(Prompt *p, char *text)
{
    static const char *const subjects[] = {"breakpoints", "display", "frame",
                                           "bindings",    "locals",  "alternatives"};
    size_t len = strlen(text), i = 0;
    while (i < 6 && strncmp(text, subjects[i], len) != 0) i++;
    if (i == 6) {
        fputs("info breakpoints, frame, bindings, alternatives or display?\n", p->out);
        return;
    }
    if (len == 0 || strncmp(text, "breakpoints", len) == 0)
        info_breakpoints(p);
    else if (strncmp(text, "display", len) == 0)
        list_displays(p);
    else if (!is_stopped(p))
        return;
    else if (strncmp(text, "frame", len) == 0)
        print_frame(p);
    else if (strncmp(text, "alternatives", len) == 0)
        print_alternatives(p);
    else
        mt_frame_bindings(p->rt, p->frame, print_binding, p);
}

static void command_run(Prompt *p, char *text)
{
    (void)text;
    if (p->in_repl) {
        fputs("What is typed in the REPL runs; c goes on with it.\n", p->out);
        return;
    }
    p->run = true;
    if (!p->stop) return;
    p->restart = true;
    answer(p, MT_RESUME_QUIT);
}

/* Go on as HOW says, COUNT times. */
static void go(Prompt *p, MtResume how, const char *count)
{
    uint64_t n = 1;
    if (*count && (!get_number(count, &n) || n == 0)) {
        fputs("How often?\n", p->out);
    } else if (is_stopped(p)) {
        p->repeat = n - 1;
        p->repeated = how;
        answer(p, how);
    }
}

static void command_continue(Prompt *p, char *text)
{
    uint64_t n = 1;
    if (p->stop && p->stop->breakpoint && get_number(text, &n) && n > 1)
        mt_break_ignore(p->rt, p->stop->breakpoint, n - 1);
    go(p, MT_RESUME_CONTINUE, "");
}

static void command_step(Prompt *p, char *text)
{
    go(p, MT_RESUME_STEP, text);
}

static void command_next(Prompt *p, char *text)
{
    go(p, MT_RESUME_NEXT, text);
}

static void command_finish(Prompt *p, char *text)
{
    if (strcmp(text, "all") != 0) {
        go(p, MT_RESUME_FINISH, text);
    } else if (is_stopped(p) &&
               (p->stop->port == MT_PORT_FAIL || (p->stop->port == MT_PORT_EXIT && !p->stop->alternatives))) {
        fputs("This goal has no more results.\n", p->out);
    } else if (p->stop) {
        p->gathering = true;
        answer(p, MT_RESUME_FINISH_ALL);
    }
}

static void command_until(Prompt *p, char *text)
{
    if (!is_stopped(p)) return;
    if (*text) {
        if (add_break(p, text, true)) go(p, MT_RESUME_CONTINUE, "");
    } else {
        go(p, MT_RESUME_NEXT, "");
    }
}

static void command_retry(Prompt *p, char *text)
{
    uint64_t goal = 0;
    if (!is_stopped(p)) return;
    if (*text && !get_number(text, &goal))
        fputs("retry takes the number of a goal\n", p->out);
    else if (mt_debug_retry(p->rt, goal) != MT_OK)
        complain(p);
    else
        answer(p, MT_RESUME_RETRY);
}

static void command_force(Prompt *p, char *text)
{
    MtAtom atom;
    if (!is_stopped(p)) return;
    if (mt_parse(p->rt, text, strlen(text), &atom) != MT_OK || mt_debug_force(p->rt, atom) != MT_OK)
        complain(p);
    else
        answer(p, MT_RESUME_FORCE);
}

static void command_alt(Prompt *p, char *text)
{
    uint64_t n, which = 1;
    if (!is_stopped(p)) return;
    if (!*text) {
        print_alternatives(p);
        return;
    }
    bool ok = get_number(next_word(&text), &n) && n > 0;
    if (ok && *text) ok = get_number(text, &which);
    if (!ok)
        fputs("alt N takes the next one of alternative N, alt N M its Mth\n", p->out);
    else if (mt_debug_take(p->rt, n - 1, which) != MT_OK)
        complain(p);
    else
        answer(p, MT_RESUME_TAKE);
}

static void command_prune(Prompt *p, char *text)
{
    uint64_t n;
    if (!is_stopped(p)) return;
    if (!get_number(text, &n) || n == 0)
        fputs("Which of those that alt lists?\n", p->out);
    else if (mt_debug_prune(p->rt, n - 1) != MT_OK)
        complain(p);
    else
        fputs("Pruned: the program loses these results.\n", p->out);
}

static void backtrace(Prompt *p, size_t first, size_t count, bool full)
{
    for (size_t i = first; i < first + count; i++) {
        size_t scope = mt_scope_open(p->rt);
        MtFrame f;
        bool more = mt_frame(p->rt, i, &f);
        if (more) print_frame_line(p, i, &f);
        if (more && full) mt_frame_bindings(p->rt, i, print_binding, p);
        mt_scope_close(p->rt, scope);
        if (!more) break;
    }
}

static void command_backtrace(Prompt *p, char *text)
{
    size_t count = FRAMES_SHOWN, all;
    bool full = false, outer = false;
    if (!is_stopped(p)) return;
    while (*text) {
        const char *word = next_word(&text);
        uint64_t n;
        if (strcmp(word, "full") == 0)
            full = true;
        else if (get_number(word + (*word == '-'), &n))
            count = n, outer = *word == '-';
        else
            fprintf(p->out, "bt takes a number and \"full\", not %s\n", word);
    }
    all = mt_frame_count(p->rt, SIZE_MAX);
    if (count > all) count = all;
    backtrace(p, outer ? all - count : 0, count, full);
    if (!outer && all > count)
        fprintf(p->out, "... %zu more; bt COUNT shows more, bt -COUNT the outermost\n", all - count);
    if (all == 0) fputs("Nothing is at work but the query.\n", p->out);
}

static void select_frame(Prompt *p, uint64_t i)
{
    size_t scope = mt_scope_open(p->rt);
    MtFrame f;
    bool there = mt_frame(p->rt, i, &f);
    mt_scope_close(p->rt, scope);
    if (there)
        p->frame = i;
    else
        fputs("There is no such frame.\n", p->out);
    if (there) print_frame(p);
}

static void command_frame(Prompt *p, char *text)
{
    uint64_t n = p->frame;
    if (!is_stopped(p)) return;
    if (*text && !get_number(text, &n))
        fputs("frame takes a number of the backtrace\n", p->out);
    else
        select_frame(p, n);
}

/* How many frames to go, from TEXT; 0 and a complaint when that is no number. */
static uint64_t take_count(Prompt *p, const char *text)
{
    uint64_t n = 1;
    if (!is_stopped(p)) return 0;
    if (*text && (!get_number(text, &n) || n == 0)) {
        fputs("How many?\n", p->out);
        return 0;
    }
    return n;
}

static void command_up(Prompt *p, char *text)
{
    uint64_t n = take_count(p, text);
    if (n) select_frame(p, p->frame + n);
}

static void command_down(Prompt *p, char *text)
{
    uint64_t n = take_count(p, text);
    if (n && p->frame == 0)
        fputs("This is the innermost one.\n", p->out);
    else if (n)
        select_frame(p, n > p->frame ? 0 : p->frame - n);
}

static void command_print(Prompt *p, char *text)
{
    bool effects = *text == '!';
    if (effects) text++;
    text += strspn(text, " \t");
    if (*text)
        print_evaluated(p, text, !effects);
    else
        fputs("Which expression?\n", p->out);
}

static void command_display(Prompt *p, char *text)
{
    if (!*text) {
        print_displays(p);
        return;
    }
    for (size_t i = 0; i < MOST_DISPLAYS; i++) {
        if (p->displays[i]) continue;
        p->displays[i] = strdup(text);
        if (p->stop) fprintf(p->out, "%zu: %s = ", i + 1, text);
        if (p->stop) print_evaluated(p, text, true);
        return;
    }
    fputs("There are too many displays.\n", p->out);
}

static void command_undisplay(Prompt *p, char *text)
{
    uint64_t n = 0;
    bool all = !*text;
    bool known = !all && get_number(text, &n) && n >= 1 && n <= MOST_DISPLAYS && p->displays[n - 1];
    if (!all && !known) fputs("There is no such display; info display lists them.\n", p->out);
    for (size_t i = 0; i < MOST_DISPLAYS; i++) {
        if (!all && i + 1 != n) continue;
        free(p->displays[i]);
        p->displays[i] = NULL;
    }
}

static void command_whatis(Prompt *p, char *text)
{
    char *whole;
    if (!*text) {
        fputs("Which expression?\n", p->out);
        return;
    }
    if (asprintf(&whole, "(get-type %s)", text) < 0) return;
    print_evaluated(p, whole, true);
    free(whole);
}

/* "as FORMAT" at the end of TEXT, which is taken off. */
static MtWhyFormat take_format(char *text)
{
    static const char *const names[] = {"text", "json", "dot", "atoms"};
    for (int i = 0; i < 4; i++) {
        char end[16];
        snprintf(end, sizeof end, " as %s", names[i]);
        size_t len = strlen(text), n = strlen(end);
        if (len < n || strcmp(text + len - n, end) != 0) continue;
        text[len - n] = '\0';
        return (MtWhyFormat)i;
    }
    return MT_WHY_TEXT;
}

static void command_why(Prompt *p, char *text)
{
    MtAtom atom;
    MtWhyFormat format = take_format(text);
    uint64_t result = 0;
    size_t scope = mt_scope_open(p->rt);
    if (p->stop && (!*text || get_number(text, &result)))
        fputs(mt_explain(p->rt, p->stop->atom, format, result), p->out);
    else if (mt_parse(p->rt, text, strlen(text), &atom) != MT_OK)
        complain(p);
    else
        fputs(mt_explain(p->rt, atom, format, 0), p->out);
    mt_scope_close(p->rt, scope);
}

static void command_whynot(Prompt *p, char *text)
{
    MtAtom atom = p->stop ? p->stop->atom : (MtAtom){0};
    size_t scope = mt_scope_open(p->rt);
    if (*text && mt_parse(p->rt, text, strlen(text), &atom) != MT_OK)
        complain(p);
    else
        fputs(mt_why_not(p->rt, atom, false), p->out);
    mt_scope_close(p->rt, scope);
}

static void list_around(Prompt *p, const char *file, uint32_t line)
{
    uint32_t first = line > LINES_AROUND ? line - LINES_AROUND : 1;
    if (!print_lines(p, file, first, line + LINES_AROUND, line)) fprintf(p->out, "%s cannot be read\n", file);
}

/* A rule as it was written: its variables without the numbers that tell them from others of the same name. */
static bool print_rule(void *context, MtRuntime *rt, MtAtom rule)
{
    Prompt *p = context;
    p->listed++;
    bool quoted = false, variable = false;
    for (const char *c = mt_print(rt, rule, NULL); *c; c++) {
        quoted ^= *c == '"';
        if (*c == '$' || strchr(" ()", *c)) variable = *c == '$' && !quoted;
        if (variable && *c == '#' && isdigit((unsigned char)c[1]))
            c += strspn(c + 1, "0123456789");
        else
            fputc(*c, p->out);
    }
    fputc('\n', p->out);
    return true;
}

static void list_here(Prompt *p)
{
    MtFrame f;
    size_t scope = mt_scope_open(p->rt);
    MtSpan span = p->stop->span;
    if (p->frame > 0 && mt_frame(p->rt, p->frame, &f)) span = f.span;
    if (span.line)
        list_around(p, span.file, span.line);
    else
        fputs("The place is not known.\n", p->out);
    mt_scope_close(p->rt, scope);
}

static void command_list(Prompt *p, char *text)
{
    char *colon = strrchr(text, ':');
    uint64_t line;
    if (colon && get_number(colon + 1, &line)) {
        *colon = '\0';
        list_around(p, text, (uint32_t)line);
    } else if (*text) {
        size_t scope = mt_scope_open(p->rt);
        p->listed = 0;
        mt_each_rule(p->rt, text, print_rule, p);
        if (p->listed == 0) fprintf(p->out, "There are no rules for %s.\n", text);
        mt_scope_close(p->rt, scope);
    } else if (!p->stop && p->file) {
        if (!print_lines(p, p->file, 1, 2 * LINES_AROUND, 0)) fprintf(p->out, "%s cannot be read\n", p->file);
    } else if (is_stopped(p)) {
        list_here(p);
    }
}

static void command_log(Prompt *p, char *text)
{
    const char *events = mt_debug_events(p->rt);
    if (strcmp(text, "dump") == 0)
        fputs(*events ? events : "No port has been come to yet.\n", p->out);
    else if (!*text)
        fputs("log FILTER changes what is logged, log dump prints the last events.\n", p->out);
    else if (mt_log_set_filter(p->rt, text) != MT_OK)
        complain(p);
}

static void command_stats(Prompt *p, char *text)
{
    MtStats s = {.size = sizeof s};
    (void)text;
    mt_stats(p->rt, &s);
    fprintf(p->out, "queries %" PRIu64 ", steps %" PRIu64 ", choice points %" PRIu64 "\n", s.queries, s.steps,
            s.choice_points);
    fprintf(p->out, "atoms: heap %" PRIu64 " bytes, spaces %" PRIu64 " bytes\n", s.heap_bytes,
            s.stored_bytes);
    fprintf(p->out, "collections: %" PRIu64 " minor, %" PRIu64 " major\n", s.minor_collections,
            s.major_collections);
}

static void command_tier(Prompt *p, char *text)
{
    MtStats s = {.size = sizeof s};
    MtFrame f;
    size_t scope = mt_scope_open(p->rt);
    (void)text;
    if (p->stop && mt_frame(p->rt, p->frame, &f))
        fprintf(p->out, "frame %zu runs in tier %" PRIu32 "\n", p->frame, f.tier);
    mt_scope_close(p->rt, scope);
    mt_stats(p->rt, &s);
    fprintf(p->out, "interpreter_runs %" PRIu64 "\nbytecode_runs %" PRIu64 "\n", s.interpreter_runs,
            s.bytecode_runs);
    fprintf(p->out, "chunks %" PRIu64 ", expired %" PRIu64 ", threshold %" PRIu64 "\n", s.chunks,
            s.expired_chunks, s.bytecode_threshold);
}

static void command_disasm(Prompt *p, char *text)
{
    const char *listing = mt_disassemble(p->rt, *text ? text : NULL);
    if (!listing)
        fputs("There is no bytecode in tier 0.\n", p->out);
    else if (!*listing && *text)
        fprintf(p->out, "There are no rules for %s.\n", text);
    else
        fputs(*listing ? listing : "There are no functions yet.\n", p->out);
}

static void command_quit(Prompt *p, char *text)
{
    (void)text;
    p->quit = true;
    if (p->stop) answer(p, MT_RESUME_QUIT);
}

static void command_help(Prompt *p, char *text);
static void command_commands(Prompt *p, char *text);

typedef struct PromptCommand {
    const char *name, *letters, *arguments, *help;
    void (*run)(Prompt *p, char *text);
} PromptCommand;

static const PromptCommand commands[] = {
#define GROUP(title) {NULL, NULL, NULL, title, NULL},
#define COMMAND(name, letters, arguments, help) {#name, letters, arguments, help, command_##name},
#include "cli/debug_commands.inc"
#undef COMMAND
#undef GROUP
};
enum { COMMAND_ROWS = sizeof commands / sizeof commands[0] };

/* The command that WORD stands for: its short name, or a beginning that no other has. */
static const PromptCommand *find_command(const char *word, bool *several)
{
    const PromptCommand *found = NULL;
    *several = false;
    for (size_t i = 0; i < COMMAND_ROWS; i++) {
        const PromptCommand *c = &commands[i];
        if (!c->name) continue;
        if (strcmp(c->name, word) == 0 || strcmp(c->letters, word) == 0) return c;
        if (strncmp(c->name, word, strlen(word)) != 0) continue;
        *several |= found != NULL;
        found = c;
    }
    return *several ? NULL : found;
}

/* WORD is none, or short for several. */
static void complain_about(Prompt *p, const char *word, bool several)
{
    if (!several) {
        fprintf(p->out, "There is no command \"%s\"; help lists them.\n", word);
        return;
    }
    fprintf(p->out, "\"%s\" may be", word);
    for (size_t i = 0; i < COMMAND_ROWS; i++)
        if (commands[i].name && strncmp(commands[i].name, word, strlen(word)) == 0)
            fprintf(p->out, " %s", commands[i].name);
    fputc('\n', p->out);
}

static void command_help(Prompt *p, char *text)
{
    bool several = false;
    const PromptCommand *one = *text ? find_command(text, &several) : NULL;
    if (*text && !one) {
        complain_about(p, text, several);
        return;
    }
    for (size_t i = 0; i < COMMAND_ROWS; i++) {
        const PromptCommand *c = &commands[i];
        if (one && c != one) continue;
        if (!c->name)
            fprintf(p->out, "%s:\n", c->help);
        else
            fprintf(p->out, "  %s%s%s%s%s\n      %s\n", c->name, *c->letters ? ", " : "", c->letters,
                    *c->arguments ? " " : "", c->arguments, c->help);
    }
}

/* -- Reading -- */

/* The next line, without its newline, or NULL. */
static char *read_line(Prompt *p)
{
    while (p->script_count) {
        Script *s = &p->scripts[p->script_count - 1];
        if (*s->at) {
            char *line = s->at;
            size_t len = strcspn(line, "\n");
            s->at += len + (line[len] == '\n');
            line[len] = '\0';
            return line;
        }
        free(s->text);
        p->script_count--;
    }
    if (p->person) {
        fputs("(debug) ", p->out);
        fflush(p->out);
    }
    ssize_t n = getline(&p->line, &p->line_size, stdin);
    if (n < 0) return NULL;
    while (n > 0 && (p->line[n - 1] == '\n' || p->line[n - 1] == '\r')) p->line[--n] = '\0';
    return p->line;
}

static bool push_script(Prompt *p, char *text)
{
    if (!text || p->script_count == MOST_SCRIPTS) {
        free(text);
        return false;
    }
    p->scripts[p->script_count++] = (Script){text, text};
    return true;
}

static void command_commands(Prompt *p, char *text)
{
    uint32_t id = take_id(p, &text);
    size_t len = 0;
    char *lines = NULL, *line;
    FILE *to = open_memstream(&lines, &len);
    if (!to) return;
    while ((line = read_line(p)) && strcmp(line, "end") != 0) fprintf(to, "%s\n", line);
    fclose(to);
    size_t i = 0;
    while (i < p->command_count && p->commands[i].id != id) i++;
    if (!id || i == MOST_COMMANDS) {
        free(lines);
        return;
    }
    if (i == p->command_count) p->commands[p->command_count++] = (BreakCommands){0};
    free(p->commands[i].text);
    p->commands[i] = (BreakCommands){id, lines};
}

static void run_line(Prompt *p, char *line)
{
    char *text = line + strspn(line, " \t");
    size_t end = strlen(text);
    while (end && isspace((unsigned char)text[end - 1])) text[--end] = '\0';
    if (*text == '#') return;
    if (*text == '(' || *text == '$') {
        command_print(p, text);
        return;
    }
    /* "p!" is "p !". */
    size_t len = strcspn(text, " \t!");
    char word[32];
    snprintf(word, sizeof word, "%.*s", (int)(len < sizeof word - 1 ? len : sizeof word - 1), text);
    bool several;
    const PromptCommand *c = find_command(word, &several);
    text += len;
    text += strspn(text, " \t");
    if (c && *word)
        c->run(p, text);
    else
        complain_about(p, word, several);
}

/* Take one command; false when there is none any more. */
static bool take_command(Prompt *p)
{
    char *line = read_line(p);
    if (!line) return false;
    if (*line)
        snprintf(p->last, sizeof p->last, "%s", line);
    else if (!p->person)
        return true;
    /* What is not typed is shown, so that the whole is a transcript. */
    if (!p->person) fprintf(p->out, "(debug) %s\n", line);
    char *copy = strdup(*line ? line : p->last);
    if (copy) run_line(p, copy);
    free(copy);
    fflush(p->out);
    return true;
}

/* -- Stops -- */

static void start_break_commands(Prompt *p, uint32_t id)
{
    for (size_t i = 0; id && i < p->command_count; i++)
        if (p->commands[i].id == id) push_script(p, strdup(p->commands[i].text));
}

static void print_gathered(Prompt *p)
{
    size_t count;
    const char *text = mt_debug_gathered(p->rt, &count);
    p->gathering = false;
    fputs("[", p->out);
    for (size_t i = 0; i < count; i++) {
        size_t len = strcspn(text, "\n");
        fprintf(p->out, "%s%.*s", i ? ", " : "", (int)len, text);
        text += len + 1;
    }
    bool ended = p->stop->port == MT_PORT_FAIL || (p->stop->port == MT_PORT_EXIT && !p->stop->alternatives);
    fputs(ended && p->stop->reason == MT_STOP_STEP ? "]\n" : "] so far\n", p->out);
}

static void forget_temporary(Prompt *p, uint32_t id)
{
    MtBreakInfo b;
    for (size_t i = 0; id && mt_break_info(p->rt, i, &b); i++) {
        if (b.id != id || !b.temporary) continue;
        mt_break_delete(p->rt, id);
        return;
    }
}

static MtResume stopped(void *context, MtRuntime *rt, const MtStop *stop)
{
    Prompt *p = context;
    if (stop->reason == MT_STOP_PROGRAM && p->in_repl && !p->used) return MT_RESUME_CONTINUE;
    p->quit = false;
    p->stop = stop;
    p->frame = 0;
    p->answered = false;
    print_stop(p, stop);
    forget_temporary(p, stop->breakpoint);
    if (p->gathering) print_gathered(p);
    if (p->repeat && stop->reason == MT_STOP_STEP) {
        p->repeat--;
        answer(p, p->repeated);
    } else {
        p->repeat = 0;
        print_displays(p);
        start_break_commands(p, stop->breakpoint);
    }
    fflush(p->out);
    while (!p->answered)
        if (!take_command(p)) command_quit(p, NULL);
    p->stop = NULL;
    /* Whoever pressed Ctrl-C has been answered. */
    interrupt_reset(p->interrupt);
    mt_clear_interrupt(rt);
    return p->answer;
}

void prompt_set_file(Prompt *p, const char *path)
{
    p->file = path;
}

void prompt_set_interrupt(Prompt *p, Interrupt *x)
{
    p->interrupt = x;
}

void prompt_command(Prompt *p, const char *text)
{
    char *copy = strdup(text);
    p->used = true;
    if (copy) run_line(p, copy);
    free(copy);
    fflush(p->out);
}

PromptAnswer prompt_read(Prompt *p)
{
    p->run = p->quit = false;
    while (!p->run && !p->quit)
        if (!take_command(p)) p->quit = true;
    return p->run ? PROMPT_RUN : PROMPT_QUIT;
}

void prompt_tell_events(Prompt *p)
{
    const char *events = mt_debug_events(p->rt), *from = events + strlen(events);
    for (int lines = 0; from > events; from--)
        if (from[-1] == '\n' && lines++ == EVENTS_SHOWN) break;
    if (*from) fprintf(p->out, "The last events:\n%s", from);
}

void prompt_ended(Prompt *p, MtStatus status)
{
    if (p->quit || p->restart) return;
    fprintf(p->out, "The program has ended: %s\n", mt_status_name(status));
}

bool prompt_wants_restart(const Prompt *p)
{
    return p->restart;
}

bool prompt_wants_end(const Prompt *p)
{
    return p->quit;
}

bool prompt_break_on(Prompt *p, const char *list)
{
    char *copy = strdup(list), *rest = copy, *word;
    bool ok = copy != NULL;
    while (ok && (word = strsep(&rest, ","))) {
        uint32_t id;
        ok = mt_break_catch(p->rt, word, &id) == MT_OK;
    }
    free(copy);
    return ok;
}

/* -- Life -- */

void prompt_move(Prompt *p, MtRuntime *next)
{
    MtBreakInfo b;
    p->restart = false;
    mt_debug_start(next, stopped, p);
    for (size_t i = 0; mt_break_info(p->rt, i, &b); i++) {
        uint32_t id;
        if (strcmp(b.kind, "catch") == 0)
            mt_break_catch(next, b.text, &id);
        else if (strcmp(b.kind, "space") == 0 || strcmp(b.kind, "state") == 0)
            mt_break_watch(next, b.text, &id);
        else
            mt_break_add(next, b.text, b.temporary, &id);
        mt_break_condition(next, id, b.condition);
        mt_break_count(next, id, b.count);
        mt_break_enable(next, id, b.enabled);
    }
    p->rt = next;
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t size = 0;
    if (!file) return NULL;
    if (getdelim(&text, &size, '\0', file) < 0 && text) *text = '\0';
    fclose(file);
    return text;
}

Prompt *prompt_new(MtRuntime *rt, const char *script, FILE *out, bool in_repl)
{
    Prompt *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->rt = rt;
    p->out = out;
    p->in_repl = in_repl;
    p->person = isatty(STDIN_FILENO);
    if (mt_debug_start(rt, stopped, p) != MT_OK) {
        fprintf(stderr, "mettatron: %s\n", mt_error(rt)->message);
        prompt_free(p);
        return NULL;
    }
    if (script && !push_script(p, read_file(script))) {
        fprintf(stderr, "mettatron: %s cannot be read\n", script);
        prompt_free(p);
        return NULL;
    }
    return p;
}

void prompt_free(Prompt *p)
{
    if (!p) return;
    for (size_t i = 0; i < MOST_DISPLAYS; i++) free(p->displays[i]);
    for (size_t i = 0; i < p->command_count; i++) free(p->commands[i].text);
    while (p->script_count) free(p->scripts[--p->script_count].text);
    free(p->line);
    free(p);
}
