/* engine_device_weights.c: weights and tables of a model on their way to a device. */
#include "model/engine_device.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include "model/dtype.h"

void *device_take(struct device_engine *e, size_t bytes, struct fot_err *err)
{
	void *at = e->kind->take(e->device, bytes);

	if (!at)
		FOT_FAIL(err, FOT_ERR_RUN,
			 "out of memory on the device: no room for %zu MiB, %zu MiB are free", bytes >> 20,
			 e->kind->room(e->device) >> 20);
	return at;
}

/* A tensor as `dtype`, through the stage where it is stored as another one. */
static void bring(struct device_engine *e, void *to, int dtype, const struct fot_tensor *t)
{
	int64_t size = (int64_t)fot_dtype_size(t->dtype), most = (int64_t)(STAGE_BYTES / (size_t)size);

	if ((int)t->dtype == dtype)
		e->kind->up(e->device, to, t->data, t->bytes);
	for (int64_t i = 0; i < t->n && (int)t->dtype != dtype; i += most) {
		struct fot_convert c = { .x = e->wide, .from = (int)t->dtype, .to = dtype };
		int64_t n = t->n - i < most ? t->n - i : most;

		c.y = (char *)to + fot_dtype_size((enum fot_dtype)dtype) * (size_t)i;
		e->kind->up(e->device, e->wide, (const char *)t->data + size * i, (size_t)(size * n));
		e->kind->launch(e->device, FOT_KERNEL_convert, &c, n);
	}
}

/* Matrices of the types that products or their widening take; F64 becomes F32. */
static int stored_as(const struct device_engine *e, const struct fot_tensor *t)
{
	return e->dtype == FOT_BF16 ? FOT_BF16 : t->dtype == FOT_F64 ? FOT_F32 : (int)t->dtype;
}

static int place_weight(struct device_engine *e, const struct fot_tensor_spec *spec,
			const struct fot_tensor *t, struct fot_err *err)
{
	struct layer none = { 0 }, *a = spec->layer >= 0 ? &e->layer[spec->layer] : &none;
	const float **vectors[FOT_ROLE_COUNT] = {
		[FOT_ROLE_NORM] = &e->norm,
		[FOT_ROLE_ATTN_NORM] = &a->norm1,
		[FOT_ROLE_MLP_NORM] = &a->norm2,
		[FOT_ROLE_ATTN_OUT_NORM] = &a->out_norm1,
		[FOT_ROLE_MLP_OUT_NORM] = &a->out_norm2,
		[FOT_ROLE_Q_NORM] = &a->q_norm,
		[FOT_ROLE_K_NORM] = &a->k_norm,
		[FOT_ROLE_QK_SCALE] = &a->log_scale,
		[FOT_ROLE_GATE_BIAS] = &a->mem_gate,
		[FOT_ROLE_Q_BIAS] = &a->q.bias,
		[FOT_ROLE_K_BIAS] = &a->k.bias,
		[FOT_ROLE_V_BIAS] = &a->v.bias,
		[FOT_ROLE_O_BIAS] = &a->o.bias,
		[FOT_ROLE_GATE_PROJ_BIAS] = &a->gate.bias,
		[FOT_ROLE_UP_BIAS] = &a->up.bias,
		[FOT_ROLE_DOWN_BIAS] = &a->down.bias,
	};
	struct matrix *matrices[FOT_ROLE_COUNT] = {
		[FOT_ROLE_EMBED] = &e->embed, [FOT_ROLE_HEAD] = &e->head, [FOT_ROLE_Q] = &a->q,
		[FOT_ROLE_K] = &a->k,         [FOT_ROLE_V] = &a->v,       [FOT_ROLE_O] = &a->o,
		[FOT_ROLE_GATE] = &a->gate,   [FOT_ROLE_UP] = &a->up,     [FOT_ROLE_DOWN] = &a->down,
	};
	struct matrix *m = matrices[spec->role];
	int dtype = m ? stored_as(e, t) : FOT_F32;
	void *to;

	if (spec->role == FOT_ROLE_EMBED && t->dtype != FOT_F64)
		dtype = (int)t->dtype; /* rows are read, not multiplied: as they are stored */
	to = device_take(e, fot_dtype_size((enum fot_dtype)dtype) * (size_t)t->n, err);
	if (!to)
		return FOT_ERR_RUN;
	bring(e, to, dtype, t);
	if (m) {
		m->w = to;
		m->dtype = dtype;
		m->out = t->shape[0];
		m->in = t->shape[1];
	} else if (vectors[spec->role]) {
		*vectors[spec->role] = to;
	}
	return FOT_OK;
}

/* With tied embeddings the head is the table, or where rows are rounded for products a copy of it. */
static int place_head(struct device_engine *e, const struct fot_tensor *table, struct fot_err *err)
{
	struct fot_tensor_spec head = { .role = FOT_ROLE_HEAD, .layer = -1 };

	if (stored_as(e, table) != e->embed.dtype)
		return place_weight(e, &head, table, err);
	e->head = e->embed;
	return FOT_OK;
}

int device_place_weights(struct device_engine *e, struct fot_err *err)
{
	size_t n = fot_config_tensors(&e->cfg, NULL);
	struct fot_tensor_spec *spec = fot_calloc(n, sizeof *spec);
	int status = FOT_OK;

	if (!spec)
		return FOT_NO_MEMORY(err, "session");
	fot_config_tensors(&e->cfg, spec);
	for (size_t i = 0; i < n; i++) {
		const struct fot_tensor *t = fot_weights_find(fot_model_weights(e->model), spec[i].name);

		FOT_TRY(place_weight(e, &spec[i], t, err));
		if (spec[i].role == FOT_ROLE_EMBED && e->cfg.tie_embeddings)
			FOT_TRY(place_head(e, t, err));
	}
out:
	fot_free(spec);
	return status;
}

int device_place_tables(struct device_engine *e, struct fot_err *err)
{
	struct fot_turning turning = fot_config_turning(&e->cfg, e->window);
	int64_t n = (e->window + 1) * e->cfg.head_dim / 2;
	float *both = fot_alloc((size_t)(2 * n), sizeof *both);

	if (!both)
		return FOT_NO_MEMORY(err, "session");
	e->key_factor = (float)fot_rope_attention(&turning);
	fot_rope_tables(both, both + n, e->window + 1, &turning);
	e->kind->up(e->device, e->cos, both, sizeof *both * (size_t)n);
	e->kind->up(e->device, e->sin, both + n, sizeof *both * (size_t)n);
	fot_free(both);
	return FOT_OK;
}

#endif
