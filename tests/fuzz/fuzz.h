/* fuzz.h: what the fuzz targets share.
 *
 * Each fuzz_*.c holds one LLVMFuzzerTestOneInput, which aborts when a promise of the
 * reader under test is broken.  run.sh (make fuzz) builds it with clang's libFuzzer;
 * replay.c gives it a main that the ordinary tests run on the seeds. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t n, size_t max);

static inline void require(int truth)
{
	if (!truth)
		abort();
}

#endif
