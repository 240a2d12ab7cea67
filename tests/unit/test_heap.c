/* The heap and its collector: what is reachable survives unchanged, what is not is gone. */
#include "atom/atom.h"
#include "atom/num.h"
#include "unit.h"

typedef struct Fixture {
    Heap heap;
    WordVec roots;
    size_t stored_seen;
    Obj *stored;
} Fixture;

static void visit_roots(void *context, Heap *h, bool major)
{
    Fixture *f = context;
    CHECK(major == h->major);
    heap_visit_range(h, f->roots.data, f->roots.len);
}

static void note_stored(void *context, Obj *o)
{
    Fixture *f = context;
    f->stored_seen++;
    f->stored = o;
}

static void setup(Fixture *f)
{
    memset(f, 0, sizeof *f);
    CHECK(heap_init(&f->heap, visit_roots, f));
    f->heap.stress = false; /* also in a build where it is on */
    f->heap.limit = f->heap.nursery.start + f->heap.nursery_size;
}

static void teardown(Fixture *f)
{
    heap_fini(&f->heap);
    vec_free(&f->roots);
}

static bool in_old(const Heap *h, const void *p)
{
    return (const char *)p >= h->old.start && (const char *)p < h->old_top;
}

static void test_start(void)
{
    Fixture f;
    setup(&f);
    Heap *h = &f.heap;
    CHECK(heap_bytes(h) == 0);
    CHECK(!heap_wants_safepoint(h));
    heap_interrupt(h);
    CHECK(heap_wants_safepoint(h));
    heap_collect(h, false);
    CHECK(!heap_wants_safepoint(h) && h->minor_count == 1 && h->major_count == 0);
    heap_collect(h, true);
    CHECK(h->minor_count == 1 && h->major_count == 1 && heap_bytes(h) == 0);
    /* A step that allocates much more than the nursery's size only makes the safepoint wanted. */
    size_t size = h->nursery_size * 20;
    memset(heap_alloc(h, size), 1, size);
    CHECK(heap_wants_safepoint(h) && heap_bytes(h) == size);
    heap_collect(h, false);
    CHECK(heap_bytes(h) == 0 && !heap_wants_safepoint(h));
    teardown(&f);
}

/* One object of every kind, moved by minor and major collections. */
static void test_kinds(void)
{
    Fixture f;
    setup(&f);
    Heap *h = &f.heap;
    Word big, factor = num_from_int(h, INT64_MIN);
    num_arith(h, NUM_MUL, factor, factor, &big);
    Word cell = atom_new_var(h, SYM_ERROR, OBJ_PLAIN);
    Word bound = atom_new_var(h, SYM_EMPTY, 0);
    word_obj(bound)->body[0] = atom_str(h, "value of a cell", 15);
    Obj *binds = heap_obj(h, OBJ_BINDS, 0, 2, 2);
    binds->body[0] = cell;
    binds->body[1] = atom_str(h, "12345678", 8);
    const Word items[] = {W_SYM(EMPTY),
                          WORD_UNIT,
                          cell,
                          bound,
                          WORD_TRUE,
                          word_double(2.5),
                          word_int48(-7),
                          big,
                          num_from_int(h, INT64_MAX),
                          atom_str(h, "nine byte", 9),
                          word_from_ptr(TAG_HEAP, binds),
                          word_slot(5),
                          word_char('x'),
                          word_op(3)};
    vec_push(&f.roots, atom_expr(h, items, COUNT_OF(items)));
    vec_push(&f.roots, cell);
    uint64_t hash = atom_hash(f.roots.data[0]), serial = var_serial(cell);
    for (int round = 0; round < 6; round++) {
        heap_collect(h, round & 1);
        Word e = f.roots.data[0];
        CHECK(in_old(h, word_obj(e)) && expr_len(e) == COUNT_OF(items) && !expr_is_ground(e));
        CHECK(atom_hash(e) == hash);
        CHECK(expr_at(e, 2) == f.roots.data[1]); /* one copy of what is shared */
        CHECK(word_is_cell(expr_at(e, 2)) && var_serial(expr_at(e, 2)) == serial);
        CHECK(word_obj(expr_at(e, 2))->len == SYM_ERROR && word_obj(expr_at(e, 2))->flags == OBJ_PLAIN);
        size_t len;
        const char *text = str_text(atom_deref(expr_at(e, 3)), &len);
        CHECK(len == 15 && memcmp(text, "value of a cell", 15) == 0);
        CHECK(num_int(expr_at(e, 8)) == INT64_MAX);
        CHECK(num_kind(expr_at(e, 7)) == NUM_BIG && num_to_double(expr_at(e, 7)) == 0x1p126);
        text = str_text(expr_at(e, 9), &len);
        CHECK(len == 9 && memcmp(text, "nine byte", 9) == 0);
        const Obj *moved = word_obj(expr_at(e, 10));
        CHECK(moved->kind == OBJ_BINDS && moved->len == 2 && moved->body[0] == f.roots.data[1]);
        CHECK(expr_at(e, 11) == word_slot(5) && expr_at(e, 6) == word_int48(-7));
        CHECK((uintptr_t)moved % sizeof(Word) == 0);
    }
    teardown(&f);
}

/* Objects without a body keep room for a forwarding address wherever they live: the neighbours of one must not suffer. */
static void test_empty_bodies(void)
{
    Fixture f;
    setup(&f);
    Heap *h = &f.heap;
    enum { COUNT = 40 };
    for (int i = 0; i < COUNT; i++) {
        vec_push(&f.roots, atom_str(h, "", 0));
        vec_push(&f.roots, atom_expr2(h, word_int48(i), atom_str(h, "", 0)));
        vec_push(&f.roots, word_from_ptr(TAG_HEAP, heap_obj(h, OBJ_BINDS, 0, 0, 1)));
        vec_push(&f.roots, word_int48(0));
    }
    for (int round = 0; round < 6; round++) {
        heap_collect(h, round % 3 != 0);
        bool ok = true;
        for (uint32_t i = 0; ok && i < COUNT; i++) {
            const Word *w = f.roots.data + (size_t)i * 4;
            ok = atom_is_str(w[0]) && word_obj(w[0])->len == 0 && atom_is_cons(w[1]) && expr_len(w[1]) == 2 &&
                 expr_at(w[1], 0) == word_int48(i) && atom_is_str(expr_at(w[1], 1)) &&
                 word_obj(expr_at(w[1], 1))->len == 0 && word_obj(w[2])->kind == OBJ_BINDS &&
                 word_obj(w[2])->len == 0;
        }
        CHECK_MSG(ok, "round %d", round);
        if (!ok) return; /* the heap is corrupt */
    }
    teardown(&f);
}

static void test_garbage(void)
{
    Fixture f;
    setup(&f);
    Heap *h = &f.heap;
    Word keep = atom_expr2(h, word_int48(1), word_int48(2));
    vec_push(&f.roots, keep);
    for (int i = 0; i < 1000; i++) atom_expr2(h, keep, word_int48(i));
    heap_collect(h, false);
    size_t one = sizeof(Obj) + 2 * sizeof(Word);
    CHECK_MSG(heap_bytes(h) == one, "%zu bytes", heap_bytes(h));
    /* A minor collection leaves old garbage, a major one does not. */
    f.roots.data[0] = atom_expr2(h, word_int48(3), word_int48(4));
    heap_collect(h, false);
    CHECK(heap_bytes(h) == 2 * one);
    heap_collect(h, true);
    CHECK(heap_bytes(h) == one && expr_at(f.roots.data[0], 0) == word_int48(3));
    teardown(&f);
}

/* A graph with much sharing: a chain of pairs whose items are the same expression. */
static void test_sharing(void)
{
    Fixture f;
    setup(&f);
    Heap *h = &f.heap;
    enum { LEVELS = 500 };
    Word w = atom_expr(h, (Word[]){word_int48(0)}, 1);
    for (int i = 0; i < LEVELS; i++) w = atom_expr2(h, w, w);
    vec_push(&f.roots, w);
    size_t live = sizeof(Obj) + sizeof(Word) + LEVELS * (sizeof(Obj) + 2 * sizeof(Word));
    for (int round = 0; round < 4; round++) {
        heap_collect(h, round & 1);
        CHECK(heap_bytes(h) == live);
        Word at = f.roots.data[0];
        int levels = 0;
        for (; expr_len(at) == 2 && expr_at(at, 0) == expr_at(at, 1); at = expr_at(at, 0)) levels++;
        CHECK(levels == LEVELS && expr_at(at, 0) == word_int48(0) && expr_is_ground(f.roots.data[0]));
    }
    teardown(&f);
}

/* A million levels, through expressions and through bound cells, and back from the innermost to the whole. */
static void test_depth(void)
{
    Fixture f;
    setup(&f);
    Heap *h = &f.heap;
    enum { DEPTH = 1000000 };
    Word inner = atom_new_var(h, SYM_EMPTY, 0), w = inner, chain = word_int48(9);
    for (int i = 0; i < DEPTH; i++) {
        w = atom_expr2(h, word_int48(i), w);
        Word cell = atom_new_var(h, SYM_EMPTY, 0);
        word_obj(cell)->body[0] = chain;
        chain = cell;
    }
    word_obj(inner)->body[0] = w; /* no term is cyclic, but the collector must not care */
    vec_push(&f.roots, w);
    vec_push(&f.roots, chain);
    size_t bytes = heap_bytes(h);
    for (int round = 0; round < 3; round++) {
        heap_collect(h, round & 1);
        CHECK(heap_bytes(h) == bytes);
        Word at = f.roots.data[0];
        int depth = 0;
        for (; atom_is_cons(at) && expr_at(at, 0) == word_int48(DEPTH - 1 - depth); at = expr_at(at, 1))
            depth++;
        CHECK(depth == DEPTH && word_is_cell(at) && word_obj(at)->body[0] == f.roots.data[0]);
        CHECK(atom_deref(f.roots.data[1]) == word_int48(9));
    }
    teardown(&f);
}

/* An old cell bound to a young value: the binding is a root (the trail's work), here by visiting the cell's word. */
static void test_old_cell(void)
{
    Fixture f;
    setup(&f);
    Heap *h = &f.heap;
    vec_push(&f.roots, atom_new_var(h, SYM_EMPTY, 0));
    heap_collect(h, false);
    Word cell = f.roots.data[0];
    CHECK(!heap_in_nursery(h, word_obj(cell)));
    word_obj(cell)->body[0] = atom_expr2(h, word_int48(1), cell);
    vec_push(&f.roots, word_obj(cell)->body[0]);
    heap_collect(h, false);
    word_obj(cell)->body[0] = f.roots.data[1];
    CHECK(f.roots.data[0] == cell && expr_at(atom_deref(cell), 1) == cell);
    heap_collect(h, true);
    cell = f.roots.data[0];
    CHECK(expr_at(atom_deref(cell), 1) == cell && in_old(h, word_obj(atom_deref(cell))));
    teardown(&f);
}

/* An expression of two items that has TWIN, or itself. */
static Word with_twin(Heap *h, Word item, Word twin)
{
    Obj *o = heap_obj(h, OBJ_EXPR, 0, 2, 3);
    Word w = word_from_ptr(TAG_HEAP, o);
    o->body[0] = WORD_TRUE;
    o->body[1] = item;
    expr_add_twin(h, o, word_is_nil(twin) ? w : twin);
    return w;
}

/* A twin lives as long as what it belongs to. */
static void test_twins(void)
{
    Fixture f;
    setup(&f);
    Heap *h = &f.heap;
    Word x = atom_new_var(h, SYM_EMPTY, 0), twin = atom_expr2(h, WORD_TRUE, WORD_FALSE);
    Word items[] = {x, with_twin(h, x, WORD_NIL), with_twin(h, x, twin), word_int48(7)};
    for (int i = 0; i < 4; i++) vec_push(&f.roots, items[i]);
    for (int i = 0; i < 3; i++) {
        heap_collect(h, i > 0);
        const Word *now = f.roots.data;
        CHECK(expr_len(now[1]) == 2 && expr_at(now[1], 1) == now[0] && expr_at(now[2], 1) == now[0]);
        CHECK(in_old(h, word_obj(now[1])) && expr_twin_cell(now[1])->body[0] == now[1]);
        twin = expr_twin_cell(now[2])->body[0];
        CHECK(in_old(h, word_obj(twin)) && !expr_twin_cell(twin) && expr_at(twin, 1) == WORD_FALSE);
    }
    teardown(&f);
}

/* Serials grow over collections, so that age can be compared for ever. */
static void test_serials(void)
{
    Fixture f;
    setup(&f);
    uint64_t last = 0;
    for (int i = 0; i < 10; i++) {
        uint64_t serial = var_serial(atom_new_var(&f.heap, SYM_EMPTY, 0));
        CHECK(serial > last);
        last = serial;
        heap_collect(&f.heap, i & 1);
    }
    teardown(&f);
}

/* Objects outside the heap are left alone and told of, once per word, by major collections only. */
static void test_stored(void)
{
    Fixture f;
    setup(&f);
    Heap *h = &f.heap;
    h->on_stored = note_stored;
    Obj *stored = base_alloc(sizeof(Obj) + 2 * sizeof(Word));
    *stored = (Obj){OBJ_EXPR, OBJ_GROUND | OBJ_STORED, 0, 2};
    stored->body[0] = stored->body[1] = word_int48(1);
    vec_push(&f.roots, atom_expr2(h, word_from_ptr(TAG_HEAP, stored), WORD_UNIT));
    heap_collect(h, false);
    CHECK(f.stored_seen == 0);
    heap_collect(h, true);
    CHECK(f.stored_seen == 1 && f.stored == stored);
    CHECK(expr_at(f.roots.data[0], 0) == word_from_ptr(TAG_HEAP, stored) && expr_is_ground(f.roots.data[0]));
    f.roots.len = 0;
    heap_collect(h, true);
    CHECK(f.stored_seen == 1);
    teardown(&f);
    base_free(stored);
}

/* -- External objects -- */

typedef struct Box {
    Ext ext;
    Word content;
    Ext *drops; /* loses a reference when this box dies */
    int *destroyed, *traced;
} Box;

static void box_trace(Ext *x, void (*visit)(void *heap, Word *slot), void *heap)
{
    Box *b = (Box *)x;
    ++*b->traced;
    visit(heap, &b->content);
}

static void box_destroy(Ext *x)
{
    Box *b = (Box *)x;
    ++*b->destroyed;
    if (b->drops) b->drops->store_refs--;
    base_free(b);
}

static const ExtType box_type = {.name = "box", .trace = box_trace, .destroy = box_destroy};
static const ExtType plain_type = {.name = "plain"};

static Word new_box(Heap *h, Word content, int *counts)
{
    Box *b = base_calloc(1, sizeof *b);
    b->ext.type = &box_type;
    b->content = content;
    b->destroyed = &counts[0];
    b->traced = &counts[1];
    return heap_add_ext(h, &b->ext);
}

static Word *content_of(Word box)
{
    return &((Box *)word_ext(box))->content;
}

static void test_ext_sweep(void)
{
    Fixture f;
    setup(&f);
    Heap *h = &f.heap;
    int a[2] = {0}, b[2] = {0}, c[2] = {0}, d[2] = {0};
    Word inner = new_box(h, atom_str(h, "inner", 5), a);
    Word outer = new_box(h, atom_expr2(h, inner, WORD_UNIT), b);
    Word cycle = new_box(h, WORD_UNIT, c), dead = new_box(h, cycle, d);
    *content_of(cycle) = dead; /* two that hold each other only */
    vec_push(&f.roots, atom_expr2(h, outer, outer));
    heap_collect(h, false);
    CHECK(a[0] + b[0] + c[0] + d[0] == 0); /* minor collections destroy nothing */
    heap_collect(h, true);
    CHECK(a[0] == 0 && b[0] == 0 && c[0] == 1 && d[0] == 1);
    CHECK(h->exts.len == 2 && !word_ext(outer)->marked);
    CHECK(expr_at(f.roots.data[0], 1) == outer); /* external objects do not move */
    size_t len;
    CHECK(memcmp(str_text(*content_of(inner), &len), "inner", 5) == 0 && len == 5);
    f.roots.len = 0;
    heap_collect(h, true);
    CHECK(a[0] == 1 && b[0] == 1 && h->exts.len == 0);
    teardown(&f);
}

/* Held from outside: alive without any word to it, and so is what it holds. */
static void test_ext_refs(void)
{
    Fixture f;
    setup(&f);
    Heap *h = &f.heap;
    int a[2] = {0}, b[2] = {0};
    Word inner = new_box(h, atom_str(h, "text", 4), a), held = new_box(h, inner, b);
    word_ext(held)->store_refs = 1;
    heap_collect(h, true);
    heap_collect(h, true);
    size_t len;
    CHECK(a[0] == 0 && b[0] == 0 && memcmp(str_text(*content_of(inner), &len), "text", 4) == 0);
    word_ext(held)->store_refs = 0;
    heap_collect(h, true);
    CHECK(a[0] == 1 && b[0] == 1);
    /* One that dies may release another: that one goes with the next major collection. */
    int c[2] = {0}, d[2] = {0};
    Word first = new_box(h, WORD_UNIT, c), second = new_box(h, WORD_UNIT, d);
    word_ext(first)->store_refs = 1;
    ((Box *)word_ext(second))->drops = word_ext(first);
    heap_collect(h, true);
    CHECK(c[0] == 0 && d[0] == 1);
    heap_collect(h, true);
    CHECK(c[0] == 1);
    teardown(&f);
}

/* What an old external object holds is visited by a minor collection only when it was marked dirty. */
static void test_ext_dirty(void)
{
    Fixture f;
    setup(&f);
    Heap *h = &f.heap;
    int n[2] = {0};
    Word box = new_box(h, atom_str(h, "one", 3), n);
    vec_push(&f.roots, box);
    CHECK(word_ext(box)->dirty && word_ext(box)->fresh);
    heap_collect(h, false);
    CHECK(n[1] == 1 && !word_ext(box)->dirty && in_old(h, word_obj(*content_of(box))));
    heap_collect(h, false);
    CHECK(n[1] == 1);
    *content_of(box) = atom_expr2(h, atom_str(h, "two", 3), box);
    word_ext(box)->dirty = true;
    heap_collect(h, false);
    Word content = *content_of(box);
    CHECK(n[1] == 2 && in_old(h, word_obj(content)) && in_old(h, word_obj(expr_at(content, 0))));
    heap_collect(h, true);
    CHECK(n[1] == 3 && !word_ext(box)->fresh && expr_at(*content_of(box), 1) == box);
    teardown(&f);
}

/* Those still alive at the end are destroyed; types without trace and destroy are legal. */
static void test_ext_end(void)
{
    Fixture f;
    setup(&f);
    int n[2] = {0};
    Ext plain = {.type = &plain_type};
    vec_push(&f.roots, heap_add_ext(&f.heap, &plain));
    for (int i = 0; i < 100; i++) vec_push(&f.roots, new_box(&f.heap, WORD_UNIT, n));
    heap_collect(&f.heap, false);
    heap_collect(&f.heap, true);
    CHECK(n[0] == 0);
    teardown(&f);
    CHECK(n[0] == 100);
}

static void test_many_exts(void)
{
    Fixture f;
    setup(&f);
    Heap *h = &f.heap;
    enum { COUNT = 100000 };
    int n[2] = {0};
    Word list = WORD_UNIT; /* a chain: marked without recursion */
    for (int i = 0; i < COUNT; i++) list = new_box(h, list, n);
    vec_push(&f.roots, list);
    heap_collect(h, true);
    CHECK(n[0] == 0 && n[1] == COUNT);
    f.roots.len = 0;
    heap_collect(h, true);
    CHECK(n[0] == COUNT);
    teardown(&f);
}

/* -- The policy -- */

/* A loop that keeps little runs in little memory: old garbage starts major collections by itself. */
static void test_flat_memory(void)
{
    Fixture f;
    setup(&f);
    Heap *h = &f.heap;
    vec_push(&f.roots, WORD_UNIT);
    size_t most = 0;
    for (int64_t i = 0; i < 3000000; i++) {
        if (i % 1000 == 0) f.roots.data[0] = WORD_UNIT;
        f.roots.data[0] = atom_expr2(h, word_int48(i), f.roots.data[0]);
        if (heap_wants_safepoint(h)) heap_collect(h, false);
        if (heap_bytes(h) > most) most = heap_bytes(h);
    }
    CHECK(h->minor_count >= 50);
    CHECK_MSG(most < 32u << 20, "%zu bytes", most);
    teardown(&f);
}

/* The bytes that external objects report make major collections due. */
static void test_external_hint(void)
{
    Fixture f;
    setup(&f);
    f.heap.external = UINT64_C(1) << 30;
    heap_collect(&f.heap, false);
    CHECK(f.heap.major_count == 1 && f.heap.external == 0);
    heap_collect(&f.heap, false);
    CHECK(f.heap.major_count == 1);
    teardown(&f);
}

static void test_stress_mode(void)
{
    Fixture f;
    setup(&f);
    f.heap.stress = true;
    heap_collect(&f.heap, false);
    CHECK(heap_wants_safepoint(&f.heap)); /* even before anything is allocated */
    heap_collect(&f.heap, false);
    CHECK(heap_wants_safepoint(&f.heap));
    teardown(&f);
}

/* -- A random mutator against a model that the collector cannot touch -- */

enum { SLOTS = 64, STEPS = 200000 };

typedef struct Random {
    uint64_t state;
} Random;

static uint32_t below(Random *r, uint32_t n)
{
    return unit_below(&r->state, n);
}

/* A new value for a slot made of those of others; its hash is computed before any collection. */
static Word random_value(Heap *h, Random *r, const Word *slots)
{
    switch (below(r, 6)) {
    case 0:
        return num_from_int(h, (int64_t)(r->state >> 1));
    case 1:
        return atom_str(h, "some text of no interest", below(r, 24));
    case 2: {
        Word cell = atom_new_var(h, SYM_EMPTY, 0);
        Word value = slots[below(r, SLOTS)];
        if (!word_is_var(value)) word_obj(cell)->body[0] = value;
        return cell;
    }
    case 3:
        return word_int48((int64_t)below(r, 1000));
    default: {
        Word items[5];
        uint32_t n = below(r, 5);
        for (uint32_t i = 0; i < n; i++) items[i] = slots[below(r, SLOTS)];
        return atom_expr(h, items, n);
    }
    }
}

/* The number of nodes of W as a tree, LIMIT or more when large: keeps sharing from exploding. */
static uint32_t tree_size(Word w, uint32_t limit)
{
    WordVec todo = {0};
    vec_push(&todo, w);
    uint32_t size = 0;
    while (todo.len && size < limit) {
        Word at = atom_deref(vec_pop(&todo));
        size++;
        if (atom_is_cons(at))
            for (uint32_t i = 0; i < expr_len(at); i++) vec_push(&todo, expr_at(at, i));
    }
    vec_free(&todo);
    return size;
}

static void test_random(bool stress)
{
    Fixture f;
    setup(&f);
    Heap *h = &f.heap;
    Random r = {20240607 + stress};
    uint64_t hashes[SLOTS];
    uint32_t wrong = 0, steps = stress ? STEPS / 20 : STEPS;
    for (int i = 0; i < SLOTS; i++) {
        vec_push(&f.roots, WORD_UNIT);
        hashes[i] = atom_hash(WORD_UNIT);
    }
    h->stress = stress;
    for (uint32_t step = 0; step < steps; step++) {
        uint32_t at = below(&r, SLOTS);
        wrong += atom_hash(f.roots.data[at]) != hashes[at];
        Word w = random_value(h, &r, f.roots.data);
        if (tree_size(w, 200) >= 200) w = WORD_UNIT;
        f.roots.data[at] = w;
        hashes[at] = atom_hash(w);
        if (stress || below(&r, 500) == 0) heap_collect(h, below(&r, 8) == 0);
        if (wrong) break;
    }
    CHECK_MSG(wrong == 0, "stress %d", stress);
    CHECK(h->minor_count > 0 && h->major_count > 0);
    if (!wrong) teardown(&f);
}

int main(void)
{
    test_start();
    test_kinds();
    test_empty_bodies();
    test_garbage();
    test_sharing();
    test_depth();
    test_old_cell();
    test_twins();
    test_serials();
    test_stored();
    test_ext_sweep();
    test_ext_refs();
    test_ext_dirty();
    test_ext_end();
    test_many_exts();
    test_flat_memory();
    test_external_hint();
    test_stress_mode();
    test_random(false);
    test_random(true);
    return unit_end();
}
