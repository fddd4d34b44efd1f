# Written by fotbench plot.
n_datasets = 21
array dataset[21] = ["local (no memory): synthetic: filler paper", "local (no memory): books: filler text", "local (no memory): books: filler decoys", "vanilla (dense memory): synthetic: filler paper", "vanilla (dense memory): books: filler text", "vanilla (dense memory): books: filler decoys", "vanilla (top-32 memory): synthetic: filler paper", "vanilla (top-32 memory): books: filler text", "vanilla (top-32 memory): books: filler decoys", "fot-d1 (dense memory): synthetic: filler paper", "fot-d1 (dense memory): books: filler text", "fot-d1 (dense memory): books: filler decoys", "fot-d1 (top-32 memory): synthetic: filler paper", "fot-d1 (top-32 memory): books: filler text", "fot-d1 (top-32 memory): books: filler decoys", "fot (dense memory): synthetic: filler paper", "fot (dense memory): books: filler text", "fot (dense memory): books: filler decoys", "fot (top-32 memory): synthetic: filler paper", "fot (top-32 memory): books: filler text", "fot (top-32 memory): books: filler decoys"]
n_series = 7
array series[7] = ["local (no memory)", "vanilla (dense memory)", "vanilla (top-32 memory)", "fot-d1 (dense memory)", "fot-d1 (top-32 memory)", "fot (dense memory)", "fot (top-32 memory)"]
array look[7] = [1, 2, 3, 4, 5, 6, 7]
array chance[21] = [0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002]
array majority[21] = [-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1]
title = "Pass-key accuracy (%) by context length and place of the key"
x_low = 1.0
x_high = 3.0
n_lengths = 3
x_tics = '("2k" 1, "16k" 2, "256k" 3)'
n_depths = 11
y_tics = '("0" 1, "0.1" 2, "0.2" 3, "0.3" 4, "0.4" 5, "0.5" 6, "0.6" 7, "0.7" 8, "0.8" 9, "0.9" 10, "1" 11)'
