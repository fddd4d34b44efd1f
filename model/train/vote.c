#include "model/train/vote.h"

#include <math.h>

#include "base/mem.h"
#include "model/dtype.h"
#include "model/rope.h"
#include "model/weights.h"

/* Compared on two labelled sets, food and foldoc; docs/notebook.md says what else was looked at. */
#define CONSTANT 0.5   /* the last numbers of an embedding; a token's other numbers have the norm 1 */
#define REACH 17       /* tokens before the label whose mean is taken, about */
#define KAPPA 20.0     /* likeness of texts: exp(KAPPA cos) */
#define LABEL_LEAD 8.0 /* scores of labels over others, about */
#define COPY 4.0       /* gain of labels that are looked at */
#define MEAN_NORM 0.4  /* of a mean of a dozen token vectors of norm 1, about */
#define MARK_AT 0.8    /* likeness to a marked token from which on a token is it */
#define MARK_SLOPE 2.0
#define APART 15.0 /* scores of what is no text below others */

/* The form in this model: of D numbers the first n are the token's. */
struct form {
	struct fot_params *p;
	int64_t D, H, d, F, n, per;                 /* per: numbers of a kind that one head carries */
	int64_t mean, label, constant, mark, apart; /* where kinds begin */
	int layer;                                  /* the memory layer */
	double norm, one; /* of a token's input: what norms multiply by; its constant then */
	double *freq;     /* [d / 2] */
};

static void add(const struct form *f, enum fot_tensor_role role, int l, int64_t row, int64_t col, double x)
{
	int64_t cols = role == FOT_ROLE_DOWN ? f->F : f->D;

	f->p->w[fot_params_offset(f->p, role, l) + row * cols + col] += (fot_real)x;
}

static void turning(struct fot_turning *t, const struct fot_config *c)
{
	*t = (struct fot_turning){ .rope = &c->rope,
				   .head_dim = c->head_dim,
				   .theta = c->rope_theta,
				   .positions = c->window,
				   .longest = FOT_VOTE_WINDOW };
}

static int64_t kind_size(const struct fot_config *c)
{
	return (c->hidden_size / 3 - 1) / c->n_heads * c->n_heads;
}

bool fot_vote_possible(const struct fot_config *c)
{
	struct fot_turning t;

	turning(&t, c);
	return c->n_mem_layers && c->mem_layers[0] > 1 && !c->mem_positionals && c->mix == FOT_MIX_JOINT &&
	       c->tie_embeddings && !c->qk_norm && !c->output_norms && fot_config_kv_heads(c) == c->n_heads &&
	       c->n_heads > 1 && c->n_heads * c->head_dim == c->hidden_size &&
	       kind_size(c) / c->n_heads < c->head_dim && c->intermediate_size >= c->hidden_size / 3 + 8 &&
	       c->window <= FOT_VOTE_WINDOW &&
	       fot_rope_frequency(&t, c->head_dim / 2 - 1) * FOT_VOTE_WINDOW < 1;
}

/* Scores by distance.  With a constant in each input, q.k = sum_i w_i cos(freq_i (t - s - center)). */
static void add_by_distance(const struct form *f, int l, int64_t head, const double *w, double center)
{
	int64_t half = f->d / 2, row = head * f->d;

	for (int64_t i = 0; i < half; i++) {
		double a = sqrt(fabs(w[i]) * sqrt((double)f->d)) / f->one, turn = f->freq[i] * center;
		double b = w[i] < 0 ? -a : a;

		add(f, FOT_ROLE_K, l, row + i, f->constant, a);
		add(f, FOT_ROLE_Q, l, row + i, f->constant, b * cos(turn));
		add(f, FOT_ROLE_Q, l, row + i + half, f->constant, -b * sin(turn));
	}
}

/* A neuron that is `out` where from . input >= 1 for token vectors of norm 1, and 0 below MARK_AT; times the number `times` of the
 * input.  marked: the label mark stands in the input, too. */
struct neuron {
	int64_t i;
	const fot_real *from; /* [n], or NULL: the mark */
	int64_t times;        /* the constant: 1 */
	bool marked;
	int64_t out;
};

static void add_neuron(const struct form *f, int l, struct neuron u)
{
	double norm = sqrt((double)f->D / (1 + CONSTANT * CONSTANT + u.marked));
	double gate = MARK_SLOPE * (1 - MARK_AT) * norm;

	for (int64_t i = 0; u.from && i < f->n; i++)
		add(f, FOT_ROLE_GATE, l, u.i, i, MARK_SLOPE * (double)u.from[i]);
	if (!u.from)
		add(f, FOT_ROLE_GATE, l, u.i, f->mark, MARK_SLOPE);
	add(f, FOT_ROLE_GATE, l, u.i, f->constant, -MARK_SLOPE * MARK_AT / CONSTANT);
	add(f, FOT_ROLE_UP, l, u.i, u.times, (u.times == f->constant ? 1 / CONSTANT : 1) / norm);
	add(f, FOT_ROLE_DOWN, l, u.out, u.i, (1 + exp(-gate)) / gate);
}

static const fot_real *embedding(const struct form *f, int32_t token)
{
	return f->p->w + fot_params_offset(f->p, FOT_ROLE_EMBED, -1) + token * f->D;
}

/* Which tokens are labels, and which no text. */
static void mark_labels(const struct form *f, const struct fot_ids *around, int32_t before)
{
	int l = f->layer - 2;
	int64_t head = f->H - 1, n = 0;
	double total = 0, *w = f->freq + f->d / 2;

	for (int64_t i = 0; i < f->d / 2; i++) {
		w[i] = exp(-pow(log(f->freq[i]) / 0.35, 2) /
			   2); /* one radian a token: narrow, and no period in sight */
		total += w[i];
	}
	for (int64_t i = 0; i < f->d / 2; i++)
		w[i] *= 60 / total;
	add_by_distance(f, l, head, w, 1);
	for (int64_t i = 0; i < f->n; i++)
		add(f, FOT_ROLE_V, l, head * f->d, i, (double)embedding(f, before)[i] / f->norm);
	add(f, FOT_ROLE_O, l, f->mark, head * f->d, 1);
	add_neuron(f, l, (struct neuron){ n++, NULL, f->constant, true, f->apart });
	for (size_t i = 0; i < around->n && i < 5; i++)
		add_neuron(f, l,
			   (struct neuron){ n++, embedding(f, around->id[i]), f->constant, false, f->apart });
	for (int64_t i = 0; i < f->n; i++)
		add_neuron(f, l, (struct neuron){ n++, NULL, i, true, f->label + i });
}

/* Every head takes the same mean, and carries `per` numbers of it. */
static int take_means(const struct form *f, struct fot_err *err)
{
	double *w = f->freq + f->d / 2, center = (REACH - 1) / 2.0;
	int l = f->layer - 1;
	int64_t last = f->d / 2 - 1; /* turns little in a window: what is no text, whatever its distance */
	int status;

	FOT_TRY(fot_vote_fit(w, f->freq, (size_t)last, center, err));
	w[last] = 0;
	for (int64_t h = 0; h < f->H; h++) {
		add_by_distance(f, l, h, w, center);
		add(f, FOT_ROLE_K, l, h * f->d + last, f->apart, -1);
		add(f, FOT_ROLE_Q, l, h * f->d + last, f->constant,
		    APART * sqrt((double)f->d) / (f->one * f->norm * MARK_AT));
	}
	for (int64_t i = 0; i < f->n; i++) {
		int64_t row = i / f->per * f->d + i % f->per;

		add(f, FOT_ROLE_V, l, row, i, 1);
		add(f, FOT_ROLE_O, l, f->mean + i, row, 1);
	}
out:
	return status;
}

/* Every head compares most numbers of the means, and carries `per` numbers of the labels. */
static void vote(const struct form *f)
{
	int64_t seen = f->n < f->d - 1 ? f->n : f->d - 1;
	double mean = MEAN_NORM * f->norm,
	       norm = sqrt((double)f->D / (mean * mean + 1 + CONSTANT * CONSTANT));
	double root = sqrt((double)f->d),
	       look = sqrt(KAPPA * root * (double)f->n / (double)seen) / (norm * mean);

	for (int64_t h = 0; h < f->H; h++) {
		for (int64_t j = 0; j < seen; j++) {
			int64_t from = f->mean + (f->per * h + j) % f->n;

			add(f, FOT_ROLE_Q, f->layer, h * f->d + j, from, look);
			add(f, FOT_ROLE_K, f->layer, h * f->d + j, from, look);
		}
		add(f, FOT_ROLE_Q, f->layer, h * f->d + seen, f->constant,
		    LABEL_LEAD * root / (norm * norm * CONSTANT));
		add(f, FOT_ROLE_K, f->layer, h * f->d + seen, f->mark, 1);
		for (int64_t j = 0; j < f->per; j++) {
			add(f, FOT_ROLE_V, f->layer, h * f->d + j, f->label + h * f->per + j, 1);
			add(f, FOT_ROLE_O, f->layer, h * f->per + j, h * f->d + j, COPY);
		}
	}
}

/* The first n numbers of the model's embeddings, less their mean, at norm 1; and the constant. */
static int take_embeddings(const struct form *f, const char *dir, struct fot_err *err)
{
	struct fot_weights *w = NULL;
	const struct fot_tensor *t;
	const char *name = f->p->spec[0].name;
	int64_t V = f->p->config.vocab_size, cols;
	fot_real *e = f->p->w + fot_params_offset(f->p, FOT_ROLE_EMBED, -1);
	float *all = NULL;
	int status;

	FOT_TRY(fot_weights_open(&w, dir, err));
	t = fot_weights_find(w, name);
	cols = t && t->rank == 2 ? t->shape[1] : 0;
	if (!t || t->rank != 2 || t->shape[0] != V || cols < f->n) {
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: %s: expected %lld rows of at least %lld numbers",
				  dir, name, (long long)V, (long long)f->n);
		goto out;
	}
	all = fot_alloc((size_t)t->n, sizeof *all);
	if (!all) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "out of memory for tensor %s", name);
		goto out;
	}
	fot_widen(all, t->data, t->dtype, (size_t)t->n);
	memset(e, 0, sizeof *e * (size_t)(V * f->D));
	for (int64_t i = 0; i < f->n; i++) {
		double sum = 0;

		for (int64_t v = 0; v < V; v++)
			sum += (double)all[v * cols + i];
		for (int64_t v = 0; v < V; v++)
			e[v * f->D + i] = (fot_real)((double)all[v * cols + i] - sum / (double)V);
	}
	for (int64_t v = 0; v < V; v++) {
		double square = 0;

		for (int64_t i = 0; i < f->n; i++)
			square += (double)e[v * f->D + i] * (double)e[v * f->D + i];
		for (int64_t i = 0; i < f->n; i++)
			e[v * f->D + i] /= (fot_real)(sqrt(square) + 1e-6);
		e[v * f->D + f->constant] = CONSTANT;
	}
out:
	fot_free(all);
	fot_weights_close(w);
	return status;
}

/* Tokens around a label: between text and label, and behind it.  The last one between is what stands before labels. */
static int read_template(struct fot_ids *around, int32_t *before, const struct fot_tokenizer *tok,
			 const struct fot_template *t, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	size_t skip = 0;
	int status;

	for (int part = 0; part < 3; part++) { /* a text alone; and what comes behind it; and behind that */
		struct fot_ids ids = { 0 };

		fot_str_clear(&text);
		fot_str_puts(&text, "x");
		if (part > 0)
			fot_str_puts(&text, part == 1 ? t->between : t->terminator);
		FOT_TRY(fot_str_check(&text, err));
		status = fot_tokenizer_encode(tok, &ids, text.data, text.len, err);
		skip = part == 0 ? ids.n : skip;
		for (size_t i = skip; i < ids.n && status == FOT_OK; i++)
			status = fot_ids_push(around, ids.id[i], err);
		if (part == 1 && ids.n > skip)
			*before = ids.id[ids.n - 1];
		else if (part == 1 && status == FOT_OK)
			status = FOT_FAIL(err, FOT_ERR_USAGE,
					  "template: expected something between {text} and {label}");
		fot_ids_release(&ids);
		if (status != FOT_OK)
			goto out;
	}
out:
	fot_str_release(&text);
	return status;
}

int fot_vote_start(struct fot_params *p, const char *dir, const struct fot_tokenizer *tok,
		   const struct fot_template *t, struct fot_err *err)
{
	const struct fot_config *c = &p->config;
	int64_t n = kind_size(c), D = c->hidden_size;
	struct form f = { .p = p,
			  .D = D,
			  .H = c->n_heads,
			  .d = c->head_dim,
			  .F = c->intermediate_size,
			  .n = n,
			  .per = n / c->n_heads,
			  .mean = n,
			  .label = 2 * n,
			  .constant = D - 3,
			  .mark = D - 2,
			  .apart = D - 1,
			  .layer = c->mem_layers[0],
			  .norm = sqrt((double)D / (1 + CONSTANT * CONSTANT)) };
	struct fot_ids around = { 0 };
	struct fot_turning turn;
	int32_t before = 0;
	int status;

	f.one = CONSTANT * f.norm;
	turning(&turn, c);
	FOT_TRY(read_template(&around, &before, tok, t, err));
	FOT_TRY(take_embeddings(&f, dir, err));
	f.freq = fot_alloc((size_t)f.d, sizeof *f.freq); /* and as many weights of them */
	if (!f.freq) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "out of memory for %lld frequencies", (long long)f.d);
		goto out;
	}
	for (int64_t i = 0; i < f.d / 2; i++)
		f.freq[i] = fot_rope_frequency(&turn, i);
	mark_labels(&f, &around, before);
	FOT_TRY(take_means(&f, err));
	vote(&f);
out:
	fot_free(f.freq);
	fot_ids_release(&around);
	return status;
}

void fot_vote_hold(const struct fot_params *p, fot_real *grad)
{
	int mem = p->config.mem_layers[0];

	for (size_t i = 0; i < p->n_tensors; i++) {
		const struct fot_tensor_spec *s = &p->spec[i];
		bool reads = s->layer == mem - 1 && (s->role == FOT_ROLE_Q || s->role == FOT_ROLE_K);
		int64_t n = s->cols ? s->rows * s->cols : s->rows;

		if (s->role == FOT_ROLE_EMBED || (s->layer >= 0 && s->layer < mem && !reads))
			memset(grad + p->offset[i], 0, sizeof *grad * (size_t)n);
	}
}
