/* rows.c: see rows.h.
 *
 * Where the streams stand at a step is a matter of the documents' lengths alone, so any step is
 * reached by counting from step 0; one step after the other needs no counting anew. */
#include "model/train/rows.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

int64_t fot_rows_seen(int64_t i, int64_t pack, int64_t range, bool stepping)
{
	int64_t seen = range;

	if (stepping && pack > 1) {
		int64_t per_place = (1 + range + pack - 2) / (pack - 1), most = i % pack * per_place;

		seen = most < range ? most : range;
	}
	return seen < i ? seen : i;
}

/* --- streams --- */

static int32_t token_at(const struct fot_row_streams *s, const struct fot_row_stream *x, int64_t at)
{
	return s->eos >= 0 && at == x->n - 1 ? s->eos : x->tokens[at];
}

static void take_document(const struct fot_row_streams *s, struct fot_row_stream *x)
{
	s->next(s->user, &x->tokens, &x->n);
	x->n += s->eos >= 0;
	x->at = 0;
}

/* The stream's token number i of this step, 0 .. length; from 1 on also the target of the one before. */
static void place(const struct fot_row_streams *s, const struct fot_row_stream *x, int64_t i, int32_t *tokens,
		  int32_t *targets)
{
	int32_t token = token_at(s, x, x->at);

	if (i < s->length)
		tokens[i] = token;
	if (i > 0)
		targets[i - 1] = x->at == 0 && token == s->bos ? -1 : token;
}

void fot_row_streams_step(struct fot_row_streams *s, int32_t *tokens, int32_t *targets)
{
	for (int64_t k = 0; k < s->n_streams; k++) {
		struct fot_row_stream *x = &s->stream[k];
		int64_t last = k * s->length;

		for (int64_t i = 0, n; i <= s->length; i += n) {
			if (x->at == x->n)
				take_document(s, x);
			n = x->n - x->at < s->length + 1 - i ? x->n - x->at : s->length + 1 - i;
			for (int64_t j = 0; j < n && tokens; j++, x->at++)
				place(s, x, i + j, tokens + last, targets + last);
			if (!tokens)
				x->at += n;
		}
		x->at--; /* the last target is the first token of the next step */
	}
}

/* --- the source --- */

struct order {
	uint64_t *doc;   /* [n] documents of the dataset, as they come this time round */
	size_t n, at;
	uint64_t rounds; /* times that it was put in order */
	int64_t given;   /* tokens */
};

struct fot_rows {
	struct fot_row_streams streams;
	struct fot_source source;
	struct fot_stage stage;
	uint64_t seed;
	char purpose[64], order_purpose[80];
	struct order *order; /* [source.n_datasets] */
	uint64_t step;       /* of the streams */
};

static void shuffle(const struct fot_rows *r, struct order *o, size_t set)
{
	struct fot_rng rng;

	fot_rng_init(&rng, r->seed, r->order_purpose, o->rounds++ * r->source.n_datasets + set);
	fot_rng_shuffle(&rng, o->doc, o->n);
	o->at = 0;
}

static void next_document(void *user, const int32_t **tokens, int64_t *n)
{
	struct fot_rows *r = user;
	const struct fot_corpus_doc *doc;
	struct order *o;
	size_t set = 0;

	for (size_t i = 1; i < r->source.n_datasets; i++)
		if ((double)r->order[i].given / r->source.weight[i] <
		    (double)r->order[set].given / r->source.weight[set])
			set = i;
	o = &r->order[set];
	if (o->at == o->n)
		shuffle(r, o, set);
	doc = fot_corpus_at(r->source.corpus, (size_t)o->doc[o->at++]);
	o->given += doc->n;
	*tokens = doc->tokens;
	*n = doc->n;
}

/* Documents in the order of the corpus, to be shuffled when the first is asked for. */
static int list_documents(struct fot_rows *r, size_t set, struct fot_err *err)
{
	struct order *o = &r->order[set];
	size_t n = fot_corpus_count(r->source.corpus);

	o->doc = fot_alloc(n, sizeof *o->doc);
	if (!o->doc)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for an order of %zu documents", n);
	for (size_t i = 0; i < n; i++)
		if (fot_corpus_at(r->source.corpus, i)->dataset == set)
			o->doc[o->n++] = i;
	o->at = o->n;
	if (o->n == 0)
		return FOT_FAIL(err, FOT_ERR_INPUT, "training data: dataset %zu has no document", set);
	return FOT_OK;
}

void fot_rows_close(struct fot_rows *r)
{
	if (!r)
		return;
	for (size_t i = 0; r->order && i < r->source.n_datasets; i++)
		fot_free(r->order[i].doc);
	fot_free(r->order);
	fot_free(r->streams.stream);
	fot_free(r);
}

static int open_rows(struct fot_rows **out, const struct fot_source *src, const struct fot_stage *st, uint64_t seed,
		     const char *purpose, struct fot_err *err)
{
	struct fot_rows *r = fot_calloc(1, sizeof *r);
	int status = FOT_OK;

	if (!r)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for rows");
	r->source = *src;
	r->stage = *st;
	r->seed = seed;
	snprintf(r->purpose, sizeof r->purpose, "%s", purpose);
	snprintf(r->order_purpose, sizeof r->order_purpose, "%s.order", r->purpose);
	r->streams = (struct fot_row_streams){ .n_streams = st->batch / st->pack, .length = st->pack * st->window,
					       .bos = src->bos, .eos = src->eos, .next = next_document, .user = r };
	r->streams.stream = fot_calloc((size_t)r->streams.n_streams, sizeof *r->streams.stream);
	r->order = fot_calloc(src->n_datasets, sizeof *r->order);
	if (!r->streams.stream || !r->order) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "out of memory for rows");
		goto out;
	}
	for (size_t i = 0; i < src->n_datasets; i++)
		FOT_TRY(list_documents(r, i, err));
out:
	if (status == FOT_OK)
		*out = r;
	else
		fot_rows_close(r);
	return status;
}

/* Do the streams that were left standing at this step or before belong to this stage? */
static bool goes_on(const struct fot_rows *r, const struct fot_source *src, const struct fot_stage *st, uint64_t seed,
		    const char *purpose, uint64_t step)
{
	return r && r->step <= step && r->source.corpus == src->corpus && r->source.weight == src->weight &&
	       r->seed == seed && strcmp(r->purpose, purpose) == 0 && r->stage.batch == st->batch &&
	       r->stage.pack == st->pack && r->stage.window == st->window;
}

int fot_rows_draw(struct fot_batch *b, const struct fot_source *src, const struct fot_stage *st, uint64_t seed,
		  const char *purpose, uint64_t step, struct fot_err *err)
{
	int status = FOT_OK;

	if (!goes_on(b->rows, src, st, seed, purpose, step)) {
		fot_rows_close(b->rows);
		b->rows = NULL;
		FOT_TRY(open_rows(&b->rows, src, st, seed, purpose, err));
	}
	while (b->rows->step < step) {
		fot_row_streams_step(&b->rows->streams, NULL, NULL);
		b->rows->step++;
	}
	fot_row_streams_step(&b->rows->streams, b->tokens, b->targets);
	b->rows->step++;
out:
	return status;
}
