#!/usr/bin/env bash
# The k-th write, fsync or rename fails, for every k: one line, exit 6, and --resume gives the
# same bytes. Then the power goes at every one of these calls.
. "$(dirname "$0")/calls.bash"
options=(run spec.json --no-timings -q -t 1)

# every CALL HOW RC-PATTERN LEAST: all k until the call is not reached any more
every() {
	local call=$1 how=$2 codes=$3 least=$4 k rc
	for ((k = 1; k < 300; k++)); do
		rm -rf out
		rc=0
		with "$call" $k "$how" "$fotbench" "${options[@]}" -o out 2>err || rc=$?
		[ -e mark ] || break
		[[ " $codes " = *" $rc "* ]] || { echo "$call $k: exit $rc: $(cat err)"; return 1; }
		[ $rc -ne 6 ] || [ "$(grep -c ^error err)" -eq 1 ] || { echo "$call $k: $(cat err)"; return 1; }
		if [ $rc -ne 0 ]; then
			! grep -q '"status": "complete"' out/manifest.json 2>/dev/null || [ "$call" = fsync ] || [ "$call" = any ] ||
				{ echo "$call $k: said to be complete"; return 1; }
			run -o out --resume 2>err || { echo "$call $k: resume: $(cat err)"; return 1; }
		fi
		same out || { echo "$call $k: exit $rc, resumed: differs"; return 1; }
		[ -z "$(find out -name '.*' -o -name '*.tmp*' | grep -v '^out$')" ] || [ "$how" = kill ] || { echo "$call $k: left $(find out -name '.*')"; return 1; }
	done
	[ $rc -eq 0 ] && [ $k -gt "$least" ] || { echo "$call: $k calls, exit $rc"; return 1; }
}
# A log that cannot be written stops nothing: 0 is right there.
check faults_kth_write_no_space every write 28 "0 6" 8
check faults_kth_fsync_fails every fsync 5 "0 6" 12
check faults_kth_rename_across_file_systems every rename 18 "0 6" 4
check faults_power_goes_at_every_call every any kill 137 24

# Interrupted and short writes are no faults.
interrupted() { rm -rf out && with none 0 short "$fotbench" "${options[@]}" -o out && [ -e mark ] && same out; }
check faults_short_and_interrupted_writes interrupted

# The wall clock goes back an hour with every question: no duration, order or result depends on it.
backwards() {
	rm -rf out
	FAULT_CLOCK=1 with none 0 0 "$fotbench" run spec.json -t 1 -o out && [ -e mark ] && same_but_times && ! grep -E '"(wall_s|[a-z_]*_s)": -' out/manifest.json
}
same_but_times() { diff <(cut -d, -f1-20 whole/perplexity.csv) <(cut -d, -f1-20 out/perplexity.csv) && cmp whole/summary.md out/summary.md; }
check faults_clock_runs_backwards backwards

# Two starts in the same second are told apart.
uid() { grep '"run_uid"' "$1/manifest.json"; }
two() { run -o first && run -o second && [ -n "$(uid first)" ] && [ "$(uid first)" != "$(uid second)" ]; }
check faults_two_starts_in_a_second two
