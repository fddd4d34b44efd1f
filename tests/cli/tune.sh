#!/usr/bin/env bash
# Fine-tuning a checkpoint of each family as its authors save it (config.json, safetensors, tokenizer.json): the recipe
# says what differs, the result is a checkpoint of that family, the same bits for any threads and after a stop.
. "$(dirname "$0")/common.bash"
make() { # FAMILY TOKENIZER KEY=VALUE...
	"$make_checkpoint" "$1" family="$1" blocks=0 qknorm=0 positionals=1 mem=none window=64 vocab=1200 tokenizer=spm "${@:3}" || exit 1
	cp "$root/tests/tokenizers/$2.json" "$1/tokenizer.json" || exit 1
	# Only what these families' own files say.
	sed -i '/^  "fot": {/,$d; /^  "mem_/d; /^  "last_context_length"/d; $d' "$1/config.json"
	echo '  "torch_dtype": "float32" }' >>"$1/config.json"
}
make longllama metaspace dtype=BF16
make llama llama3 heads=4 kv=2 dim=12 bias=1 rope=llama3 tied=1 shards=2
make mistral llama2 heads=4 kv=2 slide=8
make qwen2 qwen kv=1 tied=1 rope=yarn dtype=BF16
make qwen3 qwen heads=4 kv=2 dim=12 bias=1 slide=16
make smollm3 smollm kv=1 tied=1 norope=1
make olmo2 tekken heads=4 kv=2 bias=1
sed -i 's/"mem_layers": \[[0-9]*\],//' longllama/config.json

mkdir -p texts/train texts/valid
for i in 1 2 3; do head -c 9000 "$root/LICENSE" | tail -c $((6000 + i)) >texts/train/$i.txt; done
tail -c 4000 "$root/LICENSE" >texts/valid/1.txt
recipe() { # NAME MODEL RATE REST
	cat >"$1.json" <<-JSON
	{"name": "$1", "variant": "fot", "seed": 3, "model": {"mem_layers": [1], "mem_dtype": "float32"},
	 "datasets": [{"name": "texts", "weight": 1}], "init": {"from": "$2"},
	 "stages": [{"method": "crossbatch", "steps": 4, "window": 32, "batch": 4, "w": 2, "d": 2, "lr": $3},
	            {"method": "crossbatch", "steps": 2, "window": 32, "batch": 4, "w": 2, "d": 2, "top_k": 4, "lr": $3},
	            {"method": "memorizing", "steps": 1, "window": 32, "batch": 2, "w": 2, "top_k": 8, "lr": $3},
	            {"method": "standard", "steps": 1, "window": 64, "batch": 2, "lr": $3}],
	 "validation": {"every": 4, "windows": 4, "memory": 2}}
	JSON
}
tensors() { cat "$1"/*.safetensors | tr -c '[:print:]' '\n' | grep -o '"[a-z0-9_.]*\.\(weight\|bias\)":{' | sort; }
key() { grep -o "\"$2\": [^,}]*" "$1/config.json"; }

seq -s, 1 100 | sed 's/^/[[/; s/$/]]/' >ids.json
for f in longllama llama mistral qwen2 qwen3 smollm3 olmo2; do
	recipe "$f-tuned" "$f" 0.01
	recipe "$f-kept" "$f" 0
	check "tune_$f" "$fotbench" train "$f-tuned.json" -o "$f.1" -q -t 1
	check "tune_learns_$f" awk -F, 'NR == 2 { first = $4 } NR == 5 { last = $4 } END { exit !(last < first - 0.05) }' "$f.1/train.csv"
	check "tune_same_bits_$f" bash -c '"$0" train $1-tuned.json -o $1.2 -q -t 2 --stop-after 3 && "$0" train $1-tuned.json -o $1.2 -q -t 1 --resume &&
		cmp $1.1/model.safetensors $1.2/model.safetensors && cmp $1.1/valid.csv $1.2/valid.csv' "$fotbench" "$f"
	check "tune_tensors_$f" bash -c "$(declare -f tensors); tensors $f >a; tensors $f.1 >b; [ \$(wc -l <a) -gt 20 ] && diff a b"
	check "tune_tokenizer_$f" cmp "$f/tokenizer.json" "$f.1/tokenizer.json"
	for k in model_type num_key_value_heads head_dim attention_bias sliding_window rope_type no_rope_layers tie_word_embeddings max_position_embeddings; do
		if [ "$(key "$f" "$k")" = "$(key "$f.1" "$k")" ]; then ok "tune_config_${f}_$k"; else not_ok "tune_config_${f}_$k" "$(key "$f.1" "$k")"; fi
	done
	check "tune_memory_$f" "$fotbench" perplexity -m "$f.1" -d texts --split valid --window 32 --context-lengths 32,128 --memory none,dense,knn:8 -o "perp_$f" -q
	check "tune_memory_rows_$f" bash -c '[ $(grep -c ",ok," "perp_'"$f"'/perplexity.csv") = 6 ]'
	# Nothing learnt: the model that it started from, to the bit.
	check "tune_kept_$f" bash -c '"$0" train $1-kept.json -o $1.0 -q -t 2 &&
		"$0" score -m $1 --tokens ids.json --memory none --out a.csv && "$0" score -m $1.0 --tokens ids.json --memory none --out b.csv && cmp a.csv b.csv' "$fotbench" "$f"
done

# The model that is started from may be given by the command too.
sed 's/"init": [^}]*},//' qwen3-tuned.json >open.json
check tune_from bash -c '"$0" train open.json -o from -q --from qwen3 && cmp from/model.safetensors qwen3.1/model.safetensors' "$fotbench"
exits tune_without_a_model 2 'open.json: model: hidden_size: missing, expected it, or init.from or --from DIR, whose model this is' \
	"$fotbench" train open.json -o none -q
# The recipe that is shipped for it, in small.
"$make_checkpoint" deep family=llama layers=9 kv=1 window=64 vocab=1200 blocks=0 qknorm=0 positionals=1 mem=none tokenizer=spm dtype=BF16 &&
	cp "$root/tests/tokenizers/llama3.json" deep/tokenizer.json
sed 's/"books"/"texts"/; s/"steps": 200/"steps": 1/; s/"window": 512/"window": 32/; s/"warmup": 10/"warmup": 0/' \
	"$root/model/train/recipes/fine-tune.json" >mine.json
check tune_by_the_shipped_recipe "$fotbench" train mine.json --from deep -o deeper -q
prints tune_its_memory_layers '^memory layers +8$' "$fotbench" inspect deeper
check tune_its_dtype bash -c 'head -c 2000 deeper/model.safetensors | grep -q "\"dtype\":\"BF16\""'

# What the model has is not left out in silence.
whole='"vocab_size": 1200, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 2'
sed "s|\"model\": {|&$whole, \"num_key_value_heads\": 1, \"model_type\": \"llama\", \"tie_word_embeddings\": true, |
	s|\"datasets\"|\"tokenizer\": \"qwen2/tokenizer.json\", &|" qwen2-tuned.json >less.json
exits tune_refuses_less 5 'qwen2: model.layers.0.self_attn.q_proj.bias: the model to be trained has no such tensor: expected a config that has all of qwen2' \
	"$fotbench" train less.json -o less -q
sed 's/"model": {/&"rope_theta": 5, /' qwen2-tuned.json >theta.json
sed -i 's/"rope_theta": \([0-9.e+]*\)/"rope_parameters": {"rope_theta": \1, "rope_type": "default"}/; /"rope_scaling"/d' qwen2/config.json
exits tune_refuses_two_ropes 2 'theta.json: model: rope_theta: expected rope_parameters, which qwen2/config.json has' \
	"$fotbench" train theta.json -o theta -q
rm qwen2/tokenizer.json
exits tune_without_a_tokenizer 5 'qwen2: no tokenizer: expected tokenizer.model or tokenizer.json' "$fotbench" train qwen2-tuned.json -o none -q
