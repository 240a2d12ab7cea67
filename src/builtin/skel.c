#include "builtin/bodies.h"

#include "builtin/skel.inc"
