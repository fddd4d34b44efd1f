/* ann.c: kinds of memory that search an index, measured against exact top-k (tests/bench/ann.sh).
 *
 *   ann keys MODEL ENTRIES QUERIES FILE <tokens     keys of the last memory layer's first head that a model makes while it reads
 *                                                   tokens (numbers, all else between them is skipped), and the queries of what it reads next
 *   ann made ENTRIES QUERIES HEAD_DIM FILE          made-up ones: keys around 1000 centres, queries near keys
 *   ann measure FILE ENTRIES KIND...                one CSV row per kind ("knn:32", "ivf:32,probe=16"), with one thread, in
 *                                                   seconds of the processor: the search alone, without values
 *
 * FILE: three int64 (entries, queries, head_dim), then keys and queries, as float; queries times the scale of their scores. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/rng.h"
#include "model/attach.h"
#include "model/engine_cpu.h"
#include "model/memory_index.h"

struct data {
	int64_t entries, queries, d;
	float *k, *q;
};

static void die(const char *what)
{
	fprintf(stderr, "ann: %s\n", what);
	exit(1);
}

static float *numbers(int64_t n)
{
	float *x = fot_alloc((size_t)n, sizeof *x);

	if (!x)
		die("out of memory");
	return x;
}

static void write_data(const struct data *x, const char *path)
{
	int64_t head[] = { x->entries, x->queries, x->d };
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(head, sizeof head, 1, f) != 1 ||
	    fwrite(x->k, sizeof *x->k, (size_t)(x->entries * x->d), f) != (size_t)(x->entries * x->d) ||
	    fwrite(x->q, sizeof *x->q, (size_t)(x->queries * x->d), f) != (size_t)(x->queries * x->d) ||
	    fclose(f) != 0)
		die("cannot write the file");
}

static void read_data(struct data *x, const char *path, int64_t entries)
{
	int64_t head[3];
	FILE *f = fopen(path, "rb");

	if (!f || fread(head, sizeof head, 1, f) != 1 || entries > head[0])
		die("cannot read so many entries");
	*x = (struct data){ entries, head[1], head[2], numbers(entries * head[2]),
			    numbers(head[1] * head[2]) };
	if (fread(x->k, sizeof *x->k, (size_t)(entries * x->d), f) != (size_t)(entries * x->d) ||
	    fseek(f, (long)sizeof head + (long)sizeof(float) * (long)(head[0] * head[2]), SEEK_SET) != 0 ||
	    fread(x->q, sizeof *x->q, (size_t)(x->queries * x->d), f) != (size_t)(x->queries * x->d))
		die("the file ends early");
	fclose(f);
}

/* ---- keys of a model ------------------------------------------------- */

static struct cpu *cpu; /* of the one session */
static struct data seen;
static int64_t n_seen;

static int spy_open(void **engine, const struct fot_model *m, const struct fot_session_opts *o,
		    struct fot_err *err)
{
	int status = fot_engine_cpu.open(engine, m, o, err);

	cpu = *engine;
	return status;
}

static void spy_read(const struct fot_memory *m, const struct fot_query *q)
{
	for (int64_t i = 0;
	     i < q->a->n_q && q->head == 0 && m->layer == cpu->last_mem && n_seen < seen.queries;
	     i++, n_seen++)
		for (int64_t c = 0; c < seen.d; c++)
			seen.q[n_seen * seen.d + c] = q->q[i * q->ldq + c] * q->scale;
	fot_rows_read_part(m, q, q->from, q->from + 1); /* what comes of it does not matter */
}

static int32_t *read_tokens(int64_t n, int32_t vocab)
{
	int32_t *token = fot_alloc((size_t)n, sizeof *token);
	int64_t have = 0;
	int c;

	if (!token)
		die("out of memory");
	while (have < n && (c = getchar()) != EOF) {
		if (c < '0' || c > '9')
			continue;
		ungetc(c, stdin);
		if (scanf("%d", &token[have]) != 1 || token[have] >= vocab)
			die("not the model's tokens");
		have++;
	}
	if (have < n)
		die("too few tokens");
	return token;
}

static void make_keys(const char *dir, int64_t entries, int64_t queries, const char *path)
{
	struct fot_engine spy = fot_engine_cpu;
	struct fot_memory_ops ops = *fot_memory_kind(FOT_MEMORY_DENSE);
	struct fot_session_opts o;
	struct fot_session *s = NULL;
	struct fot_model *m = NULL;
	struct fot_err err = { 0 };
	int32_t *token;
	int64_t window;

	if (fot_model_open(&m, dir, &err) != FOT_OK)
		die(err.text);
	token = read_tokens(entries + queries, fot_model_config(m)->vocab_size);
	fot_session_opts_default(&o, m);
	window = fot_model_config(m)->window;
	if (entries % window || queries > window)
		die("entries: expected whole windows, and queries of one");
	spy.open = spy_open;
	o.engine = &spy;
	o.mode = FOT_MEMORY_DENSE;
	o.mem_max = entries;
	o.mem_dtype = FOT_F32;
	if (fot_session_open(&s, m, &o, &err) != FOT_OK)
		die(err.text);
	seen = (struct data){ entries, queries, cpu->cfg.head_dim, NULL,
			      numbers(queries * cpu->cfg.head_dim) };
	ops.read = spy_read;
	for (int l = 0; l <= cpu->last_mem; l++)
		cpu->layer[l].memory.ops = &ops;
	for (int64_t i = 0; i < entries; i += window)
		if (fot_session_feed(s, token + i, (size_t)window, NULL, &err) != FOT_OK ||
		    fot_session_commit(s, &err) != FOT_OK)
			die(err.text);
	n_seen = 0;
	if (fot_session_feed(s, token + entries, (size_t)queries, &(struct fot_want){ .argmax = token },
			     &err) != FOT_OK)
		die(err.text);
	if (n_seen < queries)
		die("the queries were not seen");
	seen.k = cpu->layer[cpu->last_mem].memory.k;
	write_data(&seen, path);
}

static void make_up(int64_t entries, int64_t queries, int64_t d, const char *path)
{
	struct data x = { entries, queries, d, numbers(entries * d), numbers(queries * d) };
	float *centre = numbers(1000 * d);
	struct fot_rng r;

	fot_rng_init(&r, 1, "bench.keys", 0);
	for (int64_t i = 0; i < 1000 * d; i++)
		centre[i] = (float)fot_rng_normal(&r);
	for (int64_t i = 0; i < entries; i++) {
		int64_t of = (int64_t)fot_rng_below(&r, 1000);

		for (int64_t c = 0; c < d; c++)
			x.k[i * d + c] = centre[of * d + c] + 0.7f * (float)fot_rng_normal(&r);
	}
	for (int64_t i = 0; i < queries; i++) {
		int64_t of = (int64_t)fot_rng_below(&r, (uint64_t)entries);

		for (int64_t c = 0; c < d; c++)
			x.q[i * d + c] = 0.3f * (x.k[of * d + c] + (float)fot_rng_normal(&r));
	}
	write_data(&x, path);
}

/* ---- measuring ------------------------------------------------------- */

/* A memory of all keys, and what reads it; several kinds may read one index. */
struct reading {
	struct fot_memory m;
	struct fot_memory_scratch s;
	struct fot_attn a;
	struct fot_arena held, arena; /* of the memory, of its reader */
	double build_s;
};

static double cpu_seconds(void) /* of this thread at work */
{
	return (double)clock() / CLOCKS_PER_SEC;
}

static void lay_reader(struct reading *g, struct fot_layout *y)
{
	g->m.ops->lay_scratch(&g->s, &g->m, y);
	fot_attn_bind(&g->a, fot_layout_take(y, fot_attn_need(g->m.head_dim, 0, NULL), sizeof(float)),
		      g->m.head_dim, 0, NULL);
}

static void open_arena(struct fot_arena *arena, struct fot_layout *y)
{
	if (fot_arena_init(arena, y->need, NULL) != FOT_OK)
		die("out of memory");
	y->arena = arena;
}

static void fill_memory(struct reading *g, const struct data *x)
{
	struct fot_layout y = { 0 };
	double began;

	fot_arena_release(&g->held);
	g->m.len = 0;
	g->m.ops->lay(&g->m, &y);
	open_arena(&g->held, &y);
	g->m.ops->lay(&g->m, &y);
	began = cpu_seconds();
	g->m.ops->append(&g->m, x->k, x->k, x->d, x->entries);
	if (g->m.ops->seal)
		g->m.ops->seal(&g->m, 0, x->entries, 1);
	g->build_s = cpu_seconds() - began;
}

/* A kind on what g holds already, if that is the same index; else on a new one. */
static void take_kind(struct reading *g, const struct data *x, const char *kind)
{
	struct fot_layout y = { 0 };
	struct fot_attach a;
	struct fot_err err = { 0 };
	const struct fot_memory_ops *ops;
	bool same;

	if (fot_attach_parse(&a, kind, "ann", &err) != FOT_OK)
		die(err.text);
	ops = fot_memory_kind(a.mode);
	if (!ops->index && a.mode != FOT_MEMORY_KNN)
		die("expected knn, or a kind that searches an index");
	same = g->m.ops == ops && g->m.number[2] == a.number[2];
	if (!same)
		g->m = (struct fot_memory){ .ops = ops,
					    .n_heads = 1,
					    .head_dim = x->d,
					    .cap = x->entries,
					    .dtype = FOT_F32,
					    .unit = 1 };
	g->m.top_k = a.top_k;
	memcpy(g->m.number, a.number, sizeof a.number);
	if (!same)
		fill_memory(g, x);
	fot_arena_release(&g->arena);
	lay_reader(g, &y);
	open_arena(&g->arena, &y);
	lay_reader(g, &y);
}

/* The keys that queries [first, first + n) find, into found [n, k], -1: none; NULL: the time counts alone. */
static void find(struct reading *g, const struct data *x, int64_t first, int64_t n, int64_t k, int64_t *found)
{
	struct fot_query q = { .a = &g->a,
			       .q = x->q + first * x->d,
			       .ldq = x->d,
			       .to = g->m.len,
			       .now = g->m.len,
			       .scale = 1,
			       .s = &g->s };

	fot_attn_begin(&g->a, n);
	if (g->m.ops->index)
		fot_indexed_find(&g->m, &q);
	else
		fot_rows_search(&g->m, &q);
	for (int64_t i = 0; i < n; i++) {
		struct fot_hit *hit;
		int64_t all = g->m.ops->index ? fot_topk_end_sorted(&g->s.topk, i, &hit) :
						fot_topk_end(&g->s.topk, i, &hit);

		for (int64_t j = 0; j < k && found; j++)
			found[i * k + j] = j < all ? hit[j].key : -1;
	}
}

static void find_all(struct reading *g, const struct data *x, int64_t k, int64_t *found)
{
	for (int64_t i = 0, n; i < x->queries; i += n) {
		n = x->queries - i < FOT_TILE_Q ? x->queries - i : FOT_TILE_Q;
		find(g, x, i, n, k, found ? found + i * k : NULL);
	}
}

static double score(const struct data *x, int64_t i, int64_t j)
{
	double sum = 0;

	for (int64_t c = 0; c < x->d; c++)
		sum += (double)x->q[i * x->d + c] * (double)x->k[j * x->d + c];
	return sum;
}

/* Log of the sum of exp of all scores of each query. */
static void sum_all(struct reading *g, const struct data *x, float *lse)
{
	float *o = numbers(FOT_TILE_Q * x->d);

	for (int64_t i = 0, n; i < x->queries; i += n) {
		struct fot_query q = { .a = &g->a,
				       .q = x->q + i * x->d,
				       .ldq = x->d,
				       .to = g->m.len,
				       .now = g->m.len,
				       .scale = 1,
				       .s = &g->s };

		n = x->queries - i < FOT_TILE_Q ? x->queries - i : FOT_TILE_Q;
		fot_attn_begin(&g->a, n);
		fot_rows_read(&g->m, &q);
		fot_attn_end(&g->a, o, x->d, lse + i);
	}
	fot_free(o);
}

/* Shares of all queries: what of the exact best was found, and of the mass of all keys, what found ones have. */
static void judge(struct reading *g, const struct data *x, int64_t k, const int64_t *exact,
		  const int64_t *found, double *recall, double *mass)
{
	float *lse = numbers(x->queries);

	sum_all(g, x, lse);
	*recall = *mass = 0;
	for (int64_t i = 0; i < x->queries * k; i++) {
		const int64_t *best = exact + i / k * k;

		if (found[i] < 0)
			continue;
		*mass += exp(score(x, i / k, found[i]) - (double)lse[i / k]);
		for (int64_t e = 0; e < k; e++)
			*recall += best[e] == found[i];
	}
	*recall /= (double)(x->queries * k);
	*mass /= (double)x->queries;
	fot_free(lse);
}

#define TIMES 3 /* of which the fastest counts */

static double faster(struct reading *g, const struct data *x, int64_t k, double best)
{
	double began = cpu_seconds(), took;

	find_all(g, x, k, NULL);
	took = cpu_seconds() - began;
	return took < best ? took : best;
}

static void measure_kind(struct reading *g, struct reading *exact, const struct data *x, const char *kind)
{
	double s = 1e30, exact_s = 1e30, recall, mass, to_us = 1e6 / (double)x->queries;
	char knn[32];
	int64_t k, *found;

	take_kind(g, x, kind);
	k = g->m.number[0] ? g->m.number[0] : g->m.top_k;
	snprintf(knn, sizeof knn, "knn:%lld", (long long)k);
	take_kind(exact, x, knn);
	found = fot_alloc((size_t)(2 * x->queries * k), sizeof *found);
	if (!found)
		die("out of memory");
	find_all(exact, x, k, found);
	find_all(g, x, k, found + x->queries * k);
	for (int i = 0; i < TIMES; i++) { /* in turn */
		exact_s = faster(exact, x, k, exact_s);
		s = faster(g, x, k, s);
	}
	judge(exact, x, k, found, found + x->queries * k, &recall, &mass);
	printf("%lld,%lld,%lld,\"%s\",%.2f,%zu,%.2f,%.2f,%.2f,%.4f,%.4f\n", (long long)x->entries,
	       (long long)x->queries, (long long)x->d, kind, g->build_s, g->held.size, s * to_us,
	       exact_s * to_us, exact_s / s, recall, mass);
	fflush(stdout);
	fot_free(found);
}

static void measure(const char *path, int64_t entries, int n_kinds, char **kinds)
{
	struct reading g = { 0 }, exact = { 0 };
	struct data x;

	read_data(&x, path, entries);
	puts("entries,queries,head_dim,memory,build_s,memory_bytes,query_us,exact_query_us,times_exact,recall,mass");
	for (int i = 0; i < n_kinds; i++)
		measure_kind(&g, &exact, &x, kinds[i]);
	fot_arena_release(&g.held);
	fot_arena_release(&g.arena);
	fot_arena_release(&exact.held);
	fot_arena_release(&exact.arena);
}

static int64_t number(const char *text)
{
	long long x = atoll(text);

	if (x < 1)
		die("expected a number of 1 or more");
	return x;
}

int main(int argc, char **argv)
{
	if (argc == 6 && strcmp(argv[1], "keys") == 0)
		make_keys(argv[2], number(argv[3]), number(argv[4]), argv[5]);
	else if (argc == 6 && strcmp(argv[1], "made") == 0)
		make_up(number(argv[2]), number(argv[3]), number(argv[4]), argv[5]);
	else if (argc > 4 && strcmp(argv[1], "measure") == 0)
		measure(argv[2], number(argv[3]), argc - 4, argv + 4);
	else
		die("expected keys, made or measure");
	return 0;
}
