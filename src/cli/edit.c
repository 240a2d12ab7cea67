#include "cli/edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *prompt_text(bool continued)
{
    return continued ? "  ...> " : "metta> ";
}

#ifndef METTA_HAVE_EDITLINE

/* -- Without libedit: lines as they come -- */

struct Edit {
    char *line;
    size_t cap;
    bool terminal;
};

Edit *edit_new(MtRuntime *rt)
{
    Edit *e = calloc(1, sizeof *e);
    (void)rt;
    if (e) e->terminal = isatty(STDIN_FILENO);
    return e;
}

void edit_free(Edit *e)
{
    free(e->line);
    free(e);
}

void edit_each_line(Edit *e, void (*on_line)(void *context, const char *line), void *context)
{
    (void)e;
    (void)on_line;
    (void)context;
}

static EditStatus read_editing(Edit *e, bool continued, const char **line, size_t *len)
{
    fputs(prompt_text(continued), stdout);
    fflush(stdout);
    ssize_t n = getline(&e->line, &e->cap, stdin);
    *line = e->line;
    *len = n < 0 ? 0 : (size_t)n;
    return n < 0 ? EDIT_END : EDIT_LINE;
}

#else

#include <histedit.h>
#include <locale.h>

struct Edit {
    MtRuntime *rt;
    char *line;
    size_t cap;
    bool terminal;
    bool continued, cancelled;
    EditLine *el;
    History *history;
    char *history_path;
};

/* -- Completion -- */

typedef struct Names {
    char **data;
    size_t len, cap;
} Names;

static bool gather_name(void *context, const MtName *name)
{
    Names *names = context;
    if (names->len == names->cap) {
        size_t cap = names->cap ? 2 * names->cap : 64;
        char **data = realloc(names->data, cap * sizeof *data);
        if (!data) return false;
        names->data = data;
        names->cap = cap;
    }
    names->data[names->len] = strdup(name->name);
    return names->data[names->len] && ++names->len > 0;
}

static void gather_commands(const char *prefix, Names *names)
{
    static const char *const commands[] = {
#define COMMAND(name, argument, help) ":" #name,
#include "cli/commands.inc"
#undef COMMAND
    };
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        MtName name = {.name = commands[i]};
        if (strncmp(commands[i], prefix, strlen(prefix)) == 0) gather_name(names, &name);
    }
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t common_prefix(const Names *names)
{
    const char *first = names->data[0];
    size_t len = strlen(first);
    for (size_t i = 1; i < names->len; i++) {
        size_t k = 0;
        while (k < len && names->data[i][k] == first[k]) k++;
        len = k;
    }
    return len;
}

static void list_names(EditLine *el, const Names *names)
{
    int width = 80, column = 0;
    char **data = names->data;
    el_get(el, EL_GETTC, "co", &width, (void *)0);
    putchar('\n');
    for (size_t i = 0; i < names->len && i < 200; i++) {
        int len = (int)strlen(data[i]) + 2;
        if (column && column + len > width) {
            putchar('\n');
            column = 0;
        }
        column += printf("%s  ", data[i]);
    }
    printf(names->len > 200 ? "... (%zu)\n" : "\n", names->len);
    fflush(stdout);
}

/* Insert what all NAMES have beyond the LEN bytes typed; list them when that is nothing. */
static unsigned char insert_or_list(EditLine *el, Names *names, size_t len)
{
    if (names->len == 0) return CC_ERROR;
    qsort(names->data, names->len, sizeof *names->data, compare_names);
    size_t common = common_prefix(names);
    if (common > len) {
        char *rest = strndup(names->data[0] + len, common - len);
        bool done = rest && el_insertstr(el, rest) == 0;
        free(rest);
        if (done && names->len == 1) el_insertstr(el, " ");
        return done ? CC_REFRESH : CC_ERROR;
    }
    if (names->len == 1) return el_insertstr(el, " ") == 0 ? CC_REFRESH : CC_ERROR;
    list_names(el, names);
    return CC_REDISPLAY;
}

static unsigned char complete(EditLine *el, int key)
{
    Edit *e;
    (void)key;
    el_get(el, EL_CLIENTDATA, &e);
    const LineInfo *info = el_line(el);
    const char *start = info->cursor;
    while (start > info->buffer && !strchr(" \t()", start[-1])) start--;
    size_t len = (size_t)(info->cursor - start);
    char *prefix = strndup(start, len);
    if (!prefix) return CC_ERROR;
    Names names = {0};
    if (start == info->buffer && prefix[0] == ':' && !e->continued)
        gather_commands(prefix, &names);
    else
        mt_each_name(e->rt, prefix, gather_name, &names);
    unsigned char action = insert_or_list(el, &names, len);
    for (size_t i = 0; i < names.len; i++) free(names.data[i]);
    free(names.data);
    free(prefix);
    return action;
}

/* -- Ctrl-C, prompt -- */

static unsigned char cancel(EditLine *el, int key)
{
    Edit *e;
    (void)key;
    el_get(el, EL_CLIENTDATA, &e);
    e->cancelled = true;
    return CC_NEWLINE;
}

static char *prompt(EditLine *el)
{
    Edit *e;
    el_get(el, EL_CLIENTDATA, &e);
    return (char *)prompt_text(e->continued);
}

/* -- History -- */

/* Make the folders of PATH that are missing. */
static void make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
}

/* METTATRON_HISTORY, else mettatron/history in the user's folder for state; NULL when there is neither. */
static char *find_history(void)
{
    const char *path = getenv("METTATRON_HISTORY"), *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    char *out = NULL;
    if (path) return path[0] ? strdup(path) : NULL;
    int n = state && state[0] ? asprintf(&out, "%s/mettatron/history", state)
            : home && home[0] ? asprintf(&out, "%s/.local/state/mettatron/history", home)
                              : -1;
    return n < 0 ? NULL : out;
}

static void open_history(Edit *e)
{
    HistEvent event;
    e->history = history_init();
    e->history_path = find_history();
    if (!e->history) return;
    history(e->history, &event, H_SETSIZE, 5000);
    history(e->history, &event, H_SETUNIQUE, 1);
    if (e->history_path) history(e->history, &event, H_LOAD, e->history_path);
    el_set(e->el, EL_HIST, history, e->history);
}

static void save_history(Edit *e)
{
    HistEvent event;
    if (!e->history || !e->history_path) return;
    make_folders(e->history_path);
    history(e->history, &event, H_SAVE, e->history_path);
}

void edit_each_line(Edit *e, void (*on_line)(void *context, const char *line), void *context)
{
    HistEvent event;
    if (!e->history) return;
    for (int n = history(e->history, &event, H_LAST); n >= 0; n = history(e->history, &event, H_PREV))
        on_line(context, event.str);
}

/* -- Lines -- */

static void open_editor(Edit *e)
{
    setlocale(LC_CTYPE, ""); /* for letters beyond ASCII */
    e->el = el_init("mettatron", stdin, stdout, stderr);
    if (!e->el) return;
    el_set(e->el, EL_CLIENTDATA, e);
    el_set(e->el, EL_PROMPT, prompt);
    el_set(e->el, EL_EDITOR, "emacs");
    el_set(e->el, EL_SIGNAL, 1);
    el_set(e->el, EL_ADDFN, "complete-name", "complete the name before the cursor", complete);
    el_set(e->el, EL_BIND, "^I", "complete-name", NULL);
    el_set(e->el, EL_BIND, "^R", "em-inc-search-prev", NULL);
    /* While a line is edited Ctrl-C is a key that cancels it, not a signal. */
    el_set(e->el, EL_ADDFN, "cancel-line", "give the line up", cancel);
    el_set(e->el, EL_BIND, "^C", "cancel-line", NULL);
    el_set(e->el, EL_SETTY, "-d", "intr=", NULL);
    open_history(e);
    el_source(e->el, NULL);
}

Edit *edit_new(MtRuntime *rt)
{
    Edit *e = calloc(1, sizeof *e);
    if (!e) return NULL;
    e->rt = rt;
    e->terminal = isatty(STDIN_FILENO);
    if (e->terminal) open_editor(e);
    return e;
}

void edit_free(Edit *e)
{
    save_history(e);
    if (e->el) el_end(e->el);
    if (e->history) history_end(e->history);
    free(e->history_path);
    free(e->line);
    free(e);
}

static EditStatus read_editing(Edit *e, bool continued, const char **line, size_t *len)
{
    int count = 0;
    HistEvent event;
    if (!e->el) return EDIT_END;
    e->continued = continued;
    e->cancelled = false;
    *line = el_gets(e->el, &count);
    if (e->cancelled) return EDIT_CANCELLED;
    if (!*line || count <= 0) return EDIT_END;
    *len = (size_t)count;
    if (strspn(*line, " \t\r\n") < *len && e->history) {
        history(e->history, &event, H_ENTER, *line);
        save_history(e);
    }
    return EDIT_LINE;
}

#endif

bool edit_is_terminal(const Edit *e)
{
    return e->terminal;
}

EditStatus edit_read(Edit *e, bool continued, const char **line, size_t *len)
{
    if (e->terminal) {
        EditStatus status = read_editing(e, continued, line, len);
        if (status != EDIT_LINE) return status;
    } else {
        ssize_t n = getline(&e->line, &e->cap, stdin);
        if (n < 0) return EDIT_END;
        *line = e->line;
        *len = (size_t)n;
    }
    if (*len && (*line)[*len - 1] == '\n') --*len;
    return EDIT_LINE;
}
