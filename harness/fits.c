/* fits.c: see fits.h. */
#include "harness/fits.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

#define GIB (1024.0 * 1024.0 * 1024.0)

size_t fot_plan_bytes(const struct fot_plan *p, size_t condition, int32_t threads)
{
	struct fot_session_opts opts = p->condition[condition].opts;

	opts.n_threads = threads;
	opts.mem_max = fot_plan_memory(p, condition);
	opts.cache_windows = fot_plan_cache(p, condition);
	return fot_session_estimate(p->model[p->condition[condition].model].model, &opts);
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

static size_t available(void)
{
	size_t kernel = number_in("/proc/meminfo", "MemAvailable:", 1024);
	size_t group = number_in("/sys/fs/cgroup/memory.max", NULL, 1);

	return kernel < group ? kernel : group;
}

int fot_plan_fits(const struct fot_plan *p, int32_t threads, struct fot_err *err)
{
	size_t room = available();

	for (size_t c = 0; c < p->n_conditions; c++) {
		size_t need = fot_plan_bytes(p, c, threads);

		if (need > room)
			return FOT_FAIL(err, FOT_ERR_USAGE,
					"%s: a memory of %lld tokens needs %.1f GiB, %.1f GiB are available%s",
					p->condition[c].label, (long long)fot_plan_memory(p, c), (double)need / GIB,
					(double)room / GIB,
					p->condition[c].opts.mem_dtype == FOT_F32 ? " (mem_dtype bf16 halves the memory)" : "");
	}
	return FOT_OK;
}
