/* cmd_run.h: `fotbench run`, `merge` and `validate`. */
#ifndef FOT_CMD_RUN_H
#define FOT_CMD_RUN_H

int fot_cmd_run(int argc, char **argv);
int fot_cmd_merge(int argc, char **argv);
int fot_cmd_validate(int argc, char **argv);

#endif
