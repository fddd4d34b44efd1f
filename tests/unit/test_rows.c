/* test_rows.c: LongLLaMA's rows: packing and masks, who sees whom, cross-batch attention.
 *
 * FOTBENCH_SHARED names the folder that holds reference/crossbatch_cases, recorded outputs of
 * the released training code; without it those tests are skipped, the others need nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "model/ops.h"
#include "model/safetensors.h"
#include "model/train/network_priv.h"
#include "model/train/rows.h"
#include "tests/unit/scratch.h"

static const char *shared_path(const char *name)
{
	static char path[4096];
	const char *folder = getenv("FOTBENCH_SHARED");

	snprintf(path, sizeof(path), "%s/reference/crossbatch_cases/%s", folder ? folder : "../shared", name);
	return path;
}

/* ---- who sees whom --------------------------------------------------- */

static void test_rows_seen(void **state)
{
	static const struct {
		int64_t pack, range, n;
		bool stepping;
		int64_t seen[9];
	} cases[] = {
		{ 4, 6, 8, true, { 0, 1, 2, 3, 0, 3, 6, 6 } },
		{ 2, 2, 4, true, { 0, 1, 0, 2 } },
		{ 3, 5, 9, true, { 0, 1, 2, 0, 3, 5, 0, 3, 5 } },
		{ 3, 2, 6, false, { 0, 1, 2, 2, 2, 2 } },
		{ 1, 3, 5, true, { 0, 1, 2, 3, 3 } },
		{ 4, 0, 4, true, { 0, 0, 0, 0 } },
	};

	(void)state;
	for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
		for (int64_t i = 0; i < cases[c].n; i++)
			assert_int_equal(fot_rows_seen(i, cases[c].pack, cases[c].range, cases[c].stepping),
					 cases[c].seen[i]);
}

/* ---- streams --------------------------------------------------------- */

struct listed {
	const int32_t *doc[4];
	int64_t n[4];
	size_t count, at;
};

static void next_listed(void *user, const int32_t **tokens, int64_t *n)
{
	struct listed *l = user;

	*tokens = l->doc[l->at % l->count];
	*n = l->n[l->at++ % l->count];
}

static void test_rows_streams(void **state)
{
	static const int32_t a[] = { 1, 10, 11 }, b[] = { 1, 20, 21, 22, 23, 24, 25 }, c[] = { 1 },
			     d[] = { 1, 40, 41, 42, 43 };
	static const int32_t tokens[3][6] = { { 1, 10, 11, 1, 20, 21 }, { 2, 1, 2, 22, 23, 24 }, { 1, 40, 41, 25, 2, 1 } };
	static const int32_t targets[3][6] = { { 10, 11, 2, 20, 21, 22 }, { -1, 2, -1, 23, 24, 25 }, { 40, 41, 42, 2, -1, 10 } };
	int32_t got[6], next[6];

	(void)state;
	for (int skip = 0; skip < 3; skip++) { /* steps that are only gone through */
		struct listed l = { { a, b, c, d }, { 3, 7, 1, 5 }, 4, 0 };
		struct fot_row_stream stream[2] = { { 0 }, { 0 } };
		struct fot_row_streams s = { stream, 2, 3, 1, 2, next_listed, &l };

		for (int step = 0; step < 3; step++) {
			fot_row_streams_step(&s, step < skip ? NULL : got, next);
			if (step < skip)
				continue;
			assert_memory_equal(got, tokens[step], sizeof got);
			assert_memory_equal(next, targets[step], sizeof next);
		}
	}
}

static void test_rows_streams_without_marks(void **state)
{
	static const int32_t a[] = { 1, 10 }, b[] = { 20, 1, 22 };
	static const int32_t tokens[] = { 1, 10, 20, 1, 22 }, targets[] = { 10, 20, 1, 22, 1 };
	struct listed l = { { a, b }, { 2, 3 }, 2, 0 };
	struct fot_row_stream stream = { 0 };
	struct fot_row_streams s = { &stream, 1, 5, -1, -1, next_listed, &l };
	int32_t got[5], next[5];

	(void)state;
	for (int step = 0; step < 2; step++) { /* as long as both documents: every step is the same */
		fot_row_streams_step(&s, got, next);
		assert_memory_equal(got, tokens, sizeof got);
		assert_memory_equal(next, targets, sizeof next);
	}
}

/* The recorded pipelines' source: document i has L[i % 15] tokens, BOS 1 and EOS 2 included. */
static void next_recorded(void *user, const int32_t **tokens, int64_t *n)
{
	static const int L[] = { 5, 40, 13, 7, 70, 9, 3, 22, 31, 50, 8, 64, 11, 2, 90 };
	static int32_t made[16][100]; /* more documents than streams hold at once */
	int *i = user;
	int32_t *t = made[*i % 16];

	*n = L[*i % 15] - 1;
	t[0] = 1;
	for (int j = 0; j < *n - 1; j++)
		t[j + 1] = 100 * (*i + 1) + j;
	*tokens = t;
	(*i)++;
}

static double cell(const cJSON *batch, const char *key, int64_t row, int64_t at)
{
	const cJSON *rows = cJSON_GetObjectItemCaseSensitive(batch, key);

	return cJSON_GetArrayItem(cJSON_GetArrayItem(rows, (int)row), (int)at)->valuedouble;
}

static void check_pipeline(const char *name, const cJSON *pipeline)
{
	int64_t B = (int64_t)cJSON_GetObjectItemCaseSensitive(pipeline, "batch_size")->valuedouble;
	int64_t S = (int64_t)cJSON_GetObjectItemCaseSensitive(pipeline, "seq_len")->valuedouble;
	int64_t pack = strcmp(name, "linear") == 0 ? B : strncmp(name, "doc_aware_k", 11) == 0 ? atoi(name + 11) : 1;
	struct fot_row_stream stream[16] = { { 0 } };
	int document = 0;
	struct fot_row_streams s = { stream, B / pack, pack * S, 1, 2, next_recorded, &document };
	int32_t tokens[256], targets[256];
	const cJSON *batch;

	assert_true(B * S <= 256 && B / pack <= 15);
	cJSON_ArrayForEach(batch, cJSON_GetObjectItemCaseSensitive(pipeline, "batches"))
	{
		fot_row_streams_step(&s, tokens, targets);
		for (int64_t r = 0; r < B; r++)
			for (int64_t i = 0; i < S; i++) {
				bool counts = cell(batch, "loss_masks", r, i) > 0;

				assert_int_equal(tokens[r * S + i], (int)cell(batch, "input_tokens", r, i));
				assert_int_equal(targets[r * S + i], counts ? (int)cell(batch, "target_tokens", r, i) : -1);
			}
	}
}

static void test_rows_recorded_pipelines(void **state)
{
	struct fot_str text = FOT_STR_INIT;
	cJSON *root = NULL;
	const cJSON *one;
	int n = 0;

	(void)state;
	if (!fot_file_exists(shared_path("data_pipeline.json")))
		skip();
	assert_int_equal(fot_file_read(&text, shared_path("data_pipeline.json"), 1 << 24, NULL), FOT_OK);
	root = cJSON_ParseWithLength(text.data, text.len);
	cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(root, "pipelines"))
	{
		check_pipeline(one->string, one);
		n++;
	}
	assert_int_equal(n, 5);
	cJSON_Delete(root);
	fot_str_release(&text);
}

/* ---- attention ------------------------------------------------------- */

struct heads {
	int64_t B, S, H, d;
	struct fot_stage stage;
	double theta;
};

/* Plain loops after the released code: rotary on the adjacent pairs (2i, 2i + 1), other rows' keys as they
 * come. q, k, v, out [B, S, H, d]. */
static double rotated(const float *x, int64_t c, int64_t pos, const struct heads *p)
{
	double a = (double)pos / pow(p->theta, (double)(c / 2 * 2) / (double)p->d);

	return c % 2 ? (double)x[c] * cos(a) + (double)x[c - 1] * sin(a) : (double)x[c] * cos(a) - (double)x[c + 1] * sin(a);
}

static double score(const float *q, int64_t at, const float *k, int64_t k_at, const struct heads *p)
{
	double s = 0;

	for (int64_t c = 0; c < p->d; c++)
		s += rotated(q, c, at, p) * rotated(k, c, k_at, p);
	return s / sqrt((double)p->d);
}

static void attend_slowly(const struct heads *p, const float *q, const float *k, const float *v, int64_t row, int64_t at,
			  int64_t h, double *out)
{
	int64_t seen = fot_rows_seen(row, p->stage.pack, p->stage.range, p->stage.stepping);
	const float *mine = q + ((row * p->S + at) * p->H + h) * p->d;
	double sum = 0;

	memset(out, 0, sizeof *out * (size_t)p->d);
	for (int64_t j = 0; j <= seen; j++)
		for (int64_t i = 0; i < (j ? p->S : at + 1); i++) {
			int64_t from = (((row - j) * p->S + i) * p->H + h) * p->d;
			double e = exp(score(mine, at, k + from, j ? 0 : i, p));

			sum += e;
			for (int64_t c = 0; c < p->d; c++)
				out[c] += e * (double)v[from + c];
		}
	for (int64_t c = 0; c < p->d; c++)
		out[c] /= sum;
}

/* Columns of a head from adjacent pairs to halves: j from 2j, d/2 + j from 2j + 1. */
static void to_halves(float *to, const float *from, int64_t rows, int64_t d)
{
	for (int64_t r = 0; r < rows; r++)
		for (int64_t c = 0; c < d; c++)
			to[r * d + c % 2 * (d / 2) + c / 2] = from[r * d + c];
}

/* The network's attention over these queries, keys and values; out [B, S, H, d]. */
static void attend(const struct heads *p, const float *q, const float *k, const float *v, float *out)
{
	struct fot_config c;
	struct fot_params params;
	struct fot_net_size size;
	struct fot_net *net = NULL;
	struct fot_batch b;
	int64_t n = p->B * p->S, D = p->H * p->d;
	struct layer_cache *a;

	fot_config_default(&c);
	c.vocab_size = c.intermediate_size = 8;
	c.hidden_size = (int32_t)D;
	c.n_layers = c.n_mem_layers = 1;
	c.n_heads = (int32_t)p->H;
	c.head_dim = (int32_t)p->d;
	c.rope_theta = p->theta;
	assert_int_equal(fot_params_init(&params, &c, NULL), FOT_OK);
	fot_net_size_of(&size, &p->stage, 1, 1);
	assert_int_equal(fot_net_open(&net, &params, &size, NULL), FOT_OK);
	assert_int_equal(fot_batch_init(&b, &p->stage, 1, NULL), FOT_OK);
	fot_batch_link(&b, &p->stage);
	a = &net->layer[0];
	to_halves(a->q, q, n * p->H, p->d);
	to_halves(a->k, k, n * p->H, p->d);
	to_halves(a->k_ctx, k, n * p->H, p->d);
	memcpy(a->v, v, sizeof *v * (size_t)(n * D));
	for (int64_t w = 0; w < p->B; w++) {
		fot_rope_apply(a->q + w * p->S * D, p->S, p->H, p->d, net->rope_cos, net->rope_sin, 0, 1);
		fot_rope_apply(a->k + w * p->S * D, p->S, p->H, p->d, net->rope_cos, net->rope_sin, 0, 1);
	}
	for (int64_t w = 0; w < p->B; w++)
		block_attend(net, &b, 0, w, &net->scratch[0]);
	memcpy(out, a->o, sizeof *out * (size_t)(n * D));
	fot_batch_release(&b);
	fot_net_close(net);
	fot_params_release(&params);
}

#define MOST 4096

static void test_rows_attention(void **state)
{
	static const struct heads cases[] = {
		{ 8, 6, 2, 8, { .method = FOT_METHOD_LONGLLAMA, .batch = 8, .window = 6, .w = 1, .d = 1, .pack = 4,
				.range = 6, .stepping = true }, 100 },
		{ 6, 5, 3, 6, { .method = FOT_METHOD_LONGLLAMA, .batch = 6, .window = 5, .w = 1, .d = 1, .pack = 2,
				.range = 3, .stepping = false }, 10000 },
		{ 2, 140, 1, 4, { .method = FOT_METHOD_LONGLLAMA, .batch = 2, .window = 140, .w = 1, .d = 1, .pack = 2,
				  .range = 1, .stepping = true }, 10000 },
	};
	float q[MOST], k[MOST], v[MOST], got[MOST];
	double want[16];

	(void)state;
	for (size_t x = 0; x < sizeof cases / sizeof *cases; x++) {
		const struct heads *p = &cases[x];
		int64_t n = p->B * p->S * p->H * p->d;
		struct fot_rng r;

		assert_true(n <= MOST);
		fot_rng_init(&r, 5, "test.attention", x);
		for (int64_t i = 0; i < n; i++) {
			q[i] = (float)(2 * fot_rng_normal(&r));
			k[i] = (float)fot_rng_normal(&r);
			v[i] = (float)fot_rng_normal(&r);
		}
		attend(p, q, k, v, got);
		for (int64_t i = 0; i < n; i += p->d) {
			attend_slowly(p, q, k, v, i / (p->S * p->H * p->d), i / (p->H * p->d) % p->S, i / p->d % p->H, want);
			for (int64_t c = 0; c < p->d; c++) /* single precision */
				assert_true(fabs((double)got[i + c] - want[c]) < 1e-5);
		}
	}
}

static const float *tensor(const struct fot_safetensors *t, const char *name, const char *part, int64_t shape[4])
{
	char full[128];
	const struct fot_tensor *x;

	snprintf(full, sizeof full, "%s.%s", name, part);
	x = fot_safetensors_find(t, full);
	assert_non_null(x);
	assert_true(x->dtype == FOT_F32 && x->rank == 4 && x->n <= MOST);
	memcpy(shape, x->shape, 4 * sizeof *shape);
	return x->data;
}

static void check_recorded(const struct fot_safetensors *t, const cJSON *one)
{
	int64_t shape[4], n;
	float q[MOST], k[MOST], v[MOST], got[MOST], want[MOST];
	float *to[] = { q, k, v, want };
	static const char *const part[] = { "q", "k", "v", "out" };
	struct heads p = { .theta = cJSON_GetObjectItemCaseSensitive(one, "rope_theta")->valuedouble };

	for (int i = 0; i < 4; i++) {
		const float *from = tensor(t, one->string, part[i], shape);

		n = shape[0] * shape[1] * shape[2] * shape[3];
		memcpy(to[i], from, sizeof *from * (size_t)n);
	}
	p.B = shape[0];
	p.S = shape[1];
	p.H = shape[2];
	p.d = shape[3];
	p.stage = (struct fot_stage){
		.method = FOT_METHOD_LONGLLAMA, .batch = p.B, .window = p.S, .w = 1, .d = 1,
		.pack = (int64_t)cJSON_GetObjectItemCaseSensitive(one, "dataset_packing")->valuedouble,
		.range = (int64_t)cJSON_GetObjectItemCaseSensitive(one, "cross_batch_range")->valuedouble,
		.stepping = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(one, "cross_batch_stepping")),
	};
	attend(&p, q, k, v, got);
	for (int64_t i = 0; i < n; i++) /* both in single precision; values of about 1 */
		if (!(fabsf(got[i] - want[i]) < 5e-6f))
			fail_msg("%s: number %lld: %.9g, expected %.9g", one->string, (long long)i, (double)got[i],
				 (double)want[i]);
}

static void test_rows_recorded_attention(void **state)
{
	struct fot_str text = FOT_STR_INIT;
	struct fot_safetensors *t = NULL;
	cJSON *root = NULL;
	const cJSON *one;
	int n = 0;

	(void)state;
	if (!fot_file_exists(shared_path("cross_batch.json")))
		skip();
	assert_int_equal(fot_file_read(&text, shared_path("cross_batch.json"), 1 << 24, NULL), FOT_OK);
	assert_int_equal(fot_safetensors_open(&t, shared_path("cross_batch.safetensors"), NULL), FOT_OK);
	root = cJSON_ParseWithLength(text.data, text.len);
	cJSON_ArrayForEach(one, root)
	{
		check_recorded(t, one);
		n++;
	}
	assert_int_equal(n, 5);
	cJSON_Delete(root);
	fot_safetensors_close(t);
	fot_str_release(&text);
}

/* ---- the loss --------------------------------------------------------- */

/* The mean over rows of each row's mean; a row without targets counts 0. */
static void test_rows_loss_is_a_mean_of_means(void **state)
{
	struct fot_stage st = { .method = FOT_METHOD_LONGLLAMA, .batch = 3, .window = 4, .w = 1, .d = 1, .pack = 3,
				.range = 2, .stepping = true };
	static const int32_t targets[] = { 3, -1, -1, -1, 1, 2, 5, -1, -1, -1, -1, -1 };
	struct fot_config c;
	struct fot_params params;
	struct fot_net_size size;
	struct fot_net *net = NULL;
	struct fot_batch b;
	double loss, nll[12];

	(void)state;
	fot_config_default(&c);
	c.vocab_size = c.intermediate_size = c.hidden_size = 8;
	c.n_heads = 2;
	c.head_dim = 4;
	c.n_layers = 2;
	c.n_mem_layers = 1;
	assert_int_equal(fot_params_init(&params, &c, NULL), FOT_OK);
	fot_params_random(&params, 3, 1, 1);
	fot_net_size_of(&size, &st, 1, 2);
	assert_int_equal(fot_net_open(&net, &params, &size, NULL), FOT_OK);
	assert_int_equal(fot_batch_init(&b, &st, 1, NULL), FOT_OK);
	fot_batch_link(&b, &st);
	for (int i = 0; i < 12; i++)
		b.tokens[i] = i * 5 % 8;
	memcpy(b.targets, targets, sizeof targets);
	assert_int_equal(fot_net_loss(net, &b, &loss, nll, NULL), FOT_OK);
	assert_true(nll[0] > 0.1 && nll[4] > 0.1);
	assert_true(fabs(loss - (nll[0] + (nll[4] + nll[5] + nll[6]) / 3) / 3) < 1e-12);
	fot_batch_release(&b);
	fot_net_close(net);
	fot_params_release(&params);
}

/* ---- drawing from a corpus ------------------------------------------- */

static const double weight[] = { 1, 3 };

/* Two datasets: small letters, and capitals; documents of different lengths. */
static void write_documents(void)
{
	for (int set = 0; set < 2; set++) {
		assert_int_equal(fot_mkdir_all(scratch_path(set ? "b/train" : "a/train"), NULL), FOT_OK);
		for (int k = 0; k < 4; k++) {
			char name[64], text[600];
			struct fot_rng r;
			size_t n = 90 + 37 * (size_t)k + (size_t)set;

			fot_rng_init(&r, 1, "test.rows", (uint64_t)(4 * set + k));
			for (size_t i = 0; i < n; i++)
				text[i] = (char)((set ? 'A' : 'a') + fot_rng_below(&r, 26));
			snprintf(name, sizeof name, "%s/train/%d.txt", set ? "b" : "a", k);
			scratch_write(name, text, n);
		}
	}
}

static struct fot_corpus *open_corpus(void)
{
	struct fot_corpus *corpus = NULL;
	struct fot_tokenizer *t = NULL;
	struct fot_err err = { 0 };
	const char *spec[2];

	write_documents();
	spec[0] = scratch_path("a");
	spec[1] = scratch_path("b");
	assert_int_equal(fot_tokenizer_open_byte(&t, &err), FOT_OK);
	if (fot_corpus_open(&corpus, spec, 2, FOT_TRAIN, NULL, t, &err) != FOT_OK)
		fail_msg("%s", err.text);
	fot_tokenizer_close(t);
	return corpus;
}

#define STEPS 60
#define LENGTH 48

/* Which document this is, BOS included and EOS not; fails when it is none. */
static size_t document_of(const struct fot_corpus *corpus, const int32_t *tokens, int64_t n)
{
	for (size_t i = 0; i < fot_corpus_count(corpus); i++) {
		const struct fot_corpus_doc *d = fot_corpus_at(corpus, i);

		if (d->n == n && memcmp(d->tokens, tokens, sizeof *tokens * (size_t)n) == 0)
			return i;
	}
	fail_msg("%lld tokens are no document", (long long)n);
	return 0;
}

/* All documents of one long stream, whole and framed; each of a dataset comes before any comes again. */
static void check_text(const struct fot_corpus *corpus, const int32_t *text, int64_t n)
{
	int64_t given[2] = { 0 }, at = 0, end;
	int times[8] = { 0 };

	for (; at < n; at = end + 1) {
		size_t doc;

		for (end = at; end < n && text[end] != 257; end++)
			;
		if (end == n)
			break;
		doc = document_of(corpus, text + at, end - at);
		times[doc]++;
		given[doc / 4] += end - at;
		for (size_t i = doc / 4 * 4; i < doc / 4 * 4 + 4; i++)
			assert_true(times[doc] <= times[i] + 1);
	}
	assert_true(times[0] >= 1 && times[4] >= 3);
	assert_true(fabs((double)given[1] / (double)given[0] - 3) < 0.8); /* a document's length more or less */
}

static void test_rows_draw(void **state)
{
	struct fot_stage st = { .method = FOT_METHOD_LONGLLAMA, .window = LENGTH / 3, .batch = 3, .w = 1, .d = 1,
				.pack = 3, .range = 2, .stepping = true };
	int32_t text[STEPS * LENGTH], order[3][LENGTH];
	struct fot_corpus *corpus = open_corpus();
	struct fot_source src = { corpus, weight, 2, NULL, NULL, 256, 257 };
	struct fot_batch b, other;

	(void)state;
	assert_int_equal(fot_batch_init(&b, &st, 1, NULL), FOT_OK);
	assert_int_equal(fot_batch_init(&other, &st, 1, NULL), FOT_OK);
	for (uint64_t step = 0; step < STEPS; step++) {
		assert_int_equal(fot_batch_draw(&b, &src, &st, 3, "test", step, NULL), FOT_OK);
		assert_true(b.n_win == 3 && b.n_ask == 3 && b.vis_begin[3] == 3);
		memcpy(text + step * LENGTH, b.tokens, sizeof *b.tokens * LENGTH);
		/* From anywhere: backwards, forwards, anew. */
		assert_int_equal(fot_batch_draw(&other, &src, &st, 3, "test", step * 7 % STEPS, NULL), FOT_OK);
		assert_int_equal(fot_batch_draw(&other, &src, &st, 3, "test", step, NULL), FOT_OK);
		assert_memory_equal(b.tokens, other.tokens, sizeof *b.tokens * LENGTH);
		assert_memory_equal(b.targets, other.targets, sizeof *b.targets * LENGTH);
	}
	check_text(corpus, text, STEPS * LENGTH);
	for (int seed = 0; seed < 3; seed++) {
		assert_int_equal(fot_batch_draw(&b, &src, &st, (uint64_t)seed, "test", 5, NULL), FOT_OK);
		memcpy(order[seed], b.tokens, sizeof order[seed]);
	}
	assert_memory_not_equal(order[0], order[1], sizeof order[0]);
	assert_memory_not_equal(order[1], order[2], sizeof order[0]);
	fot_batch_release(&b);
	fot_batch_release(&other);
	fot_corpus_close(corpus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_seen),
		cmocka_unit_test(test_rows_streams),
		cmocka_unit_test(test_rows_streams_without_marks),
		cmocka_unit_test(test_rows_recorded_pipelines),
		cmocka_unit_test(test_rows_attention),
		cmocka_unit_test(test_rows_recorded_attention),
		cmocka_unit_test(test_rows_loss_is_a_mean_of_means),
		cmocka_unit_test_setup_teardown(test_rows_draw, scratch_make, scratch_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
