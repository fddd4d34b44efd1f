/* memory.h: the (key, value) pairs of one memory layer, and what a kind of memory is.
 *
 *   append, append, ..., seal(from, to)  ->  | entries 0 ... len |  ->  read(query, [from, to))
 *                                              truncate(len): the last ones are gone
 *
 * Entries come in the order of the text and go at the end only.  What is appended between two
 * seals is a whole number of windows' rows and never read before it is sealed, so a kind may
 * build there what it needs to search (lists, graphs, blocks).  A rewind may cut what was sealed.
 * One append brings the rows of one window, and a rewind is to where one began.
 * Keys are as if at position 0 (un-rotated).
 *
 * dense and knn keep all entries as rows (the fot_rows_ functions, memory.c): per head contiguous,
 * [H][cap][d], in float or bfloat16 (rounded once, to nearest even, when an entry enters). */
#ifndef FOT_MEMORY_H
#define FOT_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "model/attention.h"
#include "model/config.h"
#include "model/search.h"
#include "model/session.h"

struct fot_memory_ops;
struct fot_block_kind;
struct fot_evict_kind;
struct fot_index_kind;

struct fot_memory {
	const struct fot_memory_ops *ops;
	int64_t n_heads, head_dim;          /* heads of keys and values */
	int64_t group;                      /* heads of queries to one of keys */
	int64_t cap, len;                   /* tokens */
	enum fot_dtype dtype;               /* FOT_F32 or FOT_BF16 */
	int32_t top_k;                      /* keys that a query chooses, for kinds that count */
	int32_t number[FOT_MEMORY_NUMBERS]; /* what else the kind takes */
	int layer;                          /* of the model */
	void *k, *v;                        /* [H][cap][d]: rows */
	void *own;                          /* what else the kind keeps */
	double decay; /* 0: none; a score loses decay ln(1 + age / unit), age: entries behind its own */
	int64_t unit;
};
/* A memory of this session in one layer, without its arrays. */
struct fot_memory fot_memory_of(const struct fot_config *c, const struct fot_session_opts *o);

/* Scratch of one thread for reading. */
struct fot_memory_scratch {
	float *k, *v; /* [FOT_TILE_K, d] widened tile (bfloat16 only) */
	/* What a fold takes at once: top_k, or a tile. */
	float *rows;          /* [, d] gathered values (bfloat16 only) */
	float *scores;        /* [] */
	const float **values; /* [] */
	struct fot_topk topk;
	void *own; /* what else the kind needs */
};

/* Queries that meet head h of the keys: those of the state, one a row at distance ldq, that see the entries [from, to) with
 * scores scale * q.k less their age, which counts from entry `now`, the end of the memory.  A kind may
 * read parts of the range one by one.  Scale 0: all entries alike, none left out. */
struct fot_query {
	struct fot_attn *a;
	const float *q;
	int64_t ldq, h, from, to, now;
	float scale;
	struct fot_memory_scratch *s;
	/* Rows hold the queries of all heads side by side, so that those of head x begin at q + (x - head) d. */
	int64_t head;         /* of the queries, as h is of the keys */
	const int64_t *place; /* [n_q of the state] where each stands behind entry `now` */
};

/* Where queries look: log sum exp of the scores of groups of entries. */
struct fot_memory_groups {
	int64_t size;       /* entries per group, counted from `from`; the last may hold fewer */
	int64_t n;          /* groups */
	bool all;           /* entries that the kind would leave out count, too */
	const int64_t *row; /* [n_rows] queries of the state that are asked for */
	int64_t n_rows;
	double *out; /* [n_rows, n]; comes as -INFINITY, which stays where nothing counts */
};

/* What one query reads: keys that are scored, values that are weighed. */
struct fot_reads {
	double keys, values;
};

/* Of the entries in reach those that queries may read: the first ones [0, first), and [last, ...). */
struct fot_memory_sight {
	int64_t first, last;
	bool unknown; /* more entries than are kept have come: which of them stay the memory alone knows */
};

/* A number that a kind takes: what stands before it in a text, its letter in messages, its bounds. */
struct fot_memory_number {
	const char *before, *name;
	bool optional;       /* may be left out, it is 0 then */
	int32_t least, most; /* 0: 1 and FOT_TOP_K_MOST */
};
/* Is x one? */
bool fot_memory_number_fits(const struct fot_memory_number *n, int64_t x);

/* A kind that stores nothing has a word alone. Nothing here may allocate but by the layout. */
struct fot_memory_ops {
	const char *word; /* in settings: "dense", "knn" */
	bool counts; /* takes a number of keys that are chosen by their scores: "knn:128"; without one the model's */
	/* Numbers behind the word: { ":", "B" } and { ",", "K" } of "moba:128,8". The text of all but the first begins with a
	 * comma; those that are optional stand last. */
	struct fot_memory_number takes[FOT_MEMORY_NUMBERS];
	bool together; /* chooses once for all heads of a layer: one thread reads those of its queries one behind the other, from
			  head 0 on, with the same scratch, and nothing else between */
	const struct fot_block_kind
		*blocks; /* of kinds that choose whole blocks (memory_blocks.h); else NULL */
	const struct fot_evict_kind *evict; /* of kinds that forget (memory_evict.h); else NULL */
	const struct fot_index_kind *index;  /* of kinds that search an index (memory_index.h); else NULL */
	/* Arrays of a memory as fot_memory_of gives it, and of one thread that reads it. */
	void (*lay)(struct fot_memory *m, struct fot_layout *y);
	void (*lay_scratch)(struct fot_memory_scratch *s, const struct fot_memory *m, struct fot_layout *y);
	/* n rows of H * d numbers at distance ld; the caller checked len + n <= cap. One thread. */
	void (*append)(struct fot_memory *m, const float *k, const float *v, int64_t ld, int64_t n);
	/* Queries q [n] at distance ld, all heads side by side, of the n entries that append brought just now, as they ask
	 * this memory. By the same thread. NULL: not wanted; then they are not computed for its sake. */
	void (*observe)(struct fot_memory *m, const float *q, int64_t ld, int64_t n);
	/* Entries [from, to), the last ones, are complete. By one thread, outside of parallel work; it may
	 * use n_threads of its own, on which no bit depends. NULL: nothing to do. */
	void (*seal)(struct fot_memory *m, int64_t from, int64_t to, int32_t n_threads);
	/* Entries from len on are gone. */
	void (*truncate)(struct fot_memory *m, int64_t len);
	/* Before queries with this scale read the entries from `from` on: by one thread, outside of parallel work; with
	 * n_threads as seal has them. NULL: nothing to do. */
	void (*prepare)(struct fot_memory *m, int64_t from, float scale, int32_t n_threads);
	/* Fold what the queries see into their state. By any number of threads at once. */
	void (*read)(const struct fot_memory *m, const struct fot_query *q);
	/* The scores are those that read sees, bit for bit where a group is one entry; a group's sum
	 * does not depend on what stands around it. Uses the state's scores. */
	void (*read_groups)(const struct fot_memory *m, const struct fot_query *q,
			    const struct fot_memory_groups *g);
	struct fot_reads (*reads)(const struct fot_memory *m, double entries);
	/* What queries may read of so many entries, all in reach; NULL: all. */
	struct fot_memory_sight (*sight)(const struct fot_memory *m, int64_t entries);
	/* Keys that prepare scores, per head of queries, for a window that reads, at most; NULL: none. */
	double (*prepares)(const struct fot_memory *m, double entries);
	/* Bytes that reading needs of so many entries from now on, were there no rewinds and other reaches; NULL: those
	 * of the layout. */
	size_t (*needs)(const struct fot_memory *m, int64_t entries);
};

/* The row of a kind; never NULL. That of FOT_MEMORY_OWN has its word alone. */
const struct fot_memory_ops *fot_memory_kind(enum fot_memory_mode kind);
/* The kind with this word of n bytes, or FOT_MEMORY_OWN; false: none has, and *kind is of no use. */
bool fot_memory_find(enum fot_memory_mode *kind, const char *word, size_t n);
/* How many numbers a kind takes. */
int fot_memory_n_numbers(enum fot_memory_mode kind);
/* Does it keep entries in memory layers? */
bool fot_memory_keeps(enum fot_memory_mode kind);
/* What a memory of these settings spends with so many entries in reach. */
struct fot_memory_budget {
	double read,
		scored; /* per query of one layer and head: entries that it attends to, products with keys */
	size_t bytes;   /* per layer, of what reading needs: keys, values and what the kind builds of them */
};
/* All 0 for a kind that keeps nothing. */
struct fot_memory_budget fot_memory_budget(const struct fot_config *c, const struct fot_session_opts *o,
					   int64_t entries);
/* What queries of such a memory may read of its first so many entries; all, for a kind that keeps nothing. */
struct fot_memory_sight fot_memory_sight(const struct fot_config *c, const struct fot_session_opts *o, int64_t entries);
/* Does it want the queries of what it keeps? Then windows are not taken from those that were seen before. */
bool fot_memory_observes(enum fot_memory_mode kind);
/* read_groups of all rows that are asked for, from -INFINITY on. */
void fot_memory_masses(const struct fot_memory *m, const struct fot_query *q,
		       const struct fot_memory_groups *g);

/* ---- for kinds: entries as rows -------------------------------------- */

void fot_rows_lay(struct fot_memory *m, struct fot_layout *y);
void fot_rows_lay_scratch(struct fot_memory_scratch *s, const struct fot_memory *m, struct fot_layout *y);
void fot_rows_append(struct fot_memory *m, const float *k, const float *v, int64_t ld, int64_t n);
void fot_rows_truncate(struct fot_memory *m, int64_t len);
/* Bytes of so many entries. */
size_t fot_rows_bytes(const struct fot_memory *m, int64_t entries);
/* What the score of entry j loses to age where the memory ends at entry `now`; 0 or less. */
float fot_rows_age(const struct fot_memory *m, int64_t j, int64_t now);
/* n rows from entry j of head h of side k or v as floats: in place, or widened into buf [n, d]. */
const float *fot_rows_of(const struct fot_memory *m, const void *side, int64_t h, int64_t j, int64_t n,
			 float *buf);
/* Score all for the searches of the scratch. */
void fot_rows_search(const struct fot_memory *m, const struct fot_query *q);
/* Read all, and all into groups. */
void fot_rows_read(const struct fot_memory *m, const struct fot_query *q);
void fot_rows_read_groups(const struct fot_memory *m, const struct fot_query *q,
			  const struct fot_memory_groups *g);
/* The same for the entries [from, to) of the query's alone, whose groups count from the query's first. */
void fot_rows_read_part(const struct fot_memory *m, const struct fot_query *q, int64_t from, int64_t to);
void fot_rows_read_groups_part(const struct fot_memory *m, const struct fot_query *q,
			       const struct fot_memory_groups *g, int64_t from, int64_t to);
/* Fold the chosen entries of query i, or add them to their groups (out: [g->n] of that query). */
void fot_rows_fold(const struct fot_memory *m, const struct fot_query *q, int64_t i,
		   const struct fot_hit *hit, int64_t n);
void fot_hits_to_groups(const struct fot_hit *hit, int64_t n, int64_t from, const struct fot_memory_groups *g,
			double *out);
/* Scratch for fot_rows_fold of up to n entries. */
void fot_fold_lay_scratch(struct fot_memory_scratch *s, const struct fot_memory *m, struct fot_layout *y,
			  int64_t n);
/* Scores of entries [j, j + n), n <= FOT_TILE_K, with the panel that query i of the state is in, which asks there already
 * (fot_attn_ask); then those of one of its queries. The bits are those of all other readings. */
void fot_rows_score(const struct fot_memory *m, const struct fot_query *q, int64_t i, int64_t j, int64_t n);
void fot_rows_scored(const struct fot_query *q, int64_t i, int64_t j, int64_t n, struct fot_hit *hit);
/* One entry alone with query i, less its age; by another order of summing than the above: not for entries that those score too. */
struct fot_hit fot_rows_hit(const struct fot_memory *m, const struct fot_query *q, int64_t i, int64_t j);
/* n <= FOT_TILE_K entries into the softmax of query i or, unless g is NULL, into its groups, out. */
void fot_rows_take(const struct fot_memory *m, const struct fot_query *q, int64_t i,
		   const struct fot_hit *hit, int64_t n, const struct fot_memory_groups *g, double *out);
/* Scratch for choosing the top_k best per query (topk, rows, scores, values). */
void fot_choice_lay_scratch(struct fot_memory_scratch *s, const struct fot_memory *m, struct fot_layout *y);

#endif
