/* safetensors.c: reader and writer of the safetensors format.
 *
 * A file is N (8 bytes, little endian), N bytes of JSON header, then the data.
 * The reader parses the header once, turns each entry into a row of a table,
 * sorts the table by place and checks that the rows tile the data part without
 * overlap or hole; a second table sorted by name serves the look-ups.
 *
 * Invariants: after a successful open every row's data lie inside the mapping
 * and its bytes equal product(shape) * size(dtype).  Nothing of the file is
 * believed before it is compared with the file's real size.  The words in
 * capitals (HeaderTooSmall, ...) are the reference implementation's names. */
#include "model/safetensors.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/dtype.h"
#include "model/foreign.h"

#define LENGTH_BYTES 8u
#define HEADER_MAX 100000000u
#define EXACT_MAX ((INT64_C(1) << 53) - 1) /* largest integer that a double surely holds exactly */
#define METADATA "__metadata__"

struct row {
	struct fot_tensor t;
	uint64_t begin, end; /* data_offsets */
	size_t order;        /* in the header: makes the sort by place total */
};

struct fot_safetensors {
	struct fot_map map; /* empty when opened from memory */
	char *name;
	cJSON *header; /* owns the tensor names and the metadata */
	struct row *rows;
	size_t n;
	const struct row **by_name;
};

/* ---- the header -------------------------------------------------------- */

/* Why the header is too long: each of these, read as a length, is over the limit. */
static int refuse_length(uint64_t len, const unsigned char *bytes, size_t n, const char *name,
			 struct fot_err *err)
{
	const char *what = fot_foreign(bytes, n);

	if (what)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: this is %s", name, what);
	return FOT_FAIL(err, FOT_ERR_INPUT,
			"%s: HeaderTooLarge: expected a header of at most %u bytes, got %llu", name,
			HEADER_MAX, (unsigned long long)len);
}

static int header_length(size_t *out, const unsigned char *bytes, size_t n, const char *name,
			 struct fot_err *err)
{
	uint64_t len = 0;

	if (n < LENGTH_BYTES)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: HeaderTooSmall: expected at least 8 bytes, got %zu",
				name, n);
	for (size_t i = LENGTH_BYTES; i-- > 0;)
		len = len << 8 | bytes[i];
	if (len > HEADER_MAX)
		return refuse_length(len, bytes, n, name, err);
	if (len > n - LENGTH_BYTES)
		return FOT_FAIL(
			err, FOT_ERR_INPUT,
			"%s: InvalidHeaderLength: the header claims %llu bytes, the file has %zu after its length",
			name, (unsigned long long)len, n - LENGTH_BYTES);
	*out = (size_t)len;
	return FOT_OK;
}

static int parse_header(cJSON **out, const char *text, size_t len, const char *name, struct fot_err *err)
{
	size_t valid;

	if (len == 0 || text[0] != '{')
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: InvalidHeaderStart: expected '{' at offset 8", name);
	valid = fot_utf8_valid(text, len);
	if (valid != len)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: InvalidHeader: not UTF-8 at offset %zu", name,
				valid + LENGTH_BYTES);
	while (text[len - 1] == ' ')
		len--;
	if (fot_json_parse(out, text, len, name, FOT_ERR_INPUT, err) != FOT_OK)
		return fot_err_prefix(err, "InvalidHeader");
	return FOT_OK;
}

/* ---- one entry of the header ------------------------------------------- */

/* A list of exact integers in [0, 2^53) into out[max]; *n says how many. */
static int read_integers(uint64_t *out, size_t *n, size_t max, const cJSON *list, const char *what,
			 struct fot_err *err)
{
	const struct fot_json_ctx ctx = { what, FOT_ERR_INPUT };
	const cJSON *item;

	*n = 0;
	if (!cJSON_IsArray(list))
		return FOT_FAIL(err, FOT_ERR_INPUT, "TensorInvalidInfo: %s: expected a list of integers",
				what);
	cJSON_ArrayForEach (item, list) {
		int64_t v;

		if (*n == max)
			return FOT_FAIL(err, FOT_ERR_INPUT,
					"TensorInvalidInfo: %s: expected at most %zu entries", what, max);
		if (fot_json_as_i64(item, 0, EXACT_MAX, &v, &ctx, err) != FOT_OK)
			return fot_err_prefix(err, "TensorInvalidInfo");
		out[(*n)++] = (uint64_t)v;
	}
	return FOT_OK;
}

static int read_dtype(struct fot_tensor *t, const cJSON *entry, struct fot_err *err)
{
	const cJSON *dtype = cJSON_GetObjectItemCaseSensitive(entry, "dtype");
	int code;

	if (!cJSON_IsString(dtype))
		return FOT_FAIL(err, FOT_ERR_INPUT, "TensorInvalidInfo: dtype: expected a string");
	code = fot_dtype_parse(dtype->valuestring);
	if (code < 0)
		return FOT_FAIL(err, FOT_ERR_INPUT, "TensorInvalidInfo: dtype \"%s\" is not supported",
				dtype->valuestring);
	t->dtype = (enum fot_dtype)code;
	return FOT_OK;
}

static int read_shape(struct fot_tensor *t, const cJSON *entry, struct fot_err *err)
{
	uint64_t dims[FOT_MAX_RANK];
	uint64_t bytes = fot_dtype_size(t->dtype), n = 1;
	size_t rank;
	bool over = false;
	int status = read_integers(dims, &rank, FOT_MAX_RANK,
				   cJSON_GetObjectItemCaseSensitive(entry, "shape"), "shape", err);

	if (status != FOT_OK)
		return status;
	for (size_t i = 0; i < rank; i++) {
		t->shape[i] = (int64_t)dims[i];
		over |= __builtin_mul_overflow(n, dims[i], &n);
	}
	/* The product is formed in the order of the file, as the reference
	 * does: a zero behind an overflow does not mend it. */
	if (over || __builtin_mul_overflow(n, bytes, &bytes))
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"ValidationOverflow: the product of the shape is over 64 bits");
	t->rank = (int32_t)rank;
	t->n = (int64_t)n;
	t->bytes = (size_t)bytes;
	return FOT_OK;
}

static int read_offsets(struct row *r, const cJSON *entry, struct fot_err *err)
{
	uint64_t ends[2];
	size_t n;
	int status = read_integers(ends, &n, 2, cJSON_GetObjectItemCaseSensitive(entry, "data_offsets"),
				   "data_offsets", err);

	if (status != FOT_OK)
		return status;
	if (n != 2)
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"TensorInvalidInfo: data_offsets: expected 2 entries, got %zu", n);
	if (ends[0] > ends[1])
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"TensorInvalidInfo: data_offsets begin at %llu, after their end %llu",
				(unsigned long long)ends[0], (unsigned long long)ends[1]);
	if (ends[1] - ends[0] != r->t.bytes)
		return FOT_FAIL(
			err, FOT_ERR_INPUT,
			"TensorInvalidInfo: shape and dtype make %zu bytes, data_offsets %llu to %llu make %llu",
			r->t.bytes, (unsigned long long)ends[0], (unsigned long long)ends[1],
			(unsigned long long)(ends[1] - ends[0]));
	r->begin = ends[0];
	r->end = ends[1];
	return FOT_OK;
}

static int read_entry(struct row *r, const cJSON *entry, const char *name, struct fot_err *err)
{
	int status;

	r->t.name = entry->string;
	if (!cJSON_IsObject(entry)) {
		status = FOT_FAIL(err, FOT_ERR_INPUT, "TensorInvalidInfo: expected an object");
		goto out;
	}
	FOT_TRY(read_dtype(&r->t, entry, err));
	FOT_TRY(read_shape(&r->t, entry, err));
	FOT_TRY(read_offsets(r, entry, err));
	return FOT_OK;
out:
	fot_err_prefix(err, "%s: tensor \"%s\"", name, entry->string);
	return status;
}

static int check_metadata(const cJSON *meta, const char *name, struct fot_err *err)
{
	const cJSON *item;

	if (!cJSON_IsObject(meta))
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"%s: InvalidHeader: " METADATA ": expected an object of strings", name);
	cJSON_ArrayForEach (item, meta)
		if (!cJSON_IsString(item))
			return FOT_FAIL(err, FOT_ERR_INPUT,
					"%s: InvalidHeader: " METADATA ": \"%s\": expected a string", name,
					item->string);
	return FOT_OK;
}

/* ---- the table --------------------------------------------------------- */

static int compare_place(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	if (x->end != y->end)
		return x->end < y->end ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static int compare_name(const void *a, const void *b)
{
	return strcmp((*(const struct row *const *)a)->t.name, (*(const struct row *const *)b)->t.name);
}

static int read_rows(struct fot_safetensors *st, struct fot_err *err)
{
	const cJSON *entry;
	size_t count = 0;

	cJSON_ArrayForEach (entry, st->header)
		count++;
	st->rows = fot_calloc(count, sizeof *st->rows);
	if (!st->rows)
		return FOT_FAIL(err, FOT_ERR_RUN, "%s: out of memory for %zu tensors", st->name, count);
	cJSON_ArrayForEach (entry, st->header) {
		struct row *r = &st->rows[st->n];
		int status;

		if (strcmp(entry->string, METADATA) == 0) {
			status = check_metadata(entry, st->name, err);
		} else {
			r->order = st->n;
			status = read_entry(r, entry, st->name, err);
			st->n++;
		}
		if (status != FOT_OK)
			return status;
	}
	return FOT_OK;
}

/* The rows, sorted by place, must tile [0, size) exactly. */
static int place_rows(struct fot_safetensors *st, const unsigned char *data, size_t size, struct fot_err *err)
{
	uint64_t at = 0;

	qsort(st->rows, st->n, sizeof *st->rows, compare_place);
	for (size_t i = 0; i < st->n; i++) {
		struct row *r = &st->rows[i];

		if (r->begin != at)
			return FOT_FAIL(
				err, FOT_ERR_INPUT,
				"%s: tensor \"%s\": InvalidOffset: begins at %llu, expected %llu (%s)",
				st->name, r->t.name, (unsigned long long)r->begin, (unsigned long long)at,
				r->begin < at ? "overlaps the tensor before it" : "leaves a hole");
		if (r->end > size)
			return FOT_FAIL(
				err, FOT_ERR_INPUT,
				"%s: tensor \"%s\": MetadataIncompleteBuffer: ends at %llu, the file holds %zu data bytes "
				"(cut short?)",
				st->name, r->t.name, (unsigned long long)r->end, size);
		at = r->end;
		r->t.data = data + r->begin;
	}
	if (at != size)
		return FOT_FAIL(
			err, FOT_ERR_INPUT,
			"%s: MetadataIncompleteBuffer: the tensors take %llu data bytes, the file holds %zu",
			st->name, (unsigned long long)at, size);
	return FOT_OK;
}

static int index_names(struct fot_safetensors *st, struct fot_err *err)
{
	st->by_name = fot_alloc(st->n, sizeof(*st->by_name));
	if (!st->by_name)
		return FOT_FAIL(err, FOT_ERR_RUN, "%s: out of memory for %zu names", st->name, st->n);
	for (size_t i = 0; i < st->n; i++)
		st->by_name[i] = &st->rows[i];
	qsort(st->by_name, st->n, sizeof(*st->by_name), compare_name);
	for (size_t i = 1; i < st->n; i++)
		if (compare_name(&st->by_name[i - 1], &st->by_name[i]) == 0)
			return FOT_FAIL(err, FOT_ERR_INPUT,
					"%s: tensor \"%s\": InvalidHeader: the name stands there twice",
					st->name, st->by_name[i]->t.name);
	return FOT_OK;
}

static int read_all(struct fot_safetensors *st, const unsigned char *bytes, size_t n, struct fot_err *err)
{
	size_t len = 0;
	int status;

	FOT_TRY(header_length(&len, bytes, n, st->name, err));
	FOT_TRY(parse_header(&st->header, (const char *)bytes + LENGTH_BYTES, len, st->name, err));
	FOT_TRY(read_rows(st, err));
	FOT_TRY(place_rows(st, bytes + LENGTH_BYTES + len, n - LENGTH_BYTES - len, err));
	FOT_TRY(index_names(st, err));
out:
	return status;
}

static struct fot_safetensors *new_reader(const char *name, struct fot_err *err)
{
	struct fot_safetensors *st = fot_calloc(1, sizeof *st);

	if (st)
		st->name = fot_strdup(name);
	if (!st || !st->name) {
		fot_free(st);
		FOT_NO_MEMORY(err, name);
		return NULL;
	}
	return st;
}

int fot_safetensors_open_memory(struct fot_safetensors **out, const void *bytes, size_t n, const char *name,
				struct fot_err *err)
{
	struct fot_safetensors *st = new_reader(name, err);
	int status;

	if (!st)
		return FOT_ERR_RUN;
	status = read_all(st, bytes, n, err);
	if (status == FOT_OK)
		*out = st;
	else
		fot_safetensors_close(st);
	return status;
}

int fot_safetensors_open(struct fot_safetensors **out, const char *path, struct fot_err *err)
{
	struct fot_safetensors *st = new_reader(path, err);
	int status;

	if (!st)
		return FOT_ERR_RUN;
	FOT_TRY(fot_map_open(&st->map, path, err));
	FOT_TRY(read_all(st, st->map.data, st->map.size, err));
	*out = st;
	return FOT_OK;
out:
	fot_safetensors_close(st);
	return status;
}

void fot_safetensors_close(struct fot_safetensors *st)
{
	if (!st)
		return;
	fot_map_close(&st->map);
	cJSON_Delete(st->header);
	fot_free(st->by_name);
	fot_free(st->rows);
	fot_free(st->name);
	fot_free(st);
}

size_t fot_safetensors_count(const struct fot_safetensors *st)
{
	return st->n;
}

const struct fot_tensor *fot_safetensors_at(const struct fot_safetensors *st, size_t i)
{
	return i < st->n ? &st->rows[i].t : NULL;
}

const struct fot_tensor *fot_safetensors_find(const struct fot_safetensors *st, const char *name)
{
	const struct row key = { .t.name = name }, *p = &key;
	const struct row *const *hit = bsearch(&p, st->by_name, st->n, sizeof(*st->by_name), compare_name);

	return hit ? &(*hit)->t : NULL;
}

const char *fot_safetensors_metadata(const struct fot_safetensors *st, const char *key)
{
	const cJSON *item =
		cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(st->header, METADATA), key);

	return item ? item->valuestring : NULL;
}

/* ---- writing ----------------------------------------------------------- */

static int check_writable(const struct fot_tensor *t, const char *path, struct fot_err *err)
{
	size_t n = 1;

	if (t->rank < 0 || t->rank > FOT_MAX_RANK)
		return FOT_FAIL(err, FOT_ERR_RUN, "%s: tensor \"%s\": rank %d cannot be written", path,
				t->name, t->rank);
	for (int32_t i = 0; i < t->rank; i++)
		n = t->shape[i] < 0 ? SIZE_MAX : fot_size_mul(n, (size_t)t->shape[i]);
	if (fot_size_mul(n, fot_dtype_size(t->dtype)) != t->bytes || t->bytes > (size_t)EXACT_MAX)
		return FOT_FAIL(err, FOT_ERR_RUN,
				"%s: tensor \"%s\": its shape and dtype do not make %zu bytes", path, t->name,
				t->bytes);
	if (strcmp(t->name, METADATA) == 0 || fot_utf8_valid(t->name, strlen(t->name)) != strlen(t->name))
		return FOT_FAIL(err, FOT_ERR_RUN, "%s: tensor \"%s\": the name cannot be written", path,
				t->name);
	return FOT_OK;
}

static int compare_tensor_name(const void *a, const void *b)
{
	return strcmp((*(const struct fot_tensor *const *)a)->name,
		      (*(const struct fot_tensor *const *)b)->name);
}

static int check_distinct(const struct fot_tensor *tensors, size_t n, const char *path, struct fot_err *err)
{
	const struct fot_tensor **sorted = fot_alloc(n, sizeof(*sorted));
	int status = FOT_OK;

	if (!sorted)
		return FOT_FAIL(err, FOT_ERR_RUN, "%s: out of memory for %zu names", path, n);
	for (size_t i = 0; i < n; i++)
		sorted[i] = &tensors[i];
	qsort(sorted, n, sizeof(*sorted), compare_tensor_name);
	for (size_t i = 1; i < n && status == FOT_OK; i++)
		if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
			status = FOT_FAIL(err, FOT_ERR_RUN, "%s: tensor \"%s\" is to be written twice", path,
					  sorted[i]->name);
	fot_free(sorted);
	return status;
}

static void put_tensor(struct fot_str *h, const struct fot_tensor *t, size_t begin)
{
	fot_str_json(h, t->name, strlen(t->name));
	fot_str_printf(h, ":{\"dtype\":\"%s\",\"shape\":[", fot_dtype_name(t->dtype));
	for (int32_t i = 0; i < t->rank; i++)
		fot_str_printf(h, "%s%lld", i ? "," : "", (long long)t->shape[i]);
	fot_str_printf(h, "],\"data_offsets\":[%zu,%zu]}", begin, begin + t->bytes);
}

static void put_metadata(struct fot_str *h, const char *const (*metadata)[2], size_t n_meta)
{
	fot_str_puts(h, "\"" METADATA "\":{");
	for (size_t i = 0; i < n_meta; i++) {
		fot_str_puts(h, i ? "," : "");
		fot_str_json(h, metadata[i][0], strlen(metadata[i][0]));
		fot_str_putc(h, ':');
		fot_str_json(h, metadata[i][1], strlen(metadata[i][1]));
	}
	fot_str_putc(h, '}');
}

/* Length and header text, ready to be written. */
static int build_header(struct fot_str *h, const char *path, const struct fot_tensor *tensors, size_t n,
			const char *const (*metadata)[2], size_t n_meta, struct fot_err *err)
{
	size_t at = 0, len;

	fot_str_add(h, "\0\0\0\0\0\0\0\0", LENGTH_BYTES);
	fot_str_putc(h, '{');
	if (n_meta)
		put_metadata(h, metadata, n_meta);
	for (size_t i = 0; i < n; i++) {
		int status = check_writable(&tensors[i], path, err);

		if (status != FOT_OK)
			return status;
		if (i || n_meta)
			fot_str_putc(h, ',');
		put_tensor(h, &tensors[i], at);
		at = fot_size_add(at, tensors[i].bytes);
	}
	fot_str_putc(h, '}');
	while (h->len % 8 != 0 && !h->failed)
		fot_str_putc(h, ' ');
	if (h->failed)
		return fot_str_check(h, err);
	len = h->len - LENGTH_BYTES;
	if (len > HEADER_MAX || at > (size_t)EXACT_MAX)
		return FOT_FAIL(err, FOT_ERR_RUN,
				"%s: header of %zu bytes and %zu data bytes are over the format's limits",
				path, len, at);
	for (size_t i = 0; i < LENGTH_BYTES; i++)
		h->data[i] = (char)(unsigned char)(len >> (8 * i));
	return FOT_OK;
}

int fot_safetensors_write(const char *path, const struct fot_tensor *tensors, size_t n,
			  const char *const (*metadata)[2], size_t n_meta, struct fot_err *err)
{
	struct fot_str header = FOT_STR_INIT;
	struct fot_outfile *f = NULL;
	int status;

	FOT_TRY(check_distinct(tensors, n, path, err));
	FOT_TRY(build_header(&header, path, tensors, n, metadata, n_meta, err));
	FOT_TRY(fot_outfile_open(&f, path, err));
	FOT_TRY(fot_outfile_write(f, header.data, header.len, err));
	for (size_t i = 0; i < n; i++)
		if (tensors[i].bytes)
			FOT_TRY(fot_outfile_write(f, tensors[i].data, tensors[i].bytes, err));
	status = fot_outfile_commit(f, err);
	f = NULL;
out:
	fot_outfile_abort(f);
	fot_str_release(&header);
	return status;
}
