/* measures.c: see measures.h.
 *
 * Everything is first brought into one form, numerator and denominator per row; the
 * kind of the measure then says which of the statistics it goes through. */
#include "harness/report/measures.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "harness/tables/clusters.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MOST_COUNTED 9007199254740992.0 /* 2^53: beyond, doubles are no counts */
#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* --- the table of tasks --- */

static const struct fot_measure passkey_measures[] = {
	{ "accuracy", FOT_MEASURE_ITEMS, "exact_match", NULL, false },
};
static const struct fot_measure lookup_measures[] = {
	{ "token_accuracy", FOT_MEASURE_CLUSTERS, "n_correct_tokens", "n_value_tokens", false },
	{ "value_accuracy", FOT_MEASURE_CLUSTERS, "n_correct_values", "n_queries", false },
};
static const struct fot_measure fewshot_measures[] = {
	{ "accuracy", FOT_MEASURE_CROSSED, "correct", NULL, false },
};
static const struct fot_measure distraction_measures[] = {
	{ "positive_mass", FOT_MEASURE_CLUSTERS, "positive_mass", "n_queries", true },
};

const struct fot_measured_task fot_measured_tasks[] = {
	{ .schema = &fot_schema_passkey,
	  .place = LIST("prompt_style"),
	  .item = LIST("depth", "trial", "seed"),
	  .same = LIST("key", "n_tokens_prompt", "key_token_start", "chance_level", "memory_tokens",
		       "tokenizer_sha256", "status"),
	  .outcome = LIST("exact_match", "answer", "answer_rank", "answer_logprob_nats"),
	  .axis = "context_length",
	  .part = "depth",
	  .measure = passkey_measures,
	  .n_measures = COUNT(passkey_measures) },
	{ .schema = &fot_schema_lookup,
	  .place = LIST("n_records"),
	  .item = LIST("trial", "seed"),
	  .same = LIST("n_queries", "n_value_tokens", "chance_level", "memory_tokens", "tokenizer_sha256", "status"),
	  .outcome = LIST("n_correct_tokens", "n_correct_values", "nll_nats"),
	  .axis = "context_length",
	  .measure = lookup_measures,
	  .n_measures = COUNT(lookup_measures) },
	{ .schema = &fot_schema_fewshot,
	  .place = LIST("shots_asked", "calibration"),
	  .item = LIST("item_id", "demo_seed"),
	  .same = LIST("item_sha256", "n_tokens_prompt", "n_shots_fitted", "n_labels", "label_gold", "memory_tokens",
		       "tokenizer_sha256", "status"),
	  .outcome = LIST("correct", "label_pred", "score_gold_nats", "score_best_other_nats"),
	  .axis = "n_shots",
	  .axis_place = "shots_asked",
	  .measure = fewshot_measures,
	  .n_measures = COUNT(fewshot_measures) },
	{ .schema = &fot_schema_distraction,
	  .place = LIST("n_contexts", "layer", "head"),
	  .item = LIST("doc_id"),
	  .same = LIST("n_queries", "chance_level", "memory_tokens", "tokenizer_sha256", "status"),
	  .outcome = LIST("positive_mass"),
	  .detail = "head",
	  .measure = distraction_measures,
	  .n_measures = COUNT(distraction_measures) },
};
const size_t fot_n_measured_tasks = COUNT(fot_measured_tasks);

const struct fot_measured_task *fot_measured_task(const struct fot_schema *schema)
{
	for (size_t i = 0; i < COUNT(fot_measured_tasks); i++) {
		if (fot_measured_tasks[i].schema == schema)
			return &fot_measured_tasks[i];
	}
	return NULL;
}

static size_t add_columns(const char **key, size_t n, const char *const *columns)
{
	for (size_t i = 0; columns[i]; i++)
		key[n++] = columns[i];
	return n;
}

int fot_measured_groups(struct fot_groups *out, const struct fot_table *t, size_t first, size_t last,
			const char *const *condition, const struct fot_measured_task *task, const char *part,
			struct fot_err *err)
{
	const char *key[FOT_GROUP_COLUMNS + 1];
	size_t n = add_columns(key, 0, condition);

	n = add_columns(key, n, LIST("dataset", "context_length"));
	n = add_columns(key, n, task->place);
	if (part)
		key[n++] = part;
	key[n] = NULL;
	return fot_groups_add(out, t, first, last, key, err);
}

/* --- rows --- */

int64_t fot_rows_axis(const struct fot_rows *r, const struct fot_measured_task *task)
{
	int64_t least = INT64_MAX;

	for (size_t i = 0; i < r->n && task->axis; i++) {
		int64_t x = fot_table_int(r->t, r->row[i], task->axis, INT64_MAX);

		least = x < least ? x : least;
	}
	return least;
}

void fot_rows_set_axis(struct fot_table *out, size_t row, const struct fot_rows *r,
		       const struct fot_measured_task *task)
{
	int64_t least = fot_rows_axis(r, task);

	if (least < INT64_MAX)
		fot_table_set_int(out, row, task->axis, least);
}

static bool has_status(const struct fot_table *t, size_t row, const char *status)
{
	const char *got = fot_table_text(t, row, "status");
	size_t n = strlen(status);

	return n > 0 && status[n - 1] == '*' ? strncmp(got, status, n - 1) == 0 : strcmp(got, status) == 0;
}

int64_t fot_rows_with_status(const struct fot_rows *r, const char *status)
{
	int64_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += has_status(r->t, r->row[i], status);
	return n;
}

struct fot_boot fot_rows_boot(const struct fot_rows *r, uint64_t seed)
{
	const char *dataset = r->n ? fot_table_text(r->t, r->row[0], "dataset") : "";

	return (struct fot_boot){ .seed = seed,
				  .item = fot_crc32(0, dataset, strlen(dataset)),
				  .draws = FOT_STATS_DRAWS,
				  .level = FOT_STATS_LEVEL };
}

static double number(const struct fot_table *t, size_t row, const char *column)
{
	const struct fot_cell *c = fot_table_cell(t, row, column);

	return c->kind == FOT_CELL_REAL ? c->x : c->kind == FOT_CELL_INT ? (double)c->i : 0.0;
}

/* Numerator and denominator; false for a row that does not count. */
static bool fraction(double *num, double *den, const struct fot_measure *m, const struct fot_table *t, size_t row)
{
	if (!has_status(t, row, "ok") || !fot_table_has(t, row, m->right))
		return false;
	*num = number(t, row, m->right);
	*den = m->asked ? number(t, row, m->asked) : 1.0;
	if (m->mean)
		*num *= *den;
	return *den > 0.0;
}

/* What the statistics work on. Arrays of n; of pairs, base and row are partners. */
struct sample {
	size_t n;
	double *num, *den, *base;
	size_t *row;
	bool *a, *b;
};

static int sample_init(struct sample *s, size_t n, struct fot_err *err)
{
	*s = (struct sample){ .num = fot_alloc(n, sizeof *s->num),
			      .den = fot_alloc(n, sizeof *s->den),
			      .base = fot_alloc(n, sizeof *s->base),
			      .row = fot_alloc(n, sizeof *s->row),
			      .a = fot_alloc(n, sizeof *s->a),
			      .b = fot_alloc(n, sizeof *s->b) };
	if (s->num && s->den && s->base && s->row && s->a && s->b)
		return FOT_OK;
	return FOT_FAIL(err, FOT_ERR_RUN, "statistics: out of memory for %zu rows", n);
}

static void sample_release(struct sample *s)
{
	fot_free(s->num);
	fot_free(s->den);
	fot_free(s->base);
	fot_free(s->row);
	fot_free(s->a);
	fot_free(s->b);
}

static double sum(const double *x, size_t n)
{
	double s = 0.0;

	for (size_t i = 0; i < n; i++)
		s += x[i];
	return s;
}

/* --- items x demonstration seeds --- */

struct matrix {
	size_t n_items, n_seeds;
	size_t *item; /* [n_items] a row of each */
	int64_t *seed;
	double *score; /* [n_items, n_seeds] */
	bool *have;
};

static void matrix_release(struct matrix *x)
{
	fot_free(x->item);
	fot_free(x->seed);
	fot_free(x->score);
	fot_free(x->have);
}

static size_t item_at(struct matrix *x, const struct fot_table *t, size_t row, size_t hint)
{
	for (size_t i = 0; i < x->n_items; i++) {
		size_t k = (hint + i) % x->n_items;

		if (fot_table_same(t, x->item[k], t, row, "item_id"))
			return k;
	}
	x->item[x->n_items] = row;
	return x->n_items++;
}

static size_t seed_at(struct matrix *x, int64_t seed)
{
	size_t k = 0;

	while (k < x->n_seeds && x->seed[k] != seed)
		k++;
	if (k == x->n_seeds)
		x->seed[x->n_seeds++] = seed;
	return k;
}

static size_t count_column(const struct matrix *x, size_t seed)
{
	size_t n = 0;

	for (size_t i = 0; i < x->n_items; i++)
		n += x->have[i * x->n_seeds + seed];
	return n;
}

static bool row_is_full(const struct matrix *x, size_t item, const bool *keep)
{
	for (size_t k = 0; k < x->n_seeds; k++) {
		if (keep[k] && !x->have[item * x->n_seeds + k])
			return false;
	}
	return true;
}

/* Leave out thin seeds, then items with holes; what is left stands at the front. */
static int matrix_complete(struct matrix *x, struct fot_err *err)
{
	bool *keep = fot_alloc(x->n_seeds, sizeof *keep);
	size_t n_seeds = 0, n_items = 0, at = 0;

	if (!keep)
		return FOT_FAIL(err, FOT_ERR_RUN, "statistics: out of memory for %zu seeds", x->n_seeds);
	for (size_t k = 0; k < x->n_seeds; k++) {
		keep[k] = 2 * count_column(x, k) >= x->n_items;
		n_seeds += keep[k];
	}
	for (size_t i = 0; i < x->n_items; i++) {
		if (!row_is_full(x, i, keep))
			continue;
		for (size_t k = 0; k < x->n_seeds; k++) {
			if (keep[k])
				x->score[at++] = x->score[i * x->n_seeds + k];
		}
		n_items++;
	}
	x->n_items = n_seeds ? n_items : 0;
	x->n_seeds = x->n_items ? n_seeds : 0;
	fot_free(keep);
	return FOT_OK;
}

/* Values v of the sample's rows of t. */
static int matrix_init(struct matrix *x, const struct sample *s, const double *v, const struct fot_table *t,
		       struct fot_err *err)
{
	size_t *i = fot_alloc(s->n, sizeof *i), *k = fot_alloc(s->n, sizeof *k);
	int status = FOT_OK;

	*x = (struct matrix){ .item = fot_alloc(s->n, sizeof *x->item), .seed = fot_alloc(s->n, sizeof *x->seed) };
	if (!i || !k || !x->item || !x->seed)
		goto no_memory;
	for (size_t r = 0; r < s->n; r++) {
		i[r] = item_at(x, t, s->row[r], r ? i[r - 1] : 0);
		k[r] = seed_at(x, fot_table_int(t, s->row[r], "demo_seed", 0));
	}
	x->score = fot_alloc(fot_size_mul(x->n_items, x->n_seeds), sizeof *x->score);
	x->have = fot_calloc(fot_size_mul(x->n_items, x->n_seeds), sizeof *x->have);
	if (!x->score || !x->have)
		goto no_memory;
	for (size_t r = 0; r < s->n; r++) {
		x->score[i[r] * x->n_seeds + k[r]] = v[r];
		x->have[i[r] * x->n_seeds + k[r]] = true;
	}
	status = matrix_complete(x, err);
	goto out;
no_memory:
	status = FOT_FAIL(err, FOT_ERR_RUN, "statistics: out of memory for %zu rows", s->n);
out:
	fot_free(i);
	fot_free(k);
	return status;
}

/* --- estimates --- */

static void range_of(struct fot_measured *out, const double *x, size_t n)
{
	double mean = sum(x, n) / (double)n, squares = 0.0;

	if (n == 0)
		return;
	out->has_range = true;
	out->min = out->max = x[0];
	for (size_t i = 0; i < n; i++) {
		out->min = fmin(out->min, x[i]);
		out->max = fmax(out->max, x[i]);
		squares += (x[i] - mean) * (x[i] - mean);
	}
	out->has_sd = n > 1;
	out->sd = n > 1 ? sqrt(squares / (double)(n - 1)) : 0.0;
}

static void counts_of(struct fot_measured *out, double right, double asked)
{
	out->has_counts = asked > 0.0 && asked < MOST_COUNTED && fabs(right) < MOST_COUNTED;
	if (!out->has_counts)
		return;
	out->n_correct = (int64_t)llround(right);
	out->n_total = (int64_t)llround(asked);
}

static int measure_items(struct fot_measured *out, const struct sample *s, struct fot_err *err)
{
	counts_of(out, sum(s->num, s->n), (double)s->n);
	return fot_stats_wilson(&out->e, out->n_correct, out->n_total, FOT_STATS_LEVEL, err);
}

/* Rows of equal text become one: see clusters.h. */
static int merge_texts(struct sample *s, const struct fot_table *t, struct fot_err *err)
{
	struct fot_clusters c;
	int status;

	FOT_TRY(fot_clusters_init(&c, t, s->n, err));
	for (size_t i = 0; i < s->n; i++)
		fot_clusters_add(&c, s->row[i], s->num[i], s->base[i], s->den[i]);
	s->n = c.n;
	for (size_t k = 0; k < c.n; k++) {
		s->row[k] = c.row[k];
		s->num[k] = c.num[k];
		s->base[k] = c.base[k];
		s->den[k] = c.den[k];
	}
out:
	fot_clusters_release(&c);
	return status;
}

static int measure_clusters(struct fot_measured *out, const struct fot_measure *m, const struct fot_table *t,
			    struct sample *s, bool detail, const struct fot_boot *boot, struct fot_err *err)
{
	int status;

	FOT_TRY(merge_texts(s, t, err));
	out->n_clusters = s->n;
	FOT_TRY(detail ? fot_stats_ratio_t(&out->e, s->num, s->den, s->n, boot->level, err) :
			 fot_stats_ratio_boot(&out->e, s->num, s->den, s->n, boot, err));
	if (s->n == 0)
		goto out;
	if (!m->mean)
		counts_of(out, sum(s->num, s->n), sum(s->den, s->n));
	for (size_t i = 0; i < s->n; i++)
		s->base[i] = s->num[i] / s->den[i];
	range_of(out, s->base, s->n);
out:
	return status;
}

static int seed_range(struct fot_measured *out, const struct matrix *x, struct fot_err *err)
{
	double *mean = fot_calloc(x->n_seeds, sizeof *mean);

	if (!mean)
		return FOT_FAIL(err, FOT_ERR_RUN, "statistics: out of memory for %zu seeds", x->n_seeds);
	for (size_t i = 0; i < x->n_items; i++) {
		for (size_t k = 0; k < x->n_seeds; k++)
			mean[k] += x->score[i * x->n_seeds + k] / (double)x->n_items;
	}
	range_of(out, mean, x->n_seeds);
	fot_free(mean);
	return FOT_OK;
}

static int measure_crossed(struct fot_measured *out, const struct sample *s, const struct fot_rows *r,
			   const struct fot_boot *boot, struct fot_err *err)
{
	struct matrix x = { 0 };
	struct fot_crossed c;
	int status;

	FOT_TRY(matrix_init(&x, s, s->num, r->t, err));
	FOT_TRY(fot_stats_crossed(&c, x.score, x.n_items, x.n_seeds, boot, err));
	out->e = (struct fot_estimate){ .has_value = c.has_value,
					.has_interval = c.has_interval,
					.value = c.value,
					.lo = c.lo,
					.hi = c.hi,
					.se = c.se,
					.level = boot->level,
					.method = "crossed-bootstrap",
					.status = c.status };
	out->n_clusters = x.n_items;
	out->n_items = x.n_items * x.n_seeds;
	counts_of(out, sum(x.score, out->n_items), (double)out->n_items);
	FOT_TRY(seed_range(out, &x, err));
out:
	matrix_release(&x);
	return status;
}

int fot_measure(struct fot_measured *out, const struct fot_measure *m, const struct fot_rows *r, uint64_t seed,
		struct fot_err *err)
{
	struct fot_boot boot = fot_rows_boot(r, seed);
	struct sample s = { 0 };
	int status;

	*out = (struct fot_measured){ 0 };
	FOT_TRY(sample_init(&s, r->n, err));
	for (size_t i = 0; i < r->n; i++) {
		s.row[s.n] = r->row[i];
		s.base[s.n] = 0;
		s.n += fraction(&s.num[s.n], &s.den[s.n], m, r->t, r->row[i]);
	}
	out->n_items = out->n_clusters = s.n;
	if (m->kind == FOT_MEASURE_ITEMS)
		status = measure_items(out, &s, err);
	else if (m->kind == FOT_MEASURE_CLUSTERS)
		status = measure_clusters(out, m, r->t, &s, r->n && fot_table_has(r->t, r->row[0], "head"), &boot, err);
	else
		status = measure_crossed(out, &s, r, &boot, err);
out:
	sample_release(&s);
	return status;
}

/* --- differences --- */

size_t fot_measure_twin(const struct fot_rows *r, const struct fot_table *t, size_t row,
			const char *const *item, size_t hint)
{
	for (size_t i = 0; i < r->n; i++) {
		size_t k = (hint + i) % r->n;

		if (fot_table_same_all(r->t, r->row[k], t, row, item))
			return k;
	}
	return r->n;
}

static bool one_seed(const struct fot_rows *r)
{
	for (size_t i = 1; i < r->n; i++) {
		if (!fot_table_same(r->t, r->row[0], r->t, r->row[i], "demo_seed"))
			return false;
	}
	return r->n > 0;
}

/* Common items that count on both sides. num and den are the new rows', base the base's
 * numerators brought to the new rows' denominators. */
static void pair_up(struct sample *s, const struct fot_measured_task *task, const struct fot_measure *m,
		    const struct fot_rows *base, const struct fot_rows *new)
{
	static const char *const item_only[] = { "item_id", NULL };
	const char *const *item = m->kind == FOT_MEASURE_CROSSED && one_seed(base) ? item_only : task->item;
	size_t twin = base->n - 1;
	double den;

	for (size_t i = 0; i < new->n && base->n; i++) {
		if (!fraction(&s->num[s->n], &s->den[s->n], m, new->t, new->row[i]))
			continue;
		twin = fot_measure_twin(base, new->t, new->row[i], item, twin + 1);
		if (twin == base->n || !fraction(&s->base[s->n], &den, m, base->t, base->row[twin]))
			continue;
		s->base[s->n] *= s->den[s->n] / den;
		s->row[s->n++] = new->row[i];
	}
}

static int contrast_items(struct fot_contrast *out, struct sample *s, const struct fot_boot *boot,
			  struct fot_err *err)
{
	struct fot_outcomes o;
	int status;

	for (size_t i = 0; i < s->n; i++) {
		s->a[i] = s->base[i] > 0.5;
		s->b[i] = s->num[i] > 0.5;
	}
	status = fot_stats_outcomes(&o, s->a, s->b, s->n, boot, err);
	out->has_interval = o.has_interval;
	out->lo = o.lo;
	out->hi = o.hi;
	out->se = o.se;
	out->p = o.p;
	out->p_method = "mcnemar-exact";
	out->status = o.status;
	return status;
}

static int contrast_clusters(struct fot_contrast *out, const struct fot_table *t, struct sample *s,
			     const struct fot_boot *boot, struct fot_err *err)
{
	struct fot_paired p = { 0 };
	int status;

	FOT_TRY(merge_texts(s, t, err));
	out->n_clusters = s->n;
	FOT_TRY(fot_stats_paired(&p, s->base, s->num, s->den, s->n, boot, err));
	out->has_interval = p.has_interval;
	out->lo = p.lo;
	out->hi = p.hi;
	out->se = p.se;
	out->p = p.has_interval ? p.p_flip : 1.0;
	out->p_method = p.flip_exact ? "sign-flip-exact" : "sign-flip";
	out->status = p.status;
out:
	return status;
}

/* Of 0/1 differences under one seed, McNemar; else the crossed bootstrap. */
static int crossed_test(struct fot_contrast *out, const struct matrix *x, const struct fot_crossed *c,
			struct fot_err *err)
{
	int64_t only_base = 0, only_new = 0;

	out->p = c->p;
	out->p_method = "crossed-bootstrap";
	if (x->n_seeds != 1)
		return FOT_OK;
	for (size_t i = 0; i < x->n_items; i++) {
		only_base += x->score[i] < -0.5;
		only_new += x->score[i] > 0.5;
	}
	out->p_method = "mcnemar-exact";
	return fot_stats_mcnemar(&out->p, only_base, only_new, err);
}

static int contrast_crossed(struct fot_contrast *out, struct sample *s, const struct fot_rows *new,
			    const struct fot_boot *boot, struct fot_err *err)
{
	struct matrix x = { 0 }, y = { 0 };
	struct fot_crossed c;
	int status;

	for (size_t i = 0; i < s->n; i++)
		s->den[i] = s->num[i] - s->base[i];
	FOT_TRY(matrix_init(&x, s, s->den, new->t, err));
	FOT_TRY(matrix_init(&y, s, s->base, new->t, err)); /* the same items and seeds are left */
	FOT_TRY(fot_stats_crossed(&c, x.score, x.n_items, x.n_seeds, boot, err));
	out->n_clusters = x.n_items;
	out->n_items = x.n_items * x.n_seeds;
	out->base = out->n_items ? sum(y.score, out->n_items) / (double)out->n_items : 0.0;
	out->value = out->base + c.value;
	out->has_interval = c.has_interval;
	out->lo = c.lo;
	out->hi = c.hi;
	out->se = c.se;
	out->status = c.status;
	status = crossed_test(out, &x, &c, err);
out:
	matrix_release(&x);
	matrix_release(&y);
	return status;
}

int fot_measure_contrast(struct fot_contrast *out, const struct fot_measured_task *task,
			 const struct fot_measure *m, const struct fot_rows *base, const struct fot_rows *new,
			 uint64_t seed, struct fot_err *err)
{
	struct fot_boot boot = fot_rows_boot(new, seed);
	struct sample s = { 0 };
	int status;

	*out = (struct fot_contrast){ .p = 1.0 };
	FOT_TRY(sample_init(&s, new->n, err));
	pair_up(&s, task, m, base, new);
	out->n_items = out->n_clusters = s.n;
	if (s.n > 0) {
		out->base = sum(s.base, s.n) / sum(s.den, s.n);
		out->value = sum(s.num, s.n) / sum(s.den, s.n);
	}
	if (m->kind == FOT_MEASURE_ITEMS)
		status = contrast_items(out, &s, &boot, err);
	else if (m->kind == FOT_MEASURE_CLUSTERS)
		status = contrast_clusters(out, new->t, &s, &boot, err);
	else
		status = contrast_crossed(out, &s, new, &boot, err);
	out->delta = out->value - out->base;
	out->has_delta = out->n_items > 0 && isfinite(out->delta);
	if (status == FOT_OK && out->n_items > 0 && !out->has_delta) {
		out->has_interval = false;
		out->status = FOT_STATS_OUT_OF_RANGE;
	}
	out->mdd = FOT_STATS_MDD_FACTOR * out->se;
out:
	sample_release(&s);
	return status;
}

void fot_measured_spread(struct fot_table *out, size_t row, const struct fot_measured *m)
{
	if (m->has_counts) {
		fot_table_set_int(out, row, "n_correct", m->n_correct);
		fot_table_set_int(out, row, "n_total", m->n_total);
	}
	if (m->has_range) {
		fot_table_set_estimate(out, row, "value_min", m->min);
		fot_table_set_estimate(out, row, "value_max", m->max);
	}
	if (m->has_sd)
		fot_table_set_estimate(out, row, "sd_between", m->sd);
}
