/* spec_keys.h: types of keys that specs have besides those of base/keys.h: lists, names of data and files.
 *
 * A list of them is read from a JSON list of one entry or more.  Lists of numbers come out ascending;
 * what stands twice is an error. */
#ifndef FOT_SPEC_KEYS_H
#define FOT_SPEC_KEYS_H

#include "base/keys.h"
#include "harness/plan/spec.h"

#define FOT_SPEC_TOKENS ((double)((int64_t)1 << 40)) /* most tokens, documents, items */
#define FOT_SPEC_AXIS 100000                         /* most entries of a list, trials, orders */

#define FOT_KEY_LIST(type, member, number) FOT_KEY_AT(type, member), .count = offsetof(type, number)

extern const struct fot_key_type fot_key_sizes, /* int64_t *: sizes, ranges such as "2k-32k*2"; the i-th of words is -1 - i */
	fot_key_reals,    /* double * */
	fot_key_choices,  /* int *: indices into words, in the order given */
	fot_key_datasets, /* char **: names as they are, paths where they are; written: as they were given */
	fot_key_model,    /* char *: a path where it is (paths.h); written: as it was given */
	fot_key_template; /* the same */

/* The keys of a spec, of its models, of their memories given as objects, and of what it excludes; those of
 * tasks stand in their classes (task_class.h). */
extern const struct fot_key fot_spec_keys[], fot_model_keys[], fot_memory_keys[], fot_exclusion_keys[];
extern const size_t fot_n_spec_keys, fot_n_model_keys, fot_n_memory_keys, fot_n_exclusion_keys;

/* A list of at least one entry. */
int fot_spec_list(const cJSON *obj, const char *key, const cJSON **first, size_t *n, const struct fot_key_ctx *ctx);

#endif
