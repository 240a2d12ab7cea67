/* The machine: frames and choice points, protection, restoring, what a collection visits, trimming of the trail. */
#include "rt/machine.h"
#include "unit.h"

enum { STACK = 1 << 26 };

typedef struct Fixture {
    Runtime *rt;
    Machine m;
    WordVec cells; /* all variables that exist now, a root */
} Fixture;

static void visit_roots(void *context, Heap *h, bool major)
{
    Fixture *f = context;
    heap_visit_range(h, f->cells.data, f->cells.len);
    machine_trace(&f->m, h, major);
    machine_trace_trail(&f->m, h, major);
}

static void setup(Fixture *f)
{
    memset(f, 0, sizeof *f);
    f->rt = base_calloc(1, sizeof *f->rt);
    CHECK(heap_init(&f->rt->heap, visit_roots, f));
    bind_init(&f->rt->bind, &f->rt->heap);
    CHECK(machine_init(&f->m, f->rt, STACK));
}

static void teardown(Fixture *f)
{
    machine_fini(&f->m);
    bind_fini(&f->rt->bind);
    heap_fini(&f->rt->heap);
    vec_free(&f->cells);
    base_free(f->rt);
}

static Word new_cell(Fixture *f)
{
    Word cell = atom_new_var(&f->rt->heap, SYM_EMPTY, 0);
    vec_push(&f->cells, cell);
    return cell;
}

static bool is_unbound(Word cell)
{
    return word_is_nil(word_obj(cell)->body[0]);
}

static Word boxed(Fixture *f, uint64_t n)
{
    return atom_expr2(&f->rt->heap, word_int48((int64_t)n), WORD_UNIT);
}

static uint64_t unboxed(Word w)
{
    return atom_is_cons(w) ? (uint64_t)word_int48_get(expr_at(w, 0)) : 0;
}

static void test_start(void)
{
    Fixture f;
    setup(&f);
    Machine *m = &f.m;
    CHECK(m->frame->kind == FRAME_TOP && m->frame->parent == NULL && m->choice->kind == CHOICE_BOTTOM &&
          !m->choice->prev);
    CHECK(machine_protects(m, m->frame)); /* nobody changes the bottom */
    CHECK(machine_has_room(m, STACK / 2) && !machine_has_room(m, STACK) &&
          !machine_has_room(m, SIZE_MAX / 2));
    size_t bytes = machine_stack_bytes(m);
    Frame *a = machine_push(m, FRAME_ARGS, 0, 3);
    CHECK(machine_stack_bytes(m) == bytes + sizeof(Frame) + 3 * sizeof(Word));
    CHECK(m->frame == a && a->kind == FRAME_ARGS && a->parent->kind == FRAME_TOP && a->count == 3);
    CHECK(word_is_nil(a->slot[0]) && word_is_nil(a->slot[2]) && !machine_protects(m, a));
    CHECK(machine_own(m, a) == a);
    m->frame = a->parent;
    CHECK(machine_stack_bytes(m) == bytes);
    CHECK(machine_push(m, FRAME_CHAIN, 0, 0) == a && a->kind == FRAME_CHAIN && a->count == 0);
    teardown(&f);
}

static void test_protection(void)
{
    Fixture f;
    setup(&f);
    Machine *m = &f.m;
    Frame *a = machine_push(m, FRAME_ARGS, FF_GOAL, 2);
    a->slot[SLOT_HELD] = WORD_TRUE;
    a->slot[1] = word_int48(1);
    a->flags |= FF_SUCCEEDED;
    a->index = 7;
    a->depth = m->depth = 3;
    Frame *b = machine_push(m, FRAME_CHAIN, 0, 1);
    b->slot[0] = word_int48(10);
    Choice *c = machine_choice(m, CHOICE_LIST, 1);
    CHECK(machine_protects(m, a) && machine_protects(m, b) && c->frame == b && c->depth == 3 &&
          word_is_nil(c->slot[0]));
    Frame *above = machine_push(m, FRAME_MAP, 0, 1);
    CHECK(!machine_protects(m, above) && (char *)above == c->top && above->parent == b);
    /* The copy of a goal starts without errors held and without success; the original does not change. */
    m->frame = a;
    m->depth = 1;
    Frame *copy = machine_own(m, a);
    CHECK(copy != a && m->frame == copy && (char *)copy == c->top && copy->parent == a->parent &&
          copy->depth == 3);
    CHECK(word_is_nil(copy->slot[SLOT_HELD]) && copy->slot[1] == word_int48(1) && copy->index == 7);
    CHECK(copy->flags == FF_GOAL && a->flags == (FF_GOAL | FF_SUCCEEDED) && a->slot[SLOT_HELD] == WORD_TRUE);
    CHECK(machine_own(m, copy) == copy);
    copy->slot[1] = word_int48(2);
    machine_restore(m, c);
    CHECK(m->frame == b && m->depth == 3 && a->slot[1] == word_int48(1) && b->parent == a &&
          b->slot[0] == word_int48(10));
    machine_drop(m, c);
    CHECK(m->choice->kind == CHOICE_BOTTOM && !machine_protects(m, b) && machine_own(m, b) == b);
    teardown(&f);
}

/* A choice point is placed above the frame even when older frames are current again. */
static void test_placement(void)
{
    Fixture f;
    setup(&f);
    Machine *m = &f.m;
    Frame *a = machine_push(m, FRAME_ARGS, 0, 1);
    Choice *first = machine_choice(m, CHOICE_LIST, 0);
    m->frame = a->parent;
    Choice *second = machine_choice(m, CHOICE_LIST, 4);
    CHECK((char *)second == first->top && second->prev == first && second->frame == a->parent);
    Frame *b = machine_push(m, FRAME_ARGS, 0, 1);
    CHECK((char *)b == second->top && b->parent == a->parent);
    machine_restore(m, second);
    machine_drop(m, second);
    machine_restore(m, first);
    CHECK(m->frame == a && m->rt->bind.keep == first->keep);
    teardown(&f);
}

/* -- The trail -- */

static void test_bindings(void)
{
    Fixture f;
    setup(&f);
    Machine *m = &f.m;
    Bind *b = &f.rt->bind;
    Word old = new_cell(&f);
    Choice *c = machine_choice(m, CHOICE_LIST, 0);
    Word young = new_cell(&f);
    bind_cell(b, old, WORD_TRUE);
    bind_cell(b, young, WORD_TRUE);
    CHECK(b->trail.len == 1 && b->keep == c->keep);
    machine_restore(m, c);
    CHECK(is_unbound(old) && b->trail.len == 0);
    /* Committing keeps the bindings; an older choice point undoes them still. */
    Choice *d = machine_choice(m, CHOICE_LIST, 0);
    bind_cell(b, old, WORD_FALSE);
    machine_drop(m, d);
    CHECK(atom_deref(old) == WORD_FALSE && b->keep == c->keep && b->trail.len == 1);
    machine_restore(m, c);
    CHECK(is_unbound(old));
    machine_drop(m, c);
    CHECK(b->keep == m->choice->keep);
    teardown(&f);
}

/* Entries that no choice point needs go at a collection; marks of choice points move down with them. */
static void test_trimming(bool major)
{
    Fixture f;
    setup(&f);
    Machine *m = &f.m;
    Bind *b = &f.rt->bind;
    Heap *h = &f.rt->heap;
    for (int i = 0; i < 5; i++) new_cell(&f); /* 0 - 4: older than all */
    heap_collect(h, false);                   /* old objects: all their bindings are recorded */
    bind_cell(b, f.cells.data[0], boxed(&f, 100));
    CHECK(b->trail.len == 1);
    Choice *one = machine_choice(m, CHOICE_LIST, 0);
    new_cell(&f); /* 5: younger than one */
    bind_cell(b, f.cells.data[1], boxed(&f, 101));
    Choice *two = machine_choice(m, CHOICE_LIST, 0);
    Choice *three = machine_choice(m, CHOICE_LIST, 0);
    bind_cell(b, f.cells.data[5], boxed(&f, 105));
    bind_cell(b, f.cells.data[2], boxed(&f, 102));
    CHECK(b->trail.len == 4 && one->trail == 1 && two->trail == 2 && three->trail == 2);
    heap_collect(h, major);
    /* The first entry was there for the collector only. */
    CHECK(b->trail.len == 3 && one->trail == 0 && two->trail == 1 && three->trail == 1 && b->scanned == 3);
    for (uint64_t i = 0; i < 6; i++)
        CHECK(i == 3 || i == 4 ? is_unbound(f.cells.data[i])
                               : unboxed(atom_deref(f.cells.data[i])) == 100 + i);
    machine_drop(m, three);
    machine_drop(m, two); /* committed: 5 is younger than one */
    bind_cell(b, f.cells.data[3], boxed(&f, 103));
    heap_collect(h, false); /* looks at new entries only */
    CHECK(b->trail.len == 4);
    heap_collect(h, true);
    CHECK(b->trail.len == 3 && one->trail == 0);
    for (uint64_t i = 0; i < 6; i++)
        CHECK(i == 4 ? is_unbound(f.cells.data[i]) : unboxed(atom_deref(f.cells.data[i])) == 100 + i);
    machine_restore(m, one);
    CHECK(b->trail.len == 0 && b->scanned == 0 && unboxed(atom_deref(f.cells.data[0])) == 100);
    for (int i = 1; i < 5; i++) CHECK(is_unbound(f.cells.data[i]));
    teardown(&f);
}

/* Without choice points a loop leaves nothing on the trail. */
static void test_flat_trail(void)
{
    Fixture f;
    setup(&f);
    Bind *b = &f.rt->bind;
    size_t most = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        f.cells.len = 0;
        new_cell(&f);
        heap_collect(&f.rt->heap, i % 50 == 49);
        bind_cell(b, f.cells.data[0], boxed(&f, i));
        if (b->trail.len > most) most = b->trail.len;
    }
    CHECK_MSG(most <= 2, "%zu entries", most);
    teardown(&f);
}

/* Words in registers, frames, choice points and results follow their objects. */
static void test_roots(void)
{
    Fixture f;
    setup(&f);
    Machine *m = &f.m;
    m->atom = boxed(&f, 1);
    m->type = boxed(&f, 2);
    m->value = boxed(&f, 3);
    m->abort_cause = boxed(&f, 4);
    vec_push(&m->results, boxed(&f, 5));
    Frame *a = machine_push(m, FRAME_ARGS, 0, 2);
    a->slot[1] = boxed(&f, 6);
    Choice *c = machine_choice(m, CHOICE_LIST, 2);
    c->slot[1] = boxed(&f, 7);
    m->frame = a->parent; /* now only the choice point holds a */
    machine_push(m, FRAME_MAP, 0, 1)->slot[0] = boxed(&f, 8);
    for (int round = 0; round < 4; round++) {
        heap_collect(&f.rt->heap, round & 1);
        CHECK(unboxed(m->atom) == 1 && unboxed(m->type) == 2 && unboxed(m->value) == 3 &&
              unboxed(m->abort_cause) == 4);
        CHECK(unboxed(m->results.data[0]) == 5 && unboxed(a->slot[1]) == 6 && unboxed(c->slot[1]) == 7);
        CHECK(unboxed(m->frame->slot[0]) == 8 && !heap_in_nursery(&f.rt->heap, word_obj(a->slot[1])));
    }
    teardown(&f);
}

/* A million frames: a minor collection looks at the changed ones only, so that a deep recursion stays linear. */
static void test_depth(void)
{
    enum { DEPTH = 1000000, ROUNDS = 2000 };
    Fixture f;
    setup(&f);
    Machine *m = &f.m;
    machine_fini(m);
    CHECK(machine_init(m, f.rt, (size_t)1 << 30));
    for (uint64_t i = 0; i < DEPTH; i++) machine_push(m, FRAME_ARGS, 0, 1)->slot[0] = boxed(&f, i);
    uint64_t start = base_now_ns();
    for (int i = 0; i < ROUNDS; i++) {
        machine_own(m, m->frame)->slot[0] = boxed(&f, DEPTH - 1);
        heap_collect(&f.rt->heap, false);
    }
    CHECK_MSG(base_now_ns() - start < UINT64_C(5000000000), "collections visit all frames");
    heap_collect(&f.rt->heap, true);
    uint64_t n = DEPTH;
    const Frame *at = m->frame;
    while (at->parent && unboxed(at->slot[0]) == n - 1) n--, at = at->parent;
    CHECK(n == 0);
    teardown(&f);
}

/* -- Random runs against a model: frames that never change, states saved whole -- */

typedef struct ModelFrame {
    struct ModelFrame *parent, *next_made;
    uint32_t count;
    uint64_t value[4]; /* 0: nil */
} ModelFrame;

typedef struct ModelChoice {
    ModelFrame *frame;
    size_t cells;
    uint64_t *bound; /* per cell, 0: unbound */
    uint64_t value;
} ModelChoice;

typedef struct Model {
    ModelFrame *frame, *made;
    VEC(ModelChoice) choices;
    VEC(uint64_t) bound;
    uint64_t random;
    uint32_t wrong;
} Model;

static uint32_t below(Model *x, uint32_t n)
{
    return unit_below(&x->random, n);
}

static ModelFrame *model_frame(Model *x, ModelFrame *parent, uint32_t count)
{
    ModelFrame *made = base_calloc(1, sizeof *made);
    made->parent = parent;
    made->count = count;
    made->next_made = x->made;
    return x->made = made;
}

static void check_state(Fixture *f, Model *x)
{
    const ModelFrame *want = x->frame;
    const Frame *got = f->m.frame;
    for (; want && got->parent; want = want->parent, got = got->parent) {
        x->wrong += got->count != want->count;
        for (uint32_t i = 0; i < want->count; i++) x->wrong += unboxed(got->slot[i]) != want->value[i];
    }
    x->wrong += want || got->parent;
    x->wrong += f->cells.len != x->bound.len;
    for (size_t i = 0; i < x->bound.len && !x->wrong; i++) {
        Word cell = f->cells.data[i];
        x->wrong += x->bound.data[i] ? unboxed(atom_deref(cell)) != x->bound.data[i] : !is_unbound(cell);
    }
    const Choice *c = f->m.choice;
    size_t mark = f->rt->bind.trail.len;
    for (size_t i = x->choices.len; i > 0; i--, c = c->prev) {
        x->wrong += unboxed(c->slot[0]) != x->choices.data[i - 1].value || c->trail > mark;
        mark = c->trail;
    }
    x->wrong += f->rt->bind.scanned > f->rt->bind.trail.len || c->prev;
}

static void do_push(Fixture *f, Model *x)
{
    uint32_t count = below(x, 4) + 1;
    machine_push(&f->m, FRAME_ARGS, 0, count);
    x->frame = model_frame(x, x->frame, count);
}

static void do_pop(Fixture *f, Model *x)
{
    if (!x->frame) return;
    f->m.frame = f->m.frame->parent;
    x->frame = x->frame->parent;
}

static void do_change(Fixture *f, Model *x)
{
    if (!x->frame) return;
    ModelFrame *copy = model_frame(x, x->frame->parent, x->frame->count);
    memcpy(copy->value, x->frame->value, sizeof copy->value);
    uint32_t i = below(x, copy->count);
    copy->value[i] = below(x, 1000000) + 1;
    machine_own(&f->m, f->m.frame)->slot[i] = boxed(f, copy->value[i]);
    x->frame = copy;
}

static void do_bind(Fixture *f, Model *x)
{
    if (f->cells.len < 3 || below(x, 3) == 0) {
        new_cell(f);
        vec_push(&x->bound, 0);
        return;
    }
    size_t i = below(x, (uint32_t)f->cells.len);
    if (x->bound.data[i]) return;
    x->bound.data[i] = below(x, 1000000) + 1;
    bind_cell(&f->rt->bind, f->cells.data[i], boxed(f, x->bound.data[i]));
}

static void do_choice(Fixture *f, Model *x)
{
    ModelChoice c = {x->frame, x->bound.len, base_alloc(x->bound.len * sizeof(uint64_t)),
                     below(x, 1000000) + 1};
    if (c.cells) memcpy(c.bound, x->bound.data, c.cells * sizeof(uint64_t));
    vec_push(&x->choices, c);
    machine_choice(&f->m, CHOICE_LIST, 1)->slot[0] = boxed(f, c.value);
}

/* Leave the newest choice point: back to its state, or on with the present one. */
static void do_drop(Fixture *f, Model *x, bool restore)
{
    if (!x->choices.len) return;
    ModelChoice c = vec_last(&x->choices);
    if (restore) {
        x->frame = c.frame;
        x->bound.len = f->cells.len = c.cells;
        if (c.cells) memcpy(x->bound.data, c.bound, c.cells * sizeof(uint64_t));
        machine_restore(&f->m, f->m.choice);
        check_state(f, x);
        if (below(x, 2)) return;
    }
    base_free(c.bound);
    x->choices.len--;
    machine_drop(&f->m, f->m.choice);
}

static void step(Fixture *f, Model *x)
{
    switch (below(x, 12)) {
    case 0:
    case 1:
    case 2:
        do_push(f, x);
        break;
    case 3:
    case 4:
        do_pop(f, x);
        break;
    case 5:
    case 6:
        do_change(f, x);
        break;
    case 7:
    case 8:
        do_bind(f, x);
        break;
    case 9:
        do_choice(f, x);
        break;
    case 10:
        do_drop(f, x, below(x, 2));
        break;
    default:
        if (below(x, 4) == 0) heap_collect(&f->rt->heap, below(x, 5) == 0);
    }
}

static void test_random(uint64_t seed)
{
    enum { STEPS = 5000 };
    Fixture f;
    setup(&f);
    Model x = {.random = seed};
    for (int i = 0; i < STEPS && !x.wrong; i++) {
        step(&f, &x);
        if (i % 16 == 0) check_state(&f, &x);
    }
    while (x.choices.len && !x.wrong) do_drop(&f, &x, true);
    CHECK_MSG(x.wrong == 0, "seed %llu", (unsigned long long)seed);
    while (x.choices.len) base_free(vec_pop(&x.choices).bound);
    for (ModelFrame *m = x.made, *next; m; m = next) {
        next = m->next_made;
        base_free(m);
    }
    vec_free(&x.choices);
    vec_free(&x.bound);
    teardown(&f);
}

int main(void)
{
    test_start();
    test_protection();
    test_placement();
    test_bindings();
    test_trimming(false);
    test_trimming(true);
    test_flat_trail();
    test_roots();
    test_depth();
    for (uint64_t seed = 1; seed <= 100; seed++) test_random(seed);
    return unit_end();
}
