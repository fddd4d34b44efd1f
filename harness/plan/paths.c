/* paths.c: see paths.h. */
#include "harness/plan/paths.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "harness/plan/place.h"

#define N_PLACES 4

static const struct {
	const char *name, *before, *after, *shown; /* a bare NAME is before NAME after, in the repository */
} kinds[] = {
	[FOT_PATH_MODEL] = { "model", "model/zoo/", "", "model/zoo/NAME" },
	[FOT_PATH_TEXT] = { "text", NULL, NULL, NULL },
	[FOT_PATH_TOKENIZER] = { "tokenizer", "model/zoo/", "/tokenizer.model", "model/zoo/NAME/tokenizer.model" },
	[FOT_PATH_TEMPLATE] = { "template", "datasets/templates/", ".json", "datasets/templates/NAME.json" },
	[FOT_PATH_SPEC] = { "spec", "harness/specs/", ".json", "harness/specs/NAME.json" },
	[FOT_PATH_RECIPE] = { "recipe", "model/train/recipes/", ".json", "model/train/recipes/NAME.json" },
};

const char *fot_path_shipped(enum fot_path_kind kind)
{
	return kinds[kind].shown;
}

const char *fot_path_kind_name(enum fot_path_kind kind)
{
	return kinds[kind].name;
}

/* "quick.json" is the shipped quick as well. */
static bool ends_in(const char *name, const char *tail)
{
	size_t n = strlen(name), m = strlen(tail);

	return n > m && strcmp(name + n - m, tail) == 0;
}

/* The i-th place of the rule; false: there is none. */
static bool place(struct fot_str *out, int i, enum fot_path_kind kind, const char *name, const char *beside)
{
	struct fot_str inside = FOT_STR_INIT;
	bool bare = !strchr(name, '/');

	fot_str_clear(out);
	if (i == 0)
		fot_str_puts(out, name);
	if (i == 0 || name[0] == '/')
		return i == 0;
	if (i == 1 && beside)
		fot_path_join(out, beside, name);
	if (i == 1)
		return beside != NULL;
	if (i == 2)
		fot_str_puts(&inside, name);
	else if (bare && kinds[kind].before)
		fot_str_printf(&inside, "%s%s%s", kinds[kind].before, name,
			       ends_in(name, kinds[kind].after) ? "" : kinds[kind].after);
	out->failed = out->failed || inside.failed;
	if (inside.len && fot_repository_path(out, inside.data) != FOT_OK)
		out->failed = true;
	fot_str_release(&inside);
	return out->len > 0;
}

bool fot_path_find(struct fot_str *out, enum fot_path_kind kind, const char *name, const char *beside)
{
	struct fot_str at = FOT_STR_INIT;
	bool found = false;

	for (int i = 0; i < N_PLACES && !found && !at.failed; i++)
		found = place(&at, i, kind, name, beside) && !at.failed && fot_file_exists(at.data);
	fot_str_puts(out, found ? at.data : name);
	out->failed = out->failed || at.failed;
	fot_str_release(&at);
	return found;
}

int fot_path_missing(enum fot_path_kind kind, const char *name, const char *beside, int code, struct fot_err *err)
{
	struct fot_str at = FOT_STR_INIT, list = FOT_STR_INIT;
	int status;

	for (int i = 1; i < N_PLACES; i++) {
		if (!place(&at, i, kind, name, beside) || strcmp(at.data, name) == 0)
			continue;
		fot_str_printf(&list, "%s%s", list.len ? ", " : "; looked for it as well at ", at.data);
	}
	status = FOT_FAIL(err, code, "%s: no such %s%s", name, kinds[kind].name,
			  list.len && !list.failed ? list.data : "");
	fot_str_release(&at);
	fot_str_release(&list);
	return status;
}

int fot_path_need(struct fot_str *out, enum fot_path_kind kind, const char *name, const char *beside, int code,
		  struct fot_err *err)
{
	if (!fot_path_find(out, kind, name, beside) && !out->failed)
		return fot_path_missing(kind, name, beside, code, err);
	return fot_str_check(out, err);
}

int fot_path_open_model(struct fot_model **out, const char *name, struct fot_err *err)
{
	struct fot_str dir = FOT_STR_INIT;
	int status;

	status = fot_path_need(&dir, FOT_PATH_MODEL, name, NULL, FOT_ERR_INPUT, err);
	if (status == FOT_OK)
		status = fot_model_open(out, dir.data, err);
	fot_str_release(&dir);
	return status;
}

/* --- the folders that commands use when none is given --- */

#define MANIFESTS "datasets/manifests"
#define STORE "datasets/store"

int fot_repository_path(struct fot_str *out, const char *name)
{
	struct fot_str shipped = FOT_STR_INIT;

	if (!fot_is_dir(MANIFESTS) && fot_place_shipped(&shipped))
		fot_path_join(out, shipped.data, name);
	else
		fot_str_puts(out, name);
	out->failed = out->failed || shipped.failed;
	fot_str_release(&shipped);
	return fot_str_check(out, NULL);
}

int fot_store_find(struct fot_str *out, const char *given, struct fot_err *err)
{
	const char *of_user = given ? given : getenv("FOTBENCH_DATA");
	struct fot_str shipped = FOT_STR_INIT, user = FOT_STR_INIT;

	if (given || (of_user && *of_user))
		fot_str_puts(out, of_user);
	else if (fot_is_dir(MANIFESTS) || !fot_place_shipped(&shipped))
		fot_str_puts(out, STORE);
	else if (fot_place_is_repository(shipped.data))
		fot_path_join(out, shipped.data, STORE);
	else if (fot_place_user_data(&user))
		fot_path_join(out, user.data, "store");
	else
		fot_str_puts(out, STORE); /* in the working folder: never in what is installed */
	out->failed = out->failed || shipped.failed || user.failed;
	fot_str_release(&shipped);
	fot_str_release(&user);
	return fot_str_check(out, err);
}

int fot_manifests_default(struct fot_str *out)
{
	return fot_repository_path(out, MANIFESTS);
}
