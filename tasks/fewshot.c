/* fewshot.c: see fewshot.h.
 *
 * Random streams: which test items are used depends on the seed alone, the list of
 * demonstrations on (seed, demonstration seed).  Room is kept for the longest question
 * among the test items, so that the number of demonstrations that fit, and thus the stem,
 * is the same for all of them. */
#include "tasks/fewshot_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "datasets/text.h"

#define STOP "\x01" /* in no piece: what is encoded behind it stands inside a text */

const char *const fot_fewshot_score_name[FOT_FEWSHOT_SCORES + 1] = { "raw", "per-token", "content-free", NULL };

/* ---- ids ---- */

int fot_fewshot_append(struct fot_ids *out, const int32_t *id, size_t n, struct fot_err *err)
{
	int status = fot_ids_reserve(out, fot_size_add(out->n, n), err);

	if (status == FOT_OK && n) {
		memcpy(out->id + out->n, id, n * sizeof(*id));
		out->n += n;
	}
	return status;
}

/* The text that `put` makes of a template and some words, as the continuation of a text. */
static int encode(struct fot_ids *out, const struct fot_fewshot *f, const struct fot_template *t, const char *words,
		  void (*put)(struct fot_str *, const struct fot_template *, const char *), struct fot_err *err)
{
	struct fot_str s = FOT_STR_INIT;
	int status;

	put(&s, t, words);
	FOT_TRY(fot_str_check(&s, err));
	FOT_TRY(fot_tokenizer_encode_on(f->tokenizer, out, s.data, s.len, err));
out:
	fot_str_release(&s);
	return status;
}

int fot_fewshot_encode_question(struct fot_ids *out, const struct fot_fewshot *f, const struct fot_template *t,
				const char *text, struct fot_err *err)
{
	return encode(out, f, t, text, fot_template_question, err);
}

int fot_fewshot_encode_answer(struct fot_ids *out, const struct fot_fewshot *f, const struct fot_template *t,
			      const char *word, struct fot_err *err)
{
	return encode(out, f, t, word, fot_template_answer, err);
}

/* ---- open ---- */

/* What every prompt begins with. The instruction opens the text. */
static int make_head(struct fot_fewshot *f, struct fot_err *err)
{
	const char *instruction = f->t->instruction;
	struct fot_str text = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_tokenizer_encode(f->tokenizer, &f->stop, STOP, strlen(STOP), err));
	FOT_TRY(fot_tokenizer_decode(f->tokenizer, &text, f->stop.id, f->stop.n, err));
	f->stop_text = text.len;
	if (f->o.bos && fot_tokenizer_bos(f->tokenizer) >= 0)
		FOT_TRY(fot_ids_push(&f->head, fot_tokenizer_bos(f->tokenizer), err));
	FOT_TRY(fot_tokenizer_encode(f->tokenizer, &f->head, instruction, strlen(instruction), err));
	FOT_TRY(fot_tokenizer_encode_on(f->tokenizer, &f->separator, f->t->separator,
					strlen(f->t->separator), err));
out:
	fot_str_release(&text);
	return status;
}

static int check_words(const struct fot_fewshot *f, struct fot_err *err)
{
	const struct fot_labelled *s = f->set;

	for (size_t i = 0; i < s->n_labels; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(fot_template_word(f->t, s->label[i]),
				   fot_template_word(f->t, s->label[j])) == 0)
				return FOT_FAIL(
					err, FOT_ERR_INPUT,
					"%s: the labels '%s' and '%s' have the same word '%s' in the template",
					s->name, s->label[j], s->label[i],
					fot_template_word(f->t, s->label[i]));
	return FOT_OK;
}

static int make_answers(struct fot_fewshot *f, struct fot_err *err)
{
	size_t n = f->set->n_labels, at = 0;
	size_t *end = fot_calloc(n + 1, sizeof(*end));
	int status;

	f->answer = fot_calloc(n + 1, sizeof(*f->answer));
	if (!end || !f->answer) {
		status = FOT_NO_MEMORY(err, "few-shot");
		goto out;
	}
	FOT_TRY(check_words(f, err));
	for (size_t i = 0; i < n; i++) {
		FOT_TRY(fot_fewshot_encode_answer(&f->label_ids, f, f->t, fot_template_word(f->t, f->set->label[i]), err));
		end[i] = f->label_ids.n;
	}
	f->n_labels = n;
	f->longest = n ? 0 : f->o.n_greedy;
	for (size_t i = 0; i < n; at = end[i++]) {
		f->answer[i] = (struct fot_answer){ f->label_ids.id + at, end[i] - at };
		f->longest = end[i] - at > f->longest ? end[i] - at : f->longest;
	}
out:
	fot_free(end);
	return status;
}

static int by_index(const void *a, const void *b)
{
	const size_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Test items and demonstrations. */
static int choose_items(struct fot_fewshot *f, struct fot_err *err)
{
	const struct fot_labelled *s = f->set;
	struct fot_rng rng;

	f->item = fot_calloc(s->n, sizeof(*f->item));
	f->pool = fot_calloc(s->n, sizeof(*f->pool));
	if (!f->item || !f->pool)
		return FOT_NO_MEMORY(err, "few-shot");
	for (size_t i = 0; i < s->n; i++) {
		if (s->item[i].split == FOT_TEST)
			f->item[f->n++] = i;
		else if (s->item[i].split == FOT_TRAIN && !s->item[i].leaked && !s->item[i].duplicate)
			f->pool[f->n_pool++] = i;
	}
	if (f->n == 0)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: no test items", s->name);
	if (f->o.items && f->o.items < f->n) {
		fot_rng_init(&rng, f->o.seed, "fewshot.items", 0);
		for (size_t i = 0; i < f->o.items; i++) { /* the first of a shuffle */
			size_t j = i + (size_t)fot_rng_below(&rng, f->n - i), t = f->item[i];

			f->item[i] = f->item[j];
			f->item[j] = t;
		}
		f->n = f->o.items;
		qsort(f->item, f->n, sizeof(*f->item), by_index);
	}
	return FOT_OK;
}

static int make_questions(struct fot_fewshot *f, struct fot_err *err)
{
	int status = FOT_OK;
	size_t n;

	f->question_end = fot_calloc(f->n + 2, sizeof(*f->question_end));
	f->is_long = fot_calloc(f->n + 1, sizeof(*f->is_long));
	if (!f->question_end || !f->is_long)
		return FOT_NO_MEMORY(err, "few-shot");
	for (size_t i = 0; i <= f->n; i++) {
		const char *text = i < f->n ? f->set->item[f->item[i]].text : f->t->content_free;

		FOT_TRY(fot_fewshot_encode_question(&f->questions, f, f->t, text, err));
		f->question_end[i + 1] = f->questions.n;
		n = f->questions.n - f->question_end[i] + f->longest;
		f->is_long[i] = n > (size_t)f->o.window || n == f->longest;
		f->n_long += i < f->n && f->is_long[i];
		if (!f->is_long[i] && n > f->room)
			f->room = n;
	}
	if (f->n_long == f->n)
		status = FOT_FAIL(
			err, FOT_ERR_INPUT,
			"%s: every question with its longest answer (%zu tokens) exceeds the window of %lld tokens",
			f->set->name, f->longest, (long long)f->o.window);
	else if (f->is_long[f->n] && f->o.score == FOT_FEWSHOT_CONTENT_FREE)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: the question without content exceeds the window",
				  f->set->name);
out:
	return status;
}

static int check_opts(const struct fot_fewshot *f, struct fot_err *err)
{
	const struct fot_fewshot_opts *o = &f->o;

	if (o->window < 1 || o->context_max < o->window)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"few-shot: context length %lld is below the window of %lld",
				(long long)o->context_max, (long long)o->window);
	if (o->shots_max < 0)
		return FOT_FAIL(err, FOT_ERR_USAGE, "few-shot: expected 0 demonstrations or more, got %lld",
				(long long)o->shots_max);
	if (f->set->n_labels == 0 && (o->n_greedy == 0 || o->balanced))
		return FOT_FAIL(err, FOT_ERR_USAGE, "few-shot: %s has answers, no labels: %s", f->set->name,
				o->balanced ? "demonstrations cannot be balanced" :
					      "expected tokens to generate");
	return FOT_OK;
}

static int check_pool(const struct fot_fewshot *f, struct fot_err *err)
{
	if ((size_t)f->o.shots_max <= f->n_pool || (f->o.repeat && f->n_pool))
		return FOT_OK;
	return FOT_FAIL(
		err, FOT_ERR_INPUT,
		"%s: expected %lld demonstrations, there are %zu different ones that are no test item (--repeat-demos, or repeat_demos in a spec: go round again)",
		f->set->name, (long long)f->o.shots_max, f->n_pool);
}

int fot_fewshot_open(struct fot_fewshot **out, const struct fot_labelled *set, const struct fot_template *t,
		     const struct fot_tokenizer *tokenizer, const struct fot_fewshot_opts *o,
		     struct fot_err *err)
{
	struct fot_fewshot *f = fot_calloc(1, sizeof(*f));
	int status;

	if (!f)
		return FOT_NO_MEMORY(err, "few-shot");
	f->set = set;
	f->t = t;
	f->tokenizer = tokenizer;
	f->o = *o;
	FOT_TRY(check_opts(f, err));
	FOT_TRY(make_head(f, err));
	FOT_TRY(make_answers(f, err));
	FOT_TRY(choose_items(f, err));
	FOT_TRY(check_pool(f, err));
	FOT_TRY(fot_fewshot_open_others(f, err));
	FOT_TRY(make_questions(f, err));
	*out = f;
out:
	if (status != FOT_OK)
		fot_fewshot_close(f);
	return status;
}

void fot_fewshot_close(struct fot_fewshot *f)
{
	if (!f)
		return;
	fot_ids_release(&f->stop);
	fot_ids_release(&f->head);
	fot_ids_release(&f->separator);
	fot_ids_release(&f->label_ids);
	fot_ids_release(&f->questions);
	fot_free(f->answer);
	fot_free(f->item);
	fot_free(f->pool);
	fot_free(f->is_long);
	fot_free(f->question_end);
	fot_fewshot_close_others(f);
	fot_free(f);
}

/* ---- questions about it ---- */

size_t fot_fewshot_n_items(const struct fot_fewshot *f)
{
	return f->n;
}

const struct fot_labelled_item *fot_fewshot_item(const struct fot_fewshot *f, size_t i)
{
	return &f->set->item[f->item[i]];
}

bool fot_fewshot_is_long(const struct fot_fewshot *f, size_t i)
{
	return f->is_long[i];
}

size_t fot_fewshot_question_tokens(const struct fot_fewshot *f, size_t i)
{
	return f->question_end[i + 1] - f->question_end[i];
}

size_t fot_fewshot_n_labels(const struct fot_fewshot *f)
{
	return f->n_labels;
}

size_t fot_fewshot_pool(const struct fot_fewshot *f)
{
	return f->n_pool;
}

uint64_t fot_fewshot_seed(const struct fot_fewshot *f)
{
	return f->o.seed;
}

const char *fot_fewshot_label(const struct fot_fewshot *f, size_t label)
{
	return f->set->label[label];
}

/* Test items with this label. */
static size_t count_label(const struct fot_fewshot *f, size_t label)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += (size_t)f->set->item[f->item[i]].label == label;
	return n;
}

int32_t fot_fewshot_commonest(const struct fot_fewshot *f)
{
	size_t best = 0, most = 0;

	for (size_t k = 0; k < f->n_labels; k++) {
		size_t n = count_label(f, k);

		best = n > most ? k : best;
		most = n > most ? n : most;
	}
	return (int32_t)best;
}

bool fot_fewshot_levels(const struct fot_fewshot *f, double *chance, double *majority)
{
	if (f->n_labels == 0)
		return false;
	*chance = 1.0 / (double)f->n_labels;
	*majority = (double)count_label(f, (size_t)fot_fewshot_commonest(f)) / (double)f->n;
	return true;
}

/* ---- prompts ---- */

int fot_fewshot_fit(size_t *fitted, const struct fot_fewshot *f, const struct fot_fewshot_demos *d,
		    int64_t shots, int64_t context_length, struct fot_err *err)
{
	size_t most = shots >= 0 && (size_t)shots < d->n ? (size_t)shots : d->n;
	size_t length = context_length > 0 ? (size_t)context_length : 0;

	if (d->end[0] + f->room > length)
		return FOT_FAIL(
			err, FOT_ERR_USAGE,
			"%s: instruction, question and answer take %zu tokens, more than the context length %lld",
			f->set->name, d->end[0] + f->room, (long long)context_length);
	while (d->end[most] + f->room > length)
		most--;
	*fitted = most;
	return FOT_OK;
}

size_t fot_fewshot_seen(const struct fot_fewshot_demos *d, size_t fitted, size_t first, size_t last)
{
	size_t n = 0;

	for (size_t k = 0; k < fitted; k++)
		n += d->end[k + 1] <= first || d->end[k] >= last;
	return n;
}

int fot_fewshot_stem(struct fot_ids *prompt, size_t *n_stem, const struct fot_fewshot *f,
		     const struct fot_fewshot_demos *d, size_t fitted, struct fot_err *err)
{
	int status;

	prompt->n = 0;
	FOT_TRY(fot_ids_reserve(prompt, fot_size_add(d->end[fitted], f->room), err));
	FOT_TRY(fot_fewshot_append(prompt, d->ids.id, d->end[fitted], err));
	*n_stem = prompt->n;
out:
	return status;
}

int fot_fewshot_ask(struct fot_question *q, struct fot_ids *prompt, size_t n_stem,
		    const struct fot_fewshot *f, size_t i, struct fot_err *err)
{
	size_t k = i == FOT_FEWSHOT_FREE ? f->n : i;
	int status;

	prompt->n = n_stem;
	FOT_TRY(fot_fewshot_append(prompt, f->questions.id + f->question_end[k],
		       f->question_end[k + 1] - f->question_end[k], err));
	*q = (struct fot_question){ .prompt = prompt->id,
				    .n_stem = n_stem,
				    .n_prompt = prompt->n,
				    .answer = f->answer,
				    .n_answers = f->n_labels,
				    .n_greedy = f->n_labels ? 0 : f->o.n_greedy };
out:
	return status;
}

/* ---- what came back ---- */

void fot_fewshot_scores(double *score, const struct fot_fewshot *f, const double *nll, const double *free)
{
	for (size_t k = 0; k < f->n_labels; k++) {
		double sum = 0;

		for (size_t j = 0; j < f->answer[k].n; j++)
			sum -= *nll++;
		if (f->o.score == FOT_FEWSHOT_PER_TOKEN)
			sum /= (double)f->answer[k].n;
		score[k] = free ? sum - free[k] : sum;
	}
}

const char *fot_fewshot_gold(const struct fot_fewshot *f, size_t i)
{
	const struct fot_labelled_item *it = fot_fewshot_item(f, i);

	if (f->n_labels)
		return f->set->label[it->label];
	return it->n_answers ? it->answer[0] : NULL;
}

void fot_fewshot_observe(struct fot_fewshot_observation *o, const struct fot_fewshot *f, size_t i,
			 const double *score)
{
	size_t gold = (size_t)f->set->item[f->item[i]].label, best = 0, other = gold == 0;

	for (size_t k = 0; k < f->n_labels; k++) {
		best = score[k] > score[best] ? k : best;
		other = k != gold && score[k] > score[other] ? k : other;
	}
	*o = (struct fot_fewshot_observation){ .correct = best == gold,
					       .label_gold = fot_fewshot_gold(f, i),
					       .label_pred = f->set->label[best],
					       .score_gold = score[gold],
					       .score_best_other = score[other] };
}

static void trim(struct fot_str *s)
{
	size_t skip = 0;

	while (s->len && strchr(" \t\r\n", s->data[s->len - 1]))
		s->data[--s->len] = '\0';
	while (skip < s->len && strchr(" \t\r\n", s->data[skip]))
		skip++;
	if (skip) {
		s->len -= skip;
		memmove(s->data, s->data + skip, s->len + 1);
	}
}

int fot_fewshot_text(struct fot_str *out, const struct fot_fewshot *f, const int32_t *ids, size_t n,
		     struct fot_err *err)
{
	struct fot_ids all = { 0 };
	struct fot_str text = FOT_STR_INIT;
	const char *end;
	int status;

	for (size_t i = 0; i < n; i++)
		if (fot_tokenizer_ends(f->tokenizer, ids[i]))
			n = i;
	FOT_TRY(fot_fewshot_append(&all, f->stop.id, f->stop.n, err));
	FOT_TRY(fot_fewshot_append(&all, ids, n, err));
	FOT_TRY(fot_tokenizer_decode(f->tokenizer, &text, all.id, all.n, err));
	fot_str_clear(out);
	fot_str_puts(out, "");
	if (text.len > f->stop_text)
		fot_str_add(out, text.data + f->stop_text, text.len - f->stop_text);
	FOT_TRY(fot_str_check(out, err));
	end = memmem(out->data, out->len, f->t->terminator, strlen(f->t->terminator));
	if (end) {
		out->len = (size_t)(end - out->data);
		out->data[out->len] = '\0';
	}
	trim(out);
out:
	fot_ids_release(&all);
	fot_str_release(&text);
	return status;
}

void fot_fewshot_normalise(struct fot_str *out, const char *text)
{
	struct fot_str low = FOT_STR_INIT;
	bool first = true;

	fot_str_puts(out, "");
	fot_text_lower(&low, text, strlen(text));
	out->failed = out->failed || low.failed;
	for (const char *p = low.len ? low.data : ""; *p;) {
		size_t blank = strspn(p, " \t\r\n\v\f"), n = strcspn(p + blank, " \t\r\n\v\f");

		p += blank;
		if (n && !(n == 1 && *p == 'a') && !(n == 2 && memcmp(p, "an", 2) == 0) &&
		    !(n == 3 && memcmp(p, "the", 3) == 0)) {
			if (!first)
				fot_str_putc(out, ' ');
			first = false;
			fot_str_add(out, p, n);
		}
		p += n;
	}
	fot_str_release(&low);
}

int fot_fewshot_observe_text(struct fot_fewshot_observation *o, const struct fot_fewshot *f, size_t i,
			     const char *text, struct fot_err *err)
{
	const struct fot_labelled_item *it = &f->set->item[f->item[i]];
	struct fot_str got = FOT_STR_INIT, want = FOT_STR_INIT;
	int status;

	memset(o, 0, sizeof(*o));
	o->label_gold = fot_fewshot_gold(f, i);
	fot_fewshot_normalise(&got, text);
	FOT_TRY(fot_str_check(&got, err));
	for (size_t k = 0; k < it->n_answers && !o->correct; k++) {
		fot_str_clear(&want);
		fot_fewshot_normalise(&want, it->answer[k]);
		FOT_TRY(fot_str_check(&want, err));
		/* an answer of punctuation alone is matched by nothing */
		o->correct = want.len && want.len == got.len && memcmp(want.data, got.data, got.len) == 0;
	}
out:
	fot_str_release(&got);
	fot_str_release(&want);
	return status;
}
