/* vote.h: a start that votes: the label of the texts that are most alike.
 *
 *   .. text A \n = [x] \n  text B \n = [y] \n .. text A' \n [=]      a window; "=" is what stands before labels
 *
 *   layer mem - 2   one head looks at the token before: is it "="?  Then the MLP marks the token as a label, and copies
 *                   it to numbers of its own; tokens around labels are marked, too, as no text
 *   layer mem - 1   every token takes the mean of some `reach` tokens of text before it
 *   layer mem       compares the means of query and key, and adds the labels of keys that are labels
 *
 * It is the vote sum_i exp(kappa cos(q, t_i)) [label i] over demonstrations i (Nadaraya 1964, Watson 1964), written as weights.
 * It knows nothing but which tokens are alike, by a given model's embeddings; training is to learn what matters in
 * a text.  Without such a start reading, comparing and saying have to be found at once, which they
 * were not in 7 M tokens (docs/notebook.md).
 *
 * The numbers of a layer's input, n of each kind: the token, the mean of the text, the label; at the end a constant,
 * the mark of labels and the mark of what is no text.  Embeddings must be tied to the output, so that a label's numbers say it. */
#ifndef FOT_VOTE_H
#define FOT_VOTE_H

#include "model/tokenizer.h"
#include "model/train/params.h"
#include "model/train/vote_fit.h"
#include "datasets/template.h"

/* Can a model have that form?  The first memory layer has two layers below it, no positions and one softmax for window and
 * memory; tied embeddings; as many key as query heads, of hidden_size / n_heads numbers; layers
 * that norm their inputs; intermediate_size >= hidden_size / 3 + 8; windows of at most FOT_VOTE_WINDOW tokens. */
bool fot_vote_possible(const struct fot_config *c);
/* Add that form to p, which holds small random numbers, with embeddings from the model in dir, which has the same
 * vocabulary and may be of another shape.  Labels stand where t says.
 * Errors: FOT_ERR_INPUT, FOT_ERR_USAGE (a template with nothing between text and label), FOT_ERR_RUN (memory). */
int fot_vote_start(struct fot_params *p, const char *dir, const struct fot_tokenizer *tok,
		   const struct fot_template *t, struct fot_err *err);
/* No gradient for what the form needs: the embedding, and below the memory layer all but what the means are
 * taken of (Q and K of the layer below it).  With it free, training on other sets unlearnt the vote (docs/notebook.md). */
void fot_vote_hold(const struct fot_params *p, fot_real *grad);

#endif
