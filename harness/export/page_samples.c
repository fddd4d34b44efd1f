/* page_samples.c: samples and tokens of a page as data; see page.h.
 *
 *   samples: [{ run, task, kind: "item" or "retrieved", total, items: [...] }, ...]
 *
 * An item is the line that the run wrote.  What was retrieved is one item per query:
 *
 *   { where, position, length, window, before, text, after,
 *     heads: [{ layer, head, score, n, keys: [[position, before, text, after, share, focus], ...] }, ...] }
 *
 *   tokens: { base, others: [name, ...], sequences: [{ name, text: [...], nll: [[base], [other], ...] }, ...] } */
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/list.h"
#include "base/quote.h"
#include "harness/export/page.h"
#include "harness/tables/labels.h"

/* As data of a page, behind a comma where it is not the first of its list. */
static int put_json(struct fot_str *out, const cJSON *node, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	int status = fot_json_print(&text, node, 0, err);

	if (status == FOT_OK) {
		fot_str_puts(out, out->data[out->len - 1] == '[' ? "\n" : ",\n");
		fot_quote_script_json(out, text.data, text.len);
		status = fot_str_check(out, err);
	}
	fot_str_release(&text);
	return status;
}

/* --- lines --- */

static int put_line(struct fot_str *out, const struct fot_page_samples *s, size_t number, const char *line,
		    size_t n, struct fot_err *err)
{
	struct fot_str name = FOT_STR_INIT;
	cJSON *node = NULL;
	int status;

	fot_str_printf(&name, "%s: line %zu", s->file, number);
	FOT_TRY(fot_str_check(&name, err));
	FOT_TRY(fot_json_parse(&node, line, n, name.data, FOT_ERR_INPUT, err));
	status = put_json(out, node, err);
out:
	cJSON_Delete(node);
	fot_str_release(&name);
	return status;
}

static int put_lines(struct fot_str *out, const struct fot_page_samples *s, size_t *total,
		     struct fot_err *err)
{
	const char *at = s->lines.data, *end = at + s->lines.len;

	for (size_t n; at < end; at += n + 1) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		int status = FOT_OK;

		n = newline ? (size_t)(newline - at) : (size_t)(end - at);
		if (n == 0)
			continue;
		if (++*total <= FOT_PAGE_SAMPLES_MOST)
			status = put_line(out, s, *total, at, n, err);
		if (status != FOT_OK)
			return status;
	}
	return FOT_OK;
}

/* --- what was retrieved --- */

bool fot_page_is_retrieved(const struct fot_schema *schema)
{
	static const char *const columns[] = { "position",     "before",     "text",     "after",
					       "key_position", "key_before", "key_text", "key_after",
					       "key_share",    "knn_score" };

	for (size_t i = 0; i < FOT_COUNT(columns); i++)
		if (fot_schema_column(schema, columns[i]) < 0)
			return false;
	return true;
}

static bool same_query(const struct fot_table *t, size_t a, size_t b)
{
	return fot_table_same_all(t, a, t, b, fot_condition_columns) &&
	       fot_table_same_all(t, a, t, b, FOT_LIST("dataset", "doc_id", "position"));
}

static bool same_head(const struct fot_table *t, size_t a, size_t b)
{
	return fot_table_same_all(t, a, t, b, FOT_LIST("layer", "head"));
}

static bool add_text(cJSON *to, const char *key, const struct fot_table *t, size_t row, const char *column)
{
	return cJSON_AddStringToObject(to, key, fot_table_text(t, row, column));
}

static bool add_int(cJSON *to, const char *key, const struct fot_table *t, size_t row, const char *column)
{
	return cJSON_AddNumberToObject(to, key, (double)fot_table_int(t, row, column, 0));
}

static bool add_key(cJSON *keys, const struct fot_table *t, size_t row)
{
	static const char *const texts[] = { "key_before", "key_text", "key_after" };
	cJSON *key = cJSON_CreateArray();
	bool good = fot_json_add(keys, key) &&
		    fot_json_add(key, cJSON_CreateNumber((double)fot_table_int(t, row, "key_position", 0)));

	for (size_t i = 0; i < FOT_COUNT(texts) && good; i++)
		good = fot_json_add(key, cJSON_CreateString(fot_table_text(t, row, texts[i])));
	return good && fot_json_add(key, cJSON_CreateNumber(fot_table_real(t, row, "key_share", 0))) &&
	       fot_json_add(key, cJSON_CreateNumber(fot_table_real(t, row, "focus_score", 0)));
}

/* The rows [from, to) of one head. */
static bool add_head(cJSON *heads, const struct fot_table *t, size_t from, size_t to)
{
	cJSON *head = cJSON_CreateObject(), *keys;
	bool good = fot_json_add(heads, head) && add_int(head, "layer", t, from, "layer") &&
		    add_int(head, "head", t, from, "head") && add_int(head, "n", t, from, "n_retrieved") &&
		    cJSON_AddNumberToObject(head, "score", fot_table_real(t, from, "knn_score", 0));

	keys = good ? cJSON_AddArrayToObject(head, "keys") : NULL;
	for (size_t row = from; row < to && keys && good; row++)
		good = add_key(keys, t, row);
	return keys && good;
}

/* "fot, dense, lm-fot on books: moby-dick" */
static bool add_where(cJSON *query, const struct fot_table *t, size_t row)
{
	struct fot_str where = FOT_STR_INIT;
	bool good;

	fot_str_printf(&where, "%s, ", fot_table_text(t, row, "model_variant"));
	fot_label_memory(&where, t, row);
	fot_str_printf(&where, " on %s: %s", fot_table_text(t, row, "dataset"),
		       fot_table_text(t, row, "doc_id"));
	good = !where.failed && cJSON_AddStringToObject(query, "where", where.data);
	fot_str_release(&where);
	return good;
}

/* The rows [from, to) of one query. */
static bool fill_query(cJSON *query, const struct fot_table *t, size_t from, size_t to)
{
	cJSON *heads;
	bool good = add_where(query, t, from) && add_int(query, "position", t, from, "position") &&
		    add_int(query, "length", t, from, "context_length") &&
		    add_int(query, "window", t, from, "window") &&
		    add_text(query, "before", t, from, "before") &&
		    add_text(query, "text", t, from, "text") && add_text(query, "after", t, from, "after");

	heads = good ? cJSON_AddArrayToObject(query, "heads") : NULL;
	for (size_t row = from, last; row < to && heads && good; row = last) {
		for (last = row + 1; last < to && same_head(t, row, last);)
			last++;
		good = add_head(heads, t, row, last);
	}
	return heads && good;
}

static int put_query(struct fot_str *out, const struct fot_table *t, size_t from, size_t to,
		     struct fot_err *err)
{
	cJSON *query = cJSON_CreateObject();
	int status = query && fill_query(query, t, from, to) ? put_json(out, query, err) :
							       FOT_NO_MEMORY(err, "page");

	cJSON_Delete(query);
	return status;
}

static int put_retrieved(struct fot_str *out, const struct fot_table *t, size_t *total, struct fot_err *err)
{
	int status = FOT_OK;

	for (size_t row = 0, last; row < t->n_rows && status == FOT_OK; row = last) {
		for (last = row + 1; last < t->n_rows && same_query(t, row, last);)
			last++;
		if (!fot_table_has(t, row, "key_position")) /* skipped or failed */
			continue;
		if (++*total <= FOT_PAGE_SAMPLES_MOST)
			status = put_query(out, t, row, last, err);
	}
	return status;
}

/* --- all samples --- */

static void put_text(struct fot_str *out, const char *text)
{
	struct fot_str json = FOT_STR_INIT;

	fot_str_json(&json, text, strlen(text));
	if (json.failed)
		out->failed = true;
	else
		fot_quote_script_json(out, json.data, json.len);
	fot_str_release(&json);
}

static int put_samples(struct fot_str *out, const struct fot_page_samples *s, struct fot_err *err)
{
	size_t total = 0;
	int status;

	fot_str_puts(out, out->data[out->len - 1] == '[' ? "\n{\"run\":" : ",\n{\"run\":");
	put_text(out, s->run);
	fot_str_puts(out, ",\"task\":");
	put_text(out, s->task);
	fot_str_printf(out, ",\"kind\":\"%s\",\"items\":[", s->rows.schema ? "retrieved" : "item");
	FOT_TRY(fot_str_check(out, err));
	if (s->rows.schema)
		FOT_TRY(put_retrieved(out, &s->rows, &total, err));
	else
		FOT_TRY(put_lines(out, s, &total, err));
	fot_str_printf(out, "\n],\"total\":%zu}", total);
out:
	return status;
}

int fot_page_samples_data(struct fot_str *out, const struct fot_page *page, struct fot_err *err)
{
	int status = FOT_OK;

	if (page->n_samples == 0)
		return FOT_OK;
	fot_str_puts(out, "<script type=\"application/json\" id=\"samples-data\">[");
	for (size_t i = 0; i < page->n_samples && status == FOT_OK; i++)
		status = put_samples(out, &page->samples[i], err);
	fot_str_puts(out, "\n]</script>\n");
	return status == FOT_OK ? fot_str_check(out, err) : status;
}

/* --- tokens --- */

static const char *const token_columns[] = { "sequence", "turn", "position", "token", NULL };

static int check_pairs(const struct fot_page *page, struct fot_err *err)
{
	const struct fot_page_tokens *base = &page->tokens[0];

	for (size_t i = 1; i < page->n_tokens; i++) {
		const struct fot_page_tokens *other = &page->tokens[i];

		for (size_t row = 0; row < base->rows.n_rows && row < other->rows.n_rows; row++)
			if (!fot_table_same_all(&base->rows, row, &other->rows, row, token_columns))
				return FOT_FAIL(
					err, FOT_ERR_INPUT,
					"%s: row %zu: expected the token of %s, position %lld, token %lld; got "
					"position %lld, token %lld",
					other->name, row + 1, base->name,
					(long long)fot_table_int(&base->rows, row, "position", 0),
					(long long)fot_table_int(&base->rows, row, "token", 0),
					(long long)fot_table_int(&other->rows, row, "position", 0),
					(long long)fot_table_int(&other->rows, row, "token", 0));
		if (other->rows.n_rows != base->rows.n_rows)
			return FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected the %zu tokens of %s, got %zu",
					other->name, base->rows.n_rows, base->name, other->rows.n_rows);
	}
	return FOT_OK;
}

/* The text of a token, of the first file that has it; without one its id. */
static void put_token(struct fot_str *out, const struct fot_page *page, size_t row)
{
	struct fot_str id = FOT_STR_INIT;

	for (size_t i = 0; i < page->n_tokens; i++) {
		if (fot_table_has(&page->tokens[i].rows, row, "text")) {
			put_text(out, fot_table_text(&page->tokens[i].rows, row, "text"));
			return;
		}
	}
	fot_str_printf(&id, "\xe2\x9f\xa8%lld\xe2\x9f\xa9",
		       (long long)fot_table_int(&page->tokens[0].rows, row, "token", 0));
	put_text(out, id.failed ? "" : id.data);
	fot_str_release(&id);
}

/* The rows [from, to) of a sequence and turn. */
static void put_sequence(struct fot_str *out, const struct fot_page *page, size_t from, size_t to)
{
	const struct fot_table *t = &page->tokens[0].rows;

	fot_str_printf(out, "%s{\"sequence\":%lld,\"turn\":", from ? ",\n" : "\n",
		       (long long)fot_table_int(t, from, "sequence", 0));
	if (fot_table_has(t, from, "turn"))
		fot_str_printf(out, "%lld", (long long)fot_table_int(t, from, "turn", 0));
	else
		fot_str_puts(out, "null");
	fot_str_printf(out, ",\"position\":%lld,\"text\":[",
		       (long long)fot_table_int(t, from, "position", 0));
	for (size_t row = from; row < to; row++) {
		fot_str_puts(out, row > from ? "," : "");
		put_token(out, page, row);
	}
	fot_str_puts(out, "],\"nll\":[");
	for (size_t i = 0; i < page->n_tokens; i++) {
		fot_str_puts(out, i ? "],\n[" : "\n[");
		for (size_t row = from; row < to; row++)
			fot_str_printf(out, "%s%.4g", row > from ? "," : "",
				       fot_table_real(&page->tokens[i].rows, row, "nll_nats", 0));
	}
	fot_str_puts(out, "]]}");
}

int fot_page_tokens_data(struct fot_str *out, const struct fot_page *page, struct fot_err *err)
{
	const struct fot_table *t = page->n_tokens ? &page->tokens[0].rows : NULL;
	int status = FOT_OK;

	if (!t || t->n_rows == 0)
		return FOT_OK;
	FOT_TRY(check_pairs(page, err));
	fot_str_puts(out, "<script type=\"application/json\" id=\"tokens-data\">{\"names\":[");
	for (size_t i = 0; i < page->n_tokens; i++) {
		fot_str_puts(out, i ? "," : "");
		put_text(out, page->tokens[i].name);
	}
	fot_str_puts(out, "],\"sequences\":[");
	for (size_t row = 0, last; row < t->n_rows; row = last) {
		for (last = row + 1;
		     last < t->n_rows && fot_table_same_all(t, row, t, last, FOT_LIST("sequence", "turn"));)
			last++;
		put_sequence(out, page, row, last);
	}
	fot_str_puts(out, "\n]}</script>\n");
	status = fot_str_check(out, err);
out:
	return status;
}
