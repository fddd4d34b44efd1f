/* version.c: --version: what this program is and what it computes with here. */
#include <cblas.h>
#include <stdio.h>

#include "base/file.h"
#include "base/list.h"
#include "build_info.h"
#include "harness/options/commands.h"
#include "harness/options/options.h"
#include "harness/plan/paths.h"
#include "harness/run/manifest.h"
#include "model/bf16.h"
#include "model/engine.h"
#include "model/panel.h"

/* What kernels use: ours or OpenBLAS'. */
static void put_features(struct fot_str *out)
{
#if defined(__x86_64__)
	const struct {
		const char *name;
		int has;
	} features[] = {
		{ "avx", __builtin_cpu_supports("avx") },
		{ "avx2", __builtin_cpu_supports("avx2") },
		{ "fma", __builtin_cpu_supports("fma") },
		{ "avx512f", __builtin_cpu_supports("avx512f") },
		{ "avx512bw", __builtin_cpu_supports("avx512bw") },
		{ "avx512vl", __builtin_cpu_supports("avx512vl") },
		{ "avx512bf16", __builtin_cpu_supports("avx512bf16") },
	};

	for (size_t i = 0; i < FOT_COUNT(features); i++)
		fot_str_printf(out, "%s%s", features[i].has ? ", " : "",
			       features[i].has ? features[i].name : "");
#else
	(void)out;
#endif
}

int fot_print_version(void)
{
	struct fot_str out = FOT_STR_INIT, store = FOT_STR_INIT, manifests = FOT_STR_INIT;
	struct fot_err err = { 0 };
	char cpu[128];
	int status;

	fot_cpu_name(cpu);
	fot_str_printf(&out, "fotbench %s (%.12s%s, %s)\n", FOT_VERSION, FOT_BUILD_COMMIT,
		       FOT_BUILD_DIRTY ? ", changed" : "", FOT_BUILD_VARIANT);
	fot_str_printf(&out, "compiler:   %s\nflags:      %s\n", FOT_BUILD_COMPILER, FOT_BUILD_FLAGS);
	fot_str_printf(&out, "BLAS:       %s, core %s\n", openblas_get_config(), openblas_get_corename());
	fot_str_printf(&out, "processor:  %s", cpu);
	put_features(&out);
	fot_str_printf(&out, "\nkernels:    %d bits wide, sums %s; bf16 %s\n", 8 * FOT_VECTOR_BYTES,
		       FOT_SUMS, fot_bf16_kernel_name(fot_bf16_kernel()));
	fot_str_printf(&out, "engines:    cpu, %s\n",
		       fot_engine_has_cuda() ? "cuda" : "no cuda in this program (make CUDA=1)");
	FOT_TRY(fot_manifests_default(&manifests));
	FOT_TRY(fot_store_find(&store, NULL, &err));
	fot_str_printf(&out, "manifests:  %s%s\ndatasets:   %s\n", manifests.data,
		       fot_is_dir(manifests.data) ? "" : " (not there)", store.data);
	FOT_TRY(fot_str_check(&out, &err));
	fot_print_lines(out.data);
	FOT_TRY(fot_flush_stdout(&err));
out:
	fot_str_release(&out);
	fot_str_release(&store);
	fot_str_release(&manifests);
	return status == FOT_OK ? FOT_OK : fot_command_failed("version", &err);
}
