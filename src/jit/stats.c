#include "jit/stats.h"

#include <inttypes.h>
#include <stdio.h>

#include "code/compile.h"

void jit_stats_init(JitStats *s, Runtime *rt, uint32_t hot)
{
    *s = (JitStats){.rt = rt, .log = &rt->log, .hot = hot};
}

void jit_stats_fini(JitStats *s)
{
    bailouts_fini(&s->native);
    bailouts_fini(&s->bytecode);
}

ChunkLife chunk_life(const JitStats *s, const Function *f)
{
    if (f->native_failure) return CHUNK_FAILED;
    if (f->native_bytes) return CHUNK_JITTED;
    if (f->executions >= s->hot) return CHUNK_HOT;
    return f->chunk ? CHUNK_WARMING : CHUNK_COLD;
}

const char *chunk_life_name(ChunkLife life)
{
    static const char *const names[CHUNK_LIVES] = {"Cold", "Warming", "Hot", "Jitted", "Failed"};
    return names[life];
}

/* -- Texts -- */

static void put_function(const JitStats *s, uint32_t name, uint32_t arity, Buf *out)
{
    buf_printf(out, "%s/%" PRIu32, sym_text(s->rt->symbols, name, NULL), arity);
}

/* " FILE:LINE", or with a column; nothing where the place is not known. */
static void put_place(const JitStats *s, const Span *place, bool column, Buf *out)
{
    if (!place || !place->line || place->file >= s->rt->files.len) return;
    buf_printf(out, " %s:%" PRIu32, s->rt->files.data[place->file], place->line);
    if (column) buf_printf(out, ":%" PRIu32, place->column);
}

/* Where the code of C begins to belong to an expression that was read. */
static const Span *first_place(const Chunk *c)
{
    for (size_t i = 0; c && i < c->places.len; i++)
        if (c->places.data[i].span.line) return &c->places.data[i].span;
    return NULL;
}

/* What programs named and hold goes to the terminal: without what could steer it. */
static void print_line(Buf *line)
{
    for (size_t i = 0; i < line->len; i++)
        if ((unsigned char)line->data[i] < 0x20 || line->data[i] == 0x7F) line->data[i] = '?';
    fprintf(stderr, "[jit] %.*s\n", (int)line->len, line->data);
    buf_free(line);
}

/* The beginning of the line on F in tier WHAT: "stage1 fib/1 fib.metta:1". */
static Buf begin_line(const JitStats *s, const char *what, const Function *f)
{
    Buf line = {0};
    buf_printf(&line, "%s ", what);
    put_function(s, f->name, f->arity, &line);
    put_place(s, first_place(f->chunk), false, &line);
    return line;
}

/* -- Compilations -- */

/* The name of F is the function's alone, without its number of arguments. */
static LogField function_field(const JitStats *s, uint32_t name)
{
    size_t len;
    const char *text = sym_text(s->rt->symbols, name, &len);
    return LOG_TEXT("function", text, len);
}

void jit_note_bytecode(JitStats *s, const Function *f, const Chunk *c, uint64_t ns)
{
    const char *reason = compile_refusal_text(f->refusal);
    LOG(s->log, JIT_COMPILE, DEBUG, c ? "compiled to bytecode" : "not compiled", function_field(s, f->name),
        LOG_TEXT("reason", reason, strlen(reason)));
    if (!s->verbose || f->refusal == REFUSED_NO_RULES) return;
    Buf line = begin_line(s, "bytecode", f);
    if (c)
        buf_printf(&line, " code=%zuB %.2fms", c->code.len, (double)ns / 1e6);
    else
        buf_printf(&line, " refused: %s", reason);
    print_line(&line);
}

void jit_note_compiled(JitStats *s, Function *f, unsigned stage, uint32_t bytes, uint64_t ns)
{
    s->compilations++;
    s->code_bytes += bytes;
    f->native_bytes = bytes;
    LOG(s->log, JIT_COMPILE, DEBUG, "JIT compiled", function_field(s, f->name), LOG_INT("stage", stage),
        LOG_INT("bytes", bytes), LOG_INT("ns", ns));
    if (!s->verbose) return;
    Buf line = begin_line(s, stage == 1 ? "stage1" : "stage2", f);
    buf_printf(&line, " bytecode=%zuB code=%" PRIu32 "B %.3fms", f->chunk ? f->chunk->code.len : 0, bytes,
               (double)ns / 1e6);
    print_line(&line);
}

void jit_note_failed(JitStats *s, Function *f, unsigned stage, const char *reason)
{
    s->failures++;
    f->native_failure = reason;
    f->native_bytes = 0;
    LOG(s->log, JIT_COMPILE, DEBUG, "JIT compilation failed", function_field(s, f->name),
        LOG_INT("stage", stage), LOG_TEXT("reason", reason, strlen(reason)));
    if (!s->verbose) return;
    Buf line = begin_line(s, stage == 1 ? "stage1" : "stage2", f);
    buf_printf(&line, " failed: %s", reason);
    print_line(&line);
}

void jit_note_dropped(JitStats *s, Function *f, const char *reason)
{
    f->native_bytes = 0;
    LOG(s->log, JIT_COMPILE, DEBUG, "JIT code dropped", function_field(s, f->name),
        LOG_TEXT("reason", reason, strlen(reason)));
}

/* -- Exits -- */

static void log_exit(const JitStats *s, const BailoutSite *site, LogLevel level, const char *message,
                     Word found)
{
    Buf place = {0}, expected = {0}, value = {0};
    const char *reason = bailout_info(site->reason)->name, *op = op_info(site->op)->mnemonic;
    put_place(s, &site->span, true, &place);
    kinds_print(site->expected, &expected);
    if (!word_is_nil(found)) atom_print(&s->rt->names, found, &value);
    const LogField fields[] = {
        LOG_INT("bailout_ip", site->ip),
        LOG_TEXT("reason", reason, strlen(reason)),
        function_field(s, site->function),
        LOG_TEXT("op", op, strlen(op)),
        LOG_TEXT("at", place.data ? place.data + 1 : "", place.len ? place.len - 1 : 0),
        LOG_TEXT("expected", expected.data, expected.len),
        LOG_TEXT("found", value.data, value.len),
    };
    log_event(s->log, LOG_TARGET_JIT_EXECUTE, level, message, fields, COUNT_OF(fields), __FILE__, __LINE__);
    buf_free(&place);
    buf_free(&expected);
    buf_free(&value);
}

static void print_bailout(const JitStats *s, const BailoutSite *site, Word found)
{
    Buf line = {0};
    buf_puts(&line, "bailout ");
    put_function(s, site->function, site->arity, &line);
    buf_printf(&line, " +0x%" PRIx32, site->ip);
    put_place(s, &site->span, true, &line);
    buf_printf(&line, " %s reason=%s", op_info(site->op)->mnemonic, bailout_info(site->reason)->name);
    if (site->expected) {
        buf_puts(&line, " expected=");
        kinds_print(site->expected, &line);
    }
    if (!word_is_nil(found)) {
        buf_puts(&line, " got=");
        kinds_print((KindSet)(1u << value_kind(found)), &line);
    }
    buf_printf(&line, " #%" PRIu64, site->count);
    print_line(&line);
}

void jit_note_bailout(JitStats *s, const Chunk *c, uint32_t ip, BailoutReason reason, Word found,
                      KindSet expected)
{
    uint32_t id = bailout_site(&s->native, c, ip, reason, expected);
    bailout_count(&s->native, id, found);
    const BailoutSite *site = &s->native.sites.data[id];
    if (log_on(s->log, LOG_TARGET_JIT_EXECUTE, LOG_WARN)) log_exit(s, site, LOG_WARN, "JIT bailout", found);
    if (s->verbose) print_bailout(s, site, found);
}

static void print_verdict(const JitStats *s, const Chunk *c, uint32_t ip, const char *what, const char *guess)
{
    Buf line = {0};
    buf_printf(&line, "%s ", what);
    put_function(s, c->name, c->arity, &line);
    buf_printf(&line, " +0x%" PRIx32, ip);
    put_place(s, chunk_place(c, ip), true, &line);
    buf_printf(&line, " %s", op_info(c->code.data[ip])->mnemonic);
    if (*guess) buf_printf(&line, " guess=%s", guess);
    print_line(&line);
}

void jit_note_verdict(JitStats *s, const Chunk *c, uint32_t ip, GuessVerdict verdict, Guess dropped)
{
    bool again = verdict == GUESS_RETRY;
    const char *what = again ? "recompile without the guess" : "give up", *guess = guess_name(dropped);
    const char *op = op_info(c->code.data[ip])->mnemonic;
    if (again)
        s->recompilations++;
    else
        s->given_up++;
    LOG(s->log, JIT_COMPILE, DEBUG, what, function_field(s, c->name), LOG_INT("bailout_ip", ip),
        LOG_TEXT("op", op, strlen(op)), LOG_TEXT("guess", guess, strlen(guess)));
    if (s->verbose) print_verdict(s, c, ip, again ? "recompile" : "give-up", guess);
}

void jit_note_exit(JitStats *s, const Chunk *c, uint32_t ip, BailoutReason reason, Word found)
{
    uint32_t id = bailout_site(&s->bytecode, c, ip, reason, 0);
    bailout_count(&s->bytecode, id, found);
    if (log_on(s->log, LOG_TARGET_JIT_EXECUTE, LOG_TRACE))
        log_exit(s, &s->bytecode.sites.data[id], LOG_TRACE, "Bailout to the interpreter", found);
}

/* -- Native code entered and left -- */

void jit_note_entry(JitStats *s, const Chunk *c, const void *at)
{
    if (!log_on(s->log, LOG_TARGET_JIT_EXECUTE, LOG_TRACE)) return;
    char pointer[32];
    snprintf(pointer, sizeof pointer, "%p", at);
    LOG(s->log, JIT_EXECUTE, TRACE, "JIT entry", LOG_TEXT("native_ptr", pointer, strlen(pointer)),
        LOG_INT("chunk_id", c->id), function_field(s, c->name));
}

void jit_note_completed(JitStats *s, uint64_t results)
{
    LOG(s->log, JIT_EXECUTE, TRACE, "JIT completed", LOG_INT("results_count", results));
}
