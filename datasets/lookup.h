/* lookup.h: dictionaries for the look-up task [paper, app. "dictionary lookup"], shared by
 * what trains for it and what tests it.
 *
 *   record    <k> k1 k2 k3 k4 <v> v1 v2 v3 v4     "this key has this value"
 *   question  <q> k1 k2 k3 k4 <v> v1 v2 v3 v4     v1..v4 are to be predicted
 *
 * A dictionary is a function, not a table: the key of record i is place i of a random
 * permutation of all 61^4 keys, its value a hash of i.  So keys are distinct, the
 * dictionary of n records is the beginning of the one of 2n, and nothing is stored.
 *
 * Records and questions have the same length, so that a text of them which starts at
 * the start of a window is never cut inside a record when the window is a multiple of
 * FOT_LOOKUP_RECORD; models of this task have windows of 250 or 500 tokens. */
#ifndef FOT_LOOKUP_H
#define FOT_LOOKUP_H

#include <stdint.h>

#define FOT_LOOKUP_VOCAB 64
#define FOT_LOOKUP_SYMBOLS 61 /* ids 0 .. 60: what keys and values are made of */
#define FOT_LOOKUP_K 61
#define FOT_LOOKUP_V 62
#define FOT_LOOKUP_Q 63

#define FOT_LOOKUP_KEY 4     /* symbols of a key */
#define FOT_LOOKUP_VALUE 4   /* symbols of a value */
#define FOT_LOOKUP_RECORD 10 /* tokens of a record, and of a question */
#define FOT_LOOKUP_VALUE_AT 6 /* place of v1 in a record and in a question */
#define FOT_LOOKUP_MAX INT64_C(13845841) /* keys there are: 61^4 */

#define FOT_LOOKUP_ROUNDS 8

/* Plain data; any number of threads may read it. */
struct fot_lookup {
	uint64_t round[FOT_LOOKUP_ROUNDS]; /* of the permutation */
	uint64_t values;
};

/* The dictionary number `trial` of this seed. */
void fot_lookup_init(struct fot_lookup *d, uint64_t seed, uint64_t trial);
/* Key and value of record i, 0 <= i < FOT_LOOKUP_MAX. */
void fot_lookup_key(const struct fot_lookup *d, int64_t i, int32_t key[FOT_LOOKUP_KEY]);
void fot_lookup_value(const struct fot_lookup *d, int64_t i, int32_t value[FOT_LOOKUP_VALUE]);
/* Write the FOT_LOOKUP_RECORD tokens of record i, and of the question for it with its answer. */
void fot_lookup_record(const struct fot_lookup *d, int64_t i, int32_t *tokens);
void fot_lookup_question(const struct fot_lookup *d, int64_t i, int32_t *tokens);

#endif
