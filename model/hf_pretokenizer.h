/* hf_pretokenizer.h: the pre-tokenizer of a tokenizer.json, which cuts a text into words; private to
 * model/tokenizer_json.c.
 *
 * Read: Split (all five behaviours), ByteLevel, Digits, Metaspace, Sequence. */
#ifndef FOT_HF_PRETOKENIZER_H
#define FOT_HF_PRETOKENIZER_H

#include "model/hf_text.h"

struct hf_pretokenizer;
/* section may be NULL or null: the text is one word. Errors: FOT_ERR_INPUT by name of what is not read. */
int hf_pretokenizer_open(struct hf_pretokenizer **out, const cJSON *section, const char *where,
			 struct fot_err *err);
void hf_pretokenizer_close(struct hf_pretokenizer *z);
/* Is there a ByteLevel step: are words bytes, not characters? */
bool hf_pretokenizer_bytes(const struct hf_pretokenizer *z);

/* Memory of one caller. */
struct hf_cutting;
int hf_cutting_open(struct hf_cutting **out, const struct hf_pretokenizer *z, struct fot_err *err);
void hf_cutting_close(struct hf_cutting *w);
/* The words of a piece, in order, to the sink. Errors: FOT_ERR_RUN, FOT_ERR_INPUT, the sink's. */
int hf_cut(const struct hf_pretokenizer *z, struct hf_cutting *w, const struct hf_piece *piece,
	   const struct hf_sink *sink, struct fot_err *err);

#endif
