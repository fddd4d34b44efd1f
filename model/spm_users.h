/* spm_users.h: the user-defined symbols of a SentencePiece model; private to model/tokenizer_spm.c.
 *
 * Where one begins, at any character, it is taken whole, the longest of them; merging sees only what lies
 * between them.  So does the library: its prefix matcher splits the normalised text, and what it found is
 * frozen.  A symbol with a space, not its sign U+2581, is never found there; one with several keeps the
 * library from squeezing them, which is not read. */
#ifndef FOT_SPM_USERS_H
#define FOT_SPM_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/spm_proto.h"

struct spm_users {
	const struct spm_piece *piece; /* all of the model's */
	int32_t *id;                   /* [n] of the symbols, sorted by their bytes */
	size_t n;
	bool begins[256]; /* with this byte does one begin */
};

/* m must stay. Errors: FOT_ERR_INPUT, FOT_ERR_RUN (memory). Release always. */
int fot_spm_users_build(struct spm_users *u, const struct spm_model *m, const char *name,
			struct fot_err *err);
/* The longest symbol at the front of n > 0 bytes, -1 if there is none. */
int32_t fot_spm_users_match(const struct spm_users *u, const unsigned char *p, size_t n);
void fot_spm_users_release(struct spm_users *u);

#endif
