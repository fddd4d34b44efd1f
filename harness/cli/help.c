/* help.c: see commands.h. */
#include "harness/options/commands.h"
#include "harness/plan/paths.h"
#include "harness/plan/spec_keys.h"
#include "harness/plan/task_class.h"
#include "harness/report/measures.h"
#include "model/train/recipe.h"

static const char spec_intro[] =
	"A spec is a JSON file for fotbench run and validate. A run does every task with every model and memory.\n"
	"Sizes are numbers or texts such as \"8k\" (k 1024, M 1048576); lists of sizes take ranges such as \"2k-32k*2\".\n"
	"Unknown keys are errors. The flags of fotbench ";

void fot_help_spec(struct fot_str *out)
{
	struct fot_str title = FOT_STR_INIT;

	fot_str_puts(out, spec_intro);
	for (size_t i = 0; i < fot_n_task_classes; i++)
		fot_str_printf(out, "%s%s", i == 0 ? "" : i + 1 < fot_n_task_classes ? ", " : " and ",
			       fot_task_classes[i]->name);
	fot_str_puts(out, " are these keys.\n\n");
	fot_keys_describe(out, "top level", fot_spec_keys, fot_n_spec_keys);
	fot_keys_describe(out, "models: each object", fot_model_keys, fot_n_model_keys);
	fot_keys_describe(out, "memory: each object (or one word, the mode)", fot_memory_keys, fot_n_memory_keys);
	for (size_t i = 0; i < fot_n_task_classes; i++) {
		const struct fot_task_class *c = fot_task_classes[i];

		fot_str_clear(&title);
		fot_str_printf(&title, "tasks: each object with \"task\": \"%s\"", c->name);
		fot_keys_describe(out, title.failed ? c->name : title.data, c->keys, c->n_keys);
	}
	fot_keys_describe(out, "exclude: each object", fot_exclusion_keys, fot_n_exclusion_keys);
	fot_str_release(&title);
}

/* "Metrics in summary.csv: `accuracy`." */
static void put_metrics(struct fot_str *out, const struct fot_measured_task *task)
{
	const char *before = "\nMetrics in summary.csv: `";
	const struct {
		const struct fot_measure *at;
		size_t n;
	} all[] = { { task->measure, task->n_measures }, { task->other, task->n_others }, { task->trend, task->trend ? 2 : 0 } };

	for (size_t k = 0; k < FOT_COUNT(all); k++) {
		for (size_t i = 0; i < all[k].n; i++, before = "`, `")
			fot_str_printf(out, "%s%s", before, all[k].at[i].metric);
	}
	fot_str_puts(out, "`.\n");
}

void fot_help_columns(struct fot_str *out)
{
	for (size_t i = 0; i < fot_n_task_classes; i++) {
		fot_str_puts(out, i ? "\n" : "");
		fot_schema_describe(out, fot_task_classes[i]->schema);
		if (i < fot_n_measured_tasks)
			put_metrics(out, fot_measured_tasks[i]);
	}
	for (size_t i = 0; i < fot_n_schemas; i++) {
		fot_str_putc(out, '\n');
		fot_schema_describe(out, fot_schemas[i]);
	}
}

void fot_help_paths(struct fot_str *out)
{
	fot_str_puts(out, "Models, texts, tokenizers, templates, specs and recipes are looked for in the same way wherever they are\n"
			  "named, in a flag, a spec or a recipe. The first that is there is taken:\n\n"
			  "  1. the path as it is written, from the working folder\n"
			  "  2. the path beside the spec or recipe that names it\n"
			  "  3. the path in the repository of this program, or in what is installed with it (fotbench --version says where)\n"
			  "  4. a bare name, without a slash: what is shipped under that name\n\n");
	for (int k = 0; k <= FOT_PATH_RECIPE; k++)
		if (fot_path_shipped((enum fot_path_kind)k))
			fot_str_printf(out, "     %-10s %s\n", fot_path_kind_name((enum fot_path_kind)k),
				       fot_path_shipped((enum fot_path_kind)k));
	fot_str_puts(out, "\nDatasets are paths where they have a slash or end in .txt, .jsonl (or packed: .gz, .zst) or .parquet; else names of what\n"
			  "is installed (fotbench data list), or of a file or folder in the working folder.\n"
			  "What a recipe names as datasets, labelled and template is looked for at 1 alone.\n"
			  "Installed datasets are in $FOTBENCH_DATA; else in datasets/store of the repository; of an installed program in\n"
			  "$XDG_DATA_HOME/fotbench/store or ~/.local/share/fotbench/store.\n"
			  "An error names every place that was looked at.\n");
}

void fot_help_recipe(struct fot_str *out)
{
	fot_str_puts(out, "A recipe is a JSON file for fotbench train. Sizes are numbers or texts such as \"8k\". Unknown keys are\n"
			  "errors. Those that are shipped stand in model/train/recipes.\n\n");
	for (size_t i = 0; i < fot_n_recipe_tables; i++)
		fot_keys_describe(out, fot_recipe_tables[i].title, fot_recipe_tables[i].keys, fot_recipe_tables[i].n);
}
