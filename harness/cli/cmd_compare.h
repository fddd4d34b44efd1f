/* cmd_compare.h: `fotbench compare BASE NEW`. */
#ifndef FOT_CMD_COMPARE_H
#define FOT_CMD_COMPARE_H

int fot_cmd_compare(int argc, char **argv);

#endif
