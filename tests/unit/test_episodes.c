/* datasets/episodes.h and the generator made of it: what is drawn reads as demonstrations
 * with one new word per class, and marks stand on the words that can be known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "datasets/episodes.h"
#include "model/train/generator.h"
#include "tests/unit/scratch.h"

#define N 6000
#define DOCS 12
#define FIRST 11

static const char *const first[FIRST] = { "Amber", "Birch", "Cedar", "Dill",  "Elder", "Fern",
					  "Gorse", "Hazel", "Iris",  "Maple", "Olive" };
static struct fot_tokenizer *tok;
static struct fot_corpus *corpus;
static struct fot_template t;

/* DOCS documents of sentences that name their document, and a labelled set of 3 labels. */
static int setup(void **state)
{
	static const char plain[] =
		"{\"format\": \"fotbench-template-1\", \"demonstration\": \"{text} -> {label}\\n\"}";
	const char *spec[1];
	struct fot_str s = FOT_STR_INIT;
	char name[64];

	if (scratch_make(state) || fot_tokenizer_open_byte(&tok, NULL) != FOT_OK ||
	    fot_mkdir_all(scratch_path("texts/train"), NULL) != FOT_OK ||
	    fot_template_parse(&t, plain, strlen(plain), "t", NULL) != FOT_OK)
		return -1;
	for (int d = 0; d < DOCS; d++) {
		fot_str_clear(&s);
		for (int i = 0; i < 30; i++)
			fot_str_printf(&s, "%s doc%c says %d things, no%d; %s", first[(i * 5 + d) % FIRST],
				       'A' + d, i * d, i, i % 2 ? "Then " : "x\n\n");
		snprintf(name, sizeof(name), "texts/train/d%d.txt", d);
		scratch_write(name, s.data, s.len);
	}
	fot_str_clear(&s);
	for (int i = 0; i < 90; i++)
		fot_str_printf(&s, "kind%d:x item number %d of label%d\n", i % 3, i, i % 3);
	scratch_write("set.label", s.data, s.len);
	fot_str_release(&s);
	spec[0] = scratch_path("texts");
	return fot_corpus_open(&corpus, spec, 1, FOT_TRAIN, NULL, tok, NULL) == FOT_OK ? 0 : -1;
}

static int teardown(void **state)
{
	fot_corpus_close(corpus);
	fot_template_release(&t);
	fot_tokenizer_close(tok);
	return scratch_remove(state);
}

static struct fot_episodes *make_of(const char *labelled, const struct fot_episodes_opts *o)
{
	const double weight = 1;
	struct fot_episodes *e = NULL;
	struct fot_err err = { 0 };

	if (fot_episodes_open(&e, labelled ? NULL : corpus, &weight, &labelled, labelled != NULL, NULL, tok,
			      &t, o, &err) != FOT_OK)
		fail_msg("%s", err.text);
	return e;
}

static struct fot_episodes *make(const char *labelled, int64_t least, int64_t most)
{
	const struct fot_episodes_opts o = { .classes_min = least, .classes_max = most, .clip = 40, .parts = 1 };

	return make_of(labelled, &o);
}

/* Texts and classes of the demonstrations are those that the tokens show. */
static void check_demos(const struct fot_episode *x, const char *text)
{
	const char *label[FOT_EPISODES_CLASSES] = { NULL };
	size_t n = 0;

	for (size_t i = 0; i < x->n; i++)
		n += x->class[i] >= 0;
	assert_int_equal(n, x->n_demo);
	for (size_t i = 0; i < n; i++) {
		const struct fot_episode_demo *d = &x->demo[i];
		const char *p = text + d->label, *shown = x->texts.data + d->text;
		size_t length = strcspn(p, "\n");

		assert_int_equal(x->class[d->label], d->class);
		assert_in_range(d->class, 0, x->n_classes - 1);
		assert_int_equal(x->choice[d->class], *p);
		if (i) /* behind the text stand at most a word and some signs */
			assert_non_null(memmem(p - d->n_bytes - 24, d->n_bytes + 24, shown, d->n_bytes));
		if (label[d->class] && p + length < text + N)
			assert_memory_equal(label[d->class], p, length + 1);
		label[d->class] = p;
	}
}

static void draw(const struct fot_episodes *e, uint64_t item, double repeat, char *text, uint8_t *mark)
{
	struct fot_episode x = { 0 };
	struct fot_rng rng;

	fot_rng_init(&rng, 1, "test", item);
	assert_int_equal(fot_episodes_draw(e, &rng, repeat, &x, N, NULL), FOT_OK);
	assert_int_equal(x.n, N);
	memcpy(mark, x.mark, N);
	for (int i = 0; i < N; i++) {
		assert_in_range(x.tokens[i], 1, 255);
		text[i] = (char)x.tokens[i];
	}
	text[N] = '\0';
	check_demos(&x, text);
	fot_episode_release(&x);
}

/* The letter behind `key` in a line, or 0. */
static char class_of(const char *line, const char *arrow, const char *key)
{
	const char *at = memmem(line, (size_t)(arrow - line), key, strlen(key));

	return at && at + strlen(key) < arrow ? at[strlen(key)] : '\0';
}

/* Every whole line of an episode: one class, one word; returns the number of words. */
static size_t check_lines(const char *text, const uint8_t *mark, const char *key, size_t *n_lines)
{
	char word[128][16] = { "" };
	size_t n = 0;
	const char *line = strchr(text, '\n') + 1, *end, *arrow;
	bool first_cut = true; /* what the cut first line showed is not known here */

	for (*n_lines = 0; (end = strchr(line, '\n')) != NULL; line = end + 1, ++*n_lines) {
		arrow = memmem(line, (size_t)(end - line), " -> ", 4);
		assert_non_null(arrow);
		assert_in_range(arrow - line, 1, 40);
		int c = class_of(line, arrow, key);
		size_t len = (size_t)(end - arrow) - 4;

		assert_in_range(len, 2, 12);
		for (const char *p = line; p < arrow + 3; p++)
			assert_int_equal(mark[p - text], FOT_EPISODE_TEXT);
		if (c == 0) /* a repeated half may have lost its class */
			continue;
		if (!word[c][0]) {
			memcpy(word[c], arrow + 4, len);
			for (int k = 0; k < 128; k++)
				assert_true(k == c || strcmp(word[k], word[c]) != 0);
			n++;
			for (const char *p = arrow + 4; p <= end && !first_cut; p++)
				assert_true(mark[p - text] != FOT_EPISODE_TEXT);
		} else {
			assert_int_equal(len, strlen(word[c]));
			assert_memory_equal(word[c], arrow + 4, len);
			for (const char *p = arrow + 3; p < end; p++)
				assert_int_equal(mark[p - text], FOT_EPISODE_LABEL);
			assert_int_equal(mark[end - text], FOT_EPISODE_END);
		}
		first_cut = false;
	}
	return n;
}

static void test_episodes_read_as_demonstrations(void **state)
{
	struct fot_episodes *e = make(NULL, 2, 10);
	static char text[N + 1];
	static uint8_t mark[N];
	size_t n, lines, least = 99, most = 0;

	(void)state;
	for (uint64_t i = 0; i < 60; i++) {
		draw(e, i, 0, text, mark);
		n = check_lines(text, mark, " doc", &lines);
		assert_in_range(lines, 100, 300);
		least = n < least ? n : least;
		most = n > most ? n : most;
	}
	assert_int_equal(least, 2);
	assert_int_equal(most, 10);
	fot_episodes_close(e);
}

static void test_episodes_are_functions_of_their_stream(void **state)
{
	struct fot_episodes *e = make(NULL, 4, 4), *f = make(NULL, 4, 4);
	static char a[N + 1], b[N + 1];
	static uint8_t mark[N], other[N];

	(void)state;
	assert_string_equal(fot_episodes_hash(e), fot_episodes_hash(f));
	draw(e, 3, 0.5, a, mark);
	draw(f, 3, 0.5, b, other);
	assert_string_equal(a, b);
	assert_memory_equal(mark, other, N);
	draw(f, 4, 0.5, b, other);
	assert_string_not_equal(a, b);
	fot_episodes_close(f);
	f = make(NULL, 4, 5);
	assert_string_not_equal(fot_episodes_hash(e), fot_episodes_hash(f));
	fot_episodes_close(e);
	fot_episodes_close(f);
}

/* Lines of a text: where they begin, their arrows and ends; returns how many. */
struct line {
	const char *begin, *arrow, *end;
};

static size_t lines_of(const char *text, struct line *line, size_t most)
{
	size_t n = 0;

	for (const char *p = strchr(text, '\n') + 1, *end; n < most && (end = strchr(p, '\n')); p = end + 1) {
		line[n] = (struct line){ p, memmem(p, (size_t)(end - p), " -> ", 4), end };
		assert_non_null(line[n].arrow);
		n++;
	}
	return n;
}

static bool equal(const char *a, const char *a_end, const char *b, const char *b_end)
{
	return a_end - a == b_end - b && memcmp(a, b, (size_t)(a_end - a)) == 0;
}

/* Words of line a that line b has, too. */
static size_t shared_words(const struct line *a, const struct line *b)
{
	size_t n = 0;

	for (const char *p = a->begin; p < a->arrow;) {
		const char *end = memchr(p, ' ', (size_t)(a->arrow - p));

		end = end ? end : a->arrow;
		n += memmem(b->begin, (size_t)(b->arrow - b->begin), p, (size_t)(end - p)) != NULL;
		p = end + 1;
	}
	return n;
}

/* The line whose text is there most often. */
static size_t commonest(const struct line *line, size_t n, size_t *times)
{
	size_t best = 0;

	*times = 0;
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		for (size_t j = 0; j < n; j++)
			k += equal(line[i].begin, line[i].arrow, line[j].begin, line[j].arrow);
		if (k > *times) {
			*times = k;
			best = i;
		}
	}
	return best;
}

/* Repeated always, all lines go back to the first one, whole, in half or scrambled. */
static void test_episodes_repeat_earlier_texts(void **state)
{
	struct fot_episodes *e = make(NULL, 8, 8);
	static char text[N + 1];
	static uint8_t mark[N];
	static struct line line[400];
	size_t n, first_line, whole, half = 0, mixed = 0;

	(void)state;
	draw(e, 1, 1, text, mark);
	n = lines_of(text, line, 400);
	first_line = commonest(line, n, &whole);
	for (size_t i = 0; i < n; i++) {
		const struct line *l = &line[i], *of = &line[first_line];
		size_t length = (size_t)(l->arrow - l->begin), all = (size_t)(of->arrow - of->begin);

		assert_true(equal(l->arrow, l->end, of->arrow, of->end));
		if (equal(l->begin, l->arrow, of->begin, of->arrow))
			continue;
		if (length == all / 2 && memmem(of->begin, all, l->begin, length))
			half++;
		else
			mixed += shared_words(l, of) > 0;
	}
	assert_in_range(n, 100, 400);
	assert_in_range(whole, n / 8, n / 2);
	assert_in_range(half, n / 8, n / 2);
	assert_in_range(mixed, n / 4, 3 * n / 4);
	draw(e, 2, 0.5, text, mark);
	n = lines_of(text, line, 400);
	for (size_t i = whole = half = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			if (line[i].arrow - line[i].begin > 16 &&
			    equal(line[i].begin, line[i].arrow, line[j].begin, line[j].arrow)) {
				whole++; /* what is put together may be a text of another class */
				half += equal(line[i].arrow, line[i].end, line[j].arrow, line[j].end);
			}
	assert_true(whole > 10 && half > whole - whole / 10);
	fot_episodes_close(e);
}

static void test_episodes_of_labelled_sets(void **state)
{
	char spec[512];
	struct fot_episodes *e;
	static char text[N + 1];
	static uint8_t mark[N];
	size_t lines;

	(void)state;
	snprintf(spec, sizeof(spec), "%s?holdout=0.3", scratch_path("set.label"));
	e = make(spec, 3, 3);
	draw(e, 1, 0, text, mark);
	assert_int_equal(check_lines(text, mark, " label", &lines), 3);
	fot_episodes_close(e);
	e = make(spec, 2, 8); /* a set of fewer classes than the most */
	for (uint64_t i = 0; i < 20; i++) {
		draw(e, i, 0, text, mark);
		assert_in_range(check_lines(text, mark, " label", &lines), 2, 3);
	}
	fot_episodes_close(e);
}

/* Which of the names the text of a line holds, or -1. */
static int word_of(const char *line, const char *arrow)
{
	for (int i = 0; i < FIRST; i++)
		if (memmem(line, (size_t)(arrow - line), first[i], strlen(first[i])))
			return i;
	return -1;
}

/* Classes by word: for some episodes the label follows from the sentence's name, whichever
 * document it is from.  Counted: lines whose label is that of an earlier line of the name. */
static void test_episodes_classes_by_word(void **state)
{
	const struct fot_episodes_opts o = { .classes_min = 6, .classes_max = 6, .clip = 40, .parts = 1, .words = 1 };
	struct fot_episodes *e = make_of(NULL, &o);
	static char text[N + 1];
	static uint8_t mark[N];
	size_t of_names = 0;

	(void)state;
	for (uint64_t i = 0; i < 40; i++) {
		char word[FIRST][16] = { "" };
		size_t same = 0, other = 0, docs = 0;
		char doc = 0;

		draw(e, i, 0, text, mark);
		for (const char *line = strchr(text, '\n') + 1, *end; (end = strchr(line, '\n')); line = end + 1) {
			const char *arrow = memmem(line, (size_t)(end - line), " -> ", 4);
			int k = arrow ? word_of(line, arrow) : -1;

			if (k < 0)
				continue;
			docs += doc && class_of(line, arrow, " doc") != doc;
			doc = class_of(line, arrow, " doc");
			if (!word[k][0])
				snprintf(word[k], sizeof(word[k]), "%.*s", (int)(end - arrow - 4), arrow + 4);
			else if (strlen(word[k]) == (size_t)(end - arrow - 4) &&
				 memcmp(word[k], arrow + 4, strlen(word[k])) == 0)
				same++;
			else
				other++;
		}
		of_names += same > 20 && other == 0 && docs > 10;
	}
	assert_in_range(of_names, 3, 40);
	fot_episodes_close(e);
}

/* With two parts a label's texts name two documents, and no document has two labels. */
static void test_episodes_classes_of_parts(void **state)
{
	const struct fot_episodes_opts o = { .classes_min = 3, .classes_max = 3, .clip = 40, .parts = 2 };
	struct fot_episodes *e = make_of(NULL, &o);
	static char text[N + 1];
	static uint8_t mark[N];
	bool one = false, two = false;

	(void)state;
	for (uint64_t i = 0; i < 20; i++) {
		char label[128][16] = { "" };
		size_t docs = 0;

		draw(e, i, 0, text, mark);
		for (const char *line = strchr(text, '\n') + 1, *end; (end = strchr(line, '\n')); line = end + 1) {
			const char *arrow = memmem(line, (size_t)(end - line), " -> ", 4);
			int k = class_of(line, arrow, " doc");

			if (!k)
				continue;
			if (!label[k][0]) {
				snprintf(label[k], sizeof(label[k]), "%.*s", (int)(end - arrow - 4), arrow + 4);
				docs++;
			}
			assert_int_equal(strlen(label[k]), end - arrow - 4);
			assert_memory_equal(label[k], arrow + 4, strlen(label[k]));
		}
		assert_true(docs == 3 || docs == 6);
		one |= docs == 3;
		two |= docs == 6;
	}
	assert_true(one && two);
	fot_episodes_close(e);
}

/* Episodes have wordings of their own, each the same throughout: lines come in one or two
 * kinds of a fixed beginning. */
static void test_episodes_wordings(void **state)
{
	const struct fot_episodes_opts o = { .classes_min = 2, .classes_max = 3, .clip = 40, .parts = 1, .frames = 1 };
	struct fot_episodes *e = make_of(NULL, &o);
	static char text[N + 1], seen[40][16];
	static uint8_t mark[N];
	size_t framed = 0, different = 0;

	(void)state;
	for (uint64_t i = 0; i < 40; i++) {
		char head[16] = "";
		size_t n = 0;

		draw(e, i, 0, text, mark);
		for (const char *line = strchr(text, '\n') + 1, *end; (end = strchr(line, '\n')); line = end + 1) {
			const char *colon = memmem(line, (size_t)(end - line), ": ", 2), *doc = memmem(line, (size_t)(end - line), " doc", 4);

			if (!doc || !colon || colon > doc)
				continue;
			if (!head[0])
				snprintf(head, sizeof(head), "%.*s", (int)(colon - line), line);
			assert_memory_equal(head, line, strlen(head));
			n++;
		}
		framed += n > 20;
		memcpy(seen[i], head, sizeof(head));
		different += i && head[0] && strcmp(seen[i], seen[i - 1]) != 0;
	}
	assert_in_range(framed, 20, 39);
	assert_in_range(different, 15, 39);
	fot_episodes_close(e);
}

static void test_episodes_refuse_bad_input(void **state)
{
	static const struct {
		struct fot_episodes_opts o;
		int code;
		const char *want;
	} rows[] = {
		{ { 1, 4, 40, 1, 0, 0, 0, 0 }, FOT_ERR_USAGE, "expected 2 to 64 classes, got 1 to 4" },
		{ { 4, 3, 40, 1, 0, 0, 0, 0 }, FOT_ERR_USAGE, "got 4 to 3" },
		{ { 4, 65, 40, 1, 0, 0, 0, 0 }, FOT_ERR_USAGE, "got 4 to 65" },
		{ { 4, 8, 15, 1, 0, 0, 0, 0 }, FOT_ERR_USAGE, "expected texts of at most 16 to 4096 bytes, got 15" },
		{ { 4, 8, 40, 0, 0, 0, 0, 0 }, FOT_ERR_USAGE, "expected classes of 1 to 8 parts, got 0" },
		{ { 4, 8, 40, 9, 0, 0, 0, 0 }, FOT_ERR_USAGE, "parts, got 9" },
		{ { 4, 7, 40, 2, 0, 0, 0, 0 }, FOT_ERR_INPUT, "texts: expected at least 14 classes" },
		{ { 4, 12, 40, 1, 0.5, 0, 0, 0 }, FOT_ERR_INPUT, "by first word, got" },
		{ { 4, 13, 40, 1, 0, 0, 0, 0 }, FOT_ERR_INPUT, "texts: expected at least 13 classes of 8 texts, got 12" },
	};
	const double weight = 1;
	const char *none = "nowhere.label";
	const struct fot_episodes_opts good = { 2, 3, 40, 1, 0, 0, 0, 0 };
	struct fot_episodes *e = NULL;
	struct fot_err err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_fails(fot_episodes_open(&e, corpus, &weight, NULL, 0, NULL, tok, &t, &rows[i].o, &err),
			     rows[i].code, &err, rows[i].want);
	assert_fails(fot_episodes_open(&e, NULL, NULL, NULL, 0, NULL, tok, &t, &good, &err), FOT_ERR_USAGE, &err,
		     "expected datasets or labelled sets, got none");
	assert_fails(fot_episodes_open(&e, corpus, &weight, &none, 1, NULL, tok, &t, &good, &err), FOT_ERR_INPUT,
		     &err, "nowhere.label");
	assert_null(e);
}

static void test_episodes_survive_failing_memory(void **state)
{
	const struct fot_episodes_opts o = { 2, 3, 40, 2, 0.5, 0.5, 0, 0 };
	const double weight = 1;
	const char *set = scratch_path("set.label");
	int status = FOT_ERR_RUN;

	(void)state;
	for (long n = 1; status != FOT_OK; n++) {
		struct fot_episodes *e = NULL;
		struct fot_err err = { 0 };

		assert_true(n < 4000);
		fot_mem_fail_at(n);
		status = fot_episodes_open(&e, corpus, &weight, &set, 1, NULL, tok, &t, &o, &err);
		fot_mem_fail_at(0);
		assert_true((status == FOT_OK) == (err.code == 0));
		fot_episodes_close(e);
	}
}

/* ---- in windows ---- */

static void parse(struct fot_generator *g, const char *text)
{
	struct fot_err err = { 0 };
	cJSON *obj = cJSON_Parse(text);

	if (fot_generator_parse(g, obj, "g", &err) != FOT_OK)
		fail_msg("%s", err.text);
	cJSON_Delete(obj);
}

static void check_batch(const struct fot_batch *b, int64_t own, int64_t pack, bool text)
{
	int64_t W = b->window, n_answers = 0, n_text = 0;

	for (int64_t i = 0; i < b->n_ask; i++)
		for (int64_t j = 0; j < W; j++) {
			int64_t at = i * W + j;

			if (j + 1 < W && b->targets[at] >= 0)
				assert_int_equal(b->targets[at], b->tokens[at + 1]);
			if (pack > 1 && i % pack + 1 < pack && j + 1 == W && b->targets[at] >= 0)
				assert_int_equal(b->targets[at],
						 b->tokens[at + 1]); /* the next window's first */
			n_answers += b->answer[at];
			assert_true(!b->answer[at] || b->targets[at] >= 0);
			n_text += b->targets[at] >= 0 && !b->answer[at];
		}
	assert_true(n_answers > b->n_ask * W / 100);
	assert_int_equal(n_text > b->n_ask * W / 2, text); /* the rest of an answer is always asked for */
	for (int64_t i = 0; i < b->n_ask && own;
	     i++) { /* nearest window first: it ends where the asking one goes on */
		char joined[2000];
		const int32_t *near = b->tokens + (b->n_ask + i * own) * W, *ask = b->tokens + i * W;
		const char *arrow;

		for (int64_t j = 0; j < 2 * W; j++)
			joined[j] = (char)(j < W ? near[j] : ask[j - W]);
		joined[2 * W] = '\0';
		for (const char *p = strchr(joined, '\n') + 1, *end; (end = strchr(p, '\n')); p = end + 1) {
			arrow = strstr(p, " -> ");
			assert_true(arrow && arrow < end && end - arrow <= 16);
		}
	}
}

static void test_episodes_fill_batches(void **state)
{
	static const struct {
		struct fot_stage stage;
		const char *generator;
		int64_t own, pack;
		bool text;
	} rows[] = {
		{ { .method = FOT_METHOD_STANDARD,
		    .steps = 1,
		    .window = 400,
		    .batch = 3,
		    .w = 1,
		    .d = 1,
		    .pack = 1 },
		  "{\"kind\": \"episodes\"}",
		  0,
		  1,
		  true },
		{ { .method = FOT_METHOD_CROSSBATCH,
		    .steps = 1,
		    .window = 300,
		    .batch = 4,
		    .w = 2,
		    .d = 2,
		    .pack = 1,
		    .negatives = 3,
		    .copy = 0.5 },
		  "{\"kind\": \"episodes\", \"text\": false, \"classes_min\": 3, \"classes_max\": 3}",
		  2,
		  1,
		  false },
		{ { .method = FOT_METHOD_CROSSBATCH,
		    .steps = 1,
		    .window = 300,
		    .batch = 6,
		    .w = 2,
		    .d = 2,
		    .pack = 3 },
		  "{\"kind\": \"episodes\"}",
		  0,
		  3,
		  true },
	};
	const double weight[] = { 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fot_generator g;
		struct fot_episodes *e = make(NULL, 2, 8);
		struct fot_source src = { corpus, weight, 1, &g, e, -1, -1 };
		struct fot_batch a, b;
		struct fot_err err = { 0 };

		parse(&g, rows[i].generator);
		assert_int_equal(fot_generator_check(&g, &rows[i].stage, "s", &err), FOT_OK);
		assert_int_equal(fot_batch_init(&a, &rows[i].stage, 1, NULL), FOT_OK);
		assert_int_equal(fot_batch_init(&b, &rows[i].stage, 1, NULL), FOT_OK);
		assert_int_equal(fot_batch_draw(&a, &src, &rows[i].stage, 5, "train", 9, NULL), FOT_OK);
		assert_int_equal(fot_batch_draw(&b, &src, &rows[i].stage, 5, "train", 9, NULL), FOT_OK);
		assert_memory_equal(a.tokens, b.tokens, sizeof(int32_t) * (size_t)(a.n_win * a.window));
		check_batch(&a, rows[i].own, rows[i].pack, rows[i].text);
		assert_int_equal(fot_batch_draw(&b, &src, &rows[i].stage, 5, "train", 10, NULL), FOT_OK);
		assert_memory_not_equal(a.tokens, b.tokens, sizeof(int32_t) * (size_t)(a.n_win * a.window));
		for (int64_t w = 0; w < a.n_win; w++) /* no window is empty */
			assert_true(memchr(a.tokens + w * a.window, '>', sizeof(int32_t) * (size_t)a.window));
		fot_batch_release(&a);
		fot_batch_release(&b);
		fot_episodes_close(e);
	}
}

static void test_episodes_generator_keys(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "{\"kind\": \"episodes\", \"classes_min\": 1}", "classes_min" },
		{ "{\"kind\": \"episodes\", \"classes_min\": 9}", "classes_max" },
		{ "{\"kind\": \"episodes\", \"classes_min\": 9, \"classes_max\": 8}", "classes_max" },
		{ "{\"kind\": \"episodes\", \"clip\": 5}", "clip" },
		{ "{\"kind\": \"episodes\", \"labelled\": [3]}", "labelled: expected at most 16 names" },
		{ "{\"kind\": \"episodes\", \"labelled\": [\"\"]}", "labelled: expected 1 to 255 bytes" },
		{ "{\"kind\": \"episodes\", \"labelled\": [\"a\", \"b\"], \"held_out\": [\"c\", \"b\"]}",
		  "held_out: b is in labelled as well" },
		{ "{\"kind\": \"episodes\", \"template\": \"\"}", "template: expected 1 to 255 bytes" },
		{ "{\"kind\": \"episodes\", \"mixed\": 0.1}", "mixed" },
	};
	struct fot_stage far = { .method = FOT_METHOD_CROSSBATCH,
				 .window = 100,
				 .batch = 2,
				 .w = 1,
				 .d = 1,
				 .pack = 1,
				 .far = 0.5 };
	struct fot_generator g, h;
	struct fot_err err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cJSON *obj = cJSON_Parse(rows[i].text);

		assert_fails(fot_generator_parse(&g, obj, "g", &err), FOT_ERR_USAGE, &err, rows[i].want);
		cJSON_Delete(obj);
	}
	parse(&g, "{\"kind\": \"episodes\", \"labelled\": [\"a\", \"b\"], \"classes_max\": 20}");
	parse(&h, "{\"kind\": \"episodes\", \"labelled\": [\"a\", \"b\"], \"classes_max\": 20}");
	assert_true(fot_generator_equal(&g, &h));
	h.labelled.spec[1][0] = 'c';
	assert_false(fot_generator_equal(&g, &h));
	parse(&h, "{\"kind\": \"episodes\", \"labelled\": [\"a\", \"b\"], \"classes_max\": 20, \"single\": 1}");
	assert_false(fot_generator_equal(&g, &h));
	parse(&h, "{\"kind\": \"episodes\", \"labelled\": [\"a\", \"b\"], \"classes_max\": 20, \"held_out\": [\"c\"]}");
	assert_true(fot_generator_equal(&g, &h)); /* validation changes no step */
	assert_fails(fot_generator_check(&g, &far, "s", &err), FOT_ERR_USAGE, &err, "far is for datasets");
}

#define WITH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(test_episodes_read_as_demonstrations), WITH(test_episodes_are_functions_of_their_stream),
		WITH(test_episodes_repeat_earlier_texts),   WITH(test_episodes_of_labelled_sets),
		WITH(test_episodes_classes_by_word),        WITH(test_episodes_classes_of_parts),
		WITH(test_episodes_wordings),
		WITH(test_episodes_refuse_bad_input),       WITH(test_episodes_survive_failing_memory),
		WITH(test_episodes_fill_batches),           cmocka_unit_test(test_episodes_generator_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
