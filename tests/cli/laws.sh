#!/usr/bin/env bash
# Two laws. Tasks describe themselves: only tasks/NAME*, harness/tasks/NAME*, plots/NAME.gp and one row of the
# registry name a task. Kinds of memory are model/'s: nothing else names one. What breaks them still is listed here,
# FILE LINES; the lists can only shrink.
. "$(dirname "$0")/common.bash"

tasks=$(sed -n 's/^\tX(\([a-z]*\)).*/\1/p' "$root/harness/tasks/registry.c")
task_words=$(tr '\n' '|' <<<"$tasks" | sed 's/|$//')
spelled='look-up|pass[- ]key|few-shot' # and as people write them
memory_words='"(knn|dense|xl)[": ]|FOT_MEMORY_(DENSE|KNN|XL)'

# What a model is trained on is named as the task that it is for. Besides, perplexity is a metric (of what `score` prints), a
# column of published tables, and a name of random numbers that must stay what they are.
task_exceptions="
datasets/lookup.c 22
datasets/lookup.h 20
datasets/passkey_text.c 10
datasets/passkey_text.h 11
harness/cli/cmd_score.c 1
harness/tables/columns.c 1
model/train/generate_lookup.c 16
model/train/generate_passkey.c 11
model/train/generator.c 18
model/train/generator.h 6
model/train/recipe.c 14
tasks/others.c 1
"
memory_exceptions="
harness/bench/cmd_bench.c 2
harness/compare/compare_print.c 1
harness/tables/labels.h 4
harness/report/plotseries.c 3
harness/plan/plan.c 5
harness/tasks/distraction_class.c 1
harness/tasks/perplexity_class.c 1
harness/tasks/registry.c 1
"

# code DIR FILES...: lines FILE:CODE, without comments
code() {
	(cd "$1" && shift && awk '
		FNR == 1 { inside = 0 }
		{
			line = $0
			out = ""
			while (line != "") {
				if (inside) { i = index(line, "*/"); end = i ? i + 2 : 0 } else { i = index(line, "/*"); end = i ? i + 2 : 0 }
				if (!inside) out = out (i ? substr(line, 1, i - 1) : line)
				if (!i) break
				line = substr(line, end)
				inside = !inside
			}
			if (out ~ /[^ \t]/) print FILENAME ":" out
		}' "$@")
}
in_rooms() { (cd "$1" && find base datasets model tasks harness -name '*.[ch]' | sort); }

# FILE LINES of the code that names a task where it should not
naming_tasks() {
	code "$1" $(in_rooms "$1" | grep -vE "^(harness/)?tasks/($task_words)|^harness/tasks/registry.c$") |
		grep -iE "^[^:]*:(.*[^a-z])?($task_words|$spelled)([^a-z]|\$)" | cut -d: -f1 | uniq -c | awk '{ print $2, $1 }'
}
naming_memory() {
	code "$1" $(in_rooms "$1" | grep -v '^model/') |
		grep -E "^[^:]*:.*($memory_words)" | cut -d: -f1 | uniq -c | awk '{ print $2, $1 }'
}

# within EXCEPTIONS FOUND: what is in FOUND and not allowed, and what is allowed and not there any more
within() {
	awk 'NR == FNR { if (NF) may[$1] = $2; next }
		{ seen[$1] = 1 }
		$2 > may[$1] { printf "%s: %d lines, at most %d: \n", $1, $2, may[$1] }
		END { for (file in may) if (!(file in seen)) printf "%s: take it off the list\n", file }' <(echo "$1") <(echo "$2")
}
holds() { # NAME EXCEPTIONS FOUND
	local wrong=$(within "$2" "$3")
	[ -z "$wrong" ] && ok "$1" || not_ok "$1" "$(tr '\n' ' ' <<<"$wrong")"
}
holds laws_only_its_own_files_name_a_task "$task_exceptions" "$(naming_tasks "$root")"
holds laws_only_model_names_a_kind_of_memory "$memory_exceptions" "$(naming_memory "$root")"
check laws_the_registry_names_a_task_once bash -c '[ "$(wc -w <<<"$2")" -ge 5 ] || exit 1
	for t in $2; do [ "$(grep -c "[^a-z]$t[^a-z]" "$1")" = 1 ] || { echo "$t"; exit 1; }; done' - "$root/harness/tasks/registry.c" "$tasks"

# Each law fails where it is broken.
mkdir copy && (cd "$root" && find base model datasets tasks harness -name "*.[ch]" -exec cp --parents {} "$work/copy" \;)
breaks() { # NAME FILE LINE EXCEPTIONS FIND
	cp "copy/$2" kept
	printf '%s\n' "$3" >>"copy/$2"
	within "$4" "$($5 copy)" >found
	grep -q "^$2: [0-9]* lines, at most" found && ok "$1" || not_ok "$1" "found: $(head -3 found)"
	mv kept "copy/$2"
}
breaks laws_finds_a_task_in_outdir harness/run/outdir.c '	"passkey.csv",' "$task_exceptions" naming_tasks
breaks laws_finds_a_schema_in_report harness/cli/cmd_report.c '	&fot_schema_lookup,' "$task_exceptions" naming_tasks
breaks laws_finds_a_task_in_a_caption harness/report/report_print.c '	"Pass-key accuracy"' "$task_exceptions" naming_tasks
breaks laws_finds_a_memory_in_schedule harness/run/schedule.c '	k->mode == FOT_MEMORY_KNN;' "$memory_exceptions" naming_memory
breaks laws_finds_a_memory_in_run harness/run/run.c '	strcmp(mode, "dense");' "$memory_exceptions" naming_memory
check laws_take_no_comment bash -c '[ -z "$1" ]' - "$(printf '/* passkey\n"knn" */\n' >note.c && code . note.c)"
check laws_find_what_is_gone bash -c '[ "$1" = "gone.c: take it off the list" ]' - "$(within "gone.c 1" "")"
