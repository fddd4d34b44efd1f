/* effective.c: see effective.h. */
#include "harness/report/effective.h"

#include <stdio.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "harness/report/span.h"
#include "harness/tables/groups.h"
#include "harness/tables/labels.h"

struct builder {
	struct fot_table *out;
	const struct fot_table *in;
	const struct fot_measured_task *task;
	const char *run; /* its name */
	uint64_t seed;
	struct fot_groups groups; /* of the run: conditions at places */
	struct fot_err *err;
};

/* One condition over its lengths. */
struct family {
	size_t *group; /* [n] by length */
	size_t n;
	size_t row; /* a row of it */
};

struct found {
	int64_t value, lo, hi; /* lengths */
	bool has_value, has_interval;
	size_t n_items, n_clusters, n_lengths;
	int64_t longest;
	const char *method, *status;
};

static size_t first(const struct builder *b, size_t group)
{
	return b->groups.at[group].row[0];
}

static int64_t length_of(const struct builder *b, size_t group)
{
	return fot_table_int(b->in, first(b, group), "context_length", 0);
}

static bool same_family(const struct builder *b, size_t g, size_t h)
{
	return fot_table_same_all(b->in, first(b, g), b->in, first(b, h), fot_condition_columns) &&
	       fot_measured_same_place(b->task, b->in, first(b, g), b->in, first(b, h), "context_length");
}

/* What was skipped or failed at a length says nothing of the others. */
static bool is_measured(const struct builder *b, size_t group)
{
	return fot_rows_with_status(&b->groups.at[group], "ok") > 0;
}

/* False where group g is not the first of its family that was measured. */
static bool find_family(struct family *f, const struct builder *b, size_t g)
{
	if (!is_measured(b, g))
		return false;
	f->n = 0;
	f->row = first(b, g);
	for (size_t h = 0; h < b->groups.n; h++) {
		size_t at = f->n;

		if (!same_family(b, g, h) || !is_measured(b, h))
			continue;
		if (h < g)
			return false;
		for (; at > 0 && length_of(b, f->group[at - 1]) > length_of(b, h); at--)
			f->group[at] = f->group[at - 1];
		f->group[at] = h;
		f->n++;
	}
	return true;
}

static bool asked_of(const struct builder *b, const struct family *f)
{
	const char *mode = fot_table_text(b->in, f->row, "memory_mode");

	if (f->n < FOT_EFFECTIVE_LENGTHS ||
	    (b->task->detail && fot_table_has(b->in, f->row, b->task->detail)))
		return false;
	return b->task->enough > 0 || (fot_measure_is_rate(&b->task->measure[0]) &&
				       !(b->task->of_memory && strcmp(mode, "none") == 0));
}

/* --- rates --- */

static int falling(struct found *out, const struct builder *b, const struct fot_group *rows)
{
	struct fot_boot boot = fot_rows_boot(rows, b->seed);
	struct fot_span l;
	struct fot_falling fall;
	int status;

	FOT_TRY(fot_span_init(&l, rows, b->err));
	FOT_TRY(fot_stats_falling(&fall, l.num, l.texts.den, l.texts.n, l.n, &boot, b->err));
	*out = (struct found){ .has_value = fall.has_value,
			       .has_interval = fall.has_interval,
			       .n_items = l.texts.n_items,
			       .n_clusters = l.texts.n,
			       .n_lengths = l.n,
			       .longest = l.length[l.n - 1],
			       .method = "max-t-bootstrap",
			       .status = fall.status };
	if (fall.has_value)
		out->value = l.length[fall.value];
	if (fall.has_interval) {
		out->lo = l.length[fall.lo];
		out->hi = l.length[fall.hi];
	}
out:
	fot_span_release(&l);
	return status;
}

static int find_falling(struct found *out, const struct builder *b, const struct family *f)
{
	struct fot_group rows = { .t = b->in, .row = fot_alloc(b->in->n_rows, sizeof *rows.row) };
	int status;

	if (!rows.row)
		return FOT_NO_MEMORY(b->err, "report");
	for (size_t i = 0; i < f->n; i++)
		for (size_t k = 0; k < b->groups.at[f->group[i]].n; k++)
			rows.row[rows.n++] = b->groups.at[f->group[i]].row[k];
	status = falling(out, b, &rows);
	fot_free(rows.row);
	return status;
}

/* --- shares --- */

/* The length goes on where everything up to here was enough. */
static void reach(int64_t *to, bool *on, bool enough, int64_t length)
{
	*on = *on && enough;
	if (*on)
		*to = length;
}

static int find_enough(struct found *out, const struct builder *b, const struct family *f)
{
	double enough = b->task->enough, level = 1 - (1 - FOT_STATS_LEVEL) / (double)f->n;
	bool value = true, lo = true, hi = true;

	*out = (struct found){ .has_value = true,
			       .has_interval = true,
			       .n_lengths = f->n,
			       .longest = length_of(b, f->group[f->n - 1]),
			       .method = "bonferroni",
			       .status = "ok" };
	for (size_t i = 0; i < f->n; i++) {
		const struct fot_group *g = &b->groups.at[f->group[i]];
		struct fot_measured m;
		int status = fot_measure_at_level(&m, &b->task->measure[0], g, b->seed, level, b->err);

		if (status != FOT_OK)
			return status;
		out->n_items = i == 0 || m.n_items < out->n_items ? m.n_items : out->n_items;
		out->n_clusters = i == 0 || m.n_clusters < out->n_clusters ? m.n_clusters : out->n_clusters;
		out->has_value = out->has_value && m.e.has_value;
		out->has_interval = out->has_interval && m.e.has_interval;
		out->status = strcmp(out->status, "ok") == 0 ? m.e.status : out->status;
		reach(&out->value, &value, m.e.has_value && m.e.value >= enough, length_of(b, f->group[i]));
		reach(&out->lo, &lo, m.e.has_interval && m.e.lo >= enough, length_of(b, f->group[i]));
		reach(&out->hi, &hi, m.e.has_interval && m.e.hi >= enough, length_of(b, f->group[i]));
	}
	return FOT_OK;
}

/* --- rows --- */

static void write_row(struct builder *b, const struct family *f, const struct found *x)
{
	static const char *const per_length[] = { "context_length", "memory_tokens", NULL };
	size_t row = fot_table_add(b->out);

	fot_table_copy_shared(b->out, row, b->in, f->row);
	for (size_t i = 0; per_length[i]; i++)
		fot_table_set_empty(b->out, row, per_length[i]);
	fot_table_set_text(b->out, row, "run", b->run);
	fot_table_set_text(b->out, row, "metric", b->task->measure[0].metric);
	fot_table_set_text(b->out, row, "status", x->status);
	if (b->task->enough > 0)
		fot_table_set_real(b->out, row, "enough", b->task->enough);
	if (x->has_value)
		fot_table_set_int(b->out, row, "effective_length", x->value);
	if (x->has_value && x->has_interval) {
		fot_table_set_int(b->out, row, "effective_low", x->lo);
		fot_table_set_int(b->out, row, "effective_high", x->hi);
		fot_table_set_real(b->out, row, "ci_level", FOT_STATS_LEVEL);
		fot_table_set_text(b->out, row, "ci_method", x->method);
	}
	fot_table_set_int(b->out, row, "longest_length", x->longest);
	fot_table_set_int(b->out, row, "n_lengths", (int64_t)x->n_lengths);
	fot_table_set_int(b->out, row, "n_items", (int64_t)x->n_items);
	fot_table_set_int(b->out, row, "n_clusters", (int64_t)x->n_clusters);
}

static int build_run(struct builder *b, const struct fot_report_run *run)
{
	struct family f = { 0 };
	int status;

	b->run = run->name;
	FOT_TRY(fot_measured_groups(&b->groups, b->in, run->first, run->last, fot_condition_columns, b->task,
				    NULL, b->err));
	f.group = fot_alloc(b->groups.n, sizeof *f.group);
	if (!f.group) {
		status = FOT_NO_MEMORY(b->err, "report");
		goto out;
	}
	for (size_t g = 0; g < b->groups.n; g++) {
		struct found x = { 0 };

		if (!find_family(&f, b, g) || !asked_of(b, &f))
			continue;
		FOT_TRY(b->task->enough > 0 ? find_enough(&x, b, &f) : find_falling(&x, b, &f));
		write_row(b, &f, &x);
	}
out:
	fot_free(f.group);
	fot_groups_release(&b->groups);
	return status;
}

int fot_effective_build(struct fot_table *out, const struct fot_table *rows, const struct fot_report_run *run,
			size_t n_runs, uint64_t seed, struct fot_err *err)
{
	struct builder b = {
		.out = out, .in = rows, .task = fot_measured_task(rows->schema), .seed = seed, .err = err
	};
	int status = FOT_OK;

	for (size_t r = 0; r < n_runs && b.task && status == FOT_OK; r++)
		status = build_run(&b, &run[r]);
	return status == FOT_OK ? fot_table_check(out, err) : status;
}

/* --- the table --- */

/* "32k", "none" for not even the shortest; where it is the longest that was measured, at least that. */
static void put_length(const struct fot_sheet *s, const struct fot_table *t, size_t row, const char *column)
{
	int64_t length = fot_table_int(t, row, column, 0);

	if (!fot_table_has(t, row, column))
		fot_str_puts(s->out, "--");
	else if (length == 0)
		fot_str_puts(s->out, "none");
	else {
		if (length == fot_table_int(t, row, "longest_length", -1))
			fot_str_puts(s->out, s->format == FOT_LATEX ? "$\\ge$ " : "\xe2\x89\xa5 ");
		fot_label_length(s->out, length);
	}
}

static void put_line(struct fot_sheet *s, const struct fot_table *t, size_t row)
{
	const char *style = fot_table_text(t, row, "prompt_style");

	fot_sheet_name(s, fot_table_text(t, row, "run"));
	fot_sheet_name(s, fot_table_text(t, row, "model_variant"));
	fot_sheet_cell(s);
	fot_put_memory(s->out, t, row, s->format);
	fot_sheet_name(s, fot_table_text(t, row, "task"));
	fot_sheet_name(s, fot_table_text(t, row, "dataset"));
	fot_str_puts(s->out, *style ? ", " : "");
	fot_put_name(s->out, style, s->format);
	fot_sheet_cell(s);
	put_length(s, t, row, "effective_length");
	fot_sheet_cell(s);
	put_length(s, t, row, "effective_low");
	fot_str_puts(s->out, " to ");
	put_length(s, t, row, "effective_high");
	fot_sheet_cell(s);
	fot_str_printf(s->out, "%lld", (long long)fot_table_int(t, row, "n_lengths", 0));
}

static void put_legend(struct fot_str *out, enum fot_format format)
{
	char text[512];

	snprintf(
		text, sizeof text,
		"The longest context length up to which a rate falls with every length, or a share is at least %.0f per cent at every "
		"length. Lengths at which nothing was measured are left out. The %.0f per cent interval is simultaneous over the "
		"lengths: up to its first length that is sure, up to its second it may be. ",
		100 * FOT_EFFECTIVE_SHARE, 100 * FOT_STATS_LEVEL);
	fot_put_name(out, text, format);
	fot_str_puts(out, format == FOT_LATEX ? "$\\ge$" : "\xe2\x89\xa5");
	fot_str_puts(out, ": the longest that was measured; it may be longer.");
}

int fot_effective_print(struct fot_str *out, const struct fot_table *t, enum fot_format format,
			struct fot_err *err)
{
	static const char *const headings[] = { "run",     "model",     "memory",   "task",
						"dataset", "effective", "interval", "lengths" };
	struct fot_sheet s = {
		.out = out, .format = format, .heading = headings, .columns = "lllllrrr", .right = true
	};

	if (t->n_rows == 0)
		return FOT_OK;
	fot_str_puts(out, format == FOT_LATEX ? "\\section*{Effective context length}\n" :
						"# Effective context length\n\n");
	put_legend(out, format);
	fot_str_puts(out, format == FOT_LATEX ? "\n\n{\\small\n" : "\n\n");
	fot_sheet_begin(&s);
	for (size_t row = 0; row < t->n_rows; row++)
		put_line(&s, t, row);
	fot_sheet_end(&s);
	fot_str_puts(out, format == FOT_LATEX ? "}\n" : "");
	return fot_str_check(out, err);
}
