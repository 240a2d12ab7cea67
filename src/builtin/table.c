/* The table of all builtins, from the headers of the blocks. */
#include "builtin/bodies.h"

#undef BUILTIN
#define OP false
#define SYMBOL true
#define ENTRY(NAME, KIND, MODULE, TYPE, FLAGS, DOC, PARAMS, RESULT, BODY) \
    {.name = NAME,                                                        \
     .symbol = KIND,                                                      \
     .module = MODULE,                                                    \
     .type = TYPE,                                                        \
     .flags = FLAGS,                                                      \
     .doc = DOC,                                                          \
     .params = PARAMS,                                                    \
     .result = RESULT,                                                    \
     .body = BODY}
#define BUILTIN(ID, NAME, KIND, MODULE, TYPE, FLAGS, DOC, PARAMS, RESULT) \
    [BI_##ID] = ENTRY(NAME, KIND, MODULE, TYPE, FLAGS, DOC, PARAMS, RESULT, bi_##ID),
#define SPECIAL(ID, NAME, KIND, MODULE, TYPE, FLAGS, DOC, PARAMS, RESULT) \
    [BI_##ID] = ENTRY(NAME, KIND, MODULE, TYPE, (FLAGS) | BF_SPECIAL, DOC, PARAMS, RESULT, NULL),

const BuiltinInfo builtin_table[BI_COUNT] = {
#include "builtin/special.inc"
#include "builtins.gen.h"
};
