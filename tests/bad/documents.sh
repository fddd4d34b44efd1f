#!/usr/bin/env bash
# Data and specs that no reader should have to see.
. "$(dirname "$0")/../cli/common.bash"
"$make_checkpoint" tiny hidden=8 mlp=8 layers=1 heads=1 window=16 mem=0 || exit 1
export FOTBENCH_DATA=$work/store
text=$(head -c 150 "$root/LICENSE" | tr '\n"\\' '   ')
flags=(-m tiny --memory dense --context-lengths 16 --target-tokens 32 -t 1 -q --no-timings)
on() { timeout 30 "$fotbench" perplexity "${flags[@]}" -o "$2" -d "$1" "${@:3}"; }
n=0
bad() { n=$((n + 1)); exits "$1" 5 "$3" on "$2" "bad$n"; } # NAME DATASET PATTERN
line() { printf '{"id":"%s","text":"%s"}\n' "$1" "$text"; }

# --- datasets ---
bad dataset_missing ./nothing.jsonl 'nothing.jsonl'
: >empty.jsonl && bad dataset_empty_file ./empty.jsonl '0 documents'
printf '\n  \n\t\r\n' >blank.jsonl && bad dataset_only_blank_lines ./blank.jsonl '0 documents'
mkdir none && bad dataset_empty_folder ./none '0 documents'
mkfifo pipe && bad dataset_is_a_pipe ./pipe 'pipe.*(regular|FIFO|pipe)'
{ line a; printf '{"text":"\xff\xfe"}\n'; } >utf8.jsonl && bad dataset_invalid_utf8 ./utf8.jsonl 'utf8.jsonl:2.*UTF-8'
printf '{"text":"\xc0\xaf"}\n' >overlong.jsonl && bad dataset_overlong_utf8 ./overlong.jsonl 'overlong.jsonl:1.*UTF-8'
printf '{"text":"\xed\xa0\x80"}\n' >half.jsonl && bad dataset_surrogate ./half.jsonl 'half.jsonl:1.*UTF-8'
{ line a; line b; printf '{"text":"cut o'; } >torn.jsonl && bad dataset_torn_last_line ./torn.jsonl 'last line is cut off: ./torn.jsonl:3'
{ line a; echo '{"text":"x","text":"y"}'; } >keys.jsonl && bad dataset_duplicate_key ./keys.jsonl 'keys.jsonl:2.*text.*twice|keys.jsonl:2.*duplicate'
{ line a; line a; } >ids.jsonl && bad dataset_duplicate_id ./ids.jsonl "lines 1 and 2: the id 'a' is there twice"
{ line a; echo '{"txt":"x"}'; } >field.jsonl && bad dataset_missing_field ./field.jsonl 'field.jsonl:2.*text'
echo '{"text":7}' >type.jsonl && bad dataset_wrong_type ./type.jsonl 'type.jsonl:1.*text.*string'
{ printf '{"text":'; printf '[%.0s' $(seq 5000); echo; } >nest.jsonl && bad dataset_deep_nesting ./nest.jsonl 'nest.jsonl:1.*deep|nest'
{ printf '{"text":"x","n":'; head -c 1000000 /dev/zero | tr '\0' 9; echo '}'; } >number.jsonl && bad dataset_huge_number ./number.jsonl 'number.jsonl:1'
truncate -s 100M zeros.jsonl && bad dataset_line_of_100_megabytes ./zeros.jsonl 'zeros.jsonl:1.*limit'
printf '%s' "$text" >nul && mkdir latin && printf 'caf\xe9 %s' "$text" >latin/a.txt && bad dataset_latin1_text ./latin 'a.txt.*UTF-8'

# What is odd but right: ends of line, mark, NUL, one long and one empty document.
mkdir odd && printf '\xef\xbb\xbf%s\r\nsecond' "$text" >odd/bom.txt && printf '%s\r' "$text" >odd/cr.txt && printf '%s\0%s' "$text" "$text" >odd/nul.txt &&
	: >odd/empty.txt && printf 'ab' >odd/short.txt
check dataset_odd_texts on ./odd odd.out
rows() { [ "$(tail -n +2 odd.out/perplexity.csv | wc -l)" -eq 5 ] && [ "$(grep -c ,skipped_short, odd.out/perplexity.csv)" -eq 2 ]; }
check dataset_odd_texts_short_ones_are_counted rows

# --- names that go through to CSV, Markdown, LaTeX and the screen ---
cat >'na|me,"%s" & 100%_$.jsonl' <<EOS
{"id":"comma, quote \" and 'single'","text":"one $text"}
{"id":"\\\\write18{x} \`touch injected\` \$(touch injected)","text":"two $text"}
{"id":"=HYPERLINK(\"x\")","text":"three $text"}
{"id":"<b>red</b> %n%s","text":"four $text"}
{"id":"$(printf 'long%.0s' $(seq 1500))","text":"five $text"}
EOS
cat >names.json <<'EOS'
{ "models": [ { "path": "tiny", "memory": ["dense"] } ],
  "tasks": [ { "task": "perplexity", "datasets": ["./na|me,\"%s\" & 100%_$.jsonl"], "context_lengths": [16], "target_tokens": 32 } ] }
EOS
names() { "$fotbench" run names.json -t 1 --no-timings -o names >screen 2>err; }
check names_run names
check names_csv_quotes grep -qF '"comma, quote "" and '"'single'"'"' names/perplexity.csv
check names_nothing_is_run test ! -e injected
check names_csv_defuses_formulas grep -qF "'=HYPERLINK" names/perplexity.csv
check names_csv_keeps_long_ids bash -c '[ "$(grep -ao "longlong" names/perplexity.csv | wc -l)" -eq 750 ]'
check names_no_escape_on_the_screen bash -c '! grep -q "$(printf "\033")" screen err names/summary.md names/summary.tex'
check names_markdown_bar_is_escaped grep -qF 'na\|me' names/summary.md
check names_latex_is_escaped grep -qF '\& 100\%\_\$' names/summary.tex
check names_report_reads_them_back "$fotbench" report names
check names_compare_reads_them_back "$fotbench" compare names names
again() { "$fotbench" run names.json -t 1 --no-timings -q -o names --resume; }
check names_resume_reads_them_back again

# --- specs ---
spec='"models":[{"path":"tiny"}],"tasks":[{"task":"perplexity","datasets":["./odd"],"context_lengths":[16],"target_tokens":32}]'
spec() { printf '%s' "$2" >s.json && exits "$1" 2 "$3" timeout 30 "$fotbench" run s.json -o never; } # NAME TEXT PATTERN
spec spec_duplicate_key "{$spec,\"seed\":1,\"seed\":2}" 'seed'
spec spec_wrong_type "{$spec,\"seed\":\"one\"}" 'seed'
spec spec_empty '' 's.json'
spec spec_is_a_list '[]' 's.json'
spec spec_trailing_text "{$spec} x" 's.json.*line 1'
spec spec_nul_byte "$(printf '{%s}' "$spec")," 's.json'
spec spec_deep "$(printf '[%.0s' $(seq 20000))" 's.json.*(deep|nest)'
truncate -s 1G huge.json
exits spec_of_a_gigabyte 2 'huge.json.*(limit|large|big|more than|at most)' timeout 30 "$fotbench" run huge.json -o never
exits spec_is_a_folder 2 'odd' "$fotbench" run odd -o never
exits spec_is_a_pipe 2 'pipe' timeout 10 "$fotbench" run pipe -o never
exits spec_is_dev_zero 2 'zero' timeout 10 "$fotbench" run /dev/zero -o never
check spec_failures_leave_nothing test ! -e never

# --- flags ---
flag() { exits "flag_$1" 2 "$2" timeout 10 "$fotbench" perplexity -m tiny -d ./odd -o never "${@:3}"; } # NAME PATTERN FLAGS
flag lengths_falling 'context_lengths' --context-lengths 2048-1024
flag lengths_empty 'context-lengths' --context-lengths ''
flag lengths_negative 'context_lengths' --context-lengths -5
flag lengths_zero 'context' --context-lengths 0
flag lengths_overflow 'context_lengths' --context-lengths 99999999999999999999
flag lengths_hole 'context_lengths' --context-lengths 32,,64
flag seed_nan 'seed' --seed nan
flag seed_exponent 'seed' --seed 1e9
flag memory_of_none 'memory' --context-lengths 32 --memory knn:0
flag target_negative 'target-tokens' --target-tokens -1
flag twice 'given twice' --seed 1 --seed 2
# flags that would do nothing
flag top_k_without_knn 'top-k: expected knn or model among --memory .others have their numbers there., got "dense"' --context-lengths 32 --memory dense --top-k 8
flag top_k_beside_another 'top-k: expected knn' --context-lengths 32 --memory none,knn:4 --top-k 8
flag variant_without_model 'variant: expected one for each model at most, got 2 for 1' --context-lengths 32 --variant a --variant b
flag dtype_without_memory 'mem-dtype: expected a memory' --context-lengths 32 --memory none --mem-dtype f32
flag quiet_and_verbose 'exclude each other' --context-lengths 32 -q -v
flag json_of_a_dry_run 'json: not with --dry-run' --context-lengths 32 --dry-run --json
flag shard_of_a_dry_run 'shard: not with --dry-run' --context-lengths 32 --dry-run --shard 1/2

# --- a locale with decimal commas, where there is one ---
locale=$(locale -a 2>/dev/null | grep -im1 -E '^(de|fr|es|it|pt|ru|pl)_')
if [ -z "$locale" ] && command -v localedef >/dev/null && mkdir loc && localedef -i de_DE -f UTF-8 loc/de_DE.UTF-8 >/dev/null 2>&1; then
	locale=de_DE.UTF-8
	export LOCPATH=$work/loc
fi
[ -n "$locale" ] || echo "skip locale_decimal_comma: no such locale here"
comma() { LC_ALL=${locale:-de_DE.UTF-8} LANG=de_DE.UTF-8 TZ=Asia/Kathmandu on ./odd comma.out && cmp odd.out/perplexity.csv comma.out/perplexity.csv && cmp odd.out/summary.csv comma.out/summary.csv; }
check locale_changes_no_byte comma
check locale_is_never_taken_over bash -c '! grep -rn "setlocale" "$0"/base "$0"/model "$0"/datasets "$0"/tasks "$0"/harness --include=*.c' "$root"

# --- and those that cannot be names ---
refused() {
	printf '{"id":"%s","text":"one"}\n' "$2" >bad.jsonl
	exits "$1" 5 "$3" "$fotbench" perplexity -m tiny -d ./bad.jsonl --context-lengths 16 --target-tokens 32 -o refused
}
refused names_line_break_is_refused 'line\nbreak' 'bad.jsonl: document "line.break": expected a name without control characters, got one at offset 4'
refused names_escape_is_refused 'a\u001b[31mred' 'without control characters, got one at offset 1'
refused names_turned_writing_is_refused 'a\u202eb' 'without control characters'
check names_refused_before_the_run test ! -e refused
