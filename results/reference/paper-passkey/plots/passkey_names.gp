# Written by fotbench plot.
n_datasets = 21
n_series = 7
array look[7] = [1, 2, 2, 4, 4, 3, 3]
array dash[7] = [1, 2, 4, 2, 4, 2, 4]
array chance[21] = [0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002]
array majority[21] = [-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1]
title = "Pass-key accuracy (%) by context length and place of the key"
x_low = 1.0
x_high = 3.0
n_lengths = 3
x_tics = '("2k" 1, "16k" 2, "256k" 3)'
n_depths = 11
y_tics = '("0" 1, "0.1" 2, "0.2" 3, "0.3" 4, "0.4" 5, "0.5" 6, "0.6" 7, "0.7" 8, "0.8" 9, "0.9" 10, "1" 11)'
formats = "svg png"
