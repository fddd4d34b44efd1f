/* cmd_bench.h: `fotbench bench`. */
#ifndef FOT_CMD_BENCH_H
#define FOT_CMD_BENCH_H

int fot_cmd_bench(int argc, char **argv);

#endif
