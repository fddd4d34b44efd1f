/* hf_added.c: see hf_added.h. */
#include "model/hf_added.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"

#define ADDED_MAX 65536
#define TEXT_MAX 4096u
#define ID_MAX ((1 << 22) - 1)

struct token {
	char *text;   /* as the file writes it */
	char *sought; /* what is looked for: text, or text normalised */
	size_t n;     /* bytes of sought */
	int32_t id;
	bool special, single_word, lstrip, rstrip, normalized;
};

struct hf_added {
	struct token *token;
	size_t n;
	const struct token **sorted; /* [n_sorted] those that can be found */
	size_t n_sorted, n_raw;      /* the first n_raw are looked for in raw text */
};

/* --- opening --- */

static int read_flags(struct token *t, const cJSON *each, const char *where, struct fot_err *err)
{
	const struct {
		const char *key;
		bool *value;
	} flags[] = { { "special", &t->special },
		      { "single_word", &t->single_word },
		      { "lstrip", &t->lstrip },
		      { "rstrip", &t->rstrip },
		      { "normalized", &t->normalized } };
	struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };
	int status = FOT_OK;

	for (size_t i = 0; i < FOT_COUNT(flags) && status == FOT_OK; i++)
		status = fot_json_bool(each, flags[i].key, false, flags[i].value, &ctx, err);
	return status;
}

static int read_token(struct token *t, const cJSON *each, const struct hf_normalizer *z, const char *where,
		      struct fot_err *err)
{
	struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };
	struct hf_normalizing w = { 0 };
	struct hf_piece piece;
	const char *text = NULL;
	int64_t id = 0;
	int status;

	FOT_TRY(fot_json_i64(each, "id", true, 0, ID_MAX, &id, &ctx, err));
	FOT_TRY(fot_json_string(each, "content", true, &text, &ctx, err));
	FOT_TRY(read_flags(t, each, where, err));
	if (strlen(text) > TEXT_MAX) {
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: token %lld: expected at most %u bytes, got %zu",
				  where, (long long)id, TEXT_MAX, strlen(text));
		goto out;
	}
	piece = (struct hf_piece){ .p = text, .n = strlen(text) };
	if (t->normalized)
		FOT_TRY(hf_normalize(z, &w, &piece, &piece, err));
	t->id = (int32_t)id;
	t->text = fot_strdup(text);
	t->sought = fot_strndup(piece.p, piece.n);
	t->n = piece.n;
	if (!t->text || !t->sought)
		status = FOT_NO_MEMORY(err, where);
out:
	hf_normalizing_release(&w);
	return status;
}

/* By `normalized`, then as texts; of equal ones the first of the list is first. */
static int compare_tokens(const void *a, const void *b)
{
	const struct token *s = *(const struct token *const *)a, *t = *(const struct token *const *)b;
	int order = (int)s->normalized - (int)t->normalized;

	if (order == 0)
		order = memcmp(s->sought, t->sought, s->n < t->n ? s->n : t->n);
	if (order == 0)
		order = (s->n > t->n) - (s->n < t->n);
	return order ? order : (s > t) - (s < t);
}

static void sort_tokens(struct hf_added *a)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->token[i].n > 0)
			a->sorted[a->n_sorted++] = &a->token[i];
	qsort(a->sorted, a->n_sorted, sizeof *a->sorted, compare_tokens);
	while (a->n_raw < a->n_sorted && !a->sorted[a->n_raw]->normalized)
		a->n_raw++;
}

int hf_added_open(struct hf_added **out, const cJSON *list, const struct hf_normalizer *z, const char *where,
		  struct fot_err *err)
{
	struct hf_added *a = fot_calloc(1, sizeof *a);
	size_t n = cJSON_IsArray(list) ? (size_t)cJSON_GetArraySize(list) : 0;
	const cJSON *each;
	int status = FOT_OK;

	if (a && n <= ADDED_MAX) {
		a->token = fot_calloc(n, sizeof *a->token);
		a->sorted = fot_calloc(n, sizeof *a->sorted);
	}
	if (n > ADDED_MAX)
		FOT_TRY(FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected at most %d tokens, got %zu", where,
				 ADDED_MAX, n));
	if (!a || !a->token || !a->sorted)
		FOT_TRY(FOT_NO_MEMORY(err, where));
	cJSON_ArrayForEach (each, list)
		FOT_TRY(read_token(&a->token[a->n++], each, z, where, err));
	sort_tokens(a);
	*out = a;
	return FOT_OK;
out:
	hf_added_close(a);
	return status;
}

void hf_added_close(struct hf_added *a)
{
	for (size_t i = 0; a && i < a->n; i++) {
		fot_free(a->token[i].text);
		fot_free(a->token[i].sought);
	}
	if (a) {
		fot_free(a->token);
		fot_free(a->sorted);
	}
	fot_free(a);
}

size_t hf_added_count(const struct hf_added *a)
{
	return a->n;
}

struct hf_added_token hf_added_token(const struct hf_added *a, size_t i)
{
	return (struct hf_added_token){ a->token[i].id, a->token[i].text, a->token[i].special };
}

/* --- cutting --- */

/* The first of sorted[lo, hi) whose byte `depth` is at least `byte`; shorter texts stand in front. */
static size_t lower(const struct hf_added *a, size_t lo, size_t hi, size_t depth, int byte)
{
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct token *t = a->sorted[mid];

		if (t->n <= depth || (unsigned char)t->sought[depth] < byte)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The longest token at this place, NULL: none. */
static const struct token *token_at(const struct hf_added *a, bool normalized, const char *p, size_t n)
{
	size_t lo = normalized ? a->n_raw : 0, hi = normalized ? a->n_sorted : a->n_raw;
	const struct token *best = NULL;

	for (size_t depth = 0; depth < n && lo < hi; depth++) {
		int byte = (unsigned char)p[depth];

		hi = lower(a, lo, hi, depth, byte + 1);
		lo = lower(a, lo, hi, depth, byte);
		if (lo < hi && a->sorted[lo]->n == depth + 1)
			best = a->sorted[lo];
	}
	return best;
}

static size_t char_before(const char *p, size_t at)
{
	size_t from = at - 1;

	while (from > 0 && ((unsigned char)p[from] & 0xC0) == 0x80)
		from--;
	return from;
}

static bool stands_alone(const struct hf_piece *in, size_t from, size_t to)
{
	uint32_t cp;

	if (from > 0) {
		size_t at = char_before(in->p, from);

		fot_utf8_decode(in->p + at, from - at, &cp);
		if (hf_is_word(cp))
			return false;
	}
	if (to == in->n)
		return true;
	fot_utf8_decode(in->p + to, in->n - to, &cp);
	return !hf_is_word(cp);
}

static size_t spaces_left(const struct hf_piece *in, size_t least, size_t from)
{
	uint32_t cp;

	while (from > least) {
		size_t at = char_before(in->p, from);

		fot_utf8_decode(in->p + at, from - at, &cp);
		if (!hf_is_space(cp))
			break;
		from = at;
	}
	return from;
}

/* known: where the spaces behind an earlier place end; they are not read once more. */
static size_t spaces_right(const struct hf_piece *in, size_t to, size_t *known)
{
	uint32_t cp;

	to = to < *known ? *known : to;
	while (to < in->n) {
		size_t len = fot_utf8_decode(in->p + to, in->n - to, &cp);

		if (!hf_is_space(cp))
			break;
		to += len;
	}
	return *known = to;
}

static int put_part(const struct hf_piece *piece, size_t from, size_t to, int32_t id,
		    const struct hf_added_sink *sink, struct fot_err *err)
{
	struct hf_piece part = hf_piece_part(piece, from, to);

	return from < to ? sink->put(sink->context, &part, id, err) : FOT_OK;
}

int hf_added_cut(const struct hf_added *a, bool normalized, const struct hf_piece *piece,
		 const struct hf_added_sink *sink, struct fot_err *err)
{
	size_t done = 0, known = 0;
	int status;

	for (size_t at = 0; at < piece->n;) {
		const struct token *t = token_at(a, normalized, piece->p + at, piece->n - at);
		size_t from = at, to = t ? at + t->n : at + 1;

		at = to;
		if (!t || (t->single_word && !stands_alone(piece, from, to)))
			continue;
		/* A token within the spaces that the one before took is a token all the same, as in the
		 * library.  One with lstrip begins behind them: it is dropped where it ends there, too, and
		 * the library stops where it ends before. */
		from = t->lstrip ? spaces_left(piece, done, from < done ? done : from) : from;
		to = t->rstrip ? spaces_right(piece, to, &known) : to;
		if (from > to)
			FOT_TRY(FOT_FAIL(err, FOT_ERR_INPUT,
					 "tokenizer: the added token %d (lstrip) at byte %zu lies within "
					 "spaces that the one before took",
					 t->id, hf_piece_end(piece, at - t->n)));
		FOT_TRY(put_part(piece, done, from, -1, sink, err));
		FOT_TRY(put_part(piece, from, to, t->id, sink, err));
		done = to;
	}
	status = put_part(piece, done, piece->n, -1, sink, err);
out:
	return status;
}
