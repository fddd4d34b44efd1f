/* libFuzzer target: whatever the bytes, the safetensors reader refuses them or
 * gives tensors that lie inside them. */
#include <string.h>

#include "model/dtype.h"
#include "model/safetensors.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct fot_safetensors *st = NULL;
	struct fot_err err = { 0 };
	size_t total = 0;
	int status = fot_safetensors_open_memory(&st, bytes, n, "fuzz", &err);

	require(status == err.code && (status == FOT_OK || status == FOT_ERR_INPUT));
	require((st != NULL) == (status == FOT_OK));
	for (size_t i = 0; st && i < fot_safetensors_count(st); i++) {
		const struct fot_tensor *t = fot_safetensors_at(st, i);
		const unsigned char *p = t->data;
		float x;

		require(fot_safetensors_find(st, t->name) == t);
		require(p >= bytes && t->bytes <= n && (size_t)(p - bytes) <= n - t->bytes);
		require((size_t)t->n * fot_dtype_size(t->dtype) == t->bytes);
		if (t->n)
			fot_widen(&x, t->data, t->dtype, 1);
		total += t->bytes;
	}
	require(total <= n);
	fot_safetensors_close(st);
	return 0;
}
