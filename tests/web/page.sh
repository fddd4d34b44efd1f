#!/usr/bin/env bash
# What Chromium makes of a page of `report --html`. Skipped where there is none ($CHROMIUM, or chromium in PATH).
. "$(dirname "$0")/../cli/common.bash"
chromium=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)}
if [ -z "$chromium" ]; then
	echo "skip web_page: chromium is not installed"
	exit 0
fi
# dom FILE [MORE]: the page as it is after its scripts; what it logs in dom.log
dom() {
	local file=$1
	shift
	timeout 120 "$chromium" --headless --no-sandbox --disable-gpu --user-data-dir="$work/profile" --enable-logging=stderr --v=0 \
		--virtual-time-budget=5000 "$@" --dump-dom "file://$work/$file" 2>dom.log
}
# with FILE SCRIPT OUT: a copy without its policy that runs a script behind the page's own
with() { { sed '/^<meta http-equiv/d; /^<\/body>/,$d' "$1"; printf '<script>%s</script></body></html>\n' "$2"; } >"$3"; }
title() { sed -n 's/.*<title>\(.*\)<\/title>.*/\1/p' "$1" | head -1; }

"$make_checkpoint" tiny seed=1 window=32 mem=1 layers=3 || exit 1
mkdir docs
for i in 1 2 3 4; do head -c $((900 * i + 900)) "$root/LICENSE" | tail -c 1200 >"docs/d$i.txt"; done
evil='</script><script>document.title="ran"</script><img src=x onerror="document.title=1">'
{ printf '%s ' "$evil" "$evil" "$evil"; cat docs/d1.txt; } >docs/e.txt
name='<img src=x onerror=document.title=2> & "q"'
"$fotbench" perplexity -m tiny --variant "$name" --context-lengths 32,128 --target-tokens 128 --memory none,dense -d ./docs -q -t 1 -o "$name" || exit 1
"$fotbench" samples -m tiny -d ./docs --memory dense --context-length 96 --positions 40,60,70 --documents 8 -q -o smp || exit 1
"$fotbench" score -m tiny --text docs/e.txt --memory none --token-texts -q -o none.csv && "$fotbench" score -m tiny --text docs/e.txt --memory dense -q -o dense.csv || exit 1
mkdir -p smp/samples
{ printf '{"item":"%s","answer":"%s <b>unique&amp;</b>\\u0001\\u202e","right":true}\n' "${evil//\"/\\\"}" "${evil//\"/\\\"}"
	for i in $(seq 100); do printf '{"item":"i%d","answer":"word%d %s","right":%s}\n' "$i" "$i" "$([ $((i % 4)) = 0 ] && echo needle)" "$([ $((i % 2)) = 0 ] && echo true || echo false)"; done; } >smp/samples/lookup.jsonl
"$fotbench" report "$name" smp --html=page.html --tokens none.csv --tokens dense.csv -q >/dev/null || exit 1

dom page.html >page.dom
check web_page_is_ready grep -q '<html lang="en" data-ready="yes">' page.dom
check web_page_logs_no_error bash -c '! grep -E "CONSOLE|Uncaught|Refused" dom.log'
check web_figures_are_drawn bash -c '[ "$(grep -o "<svg viewBox[^>]* role=\"img\"" page.dom | wc -l)" -ge 3 ] && grep -q "<path d=\"M[^\"]*\" stroke=\"var(--look" page.dom'
check web_hostile_text_did_not_run bash -c '[ "$1" = "&lt;img src=x onerror=document.title=2&gt; &amp; \"q\", smp – fotbench" ] || { echo "$1"; exit 1; }' - "$(title page.dom)"
check web_hostile_text_is_seen bash -c 'grep -q "&lt;/script&gt;&lt;script&gt;document.title=" page.dom && ! grep -q "<img" page.dom'
check web_marks_what_was_read bash -c '[ "$(grep -o "class=\"read\"" page.dom | wc -l)" -ge 20 ] && grep -q "<mark" page.dom && grep -q "class=\"strip\"" page.dom'
check web_tokens_are_coloured bash -c 'grep -qE "<span class=\"[gl][1-4]\" data-at=" page.dom && [ "$(grep -oE "<span( class=\"[^\"]*\")? data-at=|<span class=\"\" data-at=" page.dom | wc -l)" -eq "$(($(wc -l <dense.csv) - 1))" ]'
check web_lists_a_part_at_first bash -c '[ "$(grep -o "class=\"item-head\"" page.dom | wc -l)" -eq 30 ]'

# The policy lets no script in but the page's own.
{ sed '/^<\/body>/,$d' page.html; echo '<script>document.title = "let in"</script></body></html>'; } >let.html
dom let.html >let.dom
check web_policy_lets_nothing_in bash -c '! grep -q "<title>let in" let.dom && grep -q "violates the following Content Security Policy\|Refused to execute" dom.log' 

# search TEXT OUTCOME: what is found, as "N of M samples" and the number of items shown
search() {
	with page.html "const s = document.querySelector('input[type=search]'); s.value = '$1'; s.dispatchEvent(new Event('input'));
		${2:+const o = document.querySelector('select[aria-label=outcome]'); o.value = '$2'; o.dispatchEvent(new Event('change'));}
		setTimeout(() => { document.title = document.querySelector('output').textContent + ', ' + document.querySelectorAll('.items > li').length; }, 1000);" search.html
	title <(dom search.html)
}
finds() { local got; got=$(search "$1" "$3"); [ "$got" = "$2" ] || { echo "$got"; return 1; }; }
all=$((101 + $(grep -c '^## Document' smp/samples.md)))
check web_search_filters finds needle "25 of $all samples, 25" ''
check web_search_takes_all_words finds 'NEEDLE word4 i40' "1 of $all samples, 1" ''
check web_search_finds_nothing finds nowhere "0 of $all samples, 0" ''
check web_search_finds_markup_as_text finds '<b>unique&amp;</b>' "1 of $all samples, 1" ''
check web_outcome_filters finds needle "25 of $all samples, 25" 1
check web_outcome_filters_all_away finds needle "0 of $all samples, 0" 2

# Keys go from point to point; the tip tells value and interval.
with page.html "const s = document.querySelector('svg[tabindex]'); s.focus(); s.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight' }));
	document.title = document.getElementById('tip').textContent.replace(/\n/g, '|');" keys.html
dom keys.html >keys.dom
check web_keys_tell_points bash -c '[[ "$1" =~ ^.*\|context\ length\ \(tokens\)\ 32\|[0-9.]+\ \[[0-9.]+,\ [0-9.]+\]\|[0-9]+\ items$ ]] || { echo "$1"; exit 1; }' - "$(title keys.dom)"
# Nothing is wider than the window.
wide() { with page.html "document.title = document.documentElement.scrollWidth + ' ' + window.innerWidth;" wide.html && [ "$(title <(dom wide.html --window-size="$1,900") | awk '{ print $1 <= $2 }')" = 1 ]; }
check web_fits_a_telephone wide 390
check web_fits_a_desk wide 1280
