/* Comparing words that people type. */
#ifndef METTA_BASE_TEXT_H
#define METTA_BASE_TEXT_H

#include <stddef.h>

/* Edit distance between A and B[0..B_LEN-1], two letters exchanged counting once; only 63 letters of B count. */
size_t text_distance(const char *a, const char *b, size_t b_len);

#endif
