/* test_passkey_task.c: prompts of the pass key task, with bytes and with a BPE. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the five above first */
#include <cmocka.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/rng.h"
#include "tasks/passkey.h"
#include "tests/unit/scratch.h"

#define BPE "model/zoo/bpe-2k/tokenizer.model"

static struct fot_tokenizer *tokenizer[2];
static struct fot_str prose;

/* Words, numbers, full stops, paragraphs and some characters that are not ASCII. */
static void write_prose(struct fot_str *out, size_t n)
{
	static const char *const odd[] = {
		"déjà", "naïve", "“so", "7", "1914", "x=3;", "(and", "it's", "No."
	};
	struct fot_rng rng;

	fot_rng_init(&rng, 5, "test.prose", 0);
	while (out->len < n) {
		uint64_t len = 1 + fot_rng_below(&rng, 9);

		if (fot_rng_below(&rng, 12) == 0)
			fot_str_puts(out, odd[fot_rng_below(&rng, FOT_COUNT(odd))]);
		else
			while (len--)
				fot_str_putc(out, (char)('a' + fot_rng_below(&rng, 26)));
		fot_str_puts(out, fot_rng_below(&rng, 9) == 0  ? ". " :
				  fot_rng_below(&rng, 30) == 0 ? ".\n\n" :
								 " ");
	}
	fot_str_puts(out, "end.");
}

static int open_all(void **state)
{
	struct fot_err err = { 0 };

	(void)state;
	write_prose(&prose, 30000);
	return fot_tokenizer_open_byte(&tokenizer[0], &err) ||
	       fot_tokenizer_open_spm(&tokenizer[1], BPE, &err);
}

static int close_all(void **state)
{
	(void)state;
	fot_tokenizer_close(tokenizer[0]);
	fot_tokenizer_close(tokenizer[1]);
	fot_str_release(&prose);
	return 0;
}

static struct fot_passkey task(int t, enum fot_passkey_style style)
{
	return (struct fot_passkey){ tokenizer[t], true, style, prose.data, prose.len, 42 };
}

static struct fot_passkey_parts *open_parts(const struct fot_passkey *p, uint64_t trial, int64_t longest)
{
	struct fot_passkey_parts *s = NULL;
	struct fot_err err = { 0 };

	if (fot_passkey_open(&s, p, trial, longest, &err) != FOT_OK)
		fail_msg("%s", err.text);
	return s;
}

static void build(struct fot_passkey_prompt *out, const struct fot_passkey_parts *s, int64_t length,
		  double depth)
{
	struct fot_err err = { 0 };

	if (fot_passkey_build(out, s, length, depth, &err) != FOT_OK)
		fail_msg("length %lld, depth %g: %s", (long long)length, depth, err.text);
}

static void decode(const struct fot_passkey *p, struct fot_str *out, const int32_t *id, size_t n)
{
	fot_str_clear(out);
	assert_int_equal(fot_tokenizer_decode(p->tokenizer, out, id, n, NULL), FOT_OK);
}

/* How often a number stands in a text, not as a part of a longer one. */
static int occurrences(const char *text, int number)
{
	char digits[16];
	size_t len = (size_t)snprintf(digits, sizeof digits, "%d", number);
	int n = 0;

	for (const char *p = strstr(text, digits); p; p = strstr(p + 1, digits))
		n += !(p[len] >= '0' && p[len] <= '9') && !(p > text && p[-1] >= '0' && p[-1] <= '9');
	return n;
}

/* The text without the key sentence must be intro, filler and question. */
static void check_text(const struct fot_passkey *p, const struct fot_passkey_prompt *q, const char *where)
{
	struct fot_str text = FOT_STR_INIT, key = FOT_STR_INIT, before = FOT_STR_INIT, filler = FOT_STR_INIT;
	size_t intro = strlen(fot_passkey_intro), question = strlen(fot_passkey_question), at, end;

	decode(p, &text, q->ids.id, q->n_prompt);
	fot_passkey_sentence(&key, q->key);
	key.data[--key.len] = '\0';
	decode(p, &before, q->ids.id, q->key_token_start);
	at = before.len;
	/* the key's tokens are its sentence, no more and no less */
	if (text.data[at] == ' ') {
		assert_null(strchr(" \n", text.data[at - 1]));
		at++;
	} else {
		assert_int_equal(at, intro);
	}
	assert_memory_equal(text.data + at, key.data, key.len);
	assert_int_equal(occurrences(text.data, q->key), 2);
	decode(p, &before, q->ids.id, q->key_token_start + q->n_key_tokens);
	assert_int_equal(before.len, at + key.len);
	assert_memory_equal(text.data, fot_passkey_intro, intro);
	assert_memory_equal(text.data + text.len - question, fot_passkey_question, question);
	decode(p, &before, q->ids.id, q->n_stem);
	end = before.len;
	assert_int_equal(end, text.len - question);
	fot_str_add(&filler, text.data + intro, at > intro ? at - 1 - intro : 0);
	/* behind a key at the very front the space between is not the filler's */
	if (at == intro && end > at + key.len)
		assert_int_equal(text.data[at++ + key.len], ' ');
	fot_str_add(&filler, text.data + at + key.len, end - at - key.len);
	fot_str_clear(&before);
	if (p->style == FOT_PASSKEY_PAPER)
		while (before.len < filler.len)
			fot_str_puts(&before, fot_passkey_filler);
	else
		for (int i = 0; i < 4; i++) {
			fot_str_add(&before, p->text, p->n_text);
			fot_str_puts(&before, "\n\n");
		}
	/* the last character may be cut */
	if (p->style == FOT_PASSKEY_PAPER)
		assert_memory_equal(filler.data ? filler.data : "", before.data, filler.len);
	else if (p->style == FOT_PASSKEY_TEXT && filler.len > 4 &&
		 !memmem(before.data, before.len, filler.data, filler.len - 4))
		fail_msg("%s: the filler is not the prose", where);
	fot_str_release(&text);
	fot_str_release(&key);
	fot_str_release(&before);
	fot_str_release(&filler);
}

static void test_passkey_prompt_is_exact_and_reads_as_text(void **state)
{
	static const int64_t lengths[] = { 252, 253, 300, 511, 512, 777, 2048, 4099 };
	static const double depths[] = { 0, 0.001, 0.1, 0.25, 0.5, 0.77, 0.99, 1 };
	struct fot_passkey_prompt q = { 0 };

	(void)state;
	for (int t = 0; t < 2; t++)
		for (int style = 0; style < FOT_PASSKEY_STYLES; style++)
			for (uint64_t trial = 0; trial < 3; trial++) {
				struct fot_passkey p = task(t, (enum fot_passkey_style)style);
				struct fot_passkey_parts *s = open_parts(&p, trial, 4099);

				for (size_t i = 0; i < FOT_COUNT(lengths); i++)
					for (size_t d = 0; d < FOT_COUNT(depths); d++) {
						char where[100];

						snprintf(where, sizeof where,
							 "tokenizer %d, %s, length %lld, depth %g", t,
							 fot_passkey_style_name[style], (long long)lengths[i],
							 depths[d]);
						build(&q, s, lengths[i], depths[d]);
						assert_int_equal(q.ids.n, lengths[i]);
						assert_int_equal(q.n_prompt + q.answer.n, lengths[i]);
						assert_ptr_equal(q.answer.tokens, q.ids.id + q.n_prompt);
						assert_int_equal(q.ids.id[0],
								 fot_tokenizer_bos(tokenizer[t]));
						assert_in_range(q.key, FOT_PASSKEY_MIN, FOT_PASSKEY_MAX);
						check_text(&p, &q, where);
					}
				fot_passkey_close(s);
			}
	fot_passkey_prompt_release(&q);
}

static void test_passkey_answer_is_what_follows_the_question(void **state)
{
	struct fot_passkey_prompt q = { 0 };
	struct fot_str text = FOT_STR_INIT;
	struct fot_ids ids = { 0 };

	(void)state;
	for (int t = 0; t < 2; t++) {
		struct fot_passkey p = task(t, FOT_PASSKEY_PAPER);
		struct fot_passkey_parts *s = open_parts(&p, 0, 2048);

		for (int64_t length = 260; length < 300; length++) {
			size_t tail;

			build(&q, s, length, 0.5);
			fot_str_clear(&text);
			fot_str_printf(&text, "green.%s %d", fot_passkey_question, q.key);
			ids.n = 0;
			assert_int_equal(fot_tokenizer_encode(p.tokenizer, &ids, text.data, text.len, NULL),
					 FOT_OK);
			tail = q.ids.n - q.n_stem;
			assert_true(ids.n > tail);
			assert_memory_equal(ids.id + ids.n - tail, q.ids.id + q.n_stem,
					    tail * sizeof *ids.id);
		}
		fot_passkey_close(s);
	}
	fot_ids_release(&ids);
	fot_str_release(&text);
	fot_passkey_prompt_release(&q);
}

static void test_passkey_depth_places_the_key(void **state)
{
	/* most tokens of filler that may stand between a place and the border before it */
	static const size_t slack[2][FOT_PASSKEY_STYLES] = { { 30, 40, 90 }, { 15, 40, 70 } };
	struct fot_passkey_prompt q = { 0 };

	(void)state;
	for (int t = 0; t < 2; t++)
		for (int style = 0; style < FOT_PASSKEY_STYLES; style++) {
			struct fot_passkey p = task(t, (enum fot_passkey_style)style);
			struct fot_passkey_parts *s = open_parts(&p, 1, 3000);
			size_t before = 0, head = 0, most = slack[t][style];

			for (int d = 0; d <= 50; d++) {
				size_t want, n_filler;

				build(&q, s, 3000, d / 50.0);
				if (d == 0)
					head = q.key_token_start;
				n_filler = q.n_stem - q.n_key_tokens - head;
				want = head + (size_t)(d / 50.0 * (double)n_filler + 0.5);
				assert_true(q.key_token_start >= before);
				assert_true(q.key_token_start <= want + 1);
				assert_true(q.key_token_start + most >= want);
				before = q.key_token_start;
			}
			/* at depth 1 nothing but the rest of a sentence or word is left */
			assert_true(q.n_stem - q.key_token_start - q.n_key_tokens <= most);
			fot_passkey_close(s);
		}
	fot_passkey_prompt_release(&q);
}

/* Tokens of the prompt without those of the key; behind a key at depth 0 nothing can
 * be compared, so depths here are over 0. */
static void without_key(struct fot_ids *out, const struct fot_passkey_prompt *q)
{
	out->n = 0;
	for (size_t i = 0; i < q->n_stem; i++)
		if (i < q->key_token_start || i >= q->key_token_start + q->n_key_tokens)
			assert_int_equal(fot_ids_push(out, q->ids.id[i], NULL), FOT_OK);
}

static void test_passkey_prompts_of_a_trial_share_their_beginning(void **state)
{
	static const struct {
		int64_t length;
		double depth;
	} row[] = { { 3000, 0.9 }, { 3000, 0.2 }, { 1500, 0.5 }, { 700, 1 }, { 2999, 0.35 } };
	struct fot_passkey_prompt q = { 0 };
	struct fot_ids longest = { 0 }, other = { 0 };

	(void)state;
	for (int t = 0; t < 2; t++)
		for (int style = 0; style < FOT_PASSKEY_STYLES; style++) {
			struct fot_passkey p = task(t, (enum fot_passkey_style)style);
			struct fot_passkey_parts *s = open_parts(&p, 2, 3000);

			for (size_t i = 0; i < FOT_COUNT(row); i++) {
				size_t n;

				build(&q, s, row[i].length, row[i].depth);
				without_key(i ? &other : &longest, &q);
				if (i == 0)
					continue;
				n = other.n < longest.n ? other.n : longest.n;
				assert_memory_equal(other.id, longest.id, n * sizeof *other.id);
			}
			fot_passkey_close(s);
		}
	fot_ids_release(&longest);
	fot_ids_release(&other);
	fot_passkey_prompt_release(&q);
}

static void test_passkey_prompt_does_not_depend_on_the_longest_length(void **state)
{
	struct fot_passkey_prompt a = { 0 }, b = { 0 };

	(void)state;
	for (int t = 0; t < 2; t++)
		for (int style = 0; style < FOT_PASSKEY_STYLES; style++) {
			struct fot_passkey p = task(t, (enum fot_passkey_style)style);
			struct fot_passkey_parts *s = open_parts(&p, 9, 600), *l = open_parts(&p, 9, 20000);

			build(&a, l, 20000, 0.5); /* b is built in memory of another prompt */
			for (int d = 0; d <= 4; d++) {
				build(&a, s, 600, d / 4.0);
				build(&b, l, 600, d / 4.0);
				assert_int_equal(a.key, b.key);
				assert_int_equal(a.n_stem, b.n_stem);
				assert_memory_equal(a.ids.id, b.ids.id, a.ids.n * sizeof *a.ids.id);
			}
			fot_passkey_close(s);
			fot_passkey_close(l);
		}
	fot_passkey_prompt_release(&a);
	fot_passkey_prompt_release(&b);
}

static void test_passkey_trials_draw_anew(void **state)
{
	struct fot_passkey_prompt a = { 0 }, b = { 0 };

	(void)state;
	for (int style = 0; style < FOT_PASSKEY_STYLES; style++) {
		struct fot_passkey p = task(0, (enum fot_passkey_style)style);
		struct fot_passkey_parts *s = open_parts(&p, 0, 1000), *l = open_parts(&p, 1, 1000);
		bool same;

		build(&a, s, 1000, 1);
		build(&b, l, 1000, 1);
		same = memcmp(a.ids.id, b.ids.id, 500 * sizeof *a.ids.id) == 0;
		assert_int_equal(same, style == FOT_PASSKEY_PAPER);
		assert_int_not_equal(a.key, b.key);
		/* another seed */
		fot_passkey_close(l);
		p.seed++;
		l = open_parts(&p, 0, 1000);
		build(&b, l, 1000, 1);
		assert_int_not_equal(a.key, b.key);
		/* another length, another depth; 3 * 0.1 is not 0.3 but the same depth */
		build(&b, s, 999, 1);
		assert_int_not_equal(a.key, b.key);
		build(&b, s, 1000, 0.3);
		assert_int_not_equal(a.key, b.key);
		build(&a, s, 1000, 3 * 0.1);
		assert_int_equal(a.key, b.key);
		fot_passkey_close(s);
		fot_passkey_close(l);
	}
	fot_passkey_prompt_release(&a);
	fot_passkey_prompt_release(&b);
}

static void test_passkey_keys_are_even(void **state)
{
	struct fot_passkey p = task(0, FOT_PASSKEY_PAPER);
	struct fot_passkey_parts *s = open_parts(&p, 0, 2000);
	struct fot_passkey_prompt q = { 0 };
	int tenth[10] = { 0 };

	(void)state;
	for (int64_t length = 1000; length < 2000; length++) {
		build(&q, s, length, 0.5);
		tenth[(q.key - 1) / 5000]++;
	}
	for (int i = 0; i < 10; i++)
		assert_in_range(tenth[i], 60, 140); /* 100, sd 9.5 */
	fot_passkey_close(s);
	fot_passkey_prompt_release(&q);
}

static void test_passkey_key_is_drawn_again_when_it_stands_in_the_prose(void **state)
{
	struct fot_passkey p = task(0, FOT_PASSKEY_TEXT);
	struct fot_passkey_prompt q = { 0 };
	struct fot_str numbers = FOT_STR_INIT;
	struct fot_passkey_parts *s;
	struct fot_err err = { 0 };

	(void)state;
	/* all numbers but those in ...7 */
	for (int i = FOT_PASSKEY_MIN; i <= FOT_PASSKEY_MAX; i++)
		if (i % 10 != 7)
			fot_str_printf(&numbers, "%d. ", i);
	p.text = numbers.data;
	p.n_text = numbers.len;
	s = open_parts(&p, 0, 400000);
	for (int i = 0; i < 3; i++) {
		build(&q, s, 400000 - i, 0.5);
		assert_int_equal(q.key % 10, 7);
	}
	fot_passkey_close(s);
	fot_str_clear(&numbers);
	for (int i = FOT_PASSKEY_MIN; i <= FOT_PASSKEY_MAX; i++)
		fot_str_printf(&numbers, "%d ", i);
	p.text = numbers.data;
	p.n_text = numbers.len;
	s = open_parts(&p, 0, 400000);
	assert_fails(fot_passkey_build(&q, s, 400000, 0.5, &err), FOT_ERR_INPUT, &err,
		     "all of them stand in the filler");
	fot_passkey_close(s);
	fot_str_release(&numbers);
	fot_passkey_prompt_release(&q);
}

static void test_passkey_decoys_stand_whole_in_the_prose(void **state)
{
	static const char middle[] = ". Remember it. ";
	struct fot_passkey p = task(1, FOT_PASSKEY_DECOYS);
	struct fot_passkey_parts *s = open_parts(&p, 4, 20000);
	struct fot_passkey_prompt q = { 0 };
	struct fot_str text = FOT_STR_INIT, want = FOT_STR_INIT;
	size_t n = 0;

	(void)state;
	for (int d = 0; d <= 150; d++) {
		size_t whole = 0;

		build(&q, s, 20000, d / 150.0);
		decode(&p, &text, q.ids.id, q.n_stem);
		n = 0;
		for (const char *at = strstr(text.data, middle); at; at = strstr(at + 1, middle)) {
			int number = atoi(at + strlen(middle));

			if (text.data + text.len - at < 80) /* the filler's end may cut it */
				break;
			n++;
			whole += number == q.key;
			for (size_t i = 0; i < fot_passkey_decoys; i++) {
				size_t len;

				fot_str_clear(&want);
				fot_passkey_decoy(&want, i, number);
				len = (size_t)(strstr(want.data, middle) - want.data);
				whole += strncmp(at - len, want.data, want.len - 1) == 0 &&
					 at[-(long)len - 1] == ' ';
			}
		}
		assert_int_equal(whole, n);
	}
	/* one per 800 bytes of prose, each itself some 60 long */
	assert_true(fabs((double)text.len / (double)n - 860) < 150);
	fot_passkey_close(s);
	fot_str_release(&text);
	fot_str_release(&want);
	fot_passkey_prompt_release(&q);
}

static void test_passkey_min_length_holds_every_key(void **state)
{
	struct fot_passkey_prompt q = { 0 };
	struct fot_err err = { 0 };

	(void)state;
	for (int t = 0; t < 2; t++) {
		struct fot_passkey p = task(t, FOT_PASSKEY_PAPER);
		struct fot_passkey_least least, without;
		int64_t n;
		int refused = 0;

		p.bos = false;
		assert_int_equal(fot_passkey_least(&without, &p, &err), FOT_OK);
		p.bos = true;
		assert_int_equal(fot_passkey_least(&least, &p, &err), FOT_OK);
		n = least.context;
		assert_int_equal(without.context, n - 1);
		assert_int_equal(without.window, least.window);
		if (t == 0) /* question, space and answer but its last digit */
			assert_int_equal(least.window, strlen(fot_passkey_question) + 5);
		if (t == 0) /* BOS, intro, space and sentence, question, space and answer */
			assert_int_equal(n, 1 + strlen(fot_passkey_intro) + 59 +
						    strlen(fot_passkey_question) + 6);
		for (uint64_t trial = 0; trial < 40; trial++) {
			struct fot_passkey_parts *s = open_parts(&p, trial, n);

			for (int d = 0; d <= 2; d++) {
				build(&q, s, n, d / 2.0);
				assert_int_equal(q.ids.n, n);
				check_text(&p, &q, "at the least length");
			}
			refused += fot_passkey_build(&q, s, n - 1, 1, &err) == FOT_ERR_USAGE;
			fot_passkey_close(s);
		}
		assert_true(refused > 20); /* four of five keys have five digits */
	}
	fot_passkey_prompt_release(&q);
}

static void test_passkey_refuses(void **state)
{
	struct fot_passkey p = task(0, FOT_PASSKEY_PAPER);
	struct fot_passkey_parts *s = open_parts(&p, 0, 1000), *none = NULL;
	struct fot_passkey_prompt q = { 0 };
	struct fot_err err = { 0 };
	static char blank[20000];

	(void)state;
	assert_fails(fot_passkey_build(&q, s, 64, 0.5, &err), FOT_ERR_USAGE, &err,
		     "context length 64 cannot hold");
	assert_non_null(strstr(err.text, "at least 251 tokens"));
	assert_fails(fot_passkey_build(&q, s, 0, 0.5, &err), FOT_ERR_USAGE, &err,
		     "context length 0 cannot hold");
	assert_fails(fot_passkey_build(&q, s, -5, 0.5, &err), FOT_ERR_USAGE, &err, "context length -5");
	assert_non_null(strstr(err.text, "at least 251 tokens"));
	assert_fails(fot_passkey_build(&q, s, 1001, 0.5, &err), FOT_ERR_USAGE, &err,
		     "over the longest asked for, 1000");
	assert_fails(fot_passkey_build(&q, s, 1000, -0.01, &err), FOT_ERR_USAGE, &err, "depth -0.01");
	assert_fails(fot_passkey_build(&q, s, 1000, 1.5, &err), FOT_ERR_USAGE, &err, "depth 1.5");
	assert_fails(fot_passkey_build(&q, s, 1000, (double)NAN, &err), FOT_ERR_USAGE, &err, "from 0 to 1");
	assert_fails(fot_passkey_open(&none, &p, 0, 0, &err), FOT_ERR_USAGE, &err, "at least 1, got 0");
	p.style = FOT_PASSKEY_TEXT;
	p.n_text = 0;
	assert_fails(fot_passkey_open(&none, &p, 0, 1000, &err), FOT_ERR_USAGE, &err, "\"text\" needs prose");
	p.style = FOT_PASSKEY_DECOYS;
	p.text = NULL;
	assert_fails(fot_passkey_open(&none, &p, 0, 1000, &err), FOT_ERR_USAGE, &err,
		     "\"decoys\" needs prose");
	memset(blank, ' ', sizeof blank);
	p.text = blank;
	p.n_text = sizeof blank;
	assert_fails(fot_passkey_open(&none, &p, 0, 1000, &err), FOT_ERR_INPUT, &err, "all white space");
	assert_null(none);
	fot_passkey_close(s);
	fot_passkey_close(NULL);
	fot_passkey_prompt_release(&q);
}

static void test_passkey_reads_odd_prose(void **state)
{
	static char solid[3000];
	static const char *const text[] = {
		"one", "a b", " \n x", "é é", solid, "\xff\xfe \x01\x01 zz. \x01"
	};
	struct fot_passkey_prompt q = { 0 };

	(void)state;
	memset(solid, 'q', sizeof solid - 1);
	for (int t = 0; t < 2; t++)
		for (int style = FOT_PASSKEY_TEXT; style < FOT_PASSKEY_STYLES; style++)
			for (size_t i = 0; i < FOT_COUNT(text); i++) {
				struct fot_passkey p = task(t, (enum fot_passkey_style)style);
				struct fot_passkey_parts *s;

				p.text = text[i];
				p.n_text = strlen(text[i]);
				s = open_parts(&p, i, 5000);
				for (int d = 0; d <= 4; d++) {
					build(&q, s, 5000, d / 4.0);
					assert_int_equal(q.ids.n, 5000);
				}
				fot_passkey_close(s);
			}
	fot_passkey_prompt_release(&q);
}

static void test_passkey_observes_what_came_back(void **state)
{
	struct fot_passkey p = task(0, FOT_PASSKEY_PAPER);
	struct fot_passkey_parts *s = open_parts(&p, 0, 1000);
	struct fot_passkey_prompt q = { 0 };
	struct fot_passkey_observation o;
	struct fot_question ask;
	struct fot_str text = FOT_STR_INIT;
	double nll[8] = { 0.5, 0.25, 1, 2, 0.125, 4, 100, 100 };
	int64_t rank[8] = { 1, 1, 7, 1, 3, 1, 1000, 1000 };
	int32_t greedy[8];
	const struct fot_reply r = { .nll = nll, .rank = rank, .greedy = greedy };
	char want[16];

	(void)state;
	build(&q, s, 1000, 0.5);
	fot_passkey_ask(&ask, &q);
	assert_ptr_equal(ask.prompt, q.ids.id);
	assert_int_equal(ask.n_stem, 1000 - q.answer.n - strlen(fot_passkey_question));
	assert_int_equal(ask.n_prompt, 1000 - q.answer.n);
	assert_int_equal(ask.n_answers, 1);
	assert_int_equal(ask.n_greedy, q.answer.n);
	assert_int_equal(ask.answer[0].n, q.answer.n);
	assert_true(ask.ranks);
	snprintf(want, sizeof want, "%d", q.key);
	assert_int_equal(q.answer.n, strlen(want) + 1);
	q.answer.n = 6; /* whatever the key: six tokens */
	q.answer.tokens = (const int32_t[]){ ' ', '1', '2', '3', '4', '5' };
	memcpy(greedy, q.answer.tokens, 6 * sizeof *greedy);
	assert_int_equal(fot_passkey_observe(&o, &text, &q, &r, p.tokenizer, NULL), FOT_OK);
	assert_true(o.exact_match);
	assert_int_equal(o.answer_rank, 7);
	assert_true(o.answer_logprob_nats == -7.875);
	assert_string_equal(text.data, "12345");
	for (int i = 0; i < 6; i++) { /* one wrong token is enough */
		int32_t right = greedy[i];

		greedy[i] = 'x';
		assert_int_equal(fot_passkey_observe(&o, &text, &q, &r, p.tokenizer, NULL), FOT_OK);
		assert_false(o.exact_match);
		greedy[i] = right;
	}
	greedy[2] = 100000;
	assert_int_equal(fot_passkey_observe(&o, &text, &q, &r, p.tokenizer, NULL), FOT_ERR_INPUT);
	fot_str_release(&text);
	fot_passkey_close(s);
	fot_passkey_prompt_release(&q);
}

static void test_passkey_survives_every_refused_allocation(void **state)
{
	(void)state;
	for (int style = 0; style < FOT_PASSKEY_STYLES; style += 2) {
		struct fot_passkey p = task(1, (enum fot_passkey_style)style);
		bool done = false;

		for (long n = 1; !done; n += n < 60 ? 1 : 23) {
			struct fot_passkey_parts *s = NULL;
			struct fot_passkey_prompt q = { 0 };
			struct fot_err err = { 0 };
			int status;

			fot_mem_fail_at(n);
			status = fot_passkey_open(&s, &p, 0, 400, &err);
			if (status == FOT_OK)
				status = fot_passkey_build(&q, s, 400, 0.5, &err);
			fot_mem_fail_at(0);
			done = status == FOT_OK;
			if (!done)
				assert_int_equal(status, FOT_ERR_RUN);
			fot_passkey_close(s);
			fot_passkey_prompt_release(&q);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passkey_prompt_is_exact_and_reads_as_text),
		cmocka_unit_test(test_passkey_answer_is_what_follows_the_question),
		cmocka_unit_test(test_passkey_depth_places_the_key),
		cmocka_unit_test(test_passkey_prompts_of_a_trial_share_their_beginning),
		cmocka_unit_test(test_passkey_prompt_does_not_depend_on_the_longest_length),
		cmocka_unit_test(test_passkey_trials_draw_anew),
		cmocka_unit_test(test_passkey_keys_are_even),
		cmocka_unit_test(test_passkey_key_is_drawn_again_when_it_stands_in_the_prose),
		cmocka_unit_test(test_passkey_decoys_stand_whole_in_the_prose),
		cmocka_unit_test(test_passkey_min_length_holds_every_key),
		cmocka_unit_test(test_passkey_refuses),
		cmocka_unit_test(test_passkey_reads_odd_prose),
		cmocka_unit_test(test_passkey_observes_what_came_back),
		cmocka_unit_test(test_passkey_survives_every_refused_allocation),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
