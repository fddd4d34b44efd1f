/* cmd_data.c: `fotbench data fetch|verify|list [NAME...]`.
 *
 * Progress and warnings go to stderr, the short result or --json to stdout. A
 * document or package that is not the pinned one is a warning (exit 0, the index says
 * so, and every run's manifest.json lists such documents); a damaged or missing one is exit 5. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "datasets/datamanifest.h"
#include "datasets/fetch.h"
#include "datasets/index.h"
#include "datasets/labelled.h"
#include "harness/options/commands.h"
#include "harness/options/options.h"
#include "harness/plan/paths.h"

struct args {
	const char *store, *manifests;
	bool quiet, json, documents, sets, with_npm;
	struct fot_str store_text, manifests_text;
	struct fot_data_options data;
};

static void show(void *user, const char *line)
{
	bool warning = strncmp(line, "warning: ", 9) == 0;

	(void)user;
	if (warning)
		fot_log(FOT_LOG_WARN, "%s", line + 9);
	else
		fot_log(FOT_LOG_INFO, "%s", line);
}

/* Print a JSON object as one line on stdout and free it. */
static int print_json(cJSON *obj, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	int status = fot_json_print(&text, obj, 0, err);

	if (status == FOT_OK)
		status = fot_str_check(&text, err);
	if (status == FOT_OK)
		puts(text.data);
	fot_str_release(&text);
	cJSON_Delete(obj);
	return status;
}

static cJSON *counts_json(const struct fot_data_counts *n)
{
	const struct {
		const char *name;
		size_t value;
	} rows[] = { { "datasets", n->n_datasets },   { "installed", n->n_installed }, { "current", n->n_current },
		     { "documents", n->n_documents }, { "differing", n->n_differing }, { "damaged", n->n_damaged },
		     { "absent", n->n_absent } };
	cJSON *obj = cJSON_CreateObject();

	for (size_t i = 0; i < FOT_COUNT(rows); i++)
		cJSON_AddNumberToObject(obj, rows[i].name, (double)rows[i].value);
	return obj;
}

/* ---- fetch, verify ---- */

static int run_fetch(struct args *a, struct fot_err *err)
{
	struct fot_data_counts n;
	int status = fot_data_fetch(&a->data, &n, err);

	if (status != FOT_OK)
		return status;
	if (a->json)
		return print_json(counts_json(&n), err);
	if (!a->quiet)
		printf("%zu dataset%s, %zu document%s in %s (%zu installed now, %zu already there)\n", n.n_datasets,
		       FOT_S(n.n_datasets), n.n_documents, FOT_S(n.n_documents), a->store, n.n_installed, n.n_current);
	if (n.n_differing)
		fot_log(FOT_LOG_WARN, "%zu packages or documents are not the pinned ones; see: fotbench data verify",
			n.n_differing);
	return FOT_OK;
}

static int run_verify(struct args *a, struct fot_err *err)
{
	struct fot_data_counts n;
	int status = fot_data_verify(&a->data, &n, err);

	if (status != FOT_OK)
		return status;
	if (a->json)
		status = print_json(counts_json(&n), err);
	else if (!a->quiet)
		printf("%zu document%s: %zu damaged, %zu packages or documents not the pinned ones\n", n.n_documents, FOT_S(n.n_documents),
		       n.n_damaged, n.n_differing);
	if (status != FOT_OK)
		return status;
	if (n.n_damaged)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%zu documents in %s are damaged; remove the dataset's index.json and fetch again",
				n.n_damaged, a->store);
	if (n.n_absent)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%zu datasets are not installed in %s; run: fotbench data fetch",
				n.n_absent, a->store);
	return FOT_OK;
}

/* ---- list ---- */

/* One dataset: the manifest, and what of it is installed. */
struct entry {
	struct fot_datamanifest m;
	struct fot_index x;
	bool installed;
	const char *state; /* installed, outdated, differs, absent */
};

static int entry_open(struct entry *e, const char *path, const char *store, struct fot_err *err)
{
	struct fot_str index = FOT_STR_INIT;
	int status = fot_datamanifest_read(&e->m, path, err);

	if (status != FOT_OK)
		return status;
	fot_index_path(&index, store, e->m.dataset, "index.json");
	FOT_TRY(fot_str_check(&index, err));
	e->installed = fot_file_exists(index.data);
	e->state = "absent";
	if (!e->installed)
		goto out;
	FOT_TRY(fot_index_read(&e->x, store, e->m.dataset, err));
	e->state = strcmp(e->x.manifest_sha256, e->m.sha256) == 0 ? "installed" : "outdated";
	for (size_t i = 0; i < e->x.n_documents; i++)
		if (!e->x.documents[i].pinned)
			e->state = "differs";
out:
	fot_str_release(&index);
	if (status != FOT_OK)
		fot_datamanifest_release(&e->m);
	return status;
}

static void entry_close(struct entry *e)
{
	if (e->installed)
		fot_index_release(&e->x);
	fot_datamanifest_release(&e->m);
}

static const struct fot_index_document *installed_document(const struct entry *e, const char *id)
{
	for (size_t i = 0; e->installed && i < e->x.n_documents; i++)
		if (strcmp(e->x.documents[i].id, id) == 0)
			return &e->x.documents[i];
	return NULL;
}

static const char *document_state(const struct entry *e, const struct fot_rule *r)
{
	const struct fot_index_document *d = installed_document(e, r->id);

	if (!d)
		return e->m.packages[r->package].optional ? "optional" : "absent";
	return strcmp(d->sha256, r->sha256) == 0 ? "installed" : "differs";
}

static double download_bytes(const struct entry *e, bool optional)
{
	double bytes = 0;

	for (size_t i = 0; i < e->m.n_packages; i++)
		if (optional == e->m.packages[i].optional)
			bytes += (double)e->m.packages[i].bytes;
	return bytes;
}

/* Documents and bytes of a split, without the optional ones that are not there. */
static size_t split_size(const struct entry *e, enum fot_split split, double *bytes)
{
	size_t n = 0;

	for (size_t i = 0; i < e->m.n_documents; i++) {
		const struct fot_rule *r = &e->m.documents[i];

		if (r->split != split || strcmp(document_state(e, r), "optional") == 0)
			continue;
		*bytes += (double)r->bytes;
		n++;
	}
	return n;
}

static void list_text(const struct entry *e, bool documents)
{
	printf("%-13s %-10s download %5.1f MB", e->m.dataset, e->state, download_bytes(e, false) / 1e6);
	for (int s = 0; s < FOT_SPLIT_ALL; s++) {
		double bytes = 0;
		size_t n = split_size(e, (enum fot_split)s, &bytes);

		printf("  %s %zu (%.1f MB)", fot_split_name((enum fot_split)s), n, bytes / 1e6);
	}
	printf("\n");
	for (size_t i = 0; documents && i < e->m.n_documents; i++) {
		const struct fot_rule *r = &e->m.documents[i];
		const struct fot_index_document *d = installed_document(e, r->id);

		printf("  %-5s %-10s %10lld  %.16s  %s/%s\n", fot_split_name(r->split), document_state(e, r),
		       (long long)(d ? d->bytes : r->bytes), d ? d->sha256 : r->sha256, e->m.dataset, r->id);
	}
	for (size_t i = 0; e->installed && i < e->x.n_packages; i++)
		if (!e->x.packages[i].pinned)
			printf("  package %s: %s is not the pinned version\n", e->x.packages[i].name,
			       e->x.packages[i].version);
}

static cJSON *document_json(const struct entry *e, const struct fot_rule *r)
{
	const struct fot_index_document *d = installed_document(e, r->id);
	cJSON *obj = cJSON_CreateObject();

	cJSON_AddStringToObject(obj, "id", r->id);
	cJSON_AddStringToObject(obj, "split", fot_split_name(r->split));
	cJSON_AddStringToObject(obj, "package", e->m.packages[r->package].name);
	cJSON_AddStringToObject(obj, "state", document_state(e, r));
	cJSON_AddNumberToObject(obj, "bytes", (double)(d ? d->bytes : r->bytes));
	cJSON_AddStringToObject(obj, "sha256", d ? d->sha256 : r->sha256);
	return obj;
}

static cJSON *entry_json(const struct entry *e, bool documents)
{
	cJSON *obj = cJSON_CreateObject(), *list;

	cJSON_AddStringToObject(obj, "name", e->m.dataset);
	cJSON_AddStringToObject(obj, "state", e->state);
	cJSON_AddStringToObject(obj, "description", e->m.description);
	cJSON_AddNumberToObject(obj, "download_bytes", download_bytes(e, false));
	cJSON_AddNumberToObject(obj, "optional_download_bytes", download_bytes(e, true));
	if (!documents)
		return obj;
	list = cJSON_AddArrayToObject(obj, "documents");
	for (size_t i = 0; i < e->m.n_documents; i++)
		cJSON_AddItemToArray(list, document_json(e, &e->m.documents[i]));
	return obj;
}

/* One labelled set: a line, or an object in the list. */
static int list_set(void *user, const char *spec, const struct fot_labelled *l, struct fot_err *err)
{
	cJSON *list = user, *obj;

	if (!list) {
		printf("  %-42s %3zu classes  %6zu texts%s\n", spec, l->n_labels, l->n,
		       l->held_out ? "  for evaluation" : "");
		return FOT_OK;
	}
	obj = fot_json_append(list);
	if (!obj)
		return FOT_NO_MEMORY(err, spec);
	cJSON_AddStringToObject(obj, "spec", spec);
	cJSON_AddNumberToObject(obj, "classes", (double)l->n_labels);
	cJSON_AddNumberToObject(obj, "texts", (double)l->n);
	cJSON_AddBoolToObject(obj, "held_out", l->held_out);
	cJSON_AddStringToObject(obj, "sha256", l->hash);
	return FOT_OK;
}

/* Those of an installed dataset; into: its object, NULL for lines. */
static int list_sets(const struct args *a, const struct entry *e, cJSON *into, struct fot_err *err)
{
	cJSON *list = into ? cJSON_AddArrayToObject(into, "sets") : NULL;

	if (into && !list)
		return FOT_NO_MEMORY(err, e->m.dataset);
	return e->installed ? fot_labelled_each_of(e->m.dataset, a->store, list_set, list, err) : FOT_OK;
}

static int list_one(const struct args *a, const char *name, cJSON *out, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	struct entry e = { 0 };
	cJSON *obj = NULL;
	int status;

	FOT_TRY(fot_data_manifest_path(&path, a->manifests, name, err));
	FOT_TRY(entry_open(&e, path.data, a->store, err));
	if (out)
		cJSON_AddItemToArray(out, obj = entry_json(&e, a->documents));
	else
		list_text(&e, a->documents);
	if (a->sets)
		status = list_sets(a, &e, obj, err);
	entry_close(&e);
out:
	fot_str_release(&path);
	return status;
}

static int run_list(struct args *a, struct fot_err *err)
{
	cJSON *root = a->json ? cJSON_CreateObject() : NULL;
	cJSON *list = a->json ? cJSON_AddArrayToObject(root, "datasets") : NULL;
	struct fot_names names = { 0 };
	size_t n = a->data.n_names;
	int status = FOT_OK;

	if (n == 0) {
		FOT_TRY(fot_data_names(&names, a->manifests, err));
		n = names.n;
	}
	for (size_t i = 0; i < n; i++)
		FOT_TRY(list_one(a, names.n ? names.name[i] : a->data.names[i], list, err));
	if (root) {
		status = print_json(root, err);
		root = NULL;
	}
out:
	cJSON_Delete(root);
	fot_names_release(&names);
	return status;
}

/* ---- the command ---- */

static const struct {
	const char *name;
	int (*run)(struct args *, struct fot_err *);
} actions[] = { { "fetch", run_fetch }, { "verify", run_verify }, { "list", run_list } };

#define N_ACTIONS FOT_COUNT(actions)

static int run_action(struct args *a, const char *name, struct fot_err *err)
{
	const char *names[N_ACTIONS], *near;

	for (size_t i = 0; i < N_ACTIONS; i++) {
		names[i] = actions[i].name;
		if (strcmp(name, actions[i].name) == 0)
			return actions[i].run(a, err);
	}
	near = fot_nearest(name, names, N_ACTIONS);
	return FOT_FAIL(err, FOT_ERR_USAGE, "'%s' is none of fetch, verify, list%s%s%s", name,
			near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

static int set_folders(struct args *a, struct fot_err *err)
{
	int status = FOT_OK;

	if (!a->store) {
		FOT_TRY(fot_store_find(&a->store_text, NULL, err));
		a->store = a->store_text.data;
	}
	if (!a->manifests) {
		FOT_TRY(fot_manifests_default(&a->manifests_text));
		a->manifests = a->manifests_text.data;
	}
out:
	return status == FOT_OK ? FOT_OK : FOT_FAIL(err, FOT_ERR_RUN, "out of memory");
}

static int data(void *args, const struct fot_options *o, struct fot_err *err)
{
	struct args *a = args;
	int status;

	FOT_TRY(set_folders(a, err));
	a->data = (struct fot_data_options){ .manifests = a->manifests,
					     .store = a->store,
					     .names = o->positional + 1,
					     .n_names = o->n_positional - 1,
					     .optional = a->with_npm,
					     .note = show,
					     .user = a };
	FOT_TRY(run_action(a, o->positional[0], err));
	FOT_TRY(fot_flush_stdout(err));
out:
	fot_str_release(&a->store_text);
	fot_str_release(&a->manifests_text);
	return status;
}

int fot_cmd_data(int argc, char **argv)
{
	struct args a = { 0 };
	struct fot_option table[] = {
		FOT_COMMON_STORE(&a.store),
		{ FOT_TEXT_OPTION("manifests", &a.manifests, "DIR",
				  "what they are made of (default datasets/manifests of the repository)") },
		{ FOT_FLAG_OPTION("with-npm", &a.with_npm,
				  "fetch: the optional npm packages and their documents too") },
		{ FOT_FLAG_OPTION("documents", &a.documents, "list: each document") },
		{ FOT_FLAG_OPTION(
			"sets", &a.sets,
			"list: each labelled set that is made of them, as -d and recipes name it") },
		FOT_COMMON_JSON(&a.json),
		FOT_COMMON_QUIET(&a.quiet),
	};
	struct fot_options o = FOT_COMMAND(
		"data", "fetch|verify|list [NAME...] [options]",
		"Install the datasets from Debian packages (no root needed), check their hashes, or say what there is. "
		"Without NAME: all of them.",
		table, 1, FOT_POSITIONAL_MAX, data);

	return fot_command(&o, argc, argv, &a);
}
