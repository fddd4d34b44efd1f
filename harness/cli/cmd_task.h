/* cmd_task.h: one command per task, whose flags build the same spec as a file would. */
#ifndef FOT_CMD_TASK_H
#define FOT_CMD_TASK_H

int fot_cmd_perplexity(int argc, char **argv);
int fot_cmd_passkey(int argc, char **argv);
int fot_cmd_fewshot(int argc, char **argv);
int fot_cmd_lookup(int argc, char **argv);
int fot_cmd_distraction(int argc, char **argv);

#endif
