/* index_hnsw.h: a navigable graph over the keys of one head (HNSW; Malkov and Yashunin 2016, "Efficient and Robust
 * Approximate Nearest Neighbor Search Using Hierarchical Navigable Small World Graphs", arXiv 1603.09320), built and searched
 * by inner product (Morozov and Babenko 2018, "Non-metric Similarity Graphs for Maximum Inner Product Search").
 *
 * Entries are inserted in their order.  The level of an entry is drawn for its number alone.  A new entry is linked with
 * up to m of the FOT_HNSW_REACH best that a search finds (algorithm 4's choice), and they with it; a list that is full
 * (2 m on the lowest level, m above) gives up its worst link, which may be the new one.  Products are those of
 * keys in 8 bits (codes.h); what a search has found is scored exactly.
 *
 * The newest entries can be taken out again: a new link changes one place of another entry's list, and what stood there
 * is kept (4 bytes a link), so a rewind puts it back, newest first, and the graph is what it was before, bit for bit.  That costs
 * some m list look-ups an entry, far less than an insertion. */
#ifndef FOT_INDEX_HNSW_H
#define FOT_INDEX_HNSW_H

#include <stdbool.h>

#include "model/codes.h"

#define FOT_HNSW_REACH 100 /* the paper's efConstruction */
#define FOT_HNSW_LINKS 16  /* m, unless it is given */
#define FOT_HNSW_LEVELS 16

/* An entry on the way of a walk. */
struct fot_hnsw_near {
	float score;
	int32_t entry;
	bool done; /* its links were followed */
};
/* What one thread walks with. */
struct fot_hnsw_walk {
	struct fot_hnsw_near *near; /* [most] the best so far, best first */
	int64_t most, n;
	uint64_t *met;  /* bits of the entries */
	int32_t *fresh; /* [2 m] */
	int16_t *q;     /* [width] */
	int32_t *found; /* [most] */
	float *row;     /* [FOT_SPREAD, d] */
};

/* Links of one level. */
struct fot_hnsw_links {
	int64_t most;    /* of an entry */
	int32_t *n, *to; /* [places], [places, most] */
	int32_t *was;    /* [places, m] what the other entry's link to this one took the place of */
};

struct fot_hnsw {
	struct fot_keys keys;
	struct fot_codes codes;
	int64_t cap, len, m;
	struct fot_hnsw_links low, high; /* places: entries; (entry, level) from level 1 on */
	uint8_t *level;                  /* [cap] */
	int32_t *place;                  /* [cap] in `high` of level 1, the next levels' behind it */
	int64_t used, room;              /* places of `high` */
	int32_t top[FOT_HNSW_LEVELS +
		    1]; /* entries at which walks began, each on a higher level than the one before */
	int n_tops;
	struct fot_hnsw_walk walk; /* for insertions */
};

/* A graph for up to cap entries of these keys; m: links, 2 or more. */
void fot_hnsw_lay(struct fot_hnsw *x, struct fot_layout *y, const struct fot_keys *keys, int64_t cap,
		  int64_t m);
/* For searches of ef entries among cap. */
void fot_hnsw_lay_walk(struct fot_hnsw_walk *w, struct fot_layout *y, int64_t cap, int64_t d, int64_t m,
		       int64_t ef);
/* Entries up to len are there; those from len on are gone. */
void fot_hnsw_grow(struct fot_hnsw *x, int64_t len);
void fot_hnsw_cut(struct fot_hnsw *x, int64_t len);

/* The best of the ef nearest entries of each query, into the searches of `best`.  Where queries see only a part of all, ef
 * grows by the same factor.  false: nothing was done, since to score all that is seen is cheaper (FOT_HNSW_SCAN). A query
 * that finds fewer than it asks for scores all. */
bool fot_hnsw_search(const struct fot_hnsw *x, const struct fot_index_query *q, int64_t ef,
		     struct fot_topk *best, struct fot_hnsw_walk *w);
/* Entries that a walk scores for each that it keeps: about. */
#define FOT_HNSW_SCAN 16

#endif
