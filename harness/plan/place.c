/* place.c: see place.h. */
#include "harness/plan/place.h"

#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/list.h"

#define MANIFESTS "datasets/manifests" /* what tells the folder */
#define UP_MAX 4 /* from build/matrix/NAME/ to the repository, from lib/fotbench/MACHINE/ to PREFIX */

/* Append dir or dir/below if that holds what is shipped. */
static bool take(struct fot_str *out, const char *dir, const char *below)
{
	struct fot_str folder = FOT_STR_INIT, manifests = FOT_STR_INIT;
	bool found;

	if (below)
		fot_path_join(&folder, dir, below);
	else
		fot_str_puts(&folder, dir);
	fot_path_join(&manifests, folder.failed ? "" : folder.data, MANIFESTS);
	out->failed = out->failed || folder.failed || manifests.failed;
	found = !out->failed && fot_is_dir(manifests.data);
	if (found)
		fot_str_puts(out, folder.data);
	fot_str_release(&folder);
	fot_str_release(&manifests);
	return found && !out->failed;
}

bool fot_place_shipped(struct fot_str *out)
{
	char at[PATH_MAX], *slash;
	ssize_t n = readlink("/proc/self/exe", at, sizeof at - 1);

	at[n > 0 ? n : 0] = '\0';
	for (int i = 0; i < UP_MAX && (slash = strrchr(at, '/')); i++) {
		*slash = '\0';
		if (take(out, at, NULL) || take(out, at, "share/fotbench"))
			return true;
	}
	return take(out, fot_place_prefix, NULL);
}

bool fot_place_is_repository(const char *shipped)
{
	struct fot_str makefile = FOT_STR_INIT;
	bool is;

	fot_path_join(&makefile, shipped, "Makefile");
	is = !makefile.failed && fot_file_exists(makefile.data);
	fot_str_release(&makefile);
	return is;
}

bool fot_place_user_data(struct fot_str *out)
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	const struct passwd *user = home && home[0] == '/' ? NULL : getpwuid(getuid());

	if (user)
		home = user->pw_dir;
	if (data && data[0] == '/')
		fot_path_join(out, data, "fotbench");
	else if (home && home[0] == '/')
		fot_path_join(out, home, ".local/share/fotbench");
	else
		return false;
	return !out->failed;
}

/* --- machines --- */

#if defined(__x86_64__)
static bool has_v3(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
	       __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

static bool has_v4(void)
{
	return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
	       __builtin_cpu_supports("avx512vl");
}

#if defined(__AVX512F__)
#define OWN 4
#elif defined(__AVX2__)
#define OWN 3
#else
#define OWN 1
#endif

/* The best first. */
static const struct {
	int level;
	bool (*has)(void);
	const char *program; /* from PREFIX/share/fotbench */
} machines[] = {
	{ 4, has_v4, "../../lib/fotbench/x86-64-v4/fotbench" },
	{ 3, has_v3, "../../lib/fotbench/x86-64-v3/fotbench" },
};

bool fot_place_faster(struct fot_str *out)
{
	struct fot_str shipped = FOT_STR_INIT;
	bool found = false;

	if (fot_place_shipped(&shipped) && !fot_place_is_repository(shipped.data)) {
		for (size_t i = 0; i < FOT_COUNT(machines) && !found && machines[i].level > OWN; i++) {
			fot_str_clear(out);
			fot_path_join(out, shipped.data, machines[i].program);
			found = machines[i].has() && !out->failed && access(out->data, X_OK) == 0;
		}
	}
	fot_str_release(&shipped);
	return found;
}
#else
bool fot_place_faster(struct fot_str *out)
{
	(void)out;
	return false;
}
#endif
