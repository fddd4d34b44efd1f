/* measures_crossed.c: accuracy over items and demonstration seeds; see measures.h.
 *
 * Of balanced accuracy each item has its right label as a class. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "harness/report/measures_impl.h"

static const char *balance_of(const struct fot_measure *m)
{
	return m->kind == FOT_MEASURE_BALANCED ? "label_gold" : NULL;
}

/* What the scores of an item are divided by, for a mean over items and seeds [n_items]: their number, or for
 * classes of equal weight the number of their class times that of classes. NULL without memory. */
static double *matrix_weights(const struct fot_matrix *x)
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

/* --- estimates --- */

/* The mean of each seed, in a block of the caller's. */
static int seed_means(double **out, const struct fot_matrix *x, struct fot_err *err)
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

static int seed_range(struct fot_measured *out, const struct fot_matrix *x, struct fot_err *err)
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
static int top_share(struct fot_measured *out, const struct fot_group *r, struct fot_err *err)
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
			const struct fot_group *r, const struct fot_boot *boot, struct fot_err *err)
{
	const char *balance = balance_of(m);
	struct fot_matrix x = { 0 };
	struct fot_crossed c;
	int status;

	FOT_TRY(fot_matrix_init(&x, s, s->num, r->t, balance, err));
	FOT_TRY(fot_stats_crossed(&c, x.score, x.n_items, x.n_seeds, x.class, boot, err));
	out->e = c.e;
	out->n_clusters = x.n_items;
	out->n_items = x.n_items * x.n_seeds;
	FOT_TRY(seed_range(out, &x, err));
	if (balance)
		goto out;
	fot_measured_counts(out, fot_sum_of(x.score, out->n_items), (double)out->n_items);
	status = top_share(out, r, err);
out:
	fot_matrix_release(&x);
	return status;
}

/* --- differences --- */

/* Of the differences of 0/1 outcomes, one of each item. */
static int mcnemar(struct fot_contrast *out, const struct fot_matrix *x, struct fot_err *err)
{
	int64_t only_base = 0, only_new = 0;

	for (size_t i = 0; i < x->n_items; i++) {
		only_base += x->score[i] < -0.5;
		only_new += x->score[i] > 0.5;
	}
	out->p_method = "mcnemar-exact";
	return fot_stats_mcnemar(&out->p, only_base, only_new, err);
}

static int matrix_mean(double *out, const struct fot_matrix *x, struct fot_err *err)
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
			 const struct fot_group *new, bool binary, const struct fot_boot *boot,
			 struct fot_err *err)
{
	const char *balance = balance_of(m);
	struct fot_matrix x = { 0 }, y = { 0 };
	struct fot_crossed c;
	int status;

	for (size_t i = 0; i < s->n; i++)
		s->den[i] = s->num[i] - s->base[i];
	FOT_TRY(fot_matrix_init(&x, s, s->den, new->t, balance, err));
	FOT_TRY(fot_matrix_init(&y, s, s->base, new->t, balance, err)); /* the same items and seeds are left */
	FOT_TRY(fot_stats_crossed(&c, x.score, x.n_items, x.n_seeds, x.class, boot, err));
	out->n_clusters = x.n_items;
	out->n_items = x.n_items * x.n_seeds;
	out->base = 0.0;
	if (out->n_items)
		FOT_TRY(matrix_mean(&out->base, &y, err));
	out->value = out->base + c.e.value;
	out->has_interval = c.e.has_interval;
	out->d = (struct fot_difference){ .lo = c.e.lo, .hi = c.e.hi, .mdd = FOT_STATS_MDD_FACTOR * c.e.se };
	out->status = c.e.status;
	out->p = c.p;
	out->p_method = "crossed-bootstrap";
	if (binary && x.n_seeds == 1 && !x.class)
		status = mcnemar(out, &x, err);
out:
	fot_matrix_release(&x);
	fot_matrix_release(&y);
	return status;
}
