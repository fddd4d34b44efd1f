/* fewshot_baselines.c: see fewshot_baselines.h.
 *
 * The questions' distinct words stand sorted, each with its postings (question, count).  A
 * demonstration looks its own words up and adds to one dot product per question; the votes
 * grow with the demonstrations, so that one walk through a list serves all numbers of them. */
#include "tasks/fewshot_baselines.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/rng.h"
#include "datasets/bow.h"

const char *const fot_fewshot_baseline_name[FOT_FEWSHOT_BASELINES + 1] = { "chance", "commonest", "bow",
									   NULL };

/* A word of a question. */
struct posting {
	uint64_t word;
	size_t item;
	int64_t count;
};

struct fot_fewshot_baselines {
	const struct fot_fewshot *f;
	const struct fot_fewshot_demos *demos;
	struct posting *posting; /* [n_postings] by word, then item */
	size_t n_postings, cap_postings;
	double *squares;     /* [n_items] sum of the squared counts */
	int64_t *dot, *vote; /* [n_items], [n_items, n_labels] */
	size_t read;         /* demonstrations that have voted */
};

/* --- the questions --- */

static int by_word(const void *a, const void *b)
{
	const struct posting *x = a, *y = b;

	if (x->word != y->word)
		return x->word < y->word ? -1 : 1;
	return x->item < y->item ? -1 : x->item > y->item;
}

static int add_question(struct fot_fewshot_baselines *b, size_t item, struct fot_err *err)
{
	const char *text = fot_fewshot_item(b->f, item)->text;
	struct fot_bow bag = { 0 };
	int status;

	FOT_TRY(fot_bow_make(&bag, text, strlen(text), err));
	b->squares[item] = bag.squares;
	for (size_t i = 0; i < bag.n && status == FOT_OK; i++) {
		if (FOT_GROW(b->posting, b->n_postings, b->cap_postings))
			b->posting[b->n_postings++] =
				(struct posting){ bag.word[i].hash, item, bag.word[i].n };
		else
			status = FOT_NO_MEMORY(err, "few-shot");
	}
out:
	fot_bow_release(&bag);
	return status;
}

static int index_questions(struct fot_fewshot_baselines *b, struct fot_err *err)
{
	int status = FOT_OK;

	for (size_t i = 0; i < fot_fewshot_n_items(b->f); i++)
		FOT_TRY(add_question(b, i, err));
	if (b->n_postings)
		qsort(b->posting, b->n_postings, sizeof *b->posting, by_word);
out:
	return status;
}

int fot_fewshot_baselines_open(struct fot_fewshot_baselines **out, const struct fot_fewshot *f,
			       struct fot_err *err)
{
	struct fot_fewshot_baselines *b = fot_calloc(1, sizeof *b);
	size_t n = fot_fewshot_n_items(f);
	int status = FOT_OK;

	*out = NULL;
	if (!b)
		return FOT_NO_MEMORY(err, "few-shot");
	b->f = f;
	b->squares = fot_calloc(n, sizeof *b->squares);
	b->dot = fot_calloc(n, sizeof *b->dot);
	b->vote = fot_calloc(fot_size_mul(n, fot_fewshot_n_labels(f)), sizeof *b->vote);
	if (!b->squares || !b->dot || !b->vote)
		status = FOT_NO_MEMORY(err, "few-shot");
	if (status == FOT_OK)
		status = index_questions(b, err);
	if (status == FOT_OK)
		*out = b;
	else
		fot_fewshot_baselines_close(b);
	return status;
}

void fot_fewshot_baselines_close(struct fot_fewshot_baselines *b)
{
	if (!b)
		return;
	fot_free(b->posting);
	fot_free(b->squares);
	fot_free(b->dot);
	fot_free(b->vote);
	fot_free(b);
}

/* --- the vote --- */

void fot_fewshot_baselines_begin(struct fot_fewshot_baselines *b, const struct fot_fewshot_demos *d)
{
	b->demos = d;
	b->read = 0;
	memset(b->vote, 0, fot_fewshot_n_items(b->f) * fot_fewshot_n_labels(b->f) * sizeof *b->vote);
}

/* The first posting of a word, or n_postings. */
static size_t find_word(const struct fot_fewshot_baselines *b, uint64_t word)
{
	size_t lo = 0, hi = b->n_postings;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (b->posting[mid].word < word)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Dot products of all questions with a text; *squares: sum of its squared counts. */
static int multiply(double *squares, struct fot_fewshot_baselines *b, const char *text, struct fot_err *err)
{
	struct fot_bow bag = { 0 };
	int status;

	memset(b->dot, 0, fot_fewshot_n_items(b->f) * sizeof *b->dot);
	FOT_TRY(fot_bow_make(&bag, text, strlen(text), err));
	*squares = bag.squares;
	for (size_t i = 0; i < bag.n; i++)
		for (size_t k = find_word(b, bag.word[i].hash);
		     k < b->n_postings && b->posting[k].word == bag.word[i].hash; k++)
			b->dot[b->posting[k].item] += b->posting[k].count * bag.word[i].n;
out:
	fot_bow_release(&bag);
	return status;
}

static int read_demo(struct fot_fewshot_baselines *b, const struct fot_labelled_item *demo,
		     struct fot_err *err)
{
	size_t n_labels = fot_fewshot_n_labels(b->f);
	double squares = 0;
	int status = multiply(&squares, b, demo->text, err);

	for (size_t i = 0; i < fot_fewshot_n_items(b->f) && status == FOT_OK; i++)
		b->vote[i * n_labels + (size_t)demo->label] +=
			fot_bow_vote(b->dot[i], squares * b->squares[i]);
	return status;
}

static int vote(int32_t *label, struct fot_fewshot_baselines *b, size_t fitted, struct fot_err *err)
{
	size_t n_labels = fot_fewshot_n_labels(b->f);
	int status = FOT_OK;

	if (fitted < b->read)
		fot_fewshot_baselines_begin(b, b->demos);
	for (; b->read < fitted && status == FOT_OK; b->read++)
		status = read_demo(b, fot_fewshot_demo(b->f, b->demos, b->read), err);
	for (size_t i = 0; i < fot_fewshot_n_items(b->f) && status == FOT_OK; i++)
		label[i] = fot_bow_winner(b->vote + i * n_labels, n_labels);
	return status;
}

/* --- the others --- */

static int32_t guess(const struct fot_fewshot *f, size_t item, uint64_t demo_seed)
{
	uint64_t n = fot_fewshot_n_labels(f);
	struct fot_rng rng;

	fot_rng_init(&rng, fot_fewshot_seed(f), "fewshot.chance", item);
	return (int32_t)((fot_rng_below(&rng, n) + demo_seed % n) % n);
}

int fot_fewshot_baselines_answer(int32_t *label, struct fot_fewshot_baselines *b,
				 enum fot_fewshot_baseline which, size_t fitted, struct fot_err *err)
{
	if (which == FOT_FEWSHOT_BOW)
		return vote(label, b, fitted, err);
	for (size_t i = 0; i < fot_fewshot_n_items(b->f); i++)
		label[i] = which == FOT_FEWSHOT_CHANCE ? guess(b->f, i, b->demos->seed) :
							 fot_fewshot_commonest(b->f);
	return FOT_OK;
}
