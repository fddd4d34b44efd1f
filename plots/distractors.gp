# distractors.gp: few-shot accuracy against the number of demonstrations of other sets for each of
# the task's, one panel per dataset and number of demonstrations.
#
# Reads by column name: distractors_data.csv (panel, series, distractors, place, value, low, high) and
# distractors_names.gp (what there is to draw).
# Draw again with: gnuplot distractors.gp

name = "distractors"
x_label = "demonstrations of other sets for each of the task's"
load "fewshot.gp"
