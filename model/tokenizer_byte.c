/* tokenizer_byte.c: ids 0..255 are the bytes, 256 BOS, 257 EOS; BOS and EOS
 * have no text. */
#include "model/tokenizer_impl.h"

#include "base/hash.h"
#include "base/mem.h"

enum { BOS = 256, EOS = 257, VOCAB = 258 };

static int byte_encode(const struct fot_tokenizer *t, struct fot_ids *out, const char *text, size_t n,
		       struct fot_err *err)
{
	int status = fot_ids_reserve(out, fot_size_add(out->n, n), err);

	(void)t;
	if (status != FOT_OK)
		return status;
	for (size_t i = 0; i < n; i++)
		out->id[out->n + i] = (unsigned char)text[i];
	for (size_t i = 0; i < n && out->with_ends; i++)
		out->end[out->n + i] = i + 1;
	out->n += n;
	return FOT_OK;
}

static int byte_decode(const struct fot_tokenizer *t, struct fot_str *out, const int32_t *ids, size_t n,
		       struct fot_err *err)
{
	char text[256];
	size_t len = 0;

	(void)t;
	for (size_t i = 0; i < n; i++) {
		if (ids[i] < BOS)
			text[len++] = (char)(unsigned char)ids[i];
		if (len == sizeof text || i + 1 == n) {
			fot_str_add(out, text, len);
			len = 0;
		}
	}
	return fot_str_check(out, err);
}

static void byte_close(struct fot_tokenizer *t)
{
	fot_free(t);
}

static const struct fot_tokenizer_ops byte_ops = { "bytes", byte_encode, byte_decode, byte_close };

int fot_tokenizer_open_byte(struct fot_tokenizer **out, struct fot_err *err)
{
	struct fot_tokenizer *t = fot_calloc(1, sizeof *t);

	if (!t)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for the byte tokenizer");
	*t = (struct fot_tokenizer){ .ops = &byte_ops, .vocab = VOCAB, .bos = BOS, .eos = EOS };
	fot_sha256_of("byte", 4, t->hash);
	*out = t;
	return FOT_OK;
}
