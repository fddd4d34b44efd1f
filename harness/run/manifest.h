/* manifest.h: all that is needed to know what a run was. */
#ifndef FOT_MANIFEST_H
#define FOT_MANIFEST_H

#include "harness/run/division.h"
#include "harness/run/results.h"
#include "harness/run/run.h"

struct fot_manifest {
	const struct fot_plan *plan;
	const struct fot_run_opts *opts;
	const char *status;  /* started, complete, partial, failed */
	const char *problem; /* text of the error, or NULL */
	struct fot_run_counts counts;
	enum fot_division_kind division; /* of a run of shards */
	char run_uid[33];                      /* random: tells two runs of the same inputs apart */
	char started[32];                      /* UTC */
	double wall_s;                         /* monotonic */
	const struct fot_results *results;     /* NULL: files not written yet */
};

/* A fresh run_uid, from the kernel's random source. */
void fot_manifest_uid(char out[33]);
/* Write OUT/manifest.json, atomically. */
int fot_manifest_write(const struct fot_manifest *m, const struct fot_outdir *dir, struct fot_err *err);
/* Read DIR/manifest.json. Errors: FOT_ERR_INPUT, FOT_ERR_RUN. */
int fot_manifest_read(cJSON **out, const char *dir, struct fot_err *err);
/* The processor's name, as the kernel says it; "unknown" where it does not. */
void fot_cpu_name(char out[128]);

#define FOT_VERSION "0.1.0"

#endif
