/* cmd_inspect.h: `fotbench inspect MODEL|DATASET`. */
#ifndef FOT_CMD_INSPECT_H
#define FOT_CMD_INSPECT_H

int fot_cmd_inspect(int argc, char **argv);

#endif
