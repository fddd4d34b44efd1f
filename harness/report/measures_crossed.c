/* measures_crossed.c: accuracy over items and demonstration seeds; see measures.h.
 *
 * Rows are brought into a matrix of items by seeds without holes; of balanced accuracy each item
 * has its right label as a class. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "harness/report/measures_impl.h"

/* --- items x demonstration seeds --- */

static const char *balance_of(const struct fot_measure *m)
{
	return m->kind == FOT_MEASURE_BALANCED ? "label_gold" : NULL;
}

struct matrix {
	size_t n_items, n_seeds;
	size_t *item;  /* [n_items] a row of each */
	size_t *class; /* [n_items] what weighs equally, from 0; NULL: items do */
	int64_t *seed;
	double *score; /* [n_items, n_seeds] */
	bool *have;
};

static void matrix_release(struct matrix *x)
{
	fot_free(x->item);
	fot_free(x->class);
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
		x->item[n_items] = x->item[i];
		n_items++;
	}
	x->n_items = n_seeds ? n_items : 0;
	x->n_seeds = x->n_items ? n_seeds : 0;
	fot_free(keep);
	return FOT_OK;
}

/* Items with the same value of this column are of one class. */
static int matrix_classes(struct matrix *x, const struct fot_table *t, const char *column, struct fot_err *err)
{
	size_t n = 0;

	x->class = fot_alloc(x->n_items, sizeof *x->class);
	if (!x->class)
		return FOT_FAIL(err, FOT_ERR_RUN, "statistics: out of memory for %zu items", x->n_items);
	for (size_t i = 0; i < x->n_items; i++) {
		x->class[i] = n;
		for (size_t k = 0; k < i && x->class[i] == n; k++)
			if (fot_table_same(t, x->item[i], t, x->item[k], column))
				x->class[i] = x->class[k];
		n += x->class[i] == n;
	}
	return FOT_OK;
}

/* What the scores of an item are divided by, for a mean over items and seeds [n_items]: their number, or for
 * classes of equal weight the number of their class times that of classes. NULL without memory. */
static double *matrix_weights(const struct matrix *x)
{
	double *per = fot_alloc(x->n_items, sizeof *per);
	size_t *count = fot_calloc(x->n_items, sizeof *count), n = 0;

	for (size_t i = 0; i < x->n_items && per && count; i++) {
		size_t c = x->class ? x->class[i] : 0;

		n += count[c]++ == 0;
	}
	for (size_t i = 0; i < x->n_items && per && count; i++)
		per[i] = (double)n * (double)count[x->class ? x->class[i] : 0];
	if (!count) {
		fot_free(per);
		per = NULL;
	}
	fot_free(count);
	return per;
}

/* Values v of the sample's rows of t; balance: column of the classes, or NULL. */
static int matrix_init(struct matrix *x, const struct fot_clusters *s, const double *v,
		       const struct fot_table *t, const char *balance, struct fot_err *err)
{
	size_t *i = fot_alloc(s->n, sizeof *i), *k = fot_alloc(s->n, sizeof *k);
	int status = FOT_OK;

	*x = (struct matrix){ .item = fot_alloc(s->n, sizeof *x->item),
			      .seed = fot_alloc(s->n, sizeof *x->seed) };
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
	if (status == FOT_OK && balance)
		status = matrix_classes(x, t, balance, err);
	goto out;
no_memory:
	status = FOT_FAIL(err, FOT_ERR_RUN, "statistics: out of memory for %zu rows", s->n);
out:
	fot_free(i);
	fot_free(k);
	return status;
}

/* --- estimates --- */

/* The mean of each seed, in a block of the caller's. */
static int seed_means(double **out, const struct matrix *x, struct fot_err *err)
{
	double *mean = fot_calloc(x->n_seeds, sizeof *mean), *per = matrix_weights(x);

	*out = mean;
	for (size_t i = 0; i < x->n_items && mean && per; i++) {
		for (size_t k = 0; k < x->n_seeds; k++)
			mean[k] += x->score[i * x->n_seeds + k] / per[i];
	}
	fot_free(per);
	return mean && per ? FOT_OK :
			     FOT_FAIL(err, FOT_ERR_RUN, "statistics: out of memory for %zu seeds", x->n_seeds);
}

static int seed_range(struct fot_measured *out, const struct matrix *x, struct fot_err *err)
{
	double *mean;
	int status = seed_means(&mean, x, err);

	if (status == FOT_OK)
		fot_measured_range(out, mean, x->n_seeds);
	fot_free(mean);
	return status;
}

/* --- answers --- */

struct answer {
	int64_t seed;
	const char *text;
};

static int by_seed(const void *a, const void *b)
{
	const struct answer *x = a, *y = b;

	return x->seed != y->seed ? (x->seed < y->seed ? -1 : 1) : strcmp(x->text, y->text);
}

/* Of n sorted answers of one seed, the share of the commonest. */
static double share_of(const struct answer *a, size_t n)
{
	size_t most = 0, run = 0;

	for (size_t i = 0; i < n; i++) {
		run = i && strcmp(a[i].text, a[i - 1].text) == 0 ? run + 1 : 1;
		most = run > most ? run : most;
	}
	return (double)most / (double)n;
}

/* The share of the commonest answer, mean over seeds: 1 for one answer whatever the question. Not of rows that name
 * no answer at all. */
static int top_share(struct fot_measured *out, const struct fot_rows *r, struct fot_err *err)
{
	struct answer *a = fot_alloc(r->n, sizeof *a);
	size_t n = 0, n_seeds = 0, end;
	bool named = false;

	if (!a)
		return FOT_FAIL(err, FOT_ERR_RUN, "statistics: out of memory for %zu rows", r->n);
	for (size_t i = 0; i < r->n; i++)
		if (fot_row_has_status(r->t, r->row[i], "ok"))
			a[n++] = (struct answer){ fot_table_int(r->t, r->row[i], "demo_seed", 0),
						  fot_table_text(r->t, r->row[i], "label_pred") };
	for (size_t i = 0; i < n; i++)
		named |= *a[i].text != '\0';
	n = named ? n : 0;
	if (n)
		qsort(a, n, sizeof *a, by_seed);
	for (size_t i = 0; i < n; i = end) {
		end = i + 1;
		while (end < n && a[end].seed == a[i].seed)
			end++;
		out->top_share += share_of(a + i, end - i);
		n_seeds++;
	}
	out->has_top_share = n_seeds > 0;
	out->top_share /= n_seeds ? (double)n_seeds : 1.0;
	fot_free(a);
	return FOT_OK;
}

int fot_measure_crossed(struct fot_measured *out, const struct fot_measure *m, const struct fot_clusters *s,
			   const struct fot_rows *r, const struct fot_boot *boot, struct fot_err *err)
{
	const char *balance = balance_of(m);
	struct matrix x = { 0 };
	struct fot_crossed c;
	int status;

	FOT_TRY(matrix_init(&x, s, s->num, r->t, balance, err));
	FOT_TRY(fot_stats_crossed(&c, x.score, x.n_items, x.n_seeds, x.class, boot, err));
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
	FOT_TRY(seed_range(out, &x, err));
	if (balance)
		goto out;
	fot_measured_counts(out, fot_sum_of(x.score, out->n_items), (double)out->n_items);
	status = top_share(out, r, err);
out:
	matrix_release(&x);
	return status;
}

/* --- differences --- */

/* Of the differences of 0/1 outcomes, one of each item. */
static int mcnemar(struct fot_contrast *out, const struct matrix *x, struct fot_err *err)
{
	int64_t only_base = 0, only_new = 0;

	for (size_t i = 0; i < x->n_items; i++) {
		only_base += x->score[i] < -0.5;
		only_new += x->score[i] > 0.5;
	}
	out->p_method = "mcnemar-exact";
	return fot_stats_mcnemar(&out->p, only_base, only_new, err);
}

static int matrix_mean(double *out, const struct matrix *x, struct fot_err *err)
{
	double *mean;
	int status = FOT_OK;

	if (!x->class) {
		*out = fot_sum_of(x->score, x->n_items * x->n_seeds) / (double)(x->n_items * x->n_seeds);
		return FOT_OK;
	}
	status = seed_means(&mean, x, err);
	if (status == FOT_OK)
		*out = fot_sum_of(mean, x->n_seeds) / (double)x->n_seeds;
	fot_free(mean);
	return status;
}

int fot_contrast_crossed(struct fot_contrast *out, const struct fot_measure *m, const struct fot_clusters *s,
			    const struct fot_rows *new, bool binary, const struct fot_boot *boot, struct fot_err *err)
{
	const char *balance = balance_of(m);
	struct matrix x = { 0 }, y = { 0 };
	struct fot_crossed c;
	int status;

	for (size_t i = 0; i < s->n; i++)
		s->den[i] = s->num[i] - s->base[i];
	FOT_TRY(matrix_init(&x, s, s->den, new->t, balance, err));
	FOT_TRY(matrix_init(&y, s, s->base, new->t, balance, err)); /* the same items and seeds are left */
	FOT_TRY(fot_stats_crossed(&c, x.score, x.n_items, x.n_seeds, x.class, boot, err));
	out->n_clusters = x.n_items;
	out->n_items = x.n_items * x.n_seeds;
	out->base = 0.0;
	if (out->n_items)
		FOT_TRY(matrix_mean(&out->base, &y, err));
	out->value = out->base + c.value;
	out->has_interval = c.has_interval;
	out->d = (struct fot_difference){ .lo = c.lo, .hi = c.hi, .mdd = FOT_STATS_MDD_FACTOR * c.se };
	out->status = c.status;
	out->p = c.p;
	out->p_method = "crossed-bootstrap";
	if (binary && x.n_seeds == 1 && !x.class)
		status = mcnemar(out, &x, err);
out:
	matrix_release(&x);
	matrix_release(&y);
	return status;
}
