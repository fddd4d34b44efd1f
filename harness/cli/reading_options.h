/* reading_options.h: the flags of fot_reading_flags as rows of an option table, for the commands
 * that read given tokens. */
#ifndef FOT_READING_OPTIONS_H
#define FOT_READING_OPTIONS_H

#include "harness/cli/options.h"
#include "harness/ask/reading.h"
#include "model/attach.h"

extern const char *const fot_reading_dtype_names[];

#define READING_OPTIONS(f, layers)                                                                \
	{ .name = "memory",                                                                       \
		.type = FOT_OPTION_TEXT,                                                          \
		.value = &(f)->memory,                                                            \
		.arg = "MEMORY",                                                                  \
		.help = "as in a spec: a kind such as " FOT_MEMORY_EXAMPLE ", none or model"   \
			" (default: the model's)" },    \
	{ .name = "mem-layers",                                                                   \
		.type = FOT_OPTION_TEXT,                                                          \
		.value = (layers),                                                                \
		.arg = "I,J,...",                                                                 \
		.help = "attach a memory to these layers (default: the model's)" },               \
	{ .name = "top-k",                                                                        \
		.type = FOT_OPTION_SIZE,                                                          \
		.value = &(f)->top_k,                                                             \
		.lo = 1,                                                                          \
		.hi = FOT_TOP_K_MOST,                                                             \
		.arg = "K",                                                                       \
		.help = "keys per query and head with knn (default: the model's)" },              \
	{ .name = "mem-dtype",                                                                    \
		.type = FOT_OPTION_CHOICE,                                                        \
		.value = &(f)->mem_dtype,                                                         \
		.choices = fot_reading_dtype_names,                                               \
		.help = "type of stored keys and values" },                                       \
	{ .name = "compute",                                                                      \
		.type = FOT_OPTION_CHOICE,                                                        \
		.value = &(f)->compute,                                                           \
		.choices = fot_compute_words,                                                     \
		.help = "numbers of products" },                                     \
	{ .name = "mem-scale",                                                                    \
		.type = FOT_OPTION_REAL,                                                          \
		.value = &(f)->mem_scale,                                                         \
		.lo = FOT_MEM_SCALE_LEAST,                                                        \
		.hi = FOT_MEM_SCALE_MOST,                                                         \
		.arg = "X",                                                                       \
		.help = "factor of the attention scores of memory keys (default: the model's)" }, \
	{ .name = "mem-decay",                                                                    \
		.type = FOT_OPTION_REAL,                                                          \
		.value = &(f)->mem_decay,                                                         \
		.lo = 0,                                                                          \
		.hi = FOT_MEM_DECAY_MOST,                                                         \
		.arg = "X",                                                                       \
		.help = "older memory keys weigh less, (1 + age / W)^-X" },                       \
	{ .name = "window",                                                                       \
		.type = FOT_OPTION_SIZE,                                                          \
		.value = &(f)->window,                                                            \
		.lo = 1,                                                                          \
		.hi = 1 << 24,                                                                    \
		.arg = "W",                                                                       \
		.help = "local window (default: the model's)" },                                  \
	{ .name = "last-context",                                                                 \
		.type = FOT_OPTION_SIZE,                                                          \
		.value = &(f)->last_context,                                                      \
		.lo = 1,                                                                          \
		.hi = 1 << 24,                                                                    \
		.arg = "L",                                                                       \
		.help = "length of the last window (default: the model's last_context_length)" }, \
	FOT_COMMON_THREADS(&(f)->threads)

#endif
