/* Reading lines: with libedit on a terminal (editing, history, completion), plainly from a pipe. */
#ifndef METTA_CLI_EDIT_H
#define METTA_CLI_EDIT_H

#include "mettatron.h"

typedef enum EditStatus { EDIT_LINE, EDIT_END, EDIT_CANCELLED } EditStatus;

typedef struct Edit Edit;

/* The caller frees it with edit_free, which saves the history. */
Edit *edit_new(MtRuntime *rt);
void edit_free(Edit *e);
/* The lines typed before, oldest first, those of earlier sessions too; none when nobody edits lines. */
void edit_each_line(Edit *e, void (*on_line)(void *context, const char *line), void *context);
/* Is a person typing? */
bool edit_is_terminal(const Edit *e);
/* Read one line, without its newline, into *LINE, valid until the next call.  CONTINUED: the line goes on with an unfinished
 * form.  EDIT_CANCELLED: Ctrl-C while typing. */
EditStatus edit_read(Edit *e, bool continued, const char **line, size_t *len);

#endif
