/* libFuzzer target: whatever the bytes, a journal is refused or read, and its good part
 * alone is read the same way and is not torn.
 *
 * A first byte of 0 makes the rest a journal; any other makes each line of it a record
 * that gets its frame and checksum here, so that these do not keep the fuzzer out. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/str.h"
#include "harness/run/journal.h"
#include "tests/fuzz/fuzz.h"

static void frame(struct fot_str *out, const char *p, size_t n)
{
	for (const char *end; n > 0; n -= (size_t)(end - p), p = end) {
		const char *newline = memchr(p, '\n', n);
		size_t len = newline ? (size_t)(newline - p) : n;

		fot_str_printf(out, "{\"crc\":\"%08x\",\"rec\":", (unsigned)fot_crc32(0, p, len));
		fot_str_add(out, p, len);
		fot_str_puts(out, "}\n");
		end = newline ? newline + 1 : p + n;
	}
}

static int load(struct fot_journal_content *c, int fd, size_t n)
{
	struct fot_err err = { 0 };
	char path[64];
	int status;

	require(ftruncate(fd, (off_t)n) == 0);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	status = fot_journal_load(c, path, &err);
	require(status == err.code && (status == FOT_OK || status == FOT_ERR_INPUT));
	return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct fot_journal_content c = { 0 }, good = { 0 };
	struct fot_str file = FOT_STR_INIT;
	int fd = memfd_create("journal", MFD_CLOEXEC);

	if (n > 0 && bytes[0] == 0)
		fot_str_add(&file, bytes + 1, n - 1);
	else if (n > 0)
		frame(&file, (const char *)bytes + 1, n - 1);
	require(fd >= 0 && !file.failed && write(fd, file.data, file.len) == (ssize_t)file.len);
	if (load(&c, fd, file.len) == FOT_OK) {
		require(c.valid_bytes + c.torn_bytes == file.len);
		for (size_t i = 0; i < c.n; i++)
			require(fot_journal_find(&c, c.rec[i].item) == &c.rec[i]);
		require(load(&good, fd, c.valid_bytes) == FOT_OK);
		require(good.n == c.n && good.torn_bytes == 0 && good.valid_bytes == c.valid_bytes);
		fot_journal_content_release(&good);
	}
	fot_journal_content_release(&c);
	fot_str_release(&file);
	close(fd);
	return 0;
}
