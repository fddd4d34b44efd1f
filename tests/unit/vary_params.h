/* vary_params.h: parameters of which no vector is like another, so that one in the wrong place shows. */
#ifndef VARY_PARAMS_H
#define VARY_PARAMS_H

#include "model/train/params.h"

/* Norms and temperatures around 1, biases around 0.1, gates of the memory unlike each other and a half. */
void vary_params(struct fot_params *p);

#endif
