/* corpus.c: see corpus.h. Each document's ids are one block; nothing moves after opening. */
#include "datasets/corpus.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "datasets/datamanifest.h"

struct fot_corpus {
	struct fot_dataset **dataset;
	size_t n_datasets;
	struct fot_corpus_doc *doc;
	struct fot_ids *ids; /* doc[i].tokens == ids[i].id */
	size_t n;
	char hash[65];
};

static size_t count_split(const struct fot_dataset *d, enum fot_split split)
{
	size_t n = 0;

	for (size_t i = 0; i < fot_dataset_count(d); i++)
		n += split == FOT_SPLIT_ALL || fot_dataset_at(d, i)->split == split;
	return n;
}

static int no_documents(const char *spec, enum fot_split split, struct fot_err *err)
{
	const char *name = fot_split_name(split);

	if (split == FOT_SPLIT_ALL)
		return FOT_FAIL(err, FOT_ERR_INPUT, "dataset %s has no documents", spec);
	return FOT_FAIL(err, FOT_ERR_INPUT,
			"dataset %s has no %s documents; in a folder they are those of its %s/", spec, name,
			name);
}

static int open_datasets(struct fot_corpus *c, const char *const *specs, size_t n, enum fot_split split,
			 const char *store, struct fot_err *err)
{
	size_t total = 0, found;
	int status = FOT_OK;

	c->dataset = fot_calloc(n, sizeof(struct fot_dataset *));
	if (!c->dataset)
		return FOT_NO_MEMORY(err, "corpus");
	for (size_t i = 0; i < n; i++) {
		FOT_TRY(fot_dataset_open(&c->dataset[i], specs[i], store, err));
		c->n_datasets++;
		found = count_split(c->dataset[i], split);
		if (found == 0) {
			status = no_documents(specs[i], split, err);
			goto out;
		}
		total += found;
	}
	c->doc = fot_calloc(total, sizeof(*c->doc));
	c->ids = fot_calloc(total, sizeof(*c->ids));
	if (!c->doc || !c->ids)
		status = FOT_NO_MEMORY(err, "corpus");
out:
	return status;
}

static int load(struct fot_corpus *c, enum fot_split split, const char *store, const struct fot_tokenizer *t,
		struct fot_err *err)
{
	int status;

	for (size_t k = 0; k < c->n_datasets; k++) {
		const struct fot_dataset *d = c->dataset[k];

		for (size_t i = 0; i < fot_dataset_count(d); i++) {
			const struct fot_document *doc = fot_dataset_at(d, i);
			struct fot_ids *ids = &c->ids[c->n];

			if ((split != FOT_SPLIT_ALL && doc->split != split) || doc->n_bytes == 0)
				continue;
			status = fot_dataset_tokens(d, i, t, store, ids, err);
			if (status != FOT_OK) {
				fot_ids_release(ids);
				return status;
			}
			c->doc[c->n++] = (struct fot_corpus_doc){ k, doc->id, ids->id, (int64_t)ids->n };
		}
	}
	return c->n ? FOT_OK :
		      FOT_FAIL(err, FOT_ERR_INPUT, "corpus: all %s documents are empty",
			       fot_split_name(split));
}

static void hash_corpus(struct fot_corpus *c, enum fot_split split, const struct fot_tokenizer *t)
{
	const char *name = fot_split_name(split), *tokenizer = fot_tokenizer_hash(t);
	struct fot_sha256 h;

	fot_sha256_init(&h);
	for (size_t i = 0; i < c->n_datasets; i++)
		fot_sha256_add(&h, fot_dataset_hash(c->dataset[i]), 64);
	fot_sha256_add(&h, name, strlen(name));
	fot_sha256_add(&h, tokenizer, strlen(tokenizer));
	fot_sha256_hex(&h, c->hash);
}

int fot_corpus_open(struct fot_corpus **out, const char *const *specs, size_t n, enum fot_split split,
		    const char *store, const struct fot_tokenizer *t, struct fot_err *err)
{
	struct fot_corpus *c = fot_calloc(1, sizeof(*c));
	int status;

	if (!c)
		return FOT_NO_MEMORY(err, "corpus");
	FOT_TRY(open_datasets(c, specs, n, split, store, err));
	FOT_TRY(load(c, split, store, t, err));
	hash_corpus(c, split, t);
	*out = c;
out:
	if (status != FOT_OK)
		fot_corpus_close(c);
	return status;
}

void fot_corpus_close(struct fot_corpus *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++)
		fot_ids_release(&c->ids[i]);
	for (size_t i = 0; i < c->n_datasets; i++)
		fot_dataset_close(c->dataset[i]);
	fot_free(c->doc);
	fot_free(c->ids);
	fot_free(c->dataset);
	fot_free(c);
}

size_t fot_corpus_count(const struct fot_corpus *c)
{
	return c->n;
}

const struct fot_corpus_doc *fot_corpus_at(const struct fot_corpus *c, size_t i)
{
	return &c->doc[i];
}

size_t fot_corpus_n_datasets(const struct fot_corpus *c)
{
	return c->n_datasets;
}

const struct fot_dataset *fot_corpus_dataset(const struct fot_corpus *c, size_t i)
{
	return c->dataset[i];
}

const char *fot_corpus_hash(const struct fot_corpus *c)
{
	return c->hash;
}
