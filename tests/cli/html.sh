#!/usr/bin/env bash
# report --html: what stands in the page, where it is put, hostile names and texts, refusals. What a browser makes of it:
# tests/web/page.sh.
. "$(dirname "$0")/common.bash"
"$make_checkpoint" tiny seed=1 window=32 mem=1 layers=3 || exit 1
mkdir docs
for i in 1 2 3 4; do head -c $((900 * i + 900)) "$root/LICENSE" | tail -c 1200 >"docs/d$i.txt"; done
printf 'x </script><script>document.title="ran"</script> <img src=x onerror=alert(1)> "q" &amp; \342\200\250 y\n' >docs/e.txt
cat docs/d1.txt >>docs/e.txt
run() { "$fotbench" perplexity -m tiny --context-lengths 32,128 --target-tokens 128 --memory none,dense -q -t 1 --no-timings "$@"; }
page() { "$fotbench" report --html "$@" -q; }
to() { "$fotbench" report --html="$1" "${@:2}" -q; }
bad='<img src=x onerror=alert(1)> & "q"'

check html_run run --variant fot -d ./docs -o one
check html_run_samples "$fotbench" samples -m tiny -d ./docs --memory dense --context-length 96 --positions 40,70 -q -o smp
prints html_page_stands_in_the_run '^one/report.html$' "$fotbench" report --html one -q
cp one/report.html first.html
check html_again page one
check html_same_bytes cmp first.html one/report.html
once() { [ "$(grep -o "$1" "$2" | wc -l)" -eq "$3" ] || { grep -o "$1" "$2" | sort | uniq -c; return 1; }; }

# --- what is in it ---
column() { awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i; next } $4 == "'"$2"'" && $8 == 128 && $11 == "perplexity" && !seen++ { print $c }' one/summary.csv; }
figures() { local v; v=$(printf '%.4f <small>[%.4f, %.4f]</small>' "$(column value dense)" "$(column ci_low dense)" "$(column ci_high dense)") && grep -qF "$v" one/report.html || { echo "$v"; return 1; }; }
check html_tables_hold_the_summary figures
check html_data_holds_the_summary grep -qF " $(column value dense), " one/report.html
check html_says_what_was_run bash -c 'for w in "$1" "<h1>one</h1>" "complete, 10 of 10 items" "<dt>Command</dt><dd><code>fotbench perplexity -m tiny" ">tiny</th>"; do
	grep -qF -- "$w" one/report.html || { echo "$w"; exit 1; }; done' - "title=\"$(sed -n 's/^  "run_id": "\(.*\)",/\1/p' one/manifest.json)\""
check html_holds_the_manifest grep -q '&quot;run_uid&quot;: ' one/report.html
check html_columns_have_a_scope bash -c 'grep -q "<th scope=\"col\" class=\"n\">128</th>" one/report.html && grep -q "<th scope=\"row\">fot</th>" one/report.html'
check html_all_figures_have_a_place bash -c '[ "$(grep -c "<figure class=.chart" one/report.html)" = "$(grep -c "\"title\": " one/report.html)" ] && grep -q data-figure=.1. one/report.html'
# The reference has published figures, verdicts and levels of chance.
check html_page_of_reference to quick.html "$root/results/reference/quick"
check html_verdicts_beside_the_paper bash -c 'grep -qF "(tab:fft1)</summary>" quick.html && grep -qE "<td>[0-9.]+ / [0-9.]+</td><td><span class=.verdict v0.>reproduced</span>" quick.html'
check html_page_of_summary_alone to few.html "$root/results/reference/fewshot-64k"
check html_levels bash -c 'grep -q "class=.level.><th scope=.row. colspan=.2.>chance</th><td>16.7 %</td>" few.html &&
	grep -q ">commonest label</th><td>36.0 %</td>" few.html && grep -q "\"majority\": \[\[1, 36\]" few.html'

# --- it loads nothing, and nothing from outside is markup ---
alone() { ! grep -nE '(src|href)="?(http|//|file)|url\(|@import|<link|<iframe' "$1" && once '<script' "$1" "$2" && once '</script' "$1" "$2"; }
check html_loads_nothing alone one/report.html 2
policy() { # what the policy allows is the script and the style that are there
	local script=$(awk '/^<script>/ { on = 1; sub(/^<script>/, "") } /^<\/script>/ { on = 0 } on' one/report.html | openssl dgst -sha256 -binary | base64)
	local style=$(awk '/^<style>/ { on = 1; sub(/^<style>/, "") } /^<\/style>/ { on = 0 } on' one/report.html | openssl dgst -sha256 -binary | base64)
	grep -qF "script-src 'sha256-$script'" one/report.html && grep -qF "style-src 'sha256-$style'" one/report.html && grep -qF "default-src 'none'" one/report.html
}
command -v openssl >/dev/null && check html_policy_allows_its_own_alone policy || echo "skip html_policy_allows_its_own_alone: openssl is not installed"
check html_run_hostile run --variant "$bad" -d ./docs -o "$bad"
check html_page_of_hostile_names to bad.html "$bad" smp
check html_names_are_text bash -c '! grep -qF "<img" bad.html && grep -qF "<h1>&lt;img src=x onerror=alert(1)&gt; &amp; &quot;q&quot;, smp</h1>" bad.html &&
	grep -qF "\"name\": \"\u003cimg src=x onerror=alert(1)\u003e \u0026 \\\"q\\\" (dense memory)\"" bad.html'
mkdir -p "$bad/samples"
printf '{"item":"1","answer":"</script><script>x()</script>","ok":true}\n{"item":"2","answer":"\342\200\250\342\200\251 \\u0001 <!-- \342\200\256","ok":false}\n' >"$bad/samples/passkey.jsonl"
check html_page_of_hostile_samples to bad.html "$bad" smp
check html_samples_are_text bash -c 'grep -qF "\u003c/script\u003e\u003cscript\u003ex()" bad.html && grep -qF "\u2028\u2029" bad.html && ! grep -q "$(printf "\342\200\250")" bad.html && ! grep -qF "<!-- " bad.html'
check html_documents_are_text bash -c 'grep -qF "\u003c/script\u003e" bad.html'
check html_still_only_its_own_scripts alone bad.html 3

# --- where it is put ---
prints html_named_file '^b.html$' "$fotbench" report one -q --html=b.html
check html_named_file_is_the_page cmp b.html one/report.html
check html_beside_the_tables bash -c '"$0" report one -q --html -o tables >out && [ "$(tail -1 out)" = tables/report.html ] && [ -f tables/report.md ] && cmp tables/report.html one/report.html' "$fotbench"
prints html_of_several_runs_here '^report.html$' "$fotbench" report --html one smp -q
check html_page_of_two to two.html one "$bad"
check html_several_runs_side_by_side bash -c 'grep -q "<th scope=\"col\">run</th>" two.html && grep -qF "<h3 id=\"results-0\">one</h3>" two.html && grep -qF "<h3 id=\"comparisons-1\">&lt;img " two.html && grep -qF "<a href=\"#results-1\">&lt;img " two.html'
prints html_stdout_has_no_tables '^one/report.html$' bash -c '"$0" report --html one -q | sed -n "1p;2s/.*/more/p"' "$fotbench"
check html_run_again_removes_the_page bash -c 'cp -r one again && "$0" perplexity -m tiny --variant fot --context-lengths 32,128 --target-tokens 128 --memory none -d ./docs -q -t 1 -o again --overwrite && [ ! -e again/report.html ]' "$fotbench"
check html_resume_keeps_it bash -c 'cp -r one kept && "$0" perplexity -m tiny --variant fot --context-lengths 32,128 --target-tokens 128 --memory none,dense -d ./docs -q -t 1 --no-timings -o kept --resume && cmp kept/report.html one/report.html' "$fotbench"
check html_limited run --variant fot -d ./docs -o few --limit 2
check html_says_not_for_reporting bash -c '"$0" report --html few -q 2>/dev/null && grep -qF "<p class=\"warning\">Not for reporting: few is limited to 2 documents" few/report.html' "$fotbench"

# --- samples and tokens ---
queries() { [ "$(grep -c '"where": "' smp/report.html)" -eq "$(grep -c '^## Document' smp/samples.md)" ] && grep -q '"position": 40, "length": 96, "window": 32,' smp/report.html; }
check html_page_of_samples page smp
check html_one_sample_per_query queries
score() { "$fotbench" score -m tiny --text docs/d1.txt -q "$@"; }
check html_score_without score --memory none --token-texts -o none.csv
check html_score_with score --memory dense -o dense.csv
# Decoding a token alone drops a space in front of it: together they are the text, but for the first.
texts() { [ "$(head -1 none.csv)" = sequence,turn,position,token,nll_nats,argmax,text ] && [ "$(cut -d, -f1-4 none.csv)" = "$(cut -d, -f1-4 <(score --memory none -o /dev/stdout))" ]; }
check html_token_texts_are_one_more_column bash -c '[ "$(head -1 none.csv)" = sequence,turn,position,token,nll_nats,argmax,text ] && [ "$(head -1 dense.csv)" = sequence,turn,position,token,nll_nats,argmax ]'
check html_tokens page one --tokens none.csv --tokens dense.csv
check html_tokens_pair bash -c 'grep -qF "\"names\":[\"none\",\"dense\"]" one/report.html && [ "$(sed -n "/tokens-data/,\$p" one/report.html | sed -n "4p" | tr -cd , | wc -c)" -ge "$(($(wc -l <dense.csv) - 3))" ]'
head -20 dense.csv >short.csv && sed 's/^0,,3,[0-9]*/0,,3,77777/' dense.csv >other.csv
exits html_tokens_of_another_length 5 'short: expected the [0-9]+ tokens of none, got 19' page one --tokens none.csv --tokens short.csv
exits html_tokens_of_another_text 5 'other: row 3: expected the token of none, position 3, token [0-9]+; got position 3, token 77777' page one --tokens none.csv --tokens other.csv
exits html_tokens_of_no_score 5 'unknown column|expected' page one --tokens none.csv --tokens one/summary.csv
exits html_one_file_of_tokens 2 'expected two files or more' page one --tokens none.csv
exits html_tokens_need_a_page 2 'expected --html beside it' "$fotbench" report one --tokens none.csv --tokens dense.csv
exits html_texts_need_a_tokenizer 5 'no tokenizer, which --token-texts needs' bash -c '"$1" bare seed=3 vocab=64 tokenizer=none && echo "[[1,2,3]]" >ids.json && "$0" score -m bare --tokens ids.json --token-texts -o x.csv' "$fotbench" "$make_checkpoint"

# --- refusals ---
exits html_no_run 5 'nowhere: expected a run' page nowhere
mkdir empty && echo '{}' >empty/manifest.json
exits html_nothing_to_show 5 'nothing to report' page empty
cp -r smp broken && mkdir -p broken/samples && printf '{"item":1}\n{"item":\n' >broken/samples/lookup.jsonl
exits html_broken_sample 5 'broken/samples/lookup.jsonl: line 2' page broken
cp -r one odd && printf '{"status":[1],"tool":3,"models":{"a":1},"conditions":7,"counts":{"done":"x","planned":1e300},"host":{"threads":1e300},"times":[],"command_line":[1,"<b>"],"task_versions":[1]}' >odd/manifest.json
check html_manifest_of_other_types page odd
check html_words_of_the_command_are_text grep -qF '<code>fotbench ? &lt;b&gt;</code>' odd/report.html
exits html_no_place 6 'no/where.html' to no/where.html one
exits html_empty_name 2 '--html: expected FILE' "$fotbench" report one --html=
prints html_help 'html\[=FILE\]' "$fotbench" report --help
