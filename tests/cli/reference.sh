#!/usr/bin/env bash
# The summaries of results/reference, made again from the rows beside them: the same bytes.
. "$(dirname "$0")/common.bash"
rebuild=$root/build/$variant/tests/rebuild

# One test a folder that holds rows.  The title of summary.md is not the summary's.
rebuilt() {
	"$rebuild" "$1" . && cmp summary.csv "$1/summary.csv" && cmp summary.md <(sed 1,2d "$1/summary.md")
}
for dir in "$root"/results/reference/*/; do
	rows=("$dir"*.csv)
	[ -f "$dir/summary.csv" ] && [ ${#rows[@]} -gt 1 ] || continue
	check "reference_$(basename "$dir")_is_rebuilt" rebuilt "$dir"
done

# Every claim of the paper judged again; of paper-fewshot the rows are not there.
judged() {
	local dirs=()
	for dir in "$root"/results/reference/{paper-*,decay,long}/; do
		[ "$(basename "$dir")" = paper-fewshot ] || dirs+=("$dir")
	done
	"$fotbench" report "${dirs[@]}" -o again && cmp again/claims.csv <(grep -v ',paper-fewshot,' "$root/results/reference/paper/claims.csv")
}
check reference_claims_are_judged_again judged

# The manifests name the files as they are: size and hash of each that is there.
named() {
	local dir name bytes hash n=0
	for dir in "$root"/results/reference/*/; do
		while read -r name bytes hash; do
			[ -f "$dir$name" ] || continue
			[ "$(stat -c %s "$dir$name") $(sha256sum <"$dir$name" | cut -d' ' -f1)" = "$bytes $hash" ] || { echo "$dir$name"; return 1; }
			n=$((n + 1))
		done < <(tr -d '\n' <"$dir/manifest.json" | grep -o '{ *"name": *"[^"]*", *"bytes": *[0-9]*, *"sha256": *"[0-9a-f]*"' |
			sed 's/{ *"name": *"\([^"]*\)", *"bytes": *\([0-9]*\), *"sha256": *"\([0-9a-f]*\)"/\1 \2 \3/')
	done
	[ $n -ge 60 ]
}
check reference_manifests_name_the_files_as_they_are named

# A fresh run of regress.json writes the stored bytes, on any processor and with any BLAS, where products are fused with sums.
same_bytes() {
	(cd "$root" && "$fotbench" run harness/specs/regress.json -o "$OLDPWD/regress" --no-timings -q) &&
		cmp regress/perplexity.csv "$root/results/reference/regress/perplexity.csv"
}
if "$fotbench" --version | grep -q 'sums fused'; then check reference_regress_same_bytes same_bytes; else
	echo "skip reference_regress_same_bytes: this build rounds products before sums"
fi
