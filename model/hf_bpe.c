/* hf_bpe.c: see hf_bpe.h. */
#include "model/hf_bpe.h"

#include <stdio.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"

#define VOCAB_MAX (1 << 22)
#define MERGES_MAX (1 << 23)
#define NIL UINT32_MAX
#define HASH_K 0x9E3779B97F4A7C15u

struct key {
	const char *p;
	size_t n;
};

struct merge {
	uint64_t pair; /* left id << 32 | right id */
	int32_t id;    /* of the two together */
	uint32_t rank; /* place in the list plus one; 0: a free slot */
};

struct hf_bpe {
	bool bytes;
	int32_t size;
	const char **text;   /* [size] as the file writes it; NULL: no token */
	struct key *key;     /* [size] as it stands in words; p == NULL: in none */
	struct fot_str keys; /* the bytes of keys that are not their texts */
	int32_t *slot;       /* open addressing over keys: id + 1, 0 = free */
	size_t cap;
	struct merge *merge; /* open addressing by pair */
	size_t merge_cap;
	int32_t unk, byte_id[256]; /* -1: none */
	bool fuse_unk, byte_fallback, ignore_merges;
};

struct hf_symbol {
	int32_t id; /* -1: joined to its left neighbour */
	uint32_t begin, n, prev, next;
};

struct hf_candidate {
	uint32_t rank, left;
	int32_t id;
};

/* --- GPT-2's alphabet --- */

/* Bytes that stand for themselves; the others follow from U+0100 on, in order. */
static bool is_own(int byte)
{
	return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

int hf_byte_of(uint32_t cp)
{
	int n = 0;

	if (cp < 256)
		return is_own((int)cp) ? (int)cp : -1;
	for (int byte = 0; byte < 256; byte++)
		if (!is_own(byte) && n++ == (int)cp - 256)
			return byte;
	return -1;
}

/* --- tables --- */

static uint64_t mix(uint64_t h)
{
	h *= HASH_K;
	return h ^ h >> 29;
}

static uint64_t hash_bytes(const char *p, size_t n)
{
	uint64_t h = mix(n + 1), word;

	for (; n > 0; p += 8) {
		size_t len = n < 8 ? n : 8;

		word = 0;
		memcpy(&word, p, len);
		h = mix(mix(h) ^ word);
		n -= len;
	}
	return mix(h);
}

static size_t slot_of(const struct hf_bpe *b, const char *p, size_t n)
{
	size_t i = (size_t)hash_bytes(p, n) & (b->cap - 1);

	while (b->slot[i]) {
		const struct key *k = &b->key[b->slot[i] - 1];

		if (k->n == n && memcmp(k->p, p, n) == 0)
			break;
		i = (i + 1) & (b->cap - 1);
	}
	return i;
}

static int32_t find(const struct hf_bpe *b, const char *p, size_t n)
{
	return b->slot[slot_of(b, p, n)] - 1;
}

static struct merge *merge_slot(const struct hf_bpe *b, int32_t left, int32_t right)
{
	uint64_t pair = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
	size_t i = (size_t)mix(mix(pair)) & (b->merge_cap - 1);

	while (b->merge[i].rank && b->merge[i].pair != pair)
		i = (i + 1) & (b->merge_cap - 1);
	return &b->merge[i];
}

static size_t table_size(size_t n)
{
	size_t cap = 64;

	while (cap < 2 * n)
		cap *= 2;
	return cap;
}

/* --- opening: the vocabulary --- */

/* The bytes of a text in GPT-2's alphabet, appended; false: it is in another one. */
static bool put_bytes(struct fot_str *out, const char *text)
{
	size_t n = strlen(text), len, before = out->len;
	uint32_t cp;

	for (size_t i = 0; i < n; i += len) {
		int byte;

		len = fot_utf8_decode(text + i, n - i, &cp);
		byte = hf_byte_of(cp);
		if (byte < 0) {
			out->len = before;
			return false;
		}
		fot_str_putc(out, (char)(unsigned char)byte);
	}
	return true;
}

static int read_vocab(struct hf_bpe *b, const cJSON *vocab, const char *where, struct fot_err *err)
{
	struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };
	const cJSON *each;
	int64_t id, top = -1;
	int status = FOT_OK;

	cJSON_ArrayForEach (each, vocab) {
		FOT_TRY(fot_json_as_i64(each, 0, VOCAB_MAX - 1, &id, &ctx, err));
		top = id > top ? id : top;
	}
	b->size = (int32_t)top + 1;
	b->text = fot_calloc((size_t)b->size, sizeof *b->text);
	b->key = fot_calloc((size_t)b->size, sizeof *b->key);
	if (!b->text || !b->key)
		return FOT_NO_MEMORY(err, where);
	cJSON_ArrayForEach (each, vocab) {
		id = (int64_t)each->valuedouble;
		if (b->text[id])
			return FOT_FAIL(err, FOT_ERR_INPUT, "%s: vocab: id %lld is that of two tokens", where,
					(long long)id);
		b->text[id] = each->string;
	}
out:
	return status;
}

/* Keys are first places in b->keys, since that may move while it grows. */
static int make_byte_keys(struct hf_bpe *b, const char *where, struct fot_err *err)
{
	size_t *at = fot_calloc((size_t)b->size, sizeof *at);
	int status;

	if (!at)
		return FOT_NO_MEMORY(err, where);
	for (int32_t id = 0; id < b->size; id++) {
		at[id] = b->keys.len;
		if (b->text[id] && put_bytes(&b->keys, b->text[id]))
			b->key[id].n = b->keys.len - at[id];
	}
	FOT_TRY(fot_str_check(&b->keys, err));
	for (int32_t id = 0; id < b->size; id++)
		if (b->key[id].n)
			b->key[id].p = b->keys.data + at[id];
out:
	fot_free(at);
	return status;
}

static int make_keys(struct hf_bpe *b, const char *where, struct fot_err *err)
{
	if (b->bytes)
		return make_byte_keys(b, where, err);
	for (int32_t id = 0; id < b->size; id++)
		if (b->text[id] && *b->text[id])
			b->key[id] = (struct key){ b->text[id], strlen(b->text[id]) };
	return FOT_OK;
}

static int make_table(struct hf_bpe *b, const char *where, struct fot_err *err)
{
	b->cap = table_size((size_t)b->size);
	b->slot = fot_calloc(b->cap, sizeof *b->slot);
	if (!b->slot)
		return FOT_NO_MEMORY(err, where);
	for (int32_t id = 0; id < b->size; id++)
		if (b->key[id].p)
			b->slot[slot_of(b, b->key[id].p, b->key[id].n)] = id + 1;
	return FOT_OK;
}

/* --- opening: merges --- */

/* The id of n bytes of a merge, as the file writes them. */
static int32_t find_text(const struct hf_bpe *b, struct fot_str *scratch, const char *p, size_t n)
{
	struct fot_str text = FOT_STR_INIT;
	int32_t id;

	if (!b->bytes)
		return find(b, p, n);
	fot_str_clear(scratch);
	fot_str_add(&text, p, n);
	id = !text.failed && put_bytes(scratch, text.data ? text.data : "") ?
		     find(b, scratch->data ? scratch->data : "", scratch->len) :
		     -1;
	fot_str_release(&text);
	return id;
}

/* "a b" or ["a", "b"] */
static int read_pair(const cJSON *merge, struct key part[2], const char *where, size_t at,
		     struct fot_err *err)
{
	const cJSON *left = cJSON_IsArray(merge) ? merge->child : NULL;
	const char *text = cJSON_GetStringValue(merge), *space = text ? strchr(text, ' ') : NULL;

	if (space && !strchr(space + 1, ' ')) {
		part[0] = (struct key){ text, (size_t)(space - text) };
		part[1] = (struct key){ space + 1, strlen(space + 1) };
		return FOT_OK;
	}
	if (left && left->next && !left->next->next && cJSON_IsString(left) && cJSON_IsString(left->next)) {
		part[0] = (struct key){ left->valuestring, strlen(left->valuestring) };
		part[1] = (struct key){ left->next->valuestring, strlen(left->next->valuestring) };
		return FOT_OK;
	}
	return FOT_FAIL(err, FOT_ERR_INPUT, "%s: merges[%zu]: expected \"a b\" or [\"a\", \"b\"]", where, at);
}

static int read_merge(struct hf_bpe *b, const cJSON *merge, size_t at, struct fot_str scratch[2],
		      const char *where, struct fot_err *err)
{
	struct key part[2] = { { NULL, 0 }, { NULL, 0 } };
	struct merge *slot;
	int32_t left, right, both;
	int status;

	FOT_TRY(read_pair(merge, part, where, at, err));
	fot_str_clear(&scratch[0]);
	fot_str_add(&scratch[0], part[0].p, part[0].n);
	fot_str_add(&scratch[0], part[1].p, part[1].n);
	FOT_TRY(fot_str_check(&scratch[0], err));
	left = find_text(b, &scratch[1], part[0].p, part[0].n);
	right = find_text(b, &scratch[1], part[1].p, part[1].n);
	both = find_text(b, &scratch[1], scratch[0].data ? scratch[0].data : "", scratch[0].len);
	if (left < 0 || right < 0 || both < 0)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: merges[%zu]: \"%.*s\" is not in the vocabulary",
				where, at, (int)(scratch[0].len < 64 ? scratch[0].len : 64),
				scratch[0].data ? scratch[0].data : "");
	slot = merge_slot(b, left, right);
	*slot = (struct merge){ .pair = (uint64_t)(uint32_t)left << 32 | (uint32_t)right,
				.id = both,
				.rank = (uint32_t)at + 1 };
out:
	return status;
}

static int read_merges(struct hf_bpe *b, const cJSON *merges, const char *where, struct fot_err *err)
{
	struct fot_str scratch[2] = { FOT_STR_INIT, FOT_STR_INIT };
	const cJSON *each;
	size_t n = (size_t)cJSON_GetArraySize(merges), at = 0;
	int status = FOT_OK;

	if (n > MERGES_MAX)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected at most %d merges, got %zu", where,
				MERGES_MAX, n);
	b->merge_cap = table_size(n);
	b->merge = fot_calloc(b->merge_cap, sizeof *b->merge);
	if (!b->merge)
		return FOT_NO_MEMORY(err, where);
	cJSON_ArrayForEach (each, merges)
		FOT_TRY(read_merge(b, each, at++, scratch, where, err));
out:
	fot_str_release(&scratch[0]);
	fot_str_release(&scratch[1]);
	return status;
}

/* --- opening: the rest --- */

/* What would change the tokens and is not read. */
static int refuse_others(const cJSON *model, const char *where, struct fot_err *err)
{
	static const char *const affix[] = { "continuing_subword_prefix", "end_of_word_suffix" };
	struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };
	const char *type, *text;
	double dropout = 0;
	int status;

	FOT_TRY(hf_type(model, &type, where, err));
	if (strcmp(type, "BPE") != 0)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: \"%.40s\" is not read (BPE is)", where, type);
	FOT_TRY(fot_json_double(model, "dropout", false, 0, 1, &dropout, &ctx, err));
	if (dropout > 0)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: dropout: expected none, got %g", where, dropout);
	for (size_t i = 0; i < 2; i++) {
		text = "";
		FOT_TRY(fot_json_string(model, affix[i], false, &text, &ctx, err));
		if (*text)
			return FOT_FAIL(err, FOT_ERR_INPUT, "%s: %s: expected none, got \"%.40s\"", where,
					affix[i], text);
	}
out:
	return status;
}

static int read_unknown(struct hf_bpe *b, const cJSON *model, const char *where, struct fot_err *err)
{
	struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };
	const char *unk = NULL;
	char name[8];
	int status;

	FOT_TRY(fot_json_bool(model, "fuse_unk", false, &b->fuse_unk, &ctx, err));
	FOT_TRY(fot_json_bool(model, "byte_fallback", false, &b->byte_fallback, &ctx, err));
	FOT_TRY(fot_json_bool(model, "ignore_merges", false, &b->ignore_merges, &ctx, err));
	FOT_TRY(fot_json_string(model, "unk_token", false, &unk, &ctx, err));
	b->unk = unk ? find(b, unk, strlen(unk)) : -1;
	if (unk && !b->bytes && b->unk < 0)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: unk_token: \"%.40s\" is not in the vocabulary",
				where, unk);
	for (int byte = 0; byte < 256; byte++) {
		snprintf(name, sizeof name, "<0x%02X>", (unsigned)byte);
		b->byte_id[byte] = find(b, name, strlen(name));
	}
out:
	return status;
}

int hf_bpe_open(struct hf_bpe **out, const cJSON *model, bool bytes, const char *where, struct fot_err *err)
{
	struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };
	struct hf_bpe *b = fot_calloc(1, sizeof *b);
	const cJSON *vocab = NULL, *merges = NULL;
	int status;

	if (!b)
		return FOT_NO_MEMORY(err, where);
	b->bytes = bytes;
	FOT_TRY(refuse_others(model, where, err));
	FOT_TRY(fot_json_object(model, "vocab", true, &vocab, &ctx, err));
	FOT_TRY(fot_json_array(model, "merges", true, &merges, &ctx, err));
	FOT_TRY(read_vocab(b, vocab, where, err));
	FOT_TRY(make_keys(b, where, err));
	FOT_TRY(make_table(b, where, err));
	FOT_TRY(read_merges(b, merges, where, err));
	FOT_TRY(read_unknown(b, model, where, err));
	*out = b;
	return FOT_OK;
out:
	hf_bpe_close(b);
	return status;
}

void hf_bpe_close(struct hf_bpe *b)
{
	if (!b)
		return;
	fot_free(b->text);
	fot_free(b->key);
	fot_free(b->slot);
	fot_free(b->merge);
	fot_str_release(&b->keys);
	fot_free(b);
}

int32_t hf_bpe_size(const struct hf_bpe *b)
{
	return b->size;
}

const char *hf_bpe_text(const struct hf_bpe *b, int32_t id)
{
	return id >= 0 && id < b->size ? b->text[id] : NULL;
}

/* --- tokens --- */

int hf_push(struct fot_ids *out, int32_t id, const struct hf_piece *piece, size_t from, size_t to,
	    struct fot_err *err)
{
	size_t begin = hf_piece_end(piece, from), end = hf_piece_end(piece, to);

	if (out->with_ends && out->n && out->end[out->n - 1] < begin)
		out->end[out->n - 1] = begin;
	else if (out->with_ends && out->n && end < out->end[out->n - 1])
		end = out->end[out->n - 1]; /* within the spaces of an added token */
	return fot_ids_push_end(out, id, end, err);
}

/* --- the symbols of a word --- */

static int add_symbol(struct hf_merging *w, int32_t id, size_t begin, size_t n, struct fot_err *err)
{
	uint32_t at = (uint32_t)w->n_sym;

	if (!FOT_GROW(w->sym, w->n_sym, w->cap_sym))
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for a word of over %zu characters",
				w->n_sym);
	w->sym[w->n_sym++] = (struct hf_symbol){
		.id = id, .begin = (uint32_t)begin, .n = (uint32_t)n, .prev = at ? at - 1 : NIL, .next = NIL
	};
	if (at)
		w->sym[at - 1].next = at;
	return FOT_OK;
}

/* Every byte has a token of its own? Then they are added. */
static int add_fallback(const struct hf_bpe *b, struct hf_merging *w, const char *p, size_t begin, size_t n,
			bool *added, struct fot_err *err)
{
	int status = FOT_OK;

	*added = b->byte_fallback;
	for (size_t i = 0; i < n; i++)
		*added = *added && b->byte_id[(unsigned char)p[begin + i]] >= 0;
	for (size_t i = 0; i < n && *added && status == FOT_OK; i++)
		status = add_symbol(w, b->byte_id[(unsigned char)p[begin + i]], begin + i, 1, err);
	return status;
}

/* A character without a token: bytes, the unknown token, or nothing at all. */
static int add_unknown(const struct hf_bpe *b, struct hf_merging *w, const char *p, size_t begin, size_t n,
		       struct fot_err *err)
{
	struct hf_symbol *last = w->n_sym ? &w->sym[w->n_sym - 1] : NULL;
	bool added;
	int status = add_fallback(b, w, p, begin, n, &added, err);

	if (status != FOT_OK || added || b->unk < 0)
		return status;
	if (b->fuse_unk && last && last->id == b->unk) {
		last->n += (uint32_t)n;
		return FOT_OK;
	}
	return add_symbol(w, b->unk, begin, n, err);
}

static int spell(const struct hf_bpe *b, struct hf_merging *w, const struct hf_piece *word,
		 struct fot_err *err)
{
	int status = FOT_OK;
	uint32_t cp;

	w->n_sym = 0;
	for (size_t i = 0, len; i < word->n && status == FOT_OK; i += len) {
		int32_t id;

		len = b->bytes ? 1 : fot_utf8_decode(word->p + i, word->n - i, &cp);
		id = find(b, word->p + i, len);
		status = id >= 0 ? add_symbol(w, id, i, len, err) : add_unknown(b, w, word->p, i, len, err);
	}
	return status;
}

/* --- merging: a heap of pairs, the first of the list on top, leftmost first --- */

static bool before(const struct hf_candidate *a, const struct hf_candidate *b)
{
	return a->rank != b->rank ? a->rank < b->rank : a->left < b->left;
}

static void sift_down(struct hf_merging *w, size_t at)
{
	struct hf_candidate moving = w->heap[at];

	for (size_t child; (child = 2 * at + 1) < w->n_heap; at = child) {
		if (child + 1 < w->n_heap && before(&w->heap[child + 1], &w->heap[child]))
			child++;
		if (!before(&w->heap[child], &moving))
			break;
		w->heap[at] = w->heap[child];
	}
	w->heap[at] = moving;
}

static int put_candidate(struct hf_merging *w, const struct hf_candidate *c, struct fot_err *err)
{
	size_t at = w->n_heap;

	if (!FOT_GROW(w->heap, w->n_heap, w->cap_heap))
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for over %zu pairs", w->n_heap);
	for (w->n_heap++; at > 0 && before(c, &w->heap[(at - 1) / 2]); at = (at - 1) / 2)
		w->heap[at] = w->heap[(at - 1) / 2];
	w->heap[at] = *c;
	return FOT_OK;
}

static struct hf_candidate take_first(struct hf_merging *w)
{
	struct hf_candidate first = w->heap[0];

	w->heap[0] = w->heap[--w->n_heap];
	if (w->n_heap)
		sift_down(w, 0);
	return first;
}

/* The symbol and its right neighbour, if they are in the list. */
static int offer(const struct hf_bpe *b, struct hf_merging *w, uint32_t left, struct fot_err *err)
{
	const struct hf_symbol *l = left == NIL ? NULL : &w->sym[left];
	const struct merge *m;
	struct hf_candidate c;

	if (!l || l->next == NIL)
		return FOT_OK;
	m = merge_slot(b, l->id, w->sym[l->next].id);
	c = (struct hf_candidate){ m->rank, left, m->id };
	return m->rank ? put_candidate(w, &c, err) : FOT_OK;
}

/* As in the library: the neighbours may have changed, what they make may not. */
static bool still_there(const struct hf_bpe *b, const struct hf_merging *w, const struct hf_candidate *c)
{
	const struct hf_symbol *l = &w->sym[c->left];
	const struct merge *m =
		l->id >= 0 && l->next != NIL ? merge_slot(b, l->id, w->sym[l->next].id) : NULL;

	return m && m->rank && m->id == c->id;
}

static int join(const struct hf_bpe *b, struct hf_merging *w, const struct hf_candidate *c,
		struct fot_err *err)
{
	struct hf_symbol *l = &w->sym[c->left], *r = &w->sym[l->next];
	int status;

	l->id = c->id;
	l->n += r->n;
	l->next = r->next;
	r->id = -1;
	if (l->next != NIL)
		w->sym[l->next].prev = c->left;
	status = offer(b, w, l->prev, err);
	return status == FOT_OK ? offer(b, w, c->left, err) : status;
}

static int merge_all(const struct hf_bpe *b, struct hf_merging *w, struct fot_err *err)
{
	int status = FOT_OK;

	w->n_heap = 0;
	for (uint32_t i = 0; i < w->n_sym && status == FOT_OK; i++)
		status = offer(b, w, i, err);
	while (w->n_heap && status == FOT_OK) {
		struct hf_candidate c = take_first(w);

		if (still_there(b, w, &c))
			status = join(b, w, &c, err);
	}
	return status;
}

int hf_bpe_word(const struct hf_bpe *b, struct hf_merging *w, const struct hf_piece *word,
		struct fot_ids *out, struct fot_err *err)
{
	int32_t whole = b->ignore_merges ? find(b, word->p, word->n) : -1;
	int status;

	if (whole >= 0)
		return hf_push(out, whole, word, 0, word->n, err);
	if (word->n >= NIL)
		return FOT_FAIL(err, FOT_ERR_INPUT, "tokenizer: a word of %zu bytes is too long", word->n);
	FOT_TRY(spell(b, w, word, err));
	FOT_TRY(merge_all(b, w, err));
	for (uint32_t i = w->n_sym ? 0 : NIL; i != NIL; i = w->sym[i].next)
		FOT_TRY(hf_push(out, w->sym[i].id, word, w->sym[i].begin, w->sym[i].begin + w->sym[i].n,
				err));
out:
	return status;
}

void hf_merging_release(struct hf_merging *w)
{
	fot_free(w->sym);
	fot_free(w->heap);
	*w = (struct hf_merging){ 0 };
}
