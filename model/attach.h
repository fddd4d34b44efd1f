/* attach.h: a memory's settings as text and as a struct.
 *
 *   none | dense | knn | knn:128 | xl | model    a kind of memory; knn:K with its number of keys
 *   recent:1024                                  a kind with its numbers (memory.h)
 *   knn:128,decay=1,scale=1.5,bf16,layers=6+12   and options behind it, each at most once, in any order
 *
 *   decay=X    older entries weigh less (session.h)           only where entries are stored: not of none and xl
 *   scale=X    factor of the memory's scores (config.h)       the same
 *   f32 bf16   type of the stored keys and values             the same
 *   layers=A+B the memory layers, ascending
 *   rope=T:F   a window of F times the model's, its positions interpolated  only of none
 *              by T: linear, ntk or yarn (rope.h): full attention as a rival of memories (session.h)
 *
 * What is not given is the model's.  In a list of memories commas stand between them too: a word that
 * is no kind is an option of the memory before it, as in "none,dense,decay=1,knn:32". */
#ifndef FOT_ATTACH_H
#define FOT_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "model/config.h"
#include "model/session.h"

#define FOT_MEMORY_EXAMPLE "knn:128,decay=1,scale=1.5,bf16,layers=6+12"

struct fot_attach {
	enum fot_memory_mode mode; /* xl: the cached window of a model trained as Transformer-XL; none means it for such a model */
	int32_t top_k; /* 1 to FOT_TOP_K_MOST; 0: the model's */
	int32_t number[FOT_MEMORY_NUMBERS]; /* those that the kind takes (memory.h); else 0 */
	double decay;  /* above 0, to FOT_MEM_DECAY_MOST; 0: none */
	double scale;  /* FOT_MEM_SCALE_LEAST to FOT_MEM_SCALE_MOST; 0: the model's */
	bool dtype_given;
	enum fot_dtype dtype;          /* FOT_F32 or FOT_BF16 */
	int32_t layer[FOT_MAX_LAYERS]; /* [n_layers] ascending; none: the model's */
	size_t n_layers;
	enum fot_rope_type rope; /* FOT_ROPE_DEFAULT: as the model has it */
	int32_t rope_factor;     /* 2 to FOT_ROPE_FACTOR_MOST; 0 without a rope */
};

/* "yarn:4". false: no such thing. */
bool fot_attach_read_rope(struct fot_attach *a, const char *text);
void fot_attach_print_rope(struct fot_str *out, const struct fot_attach *a);
const char *fot_memory_mode_name(enum fot_memory_mode m);
/* Append the kind and the numbers that it takes, without top_k: "knn", "recent:1024". */
void fot_attach_print_kind(struct fot_str *out, const struct fot_attach *a);
/* Append how kinds are written: "none, dense, knn, knn:K, xl, recent:B". */
void fot_memory_words(struct fot_str *out);
/* Does the kind take a number of keys, top_k, beside its text? Others have theirs in it: "random:128". The model's own may. */
bool fot_memory_counts(enum fot_memory_mode m);
/* "f32" or "bf16". */
const char *fot_memory_dtype_name(enum fot_dtype dtype);

/* One memory, the whole text. where stands in messages. Errors: FOT_ERR_USAGE. */
int fot_attach_parse(struct fot_attach *a, const char *text, const char *where, struct fot_err *err);
/* Bytes of the first memory of a list, its options included. */
size_t fot_attach_length(const char *list);
/* The text that is read back equal: options in the order decay, scale, type, layers. */
void fot_attach_print(struct fot_str *out, const struct fot_attach *a);
bool fot_attach_equal(const struct fot_attach *a, const struct fot_attach *b);
/* Has `full` (fot_attach_of) the kind of `given` and all that is given with it? */
bool fot_attach_fits(const struct fot_attach *given, const struct fot_attach *full);

/* What is not given in a, from `from`: decay, scale and layers. */
void fot_attach_complete(struct fot_attach *a, const struct fot_attach *from);
/* The settings over what o holds already (fot_session_opts_default); scale and layers are the model's
 * (model.h). Errors: FOT_ERR_USAGE where the model can have no such memory. */
int fot_attach_apply(struct fot_session_opts *o, const struct fot_attach *a, const struct fot_config *c,
		     struct fot_err *err);
/* The settings of a session, all spelt out. */
struct fot_attach fot_attach_of(const struct fot_session_opts *o, const struct fot_config *c);
/* Take from `full` what it has of `own`, the model as its config.json says it: what is left is what a
 * reader must be told.  The number of keys stays.  Layers count without a memory too where they
 * change how the model reads. */
void fot_attach_tell(struct fot_attach *full, const struct fot_config *own);

#endif
