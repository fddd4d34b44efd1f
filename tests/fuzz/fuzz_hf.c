/* libFuzzer target: a tokenizer.json is refused, or tokenises with it.
 *
 * Input: two bytes k (little endian), k bytes of text, the file.  What is encoded must be ids of the
 * vocabulary whose ends do not fall, and decodes to UTF-8; a text may be refused (a regular expression
 * that takes too long), but not with another error. */
#include <string.h>

#include "model/tokenizer.h"
#include "tests/fuzz/fuzz.h"

static void encode(const struct fot_tokenizer *t, struct fot_ids *ids, const char *text, size_t n)
{
	struct fot_ids ends = { 0 };
	struct fot_err err = { 0 };
	int status = fot_tokenizer_encode(t, ids, text, n, &err);

	require(status == FOT_OK || status == FOT_ERR_INPUT);
	for (size_t i = 0; i < ids->n; i++)
		require(ids->id[i] >= 0 && ids->id[i] < fot_tokenizer_vocab(t));
	require(fot_tokenizer_encode_ends(t, &ends, SIZE_MAX, text, n, &err) == status);
	require(ends.n == ids->n);
	require(status != FOT_OK || ends.n == 0 || ends.end[ends.n - 1] == n);
	fot_ids_release(&ends);
}

static void decode(const struct fot_tokenizer *t, const struct fot_ids *ids)
{
	struct fot_str out = FOT_STR_INIT;
	struct fot_err err = { 0 };
	int status = fot_tokenizer_decode(t, &out, ids->id, ids->n, &err);

	require(status == FOT_OK || status == FOT_ERR_INPUT);
	require(fot_utf8_valid(out.data ? out.data : "", out.len) == out.len);
	fot_str_release(&out);
}

static void use(const struct fot_tokenizer *t, const char *text, size_t n)
{
	struct fot_ids ids = { 0 };
	struct fot_err err = { 0 };

	encode(t, &ids, text, n);
	decode(t, &ids);
	ids.n = 0;
	for (size_t i = 0; i < n; i++)
		require(fot_ids_push(&ids, (unsigned char)text[i] * 2 - 1, &err) == FOT_OK);
	decode(t, &ids);
	fot_ids_release(&ids);
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
	status = fot_tokenizer_open_json_memory(&t, (const char *)bytes + 2 + k, n - 2 - k, "fuzz", &err);
	require(status == err.code && (status == FOT_OK || status == FOT_ERR_INPUT));
	require((t != NULL) == (status == FOT_OK));
	if (t)
		use(t, (const char *)bytes + 2, k);
	fot_tokenizer_close(t);
	return 0;
}
