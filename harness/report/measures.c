/* measures.c: see measures.h.
 *
 * Everything is first brought into one form, numerator and denominator per row; the
 * kind of the measure then says which of the statistics it goes through. */
#include "harness/report/measures_impl.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "harness/tables/groups.h"

#define MOST_COUNTED 9007199254740992.0 /* 2^53: beyond, doubles are no counts */

/* --- rows --- */

static int64_t least_of(const struct fot_group *r, const char *column)
{
	int64_t least = INT64_MAX;

	for (size_t i = 0; i < r->n && column; i++) {
		int64_t x = fot_table_int(r->t, r->row[i], column, INT64_MAX);

		least = x < least ? x : least;
	}
	return least;
}

int64_t fot_rows_axis(const struct fot_group *r, const struct fot_measured_task *task)
{
	return least_of(r, task->axis);
}

int64_t fot_rows_short(const struct fot_group *r, const struct fot_measured_task *task)
{
	int64_t least = least_of(r, task->reached);

	return least < fot_rows_axis(r, task) ? least : -1;
}

const char *fot_rows_reached_how(const struct fot_group *r, const struct fot_measured_task *task)
{
	for (size_t i = 0; i < r->n && task->reached_how; i++)
		if (fot_table_has(r->t, r->row[i], task->reached_how))
			return fot_table_text(r->t, r->row[i], task->reached_how);
	return NULL;
}

void fot_rows_set_axis(struct fot_table *out, size_t row, const struct fot_group *r,
		       const struct fot_measured_task *task)
{
	int64_t least = fot_rows_axis(r, task), reached = fot_rows_short(r, task);
	const char *how = fot_rows_reached_how(r, task);

	if (least < INT64_MAX)
		fot_table_set_int(out, row, task->axis, least);
	if (!task->reached || fot_schema_column(out->schema, task->reached) < 0)
		return;
	if (how && strcmp(how, FOT_SEEN_AT_MOST) == 0)
		reached = least_of(r, task->reached);
	if (reached >= 0)
		fot_table_set_int(out, row, task->reached, reached);
	else
		fot_table_set_empty(out, row, task->reached);
	if (how)
		fot_table_set_text(out, row, task->reached_how, how);
}

bool fot_row_has_status(const struct fot_table *t, size_t row, const char *status)
{
	const char *got = fot_table_text(t, row, "status");
	size_t n = strlen(status);

	return n > 0 && status[n - 1] == '*' ? strncmp(got, status, n - 1) == 0 : strcmp(got, status) == 0;
}

int64_t fot_rows_with_status(const struct fot_group *r, const char *status)
{
	int64_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += fot_row_has_status(r->t, r->row[i], status);
	return n;
}

void fot_rows_set_tokens(struct fot_table *out, size_t row, const struct fot_table *in, int64_t n_tokens)
{
	if (fot_schema_column(in->schema, "n_tokens_scored") >= 0)
		fot_table_set_int(out, row, "n_tokens_scored", n_tokens);
}

struct fot_boot fot_rows_boot(const struct fot_group *r, uint64_t seed)
{
	const char *dataset = r->n ? fot_table_text(r->t, r->row[0], "dataset") : "";

	return (struct fot_boot){ .seed = seed,
				  .item = fot_crc32(0, dataset, strlen(dataset)),
				  .draws = FOT_STATS_DRAWS,
				  .level = FOT_STATS_LEVEL };
}

/* Numerator and denominator; false for a row that does not count. */
static bool fraction(double *num, double *den, const struct fot_measure *m, const struct fot_table *t,
		     size_t row)
{
	if (!fot_row_has_status(t, row, "ok") || !fot_table_has(t, row, m->right) ||
	    (m->kind == FOT_MEASURE_BALANCED && fot_table_int(t, row, "n_labels", 0) == 0))
		return false;
	*num = fot_table_number(t, row, m->right);
	*den = m->asked ? fot_table_number(t, row, m->asked) : 1.0;
	if (m->mean)
		*num *= *den;
	return *den > 0.0;
}

double fot_sum_of(const double *x, size_t n)
{
	double s = 0.0;

	for (size_t i = 0; i < n; i++)
		s += x[i];
	return s;
}

/* --- estimates --- */

void fot_measured_range(struct fot_measured *out, const double *x, size_t n)
{
	double mean = fot_sum_of(x, n) / (double)n, squares = 0.0;

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

void fot_measured_counts(struct fot_measured *out, double right, double asked)
{
	out->has_counts = asked > 0.0 && asked < MOST_COUNTED && fabs(right) < MOST_COUNTED;
	if (!out->has_counts)
		return;
	out->n_correct = (int64_t)llround(right);
	out->n_total = (int64_t)llround(asked);
}

static int measure_items(struct fot_measured *out, const struct fot_clusters *s, double level, struct fot_err *err)
{
	fot_measured_counts(out, fot_sum_of(s->num, s->n), (double)s->n);
	return fot_stats_wilson(&out->e, out->n_correct, out->n_total, level, err);
}

static int ratio_range(struct fot_measured *out, const struct fot_clusters *s, struct fot_err *err)
{
	double *ratio = fot_alloc(s->n, sizeof *ratio);

	if (!ratio)
		return FOT_FAIL(err, FOT_ERR_RUN, "statistics: out of memory for %zu rows", s->n);
	for (size_t i = 0; i < s->n; i++)
		ratio[i] = s->num[i] / s->den[i];
	fot_measured_range(out, ratio, s->n);
	fot_free(ratio);
	return FOT_OK;
}

static int measure_clusters(struct fot_measured *out, const struct fot_measure *m,
			    const struct fot_clusters *s, bool detail, const struct fot_boot *boot,
			    struct fot_err *err)
{
	int status = detail ? fot_stats_ratio_t(&out->e, s->num, s->den, s->n, boot->level, err) :
			      fot_stats_ratio_boot(&out->e, s->num, s->den, s->n, boot, err);

	if (status != FOT_OK || s->n == 0)
		return status;
	if (m->kind == FOT_MEASURE_EXP)
		fot_stats_exp(&out->e);
	if (m->kind == FOT_MEASURE_BITS)
		fot_stats_scale(&out->e, 1.0 / M_LN2);
	if (fot_measure_is_rate(m))
		return FOT_OK;
	if (!m->mean)
		fot_measured_counts(out, fot_sum_of(s->num, s->n), fot_sum_of(s->den, s->n));
	return ratio_range(out, s, err);
}

/* The rows that count. A document without a single word has no rate per word, and then nor have all. */
static void collect(struct fot_clusters *s, struct fot_measured *out, const struct fot_measure *m,
		    const struct fot_group *r)
{
	bool defined = true;

	out->first = SIZE_MAX;
	for (size_t i = 0; i < r->n; i++) {
		double num, den;

		if (!fot_row_has_status(r->t, r->row[i], "ok"))
			continue;
		out->first = out->first == SIZE_MAX ? r->row[i] : out->first;
		out->n_tokens += fot_table_int(r->t, r->row[i], "n_tokens_scored", 0);
		if (fraction(&num, &den, m, r->t, r->row[i]))
			fot_clusters_add(s, r->row[i], num, 0, den);
		else
			defined = false;
	}
	if (!defined && fot_measure_is_rate(m))
		fot_clusters_clear(s);
	out->n_items = s->n_items;
	out->n_clusters = s->n;
}

bool fot_measure_applies(const struct fot_measure *m, const struct fot_group *r)
{
	bool any = m->kind != FOT_MEASURE_BALANCED;

	for (size_t i = 0; i < r->n && !any; i++)
		any = fot_table_int(r->t, r->row[i], "n_labels", 0) > 0;
	return any;
}

int fot_measure(struct fot_measured *out, const struct fot_measure *m, const struct fot_group *r,
		uint64_t seed, struct fot_err *err)
{
	return fot_measure_at_level(out, m, r, seed, FOT_STATS_LEVEL, err);
}

int fot_measure_at_level(struct fot_measured *out, const struct fot_measure *m, const struct fot_group *r,
			 uint64_t seed, double level, struct fot_err *err)
{
	struct fot_boot boot = fot_rows_boot(r, seed);
	struct fot_clusters s;
	int status;

	boot.level = level;
	*out = (struct fot_measured){ 0 };
	FOT_TRY(fot_clusters_init(&s, r->t, r->n, err));
	collect(&s, out, m, r);
	if (m->kind == FOT_MEASURE_ITEMS)
		status = measure_items(out, &s, level, err);
	else if (fot_measure_is_crossed(m))
		status = fot_measure_crossed(out, m, &s, r, &boot, err);
	else
		status = measure_clusters(out, m, &s, r->n && fot_table_has(r->t, r->row[0], "head"), &boot,
					  err);
out:
	fot_clusters_release(&s);
	return status;
}

/* --- estimates that are kept --- */

struct fot_kept_estimate {
	const struct fot_measure *m;
	size_t first, n; /* the group's first row, and how many */
	struct fot_measured value;
};

void fot_estimates_release(struct fot_estimates *e)
{
	fot_free(e->at);
	*e = (struct fot_estimates){ 0 };
}

int fot_measure_once(struct fot_measured *out, const struct fot_measure *m, const struct fot_group *r,
		     uint64_t seed, struct fot_estimates *e, struct fot_err *err)
{
	int status;

	for (size_t i = 0; e && i < e->n; i++) {
		if (e->at[i].m == m && e->at[i].first == r->row[0] && e->at[i].n == r->n) {
			*out = e->at[i].value;
			return FOT_OK;
		}
	}
	status = fot_measure(out, m, r, seed, err);
	if (status != FOT_OK || !e)
		return status;
	if (!FOT_GROW(e->at, e->n, e->cap))
		return FOT_NO_MEMORY(err, "statistics");
	e->at[e->n++] = (struct fot_kept_estimate){ m, r->row[0], r->n, *out };
	return FOT_OK;
}

/* --- differences --- */

size_t fot_measure_twin(const struct fot_row_index *x, const struct fot_table *t, size_t row, size_t hint)
{
	size_t k = x->n ? hint % x->n : 0;

	if (x->n && fot_table_same_all(x->t, x->row[k], t, row, x->columns))
		return k;
	return fot_row_index_find(x, t, row);
}

/* How items of two sides find each other. */
struct pairing {
	const struct fot_measured_task *task;
	const struct fot_measure *m;
	const struct fot_sides *sides;
	struct fot_row_index base, base_from, new_from; /* by the item; empty: no such side */
};

static bool one_seed(const struct fot_group *r)
{
	for (size_t i = 1; i < r->n; i++) {
		if (!fot_table_same(r->t, r->row[0], r->t, r->row[i], "demo_seed"))
			return false;
	}
	return r->n > 0;
}

static int index_side(struct fot_row_index *x, const struct fot_group *r, const char *const *item,
		      struct fot_err *err)
{
	return r ? fot_row_index_init(x, r->t, r->row, r->n, item, err) : FOT_OK;
}

static int index_sides(struct pairing *p, const char *const *item, struct fot_err *err)
{
	int status;

	FOT_TRY(index_side(&p->base, p->sides->base, item, err));
	FOT_TRY(index_side(&p->base_from, p->sides->base_from, item, err));
	FOT_TRY(index_side(&p->new_from, p->sides->new_from, item, err));
out:
	return status;
}

/* The numerator and denominator of an item in a side's rows; *hint: where to begin, then where it was. */
static bool fraction_in(double *num, double *den, const struct pairing *p, const struct fot_row_index *side,
			size_t row, size_t *hint)
{
	const struct fot_table *t = p->sides->new->t;

	*hint = fot_measure_twin(side, t, row, *hint + 1);
	if (*hint == side->n)
		return false;
	return (p->sides->checked || !p->task->target ||
		fot_table_same_all(side->t, side->row[*hint], t, row, p->task->target)) &&
	       fraction(num, den, p->m, side->t, side->row[*hint]);
}

/* What each side of an item is taken relative to, off its numerator. */
static bool take_from(double *num, double *base, const struct pairing *p, size_t row)
{
	const struct fot_sides *s = p->sides;
	double x = 0, y = 0, den;
	size_t hint = SIZE_MAX;

	if (s->new_from && !fraction_in(&x, &den, p, &p->new_from, row, &hint))
		return false;
	hint = SIZE_MAX;
	if (s->base_from && !fraction_in(&y, &den, p, &p->base_from, row, &hint))
		return false;
	*num -= x;
	*base -= y;
	return true;
}

/* Common items that count on both sides. num and den are the new rows', base the base's numerators brought to
 * the new rows' denominators; checked, the other way round. */
static void pair_up(struct fot_clusters *s, struct fot_contrast *out, const struct pairing *p)
{
	const struct fot_group *base = p->sides->base, *new = p->sides->new;
	double num, den, base_num, base_den;
	size_t twin = base->n - 1;

	for (size_t i = 0; i < new->n && base->n; i++) {
		if (!fraction(&num, &den, p->m, new->t, new->row[i]) ||
		    !fraction_in(&base_num, &base_den, p, &p->base, new->row[i], &twin) ||
		    !take_from(&num, &base_num, p, new->row[i]))
			continue;
		if (p->sides->checked) {
			num *= base_den / den;
			den = base_den;
		} else {
			base_num *= den / base_den;
		}
		fot_clusters_add(s, new->row[i], num, base_num, den);
		out->n_tokens += fot_table_int(base->t, base->row[twin], "n_tokens_scored", 0);
	}
}

static int contrast_items(struct fot_contrast *out, const struct fot_clusters *s, const struct fot_boot *boot,
			  struct fot_err *err)
{
	struct fot_outcomes o;
	int status = fot_stats_outcomes(&o, s->base, s->num, s->n, boot, err);

	out->has_interval = o.has_interval;
	out->d = (struct fot_difference){ .lo = o.lo, .hi = o.hi, .mdd = o.mdd };
	out->p = o.p;
	out->p_method = "mcnemar-exact";
	out->status = o.status;
	return status;
}

/* Of a rate from nats to its own unit; d exp(m) = exp(m) dm. */
static void set_unit(struct fot_contrast *out, const struct fot_measure *m, const struct fot_paired *p)
{
	if (m->kind == FOT_MEASURE_EXP) {
		out->value = exp(out->value);
		out->base = exp(out->base);
		out->d = (struct fot_difference){ p->exp_delta, p->exp_lo, p->exp_hi, p->mdd * out->base };
	} else if (m->kind == FOT_MEASURE_BITS) {
		out->value /= M_LN2;
		out->base /= M_LN2;
		out->d = (struct fot_difference){ p->delta / M_LN2, p->lo / M_LN2, p->hi / M_LN2,
						  p->mdd / M_LN2 };
	}
}

static int contrast_clusters(struct fot_contrast *out, const struct fot_measure *m,
			     const struct fot_clusters *s, const struct fot_boot *boot, struct fot_err *err)
{
	struct fot_paired p;
	int status = fot_stats_paired(&p, s->base, s->num, s->den, s->n, boot, err);

	out->has_delta = p.has_delta;
	out->has_interval = p.has_interval;
	out->d = out->nats = (struct fot_difference){ p.delta, p.lo, p.hi, p.mdd };
	out->p = p.has_interval ? p.p_flip : 1.0;
	out->p_t = p.p_t;
	out->p_method = p.flip_exact ? "sign-flip-exact" : "sign-flip";
	out->status = p.status;
	if (s->n > 0)
		set_unit(out, m, &p);
	return status;
}

/* Of a share, delta is what value and base say. */
static void settle(struct fot_contrast *out)
{
	out->d.delta = out->value - out->base;
	out->nats = out->d;
	out->has_delta = out->n_items > 0 && isfinite(out->d.delta);
	if (out->n_items > 0 && !out->has_delta) {
		out->has_interval = false;
		out->status = FOT_STATS_OUT_OF_RANGE;
	}
}

int fot_measure_contrast(struct fot_contrast *out, const struct fot_measured_task *task,
			 const struct fot_measure *m, const struct fot_sides *sides, uint64_t seed,
			 struct fot_err *err)
{
	static const char *const by_item[] = { "item_id", NULL };
	const struct fot_group *new = sides->new;
	bool every_seed = fot_measure_is_crossed(m) && one_seed(sides->base);
	struct pairing p = { .task = task, .m = m, .sides = sides };
	struct fot_boot boot = fot_rows_boot(new, seed);
	struct fot_clusters s;
	int status;

	*out = (struct fot_contrast){ .p = 1.0 };
	FOT_TRY(fot_clusters_init(&s, new->t, new->n, err));
	FOT_TRY(index_sides(&p, every_seed ? by_item : task->item, err));
	pair_up(&s, out, &p);
	out->n_items = s.n_items;
	out->n_clusters = s.n;
	if (s.n > 0) {
		out->base = fot_sum_of(s.base, s.n) / fot_sum_of(s.den, s.n);
		out->value = fot_sum_of(s.num, s.n) / fot_sum_of(s.den, s.n);
	}
	if (m->kind == FOT_MEASURE_ITEMS)
		status = contrast_items(out, &s, &boot, err);
	else if (fot_measure_is_crossed(m))
		status = fot_contrast_crossed(out, m, &s, new, !sides->new_from, &boot, err);
	else
		status = contrast_clusters(out, m, &s, &boot, err);
	if (status == FOT_OK && !fot_measure_is_rate(m))
		settle(out);
out:
	fot_row_index_release(&p.base);
	fot_row_index_release(&p.base_from);
	fot_row_index_release(&p.new_from);
	fot_clusters_release(&s);
	return status;
}

void fot_contrast_write(struct fot_table *out, size_t row, const struct fot_contrast *k)
{
	if (!k->has_interval)
		return;
	fot_table_set_estimate(out, row, "delta_ci_low", k->d.lo);
	fot_table_set_estimate(out, row, "delta_ci_high", k->d.hi);
	fot_table_set_real(out, row, "ci_level", FOT_STATS_LEVEL);
	fot_table_set_real(out, row, "p_value", k->p);
	fot_table_set_text(out, row, "p_method", k->p_method);
}

void fot_measured_write(struct fot_table *out, size_t row, const struct fot_table *in,
			const struct fot_measured *m)
{
	fot_rows_set_tokens(out, row, in, m->n_tokens);
	if (m->e.has_value)
		fot_table_set_estimate(out, row, "value", m->e.value);
	if (m->e.has_interval) {
		fot_table_set_estimate(out, row, "ci_low", m->e.lo);
		fot_table_set_estimate(out, row, "ci_high", m->e.hi);
		fot_table_set_real(out, row, "ci_level", m->e.level);
	}
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
	if (m->has_top_share)
		fot_table_set_estimate(out, row, "top_answer_share", m->top_share);
}
