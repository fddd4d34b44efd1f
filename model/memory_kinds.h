/* memory_kinds.h: the one list of the kinds of memory.
 *
 * A kind is one file, model/memory_NAME.c, that defines its struct fot_memory_ops (memory.h), and one
 * row here: its number, its word in config.json ("search"; NULL: it does not stand there) and its
 * operations.  Sessions, settings in texts and specs, estimates and costs follow from them. */
#ifndef FOT_MEMORY_KINDS_H
#define FOT_MEMORY_KINDS_H

#define FOT_MEMORY_KINDS(KIND)                         \
	KIND(FOT_SEARCH_NONE, "none", fot_memory_none) \
	KIND(FOT_SEARCH_ALL, "all", fot_memory_dense)  \
	KIND(FOT_SEARCH_TOPK, "topk", fot_memory_knn)  \
	KIND(FOT_SEARCH_XL, NULL, fot_memory_xl) /* the last one: no search, the model's cached windows */

#define FOT_MEMORY_KIND_NUMBER(number, word, ops) number,
enum fot_search { FOT_MEMORY_KINDS(FOT_MEMORY_KIND_NUMBER) FOT_SEARCH_COUNT };

#endif
