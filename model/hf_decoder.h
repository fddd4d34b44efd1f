/* hf_decoder.h: the decoder of a tokenizer.json, from the texts of tokens to a text; private to
 * model/tokenizer_json.c.
 *
 * Read: ByteLevel, ByteFallback, Replace, Fuse, Strip, Metaspace, Sequence. */
#ifndef FOT_HF_DECODER_H
#define FOT_HF_DECODER_H

#include "model/hf_text.h"

/* A list of texts, one behind the other. Zeroed at first. */
struct hf_texts {
	struct fot_str all;
	size_t *end; /* [n] in all */
	size_t n, cap;
	size_t original; /* bytes of all before the first step; 0: no step yet */
};
/* Errors: FOT_ERR_RUN (memory), FOT_ERR_INPUT when the steps make too much of the texts. */
int hf_texts_put(struct hf_texts *t, const char *p, size_t n, struct fot_err *err);
void hf_texts_release(struct hf_texts *t);

struct hf_decoder;
/* section may be NULL or null: texts are joined by spaces. Errors: FOT_ERR_INPUT by name of what is not read. */
int hf_decoder_open(struct hf_decoder **out, const cJSON *section, const char *where, struct fot_err *err);
void hf_decoder_close(struct hf_decoder *z);
/* Append the text; texts is used up. Errors: FOT_ERR_RUN, FOT_ERR_INPUT as above. */
int hf_decode(const struct hf_decoder *z, struct hf_texts *texts, struct fot_str *out, struct fot_err *err);

#endif
