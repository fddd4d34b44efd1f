/* hf_pretokenizer.c: see hf_pretokenizer.h.
 *
 * A step takes a piece and hands its parts to the next step, so that no list of words is kept. */
#include "model/hf_pretokenizer.h"

#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "model/hf_steps.h"

/* What GPT-2 cuts by; ByteLevel with use_regex. */
#define GPT2 "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

struct hf_pretokenizer {
	struct hf_steps steps;
};

struct hf_cutting {
	void *scratch[HF_STEPS_MAX];
	struct hf_draft draft[HF_STEPS_MAX];
	size_t n;
};

struct run {
	const struct hf_pretokenizer *z;
	struct hf_cutting *w;
	const struct hf_sink *sink;
};

/* What steps do with a piece; at: which step. */
typedef int step_fn(const struct run *r, size_t at, const struct hf_piece *piece, struct fot_err *err);
static step_fn run_split, run_bytes, run_digits, run_metaspace;
static step_fn *const runs[] = { run_split, run_bytes, run_digits, run_metaspace };
enum { BYTES = 1 }; /* index of ByteLevel */

static int go_on(const struct run *r, size_t at, const struct hf_piece *piece, struct fot_err *err)
{
	if (piece->n == 0)
		return FOT_OK;
	return at == r->z->steps.n ? r->sink->put(r->sink->context, piece, err) :
				     runs[r->z->steps.at[at].kind](r, at, piece, err);
}

static int pass(const struct run *r, size_t at, const struct hf_piece *piece, size_t from, size_t to,
		struct fot_err *err)
{
	struct hf_piece part = hf_piece_part(piece, from, to);

	return from < to ? go_on(r, at + 1, &part, err) : FOT_OK;
}

/* --- cutting by matches --- */

/* A run of spans, match and no match in turn, joined as the behaviour says: [from, at) is held back. */
struct joining {
	const struct run *r;
	size_t step;
	const struct hf_piece *piece;
	enum hf_behaviour behaviour;
	size_t from;
	bool was_match, any;
};

static int join_next(struct joining *j, size_t from, size_t to, bool is_match, struct fot_err *err)
{
	bool cut = true; /* before this span */
	int status = FOT_OK;

	if (from == to)
		return FOT_OK;
	if (j->behaviour == HF_MERGED_WITH_PREVIOUS)
		cut = !is_match || j->was_match;
	else if (j->behaviour == HF_MERGED_WITH_NEXT)
		cut = is_match || !j->was_match;
	else if (j->behaviour == HF_CONTIGUOUS)
		cut = is_match != j->was_match;
	if (j->any && cut) {
		if (!(j->behaviour == HF_REMOVED && j->was_match))
			status = pass(j->r, j->step, j->piece, j->from, from, err);
		j->from = from;
	}
	j->any = true;
	j->was_match = is_match;
	return status;
}

static int join_end(struct joining *j, struct fot_err *err)
{
	if (!j->any || (j->behaviour == HF_REMOVED && j->was_match))
		return FOT_OK;
	return pass(j->r, j->step, j->piece, j->from, j->piece->n, err);
}

static int run_split(const struct run *r, size_t at, const struct hf_piece *piece, struct fot_err *err)
{
	const struct hf_step *s = &r->z->steps.at[at];
	struct joining j = { .r = r, .step = at, .piece = piece, .behaviour = s->behaviour };
	struct hf_match m = { 0, 0 };
	size_t done = 0;
	bool found = true;
	int status = FOT_OK;

	while (found && done < piece->n) {
		FOT_TRY(hf_pattern_next(s->pattern, r->w->scratch[at], piece->p, piece->n, done, &found, &m,
					err));
		FOT_TRY(join_next(&j, done, found ? m.from : piece->n, s->invert, err));
		if (found)
			FOT_TRY(join_next(&j, m.from, m.to, !s->invert, err));
		done = found ? m.to : piece->n;
	}
	status = join_end(&j, err);
out:
	return status;
}

static int run_digits(const struct run *r, size_t at, const struct hf_piece *piece, struct fot_err *err)
{
	enum hf_behaviour behaviour = r->z->steps.at[at].one_by_one ? HF_ISOLATED : HF_CONTIGUOUS;
	struct joining j = { .r = r, .step = at, .piece = piece, .behaviour = HF_CONTIGUOUS };
	int status = FOT_OK;
	uint32_t cp;

	for (size_t i = 0, len; i < piece->n; i += len) {
		bool digit;

		len = fot_utf8_decode(piece->p + i, piece->n - i, &cp);
		digit = hf_is_number(cp);
		/* Text between digits stays together in both behaviours. */
		j.behaviour = digit ? behaviour : HF_CONTIGUOUS;
		FOT_TRY(join_next(&j, i, i + len, digit, err));
	}
	status = join_end(&j, err);
out:
	return status;
}

/* --- rewriting --- */

static int run_bytes(const struct run *r, size_t at, const struct hf_piece *piece, struct fot_err *err)
{
	const struct hf_step *s = &r->z->steps.at[at];
	struct hf_draft *d = &r->w->draft[at];
	struct hf_piece out = *piece;
	int status;

	if (s->prepend == HF_ALWAYS && piece->p[0] != ' ') {
		hf_draft_start(d, piece);
		FOT_TRY(hf_draft_put(d, " ", 1, piece->begin, err));
		FOT_TRY(hf_draft_copy(d, piece, 0, piece->n, err));
		out = hf_draft_piece(d);
	}
	status = s->pattern ? run_split(r, at, &out, err) : go_on(r, at + 1, &out, err);
out:
	return status;
}

static int mark_spaces(const struct hf_step *s, struct hf_draft *d, const struct hf_piece *piece,
		       struct fot_err *err)
{
	size_t n = strlen(s->text), done = 0;
	bool first = piece->begin == 0 && !piece->moved; /* as the library counts */
	bool prefix = s->prepend == HF_ALWAYS || (s->prepend == HF_FIRST && first);
	int status = FOT_OK;

	hf_draft_start(d, piece);
	if (prefix && piece->p[0] != ' ' && (piece->n < n || memcmp(piece->p, s->text, n) != 0))
		FOT_TRY(hf_draft_put(d, s->text, n, piece->begin, err));
	while (done < piece->n) {
		const char *space = memchr(piece->p + done, ' ', piece->n - done);
		size_t to = space ? (size_t)(space - piece->p) : piece->n;

		FOT_TRY(hf_draft_copy(d, piece, done, to, err));
		if (space)
			FOT_TRY(hf_draft_put(d, s->text, n, hf_piece_end(piece, to + 1), err));
		done = to + (space != NULL);
	}
out:
	return status;
}

static int run_metaspace(const struct run *r, size_t at, const struct hf_piece *piece, struct fot_err *err)
{
	const struct hf_step *s = &r->z->steps.at[at];
	struct hf_piece out;
	int status = mark_spaces(s, &r->w->draft[at], piece, err);

	if (status != FOT_OK)
		return status;
	out = hf_draft_piece(&r->w->draft[at]);
	return s->split ? run_split(r, at, &out, err) : go_on(r, at + 1, &out, err);
}

/* --- opening --- */

/* A word of a list at obj[key]. */
static int read_word(const cJSON *obj, const char *key, const char *const *words, size_t n, size_t *out,
		     const char *where, struct fot_err *err)
{
	struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };
	const char *text = NULL;
	int status;

	FOT_TRY(fot_json_string(obj, key, false, &text, &ctx, err));
	if (!text)
		return FOT_OK;
	for (size_t i = 0; i < n; i++)
		if (strcmp(words[i], text) == 0) {
			*out = i;
			return FOT_OK;
		}
	status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: %s: \"%.40s\" is not read", where, key, text);
out:
	return status;
}

static int read_split(struct hf_step *s, const cJSON *section, const char *where, struct fot_err *err)
{
	static const char *const words[] = { "Removed", "Isolated", "MergedWithPrevious", "MergedWithNext",
					     "Contiguous" };
	struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };
	size_t behaviour = HF_ISOLATED;
	int status;

	FOT_TRY(hf_pattern_open(&s->pattern, fot_json_get(section, "pattern"), where, err));
	FOT_TRY(read_word(section, "behavior", words, FOT_COUNT(words), &behaviour, where, err));
	s->behaviour = (enum hf_behaviour)behaviour;
	status = fot_json_bool(section, "invert", false, &s->invert, &ctx, err);
out:
	return status;
}

static int read_bytes(struct hf_step *s, const cJSON *section, const char *where, struct fot_err *err)
{
	struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };
	bool prefix = true, regex = true;
	int status;

	s->behaviour = HF_ISOLATED;
	FOT_TRY(fot_json_bool(section, "add_prefix_space", false, &prefix, &ctx, err));
	FOT_TRY(fot_json_bool(section, "use_regex", false, &regex, &ctx, err));
	s->prepend = prefix ? HF_ALWAYS : HF_NEVER;
	if (regex)
		status = hf_pattern_open_text(&s->pattern, GPT2, true, where, err);
out:
	return status;
}

static int read_digits(struct hf_step *s, const cJSON *section, const char *where, struct fot_err *err)
{
	struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };

	return fot_json_bool(section, "individual_digits", false, &s->one_by_one, &ctx, err);
}

static int read_metaspace(struct hf_step *s, const cJSON *section, const char *where, struct fot_err *err)
{
	static const char *const words[] = { "never", "first", "always" };
	struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };
	size_t prepend = HF_ALWAYS;
	bool add_prefix = true;
	int status;

	s->behaviour = HF_MERGED_WITH_NEXT;
	s->split = true;
	FOT_TRY(fot_json_bool(section, "add_prefix_space", false, &add_prefix, &ctx, err));
	prepend = add_prefix ? HF_ALWAYS : HF_NEVER;
	FOT_TRY(read_word(section, "prepend_scheme", words, FOT_COUNT(words), &prepend, where, err));
	s->prepend = (enum hf_prepend)prepend;
	FOT_TRY(fot_json_bool(section, "split", false, &s->split, &ctx, err));
	FOT_TRY(hf_read_mark(s, section, where, err));
	status = hf_pattern_open_text(&s->pattern, s->text, false, where, err);
out:
	return status;
}

static const struct hf_kind kinds[] = {
	{ "Split", read_split },
	{ "ByteLevel", read_bytes },
	{ "Digits", read_digits },
	{ "Metaspace", read_metaspace },
};

static const struct hf_section pretokenizers = { kinds, FOT_COUNT(kinds), "pretokenizers", "ByteLevel" };

int hf_pretokenizer_open(struct hf_pretokenizer **out, const cJSON *section, const char *where,
			 struct fot_err *err)
{
	struct hf_pretokenizer *z = fot_calloc(1, sizeof *z);
	int status;

	if (!z)
		return FOT_NO_MEMORY(err, where);
	status = hf_steps_read(&z->steps, &pretokenizers, section, where, err);
	if (status == FOT_OK)
		*out = z;
	else
		hf_pretokenizer_close(z);
	return status;
}

void hf_pretokenizer_close(struct hf_pretokenizer *z)
{
	if (z)
		hf_steps_release(&z->steps);
	fot_free(z);
}

bool hf_pretokenizer_bytes(const struct hf_pretokenizer *z)
{
	return z->steps.n && z->steps.at[z->steps.n - 1].kind == BYTES;
}

int hf_cutting_open(struct hf_cutting **out, const struct hf_pretokenizer *z, struct fot_err *err)
{
	struct hf_cutting *w = fot_calloc(1, sizeof *w);
	bool ok = w != NULL;

	if (w)
		w->n = z->steps.n;
	for (size_t i = 0; ok && i < z->steps.n; i++)
		if (z->steps.at[i].pattern)
			w->scratch[i] = hf_pattern_scratch(z->steps.at[i].pattern, &ok);
	if (!ok) {
		hf_cutting_close(w);
		return FOT_NO_MEMORY(err, "tokenizer");
	}
	*out = w;
	return FOT_OK;
}

void hf_cutting_close(struct hf_cutting *w)
{
	for (size_t i = 0; w && i < w->n; i++) {
		hf_pattern_scratch_release(w->scratch[i]);
		hf_draft_release(&w->draft[i]);
	}
	fot_free(w);
}

int hf_cut(const struct hf_pretokenizer *z, struct hf_cutting *w, const struct hf_piece *piece,
	   const struct hf_sink *sink, struct fot_err *err)
{
	struct run r = { z, w, sink };

	return go_on(&r, 0, piece, err);
}
