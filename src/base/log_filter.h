/* Private to log.c and log_filter.c: what a directive is. */
#ifndef METTA_BASE_LOG_FILTER_H
#define METTA_BASE_LOG_FILTER_H

#include "base/log.h"

#include <regex.h>

typedef enum FilterKind { FILTER_PRESENT, FILTER_BOOL, FILTER_NUMBER, FILTER_PATTERN } FilterKind;

typedef struct LogFieldFilter {
    char *name;
    char *value; /* as written; NULL: only the name counts */
    FilterKind kind;
    double number; /* FILTER_NUMBER; FILTER_BOOL as 0 or 1 */
    regex_t pattern;
} LogFieldFilter;

struct LogDirective {
    char *target; /* "" for all */
    size_t target_len;
    bool exact;   /* the whole target, not a prefix */
    bool dynamic; /* has brackets: depends on spans or fields */
    char *span;   /* NULL: any */
    VEC(LogFieldFilter) fields;
    LogLevel level;
};

void log_free_directives(Log *log);
/* Append the plain text of a field's value. */
void log_field_text(const LogField *f, Buf *out);

#endif
