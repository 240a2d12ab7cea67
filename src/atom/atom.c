#include "atom/atom.h"

#include "atom/num.h"

/* -- Building -- */

void expr_seal(Word expr)
{
    Obj *o = word_obj(expr);
    for (uint32_t i = 0; i < o->len; i++)
        if (!item_is_ground(o->body[i])) return;
    o->flags |= OBJ_GROUND;
}

Word atom_expr(Heap *h, const Word *items, uint32_t n)
{
    if (n == 0) return WORD_UNIT;
    Word *body;
    Word w = atom_expr_open(h, n, &body);
    memcpy(body, items, n * sizeof(Word));
    expr_seal(w);
    return w;
}

Word atom_expr2(Heap *h, Word a, Word b)
{
    const Word items[] = {a, b};
    return atom_expr(h, items, 2);
}

Word atom_expr3(Heap *h, Word a, Word b, Word c)
{
    const Word items[] = {a, b, c};
    return atom_expr(h, items, 3);
}

Word atom_expr4(Heap *h, Word a, Word b, Word c, Word d)
{
    const Word items[] = {a, b, c, d};
    return atom_expr(h, items, 4);
}

Word atom_str(Heap *h, const char *text, size_t len)
{
    if (len > UINT32_MAX) base_fatal("string of %zu bytes is too long", len);
    size_t words = (len + sizeof(Word) - 1) / sizeof(Word);
    /* At least one body word: the collector leaves a forwarding address there. */
    Obj *o = heap_obj(h, OBJ_STR, 0, (uint32_t)len, words ? words : 1);
    o->body[words ? words - 1 : 0] = 0;
    if (len) memcpy(o->body, text, len);
    return word_from_ptr(TAG_HEAP, o);
}

/* -- Walking --
 *
 * The walks below keep their own stack of spans of words still to visit. */

typedef VEC(const Word *) SpanStack; /* pairs: next, end */

static void span_push(SpanStack *s, const Word *from, const Word *end)
{
    if (from == end) return;
    vec_push(s, from);
    vec_push(s, end);
}

static bool span_next(SpanStack *s, Word *out)
{
    if (s->len == 0) return false;
    const Word *p = s->data[s->len - 2];
    *out = *p++;
    if (p == s->data[s->len - 1])
        s->len -= 2;
    else
        s->data[s->len - 2] = p;
    return true;
}

bool atom_is_ground(Word w)
{
    w = atom_deref(w);
    if (!atom_is_cons(w)) return !word_is_var(w);
    if (expr_is_ground(w)) return true;
    SpanStack todo = {0};
    bool ground = true;
    do {
        w = atom_deref(w);
        if (word_is_var(w))
            ground = false;
        else if (atom_is_cons(w) && !expr_is_ground(w))
            span_push(&todo, expr_items(w), expr_items(w) + expr_len(w));
    } while (ground && span_next(&todo, &w));
    vec_free(&todo);
    return ground;
}

/* -- Resolving -- */

/* An expression being copied: the source, the copy and how far it got. */
typedef struct CopyFrame {
    const Word *source;
    Word copy;
    uint32_t at;
    bool changed;
} CopyFrame;
/* On the C stack while few expressions are open, which spares most copies an allocation. */
enum { COPIES_INLINE = 12 };
typedef SMALL_VEC(CopyFrame, COPIES_INLINE) CopyStack;

/* FLAGS: those that the copy gets of the expression. */
static void copy_enter(Heap *h, CopyStack *s, Word expr, unsigned flags)
{
    Word *items;
    CopyFrame f = {expr_items(expr), atom_expr_open(h, expr_len(expr), &items), 0, false};
    word_obj(f.copy)->flags = (uint8_t)(word_obj(expr)->flags & flags);
    small_push(s, f);
}

Word atom_map_vars(Heap *h, Word w, VarMap map, void *context)
{
    w = atom_deref(w);
    if (word_is_var(w) && map) return map(context, h, w);
    if (!atom_is_cons(w) || expr_is_ground(w)) return w;
    CopyStack stack;
    unsigned flags = map ? OBJ_WRITTEN : 0;
    small_init(&stack);
    copy_enter(h, &stack, w, flags);
    Word done = WORD_NIL;
    while (stack.len) {
        CopyFrame *f = &vec_last(&stack);
        if (!word_is_nil(done)) {
            f->changed |= done != f->source[f->at];
            expr_items(f->copy)[f->at++] = done;
            done = WORD_NIL;
        }
        if (f->at == expr_len(f->copy)) {
            expr_seal(f->copy);
            done = f->copy;
            /* Keep the original (and its flags) when nothing under it was bound. */
            if (!f->changed && !expr_is_ground(done))
                done = word_from_ptr(TAG_HEAP, (const char *)f->source - offsetof(Obj, body));
            stack.len--;
            continue;
        }
        Word item = atom_deref(f->source[f->at]);
        if (atom_is_cons(item) && !expr_is_ground(item))
            copy_enter(h, &stack, item, flags);
        else
            done = word_is_var(item) && map ? map(context, h, item) : item;
    }
    small_free(&stack);
    return done;
}

Word atom_resolve(Heap *h, Word w)
{
    return atom_map_vars(h, w, NULL, NULL);
}

/* -- Comparing -- */

static bool leaf_equal(Word a, Word b)
{
    if (a == b) return a != WORD_NAN;
    if (word_is_heap(a) && word_is_heap(b)) {
        const Obj *x = word_obj(a), *y = word_obj(b);
        if (x->kind == OBJ_STR && y->kind == OBJ_STR)
            return x->len == y->len && memcmp(x->body, y->body, x->len) == 0;
    }
    if (num_is(a) && num_is(b)) return num_compare(a, b) == 0;
    if (word_is_ext(a) && word_is_ext(b)) {
        const Ext *x = word_ext(a), *y = word_ext(b);
        return x->type == y->type && x->type->equal && x->type->equal(x, y);
    }
    return false;
}

static bool binds_equal(Word a, Word b)
{
    return word_is_heap(a) && word_is_heap(b) && word_obj(a)->kind == OBJ_BINDS &&
           word_obj(b)->kind == OBJ_BINDS && word_obj(a)->len == word_obj(b)->len;
}

/* Pairs of variables declared equal by atom_alpha_equal: a, b, a, b, ... */
static bool same_renaming(WordVec *pairs, Word a, Word b)
{
    for (size_t i = 0; i < pairs->len; i += 2) {
        bool left = pairs->data[i] == a, right = pairs->data[i + 1] == b;
        if (left || right) return left && right;
    }
    vec_push(pairs, a);
    vec_push(pairs, b);
    return true;
}

/* Two external objects of one type with a content. */
static bool both_boxes(Word a, Word b)
{
    return word_is_ext(a) && word_is_ext(b) && word_ext(a)->type == word_ext(b)->type &&
           word_ext(a)->type->content;
}

static const Word *box_content(Word w)
{
    return word_ext(w)->type->content(word_ext(w));
}

enum { COMPARE_MAX_BOXES = 1000000 };

/* RENAMING is NULL for plain equality. */
static bool compare(Word a, Word b, WordVec *renaming)
{
    SpanStack left = {0}, right = {0};
    bool equal = true;
    uint32_t boxes = 0;
    do {
        a = atom_deref(a);
        b = atom_deref(b);
        if (renaming && word_is_var(a) && word_is_var(b)) {
            equal = same_renaming(renaming, a, b);
            continue;
        }
        if (a == b && (!renaming || !word_is_heap(a) || (atom_is_cons(a) && expr_is_ground(a)))) {
            equal = a != WORD_NAN;
            continue;
        }
        bool compound = (atom_is_cons(a) && atom_is_cons(b)) || binds_equal(a, b);
        if (both_boxes(a, b)) {
            /* A box may contain itself: then there is an end to looking into it. */
            equal = ++boxes < COMPARE_MAX_BOXES;
            span_push(&left, box_content(a), box_content(a) + 1);
            span_push(&right, box_content(b), box_content(b) + 1);
        } else if (compound) {
            equal = expr_len(a) == expr_len(b);
            span_push(&left, expr_items(a), expr_items(a) + expr_len(a));
            span_push(&right, expr_items(b), expr_items(b) + expr_len(b));
        } else {
            equal = leaf_equal(a, b);
        }
    } while (equal && span_next(&left, &a) && span_next(&right, &b));
    vec_free(&left);
    vec_free(&right);
    return equal;
}

/* Do two expressions differ in length, or in the symbols that head them?  Most that differ do. */
static bool differ_at_once(Word a, Word b)
{
    if (expr_len(a) != expr_len(b)) return true;
    Word x = atom_deref(expr_at(a, 0)), y = atom_deref(expr_at(b, 0));
    return word_is_sym(x) && word_is_sym(y) && x != y;
}

bool atom_equal(Word a, Word b)
{
    a = atom_deref(a);
    b = atom_deref(b);
    if (atom_is_cons(a) && atom_is_cons(b)) {
        if (differ_at_once(a, b)) return false;
    } else if (!binds_equal(a, b) && !both_boxes(a, b)) {
        return leaf_equal(a, b);
    }
    return compare(a, b, NULL);
}

bool atom_alpha_equal(Word a, Word b)
{
    WordVec renaming = {0};
    bool equal = compare(a, b, &renaming);
    vec_free(&renaming);
    return equal;
}

static uint64_t leaf_hash(Word w)
{
    if (word_is_var(w)) return 0x5bd1e995;
    if (num_is(w)) return num_hash(w);
    if (atom_is_str(w)) {
        size_t len;
        const char *text = str_text(w, &len);
        return base_hash(text, len);
    }
    /* External objects may be equal without being identical, so only their type counts. */
    if (word_is_ext(w)) return base_hash_word((uintptr_t)word_ext(w)->type);
    if (word_is_heap(w)) return word_obj(w)->kind;
    return base_hash_word(w);
}

uint64_t atom_hash(Word w)
{
    SpanStack todo = {0};
    uint64_t hash = 0;
    do {
        w = atom_deref(w);
        if (atom_is_cons(w)) {
            hash = base_hash_mix(hash, expr_len(w) + 0x10000);
            span_push(&todo, expr_items(w), expr_items(w) + expr_len(w));
        } else {
            hash = base_hash_mix(hash, leaf_hash(w));
        }
    } while (span_next(&todo, &w));
    vec_free(&todo);
    return hash;
}

Word atom_metatype(Word w)
{
    w = atom_deref(w);
    if (word_is_var(w)) return W_SYM(T_VARIABLE);
    if (word_is_sym(w)) return W_SYM(T_SYMBOL);
    if (atom_is_expr(w)) return W_SYM(T_EXPRESSION);
    return W_SYM(T_GROUNDED);
}
