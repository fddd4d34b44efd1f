/* test_bow.c: words, votes against cosines known by hand, and who wins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "datasets/bow.h"

static void test_bow_words(void **state)
{
	static const char want[] = "what\0s\0the\0\xc3\xa9t\xc3\xa9\0\xd0\x96\0"
				   "42nd\0";
	static const char text[] = "What 's (the) \xc3\x89T\xc3\x89-\xd0\x96, 42nd?";
	struct fot_str s = FOT_STR_INIT;

	(void)state;
	fot_bow_words(&s, text, sizeof text - 1);
	assert_int_equal(s.len, sizeof want - 1);
	assert_memory_equal(s.data, want, s.len);
	fot_str_clear(&s);
	fot_bow_words(&s, " ?! ", 4);
	assert_int_equal(s.len, 0);
	fot_str_release(&s);
}

static struct fot_bow bag(const char *text)
{
	struct fot_bow b;

	assert_int_equal(fot_bow_make(&b, text, strlen(text), NULL), FOT_OK);
	return b;
}

static void test_bow_votes_by_cosine(void **state)
{
	static const struct {
		const char *a, *b;
		double cosine;
	} rows[] = {
		{ "One two, two!", "two one TWO", 1 },
		{ "a b c d", "a x y z", 0.25 },
		{ "a a b", "a b b", 0.8 },
		{ "CAF\xc3\x89", "caf\xc3\xa9", 1 },
		{ "caf\xc3\xa9", "cafe", 0 },
		{ " ?!", "a", 0 },
		{ "", "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fot_bow a = bag(rows[i].a), b = bag(rows[i].b);
		int64_t vote;

		assert_int_equal(fot_bow_class(&a, &b, (const int32_t[]){ 0 }, 1, &vote, 1), 0);
		assert_int_equal(vote, llround(1048576.0 * exp(10 * rows[i].cosine)));
		fot_bow_release(&a);
		fot_bow_release(&b);
	}
}

/* Two votes of exp(10 / 2) are less than one of exp(10), and seven of exp(0) less than one of exp(10 / 4). */
static void test_bow_votes(void **state)
{
	struct fot_bow x[] = { bag("a b c d"), bag("a b x y"), bag("c d u v"), bag("p"),
			       bag("q"),       bag("r"),       bag("s"),       bag("t"),
			       bag("w"),       bag("o"),       bag("a e f g") };
	const int32_t class[] = { 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 3 };
	struct fot_bow y = bag("a b c d"), nothing = bag("z");
	int64_t votes[4];

	(void)state;
	assert_int_equal(fot_bow_class(&y, x, class, 11, votes, 4), 2);
	assert_int_equal(fot_bow_class(&y, x + 1, class + 1, 10, votes, 4), 1);
	assert_int_equal(fot_bow_class(&y, x + 3, class + 3, 8, votes, 4), 3);
	assert_int_equal(fot_bow_class(&nothing, x, class, 11, votes, 4), 0);
	assert_int_equal(fot_bow_class(&nothing, x, class, 2, votes, 4), 1);
	for (size_t i = 0; i < 11; i++)
		fot_bow_release(&x[i]);
	fot_bow_release(&y);
	fot_bow_release(&nothing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bow_words),
		cmocka_unit_test(test_bow_votes_by_cosine),
		cmocka_unit_test(test_bow_votes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
