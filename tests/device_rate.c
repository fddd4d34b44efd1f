/* device_rate.c: the rate of a device's products, as the engine asks for them.
 *
 *   device_rate cuda|host f32|bf16 N     y = x w^T with x, w, y of N by N, ten times behind one that warms up
 *
 * Prints TFLOP/s. Exit status: that of the error. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/device.h"

#define TIMES 10

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int measure(const struct fot_device_kind *kind, int dtype, int64_t n, double *rate,
		   struct fot_err *err)
{
	struct fot_device_opts o = { .threads = 1, .head_dim = 16, .widest = n };
	struct fot_product p = { .dtype = dtype, .groups = 1, .rows = n, .out = n, .in = n, .ldy = n };
	void *device = NULL;
	double begin = 0;
	int status;

	FOT_TRY(kind->here(err));
	FOT_TRY(kind->open(&device, &o, err));
	p.x = kind->take(device, sizeof(float) * (size_t)(n * n));
	p.w = kind->take(device, sizeof(float) * (size_t)(n * n));
	p.y = kind->take(device, sizeof(float) * (size_t)(n * n));
	if (!p.x || !p.w || !p.y) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "out of memory for matrices of %lld rows", (long long)n);
		goto out;
	}
	for (int i = 0; i <= TIMES; i++) {
		kind->product(device, &p);
		if (i > 0)
			continue;
		FOT_TRY(kind->wait(device, err));
		begin = now();
	}
	FOT_TRY(kind->wait(device, err));
	*rate = TIMES * 2 * (double)n * (double)n * (double)n / (now() - begin) / 1e12;
out:
	kind->close(device);
	return status;
}

int main(int argc, char **argv)
{
	const struct fot_device_kind *kind =
		argc > 1 && strcmp(argv[1], "host") == 0 ? &fot_device_host : fot_device_cuda();
	struct fot_err err = { 0 };
	double rate = 0;
	int status;

	if (argc != 4 || !kind || atoll(argv[3]) < 1) {
		fprintf(stderr, kind ? "usage: device_rate cuda|host f32|bf16 N\n" :
				       "device_rate: no cuda in this program\n");
		return FOT_ERR_USAGE;
	}
	status =
		measure(kind, strcmp(argv[2], "bf16") == 0 ? FOT_BF16 : FOT_F32, atoll(argv[3]), &rate, &err);
	if (status == FOT_OK)
		printf("%.4g\n", rate);
	else
		fprintf(stderr, "device_rate: %s\n", err.text);
	return status;
}
