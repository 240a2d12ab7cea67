#include "builtin/bodies.h"

#include <stdio.h>

#include "builtin/io.inc"
