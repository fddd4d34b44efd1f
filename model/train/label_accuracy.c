/* label_accuracy.c: see label_accuracy.h. */
#include "model/train/label_accuracy.h"

#include "base/mem.h"
#include "datasets/bow.h"
#include "model/train/generator.h"

const char fot_label_header[] = "step,tokens,memory_windows,demonstrations_min,demonstrations_max,n_labels,"
				"label_accuracy,chance,commonest,bow\n";

/* Most demonstrations of a bin but the last. */
static int64_t bin_end(int bin)
{
	return (int64_t)4 << (2 * bin);
}

static int bin_of(int64_t n)
{
	int bin = 0;

	while (bin + 1 < FOT_LABEL_BINS && n > bin_end(bin))
		bin++;
	return bin;
}

/* Demonstrations of an episode and their bags. */
struct shown {
	const struct fot_episode *x;
	struct fot_bow *bag;
	int32_t *class;
};

/* The label shown most often among demonstrations [from, to): 1 if it is `class`, a share of ties. */
static double commonest(const struct shown *s, size_t from, size_t to, int32_t class)
{
	int64_t times[FOT_EPISODES_CLASSES] = { 0 }, most = 0, ties = 0;

	for (size_t i = from; i < to; i++)
		if (++times[s->class[i]] > most)
			most = times[s->class[i]];
	for (size_t k = 0; k < s->x->n_classes; k++)
		ties += times[k] == most;
	return times[class] == most ? 1 / (double)ties : 0;
}

/* Demonstration d, asked for with [from, d) in sight; chosen: what the model chose. */
static void count(struct fot_label_counts *c, const struct shown *s, size_t from, size_t d, int32_t chosen)
{
	struct fot_label_count *bin = &c->bin[bin_of((int64_t)(d - from))];
	int64_t votes[FOT_EPISODES_CLASSES];
	int32_t class = s->class[d];

	bin->n++;
	bin->right += chosen == class;
	bin->chance += 1 / (double)s->x->n_classes;
	bin->commonest += commonest(s, from, d, class);
	bin->bow += fot_bow_class(&s->bag[d], s->bag + from, s->class + from, d - from, votes,
				  s->x->n_classes) == class;
}

static void count_all(struct fot_label_counts *c, const struct shown *s, const struct fot_stage *st,
		      const int32_t *chosen, int64_t i)
{
	int64_t W = st->window, asking = ((int64_t)s->x->n - 1) / W, own = 0;

	if (fot_stage_has_memory(st) && st->pack == 1)
		own = asking - 1;
	for (size_t d = 0, from = 0; d < s->x->n_demo; d++) {
		int64_t row = (int64_t)s->x->demo[d].label - 1 - own * W, sight;
		bool known = false;

		if (row < 0)
			continue;
		sight = fot_generate_sight(st, row / W);
		while (from < d && (int64_t)s->x->demo[from].label < sight)
			from++;
		for (size_t k = from; k < d && !known; k++)
			known = s->class[k] == s->class[d];
		if (known)
			count(c, s, from, d, chosen[i * W + row]);
	}
}

int fot_label_counts_add(struct fot_label_counts *c, const struct fot_episode *x, const struct fot_stage *st,
			 const int32_t *chosen, int64_t i, struct fot_err *err)
{
	struct shown s = { x, fot_calloc(x->n_demo, sizeof(*s.bag)), fot_alloc(x->n_demo, sizeof(*s.class)) };
	int status = FOT_OK;

	if (!s.bag || !s.class) {
		status = FOT_NO_MEMORY(err, "labels of an episode");
		goto out;
	}
	for (size_t d = 0; d < x->n_demo; d++) {
		s.class[d] = x->demo[d].class;
		FOT_TRY(fot_bow_make(&s.bag[d], x->texts.data + x->demo[d].text, x->demo[d].n_bytes, err));
	}
	count_all(c, &s, st, chosen, i);
out:
	for (size_t d = 0; s.bag && d < x->n_demo; d++)
		fot_bow_release(&s.bag[d]);
	fot_free(s.bag);
	fot_free(s.class);
	return status;
}

struct fot_label_count fot_label_counts_all(const struct fot_label_counts *c)
{
	struct fot_label_count all = { 0 };

	for (int i = 0; i < FOT_LABEL_BINS; i++) {
		all.n += c->bin[i].n;
		all.right += c->bin[i].right;
		all.chance += c->bin[i].chance;
		all.commonest += c->bin[i].commonest;
		all.bow += c->bin[i].bow;
	}
	return all;
}

void fot_label_counts_print(FILE *f, const struct fot_label_counts *c, int64_t step, int64_t tokens,
			    int64_t memory_windows)
{
	for (int i = 0; i < FOT_LABEL_BINS; i++) {
		const struct fot_label_count *b = &c->bin[i];
		double n = (double)b->n;

		if (b->n == 0)
			continue;
		fprintf(f, "%lld,%lld,%lld,%lld,", (long long)step, (long long)tokens,
			(long long)memory_windows, (long long)(i ? bin_end(i - 1) + 1 : 1));
		if (i + 1 < FOT_LABEL_BINS)
			fprintf(f, "%lld", (long long)bin_end(i));
		fprintf(f, ",%lld,%.17g,%.17g,%.17g,%.17g\n", (long long)b->n, b->right / n, b->chance / n,
			b->commonest / n, b->bow / n);
	}
}
