/* plotseries.c: conditions, their looks, and the panels and series of a figure; see plotdata.h.
 *
 * Looks 1 to 6 are those of the fixed variants, 13 is that of the vote of bags of words; any other variant has one of 7 to 12 by a hash of its
 * name, the next free one if another variant of the summary has it. Dashes: 1 no memory, 2 dense, 3 cached
 * window, 4 to 7 knn, the fewest keys of a summary first. */
#include <string.h>

#include "base/mem.h"
#include "base/quote.h"
#include "harness/report/plotdata.h"
#include "harness/tables/labels.h"

#define N_LOOKS 12 /* of models */
#define N_DASHES 7
#define FIRST_KNN 4

static const char *const fixed[] = { "local", "vanilla", "fot", "fot-d1", "memorizing", "transformer-xl" };
#define N_FIXED ((int)(sizeof fixed / sizeof fixed[0]))
static const char bow[] = "bow"; /* no model: has no memory to speak of */

/* What names tell apart, in this order; what makes two rows lines of their own is fot_condition_columns. */
static const char *const columns[] = { "model_variant", "memory_mode", "top_k", "mem_dtype",
				       "window",        "model",       NULL };

/* What makes a line of its own of a kind of memory; its ends are the model. */
static const char *const kind_columns[] = { "memory_mode", "model", "model_variant", NULL };
static const char *const *const model_columns = kind_columns + 1;

bool fot_plot_same_series(const struct fot_plot_conditions *c, size_t row, size_t other)
{
	return fot_table_same_all(c->t, row, c->t, other, c->kinds ? kind_columns : fot_condition_columns);
}

/* --- names --- */

static void put_name(struct fot_str *out, const struct fot_table *t, size_t row, bool kind)
{
	const char *mode = fot_table_text(t, row, "memory_mode");

	fot_str_puts(out, fot_table_text(t, row, "model_variant"));
	if (strcmp(fot_table_text(t, row, "model_variant"), bow) == 0)
		fot_str_puts(out, " (bag of words)");
	else if (strcmp(mode, "none") == 0)
		fot_str_puts(out, " (no memory)");
	else if (strcmp(mode, "xl") == 0)
		fot_str_puts(out, " (cached window)");
	else if (!kind && fot_table_has(t, row, "memory"))
		fot_str_printf(out, " (%s memory)", fot_table_text(t, row, "memory"));
	else if (!kind && strcmp(mode, "knn") == 0)
		fot_str_printf(out, " (knn:%lld memory)", (long long)fot_table_int(t, row, "top_k", 0));
	else
		fot_str_printf(out, " (%s memory)", mode);
}

/* Does another condition agree in variant, memory and all further columns before i, and differ in i? */
static bool tells_apart(const struct fot_plot_conditions *c, size_t at, size_t i)
{
	for (size_t k = 0; k < c->n; k++) {
		bool alike = !fot_table_same(c->t, c->at[at].row, c->t, c->at[k].row, columns[i]);

		for (size_t j = 0; j < i && alike; j++)
			alike = fot_table_same(c->t, c->at[at].row, c->t, c->at[k].row, columns[j]);
		if (alike)
			return true;
	}
	return false;
}

/* The model of a condition among those of all, from 1, in the order of their first rows. */
static size_t model_of(const struct fot_plot_conditions *c, size_t at)
{
	size_t n = 1, k = 0;

	for (; k < at && !fot_table_same_all(c->t, c->at[k].row, c->t, c->at[at].row, model_columns); k++) {
		bool new = true;

		for (size_t i = 0; i < k && new; i++)
			new = !fot_table_same_all(c->t, c->at[i].row, c->t, c->at[k].row, model_columns);
		n += new;
	}
	return n;
}

static bool several_models(const struct fot_plot_conditions *c)
{
	for (size_t k = 1; k < c->n; k++)
		if (!fot_table_same_all(c->t, c->at[0].row, c->t, c->at[k].row, model_columns))
			return true;
	return false;
}

static bool name_all(struct fot_plot_conditions *c)
{
	bool kind_alone = c->kinds && !several_models(c);

	for (size_t at = 0; at < c->n; at++) {
		struct fot_str name = FOT_STR_INIT;
		size_t row = c->at[at].row;

		if (kind_alone)
			fot_str_puts(&name, fot_table_text(c->t, row, "memory_mode"));
		else
			put_name(&name, c->t, row, c->kinds);
		if (!c->kinds && tells_apart(c, at, 3))
			fot_str_printf(&name, ", keys in %s", fot_table_text(c->t, row, "mem_dtype"));
		if (!c->kinds && tells_apart(c, at, 4))
			fot_str_printf(&name, ", window %lld",
				       (long long)fot_table_int(c->t, row, "window", 0));
		if (tells_apart(c, at, 5))
			fot_str_printf(&name, ", %s", fot_table_text(c->t, row, "model"));
		c->at[at].name = name.failed ? NULL : fot_strdup(name.data);
		fot_str_release(&name);
		if (!c->at[at].name)
			return false;
	}
	return true;
}

/* --- looks --- */

static const char *text_of(const struct fot_plot_conditions *c, size_t at, const char *column)
{
	return fot_table_text(c->t, c->at[at].row, column);
}

/* FNV-1a */
static uint32_t hash_of(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return h;
}

/* The look of the same variant before at; else one that no variant before it has. */
static int choose_look(const struct fot_plot_conditions *c, size_t at)
{
	const char *variant = text_of(c, at, "model_variant");
	int first;

	for (int i = 0; i < N_FIXED; i++)
		if (strcmp(variant, fixed[i]) == 0)
			return i + 1;
	if (strcmp(variant, bow) == 0)
		return N_LOOKS + 1;
	for (size_t k = 0; k < at; k++)
		if (strcmp(text_of(c, k, "model_variant"), variant) == 0)
			return c->at[k].look;
	first = (int)(hash_of(variant) % (N_LOOKS - N_FIXED));
	for (int i = 0; i < N_LOOKS - N_FIXED; i++) {
		int look = N_FIXED + 1 + (first + i) % (N_LOOKS - N_FIXED);
		bool taken = false;

		for (size_t k = 0; k < at; k++)
			taken = taken || c->at[k].look == look;
		if (!taken)
			return look;
	}
	return N_FIXED + 1 + first;
}

/* Numbers of keys below this one in the summary. */
static int keys_below(const struct fot_plot_conditions *c, size_t at)
{
	int64_t k = fot_table_int(c->t, c->at[at].row, "top_k", 0);
	int n = 0;

	for (size_t i = 0; i < c->n; i++) {
		int64_t x = fot_table_int(c->t, c->at[i].row, "top_k", 0);
		bool new = x > 0 && x < k;

		for (size_t j = 0; j < i && new; j++)
			new = fot_table_int(c->t, c->at[j].row, "top_k", 0) != x;
		n += new;
	}
	return n;
}

static int choose_dash(const struct fot_plot_conditions *c, size_t at)
{
	static const char *const modes[] = { "none", "dense", "xl" };
	const char *mode = text_of(c, at, "memory_mode");

	for (int i = 0; i < FIRST_KNN - 1; i++)
		if (strcmp(mode, modes[i]) == 0)
			return i + 1;
	return FIRST_KNN + keys_below(c, at) % (N_DASHES - FIRST_KNN + 1);
}

/* Two lines of one variant and memory, of different models say, still have to differ. */
static void set_apart(struct fot_plot_conditions *c, size_t at)
{
	for (int tries = 0; tries < N_LOOKS; tries++) {
		bool taken = false;

		for (size_t k = 0; k < at; k++)
			taken = taken || (c->at[k].look == c->at[at].look && c->at[k].dash == c->at[at].dash);
		if (!taken)
			return;
		c->at[at].look = c->at[at].look % N_LOOKS + 1;
	}
}

int fot_plot_conditions_init(struct fot_plot_conditions *c, const struct fot_table *summary, bool kinds,
			     struct fot_err *err)
{
	size_t n = summary->n_rows;

	*c = (struct fot_plot_conditions){ .t = summary, .kinds = kinds };
	c->at = fot_calloc(n, sizeof *c->at);
	if (!c->at)
		return FOT_NO_MEMORY(err, "plot");
	for (size_t row = 0; row < n; row++) {
		size_t at = 0;

		while (at < c->n && !fot_plot_same_series(c, row, c->at[at].row))
			at++;
		if (at == c->n)
			c->at[c->n++].row = row;
	}
	for (size_t at = 0; at < c->n; at++) {
		c->at[at].look = kinds ? (int)(at % N_LOOKS) + 1 : choose_look(c, at);
		c->at[at].dash = kinds ? FIRST_KNN + (int)(at / N_LOOKS % 4) : choose_dash(c, at);
		set_apart(c, at);
	}
	return name_all(c) ? FOT_OK : FOT_NO_MEMORY(err, "plot");
}

void fot_plot_conditions_release(struct fot_plot_conditions *c)
{
	for (size_t i = 0; i < c->n; i++)
		fot_free(c->at[i].name);
	fot_free(c->at);
}

/* --- panels and series of a figure --- */

int fot_plot_places_init(struct fot_plot_places *p, const struct fot_plot_conditions *c, struct fot_err *err)
{
	*p = (struct fot_plot_places){ .c = c };
	p->panel = fot_calloc(c->t->n_rows, sizeof *p->panel);
	p->series = fot_alloc(c->n, sizeof *p->series);
	return p->panel && p->series ? FOT_OK : FOT_NO_MEMORY(err, "plot");
}

void fot_plot_places_release(struct fot_plot_places *p)
{
	for (size_t i = 0; i < p->n_panels; i++)
		fot_free(p->panel[i]);
	fot_free(p->panel);
	fot_free(p->series);
}

size_t fot_plot_panel(struct fot_plot_places *p, const char *name)
{
	for (size_t i = 0; i < p->n_panels; i++)
		if (strcmp(p->panel[i], name) == 0)
			return i + 1;
	p->panel[p->n_panels] = fot_strdup(name);
	return p->panel[p->n_panels] ? ++p->n_panels : 0;
}

size_t fot_plot_series(struct fot_plot_places *p, size_t row)
{
	const struct fot_plot_conditions *c = p->c;
	size_t at = 0;

	while (!fot_plot_same_series(c, row, c->at[at].row))
		at++;
	for (size_t i = 0; i < p->n_series; i++)
		if (p->series[i] == at)
			return i + 1;
	p->series[p->n_series++] = at;
	return p->n_series;
}

/* A line of the file of names: "panel" or "series", number, name. */
static void put_label(struct fot_str *out, const char *kind, size_t place, const char *name)
{
	fot_str_printf(out, "%s\t%zu\t", kind, place);
	fot_quote_gnuplot(out, name);
	fot_str_putc(out, '\n');
}

/* For style.gp, which knows the looks of kinds by their words; one that is none has no word here, since texts of a summary
 * must not come into a script. */
static void put_kinds(struct fot_str *names, const struct fot_plot_places *p)
{
	fot_str_printf(names, "array kind[%zu] = [", p->n_series);
	for (size_t i = 0; i < p->n_series; i++) {
		const char *word = text_of(p->c, p->series[i], "memory_mode");

		fot_str_printf(names, "%s\"%s\"", i ? ", " : "", fot_condition_is_memory(word) ? word : "");
	}
	fot_str_printf(names, "]\narray model[%zu] = [", p->n_series);
	for (size_t i = 0; i < p->n_series; i++)
		fot_str_printf(names, "%s%zu", i ? ", " : "", model_of(p->c, p->series[i]));
	fot_str_puts(names, "]\n");
}

void fot_plot_put_places(struct fot_plot_text *out, const struct fot_plot_places *p)
{
	struct fot_str *names = &out->names;

	fot_str_printf(names, "n_datasets = %zu\nn_series = %zu\narray look[%zu] = [", p->n_panels,
		       p->n_series, p->n_series);
	for (size_t i = 0; i < p->n_series; i++)
		fot_str_printf(names, "%s%d", i ? ", " : "", p->c->at[p->series[i]].look);
	fot_str_printf(names, "]\narray dash[%zu] = [", p->n_series);
	for (size_t i = 0; i < p->n_series; i++)
		fot_str_printf(names, "%s%d", i ? ", " : "", p->c->at[p->series[i]].dash);
	fot_str_puts(names, "]\n");
	if (p->c->kinds)
		put_kinds(names, p);
	for (size_t i = 0; i < p->n_panels; i++)
		put_label(&out->labels, "panel", i + 1, p->panel[i]);
	for (size_t i = 0; i < p->n_series; i++)
		put_label(&out->labels, "series", i + 1, p->c->at[p->series[i]].name);
}

/* --- what a memory is worth in training --- */

struct key {
	int64_t step;
	const char *dataset;
};

/* nll of a validation at a memory size; false if there is none. */
static bool nll_at(const struct fot_table *t, const struct key *k, int64_t windows, double *nll)
{
	for (size_t r = 0; r < t->n_rows; r++)
		if (fot_table_int(t, r, "step", -1) == k->step &&
		    fot_table_int(t, r, "memory_windows", -1) == windows &&
		    strcmp(fot_table_text(t, r, "dataset"), k->dataset) == 0) {
			*nll = fot_table_real(t, r, "nll_nats", 0);
			return true;
		}
	return false;
}

static int64_t largest_memory(const struct fot_table *t, int64_t *tokens)
{
	int64_t most = 0;

	*tokens = 0;
	for (size_t r = 0; r < t->n_rows; r++)
		if (fot_table_int(t, r, "memory_windows", 0) > most) {
			most = fot_table_int(t, r, "memory_windows", 0);
			*tokens = fot_table_int(t, r, "memory_tokens", 0);
		}
	return most;
}

static void put_row(struct fot_plot_text *out, const struct fot_table *t, size_t row, size_t series,
		    int64_t most)
{
	const char *dataset = fot_table_text(t, row, "dataset");
	struct key k = { fot_table_int(t, row, "step", 0), dataset };
	double with, without;

	if (fot_table_int(t, row, "memory_windows", -1) != 0 || !nll_at(t, &k, 0, &without) ||
	    !nll_at(t, &k, most, &with))
		return;
	fot_str_printf(&out->data, "%zu,%lld,", series, (long long)fot_table_int(t, row, "tokens", 0));
	fot_str_double(&out->data, without - with);
	fot_str_putc(&out->data, ',');
	fot_quote_csv(&out->data, dataset);
	fot_str_putc(&out->data, '\n');
	out->n_points++;
}

/* One series per dataset, in the order of their first rows; returns their number. */
static size_t put_series(struct fot_plot_text *out, const struct fot_table *t, int64_t most)
{
	size_t n = 0;

	for (size_t first = 0; first < t->n_rows; first++) {
		if (!fot_table_is_first(t, first, FOT_LIST("dataset")))
			continue;
		put_label(&out->labels, "series", ++n, fot_table_text(t, first, "dataset"));
		for (size_t row = first; row < t->n_rows; row++)
			if (fot_table_same(t, row, t, first, "dataset"))
				put_row(out, t, row, n, most);
	}
	return n;
}

int fot_worth_text(struct fot_plot_text *out, const struct fot_table *valid, struct fot_err *err)
{
	int64_t tokens, most = largest_memory(valid, &tokens);
	size_t n;
	int status;

	*out = (struct fot_plot_text){ 0 };
	fot_str_puts(&out->data, "series,tokens,worth_nats,dataset\n");
	n = most > 0 ? put_series(out, valid, most) : 0;
	fot_str_printf(&out->names, "# Written by fotbench plot.\nmemory_tokens = %lld\nn_series = %zu\n",
		       (long long)tokens, n);
	fot_str_printf(&out->names, "array look[%zu]\narray dash[%zu]\n", n, n);
	for (size_t i = 1; i <= n; i++)
		fot_str_printf(&out->names, "look[%zu] = %zu\ndash[%zu] = 4\n", i, (i - 1) % 12 + 1, i);
	/* The shared style wants a panel and lengths; this figure has one of each. */
	fot_str_puts(&out->names, "n_datasets = 1\nn_lengths = 1\nx_low = 1.0\nx_high = 1.0\n");
	FOT_TRY(fot_str_check(&out->data, err));
	FOT_TRY(fot_str_check(&out->labels, err));
	FOT_TRY(fot_str_check(&out->names, err));
out:
	return status;
}
