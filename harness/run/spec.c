/* spec.c: see spec.h. */
#include "harness/run/spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/quote.h"
#include "harness/run/spec_task.h"
#include "model/session.h"

#define MAX_FILE ((size_t)16 << 20)
#define MAX_LENGTHS 4096
#define MAX_AXIS 100000
#define MAX_TOKENS ((int64_t)1 << 40)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const mode_names[] = { "none", "dense", "knn", "xl" };

const char *fot_memory_mode_name(enum fot_memory_mode m)
{
	return mode_names[m];
}

bool fot_memory_stores(enum fot_memory_mode m)
{
	return m == FOT_MEMORY_DENSE || m == FOT_MEMORY_KNN;
}

static int find_name(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(names[i], name) == 0)
			return (int)i;
	}
	return -1;
}

bool fot_memory_parse(struct fot_memory_spec *m, const char *text)
{
	int64_t k;
	int mode;

	*m = (struct fot_memory_spec){ 0 };
	if (strncmp(text, "knn:", 4) == 0) {
		if (!fot_parse_i64(text + 4, &k) || k < 1 || k > INT32_MAX)
			return false;
		m->mode = FOT_MEMORY_KNN;
		m->top_k = (int32_t)k;
		return true;
	}
	mode = find_name(mode_names, COUNT(mode_names), text);
	if (mode < 0)
		return false;
	m->mode = (enum fot_memory_mode)mode;
	return true;
}

/* --- context lengths --- */

void fot_lengths_release(struct fot_lengths *l)
{
	fot_free(l->at);
	*l = (struct fot_lengths){ 0 };
}

static bool add_length(struct fot_lengths *l, int64_t value)
{
	if (value < 1 || value > MAX_TOKENS || l->n == MAX_LENGTHS)
		return false;
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 16;
		int64_t *at = fot_realloc(l->at, cap, sizeof *at);

		if (!at)
			return false;
		l->at = at;
		l->cap = cap;
	}
	l->at[l->n++] = value;
	return true;
}

/* "LO-HI*F" */
static bool add_range(struct fot_lengths *l, char *text, char *dash)
{
	char *star = strchr(dash, '*');
	int64_t lo, hi, factor;

	if (!star)
		return false;
	*dash = *star = '\0';
	if (!fot_parse_size(text, &lo) || !fot_parse_size(dash + 1, &hi) || !fot_parse_i64(star + 1, &factor))
		return false;
	if (lo < 1 || hi < lo || hi > MAX_TOKENS || factor < 2 || factor > MAX_TOKENS)
		return false;
	for (int64_t at = lo; at <= hi; at *= factor) {
		if (!add_length(l, at))
			return false;
	}
	return true;
}

bool fot_lengths_add(struct fot_lengths *l, const char *text)
{
	char *copy = fot_strdup(text), *part = copy;
	bool good = copy != NULL;

	while (good && part) {
		char *comma = strchr(part, ','), *dash;
		int64_t value;

		if (comma)
			*comma = '\0';
		dash = strchr(part, '-');
		if (dash && dash != part)
			good = add_range(l, part, dash);
		else
			good = fot_parse_size(part, &value) && add_length(l, value);
		part = comma ? comma + 1 : NULL;
	}
	fot_free(copy);
	return good;
}

bool fot_spec_length(struct fot_lengths *l, const cJSON *entry)
{
	double x = entry->valuedouble;

	if (cJSON_IsString(entry))
		return fot_lengths_add(l, entry->valuestring);
	return cJSON_IsNumber(entry) && x >= 1 && x <= (double)MAX_TOKENS && x == (double)(int64_t)x &&
	       add_length(l, (int64_t)x);
}

/* --- reading --- */

int fot_spec_no_memory(const struct fot_spec_reader *r)
{
	return FOT_FAIL(r->err, FOT_ERR_RUN, "%s: out of memory", r->name);
}

/* A number or a text with a suffix. */
int fot_spec_size(const cJSON *obj, const char *key, int64_t lo, int64_t hi, int64_t *out,
		     const struct fot_json_ctx *ctx, struct fot_err *err)
{
	const cJSON *node = fot_json_get(obj, key);

	if (!node || cJSON_IsNumber(node))
		return fot_json_i64(obj, key, false, lo, hi, out, ctx, err);
	if (!cJSON_IsString(node) || !fot_parse_size(node->valuestring, out) || *out < lo || *out > hi)
		return FOT_FAIL(err, ctx->code,
				"%s: %s: expected a size from %lld to %lld, such as 512 or \"8k\"",
				ctx->where, key, (long long)lo, (long long)hi);
	return FOT_OK;
}

/* A list, or a single value that stands for a list of one; at least one entry. */
int fot_spec_list(const cJSON *obj, const char *key, const cJSON **first, size_t *n,
		   const struct fot_json_ctx *ctx, struct fot_err *err)
{
	const cJSON *list = NULL;
	int status = fot_json_array(obj, key, true, &list, ctx, err);

	if (status != FOT_OK)
		return status;
	*first = list->child;
	*n = (size_t)cJSON_GetArraySize(list);
	if (*n == 0 || *n > MAX_AXIS)
		return FOT_FAIL(err, ctx->code, "%s: %s: expected a list of 1 to %d entries", ctx->where, key,
				MAX_AXIS);
	return FOT_OK;
}

char *fot_spec_resolve(const char *path, const char *base_dir)
{
	struct fot_str joined = FOT_STR_INIT;
	char *out;

	if (path[0] == '/' || !base_dir || fot_file_exists(path))
		return fot_strdup(path);
	fot_path_join(&joined, base_dir, path);
	out = !joined.failed && fot_file_exists(joined.data) ? fot_strdup(joined.data) : fot_strdup(path);
	fot_str_release(&joined);
	return out;
}

static int copy_string(char **out, const cJSON *obj, const char *key, bool required,
		       const struct fot_json_ctx *ctx, const struct fot_spec_reader *r)
{
	const char *text = NULL;
	int status = fot_json_string(obj, key, required, &text, ctx, r->err);

	if (status != FOT_OK || !text)
		return status;
	if (!*text)
		return FOT_FAIL(r->err, FOT_ERR_USAGE, "%s: %s: expected a text, got \"\"", ctx->where, key);
	*out = fot_strdup(text);
	return *out ? FOT_OK : fot_spec_no_memory(r);
}

/* A text that will stand in the results. */
static int copy_name(char **out, const cJSON *obj, const char *key, const struct fot_json_ctx *ctx,
		     const struct fot_spec_reader *r)
{
	int status = copy_string(out, obj, key, false, ctx, r);

	if (status != FOT_OK || !*out)
		return status;
	status = fot_name_check(*out, key, FOT_NAME_MAX, FOT_ERR_USAGE, r->err);
	return status == FOT_OK ? status : fot_err_prefix(r->err, "%s", ctx->where);
}

static int read_memory_object(struct fot_memory_spec *m, const cJSON *node, const char *where,
			      const struct fot_spec_reader *r)
{
	static const char *const keys[] = { "mode", "top_k", "mem_dtype" };
	struct fot_json_ctx ctx = { where, FOT_ERR_USAGE };
	const char *mode = NULL, *dtype = NULL;
	int64_t top_k = 0;
	int status;

	*m = (struct fot_memory_spec){ 0 };
	FOT_TRY(fot_json_known(node, where, keys, COUNT(keys), FOT_ERR_USAGE, r->err));
	FOT_TRY(fot_json_string(node, "mode", true, &mode, &ctx, r->err));
	FOT_TRY(fot_json_i64(node, "top_k", false, 1, INT32_MAX, &top_k, &ctx, r->err));
	FOT_TRY(fot_json_string(node, "mem_dtype", false, &dtype, &ctx, r->err));
	if (!fot_memory_parse(m, mode) || (top_k && m->mode != FOT_MEMORY_KNN) || (top_k && m->top_k)) {
		status = FOT_FAIL(r->err, FOT_ERR_USAGE,
				  "%s: mode \"%.40s\": expected none, dense, knn or xl, and top_k only with knn",
				  where, mode);
		goto out;
	}
	m->top_k = top_k ? (int32_t)top_k : m->top_k;
	if (dtype && m->mode == FOT_MEMORY_NONE) {
		status = FOT_FAIL(r->err, FOT_ERR_USAGE, "%s: mem_dtype: mode none stores nothing", where);
	} else if (dtype) {
		m->dtype_given = true;
		m->dtype = strcmp(dtype, "f32") == 0 ? FOT_F32 : FOT_BF16;
		if (strcmp(dtype, "f32") != 0 && strcmp(dtype, "bf16") != 0)
			status = FOT_FAIL(r->err, FOT_ERR_USAGE,
					  "%s: mem_dtype \"%.40s\": expected f32 or bf16", where, dtype);
	}
out:
	return status;
}

static int read_memory(struct fot_memory_spec *m, const cJSON *node, const char *where,
		       const struct fot_spec_reader *r)
{
	if (cJSON_IsObject(node))
		return read_memory_object(m, node, where, r);
	if (cJSON_IsString(node) && fot_memory_parse(m, node->valuestring))
		return FOT_OK;
	if (cJSON_IsString(node))
		return FOT_FAIL(r->err, FOT_ERR_USAGE, "%s: \"%.40s\": expected none, dense, knn, knn:K or xl",
				where, node->valuestring);
	return FOT_FAIL(r->err, FOT_ERR_USAGE, "%s: expected a text or an object", where);
}

static bool same_memory(const struct fot_memory_spec *a, const struct fot_memory_spec *b)
{
	return a->mode == b->mode && a->top_k == b->top_k && a->dtype_given == b->dtype_given &&
	       a->dtype == b->dtype;
}

static int read_memories(struct fot_model_spec *m, const cJSON *node, const struct fot_json_ctx *ctx,
			 const struct fot_spec_reader *r)
{
	struct fot_str where = FOT_STR_INIT;
	const cJSON *entry = NULL;
	int status = FOT_OK;

	m->n_memory = 1;
	if (fot_json_get(node, "memory"))
		FOT_TRY(fot_spec_list(node, "memory", &entry, &m->n_memory, ctx, r->err));
	m->memory = fot_calloc(m->n_memory, sizeof *m->memory); /* zero: none */
	if (!m->memory)
		return fot_spec_no_memory(r);
	for (size_t i = 0; entry; i++, entry = entry->next) {
		fot_str_clear(&where);
		fot_str_printf(&where, "%s.memory[%zu]", ctx->where, i);
		FOT_TRY(read_memory(&m->memory[i], entry, where.failed ? r->name : where.data, r));
		for (size_t k = 0; k < i; k++) {
			if (!same_memory(&m->memory[k], &m->memory[i]))
				continue;
			status =
				FOT_FAIL(r->err, FOT_ERR_USAGE, "%s: the same as memory[%zu]", where.data, k);
			goto out;
		}
	}
out:
	fot_str_release(&where);
	return status;
}

static int read_mem_layers(struct fot_model_spec *m, const cJSON *node, const struct fot_json_ctx *ctx,
			   const struct fot_spec_reader *r)
{
	const cJSON *entry = NULL;
	size_t n = 0;
	int status = FOT_OK;

	if (!fot_json_get(node, "mem_layers"))
		return FOT_OK;
	FOT_TRY(fot_spec_list(node, "mem_layers", &entry, &n, ctx, r->err));
	m->mem_layers = fot_calloc(n, sizeof *m->mem_layers);
	if (!m->mem_layers)
		return fot_spec_no_memory(r);
	for (; entry; entry = entry->next) {
		int64_t layer = -1;

		FOT_TRY(fot_json_as_i64(entry, 0, INT32_MAX, &layer, ctx, r->err));
		if (m->n_mem_layers && layer <= m->mem_layers[m->n_mem_layers - 1])
			return FOT_FAIL(r->err, FOT_ERR_USAGE, "%s: mem_layers: expected ascending layers", ctx->where);
		m->mem_layers[m->n_mem_layers++] = (int32_t)layer;
	}
out:
	return status;
}

/* mem_scale and mem_decay: not columns of the results, so the variant must tell their rows apart. */
static int read_mem_settings(struct fot_model_spec *m, const cJSON *node, const struct fot_json_ctx *ctx,
			     const struct fot_spec_reader *r)
{
	const char *given;
	bool stores = false;
	int status;

	FOT_TRY(fot_json_double(node, "mem_scale", false, FOT_MEM_SCALE_LEAST, FOT_MEM_SCALE_MOST, &m->mem_scale, ctx, r->err));
	FOT_TRY(fot_json_double(node, "mem_decay", false, 0, FOT_MEM_DECAY_MOST, &m->mem_decay, ctx, r->err));
	given = m->mem_scale > 0 ? "mem_scale" : m->mem_decay > 0 ? "mem_decay" : NULL;
	for (size_t i = 0; i < m->n_memory; i++)
		stores = stores || fot_memory_stores(m->memory[i].mode);
	if (given && !stores)
		return FOT_FAIL(r->err, FOT_ERR_USAGE, "%s: %s: expected dense or knn among the memories", ctx->where, given);
	if (given && !m->variant)
		return FOT_FAIL(r->err, FOT_ERR_USAGE, "%s: %s: expected a variant with it, which tells its rows apart",
				ctx->where, given);
out:
	return status;
}

static int read_model(struct fot_model_spec *m, const cJSON *node, const char *where,
		      const struct fot_spec_reader *r)
{
	static const char *const keys[] = { "path", "variant", "memory", "mem_layers", "mem_scale", "mem_decay" };
	struct fot_json_ctx ctx = { where, FOT_ERR_USAGE };
	int status;

	if (!cJSON_IsObject(node))
		return FOT_FAIL(r->err, FOT_ERR_USAGE, "%s: expected an object", where);
	FOT_TRY(fot_json_known(node, where, keys, COUNT(keys), FOT_ERR_USAGE, r->err));
	FOT_TRY(copy_string(&m->path, node, "path", true, &ctx, r));
	FOT_TRY(copy_name(&m->variant, node, "variant", &ctx, r));
	m->dir = fot_spec_resolve(m->path, r->base_dir);
	if (!m->dir)
		return fot_spec_no_memory(r);
	FOT_TRY(read_mem_layers(m, node, &ctx, r));
	FOT_TRY(read_memories(m, node, &ctx, r));
	FOT_TRY(read_mem_settings(m, node, &ctx, r));
out:
	return status;
}

/* Both lists of the top level: each entry by its reader, with its place in messages. */
static int read_models(struct fot_spec *s, const cJSON *root, const struct fot_json_ctx *ctx,
		       const struct fot_spec_reader *r)
{
	struct fot_str where = FOT_STR_INIT;
	const cJSON *entry = NULL;
	size_t n;
	int status;

	FOT_TRY(fot_spec_list(root, "models", &entry, &n, ctx, r->err));
	s->model = fot_calloc(n, sizeof *s->model);
	if (!s->model)
		return fot_spec_no_memory(r);
	for (; entry; entry = entry->next) {
		fot_str_clear(&where);
		fot_str_printf(&where, "%s: models[%zu]", r->name, s->n_models);
		FOT_TRY(read_model(&s->model[s->n_models++], entry, where.failed ? r->name : where.data, r));
	}
out:
	fot_str_release(&where);
	return status;
}

static int read_tasks(struct fot_spec *s, const cJSON *root, const struct fot_json_ctx *ctx,
		      const struct fot_spec_reader *r)
{
	struct fot_str where = FOT_STR_INIT;
	const cJSON *entry = NULL;
	size_t n;
	int status;

	FOT_TRY(fot_spec_list(root, "tasks", &entry, &n, ctx, r->err));
	s->task = fot_calloc(n, sizeof *s->task);
	if (!s->task)
		return fot_spec_no_memory(r);
	for (; entry; entry = entry->next) {
		fot_str_clear(&where);
		fot_str_printf(&where, "%s: tasks[%zu]", r->name, s->n_tasks);
		FOT_TRY(fot_spec_task_read(&s->task[s->n_tasks++], entry, where.failed ? r->name : where.data, r));
	}
out:
	fot_str_release(&where);
	return status;
}

static int read_excluded_lengths(struct fot_exclusion *x, const cJSON *node, const struct fot_json_ctx *ctx,
				 const struct fot_spec_reader *r)
{
	const cJSON *entry = NULL;
	size_t n;
	int status = FOT_OK;

	if (!fot_json_get(node, "context_lengths"))
		return FOT_OK;
	FOT_TRY(fot_spec_list(node, "context_lengths", &entry, &n, ctx, r->err));
	for (; entry; entry = entry->next)
		if (!fot_spec_length(&x->context_length, entry))
			return FOT_FAIL(r->err, FOT_ERR_USAGE, "%s: context_lengths: expected sizes such as 512 or \"8k\"",
					ctx->where);
out:
	return status;
}

static int read_exclusion(struct fot_exclusion *x, const cJSON *node, const char *where,
			  const struct fot_spec_reader *r)
{
	static const char *const keys[] = { "model",   "variant", "memory",
					    "dataset", "task",    "prompt_style", "context_lengths" };
	struct fot_json_ctx ctx = { where, FOT_ERR_USAGE };
	const char *memory = NULL;
	int status;

	if (!cJSON_IsObject(node) || !node->child)
		return FOT_FAIL(r->err, FOT_ERR_USAGE,
				"%s: expected an object with model, variant, memory, dataset or others", where);
	FOT_TRY(fot_json_known(node, where, keys, COUNT(keys), FOT_ERR_USAGE, r->err));
	FOT_TRY(copy_string(&x->model, node, "model", false, &ctx, r));
	FOT_TRY(copy_string(&x->variant, node, "variant", false, &ctx, r));
	FOT_TRY(copy_string(&x->dataset, node, "dataset", false, &ctx, r));
	FOT_TRY(copy_string(&x->task, node, "task", false, &ctx, r));
	FOT_TRY(copy_string(&x->style, node, "prompt_style", false, &ctx, r));
	FOT_TRY(read_excluded_lengths(x, node, &ctx, r));
	FOT_TRY(fot_json_string(node, "memory", false, &memory, &ctx, r->err));
	x->has_memory = memory != NULL;
	if (memory && !fot_memory_parse(&x->memory, memory))
		status = FOT_FAIL(r->err, FOT_ERR_USAGE,
				  "%s: memory \"%.40s\": expected none, dense, knn, knn:K or xl", where, memory);
out:
	return status;
}

static int read_exclusions(struct fot_spec *s, const cJSON *root, const struct fot_json_ctx *ctx,
			   const struct fot_spec_reader *r)
{
	struct fot_str where = FOT_STR_INIT;
	const cJSON *entry = NULL;
	size_t n;
	int status = FOT_OK;

	if (!fot_json_get(root, "exclude"))
		return FOT_OK;
	FOT_TRY(fot_spec_list(root, "exclude", &entry, &n, ctx, r->err));
	s->exclude = fot_calloc(n, sizeof *s->exclude);
	if (!s->exclude)
		return fot_spec_no_memory(r);
	for (; entry; entry = entry->next) {
		fot_str_clear(&where);
		fot_str_printf(&where, "%s: exclude[%zu]", r->name, s->n_excluded);
		FOT_TRY(read_exclusion(&s->exclude[s->n_excluded++], entry,
				       where.failed ? r->name : where.data, r));
	}
out:
	fot_str_release(&where);
	return status;
}

int fot_spec_parse(struct fot_spec *s, const cJSON *root, const char *name, const char *base_dir,
		   struct fot_err *err)
{
	static const char *const keys[] = {
		"name", "seed", "window", "threads", "models", "tasks", "exclude"
	};
	struct fot_spec_reader r = { name, base_dir, err };
	struct fot_json_ctx ctx = { name, FOT_ERR_USAGE };
	int64_t seed = 1, window = 0, threads = 0;
	int status;

	*s = (struct fot_spec){ 0 };
	if (!cJSON_IsObject(root))
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: expected an object", name);
	FOT_TRY(fot_json_known(root, name, keys, COUNT(keys), FOT_ERR_USAGE, err));
	FOT_TRY(copy_name(&s->name, root, "name", &ctx, &r));
	FOT_TRY(fot_json_i64(root, "seed", false, 0, ((int64_t)1 << 53) - 1, &seed, &ctx, err));
	FOT_TRY(fot_spec_size(root, "window", 0, (int64_t)1 << 24, &window, &ctx, err));
	FOT_TRY(fot_json_i64(root, "threads", false, 1, FOT_SESSION_THREADS_MAX, &threads, &ctx, err));
	s->seed = (uint64_t)seed;
	s->window = (int32_t)window;
	s->threads = (int32_t)threads;
	if ((!s->name && !(s->name = fot_strdup("run"))) || (base_dir && !(s->folder = fot_strdup(base_dir)))) {
		status = fot_spec_no_memory(&r);
		goto out;
	}
	FOT_TRY(read_models(s, root, &ctx, &r));
	FOT_TRY(read_tasks(s, root, &ctx, &r));
	FOT_TRY(read_exclusions(s, root, &ctx, &r));
out:
	if (status != FOT_OK)
		fot_spec_release(s);
	return status;
}

int fot_spec_read(struct fot_spec *s, const char *path, struct fot_err *err)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? fot_strndup(path, slash == path ? 1 : (size_t)(slash - path)) : NULL;
	cJSON *root = NULL;
	int status;

	*s = (struct fot_spec){ 0 };
	FOT_TRY(fot_json_read(&root, path, MAX_FILE, FOT_ERR_USAGE, err));
	FOT_TRY(fot_spec_parse(s, root, path, dir, err));
out:
	cJSON_Delete(root);
	fot_free(dir);
	return status;
}

void fot_spec_release(struct fot_spec *s)
{
	for (size_t i = 0; i < s->n_models; i++) {
		fot_free(s->model[i].path);
		fot_free(s->model[i].dir);
		fot_free(s->model[i].variant);
		fot_free(s->model[i].memory);
		fot_free(s->model[i].mem_layers);
	}
	for (size_t i = 0; i < s->n_tasks; i++)
		fot_spec_task_release(&s->task[i]);
	for (size_t i = 0; i < s->n_excluded; i++) {
		fot_free(s->exclude[i].model);
		fot_free(s->exclude[i].variant);
		fot_free(s->exclude[i].dataset);
		fot_free(s->exclude[i].task);
		fot_free(s->exclude[i].style);
		fot_lengths_release(&s->exclude[i].context_length);
	}
	fot_free(s->exclude);
	fot_free(s->model);
	fot_free(s->task);
	fot_free(s->name);
	fot_free(s->folder);
	*s = (struct fot_spec){ 0 };
}

/* --- writing --- */

static bool add_memory_json(cJSON *list, const struct fot_memory_spec *m)
{
	cJSON *o = cJSON_CreateObject();

	if (!o || !cJSON_AddItemToArray(list, o)) {
		cJSON_Delete(o);
		return false;
	}
	return cJSON_AddStringToObject(o, "mode", fot_memory_mode_name(m->mode)) &&
	       (!m->top_k || cJSON_AddNumberToObject(o, "top_k", m->top_k)) &&
	       (!m->dtype_given ||
		cJSON_AddStringToObject(o, "mem_dtype", m->dtype == FOT_F32 ? "f32" : "bf16"));
}

static bool add_model_json(cJSON *list, const struct fot_model_spec *m)
{
	cJSON *o = cJSON_CreateObject(), *memory;
	bool good;

	if (!o || !cJSON_AddItemToArray(list, o)) {
		cJSON_Delete(o);
		return false;
	}
	good = cJSON_AddStringToObject(o, "path", m->path) &&
	       (!m->variant || cJSON_AddStringToObject(o, "variant", m->variant));
	if (good && m->n_mem_layers) {
		cJSON *layers = cJSON_CreateIntArray((const int *)m->mem_layers, (int)m->n_mem_layers);

		good = cJSON_AddItemToObject(o, "mem_layers", layers);
	}
	good = good && (m->mem_scale == 0 || cJSON_AddNumberToObject(o, "mem_scale", m->mem_scale)) &&
	       (m->mem_decay == 0 || cJSON_AddNumberToObject(o, "mem_decay", m->mem_decay));
	memory = cJSON_AddArrayToObject(o, "memory");
	for (size_t i = 0; i < m->n_memory && memory && good; i++)
		good = add_memory_json(memory, &m->memory[i]);
	return good && memory;
}

static bool add_excluded_lengths(cJSON *o, const struct fot_lengths *l)
{
	cJSON *list = l->n ? cJSON_AddArrayToObject(o, "context_lengths") : NULL;
	bool good = list || l->n == 0;

	for (size_t i = 0; i < l->n && good; i++)
		good = cJSON_AddItemToArray(list, cJSON_CreateNumber((double)l->at[i]));
	return good;
}

static bool add_exclusion_json(cJSON *list, const struct fot_exclusion *x)
{
	cJSON *o = cJSON_CreateObject();
	char memory[32];

	if (!o || !cJSON_AddItemToArray(list, o)) {
		cJSON_Delete(o);
		return false;
	}
	if (x->memory.top_k)
		snprintf(memory, sizeof memory, "knn:%d", x->memory.top_k);
	else
		snprintf(memory, sizeof memory, "%s", fot_memory_mode_name(x->memory.mode));
	return (!x->model || cJSON_AddStringToObject(o, "model", x->model)) &&
	       (!x->variant || cJSON_AddStringToObject(o, "variant", x->variant)) &&
	       (!x->has_memory || cJSON_AddStringToObject(o, "memory", memory)) &&
	       (!x->dataset || cJSON_AddStringToObject(o, "dataset", x->dataset)) &&
	       (!x->task || cJSON_AddStringToObject(o, "task", x->task)) &&
	       (!x->style || cJSON_AddStringToObject(o, "prompt_style", x->style)) &&
	       add_excluded_lengths(o, &x->context_length);
}

/* Only where there are any: specs without keep their hash. */
static bool add_exclusions_json(cJSON *root, const struct fot_spec *s)
{
	cJSON *list = s->n_excluded ? cJSON_AddArrayToObject(root, "exclude") : NULL;
	bool good = list || s->n_excluded == 0;

	for (size_t i = 0; i < s->n_excluded && good; i++)
		good = add_exclusion_json(list, &s->exclude[i]);
	return good;
}

cJSON *fot_spec_json(const struct fot_spec *s)
{
	cJSON *root = cJSON_CreateObject(), *models, *tasks;
	bool good = root && cJSON_AddStringToObject(root, "name", s->name) &&
		    cJSON_AddNumberToObject(root, "seed", (double)s->seed) &&
		    cJSON_AddNumberToObject(root, "window", s->window);

	models = good ? cJSON_AddArrayToObject(root, "models") : NULL;
	tasks = models ? cJSON_AddArrayToObject(root, "tasks") : NULL;
	good = tasks != NULL;
	for (size_t i = 0; i < s->n_models && good; i++)
		good = add_model_json(models, &s->model[i]);
	for (size_t i = 0; i < s->n_tasks && good; i++)
		good = fot_spec_task_print(tasks, &s->task[i]);
	if (good && add_exclusions_json(root, s))
		return root;
	cJSON_Delete(root);
	return NULL;
}

int fot_spec_hash(char out[65], const struct fot_spec *s, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	cJSON *root = fot_spec_json(s);
	int status = root ? fot_json_canonical(&text, root, err) :
			    FOT_FAIL(err, FOT_ERR_RUN, "spec: out of memory");

	if (status == FOT_OK)
		fot_sha256_of(text.data, text.len, out);
	fot_str_release(&text);
	cJSON_Delete(root);
	return status;
}
