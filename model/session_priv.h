/* session_priv.h: what session.c (the timeline) and session_layers.c (what a piece of it
 * goes through) share. */
#ifndef FOT_SESSION_PRIV_H
#define FOT_SESSION_PRIV_H

#include "model/linear.h"
#include "model/memory.h"
#include "model/session.h"
#include "model/window_cache.h"

struct layer {
	struct fot_linear q, k, v, o, gate, up, down;
	const float *norm1, *norm2, *log_scale; /* log_scale NULL without qk_norm */
	const float *mem_gate;                  /* [H] mix gate, memory layers; NULL: mix joint */
	bool mem, rotates;
	float *k_local, *v_local;               /* [W, D] as attention uses them; past_max rows of the past before */
	float *k_ctx;                           /* [W, D] as the memory stores them; memory layers only */
	struct fot_memory memory;               /* memory layers only */
};

/* Where the rows of a piece are worked on. */
struct rows {
	float *x, *q, *o;       /* [n, D] of the piece */
	float *k, *v, *k_ctx;   /* [W, D] of the layer at work */
};

struct scratch {
	struct rows alone;      /* for pieces that a thread takes alone */
	float *xn;        /* [TILE, D] */
	float *g, *u;     /* [TILE, F] */
	float *logits;    /* [TILE, V] */
	float *widened;   /* for fot_linear */
	struct fot_attn attn;
	float *o_mem;     /* [TILE, d] what the memory gives (mix gate) */
	struct fot_memory_scratch mem;
};

struct fot_session {
	const struct fot_model *model;
	struct fot_config cfg;
	struct fot_session_opts opts;
	struct fot_arena arena;
	struct layer *layer;
	struct scratch *scratch;
	struct fot_window_cache cache;    /* without slots unless windows can be taken alone */
	struct fot_linear head;
	const float *embed_f32, *norm;    /* embed_f32 NULL: rows are widened from embed */
	const struct fot_tensor *embed;
	float *wide;                      /* all weights as float, or NULL */
	float *vectors;                   /* without wide: the norms and temperatures as float */
	float *x, *q, *o;                 /* [W, D] of the current piece */
	float *rope_cos, *rope_sin;       /* [W + 1, d/2] */
	int *failed;                      /* [tiles] a logit was not finite */
	int last_mem;                     /* last layer whose memory is kept; -1 */
	int last_kept;                    /* last layer whose keys and values outlive their window; -1 */
	int64_t window;
	int64_t n_local, mem_len, reach;
	int64_t past_max, n_past;         /* rows of the past that every layer keeps: at most, now */
	int64_t pads, pad_shift;          /* padding at the head of the local window; positions it takes */
	int64_t mem_pads;                 /* padding at the head of the memory */
	uint64_t window_no, serial;
};

/* What one piece of a feed is. */
struct piece {
	const int32_t *tokens;
	int64_t n, n0; /* tokens, and rows of the window before them */
	bool skip;     /* nothing above the keys and values (and masses) of layer last_kept is wanted */
	const struct fot_masses *masses; /* NULL: not asked; else the piece is all of the feed */
	int64_t n_trunk;                 /* tokens that stay; behind them are branches: */
	const int32_t *branch;           /* [n] as in fot_want; NULL: n_trunk == n */
};

/* First entry of the memory that queries see. */
int64_t session_mem_from(const struct fot_session *s);
/* Rows of row tile `tile` of a piece. */
int64_t session_tile_rows(const struct piece *p, int64_t tile);
void session_embed(const struct fot_session *s, float *x, const struct piece *p);
/* A piece through the layers, by all threads. */
void session_run(struct fot_session *s, const struct piece *p);
/* The same by one thread, in t->alone: what the window holds already stays as it is. */
void session_run_alone(const struct fot_session *s, const struct piece *p, struct scratch *t);

#endif
