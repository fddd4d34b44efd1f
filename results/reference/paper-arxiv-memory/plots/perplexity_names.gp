# Written by fotbench plot.
n_datasets = 1
array dataset[1] = ["tex"]
n_series = 5
array series[5] = ["fot (dense memory)", "fot (top-128 memory)", "fot-gate (dense memory)", "fot-gate (top-128 memory)", "memorizing (top-128 memory)"]
array look[5] = [1, 2, 3, 4, 5]
title = "Perplexity against context length (95 % intervals over documents)"
x_low = 512.0
x_high = 32768.0
n_lengths = 6
x_tics = '("512" 512, "2k" 2048, "4k" 4096, "8k" 8192, "16k" 16384, "32k" 32768)'
