/* libFuzzer target: the readers of documents and of labelled sets refuse a file or give texts.
 *
 * Input: one byte that picks the kind of file and the options, then the file.  Documents come
 * back with the hash they were opened with; a labelled set's items have a text and a label or
 * answers. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "datasets/dataset.h"
#include "datasets/labelled.h"
#include "tests/fuzz/fuzz.h"

static const struct {
	bool labelled;
	const char *suffix, *options;
} kinds[] = {
	{ false, "jsonl", "" },
	{ false, "jsonl", "?text=a.b&id=n&where=a.c:x*" },
	{ false, "txt", "" },
	{ true, "jsonl", "" },
	{ true, "jsonl", "?skip_bad=1&answers=answers&id=" },
	{ true, "csv", "" },
	{ true, "csv", "?columns=label,text&names=1:x,y&skip_bad=1" },
	{ true, "tsv", "?skip_bad=1" },
	{ true, "tsv", "?columns=text,label&separator=tab" },
	{ true, "json", "?skip_bad=1" },
	{ true, "label", "?labels=fine" },
};

static void check_documents(const char *spec)
{
	struct fot_dataset *d = NULL;
	struct fot_str text = FOT_STR_INIT;
	struct fot_err err = { 0 };
	int status = fot_dataset_open(&d, spec, NULL, &err);

	require(status == err.code && (status == FOT_OK || status == FOT_ERR_INPUT));
	require((d != NULL) == (status == FOT_OK));
	for (size_t i = 0; d && i < fot_dataset_count(d); i++) {
		require(fot_dataset_text(d, i, &text, &err) == FOT_OK);
		require((int64_t)text.len == fot_dataset_at(d, i)->n_bytes);
		require(fot_utf8_valid(text.data, text.len) == text.len);
	}
	fot_dataset_close(d);
	fot_str_release(&text);
}

static void check_labelled(const char *spec)
{
	struct fot_labelled *l = NULL;
	struct fot_err err = { 0 };
	int status = fot_labelled_open(&l, spec, NULL, &err);

	require(status == err.code && (status == FOT_OK || status == FOT_ERR_INPUT));
	require((l != NULL) == (status == FOT_OK));
	for (size_t i = 0; l && i < l->n; i++) {
		const struct fot_labelled_item *it = &l->item[i];

		require(*it->text && *it->id);
		require(it->n_answers ? it->label == -1 : it->label >= 0 && (size_t)it->label < l->n_labels);
	}
	fot_labelled_close(l);
}

/* Not fot_file_replace: that one waits for the disk. */
static void write_file(const char *path, const uint8_t *bytes, size_t n)
{
	FILE *f = fopen(path, "wb");

	require(f != NULL);
	require(fwrite(bytes, 1, n, f) == n);
	require(fclose(f) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	const char *tmp = getenv("TMPDIR");
	char path[512], spec[640];
	size_t k;

	if (n < 1)
		return 0;
	k = bytes[0] % (sizeof(kinds) / sizeof(kinds[0]));
	snprintf(path, sizeof(path), "%s/fuzz-dataset-%ld.%s", tmp ? tmp : "/tmp", (long)getpid(), kinds[k].suffix);
	write_file(path, bytes + 1, n - 1);
	snprintf(spec, sizeof(spec), "%s%s", path, kinds[k].options);
	if (kinds[k].labelled)
		check_labelled(spec);
	else
		check_documents(spec);
	unlink(path);
	return 0;
}
