/* bow.c: see bow.h. Words stand for themselves by a hash of 64 bits (FNV-1a). */
#include "datasets/bow.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define SHARPNESS 10.0

static unsigned char lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

static bool of_word(unsigned char c)
{
	return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c >= 0x80;
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
	double sum = 0;

	qsort(b->word, b->n, sizeof(*b->word), by_hash);
	for (size_t i = 0; i < b->n; i++) {
		if (n && b->word[n - 1].hash == b->word[i].hash)
			b->word[n - 1].n += b->word[i].n;
		else
			b->word[n++] = b->word[i];
	}
	b->n = n;
	for (size_t i = 0; i < n; i++)
		sum += b->word[i].n * b->word[i].n;
	b->norm = sqrt(sum);
}

int fot_bow_make(struct fot_bow *b, const char *text, size_t n, struct fot_err *err)
{
	*b = (struct fot_bow){ .word = fot_alloc(n / 2 + 1, sizeof(*b->word)) };
	if (!b->word)
		return FOT_NO_MEMORY(err, "a bag of words");
	for (size_t i = 0; i < n; i++) {
		uint64_t hash = 0xcbf29ce484222325u;

		if (!of_word((unsigned char)text[i]))
			continue;
		for (; i < n && of_word((unsigned char)text[i]); i++)
			hash = (hash ^ lower((unsigned char)text[i])) * 0x100000001b3u;
		b->word[b->n++] = (struct fot_bow_word){ hash, 1 };
	}
	fold(b);
	return FOT_OK;
}

void fot_bow_release(struct fot_bow *b)
{
	fot_free(b->word);
	memset(b, 0, sizeof(*b));
}

double fot_bow_cosine(const struct fot_bow *a, const struct fot_bow *b)
{
	double sum = 0;

	for (size_t i = 0, j = 0; i < a->n && j < b->n;) {
		if (a->word[i].hash == b->word[j].hash)
			sum += a->word[i++].n * b->word[j++].n;
		else if (a->word[i].hash < b->word[j].hash)
			i++;
		else
			j++;
	}
	return sum > 0 ? sum / (a->norm * b->norm) : 0;
}

int32_t fot_bow_vote(const struct fot_bow *y, const struct fot_bow *x, const int32_t *class, size_t n,
		     double *votes, size_t n_classes)
{
	int32_t best = 0;

	memset(votes, 0, sizeof(*votes) * n_classes);
	for (size_t i = 0; i < n; i++)
		votes[class[i]] += exp(SHARPNESS * fot_bow_cosine(&x[i], y));
	for (size_t k = 1; k < n_classes; k++)
		if (votes[k] > votes[best])
			best = (int32_t)k;
	return best;
}
