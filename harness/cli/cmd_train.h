/* cmd_train.h: `fotbench train RECIPE.json`. */
#ifndef FOT_CMD_TRAIN_H
#define FOT_CMD_TRAIN_H

int fot_cmd_train(int argc, char **argv);

#endif
