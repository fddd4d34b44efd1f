/* library.c: see library.h. */
#include "harness/run/library.h"

#include <string.h>

#include "base/mem.h"
#include "harness/run/task_class.h"

bool fot_library_takes(const struct fot_plan *p, const struct fot_item *item, size_t document)
{
	enum fot_split split = p->spec->task[item->task].split;

	return split == FOT_SPLIT_ALL || fot_dataset_at(p->dataset[item->dataset].data, document)->split == split;
}

bool fot_library_holds(const struct fot_library *l, const struct fot_plan *p, const struct fot_item *item)
{
	return l->ids && l->dataset == item->dataset &&
	       strcmp(l->tokenizer, fot_tokenizer_hash(fot_task_tokenizer(p, item))) == 0;
}

int fot_library_read(struct fot_library *l, const struct fot_plan *p, const struct fot_item *item, struct fot_err *err)
{
	const struct fot_dataset *d = p->dataset[item->dataset].data;
	const struct fot_tokenizer *tokenizer = fot_task_tokenizer(p, item);
	size_t all = fot_dataset_count(d);
	int status = FOT_OK;

	fot_library_release(l);
	l->dataset = item->dataset;
	memcpy(l->tokenizer, fot_tokenizer_hash(tokenizer), sizeof l->tokenizer);
	l->ids = fot_calloc(all, sizeof *l->ids);
	l->document = fot_alloc(all, sizeof *l->document);
	if (!l->ids || !l->document) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "out of memory for %zu documents", all);
		goto out;
	}
	for (size_t i = 0; i < all; i++) {
		if (!fot_library_takes(p, item, i))
			continue;
		l->document[l->n++] = i;
		FOT_TRY(fot_dataset_tokens(d, i, tokenizer, p->store, &l->ids[l->n - 1], err));
	}
out:
	if (status != FOT_OK)
		fot_library_release(l);
	return status;
}

void fot_library_release(struct fot_library *l)
{
	for (size_t i = 0; i < l->n; i++)
		fot_ids_release(&l->ids[i]);
	fot_free(l->ids);
	fot_free(l->document);
	*l = (struct fot_library){ 0 };
}

size_t fot_library_place(const struct fot_library *l, size_t document)
{
	size_t i = 0;

	while (l->document[i] != document)
		i++;
	return i;
}
