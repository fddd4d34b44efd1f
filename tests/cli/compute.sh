#!/usr/bin/env bash
# --compute: what is said of it, what it changes and what not.
. "$(dirname "$0")/common.bash"
make_experiment
run() { "$fotbench" run "$1" --no-timings -q -t 1 -o "${@:2}"; }
column() { awk -F'"' -v OFS= '{ for (i = 2; i <= NF; i += 2) gsub(/,/, ";", $i); $1 = $1; print }' "$1" |
	awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "compute") c = i; next } { print $c }' | sort -u | tr '\n' ' '; }

check compute_f32_runs run spec.json plain
check compute_f32_said_runs run spec.json said --compute f32
check compute_f32_is_the_default cmp plain/perplexity.csv said/perplexity.csv
spec_hash() { grep -o '"spec_sha256": "[0-9a-f]*"' "$1/manifest.json"; }
check compute_f32_keeps_the_hash test "$(spec_hash plain)" = "$(spec_hash said)"
check compute_f32_is_empty_in_the_column test "$(column plain/perplexity.csv)" = " "
check compute_f32_in_the_manifest grep -qE '^\s*"compute": *"f32"' plain/manifest.json
check compute_f32_not_in_the_spec bash -c '[ "$(grep -c "\"compute\"" plain/manifest.json)" -eq 1 ]'

check compute_bf16_runs run spec.json narrow --compute bf16
check compute_bf16_in_the_column test "$(column narrow/perplexity.csv)" = "bf16 "
check compute_bf16_in_the_manifest bash -c '[ "$(grep -c "\"compute\": *\"bf16\"" narrow/manifest.json)" -eq 2 ] && grep -qE "\"bf16_kernel\": *\"(avx512_bf16|portable)\"" narrow/manifest.json'
check compute_bf16_has_another_hash test "$(spec_hash plain)" != "$(spec_hash narrow)"
check compute_bf16_has_another_run_id test "$(sed -n '2s/,.*//p' plain/perplexity.csv)" != "$(sed -n '2s/,.*//p' narrow/perplexity.csv)"
sed 's/"seed": 3,/"seed": 3, "compute": "bf16",/' spec.json >narrow.json
check compute_key_runs run narrow.json key
check compute_key_is_the_flag cmp narrow/perplexity.csv key/perplexity.csv
check compute_flag_over_key bash -c '"$0" run narrow.json --no-timings -q -t 1 -o over --compute f32 && cmp over/perplexity.csv plain/perplexity.csv' "$fotbench"
many() { for t in 2 16; do "$fotbench" run narrow.json --no-timings -q -t $t -o many$t && cmp many$t/perplexity.csv narrow/perplexity.csv || return 1; done; }
check compute_bf16_same_bits_for_threads many
shards() {
	"$fotbench" run narrow.json --no-timings -q -t 1 -o s1 --shard 1/2 && "$fotbench" run narrow.json --no-timings -q -t 2 -o s2 --shard 2/2 &&
		"$fotbench" merge s1 s2 -o merged --no-timings -q && cmp merged/perplexity.csv narrow/perplexity.csv
}
check compute_bf16_same_bits_for_shards shards
exits compute_resume_of_the_other 2 'compute' "$fotbench" run spec.json -q -o narrow --resume
said() { "$fotbench" compare plain narrow --margin 1 >out.txt; grep -q '; products in f32 there, in bf16 here$' out.txt; }
check compute_compare_says_so said
# Perplexities are 400 to 600; one part in a hundred is more than bf16 does to them.
near() { "$fotbench" compare plain narrow --margin 4 >out.txt && grep -q 'no regression' out.txt; }
check compute_bf16_is_near near

exits compute_unknown_word 2 'compute: expected one of f32, bf16, got "bf61"' "$fotbench" run spec.json -q -o x --compute bf61
sed -i 's/"bf16"/"f16"/' narrow.json
exits compute_unknown_word_of_a_spec 2 'compute: expected f32 or bf16, got "f16"; did you mean "bf16"\?' "$fotbench" validate narrow.json
exits compute_unknown_word_of_score 2 'compute' "$fotbench" score -m tiny --prompt x --out x.csv --compute int8

echo '[[256,72,101,108,108,111]]' >ids.json
score() { "$fotbench" score -m tiny --tokens ids.json --out "$@"; }
check compute_score_f32 score a.csv
check compute_score_f32_said score b.csv --compute f32
check compute_score_default cmp a.csv b.csv
check compute_score_bf16 score c.csv --compute bf16
check compute_score_differs bash -c '! cmp -s a.csv c.csv && cmp <(cut -d, -f1-4 a.csv) <(cut -d, -f1-4 c.csv)'
prints compute_generate '^\{"sequence":0,"tokens":\[' "$fotbench" generate -m tiny --tokens ids.json --max-new 4 --compute bf16
task() { "$fotbench" passkey -m tiny --window 64 --memory dense --context-lengths 256 --depths 0 --trials 1 -q --no-timings -o task --compute bf16 && [ "$(column task/passkey.csv)" = "bf16 " ]; }
check compute_flag_of_a_task task

# Training: the recipe's key and the flag, threads, resume.
cat >recipe.json <<EOS
{"name": "small", "variant": "fot", "seed": 3, "tokenizer": "byte",
 "model": {"vocab_size": 258, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 3,
  "num_attention_heads": 2, "max_position_embeddings": 32, "rope_theta": 100, "bos_token_id": 256,
  "eos_token_id": 257, "pad_token_id": 0, "mem_layers": [1], "mem_positionals": false,
  "mem_dtype": "float32", "fot": {"cut": "blocks", "qk_norm": true, "tokenizer": "byte"}},
 "datasets": [{"name": "text", "weight": 1}],
 "stages": [{"method": "crossbatch", "steps": 12, "window": 32, "batch": 8, "pack": 4, "w": 3, "d": 2, "lr": 0.003}],
 "validation": {"every": 6, "windows": 4, "memory": 2}, "checkpoint_every": 7}
EOS
mkdir -p text/train text/valid
for i in 1 2 3 4; do { echo "$i"; cat "$root"/base/*.c; } >"text/train/$i.txt"; done
cat "$root"/model/*.c >text/valid/1.txt
train() { "$fotbench" train "$1" -o "$2" --store store -q "${@:3}"; } # RECIPE OUT ARGS...
rows() { cut -d, -f1-11 "$1/train.csv"; }
check compute_train_f32 train recipe.json wide -t 1
check compute_train_f32_said bash -c '"$@" && cmp wide/model.safetensors wide2/model.safetensors && cmp recipe.json wide2/recipe.json' - "$fotbench" train recipe.json -o wide2 --store store -q -t 1 --compute f32
check compute_train_bf16 train recipe.json b1 -t 1 --compute bf16
check compute_train_bf16_differs bash -c '! cmp -s wide/model.safetensors b1/model.safetensors'
check compute_train_says_so_in_its_recipe grep -q '"compute": *"bf16"' b1/recipe.json
sed 's/"seed": 3/"seed": 3, "compute": "bf16"/' recipe.json >brain.json
threads() { for t in 2 16; do train brain.json b$t -t $t && cmp b1/model.safetensors b$t/model.safetensors && [ "$(rows b1)" = "$(rows b$t)" ] || return 1; done; }
check compute_train_bf16_same_bits_for_threads threads
check compute_train_written_recipe bash -c '"$@" && cmp b1/model.safetensors again/model.safetensors' - "$fotbench" train b1/recipe.json -o again --store store -q -t 2
resumed() { train brain.json half -t 2 --stop-after 5 && train recipe.json half -t 1 --resume --compute bf16 && cmp b1/model.safetensors half/model.safetensors && [ "$(rows b1)" = "$(rows half)" ]; }
check compute_train_bf16_resumed_same_bits resumed
train brain.json stopped -t 1 --stop-after 5
exits compute_train_resume_of_the_other 2 'the first 5 steps differ in compute$' "$fotbench" train recipe.json -o stopped --store store -q --resume
exits compute_train_unknown_word 2 'expected one of f32, bf16' "$fotbench" train recipe.json -o x --store store --compute fp16
sed -i 's/"bf16"/"fp16"/' brain.json
exits compute_train_unknown_word_of_a_recipe 2 'compute: expected f32 or bf16, got "fp16"' "$fotbench" train brain.json -o x --store store
last() { tail -n 1 "$1/train.csv" | cut -d, -f4; }
# Losses of 12 steps from 5.5 on; bf16 does not lead elsewhere.
check compute_train_losses_are_near awk "BEGIN { d = $(last wide) - $(last b1); exit !(d < 0.02 && d > -0.02) }"
