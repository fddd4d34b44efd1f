/* cmd_report.h: `fotbench report DIR...`. */
#ifndef FOT_CMD_REPORT_H
#define FOT_CMD_REPORT_H

int fot_cmd_report(int argc, char **argv);

#endif
