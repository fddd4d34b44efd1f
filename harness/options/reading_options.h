/* reading_options.h: the flags of fot_reading_flags as rows of an option table, for the commands
 * that read given tokens. */
#ifndef FOT_READING_OPTIONS_H
#define FOT_READING_OPTIONS_H

#include "harness/ask/reading.h"
#include "harness/options/options.h"
#include "model/attach.h"
#include "model/engine.h"

extern const char *const fot_reading_dtype_names[];

#define READING_OPTIONS(f, layers)                                                                                \
	{ FOT_TEXT_OPTION("memory", &(f)->memory, "MEMORY",                                                      \
			  "as in a spec: a kind such as " FOT_MEMORY_EXAMPLE ", none or model (default: the model's)") }, \
	{ FOT_TEXT_OPTION("mem-layers", (layers), "I,J,...",                                                     \
			  "attach a memory to these layers (default: the model's)") },                           \
	{ FOT_SIZE_OPTION("top-k", &(f)->top_k, 1, FOT_TOP_K_MOST, "K",                                          \
			  "keys per query and head: knn, or the model's own (default: the model's)") },                          \
	{ FOT_CHOICE_OPTION("mem-dtype", &(f)->mem_dtype, fot_reading_dtype_names, "type of stored keys and values") }, \
	{ FOT_CHOICE_OPTION("compute", &(f)->compute, fot_compute_words, "numbers of products") },  \
	{ FOT_CHOICE_OPTION("engine", &(f)->engine, fot_engine_words, "what computes") },                        \
	{ FOT_REAL_OPTION("mem-scale", &(f)->mem_scale, FOT_MEM_SCALE_LEAST, FOT_MEM_SCALE_MOST, "X",            \
			  "factor of the attention scores of memory keys (default: the model's)") },             \
	{ FOT_REAL_OPTION("mem-decay", &(f)->mem_decay, 0, FOT_MEM_DECAY_MOST, "X",                              \
			  "older memory keys weigh less, (1 + age / W)^-X") },                                   \
	{ FOT_SIZE_OPTION("window", &(f)->window, 1, 1 << 24, "W", "local window (default: the model's)") },      \
	{ FOT_SIZE_OPTION("last-context", &(f)->last_context, 1, 1 << 24, "L",                                   \
			  "length of the last window (default: the model's last_context_length)") },             \
	FOT_COMMON_THREADS(&(f)->threads)

#endif
