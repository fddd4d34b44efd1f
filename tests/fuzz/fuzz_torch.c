/* fuzz_torch.c: libFuzzer target: whatever the bytes, the reader of torch.save's files
 * refuses them or gives tensors that lie inside the archive.
 *
 * A first byte of 0 makes the rest an archive; any other makes it the pickle of one that
 * is well formed, so that the checksum does not keep the fuzzer out. */
#include <string.h>

#include "model/dtype.h"
#include "model/torch_zip.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/torch_writer.h"

static void read_archive(const uint8_t *bytes, size_t n)
{
	struct fot_torch *t = NULL;
	struct fot_err err = { 0 };
	int status = fot_torch_open_memory(&t, bytes, n, "fuzz", &err);

	require(status == err.code && (status == FOT_OK || status == FOT_ERR_INPUT));
	require((t != NULL) == (status == FOT_OK));
	for (size_t i = 0; t && i < fot_torch_count(t); i++) {
		const struct fot_tensor *x = fot_torch_at(t, i);
		const unsigned char *p = x->data;
		float sum[2];

		require(p >= bytes && x->bytes <= n && (size_t)(p - bytes) <= n - x->bytes);
		require((size_t)x->n * fot_dtype_size(x->dtype) == x->bytes && x->n > 0);
		if (x->dtype <= FOT_F64) {
			fot_widen(&sum[0], x->data, x->dtype, 1);
			fot_widen(&sum[1], p + x->bytes - fot_dtype_size(x->dtype), x->dtype, 1);
		}
	}
	fot_torch_close(t);
}

static void read_pickle(const uint8_t *bytes, size_t n)
{
	static const unsigned char storage[2][64];
	const struct torch_entry e[] = { { "a/data.pkl", bytes, n },
					 { "a/data/0", storage[0], 64 },
					 { "a/data/1", storage[1], 32 } };
	struct fot_str file = FOT_STR_INIT;

	torch_zip(&file, e, 3, false, NULL);
	require(!file.failed);
	read_archive((const uint8_t *)file.data, file.len);
	fot_str_release(&file);
}

/* A whole state dict now and then: chance does not find the names of globals. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned seed)
{
	static const struct torch_tensor t[] = { { "a", "FloatStorage", "0", 16, 4, 2, { 3, 4 }, { 4, 1 } },
						 { "b", "HalfStorage", "1", 16, 0, 4, { 2, 2, 2, 2 }, { 8, 4, 2, 1 } } };
	struct fot_str p = FOT_STR_INIT;

	if (seed % 64 == 0) {
		fot_str_putc(&p, 1);
		pickle_begin(&p);
		pickle_tensor(&p, &t[0]);
		pickle_tensor(&p, &t[1]);
		pickle_end(&p);
		if (!p.failed && p.len <= max) {
			memcpy(data, p.data, p.len);
			n = p.len;
		}
		fot_str_release(&p);
	}
	return LLVMFuzzerMutate(data, n, max);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	if (n == 0)
		return 0;
	if (bytes[0] == 0)
		read_archive(bytes + 1, n - 1);
	else
		read_pickle(bytes + 1, n - 1);
	return 0;
}
