#include "code/code.h"

#include <stdlib.h>
#include <string.h>

void code_free(Code *code)
{
    vec_free(&code->instrs);
    vec_free(&code->labels);
    vec_free(&code->expressions);
    vec_free(&code->places);
    vec_free(&code->clauses);
}

uint32_t code_new_label(Code *code)
{
    uint32_t none = NO_LABEL;
    vec_push(&code->labels, none);
    return (uint32_t)code->labels.len - 1;
}

void code_place_label(Code *code, uint32_t l)
{
    assert(code->labels.data[l] == NO_LABEL);
    code->labels.data[l] = (uint32_t)code->instrs.len;
}

CodeMark code_mark(const Code *code)
{
    return (CodeMark){code->instrs.len, code->labels.len, code->expressions.len};
}

void code_rewind(Code *code, CodeMark mark)
{
    code->instrs.len = mark.instrs;
    code->labels.len = mark.labels;
    code->expressions.len = mark.expressions;
}

uint32_t code_emit(Code *code, Op op, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e)
{
    Instr i = {(uint8_t)op, code->place, {a, b, c, d, e}};
    vec_push(&code->instrs, i);
    return (uint32_t)code->instrs.len - 1;
}

void code_drop(Code *code, const bool *drop)
{
    uint32_t n = (uint32_t)code->instrs.len, kept = 0;
    uint32_t *moved = base_alloc((n + 1) * sizeof *moved);
    for (uint32_t i = 0; i < n; i++) {
        moved[i] = kept;
        if (!drop[i]) code->instrs.data[kept++] = code->instrs.data[i];
    }
    moved[n] = kept;
    code->instrs.len = kept;
    for (size_t l = 0; l < code->labels.len; l++)
        if (code->labels.data[l] != NO_LABEL) code->labels.data[l] = moved[code->labels.data[l]];
    base_free(moved);
}

bool code_push(Chunk *chunk, Word w, Instr *in)
{
    if (word_is_int(w) && word_int48_get(w) >= INT16_MIN && word_int48_get(w) <= INT16_MAX) {
        in->op = OP_PUSH_LONG_SMALL;
        in->arg[0] = (uint32_t)word_int48_get(w);
        return true;
    }
    uint32_t k = chunk_constant(chunk, w);
    if (k > UINT16_MAX) return false;
    in->op = OP_PUSH_CONST;
    in->arg[0] = k;
    return true;
}

/* -- Layout -- */

/* Offset of each instruction, and of the end. */
static uint32_t *lay_out(const Code *code)
{
    uint32_t at = 0, *offsets = base_alloc((code->instrs.len + 1) * sizeof *offsets);
    for (size_t i = 0; i < code->instrs.len; i++) {
        offsets[i] = at;
        at += op_info(code->instrs.data[i].op)->length;
    }
    offsets[code->instrs.len] = at;
    return offsets;
}

static uint32_t label_offset(const Code *code, const uint32_t *offsets, uint32_t label)
{
    assert(code->labels.data[label] != NO_LABEL);
    return offsets[code->labels.data[label]];
}

static bool put_operand(Chunk *chunk, char letter, int64_t value)
{
    vec_push(&chunk->code, (uint8_t)(value & 0xFF));
    if (op_operand_size(letter) == 1) return value >= 0 && value <= UINT8_MAX;
    vec_push(&chunk->code, (uint8_t)((value >> 8) & 0xFF));
    return letter == 'i' || letter == 'j' ? value >= INT16_MIN && value <= INT16_MAX : value <= UINT16_MAX;
}

static bool put_instr(const Code *code, const uint32_t *offsets, uint32_t index, Chunk *chunk)
{
    const Instr *i = &code->instrs.data[index];
    vec_push(&chunk->code, i->op);
    bool ok = true;
    unsigned k = 0;
    for (const char *letter = op_info(i->op)->operands; *letter; letter++, k++) {
        int64_t value = *letter == 'i' ? (int32_t)i->arg[k] : (int64_t)i->arg[k];
        if (*letter == 'j') value = (int64_t)label_offset(code, offsets, i->arg[k]) - offsets[index + 1];
        ok &= put_operand(chunk, *letter, value);
    }
    return ok;
}

static int by_start(const void *a, const void *b)
{
    const Expression *x = a, *y = b;
    if (x->at != y->at) return x->at < y->at ? -1 : 1;
    /* The outermost first: what is in tail position, then what ends last. */
    if (x->tail != y->tail) return x->tail ? -1 : 1;
    return x->end > y->end ? -1 : x->end < y->end;
}

static void put_expressions(const Code *code, const uint32_t *offsets, Chunk *chunk)
{
    for (size_t i = 0; i < code->expressions.len; i++) {
        const CodeExpression *e = &code->expressions.data[i];
        Expression x = {label_offset(code, offsets, e->at), label_offset(code, offsets, e->end), e->term,
                        e->type, e->tail};
        if (x.at < chunk->code.len) vec_push(&chunk->expressions, x);
    }
    if (chunk->expressions.len > 0)
        qsort(chunk->expressions.data, chunk->expressions.len, sizeof(Expression), by_start);
}

static void put_places(const Code *code, const uint32_t *offsets, Chunk *chunk)
{
    uint32_t last = UINT32_MAX;
    for (size_t i = 0; i < code->instrs.len; i++) {
        uint32_t place = code->instrs.data[i].place;
        if (place == last || place >= code->places.len) continue;
        CodePlace p = {.offset = offsets[i], .span = code->places.data[place]};
        if (place < code->clauses.len) p.clause = code->clauses.data[place];
        vec_push(&chunk->places, p);
        last = place;
    }
}

bool code_encode(const Code *code, Chunk *chunk)
{
    uint32_t *offsets = lay_out(code);
    bool ok = offsets[code->instrs.len] <= INT16_MAX;
    for (uint32_t i = 0; i < code->instrs.len && ok; i++) ok = put_instr(code, offsets, i, chunk);
    for (size_t i = 0; i < chunk->cases.len && ok; i++) {
        SwitchCase *k = &chunk->cases.data[i];
        if (!word_is_nil(k->key)) k->target = label_offset(code, offsets, k->target);
    }
    if (ok) put_expressions(code, offsets, chunk);
    if (ok) put_places(code, offsets, chunk);
    base_free(offsets);
    return ok;
}
