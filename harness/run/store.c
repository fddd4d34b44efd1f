/* store.c: the folders that commands use when none is given.
 *
 * The program finds its repository from /proc/self/exe, so that it works from
 * any folder; ./fotbench and build/VARIANT/fotbench both count. */
#include "harness/run/store.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define MANIFESTS "datasets/manifests"
#define STORE "datasets/store"
#define UP_MAX 3 /* from build/VARIANT/ to the repository */

/* The nearest folder at or above the program's that holds the manifests. */
static bool repository(char out[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
	struct fot_str path = FOT_STR_INIT;
	bool found = false;
	char *slash;

	if (n <= 0)
		return false;
	out[n] = '\0';
	for (int i = 0; i < UP_MAX && !found; i++) {
		slash = strrchr(out, '/');
		if (!slash)
			break;
		*slash = '\0';
		fot_str_clear(&path);
		fot_path_join(&path, out, MANIFESTS);
		found = !path.failed && fot_is_dir(path.data);
	}
	fot_str_release(&path);
	return found;
}

int fot_repository_path(struct fot_str *out, const char *name)
{
	char root[PATH_MAX];

	if (!fot_is_dir(MANIFESTS) && repository(root))
		fot_path_join(out, root, name);
	else
		fot_str_puts(out, name);
	return fot_str_check(out, NULL);
}

int fot_store_default(struct fot_str *out)
{
	const char *given = getenv("FOTBENCH_DATA");

	if (given && *given) {
		fot_str_puts(out, given);
		return fot_str_check(out, NULL);
	}
	return fot_repository_path(out, STORE);
}

int fot_manifests_default(struct fot_str *out)
{
	return fot_repository_path(out, MANIFESTS);
}
