/* run.h: do the items of a plan, keep every finished one, rebuild the results. */
#ifndef FOT_RUN_H
#define FOT_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/plan/plan.h"
#include "harness/run/journal.h"
#include "harness/run/outdir.h"
#include "harness/tables/table.h"

struct fot_run_opts {
	const char *output;
	enum fot_outdir_mode mode;
	struct fot_work work;
	bool timings; /* false: timing columns stay empty */
	bool quiet;   /* no table on stdout */
	int digits;   /* significant ones of the table */
	bool json;    /* the summary as JSON on stdout instead of the table */
	int argc;     /* for the manifest */
	char **argv;
	/* The items of one shard of the plan's division (0 <= shard < shards, division.h); shards 0: all items. */
	int64_t shard, shards;
	/* merge: nothing is evaluated, items are taken from given; those in none fail. */
	bool merge;
	const struct fot_journal_content *given; /* [n_given] */
	size_t n_given;
};

struct fot_run_counts {
	int64_t planned, done, resumed, failed, skipped; /* items; done includes resumed and skipped */
};

/* Returns 0, FOT_ERR_PARTIAL when items failed, 128 + signal when asked to stop,
 * or the status of what went wrong (err is filled for those). */
int fot_run(const struct fot_plan *plan, const struct fot_run_opts *opts, struct fot_err *err);

#endif
