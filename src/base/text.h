/* Texts for people and programs: how near two words are, strings of JSON. */
#ifndef METTA_BASE_TEXT_H
#define METTA_BASE_TEXT_H

#include "base/buf.h"

/* Edit distance between A and B[0..B_LEN-1], two letters exchanged counting once; only 63 letters of B count. */
size_t text_distance(const char *a, const char *b, size_t b_len);
/* Would C, sent to a terminal, do something else than show? */
bool text_is_control(uint32_t c);
/* Append TEXT as a string of JSON, quotes included; bytes that are no UTF-8 become U+FFFD. */
void buf_put_json(Buf *out, const char *text, size_t len);

#endif
