/* Values: short texts, variables by name, evaluation on the side. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "debug/state.h"

/* -- Texts -- */

typedef struct Open {
    Word expr;
    uint32_t next;
} Open;

void print_short(Runtime *rt, Word w, size_t limit, Buf *out)
{
    VEC(Open) open = {0};
    size_t end = out->len + limit;
    w = atom_deref(w);
    for (;;) {
        if (atom_is_cons(w) && out->len < end) {
            Open e = {w, 0};
            buf_putc(out, '(');
            vec_push(&open, e);
        } else if (atom_is_cons(w)) {
            buf_puts(out, "...");
        } else {
            rt_print(rt, w, out);
        }
        while (open.len && (vec_last(&open).next == expr_len(vec_last(&open).expr) || out->len >= end)) {
            if (vec_last(&open).next < expr_len(vec_last(&open).expr)) buf_puts(out, " ...");
            buf_putc(out, ')');
            open.len--;
        }
        if (open.len == 0) break;
        Open *e = &vec_last(&open);
        if (e->next > 0) buf_putc(out, ' ');
        w = atom_deref(expr_at(e->expr, e->next++));
    }
    vec_free(&open);
}

/* -- Variables -- */

static Word named_value(void *context, Heap *h, Word var)
{
    const Bindings *bindings = context;
    (void)h;
    if (!word_is_cell(var)) return var;
    for (size_t i = 0; i < bindings->len; i++)
        if (bindings->data[i].name == word_obj(var)->len) return bindings->data[i].value;
    return var;
}

Word apply_names(Runtime *rt, Word w, const Bindings *bindings)
{
    Bindings copy = *bindings; /* the map takes what it may write */
    return atom_map_vars(&rt->heap, w, named_value, &copy);
}

/* -- Evaluation -- */

/* Conditions are evaluated on the spare machine, unless it is at work. */
void evaluate(Debugger *d, Word atom, QueryResults *out)
{
    Runtime *rt = d->rt;
    bool busy = d->busy, asking = rt->debug.asking;
    if (!d->spare.stack && !machine_init(&d->spare, rt, STACK_RESERVE)) return;
    d->busy = rt->debug.asking = true;
    if (busy)
        interp_eval(rt, rt->top->scope, atom, out);
    else
        interp_eval_on(&d->spare, rt->top->scope, atom, out);
    if (out->aborted) rt->limits.interrupted = 0;
    d->busy = busy;
    rt->debug.asking = asking;
}

/* In the child process: its results go to FD. */
static _Noreturn void evaluate_in_child(Debugger *d, Word atom, int fd)
{
    enum { SECONDS = 10 };
    QueryResults results = {0};
    Buf text = {0};
    d->rt->limits.deadline_ns = base_now_ns() + SECONDS * UINT64_C(1000000000);
    evaluate(d, atom, &results);
    for (size_t i = 0; i < results.atoms.len; i++) {
        rt_print(d->rt, results.atoms.data[i], &text);
        buf_putc(&text, '\n');
    }
    for (size_t at = 0; at < text.len;) {
        ssize_t n = write(fd, text.data + at, text.len - at);
        if (n <= 0) break;
        at += (size_t)n;
    }
    fflush(NULL);
    _exit(0);
}

static void read_all(int fd, Buf *out)
{
    char block[4096];
    ssize_t n;
    while ((n = read(fd, block, sizeof block)) > 0) buf_put(out, block, (size_t)n);
}

bool evaluate_apart(Debugger *d, Word atom, Buf *out)
{
    int ends[2], status;
    fflush(NULL);
    if (pipe(ends) != 0) return false;
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        evaluate_in_child(d, atom, ends[1]);
    }
    close(ends[1]);
    if (child > 0) {
        read_all(ends[0], out);
        waitpid(child, &status, 0);
    }
    close(ends[0]);
    return child > 0;
}
