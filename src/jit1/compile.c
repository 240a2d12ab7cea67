#include "jit1/compile.h"

#include "jit1/known.h"
#include "jit1/native.h"

enum { NOWHERE = UINT32_MAX };

/* A way in at an instruction where operands are in registers, or more is known than those who come in may know. */
typedef struct WayIn {
    uint32_t ip, at;
    uint16_t height;
    uint8_t state;
    uint16_t id;         /* of the stencil there, index + 1, for whatever is known */
    uint32_t end;        /* where what stands there ends; 0: nothing flows from there */
    uint64_t known;      /* see jit1/known.h */
    uint64_t used;       /* of what is known, by the code at this place; later by that from there on */
    uint64_t made, from; /* the code at this place makes MADE known out of FROM */
} WayIn;

/* A part of a fusion but the first; the fusion ends at END. */
typedef struct Inside {
    uint32_t ip, end;
} Inside;

/* Indices of pieces, or offsets of instructions; few as a rule. */
typedef SMALL_VEC(uint32_t, 8) Places;

typedef struct Maker {
    const Chunk *c;
    Layout *l;
    int32_t *heights; /* by offset */
    bool *targets;    /* by offset: jumps lead there */
    /* Where the next piece stands. */
    uint8_t state; /* operands in registers */
    bool flows;    /* control comes from the piece before */
    bool sure;     /* what is jumped to from here may take for granted what is known there */
    bool typed;    /* the caller takes numbers, wherever control comes from */
    Known known;   /* what else is known, if control comes from the piece before or by a sure jump */
    /* What is only expected. */
    uint64_t floats;     /* locals that are floats, bit by bit */
    uint64_t operands;   /* the same of operands, from the bottom */
    uint64_t asked;      /* locals that the first instruction asks if they are small integers */
    size_t done, joined; /* of COLD, of BLOCKS */
    /* What follows is not zeroed: it is large. */
    SMALL_VEC(WayIn, 16) ways; /* other ways in */
    SMALL_VEC(Inside, 16) insides;
    Places again; /* tail calls of the code itself, pieces, that know that they will be */
    /* Code on the side, still to be laid. */
    Places cold;   /* pieces that may leave their instruction to it */
    Places wanted; /* instructions that other such code goes on at */
    Places blocks; /* pieces of instructions that wait for the result of the code behind them */
    Places marks;  /* pieces before the places where calls give their results */
    InPlaceChunk in_place;
} Maker;

#define EACH_LIST(k, act)                                                                       \
    (act(&(k)->ways), act(&(k)->insides), act(&(k)->again), act(&(k)->cold), act(&(k)->wanted), \
     act(&(k)->blocks), act(&(k)->marks))

/* -- Guesses -- */

static GuessSite *site_at(const Maker *k, uint32_t ip)
{
    return &k->l->wish.guesses->sites[ip];
}

static bool is_dropped(const Maker *k, uint32_t ip, Guess guess)
{
    return site_at(k, ip)->dropped & guess;
}

/* The code for IP takes GUESS for granted, if IF_SO says so. */
static bool note_guess(Maker *k, uint32_t ip, Guess guess, bool if_so)
{
    if (if_so) site_at(k, ip)->made |= guess;
    return if_so;
}

/* -- Jumps -- */

/* Find out how high the operand stack is and where jumps lead; and whether expressions are evaluated that may turn out to be as they were: what
 * code makes of them is looked at then.  False when heights are not known. */
static bool look_through(Maker *k)
{
    const Chunk *c = k->c;
    if (!chunk_flow(c, k->heights, k->targets)) return false;
    for (uint32_t ip = 0; ip < c->code.len && !k->l->checks; ip += k->heights[ip] < 0 ? 1 : length_at(c, ip))
        k->l->checks = k->heights[ip] >= 0 && op_at(c, ip) == OP_EVAL;
    return true;
}

/* -- What operands are expected to be -- */

/* Only how fast code is depends on this, so it need not be right; where control comes from elsewhere, it is taken for what it was in the code
 * before. */

static bool bit_of(uint64_t bits, uint32_t i)
{
    return i < 64 && bits >> i & 1;
}

static void set_bit(uint64_t *bits, uint32_t i, bool value)
{
    if (i < 64) *bits = (*bits & ~(UINT64_C(1) << i)) | (uint64_t)value << i;
}

static bool computes(uint8_t op)
{
    return op == OP_ADD || op == OP_SUB || op == OP_MUL;
}

static bool compares(uint8_t op)
{
    return op >= OP_LT && op <= OP_GE;
}

/* Go through the one instruction at IP, no fusion.  Does it compute with floats? */
static bool expect(Maker *k, uint32_t ip)
{
    const Chunk *c = k->c;
    uint8_t op = op_at(c, ip);
    uint32_t height = (uint32_t)k->heights[ip];
    bool floats = false;
    if (computes(op) || compares(op)) {
        floats = bit_of(k->operands, height - 1) || bit_of(k->operands, height - 2);
        set_bit(&k->operands, height - 2, floats && computes(op));
    } else if (op == OP_LOAD_LOCAL || op == OP_EVAL_LOCAL) {
        set_bit(&k->operands, height, bit_of(k->floats, value_at(c, ip, 's')));
    } else if (op == OP_PUSH_CONST) {
        set_bit(&k->operands, height, word_is_double(c->constants.data[value_at(c, ip, 'k')]));
    } else if (op == OP_STORE_LOCAL) {
        set_bit(&k->floats, value_at(c, ip, 's'), bit_of(k->operands, height - 1));
    } else if (op_info(op)->pushes) {
        set_bit(&k->operands, k->heights[ip + length_at(c, ip)] - 1u, false);
    }
    return floats;
}

/* Go through the instructions from IP to END.  Do they compute with floats, as far as is to be expected or was seen? */
static bool expect_floats(Maker *k, uint32_t ip, uint32_t end)
{
    bool floats = false, seen = is_dropped(k, ip, GUESS_NO_FLOATS), last = false;
    for (; ip < end; ip += length_at(k->c, ip)) {
        floats |= expect(k, ip);
        last = computes(op_at(k->c, ip));
    }
    if (seen && last) set_bit(&k->operands, (uint32_t)k->heights[end] - 1, true);
    return floats || seen;
}

/* -- Laying out -- */

static uint32_t add_piece(Maker *k, uint32_t stencil, uint32_t ip, int32_t height)
{
    Layout *l = k->l;
    vec_reserve(&l->pieces, 1);
    l->pieces.data[l->pieces.len] = (Piece){.stencil = (uint16_t)stencil,
                                            .state = k->state,
                                            .height = (uint16_t)height,
                                            .sure = k->sure,
                                            .ip = ip,
                                            .at = l->size,
                                            .cold = NOWHERE};
    l->size += stencils[stencil].size;
    return (uint32_t)l->pieces.len++;
}

/* The stencil ID at IP, for LOCAL. */
static void add_for_local(Maker *k, uint32_t id, uint32_t ip, uint32_t local)
{
    uint32_t piece = add_piece(k, id, ip, 0);
    k->l->pieces.data[piece].goes = local;
}

static void add_spill(Maker *k, uint32_t ip, int32_t height)
{
    if (k->state) add_piece(k, k->state == 1 ? STENCIL_spill_1 : STENCIL_spill_2, ip, height);
    k->state = 0;
}

/* Where the VM carries out what P stands for, a piece.  What several pieces leave to it with no operands in registers is there once. */
static uint32_t step_for(Maker *k, const Piece *p)
{
    OtherWay *way = &k->l->others[p->ip];
    if (p->state == 0 && way->step && k->l->pieces.data[way->step].length == p->length) {
        assert(k->l->pieces.data[way->step].height == p->height);
        return way->step;
    }
    uint32_t step = add_piece(k, STENCIL_step + p->state, p->ip, p->height);
    k->l->pieces.data[step].length = p->length;
    k->state = 0;
    k->flows = false;
    if (p->state == 0) way->step = step;
    return step;
}

/* Have the VM carry out the instruction at IP, which ends at END, and go on behind it where control can. */
static void add_along(Maker *k, uint32_t ip, uint32_t end)
{
    add_spill(k, ip, k->heights[ip]);
    uint8_t op = op_at(k->c, ip);
    bool ends = (op_info(op)->flags & OPF_END) || op_is_block(op);
    uint32_t piece = add_piece(k, ends ? STENCIL_step : STENCIL_along, ip, k->heights[ip]);
    k->l->pieces.data[piece].length = (uint16_t)(end - ip);
    k->flows = !ends;
}

/* Somebody may come in at IP. */
static void add_way_in(Maker *k, uint32_t ip)
{
    if (k->state == 0 && !k->l->map[ip]) k->l->map[ip] = k->l->size;
    if (k->state == 0 && !k->known.now) return;
    if (k->state == 0) k->l->others[ip].sure = k->l->size;
    WayIn way = {.ip = ip,
                 .at = k->l->size,
                 .height = (uint16_t)k->heights[ip],
                 .state = k->state,
                 .known = k->known.now};
    small_push(&k->ways, way);
    k->l->others[ip].way = (uint32_t)k->ways.len;
}

/* Constants in the heap move, so they cannot be put into the code. */
static bool constants_stay(const Chunk *c, uint32_t ip, uint32_t end)
{
    while (ip < end) {
        if (op_info(op_at(c, ip))->constants)
            EACH_OPERAND (o, c, ip) {
                Word w = o.letter == 'k' ? c->constants.data[operand_value(c, o)] : WORD_NIL;
                if ((word_is_heap(w) && !(word_obj(w)->flags & OBJ_STORED)) || word_is_var(w)) return false;
            }
        ip += length_at(c, ip);
    }
    return true;
}

/* Can those of the fusion F, which stands from IP to END, be put into its stencil? */
static bool constants_suit(const Chunk *c, const Fusion *f, uint32_t ip, uint32_t end)
{
    if (f->op == OP_SAME_LOCALS_RETURN && word_is_heap(c->constants.data[value_at(c, ip, 'k')])) return false;
    return constants_stay(c, ip, end);
}

/* Does F fit at IP?  Then *END is where it ends. */
static bool fits(const Maker *k, const Fusion *f, uint32_t ip, uint32_t *end)
{
    const Chunk *c = k->c;
    uint32_t at = ip;
    for (unsigned i = 0; i < f->count; i++) {
        if (at >= c->code.len || k->heights[at] < 0 || op_at(c, at) != f->parts[i]) return false;
        at += length_at(c, at);
    }
    *end = at;
    return op_fusion_fits(f, c->code.data + ip);
}

static bool makes_expression(uint8_t op)
{
    return op == OP_MAKE_SAME || op == OP_MAKE_SEXPR || op == OP_SAME_RETURN || op == OP_SEXPR_RETURN;
}

/* ID is the first stencil of OP, which stands at IP: if that makes an expression, the one for its items. */
static uint32_t for_items(const Maker *k, uint32_t ip, uint8_t op, uint32_t id)
{
    if (!makes_expression(op)) return id;
    uint32_t items = value_at(k->c, ip, 'n');
    bool own = items >= STENCIL_LEAST_MADE && items <= STENCIL_MOST_MADE;
    return own ? id + 1 + items - STENCIL_LEAST_MADE : id;
}

/* The stencil of a fusion that begins at IP and ends before LIMIT, and where it ends; 0 when there is none.  Where bytecode has none neither has machine code:
 * a better one begins in the middle of what would fit.  Its own is the first that fits; those behind it serve where that has no stencil. */
static uint32_t fused_at(const Maker *k, uint32_t ip, uint32_t limit, uint32_t *end)
{
    size_t count;
    if (is_dropped(k, ip, GUESS_FUSED)) return 0;
    const Fusion *all = op_fusions(&count), *own = op_fusion(k->c->code.data[ip]);
    for (const Fusion *f = own; f && f < all + count; f++) {
        uint32_t id = stencil_of[f->op][k->state];
        if (id && fits(k, f, ip, end) && *end <= limit && constants_suit(k->c, f, ip, *end))
            return for_items(k, ip, f->op, id);
    }
    return 0;
}

/* Of the stencils of a call the one for its arguments; 0 when there are too many. */
static uint32_t call_stencil(const Maker *k, uint32_t ip, uint32_t first)
{
    const Chunk *c = k->c;
    uint32_t args = value_at(c, ip, 'c') & 0x7F;
    const Function *f = c->functions.data[value_at(c, ip, 'f')];
    if (args >= STENCIL_ARGUMENTS) return 0;
    return first + 2 * args + (f->chunk == c);
}

/* The stencil of the instruction at IP alone; 0 when there is none. */
static uint32_t single_at(const Maker *k, uint32_t ip)
{
    uint8_t op = op_at(k->c, ip);
    uint32_t id = stencil_of[op][k->state];
    bool stay = constants_stay(k->c, ip, ip + length_at(k->c, ip));
    if (!stay && op == OP_PUSH_CONST) return STENCIL_push_moving_0 + k->state + 1u;
    if (!id || !stay) return 0;
    return is_call(op) || is_tail_call(op) ? call_stencil(k, ip, id) : for_items(k, ip, op, id);
}

/* Note the parts of the fusion from IP to END but the first. */
static void note_insides(Maker *k, uint32_t ip, uint32_t end)
{
    for (ip += length_at(k->c, ip); ip < end; ip += length_at(k->c, ip)) {
        Inside inside = {ip, end};
        small_push(&k->insides, inside);
    }
}

/* The stencil ID for what stands from IP to END; ID 0: the VM. */
static void add_code(Maker *k, uint32_t ip, uint32_t end, uint32_t id)
{
    if (!id) {
        add_along(k, ip, end);
        return;
    }
    uint32_t piece = add_piece(k, id - 1, ip, k->heights[ip]);
    k->l->pieces.data[piece].length = (uint16_t)(end - ip);
    if (stencils[id - 1].leaves) small_push(&k->cold, piece);
    if (op_is_block(op_at(k->c, ip))) small_push(&k->blocks, piece);
    k->flows = stencils[id - 1].ends >= 0;
    k->state = k->flows ? (uint8_t)stencils[id - 1].ends : 0;
}

/* Go on at IP, where all operands are on the stack. */
static void add_hop(Maker *k, uint32_t ip)
{
    add_piece(k, STENCIL_hop + k->state, ip, k->heights[ip]);
    k->state = 0;
    k->flows = false;
}

/* There is to be code for those who come in at IP. */
static void want(Maker *k, uint32_t ip)
{
    k->l->map[ip] = 0;
    small_push(&k->wanted, ip);
}

/* The same in all code but the usual.  SURE: all is known that the usual code there takes for granted. */
static void add_join(Maker *k, uint32_t ip, bool sure)
{
    if (!(sure && k->l->others[ip].sure) && k->l->resume && k->l->map[ip] == k->l->resume) want(k, ip);
    k->sure = sure;
    add_hop(k, ip);
    k->sure = false;
}

/* The cases of the switch at IP that are for expressions, or those that are not. */
static void add_cases(Maker *k, uint32_t ip, bool expressions)
{
    const Switch *s = switch_at(k->c, ip);
    for (uint32_t i = 0; i < s->count; i++) {
        if ((k->c->cases.data[s->first + i].len > 0) != expressions) continue;
        uint32_t id = expressions ? STENCIL_switch_expression : STENCIL_switch_value;
        uint32_t piece = add_piece(k, id, ip, k->heights[ip]);
        k->l->pieces.data[piece].goes = i;
    }
    add_piece(k, STENCIL_switch_end, ip, k->heights[ip]);
}

/* The switch at IP, which has few cases. */
static void add_switch(Maker *k, uint32_t ip)
{
    add_spill(k, ip, k->heights[ip]);
    uint32_t first = add_piece(k, STENCIL_switch_on, ip, k->heights[ip]);
    k->l->pieces.data[first].length = (uint16_t)length_at(k->c, ip);
    small_push(&k->cold, first);
    add_cases(k, ip, true);
    k->l->pieces.data[first].goes = k->l->size;
    add_cases(k, ip, false);
    k->flows = false;
}

/* May the call at IP be over at once in a way that the code itself can find out? */
static bool may_be_over(const Maker *k, uint32_t ip)
{
    const Chunk *c = k->c;
    if (!k->l->rest || c->functions.data[value_at(c, ip, 'f')]->chunk != c) return false;
    if (op_at(c, ip) == OP_CALL) return true;
    Word type = c->constants.data[value_at(c, ip, 'k')];
    return type == W_SYM(UNDEFINED) || type == k->c->early.type;
}

/* Does the instruction at IP make sure that the caller takes numbers? */
static bool takes_numbers(const Chunk *c, uint32_t ip)
{
    uint8_t op = op_at(c, ip);
    return op == OP_ANY_TYPE ||
           (op == OP_GUARD_TYPE && c->constants.data[value_at(c, ip, 'k')] == W_SYM(T_NUMBER));
}

/* Argument I of the call of the code itself at IP, as a set (jit1/known.h). */
static uint64_t known_argument(const Maker *k, uint32_t ip, uint32_t i)
{
    return known_operand((uint32_t)k->heights[ip] - k->c->arity + i);
}

enum { IN_MEMORY = 2 };
/* Where argument I of a call of the code itself is: as the names of stencils have it, register 0, register 1, memory. */
static uint32_t argument_place(const Maker *k, uint32_t i)
{
    uint32_t from_top = k->c->arity - i;
    return from_top <= k->state ? k->state - from_top : IN_MEMORY;
}

/* Is what the test of the call at IP compares with a small integer known to be one? */
static bool knows_test(const Maker *k, uint32_t ip)
{
    const Early *e = &k->c->early;
    return k->known.now & known_argument(k, ip, e->left) && is_call(op_at(k->c, ip)) && may_be_over(k, ip) &&
           !e->two && argument_place(k, e->left) < IN_MEMORY;
}

/* The way in at IP, if it is the last one that was noted: what stands there is being laid. */
static WayIn *way_here(Maker *k, uint32_t ip)
{
    return k->ways.len && vec_last(&k->ways).ip == ip ? &vec_last(&k->ways) : NULL;
}

/* The code for IP takes USED for granted. */
static void note_use(Maker *k, uint32_t ip, uint64_t used)
{
    WayIn *way = way_here(k, ip);
    if (way) way->used |= used;
}

/* Ask whether the call at IP is over; returns the index of the piece. */
static uint32_t add_test(Maker *k, uint32_t ip, uint32_t end)
{
    const Early *e = &k->c->early;
    uint32_t left = argument_place(k, e->left), right = e->two ? 1 + argument_place(k, e->right) : 0;
    uint32_t id = STENCIL_over_eq_r0_small + 12 * e->compare + 4 * left + right;
    bool knows = knows_test(k, ip);
    if (knows) id = STENCIL_over_eq_r0_known + 2 * e->compare + left;
    uint32_t test = add_piece(k, id, ip, k->heights[ip]);
    if (knows) note_use(k, ip, known_argument(k, ip, e->left));
    k->l->pieces.data[test].length = (uint16_t)(end - ip);
    small_push(&k->cold, test);
    return test;
}

/* The result of the call at IP, which TEST has found to be over. */
static void add_over(Maker *k, uint32_t ip, uint32_t test)
{
    const Early *e = &k->c->early;
    uint32_t place = e->gives == EARLY_WORD ? 0 : argument_place(k, e->given);
    /* One operand may be below the arguments. */
    if (k->state > k->c->arity) {
        uint8_t state = k->state;
        k->state = (uint8_t)(state - k->c->arity);
        add_piece(k, k->state == 1 ? STENCIL_spill_1 : STENCIL_spill_2, ip, k->heights[ip] - k->c->arity);
        k->state = state;
    }
    uint32_t over = add_piece(k, STENCIL_over_tested_r0 + 3 * e->gives + place, ip, k->heights[ip]);
    k->l->pieces.data[over].other = test;
    small_push(&k->cold, over);
}

/* A place where the instruction at IP is given a result, with HEIGHT operands; bytes from the beginning.  The mark is the last piece but one. */
static uint32_t add_returned(Maker *k, uint32_t ip, int32_t height)
{
    add_piece(k, STENCIL_stay_mark, ip, height);
    uint32_t returned = add_piece(k, STENCIL_returned, ip, height);
    return k->l->pieces.data[returned].at;
}

/* The call at IP, by the stencil ID. */
static void add_call(Maker *k, uint32_t ip, uint32_t end, uint32_t id)
{
    uint8_t state = k->state;
    bool tests = is_call(op_at(k->c, ip)) && may_be_over(k, ip);
    uint32_t test = tests ? add_test(k, ip, end) : 0, call = (uint32_t)k->l->pieces.len;
    add_code(k, ip, end, tests ? stencils[id - 1].begun : id);
    if (tests) {
        k->l->pieces.data[test].goes = k->l->size;
        k->state = state;
        add_over(k, ip, test);
    }
    uint32_t back = add_returned(k, ip, k->heights[ip]), mark = (uint32_t)k->l->pieces.len - 2;
    k->l->pieces.data[mark].length = (uint16_t)(end - ip);
    small_push(&k->marks, mark);
    k->l->pieces.data[call].back = back;
    if (tests) k->l->pieces.data[test].back = back;
    k->state = 1;
    k->flows = true;
}

/* Note what is known of the caller behind the code from IP to END; MADE: it is machine code, and no frame begins behind it that control comes
 * to otherwise. */
static void note_type(Maker *k, uint32_t ip, uint32_t end, bool made)
{
    k->typed = (k->typed && made) || takes_numbers(k->c, ip);
    for (ip += length_at(k->c, ip); ip < end; ip += length_at(k->c, ip))
        k->typed = (k->typed && !k->targets[ip]) || takes_numbers(k->c, ip);
}

/* Of the stencil *ID for what stands at IP, a fusion or not, the one for the numbers that are expected: FLOATS or not.  Is it to be counted
 * when they are others?  Fusions that begin with a guard are made for numbers, and for nothing else their parts do better. */
static bool choose_numbers(Maker *k, uint32_t ip, bool floats, bool fused, uint32_t *id)
{
    const Stencil *s = &stencils[*id - 1];
    uint8_t op = op_at(k->c, ip);
    bool wide = is_dropped(k, ip, GUESS_SMALL) && s->wide;
    note_guess(k, ip, GUESS_FUSED, fused && op == OP_GUARD_NUMBER);
    bool guesses = note_guess(k, ip, GUESS_NO_FLOATS, !floats && (s->floats || (fused && s->wide)));
    guesses |= note_guess(k, ip, GUESS_SMALL, !wide && s->wide);
    if (floats && s->floats && (!wide || is_dropped(k, ip, GUESS_NO_FLOATS)))
        *id = s->floats;
    else if (wide)
        *id = s->wide;
    return guesses;
}

/* The stencil of what stands at IP, a fusion only if it ends before LIMIT; 0: there is none.  *END is where that ends, *GUESSES: what choose_numbers
 * says. */
static uint32_t choose(Maker *k, uint32_t ip, uint32_t limit, uint32_t *end, bool *guesses)
{
    uint32_t id = fused_at(k, ip, limit, end), alone = ip + length_at(k->c, ip);
    if (!id) *end = alone;
    bool floats = expect_floats(k, ip, *end);
    if (!id || (floats && !stencils[id - 1].floats)) {
        *end = alone;
        id = single_at(k, ip);
    }
    *guesses = id && choose_numbers(k, ip, floats, *end != alone, &id);
    /* Frames that have FF_CHECK are the VM's. */
    if (id && !k->l->checks && stencils[id - 1].new) id = stencils[id - 1].new;
    return id;
}

/* Of the stencil *ID for what stands at IP take the one for what is known. */
static void use_known(Maker *k, uint32_t ip, uint32_t *id)
{
    WayIn *way = way_here(k, ip);
    if (way) way->id = (uint16_t)*id;
    note_use(k, ip, known_use(&k->known, ip, id));
    if (!(k->known.now & KNOWN_UNCHECKED) || !stencils[*id - 1].new) return;
    note_use(k, ip, KNOWN_UNCHECKED);
    *id = stencils[*id - 1].new;
}

/* Before a call or tail call, from IP to END: look at FF_CHECK if the frame may have it. */
static void add_check(Maker *k, uint32_t ip, uint32_t end)
{
    if (!k->l->checks) return;
    if (k->known.now & KNOWN_UNCHECKED)
        note_use(k, ip, KNOWN_UNCHECKED);
    else
        add_code(k, ip, end, STENCIL_checked_0 + k->state + 1);
}

/* The tail call of the code itself at IP is about to be laid: may it go to where what the first instruction asks for is known? */
static void note_again(Maker *k, uint32_t ip)
{
    uint64_t known = 0, from = 0;
    if (!k->asked || !k->sure || k->c->functions.data[value_at(k->c, ip, 'f')]->chunk != k->c) return;
    for (uint32_t i = 0; i < k->c->arity; i++)
        if (k->asked & known_local(i) && k->known.now & known_argument(k, ip, i))
            known |= known_local(i), from |= known_argument(k, ip, i);
    if (known != k->asked) return;
    note_use(k, ip, from);
    small_push(&k->again, (uint32_t)k->l->pieces.len);
}

/* Lay out what stands at IP; returns where it ends. */
static uint32_t add_instruction(Maker *k, uint32_t ip)
{
    uint32_t end = ip + length_at(k->c, ip);
    if (op_at(k->c, ip) == OP_SWITCH && !switch_at(k->c, ip)->hashed) {
        add_switch(k, ip);
        known_pass(&k->known, ip, end, 0, false);
        return end;
    }
    bool guesses;
    uint32_t alone = end, id = choose(k, ip, UINT32_MAX, &end, &guesses), piece = (uint32_t)k->l->pieces.len;
    bool fused = end != alone;
    if (id && k->typed && stencils[id - 1].typed) id = stencils[id - 1].typed;
    note_type(k, ip, end, id != 0 && !op_is_block(op_at(k->c, ip)));
    if (id && k->known.now) use_known(k, ip, &id);
    uint8_t op = op_at(k->c, ip);
    bool calls = id && !fused && (is_call(op) || calls_value(op) || op == OP_CALL_STEP);
    bool tail = id && !fused && (is_tail_call(op) || op == OP_TAIL_CALL_VALUE);
    if (ip == 0 && k->sure && id && stencils[id - 1].shows) k->asked = known_asked(&k->known, 0, id);
    if (calls || tail) add_check(k, ip, end);
    if (calls) {
        add_call(k, ip, end, id);
    } else {
        if (tail && is_tail_call(op)) note_again(k, ip);
        add_code(k, ip, end, id);
        if (fused) note_insides(k, ip, end);
        k->l->pieces.data[piece].guesses = guesses;
    }
    known_pass(&k->known, ip, end, id, calls);
    return end;
}

/* -- Frames that stay where they are -- */

static void forget_from(Maker *k, size_t piece, uint32_t size)
{
    k->l->pieces.len = piece;
    k->l->size = size;
}

/* Empty the locals that P stores, at IP. */
static void add_clears(Maker *k, const InPlace *p, uint32_t ip)
{
    for (uint32_t i = 0; i < p->stored_count; i++) add_for_local(k, STENCIL_empty_local, ip, p->stored[i]);
}

/* Do instructions from IP to END read what P stores? */
static bool reads_stored(const Chunk *c, const InPlace *p, uint32_t ip, uint32_t end)
{
    for (; ip < end; ip += length_at(c, ip))
        EACH_OPERAND (o, c, ip)
            if (o.letter == 's' && in_place_stored(p, (uint32_t)operand_value(c, o)) >= 0) return true;
    return false;
}

/* Part I of the code S.  False: there is no code for it. */
static bool add_part(Maker *k, const StayCode *s, uint32_t i)
{
    const InPlace *p = &s->code;
    bool clears = !p->copies && !s->aside;
    uint32_t ip = p->parts[i].start, last = p->parts[i].end, end;
    uint32_t used = (uint32_t)k->heights[ip] - k->state; /* operands in memory */
    while (ip < last) {
        bool guesses; /* where it leaves, the usual code counts */
        uint32_t id = choose(k, ip, last, &end, &guesses);
        if (clears && end == last && reads_stored(k->c, p, ip, end))
            id = choose(k, ip, last - 1, &end, &guesses);
        if (!id) return false;
        if (clears && end == last) add_clears(k, p, ip);
        uint32_t piece = add_piece(k, id - 1, ip, k->heights[ip]);
        k->l->pieces.data[piece].length = (uint16_t)(end - ip);
        k->state = stencils[id - 1].ends >= 0 ? (uint8_t)stencils[id - 1].ends : 0;
        uint32_t in_memory = end < last ? (uint32_t)k->heights[end] - k->state : 0;
        used = in_memory > used ? in_memory : used;
        ip = end;
    }
    return !s->aside || used + p->stored_count <= k->c->max_stack;
}

/* The parts of the code S, with STATE operands in registers at the beginning.  False: there is no code for it. */
static bool add_parts(Maker *k, StayCode *s, uint8_t state)
{
    for (uint32_t i = 0; i < s->code.part_count; i++) {
        k->state = i == 0 ? state : 0;
        s->at[i] = k->l->size;
        if (!add_part(k, s, i)) return false;
    }
    return true;
}

/* What has been laid out from piece FIRST on belongs to S, which it leaves for what will be laid out next. */
static void note_stay(Maker *k, StayCode *s, size_t first)
{
    s->out = (uint32_t)k->l->pieces.len;
    for (size_t i = first; i < k->l->pieces.len; i++) {
        k->l->pieces.data[i].in_place = true;
        k->l->pieces.data[i].cold = (uint32_t)k->l->stays.len;
    }
    vec_push(&k->l->stays, *s);
}

/* The code S for a result that is there at IP, but for what follows a copy.  False: there is none. */
static bool lay_stay(Maker *k, StayCode *s, uint32_t ip)
{
    k->state = 1;
    add_piece(k, s->code.late && !s->aside ? STENCIL_stay_early : STENCIL_stay, ip, k->heights[ip]);
    return add_parts(k, s, 1) && !(s->code.copies && k->state);
}

/* Find and lay the code *S for a result that is there at IP.  False: there is none, and nothing is laid. */
static bool find_stay(Maker *k, StayCode *s, uint32_t ip)
{
    size_t first = k->l->pieces.len;
    uint32_t at = k->l->size;
    if (!in_place_after(&k->in_place, ip, &s->code)) return false;
    /* There may be no room for what is stored aside. */
    s->aside = s->code.stored_count && !s->code.copies;
    if (lay_stay(k, s, ip)) return true;
    forget_from(k, first, at);
    if (!s->aside) return false;
    s->aside = false;
    if (lay_stay(k, s, ip)) return true;
    forget_from(k, first, at);
    return false;
}

/* The locals and OPERANDS operands of a copy of the frame, which is being made at IP. */
static void add_words(Maker *k, uint32_t ip, int32_t operands)
{
    for (uint32_t i = 0; i < k->c->locals + (uint32_t)operands; i += 2)
        add_for_local(k, STENCIL_copy_two, ip, i);
}

/* The frame moves at the end of the code S, which it was given a result for at MARK. */
static void add_move(Maker *k, const StayCode *s, uint32_t mark)
{
    uint32_t end = s->code.parts[0].end;
    add_piece(k, STENCIL_move, end, k->heights[end]);
    add_words(k, end, k->heights[end]);
    add_clears(k, &s->code, end);
    add_piece(k, STENCIL_moved, end, k->heights[end]);
    /* All that is known there was known behind the mark, or was found out on the way. */
    add_join(k, end, k->l->pieces.data[mark].sure);
}

/* A copy of the frame is given the result at IP, behind MARK. */
static void add_copy(Maker *k, uint32_t mark, uint32_t ip)
{
    k->state = 1;
    add_piece(k, STENCIL_stay_made, ip, k->heights[ip]);
    k->state = 2;
    add_words(k, ip, k->heights[ip] - 1);
    uint32_t piece = add_piece(k, STENCIL_copied, ip, k->heights[ip]);
    k->l->pieces.data[piece].goes = k->l->pieces.data[mark + 1].at;
}

/* Code for protected frames that are given a result at MARK: they need not be copied first, or can be copied with less ado than others. */
static void add_stay(Maker *k, uint32_t mark)
{
    StayCode s = {0};
    size_t first = k->l->pieces.len;
    uint32_t ip = k->l->pieces.data[mark].ip + k->l->pieces.data[mark].length;
    k->l->pieces.data[mark].goes = k->l->size;
    if (!find_stay(k, &s, ip)) {
        s = (StayCode){0};
        add_copy(k, mark, ip);
    } else if (s.code.copies) {
        add_move(k, &s, mark);
    }
    note_stay(k, &s, first);
    k->state = 0;
    if (!s.aside) add_clears(k, &s.code, ip);
    k->state = 1;
    add_piece(k, STENCIL_stay_no_more, ip, k->heights[ip]);
}

static void add_stays(Maker *k)
{
    k->operands = 0;
    for (size_t i = 0; i < k->marks.len; i++) add_stay(k, k->marks.data[i]);
}

/* The `try` at IP, if the frame can stay where it is until there is a result; before the usual code for it, which takes over. */
static void add_try(Maker *k, uint32_t ip)
{
    StayCode s = {0};
    size_t first = k->l->pieces.len;
    uint32_t at = k->l->size;
    if (!in_place_try(&k->in_place, ip + length_at(k->c, ip), &s.code)) return;
    add_piece(k, STENCIL_try_here, ip, k->heights[ip]);
    for (uint32_t i = 0; i < k->c->arity; i++) add_for_local(k, STENCIL_save_argument, ip, i);
    bool ok = add_parts(k, &s, 0);
    k->state = 0;
    if (!ok) {
        forget_from(k, first, at);
        return;
    }
    note_stay(k, &s, first);
    add_piece(k, STENCIL_try_no_more, ip, k->heights[ip]);
}

/* What stands at IP, which control may come to from elsewhere, too. */
static uint32_t add_place(Maker *k, uint32_t ip)
{
    if (!k->flows) k->state = 0;
    if (!k->flows || k->targets[ip]) k->typed = false;
    known_place(&k->known, ip, k->flows);
    add_way_in(k, ip);
    if (op_at(k->c, ip) == OP_TRY) add_try(k, ip);
    uint32_t end = add_instruction(k, ip);
    WayIn *way = way_here(k, ip);
    if (!way) return end;
    way->end = k->flows ? end : 0;
    way->made = k->known.made;
    way->from = k->known.from;
    return end;
}

/* Join the rest of the code at IP, if control flows. */
static void add_rejoin(Maker *k, uint32_t ip)
{
    if (k->flows) add_join(k, ip, false);
}

/* The way in at IP, if it is noted. */
static WayIn *way_at(const Maker *k, uint32_t ip)
{
    uint32_t way = k->l->others[ip].way;
    return way ? &k->ways.data[way - 1] : NULL;
}

/* The same for what takes over from a piece at FROM, which knows what that knows: its result is another, but no local is. */
static void add_back(Maker *k, const Piece *p, uint32_t ip)
{
    const WayIn *from = way_at(k, p->ip), *to = way_at(k, ip);
    int32_t height = k->heights[ip] <= p->height ? k->heights[ip] - 1 : p->height;
    bool sure = p->sure && from && to && !(to->used & ~known_below(from->known, height));
    /* There will be code that loads registers. */
    if (sure && to->used && !k->l->others[ip].sure) k->l->others[ip].sure = NOWHERE;
    if (k->flows) add_join(k, ip, sure && to->used);
}

/* Does P ask whether a call is over? */
static bool is_test(const Piece *p)
{
    return p->stencil >= STENCIL_over_eq_r0_small && p->stencil <= STENCIL_over_ge_r1_known;
}

/* Is P the result of a call that is? */
static bool is_result(const Piece *p)
{
    return p->stencil >= STENCIL_over_tested_r0 && p->stencil <= STENCIL_over_word;
}

/* The call that TEST is for, with no test. */
static void add_plain_call(Maker *k, Piece test)
{
    uint32_t call = (uint32_t)k->l->pieces.len;
    add_code(k, test.ip, test.ip + test.length, single_at(k, test.ip));
    k->l->pieces.data[call].back = test.back;
}

/* Where the results of the block that the piece INDEX is for come back to: they are put to the other operands. */
static void add_end_of_block(Maker *k, uint32_t index)
{
    Piece block = k->l->pieces.data[index];
    uint32_t to = jump_target(k->c, operand_of(k->c, block.ip, 'j'));
    k->state = 1;
    uint32_t back = add_returned(k, block.ip, k->heights[to]);
    k->l->pieces.data[index].back = back;
    add_join(k, to, block.sure);
}

/* Count that a guess of P was wrong. */
static void add_count(Maker *k, const Piece *p)
{
    uint32_t count = add_piece(k, STENCIL_wrong_0 + p->state, p->ip, p->height);
    k->l->pieces.data[count].length = p->length;
}

/* What takes over from a piece: the call that was to be saved, the same with calls of C, the parts of a fusion one by one, or the VM, which then does all parts. */
static void add_cold(Maker *k, uint32_t index)
{
    Piece piece = k->l->pieces.data[index];
    uint32_t cold = stencils[piece.stencil].cold, end = piece.ip + piece.length;
    if (is_result(&piece)) {
        k->l->pieces.data[index].cold = k->l->pieces.data[piece.other].cold;
        return;
    }
    k->l->pieces.data[index].cold = (uint32_t)k->l->pieces.len;
    k->state = piece.state;
    if (is_test(&piece)) {
        add_plain_call(k, piece);
        return;
    }
    if (!cold) {
        uint32_t step = step_for(k, &piece);
        k->l->pieces.data[index].cold = step;
        return;
    }
    if (piece.guesses) add_count(k, &piece);
    add_spill(k, piece.ip, piece.height);
    if (cold != COLD_PARTS) add_code(k, piece.ip, end, cold);
    for (uint32_t ip = piece.ip; cold == COLD_PARTS && ip < end; ip += length_at(k->c, ip))
        add_code(k, ip, ip + length_at(k->c, ip), single_at(k, ip));
    add_back(k, &piece, end);
}

/* Code begins at IP that takes nothing for granted. */
static void begin_entry(Maker *k, uint32_t ip)
{
    k->l->map[ip] = k->l->size;
    k->state = 0;
    k->typed = false;
    k->known.now = 0;
}

/* Load what is in registers at WAY; returns where. */
static uint32_t add_fill(Maker *k, const WayIn *way)
{
    uint32_t fill = add_piece(k, STENCIL_fill_1 + way->state - 1u, way->ip, way->height);
    k->l->pieces.data[fill].goes = way->at;
    return k->l->pieces.data[fill].at;
}

/* Those who come in at WAY need only look if the frame has FF_CHECK: it is the VM's then. */
static void add_checked_entry(Maker *k, const WayIn *way)
{
    add_code(k, way->ip, way->ip + length_at(k->c, way->ip), STENCIL_checked_0 + 1);
    if (way->state)
        (void)add_fill(k, way);
    else
        add_join(k, way->ip, true);
}

/* What stands at IP, for code on the side: if there is code that calls C for it, that will do. */
static void add_wanted(Maker *k, uint32_t ip)
{
    if (k->l->map[ip]) return;
    begin_entry(k, ip);
    const WayIn *way = way_at(k, ip);
    if (way && !(way->used & ~KNOWN_UNCHECKED)) {
        add_checked_entry(k, way);
        return;
    }
    uint32_t cold = way && way->end && way->id ? stencils[way->id - 1].cold : 0, end = way ? way->end : 0;
    if (cold && cold != COLD_PARTS)
        add_code(k, ip, end, cold);
    else
        end = add_instruction(k, ip);
    add_rejoin(k, end);
}

/* All code on the side that is called for. */
static void add_sides(Maker *k)
{
    for (;;)
        if (k->joined < k->blocks.len)
            add_end_of_block(k, k->blocks.data[k->joined++]);
        else if (k->wanted.len)
            add_wanted(k, vec_pop(&k->wanted));
        else if (k->done < k->cold.len)
            add_cold(k, k->cold.data[k->done++]);
        else
            return;
}

/* Frames seldom go on at IP: there is no code for that, the VM does, unless code on the side will go on there, too. */
static void add_resume(Maker *k, uint32_t ip)
{
    if (!k->l->resume) {
        k->l->resume = k->l->size;
        add_piece(k, STENCIL_resume, ip, 0);
    }
    k->l->map[ip] = k->l->resume;
}

/* Code from IP on up to LIMIT that takes nothing for granted; the usual code goes on. */
static void add_entry(Maker *k, uint32_t ip, uint32_t limit)
{
    begin_entry(k, ip);
    while (ip < limit) ip = add_instruction(k, ip);
    add_rejoin(k, ip);
}

/* The parts of fusions, where a frame may want to go on.  Where jumps lead to one, there is code from there on. */
static void add_insides(Maker *k)
{
    for (size_t i = 0; i < k->insides.len; i++) {
        Inside inside = k->insides.data[i];
        if (k->targets[inside.ip])
            add_entry(k, inside.ip, inside.end);
        else
            add_resume(k, inside.ip);
    }
}

/* What the code at IP and behind it, noted before that, takes for granted. */
static uint64_t used_at(const Maker *k, uint32_t ip)
{
    const WayIn *way = way_at(k, ip);
    return way ? way->used : 0;
}

/* What is taken for granted where the instructions from IP to END jump to. */
static uint64_t used_by_jumps(const Maker *k, uint32_t ip, uint32_t end)
{
    uint64_t used = 0;
    for (; ip < end; ip += length_at(k->c, ip))
        if (op_info(op_at(k->c, ip))->flags & OPF_BRANCH)
            EACH_OPERAND (o, k->c, ip) {
                uint32_t to = o.letter == 'j' ? jump_target(k->c, o) : 0;
                if (to > ip) used |= used_at(k, to);
            }
    return used;
}

/* Find out which ways in are to code that takes for granted what those who come in do not know.  Where jumps lead to one, it is only code on
 * the side that jumps. */
static void find_unsure(Maker *k)
{
    for (size_t i = k->ways.len; i-- > 0;) {
        WayIn *way = &k->ways.data[i];
        uint32_t next = way->end ? way->end : way->ip + length_at(k->c, way->ip);
        uint64_t later = used_by_jumps(k, way->ip, next);
        if (way->end && i + 1 < k->ways.len && way[1].ip == next) later |= way[1].used;
        way->used |= later & way->made ? later | way->from : later;
        way->used &= way->known;
        if (!way->used) continue;
        add_resume(k, way->ip);
        if (k->targets[way->ip] || way->ip == 0) want(k, way->ip);
    }
}

static void add_ways_in(Maker *k)
{
    k->state = 0;
    for (size_t i = 0; i < k->ways.len; i++) {
        const WayIn *way = &k->ways.data[i];
        if (way->state && way->used && (k->targets[way->ip] || k->l->others[way->ip].sure))
            k->l->others[way->ip].sure = add_fill(k, way);
        if (!k->l->map[way->ip]) k->l->map[way->ip] = add_fill(k, way);
    }
}

/* What is known of the frame of a call that has just begun. */
static uint64_t new_frame(const Maker *k)
{
    return k->l->checks ? KNOWN_UNCHECKED : 0;
}

/* Empty the locals that are no arguments. */
static void add_empty_locals(Maker *k)
{
    uint32_t i = k->c->arity;
    for (; i + 2 <= k->c->locals; i += 2) add_for_local(k, STENCIL_empty_two, 0, i);
    if (i < k->c->locals) add_for_local(k, STENCIL_empty_local, 0, i);
}

static void add_frame(Maker *k)
{
    add_piece(k, STENCIL_prologue, 0, 0);
    k->l->again = k->l->size;
    if (k->l->wish.counter) add_piece(k, STENCIL_count, 0, 0);
    add_empty_locals(k);
}

/* The first instruction once more, for tail calls of the code itself that know what it asks for. */
static void add_again(Maker *k)
{
    if (!k->again.len || k->l->wish.counter) return;
    for (size_t i = 0; i < k->again.len; i++) k->l->pieces.data[k->again.data[i]].back = k->l->size;
    k->state = 0;
    add_empty_locals(k);
    k->known.now = new_frame(k) | k->asked;
    k->sure = true;
    add_join(k, add_instruction(k, 0), true);
}

static void add_beginning(Maker *k)
{
    /* Calls are counted in their frames. */
    if (k->l->wish.early && !k->l->wish.counter && k->c->early.ends) {
        const Early *e = &k->c->early;
        add_piece(k, STENCIL_early_eq_small + 2 * e->compare + e->two, 0, 0);
        add_piece(k, STENCIL_early_tested + e->gives, 0, 0);
        k->l->rest = k->l->size;
        add_frame(k);
        if (k->c->locals > k->c->arity) k->l->empty = k->l->again;
        uint64_t tested = new_frame(k) | known_local(e->left) | (e->two ? known_local(e->right) : 0);
        known_jump(&k->known, e->rest, tested);
        add_join(k, e->rest, true);
        /* Calls that may be over with a number are by a caller that takes one. */
        bool guards = op_at(k->c, e->rest) == OP_GUARD_TYPE && takes_numbers(k->c, e->rest);
        k->l->body = e->rest + (e->type == W_SYM(T_NUMBER) && guards ? length_at(k->c, e->rest) : 0);
    }
    k->l->lay = k->l->size;
    add_frame(k);
    k->flows = true;
    k->known.now = new_frame(k);
}

/* The parts of pieces that are seldom used. */
static void add_asides(Layout *l)
{
    for (size_t i = 0, count = l->pieces.len; i < count; i++) {
        uint32_t aside = stencils[l->pieces.data[i].stencil].aside;
        if (!aside) continue;
        Piece piece = l->pieces.data[i];
        piece.stencil = (uint16_t)(aside - 1);
        piece.at = l->size;
        piece.other = (uint32_t)i;
        piece.aside = true;
        l->pieces.data[i].other = (uint32_t)l->pieces.len;
        vec_push(&l->pieces, piece);
        l->size += stencils[aside - 1].size;
    }
}

/* Take the tables by offset from one piece of memory, zeroed: COUNT entries each. */
static void take_tables(Maker *k, size_t count)
{
    Layout *l = k->l;
    size_t entry = sizeof *k->known.lacks + sizeof *l->others + sizeof *k->heights + sizeof *k->targets;
    size_t words = (count * entry + sizeof(uint64_t) - 1) / sizeof(uint64_t);
    vec_reserve(&l->tables, words);
    memset(l->tables.data, 0, words * sizeof(uint64_t));
    k->known.lacks = l->tables.data;
    l->others = (OtherWay *)(k->known.lacks + count);
    k->heights = (int32_t *)(l->others + count);
    k->targets = (bool *)(k->heights + count);
}

/* L is to be of another chunk, with tables of COUNT entries. */
static void begin_layout(Layout *l, LayoutWish wish, size_t count)
{
    base_free(l->map);
    vec_clear(&l->pieces);
    vec_clear(&l->stays);
    memset((char *)l + offsetof(Layout, size), 0, sizeof *l - offsetof(Layout, size));
    l->wish = wish;
    l->map = base_calloc(count, sizeof *l->map);
}

static void begin_making(Maker *k, const Chunk *c, Layout *l)
{
    memset(k, 0, offsetof(Maker, ways));
    k->c = c;
    k->l = l;
    take_tables(k, c->code.len + 1);
    k->floats = l->wish.floats;
    k->known.c = c;
    k->known.heights = k->heights;
    k->in_place.c = c;
    k->in_place.heights = k->heights;
    k->in_place.counted = false;
    EACH_LIST(k, small_init);
}

static void make(Maker *k)
{
    const Chunk *c = k->c;
    add_beginning(k);
    k->sure = true;
    for (uint32_t ip = 0; ip < c->code.len;) {
        if (k->heights[ip] < 0)
            ip++;
        else
            ip = add_place(k, ip);
    }
    find_unsure(k);
    add_again(k);
    k->sure = false;
    add_insides(k);
    add_stays(k);
    add_sides(k);
    add_ways_in(k);
    add_asides(k->l);
}

bool layout_make(Layout *l, const Chunk *c, LayoutWish wish)
{
    Maker k;
    begin_layout(l, wish, c->code.len + 1);
    begin_making(&k, c, l);
    bool ok = look_through(&k);
    if (ok) make(&k);
    EACH_LIST(&k, small_free);
    return ok;
}

uint32_t *layout_give_map(Layout *l)
{
    uint32_t *map = l->map;
    l->map = NULL;
    return map;
}

void layout_free(Layout *l)
{
    vec_free(&l->pieces);
    vec_free(&l->stays);
    vec_free(&l->tables);
    base_free(l->map);
}
