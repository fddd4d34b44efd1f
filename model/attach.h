/* attach.h: a memory's settings as text, as JSON and as options of a session.
 *
 *   none | dense | knn | knn:128 | xl      a kind of memory (memory_kinds.h), with its number of keys
 *   knn:128,decay=1,scale=1.5,bf16         and options behind it, each at most once, in any order
 *   { "mode": "knn", "top_k": 128, "mem_dtype": "bf16", "mem_decay": 1, "mem_scale": 1.5 }
 *
 *   decay=X   mem_decay   older entries weigh less (session.h)      only kinds that keep entries
 *   scale=X   mem_scale   factor of the memory's scores (config.h)
 *   f32 bf16  mem_dtype   type of the stored keys and values
 *
 * What is not given is the model's. */
#ifndef FOT_ATTACH_H
#define FOT_ATTACH_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "model/config.h"
#include "model/session.h"

struct fot_attach {
	enum fot_search kind;
	int32_t top_k; /* kinds that count: 1 to FOT_TOP_K_MOST; 0: the model's */
	double decay;  /* 0: none */
	double scale;  /* 0: the model's */
	bool dtype_given;
	enum fot_dtype dtype; /* FOT_F32 or FOT_BF16 */
};

/* The whole text. where stands in messages. Errors: FOT_ERR_USAGE. */
int fot_attach_parse(struct fot_attach *a, const char *text, const char *where, struct fot_err *err);
/* The first settings of a list with commas between them, such as "dense,knn:32,bf16,none": behind the
 * kind stand its options. *list moves to the next ones, or to the end. */
int fot_attach_next(struct fot_attach *a, const char **list, const char *where, struct fot_err *err);
/* A JSON text as above, or an object. */
int fot_attach_read(struct fot_attach *a, const cJSON *node, const char *where, struct fot_err *err);
/* Add what was given to an object, in the order mode, top_k, mem_dtype, mem_scale, mem_decay; false: no
 * memory left. */
bool fot_attach_json(cJSON *object, const struct fot_attach *a);
/* The text that is read back equal. */
void fot_attach_print(struct fot_str *out, const struct fot_attach *a);
/* Kind and number of keys alone: "knn:128". */
void fot_attach_print_kind(struct fot_str *out, const struct fot_attach *a);
bool fot_attach_equal(const struct fot_attach *a, const struct fot_attach *b);
/* "none, dense, knn, knn:K or xl", for messages. */
void fot_attach_kinds(struct fot_str *out);
/* "f32" or "bf16". */
const char *fot_attach_dtype_word(enum fot_dtype dtype);

/* The settings over what o holds already (fot_session_opts_default). Errors: FOT_ERR_USAGE where the
 * model can have no such memory. */
int fot_attach_apply(struct fot_session_opts *o, const struct fot_attach *a, const struct fot_config *c,
		     struct fot_err *err);
/* What a session opened so has, all of it spelt out; "none" of a model with cached windows is xl. */
struct fot_attach fot_attach_of(const struct fot_session_opts *o, const struct fot_config *c);

#endif
