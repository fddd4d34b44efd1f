/* hf_bpe.h: byte pair encoding by the rank of merges: "model": {"type": "BPE"} of a tokenizer.json;
 * private to model/tokenizer_json.c.
 *
 * A word begins as single characters (or bytes, behind a ByteLevel step); the pair of neighbours that
 * stands first in the list of merges is joined, leftmost first on ties, until no pair is in the list. */
#ifndef FOT_HF_BPE_H
#define FOT_HF_BPE_H

#include "model/hf_text.h"
#include "model/tokenizer.h"

struct hf_bpe;
/* bytes: words are bytes, and the vocabulary writes them in GPT-2's alphabet. The texts point into
 * `model`, which must live as long. Errors: FOT_ERR_INPUT, FOT_ERR_RUN. */
int hf_bpe_open(struct hf_bpe **out, const cJSON *model, bool bytes, const char *where, struct fot_err *err);
void hf_bpe_close(struct hf_bpe *b);
/* Largest id plus one. */
int32_t hf_bpe_size(const struct hf_bpe *b);
/* The token as the file writes it; NULL: no such id. */
const char *hf_bpe_text(const struct hf_bpe *b, int32_t id);

/* A token for bytes [from, to) of a piece. What was dropped in front of it belongs to the token before. */
int hf_push(struct fot_ids *out, int32_t id, const struct hf_piece *piece, size_t from, size_t to,
	    struct fot_err *err);

/* Memory of one caller. Zeroed at first. */
struct hf_merging {
	struct hf_symbol *sym;
	size_t n_sym, cap_sym;
	struct hf_candidate *heap;
	size_t n_heap, cap_heap;
};
/* Append the tokens of one word. Time n log n. Errors: FOT_ERR_RUN. */
int hf_bpe_word(const struct hf_bpe *b, struct hf_merging *w, const struct hf_piece *word,
		struct fot_ids *out, struct fot_err *err);
void hf_merging_release(struct hf_merging *w);

/* The byte that a character of GPT-2's alphabet stands for, -1: none. */
int hf_byte_of(uint32_t cp);

#endif
