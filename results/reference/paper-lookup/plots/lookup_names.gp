# Written by fotbench plot.
n_datasets = 2
array dataset[2] = ["value tokens", "whole values"]
n_series = 5
array series[5] = ["local (no memory)", "fot-d1 (dense memory)", "fot-d1 (top-32 memory)", "fot (dense memory)", "fot (top-32 memory)"]
array look[5] = [1, 2, 3, 4, 5]
array chance[2] = [1.63934, -1]
array majority[2] = [-1, -1]
title = "Dictionary look-up (bars: lowest and highest trial)"
x_low = 4096.0
x_high = 1048576.0
n_lengths = 5
x_tics = '("4k" 4096, "16k" 16384, "64k" 65536, "256k" 262144, "1024k" 1048576)'
