/* spm_proto.h: the parts of a SentencePiece model file that a BPE tokenizer
 * needs, read with bounds; private to model/tokenizer_spm.c and its tests. */
#ifndef FOT_SPM_PROTO_H
#define FOT_SPM_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum spm_type { SPM_NORMAL = 1, SPM_UNKNOWN, SPM_CONTROL, SPM_USER_DEFINED, SPM_UNUSED, SPM_BYTE };

/* Bytes inside the file; seen: the field is there. */
struct spm_span {
	const unsigned char *p;
	size_t n;
	bool seen;
};

struct spm_piece {
	const unsigned char *p;
	uint32_t n;
	float score; /* finite */
	enum spm_type type;
};

struct spm_model {
	struct spm_piece *piece; /* valid UTF-8, 1 to SPM_PIECE_MAX bytes, no NUL */
	int32_t n;
	bool add_dummy_prefix, remove_extra_whitespaces;
	struct spm_span unk_surface, bos_piece, eos_piece; /* defaults filled in */
};

#define SPM_PIECE_MAX 1024u

/* Read and check n bytes, into which *m points from then on. What the BPE
 * tokenizer cannot honour is refused by name. Errors: FOT_ERR_INPUT. */
int fot_spm_read(struct spm_model *m, const unsigned char *bytes, size_t n, const char *name,
		 struct fot_err *err);
void fot_spm_release(struct spm_model *m);

#endif
