/* prompts.c: see prompts.h. */
#include "harness/run/prompts.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/list.h"
#include "base/mem.h"
#include "harness/run/folder.h"
#include "harness/run/items.h"

/* Begins with its key, for sorting and searching as texts. */
struct kept {
	char *key, *prompt;
};
struct kept_list {
	struct kept *at;
	size_t n, cap;
};

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct kept *)a)->key, ((const struct kept *)b)->key);
}

/* What a prompt follows from: the model's tokenizer, the place and the item. */
static char *key_of(const struct fot_measured_task *task, const struct fot_table *t, size_t row)
{
	static const char *const shared[] = { "model", "dataset", "context_length", NULL };
	const char *const *const lists[] = { shared, task->place, task->item };
	struct fot_str key = FOT_STR_INIT;
	char *copy;

	for (size_t i = 0; i < FOT_COUNT(lists); i++) {
		for (size_t k = 0; lists[i][k]; k++) {
			const struct fot_cell *cell = fot_table_cell(t, row, lists[i][k]);

			if (cell->kind == FOT_CELL_TEXT)
				fot_str_puts(&key, cell->text);
			else if (cell->kind != FOT_CELL_EMPTY)
				fot_str_double(&key, cell->kind == FOT_CELL_INT ? (double)cell->i : cell->x);
			fot_str_putc(&key, '\n');
		}
	}
	copy = key.failed ? NULL : fot_strdup(key.data);
	fot_str_release(&key);
	return copy;
}

static char *prompt_of(const cJSON *sample)
{
	struct fot_str text = FOT_STR_INIT;
	char *copy;

	for (const cJSON *piece = sample->child; piece; piece = piece->next) {
		if (strncmp(piece->string, "prompt_", 7) != 0 || !cJSON_IsString(piece))
			continue;
		fot_str_puts(&text, text.len ? "\n[...]\n" : "");
		fot_str_puts(&text, piece->valuestring);
	}
	copy = text.failed || text.len == 0 ? NULL : fot_strdup(text.data);
	fot_str_release(&text);
	return copy;
}

static bool same_value(const cJSON *a, const cJSON *b)
{
	double x = cJSON_IsBool(a) ? cJSON_IsTrue(a) : a->valuedouble;

	if (cJSON_IsString(a) || cJSON_IsString(b))
		return cJSON_IsString(a) && cJSON_IsString(b) && strcmp(a->valuestring, b->valuestring) == 0;
	return x == b->valuedouble;
}

/* Does a sample say of everything that the row has, too, the same? */
static bool tells_of(const cJSON *sample, const cJSON *row)
{
	for (const cJSON *field = sample->child; field; field = field->next) {
		const cJSON *cell = cJSON_GetObjectItemCaseSensitive(row, field->string);

		if (cell && !same_value(field, cell))
			return false;
	}
	return true;
}

static int keep(struct kept_list *list, char *key, char *prompt, struct fot_err *err)
{
	if (key && prompt && FOT_GROW(list->at, list->n, list->cap)) {
		list->at[list->n++] = (struct kept){ key, prompt };
		return FOT_OK;
	}
	fot_free(key);
	fot_free(prompt);
	return FOT_NO_MEMORY(err, "prompts");
}

static int keep_prompts(struct kept_list *list, const struct fot_measured_task *task, const cJSON *result,
			const cJSON *samples, const struct fot_table *rows, struct fot_err *err)
{
	const cJSON *sample, *row;
	int status = FOT_OK;

	cJSON_ArrayForEach (sample, samples) {
		char *prompt = NULL;
		size_t k = 0;

		for (row = result->child; row && !tells_of(sample, row); row = row->next)
			k++;
		prompt = row ? prompt_of(sample) : NULL;
		if (prompt)
			FOT_TRY(keep(list, key_of(task, rows, k), prompt, err));
	}
out:
	return status;
}

static int keep_record(struct kept_list *list, const struct fot_measured_task *task,
		       const struct fot_record *record, struct fot_err *err)
{
	cJSON *result = NULL, *note = NULL, *samples = NULL;
	const char *name;
	struct fot_table rows;
	int status;

	fot_table_init(&rows, task->schema);
	FOT_TRY(fot_journal_read(&result, &note, record, err));
	name = cJSON_IsArray(result) && result->child ?
		       cJSON_GetStringValue(fot_json_get(result->child, "task")) :
		       NULL;
	if (cJSON_IsArray(note) && note->child)
		samples = cJSON_DetachItemFromObjectCaseSensitive(note->child, "samples");
	if (!name || strcmp(name, task->schema->name) != 0 || !cJSON_IsArray(samples))
		goto out;
	FOT_TRY(fot_item_rows(&rows, NULL, result, note, record->line, err));
	status = keep_prompts(list, task, result, samples, &rows, err);
out:
	fot_table_release(&rows);
	cJSON_Delete(result);
	cJSON_Delete(note);
	cJSON_Delete(samples);
	return status;
}

static int look_up(struct fot_prompts *out, const struct kept_list *list,
		   const struct fot_measured_task *task, const struct fot_table *rows, struct fot_err *err)
{
	for (size_t row = 0; row < rows->n_rows; row++) {
		struct kept sought = { .key = key_of(task, rows, row) };
		const struct kept *found;

		if (!sought.key)
			return FOT_NO_MEMORY(err, "prompts");
		found = list->n ? bsearch(&sought, list->at, list->n, sizeof sought, by_key) : NULL;
		fot_free(sought.key);
		out->of_row[row] = found ? fot_strdup(found->prompt) : NULL;
		if (found && !out->of_row[row])
			return FOT_NO_MEMORY(err, "prompts");
	}
	return FOT_OK;
}

int fot_prompts_read(struct fot_prompts *out, const char *dir, const struct fot_measured_task *task,
		     const struct fot_table *rows, struct fot_err *err)
{
	struct fot_journal_content journal = { 0 };
	struct kept_list list = { 0 };
	struct fot_str path = FOT_STR_INIT;
	int status;

	*out = (struct fot_prompts){ .of_row = fot_calloc(rows->n_rows + 1, sizeof *out->of_row),
				     .n_rows = rows->n_rows };
	FOT_TRY(fot_path_at(&path, dir, "journal.jsonl", err));
	if (!out->of_row)
		FOT_TRY(FOT_NO_MEMORY(err, "prompts"));
	if (!fot_file_exists(path.data))
		goto out;
	FOT_TRY(fot_folder_journal(&journal, dir, err));
	for (size_t i = 0; i < journal.n; i++)
		FOT_TRY(keep_record(&list, task, &journal.rec[i], err));
	if (list.n)
		qsort(list.at, list.n, sizeof *list.at, by_key);
	status = look_up(out, &list, task, rows, err);
out:
	for (size_t i = 0; i < list.n; i++) {
		fot_free(list.at[i].key);
		fot_free(list.at[i].prompt);
	}
	fot_free(list.at);
	fot_str_release(&path);
	fot_journal_content_release(&journal);
	return status;
}

void fot_prompts_release(struct fot_prompts *p)
{
	for (size_t i = 0; p->of_row && i < p->n_rows; i++)
		fot_free(p->of_row[i]);
	fot_free(p->of_row);
}
