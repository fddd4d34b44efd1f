/* tasks/fewshot.h: prompts token by token, nested lists, what fits, scores and answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "harness/ask/ask.h"
#include "tasks/fewshot.h"
#include "tests/unit/fewshot_set.h"
#include "tests/unit/scratch.h"

static struct fot_fewshot_demos make_demos(const struct fot_fewshot *f, uint64_t seed)
{
	struct fot_fewshot_demos d;
	struct fot_err err = { 0 };

	if (fot_fewshot_demos_init(&d, f, seed, 0, &err) != FOT_OK)
		fail_msg("%s", err.text);
	return d;
}

/* The prompt as text, built by hand. */
static void want_prompt(struct fot_str *s, const struct fot_labelled *l, const struct fot_fewshot_demos *d,
			size_t n, const char *text)
{
	static const char *const words[] = { "art", "artist", "bird" };

	fot_str_puts(s, "Name the kind.\n");
	for (size_t i = 0; i < n; i++)
		fot_str_printf(s, "Text: %s\nKind: %s\n\n", l->item[d->item[i]].text,
			       words[l->item[d->item[i]].label]);
	fot_str_printf(s, "Text: %s\nKind:", text);
}

static void check_prompts(const struct fot_tokenizer *tok)
{
	struct fot_labelled *l = make_fewshot_set(40);
	struct fot_fewshot_opts o = fewshot_opts(10);
	struct fot_fewshot *f = open_fewshot(l, tok, &o);
	struct fot_fewshot_demos d = make_demos(f, 0);
	struct fot_ids prompt = { 0 };
	struct fot_question q;
	size_t n_stem;

	assert_int_equal(d.n, 10);
	for (size_t k = 0; k <= 10; k += 5) {
		assert_int_equal(fot_fewshot_stem(&prompt, &n_stem, f, &d, k, NULL), FOT_OK);
		for (size_t i = 0; i <= fot_fewshot_n_items(f); i++) {
			bool free = i == fot_fewshot_n_items(f);
			struct fot_str got = FOT_STR_INIT, want = FOT_STR_INIT;

			assert_int_equal(
				fot_fewshot_ask(&q, &prompt, n_stem, f, free ? FOT_FEWSHOT_FREE : i, NULL),
				FOT_OK);
			assert_int_equal(q.n_stem, d.end[k]);
			assert_int_equal(q.prompt[0], fot_tokenizer_bos(tok));
			assert_memory_equal(q.prompt, d.ids.id, d.end[k] * sizeof(int32_t)); /* nested */
			assert_int_equal(fot_tokenizer_decode(tok, &got, q.prompt, q.n_prompt, NULL), FOT_OK);
			want_prompt(&want, l, &d, k, free ? "N/A" : fot_fewshot_item(f, i)->text);
			assert_string_equal(got.data, want.data);
			assert_int_equal(q.n_answers, 3);
			fot_str_release(&got);
			fot_str_release(&want);
		}
	}
	/* The answer's ids are those of the label in a demonstration. */
	for (size_t k = 0; k < 10; k++) {
		const struct fot_answer *a = &q.answer[l->item[d.item[k]].label];
		size_t n_separator = 1, at = d.end[k + 1] - a->n - n_separator;

		assert_memory_equal(d.ids.id + at, a->tokens, a->n * sizeof(int32_t));
	}
	fot_ids_release(&prompt);
	fot_fewshot_demos_release(&d);
	fot_fewshot_close(f);
	fot_labelled_close(l);
}

static void test_fewshot_prompts_read_as_written_bytes(void **state)
{
	(void)state;
	check_prompts(fewshot_bytes);
}

static void test_fewshot_prompts_read_as_written_pieces(void **state)
{
	(void)state;
	check_prompts(fewshot_pieces);
}

static void test_fewshot_no_answer_begins_another(void **state)
{
	struct fot_tokenizer *const toks[] = { fewshot_bytes, fewshot_pieces };
	struct fot_labelled *l = make_fewshot_set(40);
	struct fot_fewshot_opts o = fewshot_opts(0);

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct fot_fewshot *f = open_fewshot(l, toks[k], &o);
		struct fot_fewshot_demos d = make_demos(f, 0);
		struct fot_ids prompt = { 0 };
		struct fot_question q;
		size_t n_stem, sum = 0;

		assert_int_equal(fot_fewshot_stem(&prompt, &n_stem, f, &d, 0, NULL), FOT_OK);
		assert_int_equal(fot_fewshot_ask(&q, &prompt, n_stem, f, 0, NULL), FOT_OK);
		for (size_t a = 0; a < 3; a++) {
			sum += q.answer[a].n;
			for (size_t b = 0; b < 3; b++) {
				size_t n = q.answer[a].n < q.answer[b].n ? q.answer[a].n : q.answer[b].n;

				if (a != b)
					assert_memory_not_equal(q.answer[a].tokens, q.answer[b].tokens,
								n * sizeof(int32_t));
			}
		}
		assert_int_equal(fot_question_answers(&q), sum);
		fot_ids_release(&prompt);
		fot_fewshot_demos_release(&d);
		fot_fewshot_close(f);
	}
	fot_labelled_close(l);
}

static void test_fewshot_demonstrations_follow_the_seed(void **state)
{
	struct fot_labelled *l = make_fewshot_set(200);
	struct fot_fewshot_opts few = fewshot_opts(20), all = fewshot_opts(FOT_FEWSHOT_FILL);
	struct fot_fewshot *f, *g;
	struct fot_fewshot_demos a, b, c;
	size_t same = 0;

	(void)state;
	few.items = 2;
	all.context_max = 1000000;
	f = open_fewshot(l, fewshot_bytes, &few);
	g = open_fewshot(l, fewshot_bytes, &all);
	a = make_demos(f, 5);
	b = make_demos(g, 5);
	c = make_demos(g, 6);
	assert_int_equal(a.n, 20);
	assert_int_equal(fot_fewshot_pool(g), 201); /* 200, "twice"; no item that is a test item's text */
	assert_int_equal(b.n, 201);
	/* neither the test items nor the numbers asked for move the list */
	assert_memory_equal(a.item, b.item, 20 * sizeof(*a.item));
	assert_memory_equal(a.ids.id, b.ids.id, a.ids.n * sizeof(int32_t));
	for (size_t i = 0; i < 201; i++)
		same += b.item[i] == c.item[i];
	assert_true(same < 10);
	for (size_t i = 0; i < 201; i++) {
		assert_int_equal(l->item[b.item[i]].split, FOT_TRAIN);
		assert_string_not_equal(l->item[b.item[i]].text, "Given away!");
		assert_int_not_equal(b.item[i], l->n - 1); /* the second "twice" */
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(b.item[i], b.item[j]);
	}
	fot_fewshot_demos_release(&a);
	fot_fewshot_demos_release(&b);
	fot_fewshot_demos_release(&c);
	fot_fewshot_close(f);
	fot_fewshot_close(g);
	fot_labelled_close(l);
}

static void test_fewshot_balanced_rounds_hold_each_label_once(void **state)
{
	struct fot_labelled *l = make_fewshot_set(200);
	struct fot_fewshot_opts o = fewshot_opts(FOT_FEWSHOT_FILL);
	struct fot_fewshot *f;
	struct fot_fewshot_demos d;
	int turns[3] = { 0 };

	(void)state;
	o.balanced = true;
	o.context_max = 1000000;
	f = open_fewshot(l, fewshot_bytes, &o);
	d = make_demos(f, 1);
	assert_int_equal(d.n, 201); /* A 100, B 51, C 50 */
	for (size_t i = 0; i < 150; i += 3) {
		unsigned seen = 0;

		for (size_t j = 0; j < 3; j++)
			seen |= 1u << l->item[d.item[i + j]].label;
		assert_int_equal(seen, 7);
		turns[l->item[d.item[i]].label]++;
	}
	for (int k = 0; k < 3; k++)
		assert_in_range(turns[k], 5, 30);
	for (size_t i = 152; i < 201; i++)
		assert_int_equal(l->item[d.item[i]].label, 0);
	fot_fewshot_demos_release(&d);
	fot_fewshot_close(f);
	fot_labelled_close(l);
}

static void test_fewshot_fits_what_the_context_holds(void **state)
{
	struct fot_labelled *l = make_fewshot_set(200);
	struct fot_fewshot_opts o = fewshot_opts(FOT_FEWSHOT_FILL);
	struct fot_fewshot *f = open_fewshot(l, fewshot_bytes, &o);
	struct fot_fewshot_demos d = make_demos(f, 2);
	struct fot_err err = { 0 };
	size_t n, most = 0, longest = 0;

	(void)state;
	for (size_t i = 0; i < fot_fewshot_n_items(f); i++) {
		size_t len = strlen("Text: \nKind: artist\n") + strlen(fot_fewshot_item(f, i)->text);

		longest = len > longest ? len : longest;
	}
	assert_true(d.ids.n <= 4000 && d.n < 200);
	for (int64_t length = 200; length <= 4000; length += 37) {
		assert_int_equal(fot_fewshot_fit(&n, f, &d, FOT_FEWSHOT_FILL, length, NULL), FOT_OK);
		assert_true(n >= most);
		assert_true(d.end[n] + longest <= (size_t)length);
		assert_true(n == d.n || d.end[n + 1] + longest > (size_t)length);
		most = n;
	}
	assert_int_equal(fot_fewshot_fit(&n, f, &d, 3, 4000, NULL), FOT_OK);
	assert_int_equal(n, 3);
	assert_int_equal(fot_fewshot_fit(&n, f, &d, 0, 200, NULL), FOT_OK);
	assert_int_equal(n, 0);
	assert_fails(fot_fewshot_fit(&n, f, &d, 0, 40, &err), FOT_ERR_USAGE, &err,
		     "more than the context length 40");
	fot_fewshot_demos_release(&d);
	fot_fewshot_close(f);
	fot_labelled_close(l);
}

static void test_fewshot_says_what_cannot_be_asked(void **state)
{
	struct fot_labelled *l = make_fewshot_set(40);
	struct fot_fewshot_opts o = fewshot_opts(42);
	struct fot_fewshot *f = NULL;
	struct fot_fewshot_demos d;
	struct fot_err err = { 0 };
	size_t n_long = 0;

	(void)state;
	assert_fails(fot_fewshot_open(&f, l, &fewshot_words, fewshot_bytes, &o, &err), FOT_ERR_INPUT, &err,
		     "expected 42 demonstrations, there are 41 different ones");
	o.repeat = true;
	f = open_fewshot(l, fewshot_bytes, &o);
	d = make_demos(f, 0);
	assert_int_equal(d.n, 42);
	fot_fewshot_demos_release(&d);
	fot_fewshot_close(f);
	o = fewshot_opts(1);
	o.window = 38; /* some questions fit */
	f = open_fewshot(l, fewshot_bytes, &o);
	for (size_t i = 0; i < fot_fewshot_n_items(f); i++) {
		bool is_long = strlen("Text: \nKind: artist\n") + strlen(fot_fewshot_item(f, i)->text) > 38;

		assert_int_equal(fot_fewshot_is_long(f, i), is_long);
		n_long += is_long;
	}
	assert_in_range(n_long, 1, 6);
	fot_fewshot_close(f);
	o.window = 20;
	assert_fails(fot_fewshot_open(&f, l, &fewshot_words, fewshot_bytes, &o, &err), FOT_ERR_INPUT, &err,
		     "exceeds the window of 20");
	o.window = 5000;
	assert_fails(fot_fewshot_open(&f, l, &fewshot_words, fewshot_bytes, &o, &err), FOT_ERR_USAGE, &err,
		     "is below the window");
	o = fewshot_opts(9999);
	o.fill = true;
	assert_fails(fot_fewshot_open(&f, l, &fewshot_words, fewshot_bytes, &o, &err), FOT_ERR_INPUT, &err, "expected 9999 demonstrations");
	o.shots_max = -1;
	assert_fails(fot_fewshot_open(&f, l, &fewshot_words, fewshot_bytes, &o, &err), FOT_ERR_USAGE, &err, "got -1");
	fot_labelled_close(l);
}

static void assert_opens_not(const char *rows, const char *template, const struct fot_fewshot_opts *o,
			     int code, const char *fragment)
{
	struct fot_labelled *l = NULL;
	struct fot_template other;
	struct fot_fewshot *f = NULL;
	struct fot_err err = { 0 };
	char spec[512];

	scratch_puts("x.jsonl", rows);
	snprintf(spec, sizeof(spec), "%s?holdout=0%s", scratch_path("x.jsonl"),
		 strstr(rows, "answers") ? "&answers=answers" : "");
	assert_int_equal(fot_labelled_open(&l, spec, NULL, &err), FOT_OK);
	assert_int_equal(fot_template_parse(&other, template, strlen(template), "t", &err), FOT_OK);
	assert_fails(fot_fewshot_open(&f, l, &other, fewshot_bytes, o, &err), code, &err, fragment);
	fot_template_release(&other);
	fot_labelled_close(l);
}

static void test_fewshot_refuses_sets_that_do_not_fit(void **state)
{
#define TEMPLATE "{\"format\": \"fotbench-template-1\", \"demonstration\": \"{text} {label}\\n\""
#define TRAIN "{\"text\": \"x\", \"label\": \"a\", \"split\": \"train\"}\n"
#define TEST "{\"text\": \"y\", \"label\": \"b\", \"split\": \"test\"}\n"
#define ANSWER "{\"text\": \"y\", \"answers\": \"b\", \"split\": \"test\"}\n"
	struct fot_fewshot_opts o = fewshot_opts(0);

	(void)state;
	assert_opens_not("{\"text\": \"x\", \"label\": \"a\"}\n{\"text\": \"y\", \"label\": \"b\"}",
			 TEMPLATE "}", &o, FOT_ERR_INPUT, "no test items");
	assert_opens_not(TRAIN "{\"text\": \"z\", \"label\": \"b\", \"split\": \"train\"}\n" TEST,
			 TEMPLATE ", \"labels\": {\"a\": \"b\"}}", &o, FOT_ERR_INPUT,
			 "the labels 'a' and 'b' have the same word 'b'");
	assert_opens_not(ANSWER, TEMPLATE "}", &o, FOT_ERR_USAGE, "expected tokens to generate");
	o.n_greedy = 4;
	o.balanced = true;
	assert_opens_not(ANSWER, TEMPLATE "}", &o, FOT_ERR_USAGE, "cannot be balanced");
}

static void test_fewshot_scores_three_ways(void **state)
{
	struct fot_labelled *l = make_fewshot_set(40);
	struct fot_fewshot_opts o = fewshot_opts(0);
	struct fot_fewshot_observation obs;
	double nll[64], score[3], free[3] = { -1, -30, -4 };
	/* bytes: " art\n" 5, " artist\n" 8, " bird\n" 6 */
	static const size_t n[] = { 5, 8, 6 };
	double sum[3] = { 0 };

	(void)state;
	for (size_t k = 0, at = 0; k < 3; k++)
		for (size_t j = 0; j < n[k]; j++, at++)
			sum[k] -= nll[at] = 0.1 * (double)(at * at % 17) + (k == 0 ? 0.4 : 0);
	for (int way = 0; way < FOT_FEWSHOT_SCORES; way++) {
		struct fot_fewshot *f;
		size_t best = 0;

		o.score = (enum fot_fewshot_score)way;
		f = open_fewshot(l, fewshot_bytes, &o);
		fot_fewshot_scores(score, f, nll, way == FOT_FEWSHOT_CONTENT_FREE ? free : NULL);
		for (size_t k = 0; k < 3; k++) {
			double want = way == FOT_FEWSHOT_PER_TOKEN    ? sum[k] / (double)n[k] :
				      way == FOT_FEWSHOT_CONTENT_FREE ? sum[k] - free[k] :
									sum[k];

			assert_true(score[k] - want < 1e-12 && want - score[k] < 1e-12);
			best = score[k] > score[best] ? k : best;
		}
		for (size_t i = 0; i < fot_fewshot_n_items(f); i++) {
			size_t gold = (size_t)fot_fewshot_item(f, i)->label;
			double other = -1e9;

			for (size_t k = 0; k < 3; k++)
				other = k != gold && score[k] > other ? score[k] : other;
			fot_fewshot_observe(&obs, f, i, score);
			assert_int_equal(obs.correct, gold == best);
			assert_string_equal(obs.label_gold, l->label[gold]);
			assert_string_equal(obs.label_pred, l->label[best]);
			assert_true(obs.score_gold == score[gold] && obs.score_best_other == other);
		}
		fot_fewshot_close(f);
	}
	fot_labelled_close(l);
}

static void test_fewshot_levels(void **state)
{
	struct fot_labelled *l = make_fewshot_set(40);
	struct fot_fewshot_opts o = fewshot_opts(0);
	struct fot_fewshot *f = open_fewshot(l, fewshot_bytes, &o);
	double chance, majority;

	(void)state;
	assert_int_equal(fot_fewshot_n_items(f), 7); /* A B C A A B, and the one given away: A */
	assert_true(fot_fewshot_levels(f, &chance, &majority));
	assert_true(chance == 1.0 / 3 && majority == 4.0 / 7);
	assert_int_equal(fot_fewshot_n_labels(f), 3);
	fot_fewshot_close(f);
	o.items = 3;
	f = open_fewshot(l, fewshot_bytes, &o);
	assert_int_equal(fot_fewshot_n_items(f), 3);
	for (size_t i = 0; i < 3; i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(fot_fewshot_item(f, i)->id, fot_fewshot_item(f, j)->id);
	fot_fewshot_close(f);
	fot_labelled_close(l);
}

static void test_fewshot_answers_by_text(void **state)
{
	static const struct {
		const char *generated, *text;
		bool correct;
	} rows[] = {
		{ " The Bahamas\nQ: next", "The Bahamas", true },
		{ " bahamas.", "bahamas.", true },
		{ "Bahamas,  an  Island \n", "Bahamas,  an  Island", false },
		{ " JOS\xc3\x89\n", "JOS\xc3\x89", true },
		{ " bahama\n", "bahama", false },
		{ "\n", "", false },
	};
	struct fot_tokenizer *const toks[] = { fewshot_bytes, fewshot_pieces };
	struct fot_labelled *l = NULL;
	struct fot_fewshot_opts o = fewshot_opts(1);

	(void)state;
	scratch_puts("train.json", "[{\"qId\": \"1\", \"qText\": \"who\", \"answers\": [\"me\", \"you\"]}]");
	scratch_puts(
		"test.json",
		"[{\"qId\": \"2\", \"qText\": \"where\", \"answers\": [\"\\u2014?\", \"the Bahamas\", \"Jos\\u00e9\", \"?\"]}]");
	assert_int_equal(fot_labelled_open(&l, scratch_path(""), NULL, NULL), FOT_OK);
	o.n_greedy = 32;
	for (int k = 0; k < 2; k++) {
		struct fot_fewshot *f = open_fewshot(l, toks[k], &o);
		struct fot_fewshot_demos d = make_demos(f, 0);
		struct fot_ids prompt = { 0 };
		struct fot_question q;
		struct fot_str s = FOT_STR_INIT;
		size_t n_stem;
		double x;

		assert_false(fot_fewshot_levels(f, &x, &x));
		assert_int_equal(fot_fewshot_stem(&prompt, &n_stem, f, &d, 1, NULL), FOT_OK);
		assert_int_equal(fot_fewshot_ask(&q, &prompt, n_stem, f, 0, NULL), FOT_OK);
		assert_int_equal(q.n_answers, 0);
		assert_int_equal(q.n_greedy, 32);
		assert_int_equal(fot_tokenizer_decode(toks[k], &s, q.prompt, q.n_prompt, NULL), FOT_OK);
		assert_string_equal(s.data, "Name the kind.\nText: who\nKind: me\n\nText: where\nKind:");
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			struct fot_fewshot_observation obs;
			struct fot_ids ids = { 0 };

			assert_int_equal(fot_tokenizer_encode(toks[k], &ids, rows[i].generated,
							      strlen(rows[i].generated), NULL),
					 FOT_OK);
			assert_int_equal(fot_ids_push(&ids, fot_tokenizer_eos(toks[k]), NULL), FOT_OK);
			assert_int_equal(fot_ids_push(&ids, 70, NULL), FOT_OK);
			assert_int_equal(fot_fewshot_text(&s, f, ids.id, ids.n, NULL), FOT_OK);
			assert_string_equal(s.data, rows[i].text);
			assert_int_equal(fot_fewshot_observe_text(&obs, f, 0, s.data, NULL), FOT_OK);
			assert_int_equal(obs.correct, rows[i].correct);
			assert_null(obs.label_pred);
			fot_ids_release(&ids);
		}
		fot_str_release(&s);
		fot_ids_release(&prompt);
		fot_fewshot_demos_release(&d);
		fot_fewshot_close(f);
	}
	fot_labelled_close(l);
}

static void test_fewshot_normalises_answers(void **state)
{
	static const char *const rows[][2] = {
		{ "The  quick, (brown)\tFox!", "quick brown fox" },
		{ "a an the A AN THE", "" },
		{ "theatre an-other", "theatre another" },
		{ "O'Neill & Sons, Inc.", "oneill sons inc" },
		{ "\xc3\x80\xc3\x96\xc3\x97\xc3\x9e\xc3\xa9 \xe2\x82\xac"
		  "5",
		  "\xc3\xa0\xc3\xb6\xc3\x97\xc3\xbe\xc3\xa9 \xe2\x82\xac"
		  "5" },
		{ "", "" },
		{ "1st of May", "1st of may" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fot_str s = FOT_STR_INIT;

		fot_fewshot_normalise(&s, rows[i][0]);
		assert_string_equal(s.data, rows[i][1]);
		fot_str_release(&s);
	}
}

#define WITH(f) cmocka_unit_test_setup_teardown(f, fewshot_setup, fewshot_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(test_fewshot_prompts_read_as_written_bytes),
		WITH(test_fewshot_prompts_read_as_written_pieces),
		WITH(test_fewshot_no_answer_begins_another),
		WITH(test_fewshot_demonstrations_follow_the_seed),
		WITH(test_fewshot_balanced_rounds_hold_each_label_once),
		WITH(test_fewshot_fits_what_the_context_holds),
		WITH(test_fewshot_says_what_cannot_be_asked),
		WITH(test_fewshot_refuses_sets_that_do_not_fit),
		WITH(test_fewshot_scores_three_ways),
		WITH(test_fewshot_levels),
		WITH(test_fewshot_answers_by_text),
		WITH(test_fewshot_normalises_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
