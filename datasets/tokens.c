/* tokens.c: a document as token ids, through the cache.
 *
 * STORE/tokens/<16 hex of the text's sha256>-<16 hex of the tokenizer's>.i32:
 * a header with both hashes in full, the count and the CRC of the ids, then the
 * ids, little-endian as the machine writes them. The cache is a convenience: a
 * file that is damaged or belongs to something else is made anew, and one that
 * cannot be written is done without. */
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "datasets/dataset.h"

#define MAGIC "FOTTOK1\n"

struct header {
	char magic[8];
	char text_sha256[64], tokenizer_sha256[64];
	int64_t n;
	uint32_t crc, bytes_order; /* 0x01020304: another machine's order reads otherwise */
};

static void fill_header(struct header *h, const struct fot_document *doc, const struct fot_tokenizer *t,
			const struct fot_ids *ids)
{
	memset(h, 0, sizeof(*h));
	memcpy(h->magic, MAGIC, sizeof(h->magic));
	memcpy(h->text_sha256, doc->sha256, 64);
	memcpy(h->tokenizer_sha256, fot_tokenizer_hash(t), 64);
	h->bytes_order = 0x01020304;
	if (!ids)
		return;
	h->n = (int64_t)ids->n;
	h->crc = fot_crc32(0, ids->id, ids->n * sizeof(*ids->id));
}

static int cache_path(struct fot_str *out, const char *store, const struct fot_document *doc,
		      const struct fot_tokenizer *t, struct fot_err *err)
{
	fot_path_join(out, store, "tokens");
	fot_str_printf(out, "/%.16s-%.16s.i32", doc->sha256, fot_tokenizer_hash(t));
	return fot_str_check(out, err);
}

static bool ids_valid(const struct fot_ids *ids, int32_t vocab)
{
	for (size_t i = 0; i < ids->n; i++)
		if (ids->id[i] < 0 || ids->id[i] >= vocab)
			return false;
	return true;
}

/* Is the mapped file the cache of this text and tokenizer, whole and sound? */
static bool cache_fits(const struct fot_map *map, const struct header *want, struct header *got)
{
	if (map->size < sizeof(*got))
		return false;
	memcpy(got, map->data, sizeof(*got));
	if (memcmp(got, want, offsetof(struct header, n)) != 0 || got->bytes_order != want->bytes_order)
		return false;
	if (got->n < 0 || (map->size - sizeof(*got)) % sizeof(int32_t) != 0 ||
	    (uint64_t)got->n != (map->size - sizeof(*got)) / sizeof(int32_t))
		return false;
	return fot_crc32(0, map->data + sizeof(*got), map->size - sizeof(*got)) == got->crc;
}

/* True when out holds the cached ids. */
static bool cache_read(const char *path, const struct fot_document *doc, const struct fot_tokenizer *t,
		       struct fot_ids *out)
{
	struct fot_map map = { 0 };
	struct header want, got;
	bool ok;

	if (!fot_file_exists(path) || fot_map_open(&map, path, NULL) != FOT_OK)
		return false;
	fill_header(&want, doc, t, NULL);
	ok = cache_fits(&map, &want, &got) && fot_ids_reserve(out, (size_t)got.n, NULL) == FOT_OK;
	if (ok) {
		memcpy(out->id, map.data + sizeof(got), (size_t)got.n * sizeof(*out->id));
		out->n = (size_t)got.n;
		ok = ids_valid(out, fot_tokenizer_vocab(t));
	}
	if (!ok)
		out->n = 0;
	fot_map_close(&map);
	return ok;
}

static void cache_write(const char *store, const char *path, const struct fot_document *doc,
			const struct fot_tokenizer *t, const struct fot_ids *ids)
{
	struct fot_str folder = FOT_STR_INIT;
	struct fot_outfile *f = NULL;
	struct header h;

	fill_header(&h, doc, t, ids);
	fot_path_join(&folder, store, "tokens");
	if (folder.failed || fot_mkdir_all(folder.data, NULL) != FOT_OK || fot_outfile_open(&f, path, NULL) != FOT_OK)
		goto out;
	if (fot_outfile_write(f, &h, sizeof(h), NULL) != FOT_OK ||
	    fot_outfile_write(f, ids->id, ids->n * sizeof(*ids->id), NULL) != FOT_OK)
		fot_outfile_abort(f);
	else
		(void)fot_outfile_commit(f, NULL);
out:
	fot_str_release(&folder);
}

static int encode(const struct fot_dataset *d, size_t i, const struct fot_tokenizer *t, struct fot_ids *out,
		  struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_dataset_text(d, i, &text, err));
	if (fot_tokenizer_bos(t) >= 0)
		FOT_TRY(fot_ids_push(out, fot_tokenizer_bos(t), err));
	FOT_TRY(fot_tokenizer_encode(t, out, text.data, text.len, err));
out:
	fot_str_release(&text);
	if (status != FOT_OK)
		fot_err_prefix(err, "document %s", fot_dataset_at(d, i)->id);
	return status;
}

int fot_dataset_tokens(const struct fot_dataset *d, size_t i, const struct fot_tokenizer *t, const char *store,
		       struct fot_ids *out, struct fot_err *err)
{
	const struct fot_document *doc = fot_dataset_at(d, i);
	struct fot_str path = FOT_STR_INIT;
	int status;

	out->n = 0;
	if (!store)
		return encode(d, i, t, out, err);
	FOT_TRY(cache_path(&path, store, doc, t, err));
	if (cache_read(path.data, doc, t, out))
		goto out;
	FOT_TRY(encode(d, i, t, out, err));
	cache_write(store, path.data, doc, t, out);
out:
	fot_str_release(&path);
	return status;
}
