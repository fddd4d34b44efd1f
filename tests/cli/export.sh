#!/usr/bin/env bash
# export: the data package of several runs, sample files, and the examples that read them.
. "$(dirname "$0")/common.bash"
make_rows=$root/build/$variant/tests/make_rows
is() { [ "$1" = "$2" ] || { echo "got $1, expected $2"; return 1; }; }

"$make_rows" a tasks=plfd && "$make_rows" b tasks=p trials=2 && mkdir other && cp -r b other/a || exit 1
cp b/summary.csv b.csv
check export_run bash -c '"$0" export a b other/a -o out >said 2>err || { cat err; exit 1; }' "$fotbench"
check export_says grep -qxE '[0-9]+ rows of 3 runs in 7 files' said
check export_files is "$(ls out | xargs)" 'datapackage.json distraction.csv fewshot.csv lookup.csv manifests.json passkey.csv summary.csv'
bundled() { # TASK RUN FOLDER: the rows of the run behind its name
	diff <(sed '1s/^/run,/; 2,$s|^|'"$2"',|' "$3/$1.csv") <(awk -F, -v run="$2" 'NR == 1 || $1 == run' "out/$1.csv")
}
for task in passkey lookup fewshot distraction summary; do check "export_${task}_rows" bundled $task a a; done
check export_rows_of_the_second bundled passkey b b
check export_rows_of_a_second_name bundled passkey other/a other/a
check export_manifests is "$(grep -c '"status": "complete"' out/manifests.json)" 3
exits export_refuses_what_is_there 2 'out: not empty \(datapackage.json\)' "$fotbench" export a -o out
exits export_overwrites 0 '' "$fotbench" export a b other/a -o out --overwrite
exits export_same_run_twice 2 'a: expected different runs' "$fotbench" export a a -o twice
ln -s a link
exits export_same_run_by_another_path 2 'link: expected different runs' "$fotbench" export a b link -o twice
exits export_into_a_run 2 'b: holds a run, whose tables would be replaced' bash -c '"$0" export a -o b --overwrite; c=$?; cmp b/summary.csv b.csv || exit 1; exit $c' "$fotbench"
spared() { exits "$1" 2 'b/summary.csv: is a file of a run' "$fotbench" "${@:2}"; }
spared export_compare_spares_runs compare a b -o b/summary.csv
spared export_junit_spares_runs compare a b --junit ./b/summary.csv
spared export_page_spares_runs report a --html=b/summary.csv
check export_spares_runs cmp b/summary.csv b.csv
cp -r b spare && mkdir -p spare/samples spare/plots && cp -r spare kept
for path in samples/passkey.jsonl samples/../LOCK plots/other.html LOCK; do
	exits "export_compare_spares_$path" 2 "spare/$path: is a file of a run" "$fotbench" compare a b -o "spare/$path"
done
exits export_compare_spares_from_within 2 '^error: compare: x.csv: is a file of a run' bash -c 'cd spare/samples && "$0" compare ../../a ../../b -o x.csv' "$fotbench"
check export_spared_all diff -r spare kept
exits export_compare_beside_a_run 0 '' "$fotbench" compare b b -o spare/compared.csv
check export_run_of_the_same_name_in_front bash -c '"$0" export other/a a -o front -q && [ "$(cut -d, -f1 front/summary.csv | sort -u | xargs)" = "./a a run" ]' "$fotbench"
exits export_no_run 5 'nowhere/manifest.json: cannot open' "$fotbench" export nowhere -o none
mkdir empty && cp a/manifest.json empty
exits export_no_rows 5 'empty: expected the rows of a run, found none' "$fotbench" export empty -o none
cp -r a broken && sed -i '3s/,paper,/,paper/' broken/passkey.csv
exits export_broken_rows 5 'broken/passkey.csv' "$fotbench" export broken -o none
check export_failures_write_nothing test ! -e none
exits export_cannot_write 6 'file' bash -c 'touch file; "$0" export a -o file/x' "$fotbench"

# --- a run with prompts, and rates ---
make_experiment
check export_perplexity_run "$fotbench" run spec.json --no-timings -q -t 1 -o ppl
cat >keys.json <<-'EOS'
	{ "models": [ { "path": "tok", "variant": "fot", "memory": ["dense", "knn:8"] } ],
	  "tasks": [ { "task": "passkey", "context_lengths": [512], "depths": [0, 1], "trials": 2 } ] }
EOS
"$make_checkpoint" tok vocab=2048 tokenizer=spm seed=1 && cp "$root/model/zoo/bpe-2k/tokenizer.model" tok/
check export_passkey_run "$fotbench" run keys.json --no-timings -q -t 1 -o keys
check export_samples_run bash -c '"$0" export ppl keys a -o logged --log-samples -q 2>err || { cat err; exit 1; }' "$fotbench"
check export_samples_of_keys is "$(ls logged | grep '^keys__' | sed 's/-[0-9a-f]*$//' | xargs)" 'keys__fot__dense keys__fot__knn_8'
check export_samples_name bash -c 'ls logged/keys__fot__dense | grep -qxE "samples_passkey_synthetic_512_paper_20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}-[0-9]{2}-[0-9]{2}\.000000\.jsonl"'
check export_samples_without_a_time test -f logged/a__fot__dense/samples_passkey_grass_2k_paper_undated.jsonl
check export_samples_line is "$(head -1 logged/a__fot__dense/samples_passkey_grass_2k_paper_undated.jsonl | sed 's/, "row": .*//')" \
	'{"doc_id": 0, "doc": {"dataset": "grass", "context_length": 2048, "depth": 0, "trial": 0, "seed": 1, "prompt_style": "paper", "key": 35609}, "target": "35609", "arguments": {"gen_args_0": {"arg_0": ""}}, "resps": [["right"]], "filtered_resps": ["right"], "filter": "none", "metrics": ["accuracy"], "accuracy": 1, "doc_hash": "'"$(printf '{"dataset": "grass", "context_length": 2048, "depth": 0, "trial": 0, "seed": 1, "prompt_style": "paper", "key": 35609}' | sha256sum | cut -d' ' -f1)"'", "prompt_hash": "'"$(printf '' | sha256sum | cut -d' ' -f1)"'", "target_hash": "'"$(printf 35609 | sha256sum | cut -d' ' -f1)"'"'
check export_failed_items_have_no_line bash -c '"$0" f tasks=p fail=3 trials=3 && "$1" export f -o failed --log-samples -q && [ "$(cat failed/f__*/*_2k_*.jsonl | wc -l)" -eq "$(awk -F, "\$8 == 2048 && \$21 == \"ok\"" f/passkey.csv | wc -l)" ]' "$make_rows" "$fotbench"
check export_their_numbers_stay_free bash -c 'cat failed/f__local__none/*_2k_*.jsonl | sed "s/^{\"doc_id\": \([0-9]*\),.*/\1/" | head -4 | xargs | grep -qx "0 1 3 4"'

# --- hostile names ---
hostile='../=a/"b"<c>:d'
"$make_rows" wild tasks=p trials=1 variant="$hostile"
check export_hostile bash -c '"$0" export wild -o tame --log-samples -q' "$fotbench"
check export_hostile_folder is "$(ls tame | grep wild__ | grep -v 'local\|vanilla' | head -1)" "wild___.__a__b__c__d-$(printf %s "$hostile" | sha256sum | cut -c1-8)__dense"
check export_hostile_stays_inside is "$(find . -newer tame/datapackage.json -name '*a*b*' | wc -l)" 0
check export_hostile_row grep -qF '"model_variant": "../=a/\"b\"<c>:d"' tame/*/samples_passkey_grass_2k_paper_undated.jsonl

long=$(printf 'n%.0s' $(seq 255))
"$make_rows" tall tasks=p trials=1 variant="$long" && sed -i "s/,passkey,grass,/,..\/..\/up,$long,/" tall/passkey.csv
check export_long_names bash -c '"$0" export tall -o "$1" --log-samples -q' "$fotbench" "tall out"
check export_long_name_is_cut test -d "tall out/tall__${long:0:60}-$(printf %s "$long" | sha256sum | cut -c1-8)__dense"
check export_task_is_not_from_the_file is "$(find . .. -maxdepth 1 -name 'up*' | wc -l)/$(ls "tall out"/tall__nnn*__dense | grep -c '^samples_passkey_n*-')" 0/4

# --- readers ---
cat >want.txt <<-'EOS'
	passkey b grass fot dense 2048 1.0000 12
	passkey b grass fot dense 8192 1.0000 12
EOS
if command -v python3 >/dev/null; then
	check export_package_is_true python3 - <<-'EOS'
		import csv, hashlib, json
		package = json.load(open("out/datapackage.json"))
		assert [r["path"] for r in package["resources"]] == ["passkey.csv", "fewshot.csv", "lookup.csv", "distraction.csv", "summary.csv"] or \
		    sorted(r["path"] for r in package["resources"]) == ["distraction.csv", "fewshot.csv", "lookup.csv", "passkey.csv", "summary.csv"]
		kinds = {"string": str, "integer": int, "number": float, "boolean": lambda text: {"0": False, "1": True}[text]}
		for r in package["resources"]:
		    data = open("out/" + r["path"], "rb").read()
		    assert len(data) == r["bytes"] and "sha256:" + hashlib.sha256(data).hexdigest() == r["hash"], r["path"]
		    rows = list(csv.reader(data.decode("utf-8").splitlines()))
		    assert rows[0] == [f["name"] for f in r["schema"]["fields"]], r["path"]
		    for row in rows[1:]:
		        for field, text in zip(r["schema"]["fields"], row):
		            text == "" or kinds[field["type"]](text)
	EOS
	check export_samples_agree_with_the_rows python3 - <<-'EOS'
		import csv, glob, json, math
		rows = [r for r in csv.DictReader(open("ppl/perplexity.csv")) if r["status"] == "ok" and r["model_variant"] == "fot" and r["memory"] == "dense" and r["context_length"] == "64"]
		lines = [json.loads(l) for l in open(glob.glob("logged/ppl__fot__dense/samples_perplexity_docs_64_*")[0])]
		assert len(rows) == len(lines) > 3
		for r, l in zip(rows, lines):
		    assert l["perplexity"] == [-float(r["nll_nats"]), int(r["n_tokens_scored"])] and l["bits_per_byte"][1] == int(r["n_bytes_scored"])
		    assert l["resps"] == [[str(-float(r["nll_nats"]))]] and l["doc"]["doc_id"] == r["doc_id"] and l["row"]["doc_sha256"] == r["doc_sha256"]
		    assert set(l) == {"doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics", "doc_hash", "prompt_hash", "target_hash", "row"} | set(l["metrics"])
		both = [[json.loads(l) for l in open(glob.glob(f"logged/keys__fot__{memory}*/*")[0])] for memory in ("dense", "knn")]
		assert len(both[0]) == 4 and [l["doc_hash"] for l in both[0]] == [l["doc_hash"] for l in both[1]]
		for l in both[0] + both[1]:
		    prompt = l["arguments"]["gen_args_0"]["arg_0"]
		    assert f"The pass key is {l['target']}" in prompt and prompt.endswith("What is the pass key? The pass key is"), prompt
		assert len({l["prompt_hash"] for l in both[0]}) == 4
	EOS
	check export_python_example bash -c 'python3 "$0/docs/examples/read_runs.py" out | grep "^passkey b grass fot dense [28]" >got.txt; diff want.txt got.txt' "$root"
	check export_python_perplexity is "$(python3 "$root/docs/examples/read_runs.py" logged | awk '$1 == "perplexity" && $4 == "fot" && $5 == "dense" && $6 == 64 { print $7 }')" \
		"$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } $(at["metric"]) == "perplexity" && $(at["model_variant"]) == "fot" && $(at["memory_mode"]) == "dense" && $(at["context_length"]) == 64 { printf "%.4f\n", $(at["value"]); exit }' ppl/summary.csv)"
else
	echo "skip export_readers: no python3"
fi
if command -v Rscript >/dev/null; then
	check export_r_example bash -c 'Rscript "$0/docs/examples/read_runs.R" out | grep "^passkey b grass fot dense [28]" | sed "s/ *$//" >got.txt; diff want.txt got.txt' "$root"
else
	echo "skip export_r_example: no Rscript"
fi
