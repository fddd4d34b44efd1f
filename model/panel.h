/* panel.h: attention's inner products for a panel of queries, written for the vector registers.
 *
 * A panel holds FOT_PANEL queries side by side, so that a vector register holds one number of many queries:
 *
 *   queries   [d][FOT_PANEL]     column i is query i, multiplied by the scale of the scores
 *   scores    [n_k][FOT_PANEL]   row j: key j against all queries; later their weights
 *   outputs   [d][FOT_PANEL]
 *
 * Keys and values are read one number at a time, as they lie.  Maxima, sums, masks and thresholds of the queries
 * then need no work across a register, and no array is transposed but the queries.  Every number of a query is a chain
 * of fused multiply-adds in the order of the columns (scores) or keys (outputs, sums), which nothing but the
 * query itself decides: neither the other queries of the panel nor how the work is cut.
 *
 * The width of registers, and whether a product is fused with its sum, is that of the machine that the
 * program is compiled for; of the two only the latter shows in the last bits (FOT_SUMS, real.h). */
#ifndef FOT_PANEL_H
#define FOT_PANEL_H

#include <stdint.h>

#include "model/real.h"

#define FOT_PANEL ((int64_t)(2 * FOT_VECTOR_BYTES / sizeof(fot_real)))

/* Queries q [n <= FOT_PANEL, d], at distance ldq, times scale; columns from n on are 0. */
void fot_panel_queries(fot_real *panel, const fot_real *q, int64_t ldq, int64_t n, int64_t d, fot_real scale);

/* Scores of keys k [n_k, d] at distance ldk; bias[j] is added to all of key j (NULL: none). */
void fot_panel_scores(fot_real *s, const fot_real *panel, const fot_real *k, int64_t ldk, int64_t n_k,
		      int64_t d, const fot_real *bias);

/* The same scores of one query q [d], which the scale is in already, and FOT_SPREAD keys that lie anywhere. */
#define FOT_SPREAD 8
void fot_panel_spread(fot_real *s, const fot_real *q, const fot_real *const *k, int64_t d);

/* The same of FOT_SPREAD queries, columns of a panel that begin at q, each with one key. */
void fot_panel_pairs(fot_real *s, const fot_real *const *q, const fot_real *const *k, int64_t d);

/* Keys and values [n_k, d] at distances ldk, ldv. */
struct fot_panel_tile {
	const fot_real *k, *v, *bias; /* bias [n_k] or NULL */
	int64_t ldk, ldv, n;
};
/* Running maximum and sum of exponentials of each query of a panel. */
struct fot_panel_state {
	fot_real *max, *sum; /* [FOT_PANEL] */
	fot_real *out;       /* [d][FOT_PANEL] */
};
/* Scores to weights exp(score - max), which are 0 below exp(-87); maximum, sum and outputs follow a maximum
 * that grows. Query i sees keys [low[i], high[i]). */
void fot_panel_weights(fot_real *s, int64_t n_k, const int64_t *low, const int64_t *high,
		       const struct fot_panel_state *p, int64_t d);
/* Outputs += weights x values v [n_k, d] at distance ldv. */
void fot_panel_outputs(fot_real *out, const fot_real *s, const fot_real *v, int64_t ldv, int64_t n_k,
		       int64_t d);

/* Backward. Scores become the weights exp(score - lse), of query i for keys [low[i], high[i]), else 0, and do.v
 * becomes the gradient of the score, weight (do.v - delta). lse, delta [FOT_PANEL]; columns without a query: lse
 * INFINITY. */
void fot_panel_gradients(fot_real *s, fot_real *dv, int64_t n_k, const int64_t *low, const int64_t *high,
			 const fot_real *lse, const fot_real *delta);
/* Rows q [n, d] at distance ldq times scale, as fot_panel_keys takes them: [FOT_PANEL, ld], zero where there is none; ld:
 * fot_panel_width(d). */
int64_t fot_panel_width(int64_t d);
void fot_panel_rows(fot_real *rows, const fot_real *q, int64_t ldq, int64_t n, int64_t d, fot_real scale);
/* What the queries give to each key: out [n_k, d] at distance ldo += s x rows. */
void fot_panel_keys(fot_real *out, int64_t ldo, const fot_real *s, const fot_real *rows, int64_t n_k,
		    int64_t d);

/* The forward functions together for a panel of few queries: a register holds keys of one query then, later columns of values. The same
 * bits. s: FOT_FEW rows of n_k + 2 registers of scratch; row: [d]. */
#define FOT_FEW 4
void fot_panel_few(const fot_real *panel, int64_t n, const struct fot_panel_tile *t, const int64_t *low,
		   const int64_t *high, const struct fot_panel_state *p, int64_t d, fot_real *s,
		   fot_real *row);

/* What is in fot_panel_few of the weights: scores s of keys [low, high) of query i alone to weights, up to a register behind
 * them being written; maximum and sum follow. Returns what the query's output is to be multiplied by. */
fot_real fot_panel_row_weights(fot_real *s, int64_t low, int64_t high, const struct fot_panel_state *p,
			       int64_t i);

/* Called with a score above its query's threshold. */
typedef void fot_panel_hit(void *to, int64_t query, int64_t key, fot_real score);
/* Scores as above, of which those alone are told that lie above threshold[query] [FOT_PANEL] when it comes to them;
 * of one query in the order of the keys. The threshold may rise meanwhile. */
void fot_panel_search(const fot_real *panel, const fot_real *k, int64_t ldk, int64_t n_k, int64_t d,
		      const fot_real *bias, const fot_real *threshold, fot_panel_hit *hit, void *to);
/* The same with scores [n_k][FOT_PANEL] that are there. */
void fot_panel_sift(const fot_real *s, int64_t n_k, const fot_real *threshold, fot_panel_hit *hit, void *to);
/* With those of query i alone, s [n_k]. */
void fot_panel_sift_row(const fot_real *s, int64_t n_k, const fot_real *threshold, int64_t i,
			fot_panel_hit *hit, void *to);
/* Search for a panel of n <= FOT_FEW queries, as fot_panel_few works; s: its scratch. */
void fot_panel_search_few(const fot_real *panel, int64_t n, const struct fot_panel_tile *t, int64_t d,
			  const fot_real *threshold, fot_panel_hit *hit, void *to, fot_real *s);

#endif
