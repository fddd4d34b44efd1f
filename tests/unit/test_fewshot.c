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
#include "tasks/fewshot.h"
#include "tests/unit/scratch.h"

static struct fot_tokenizer *byte_tok, *spm_tok;
static struct fot_template t;

static int setup(void **state)
{
	static const char text[] =
		"{\"format\": \"fotbench-template-1\", \"instruction\": \"Name the kind.\\n\","
		"\"demonstration\": \"Text: {text}\\nKind: {label}\\n\", \"separator\": \"\\n\","
		"\"labels\": {\"A\": \"art\", \"B\": \"artist\", \"C\": \"bird\"}}";

	if (scratch_make(state) || fot_tokenizer_open_byte(&byte_tok, NULL) != FOT_OK ||
	    fot_tokenizer_open_spm(&spm_tok, "model/zoo/bpe-2k/tokenizer.model", NULL) != FOT_OK ||
	    fot_template_parse(&t, text, strlen(text), "t", NULL) != FOT_OK)
		return -1;
	return 0;
}

static int teardown(void **state)
{
	fot_template_release(&t);
	fot_tokenizer_close(byte_tok);
	fot_tokenizer_close(spm_tok);
	return scratch_remove(state);
}

/* n training items of random words, 6 test items; label A is twice as common. One
 * training item has the text of a test item, one the text of another training item. */
static struct fot_labelled *make_set(int n)
{
	struct fot_str s = FOT_STR_INIT;
	struct fot_labelled *l = NULL;
	struct fot_err err = { 0 };
	struct fot_rng rng;

	fot_rng_init(&rng, 7, "test", 0);
	for (int i = 0; i < n + 6; i++) {
		fot_str_printf(&s, "{\"split\": \"%s\", \"label\": \"%c\", \"text\": \"no%d",
			       i < n ? "train" : "test", "ABCA"[i % 4], i);
		for (int k = (int)fot_rng_below(&rng, 5); k >= 0; k--)
			fot_str_printf(&s, " w%llx", (unsigned long long)fot_rng_below(&rng, 4096));
		fot_str_puts(&s, "\"}\n");
	}
	fot_str_puts(&s, "{\"split\": \"test\", \"label\": \"A\", \"text\": \"Given away!\"}\n"
			 "{\"split\": \"train\", \"label\": \"A\", \"text\": \"Given  away! \"}\n"
			 "{\"split\": \"train\", \"label\": \"B\", \"text\": \"twice\"}\n"
			 "{\"split\": \"train\", \"label\": \"C\", \"text\": \"  twice\"}\n");
	scratch_write("set.jsonl", s.data, s.len);
	fot_str_release(&s);
	if (fot_labelled_open(&l, scratch_path("set.jsonl"), NULL, &err) != FOT_OK)
		fail_msg("%s", err.text);
	return l;
}

static struct fot_fewshot_opts opts(int64_t shots)
{
	return (struct fot_fewshot_opts){
		.window = 200, .context_max = 4000, .shots_max = shots > 0 ? shots : 0,
		.fill = shots == FOT_FEWSHOT_FILL, .seed = 3, .bos = true
	};
}

static struct fot_fewshot *open_task(const struct fot_labelled *l, const struct fot_tokenizer *tok,
				     const struct fot_fewshot_opts *o)
{
	struct fot_fewshot *f = NULL;
	struct fot_err err = { 0 };

	if (fot_fewshot_open(&f, l, &t, tok, o, &err) != FOT_OK)
		fail_msg("%s", err.text);
	return f;
}

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
	struct fot_labelled *l = make_set(40);
	struct fot_fewshot_opts o = opts(10);
	struct fot_fewshot *f = open_task(l, tok, &o);
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
	check_prompts(byte_tok);
}

static void test_fewshot_prompts_read_as_written_pieces(void **state)
{
	(void)state;
	check_prompts(spm_tok);
}

static void test_fewshot_no_answer_begins_another(void **state)
{
	struct fot_tokenizer *const toks[] = { byte_tok, spm_tok };
	struct fot_labelled *l = make_set(40);
	struct fot_fewshot_opts o = opts(0);

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct fot_fewshot *f = open_task(l, toks[k], &o);
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
		assert_int_equal(fot_fewshot_answer_tokens(f), sum);
		fot_ids_release(&prompt);
		fot_fewshot_demos_release(&d);
		fot_fewshot_close(f);
	}
	fot_labelled_close(l);
}

static void test_fewshot_demonstrations_follow_the_seed(void **state)
{
	struct fot_labelled *l = make_set(200);
	struct fot_fewshot_opts few = opts(20), all = opts(FOT_FEWSHOT_FILL);
	struct fot_fewshot *f, *g;
	struct fot_fewshot_demos a, b, c;
	size_t same = 0;

	(void)state;
	few.items = 2;
	all.context_max = 1000000;
	f = open_task(l, byte_tok, &few);
	g = open_task(l, byte_tok, &all);
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
	struct fot_labelled *l = make_set(200);
	struct fot_fewshot_opts o = opts(FOT_FEWSHOT_FILL);
	struct fot_fewshot *f;
	struct fot_fewshot_demos d;
	int turns[3] = { 0 };

	(void)state;
	o.balanced = true;
	o.context_max = 1000000;
	f = open_task(l, byte_tok, &o);
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
	struct fot_labelled *l = make_set(200);
	struct fot_fewshot_opts o = opts(FOT_FEWSHOT_FILL);
	struct fot_fewshot *f = open_task(l, byte_tok, &o);
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
	struct fot_labelled *l = make_set(40);
	struct fot_fewshot_opts o = opts(42);
	struct fot_fewshot *f = NULL;
	struct fot_fewshot_demos d;
	struct fot_err err = { 0 };
	size_t n_long = 0;

	(void)state;
	assert_fails(fot_fewshot_open(&f, l, &t, byte_tok, &o, &err), FOT_ERR_INPUT, &err,
		     "expected 42 demonstrations, there are 41 different ones");
	o.repeat = true;
	f = open_task(l, byte_tok, &o);
	d = make_demos(f, 0);
	assert_int_equal(d.n, 42);
	fot_fewshot_demos_release(&d);
	fot_fewshot_close(f);
	o = opts(1);
	o.window = 38; /* some questions fit */
	f = open_task(l, byte_tok, &o);
	for (size_t i = 0; i < fot_fewshot_n_items(f); i++) {
		bool is_long = strlen("Text: \nKind: artist\n") + strlen(fot_fewshot_item(f, i)->text) > 38;

		assert_int_equal(fot_fewshot_is_long(f, i), is_long);
		n_long += is_long;
	}
	assert_int_equal(fot_fewshot_n_long(f), n_long);
	assert_in_range(n_long, 1, 6);
	fot_fewshot_close(f);
	o.window = 20;
	assert_fails(fot_fewshot_open(&f, l, &t, byte_tok, &o, &err), FOT_ERR_INPUT, &err,
		     "exceeds the window of 20");
	o.window = 5000;
	assert_fails(fot_fewshot_open(&f, l, &t, byte_tok, &o, &err), FOT_ERR_USAGE, &err,
		     "is below the window");
	o = opts(9999);
	o.fill = true;
	assert_fails(fot_fewshot_open(&f, l, &t, byte_tok, &o, &err), FOT_ERR_INPUT, &err, "expected 9999 demonstrations");
	o.shots_max = -1;
	assert_fails(fot_fewshot_open(&f, l, &t, byte_tok, &o, &err), FOT_ERR_USAGE, &err, "got -1");
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
	assert_fails(fot_fewshot_open(&f, l, &other, byte_tok, o, &err), code, &err, fragment);
	fot_template_release(&other);
	fot_labelled_close(l);
}

static void test_fewshot_refuses_sets_that_do_not_fit(void **state)
{
#define TEMPLATE "{\"format\": \"fotbench-template-1\", \"demonstration\": \"{text} {label}\\n\""
#define TRAIN "{\"text\": \"x\", \"label\": \"a\", \"split\": \"train\"}\n"
#define TEST "{\"text\": \"y\", \"label\": \"b\", \"split\": \"test\"}\n"
#define ANSWER "{\"text\": \"y\", \"answers\": \"b\", \"split\": \"test\"}\n"
	struct fot_fewshot_opts o = opts(0);

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
	struct fot_labelled *l = make_set(40);
	struct fot_fewshot_opts o = opts(0);
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
		f = open_task(l, byte_tok, &o);
		assert_int_equal(fot_fewshot_answer_tokens(f), 19);
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
	struct fot_labelled *l = make_set(40);
	struct fot_fewshot_opts o = opts(0);
	struct fot_fewshot *f = open_task(l, byte_tok, &o);
	double chance, majority;

	(void)state;
	assert_int_equal(fot_fewshot_n_items(f), 7); /* A B C A A B, and the one given away: A */
	assert_true(fot_fewshot_levels(f, &chance, &majority));
	assert_true(chance == 1.0 / 3 && majority == 4.0 / 7);
	assert_int_equal(fot_fewshot_n_labels(f), 3);
	fot_fewshot_close(f);
	o.items = 3;
	f = open_task(l, byte_tok, &o);
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
	struct fot_tokenizer *const toks[] = { byte_tok, spm_tok };
	struct fot_labelled *l = NULL;
	struct fot_fewshot_opts o = opts(1);

	(void)state;
	scratch_puts("train.json", "[{\"qId\": \"1\", \"qText\": \"who\", \"answers\": [\"me\", \"you\"]}]");
	scratch_puts(
		"test.json",
		"[{\"qId\": \"2\", \"qText\": \"where\", \"answers\": [\"\\u2014?\", \"the Bahamas\", \"Jos\\u00e9\", \"?\"]}]");
	assert_int_equal(fot_labelled_open(&l, scratch_path(""), NULL, NULL), FOT_OK);
	o.n_greedy = 32;
	for (int k = 0; k < 2; k++) {
		struct fot_fewshot *f = open_task(l, toks[k], &o);
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

/* --- distractors --- */

static struct fot_template own_words, other_words;
static struct fot_labelled *own_set, *signs, *answers;
static struct fot_fewshot_other others[2];

/* Two other sets: one with labels, of which a text is that of a test item; one with answers. */
static void make_others(void)
{
	static const char a[] = "{\"format\": \"fotbench-template-1\", \"demonstration\": \"{text} -> {label}\\n\"}";
	static const char b[] = "{\"format\": \"fotbench-template-1\", \"demonstration\": \"Q: {text} A: {label}\\n\","
				"\"separator\": \"--\\n\"}";
	struct fot_str s = FOT_STR_INIT;
	struct fot_err err = { 0 };

	own_set = make_set(40);
	assert_int_equal(fot_template_parse(&own_words, a, strlen(a), "a", &err), FOT_OK);
	assert_int_equal(fot_template_parse(&other_words, b, strlen(b), "b", &err), FOT_OK);
	for (int i = 0; i < 9; i++)
		fot_str_printf(&s, "{\"split\": \"train\", \"label\": \"%s\", \"text\": \"sum%d\"}\n", i % 2 ? "odd" : "even", i);
	fot_str_puts(&s, "{\"split\": \"train\", \"label\": \"odd\", \"text\": \"Given away!\"}\n"
			 "{\"split\": \"test\", \"label\": \"odd\", \"text\": \"a test item\"}\n");
	scratch_write("signs.jsonl", s.data, s.len);
	fot_str_clear(&s);
	for (int i = 0; i < 7; i++)
		fot_str_printf(&s, "{\"split\": \"%s\", \"answers\": [\"yes\", \"no\"], \"text\": \"ask%d\"}\n", i ? "train" : "test", i);
	scratch_write("asks.jsonl", s.data, s.len);
	fot_str_release(&s);
	s = (struct fot_str)FOT_STR_INIT;
	fot_str_printf(&s, "%s?answers=answers", scratch_path("asks.jsonl"));
	if (fot_labelled_open(&answers, s.data, NULL, &err) != FOT_OK ||
	    fot_labelled_open(&signs, scratch_path("signs.jsonl"), NULL, &err) != FOT_OK)
		fail_msg("%s", err.text);
	fot_str_release(&s);
	others[0] = (struct fot_fewshot_other){ signs, &own_words };
	others[1] = (struct fot_fewshot_other){ answers, &other_words };
}

static void drop_others(void)
{
	fot_labelled_close(own_set);
	fot_labelled_close(signs);
	fot_labelled_close(answers);
	fot_template_release(&own_words);
	fot_template_release(&other_words);
}

static struct fot_fewshot *open_with_others(int64_t shots)
{
	struct fot_fewshot_opts o = opts(shots);

	o.other = others;
	o.n_others = 2;
	return open_task(own_set, byte_tok, &o);
}

static struct fot_fewshot_demos demos_among(const struct fot_fewshot *f, uint64_t seed, size_t distractors)
{
	struct fot_fewshot_demos d;
	struct fot_err err = { 0 };

	if (fot_fewshot_demos_init(&d, f, seed, distractors, &err) != FOT_OK)
		fail_msg("%s", err.text);
	return d;
}

/* The pieces of a list's text: 't' for each of the task's demonstrations, 's' and 'a' for those of the sets. */
static size_t read_pieces(char *kind, size_t *seen, const struct fot_fewshot_demos *d, size_t n)
{
	struct fot_str text = FOT_STR_INIT;
	size_t k = 0, number;
	char *at;

	assert_int_equal(fot_tokenizer_decode(byte_tok, &text, d->ids.id + d->end[0], d->end[n] - d->end[0], NULL), FOT_OK);
	for (at = text.data ? text.data : (char[]){ "" }; *at;) {
		int used = 0;
		char word[8];

		if (strncmp(at, "Text: ", 6) == 0) {
			at = strstr(at, "\n\n") + 2;
			kind[k++] = 't';
		} else if (sscanf(at, "sum%zu -> %7[a-z]\n%n", &number, word, &used) == 2) {
			assert_string_equal(word, number % 2 ? "odd" : "even");
			at += used;
			seen[number]++;
			kind[k++] = 's';
		} else if (sscanf(at, "Q: ask%zu A: yes\n--\n%n", &number, &used) == 1 && used) {
			assert_in_range(number, 1, 6);
			at += used;
			seen[9 + number]++;
			kind[k++] = 'a';
		} else {
			fail_msg("unexpected: %.40s", at);
		}
	}
	fot_str_release(&text);
	return k;
}

static void test_fewshot_distractors_stand_between(void **state)
{
	struct fot_fewshot *f;
	size_t first[5] = { 0 }, by_set[2] = { 0 };

	(void)state;
	make_others();
	f = open_with_others(30);
	for (uint64_t seed = 0; seed < 4; seed++) {
		struct fot_fewshot_demos alone = demos_among(f, seed, 0);

		for (size_t r = 0; r <= 4; r += 2) {
			struct fot_fewshot_demos d = demos_among(f, seed, r);
			size_t seen[16] = { 0 }, least = 99, most = 0;
			char kind[160];

			assert_int_equal(d.n, 30);
			assert_memory_equal(d.item, alone.item, 30 * sizeof(*d.item));
			assert_int_equal(read_pieces(kind, seen, &d, 30), 30 * (r + 1));
			for (size_t k = 0; k < 30; k++) {
				size_t own = 0;

				for (size_t i = 0; i <= r; i++) {
					own += kind[k * (r + 1) + i] == 't';
					first[i] += r == 4 && kind[k * (r + 1) + i] == 't';
				}
				assert_int_equal(own, 1); /* one in each block, at any place of it */
				/* the list of k is the beginning of that of more */
				assert_int_equal(read_pieces(kind, (size_t[16]){ 0 }, &d, k + 1), (k + 1) * (r + 1));
			}
			for (size_t i = 0; i < 9; i++) {
				least = seen[i] < least ? seen[i] : least;
				most = seen[i] > most ? seen[i] : most;
				by_set[0] += seen[i];
			}
			for (size_t i = 10; i < 16; i++)
				by_set[1] += seen[i];
			assert_true(most - least <= 1); /* all before one comes again */
			fot_fewshot_demos_release(&d);
		}
		fot_fewshot_demos_release(&alone);
	}
	for (size_t i = 0; i < 5; i++)
		assert_in_range(first[i], 10, 40); /* 120 blocks over five places */
	assert_in_range(by_set[0], 320, 400); /* of 720, sets being equally likely: sd 13 */
	assert_int_equal(by_set[0] + by_set[1], 720);
	fot_fewshot_close(f);
	drop_others();
}

/* Longest prompt behind k demonstrations and their distractors. */
static size_t longest_prompt(const struct fot_fewshot *f, const struct fot_fewshot_demos *d, size_t k)
{
	struct fot_ids prompt = { 0 };
	struct fot_question q;
	size_t n_stem, longest = 0;

	assert_int_equal(fot_fewshot_stem(&prompt, &n_stem, f, d, k, NULL), FOT_OK);
	for (size_t i = 0; i < fot_fewshot_n_items(f); i++) {
		assert_int_equal(fot_fewshot_ask(&q, &prompt, n_stem, f, i, NULL), FOT_OK);
		longest = q.n_prompt > longest ? q.n_prompt : longest;
	}
	fot_ids_release(&prompt);
	return longest + strlen(" artist\n");
}

static void test_fewshot_distractors_take_room(void **state)
{
	struct fot_fewshot *f;
	size_t before = SIZE_MAX;

	(void)state;
	make_others();
	f = open_with_others(FOT_FEWSHOT_FILL);
	for (size_t r = 0; r < 8; r += 3) {
		struct fot_fewshot_demos d = demos_among(f, 1, r);
		size_t fitted;

		assert_int_equal(fot_fewshot_fit(&fitted, f, &d, FOT_FEWSHOT_FILL, 1000, NULL), FOT_OK);
		assert_true(longest_prompt(f, &d, fitted) <= 1000);
		assert_true(longest_prompt(f, &d, fitted + 1) > 1000);
		assert_true(fitted > 1 && fitted < before);
		before = fitted;
		fot_fewshot_demos_release(&d);
	}
	fot_fewshot_close(f);
	drop_others();
}

static void test_fewshot_distractors_refused(void **state)
{
	struct fot_fewshot_opts o = opts(3);
	struct fot_fewshot *f = NULL;
	struct fot_fewshot_demos d;
	struct fot_err err = { 0 };

	(void)state;
	make_others();
	o.other = &(struct fot_fewshot_other){ own_set, &own_words };
	o.n_others = 1;
	assert_int_equal(fot_fewshot_open(&f, own_set, &t, byte_tok, &o, &err), FOT_ERR_USAGE);
	assert_string_equal(err.text, "set: expected another set for distractors, got the task's own");
	for (size_t i = 0; i < signs->n; i++)
		signs->item[i].split = FOT_TEST;
	o.other = others;
	assert_int_equal(fot_fewshot_open(&f, own_set, &t, byte_tok, &o, &err), FOT_ERR_INPUT);
	assert_string_equal(err.text, "signs: expected training items for distractors of set, there are none");
	o.n_others = 0;
	f = open_task(own_set, byte_tok, &o);
	assert_int_equal(fot_fewshot_demos_init(&d, f, 0, 2, &err), FOT_ERR_USAGE);
	assert_string_equal(err.text, "few-shot: 2 distractors for each demonstration, of no other set");
	fot_fewshot_close(f);
	drop_others();
}

static void test_fewshot_survives_failing_memory(void **state)
{
	struct fot_labelled *l = make_set(12);
	struct fot_fewshot_opts o = opts(5);
	int status = FOT_ERR_RUN;

	(void)state;
	make_others();
	o.balanced = true;
	o.other = others;
	o.n_others = 2;
	for (long n = 1; status != FOT_OK; n++) {
		struct fot_fewshot *f = NULL;
		struct fot_fewshot_demos d = { 0 };
		struct fot_ids prompt = { 0 };
		struct fot_question q;
		struct fot_err err = { 0 };
		size_t n_stem;

		assert_true(n < 3000);
		fot_mem_fail_at(n);
		status = fot_fewshot_open(&f, l, &t, spm_tok, &o, &err);
		if (status == FOT_OK)
			status = fot_fewshot_demos_init(&d, f, 0, 1, &err);
		if (status == FOT_OK)
			status = fot_fewshot_stem(&prompt, &n_stem, f, &d, 2, &err);
		if (status == FOT_OK)
			status = fot_fewshot_ask(&q, &prompt, n_stem, f, 1, &err);
		fot_mem_fail_at(0);
		assert_true((status == FOT_OK) == (err.code == 0));
		fot_ids_release(&prompt);
		fot_fewshot_demos_release(&d);
		fot_fewshot_close(f);
	}
	fot_labelled_close(l);
	drop_others();
}

#define WITH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

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
		WITH(test_fewshot_distractors_stand_between),
		WITH(test_fewshot_distractors_take_room),
		WITH(test_fewshot_distractors_refused),
		WITH(test_fewshot_survives_failing_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
