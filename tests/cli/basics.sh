#!/usr/bin/env bash
# The command line itself: help, version, wrong usage, exit codes.
. "$(dirname "$0")/common.bash"

prints cli_help_lists_commands '^  perplexity +perplexity against' "$fotbench" help
prints cli_help_flag '^usage: fotbench COMMAND' "$fotbench" --help
prints cli_version '^fotbench [0-9]+\.[0-9]+\.[0-9]+ \(' "$fotbench" --version
prints cli_help_columns '^\| `nll_nats` \| real \|' "$fotbench" help columns
check cli_help_columns_is_in_the_docs bash -c 'diff <("$0" help columns) <(sed -n "/^## perplexity.csv/,\$p" "$1")' "$fotbench" "$root/docs/columns.md"
exits cli_no_command 2 'no command' "$fotbench"
exits cli_unknown_command 2 'unknown command "perplexty"; did you mean perplexity' "$fotbench" perplexty
for c in $("$fotbench" help | sed -n 's/^  \([a-z]*\)  .*/\1/p' | grep -v help); do
	prints "cli_help_of_$c" "^usage: fotbench $c" "$fotbench" "$c" --help
	prints "cli_help_about_$c" "^usage: fotbench $c" "$fotbench" help "$c"
	exits "cli_unknown_option_of_$c" 2 'unknown option --zzyzx|usage' "$fotbench" "$c" --zzyzx
done
prints cli_help_shows_defaults 'target-tokens N .*\[8192\]' "$fotbench" perplexity --help
exits cli_run_without_spec 2 'too few arguments' "$fotbench" run
exits cli_run_without_output 2 'output DIR is missing' "$fotbench" run spec.json
exits cli_run_no_such_spec 2 'nowhere.json' "$fotbench" run nowhere.json -o out
exits cli_resume_and_overwrite 2 'exclude each other' "$fotbench" run spec.json -o out --resume --overwrite
exits cli_repeated_flag 2 'given twice' "$fotbench" run spec.json -o a -o b
exits cli_threads_range 2 'threads: expected an integer from 1 to 1024, got "0"' "$fotbench" run spec.json -o a -t 0
exits cli_limit_rubbish 2 'limit.*got "1e9"' "$fotbench" run spec.json -o a --limit 1e9
exits cli_inspect_no_model 5 'nowhere' "$fotbench" inspect nowhere
exits cli_inspect_a_file 5 'expected a model folder' "$fotbench" inspect "$root/LICENSE"
exits cli_score_needs_input 2 'one of --tokens FILE and --text FILE' "$fotbench" score -m nowhere -o x.csv
exits cli_plot_no_run 5 'summary.csv' "$fotbench" plot nowhere
if [ -e /dev/full ]; then
	exits cli_stdout_full 6 'standard output' bash -c '"$0" help >/dev/full' "$fotbench"
fi
check cli_closed_pipe_is_quiet bash -c 'set -o pipefail; "$0" help columns | head -n 1 >/dev/null; [ ! -s err ]' "$fotbench"
