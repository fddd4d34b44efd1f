/* tasks/fewshot_baselines.h: the vote against plain loops, ties, guesses. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "tasks/fewshot_baselines.h"
#include "tests/unit/scratch.h"

static struct fot_tokenizer *tok;
static struct fot_template t;

static int setup(void **state)
{
	static const char text[] =
		"{\"format\": \"fotbench-template-1\", \"demonstration\": \"Text: {text}\\nKind: {label}\\n\"}";

	if (scratch_make(state) || fot_tokenizer_open_byte(&tok, NULL) != FOT_OK ||
	    fot_template_parse(&t, text, strlen(text), "t", NULL) != FOT_OK)
		return -1;
	return 0;
}

static int teardown(void **state)
{
	fot_template_release(&t);
	fot_tokenizer_close(tok);
	return scratch_remove(state);
}

struct given {
	struct fot_labelled *set;
	struct fot_fewshot *f;
	struct fot_fewshot_baselines *b;
};

static struct given open_given(const char *jsonl, size_t n)
{
	struct fot_fewshot_opts o = { .window = 500, .context_max = 100000, .fill = true, .seed = 3 };
	struct given g = { 0 };
	struct fot_err err = { 0 };

	scratch_write("set.jsonl", jsonl, n);
	if (fot_labelled_open(&g.set, scratch_path("set.jsonl"), NULL, &err) != FOT_OK ||
	    fot_fewshot_open(&g.f, g.set, &t, tok, &o, &err) != FOT_OK ||
	    fot_fewshot_baselines_open(&g.b, g.f, &err) != FOT_OK)
		fail_msg("%s", err.text);
	return g;
}

static void close_given(struct given *g)
{
	fot_fewshot_baselines_close(g->b);
	fot_fewshot_close(g->f);
	fot_labelled_close(g->set);
}

/* Few different words, so that texts share some, repeat some and tie. */
static struct given random_given(int n_train, int n_test)
{
	struct fot_str s = FOT_STR_INIT;
	struct fot_rng rng;
	struct given g;

	fot_rng_init(&rng, 11, "test", 0);
	for (int i = 0; i < n_train + n_test; i++) {
		fot_str_printf(&s, "{\"split\": \"%s\", \"label\": \"%c\", \"text\": \"",
			       i < n_train ? "train" : "test",
			       "ABCDA"[i < n_train ? fot_rng_below(&rng, 5) : (uint64_t)i % 5]);
		for (int k = (int)fot_rng_below(&rng, 7); k >= 0; k--)
			fot_str_printf(&s, "%c%c%s", "wW"[fot_rng_below(&rng, 2)],
				       (int)('a' + fot_rng_below(&rng, 12)), k % 2 ? "... " : ", ");
		fot_str_printf(&s, "(no%d)\"}\n", i);
	}
	g = open_given(s.data, s.len);
	fot_str_release(&s);
	return g;
}

static struct fot_fewshot_demos demos_of(const struct given *g, uint64_t seed)
{
	struct fot_fewshot_demos d;
	struct fot_err err = { 0 };

	if (fot_fewshot_demos_init(&d, g->f, seed, 0, &err) != FOT_OK)
		fail_msg("%s", err.text);
	return d;
}

static void answer(int32_t *label, const struct given *g, enum fot_fewshot_baseline which, size_t fitted)
{
	struct fot_err err = { 0 };

	if (fot_fewshot_baselines_answer(label, g->b, which, fitted, &err) != FOT_OK)
		fail_msg("%s", err.text);
}

/* --- plain loops --- */

#define MOST_WORDS 64

/* Words by strtok of every sign that is no letter or digit, in lower case. */
static size_t plain_words(char *text, char **word)
{
	size_t n = 0;

	for (char *c = text; *c; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
	for (char *w = strtok(text, " .,()"); w; w = strtok(NULL, " .,()"))
		word[n++] = w;
	return n;
}

/* sum_w a_w b_w, by all pairs. */
static double plain_dot(char **a, size_t n, char **b, size_t m)
{
	double dot = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < m; k++)
			dot += strcmp(a[i], b[k]) == 0;
	return dot;
}

static int64_t plain_vote(const char *question, const char *demo)
{
	char q[600], d[600], *qw[MOST_WORDS], *dw[MOST_WORDS];
	size_t n, m;

	snprintf(q, sizeof q, "%s", question);
	snprintf(d, sizeof d, "%s", demo);
	n = plain_words(q, qw);
	m = plain_words(d, dw);
	return llround(1048576.0 * exp(10.0 * plain_dot(qw, n, dw, m) /
				       sqrt(plain_dot(qw, n, qw, n) * plain_dot(dw, m, dw, m))));
}

static int32_t plain_answer(const struct given *g, const struct fot_fewshot_demos *d, size_t item,
			    size_t fitted)
{
	int64_t votes[8] = { 0 };
	int32_t best = 0;

	for (size_t k = fitted; k-- > 0;) /* backwards: the sums are the same */
		votes[g->set->item[d->item[k]].label] +=
			plain_vote(fot_fewshot_item(g->f, item)->text, g->set->item[d->item[k]].text);
	for (int32_t k = 1; k < (int32_t)g->set->n_labels; k++)
		best = votes[k] > votes[best] ? k : best;
	return best;
}

static void test_fewshot_baselines_bow_is_the_plain_vote(void **state)
{
	static const size_t counts[] = { 0, 1, 2, 5, 40, 150, 7 }; /* the last one: back again */
	struct given g = random_given(150, 40);
	int32_t label[64];
	size_t seen[8] = { 0 };

	(void)state;
	for (uint64_t seed = 0; seed < 3; seed++) {
		struct fot_fewshot_demos d = demos_of(&g, seed);

		fot_fewshot_baselines_begin(g.b, &d);
		for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
			answer(label, &g, FOT_FEWSHOT_BOW, counts[c]);
			for (size_t i = 0; i < fot_fewshot_n_items(g.f); i++) {
				assert_int_equal(label[i], plain_answer(&g, &d, i, counts[c]));
				seen[label[i]]++;
			}
		}
		fot_fewshot_demos_release(&d);
	}
	for (size_t k = 0; k < 4; k++)
		assert_true(seen[k] > 20);
	close_given(&g);
}

/* cos is 1 with the very words and 1/2 with one of two: exp(10) = 22026 votes against exp(5) = 148.4 each, so
 * 148 of these lose and 149 win.  Where nothing is known each demonstration has one vote. */
static void test_fewshot_baselines_bow_counts_votes(void **state)
{
	static const char head[] = "{\"split\": \"test\", \"label\": \"A\", \"text\": \"X, y!\"}\n"
				   "{\"split\": \"test\", \"label\": \"B\", \"text\": \"nothing known\"}\n"
				   "{\"split\": \"train\", \"label\": \"B\", \"text\": \"x y.\"}\n"
				   "{\"split\": \"train\", \"label\": \"A\", \"text\": \"far off\"}\n";
	int32_t label[2];

	(void)state;
	for (int n = 148; n <= 149; n++) {
		struct fot_str s = FOT_STR_INIT;
		struct fot_fewshot_demos d;
		struct given g;

		fot_str_puts(&s, head);
		for (int i = 0; i < n; i++)
			fot_str_printf(&s, "{\"split\": \"train\", \"label\": \"C\", \"text\": \"x z%d\"}\n",
				       i);
		g = open_given(s.data, s.len);
		d = demos_of(&g, 0);
		fot_fewshot_baselines_begin(g.b, &d);
		assert_int_equal(d.n, n + 2);
		answer(label, &g, FOT_FEWSHOT_BOW, d.n);
		assert_int_equal(label[0], n == 148 ? 1 : 2);
		assert_int_equal(label[1], 2);
		answer(label, &g, FOT_FEWSHOT_BOW, 0);
		assert_int_equal(label[0], 0);
		fot_fewshot_demos_release(&d);
		close_given(&g);
		fot_str_release(&s);
	}
}

static void test_fewshot_baselines_chance_guesses_each_label_once(void **state)
{
	struct given g = random_given(20, 40);
	int32_t label[64];
	size_t seen[64][4] = { { 0 } }, first[4] = { 0 };

	(void)state;
	for (uint64_t seed = 0; seed < 4; seed++) {
		struct fot_fewshot_demos d = demos_of(&g, seed);

		fot_fewshot_baselines_begin(g.b, &d);
		answer(label, &g, FOT_FEWSHOT_CHANCE, 3);
		for (size_t i = 0; i < 40; i++) {
			seen[i][label[i]]++;
			first[label[i]] += seed == 0;
		}
		fot_fewshot_demos_release(&d);
	}
	for (size_t i = 0; i < 40; i++)
		for (size_t k = 0; k < 4; k++)
			assert_int_equal(seen[i][k], 1);
	for (size_t k = 0; k < 4; k++)
		assert_in_range(first[k], 3, 20);
	close_given(&g);
}

static void test_fewshot_baselines_commonest_is_of_the_questions(void **state)
{
	struct given g = random_given(20, 40);
	struct fot_fewshot_demos d = demos_of(&g, 0);
	int32_t label[64];
	double chance, majority, right = 0;

	(void)state;
	fot_fewshot_baselines_begin(g.b, &d);
	answer(label, &g, FOT_FEWSHOT_COMMONEST, 0);
	for (size_t i = 0; i < 40; i++) {
		assert_int_equal(label[i], 0); /* ABCDA: two fifths are A */
		right += label[i] == fot_fewshot_item(g.f, i)->label;
	}
	assert_true(fot_fewshot_levels(g.f, &chance, &majority));
	assert_float_equal(right / 40, majority, 1e-12);
	fot_fewshot_demos_release(&d);
	close_given(&g);
}

static void test_fewshot_baselines_survive_failing_memory(void **state)
{
	struct given g = random_given(20, 10);
	struct fot_fewshot_demos d = demos_of(&g, 0);
	int32_t label[16];
	int failed = 0;

	(void)state;
	for (long n = 1; n < 200; n++) {
		struct fot_fewshot_baselines *b = NULL;
		struct fot_err err = { 0 };
		int status;

		fot_mem_fail_at(n);
		status = fot_fewshot_baselines_open(&b, g.f, &err);
		if (status == FOT_OK) {
			fot_fewshot_baselines_begin(b, &d);
			status = fot_fewshot_baselines_answer(label, b, FOT_FEWSHOT_BOW, d.n, &err);
		}
		fot_mem_fail_at(0);
		fot_fewshot_baselines_close(b);
		if (status == FOT_OK)
			break;
		assert_int_equal(status, FOT_ERR_RUN);
		assert_non_null(strstr(err.text, "out of memory"));
		failed++;
	}
	assert_in_range(failed, 6, 198);
	fot_fewshot_demos_release(&d);
	close_given(&g);
}

#define WITH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(test_fewshot_baselines_bow_is_the_plain_vote),
		WITH(test_fewshot_baselines_bow_counts_votes),
		WITH(test_fewshot_baselines_chance_guesses_each_label_once),
		WITH(test_fewshot_baselines_commonest_is_of_the_questions),
		WITH(test_fewshot_baselines_survive_failing_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
