#include "builtin/bodies.h"

#include "builtin/io.inc"
