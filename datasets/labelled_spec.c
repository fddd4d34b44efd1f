/* labelled_spec.c: `SOURCE[,SOURCE...][?key=value...]`, see labelled.h.
 *
 * Folders are replaced by the files in them here, so that what is read is a flat list of
 * files with a split each. */
#include "datasets/labelled_spec.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/list.h"
#include "base/mem.h"
#include "datasets/datamanifest.h"
#include "datasets/options.h"
#include "datasets/unpack.h"

static const struct fot_labelled_kind kinds[] = {
	{ ".label", fot_labelled_trec }, { ".json", fot_labelled_json }, { ".jsonl", fot_labelled_jsonl },
	{ ".csv", fot_labelled_csv },    { ".tsv", fot_labelled_tsv },   { ".parquet", fot_labelled_parquet },
};

const struct fot_labelled_kind *fot_labelled_kind(const char *path)
{
	size_t n = fot_unpacked_name(path), k;

	for (size_t i = 0; i < FOT_COUNT(kinds); i++) {
		k = strlen(kinds[i].suffix);
		if (n > k && path[n - k - 1] != '/' && strncmp(path + n - k, kinds[i].suffix, k) == 0)
			return &kinds[i];
	}
	return NULL;
}

/* ---- options ---- */

static int set_number(struct fot_labelled_opts *o, const char *spec, const char *key, const char *value,
		      struct fot_err *err)
{
	double f = 0;
	int64_t n = 0;

	if (strcmp(key, "holdout") == 0) {
		if (!fot_parse_double(value, &f) || f < 0 || f >= 1)
			return FOT_FAIL(err, FOT_ERR_USAGE,
					"%s: holdout: expected a fraction of 0 to below 1, got '%s'", spec,
					value);
		o->holdout = f;
		return FOT_OK;
	}
	if (!fot_parse_size(value, &n) || n < 0 || n > (strcmp(key, "clip") == 0 ? 1 << 20 : 1))
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: %s: expected %s, got '%s'", spec, key,
				strcmp(key, "clip") == 0 ? "a number of bytes up to 1M" : "0 or 1", value);
	if (strcmp(key, "clip") == 0)
		o->clip = n;
	else
		o->skip_bad = n == 1;
	return FOT_OK;
}

static int set_separator(struct fot_labelled_opts *o, const char *spec, const char *value,
			 struct fot_err *err)
{
	o->separator = strcmp(value, "tab") == 0 ? '\t' : value[0];
	if ((o->separator != '\t' && !ispunct((unsigned char)o->separator)) || o->separator == '"' ||
	    (value[0] && value[1] && o->separator != '\t'))
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"%s: separator: expected tab or a sign such as ';', got '%s'", spec, value);
	return FOT_OK;
}

static int set_option(void *opts, const char *spec, const char *key, const char *value, struct fot_err *err)
{
	struct fot_labelled_opts *o = opts;
	static const char *const names[] = { "text", "label",   "answers",  "id",       "split", "labels",
					     "keep", "drop",    "name",     "columns",  "names", "hypernym",
					     "clip", "holdout", "skip_bad", "separator" };
	char **const place[] = { &o->text, &o->label, &o->answers, &o->id,      &o->split, &o->labels,
				 &o->keep, &o->drop,  &o->name,    &o->columns, &o->names, &o->hypernym };

	for (size_t i = 0; i < FOT_COUNT(names); i++) {
		if (strcmp(key, names[i]) != 0)
			continue;
		if (strcmp(key, "separator") == 0)
			return set_separator(o, spec, value, err);
		if (i >= FOT_COUNT(place))
			return set_number(o, spec, key, value, err);
		if (*place[i] || (!*value && place[i] != &o->id && place[i] != &o->names))
			return FOT_FAIL(err, FOT_ERR_USAGE, "%s: %s: %s", spec, key,
					*place[i] ? "given twice" : "empty");
		*place[i] = fot_strdup(value);
		return *place[i] ? FOT_OK : FOT_NO_MEMORY(err, spec);
	}
	return fot_data_no_option(spec, key, names, FOT_COUNT(names), err);
}

const char *fot_labelled_names(const char *names, int64_t *first)
{
	bool numbered = (*names == '0' || *names == '1') && names[1] == ':';

	*first = numbered ? *names - '0' : 0;
	return names + (numbered ? 2 : 0);
}

/* One name as labels are written is neither empty nor among those before, seen: ",a,b,". */
static int check_name(struct fot_str *seen, const char *p, size_t n, const char *spec, struct fot_err *err)
{
	struct fot_str name = FOT_STR_INIT; /* ",b," */
	int status;

	fot_str_puts(&name, ",");
	fot_labelled_line(&name, p, n);
	fot_str_puts(&name, ",");
	FOT_TRY(fot_str_check(&name, err));
	if (name.len == 2)
		FOT_TRY(FOT_FAIL(err, FOT_ERR_USAGE,
				 "%s: names: expected names with commas between, got an empty one", spec));
	if (strstr(seen->data, name.data))
		FOT_TRY(FOT_FAIL(err, FOT_ERR_USAGE, "%s: names: '%.*s' stands twice", spec,
				 (int)name.len - 2, name.data + 1));
	fot_str_puts(seen, name.data + 1);
	status = fot_str_check(seen, err);
out:
	fot_str_release(&name);
	return status;
}

/* Every number of names= has a name, and no two have the same. */
static int check_names(const char *names, const char *spec, struct fot_err *err)
{
	struct fot_str seen = FOT_STR_INIT;
	int64_t first;
	int status;

	fot_str_puts(&seen, ",");
	FOT_TRY(fot_str_check(&seen, err));
	for (const char *p = fot_labelled_names(names, &first);; p++) {
		size_t n = strcspn(p, ",");

		FOT_TRY(check_name(&seen, p, n, spec, err));
		p += n;
		if (!*p)
			break;
	}
out:
	fot_str_release(&seen);
	return status;
}

static int parse_options(struct fot_labelled_opts *o, const char *spec, const char *p, struct fot_err *err)
{
	int status = fot_data_options(spec, p, set_option, o, err);

	if (status == FOT_OK && o->labels && strcmp(o->labels, "coarse") != 0 &&
	    strcmp(o->labels, "fine") != 0)
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: labels: expected coarse or fine, got '%s'", spec,
				  o->labels);
	if (status == FOT_OK && o->names && *o->names)
		status = check_names(o->names, spec, err);
	if (status == FOT_OK && o->label && o->answers)
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: expected label or answers, got both", spec);
	return status;
}

/* ---- sources ---- */

static int add_source(struct fot_labelled_spec *s, const char *path, int split, struct fot_err *err)
{
	size_t cap = s->cap ? 2 * s->cap : 8;
	enum fot_split *splits;
	char **paths;

	if (s->n == s->cap) {
		paths = fot_realloc(s->path, cap, sizeof(*paths));
		if (paths)
			s->path = paths;
		splits = paths ? fot_realloc(s->split, cap, sizeof(*splits)) : NULL;
		if (!splits)
			return FOT_NO_MEMORY(err, path);
		s->split = splits;
		s->cap = cap;
	}
	s->split[s->n] = (enum fot_split)split;
	s->path[s->n] = fot_strdup(path);
	if (!s->path[s->n])
		return FOT_NO_MEMORY(err, path);
	s->n++;
	return FOT_OK;
}

static int add_folder(struct fot_labelled_spec *s, const char *folder, int split, struct fot_err *err)
{
	struct fot_names names = { 0 };
	struct fot_str path = FOT_STR_INIT;
	size_t before = s->n;
	int status;

	FOT_TRY(fot_dir_list(&names, folder, err));
	for (size_t i = 0; i < names.n; i++) {
		if (names.name[i][0] == '.' || !fot_labelled_kind(names.name[i]))
			continue;
		FOT_TRY(fot_path_at(&path, folder, names.name[i], err));
		FOT_TRY(add_source(s, path.data, split, err));
	}
	if (s->n == before)
		status = FOT_FAIL(
			err, FOT_ERR_INPUT,
			"%s: expected files *.label, *.json, *.jsonl, *.csv, *.tsv or *.parquet, got none",
			folder);
out:
	fot_names_release(&names);
	fot_str_release(&path);
	return status;
}

static int no_set(const char *name, struct fot_err *err)
{
	struct fot_str sets = FOT_STR_INIT;
	int status;

	fot_labelled_name_installed(&sets);
	status = FOT_FAIL(
		err, FOT_ERR_INPUT,
		"'%s' is no labelled set: expected a file .label, .json, .jsonl, .csv, .tsv or .parquet, a "
		"folder of such, or %s",
		name, sets.failed ? "an installed one" : sets.data);
	fot_str_release(&sets);
	return status;
}

/* The split that a source is said to be, and its path behind that. */
static int split_of(const char *source, const char **path)
{
	static const char *const prefix[] = { "train:", "valid:", "test:" };

	for (int i = 0; i < 3; i++)
		if (strncmp(source, prefix[i], strlen(prefix[i])) == 0) {
			*path = source + strlen(prefix[i]);
			return i;
		}
	*path = source;
	return FOT_SPLIT_BY_NAME;
}

const char *fot_labelled_path(const char *source)
{
	const char *path;

	(void)split_of(source, &path);
	return path;
}

size_t fot_labelled_length(const char *list)
{
	const char *path;
	size_t n = strcspn(list, ",");

	for (int before = split_of(list, &path), next; list[n] && !memchr(list, '?', n); before = next) {
		next = split_of(list + n + 1, &path);
		if (before == FOT_SPLIT_BY_NAME || next == FOT_SPLIT_BY_NAME ||
		    (next == FOT_TRAIN && before != FOT_TRAIN))
			break;
		n += 1 + strcspn(list + n + 1, ",");
	}
	return n;
}

static int one_source(struct fot_labelled_spec *s, const char *text, struct fot_err *err)
{
	const char *path;
	int split = split_of(text, &path);

	if (fot_labelled_is_installed(path))
		return add_source(s, path, split, err);
	if (fot_is_dir(path))
		return add_folder(s, path, split, err);
	if (fot_labelled_kind(path))
		return add_source(s, path, split, err);
	return no_set(path, err);
}

static int parse_sources(struct fot_labelled_spec *s, const char *p, size_t n, struct fot_err *err)
{
	struct fot_str one = FOT_STR_INIT;
	int status = FOT_OK;

	for (size_t at = 0, k; at <= n && status == FOT_OK; at += k + 1) {
		const char *comma = memchr(p + at, ',', n - at);

		k = comma ? (size_t)(comma - p) - at : n - at;
		fot_str_clear(&one);
		fot_str_add(&one, p + at, k);
		FOT_TRY(fot_str_check(&one, err));
		if (k == 0)
			status = FOT_FAIL(err, FOT_ERR_USAGE,
					  "'%.*s': expected the name of a labelled set, got none", (int)n, p);
		else
			status = one_source(s, one.data, err);
	}
out:
	fot_str_release(&one);
	return status;
}

/* Several files: their names say what they are. */
static void split_by_names(struct fot_labelled_spec *s)
{
	for (size_t i = 0; i < s->n && s->n > 1; i++) {
		const char *slash = strrchr(s->path[i], '/'), *base = slash ? slash + 1 : s->path[i];

		if ((int)s->split[i] != FOT_SPLIT_BY_NAME || !fot_labelled_kind(base))
			continue;
		s->split[i] = strncasecmp(base, "train", 5) == 0 ? FOT_TRAIN :
			      strncasecmp(base, "val", 3) == 0 || strncasecmp(base, "dev", 3) == 0 ?
								   FOT_VALID :
								   FOT_TEST;
	}
}

/* "trec", "trec-fine", "wordnet-person", "questions": the last part of the first source, without suffix. */
static int default_name(struct fot_labelled_spec *s, const char *spec, size_t n, struct fot_err *err)
{
	struct fot_str first = FOT_STR_INIT, name = FOT_STR_INIT;
	const char *colon = strchr(spec, ':');
	const struct fot_labelled_kind *kind;
	int status;

	n = strcspn(spec, ",") < n ? strcspn(spec, ",") : n;
	if (colon && (size_t)(colon - spec) < n && (colon - spec == 4 || colon - spec == 5) &&
	    (strncmp(spec, "train", 5) == 0 || strncmp(spec, "valid", 5) == 0 ||
	     strncmp(spec, "test", 4) == 0)) {
		n -= (size_t)(colon + 1 - spec);
		spec = colon + 1;
	}
	fot_str_add(&first, spec, n);
	FOT_TRY(fot_str_check(&first, err));
	fot_path_base(&name, first.data);
	FOT_TRY(fot_str_check(&name, err));
	kind = fot_labelled_kind(name.data);
	if (kind) {
		name.len = fot_unpacked_name(name.data) - strlen(kind->suffix);
		name.data[name.len] = '\0';
	}
	if (s->opts.labels)
		fot_str_printf(&name, "-%s", s->opts.labels);
	if (s->opts.hypernym && !fot_hypernym_pattern(s->opts.hypernym))
		fot_str_printf(&name, "-%s", s->opts.hypernym);
	FOT_TRY(fot_str_check(&name, err));
	s->opts.name = fot_strdup(name.data);
	if (!s->opts.name)
		status = FOT_NO_MEMORY(err, spec);
out:
	fot_str_release(&first);
	fot_str_release(&name);
	return status;
}

/* wordnet-held-out is nothing without hypernym, and no other set has the option. */
static int check_hypernym(const struct fot_labelled_spec *s, const char *spec, struct fot_err *err)
{
	bool below = true, held_out = false;

	for (size_t i = 0; i < s->n; i++) {
		held_out = held_out || strcmp(s->path[i], "wordnet-held-out") == 0;
		below = strcmp(s->path[i], "wordnet-held-out") == 0 || strcmp(s->path[i], "wordnet") == 0;
	}
	if (s->opts.hypernym && (s->n != 1 || !below || s->opts.labels))
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"%s: hypernym: is for wordnet or wordnet-held-out alone, without labels",
				spec);
	if (held_out && !s->opts.hypernym)
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: wordnet-held-out: expected hypernym=NAME", spec);
	return FOT_OK;
}

bool fot_hypernym_pattern(const char *hypernym)
{
	return strpbrk(hypernym, "*?[,") != NULL;
}

int fot_labelled_spec_parse(struct fot_labelled_spec *s, const char *spec, const char *store,
			    struct fot_err *err)
{
	size_t n = strcspn(spec, "?");
	int status;

	memset(s, 0, sizeof(*s));
	s->store = store;
	s->opts.clip = -1;
	s->opts.holdout = 0.2;
	if (spec[n])
		FOT_TRY(parse_options(&s->opts, spec, spec + n + 1, err));
	FOT_TRY(parse_sources(s, spec, n, err));
	split_by_names(s);
	FOT_TRY(check_hypernym(s, spec, err));
	if (!s->opts.name)
		status = default_name(s, spec, n, err);
out:
	return status;
}

void fot_labelled_spec_release(struct fot_labelled_spec *s)
{
	char **const text[] = { &s->opts.text,  &s->opts.label,   &s->opts.answers, &s->opts.id,
				&s->opts.split, &s->opts.labels,  &s->opts.keep,    &s->opts.drop,
				&s->opts.name,  &s->opts.columns, &s->opts.names,   &s->opts.hypernym };

	for (size_t i = 0; i < s->n; i++)
		fot_free(s->path[i]);
	for (size_t i = 0; i < FOT_COUNT(text); i++)
		fot_free(*text[i]);
	fot_free(s->path);
	fot_free(s->split);
	memset(s, 0, sizeof(*s));
}
