/* linear.c: in tiles of outputs, so that what is widened stays in the cache. */
#include "model/linear.h"

#include "model/dtype.h"
#include "model/matmul.h"

struct fot_linear fot_linear_of(const struct fot_tensor *t)
{
	return (struct fot_linear){ .w = t->data, .dtype = t->dtype, .out = t->shape[0], .in = t->shape[1] };
}

static int in_place(const struct fot_linear *l)
{
	return l->dtype == FOT_F32 && (uintptr_t)l->w % _Alignof(float) == 0;
}

int64_t fot_linear_packed(const struct fot_config *c, bool transposed)
{
	int64_t D = c->hidden_size, F = c->intermediate_size, q = fot_config_query_width(c),
		k = fot_config_key_width(c), layers = c->n_layers;
	const int64_t matrix[][3] = { { q, D, layers },     { k, D, 2 * layers }, { D, q, layers },
				      { F, D, 2 * layers }, { D, F, layers },     { c->vocab_size, D, 1 } };
	int64_t sum = 0;

	for (size_t i = 0; i < sizeof matrix / sizeof *matrix; i++)
		sum += matrix[i][2] * (int64_t)fot_bf16_packed(matrix[i][transposed], matrix[i][!transposed]);
	return sum;
}

int64_t fot_linear_scratch(int64_t rows, int64_t in, bool in_place, bool bf16)
{
	return bf16 ? rows * fot_bf16_pairs(in) :
		      fot_matmul_scratch(rows, in) + (in_place ? 0 : FOT_LINEAR_COLS * in);
}

static void forward_f32(float *y, const float *x, int64_t rows, const struct fot_linear *l, float beta,
			float *scratch)
{
	size_t size = fot_dtype_size(l->dtype);
	float *widened = scratch + fot_matmul_scratch(rows, l->in);
	struct fot_matmul_rows r = fot_matmul_begin(x, rows, l->in, scratch);

	for (int64_t c = 0; c < l->out; c += FOT_LINEAR_COLS) {
		int64_t n = l->out - c < FOT_LINEAR_COLS ? l->out - c : FOT_LINEAR_COLS;
		const unsigned char *from = (const unsigned char *)l->w + size * (size_t)(c * l->in);
		const float *w = widened;

		if (in_place(l))
			w = (const float *)l->w + c * l->in;
		else
			fot_widen(widened, from, l->dtype, (size_t)(n * l->in));
		fot_matmul(y + c, l->out, &r, w, n, beta);
	}
}

static void forward_bf16(float *y, const float *x, int64_t rows, const struct fot_linear *l, float beta,
			 uint32_t *scratch)
{
	fot_bf16_round(scratch, x, rows, l->in);
	fot_bf16_product(l->kernel, y, l->out, scratch, l->packed, rows, l->out, l->in, beta);
}

void fot_linear_forward(float *y, const float *x, int64_t rows, const struct fot_linear *l, float beta,
			void *scratch)
{
	if (l->packed)
		forward_bf16(y, x, rows, l, beta, scratch);
	else
		forward_f32(y, x, rows, l, beta, scratch);
	for (int64_t r = 0; r < rows && l->bias; r++)
#pragma omp simd
		for (int64_t c = 0; c < l->out; c++)
			y[r * l->out + c] += l->bias[c];
}
