/* test_others.c: which windows of other documents a memory holds, and in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the five above first */
#include <cmocka.h>

#include "base/mem.h"
#include "tasks/others.h"

#define W 4
#define DOCS 5

/* Token = 1000 x document + place; the third document has no whole window, the last is the
 * second's text once more. */
static const size_t length[DOCS] = { 41, 23, 3, 60, 23 };
static const size_t text[DOCS] = { 0, 1, 2, 3, 1 };
static int32_t tokens[DOCS][64];
static struct fot_others_document document[DOCS];

static void make_documents(void)
{
	for (size_t i = 0; i < DOCS; i++) {
		for (size_t k = 0; k < length[i]; k++)
			tokens[i][k] = (int32_t)(1000 * i + k);
		document[i] = (struct fot_others_document){ tokens[i], length[i], text[i] };
	}
}

static void open_others(struct fot_others *o, uint64_t seed, uint64_t item)
{
	make_documents();
	assert_int_equal(fot_others_init(o, document, DOCS, W, seed, item, NULL), FOT_OK);
}

static void test_others_counts_whole_windows_of_other_texts(void **state)
{
	struct fot_others o;

	(void)state;
	open_others(&o, 1, 2);
	assert_int_equal(o.n_windows, 10 + 5 + 0 + 15 + 5);
	assert_int_equal(fot_others_count(&o, 0), 25);
	assert_int_equal(fot_others_count(&o, 1), 25); /* the last one has the same text */
	assert_int_equal(fot_others_count(&o, 2), 35);
	assert_int_equal(fot_others_count(&o, 3), 20);
	assert_int_equal(fot_others_count(&o, 4), 25);
	fot_others_release(&o);
}

/* Every window that may be there is there once, whole, and none of the own text. */
static void test_others_fill_takes_each_window_once(void **state)
{
	struct fot_others o;

	(void)state;
	open_others(&o, 7, 3);
	for (size_t d = 0; d < DOCS; d++) {
		size_t n = fot_others_count(&o, d);
		int32_t to[35 * W];
		char seen[DOCS][16] = { { 0 } };

		fot_others_fill(to, &o, d, n);
		for (size_t i = 0; i < n; i++) {
			size_t from = (size_t)to[i * W] / 1000, at = (size_t)to[i * W] % 1000;

			assert_true(text[from] != text[d]);
			assert_int_equal(at % W, 0);
			assert_true(at + W <= length[from]);
			for (size_t k = 0; k < W; k++)
				assert_int_equal(to[i * W + k], 1000 * from + at + k);
			assert_false(seen[from][at / W]);
			seen[from][at / W] = 1;
		}
	}
	fot_others_release(&o);
}

/* A smaller memory is the nearer end of a larger one. */
static void test_others_smaller_is_the_end_of_larger(void **state)
{
	struct fot_others o;
	int32_t all[25 * W], some[25 * W];

	(void)state;
	open_others(&o, 5, 5);
	fot_others_fill(all, &o, 0, 25);
	for (size_t n = 0; n <= 25; n++) {
		fot_others_fill(some, &o, 0, n);
		assert_memory_equal(some, all + (25 - n) * W, n * W * sizeof *some);
	}
	fot_others_release(&o);
}

/* Without each other's windows two documents have the same others in the same order. */
static void test_others_are_shared_between_documents(void **state)
{
	struct fot_others o;
	int32_t of0[25 * W], of3[20 * W];
	size_t at = 0, shared = 0;

	(void)state;
	open_others(&o, 11, 1);
	fot_others_fill(of0, &o, 0, 25);
	fot_others_fill(of3, &o, 3, 20);
	for (size_t i = 0; i < 25; i++) {
		if (of0[i * W] / 1000 == 3)
			continue;
		while (at < 20 && of3[at * W] / 1000 == 0)
			at++;
		assert_int_equal(of3[at * W], of0[i * W]);
		at++;
		shared++;
	}
	assert_int_equal(shared, 10);
	fot_others_release(&o);
}

static bool same_order(const struct fot_others *a, const struct fot_others *b)
{
	return memcmp(a->order, b->order, a->n_windows * sizeof *a->order) == 0;
}

static void test_others_depend_on_seed_and_item_alone(void **state)
{
	struct fot_others a, b, c, d;

	(void)state;
	open_others(&a, 1, 2);
	open_others(&b, 1, 2);
	open_others(&c, 2, 2);
	open_others(&d, 1, 3);
	assert_true(same_order(&a, &b));
	assert_false(same_order(&a, &c));
	assert_false(same_order(&a, &d));
	fot_others_release(&a);
	fot_others_release(&b);
	fot_others_release(&c);
	fot_others_release(&d);
}

static void test_others_documents_are_counted(void **state)
{
	struct fot_others o;
	int32_t to[25 * W];
	int64_t n_documents[26];

	(void)state;
	open_others(&o, 9, 9);
	assert_int_equal(fot_others_documents(n_documents, &o, 1, 25, NULL), FOT_OK);
	for (size_t n = 0; n <= 25; n++) {
		bool seen[DOCS] = { false };
		int64_t want = 0;

		fot_others_fill(to, &o, 1, n);
		for (size_t i = 0; i < n; i++) {
			want += !seen[to[i * W] / 1000];
			seen[to[i * W] / 1000] = true;
		}
		assert_int_equal(n_documents[n], want);
	}
	assert_int_equal(n_documents[25], 2);
	fot_others_release(&o);
}

static void test_others_without_memory(void **state)
{
	struct fot_others o;
	int64_t n_documents[2];
	struct fot_err err = { 0 };

	(void)state;
	make_documents();
	for (long k = 1; k <= 2; k++) {
		fot_mem_fail_at(k);
		assert_int_equal(fot_others_init(&o, document, DOCS, W, 1, 1, &err), FOT_ERR_RUN);
		fot_mem_fail_at(0);
	}
	open_others(&o, 1, 1);
	fot_mem_fail_at(1);
	assert_int_equal(fot_others_documents(n_documents, &o, 0, 1, &err), FOT_ERR_RUN);
	fot_mem_fail_at(0);
	fot_others_release(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_others_counts_whole_windows_of_other_texts),
		cmocka_unit_test(test_others_fill_takes_each_window_once),
		cmocka_unit_test(test_others_smaller_is_the_end_of_larger),
		cmocka_unit_test(test_others_are_shared_between_documents),
		cmocka_unit_test(test_others_depend_on_seed_and_item_alone),
		cmocka_unit_test(test_others_documents_are_counted),
		cmocka_unit_test(test_others_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
