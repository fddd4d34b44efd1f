/* engine_device.h: what engine_device.c (weights, filling, answers) and engine_device_layers.c (what rows go through)
 * share; for them alone.
 *
 * All arrays but those that say host are the device's.  Numbers that go into products, and keys and values of windows,
 * are of e->dtype: F32, or BF16 when computing in it; all others are f32. */
#ifndef FOT_ENGINE_DEVICE_H
#define FOT_ENGINE_DEVICE_H

#include "base/mem.h"
#include "model/device.h"
#include "model/engine.h"

struct matrix {
	const void *w; /* [out, in] of dtype */
	int dtype;
	int64_t out, in;
	const float *bias; /* NULL: none */
};

/* NULL: what the family has not, as in engine_cpu.h. */
struct layer {
	struct matrix q, k, v, o, gate, up, down;
	const float *norm1, *norm2, *out_norm1, *out_norm2, *q_norm, *k_norm, *log_scale, *mem_gate;
	bool mem, rotates, slides;
	void *k_local, *v_local; /* [past_max + rows, DK] */
	void *k_kept, *v_kept; /* [rows, DK] as the memory stores them; memory layers only, as what follows */
	void *k_mem, *v_mem;   /* [mem_max, DK]; the host's where it streams */
};

/* Rows that go through the layers together, and what each of them is: arrays of n, one behind the other. */
struct rows {
	const struct fot_place *at;
	int64_t n, windows; /* whole windows for themselves, one behind the other; else 1 */
	bool pads;          /* some are padding */
	const int32_t *token, *position, *target;
	const int32_t *flat; /* padding that sees all alike */
	/* Keys of the window that a row sees [n, 4] (fot_attend): in layers that slide not; that do; both
	 * where padding sees the memory alone; entries of the memory that padding sees where none is in sight. */
	const int32_t *sight, *slide, *sight_beside, *slide_beside, *masked;
	const struct fot_masses *masses;
};
#define ROW_NUMBERS 24      /* int32_t of a row in all, of which */
#define ROW_NUMBERS_BARE 12 /* are needed without padding */

struct device_engine {
	const struct fot_device_kind *kind;
	void *device;
	const struct fot_model *model;
	struct fot_config cfg;
	struct fot_session_opts opts;
	struct layer *layer;
	struct matrix embed, head;
	const float *norm;
	int dtype;
	int last_mem, last_kept; /* as in engine_cpu.h */
	int64_t window, past_max, query_width, key_width, group;
	int64_t rows; /* most that go through the layers together */
	float key_factor;
	bool streams;  /* the memory lies on the host */
	int64_t block; /* entries of it that are on the device at once: all, or a multiple of FOT_KEYS */

	float *x, *branch;               /* [rows, D] twice; branch: families that norm outputs */
	void *taken;                     /* [rows, D] what a product takes */
	float *q_wide, *k_wide, *v_wide; /* [rows, DQ], [rows, DK] twice: out of products */
	void *q, *o;                     /* [rows, DQ] */
	float *max, *sum, *out;          /* [H, rows] twice, [rows, DQ]: the state of attention */
	float *local;                    /* [rows, DQ] mix gate */
	float *g, *u;                    /* [rows, F] */
	void *h;                         /* [rows, F] */
	void *wide;            /* [WIDE_OUT, widest] weights of another type; before: tensors on their way */
	float *cos, *sin;      /* [window + 1, d / 2] */
	float *logits;         /* [FOT_ROWS, V] */
	int32_t *numbers;      /* [rows, ROW_NUMBERS] */
	double *nll;           /* [rows] */
	int32_t *argmax, *bad; /* [rows] */
	void *k_block, *v_block; /* [block, DK] when streaming */
	/* Choosing and looking: rows at a time, keys at a time. */
	int64_t choice_rows, choice_keys;
	float *scores; /* [H, choice_rows, choice_keys] */
	struct fot_choice choice;
	int32_t *list;  /* [rows] */
	double *groups; /* [H, mem_max] */

	/* The host's. */
	int32_t *host_numbers;
	double *host_nll;
	int32_t *host_argmax, *host_bad;
	float *host_max, *host_sum; /* [H, rows] */
	float *host_gates;          /* [H] */
	struct fot_arena arena, host_arena;
};

/* A tensor is converted so much at once. */
#define STAGE_BYTES ((size_t)16 << 20)
/* NULL: there is no room, said in err. */
void *device_take(struct device_engine *e, size_t bytes, struct fot_err *err);
/* All weights, in bf16 or as they are stored; e->embed, e->head and all layers' hold them then. Errors: FOT_ERR_RUN. */
int device_place_weights(struct device_engine *e, struct fot_err *err);
/* The rotary tables. Errors: FOT_ERR_RUN. */
int device_place_tables(struct device_engine *e, struct fot_err *err);
/* Rows through the layers: they come out in e->x; skip: only what outlives the window is wanted. */
void device_run_rows(struct device_engine *e, const struct rows *r, bool skip);
/* y [n, out] at out = x [n, in] w^T + bias + beta y. */
void device_multiply(const struct device_engine *e, float *y, const void *x, const struct matrix *w,
		     int64_t rows, int64_t groups, float beta);
/* Rows x [n, D], normed unless norm is NULL, as products take them. */
const void *device_taken(const struct device_engine *e, const float *x, const float *norm, int64_t n);
#define WIDE_OUT 4096 /* outputs of a matrix that are widened at a time */

#endif
