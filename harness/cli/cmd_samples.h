/* cmd_samples.h: what the memory's queries retrieve, as text. */
#ifndef FOT_CMD_SAMPLES_H
#define FOT_CMD_SAMPLES_H

int fot_cmd_samples(int argc, char **argv);

#endif
