/* Logging: what each filter lets through, and how lines look. */
#include "base/log.h"
#include "unit.h"

#include <stdlib.h>

/* -- Which events pass: 60 filters, 20 call sites -- */

/* The call sites: each of these targets at error, info, debug and trace. */
static const LogTarget site_targets[] = {LOG_TARGET_EVAL, LOG_TARGET_GC, LOG_TARGET_JIT_EXECUTE,
                                         LOG_TARGET_JIT_TRACE, LOG_TARGET_VM_TRACE};
static const LogLevel site_levels[] = {LOG_ERROR, LOG_INFO, LOG_DEBUG, LOG_TRACE};

/* The expectation is one digit for each target: the number of the most talkative level that passes. */
typedef struct FilterCase {
    const char *filter, *levels;
    unsigned complaints;
} FilterCase;

static const FilterCase filter_cases[] = {
    /* nothing valid: errors only */
    {"", "11111", 0},
    {" ", "11111", 0},
    {",,", "11111", 0},
    {"mettatron::gc=loud", "11111", 1},
    /* a level alone, by name in any case or by number */
    {"off", "00000", 0},
    {"error", "11111", 0},
    {"warn", "22222", 0},
    {"info", "33333", 0},
    {"debug", "44444", 0},
    {"trace", "55555", 0},
    {"TRACE", "55555", 0},
    {"DeBuG", "44444", 0},
    {"0", "00000", 0},
    {"1", "11111", 0},
    {"3", "33333", 0},
    {"5", "55555", 0},
    {" warn ", "22222", 0},
    {"info,debug", "44444", 0},
    {"debug,info", "33333", 0},
    /* a target: by prefix of bytes, at trace without a level */
    {"mettatron", "55555", 0},
    {"mettatron::gc", "05000", 0},
    {"mettatron::gc=", "05000", 0},
    {"mettatron::gc=debug", "04000", 0},
    {"mettatron::gc=4", "04000", 0},
    {"mettatron::gc=OFF", "00000", 0},
    {"mettatron::jit", "00550", 0},
    {"mettatron::jit=info", "00330", 0},
    {"mettatron::j=info", "00330", 0},
    {"mettatron::jit::hybrid=debug", "00400", 0},
    {"mettatron::jit::hybrid::execute=trace", "00500", 0},
    {"mettatron::vm::trace=trace,mettatron::jit::runtime::trace=trace", "00055", 0},
    {"metta", "55555", 0},
    {"metta::vm", "00005", 0},
    {"metta::backend::eval=info", "30000", 0},
    {"=mettatron::gc", "05000", 0},
    {"=mettatron::jit=debug", "00000", 1},
    /* several: the longest target decides, in whatever order they stand */
    {"warn,mettatron::jit=debug", "22442", 0},
    {"mettatron::jit=debug,warn", "22442", 0},
    {" warn, mettatron::jit=debug", "22442", 0},
    {"warn ,mettatron::jit = debug , mettatron::gc=trace", "25442", 0},
    {"trace,mettatron::jit=off", "55005", 0},
    {"mettatron::jit::runtime=info,mettatron::jit=trace", "00530", 0},
    {"mettatron::gc=info,mettatron::gc=trace", "05000", 0},
    {"mettatron::gc=trace,mettatron::gc=info", "03000", 0},
    {"mettatron=info,mettatron::backend::eval=off", "03333", 0},
    /* wrong ones are left out */
    {"debug,mettatron::gc=loud", "44444", 1},
    {"*=debug,info", "33333", 1},
    {"info,?", "33333", 1},
    {"info,mettatron::gc[goal", "33333", 1},
    {"info,[goal]debug", "33333", 1},
    {"info,[goal{head=(]=debug", "33333", 1},
    {"info,=debug", "33333", 1},
    {"warn,6", "22222", 1},
    {"nothing::such=trace", "00000", 1},
    /* spans and fields: silent here, where no goal encloses the event and it has no fields */
    {"[goal]=trace", "00000", 0},
    {"info,[goal]=trace", "33333", 0},
    {"info,[goal{head=fib}]=off", "33333", 0},
    {"info,[goal{head=fib,atom}]", "33333", 0},
    {"mettatron::jit[goal]=trace,warn", "22222", 0},
    {"trace,mettatron::gc[{cause}]=off", "55555", 0},
};

static unsigned count_lines(const Buf *text)
{
    unsigned n = 0;
    for (size_t i = 0; i < text->len; i++) n += text->data[i] == '\n';
    return n;
}

static void test_filters(void)
{
    for (size_t i = 0; i < COUNT_OF(filter_cases); i++) {
        const FilterCase *c = &filter_cases[i];
        Log log;
        Buf complaints = {0};
        log_init(&log);
        CHECK_MSG(log_set_filter(&log, c->filter, false, &complaints), "'%s'", c->filter);
        CHECK_MSG(count_lines(&complaints) == c->complaints, "'%s' complains: %s", c->filter,
                  buf_cstr(&complaints));
        for (size_t t = 0; t < COUNT_OF(site_targets); t++)
            for (size_t l = 0; l < COUNT_OF(site_levels); l++) {
                bool want = (int)site_levels[l] <= c->levels[t] - '0';
                bool passes = log_passes(&log, site_targets[t], site_levels[l], NULL, 0);
                CHECK_MSG(passes == want, "'%s' %s %s", c->filter, log_targets[site_targets[t]].name,
                          log_level_names[site_levels[l]]);
                bool on = log_on(&log, site_targets[t], site_levels[l]);
                CHECK_MSG(on || !want, "'%s' is off at the call site", c->filter);
            }
        buf_free(&complaints);
        log_fini(&log);
    }
    CHECK(COUNT_OF(filter_cases) >= 60);
}

static void test_strict(void)
{
    Log log;
    Buf complaints = {0};
    log_init(&log);
    CHECK(log_set_filter(&log, "debug", true, &complaints));
    CHECK(!log_set_filter(&log, "trace,mettatron::gc=loud", true, &complaints));
    CHECK(log_passes(&log, LOG_TARGET_GC, LOG_DEBUG, NULL, 0));
    CHECK(!log_passes(&log, LOG_TARGET_GC, LOG_TRACE, NULL, 0));
    CHECK_STR(buf_cstr(&complaints), "invalid log directive 'mettatron::gc=loud': invalid level\n");
    buf_free(&complaints);
    log_fini(&log);
}

static void test_nearest(void)
{
    static const struct {
        const char *filter, *nearest;
    } cases[] = {
        {"metta::jti=debug", "'mettatron::jit'"},
        {"mettatron::jit::hybird=debug", "'mettatron::jit::hybrid'"},
        {"mettatron::bakcend::eval", "'mettatron::backend::eval'"},
        {"metatron=info", "'mettatron'"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        Log log;
        Buf complaints = {0};
        log_init(&log);
        CHECK(log_set_filter(&log, cases[i].filter, true, &complaints));
        CHECK_MSG(strstr(buf_cstr(&complaints), cases[i].nearest), "'%s': %s", cases[i].filter,
                  buf_cstr(&complaints));
        CHECK(count_lines(&complaints) == 1);
        buf_free(&complaints);
        log_fini(&log);
    }
}

static void test_environment(void)
{
    Log log;
    Buf complaints = {0};
    log_init(&log);
    setenv("RUST_LOG", "mettatron::gc=trace", 1);
    unsetenv("METTA_LOG");
    log_set_filter_from_environment(&log, &complaints);
    CHECK(log_on(&log, LOG_TARGET_GC, LOG_TRACE) && !log_on(&log, LOG_TARGET_EVAL, LOG_ERROR));
    setenv("METTA_LOG", "mettatron::vm", 1);
    log_set_filter_from_environment(&log, &complaints);
    CHECK(!log_on(&log, LOG_TARGET_GC, LOG_TRACE) && log_on(&log, LOG_TARGET_VM_TRACE, LOG_TRACE));
    CHECK(complaints.len == 0);
    setenv("METTA_LOG", "x=loud", 1);
    log_set_filter_from_environment(&log, &complaints);
    CHECK(strncmp(buf_cstr(&complaints), "ignoring ", 9) == 0);
    unsetenv("METTA_LOG");
    unsetenv("RUST_LOG");
    buf_free(&complaints);
    log_fini(&log);
}

/* -- Spans and fields -- */

/* Two enclosing goals: (fib 3) inside (main). */
static bool enclosing(void *context, size_t index, LogSpan *out)
{
    static const char *const heads[] = {"fib", "main"}, *const atoms[] = {"(fib 3)", "(main)"};
    size_t count = *(const size_t *)context;
    if (index >= count) return false;
    size_t i = index + (2 - count);
    *out =
        (LogSpan){"goal",
                  {LOG_TEXT("goal", heads[i], strlen(heads[i])), LOG_TEXT("head", heads[i], strlen(heads[i])),
                   LOG_TEXT("atom", atoms[i], strlen(atoms[i])), LOG_INT("depth", 2 - i)},
                  4};
    return true;
}

/* The most talkative level of eval events inside (fib 3) inside (main), inside (main) alone, and outside. */
static void check_spans(const char *filter, const char *want)
{
    Log log;
    Buf complaints = {0};
    char got[4] = "";
    size_t inside;
    log_init(&log);
    log.enclosing = enclosing;
    log.enclosing_context = &inside;
    CHECK_MSG(log_set_filter(&log, filter, true, &complaints), "%s", buf_cstr(&complaints));
    for (int i = 0; i < 3; i++) {
        inside = (size_t)(2 - i);
        int level = LOG_OFF;
        while (level < LOG_TRACE && log_passes(&log, LOG_TARGET_EVAL, (LogLevel)(level + 1), NULL, 0))
            level++;
        got[i] = (char)('0' + level);
    }
    CHECK_MSG(strcmp(got, want) == 0, "'%s': got %s, want %s", filter, got, want);
    buf_free(&complaints);
    log_fini(&log);
}

static void test_spans(void)
{
    check_spans("[goal]=trace", "550");
    check_spans("[goal{head=fib}]=trace", "500");
    check_spans("mettatron::backend::eval[{goal=fib}]=trace", "500");
    check_spans("mettatron::gc[{goal=fib}]=trace", "000");
    check_spans("trace,[goal{head=fib}]=off", "055");
    check_spans("trace,[goal{head=main}]=off", "005");
    check_spans("info,[goal{head=main}]=off,[goal{head=fib}]=debug", "403");
    check_spans("warn,[goal{head=fib,depth=2}]=debug", "422");
    check_spans("warn,[goal{head=fib,depth=3}]=debug", "222");
    check_spans("warn,[goal{atom=.fib.*}]=debug", "422");
    check_spans("warn,[goal{atom=fib}]=debug", "222");
    check_spans("warn,[goal{atom=\"\\(fib [0-9]\\)\"}]=debug", "422");
    check_spans("warn,[other]=debug", "222");
    check_spans("warn,[goal{missing}]=debug", "222");
    check_spans("mettatron::backend=info,[goal{depth=1}]=trace", "553");
}

static void test_event_fields(void)
{
    Log log;
    Buf complaints = {0};
    LogField call = LOG_TEXT("port", "call", 4), fail = LOG_TEXT("port", "fail", 4),
             ok = LOG_BOOL("ok", true);
    log_init(&log);
    CHECK(log_set_filter(&log, "mettatron::match[{port=fail}]=debug,mettatron::gc[{ok=true}]", true,
                         &complaints));
    CHECK(log_passes(&log, LOG_TARGET_MATCH, LOG_DEBUG, &fail, 1));
    CHECK(!log_passes(&log, LOG_TARGET_MATCH, LOG_TRACE, &fail, 1));
    CHECK(!log_passes(&log, LOG_TARGET_MATCH, LOG_ERROR, &call, 1));
    CHECK(!log_passes(&log, LOG_TARGET_SPACE, LOG_ERROR, &fail, 1));
    CHECK(log_passes(&log, LOG_TARGET_GC, LOG_TRACE, &ok, 1));
    CHECK(!log_passes(&log, LOG_TARGET_GC, LOG_TRACE, &fail, 1));
    buf_free(&complaints);
    log_fini(&log);
}

/* -- Lines -- */

static void gather(void *context, const char *line, size_t len)
{
    buf_put(context, line, len);
}

static void test_text(void)
{
    Log log;
    Buf out = {0};
    log_init(&log);
    log.sink = gather;
    log.sink_context = &out;
    LOG(&log, GC, DEBUG, "not built: %s", LOG_TEXT("never", (abort(), "read"), 4));
    CHECK(out.len == 0);
    log_set_filter(&log, "trace", true, &out);
    LOG(&log, GC, WARN, "Full", LOG_INT("bytes", -5), LOG_FLOAT("ratio", 0.5), LOG_BOOL("major", true));
    CHECK_STR(buf_cstr(&out), " WARN mettatron::gc: Full bytes=-5 ratio=0.5 major=true\n");
    vec_clear(&out);
    LOG(&log, EVAL, TRACE, "No fields");
    CHECK_STR(buf_cstr(&out), "TRACE mettatron::backend::eval: No fields\n");
    vec_clear(&out);
    LOG(&log, EVAL, TRACE, "Escapes", LOG_TEXT("s", "a\033[31m\n\t\r\x7f\xc2\x9b\xff\xc3\xa9", 15));
    CHECK_STR(buf_cstr(&out),
              "TRACE mettatron::backend::eval: Escapes s=a\\u{1b}[31m\\n\\t\\r\\u{7f}\\u{9b}\\xff\xc3\xa9\n");
    vec_clear(&out);
    log.format = LOG_FORMAT_FULL;
    LOG(&log, EVAL, TRACE, "Timed");
    CHECK(out.len == strlen("2026-01-01T00:00:00.000000Z TRACE mettatron::backend::eval: Timed\n"));
    CHECK(out.data[26] == 'Z' && out.data[10] == 'T');
    buf_free(&out);
    log_fini(&log);
}

static void test_json(void)
{
    Log log;
    Buf out = {0};
    log_init(&log);
    log.sink = gather;
    log.sink_context = &out;
    log.format = LOG_FORMAT_JSON;
    log_set_filter(&log, "trace", true, &out);
    const LogField fields[] = {LOG_TEXT("s", "q\"\\\033\n\xff", 6), LOG_INT("n", 7), LOG_BOOL("b", false),
                               LOG_FLOAT("inf", 1e308 * 10)};
    log_event(&log, LOG_TARGET_SPACE, LOG_INFO, "Added", fields, 4, "file.c", 12);
    const char *tail = strstr(buf_cstr(&out), "\",\"level\"");
    CHECK(strncmp(out.data, "{\"timestamp\":\"2", 15) == 0 && tail);
    CHECK_STR(tail,
              "\",\"level\":\"INFO\",\"fields\":{\"message\":\"Added\",\"s\":"
              "\"q\\\"\\\\\\u001b\\u000a\xef\xbf\xbd\","
              "\"n\":7,\"b\":false,\"inf\":null},\"target\":\"mettatron::space\",\"filename\":\"file.c\","
              "\"line_number\":12}\n");
    buf_free(&out);
    log_fini(&log);
}

int main(void)
{
    test_filters();
    test_strict();
    test_nearest();
    test_environment();
    test_spans();
    test_event_fields();
    test_text();
    test_json();
    return unit_end();
}
