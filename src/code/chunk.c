#include "code/chunk.h"

void chunk_free(Chunk *c)
{
    if (!c) return;
    vec_free(&c->code);
    vec_free(&c->constants);
    vec_free(&c->templates);
    vec_free(&c->slot_map);
    vec_free(&c->names);
    vec_free(&c->places);
    base_free(c);
}

void chunk_trace(Chunk *c, Heap *h)
{
    heap_visit_range(h, c->constants.data, c->constants.len);
    for (size_t i = 0; i < c->templates.len; i++) heap_visit(h, &c->templates.data[i].term);
}
