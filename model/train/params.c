/* params.c: the flat array and its way to and from files. */
#include "model/train/params.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/rng.h"
#include "model/dtype.h"
#include "model/safetensors.h"

static int64_t spec_count(const struct fot_tensor_spec *s)
{
	return s->cols ? s->rows * s->cols : s->rows;
}

int fot_params_init(struct fot_params *p, const struct fot_config *c, struct fot_err *err)
{
	int64_t at = 0;

	memset(p, 0, sizeof *p);
	p->config = *c;
	p->n_tensors = fot_config_tensors(c, NULL);
	p->spec = fot_calloc(p->n_tensors, sizeof *p->spec);
	p->offset = fot_calloc(p->n_tensors, sizeof *p->offset);
	if (!p->spec || !p->offset)
		goto fail;
	fot_config_tensors(c, p->spec);
	for (size_t i = 0; i < p->n_tensors; i++) {
		p->offset[i] = at;
		at += (spec_count(&p->spec[i]) + 15) / 16 * 16;
	}
	p->n = at;
	p->w = fot_calloc((size_t)at, sizeof *p->w);
	if (p->w)
		return FOT_OK;
fail:
	fot_params_release(p);
	return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for %lld parameters", (long long)at);
}

void fot_params_release(struct fot_params *p)
{
	fot_free(p->spec);
	fot_free(p->offset);
	fot_free(p->w);
	memset(p, 0, sizeof *p);
}

int64_t fot_params_offset(const struct fot_params *p, enum fot_tensor_role role, int layer)
{
	for (size_t i = 0; i < p->n_tensors; i++)
		if (p->spec[i].role == role && p->spec[i].layer == layer)
			return p->offset[i];
	return -1;
}

/* Tensors that do not start at random, and what they start at. */
static const struct {
	bool is;
	double at;
} constant[FOT_ROLE_COUNT] = {
	[FOT_ROLE_ATTN_NORM] = { true, 1 },
	[FOT_ROLE_MLP_NORM] = { true, 1 },
	[FOT_ROLE_NORM] = { true, 1 },
	[FOT_ROLE_ATTN_OUT_NORM] = { true, 1 },
	[FOT_ROLE_MLP_OUT_NORM] = { true, 1 },
	[FOT_ROLE_Q_NORM] = { true, 1 },
	[FOT_ROLE_K_NORM] = { true, 1 },
	[FOT_ROLE_Q_BIAS] = { true, 0 },
	[FOT_ROLE_K_BIAS] = { true, 0 },
	[FOT_ROLE_V_BIAS] = { true, 0 },
	[FOT_ROLE_O_BIAS] = { true, 0 },
	[FOT_ROLE_GATE_PROJ_BIAS] = { true, 0 },
	[FOT_ROLE_UP_BIAS] = { true, 0 },
	[FOT_ROLE_DOWN_BIAS] = { true, 0 },
	[FOT_ROLE_GATE_BIAS] = { true, 0 },
	[FOT_ROLE_QK_SCALE] = { true, M_LN10 },
};

static double start_deviation(const struct fot_params *p, const struct fot_tensor_spec *s, double gain,
			      double embed_std)
{
	double std = gain / sqrt((double)(s->cols ? s->cols : 1));

	if (s->role == FOT_ROLE_EMBED)
		return embed_std;
	return s->role == FOT_ROLE_O || s->role == FOT_ROLE_DOWN ? std / sqrt(2.0 * p->config.n_layers) : std;
}

void fot_params_random(struct fot_params *p, uint64_t seed, double gain, double embed_std)
{
	for (size_t i = 0; i < p->n_tensors; i++) {
		const struct fot_tensor_spec *s = &p->spec[i];
		double std = start_deviation(p, s, gain, embed_std);
		fot_real *w = p->w + p->offset[i];
		struct fot_rng rng;

		fot_rng_init(&rng, seed, "train.init", i);
		for (int64_t j = 0; j < spec_count(s); j++)
			w[j] = (fot_real)(float)(constant[s->role].is ? constant[s->role].at :
									std * fot_rng_normal(&rng));
	}
}

/* All tensors of w that p asks for; those that are not there are left as they are. */
static int copy_tensors(struct fot_params *p, const struct fot_weights *w, struct fot_err *err)
{
	float *tmp = NULL;
	int status = FOT_OK;

	for (size_t i = 0; i < p->n_tensors; i++) {
		const struct fot_tensor *t = fot_weights_find(w, p->spec[i].name);

		if (!t)
			continue;
		fot_free(tmp);
		tmp = fot_alloc((size_t)t->n, sizeof *tmp);
		if (!tmp) {
			status = FOT_FAIL(err, FOT_ERR_RUN, "out of memory for tensor %s", t->name);
			goto out;
		}
		fot_widen(tmp, t->data, t->dtype, (size_t)t->n);
		for (int64_t j = 0; j < t->n; j++)
			p->w[p->offset[i] + j] = (fot_real)tmp[j];
	}
out:
	fot_free(tmp);
	return status;
}

int fot_params_check_hash(const char *dir, const char *hash, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	char got[65];
	int status;

	FOT_TRY(fot_path_at(&path, dir, "model.safetensors", err));
	FOT_TRY(fot_sha256_file(path.data, got, err));
	if (strcmp(got, hash) != 0)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: sha256: expected %.12s..., got %.12s...", path.data, hash, got);
out:
	fot_str_release(&path);
	return status;
}

/* Everything that the folder's model is made of must be in ours: what is left out would make it another one. */
static int check_surplus(const struct fot_params *p, const struct fot_config *old, const char *dir, struct fot_err *err)
{
	size_t n = fot_config_tensors(old, NULL);
	struct fot_tensor_spec *spec = fot_alloc(n, sizeof *spec);
	int status = FOT_OK;

	if (!spec)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for a list of %zu tensors", n);
	fot_config_tensors(old, spec);
	for (size_t i = 0; i < n && status == FOT_OK; i++)
		if (spec[i].role != FOT_ROLE_GATE_BIAS && fot_params_offset(p, spec[i].role, spec[i].layer) < 0)
			status = FOT_FAIL(err, FOT_ERR_INPUT,
					  "%s: %s: the model to be trained has no such tensor: expected a config that has all of %s",
					  dir, spec[i].name, fot_family(old->family)->model_type);
	fot_free(spec);
	return status;
}

int fot_params_start(struct fot_params *p, const char *dir, struct fot_err *err)
{
	struct fot_weights *w = NULL;
	struct fot_config wanted = p->config, old;
	int status;

	FOT_TRY(fot_config_read(&old, dir, err));
	if (old.n_heads != wanted.n_heads || old.qk_norm != wanted.qk_norm) {
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected %d heads with%s query-key normalisation, got %d with%s",
				  dir, wanted.n_heads, wanted.qk_norm ? "" : "out", old.n_heads,
				  old.qk_norm ? "" : "out");
		goto out;
	}
	FOT_TRY(check_surplus(p, &old, dir, err));
	wanted.mix = old.mix; /* gates that are not there need not be */
	if (old.mix == FOT_MIX_GATE) {
		wanted.n_mem_layers = old.n_mem_layers;
		memcpy(wanted.mem_layers, old.mem_layers, sizeof wanted.mem_layers);
	}
	FOT_TRY(fot_weights_open(&w, dir, err));
	FOT_TRY(fot_weights_check(w, &wanted, NULL, err));
	FOT_TRY(copy_tensors(p, w, err));
out:
	fot_weights_close(w);
	return status;
}

/* One number into the file's type. */
static void store_number(unsigned char *out, enum fot_dtype dtype, float x)
{
	uint16_t half = fot_f16_of(x), brain = fot_bf16_of(x);

	if (dtype == FOT_F16)
		memcpy(out, &half, sizeof half);
	else if (dtype == FOT_BF16)
		memcpy(out, &brain, sizeof brain);
	else
		memcpy(out, &x, sizeof x);
}

int fot_params_write(const struct fot_params *p, const fot_real *array, enum fot_dtype dtype, const char *path,
		     struct fot_err *err)
{
	struct fot_tensor *t = fot_calloc(p->n_tensors, sizeof *t);
	size_t size = fot_dtype_size(dtype);
	unsigned char *copy = fot_alloc((size_t)p->n, size);
	int status;

	if (!t || !copy) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "%s: out of memory while writing", path);
		goto out;
	}
	for (int64_t i = 0; i < p->n; i++)
		store_number(copy + size * (size_t)i, dtype, (float)array[i]);
	for (size_t i = 0; i < p->n_tensors; i++) {
		const struct fot_tensor_spec *s = &p->spec[i];

		t[i].name = s->name;
		t[i].dtype = dtype;
		t[i].rank = s->cols ? 2 : 1;
		t[i].shape[0] = s->rows;
		t[i].shape[1] = s->cols;
		t[i].n = spec_count(s);
		t[i].data = copy + size * (size_t)p->offset[i];
		t[i].bytes = size * (size_t)t[i].n;
	}
	status = fot_safetensors_write(path, t, p->n_tensors, (const char *const[][2]){ { "format", "pt" } }, 1, err);
out:
	fot_free(t);
	fot_free(copy);
	return status;
}

int fot_params_read(const struct fot_params *p, fot_real *array, const char *path, struct fot_err *err)
{
	struct fot_safetensors *st = NULL;
	int status;

	FOT_TRY(fot_safetensors_open(&st, path, err));
	for (size_t i = 0; i < p->n_tensors; i++) {
		const struct fot_tensor *t = fot_safetensors_find(st, p->spec[i].name);
		const unsigned char *bytes;

		if (!t || t->dtype != FOT_F32 || t->n != spec_count(&p->spec[i])) {
			status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: tensor %s missing or of another shape", path,
					  p->spec[i].name);
			goto out;
		}
		bytes = t->data;
		for (int64_t j = 0; j < t->n; j++) {
			float x;

			memcpy(&x, bytes + sizeof x * (size_t)j, sizeof x);
			array[p->offset[i] + j] = (fot_real)x;
		}
	}
out:
	fot_safetensors_close(st);
	return status;
}
