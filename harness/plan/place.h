/* place.h: where the program stands, and with it what is shipped: specs, recipes, templates, manifests, the zoo,
 * plot scripts, published figures.
 *
 * It stands in a repository (DIR/fotbench, DIR/build/VARIANT/fotbench) or is installed (PREFIX/bin/fotbench with
 * PREFIX/share/fotbench). Either is found from /proc/self/exe, so that it works from any folder and through links; a
 * program copied away from both finds the folder that it was built or installed for. */
#ifndef FOT_PLACE_H
#define FOT_PLACE_H

#include <stdbool.h>

#include "base/str.h"

/* Append the folder of what is shipped; false: there is none. Lack of memory shows in out->failed. */
bool fot_place_shipped(struct fot_str *out);
/* A repository, where the store of datasets may lie? What is installed is not written to. */
bool fot_place_is_repository(const char *shipped);
/* Append the user's own folder for data: $XDG_DATA_HOME/fotbench, else ~/.local/share/fotbench; false: the user
 * has no home. */
bool fot_place_user_data(struct fot_str *out);
/* Append the installed program for the most that this processor can do (PREFIX/lib/fotbench/x86-64-v4/fotbench,
 * ...-v3); false: this one is that, or none is there. */
bool fot_place_faster(struct fot_str *out);

/* The folder that this program was built or installed for (prefix.c). */
extern const char fot_place_prefix[];

#endif
