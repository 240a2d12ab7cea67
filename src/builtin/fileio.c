#include "builtin/bodies.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* An open file, closed when no atom refers to it any more. */
typedef struct File {
    Ext base;
    int fd;
} File;

static void destroy_file(Ext *x)
{
    close(((File *)x)->fd);
    base_free(x);
}

static Word type_of_file(const Ext *x)
{
    (void)x;
    return W_SYM(T_FILE);
}

static const ExtType file_type = {
    .name = "FileHandle",
    .destroy = destroy_file,
    .type_of = type_of_file,
};

static Word new_file(Runtime *rt, int fd)
{
    assert(fd >= 0);
    File *f = base_calloc(1, sizeof *f);
    f->base.type = &file_type;
    f->fd = fd;
    return heap_add_ext(&rt->heap, &f->base);
}

static File *file_of(Word w)
{
    return (File *)word_ext_of(w, &file_type);
}

/* A file descriptor, or -1 when the options contradict each other or the file cannot be opened so. */
static int open_file(const char *path, size_t path_len, const char *options)
{
    bool read = strchr(options, 'r'), write = strchr(options, 'w'), append = strchr(options, 'a');
    bool create = strchr(options, 'c'), truncate = strchr(options, 't');
    if (strlen(path) != path_len || !(read || write || append)) return -1;
    if ((create && !write && !append) || (truncate && (!write || append))) return -1;
    int flags = write || append ? (read ? O_RDWR : O_WRONLY) : O_RDONLY;
    flags |= (create ? O_CREAT : 0) | (append ? O_APPEND : 0) | (truncate ? O_TRUNC : 0) | O_CLOEXEC;
    return open(path, flags, 0666);
}

static BiStatus fail_errno(Runtime *rt, const char *what, Word *out)
{
    char text[256];
    return bi_fail(rt, out, "%s: %s", what, strerror_r(errno, text, sizeof text));
}

/* A non-negative number as a count of bytes. */
static bool size_of_number(Word w, int64_t *size)
{
    if (!num_is(w)) return false;
    double d = num_to_double(w);
    if (!(d >= 0 && d < 0x1p63)) return false;
    *size = num_kind(w) == NUM_INT ? num_int(w) : (int64_t)d;
    return true;
}

static bool write_all(int fd, const char *text, size_t len)
{
    while (len) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        text += n;
        len -= (size_t)n;
    }
    return true;
}

enum { CHUNK = 65536 };

/* Append up to COUNT bytes of a file; false with errno set when that fails. */
static bool read_up_to(int fd, int64_t count, Buf *text)
{
    while (count > 0) {
        size_t want = count < CHUNK ? (size_t)count : CHUNK;
        vec_reserve(text, want);
        ssize_t n = read(fd, text->data + text->len, want);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n == 0;
        text->len += (size_t)n;
        count -= n;
        errno = EFBIG;
        if (text->len > UINT32_MAX) return false;
    }
    return true;
}

static bool is_utf8(const char *text, size_t len)
{
    for (size_t i = 0, size; i < len; i += size) {
        uint32_t scalar;
        size = utf8_decode(text + i, len - i, &scalar);
        if (size == 0) return false;
    }
    return true;
}

static BiStatus read_text(Runtime *rt, const File *f, int64_t count, const char *failure, Word *out)
{
    Buf text = {0};
    BiStatus status = BI_OK;
    if (!read_up_to(f->fd, count, &text))
        status = fail_errno(rt, failure, out);
    else if (!is_utf8(text.data, text.len))
        status = bi_fail(rt, out, "%s: invalid UTF-8", failure);
    else
        *out = atom_str(&rt->heap, text.data ? text.data : "", text.len);
    buf_free(&text);
    return status;
}

#include "builtin/fileio.inc"
