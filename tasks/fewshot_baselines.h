/* fewshot_baselines.h: what few-shot classification gives without a model.
 *
 *   chance     guesses: each question's first guess is drawn, every further order of
 *              demonstrations guesses the next label, so that over n_labels orders each
 *              label is guessed once
 *   commonest  one label for all questions: the commonest of the test items, the best that
 *              one label can do (fot_fewshot_levels says its accuracy)
 *   bow        the vote of datasets/bow.h, of the demonstrations in the prompt, over
 *              bags of words of the texts (no template)
 *
 * Of labels with equal votes, or equally common, the set's first wins, as with a model's
 * scores; without demonstrations that is bow's answer.  Demonstrations of other sets have
 * labels that are no answers here: they vote for nothing. */
#ifndef FOT_FEWSHOT_BASELINES_H
#define FOT_FEWSHOT_BASELINES_H

#include "tasks/fewshot.h"

enum fot_fewshot_baseline {
	FOT_FEWSHOT_CHANCE,
	FOT_FEWSHOT_COMMONEST,
	FOT_FEWSHOT_BOW,
	FOT_FEWSHOT_BASELINES
};
extern const char *const fot_fewshot_baseline_name[FOT_FEWSHOT_BASELINES + 1]; /* NULL-terminated */

/* Holds the words of the questions and the votes so far: O(words + items x labels). */
struct fot_fewshot_baselines;
/* f, which has labels, is borrowed. Errors: FOT_ERR_RUN. */
int fot_fewshot_baselines_open(struct fot_fewshot_baselines **out, const struct fot_fewshot *f,
			       struct fot_err *err);
void fot_fewshot_baselines_close(struct fot_fewshot_baselines *b);
/* From here on the demonstrations are d's, which is borrowed, and none has been read. */
void fot_fewshot_baselines_begin(struct fot_fewshot_baselines *b, const struct fot_fewshot_demos *d);
/* Every test item's answer [fot_fewshot_n_items]: index of a label, behind the first `fitted`
 * demonstrations.  Ascending numbers read each demonstration once. Errors: FOT_ERR_RUN. */
int fot_fewshot_baselines_answer(int32_t *label, struct fot_fewshot_baselines *b,
				 enum fot_fewshot_baseline which, size_t fitted, struct fot_err *err);

#endif
