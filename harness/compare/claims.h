/* claims.h: what the paper claims, judged by the observations of runs.
 *
 * A claim is data (results/paper/claims.json):
 *
 *   { "claims": [
 *     { "id": "fot-falls", "claim": "FoT's perplexity keeps falling", "source": "tab:fft1",
 *       "task": "perplexity", "metric": "perplexity",
 *       "a": { "variant": "fot", "memory": "dense", "context_length": "32k" },
 *       "b": { "context_length": "8k" },
 *       "expect": "below", "margin": 0,
 *       "where": "64k against 16k", "paper": { "code": [5.32, 5.43], "*": [1, 2] } } ] }
 *
 * a and b name conditions by columns of TASK.csv; "variant" stands for model_variant, "memory" for
 * the kind with its numbers: knn:128, moba:128,4, or its word alone for any numbers: knn, dense.  A value may be a list: any of these.  What b does not name
 * is as in a (weights apart, where b names a variant), so each group of rows that fits a gives
 * a line: per dataset, filler, length, ... that a leaves open.  own_tokens and distractors that nobody names:
 * none.
 * b may also be a number, or "chance", for tasks that measure shares.
 * "gain_from" {columns}: A and B are each taken relative to themselves with these columns (rates as ratios,
 * accuracy over demonstration seeds as a difference; no other): is the gain of A larger than that of B?
 *
 * Compared is A - B on the items that both have: perplexity in nats per token (paired bootstrap
 * over documents), others in their own unit, 0 to 1.  With m the margin and [lo, hi] the interval:
 *
 *   expect      reproduced when    not reproduced when
 *   below       hi < -m            lo > -m
 *   above       lo > m             hi < m
 *   equal       -m < lo, hi < m    lo > m or hi < -m
 *   not-below   lo > -m            hi < -m
 *   not-above   hi < m             lo > m
 *
 * and undecided otherwise, or without an interval.  p is adjusted by Holm over a claim's lines.
 * "margin_of": "b" makes the margin a share of b's value. */
#ifndef FOT_CLAIMS_H
#define FOT_CLAIMS_H

#include <cjson/cJSON.h>

#include "harness/report/report.h"

enum fot_expect { FOT_BELOW, FOT_ABOVE, FOT_EQUAL, FOT_NOT_BELOW, FOT_NOT_ABOVE, FOT_EXPECTATIONS };
extern const char *const fot_expect_name[FOT_EXPECTATIONS];

struct fot_claim {
	const char *id, *claim, *source, *where; /* texts point into the file's JSON; where may be NULL */
	const char *constant;                    /* b is no condition: "chance", or "" for `number` */
	const struct fot_schema *schema;         /* of the task */
	const char *metric;
	const cJSON *a, *b, *gain_from, *paper; /* b, gain_from and paper may be NULL */
	enum fot_expect expect;
	double margin, number;
	bool margin_of_b;
};

struct fot_claims {
	struct fot_claim *claim; /* [n] */
	size_t n;
	cJSON *root;
};

/* Errors: FOT_ERR_USAGE with file, claim and key. */
int fot_claims_parse(struct fot_claims *c, const char *text, size_t n, const char *name, struct fot_err *err);
int fot_claims_read(struct fot_claims *c, const char *path, struct fot_err *err);
void fot_claims_release(struct fot_claims *c);

/* Append a line for each pair of conditions of the claims about this task's rows, run by run. A claim
 * whose conditions no run has gives none. Errors: FOT_ERR_RUN. */
int fot_claims_judge(struct fot_table *judged, const struct fot_claims *c, const struct fot_table *rows,
		     const struct fot_report_run *run, size_t n_runs, uint64_t seed, struct fot_err *err);
/* "reproduced", "not reproduced" or "undecided" of an interval of A - B. */
const char *fot_claims_verdict(enum fot_expect expect, double lo, double hi, double margin);
/* A list of the claims with counts of verdicts, then the lines of each; nothing without lines. In HTML elements of a
 * section whose heading is the caller's. */
int fot_claims_print(struct fot_str *out, const struct fot_table *judged, enum fot_format format,
		     struct fot_err *err);

#endif
