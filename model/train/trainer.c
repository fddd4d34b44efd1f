/* trainer.c: the loop: draw, gradient, step; now and then validate, checkpoint.
 *
 * The state of a run is (step, weights, moments): batches, learning rate and
 * stage are functions of the step, so a resumed run continues with the same bits.
 * CSV rows after the checkpoint are cut off on resume and written again; a run that
 * goes on from another's checkpoint begins with that one's rows. */
#include "model/train/trainer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/quote.h"
#include "datasets/corpus.h"
#include "model/blas.h"
#include "model/tokenizer.h"
#include "model/train/checkpoint.h"
#include "model/train/label_accuracy.h"
#include "model/train/network.h"
#include "model/train/vote.h"

#define VALID_BATCH 4
#define CSV_BYTES_MAX ((size_t)1 << 30)

static const char train_header[] =
	"step,stage,tokens,loss_nats,lr,grad_norm,method,window,w,d,negatives,wall_s,tokens_per_s,gflops,"
	"answer_nll_nats,answer_accuracy,teach_nats\n";
static const char valid_header[] = "step,tokens,dataset,memory_windows,memory_tokens,n_tokens,nll_nats,"
				   "n_answers,answer_nll_nats,answer_accuracy\n";

struct trainer {
	const struct fot_recipe *r;
	const struct fot_train_opts *o;
	struct fot_tokenizer *tok;
	struct fot_corpus *train, *valid;                     /* NULL: a generator that reads none */
	struct fot_episodes *train_episodes, *valid_episodes; /* of the generator of that name */
	struct fot_template template;                         /* of their prompts */
	char data_sha256[65];                                 /* what the batches are drawn from */
	struct fot_params p;
	struct fot_adamw adam;
	struct fot_net *net;
	struct fot_batch batch;
	fot_real *grad, *part; /* [p.n] of a step; of one of its parts, NULL where all steps have one */
	int64_t step;
	const char *came_from; /* folder of the run that made the first steps, or NULL */
	struct fot_stage valid_stage;
	FILE *train_csv, *valid_csv, *labels_csv; /* labels: NULL without episodes */
	char valid_line[512];
	double rate; /* tokens per second, smoothed */
};

/* ---- opening --------------------------------------------------------- */

static const char *tokenizer_file(const struct trainer *t)
{
	return t->o->tokenizer ? t->o->tokenizer : t->r->tokenizer;
}

static bool starts_from_a_model(const struct trainer *t)
{
	return t->r->start || t->r->base || t->o->from;
}

static int open_tokenizer(struct trainer *t, struct fot_err *err)
{
	int status;

	if (strcmp(t->r->tokenizer, "none") == 0)
		return FOT_OK;
	if (strcmp(t->r->tokenizer, "byte") == 0)
		FOT_TRY(fot_tokenizer_open_byte(&t->tok, err));
	else
		FOT_TRY(fot_tokenizer_open_file(&t->tok, tokenizer_file(t), err));
	/* A checkpoint's vocabulary may be padded. */
	if (fot_tokenizer_vocab(t->tok) > t->r->config.vocab_size ||
	    (fot_tokenizer_vocab(t->tok) < t->r->config.vocab_size && !starts_from_a_model(t)))
		status = FOT_FAIL(err, FOT_ERR_USAGE,
				  "recipe %s: model: vocab_size: tokenizer %s has %d ids, got %d", t->r->name,
				  t->r->tokenizer, fot_tokenizer_vocab(t->tok), t->r->config.vocab_size);
out:
	return status;
}

static bool generated(const struct trainer *t)
{
	return t->r->generator.kind != FOT_GENERATOR_NONE;
}

static struct fot_source source_of(const struct trainer *t, bool valid, const double *weight)
{
	return (struct fot_source){ valid ? t->valid : t->train,
				    weight,
				    t->r->n_datasets,
				    generated(t) ? &t->r->generator : NULL,
				    valid ? t->valid_episodes : t->train_episodes,
				    t->tok ? fot_tokenizer_bos(t->tok) : -1,
				    t->r->config.eos_id };
}

/* Validation sees the same windows without memory, with one and with all previous ones. */
static void plan_validation(struct trainer *t)
{
	const struct fot_recipe *r = t->r;

	t->valid_stage = r->stage[r->n_stages - 1];
	if (generated(t))
		return;
	t->valid_stage = (struct fot_stage){ .method = r->config.cached_windows ? FOT_METHOD_TRANSFORMER_XL :
										  FOT_METHOD_CROSSBATCH,
					     .steps = 1,
					     .batch = VALID_BATCH,
					     .w = r->valid_memory,
					     .d = 1,
					     .pack = 1,
					     .top_k = r->stage[r->n_stages - 1].top_k };
	for (size_t i = 0; i < r->n_stages; i++)
		if (r->stage[i].window > t->valid_stage.window)
			t->valid_stage.window = r->stage[i].window;
}

static bool accumulates(const struct fot_recipe *r)
{
	for (size_t i = 0; i < r->n_stages; i++)
		if (fot_stage_parts(&r->stage[i]) > 1)
			return true;
	return false;
}

static int open_network(struct trainer *t, struct fot_err *err)
{
	struct fot_stage stages[FOT_MAX_STAGES + 1];
	struct fot_net_size size;
	size_t n = t->r->n_stages;
	int status;

	memcpy(stages, t->r->stage, sizeof *stages * n);
	plan_validation(t);
	if (t->r->valid_every)
		stages[n++] = t->valid_stage;
	fot_net_size_of(&size, stages, n, fot_threads_at_once(t->o->n_threads));
	size.compute = t->r->compute;
	FOT_TRY(fot_params_init(&t->p, &t->r->config, err));
	FOT_TRY(fot_adamw_init(&t->adam, &t->p, &t->r->adamw, err));
	FOT_TRY(fot_net_open(&t->net, &t->p, &size, err));
	FOT_TRY(fot_batch_init(&t->batch, stages, n, err));
	t->grad = fot_calloc((size_t)t->p.n, sizeof *t->grad);
	t->part = accumulates(t->r) ? fot_calloc((size_t)t->p.n, sizeof *t->part) : NULL;
	if (!t->grad || (accumulates(t->r) && !t->part))
		status = FOT_FAIL(err, FOT_ERR_RUN, "out of memory for gradients");
out:
	return status;
}

/* Refuse to go on from a folder whose recipe has another beginning. */
static int check_recipe(const struct fot_recipe *r, const char *folder, int64_t step, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	struct fot_recipe other = { 0 };
	const char *why = "";
	int status;

	FOT_TRY(fot_path_at(&path, folder, "recipe.json", err));
	FOT_TRY(fot_recipe_read_on(&other, path.data, r->base, err));
	if (!fot_recipe_same_beginning(r, &other, step, &why))
		status = FOT_FAIL(err, FOT_ERR_USAGE,
				  "%s: made by another recipe: the first %lld steps differ in %s", path.data,
				  (long long)step, why);
	fot_recipe_release(&other);
out:
	fot_str_release(&path);
	return status;
}

static int load_from(struct trainer *t, const char *folder, bool *found, struct fot_err *err)
{
	struct fot_checkpoint c = { 0 };
	int status;

	FOT_TRY(fot_checkpoint_read(folder, &c, &t->p, &t->adam, found, err));
	if (!*found)
		goto out;
	FOT_TRY(check_recipe(t->r, folder, c.step, err));
	if (strcmp(c.corpus_sha256, t->data_sha256) != 0) {
		status = FOT_FAIL(err, FOT_ERR_USAGE,
				  "%s: the training data changed: expected %.12s, got %.12s", folder,
				  c.corpus_sha256, t->data_sha256);
		goto out;
	}
	t->step = c.step;
	t->came_from = folder;
out:
	return status;
}

static bool holds_model(const char *folder)
{
	struct fot_str path = FOT_STR_INIT;
	bool yes;

	fot_path_join(&path, folder, "config.json");
	yes = !path.failed && fot_file_exists(path.data);
	fot_str_release(&path);
	return yes;
}

/* Weights and step: resumed, taken from another run, a model's to be fine-tuned, or random. */
static int start_state(struct trainer *t, struct fot_err *err)
{
	const char *model = t->o->start ? t->o->start : t->r->start;
	bool found = false;
	int status = FOT_OK;

	if (t->o->resume)
		FOT_TRY(load_from(t, t->o->out, &found, err));
	if (!found && t->o->from)
		FOT_TRY(load_from(t, t->o->from, &found, err));
	if (found)
		goto out;
	if (t->o->from && !holds_model(t->o->from)) {
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: no checkpoint and no model there to start from",
				  t->o->from);
		goto out;
	}
	model = t->o->from ? t->o->from : model;
	if (model && !t->o->from && t->r->start_sha256[0])
		FOT_TRY(fot_params_check_hash(model, t->r->start_sha256, err));
	fot_params_random(&t->p, t->r->seed, t->r->gain, t->r->embed_std);
	if (t->r->vote)
		status = fot_vote_start(&t->p, model, t->tok, &t->template, err);
	else if (model)
		status = fot_params_start(&t->p, model, err);
out:
	return status;
}

/* ---- CSV ------------------------------------------------------------- */

/* Keep the header and the rows whose first cell is at most last. */
static size_t kept_length(const struct fot_str *text, int64_t last)
{
	size_t at = 0;

	while (at < text->len) {
		const char *end = memchr(text->data + at, '\n', text->len - at);
		char *stop;
		long long step = strtoll(text->data + at, &stop, 10);

		if (!end || (at > 0 && (*stop != ',' || step > last)))
			break;
		at = (size_t)(end - text->data) + 1;
	}
	return at;
}

/* Rows of a file that may be of an earlier version: it had the first of our columns, the others get empty cells. */
static int take_rows(struct fot_str *out, const struct fot_str *old, const char *header, int64_t last, const char *path,
		     struct fot_err *err)
{
	size_t kept = kept_length(old, last), first = kept ? strcspn(old->data, "\n") : 0, more = 0;

	if (kept && (strncmp(old->data, header, first) != 0 || !strchr(",\n", header[first])))
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected the columns %.*s, got %.*s", path,
				(int)strcspn(header, "\n"), header, (int)(first < 80 ? first : 80), old->data);
	for (const char *c = header + first; kept && *c; c++)
		more += *c == ',';
	fot_str_puts(out, header);
	for (size_t at = first + 1, n; at < kept; at += n + 1) {
		n = strcspn(old->data + at, "\n");
		fot_str_add(out, old->data + at, n);
		for (size_t i = 0; i < more; i++)
			fot_str_putc(out, ',');
		fot_str_putc(out, '\n');
	}
	return fot_str_check(out, err);
}

/* What the run so far wrote. Earlier versions had no labels.csv. */
static int read_csv(struct fot_str *out, const struct trainer *t, const char *name, const char *header,
		    struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT, old = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_path_at(&path, t->came_from ? t->came_from : "", name, err));
	if (t->came_from && (header != fot_label_header || fot_file_exists(path.data)))
		FOT_TRY(fot_file_read(&old, path.data, CSV_BYTES_MAX, err));
	status = take_rows(out, &old, header, t->step, path.data, err);
out:
	fot_str_release(&path);
	fot_str_release(&old);
	return status;
}

static int open_csv(struct trainer *t, const char *name, const char *header, FILE **out, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT, text = FOT_STR_INIT;
	int status;

	FOT_TRY(read_csv(&text, t, name, header, err));
	FOT_TRY(fot_path_at(&path, t->o->out, name, err));
	FOT_TRY(fot_file_replace(path.data, text.data, text.len, err));
	*out = fopen(path.data, "a");
	if (!*out)
		status = FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: cannot be opened for appending", path.data);
out:
	fot_str_release(&path);
	fot_str_release(&text);
	return status;
}

static int flush_csv(FILE *f, const char *name, struct fot_err *err)
{
	if (fflush(f) != 0 || ferror(f))
		return FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: could not be written", name);
	return FOT_OK;
}

/* Two cells; empty without answers. */
static void print_answers(FILE *f, const struct fot_net_answers *a)
{
	if (a->n)
		fprintf(f, ",%.17g,%.17g", a->nll / (double)a->n, (double)a->right / (double)a->n);
	else
		fputs(",,", f);
}

/* The last cell of a row of train.csv: what the attention was told, empty where it was told nothing. */
static void print_taught(FILE *f, double taught, int64_t places)
{
	if (places)
		fprintf(f, ",%.17g\n", taught);
	else
		fputs(",\n", f);
}

/* ---- validation ------------------------------------------------------ */

struct held_out {
	const char *dataset;
	int64_t keep, mem_tokens; /* windows in sight besides the asking one */
	bool last;                /* of the numbers of windows that are tried */
	double taught;            /* episodes: sum of -log of the attention on labels of the right class */
	int64_t n_taught;
	int64_t n_tokens;
	double nll;
	struct fot_net_answers answers;
	struct fot_label_counts labels;
};

/* The questions of the batch that was just run. */
static int count_labels(struct trainer *t, const struct fot_source *src, uint64_t step, struct fot_label_counts *c,
			struct fot_err *err)
{
	const struct fot_stage *st = &t->valid_stage;
	struct fot_episode x = { 0 };
	int status = FOT_OK;

	for (int64_t i = 0; i < st->batch; i += st->pack) {
		FOT_TRY(fot_generate_episode(&x, src, st, t->r->seed, "train.valid", step, i, err));
		FOT_TRY(fot_label_counts_add(c, &x, st, fot_net_chosen(t->net), i, err));
	}
out:
	fot_episode_release(&x);
	return status;
}

/* Mean nll of one dataset (or generator) with `keep` windows in sight. */
static int validate_one(struct trainer *t, size_t set, struct held_out *h, struct fot_err *err)
{
	double weight[FOT_MAX_SOURCES] = { 0 }, loss, taught, sum = 0;
	int64_t places;
	struct fot_source src = source_of(t, true, generated(t) ? t->r->weight : weight);
	int64_t batch = t->valid_stage.batch, rounds = (t->r->valid_windows + batch - 1) / batch;
	struct fot_net_answers a;
	int status = FOT_OK;

	weight[set] = 1;
	for (int64_t i = 0; i < rounds; i++) {
		FOT_TRY(fot_batch_draw(&t->batch, &src, &t->valid_stage, t->r->seed, "train.valid",
				       (uint64_t)i, err));
		fot_batch_limit(&t->batch, h->keep);
		FOT_TRY(fot_net_loss(t->net, &t->batch, &loss, NULL, err));
		fot_net_answers(t->net, &t->batch, &a);
		h->answers.n += a.n;
		h->answers.right += a.right;
		h->answers.nll += a.nll;
		taught = fot_net_taught(t->net, &t->batch, &places);
		h->taught += taught * (double)places;
		h->n_taught += places;
		if (t->batch.labelled)
			FOT_TRY(count_labels(t, &src, (uint64_t)i, &h->labels, err));
		sum += loss;
	}
	h->nll = sum / (double)rounds;
	h->mem_tokens = h->keep * t->valid_stage.window;
	h->n_tokens = rounds * batch * t->valid_stage.window;
out:
	return status;
}

/* How many windows are kept in sight, ascending; returns how often. */
static int keep_counts(const struct trainer *t, int64_t keep[3])
{
	const struct fot_stage *s = &t->valid_stage;
	int64_t all = generated(t) ? s->w + s->d - 1 + s->negatives : t->r->valid_memory;
	int64_t few = generated(t) ? s->w : 1;

	keep[0] = 0;
	keep[1] = few;
	keep[2] = all;
	if (s->method == FOT_METHOD_TRANSFORMER_XL)
		return all > few ? 3 : 2;
	if (t->r->config.n_mem_layers == 0 || !fot_stage_has_memory(s))
		return 1;
	return all > few ? 3 : 2;
}

static void print_labels(struct trainer *t, const struct held_out *h, struct fot_str *line)
{
	struct fot_label_count all = fot_label_counts_all(&h->labels);
	double part = all.n ? 100 / (double)all.n : 0;

	fot_label_counts_print(t->labels_csv, &h->labels, t->step, fot_recipe_tokens(t->r, t->step), h->keep);
	fot_str_printf(line, " (labels %.1f %%", all.right * part);
	if (h->n_taught)
		fot_str_printf(line, ", attention on theirs %.1f %%", 100 * exp(-h->taught / (double)h->n_taught));
	if (h->last)
		fot_str_printf(line, ", chance %.1f, commonest %.1f, bag of words %.1f", all.chance * part,
			       all.commonest * part, all.bow * part);
	fot_str_puts(line, ")");
}

static void print_held_out(struct trainer *t, const struct held_out *h, struct fot_str *line)
{
	struct fot_str dataset = FOT_STR_INIT;

	fot_quote_csv(&dataset, h->dataset);
	fprintf(t->valid_csv, "%lld,%lld,%s,%lld,%lld,%lld,%.17g", (long long)t->step,
		(long long)fot_recipe_tokens(t->r, t->step), dataset.failed ? "" : dataset.data,
		(long long)h->keep, (long long)h->mem_tokens, (long long)h->n_tokens, h->nll);
	fot_str_release(&dataset);
	if (h->answers.n)
		fprintf(t->valid_csv, ",%lld", (long long)h->answers.n);
	else
		fputc(',', t->valid_csv);
	print_answers(t->valid_csv, &h->answers);
	fputc('\n', t->valid_csv);
	fot_str_printf(line, " %.4f", h->nll);
	if (t->labels_csv)
		print_labels(t, h, line);
	else if (h->answers.n)
		fot_str_printf(line, " (%.1f %% of answers)",
			       100 * (double)h->answers.right / (double)h->answers.n);
}

static int validate(struct trainer *t, struct fot_err *err)
{
	size_t sets = generated(t) ? 1 : t->r->n_datasets;
	struct fot_str line = FOT_STR_INIT;
	int64_t keep[3];
	int n_keep = keep_counts(t, keep), status = FOT_OK;

	for (size_t set = 0; set < sets; set++) {
		const char *name = generated(t) ? fot_generator_name(&t->r->generator) : t->r->dataset[set];

		fot_str_printf(&line, "%s%.40s", set ? "  " : "", name);
		for (int i = 0; i < n_keep; i++) {
			struct held_out h = { .dataset = name, .keep = keep[i], .last = i + 1 == n_keep };

			FOT_TRY(validate_one(t, set, &h, err));
			print_held_out(t, &h, &line);
		}
	}
	FOT_TRY(fot_str_check(&line, err));
	snprintf(t->valid_line, sizeof t->valid_line, "%s", line.data);
	FOT_TRY(flush_csv(t->valid_csv, "valid.csv", err));
	if (t->labels_csv)
		FOT_TRY(flush_csv(t->labels_csv, "labels.csv", err));
out:
	fot_str_release(&line);
	return status;
}

/* ---- the loop -------------------------------------------------------- */

/* What the parts of a step have together. */
struct sums {
	double loss, flops, taught; /* taught: the mean over the places */
	int64_t places; /* that were taught */
	struct fot_net_answers answers;
};

/* sum = (sum + x) f */
static void add_gradient(fot_real *sum, const fot_real *x, int64_t n, fot_real f, int n_threads)
{
#pragma omp parallel for simd schedule(static) num_threads(n_threads)
	for (int64_t i = 0; i < n; i++)
		sum[i] = (sum[i] + x[i]) * f;
}

/* Part `part` of the step: its gradient is added to t->grad, which is the mean behind the last one. */
static int one_part(struct trainer *t, const struct fot_source *src, const struct fot_stage *s, int64_t part,
		    struct sums *sums, struct fot_err *err)
{
	int64_t parts = fot_stage_parts(s), places;
	struct fot_net_answers a;
	double loss, taught;
	int status;

	t->batch.part = part;
	FOT_TRY(fot_batch_draw(&t->batch, src, s, t->r->seed, "train.batch", (uint64_t)t->step, err));
	t->batch.part = 0;
	t->batch.teach = fot_recipe_teach(t->r, t->step);
	t->batch.teach_text = t->batch.teach * s->teach_text;
	sums->flops += fot_net_flops(&t->r->config, &t->batch);
	FOT_TRY(fot_net_gradient(t->net, &t->batch, &loss, part ? t->part : t->grad, err));
	if (part)
		add_gradient(t->grad, t->part, t->p.n, part + 1 < parts ? 1 : 1 / (fot_real)parts,
			     fot_threads_at_once(t->o->n_threads));
	sums->loss += loss / (double)parts;
	fot_net_answers(t->net, &t->batch, &a);
	sums->answers.n += a.n;
	sums->answers.right += a.right;
	sums->answers.nll += a.nll;
	taught = fot_net_taught(t->net, &t->batch, &places);
	sums->places += places;
	if (places)
		sums->taught += (taught - sums->taught) * ((double)places / (double)sums->places);
out:
	return status;
}

static void print_step(struct trainer *t, const struct fot_train_progress *g, const struct sums *sums, double wall)
{
	const struct fot_stage *s = &t->r->stage[g->stage];

	fprintf(t->train_csv, "%lld,%zu,%lld,%.17g,%.17g,%.17g,%s,%lld,%lld,%lld,%lld,%.6g,%.6g,%.6g",
		(long long)t->step, g->stage, (long long)g->tokens, g->loss, g->lr, g->grad_norm,
		fot_method_name(s->method), (long long)s->window, (long long)s->w, (long long)s->d,
		(long long)s->negatives, wall, (double)(fot_stage_asking(s) * s->window) / wall, g->gflops);
	print_answers(t->train_csv, &sums->answers);
	print_taught(t->train_csv, sums->taught, sums->places);
}

static int one_step(struct trainer *t, int *stop, struct fot_err *err)
{
	struct fot_source src = source_of(t, false, t->r->weight);
	struct fot_train_progress g = { 0 };
	struct sums sums = { 0 };
	double began = fot_clock(), wall, rate;
	const struct fot_stage *s;
	int status = FOT_OK;

	g.stage = fot_recipe_stage(t->r, t->step, &g.lr);
	s = &t->r->stage[g.stage];
	for (int64_t part = 0; part < fot_stage_parts(s); part++)
		FOT_TRY(one_part(t, &src, s, part, &sums, err));
	g.loss = sums.loss;
	if (t->r->vote)
		fot_vote_hold(&t->p, t->grad);
	FOT_TRY(fot_adamw_step(&t->adam, &t->p, t->grad, g.lr, fot_threads_at_once(t->o->n_threads),
			       &g.grad_norm, err));
	t->step++;
	wall = fot_clock() - began;
	rate = (double)(fot_stage_asking(s) * s->window) / wall;
	t->rate = t->rate > 0 ? 0.9 * t->rate + 0.1 * rate : rate;
	g.step = t->step;
	g.steps = fot_recipe_steps(t->r);
	g.tokens = fot_recipe_tokens(t->r, t->step);
	g.tokens_per_s = t->rate;
	g.gflops = sums.flops / wall * 1e-9;
	g.eta_s = (double)(fot_recipe_tokens(t->r, g.steps) - g.tokens) / t->rate;
	g.valid = t->valid_line[0] ? t->valid_line : NULL;
	print_step(t, &g, &sums, wall);
	FOT_TRY(flush_csv(t->train_csv, "train.csv", err));
	*stop = t->o->progress ? t->o->progress(t->o->user, &g) : 0;
out:
	return status;
}

static int save_checkpoint(struct trainer *t, struct fot_err *err)
{
	struct fot_checkpoint c = { .step = t->step, .tokenizer = tokenizer_file(t) };

	snprintf(c.corpus_sha256, sizeof c.corpus_sha256, "%s", t->data_sha256);
	return fot_checkpoint_write(t->o->out, &c, &t->p, &t->adam, err);
}

static int loop(struct trainer *t, struct fot_err *err)
{
	int64_t steps = fot_recipe_steps(t->r), first = t->step,
		last = t->o->stop_after ? t->o->stop_after : steps;
	int stop = t->step >= last, status = FOT_OK;

	while (t->step < steps && !stop) {
		FOT_TRY(one_step(t, &stop, err));
		if (t->r->valid_every && (t->step % t->r->valid_every == 0 || t->step == steps))
			FOT_TRY(validate(t, err));
		stop |= t->step >= last;
		if (stop || t->step == steps || t->step % t->r->checkpoint_every == 0)
			FOT_TRY(save_checkpoint(t, err));
	}
	if (first == steps && t->came_from == t->o->out) /* killed at its end: what it left is removed */
		status = save_checkpoint(t, err);
out:
	return status;
}

/* ---- the recipe ------------------------------------------------------ */

static int write_recipe(struct trainer *t, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_path_at(&path, t->o->out, "recipe.json", err));
	FOT_TRY(fot_file_replace(path.data, t->r->text, strlen(t->r->text), err));
out:
	fot_str_release(&path);
	return status;
}

static void close_all(struct trainer *t)
{
	if (t->train_csv)
		fclose(t->train_csv);
	if (t->valid_csv)
		fclose(t->valid_csv);
	if (t->labels_csv)
		fclose(t->labels_csv);
	fot_net_close(t->net);
	fot_batch_release(&t->batch);
	fot_adamw_release(&t->adam);
	fot_params_release(&t->p);
	fot_free(t->grad);
	fot_free(t->part);
	fot_episodes_close(t->train_episodes);
	fot_episodes_close(t->valid_episodes);
	fot_template_release(&t->template);
	fot_corpus_close(t->train);
	fot_corpus_close(t->valid);
	fot_tokenizer_close(t->tok);
}

/* Made of the corpora's documents and of the training items of labelled sets. */
static int open_episodes(struct trainer *t, struct fot_err *err)
{
	const struct fot_generator *g = &t->r->generator;
	const char *specs[FOT_GENERATOR_SETS], *held_out[FOT_GENERATOR_SETS];
	int status;

	FOT_TRY(fot_template_read(&t->template, t->o->template ? t->o->template : g->template, err));
	for (size_t i = 0; i < g->labelled.n; i++)
		specs[i] = g->labelled.spec[i];
	for (size_t i = 0; i < g->held_out.n; i++)
		held_out[i] = g->held_out.spec[i];
	FOT_TRY(fot_episodes_open(&t->train_episodes, t->train, t->r->weight, specs, g->labelled.n,
				  t->o->store, t->tok, &t->template, &g->episodes, err));
	if (fot_episodes_held_out(t->train_episodes))
		return FOT_FAIL(err, FOT_ERR_USAGE, "labelled: %s is held out for evaluation, not to be trained on",
				fot_episodes_held_out(t->train_episodes));
	if (g->held_out.n && t->r->valid_every)
		FOT_TRY(fot_episodes_open(&t->valid_episodes, NULL, NULL, held_out, g->held_out.n, t->o->store,
					  t->tok, &t->template, &g->episodes, err));
	else if (t->r->valid_every)
		FOT_TRY(fot_episodes_open(&t->valid_episodes, t->valid, t->r->weight, specs, g->labelled.n,
					  t->o->store, t->tok, &t->template, &g->episodes, err));
	fot_generator_hash(g, fot_episodes_hash(t->train_episodes), t->data_sha256);
out:
	return status;
}

static void give_notice(const struct trainer *t)
{
	struct fot_str text = FOT_STR_INIT;

	for (size_t i = 0; t->o->notice && t->train && i < fot_corpus_n_datasets(t->train); i++) {
		const struct fot_dataset *d = fot_corpus_dataset(t->train, i);

		fot_str_clear(&text);
		fot_dataset_notice(&text, d);
		if (text.len && !text.failed)
			t->o->notice(t->o->user, fot_dataset_name(d), text.data);
	}
	fot_str_release(&text);
}

/* Corpora, where there are any, and the hash of what batches come from. */
static int open_data(struct trainer *t, struct fot_err *err)
{
	const struct fot_recipe *r = t->r;
	const char *const *specs = (const char *const *)r->dataset;
	int status = FOT_OK;

	if (r->n_datasets)
		FOT_TRY(fot_corpus_open(&t->train, specs, r->n_datasets, FOT_TRAIN, t->o->store, t->tok,
					err));
	if (r->n_datasets && r->valid_every)
		FOT_TRY(fot_corpus_open(&t->valid, specs, r->n_datasets, FOT_VALID, t->o->store, t->tok, err));
	give_notice(t);
	if (r->generator.kind == FOT_GENERATOR_EPISODES)
		status = open_episodes(t, err);
	else if (generated(t))
		fot_generator_hash(&r->generator, t->train ? fot_corpus_hash(t->train) : "", t->data_sha256);
	else
		snprintf(t->data_sha256, sizeof t->data_sha256, "%s", fot_corpus_hash(t->train));
out:
	return status;
}

int fot_train_check(const struct fot_recipe *r, const struct fot_train_opts *o, struct fot_err *err)
{
	struct trainer t = { .r = r, .o = o };
	int status;

	FOT_TRY(open_tokenizer(&t, err));
	status = open_data(&t, err);
out:
	close_all(&t);
	return status;
}

int fot_train(const struct fot_recipe *r, const struct fot_train_opts *o, bool *finished, struct fot_err *err)
{
	struct trainer t = { .r = r, .o = o };
	int status;

	*finished = false;
	FOT_TRY(open_tokenizer(&t, err));
	FOT_TRY(open_data(&t, err));
	FOT_TRY(open_network(&t, err));
	FOT_TRY(fot_mkdir_all(o->out, err));
	FOT_TRY(start_state(&t, err));
	if (t.came_from != o->out)
		FOT_TRY(fot_checkpoint_forget(o->out, err));
	FOT_TRY(write_recipe(&t, err));
	FOT_TRY(open_csv(&t, "train.csv", train_header, &t.train_csv, err));
	FOT_TRY(open_csv(&t, "valid.csv", valid_header, &t.valid_csv, err));
	if (r->generator.kind == FOT_GENERATOR_EPISODES)
		FOT_TRY(open_csv(&t, "labels.csv", fot_label_header, &t.labels_csv, err));
	FOT_TRY(loop(&t, err));
	*finished = t.step == fot_recipe_steps(r);
	if (*finished)
		FOT_TRY(fot_checkpoint_model(o->out, &t.p, r->save_dtype, tokenizer_file(&t), err));
out:
	close_all(&t);
	return status;
}

size_t fot_train_estimate(const struct fot_recipe *r, int n_threads)
{
	struct fot_net_size size;
	size_t params = (size_t)fot_config_parameters(&r->config) * sizeof(fot_real);

	fot_net_size_of(&size, r->stage, r->n_stages, fot_threads_at_once(n_threads));
	size.compute = r->compute;
	return fot_size_add(fot_net_estimate(&r->config, &size), fot_size_mul(params, accumulates(r) ? 5 : 4));
}
