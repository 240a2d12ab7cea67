/* What debuggers and profilers are told of machine code: its name, which lines of the program it was made of, and where it has something on the
 * machine stack. */
#ifndef METTA_JIT1_INFO_H
#define METTA_JIT1_INFO_H

#include "jit1/compile.h"
#include "rt/rt.h"

/* From here on the code belongs to PLACE. */
typedef struct CodeRow {
    uint32_t at; /* bytes from the beginning */
    Span place;  /* line 0: not known */
    bool first;  /* all calls come there, however they begin */
    bool aside;  /* nobody wants to stop there: some calls do not begin there, or it is for what is rare */
} CodeRow;

enum { MOST_PUSHES = 8 };

/* Code that calls C: it begins by pushing registers and making room, and what follows its last call undoes that. */
typedef struct CodeFrame {
    uint32_t end; /* of the last call */
    uint32_t count;
    struct {
        uint32_t end;
        uint8_t reg; /* as machine code has it: 0 is rax, 15 is r15 */
    } push[MOST_PUSHES];
    uint32_t room, room_end; /* words; where it is made */
} CodeFrame;

typedef struct CodeInfo {
    char *name; /* "metta:fib/1" */
    uint64_t run;
    uint32_t size;
    char *const *files; /* the runtime's, by file of a place */
    VEC(CodeRow) rows;
    VEC(CodeFrame) frames;
} CodeInfo;

/* The code at RUN, which was written by layout L for C; to be freed.  Linear. */
CodeInfo info_of_code(const Runtime *rt, const Layout *l, const Chunk *c, uint64_t run);
/* The stub at RUN, which was made of the stencil ID. */
CodeInfo info_of_stub(StencilName id, uint64_t run);
void info_free(CodeInfo *i);
/* The path of the file of ROW; NULL: the place is not known. */
const char *info_file(const CodeInfo *i, const CodeRow *row);

#endif
