/* cluster.h: the folder of a run whose shards a job queue works off.
 *
 *   OUT/shards/submit.json    what was submitted, and when
 *             /array.sh merge.sh log/
 *             /1/ ... N/      the runs of the shards
 *   OUT/                      the merged run
 */
#ifndef FOT_CLUSTER_H
#define FOT_CLUSTER_H

#include <stdbool.h>

#include "harness/cluster/glance.h"
#include "harness/cluster/slurm.h"

/* One call of submit. */
struct fot_submitted {
	char *at, *tasks, *array, *merge; /* UTC; "1-8"; jobs' numbers, array "": the merge alone */
};

struct fot_cluster {
	char *out, *dir; /* OUT and OUT/shards, as given */
	char *spec;      /* its file, absolute; NULL: nothing was submitted yet */
	char *command;   /* what submits again what is missing, for a shell */
	char run_id[17];
	int64_t shards, *items; /* [shards] */
	struct fot_submitted *submitted;
	size_t n_submitted, cap;
};

/* Read OUT/shards/submit.json, where there is one. Errors: FOT_ERR_INPUT (damaged), FOT_ERR_RUN. */
int fot_cluster_open(struct fot_cluster *c, const char *out, struct fot_err *err);
void fot_cluster_close(struct fot_cluster *c);
bool fot_cluster_is_there(const struct fot_cluster *c);
/* Add a call and write submit.json. Errors: FOT_ERR_OUTPUT, FOT_ERR_RUN. */
int fot_cluster_add(struct fot_cluster *c, const char *tasks, const char *array, const char *merge,
		    struct fot_err *err);
/* The merge of the last call, known after its array. */
int fot_cluster_set_merge(struct fot_cluster *c, const char *merge, struct fot_err *err);
/* Append the path of shard k from 1. */
void fot_cluster_shard(struct fot_str *out, const struct fot_cluster *c, int64_t k);

/* A shard: how its folder stands, and its task in the queue. */
struct fot_cluster_shard {
	struct fot_glance run;
	char job[48], job_state[24]; /* "12_3", "RUNNING"; "": unknown */
	bool alive;                  /* the queue has it */
	char *log_error; /* of one that is not well: the last error in its job's log; NULL: none */
};
struct fot_cluster_view {
	struct fot_cluster_shard *shard; /* [n] */
	int64_t n, state[FOT_RUN_STATES], planned, done, failed;
	struct fot_glance merged;
	double left_s;                      /* below 0: unknown */
	struct fot_str alive, merges_alive; /* ":12:13": arrays, merges that the queue has, for a dependency */
	char problem
		[256]; /* why the queue could not be asked; "": it could, or there is nothing to ask for */
};
/* Errors: FOT_ERR_INPUT, FOT_ERR_RUN; not a queue that does not answer. */
int fot_cluster_look(struct fot_cluster_view *v, const struct fot_cluster *c, struct fot_err *err);
void fot_cluster_view_release(struct fot_cluster_view *v);
/* Does nobody work on this shard, though it is not complete? */
bool fot_cluster_is_idle(const struct fot_cluster_shard *s);

#endif
