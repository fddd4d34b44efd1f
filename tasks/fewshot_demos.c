/* fewshot_demos.c: lists of demonstrations; see fewshot.h.
 *
 * Random streams, each of (seed, demonstration seed): which demonstrations in which order; which
 * distractors; and the place of each demonstration among its distractors.  So the
 * list of demonstrations is the same with and without distractors, and with few of them
 * or many. */
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/rng.h"
#include "tasks/fewshot_impl.h"

/* ---- other sets ---- */

/* sha256 of the test items' texts, sorted, into a block of the caller's; NULL without memory. */
static const char **sort_tested(const struct fot_fewshot *f)
{
	const char **sha = fot_alloc(f->n, sizeof(*sha));

	for (size_t i = 0; sha && i < f->n; i++)
		sha[i] = f->set->item[f->item[i]].sha256;
	if (sha && f->n)
		qsort(sha, f->n, sizeof(*sha), fot_by_text);
	return sha;
}

static int open_pool(struct fot_fewshot_pool *p, const struct fot_fewshot *f,
		     const struct fot_fewshot_other *other, const char *const *tested, struct fot_err *err)
{
	const struct fot_labelled *s = other->set;

	*p = (struct fot_fewshot_pool){ .set = s, .t = other->t, .item = fot_alloc(s->n, sizeof(*p->item)) };
	if (!p->item)
		return FOT_NO_MEMORY(err, "few-shot");
	if (strcmp(s->name, f->set->name) == 0)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"%s: expected another set for distractors, got the task's own", s->name);
	for (size_t i = 0; i < s->n; i++) {
		const char *sha = s->item[i].sha256;

		if (s->item[i].split == FOT_TRAIN && !s->item[i].leaked && !s->item[i].duplicate &&
		    !(f->n && bsearch(&sha, tested, f->n, sizeof(*tested), fot_by_text)))
			p->item[p->n++] = i;
	}
	if (p->n == 0)
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"%s: expected training items for distractors of %s, there are none", s->name,
				f->set->name);
	return FOT_OK;
}

int fot_fewshot_open_others(struct fot_fewshot *f, struct fot_err *err)
{
	const char **tested = NULL;
	int status = FOT_OK;

	if (f->o.n_others == 0)
		return FOT_OK;
	f->other = fot_calloc(f->o.n_others, sizeof(*f->other));
	tested = sort_tested(f);
	if (!f->other || !tested) {
		status = FOT_NO_MEMORY(err, "few-shot");
		goto out;
	}
	for (size_t i = 0; i < f->o.n_others; i++)
		FOT_TRY(open_pool(&f->other[i], f, &f->o.other[i], tested, err));
out:
	fot_free(tested);
	return status;
}

void fot_fewshot_close_others(struct fot_fewshot *f)
{
	for (size_t i = 0; f->other && i < f->o.n_others; i++)
		fot_free(f->other[i].item);
	fot_free(f->other);
}

/* ---- orders ---- */

/* One round through the pool, in random order. */
static void shuffle(size_t *order, size_t n, struct fot_rng *rng)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = (size_t)fot_rng_below(rng, i), t = order[i - 1];

		order[i - 1] = order[j];
		order[j] = t;
	}
}

/* Take the shuffled pool label by label: each round holds one item of every label that
 * has any left, in random order. Works in place with scratch [n] and [3 n_labels]. */
static void balance(const struct fot_fewshot *f, size_t *order, size_t *by_label, size_t *work,
		    struct fot_rng *rng)
{
	size_t n = f->n_pool, k = f->n_labels, at = 0, *next = work, *stop = work + k, *turn = work + 2 * k;

	memset(work, 0, 3 * k * sizeof(*work));
	for (size_t i = 0; i < n; i++)
		stop[f->set->item[order[i]].label]++;
	for (size_t l = 0, sum = 0; l < k; l++) {
		next[l] = sum;
		sum += stop[l];
		stop[l] = next[l];
	}
	for (size_t i = 0; i < n; i++) /* counting sort keeps the random order within a label */
		by_label[stop[f->set->item[order[i]].label]++] = order[i];
	while (at < n) {
		size_t m = 0;

		for (size_t l = 0; l < k; l++)
			if (next[l] < stop[l])
				turn[m++] = l;
		shuffle(turn, m, rng);
		for (size_t j = 0; j < m; j++)
			order[at++] = by_label[next[turn[j]]++];
	}
}

/* ---- lists ---- */

struct drawing {
	const struct fot_fewshot *f;
	struct fot_rng demos, others, places;
	size_t *order, *by_label,
		*work; /* of the task's pool: order [n_pool], by_label [n_pool], work [3 n_labels] */
	struct {
		size_t *order, at;
	} * other; /* [n_others] of each other pool: its order, how many of it are taken */
};

static void drawing_release(struct drawing *w)
{
	for (size_t i = 0; w->other && i < w->f->o.n_others; i++)
		fot_free(w->other[i].order);
	fot_free(w->other);
	fot_free(w->order);
	fot_free(w->by_label);
	fot_free(w->work);
}

static int drawing_init(struct drawing *w, const struct fot_fewshot *f, uint64_t demo_seed,
			struct fot_err *err)
{
	bool good;

	*w = (struct drawing){ .f = f };
	fot_rng_init(&w->demos, f->o.seed, "fewshot.demos", demo_seed);
	fot_rng_init(&w->others, f->o.seed, "fewshot.distractors", demo_seed);
	fot_rng_init(&w->places, f->o.seed, "fewshot.places", demo_seed);
	w->order = fot_calloc(f->n_pool + 1, sizeof(*w->order));
	w->by_label = fot_calloc(f->n_pool + 1, sizeof(*w->by_label));
	w->work = fot_calloc(3 * f->n_labels + 1, sizeof(*w->work));
	w->other = fot_calloc(f->o.n_others + 1, sizeof(*w->other));
	good = w->order && w->by_label && w->work && w->other;
	for (size_t i = 0; i < f->o.n_others && good; i++) {
		w->other[i].order = fot_alloc(f->other[i].n, sizeof(*w->other[i].order));
		good = w->other[i].order != NULL;
		w->other[i].at = f->other[i].n; /* to be shuffled first */
		if (good)
			memcpy(w->other[i].order, f->other[i].item,
			       f->other[i].n * sizeof(*w->other[i].order));
	}
	return good ? FOT_OK : FOT_NO_MEMORY(err, "few-shot");
}

/* A demonstration in a set's own words; the answer's ids: known ones, or NULL. */
static int put_demo(struct fot_fewshot_demos *d, const struct fot_fewshot *f, const struct fot_template *t,
		    const struct fot_labelled *set, size_t item, const struct fot_answer *known,
		    struct fot_err *err)
{
	const struct fot_labelled_item *it = &set->item[item];
	const char *word = it->label >= 0 ? fot_template_word(t, set->label[it->label]) : it->answer[0];
	int status;

	FOT_TRY(fot_fewshot_encode_question(&d->ids, f, t, it->text, err));
	if (known)
		FOT_TRY(fot_fewshot_append(&d->ids, known->tokens, known->n, err));
	else
		FOT_TRY(fot_fewshot_encode_answer(&d->ids, f, t, word, err));
	if (set == f->set)
		status = fot_fewshot_append(&d->ids, f->separator.id, f->separator.n, err);
	else
		status = fot_tokenizer_encode_on(f->tokenizer, &d->ids, t->separator, strlen(t->separator),
						 err);
out:
	return status;
}

static int put_own(struct fot_fewshot_demos *d, const struct fot_fewshot *f, size_t item, struct fot_err *err)
{
	int32_t label = f->set->item[item].label;

	return put_demo(d, f, f->t, f->set, item, label >= 0 ? &f->answer[label] : NULL, err);
}

/* Each set is as likely as any other; of a set all before one comes again. */
static int put_distractor(struct fot_fewshot_demos *d, struct drawing *w, struct fot_err *err)
{
	size_t i = (size_t)fot_rng_below(&w->others, w->f->o.n_others);
	const struct fot_fewshot_pool *p = &w->f->other[i];

	if (w->other[i].at == p->n) {
		shuffle(w->other[i].order, p->n, &w->others);
		w->other[i].at = 0;
	}
	return put_demo(d, w->f, p->t, p->set, w->other[i].order[w->other[i].at++], NULL, err);
}

/* Add demonstration `item` among its distractors; false in *fits if they are beyond the longest context. */
static int add_demo(struct fot_fewshot_demos *d, struct drawing *w, size_t item, bool *fits,
		    struct fot_err *err)
{
	size_t before = d->ids.n, place = 0;
	int status = FOT_OK;

	if (d->distractors)
		place = (size_t)fot_rng_below(&w->places, d->distractors + 1);
	for (size_t i = 0; i <= d->distractors && status == FOT_OK; i++)
		status = i == place ? put_own(d, w->f, item, err) : put_distractor(d, w, err);
	if (status != FOT_OK)
		return status;
	*fits = d->ids.n <= (size_t)w->f->o.context_max;
	if (!*fits) {
		d->ids.n = before;
		return FOT_OK;
	}
	d->item[d->n++] = item;
	d->end[d->n] = d->ids.n;
	return FOT_OK;
}

static int fill_demos(struct fot_fewshot_demos *d, struct drawing *w, size_t most, struct fot_err *err)
{
	const struct fot_fewshot *f = w->f;
	bool fits = true;
	int status = FOT_OK;

	memcpy(w->order, f->pool, f->n_pool * sizeof(*w->order));
	while (fits && d->n < most) {
		shuffle(w->order, f->n_pool, &w->demos);
		if (f->o.balanced)
			balance(f, w->order, w->by_label, w->work, &w->demos);
		for (size_t i = 0; i < f->n_pool && fits && d->n < most; i++)
			FOT_TRY(add_demo(d, w, w->order[i], &fits, err));
	}
out:
	return status;
}

/* Demonstrations that could ever be used: each has at least one token. */
static size_t most_demos(const struct fot_fewshot *f)
{
	size_t most = f->o.fill ? SIZE_MAX : (size_t)f->o.shots_max;

	if (!f->o.repeat && most > f->n_pool)
		most = f->n_pool;
	return most < (size_t)f->o.context_max ? most : (size_t)f->o.context_max;
}

int fot_fewshot_demos_init(struct fot_fewshot_demos *d, const struct fot_fewshot *f, uint64_t demo_seed,
			   size_t distractors, struct fot_err *err)
{
	size_t most = most_demos(f);
	struct drawing w;
	int status;

	*d = (struct fot_fewshot_demos){ .seed = demo_seed, .distractors = distractors };
	FOT_TRY(drawing_init(&w, f, demo_seed, err));
	d->end = fot_calloc(most + 1, sizeof(*d->end));
	d->item = fot_calloc(most + 1, sizeof(*d->item));
	if (!d->end || !d->item) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "few-shot: out of memory for %zu demonstrations", most);
		goto out;
	}
	if (distractors && f->o.n_others == 0) {
		status = FOT_FAIL(err, FOT_ERR_USAGE,
				  "few-shot: %zu distractors for each demonstration, of no other set",
				  distractors);
		goto out;
	}
	FOT_TRY(fot_fewshot_append(&d->ids, f->head.id, f->head.n, err));
	d->end[0] = d->ids.n;
	if (f->n_pool)
		FOT_TRY(fill_demos(d, &w, most, err));
out:
	drawing_release(&w);
	if (status != FOT_OK)
		fot_fewshot_demos_release(d);
	return status;
}

void fot_fewshot_demos_release(struct fot_fewshot_demos *d)
{
	fot_ids_release(&d->ids);
	fot_free(d->end);
	fot_free(d->item);
	memset(d, 0, sizeof(*d));
}

const struct fot_labelled_item *fot_fewshot_demo(const struct fot_fewshot *f,
						 const struct fot_fewshot_demos *d, size_t k)
{
	return &f->set->item[d->item[k]];
}
