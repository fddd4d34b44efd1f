/* model/train/label_accuracy.h: shares counted by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "model/train/label_accuracy.h"

/* Eight demonstrations of two classes, labels at tokens 4, 9, ... of two windows of 20. */
#define DEMOS 8
static const int32_t class_of[DEMOS] = { 0, 1, 1, 0, 1, 1, 0, 1 };

static void make_episode(struct fot_episode *x, struct fot_episode_demo demo[DEMOS])
{
	static const char *const text[DEMOS] = { "cat", "dog", "dog", "dog", "cat", "dog", "cat", "dog" };

	*x = (struct fot_episode){ .n = 41, .n_classes = 2, .demo = demo, .n_demo = DEMOS };
	for (size_t i = 0; i < DEMOS; i++) {
		demo[i] = (struct fot_episode_demo){
			.class = class_of[i], .label = 4 + 5 * i, .text = x->texts.len, .n_bytes = 3
		};
		fot_str_puts(&x->texts, text[i]);
	}
}

static void check(const struct fot_label_count *c, int64_t n, double right, double commonest, double bow)
{
	assert_int_equal(c->n, n);
	assert_true(c->right <= right && c->right >= right);
	assert_true(c->chance <= 0.5 * (double)n && c->chance >= 0.5 * (double)n);
	assert_true(c->commonest <= commonest && c->commonest >= commonest);
	assert_true(c->bow <= bow && c->bow >= bow);
}

/* Questions are demonstrations 2 to 7: 0 and 1 are the first of their classes.  The model chooses 1 always.
 * Commonest before them: tie, 1, tie, 1, 1, 1 -> 1/2 + 0 + 1/2 + 1 + 0 + 1.  Bag of words: "dog" is 1 (right), "dog" 1 (wrong),
 * "cat" 0 (wrong), "dog" 1 (right; two of three), "cat" one of each, 1 has more
 * other texts (wrong), "dog" (right). */
static void test_labels_counted_by_hand(void **state)
{
	const struct fot_stage st = {
		.method = FOT_METHOD_CROSSBATCH, .window = 20, .batch = 2, .w = 1, .d = 1, .pack = 2
	};
	struct fot_episode_demo demo[DEMOS];
	struct fot_episode x;
	struct fot_label_counts c = { 0 };
	struct fot_label_count all;
	int32_t chosen[3 * 20];

	(void)state;
	make_episode(&x, demo);
	for (size_t i = 0; i < 60; i++)
		chosen[i] = i >= 20; /* the batch begins with another window */
	assert_int_equal(fot_label_counts_add(&c, &x, &st, chosen, 1, NULL), FOT_OK);
	check(&c.bin[0], 3, 2, 1, 1);
	check(&c.bin[1], 3, 2, 2, 2);
	all = fot_label_counts_all(&c);
	check(&all, 6, 4, 3, 3);
	fot_str_release(&x.texts);
}

/* Without memory between the windows the second one begins anew: its demonstrations 4 and 6 are the first of
 * their classes, 5 sees 4 alone, 7 sees 4 to 6. */
static void test_labels_out_of_sight_do_not_count(void **state)
{
	const struct fot_stage far = {
		.method = FOT_METHOD_CROSSBATCH, .window = 10, .batch = 4, .w = 1, .d = 1, .pack = 4
	};
	struct fot_episode_demo demo[DEMOS];
	struct fot_episode x;
	struct fot_label_counts c = { 0 };
	int32_t chosen[40] = { 0 };

	(void)state;
	make_episode(&x, demo);
	assert_int_equal(fot_label_counts_add(&c, &x, &far, chosen, 0, NULL), FOT_OK);
	/* In sight: 2: {0,1}, 3: {0,1,2}, 4: {2,3}, 5: {2,3,4}, 6: {4,5} has no 0, 7: {4,5,6} */
	assert_int_equal(c.bin[0].n, 5);
	assert_int_equal(c.bin[0].right, 1);
	fot_str_release(&x.texts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_labels_counted_by_hand),
		cmocka_unit_test(test_labels_out_of_sight_do_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
