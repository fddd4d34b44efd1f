# Written by fotbench plot.
n_datasets = 2
n_series = 5
array look[5] = [1, 4, 4, 3, 3]
array dash[5] = [1, 2, 4, 2, 4]
array chance[2] = [1.63934, -1]
array majority[2] = [-1, -1]
title = "Dictionary look-up (bars: lowest and highest trial)"
x_low = 4096.0
x_high = 1048576.0
n_lengths = 5
x_tics = '("4k" 4096, "16k" 16384, "64k" 65536, "256k" 262144, "1024k" 1048576)'
formats = "svg png"
