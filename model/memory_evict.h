/* memory_evict.h: kinds that keep B entries for all queries to come, and forget the others: eviction.
 *
 *   window by window:  | kept, at most B | entries of the window |  ->  the B of the largest worth are kept
 *
 * What is forgotten never comes back.  A kind says what entries are worth, when a window has come, by what then is there:
 * the candidates' keys and, if it observes them, the window's last queries.  Of equal ones the earlier entries stay.  Each
 * head of keys has its own B, or all have the same.
 *
 * A query sees what would be there had the memory begun with the first entry in reach: sessions read one memory at several
 * lengths (session.h) and go back.  So all entries are stored, and what is kept is worked out (prepare) when the
 * reach or the memory's end have moved: from the first window in reach on, or where only windows were added from where
 * it stood.  Rewinds then need no care.
 *
 * What age takes from scores does not count for the choice. */
#ifndef FOT_MEMORY_EVICT_H
#define FOT_MEMORY_EVICT_H

#include "model/memory.h"

/* The candidates of one list when a window has come. */
struct fot_candidates {
	const struct fot_memory *m;
	const int64_t *entry;  /* [n] ascending; those from `begin` on are the window's */
	int64_t n, begin, end; /* end: the window's */
	const float *q; /* [m->len, heads of queries, d] queries by entry: the last ones of windows alone */
	int64_t n_q;    /* queries that decide: those of the entries [end - n_q, end) */
	float scale;    /* of their scores */
	float *row, *mean, *spare; /* to work in: [d], [d], [n] */
};

struct fot_evict_kind {
	int64_t (*observes)(
		const struct fot_memory *m); /* queries at a window's end that decide; NULL: none */
	bool together;                       /* one list for all heads */
	/* Of the candidates of key head h (together: 0, of all), larger is better. */
	void (*worth)(const struct fot_candidates *x, int64_t h, float *worth);
	/* Keys that are scored, per head of queries, when a window of n entries comes to `kept`. */
	double (*cost)(const struct fot_memory *m, double kept, double n);
};

/* worth[i] += what the softmax of the query of entry `asker` and query head `head` gives candidate i, of which it sees those up to
 * its own entry. */
void fot_evict_add_mass(const struct fot_candidates *x, int64_t asker, int64_t head, float *worth);

/* The operations of such a kind, whose ops->evict is set: number[0] is B. */
void fot_evict_lay(struct fot_memory *m, struct fot_layout *y);
void fot_evict_lay_scratch(struct fot_memory_scratch *s, const struct fot_memory *m, struct fot_layout *y);
void fot_evict_append(struct fot_memory *m, const float *k, const float *v, int64_t ld, int64_t n);
void fot_evict_observe(struct fot_memory *m, const float *q, int64_t ld, int64_t n);
void fot_evict_truncate(struct fot_memory *m, int64_t len);
void fot_evict_prepare(struct fot_memory *m, int64_t from, float scale, int32_t n_threads);
void fot_evict_read(const struct fot_memory *m, const struct fot_query *q);
void fot_evict_read_groups(const struct fot_memory *m, const struct fot_query *q,
			   const struct fot_memory_groups *g);
struct fot_memory_sight fot_evict_sight(const struct fot_memory *m, int64_t entries);
struct fot_reads fot_evict_reads(const struct fot_memory *m, double entries);
double fot_evict_prepares(const struct fot_memory *m, double entries);
size_t fot_evict_needs(const struct fot_memory *m, int64_t entries);

/* Members of their struct fot_memory_ops. */
#define FOT_EVICT_OPS(word_, evict_)                                                                      \
	.word = word_, .evict = evict_, .takes = { { ":", "B" } }, .lay = fot_evict_lay,                  \
	.lay_scratch = fot_evict_lay_scratch, .append = fot_evict_append, .truncate = fot_evict_truncate, \
	.prepare = fot_evict_prepare, .read = fot_evict_read, .read_groups = fot_evict_read_groups,       \
	.reads = fot_evict_reads, .sight = fot_evict_sight, .prepares = fot_evict_prepares, .needs = fot_evict_needs

#endif
