/* device_host.c: a device made of the host: kernels are loops, memory is memory. */
#include "model/device.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include <omp.h>

#include "base/list.h"
#include "base/mem.h"
#include "model/dtype.h"
#include "model/matmul.h"

#define SIDE 64 /* rows of a side that are multiplied at a time, widened where they are bf16 */

#define ALONE_WORK (1 << 18) /* multiplications for which threads wake each other */

struct host {
	int32_t threads;
	size_t shared; /* bytes of a block's */
	char *tiles;   /* [threads, shared] */
	int64_t widest;
	float *sides; /* [threads, side_numbers] */
	void **block;
	size_t n_blocks, cap;
};

/* Of a thread: both sides, and what a product works in. */
static int64_t side_numbers(int64_t widest)
{
	return 2 * SIDE * widest + fot_matmul_scratch(SIDE, widest);
}

static int host_here(struct fot_err *err)
{
	(void)err;
	return FOT_OK;
}

static void host_close(void *device)
{
	struct host *d = device;

	if (!d)
		return;
	for (size_t i = 0; i < d->n_blocks; i++)
		fot_free(d->block[i]);
	fot_free(d->block);
	fot_free(d->tiles);
	fot_free(d->sides);
	fot_free(d);
}

static int host_open(void **device, const struct fot_device_opts *o, struct fot_err *err)
{
	struct host *d = fot_calloc(1, sizeof *d);

	if (!d)
		return FOT_NO_MEMORY(err, "device");
	d->threads = o->threads;
	d->shared = fot_size_align(fot_attend_bytes_f32(o->head_dim));
	d->tiles = fot_calloc((size_t)o->threads, d->shared);
	d->widest = o->widest;
	d->sides = fot_alloc((size_t)(o->threads * side_numbers(o->widest)), sizeof *d->sides);
	if (!d->tiles || !d->sides) {
		host_close(d);
		return FOT_NO_MEMORY(err, "device");
	}
	*device = d;
	return FOT_OK;
}

static size_t host_room(void *device)
{
	(void)device;
	return fot_mem_total();
}

static void *host_take(void *device, size_t bytes)
{
	struct host *d = device;
	void *block;

	if (!FOT_GROW(d->block, d->n_blocks, d->cap) || !(block = fot_calloc(bytes, 1)))
		return NULL;
	d->block[d->n_blocks++] = block;
	return block;
}

static void host_copy(void *device, void *to, const void *from, size_t bytes)
{
	(void)device;
	if (bytes > 0)
		memcpy(to, from, bytes);
}

/* ---- kernels --------------------------------------------------------- */

typedef void work(const void *arguments, int64_t index, struct fot_team t);

#define HOST_KERNEL(name, arguments_of, team)                                               \
	static void on_host_##name(const void *arguments, int64_t index, struct fot_team t) \
	{                                                                                   \
		const struct arguments_of *a = arguments;                                   \
                                                                                            \
		fot_k_##name(a, index, t);                                                  \
	}
FOT_KERNELS(HOST_KERNEL)

/* Indices for which threads wake each other. */
enum { ALONE_LONE = 1 << 14, ALONE_ROW = 256, ALONE_TILE = 1 };
#define HOST_ROW(name, arguments, team) [FOT_KERNEL_##name] = { on_host_##name, ALONE_##team },
static const struct {
	work *work;
	int64_t alone;
} works[FOT_KERNEL_COUNT] = { FOT_KERNELS(HOST_ROW) };

static void host_launch(void *device, enum fot_kernel kernel, const void *arguments, int64_t n)
{
	const struct host *d = device;

#pragma omp parallel for schedule(static) num_threads(d->threads) if (n > works[kernel].alone)
	for (int64_t i = 0; i < n; i++) {
		struct fot_team t = { .lanes = 1,
				      .warps = 1,
				      .warp_lanes = 1,
				      .shared = d->tiles + d->shared * (size_t)omp_get_thread_num() };

		works[kernel].work(arguments, i, t);
	}
}

/* ---- products -------------------------------------------------------- */

/* Rows [from, from + n) of a side, widened into `wide` where they are bf16. */
static const float *side_of(const void *side, int dtype, int64_t from, int64_t n, int64_t in, float *wide)
{
	if (dtype == FOT_F32)
		return (const float *)side + from * in;
	fot_widen(wide, (const uint16_t *)side + from * in, FOT_BF16, (size_t)(n * in));
	return wide;
}

/* Up to SIDE rows of a group, from row `row` of all on, by as many columns. */
static void multiply(const struct fot_product *p, int64_t row, int64_t rows, int64_t col, float *wide)
{
	int64_t n = p->out - col < SIDE ? p->out - col : SIDE;
	const float *x = side_of(p->x, p->dtype, row, rows, p->in, wide),
		    *w = side_of(p->w, p->dtype, col, n, p->in, wide + SIDE * p->in);

	struct fot_matmul_rows r = fot_matmul_begin(x, rows, p->in, wide + 2 * SIDE * p->in);

	fot_matmul(p->y + row * p->ldy + col, p->ldy, &r, w, n, p->beta);
}

static void host_product(void *device, const struct fot_product *p)
{
	const struct host *d = device;
	int64_t down = (p->rows + SIDE - 1) / SIDE, across = (p->out + SIDE - 1) / SIDE,
		all = p->groups * p->rows * p->out * p->in;

#pragma omp parallel for schedule(static) num_threads(d->threads) if (all > ALONE_WORK)
	for (int64_t i = 0; i < p->groups * down * across; i++) {
		int64_t first = i / across % down * SIDE, left = p->rows - first;

		multiply(p, i / across / down * p->rows + first, left < SIDE ? left : SIDE, i % across * SIDE,
			 d->sides + side_numbers(d->widest) * omp_get_thread_num());
	}
}

static int host_wait(void *device, struct fot_err *err)
{
	(void)device;
	(void)err;
	return FOT_OK;
}

const struct fot_device_kind fot_device_host = {
	.name = "host",
	.here = host_here,
	.open = host_open,
	.close = host_close,
	.room = host_room,
	.take = host_take,
	.take_host = host_take,
	.up = host_copy,
	.down = host_copy,
	.copy = host_copy,
	.launch = host_launch,
	.product = host_product,
	.wait = host_wait,
};

#endif
