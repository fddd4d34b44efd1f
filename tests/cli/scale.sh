#!/usr/bin/env bash
# mem_scale and mem_decay: from config.json, from flags and from a spec; what they may not change; refusals.
. "$(dirname "$0")/common.bash"
"$make_checkpoint" tiny seed=1 hidden=24 heads=2 layers=3 mem=1 window=32 || exit 1
cp -r tiny sharp && sed -i 's/"mix": /"mem_scale": 1.7, &/' sharp/config.json && cmp -s tiny/config.json sharp/config.json && exit 1
mkdir docs
head -c 300 "$root/LICENSE" >text.txt
for i in 1 2; do tail -c +$((i * 991)) "$root/LICENSE" | head -c 400 >"docs/d$i.txt"; done
read_with() { "$fotbench" perplexity --variant v -d ./docs --context-lengths 32,128 --target-tokens 64 --no-timings -q --memory "$@"; }
run() { read_with dense,knn:5 "$@"; }
# numbers DIR [LENGTH]: memory, length, document, nll
numbers() { awk -F, -v only="${2:-}" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
	only == "" || $at["context_length"] == only { print $at["memory_mode"], $at["context_length"], $at["doc_id"], $at["nll_nats"] }' "$1/perplexity.csv"; }
same() { diff <(numbers "$1" "${3:-}") <(numbers "$2" "${3:-}"); }

check scale_plain run -m tiny -o plain
check scale_of_config run -m sharp -o config
check scale_of_flag run -m tiny --mem-scale 1.7 -o flag
check scale_config_and_flag_agree same config flag
differs() { ! same "$@" >/dev/null; }
check scale_other_numbers differs plain flag 128
check scale_nothing_without_memory same plain flag 32
check scale_of_one_is_plain run -m sharp --mem-scale 1 -o one
check scale_one_instead_of_config same plain one
check scale_in_the_manifest grep -q '"mem_scale": 1.7' flag/manifest.json
check scale_without_sharing run -m tiny --mem-scale 1.7 --no-sharing --no-skipping -t 2 -o unshared
check scale_shared_or_not same flag unshared
check scale_decay run -m tiny --mem-decay 1 -o decay
check scale_decay_other_numbers differs plain decay 128
check scale_decay_nothing_without_memory same plain decay 32
check scale_decay_in_the_manifest grep -q '"mem_decay": 1' decay/manifest.json
check scale_decay_without_sharing run -m tiny --mem-decay 1 --no-sharing --no-skipping -t 2 -o undecayed
check scale_decay_shared_or_not same decay undecayed
check scale_no_decay run -m tiny --mem-decay 0 -o zero
check scale_no_decay_is_plain same plain zero
cat >spec.json <<-'EOS'
{ "name": "scales", "seed": 1,
  "models": [ { "path": "tiny", "variant": "plain", "memory": ["dense", "knn:5"] },
              { "path": "tiny", "variant": "sharp", "mem_scale": 1.7, "memory": ["dense", "knn:5"] } ],
  "tasks": [ { "task": "perplexity", "datasets": ["./docs"], "context_lengths": [32, 128], "target_tokens": 64 } ] }
EOS
check scale_spec "$fotbench" run spec.json --no-timings -q -o both
check scale_spec_as_flags bash -c 'diff <(grep -h ",sharp," both/perplexity.csv | cut -d, -f4-) <(grep ",v," flag/perplexity.csv | cut -d, -f4-)'
sed 's/"sharp"/"plain"/; s/1\.7/1/' spec.json >twice.json
exits scale_the_same_stands_twice 2 'the condition tiny/plain/dense stands twice; give the models different variants$' "$fotbench" validate twice.json
sed 's/1\.7/0/' spec.json >zero.json
exits scale_spec_zero 2 'mem_scale' "$fotbench" validate zero.json
exits scale_other_scale_is_another_run 2 'flag' run -m tiny --mem-scale 1.8 -o flag --resume

# Settings of one model are told apart by the column memory, without a variant.
# memories DIR: the cells of the column, each once, in the order of the rows
memories() { sed -n 's/"//g; 2,$s/^.*,[0-9a-f]\{64\},,,//; 2,$s/\(,[^,]*\)\{5\}$//p' "$1/perplexity.csv" | awk '!seen[$0]++' | paste -sd ' '; }
memories_are() { local want=$2; [ "$(memories "$1")" = "$want" ] || { memories "$1"; return 1; }; }
labels() { grep -o '"label": "[^"]*"' "$1/manifest.json" | cut -d'"' -f4 | paste -sd ' '; }
check scale_memory_of_flags memories_are flag 'dense,scale=1.7 knn:5,scale=1.7'
check scale_memory_is_the_models_own memories_are config 'dense knn:5'
check scale_memory_decay memories_are decay 'dense,decay=1 knn:5,decay=1'
sed 's/, "variant": "[a-z]*"//' spec.json >unnamed.json
check scale_without_a_variant "$fotbench" run unnamed.json --no-timings -q -o unnamed
check scale_told_apart_without_a_variant memories_are unnamed 'dense knn:5 dense,scale=1.7 knn:5,scale=1.7'
named() { [ "$(labels unnamed)" = 'tiny/tiny/dense/bf16 tiny/tiny/knn:5/bf16 tiny/tiny/dense,scale=1.7 tiny/tiny/knn:5,scale=1.7' ] || { labels unnamed; return 1; }; }
check scale_labels_say_it_without_a_variant named
both_labels() { [ "$(labels both)" = 'tiny/plain/dense/bf16 tiny/plain/knn:5/bf16 tiny/sharp/dense/bf16 tiny/sharp/knn:5/bf16' ] || { labels both; return 1; }; }
check scale_labels_with_variants_stay both_labels
check scale_memory_in_the_manifest bash -c 'tr -d " \n" <unnamed/manifest.json | grep -qF "\"memories\":[\"dense,scale=1.7\",\"knn:5,scale=1.7\"]" &&
	grep -q "\"memory\": \"knn:5,scale=1.7\"" unnamed/manifest.json'
# Two entries of one variant: the second has its whole memory in its label.
sed 's/"sharp"/"plain"/' spec.json >alike.json
check scale_one_variant "$fotbench" run alike.json --no-timings -q -o alike
check scale_told_apart_in_one_variant memories_are alike 'dense knn:5 dense,scale=1.7 knn:5,scale=1.7'
alike_labels() { [ "$(labels alike)" = 'tiny/plain/dense/bf16 tiny/plain/knn:5/bf16 tiny/plain/dense,scale=1.7 tiny/plain/knn:5,scale=1.7' ] || { labels alike; return 1; }; }
check scale_labels_in_one_variant alike_labels
# The same in one list, on the command line and in a spec.
check scale_options_in_a_list read_with dense,scale=1.7,knn:5,scale=1.7,none,knn:5,f32,layers=0+2,decay=0.5 -m tiny -o listed
check scale_options_in_a_list_are_told memories_are listed 'dense,scale=1.7 knn:5,scale=1.7 none knn:5,decay=0.5,f32,layers=0+2'
check scale_options_are_the_flags bash -c 'diff <(cut -d, -f4-17 flag/perplexity.csv) <(head -n 9 listed/perplexity.csv | cut -d, -f4-17)'
check scale_options_in_the_spec bash -c 'tr -d " \n" <listed/manifest.json | grep -qF "\"memory\":[{\"mode\":\"dense\",\"mem_scale\":1.7},{\"mode\":\"knn\",\"top_k\":5,\"mem_scale\":1.7},{\"mode\":\"none\"},{\"mode\":\"knn\",\"top_k\":5,\"mem_dtype\":\"f32\",\"mem_decay\":0.5,\"mem_layers\":[0,2]}]"'
check scale_spec_of_texts bash -c 'sed "s/\"models\": .*/\"models\": [ { \"path\": \"tiny\", \"variant\": \"v\", \"memory\": [\"dense,scale=1.7\", \"knn:5,scale=1.7\", \"none\", \"knn:5,f32,decay=0.5,layers=0+2\"] } ],/; /sharp/d; s/scales/perplexity/" spec.json >texts.json && "$0" run texts.json --no-timings -q -o texts && cmp texts/perplexity.csv listed/perplexity.csv' "$fotbench"
exits scale_memory_unknown_option 2 'memory.0.: "probe=3": expected a memory, or an option of the one before it: decay=X' read_with knn:5,probe=3 -m tiny -o x
exits scale_memory_option_of_none 2 'memory.0.: "decay=1": memory none stores nothing' read_with none,decay=1 -m tiny -o x
sed 's/"memory": .*/"memory": [{ "mode": "dense,scale=2", "mem_scale": 3 }] } ],/; /sharp/d' spec.json >said.json
exits scale_memory_option_twice 2 'mem_scale: mode has it too' "$fotbench" validate said.json
sed 's/1\.7, "memory": \["dense", "knn:5"\]/1.7, "memory": ["none"]/' spec.json >nothing.json
exits scale_needs_a_memory 2 'mem_scale: expected dense or knn' "$fotbench" validate nothing.json
sed 's/"mem_scale": 1\.7/"mem_decay": -1/' spec.json >negative.json
exits scale_decay_negative 2 'mem_decay' "$fotbench" validate negative.json
prints scale_help_has_no_default "default: the model's\)$" "$fotbench" perplexity --help
check scale_score bash -c '"$0" score --model tiny --mem-scale 1.7 --memory dense --text text.txt --out a.csv && "$0" score --model sharp --memory dense --text text.txt --out b.csv && cmp a.csv b.csv' "$fotbench"
check scale_score_differs bash -c '"$0" score --model tiny --memory dense --text text.txt --out c.csv && ! cmp -s a.csv c.csv' "$fotbench"
check scale_decay_score_differs bash -c '"$0" score --model tiny --mem-decay 1 --memory dense --text text.txt --out d.csv && ! cmp -s c.csv d.csv' "$fotbench"
# The same text for the commands that read given tokens; it goes before the flags.
scored() { "$fotbench" score --model tiny --text text.txt --out "$1" "${@:2}"; }
score_text() { scored e.csv --memory dense,scale=1.7 --mem-scale 9 && cmp a.csv e.csv; }
check scale_score_text score_text
score_settings() {
	scored f.csv --memory knn --top-k 5 --mem-dtype f32 --mem-decay 0.5 --mem-layers 0,2 && scored g.csv --memory knn:5,f32,decay=0.5,layers=0+2 &&
		cmp f.csv g.csv && ! cmp -s f.csv c.csv
}
check scale_score_all_settings score_settings
exits scale_score_xl 2 'memory "xl" is for models with cached windows' scored x.csv --memory xl
exits scale_score_unknown 2 '^error: score: --memory: "all": expected none, dense, knn, knn:K, xl, recent:B, sinks:S,recent:B, random:K, moba:B,K, quest:B,K, ivf:K,probe=P.*, infllm:B,K,R, shared:K, knorm:B, keydiff:B, snapkv:B, tova:B or model$' scored x.csv --memory all
exits scale_score_one_memory 2 'memory: "dense,knn": expected one memory' scored x.csv --memory dense,knn
prints scale_inspect '^reading with memory knn:5 in F32, 1 threads' "$fotbench" inspect tiny --memory knn:5,f32 -t 1
# What a memory says goes before what its model says for all; layers tell two entries of one model apart.
cat >layers.json <<-'EOS'
{ "models": [ { "path": "tiny", "memory": ["none", "dense", "dense,decay=2,scale=3"] },
              { "path": "tiny", "mem_layers": [0, 2], "mem_decay": 1, "memory": ["dense", "dense,decay=2", "knn:5,layers=1"] } ],
  "exclude": [ { "memory": "dense,decay=2,scale=3" } ],
  "tasks": [ { "task": "perplexity", "datasets": ["./docs"], "context_lengths": [128], "target_tokens": 64 } ] }
EOS
check scale_layers "$fotbench" run layers.json --no-timings -q -o layers
check scale_layers_and_exclusions memories_are layers 'none dense dense,decay=1,layers=0+2 dense,decay=2,layers=0+2 knn:5,decay=1'
exits scale_flag_zero 2 'mem-scale' run -m tiny --mem-scale 0 -o x
exits scale_bad_config 5 'mem_scale: expected a number' bash -c 'sed -i "s/: 1\.7/: -1/" sharp/config.json && "$0" inspect sharp' "$fotbench"
