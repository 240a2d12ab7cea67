/* The flight recorder: the last events, and where the last errors were made. */
#include <stdio.h>

#include "vm/frame.h"

#include "debug/state.h"

static const char *const port_names[] = {
#define PORT(id, name, meaning) name,
#include "debug/ports.inc"
#undef PORT
};

void record(Debugger *d, Port port, uint64_t number, uint32_t depth, Word goal, Word value)
{
    Record *r = &d->records[d->recorded++ % RECORDS];
    Buf text = {0};
    if (!word_is_nil(goal)) print_short(d->rt, goal, RECORD_TEXT / 2, &text);
    if (!word_is_nil(value)) {
        buf_puts(&text, " => ");
        print_short(d->rt, value, RECORD_TEXT / 3, &text);
    }
    *r = (Record){.port = (uint8_t)port, .depth = depth, .number = number};
    snprintf(r->text, sizeof r->text, "%s", buf_cstr(&text));
    buf_free(&text);
}

void recorder_print(Debugger *d, Buf *out)
{
    uint64_t first = d->recorded > RECORDS ? d->recorded - RECORDS : 0;
    for (uint64_t i = first; i < d->recorded; i++) {
        const Record *r = &d->records[i % RECORDS];
        buf_printf(out, "%llu  [%llu] %-5s %u  %s\n", (unsigned long long)i + 1,
                   (unsigned long long)r->number, port_names[r->port], r->depth, r->text);
    }
}

/* -- Errors -- */

enum { TRACED_ERRORS = 32, TRACED_CALLS = 12, TRACED_TEXT = 80 };

static void end_with_place(Debugger *d, const Span *place, Buf *out)
{
    if (place->line && place->file < d->rt->files.len)
        buf_printf(out, "  %s:%u:%u", d->rt->files.data[place->file], place->line, place->column);
    buf_putc(out, '\n');
}

/* A line for A, unless it belongs to the library. */
static void print_activation(Debugger *d, const Activation *a, Buf *out)
{
    Site site;
    Bindings none = {0};
    site_of(d, a, &site, &none);
    vec_free(&none);
    const Module *m = site.space ? rt_module_of(d->rt, site.space) : NULL;
    if (m && m->builtin) return;
    buf_puts(out, "  in ");
    if (!word_is_nil(site.goal))
        print_short(d->rt, site.goal, TRACED_TEXT, out);
    else
        buf_puts(out, a->head == NO_HEAD ? "the query" : sym_text(d->rt->symbols, a->head, NULL));
    end_with_place(d, &site.place, out);
}

static void print_trace(Debugger *d, Machine *m, Word goal, Buf *out)
{
    d->machine = m;
    if (atom_is_cons(goal)) {
        Span place = call_place(d, m, goal);
        buf_puts(out, "  at ");
        print_short(d->rt, goal, TRACED_TEXT, out);
        end_with_place(d, &place, out);
    }
    Walk w = walk_begin(d, atom_is_cons(goal) ? goal : WORD_NIL);
    w.elided = false;
    Activation a;
    size_t n = 0;
    while (n++ < TRACED_CALLS && walk_next(&w, &a)) print_activation(d, &a, out);
    if (n > TRACED_CALLS) buf_puts(out, "  ...\n");
}

void record_error(Debugger *d, Machine *m, Word error)
{
    if (d->errors.len >= TRACED_ERRORS) return;
    Buf text = {0};
    Word goal = expr_len(error) > 1 ? atom_deref(expr_at(error, 1)) : WORD_NIL;
    print_trace(d, m, goal, &text);
    ErrorTrace trace = {error, base_strndup(text.data ? text.data : "", text.len)};
    vec_push(&d->errors, trace);
    buf_free(&text);
}

const char *error_trace(Debugger *d, Word error)
{
    for (size_t i = d->errors.len; i > 0; i--)
        if (atom_alpha_equal(d->errors.data[i - 1].error, error)) return d->errors.data[i - 1].text;
    return NULL;
}

void forget_errors(Debugger *d)
{
    while (d->errors.len) base_free(vec_pop(&d->errors).text);
}
