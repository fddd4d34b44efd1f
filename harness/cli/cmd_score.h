/* cmd_score.h: `fotbench score` and `fotbench generate`: the parity door. */
#ifndef FOT_CMD_SCORE_H
#define FOT_CMD_SCORE_H

int fot_cmd_score(int argc, char **argv);
int fot_cmd_generate(int argc, char **argv);

#endif
