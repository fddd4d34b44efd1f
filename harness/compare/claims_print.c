/* claims_print.c: claims with verdicts as Markdown, LaTeX (booktabs) and HTML; see claims.h. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/list.h"
#include "harness/compare/claims.h"
#include "harness/report/measures.h"
#include "harness/tables/labels.h"

static const char *const verdicts[] = { "reproduced", "not reproduced", "undecided" };

struct printer {
	struct fot_str *out;
	const struct fot_table *t;
	enum fot_format format;
	bool latex, html; /* of format; else Markdown */
};

static void put(const struct printer *p, const char *text)
{
	fot_put_name(p->out, text, p->format);
}

static const char *text(const struct printer *p, size_t row, const char *column)
{
	return fot_table_text(p->t, row, column);
}

static const char *const claim_columns[] = { "claim_id", "run", NULL };

static bool same_claim(const struct printer *p, size_t a, size_t b)
{
	return fot_table_same_all(p->t, a, p->t, b, claim_columns);
}

/* The first row of a claim in a run. */
static bool begins(const struct printer *p, size_t row)
{
	return fot_table_is_first(p->t, row, claim_columns);
}

static size_t count(const struct printer *p, size_t claim, const char *verdict)
{
	size_t n = 0;

	for (size_t r = claim; r < p->t->n_rows; r++)
		n += same_claim(p, r, claim) && strcmp(text(p, r, "verdict"), verdict) == 0;
	return n;
}

static bool several_runs(const struct printer *p)
{
	for (size_t r = 1; r < p->t->n_rows; r++) {
		if (!fot_table_same(p->t, 0, p->t, r, "run"))
			return true;
	}
	return false;
}

/* Shown as it is, its changes in per cent. */
static bool is_rate(const struct printer *p, size_t row)
{
	return fot_measure_of(p->t, row)->kind == FOT_MEASURE_EXP;
}

static bool is_share(const struct printer *p, size_t row)
{
	return fot_measure_is_percent(fot_measure_of(p->t, row));
}

static void signed_number(const struct printer *p, double x, int digits)
{
	fot_put_number(p->out, x, digits, true, p->format);
}

/* 7.524, 94.0 %, 0.250; gains: ratios of rates as 0.912, changes of accuracy as -12.5. */
static void value(const struct printer *p, size_t row, const char *column, bool ours)
{
	double x = fot_table_real(p->t, row, column, 0);
	bool gain = fot_table_int(p->t, row, "gain", 0) == 1;

	if (!fot_table_has(p->t, row, column))
		fot_str_putc(p->out, '-');
	else if (is_share(p, row) && gain)
		signed_number(p, 100 * x, 1);
	else if (is_share(p, row))
		fot_str_printf(p->out, p->latex ? "%.1f \\%%" : "%.1f %%", 100 * x);
	else if (is_rate(p, row) && !gain)
		fot_str_printf(p->out, ours ? "%.3f" : "%.5g", x);
	else
		fot_str_printf(p->out, "%.3f", x);
}

/* Change of a rate in per cent, percentage points, or the metric's own unit. */
static double shown(const struct printer *p, size_t row, const char *column)
{
	double x = fot_table_real(p->t, row, column, 0);

	return is_rate(p, row) ? 100 * expm1(x) : is_share(p, row) ? 100 * x : x;
}

static void difference(const struct printer *p, size_t row)
{
	bool percent = is_rate(p, row);
	int digits = percent || is_share(p, row) ? 1 : 3;

	if (!fot_table_has(p->t, row, "delta")) {
		fot_str_putc(p->out, '-');
		return;
	}
	signed_number(p, shown(p, row, "delta"), digits);
	if (percent)
		fot_str_puts(p->out, p->latex ? " \\%" : " %");
	if (fot_table_has(p->t, row, "delta_ci_low")) {
		fot_str_puts(p->out, " [");
		signed_number(p, shown(p, row, "delta_ci_low"), digits);
		fot_str_puts(p->out, ", ");
		signed_number(p, shown(p, row, "delta_ci_high"), digits);
		fot_str_putc(p->out, ']');
	}
	if (fot_table_has(p->t, row, "p_adjusted"))
		fot_str_printf(p->out, " p %.2g", fot_table_real(p->t, row, "p_adjusted", 1));
}

static void paper(const struct printer *p, size_t row)
{
	if (!fot_table_has(p->t, row, "paper_a") && !fot_table_has(p->t, row, "paper_b")) {
		fot_str_putc(p->out, '-');
		return;
	}
	value(p, row, "paper_a", false);
	fot_str_puts(p->out, " / ");
	value(p, row, "paper_b", false);
}

static void verdict(const struct printer *p, size_t row)
{
	const char *status = text(p, row, "status");

	if (p->html) { /* a class of our own words alone */
		size_t v = 0;

		while (v + 1 < FOT_COUNT(verdicts) && strcmp(verdicts[v], text(p, row, "verdict")) != 0)
			v++;
		fot_str_printf(p->out, "<span class=\"verdict v%zu\">", v);
	}
	put(p, text(p, row, "verdict"));
	if (*status && strcmp(status, "ok") != 0) {
		fot_str_puts(p->out, " (");
		put(p, status);
		fot_str_putc(p->out, ')');
	}
	fot_str_puts(p->out, p->html ? "</span>" : "");
}

static void begin_table(struct fot_sheet *s)
{
	fot_str_puts(s->out, s->format == FOT_LATEX ? "\\setlength{\\tabcolsep}{3pt}\n\\noindent" : "");
	fot_sheet_begin(s);
}

/* --- the list of claims --- */

static void put_list(const struct printer *p)
{
	static const char *const headings[] = { "claim", "paper", "reproduced", "not", "undecided", "run" };
	bool runs = several_runs(p);
	struct fot_sheet s = { .out = p->out,
			       .format = p->format,
			       .heading = headings,
			       .name = "claims",
			       .columns = runs ? "p{0.25\\linewidth}p{0.25\\linewidth}rrrp{0.11\\linewidth}" :
						 "p{0.29\\linewidth}p{0.32\\linewidth}rrr" };

	fot_str_puts(p->out, p->latex ? "{\\small\n" : "");
	begin_table(&s);
	for (size_t row = 0; row < p->t->n_rows; row++) {
		if (!begins(p, row))
			continue;
		fot_sheet_name(&s, text(p, row, "claim"));
		fot_sheet_name(&s, text(p, row, "source"));
		for (size_t v = 0; v < FOT_COUNT(verdicts); v++) {
			fot_sheet_cell(&s);
			fot_str_printf(p->out, "%zu", count(p, row, verdicts[v]));
		}
		if (runs)
			fot_sheet_name(&s, text(p, row, "run"));
	}
	fot_sheet_end(&s);
	fot_str_puts(p->out, p->latex ? "\n}\n" : "");
}

/* --- one claim --- */

static void put_expectation(const struct printer *p, size_t row)
{
	static const struct {
		const char *name, *says;
	} words[] = {
		{ "below", "A below B" },         { "above", "A above B" },         { "equal", "A as B" },
		{ "not-below", "A not below B" }, { "not-above", "A not above B" },
	};
	double margin = shown(p, row, "margin");
	size_t i = 0;

	while (i + 1 < sizeof words / sizeof words[0] && strcmp(words[i].name, text(p, row, "expected")) != 0)
		i++;
	fot_str_printf(p->out, "Expected: %s", words[i].says);
	if (margin > 0)
		fot_str_printf(p->out, ", within %.3g%s", margin,
			       is_rate(p, row)  ? (p->latex ? " \\%" : " %") :
			       is_share(p, row) ? " points" :
						  "");
	if (fot_table_int(p->t, row, "gain", 0) == 1) {
		fot_str_printf(
			p->out,
			is_share(p, row) ?
				"; A and B are changes, in points, from the same condition's %s at " :
				"; A and B are ratios, of the %s in the line to the same condition's at ",
			text(p, row, "metric"));
		put(p, text(p, row, "relative_to"));
	}
	fot_str_puts(p->out, ".");
	if (*text(p, row, "paper_where")) {
		fot_str_puts(p->out, " Paper: ");
		put(p, text(p, row, "paper_where"));
		fot_str_putc(p->out, '.');
	}
}

static void put_heading(const struct printer *p, size_t row)
{
	fot_str_puts(p->out, p->latex ? "\n\\paragraph{\\raggedright " :
			     p->html  ? "<details><summary>" :
					"\n## ");
	put(p, text(p, row, "claim"));
	fot_str_puts(p->out, " (");
	put(p, text(p, row, "source"));
	if (p->html && several_runs(p)) {
		fot_str_puts(p->out, ", ");
		put(p, text(p, row, "run"));
	}
	fot_str_puts(p->out, p->latex ? ")} " : p->html ? ")</summary>\n<p>" : ")\n");
	if (several_runs(p)) {
		fot_str_puts(p->out, "Run ");
		put(p, text(p, row, "run"));
		fot_str_puts(p->out, ". ");
	}
	put_expectation(p, row);
	fot_str_puts(p->out, p->latex ? "\n\n{\\scriptsize\n" : p->html ? "</p>\n" : "\n\n");
}

static void put_line(const struct printer *p, struct fot_sheet *s, size_t row)
{
	static const char *const names[] = { "dataset", "a", "b" };

	for (size_t i = 0; i < FOT_COUNT(names); i++)
		fot_sheet_name(s, text(p, row, names[i]));
	fot_sheet_cell(s);
	value(p, row, "value_a", true);
	fot_sheet_cell(s);
	value(p, row, "value_b", true);
	fot_sheet_cell(s);
	difference(p, row);
	fot_sheet_cell(s);
	paper(p, row);
	fot_sheet_cell(s);
	verdict(p, row);
}

static void put_claim(const struct printer *p, size_t first)
{
	static const char *const headings[] = { "dataset",     "A",
						"B",           "ours A",
						"ours B",      "A against B, p",
						"paper A / B", "verdict by interval" };
	struct fot_sheet s = {
		.out = p->out,
		.format = p->format,
		.heading = headings,
		.name = "claim",
		.columns =
			"lp{0.135\\linewidth}p{0.135\\linewidth}rrp{0.14\\linewidth}p{0.08\\linewidth}p{0.12\\linewidth}"
	};

	put_heading(p, first);
	begin_table(&s);
	for (size_t row = first; row < p->t->n_rows; row++) {
		if (same_claim(p, row, first))
			put_line(p, &s, row);
	}
	fot_sheet_end(&s);
	fot_str_puts(p->out, p->latex ? "\n}\n" : p->html ? "</details>\n" : "");
}

/* The first metric there is stands for all rates. */
static void put_legend(const struct printer *p)
{
	const char *rate = fot_measured_tasks[0]->measure[0].heading;
	struct fot_str text = FOT_STR_INIT;

	fot_str_printf(
		&text,
		"Verdicts on what arXiv 2307.03170 claims, counted in lines (a pair of conditions A and B on a dataset). The "
		"verdict is by the 95 %% interval of the paired difference A - B alone: it lies on the claim's side (reproduced), on "
		"the other (not reproduced), or on both (undecided). The p beside it is two-sided, adjusted by Holm over a claim's "
		"lines, and does not enter: a line may be reproduced with p above 0.05, since 6 documents give by sign flips no p "
		"below 0.031, and that before it is adjusted. %c%s differs in per cent, accuracy in points. The labels in brackets and "
		"in the column paper are those of the paper's LaTeX source. Other models, tokenizers and documents than the paper's.",
		toupper((unsigned char)rate[0]), rate + 1);
	fot_put_str(p->out, &text, p->format);
}

int fot_claims_print(struct fot_str *out, const struct fot_table *judged, enum fot_format format,
		     struct fot_err *err)
{
	const struct printer p = { .out = out,
				   .t = judged,
				   .format = format,
				   .latex = format == FOT_LATEX,
				   .html = format == FOT_HTML };

	if (judged->n_rows == 0)
		return FOT_OK;
	fot_str_puts(out, p.latex ? "\\section*{Claims of the paper}\n\\sloppy\n" :
			  p.html  ? "<p class=\"note\">" :
				    "# Claims of the paper\n\n");
	put_legend(&p);
	fot_str_puts(out, p.html ? "</p>\n" : "\n\n");
	put_list(&p);
	for (size_t row = 0; row < judged->n_rows; row++) {
		if (begins(&p, row))
			put_claim(&p, row);
	}
	return fot_str_check(out, err);
}
