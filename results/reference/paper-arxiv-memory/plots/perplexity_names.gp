# Written by fotbench plot.
n_datasets = 1
n_series = 5
array look[5] = [3, 3, 9, 9, 5]
array dash[5] = [2, 4, 2, 4, 4]
title = "Perplexity against context length (95 % intervals over documents)"
x_low = 512.0
x_high = 32768.0
n_lengths = 6
x_tics = '("512" 512, "2k" 2048, "4k" 4096, "8k" 8192, "16k" 16384, "32k" 32768)'
formats = "svg png"
