/* version.h: the program's version; commit and flags come from build_info.h. */
#ifndef FOT_VERSION_H
#define FOT_VERSION_H

#define FOT_VERSION "0.1.0"

#endif
