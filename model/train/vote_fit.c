/* vote_fit.c: on its own, since GSL's and OpenBLAS's cblas.h do not go together. */
#include <gsl/gsl_linalg.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "model/train/vote_fit.h"

#define DEPTH 12.0  /* scores of tokens out of reach below others */
#define FALL 2.5    /* by which scores fall per token at the border of what is in reach */
#define NEAR 6      /* tokens beyond the border that count as much as those in reach */
#define WEIGHT 16.0 /* of these, to 1 of those farther off */
#define RIDGE 0.3

/* Normal equations of rows (cos(freq_i (s - center)), 1): the constant is free, softmax does not see it. */
static void gather(double *x, double *b, double *row, const double *freq, size_t n, double center)
{
	size_t m = n + 1;

	for (int s = 0; s < FOT_VOTE_WINDOW; s++) {
		double off = fmax(fabs(s - center) - center, 0), want = -fmin(off * FALL, DEPTH),
		       weight = off <= NEAR ? WEIGHT : 1;

		for (size_t i = 0; i < m; i++)
			row[i] = i < n ? cos(freq[i] * (s - center)) : 1;
		for (size_t i = 0; i < m; i++) {
			b[i] += weight * row[i] * want;
			for (size_t j = 0; j < m; j++)
				x[i * m + j] += weight * row[i] * row[j];
		}
	}
	for (size_t i = 0; i < n; i++)
		x[i * m + i] += RIDGE;
}

int fot_vote_fit(double *w, const double *freq, size_t n, double center, struct fot_err *err)
{
	size_t m = n + 1;
	double *x = fot_calloc(m * m + 2 * m, sizeof *x);
	gsl_matrix_view a;
	gsl_vector_view b;

	if (!x)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for weights of %zu frequencies", n);
	gather(x, x + m * m, x + m * m + m, freq, n, center);
	a = gsl_matrix_view_array(x, m, m);
	b = gsl_vector_view_array(x + m * m, m);
	gsl_linalg_cholesky_decomp1(&a.matrix); /* positive definite by the ridge */
	gsl_linalg_cholesky_svx(&a.matrix, &b.vector);
	memcpy(w, x + m * m, n * sizeof *w);
	fot_free(x);
	return FOT_OK;
}
