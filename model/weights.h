/* weights.h: all tensors of a model folder, whatever files they lie in.
 *
 * DIR/model.safetensors, or the shards of DIR/model.safetensors.index.json, or
 * DIR/pytorch_model.bin or the shards of its index; the first of these that is there.
 * A tensor in two shards, a missing shard and a shard path that leaves the
 * folder are errors. Data stay mapped in their stored type. */
#ifndef FOT_WEIGHTS_H
#define FOT_WEIGHTS_H

#include "model/safetensors.h"

struct fot_weights;
int fot_weights_open(struct fot_weights **out, const char *dir, struct fot_err *err);
void fot_weights_close(struct fot_weights *w);
size_t fot_weights_count(const struct fot_weights *w);
/* Of all tensors, as they are stored and mapped. */
size_t fot_weights_bytes(const struct fot_weights *w);
const struct fot_tensor *fot_weights_at(const struct fot_weights *w, size_t i);
const struct fot_tensor *fot_weights_find(const struct fot_weights *w, const char *name);

/* The tensors that config asks for, as rows of a table: the one list from which
 * loading, training, writing and counting work. Names are Hugging Face's:
 * model.embed_tokens.weight [V,D], model.layers.I.{input_layernorm,post_attention_layernorm}.weight [D],
 * model.layers.I.self_attn.{q,k,v,o}_proj.weight [D,D], model.layers.I.mlp.{gate,up}_proj.weight [F,D],
 * model.layers.I.mlp.down_proj.weight [D,F], model.norm.weight [D], lm_head.weight [V,D] unless tied;
 * with grouped keys and other heads q is [H d,D], k and v are [H_kv d,D], o is [D,H d];
 * families (family.h) add biases {q,k,v,o}_proj.bias and mlp.{gate,up,down}_proj.bias, norms
 * self_attn.{q,k}_norm.weight [d] or over all heads, and have norms of outputs,
 * post_{attention,feedforward}_layernorm.weight [D], in place of the two;
 * ours: model.layers.I.self_attn.qk_scale [H] (qk_norm), model.layers.I.self_attn.mem_gate [H]
 * (memory layers with mix gate). */
enum fot_tensor_role {
	FOT_ROLE_EMBED, FOT_ROLE_ATTN_NORM, FOT_ROLE_Q, FOT_ROLE_K, FOT_ROLE_V, FOT_ROLE_O, FOT_ROLE_Q_BIAS,
	FOT_ROLE_K_BIAS, FOT_ROLE_V_BIAS, FOT_ROLE_O_BIAS, FOT_ROLE_Q_NORM, FOT_ROLE_K_NORM, FOT_ROLE_QK_SCALE,
	FOT_ROLE_GATE_BIAS, FOT_ROLE_ATTN_OUT_NORM, FOT_ROLE_MLP_NORM, FOT_ROLE_GATE, FOT_ROLE_UP, FOT_ROLE_DOWN,
	FOT_ROLE_GATE_PROJ_BIAS, FOT_ROLE_UP_BIAS, FOT_ROLE_DOWN_BIAS, FOT_ROLE_MLP_OUT_NORM, FOT_ROLE_NORM,
	FOT_ROLE_HEAD, FOT_ROLE_COUNT
};
struct fot_tensor_spec {
	char name[96];
	enum fot_tensor_role role;
	int32_t layer;    /* -1 outside the layers */
	int64_t rows, cols; /* cols == 0: a vector of rows elements */
};
/* Number of tensors; with specs != NULL also fills specs[0..n). Order: embed,
 * layers in the order of the roles above, norm, head. */
size_t fot_config_tensors(const struct fot_config *c, struct fot_tensor_spec *specs);

/* Check that w holds exactly what c asks for: all missing, surplus and
 * misshapen tensors in one message (`...rotary_emb.inv_freq` is ignored;
 * other surplus tensors are listed in *surplus if not NULL, not an error). */
int fot_weights_check(const struct fot_weights *w, const struct fot_config *c, struct fot_str *surplus,
		      struct fot_err *err);
/* Every weight finite? Names the first tensor and element that is not. */
int fot_weights_check_finite(const struct fot_weights *w, struct fot_err *err);
/* Names of the matrices whose elements are all the same (zeros, say), comma-separated into *out. */
int fot_weights_constant(const struct fot_weights *w, struct fot_str *out, struct fot_err *err);

#endif
