/* report.c: rows of perplexity to rows of report; the other tasks are in
 * report_measures.c, the tables themselves in report_print.c. */
#include "harness/report/report_impl.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "harness/report/measures.h"
#include "harness/tables/clusters.h"
#include "harness/tables/stats.h"

struct cell {
	size_t first;  /* row of the observations */
	size_t *row;   /* [n] its documents */
	size_t n, cap; /* documents that were scored */
	size_t run, n_missing;
	size_t out; /* row of the report */
};

struct builder {
	struct fot_table *out;
	const struct fot_table *in, *paper;
	const struct fot_report_run *run;
	bool bits;
	uint64_t seed;
	struct cell *cell;
	size_t n, cap;
	struct fot_clusters texts; /* of the cell or pair at hand */
	double *p;                 /* [in->n_rows] */
	struct fot_err *err;
};

static int no_memory(const struct builder *b)
{
	return FOT_FAIL(b->err, FOT_ERR_RUN, "report: out of memory");
}

static bool same_cell(const struct fot_table *t, size_t a, size_t b)
{
	static const char *const columns[] = { "context_length", "dataset",   "model_variant", "memory_mode", "top_k",
					       "mem_dtype",      "window",    "model",         "own_tokens",  NULL };

	return fot_table_same_all(t, a, t, b, columns);
}

static struct cell *cell_of(struct builder *b, size_t run, size_t row)
{
	for (size_t i = b->n; i-- > 0 && b->cell[i].run == run;) {
		if (same_cell(b->in, b->cell[i].first, row))
			return &b->cell[i];
	}
	if (b->n == b->cap) {
		size_t cap = b->cap ? 2 * b->cap : 64;
		struct cell *cell = fot_realloc(b->cell, cap, sizeof *cell);

		if (!cell)
			return NULL;
		b->cell = cell;
		b->cap = cap;
	}
	b->cell[b->n] = (struct cell){ .first = row, .run = run };
	return &b->cell[b->n++];
}

static int take_row(struct builder *b, size_t run, size_t row)
{
	struct cell *c = cell_of(b, run, row);

	if (!c)
		return no_memory(b);
	if (strcmp(fot_table_text(b->in, row, "status"), "ok") != 0) {
		c->n_missing++;
		return FOT_OK;
	}
	if (c->n == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 16;
		size_t *rows = fot_realloc(c->row, cap, sizeof *rows);

		if (!rows)
			return no_memory(b);
		c->row = rows;
		c->cap = cap;
	}
	c->row[c->n++] = row;
	return FOT_OK;
}

static const char *unit_of(const struct builder *b)
{
	return b->bits ? "n_bytes_scored" : "n_tokens_scored";
}

static struct fot_boot boot_of(const struct builder *b, const struct cell *c)
{
	const char *dataset = fot_table_text(b->in, c->first, "dataset");

	return (struct fot_boot){ .seed = b->seed,
				  .item = fot_crc32(0, dataset, strlen(dataset)),
				  .draws = FOT_STATS_DRAWS,
				  .level = FOT_STATS_LEVEL };
}

/* --- what the paper says of a condition: over its settings, the range --- */

static void add_paper(struct builder *b, const struct cell *c)
{
	static const char source[] = "paper_source";
	const char *dataset = fot_table_text(b->in, c->first, "dataset"),
		   *variant = fot_table_text(b->in, c->first, "model_variant");
	int64_t length = fot_table_int(b->in, c->first, "context_length", 0);

	for (size_t r = 0; r < b->paper->n_rows && !b->bits; r++) {
		double x = fot_table_real(b->paper, r, "perplexity", 0);

		if (!fot_table_has(b->paper, r, "perplexity") || fot_table_int(b->paper, r, "context_length", -1) != length ||
		    strcmp(fot_table_text(b->paper, r, "dataset"), dataset) != 0 ||
		    strcmp(fot_table_text(b->paper, r, "model_variant"), variant) != 0)
			continue;
		fot_table_set_real(b->out, c->out, "paper_low",
				   fmin(x, fot_table_real(b->out, c->out, "paper_low", x)));
		fot_table_set_real(b->out, c->out, "paper_high",
				   fmax(x, fot_table_real(b->out, c->out, "paper_high", x)));
		if (!*fot_table_text(b->out, c->out, source))
			fot_table_set_text(b->out, c->out, source, fot_table_text(b->paper, r, "source"));
	}
}

/* The texts of a cell; none where a document has no tokens (or bytes) to divide by. */
static int64_t collect(struct builder *b, const struct cell *c)
{
	int64_t tokens = 0;
	bool defined = true;

	fot_clusters_clear(&b->texts);
	for (size_t i = 0; i < c->n; i++) {
		int64_t den = fot_table_int(b->in, c->row[i], unit_of(b), 0);

		fot_clusters_add(&b->texts, c->row[i], fot_table_real(b->in, c->row[i], "nll_nats", 0), 0, (double)den);
		tokens += fot_table_int(b->in, c->row[i], "n_tokens_scored", 0);
		defined = defined && den > 0;
	}
	if (!defined)
		fot_clusters_clear(&b->texts);
	return tokens;
}

static void write_estimate(struct builder *b, const struct cell *c, const struct fot_estimate *e)
{
	if (e->has_value)
		fot_table_set_estimate(b->out, c->out, "value", e->value);
	if (!e->has_interval)
		return;
	fot_table_set_estimate(b->out, c->out, "ci_low", e->lo);
	fot_table_set_estimate(b->out, c->out, "ci_high", e->hi);
	fot_table_set_real(b->out, c->out, "ci_level", e->level);
}

static int write_cell(struct builder *b, struct cell *c)
{
	struct fot_boot boot = boot_of(b, c);
	struct fot_estimate e;
	int64_t tokens = collect(b, c);
	int status = fot_stats_ratio_boot(&e, b->texts.num, b->texts.den, b->texts.n, &boot, b->err);

	if (status != FOT_OK)
		return status;
	if (b->bits)
		fot_stats_scale(&e, 1.0 / M_LN2);
	else
		fot_stats_exp(&e);
	c->out = fot_table_add(b->out);
	fot_table_copy_shared(b->out, c->out, b->in, c->first);
	fot_table_set_text(b->out, c->out, "run", b->run[c->run].name);
	fot_table_set_text(b->out, c->out, "metric", b->bits ? "bits_per_byte" : "perplexity");
	fot_table_set_int(b->out, c->out, "n_items", (int64_t)c->n);
	if (b->texts.n < b->texts.n_items)
		fot_table_set_int(b->out, c->out, "n_clusters", (int64_t)b->texts.n);
	fot_table_set_int(b->out, c->out, "n_missing", (int64_t)c->n_missing);
	fot_table_set_int(b->out, c->out, "n_tokens_scored", tokens);
	fot_table_set_int(b->out, c->out, "best", 0);
	if (c->n) /* the first row may be of a document that was skipped */
		fot_table_set_int(b->out, c->out, "target_start", fot_table_int(b->in, c->row[0], "target_start", 0));
	write_estimate(b, c, &e);
	add_paper(b, c);
	return FOT_OK;
}

/* --- the best of a column --- */

static bool same_column(const struct builder *b, const struct cell *c, const struct cell *d)
{
	static const char *const columns[] = { "dataset", "context_length", "own_tokens", NULL };

	return fot_table_same_all(b->in, c->first, b->in, d->first, columns) &&
	       fot_table_same(b->out, c->out, b->out, d->out, "target_start");
}

/* p that c and d do not differ; 1 unless every document of either has its twin. */
static int p_between(struct builder *b, const struct cell *c, const struct cell *d, double *p)
{
	static const char *const columns[] = { "doc_id", "doc_sha256", "n_tokens_scored", "target_start",
					       "tokenizer_sha256", NULL };
	struct fot_boot boot = boot_of(b, c);
	bool exact;

	*p = 1.0;
	fot_clusters_clear(&b->texts);
	if (c->n != d->n || c->n == 0)
		return FOT_OK;
	for (size_t i = 0; i < c->n; i++) {
		size_t twin = d->n;

		for (size_t k = 0; k < d->n && twin == d->n; k++) {
			if (fot_table_same_all(b->in, c->row[i], b->in, d->row[k], columns))
				twin = k;
		}
		if (twin == d->n)
			return FOT_OK;
		fot_clusters_add(&b->texts, c->row[i],
				 fot_table_real(b->in, d->row[twin], "nll_nats", 0) -
					 fot_table_real(b->in, c->row[i], "nll_nats", 0),
				 0, 0);
	}
	*p = fot_stats_sign_flip(b->texts.num, b->texts.n, &boot, &exact);
	return FOT_OK;
}

/* c is the lowest of its column: against all others. */
static int judge(struct builder *b, const struct cell *c)
{
	size_t n = 0;
	double worst = 0;
	int status = FOT_OK;

	for (size_t i = 0; i < b->n; i++) {
		const struct cell *d = &b->cell[i];

		if (d != c && d->n > 0 && same_column(b, c, d))
			FOT_TRY(p_between(b, c, d, &b->p[n++]));
	}
	if (n == 0)
		goto out;
	FOT_TRY(fot_stats_holm(b->p, b->p, n, b->err));
	for (size_t i = 0; i < n; i++)
		worst = fmax(worst, b->p[i]);
	fot_table_set_real(b->out, c->out, "p_best", worst);
	fot_table_set_int(b->out, c->out, "best", worst < FOT_REPORT_LEVEL);
out:
	return status;
}

static int judge_columns(struct builder *b)
{
	int status = FOT_OK;

	for (size_t i = 0; i < b->n && status == FOT_OK; i++) {
		const struct cell *c = &b->cell[i];
		double value = fot_table_real(b->out, c->out, "value", INFINITY);
		bool lowest = fot_table_has(b->out, c->out, "value");

		for (size_t k = 0; k < b->n && lowest; k++) {
			double other = fot_table_real(b->out, b->cell[k].out, "value", INFINITY);

			if (k != i && same_column(b, c, &b->cell[k]))
				lowest = value < other || (!(other < value) && i < k);
		}
		if (lowest)
			status = judge(b, c);
	}
	return status;
}

/* --- its rank, and the two best against the next --- */

/* Does c stand before d in their column? */
static bool before(const struct builder *b, const struct cell *c, const struct cell *d)
{
	double x = fot_table_real(b->out, c->out, "value", INFINITY), y = fot_table_real(b->out, d->out, "value", INFINITY);

	return x < y || (!(y < x) && c < d);
}

/* The next behind c in its column, NULL: none. *rank: of c, from 1. */
static const struct cell *next_of(const struct builder *b, const struct cell *c, int64_t *rank)
{
	const struct cell *next = NULL;

	*rank = 1;
	for (size_t i = 0; i < b->n; i++) {
		const struct cell *d = &b->cell[i];

		if (d == c || d->n == 0 || !same_column(b, c, d))
			continue;
		if (before(b, d, c))
			++*rank;
		else if (!next || before(b, d, next))
			next = d;
	}
	return next;
}

/* *told: the interval excludes zero. None unless every document of either has its twin. */
static int against_next(struct builder *b, const struct cell *c, const struct cell *next, bool *told)
{
	static const char *const targets[] = { "doc_id", "doc_sha256", "n_tokens_scored", "target_start",
					       "tokenizer_sha256", NULL };
	const struct fot_rows other = { .t = b->in, .row = next->row, .n = next->n };
	struct fot_boot boot = boot_of(b, c);
	struct fot_paired p;
	int64_t units;
	int status;

	*told = false;
	fot_clusters_clear(&b->texts);
	if (c->n != next->n)
		return FOT_OK;
	for (size_t i = 0; i < c->n; i++) {
		size_t twin = fot_measure_twin(&other, b->in, c->row[i], targets, i);

		if (twin == other.n)
			return FOT_OK;
		units = fot_table_int(b->in, c->row[i], unit_of(b), 0);
		if (units > 0)
			fot_clusters_add(&b->texts, c->row[i], fot_table_real(b->in, c->row[i], "nll_nats", 0),
					 fot_table_real(b->in, other.row[twin], "nll_nats", 0), (double)units);
	}
	status = fot_stats_paired(&p, b->texts.base, b->texts.num, b->texts.den, b->texts.n, &boot, b->err);
	if (status == FOT_OK && p.has_interval) {
		*told = p.lo > 0 || p.hi < 0;
		fot_table_set_estimate(b->out, c->out, "next_delta", b->bits ? p.delta / M_LN2 : p.exp_delta);
		fot_table_set_estimate(b->out, c->out, "next_ci_low", b->bits ? p.lo / M_LN2 : p.exp_lo);
		fot_table_set_estimate(b->out, c->out, "next_ci_high", b->bits ? p.hi / M_LN2 : p.exp_hi);
	}
	return status;
}

static int rank_columns(struct builder *b)
{
	int status = FOT_OK;

	for (size_t i = 0; i < b->n && status == FOT_OK; i++) {
		const struct cell *second = NULL, *third = NULL;
		int64_t rank;
		bool told = false;

		if (b->cell[i].n == 0)
			continue;
		second = next_of(b, &b->cell[i], &rank);
		fot_table_set_int(b->out, b->cell[i].out, "rank", rank);
		if (rank == 1 && second)
			status = against_next(b, &b->cell[i], second, &told);
		if (told && status == FOT_OK)
			third = next_of(b, second, &rank);
		if (third)
			status = against_next(b, second, third, &told);
	}
	return status;
}

static int build_perplexity(struct fot_table *report, const struct fot_table *perplexity,
			    const struct fot_report_run *run, size_t n_runs, const struct fot_table *paper,
			    bool bits_per_byte, uint64_t seed, struct fot_err *err)
{
	struct builder b = { .out = report,
			     .in = perplexity,
			     .paper = paper,
			     .run = run,
			     .bits = bits_per_byte,
			     .seed = seed,
			     .err = err };
	int status = FOT_OK;

	FOT_TRY(fot_clusters_init(&b.texts, perplexity, perplexity->n_rows, err));
	b.p = fot_alloc(perplexity->n_rows, sizeof *b.p);
	if (!b.p) {
		status = no_memory(&b);
		goto out;
	}
	for (size_t r = 0; r < n_runs; r++) {
		for (size_t row = run[r].first; row < run[r].last; row++)
			FOT_TRY(take_row(&b, r, row));
	}
	for (size_t i = 0; i < b.n; i++)
		FOT_TRY(write_cell(&b, &b.cell[i]));
	FOT_TRY(judge_columns(&b));
	FOT_TRY(rank_columns(&b));
	status = fot_table_check(report, err);
out:
	for (size_t i = 0; i < b.n; i++)
		fot_free(b.cell[i].row);
	fot_free(b.cell);
	fot_free(b.p);
	fot_clusters_release(&b.texts);
	return status;
}

int fot_report_build(struct fot_table *report, const struct fot_table *rows, const struct fot_report_run *run,
		     size_t n_runs, const struct fot_table *paper, bool bits_per_byte, uint64_t seed,
		     struct fot_err *err)
{
	if (rows->schema == &fot_schema_perplexity)
		return build_perplexity(report, rows, run, n_runs, paper, bits_per_byte, seed, err);
	return fot_report_measures(report, rows, run, n_runs, paper, seed, err);
}
