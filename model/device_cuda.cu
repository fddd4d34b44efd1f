/* device_cuda.cu: an NVIDIA GPU behind device.h: memory, one stream, the kernels of kernels.h, products of cuBLASLt.
 *
 * Built by make CUDA=1 alone, linked before the library in place of device_cuda_none.c.
 *
 * A product has one algorithm for a matrix, chosen for REFERENCE_ROWS rows and taken for any number of them; none of those
 * chosen splits a sum.  So a row's bits depend neither on the rows beside it nor on the run.  f32 is f32: no TF32. */
#include <cublasLt.h>
#include <cuda_runtime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/kernels.h" /* before what follows: its headers are C++ here */

extern "C" {
#include "model/device.h"
}

#define LONE_BLOCK 256
#define ROW_BLOCK 128
#define TILE_BLOCK (FOT_WARP * FOT_WARPS)
#define WORKSPACE ((size_t)64 << 20)
#define REFERENCE_ROWS 2048
#define ALGORITHMS 256 /* matrices of different shapes */

struct algorithm {
	int dtype;
	int64_t out, in, ldy;
	cublasLtMatmulAlgo_t algo;
};

struct block {
	void *at;
	bool host;
};

struct cuda {
	cudaStream_t stream;
	cublasLtHandle_t blas;
	void *workspace;
	size_t shared_f32, shared_bf16;
	struct algorithm algorithm[ALGORITHMS];
	int n_algorithms;
	struct block *block;
	size_t n_blocks;
	char failed[256]; /* what failed first; "" nothing */
};

static void note(struct cuda *d, bool good, const char *what, const char *why)
{
	if (!good && !d->failed[0])
		snprintf(d->failed, sizeof d->failed, "%s: %s", what, why);
}

static void note_cuda(struct cuda *d, cudaError_t e, const char *what)
{
	note(d, e == cudaSuccess, what, cudaGetErrorString(e));
}

static void note_blas(struct cuda *d, cublasStatus_t s, const char *what)
{
	note(d, s == CUBLAS_STATUS_SUCCESS, what, cublasLtGetStatusString(s));
}

/* ---- kernels --------------------------------------------------------- */

static __device__ __forceinline__ struct fot_team row_team(void)
{
	int lane = (int)threadIdx.x % FOT_WARP;
	struct fot_team t = { lane, FOT_WARP, 0, 1, lane, FOT_WARP, NULL };

	return t;
}

static __device__ __forceinline__ struct fot_team tile_team(char *shared)
{
	struct fot_team t = { (int)threadIdx.x,		   TILE_BLOCK, (int)threadIdx.x / FOT_WARP, FOT_WARPS,
			      (int)threadIdx.x % FOT_WARP, FOT_WARP,   shared };

	return t;
}

#define KERNEL_LONE(name, arguments)                                                            \
	static __global__ void on_device_##name(struct arguments a, int64_t n)                  \
	{                                                                                       \
		int64_t i = (int64_t)blockIdx.x * LONE_BLOCK + threadIdx.x;                     \
		struct fot_team t = { 0, 1, 0, 1, 0, 1, NULL };                                 \
                                                                                                \
		if (i < n)                                                                      \
			fot_k_##name(&a, i, t);                                                 \
	}
#define KERNEL_ROW(name, arguments)                                                             \
	static __global__ void on_device_##name(struct arguments a, int64_t n)                  \
	{                                                                                       \
		int64_t i = (int64_t)blockIdx.x * (ROW_BLOCK / FOT_WARP) + threadIdx.x / FOT_WARP; \
                                                                                                \
		if (i < n) /* whole warps */                                                    \
			fot_k_##name(&a, i, row_team());                                        \
	}
#define KERNEL_TILE(name, arguments)                                                            \
	static __global__ void __launch_bounds__(TILE_BLOCK) on_device_##name(struct arguments a, int64_t n) \
	{                                                                                       \
		extern __shared__ __align__(128) char shared[];                                 \
                                                                                                \
		if (blockIdx.x < n)                                                             \
			fot_k_##name(&a, blockIdx.x, tile_team(shared));                        \
	}
#define DEFINE(name, arguments, team) KERNEL_##team(name, arguments)
FOT_KERNELS(DEFINE)

enum { PER_BLOCK_LONE = LONE_BLOCK, PER_BLOCK_ROW = ROW_BLOCK / FOT_WARP, PER_BLOCK_TILE = 1 };
enum { THREADS_LONE = LONE_BLOCK, THREADS_ROW = ROW_BLOCK, THREADS_TILE = TILE_BLOCK };

#define LAUNCH(name, arguments, team)                                                                       \
	static void launch_##name(struct cuda *d, const void *a, int64_t n, size_t shared)                  \
	{                                                                                                   \
		unsigned blocks = (unsigned)((n + PER_BLOCK_##team - 1) / PER_BLOCK_##team);                \
                                                                                                            \
		on_device_##name<<<blocks, THREADS_##team, shared, d->stream>>>(*(const struct arguments *)a, n); \
	}
FOT_KERNELS(LAUNCH)

#define ROW(name, arguments, team) { launch_##name, (const void *)on_device_##name, #name },
static const struct {
	void (*launch)(struct cuda *d, const void *arguments, int64_t n, size_t shared);
	const void *kernel;
	const char *name;
} kernels[FOT_KERNEL_COUNT] = { FOT_KERNELS(ROW) };

/* Shared memory of a kernel's blocks. */
static size_t shared_of(const struct cuda *d, enum fot_kernel kernel)
{
	if (kernel == FOT_KERNEL_attend_f32 || kernel == FOT_KERNEL_scores_f32)
		return d->shared_f32;
	if (kernel == FOT_KERNEL_attend_bf16 || kernel == FOT_KERNEL_scores_bf16)
		return d->shared_bf16;
	return 0;
}

static void cuda_launch(void *device, enum fot_kernel kernel, const void *arguments, int64_t n)
{
	struct cuda *d = (struct cuda *)device;

	if (n < 1 || d->failed[0])
		return;
	kernels[kernel].launch(d, arguments, n, shared_of(d, kernel));
	note_cuda(d, cudaGetLastError(), kernels[kernel].name);
}

/* ---- opening --------------------------------------------------------- */

static void cuda_close(void *device)
{
	struct cuda *d = (struct cuda *)device;

	if (!d)
		return;
	if (d->stream)
		cudaStreamSynchronize(d->stream);
	for (size_t i = 0; i < d->n_blocks; i++)
		if (d->block[i].host)
			cudaFreeHost(d->block[i].at);
		else
			cudaFree(d->block[i].at);
	if (d->blas)
		cublasLtDestroy(d->blas);
	if (d->stream)
		cudaStreamDestroy(d->stream);
	free(d->block);
	free(d);
}

/* Attention of such heads must fit into a block's shared memory. */
static int open_shared(struct cuda *d, int64_t head_dim, struct fot_err *err)
{
	int most = 0;
	size_t need;

	d->shared_f32 = fot_attend_bytes_f32(head_dim);
	d->shared_bf16 = fot_attend_bytes_bf16(head_dim);
	need = d->shared_f32 > d->shared_bf16 ? d->shared_f32 : d->shared_bf16;
	note_cuda(d, cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0), "shared memory");
	if (need > (size_t)most)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"engine: attention of heads of %lld numbers takes %zu KiB of shared memory, this device has %d",
				(long long)head_dim, need >> 10, most >> 10);
	for (int k = 0; k < FOT_KERNEL_COUNT; k++)
		if (shared_of(d, (enum fot_kernel)k))
			note_cuda(d, cudaFuncSetAttribute(kernels[k].kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
							  (int)shared_of(d, (enum fot_kernel)k)),
				  kernels[k].name);
	return FOT_OK;
}

static void *cuda_take(void *device, size_t bytes);

static int cuda_here(struct fot_err *err)
{
	int n = 0;
	cudaError_t found = cudaGetDeviceCount(&n);

	if (found == cudaSuccess && n > 0)
		return FOT_OK;
	return FOT_FAIL(err, FOT_ERR_USAGE, "engine: cuda: there is no device on this machine (%s)",
			found == cudaSuccess ? "0 devices" : cudaGetErrorString(found));
}

static int cuda_open(void **device, const struct fot_device_opts *o, struct fot_err *err)
{
	struct cuda *d = NULL;
	int status;

	d = (struct cuda *)calloc(1, sizeof *d);
	if (!d)
		return FOT_NO_MEMORY(err, "device");
	note_cuda(d, cudaSetDevice(0), "device");
	note_cuda(d, cudaStreamCreateWithFlags(&d->stream, cudaStreamNonBlocking), "stream");
	note_blas(d, cublasLtCreate(&d->blas), "cuBLAS");
	status = open_shared(d, o->head_dim, err);
	d->workspace = status == FOT_OK ? cuda_take(d, WORKSPACE) : NULL;
	if (status == FOT_OK && (d->failed[0] || !d->workspace))
		status = FOT_FAIL(err, FOT_ERR_RUN, "engine: cuda: %s", d->failed[0] ? d->failed : "out of memory");
	if (status == FOT_OK)
		*device = d;
	else
		cuda_close(d);
	return status;
}

/* ---- memory ---------------------------------------------------------- */

static size_t cuda_room(void *device)
{
	size_t free_bytes = 0, all = 0;

	(void)device;
	return cudaMemGetInfo(&free_bytes, &all) == cudaSuccess ? free_bytes : 0;
}

static void *keep(struct cuda *d, void *at, bool host)
{
	struct block *grown = (struct block *)realloc(d->block, sizeof *grown * (d->n_blocks + 1));

	if (!grown) {
		if (host)
			cudaFreeHost(at);
		else
			cudaFree(at);
		return NULL;
	}
	d->block = grown;
	d->block[d->n_blocks].at = at;
	d->block[d->n_blocks++].host = host;
	return at;
}

static void *cuda_take(void *device, size_t bytes)
{
	struct cuda *d = (struct cuda *)device;
	void *at = NULL;

	if (cudaMalloc(&at, bytes ? bytes : 1) != cudaSuccess) {
		cudaGetLastError(); /* told by NULL */
		return NULL;
	}
	note_cuda(d, cudaMemsetAsync(at, 0, bytes, d->stream), "memory");
	return keep(d, at, false);
}

static void *cuda_take_host(void *device, size_t bytes)
{
	void *at = NULL;

	if (cudaMallocHost(&at, bytes ? bytes : 1) != cudaSuccess) {
		cudaGetLastError();
		return NULL;
	}
	return keep((struct cuda *)device, at, true);
}

static void move(void *device, void *to, const void *from, size_t bytes, cudaMemcpyKind kind, const char *what)
{
	struct cuda *d = (struct cuda *)device;

	if (bytes > 0 && !d->failed[0])
		note_cuda(d, cudaMemcpyAsync(to, from, bytes, kind, d->stream), what);
}

static void cuda_up(void *device, void *to, const void *from, size_t bytes)
{
	move(device, to, from, bytes, cudaMemcpyHostToDevice, "copy to the device");
}

static void cuda_down(void *device, void *to, const void *from, size_t bytes)
{
	move(device, to, from, bytes, cudaMemcpyDeviceToHost, "copy from the device");
}

static void cuda_copy(void *device, void *to, const void *from, size_t bytes)
{
	move(device, to, from, bytes, cudaMemcpyDeviceToDevice, "copy on the device");
}

/* ---- products -------------------------------------------------------- */

/* A product as cuBLASLt sees it, column by column: y^T = w x^T. */
struct call {
	cublasLtMatmulDesc_t how;
	cublasLtMatrixLayout_t w, x, y;
};

static void end_call(struct call *c)
{
	if (c->y)
		cublasLtMatrixLayoutDestroy(c->y);
	if (c->x)
		cublasLtMatrixLayoutDestroy(c->x);
	if (c->w)
		cublasLtMatrixLayoutDestroy(c->w);
	if (c->how)
		cublasLtMatmulDescDestroy(c->how);
}

static struct call begin_call(struct cuda *d, const struct fot_product *p, int64_t rows)
{
	cudaDataType_t type = p->dtype == FOT_BF16 ? CUDA_R_16BF : CUDA_R_32F;
	cublasOperation_t turned = CUBLAS_OP_T;
	struct call c;

	memset(&c, 0, sizeof c);
	note_blas(d, cublasLtMatmulDescCreate(&c.how, CUBLAS_COMPUTE_32F, CUDA_R_32F), "product");
	note_blas(d, cublasLtMatmulDescSetAttribute(c.how, CUBLASLT_MATMUL_DESC_TRANSA, &turned, sizeof turned), "product");
	note_blas(d, cublasLtMatrixLayoutCreate(&c.w, type, (uint64_t)p->in, (uint64_t)p->out, p->in), "product");
	note_blas(d, cublasLtMatrixLayoutCreate(&c.x, type, (uint64_t)p->in, (uint64_t)rows, p->in), "product");
	note_blas(d, cublasLtMatrixLayoutCreate(&c.y, CUDA_R_32F, (uint64_t)p->out, (uint64_t)rows, p->ldy), "product");
	return c;
}

/* The first algorithm that needs no sum of parts. */
static bool choose(struct cuda *d, const struct call *c, cublasLtMatmulAlgo_t *algo)
{
	cublasLtMatmulPreference_t wish = NULL;
	cublasLtMatmulHeuristicResult_t found;
	uint32_t sums = CUBLASLT_REDUCTION_SCHEME_NONE, aligned = 16;
	size_t workspace = WORKSPACE;
	int n = 0;

	memset(&found, 0, sizeof found);
	note_blas(d, cublasLtMatmulPreferenceCreate(&wish), "algorithm");
	cublasLtMatmulPreferenceSetAttribute(wish, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof workspace);
	cublasLtMatmulPreferenceSetAttribute(wish, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &sums, sizeof sums);
	cublasLtMatmulPreferenceSetAttribute(wish, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, &aligned, sizeof aligned);
	cublasLtMatmulPreferenceSetAttribute(wish, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, &aligned, sizeof aligned);
	cublasLtMatmulPreferenceSetAttribute(wish, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, &aligned, sizeof aligned);
	cublasLtMatmulPreferenceSetAttribute(wish, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, &aligned, sizeof aligned);
	note_blas(d, cublasLtMatmulAlgoGetHeuristic(d->blas, c->how, c->w, c->x, c->y, c->y, wish, 1, &found, &n), "algorithm");
	cublasLtMatmulPreferenceDestroy(wish);
	note(d, n > 0, "algorithm", "cuBLAS has none for this product");
	*algo = found.algo;
	return n > 0 && !d->failed[0];
}

/* That of the matrix, for as many rows as it is chosen for. */
static const struct algorithm *algorithm_of(struct cuda *d, const struct fot_product *p)
{
	struct algorithm *a = d->algorithm;
	struct call c;

	for (; a < d->algorithm + d->n_algorithms; a++)
		if (a->dtype == p->dtype && a->out == p->out && a->in == p->in && a->ldy == p->ldy)
			return a;
	note(d, d->n_algorithms < ALGORITHMS, "product", "too many shapes of matrices");
	if (d->failed[0])
		return NULL;
	c = begin_call(d, p, REFERENCE_ROWS);
	a->dtype = p->dtype;
	a->out = p->out;
	a->in = p->in;
	a->ldy = p->ldy;
	if (choose(d, &c, &a->algo))
		d->n_algorithms++;
	end_call(&c);
	return d->failed[0] ? NULL : a;
}

static void cuda_product(void *device, const struct fot_product *p)
{
	struct cuda *d = (struct cuda *)device;
	const struct algorithm *known = d->failed[0] ? NULL : algorithm_of(d, p);
	cublasLtMatmulHeuristicResult_t fits;
	cublasLtMatmulAlgo_t algo;
	const float one = 1;
	struct call c;

	if (!known || p->groups * p->rows < 1)
		return;
	c = begin_call(d, p, p->groups * p->rows);
	algo = known->algo;
	if (!d->failed[0] &&
	    cublasLtMatmulAlgoCheck(d->blas, c.how, c.w, c.x, c.y, c.y, &algo, &fits) != CUBLAS_STATUS_SUCCESS)
		choose(d, &c, &algo); /* not for so few rows: then their bits are of their own number */
	if (!d->failed[0])
		note_blas(d,
			  cublasLtMatmul(d->blas, c.how, &one, p->w, c.w, p->x, c.x, &p->beta, p->y, c.y, p->y, c.y, &algo,
					 d->workspace, WORKSPACE, d->stream),
			  "product");
	end_call(&c);
}

static int cuda_wait(void *device, struct fot_err *err)
{
	struct cuda *d = (struct cuda *)device;

	note_cuda(d, cudaStreamSynchronize(d->stream), "device");
	return d->failed[0] ? FOT_FAIL(err, FOT_ERR_RUN, "engine: cuda: %s", d->failed) : FOT_OK;
}

static const struct fot_device_kind cuda = {
	"cuda",		cuda_here, cuda_open, cuda_close, cuda_room,	cuda_take,
	cuda_take_host, cuda_up,   cuda_down, cuda_copy,  cuda_launch, cuda_product,
	cuda_wait,
};

extern "C" const struct fot_device_kind *fot_device_cuda(void)
{
	return &cuda;
}
