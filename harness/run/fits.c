/* fits.c: see fits.h. */
#include "harness/run/fits.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "base/list.h"
#include "base/mem.h"
#include "harness/ask/reading.h"
#include "model/blas.h"

#define GIB (1024.0 * 1024.0 * 1024.0)

size_t fot_plan_bytes(const struct fot_plan *p, size_t condition, const struct fot_work *w)
{
	struct fot_session_opts opts = fot_plan_session(p, condition, w);

	return fot_session_estimate(p->model[p->condition[condition].model].model, &opts);
}

size_t fot_plan_peak(const struct fot_plan *p, size_t condition, const struct fot_work *w)
{
	bool one = condition != SIZE_MAX;
	size_t weights = 0, most = one ? fot_plan_bytes(p, condition, w) : 0;

	for (size_t c = 0; c < p->n_conditions && !one; c++)
		most = fot_plan_bytes(p, c, w) > most ? fot_plan_bytes(p, c, w) : most;
	for (size_t m = 0; m < p->n_models; m++)
		if (!one || m == p->condition[condition].model)
			weights = fot_size_add(weights, fot_weights_bytes(fot_model_weights(p->model[m].model)));
	return fot_size_add(FOT_PROCESS_BYTES, fot_size_add(weights, most));
}

/* A number at the start of a file, or behind `key` in it; SIZE_MAX: none. */
static size_t number_in(const char *path, const char *key, size_t unit)
{
	struct fot_str text = FOT_STR_INIT;
	unsigned long long n = 0;
	size_t bytes = SIZE_MAX;
	const char *at;

	if (fot_file_read(&text, path, 1u << 20, NULL) == FOT_OK && text.len) {
		at = key ? strstr(text.data, key) : text.data;
		if (at && sscanf(at + (key ? strlen(key) : 0), "%llu", &n) == 1)
			bytes = fot_size_mul((size_t)n, unit);
	}
	fot_str_release(&text);
	return bytes;
}

/* What a limit on the address space leaves beside the buffers of matrix products. */
static size_t address_space(int32_t threads)
{
	size_t used = number_in("/proc/self/statm", NULL, (size_t)sysconf(_SC_PAGESIZE));
	struct rlimit most;

	if (getrlimit(RLIMIT_AS, &most) != 0 || most.rlim_cur == RLIM_INFINITY)
		return SIZE_MAX;
	used = fot_size_add(used, fot_blas_bytes(threads));
	return used < most.rlim_cur ? (size_t)most.rlim_cur - used : 0;
}

static size_t available(int32_t threads)
{
	size_t room[] = { number_in("/proc/meminfo", "MemAvailable:", 1024),
			  number_in("/sys/fs/cgroup/memory.max", NULL, 1), address_space(threads) };
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < FOT_COUNT(room); i++)
		least = room[i] < least ? room[i] : least;
	return least;
}

int fot_plan_fits(const struct fot_plan *p, const struct fot_work *w, struct fot_err *err)
{
	size_t room = available(w->threads);

	for (size_t c = 0; c < p->n_conditions; c++) {
		size_t need = fot_plan_bytes(p, c, w);

		if (need > room)
			return FOT_FAIL(err, FOT_ERR_USAGE,
					"%s: a memory of %lld tokens needs %.1f GiB, %.1f GiB are available%s",
					p->condition[c].label, (long long)fot_plan_memory(p, c), (double)need / GIB,
					(double)room / GIB,
					p->condition[c].opts.mem_dtype == FOT_F32 ? " (mem_dtype bf16 halves the memory)" : "");
	}
	return FOT_OK;
}
