/* spec.c: see spec.h. */
#include "harness/plan/spec.h"

#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/list.h"
#include "base/mem.h"
#include "harness/plan/paths.h"
#include "harness/plan/spec_keys.h"
#include "harness/plan/task_class.h"
#include "harness/tables/labels.h"
#include "model/memory.h"
#include "model/session.h"

#define MAX_FILE ((size_t)16 << 20)

/* --- memory --- */

#define WORD(form) form,
static const char *const mode_words[] = { FOT_CONDITION_FORMS(WORD) "model", NULL };

static int read_mode(void *base, const struct fot_key *k, const cJSON *obj, const struct fot_key_ctx *ctx)
{
	const char *mode = NULL;
	int status;

	FOT_TRY(fot_json_string(obj, k->name, true, &mode, &ctx->json, ctx->err));
	status = fot_attach_parse(base, mode, ctx->json.where, ctx->err);
out:
	return status;
}

/* What print tells of a memory. */
static bool write_printed(cJSON *o, const struct fot_key *k, const struct fot_attach *a,
			  void (*print)(struct fot_str *out, const struct fot_attach *a))
{
	struct fot_str text = FOT_STR_INIT;
	bool good;

	print(&text, a);
	good = !text.failed && cJSON_AddStringToObject(o, k->name, text.data);
	fot_str_release(&text);
	return good;
}

static bool write_mode(cJSON *o, const struct fot_key *k, const void *base)
{
	return write_printed(o, k, base, fot_attach_print_kind);
}

static int read_top_k(void *base, const struct fot_key *k, const cJSON *obj, const struct fot_key_ctx *ctx)
{
	struct fot_attach *a = base;

	if (!fot_memory_counts(a->mode) || a->top_k)
		return FOT_FAIL(ctx->err, ctx->json.code, "%s: mode \"%.40s\": top_k only with knn or model, without one in the "
				"mode; other kinds have their numbers there", ctx->json.where, fot_json_get(obj, "mode")->valuestring);
	return fot_key_integer.read(base, k, obj, ctx);
}

static const char *const dtype_names[] = { "model", "f32", "bf16", NULL };

/* Said as a key and as an option behind the mode. */
static int said_twice(const struct fot_key *k, const struct fot_key_ctx *ctx)
{
	return FOT_FAIL(ctx->err, ctx->json.code, "%s: %s: mode has it too", ctx->json.where, k->name);
}

static int read_dtype(void *base, const struct fot_key *k, const cJSON *obj, const struct fot_key_ctx *ctx)
{
	struct fot_key word = { .name = k->name, .bytes = sizeof(int32_t), .words = k->words };
	struct fot_attach *a = base;
	int32_t i = 0;
	int status;

	FOT_TRY(fot_key_choice.read(&i, &word, obj, ctx));
	if (i && a->mode == FOT_MEMORY_NONE)
		return FOT_FAIL(ctx->err, ctx->json.code, "%s: mem_dtype: mode none stores nothing", ctx->json.where);
	if (a->dtype_given)
		return said_twice(k, ctx);
	a->dtype_given = i > 0;
	a->dtype = i == 2 ? FOT_BF16 : FOT_F32;
out:
	return status;
}

static bool dtype_set(const struct fot_key *k, const void *base)
{
	const struct fot_attach *a = base;

	(void)k;
	return a->dtype_given;
}

static bool write_dtype(cJSON *o, const struct fot_key *k, const void *base)
{
	const struct fot_attach *a = base;

	return cJSON_AddStringToObject(o, k->name, fot_memory_dtype_name(a->dtype));
}

/* decay and scale of one memory. */
static int read_stored_real(void *base, const struct fot_key *k, const cJSON *obj, const struct fot_key_ctx *ctx)
{
	const struct fot_attach *a = base;
	int status;

	if (!fot_memory_keeps(a->mode) && a->mode != FOT_MEMORY_OWN)
		return FOT_FAIL(ctx->err, ctx->json.code, "%s: %s: mode %s stores nothing", ctx->json.where, k->name,
				fot_memory_mode_name(a->mode));
	if (fot_key_has_real(k, base))
		return said_twice(k, ctx);
	FOT_TRY(fot_key_real.read(base, k, obj, ctx));
	if (!fot_key_has_real(k, base)) /* it would mean: as for all memories of the model */
		status = FOT_FAIL(ctx->err, ctx->json.code, "%s: %s: expected a number above 0", ctx->json.where, k->name);
out:
	return status;
}

/* The layers of a struct fot_attach, which is at the key's place. */
static int read_layers(void *base, const struct fot_key *k, const cJSON *obj, const struct fot_key_ctx *ctx)
{
	struct fot_attach *a = fot_key_place(k, base);
	const cJSON *entry = NULL;
	size_t n = 0;
	int status;

	if (a->n_layers)
		return said_twice(k, ctx);
	FOT_TRY(fot_spec_list(obj, k->name, &entry, &n, ctx));
	for (; entry; entry = entry->next) {
		int64_t layer = -1;

		FOT_TRY(fot_json_as_i64(entry, (int64_t)k->lo, (int64_t)k->hi, &layer, &ctx->json, ctx->err));
		if (a->n_layers && layer <= a->layer[a->n_layers - 1])
			return FOT_FAIL(ctx->err, ctx->json.code, "%s: mem_layers: expected ascending layers", ctx->json.where);
		a->layer[a->n_layers++] = (int32_t)layer;
	}
out:
	return status;
}

static bool layers_set(const struct fot_key *k, const void *base)
{
	const struct fot_attach *a = fot_key_value(k, base);

	return a->n_layers > 0;
}

static bool write_layers(cJSON *o, const struct fot_key *k, const void *base)
{
	const struct fot_attach *a = fot_key_value(k, base);

	return cJSON_AddItemToObject(o, k->name, cJSON_CreateIntArray((const int *)a->layer, (int)a->n_layers));
}

/* Windows that grow instead of a memory. */
static int read_rope(void *base, const struct fot_key *k, const cJSON *obj, const struct fot_key_ctx *ctx)
{
	struct fot_attach *a = base;
	const char *text = NULL;
	int status;

	if (a->rope_factor)
		return said_twice(k, ctx);
	FOT_TRY(fot_json_string(obj, k->name, true, &text, &ctx->json, ctx->err));
	if (a->mode != FOT_MEMORY_NONE || !fot_attach_read_rope(a, text))
		status = FOT_FAIL(ctx->err, ctx->json.code,
				  "%s: rope: expected mode none and linear:F, ntk:F or yarn:F, F 2 to %d", ctx->json.where,
				  FOT_ROPE_FACTOR_MOST);
out:
	return status;
}

static bool rope_set(const struct fot_key *k, const void *base)
{
	const struct fot_attach *a = base;

	(void)k;
	return a->rope_factor > 0;
}

static bool write_rope(cJSON *o, const struct fot_key *k, const void *base)
{
	return write_printed(o, k, base, fot_attach_print_rope);
}

static const struct fot_key_type key_rope = { "word", FOT_KEY_NO_FLAG, read_rope, write_rope, rope_set, NULL };
static const struct fot_key_type key_mode = { "word", FOT_KEY_NO_FLAG, read_mode, write_mode, NULL, NULL };
static const struct fot_key_type key_top_k = { "integer",           FOT_KEY_INTEGER,
					       read_top_k,          fot_key_write_integer,
					       fot_key_has_integer, NULL };
static const struct fot_key_type key_dtype = { "word", FOT_KEY_WORD, read_dtype, write_dtype, dtype_set, NULL };
static const struct fot_key_type key_stored_real = { "number",           FOT_KEY_NUMBER,   read_stored_real,
						     fot_key_write_real, fot_key_has_real, NULL };
static const struct fot_key_type key_layers = { "list of integers", FOT_KEY_NUMBERS, read_layers, write_layers, layers_set,
						NULL };

const struct fot_key fot_memory_keys[] = {
	{ .name = "mode", .type = &key_mode, .words = mode_words, .required = true,
	  .help = "what is seen before the window: nothing, all, the nearest keys, a cached window, or a kind with numbers; knn:K: with top_k K" },
	{ .name = "top_k", .type = &key_top_k, FOT_KEY_AT(struct fot_attach, top_k), .lo = 1, .hi = FOT_TOP_K_MOST,
	  .only_if_set = true, .unset = "the model's", .flag = "top-k", .arg = "K",
	  .help = "keys per query and head with knn; other kinds have theirs in the mode" },
	{ .name = "mem_dtype", .type = &key_dtype, .words = dtype_names, .only_if_set = true, .unset = "the model's",
	  .flag = "mem-dtype", .arg = "TYPE", .help = "type of stored keys and values" },
	{ .name = "mem_scale", .type = &key_stored_real, FOT_KEY_AT(struct fot_attach, scale), .lo = FOT_MEM_SCALE_LEAST,
	  .hi = FOT_MEM_SCALE_MOST, .only_if_set = true, .unset = "as for all memories of the model",
	  .help = "factor of the attention scores of memory keys" },
	{ .name = "mem_decay", .type = &key_stored_real, FOT_KEY_AT(struct fot_attach, decay), .lo = 0,
	  .hi = FOT_MEM_DECAY_MOST, .only_if_set = true, .unset = "as for all memories of the model",
	  .help = "older memory keys weigh less, (1 + age / W)^-X" },
	{ .name = "mem_layers", .type = &key_layers, .lo = 0, .hi = FOT_MAX_LAYERS - 1, .only_if_set = true,
	  .unset = "as for all memories of the model", .help = "layers with a memory, ascending" },
	{ .name = "rope", .type = &key_rope, .only_if_set = true, .unset = "as the model has it",
	  .help = "with none: full attention in windows of F times the window, positions by linear:F, ntk:F or yarn:F" },
};
const size_t fot_n_memory_keys = FOT_COUNT(fot_memory_keys);

static int read_memory(void *a, const cJSON *node, const struct fot_key_ctx *ctx)
{
	if (cJSON_IsObject(node))
		return fot_keys_read(a, fot_memory_keys, fot_n_memory_keys, node, ctx);
	if (cJSON_IsString(node))
		return fot_attach_parse(a, node->valuestring, ctx->json.where, ctx->err);
	return FOT_FAIL(ctx->err, ctx->json.code, "%s: expected a text or an object", ctx->json.where);
}

static int check_memory(const void *memories, size_t last, const struct fot_key_ctx *ctx)
{
	const struct fot_attach *a = memories;

	for (size_t i = 0; i < last; i++)
		if (fot_attach_equal(&a[i], &a[last]))
			return FOT_FAIL(ctx->err, ctx->json.code, "%s: the same as memory[%zu]",
					ctx->json.where, i);
	return FOT_OK;
}

/* --- a model --- */

static const struct fot_key_type key_memories;

const struct fot_key fot_model_keys[] = {
	{ .name = "path", .type = &fot_key_model, FOT_KEY_AT(struct fot_model_spec, dir),
	  .written = offsetof(struct fot_model_spec, path), .required = true, .flag = "model", .letter = 'm', .arg = "DIR",
	  .help = "model folder" },
	{ .name = "variant", .type = &fot_key_name, FOT_KEY_AT(struct fot_model_spec, variant), .only_if_set = true,
	  .unset = "the model's", .flag = "variant", .arg = "NAME", .help = "name of the variant in the results" },
	{ .name = "mem_layers", .type = &key_layers, FOT_KEY_AT(struct fot_model_spec, shared), .lo = 0,
	  .hi = FOT_MAX_LAYERS - 1, .only_if_set = true, .unset = "the model's",
	  .flag = "mem-layers", .arg = "LIST", .help = "layers with a memory, ascending, such as 6,12,18" },
	{ .name = "mem_scale", .type = &fot_key_real, FOT_KEY_AT(struct fot_model_spec, shared.scale),
	  .lo = FOT_MEM_SCALE_LEAST, .hi = FOT_MEM_SCALE_MOST, .only_if_set = true, .unset = "the model's",
	  .flag = "mem-scale", .arg = "X", .help = "factor of the attention scores of memory keys" },
	{ .name = "mem_decay", .type = &fot_key_real, FOT_KEY_AT(struct fot_model_spec, shared.decay), .lo = 0,
	  .hi = FOT_MEM_DECAY_MOST, .only_if_set = true, .unset = "0", .flag = "mem-decay", .arg = "X",
	  .help = "older memory keys weigh less, (1 + age / W)^-X" },
	{ .name = "memory", .type = &key_memories, .dflt = "[\"model\"]", .flag = "memory", .arg = "LIST",
	  .help = "memories to read it with: none, dense, knn:K, another kind (mode below), or model: its own, as its config.json says; options "
		  "behind one: knn:128,decay=1,scale=1.5,bf16,layers=6+12" },
};
const size_t fot_n_model_keys = FOT_COUNT(fot_model_keys);

/* Of a model without a stored memory they would say nothing. */
static int check_mem_settings(const struct fot_model_spec *m, const struct fot_key_ctx *ctx)
{
	const char *given = m->shared.scale > 0 ? "mem_scale" : m->shared.decay > 0 ? "mem_decay" : NULL;
	bool stores = false;

	for (size_t i = 0; i < m->n_memory; i++)
		stores = stores || fot_memory_keeps(m->memory[i].mode) || m->memory[i].mode == FOT_MEMORY_OWN;
	if (given && !stores)
		return FOT_FAIL(ctx->err, ctx->json.code, "%s: %s: expected dense or knn among the memories", ctx->json.where,
				given);
	return FOT_OK;
}

static int read_model(void *base, const cJSON *node, const struct fot_key_ctx *ctx)
{
	int status;

	FOT_TRY(fot_keys_read(base, fot_model_keys, fot_n_model_keys, node, ctx));
	status = check_mem_settings(base, ctx);
out:
	return status;
}

/* --- a task --- */

static int find_class(struct fot_task_spec *t, const cJSON *node, const struct fot_key_ctx *ctx)
{
	const char *names[FOT_TASK_CLASSES_MAX] = { NULL };
	struct fot_key key = { .name = "task", .type = &fot_key_choice, .bytes = sizeof(int32_t), .words = names };
	int32_t i = 0;
	int status;

	if (!cJSON_IsObject(node))
		return FOT_FAIL(ctx->err, ctx->json.code, "%s: expected an object", ctx->json.where);
	for (size_t k = 0; k < fot_n_task_classes; k++)
		names[k] = fot_task_classes[k]->name;
	FOT_TRY(key.type->read(&i, &key, node, ctx));
	t->class = fot_task_classes[i];
out:
	return status;
}

static int read_task(void *base, const cJSON *node, const struct fot_key_ctx *ctx)
{
	struct fot_task_spec *t = base;
	int status;

	t->split = FOT_TEST;
	FOT_TRY(find_class(t, node, ctx));
	FOT_TRY(fot_keys_read(t, t->class->keys, t->class->n_keys, node, ctx));
	if (t->class->complete)
		status = t->class->complete(t, ctx->json.where, ctx->err);
out:
	return status;
}

/* --- an exclusion --- */

static int read_excluded_memory(void *base, const struct fot_key *k, const cJSON *obj, const struct fot_key_ctx *ctx)
{
	struct fot_exclusion *x = base;
	const char *memory = NULL;
	int status;

	FOT_TRY(fot_json_string(obj, k->name, true, &memory, &ctx->json, ctx->err));
	x->has_memory = true;
	FOT_TRY(fot_attach_parse(&x->memory, memory, ctx->json.where, ctx->err));
	if (x->memory.mode == FOT_MEMORY_OWN)
		status = FOT_FAIL(ctx->err, ctx->json.code, "%s: memory \"%.40s\": expected a kind of memory, not the model's own",
				  ctx->json.where, memory);
out:
	return status;
}

static bool excluded_memory_set(const struct fot_key *k, const void *base)
{
	const struct fot_exclusion *x = base;

	(void)k;
	return x->has_memory;
}

static bool write_excluded_memory(cJSON *o, const struct fot_key *k, const void *base)
{
	const struct fot_exclusion *x = base;

	return write_printed(o, k, &x->memory, fot_attach_print);
}

static const struct fot_key_type key_excluded_memory = { "word", FOT_KEY_NO_FLAG, read_excluded_memory,
							 write_excluded_memory, excluded_memory_set, NULL };

#define EXCLUDED_TEXT(key, member, sentence)                                                                      \
	{ .name = key, .type = &fot_key_text, FOT_KEY_AT(struct fot_exclusion, member), .only_if_set = true,      \
	  .unset = "any", .help = sentence }

const struct fot_key fot_exclusion_keys[] = {
	EXCLUDED_TEXT("model", model, "name of the model's folder"),
	EXCLUDED_TEXT("variant", variant, "name of the model's variant"),
	{ .name = "memory", .type = &key_excluded_memory, .only_if_set = true, .unset = "any",
	  .help = "kind of memory with its numbers, knn with any top_k; options behind it must be the memory's too" },
	EXCLUDED_TEXT("dataset", dataset, "name of the dataset"),
	EXCLUDED_TEXT("task", task, "name of the task"),
	EXCLUDED_TEXT("prompt_style", style, "filler of the prompts"),
	{ .name = "context_lengths", .type = &fot_key_sizes,
	  FOT_KEY_LIST(struct fot_exclusion, context_length.at, context_length.n), .lo = 1, .hi = FOT_SPEC_TOKENS,
	  .only_if_set = true, .unset = "any", .help = "context lengths; not of a task that asks for all of them at once" },
};
const size_t fot_n_exclusion_keys = FOT_COUNT(fot_exclusion_keys);

static int read_exclusion(void *base, const cJSON *node, const struct fot_key_ctx *ctx)
{
	if (!cJSON_IsObject(node) || !node->child)
		return FOT_FAIL(ctx->err, ctx->json.code, "%s: expected an object with model, variant, memory, dataset or others",
				ctx->json.where);
	return fot_keys_read(base, fot_exclusion_keys, fot_n_exclusion_keys, node, ctx);
}

/* --- the lists of objects --- */

/* Where one is in its struct, its entries' size and reader; their keys: NULL: those of the entry's class. */
struct list {
	const char *name; /* of its key */
	size_t at, count, size;
	int (*read)(void *entry, const cJSON *node, const struct fot_key_ctx *ctx);
	const struct fot_key *keys;
	const size_t *n_keys;
	/* May the last one stand beside those before it? NULL: yes. */
	int (*check)(const void *entries, size_t last, const struct fot_key_ctx *ctx);
};

#define LIST_AT(type, member, number) \
	offsetof(type, member), offsetof(type, number), sizeof(*((type *)0)->member)

static const struct list lists[] = {
	{ "models", LIST_AT(struct fot_spec, model, n_models), read_model, fot_model_keys, &fot_n_model_keys,
	  NULL },
	{ "tasks", LIST_AT(struct fot_spec, task, n_tasks), read_task, NULL, NULL, NULL },
	{ "exclude", LIST_AT(struct fot_spec, exclude, n_excluded), read_exclusion, fot_exclusion_keys,
	  &fot_n_exclusion_keys, NULL },
	{ "memory", LIST_AT(struct fot_model_spec, memory, n_memory), read_memory, fot_memory_keys,
	  &fot_n_memory_keys, check_memory },
};

static const struct list *list_of(const struct fot_key *k)
{
	return &lists[FOT_FIND(lists, k->name)];
}

/* An entry's keys; a task whose class is not known has none. */
static const struct fot_key *keys_of(const struct list *l, const void *entry, size_t *n)
{
	const struct fot_task_spec *t = entry;

	*n = l->keys ? *l->n_keys : t->class ? t->class->n_keys : 0;
	return l->keys ? l->keys : t->class ? t->class->keys : NULL;
}

static char *entries_of(const struct list *l, const void *base)
{
	char *entries;

	memcpy(&entries, (const char *)base + l->at, sizeof entries);
	return entries;
}

static size_t *count_of(const struct list *l, void *base)
{
	return (size_t *)(void *)((char *)base + l->count);
}

static size_t count_in(const struct list *l, const void *base)
{
	return *(const size_t *)(const void *)((const char *)base + l->count);
}

/* ctx of the i-th entry of the list named key; its place is printed to where. */
static struct fot_key_ctx entry_ctx(struct fot_str *where, const struct fot_key_ctx *ctx, const char *key,
				    size_t i)
{
	struct fot_key_ctx inner = *ctx;

	fot_str_clear(where);
	fot_str_printf(where, "%s%s%s[%zu]", ctx->json.where, strstr(ctx->json.where, ": ") ? "." : ": ", key,
		       i);
	inner.json.where = where->failed ? ctx->json.where : where->data;
	return inner;
}

static int read_objects(void *base, const struct fot_key *k, const cJSON *obj, const struct fot_key_ctx *ctx)
{
	const struct list *l = list_of(k);
	struct fot_str where = FOT_STR_INIT;
	const cJSON *entry = NULL;
	size_t n = 0, *count = count_of(l, base);
	char *entries;
	int status;

	FOT_TRY(fot_spec_list(obj, k->name, &entry, &n, ctx));
	entries = fot_calloc(n, l->size);
	if (!entries)
		return fot_key_no_memory(ctx);
	memcpy((char *)base + l->at, &entries, sizeof entries);
	for (; entry; entry = entry->next) {
		struct fot_key_ctx inner = entry_ctx(&where, ctx, k->name, *count);

		FOT_TRY(l->read(entries + (*count)++ * l->size, entry, &inner));
		if (l->check)
			FOT_TRY(l->check(entries, *count - 1, &inner));
	}
out:
	fot_str_release(&where);
	return status;
}

static bool write_objects(cJSON *o, const struct fot_key *k, const void *base)
{
	const struct list *l = list_of(k);
	cJSON *list = cJSON_AddArrayToObject(o, k->name);
	bool good = list != NULL;

	for (size_t i = 0; i < count_in(l, base) && good; i++) {
		const char *entry = entries_of(l, base) + i * l->size;
		size_t n;
		const struct fot_key *keys = keys_of(l, entry, &n);
		cJSON *object = fot_json_append(list);

		good = object && fot_keys_write(object, keys, n, entry);
	}
	return good;
}

static bool objects_set(const struct fot_key *k, const void *base)
{
	return count_in(list_of(k), base) > 0;
}

static void release_objects(const struct fot_key *k, void *base)
{
	const struct list *l = list_of(k);

	for (size_t i = 0; i < count_in(l, base); i++) {
		char *entry = entries_of(l, base) + i * l->size;
		size_t n;
		const struct fot_key *keys = keys_of(l, entry, &n);

		fot_keys_release(keys, n, entry);
	}
	fot_free(entries_of(l, base));
	memcpy((char *)base + l->at, &(char *){ NULL }, sizeof(char *));
	*count_of(l, base) = 0;
}

static const struct fot_key_type key_memories = {
	"list of words or objects", FOT_KEY_WORDS, read_objects, write_objects, objects_set, release_objects
};

/* --- the top level --- */

static const struct fot_key_type key_objects = { "list of objects", FOT_KEY_NO_FLAG, read_objects, write_objects, objects_set,
						 release_objects };

const struct fot_key fot_spec_keys[] = {
	{ .name = "name", .type = &fot_key_name, FOT_KEY_AT(struct fot_spec, name), .dflt = "\"run\"", .flag = "name",
	  .arg = "TEXT", .help = "title of the run" },
	{ .name = "seed", .type = &fot_key_integer, FOT_KEY_AT(struct fot_spec, seed), .lo = 0, .hi = 9007199254740991.0,
	  .dflt = "1", .flag = "seed", .arg = "S", .help = "seed of everything that is drawn" },
	{ .name = "window", .type = &fot_key_size, FOT_KEY_AT(struct fot_spec, window), .lo = 0, .hi = 1 << 24,
	  .unset = "the model's", .flag = "window", .arg = "W", .help = "tokens of the local window" },
	{ .name = "threads", .type = &fot_key_integer, FOT_KEY_AT(struct fot_spec, threads), .lo = 1,
	  .hi = FOT_SESSION_THREADS_MAX, .unwritten = true, .unset = "all processors",
	  .help = "threads; results do not depend on it" },
	{ .name = "compute", .type = &fot_key_choice, FOT_KEY_AT(struct fot_spec, compute), .words = fot_compute_words,
	  .only_if_set = true, .unset = "f32", .flag = "compute", .arg = "TYPE",
	  .help = "numbers of products; bf16 is twice as fast where the processor has it, and not the same bits" },
	{ .name = "engine", .type = &fot_key_choice, FOT_KEY_AT(struct fot_spec, engine), .words = fot_engine_words,
	  .only_if_set = true, .unset = "cpu", .flag = "engine", .arg = "NAME",
	  .help = "what computes; cuda is an NVIDIA GPU, in programs built with make CUDA=1, twin the same on the CPU, slowly" },
	{ .name = "models", .type = &key_objects, FOT_KEY_AT(struct fot_spec, model), .required = true,
	  .help = "models, each with the memories to read it with" },
	{ .name = "tasks", .type = &key_objects, FOT_KEY_AT(struct fot_spec, task), .required = true,
	  .help = "tasks to do with every model and memory" },
	{ .name = "exclude", .type = &key_objects, FOT_KEY_AT(struct fot_spec, exclude), .only_if_set = true,
	  .unset = "nothing", .help = "what is left out: all that matches every key of one of these" },
};
const size_t fot_n_spec_keys = FOT_COUNT(fot_spec_keys);

int fot_spec_parse(struct fot_spec *s, const cJSON *root, const char *name, const char *base_dir,
		   struct fot_err *err)
{
	struct fot_key_ctx ctx = { { name, FOT_ERR_USAGE }, base_dir, err };
	int status;

	*s = (struct fot_spec){ 0 };
	FOT_TRY(fot_keys_read(s, fot_spec_keys, fot_n_spec_keys, root, &ctx));
	if (base_dir && !(s->folder = fot_strdup(base_dir)))
		status = fot_key_no_memory(&ctx);
out:
	if (status != FOT_OK)
		fot_spec_release(s);
	return status;
}

int fot_spec_read(struct fot_spec *s, const char *path, struct fot_err *err)
{
	struct fot_str at = FOT_STR_INIT;
	char *dir = NULL;
	cJSON *root = NULL;
	int status;

	*s = (struct fot_spec){ 0 };
	FOT_TRY(fot_path_need(&at, FOT_PATH_SPEC, path, NULL, FOT_ERR_USAGE, err));
	if (strchr(at.data, '/') && !(dir = fot_path_folder(at.data)))
		FOT_TRY(FOT_NO_MEMORY(err, path));
	FOT_TRY(fot_json_read(&root, at.data, MAX_FILE, FOT_ERR_USAGE, err));
	FOT_TRY(fot_spec_parse(s, root, at.data, dir, err));
out:
	cJSON_Delete(root);
	fot_free(dir);
	fot_str_release(&at);
	return status;
}

void fot_spec_release(struct fot_spec *s)
{
	fot_keys_release(fot_spec_keys, fot_n_spec_keys, s);
	fot_free(s->folder);
	*s = (struct fot_spec){ 0 };
}

/* --- writing --- */

cJSON *fot_spec_json(const struct fot_spec *s)
{
	cJSON *root = cJSON_CreateObject();

	if (root && fot_keys_write(root, fot_spec_keys, fot_n_spec_keys, s))
		return root;
	cJSON_Delete(root);
	return NULL;
}

int fot_spec_hash(char out[65], const struct fot_spec *s, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	cJSON *root = fot_spec_json(s);
	int status = root ? fot_json_canonical(&text, root, err) :
			    FOT_NO_MEMORY(err, "spec");

	if (status == FOT_OK)
		fot_sha256_of(text.data, text.len, out);
	fot_str_release(&text);
	cJSON_Delete(root);
	return status;
}

/* --- tasks --- */

const char *const fot_split_words[] = { "train", "valid", "test", "all", NULL };

const char *fot_spec_split_name(enum fot_split split)
{
	return fot_split_words[split];
}

/* Which class it is has been found before any key is read. */
static int read_class_key(void *base, const struct fot_key *k, const cJSON *obj, const struct fot_key_ctx *ctx)
{
	(void)base, (void)k, (void)obj, (void)ctx;
	return FOT_OK;
}

static bool write_class_key(cJSON *o, const struct fot_key *k, const void *base)
{
	const struct fot_task_spec *t = base;

	return cJSON_AddStringToObject(o, k->name, t->class->name);
}

const struct fot_key_type fot_key_class = { "word", FOT_KEY_NO_FLAG, read_class_key, write_class_key, NULL, NULL };
