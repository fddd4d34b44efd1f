#!/usr/bin/env bash
# submit and status against a real Slurm: munged, slurmctld and two slurmd of this test, on this machine, in a folder of
# their own. A task is killed and requeued, a node dies; the merged run equals one process's, byte for byte.
# Needs root and Debian's slurmctld, slurmd, slurm-client, munge; skipped without.
. "$(dirname "$0")/common.bash"
. "$root/tests/cli/cluster.bash"
needs slurm munged slurmctld slurmd sbatch squeue scontrol sinfo
begin_cluster
start_cluster || exit 0

# --- a run ---

cat >spec.json <<EOS
{ "name": "array", "seed": 1,
  "models": [ { "path": "$root/model/zoo/passkey-fot", "variant": "fot", "memory": ["none", "dense", "knn:32"] } ],
  "tasks": [ { "task": "passkey", "context_lengths": ["4k", "16k"], "depths": [0, 0.3, 0.6, 1], "trials": 4 } ] }
EOS
out="o'u t%j\\x"
json() { "$fotbench" status "$out" --json | sed -n "s/^ *\"$1\": \"*\([^\",]*\)\"*,*$/\1/p"; }
records() { cat "$out/shards/$1/journal.jsonl" 2>/dev/null | tail -n +2 | wc -l; }
array() { sed -n 's/.*"array": "\([0-9]*\)".*/\1/p' "$out/shards/submit.json" | tail -n "${1:-1}" | head -n 1; }
task_state() { squeue --noheader --array --format=%T --jobs "$(array)_$1"; }
on_node() { squeue --noheader --array --states=RUNNING --nodelist="$1" --format=%K; }

prints submit_submits '^job array [0-9]+: 8 of 8 shards \(1-8\); merge [0-9]+$' "$fotbench" submit spec.json -o "$out" --shards 8 --no-timings --mem 500M
started() { [ -n "$(on_node n1)" ] && [ -n "$(on_node n2)" ]; }
check submit_tasks_start until_true 15 started
prints status_says_what_runs '[1-4] running' "$fotbench" status "$out"

# A task that has done an item and not all of them.
amid() { # NODE
	for amid in $(on_node "$1"); do
		[ "$(records "$amid")" -ge 1 ] && [ ! -s "$out/shards/$amid/passkey.csv" ] && return 0
	done
	return 1
}
check slurm_task_is_amid_its_items until_true 20 amid n1
killed=$amid
check slurm_task_is_requeued scontrol requeue "$(array)_$killed"

# n2 dies with everything on it: its daemon, the steps' daemons, the scripts, the programs.
check slurm_other_task_is_amid_its_items until_true 20 amid n2
lost=$amid
parent() { awk '{ print $4 }' "/proc/$1/stat" 2>/dev/null; }
lost_tasks=$(on_node n2)
for task in $lost_tasks; do
	pid=$(sed -n 's/^pid \([0-9]*\) on.*/\1/p' "$out/shards/$task/LOCK" 2>/dev/null)
	[ -n "$pid" ] && grep -q fotbench "/proc/$pid/comm" 2>/dev/null || continue
	script=$(parent "$pid")
	step=$(parent "$script")
	kill -9 "$slurmd2" $step $script "$pid" 2>/dev/null
done
kill -9 "$slurmd2" 2>/dev/null
wait "$slurmd2" 2>/dev/null
"$fotbench" run spec.json -o one --no-timings -q -t 1 &
one=$!
down() { sinfo --noheader --Node --nodes=n2 --format=%T | grep -q -i down; }
check slurm_node_is_down until_true 60 down

# Slurm lets a requeued task wait for two minutes; the test does not.
waits() { squeue --noheader --array --format=%r --jobs "$(array)_$1" | grep -q BeginTime; }
for task in $killed $lost_tasks; do
	until_true 10 waits "$task" && scontrol update JobId="$(array)_$task" StartTime=now
done

wait "$one" || not_ok slurm_one_process "exit $?"
merged() { grep -qs '"status": "complete"' "$out/manifest.json"; }
check submit_merges_behind_the_array until_true 60 merged
same() { for f in passkey.csv summary.csv summary.md summary.tex samples/passkey.jsonl; do cmp "one/$f" "$out/$f" || return 1; done; }
check submit_merged_equals_one_process same
went_on() { # TASK: started twice, and did not begin anew
	grep -q 'restarts: [1-9]' "$out/shards/log/$1.txt" && grep -q '"resumed": [1-9]' "$out/shards/$1/manifest.json"
}
check slurm_requeued_task_went_on went_on "$killed"
check slurm_task_of_the_lost_node_went_on went_on "$lost"
check slurm_says_why grep -q 'due to failure of node' slurmctld.out
prints status_says_complete '8 complete; 96 of 96 items done, 0 failed; merged: complete' "$fotbench" status "$out"

# --- again ---

exits submit_again_has_nothing_to_do 0 'nothing to submit' "$fotbench" submit spec.json -o "$out" --shards 8 --no-timings
head -n 3 "$out/shards/5/journal.jsonl" >cut && cp cut "$out/shards/5/journal.jsonl" && rm -r "$out/shards/7"
sed -i 's/"status": "complete"/"status": "started"/' "$out/shards/5/manifest.json"
prints submit_again_only_what_is_unfinished '^job array [0-9]+: 2 of 8 shards \(5,7\); merge [0-9]+$' "$fotbench" submit spec.json -o "$out" --no-timings --mem 500M
remerged() { merged && [ "$(json state | sort -u)" = complete ] && [ "$out/manifest.json" -nt "$out/shards/7/manifest.json" ]; }
check submit_again_merges_again until_true 40 remerged
check submit_again_equals_one_process same
