#!/usr/bin/env bash
# compare on the tasks that ask questions: tiers, planted losses, refusals.
. "$(dirname "$0")/common.bash"
make_rows=$root/build/$variant/tests/make_rows
compare() { "$fotbench" compare "$@"; }
code() { local want=$1 rc=0; shift; "$@" >out.txt 2>err.txt || rc=$?; [ $rc -eq "$want" ]; }

# make DIR ARGUMENT...: few seeds, since the statistics take the time
make() { "$make_rows" "$@" seeds=2 || exit 1; }
check measured_made make base
make again && make nudged nudge=1e-9 tasks=p && make scores nudge=1e-3 tasks=p && make lost lose=0.2
make passkey tasks=p
prints measured_identical '^identical$' compare base again
prints measured_equal '^equal$' compare passkey nudged
check measured_equal_is_not_identical bash -c '[ "$(grep -c " equal$" .out)" -eq 20 ]'
# Scores that differ with the same answers: no difference to be found, but not equal.
prints measured_scores_differ '^no regression$' compare passkey scores
check measured_scores_say_so grep -q 'below the detectable difference' .out
check measured_loss_is_found code 3 compare base lost
check measured_loss_names_it grep -qE '^grass +accuracy +128k fot +dense +60 .* worse$' out.txt
check measured_loss_not_elsewhere bash -c '! grep -E " (local|vanilla) " out.txt | grep -qv identical'
"$make_rows" lostp tasks=p lose=0.2
check measured_gain_is_none code 0 compare lostp passkey
check measured_gain_says_so grep -q ' better$' out.txt
check measured_margin code 0 compare passkey lostp --margin 1
make lookup tasks=l && make lostl tasks=l lose=0.2
check measured_metric code 3 compare lookup lostl --metric value_accuracy
check measured_metric_alone bash -c '[ "$(grep -c value_accuracy out.txt)" -eq 25 ] && ! grep -q token_accuracy out.txt'
check measured_json code 3 compare base lost --json
check measured_mcnemar grep -q '"p_method": "mcnemar-exact"' out.txt
check measured_crossed grep -q '"p_method": "crossed-bootstrap"' out.txt
exits measured_exact 3 'changed by more than' "$fotbench" compare passkey scores --exact
exits measured_no_such_metric 7 'BASE holds no perplexity' "$fotbench" compare lookup lookup --metric perplexity

refuses() { # NAME PATTERN NEW
	exits "$1" 7 "$2" "$fotbench" compare passkey "$3"
}
make fewer trials=9 tasks=p
refuses measured_missing_trials 'items: passkey: local none 2k on grass: .*trial 9.* is missing in NEW' fewer
exits measured_more_trials 7 'is missing in BASE' "$fotbench" compare fewer passkey
make failed fail=50 tasks=p
refuses measured_failed 'status: .*differs in status' failed
exits measured_failed_both 7 'failed in both runs' "$fotbench" compare failed failed
exits measured_missing_task 7 'NEW has no task passkey' "$fotbench" compare passkey lookup
prints measured_more_tasks '^identical$' compare passkey base
cp -r passkey key && awk -F, -v OFS=, 'NR == 9 { $15++ } 1' passkey/passkey.csv >key/passkey.csv
refuses measured_other_key 'differs in key' key
# Two models that share a variant cannot be told apart, whichever run has them.
cp -r passkey twins && awk -F, -v OFS=, 'NR > 1 { $2 = "other"; print }' passkey/passkey.csv >>twins/passkey.csv
exits measured_two_models 7 'conditions: passkey: .* stands twice in one run: two models share the variant' "$fotbench" compare twins twins
grep -v ',fot,knn,' passkey/passkey.csv >fewer/passkey.csv
refuses measured_missing_condition 'conditions: passkey: fot knn:128 [0-9]+k on grass: only in BASE, and [0-9]+ more; with what NEW has there it is compared by --pair fot/knn:128=fot/dense$' fewer
prints measured_pair '^grass +accuracy +2k fot=fot +dense=knn:128 ' compare passkey passkey --pair fot/dense=fot/knn:128 --margin 1
