/* hf_steps.c: see hf_steps.h. */
#include "model/hf_steps.h"

#include <string.h>

#include "base/mem.h"

#define DEPTH_MAX 4 /* of Sequences in one another */

static int refuse_type(const struct hf_section *of, const char *type, const char *where, struct fot_err *err)
{
	struct fot_str names = FOT_STR_INIT;
	int status;

	for (size_t i = 0; i < of->n_kinds; i++)
		fot_str_printf(&names, "%s%s", i ? ", " : "", of->kind[i].name);
	status = fot_str_check(&names, err);
	if (status == FOT_OK)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: \"%.40s\" is not read (%s and Sequence are)",
				  where, type, names.data);
	fot_str_release(&names);
	return status;
}

static int add_step(struct hf_steps *z, const struct hf_section *of, const cJSON *section, const char *type,
		    const char *where, struct fot_err *err)
{
	size_t kind = 0;

	if (of->last && z->n && strcmp(of->kind[z->at[z->n - 1].kind].name, of->last) == 0)
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"%s: expected %s as the last step, got \"%.40s\" behind it", where, of->last,
				type);
	while (kind < of->n_kinds && strcmp(of->kind[kind].name, type) != 0)
		kind++;
	if (kind == of->n_kinds)
		return refuse_type(of, type, where, err);
	if (z->n == HF_STEPS_MAX)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected at most %d steps", where, HF_STEPS_MAX);
	z->at[z->n].kind = kind;
	z->n++;
	return of->kind[kind].read ? of->kind[kind].read(&z->at[z->n - 1], section, where, err) : FOT_OK;
}

static int add_steps(struct hf_steps *z, const struct hf_section *of, const cJSON *section, int depth,
		     const char *where, struct fot_err *err)
{
	struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };
	const cJSON *list = NULL, *each;
	const char *type;
	int status;

	FOT_TRY(hf_type(section, &type, where, err));
	if (strcmp(type, "Sequence") != 0 || depth == DEPTH_MAX)
		return add_step(z, of, section, type, where, err);
	FOT_TRY(fot_json_array(section, of->list, true, &list, &ctx, err));
	cJSON_ArrayForEach (each, list)
		FOT_TRY(add_steps(z, of, each, depth + 1, where, err));
out:
	return status;
}

int hf_steps_read(struct hf_steps *z, const struct hf_section *of, const cJSON *section, const char *where,
		  struct fot_err *err)
{
	return section && !cJSON_IsNull(section) ? add_steps(z, of, section, 0, where, err) : FOT_OK;
}

void hf_steps_release(struct hf_steps *z)
{
	for (size_t i = 0; i < z->n; i++) {
		hf_pattern_close(z->at[i].pattern);
		fot_free(z->at[i].text);
	}
	z->n = 0;
}

int hf_read_text(struct hf_step *s, const cJSON *section, const char *key, const char *otherwise,
		 const char *where, struct fot_err *err)
{
	struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };
	const char *text = otherwise;
	int status;

	FOT_TRY(fot_json_string(section, key, !otherwise, &text, &ctx, err));
	s->text = fot_strdup(text);
	if (!s->text)
		status = FOT_NO_MEMORY(err, where);
out:
	return status;
}

int hf_read_character(struct hf_step *s, const cJSON *section, const char *key, const char *otherwise,
		      const char *where, struct fot_err *err)
{
	uint32_t cp;
	size_t n;
	int status;

	FOT_TRY(hf_read_text(s, section, key, otherwise, where, err));
	n = strlen(s->text);
	if (n == 0 || fot_utf8_decode(s->text, n, &cp) != n)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: %s: expected a character, got \"%.40s\"", where,
				  key, s->text);
out:
	return status;
}

int hf_read_mark(struct hf_step *s, const cJSON *section, const char *where, struct fot_err *err)
{
	return hf_read_character(s, section, "replacement", "\xE2\x96\x81", where, err);
}

int hf_read_replace(struct hf_step *s, const cJSON *section, const char *where, struct fot_err *err)
{
	int status;

	FOT_TRY(hf_pattern_open(&s->pattern, fot_json_get(section, "pattern"), where, err));
	status = hf_read_text(s, section, "content", NULL, where, err);
out:
	return status;
}
