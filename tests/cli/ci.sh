#!/usr/bin/env bash
# compare for continuous integration: JUnit, GitHub's annotations and step summary, github-action-benchmark.
. "$(dirname "$0")/common.bash"
make_rows=$root/build/$variant/tests/make_rows
unset GITHUB_STEP_SUMMARY

"$make_rows" base tasks=p && "$make_rows" worse tasks=p lose=0.5 && "$make_rows" scores tasks=p nudge=0.001 || exit 1
code() { local want=$1 rc=0; shift; "$fotbench" compare "$@" >out.txt 2>err.txt || rc=$?; [ $rc -eq "$want" ]; }
lines() { grep -cE -- "$1" "$2"; }
is() { [ "$1" = "$2" ] || { echo "got $1, expected $2"; return 1; }; }

# --- JUnit ---
check ci_junit_keeps_the_exit_code code 3 base worse --junit j.xml
cat >head.xml <<'EOS'
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="fotbench" tests="20" failures="8" errors="0">
  <testsuite name="fotbench compare" tests="20" failures="8" errors="0" skipped="0">
    <properties>
      <property name="base" value="base"/>
      <property name="new" value="worse"/>
      <property name="verdict" value="regression"/>
    </properties>
    <testcase classname="passkey.grass" name="accuracy, grass, 2k, local, none, paper">
      <system-out>0.1667 in BASE, 0.1667 in NEW, difference +0.0000 [+0.0000, +0.0000], p 1 (Holm), 60 items: identical</system-out>
    </testcase>
EOS
check ci_junit_head diff head.xml <(head -11 j.xml)
cat >failure.xml <<'EOS'
    <testcase classname="passkey.grass" name="accuracy, grass, 2k, fot, dense, paper">
      <failure type="worse" message="1.0000 in BASE, 0.5500 in NEW, difference -0.4500 [-0.5833, -0.3333], p 3e-08 (Holm), 60 items: worse"/>
    </testcase>
EOS
check ci_junit_failure diff failure.xml <(grep -A2 'grass, 2k, fot, dense' j.xml)
check ci_junit_names_differ is "$(grep -o ' name="acc[^"]*"' j.xml | sort -u | wc -l)" 20
check ci_junit_same code 0 base base --junit same.xml --exact
check ci_junit_same_has_no_failure grep -q '<testsuites name="fotbench" tests="20" failures="0" errors="0">' same.xml
check ci_junit_not_comparable code 7 base base --pair a=b --junit none.xml
cat >none.want <<'EOS'
    <testcase classname="compare" name="comparable">
      <error type="not comparable" message="not comparable: conditions: neither run has --pair a=b"/>
    </testcase>
EOS
check ci_junit_error diff none.want <(sed -n 9,11p none.xml)
exits ci_junit_of_no_run 5 'nowhere/manifest.json: cannot open' "$fotbench" compare base nowhere --junit gone.xml
check ci_junit_of_no_run_says_so grep -qF '<error type="failed" message="nowhere/manifest.json: cannot open' gone.xml
exits ci_junit_nowhere 6 'no/folder/j.xml' "$fotbench" compare base base --junit no/folder/j.xml
check ci_exact_fails_what_changed bash -c '"$0" compare base scores --exact --github --junit changed.xml >changed.txt 2>err.txt; [ $? -eq 3 ]' "$fotbench"
check ci_exact_is_a_failure is "$(lines '<failure type="changed"' changed.xml)/$(lines '^::error title=accuracy changed::' changed.txt)" 20/9

# --- GitHub ---
check ci_github_keeps_the_exit_code code 3 base worse --github
check ci_github_error grep -qxF '::error title=accuracy is worse::accuracy, grass, 2k, fot, knn:128, paper: 1.0000 in BASE, 0.5500 in NEW, difference -0.4500 [-0.5833, -0.3333], p 3e-08 (Holm), 60 items: worse' out.txt
check ci_github_notice grep -qxF '::notice title=fotbench compare%3A regression::the largest difference of a document or item from base is 0 nats per token' out.txt
check ci_github_commands is "$(lines '^::' out.txt)" 11
guarded() { # what stands between the guards is what is printed without --github
	local word=$(sed -n '1s/^::stop-commands:://p' out.txt)
	[ ${#word} -eq 32 ] && diff <("$fotbench" compare base worse) <(sed -n "2,/^::$word::\$/p" out.txt | sed '$d')
}
check ci_github_guards_the_table guarded
check ci_github_warning code 0 base worse --github --margin 1
check ci_github_warnings is "$(lines '^::warning title=accuracy is worse within the margin::' out.txt)/$(lines '^::error' out.txt)" 8/0
exits ci_github_or_json 2 'expected one of them' "$fotbench" compare base base --github --json
check ci_github_of_no_run code 5 base nowhere --github
check ci_github_of_no_run_says_so is "$(cat out.txt)" '::error title=fotbench compare%3A failed::nowhere/manifest.json: cannot open: No such file or directory'

# More failures than GitHub shows, in more rows than a summary holds.
"$make_rows" base12 tasks=pl && "$make_rows" worse12 tasks=pl lose=0.9
check ci_github_many code 3 base12 worse12 --github
check ci_github_at_most_ten is "$(lines '^::error' out.txt)" 10
check ci_github_tenth_counts_the_rest grep -qxE '::error title=fotbench compare::and [0-9]+ more rows' out.txt
counted() { # 9 are shown
	local all=$("$fotbench" compare base12 worse12 | grep -c ' worse$')
	is "$(sed -n 's/^::error title=fotbench compare::and \([0-9]*\) more rows$/\1/p' out.txt)" $((all - 9))
}
check ci_github_counts counted

export GITHUB_STEP_SUMMARY=$work/summary.md
echo before >summary.md
check ci_summary_run code 3 base worse --github -q
cat >summary.want <<'EOS'
before
### fotbench compare: regression

BASE base, NEW worse: the largest difference of a document or item from base is 0 nats per token

| row | items | base | new | difference [95 % interval] | p (Holm) | verdict |
|---|---:|---:|---:|---|---:|---|
| :x: accuracy, grass, 2k, fot, dense, paper | 60 | 1.0000 | 0.5500 | -0.4500 [-0.5833, -0.3333] | 3e-08 | worse |
EOS
check ci_summary_is_appended diff summary.want <(head -8 summary.md)
check ci_summary_has_all_rows is "$(lines '^\| (:x: )?acc' summary.md)" 20
check ci_summary_failures_first is "$(grep '^| ' summary.md | sed -n '2,9p' | grep -c ':x:')" 8
GITHUB_STEP_SUMMARY=$work/no/folder exits ci_summary_nowhere 6 'no/folder: cannot append' "$fotbench" compare base base --github
name=$(printf 'n%.0s' $(seq 255))
for run in base worse; do
	mkdir many.$run && cp $run/manifest.json many.$run
	awk -F, -v OFS=, -v name="$name" 'NR == 1 { print; next } { row = $0; for (i = 0; i < 20; i++) { $7 = substr(name, 1, 240) i; print } }' $run/passkey.csv >many.$run/passkey.csv
done
: >summary.md
check ci_summary_of_many_rows code 3 many.base many.worse --github -q
check ci_summary_fits test "$(wc -c <summary.md)" -le 65536 -a "$(wc -c <summary.md)" -gt 64000
rest() { is "$(tail -1 summary.md)" "and $((400 - $(lines '^\| (:x: )?acc' summary.md))) more rows"; }
check ci_summary_counts_the_rest rest
check ci_summary_of_no_run code 5 base nowhere --github
check ci_summary_of_no_run_says_so is "$(tail -1 summary.md)" 'BASE base, NEW nowhere: nowhere/manifest.json\: cannot open\: No such file or directory'
unset GITHUB_STEP_SUMMARY

# --- github-action-benchmark ---
check ci_benchmark_keeps_the_exit_code code 3 base worse --benchmark b.json
cat >b.want <<'EOS'
  {
    "name": "1 - accuracy, grass, 2k, fot, dense, paper",
    "unit": "share",
    "value": 0.44999999999999996,
    "range": "of the share: -0.4500 [-0.5833, -0.3333]",
    "extra": "1.0000 in BASE, 0.5500 in NEW, difference -0.4500 [-0.5833, -0.3333], p 3e-08 (Holm), 60 items: worse"
  },
EOS
check ci_benchmark_entry diff b.want <(grep -B1 -A5 '"1 - accuracy, grass, 2k, fot, dense' b.json)
check ci_benchmark_all_rows is "$(lines '"value": [0-9.e-]+,$' b.json)" 20

# --- hostile names ---
hostile='"q"]]>&<x>'"'"'::error::%0A##[error]a,b|`c`@d'
"$make_rows" wild tasks=p variant="$hostile" && "$make_rows" wilder tasks=p lose=0.5 variant="$hostile" || exit 1
# a dataset's name over two lines, as a stranger's file may hold it
sed -i $'s/grass/"a\\\n::error::b\\\n\001"/' wild/passkey.csv wilder/passkey.csv
export GITHUB_STEP_SUMMARY=$work/wild.md
check ci_hostile_code code 3 wild wilder --github --junit w.xml --benchmark w.json
check ci_hostile_junit grep -qF 'classname="passkey.a?::error::b??" name="accuracy, a?::error::b??, 2k, &quot;q&quot;]]&gt;&amp;&lt;x&gt;&#39;::error::%0A##[error]a,b|`c`@d, dense, paper"' w.xml
check ci_hostile_annotation grep -qF '::error title=accuracy is worse::accuracy, a%0A::error::b%0A?, 2k, "q"]]>&<x>'"'"'::error::%250A##[error]a,b|`c`@d, dense, paper: 1.0000 in BASE' out.txt
check ci_hostile_commands is "$(sed '1,/^::[0-9a-f]*::$/d' out.txt | lines '^::(error title=acc|notice title=fotbench)' /dev/stdin) $(sed '1,/^::[0-9a-f]*::$/d' out.txt | wc -l)" '9 9'
check ci_hostile_summary grep -qF '| :x: accuracy, a?\:\:error\:\:b??, 2k, "q"]]>' <(sed 's/\\\([]>]\)/\1/g' wild.md)
check ci_hostile_summary_columns is "$(grep '^|' wild.md | sed 's/\\|//g' | awk -F'|' '{ print NF }' | sort -u)" 9
check ci_hostile_benchmark grep -qF '"name": "1 - accuracy, a?::error::b??, 2k, \"q\"]]>&<x>'"'"'::error::%0A##[error]a,b|`c`@d, dense, paper"' w.json
if command -v python3 >/dev/null; then
	check ci_parsers_agree python3 - <<-'EOS'
		import json, xml.etree.ElementTree as xml
		hostile = '"q"]]>&<x>\'::error::%0A##[error]a,b|`c`@d'
		names = [case.get("name") for case in xml.parse("w.xml").iter("testcase")]
		assert len(names) == 20 and names.count(f"accuracy, a?::error::b??, 8k, {hostile}, dense, paper") == 1, names
		assert len([1 for case in xml.parse("w.xml").iter("failure")]) == 8
		assert {e["name"].removeprefix("1 - ") for e in json.load(open("w.json"))} == set(names)
	EOS
else
	echo "skip ci_parsers_agree: no python3"
fi

# --- the workflow in the document ---
block() { awk -v want="$1" '/^```yaml/ { n++; inside = n == want; next } /^```/ { inside = 0 } inside' "$root/docs/ci.md"; }
runs() { block "$1" | sed -n 's/^ *run: //p'; }
check ci_workflow_runs_a_target is "$(runs 2 | tail -n 1)" 'make regress'
check ci_workflow_reference_is_taken grep -qF 'tests/regress.sh harness/specs/regress.json $(REFERENCE)' "$root/Makefile"
check ci_workflow_keeps_the_run_s_folder grep -qF 'out=${3:-results/runs/regress}' "$root/tests/regress.sh"
if python3 -c 'import yaml' 2>/dev/null; then
	check ci_workflow_is_yaml python3 -c 'import sys, yaml; w = yaml.safe_load(sys.argv[1]); assert [s.get("run") for s in w["jobs"]["regress"]["steps"]][2] == "make regress"' "$(block 2)"
	check ci_workflow_of_a_model_is_yaml python3 -c 'import sys, yaml; w = yaml.safe_load(sys.argv[1]); assert len(w["jobs"]["perplexity"]["steps"]) == 6' "$(block 1)"
else
	echo "skip ci_workflow_is_yaml: no python3 with yaml"
fi

# --- its commands for a model of one's own, from an empty folder: good, then worse ---
mkdir -p own/fotbench && cd own && ln -s "$fotbench" fotbench/fotbench && mkdir texts
"$make_checkpoint" model seed=1 || exit 1
for i in 1 2 3 4 5 6; do head -c 3000 "$root/LICENSE" | tail -c 2000 | tr a "$i" >"texts/$i.txt"; done
printf '%s' '{ "name": "own", "seed": 1, "models": [{ "path": "model", "memory": ["dense"] }], "tasks": [{ "task": "perplexity",
	"datasets": ["texts/"], "context_lengths": [32, 128], "target_tokens": 64 }] }' >my.json
PATH=$PWD/fotbench:$PATH
ends() { local want=$1 rc=0; shift; "$@" >out.txt 2>err.txt || rc=$?; [ $rc -eq "$want" ] || { echo "$rc: $(tail -n 2 err.txt)"; return 1; }; }
commands=$(awk '/^## Your model/ { on = 1 } on && /^```$/ { inside = !inside; if (!inside) exit; next } inside' "$root/docs/ci.md")
check ci_own_good bash -c "set -e; $(head -n 1 <<<"$commands" | sed 's/ *#.*//') -q >/dev/null; cd good; find . -mindepth 1 ! -name manifest.json ! -name perplexity.csv -delete"
check ci_own_good_is_two_files is "$(ls good | xargs)" 'manifest.json perplexity.csv'
check ci_own_same ends 0 bash -c "set -e; $(runs 1 | tail -n 2)"
rm -r new model && "$make_checkpoint" model seed=1 scale=3 only=lm_head
check ci_own_worse ends 3 bash -c "set -e; $(runs 1 | tail -n 2)"
check ci_own_annotated grep -q '^::error title=perplexity is worse::' out.txt
check ci_own_junit grep -q 'failures="2"' junit.xml
check ci_own_third_line ends 3 bash -c "$(tail -n 1 <<<"$commands")"
