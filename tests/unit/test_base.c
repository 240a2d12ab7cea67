/* The base library: vectors, buffers, UTF-8, hashing, files. */
#include "base/buf.h"
#include "base/file.h"
#include "unit.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_vec(void)
{
    VEC(uint32_t) v = {0};
    vec_free(&v); /* a zeroed one is valid */
    CHECK(v.data == NULL && v.len == 0 && v.cap == 0);
    enum { COUNT = 100000 };
    uint64_t sum = 0;
    for (uint32_t i = 0; i < COUNT; i++) vec_push(&v, i * 3);
    CHECK(v.len == COUNT && v.cap >= v.len);
    for (uint32_t i = 0; i < COUNT; i++) sum += v.data[i];
    CHECK(sum == UINT64_C(3) * COUNT * (COUNT - 1) / 2);
    CHECK(vec_last(&v) == (COUNT - 1) * 3);
    CHECK(vec_pop(&v) == (COUNT - 1) * 3 && v.len == COUNT - 1);
    size_t cap = v.cap;
    vec_clear(&v);
    CHECK(v.len == 0 && v.cap == cap);
    vec_reserve(&v, cap + 1);
    CHECK(v.cap >= cap + cap / 2);
    vec_free(&v);
    CHECK(v.data == NULL && v.cap == 0);
}

/* An element larger than the first growth step, and reserving nothing. */
static void test_vec_edges(void)
{
    typedef struct Wide {
        char bytes[1000];
    } Wide;
    VEC(Wide) v = {0};
    vec_reserve(&v, 0);
    CHECK(v.data == NULL);
    Wide w = {{0}};
    for (int i = 0; i < 20; i++) {
        w.bytes[999] = (char)i;
        vec_push(&v, w);
    }
    CHECK(v.data[0].bytes[999] == 0 && v.data[19].bytes[999] == 19);
    vec_free(&v);
}

static void test_buf(void)
{
    Buf b = {0};
    CHECK_STR(buf_cstr(&b), "");
    CHECK(b.len == 0);
    buf_puts(&b, "");
    buf_put(&b, NULL, 0);
    CHECK(b.len == 0);
    buf_putc(&b, 'a');
    buf_puts(&b, "bc");
    buf_put(&b, "defg", 2);
    buf_printf(&b, "%d-%s", 42, "x");
    buf_printf(&b, "%s", "");
    CHECK_STR(buf_cstr(&b), "abcde42-x");
    CHECK(b.len == 9);
    buf_putc(&b, '!'); /* the NUL of buf_cstr was not counted */
    CHECK_STR(buf_cstr(&b), "abcde42-x!");
    vec_clear(&b);
    buf_printf(&b, "%10000d", 7);
    CHECK(b.len == 10000 && b.data[9999] == '7' && b.data[0] == ' ');
    buf_free(&b);
}

static void check_utf8_valid(uint32_t scalar, size_t want)
{
    Buf b = {0};
    buf_put_utf8(&b, scalar);
    uint32_t back = 0;
    size_t got = utf8_decode(b.data, b.len, &back);
    CHECK_MSG(b.len == want && got == want && back == scalar, "U+%04X: %zu bytes, decoded %zu as U+%04X",
              scalar, b.len, got, back);
    for (size_t cut = 1; cut < b.len; cut++) CHECK(utf8_decode(b.data, cut, &back) == 0);
    buf_free(&b);
}

static void test_utf8_edges(void)
{
    static const struct {
        uint32_t scalar;
        size_t len;
    } cases[] = {{0, 1},      {0x41, 1},   {0x7F, 1},   {0x80, 2},   {0x7FF, 2},   {0x800, 3},
                 {0xD7FF, 3}, {0xE000, 3}, {0xFFFD, 3}, {0xFFFF, 3}, {0x10000, 4}, {0x10FFFF, 4}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) check_utf8_valid(cases[i].scalar, cases[i].len);
    static const char *const bad[] = {
        "\x80",
        "\xBF",
        "\xC0\x80",
        "\xC1\xBF",
        "\xC2\x41",
        "\xC2\xC2",
        "\xE0\x80\x80",
        "\xE0\x9F\xBF",
        "\xED\xA0\x80",
        "\xED\xBF\xBF",
        "\xE1\x80\x41",
        "\xF0\x80\x80\x80",
        "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80",
        "\xF8\x88\x80\x80",
        "\xFE",
        "\xFF\xBF\xBF\xBF",
        "\xF1\x80\x80",
        "\xE1\x80",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        uint32_t scalar;
        CHECK_MSG(utf8_decode(bad[i], strlen(bad[i]), &scalar) == 0, "case %zu", i);
    }
}

/* Every scalar goes there and back; every other three bytes are invalid. */
static void test_utf8_all(void)
{
    uint32_t wrong = 0;
    Buf b = {0};
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        if (c >= 0xD800 && c < 0xE000) continue;
        vec_clear(&b);
        buf_put_utf8(&b, c);
        uint32_t back = 0;
        wrong += utf8_decode(b.data, b.len, &back) != b.len || back != c;
    }
    CHECK_MSG(wrong == 0, "%u scalars", wrong);
    uint32_t valid = 0;
    for (uint32_t bits = 0; bits < 1u << 24; bits++) {
        const char text[] = {(char)(bits >> 16), (char)(bits >> 8), (char)bits};
        uint32_t c;
        valid += utf8_decode(text, 3, &c) == 3;
    }
    CHECK_MSG(valid == 0x10000 - 0x800 - 0x800, "%u", valid);
    buf_free(&b);
}

static void test_hash(void)
{
    CHECK(base_hash("", 0) == base_hash("x", 0));
    CHECK(base_hash("ab", 2) != base_hash("ba", 2));
    CHECK(base_hash_mix(0, 1) != base_hash_mix(1, 0));
    /* Neighbours differ in the low bits that tables use: about 63 % of 4096 buckets are hit by 4096 words. */
    enum { BUCKETS = 4096 };
    bool hit[BUCKETS] = {false};
    uint32_t used = 0;
    for (uint64_t i = 0; i < BUCKETS; i++) {
        uint64_t at = base_hash_word(i << 20) & (BUCKETS - 1);
        used += !hit[at];
        hit[at] = true;
    }
    CHECK_MSG(used > BUCKETS * 6 / 10, "%u", used);
}

static void test_memory(void)
{
    char *s = base_strndup("abcdef", 3);
    CHECK_STR(s, "abc");
    base_free(s);
    s = base_strndup("", 0);
    CHECK_STR(s, "");
    base_free(s);
    base_free(NULL);
    base_free(base_alloc(0));
    base_free(base_calloc(0, 8));
    int *zero = base_calloc(1000, sizeof *zero);
    int any = 0;
    for (int i = 0; i < 1000; i++) any |= zero[i];
    CHECK(any == 0);
    base_free(zero);
    size_t size = SIZE_MAX / 2 + 1; /* more than there is */
    char *space = base_reserve(&size);
    CHECK(space && size >= 64 << 20 && size < SIZE_MAX / 2 && space[0] == 0 && space[size - 1] == 0);
    space[size - 1] = 1;
    base_release(space, size);
    base_release(NULL, 0);
    uint64_t before = base_now_ns();
    CHECK(base_now_ns() >= before);
}

static void write_file(const char *path, const char *text, size_t len)
{
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(text, 1, len, f) == len);
    if (f) fclose(f);
}

static void check_file(const char *path, const char *want, size_t len)
{
    FileText t;
    bool ok = file_read(path, &t);
    CHECK_MSG(ok && t.len == len && (len == 0 || memcmp(t.data, want, len) == 0), "%s: %s", path,
              ok ? "wrong text" : t.error);
    if (ok) file_free(&t);
    CHECK(t.data == NULL || !ok);
}

static void check_file_error(const char *path)
{
    FileText t;
    CHECK(!file_read(path, &t));
    CHECK(t.error && t.error[0] && t.data == NULL);
}

static void test_files(void)
{
    char dir[] = "/tmp/metta-test-XXXXXX";
    CHECK(mkdtemp(dir) != NULL);
    Buf path = {0};
    buf_printf(&path, "%s/file", dir);
    const char *file = buf_cstr(&path);
    check_file_error(file);
    check_file_error(dir);
    write_file(file, "", 0);
    check_file(file, "", 0);
    write_file(file, "a\0b\n", 4);
    check_file(file, "a\0b\n", 4);
    char *page = base_calloc(4096, 1); /* exactly one page: nothing is mapped behind it */
    write_file(file, page, 4096);
    check_file(file, page, 4096);
    base_free(page);
    if (geteuid() != 0) {
        chmod(file, 0);
        check_file_error(file);
    }
    unlink(file);
    rmdir(dir);
    buf_free(&path);
    check_file("/dev/null", "", 0);
    FileText t; /* its size is told as zero */
    CHECK(file_read("/proc/self/status", &t) && t.len > 0 && memcmp(t.data, "Name:", 5) == 0 && !t.mapped);
    file_free(&t);
}

/* A pipe comes in pieces and has no size. */
static void test_stdin(void)
{
    enum { LENGTH = 300000 };
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        for (int i = 0; i < LENGTH / 10; i++)
            if (write(ends[1], "0123456789", 10) != 10) _exit(1);
        _exit(0);
    }
    close(ends[1]);
    int saved = dup(STDIN_FILENO);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    FileText t;
    CHECK(file_read("-", &t) && t.len == LENGTH && t.data[LENGTH - 1] == '9');
    file_free(&t);
    dup2(saved, STDIN_FILENO);
    close(saved);
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

int main(void)
{
    test_vec();
    test_vec_edges();
    test_buf();
    test_utf8_edges();
    test_utf8_all();
    test_hash();
    test_memory();
    test_files();
    test_stdin();
    return unit_end();
}
