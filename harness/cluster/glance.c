/* glance.c: see glance.h. */
#include "harness/cluster/glance.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/quote.h"
#include "harness/run/manifest.h"

#define TAIL_BYTES (256 << 10) /* of a log */
#define CHUNK ((size_t)1 << 20)
#define STALLED_S 900.0  /* silent for so long, and */
#define STALLED_ITEMS 10 /* for the time of so many items */

const char *const fot_run_state_words[FOT_RUN_STATES] = { "missing", "queued", "running", "stalled",
							  "stopped", "failed", "partial", "complete" };

/* --- files --- */

/* Opens DIR/NAME; -1: it cannot be. */
static int open_in(const char *dir, const char *name)
{
	struct fot_str path = FOT_STR_INIT;
	int fd = -1;

	fot_path_join(&path, dir, name);
	if (!path.failed)
		fd = open(path.data, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	fot_str_release(&path);
	return fd;
}

/* Lines of a journal behind its first. */
static int64_t count_records(const char *dir)
{
	int fd = open_in(dir, "journal.jsonl");
	char *buf = fd < 0 ? NULL : fot_alloc(CHUNK, 1);
	int64_t n = 0;
	ssize_t got;

	while (buf && (got = read(fd, buf, CHUNK)) > 0)
		for (const char *p = buf; (p = memchr(p, '\n', (size_t)(got - (p - buf)))); p++)
			n++;
	fot_free(buf);
	if (fd >= 0)
		close(fd);
	return n > 0 ? n - 1 : 0;
}

/* Seconds since any of its files was written; below 0: there is none. */
static double age_of(const char *dir)
{
	static const char *const names[] = { "journal.jsonl", "manifest.json", "log.txt" };
	struct timespec now;
	double last = -1;

	for (size_t i = 0; i < 3; i++) {
		int fd = open_in(dir, names[i]);
		struct stat st;

		if (fd >= 0 && fstat(fd, &st) == 0 && (double)st.st_mtim.tv_sec > last)
			last = (double)st.st_mtim.tv_sec;
		if (fd >= 0)
			close(fd);
	}
	clock_gettime(CLOCK_REALTIME, &now);
	if (last < 0)
		return -1;
	return (double)now.tv_sec > last ? (double)now.tv_sec - last : 0;
}

enum holder { HOLDER_LIVES, HOLDER_IS_GONE, HOLDER_UNKNOWN };

/* Who holds the lock? Another host's lock may not be seen from here. */
static enum holder look_at_lock(const char *dir)
{
	char text[129] = "", host[65] = "", where[80];
	int fd = open_in(dir, "LOCK");
	enum holder holder = HOLDER_UNKNOWN;

	if (fd < 0)
		return HOLDER_IS_GONE;
	gethostname(host, sizeof host - 1);
	snprintf(where, sizeof where, " on %s since ", host);
	if (flock(fd, LOCK_SH | LOCK_NB) != 0)
		holder = HOLDER_LIVES;
	else if (pread(fd, text, sizeof text - 1, 0) > 0 && strstr(text, where))
		holder = HOLDER_IS_GONE;
	close(fd);
	return holder;
}

/* The end of a log, from a whole line on. */
static void read_tail(struct fot_str *out, int fd)
{
	off_t size = lseek(fd, 0, SEEK_END), at = size > TAIL_BYTES ? size - TAIL_BYTES : 0;
	char buf[4096];
	ssize_t n;

	if (size < 0 || lseek(fd, at, SEEK_SET) < 0)
		return;
	while ((n = read(fd, buf, sizeof buf)) > 0)
		fot_str_add(out, buf, (size_t)n);
	if (at > 0 && out->len && strchr(out->data, '\n')) {
		size_t cut = strcspn(out->data, "\n") + 1;

		memmove(out->data, out->data + cut, out->len - cut + 1);
		out->len -= cut;
	}
}

/* --- failures --- */

/* Keep the last ones. */
static void keep_failure(struct fot_glance *g, const char *text, size_t n)
{
	char *copy = fot_strndup(text, n);

	if (!copy)
		return;
	fot_text_oneline(copy);
	if (g->n_failures == FOT_GLANCE_TEXTS) {
		fot_free(g->failure[0]);
		memmove(g->failure, g->failure + 1, (FOT_GLANCE_TEXTS - 1) * sizeof *g->failure);
		g->n_failures--;
	}
	g->failure[g->n_failures++] = copy;
}

/* Errors in log.txt ("TIME error: text") from this time on; returns how many. */
static int64_t read_failures(struct fot_glance *g, const char *dir, const char *since)
{
	static const char mark[] = " error: ";
	struct fot_str tail = FOT_STR_INIT;
	size_t n_time = strlen(since);
	int fd = open_in(dir, "log.txt");
	int64_t n = 0;

	if (fd < 0)
		return 0;
	read_tail(&tail, fd);
	close(fd);
	for (const char *line = tail.len ? tail.data : "", *end; *line; line = end + (*end != '\0')) {
		end = line + strcspn(line, "\n");
		if ((size_t)(end - line) < n_time + sizeof mark || strncmp(line, since, n_time) < 0 ||
		    strncmp(line + n_time, mark, sizeof mark - 1) != 0)
			continue;
		keep_failure(g, line + n_time + sizeof mark - 1,
			     (size_t)(end - line) - n_time - (sizeof mark - 1));
		n++;
	}
	fot_str_release(&tail);
	return n;
}

char *fot_glance_last_error(const char *path)
{
	static const char mark[] = "error: ";
	struct fot_str tail = FOT_STR_INIT;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *found = NULL;

	if (fd < 0)
		return NULL;
	read_tail(&tail, fd);
	close(fd);
	for (const char *line = tail.len ? tail.data : "", *end; *line; line = end + (*end != '\0')) {
		end = line + strcspn(line, "\n");
		if (strncmp(line, mark, sizeof mark - 1) != 0)
			continue;
		fot_free(found);
		found = fot_strndup(line + sizeof mark - 1, (size_t)(end - line) - (sizeof mark - 1));
	}
	fot_str_release(&tail);
	if (found)
		fot_text_oneline(found);
	return found;
}

/* --- the manifest --- */

static int64_t number_of(const cJSON *o, const char *key)
{
	const cJSON *x = fot_json_get(o, key);

	return cJSON_IsNumber(x) && x->valuedouble >= 0 && x->valuedouble < 9e15 ? (int64_t)x->valuedouble :
										   0;
}

static const char *text_of(const cJSON *o, const char *key)
{
	const char *text = cJSON_GetStringValue(fot_json_get(o, key));

	return text ? text : "";
}

static void read_counts(struct fot_glance *g, const cJSON *manifest)
{
	const cJSON *counts = fot_json_get(manifest, "counts"), *shard = fot_json_get(manifest, "shard");

	snprintf(g->run_id, sizeof g->run_id, "%s", text_of(manifest, "run_id"));
	g->planned = number_of(counts, "planned");
	g->done = number_of(counts, "done");
	g->failed = number_of(counts, "failed");
	g->shard = number_of(shard, "index");
	g->shards = number_of(shard, "count");
}

static void read_command(struct fot_glance *g, const cJSON *manifest)
{
	const cJSON *word, *list = fot_json_get(manifest, "command_line");
	struct fot_str line = FOT_STR_INIT;

	if (!cJSON_IsArray(list))
		return;
	fot_str_puts(&line, "fotbench");
	cJSON_ArrayForEach (word, list) {
		const char *text = cJSON_GetStringValue(word);

		if (!text || strcmp(text, "--resume") == 0 || strcmp(text, "--overwrite") == 0)
			continue;
		fot_str_putc(&line, ' ');
		fot_quote_shell(&line, text);
	}
	g->command = line.failed ? NULL : fot_strdup(line.data);
	fot_str_release(&line);
}

/* Of one that ended and said so. */
static void settle(struct fot_glance *g, const char *dir, const char *status, const char *problem,
		   const char *since)
{
	if (strcmp(status, "complete") == 0)
		g->state = FOT_RUN_COMPLETE;
	else if (strcmp(status, "failed") == 0)
		g->state = FOT_RUN_FAILED;
	else
		g->state = strncmp(problem, "stopped", 7) == 0 ? FOT_RUN_STOPPED : FOT_RUN_PARTIAL;
	if (g->state != FOT_RUN_COMPLETE)
		read_failures(g, dir, since);
	if (g->state == FOT_RUN_FAILED && problem[0])
		keep_failure(g, problem, strlen(problem));
}

static double seconds_since(const char *utc)
{
	struct tm tm = { 0 };
	const char *end = strptime(utc, "%Y-%m-%dT%H:%M:%SZ", &tm);

	return end && !*end ? (double)time(NULL) - (double)timegm(&tm) : -1;
}

/* Of one whose manifest says "started": does it still run, how fast, and how long will it take? */
static void follow(struct fot_glance *g, const char *dir, int64_t resumed, const char *since)
{
	enum holder holder = look_at_lock(dir);
	double ran = seconds_since(since) - g->age_s, limit = STALLED_S;
	int64_t left;

	g->locked = holder == HOLDER_LIVES;
	g->done = count_records(dir);
	g->failed = read_failures(g, dir, since);
	left = g->planned - g->done - g->failed;
	if (g->done > resumed && ran > 0)
		g->item_s = ran / (double)(g->done - resumed);
	if (g->item_s * STALLED_ITEMS > limit)
		limit = g->item_s * STALLED_ITEMS;
	g->state = holder == HOLDER_IS_GONE ? FOT_RUN_STOPPED :
		   g->age_s > limit         ? FOT_RUN_STALLED :
					      FOT_RUN_RUNNING;
	if (g->state == FOT_RUN_RUNNING && g->item_s >= 0)
		g->left_s = g->item_s * (double)(left > 0 ? left : 0);
}

int fot_glance(struct fot_glance *g, const char *dir, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	cJSON *manifest = NULL;
	const char *status_word, *since;
	int status;

	*g = (struct fot_glance){ .state = FOT_RUN_MISSING, .age_s = -1, .left_s = -1, .item_s = -1 };
	FOT_TRY(fot_path_at(&path, dir, "manifest.json", err));
	if (!fot_file_exists(path.data))
		goto out;
	FOT_TRY(fot_manifest_read(&manifest, dir, err));
	g->age_s = age_of(dir);
	read_counts(g, manifest);
	read_command(g, manifest);
	status_word = text_of(manifest, "status");
	since = text_of(fot_json_get(manifest, "times"), "started");
	if (strcmp(status_word, "started") == 0)
		follow(g, dir, number_of(fot_json_get(manifest, "counts"), "resumed"), since);
	else
		settle(g, dir, status_word, text_of(manifest, "problem"), since);
out:
	cJSON_Delete(manifest);
	fot_str_release(&path);
	if (status != FOT_OK)
		fot_glance_release(g);
	return status;
}

void fot_glance_release(struct fot_glance *g)
{
	for (size_t i = 0; i < g->n_failures; i++)
		fot_free(g->failure[i]);
	fot_free(g->command);
	*g = (struct fot_glance){ 0 };
}
