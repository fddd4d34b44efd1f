/* prefix.c: what `make install` compiles once more, with PREFIX/share/fotbench, before the library's own. */
#include "harness/plan/place.h"

#ifndef FOT_SHIPPED
#include "build_info.h"
#define FOT_SHIPPED FOT_BUILD_FOLDER
#endif

const char fot_place_prefix[] = FOT_SHIPPED;
