/* datasets/corpus.h: the documents of one split, in order, with the ids of the
 * tokenizer; a hash that changes with data, split and tokenizer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "datasets/corpus.h"
#include "datasets/fetch.h"
#include "datasets/index.h"
#include "tests/unit/scratch.h"

static struct fot_tokenizer *tok;

/* Install two datasets, "one" and "two", straight into the store. */
static void install(const char *name, const char *const *texts, const enum fot_split *splits, size_t n)
{
	struct fot_index_document rows[8] = { 0 };
	struct fot_index x = { .dataset = name, .manifest_sha256 = "", .documents = rows, .n_documents = n };
	static char ids[8][32], hashes[8][65];
	char path[128];

	snprintf(path, sizeof(path), "store/%s/documents", name);
	assert_int_equal(fot_mkdir_all(scratch_path(path), NULL), FOT_OK);
	for (size_t i = 0; i < n; i++) {
		snprintf(ids[i], sizeof(ids[i]), "d%zu", i);
		snprintf(path, sizeof(path), "store/%s/documents/d%zu.txt", name, i);
		scratch_puts(path, texts[i]);
		fot_sha256_of(texts[i], strlen(texts[i]), hashes[i]);
		rows[i] = (struct fot_index_document){ .id = ids[i], .sha256 = hashes[i], .package = "p",
						       .split = splits[i], .bytes = (int64_t)strlen(texts[i]),
						       .pinned = true };
	}
	assert_int_equal(fot_index_write(&x, scratch_path("store"), NULL), FOT_OK);
}

static int make(void **state)
{
	static const char *const one[] = { "train a", "test b", "train c", "valid d" };
	static const char *const two[] = { "test e", "", "train g" };
	static const enum fot_split one_splits[] = { FOT_TRAIN, FOT_TEST, FOT_TRAIN, FOT_VALID };
	static const enum fot_split two_splits[] = { FOT_TEST, FOT_TRAIN, FOT_TRAIN };

	if (scratch_make(state) || fot_tokenizer_open_byte(&tok, NULL) != FOT_OK)
		return -1;
	install("one", one, one_splits, 4);
	install("two", two, two_splits, 3);
	return 0;
}

static int clean(void **state)
{
	fot_tokenizer_close(tok);
	return scratch_remove(state);
}

static struct fot_corpus *open_corpus(const char *const *specs, size_t n, enum fot_split split)
{
	struct fot_corpus *c = NULL;
	struct fot_err err = { 0 };

	if (fot_corpus_open(&c, specs, n, split, scratch_path("store"), tok, &err) != FOT_OK)
		fail_msg("%s", err.text);
	return c;
}

static void assert_document(const struct fot_corpus *c, size_t i, size_t dataset, const char *id, const char *text)
{
	const struct fot_corpus_doc *d = fot_corpus_at(c, i);

	assert_int_equal(d->dataset, dataset);
	assert_string_equal(d->id, id);
	assert_int_equal(d->n, strlen(text) + 1);
	assert_int_equal(d->tokens[0], fot_tokenizer_bos(tok));
	for (size_t k = 0; text[k]; k++)
		assert_int_equal(d->tokens[k + 1], (unsigned char)text[k]);
}

static void test_corpus_holds_one_split_in_order(void **state)
{
	static const char *const specs[] = { "two", "one" };
	struct fot_corpus *c;

	(void)state;
	for (int cached = 0; cached < 2; cached++) { /* the second time from the cache */
		c = open_corpus(specs, 2, FOT_TRAIN);
		assert_int_equal(fot_corpus_count(c), 3); /* the empty document is left out */
		assert_document(c, 0, 0, "d2", "train g");
		assert_document(c, 1, 1, "d0", "train a");
		assert_document(c, 2, 1, "d2", "train c");
		assert_int_equal(fot_corpus_n_datasets(c), 2);
		assert_string_equal(fot_dataset_name(fot_corpus_dataset(c, 1)), "one");
		fot_corpus_close(c);
	}
	c = open_corpus(specs, 2, FOT_SPLIT_ALL);
	assert_int_equal(fot_corpus_count(c), 6);
	fot_corpus_close(c);
}

static void test_corpus_splits_share_no_document(void **state)
{
	static const char *const specs[] = { "one" };
	struct fot_corpus *c[3];
	size_t n = 0;

	(void)state;
	for (int s = 0; s < 3; s++)
		c[s] = open_corpus(specs, 1, (enum fot_split)s);
	for (int s = 0; s < 3; s++) {
		n += fot_corpus_count(c[s]);
		for (int t = 0; t < s; t++)
			for (size_t i = 0; i < fot_corpus_count(c[s]); i++)
				for (size_t j = 0; j < fot_corpus_count(c[t]); j++)
					assert_string_not_equal(fot_corpus_at(c[s], i)->id, fot_corpus_at(c[t], j)->id);
	}
	assert_int_equal(n, 4);
	for (int s = 0; s < 3; s++)
		fot_corpus_close(c[s]);
}

static void test_corpus_hash_names_data_split_and_order(void **state)
{
	static const char *const both[] = { "one", "two" }, *const turned[] = { "two", "one" };
	struct fot_corpus *c[4];
	char again[65];

	(void)state;
	c[0] = open_corpus(both, 2, FOT_TRAIN);
	c[1] = open_corpus(turned, 2, FOT_TRAIN);
	c[2] = open_corpus(both, 2, FOT_TEST);
	c[3] = open_corpus(both, 1, FOT_TRAIN);
	for (int i = 0; i < 4; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(fot_corpus_hash(c[i]), fot_corpus_hash(c[j]));
	strcpy(again, fot_corpus_hash(c[0]));
	for (int i = 0; i < 4; i++)
		fot_corpus_close(c[i]);
	c[0] = open_corpus(both, 2, FOT_TRAIN);
	assert_string_equal(again, fot_corpus_hash(c[0]));
	fot_corpus_close(c[0]);
}

static void test_corpus_refuses(void **state)
{
	const char *specs[] = { "two", "three" };
	struct fot_corpus *c = NULL;
	struct fot_err err = { 0 };

	(void)state;
	assert_fails(fot_corpus_open(&c, specs, 1, FOT_VALID, scratch_path("store"), tok, &err), FOT_ERR_INPUT, &err,
		     "dataset two has no valid documents; in a folder they are those of its valid/");
	assert_fails(fot_corpus_open(&c, specs, 2, FOT_TRAIN, scratch_path("store"), tok, &err), FOT_ERR_INPUT, &err,
		     "'three' is not installed");
	scratch_puts("store/two/documents/d2.txt", "train X");
	assert_fails(fot_corpus_open(&c, specs, 1, FOT_TRAIN, scratch_path("store"), tok, &err), FOT_ERR_INPUT, &err,
		     "document d2: sha256: expected");
	assert_null(c);
}

/* Every allocation fails once: no corpus and no leak, then it opens. The token
 * cache is left out: it is allowed to fail without a word. */
static void test_corpus_survives_lack_of_memory(void **state)
{
	const char *specs[] = { scratch_path("texts") };
	struct fot_corpus *c = NULL;
	struct fot_err err;
	int status = FOT_ERR_RUN;
	long k = 0;

	(void)state;
	assert_int_equal(fot_mkdir_all(specs[0], NULL), FOT_OK);
	scratch_puts("texts/a.txt", "first");
	scratch_puts("texts/b.txt", "second");
	while (status != FOT_OK) {
		assert_true(++k < 1000);
		memset(&err, 0, sizeof(err));
		fot_mem_fail_at(k);
		status = fot_corpus_open(&c, specs, 1, FOT_TEST, NULL, tok, &err);
		fot_mem_fail_at(0);
		assert_int_equal(err.code, status);
		assert_int_equal(status == FOT_OK, c != NULL);
	}
	assert_true(k > 10);
	assert_int_equal(fot_corpus_count(c), 2);
	fot_corpus_close(c);
}

#define SCRATCH(f) cmocka_unit_test_setup_teardown(f, make, clean)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH(test_corpus_holds_one_split_in_order),
		SCRATCH(test_corpus_splits_share_no_document),
		SCRATCH(test_corpus_hash_names_data_split_and_order),
		SCRATCH(test_corpus_refuses),
		SCRATCH(test_corpus_survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
