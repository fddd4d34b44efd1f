/* replay.c: a fuzz target without a fuzzer: FUZZ_X FILE... [--mutate N] gives it each file
 * as it is and then N times with a few random bytes changed, cut out or doubled; the same
 * ones every time.  So the seeds are part of the ordinary tests, sanitized ones included. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "tests/fuzz/fuzz.h"

/* Only the fuzzer mutates; targets with a mutator of their own refer to this. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t n, size_t max)
{
	(void)data;
	(void)max;
	return n;
}

static size_t below(struct fot_rng *r, size_t n)
{
	return (size_t)fot_rng_below(r, n);
}

static void change_one(struct fot_rng *r, struct fot_str *s)
{
	static const char odd[] = { 0, 1, 127, -128, -1, '"', '{', ']', '9', '-' };
	size_t at = below(r, s->len), n = 1 + below(r, 8);

	if (n > s->len - at)
		n = s->len - at;
	switch (below(r, 5)) {
	case 0:
		s->data[at] = (char)(s->data[at] ^ (1 << below(r, 8)));
		break;
	case 1:
		s->data[at] = odd[below(r, sizeof odd)];
		break;
	case 2:
		memset(s->data + at, odd[below(r, sizeof odd)], n);
		break;
	case 3:
		memmove(s->data + at, s->data + at + n, s->len - at - n);
		s->len -= n;
		break;
	default:
		memmove(s->data + at, s->data + below(r, s->len - n + 1), n);
	}
}

/* A copy of exactly its size, so that a sanitizer sees a byte too many. */
static void give(const struct fot_str *s)
{
	uint8_t *copy = malloc(s->len ? s->len : 1);

	require(copy != NULL);
	if (s->len)
		memcpy(copy, s->data, s->len);
	LLVMFuzzerTestOneInput(copy, s->len);
	free(copy);
}

static int replay(const char *path, long mutations)
{
	struct fot_str seed = FOT_STR_INIT, s = FOT_STR_INIT;
	struct fot_err err = { 0 };
	struct fot_rng r;

	if (fot_file_read(&seed, path, 1 << 24, &err) != FOT_OK) {
		fprintf(stderr, "%s\n", err.text);
		return err.code;
	}
	give(&seed);
	fot_rng_init(&r, 1, "replay", 0);
	for (long i = 0; i < mutations; i++) {
		fot_str_clear(&s);
		fot_str_add(&s, seed.data, seed.len);
		for (size_t k = 1 + below(&r, 4); k > 0 && s.len > 0; k--)
			change_one(&r, &s);
		give(&s);
	}
	fot_str_release(&seed);
	fot_str_release(&s);
	return FOT_OK;
}

int main(int argc, char **argv)
{
	long mutations = 0;
	int status = FOT_OK;

	if (argc > 2 && strcmp(argv[argc - 2], "--mutate") == 0) {
		mutations = atol(argv[argc - 1]);
		argc -= 2;
	}
	for (int i = 1; i < argc && status == FOT_OK; i++)
		status = replay(argv[i], mutations);
	return status;
}
