/* fewshot_baselines.c: see fewshot_baselines.h.
 *
 * The questions' distinct words stand sorted, each with its postings (question, count).  A
 * demonstration looks its own words up and adds to one dot product per question; the votes
 * grow with the demonstrations, so that one walk through a list serves all numbers of them. */
#include "tasks/fewshot_baselines.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/rng.h"

#define SHARPNESS 10.0
#define SCALE 20 /* bits of a vote's fraction: exp(10) 2^20 leaves room for 2^28 demonstrations */

const char *const fot_fewshot_baseline_name[FOT_FEWSHOT_BASELINES + 1] = { "chance", "commonest", "bow",
									   NULL };

/* A word of a question. */
struct posting {
	const char *word;
	size_t item;
	int64_t count;
};

struct fot_fewshot_baselines {
	const struct fot_fewshot *f;
	const struct fot_fewshot_demos *demos;
	struct fot_str text;     /* the questions' words */
	struct posting *posting; /* [n_postings] by word, then item */
	size_t n_postings, cap_postings;
	double *squares;      /* [n_items] sum of the squared counts */
	int64_t *dot, *vote;  /* [n_items], [n_items, n_labels] */
	size_t read;          /* demonstrations that have voted */
	struct fot_str words; /* of the demonstration at hand */
	char **word;
	size_t cap_words;
};

/* --- words --- */

static bool in_word(unsigned char c)
{
	return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

void fot_fewshot_words(struct fot_str *out, const char *text)
{
	for (const char *p = text; *p;) {
		size_t n = 0;

		while (in_word((unsigned char)p[n]))
			n++;
		if (n) {
			fot_fewshot_lower(out, p, n);
			fot_str_putc(out, '\0');
		}
		p += n ? n : 1;
	}
}

/* The words in bytes [from, to) of s, sorted, into b->word; *n of them. */
static int sort_words(size_t *n, struct fot_fewshot_baselines *b, const struct fot_str *s, size_t from,
		      size_t to, struct fot_err *err)
{
	*n = 0;
	for (; from < to; from += strlen(s->data + from) + 1) {
		if (!FOT_GROW(b->word, *n, b->cap_words))
			return FOT_NO_MEMORY(err, "few-shot");
		b->word[(*n)++] = s->data + from;
	}
	if (*n)
		qsort(b->word, *n, sizeof *b->word, fot_by_text);
	return FOT_OK;
}

/* How often sorted word i stands there. */
static size_t run_of(char *const *word, size_t n, size_t i)
{
	size_t k = i + 1;

	while (k < n && strcmp(word[k], word[i]) == 0)
		k++;
	return k - i;
}

/* --- the questions --- */

static int by_word(const void *a, const void *b)
{
	const struct posting *x = a, *y = b;
	int order = strcmp(x->word, y->word);

	return order ? order : x->item < y->item ? -1 : x->item > y->item;
}

static int add_question(struct fot_fewshot_baselines *b, size_t item, size_t from, size_t to,
			struct fot_err *err)
{
	size_t n, run;
	int status = sort_words(&n, b, &b->text, from, to, err);

	for (size_t i = 0; i < n && status == FOT_OK; i += run) {
		run = run_of(b->word, n, i);
		b->squares[item] += (double)run * (double)run;
		if (FOT_GROW(b->posting, b->n_postings, b->cap_postings))
			b->posting[b->n_postings++] = (struct posting){ b->word[i], item, (int64_t)run };
		else
			status = FOT_NO_MEMORY(err, "few-shot");
	}
	return status;
}

/* All texts first: they move while they grow. */
static int index_questions(struct fot_fewshot_baselines *b, struct fot_err *err)
{
	size_t n = fot_fewshot_n_items(b->f), *end = fot_calloc(n + 1, sizeof *end);
	int status;

	if (!end)
		return FOT_NO_MEMORY(err, "few-shot");
	for (size_t i = 0; i < n; i++) {
		fot_fewshot_words(&b->text, fot_fewshot_item(b->f, i)->text);
		end[i + 1] = b->text.len;
	}
	FOT_TRY(fot_str_check(&b->text, err));
	for (size_t i = 0; i < n; i++)
		FOT_TRY(add_question(b, i, end[i], end[i + 1], err));
	if (b->n_postings)
		qsort(b->posting, b->n_postings, sizeof *b->posting, by_word);
out:
	fot_free(end);
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
	fot_str_release(&b->text);
	fot_str_release(&b->words);
	fot_free(b->posting);
	fot_free(b->squares);
	fot_free(b->dot);
	fot_free(b->vote);
	fot_free(b->word);
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
static size_t find_word(const struct fot_fewshot_baselines *b, const char *word)
{
	size_t lo = 0, hi = b->n_postings;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(b->posting[mid].word, word) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Dot products of all questions with a text; *squares: sum of its squared counts. */
static int multiply(double *squares, struct fot_fewshot_baselines *b, const char *text, struct fot_err *err)
{
	size_t n, run;
	int status;

	*squares = 0;
	memset(b->dot, 0, fot_fewshot_n_items(b->f) * sizeof *b->dot);
	fot_str_clear(&b->words);
	fot_fewshot_words(&b->words, text);
	FOT_TRY(fot_str_check(&b->words, err));
	FOT_TRY(sort_words(&n, b, &b->words, 0, b->words.len, err));
	for (size_t i = 0; i < n; i += run) {
		run = run_of(b->word, n, i);
		*squares += (double)run * (double)run;
		for (size_t k = find_word(b, b->word[i]);
		     k < b->n_postings && strcmp(b->posting[k].word, b->word[i]) == 0; k++)
			b->dot[b->posting[k].item] += b->posting[k].count * (int64_t)run;
	}
out:
	return status;
}

static int64_t vote_of(int64_t dot, double squares)
{
	double cosine = dot ? (double)dot / sqrt(squares) : 0;

	return llround(ldexp(exp(SHARPNESS * cosine), SCALE));
}

static int read_demo(struct fot_fewshot_baselines *b, const struct fot_labelled_item *demo,
		     struct fot_err *err)
{
	size_t n_labels = fot_fewshot_n_labels(b->f);
	double squares;
	int status = multiply(&squares, b, demo->text, err);

	for (size_t i = 0; i < fot_fewshot_n_items(b->f) && status == FOT_OK; i++)
		b->vote[i * n_labels + (size_t)demo->label] += vote_of(b->dot[i], squares * b->squares[i]);
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
	for (size_t i = 0; i < fot_fewshot_n_items(b->f) && status == FOT_OK; i++) {
		const int64_t *votes = b->vote + i * n_labels;

		label[i] = 0;
		for (size_t k = 1; k < n_labels; k++)
			label[i] = votes[k] > votes[label[i]] ? (int32_t)k : label[i];
	}
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
