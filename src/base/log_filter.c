/* The filter language of logging: parsing, precedence, deciding. */
#include "base/log_filter.h"

#include "base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

/* -- Pieces of text -- */

/* A part of the filter; not NUL-terminated. */
typedef struct Piece {
    const char *text;
    size_t len;
} Piece;

static Piece trim(Piece p)
{
    while (p.len && isspace((unsigned char)p.text[0])) p.text++, p.len--;
    while (p.len && isspace((unsigned char)p.text[p.len - 1])) p.len--;
    return p;
}

static Piece before(Piece p, size_t at)
{
    return trim((Piece){p.text, at});
}

static Piece after(Piece p, size_t at)
{
    return trim((Piece){p.text + at, p.len - at});
}

/* Offset of C in P, or P.len. */
static size_t find(Piece p, char c)
{
    const char *at = p.len ? memchr(p.text, c, p.len) : NULL;
    return at ? (size_t)(at - p.text) : p.len;
}

static char *copy(Piece p)
{
    return base_strndup(p.text, p.len);
}

/* Cut the next part of REST that ends at a comma outside brackets; false at the end. */
static bool next_part(Piece *rest, Piece *part)
{
    if (!rest->text) return false;
    size_t depth = 0, i = 0;
    for (; i < rest->len; i++) {
        char c = rest->text[i];
        if (c == '[' || c == '{') depth++;
        if ((c == ']' || c == '}') && depth) depth--;
        if (c == ',' && depth == 0) break;
    }
    *part = before(*rest, i);
    *rest = i < rest->len ? (Piece){rest->text + i + 1, rest->len - i - 1} : (Piece){NULL, 0};
    return true;
}

static bool parse_level(Piece p, LogLevel *out)
{
    if (p.len == 1 && p.text[0] >= '0' && p.text[0] <= '5') {
        *out = (LogLevel)(p.text[0] - '0');
        return true;
    }
    for (int i = 0; i < LOG_LEVEL_COUNT; i++) {
        if (strlen(log_level_names[i]) == p.len && strncasecmp(p.text, log_level_names[i], p.len) == 0) {
            *out = (LogLevel)i;
            return true;
        }
    }
    return false;
}

/* -- Parsing -- */

static void free_directive(LogDirective *d)
{
    for (size_t i = 0; i < d->fields.len; i++) {
        LogFieldFilter *f = &d->fields.data[i];
        if (f->kind == FILTER_PATTERN) regfree(&f->pattern);
        base_free(f->name);
        base_free(f->value);
    }
    vec_free(&d->fields);
    base_free(d->target);
    base_free(d->span);
}

/* Decide what kind of value F has; returns a complaint or NULL. */
static const char *parse_value(LogFieldFilter *f)
{
    char *end;
    if (strcmp(f->value, "true") == 0 || strcmp(f->value, "false") == 0) {
        f->kind = FILTER_BOOL;
        f->number = f->value[0] == 't';
        return NULL;
    }
    f->number = strtod(f->value, &end);
    if (*end == '\0' && end != f->value) {
        f->kind = FILTER_NUMBER;
        return NULL;
    }
    Buf whole = {0};
    buf_printf(&whole, "^(%s)$", f->value);
    bool good = regcomp(&f->pattern, buf_cstr(&whole), REG_EXTENDED | REG_NOSUB) == 0;
    buf_free(&whole);
    if (!good) return "invalid regular expression";
    f->kind = FILTER_PATTERN;
    return NULL;
}

static const char *parse_field(LogDirective *d, Piece p)
{
    size_t equals = find(p, '=');
    Piece name = before(p, equals);
    if (name.len == 0) return "a field has no name";
    LogFieldFilter f = {.name = copy(name), .kind = FILTER_PRESENT};
    const char *complaint = NULL;
    if (equals < p.len) {
        Piece value = after(p, equals + 1);
        bool quoted = value.len >= 2 && value.text[0] == '"' && value.text[value.len - 1] == '"';
        f.value = copy(quoted ? (Piece){value.text + 1, value.len - 2} : value);
        complaint = parse_value(&f);
    }
    vec_push(&d->fields, f);
    return complaint;
}

/* P is what stands between the brackets. */
static const char *parse_span(LogDirective *d, Piece p)
{
    size_t brace = find(p, '{');
    Piece name = before(p, brace);
    d->dynamic = true;
    if (name.len) d->span = copy(name);
    if (brace == p.len) return NULL;
    Piece fields = after(p, brace + 1);
    if (!fields.len || fields.text[fields.len - 1] != '}') return "'{' without '}'";
    fields.len--;
    Piece field;
    while (next_part(&fields, &field)) {
        if (!field.len) continue;
        const char *complaint = parse_field(d, field);
        if (complaint) return complaint;
    }
    return NULL;
}

static void set_target(LogDirective *d, Piece p)
{
    Buf name = {0};
    if (p.len >= 7 && memcmp(p.text, "metta::", 7) == 0) {
        buf_puts(&name, "mettatron::");
        p = after(p, 7);
    }
    buf_put(&name, p.text, p.len);
    d->target_len = name.len;
    d->target = base_strndup(buf_cstr(&name), name.len);
    buf_free(&name);
}

static bool may_begin(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == ':' || c == '_' || c == '[';
}

/* Parse one directive into *D (to be freed in any case); returns a complaint or NULL. */
static const char *parse_directive(LogDirective *d, Piece p)
{
    *d = (LogDirective){.level = LOG_TRACE};
    if (parse_level(p, &d->level)) {
        set_target(d, (Piece){p.text, 0});
        return NULL;
    }
    LogLevel ignored;
    if (p.text[0] == '=' && p.len > 1 && !parse_level(after(p, 1), &ignored)) {
        d->exact = true;
        p = after(p, 1);
    }
    if (!may_begin(p.text[0])) return "it begins with a character that no target has";
    size_t bracket = find(p, '['), level = find(p, '=');
    if (bracket < level) {
        size_t close = p.len - 1; /* the last one: regular expressions may hold others */
        while (p.text[close] != ']' && close > bracket) close--;
        if (close == bracket) return "'[' without ']'";
        const char *complaint = parse_span(d, (Piece){p.text + bracket + 1, close - bracket - 1});
        if (complaint) return complaint;
        if (close + 1 < p.len && after(p, close + 1).text[0] != '=') return "only '=' may follow ']'";
        level = close + 1 < p.len ? (size_t)(after(p, close + 1).text - p.text) : p.len;
    }
    set_target(d, before(p, bracket < level ? bracket : level));
    if (level >= p.len) return NULL;
    Piece name = after(p, level + 1);
    return name.len == 0 || parse_level(name, &d->level) ? NULL : "invalid level";
}

/* -- Precedence -- */

static int compare_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static int compare_fields(const LogDirective *a, const LogDirective *b)
{
    for (size_t i = 0; i < a->fields.len; i++) {
        int c = compare_text(a->fields.data[i].name, b->fields.data[i].name);
        if (c == 0) c = compare_text(a->fields.data[i].value, b->fields.data[i].value);
        if (c != 0) return c;
    }
    return 0;
}

/* Negative when A goes before B; 0 when the two have the same conditions. */
static int compare_directives(const LogDirective *a, const LogDirective *b)
{
    if (a->target_len != b->target_len) return a->target_len > b->target_len ? -1 : 1;
    if (a->exact != b->exact) return a->exact ? -1 : 1;
    if (!a->span != !b->span) return a->span ? -1 : 1;
    if (a->dynamic != b->dynamic) return a->dynamic ? -1 : 1;
    if (a->fields.len != b->fields.len) return a->fields.len > b->fields.len ? -1 : 1;
    int c = compare_text(a->target, b->target);
    if (c == 0) c = compare_text(a->span, b->span);
    return c != 0 ? c : compare_fields(a, b);
}

/* Put D in its place; an equal one is replaced. */
static void insert(Log *log, LogDirective d)
{
    size_t at = 0;
    int c = 1;
    while (at < log->directives.len && (c = compare_directives(&log->directives.data[at], &d)) < 0) at++;
    if (at < log->directives.len && c == 0) {
        free_directive(&log->directives.data[at]);
        log->directives.data[at] = d;
        return;
    }
    vec_push(&log->directives, d);
    LogDirective *all = log->directives.data;
    memmove(all + at + 1, all + at, (log->directives.len - 1 - at) * sizeof *all);
    all[at] = d;
}

void log_free_directives(Log *log)
{
    for (size_t i = 0; i < log->directives.len; i++) free_directive(&log->directives.data[i]);
    vec_free(&log->directives);
}

/* -- Deciding -- */

static bool target_matches(const LogDirective *d, LogTarget target)
{
    const char *name = log_targets[target].name;
    return d->exact ? strcmp(name, d->target) == 0 : strncmp(name, d->target, d->target_len) == 0;
}

static bool value_matches(const LogFieldFilter *f, const LogField *field)
{
    switch (f->kind) {
    case FILTER_PRESENT:
        return true;
    case FILTER_BOOL:
        return field->kind == LOG_FIELD_BOOL && field->as.b == (f->number != 0);
    case FILTER_NUMBER:
        if (field->kind == LOG_FIELD_INT) return (double)field->as.i == f->number;
        if (field->kind == LOG_FIELD_FLOAT) return field->as.f == f->number;
        break;
    case FILTER_PATTERN:
        break;
    }
    Buf text = {0};
    log_field_text(field, &text);
    bool matches = f->kind == FILTER_PATTERN ? regexec(&f->pattern, buf_cstr(&text), 0, NULL, 0) == 0
                                             : strcmp(buf_cstr(&text), f->value) == 0;
    buf_free(&text);
    return matches;
}

/* Do the fields satisfy every field condition of D? */
static bool fields_match(const LogDirective *d, const LogField *fields, size_t n)
{
    for (size_t i = 0; i < d->fields.len; i++) {
        const LogFieldFilter *f = &d->fields.data[i];
        bool found = false;
        for (size_t k = 0; k < n && !found; k++)
            found = strcmp(fields[k].name, f->name) == 0 && value_matches(f, &fields[k]);
        if (!found) return false;
    }
    return true;
}

/* The first directive that holds for a span (or, SPAN being NULL, for the event itself) with these fields. */
static const LogDirective *find_dynamic(const Log *log, LogTarget target, const char *span,
                                        const LogField *fields, size_t n)
{
    for (size_t i = 0; i < log->directives.len; i++) {
        const LogDirective *d = &log->directives.data[i];
        if (!d->dynamic || !target_matches(d, target)) continue;
        if (span ? d->span && strcmp(d->span, span) != 0 : d->span || d->fields.len == 0) continue;
        if (fields_match(d, fields, n)) return d;
    }
    return NULL;
}

static const LogDirective *find_enclosing(const Log *log, LogTarget target)
{
    LogSpan span;
    for (size_t i = 0; log->enclosing && log->enclosing(log->enclosing_context, i, &span); i++) {
        const LogDirective *d = find_dynamic(log, target, span.name, span.fields, span.field_count);
        if (d) return d;
    }
    return NULL;
}

static LogLevel static_level(const Log *log, LogTarget target)
{
    for (size_t i = 0; i < log->directives.len; i++) {
        const LogDirective *d = &log->directives.data[i];
        if (!d->dynamic && target_matches(d, target)) return d->level;
    }
    return LOG_OFF;
}

bool log_passes(Log *log, LogTarget target, LogLevel level, const LogField *fields, size_t n)
{
    if (log->dynamic) {
        const LogDirective *d = find_dynamic(log, target, NULL, fields, n);
        if (!d) d = find_enclosing(log, target);
        if (d) return d->level >= level;
        return static_level(log, target) >= level;
    }
    return log->level[target] >= level;
}

/* Set the byte of each target to the most that any of its events may be logged at. */
static void set_levels(Log *log)
{
    log->dynamic = false;
    for (int t = 0; t < LOG_TARGET_COUNT; t++) log->level[t] = (uint8_t)static_level(log, (LogTarget)t);
    for (size_t i = 0; i < log->directives.len; i++) {
        const LogDirective *d = &log->directives.data[i];
        if (!d->dynamic) continue;
        log->dynamic = true;
        for (int t = 0; t < LOG_TARGET_COUNT; t++)
            if (target_matches(d, (LogTarget)t) && d->level > log->level[t])
                log->level[t] = (uint8_t)d->level;
    }
}

/* -- Complaints -- */

/* The target, or the part of one up to a "::", that is nearest to NAME; its length goes to *LEN. */
static const char *nearest_target(const char *name, size_t *len)
{
    const char *best = log_targets[0].name;
    size_t least = SIZE_MAX;
    for (int t = 0; t < LOG_TARGET_COUNT; t++) {
        const char *whole = log_targets[t].name;
        for (size_t end = 1; end <= strlen(whole); end++) {
            if (whole[end] != '\0' && strncmp(whole + end, "::", 2) != 0) continue;
            size_t d = text_distance(name, whole, end);
            if (d < least) least = d, best = whole, *len = end;
        }
    }
    return best;
}

static void complain_unknown(const LogDirective *d, Buf *complaints)
{
    for (int t = 0; t < LOG_TARGET_COUNT; t++)
        if (target_matches(d, (LogTarget)t)) return;
    size_t len = 0;
    const char *nearest = nearest_target(d->target, &len);
    buf_printf(complaints, "no log target begins with '%s'; the nearest is '%.*s'\n", d->target, (int)len,
               nearest);
}

/* -- Setting -- */

bool log_set_filter(Log *log, const char *filter, bool strict, Buf *complaints)
{
    Log fresh = {0};
    Piece rest = {filter, strlen(filter)}, part;
    bool good = true;
    while (next_part(&rest, &part)) {
        if (part.len == 0) continue;
        LogDirective d;
        const char *complaint = parse_directive(&d, part);
        if (complaint) {
            good = false;
            buf_printf(complaints, "%s '%.*s': %s\n",
                       strict ? "invalid log directive" : "ignoring log directive", (int)part.len, part.text,
                       complaint);
            free_directive(&d);
        } else {
            complain_unknown(&d, complaints);
            insert(&fresh, d);
        }
    }
    if (strict && !good) {
        log_free_directives(&fresh);
        return false;
    }
    if (fresh.directives.len == 0)
        insert(&fresh, (LogDirective){.target = base_strndup("", 0), .level = LOG_ERROR});
    log_free_directives(log);
    log->directives.data = fresh.directives.data;
    log->directives.len = fresh.directives.len;
    log->directives.cap = fresh.directives.cap;
    set_levels(log);
    return true;
}

const char *log_environment_filter(void)
{
    const char *filter = getenv("METTA_LOG");
    if (!filter) filter = getenv("RUST_LOG");
    return filter ? filter : "";
}

void log_set_filter_from_environment(Log *log, Buf *complaints)
{
    log_set_filter(log, log_environment_filter(), false, complaints);
}
