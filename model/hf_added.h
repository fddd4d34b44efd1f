/* hf_added.h: the added tokens of a tokenizer.json, which are found in a text before it is cut into
 * words; private to model/tokenizer_json.c. */
#ifndef FOT_HF_ADDED_H
#define FOT_HF_ADDED_H

#include "model/hf_normalizer.h"
#include "model/hf_text.h"

struct hf_added;
/* list: "added_tokens", NULL or null for none; texts of tokens that are looked for in normalised text go
 * through z. Errors: FOT_ERR_INPUT, FOT_ERR_RUN. */
int hf_added_open(struct hf_added **out, const cJSON *list, const struct hf_normalizer *z, const char *where,
		  struct fot_err *err);
void hf_added_close(struct hf_added *a);
size_t hf_added_count(const struct hf_added *a);
/* Token i of the list. special: decoding leaves it out. */
struct hf_added_token {
	int32_t id;
	const char *text;
	bool special;
};
struct hf_added_token hf_added_token(const struct hf_added *a, size_t i);

/* Takes what lies between two tokens, and the tokens: id >= 0. */
struct hf_added_sink {
	int (*put)(void *context, const struct hf_piece *piece, int32_t id, struct fot_err *err);
	void *context;
};
/* Cut a piece at the tokens that are looked for in text that is normalised, or is not yet. At each place
 * the longest one counts. Errors: the sink's; FOT_ERR_INPUT for a token without a place (hf_added.c). */
int hf_added_cut(const struct hf_added *a, bool normalized, const struct hf_piece *piece,
		 const struct hf_added_sink *sink, struct fot_err *err);

#endif
