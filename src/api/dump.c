/* Listings of what the runtime compiled. */
#include "api/api.h"

#include "code/disasm.h"
#include "vm/vm.h"
#ifdef METTA_JIT
#include "jit1/jit1.h"
#endif

/* One listing after the other in the runtime's text. */
static void dump_bytecode(MtRuntime *x, const FunctionName *f, bool full)
{
    Runtime *rt = x->rt;
    CompileRefusal why;
    Chunk *c = compile_function(rt, rt->top->scope, &x->vm->functions, f->name, f->arity, NULL, &why);
    if (x->text.len) buf_putc(&x->text, '\n');
    if (c && full)
        chunk_dump(rt, c, &x->text);
    else if (c)
        chunk_disassemble(&rt->names, c, &x->text);
    else
        buf_printf(&x->text, "=== %s/%u ===\nnot compiled: %s\n", sym_text(rt->symbols, f->name, NULL),
                   (unsigned)f->arity, compile_refusal_text(why));
    chunk_free(c);
}

/* The functions of that name, or all; to be freed.  The runtime's text is empty then. */
static FunctionNames list_functions(MtRuntime *x, const char *only)
{
    FunctionNames all = {0};
    size_t kept = 0;
    functions_defined(x->rt->top->space, &all);
    for (size_t i = 0; i < all.len; i++)
        if (!only || strcmp(only, sym_text(x->rt->symbols, all.data[i].name, NULL)) == 0)
            all.data[kept++] = all.data[i];
    all.len = kept;
    vec_clear(&x->text);
    return all;
}

static const char *list_bytecode(MtRuntime *x, const char *head, bool full)
{
    if (!x->vm) return NULL;
    FunctionNames list = list_functions(x, head);
    for (size_t i = 0; i < list.len; i++) dump_bytecode(x, &list.data[i], full);
    vec_free(&list);
    return buf_cstr(&x->text);
}

const char *mt_disassemble(MtRuntime *x, const char *head)
{
    return list_bytecode(x, head, false);
}

const char *mt_disassemble_full(MtRuntime *x, const char *head)
{
    return list_bytecode(x, head, true);
}

const char *mt_disassemble_native(MtRuntime *x, const char *head)
{
#ifdef METTA_JIT
    if (!x->jit1) return NULL;
    FunctionNames list = list_functions(x, head);
    for (size_t i = 0; i < list.len; i++) {
        if (x->text.len) buf_putc(&x->text, '\n');
        jit1_list(x->jit1, functions_get(&x->vm->functions, list.data[i].name, list.data[i].arity), &x->text);
    }
    vec_free(&list);
    return buf_cstr(&x->text);
#else
    (void)x, (void)head;
    return NULL;
#endif
}

const char *mt_pass(size_t i)
{
    return i < PASS_COUNT ? pass_name((PassId)i) : NULL;
}

const char *mt_show_pass(MtRuntime *x, const char *pass, const char *head)
{
    PassWatch watch = {pass_find(pass, strlen(pass)), &x->rt->names, &x->text};
    if (!x->vm || watch.pass == PASS_COUNT) return NULL;
    FunctionNames list = list_functions(x, head);
    for (size_t i = 0; i < list.len; i++) {
        CompileRefusal why;
        const FunctionName *f = &list.data[i];
        chunk_free(
            compile_function(x->rt, x->rt->top->scope, &x->vm->functions, f->name, f->arity, &watch, &why));
    }
    vec_free(&list);
    return buf_cstr(&x->text);
}

/* Does an instruction of C begin at OFFSET? */
static bool is_instruction_at(const Chunk *c, size_t offset)
{
    size_t at = 0;
    while (at < offset && at < c->code.len) at += op_info(c->code.data[at])->length;
    return at == offset && at < c->code.len;
}

const char *mt_disassemble_at(MtRuntime *x, const char *head, size_t arity, size_t offset, size_t *next)
{
    Runtime *rt = x->rt;
    if (!x->vm || arity > UINT32_MAX) return NULL;
    CompileRefusal why;
    uint32_t name = word_sym_id(rt_sym(rt, head)), behind = 0;
    Chunk *c = compile_function(rt, rt->top->scope, &x->vm->functions, name, (uint32_t)arity, NULL, &why);
    bool found = c && is_instruction_at(c, offset);
    vec_clear(&x->text);
    if (found) behind = chunk_disassemble_at(&rt->names, c, (uint32_t)offset, &x->text);
    if (found && next) *next = behind < c->code.len ? behind : 0;
    chunk_free(c);
    return found ? buf_cstr(&x->text) : NULL;
}
