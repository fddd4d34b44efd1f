/* measured.c: walks over what the tasks say of themselves; see measures.h. */
#include <string.h>

#include "harness/report/measures.h"

const struct fot_measured_task *fot_measured_task(const struct fot_schema *schema)
{
	for (size_t i = 0; i < fot_n_measured_tasks; i++) {
		if (fot_measured_tasks[i]->schema == schema)
			return fot_measured_tasks[i];
	}
	return NULL;
}

const struct fot_measured_task *fot_measured_named(const char *task)
{
	for (size_t i = 0; i < fot_n_measured_tasks; i++) {
		if (!*task || strcmp(fot_measured_tasks[i]->schema->name, task) == 0)
			return fot_measured_tasks[i];
	}
	return NULL;
}

static const struct fot_measure *find(const struct fot_measure *m, size_t n, const char *metric)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(m[i].metric, metric) == 0)
			return &m[i];
	}
	return NULL;
}

const struct fot_measure *fot_measured_by_name(const struct fot_measured_task *task, const char *metric)
{
	const struct fot_measure *m = find(task->measure, task->n_measures, metric);

	m = m ? m : find(task->other, task->n_others, metric);
	return m || !task->trend ? m : find(task->trend, 2, metric);
}

const struct fot_measure *fot_measure_of(const struct fot_table *t, size_t row)
{
	const char *task = fot_table_text(t, row, "task"), *metric = fot_table_text(t, row, "metric");

	for (size_t i = 0; i < fot_n_measured_tasks; i++) {
		const struct fot_measure *m = fot_measured_by_name(fot_measured_tasks[i], metric);

		if (m && (!*task || strcmp(task, fot_measured_tasks[i]->schema->name) == 0))
			return m;
	}
	return fot_measured_tasks[0]->measure;
}

const struct fot_measure *fot_measured_metric(const struct fot_measured_task *task, const char *metric)
{
	return find(task->measure, task->n_measures, metric);
}

const struct fot_measure *fot_measured_shown(const struct fot_measured_task *task, bool bits, size_t *n)
{
	size_t i = 0;

	while (bits && i < task->n_others && task->other[i].kind != FOT_MEASURE_BITS)
		i++;
	*n = bits && i < task->n_others ? 1 : task->n_measures;
	return bits && i < task->n_others ? &task->other[i] : task->measure;
}

bool fot_measure_is_rate(const struct fot_measure *m)
{
	return m->kind == FOT_MEASURE_EXP || m->kind == FOT_MEASURE_BITS;
}

bool fot_measure_is_crossed(const struct fot_measure *m)
{
	return m->kind == FOT_MEASURE_CROSSED || m->kind == FOT_MEASURE_BALANCED;
}

bool fot_measure_is_percent(const struct fot_measure *m)
{
	return m->kind == FOT_MEASURE_ITEMS || fot_measure_is_crossed(m) ||
	       (m->kind == FOT_MEASURE_CLUSTERS && !m->mean);
}

bool fot_measured_same_place(const struct fot_measured_task *task, const struct fot_table *t, size_t a,
			     const struct fot_table *u, size_t b, const char *but)
{
	bool any_length = but && strcmp(but, "context_length") == 0;

	if (!fot_table_same(t, a, u, b, "dataset") ||
	    (!any_length && !fot_table_same(t, a, u, b, "context_length")))
		return false;
	for (size_t i = 0; task->place[i]; i++) {
		const char *column = task->place[i];
		bool free = but && (strcmp(column, but) == 0 ||
				    (task->axis_place && strcmp(column, task->axis_place) == 0));

		if (!free && !fot_table_same(t, a, u, b, column))
			return false;
	}
	return true;
}

int fot_measured_groups(struct fot_groups *out, const struct fot_table *t, size_t first, size_t last,
			const char *const *condition, const struct fot_measured_task *task, const char *part,
			struct fot_err *err)
{
	const char *key[FOT_GROUP_COLUMNS + 1];
	size_t n = fot_columns_append(key, 0, condition);

	n = fot_columns_append(key, n, FOT_LIST("dataset", "context_length"));
	n = fot_columns_append(key, n, task->place);
	if (part)
		fot_columns_append(key, n, FOT_LIST(part));
	return fot_groups_add(out, t, first, last, key, err);
}
