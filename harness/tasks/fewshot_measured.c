/* fewshot_measured.c: what rows of few-shot classification hold, and what tables and figures say of them. */
#include "harness/report/plotdata.h"
#include "harness/tasks/fewshot_class.h"

static const struct fot_column columns[] = {
	FOT_KEY_COLUMNS,
	{ "n_shots", FOT_COLUMN_INT, false, "demonstrations asked for; with fill those that fit context_length" },
	{ "demo_seed", FOT_COLUMN_INT, false, "from 0: demonstrations and their order are drawn anew with each" },
	{ "item_id", FOT_COLUMN_TEXT, false, "test item, unique in its dataset" },
	{ "item_sha256", FOT_COLUMN_TEXT, false, "sha256 of the test item's text" },
	{ "n_tokens_prompt", FOT_COLUMN_INT, false, "tokens of the prompt, BOS included" },
	{ "n_shots_fitted", FOT_COLUMN_INT, false, "demonstrations in the prompt, without memory in its last window, with shots_seen in what the memory reads" },
	{ "label_gold", FOT_COLUMN_TEXT, false, "right label; with generated answers the first right one" },
	{ "label_pred", FOT_COLUMN_TEXT, false, "label with the best score; with generated answers the text" },
	{ "correct", FOT_COLUMN_BOOL, false, "1: right" },
	{ "score_gold_nats", FOT_COLUMN_REAL, false, "score of the right label" },
	{ "score_best_other_nats", FOT_COLUMN_REAL, false, "best score of another label" },
	{ "n_labels", FOT_COLUMN_INT, false, "labels to choose from; 0: generated answers" },
	{ "chance_level", FOT_COLUMN_REAL, false, "accuracy of guessing: 1 / n_labels" },
	{ "calibration", FOT_COLUMN_TEXT, false, "raw, per-token, content-free" },
	{ "truncated", FOT_COLUMN_BOOL, false, "1: fewer demonstrations than asked for" },
	{ "status", FOT_COLUMN_TEXT, false, "ok, skipped_long (question and label exceed a window), failed" },
	FOT_END_COLUMNS,
	{ "majority_level", FOT_COLUMN_REAL, false, "accuracy of the commonest label of the test items" },
	{ "shots_asked", FOT_COLUMN_TEXT, false, "what the spec asks for: a number, or fill (as many as fit)" },
	FOT_MEMORY_COLUMN,
	FOT_DISTRACTORS_COLUMN,
	{ "n_distractors", FOT_COLUMN_INT, FOT_COLUMN_LATE, "demonstrations of other sets in the prompt; empty: none" },
	FOT_COMPUTE_COLUMN,
	FOT_BUDGET_COLUMNS,
	FOT_SEEN_COLUMN,
};

const struct fot_schema fot_schema_fewshot = {
	"fewshot", "One row per test item, number of demonstrations and demonstration seed.", columns,
	FOT_COUNT(columns)
};

static const struct fot_measure measures[] = {
	{ .metric = "accuracy", .kind = FOT_MEASURE_CROSSED, .right = "correct", .heading = "accuracy", .level = true },
	{ .metric = "balanced_accuracy", .kind = FOT_MEASURE_BALANCED, .right = "correct", .heading = "balanced accuracy" },
};

#define LINES .axis = "n_shots", .line = { "context_length", "calibration", "distractors" }
#define VIEW .metric = { "accuracy" }, LINES
#define BALANCED .metric = { "balanced_accuracy" }, LINES

#define ITEMS .items = "{n_items:answer} per cell{n_skipped#too long}{n_failed#failed}", .one = "trial or item"

static const struct fot_summary_view summary[] = {
	{ .view = { .rows = FOT_GRID_ESTIMATES, VIEW }, .title = "few-shot accuracy",
	  .caption = "Few-shot accuracy against the number of demonstrations." FOT_INTERVALS
		     "crossed bootstrap over test items and demonstration seeds; sd: between the seeds, in percentage points; "
		     "top: per cent of the answers that are the commonest one, mean over the seeds.",
	  ITEMS },
	{ .view = { .rows = FOT_GRID_ESTIMATES, BALANCED }, .title = "few-shot balanced accuracy",
	  .caption = "Balanced few-shot accuracy: the mean over right labels of the share of their questions that is answered "
		     "so; one answer to all questions has 1 / number of labels among them." FOT_INTERVALS
		     "crossed bootstrap over test items and demonstration seeds, each draw with the labels that it holds; sd as "
		     "above.",
	  ITEMS },
	{ .view = { .rows = FOT_GRID_WITH_ITSELF, VIEW },
	  .caption = "Change of few-shot accuracy, in percentage points, against the fewest demonstrations, on the same items "
		     "and seeds." FOT_INTERVALS
		     "crossed bootstrap of the difference; p: from its draws (one seed: exact McNemar), adjusted by Holm over "
		     "the shots and lengths." },
	{ .view = { .rows = FOT_GRID_WITH_BASELINE, VIEW },
	  .caption = "Difference of few-shot accuracy, in percentage points, from " FOT_BASELINE
		     " on the same items and demonstrations; intervals and p as above." },
};

#define CELLS                                                                                                         \
	" against the number of demonstrations. {n_clusters:test item}, {n_items:answer} per cell over all "           \
	"demonstration seeds{n_missing#others failed or too long}; {window} tokens of local window{common}.{fitted}{chance}"
#define DRAWS                                                                                                         \
	" In brackets the 95 % interval of the crossed bootstrap over test items and demonstration seeds ({draws} "    \
	"draws, percentiles); sd: between seeds, in percentage points"

static const struct fot_report_view report[] = {
	{ .view = { VIEW },
	  .caption = "few-shot accuracy" CELLS "{majority}" DRAWS
		     "; top: per cent of the answers that are the commonest one, mean over seeds."
		     FOT_BOLD("higher", "crossed bootstrap of the difference, with one seed exact McNemar"),
	  .compact = "Few-shot accuracy in per cent against the number of demonstrations" },
	{ .view = { BALANCED },
	  .caption = "balanced few-shot accuracy, the mean over right labels of the share of their questions that is answered "
		     "so," CELLS DRAWS "." FOT_BOLD("higher", "crossed bootstrap of the difference"),
	  .compact = "Balanced few-shot accuracy in per cent against the number of demonstrations" },
};

/* Those of chance and of the commonest label are the figures' levels. */
#define ACCURACY .metric = { "accuracy" }, FOT_FIGURE_VALUE, .factor = 100, .by_place = true, .levels = true, \
		 .hidden = FOT_LIST("chance", "commonest")

static const struct fot_figure figures[] = {
	{ .name = "fewshot", .title = "Few-shot accuracy (95 % intervals over items and demonstration seeds)", ACCURACY,
	  .x = "n_shots", .empty = "distractors", .told = FOT_LIST("context_length", "calibration") },
	{ .name = "distractors", .script = "fewshot", ACCURACY, .x = "distractors", .beside = "distractors",
	  .title = "Few-shot accuracy among demonstrations of other sets (95 % intervals over items and seeds)",
	  .told = FOT_LIST("n_shots", "context_length", "calibration") },
};

const struct fot_measured_task fot_measured_fewshot = {
	.schema = &fot_schema_fewshot,
	.place = FOT_LIST("shots_asked", "calibration", "distractors"),
	.item = FOT_LIST("item_id", "demo_seed"),
	.same = FOT_LIST("item_sha256", "n_tokens_prompt", "n_labels", "label_gold", "memory_tokens",
			 "tokenizer_sha256", "status"),
	.gold = "label_gold",
	.answer = "label_pred",
	.outcome = FOT_LIST("correct", "label_pred", "score_gold_nats", "score_best_other_nats"),
	.axis = "n_shots",
	.least = "fewest shots",
	.axis_place = "shots_asked",
	.reached = "n_shots_fitted",
	.reached_how = "shots_seen",
	FOT_MEASURED(measures, summary, report, figures),
};
