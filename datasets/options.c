/* options.c: see options.h. */
#include "datasets/options.h"

#include <fnmatch.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	       c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	       c >= 'A' && c <= 'F' ? c - 'A' + 10 :
				      -1;
}

/* A copy with %XX replaced; NULL when out of memory or %00. */
static char *unescape(const char *p, size_t n)
{
	struct fot_str s = FOT_STR_INIT;
	char *copy = NULL;

	fot_str_puts(&s, "");
	for (size_t i = 0; i < n; i++) {
		bool escape = p[i] == '%' && i + 2 < n && hex(p[i + 1]) >= 0 && hex(p[i + 2]) >= 0;

		char byte = escape ? (char)(hex(p[i + 1]) * 16 + hex(p[i + 2])) : p[i];

		fot_str_putc(&s, byte);
		i += escape ? 2 : 0;
	}
	if (!s.failed && !memchr(s.data, '\0', s.len))
		copy = fot_strdup(s.data);
	fot_str_release(&s);
	return copy;
}

int fot_data_options(const char *spec, const char *options,
		     int (*set)(void *user, const char *spec, const char *key, const char *value,
				struct fot_err *err),
		     void *user, struct fot_err *err)
{
	int status = FOT_OK;
	size_t n;

	for (const char *p = options; *p && status == FOT_OK; p += n + (p[n] == '&')) {
		const char *equal;
		char *key, *value;

		n = strcspn(p, "&");
		equal = memchr(p, '=', n);
		if (!equal)
			return FOT_FAIL(err, FOT_ERR_USAGE, "%s: expected key=value behind '?', got '%.*s'",
					spec, (int)n, p);
		key = unescape(p, (size_t)(equal - p));
		value = unescape(equal + 1, n - (size_t)(equal - p) - 1);
		status = key && value ?
				 set(user, spec, key, value, err) :
				 FOT_FAIL(err, FOT_ERR_USAGE, "%s: bad option '%.*s'", spec, (int)n, p);
		fot_free(key);
		fot_free(value);
	}
	return status;
}

int fot_data_no_option(const char *spec, const char *key, const char *const *known, size_t n,
		       struct fot_err *err)
{
	const char *near = fot_nearest(key, known, n);

	return FOT_FAIL(err, FOT_ERR_USAGE, "%s: unknown option '%s'%s%s%s", spec, key,
			near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

bool fot_data_matches(const char *patterns, const char *text)
{
	struct fot_str p = FOT_STR_INIT;
	bool hit = false;

	for (const char *at = patterns; !hit;) {
		size_t n = strcspn(at, ",");

		fot_str_clear(&p);
		fot_str_add(&p, at, n);
		hit = !p.failed && fnmatch(p.data ? p.data : "", text, 0) == 0;
		if (!at[n])
			break;
		at += n + 1;
	}
	fot_str_release(&p);
	return hit;
}
