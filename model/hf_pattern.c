/* hf_pattern.c: patterns of a tokenizer.json, by PCRE2.
 *
 * The library that these files are written for uses Oniguruma with Ruby's syntax.  What the two do
 * alike goes through as it stands; \s, \S, \d and \v are written out, because PCRE2 counts U+180E as a
 * space, \d as ASCII and every line end as \v; what they do differently (nested classes, \w, \h, {n,m}+,
 * (?m), (*VERB), (?R) ...) is refused. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "model/hf_text.h"

#include <ctype.h>
#include <pcre2.h>
#include <string.h>

#include "base/mem.h"

#define PATTERN_MAX 65536u
#define MATCH_LIMIT 10000000u /* steps of one match */
#define HEAP_LIMIT 65536u     /* KiB of one match */
#define SPACES \
	"\\x{9}-\\x{d}\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}"

struct hf_pattern {
	char *literal; /* NULL: a regular expression */
	size_t n;
	pcre2_general_context *general;
	pcre2_match_context *match;
	pcre2_code *code;
};

static void *take(size_t n, void *data)
{
	(void)data;
	return fot_alloc(n, 1);
}

static void give_back(void *p, void *data)
{
	(void)data;
	fot_free(p);
}

/* --- from Ruby's syntax to PCRE2's --- */

struct scan {
	const char *p;
	size_t n, at;
	bool in_class;
	struct fot_str *out;
	const char *where;
};

static int refuse(const struct scan *s, size_t n, const char *why, struct fot_err *err)
{
	return FOT_FAIL(err, FOT_ERR_INPUT,
			"%s: the regular expression's \"%.*s\" at byte %zu is not read: %s", s->where,
			(int)(n < s->n - s->at ? n : s->n - s->at), s->p + s->at, s->at, why);
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* \p{...} and \P{...} as they are. */
static int copy_property(struct scan *s, struct fot_err *err)
{
	const char *open = s->p + s->at + 2,
		   *close = s->at + 2 < s->n ? memchr(open, '}', s->n - s->at - 2) : NULL;
	size_t n = close ? (size_t)(close - s->p) + 1 - s->at : 0;

	if (!close || *open != '{')
		return refuse(s, 3, "expected \\p{Name}", err);
	fot_str_add(s->out, s->p + s->at, n);
	s->at += n;
	return FOT_OK;
}

/* \uHHHH */
static int copy_code(struct scan *s, struct fot_err *err)
{
	for (size_t i = 2; i < 6; i++)
		if (s->at + i >= s->n || !is_hex(s->p[s->at + i]))
			return refuse(s, 6, "expected four hexadecimal digits", err);
	fot_str_printf(s->out, "\\x{%.4s}", s->p + s->at + 2);
	s->at += 6;
	return FOT_OK;
}

static int copy_escape(struct scan *s, struct fot_err *err)
{
	char c = s->at + 1 < s->n ? s->p[s->at + 1] : '\0';

	if (c == 'p' || c == 'P')
		return copy_property(s, err);
	if (c == 'u')
		return copy_code(s, err);
	if (c == 's')
		fot_str_printf(s->out, s->in_class ? "%s" : "[%s]", SPACES);
	else if (c == 'S' && !s->in_class)
		fot_str_puts(s->out, "[^" SPACES "]");
	else if (c == 'd')
		fot_str_puts(s->out, "\\p{Nd}");
	else if (c == 'v')
		fot_str_puts(s->out, "\\x{b}");
	else if (c && (strchr("rntfx", c) || strchr("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ ", c)))
		fot_str_add(s->out, s->p + s->at, 2);
	else
		return refuse(s, 2, "other programs read it in another way", err);
	s->at += 2;
	return FOT_OK;
}

/* What stands behind "(" and does the same in both: (?:, (?=, (?!, (?>, (?<=, (?<!, (?<name>, and i and x with - . */
static bool is_common_group(const char *p, size_t n)
{
	size_t flags;

	if (n < 2 || p[1] != '?')
		return n < 2 || p[1] != '*';
	if (n > 2 && strchr(":=!>", p[2]))
		return true;
	if (n > 3 && p[2] == '<')
		return strchr("=!", p[3]) || isalpha((unsigned char)p[3]); /* or a name */
	flags = strspn(p + 2, "ix-");
	return flags > 0 && (p[2 + flags] == ':' || p[2 + flags] == ')');
}

/* What means something else in the two syntaxes. */
static int check_char(const struct scan *s, struct fot_err *err)
{
	char c = s->p[s->at], next = s->at + 1 < s->n ? s->p[s->at + 1] : '\0';

	if (s->in_class && c == '[')
		return refuse(s, 2, "a class inside a class", err);
	if (s->in_class && c == '&' && next == '&')
		return refuse(s, 2, "an intersection of classes", err);
	if (!s->in_class && c == '(' && !is_common_group(s->p + s->at, s->n - s->at))
		return refuse(s, 4, "expected a group that all programs read alike", err);
	if (!s->in_class && c == '}' && next == '+')
		return refuse(s, 2, "a repeated {n,m}", err);
	return FOT_OK;
}

static int translate(struct scan *s, struct fot_err *err)
{
	int status = FOT_OK;
	size_t class_at = 0;

	while (s->at < s->n) {
		char c = s->p[s->at];

		if (c == '\\') {
			FOT_TRY(copy_escape(s, err));
			continue;
		}
		FOT_TRY(check_char(s, err));
		if (!s->in_class && c == '[') {
			s->in_class = true;
			class_at = s->at + (s->at + 1 < s->n && s->p[s->at + 1] == '^');
		} else if (s->in_class && c == ']' && s->at > class_at + 1) {
			s->in_class = false;
		}
		fot_str_putc(s->out, c);
		s->at++;
	}
	status = fot_str_check(s->out, err);
out:
	return status;
}

/* --- compiling --- */

static int compile(struct hf_pattern *p, const char *regex, size_t n, const char *where, struct fot_err *err)
{
	PCRE2_UCHAR text[128];
	PCRE2_SIZE at = 0;
	int code = 0;
	pcre2_compile_context *context = NULL;
	int status = FOT_OK;

	p->general = pcre2_general_context_create(take, give_back, NULL);
	p->match = p->general ? pcre2_match_context_create(p->general) : NULL;
	context = p->match ? pcre2_compile_context_create(p->general) : NULL;
	if (!context)
		return FOT_NO_MEMORY(err, where);
	pcre2_set_match_limit(p->match, MATCH_LIMIT);
	pcre2_set_heap_limit(p->match, HEAP_LIMIT);
	p->code = pcre2_compile((PCRE2_SPTR)regex, n,
				PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &code, &at,
				context);
	pcre2_compile_context_free(context);
	if (!p->code) {
		pcre2_get_error_message(code, text, sizeof text);
		status = FOT_FAIL(err, code == PCRE2_ERROR_HEAP_FAILED ? FOT_ERR_RUN : FOT_ERR_INPUT,
				  "%s: regular expression: %s", where, (const char *)text);
	}
	return status;
}

static int open_regex(struct hf_pattern *p, const char *regex, const char *where, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	struct scan s = { .p = regex, .n = strlen(regex), .out = &text, .where = where };
	uint32_t matches_empty = 0;
	int status;

	FOT_TRY(translate(&s, err));
	FOT_TRY(compile(p, text.data ? text.data : "", text.len, where, err));
	if (pcre2_pattern_info(p->code, PCRE2_INFO_MATCHEMPTY, &matches_empty) != 0 || matches_empty)
		status = FOT_FAIL(err, FOT_ERR_INPUT,
				  "%s: the regular expression \"%.40s\" is not read: it can match no characters",
				  where, regex);
out:
	fot_str_release(&text);
	return status;
}

static int open_literal(struct hf_pattern *p, const char *text, const char *where, struct fot_err *err)
{
	p->n = strlen(text);
	p->literal = fot_strdup(text);
	return p->literal ? FOT_OK : FOT_NO_MEMORY(err, where);
}

int hf_pattern_open_text(struct hf_pattern **out, const char *text, bool regex, const char *where,
			 struct fot_err *err)
{
	struct hf_pattern *p = fot_calloc(1, sizeof *p);
	int status = p ? FOT_OK : FOT_NO_MEMORY(err, where);

	if (status == FOT_OK)
		status = regex ? open_regex(p, text, where, err) : open_literal(p, text, where, err);
	if (status == FOT_OK)
		*out = p;
	else
		hf_pattern_close(p);
	return status;
}

int hf_pattern_open(struct hf_pattern **out, const cJSON *pattern, const char *where, struct fot_err *err)
{
	struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };
	const char *literal = NULL, *regex = NULL;
	int status;

	if (!cJSON_IsObject(pattern))
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"%s: expected a pattern {\"String\": ...} or {\"Regex\": ...}", where);
	FOT_TRY(fot_json_string(pattern, "String", false, &literal, &ctx, err));
	FOT_TRY(fot_json_string(pattern, "Regex", !literal, &regex, &ctx, err));
	if (strlen(literal ? literal : regex) > PATTERN_MAX || !*(literal ? literal : regex))
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected a pattern of 1 to %u bytes", where,
				PATTERN_MAX);
	status = hf_pattern_open_text(out, literal ? literal : regex, !literal, where, err);
out:
	return status;
}

void hf_pattern_close(struct hf_pattern *p)
{
	if (!p)
		return;
	fot_free(p->literal);
	pcre2_code_free(p->code);
	pcre2_match_context_free(p->match);
	pcre2_general_context_free(p->general);
	fot_free(p);
}

/* --- matching --- */

void *hf_pattern_scratch(const struct hf_pattern *p, bool *ok)
{
	void *scratch = p->literal ? NULL : pcre2_match_data_create_from_pattern(p->code, p->general);

	*ok = p->literal || scratch;
	return scratch;
}

void hf_pattern_scratch_release(void *scratch)
{
	pcre2_match_data_free(scratch);
}

static int next_regex(const struct hf_pattern *p, pcre2_match_data *data, const char *text, size_t n,
		      size_t at, bool *found, struct hf_match *match, struct fot_err *err)
{
	int rc = pcre2_match(p->code, (PCRE2_SPTR)text, n, at, PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY, data,
			     p->match);
	const PCRE2_SIZE *place = pcre2_get_ovector_pointer(data);

	*found = rc > 0;
	if (rc > 0)
		*match = (struct hf_match){ place[0], place[1] };
	if (rc > 0 || rc == PCRE2_ERROR_NOMATCH)
		return FOT_OK;
	if (rc == PCRE2_ERROR_NOMEMORY)
		return FOT_FAIL(err, FOT_ERR_RUN, "tokenizer: out of memory for a regular expression");
	return FOT_FAIL(err, FOT_ERR_INPUT,
			"tokenizer: its regular expression takes too long on this text (PCRE2 error %d)", rc);
}

int hf_pattern_next(const struct hf_pattern *p, void *scratch, const char *text, size_t n, size_t at,
		    bool *found, struct hf_match *match, struct fot_err *err)
{
	const char *hit;

	if (!p->literal)
		return next_regex(p, scratch, text, n, at, found, match, err);
	hit = memmem(text + at, n - at, p->literal, p->n);
	*found = hit != NULL;
	if (hit)
		*match = (struct hf_match){ (size_t)(hit - text), (size_t)(hit - text) + p->n };
	return FOT_OK;
}
