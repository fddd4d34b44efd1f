/* test_lookup_task.c: dictionaries, the questions about them and what is made of replies. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the five above first */
#include <cmocka.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/rng.h"
#include "tasks/lookup.h"
#include "tests/unit/scratch.h"

#define R FOT_LOOKUP_RECORD

static const struct fot_lookup_task TASK = { .seed = 11, .window = 250, .question_tokens = 256 };

static void build(struct fot_lookup_prompt *out, const struct fot_lookup_task *p, uint64_t trial,
		  int64_t length)
{
	struct fot_err err = { 0 };

	if (fot_lookup_build(out, p, trial, length, &err) != FOT_OK)
		fail_msg("length %lld: %s", (long long)length, err.text);
}

static void test_lookup_fits_records_and_questions(void **state)
{
	static const struct {
		int64_t window, question_tokens, length, n_records, n_queries, least;
	} row[] = {
		{ 250, 256, 4096, 375, 25, 500 },
		{ 250, 256, 4000, 375, 25, 500 },
		{ 250, 256, 3999, 350, 25, 500 },
		{ 500, 256, 4096, 350, 25, 750 },
		{ 500, 1000, 1000, 50, 50, 1000 },
		{ 256, 256, 4096, 384, 25, 500 },
		{ 256, 100, 4096, 399, 10, 200 },
		{ 250, 10, 260, 25, 1, 260 },
		{ 10, 10, 20, 1, 1, 20 },
		{ 19, 19, 29, 1, 1, 20 },
		{ 250, 256, 1 << 24, 1677675, 25, 500 },
		{ 250, 256, 138458650, 13845825, 25, 500 },
	};

	(void)state;
	for (size_t i = 0; i < FOT_COUNT(row); i++) {
		struct fot_lookup_task p = { 1, row[i].window, row[i].question_tokens };
		struct fot_lookup_size size = { 0 };
		struct fot_err err = { 0 };

		assert_int_equal(fot_lookup_fit(&size, &p, row[i].length, &err), FOT_OK);
		assert_int_equal(size.n_records, row[i].n_records);
		assert_int_equal(size.n_queries, row[i].n_queries);
		assert_true((size.n_records + size.n_queries) * R <= row[i].length);
		assert_int_equal(fot_lookup_min_length(&p), row[i].least);
		assert_int_equal(fot_lookup_fit(&size, &p, row[i].least, &err), FOT_OK);
		assert_true(size.n_records >= size.n_queries);
		assert_int_equal(fot_lookup_fit(&size, &p, row[i].least - 1, &err), FOT_ERR_USAGE);
	}
}

static void test_lookup_refuses(void **state)
{
	struct fot_lookup_task p = TASK;
	struct fot_lookup_prompt q = { 0 };
	struct fot_err err = { 0 };

	(void)state;
	assert_fails(fot_lookup_build(&q, &p, 0, 499, &err), FOT_ERR_USAGE, &err,
		     "context length 499 cannot hold 25 questions and their records: at least 500 tokens");
	assert_fails(fot_lookup_build(&q, &p, 0, -1, &err), FOT_ERR_USAGE, &err, "context length -1");
	assert_fails(fot_lookup_build(&q, &p, 0, INT64_MAX, &err), FOT_ERR_USAGE, &err,
		     "at most 13845841 keys");
	assert_fails(fot_lookup_build(&q, &p, 0, (FOT_LOOKUP_MAX + 60) * R, &err), FOT_ERR_USAGE, &err,
		     "at most");
	p.window = 9;
	assert_fails(fot_lookup_build(&q, &p, 0, 4096, &err), FOT_ERR_USAGE, &err, "window 9");
	p.window = 250;
	p.question_tokens = 9;
	assert_fails(fot_lookup_build(&q, &p, 0, 4096, &err), FOT_ERR_USAGE, &err, "9 tokens of questions");
	assert_null(q.ids.id);
}

/* Every question is one of the records, word for word, and no record is asked for twice. */
static void test_lookup_questions_have_their_answers_in_the_dictionary(void **state)
{
	struct fot_lookup_prompt q = { 0 };

	(void)state;
	for (uint64_t trial = 0; trial < 20; trial++) {
		bool asked[400] = { false };
		const int32_t *question;

		build(&q, &TASK, trial, trial % 2 ? 500 : 4096);
		assert_int_equal(q.ids.n, (q.size.n_records + q.size.n_queries) * R);
		question = q.ids.id + q.size.n_records * R;
		for (int64_t i = 0; i < q.size.n_queries; i++, question += R) {
			int64_t hits = 0;

			assert_int_equal(question[0], FOT_LOOKUP_Q);
			assert_int_equal(question[FOT_LOOKUP_VALUE_AT - 1], FOT_LOOKUP_V);
			for (int64_t j = 0; j < q.size.n_records; j++) {
				const int32_t *record = q.ids.id + j * R;

				assert_int_equal(record[0], FOT_LOOKUP_K);
				if (memcmp(record + 1, question + 1, FOT_LOOKUP_KEY * sizeof *record) != 0)
					continue;
				assert_memory_equal(record + 1, question + 1, (R - 1) * sizeof *record);
				assert_false(asked[j]);
				asked[j] = true;
				hits++;
			}
			assert_int_equal(hits, 1);
		}
	}
	fot_lookup_prompt_release(&q);
}

static void test_lookup_dictionaries_of_a_trial_are_nested(void **state)
{
	static const int64_t lengths[] = { 500, 1000, 4096, 20000 };
	struct fot_lookup_prompt longest = { 0 }, q = { 0 };

	(void)state;
	for (uint64_t trial = 0; trial < 3; trial++) {
		build(&longest, &TASK, trial, 65536);
		for (size_t i = 0; i < FOT_COUNT(lengths); i++) {
			struct fot_question ask;

			build(&q, &TASK, trial, lengths[i]);
			fot_lookup_ask(&ask, &q);
			assert_int_equal(ask.n_stem % (size_t)TASK.window, 0);
			assert_memory_equal(q.ids.id, longest.ids.id, ask.n_stem * sizeof *q.ids.id);
			/* the questions are other ones */
			assert_memory_not_equal(q.ids.id + ask.n_stem,
						longest.ids.id + longest.size.n_records * R,
						(size_t)q.size.n_queries * R * sizeof *q.ids.id);
		}
	}
	build(&q, &TASK, 0, 65536);
	assert_memory_not_equal(q.ids.id, longest.ids.id, R * sizeof *q.ids.id);
	fot_lookup_prompt_release(&q);
	fot_lookup_prompt_release(&longest);
}

/* Questions come from everywhere in the dictionary. */
static void test_lookup_questions_are_even_over_the_dictionary(void **state)
{
	struct fot_lookup_prompt q = { 0 };
	int tenth[10] = { 0 };

	(void)state;
	for (uint64_t trial = 0; trial < 80; trial++) {
		build(&q, &TASK, trial, 1250); /* 100 records, 25 questions */
		assert_int_equal(q.size.n_records, 100);
		for (int64_t i = 0; i < q.size.n_queries; i++)
			for (int64_t j = 0; j < q.size.n_records; j++)
				tenth[j / 10] += memcmp(q.ids.id + j * R + 1, q.answer.tokens + i * R - 5,
							4 * sizeof(int32_t)) == 0;
	}
	for (int i = 0; i < 10; i++)
		assert_in_range(tenth[i], 150, 250); /* 200, sd 13 at most */
	fot_lookup_prompt_release(&q);
}

static void test_lookup_asks_for_the_values(void **state)
{
	struct fot_lookup_prompt q = { 0 };
	struct fot_question ask;

	(void)state;
	build(&q, &TASK, 3, 4096);
	fot_lookup_ask(&ask, &q);
	assert_ptr_equal(ask.prompt, q.ids.id);
	assert_int_equal(ask.n_stem, 3750);
	assert_int_equal(ask.n_prompt, 3756);
	assert_int_equal(ask.n_answers, 1);
	assert_int_equal(ask.answer[0].n, 244);
	assert_int_equal(ask.n_prompt + ask.answer[0].n, q.ids.n);
	assert_true(ask.n_prompt - ask.n_stem + ask.answer[0].n <= (size_t)TASK.window);
	assert_ptr_equal(ask.answer[0].tokens, ask.prompt + ask.n_prompt);
	assert_int_equal(ask.prompt[ask.n_stem], FOT_LOOKUP_Q);
	assert_int_equal(ask.n_greedy, 0);
	assert_false(ask.ranks);
	fot_lookup_prompt_release(&q);
}

/* Against a count that reads the prompt from its front and knows no offsets. */
static void test_lookup_observes_value_tokens_only(void **state)
{
	struct fot_lookup_prompt q = { 0 };
	struct fot_lookup_observation o;
	double nll[244];
	int32_t argmax[244];
	const struct fot_reply r = { .nll = nll, .argmax = argmax };
	struct fot_rng rng;

	(void)state;
	fot_rng_init(&rng, 1, "test.lookup", 0);
	for (uint64_t trial = 0; trial < 30; trial++) {
		int64_t tokens = 0, right = 0, values = 0, since = -1, run = 0;
		double sum = 0;

		build(&q, &TASK, trial, 1000);
		for (size_t i = 0; i < q.answer.n; i++) {
			bool hit = fot_rng_below(&rng, 30) < trial + 1;

			nll[i] = fot_rng_uniform(&rng) * 5;
			argmax[i] = hit ? q.answer.tokens[i] : (q.answer.tokens[i] + 1) % FOT_LOOKUP_VOCAB;
		}
		/* values are the four tokens behind every <v> of the questions */
		for (size_t i = (size_t)q.size.n_records * R; i < q.ids.n; i++) {
			size_t a = i - (size_t)q.size.n_records * R - 6;

			if (q.ids.id[i] == FOT_LOOKUP_V) {
				since = run = 0;
			} else if (since >= 0 && since < 4) {
				tokens++;
				since++;
				right += argmax[a] == q.ids.id[i];
				run += argmax[a] == q.ids.id[i];
				values += since == 4 && run == 4;
				sum += nll[a];
			}
		}
		fot_lookup_observe(&o, &q, &r);
		assert_int_equal(o.n_value_tokens, 100);
		assert_int_equal(tokens, 100);
		assert_int_equal(o.n_correct_tokens, right);
		assert_int_equal(o.n_correct_values, values);
		assert_true(fabs(o.nll_nats - sum) < 1e-9);
		assert_int_equal(o.n_correct_tokens == 100, trial == 29);
	}
	fot_lookup_prompt_release(&q);
}

static void test_lookup_reaches_sixteen_million_tokens(void **state)
{
	struct fot_lookup_prompt q = { 0 };
	struct fot_lookup d;
	int32_t last[R];

	(void)state;
	build(&q, &TASK, 0, 1 << 24);
	assert_int_equal(q.ids.n, (1677675 + 25) * R);
	fot_lookup_init(&d, TASK.seed, 0);
	fot_lookup_record(&d, 1677674, last);
	assert_memory_equal(q.ids.id + 1677674L * R, last, sizeof last);
	fot_lookup_prompt_release(&q);
}

static void test_lookup_survives_refused_allocations(void **state)
{
	struct fot_err err = { 0 };

	(void)state;
	for (long n = 1; n <= 3; n++) {
		struct fot_lookup_prompt q = { 0 };
		int status;

		fot_mem_fail_at(n);
		status = fot_lookup_build(&q, &TASK, 0, 4096, &err);
		fot_mem_fail_at(0);
		assert_int_equal(status, n <= 2 ? FOT_ERR_RUN : FOT_OK);
		fot_lookup_prompt_release(&q);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lookup_fits_records_and_questions),
		cmocka_unit_test(test_lookup_refuses),
		cmocka_unit_test(test_lookup_questions_have_their_answers_in_the_dictionary),
		cmocka_unit_test(test_lookup_dictionaries_of_a_trial_are_nested),
		cmocka_unit_test(test_lookup_questions_are_even_over_the_dictionary),
		cmocka_unit_test(test_lookup_asks_for_the_values),
		cmocka_unit_test(test_lookup_observes_value_tokens_only),
		cmocka_unit_test(test_lookup_reaches_sixteen_million_tokens),
		cmocka_unit_test(test_lookup_survives_refused_allocations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
