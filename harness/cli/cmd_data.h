/* cmd_data.h: `fotbench data fetch|verify|list`. */
#ifndef FOT_CMD_DATA_H
#define FOT_CMD_DATA_H

/* argv[0] is "data"; returns the exit code. */
int fot_cmd_data(int argc, char **argv);

#endif
