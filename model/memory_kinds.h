/* memory_kinds.h: the one list of the kinds of memory.
 *
 * A kind is one file, model/memory_NAME.c, that defines its struct fot_memory_ops (memory.h), and one
 * row here: its number, its word in config.json ("search"; NULL: it does not stand there, and no kind behind it) and its
 * operations.  Sessions, settings in texts and specs, estimates and costs follow from them. */
#ifndef FOT_MEMORY_KINDS_H
#define FOT_MEMORY_KINDS_H

#define FOT_MEMORY_KINDS(KIND)                                                               \
	KIND(FOT_SEARCH_NONE, "none", fot_memory_none)                                       \
	KIND(FOT_SEARCH_ALL, "all", fot_memory_dense)                                        \
	KIND(FOT_SEARCH_TOPK, "topk", fot_memory_knn)                                        \
	KIND(FOT_SEARCH_XL, NULL, fot_memory_xl) /* no search: the model's cached windows */ \
	KIND(FOT_SEARCH_RECENT, NULL, fot_memory_recent)                                     \
	KIND(FOT_SEARCH_SINKS, NULL, fot_memory_sinks)                                       \
	KIND(FOT_SEARCH_RANDOM, NULL, fot_memory_random)                                     \
	KIND(FOT_SEARCH_MOBA, NULL, fot_memory_moba)                                         \
	KIND(FOT_SEARCH_QUEST, NULL, fot_memory_quest)                                       \
	KIND(FOT_SEARCH_IVF, NULL, fot_memory_ivf)                                           \
	KIND(FOT_SEARCH_HNSW, NULL, fot_memory_hnsw)                                         \
	KIND(FOT_SEARCH_INT8, NULL, fot_memory_int8)

/* Numbers that a kind takes at most, as in "ivf:32,probe=8,lists=1024". */
#define FOT_MEMORY_NUMBERS 3

#define FOT_MEMORY_KIND_NUMBER(number, word, ops) number,
enum fot_search { FOT_MEMORY_KINDS(FOT_MEMORY_KIND_NUMBER) FOT_SEARCH_COUNT };

#endif
