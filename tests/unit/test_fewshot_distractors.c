/* tasks/fewshot.h: demonstrations of other sets between those of the task; all of it with failing memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "tests/unit/fewshot_set.h"
#include "tests/unit/scratch.h"

static struct fot_template own_words, other_words;
static struct fot_labelled *own_set, *signs, *answers;
static struct fot_fewshot_other others[2];

/* Two other sets: one with labels, of which a text is that of a test item; one with answers. */
static void make_others(void)
{
	static const char a[] =
		"{\"format\": \"fotbench-template-1\", \"demonstration\": \"{text} -> {label}\\n\"}";
	static const char b[] =
		"{\"format\": \"fotbench-template-1\", \"demonstration\": \"Q: {text} A: {label}\\n\","
		"\"separator\": \"--\\n\"}";
	struct fot_str s = FOT_STR_INIT;
	struct fot_err err = { 0 };

	own_set = make_fewshot_set(40);
	assert_int_equal(fot_template_parse(&own_words, a, strlen(a), "a", &err), FOT_OK);
	assert_int_equal(fot_template_parse(&other_words, b, strlen(b), "b", &err), FOT_OK);
	for (int i = 0; i < 9; i++)
		fot_str_printf(&s, "{\"split\": \"train\", \"label\": \"%s\", \"text\": \"sum%d\"}\n",
			       i % 2 ? "odd" : "even", i);
	fot_str_puts(&s, "{\"split\": \"train\", \"label\": \"odd\", \"text\": \"Given away!\"}\n"
			 "{\"split\": \"test\", \"label\": \"odd\", \"text\": \"a test item\"}\n");
	scratch_write("signs.jsonl", s.data, s.len);
	fot_str_clear(&s);
	for (int i = 0; i < 7; i++)
		fot_str_printf(&s,
			       "{\"split\": \"%s\", \"answers\": [\"yes\", \"no\"], \"text\": \"ask%d\"}\n",
			       i ? "train" : "test", i);
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
	struct fot_fewshot_opts o = fewshot_opts(shots);

	o.other = others;
	o.n_others = 2;
	return open_fewshot(own_set, fewshot_bytes, &o);
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

	assert_int_equal(fot_tokenizer_decode(fewshot_bytes, &text, d->ids.id + d->end[0],
					      d->end[n] - d->end[0], NULL),
			 FOT_OK);
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
				assert_int_equal(read_pieces(kind, (size_t[16]){ 0 }, &d, k + 1),
						 (k + 1) * (r + 1));
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
	assert_in_range(by_set[0], 320, 400);      /* of 720, sets being equally likely: sd 13 */
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
	struct fot_fewshot_opts o = fewshot_opts(3);
	struct fot_fewshot *f = NULL;
	struct fot_fewshot_demos d;
	struct fot_err err = { 0 };

	(void)state;
	make_others();
	o.other = &(struct fot_fewshot_other){ own_set, &own_words };
	o.n_others = 1;
	assert_int_equal(fot_fewshot_open(&f, own_set, &fewshot_words, fewshot_bytes, &o, &err),
			 FOT_ERR_USAGE);
	assert_string_equal(err.text, "set: expected another set for distractors, got the task's own");
	for (size_t i = 0; i < signs->n; i++)
		signs->item[i].split = FOT_TEST;
	o.other = others;
	assert_int_equal(fot_fewshot_open(&f, own_set, &fewshot_words, fewshot_bytes, &o, &err),
			 FOT_ERR_INPUT);
	assert_string_equal(err.text,
			    "signs: expected training items for distractors of set, there are none");
	o.n_others = 0;
	f = open_fewshot(own_set, fewshot_bytes, &o);
	assert_int_equal(fot_fewshot_demos_init(&d, f, 0, 2, &err), FOT_ERR_USAGE);
	assert_string_equal(err.text, "few-shot: 2 distractors for each demonstration, of no other set");
	fot_fewshot_close(f);
	drop_others();
}

static void test_fewshot_survives_failing_memory(void **state)
{
	struct fot_labelled *l = make_fewshot_set(12);
	struct fot_fewshot_opts o = fewshot_opts(5);
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
		status = fot_fewshot_open(&f, l, &fewshot_words, fewshot_pieces, &o, &err);
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

#define WITH(f) cmocka_unit_test_setup_teardown(f, fewshot_setup, fewshot_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(test_fewshot_distractors_stand_between),
		WITH(test_fewshot_distractors_take_room),
		WITH(test_fewshot_distractors_refused),
		WITH(test_fewshot_survives_failing_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
