#!/usr/bin/env bash
# The rooms: each file includes only its own room and those above it (docs/design.md).
. "$(dirname "$0")/common.bash"

law=(
	"base: base"
	"model: base model"
	"datasets: base model datasets"
	"model/train: base model datasets model/train"
	"tasks: base model datasets tasks"
	"harness/tables: base harness/tables"
	"harness/report: base harness/tables harness/report"
	"harness/compare: base harness/tables harness/report harness/compare"
	"harness/export: base harness/tables harness/report harness/compare harness/export"
	"harness/ask: base model datasets tasks harness/tables harness/ask"
	"harness/plan: base model datasets tasks harness/tables harness/ask harness/plan"
	"harness/run: base model datasets tasks harness/tables harness/report harness/export harness/ask harness/plan harness/run"
	"harness/tasks: base model datasets tasks harness/tables harness/report harness/ask harness/plan harness/run harness/tasks"
	"harness/options: base model harness/ask harness/run harness/options"
	"harness/bench: base model model/train harness/plan harness/run harness/options harness/bench"
	"harness/inspect: base model datasets harness/ask harness/plan harness/options harness/inspect"
	"harness/cluster: base datasets harness/plan harness/run harness/options harness/cluster"
	"harness/cli: base model datasets model/train tasks harness/tables harness/report harness/compare harness/export harness/ask harness/plan harness/run harness/tasks harness/options harness/bench harness/inspect harness/cluster harness/cli"
)

# upward DIR: lines FILE: INCLUDED of includes that break the law, and of files in no room
upward() {
	(cd "$1" && grep -rnoE '^ *# *include *"[^"]+/[^"/]+"' --include='*.[ch]' base model datasets tasks harness) |
		awk -F: -v law="$(printf '%s\n' "${law[@]}")" '
		function room(path) { sub(/\/[^\/]*$/, "", path); return path }
		BEGIN {
			n = split(law, lines, "\n")
			for (i = 1; i <= n; i++) {
				split(lines[i], side, ": ")
				m = split(side[2], seen, " ")
				for (k = 1; k <= m; k++) may[side[1], seen[k]] = 1
			}
		}
		{
			match($3, /"[^"]+"/)
			included = substr($3, RSTART + 1, RLENGTH - 2)
			if (!((room($1), room(included)) in may)) print $1 ": " included
		}'
}
holds() { [ -z "$(upward "$1")" ] || { upward "$1"; return 1; }; }
check rooms_no_include_runs_upward holds "$root"

# large DIR: rooms of the harness over 6,000 lines, files over 800, functions over 60
large() {
	(cd "$1" && find base model datasets tasks harness -name "*.[ch]" -print0 | xargs -0 awk '
		FNR == 1 { file = FILENAME; room = file; sub(/\/[^\/]*$/, "", room); from = 0 }
		{ lines[file]++; rooms[room]++ }
		/^\{$/ { from = FNR }
		/^\}/ && from { if (FNR - from + 1 > 60) print file ": a function of " FNR - from + 1 " lines"; from = 0 }
		END {
			for (file in lines) if (lines[file] > 800) print file ": " lines[file] " lines"
			for (room in rooms) if (room ~ /^harness/ && rooms[room] > 6000) print room ": " rooms[room] " lines"
		}')
}
check rooms_files_and_functions_are_small bash -c '[ -z "$1" ] || { echo "$1"; exit 1; }' - "$(large "$root")"

mkdir copy && (cd "$root" && find base model datasets tasks harness -name "*.[ch]" -exec cp --parents {} "$work/copy" \;)
breaks() { # NAME FILE INCLUDED
	local before=$(cat "copy/$2")
	echo "#include \"$3\"" >>"copy/$2"
	[ "$(upward copy)" = "$2: $3" ] && ok "$1" || not_ok "$1" "found: $(upward copy | head -3)"
	printf '%s\n' "$before" >"copy/$2"
}
breaks rooms_finds_ask_including_cli harness/ask/reading.h harness/options/options.h
breaks rooms_finds_model_including_datasets model/model.c datasets/corpus.h
breaks rooms_finds_run_including_train harness/run/run.c model/train/recipe.h
breaks rooms_finds_plan_including_run harness/plan/plan.h harness/run/items.h
breaks rooms_finds_report_including_compare harness/report/grid.c harness/compare/compare.h
breaks rooms_finds_task_including_harness tasks/passkey.c harness/tables/table.h
{ echo 'int f(void)' && echo '{' && yes '	;' | head -n 6000 && echo '}'; } >copy/harness/ask/long.c
grown="harness/ask/long.c: 6003 lines
harness/ask/long.c: a function of 6002 lines
harness/ask: $((6003 + $(cat "$root"/harness/ask/*.[ch] | wc -l))) lines"
check rooms_finds_what_is_large bash -c 'diff <(echo "$1") <(echo "$2")' - "$grown" "$(large copy | LC_ALL=C sort)"
