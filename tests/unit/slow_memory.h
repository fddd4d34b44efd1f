/* slow_memory.h: what a query of each kind of memory sees, in plain loops and double precision. */
#ifndef SLOW_MEMORY_H
#define SLOW_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "model/memory.h"

#define H 2          /* heads of keys */
#define HQ 4         /* heads of queries */
#define D 8          /* numbers of a key */
#define CAP 900      /* entries */
#define N_Q 70       /* queries: two panels and part of a third, where a panel has 32 */
#define SCALE 0.375f /* products of small whole numbers stay exact */

struct world {
	struct fot_memory m;
	struct fot_memory_scratch s;
	struct fot_attn a;
	struct fot_arena arena;
	float *k, *v, *q;              /* [CAP, H * D], [N_Q, HQ * D] */
	float *asked;                  /* [CAP, HQ * D] the queries of the entries */
	int64_t start[CAP], n_windows; /* where windows began */
	int64_t place[N_Q];
	double worth[H][CAP]; /* of entries as representatives; 0: not known yet */
	int64_t unseen;       /* entries at the memory's end that no query sees */
};

/* What one query sees of the entries [from, to): true or false for each entry. */
struct look {
	const struct fot_memory *m;
	struct world *w;
	const float *q; /* [D], one of a row of HQ heads */
	int64_t from, to, head, position;
	bool seen[CAP];
};

struct kind {
	const char *text;
	void (*look)(struct look *l);
};

/* Number c of entry j: as it is stored. */
double slow_stored(const struct look *l, const void *side, int64_t j, int c);
/* What reading scores entry j, of age too. */
double slow_score(const struct look *l, int64_t j);
void slow_look_best(struct look *l);
void slow_look_infllm(struct look *l);
void slow_look_keydiff(struct look *l);
void slow_look_knorm(struct look *l);
void slow_look_moba(struct look *l);
void slow_look_quest(struct look *l);
void slow_look_random(struct look *l);
void slow_look_recent(struct look *l);
void slow_look_shared(struct look *l);
void slow_look_sinks(struct look *l);
void slow_look_snapkv(struct look *l);
void slow_look_tova(struct look *l);

#endif
