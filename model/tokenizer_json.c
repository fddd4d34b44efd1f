/* tokenizer_json.c: tokenizer.json, the format of Hugging Face's tokenizers, as far as BPE goes.
 *
 * Encode.  Added tokens that are looked for in raw text cut it; what lies between is normalised and cut
 * at the other added tokens; what is left is cut into words (pre-tokenizer), and each word into tokens
 * (BPE).  Every invalid byte of UTF-8 becomes U+FFFD first.  Special tokens in a text are found too.
 * Decode.  The texts of the tokens, without the special ones, go through the decoder.
 *
 * Not followed: "truncation" and "padding", which are wishes of whoever saved the file.  What stands
 * before a text by the post-processor becomes the tokenizer's BOS, what stands behind it its EOS: the
 * caller puts them there. */
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "model/foreign.h"
#include "model/hf_added.h"
#include "model/hf_bpe.h"
#include "model/hf_decoder.h"
#include "model/hf_normalizer.h"
#include "model/hf_pretokenizer.h"
#include "model/tokenizer_impl.h"

#define FILE_MAX ((size_t)64 << 20)

struct token {
	const char *text; /* NULL: no token has this id */
	bool special;
};

struct hf {
	struct fot_tokenizer base;
	cJSON *file; /* texts point into it */
	struct hf_normalizer *normalizer;
	struct hf_added *added;
	struct hf_pretokenizer *pretokenizer;
	struct hf_bpe *bpe;
	struct hf_decoder *decoder;
	struct token *token; /* [base.vocab] */
};

static const struct hf *hf_of(const struct fot_tokenizer *t)
{
	return (const struct hf *)(const void *)t;
}

/* --- encoding --- */

struct encoding {
	const struct hf *t;
	struct hf_normalizing normalizing;
	struct hf_cutting *cutting;
	struct hf_merging merging;
	struct fot_ids *out;
};

static bool has_enough(const struct encoding *e)
{
	return e->out->with_ends && e->out->n >= e->out->enough;
}

static int put_word(void *context, const struct hf_piece *word, struct fot_err *err)
{
	struct encoding *e = context;

	if (has_enough(e))
		return FOT_OK;
	return hf_bpe_word(e->t->bpe, &e->merging, word, e->out, err);
}

/* Normalised text between added tokens. */
static int put_normal(void *context, const struct hf_piece *piece, int32_t id, struct fot_err *err)
{
	struct encoding *e = context;
	struct hf_sink words = { put_word, e };

	if (id >= 0)
		return hf_push(e->out, id, piece, 0, piece->n, err);
	return hf_cut(e->t->pretokenizer, e->cutting, piece, &words, err);
}

/* Raw text between added tokens. */
static int put_raw(void *context, const struct hf_piece *piece, int32_t id, struct fot_err *err)
{
	struct encoding *e = context;
	struct hf_added_sink sink = { put_normal, e };
	struct hf_piece normal;
	int status;

	if (id >= 0)
		return hf_push(e->out, id, piece, 0, piece->n, err);
	FOT_TRY(hf_normalize(e->t->normalizer, &e->normalizing, piece, &normal, err));
	status = hf_added_cut(e->t->added, true, &normal, &sink, err);
out:
	return status;
}

/* The text with U+FFFD for every byte that is no UTF-8; as it is when there is none. */
static int make_valid(struct hf_draft *d, struct hf_piece *piece, struct fot_err *err)
{
	size_t good = fot_utf8_valid(piece->p, piece->n);
	int status = FOT_OK;

	if (good == piece->n)
		return FOT_OK;
	hf_draft_start(d, piece);
	for (size_t at = 0; at < piece->n; at += good + 1) {
		good = fot_utf8_valid(piece->p + at, piece->n - at);
		FOT_TRY(hf_draft_copy(d, piece, at, at + good, err));
		if (at + good < piece->n)
			FOT_TRY(hf_draft_put(d, "\xEF\xBF\xBD", 3, at + good + 1, err));
	}
	*piece = hf_draft_piece(d);
out:
	return status;
}

static int hf_encode(const struct fot_tokenizer *tokenizer, struct fot_ids *out, const char *text, size_t n,
		     struct fot_err *err)
{
	struct encoding e = { .t = hf_of(tokenizer), .out = out };
	struct hf_added_sink sink = { put_raw, &e };
	struct hf_piece piece = { .p = text, .n = n };
	struct hf_draft valid = { 0 };
	int status;

	FOT_TRY(hf_cutting_open(&e.cutting, e.t->pretokenizer, err));
	FOT_TRY(make_valid(&valid, &piece, err));
	FOT_TRY(hf_added_cut(e.t->added, false, &piece, &sink, err));
	if (out->with_ends && out->n && !has_enough(&e))
		out->end[out->n - 1] = n; /* what was dropped at the end */
out:
	hf_draft_release(&valid);
	hf_normalizing_release(&e.normalizing);
	hf_cutting_close(e.cutting);
	hf_merging_release(&e.merging);
	return status;
}

/* --- decoding --- */

static int hf_decode_ids(const struct fot_tokenizer *tokenizer, struct fot_str *out, const int32_t *ids,
			 size_t n, struct fot_err *err)
{
	const struct hf *t = hf_of(tokenizer);
	struct hf_texts texts = { 0 };
	int status = FOT_OK;

	for (size_t i = 0; i < n; i++) {
		const struct token *token = &t->token[ids[i]];

		if (token->text && !token->special)
			FOT_TRY(hf_texts_put(&texts, token->text, strlen(token->text), err));
	}
	status = hf_decode(t->decoder, &texts, out, err);
out:
	hf_texts_release(&texts);
	return status;
}

/* --- opening --- */

static int make_tokens(struct hf *t, const char *name, struct fot_err *err)
{
	size_t n = hf_added_count(t->added);

	t->base.vocab = hf_bpe_size(t->bpe);
	for (size_t i = 0; i < n; i++) {
		int32_t id = hf_added_token(t->added, i).id;

		t->base.vocab = id >= t->base.vocab ? id + 1 : t->base.vocab;
	}
	t->token = fot_calloc((size_t)t->base.vocab, sizeof *t->token);
	if (!t->token)
		return FOT_FAIL(err, FOT_ERR_RUN, "%s: out of memory for %d tokens", name, t->base.vocab);
	for (int32_t id = 0; id < t->base.vocab; id++)
		t->token[id].text = hf_bpe_text(t->bpe, id);
	for (size_t i = 0; i < n; i++) {
		struct hf_added_token a = hf_added_token(t->added, i);

		t->token[a.id] = (struct token){ a.text, a.special };
	}
	return FOT_OK;
}

static int32_t find_token(const struct hf *t, const char *text)
{
	for (int32_t id = 0; id < t->base.vocab; id++)
		if (t->token[id].text && strcmp(t->token[id].text, text) == 0)
			return id;
	return -1;
}

/* The token that a template calls `name`: the list behind it says which, {"<s>": {"ids": [1], ...}}, where it is. */
static int find_special(const struct hf *t, const cJSON *specials, const char *name, int32_t *out,
			const char *where, struct fot_err *err)
{
	struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };
	const cJSON *ids = fot_json_get(fot_json_get(specials, name), "ids");
	int64_t id = -1;
	int status;

	if (ids && cJSON_GetArraySize(ids) != 1)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: \"%.40s\": expected one token, got %d", where, name,
				cJSON_GetArraySize(ids));
	if (ids) {
		FOT_TRY(fot_json_as_i64(cJSON_GetArrayItem(ids, 0), 0, INT32_MAX, &id, &ctx, err));
		*out = id < t->base.vocab && t->token[id].text ? (int32_t)id : -1;
	} else {
		*out = find_token(t, name);
	}
	status = *out >= 0 ?
			 FOT_OK :
			 FOT_FAIL(err, FOT_ERR_INPUT, "%s: \"%.40s\" is not in the vocabulary", where, name);
out:
	return status;
}

/* One element of a template: {"SpecialToken": {"id": "<s>"}} or {"Sequence": ...}. */
static int read_element(struct hf *t, const cJSON *element, const cJSON *specials, bool *behind,
			const char *where, struct fot_err *err)
{
	struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };
	const cJSON *special = fot_json_get(element, "SpecialToken");
	int32_t *place = *behind ? &t->base.eos : &t->base.bos;
	const char *text = NULL;
	int status = FOT_OK;

	if (!special) {
		*behind = true;
		return FOT_OK;
	}
	FOT_TRY(fot_json_string(special, "id", true, &text, &ctx, err));
	if (*place >= 0)
		return FOT_FAIL(
			err, FOT_ERR_INPUT,
			"%s: expected at most one token on each side of the text, got \"%.40s\" besides",
			where, text);
	status = find_special(t, specials, text, place, where, err);
out:
	return status;
}

static int read_template(struct hf *t, const cJSON *section, const char *where, struct fot_err *err)
{
	struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };
	const cJSON *list = NULL, *each;
	bool behind = false;
	int status;

	FOT_TRY(fot_json_array(section, "single", true, &list, &ctx, err));
	cJSON_ArrayForEach (each, list)
		FOT_TRY(read_element(t, each, fot_json_get(section, "special_tokens"), &behind, where, err));
out:
	return status;
}

static int read_processor(struct hf *t, const cJSON *section, int depth, const char *where,
			  struct fot_err *err)
{
	struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };
	const cJSON *list = NULL, *each;
	const char *type;
	int status = FOT_OK;

	if (!section || cJSON_IsNull(section))
		return FOT_OK;
	FOT_TRY(hf_type(section, &type, where, err));
	if (strcmp(type, "ByteLevel") == 0)
		return FOT_OK; /* it moves offsets only */
	if (strcmp(type, "TemplateProcessing") == 0)
		return read_template(t, section, where, err);
	if (strcmp(type, "Sequence") != 0 || depth > 3)
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"%s: \"%.40s\" is not read (TemplateProcessing, ByteLevel and Sequence are)",
				where, type);
	FOT_TRY(fot_json_array(section, "processors", true, &list, &ctx, err));
	cJSON_ArrayForEach (each, list)
		FOT_TRY(read_processor(t, each, depth + 1, where, err));
out:
	return status;
}

static void hf_close(struct fot_tokenizer *tokenizer)
{
	struct hf *t = (struct hf *)(void *)tokenizer;

	hf_normalizer_close(t->normalizer);
	hf_added_close(t->added);
	hf_pretokenizer_close(t->pretokenizer);
	hf_bpe_close(t->bpe);
	hf_decoder_close(t->decoder);
	fot_free(t->token);
	cJSON_Delete(t->file);
	fot_free(t);
}

static const struct fot_tokenizer_ops hf_ops = { "BPE (tokenizer.json)", hf_encode, hf_decode_ids, hf_close };

/* Where in the file a section stands, for messages. */
static const char *place(struct fot_str *s, const char *name, const char *section)
{
	fot_str_clear(s);
	fot_str_printf(s, "%s: %s", name, section);
	return s->data ? s->data : section;
}

static int read_sections(struct hf *t, const char *name, struct fot_err *err)
{
	struct fot_str where = FOT_STR_INIT;
	const cJSON *f = t->file;
	int status;

	FOT_TRY(hf_normalizer_open(&t->normalizer, fot_json_get(f, "normalizer"),
				   place(&where, name, "normalizer"), err));
	FOT_TRY(hf_added_open(&t->added, fot_json_get(f, "added_tokens"), t->normalizer,
			      place(&where, name, "added_tokens"), err));
	FOT_TRY(hf_pretokenizer_open(&t->pretokenizer, fot_json_get(f, "pre_tokenizer"),
				     place(&where, name, "pre_tokenizer"), err));
	FOT_TRY(hf_bpe_open(&t->bpe, fot_json_get(f, "model"), hf_pretokenizer_bytes(t->pretokenizer),
			    place(&where, name, "model"), err));
	FOT_TRY(hf_decoder_open(&t->decoder, fot_json_get(f, "decoder"), place(&where, name, "decoder"),
				err));
	FOT_TRY(make_tokens(t, name, err));
	status = read_processor(t, fot_json_get(f, "post_processor"), 0,
				place(&where, name, "post_processor"), err);
out:
	fot_str_release(&where);
	return status;
}

int fot_tokenizer_open_json_memory(struct fot_tokenizer **out, const char *text, size_t n, const char *name,
				   struct fot_err *err)
{
	const char *what = n ? fot_foreign(text, n) : NULL;
	struct hf *t;
	int status;

	if (what)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: this is %s", name, what);
	t = fot_calloc(1, sizeof *t);
	if (!t)
		return FOT_NO_MEMORY(err, name);
	t->base = (struct fot_tokenizer){ .ops = &hf_ops, .bos = -1, .eos = -1 };
	FOT_TRY(fot_json_parse(&t->file, text, n, name, FOT_ERR_INPUT, err));
	FOT_TRY(read_sections(t, name, err));
	fot_sha256_of(text, n, t->base.hash);
	*out = &t->base;
	return FOT_OK;
out:
	hf_close(&t->base);
	return status;
}

int fot_tokenizer_open_json(struct fot_tokenizer **out, const char *path, struct fot_err *err)
{
	struct fot_str file = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_file_read(&file, path, FILE_MAX, err));
	status = fot_tokenizer_open_json_memory(out, file.data ? file.data : "", file.len, path, err);
out:
	fot_str_release(&file);
	return status;
}
