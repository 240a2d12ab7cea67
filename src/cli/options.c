#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

typedef enum OptionId {
#define GROUP(title)
#define OPTION(id, ...) OPTION_##id,
#include "cli/options.inc"
#undef OPTION
#undef GROUP
} OptionId;

/* A row of the table; a group has only `help`. */
typedef struct OptionInfo {
    OptionId id;
    char letter;
    const char *name, *argument, *help;
    bool group;
} OptionInfo;

static const OptionInfo table[] = {
#define GROUP(title) {.help = title, .group = true},
#define OPTION(id, letter, name, argument, help) {OPTION_##id, letter, name, argument, help, false},
#include "cli/options.inc"
#undef OPTION
#undef GROUP
};
enum { TABLE_LEN = sizeof table / sizeof table[0] };

static const struct {
    int status;
    const char *when;
} exits[] = {
#define EXIT(id, status, when) {status, when},
#include "cli/exits.inc"
#undef EXIT
};

/* Such an argument stands in the word of the option or nowhere. */
static bool is_optional(const OptionInfo *o)
{
    return o->argument && o->argument[0] == '[';
}

/* -- Help -- */

static void print_option(FILE *to, const OptionInfo *o)
{
    char left[64];
    int n = o->letter ? snprintf(left, sizeof left, "-%c, ", o->letter) : snprintf(left, sizeof left, "    ");
    if (is_optional(o))
        snprintf(left + n, sizeof left - (size_t)n, "--%s[=%s", o->name, o->argument + 1);
    else
        snprintf(left + n, sizeof left - (size_t)n, "--%s%s%s", o->name, o->argument ? "=" : "",
                 o->argument ? o->argument : "");
    fprintf(to, "  %-26s %s\n", left, o->help);
}

void options_print_help(FILE *to)
{
    fputs("Usage: mettatron [OPTION...] FILE...\n"
          "       mettatron explain [OPTION...] FILE... 'EXPR'\n"
          "Run MeTTa programs; FILE may be - for standard input.  Without FILE on a terminal: the REPL.\n",
          to);
    for (size_t i = 0; i < TABLE_LEN; i++) {
        if (table[i].group)
            fprintf(to, "\n%s:\n", table[i].help);
        else if (table[i].help)
            print_option(to, &table[i]);
    }
    fputs("\nExit status:\n", to);
    for (size_t i = 0; i < sizeof exits / sizeof exits[0]; i++)
        fprintf(to, "  %3d  %s\n", exits[i].status, exits[i].when);
    fputs("\nEnvironment:\n"
          "  METTA_LOG, RUST_LOG   log filter when --log is not given\n"
          "  METTATRON_HISTORY     file of the REPL's history\n",
          to);
}

/* -- Values -- */

static bool complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
static bool complain(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fputs("mettatron: ", stderr);
    vfprintf(stderr, format, ap);
    fputs("\nTry 'mettatron --help'.\n", stderr);
    va_end(ap);
    return false;
}

static bool parse_count(const char *text, uint64_t *out, const char **end)
{
    if (!isdigit((unsigned char)text[0])) return false;
    errno = 0;
    char *after;
    unsigned long long n = strtoull(text, &after, 10);
    *out = n;
    *end = after;
    return errno == 0;
}

static bool parse_number(const char *text, uint64_t *out)
{
    const char *end;
    return parse_count(text, out, &end) && *end == '\0';
}

/* Up to three thresholds, for tiers 1 to 3. There may be no tiers 2 and 3 to use theirs, but a command line that sets
 * all of them is right. */
static bool parse_thresholds(Options *o, const char *text)
{
    uint64_t *thresholds[] = {&o->bytecode_threshold, &o->jit_threshold, &o->jit_stage2_threshold};
    for (size_t i = 0; i < sizeof thresholds / sizeof thresholds[0]; i++) {
        if (!parse_count(text, thresholds[i], &text) || *thresholds[i] > UINT32_MAX) return false;
        if (*text == '\0') return true;
        if (*text++ != ',') return false;
    }
    return false;
}

/* A number, or all, which is the highest. */
static bool parse_guard(const char *text, uint64_t *out)
{
    *out = UINT32_MAX;
    return strcmp(text, "all") == 0 || (parse_number(text, out) && *out <= UINT32_MAX);
}

static bool parse_size(const char *text, uint64_t *out)
{
    static const char units[] = "KMGT";
    const char *end;
    if (!parse_count(text, out, &end)) return false;
    if (*end == '\0') return true;
    const char *unit = strchr(units, toupper((unsigned char)*end));
    if (!unit || end[1] != '\0') return false;
    unsigned shift = 10 * (unsigned)(unit - units + 1);
    if (*out > UINT64_MAX >> shift) return false;
    *out <<= shift;
    return true;
}

static bool parse_seconds(const char *text, uint64_t *ms)
{
    char *end;
    double seconds = strtod(text, &end);
    if (end == text || *end != '\0' || !(seconds > 0) || seconds > 1e12) return false;
    *ms = (uint64_t)(seconds * 1000);
    if (*ms == 0) *ms = 1;
    return true;
}

/* What follows WORD in TEXT: "" when nothing does, else what stands behind a colon; NULL when it is something else. */
static const char *after_word(const char *text, const char *word)
{
    size_t len = strlen(word);
    if (strncmp(text, word, len) != 0 || (text[len] != '\0' && text[len] != ':')) return NULL;
    return text[len] == ':' ? text + len + 1 : "";
}

/* "NAME" or "NAME:HEAD". */
static bool parse_pass(Options *o, const char *text)
{
    for (size_t i = 0; mt_pass(i); i++) {
        o->dump = after_word(text, mt_pass(i));
        o->dump_pass = mt_pass(i);
        if (o->dump) return true;
    }
    return false;
}

/* "ast", or "bytecode", "bytecode-full" or "pass:NAME", perhaps with ":HEAD". */
static bool parse_dump(Options *o, const char *text)
{
    o->dump_ast = strcmp(text, "ast") == 0;
    o->dump_full = o->dump_native = false;
    o->dump = o->dump_pass = NULL;
    if (o->dump_ast) return true;
    if (strncmp(text, "pass:", 5) == 0) return parse_pass(o, text + 5);
    o->dump = after_word(text, "bytecode-full");
    o->dump_full = o->dump != NULL;
    if (!o->dump) o->dump = after_word(text, "bytecode");
    if (o->dump) return true;
    o->dump = after_word(text, "native");
    o->dump_native = o->dump != NULL;
    return o->dump != NULL;
}

static bool parse_log_format(const char *text, MtLogFormat *out)
{
    static const char *const names[] = {"text", "full", "json"};
    static const MtLogFormat formats[] = {MT_LOG_TEXT, MT_LOG_FULL, MT_LOG_JSON};
    for (size_t i = 0; i < 3; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = formats[i];
            return true;
        }
    }
    return false;
}

static bool parse_why_format(const char *text, MtWhyFormat *out)
{
    static const char *const names[] = {"text", "json", "dot", "atoms"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(text, names[i]) != 0) continue;
        *out = (MtWhyFormat)i;
        return true;
    }
    return false;
}

/* -- Parsing -- */

static void add_input(Options *o, InputKind kind, const char *text)
{
    o->inputs[o->input_count++] = (Input){kind, text};
}

static bool apply(Options *o, const OptionInfo *info, const char *value)
{
    bool good = true;
    switch (info->id) {
    case OPTION_EXPR:
        add_input(o, INPUT_TEXT, value);
        break;
    case OPTION_REPL:
        o->repl = true;
        break;
    case OPTION_COMPILE:
        o->compile = true;
        break;
    case OPTION_OUTPUT:
        o->output = value;
        break;
    case OPTION_SEXPR:
        o->sexpr = true;
        break;
    case OPTION_INCLUDE:
        o->search_paths[o->search_path_count++] = value;
        break;
    case OPTION_STRICT:
        o->strict = true;
        break;
    case OPTION_TIER:
        good = parse_number(value, &o->max_tier);
        if (good && o->max_tier > mt_highest_tier())
            return complain("--tier: this build has no tier %s; its highest is %u", value,
                            (unsigned)mt_highest_tier());
        o->bytecode_threshold = 0;
        if (o->max_tier == 2) o->jit_threshold = 0;
        break;
    case OPTION_TIERS:
        good = parse_thresholds(o, value);
        break;
    case OPTION_DUMP:
        good = parse_dump(o, value);
        break;
    case OPTION_STATS:
        o->stats = value ? value : "text";
        good = strcmp(o->stats, "text") == 0 || strcmp(o->stats, "json") == 0;
        break;
    case OPTION_JIT_LOG:
        o->jit_log = true;
        break;
    case OPTION_JIT_CACHE:
        good = parse_size(value, &o->jit_cache) && o->jit_cache <= UINT32_MAX;
        break;
    case OPTION_PERF:
        o->perf = true;
        break;
    case OPTION_JIT_FORCE_EXIT:
        good = parse_guard(value, &o->jit_force_exit);
        break;
    case OPTION_JIT_DEBUG:
        o->jit_debug = true;
        break;
    case OPTION_EXPLAIN_AS:
        good = parse_why_format(value, &o->explain_format);
        break;
    case OPTION_DEBUG:
        o->debug = true;
        break;
    case OPTION_SCRIPT:
        o->debug = true;
        o->debug_script = value;
        break;
    case OPTION_BREAK_ON:
        o->debug = true;
        o->break_on = value;
        break;
    case OPTION_MAX_MEMORY:
        good = parse_size(value, &o->max_memory);
        break;
    case OPTION_MAX_DEPTH:
        good = parse_number(value, &o->max_depth);
        break;
    case OPTION_TIMEOUT:
        good = parse_seconds(value, &o->timeout_ms);
        break;
    case OPTION_LOG:
        o->log_help = strcmp(value, "help") == 0;
        o->log_filter = value;
        break;
    case OPTION_LOG_FORMAT:
        good = parse_log_format(value, &o->log_format);
        break;
    case OPTION_HELP:
        o->help = true;
        break;
    case OPTION_VERSION:
        o->version = true;
        break;
    }
    if (good) return true;
    const char *argument = info->argument + is_optional(info);
    return complain("--%s: '%s' is no %.*s", info->name, value, (int)strcspn(argument, "]"), argument);
}

/* The row that WORD (after its dashes) names; *VALUE is what stands with it in the same word, or NULL. */
static const OptionInfo *find_option(const char *word, bool is_long, const char **value)
{
    size_t len = is_long ? strcspn(word, "=") : 1;
    for (size_t i = 0; i < TABLE_LEN; i++) {
        const OptionInfo *info = &table[i];
        if (info->group) continue;
        bool same = is_long ? strlen(info->name) == len && memcmp(info->name, word, len) == 0
                            : info->letter == word[0];
        if (!same) continue;
        *value = word[len] == '\0' ? NULL : word + len + is_long;
        return info;
    }
    return NULL;
}

/* Take the option in ARGV[*I], and the next word when its value stands there. */
static bool take_option(Options *o, char **argv, int *i)
{
    const char *word = argv[*i], *value = NULL;
    bool is_long = word[1] == '-';
    const OptionInfo *info = find_option(word + 1 + is_long, is_long, &value);
    if (!info) return complain("there is no option %s", word);
    if (!info->argument && value) return complain("%s takes no value", is_long ? info->name : word);
    if (info->argument && !value && !is_optional(info)) {
        value = argv[*i + 1];
        if (!value) return complain("--%s needs a %s", info->name, info->argument);
        ++*i;
    }
    return apply(o, info, value);
}

bool options_parse(Options *o, int argc, char **argv)
{
    bool only_files = false;
    MtConfig defaults;
    mt_config_init(&defaults);
    *o = (Options){.max_tier = defaults.max_tier,
                   .bytecode_threshold = defaults.bytecode_threshold,
                   .jit_threshold = defaults.jit_threshold,
                   .jit_stage2_threshold = defaults.jit_stage2_threshold};
    o->inputs = calloc((size_t)argc + 1, sizeof *o->inputs);
    o->search_paths = calloc((size_t)argc + 1, sizeof *o->search_paths);
    if (!o->inputs || !o->search_paths) return complain("out of memory");
    bool explains = argc > 1 && strcmp(argv[1], "explain") == 0;
    for (int i = 1 + explains; i < argc; i++) {
        const char *word = argv[i];
        if (only_files || word[0] != '-' || word[1] == '\0')
            add_input(o, INPUT_FILE, word);
        else if (strcmp(word, "--") == 0)
            only_files = true;
        else if (!take_option(o, argv, &i))
            return false;
    }
    if (!explains) return true;
    if (o->input_count == 0 || o->inputs[o->input_count - 1].kind != INPUT_FILE)
        return complain("explain needs an expression, after the files");
    o->explain = o->inputs[--o->input_count].text;
    return true;
}

void options_free(Options *o)
{
    free(o->inputs);
    free(o->search_paths);
}
