#!/usr/bin/env bash
# submit and status without a cluster: sbatch and squeue are scripts of this test, the job's script is run by hand.
# Against a real Slurm: slurm.sh.
. "$(dirname "$0")/common.bash"
make_experiment
mkdir bin
# Writes down its arguments, one a line, and gives the numbers 100, 101, ...
cat >bin/sbatch <<-'EOS'
	#!/bin/sh
	[ ! -e "$FAKE/refuse" ] || { echo 'sbatch: error: invalid partition specified: nowhere' >&2; exit 1; }
	printf '%s\n' "$@" >>"$FAKE/calls"
	n=$(cat "$FAKE/number" 2>/dev/null || echo 100)
	echo $((n + 1)) >"$FAKE/number"
	echo "$n;cluster"
EOS
cat >bin/squeue <<-'EOS'
	#!/bin/sh
	for id; do :; done
	[ ! -e "$FAKE/silent" ] || { echo 'slurm_load_jobs error: Unable to contact slurm controller (connect failure)' >&2; exit 1; }
	grep "^$id[_|]" "$FAKE/queue" 2>/dev/null && exit 0
	echo 'slurm_load_jobs error: Invalid job id specified' >&2
	exit 1
EOS
cat >bin/scontrol <<-'EOS'
	#!/bin/sh
	printf '%s\n' "$@" >>"$FAKE/requeued"
EOS
chmod +x bin/*
export FAKE=$work/fake PATH=$work/bin:$PATH
mkdir fake
submit() { "$fotbench" submit spec.json --no-timings "$@"; }
task() { # OUT I: what Slurm would start
	SLURM_ARRAY_TASK_ID=$2 SLURM_JOB_ID=$((200 + $2)) sh "$1/shards/array.sh"
}
run() { "$fotbench" run spec.json --no-timings -q -t 1 "$@"; }
same() { for f in perplexity.csv summary.csv summary.md summary.tex; do cmp "$1/$f" "$2/$f" || return 1; done; }
check submit_one_process run -o one

# --- a dry run writes and submits nothing ---

prints submit_dry_run_prints_the_array '^#SBATCH --array=1-4%2$' submit -o dry --shards 4 --at-once 2 --partition long --time 1-12 --mem 3G --cpus 2 --sbatch account=proj --sbatch exclusive --dry-run
for line in '#SBATCH --partition=long' '#SBATCH --time=1-12' '#SBATCH --mem=3G' '#SBATCH --cpus-per-task=2' '#SBATCH --account=proj' \
	'#SBATCH --exclusive' '#SBATCH --requeue' '#SBATCH --open-mode=append' '#SBATCH --signal=B:USR1@120' '#SBATCH --output=/dev/null'; do
	check "submit_dry_run_has_$(tr -c 'a-z0-9\n' _ <<<"$line")" grep -qxF -- "$line" .out
done
check submit_dry_run_has_the_merge grep -q -- '==> sbatch --parsable --dependency=afterany:ARRAY dry/shards/merge.sh' .out
check submit_dry_run_foretells grep -qE '^the longest takes about .* at [0-9.]+ GFLOP/s' .out
check submit_dry_run_leaves_nothing test ! -e dry -a ! -e fake/calls
prints submit_dry_run_foretells_memory '^#SBATCH --mem=[0-9]+M$' submit -o dry --shards 4 --dry-run

# --- names are data ---

bad=$'o%a u\'t"$(touch evil)`touch evil`\\n\n--mem=1'
mkdir "$bad dir"
cp spec.json "$bad dir/s%j.json"
prints submit_strange_names '^job array 100: 3 of 3 shards \(1-3\); merge 101$' "$fotbench" submit "$bad dir/s%j.json" -o "$bad" --shards 3 --no-timings
check submit_calls_sbatch_with_the_path cmp <(printf '%s\n' --parsable "$work/$bad/shards/array.sh" --parsable --dependency=afterany:100 "$work/$bad/shards/merge.sh") fake/calls
check submit_no_path_in_directives bash -c '! grep "^#SBATCH" "$1/shards/array.sh" "$1/shards/merge.sh" -h | grep -v "^#SBATCH --[a-z-]*=*[A-Za-z0-9:@/-]*$"' - "$bad"
tasks() { for i in 1 2 3; do task "$bad" $i || return 1; done; sh "$bad/shards/merge.sh"; }
check submit_scripts_run tasks
check submit_nothing_was_executed test ! -e evil
check submit_merged_equals_one_process same one "$bad"
check submit_log_has_the_job grep -q 'job 202 on .*, restarts: 0' "$bad/shards/log/2.txt"
prints status_strange_name '3 complete; 35 of 35 items done, 0 failed; merged: complete$' "$fotbench" status "$bad"
prints status_next_is_report "^next: fotbench report 'o%a" "$fotbench" status "$bad"

# --- again ---

rm -r fake/*
prints submit_first '^job array 100: 4 of 4 shards \(1-4\); merge 101$' submit -o out --shards 4
check submit_task task out 2
printf '100_%d|PENDING|Priority\n' 1 3 4 >fake/queue
prints status_queued '1 complete, 3 queued; [0-9]+ of 35 items done' "$fotbench" status out
exits submit_what_waits_is_left_to_it 0 '' submit -o out
check submit_merge_again_waits_for_the_array grep -qx -- '--dependency=afterany:100' fake/calls
# 3 runs, 1 and 4 are lost
printf '100_3|RUNNING|None\n' >fake/queue
printf '102|PENDING|Dependency\n' >>fake/queue
"$fotbench" status out >.out 2>&1
check status_exits_4_when_something_is_left_to_do test $? -eq 4
check status_counts grep -q '1 complete, 1 running, 2 missing' .out
check status_says_what_to_type grep -qx 'next: fotbench submit spec.json --no-timings -o out' .out
# As Debian's has it: no other options than these.
cat >bin/sacct <<-'EOS'
	#!/bin/sh
	[ "$*" = "--noheader --parsable2 --allocations --format=JobID,State,ExitCode --jobs $6" ] || exit 1
	[ "$6" != 100 ] || printf '100_1|CANCELLED by 1000|0:0\n100_4|TIMEOUT|0:0\n'
EOS
chmod +x bin/sacct
"$fotbench" status out >.out 2>&1
check status_tells_how_tasks_ended bash -c 'grep -qE "^ +1 .* 100_1 CANCELLED$" .out && grep -qE "^ +4 .* 100_4 TIMEOUT$" .out'
rm bin/sacct
: >fake/calls
prints submit_only_what_is_lost '^job array 103: 2 of 4 shards \(1,4\); merge 104$' submit -o out
check submit_dependency_of_all cmp <(printf '%s\n' --parsable "$work/out/shards/array.sh" --parsable --dependency=afterany:103:100,afterany:102 "$work/out/shards/merge.sh") fake/calls
check submit_array_of_two grep -qx '#SBATCH --array=1,4' out/shards/array.sh
touch fake/silent
exits submit_unless_the_queue_answers 1 'which shards still run\? squeue .*Unable to contact' submit -o out
rm fake/silent fake/queue
rest() { task out 1 && task out 3 && task out 4 && sh out/shards/merge.sh && same one out; }
check submit_rest_equals_one_process rest
exits submit_all_is_done 0 'nothing to submit' submit -o out
prints submit_json '^\{"array":"105","tasks":"1-2","merge":"106"\}$' submit -o as_json --shards 2 --json

# --- stopped before its time ---

cat >slow.json <<-EOS
	{ "name": "slow", "seed": 1,
	  "models": [ { "path": "$root/model/zoo/passkey-fot", "variant": "fot", "memory": ["dense"] } ],
	  "tasks": [ { "task": "passkey", "context_lengths": ["4k"], "depths": [0, 0.5, 1], "trials": 8 } ] }
EOS
prints submit_slow '^job array' "$fotbench" submit slow.json -o slow --shards 1 --no-timings --no-sharing
(export SLURM_ARRAY_TASK_ID=1 SLURM_JOB_ID=201 && exec sh slow/shards/array.sh) &
pid=$!
until [ "$(cat slow/shards/1/journal.jsonl 2>/dev/null | wc -l)" -ge 2 ]; do sleep 0.02; done
kill -USR1 "$pid" # as --signal has it, before the time is over
wait "$pid"
check submit_warned_task_stops_behind_its_item test $? -eq 143
check submit_warned_task_is_requeued cmp <(printf '%s\n' requeue 201) fake/requeued
check submit_warned_task_goes_on task slow 1
check submit_warned_task_kept_its_items grep -q '"resumed": [1-9]' slow/shards/1/manifest.json
(export SLURM_ARRAY_TASK_ID=1 SLURM_JOB_ID=202 && exec sh slow/shards/array.sh) &
pid=$!
sleep 0.1
kill -TERM "$pid" # scancel, after all is done or before: not requeued
wait "$pid"
check submit_cancelled_task_stays_away cmp <(printf '%s\n' requeue 201) fake/requeued

# --- what is refused ---

exits submit_time 2 '^error: submit: --time: expected minutes, .* got "x"$' submit -o new --shards 4 --dry-run --time=x
exits submit_mem 2 '^error: submit: --mem: expected a number of MiB, .* got "3GB"$' submit -o new --shards 4 --dry-run --mem=3GB
exits submit_without_shards 2 '^error: submit: --shards N is missing$' submit -o new
exits submit_more_shards_than_items 2 'at most 35, as many as there are items, got 36' submit -o new --shards 36
exits submit_other_number_of_shards 2 'begun with --shards 4, got 5' submit -o out --shards 5
exits submit_other_run 2 'run [0-9a-f]+ was submitted there' submit -o out --limit 1
exits submit_into_a_run 2 'not empty .*nothing was submitted there' submit -o one --shards 2
exits submit_own_option 2 'array is set by submit itself' submit -o new --shards 2 --sbatch array=1-9
exits submit_option_with_spaces 2 'without spaces and quotes' submit -o new --shards 2 --sbatch 'comment=a b'
exits submit_option_with_newline 2 'without spaces and quotes' submit -o new --shards 2 --sbatch $'qos=a\n#SBATCH --uid=0'
exits submit_bad_partition 2 '^error: submit: --partition: expected letters' submit -o new --shards 2 --partition 'a b'
touch fake/refuse
exits submit_refused_by_sbatch 1 'invalid partition specified: nowhere' submit -o refused --shards 2 --partition nowhere
rm fake/refuse
prints submit_after_a_refusal '^job array' submit -o refused --shards 2
exits submit_without_slurm 1 'sbatch: program not found' env PATH=/nowhere "$fotbench" submit spec.json -o none --shards 2
sed -i 's/"name": "trial"/"name":  "trial"/' spec.json
check submit_changed_spec_stops_a_task bash -c '! SLURM_ARRAY_TASK_ID=1 sh refused/shards/array.sh'
"$fotbench" status refused >.out 2>&1
check status_shows_the_jobs_error grep -q 'the spec has changed since it was submitted' .out
sed -i 's/"name":  "trial"/"name": "trial"/' spec.json
sed -i 's/"array": "[0-9]*"/"array": "1; touch evil"/' refused/shards/submit.json
exits status_damaged_record 5 "array: expected a job's number" "$fotbench" status refused

# --- status of other runs ---

prints status_of_a_run 'complete +35 +35 +0' "$fotbench" status one
prints status_several 'one: run' "$fotbench" status out one
prints status_json '"state": "complete"' "$fotbench" status one --json
exits status_of_nothing 5 'expected a run' "$fotbench" status docs
cp -r one killed && sed -i 's/"status": "complete"/"status": "started"/' killed/manifest.json
"$fotbench" status killed >.out 2>&1
check status_killed_exit test $? -eq 4
check status_killed_is_stopped grep -q ' stopped ' .out
check status_killed_next grep -qx 'next: fotbench run spec.json --no-timings -q -t 1 -o one --resume' .out
printf 'pid 1 on elsewhere since then\n' >killed/LOCK
touch killed/*
prints status_elsewhere_runs ' running ' "$fotbench" status killed
touch -d '2 hours ago' killed/*
"$fotbench" status killed >.out 2>&1
check status_elsewhere_is_stalled grep -q ' stalled ' .out
printf '2026-11-27T12:00:00Z error: perplexity.0/x: no such thing\n' >>killed/log.txt
sed -i 's/"started": "[^"]*"/"started": "2026-11-27T11:00:00Z"/' killed/manifest.json
"$fotbench" status killed >.out 2>&1
check status_shows_failures grep -q 'perplexity.0/x: no such thing' .out
