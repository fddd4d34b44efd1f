/* libFuzzer target: the SentencePiece reader refuses a model or tokenises with it.
 *
 * Input: two bytes k (little endian), k bytes of text, the model file.  What a
 * model encodes must be ids of its vocabulary, and the text's own bytes taken
 * as ids must decode or be refused. */
#include <string.h>

#include "model/tokenizer.h"
#include "tests/fuzz/fuzz.h"

static void use(const struct fot_tokenizer *t, const char *text, size_t n)
{
	struct fot_ids ids = { 0 }, ends = { 0 };
	struct fot_str out = FOT_STR_INIT;
	struct fot_err err = { 0 };
	int32_t vocab = fot_tokenizer_vocab(t);

	require(fot_tokenizer_encode(t, &ids, text, n, &err) == FOT_OK);
	require(ids.n <= 3 * n + 3);
	for (size_t i = 0; i < ids.n; i++)
		require(ids.id[i] >= 0 && ids.id[i] < vocab);
	require(fot_tokenizer_decode(t, &out, ids.id, ids.n, &err) == FOT_OK);
	require(fot_utf8_valid(out.data ? out.data : "", out.len) == out.len);
	/* the ends: as many, none falls, the last is the text's */
	require(fot_tokenizer_encode_ends(t, &ends, SIZE_MAX, text, n, &err) == FOT_OK);
	require(ends.n == ids.n && (ends.n == 0 || ends.end[ends.n - 1] == n));
	fot_ids_release(&ends);
	ids.n = 0;
	for (size_t i = 0; i < n; i++)
		require(fot_ids_push(&ids, (unsigned char)text[i] * 2 - 1, &err) == FOT_OK);
	(void)fot_tokenizer_decode(t, &out, ids.id, ids.n, &err);
	fot_ids_release(&ids);
	fot_str_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct fot_tokenizer *t = NULL;
	struct fot_err err = { 0 };
	size_t k;
	int status;

	if (n < 2)
		return 0;
	k = bytes[0] | (size_t)bytes[1] << 8;
	if (k > n - 2)
		k = n - 2;
	status = fot_tokenizer_open_spm_memory(&t, bytes + 2 + k, n - 2 - k, "fuzz", &err);
	require(status == err.code && (status == FOT_OK || status == FOT_ERR_INPUT));
	require((t != NULL) == (status == FOT_OK));
	if (t)
		use(t, (const char *)bytes + 2, k);
	fot_tokenizer_close(t);
	return 0;
}
