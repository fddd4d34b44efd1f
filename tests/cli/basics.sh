#!/usr/bin/env bash
# The command line itself: help, version, wrong usage, exit codes.
. "$(dirname "$0")/common.bash"

prints cli_help_lists_commands '^  perplexity +perplexity against' "$fotbench" help
prints cli_help_flag '^usage: fotbench COMMAND' "$fotbench" --help
prints cli_version '^fotbench [0-9]+\.[0-9]+\.[0-9]+ \(' "$fotbench" --version
prints cli_help_columns '^\| `nll_nats` \| real \|' "$fotbench" help columns
check cli_help_columns_is_in_the_docs bash -c 'diff <("$0" help columns) <(sed -n "/^## perplexity.csv/,\$p" "$1")' "$fotbench" "$root/docs/columns.md"
prints cli_no_command_lists_commands '^  perplexity +perplexity against' "$fotbench"
check cli_help_commands_is_in_docs bash -c 'diff <("$0" help commands) "$1"' "$fotbench" "$root/docs/commands.md"
exits cli_unknown_command 2 'unknown command "perplexty"; did you mean perplexity' "$fotbench" perplexty
for c in $("$fotbench" help | sed -n 's/^  \([a-z]*\)  .*/\1/p' | grep -v help); do
	prints "cli_help_of_$c" "^usage: fotbench $c" "$fotbench" "$c" --help
	prints "cli_help_about_$c" "^usage: fotbench $c" "$fotbench" help "$c"
	exits "cli_unknown_option_of_$c" 2 'unknown option --zzyzx|usage' "$fotbench" "$c" --zzyzx
done
# Options that many commands take: which commands take them, and the same sentence and default in each.
option_help() { # COMMAND OPTION: what --help says of it, on one line, without its name
	"$fotbench" "$1" --help | awk -v name="--$2" '
		/^  (-.,|   ) --/ { on = index($0 " ", " " name " ") > 0 && ($1 == name || $2 == name)
			if (on) { line = substr($0, 37); if (line == "") line = "" } ; if (on) { text = line; next } }
		on && /^ {30}/ { sub(/^ +/, ""); text = text $0 }
		END { print text }' | sed 's/^ *//'
}
takers() { # OPTION: the commands that take it
	local c
	for c in $(sed -n 's/^| `\([a-z]*\)` |.*/\1/p' "$root/docs/commands.md"); do
		[ -n "$(option_help "$c" "$1")" ] && echo "$c"
	done | tr '\n' ' '
}
sentence() { # OPTION SENTENCE COMMANDS
	local c said
	[ "$(takers "$1")" = "$3 " ] || { not_ok "cli_common_$1" "taken by $(takers "$1")"; return; }
	for c in $3; do
		said=$(option_help "$c" "$1")
		said=${said% (required)}
		[ "$said" = "$2" ] || { not_ok "cli_common_$1" "$c says: $said"; return; }
	done
	ok "cli_common_$1"
}
tasks=$("$fotbench" help spec | sed -n 's/^tasks: each object with "task": "\(.*\)"$/\1/p' | xargs)
sentence quiet 'warnings and errors only' "run $tasks merge submit validate score generate train compare report export plot data tokenize detokenize inspect bench"
sentence json 'the result as JSON on stdout' "run $tasks merge submit status score generate train compare data inspect bench"
sentence progress 'progress on stderr; auto: unless -q [auto]' "run $tasks merge score generate train bench"
sentence threads 'threads; no result depends on it [all processors]' "run $tasks merge score generate train inspect bench"
sentence store 'folder of installed datasets [$FOTBENCH_DATA, else datasets/store; see help paths]' "run $tasks merge submit validate train data"
folders="run $tasks merge submit train report export"
for c in $folders; do
	said=$(option_help "$c" output)
	[ "${said% (required)}" = 'folder for the results' ] || not_ok "cli_common_output_$c" "$said"
done
for c in $tasks score generate tokenize detokenize inspect; do
	case $(option_help "$c" model) in
	'model folder' | 'model folder (required)' | 'model folder; may be repeated (required)') ok "cli_common_model_$c" ;;
	*) not_ok "cli_common_model_$c" "$(option_help "$c" model)" ;;
	esac
done
prints cli_help_shows_defaults 'target-tokens N .*\[8192\]' "$fotbench" perplexity --help
exits cli_run_without_spec 2 'too few arguments' "$fotbench" run
exits cli_run_without_output 2 'output DIR is missing' "$fotbench" run spec.json
exits cli_run_no_such_spec 2 'nowhere.json' "$fotbench" run nowhere.json -o out
exits cli_resume_and_overwrite 2 'exclude each other' "$fotbench" run spec.json -o out --resume --overwrite
exits cli_repeated_flag 2 'given twice' "$fotbench" run spec.json -o a -o b
exits cli_inspect_two_models 5 'b: no such model' "$fotbench" inspect a -m b
exits cli_inspect_which_model 2 'expected a model folder or a dataset, got none' "$fotbench" inspect
exits cli_threads_range 2 'threads: expected an integer from 1 to 1024, got "0"' "$fotbench" run spec.json -o a -t 0
exits cli_limit_rubbish 2 'limit.*got "1e9"' "$fotbench" run spec.json -o a --limit 1e9
exits cli_inspect_no_model 5 'nowhere' "$fotbench" inspect nowhere
exits cli_inspect_a_file 5 'expected a model folder' "$fotbench" inspect "$root/LICENSE"
exits cli_score_needs_input 2 'one of --tokens FILE, --text FILE and --prompt TEXT' "$fotbench" score -m nowhere -o x.csv
exits cli_plot_no_run 5 'summary.csv' "$fotbench" plot nowhere
if [ -e /dev/full ]; then
	exits cli_stdout_full 6 'standard output' bash -c '"$0" help >/dev/full' "$fotbench"
fi
check cli_closed_pipe_is_quiet bash -c 'set -o pipefail; "$0" help columns | head -n 1 >/dev/null; [ ! -s err ]' "$fotbench"

# With --json a program learns why there is no result: from what the commands read, and from the options.
for c in 'inspect nowhere' 'score -m nowhere --tokens x -o y' 'score -m nowhere --tokens x' 'generate -m nowhere --tokens x' \
	'train nowhere.json -o y' 'run nowhere.json -o y' 'bench -m nowhere' 'perplexity -m nowhere -d x --context-lengths 8 -o y'; do
	"$fotbench" $c --json >failed.json 2>failed.err
	rc=$?
	check "cli_json_of_a_failure_$(tr ' /.' ___ <<<"$c")" bash -c '[ "$1" != 0 ] && [ "$(wc -l <failed.json)" = 1 ] &&
		grep -q "^{\"error\":\"..*\",\"exit_code\":$1}\$" failed.json' - $rc
done
