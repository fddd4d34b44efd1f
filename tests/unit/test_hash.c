/* base/hash.h: FIPS 180-4 example vectors, CRC-32 check value, pieces, files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/rng.h"

static void test_hash_sha256_known_answers(void **state)
{
	static const struct {
		const char *text, *hex;
	} cases[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
		{ "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
		  "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
	};
	char hex[65];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fot_sha256_of(cases[i].text, strlen(cases[i].text), hex);
		assert_string_equal(hex, cases[i].hex);
	}
}

static void test_hash_sha256_of_a_million_letters(void **state)
{
	struct fot_sha256 h;
	char part[1000], hex[65];
	unsigned char digest[32];

	(void)state;
	memset(part, 'a', sizeof(part));
	fot_sha256_init(&h);
	for (int i = 0; i < 1000; i++)
		fot_sha256_add(&h, part, sizeof(part));
	fot_sha256_hex(&h, hex);
	assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	fot_sha256_init(&h);
	fot_sha256_add(&h, "abc", 3);
	fot_sha256_end(&h, digest);
	assert_int_equal(digest[0], 0xba);
	assert_int_equal(digest[31], 0xad);
}

static void test_hash_sha256_does_not_depend_on_the_pieces(void **state)
{
	unsigned char data[400];
	char whole[65], hex[65];
	struct fot_sha256 h;
	struct fot_rng r;

	(void)state;
	fot_rng_init(&r, 9, "test.hash", 0);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)fot_rng_u64(&r);
	for (size_t n = 0; n <= 200; n++) {
		fot_sha256_of(data, n, whole);
		fot_sha256_init(&h);
		for (size_t at = 0, part; at < n; at += part) {
			part = (size_t)fot_rng_below(&r, 70);
			part = part < n - at ? part : n - at;
			fot_sha256_add(&h, data + at, part);
		}
		fot_sha256_hex(&h, hex);
		assert_string_equal(hex, whole);
	}
}

static void test_hash_sha256_of_a_file(void **state)
{
	char path[] = "/tmp/fot-test-XXXXXX", of_file[65] = "-", of_bytes[65];
	struct fot_err err = { 0 };
	int fd = mkstemp(path);
	size_t n = 700001;
	unsigned char *data = fot_alloc(n, 1);
	struct fot_rng r;

	(void)state;
	assert_true(fd >= 0);
	fot_rng_init(&r, 10, "test.hash", 0);
	for (size_t i = 0; i < n; i++)
		data[i] = (unsigned char)fot_rng_u64(&r);
	assert_int_equal(fot_write_all(fd, data, n, path, NULL), FOT_OK);
	close(fd);
	fot_sha256_of(data, n, of_bytes);
	assert_int_equal(fot_sha256_file(path, of_file, NULL), FOT_OK);
	assert_string_equal(of_file, of_bytes);
	fot_mem_fail_at(1);
	assert_int_equal(fot_sha256_file(path, of_file, &err), FOT_ERR_RUN);
	unlink(path);
	assert_int_equal(fot_sha256_file(path, of_file, &err), FOT_ERR_INPUT);
	assert_non_null(strstr(err.text, "No such file"));
	assert_int_equal(fot_sha256_file("/tmp", of_file, &err), FOT_ERR_INPUT);
	assert_string_equal(err.text, "/tmp: expected a regular file, got a folder");
	fot_free(data);
}

static void test_hash_crc32_known_answers(void **state)
{
	unsigned char zeros[32] = { 0 };

	(void)state;
	assert_int_equal(fot_crc32(0, "123456789", 9), 0xcbf43926);
	assert_int_equal(fot_crc32(0, "", 0), 0);
	assert_int_equal(fot_crc32(0, zeros, sizeof(zeros)), 0x190a55ad);
	assert_int_equal(fot_crc32(0, "The quick brown fox jumps over the lazy dog", 43), 0x414fa339);
}

static void test_hash_crc32_chains(void **state)
{
	static const char digits[] = "123456789";

	(void)state;
	for (size_t i = 0; i <= 9; i++)
		assert_int_equal(fot_crc32(fot_crc32(0, digits, i), digits + i, 9 - i), 0xcbf43926);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash_sha256_known_answers),
		cmocka_unit_test(test_hash_sha256_of_a_million_letters),
		cmocka_unit_test(test_hash_sha256_does_not_depend_on_the_pieces),
		cmocka_unit_test(test_hash_sha256_of_a_file),
		cmocka_unit_test(test_hash_crc32_known_answers),
		cmocka_unit_test(test_hash_crc32_chains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
