/* test_vote.c: a start that votes, with no step of training. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "model/session.h"
#include "model/train/vote.h"
#include "model/train/vote_fit.h"
#include "tests/unit/scratch.h"
#include "tests/unit/tiny_model.h"

#define W 64
#define V 258
#define TEMPLATE "{\"format\": \"fotbench-template-1\", \"demonstration\": \"{text}\\n={label}\\n\"}"

static const char *const text[] = { "abcabcab", "defdefde", "ghighigh", "jklmjklm", "nopqnopq" };
static const char label[] = "VWXYZ";
#define TEXTS 5

static void make_config(struct fot_config *c)
{
	tiny_config(c, W, 1, false, false);
	c->vocab_size = V;
	c->hidden_size = 192;
	c->intermediate_size = 80;
	c->n_layers = 3;
	c->n_heads = 3;
	c->head_dim = 64;
	c->rope_theta = 2000;
	c->mem_layers[0] = 2;
	c->tie_embeddings = true;
	c->bos_id = 256;
	c->eos_id = 257;

	c->tokenizer = FOT_TOKENIZER_BYTE;
}

/* Weights of another shape, whose embeddings are taken, in the test's folder. */
static void write_donor(int32_t vocab)
{
	struct fot_config c;
	struct fot_params p;

	make_config(&c);
	c.vocab_size = vocab;
	c.hidden_size = 66;
	c.head_dim = 22;
	fot_model_close(tiny_model(&p, &c, scratch_path(""), FOT_F32));
	fot_params_release(&p);
}

static int begin(struct fot_params *p, struct fot_err *err)
{
	struct fot_config c;
	struct fot_tokenizer *tok;
	struct fot_template t;
	int status;

	make_config(&c);
	assert_int_equal(fot_params_init(p, &c, NULL), FOT_OK);
	fot_params_random(p, 3, 0.01, 0);
	assert_int_equal(fot_tokenizer_open_byte(&tok, NULL), FOT_OK);
	assert_int_equal(fot_template_parse(&t, TEMPLATE, strlen(TEMPLATE), "t", NULL), FOT_OK);
	status = fot_vote_start(p, scratch_path(""), tok, &t, err);
	fot_template_release(&t);
	fot_tokenizer_close(tok);
	return status;
}

/* Demonstrations of every text, `rounds` times in different orders, and then text q. */
static size_t write_prompt(int32_t *ids, int rounds, int q)
{
	size_t n = 0;

	ids[n++] = 256;
	for (int r = 0; r < rounds; r++)
		for (int i = 0; i < TEXTS; i++) {
			int k = (i * 2 + r) % TEXTS;

			for (const char *p = text[k]; *p; p++)
				ids[n++] = *p;
			ids[n++] = '\n';
			ids[n++] = '=';
			ids[n++] = label[k];
			ids[n++] = '\n';
		}
	for (const char *p = text[q] + 1; *p; p++) /* a letter less, and other ones at the ends */
		ids[n++] = *p;
	ids[n++] = '\n';
	ids[n++] = '=';
	return n;
}

static char answer(struct fot_session *s, int rounds, int q)
{
	int32_t ids[1024];
	float logits[V];
	size_t n = write_prompt(ids, rounds, q);
	struct fot_want want = { .logits = logits, .logits_from = (int64_t)n - 1 };
	char best = label[0];

	fot_session_reset(s);
	assert_int_equal(fot_session_feed(s, ids, n, &want, NULL), FOT_OK);
	for (int i = 1; i < TEXTS; i++)
		best = logits[(int)label[i]] > logits[(int)best] ? label[i] : best;
	return best;
}

/* One round lies in the window with the question or just before it, seven are eight windows of memory. */
static void test_vote_names_the_label_of_the_likest_text(void **state)
{
	struct fot_params p;
	struct fot_session_opts o;
	struct fot_session *s;
	struct fot_model *m;
	struct fot_err err = { 0 };
	int right = 0;

	(void)state;
	write_donor(V);
	assert_int_equal(begin(&p, &err), FOT_OK);
	assert_int_equal(fot_params_write(&p, p.w, FOT_F32, scratch_path("model.safetensors"), NULL), FOT_OK);
	{
		struct fot_str json = FOT_STR_INIT;

		assert_int_equal(fot_config_print(&json, &p.config, NULL), FOT_OK);
		scratch_puts("config.json", json.data);
		fot_str_release(&json);
	}
	assert_int_equal(fot_model_open(&m, scratch_path(""), &err), FOT_OK);
	fot_session_opts_default(&o, m);
	o.mode = FOT_MEMORY_DENSE;
	o.mem_max = 1024;
	assert_int_equal(fot_session_open(&s, m, &o, NULL), FOT_OK);
	for (int rounds = 1; rounds <= 7; rounds += 6)
		for (int q = 0; q < TEXTS; q++)
			right += answer(s, rounds, q) == label[q];
	assert_int_equal(right, 2 * TEXTS);
	fot_session_close(s);
	fot_model_close(m);
	fot_params_release(&p);
}

static void test_vote_wants_embeddings_of_its_vocabulary(void **state)
{
	struct fot_params p;
	struct fot_err err = { 0 };

	(void)state;
	write_donor(V + 1);
	assert_fails(begin(&p, &err), FOT_ERR_INPUT, &err,
		     "model.embed_tokens.weight: expected 258 rows of at least 63 numbers");
	fot_params_release(&p);
}

/* All that the form needs is held; attention of the layer that takes means is not, nor the memory layer. */
static void test_vote_hold(void **state)
{
	struct fot_params p;
	struct fot_config c;
	fot_real *grad;

	(void)state;
	make_config(&c);
	assert_int_equal(fot_params_init(&p, &c, NULL), FOT_OK);
	grad = fot_alloc((size_t)p.n, sizeof *grad);
	assert_non_null(grad);
	for (int64_t i = 0; i < p.n; i++)
		grad[i] = 1;
	fot_vote_hold(&p, grad);
	for (size_t i = 0; i < p.n_tensors; i++) {
		const struct fot_tensor_spec *s = &p.spec[i];
		bool free = s->layer == 2 || s->role == FOT_ROLE_NORM ||
			    (s->layer == 1 && (s->role == FOT_ROLE_Q || s->role == FOT_ROLE_K));

		assert_true(grad[p.offset[i]] == (free ? 1 : 0));
		assert_true(grad[p.offset[i] + s->rows - 1] == (free ? 1 : 0));
	}
	fot_free(grad);
	fot_params_release(&p);
}

static void test_vote_fit_reaches_so_far(void **state)
{
	double freq[31], w[31], near = 0, far = -1e9;

	(void)state;
	for (int i = 0; i < 31; i++)
		freq[i] = pow(2000, -i / 32.0);
	assert_int_equal(fot_vote_fit(w, freq, 31, 8, NULL), FOT_OK);
	for (int s = 0; s < 256; s++) {
		double sum = 0, top = 0;

		for (int i = 0; i < 31; i++) {
			sum += w[i] * cos(freq[i] * (s - 8));
			top += w[i];
		}
		if (s > 1 && s < 15)
			near = fmin(near, sum - top);
		if (s > 24)
			far = fmax(far, sum - top);
	}
	assert_true(near > -1.2);
	assert_true(far < -7);
}

static void test_vote_possible(void **state)
{
	struct fot_config good, c;

	(void)state;
	make_config(&good);
	assert_true(fot_vote_possible(&good));
#define BUT(change) (c = good, c.change, fot_vote_possible(&c))
	assert_false(BUT(n_mem_layers = 0));
	assert_false(BUT(mem_layers[0] = 1));
	assert_false(BUT(mem_positionals = true));
	assert_false(BUT(mix = FOT_MIX_GATE));
	assert_false(BUT(tie_embeddings = false));
	assert_false(BUT(intermediate_size = 70));
	assert_false(BUT(window = 257));
	assert_false(BUT(rope_theta = 100)); /* its slowest pair turns by three radians in 256 tokens */
#undef BUT
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_vote_names_the_label_of_the_likest_text, scratch_make,
						scratch_remove),
		cmocka_unit_test_setup_teardown(test_vote_wants_embeddings_of_its_vocabulary, scratch_make,
						scratch_remove),
		cmocka_unit_test(test_vote_hold),
		cmocka_unit_test(test_vote_fit_reaches_so_far),
		cmocka_unit_test(test_vote_possible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
