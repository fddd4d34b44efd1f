/* cmd_task.h: one command per task, whose flags build the same spec as a file would. */
#ifndef FOT_CMD_TASK_H
#define FOT_CMD_TASK_H

struct fot_task_class;

int fot_cmd_task(const struct fot_task_class *class, int argc, char **argv);

#endif
