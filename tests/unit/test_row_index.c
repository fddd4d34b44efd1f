/* Rows by what they say, and texts that are kept once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/intern.h"
#include "base/mem.h"
#include "harness/tables/groups.h"
#include "tests/task_schemas.h"

static void fill(struct fot_table *t, size_t n)
{
	char id[32];

	fot_table_init(t, &fot_schema_perplexity);
	for (size_t i = 0; i < n; i++) {
		size_t row = fot_table_add(t);

		snprintf(id, sizeof id, "doc %zu", i % 7);
		fot_table_set_text(t, row, "doc_id", id);
		fot_table_set_int(t, row, "context_length", (int64_t)(i % 3));
		if (i % 5)
			fot_table_set_real(t, row, "nll_nats", i % 2 ? -0.0 : 0.0);
	}
}

/* The index finds what a walk over all rows finds first, also for rows of another table. */
static void test_row_index_finds_the_first(void **state)
{
	static const char *const columns[] = { "doc_id", "context_length", "nll_nats", NULL };
	struct fot_table t, u;
	struct fot_row_index x;
	size_t row[200];

	(void)state;
	fill(&t, 200);
	fill(&u, 230);
	fot_table_set_text(&u, 229, "doc_id", "another");
	for (size_t i = 0; i < 200; i++)
		row[i] = 199 - i;
	assert_int_equal(fot_row_index_init(&x, &t, row, 200, columns, NULL), FOT_OK);
	for (size_t r = 0; r < u.n_rows; r++) {
		size_t k = 0;

		while (k < 200 && !fot_table_same_all(&t, row[k], &u, r, columns))
			k++;
		assert_int_equal(fot_row_index_find(&x, &u, r), k);
		assert_int_equal(k == 200, r == 229);
	}
	fot_row_index_release(&x);
	fot_table_release(&t);
	fot_table_release(&u);
}

static void test_row_index_of_nothing(void **state)
{
	struct fot_table t;
	struct fot_row_index x;

	(void)state;
	fill(&t, 1);
	assert_int_equal(fot_row_index_init(&x, &t, NULL, 0, (const char *const[]){ "doc_id", NULL }, NULL),
			 FOT_OK);
	assert_int_equal(fot_row_index_find(&x, &t, 0), 0);
	fot_row_index_release(&x);
	fot_table_release(&t);
}

static void test_intern_keeps_each_text_once(void **state)
{
	struct fot_intern p = { 0 };
	const char *first[5000];
	char text[32], *large = fot_alloc(100001, 1);

	(void)state;
	for (int i = 0; i < 5000; i++) {
		snprintf(text, sizeof text, "text %d", i);
		first[i] = fot_intern(&p, text);
		assert_string_equal(first[i], text);
	}
	memset(large, 'x', 100000);
	large[100000] = '\0';
	assert_string_equal(fot_intern(&p, large), large);
	for (int i = 0; i < 5000; i++) {
		snprintf(text, sizeof text, "text %d", i);
		assert_ptr_equal(fot_intern(&p, text), first[i]);
	}
	assert_int_equal(p.n, 5001);
	fot_intern_release(&p);
	fot_free(large);
}

static void test_intern_survives_lack_of_memory(void **state)
{
	struct fot_intern p = { 0 };

	(void)state;
	for (long k = 1; k <= 2; k++) {
		fot_mem_fail_at(k);
		assert_null(fot_intern(&p, "text"));
		fot_mem_fail_at(0);
	}
	assert_string_equal(fot_intern(&p, "text"), "text");
	assert_int_equal(p.n, 1);
	fot_intern_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_row_index_finds_the_first),
		cmocka_unit_test(test_row_index_of_nothing),
		cmocka_unit_test(test_intern_keeps_each_text_once),
		cmocka_unit_test(test_intern_survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
