#!/usr/bin/env bash
# Output folders, files and journals that are not as they should be.
. "$(dirname "$0")/calls.bash"
again() { "$fotbench" run spec.json --no-timings -q -t 1 "$@"; }

# --- standard files that are closed: nothing of them may land in a file of the run ---
closed_stderr() { run -o "$1" 2>&- && same "$1" && ! grep -q '^error\|items' "$1/LOCK" "$1/journal.jsonl"; }
check closed_stderr closed_stderr closed2
exits closed_stdout 6 'standard output: Bad file' bash -c '"$@" >&-' - "$fotbench" run spec.json --no-timings -t 1 -o closed1
check closed_stdout_files_are_complete same closed1
closed_all() { run -o closed3 <&- >&- 2>&-; same closed3; }
check closed_all_three closed_all
check closed_all_three_resumes again -o closed3 --resume
full_stderr() { rm -rf out; "$fotbench" run spec.json --no-timings -q -t 1 -o out 2>/dev/full && same out; }
check full_stderr_stops_nothing full_stderr

# --- folders that cannot be written ---
as_user() { if [ "$(id -u)" -eq 0 ]; then setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; else "$@"; fi; }
if as_user true 2>/dev/null && chmod 755 . && as_user "$fotbench" --version >/dev/null 2>&1; then
	mkdir readonly && chmod 555 readonly
	exits folder_read_only 6 'readonly.*(not writable|cannot create).*denied' as_user "$fotbench" run spec.json -q -t 1 -o readonly
	exits folder_below_read_only 6 'readonly/deep.*cannot create the folder.*denied' as_user "$fotbench" run spec.json -q -t 1 -o readonly/deep
	cp -r whole kept && chmod -R a-w kept
	exits resume_in_read_only_folder 6 'kept.*denied' as_user "$fotbench" run spec.json -q -t 1 --no-timings -o kept --resume
	check resume_in_read_only_folder_changes_nothing diff -r whole kept
	exits overwrite_in_read_only_folder 6 'kept.*denied' as_user "$fotbench" run spec.json -q -t 1 -o kept --overwrite
	check overwrite_in_read_only_folder_removes_nothing diff -r whole kept
	chmod -R u+w kept
else
	echo "skip folder_read_only: no other user can be had"
fi
# Whatever the limit of open files: a message, never a crash; what is there resumes.
few_files() {
	local k rc ended=0
	for k in 4 5 6 7 8 9 12 20; do
		rm -rf few
		rc=0
		(ulimit -n $k && "$fotbench" run spec.json --no-timings -q -t 1 -o few) 2>err || rc=$?
		[ $rc -eq 127 ] && continue # not even its libraries could be opened
		[[ " 0 1 5 6 " = *" $rc "* ]] || { echo "$k: exit $rc: $(cat err)"; return 1; }
		[ $rc -eq 0 ] || [ "$(grep -c ^error err)" -eq 1 ] || { echo "$k: $(cat err)"; return 1; }
		run -o few --resume && same few || return 1
		[ $rc -ne 0 ] || ended=1
	done
	[ $ended -eq 1 ]
}
check few_open_files few_files

# --- names ---
for folder in './-o' 'with blank' $'line\nbreak' '%s%n%d' $'not\xffutf8' 'a,b"c' $'\e[31mred'; do
	label=$(printf %q "$folder" | tr -cd 'a-z0-9')
	named() { run -o "$folder" && same "$folder" && again -o "$folder" --resume && "$fotbench" report "$folder" >table.txt && grep -q tiny table.txt; }
	check "output_named_$label" named
	exits "output_named_${label}_in_use" 2 'holds a run already' "$fotbench" run spec.json -q -o "$folder"
	clean() { [ "$(wc -l <"$work/.err")" -eq 1 ] && ! grep -q $'\e' "$work/.err"; }
	check "output_named_${label}_is_one_clean_line" clean
done
long=$(printf 'x%.0s' $(seq 300))
exits output_name_too_long 6 'File name too long' "$fotbench" run spec.json -q -o "$long"
deep=$(printf 'abcdefghi/%.0s' $(seq 500))
exits output_path_too_long 6 'abcdefghi.*: File name too long' "$fotbench" run spec.json -q -o "$work/$deep"
exits model_path_too_long 5 'abcdefghi.*(config.json|too long|no such|expected a model)' "$fotbench" inspect "$work/$deep"
exits output_name_empty 2 'output: expected DIR' "$fotbench" run spec.json -q -o ''

# --- links planted at the names of a run ---
for file in journal.jsonl manifest.json perplexity.csv summary.md log.txt LOCK; do
	planted() {
		rm -rf trap victim && cp -r whole trap && echo precious >victim && rm -f "trap/$file" && ln -s ../victim "trap/$file"
		again -o trap "$1" 2>err
		[ "$(cat victim)" = precious ]
	}
	check "link_at_${file}_resume" planted --resume
	check "link_at_${file}_overwrite" planted --overwrite
done

# --- journals that another one wrote ---
crc() { printf %s "$1" | gzip -c | tail -c 8 | head -c 4 | od -An -tx4 | tr -d ' '; }
# reframed LINE SED: the record changed, its checksum right
reframed() {
	local rec
	rec=$(sed -n "$1p" whole/journal.jsonl | sed 's/^{"crc":"[0-9a-f]*","rec"://; s/}$//' | sed "$2")
	printf '{"crc":"%s","rec":%s}\n' "$(crc "$rec")" "$rec"
}
check journal_forger_is_right cmp <(reframed 1 '') <(head -n 1 whole/journal.jsonl)
forged() { # NAME LINE SED CODE PATTERN
	rm -rf forged && cp -r whole forged
	{ head -n $(($2 - 1)) whole/journal.jsonl; reframed "$2" "$3"; tail -n +$(($2 + 1)) whole/journal.jsonl; } >forged/journal.jsonl
	cp forged/journal.jsonl before
	exits "$1" "$4" "$5" again -o forged --resume
	check "$1_is_left_alone" cmp before forged/journal.jsonl
}
forged journal_of_a_newer_version 1 's/"version": *1/"version": 9/' 5 'journal version 9, this program reads version 1'
forged journal_of_another_program 1 's/fotbench-journal/other-journal/' 5 'format "other-journal", expected'
forged journal_of_another_seed 1 's/"seed": *[0-9]*/"seed": 77/' 2 'cannot resume, .*seed: journal 77, now'
forged journal_without_identity 1 's/"identity"/"idantity"/' 5 'no identity'
forged journal_record_without_item 3 's/"item"/"itam"/' 5 'line 3: no item record'
forged journal_result_of_wrong_form 3 's/"result": */"result":3,"old":/' 5 'journal.jsonl'
cp -r whole twice && sed -n 3p whole/journal.jsonl >>twice/journal.jsonl
check journal_equal_record_twice again -o twice --resume
check journal_equal_record_twice_same same twice
cp -r whole unequal && reframed 3 's/"nll_nats": */"nll_nats": 7/' >>unequal/journal.jsonl
exits journal_unequal_record_twice 5 'lines 3 and [0-9]+: two different results' again -o unequal --resume
mkdir foreign && head -c 3000 "$root/LICENSE" >foreign/journal.jsonl
exits journal_is_a_foreign_file 5 'not a fotbench journal' again -o foreign --resume
check journal_foreign_file_is_kept cmp -n 3000 foreign/journal.jsonl "$root/LICENSE"
