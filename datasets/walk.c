/* walk.c: see walk.h.
 *
 * Folders that are being walked stand on a stack with what identifies them, so that a link back
 * to one of them is known.  Links from folder to folder may still multiply (each of twenty
 * folders twice in the one before makes a million): such links are counted. */
#include "datasets/walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/list.h"
#include "base/mem.h"
#include "datasets/reader.h"
#include "datasets/unpack.h"

#define DEPTH_MAX 256
#define LINKS_MAX 10000

struct level {
	struct fot_names names;
	size_t next, path_len; /* of the folder's path, relative to the root */
	dev_t dev;
	ino_t ino;
};

struct walk {
	struct level level[DEPTH_MAX];
	size_t depth, n_links;
	struct fot_str path, full; /* relative to the root; with it */
	const char *root;
	struct fot_names *out;
	size_t cap;
	struct fot_left_out *left;
};

void fot_left_out_name(struct fot_left_out *left, const char *name)
{
	if (!left->first[0])
		(void)snprintf(left->first, sizeof(left->first), "%s", name);
}

static bool is_text_file(const char *name)
{
	return fot_name_ends(name, ".txt") || fot_name_ends(name, ".parquet");
}

static int take(struct walk *w, struct fot_err *err)
{
	if (!FOT_GROW(w->out->name, w->out->n, w->cap))
		return FOT_NO_MEMORY(err, w->root);
	w->out->name[w->out->n] = fot_strdup(w->path.data);
	if (!w->out->name[w->out->n])
		return FOT_NO_MEMORY(err, w->root);
	w->out->n++;
	return FOT_OK;
}

static bool is_open(const struct walk *w, const struct stat *st)
{
	for (size_t i = 0; i < w->depth; i++)
		if (w->level[i].dev == st->st_dev && w->level[i].ino == st->st_ino)
			return true;
	return false;
}

static int enter(struct walk *w, const struct stat *st, struct fot_err *err)
{
	struct level *l = &w->level[w->depth];

	if (w->depth == DEPTH_MAX)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: folders deeper than %d", w->full.data, DEPTH_MAX);
	*l = (struct level){ .path_len = w->path.len, .dev = st->st_dev, .ino = st->st_ino };
	w->depth++;
	return fot_dir_list(&l->names, w->full.data, err);
}

static int visit(struct walk *w, const char *name, struct fot_err *err)
{
	struct stat st, own;

	if (name[0] == '.') {
		w->left->n_hidden++;
		fot_left_out_name(w->left, w->path.data);
		return FOT_OK;
	}
	if (stat(w->full.data, &st) != 0)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: cannot stat: %m%s", w->full.data,
				lstat(w->full.data, &st) == 0 ? " (a link that leads nowhere?)" : "");
	if (S_ISDIR(st.st_mode) && !is_open(w, &st)) {
		if (lstat(w->full.data, &own) == 0 && S_ISLNK(own.st_mode) && ++w->n_links > LINKS_MAX)
			return FOT_FAIL(err, FOT_ERR_INPUT,
					"%s: more than %d links to folders (links among the folders?)",
					w->root, LINKS_MAX);
		return enter(w, &st, err);
	}
	if (S_ISREG(st.st_mode) && is_text_file(name))
		return take(w, err);
	w->left->n_loops += S_ISDIR(st.st_mode) ? 1 : 0;
	w->left->n_other += S_ISDIR(st.st_mode) ? 0 : 1;
	w->left->n_jsonl += !S_ISDIR(st.st_mode) && fot_name_ends(name, ".jsonl") ? 1 : 0;
	fot_left_out_name(w->left, w->path.data);
	return FOT_OK;
}

/* The next entry of the folder on top; leaves it behind its last. */
static int step(struct walk *w, struct fot_err *err)
{
	struct level *l = &w->level[w->depth - 1];
	const char *name;
	int status;

	if (l->next == l->names.n) {
		fot_names_release(&l->names);
		w->depth--;
		return FOT_OK;
	}
	name = l->names.name[l->next++];
	w->path.len = l->path_len;
	if (w->path.len)
		fot_str_putc(&w->path, '/');
	fot_str_puts(&w->path, name);
	fot_str_clear(&w->full);
	FOT_TRY(fot_str_check(&w->path, err));
	FOT_TRY(fot_path_at(&w->full, w->root, w->path.data, err));
	status = visit(w, name, err);
out:
	return status;
}

int fot_walk_texts(struct fot_names *out, struct fot_left_out *left, const char *root, struct fot_err *err)
{
	struct walk *w = fot_calloc(1, sizeof(*w));
	struct stat st;
	int status;

	if (!w)
		return FOT_NO_MEMORY(err, root);
	w->root = root;
	w->out = out;
	w->left = left;
	fot_str_puts(&w->full, root);
	FOT_TRY(fot_str_check(&w->full, err));
	if (stat(root, &st) != 0) {
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: cannot stat: %m", root);
		goto out;
	}
	FOT_TRY(enter(w, &st, err));
	while (w->depth)
		FOT_TRY(step(w, err));
	if (out->n)
		qsort(out->name, out->n, sizeof(*out->name), fot_by_text);
out:
	while (w->depth)
		fot_names_release(&w->level[--w->depth].names);
	fot_str_release(&w->path);
	fot_str_release(&w->full);
	fot_free(w);
	return status;
}
