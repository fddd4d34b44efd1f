/* The SentencePiece reader against recorded outputs of the library itself.
 *
 * FOTBENCH_SHARED names the folder that holds reference/tokenizers/ (two
 * models) and reference/tokenizer_*.jsonl; without it these tests are skipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "model/tokenizer.h"

static const char *const models[] = { "tokenizer.model", "tokenizer_ol_v2.model" };

static const char *shared_path(const char *name)
{
	static char path[4096];
	const char *folder = getenv("FOTBENCH_SHARED");

	snprintf(path, sizeof(path), "%s/reference/%s", folder ? folder : "../shared", name);
	return path;
}

static void unhex(struct fot_str *out, const char *hex)
{
	fot_str_clear(out);
	for (; hex[0] && hex[1]; hex += 2) {
		unsigned byte;

		assert_int_equal(sscanf(hex, "%2x", &byte), 1);
		fot_str_putc(out, (char)(unsigned char)byte);
	}
}

static void read_ids(struct fot_ids *out, const cJSON *list)
{
	const struct fot_json_ctx ctx = { "case", FOT_ERR_INPUT };
	const cJSON *item;

	assert_true(cJSON_IsArray(list));
	out->n = 0;
	cJSON_ArrayForEach (item, list) {
		int64_t id;

		assert_int_equal(fot_json_as_i64(item, 0, INT32_MAX, &id, &ctx, NULL), FOT_OK);
		assert_int_equal(fot_ids_push(out, (int32_t)id, NULL), FOT_OK);
	}
}

static void assert_ids(const struct fot_ids *got, const struct fot_ids *want, const char *where)
{
	if (got->n != want->n || (got->n && memcmp(got->id, want->id, got->n * sizeof(*got->id)) != 0))
		fail_msg("%s: %zu ids, expected %zu, or other ones", where, got->n, want->n);
}

static void check_decode(const struct fot_tokenizer *t, const struct fot_ids *ids, const cJSON *want,
			 const char *where)
{
	struct fot_str text = FOT_STR_INIT, expected = FOT_STR_INIT;

	assert_int_equal(fot_tokenizer_decode(t, &text, ids->id, ids->n, NULL), FOT_OK);
	unhex(&expected, fot_json_get(want, "decoded_utf8_hex")->valuestring);
	if (text.len != expected.len || (text.len && memcmp(text.data, expected.data, text.len) != 0))
		fail_msg("%s: decoded \"%s\", expected \"%s\"", where, text.data ? text.data : "",
			 expected.data ? expected.data : "");
	fot_str_release(&text);
	fot_str_release(&expected);
}

static void check_case(const struct fot_tokenizer *t, const cJSON *line, const char *model, const char *where)
{
	const cJSON *want = fot_json_get(line, model), *hex = fot_json_get(line, "utf8_hex");
	struct fot_ids ids = { 0 }, given = { 0 };
	struct fot_str text = FOT_STR_INIT;

	assert_non_null(want);
	if (hex) { /* a text; without one the case only decodes */
		unhex(&text, hex->valuestring);
		read_ids(&given, fot_json_get(want, "ids"));
		assert_int_equal(fot_tokenizer_encode(t, &ids, text.data, text.len, NULL), FOT_OK);
		assert_ids(&ids, &given, where);
	} else {
		read_ids(&given, fot_json_get(line, "ids"));
	}
	check_decode(t, &given, want, where);
	fot_ids_release(&ids);
	fot_ids_release(&given);
	fot_str_release(&text);
}

/* Every line of a file, with one model; returns the number of lines. */
static int check_file(const char *name, const char *model)
{
	struct fot_str all = FOT_STR_INIT, where = FOT_STR_INIT;
	struct fot_tokenizer *t = NULL;
	struct fot_err err = { 0 };
	char path[300];
	int lines = 0;

	snprintf(path, sizeof(path), "tokenizers/%s", model);
	if (fot_tokenizer_open_spm(&t, shared_path(path), &err) != FOT_OK ||
	    fot_file_read(&all, shared_path(name), 1 << 26, &err) != FOT_OK)
		fail_msg("%s", err.text);
	for (char *p = all.data, *end; (end = strchr(p, '\n')); p = end + 1) {
		/* not base/json, which refuses the NUL that some texts hold */
		cJSON *line = cJSON_ParseWithLength(p, (size_t)(end - p));

		fot_str_clear(&where);
		fot_str_printf(&where, "%s:%d %s", name, ++lines, model);
		assert_non_null(line);
		check_case(t, line, model, where.data);
		cJSON_Delete(line);
	}
	fot_tokenizer_close(t);
	fot_str_release(&all);
	fot_str_release(&where);
	return lines;
}

static void check_both(const char *name, int at_least)
{
	if (!fot_file_exists(shared_path(name)))
		skip();
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
		assert_true(check_file(name, models[i]) >= at_least);
}

static void test_tokenizer_parity_texts(void **state)
{
	(void)state;
	check_both("tokenizer_cases.jsonl", 60);
}

static void test_tokenizer_parity_invalid_utf8(void **state)
{
	(void)state;
	check_both("tokenizer_cases_invalid_utf8.jsonl", 6);
}

static void test_tokenizer_parity_decoding(void **state)
{
	(void)state;
	check_both("tokenizer_decode_cases.jsonl", 20);
}

static void test_tokenizer_parity_special_ids(void **state)
{
	struct fot_tokenizer *t = NULL;
	struct fot_err err = { 0 };

	(void)state;
	if (!fot_file_exists(shared_path("tokenizers/tokenizer.model")))
		skip();
	if (fot_tokenizer_open_spm(&t, shared_path("tokenizers/tokenizer.model"), &err) != FOT_OK)
		fail_msg("%s", err.text);
	assert_int_equal(fot_tokenizer_vocab(t), 32000);
	assert_int_equal(fot_tokenizer_bos(t), 1);
	assert_int_equal(fot_tokenizer_eos(t), 2);
	fot_tokenizer_close(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokenizer_parity_texts),
		cmocka_unit_test(test_tokenizer_parity_invalid_utf8),
		cmocka_unit_test(test_tokenizer_parity_decoding),
		cmocka_unit_test(test_tokenizer_parity_special_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
