/* vote_fit.h: weights of rotary frequencies, so that attention reaches some tokens back and no farther. */
#ifndef FOT_VOTE_FIT_H
#define FOT_VOTE_FIT_H

#include <stddef.h>

#include "base/err.h"

#define FOT_VOTE_WINDOW 256 /* distances that the weights are made for: windows are no longer */

/* w [n] so that sum_i w_i cos(freq_i (s - center)), up to a constant, is flat for distances s from 0 to 2 center and some 12 lower
 * farther off, within FOT_VOTE_WINDOW: least squares with a ridge. Errors: FOT_ERR_RUN (memory). */
int fot_vote_fit(double *w, const double *freq, size_t n, double center, struct fot_err *err);

#endif
