/* tokenizer.h: text to token ids and back.
 *
 * byte: ids 0..255 are the bytes, 256 BOS, 257 EOS.
 * spm: a SentencePiece BPE model (identity normaliser, byte fallback), read by
 * our own bounded reader; see tokenizer_spm.c for the rules.
 * json: a tokenizer.json with a BPE model; see tokenizer_json.c. */
#ifndef FOT_TOKENIZER_H
#define FOT_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "model/config.h"

struct fot_ids {
	int32_t *id;
	size_t n, cap;
	/* Where in the text each token ends, see fot_tokenizer_encode_ends; only where with_ends. */
	size_t *end;
	bool with_ends;
	size_t enough; /* with_ends: an encoder may stop when there are this many */
};
#define FOT_END_UNKNOWN SIZE_MAX

void fot_ids_release(struct fot_ids *ids);
int fot_ids_reserve(struct fot_ids *ids, size_t n, struct fot_err *err);
/* A token whose end is unknown (FOT_END_UNKNOWN). */
int fot_ids_push(struct fot_ids *ids, int32_t id, struct fot_err *err);
/* A token that ends `end` bytes behind the text's beginning; the end is kept where with_ends. */
int fot_ids_push_end(struct fot_ids *ids, int32_t id, size_t end, struct fot_err *err);

struct fot_tokenizer;
int fot_tokenizer_open_byte(struct fot_tokenizer **out, struct fot_err *err);
/* path: a tokenizer.model file. Errors: FOT_ERR_INPUT. */
int fot_tokenizer_open_spm(struct fot_tokenizer **out, const char *path, struct fot_err *err);
/* The same from n bytes (copied); name stands in messages. */
int fot_tokenizer_open_spm_memory(struct fot_tokenizer **out, const void *bytes, size_t n, const char *name,
				  struct fot_err *err);
/* path: a tokenizer.json file. Errors: FOT_ERR_INPUT, with the name of what is not read. */
int fot_tokenizer_open_json(struct fot_tokenizer **out, const char *path, struct fot_err *err);
int fot_tokenizer_open_json_memory(struct fot_tokenizer **out, const char *text, size_t n, const char *name,
				   struct fot_err *err);
/* A file of either kind: NAME.json is a tokenizer.json, all else a tokenizer.model. */
int fot_tokenizer_open_file(struct fot_tokenizer **out, const char *path, struct fot_err *err);
/* What a file of that kind is called in a model's folder. */
const char *fot_tokenizer_name(const char *path);
/* DIR/tokenizer.model, else DIR/tokenizer.json, else an empty path. Errors: FOT_ERR_RUN (memory). */
int fot_tokenizer_path(struct fot_str *path, const char *dir, struct fot_err *err);
/* The tokenizer of a model folder as its config says: that file, or the byte tokenizer. A file without
 * an EOS takes the config's. The config's vocabulary may be larger (padding): such ids are never
 * encoded and have no text. Errors: FOT_ERR_INPUT. */
int fot_tokenizer_open(struct fot_tokenizer **out, const char *dir, const struct fot_config *c, struct fot_err *err);
void fot_tokenizer_close(struct fot_tokenizer *t);
/* What it is, for people: "SentencePiece BPE (tokenizer.model)". */
const char *fot_tokenizer_kind(const struct fot_tokenizer *t);
int32_t fot_tokenizer_vocab(const struct fot_tokenizer *t);
int32_t fot_tokenizer_bos(const struct fot_tokenizer *t); /* -1 if none */
int32_t fot_tokenizer_eos(const struct fot_tokenizer *t);
/* Does this id end a text: EOS, or of a model folder another one that its config names? */
bool fot_tokenizer_ends(const struct fot_tokenizer *t, int32_t id);
/* sha256 hex of the model file, of the text "byte" for the byte tokenizer. */
const char *fot_tokenizer_hash(const struct fot_tokenizer *t);
/* Append the ids of n bytes of text; no BOS, no EOS. Thread-safe. */
int fot_tokenizer_encode(const struct fot_tokenizer *t, struct fot_ids *out, const char *text, size_t n,
			 struct fot_err *err);
/* The same into an empty list, and out->end[i]: behind which byte of the text token i ends.
 * The text is the one that was given, whatever the tokenizer makes of it before it looks for
 * pieces.  A token ends behind the last byte whose normal form is whole in the tokens so far:
 * a byte piece of a character behind its byte, a piece that stands for a run of blanks behind
 * the run.  What stands for nothing (a prefix) takes no bytes; what the tokenizer drops belongs
 * to the token before it, at the beginning to the first.  So the ends never fall, that of the
 * text's last token is n, and adjacent spans of tokens add up to the text.
 * most: how many tokens are wanted (SIZE_MAX: all); there may be more, fewer only if there are no
 * more.  Errors: FOT_ERR_RUN too for a tokenizer that cannot say. */
int fot_tokenizer_encode_ends(const struct fot_tokenizer *t, struct fot_ids *out, size_t most, const char *text,
			      size_t n, struct fot_err *err);
/* The ids of a text that goes on from another one: without what the tokenizer puts before
 * the beginning of a text. Errors: FOT_ERR_INPUT for a tokenizer with pieces that hold the
 * control character U+0001. */
int fot_tokenizer_encode_on(const struct fot_tokenizer *t, struct fot_ids *out, const char *text, size_t n,
			    struct fot_err *err);
/* Append the text of n ids; an id outside the vocabulary (the config's, of a model folder) is FOT_ERR_INPUT. */
int fot_tokenizer_decode(const struct fot_tokenizer *t, struct fot_str *out, const int32_t *ids, size_t n,
			 struct fot_err *err);

#endif
