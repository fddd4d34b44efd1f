/* memory_kinds.h: the one list of the kinds of memory.
 *
 * A kind is one file, model/memory_NAME.c, that defines its struct fot_memory_ops (memory.h), and one
 * row here: its number, its word in config.json ("search"; NULL: it does not stand there, and no kind behind it) and its
 * operations.  Sessions, settings in texts and specs, estimates and costs follow from them. */
#ifndef FOT_MEMORY_KINDS_H
#define FOT_MEMORY_KINDS_H

#define FOT_MEMORY_KINDS(KIND)                                                               \
	KIND(FOT_MEMORY_NONE, "none", fot_memory_none)                                       \
	KIND(FOT_MEMORY_DENSE, "all", fot_memory_dense)                                      \
	KIND(FOT_MEMORY_KNN, "topk", fot_memory_knn)                                         \
	KIND(FOT_MEMORY_XL, NULL, fot_memory_xl) /* no search: the model's cached windows */ \
	KIND(FOT_MEMORY_RECENT, NULL, fot_memory_recent)                                     \
	KIND(FOT_MEMORY_SINKS, NULL, fot_memory_sinks)                                       \
	KIND(FOT_MEMORY_RANDOM, NULL, fot_memory_random)                                     \
	KIND(FOT_MEMORY_MOBA, NULL, fot_memory_moba)                                         \
	KIND(FOT_MEMORY_QUEST, NULL, fot_memory_quest)                                       \
	KIND(FOT_MEMORY_IVF, NULL, fot_memory_ivf)                                           \
	KIND(FOT_MEMORY_HNSW, NULL, fot_memory_hnsw)                                         \
	KIND(FOT_MEMORY_INT8, NULL, fot_memory_int8)                                         \
	KIND(FOT_MEMORY_INFLLM, NULL, fot_memory_infllm)                                     \
	KIND(FOT_MEMORY_SHARED, NULL, fot_memory_shared)                                     \
	KIND(FOT_MEMORY_KNORM, NULL, fot_memory_knorm)                                       \
	KIND(FOT_MEMORY_KEYDIFF, NULL, fot_memory_keydiff)                                   \
	KIND(FOT_MEMORY_SNAPKV, NULL, fot_memory_snapkv)                                     \
	KIND(FOT_MEMORY_TOVA, NULL, fot_memory_tova)

/* Numbers that a kind takes at most, as in "infllm:128,8,4". */
#define FOT_MEMORY_NUMBERS 3

#define FOT_MEMORY_KIND_NUMBER(number, word, ops) number,
enum fot_memory_mode {
	FOT_MEMORY_KINDS(FOT_MEMORY_KIND_NUMBER) FOT_MEMORY_COUNT,
	FOT_MEMORY_OWN =
		FOT_MEMORY_COUNT /* "model", no kind: what config.json says, none without memory layers */
};

#endif
