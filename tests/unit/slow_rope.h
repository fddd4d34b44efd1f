/* slow_rope.h: rotary frequencies by the published formulas, one wavelength at a time: what model/rope.c is
 * compared with. */
#ifndef SLOW_ROPE_H
#define SLOW_ROPE_H

#include "model/config.h"

/* Pair i of a model read in windows of `longest`. */
double slow_frequency(const struct fot_config *c, int longest, int64_t i);
/* The factor of cosine and sine. */
double slow_factor(const struct fot_config *c);

#endif
