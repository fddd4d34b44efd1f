/* summary_perplexity.c: rows of perplexity to rows of summary.
 *
 * A group is a condition (model, variant, memory, window) on a dataset at one
 * context length.  Each group gives one row per metric; besides, its perplexity
 * is compared, paired by document, (a) with the same condition at its shortest
 * context length and (b) with the vanilla variant under the same memory at the
 * same length: one row per comparison.  p values are adjusted by Holm over the
 * context lengths of one comparison.  What is drawn are texts: see clusters.h. */
#include "harness/report/summary_impl.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "harness/tables/clusters.h"
#include "harness/tables/stats.h"

struct group {
	size_t first; /* a row of the observations: its key cells are the group's */
	size_t *row;  /* [n] all its rows, in order */
	size_t n, cap;
};

enum comparison { SHORTEST, VANILLA, N_COMPARISONS };

struct pair {
	size_t group, base;
	enum comparison kind;
	size_t n_items, n_clusters;
	int64_t n_tokens;
	struct fot_paired result;
	double p_adjusted;
};

struct builder {
	struct fot_table *out;
	const struct fot_table *in;
	uint64_t seed;
	struct group *group;
	size_t n_groups, cap_groups;
	struct pair *pair;
	size_t n_pairs;
	struct fot_err *err;
};

static int no_memory(const struct builder *b)
{
	return FOT_FAIL(b->err, FOT_ERR_RUN, "summary: out of memory");
}

/* --- groups --- */

static bool same_cell(const struct fot_table *t, size_t a, size_t b, const char *column)
{
	return fot_table_same(t, a, t, b, column);
}

static bool same_memory(const struct fot_table *t, size_t a, size_t b)
{
	static const char *const columns[] = { "memory_mode", "top_k", "mem_dtype", "window", "run_id", "own_tokens", NULL };

	return fot_table_same_all(t, a, t, b, columns);
}

static bool same_condition(const struct fot_table *t, size_t a, size_t b)
{
	return same_cell(t, a, b, "model") && same_cell(t, a, b, "model_variant") && same_memory(t, a, b);
}

static bool same_place(const struct fot_table *t, size_t a, size_t b)
{
	return same_cell(t, a, b, "dataset") && same_cell(t, a, b, "context_length") &&
	       same_cell(t, a, b, "task");
}

static int add_to_group(struct builder *b, struct group *g, size_t row)
{
	if (g->n == g->cap) {
		size_t cap = g->cap ? 2 * g->cap : 16;
		size_t *rows = fot_realloc(g->row, cap, sizeof *rows);

		if (!rows)
			return no_memory(b);
		g->row = rows;
		g->cap = cap;
	}
	g->row[g->n++] = row;
	return FOT_OK;
}

static int group_row(struct builder *b, size_t row)
{
	for (size_t g = b->n_groups; g-- > 0;) { /* neighbours are likely */
		if (same_place(b->in, b->group[g].first, row) &&
		    same_condition(b->in, b->group[g].first, row))
			return add_to_group(b, &b->group[g], row);
	}
	if (b->n_groups == b->cap_groups) {
		size_t cap = b->cap_groups ? 2 * b->cap_groups : 32;
		struct group *groups = fot_realloc(b->group, cap, sizeof *groups);

		if (!groups)
			return no_memory(b);
		b->group = groups;
		b->cap_groups = cap;
	}
	b->group[b->n_groups] = (struct group){ .first = row };
	return add_to_group(b, &b->group[b->n_groups++], row);
}

static bool scored(const struct builder *b, size_t row)
{
	return strcmp(fot_table_text(b->in, row, "status"), "ok") == 0;
}

static int64_t with_status(const struct builder *b, const struct group *g, const char *status)
{
	int64_t n = 0;

	for (size_t i = 0; i < g->n; i++)
		n += strcmp(fot_table_text(b->in, g->row[i], "status"), status) == 0;
	return n;
}

/* One stream per dataset: all conditions draw the same documents. */
static struct fot_boot boot_of(const struct builder *b, const struct group *g)
{
	const char *dataset = fot_table_text(b->in, g->first, "dataset");

	return (struct fot_boot){ .seed = b->seed,
				  .item = fot_crc32(0, dataset, strlen(dataset)),
				  .draws = FOT_STATS_DRAWS,
				  .level = FOT_STATS_LEVEL };
}

/* --- estimates --- */

struct metric {
	const char *name, *denominator;
	bool exponential; /* else bits: ratio / ln 2 */
};

static const struct metric metrics[] = {
	{ "perplexity", "n_tokens_scored", true },
	{ "word_perplexity", "n_words_scored", true },
	{ "byte_perplexity", "n_bytes_scored", true },
	{ "bits_per_byte", "n_bytes_scored", false },
};

static size_t add_row(struct builder *b, const struct group *g, const char *metric, size_t n_items,
		      size_t n_clusters)
{
	size_t row = fot_table_add(b->out);

	fot_table_copy_shared(b->out, row, b->in, g->first);
	fot_table_set_text(b->out, row, "metric", metric);
	fot_table_set_int(b->out, row, "n_items", (int64_t)n_items);
	fot_table_set_int(b->out, row, "n_clusters", (int64_t)n_clusters);
	fot_table_set_int(b->out, row, "n_failed", with_status(b, g, "failed"));
	fot_table_set_int(b->out, row, "n_skipped", with_status(b, g, "skipped_short"));
	fot_table_set_int(b->out, row, "higher_is_better", 0);
	return row;
}

static int64_t tokens_scored(const struct builder *b, const struct group *g)
{
	int64_t tokens = 0;

	for (size_t i = 0; i < g->n; i++)
		tokens += scored(b, g->row[i]) ? fot_table_int(b->in, g->row[i], "n_tokens_scored", 0) : 0;
	return tokens;
}

static int write_estimate(struct builder *b, const struct group *g, const struct metric *m,
			  const struct fot_clusters *c)
{
	struct fot_boot boot = boot_of(b, g);
	struct fot_estimate e;
	size_t row = add_row(b, g, m->name, c->n_items, c->n);
	int status = fot_stats_ratio_boot(&e, c->num, c->den, c->n, &boot, b->err);

	if (status != FOT_OK)
		return status;
	if (m->exponential)
		fot_stats_exp(&e);
	else
		fot_stats_scale(&e, 1.0 / M_LN2);
	fot_table_set_text(b->out, row, "status", e.status);
	if (e.has_value)
		fot_table_set_estimate(b->out, row, "value", e.value);
	if (e.has_interval) {
		fot_table_set_estimate(b->out, row, "ci_low", e.lo);
		fot_table_set_estimate(b->out, row, "ci_high", e.hi);
		fot_table_set_real(b->out, row, "ci_level", e.level);
		fot_table_set_text(b->out, row, "ci_method", e.method);
		fot_table_set_estimate(b->out, row, "se", e.se);
	}
	fot_table_set_int(b->out, row, "n_tokens_scored", tokens_scored(b, g));
	return FOT_OK;
}

static int estimate_group(struct builder *b, const struct group *g)
{
	struct fot_clusters c;
	int status = fot_clusters_init(&c, b->in, g->n, b->err);

	for (size_t m = 0; status == FOT_OK && m < sizeof metrics / sizeof metrics[0]; m++) {
		bool defined = true;

		fot_clusters_clear(&c);
		for (size_t i = 0; i < g->n; i++) {
			double den = (double)fot_table_int(b->in, g->row[i], metrics[m].denominator, 0);

			if (!scored(b, g->row[i]))
				continue;
			fot_clusters_add(&c, g->row[i], fot_table_real(b->in, g->row[i], "nll_nats", 0), 0, den);
			defined = defined && den > 0;
		}
		/* A document without a single word has no perplexity per word. */
		if (!defined)
			fot_clusters_clear(&c);
		status = write_estimate(b, g, &metrics[m], &c);
	}
	fot_clusters_release(&c);
	return status;
}

/* --- differences --- */

static int64_t length_of(const struct builder *b, size_t group)
{
	return fot_table_int(b->in, b->group[group].first, "context_length", 0);
}

/* The same condition and dataset at its shortest length; false when g is that,
 * and without memory, where nothing changes with the length. */
static bool find_shortest(const struct builder *b, size_t g, size_t *base)
{
	*base = g;
	if (strcmp(fot_table_text(b->in, b->group[g].first, "memory_mode"), "none") == 0)
		return false;
	for (size_t k = 0; k < b->n_groups; k++) {
		if (same_condition(b->in, b->group[k].first, b->group[g].first) &&
		    same_cell(b->in, b->group[k].first, b->group[g].first, "dataset") &&
		    length_of(b, k) < length_of(b, *base))
			*base = k;
	}
	return *base != g;
}

/* vanilla with the same memory, dataset and length; without memory there is none. */
static bool find_vanilla(const struct builder *b, size_t g, size_t *base)
{
	size_t row = b->group[g].first;

	if (strcmp(fot_table_text(b->in, row, "memory_mode"), "none") == 0 ||
	    strcmp(fot_table_text(b->in, row, "model_variant"), "vanilla") == 0)
		return false;
	for (size_t k = 0; k < b->n_groups; k++) {
		if (strcmp(fot_table_text(b->in, b->group[k].first, "model_variant"), "vanilla") == 0 &&
		    same_memory(b->in, b->group[k].first, row) && same_place(b->in, b->group[k].first, row)) {
			*base = k;
			return true;
		}
	}
	return false;
}

/* The row of group g on the same targets of the same document. */
static bool find_twin(const struct builder *b, const struct group *g, size_t row, size_t *twin)
{
	static const char *const columns[] = { "doc_id", "doc_sha256", "n_tokens_scored", "target_start",
					       "tokenizer_sha256", NULL };

	for (size_t i = 0; i < g->n; i++) {
		if (scored(b, g->row[i]) && fot_table_same_all(b->in, g->row[i], b->in, row, columns)) {
			*twin = g->row[i];
			return true;
		}
	}
	return false;
}

static int compare_groups(struct builder *b, struct pair *p)
{
	const struct group *g = &b->group[p->group], *base = &b->group[p->base];
	struct fot_boot boot = boot_of(b, g);
	struct fot_clusters c;
	int status = fot_clusters_init(&c, b->in, g->n, b->err);
	size_t twin;

	for (size_t i = 0; status == FOT_OK && i < g->n; i++) {
		int64_t tokens = fot_table_int(b->in, g->row[i], "n_tokens_scored", 0);

		if (tokens < 1 || !scored(b, g->row[i]) || !find_twin(b, base, g->row[i], &twin))
			continue;
		fot_clusters_add(&c, g->row[i], fot_table_real(b->in, g->row[i], "nll_nats", 0),
				 fot_table_real(b->in, twin, "nll_nats", 0), (double)tokens);
		p->n_tokens += tokens;
	}
	p->n_items = c.n_items;
	p->n_clusters = c.n;
	if (status == FOT_OK)
		status = fot_stats_paired(&p->result, c.base, c.num, c.den, c.n, &boot, b->err);
	p->p_adjusted = p->result.p_flip;
	fot_clusters_release(&c);
	return status;
}

static int compare_all(struct builder *b)
{
	int status = FOT_OK;

	b->pair = fot_calloc(fot_size_mul(b->n_groups, N_COMPARISONS), sizeof *b->pair);
	if (!b->pair)
		return no_memory(b);
	for (size_t g = 0; g < b->n_groups && status == FOT_OK; g++) {
		for (int kind = 0; kind < N_COMPARISONS && status == FOT_OK; kind++) {
			struct pair *p = &b->pair[b->n_pairs];

			*p = (struct pair){ .group = g, .kind = (enum comparison)kind };
			if (!(kind == SHORTEST ? find_shortest(b, g, &p->base) :
						 find_vanilla(b, g, &p->base)))
				continue;
			b->n_pairs++;
			status = compare_groups(b, p);
		}
	}
	return status;
}

static bool same_family(const struct builder *b, const struct pair *p, const struct pair *q)
{
	size_t x = b->group[p->group].first, y = b->group[q->group].first;

	return p->kind == q->kind && same_condition(b->in, x, y) && same_cell(b->in, x, y, "dataset");
}

/* Holm over the lengths of one family, done when its first member comes by. */
static int adjust_family(struct builder *b, size_t first, double *p, size_t *at)
{
	size_t n = 0;
	int status;

	for (size_t i = 0; i < b->n_pairs; i++) {
		if (!b->pair[i].result.has_interval || !same_family(b, &b->pair[i], &b->pair[first]))
			continue;
		if (i < first)
			return FOT_OK;
		p[n] = b->pair[i].result.p_flip;
		at[n++] = i;
	}
	status = fot_stats_holm(p, p, n, b->err);
	for (size_t i = 0; i < n; i++)
		b->pair[at[i]].p_adjusted = p[i];
	return status;
}

static int adjust_all(struct builder *b)
{
	double *p = fot_alloc(b->n_pairs, sizeof *p);
	size_t *at = fot_alloc(b->n_pairs, sizeof *at);
	int status = p && at ? FOT_OK : no_memory(b);

	for (size_t i = 0; i < b->n_pairs && status == FOT_OK; i++)
		status = adjust_family(b, i, p, at);
	fot_free(p);
	fot_free(at);
	return status;
}

static void write_interval(struct builder *b, size_t row, const struct pair *p)
{
	const struct fot_paired *r = &p->result;

	fot_table_set_real(b->out, row, "ci_level", FOT_STATS_LEVEL);
	fot_table_set_text(b->out, row, "ci_method", "paired-bootstrap");
	fot_table_set_estimate(b->out, row, "delta_ci_low", r->exp_lo);
	fot_table_set_estimate(b->out, row, "delta_ci_high", r->exp_hi);
	fot_table_set_real(b->out, row, "p_value", r->p_flip);
	fot_table_set_real(b->out, row, "p_adjusted", p->p_adjusted);
	fot_table_set_text(b->out, row, "p_method", r->flip_exact ? "sign-flip-exact" : "sign-flip");
	fot_table_set_real(b->out, row, "delta_nll_ci_low_nats", r->lo);
	fot_table_set_real(b->out, row, "delta_nll_ci_high_nats", r->hi);
	fot_table_set_estimate(b->out, row, "min_detectable_nats", r->mdd);
	fot_table_set_real(b->out, row, "p_t", r->p_t);
}

/* estimate: the row of the group's own perplexity. */
static int write_pair(struct builder *b, const struct pair *p, size_t estimate)
{
	const struct fot_paired *r = &p->result;
	struct fot_str baseline = FOT_STR_INIT;
	size_t row = add_row(b, &b->group[p->group], "perplexity", p->n_items, p->n_clusters);
	int status;

	fot_summary_baseline(&baseline, b->in, b->group[p->base].first);
	status = fot_str_check(&baseline, b->err);
	if (status == FOT_OK)
		fot_table_set_text(b->out, row, "baseline_run_id", baseline.data);
	fot_str_release(&baseline);
	fot_table_set_text(b->out, row, "status", r->status);
	fot_table_set_int(b->out, row, "n_tokens_scored", p->n_tokens);
	if (!r->has_delta)
		return status;
	fot_table_set_estimate(b->out, row, "value", fot_table_real(b->out, estimate, "value", NAN));
	fot_table_set_estimate(b->out, row, "delta", r->exp_delta);
	fot_table_set_real(b->out, row, "delta_nll_nats", r->delta);
	if (r->has_interval)
		write_interval(b, row, p);
	return status;
}

/* A group's estimates and the differences it takes part in stand together. */
static int write_group(struct builder *b, size_t g)
{
	size_t row = b->out->n_rows;
	int status = estimate_group(b, &b->group[g]);

	for (size_t i = 0; i < b->n_pairs && status == FOT_OK; i++) {
		if (b->pair[i].group == g)
			status = write_pair(b, &b->pair[i], row);
	}
	return status;
}

int fot_summary_perplexity(struct fot_table *summary, const struct fot_table *perplexity, uint64_t seed,
			   struct fot_err *err)
{
	struct builder b = { .out = summary, .in = perplexity, .seed = seed, .err = err };
	int status = FOT_OK;

	for (size_t row = 0; row < perplexity->n_rows; row++)
		FOT_TRY(group_row(&b, row));
	FOT_TRY(compare_all(&b));
	FOT_TRY(adjust_all(&b));
	for (size_t g = 0; g < b.n_groups; g++)
		FOT_TRY(write_group(&b, g));
	FOT_TRY(fot_summary_trends(summary, perplexity, seed, err));
	status = fot_table_check(summary, err);
out:
	for (size_t g = 0; g < b.n_groups; g++)
		fot_free(b.group[g].row);
	fot_free(b.group);
	fot_free(b.pair);
	return status;
}
