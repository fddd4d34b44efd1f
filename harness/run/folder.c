/* folder.c: see folder.h. */
#include "harness/run/folder.h"

#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "harness/run/manifest.h"

bool fot_folder_was_closed(const char *dir)
{
	cJSON *manifest = NULL;
	const char *word;
	bool closed;

	(void)fot_manifest_read(&manifest, dir, NULL); /* the journal is the truth */
	word = cJSON_GetStringValue(fot_json_get(manifest, "status"));
	closed = word && (strcmp(word, "complete") == 0 || strcmp(word, "partial") == 0);
	cJSON_Delete(manifest);
	return closed;
}

static void say_end(const struct fot_journal_content *c, const char *path)
{
	if (c->hole_line)
		fot_log(FOT_LOG_WARN,
			"%s: line %zu holds zeros, as after a loss of power: it and %zu whole record%s behind it are not taken; run --resume first",
			path, c->hole_line, c->n_behind, FOT_S(c->n_behind));
	else if (c->torn_bytes)
		fot_log(FOT_LOG_WARN,
			"%s: the last record is torn (%zu bytes) and not taken; run --resume first", path,
			c->torn_bytes);
}

int fot_folder_journal(struct fot_journal_content *out, const char *dir, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	int status;

	*out = (struct fot_journal_content){ 0 };
	FOT_TRY(fot_path_at(&path, dir, "journal.jsonl", err));
	FOT_TRY(fot_journal_load(out, path.data, err));
	if (out->hole_line && fot_folder_was_closed(dir))
		FOT_TRY(fot_journal_check_closed(out, path.data, err));
	say_end(out, path.data);
out:
	if (status != FOT_OK)
		fot_journal_content_release(out);
	fot_str_release(&path);
	return status;
}
