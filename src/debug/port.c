/* Ports: what DebugPorts tells, made into events; which of them stop; how to go on from there. */
#include "vm/vm.h"

#include "debug/state.h"

/* -- Marked goals on the machine's stack -- */

static inline Word number_word(uint64_t number)
{
    return word_int48((int64_t)number);
}

Frame *frame_of_goal(const Machine *m)
{
    Frame *f = m->frame;
    while (f && (f->kind != FRAME_PORT || mark_number(f->slot) == 0)) f = f->parent;
    return f;
}

/* Flags of a CHOICE_PORT: the end of the goal, or evaluation coming back after a result; the call had changed items. */
enum { PORT_END = 1, PORT_CHANGED = 2 };

Choice *end_of_goal(const Machine *m, uint64_t number)
{
    for (Choice *c = m->choice; c && c->kind != CHOICE_BOTTOM; c = c->prev)
        if (c->kind == CHOICE_PORT && (c->flags & PORT_END) && mark_number(c->slot) == number) return c;
    return NULL;
}

Goal *goal_find(Debugger *d, uint64_t number)
{
    size_t at;
    vec_search(&d->goals, number, number, at);
    return at < d->goals.len && d->goals.data[at].number == number ? &d->goals.data[at] : NULL;
}

/* GOAL has no more results: neither have those that were marked after it. */
static void forget_goal(Debugger *d, const Goal *goal)
{
    while (d->goals.data + d->goals.len > goal) {
        set_quiet(d, &vec_last(&d->goals), false);
        d->goals.len--;
    }
}

void forget_pruned(Debugger *d, const Machine *m)
{
    while (d->goals.len) {
        const Goal *last = &vec_last(&d->goals);
        if (last->open ? (const char *)m->choice >= last->open : end_of_goal(m, last->number) != NULL) break;
        forget_goal(d, last);
    }
}

/* Mark the goal m->atom; it becomes the current frame's only business. */
static Goal *mark(Debugger *d, Machine *m, const Stop *at)
{
    Goal goal = {.number = ++d->numbers, .depth = at->depth, .place = at->place};
    vec_push(&d->goals, goal);
    Choice *c = machine_choice(m, CHOICE_PORT, MARK_SLOTS);
    c->flags = PORT_END | (m->changed ? PORT_CHANGED : 0);
    c->slot[MARK_GOAL] = m->atom;
    c->slot[MARK_TYPE] = m->type;
    c->slot[MARK_NUMBER] = number_word(goal.number);
    Frame *f = machine_push(m, FRAME_PORT, 0, MARK_SLOTS);
    f->slot[MARK_GOAL] = m->atom;
    f->slot[MARK_NUMBER] = c->slot[MARK_NUMBER];
    vec_last(&d->goals).end = c;
    m->rt->debug.stay = true;
    return &vec_last(&d->goals);
}

/* Mark the goal m->atom, whose rule has matched: its results are seen, and nobody tells of its end. */
static Goal *mark_open(Debugger *d, Machine *m, const Stop *at)
{
    Choice *c = m->choice;
    if (c->kind == CHOICE_RULES && c->slot[0] == m->atom) c = c->prev;
    Goal goal = {.number = ++d->numbers, .depth = at->depth, .place = call_place(d, m, m->atom)};
    goal.space = m->rule_space;
    goal.rule = m->rule;
    goal.open = (const char *)c;
    vec_push(&d->goals, goal);
    Frame *f = machine_push(m, FRAME_PORT, 0, MARK_SLOTS);
    f->slot[MARK_GOAL] = m->atom;
    f->slot[MARK_NUMBER] = number_word(goal.number);
    return &vec_last(&d->goals);
}

/* Has the goal something pending? */
static bool has_alternatives(const Machine *m, const Goal *goal)
{
    return goal->open ? (const char *)m->choice > goal->open : m->choice != goal->end;
}

/* How much.  Linear in the number of choice points of the goal. */
static size_t count_alternatives(Debugger *d, const Machine *m, const Goal *goal)
{
    const Choice *below = goal->end;
    if (goal->open)
        for (below = m->choice; (const char *)below > goal->open;) below = below->prev;
    return alternatives_left(d, below);
}

/* -- Stopping -- */

static bool is_end(Port p)
{
    return p == AT_EXIT || p == AT_FAIL || p == AT_STUCK || p == AT_ERROR;
}

/* Does the client want to be asked at this port, as it has said how far to run? */
static bool is_target(const Debugger *d, const Stop *s)
{
    const Target *t = &d->target;
    if (d->first) return s->port == AT_CALL;
    switch (t->how) {
    case RESUME_STEP:
        return s->port != AT_UNIFY;
    case RESUME_TAKE:
        return s->port != AT_UNIFY && s->port != AT_REDO;
    case RESUME_NEXT:
        if (s->number == t->goal && t->goal) return is_end(s->port) && !s->inner;
        return (t->call ? s->depth < t->depth : s->depth <= t->depth) &&
               (is_end(s->port) || s->port == AT_CALL);
    case RESUME_FINISH:
        if (s->number == t->goal && t->goal) return is_end(s->port) && !s->inner;
        return s->depth < t->depth && is_end(s->port);
    case RESUME_FINISH_ALL:
        return s->number == t->goal && (s->port == AT_FAIL || (s->port == AT_EXIT && s->alternatives == 0));
    default:
        return false;
    }
}

/* Calls deeper than what the client waits for run at full speed, unless they contain it. */
static bool is_quiet(const Debugger *d, uint32_t depth)
{
    const Target *t = &d->target;
    if (t->how == RESUME_NEXT || t->how == RESUME_FINISH)
        return depth > t->depth || (t->call && depth == t->depth);
    return t->how == RESUME_FINISH_ALL;
}

/* The number of the marked goal around the goal at the stop: at its own ports, its parent. */
static Goal *goal_around(Debugger *d, Machine *m, const Stop *s)
{
    for (Frame *f = m->frame; f; f = f->parent) {
        if (f->kind != FRAME_PORT) continue;
        uint64_t number = mark_number(f->slot);
        if (number == 0 || number == s->number) continue;
        return goal_find(d, number);
    }
    return NULL;
}

static void set_target(Debugger *d, Machine *m, const Stop *s, Resume how)
{
    Goal *goal = s->number ? goal_find(d, s->number) : NULL;
    /* After a detour the client wants to see where it has led. */
    if (how == RESUME_FORCE) how = RESUME_STEP;
    d->target = (Target){how, s->number, s->depth, s->port == AT_CALL || s->port == AT_UNIFY};
    if (how == RESUME_FINISH) {
        Goal *around = goal_around(d, m, s);
        if (around) d->target = (Target){how, around->number, around->depth, false};
    }
    if (how == RESUME_FINISH_ALL) {
        buf_free(&d->gathered);
        d->gathered_count = 0;
        if (s->port == AT_EXIT) {
            print_short(d->rt, s->value, SIZE_MAX / 2, &d->gathered);
            buf_putc(&d->gathered, '\n');
            d->gathered_count = 1;
        }
    }
    /* Within the goal nothing is to be seen until its next result. */
    if (goal) set_quiet(d, goal, (how == RESUME_NEXT || how == RESUME_FINISH_ALL) && d->target.call);
    update_watching(d);
}

/* The highest tier that has code for the function of GOAL. */
static uint32_t tier_of(Debugger *d, Word goal)
{
    Vm *vm = d->rt->upper;
    Word head = atom_is_cons(goal) ? atom_deref(expr_at(goal, 0)) : WORD_NIL;
    if (!vm || !word_is_sym(head)) return 0;
    return functions_get(&vm->functions, word_sym_id(head), expr_len(goal) - 1)->tier;
}

/* Ask the client.  The machine's registers keep what is live. */
static Resume ask(Debugger *d, Machine *m, Stop *s)
{
    RtDebug *r = &m->rt->debug;
    uint64_t began = base_now_ns();
    d->busy = true;
    bool asking = r->asking;
    r->asking = true;
    d->machine = m;
    d->stop = *s;
    d->stop.tier = tier_of(d, s->goal);
    d->first = false;
    d->first_break = 0;
    d->target = (Target){.how = RESUME_CONTINUE};
    Resume how = d->on_stop ? d->on_stop(d->context, d, &d->stop) : RESUME_CONTINUE;
    *s = d->stop;
    d->stop = (Stop){.goal = WORD_NIL, .value = WORD_NIL};
    d->machine = NULL;
    r->asking = asking;
    d->busy = false;
    if (m->rt->limits.deadline_ns) m->rt->limits.deadline_ns += base_now_ns() - began;
    if (how == RESUME_QUIT) {
        d->quitting = true;
        rt_interrupt(m->rt);
    }
    set_target(d, m, s, how);
    return how;
}

/* An event at a port of a marked goal, or of one that is not (number 0). */
static bool is_stop(Debugger *d, Stop *s, const Breakpoint *hit)
{
    enum { EVENTS_PER_SAFEPOINT = 1 << 12 };
    record(d, s->port, s->number, s->depth, s->goal, s->value);
    /* Results that pass through many marked goals make no call. */
    if ((d->recorded & (EVENTS_PER_SAFEPOINT - 1)) == 0) heap_interrupt(&d->rt->heap);
    bool target = is_target(d, s);
    s->breakpoint = hit ? hit->id : d->first && target ? d->first_break : 0;
    s->reason = s->breakpoint ? STOP_BREAKPOINT : STOP_STEP;
    return hit || target;
}

/* -- Going on elsewhere -- */

/* Take the machine back to the call of the goal that C is the end of, and make it again. */
static Step call_again(Debugger *d, Machine *m, Choice *c)
{
    Goal *goal = goal_find(d, mark_number(c->slot));
    Word atom, type;
    while (m->choice != c) {
        Choice *newer = m->choice;
        if (newer->kind == CHOICE_RULES) rules_close(&newer->u.rules);
        if (newer->kind == CHOICE_MATCH && match_is_open(newer)) cursor_close(&newer->u.cursor);
        machine_drop(m, newer);
    }
    machine_restore(m, c);
    atom = c->slot[MARK_GOAL];
    type = c->slot[MARK_TYPE];
    m->changed = (c->flags & PORT_CHANGED) != 0;
    m->depth--; /* the call counts it again */
    machine_drop(m, c);
    if (goal) forget_goal(d, goal);
    d->first = true; /* stop there */
    update_watching(d);
    return call(m, atom, type);
}

/* Give the forced result in place of whatever the goal is doing. */
static Step give_forced(Debugger *d, Machine *m)
{
    Frame *f = m->frame;
    while (f && !(f->kind == FRAME_PORT && mark_number(f->slot) == d->forced_goal)) f = f->parent;
    Word value = d->forced;
    d->forced = WORD_NIL;
    if (!f) return STEP_FAIL;
    m->frame = f;
    return step_return(m, value);
}

/* The client's answer asks for a step of its own.  PLAIN: the answer was to go on. */
static bool is_detour(Debugger *d, Machine *m, Resume how, Step *next)
{
    Choice *c;
    switch (how) {
    case RESUME_RETRY:
        c = end_of_goal(m, d->retry);
        if (!c) return false;
        *next = call_again(d, m, c);
        return true;
    case RESUME_FORCE:
        *next = give_forced(d, m);
        return true;
    case RESUME_TAKE:
        *next = STEP_FAIL;
        return !d->take_later;
    default:
        return false;
    }
}

/* -- DebugPorts -- */

/* The depth of what is called with F as its continuation. */
static uint32_t depth_at(Debugger *d, Machine *m, const Frame *f)
{
    d->machine = m;
    Walk w = {.d = d, .frame = f, .head = NO_HEAD, .started = true, .call = WORD_NIL};
    Activation a;
    uint32_t n = 1;
    while (walk_next(&w, &a)) {
        if (a.number) {
            Goal *goal = goal_find(d, a.number);
            return goal ? goal->depth + n : n;
        }
        if (a.head != NO_HEAD) n++;
    }
    return n;
}

static uint32_t depth_here(Debugger *d, Machine *m)
{
    return depth_at(d, m, m->frame);
}

static bool port_call(Machine *m, Step *next)
{
    Debugger *d = debugger_of(m);
    m->rt->debug.stay = false;
    if (d->busy) return true;
    Word head = atom_deref(expr_at(m->atom, 0));
    uint32_t symbol = word_is_sym(head) ? word_sym_id(head) : d->natives ? head_symbol(d, head) : NO_HEAD;
    unsigned watch = symbol < d->watch.len ? d->watch.data[symbol] : 0;
    bool function = (watch || wants_marks(d)) && is_program_function(d, m->scope, head, expr_len(m->atom));
    bool visible = function && wants_marks(d);
    /* With another number of arguments it is data, of which bytecode makes no call. */
    if (!function && !word_is_op(head) && (symbol == NO_HEAD || !rt_native(d->rt, symbol))) watch = 0;
    if (d->derivation) {
        if (!visible || derivation_is_full(d)) return true;
        Stop unseen = {.depth = 0};
        mark(d, m, &unseen);
        derive_call(d, m, m->frame);
        return true;
    }
    if (!watch && !visible) return true;
    note_call(d, m);
    Breakpoint *hit = watch & WATCH_CALLS ? break_hit(d, AT_CALL, &m->atom, NULL) : NULL;
    m->rt->debug.stay = (watch & WATCH_RULES) != 0;
    if (!visible && !hit && !(watch & WATCH_PORTS)) return true;
    Stop s = {.port = AT_CALL, .depth = depth_here(d, m), .goal = m->atom, .value = WORD_NIL};
    s.place = call_place(d, m, m->atom);
    bool quiet = visible && is_quiet(d, s.depth);
    Goal *goal = mark(d, m, &s);
    set_quiet(d, goal, quiet);
    s.number = goal->number;
    bool stopped = is_stop(d, &s, hit);
    if (!stopped) {
        if (quiet) update_watching(d);
        return true;
    }
    bool stay = m->rt->debug.stay;
    Resume how = ask(d, m, &s);
    if (is_detour(d, m, how, next)) return false;
    m->rt->debug.stay = stay;
    return true;
}

/* The marked goal that m->atom is, if it is one. */
static Goal *goal_at(Debugger *d, Machine *m)
{
    Frame *f = m->frame;
    if (f->kind != FRAME_PORT || atom_deref(f->slot[MARK_GOAL]) != m->atom) return NULL;
    return goal_find(d, mark_number(f->slot));
}

static bool port_unify(Machine *m, Step *next)
{
    Debugger *d = debugger_of(m);
    if (d->busy) return true;
    Goal *goal = goal_at(d, m);
    if (d->derivation) {
        if (goal) derive_rule(d, m);
        return true;
    }
    if (goal) {
        goal->space = m->rule_space;
        goal->rule = m->rule;
    }
    Word head = atom_deref(expr_at(m->atom, 0));
    uint32_t symbol = word_is_sym(head) ? word_sym_id(head) : UINT32_MAX;
    unsigned watch = symbol < d->watch.len ? d->watch.data[symbol] : 0;
    if (!goal && !(watch & WATCH_RULES)) return true;
    Breakpoint *hit = watch & WATCH_RULES ? break_hit(d, AT_UNIFY, &m->atom, NULL) : NULL;
    Stop s = {.port = AT_UNIFY, .goal = m->atom, .value = m->value};
    s.number = goal ? goal->number : 0;
    if (goal || hit) {
        s.depth = goal ? goal->depth : depth_here(d, m);
        s.place = rule_place(d, m->rule_space, m->rule);
        if (!goal) s.number = mark_open(d, m, &s)->number;
        if (hit && hit->kind == BREAK_LINE && hit->first > s.place.line) s.place.line = hit->first;
        if (is_stop(d, &s, hit) && is_detour(d, m, ask(d, m, &s), next)) return false;
    }
    if (watch & WATCH_LINES) line_rule_applied(d, m);
    return true;
}

static bool port_reach(Machine *m, Step *next)
{
    Debugger *d = debugger_of(m);
    if (d->busy || d->derivation) return true;
    Stop s = {.port = AT_UNIFY, .inside = true};
    Frame *f;
    Breakpoint *hit = line_hit(d, &f, &s.place);
    if (!hit) return true;
    Goal *goal = line_goal(d, f, depth_at(d, m, f->parent));
    s.number = goal->number;
    s.depth = goal->depth;
    s.goal = f->slot[MARK_GOAL];
    s.value = m->atom;
    return !is_stop(d, &s, hit) || !is_detour(d, m, ask(d, m, &s), next);
}

static const char *stuck_note(Debugger *d, const Machine *m, Word head)
{
    uint32_t near = word_is_sym(head) ? near_function(d, m->scope, word_sym_id(head)) : NO_HEAD;
    if (near == NO_HEAD) return NULL;
    vec_clear(&d->note);
    buf_printf(&d->note, "did you mean %s?", sym_text(d->rt->symbols, near, NULL));
    return buf_cstr(&d->note);
}

static bool port_stuck(Machine *m, Step *next)
{
    Debugger *d = debugger_of(m);
    if (d->busy || !atom_is_cons(m->atom)) return true;
    Goal *goal = goal_at(d, m);
    Word head = atom_deref(expr_at(m->atom, 0));
    bool visible = m->rt->debug.all && is_surprising(d, m->scope, m->atom);
    if (!goal && !visible) return true;
    if (d->derivation) {
        derive_miss(d, m->atom);
        return true;
    }
    Breakpoint *hit = break_hit(d, AT_STUCK, &m->atom, NULL);
    if (!hit && visible) hit = catch_hit(d, CATCH_STUCK);
    Stop s = {.port = AT_STUCK, .goal = m->atom, .value = WORD_NIL};
    s.number = goal ? goal->number : 0;
    s.depth = goal ? goal->depth : depth_here(d, m);
    s.place = goal ? goal->place : call_place(d, m, m->atom);
    if (goal) goal->ended = true;
    if (!is_stop(d, &s, hit)) return true;
    s.note = stuck_note(d, m, head);
    return !is_detour(d, m, ask(d, m, &s), next);
}

static bool is_assertion(Debugger *d, Word goal)
{
    if (!atom_is_cons(goal)) return false;
    Word head = atom_deref(expr_at(goal, 0));
    const char *name = word_is_sym(head)  ? sym_text(d->rt->symbols, word_sym_id(head), NULL)
                       : word_is_op(head) ? d->rt->op_names[word_op_index(head)]
                                          : "";
    return strncmp(name, "assert", 6) == 0;
}

/* The head of an error's cause tells errors of types. */
static bool is_type_error(Debugger *d, Word error)
{
    static const char *const causes[] = {"BadType", "BadArgType", "IncorrectNumberOfArguments"};
    if (expr_len(error) != 3) return false;
    Word cause = atom_deref(expr_at(error, 2));
    if (atom_is_cons(cause)) cause = atom_deref(expr_at(cause, 0));
    for (size_t i = 0; word_is_sym(cause) && i < COUNT_OF(causes); i++)
        if (strcmp(sym_text(d->rt->symbols, word_sym_id(cause), NULL), causes[i]) == 0) return true;
    return false;
}

static Breakpoint *error_hit(Debugger *d, Word *goal, Word error)
{
    Breakpoint *hit = catch_hit(d, CATCH_ERROR);
    if (!hit && is_type_error(d, error)) hit = catch_hit(d, CATCH_TYPE);
    if (!hit && is_assertion(d, *goal)) hit = catch_hit(d, CATCH_ASSERT);
    return hit ? hit : break_hit(d, AT_ERROR, goal, NULL);
}

static void port_error(Machine *m)
{
    Debugger *d = debugger_of(m);
    if (d->busy || d->derivation || !atom_is_cons(m->value) || m->value == d->last_error) return;
    d->last_error = m->value;
    d->error_told = false;
    record_error(d, m, m->value);
    if (!m->rt->debug.watching) return;
    Word named = expr_len(m->value) > 1 ? atom_deref(expr_at(m->value, 1)) : WORD_NIL;
    if (word_is_nil(m->atom)) m->atom = named;
    Frame *f = frame_of_goal(m);
    Goal *goal = f ? goal_find(d, mark_number(f->slot)) : NULL;
    Breakpoint *hit = error_hit(d, &m->atom, m->value);
    Stop s = {.port = AT_ERROR, .goal = m->atom, .value = m->value};
    s.number = goal ? goal->number : 0;
    s.depth = goal ? goal->depth : depth_here(d, m);
    s.place = atom_is_cons(m->atom) ? call_place(d, m, m->atom) : (Span){0};
    s.inner = f && atom_deref(f->slot[MARK_GOAL]) != m->atom;
    d->error_told = is_stop(d, &s, hit);
    if (d->error_told) ask(d, m, &s);
}

/* Tell that evaluation comes back to the goal, when its next alternative is taken. */
static void leave_redo(Machine *m, Word goal, uint64_t number)
{
    Choice *c = machine_choice(m, CHOICE_PORT, MARK_SLOTS);
    c->slot[MARK_GOAL] = goal;
    c->slot[MARK_NUMBER] = number_word(number);
}

static void gather_result(Debugger *d, const Stop *s)
{
    if (d->target.how != RESUME_FINISH_ALL || d->target.goal != s->number) return;
    print_short(d->rt, s->value, SIZE_MAX / 2, &d->gathered);
    buf_putc(&d->gathered, '\n');
    d->gathered_count++;
}

/* Was the client asked about the error that the goal gives, when it was made? */
static bool is_told(const Debugger *d, Word value)
{
    return d->error_told && atom_is_error(value) && value == d->last_error;
}

static Step port_result(Machine *m, Frame *f)
{
    Debugger *d = debugger_of(m);
    Word same_as = m->same_as;
    uint64_t number = mark_number(f->slot);
    Goal *goal = goal_find(d, number);
    if (!goal || d->busy) {
        m->frame = f->parent;
        return STEP_RETURN;
    }
    goal->results++;
    if (d->derivation) {
        derive_exit(d, f, m->value);
        if (!has_alternatives(m, goal)) machine_drop(m, m->choice);
        m->frame = f->parent;
        return STEP_RETURN;
    }
    Stop s = {.port = AT_EXIT,
              .number = number,
              .depth = goal->depth,
              .result = goal->results,
              .place = goal->place};
    s.goal = f->slot[MARK_GOAL];
    s.value = m->value;
    while (has_alternatives(m, goal) && drop_useless(d, m->choice)) continue;
    s.alternatives = has_alternatives(m, goal); /* counted when somebody looks */
    bool silent = goal->ended || is_told(d, m->value);
    goal->ended = false;
    set_quiet(d, goal, false);
    gather_result(d, &s);
    m->atom = s.goal;
    update_watching(d);
    m->type = same_as;
    Breakpoint *hit = silent ? NULL : break_hit(d, AT_EXIT, &m->atom, &m->value);
    s.goal = m->atom;
    s.value = m->value;
    if (!silent && is_stop(d, &s, hit)) {
        if (s.alternatives) s.alternatives = count_alternatives(d, m, goal);
        Step next;
        Resume how = ask(d, m, &s);
        if (how == RESUME_FORCE && d->forced_goal == number) {
            m->value = d->forced;
            how = RESUME_CONTINUE;
        }
        if (is_detour(d, m, how, &next)) return next;
    }
    m->same_as = m->type;
    m->frame = f->parent;
    m->depth = f->depth;
    goal = goal_find(d, number);
    if (goal ? has_alternatives(m, goal) : m->choice->kind != CHOICE_BOTTOM) {
        leave_redo(m, f->slot[MARK_GOAL], number); /* it may take the place of F */
    } else if (goal && goal->results == 1) {
        /* Nothing is left, and nothing was: nobody needs to be told of the end. */
        if (!goal->open) machine_drop(m, m->choice);
        forget_goal(d, goal);
    }
    return STEP_RETURN;
}

/* Which alternative evaluation comes back for. */
static const char *redo_note(Debugger *d, Machine *m)
{
    Alternatives all = {0};
    d->machine = m;
    alternatives(d, NULL, &all);
    vec_clear(&d->note);
    if (all.len && !word_is_nil(all.data[0].next)) {
        buf_puts(&d->note, "next ");
        print_short(d->rt, all.data[0].next, RECORD_TEXT, &d->note);
        if (all.data[0].place.line) buf_puts(&d->note, "  ");
        print_place(d, all.data[0].place, &d->note);
    }
    vec_free(&all);
    return d->note.len ? buf_cstr(&d->note) : NULL;
}

static Step port_redo(Debugger *d, Machine *m, Choice *c)
{
    uint64_t number = mark_number(c->slot);
    Goal *goal = goal_find(d, number);
    m->atom = c->slot[MARK_GOAL];
    machine_restore(m, c);
    machine_drop(m, c);
    if (!goal || d->busy) return STEP_FAIL;
    Stop s = {
        .port = AT_REDO, .number = number, .depth = goal->depth, .place = goal->place, .value = WORD_NIL};
    s.goal = m->atom;
    s.result = goal->results;
    s.alternatives = has_alternatives(m, goal);
    if (is_quiet(d, s.depth)) set_quiet(d, goal, true);
    update_watching(d);
    Breakpoint *hit = break_hit(d, AT_REDO, &m->atom, NULL);
    s.goal = m->atom;
    Step next;
    if (!is_stop(d, &s, hit)) return STEP_FAIL;
    if (s.alternatives) s.alternatives = count_alternatives(d, m, goal);
    s.note = redo_note(d, m);
    return is_detour(d, m, ask(d, m, &s), &next) ? next : STEP_FAIL;
}

static Step port_fail(Debugger *d, Machine *m, Choice *c)
{
    uint64_t number = mark_number(c->slot);
    Goal *goal = goal_find(d, number);
    machine_restore(m, c);
    m->atom = c->slot[MARK_GOAL];
    Step next = STEP_FAIL;
    if (goal && d->derivation) {
        if (goal->results == 0) derive_miss(d, m->atom);
    } else if (goal && !d->busy) {
        Stop s = {
            .port = AT_FAIL, .number = number, .depth = goal->depth, .place = goal->place, .value = WORD_NIL};
        s.goal = m->atom;
        s.result = goal->results;
        set_quiet(d, goal, false);
        update_watching(d);
        Breakpoint *hit = break_hit(d, AT_FAIL, &m->atom, NULL);
        if (!hit && goal->results == 0) hit = catch_hit(d, CATCH_EMPTY);
        s.goal = m->atom;
        if (is_stop(d, &s, hit)) {
            Resume how = ask(d, m, &s);
            if (how == RESUME_RETRY && is_detour(d, m, how, &next)) return next;
            if (how == RESUME_FORCE && d->forced_goal == number) {
                Word value = d->forced;
                machine_drop(m, c);
                return step_return(m, value);
            }
        }
        goal = goal_find(d, number);
        if (goal) forget_goal(d, goal);
        update_watching(d);
    }
    machine_drop(m, c);
    return STEP_FAIL;
}

static Step port_back(Machine *m, Choice *c)
{
    Debugger *d = debugger_of(m);
    return c->flags & PORT_END ? port_fail(d, m, c) : port_redo(d, m, c);
}

void ask_about(Debugger *d, Machine *m, Stop *s)
{
    s->depth = depth_here(d, m);
    s->place = atom_is_cons(s->goal) ? call_place(d, m, s->goal) : d->rt->debug.query;
    record(d, s->port, 0, s->depth, s->goal, s->value);
    ask(d, m, s);
}

static bool port_retry(Machine *m, Choice *c)
{
    Debugger *d = debugger_of(m);
    if (d->busy) return false;
    d->machine = m;
    return choice_to_tier0(d, c);
}

static bool port_pause(Machine *m)
{
    Debugger *d = debugger_of(m);
    if (d->busy || d->derivation || d->quitting || !d->pauses) return false;
    m->rt->limits.interrupted = 0;
    Stop s = {.port = AT_CALL, .reason = STOP_PAUSE, .goal = atom_deref(m->atom), .value = WORD_NIL};
    ask_about(d, m, &s);
    return !d->quitting;
}

static void port_changed(Machine *m)
{
    Debugger *d = debugger_of(m);
    m->rt->debug.changed = false;
    if (d->busy) return;
    Stop s = d->stop; /* space_changed has noted what */
    s.goal = m->atom;
    ask_about(d, m, &s);
}

static void port_top(Machine *m)
{
    Debugger *d = debugger_of(m);
    if (d->derivation && !d->busy) derive_result(d, m, m->value);
}

static void port_row(Machine *m, Word fact)
{
    Debugger *d = debugger_of(m);
    if (d->derivation && !d->busy) derive_fact(d, m, fact);
}

static void port_operation(Machine *m, Word call, Word value)
{
    Debugger *d = debugger_of(m);
    if (d->derivation && !d->busy) derive_operation(d, m, call, value);
}

/* Rules may have been read since. */
static void port_query(Runtime *rt)
{
    Debugger *d = rt->debug.debugger;
    resolve_lines(d);
    if (!d->busy && !d->derivation) break_at_query(d);
}

static void port_trace(Runtime *rt, Heap *h)
{
    Debugger *d = rt->debug.debugger;
    heap_visit(h, &d->stop.goal);
    heap_visit(h, &d->stop.value);
    heap_visit(h, &d->forced);
    heap_visit(h, &d->kept);
    if (d->derivation) derivation_trace(d->derivation, h);
    heap_visit(h, &d->last_error);
    tails_trace(d, h);
    for (size_t i = 0; i < d->errors.len; i++) heap_visit(h, &d->errors.data[i].error);
    breaks_trace(d, h);
}

const DebugPorts debug_ports = {
    .call = port_call,
    .unify = port_unify,
    .reach = port_reach,
    .stuck = port_stuck,
    .error = port_error,
    .result = port_result,
    .back = port_back,
    .retry = port_retry,
    .pause = port_pause,
    .changed = port_changed,
    .top = port_top,
    .row = port_row,
    .operation = port_operation,
    .query = port_query,
    .trace = port_trace,
};
