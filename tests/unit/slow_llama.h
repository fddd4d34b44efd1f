/* slow_llama.h: LLaMA, LongLLaMA and the other families in double precision by plain loops over whole
 * attention matrices: what the engine is compared with.
 *
 * It follows the released code step by step (a mask per column, position ids, keys
 * cached without rotation, everything rotated anew at each call) and shares with the
 * engine nothing but the weights' numbers. */
#ifndef SLOW_LLAMA_H
#define SLOW_LLAMA_H

#include <stdbool.h>
#include <stdint.h>

#include "model/train/params.h"

struct slow;
/* The parameters must outlive it. window W, last context L. */
struct slow *slow_open(const struct fot_params *p, int window, int last_context);
void slow_close(struct slow *s);
void slow_reset(struct slow *s);
int slow_local(const struct slow *s);
int slow_memory(const struct slow *s);
/* One call of n tokens. mask [local + n] of 0 and 1, or NULL; positions [n], or NULL;
 * logits [n, vocab]. False: use_cache is off, but there is a local cache. */
bool slow_call(struct slow *s, const int32_t *ids, int n, const int *mask, const int64_t *positions,
	       bool use_cache, double *logits);
/* From now on (NULL: no more) each call leaves here the scores of its last window's queries in the
 * memory layers, [layers, H, n, memory + local], those of masked keys -HUGE_VAL. */
void slow_trace(struct slow *s, double *scores);
/* From now on entry i of n in the memory loses decay ln(1 + (n - 1 - i) / W) of its score. */
void slow_decay(struct slow *s, double decay);
/* From now on a query sees only the k memory entries of the largest scores; 0: all. */
void slow_top_k(struct slow *s, int k);
/* From now on what goes into products is rounded to bf16, that of attention too. */
void slow_bf16(struct slow *s);
/* Greedy tokens behind a call. mask as above. */
void slow_greedy(struct slow *s, const int32_t *ids, int n, const int *mask, int32_t *out, int steps);

#endif
