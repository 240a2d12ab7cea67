#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/vec.h"

static bool read_stream(int fd, FileText *out)
{
    VEC(char) text = {0};
    for (;;) {
        vec_reserve(&text, 1 << 16);
        ssize_t n = read(fd, text.data + text.len, text.cap - text.len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            out->error = strerror(errno);
            vec_free(&text);
            return false;
        }
        if (n == 0) break;
        text.len += (size_t)n;
    }
    out->data = text.data;
    out->len = text.len;
    return true;
}

static bool read_open(int fd, FileText *out)
{
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        out->error = strerror(EISDIR);
        return false;
    }
    if (S_ISREG(st.st_mode) && st.st_size > 0) {
        void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p != MAP_FAILED) {
            *out = (FileText){p, (size_t)st.st_size, true, NULL};
            return true;
        }
    }
    return read_stream(fd, out);
}

bool file_read(const char *path, FileText *out)
{
    memset(out, 0, sizeof *out);
    if (strcmp(path, "-") == 0) return read_stream(STDIN_FILENO, out);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        out->error = strerror(errno);
        return false;
    }
    bool ok = read_open(fd, out);
    close(fd);
    return ok;
}

void file_free(FileText *t)
{
    if (t->mapped)
        munmap(t->data, t->len);
    else
        base_free(t->data);
    memset(t, 0, sizeof *t);
}

char *file_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash) return base_strndup(".", 1);
    return base_strndup(path, slash == path ? 1 : (size_t)(slash - path));
}
