/* Stage 1: from bytecode to machine code, by stringing stencils together.
 *
 * Every instruction that control comes to gets code.  At its beginning some operands may be in registers; where somebody else
 * may come in, none are: at targets of jumps, and in code on the side that loads them first.  What a stencil does not do is done by
 * the VM, one instruction at a time. */
#ifndef METTA_JIT1_COMPILE_H
#define METTA_JIT1_COMPILE_H

#include "interp/engine.h"
#include "code/bytecode.h"
#include "jit/arena.h"
#include "jit/guess.h"
#include "jit1/inplace.h"
#include "jit1/stencil.h"

/* A stencil in its place. */
typedef struct Piece {
    uint16_t stencil;
    uint16_t height;   /* operands in all */
    uint16_t length;   /* bytes of bytecode that it stands for */
    uint8_t state;     /* operands in registers */
    bool aside : 1;    /* it is the part that is seldom used */
    bool guesses : 1;  /* where it leaves a guess was wrong, which is counted */
    bool in_place : 1; /* it is part of code that a frame runs where it is */
    bool sure : 1;     /* what it jumps to may take for granted what is known there */
    uint32_t ip;       /* the instruction it is for */
    uint32_t at;       /* bytes from the beginning of the code */
    uint32_t
        cold; /* index of the piece where the VM takes over; of a part of code that a frame runs where it is, that code's index */
    uint32_t
        goes; /* where a hop or a fill goes: bytes from the beginning; 0: to the instruction.  Of a switch the case.  Of the
                 test before a call of the code itself where its result is given at once.  Of a stay_mark the code
                 for frames that stay where they are; 0: there is none.  Of what is for locals the first of them */
    uint32_t
        other; /* index of the piece that is the other part of it, where it has two; of such a result the test */
    uint32_t
        back; /* of a call: where it comes back to, bytes from the beginning; of a tail call of the code itself where that
                 begins again, 0: as usual */
} Piece;
_Static_assert(sizeof(Piece) == 32, "there are many");

/* What machine code is to be like. */
typedef struct LayoutWish {
    uint64_t *counter; /* of calls; NULL: they are not counted */
    bool early;        /* calls may be over before they have a frame, which gdb cannot stop in */
    uint32_t force;    /* the guard of each piece that always fails (jit1/force.h); 0: none */
    uint64_t
        floats; /* locals that are expected to be floats when a call begins, bit by bit: the code is as right for others */
    Guesses *guesses; /* which to do without; which are made is noted there */
} LayoutWish;

/* Code that a frame runs where it is: where its parts begin, bytes from the beginning, and the index of the piece that takes over from it. */
typedef struct StayCode {
    InPlace code;
    uint32_t at[IN_PLACE_PARTS];
    uint32_t out;
    bool
        aside; /* it has the locals that it stores where the frame has operands, from the top down, none of which is in use */
} StayCode;

/* Another way in at an instruction. */
typedef struct OtherWay {
    uint32_t
        sure; /* for those who know there what is known in straight code, bytes from the beginning; 0: as for everybody */
    uint32_t way; /* index + 1 of what else the compiler knows of it; 0: nothing */
    uint32_t
        step; /* index of a piece that leaves it to the VM, with no operands in registers; 0: there is none */
} OtherWay;

/* Machine code in the making: where everything will be.  Zeroed at first; its memory serves for one chunk after the other. */
typedef struct Layout {
    VEC(Piece) pieces;
    VEC(StayCode) stays;
    VEC(uint64_t) tables; /* by offset, what is asked for while it is in the making or written */
    /* From here on all is zeroed for each chunk. */
    uint32_t size;
    LayoutWish wish;
    uint32_t lay,
        again;       /* where the frame of a call is laid, and what is done then, bytes from the beginning */
    uint32_t rest;   /* where it is laid for the rest of EARLY */
    uint32_t resume; /* where the VM takes over what stands where the frame is saved; 0: nobody goes there */
    uint32_t body;   /* the instruction where the rest begins when the code calls itself */
    uint32_t
        empty; /* where locals that are no arguments are emptied before that, bytes from the beginning; 0: there are none */
    bool checks;      /* calls look at FF_CHECK: frames with it may run this code */
    OtherWay *others; /* by offset */
    uint32_t
        *map; /* by offset of an instruction: where to go on there, bytes from the beginning; 0: nowhere */
} Layout;

/* What all machine code refers to: by kind of hole the addresses of C and of code that is there once; 0: the hole is for something else. */
typedef struct Stubs {
    uint64_t at[HOLE_COUNT];
} Stubs;

/* Make L the layout of code for C; what it was is gone.  False when the height of the operand stack is not known everywhere: control never comes to such code, but frames
 * may seem to.  Linear. */
bool layout_make(Layout *l, const Chunk *c, LayoutWish wish);
/* The map of L, which the caller is to free from now on. */
uint32_t *layout_give_map(Layout *l);
void layout_free(Layout *l);
/* Write the code of the layout to WRITE, from where it will run at RUN.  False when something is out of reach. */
bool layout_write(const Layout *l, const Chunk *c, const Stubs *stubs, uint8_t *write, uint64_t run);
/* Write a jump to TO at WRITE, where a return of a call would be; there is no other way for frames that stay where they are any more. */
void hop_write(uint8_t *write, uint64_t run, uint64_t to);
/* Enter the addresses of C. */
void stubs_init(Stubs *stubs);
/* Write the stencil ID, all of whose holes are for STUBS, and return its size; as above. */
uint32_t stub_write(StencilName id, const Stubs *stubs, uint8_t *write, uint64_t run, bool *ok);

#endif
