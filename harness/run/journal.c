/* journal.c: see journal.h. */
#include "harness/run/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/jsondiff.h"

#define LEAD "{\"crc\":\""
#define MIDDLE "\",\"rec\":"
#define LEAD_LEN (sizeof LEAD - 1)
#define FRAME_LEN (LEAD_LEN + 8 + sizeof MIDDLE - 1) /* bytes before the payload */
#define MAX_DIFFERENCES 12
#define PAGE ((size_t)4096) /* bytes, the least that processors have */
#define FORMAT "fotbench-journal"
#define SYNCED "synced" /* the last key of a record */

struct fot_journal {
	int fd;
	size_t bytes;
	size_t synced; /* of them: on the disk */
	size_t marked; /* what the last mark said of that */
	bool dead;     /* an fsync failed: the kernel may have dropped what we wrote */
	double due;    /* the next record from this moment on is waited for */
	double oldest; /* when the first record behind synced was written */
	char *path;
};

/* --- lines --- */

static void crc_text(char out[9], const char *payload, size_t n)
{
	uint32_t crc = fot_crc32(0, payload, n);

	for (int i = 0; i < 8; i++)
		out[i] = "0123456789abcdef"[crc >> (28 - 4 * i) & 15];
	out[8] = '\0';
}

/* The payload of a framed line, or NULL. n excludes the newline. */
static const char *unframe(const char *line, size_t n, size_t *payload_len)
{
	char crc[9];

	if (n < FRAME_LEN + 2 || memcmp(line, LEAD, LEAD_LEN) != 0 || line[n - 1] != '}' ||
	    memcmp(line + LEAD_LEN + 8, MIDDLE, sizeof MIDDLE - 1) != 0)
		return NULL;
	*payload_len = n - FRAME_LEN - 1;
	crc_text(crc, line + FRAME_LEN, *payload_len);
	return memcmp(crc, line + LEAD_LEN, 8) == 0 ? line + FRAME_LEN : NULL;
}

static void frame(struct fot_str *line, const char *payload, size_t n)
{
	char crc[9];

	crc_text(crc, payload, n);
	fot_str_puts(line, LEAD);
	fot_str_puts(line, crc);
	fot_str_puts(line, MIDDLE);
	fot_str_add(line, payload, n);
	fot_str_puts(line, "}\n");
}

/* --- marks --- */

/* Where the mark of a record begins, its comma; n: it has none. *bytes: what it says. The last key of a record is
 * followed by digits and one brace; no other number that a record holds ends there. */
static size_t mark_at(const char *payload, size_t n, size_t *bytes)
{
	static const char key[] = ", \"" SYNCED "\": ";
	size_t at = n - 1, len = sizeof key - 1;

	*bytes = 0;
	while (at > 0 && payload[at - 1] >= '0' && payload[at - 1] <= '9')
		at--;
	if (at == n - 1 || n - 1 - at > 18 || at < len || memcmp(payload + at - len, key, len) != 0)
		return n;
	*bytes = (size_t)strtoull(payload + at, NULL, 10);
	return at - len;
}

/* --- reading --- */

static int corrupt(const char *path, size_t line, const char *what, struct fot_err *err)
{
	return FOT_FAIL(
		err, FOT_ERR_INPUT,
		"%s: line %zu: %s; the journal is damaged before its end, restore it from a copy or use --overwrite",
		path, line, what);
}

static int read_header(struct fot_journal_content *c, cJSON *record, const char *path, struct fot_err *err)
{
	struct fot_json_ctx ctx = { path, FOT_ERR_INPUT };
	const char *format = "";
	int64_t version = 0;
	int status;

	FOT_TRY(fot_json_string(record, "format", true, &format, &ctx, err));
	if (strcmp(format, FORMAT) != 0)
		FOT_TRY(FOT_FAIL(err, FOT_ERR_INPUT, "%s: line 1: format \"%.40s\", expected \"%s\"", path,
				 format, FORMAT));
	FOT_TRY(fot_json_i64(record, "version", true, 0, INT32_MAX, &version, &ctx, err));
	if (version != FOT_JOURNAL_VERSION)
		FOT_TRY(FOT_FAIL(err, FOT_ERR_INPUT,
				 "%s: journal version %lld, this program reads version %d", path,
				 (long long)version, FOT_JOURNAL_VERSION));
	c->identity = cJSON_DetachItemFromObjectCaseSensitive(record, "identity");
	if (!cJSON_IsObject(c->identity))
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: line 1: no identity", path);
out:
	cJSON_Delete(record);
	return status;
}

static int parse(cJSON **out, const char *text, size_t n, size_t line, const char *path, struct fot_err *err)
{
	struct fot_str where = FOT_STR_INIT;
	int status;

	fot_str_printf(&where, "%s: line %zu", path, line);
	status = fot_json_parse(out, text, n, where.failed ? path : where.data, FOT_ERR_INPUT, err);
	fot_str_release(&where);
	return status;
}

static const cJSON *usable_item(const cJSON *record)
{
	return cJSON_GetObjectItemCaseSensitive(record, "result") ?
		       cJSON_GetObjectItemCaseSensitive(record, "item") :
		       NULL;
}

/* item: or NULL */
static int keep_record(struct fot_journal_content *c, size_t *cap, const cJSON *item, struct fot_record *r,
		       const char *path, struct fot_err *err)
{
	if (!cJSON_IsString(item))
		return corrupt(path, r->line, "no item record", err);
	if (!FOT_GROW(c->rec, c->n, *cap))
		return FOT_NO_MEMORY(err, path);
	r->name = c->names.len;
	fot_str_add(&c->names, item->valuestring, strlen(item->valuestring) + 1);
	c->rec[c->n++] = *r;
	return fot_str_check(&c->names, err);
}

/* The item of a record of the form that journals write, without what it gave: that is read when it is asked for, and
 * until then its checksum answers for it. NULL: of another form. */
static cJSON *read_item(const struct fot_record *r)
{
	static const char begin[] = "{\"item\": ", after[] = ", \"result\": ";
	const char *at = r->text + sizeof begin - 1, *end = r->text + r->n_text, *quote = at + 1;
	cJSON *item = NULL;

	if (r->n_text < sizeof begin || memcmp(r->text, begin, sizeof begin - 1) != 0 || *at != '"')
		return NULL;
	while (quote < end && *quote != '"')
		quote += *quote == '\\' ? 2 : 1;
	if (quote >= end || (size_t)(end - quote) < sizeof after + 1 ||
	    memcmp(quote + 1, after, sizeof after - 1) != 0)
		return NULL;
	if (fot_json_parse(&item, at, (size_t)(quote + 1 - at), "item", FOT_ERR_INPUT, NULL) != FOT_OK)
		return NULL;
	return item;
}

static int read_record(struct fot_journal_content *c, size_t *cap, struct fot_record *r, const char *path,
		       struct fot_err *err)
{
	cJSON *item = read_item(r), *record = NULL;
	int status = FOT_OK;

	if (!item)
		FOT_TRY(parse(&record, r->text, r->n_text, r->line, path, err));
	status = keep_record(c, cap, item ? item : usable_item(record), r, path, err);
out:
	cJSON_Delete(item);
	cJSON_Delete(record);
	return status;
}

static int read_line(struct fot_journal_content *c, size_t *cap, struct fot_record *r, const char *path,
		     struct fot_err *err)
{
	cJSON *header = NULL;
	int status;

	if (r->line > 1)
		return read_record(c, cap, r, path, err);
	status = parse(&header, r->text, r->n_text, r->line, path, err);
	return status == FOT_OK ? read_header(c, header, path, err) : status;
}

/* May a bad last line be the torn rest of one of ours, or of a header of which zeros came to the disk? A foreign file is
 * never cut. */
static bool may_be_torn(const char *line, size_t n, size_t number, bool ended)
{
	while (n > 0 && line[n - 1] == '\0')
		n--;
	return number > 1 || (!ended && memcmp(line, LEAD, n < LEAD_LEN ? n : LEAD_LEN) == 0);
}

static int damaged_hole(const char *path, size_t line, struct fot_err *err)
{
	return corrupt(path, line, "zeros where a record was on the disk", err);
}

/* The bytes from `from` on, where bad line `line` begins: a hole that may be cut, unless a mark behind it says that it
 * was on the disk. */
static int read_hole(struct fot_journal_content *c, size_t from, size_t line, const char *path,
		     struct fot_err *err)
{
	const char *text = (const char *)c->file.data, *end;

	c->hole_line = line;
	for (size_t at = from; (end = memchr(text + at, '\n', c->file.size - at)) != NULL;
	     at = (size_t)(end - text) + 1) {
		size_t n = 0, synced = 0;
		const char *payload = unframe(text + at, (size_t)(end - text) - at, &n);

		if (payload)
			mark_at(payload, n, &synced);
		if (synced > from)
			return damaged_hole(path, line, err);
		c->n_behind += payload != NULL;
	}
	return FOT_OK;
}

/* A bad line with zeros in it, or with others behind it. */
static int read_damage(struct fot_journal_content *c, size_t from, size_t n, size_t line, const char *path,
		       struct fot_err *err)
{
	if (line == 1)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: not a fotbench journal", path);
	if (!memchr(c->file.data + from, '\0', n))
		return corrupt(path, line, "wrong checksum or form", err);
	return read_hole(c, from, line, path, err);
}

static int read_lines(struct fot_journal_content *c, const char *path, struct fot_err *err)
{
	const char *text = c->file.data ? (const char *)c->file.data : "";
	size_t at = 0, cap = 0, read = 0, size = c->file.size;
	int status = FOT_OK;

	for (size_t line = 1; at < size && status == FOT_OK; line++) {
		const char *end = memchr(text + at, '\n', size - at);
		size_t n = end ? (size_t)(end - text) - at : size - at, payload_len = 0;
		size_t next = at + n + (end != NULL);
		const char *payload = end ? unframe(text + at, n, &payload_len) : NULL;

		if (payload) {
			status = read_line(
				c, &cap,
				&(struct fot_record){ .text = payload, .n_text = payload_len, .line = line },
				path, err);
			at = next;
			if (at - read > FOT_JOURNAL_PART) {
				fot_map_unload(text + read, at - read);
				read = at;
			}
			continue;
		}
		if (next < size || (line > 1 && memchr(text + at, '\0', n)))
			status = read_damage(c, at, n, line, path, err);
		else if (!may_be_torn(text + at, n, line, end != NULL))
			status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: not a fotbench journal", path);
		break;
	}
	c->valid_bytes = at;
	c->torn_bytes = size - at;
	return status;
}

static int by_item(const void *a, const void *b)
{
	const struct fot_record *x = a, *y = b;
	int order = strcmp(x->item, y->item);

	if (order == 0)
		order = (x->journal > y->journal) - (x->journal < y->journal);
	return order ? order : (x->line > y->line) - (x->line < y->line);
}

/* Are the results of two records of an item the same, whatever their texts and notes? path: of the journal, or NULL
 * where they stand in two. */
static int check_same(const struct fot_record *first, const struct fot_record *r, const char *path,
		      struct fot_err *err)
{
	cJSON *a = NULL, *b = NULL, *note_a = NULL, *note_b = NULL;
	struct fot_str text = FOT_STR_INIT;
	size_t n = 0;
	int status;

	FOT_TRY(fot_journal_read(&a, &note_a, first, err));
	FOT_TRY(fot_journal_read(&b, &note_b, r, err));
	FOT_TRY(fot_json_differences(&text, a, "first", b, "second", 3, &n, err));
	if (n > 0)
		status =
			path ? FOT_FAIL(err, FOT_ERR_INPUT,
					"%s: lines %zu and %zu: two different results of item %.200s: %.300s",
					path, first->line, r->line, r->item, text.data) :
			       FOT_FAIL(err, FOT_ERR_INPUT,
					"merge: two journals hold unequal results of %.200s: %.300s", r->item,
					text.data);
out:
	fot_str_release(&text);
	cJSON_Delete(a);
	cJSON_Delete(b);
	cJSON_Delete(note_a);
	cJSON_Delete(note_b);
	return status;
}

/* After sorting, records of one item are neighbours, the first one first. */
static int drop_duplicates(struct fot_journal_content *c, const char *path, struct fot_err *err)
{
	size_t kept = 0;
	int status = FOT_OK;

	for (size_t i = 0; i < c->n && status == FOT_OK; i++) {
		if (kept && strcmp(c->rec[kept - 1].item, c->rec[i].item) == 0) {
			status = check_same(&c->rec[kept - 1], &c->rec[i], path, err);
			c->n_duplicates++;
		} else {
			c->rec[kept++] = c->rec[i];
		}
	}
	c->n = kept;
	return status;
}

int fot_journal_load(struct fot_journal_content *out, const char *path, struct fot_err *err)
{
	int status;

	*out = (struct fot_journal_content){ 0 };
	FOT_TRY(fot_map_open(&out->file, path, err));
	FOT_TRY(read_lines(out, path, err));
	for (size_t i = 0; i < out->n; i++)
		out->rec[i].item = out->names.data + out->rec[i].name;
	if (out->n > 0)
		qsort(out->rec, out->n, sizeof *out->rec, by_item);
	FOT_TRY(drop_duplicates(out, path, err));
	fot_map_unload(out->file.data, out->file.size); /* records are read when they are asked for */
out:
	if (status != FOT_OK)
		fot_journal_content_release(out);
	return status;
}

int fot_journal_check_closed(const struct fot_journal_content *c, const char *path, struct fot_err *err)
{
	return c->hole_line ? damaged_hole(path, c->hole_line, err) : FOT_OK;
}

int fot_journal_join(struct fot_journal_content *out, const struct fot_journal_content *given, size_t n,
		     struct fot_err *err)
{
	size_t total = 0;
	int status;

	for (size_t k = 0; k < n; k++)
		total += given[k].n;
	*out = (struct fot_journal_content){ .rec = fot_alloc(total, sizeof *out->rec) };
	if (!out->rec)
		return FOT_NO_MEMORY(err, "merge");
	for (size_t k = 0; k < n; k++)
		for (size_t i = 0; i < given[k].n; i++) {
			out->rec[out->n] = given[k].rec[i];
			out->rec[out->n++].journal = k;
		}
	qsort(out->rec, out->n, sizeof *out->rec, by_item);
	FOT_TRY(drop_duplicates(out, NULL, err));
out:
	if (status != FOT_OK)
		fot_journal_content_release(out);
	return status;
}

size_t fot_record_bytes(const struct fot_record *r)
{
	return (r->n_text / PAGE + 1) * PAGE;
}

int fot_journal_read(cJSON **result, cJSON **note, const struct fot_record *r, struct fot_err *err)
{
	cJSON *record = NULL;
	int status = parse(&record, r->text, r->n_text, r->line, "journal.jsonl", err);

	if (status != FOT_OK)
		return status;
	*result = cJSON_DetachItemFromObjectCaseSensitive(record, "result");
	*note = cJSON_DetachItemFromObjectCaseSensitive(record, "note");
	cJSON_Delete(record);
	return FOT_OK;
}

void fot_journal_content_release(struct fot_journal_content *c)
{
	fot_free(c->rec);
	fot_str_release(&c->names);
	fot_map_close(&c->file);
	cJSON_Delete(c->identity);
	*c = (struct fot_journal_content){ 0 };
}

const struct fot_record *fot_journal_find(const struct fot_journal_content *c, const char *item)
{
	size_t lo = 0, hi = c->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = strcmp(c->rec[mid].item, item);

		if (order == 0)
			return &c->rec[mid];
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* --- writing --- */

/* A disk that is waited for after every item of some milliseconds takes more time than the items do. */
static int sync_journal(struct fot_journal *j, struct fot_err *err)
{
	int status = fot_fsync(j->fd, j->path, err);

	j->due = fot_clock() + FOT_JOURNAL_SYNC_S;
	j->dead = status != FOT_OK;
	j->synced = j->bytes;
	return status;
}

/* wait: if that is due */
static int append_line(struct fot_journal *j, const struct fot_str *line, bool wait, struct fot_err *err)
{
	int status;

	if (j->dead)
		return FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: an earlier fsync failed, nothing more is written",
				j->path);
	status = fot_write_all(j->fd, line->data, line->len, j->path, err);
	if (status != FOT_OK) {
		/* Take the torn piece back; if that fails too, the reader copes with it. */
		if (ftruncate(j->fd, (off_t)j->bytes) != 0)
			j->dead = true;
		return status;
	}
	if (j->synced == j->bytes)
		j->oldest = fot_clock();
	j->bytes += line->len;
	return wait && fot_clock() >= j->due ? sync_journal(j, err) : FOT_OK;
}

/* mark: what the record says to be on the disk */
static int write_record(struct fot_journal *j, cJSON *record, size_t mark, struct fot_err *err)
{
	struct fot_str payload = FOT_STR_INIT, line = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_json_print(&payload, record, 0, err));
	frame(&line, payload.data, payload.len);
	FOT_TRY(fot_str_check(&line, err));
	FOT_TRY(append_line(j, &line, true, err));
	j->marked = mark;
out:
	fot_str_release(&payload);
	fot_str_release(&line);
	return status;
}

int fot_journal_copy(struct fot_journal *j, const struct fot_record *r, struct fot_err *err)
{
	struct fot_str payload = FOT_STR_INIT, line = FOT_STR_INIT;
	size_t synced, n = mark_at(r->text, r->n_text, &synced);
	int status;

	if (n < r->n_text) { /* a mark is of its journal alone */
		fot_str_add(&payload, r->text, n);
		fot_str_puts(&payload, "}");
		FOT_TRY(fot_str_check(&payload, err));
	}
	frame(&line, payload.len ? payload.data : r->text, payload.len ? payload.len : n);
	FOT_TRY(fot_str_check(&line, err));
	FOT_TRY(append_line(j, &line, false, err));
out:
	fot_str_release(&payload);
	fot_str_release(&line);
	return status;
}

static int write_header(struct fot_journal *j, const cJSON *identity, struct fot_err *err)
{
	cJSON *record = cJSON_CreateObject();
	int status;

	if (!record || !cJSON_AddStringToObject(record, "format", FORMAT) ||
	    !cJSON_AddNumberToObject(record, "version", FOT_JOURNAL_VERSION) ||
	    !cJSON_AddItemReferenceToObject(record, "identity", (cJSON *)(uintptr_t)identity))
		status = FOT_NO_MEMORY(err, j->path);
	else
		status = write_record(j, record, 0, err);
	cJSON_Delete(record);
	return status;
}

static int sync_folder(const char *path, struct fot_err *err)
{
	char *dir = fot_path_folder(path);
	int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int status = fd < 0 ? FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: cannot open its folder: %s", path,
				       strerror(errno)) :
			      fot_fsync(fd, dir, err);

	if (fd >= 0)
		close(fd);
	fot_free(dir);
	return status;
}

static int open_journal(struct fot_journal **out, const char *path, int flags, struct fot_err *err)
{
	struct fot_journal *j = fot_calloc(1, sizeof *j);
	struct stat st;
	int status = FOT_OK;

	if (!j || !(j->path = fot_strdup(path))) {
		fot_free(j);
		return FOT_NO_MEMORY(err, path);
	}
	j->fd = open(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC | flags, 0666);
	if (j->fd < 0)
		status = FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: %s", path, strerror(errno));
	else if (fstat(j->fd, &st) != 0 || !S_ISREG(st.st_mode))
		status = FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: not a regular file", path);
	if (status != FOT_OK) {
		fot_journal_close(j, NULL);
		return status;
	}
	*out = j;
	return FOT_OK;
}

int fot_journal_create(struct fot_journal **out, const char *path, const cJSON *identity, struct fot_err *err)
{
	struct fot_journal *j = NULL;
	int status = open_journal(&j, path, O_CREAT | O_EXCL, err);

	if (status != FOT_OK)
		return status;
	status = write_header(j, identity, err);
	if (status == FOT_OK)
		status = sync_folder(path, err);
	if (status == FOT_OK)
		*out = j;
	else
		fot_journal_close(j, NULL);
	return status;
}

static int check_identity(const struct fot_journal_content *c, const cJSON *identity, const char *path,
			  struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	size_t n = 0;
	int status = fot_json_differences(&text, c->identity, "journal", identity, "now", MAX_DIFFERENCES, &n,
					  err);

	if (status == FOT_OK && n > 0)
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: cannot resume, %zu inputs differ: %s", path, n,
				  text.data);
	fot_str_release(&text);
	return status;
}

int fot_journal_resume(struct fot_journal **out, struct fot_journal_content *content, const char *path,
		       const cJSON *identity, bool closed, struct fot_err *err)
{
	struct fot_journal *j = NULL;
	int status = fot_journal_load(content, path, err);

	if (status != FOT_OK)
		return status;
	if (closed)
		FOT_TRY(fot_journal_check_closed(content, path, err));
	if (content->identity)
		FOT_TRY(check_identity(content, identity, path, err));
	fot_map_close(
		&content->file); /* it will grow: a changed file under a map is an error (fot_map_check_all) */
	for (size_t i = 0; i < content->n; i++)
		content->rec[i].text = NULL;
	FOT_TRY(open_journal(&j, path, 0, err));
	j->bytes = content->valid_bytes;
	if (content->torn_bytes > 0 && ftruncate(j->fd, (off_t)j->bytes) != 0)
		FOT_TRY(FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: cannot cut the torn last line: %s", path,
				 strerror(errno)));
	if (content->torn_bytes > 0)
		FOT_TRY(fot_fsync(j->fd, path, err));
	if (!content->identity)
		FOT_TRY(write_header(j, identity, err));
out:
	if (status == FOT_OK) {
		*out = j;
	} else {
		fot_journal_close(j, NULL);
		fot_journal_content_release(content);
	}
	return status;
}

int fot_journal_append(struct fot_journal *j, const char *item, const cJSON *result, const cJSON *note,
		       struct fot_err *err)
{
	cJSON *record = cJSON_CreateObject();
	int status;

	/* The reference items are not written to; cJSON's signature lacks const. */
	if (!record || !cJSON_AddStringToObject(record, "item", item) ||
	    !cJSON_AddItemReferenceToObject(record, "result", (cJSON *)(uintptr_t)result) ||
	    (note && !cJSON_AddItemReferenceToObject(record, "note", (cJSON *)(uintptr_t)note)) ||
	    (j->synced > j->marked && !cJSON_AddNumberToObject(record, SYNCED, (double)j->synced)))
		status = FOT_NO_MEMORY(err, j->path);
	else
		status = write_record(j, record, j->synced, err);
	cJSON_Delete(record);
	return status;
}

int fot_journal_settle(struct fot_journal *j, double seconds, struct fot_err *err)
{
	if (j->dead || j->synced == j->bytes || fot_clock() + seconds < j->oldest + FOT_JOURNAL_SYNC_S)
		return FOT_OK;
	return sync_journal(j, err);
}

int fot_journal_close(struct fot_journal *j, struct fot_err *err)
{
	int status = FOT_OK;

	if (!j)
		return FOT_OK;
	if (j->fd >= 0 && j->synced < j->bytes && !j->dead)
		status = sync_journal(j, err);
	if (j->fd >= 0 && close(j->fd) != 0 && status == FOT_OK)
		status = FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: close: %s", j->path, strerror(errno));
	fot_free(j->path);
	fot_free(j);
	return status;
}
