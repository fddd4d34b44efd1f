/* rope.h: rotary positions: frequencies, their scaling to longer texts, and tables.
 *
 * With d the head's size, pair i turns by inv_i = theta^(-2i/d) a position.  A scaling changes the
 * frequencies, and some multiply cosine and sine by a factor (that of position 0 too).  Formulas:
 * linear [Chen et al. 2023], ntk and dynamic [bloc97, emozilla 2023], yarn [Peng et al. 2023], longrope
 * [Ding et al. 2024], llama3 as in the released code. */
#ifndef FOT_ROPE_H
#define FOT_ROPE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "model/real.h"

#define FOT_ROPE_PAIRS 256 /* most pairs with factors of their own (longrope) */

enum fot_rope_type {
	FOT_ROPE_DEFAULT,
	FOT_ROPE_LINEAR,
	FOT_ROPE_NTK,
	FOT_ROPE_DYNAMIC,
	FOT_ROPE_LLAMA3,
	FOT_ROPE_YARN,
	FOT_ROPE_LONGROPE
};

/* What "rope_scaling" or "rope_parameters" says; 0 where a type has no such key. */
struct fot_rope {
	enum fot_rope_type type;
	double factor;    /* f, at least 1; yarn, longrope: 0: max_position_embeddings / original */
	double low, high; /* llama3: low_freq_factor, high_freq_factor */
	double beta_fast, beta_slow; /* yarn */
	double mscale, mscale_all;   /* yarn: mscale, mscale_all_dim: attention_factor from f, with both */
	double attention;            /* yarn, longrope: attention_factor; 0: from f */
	int64_t original;            /* original_max_position_embeddings; 0: max_position_embeddings */
	bool unrounded;              /* yarn: "truncate": false: the ramp ends between pairs */
	int32_t n_pairs;             /* longrope: d / 2 */
	double shorter[FOT_ROPE_PAIRS], longer[FOT_ROPE_PAIRS]; /* longrope: short_factor, long_factor */
};

/* Read rope_scaling, or if it is null or empty rope_parameters, of a config.json into *r and *theta, which
 * are left alone where nothing is said. They may be given by kind of layer, as long as all kinds have the
 * same. What Transformers passes over is passed over here too: an original length for linear and dynamic,
 * "attn_factor", "finetuned". Errors: FOT_ERR_INPUT, for other keys that are not read too. */
int fot_rope_read(struct fot_rope *r, double *theta, const cJSON *root, const char *name,
		  struct fot_err *err);
/* Ranges; positions: max_position_embeddings. Errors: FOT_ERR_INPUT. */
int fot_rope_check(const struct fot_rope *r, double theta, int64_t head_dim, int64_t positions,
		   const char *name, struct fot_err *err);
/* "rope_scaling" as a line of config.json, that reads back equal; nothing for the default. */
void fot_rope_print(struct fot_str *out, const struct fot_rope *r);
/* "linear, factor 4", for people. */
void fot_rope_describe(struct fot_str *out, const struct fot_rope *r);

/* What all positions are turned with. */
struct fot_turning {
	const struct fot_rope *rope;
	int64_t head_dim;
	double theta;
	int64_t positions; /* max_position_embeddings */
	int64_t longest;   /* positions that are in use: dynamic and longrope depend on them */
};
/* The frequency of pair i. */
double fot_rope_frequency(const struct fot_turning *t, int64_t i);
/* The factor of cosine and sine. */
double fot_rope_attention(const struct fot_turning *t);
/* Rotary tables, NeoX layout (pairs i and i + d/2): cos and sin [n_pos, d/2]. */
void fot_rope_tables(fot_real *cos_out, fot_real *sin_out, int64_t n_pos, const struct fot_turning *t);

#endif
