/* test_torch_zip.c: files as torch.save writes them, and every way in which they can be bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the five above first */
#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "model/dtype.h"
#include "model/torch_zip.h"
#include "model/weights.h"
#include "model/zip.h"
#include "tests/unit/scratch.h"
#include "tests/unit/tiny_model.h"
#include "tests/unit/torch_writer.h"

static float floats[60];
static uint16_t halves[8];

static const struct torch_tensor matrix = { "a.weight", "FloatStorage", "0", 60, 0, 2, { 5, 4 }, { 4, 1 } };
static const struct torch_tensor cube = { "b", "FloatStorage", "0", 60, 12, 4, { 2, 1, 3, 8 }, { 24, 999, 8, 1 } };
static const struct torch_tensor scalar = { "c", "FloatStorage", "0", 60, 59, 0, { 0 }, { 0 } };
static const struct torch_tensor half = { "d", "BFloat16Storage", "1", 8, 2, 1, { 6 }, { 1 } };

static void fill(void)
{
	struct fot_rng r;

	fot_rng_init(&r, 3, "test.torch", 0);
	for (size_t i = 0; i < 60; i++)
		floats[i] = (float)fot_rng_normal(&r);
	for (size_t i = 0; i < 8; i++)
		halves[i] = (uint16_t)fot_rng_below(&r, 65536);
}

/* The archive of a pickle and the two storages. */
static void archive(struct fot_str *out, const struct fot_str *pickle, bool zip64)
{
	struct torch_entry e[] = { { "archive/data.pkl", pickle->data, pickle->len },
				   { "archive/byteorder", "little", 6 },
				   { "archive/data/0", floats, sizeof floats },
				   { "archive/data/1", halves, sizeof halves },
				   { "archive/version", "3\n", 2 } };

	fill();
	torch_zip(out, e, 5, zip64, NULL);
}

static void good_pickle(struct fot_str *p)
{
	pickle_begin(p);
	pickle_tensor(p, &matrix);
	pickle_tensor(p, &cube);
	pickle_op(p, "uh\1(", 4); /* as after a thousand items: set, go on */
	pickle_tensor(p, &scalar);
	pickle_text(p, "p");
	pickle_global(p, "torch._utils", "_rebuild_parameter");
	pickle_op(p, "(", 1);
	{ /* the tensor of a parameter, without its name */
		struct fot_str t = FOT_STR_INIT;

		pickle_tensor(&t, &half);
		pickle_op(p, t.data + 6, t.len - 6);
		fot_str_release(&t);
	}
	pickle_op(p, "\x88h\0)RtR", 7);
	pickle_end(p);
}

/* The good pickle leaves the dict twice on the stack; only the top one counts. */
static void check_good(const struct fot_str *file)
{
	static const struct torch_tensor *const want[] = { &matrix, &cube, &scalar, &half };
	static const char *const names[] = { "a.weight", "b", "c", "p" };
	struct fot_torch *t = NULL;
	struct fot_err err = { 0 };

	if (fot_torch_open_memory(&t, file->data, file->len, "x.bin", &err) != FOT_OK)
		fail_msg("%s", err.text);
	assert_int_equal(fot_torch_count(t), 4);
	for (size_t i = 0; i < 4; i++) {
		const struct fot_tensor *x = fot_torch_at(t, i);
		const void *data = i < 3 ? (const void *)(floats + want[i]->offset) : halves + want[i]->offset;

		assert_string_equal(x->name, names[i]);
		assert_int_equal(x->rank, want[i]->rank);
		for (int d = 0; d < x->rank; d++)
			assert_int_equal(x->shape[d], want[i]->shape[d]);
		assert_int_equal(x->dtype, i < 3 ? FOT_F32 : FOT_BF16);
		assert_int_equal(x->bytes, (size_t)x->n * (i < 3 ? 4 : 2));
		assert_memory_equal(x->data, data, x->bytes);
		assert_true((const char *)x->data >= file->data && (const char *)x->data < file->data + file->len);
	}
	assert_null(fot_torch_at(t, 4));
	fot_torch_close(t);
}

static void test_torch_zip_reads(void **state)
{
	(void)state;
	for (int zip64 = 0; zip64 < 2; zip64++) {
		struct fot_str p = FOT_STR_INIT, file = FOT_STR_INIT;

		good_pickle(&p);
		archive(&file, &p, zip64);
		check_good(&file);
		fot_str_release(&p);
		fot_str_release(&file);
	}
}

static void test_torch_zip_any_cut_is_refused(void **state)
{
	struct fot_str p = FOT_STR_INIT, file = FOT_STR_INIT;

	(void)state;
	good_pickle(&p);
	archive(&file, &p, true);
	for (size_t n = 0; n < file.len; n++) {
		struct fot_torch *t = NULL;
		struct fot_err err = { 0 };
		char *copy = fot_alloc(n, 1); /* so that a sanitizer sees the end */

		assert_non_null(copy);
		memcpy(copy, file.data, n);
		assert_int_equal(fot_torch_open_memory(&t, copy, n, "x.bin", &err), FOT_ERR_INPUT);
		fot_free(copy);
	}
	fot_str_release(&p);
	fot_str_release(&file);
}

/* Damage either is found or changes nothing that would be followed astray. */
static void test_torch_zip_any_flip_is_survived(void **state)
{
	struct fot_str p = FOT_STR_INIT, file = FOT_STR_INIT;
	size_t refused = 0;

	(void)state;
	good_pickle(&p);
	archive(&file, &p, true);
	for (size_t i = 0; i < file.len; i++)
		for (int bit = 0; bit < 8; bit += 7) {
			struct fot_torch *t = NULL;
			struct fot_err err = { 0 };

			file.data[i] = (char)(file.data[i] ^ 1 << bit);
			if (fot_torch_open_memory(&t, file.data, file.len, "x.bin", &err) != FOT_OK)
				refused++;
			else
				for (size_t k = 0; k < fot_torch_count(t); k++)
					assert_true((const char *)fot_torch_at(t, k)->data + fot_torch_at(t, k)->bytes <=
						    file.data + file.len);
			fot_torch_close(t);
			file.data[i] = (char)(file.data[i] ^ 1 << bit);
		}
	assert_true(refused > 2 * p.len); /* the pickle at least: it has a checksum */
	fot_str_release(&p);
	fot_str_release(&file);
}

static void refuse_file(const struct fot_str *file, const char *fragment)
{
	struct fot_torch *t = NULL;
	struct fot_err err = { 0 };

	assert_fails(fot_torch_open_memory(&t, file->data ? file->data : "", file->len, "x.bin", &err), FOT_ERR_INPUT,
		     &err, fragment);
	assert_null(t);
}

static void refuse_pickle(struct fot_str *p, const char *fragment)
{
	struct fot_str file = FOT_STR_INIT;

	archive(&file, p, false);
	refuse_file(&file, fragment);
	fot_str_release(&file);
	fot_str_release(p);
}

static void refuse_tensor(struct torch_tensor t, const char *fragment)
{
	struct fot_str p = FOT_STR_INIT;

	pickle_begin(&p);
	pickle_tensor(&p, &t);
	pickle_end(&p);
	refuse_pickle(&p, fragment);
}

static void test_torch_zip_refuses_tensors(void **state)
{
	(void)state;
	refuse_tensor((struct torch_tensor){ "a", "FloatStorage", "0", 60, 0, 2, { 4, 5 }, { 1, 4 } }, "not contiguous");
	refuse_tensor((struct torch_tensor){ "a", "FloatStorage", "0", 60, 0, 2, { 4, 5 }, { 10, 1 } }, "not contiguous");
	refuse_tensor((struct torch_tensor){ "a", "FloatStorage", "0", 60, 1, 2, { 10, 6 }, { 6, 1 } }, "does not fit");
	refuse_tensor((struct torch_tensor){ "a", "FloatStorage", "0", 60, -1, 1, { 2 }, { 1 } }, "does not fit");
	refuse_tensor((struct torch_tensor){ "a", "FloatStorage", "0", 60, INT64_MAX, 1, { 2 }, { 1 } }, "does not fit");
	refuse_tensor((struct torch_tensor){ "a", "FloatStorage", "0", 60, 0, 1, { -2 }, { 1 } }, "out of range");
	refuse_tensor((struct torch_tensor){ "a", "FloatStorage", "0", 60, 0, 2, { INT64_MAX, 3 }, { 3, 1 } }, "out of range");
	refuse_tensor((struct torch_tensor){ "a", "FloatStorage", "0", 61, 0, 1, { 2 }, { 1 } }, "61 numbers of 4 bytes");
	refuse_tensor((struct torch_tensor){ "a", "FloatStorage", "0", -60, 0, 1, { 2 }, { 1 } }, "-60 numbers");
	refuse_tensor((struct torch_tensor){ "a", "DoubleStorage", "0", 60, 0, 1, { 2 }, { 1 } }, "60 numbers of 8 bytes");
	refuse_tensor((struct torch_tensor){ "a", "FloatStorage", "7", 60, 0, 1, { 2 }, { 1 } }, "storage 7 is not in");
	refuse_tensor((struct torch_tensor){ "a", "QInt8Storage", "0", 60, 0, 1, { 2 }, { 1 } }, "torch.QInt8Storage");
}

static void test_torch_zip_refuses_programs(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *fragment;
	} row[] = {
#define ROW(bytes, fragment) { bytes, sizeof(bytes) - 1, fragment }
		ROW("", "cut off"),
		ROW("\x80\x04", "protocol 4: expected 2"),
		ROW("\x80\x02" "cposix\nsystem\n", "asks for posix.system"),
		ROW("\x80\x02" "cbuiltins\neval\n", "asks for builtins.eval"),
		ROW("\x80\x02" "ccollections\nOrderedDict", "cut off in a name"),
		ROW("\x80\x02i", "opcode 0x69"),
		ROW("\x80\x02\x93", "opcode 0x93"),
		ROW("\x80\x02.", "stack is empty"),
		ROW("\x80\x02K\1.", "expected a dict, got an integer"),
		ROW("\x80\x02N.", "expected a dict, got None"),
		ROW("\x80\x02(.", "expected a dict, got a mark"),
		ROW("\x80\x02}K\1K\2s.", "a key of the state dict is an integer"),
		ROW("\x80\x02}X\1\0\0\0aK\2s.", "\"a\" is an integer, expected a tensor"),
		ROW("\x80\x02}X\1\0\0\0ah\0s.", "memo 0 was never set"),
		ROW("\x80\x02}q\5h\4.", "memo 4 was never set"),
		ROW("\x80\x02q\1", "memo 1 is out of range"),
		ROW("\x80\x02}r\xff\xff\xff\xff.", "out of range"),
		ROW("\x80\x02u", "no mark"),
		ROW("\x80\x02t", "no mark"),
		ROW("\x80\x02(u", "without a dict"),
		ROW("\x80\x02}(K\1u.", "without a dict"),
		ROW("\x80\x02K\1(K\1K\2u.", "without a dict"),
		ROW("\x80\x02s", "stack is empty"),
		ROW("\x80\x02\x86", "stack is empty"),
		ROW("\x80\x02(\x85", "a mark inside a tuple"),
		ROW("\x80\x02R", "stack is empty"),
		ROW("\x80\x02}}R", "expected a tuple, got a dict"),
		ROW("\x80\x02})R", "expected a global, got a dict"),
		ROW("\x80\x02" "ctorch\nFloatStorage\n)R", "FloatStorage cannot be called"),
		ROW("\x80\x02" "ccollections\nOrderedDict\nN\x85R", "OrderedDict cannot be called with 1"),
		ROW("\x80\x02" "ctorch._utils\n_rebuild_tensor_v2\n)R", "expected 6 or 7 arguments"),
		ROW("\x80\x02" "ctorch._utils\n_rebuild_tensor_v2\n(NNNNNNtR", "expected a storage, got None"),
		ROW("\x80\x02" "ctorch._utils\n_rebuild_parameter\nNNN\x87R", "expected a tensor, got None"),
		ROW("\x80\x02)Q", "expected 5 items"),
		ROW("\x80\x02(NNNNNtQ", "expected a string, got None"),
		ROW("\x80\x02NQ", "expected a tuple"),
		ROW("\x80\x02}Nb", "expected a dict, got None"),
		ROW("\x80\x02X\xff\xff\xff\xff", "cut off"),
		ROW("\x80\x02\x8a\x09", "an integer of 9 bytes"),
		ROW("\x80\x02J\1\2", "cut off"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct fot_str p = FOT_STR_INIT;

		pickle_op(&p, row[i].bytes, row[i].n);
		if (!p.data)
			fot_str_puts(&p, "");
		refuse_pickle(&p, row[i].fragment);
	}
}

static void test_torch_zip_refuses_the_same_name_twice(void **state)
{
	struct fot_str p = FOT_STR_INIT;

	(void)state;
	pickle_begin(&p);
	pickle_tensor(&p, &matrix);
	pickle_tensor(&p, &matrix);
	pickle_end(&p);
	refuse_pickle(&p, "\"a.weight\" stands there twice");
}

static void refuse_entries(const struct torch_entry *e, size_t n, const char *fragment)
{
	struct fot_str file = FOT_STR_INIT;

	torch_zip(&file, e, n, false, NULL);
	refuse_file(&file, fragment);
	fot_str_release(&file);
}

static void test_torch_zip_refuses_archives(void **state)
{
	static const struct torch_entry two[] = { { "a/data.pkl", "x", 1 }, { "b/data.pkl", "y", 1 } };
	static const struct torch_entry same[] = { { "a/data.pkl", "x", 1 }, { "a/data.pkl", "y", 1 } };
	static const struct torch_entry big[] = { { "a/data.pkl", "x", 1 }, { "a/byteorder", "big", 3 } };
	struct fot_str file = FOT_STR_INIT;

	(void)state;
	refuse_entries(two, 1, "opcode 0x78");
	refuse_entries(two, 2, "two entries end in /data.pkl");
	refuse_entries(same, 2, "two entries are called a/data.pkl");
	refuse_entries(big, 2, "byte order");
	refuse_entries(big + 1, 1, "not a file of torch.save");
	refuse_entries(two, 0, "not a file of torch.save");
	refuse_file(&file, "not a zip archive");
	fot_str_add(&file, "\x80\x02\x8a\x0a", 4);
	refuse_file(&file, "before version 1.6");
	fot_str_release(&file);
}

/* Change one byte of a plain archive, counted from its central directory or end record. */
static void refuse_change(bool end, size_t at, unsigned char value, const char *fragment)
{
	static const struct torch_entry one = { "a/data.pkl", "x", 1 };
	struct fot_str file = FOT_STR_INIT;

	torch_zip(&file, &one, 1, false, NULL);
	file.data[(end ? file.len - 22 : file.len - 22 - 46 - 10 - 5) + at] = (char)value;
	refuse_file(&file, fragment);
	fot_str_release(&file);
}

static void test_torch_zip_refuses_directories(void **state)
{
	(void)state;
	refuse_change(false, 0, 'Q', "no entry at");
	refuse_change(false, 8, 1, "encrypted");
	refuse_change(false, 10, 8, "compressed");
	refuse_change(false, 16, 0, "checksum");
	refuse_change(false, 20, 2, "compressed");
	refuse_change(false, 28, 250, "cut off");
	refuse_change(false, 42, 3, "no local head");
	refuse_change(false, 44, 3, "no local head");
	refuse_change(true, 4, 1, "split");
	refuse_change(true, 10, 9, "does not fit");
	refuse_change(true, 15, 1, "does not fit");
	refuse_change(true, 18, 1, "does not fit");
	refuse_change(true, 20, 1, "not a zip archive");
}

static void test_torch_zip_survives_failed_allocations(void **state)
{
	struct fot_str p = FOT_STR_INIT, file = FOT_STR_INIT;
	struct fot_torch *t = NULL;
	long k;

	(void)state;
	good_pickle(&p);
	archive(&file, &p, false);
	for (k = 1; k < 1000; k++) {
		struct fot_err err = { 0 };
		int status;

		fot_mem_fail_at(k);
		status = fot_torch_open_memory(&t, file.data, file.len, "x.bin", &err);
		fot_mem_fail_at(0);
		if (status == FOT_OK)
			break;
		assert_null(t);
	}
	assert_true(k > 10 && k < 1000);
	fot_torch_close(t);
	fot_str_release(&p);
	fot_str_release(&file);
}

/* ---- model folders ----------------------------------------------------- */

/* Tensors [from, to) of the model as an archive NAME, each in a storage of its own. */
static void write_part(const struct fot_params *p, size_t from, size_t to, const char *name)
{
	struct fot_str pickle = FOT_STR_INIT, file = FOT_STR_INIT;
	struct torch_entry e[64];
	char keys[64][24];
	size_t n = 1;

	pickle_begin(&pickle);
	for (size_t i = from; i < to; i++, n++) {
		const struct fot_tensor_spec *s = &p->spec[i];
		int64_t cols = s->cols ? s->cols : 1, numbers = s->rows * cols;
		struct torch_tensor t = { s->name, "FloatStorage", keys[n] + 5, numbers, 0, s->cols ? 2 : 1,
					  { s->rows, cols }, { cols, 1 } };

		snprintf(keys[n], sizeof keys[n], "data/%zu", i);
		pickle_tensor(&pickle, &t);
	}
	pickle_end(&pickle);
	e[0] = (struct torch_entry){ "m/data.pkl", pickle.data, pickle.len };
	n = 1;
	for (size_t i = from; i < to; i++, n++) {
		static char names[64][32];
		const struct fot_tensor_spec *s = &p->spec[i];

		snprintf(names[n], sizeof names[n], "m/%s", keys[n]);
		e[n] = (struct torch_entry){ names[n], p->w + p->offset[i],
					     sizeof(float) * (size_t)(s->rows * (s->cols ? s->cols : 1)) };
	}
	torch_zip(&file, e, n, false, NULL);
	scratch_write(name, file.data, file.len);
	fot_str_release(&pickle);
	fot_str_release(&file);
}

static void expect_weights(const struct fot_params *p, const struct fot_config *c)
{
	struct fot_weights *w = NULL;
	struct fot_err err = { 0 };

	if (fot_weights_open(&w, scratch_path(""), &err) != FOT_OK ||
	    fot_weights_check(w, c, NULL, &err) != FOT_OK)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < p->n_tensors; i++) {
		const struct fot_tensor *t = fot_weights_find(w, p->spec[i].name);

		assert_memory_equal(t->data, p->w + p->offset[i], t->bytes);
	}
	fot_weights_close(w);
}

static void test_torch_zip_holds_a_model(void **state)
{
	struct fot_config c;
	struct fot_params p;
	struct fot_str index = FOT_STR_INIT;
	struct fot_weights *w = NULL;
	struct fot_err err = { 0 };

	(void)state;
	tiny_config(&c, 8, 1, false, true);
	assert_int_equal(fot_params_init(&p, &c, NULL), FOT_OK);
	fot_params_random(&p, 4, 1, 1);
	fot_str_puts(&index, "{\"weight_map\":{");
	for (size_t i = 0; i < p.n_tensors; i++)
		fot_str_printf(&index, "%s\"%s\":\"pytorch_model-%d.bin\"", i ? "," : "", p.spec[i].name, i < 20 ? 1 : 2);
	fot_str_puts(&index, "}}");
	scratch_write("pytorch_model.bin.index.json", index.data, index.len);
	write_part(&p, 0, 20, "pytorch_model-1.bin");
	write_part(&p, 20, p.n_tensors, "pytorch_model-2.bin");
	expect_weights(&p, &c);
	write_part(&p, 19, p.n_tensors, "pytorch_model-2.bin");
	assert_fails(fot_weights_open(&w, scratch_path(""), &err), FOT_ERR_INPUT, &err, "two shards");
	write_part(&p, 0, p.n_tensors, "pytorch_model.bin"); /* wins over the index */
	expect_weights(&p, &c);
	fot_str_release(&index);
	fot_params_release(&p);
}

#define T(name) cmocka_unit_test_setup_teardown(test_torch_zip_##name, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(reads),
		T(any_cut_is_refused),
		T(any_flip_is_survived),
		T(refuses_tensors),
		T(refuses_programs),
		T(refuses_the_same_name_twice),
		T(refuses_archives),
		T(refuses_directories),
		T(survives_failed_allocations),
		T(holds_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
