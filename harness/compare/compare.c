/* compare.c: see compare.h; what is measured and how is measures.h.
 *
 * Tiers: identical (all outcomes of all items have the same bits), equal (the same
 * answers, scores within 1e-6), statistical.  Conditions are told apart by fot_variant_columns:
 * run and model may be called otherwise. */
#include "harness/compare/compare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/jsondiff.h"
#include "base/mem.h"
#include "harness/report/measures.h"
#include "harness/tables/groups.h"
#include "harness/tables/labels.h"
#include "harness/tables/stats.h"


#define CONDITIONS_TOLD 8

struct comparing {
	const struct fot_table *base, *new;
	const struct fot_measured_task *task;
	const struct fot_compare_opts *opts;
	bool other_memory; /* the memory is what the two differ in: how far it reaches may differ, too */
	struct fot_table *out;
	struct fot_groups old_groups, new_groups;
	struct fot_err *err;
};

struct found {
	bool identical, same_answers;
	double max_diff;
	size_t n_ok;
};

/* What a column that must agree is about; any other is a convention. */
static const struct {
	const char *column, *what;
} about[] = {
	{ "doc_sha256", "data" }, { "item_sha256", "data" },           { "key", "data" },
	{ "label_gold", "data" }, { "tokenizer_sha256", "tokenizer" }, { "status", "status" },
};

/* May differ where the tokenizer does, in bits per byte. */
static const char *const of_tokenizer[] = { "tokenizer_sha256", "bos_mode", "target_start", "n_tokens_scored",
					    "n_bytes_scored" };

static void group_name(char out[192], const struct fot_table *t, size_t row)
{
	struct fot_str s = FOT_STR_INIT;

	fot_str_printf(&s, "%.60s ", fot_table_text(t, row, "model_variant"));
	fot_label_memory(&s, t, row);
	fot_str_putc(&s, ' ');
	fot_label_length(&s, fot_table_int(t, row, "context_length", 0));
	fot_str_printf(&s, " on %.60s", fot_table_text(t, row, "dataset"));
	snprintf(out, 192, "%s", s.failed ? "?" : s.data);
	fot_str_release(&s);
}

/* "fot/dense,layers=1" */
static void put_condition(struct fot_str *out, const struct fot_table *t, size_t row)
{
	fot_str_printf(out, "%.60s/", fot_table_text(t, row, "model_variant"));
	fot_label_memory(out, t, row);
}

/* A condition of NEW at the same place; if there are several, one of the same variant. SIZE_MAX: none. */
static size_t other_condition(const struct comparing *c, size_t row)
{
	size_t found = SIZE_MAX;

	for (size_t k = 0; k < c->new_groups.n; k++) {
		size_t new = c->new_groups.at[k].row[0];
		bool alike = fot_table_same(c->base, row, c->new, new, "model_variant");

		if (fot_measured_same_place(c->task, c->base, row, c->new, new, NULL) &&
		    fot_table_same(c->base, row, c->new, new, "window") && (alike || found == SIZE_MAX))
			found = new;
		if (alike && found == new)
			break;
	}
	return found;
}

/* n conditions of BASE are none of NEW, the first of them that of a row. */
static int missing(struct comparing *c, size_t row, size_t n)
{
	size_t other = other_condition(c, row);
	struct fot_str hint = FOT_STR_INIT;
	char group[192];
	int status;

	group_name(group, c->base, row);
	if (n > 1)
		fot_str_printf(&hint, ", and %zu more", n - 1);
	if (other != SIZE_MAX) {
		fot_str_puts(&hint, "; with what NEW has there it is compared by --pair ");
		put_condition(&hint, c->base, row);
		fot_str_putc(&hint, '=');
		put_condition(&hint, c->new, other);
	}
	status = fot_str_check(&hint, c->err);
	if (status == FOT_OK)
		status = FOT_FAIL(c->err, FOT_ERR_COMPARE, "not comparable: conditions: %s: %s: only in BASE%s",
				  c->base->schema->name, group, hint.len ? hint.data : "");
	fot_str_release(&hint);
	return status;
}

static int make_groups(struct comparing *c, struct fot_groups *out, const struct fot_table *t)
{
	return fot_measured_groups(out, t, 0, t->n_rows, fot_variant_columns, c->task, NULL, c->err);
}

static bool same_group(const struct comparing *c, size_t old, size_t new)
{
	return fot_table_same(c->base, old, c->new, new, "model_variant") &&
	       fot_label_same_memory(c->base, old, c->new, new) &&
	       fot_table_same_all(c->base, old, c->new, new, fot_session_columns) &&
	       fot_measured_same_place(c->task, c->base, old, c->new, new, NULL);
}

static void put_cell(struct fot_str *out, const struct fot_cell *cell)
{
	if (cell->kind == FOT_CELL_TEXT)
		fot_str_printf(out, "%.60s", cell->text);
	else if (cell->kind == FOT_CELL_INT)
		fot_str_printf(out, "%lld", (long long)cell->i);
	else if (cell->kind == FOT_CELL_REAL)
		fot_str_printf(out, "%g", cell->x);
	else
		fot_str_puts(out, "nothing");
}

static int refuse(struct comparing *c, const struct fot_table *t, size_t row, const char *what,
		  const char *detail)
{
	struct fot_str item = FOT_STR_INIT;
	char group[192];
	int status;

	group_name(group, t, row);
	for (size_t i = 0; c->task->item[i]; i++) {
		fot_str_printf(&item, "%s%s ", i ? ", " : "", c->task->item[i]);
		put_cell(&item, fot_table_cell(t, row, c->task->item[i]));
	}
	status = FOT_FAIL(c->err, FOT_ERR_COMPARE, "not comparable: %s: %s: %s: %s %s", what,
			  c->task->schema->name, group, item.failed ? "?" : item.data, detail);
	fot_str_release(&item);
	return status;
}

static bool is_of_tokenizer(const char *column)
{
	for (size_t i = 0; i < FOT_COUNT(of_tokenizer); i++) {
		if (strcmp(of_tokenizer[i], column) == 0)
			return true;
	}
	return false;
}

static int refuse_column(struct comparing *c, size_t old, size_t new, const char *column)
{
	const char *what = "convention";
	struct fot_str detail = FOT_STR_INIT;
	int status;

	for (size_t i = 0; i < FOT_COUNT(about); i++)
		what = strcmp(about[i].column, column) == 0 ? about[i].what : what;
	fot_str_printf(&detail, "differs in %s: %s ", column, column);
	put_cell(&detail, fot_table_cell(c->base, old, column));
	fot_str_puts(&detail, " in BASE and ");
	put_cell(&detail, fot_table_cell(c->new, new, column));
	fot_str_puts(&detail, " in NEW");
	if (c->task->n_others > 0 && strcmp(column, "tokenizer_sha256") == 0)
		fot_str_puts(&detail, "; --metric bits_per_byte compares across tokenizers");
	status = refuse(c, c->base, old, what, detail.failed ? column : detail.data);
	fot_str_release(&detail);
	return status;
}

static int check_twin(struct comparing *c, size_t old, size_t new)
{
	bool across = c->opts->bits_per_byte && c->task->n_others > 0 &&
		      !fot_table_same(c->base, old, c->new, new, "tokenizer_sha256");

	for (size_t i = 0; c->task->same[i]; i++) {
		const char *column = c->task->same[i];

		if (!fot_table_same(c->base, old, c->new, new, column) && !(across && is_of_tokenizer(column)) &&
		    !(c->other_memory && strcmp(column, "memory_tokens") == 0))
			return refuse_column(c, old, new, column);
	}
	if (strcmp(fot_table_text(c->base, old, "status"), "failed") == 0)
		return refuse(c, c->base, old, "status", "failed in both runs");
	return FOT_OK;
}

static bool same_bits(const struct fot_cell *x, const struct fot_cell *y)
{
	return x->kind == FOT_CELL_REAL && y->kind == FOT_CELL_REAL && memcmp(&x->x, &y->x, sizeof x->x) == 0;
}

static double units(const struct comparing *c, const struct fot_table *t, size_t row)
{
	return fmax(1.0, c->task->per ? (double)fot_table_int(t, row, c->task->per, 1) : 1.0);
}

static void take_outcomes(const struct comparing *c, struct found *f, size_t old, size_t new)
{
	for (size_t i = 0; c->task->outcome[i]; i++) {
		const struct fot_cell *x = fot_table_cell(c->base, old, c->task->outcome[i]),
				      *y = fot_table_cell(c->new, new, c->task->outcome[i]);

		if (x->kind == FOT_CELL_REAL && y->kind == FOT_CELL_REAL) {
			f->identical = f->identical && same_bits(x, y);
			f->max_diff = fmax(f->max_diff, fabs(y->x / units(c, c->new, new) -
							     x->x / units(c, c->base, old)));
		} else if (!fot_table_same(c->base, old, c->new, new, c->task->outcome[i])) {
			f->identical = f->same_answers = false;
		}
	}
	for (size_t i = 0; c->task->trace && c->task->trace[i]; i++)
		f->identical = f->identical && fot_table_same(c->base, old, c->new, new, c->task->trace[i]);
	f->n_ok += strcmp(fot_table_text(c->base, old, "status"), "ok") == 0;
}

/* The rows of a condition are of one model: two of the same variant and memory cannot be told apart. */
static int check_model(struct comparing *c, const struct fot_group *r)
{
	for (size_t i = 1; i < r->n; i++) {
		if (!fot_table_same(r->t, r->row[0], r->t, r->row[i], "model"))
			return refuse(c, r->t, r->row[i], "conditions",
				      "stands twice in one run: two models share the variant's name");
	}
	return FOT_OK;
}

/* used [new->n]: rows of NEW that have found their partner. */
static int pair_rows(struct comparing *c, struct found *f, const struct fot_group *old,
		     const struct fot_group *new, bool *used)
{
	struct fot_row_index items;
	size_t twin = new->n - 1;
	int status = fot_row_index_init(&items, new->t, new->row, new->n, c->task->item, c->err);

	*f = (struct found){ .identical = true, .same_answers = true };
	if (status != FOT_OK)
		return status;
	FOT_TRY(check_model(c, old));
	FOT_TRY(check_model(c, new));
	for (size_t i = 0; i < old->n && status == FOT_OK; i++) {
		twin = fot_measure_twin(&items, old->t, old->row[i], twin + 1);
		if (twin == new->n || used[twin]) {
			status = refuse(c, old->t, old->row[i], "items",
					twin == new->n ? "is missing in NEW" : "stands twice in BASE");
			break;
		}
		used[twin] = true;
		status = check_twin(c, old->row[i], new->row[twin]);
		if (status == FOT_OK)
			take_outcomes(c, f, old->row[i], new->row[twin]);
	}
	for (size_t i = 0; i < new->n && status == FOT_OK; i++) {
		if (!used[i])
			status = refuse(c, new->t, new->row[i], "items", "is missing in BASE, or stands twice in NEW");
	}
out:
	fot_row_index_release(&items);
	return status;
}

double fot_compare_share(const struct fot_compare_opts *opts)
{
	return opts->share > 0 ? opts->share : FOT_COMPARE_MARGIN;
}

/* Of the interval of the worsening, or the difference where there is none; BASE's value. */
static const char *row_verdict(const char *tier, double lo, double hi, double base,
			       const struct fot_compare_opts *opts)
{
	double margin = opts->margin < 0 ? fot_compare_share(opts) * fabs(base) : opts->margin;

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

/* Where no double holds the difference of two perplexities, that of their logarithms: beyond that every
 * difference exceeds any margin. */
static const char *verdict(const struct comparing *c, const struct fot_measure *m, const char *tier,
			   const struct fot_contrast *k)
{
	struct fot_compare_opts opts = *c->opts;
	struct fot_difference d = k->d;

	if (!isfinite(d.delta) || (k->has_interval && !(isfinite(d.lo) && isfinite(d.hi)))) {
		d = k->nats;
		opts.margin = 0;
	}
	if (!k->has_interval)
		d.lo = d.hi = d.delta;
	return fot_measure_is_rate(m) ? row_verdict(tier, d.lo, d.hi, k->base, &opts) :
					row_verdict(tier, -d.hi, -d.lo, k->base, &opts);
}

static void write_numbers(struct comparing *c, size_t row, const struct fot_measure *m,
			  const struct fot_contrast *k, const struct found *f)
{
	const char *tier = f->identical                                             ? "identical" :
			   f->same_answers && f->max_diff <= FOT_COMPARE_EQUAL_NATS ? "equal" :
										      "statistical";

	fot_table_set_estimate(c->out, row, "base", k->base);
	fot_table_set_estimate(c->out, row, "new", k->value);
	fot_table_set_estimate(c->out, row, "delta", k->d.delta);
	fot_table_set_estimate(c->out, row, "max_item_diff_nats", f->max_diff);
	fot_table_set_text(c->out, row, "tier", tier);
	fot_table_set_text(c->out, row, "verdict", verdict(c, m, tier, k));
	fot_contrast_write(c->out, row, k);
	if (k->has_interval)
		fot_table_set_estimate(c->out, row, "min_detectable", k->d.mdd);
}

static void write_row(struct comparing *c, const struct fot_measure *m, const struct fot_contrast *k,
		      const struct found *f, const struct fot_group *old_rows, size_t new)
{
	size_t old = old_rows->row[0], row = fot_table_add(c->out);

	fot_table_copy_shared(c->out, row, c->base, old);
	fot_rows_set_axis(c->out, row, old_rows, c->task);
	fot_rows_set_tokens(c->out, row, c->base, k->n_tokens);
	fot_table_set_text(c->out, row, "metric", m->metric);
	fot_table_set_int(c->out, row, "n_items", (int64_t)k->n_items);
	fot_table_set_text(c->out, row, "base_run_id", fot_table_text(c->base, old, "run_id"));
	fot_table_set_text(c->out, row, "new_run_id", fot_table_text(c->new, new, "run_id"));
	if (!fot_measure_is_rate(m))
		fot_table_set_int(c->out, row, "higher_is_better", 1);
	write_numbers(c, row, m, k, f);
}

/* The rows of NEW under the condition of a group of BASE; NULL: it has none. */
static const struct fot_group *partner(const struct comparing *c, const struct fot_group *g)
{
	for (size_t k = 0; k < c->new_groups.n; k++) {
		if (same_group(c, g->row[0], c->new_groups.at[k].row[0]))
			return &c->new_groups.at[k];
	}
	return NULL;
}

static int compare_group(struct comparing *c, const struct fot_group *g, const struct fot_group *in_new)
{
	struct fot_sides sides = { .base = g, .new = in_new, .checked = true };
	size_t n = 0;
	const struct fot_measure *m = fot_measured_shown(c->task, c->opts->bits_per_byte, &n);
	struct found f;
	bool *used = fot_calloc(in_new->n, sizeof *used);
	int status = FOT_OK;

	if (!used)
		return FOT_NO_MEMORY(c->err, "compare");
	FOT_TRY(pair_rows(c, &f, g, in_new, used));
	for (size_t i = 0; i < n && f.n_ok > 0; i++) {
		struct fot_contrast k;

		FOT_TRY(fot_measure_contrast(&k, c->task, &m[i], &sides, c->opts->seed, c->err));
		if (k.n_items > 0)
			write_row(c, &m[i], &k, &f, g, in_new->row[0]);
	}
out:
	fot_free(used);
	return status;
}

static bool is_compared(const struct comparing *c, const struct fot_group *g)
{
	return !c->task->detail || !fot_table_has(c->base, g->row[0], c->task->detail);
}

static int check_base(struct comparing *c)
{
	size_t first = 0, n = 0;

	for (size_t g = 0; g < c->old_groups.n; g++) {
		const struct fot_group *of = &c->old_groups.at[g];

		if (is_compared(c, of) && !partner(c, of) && n++ == 0)
			first = of->row[0];
	}
	return n ? missing(c, first, n) : FOT_OK;
}

static int compare_all(struct comparing *c)
{
	int status;

	c->task = fot_measured_task(c->base->schema);
	if (!c->task || c->new->schema != c->base->schema)
		return FOT_FAIL(c->err, FOT_ERR_RUN, "compare: no task writes %s.csv", c->base->schema->name);
	FOT_TRY(make_groups(c, &c->old_groups, c->base));
	FOT_TRY(make_groups(c, &c->new_groups, c->new));
	FOT_TRY(check_base(c));
	for (size_t g = 0; g < c->old_groups.n; g++) {
		if (is_compared(c, &c->old_groups.at[g]))
			FOT_TRY(compare_group(c, &c->old_groups.at[g], partner(c, &c->old_groups.at[g])));
	}
	status = fot_table_check(c->out, c->err);
out:
	fot_groups_release(&c->old_groups);
	fot_groups_release(&c->new_groups);
	return status;
}

int fot_compare_tables(struct fot_table *out, const struct fot_table *base, const struct fot_table *new,
		       const struct fot_compare_opts *opts, struct fot_err *err)
{
	struct comparing c = { .base = base, .new = new, .opts = opts, .out = out, .err = err };

	return compare_all(&c);
}

/* Holm over the context lengths of a condition. */
int fot_compare_finish(struct fot_table *out, struct fot_err *err)
{
	static const char *const family[] = { "dataset",    "metric", "prompt_style", "calibration",
					      "layer",      "task",   "own_tokens",   "new_model_variant",
					      "new_memory", NULL };
	const char *key[FOT_GROUP_COLUMNS + 1];

	if (out->n_rows == 0)
		return FOT_FAIL(err, FOT_ERR_COMPARE, "not comparable: BASE holds nothing that was scored");
	fot_columns_append(key, fot_columns_append(key, 0, family), fot_variant_columns);
	return fot_table_adjust(out, 0, key, err);
}

int fot_compare_manifests(const cJSON *base, const cJSON *new, struct fot_err *err)
{
	static const char *const parts[] = { "task_versions", "conventions" };
	struct fot_str text = FOT_STR_INIT;
	int status = FOT_OK;

	for (size_t i = 0; i < FOT_COUNT(parts); i++) {
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

/* --- two conditions under different names ---
 *
 * The rows of NEW's condition get the names of BASE's, and are then compared as any others. */

/* "fot", "fot/knn:128" */
static bool read_condition(struct fot_compare_condition *c, const char *text, size_t n)
{
	const char *slash = memchr(text, '/', n);
	size_t name = slash ? (size_t)(slash - text) : n, memory = slash ? n - name - 1 : 0;

	if (name == 0 || name >= sizeof c->variant || memory >= sizeof c->memory || (slash && memory == 0))
		return false;
	memcpy(c->variant, text, name);
	c->variant[name] = '\0';
	memcpy(c->memory, text + n - memory, memory);
	c->memory[memory] = '\0';
	return true;
}

/* The = between the two: options of a memory hold others. */
static const char *between(const char *text)
{
	const char *slash = strrchr(text, '/'), *equal = strchr(text, '=');

	for (const char *next = equal; slash && next && next < slash; next = strchr(next + 1, '='))
		equal = next;
	return equal;
}

int fot_compare_pair_parse(struct fot_compare_pair *pair, const char *text, struct fot_err *err)
{
	struct fot_compare_condition *side[] = { &pair->base, &pair->new };
	const char *equal = between(text);

	if (!equal || !read_condition(&pair->base, text, (size_t)(equal - text)) ||
	    !read_condition(&pair->new, equal + 1, strlen(equal + 1)) ||
	    !*pair->base.memory != !*pair->new.memory)
		return FOT_FAIL(
			err, FOT_ERR_USAGE,
			"--pair: expected VARIANT=VARIANT or VARIANT/MEMORY=VARIANT/MEMORY, got \"%.80s\"",
			text);
	for (size_t i = 0; i < 2; i++) {
		if (*side[i]->memory && !fot_condition_is_memory(side[i]->memory) &&
		    !fot_condition_has_options(side[i]->memory))
			return FOT_FAIL(err, FOT_ERR_USAGE,
					"--pair: memory: expected " FOT_CONDITION_MEMORIES "got \"%.40s\"",
					side[i]->memory);
	}
	return FOT_OK;
}

static bool fits(const struct fot_table *t, size_t row, const struct fot_compare_condition *c)
{
	return strcmp(fot_table_text(t, row, "model_variant"), c->variant) == 0 &&
	       (!*c->memory || fot_condition_memory_fits(t, row, c->memory));
}

static int take(struct fot_table *out, const struct fot_table *t, const struct fot_compare_condition *c,
		struct fot_err *err)
{
	for (size_t row = 0; row < t->n_rows; row++) {
		if (fits(t, row, c))
			fot_table_copy_shared(out, fot_table_add(out), t, row);
	}
	return fot_table_check(out, err);
}

static void copy_cell(struct fot_table *t, size_t row, const struct fot_table *from, size_t from_row,
		      const char *column)
{
	const struct fot_cell *cell = fot_table_cell(from, from_row, column);

	if (cell->kind == FOT_CELL_TEXT)
		fot_table_set_text(t, row, column, cell->text);
	else if (cell->kind == FOT_CELL_INT)
		fot_table_set_int(t, row, column, cell->i);
	else if (cell->kind == FOT_CELL_REAL)
		fot_table_set_real(t, row, column, cell->x);
	else
		fot_table_set_empty(t, row, column);
}

/* NEW's rows under BASE's name: with a memory in the pair that too. */
static int rename_rows(struct fot_table *new, const struct fot_table *base,
		       const struct fot_compare_pair *pair, struct fot_err *err)
{
	for (size_t row = 0; row < new->n_rows; row++) {
		fot_table_set_text(new, row, "model_variant", pair->base.variant);
		if (!*pair->base.memory)
			continue;
		copy_cell(new, row, base, 0, "memory");
		for (size_t i = 0; fot_memory_columns[i]; i++)
			copy_cell(new, row, base, 0, fot_memory_columns[i]);
	}
	return fot_table_check(new, err);
}

/* What NEW's conditions are called in truth, in the rows from `first` on. */
static int name_rows(struct fot_table *out, size_t first, const struct fot_compare_pair *pair,
		     struct fot_err *err)
{
	for (size_t row = first; row < out->n_rows; row++) {
		struct fot_str memory = FOT_STR_INIT;

		if (*pair->new.memory)
			fot_str_puts(&memory, pair->new.memory);
		else
			fot_condition_memory(&memory, out, row);
		fot_table_set_text(out, row, "new_model_variant", pair->new.variant);
		fot_table_set_str(out, row, "new_memory", &memory);
	}
	return fot_table_check(out, err);
}

static int refuse_side(const struct fot_table *t, const char *side, const struct fot_compare_condition *c,
		  struct fot_err *err)
{
	struct fot_str there = FOT_STR_INIT;
	size_t n = 0;
	int status;

	for (size_t row = 0; row < t->n_rows; row++) {
		if (!fot_table_is_first(t, row, FOT_LIST("model_variant", "memory")) || ++n > CONDITIONS_TOLD)
			continue;
		fot_str_puts(&there, n > 1 ? ", " : "");
		put_condition(&there, t, row);
	}
	fot_str_puts(&there, n > CONDITIONS_TOLD ? ", ..." : "");
	status = fot_str_check(&there, err);
	if (status == FOT_OK)
		status = FOT_FAIL(err, FOT_ERR_COMPARE, "not comparable: conditions: %s: %s has no %s%s%s; it has %s",
				  t->schema->name, side, c->variant, *c->memory ? "/" : "", c->memory,
				  there.len ? there.data : "no rows");
	fot_str_release(&there);
	return status;
}

int fot_compare_paired(struct fot_table *out, const struct fot_table *base, const struct fot_table *new,
		       const struct fot_compare_pair *pair, const struct fot_compare_opts *opts,
		       struct fot_err *err)
{
	struct fot_table a, b;
	struct comparing c = {
		.base = &a, .new = &b, .opts = opts, .other_memory = *pair->base.memory, .out = out, .err = err
	};
	size_t first = out->n_rows;
	int status;

	fot_table_init(&a, base->schema);
	fot_table_init(&b, new->schema);
	FOT_TRY(take(&a, base, &pair->base, err));
	FOT_TRY(take(&b, new, &pair->new, err));
	if (a.n_rows == 0 && b.n_rows == 0)
		goto out;
	if (a.n_rows == 0 || b.n_rows == 0) {
		status = a.n_rows ? refuse_side(new, "NEW", &pair->new, err) :
				    refuse_side(base, "BASE", &pair->base, err);
		goto out;
	}
	FOT_TRY(rename_rows(&b, &a, pair, err));
	FOT_TRY(compare_all(&c));
	status = name_rows(out, first, pair, err);
out:
	fot_table_release(&a);
	fot_table_release(&b);
	return status;
}
