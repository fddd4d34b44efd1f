/* foreign.c: see foreign.h. */
#include "model/foreign.h"

#include <string.h>

#include "base/list.h"

static const struct {
	const char *bytes, *what;
} magics[] = {
	{ "version https://git-lfs",
	  "a git-LFS pointer, not the file itself (fetch it with \"git lfs pull\")" },
	{ "<", "an HTML or XML page, not a model (a download that went wrong?)" },
	{ "PK\003\004", "a zip archive (a PyTorch .bin file?)" },
	{ "GGUF", "a GGUF file, which is not read" },
};

const char *fot_foreign(const void *bytes, size_t n)
{
	for (size_t i = 0; i < FOT_COUNT(magics); i++) {
		size_t k = strlen(magics[i].bytes);

		if (n >= k && memcmp(bytes, magics[i].bytes, k) == 0)
			return magics[i].what;
	}
	return NULL;
}
