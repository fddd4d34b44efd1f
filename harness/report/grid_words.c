/* grid_words.c: sentences about the cells of a grid; see fot_grid_words. */
#include <stdlib.h>
#include <string.h>

#include "harness/report/grid_impl.h"
#include "harness/tables/stats.h"

static bool span(const struct fot_grid *g, const char *column, int64_t *lo, int64_t *hi)
{
	bool any = false;

	*lo = *hi = 0;
	for (size_t i = 0; i < g->n_lines * g->n_columns; i++) {
		int64_t x;

		if (g->row[i] == SIZE_MAX || !fot_table_has(g->t, g->row[i], column))
			continue;
		x = fot_table_int(g->t, g->row[i], column, 0);
		*lo = !any || x < *lo ? x : *lo;
		*hi = !any || x > *hi ? x : *hi;
		any = true;
	}
	return any;
}

int64_t fot_grid_most(const struct fot_grid *g, const char *column)
{
	int64_t lo, hi;

	span(g, column, &lo, &hi);
	return hi;
}

/* noun: of one; NULL: none */
static void range(struct fot_str *out, const struct fot_grid *g, const char *column, const char *noun)
{
	int64_t lo, hi;

	span(g, column, &lo, &hi);
	if (lo < hi)
		fot_str_printf(out, "%lld to %lld", (long long)lo, (long long)hi);
	else
		fot_str_printf(out, "%lld", (long long)lo);
	if (noun)
		fot_str_printf(out, " %s%s", noun, lo == hi && lo == 1 ? "" : "s");
}

/* --- words of their own --- */

static void chance(struct fot_str *out, const struct fot_grid *g)
{
	double p = fot_table_real(g->t, g->line[0], "chance_level", 0);

	if (p > 0.0005)
		fot_str_printf(out, " Chance: %.1f %%.", 100 * p);
	else if (p > 0)
		fot_str_printf(out, " Chance: 1 in %.0f.", 1 / p);
}

static void majority(struct fot_str *out, const struct fot_grid *g)
{
	if (fot_table_has(g->t, g->line[0], "majority_level"))
		fot_str_printf(out, " Always the commonest label: %.1f %%.",
			       100 * fot_table_real(g->t, g->line[0], "majority_level", 0));
}

/* Copies of a text are no further evidence. */
static void texts(struct fot_str *out, const struct fot_grid *g)
{
	int64_t n = fot_grid_most(g, "n_clusters");

	if (n)
		fot_str_printf(out, " Warning: some documents hold the same text (%lld different text%s): copies of a text are drawn "
			       "as one.%s",
			       (long long)n, n == 1 ? "" : "s", n == 1 ? " One text: no interval." : "");
}

static void draws(struct fot_str *out, const struct fot_grid *g)
{
	(void)g;
	fot_str_printf(out, "%d", FOT_STATS_DRAWS);
}

static const struct {
	const char *name;
	void (*put)(struct fot_str *out, const struct fot_grid *g);
} words[] = {
	{ "chance", chance }, { "majority", majority }, { "texts", texts }, { "draws", draws }, { "common", fot_grid_common },
};

/* --- columns --- */

/* Of "text|other" the half that holds; more: all of it, in a buffer of its own. */
static void either(struct fot_str *out, char *more, bool holds)
{
	char *other = strchr(more, '|');

	if (other)
		*other = '\0';
	fot_str_puts(out, holds ? more : other ? other + 1 : "");
}

static bool is_word(const struct fot_grid *g, const char *column, const char *word)
{
	return strcmp(fot_table_text(g->t, g->line[0], column), word) == 0;
}

/* name: what stands before the sign; more: behind it. */
static void put_column(struct fot_str *out, const struct fot_grid *g, char *name, char sign, char *more)
{
	char *question;

	switch (sign) {
	case ':':
		range(out, g, name, more);
		break;
	case '#':
		if (fot_grid_most(g, name) == 0)
			break;
		fot_str_puts(out, " (");
		range(out, g, name, NULL);
		fot_str_printf(out, " %s)", more);
		break;
	case '?':
		either(out, more, fot_table_has(g->t, g->line[0], name));
		break;
	case '=':
		question = strchr(more, '?');
		*question = '\0';
		either(out, question + 1, is_word(g, name, more));
		break;
	case '~':
		either(out, more, fot_grid_varies(g, name));
		break;
	default:
		range(out, g, name, NULL);
	}
}

static void put(struct fot_str *out, const struct fot_grid *g, char *inside)
{
	size_t n = strcspn(inside, ":#?=~");
	char sign = inside[n];

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcmp(words[i].name, inside) == 0) {
			words[i].put(out, g);
			return;
		}
	}
	inside[n] = '\0';
	put_column(out, g, inside, sign, sign ? inside + n + 1 : NULL);
}

void fot_grid_words(struct fot_str *out, const struct fot_grid *g, const char *text)
{
	for (const char *end; *text; text = *end ? end + 1 : end) {
		size_t n = strcspn(text, "{");
		char inside[512];

		fot_str_add(out, text, n);
		if (!text[n])
			return;
		end = text + n + strcspn(text + n, "}");
		n = (size_t)(end - (text + n + 1));
		memcpy(inside, end - n, n < sizeof inside ? n : sizeof inside - 1);
		inside[n < sizeof inside ? n : sizeof inside - 1] = '\0';
		put(out, g, inside);
	}
}
