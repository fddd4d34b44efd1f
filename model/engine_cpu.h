/* engine_cpu.h: what engine_cpu.c (weights, filling, answers) and engine_cpu_layers.c (what a
 * piece goes through) share; for them alone. */
#ifndef FOT_ENGINE_CPU_H
#define FOT_ENGINE_CPU_H

#include <stdatomic.h>

#include "model/engine.h"
#include "model/linear.h"
#include "model/memory.h"
#include "model/window_cache.h"

struct layer {
	struct fot_linear q, k, v, o, gate, up, down;
	/* What a family has not is NULL: norms of what goes in (1 attention, 2 MLP), of what comes out, of
	 * queries and keys. */
	const float *norm1, *norm2, *out_norm1, *out_norm2, *q_norm, *k_norm;
	const float *log_scale; /* [H] qk_norm; NULL: none */
	const float *mem_gate;  /* [H] mix gate, memory layers; NULL: mix joint */
	bool mem, rotates;
	int64_t sliding;          /* keys of its window that a query sees; 0: all */
	float *k_local, *v_local; /* [W, DK] as attention uses them; past_max rows of the past before */
	float *k_ctx;             /* [W, DK] as the memory stores them; memory layers only */
	float *q_ctx; /* [W, DQ] as they ask the memory; memory layers whose kind observes queries, else NULL */
	struct fot_memory memory; /* memory layers only */
};

/* Where the rows of a piece are worked on; DQ, DK: numbers of a row of queries, of keys. */
struct rows {
	float *x;             /* [n, D] of the piece */
	float *q, *o;         /* [n, DQ] */
	float *k, *v, *k_ctx; /* [W, DK] of the layer at work */
	float *q_ctx;         /* [W, DQ] likewise; NULL: not wanted, or q */
};

struct scratch {
	struct rows alone; /* for pieces that a thread takes alone */
	float *xn;         /* [TILE, D] */
	float *g, *u;      /* [TILE, F] */
	float *logits;     /* [TILE, V] */
	void *linear;      /* for fot_linear_forward */
	struct fot_attn attn;
	int64_t *low;              /* [TILE] first key that a query sees (sliding windows) */
	float *o_mem;              /* [TILE, d] what the memory gives (mix gate) */
	int64_t place[FOT_TILE_Q]; /* of the queries that read a memory, in their window */
	struct fot_memory_scratch mem;
};

/* What a model's weights are made of for engines that compute alike: widened or packed. The last one frees it. */
struct cpu_weights {
	atomic_int users; /* engines */
	struct fot_arena arena;
};

struct cpu {
	const struct fot_model *model;
	struct fot_config cfg;
	struct fot_session_opts opts;
	struct fot_arena arena;
	struct cpu_weights *weights; /* that wide, vectors and packed lie in */
	struct layer *layer;
	struct scratch *scratch;       /* [n_threads] */
	struct fot_window_cache cache; /* without slots unless windows can be taken alone */
	struct fot_linear head;
	const float *embed_f32, *norm; /* embed_f32 NULL: rows are widened from embed */
	const struct fot_tensor *embed;
	float *wide;                    /* all weights as float, or NULL */
	float *vectors;                 /* without wide: the norms and temperatures as float */
	uint32_t *packed;               /* computing in bf16: all matrices (bf16.h), else NULL */
	float *x, *q, *o;               /* [W, D], [W, DQ], [W, DQ] of the current piece */
	float *rope_cos, *rope_sin;     /* [W + 1, d/2] */
	float key_factor;               /* of keys at position 0, as the memory stores them */
	int64_t query_width, key_width; /* DQ, DK */
	int64_t group;                  /* heads of queries to one of keys */
	int *failed;                    /* [tiles] a logit was not finite */
	int last_mem;                   /* last layer whose memory is kept; -1 */
	int last_kept;                  /* last layer whose keys and values outlive their window; -1 */
	int64_t window, past_max;
};

/* Rows of row tile `tile` of a piece. */
int64_t cpu_tile_rows(const struct fot_piece *p, int64_t tile);
/* The memories are about to be read from here; all: the last one too. */
void cpu_prepare(struct cpu *e, const struct fot_place *at, bool all);
/* A piece through the layers, by all threads: its rows come out in e->x. */
void cpu_run(struct cpu *e, const struct fot_place *at, const struct fot_piece *p);
/* The same by one thread, in t->alone: what the window holds already stays as it is. */
void cpu_run_alone(const struct cpu *e, const struct fot_place *at, const struct fot_piece *p,
		   struct scratch *t);

#endif
