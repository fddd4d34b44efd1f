# Written by fotbench plot.
n_datasets = 4
n_series = 3
array look[3] = [2, 4, 3]
array dash[3] = [2, 2, 2]
array chance[4] = [-1, -1, -1, -1]
array majority[4] = [-1, -1, -1, -1]
title = "Attention on the own document among d (95 % intervals over documents)"
x_low = 1.0
x_high = 64.0
n_lengths = 7
x_tics = '("1" 1, "2" 2, "4" 4, "8" 8, "16" 16, "32" 32, "64" 64)'
formats = "svg png"
