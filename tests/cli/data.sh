#!/usr/bin/env bash
# `fotbench data` over a manifest whose package is a local folder: no network.
set -u
cd "$(dirname "$0")/../.." || exit 1
fotbench=${FOTBENCH:-./fotbench}
case $fotbench in
/*) ;;
*) fotbench=$PWD/$fotbench ;;
esac
failures=0

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# check NAME WANTED_STATUS FILE PATTERN COMMAND...: the exit status, and a line
# that matches in FILE (out or err)
check() {
	local name=$1 want=$2 file=$3 pattern=$4 got
	shift 4
	"$@" >"$work/out" 2>"$work/err"
	got=$?
	if [ "$got" -ne "$want" ]; then
		echo "not ok $name: exit status $got, expected $want: $(head -c 300 "$work/err" | tr '\n' ' ')"
	elif ! grep -qE -- "$pattern" "$work/$file"; then
		echo "not ok $name: no line matches '$pattern': $(head -c 300 "$work/$file" | tr '\n' ' ')"
	else
		echo "ok $name"
		return
	fi
	failures=$((failures + 1))
}

data() {
	"$fotbench" data "$@" --store "$work/store" --manifests "$work/manifests"
}

sum() {
	printf "$1" | sha256sum | cut -d' ' -f1
}

mkdir -p "$work/manifests/package"
printf 'held out, part one\r\n' >"$work/manifests/package/a.txt"
printf 'part two' >"$work/manifests/package/b.txt"
printf 'for training' >"$work/manifests/package/t.tex"
cat >"$work/manifests/tiny.json" <<EOF
{"format": "fotbench-manifest-1", "dataset": "tiny",
 "packages": [{"name": "p", "registry": "dir", "path": "package"}],
 "documents": [
  {"id": "out", "split": "test", "package": "p", "include": ["*.txt"], "bytes": 28,
   "sha256": "$(sum 'held out, part one\n\npart two')"},
  {"id": "in", "split": "train", "package": "p", "include": ["*.tex"], "bytes": 12,
   "sha256": "$(sum 'for training')"}]}
EOF

check data_list_absent 0 out '^tiny +absent ' data list
check data_verify_absent 5 err 'not installed in .*fotbench data fetch' data verify
check data_fetch 0 out '1 dataset, 2 documents .*1 installed now, 0 already there' data fetch
check data_fetch_again 0 out '0 installed now, 1 already there' data fetch tiny
if data fetch -q >"$work/out" 2>&1 && [ ! -s "$work/out" ]; then
	echo "ok data_fetch_quiet"
else
	echo "not ok data_fetch_quiet: expected no output, got $(head -c 300 "$work/out" | tr '\n' ' ')"
	failures=$((failures + 1))
fi
check data_text 0 out '^part two$' cat "$work/store/tiny/documents/out.txt"
check data_list 0 out '^tiny +installed .*train 1 .*valid 0 .*test 1 ' data list
check data_list_documents 0 out '^ +test +installed +28 +[0-9a-f]{16} +tiny/out$' data list --documents
check data_list_json 0 out '^\{"datasets":.*"id": ?"out".*"state": ?"installed"' data list --documents --json
check data_fetch_json 0 out '"current": ?1' data fetch --json
check data_verify 0 out '^2 documents: 0 damaged' data verify
printf 'X' >>"$work/store/tiny/documents/out.txt"
check data_verify_damaged 5 err 'out.txt: sha256: expected [0-9a-f]{64}, got' data verify
check data_fetch_repairs_size 0 out '1 installed now' data fetch
printf 'another text' >"$work/manifests/package/t.tex"
rm "$work/store/tiny/index.json"
check data_fetch_differs_warns 0 err 'tiny: document in: sha256: expected' data fetch
check data_list_differs 0 out '^tiny +differs ' data list
check data_verify_differs 0 err 'document in: not the text that the manifest states' data verify
check data_unknown_action 2 err "did you mean 'fetch'" data ftch
check data_unknown_name 2 err "did you mean 'tiny'" data fetch tinny
check data_unknown_name_of_no_kin 2 err ": expected one of .*tiny" data fetch qqqqq
check data_unknown_option 2 err 'with-npm' data fetch --with-nmp
check data_no_action 2 err 'data' data
check data_help 0 out '^usage: .*data fetch\|verify\|list' data --help
sed -i 's/"split": "train"/"split": "trian"/' "$work/manifests/tiny.json"
check data_bad_manifest 5 err "documents\[1\].split: unknown value 'trian'" data list
check data_bad_manifests_folder 5 err 'nowhere' "$fotbench" data list --manifests "$work/nowhere"
check data_store_from_environment 0 out '^books +absent ' env FOTBENCH_DATA="$work/empty" "$fotbench" data list books
check data_default_manifests 0 out '^tex ' env FOTBENCH_DATA="$work/empty" sh -c "cd / && '$fotbench' data list"

# A dataset of optional packages only is no fault when they are not asked for.
cat >"$work/manifests/tiny.json" <<EOF
{"format": "fotbench-manifest-1", "dataset": "tiny",
 "packages": [{"name": "p", "registry": "dir", "path": "package", "optional": true}],
 "documents": [{"id": "d", "split": "train", "package": "p", "include": ["*.txt"], "between": "%", "bytes": 28,
   "sha256": "$(sum 'held out, part one\n%%part two')"}]}
EOF
rm "$work/store/tiny/index.json"
check data_fetch_optional 0 err 'left out: its packages are optional' data fetch
check data_verify_optional 0 out '^0 documents' data verify
check data_fetch_with_optional 0 out '1 installed now' data fetch --with-npm
check data_verify_between 0 out '^1 document: 0 damaged, 0 packages or documents not the pinned' data verify

# A Debian package without apt-get: one clear line.
cat >"$work/manifests/tiny.json" <<EOF
{"format": "fotbench-manifest-1", "dataset": "tiny",
 "packages": [{"name": "no-such-package", "registry": "deb", "version": "1", "sha256": "$(sum x)"}],
 "documents": [{"id": "d", "split": "test", "package": "no-such-package", "include": ["*"], "bytes": 1,
   "sha256": "$(sum x)"}]}
EOF
check data_fetch_without_apt 1 err 'no-such-package 1 cannot be had.*apt-get: program not found' \
	env PATH=/nonexistent "$fotbench" data fetch --store "$work/store" --manifests "$work/manifests"
[ "$(grep -c '^error' "$work/err")" = 1 ] && echo "ok data_fetch_error_is_one_line" ||
	{ echo "not ok data_fetch_error_is_one_line: $(tr '\n' ' ' <"$work/err")"; failures=$((failures + 1)); }

exit "$failures"
