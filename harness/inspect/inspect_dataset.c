/* inspect_dataset.c: see inspect_dataset.h. */
#include "harness/inspect/inspect_dataset.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/list.h"
#include "base/mem.h"
#include "datasets/datamanifest.h"
#include "datasets/dataset.h"
#include "datasets/index.h"
#include "datasets/labelled_spec.h"
#include "datasets/text.h"
#include "harness/plan/paths.h"

#define SPLITS FOT_SPLIT_ALL

/* The texts of one split. */
struct part {
	int64_t n, bytes, words, tokens;
	int64_t *length; /* [n] tokens, or bytes without a tokenizer */
	size_t cap;
};

/* What is counted of a set; what: "documents" or "items". */
struct census {
	const char *what;
	const struct fot_tokenizer *t;
	struct part part[SPLITS];
};

static void census_release(struct census *c)
{
	for (int i = 0; i < SPLITS; i++)
		fot_free(c->part[i].length);
}

static int add_text(struct census *c, enum fot_split split, const char *text, size_t n, struct fot_err *err)
{
	struct part *p = &c->part[split];
	struct fot_ids ids = { 0 };
	int status = FOT_OK;

	if (c->t)
		FOT_TRY(fot_tokenizer_encode(c->t, &ids, text, n, err));
	if (!FOT_GROW(p->length, (size_t)p->n, p->cap))
		FOT_TRY(FOT_NO_MEMORY(err, c->what));
	p->length[p->n++] = (int64_t)(c->t ? ids.n : n);
	p->bytes += (int64_t)n;
	p->words += fot_text_words(text, n);
	p->tokens += (int64_t)ids.n;
out:
	fot_ids_release(&ids);
	return status;
}

/* ---- as text ---- */

static int64_t length_at(const struct part *p, double q)
{
	return p->length[(size_t)(q * (double)(p->n - 1))];
}

static void put_splits(struct fot_str *out, struct census *c)
{
	fot_str_printf(out, "split%15s%14s%14s%14s%12s%12s%12s  %s\n", c->what, "bytes", "words",
		       c->t ? "tokens" : "", "shortest", "median", "longest", c->t ? "(tokens)" : "(bytes)");
	for (int i = 0; i < SPLITS; i++) {
		struct part *p = &c->part[i];

		if (!p->n)
			continue;
		qsort(p->length, (size_t)p->n, sizeof(*p->length), fot_by_i64);
		fot_str_printf(out, "%-8s%12lld%14lld%14lld", fot_split_name((enum fot_split)i),
			       (long long)p->n, (long long)p->bytes, (long long)p->words);
		if (c->t)
			fot_str_printf(out, "%14lld", (long long)p->tokens);
		else
			fot_str_printf(out, "%14s", "");
		fot_str_printf(out, "%12lld%12lld%12lld\n", (long long)length_at(p, 0),
			       (long long)length_at(p, 0.5), (long long)length_at(p, 1));
	}
}

/* "key" and what stands behind it, unless that is empty. */
static void put_line(struct fot_str *out, const char *key, const char *value)
{
	if (value && *value)
		fot_str_printf(out, "%-21s%s\n", key, value);
}

static void put_classes(struct fot_str *out, const struct fot_labelled *l, const int64_t *count)
{
	fot_str_printf(out, "%12s%12s%12s  class (%zu)\n", "train", "valid", "test", l->n_labels);
	for (size_t k = 0; k < l->n_labels; k++)
		fot_str_printf(out, "%12lld%12lld%12lld  %s\n", (long long)count[k * SPLITS + FOT_TRAIN],
			       (long long)count[k * SPLITS + FOT_VALID],
			       (long long)count[k * SPLITS + FOT_TEST], l->label[k]);
}

/* ---- as JSON ---- */

static void json_splits(cJSON *o, const struct census *c)
{
	cJSON *list = cJSON_AddArrayToObject(o, "splits");

	for (int i = 0; i < SPLITS; i++) {
		const struct part *p = &c->part[i];
		cJSON *one = p->n ? fot_json_append(list) : NULL;

		if (!one)
			continue;
		cJSON_AddStringToObject(one, "split", fot_split_name((enum fot_split)i));
		cJSON_AddNumberToObject(one, c->what, (double)p->n);
		cJSON_AddNumberToObject(one, "bytes", (double)p->bytes);
		cJSON_AddNumberToObject(one, "words", (double)p->words);
		if (c->t)
			cJSON_AddNumberToObject(one, "tokens", (double)p->tokens);
	}
}

static void json_classes(cJSON *o, const struct fot_labelled *l, const int64_t *count)
{
	cJSON *list = cJSON_AddArrayToObject(o, "classes");

	for (size_t k = 0; k < l->n_labels; k++) {
		cJSON *one = fot_json_append(list);

		cJSON_AddStringToObject(one, "class", l->label[k]);
		for (int i = 0; i < SPLITS; i++)
			cJSON_AddNumberToObject(one, fot_split_name((enum fot_split)i),
						(double)count[k * SPLITS + (size_t)i]);
	}
}

static cJSON *json_set(cJSON *root, const char *key, const char *name, const char *origin, const char *hash,
		       const struct fot_str *notice)
{
	cJSON *o = cJSON_AddObjectToObject(root, key);

	cJSON_AddStringToObject(o, "name", name);
	cJSON_AddStringToObject(o, "from", origin);
	cJSON_AddStringToObject(o, "sha256", hash);
	if (notice->len)
		cJSON_AddStringToObject(o, "notice", notice->data);
	return o;
}

/* ---- documents and items ---- */

/* root NULL: as text. */
static int show_documents(struct fot_str *out, cJSON *root, const struct fot_dataset *d,
			  const struct fot_tokenizer *t, struct fot_err *err)
{
	struct census c = { .what = "documents", .t = t };
	struct fot_str text = FOT_STR_INIT, notice = FOT_STR_INIT;
	int status = FOT_OK;

	for (size_t i = 0; i < fot_dataset_count(d) && status == FOT_OK; i++) {
		FOT_TRY(fot_dataset_text(d, i, &text, err));
		status = add_text(&c, fot_dataset_at(d, i)->split, text.data, text.len, err);
	}
	fot_dataset_notice(&notice, d);
	if (status == FOT_OK && root) {
		json_splits(json_set(root, "dataset", fot_dataset_name(d), fot_dataset_origin(d),
				     fot_dataset_hash(d), &notice),
			    &c);
	} else if (status == FOT_OK) {
		put_line(out, "dataset", fot_dataset_name(d));
		put_line(out, "from", fot_dataset_origin(d));
		put_line(out, "sha256", fot_dataset_hash(d));
		put_line(out, "notice", notice.data);
		put_splits(out, &c);
	}
out:
	census_release(&c);
	fot_str_release(&text);
	fot_str_release(&notice);
	return status;
}

static int show_items(struct fot_str *out, cJSON *root, const struct fot_labelled *l,
		      const struct fot_tokenizer *t, struct fot_err *err)
{
	struct census c = { .what = "items", .t = t };
	struct fot_str notice = FOT_STR_INIT;
	int64_t *count = fot_calloc((l->n_labels + 1) * SPLITS, sizeof(*count));
	int status = count ? FOT_OK : FOT_NO_MEMORY(err, l->name);
	cJSON *o;

	for (size_t i = 0; i < l->n && status == FOT_OK; i++) {
		const struct fot_labelled_item *it = &l->item[i];

		status = add_text(&c, it->split, it->text, strlen(it->text), err);
		count[(size_t)(it->label < 0 ? 0 : it->label) * SPLITS + it->split]++;
	}
	fot_labelled_notice(&notice, l);
	if (status == FOT_OK && root) {
		o = json_set(root, "labelled_set", l->name, l->origin, l->hash, &notice);
		json_splits(o, &c);
		json_classes(o, l, count);
	} else if (status == FOT_OK) {
		put_line(out, "labelled set", l->name);
		put_line(out, "from", l->origin);
		put_line(out, "sha256", l->hash);
		put_line(out, "notice", notice.data);
		put_splits(out, &c);
		if (l->n_labels)
			put_classes(out, l, count);
	}
	fot_free(count);
	census_release(&c);
	fot_str_release(&notice);
	return status;
}

/* A file that only labelled sets are read from, or a list of sources. */
static bool is_labelled_file(const char *spec)
{
	struct fot_str path = FOT_STR_INIT;
	const char *slash, *base;
	bool is = false;

	fot_str_add(&path, spec, strcspn(spec, "?"));
	if (path.len && !path.failed) {
		slash = strrchr(path.data, '/');
		base = slash ? slash + 1 : path.data;
		is = strchr(path.data, ',') || (fot_labelled_kind(base) && !fot_dataset_is_path(base));
	}
	fot_str_release(&path);
	return is;
}

/* Does the folder hold a file that labelled sets are read from? */
static bool holds_labelled(const char *folder)
{
	struct fot_names names = { 0 };
	bool holds = false;

	if (fot_dir_list(&names, folder, NULL) == FOT_OK)
		for (size_t i = 0; i < names.n && !holds; i++)
			holds = is_labelled_file(names.name[i]);
	fot_names_release(&names);
	return holds;
}

/* What is told of a spec that can be opened as neither: the options say what is meant, then the file. A folder may be both. */
static int tell_neither(const char *spec, const struct fot_err *of_d, const struct fot_err *of_l,
			struct fot_err *err)
{
	const struct fot_err *e = is_labelled_file(spec) || fot_labelled_is_installed(spec) ? of_l : of_d;

	if (of_d->code != of_l->code && (of_d->code == FOT_ERR_USAGE || of_l->code == FOT_ERR_USAGE))
		e = of_d->code == FOT_ERR_USAGE ? of_l : of_d;
	else if (fot_is_dir(spec) && holds_labelled(spec))
		return FOT_FAIL(err, of_d->code, "%s; as a labelled set: %s", of_d->text, of_l->text);
	return FOT_FAIL(err, e->code, "%s", e->text);
}

int fot_inspect_dataset(struct fot_str *out, const char *spec, const struct fot_tokenizer *t, bool json,
			struct fot_err *err)
{
	struct fot_str store = FOT_STR_INIT;
	struct fot_dataset *d = NULL;
	struct fot_labelled *l = NULL;
	struct fot_err of_d = { 0 }, of_l = { 0 };
	cJSON *root = json ? cJSON_CreateObject() : NULL;
	int status;

	FOT_TRY(fot_store_find(&store, NULL, err));
	(void)fot_dataset_open(&d, spec, store.data, &of_d);
	(void)fot_labelled_open(&l, spec, store.data, &of_l);
	if (!d && !l)
		FOT_TRY(tell_neither(spec, &of_d, &of_l, err));
	if (d)
		FOT_TRY(show_documents(out, root, d, t, err));
	if (d && l && !json)
		fot_str_putc(out, '\n');
	if (l)
		FOT_TRY(show_items(out, root, l, t, err));
	if (json)
		FOT_TRY(fot_json_print(out, root, 2, err));
	status = fot_str_check(out, err);
out:
	cJSON_Delete(root);
	fot_dataset_close(d);
	fot_labelled_close(l);
	fot_str_release(&store);
	return status;
}

static bool is_installed(const char *name)
{
	struct fot_str store = FOT_STR_INIT, path = FOT_STR_INIT;
	bool is = false;

	if (fot_store_find(&store, NULL, NULL) == FOT_OK && !strchr(name, '/'))
		fot_index_path(&path, store.data, name, "index.json");
	is = path.len && !path.failed && fot_file_exists(path.data);
	fot_str_release(&store);
	fot_str_release(&path);
	return is;
}

bool fot_inspect_is_dataset(const char *name)
{
	const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;

	return name[strcspn(name, "?,")] || fot_is_dir(name) || fot_dataset_is_path(base) ||
	       fot_labelled_kind(base) || fot_labelled_is_installed(name) || is_installed(name);
}
