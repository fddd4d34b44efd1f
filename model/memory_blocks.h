/* memory_blocks.h: kinds that choose whole blocks of B entries: the K best per query and head, then all entries of these.
 *
 * A block is entries [b B, (b + 1) B) of the memory, however far queries reach.  A kind says what it keeps of a block,
 * its sketch, and what of a query meets it: a block's worth is their product.  Of equal blocks the earlier ones win, and
 * what age takes from scores (session.h) does not count for the choice.  A block of which only a part is in
 * reach has the sketch of that part. */
#ifndef FOT_MEMORY_BLOCKS_H
#define FOT_MEMORY_BLOCKS_H

#include "model/memory.h"

struct fot_block_kind {
	int64_t width; /* numbers of a sketch, in head_dim */
	/* Only the keys of the number[2] entries of the largest worth go into a sketch: what fot_blocks_observe, which
	 * is the kind's observe then, noted of them. */
	bool picks;
	/* Take key k [d] into a sketch [width d]; first: its first one. */
	void (*add)(float *sketch, const float *k, int64_t d, bool first);
	/* All n are in; NULL: nothing to do. */
	void (*end)(float *sketch, int64_t n, int64_t d);
	/* What of query q [d] meets a sketch. */
	void (*ask)(float *out, const float *q, int64_t d);
};

/* The operations of such a kind, whose ops->blocks is set (memory.h): number[0] is B, number[1] is K. */
void fot_blocks_lay(struct fot_memory *m, struct fot_layout *y);
void fot_blocks_lay_scratch(struct fot_memory_scratch *s, const struct fot_memory *m, struct fot_layout *y);
void fot_blocks_seal(struct fot_memory *m, int64_t from, int64_t to, int32_t n_threads);
void fot_blocks_observe(struct fot_memory *m, const float *q, int64_t ld, int64_t n);
void fot_blocks_truncate(struct fot_memory *m, int64_t len);
void fot_blocks_read(const struct fot_memory *m, const struct fot_query *q);
void fot_blocks_read_groups(const struct fot_memory *m, const struct fot_query *q,
			    const struct fot_memory_groups *g);
struct fot_reads fot_blocks_reads(const struct fot_memory *m, double entries);

/* A sketch that is the mean of the keys. */
void fot_block_mean_add(float *sketch, const float *k, int64_t d, bool first);
void fot_block_mean_end(float *sketch, int64_t n, int64_t d);
void fot_block_mean_ask(float *out, const float *q, int64_t d);
#define FOT_BLOCKS_MEAN \
	.width = 1, .add = fot_block_mean_add, .end = fot_block_mean_end, .ask = fot_block_mean_ask

/* Members of their struct fot_memory_ops; behind B and K may stand one number more. */
#define FOT_BLOCKS_OPS(word_, blocks_, ...)                                                       \
	.word = word_, .blocks = blocks_, .takes = { { ":", "B" }, { ",", "K" }, ##__VA_ARGS__ }, \
	.lay = fot_blocks_lay, .lay_scratch = fot_blocks_lay_scratch, .append = fot_rows_append,  \
	.seal = fot_blocks_seal, .truncate = fot_blocks_truncate, .read = fot_blocks_read,        \
	.read_groups = fot_blocks_read_groups, .reads = fot_blocks_reads

#endif
