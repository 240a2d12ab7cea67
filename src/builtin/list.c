#include "builtin/bodies.h"
#include "builtin/multiset.h"

#include <math.h>

/* Any number as a 64-bit integer, floats truncated; false when it is out of range. */
static bool int_of(Word w, int64_t *value)
{
    if (num_kind(w) == NUM_INT) {
        *value = num_int(w);
        return true;
    }
    double d = trunc(num_to_double(w));
    if (!(d >= -0x1p63 && d < 0x1p63)) return false;
    *value = (int64_t)d;
    return true;
}

static void append_items(Word expr, WordVec *items)
{
    for (uint32_t i = 0; i < expr_len(expr); i++) vec_push(items, expr_at(expr, i));
}

/* The expression of ITEMS, which are freed, as the result. */
static BiStatus give_items(Runtime *rt, WordVec *items, Word *out)
{
    *out = atom_expr(&rt->heap, items->data, (uint32_t)items->len);
    vec_free(items);
    return BI_OK;
}

static BiStatus fail_with_string(Runtime *rt, const char *message, Word *out)
{
    *out = atom_str(&rt->heap, message, strlen(message));
    return BI_ERROR;
}

static Word tail_of(Runtime *rt, Word expr)
{
    assert(atom_is_cons(expr));
    return atom_expr(&rt->heap, expr_items(expr) + 1, expr_len(expr) - 1);
}

static BiStatus fail_not_numbers(Runtime *rt, Word expr, Word *out)
{
    Buf text = {0};
    BiStatus status =
        bi_fail(rt, out, "Only numbers are allowed in expression: %s", bi_text(rt, expr, &text));
    buf_free(&text);
    return status;
}

/* The smallest (SIDE -1) or greatest (SIDE 1) number of an expression; NaN items do not count. */
static BiStatus extreme(Runtime *rt, Word expr, int side, Word *out)
{
    if (!atom_is_expr(expr)) return bi_fail_not_expr(rt, out);
    if (expr == WORD_UNIT) return bi_fail(rt, out, "Empty expression");
    double best = -side * INFINITY;
    for (uint32_t i = 0; i < expr_len(expr); i++) {
        Word item = atom_deref(expr_at(expr, i));
        if (!num_is(item)) return fail_not_numbers(rt, expr, out);
        double d = num_to_double(item);
        if (side < 0 ? d < best : d > best) best = d;
    }
    *out = word_double(best);
    return BI_OK;
}

/* The items of ARG[0] that ARG[1] has (COMMON) or lacks, each copy of ARG[1] counting once. */
static BiStatus select_items(Runtime *rt, const Word *arg, bool common, Word *out)
{
    if (!atom_is_expr(arg[0]) || !atom_is_expr(arg[1])) return bi_fail_not_expr(rt, out);
    Multiset other;
    WordVec kept = {0};
    multiset_init(&other, false);
    for (uint32_t i = 0; i < expr_len(arg[1]); i++) multiset_entry(&other, expr_at(arg[1], i))->count++;
    for (uint32_t i = 0; i < expr_len(arg[0]); i++) {
        Word item = expr_at(arg[0], i);
        MultisetEntry *e = multiset_find(&other, item);
        bool has = e && e->count > 0;
        if (has) e->count--;
        if (has == common) vec_push(&kept, item);
    }
    multiset_free(&other);
    return give_items(rt, &kept, out);
}

/* (chain (metta OPERATION %Undefined% SPACE) $x (eval (_minimal-foldl-atom TAIL $x ...))), where the variables of the
 * operation are those of this step only. */
static Word fold_step(Runtime *rt, const Word *arg)
{
    assert(atom_is_cons(arg[0]) && word_is_cell(arg[2]) && word_is_cell(arg[3]));
    Heap *h = &rt->heap;
    const Word own[] = {arg[2], arg[3]};
    Word step = rename_apart(h, arg[4], own, 2);
    step = substitute(h, step, arg[2], arg[1]);
    step = substitute(h, step, arg[3], atom_deref(expr_at(arg[0], 0)));
    Word value = atom_new_var(h, sym_intern_cstr(rt->symbols, "x"), 0);
    const Word next[] = {
        word_op(BI_minimal_foldl_atom), tail_of(rt, arg[0]), value, arg[2], arg[3], arg[4], arg[5]};
    Word run = atom_expr4(h, W_SYM(METTA), step, W_SYM(UNDEFINED), arg[5]);
    Word again = atom_expr2(h, rt_sym(rt, "eval"), atom_expr(h, next, COUNT_OF(next)));
    return atom_expr4(h, rt_sym(rt, "chain"), run, value, again);
}

/* The value of a variable in a set of bindings. */
static Word bound_value(void *context, Heap *h, Word var)
{
    const Obj *binds = context;
    (void)h;
    assert(binds->kind == OBJ_BINDS && binds->len % 2 == 0);
    for (uint32_t i = 0; i + 1 < binds->len; i += 2)
        if (binds->body[i] == var) return binds->body[i + 1];
    return var;
}

#include "builtin/list.inc"
