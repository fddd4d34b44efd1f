/* compare_ci.c: see compare_ci.h. */
#include "harness/compare/compare_ci.h"

#include <string.h>

#include "base/json.h"
#include "base/list.h"
#include "base/quote.h"
#include "harness/compare/compare.h"

static bool is_worse(const struct fot_table *t, size_t row)
{
	return strcmp(fot_table_text(t, row, "verdict"), "worse") == 0;
}

static bool fails(const struct fot_compare_found *f, size_t row)
{
	return is_worse(f->row, row) ||
	       (f->exact && strcmp(fot_table_text(f->row, row, "tier"), "statistical") == 0);
}

static bool warns(const struct fot_compare_found *f, size_t row)
{
	return !fails(f, row) && strcmp(fot_table_text(f->row, row, "verdict"), "within margin") == 0;
}

static size_t count(const struct fot_compare_found *f, bool (*is)(const struct fot_compare_found *, size_t))
{
	size_t n = 0;

	for (size_t row = 0; row < f->row->n_rows; row++)
		n += is(f, row);
	return n;
}

/* "7.5243 in BASE, 7.6091 in NEW, difference +0.0848 [+0.0500, +0.1196], p 0.01 (Holm), 8 items: worse" */
static void put_numbers(struct fot_str *out, const struct fot_table *t, size_t row)
{
	fot_compare_value(out, t, row, "base");
	fot_str_puts(out, " in BASE, ");
	fot_compare_value(out, t, row, "new");
	fot_str_puts(out, " in NEW, difference ");
	fot_compare_delta(out, t, row);
	if (fot_table_has(t, row, "p_adjusted"))
		fot_str_printf(out, ", p %.2g (Holm)", fot_table_real(t, row, "p_adjusted", 0));
	fot_str_printf(out, ", %lld items: ", (long long)fot_table_int(t, row, "n_items", 0));
	fot_compare_row_verdict(out, t, row);
}

typedef void quote(struct fot_str *out, const char *text);

/* What put appends, through a door. */
static void put_quoted(struct fot_str *out, quote *door, const struct fot_table *t, size_t row,
		       void (*put)(struct fot_str *, const struct fot_table *, size_t))
{
	struct fot_str raw = FOT_STR_INIT;

	put(&raw, t, row);
	fot_quote_take(out, &raw, door);
}

/* --- JUnit --- */

static void attribute(struct fot_str *out, const char *name, const char *value)
{
	fot_str_printf(out, " %s=\"", name);
	fot_quote_xml(out, value);
	fot_str_putc(out, '"');
}

static void property(struct fot_str *out, const char *name, const char *value)
{
	fot_str_puts(out, "      <property");
	attribute(out, "name", name);
	attribute(out, "value", value);
	fot_str_puts(out, "/>\n");
}

/* With the numbers: as a failure's message, else as the test's output. */
static void put_testcase(struct fot_str *out, const struct fot_compare_found *f, size_t row)
{
	bool failure = fails(f, row);

	fot_str_puts(out, "    <testcase classname=\"");
	fot_quote_xml(out, fot_table_text(f->row, row, "task"));
	fot_str_putc(out, '.');
	fot_quote_xml(out, fot_table_text(f->row, row, "dataset"));
	fot_str_puts(out, "\" name=\"");
	put_quoted(out, fot_quote_xml, f->row, row, fot_compare_row_name);
	fot_str_puts(out, failure ? "\">\n      <failure" : "\">\n      <system-out>");
	if (failure) {
		attribute(out, "type", is_worse(f->row, row) ? "worse" : "changed");
		fot_str_puts(out, " message=\"");
	}
	put_quoted(out, fot_quote_xml, f->row, row, put_numbers);
	fot_str_puts(out, failure ? "\"/>\n    </testcase>\n" : "</system-out>\n    </testcase>\n");
}

static void put_error_case(struct fot_str *out, const struct fot_compare_found *f)
{
	fot_str_puts(out, "    <testcase classname=\"compare\" name=\"comparable\">\n      <error");
	attribute(out, "type", f->verdict);
	attribute(out, "message", f->sentence);
	fot_str_puts(out, "/>\n    </testcase>\n");
}

int fot_compare_junit(struct fot_str *out, const struct fot_compare_found *f, struct fot_err *err)
{
	size_t tests = f->row ? f->row->n_rows : 1, failures = f->row ? count(f, fails) : 0;
	struct fot_str counts = FOT_STR_INIT;

	fot_str_printf(&counts, " tests=\"%zu\" failures=\"%zu\" errors=\"%d\"", tests, failures, !f->row);
	fot_str_printf(out,
		       "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"fotbench\"%s>\n"
		       "  <testsuite name=\"fotbench compare\"%s skipped=\"0\">\n    <properties>\n",
		       counts.failed ? "" : counts.data, counts.failed ? "" : counts.data);
	property(out, "base", f->base);
	property(out, "new", f->new);
	property(out, "verdict", f->verdict);
	fot_str_puts(out, "    </properties>\n");
	for (size_t row = 0; f->row && row < f->row->n_rows; row++)
		put_testcase(out, f, row);
	if (!f->row)
		put_error_case(out, f);
	fot_str_puts(out, "    <system-out>");
	fot_quote_xml(out, f->sentence);
	fot_str_puts(out, "</system-out>\n  </testsuite>\n</testsuites>\n");
	out->failed = out->failed || counts.failed;
	fot_str_release(&counts);
	return fot_str_check(out, err);
}

/* --- GitHub: annotations --- */

static void command(struct fot_str *out, const char *level, const char *about, const char *what)
{
	fot_str_printf(out, "::%s title=", level);
	fot_quote_workflow_property(out, about);
	fot_quote_workflow_property(out, what);
	fot_str_puts(out, "::");
}

static void put_annotations(struct fot_str *out, const struct fot_compare_found *f, const char *level,
			    bool (*is)(const struct fot_compare_found *, size_t))
{
	size_t n = count(f, is), shown = n > FOT_GITHUB_ANNOTATIONS ? FOT_GITHUB_ANNOTATIONS - 1 : n,
	       done = 0;

	for (size_t row = 0; row < f->row->n_rows && done < shown; row++) {
		if (!is(f, row))
			continue;
		command(out, level, fot_table_text(f->row, row, "metric"),
			is_worse(f->row, row) ? " is worse" :
			fails(f, row)         ? " changed" :
						" is worse within the margin");
		put_quoted(out, fot_quote_workflow, f->row, row, fot_compare_row_name);
		fot_str_puts(out, ": ");
		put_quoted(out, fot_quote_workflow, f->row, row, put_numbers);
		fot_str_putc(out, '\n');
		done++;
	}
	if (n > shown) {
		command(out, level, "fotbench compare", "");
		fot_str_printf(out, "and %zu more rows\n", n - shown);
	}
}

int fot_compare_annotations(struct fot_str *out, const struct fot_compare_found *f, struct fot_err *err)
{
	if (f->row) {
		put_annotations(out, f, "error", fails);
		put_annotations(out, f, "warning", warns);
	}
	command(out, f->row ? "notice" : "error", "fotbench compare: ", f->verdict);
	fot_quote_workflow(out, f->sentence);
	fot_str_putc(out, '\n');
	return fot_str_check(out, err);
}

/* --- GitHub: the summary of a step --- */

/* Also what no name holds, and nothing becomes a link or a mention. */
static void quote_cell(struct fot_str *out, const char *text)
{
	struct fot_str plain = FOT_STR_INIT;

	fot_quote_terminal(&plain, text);
	fot_quote_take(out, &plain, fot_quote_markdown_text);
}

static void put_line(struct fot_str *out, const struct fot_compare_found *f, size_t row)
{
	static const char *const values[] = { "base", "new" };

	fot_str_puts(out, fails(f, row) ? "| :x: " : "| ");
	put_quoted(out, quote_cell, f->row, row, fot_compare_row_name);
	fot_str_printf(out, " | %lld | ", (long long)fot_table_int(f->row, row, "n_items", 0));
	for (size_t i = 0; i < FOT_COUNT(values); i++) {
		fot_compare_value(out, f->row, row, values[i]);
		fot_str_puts(out, " | ");
	}
	fot_compare_delta(out, f->row, row);
	if (fot_table_has(f->row, row, "p_adjusted"))
		fot_str_printf(out, " | %.2g | ", fot_table_real(f->row, row, "p_adjusted", 0));
	else
		fot_str_puts(out, " | - | ");
	put_quoted(out, quote_cell, f->row, row, fot_compare_row_verdict);
	fot_str_puts(out, " |\n");
}

#define ROOM_FOR_LAST_LINE 64

static void put_table(struct fot_str *out, const struct fot_compare_found *f)
{
	struct fot_str line = FOT_STR_INIT;
	size_t left = 0;

	fot_str_puts(out, "\n| row | items | base | new | difference [95 % interval] | p (Holm) | verdict |\n"
			  "|---|---:|---:|---:|---|---:|---|\n");
	for (size_t i = 0; i < 2 * f->row->n_rows; i++) {
		size_t row = i % f->row->n_rows;

		if (fails(f, row) != (i < f->row->n_rows))
			continue;
		fot_str_clear(&line);
		put_line(&line, f, row);
		out->failed = out->failed || line.failed;
		if (left == 0 && out->len + line.len + ROOM_FOR_LAST_LINE <= FOT_GITHUB_SUMMARY)
			fot_str_add(out, line.data, line.failed ? 0 : line.len);
		else
			left++;
	}
	if (left > 0)
		fot_str_printf(out, "\nand %zu more row%s\n", left, FOT_S(left));
	fot_str_release(&line);
}

int fot_compare_step_summary(struct fot_str *out, const struct fot_compare_found *f, struct fot_err *err)
{
	fot_str_printf(out, "### fotbench compare: %s\n\nBASE ", f->verdict);
	quote_cell(out, f->base);
	fot_str_puts(out, ", NEW ");
	quote_cell(out, f->new);
	fot_str_puts(out, ": ");
	quote_cell(out, f->sentence);
	fot_str_putc(out, '\n');
	if (f->row)
		put_table(out, f);
	return fot_str_check(out, err);
}

/* --- github-action-benchmark --- */

static bool add_text(cJSON *entry, const char *key, const struct fot_table *t, size_t row,
		     void (*put)(struct fot_str *, const struct fot_table *, size_t), const char *before)
{
	struct fot_str s = FOT_STR_INIT;
	bool good;

	fot_str_puts(&s, before);
	put_quoted(&s, fot_quote_terminal, t, row, put);
	good = !s.failed && cJSON_AddStringToObject(entry, key, s.data);
	fot_str_release(&s);
	return good;
}

static bool add_entry(cJSON *list, const struct fot_table *t, size_t row)
{
	bool share = fot_table_int(t, row, "higher_is_better", 0) != 0;
	double value = fot_table_real(t, row, "new", 0);
	cJSON *entry = fot_json_append(list);

	return entry && add_text(entry, "name", t, row, fot_compare_row_name, share ? "1 - " : "") &&
	       cJSON_AddStringToObject(entry, "unit", share ? "share" : fot_table_text(t, row, "metric")) &&
	       cJSON_AddNumberToObject(entry, "value", share ? 1 - value : value) &&
	       add_text(entry, "range", t, row, fot_compare_delta, share ? "of the share: " : "") &&
	       add_text(entry, "extra", t, row, put_numbers, "");
}

int fot_compare_benchmark(struct fot_str *out, const struct fot_table *rows, struct fot_err *err)
{
	cJSON *list = cJSON_CreateArray();
	bool good = list;
	int status;

	for (size_t row = 0; good && row < rows->n_rows; row++)
		good = !fot_table_has(rows, row, "new") || add_entry(list, rows, row);
	status = good ? fot_json_print(out, list, 1, err) : FOT_NO_MEMORY(err, "compare");
	fot_str_putc(out, '\n');
	cJSON_Delete(list);
	return status == FOT_OK ? fot_str_check(out, err) : status;
}
