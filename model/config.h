/* config.h: what a model is, read from a Hugging Face config.json.
 *
 * LLaMA's and LongLLaMA's keys keep their names and defaults (longllama: vocab
 * 32000, hidden 4096, intermediate 11008, 32 layers and heads, window 2048, eps
 * 1e-6, theta 10000, last_context_length 1024, mem_dtype bfloat16).  Other families
 * (family.h) have theirs.  Keys of our own stand under "fot". */
#ifndef FOT_CONFIG_H
#define FOT_CONFIG_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "model/dtypes.h"
#include "model/family.h"
#include "model/memory_kinds.h" /* enum fot_memory_mode */
#include "model/rope.h"

#define FOT_MAX_LAYERS 256
#define FOT_MORE_EOS_MOST 15

enum fot_mix { FOT_MIX_JOINT, FOT_MIX_GATE };
enum fot_tokenizer_kind { FOT_TOKENIZER_FILE, FOT_TOKENIZER_BYTE, FOT_TOKENIZER_NONE };

struct fot_config {
	int32_t vocab_size;
	int32_t hidden_size;         /* D */
	int32_t intermediate_size;   /* F */
	int32_t n_layers;
	int32_t n_heads;             /* H */
	int32_t n_kv_heads;          /* heads of keys and values, of which H / n_kv_heads queries share each;
					0: H */
	int32_t head_dim;            /* d, even; D / H unless said */
	int32_t window;              /* W: max_position_embeddings, or FOT_WINDOW_MOST where a family states more
					than anybody means as a local context */
	int32_t max_positions;       /* max_position_embeddings where W is less; 0: it is W */
	int32_t last_context_length; /* L of docs/longllama.md */
	int32_t bos_id, eos_id, pad_id;
	int32_t n_more_eos, more_eos[FOT_MORE_EOS_MOST]; /* ids that end a text as eos_id does; "eos_token_id" may
					be a list, of which eos_id is the first: the one that is fed */
	double rms_norm_eps;
	double rope_theta;
	bool tie_embeddings;
	enum fot_family_number family;
	struct fot_rope rope;
	bool qkv_bias, o_bias;       /* biases of q, k and v; of o */
	bool mlp_bias;               /* biases of gate, up and down */
	enum fot_qk_rms qk_rms;      /* as the family has it */
	bool output_norms;           /* as the family has it */
	int32_t sliding_window;      /* layers that slide see so many keys of their window, their own among them;
					0: none slides.  The memory is beyond it */
	bool slides[FOT_MAX_LAYERS];
	bool no_rope[FOT_MAX_LAYERS]; /* layers without rotary positions */
	int32_t n_mem_layers;
	int32_t mem_layers[FOT_MAX_LAYERS]; /* ascending */
	bool mem_positionals;        /* false: memory layers rotate nothing */
	enum fot_dtype mem_dtype;    /* FOT_F32 or FOT_BF16 (FOT_F16 accepted by name, refused by sessions) */

	/* "fot": {...} */
	bool blocks;                 /* "cut": "blocks": text is read in aligned windows of W
					(small models); false: "longllama" cutting (default) */
	bool qk_norm;                /* q and k scaled to unit length, times a learnt
					temperature per head (self_attn.qk_scale [H]) */
	enum fot_mix mix;            /* "mix": "joint" | "gate" */
	double mem_scale;            /* "mem_scale", default 1: factor of the attention scores of memory
					keys, the inverse temperature of their softmax.  The more keys,
					the more mass the irrelevant ones have together; sharper scores
					give it back */
	enum fot_memory_mode mode;   /* "search": "none" | "all" | "topk" (memory_kinds.h): default at evaluation */
	int32_t top_k;               /* "top_k", default 128 */
	enum fot_tokenizer_kind tokenizer; /* "tokenizer": "spm" | "byte" | "none" */
	int32_t cached_windows;      /* "cached_windows": 0 | 1: 1: as in Transformer-XL every layer
					(memory layers too) also sees the keys and values of the
					window before, at their true distances; such a model has
					no other memory.  Set by training with method
					"transformer-xl" */
	char variant[64];            /* "variant": "local", "fot", "fot-d1", ...; "" if foreign */
};

#define FOT_WINDOW_LONG 32768 /* such windows are not taken as local contexts */
#define FOT_WINDOW_MOST 4096  /* but so much of them */
#define FOT_MEM_SCALE_LEAST 1e-3
#define FOT_MEM_SCALE_MOST 1e3
#define FOT_MEM_DECAY_MOST 1e2 /* session.h */

/* The defaults above, before any file is read. */
void fot_config_default(struct fot_config *c);
/* Read DIR/config.json, and of DIR/generation_config.json, if it is there, what ends a text. Unknown top-level keys are allowed (HF writes many),
 * unknown keys under "fot" are not; every field is range-checked
 * (docs/faults.md 32, 33). Errors: FOT_ERR_INPUT. */
int fot_config_read(struct fot_config *c, const char *dir, struct fot_err *err);
/* The same from a parsed config.json; name stands in messages. */
int fot_config_parse(struct fot_config *c, const cJSON *root, const char *name, struct fot_err *err);
/* Check ranges and consistency; name stands in messages. */
int fot_config_check(const struct fot_config *c, const char *name, struct fot_err *err);
/* config.json text that fot_config_read reads back equal. */
int fot_config_print(struct fot_str *out, const struct fot_config *c, struct fot_err *err);

/* "none", "all", "topk", ...; NULL for a kind that does not stand in config.json. */
const char *fot_config_search_word(enum fot_memory_mode mode);
/* H_kv; numbers of a row of queries, H d, and of keys or values, H_kv d. */
int32_t fot_config_kv_heads(const struct fot_config *c);
int64_t fot_config_query_width(const struct fot_config *c);
int64_t fot_config_key_width(const struct fot_config *c);
/* Does this id end a text? */
bool fot_config_ends(const struct fot_config *c, int32_t id);
/* Does layer rotate queries and keys? */
bool fot_config_rotates(const struct fot_config *c, int layer);
/* How positions turn in windows of so many tokens. Points into c. */
struct fot_turning fot_config_turning(const struct fot_config *c, int64_t window);
/* The scaling of this type (linear, ntk, yarn) that brings factor times the model's positions into its own. */
struct fot_rope fot_config_interpolated(const struct fot_config *c, enum fot_rope_type type, int32_t factor);
bool fot_config_is_mem_layer(const struct fot_config *c, int layer);
/* Index of layer among the memory layers, -1 if it is none. */
int fot_config_mem_slot(const struct fot_config *c, int layer);
/* Number of trainable parameters. */
int64_t fot_config_parameters(const struct fot_config *c);

/* ---- for config.c ------------------------------------------------------ */

/* Add what DIR/generation_config.json says of eos_token_id, a number or a list (generation.c); config: the
 * root of config.json. No such file: nothing. Errors: FOT_ERR_INPUT. */
int fot_config_read_generation(struct fot_config *c, const cJSON *config, const char *dir, struct fot_err *err);

/* The keys of families (config_arch.c). */

/* Set what the family has and what absent keys mean in it. */
void fot_config_of_family(struct fot_config *c, enum fot_family_number family);
/* Read heads, biases, rotary positions and sliding windows; the sizes are read.
 * Refuses by name what would change the network and is not read. */
int fot_config_read_arch(struct fot_config *c, const cJSON *root, const char *name, struct fot_err *err);
int fot_config_check_arch(const struct fot_config *c, const char *name, struct fot_err *err);
/* The keys of them that differ from LLaMA's. */
void fot_config_print_arch(struct fot_str *out, const struct fot_config *c);

#endif
