/* spm_writer.h: writes SentencePiece model files, good and bad, for tests. */
#ifndef SPM_WRITER_H
#define SPM_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Fields of protocol buffers. */
void spm_varint(struct fot_str *s, uint64_t v);
void spm_number(struct fot_str *s, unsigned field, uint64_t v);
void spm_bytes(struct fot_str *s, unsigned field, const void *p, size_t n);
/* One piece of the vocabulary. */
void spm_piece_text(struct fot_str *s, const char *text, size_t n, float score, int type);

/* What a model is made of; the zero value plus `normal` is a good one. */
struct spm_recipe {
	const char *const *normal; /* pieces, best first */
	size_t n_normal;
	const float *scores; /* NULL: 0, -1, -2, ... */
	bool no_dummy, keep_spaces;
	bool no_unk, no_controls, no_bytes;
	int model_type;   /* 0: BPE */
	const void *tail; /* raw bytes at the end of trainer_spec */
	size_t n_tail;
	const void *rules; /* raw bytes at the end of normalizer_spec */
	size_t n_rules;
};

/* normalizer_spec and trainer_spec. */
void spm_specs(struct fot_str *s, const struct spm_recipe *r);
/* The whole file. Ids: 0 unk, 1 <s>, 2 </s>, 3.. bytes, 259.. normal pieces. */
void spm_model_file(struct fot_str *s, const struct spm_recipe *r);

#endif
