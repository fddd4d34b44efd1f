#!/usr/bin/env bash
# No room: exit 6, what is finished stays, and the run goes on later.
. "$(dirname "$0")/../cli/common.bash"
make_experiment
run() { "$fotbench" run spec.json --no-timings -t 1 "$@"; }
same() { for f in perplexity.csv summary.csv summary.md summary.tex; do cmp "one/$f" "$1/$f" || return 1; done; }
check full_whole_run run -o one -q

exits full_stdout 6 'standard output' bash -c '"$@" >/dev/full' - "$fotbench" run spec.json --no-timings -t 1 -o stdout
check full_stdout_files_are_complete same stdout
check full_stdout_resumes run -o stdout --resume -q

# A limit on the size of files stops writing in the middle of a record.
for blocks in 8 13 20 27 41 60; do
	limited() { (ulimit -f $blocks && "$fotbench" run spec.json --no-timings -t 1 -q -o "limit$blocks"); }
	exits "full_file_limit_of_${blocks}k" 6 'limit|too large|File too|cannot' limited
	records() { [ ! -e "limit$blocks/perplexity.csv" ] && [ "$(wc -l <"limit$blocks/journal.jsonl")" -ge 1 ] && [ "$(tail -c 1 "limit$blocks/journal.jsonl" | wc -l)" -eq 1 ]; }
	check "full_journal_safe_at_${blocks}k" records
	resumed() { run -o "limit$blocks" --resume -q && same "limit$blocks"; }
	check "full_resumed_after_${blocks}k" resumed
done

# A closed stdout ends quietly: the results are files.
piped() { local rc; run -o pipe | true; rc=${PIPESTATUS[0]}; [ "$rc" -eq 0 ] && same pipe; }
check full_reader_gone piped
exits full_folder_cannot_be_made 6 'proc' "$fotbench" run spec.json -o /proc/none
