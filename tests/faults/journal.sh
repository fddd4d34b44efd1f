#!/usr/bin/env bash
# The journal cut at every byte of its last three records and at 200 random bytes, single bits changed, and zeros in place of bytes.
# In memory where that can be had: it is the logic that is tested, not the disk.
[ -w /dev/shm ] && export TMPDIR=/dev/shm
. "$(dirname "$0")/../cli/common.bash"
"$make_checkpoint" tiny hidden=8 mlp=8 layers=1 heads=1 window=16 mem=0 || exit 1
mkdir docs
for i in 1 2 3 4 5; do head -c $((100 + 20 * i)) "$root/LICENSE" >"docs/$i.txt"; done
head -c 5 "$root/LICENSE" >docs/short.txt
cat >spec.json <<'EOS'
{ "models": [ { "path": "tiny", "memory": ["dense"] } ],
  "tasks": [ { "task": "perplexity", "datasets": ["./docs"], "context_lengths": [16], "target_tokens": 32 } ] }
EOS
cuts=$root/build/$variant/tests/journal_cuts
check faults_journal_whole_run "$fotbench" run spec.json -o whole -q -t 1 --no-timings
prints faults_journal_cut_and_changed_everywhere '^[0-9]{4} cuts, [0-9]{4} changed bits, 100 holes$' "$cuts" spec.json whole cut 1
# The check can fail: another whole run's results are not these.
sed 's/"tasks"/"seed": 2, "tasks"/' spec.json >other.json
check faults_journal_other_run "$fotbench" run other.json -o other -q -t 1 --no-timings
sed -i 's/^/ /' other/summary.md
cp spec.json again.json
differs() { ! "$cuts" other.json other cut2 1 2>err && grep -q 'cut at byte .*summary.md differs' err; }
check faults_journal_check_can_fail differs
