/* summary_trend.c: does a rate fall as the context grows?
 *
 * Per condition with a memory and dataset, over all its context lengths (three or more):
 *   TREND  Theil-Sen's slope of the mean nll against log2(length), in nats per token
 *          and doubling: x means a perplexity times exp(x) with each doubling
 *   RANK   Spearman's correlation of mean nll with length, -1 to 1
 * over the documents that were scored at every length on the same targets; documents are
 * drawn with all their lengths. */
#include <string.h>

#include "base/mem.h"
#include "harness/tables/clusters.h"
#include "harness/tables/groups.h"
#include "harness/report/measures.h"
#include "harness/report/summary_impl.h"

struct trend {
	const struct fot_measured_task *task;
	const struct fot_table *in;
	const struct fot_group *g;
	int64_t *length; /* [n_lengths] ascending */
	size_t n_lengths;
	struct fot_clusters texts;
	double *num;  /* [texts.n, n_lengths] */
	double *here; /* [n_lengths] of the document at hand */
	int64_t tokens;
};

static void add_length(struct trend *t, int64_t length)
{
	size_t at = t->n_lengths;

	for (size_t i = 0; i < t->n_lengths; i++) {
		if (t->length[i] == length)
			return;
	}
	for (; at > 0 && t->length[at - 1] > length; at--)
		t->length[at] = t->length[at - 1];
	t->length[at] = length;
	t->n_lengths++;
}

static bool scored(const struct trend *t, size_t row)
{
	return strcmp(fot_table_text(t->in, row, "status"), "ok") == 0;
}

/* nll of the row's document at a length; false where its targets were not scored there. */
static bool nll_at(double *nll, const struct trend *t, size_t row, int64_t length)
{
	static const char *const targets[] = { "doc_id",       "doc_sha256",       "n_tokens_scored",
					       "target_start", "tokenizer_sha256", NULL };

	for (size_t i = 0; i < t->g->n; i++) {
		size_t r = t->g->row[i];

		if (fot_table_int(t->in, r, "context_length", 0) == length && scored(t, r) &&
		    fot_table_same_all(t->in, r, t->in, row, targets)) {
			*nll = fot_table_real(t->in, r, "nll_nats", 0);
			return true;
		}
	}
	return false;
}

static int trend_init(struct trend *t, struct fot_err *err)
{
	size_t shortest = 0;
	int status;

	t->length = fot_alloc(t->g->n, sizeof *t->length);
	if (!t->length)
		return FOT_FAIL(err, FOT_ERR_RUN, "summary: out of memory");
	for (size_t i = 0; i < t->g->n; i++)
		add_length(t, fot_table_int(t->in, t->g->row[i], "context_length", 0));
	for (size_t i = 0; i < t->g->n; i++)
		shortest += fot_table_int(t->in, t->g->row[i], "context_length", 0) == t->length[0];
	FOT_TRY(fot_clusters_init(&t->texts, t->in, shortest, err));
	t->num = fot_calloc(fot_size_mul(shortest, t->n_lengths), sizeof *t->num);
	t->here = fot_alloc(t->n_lengths, sizeof *t->here);
	if (!t->num || !t->here)
		status = FOT_FAIL(err, FOT_ERR_RUN, "summary: out of memory");
out:
	return status;
}

static void collect(struct trend *t)
{
	for (size_t i = 0; i < t->g->n; i++) {
		size_t row = t->g->row[i], l = 0, k;
		int64_t tokens = fot_table_int(t->in, row, "n_tokens_scored", 0);

		/* each document once: by its row at the shortest length */
		if (tokens < 1 || !scored(t, row) ||
		    fot_table_int(t->in, row, "context_length", 0) != t->length[0])
			continue;
		while (l < t->n_lengths && nll_at(&t->here[l], t, row, t->length[l]))
			l++;
		if (l < t->n_lengths)
			continue;
		k = fot_clusters_add(&t->texts, row, 0, 0, (double)tokens);
		for (l = 0; l < t->n_lengths; l++)
			t->num[k * t->n_lengths + l] += t->here[l];
		t->tokens += tokens;
	}
}

static size_t add_row(struct fot_table *out, const struct trend *t, const char *metric, const char *status)
{
	static const char *const per_length[] = { "context_length", "memory_tokens", NULL };
	size_t row = fot_table_add(out);

	fot_table_copy_shared(out, row, t->in, t->g->row[0]);
	for (size_t i = 0; per_length[i]; i++)
		fot_table_set_empty(out, row, per_length[i]);
	fot_table_set_text(out, row, "metric", metric);
	fot_table_set_text(out, row, "status", status);
	fot_table_set_int(out, row, "n_items", (int64_t)t->texts.n_items);
	fot_table_set_int(out, row, "n_clusters", (int64_t)t->texts.n);
	fot_table_set_int(out, row, "n_lengths", (int64_t)t->n_lengths);
	fot_table_set_int(out, row, "n_tokens_scored", t->tokens);
	fot_table_set_int(out, row, "higher_is_better", 0);
	return row;
}

static void write_value(struct fot_table *out, size_t row, double value, bool interval, double lo, double hi)
{
	fot_table_set_real(out, row, "value", value);
	if (!interval)
		return;
	fot_table_set_real(out, row, "ci_low", lo);
	fot_table_set_real(out, row, "ci_high", hi);
	fot_table_set_real(out, row, "ci_level", FOT_STATS_LEVEL);
	fot_table_set_text(out, row, "ci_method", "cluster-bootstrap");
}

static int write_trend(struct fot_table *out, const struct trend *t, uint64_t seed, struct fot_err *err)
{
	struct fot_rows rows = { .t = t->in, .row = t->g->row, .n = t->g->n };
	struct fot_boot boot = fot_rows_boot(&rows, seed);
	struct fot_trend r;
	size_t slope, rank;
	int status =
		fot_stats_trend(&r, t->num, t->texts.den, t->texts.n, t->length, t->n_lengths, &boot, err);

	if (status != FOT_OK)
		return status;
	slope = add_row(out, t, t->task->trend[0].metric,
			r.has_slope && !r.has_rho && r.has_interval ? "ok" : r.status);
	rank = add_row(out, t, t->task->trend[1].metric, r.status);
	if (r.has_slope)
		write_value(out, slope, r.slope, r.has_interval, r.lo, r.hi);
	if (r.has_rho)
		write_value(out, rank, r.rho, r.has_interval, r.rho_lo, r.rho_hi);
	return FOT_OK;
}

static int trend_of(struct fot_table *out, const struct fot_table *in, const struct fot_group *g,
		    const struct fot_measured_task *task, uint64_t seed, struct fot_err *err)
{
	struct trend t = { .in = in, .g = g, .task = task };
	int status = trend_init(&t, err);

	if (status == FOT_OK)
		collect(&t);
	if (status == FOT_OK && t.n_lengths >= 3 && t.texts.n > 0)
		status = write_trend(out, &t, seed, err);
	fot_free(t.length);
	fot_free(t.num);
	fot_free(t.here);
	fot_clusters_release(&t.texts);
	return status;
}

int fot_summary_trends(struct fot_table *summary, const struct fot_table *rows,
		       const struct fot_measured_task *task, uint64_t seed, struct fot_err *err)
{
	static const char *const where[] = { "dataset", "own_tokens", NULL };
	const char *key[FOT_GROUP_COLUMNS + 1];
	struct fot_groups groups = { 0 };
	int status;

	fot_columns_append(key, fot_columns_append(key, 0, fot_condition_columns), where);
	status = fot_groups_add(&groups, rows, 0, rows->n_rows, key, err);

	for (size_t g = 0; g < groups.n && status == FOT_OK; g++) {
		if (strcmp(fot_table_text(rows, groups.at[g].row[0], "memory_mode"), "none") != 0)
			status = trend_of(summary, rows, &groups.at[g], task, seed, err);
	}
	fot_groups_release(&groups);
	return status;
}
