/* compute.h: in which numbers products are made.
 *
 *   f32    weights and inputs as they are, f32 sums (matmul.h; in training OpenBLAS): the reference
 *   bf16   both rounded to bf16, f32 sums (bf16.h); in training too, forward and backward, where
 *          weights, sums of gradients and the optimiser stay f32
 *
 * So are attention's: scores, outputs, and what goes back through them (attention.h); softmax, norms and what is kept of
 * keys and values are f32 in both, and so is what top-k retrieved, once its scores are there. */
#ifndef FOT_COMPUTE_H
#define FOT_COMPUTE_H

enum fot_compute { FOT_COMPUTE_F32, FOT_COMPUTE_BF16 };

/* "f32", "bf16"; ended by NULL, for tables of keys and options. */
extern const char *const fot_compute_words[];

#endif
