/* Compiled programs: files with the forms of a program and the chunks of its functions (docs/mbc.md has the layout).
 *
 * A file is checked as a whole when it is opened: what opens can run, whatever its bytes are. */
#ifndef METTA_CODE_MBC_H
#define METTA_CODE_MBC_H

#include "code/function.h"
#include "rt/rt.h"

enum {
    MBC_FORMAT = 2, /* grows with each change of the layout */
    MBC_HEAD = 72,  /* bytes before the content */
};

/* Does a file that begins so claim to be a compiled program? */
bool mbc_is(const char *data, size_t len);

/* -- Making -- */

/* Append the compiled form of TEXT, a program that FILE stands for in messages; VERSION names the runtime.  RT is changed: the rules and
 * facts of the program are added to its top module and its functions compiled; nothing is evaluated.  False: TEXT is not MeTTa, as
 * READER, made for it without tokens, tells. */
bool mbc_compile(Runtime *rt, Reader *reader, const char *text, size_t len, const char *file,
                 const char *version, Buf *out);

/* Append a file with the LEN bytes of CONTENT and the head that goes with them; whether they make sense is not asked. */
void mbc_wrap(const char *content, size_t len, const char *version, Buf *out);

/* -- Using -- */

typedef struct Mbc Mbc;

/* Open the compiled program in the LEN bytes at DATA, which are copied: a file may change while it is mapped.  Its source, if it is in FOLDER
 * still, must be what it was.  The caller closes it.  NULL: a reason is appended to ERROR.  Linear in LEN. */
Mbc *mbc_open(Runtime *rt, const char *data, size_t len, const char *folder, const char *version, Buf *error);
void mbc_close(Mbc *m);
/* What stands for the program in messages. */
const char *mbc_file(const Mbc *m);
/* The forms, as reader_next and reader_spans give them; words are what they mean at this moment.  READ_EOF: there are no more. */
ReadStatus mbc_next(Mbc *m, Word *form, Span *span);
const Span *mbc_spans(const Mbc *m, size_t *count);

/* The chunk of F, owned by the caller, if the program M has one and all that it takes for granted is so in SCOPE now; else NULL. */
Chunk *mbc_chunk(Mbc *m, Scope *scope, Functions *fs, const Function *f);

#endif
