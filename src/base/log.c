/* Logging: tables and output.  The filter is in log_filter.c. */
#include "base/log_filter.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

const LogTargetInfo log_targets[LOG_TARGET_COUNT] = {
#define LOG_TARGET(id, name, meaning) {name, meaning},
#include "base/log_targets.inc"
#undef LOG_TARGET
};

const char *const log_level_names[LOG_LEVEL_COUNT] = {
#define LOG_LEVEL(id, name) name,
#include "base/log_levels.inc"
#undef LOG_LEVEL
};

void log_init(Log *log)
{
    Buf none = {0};
    *log = (Log){0};
    log_set_filter(log, "", false, &none);
    assert(none.len == 0);
}

void log_fini(Log *log)
{
    log_free_directives(log);
    buf_free(&log->line);
}

/* -- Values -- */

void log_field_text(const LogField *f, Buf *out)
{
    switch (f->kind) {
    case LOG_FIELD_TEXT:
        buf_put(out, f->as.text, f->len);
        break;
    case LOG_FIELD_INT:
        buf_printf(out, "%" PRId64, f->as.i);
        break;
    case LOG_FIELD_FLOAT:
        buf_printf(out, "%g", f->as.f);
        break;
    case LOG_FIELD_BOOL:
        buf_puts(out, f->as.b ? "true" : "false");
        break;
    }
}

/* Text for a terminal: what could steer it (programs hold any text) is shown as an escape. */
static void put_escaped(Buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint32_t c;
        size_t n = utf8_decode(text + i, len - i, &c);
        if (n == 0) {
            buf_printf(out, "\\x%02x", (unsigned char)text[i]);
            n = 1;
        } else if (c == '\n') {
            buf_puts(out, "\\n");
        } else if (c == '\t') {
            buf_puts(out, "\\t");
        } else if (c == '\r') {
            buf_puts(out, "\\r");
        } else if (text_is_control(c)) {
            buf_printf(out, "\\u{%x}", (unsigned)c);
        } else {
            buf_put(out, text + i, n);
        }
        i += n;
    }
}

static void put_json_cstr(Buf *out, const char *text)
{
    buf_put_json(out, text, strlen(text));
}

static void put_json_value(Buf *out, const LogField *f)
{
    if (f->kind == LOG_FIELD_TEXT) {
        buf_put_json(out, f->as.text, f->len);
    } else if (f->kind == LOG_FIELD_FLOAT && f->as.f - f->as.f != 0) {
        buf_puts(out, "null"); /* JSON has neither NaN nor infinities */
    } else {
        log_field_text(f, out);
    }
}

/* -- Lines -- */

/* RFC 3339, UTC, microseconds. */
static void put_time(Buf *out)
{
    struct timespec now;
    struct tm parts;
    char text[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    buf_printf(out, "%s.%06ldZ", text, now.tv_nsec / 1000);
}

static void put_upper(Buf *out, const char *text)
{
    for (; *text; text++) buf_putc(out, (char)(*text - 'a' + 'A'));
}

static void put_text_line(Log *log, LogTarget target, LogLevel level, const char *message,
                          const LogField *fields, size_t n)
{
    Buf *out = &log->line;
    if (log->format == LOG_FORMAT_FULL) {
        put_time(out);
        buf_putc(out, ' ');
    }
    for (size_t pad = strlen(log_level_names[level]); pad < 5; pad++) buf_putc(out, ' ');
    put_upper(out, log_level_names[level]);
    buf_printf(out, " %s: ", log_targets[target].name);
    put_escaped(out, message, strlen(message));
    Buf value = {0};
    for (size_t i = 0; i < n; i++) {
        buf_printf(out, " %s=", fields[i].name);
        vec_clear(&value);
        log_field_text(&fields[i], &value);
        put_escaped(out, value.data, value.len);
    }
    buf_free(&value);
    buf_putc(out, '\n');
}

static void put_json_line(Log *log, LogTarget target, LogLevel level, const char *message,
                          const LogField *fields, size_t n, const char *file, int line)
{
    Buf *out = &log->line;
    buf_puts(out, "{\"timestamp\":\"");
    put_time(out);
    buf_puts(out, "\",\"level\":\"");
    put_upper(out, log_level_names[level]);
    buf_puts(out, "\",\"fields\":{\"message\":");
    put_json_cstr(out, message);
    for (size_t i = 0; i < n; i++) {
        buf_putc(out, ',');
        put_json_cstr(out, fields[i].name);
        buf_putc(out, ':');
        put_json_value(out, &fields[i]);
    }
    buf_puts(out, "},\"target\":");
    put_json_cstr(out, log_targets[target].name);
    buf_puts(out, ",\"filename\":");
    put_json_cstr(out, file);
    buf_printf(out, ",\"line_number\":%d}\n", line);
}

/* One write per line, so that lines of several threads do not mix. */
static void write_to_stderr(const char *text, size_t len)
{
    while (len) {
        ssize_t n = write(STDERR_FILENO, text, len);
        if (n <= 0) return;
        text += n;
        len -= (size_t)n;
    }
}

void log_event(Log *log, LogTarget target, LogLevel level, const char *message, const LogField *fields,
               size_t n, const char *file, int line)
{
    assert(level > LOG_OFF && level < LOG_LEVEL_COUNT);
    if (!log_passes(log, target, level, fields, n)) return;
    vec_clear(&log->line);
    if (log->format == LOG_FORMAT_JSON)
        put_json_line(log, target, level, message, fields, n, file, line);
    else
        put_text_line(log, target, level, message, fields, n);
    if (log->sink)
        log->sink(log->sink_context, log->line.data, log->line.len);
    else
        write_to_stderr(log->line.data, log->line.len);
}
