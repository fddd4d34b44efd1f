/* jsondiff.c: both values become sorted lists of leaves (path, printed value),
 * which are then merged.  An explicit stack walks the tree: no recursion on
 * input. */
#include "base/jsondiff.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/list.h"
#include "base/mem.h"

#define MAX_DEPTH 72 /* the parser stops at 64 */

struct leaf {
	char *path, *value;
};

struct leaves {
	struct leaf *leaf;
	size_t n, cap;
};

static void leaves_release(struct leaves *l)
{
	for (size_t i = 0; i < l->n; i++) {
		fot_free(l->leaf[i].path);
		fot_free(l->leaf[i].value);
	}
	fot_free(l->leaf);
}

static int add_leaf(struct leaves *l, const struct fot_str *path, const cJSON *node, struct fot_err *err)
{
	struct fot_str value = FOT_STR_INIT;
	struct leaf leaf;
	int status = fot_json_canonical(&value, node, err);

	if (status != FOT_OK)
		goto out;
	if (!FOT_GROW(l->leaf, l->n, l->cap)) {
		status = FOT_NO_MEMORY(err, "comparing JSON");
		goto out;
	}
	leaf.path = fot_strdup(path->data ? path->data : "");
	leaf.value = fot_strdup(value.data);
	if (!leaf.path || !leaf.value) {
		fot_free(leaf.path);
		fot_free(leaf.value);
		status = FOT_NO_MEMORY(err, "comparing JSON");
		goto out;
	}
	l->leaf[l->n++] = leaf;
out:
	fot_str_release(&value);
	return status;
}

struct frame {
	const cJSON *next; /* child still to be visited */
	size_t path_len, index;
	bool array;
};

static void step(struct fot_str *path, const struct frame *f)
{
	path->len = f->path_len;
	if (f->array)
		fot_str_printf(path, "[%zu]", f->index);
	else
		fot_str_printf(path, "%s%s", path->len ? "." : "", f->next->string);
}

static int flatten(struct leaves *l, const cJSON *root, struct fot_err *err)
{
	struct frame stack[MAX_DEPTH];
	struct fot_str path = FOT_STR_INIT;
	const cJSON *node = root;
	size_t depth = 0;
	int status = FOT_OK;

	for (;;) {
		bool parent = (cJSON_IsObject(node) || cJSON_IsArray(node)) && node->child;

		if (parent && depth == MAX_DEPTH) {
			status = FOT_FAIL(err, FOT_ERR_RUN, "comparing JSON: nested too deep");
			break;
		}
		if (parent)
			stack[depth++] = (struct frame){ node->child, path.len, 0, cJSON_IsArray(node) };
		else
			FOT_TRY(add_leaf(l, &path, node, err));
		while (depth > 0 && !stack[depth - 1].next)
			depth--;
		if (depth == 0)
			break;
		node = stack[depth - 1].next;
		step(&path, &stack[depth - 1]);
		stack[depth - 1].next = node->next;
		stack[depth - 1].index++;
	}
	if (status == FOT_OK)
		status = fot_str_check(&path, err);
out:
	fot_str_release(&path);
	return status;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct leaf *)a)->path, ((const struct leaf *)b)->path);
}

int fot_json_differences(struct fot_str *out, const cJSON *a, const char *name_a, const cJSON *b,
			 const char *name_b, size_t max, size_t *n_different, struct fot_err *err)
{
	struct leaves la = { 0 }, lb = { 0 };
	size_t i = 0, k = 0, n = 0;
	int status;

	FOT_TRY(flatten(&la, a, err));
	FOT_TRY(flatten(&lb, b, err));
	qsort(la.leaf, la.n, sizeof(struct leaf), by_path);
	qsort(lb.leaf, lb.n, sizeof(struct leaf), by_path);
	while (i < la.n || k < lb.n) {
		int order = i == la.n ? 1 : k == lb.n ? -1 : strcmp(la.leaf[i].path, lb.leaf[k].path);

		if (order == 0 && strcmp(la.leaf[i].value, lb.leaf[k].value) == 0) {
			i++;
			k++;
			continue;
		}
		if (n++ < max) {
			fot_str_puts(out, n > 1 ? "; " : "");
			if (order == 0)
				fot_str_printf(out, "%s: %s %s, %s %s", la.leaf[i].path, name_a,
					       la.leaf[i].value, name_b, lb.leaf[k].value);
			else
				fot_str_printf(out, "%s: only %s",
					       order < 0 ? la.leaf[i].path : lb.leaf[k].path,
					       order < 0 ? name_a : name_b);
		}
		i += order <= 0;
		k += order >= 0;
	}
	if (n > max)
		fot_str_printf(out, "; and %zu more", n - max);
	if (n_different)
		*n_different = n;
	status = fot_str_check(out, err);
out:
	leaves_release(&la);
	leaves_release(&lb);
	return status;
}
