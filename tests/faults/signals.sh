#!/usr/bin/env bash
# Signals, at a place that is held still: in the middle of the write of a journal record.
. "$(dirname "$0")/calls.bash"

resumes() { run -o out --resume && same out; }

# one SIGNAL CODE: the item is kept, the rest can be resumed
one() {
	held && kill -"$1" $pid && touch go && ends "$2" && grep -q 'stopped by signal.*--resume' err &&
		grep -q '"status": "partial"' out/manifest.json && [ ! -e out/perplexity.csv ] && resumes
}
check faults_sigterm_and_resume one TERM 143
check faults_sigint_and_resume one INT 130
check faults_sighup_and_resume one HUP 129

# The second one ends it at once, in the middle of the call; what is journalled stays.
second() {
	held && kill -INT $pid && sleep 0.2 && kill -0 $pid && kill -"$1" $pid && ends "$2" && [ ! -e go ] && resumes
}
check faults_second_sigint_at_once second INT 130
check faults_sigint_then_sigterm second TERM 143

# nohup means that the terminal may go.
nohup_kept() { held nohup && kill -HUP $pid && sleep 0.2 && touch go && ends 0 && same out; }
check faults_nohup_survives_sighup nohup_kept
stopped() { held && kill -STOP $pid && sleep 0.2 && kill -CONT $pid && touch go && ends 0 && same out; }
check faults_sigstop_and_sigcont stopped

# The folder is taken while that run lives, and free when it is killed.
held || not_ok faults_held "the run did not reach the record of its second item: $(cat err)"
exits faults_two_runs_in_one_folder 6 "out: another run writes here \\(pid $pid on " "$fotbench" run spec.json -o out --resume
exits faults_overwrite_of_a_live_run 6 'another run writes here' "$fotbench" run spec.json -o out --overwrite
kill -KILL $pid
check faults_kill_9 ends 137
check faults_lock_of_a_dead_run_is_free resumes
