/* Whole files as text. */
#ifndef METTA_BASE_FILE_H
#define METTA_BASE_FILE_H

#include "base/base.h"

typedef struct FileText {
    char *data; /* LEN bytes, owned; mapped when it can be */
    size_t len;
    bool mapped;
    const char *error; /* static text when reading failed */
} FileText;

/* Read all of PATH ("-": standard input).  False leaves the reason in ->error and nothing to free. */
bool file_read(const char *path, FileText *out);
void file_free(FileText *t);
/* The folder that PATH is in, without the slash at its end ("." when PATH has none); to be freed. */
char *file_folder(const char *path);

#endif
