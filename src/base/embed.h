/* The MeTTa sources of lib/, compiled into the program by tools/mkembed. */
#ifndef METTA_BASE_EMBED_H
#define METTA_BASE_EMBED_H

#include <stddef.h>

typedef struct EmbeddedFile {
    const char *name; /* file name without directory and suffix */
    const char *text; /* NUL-terminated */
    size_t length;
} EmbeddedFile;

/* Sorted by name; one more entry of zeros ends the array. */
extern const EmbeddedFile embedded_lib[];
extern const size_t embedded_lib_count;

#endif
