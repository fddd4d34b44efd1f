/* device.h: where the device's engine computes: memory, copies, kernels, products.
 *
 * What is asked is done in the order of the asking, later perhaps.  `up` has read its source when it returns, unless that
 * is of take_host, which must stay as it is until `wait`; what `down` brings is there behind `wait` alone.  What fails
 * makes all that follows void: `wait` tells.  One thread asks.
 *
 *   cuda   an NVIDIA GPU: model/device_cuda.cu, in programs built with make CUDA=1
 *   host   plain C on the host's cores, for tests: the same kernels, one index after the other */
#ifndef FOT_DEVICE_H
#define FOT_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/kernels.h"

/* y [groups * rows, out] at ldy = x [, in] w [out, in]^T + beta y, beta 0 or 1, y of f32, x and w of dtype F32 (sums in
 * f32, no TF32) or BF16. What a row gets depends on the rows of its group at most, not on the other groups. */
struct fot_product {
	const void *x, *w;
	float *y;
	int dtype;
	int64_t groups, rows, out, in, ldy;
	float beta;
};

struct fot_device_opts {
	int32_t threads;  /* of the host */
	int64_t head_dim; /* of the model */
	int64_t widest;   /* most numbers that a product sums */
};

struct fot_device_kind {
	const char *name;
	/* Is there such a device on this machine? Errors: FOT_ERR_USAGE. */
	int (*here)(struct fot_err *err);
	/* Errors: FOT_ERR_USAGE where its kernels are not for such heads. */
	int (*open)(void **device, const struct fot_device_opts *o, struct fot_err *err);
	void (*close)(void *device); /* NULL is allowed; gives back everything */
	/* Bytes that take may still give. */
	size_t (*room)(void *device);
	/* The device's memory, and the host's that it copies from fastest; aligned to 256 bytes; NULL: there is not
	 * so much. They live until close. */
	void *(*take)(void *device, size_t bytes);
	void *(*take_host)(void *device, size_t bytes);
	/* To the device, from it, on it (no overlap). */
	void (*up)(void *device, void *to, const void *from, size_t bytes);
	void (*down)(void *device, void *to, const void *from, size_t bytes);
	void (*copy)(void *device, void *to, const void *from, size_t bytes);
	/* A kernel over the indices [0, n); its arguments are read at once. */
	void (*launch)(void *device, enum fot_kernel kernel, const void *arguments, int64_t n);
	void (*product)(void *device, const struct fot_product *p);
	/* Until all is done. Errors: FOT_ERR_RUN. */
	int (*wait)(void *device, struct fot_err *err);
};

extern const struct fot_device_kind fot_device_host;
/* NULL in a program without it. */
const struct fot_device_kind *fot_device_cuda(void);

#endif
