/* compare.h: is NEW worse than BASE? Two runs paired document by document, item by item.
 *
 * A group is dataset x context length (x shots, d, ...) x (variant, memory).  Its tier:
 *   identical    every document or item has the same bits
 *   equal        every document's mean nll per token agrees within 1e-6 nats; every item
 *                has the same answer, and scores within 1e-6
 *   statistical  the difference of the metric, with the paired bootstrap over
 *                documents, sign-flip p adjusted by Holm over the context
 *                lengths of one condition, and the minimum detectable difference
 * A group is a regression when the lower end of the interval of its worsening
 * lies above the margin; with one document, which has no interval, when the
 * difference itself does.
 *
 * What is not the same measurement is refused, naming what differs: documents
 * or their text, targets, tokenizer, conventions, task versions, conditions of
 * BASE that NEW lacks.  Bits per byte may be compared across tokenizers: each
 * document then counts with its bytes of BASE. */
#ifndef FOT_COMPARE_H
#define FOT_COMPARE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "harness/tables/table.h"

#define FOT_COMPARE_EQUAL_NATS 1e-6
/* Sums made otherwise differ in their last bits.  By other kernels of OpenBLAS, when products were theirs, a document was
 * measured to move by at most 1.2e-7 nats per token without a memory or with a dense one, by 4.0e-6 with a top-k memory, which
 * may keep another key of nearly the same score (SkylakeX against Haswell, Zen and Sandybridge; regress.json, and 4
 * documents of each dataset of quick.json at 8k and 32k). */
#define FOT_COMPARE_KERNEL_NATS 1e-5
/* The default margin, as a share of BASE's value (of a perplexity: 1e-4 nats per token): 25 times that. */
#define FOT_COMPARE_MARGIN 1e-4

struct fot_compare_opts {
	bool bits_per_byte; /* else perplexity per token */
	double margin;      /* in units of the metric; < 0: a share of BASE's value */
	double share;       /* that share; 0: FOT_COMPARE_MARGIN */
	uint64_t seed;
};

/* The share of BASE's value that a margin below 0 means. */
double fot_compare_share(const struct fot_compare_opts *opts);

/* Rows of one task to rows of fot_schema_compare, behind those it has: call it once per task,
 * then fot_compare_finish. Errors: FOT_ERR_COMPARE (not comparable), FOT_ERR_RUN. */
int fot_compare_tables(struct fot_table *out, const struct fot_table *base, const struct fot_table *new,
		       const struct fot_compare_opts *opts, struct fot_err *err);
/* Adjust the p values; refuses when nothing was compared. Errors: FOT_ERR_COMPARE, FOT_ERR_RUN. */
int fot_compare_finish(struct fot_table *compared, struct fot_err *err);
/* Conventions and task versions of two manifests. Errors: FOT_ERR_COMPARE. */
int fot_compare_manifests(const cJSON *base, const cJSON *new, struct fot_err *err);

/* Two conditions under different names: rows of `base` in BASE against rows of `new` in NEW. */
struct fot_compare_condition {
	char variant[128];
	char memory[128]; /* FOT_CONDITION_FORMS, with options; empty: any, the same in both */
};
struct fot_compare_pair {
	struct fot_compare_condition base, new;
};
/* "fot=vanilla", "fot/dense=fot/knn:128" or "fot/dense,layers=1=fot/none": of several = the last one before the last
 * slash is between the two. Errors: FOT_ERR_USAGE. */
int fot_compare_pair_parse(struct fot_compare_pair *pair, const char *text, struct fot_err *err);
/* As fot_compare_tables, of one pair alone: columns new_* of the rows say what NEW's condition is.
 * No rows when neither table has its side of the pair. */
int fot_compare_paired(struct fot_table *out, const struct fot_table *base, const struct fot_table *new,
		       const struct fot_compare_pair *pair, const struct fot_compare_opts *opts,
		       struct fot_err *err);

/* Rows whose verdict is "worse". */
size_t fot_compare_regressions(const struct fot_table *compared);
/* Rows whose documents or items changed by more than rounding: tier statistical. */
size_t fot_compare_changed(const struct fot_table *compared);
/* The verdict on all rows: "identical", "equal", "no regression" or "regression"; with exact,
 * "changed" instead of "no regression". */
const char *fot_compare_verdict(const struct fot_table *compared, bool exact);
/* One sentence: how near the rows are to those of BASE, whose name is given, other numbers of products
 * (compute.h), and sums made otherwise in NEW, with what that explains of the differences. Manifests may be NULL. Appended to out. */
int fot_compare_sentence(struct fot_str *out, const struct fot_table *compared, const char *base_name,
			 const cJSON *base, const cJSON *new, struct fot_err *err);
/* Aligned plain text, one line per row. */
int fot_compare_text(struct fot_str *out, const struct fot_table *compared, struct fot_err *err);

/* Parts of a row, appended raw: names are those of the files (base/quote.h).  The name says all that
 * makes the row another one than the rest: "perplexity, docs, 8k, fot, knn:128". */
void fot_compare_row_name(struct fot_str *out, const struct fot_table *t, size_t row);
/* "worse", "below the detectable difference of 0.01" */
void fot_compare_row_verdict(struct fot_str *out, const struct fot_table *t, size_t row);
/* A number of the metric, with enough decimals to see the difference; '-' where there is none. */
void fot_compare_value(struct fot_str *out, const struct fot_table *t, size_t row, const char *column);
/* "+0.0848 [+0.0500, +0.1196]" */
void fot_compare_delta(struct fot_str *out, const struct fot_table *t, size_t row);

#endif
