/* page.c: see page.h. */
#include "harness/export/page.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/list.h"
#include "base/quote.h"
#include "harness/compare/claims.h"
#include "harness/report/grid.h"
#include "harness/report/report.h"
#include "harness/report/summary.h"

/* Made of page.css and page.js by the Makefile. */
static const unsigned char style[] = {
#include "page_css.h"
};
static const unsigned char script[] = {
#include "page_js.h"
};

/* A table of a summary that has more is folded. */
#define MANY_LINES 16

/* --- the head --- */

/* 'sha256-BASE64' of n bytes, as a content security policy names what it allows. */
static void put_source(struct fot_str *out, const unsigned char *text, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned char digest[33] = { 0 }; /* a third of a group more */
	struct fot_sha256 sha;

	fot_sha256_init(&sha);
	fot_sha256_add(&sha, text, n);
	fot_sha256_end(&sha, digest);
	fot_str_puts(out, "'sha256-");
	for (size_t i = 0; i < 33; i += 3) {
		uint32_t group = (uint32_t)digest[i] << 16 | (uint32_t)digest[i + 1] << 8 | digest[i + 2];

		for (int k = 0; k < 4; k++)
			fot_str_putc(out, i == 30 && k == 3 ? '=' : digits[group >> (18 - 6 * k) & 63]);
	}
	fot_str_putc(out, '\'');
}

/* Of more runs than one can take in, their number. */
static void put_names(struct fot_str *out, const struct fot_page *page)
{
	if (page->n_runs > 3) {
		fot_str_printf(out, "%zu runs", page->n_runs);
		return;
	}
	for (size_t i = 0; i < page->n_runs; i++) {
		fot_str_puts(out, i ? ", " : "");
		fot_quote_xml(out, page->run[i].name);
	}
}

static void put_head(struct fot_str *out, const struct fot_page *page)
{
	fot_str_puts(out,
		     "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		     "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src ");
	put_source(out, style, sizeof style);
	fot_str_puts(out, "; script-src ");
	put_source(out, script, sizeof script);
	fot_str_puts(out, "; base-uri 'none'; form-action 'none'\">\n"
			  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
			  "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
	put_names(out, page);
	fot_str_puts(out, " \xe2\x80\x93 fotbench</title>\n<style>");
	fot_str_add(out, style, sizeof style);
	fot_str_puts(out, "</style>\n</head>\n<body>\n");
}

/* --- what was run --- */

static const char *text_at(const cJSON *node, const char *key)
{
	const char *text = cJSON_GetStringValue(fot_json_get(node, key));

	return text ? text : "";
}

static double number_at(const cJSON *node, const char *key)
{
	const cJSON *x = fot_json_get(node, key);

	return cJSON_IsNumber(x) ? x->valuedouble : 0;
}

/* Its first twelve characters, in full where the pointer stands. */
static void put_hash(struct fot_str *out, const char *hash)
{
	char begin[13];
	size_t n = strnlen(hash, sizeof begin - 1);

	memcpy(begin, hash, n);
	begin[n] = '\0';
	fot_str_puts(out, "<code title=\"");
	fot_quote_xml(out, hash);
	fot_str_puts(out, "\">");
	fot_quote_xml(out, begin);
	fot_str_puts(out, "</code>");
}

static void fact_status(struct fot_str *out, const cJSON *m)
{
	const cJSON *counts = fot_json_get(m, "counts");

	fot_quote_xml(out, text_at(m, "status"));
	if (counts)
		fot_str_printf(out, ", %.0f of %.0f items", number_at(counts, "done"),
			       number_at(counts, "planned"));
	if (counts && number_at(counts, "failed") > 0)
		fot_str_printf(out, ", %.0f failed", number_at(counts, "failed"));
	if (*text_at(m, "problem")) {
		fot_str_puts(out, ": ");
		fot_quote_xml(out, text_at(m, "problem"));
	}
}

static void fact_tasks(struct fot_str *out, const cJSON *m)
{
	const cJSON *task, *tasks = fot_json_get(m, "task_versions");
	bool any = false;

	cJSON_ArrayForEach (task, tasks) {
		fot_str_puts(out, any ? ", " : "");
		fot_quote_xml(out, task->string ? task->string : "");
		any = true;
	}
}

static void fact_started(struct fot_str *out, const cJSON *m)
{
	fot_quote_xml(out, text_at(fot_json_get(m, "times"), "started"));
}

static void fact_run_id(struct fot_str *out, const cJSON *m)
{
	put_hash(out, text_at(m, "run_id"));
}

static void fact_date(struct fot_str *out, const cJSON *m)
{
	const cJSON *times = fot_json_get(m, "times");

	fact_started(out, m);
	if (!*text_at(times, "ended"))
		return;
	fot_str_puts(out, " to ");
	fot_quote_xml(out, text_at(times, "ended"));
	fot_str_printf(out, " (%.4g s)", number_at(times, "wall_s"));
}

static void fact_program(struct fot_str *out, const cJSON *m)
{
	const cJSON *tool = fot_json_get(m, "tool");

	if (!tool)
		return;
	fot_quote_xml(out, text_at(tool, "name"));
	fot_str_putc(out, ' ');
	fot_quote_xml(out, text_at(tool, "version"));
	fot_str_puts(out, ", commit ");
	put_hash(out, text_at(tool, "commit"));
	fot_str_puts(out, cJSON_IsTrue(fot_json_get(tool, "dirty")) ? " with changes" : "");
}

static void fact_machine(struct fot_str *out, const cJSON *m)
{
	const cJSON *host = fot_json_get(m, "host"), *blas = fot_json_get(m, "blas");

	fot_quote_xml(out, text_at(host, "cpu"));
	if (host)
		fot_str_printf(out, ", %.0f thread%s", number_at(host, "threads"),
			       FOT_S(number_at(host, "threads")));
	if (blas) {
		fot_str_puts(out, ", BLAS core ");
		fot_quote_xml(out, text_at(blas, "core"));
	}
}

static void fact_identity(struct fot_str *out, const cJSON *m)
{
	if (!*text_at(m, "run_id"))
		return;
	fact_run_id(out, m);
	fot_str_puts(out, ", spec ");
	put_hash(out, text_at(m, "spec_sha256"));
	fot_str_printf(out, ", seed %.0f", number_at(m, "seed"));
}

static void fact_command(struct fot_str *out, const cJSON *m)
{
	const cJSON *word, *words = fot_json_get(m, "command_line");

	if (!cJSON_IsArray(words))
		return;
	fot_str_puts(out, "<code>fotbench");
	cJSON_ArrayForEach (word, words) {
		fot_str_putc(out, ' ');
		fot_quote_xml(out, cJSON_IsString(word) ? word->valuestring : "?");
	}
	fot_str_puts(out, "</code>");
}

static const struct {
	const char *name;
	void (*put)(struct fot_str *out, const cJSON *manifest);
} facts[] = {
	{ "Status", fact_status },   { "Tasks", fact_tasks },     { "Date", fact_date },
	{ "Run", fact_identity },    { "Program", fact_program }, { "Machine", fact_machine },
	{ "Command", fact_command },
};

static void put_facts(struct fot_str *out, const cJSON *manifest)
{
	fot_str_puts(out, "<dl>\n");
	for (size_t i = 0; i < FOT_COUNT(facts); i++) {
		struct fot_str text = FOT_STR_INIT;

		facts[i].put(&text, manifest);
		out->failed = out->failed || text.failed;
		if (text.len && !text.failed)
			fot_str_printf(out, "<dt>%s</dt><dd>%s</dd>\n", facts[i].name, text.data);
		fot_str_release(&text);
	}
	fot_str_puts(out, "</dl>\n");
}

static struct fot_sheet sheet_of(struct fot_str *out, const char *name, const char *const *headings,
				 const char *columns)
{
	return (struct fot_sheet){
		.out = out, .format = FOT_HTML, .heading = headings, .columns = columns, .name = name
	};
}

/* "vanilla/knn:128, vanilla/dense": the labels of a model's conditions without its name in front. */
static void put_conditions(struct fot_str *out, const cJSON *manifest, const char *model)
{
	const cJSON *c;
	size_t n = strlen(model);
	bool any = false;

	cJSON_ArrayForEach (c, fot_json_get(manifest, "conditions")) {
		const char *label = text_at(c, "label");

		if (strncmp(label, model, n) != 0 || label[n] != '/')
			continue;
		fot_str_puts(out, any ? ", " : "");
		fot_quote_xml(out, label + n + 1);
		any = true;
	}
}

static void put_models(struct fot_str *out, const cJSON *manifest)
{
	static const char *const headings[] = { "model", "variants and memories", "parameters", "sha256" };
	const cJSON *m, *models = fot_json_get(manifest, "models");
	struct fot_sheet s = sheet_of(out, "models", headings, "htrr");

	if (!cJSON_IsArray(models) || !cJSON_GetArraySize(models))
		return;
	fot_sheet_begin(&s);
	cJSON_ArrayForEach (m, models) {
		fot_sheet_name(&s, text_at(m, "name"));
		fot_sheet_cell(&s);
		put_conditions(out, manifest, text_at(m, "name"));
		fot_sheet_cell(&s);
		fot_str_printf(out, "%.4g M", number_at(m, "parameters") / 1e6);
		fot_sheet_cell(&s);
		put_hash(out, text_at(m, "sha256"));
	}
	fot_sheet_end(&s);
}

static void put_datasets(struct fot_str *out, const cJSON *manifest)
{
	static const char *const headings[] = { "dataset", "documents", "sha256" };
	const cJSON *d, *datasets = fot_json_get(manifest, "datasets");
	struct fot_sheet s = sheet_of(out, "datasets", headings, "hrr");

	if (!cJSON_IsArray(datasets) || !cJSON_GetArraySize(datasets))
		return;
	fot_sheet_begin(&s);
	cJSON_ArrayForEach (d, datasets) {
		const cJSON *n = fot_json_get(d, "documents");

		fot_sheet_name(&s, text_at(d, "name"));
		fot_sheet_cell(&s);
		if (cJSON_IsNumber(n))
			fot_str_printf(out, "%.0f", n->valuedouble);
		fot_sheet_cell(&s);
		put_hash(out, text_at(d, "sha256"));
	}
	fot_sheet_end(&s);
}

/* Where there are several: that of a run in a part of the page. */
static void put_run_heading(struct fot_str *out, const struct fot_page *page, const char *part, size_t run)
{
	if (page->n_runs == 1)
		return;
	fot_str_printf(out, "<h3 id=\"%s-%zu\">", part, run);
	fot_quote_xml(out, page->run[run].name);
	fot_str_puts(out, "</h3>\n");
}

/* --- sections --- */

/* Each line of a text between before and after. */
static void put_lines(struct fot_str *out, const char *text, const char *before, const char *after)
{
	for (size_t n; *text; text += n + (text[n] == '\n')) {
		struct fot_str line = FOT_STR_INIT;

		n = strcspn(text, "\n");
		fot_str_add(&line, text, n);
		fot_str_puts(out, before);
		fot_quote_take(out, &line, fot_quote_xml);
		fot_str_puts(out, after);
	}
}

static void begin_section(struct fot_str *out, const char *id, const char *heading)
{
	fot_str_printf(out, "<section id=\"%s\" aria-labelledby=\"%s-h\">\n<h2 id=\"%s-h\">%s</h2>\n", id, id,
		       id, heading);
}

static void end_section(struct fot_str *out)
{
	fot_str_puts(out, "</section>\n");
}

/* Runs side by side: what tells them apart. */
static void put_run_table(struct fot_str *out, const struct fot_page *page)
{
	static const char *const headings[] = { "run", "status", "tasks", "date", "run id" };
	static void (*const cells[])(struct fot_str *, const cJSON *) = { fact_status, fact_tasks,
									  fact_started, fact_run_id };
	struct fot_sheet s = sheet_of(out, "runs", headings, "hrrrr");

	fot_sheet_begin(&s);
	for (size_t i = 0; i < page->n_runs; i++) {
		fot_sheet_cell(&s);
		fot_str_printf(out, "<a href=\"#results-%zu\">", i);
		fot_quote_xml(out, page->run[i].name);
		fot_str_puts(out, "</a>");
		for (size_t k = 0; k < FOT_COUNT(cells); k++) {
			fot_sheet_cell(&s);
			if (page->run[i].manifest)
				cells[k](out, page->run[i].manifest);
		}
	}
	fot_sheet_end(&s);
}

static void put_run(struct fot_str *out, const struct fot_page_run *run)
{
	if (!run->manifest) {
		fot_str_puts(out, "<p class=\"note\">No manifest.</p>\n");
		return;
	}
	put_facts(out, run->manifest);
	put_models(out, run->manifest);
	put_datasets(out, run->manifest);
}

/* Of several a table, each folded below it. */
static int put_runs(struct fot_str *out, const struct fot_page *page, struct fot_err *err)
{
	begin_section(out, "runs", "What was run");
	if (page->n_runs > 1)
		put_run_table(out, page);
	for (size_t i = 0; i < page->n_runs; i++) {
		if (page->n_runs > 1) {
			fot_str_puts(out, "<details><summary>");
			fot_quote_xml(out, page->run[i].name);
			fot_str_puts(out, "</summary>\n");
		}
		put_run(out, &page->run[i]);
		fot_str_puts(out, page->n_runs > 1 ? "</details>\n" : "");
	}
	end_section(out);
	return fot_str_check(out, err);
}

/* A table with its caption; folded: shown when it is asked for. */
static int put_grid(struct fot_str *out, const struct fot_grid *g, bool folded, struct fot_err *err)
{
	struct fot_str caption = FOT_STR_INIT;
	int status;

	fot_str_puts(out, folded ? "<details><summary>" : "<figure class=\"table\"><figcaption>");
	if (*g->dataset) {
		fot_str_puts(out, "<b>");
		fot_quote_xml(out, g->dataset);
		fot_str_puts(out, "</b> \xc2\xb7 ");
	}
	if (g->report)
		fot_report_words(&caption, g);
	else
		fot_summary_words(&caption, g);
	fot_quote_take(out, &caption, fot_quote_xml);
	fot_str_puts(out, folded ? "</summary>\n<figure class=\"table\">" : "</figcaption>\n");
	fot_str_puts(out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"table, ");
	fot_quote_xml(out, g->dataset);
	fot_str_puts(out, "\">");
	status = fot_grid_print(out, g, FOT_HTML, err);
	fot_str_puts(out, folded ? "</div></figure></details>\n" : "</div></figure>\n");
	return status;
}

static int put_report_grid(void *to, const struct fot_grid *g, struct fot_err *err)
{
	return put_grid(to, g, false, err);
}

static int put_report(struct fot_str *out, const struct fot_page *page, struct fot_err *err)
{
	const struct fot_grids grids = { .t = page->report,
					 .words = FOT_TEXT,
					 .digits = page->digits,
					 .put = put_report_grid,
					 .to = out };

	return fot_grids_put_all(&grids, err);
}

/* A run's summary: the views that compare, else estimates that the report does not have. */
struct summary {
	struct fot_str *out;
	const struct fot_page *page;
	const struct fot_page_run *run;
	bool comparisons;
};

/* Are there rows of this task and run in the report, whose tables hold these estimates already? */
static bool is_reported(const struct summary *s, const struct fot_measured_task *task,
			const struct fot_view *v)
{
	const struct fot_table *report = s->page->report;
	bool same = false;

	for (size_t i = 0; i < task->n_report && !same; i++) {
		const struct fot_view *w = &task->report[i].view;

		same = v->rows == w->rows && strcmp(v->metric[0], w->metric[0]) == 0 &&
		       !v->filled == !w->filled;
	}
	for (size_t row = 0; row < report->n_rows && same; row++)
		if (strcmp(fot_table_text(report, row, "run"), s->run->name) == 0 &&
		    strcmp(fot_table_text(report, row, "task"), task->schema->name) == 0)
			return true;
	return false;
}

static int put_summary_grid(void *to, const struct fot_grid *g, struct fot_err *err)
{
	const struct summary *s = to;

	if ((g->view->rows != FOT_GRID_ESTIMATES) != s->comparisons ||
	    (!s->comparisons && is_reported(s, g->task, g->view)))
		return FOT_OK;
	return put_grid(s->out, g, g->n_lines > MANY_LINES, err);
}

static int put_summary(struct fot_str *out, const struct fot_page *page, const struct fot_page_run *run,
		       bool comparisons, struct fot_err *err)
{
	struct summary s = { out, page, run, comparisons };
	const struct fot_grids grids = { .t = &run->summary,
					 .words = FOT_TEXT,
					 .digits = page->digits,
					 .put = put_summary_grid,
					 .to = &s };

	return fot_grids_put_all(&grids, err);
}

static int put_run_results(struct fot_str *out, const struct fot_page *page, size_t run, size_t *figure,
			   struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_page_put_figures(&text, &page->run[run], figure, err));
	if (page->n_runs == 1)
		FOT_TRY(put_report(&text, page, err));
	FOT_TRY(put_summary(&text, page, &page->run[run], false, err));
	FOT_TRY(fot_str_check(&text, err));
	if (text.len)
		put_run_heading(out, page, "results", run);
	fot_str_add(out, text.data ? text.data : "", text.len);
out:
	fot_str_release(&text);
	return status;
}

/* Figures first; of several runs behind the tables that show all side by side. */
static int put_results(struct fot_str *out, const struct fot_page *page, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	size_t figure = 0;
	int status = FOT_OK;

	if (page->n_runs > 1)
		FOT_TRY(put_report(&text, page, err));
	for (size_t i = 0; i < page->n_runs; i++)
		FOT_TRY(put_run_results(&text, page, i, &figure, err));
	FOT_TRY(fot_str_check(&text, err));
	if (text.len == 0)
		goto out;
	begin_section(out, "results", "Results");
	if (figure)
		fot_str_puts(
			out,
			"<noscript><p class=\"note\">The figures need JavaScript; the tables hold the same numbers.</p></noscript>\n");
	fot_str_add(out, text.data, text.len);
	end_section(out);
	status = fot_str_check(out, err);
out:
	fot_str_release(&text);
	return status;
}

static int put_comparisons(struct fot_str *out, const struct fot_page *page, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	bool any = false;
	int status = FOT_OK;

	for (size_t i = 0; i < page->n_runs; i++) {
		fot_str_clear(&text);
		FOT_TRY(put_summary(&text, page, &page->run[i], true, err));
		FOT_TRY(fot_str_check(&text, err));
		if (text.len == 0)
			continue;
		if (!any)
			begin_section(out, "comparisons", "Comparisons");
		any = true;
		put_run_heading(out, page, "comparisons", i);
		fot_str_add(out, text.data, text.len);
	}
	if (any)
		end_section(out);
	status = fot_str_check(out, err);
out:
	fot_str_release(&text);
	return status;
}

static int put_claims(struct fot_str *out, const struct fot_page *page, struct fot_err *err)
{
	int status;

	if (page->judged->n_rows == 0)
		return FOT_OK;
	begin_section(out, "claims", "Claims of the paper");
	status = fot_claims_print(out, page->judged, FOT_HTML, err);
	end_section(out);
	return status;
}

/* What page.js fills. */
static int put_samples(struct fot_str *out, const struct fot_page *page, struct fot_err *err)
{
	if (page->n_tokens) {
		begin_section(out, "tokens", "Gain per token");
		fot_str_puts(out, "<div id=\"tokens-view\"></div>\n");
		end_section(out);
	}
	if (page->n_samples) {
		begin_section(out, "samples", "Samples");
		fot_str_puts(out, "<div id=\"samples-view\"></div>\n");
		end_section(out);
	}
	return fot_str_check(out, err);
}

static int put_manifests(struct fot_str *out, const struct fot_page *page, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	int status = FOT_OK;

	begin_section(out, "manifests", page->n_runs == 1 ? "Manifest" : "Manifests");
	for (size_t i = 0; i < page->n_runs; i++) {
		if (!page->run[i].manifest)
			continue;
		fot_str_clear(&text);
		FOT_TRY(fot_json_print(&text, page->run[i].manifest, 1, err));
		fot_str_puts(out, "<details><summary>");
		fot_quote_xml(out, page->run[i].name);
		fot_str_puts(out, "/manifest.json</summary>\n<pre tabindex=\"0\">");
		put_lines(out, text.data, "", "\n");
		fot_str_puts(out, "</pre></details>\n");
	}
	end_section(out);
	status = fot_str_check(out, err);
out:
	fot_str_release(&text);
	return status;
}

/* --- the whole --- */

/* Of the sections that are there. */
static void put_contents(struct fot_str *out, const struct fot_str *body)
{
	static const struct {
		const char *id, *name;
	} entry[] = { { "runs", "What was run" },       { "results", "Results" },
		      { "comparisons", "Comparisons" }, { "claims", "Claims" },
		      { "tokens", "Gain per token" },   { "samples", "Samples" },
		      { "manifests", "Manifest" } };
	char begin[64];

	fot_str_puts(out, "<nav aria-label=\"contents\"><ul>\n");
	for (size_t i = 0; i < FOT_COUNT(entry); i++) {
		snprintf(begin, sizeof begin, "<section id=\"%s\" ", entry[i].id);
		if (strstr(body->data, begin))
			fot_str_printf(out, "<li><a href=\"#%s\">%s</a></li>\n", entry[i].id, entry[i].name);
	}
	fot_str_puts(out, "</ul></nav>\n");
}

static int put_body(struct fot_str *out, const struct fot_page *page, struct fot_err *err)
{
	static int (*const part[])(struct fot_str *, const struct fot_page *,
				   struct fot_err *) = { put_runs,   put_results, put_comparisons,
							 put_claims, put_samples, put_manifests };
	int status = FOT_OK;

	for (size_t i = 0; i < FOT_COUNT(part) && status == FOT_OK; i++)
		status = part[i](out, page, err);
	return status;
}

int fot_page_print(struct fot_str *out, const struct fot_page *page, struct fot_err *err)
{
	struct fot_str body = FOT_STR_INIT;
	int status;

	FOT_TRY(put_body(&body, page, err));
	put_head(out, page);
	fot_str_puts(out, "<header>\n<p class=\"kind\">fotbench report</p>\n<h1>");
	put_names(out, page);
	fot_str_puts(out, "</h1>\n");
	put_lines(out, page->notes, "<p class=\"warning\">", "</p>\n");
	put_contents(out, &body);
	fot_str_puts(out, "</header>\n<main>\n");
	fot_str_add(out, body.data, body.len);
	fot_str_puts(out, "</main>\n<div id=\"tip\" role=\"status\" hidden></div>\n");
	FOT_TRY(fot_page_figures_data(out, page, err));
	FOT_TRY(fot_page_tokens_data(out, page, err));
	FOT_TRY(fot_page_samples_data(out, page, err));
	fot_str_puts(out, "<script>");
	fot_str_add(out, script, sizeof script);
	fot_str_puts(out, "</script>\n</body>\n</html>\n");
	status = fot_str_check(out, err);
out:
	fot_str_release(&body);
	return status;
}
