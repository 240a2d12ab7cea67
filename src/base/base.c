#include "base/base.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <xxhash.h>

void base_fatal(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("mettatron: fatal: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    abort();
}

void *base_alloc(size_t size)
{
    void *p = malloc(size ? size : 1);
    if (!p) base_fatal("out of memory (%zu bytes wanted)", size);
    return p;
}

void *base_calloc(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size ? size : 1);
    if (!p) base_fatal("out of memory (%zu bytes wanted)", count * size);
    return p;
}

void *base_realloc(void *old, size_t size)
{
    void *p = realloc(old, size ? size : 1);
    if (!p) base_fatal("out of memory (%zu bytes wanted)", size);
    return p;
}

void base_free(void *ptr)
{
    free(ptr);
}

void *base_reserve(size_t *size)
{
    enum { LEAST = 64 * 1024 * 1024 };
    for (size_t n = *size; n >= LEAST || n == *size; n /= 2) {
        void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED) continue;
        *size = n;
        return p;
    }
    return NULL;
}

void base_release(void *space, size_t size)
{
    if (space) munmap(space, size);
}

char *base_strndup(const char *text, size_t len)
{
    char *copy = base_alloc(len + 1);
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

uint64_t base_hash(const void *data, size_t len)
{
    return XXH3_64bits(data, len);
}

uint64_t base_now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}
