/* columns.c: see columns.h. */
#include "harness/tables/columns.h"

#include <string.h>

#include "base/list.h"

/* Places of several tables. */
#define SHOTS "n_shots", FOT_COLUMN_INT, false, "demonstrations; with fill the fewest of any seed"
#define STYLE "prompt_style", FOT_COLUMN_TEXT, false, "filler: paper, text or decoys"
#define RECORDS "n_records", FOT_COLUMN_INT, false, "entries of the dictionary"
#define CALIBRATION "calibration", FOT_COLUMN_TEXT, false, "raw, per-token, content-free"
#define CONTEXTS "n_contexts", FOT_COLUMN_INT, false, "d: documents in sight"
#define LAYER "layer", FOT_COLUMN_INT, false, "memory layer, from 0"
#define MAJORITY "majority_level", FOT_COLUMN_REAL, false, "accuracy of the commonest label"
#define ASKED "shots_asked", FOT_COLUMN_TEXT, false, "a number, or fill: as many as fit"
#define OWN "own_tokens", FOT_COLUMN_INT, false, "multi-doc: tokens of the memory that are the document's own; empty: all"

#define TOP_ANSWER                                                                                                   \
	"top_answer_share", FOT_COLUMN_REAL, FOT_COLUMN_LATE,                                                         \
		"beside the accuracy of answers: share of them that is the commonest one, mean over demonstration "   \
		"seeds; 1: one answer whatever the question"

#define FITTED                                                                                                       \
	"n_shots_fitted", FOT_COLUMN_INT, FOT_COLUMN_LATE,                                                            \
		"how many of the demonstrations asked for are in the prompt, or with shots_seen in what the memory "        \
		"reads, the fewest of any prompt; empty: all"

static const struct fot_column summary_columns[] = {
	FOT_KEY_COLUMNS,
	{ "depth", FOT_COLUMN_REAL, false, "place of what is asked for, 0 to 1" },
	{ SHOTS },
	{ "metric", FOT_COLUMN_TEXT, false,
	  "one of the task's; _trend is Theil-Sen's slope (nats per token per doubling of the context), _rank Spearman's "
	  "correlation of nll with length, both without context_length" },
	{ "value", FOT_COLUMN_REAL, false, "estimate" },
	{ "ci_low", FOT_COLUMN_REAL, false, "lower end of the interval" },
	{ "ci_high", FOT_COLUMN_REAL, false, "upper end of the interval" },
	{ "ci_level", FOT_COLUMN_REAL, false, "coverage, 0 to 1" },
	{ "ci_method", FOT_COLUMN_TEXT, false,
	  "cluster-bootstrap, crossed-bootstrap (items and demonstration seeds), paired-bootstrap (of delta), ratio-t, "
	  "wilson" },
	{ "se", FOT_COLUMN_REAL, false, "linearised standard error of value; empty in rows with a baseline" },
	{ "n_items", FOT_COLUMN_INT, false, "observations that count" },
	{ "n_clusters", FOT_COLUMN_INT, false, "texts, trials or test items: what is drawn; documents of the same text are one" },
	{ "n_failed", FOT_COLUMN_INT, false, "observations that failed" },
	{ "n_skipped", FOT_COLUMN_INT, false, "observations skipped: too short or too long" },
	{ "baseline_run_id", FOT_COLUMN_TEXT, false,
	  "RUN_ID:VARIANT/MEMORY@LENGTH, with demonstrations #SHOTS: the condition that delta is against; empty in rows "
	  "without a comparison" },
	{ "delta", FOT_COLUMN_REAL, false, "value minus the baseline's value, on the items that both have" },
	{ "delta_ci_low", FOT_COLUMN_REAL, false, "lower end, paired bootstrap over documents, trials or items" },
	{ "delta_ci_high", FOT_COLUMN_REAL, false, "upper end, paired bootstrap over documents, trials or items" },
	{ "p_value", FOT_COLUMN_REAL, false, "two-sided p of no difference" },
	{ "p_adjusted", FOT_COLUMN_REAL, false,
	  "p_value by Holm over the context lengths, shots or d of one comparison" },
	{ "p_method", FOT_COLUMN_TEXT, false,
	  "sign-flip-exact, sign-flip, mcnemar-exact or crossed-bootstrap" },
	{ "higher_is_better", FOT_COLUMN_BOOL, false, "direction of the metric" },
	{ "status", FOT_COLUMN_TEXT, false,
	  "ok, one cluster (no interval), one seed (items alone are drawn), constant (no rank correlation), empty "
	  "(nothing to estimate from), out of range (no double holds the value, or an end of its interval: that cell is "
	  "empty)" },
	FOT_SESSION_COLUMNS,
	{ "n_tokens_scored", FOT_COLUMN_INT, false, "target tokens, all documents" },
	{ "delta_nll_nats", FOT_COLUMN_REAL, false, "difference in nats per token" },
	{ "delta_nll_ci_low_nats", FOT_COLUMN_REAL, false, "lower end, paired bootstrap over documents" },
	{ "delta_nll_ci_high_nats", FOT_COLUMN_REAL, false, "upper end, paired bootstrap over documents" },
	{ "min_detectable_nats", FOT_COLUMN_REAL, false,
	  "minimum detectable difference: 2.80 x paired standard error" },
	{ "p_t", FOT_COLUMN_REAL, false, "two-sided p of the paired t test" },
	{ STYLE },
	{ "chance_level", FOT_COLUMN_REAL, false, "accuracy of guessing" },
	{ "n_correct", FOT_COLUMN_INT, false, "right ones, of an accuracy's n_total" },
	{ "n_total", FOT_COLUMN_INT, false, "what n_correct is out of" },
	{ "value_min", FOT_COLUMN_REAL, false, "smallest value of one trial or demonstration seed" },
	{ "value_max", FOT_COLUMN_REAL, false, "largest value of one trial or demonstration seed" },
	{ "sd_between", FOT_COLUMN_REAL, false, "standard deviation between trials or demonstration seeds" },
	{ CONTEXTS },
	{ LAYER },
	{ "head", FOT_COLUMN_INT, false, "head, from 0; empty: mean over heads" },
	{ RECORDS },
	{ CALIBRATION },
	{ "min_detectable", FOT_COLUMN_REAL, false,
	  "minimum detectable difference of an accuracy or mass: 2.80 x paired standard error" },
	{ "n_lengths", FOT_COLUMN_INT, false, "context lengths that a trend goes over" },
	{ MAJORITY },
	{ OWN },
	{ ASKED },
	FOT_MEMORY_COLUMN,
	{ "comparison", FOT_COLUMN_TEXT, false,
	  "what baseline_run_id is to the row: shortest or fewest shots (the same condition there), vanilla or local (the "
	  "baseline at the same place); empty in rows without a comparison" },
	{ TOP_ANSWER },
	FOT_DISTRACTORS_COLUMN,
	{ FITTED },
	FOT_BUDGET_COLUMNS,
	FOT_SEEN_COLUMN,
};

static const struct fot_column compare_columns[] = {
	{ "dataset", FOT_COLUMN_TEXT, false, "dataset name" },
	{ "context_length", FOT_COLUMN_INT, false, "local window plus memory, in tokens" },
	{ "model_variant", FOT_COLUMN_TEXT, false, "training method, as in the rows of the task" },
	{ "memory_mode", FOT_COLUMN_TEXT, false, FOT_MEMORY_MODE },
	FOT_SESSION_COLUMNS,
	{ "metric", FOT_COLUMN_TEXT, false, "one of the task's" },
	{ "n_items", FOT_COLUMN_INT, false, "documents, trials or answers in both runs" },
	{ "n_tokens_scored", FOT_COLUMN_INT, false, "target tokens, all documents" },
	{ "base", FOT_COLUMN_REAL, false, "the metric in BASE" },
	{ "new", FOT_COLUMN_REAL, false, "the metric in NEW" },
	{ "delta", FOT_COLUMN_REAL, false, "new minus base: positive is worse, unless higher_is_better" },
	{ "delta_ci_low", FOT_COLUMN_REAL, false, "lower end, paired bootstrap over documents" },
	{ "delta_ci_high", FOT_COLUMN_REAL, false, "upper end, paired bootstrap over documents" },
	{ "ci_level", FOT_COLUMN_REAL, false, "coverage, 0 to 1" },
	{ "p_value", FOT_COLUMN_REAL, false, "two-sided p of no difference" },
	{ "p_adjusted", FOT_COLUMN_REAL, false, "p_value by Holm over the context lengths of one condition" },
	{ "p_method", FOT_COLUMN_TEXT, false, "sign-flip-exact, sign-flip, mcnemar-exact or crossed-bootstrap" },
	{ "min_detectable", FOT_COLUMN_REAL, false,
	  "minimum detectable difference of the metric: 2.80 x paired standard error" },
	{ "max_item_diff_nats", FOT_COLUMN_REAL, false,
	  "largest difference of any document's mean nll per token, or of any item's score" },
	{ "tier", FOT_COLUMN_TEXT, false,
	  "identical, equal (within 1e-6 nats per token, the same answers) or statistical" },
	{ "verdict", FOT_COLUMN_TEXT, false,
	  "identical, equal, worse (beyond the margin), better, within margin, or undetected" },
	{ "base_run_id", FOT_COLUMN_TEXT, false, "run_id of BASE" },
	{ "new_run_id", FOT_COLUMN_TEXT, false, "run_id of NEW" },
	{ "task", FOT_COLUMN_TEXT, false, "task name" },
	{ STYLE },
	{ RECORDS },
	{ SHOTS },
	{ CALIBRATION },
	{ CONTEXTS },
	{ LAYER },
	{ "higher_is_better", FOT_COLUMN_BOOL, false, "direction of the metric; empty: 0" },
	{ OWN },
	{ ASKED },
	{ "new_model_variant", FOT_COLUMN_TEXT, false, "with --pair: variant of NEW; model_variant is that of BASE" },
	{ "new_memory", FOT_COLUMN_TEXT, false, "with --pair: memory of NEW, as in a spec: dense, knn:128" },
	FOT_MEMORY_COLUMN,
	FOT_DISTRACTORS_COLUMN,
};

static const struct fot_column report_columns[] = {
	{ "run", FOT_COLUMN_TEXT, false, "name of the run's folder" },
	{ "run_id", FOT_COLUMN_TEXT, false, "run_id of the run" },
	{ "dataset", FOT_COLUMN_TEXT, false, "dataset name" },
	{ "model", FOT_COLUMN_TEXT, false, "name of the model's folder" },
	{ "model_variant", FOT_COLUMN_TEXT, false, "training method, as in the rows of the task" },
	{ "memory_mode", FOT_COLUMN_TEXT, false, FOT_MEMORY_MODE },
	FOT_SESSION_COLUMNS,
	{ "bos_mode", FOT_COLUMN_TEXT, false, "first or none" },
	{ "context_length", FOT_COLUMN_INT, false, "local window plus memory, in tokens" },
	{ "metric", FOT_COLUMN_TEXT, false, "one of the task's" },
	{ "value", FOT_COLUMN_REAL, false, "estimate" },
	{ "ci_low", FOT_COLUMN_REAL, false, "lower end of the interval" },
	{ "ci_high", FOT_COLUMN_REAL, false, "upper end of the interval" },
	{ "ci_level", FOT_COLUMN_REAL, false, "coverage, 0 to 1" },
	{ "n_items", FOT_COLUMN_INT, false, "observations that count: documents, trials, answers" },
	{ "n_missing", FOT_COLUMN_INT, false, "observations that failed or were skipped" },
	{ "n_tokens_scored", FOT_COLUMN_INT, false, "target tokens, all documents" },
	{ "best", FOT_COLUMN_BOOL, false,
	  "1: best of its dataset and place, and better than every other at p_best < 0.05" },
	{ "p_best", FOT_COLUMN_REAL, false, "of the best: largest p against the others, Holm" },
	{ "paper_low", FOT_COLUMN_REAL, false, "published value of this condition, smallest setting" },
	{ "paper_high", FOT_COLUMN_REAL, false, "the same, largest setting" },
	{ "paper_source", FOT_COLUMN_TEXT, false, "table or figure it is published in" },
	{ "task", FOT_COLUMN_TEXT, false, "task name" },
	{ STYLE },
	{ RECORDS },
	{ SHOTS },
	{ CALIBRATION },
	{ CONTEXTS },
	{ LAYER },
	{ "chance_level", FOT_COLUMN_REAL, false, "value of guessing" },
	{ "n_clusters", FOT_COLUMN_INT, false, "trials, test items or texts: what is drawn; of rates only where documents have the same text" },
	{ "n_correct", FOT_COLUMN_INT, false, "right ones, of an accuracy's n_total" },
	{ "n_total", FOT_COLUMN_INT, false, "what n_correct is out of" },
	{ "value_min", FOT_COLUMN_REAL, false, "smallest value of one trial or demonstration seed" },
	{ "value_max", FOT_COLUMN_REAL, false, "largest value of one trial or demonstration seed" },
	{ "sd_between", FOT_COLUMN_REAL, false, "standard deviation between trials or demonstration seeds" },
	{ "ci_method", FOT_COLUMN_TEXT, false, "as in summary.csv" },
	{ MAJORITY },
	{ "paper_relation", FOT_COLUMN_TEXT, false,
	  "empty, or \"above\": only a bound is published, or \"chance\": only that it is about chance_level" },
	{ OWN },
	{ ASKED },
	{ "rank", FOT_COLUMN_INT, false, "1: best value of its dataset and place, 2: the next, ..." },
	{ "next_delta", FOT_COLUMN_REAL, false,
	  "of the best, and where that one's interval excludes 0 of the second: value minus that of the next rank, paired" },
	{ "next_ci_low", FOT_COLUMN_REAL, false, "lower end of its 95 % interval" },
	{ "next_ci_high", FOT_COLUMN_REAL, false, "upper end of its 95 % interval" },
	{ "target_start", FOT_COLUMN_INT, false,
	  "index in each document of the first target token; lines that differ in it score other tokens" },
	FOT_MEMORY_COLUMN,
	{ TOP_ANSWER },
	FOT_DISTRACTORS_COLUMN,
	{ FITTED },
	FOT_SEEN_COLUMN,
};

static const struct fot_column effective_columns[] = {
	{ "run", FOT_COLUMN_TEXT, false, "name of the run's folder" },
	FOT_KEY_COLUMNS,
	{ "metric", FOT_COLUMN_TEXT, false, "the task's first" },
	{ "enough", FOT_COLUMN_REAL, false, "value that counts as enough at a length; empty: of a rate, which has to fall" },
	{ "effective_length", FOT_COLUMN_INT, false,
	  "longest context length up to which it is enough, or falls, at every length that was measured; 0: not at the shortest" },
	{ "effective_low", FOT_COLUMN_INT, false, "up to this length it surely is or does: lower end, simultaneous over the lengths" },
	{ "effective_high", FOT_COLUMN_INT, false, "up to this length it may: upper end" },
	{ "ci_level", FOT_COLUMN_REAL, false, "coverage, 0 to 1" },
	{ "ci_method", FOT_COLUMN_TEXT, false,
	  "max-t-bootstrap (of rates: over documents, all steps between lengths at once) or bonferroni (of shares: over the lengths)" },
	{ "longest_length", FOT_COLUMN_INT, false, "the longest that was measured: an effective length that is this may be longer" },
	{ "n_lengths", FOT_COLUMN_INT, false, "context lengths that were measured; those of skipped and failed rows alone are left out" },
	{ "n_items", FOT_COLUMN_INT, false, "documents scored at all lengths, or trials at each length at least" },
	{ "n_clusters", FOT_COLUMN_INT, false, "texts or trials: what is drawn" },
	{ "status", FOT_COLUMN_TEXT, false, "ok, one cluster (no interval), empty, out of range" },
	FOT_SESSION_COLUMNS,
	{ STYLE },
	{ OWN },
	FOT_MEMORY_COLUMN,
};

static const struct fot_column paper_columns[] = {
	{ "source", FOT_COLUMN_TEXT, false, "label of the table or figure in arXiv 2307.03170" },
	{ "dataset", FOT_COLUMN_TEXT, false, "dataset name" },
	{ "method", FOT_COLUMN_TEXT, false, "name of the method in the paper" },
	{ "model_variant", FOT_COLUMN_TEXT, false, "our name of it" },
	{ "context_length", FOT_COLUMN_INT, false, "context in tokens" },
	{ "setting", FOT_COLUMN_TEXT, false, "what else the paper varies" },
	{ "perplexity", FOT_COLUMN_REAL, false, "per token, of the paper's tokenizer" },
	{ "metric", FOT_COLUMN_TEXT, false, "of value; empty: the first of the task" },
	{ "value", FOT_COLUMN_REAL, false, "of the metric; empty: only words are published, or it stands in the column before" },
	{ "relation", FOT_COLUMN_TEXT, false,
	  "empty, or \"above\": the paper states a bound, or \"chance\": it says that the value is about that of chance" },
	{ "task", FOT_COLUMN_TEXT, false, "task name; empty: the first there is" },
};

static const struct fot_column claims_columns[] = {
	{ "claim_id", FOT_COLUMN_TEXT, false, "id of the claim in results/paper/claims.json" },
	{ "claim", FOT_COLUMN_TEXT, false, "what the paper says" },
	{ "source", FOT_COLUMN_TEXT, false, "label of the table, figure or section in arXiv 2307.03170" },
	{ "run", FOT_COLUMN_TEXT, false, "name of the run's folder" },
	{ "run_id", FOT_COLUMN_TEXT, false, "run_id of the run" },
	{ "task", FOT_COLUMN_TEXT, false, "task name" },
	{ "metric", FOT_COLUMN_TEXT, false, "metric of value_a and value_b" },
	{ "dataset", FOT_COLUMN_TEXT, false, "dataset name" },
	{ "a", FOT_COLUMN_TEXT, false, "condition A: variant, memory, context length, place" },
	{ "b", FOT_COLUMN_TEXT, false, "condition B, chance, or a number" },
	{ "expected", FOT_COLUMN_TEXT, false, "of A against B: below, above, equal, not-below, not-above" },
	{ "margin", FOT_COLUMN_REAL, false, "what counts as equal, in the unit of delta" },
	{ "gain", FOT_COLUMN_BOOL, false,
	  "1: A and B are each relative to themselves at another place (value_a, value_b: ratios of rates, changes of accuracy)" },
	{ "n_items", FOT_COLUMN_INT, false, "documents, trials or answers that both have" },
	{ "n_clusters", FOT_COLUMN_INT, false, "texts, trials or test items: what is drawn; documents of the same text are one" },
	{ "value_a", FOT_COLUMN_REAL, false, "metric of A on the common items" },
	{ "value_b", FOT_COLUMN_REAL, false, "metric of B on the common items" },
	{ "delta", FOT_COLUMN_REAL, false, "A minus B: nats per token for rates, else in the metric's unit" },
	{ "delta_ci_low", FOT_COLUMN_REAL, false, "lower end, paired bootstrap" },
	{ "delta_ci_high", FOT_COLUMN_REAL, false, "upper end, paired bootstrap" },
	{ "ci_level", FOT_COLUMN_REAL, false, "coverage, 0 to 1" },
	{ "p_value", FOT_COLUMN_REAL, false, "two-sided p of no difference" },
	{ "p_adjusted", FOT_COLUMN_REAL, false, "p_value by Holm over the lines of the claim in this run" },
	{ "p_method", FOT_COLUMN_TEXT, false, "sign-flip-exact, sign-flip, mcnemar-exact or crossed-bootstrap" },
	{ "paper_a", FOT_COLUMN_REAL, false, "published value of A" },
	{ "paper_b", FOT_COLUMN_REAL, false, "published value of B" },
	{ "paper_where", FOT_COLUMN_TEXT, false, "what the published values are of" },
	{ "verdict", FOT_COLUMN_TEXT, false, "reproduced, not reproduced or undecided: where the interval lies" },
	{ "status", FOT_COLUMN_TEXT, false,
	  "ok, one cluster (no interval), empty (no common items), ambiguous (several conditions fit B), out of range" },
	{ "relative_to", FOT_COLUMN_TEXT, false, "with gain: the place that A and B are taken relative to themselves at" },
};

#define ANSWER_ACCURACY \
	"share of the answers' tokens that were the most likely ones; episodes: the most likely of the episode's labels"
static const struct fot_column train_columns[] = {
	{ "step", FOT_COLUMN_INT, false, "optimiser steps done, from 1" },
	{ "stage", FOT_COLUMN_INT, false, "stage of the recipe, from 0" },
	{ "tokens", FOT_COLUMN_INT, false, "tokens that asked for a loss so far" },
	{ "loss_nats", FOT_COLUMN_REAL, false, "what the step minimises: mean cross-entropy of its targets, and what attention is taught" },
	{ "lr", FOT_COLUMN_REAL, false, "learning rate" },
	{ "grad_norm", FOT_COLUMN_REAL, false, "global norm of the gradient before clipping" },
	{ "method", FOT_COLUMN_TEXT, false, "standard, crossbatch, memorizing, transformer-xl or longllama" },
	{ "window", FOT_COLUMN_INT, false, "tokens of a window" },
	{ "w", FOT_COLUMN_INT, false, "own earlier windows in sight" },
	{ "d", FOT_COLUMN_INT, false, "documents in sight, the own one included" },
	{ "negatives", FOT_COLUMN_INT, false, "further windows of other documents in sight of all" },
	{ "wall_s", FOT_COLUMN_REAL, true, "seconds of the step" },
	{ "tokens_per_s", FOT_COLUMN_REAL, true, "asking tokens per second" },
	{ "gflops", FOT_COLUMN_REAL, true, "matrix products of the step, GFLOP/s" },
	{ "answer_nll_nats", FOT_COLUMN_REAL, false, "mean nll of the answers' tokens, with a generator" },
	{ "answer_accuracy", FOT_COLUMN_REAL, false, ANSWER_ACCURACY },
	{ "teach_nats", FOT_COLUMN_REAL, false,
	  "mean of -log of the attention mass on labels of the right class; where attention is taught" },
};

static const struct fot_column valid_columns[] = {
	{ "step", FOT_COLUMN_INT, false, "optimiser steps done" },
	{ "tokens", FOT_COLUMN_INT, false, "tokens that asked for a loss so far" },
	{ "dataset", FOT_COLUMN_TEXT, false, "dataset name (validation split) or generator" },
	{ "memory_windows", FOT_COLUMN_INT, false, "earlier windows of the own document in sight; with a generator all other windows" },
	{ "memory_tokens", FOT_COLUMN_INT, false, "the same in tokens" },
	{ "n_tokens", FOT_COLUMN_INT, false, "tokens scored: the same ones at every step and memory size" },
	{ "nll_nats", FOT_COLUMN_REAL, false, "mean nll per token; with a generator the loss as in train.csv" },
	{ "n_answers", FOT_COLUMN_INT, false, "tokens of answers, with a generator" },
	{ "answer_nll_nats", FOT_COLUMN_REAL, false, "mean nll of the answers' tokens" },
	{ "answer_accuracy", FOT_COLUMN_REAL, false, ANSWER_ACCURACY },
};

static const struct fot_column labels_columns[] = {
	{ "step", FOT_COLUMN_INT, false, "optimiser steps done" },
	{ "tokens", FOT_COLUMN_INT, false, "tokens that asked for a loss so far" },
	{ "memory_windows", FOT_COLUMN_INT, false, "windows besides the own one that the model sees" },
	{ "demonstrations_min", FOT_COLUMN_INT, false, "demonstrations in sight of a question with all of the memory, at least" },
	{ "demonstrations_max", FOT_COLUMN_INT, false, "the same, at most" },
	{ "n_labels", FOT_COLUMN_INT, false, "questions: demonstrations whose class was shown before" },
	{ "label_accuracy", FOT_COLUMN_REAL, false, "share of them where the right one of the episode's labels is the most likely" },
	{ "chance", FOT_COLUMN_REAL, false, "mean of 1 / classes of the episode" },
	{ "commonest", FOT_COLUMN_REAL, false, "share right of the label shown most often" },
	{ "bow", FOT_COLUMN_REAL, false, "share right of a vote of bags of words, exp(10 cos)" },
};

const struct fot_schema fot_schema_summary = {
	"summary", "One row per condition and metric, and one per paired difference.", summary_columns,
	FOT_COUNT(summary_columns)
};

const struct fot_schema fot_schema_train = { "train", "Training: one row per step.", train_columns,
					     FOT_COUNT(train_columns) };

const struct fot_schema fot_schema_valid = {
	"valid", "Training: held-out loss, one row per validation, dataset and memory size.", valid_columns,
	FOT_COUNT(valid_columns)
};

const struct fot_schema fot_schema_labels = {
	"labels", "Training on episodes: held-out labels, one row per validation, memory size and number of demonstrations.",
	labels_columns, FOT_COUNT(labels_columns)
};

const struct fot_schema fot_schema_compare = {
	"compare", "Two runs, paired by document: one row per dataset, context length and condition.",
	compare_columns, FOT_COUNT(compare_columns)
};

const struct fot_schema fot_schema_report = { "report",
					      "Runs side by side: one row per condition and context length.",
					      report_columns, FOT_COUNT(report_columns) };
const struct fot_schema fot_schema_effective = { "effective",
						 "Effective context length: one row per condition, of runs with three lengths or more.",
						 effective_columns, FOT_COUNT(effective_columns) };
const struct fot_schema fot_schema_paper = { "paper/TASK",
					     "Published figures, in results/paper/TASK.csv, one file per task.",
					     paper_columns, FOT_COUNT(paper_columns) };

const struct fot_schema fot_schema_claims = { "claims",
					      "Claims of the paper: one row per pair of conditions that a run has.",
					      claims_columns, FOT_COUNT(claims_columns) };

static const struct fot_column token_columns[] = {
	{ "sequence", FOT_COLUMN_INT, false, "sequence of the input, from 0" },
	{ "turn", FOT_COLUMN_INT, false, "turn of the input, from 0; empty without turns" },
	{ "position", FOT_COLUMN_INT, false, "place of the token in its sequence and turn, from 1: the first is not predicted" },
	{ "token", FOT_COLUMN_INT, false, "id" },
	{ "nll_nats", FOT_COLUMN_REAL, false, "negative log-likelihood of the token given all before it" },
	{ "argmax", FOT_COLUMN_INT, false, "id of the most likely token there" },
	{ "text", FOT_COLUMN_TEXT, false, "of the token, with --token-texts; parts of a character: U+FFFD" },
};

const struct fot_schema fot_schema_tokens = { "tokens", "Written by `fotbench score -o FILE`, one row per predicted token.",
					      token_columns, FOT_COUNT(token_columns) };

const struct fot_schema *const fot_schemas[] = { &fot_schema_summary, &fot_schema_train,  &fot_schema_valid,
						 &fot_schema_compare, &fot_schema_report, &fot_schema_paper,
						 &fot_schema_claims,  &fot_schema_labels, &fot_schema_tokens,
						 &fot_schema_effective };
const size_t fot_n_schemas = FOT_COUNT(fot_schemas);

const char *const fot_condition_columns[] = { "run_id", "model",       "model_variant", "memory",
					      "window", "memory_mode", "top_k",         "mem_dtype", NULL };
const char *const *const fot_variant_columns = fot_condition_columns + 2;
const char *const *const fot_session_columns = fot_condition_columns + 4;
const char *const *const fot_memory_columns = fot_condition_columns + 5;

size_t fot_columns_append(const char **key, size_t n, const char *const *columns)
{
	for (size_t i = 0; columns[i]; i++)
		key[n++] = columns[i];
	key[n] = NULL;
	return n;
}

int fot_schema_column(const struct fot_schema *schema, const char *name)
{
	for (size_t i = 0; i < schema->n; i++) {
		if (schema->column[i].name[0] == name[0] && strcmp(schema->column[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

void fot_schema_describe(struct fot_str *out, const struct fot_schema *schema)
{
	static const char *const type_name[] = { "text", "integer", "real", "0/1" };

	fot_str_printf(out, "## %s.csv\n\n%s\n\n| column | type | meaning |\n|---|---|---|\n", schema->name,
		       schema->about);
	for (size_t i = 0; i < schema->n; i++) {
		const struct fot_column *c = &schema->column[i];

		fot_str_printf(out, "| `%s` | %s%s | %s |\n", c->name, type_name[c->type],
			       c->kind == FOT_COLUMN_TIMING ? " (timing)" : "", c->about);
	}
}
