/* Logging: events with fields, filtered by target, level and enclosing goal, as text or JSON lines.
 *
 * A call site that is off costs one byte test; its arguments are built only when it is on:
 *
 *     LOG(log, EVAL, TRACE, "reduce", LOG_TEXT("goal", text, len), LOG_INT("depth", depth));
 *
 * Filters follow the grammar of the EnvFilter of Rust's tracing crate:
 *
 *     filter    := directive { "," directive }            blanks around directives do not matter
 *     directive := level | target | target "=" level
 *                | [target] "[" [span] [ "{" field {"," field} "}" ] "]" [ "=" level ]
 *     field     := name [ "=" value ]
 *     level     := off error warn info debug trace (any case) | 0 ... 5 | nothing after "=": trace
 *
 * A target matches by byte prefix ("=target" matches exactly, "metta::" is short for "mettatron::"); one without a level
 * is at trace.  Of the directives that match, the one with the longest target decides, then the one with more fields, then
 * the one that comes first in byte order; an equal one written later replaces the earlier.  A directive with a span or
 * fields holds inside the spans that match it, and for events that carry the fields themselves; the innermost such
 * span decides, before any directive without one, whether it says more or less.  A value is compared as a Bool
 * or a number if it reads as one, else it is a regular expression for the whole text of the field.
 * Without any valid directive errors are logged and nothing else. */
#ifndef METTA_BASE_LOG_H
#define METTA_BASE_LOG_H

#include "base/buf.h"

typedef enum LogLevel {
#define LOG_LEVEL(id, name) LOG_##id,
#include "base/log_levels.inc"
#undef LOG_LEVEL
    LOG_LEVEL_COUNT
} LogLevel;

typedef enum LogTarget {
#define LOG_TARGET(id, name, meaning) LOG_TARGET_##id,
#include "base/log_targets.inc"
#undef LOG_TARGET
    LOG_TARGET_COUNT
} LogTarget;

typedef struct LogTargetInfo {
    const char *name, *meaning;
} LogTargetInfo;
extern const LogTargetInfo log_targets[LOG_TARGET_COUNT];
extern const char *const log_level_names[LOG_LEVEL_COUNT];

typedef enum LogFormat { LOG_FORMAT_TEXT, LOG_FORMAT_FULL, LOG_FORMAT_JSON } LogFormat;

/* -- Events -- */

typedef enum LogFieldKind { LOG_FIELD_TEXT, LOG_FIELD_INT, LOG_FIELD_FLOAT, LOG_FIELD_BOOL } LogFieldKind;
typedef struct LogField {
    const char *name;
    LogFieldKind kind;
    size_t len; /* of the text */
    union {
        const char *text;
        int64_t i;
        double f;
        bool b;
    } as;
} LogField;
#define LOG_TEXT(label, value, length) ((LogField){label, LOG_FIELD_TEXT, length, {.text = value}})
#define LOG_INT(label, value) ((LogField){label, LOG_FIELD_INT, 0, {.i = (int64_t)(value)}})
#define LOG_FLOAT(label, value) ((LogField){label, LOG_FIELD_FLOAT, 0, {.f = value}})
#define LOG_BOOL(label, value) ((LogField){label, LOG_FIELD_BOOL, 0, {.b = value}})

/* A span that encloses an event: the evaluator has spans "goal" with the fields "goal" and "head" (the name of the
 * function) and "atom" (the whole call). */
enum { LOG_SPAN_FIELDS = 4 };
typedef struct LogSpan {
    const char *name;
    LogField fields[LOG_SPAN_FIELDS];
    size_t field_count;
} LogSpan;

/* Enumerates the spans around the present event: fills *OUT for INDEX 0 (innermost), 1, ...; false when there are no
 * more.  Asked only while a directive needs it; the texts must live until the next call. */
typedef bool (*LogEnclosing)(void *context, size_t index, LogSpan *out);
/* Receives whole lines, newline included. */
typedef void (*LogSink)(void *context, const char *line, size_t len);

typedef struct LogDirective LogDirective;

typedef struct Log {
    uint8_t
        level[LOG_TARGET_COUNT]; /* the most talkative level that some event of the target may be logged at */
    LogFormat format;
    bool dynamic;                 /* some directive has a span or fields */
    VEC(LogDirective) directives; /* in the order of precedence */
    LogEnclosing enclosing;
    void *enclosing_context;
    LogSink sink; /* NULL: standard error */
    void *sink_context;
    Buf line;
} Log;

/* Errors only, text, standard error. */
void log_init(Log *log);
void log_fini(Log *log);

static inline bool log_on(const Log *log, LogTarget target, LogLevel level)
{
    return UNLIKELY(log->level[target] >= level);
}
/* Log one event if the filter lets it pass.  FIELDS is an array of N. */
void log_event(Log *log, LogTarget target, LogLevel level, const char *message, const LogField *fields,
               size_t n, const char *file, int line);
#define LOG(log, target, level, message, ...)                                                               \
    do {                                                                                                    \
        if (log_on((log), LOG_TARGET_##target, LOG_##level)) {                                              \
            const LogField log_fields[] = {__VA_ARGS__};                                                    \
            log_event((log), LOG_TARGET_##target, LOG_##level, (message), log_fields, COUNT_OF(log_fields), \
                      __FILE__, __LINE__);                                                                  \
        }                                                                                                   \
    } while (0)

/* -- Filters -- */

/* Replace the filter.  Appends one line per complaint to COMPLAINTS: directives that are wrong, targets that do not
 * exist with the nearest that does.  STRICT: a wrong directive makes it return false and change nothing; else wrong
 * directives are left out. */
bool log_set_filter(Log *log, const char *filter, bool strict, Buf *complaints);
/* What METTA_LOG says, or RUST_LOG when that is not set; "" when neither is. */
const char *log_environment_filter(void);
/* Set that filter, not strictly. */
void log_set_filter_from_environment(Log *log, Buf *complaints);
/* Does the filter let this event pass?  The exact answer behind log_on. */
bool log_passes(Log *log, LogTarget target, LogLevel level, const LogField *fields, size_t n);

#endif
