/* model/safetensors.h: what is written reads back the same; every rule of the
 * format has a file that breaks it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "base/file.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/rng.h"
#include "model/dtype.h"
#include "model/safetensors.h"
#include "tests/unit/scratch.h"

static void fill(struct fot_rng *r, void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((unsigned char *)bytes)[i] = (unsigned char)fot_rng_u64(r);
}

/* One tensor of each dtype and rank 0 to 8, some empty, of random bytes. */
enum { N_EACH = 10, N_TENSORS = N_EACH * (FOT_MAX_RANK + 1) };
static unsigned char pool[N_TENSORS][4096];
static char names[N_TENSORS][48];

static void draw(struct fot_tensor *t, struct fot_rng *r)
{
	for (int i = 0; i < N_TENSORS; i++) {
		t[i] = (struct fot_tensor){ .name = names[i],
					    .dtype = (enum fot_dtype)(i % N_EACH),
					    .rank = i / N_EACH };
		t[i].n = 1;
		snprintf(names[i], sizeof(names[i]), "t\xc3\xa9ns\"or\\.%llu\t%d",
			 (unsigned long long)fot_rng_below(r, 1000), i);
		for (int k = 0; k < t[i].rank; k++) {
			t[i].shape[k] = (int64_t)fot_rng_below(r, 40) / 39 == 1 ?
						0 :
						1 + (int64_t)fot_rng_below(r, 2);
			t[i].n *= t[i].shape[k];
		}
		t[i].bytes = (size_t)t[i].n * fot_dtype_size(t[i].dtype);
		assert_true(t[i].bytes <= sizeof(pool[i]));
		t[i].data = pool[i];
		fill(r, pool[i], t[i].bytes);
	}
}

static void assert_same(const struct fot_tensor *a, const struct fot_tensor *b)
{
	assert_string_equal(a->name, b->name);
	assert_int_equal(a->dtype, b->dtype);
	assert_int_equal(a->rank, b->rank);
	for (int k = 0; k < a->rank; k++)
		assert_int_equal(a->shape[k], b->shape[k]);
	assert_int_equal(a->n, b->n);
	assert_int_equal(a->bytes, b->bytes);
	assert_memory_equal(a->data, b->data, a->bytes);
}

static void test_safetensors_round_trip(void **state)
{
	static const char *const meta[][2] = { { "format", "pt" }, { "n\xc3\xb6te", "a \"b\"\n\\c" } };
	struct fot_tensor t[N_TENSORS];
	struct fot_safetensors *st = NULL;
	struct fot_str raw = FOT_STR_INIT;
	struct fot_err err = { 0 };
	struct fot_rng r;

	(void)state;
	fot_rng_init(&r, 3, "test.safetensors", 0);
	draw(t, &r);
	assert_int_equal(fot_safetensors_write(scratch_path("m"), t, N_TENSORS, meta, 2, &err), FOT_OK);
	assert_int_equal(fot_safetensors_open(&st, scratch_path("m"), &err), FOT_OK);
	assert_int_equal(fot_safetensors_count(st), N_TENSORS);
	for (size_t i = 0; i < N_TENSORS; i++) {
		const struct fot_tensor *found = fot_safetensors_find(st, t[i].name);

		assert_non_null(found);
		assert_same(&t[i], found);
		assert_non_null(fot_safetensors_at(st, i)); /* order: see below */
	}
	assert_null(fot_safetensors_at(st, N_TENSORS));
	assert_null(fot_safetensors_find(st, "tensor"));
	assert_null(fot_safetensors_find(st, ""));
	assert_string_equal(fot_safetensors_metadata(st, "format"), "pt");
	assert_string_equal(fot_safetensors_metadata(st, "n\xc3\xb6te"), "a \"b\"\n\\c");
	assert_null(fot_safetensors_metadata(st, "Format"));
	fot_safetensors_close(st);
	assert_int_equal(fot_file_read(&raw, scratch_path("m"), 1 << 24, &err), FOT_OK);
	assert_int_equal((unsigned char)raw.data[0] % 8, 0); /* header padded */
	fot_str_release(&raw);
}

static void test_safetensors_at_is_file_order(void **state)
{
	static const char header[] = "{\"z\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]},"
				     "\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[3,7]},"
				     "\"e\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[3,3]},"
				     "\"m\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}  ";
	static const char *const order[] = { "m", "z", "e", "a" };
	struct fot_str file = FOT_STR_INIT;
	struct fot_safetensors *st = NULL;
	struct fot_err err = { 0 };

	(void)state;
	fot_str_add(&file, "\0\0\0\0\0\0\0\0", 8);
	file.data[0] = (char)(sizeof(header) - 1);
	fot_str_add(&file, header, sizeof(header) - 1);
	fot_str_add(&file, "0123456", 7);
	assert_int_equal(fot_safetensors_open_memory(&st, file.data, file.len, "mem", &err), FOT_OK);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(fot_safetensors_at(st, i)->name, order[i]);
	assert_memory_equal(fot_safetensors_find(st, "a")->data, "3456", 4);
	assert_int_equal(fot_safetensors_find(st, "m")->n, 1);
	assert_null(fot_safetensors_metadata(st, "format"));
	fot_safetensors_close(st);
	fot_str_release(&file);
}

/* A file from a header and n data bytes. */
static void build(struct fot_str *file, const char *header, size_t header_len, size_t n)
{
	uint64_t len = header_len;

	fot_str_clear(file);
	fot_str_add(file, &len, 8);
	fot_str_add(file, header, header_len);
	for (size_t i = 0; i < n; i++)
		fot_str_putc(file, (char)('A' + i % 26));
}

#define T(dtype, shape, offsets) "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static const struct bad {
	const char *header;
	size_t n; /* data bytes */
	const char *fragment;
} bad[] = {
	{ "", 0, "InvalidHeaderStart" },
	{ " {}", 0, "InvalidHeaderStart: expected '{' at offset 8" },
	{ "[]", 0, "InvalidHeaderStart" },
	{ "{", 0, "InvalidHeader" },
	{ "{}x", 0, "InvalidHeader" },
	{ "{}{}", 0, "InvalidHeader" },
	{ "{\"a\xff\":1}", 0, "InvalidHeader: not UTF-8 at offset 11" },
	{ "{}", 1, "MetadataIncompleteBuffer: the tensors take 0 data bytes, the file holds 1" },
	{ "{\"a\":1}", 0, "tensor \"a\": TensorInvalidInfo: expected an object" },
	{ "{\"a\":{}}", 0, "TensorInvalidInfo: dtype" },
	{ "{\"a\":{\"dtype\":3,\"shape\":[],\"data_offsets\":[0,1]}}", 1, "TensorInvalidInfo: dtype" },
	{ "{\"a\":" T("F4", "[1]", "[0,1]") "}", 1, "dtype \"F4\" is not supported" },
	{ "{\"a\":" T("I4", "[2]", "[0,1]") "}", 1, "\"I4\"" },
	{ "{\"a\":" T("U8", "1", "[0,1]") "}", 1, "TensorInvalidInfo: shape: expected a list" },
	{ "{\"a\":" T("U8", "[-1]", "[0,1]") "}", 1, "TensorInvalidInfo: shape" },
	{ "{\"a\":" T("U8", "[1.5]", "[0,1]") "}", 1, "TensorInvalidInfo: shape" },
	{ "{\"a\":" T("U8", "[\"1\"]", "[0,1]") "}", 1, "TensorInvalidInfo: shape" },
	{ "{\"a\":" T("U8", "[1,1,1,1,1,1,1,1,1]", "[0,1]") "}", 1, "shape: expected at most 8 entries" },
	{ "{\"a\":" T("U8", "[9007199254740993]", "[0,1]") "}", 1, "TensorInvalidInfo: shape" },
	{ "{\"a\":" T("U8", "[4294967296,4294967296]", "[0,0]") "}", 0, "ValidationOverflow" },
	{ "{\"a\":" T("F64", "[4503599627370496,1024]", "[0,0]") "}", 0, "ValidationOverflow" },
	{ "{\"a\":" T("U8", "[4294967296,4294967296,0]", "[0,0]") "}", 0, "ValidationOverflow" },
	{ "{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, "data_offsets: expected a list" },
	{ "{\"a\":" T("U8", "[1]", "[0]") "}", 1, "data_offsets: expected 2 entries, got 1" },
	{ "{\"a\":" T("U8", "[1]", "[0,1,2]") "}", 1, "data_offsets: expected at most 2" },
	{ "{\"a\":" T("U8", "[1]", "[1,0]") "}", 1, "begin at 1, after their end 0" },
	{ "{\"a\":" T("U8", "[1]", "[-1,0]") "}", 1, "TensorInvalidInfo: data_offsets" },
	{ "{\"a\":" T("U8", "[1]", "[0,1.5]") "}", 1, "TensorInvalidInfo: data_offsets" },
	{ "{\"a\":" T("U8", "[1]", "[0,1e300]") "}", 1, "TensorInvalidInfo: data_offsets" },
	{ "{\"a\":" T("U8", "[1]", "[9007199254740992,9007199254740993]") "}", 1,
	  "TensorInvalidInfo: data_offsets" },
	{ "{\"a\":" T("F32", "[3]", "[0,11]") "}", 11,
	  "shape and dtype make 12 bytes, data_offsets 0 to 11 make 11" },
	{ "{\"a\":" T("F32", "[0]", "[0,4]") "}", 4, "make 0 bytes" },
	{ "{\"a\":" T("U8", "[4]", "[0,4]") "}", 3,
	  "MetadataIncompleteBuffer: ends at 4, the file holds 3 data bytes" },
	{ "{\"a\":" T("U8", "[4]", "[0,4]") "}", 5, "take 4 data bytes, the file holds 5" },
	{ "{\"a\":" T("U8", "[4]", "[1,5]") "}", 5,
	  "tensor \"a\": InvalidOffset: begins at 1, expected 0 (leaves a hole)" },
	{ "{\"a\":" T("U8", "[4]", "[0,4]") ",\"b\":" T("U8", "[4]", "[2,6]") "}", 6,
	  "tensor \"b\": InvalidOffset: begins at 2, expected 4 (overlaps" },
	{ "{\"a\":" T("U8", "[4]", "[0,4]") ",\"b\":" T("U8", "[4]", "[0,4]") "}", 4, "overlaps" },
	{ "{\"a\":" T("U8", "[4]", "[0,4]") ",\"b\":" T("U8", "[1]", "[5,6]") "}", 6, "leaves a hole" },
	{ "{\"a\":" T("U8", "[1]", "[0,1]") ",\"a\":" T("U8", "[1]", "[1,2]") "}", 2, "twice" },
	{ "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "twice" },
	{ "{\"__metadata__\":3}", 0, "__metadata__: expected an object" },
	{ "{\"__metadata__\":{\"a\":3}}", 0, "__metadata__: \"a\": expected a string" },
	{ "{\"a\\u0000b\":" T("U8", "[1]", "[0,1]") "}", 1, "NUL" },
};

static void test_safetensors_refuses_by_rule(void **state)
{
	struct fot_str file = FOT_STR_INIT;

	(void)state;
	for (size_t i = 0; i < FOT_COUNT(bad); i++) {
		struct fot_safetensors *st = NULL;
		struct fot_err err = { 0 };

		build(&file, bad[i].header, strlen(bad[i].header), bad[i].n);
		scratch_write("bad.safetensors", file.data, file.len);
		assert_fails(fot_safetensors_open(&st, scratch_path("bad.safetensors"), &err), FOT_ERR_INPUT,
			     &err, bad[i].fragment);
		assert_non_null(strstr(err.text, "bad.safetensors"));
		assert_null(st);
	}
	fot_str_release(&file);
}

static const struct raw_bad {
	const char *bytes;
	size_t n;
	const char *fragment;
} raw_bad[] = {
	{ "", 0, "HeaderTooSmall: expected at least 8 bytes, got 0" },
	{ "1234567", 7, "HeaderTooSmall" },
	{ "\3\0\0\0\0\0\0\0{}", 10, "InvalidHeaderLength: the header claims 3 bytes, the file has 2" },
	{ "\x01\xe1\xf5\x05\0\0\0\0{}", 10,
	  "HeaderTooLarge: expected a header of at most 100000000 bytes, got 100000001" },
	{ "\0\0\0\0\0\0\0\x80{}", 10, "HeaderTooLarge" },
	{ "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10, "HeaderTooLarge" },
	{ "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n", 63, "git-LFS pointer" },
	{ "<!DOCTYPE html><html>404</html>", 31, "HTML" },
	{ "<html>Not found</html>", 22, "HTML" },
	{ "PK\3\4\x14\0\x08\x08...", 11, "zip archive" },
	{ "GGUF\3\0\0\0\1\0\0\0", 12, "GGUF" },
};

static void test_safetensors_refuses_other_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < FOT_COUNT(raw_bad); i++) {
		struct fot_safetensors *st = NULL;
		struct fot_err err = { 0 };

		scratch_write("raw", raw_bad[i].bytes, raw_bad[i].n);
		assert_fails(fot_safetensors_open(&st, scratch_path("raw"), &err), FOT_ERR_INPUT, &err,
			     raw_bad[i].fragment);
	}
}

static void test_safetensors_refuses_what_is_no_file(void **state)
{
	struct fot_safetensors *st = NULL;
	struct fot_err err = { 0 };

	(void)state;
	assert_fails(fot_safetensors_open(&st, scratch_path("none"), &err), FOT_ERR_INPUT, &err, "none");
	assert_fails(fot_safetensors_open(&st, scratch_path(""), &err), FOT_ERR_INPUT, &err, "scratch");
	assert_int_equal(mkfifo(scratch_path("fifo"), 0600), 0);
	assert_fails(fot_safetensors_open(&st, scratch_path("fifo"), &err), FOT_ERR_INPUT, &err, "fifo");
}

/* A header whose length has the byte '<' first is not taken for HTML. */
static void test_safetensors_header_of_60_bytes(void **state)
{
	struct fot_str file = FOT_STR_INIT;
	struct fot_safetensors *st = NULL;
	struct fot_err err = { 0 };
	char header[60];

	(void)state;
	memset(header, ' ', sizeof(header));
	memcpy(header, "{}", 2);
	build(&file, header, sizeof(header), 0);
	assert_int_equal(file.data[0], '<');
	assert_int_equal(fot_safetensors_open_memory(&st, file.data, file.len, "mem", &err), FOT_OK);
	assert_int_equal(fot_safetensors_count(st), 0);
	assert_null(fot_safetensors_find(st, "a"));
	fot_safetensors_close(st);
	fot_str_release(&file);
}

static void test_safetensors_nested_header_is_refused(void **state)
{
	struct fot_str file = FOT_STR_INIT, header = FOT_STR_INIT;
	struct fot_safetensors *st = NULL;
	struct fot_err err = { 0 };

	(void)state;
	fot_str_puts(&header, "{\"a\":");
	for (int i = 0; i < 10000; i++)
		fot_str_putc(&header, '[');
	build(&file, header.data, header.len, 0);
	assert_fails(fot_safetensors_open_memory(&st, file.data, file.len, "mem", &err), FOT_ERR_INPUT, &err,
		     "nested");
	fot_str_release(&header);
	fot_str_release(&file);
}

/* A small valid file in memory. */
static void small_file(struct fot_str *file)
{
	static const char header[] = "{\"__metadata__\":{\"k\":\"v\"},\"b\":" T(
		"F32", "[2,1]", "[4,12]") ",\"a\":" T("BF16", "[2]", "[0,4]") "}";

	build(file, header, sizeof(header) - 1, 12);
}

static void test_safetensors_every_prefix_is_refused(void **state)
{
	struct fot_str file = FOT_STR_INIT;
	struct fot_safetensors *st = NULL;

	(void)state;
	small_file(&file);
	assert_int_equal(fot_safetensors_open_memory(&st, file.data, file.len, "mem", NULL), FOT_OK);
	fot_safetensors_close(st);
	for (size_t n = 0; n < file.len; n++) {
		char *copy = fot_alloc(n, 1); /* its own block: the sanitizer sees reads past it */

		memcpy(copy, file.data, n);
		assert_int_equal(fot_safetensors_open_memory(&st, copy, n, "mem", NULL), FOT_ERR_INPUT);
		fot_free(copy);
	}
	fot_str_release(&file);
}

static void test_safetensors_survives_failing_allocations(void **state)
{
	struct fot_str file = FOT_STR_INIT;
	struct fot_safetensors *st = NULL;
	int status = FOT_ERR_RUN;
	long k = 0;

	(void)state;
	small_file(&file);
	while (status != FOT_OK) {
		struct fot_err err = { 0 };

		fot_mem_fail_at(++k);
		status = fot_safetensors_open_memory(&st, file.data, file.len, "mem", &err);
		fot_mem_fail_at(0);
		if (status != FOT_OK)
			assert_int_equal(status, FOT_ERR_RUN);
		assert_true(k < 1000);
	}
	assert_true(k > 3);
	fot_safetensors_close(st);
	fot_str_release(&file);
}

static void test_safetensors_finds_among_many(void **state)
{
	enum { N = 5000 };
	struct fot_tensor *t = fot_calloc(N, sizeof(*t));
	char(*name)[16] = fot_alloc(N, sizeof(*name));
	struct fot_safetensors *st = NULL;
	struct fot_err err = { 0 };
	uint32_t data[N];

	(void)state;
	for (uint32_t i = 0; i < N; i++) {
		snprintf(name[i], sizeof(name[i]), "t%u", i * 2654435761u);
		data[i] = ~i;
		t[i] = (struct fot_tensor){
			.name = name[i], .dtype = FOT_I32, .n = 1, .data = &data[i], .bytes = 4
		};
	}
	assert_int_equal(fot_safetensors_write(scratch_path("many"), t, N, NULL, 0, &err), FOT_OK);
	assert_int_equal(fot_safetensors_open(&st, scratch_path("many"), &err), FOT_OK);
	for (uint32_t i = 0; i < N; i++) {
		assert_memory_equal(fot_safetensors_find(st, name[i])->data, &data[i], 4);
		assert_string_equal(fot_safetensors_at(st, i)->name, name[i]);
	}
	fot_safetensors_close(st);
	fot_free(t);
	fot_free(name);
}

static void test_safetensors_write_refuses_nonsense(void **state)
{
	const float x[2] = { 1, 2 };
	const struct fot_tensor good = { "a", FOT_F32, 1, { 2 }, 2, x, 8 };
	struct fot_tensor t[2] = { good, good };
	struct fot_err err = { 0 };

	(void)state;
	assert_fails(fot_safetensors_write(scratch_path("w"), t, 2, NULL, 0, &err), FOT_ERR_RUN, &err,
		     "twice");
	t[0].bytes = 7;
	assert_fails(fot_safetensors_write(scratch_path("w"), t, 1, NULL, 0, &err), FOT_ERR_RUN, &err,
		     "7 bytes");
	t[0] = good;
	t[0].shape[0] = -2;
	assert_fails(fot_safetensors_write(scratch_path("w"), t, 1, NULL, 0, &err), FOT_ERR_RUN, &err,
		     "shape");
	t[0] = good;
	t[0].rank = 9;
	assert_fails(fot_safetensors_write(scratch_path("w"), t, 1, NULL, 0, &err), FOT_ERR_RUN, &err,
		     "rank 9");
	t[0] = good;
	t[0].name = "__metadata__";
	assert_fails(fot_safetensors_write(scratch_path("w"), t, 1, NULL, 0, &err), FOT_ERR_RUN, &err,
		     "name");
	t[0].name = "bad\xff";
	assert_fails(fot_safetensors_write(scratch_path("w"), t, 1, NULL, 0, &err), FOT_ERR_RUN, &err,
		     "name");
	assert_false(fot_file_exists(scratch_path("w")));
	assert_fails(fot_safetensors_write(scratch_path("no/such/w"), &good, 1, NULL, 0, &err),
		     FOT_ERR_OUTPUT, &err, "no/such");
}

static void test_safetensors_write_failures_leave_the_old_file(void **state)
{
	const float x[2] = { 1, 2 };
	const struct fot_tensor t = { "a", FOT_F32, 1, { 2 }, 2, x, 8 };
	static const char *const calls[] = { "write", "fsync", "rename" };

	(void)state;
	for (size_t i = 0; i < FOT_COUNT(calls); i++) {
		struct fot_str kept = FOT_STR_INIT;
		struct fot_err err = { 0 };
		struct fot_names list;

		scratch_puts("old", "old");
		fot_file_fail_at(calls[i], 1, 28);
		assert_int_equal(fot_safetensors_write(scratch_path("old"), &t, 1, NULL, 0, &err),
				 FOT_ERR_OUTPUT);
		fot_file_fail_at(calls[i], 0, 0);
		assert_int_equal(fot_file_read(&kept, scratch_path("old"), 100, &err), FOT_OK);
		assert_string_equal(kept.data, "old");
		assert_int_equal(fot_dir_list(&list, scratch_path(""), &err), FOT_OK);
		assert_int_equal(list.n, 1); /* no temporary file */
		fot_names_release(&list);
		fot_str_release(&kept);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_safetensors_round_trip),
		TEST(test_safetensors_at_is_file_order),
		TEST(test_safetensors_refuses_by_rule),
		TEST(test_safetensors_refuses_other_files),
		TEST(test_safetensors_refuses_what_is_no_file),
		TEST(test_safetensors_header_of_60_bytes),
		TEST(test_safetensors_nested_header_is_refused),
		TEST(test_safetensors_every_prefix_is_refused),
		TEST(test_safetensors_survives_failing_allocations),
		TEST(test_safetensors_finds_among_many),
		TEST(test_safetensors_write_refuses_nonsense),
		TEST(test_safetensors_write_failures_leave_the_old_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
