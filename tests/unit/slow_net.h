/* slow_net.h: the loss of a training batch in double precision by plain loops over whole
 * attention matrices, with every way to read a memory: what the network, its gradients and
 * sessions are compared with.
 *
 * It shares with them the parameters' numbers and the batch, nothing else. */
#ifndef SLOW_NET_H
#define SLOW_NET_H

#include "model/train/crossbatch.h"
#include "model/train/params.h"

/* Mean loss as fot_net_loss has it, and into nll (may be NULL) [n_ask, window] each target's.
 * The keys and values that windows see of each other are computed with the parameters `memory`,
 * all else with `p`; both are of one shape. */
double slow_net_loss(const struct fot_params *p, const struct fot_params *memory, const struct fot_batch *b,
		     double *nll);

#endif
