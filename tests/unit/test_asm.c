/* Chunks as text: what is dumped is assembled to the same chunk, for every function of every golden and example; mistakes are told with
 * their place; what is written by hand runs. */
#include "builtin/builtin.h"
#include "code/asm.h"
#include "code/audit.h"
#include "code/compile.h"
#include "code/disasm.h"
#include "base/file.h"
#include "vm/vm.h"
#include "interp/interp.h"
#include "unit.h"

#include <ftw.h>

/* A runtime and the functions of its chunks. */
typedef struct World {
    Runtime *rt;
    Functions functions;
} World;

static World world_new(void)
{
    return (World){.rt = rt_new(builtin_table, BI_COUNT, &interp_engine)};
}

static void world_free(World *w)
{
    functions_fini(&w->functions);
    rt_free(w->rt);
}

/* Add the forms of TEXT that are no queries to the top space. */
static void load(Runtime *rt, const char *text, size_t len)
{
    Tokens tokens = rt_tokens(rt, rt->top);
    Reader *r = reader_new(&rt->heap, rt->symbols, &tokens, text, len, (uint32_t)rt->files.len);
    Word form;
    Span span;
    bool query = false;
    vec_push(&rt->files, base_strndup("a \"file\".metta", 14));
    while (reader_next(r, &form, &span) == READ_FORM) {
        bool mark = form == W_SYM(BANG) && !query;
        if (!query && !mark) {
            size_t n;
            space_add(rt->top->space, form);
            const Span *spans = reader_spans(r, &n);
            if (atom_is_triple(form, W_SYM(EQUAL))) rt_keep_spans(rt->top, spans, n);
        }
        query = mark;
    }
    reader_free(r);
}

static unsigned chunks, unreadable;

static bool same_bytes(const Chunk *a, const Chunk *b)
{
    return a->code.len == b->code.len && memcmp(a->code.data, b->code.data, a->code.len) == 0 &&
           a->max_stack == b->max_stack && a->locals == b->locals;
}

/* C, its dump, what is assembled of that, and the dump of that. */
static void check_round_trip(World *w, const char *where, const Chunk *c)
{
    Buf text = {0}, again = {0}, error = {0};
    const char *complaint;
    uint32_t at;
    bool good = chunk_audit(w->rt, c, &complaint, &at);
    CHECK_MSG(good, "%s: %s: %s at %u", where, sym_text(w->rt->symbols, c->name, NULL), complaint, at);
    chunk_dump(w->rt, c, &text);
    bool readable = !strstr(buf_cstr(&text), "#unreadable");
    Chunk *copy = chunk_assemble(w->rt, &w->functions, text.data, text.len, &error);
    chunks++;
    unreadable += !readable;
    CHECK_MSG(!copy == !readable, "%s: %s\n%s", where, buf_cstr(&error), buf_cstr(&text));
    if (copy) {
        chunk_dump(w->rt, copy, &again);
        CHECK_MSG(same_bytes(c, copy), "%s", where);
        CHECK_STR(buf_cstr(&again), buf_cstr(&text));
    }
    chunk_free(copy);
    buf_free(&text);
    buf_free(&again);
    buf_free(&error);
}

static void check_program(const char *where, const char *text, size_t len)
{
    World w = world_new();
    FunctionNames heads = {0};
    load(w.rt, text, len);
    functions_defined(w.rt->top->space, &heads);
    for (size_t i = 0; i < heads.len; i++) {
        CompileRefusal why;
        Chunk *c = compile_function(w.rt, w.rt->top->scope, &w.functions, heads.data[i].name,
                                    heads.data[i].arity, NULL, &why);
        if (c) check_round_trip(&w, where, c);
        chunk_free(c);
    }
    vec_free(&heads);
    world_free(&w);
}

static int check_file(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    const char *dot = strrchr(path, '.');
    FileText text;
    if (kind != FTW_F || !dot || strcmp(dot, ".metta") != 0 || !file_read(path, &text)) return 0;
    if (text.data) check_program(path, text.data, text.len);
    file_free(&text);
    return 0;
}

static void test_round_trips(void)
{
    static const char large[] =
        "(= (f A 1) 1) (= (f B 2) 2) (= (f C 3) 3) (= (f D 4) 4) (= (f E 5) 5) (= (f F 6) 6) (= (f G 7) 7)\n"
        "(= (f (H $x) 8) (Got $x (Pair a \"b\\n\" 1.5 123456789012345678901234567890 True)))\n"
        "(= (g) (match &self (fact $x) (Seen $x)))\n"
        "(= (h $x) (Pair (a b (c 1)) 'x' ()))\n";
    check_program("large", large, strlen(large));
    nftw("tests/golden", check_file, 16, FTW_PHYS);
    nftw("examples", check_file, 16, FTW_PHYS);
    CHECK_MSG(chunks > 300, "%u chunks", chunks);
    CHECK_MSG(unreadable == 0, "%u of %u cannot be read", unreadable, chunks);
}

/* -- Mistakes -- */

static void check_error(const char *text, const char *want)
{
    World w = world_new();
    Buf error = {0};
    Chunk *c = chunk_assemble(w.rt, &w.functions, text, strlen(text), &error);
    CHECK(!c);
    CHECK_STR(buf_cstr(&error), want);
    chunk_free(c);
    buf_free(&error);
    world_free(&w);
}

#define HEAD(name, locals) "=== " name " ===\nlocals: " locals ", upvalues: 0, arity: 1\n"

static void test_mistakes(void)
{
    check_error("", "1:1: '=== NAME/ARITY ===' is wanted");
    check_error("\n=== f ===\n", "2:5: '/' and the number of arguments are wanted");
    check_error("=== f/1 ===\nlocals: 1, upvalues: 0, arity: 2\n",
                "2:33: the title has another number of arguments");
    check_error("=== f/1 ===\nlocals: 1, upvalues: 3, arity: 1\n", "2:22: this number is too large");
    check_error(HEAD("f/1", "1") "  load_locl 0\n", "3:3: there is no such instruction");
    check_error(HEAD("f/1", "1") "load_local\n", "3:11: a number is wanted");
    check_error(HEAD("f/1", "1") "load_local 256\n", "3:12: this number is too large");
    check_error(HEAD("f/1", "1") "load_local 0 1\n", "3:14: more than is wanted in this line");
    check_error(HEAD("f/1", "1") "jump there\n", "3:1: this line has a label that stands nowhere");
    check_error(HEAD("f/1", "1") "a:\nstuck\na:\n", "5:1: this label stands somewhere else, too");
    check_error(HEAD("f/1", "1") "load_local 1\nreturn\n", "3:1: no such local");
    check_error(HEAD("f/1", "2") "; a comment\nload_local 1\nreturn\n",
                "4:1: a local is read that may hold no atom");
    check_error(HEAD("f/1", "1") "load_local 0\nreturn\nconstants:\n  1 a\n",
                "6:3: the rows of a table are numbered from 0");
    check_error(HEAD("f/1", "1") "load_local 0\nreturn\nconstants:\n  0 (a\n", "6:7: unclosed '('");
    check_error(HEAD("f/1", "1") "load_local 0\nreturn\nconstants:\n  0 #unreadable\"State\"\n",
                "6:16: this value exists in a running program only");
    check_error(HEAD("f/1", "1") "load_local 0\nreturn\nconstants:\n  0 $#0\n",
                "3:1: a constant is no closed atom");
    check_error(HEAD("f/1", "1") "load_local 0\nreturn\ntemplates:\n  0 0 0 (a $#0)\n",
                "3:1: a template has a slot that it does not map");
}

/* -- The audit: each thing that chunk_verify lets pass and the VM cannot run -- */

static void check_refused(const char *want, const char *code)
{
    World w = world_new();
    Buf text = {0}, error = {0};
    buf_puts(&text, HEAD("f/1", "4"));
    buf_puts(&text, code);
    Chunk *c = chunk_assemble(w.rt, &w.functions, text.data, text.len, &error);
    const char *message = buf_cstr(&error), *space = strchr(message, ' ');
    CHECK_MSG(want ? !c : c != NULL, "%s: %s", code, message);
    if (want) CHECK_STR(space ? space + 1 : "", want);
    chunk_free(c);
    buf_free(&text);
    buf_free(&error);
    world_free(&w);
}

static void test_audit(void)
{
    static const char *const lacks = "an item is taken of what may lack it",
                             *const lacks_item = "a template lacks the item that is replaced",
                             *const no_native = "this is no operation that code may call so",
                             *const empty = "a local is read that may hold no atom";
    check_refused("an expression of no items is made", "make_sexpr 0\nreturn\n");
    check_refused(lacks, "get_item 0 0 1\nload_local 1\nreturn\n");
    check_refused(
        lacks,
        "match_functor 0 0 2 end end\nget_item 0 2 1\nload_local 1\nreturn\nend:\nstuck\nconstants:\n0 P\n");
    check_refused(
        NULL,
        "match_functor 0 0 2 end end\nget_item 0 1 1\nload_local 1\nreturn\nend:\nstuck\nconstants:\n0 P\n");
    check_refused(lacks, "switch 0 0 end end\ncase:\nget_item 0 2 1\nend:\nstuck\nswitches:\n0 P 2 case\n");
    check_refused(NULL, "switch 0 0 end end\ncase:\nget_item 0 1 1\nend:\nstuck\nswitches:\n0 P 2 case\n");
    check_refused(empty,
                  "match_functor 0 0 2 end end\nget_item 0 1 1\nend:\nreturn_local 1\nconstants:\n0 P\n");
    check_refused(empty, "try next\nload_local 0\nstore_local 1\nnext:\nreturn_local 1\n");
    check_refused("a variable has no name", "new_var 1 0\nreturn_local 1\nconstants:\n0 5\n");
    check_refused(NULL, "new_var 1 0\nreturn_local 1\nconstants:\n0 x\n");
    check_refused("the code may run in a circle", "here:\njump here\n");
    check_refused("two instructions overlap",
                  "load_local 0\ntail_branch_bool @0005 0\njump 0\nstuck\ntemplates:\n0 0 0 (if a)\n");
    check_refused(lacks_item, "load_local 0\ntail_branch_bool end 0\nend:\nstuck\ntemplates:\n0 0 0 (if)\n");
    check_refused(lacks_item, "tail_function 0\ntemplates:\n0 0 0 function\n");
    check_refused("a function is called with another number of arguments",
                  "load_local 0\ntail_call 0 1\nfunctions:\n0 g 2\n");
    check_refused(NULL, "load_local 0\ntail_call 0 1*\nfunctions:\n0 g 1\n");
    check_refused("stack underflow", "tail_call_value 0\n");
    check_refused(no_native, "load_local 0\ncall_native 0 1\nreturn\nconstants:\n0 f\n");
    check_refused(no_native, "load_local 0\ncall_native 0 1\nreturn\nconstants:\n0 +\n");
    check_refused(no_native, "load_local 0\ncall_native 0 1\nreturn\nconstants:\n0 println!\n");
    check_refused(no_native, "load_local 0\ncall_builtin 0 1\nreturn\nconstants:\n0 collapse\n");
    check_refused("a left side has another number of arguments",
                  "unify_head 0 0 end\nend:\nstuck\ntemplates:\n0 0 0 (f)\n");
    check_refused("a left side has no symbol for a head",
                  "unify_head 0 0 end\nend:\nstuck\nslots:\n0 1 x\ntemplates:\n0 0 1 ($#0 1)\n");
    check_refused("two slots of a template share a local",
                  "tail_eval 0\nslots:\n0 1 x\n1 1 y\ntemplates:\n0 0 2 (g $#0)\n");
    check_refused("an operand must be 0 or 1", "unify_head 0 2 end\nend:\nstuck\ntemplates:\n0 0 0 (f 1)\n");
    check_refused("a choice point is left with values on the stack",
                  "load_local 0\nfork end\nreturn\nend:\nreturn\n");
    check_refused("no choice point is marked there", "case_done 1\nstuck\n");
    check_refused("a mark takes the place of an argument", "fork_case 0 end\nend:\nstuck\n");
    check_refused("no choice point is marked there",
                  "fork_case 1 end\ncase_done 1\ncase_done 1\nend:\nstuck\n");
    check_refused(
        "no choice point is marked there",
        "fork_case 1 end\nblock 0 over\ncase_done 1\nstuck\nover:\npop\nend:\nstuck\nconstants:\n0 Number\n");
    check_refused(
        NULL,
        "fork_case 1 end\nblock 0 over\nstuck\nover:\ncase_done 1\npop\nend:\nstuck\nconstants:\n0 Number\n");
    check_refused("a variable of a template is no atom",
                  "fork_case 1 end\ntail_eval 0\nend:\nstuck\nslots:\n0 1 x\ntemplates:\n0 0 1 (g $#0)\n");
    check_refused("the audit knows nothing of this instruction", "leave_stale\n");
    check_refused("an expression is not in the code",
                  "stuck\nconstants:\n0 a\ntemplates:\n0 0 0 a\nexpressions:\n0 7 0 0\n");
    check_refused("an expression begins within an instruction",
                  "load_local 0\nreturn\nconstants:\n0 a\ntemplates:\n0 0 0 a\nexpressions:\n1 2 0 0 tail\n");
    check_refused("a switch has a key that is no constant",
                  "switch 0 0 end end\nend:\nstuck\nswitches:\n0 (a) 2 end\n");
}

/* -- By hand -- */

static const char double_text[] = "=== double/1 ===\n"
                                  "locals: 1, upvalues: 0, arity: 1\n"
                                  "\n"
                                  "guard_number 0 odd  ; what is no number\n"
                                  "   load_local 0\n"
                                  "0006 2 load_local 0\n"
                                  "add\n"
                                  "return\n"
                                  "odd:\n"
                                  "load_local 0\n"
                                  "push_const 0\n"
                                  "make_sexpr 2\n"
                                  "return\n"
                                  "constants:\n"
                                  "  0  #\"not a number\"\n";

/* What no compiler emits. */
static const char stop_text[] = "=== stop/1 ===\n"
                                "locals: 1, upvalues: 0, arity: 1\n"
                                "\n"
                                "0000 - nop\n"
                                "0001 - halt\n"
                                "\n"
                                "max stack: 0\n";

static void check_result(Runtime *rt, const char *query, const char *want)
{
    Word atom;
    QueryResults r = {0};
    Buf text = {0};
    CHECK(rt_parse(rt, rt->top, query, strlen(query), &atom));
    interp_eval(rt, rt->top->scope, atom, &r);
    for (size_t i = 0; i < r.atoms.len; i++) {
        if (i) buf_putc(&text, ' ');
        rt_print(rt, r.atoms.data[i], &text);
    }
    CHECK_STR(buf_cstr(&text), want);
    buf_free(&text);
    vec_free(&r.atoms);
}

static void test_runs(void)
{
    World w = world_new();
    Vm *vm = vm_new(w.rt, w.rt->top->scope, 0, 100);
    w.rt->upper = vm;
    w.rt->upper_tier = &vm_tier;
    w.rt->changed = vm_tier.changed;
    Buf error = {0};
    Chunk *c = chunk_assemble(w.rt, &vm->functions, double_text, strlen(double_text), &error);
    CHECK_MSG(c, "%s", buf_cstr(&error));
    if (c) {
        functions_adopt(&vm->functions, functions_get(&vm->functions, c->name, 1), c);
        check_result(w.rt, "(double 21)", "42");
        check_result(w.rt, "(double a)", "(a not a number)");
        check_result(w.rt, "(double (superpose (1 2)))", "2 4");
    }
    c = chunk_assemble(w.rt, &vm->functions, stop_text, strlen(stop_text), &error);
    CHECK_MSG(c, "%s", buf_cstr(&error));
    if (c) {
        functions_adopt(&vm->functions, functions_get(&vm->functions, c->name, 1), c);
        check_result(w.rt, "(stop 1)", "(Error (stop 1) Halted)");
    }
    buf_free(&error);
    rt_free(w.rt);
    vm_free(vm);
    functions_fini(&w.functions);
}

int main(void)
{
    test_round_trips();
    test_mistakes();
    test_audit();
    test_runs();
    printf("%u chunks\n", chunks);
    return unit_end();
}
