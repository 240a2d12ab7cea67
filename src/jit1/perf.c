#include "jit1/perf.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct PerfFiles {
    int map, dump; /* -1: it could not be opened */
    void *mark;    /* of the dump: a mapping that perf sees, and so finds it */
    size_t page;
};

/* Open /tmp/NAME-PID.KIND.  Records are appended by one write each, so that runtimes need not know of each other. */
static int open_file(const char *name, const char *kind)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/%s-%ld.%s", name, (long)getpid(), kind);
    return open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static void append(int file, const void *data, size_t size)
{
    /* A disk that is full costs names in a report. */
    if (file >= 0 && write(file, data, size) < 0) return;
}

/* -- The dump: perf's tools/perf/Documentation/jitdump-specification.txt -- */

typedef struct DumpHead {
    uint32_t magic, version, size, machine, pad, pid;
    uint64_t time, flags;
} DumpHead;

typedef struct RecordHead {
    uint32_t kind, size;
    uint64_t time;
} RecordHead;
enum { RECORD_LOAD = 0, RECORD_LINES = 2 };

typedef struct LoadRecord {
    RecordHead head;
    uint32_t pid, tid;
    uint64_t address, code, size, index;
} LoadRecord;

typedef struct LinesRecord {
    RecordHead head;
    uint64_t code, count;
} LinesRecord;

typedef struct LineEntry {
    uint64_t code;
    uint32_t line, discriminator;
} LineEntry;

/* The head of the dump, unless another runtime has written it. */
static void begin_dump(int file)
{
    struct stat s;
    if (fstat(file, &s) != 0 || s.st_size != 0) return;
    DumpHead head = {0x4A695444, 1, sizeof head, EM_X86_64, 0, (uint32_t)getpid(), base_now_ns(), 0};
    append(file, &head, sizeof head);
}

static void set_size(Buf *record)
{
    RecordHead *head = (RecordHead *)(void *)record->data;
    head->size = (uint32_t)record->len;
}

static void dump_lines(int file, const CodeInfo *info)
{
    LinesRecord head = {{RECORD_LINES, 0, base_now_ns()}, info->run, 0};
    Buf record = {0};
    buf_put(&record, (const char *)&head, sizeof head);
    for (size_t i = 0; i < info->rows.len; i++) {
        const CodeRow *row = &info->rows.data[i];
        const char *path = info_file(info, row);
        if (!path) continue;
        LineEntry entry = {info->run + row->at, row->place.line, 0};
        buf_put(&record, (const char *)&entry, sizeof entry);
        buf_put(&record, path, strlen(path) + 1);
        ((LinesRecord *)(void *)record.data)->count++;
    }
    set_size(&record);
    append(file, record.data, record.len);
    buf_free(&record);
}

static void dump_code(int file, const CodeInfo *info)
{
    /* Numbers of records need only differ. */
    uint64_t now = base_now_ns();
    LoadRecord head = {
        {RECORD_LOAD, 0, now}, (uint32_t)getpid(), (uint32_t)gettid(), info->run, info->run, info->size, now};
    Buf record = {0};
    buf_put(&record, (const char *)&head, sizeof head);
    buf_put(&record, info->name, strlen(info->name) + 1);
    buf_put(&record, (const char *)(uintptr_t)info->run, info->size);
    set_size(&record);
    append(file, record.data, record.len);
    buf_free(&record);
}

/* -- Both -- */

PerfFiles *perf_open(void)
{
    PerfFiles *p = base_calloc(1, sizeof *p);
    p->page = (size_t)sysconf(_SC_PAGESIZE);
    p->map = open_file("perf", "map");
    p->dump = open_file("jit", "dump");
    p->mark = MAP_FAILED;
    if (p->dump < 0) return p;
    begin_dump(p->dump);
    p->mark = mmap(NULL, p->page, PROT_READ | PROT_EXEC, MAP_PRIVATE, p->dump, 0);
    return p;
}

void perf_close(PerfFiles *p)
{
    if (!p) return;
    if (p->mark != MAP_FAILED) munmap(p->mark, p->page);
    if (p->map >= 0) close(p->map);
    if (p->dump >= 0) close(p->dump);
    base_free(p);
}

void perf_note(PerfFiles *p, const CodeInfo *info)
{
    if (!p) return;
    Buf line = {0};
    buf_printf(&line, "%llx %x %s\n", (unsigned long long)info->run, (unsigned)info->size, info->name);
    append(p->map, line.data, line.len);
    buf_free(&line);
    if (p->dump < 0) return;
    dump_lines(p->dump, info);
    dump_code(p->dump, info);
}
