/* cmd_text.h: `fotbench tokenize` and `fotbench detokenize`. */
#ifndef FOT_CMD_TEXT_H
#define FOT_CMD_TEXT_H

int fot_cmd_tokenize(int argc, char **argv);
int fot_cmd_detokenize(int argc, char **argv);

#endif
