/* spm_proto.c: a bounded reader of SentencePiece's ModelProto.
 *
 * Protocol buffers in the wire format: a message is a row of (key, value), the
 * key holds field number and wire type.  A cursor walks one message and never
 * leaves it; a table per message says which fields are wanted, of which wire
 * type, and where they go; other fields are skipped.  As the format demands,
 * the last of a repeated single field wins and a message given in two parts is
 * the sum of both.
 *
 * Departure from the format: groups (wire types 3 and 4), long out of use and
 * nested without bound, are refused. */
#include "model/spm_proto.h"

#include <math.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/str.h"

#define PIECES_MAX (1u << 24)

enum wire { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

struct cursor {
	const unsigned char *start; /* of the file, for offsets in messages */
	const unsigned char *p, *end;
	const char *name;
};

struct field {
	uint32_t number;
	enum wire wire;
	uint64_t value; /* varints and fixed */
	struct spm_span span;
};

static size_t offset_of(const struct cursor *c)
{
	return (size_t)(c->p - c->start);
}

static int read_varint(struct cursor *c, uint64_t *out, struct fot_err *err)
{
	size_t at = offset_of(c);
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 70; shift += 7) {
		unsigned char byte;

		if (c->p == c->end)
			return FOT_FAIL(err, FOT_ERR_INPUT, "%s: offset %zu: a number is cut short", c->name,
					at);
		byte = *c->p++;
		if (shift == 63 && byte > 1)
			break;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*out = v;
			return FOT_OK;
		}
	}
	return FOT_FAIL(err, FOT_ERR_INPUT, "%s: offset %zu: a number is longer than 64 bits", c->name, at);
}

static int take(struct cursor *c, uint64_t n, struct spm_span *out, struct fot_err *err)
{
	if (n > (uint64_t)(c->end - c->p))
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"%s: offset %zu: expected %llu more bytes, the message has %zu", c->name,
				offset_of(c), (unsigned long long)n, (size_t)(c->end - c->p));
	*out = (struct spm_span){ c->p, (size_t)n, true };
	c->p += n;
	return FOT_OK;
}

static int take_fixed(struct cursor *c, size_t n, uint64_t *out, struct fot_err *err)
{
	struct spm_span s = { 0 };
	int status = take(c, n, &s, err);

	if (status != FOT_OK)
		return status;
	*out = 0;
	while (n-- > 0)
		*out = *out << 8 | s.p[n];
	return FOT_OK;
}

static int read_field(struct cursor *c, struct field *f, struct fot_err *err)
{
	size_t at = offset_of(c);
	uint64_t key, len = 0;
	int status;

	FOT_TRY(read_varint(c, &key, err));
	*f = (struct field){ .number = (uint32_t)(key >> 3), .wire = (enum wire)(key & 7) };
	if (key >> 3 == 0 || key >> 3 >= 1u << 29) {
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: offset %zu: field number %llu is not possible",
				  c->name, at, (unsigned long long)(key >> 3));
	} else if (f->wire == VARINT) {
		status = read_varint(c, &f->value, err);
	} else if (f->wire == FIXED64 || f->wire == FIXED32) {
		status = take_fixed(c, f->wire == FIXED64 ? 8 : 4, &f->value, err);
	} else if (f->wire == BYTES) {
		FOT_TRY(read_varint(c, &len, err));
		status = take(c, len, &f->span, err);
	} else {
		status = FOT_FAIL(err, FOT_ERR_INPUT,
				  "%s: offset %zu: field %u has wire type %d, which is not read", c->name, at,
				  f->number, (int)(key & 7));
	}
out:
	return status;
}

/* ---- messages by table ------------------------------------------------- */

/* Row i of a table goes to element i of the array that the message is read into. */
struct wanted {
	uint32_t number;
	enum wire wire;
	const char *name;
};

static int check_wire(const struct cursor *c, const struct field *f, enum wire wire, const char *what,
		      struct fot_err *err)
{
	if (f->wire == wire)
		return FOT_OK;
	return FOT_FAIL(err, FOT_ERR_INPUT, "%s: offset %zu: %s: expected wire type %d, got %d", c->name,
			offset_of(c), what, (int)wire, (int)f->wire);
}

static int read_message(const struct cursor *parent, struct spm_span body, const struct wanted *table,
			size_t n, struct field *out, struct fot_err *err)
{
	struct cursor c = { parent->start, body.p, body.p + body.n, parent->name };
	int status = FOT_OK;

	while (c.p < c.end) {
		struct field f;

		FOT_TRY(read_field(&c, &f, err));
		for (size_t i = 0; i < n; i++) {
			if (table[i].number != f.number)
				continue;
			FOT_TRY(check_wire(&c, &f, table[i].wire, table[i].name, err));
			out[i] = f;
		}
	}
out:
	return status;
}

enum { PIECE_TEXT, PIECE_SCORE, PIECE_TYPE, PIECE_FIELDS };

static const struct wanted piece_table[PIECE_FIELDS] = {
	[PIECE_TEXT] = { 1, BYTES, "piece" },
	[PIECE_SCORE] = { 2, FIXED32, "score" },
	[PIECE_TYPE] = { 3, VARINT, "type" },
};

enum {
	MODEL_TYPE,
	AS_SUFFIX,
	BYTE_FALLBACK,
	UNK_SURFACE,
	BOS_PIECE,
	EOS_PIECE,
	TRAINER_FIELDS
};

static const struct wanted trainer_table[TRAINER_FIELDS] = {
	[MODEL_TYPE] = { 3, VARINT, "trainer_spec.model_type" },
	[AS_SUFFIX] = { 24, VARINT, "trainer_spec.treat_whitespace_as_suffix" },
	[BYTE_FALLBACK] = { 35, VARINT, "trainer_spec.byte_fallback" },
	[UNK_SURFACE] = { 44, BYTES, "trainer_spec.unk_surface" },
	[BOS_PIECE] = { 46, BYTES, "trainer_spec.bos_piece" },
	[EOS_PIECE] = { 47, BYTES, "trainer_spec.eos_piece" },
};

enum { RULE_NAME, CHARSMAP, DUMMY_PREFIX, REMOVE_EXTRA, ESCAPE, RULES_TSV, NORMALIZER_FIELDS };

static const struct wanted normalizer_table[NORMALIZER_FIELDS] = {
	[RULE_NAME] = { 1, BYTES, "normalizer_spec.name" },
	[CHARSMAP] = { 2, BYTES, "normalizer_spec.precompiled_charsmap" },
	[DUMMY_PREFIX] = { 3, VARINT, "normalizer_spec.add_dummy_prefix" },
	[REMOVE_EXTRA] = { 4, VARINT, "normalizer_spec.remove_extra_whitespaces" },
	[ESCAPE] = { 5, VARINT, "normalizer_spec.escape_whitespaces" },
	[RULES_TSV] = { 6, BYTES, "normalizer_spec.normalization_rule_tsv" },
};

#define TEXT(text)                                                                \
	{                                                                         \
		.span = {(const unsigned char *)(text), sizeof(text) - 1, false } \
	}

/* The whole file, before it is judged; the values are the format's defaults. */
struct raw_model {
	struct field trainer[TRAINER_FIELDS];
	struct field normalizer[NORMALIZER_FIELDS], denormalizer[NORMALIZER_FIELDS];
	size_t n_pieces;
};

static const struct raw_model raw_default = {
	.trainer = { [MODEL_TYPE] = { .value = 1 },
		     [UNK_SURFACE] = TEXT(" \xE2\x81\x87 "),
		     [BOS_PIECE] = TEXT("<s>"),
		     [EOS_PIECE] = TEXT("</s>") },
	.normalizer = { [DUMMY_PREFIX] = { .value = 1 },
			[REMOVE_EXTRA] = { .value = 1 },
			[ESCAPE] = { .value = 1 } },
};

static int read_raw(struct raw_model *raw, struct cursor c, struct fot_err *err)
{
	int status = FOT_OK;

	*raw = raw_default;
	while (c.p < c.end) {
		struct field f;

		FOT_TRY(read_field(&c, &f, err));
		if (f.number == 1 || f.number == 2 || f.number == 3 || f.number == 5)
			FOT_TRY(check_wire(&c, &f, BYTES, "a part of the model", err));
		if (f.number == 1)
			raw->n_pieces++;
		else if (f.number == 2)
			status = read_message(&c, f.span, trainer_table, TRAINER_FIELDS, raw->trainer, err);
		else if (f.number == 3)
			status = read_message(&c, f.span, normalizer_table, NORMALIZER_FIELDS,
					      raw->normalizer, err);
		else if (f.number == 5)
			status = read_message(&c, f.span, normalizer_table, NORMALIZER_FIELDS,
					      raw->denormalizer, err);
		if (status != FOT_OK)
			goto out;
	}
out:
	return status;
}

/* ---- judging ----------------------------------------------------------- */

static bool span_is(struct spm_span s, const char *text)
{
	return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

static int check_trainer(const struct field *t, const char *name, struct fot_err *err)
{
	static const char *const types[] = { "?", "UNIGRAM", "BPE", "WORD", "CHAR" };
	uint64_t type = t[MODEL_TYPE].value;

	if (type != 2)
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"%s: trainer_spec.model_type: expected BPE (2), got %s (%llu)", name,
				type < FOT_COUNT(types) ? types[type] : "?", (unsigned long long)type);
	if (!t[BYTE_FALLBACK].value)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: trainer_spec.byte_fallback: expected true", name);
	if (t[AS_SUFFIX].value)
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"%s: trainer_spec.treat_whitespace_as_suffix is not supported", name);
	return FOT_OK;
}

static int check_normalizer(const struct field *s, const char *name, struct fot_err *err)
{
	struct spm_span rule = s[RULE_NAME].span;

	if (rule.n && !span_is(rule, "identity"))
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"%s: normalizer_spec.name: expected \"identity\", got \"%.*s\"", name,
				rule.n < 64 ? (int)rule.n : 64, (const char *)rule.p);
	if (s[CHARSMAP].span.n || s[RULES_TSV].span.n)
		return FOT_FAIL(
			err, FOT_ERR_INPUT,
			"%s: normalizer_spec: expected no precompiled_charsmap and no rules, got %zu and %zu bytes",
			name, s[CHARSMAP].span.n, s[RULES_TSV].span.n);
	if (!s[ESCAPE].value)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: normalizer_spec.escape_whitespaces: expected true",
				name);
	return FOT_OK;
}

static int check_raw(const struct raw_model *raw, const char *name, struct fot_err *err)
{
	int status;

	if (raw->n_pieces == 0)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: no pieces: this is not a SentencePiece model", name);
	if (raw->n_pieces > PIECES_MAX)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected at most %u pieces, got %zu", name,
				PIECES_MAX, raw->n_pieces);
	FOT_TRY(check_trainer(raw->trainer, name, err));
	FOT_TRY(check_normalizer(raw->normalizer, name, err));
	if (raw->denormalizer[CHARSMAP].span.n || raw->denormalizer[RULES_TSV].span.n)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: denormalizer_spec is not supported", name);
out:
	return status;
}

static int check_piece(struct spm_span text, uint64_t type, size_t id, const char *name, struct fot_err *err)
{
	static const char *const types[] = { "?",      "NORMAL", "UNKNOWN", "CONTROL", "USER_DEFINED",
					     "UNUSED", "BYTE" };

	if (text.n == 0 || text.n > SPM_PIECE_MAX)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: piece %zu: expected 1 to %u bytes, got %zu", name,
				id, SPM_PIECE_MAX, text.n);
	if (fot_utf8_valid((const char *)text.p, text.n) != text.n || memchr(text.p, 0, text.n))
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: piece %zu: expected UTF-8 without NUL", name, id);
	if (type < SPM_NORMAL || type > SPM_BYTE || type == SPM_UNUSED)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: piece %zu: type %s (%llu) is not supported", name,
				id, type < FOT_COUNT(types) ? types[type] : "?", (unsigned long long)type);
	return FOT_OK;
}

static int read_piece(struct spm_piece *out, const struct cursor *c, struct spm_span body, size_t id,
		      struct fot_err *err)
{
	struct field raw[PIECE_FIELDS] = { [PIECE_TYPE] = { .value = SPM_NORMAL } };
	struct spm_span text;
	uint32_t bits;
	int status;

	FOT_TRY(read_message(c, body, piece_table, PIECE_FIELDS, raw, err));
	text = raw[PIECE_TEXT].span;
	FOT_TRY(check_piece(text, raw[PIECE_TYPE].value, id, c->name, err));
	bits = (uint32_t)raw[PIECE_SCORE].value;
	memcpy(&out->score, &bits, sizeof bits);
	out->p = text.p;
	out->n = (uint32_t)text.n;
	out->type = (enum spm_type)raw[PIECE_TYPE].value;
	if (!isfinite(out->score))
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: piece %zu: expected a finite score", c->name, id);
out:
	return status;
}

static int read_pieces(struct spm_model *m, struct cursor c, struct fot_err *err)
{
	int status = FOT_OK;

	while (c.p < c.end) {
		struct field f;

		FOT_TRY(read_field(&c, &f, err));
		if (f.number != 1)
			continue;
		FOT_TRY(read_piece(&m->piece[m->n], &c, f.span, (size_t)m->n, err));
		m->n++;
	}
out:
	return status;
}

int fot_spm_read(struct spm_model *m, const unsigned char *bytes, size_t n, const char *name,
		 struct fot_err *err)
{
	const struct cursor c = { bytes, bytes, bytes + n, name };
	struct raw_model raw;
	int status;

	*m = (struct spm_model){ 0 };
	if (n == 0)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: the file is empty", name);
	FOT_TRY(read_raw(&raw, c, err));
	FOT_TRY(check_raw(&raw, name, err));
	m->add_dummy_prefix = raw.normalizer[DUMMY_PREFIX].value != 0;
	m->remove_extra_whitespaces = raw.normalizer[REMOVE_EXTRA].value != 0;
	m->unk_surface = raw.trainer[UNK_SURFACE].span;
	m->bos_piece = raw.trainer[BOS_PIECE].span;
	m->eos_piece = raw.trainer[EOS_PIECE].span;
	m->piece = fot_alloc(raw.n_pieces, sizeof *m->piece);
	if (!m->piece) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "%s: out of memory for %zu pieces", name, raw.n_pieces);
		goto out;
	}
	FOT_TRY(read_pieces(m, c, err));
out:
	if (status != FOT_OK)
		fot_spm_release(m);
	return status;
}

void fot_spm_release(struct spm_model *m)
{
	fot_free(m->piece);
	*m = (struct spm_model){ 0 };
}
