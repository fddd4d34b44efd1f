/* compare.c: see compare.h. */
#include "harness/report/compare_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/quote.h"
#include "base/jsondiff.h"
#include "harness/tables/labels.h"
#include "harness/tables/stats.h"

struct side {
	const struct fot_table *t;
	const char *name; /* "BASE", "NEW" */
};

struct comparing {
	struct side base, new;
	const struct fot_compare_opts *opts;
	struct fot_table *out;
	double *a, *b, *den; /* [rows of BASE] of the group at hand */
	bool *done;          /* [rows of BASE] */
	struct fot_err *err;
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What makes a condition; run and model may be called otherwise. */
static const char *const group_columns[] = { "task",        "dataset", "context_length", "model_variant",
					     "memory_mode", "top_k",   "mem_dtype",      "window", "own_tokens" };

/* What must agree between the two rows of a document. */
static const struct {
	const char *column, *what;
	bool of_tokenizer; /* may differ where the tokenizer does */
} matching[] = {
	{ "doc_sha256", "data", false },
	{ "tokenizer_sha256", "tokenizer", true },
	{ "stride", "convention", false },
	{ "bos_mode", "convention", true },
	{ "memory_tokens", "convention", false },
	{ "target_start", "convention", true },
	{ "n_tokens_scored", "convention", true },
	{ "n_bytes_scored", "convention", true },
	{ "status", "status", false },
};

static bool same_cell(const struct fot_table *t, size_t a, const struct fot_table *u, size_t b,
		      const char *column)
{
	return fot_table_same(t, a, u, b, column);
}

static bool same_group(const struct fot_table *t, size_t a, const struct fot_table *u, size_t b)
{
	for (size_t i = 0; i < COUNT(group_columns); i++) {
		if (!same_cell(t, a, u, b, group_columns[i]))
			return false;
	}
	return true;
}

static bool has_status(const struct fot_table *t, size_t row, const char *status)
{
	return strcmp(fot_table_text(t, row, "status"), status) == 0;
}

void fot_compare_group_name(char out[192], const struct fot_table *t, size_t row)
{
	struct fot_str s = FOT_STR_INIT;

	fot_str_printf(&s, "%.60s, ", fot_table_text(t, row, "dataset"));
	fot_label_length(&s, fot_table_int(t, row, "context_length", 0));
	fot_str_printf(&s, ", %.60s ", fot_table_text(t, row, "model_variant"));
	fot_label_memory(&s, t, row);
	snprintf(out, 192, "%s", s.failed ? "?" : s.data);
	fot_str_release(&s);
}

static int refuse(struct comparing *c, const struct fot_table *t, size_t row, const char *what,
		  const char *detail)
{
	char group[192];

	fot_compare_group_name(group, t, row);
	return FOT_FAIL(c->err, FOT_ERR_COMPARE, "not comparable: %s: %s: document %.80s %s", what, group,
			fot_table_text(t, row, "doc_id"), detail);
}

static void cell_text(char out[80], const struct fot_table *t, size_t row, const char *column)
{
	const struct fot_cell *cell = fot_table_cell(t, row, column);

	if (cell->kind == FOT_CELL_TEXT)
		snprintf(out, 80, "%.16s", cell->text);
	else if (cell->kind == FOT_CELL_INT)
		snprintf(out, 80, "%lld", (long long)cell->i);
	else
		snprintf(out, 80, "nothing");
}

/* The other run's row of the same document; two of them cannot be told apart. */
static int find_twin(struct comparing *c, const struct side *in, const struct fot_table *t, size_t row,
		     size_t *twin)
{
	size_t n = 0;

	for (size_t r = 0; r < in->t->n_rows; r++) {
		if (same_group(t, row, in->t, r) && same_cell(t, row, in->t, r, "doc_id")) {
			*twin = r;
			n++;
		}
	}
	if (n == 1)
		return FOT_OK;
	return refuse(c, t, row, "conditions",
		      n == 0 ? strcmp(in->name, "NEW") == 0 ? "is missing in NEW" : "is missing in BASE" :
			       "stands twice in one run: two models share the variant's name");
}

static int check_twin(struct comparing *c, size_t row, size_t twin)
{
	bool other_tokenizer = !same_cell(c->base.t, row, c->new.t, twin, "tokenizer_sha256");

	for (size_t i = 0; i < COUNT(matching); i++) {
		char x[80], y[80], detail[256];

		if (same_cell(c->base.t, row, c->new.t, twin, matching[i].column) ||
		    (other_tokenizer && c->opts->bits_per_byte && matching[i].of_tokenizer))
			continue;
		cell_text(x, c->base.t, row, matching[i].column);
		cell_text(y, c->new.t, twin, matching[i].column);
		snprintf(detail, sizeof detail, "has %s %s in BASE and %s in NEW%s", matching[i].column, x, y,
			 matching[i].of_tokenizer && other_tokenizer && i == 1 ?
				 "; --metric bits_per_byte compares across tokenizers" :
				 "");
		return refuse(c, c->base.t, row, matching[i].what, detail);
	}
	if (has_status(c->base.t, row, "failed"))
		return refuse(c, c->base.t, row, "status", "failed in both runs");
	return FOT_OK;
}

/* --- one group --- */

struct found {
	size_t n;
	int64_t tokens;
	bool identical;
	double max_diff;
};

static bool same_bits(double x, double y)
{
	return memcmp(&x, &y, sizeof x) == 0;
}

static void take_pair(struct comparing *c, struct found *f, size_t row, size_t twin)
{
	const char *unit = c->opts->bits_per_byte ? "n_bytes_scored" : "n_tokens_scored";
	double x = fot_table_real(c->base.t, row, "nll_nats", 0),
	       y = fot_table_real(c->new.t, twin, "nll_nats", 0);
	double nx = (double)fot_table_int(c->base.t, row, unit, 0),
	       ny = (double)fot_table_int(c->new.t, twin, unit, 0);
	double tx = (double)fot_table_int(c->base.t, row, "n_tokens_scored", 1),
	       ty = (double)fot_table_int(c->new.t, twin, "n_tokens_scored", 1);

	f->identical = f->identical && same_bits(x, y) &&
		       same_bits(fot_table_real(c->base.t, row, "nll_sq_nats", 0),
				 fot_table_real(c->new.t, twin, "nll_sq_nats", 0)) &&
		       same_cell(c->base.t, row, c->new.t, twin, "tokenizer_sha256");
	f->max_diff = fmax(f->max_diff, fabs(y / ty - x / tx));
	f->tokens += (int64_t)tx;
	c->a[f->n] = x;
	c->b[f->n] = nx > ny || nx < ny ? y * (nx / ny) : y; /* other bytes: the rate, at BASE's weight */
	if (c->opts->bits_per_byte) {
		c->a[f->n] /= M_LN2;
		c->b[f->n] /= M_LN2;
	}
	c->den[f->n++] = nx;
}

static int collect(struct comparing *c, struct found *f, size_t first)
{
	const struct fot_table *t = c->base.t;
	int status = FOT_OK;
	size_t twin = 0;

	*f = (struct found){ .identical = true };
	for (size_t row = first; row < t->n_rows; row++) {
		if (!same_group(t, first, t, row))
			continue;
		c->done[row] = true;
		FOT_TRY(find_twin(c, &c->base, t, row, &twin)); /* itself, once */
		FOT_TRY(find_twin(c, &c->new, t, row, &twin));
		FOT_TRY(check_twin(c, row, twin));
		if (has_status(t, row, "ok"))
			take_pair(c, f, row, twin);
	}
out:
	return status;
}

const char *fot_compare_row_verdict(const char *tier, double lo, double hi, double margin)
{
	if (strcmp(tier, "statistical") != 0)
		return tier;
	if (lo > margin)
		return "worse";
	if (hi < 0)
		return "better";
	if (lo > 0)
		return "within margin";
	return "undetected";
}

static double mean_of(const double *num, const double *den, size_t n)
{
	double x = 0, y = 0;

	for (size_t i = 0; i < n; i++) {
		x += num[i];
		y += den[i];
	}
	return x / y;
}

static void write_result(struct comparing *c, size_t row, const struct fot_paired *p, const struct found *f)
{
	bool bits = c->opts->bits_per_byte;
	double x = mean_of(c->a, c->den, f->n), y = mean_of(c->b, c->den, f->n);
	double delta = bits ? p->delta : p->exp_delta, lo = bits ? p->lo : p->exp_lo,
	       hi = bits ? p->hi : p->exp_hi;
	const char *tier = f->identical                          ? "identical" :
			   f->max_diff <= FOT_COMPARE_EQUAL_NATS ? "equal" :
								   "statistical";

	if (!p->has_interval)
		lo = hi = delta;
	fot_table_set_real(c->out, row, "base", bits ? x : exp(x));
	fot_table_set_real(c->out, row, "new", bits ? y : exp(y));
	fot_table_set_real(c->out, row, "delta", delta);
	fot_table_set_real(c->out, row, "max_item_diff_nats", f->max_diff);
	fot_table_set_text(c->out, row, "tier", tier);
	fot_table_set_text(c->out, row, "verdict", fot_compare_row_verdict(tier, lo, hi, c->opts->margin));
	if (!p->has_interval)
		return;
	fot_table_set_real(c->out, row, "delta_ci_low", lo);
	fot_table_set_real(c->out, row, "delta_ci_high", hi);
	fot_table_set_real(c->out, row, "ci_level", FOT_STATS_LEVEL);
	fot_table_set_real(c->out, row, "p_value", p->p_flip);
	fot_table_set_text(c->out, row, "p_method", p->flip_exact ? "sign-flip-exact" : "sign-flip");
	/* d exp(m) = exp(m) dm */
	fot_table_set_real(c->out, row, "min_detectable", bits ? p->mdd : p->mdd * exp(x));
}

static int compare_group(struct comparing *c, size_t first)
{
	const char *dataset = fot_table_text(c->base.t, first, "dataset");
	struct fot_boot boot = { .seed = c->opts->seed,
				 .item = fot_crc32(0, dataset, strlen(dataset)),
				 .draws = FOT_STATS_DRAWS,
				 .level = FOT_STATS_LEVEL };
	struct fot_paired p;
	struct found f;
	size_t row, twin = 0;
	int status;

	FOT_TRY(collect(c, &f, first));
	if (f.n == 0)
		goto out; /* nothing but documents that are too short, in both */
	FOT_TRY(fot_stats_paired(&p, c->a, c->b, c->den, f.n, &boot, c->err));
	FOT_TRY(find_twin(c, &c->new, c->base.t, first, &twin));
	row = fot_table_add(c->out);
	fot_table_copy_shared(c->out, row, c->base.t, first);
	fot_table_set_text(c->out, row, "metric", c->opts->bits_per_byte ? "bits_per_byte" : "perplexity");
	fot_table_set_int(c->out, row, "n_items", (int64_t)f.n);
	fot_table_set_int(c->out, row, "n_tokens_scored", f.tokens);
	fot_table_set_text(c->out, row, "base_run_id", fot_table_text(c->base.t, first, "run_id"));
	fot_table_set_text(c->out, row, "new_run_id", fot_table_text(c->new.t, twin, "run_id"));
	write_result(c, row, &p, &f);
out:
	return status;
}

/* --- Holm over the context lengths of a condition --- */

static bool same_family(const struct fot_table *t, size_t a, size_t b)
{
	static const char *const columns[] = { "dataset", "model_variant", "memory_mode",  "top_k",       "mem_dtype",
					       "window",  "metric",        "prompt_style", "calibration", "layer",
					       "task",    "own_tokens", NULL };

	return fot_table_same_all(t, a, t, b, columns) && fot_table_has(t, b, "p_value");
}

static int adjust(struct fot_table *t, struct fot_err *err)
{
	double *p = fot_alloc(t->n_rows, sizeof *p);
	size_t *at = fot_alloc(t->n_rows, sizeof *at), n;
	int status = p && at ? FOT_OK : FOT_FAIL(err, FOT_ERR_RUN, "compare: out of memory");

	for (size_t first = 0; first < t->n_rows && status == FOT_OK; first++) {
		if (fot_table_cell(t, first, "p_adjusted")->kind == FOT_CELL_REAL)
			continue;
		n = 0;
		for (size_t row = first; row < t->n_rows; row++) {
			if (!same_family(t, first, row))
				continue;
			p[n] = fot_table_real(t, row, "p_value", 1);
			at[n++] = row;
		}
		status = fot_stats_holm(p, p, n, err);
		for (size_t i = 0; i < n && status == FOT_OK; i++)
			fot_table_set_real(t, at[i], "p_adjusted", p[i]);
	}
	fot_free(p);
	fot_free(at);
	return status;
}

/* What only NEW holds: other documents of a common condition are other data. */
static int check_new(struct comparing *c)
{
	const struct fot_table *t = c->new.t;
	int status = FOT_OK;
	size_t twin;

	for (size_t row = 0; row < t->n_rows; row++) {
		bool common = false;

		for (size_t r = 0; r < c->base.t->n_rows && !common; r++)
			common = same_group(t, row, c->base.t, r);
		if (common)
			FOT_TRY(find_twin(c, &c->base, t, row, &twin));
	}
out:
	return status;
}

static int compare_perplexity(struct fot_table *out, const struct fot_table *base, const struct fot_table *new,
			      const struct fot_compare_opts *opts, struct fot_err *err)
{
	struct comparing c = {
		.base = { base, "BASE" }, .new = { new, "NEW" }, .opts = opts, .out = out, .err = err
	};
	size_t n = base->n_rows;
	int status;

	c.a = fot_alloc(n, sizeof *c.a);
	c.b = fot_alloc(n, sizeof *c.b);
	c.den = fot_alloc(n, sizeof *c.den);
	c.done = fot_calloc(n, sizeof *c.done);
	if (!c.a || !c.b || !c.den || !c.done) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "compare: out of memory for %zu rows", n);
		goto out;
	}
	for (size_t row = 0; row < n; row++) {
		if (!c.done[row])
			FOT_TRY(compare_group(&c, row));
	}
	status = check_new(&c);
out:
	fot_free(c.a);
	fot_free(c.b);
	fot_free(c.den);
	fot_free(c.done);
	return status;
}

int fot_compare_tables(struct fot_table *out, const struct fot_table *base, const struct fot_table *new,
		       const struct fot_compare_opts *opts, struct fot_err *err)
{
	int status = base->schema == &fot_schema_perplexity ? compare_perplexity(out, base, new, opts, err) :
							      fot_compare_measures(out, base, new, opts, err);

	return status == FOT_OK ? fot_table_check(out, err) : status;
}

int fot_compare_finish(struct fot_table *out, struct fot_err *err)
{
	if (out->n_rows == 0)
		return FOT_FAIL(err, FOT_ERR_COMPARE, "not comparable: BASE holds nothing that was scored");
	return adjust(out, err);
}

int fot_compare_manifests(const cJSON *base, const cJSON *new, struct fot_err *err)
{
	static const char *const parts[] = { "task_versions", "conventions" };
	struct fot_str text = FOT_STR_INIT;
	int status = FOT_OK;

	for (size_t i = 0; i < COUNT(parts); i++) {
		const cJSON *x = fot_json_get(base, parts[i]), *y = fot_json_get(new, parts[i]);

		if (!x || !y) {
			status =
				FOT_FAIL(err, FOT_ERR_COMPARE, "not comparable: the manifest of %s has no %s",
					 x ? "NEW" : "BASE", parts[i]);
			goto out;
		}
		FOT_TRY(fot_json_differences(&text, x, "BASE", y, "NEW", 3, NULL, err));
		FOT_TRY(fot_str_check(&text, err));
		if (text.len > 0) {
			status = FOT_FAIL(err, FOT_ERR_COMPARE, "not comparable: %s differ: %s", parts[i],
					  text.data);
			goto out;
		}
	}
out:
	fot_str_release(&text);
	return status;
}

/* --- what came out --- */

size_t fot_compare_regressions(const struct fot_table *compared)
{
	size_t n = 0;

	for (size_t row = 0; row < compared->n_rows; row++)
		n += strcmp(fot_table_text(compared, row, "verdict"), "worse") == 0;
	return n;
}

static bool all_of(const struct fot_table *t, const char *a, const char *b)
{
	for (size_t row = 0; row < t->n_rows; row++) {
		const char *tier = fot_table_text(t, row, "tier");

		if (strcmp(tier, a) != 0 && strcmp(tier, b) != 0)
			return false;
	}
	return true;
}

const char *fot_compare_verdict(const struct fot_table *compared)
{
	if (fot_compare_regressions(compared) > 0)
		return "regression";
	if (all_of(compared, "identical", "identical"))
		return "identical";
	return all_of(compared, "identical", "equal") ? "equal" : "no regression";
}

/* "accuracy, 16 shots" */
static void place_text(struct fot_str *out, const struct fot_table *t, size_t row)
{
	fot_str_puts(out, fot_table_text(t, row, "metric"));
	if (fot_table_has(t, row, "n_shots")) {
		fot_str_puts(out, ", ");
		fot_label_shots(out, fot_label_place(t, row, "n_shots"));
	}
	if (fot_table_has(t, row, "n_contexts"))
		fot_str_printf(out, ", d %lld", (long long)fot_table_int(t, row, "n_contexts", 0));
	if (fot_table_has(t, row, "layer"))
		fot_str_printf(out, ", layer %lld", (long long)fot_table_int(t, row, "layer", 0));
}

static size_t place_width(const struct fot_table *t)
{
	size_t width = strlen("metric");

	for (size_t row = 0; row < t->n_rows; row++) {
		struct fot_str s = FOT_STR_INIT;

		place_text(&s, t, row);
		width = s.len > width ? s.len : width;
		fot_str_release(&s);
	}
	return width;
}

static void row_text(struct fot_str *out, const struct fot_table *t, size_t row, size_t width)
{
	struct fot_str memory = FOT_STR_INIT, length = FOT_STR_INIT, delta = FOT_STR_INIT, metric = FOT_STR_INIT;
	const char *verdict = fot_table_text(t, row, "verdict");

	fot_label_memory(&memory, t, row);
	fot_label_length(&length, fot_table_int(t, row, "context_length", 0));
	fot_str_printf(&delta, "%+.4f", fot_table_real(t, row, "delta", 0));
	if (fot_table_cell(t, row, "delta_ci_low")->kind == FOT_CELL_REAL)
		fot_str_printf(&delta, " [%+.4f, %+.4f]", fot_table_real(t, row, "delta_ci_low", 0),
			       fot_table_real(t, row, "delta_ci_high", 0));
	place_text(&metric, t, row);
	fot_str_printf(out, "%-12.40s %-*s %6s %-14.40s %-9s %5lld %9.4f %9.4f %-28s",
		       fot_table_text(t, row, "dataset"), (int)width, metric.failed ? "" : metric.data, length.failed ? "" : length.data,
		       fot_table_text(t, row, "model_variant"), memory.failed ? "" : memory.data,
		       (long long)fot_table_int(t, row, "n_items", 0), fot_table_real(t, row, "base", 0),
		       fot_table_real(t, row, "new", 0), delta.failed ? "" : delta.data);
	if (fot_table_cell(t, row, "p_adjusted")->kind == FOT_CELL_REAL)
		fot_str_printf(out, " %8.2g %10.2g  ", fot_table_real(t, row, "p_adjusted", 0),
			       fot_table_real(t, row, "min_detectable", 0));
	else
		fot_str_printf(out, " %8s %10s  ", "-", "-");
	if (strcmp(verdict, "undetected") == 0 &&
	    fot_table_cell(t, row, "min_detectable")->kind == FOT_CELL_REAL)
		fot_str_printf(out, "below the detectable difference of %.2g",
			       fot_table_real(t, row, "min_detectable", 0));
	else
		fot_str_puts(out, verdict);
	fot_str_release(&memory);
	fot_str_release(&length);
	fot_str_release(&delta);
	fot_str_release(&metric);
}

int fot_compare_text(struct fot_str *out, const struct fot_table *compared, struct fot_err *err)
{
	size_t width = place_width(compared);

	fot_str_printf(out, "%-12s %-*s %6s %-14s %-9s %5s %9s %9s %-28s %8s %10s  %s\n", "dataset", (int)width,
		       "metric", "length", "model", "memory", "items", "base", "new", "difference [95 % interval]", "p (Holm)",
		       "detectable", "verdict");
	for (size_t row = 0; row < compared->n_rows; row++) {
		struct fot_str line = FOT_STR_INIT;

		row_text(&line, compared, row, width);
		out->failed = out->failed || line.failed;
		fot_quote_terminal(out, line.failed ? "" : line.data);
		fot_str_putc(out, '\n');
		fot_str_release(&line);
	}
	return fot_str_check(out, err);
}
