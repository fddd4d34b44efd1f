#!/usr/bin/env bash
# How long Chromium takes to open a page of many samples, from the start of its reading to where all scripts are done and
# all is laid out. CSV, a line per repetition:
#
#   samples,page_bytes,write_s,open_ms
#
#   tests/bench/page.sh [SAMPLES...]     10000
#
# ROUNDS (3). Each sample is that of a pass key's prompt, some 700 bytes of text. Wants chromium and a quiet machine.
set -eu
cd "$(dirname "$0")/../.."
export LC_ALL=C
fotbench=$PWD/${FOTBENCH:-build/release/fotbench}
chromium=${CHROMIUM:-chromium}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"$fotbench" passkey -m passkey-fot --context-lengths 2k --memory none,dense --trials 1 -q -o run >/dev/null
cp run/samples/passkey.jsonl one.jsonl
echo samples,page_bytes,write_s,open_ms
for n in "${@:-10000}"; do
	awk -v n="$n" '{ line[NR] = $0 } END { for (i = 0; i < n; i++) { s = line[i % NR + 1]; sub(/"item": "/, "&" i "/", s); print s } }' one.jsonl >run/samples/passkey.jsonl
	begin=$(date +%s.%N)
	"$fotbench" report --html=page.html run -q >/dev/null
	written=$(awk -v a="$begin" -v b="$(date +%s.%N)" 'BEGIN { printf "%.3f", b - a }')
	# Without its policy the page takes one more script, which tells the time in its title.
	{ sed '/^<meta http-equiv/d; /^<\/body>/,$d' page.html
		echo '<script>document.title = [document.body.offsetHeight, performance.now().toFixed(0)][1];</script></body></html>'; } >timed.html
	for _ in $(seq "${ROUNDS:-3}"); do
		ms=$(timeout 120 "$chromium" --headless --no-sandbox --disable-gpu --user-data-dir="$work/profile" --dump-dom "file://$work/timed.html" 2>/dev/null |
			sed -n 's/.*<title>\(.*\)<\/title>.*/\1/p' | head -1)
		echo "$n,$(stat -c %s page.html),$written,$ms"
	done
done
