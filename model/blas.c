/* blas.c: see blas.h.
 *
 * The room is asked for as OpenBLAS will ask for it, buffer by buffer, and given back: that
 * also finds limits which no call tells. */
#include "model/blas.h"

#include <sched.h>
#include <sys/mman.h>

#include "base/mem.h"

#define PER_THREAD ((size_t)160 << 20)

/* OpenBLAS starts its own threads while it is loaded, before any line of ours could ask it not to, and
 * each wants a work buffer; where that cannot be had, it asks for ever, and is waited for at exit. It is
 * only ever called from threads of ours, for one product each, so it is to start none: these two take
 * the place of its own readers of OPENBLAS_NUM_THREADS and of OMP_NUM_THREADS. */
int openblas_num_threads_env(void);
int openblas_omp_num_threads_env(void);

int openblas_num_threads_env(void)
{
	return 1;
}

int openblas_omp_num_threads_env(void)
{
	return 1;
}

static size_t bytes_of(int32_t threads)
{
	return fot_size_mul((size_t)threads, PER_THREAD);
}

int fot_blas_check(int32_t threads, struct fot_err *err)
{
	void **at = fot_calloc((size_t)threads, sizeof *at);
	int32_t n = 0;

	for (; at && n < threads; n++) {
		at[n] = mmap(NULL, PER_THREAD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (at[n] == MAP_FAILED)
			break;
	}
	for (int32_t i = 0; i < n; i++)
		munmap(at[i], PER_THREAD);
	fot_free(at);
	if (n == threads)
		return FOT_OK;
	return FOT_FAIL(err, FOT_ERR_RUN,
			"out of memory: %d threads need %zu MiB of address space for matrix products, there is "
			"room for %d of them (see ulimit -v)",
			threads, bytes_of(threads) >> 20, n);
}

int32_t fot_default_threads(void)
{
	cpu_set_t set;
	int n;

	if (sched_getaffinity(0, sizeof set, &set) != 0)
		return 1;
	n = CPU_COUNT(&set);
	return n < 1 ? 1 : n;
}

int32_t fot_threads_at_once(int32_t threads)
{
	int32_t cores = fot_default_threads();

	return threads < 1 ? 1 : threads < cores ? threads : cores;
}
