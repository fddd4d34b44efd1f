/* cost.h: floating point operations of reading and of training, in one set of formulas.
 *
 * Counted are the matrix products, a multiplication and an addition each: with D the hidden size, F
 * the MLP's, V the vocabulary, L the layers, and DQ and DK the numbers of a row of queries and of keys (both
 * are D where heads share no keys)
 *
 *   a token in a layer              2 (2 D DQ + 2 D DK + 3 D F)  q, o, k, v, gate, up, down
 *   of that its key and value alone 2 (2 D DK)
 *   a query and a key of its window 4 DQ                 score and value, all heads together
 *   a query and memory keys         2 DQ keys + 2 DQ values  as the kind of memory reads (fot_reads), with the keys
 *                                   that it scores before a window reads
 *   an answered token               2 D V                logits
 *
 * A window of n tokens has n (n + 1) / 2 pairs.  A full window of which nothing is asked stops at the
 * keys and values of the last memory layer (of cached windows: of the last layer; without either it is
 * not computed), as sessions do (session.h).  A shorter one goes through all layers.
 * Norms, rotations and softmaxes are left out, and that logits are made in tiles of rows. */
#ifndef FOT_COST_H
#define FOT_COST_H

#include <stdbool.h>

#include "model/config.h"
#include "model/session.h"

struct fot_flops {
	double weights, local, memory, head;
};
double fot_flops_sum(const struct fot_flops *f);

/* Add n tokens that are read in windows of o->window (0: the model's), with `before` tokens before the
 * first; answered: all of them, else none, and full windows stop early unless o->no_skip. */
void fot_flops_read(struct fot_flops *f, const struct fot_config *c, const struct fot_session_opts *o,
		    double before, double n, bool answered);
/* Add one window of n answered tokens, of any length, with `before` tokens before it. */
void fot_flops_window(struct fot_flops *f, const struct fot_config *c, const struct fot_session_opts *o,
		      double before, double n);
/* Windows that grow (rope, session.h) are n / o->window ones that `seen` tokens stand before in them, unanswered.
 * Add n answered tokens in full windows, of which each sees `seen` entries of the memory (of cached
 * windows: its whole past). */
void fot_flops_asked(struct fot_flops *f, const struct fot_config *c, const struct fot_session_opts *o,
		     double n, double seen);

/* A step of training: forward; backward, which makes twice its products with weights, and of a pair
 * the score again and the gradients of query, key, weight and value (10 D); of constant keys not
 * theirs (6 D), and nothing of the contexts that they stand in.  Chosen pairs keep their scores. */
struct fot_training_step {
	double window;
	double ask, context; /* tokens of windows that are scored, and of those before and beside them */
	double seen, kept;   /* pairs of a query and a memory key in one layer: scored, and weighed */
	bool chosen;         /* the best of those seen are kept, else kept is seen */
	bool constant;       /* no gradient into the keys and values in sight */
	bool cached;         /* Transformer-XL: contexts stand before what asks, chain windows deep; they are
				read forward only, and the first of each chain sees no past */
	double chain;
};
double fot_flops_training(const struct fot_config *c, const struct fot_training_step *s);

#endif
