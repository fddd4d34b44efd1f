/* weights.c: the tensors of a model folder, and what a config expects of them.
 *
 * A folder holds model.safetensors or pytorch_model.bin, or shards named by their
 * ...index.json ("weight_map": tensor -> shard).  The shards
 * are opened once each, in the order of their names; all their tensors go into
 * one list sorted by name, which must have no duplicates and must agree with
 * the map.  The list a config asks for comes from one table of roles. */
#include "model/weights.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "base/list.h"
#include "base/mem.h"
#include "model/dtype.h"
#include "model/torch_zip.h"

#define INDEX_BYTES_MAX (100u << 20)

/* A tensor and the shard that holds it. */
struct entry {
	const struct fot_tensor *t;
	size_t shard;
};

/* One of the two formats. */
struct shard {
	struct fot_safetensors *safe;
	struct fot_torch *torch;
};

struct fot_weights {
	char *dir;
	struct shard *shards;
	char **shard_names;
	size_t n_shards;
	struct entry *by_file; /* shard by shard, in file order */
	struct entry *by_name;
	size_t n;
};

/* ---- shards ------------------------------------------------------------ */

/* Hugging Face's order: the single file wins over an index, safetensors over pickles. */
static const struct {
	const char *name;
	bool index, torch;
} files[] = {
	{ "model.safetensors", false, false },
	{ "model.safetensors.index.json", true, false },
	{ "pytorch_model.bin", false, true },
	{ "pytorch_model.bin.index.json", true, true },
};
#define N_FILES FOT_COUNT(files)

static int open_shard(struct shard *s, const char *path, bool torch, struct fot_err *err)
{
	return torch ? fot_torch_open(&s->torch, path, err) : fot_safetensors_open(&s->safe, path, err);
}

static size_t count_of(const struct shard *s)
{
	return s->torch ? fot_torch_count(s->torch) : fot_safetensors_count(s->safe);
}

static const struct fot_tensor *tensor_at(const struct shard *s, size_t i)
{
	return s->torch ? fot_torch_at(s->torch, i) : fot_safetensors_at(s->safe, i);
}

static int out_of_memory(const struct fot_weights *w, struct fot_err *err)
{
	return FOT_FAIL(err, FOT_ERR_RUN, "%s: out of memory for the table of tensors", w->dir);
}

/* A shard lies in the model's folder itself: a name with a slash could leave it. */
static int check_shard_name(const char *shard, const char *tensor, const char *index, struct fot_err *err)
{
	if (shard[0] != '\0' && shard[0] != '.' && !strchr(shard, '/'))
		return FOT_OK;
	return FOT_FAIL(err, FOT_ERR_INPUT,
			"%s: weight_map: \"%s\": expected the name of a file in the same folder, got \"%s\"",
			index, tensor, shard);
}

/* The distinct shard names of the map, sorted, into w->shard_names. */
static int list_shards(struct fot_weights *w, const cJSON *map, const char *index, struct fot_err *err)
{
	const char **all = NULL;
	const cJSON *item;
	size_t n = 0;
	int status = FOT_OK;

	cJSON_ArrayForEach (item, map)
		n++;
	all = fot_alloc(n, sizeof(*all));
	w->shard_names = fot_calloc(n, sizeof(*w->shard_names));
	if (!all || !w->shard_names) {
		status = out_of_memory(w, err);
		goto out;
	}
	n = 0;
	cJSON_ArrayForEach (item, map) {
		if (!cJSON_IsString(item)) {
			status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: weight_map: \"%s\": expected a string",
					  index, item->string);
			goto out;
		}
		FOT_TRY(check_shard_name(item->valuestring, item->string, index, err));
		all[n++] = item->valuestring;
	}
	qsort(all, n, sizeof(*all), fot_by_text);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && strcmp(all[i], all[i - 1]) == 0)
			continue;
		w->shard_names[w->n_shards] = fot_strdup(all[i]);
		if (!w->shard_names[w->n_shards]) {
			status = out_of_memory(w, err);
			goto out;
		}
		w->n_shards++;
	}
	if (n == 0)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: weight_map is empty", index);
out:
	fot_free(all);
	return status;
}

static int open_shards(struct fot_weights *w, bool torch, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	int status = FOT_OK;

	w->shards = fot_calloc(w->n_shards, sizeof(*w->shards));
	if (!w->shards)
		return out_of_memory(w, err);
	for (size_t i = 0; i < w->n_shards; i++) {
		FOT_TRY(fot_path_at(&path, w->dir, w->shard_names[i], err));
		FOT_TRY(open_shard(&w->shards[i], path.data, torch, err));
		w->n += count_of(&w->shards[i]);
	}
out:
	fot_str_release(&path);
	return status;
}

static int compare_entry(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->t->name, ((const struct entry *)b)->t->name);
}

static int gather(struct fot_weights *w, struct fot_err *err)
{
	size_t k = 0;

	w->by_file = fot_alloc(w->n, sizeof *w->by_file);
	w->by_name = fot_alloc(w->n, sizeof *w->by_name);
	if (!w->by_file || !w->by_name)
		return out_of_memory(w, err);
	for (size_t s = 0; s < w->n_shards; s++)
		for (size_t i = 0; i < count_of(&w->shards[s]); i++)
			w->by_file[k++] = (struct entry){ tensor_at(&w->shards[s], i), s };
	memcpy(w->by_name, w->by_file, w->n * sizeof *w->by_name);
	qsort(w->by_name, w->n, sizeof *w->by_name, compare_entry);
	for (size_t i = 1; i < w->n; i++)
		if (compare_entry(&w->by_name[i - 1], &w->by_name[i]) == 0)
			return FOT_FAIL(err, FOT_ERR_INPUT, "%s: tensor \"%s\" is in two shards: %s and %s",
					w->dir, w->by_name[i].t->name,
					w->shard_names[w->by_name[i - 1].shard],
					w->shard_names[w->by_name[i].shard]);
	return FOT_OK;
}

static const struct entry *find_entry(const struct fot_weights *w, const char *name)
{
	const struct fot_tensor key = { .name = name };
	const struct entry e = { &key, 0 };

	return w->n ? bsearch(&e, w->by_name, w->n, sizeof *w->by_name, compare_entry) : NULL;
}

static int check_map(const struct fot_weights *w, const cJSON *map, const char *index, struct fot_err *err)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, map) {
		const struct entry *e = find_entry(w, item->string);

		if (!e)
			return FOT_FAIL(err, FOT_ERR_INPUT,
					"%s: tensor \"%s\" should be in %s, which does not hold it", index,
					item->string, item->valuestring);
		if (strcmp(w->shard_names[e->shard], item->valuestring) != 0)
			return FOT_FAIL(err, FOT_ERR_INPUT, "%s: tensor \"%s\" should be in %s, but is in %s",
					index, item->string, item->valuestring, w->shard_names[e->shard]);
	}
	return FOT_OK;
}

static int open_index(struct fot_weights *w, const char *index, bool torch, struct fot_err *err)
{
	const struct fot_json_ctx ctx = { index, FOT_ERR_INPUT };
	const cJSON *map;
	cJSON *root = NULL;
	int status;

	FOT_TRY(fot_json_read(&root, index, INDEX_BYTES_MAX, FOT_ERR_INPUT, err));
	if (!cJSON_IsObject(root)) {
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected an object at the top", index);
		goto out;
	}
	FOT_TRY(fot_json_object(root, "weight_map", true, &map, &ctx, err));
	FOT_TRY(list_shards(w, map, index, err));
	status = open_shards(w, torch, err);
	if (status != FOT_OK) {
		fot_err_prefix(err, "%s", index);
		goto out;
	}
	FOT_TRY(gather(w, err));
	FOT_TRY(check_map(w, map, index, err));
out:
	cJSON_Delete(root);
	return status;
}

static int open_one(struct fot_weights *w, const char *name, bool torch, struct fot_err *err)
{
	int status;

	w->shard_names = fot_calloc(1, sizeof(*w->shard_names));
	if (!w->shard_names || !(w->shard_names[0] = fot_strdup(name)))
		return out_of_memory(w, err);
	w->n_shards = 1;
	FOT_TRY(open_shards(w, torch, err));
	FOT_TRY(gather(w, err));
out:
	return status;
}

/* ---- opening ----------------------------------------------------------- */

/* Also a link that leads nowhere: opening it tells why. */
static bool has_file(const char *dir, const char *name)
{
	struct fot_str path = FOT_STR_INIT;
	struct stat st;
	bool has;

	fot_path_join(&path, dir, name);
	has = !path.failed && lstat(path.data, &st) == 0;
	fot_str_release(&path);
	return has;
}

static int open_files(struct fot_weights *w, struct fot_err *err)
{
	struct fot_str index = FOT_STR_INIT;
	int status;

	for (size_t i = 0; i < N_FILES; i++) {
		if (!has_file(w->dir, files[i].name))
			continue;
		if (!files[i].index)
			return open_one(w, files[i].name, files[i].torch, err);
		fot_path_join(&index, w->dir, files[i].name);
		status = fot_str_check(&index, err);
		if (status == FOT_OK)
			status = open_index(w, index.data, files[i].torch, err);
		fot_str_release(&index);
		return status;
	}
	return FOT_FAIL(err, FOT_ERR_INPUT, "%s: no weights: expected %s, %s, %s or %s", w->dir, files[0].name,
			files[1].name, files[2].name, files[3].name);
}

int fot_weights_open(struct fot_weights **out, const char *dir, struct fot_err *err)
{
	struct fot_weights *w = fot_calloc(1, sizeof *w);
	int status;

	if (!w || !(w->dir = fot_strdup(dir))) {
		status = FOT_NO_MEMORY(err, dir);
		goto out;
	}
	status = open_files(w, err);
out:
	if (status == FOT_OK)
		*out = w;
	else
		fot_weights_close(w);
	return status;
}

void fot_weights_close(struct fot_weights *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->n_shards; i++) {
		if (w->shards) {
			fot_safetensors_close(w->shards[i].safe);
			fot_torch_close(w->shards[i].torch);
		}
		fot_free(w->shard_names[i]);
	}
	fot_free(w->shards);
	fot_free(w->shard_names);
	fot_free(w->by_file);
	fot_free(w->by_name);
	fot_free(w->dir);
	fot_free(w);
}

size_t fot_weights_count(const struct fot_weights *w)
{
	return w->n;
}

size_t fot_weights_bytes(const struct fot_weights *w)
{
	size_t bytes = 0;

	for (size_t i = 0; i < fot_weights_count(w); i++)
		bytes = fot_size_add(bytes, fot_weights_at(w, i)->bytes);
	return bytes;
}

const struct fot_tensor *fot_weights_at(const struct fot_weights *w, size_t i)
{
	return i < w->n ? w->by_file[i].t : NULL;
}

const struct fot_tensor *fot_weights_find(const struct fot_weights *w, const char *name)
{
	const struct entry *e = find_entry(w, name);

	return e ? e->t : NULL;
}

/* ---- what a config asks for -------------------------------------------- */

enum where { TOP, EVERY_LAYER, END };
/* DIM_Q, DIM_K: a row of queries, of keys; ..._NORM: what a norm of them covers. */
enum dim { NONE, DIM_V, DIM_D, DIM_F, DIM_H, DIM_Q, DIM_K, DIM_Q_NORM, DIM_K_NORM, DIMS };
enum need {
	ALWAYS,
	WITH_QK_NORM,
	WITH_GATE,
	WITH_BIAS,
	WITH_O_BIAS,
	WITH_MLP_BIAS,
	WITH_QK_RMS,
	WITH_INPUT_NORMS,
	WITH_OUTPUT_NORMS,
	UNLESS_TIED
};

/* Names of layers stand behind "model.layers.I.". In the order of the list. */
struct role_row {
	enum fot_tensor_role role;
	enum where where;
	const char *name;
	enum dim rows, cols;
	enum need need;
};

static const struct role_row roles[] = {
	{ FOT_ROLE_EMBED, TOP, "model.embed_tokens.weight", DIM_V, DIM_D, ALWAYS },
	{ FOT_ROLE_ATTN_NORM, EVERY_LAYER, "input_layernorm.weight", DIM_D, NONE, WITH_INPUT_NORMS },
	{ FOT_ROLE_Q, EVERY_LAYER, "self_attn.q_proj.weight", DIM_Q, DIM_D, ALWAYS },
	{ FOT_ROLE_K, EVERY_LAYER, "self_attn.k_proj.weight", DIM_K, DIM_D, ALWAYS },
	{ FOT_ROLE_V, EVERY_LAYER, "self_attn.v_proj.weight", DIM_K, DIM_D, ALWAYS },
	{ FOT_ROLE_O, EVERY_LAYER, "self_attn.o_proj.weight", DIM_D, DIM_Q, ALWAYS },
	{ FOT_ROLE_Q_BIAS, EVERY_LAYER, "self_attn.q_proj.bias", DIM_Q, NONE, WITH_BIAS },
	{ FOT_ROLE_K_BIAS, EVERY_LAYER, "self_attn.k_proj.bias", DIM_K, NONE, WITH_BIAS },
	{ FOT_ROLE_V_BIAS, EVERY_LAYER, "self_attn.v_proj.bias", DIM_K, NONE, WITH_BIAS },
	{ FOT_ROLE_O_BIAS, EVERY_LAYER, "self_attn.o_proj.bias", DIM_D, NONE, WITH_O_BIAS },
	{ FOT_ROLE_Q_NORM, EVERY_LAYER, "self_attn.q_norm.weight", DIM_Q_NORM, NONE, WITH_QK_RMS },
	{ FOT_ROLE_K_NORM, EVERY_LAYER, "self_attn.k_norm.weight", DIM_K_NORM, NONE, WITH_QK_RMS },
	{ FOT_ROLE_QK_SCALE, EVERY_LAYER, "self_attn.qk_scale", DIM_H, NONE, WITH_QK_NORM },
	{ FOT_ROLE_GATE_BIAS, EVERY_LAYER, "self_attn.mem_gate", DIM_H, NONE, WITH_GATE },
	{ FOT_ROLE_ATTN_OUT_NORM, EVERY_LAYER, "post_attention_layernorm.weight", DIM_D, NONE, WITH_OUTPUT_NORMS },
	{ FOT_ROLE_MLP_NORM, EVERY_LAYER, "post_attention_layernorm.weight", DIM_D, NONE, WITH_INPUT_NORMS },
	{ FOT_ROLE_GATE, EVERY_LAYER, "mlp.gate_proj.weight", DIM_F, DIM_D, ALWAYS },
	{ FOT_ROLE_UP, EVERY_LAYER, "mlp.up_proj.weight", DIM_F, DIM_D, ALWAYS },
	{ FOT_ROLE_DOWN, EVERY_LAYER, "mlp.down_proj.weight", DIM_D, DIM_F, ALWAYS },
	{ FOT_ROLE_GATE_PROJ_BIAS, EVERY_LAYER, "mlp.gate_proj.bias", DIM_F, NONE, WITH_MLP_BIAS },
	{ FOT_ROLE_UP_BIAS, EVERY_LAYER, "mlp.up_proj.bias", DIM_F, NONE, WITH_MLP_BIAS },
	{ FOT_ROLE_DOWN_BIAS, EVERY_LAYER, "mlp.down_proj.bias", DIM_D, NONE, WITH_MLP_BIAS },
	{ FOT_ROLE_MLP_OUT_NORM, EVERY_LAYER, "post_feedforward_layernorm.weight", DIM_D, NONE, WITH_OUTPUT_NORMS },
	{ FOT_ROLE_NORM, END, "model.norm.weight", DIM_D, NONE, ALWAYS },
	{ FOT_ROLE_HEAD, END, "lm_head.weight", DIM_V, DIM_D, UNLESS_TIED },
};

#define N_ROLES FOT_COUNT(roles)
_Static_assert(N_ROLES == FOT_ROLE_COUNT, "one row for each role");

static int64_t size_of_dim(const struct fot_config *c, enum dim d)
{
	bool head = c->qk_rms == FOT_QK_RMS_HEAD;
	const int64_t sizes[DIMS] = { [NONE] = 0,
				      [DIM_V] = c->vocab_size,
				      [DIM_D] = c->hidden_size,
				      [DIM_F] = c->intermediate_size,
				      [DIM_H] = c->n_heads,
				      [DIM_Q] = fot_config_query_width(c),
				      [DIM_K] = fot_config_key_width(c),
				      [DIM_Q_NORM] = head ? c->head_dim : fot_config_query_width(c),
				      [DIM_K_NORM] = head ? c->head_dim : fot_config_key_width(c) };

	return sizes[d];
}

static bool is_needed(const struct fot_config *c, enum need need, int32_t layer)
{
	switch (need) {
	case WITH_QK_NORM:
		return c->qk_norm;
	case WITH_GATE:
		return c->mix == FOT_MIX_GATE && fot_config_is_mem_layer(c, layer);
	case WITH_BIAS:
		return c->qkv_bias;
	case WITH_O_BIAS:
		return c->o_bias;
	case WITH_MLP_BIAS:
		return c->mlp_bias;
	case WITH_QK_RMS:
		return c->qk_rms != FOT_QK_RMS_NONE;
	case WITH_INPUT_NORMS:
		return !c->output_norms;
	case WITH_OUTPUT_NORMS:
		return c->output_norms;
	case UNLESS_TIED:
		return !c->tie_embeddings;
	default:
		return true;
	}
}

static size_t add_specs(const struct fot_config *c, enum where where, int32_t layer,
			struct fot_tensor_spec *specs, size_t n)
{
	for (size_t i = 0; i < N_ROLES; i++) {
		const struct role_row *r = &roles[i];
		struct fot_tensor_spec *s;

		if (r->where != where || !is_needed(c, r->need, layer))
			continue;
		if (specs) {
			s = &specs[n];
			if (layer >= 0)
				snprintf(s->name, sizeof s->name, "model.layers.%d.%s", layer, r->name);
			else
				snprintf(s->name, sizeof s->name, "%s", r->name);
			s->role = r->role;
			s->layer = layer;
			s->rows = size_of_dim(c, r->rows);
			s->cols = size_of_dim(c, r->cols);
		}
		n++;
	}
	return n;
}

size_t fot_config_tensors(const struct fot_config *c, struct fot_tensor_spec *specs)
{
	size_t n = add_specs(c, TOP, -1, specs, 0);

	for (int32_t layer = 0; layer < c->n_layers; layer++)
		n = add_specs(c, EVERY_LAYER, layer, specs, n);
	return add_specs(c, END, -1, specs, n);
}

/* ---- checking ---------------------------------------------------------- */

/* Names joined by commas up to a budget of bytes; the rest is only counted. */
struct listing {
	struct fot_str text;
	size_t n, shown, budget;
};

static void list_item(struct listing *l, const char *item)
{
	l->n++;
	if (l->n - 1 != l->shown || l->text.len + strlen(item) + 2 > l->budget)
		return;
	fot_str_printf(&l->text, "%s%s", l->shown ? ", " : "", item);
	l->shown++;
}

static void print_listing(struct fot_str *out, const char *what, const struct listing *l)
{
	if (l->n == 0)
		return;
	fot_str_printf(out, "%s%zu %s: %s", out->len ? "; " : "", l->n, what, l->shown ? l->text.data : "");
	if (l->n > l->shown)
		fot_str_printf(out, "%s%zu more", l->shown ? " and " : "", l->n - l->shown);
}

static bool fits(const struct fot_tensor *t, const struct fot_tensor_spec *s)
{
	return t->rank == (s->cols ? 2 : 1) && t->shape[0] == s->rows && (!s->cols || t->shape[1] == s->cols);
}

static bool is_float(enum fot_dtype t)
{
	return t == FOT_F32 || t == FOT_F16 || t == FOT_BF16 || t == FOT_F64;
}

static void list_misfit(struct listing *l, const struct fot_tensor *t, const struct fot_tensor_spec *s)
{
	struct fot_str item = FOT_STR_INIT;

	fot_str_printf(&item, "%s is %s [", t->name, fot_dtype_name(t->dtype));
	for (int32_t i = 0; i < t->rank; i++)
		fot_str_printf(&item, "%s%" PRId64, i ? "," : "", t->shape[i]);
	fot_str_printf(&item, "], expected a float type [%" PRId64, s->rows);
	if (s->cols)
		fot_str_printf(&item, ",%" PRId64, s->cols);
	fot_str_puts(&item, "]");
	list_item(l, item.failed ? t->name : item.data);
	fot_str_release(&item);
}

/* Older checkpoints carry the rotary table, which follows from the config. */
static bool is_ignored(const char *name)
{
	static const char suffix[] = "rotary_emb.inv_freq";
	size_t n = strlen(name), k = sizeof suffix - 1;

	return n >= k && strcmp(name + n - k, suffix) == 0;
}

static int compare_spec(const void *a, const void *b)
{
	return strcmp(((const struct fot_tensor_spec *)a)->name, ((const struct fot_tensor_spec *)b)->name);
}

static void list_surplus(struct listing *l, struct fot_str *all, const struct fot_weights *w,
			 const struct fot_tensor_spec *sorted, size_t n)
{
	struct fot_tensor_spec key;

	for (size_t i = 0; i < w->n; i++) {
		const char *name = w->by_file[i].t->name;

		/* a name too long for a spec is surplus whatever it is */
		if (strlen(name) < sizeof key.name) {
			memcpy(key.name, name, strlen(name) + 1);
			if (bsearch(&key, sorted, n, sizeof *sorted, compare_spec))
				continue;
		}
		if (is_ignored(name))
			continue;
		list_item(l, name);
		if (all)
			fot_str_printf(all, "%s%s", all->len ? ", " : "", name);
	}
}

int fot_weights_check(const struct fot_weights *w, const struct fot_config *c, struct fot_str *surplus,
		      struct fot_err *err)
{
	struct listing missing = { .budget = FOT_ERR_TEXT_MAX / 4 }, misfit = missing, extra = missing;
	size_t n = fot_config_tensors(c, NULL);
	struct fot_tensor_spec *specs = fot_alloc(n, sizeof *specs);
	struct fot_str text = FOT_STR_INIT;
	int status = FOT_OK;

	if (!specs)
		return out_of_memory(w, err);
	fot_config_tensors(c, specs);
	for (size_t i = 0; i < n; i++) {
		const struct fot_tensor *t = fot_weights_find(w, specs[i].name);

		if (!t)
			list_item(&missing, specs[i].name);
		else if (!fits(t, &specs[i]) || !is_float(t->dtype))
			list_misfit(&misfit, t, &specs[i]);
	}
	qsort(specs, n, sizeof *specs, compare_spec);
	list_surplus(&extra, surplus, w, specs, n);
	if (missing.n || misfit.n) {
		print_listing(&text, "missing", &missing);
		print_listing(&text, "of the wrong shape or type", &misfit);
		print_listing(&text, "not asked for", &extra);
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: the weights do not fit config.json: %s", w->dir,
				  text.failed ? "out of memory for the list" : text.data);
	} else if (surplus) {
		status = fot_str_check(surplus, err);
	}
	fot_str_release(&text);
	fot_str_release(&missing.text);
	fot_str_release(&misfit.text);
	fot_str_release(&extra.text);
	fot_free(specs);
	return status;
}

static int check_tensor_finite(const struct fot_weights *w, const struct fot_tensor *t, struct fot_err *err)
{
	enum { CHUNK = 1024 };
	float x[CHUNK];
	size_t size = fot_dtype_size(t->dtype), n = (size_t)t->n;

	for (size_t at = 0; at < n; at += CHUNK) {
		size_t k = n - at < CHUNK ? n - at : CHUNK;

		fot_widen(x, (const unsigned char *)t->data + at * size, t->dtype, k);
		for (size_t i = 0; i < k; i++)
			if (!isfinite(x[i]))
				return FOT_FAIL(err, FOT_ERR_INPUT,
						"%s: tensor \"%s\": element %zu of %zu is %s", w->dir,
						t->name, at + i, n, isnan(x[i]) ? "NaN" : "infinite");
	}
	return FOT_OK;
}

int fot_weights_check_finite(const struct fot_weights *w, struct fot_err *err)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct fot_tensor *t = w->by_file[i].t;
		int status = is_float(t->dtype) ? check_tensor_finite(w, t, err) : FOT_OK;

		if (status != FOT_OK)
			return status;
	}
	return FOT_OK;
}

static bool is_constant(const struct fot_tensor *t)
{
	enum { CHUNK = 1024 };
	float x[CHUNK], first = 0;
	size_t size = fot_dtype_size(t->dtype), n = (size_t)t->n;

	if (t->rank < 2 || n < 2 || !is_float(t->dtype))
		return false;
	fot_widen(&first, t->data, t->dtype, 1);
	for (size_t at = 0; at < n; at += CHUNK) {
		size_t k = n - at < CHUNK ? n - at : CHUNK;

		fot_widen(x, (const unsigned char *)t->data + at * size, t->dtype, k);
		for (size_t i = 0; i < k; i++)
			if (x[i] < first || x[i] > first)
				return false;
	}
	return true;
}

int fot_weights_constant(const struct fot_weights *w, struct fot_str *out, struct fot_err *err)
{
	for (size_t i = 0; i < w->n; i++)
		if (is_constant(w->by_file[i].t))
			fot_str_printf(out, "%s%s", out->len ? ", " : "", w->by_file[i].t->name);
	return fot_str_check(out, err);
}
