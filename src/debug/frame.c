/* Frames as a person wants to see them: one for each function at work.
 *
 * Bytecode has a frame for a call, and perhaps more for parts of it; tier 0 has one for each expression that waits for a part of it, and
 * none for the call.  Frames of tier 0 belong together when the outer one waits for just the expression of the inner one. */
#include "vm/frame.h"
#include "vm/pieces.h"

#include "debug/state.h"

/* -- Walking -- */

Walk walk_begin(Debugger *d, Word call)
{
    Machine *m = d->machine;
    return (Walk){.d = d,
                  .frame = m ? m->frame : NULL,
                  .head = m ? m->head : NO_HEAD,
                  .call = call,
                  .elided = true,
                  .inside = d->stop.inside};
}

static bool waits_for_part(const Frame *f)
{
    return !word_is_nil(frame_expression(f));
}

static bool is_gathering(const Frame *f)
{
    return f && (f->kind == FRAME_COLLAPSE || f->kind == FRAME_COLLAPSE_BIND);
}

/* Frames that only pass results on. */
static bool is_transparent(const Frame *f)
{
    return f->kind == FRAME_SCOPE || is_gathering(f);
}

static const Frame *skip_transparent(const Frame *f)
{
    while (f && is_transparent(f)) f = f->parent;
    return f;
}

/* Is INNER a part of the call that OUTER carries out? */
static bool is_same_call(const Frame *outer, const Frame *inner)
{
    const Chunk *c = frame_chunk(inner);
    if (outer->kind != FRAME_VM || frame_chunk(outer) != c) return false;
    for (uint32_t i = 0; i < c->arity; i++)
        if (outer->slot[VM_LOCALS + i] != inner->slot[VM_LOCALS + i]) return false;
    return frame_ip(outer) != 0;
}

static const Frame *take_vm(Walk *w, const Frame *f, Activation *a)
{
    *a = (Activation){.head = frame_chunk(f)->name,
                      .goal = rebuild_goal(w->d->rt->machine, f, frame_chunk(f)),
                      .frame = f,
                      .tier = 1};
    a->whole = a->part = WORD_NIL;
    const Frame *outer;
    while ((outer = skip_transparent(f->parent)) && outer->kind == FRAME_VM && is_same_call(outer, f))
        f = outer;
    return f->parent;
}

/* The one argument of the call PART, which is evaluated in a frame that only gathers results (collapse), or PART itself. */
static Word gathered_part(Word part)
{
    return atom_is_cons(part) && expr_len(part) == 2 ? atom_deref(expr_at(part, 1)) : part;
}

static bool is_part_of(const Frame *outer, const Frame *inner)
{
    Word part = frame_part(outer), expression = atom_deref(frame_expression(inner));
    if (outer->head != inner->head || word_is_nil(part)) return false;
    return part == expression || (inner->parent != outer && gathered_part(part) == expression);
}

static const Frame *take_mark(Walk *w, const Frame *f, Activation *a)
{
    w->head = f->head; /* who has called it */
    w->started = false;
    w->call = f->slot[MARK_GOAL];
    a->goal = f->slot[MARK_GOAL];
    a->number = mark_number(f->slot);
    if (is_line_frame(f)) {
        line_frame_rule(f, &a->space, &a->rule);
        /* The goal may be marked by a frame of its own, too. */
        const Frame *outer = f->parent;
        if (outer->kind == FRAME_PORT && outer->slot[MARK_GOAL] == f->slot[MARK_GOAL]) {
            a->number = mark_number(outer->slot);
            f = outer;
        }
    }
    Word head = atom_deref(expr_at(atom_deref(a->goal), 0));
    if (word_is_sym(head)) a->head = word_sym_id(head);
    return f->parent;
}

static bool is_mark_of(const Frame *f, uint32_t head)
{
    if (!f || f->kind != FRAME_PORT) return false;
    Word goal = atom_deref(f->slot[MARK_GOAL]);
    return atom_is_cons(goal) && atom_deref(expr_at(goal, 0)) == word_sym(head);
}

static const Frame *take_tier0(Walk *w, const Frame *f, Activation *a)
{
    *a = (Activation){
        .head = f->head, .goal = WORD_NIL, .whole = frame_expression(f), .part = frame_part(f), .frame = f};
    const Frame *outer;
    while ((outer = skip_transparent(f->parent)) && waits_for_part(outer) && is_part_of(outer, f)) f = outer;
    if (a->head == NO_HEAD || !is_mark_of(outer, a->head)) return f->parent;
    return take_mark(w, outer, a);
}

/* A function that has made a last call. */
static bool take_tail(Walk *w, Activation *a)
{
    const Frame *f = skip_transparent(w->frame);
    uint32_t head = w->head;
    w->started = true;
    bool at_work = head == NO_HEAD || !f || is_mark_of(f, head);
    if (!at_work && tail_is(w, head)) return tail_next(w, a);
    if (at_work || f->head == head) {
        w->tails = 0;
        return false;
    }
    *a = (Activation){.head = head, .tail = true, .goal = WORD_NIL, .whole = WORD_NIL, .part = w->call};
    return true;
}

bool walk_next(Walk *w, Activation *a)
{
    if (w->elided && !w->walked) tail_begin(w, NO_HEAD);
    w->walked = true;
    if ((!w->started && take_tail(w, a)) || tail_next(w, a)) return true;
    const Frame *f = skip_transparent(w->frame);
    if (!f || f->kind == FRAME_TOP) return false;
    bool gathers = is_gathering(w->frame);
    if (f->kind == FRAME_VM) {
        w->frame = take_vm(w, f, a);
    } else if (f->kind == FRAME_PORT) {
        *a = (Activation){.head = NO_HEAD, .frame = f, .whole = WORD_NIL, .part = WORD_NIL};
        w->frame = take_mark(w, f, a);
    } else {
        w->frame = take_tier0(w, f, a);
        a->gathers = gathers;
    }
    if (w->inside) {
        a->part = w->d->stop.value;
        a->place = w->d->stop.place;
    }
    w->inside = false;
    if (w->elided) tail_begin(w, a->head);
    return true;
}

size_t walk_count(Debugger *d, size_t limit)
{
    Walk w = walk_begin(d, WORD_NIL);
    Activation a;
    size_t n = 0;
    while (n < limit && walk_next(&w, &a)) n++;
    return n;
}

/* -- What is known of one -- */

static bool has_name(const Bindings *bindings, uint32_t name)
{
    for (size_t i = 0; i < bindings->len; i++)
        if (bindings->data[i].name == name) return true;
    return false;
}

static void add_new(Bindings *to, const Bindings *more)
{
    for (size_t i = 0; i < more->len; i++)
        if (!has_name(to, more->data[i].name)) vec_push(to, more->data[i]);
}

/* The first rule that GOAL matches; with SPACE, that one. */
static void bind_goal(Debugger *d, const Scope *scope, Word goal, Site *site, Bindings *bindings)
{
    FoundRules rules = {0};
    Word head = atom_deref(expr_at(goal, 0));
    if (word_is_sym(head)) rules_of(d, scope, word_sym_id(head), expr_len(goal) - 1, &rules);
    for (size_t i = 0; i < rules.len; i++) {
        Bindings these = {0};
        const FoundRule *r = &rules.data[i];
        bool wanted = !site->space || (site->space == r->space && site->rule == r->rule.id);
        if (wanted && rule_bindings(d, &r->rule, goal, &these)) {
            site->space = r->space;
            site->rule = r->rule.id;
            add_new(bindings, &these);
        }
        vec_free(&these);
    }
    vec_free(&rules);
}

static Span vm_place(const Frame *f)
{
    uint32_t at = frame_ip(f);
    const Span *span = chunk_place(frame_chunk(f), at ? at - 1 : 0);
    return span ? *span : (Span){0};
}

/* The rule of HEAD whose text holds the place of SITE. */
static void rule_at(Debugger *d, const Scope *scope, uint32_t head, Site *site)
{
    const Span *place = &site->place;
    FoundRules rules = {0};
    rules_of(d, scope, head, ANY_ARITY, &rules);
    for (size_t i = 0; i < rules.len && place->line; i++) {
        Span of = rule_place(d, rules.data[i].space, rules.data[i].rule.id);
        if (of.file != place->file || !of.line || place->line < of.line || place->line > of.end_line)
            continue;
        site->space = rules.data[i].space;
        site->rule = rules.data[i].rule.id;
    }
    vec_free(&rules);
}

/* What is being evaluated at the place of SITE. */
static void part_at(Debugger *d, const Scope *scope, uint32_t head, Site *site, const Bindings *bindings)
{
    FoundRules rules = {0};
    Word part, whole;
    rules_of(d, scope, head, ANY_ARITY, &rules);
    for (size_t i = 0; i < rules.len; i++) {
        const FoundRule *r = &rules.data[i];
        if (r->space != site->space || r->rule.id != site->rule) continue;
        if (!expression_at(d, r, &site->place, &part, &whole)) continue;
        site->part = instance(d, &r->rule, part, bindings);
        if (!word_is_nil(whole)) site->whole = instance(d, &r->rule, whole, bindings);
    }
    vec_free(&rules);
}

static void site_of_parts(Debugger *d, const Scope *scope, const Activation *a, Site *site,
                          Bindings *bindings)
{
    FoundRule rule, whole_rule;
    Span whole_place = {0};
    bool whole = false;
    Bindings more = {0};
    Word parts[] = {a->whole, a->part};
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        Span place;
        if (word_is_nil(parts[i]) || !find_expression(d, scope, a->head, parts[i], &rule, &place, &more))
            continue;
        bool exact = i == 1 && whole && a->frame && a->frame->kind == FRAME_ARGS &&
                     item_place(d, &whole_rule, a->frame->index, &whole_place);
        if (i == 0) {
            whole = true;
            whole_rule = rule;
            whole_place = place;
        }
        if (exact) place = whole_place;
        if (exact && a->gathers) item_place(d, &whole_rule, 1, &place);
        site->place = place;
        site->space = rule.space;
        site->rule = rule.rule.id;
        if (word_is_nil(site->goal)) site->goal = instance(d, &rule.rule, rule.rule.lhs, &more);
    }
    add_new(bindings, &more);
    vec_free(&more);
}

void site_of(Debugger *d, const Activation *a, Site *site, Bindings *bindings)
{
    const Scope *scope = d->machine->scope;
    *site = (Site){.goal = a->goal, .whole = a->whole, .part = a->part};
    if (a->head == NO_HEAD) {
        site->place = d->rt->debug.query;
        return;
    }
    Goal *goal = a->number ? goal_find(d, a->number) : NULL;
    if (goal && goal->space) {
        site->space = goal->space;
        site->rule = goal->rule;
        site->place = rule_place(d, goal->space, goal->rule);
    } else if (a->space) {
        site->space = a->space;
        site->rule = a->rule;
    }
    if (a->frame && a->frame->kind == FRAME_VM) {
        site->place = vm_place(a->frame);
        rule_at(d, scope, a->head, site);
    }
    if (!word_is_nil(a->goal)) bind_goal(d, scope, atom_deref(a->goal), site, bindings);
    if (a->frame && a->frame->kind == FRAME_VM)
        part_at(d, scope, a->head, site, bindings);
    else
        site_of_parts(d, scope, a, site, bindings);
    if (a->place.line) site->place = a->place;
    if (!site->place.line && site->space) site->place = rule_place(d, site->space, site->rule);
}

/* -- Where a call stands -- */

Span call_place_in(Debugger *d, const Scope *scope, const Frame *frame, uint32_t head, Word goal)
{
    const Frame *f = skip_transparent(frame);
    FoundRule rule;
    Span place;
    if (head == NO_HEAD) return d->rt->debug.query;
    if (f && f->kind == FRAME_VM && f->head == head) return vm_place(f);
    Word part = f && waits_for_part(f) && f->head == head ? frame_part(f) : WORD_NIL;
    bool gathers = is_gathering(frame);
    if (gathers) part = gathered_part(part);
    if (atom_is_cons(part) && atom_equal(expr_at(part, 0), expr_at(goal, 0))) {
        goal = part;
        Word whole = frame_expression(f);
        if (f->kind == FRAME_ARGS && find_expression(d, scope, head, whole, &rule, &place, NULL) &&
            item_place(d, &rule, f->index, &place) && (!gathers || item_place(d, &rule, 1, &place)))
            return place;
    }
    if (find_expression(d, scope, head, goal, &rule, &place, NULL)) return place;
    return d->rt->debug.query;
}

Span call_place(Debugger *d, const Machine *m, Word goal)
{
    return call_place_in(d, m->scope, m->frame, m->head, goal);
}
