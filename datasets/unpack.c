/* unpack.c: see unpack.h. What is unpacked is bounded: a small file may hold gigabytes of zeros. */
#include "datasets/unpack.h"

#include <string.h>
#include <zstd.h>

#include "base/file.h"
#include "datasets/text.h"

#define CHUNK ((size_t)1 << 17)

static bool is_zstd(const void *bytes, size_t n)
{
	return n >= 4 && memcmp(bytes, "\x28\xb5\x2f\xfd", 4) == 0;
}

bool fot_is_packed(const void *bytes, size_t n)
{
	return fot_text_is_gzip(bytes, n) || is_zstd(bytes, n);
}

/* All frames, one behind the other. */
static int unpack_zstd(struct fot_str *out, const void *bytes, size_t n, const char *name, size_t max,
		       struct fot_err *err)
{
	ZSTD_DStream *z = ZSTD_createDStream();
	ZSTD_inBuffer in = { bytes, n, 0 };
	char buf[CHUNK];
	size_t left = 1, start = out->len;
	int status = FOT_OK;

	if (!z)
		return FOT_NO_MEMORY(err, name);
	while (status == FOT_OK && (in.pos < n || left)) {
		ZSTD_outBuffer part = { buf, sizeof(buf), 0 };
		size_t before = in.pos;

		left = ZSTD_decompressStream(z, &part, &in);
		if (ZSTD_isError(left))
			status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: damaged compressed data (%s)", name,
					  ZSTD_getErrorName(left));
		else if (left && in.pos == n && in.pos == before && part.pos < sizeof(buf))
			status = FOT_FAIL(err, FOT_ERR_INPUT,
					  "%s: damaged or cut compressed data (it ends too early)", name);
		else
			fot_str_add(out, buf, part.pos);
		if (status == FOT_OK && out->len - start > max)
			status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: more than %zu bytes when unpacked", name,
					  max);
		if (status == FOT_OK)
			status = fot_str_check(out, err);
	}
	ZSTD_freeDStream(z);
	return status;
}

int fot_unpack(struct fot_str *out, const void *bytes, size_t n, const char *name, size_t max,
	       struct fot_err *err)
{
	return is_zstd(bytes, n) ? unpack_zstd(out, bytes, n, name, max, err) :
				   fot_text_gunzip(out, bytes, n, name, max, err);
}

int fot_unpacked_file(struct fot_str *out, const char *path, size_t max, struct fot_err *err)
{
	struct fot_str raw = FOT_STR_INIT;
	int status;

	fot_str_clear(out);
	FOT_TRY(fot_file_read(out, path, max, err));
	if (!fot_is_packed(out->data, out->len))
		goto out;
	raw = *out;
	*out = (struct fot_str)FOT_STR_INIT;
	FOT_TRY(fot_unpack(out, raw.data, raw.len, path, max, err));
	fot_str_puts(out, "");
	status = fot_str_check(out, err);
out:
	fot_str_release(&raw);
	return status;
}

int fot_unpacked_text(struct fot_str *out, const char *path, size_t max, struct fot_err *err)
{
	int status;

	FOT_TRY(fot_unpacked_file(out, path, max, err));
	FOT_TRY(fot_text_check(out->data, out->len, path, err));
	fot_text_plain(out, 0);
out:
	return status;
}

size_t fot_unpacked_name(const char *name)
{
	size_t n = strlen(name);

	if (n > 3 && strcmp(name + n - 3, ".gz") == 0)
		return n - 3;
	return n > 4 && strcmp(name + n - 4, ".zst") == 0 ? n - 4 : n;
}

bool fot_name_ends(const char *path, const char *suffix)
{
	size_t n = strlen(path), k = strlen(suffix);

	return n > k && path[n - k - 1] != '/' && strcmp(path + n - k, suffix) == 0;
}
