#!/usr/bin/env bash
# Training with cached windows (Transformer-XL) and with LongLLaMA's rows: the same bits for any
# number of threads and after a stop; the models they make are read the way they were trained.
. "$(dirname "$0")/common.bash"
mkdir -p text/train text/valid held
for i in 1 2 3; do cat "$root"/base/*.c >text/train/$i.txt; done
cp "$root/model/config.c" text/valid/1.txt
cp "$root/model/session.c" held/session.txt
cp "$root/model/ops.c" held/ops.txt

# recipe NAME MEM_POSITIONALS CUT STAGES
recipe() {
	cat >"$1.json" <<EOR
{"name": "$1", "variant": "$1", "seed": 3, "tokenizer": "byte",
 "model": {"vocab_size": 258, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 3,
  "num_attention_heads": 2, "max_position_embeddings": 32, "last_context_length": 16, "rope_theta": 100,
  "bos_token_id": 256, "eos_token_id": 257, "pad_token_id": 0, "mem_layers": [1], "mem_positionals": $2,
  "mem_dtype": "float32", "fot": {"cut": "$3", "tokenizer": "byte"}},
 "datasets": [{"name": "$PWD/text", "weight": 1}],
 "stages": [{"method": "standard", "steps": 6, "window": 32, "batch": 6, "lr": 0.003}, $4],
 "validation": {"every": 8, "windows": 4, "memory": 2}, "checkpoint_every": 3}
EOR
}
recipe transformer-xl false blocks \
	'{"method": "transformer-xl", "steps": 8, "window": 32, "batch": 6, "w": 2, "lr": 0.003}'
recipe longllama true longllama \
	'{"method": "longllama", "steps": 8, "window": 32, "batch": 8, "pack": 4, "range": 6, "lr": 0.003}'
recipe longer false blocks '{"method": "standard", "steps": 8, "window": 96, "batch": 2, "lr": 0.003}'
sed -i 's/"max_position_embeddings": 32/"max_position_embeddings": 96/' longer.json

train() { "$fotbench" train "$1.json" -o "$2" --store store -q "${@:3}"; }
rows() { cut -d, -f1-11 "$1/train.csv"; }
same_run() { cmp "$1/model.safetensors" "$2/model.safetensors" && diff <(rows "$1") <(rows "$2"); }
for method in transformer-xl longllama; do
	check "layouts_${method}_trains" train $method $method -t 1
	train $method "$method.two" -t 2 --stop-after 9
	train $method "$method.two" -t 2 --resume
	check "layouts_${method}_same_bits" same_run $method "$method.two"
	method_named() { [ "$(grep -c ",$method,32," $method/train.csv)" = 8 ]; }
	check "layouts_${method}_in_train_csv" method_named
done
check layouts_longer_window_trains train longer longer -t 2

score() { # MODEL OUT ARGS...
	"$fotbench" perplexity -m "$1" -d ./held --target-tokens 256 --no-timings -q -o "$2" "${@:3}"
}
# nll OUT: memory mode, length, nll of the first document
nll() { grep ',ops' "$1/perplexity.csv" | cut -d, -f4,8,17; }
check layouts_xl_config grep -q '"cached_windows": 1' transformer-xl/config.json
check layouts_xl_scores score transformer-xl xl --context-lengths 32,64,96,128,256 -t 2
check layouts_xl_scores_plainly score transformer-xl xl.plain --context-lengths 32,64,96,128,256 -t 1 --no-skipping --no-sharing
check layouts_xl_same_bits cmp xl/perplexity.csv xl.plain/perplexity.csv
# Three layers feel three windows: 128 and 256 tokens of context are the same, less is not.
lengths() { [ "$(nll xl | cut -d, -f3 | sort -u | wc -l)" = 4 ] && [ "$(nll xl | tail -n 2 | cut -d, -f3 | uniq | wc -l)" = 1 ]; }
check layouts_xl_lengths lengths
check layouts_xl_by_name score transformer-xl xl.named --context-lengths 32,64,96,128,256 --memory xl
named() { diff <(nll xl) <(nll xl.named); }
check layouts_xl_by_name_same named
mode() { [ "$(cut -d, -f3,4 xl/perplexity.csv | tail -n +2 | sort -u)" = transformer-xl,xl ]; }
check layouts_xl_mode mode
exits layouts_xl_has_no_memory 2 'cached windows' score transformer-xl bad1 --context-lengths 64 --memory dense
exits layouts_xl_for_others 2 '"xl" is for models with cached windows' score longllama bad2 --context-lengths 64 --memory xl
check layouts_xl_generates "$fotbench" generate -m transformer-xl --text held/ops.txt --max-new 5
prints layouts_xl_inspect '^cached windows +1' "$fotbench" inspect transformer-xl

check layouts_longllama_scores score longllama ll --context-lengths 32,128 --memory none,dense
# A longer window for the same model: it is read with that window.
check layouts_longer_window_scores score longer long --context-lengths 96,192
stride() { [ "$(tail -n +2 long/perplexity.csv | cut -d, -f9 | sort -u)" = 96 ]; }
check layouts_longer_window_stride stride

refused() { # NAME PATTERN SED
	sed "$3" transformer-xl.json >refused.json
	exits "$1" 2 "$2" train refused refused
}
refused layouts_refuses_far '^error.*far: method "transformer-xl"' 's/"w": 2/"w": 2, "far": 0.5/'
refused layouts_refuses_range 'range and stepping belong' 's/"w": 2/"w": 2, "range": 3/'
refused layouts_refuses_words 'or longllama, got "xl"' 's/"method": "transformer-xl"/"method": "xl"/'
