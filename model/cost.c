/* cost.c: see cost.h. */
#include "model/cost.h"

#include <math.h>

#include "model/memory.h"

/* Products of a token with the weights of one layer, and with those of key and value alone. */
static double layer_flops(const struct fot_config *c)
{
	double d = c->hidden_size, f = c->intermediate_size;
	double q = (double)fot_config_query_width(c), k = (double)fot_config_key_width(c);

	return 2 * (2 * d * q + 2 * d * k + 3 * d * f);
}

static double keys_flops(const struct fot_config *c)
{
	return 4.0 * c->hidden_size * (double)fot_config_key_width(c);
}

static double head_flops(const struct fot_config *c)
{
	return 2.0 * c->hidden_size * c->vocab_size;
}

#ifndef FOT_REAL_DOUBLE /* inference is in float */

static double pairs_of(double n)
{
	return n * (n + 1) / 2;
}

double fot_flops_sum(const struct fot_flops *f)
{
	return f->weights + f->local + f->memory + f->head;
}

/* How a model is read. */
struct way {
	const struct fot_config *c;
	struct fot_memory memory;
	bool keeps, observes, cached;
	double window;
};

static struct way way_of(const struct fot_config *c, const struct fot_session_opts *o)
{
	return (struct way){ .c = c,
			     .memory = fot_memory_of(c, o),
			     .keeps = fot_memory_keeps(o->mode),
			     .observes = fot_memory_observes(o->mode),
			     .cached = c->cached_windows > 0,
			     .window = o->window ? o->window : c->window };
}

/* The last layer whose keys and values are wanted of a window of which nothing is asked; -1. */
static int last_kept(const struct way *w)
{
	return w->cached ? w->c->n_layers - 1 : w->keeps ? w->c->mem_layers[w->c->n_mem_layers - 1] : -1;
}

/* Layers that a window goes through as a whole, and memory layers among them that read the memory. */
static int whole_layers(const struct way *w, bool skip)
{
	return skip ? (last_kept(w) > 0 ? last_kept(w) : 0) : w->c->n_layers;
}

static int reading_layers(const struct way *w, bool skip)
{
	int n = 0;

	for (int l = 0; l < whole_layers(w, skip) && w->keeps; l++)
		n += fot_config_is_mem_layer(w->c, l);
	return n;
}

/* n tokens with so many pairs of their own windows and of cached ones, and what they read of the
 * memory, all of them together, in one layer. */
static void add(struct fot_flops *f, const struct way *w, double n, double pairs, struct fot_reads memory,
		bool skip)
{
	double d = (double)fot_config_query_width(w->c);

	f->weights += n * whole_layers(w, skip) * layer_flops(w->c);
	if (skip && last_kept(w) >= 0)
		f->weights += n * (keys_flops(w->c) + (w->observes ? 2.0 * w->c->hidden_size * d : 0));
	f->local += whole_layers(w, skip) * 4 * d * pairs;
	f->memory += reading_layers(w, skip) * 2 * d * (memory.keys + memory.values);
}

/* What n queries read that see `seen` entries each. */
static struct fot_reads read_by(const struct way *w, double n, double seen)
{
	struct fot_reads r = { 0 };

	if (w->keeps)
		r = w->memory.ops->reads(&w->memory, seen);
	r = (struct fot_reads){ n * r.keys, n * r.values };
	if (w->keeps && w->memory.ops->prepares)
		r.keys += ceil(n / w->window) * w->memory.ops->prepares(&w->memory, seen);
	return r;
}

static double past_of(const struct way *w, double before)
{
	double most = w->c->cached_windows * w->window;

	return before < most ? before : most;
}

static void add_window(struct fot_flops *f, const struct way *w, double before, double n, bool skip)
{
	add(f, w, n, pairs_of(n) + n * past_of(w, before), read_by(w, n, before), skip);
}

void fot_flops_window(struct fot_flops *f, const struct fot_config *c, const struct fot_session_opts *o,
		      double before, double n)
{
	struct way w = way_of(c, o);

	add_window(f, &w, before, n, false);
	f->head += n * head_flops(c);
}

void fot_flops_read(struct fot_flops *f, const struct fot_config *c, const struct fot_session_opts *o,
		    double before, double n, bool answered)
{
	struct way w = way_of(c, o);
	double windows = floor(n / w.window), W = w.window, past = 0;
	struct fot_reads all = { 0 };
	bool skip = !answered && !o->no_skip;

	for (double i = 0; i < windows && w.cached; i++)
		past += W * past_of(&w, before + i * W);
	for (double i = 0; i < windows && reading_layers(&w, skip) > 0; i++) {
		struct fot_reads r = read_by(&w, W, before + i * W);

		all.keys += r.keys;
		all.values += r.values;
	}
	add(f, &w, windows * W, windows * pairs_of(W) + past, all, skip);
	if (n > windows * W)
		add_window(f, &w, before + windows * W, n - windows * W, false);
	f->head += answered ? n * head_flops(c) : 0;
}

void fot_flops_asked(struct fot_flops *f, const struct fot_config *c, const struct fot_session_opts *o,
		     double n, double seen)
{
	struct way w = way_of(c, o);
	/* windows that grow: what a window sees goes through all layers with it */
	double before = o->rope_factor ? seen : 0, more = n / w.window * before;

	add(f, &w, n + more,
	    n * (w.window + 1) / 2 + n * (past_of(&w, INFINITY) + before) + n / w.window * pairs_of(before),
	    read_by(&w, n, seen), false);
	f->head += n * head_flops(c);
}

#endif

/* ---- training -------------------------------------------------------- */

/* Windows in a chain go forward alone, up to the last layer's keys and values. */
static double cached_flops(const struct fot_config *c, const struct fot_training_step *s)
{
	double d = (double)fot_config_query_width(c), W = s->window, layers = c->n_layers, own = (W + 1) / 2;
	double past = s->ask * s->chain, first = s->chain > 0 ? s->ask : 0, seen = s->chain > 0 ? W : 0;

	return layers * s->ask * (3 * layer_flops(c) + (4 + 10) * d * own + (4 + 6) * d * seen) +
	       past * keys_flops(c) +
	       (layers - 1) * (past * (layer_flops(c) + 4 * d * own) + (past - first) * 4 * d * W) +
	       3 * s->ask * head_flops(c);
}

static double memory_flops(const struct fot_config *c, const struct fot_training_step *s)
{
	double forward = 2 * s->seen + 2 * s->kept, again = s->chosen ? 0 : 2 * s->seen;

	return (double)fot_config_query_width(c) * (forward + again + (s->constant ? 4 : 8) * s->kept);
}

double fot_flops_training(const struct fot_config *c, const struct fot_training_step *s)
{
	double d = (double)fot_config_query_width(c), flops = 3 * s->ask * head_flops(c);
	int last = c->n_mem_layers ? c->mem_layers[c->n_mem_layers - 1] : -1;

	if (s->cached)
		return cached_flops(c, s);
	for (int l = 0; l < c->n_layers; l++) {
		double context = l < last ? s->context : 0, keys = l == last ? s->context : 0;

		flops += 3 * s->ask * layer_flops(c) +
			 (s->constant ? 1 : 3) * (context * layer_flops(c) + keys * keys_flops(c));
		flops += ((4 + 10) * s->ask + (s->constant ? 4 : 4 + 10) * context) * d * (s->window + 1) / 2;
		flops += fot_config_is_mem_layer(c, l) ? memory_flops(c, s) : 0;
	}
	return flops;
}
