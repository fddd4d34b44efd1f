/* hf_normalizer.h: the normalizer of a tokenizer.json; private to model/tokenizer_json.c.
 *
 * Read: NFC, NFD, NFKC, NFKD (Unicode of libutf8proc), Prepend, Replace, Sequence. */
#ifndef FOT_HF_NORMALIZER_H
#define FOT_HF_NORMALIZER_H

#include "model/hf_text.h"

struct hf_normalizer;
/* section may be NULL or null: nothing is done. Errors: FOT_ERR_INPUT by name of what is not read. */
int hf_normalizer_open(struct hf_normalizer **out, const cJSON *section, const char *where,
		       struct fot_err *err);
void hf_normalizer_close(struct hf_normalizer *z);

/* Memory of one caller. Zeroed at first. */
struct hf_normalizing {
	struct hf_draft draft[2];
};
/* The normalised piece: piece itself when nothing changes, else in w until the next call. An empty piece
 * stays empty. Errors: FOT_ERR_RUN, FOT_ERR_INPUT. */
int hf_normalize(const struct hf_normalizer *z, struct hf_normalizing *w, const struct hf_piece *piece,
		 struct hf_piece *out, struct fot_err *err);
void hf_normalizing_release(struct hf_normalizing *w);

#endif
