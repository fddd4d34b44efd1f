/* label_accuracy.h: how many labels of held-out episodes are chosen right, beside what needs no model.
 *
 * A question is a demonstration whose class was shown before, in sight of its window with all of
 * its memory.  Right: of the episode's labels the one is chosen whose first token is the most likely one.
 * Beside it, over the same demonstrations in sight: chance, 1 / classes of the episode; commonest, the label
 * that was shown most often (of several the mean); bow, a vote of bags of words (datasets/bow.h).  All by the number of
 * demonstrations in sight, so that a model with its memory taken away stands in the same rows. */
#ifndef FOT_LABEL_ACCURACY_H
#define FOT_LABEL_ACCURACY_H

#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "datasets/episodes.h"
#include "model/train/crossbatch.h"

#define FOT_LABEL_BINS 8 /* 1-4, 5-16, 17-64, ... demonstrations in sight; the last is open */

struct fot_label_count {
	int64_t n;
	double right, chance, commonest, bow; /* sums over the questions */
};
struct fot_label_counts {
	struct fot_label_count bin[FOT_LABEL_BINS];
};

/* Add the questions of asking window i .. of episode x (fot_generate_episode). chosen: fot_net_chosen of the whole
 * batch. Errors: FOT_ERR_RUN (memory). */
int fot_label_counts_add(struct fot_label_counts *c, const struct fot_episode *x, const struct fot_stage *st,
			 const int32_t *chosen, int64_t i, struct fot_err *err);
/* All bins as one. */
struct fot_label_count fot_label_counts_all(const struct fot_label_counts *c);

extern const char fot_label_header[]; /* line of labels.csv */
/* A row per bin that has questions. */
void fot_label_counts_print(FILE *f, const struct fot_label_counts *c, int64_t step, int64_t tokens,
			    int64_t memory_windows);

#endif
