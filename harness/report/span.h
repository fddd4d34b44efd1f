/* span.h: documents that were scored at every context length of a condition, on the same targets: what trends and
 * effective lengths are of. */
#ifndef FOT_SPAN_H
#define FOT_SPAN_H

#include <stdint.h>

#include "base/err.h"
#include "harness/tables/groups.h"

struct fot_span_length;

struct fot_span {
	const struct fot_group *rows; /* borrowed */
	int64_t *length; /* [n] context lengths of the rows, ascending */
	size_t n;
	struct fot_clusters texts;  /* den: tokens scored */
	double *num;                /* [texts.n, n] nll in nats */
	int64_t tokens;             /* scored of all texts, at one length */
	struct fot_span_length *at; /* [n] */
};

/* Rows of one condition and dataset, of a table that has nll_nats. Errors: FOT_ERR_RUN; release in any case. */
int fot_span_init(struct fot_span *l, const struct fot_group *rows, struct fot_err *err);
void fot_span_release(struct fot_span *l);

#endif
