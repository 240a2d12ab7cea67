/* Guards that fail although they need not, so that tests see what is rare. */
#ifndef METTA_JIT1_FORCE_H
#define METTA_JIT1_FORCE_H

#include "jit1/stencil.h"

enum { FORCE_ALL = UINT32_MAX };

/* Have guard N, from 1, of the stencil S fail always, or each for FORCE_ALL; its code, all holes filled, is at WRITE.  A guard is a conditional jump to
 * where the code is left, which becomes a jump.  None may do anything before it that must not be done twice. */
void force_guard(const Stencil *s, uint8_t *write, uint32_t n);

#endif
