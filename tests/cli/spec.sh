#!/usr/bin/env bash
# Exclusions, dry run with time, 500 cells, JSON on stdout.
. "$(dirname "$0")/common.bash"
make_experiment
exclude() { sed "s/\"seed\": 3,/\"seed\": 3, \"exclude\": [$1],/" spec.json >ex.json; }
items() { exclude "$2"; prints "$1" ", $3 items," "$fotbench" validate ex.json; } # NAME EXCLUSION ITEMS

items exclude_variant '{ "variant": "vanilla" }' 21
items exclude_variant_and_memory '{ "variant": "vanilla", "memory": "dense" }' 28
items exclude_any_top_k '{ "memory": "knn" }' 21
items exclude_one_top_k '{ "memory": "knn:8", "model": "tiny2" }' 28
items exclude_several '{ "variant": "local" }, { "model": "tiny2" }' 14
bad() { exclude "$2"; exits "$1" 2 "$3" "$fotbench" validate ex.json; } # NAME EXCLUSION PATTERN
bad exclude_that_matches_nothing '{ "variant": "fto" }' 'exclude\[0\] matches nothing'
bad exclude_everything '{ "dataset": "docs" }' 'everything is excluded'
bad exclude_unknown_key '{ "varant": "fot" }' 'varant.*variant'
bad exclude_no_key '{ }' 'exclude\[0\]: expected an object with model'
bad exclude_bad_memory '{ "memory": "knn:0" }' 'exclude.0.: "knn:0": expected 1 to 1048576 keys'

exclude '{ "variant": "vanilla", "memory": "dense" }'
run() { "$fotbench" run "$1" --no-timings -q -t 1 -o "$2"; }
check exclude_runs run ex.json part
check exclude_whole_runs run spec.json whole
rest() { diff <(cut -d, -f2- part/perplexity.csv) <(grep -v ',vanilla,dense,' whole/perplexity.csv | cut -d, -f2-); }
check exclude_changes_no_other_row rest
shards() {
	"$fotbench" run ex.json --no-timings -q -t 1 -o s1 --shard 1/2 && "$fotbench" run ex.json --no-timings -q -t 1 -o s2 --shard 2/2 &&
		"$fotbench" merge s1 s2 -o merged --no-timings -q && cmp part/perplexity.csv merged/perplexity.csv
}
check exclude_survives_merge shards

prints dry_run_tells_time 'time: about .* at [0-9.]+ GFLOP/s, as measured now with 1 thread on tiny' "$fotbench" run spec.json --dry-run -t 1
ks=$(seq -s, 1 49 | sed 's/\([0-9]*\)/"knn:\1"/g')
cat >many.json <<-EOS
{ "models": [ { "path": "tiny", "memory": ["dense", $ks] } ],
  "tasks": [ { "task": "perplexity", "datasets": ["./docs"], "context_lengths": [32, 64, 96, 128, 160, 192, 224, 256, 288, 320], "target_tokens": 512 } ] }
EOS
prints validate_500_cells ' 50 conditions' timeout 5 "$fotbench" validate many.json
prints dry_run_500_cells '^all \(memory: the most\)' timeout 5 "$fotbench" run many.json --dry-run -t 1

"$fotbench" run spec.json --overwrite --no-timings -t 1 -o whole --json >out.json 2>err
check run_json_is_json bash -c 'head -c 1 out.json | grep -q "{" && grep -q "\"status\": \"complete\"" out.json && ! grep -q "perplexity per token" out.json'
rows() { [ "$(grep -c '"metric":' out.json)" -eq "$(tail -n +2 whole/summary.csv | wc -l)" ]; }
check run_json_has_all_rows rows

# Labelled sets: an exclusion by dataset leaves synthetic prompts alone; sets of one name.
for d in a b; do
	mkdir "$d"
	for i in $(seq 40); do echo "{\"id\":\"$i\",\"text\":\"$d word $i\",\"label\":\"$((i % 2))\",\"split\":\"$([ "$i" -le 6 ] && echo test || echo train)\"}"; done >"$d/foo.jsonl"
done
few() { cat >few.json; }
few <<-EOS
{ "window": 128, "models": [ { "path": "tiny", "memory": ["none", "dense"] } ],
  "tasks": [ { "task": "passkey", "context_lengths": [512], "depths": [0], "trials": 1 },
             { "task": "fewshot", "datasets": ["a/foo.jsonl"], "context_lengths": [256], "shots": ["fill", 0], "demo_seeds": 1 } ],
  "exclude": [ { "dataset": "foo" } ] }
EOS
prints exclude_labelled_set_alone ', 2 items,' "$fotbench" validate few.json
sed -i 's/"shots": .*], "demo/"shots": ["-1"], "demo/' few.json
exits spec_negative_shots 2 'shots: expected numbers from 0 to 16777216, .* or "fill", got "-1"$' "$fotbench" validate few.json
sed -i 's/\["-1"\]/[0]/; s/"a\/foo.jsonl"/"a\/foo.jsonl", "b\/foo.jsonl"/; s/"exclude".*/"seed": 2 }/' few.json
exits spec_sets_of_one_name 2 'datasets a/foo.jsonl and b/foo.jsonl: expected different names, both are "foo"' "$fotbench" validate few.json
