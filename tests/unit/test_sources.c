/* The installed labelled sets: what they hold, and that no text to evaluate on is one to train on.
 * Skipped where they are not installed: fotbench data fetch wordnet gcide foldoc languages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/mem.h"
#include "datasets/labelled.h"

/* Every set for training, and every set for evaluation; trec is the user's own. */
static const char *const training[] = { "wordnet?hypernym=*", "gcide", "languages" };
static const char *const evaluation[] = { "wordnet-held-out?hypernym=*", "gcide-held-out", "foldoc", "trec" };

static const char *store(void)
{
	const char *given = getenv("FOTBENCH_DATA");

	return given && *given ? given : "datasets/store";
}

static bool installed(void)
{
	static const char *const names[] = { "wordnet", "gcide", "languages", "foldoc" };
	char path[4096];

	for (size_t i = 0; i < FOT_COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s/index.json", store(), names[i]);
		if (!fot_file_exists(path)) {
			print_message("%s is not installed: fotbench data fetch %s\n", path, names[i]);
			return false;
		}
	}
	return true;
}

struct sums {
	size_t n_sets, n_texts, n_labels, fewest, most; /* labels: of all sets, of one */
	struct fot_sha256 hash;
};

static int sum(void *user, const struct fot_labelled *l, struct fot_err *err)
{
	struct sums *s = user;

	(void)err;
	s->n_sets++;
	s->n_texts += l->n;
	s->n_labels += l->n_labels;
	s->fewest = s->n_sets == 1 || l->n_labels < s->fewest ? l->n_labels : s->fewest;
	s->most = l->n_labels > s->most ? l->n_labels : s->most;
	fot_sha256_add(&s->hash, l->hash, 64);
	return FOT_OK;
}

static void test_sources_hold_what_they_did(void **state)
{
	static const struct {
		const char *spec;
		size_t n_sets, n_texts, fewest, most;
		const char *sha256;
	} rows[] = {
		{ "wordnet?hypernym=*", 60, 247579, 3, 33,
		  "01b581e5ba8881f64ac5a52107035fc34bd71ab30bdb6151a8db61fe89c029c1" },
		{ "wordnet-held-out?hypernym=*", 9, 7048, 4, 6,
		  "3537afe9ecaca93f5fd5e62631465f15f55daa399586dced80618342d6f736e1" },
		{ "gcide", 1, 25462, 37, 37,
		  "c0007d0781b81a4bf1801729d8ba5db92cfa61155f370064f1c5294dc598fcb3" },
		{ "gcide-held-out", 1, 12447, 11, 11,
		  "32ab859781c07ec11636964f7d67ff78f6fe59bd6227a1185b7cfda0984d700c" },
		{ "languages", 1, 25238, 11, 11,
		  "f82d96ecb4afa6fa5d56eda90a1512175ddc9c870c87c57649d4f6ac32220531" },
		{ "foldoc", 1, 6080, 24, 24,
		  "4426ab45523df8b40bdb1a19d6607d173662b97671d7da0c7a4aaa2f1a7ab18b" },
		{ "foldoc?labels=coarse", 1, 3481, 6, 6,
		  "06fdda45c8d4cfe17cfb26ac4e88e936e0a6fd3061efc5bd9306f46dcda707f5" },
	};

	(void)state;
	if (!installed())
		skip();
	for (size_t i = 0; i < FOT_COUNT(rows); i++) {
		struct sums s = { 0 };
		struct fot_err err = { 0 };
		char hex[65];

		fot_sha256_init(&s.hash);
		if (fot_labelled_each(rows[i].spec, store(), sum, &s, &err) != FOT_OK)
			fail_msg("%s", err.text);
		fot_sha256_hex(&s.hash, hex);
		if (s.n_sets != rows[i].n_sets || s.n_texts != rows[i].n_texts ||
		    s.fewest != rows[i].fewest || s.most != rows[i].most || strcmp(hex, rows[i].sha256) != 0)
			fail_msg("%s: got %zu, %zu, %zu, %zu, \"%s\"", rows[i].spec, s.n_sets, s.n_texts,
				 s.fewest, s.most, hex);
	}
}

/* ---- training and evaluation ---- */

struct texts {
	char (*hash)[65]; /* of the text */
	size_t n, cap;
	uint64_t *key; /* of its letters and digits in lower case */
	size_t n_key, cap_key;
};

static int collect(void *user, const struct fot_labelled *l, struct fot_err *err)
{
	struct texts *t = user;

	for (size_t i = 0; i < l->n; i++) {
		if (!FOT_GROW(t->hash, t->n, t->cap) || !FOT_GROW(t->key, t->n_key, t->cap_key))
			return FOT_NO_MEMORY(err, l->name);
		memcpy(t->hash[t->n++], l->item[i].sha256, 65);
		t->key[t->n_key++] = l->item[i].key;
	}
	return FOT_OK;
}

static int by_hash(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int by_key(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void collect_all(struct texts *t, const char *const *specs, size_t n, bool held_out)
{
	struct fot_err err = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (held_out && strcmp(specs[i], "trec") == 0 && !fot_is_dir(specs[i]))
			continue;
		if (fot_labelled_each(specs[i], store(), collect, t, &err) != FOT_OK)
			fail_msg("%s", err.text);
	}
}

static void test_sources_never_overlap(void **state)
{
	struct texts train = { 0 }, test = { 0 };
	size_t nearly = 0;

	(void)state;
	if (!installed())
		skip();
	collect_all(&train, training, FOT_COUNT(training), false);
	collect_all(&test, evaluation, FOT_COUNT(evaluation), true);
	assert_in_range(test.n, 20000, 100000);
	qsort(train.hash, train.n, sizeof(*train.hash), by_hash);
	qsort(train.key, train.n_key, sizeof(*train.key), by_key);
	for (size_t i = 0; i < test.n; i++) {
		assert_null(bsearch(test.hash[i], train.hash, train.n, sizeof(*train.hash), by_hash));
		nearly += bsearch(&test.key[i], train.key, train.n_key, sizeof(*train.key), by_key) != NULL;
	}
	/* Texts that differ from one for training in case and punctuation alone: 1 in 1,000. */
	assert_in_range(nearly, 0, test.n / 1000);
	fot_free(train.hash);
	fot_free(train.key);
	fot_free(test.hash);
	fot_free(test.key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sources_hold_what_they_did),
		cmocka_unit_test(test_sources_never_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
