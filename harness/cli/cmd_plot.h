/* cmd_plot.h: `fotbench plot DIR`. */
#ifndef FOT_CMD_PLOT_H
#define FOT_CMD_PLOT_H

int fot_cmd_plot(int argc, char **argv);

#endif
