/* bow.c: see bow.h. Words stand for themselves by a hash of 64 bits. */
#include "datasets/bow.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/mem.h"
#include "datasets/text.h"

#define SHARPNESS 10.0
#define SCALE 20 /* bits of a vote's fraction: exp(10) 2^20 leaves room for 2^28 votes */

static bool in_word(unsigned char c)
{
	return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

void fot_bow_words(struct fot_str *out, const char *text, size_t n)
{
	for (size_t i = 0, from; i < n; i++) {
		for (from = i; i < n && in_word((unsigned char)text[i]); i++)
			;
		if (i == from)
			continue;
		fot_text_lower(out, text + from, i - from);
		fot_str_putc(out, '\0');
	}
}

static int by_hash(const void *a, const void *b)
{
	uint64_t x = ((const struct fot_bow_word *)a)->hash, y = ((const struct fot_bow_word *)b)->hash;

	return (x > y) - (x < y);
}

/* Sorted words, the same ones into one. */
static void fold(struct fot_bow *b)
{
	size_t n = 0;

	if (b->n)
		qsort(b->word, b->n, sizeof(*b->word), by_hash);
	for (size_t i = 0; i < b->n; i++) {
		if (n && b->word[n - 1].hash == b->word[i].hash)
			b->word[n - 1].n += b->word[i].n;
		else
			b->word[n++] = b->word[i];
	}
	b->n = n;
	for (size_t i = 0; i < n; i++)
		b->squares += (double)b->word[i].n * (double)b->word[i].n;
}

int fot_bow_make(struct fot_bow *b, const char *text, size_t n, struct fot_err *err)
{
	struct fot_str words = FOT_STR_INIT;
	size_t cap = 0;
	int status;

	*b = (struct fot_bow){ 0 };
	fot_bow_words(&words, text, n);
	FOT_TRY(fot_str_check(&words, err));
	for (size_t at = 0, len; at < words.len; at += len + 1) {
		len = strlen(words.data + at);
		if (!FOT_GROW(b->word, b->n, cap)) {
			status = FOT_NO_MEMORY(err, "a bag of words");
			goto out;
		}
		b->word[b->n++] = (struct fot_bow_word){ fot_fnv(words.data + at, len), 1 };
	}
	fold(b);
out:
	fot_str_release(&words);
	if (status != FOT_OK)
		fot_bow_release(b);
	return status;
}

void fot_bow_release(struct fot_bow *b)
{
	fot_free(b->word);
	*b = (struct fot_bow){ 0 };
}

int64_t fot_bow_vote(int64_t dot, double squares)
{
	double cosine = dot ? (double)dot / sqrt(squares) : 0;

	return llround(ldexp(exp(SHARPNESS * cosine), SCALE));
}

int32_t fot_bow_winner(const int64_t *votes, size_t n_classes)
{
	int32_t best = 0;

	for (size_t k = 1; k < n_classes; k++)
		best = votes[k] > votes[best] ? (int32_t)k : best;
	return best;
}

static int64_t dot_of(const struct fot_bow *a, const struct fot_bow *b)
{
	int64_t sum = 0;

	for (size_t i = 0, j = 0; i < a->n && j < b->n;) {
		if (a->word[i].hash == b->word[j].hash)
			sum += a->word[i++].n * b->word[j++].n;
		else if (a->word[i].hash < b->word[j].hash)
			i++;
		else
			j++;
	}
	return sum;
}

int32_t fot_bow_class(const struct fot_bow *q, const struct fot_bow *x, const int32_t *class, size_t n,
		      int64_t *votes, size_t n_classes)
{
	memset(votes, 0, sizeof(*votes) * n_classes);
	for (size_t i = 0; i < n; i++)
		votes[class[i]] += fot_bow_vote(dot_of(q, &x[i]), q->squares * x[i].squares);
	return fot_bow_winner(votes, n_classes);
}
