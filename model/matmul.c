/* matmul.c: see matmul.h.
 *
 * Many rows: a register holds one column of LANES rows of x (a panel: two registers), numbers of W are
 * broadcast, and the sums of W_ROWS x 2 registers are held.  The columns are taken DEPTH at a time, so that the
 * panel's part stays in the first cache; sums that are put away and taken up again lose nothing.
 *
 * Few rows: a register holds one column of LANES rows of W, turned in registers, and numbers of x are
 * broadcast. */
#include "model/matmul.h"

#include <stdbool.h>

#include "model/vectors.h"

#define PANEL (2 * LANES)
#define W_ROWS (LANES == 16 ? 8 : 6)
#define FEW (LANES == 16 ? 12 : 4) /* rows that are cheaper with W turned */
#define DEPTH 256
#define COLUMNS (LANES == 16 ? 64 : 96) /* of y, whose sums are held: LANES and W_ROWS divide it */

int64_t fot_matmul_scratch(int64_t rows, int64_t in)
{
	return (rows + PANEL - 1) / PANEL * PANEL * in + COLUMNS * PANEL;
}

/* The first n <= LANES numbers of x + beta y to y. */
INLINE void put(float *y, vec x, int64_t n, float beta)
{
	if (n >= LANES) {
		store(y, beta > 0 ? (vec)(x + load(y)) : x);
		return;
	}
	for (int64_t i = 0; i < n; i++)
		y[i] = beta > 0 ? x[i] + y[i] : x[i];
}

/* ---- many rows ------------------------------------------------------- */

static void fill_panel(float *panel, const float *x, int64_t rows, int64_t in)
{
	vec block[LANES];

	for (int64_t v = 0; v < 2; v++)
		for (int64_t c = 0; c < in && v * LANES < rows; c += LANES) {
			turned_block(block, x + v * LANES * in + c, in, rows - v * LANES, in - c);
			for (int64_t i = 0; i < LANES && c + i < in; i++)
				store(panel + (c + i) * PANEL + v * LANES, block[i]);
		}
}

struct fot_matmul_rows fot_matmul_begin(const float *x, int64_t rows, int64_t in, float *scratch)
{
	struct fot_matmul_rows r = {
		.x = x, .rows = rows, .in = in, .panels = scratch + COLUMNS * PANEL, .sums = scratch
	};

	for (int64_t i = 0; rows - i > FEW; i += PANEL)
		fill_panel(r.panels + i * in, x + i * in, rows - i < PANEL ? rows - i : PANEL, in);
	return r;
}

/* Sums of `n` rows of W and the panel over `depth` columns; on: they go on. */
INLINE void sum_rows(int n, float *sums, const float *panel, const float *w, int64_t in, int64_t depth,
		     bool on)
{
	vec sum[W_ROWS][2];

	UNROLL
	for (int r = 0; r < n; r++)
		UNROLL
	for (int v = 0; v < 2; v++)
		sum[r][v] = on ? load(sums + r * PANEL + v * LANES) : all(0);
	for (int64_t c = 0; c < depth; c++) {
		vec a = load(panel + c * PANEL), b = load(panel + c * PANEL + LANES);

		UNROLL
		for (int r = 0; r < n; r++) {
			sum[r][0] = madd(all(w[r * in + c]), a, sum[r][0]);
			sum[r][1] = madd(all(w[r * in + c]), b, sum[r][1]);
		}
	}
	UNROLL
	for (int r = 0; r < n; r++)
		UNROLL
	for (int v = 0; v < 2; v++)
		store(sums + r * PANEL + v * LANES, sum[r][v]);
}

/* Columns of y, at most COLUMNS, of one panel. */
static void sum_columns(float *sums, const float *panel, const float *w, int64_t n, int64_t in)
{
	for (int64_t c = 0; c < in; c += DEPTH) {
		int64_t depth = in - c < DEPTH ? in - c : DEPTH, j = 0;

		for (; j + W_ROWS <= n; j += W_ROWS)
			sum_rows(W_ROWS, sums + j * PANEL, panel + c * PANEL, w + j * in + c, in, depth,
				 c > 0);
		for (; j < n; j++)
			sum_rows(1, sums + j * PANEL, panel + c * PANEL, w + j * in + c, in, depth, c > 0);
	}
}

static void put_columns(float *y, int64_t ldy, int64_t rows, const float *sums, int64_t n, float beta)
{
	vec block[LANES];

	for (int64_t v = 0; v < 2 && v * LANES < rows; v++)
		for (int64_t j = 0; j < n; j += LANES) {
			turned_block(block, sums + j * PANEL + v * LANES, PANEL, n - j, LANES);
			for (int64_t i = 0; i < LANES && v * LANES + i < rows; i++)
				put(y + (v * LANES + i) * ldy + j, block[i], n - j, beta);
		}
}

/* ---- few rows -------------------------------------------------------- */

/* Columns [0, depth <= LANES) of a block of W. */
INLINE void few_sums(vec *sum, int rows, const float *x, int64_t in, const vec *block, int depth)
{
	UNROLL
	for (int i = 0; i < depth; i++)
		UNROLL
	for (int r = 0; r < rows; r++)
		sum[r] = madd(all(x[r * in + i]), block[i], sum[r]);
}

INLINE void few_rows(int rows, float *y, int64_t ldy, const float *x, const float *w, int64_t n, int64_t in,
		     float beta)
{
	for (int64_t j = 0; j < n; j += LANES) {
		int64_t c = 0;
		vec sum[FEW], block[LANES];

		UNROLL
		for (int r = 0; r < rows; r++)
			sum[r] = all(0);
		for (; n - j >= LANES && in - c >= LANES; c += LANES) {
			turned(block, w + j * in + c, in);
			few_sums(sum, rows, x + c, in, block, LANES);
		}
		for (; c < in; c += LANES) {
			turned_part(block, w + j * in + c, in, n - j, in - c);
			for (int i = 0; i < LANES && c + i < in; i++)
				few_sums(sum, rows, x + c + i, in, block + i, 1);
		}
		UNROLL
		for (int r = 0; r < rows; r++)
			put(y + r * ldy + j, sum[r], n - j, beta);
	}
}

/* The last rows, fewer than a panel is worth. */
static void last_rows(float *y, int64_t ldy, const float *x, int64_t rows, const float *w, int64_t n,
		      int64_t in, float beta)
{
	while (rows > 0) {
		int64_t most = rows >= FEW ? FEW : rows >= 4 ? 4 : rows >= 2 ? 2 : 1;

		if (most == FEW)
			few_rows(FEW, y, ldy, x, w, n, in, beta);
		else if (most == 4)
			few_rows(4, y, ldy, x, w, n, in, beta);
		else if (most == 2)
			few_rows(2, y, ldy, x, w, n, in, beta);
		else
			few_rows(1, y, ldy, x, w, n, in, beta);
		rows -= most;
		x += most * in;
		y += most * ldy;
	}
}

void fot_matmul(float *y, int64_t ldy, const struct fot_matmul_rows *x, const float *w, int64_t n, float beta)
{
	int64_t in = x->in, r = 0;

	for (; x->rows - r > FEW; r += PANEL)
		for (int64_t j = 0; j < n; j += COLUMNS) {
			int64_t columns = n - j < COLUMNS ? n - j : COLUMNS;

			sum_columns(x->sums, x->panels + r * in, w + j * in, columns, in);
			put_columns(y + r * ldy + j, ldy, x->rows - r, x->sums, columns, beta);
		}
	last_rows(y + r * ldy, ldy, x->x + r * in, x->rows - r, w, n, in, beta);
}
