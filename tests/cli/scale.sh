#!/usr/bin/env bash
# mem_scale: from config.json, from flags and from a spec; what it may not change; refusals.
. "$(dirname "$0")/common.bash"
"$make_checkpoint" tiny seed=1 hidden=24 heads=2 layers=3 mem=1 window=32 || exit 1
cp -r tiny sharp && sed -i 's/"mem_scale": 1,/"mem_scale": 1.7,/' sharp/config.json
mkdir docs
for i in 1 2; do tail -c +$((i * 991)) "$root/LICENSE" | head -c 400 >"docs/d$i.txt"; done
run() { "$fotbench" perplexity -d ./docs --context-lengths 32,128 --target-tokens 64 --memory dense,knn:5 --variant v --no-timings -q "$@"; }
# numbers DIR [LENGTH]: memory, length, document, nll
numbers() { awk -F, -v only="${2:-}" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
	only == "" || $at["context_length"] == only { print $at["memory_mode"], $at["context_length"], $at["doc_id"], $at["nll_nats"] }' "$1/perplexity.csv"; }
same() { diff <(numbers "$1" "${3:-}") <(numbers "$2" "${3:-}"); }

check scale_plain run -m tiny -o plain
check scale_of_config run -m sharp -o config
check scale_of_flag run -m tiny --mem-scale 1.7 -o flag
check scale_config_and_flag_agree same config flag
check scale_other_numbers bash -c '! "$@"' - diff -q plain/perplexity.csv flag/perplexity.csv
check scale_nothing_without_memory same plain flag 32
check scale_of_one_is_plain run -m sharp --mem-scale 1 -o one
check scale_one_instead_of_config same plain one
check scale_in_the_manifest grep -q '"mem_scale": 1.7' flag/manifest.json
check scale_without_sharing run -m tiny --mem-scale 1.7 --no-sharing --no-skipping -t 2 -o unshared
check scale_shared_or_not same flag unshared
cat >spec.json <<-'EOS'
{ "name": "scales", "seed": 1,
  "models": [ { "path": "tiny", "variant": "plain", "memory": ["dense", "knn:5"] },
              { "path": "tiny", "variant": "sharp", "mem_scale": 1.7, "memory": ["dense", "knn:5"] } ],
  "tasks": [ { "task": "perplexity", "datasets": ["./docs"], "context_lengths": [32, 128], "target_tokens": 64 } ] }
EOS
check scale_spec "$fotbench" run spec.json --no-timings -q -o both
check scale_spec_as_flags bash -c 'diff <(grep -h ",sharp," both/perplexity.csv | cut -d, -f4-) <(grep ",v," flag/perplexity.csv | cut -d, -f4-)'
sed 's/"sharp"/"plain"/' spec.json >twice.json
exits scale_variants_must_differ 2 'stands twice; give the models different variants' "$fotbench" validate twice.json
sed 's/1\.7/0/' spec.json >zero.json
exits scale_spec_zero 2 'mem_scale' "$fotbench" validate zero.json
exits scale_flag_zero 2 'mem-scale' run -m tiny --mem-scale 0 -o x
exits scale_bad_config 5 'mem_scale: expected a number' bash -c 'sed -i "s/1\.7/-1/" sharp/config.json && "$0" inspect sharp' "$fotbench"
