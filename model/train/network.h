/* network.h: forward and backward pass of a training batch.
 *
 * All windows of a batch go through the layers below the first memory layer on
 * their own; at a memory layer each asking window also sees the windows of its
 * visibility list (crossbatch.h), whose keys stand at position 0 as in the
 * memory at evaluation; context windows stop at the last memory layer's keys
 * and values.  A batch may ask that each query reads only its best top_k keys, or
 * that what windows see is constant to them (memory_layer.c).  The loss is the mean
 * cross-entropy of the targets, in nats; when some are answers, the means of answers and of
 * the others are added (crossbatch.h); or, with LongLLaMA's rows, the mean over windows of
 * each window's mean (rows.h).
 *
 * With teach > 0 the loss has another term, attention teaching (teach.c).
 *
 * A batch with cached windows (method transformer-xl) has no memory: in all layers a window also
 * sees the one before it, whose keys and values are constants (cached.c).
 *
 * Gradients are summed in FOT_SHARDS arrays, each filled by a fixed subset of the
 * windows in a fixed order, and then reduced in order; so results do not depend
 * on the number of threads. */
#ifndef FOT_NETWORK_H
#define FOT_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/compute.h"
#include "model/train/crossbatch.h"
#include "model/train/params.h"

#define FOT_SHARDS 8

struct fot_net;
/* Room for batches up to cap_tokens in cap_win windows, of which cap_ask_tokens ask, of windows
 * up to max_window, with at most top_k keys retrieved per query and cap_hits by all queries of a
 * head; seen: there are batches that read all of the memory with gradient into it. The parameters
 * must outlive the network. Errors: FOT_ERR_RUN (memory, with the figure). */
struct fot_net_size {
	int64_t max_window, cap_tokens, cap_ask_tokens, cap_win, top_k, cap_hits;
	bool seen;
	bool teach; /* some stage teaches attention */
	bool cached; /* some stage has cached windows; its contexts take no room of their own */
	int n_threads;
	enum fot_compute compute; /* of products */
};
/* n_threads: so many run, be there fewer processors (blas.h says how many pay). */
void fot_net_size_of(struct fot_net_size *size, const struct fot_stage *stages, size_t n, int n_threads);
size_t fot_net_estimate(const struct fot_config *c, const struct fot_net_size *size);
int fot_net_open(struct fot_net **out, const struct fot_params *p, const struct fot_net_size *size,
		 struct fot_err *err);
void fot_net_close(struct fot_net *net);

/* Mean loss over the targets, and into nll (may be NULL) [n_ask, window] each
 * target's. Errors: FOT_ERR_RUN when the loss is not finite. */
int fot_net_loss(struct fot_net *net, const struct fot_batch *b, double *loss, double *nll, struct fot_err *err);
/* The same, and the gradient of the mean loss into grad [p->n] (overwritten). */
int fot_net_gradient(struct fot_net *net, const struct fot_batch *b, double *loss, fot_real *grad,
		     struct fot_err *err);
/* Of the latest fot_net_loss or fot_net_gradient, which had this batch: its answers. */
struct fot_net_answers {
	int64_t n, right; /* right: the most likely token is the target, the lowest id on ties */
	double nll;       /* sum, nats */
};
void fot_net_answers(const struct fot_net *net, const struct fot_batch *b, struct fot_net_answers *out);
/* The same for labelled batches: what it chose at the places that ask for a label, [n_ask, window], by
 * the probability of the labels' first tokens: which of the window's choices, the first on ties. */
const int32_t *fot_net_chosen(const struct fot_net *net);
/* The same: mean of -log of the attention mass on labels of the right class over the places that ask,
 * memory layers and heads; *n: places. Only where the network was opened for a stage that teaches. */
double fot_net_taught(const struct fot_net *net, const struct fot_batch *b, int64_t *n);
/* Floating point operations of all matrix products of one fot_net_gradient. */
double fot_net_flops(const struct fot_config *c, const struct fot_batch *b);

#endif
