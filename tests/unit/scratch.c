#include "tests/unit/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"

static char root[64];

int scratch_make(void **state)
{
	(void)state;
	strcpy(root, "/tmp/fot-scratch-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

int scratch_remove(void **state)
{
	char command[128];

	(void)state;
	fot_mem_fail_at(0);
	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

const char *scratch_path(const char *name)
{
	static char paths[8][4096];
	static int turn;

	turn = (turn + 1) % 8;
	snprintf(paths[turn], sizeof(paths[0]), name[0] ? "%s/%s" : "%s%s", root, name);
	return paths[turn];
}

void scratch_write(const char *name, const void *bytes, size_t n)
{
	struct fot_err err = { 0 };

	if (fot_file_replace(scratch_path(name), bytes, n, &err) != FOT_OK)
		fail_msg("%s", err.text);
}

void scratch_puts(const char *name, const char *text)
{
	scratch_write(name, text, strlen(text));
}

void assert_fails(int status, int code, const struct fot_err *err, const char *fragment)
{
	if (status != code || err->code != code || !strstr(err->text, fragment) || strchr(err->text, '\n'))
		fail_msg("expected status %d and \"%s\", got %d and \"%s\"", code, fragment, status, err->text);
}
