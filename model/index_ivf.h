/* index_ivf.h: inverted lists over the keys of one head (IVF; Jégou, Douze and Schmid 2011, "Product Quantization for
 * Nearest Neighbor Search", section IV), here with the keys themselves in the lists.
 *
 *   centroids c_1 ... c_N         k-means over the first S entries
 *   list i:  | panel | panel |    the entries nearest to c_i, in their order, FOT_PANEL keys side by side
 *
 * A query scores the lists of the P largest q.c_i, as a whole.  Queries of one call that ask for the same list go through it
 * together.
 *
 * A growing memory: up to FOT_IVF_FIRST entries there are no lists and all is scored.  At S = FOT_IVF_FIRST 4^e entries centroids
 * are trained from these alone, all entries go to the new lists, and those that follow do, too, until there are 4 S.
 * What is used at a length is thus decided by the entries before it.  The centroids and the lists' numbers of shorter
 * lengths are kept (4 bytes an entry, a third more), so that a rewind trains nothing: it takes the newest entries out of
 * their lists again or, below S, puts the entries into the former lists. */
#ifndef FOT_INDEX_IVF_H
#define FOT_INDEX_IVF_H

#include "model/index.h"

#define FOT_IVF_FIRST 256
#define FOT_IVF_AGES 16 /* 256 4^15 entries: more than any memory has */

/* What serves lengths [start, 4 start). */
struct fot_ivf_age {
	int64_t start, lists;
	float *centroid; /* [lists, d] */
	float *half;     /* [lists] -|c|^2 / 2 */
	int32_t *list;   /* [min(cap, 4 start)] of each entry */
};

struct fot_ivf {
	struct fot_keys keys;
	int64_t cap, len;
	int n_ages, age; /* the one in use; -1: none */
	struct fot_ivf_age *ages;
	/* Lists of the age in use, as chains of panels; those at hand are [0, used), in the order in which they were begun. */
	int64_t *n;            /* [lists] entries */
	int32_t *first, *last; /* [lists] panels; undefined without entries */
	int64_t used;
	int32_t *next, *before; /* [panels] */
	int32_t *entry;         /* [panels, FOT_PANEL] */
	float *panel;           /* [panels][d][FOT_PANEL] */
	/* To work in. */
	struct fot_attn a;
	float *rows, *sum; /* [FOT_TILE_Q, d]; [lists, d] */
};

/* An index for up to cap entries of these keys; lists: how many at most; 0: 4 sqrt(S). */
void fot_ivf_lay(struct fot_ivf *x, struct fot_layout *y, const struct fot_keys *keys, int64_t cap,
		 int64_t lists);
/* Entries up to len are there. */
void fot_ivf_grow(struct fot_ivf *x, int64_t len);
/* Entries from len on are gone. */
void fot_ivf_cut(struct fot_ivf *x, int64_t len);

/* Of one thread that searches. */
struct fot_ivf_search {
	struct fot_topk lists; /* P a query */
	int32_t *n, *row;      /* [lists] queries that ask for it; [FOT_TILE_Q P] these */
	float *q, *s;          /* [FOT_TILE_Q, d], [FOT_TILE_Q][FOT_PANEL] */
};
void fot_ivf_lay_search(struct fot_ivf_search *s, struct fot_layout *y, int64_t cap, int64_t d, int64_t lists,
			int64_t probe);
/* The best entries of the `probe` best lists, into the searches of `best`. */
void fot_ivf_search(const struct fot_ivf *x, const struct fot_index_query *q, struct fot_topk *best,
		    struct fot_ivf_search *s);
/* Lists at this length; 0: none. */
int64_t fot_ivf_lists(int64_t len, int64_t lists);

#endif
