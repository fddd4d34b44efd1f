/* model/spm_merge.h: heap and queues against looking at all pairs again and again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "model/spm_merge.h"

#define PIECES 24
#define TEXT 700

struct pieces {
	char text[PIECES][12];
	uint32_t n[PIECES], rank[PIECES];
	float score[PIECES];
};

static int32_t find(const void *table, const unsigned char *p, size_t n)
{
	const struct pieces *t = table;

	for (int32_t i = 0; i < PIECES; i++)
		if (t->n[i] == n && memcmp(t->text[i], p, n) == 0)
			return i;
	return -1;
}

static uint32_t length(const void *table, int32_t id)
{
	return ((const struct pieces *)table)->n[id];
}

static float score(const void *table, int32_t id)
{
	return ((const struct pieces *)table)->score[id];
}

/* Random words over `letters` letters, each half of two earlier ones so that they build on each
 * other; scores fall in random order or, with ties, are few. */
static void draw_pieces(struct pieces *t, struct fot_rng *r, uint64_t letters, bool ties)
{
	for (uint32_t i = 0; i < PIECES;) {
		uint32_t a = i > 2 ? (uint32_t)fot_rng_below(r, i) : 0, b = i > 2 ? (uint32_t)fot_rng_below(r, i) : 0;
		char word[12] = { (char)('a' + fot_rng_below(r, letters)), (char)('a' + fot_rng_below(r, letters)) };
		size_t n = 2;

		if (i > 2 && t->n[a] + t->n[b] < sizeof word && fot_rng_below(r, 4)) {
			memcpy(word, t->text[a], t->n[a]);
			memcpy(word + t->n[a], t->text[b], t->n[b]);
			n = t->n[a] + t->n[b];
		} else if (i >= letters) {
			word[n++] = (char)('a' + fot_rng_below(r, letters));
			word[n++] = (char)('a' + fot_rng_below(r, letters));
		}
		memcpy(t->text[i], word, sizeof word);
		t->n[i++] = (uint32_t)n;
	}
	for (uint32_t i = 0; i < PIECES; i++)
		t->rank[i] = i;
	for (uint32_t i = PIECES; i-- > 1;) {
		uint32_t j = (uint32_t)fot_rng_below(r, i + 1), x = t->rank[i];

		t->rank[i] = t->rank[j];
		t->rank[j] = x;
	}
	for (uint32_t i = 0; i < PIECES; i++)
		t->score[i] = ties ? -(float)(t->rank[i] / 4) : 3.5f - (float)t->rank[i];
}

/* All pairs are looked at, the best (leftmost) is merged, and again. */
static size_t merge_slowly(uint32_t *begin, const char *text, size_t n, const struct pieces *t)
{
	for (size_t i = 0; i <= n; i++)
		begin[i] = (uint32_t)i;
	for (;;) {
		size_t best = n;
		int32_t top = -1;

		for (size_t i = 0; i + 2 <= n; i++) {
			int32_t id = find(t, (const unsigned char *)text + begin[i], begin[i + 2] - begin[i]);

			if (id >= 0 && (top < 0 || t->score[id] > t->score[top])) {
				top = id;
				best = i;
			}
		}
		if (top < 0)
			return n;
		memmove(&begin[best + 1], &begin[best + 2], (n - best - 1) * sizeof *begin);
		n--;
	}
}

static void check_merge(struct spm_work *w, const struct spm_rules *r, const char *text, size_t n,
			const uint32_t *begin, size_t want)
{
	size_t k = 0;

	w->text = (const unsigned char *)text;
	w->n_sym = 0;
	for (size_t i = 0; i < n; i++)
		assert_int_equal(spm_work_add(w, i, 1, NULL), FOT_OK);
	assert_int_equal(spm_work_merge(w, r, NULL), FOT_OK);
	for (uint32_t i = 0; i != SPM_NIL; i = w->sym[i].next, k++) {
		assert_true(k < want);
		assert_int_equal(w->sym[i].begin, begin[k]);
		assert_int_equal(w->sym[i].n, begin[k + 1] - begin[k]);
		assert_int_equal(w->sym[i].id, find(r->table, (const unsigned char *)text + begin[k], w->sym[i].n));
	}
	assert_int_equal(k, want);
}

/* Text with long runs of one letter, as spaces come. */
static void draw_text(char *text, size_t n, struct fot_rng *r, uint64_t letters)
{
	for (size_t i = 0; i < n;) {
		char c = (char)('a' + fot_rng_below(r, letters));

		for (size_t run = 1 + fot_rng_below(r, fot_rng_below(r, 3) ? 4 : 120); run > 0 && i < n; run--)
			text[i++] = c;
	}
}

static void test_spm_merge_equals_slow_reference(void **state)
{
	struct spm_work w = { 0 };
	struct pieces t;
	struct fot_rng r;
	char text[TEXT];
	uint32_t begin[TEXT + 1];

	(void)state;
	fot_rng_init(&r, 5, "test.spm_merge", 0);
	for (int round = 0; round < 60; round++) {
		uint64_t letters = 1 + fot_rng_below(&r, 3);
		bool ties = round % 5 == 4;
		size_t n = round % 3 ? 256 + fot_rng_below(&r, TEXT - 255) : 1 + fot_rng_below(&r, 255), want;
		struct spm_rules rules = { &t, find, length, score, ties ? NULL : t.rank, PIECES };

		draw_pieces(&t, &r, letters, ties);
		draw_text(text, n, &r, letters);
		want = merge_slowly(begin, text, n, &t);
		w.queued_max = 0;
		check_merge(&w, &rules, text, n, begin, want);
		w.queued_max = 1 + fot_rng_below(&r, n / 2); /* the heap takes over */
		check_merge(&w, &rules, text, n, begin, want);
		rules.rank = NULL; /* the heap from the start */
		check_merge(&w, &rules, text, n, begin, want);
	}
	spm_work_release(&w);
}

static void test_spm_merge_survives_failing_allocations(void **state)
{
	static const uint32_t letters = 2;
	struct pieces t;
	struct fot_rng r;
	char text[600];
	int status = FOT_ERR_RUN;

	(void)state;
	fot_rng_init(&r, 6, "test.spm_merge", 0);
	draw_pieces(&t, &r, letters, false);
	draw_text(text, sizeof text, &r, letters);
	for (long k = 1; status != FOT_OK; k++) {
		struct spm_rules rules = { &t, find, length, score, t.rank, PIECES };
		struct spm_work w = { .text = (const unsigned char *)text };
		struct fot_err err = { 0 };

		assert_true(k < 50);
		fot_mem_fail_at(k);
		status = FOT_OK;
		for (size_t i = 0; i < sizeof text && status == FOT_OK; i++)
			status = spm_work_add(&w, i, 1, &err);
		if (status == FOT_OK)
			status = spm_work_merge(&w, &rules, &err);
		fot_mem_fail_at(0);
		assert_int_equal(status, err.code);
		assert_true(status == FOT_OK ? k > 1 : status == FOT_ERR_RUN);
		spm_work_release(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spm_merge_equals_slow_reference),
		cmocka_unit_test(test_spm_merge_survives_failing_allocations),
	};

	return cmocka_run_group_tests_name("spm_merge", tests, NULL, NULL);
}
