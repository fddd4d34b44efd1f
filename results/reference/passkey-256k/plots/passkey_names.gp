# Written by fotbench plot.
n_datasets = 3
n_series = 1
array look[1] = [3]
array dash[1] = [2]
array chance[3] = [0.002, 0.002, 0.002]
array majority[3] = [-1, -1, -1]
title = "Pass-key accuracy (%) by context length and place of the key"
x_low = 1.0
x_high = 1.0
n_lengths = 1
x_tics = '("256k" 1)'
n_depths = 11
y_tics = '("0" 1, "0.1" 2, "0.2" 3, "0.3" 4, "0.4" 5, "0.5" 6, "0.6" 7, "0.7" 8, "0.8" 9, "0.9" 10, "1" 11)'
formats = "svg png"
