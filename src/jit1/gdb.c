#include "jit1/gdb.h"

#include <elf.h>
#include <pthread.h>
#include <unistd.h>

/* -- Numbers -- */

static void put(Buf *b, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) buf_putc(b, (char)(value >> 8 * i));
}

static void put_unsigned(Buf *b, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) buf_putc(b, (char)(value | 0x80));
    buf_putc(b, (char)value);
}

static void put_signed(Buf *b, int64_t value)
{
    for (; value < -0x40 || value >= 0x40; value >>= 7) buf_putc(b, (char)(value | 0x80));
    buf_putc(b, (char)(value & 0x7F));
}

/* With the NUL. */
static void put_text(Buf *b, const char *text)
{
    buf_put(b, text, strlen(text) + 1);
}

/* Make room for a length, which set_length puts there: of what follows it. */
static size_t put_length(Buf *b)
{
    put(b, 0, 4);
    return b->len;
}
static void set_length(Buf *b, size_t from)
{
    uint32_t length = (uint32_t)(b->len - from);
    memcpy(b->data + from - sizeof length, &length, sizeof length);
}

/* -- DWARF: lines -- */

enum {
    DW_LNS_COPY = 1,
    DW_LNS_ADVANCE_PC = 2,
    DW_LNS_ADVANCE_LINE = 3,
    DW_LNS_SET_FILE = 4,
    DW_LNS_SET_COLUMN = 5,
    DW_LNS_NEGATE_STMT = 6,
    DW_LNS_SET_PROLOGUE_END = 10,
    DW_LNE_END_SEQUENCE = 1,
    DW_LNE_SET_ADDRESS = 2,
};

typedef struct Lines {
    Buf *out;
    VEC(uint32_t) files; /* of the table, which counts them from 1 */
    uint32_t at, file, line;
    bool aside;
} Lines;

static uint32_t file_number(Lines *l, uint32_t file)
{
    for (size_t i = 0; i < l->files.len; i++)
        if (l->files.data[i] == file) return (uint32_t)i + 1;
    vec_push(&l->files, file);
    return (uint32_t)l->files.len;
}

static void put_files(Lines *l, const CodeInfo *info)
{
    for (size_t i = 0; i < info->rows.len; i++)
        if (info->rows.data[i].place.line) (void)file_number(l, info->rows.data[i].place.file);
    put(l->out, 0, 1); /* no folders but the current one */
    for (size_t i = 0; i < l->files.len; i++) {
        put_text(l->out, info->files[l->files.data[i]]);
        put(l->out, 0, 3); /* folder, time and size: not known */
    }
    put(l->out, 0, 1);
}

static void put_extended(Buf *out, uint8_t op, uint64_t value, unsigned bytes)
{
    put(out, 0, 1);
    put(out, 1 + bytes, 1);
    put(out, op, 1);
    put(out, value, bytes);
}

static void advance_to(Lines *l, uint32_t at)
{
    put(l->out, DW_LNS_ADVANCE_PC, 1);
    put_unsigned(l->out, at - l->at);
    l->at = at;
}

static void put_row(Lines *l, const CodeRow *row)
{
    uint32_t file = row->place.line ? file_number(l, row->place.file) : l->file;
    advance_to(l, row->at);
    if (file != l->file) {
        put(l->out, DW_LNS_SET_FILE, 1);
        put_unsigned(l->out, file);
    }
    put(l->out, DW_LNS_ADVANCE_LINE, 1);
    put_signed(l->out, (int64_t)row->place.line - l->line);
    put(l->out, DW_LNS_SET_COLUMN, 1);
    put_unsigned(l->out, row->place.column);
    if (row->aside != l->aside) put(l->out, DW_LNS_NEGATE_STMT, 1);
    if (row->first) put(l->out, DW_LNS_SET_PROLOGUE_END, 1);
    put(l->out, DW_LNS_COPY, 1);
    l->file = file;
    l->line = row->place.line;
    l->aside = row->aside;
}

static void put_lines(const CodeInfo *info, Buf *out)
{
    /* Of the operations with few operands each has so many. */
    static const uint8_t header[] = {1, 1, 1, 0, 1, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1};
    Lines l = {.out = out, .file = 1, .line = 1};
    size_t unit = put_length(out);
    put(out, 4, 2);
    size_t begin = put_length(out);
    buf_put(out, (const char *)header, sizeof header);
    put_files(&l, info);
    set_length(out, begin);
    put_extended(out, DW_LNE_SET_ADDRESS, info->run, 8);
    for (size_t i = 0; i < info->rows.len; i++) put_row(&l, &info->rows.data[i]);
    advance_to(&l, info->size);
    put_extended(out, DW_LNE_END_SEQUENCE, 0, 0);
    set_length(out, unit);
    vec_free(&l.files);
}

/* -- DWARF: the function -- */

enum {
    DW_TAG_COMPILE_UNIT = 0x11,
    DW_TAG_SUBPROGRAM = 0x2E,
    DW_AT_NAME = 0x03,
    DW_AT_STMT_LIST = 0x10,
    DW_AT_LOW_PC = 0x11,
    DW_AT_HIGH_PC = 0x12,
    DW_AT_LANGUAGE = 0x13,
    DW_AT_COMP_DIR = 0x1B,
    DW_AT_DECL_FILE = 0x3A,
    DW_AT_DECL_LINE = 0x3B,
    DW_FORM_ADDR = 0x01,
    DW_FORM_DATA8 = 0x07,
    DW_FORM_STRING = 0x08,
    DW_FORM_DATA1 = 0x0B,
    DW_FORM_UDATA = 0x0F,
    DW_FORM_SEC_OFFSET = 0x17,
    DW_LANG_C99 = 0x0C,
};

static const uint8_t abbreviations[] = {
    1,
    DW_TAG_COMPILE_UNIT,
    1,
    DW_AT_LANGUAGE,
    DW_FORM_DATA1,
    DW_AT_NAME,
    DW_FORM_STRING,
    DW_AT_COMP_DIR,
    DW_FORM_STRING,
    DW_AT_LOW_PC,
    DW_FORM_ADDR,
    DW_AT_HIGH_PC,
    DW_FORM_DATA8,
    DW_AT_STMT_LIST,
    DW_FORM_SEC_OFFSET,
    0,
    0,
    2,
    DW_TAG_SUBPROGRAM,
    0,
    DW_AT_NAME,
    DW_FORM_STRING,
    DW_AT_LOW_PC,
    DW_FORM_ADDR,
    DW_AT_HIGH_PC,
    DW_FORM_DATA8,
    DW_AT_DECL_FILE,
    DW_FORM_DATA1,
    DW_AT_DECL_LINE,
    DW_FORM_UDATA,
    0,
    0,
    0,
};

static void put_folder(Buf *out)
{
    char path[4096];
    put_text(out, getcwd(path, sizeof path) ? path : "");
}

static void put_function(const CodeInfo *info, Buf *out)
{
    const CodeRow *first = &info->rows.data[0];
    const char *file = info_file(info, first);
    size_t unit = put_length(out);
    put(out, 4, 2);
    put(out, 0, 4); /* abbreviations: from the beginning of their section */
    put(out, 8, 1); /* bytes of an address */
    put_unsigned(out, 1);
    put(out, DW_LANG_C99, 1); /* or gdb would read no expressions */
    put_text(out, file ? file : "");
    put_folder(out);
    put(out, info->run, 8);
    put(out, info->size, 8);
    put(out, 0, 4); /* lines: from the beginning of their section */
    put_unsigned(out, 2);
    put_text(out, info->name);
    put(out, info->run, 8);
    put(out, info->size, 8);
    put(out, file ? 1 : 0, 1);
    put_unsigned(out, first->place.line);
    put(out, 0, 1);
    set_length(out, unit);
}

/* -- DWARF: frames -- */

enum {
    DW_CFA_ADVANCE_LOC4 = 0x04,
    DW_CFA_DEF_CFA = 0x0C,
    DW_CFA_DEF_CFA_OFFSET = 0x0E,
    DW_CFA_OFFSET = 0x80,
    DW_CFA_RESTORE = 0xC0,
    RSP = 7,
    RETURN_ADDRESS = 16,
};

/* DWARF's number of a register that calls preserve, or 0. */
static uint8_t preserved(uint8_t reg)
{
    enum { RBX = 3, RBP = 5, R12 = 12, DWARF_RBP = 6 };
    return reg == RBX || reg >= R12 ? reg : reg == RBP ? DWARF_RBP : 0;
}

static void put_advance(Buf *out, uint32_t *at, uint32_t to)
{
    put(out, DW_CFA_ADVANCE_LOC4, 1);
    put(out, to - *at, 4);
    *at = to;
}

/* The stack is N words below what the caller of the code had. */
static void put_depth(Buf *out, uint32_t n)
{
    put(out, DW_CFA_DEF_CFA_OFFSET, 1);
    put_unsigned(out, 8 * n);
}

static void put_pushes(Buf *out, const CodeFrame *f, uint32_t *at)
{
    for (uint32_t i = 0; i < f->count; i++) {
        uint8_t reg = preserved(f->push[i].reg);
        put_advance(out, at, f->push[i].end);
        put_depth(out, i + 2);
        if (!reg) continue;
        put(out, DW_CFA_OFFSET | reg, 1);
        put_unsigned(out, i + 2);
    }
    if (f->room) {
        put_advance(out, at, f->room_end);
        put_depth(out, f->count + f->room + 1);
    }
    put_advance(out, at, f->end);
    put_depth(out, 1);
    for (uint32_t i = 0; i < f->count; i++)
        if (preserved(f->push[i].reg)) put(out, DW_CFA_RESTORE | preserved(f->push[i].reg), 1);
}

/* All machine code of ours is entered by one call, and has nothing else on the machine stack while it calls nothing. */
static void put_frames(const CodeInfo *info, Buf *out)
{
    size_t begin = put_length(out);
    put(out, UINT32_MAX, 4); /* what functions have in common */
    put(out, 1, 1);
    put(out, 0, 1);
    put_unsigned(out, 1);
    put_signed(out, -8);
    put(out, RETURN_ADDRESS, 1);
    put(out, DW_CFA_DEF_CFA, 1);
    put_unsigned(out, RSP);
    put_unsigned(out, 8);
    put(out, DW_CFA_OFFSET | RETURN_ADDRESS, 1);
    put_unsigned(out, 1);
    while (out->len % 8) put(out, 0, 1);
    set_length(out, begin);
    begin = put_length(out);
    put(out, 0, 4); /* it is at the beginning of the section */
    put(out, info->run, 8);
    put(out, info->size, 8);
    uint32_t at = 0;
    for (size_t i = 0; i < info->frames.len; i++) put_pushes(out, &info->frames.data[i], &at);
    while (out->len % 8) put(out, 0, 1);
    set_length(out, begin);
}

/* -- ELF -- */

typedef enum SectionId {
    SECTION_NONE,
    SECTION_TEXT,
    SECTION_SYMBOLS,
    SECTION_STRINGS,
    SECTION_FRAMES,
    SECTION_ABBREVIATIONS,
    SECTION_FUNCTION,
    SECTION_LINES,
    SECTION_COUNT
} SectionId;

static const struct {
    const char *name;
    uint32_t type;
} sections[SECTION_COUNT] = {
    [SECTION_NONE] = {"", SHT_NULL},
    [SECTION_TEXT] = {".text", SHT_NOBITS},
    [SECTION_SYMBOLS] = {".symtab", SHT_SYMTAB},
    [SECTION_STRINGS] = {".strtab", SHT_STRTAB},
    [SECTION_FRAMES] = {".debug_frame", SHT_PROGBITS},
    [SECTION_ABBREVIATIONS] = {".debug_abbrev", SHT_PROGBITS},
    [SECTION_FUNCTION] = {".debug_info", SHT_PROGBITS},
    [SECTION_LINES] = {".debug_line", SHT_PROGBITS},
};

/* Names of sections, then the symbol's. */
static void put_strings(const CodeInfo *info, Buf *out)
{
    for (unsigned i = 0; i < SECTION_COUNT; i++) put_text(out, sections[i].name);
    put_text(out, info->name);
}

static uint32_t string_of_section(unsigned id)
{
    uint32_t at = 0;
    for (unsigned i = 0; i < id; i++) at += (uint32_t)strlen(sections[i].name) + 1;
    return at;
}

static void put_symbols(const CodeInfo *info, Buf *out)
{
    Elf64_Sym none = {0};
    Elf64_Sym code = {.st_name = string_of_section(SECTION_COUNT),
                      .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
                      .st_shndx = SECTION_TEXT,
                      .st_value = info->run,
                      .st_size = info->size};
    buf_put(out, (const char *)&none, sizeof none);
    buf_put(out, (const char *)&code, sizeof code);
}

static void put_section(const CodeInfo *info, SectionId id, Buf *out)
{
    bool has_lines = info->rows.len > 0;
    switch (id) {
    case SECTION_SYMBOLS:
        put_symbols(info, out);
        break;
    case SECTION_STRINGS:
        put_strings(info, out);
        break;
    case SECTION_FRAMES:
        put_frames(info, out);
        break;
    case SECTION_ABBREVIATIONS:
        if (has_lines) buf_put(out, (const char *)abbreviations, sizeof abbreviations);
        break;
    case SECTION_FUNCTION:
        if (has_lines) put_function(info, out);
        break;
    case SECTION_LINES:
        if (has_lines) put_lines(info, out);
        break;
    default:
        break;
    }
}

/* Append the contents of section ID; H becomes its header. */
static void add_section(const CodeInfo *info, SectionId id, Elf64_Shdr *h, Buf *out)
{
    while (out->len % 8) buf_putc(out, 0);
    Buf contents = {0};
    put_section(info, id, &contents);
    *h = (Elf64_Shdr){.sh_name = string_of_section(id),
                      .sh_type = sections[id].type,
                      .sh_offset = out->len,
                      .sh_size = contents.len,
                      .sh_addralign = 1};
    if (id == SECTION_TEXT) {
        h->sh_flags = SHF_ALLOC | SHF_EXECINSTR;
        h->sh_addr = info->run;
        h->sh_size = info->size;
    } else if (id == SECTION_SYMBOLS) {
        h->sh_link = SECTION_STRINGS;
        h->sh_info = 1; /* the first that is not local */
        h->sh_entsize = sizeof(Elf64_Sym);
        h->sh_addralign = 8;
    }
    buf_put(out, contents.data, contents.len);
    buf_free(&contents);
}

void gdb_write_object(const CodeInfo *info, Buf *out)
{
    Elf64_Ehdr head = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                       .e_type = ET_EXEC,
                       .e_machine = EM_X86_64,
                       .e_version = EV_CURRENT,
                       .e_ehsize = sizeof head,
                       .e_shentsize = sizeof(Elf64_Shdr),
                       .e_shnum = SECTION_COUNT,
                       .e_shstrndx = SECTION_STRINGS};
    Elf64_Shdr headers[SECTION_COUNT] = {0};
    buf_put(out, (const char *)&head, sizeof head);
    for (unsigned id = SECTION_NONE + 1; id < SECTION_COUNT; id++) add_section(info, id, &headers[id], out);
    while (out->len % 8) buf_putc(out, 0);
    head.e_shoff = out->len;
    memcpy(out->data, &head, sizeof head);
    buf_put(out, (const char *)headers, sizeof headers);
}

/* -- The list -- */

/* The fields and their order are gdb's. */
struct GdbCode {
    GdbCode *next, *prev;
    const char *object;
    uint64_t size;
};

typedef enum GdbAction { GDB_NOTHING, GDB_REGISTER, GDB_UNREGISTER } GdbAction;

/* gdb finds it by its name, so it is the one variable of the library that does not hang off a runtime (tools/check-globals).  Runtimes
 * of several threads share it. */
extern struct GdbList {
    uint32_t version, action;
    GdbCode *relevant, *first;
    pthread_mutex_t lock; /* ours */
} __jit_debug_descriptor;
struct GdbList __jit_debug_descriptor
    __attribute__((used)) = {.version = 1, .lock = PTHREAD_MUTEX_INITIALIZER};

/* gdb has a breakpoint here, and reads the list when it is called. */
void __jit_debug_register_code(void);
__attribute__((noinline, used)) void __jit_debug_register_code(void)
{
    __asm__ volatile("" ::: "memory");
}

static void tell(GdbCode *code, GdbAction action)
{
    __jit_debug_descriptor.relevant = code;
    __jit_debug_descriptor.action = action;
    __jit_debug_register_code();
}

GdbCode *gdb_register(const CodeInfo *info)
{
    struct GdbList *list = &__jit_debug_descriptor;
    GdbCode *code = base_calloc(1, sizeof *code);
    Buf object = {0};
    gdb_write_object(info, &object);
    code->object = object.data;
    code->size = object.len;
    pthread_mutex_lock(&list->lock);
    code->next = list->first;
    if (code->next) code->next->prev = code;
    list->first = code;
    tell(code, GDB_REGISTER);
    pthread_mutex_unlock(&list->lock);
    return code;
}

void gdb_unregister(GdbCode *code)
{
    struct GdbList *list = &__jit_debug_descriptor;
    if (!code) return;
    pthread_mutex_lock(&list->lock);
    if (code->next) code->next->prev = code->prev;
    if (code->prev)
        code->prev->next = code->next;
    else
        list->first = code->next;
    tell(code, GDB_UNREGISTER);
    pthread_mutex_unlock(&list->lock);
    base_free((void *)(uintptr_t)code->object);
    base_free(code);
}
