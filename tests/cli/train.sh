#!/bin/bash
# `fotbench train`: the same bits for any number of threads, after a stop, after
# kill -9, from another run's checkpoint; and bad recipes.
cd "$(dirname "$0")/../.." || exit 1
fotbench=$(readlink -f "${FOTBENCH:-./fotbench}")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fails=0
ok() { echo "ok $1"; }
bad() { echo "not ok $1: $2"; fails=$((fails + 1)); }

mkdir -p "$dir/text/train" "$dir/text/valid"
for i in 1 2 3 4; do { echo "$i"; cat base/*.c; } >"$dir/text/train/$i.txt"; done
cat model/*.c >"$dir/text/valid/1.txt"

recipe() { # NAME STEPS_OF_THE_LAST_STAGE
	cat >"$dir/$1.json" <<EOF
{"name": "$1", "variant": "fot", "seed": 3, "tokenizer": "byte",
 "model": {"vocab_size": 258, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 3,
  "num_attention_heads": 2, "max_position_embeddings": 32, "rope_theta": 100, "bos_token_id": 256,
  "eos_token_id": 257, "pad_token_id": 0, "mem_layers": [1], "mem_positionals": false,
  "mem_dtype": "float32", "fot": {"cut": "blocks", "qk_norm": true, "tokenizer": "byte"}},
 "datasets": [{"name": "$dir/text", "weight": 1}],
 "stages": [{"method": "standard", "steps": 10, "window": 32, "batch": 6, "lr": 0.003, "warmup": 4},
  {"method": "crossbatch", "steps": 10, "window": 32, "batch": 6, "w": 2, "d": 3, "negatives": 2,
   "far": 0.5, "lr": 0.003, "lr_end": 0.001},
  {"method": "crossbatch", "steps": $2, "window": 32, "batch": 8, "pack": 4, "w": 3, "d": 2, "lr": 0.001}],
 "validation": {"every": 12, "windows": 4, "memory": 2}, "checkpoint_every": 7, "save_dtype": "F32"}
EOF
}
recipe whole 12
recipe longer 16
train() { # RECIPE OUT ARGS...
	"$fotbench" train "$dir/$1.json" -o "$dir/$2" --store "$dir/store" -q "${@:3}" 2>"$dir/err"
}
same() { # NAME OUT_A OUT_B
	if cmp -s "$dir/$2/model.safetensors" "$dir/$3/model.safetensors"; then ok "$1"; else bad "$1" "weights differ"; fi
}
# The columns that do not depend on the clock.
rows() { cut -d, -f1-11 "$dir/$1/train.csv"; }

if train whole one -t 1; then ok train_runs; else bad train_runs "$(cat "$dir/err")"; fi
if [ "$(wc -l <"$dir/one/train.csv")" = 33 ] && [ "$(wc -l <"$dir/one/valid.csv")" = 10 ]; then
	ok train_csv_rows
else
	bad train_csv_rows "$(wc -l "$dir"/one/*.csv | tr '\n' ' ')"
fi
first=$(sed -n 2p "$dir/one/train.csv" | cut -d, -f4)
last=$(tail -n 1 "$dir/one/train.csv" | cut -d, -f4)
if awk "BEGIN { exit !($last < $first - 0.5) }"; then ok train_learns; else bad train_learns "$first to $last"; fi

train whole two -t 2
same train_threads_same_bits one two

# Over an old run of another seed that stopped at the same step.
recipe other 12 && sed -i 's/"seed": 3/"seed": 4/' "$dir/other.json"
train other over -t 2 --stop-after 5
train whole over -t 2 --overwrite --stop-after 5 && train whole over -t 2 --resume
same train_overwrites_a_checkpoint_of_the_same_step one over

# What a dry run looks for, it finds as the run does: a tokenizer by its path in the repository, from any folder.
(cd "$dir" && "$fotbench" train lm-fot -o dry --dry-run --store "$dir/store" 2>"$dir/err")
if grep -q "dataset 'books' is not installed" "$dir/err"; then ok train_dry_run_finds_files; else bad train_dry_run_finds_files "$(cat "$dir/err")"; fi

train whole stopped -t 2 --stop-after 13
half="$dir/stopped/checkpoint-13"
if [ "$(ls "$half" | tr '\n' ' ')" = "config.json model.safetensors moment1.safetensors moment2.safetensors " ] &&
	"$fotbench" perplexity -m "$half" -d "$dir/text" --split valid --memory dense --context-lengths 32,128 --target-tokens 256 \
		-o "$dir/half" -q --store "$dir/store" 2>"$dir/err" && [ "$(grep -c ',ok,' "$dir/half/perplexity.csv")" = 2 ]; then
	ok train_checkpoint_is_a_model
else
	bad train_checkpoint_is_a_model "$(ls "$half" | tr '\n' ' ') $(cat "$dir/err")"
fi
# A dry run needs no folder; training does.
"$fotbench" train "$dir/whole.json" --dry-run --store "$dir/store" >"$dir/told" 2>"$dir/err"
rc=$?
if [ $rc -eq 0 ] && grep -q '^whole: .* 32 steps, ' "$dir/err"; then ok train_dry_run; else bad train_dry_run "exit $rc: $(cat "$dir/err")"; fi
"$fotbench" train "$dir/whole.json" --store "$dir/store" 2>"$dir/err"
rc=$?
if [ $rc -eq 2 ] && grep -q 'output DIR is missing (or --dry-run)' "$dir/err"; then ok train_without_a_folder; else bad train_without_a_folder "exit $rc: $(cat "$dir/err")"; fi
# 13 steps in all: nothing more is done.
"$fotbench" train "$dir/whole.json" -o "$dir/stopped" --store "$dir/store" --resume --stop-after 13 --json >"$dir/told" 2>"$dir/err"
if grep -q 'nothing done: --stop-after counts from the run' "$dir/err" && [ "$(wc -l <"$dir/stopped/train.csv")" = 14 ]; then
	ok train_stop_after_is_a_total
else
	bad train_stop_after_is_a_total "$(cat "$dir/err")"
fi
"$fotbench" train "$dir/whole.json" -o "$dir/stopped" --store "$dir/store" --resume --stop-after 15 --json --progress off >"$dir/told" 2>"$dir/err"
if [ "$(cat "$dir/told")" = "{\"output\":\"$dir/stopped\",\"status\":\"partial\",\"steps\":15,\"steps_planned\":32}" ] &&
	grep -q "stopped at step 15 of 32, .*--resume goes on; the model so far: $dir/stopped/checkpoint-15" "$dir/err"; then
	ok train_says_where_it_stopped
else
	bad train_says_where_it_stopped "$(cat "$dir/told" "$dir/err")"
fi
# A checkpoint of an older program: weights alone, under another name.
mv "$dir/stopped/checkpoint-15/model.safetensors" "$dir/stopped/checkpoint-15/weights.safetensors"
rm "$dir/stopped/checkpoint-15/config.json"
train whole stopped -t 1 --resume
if [ ! -e "$dir/stopped/checkpoint-15" ] && [ -d "$dir/stopped/checkpoint-32" ]; then
	ok train_old_checkpoint_goes
else
	bad train_old_checkpoint_goes "$(ls "$dir/stopped")"
fi
same train_resumed_same_bits one stopped
if [ "$(rows one)" = "$(rows stopped)" ]; then ok train_resumed_csv; else bad train_resumed_csv "rows differ"; fi

# Killed again and again, at whatever point, then left alone.
for pause in 0.05 0.1 0.15 0.2 0.3; do
	"$fotbench" train "$dir/whole.json" -o "$dir/killed" --store "$dir/store" -q -t 1 --resume 2>/dev/null &
	sleep "$pause"
	kill -9 $! 2>/dev/null
	wait $! 2>/dev/null
done
train whole killed -t 2 --resume
same train_killed_same_bits one killed
if [ "$(rows one)" = "$(rows killed)" ]; then ok train_killed_csv; else bad train_killed_csv "rows differ"; fi

# Two recipes with the same beginning: one goes on from the other's checkpoint.
train whole part -t 2 --stop-after 25
train longer branch -t 2 --from "$dir/part"
train longer straight -t 1
same train_from_same_bits branch straight
if [ "$(rows branch)" = "$(rows straight)" ]; then ok train_from_csv; else bad train_from_csv "rows differ"; fi

# A generator in place of documents: the same promises.
cat >"$dir/lookup.json" <<EOF
{"name": "lookup", "seed": 3, "tokenizer": "none", "generator": {"kind": "lookup"},
 "model": {"vocab_size": 64, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 3,
  "num_attention_heads": 2, "max_position_embeddings": 40, "rope_theta": 100, "bos_token_id": null,
  "eos_token_id": null, "mem_layers": [1], "mem_positionals": false, "mem_dtype": "float32",
  "fot": {"cut": "blocks", "tokenizer": "none"}},
 "stages": [{"method": "standard", "steps": 6, "window": 40, "batch": 6, "lr": 0.003},
  {"method": "crossbatch", "steps": 8, "window": 40, "batch": 6, "w": 2, "d": 3, "negatives": 4, "lr": 0.003}],
 "validation": {"every": 7, "windows": 6}, "checkpoint_every": 3}
EOF
train lookup made -t 2
train lookup made_again -t 1 --stop-after 9 && train lookup made_again -t 2 --resume
same train_generator_same_bits made made_again
if [ "$(rows made)" = "$(rows made_again)" ]; then ok train_generator_csv; else bad train_generator_csv "rows differ"; fi
if tail -n 1 "$dir/made/valid.csv" | grep -qE '^14,3360,lookup,8,320,240,[0-9.]+,[0-9]+,[0-9.]+,[0-9.e-]+$'; then
	ok train_generator_valid
else
	bad train_generator_valid "$(tail -n 1 "$dir/made/valid.csv")"
fi
# Fine-tuning a model without gates: memorizing, then crossbatch, each with top-k and a gate.
cp -r "$dir/one" "$dir/model" && rm -rf "$dir/model/latest.json" "$dir/model"/checkpoint-*
cat >"$dir/tuned.json" <<EOF
{"name": "tuned", "variant": "memorizing", "seed": 4, "tokenizer": "byte",
 "model": {"vocab_size": 258, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 3,
  "num_attention_heads": 2, "max_position_embeddings": 32, "rope_theta": 100, "bos_token_id": 256,
  "eos_token_id": 257, "pad_token_id": 0, "mem_layers": [1], "mem_positionals": false,
  "mem_dtype": "float32", "fot": {"cut": "blocks", "qk_norm": true, "mix": "gate", "tokenizer": "byte"}},
 "datasets": [{"name": "$dir/text", "weight": 1}], "init": {"from": "$dir/model"},
 "stages": [{"method": "memorizing", "steps": 5, "window": 32, "batch": 6, "w": 3, "top_k": 8, "lr": 0.001},
  {"method": "crossbatch", "steps": 5, "window": 32, "batch": 6, "w": 2, "d": 3, "negatives": 2, "top_k": 8, "lr": 0.001}],
 "validation": {"every": 5, "windows": 4, "memory": 2}, "checkpoint_every": 3, "save_dtype": "F32"}
EOF
train tuned tuned -t 1
train tuned tuned_again -t 2 --stop-after 4 && train tuned tuned_again -t 1 --resume
same train_tuned_same_bits tuned tuned_again
if [ "$(rows tuned)" = "$(rows tuned_again)" ]; then ok train_tuned_csv; else bad train_tuned_csv "rows differ"; fi
tuned=$(sed -n 2p "$dir/tuned/train.csv" | cut -d, -f4,7)
last=$(tail -n 1 "$dir/one/train.csv" | cut -d, -f4)
if awk "BEGIN { exit !(${tuned%,*} < $last + 0.5) }" && [ "${tuned#*,}" = memorizing ]; then
	ok train_tuned_starts_where_it_should
else
	bad train_tuned_starts_where_it_should "$tuned behind $last: $(cat "$dir/err")"
fi
sed 's/, "init": {[^}]*}//' "$dir/tuned.json" >"$dir/plain.json"
train plain tuned_from -t 2 --from "$dir/model"
same train_from_a_model_same_bits tuned tuned_from
"$fotbench" score --model "$dir/tuned" --text model/search.c --out "$dir/gated.csv" --memory dense 2>"$dir/err"
if [ "$(wc -l <"$dir/gated.csv")" -gt 500 ]; then ok train_tuned_scores; else bad train_tuned_scores "$(cat "$dir/err")"; fi

# On from the weights of a model; and episodes, in pieces of a SentencePiece model.
sed 's|"stages"|"init": {"from": "'"$dir"'/one"}, "stages"|; s|"lr": 0.003, "warmup": 4|"lr": 1e-9|' "$dir/whole.json" >"$dir/on.json"
train on on -t 1 --stop-after 1
now=$(sed -n 2p "$dir/on/train.csv" | cut -d, -f4)
if awk "BEGIN { exit !($now < $first - 0.5) }"; then ok train_starts_from_weights; else bad train_starts_from_weights "$first to $now"; fi
sed 's|"tokenizer": "byte",$|"tokenizer": "model/zoo/bpe-2k/tokenizer.model",|
	s|"tokenizer": "byte"}|"tokenizer": "spm"}|
	s|"vocab_size": 258|"vocab_size": 2048|
	s|"bos_token_id": 256|"bos_token_id": 1|
	s|"eos_token_id": 257|"eos_token_id": 2|
	s|, "far": 0.5||; s|"far": 0.5,||; s|"w": 2, "d": 3|"w": 2, "d": 2|
	s|"stages"|"generator": {"kind": "episodes", "words": 0.6, "frames": 0.5, "parts": 2, "text": false, "clip": 30, "classes_max": 4}, "stages"|' \
	"$dir/whole.json" >"$dir/episodes.json"
train episodes made_up -t 2
train episodes made_up_again -t 1 --stop-after 9
if [ -f "$dir/made_up_again/checkpoint-9/tokenizer.model" ]; then ok train_checkpoint_has_its_tokenizer; else bad train_checkpoint_has_its_tokenizer "none"; fi
train episodes made_up_again -t 2 --resume
same train_episodes_same_bits made_up made_up_again
if [ "$(rows made_up)" = "$(rows made_up_again)" ]; then ok train_episodes_csv; else bad train_episodes_csv "rows differ"; fi
# A folder of an earlier version: train.csv without its last column, no labels.csv.
train episodes earlier -t 2 --stop-after 9
rm "$dir/earlier/labels.csv" && cut -d, -f1-16 "$dir/earlier/train.csv" >"$dir/cut.csv" && cp "$dir/cut.csv" "$dir/earlier/train.csv"
train episodes earlier -t 2 --resume
columns="$(awk -F, '{ print NF }' "$dir/earlier/train.csv" | sort -u)"
if [ "$columns" = 17 ] && [ "$(rows earlier)" = "$(rows made_up)" ] && cmp -s <(head -1 "$dir/earlier/train.csv") <(head -1 "$dir/made_up/train.csv") &&
	cmp -s <(head -1 "$dir/earlier/labels.csv") <(head -1 "$dir/made_up/labels.csv"); then
	ok train_resumes_an_earlier_version
else
	bad train_resumes_an_earlier_version "columns $columns; $(cat "$dir/err")"
fi
train episodes strange -t 2 --stop-after 9
sed -i '1s/stage/phase/' "$dir/strange/train.csv"
train episodes strange -t 2 --resume
code=$?
if [ $code = 5 ] && grep -q 'strange/train.csv: expected the columns step,stage,.*, got step,phase,' "$dir/err"; then
	ok train_resume_of_other_columns
else
	bad train_resume_of_other_columns "exit $code: $(cat "$dir/err")"
fi

sed 's/{"kind": "lookup"}/{"kind": "lookup", "mixed": 0.1}/' "$dir/lookup.json" >"$dir/mixed.json"
sed 's/"mixed"/"mixd"/' "$dir/mixed.json" >"$dir/mixd.json"

expect() { # NAME CODE FRAGMENT RECIPE OUT ARGS...
	train "$4" "$5" "${@:6}"
	code=$?
	if [ $code != "$2" ]; then
		bad "$1" "exit $code, expected $2: $(cat "$dir/err")"
	elif ! grep -q -- "$3" "$dir/err" || [ "$(grep -vc '^warning' "$dir/err")" != 1 ]; then
		bad "$1" "$(cat "$dir/err")"
	else
		ok "$1"
	fi
}
expect train_refuses_old_output 2 "give --resume or --overwrite" whole one
sed 's/"lr": 0.003, "warmup": 4/"lr": 0.002, "warmup": 4/' "$dir/whole.json" >"$dir/other.json"
expect train_refuses_other_recipe 2 "differ in stages" other stopped --resume
sed 's/"batch": 6, "w": 2/"batch": 2, "w": 2/' "$dir/whole.json" >"$dir/wide.json"
expect train_refuses_d_over_batch 2 "stages\[1\]: d: expected at most batch" wide bad1
sed 's/"negatives"/"negativs"/' "$dir/whole.json" >"$dir/typo.json"
expect train_names_nearest_key 2 "negatives" typo bad2
sed 's/"window": 32, "batch": 6, "w"/"window": 99999, "batch": 6, "w"/' "$dir/whole.json" >"$dir/long.json"
expect train_refuses_short_documents 5 "no document of" long bad3 --stop-after 11
sed "s|$dir/text|$dir/nowhere|" "$dir/whole.json" >"$dir/absent.json"
expect train_refuses_missing_data 5 "nowhere" absent bad4
sed 's/"num_attention_heads": 2/"num_attention_heads": 4/' "$dir/plain.json" >"$dir/heads.json"
expect train_refuses_other_heads 5 "expected 4 heads" heads bad6 --from "$dir/model"
# The hash of the weights to start from.
hash=$(sha256sum "$dir/model/model.safetensors" | cut -d' ' -f1)
sed "s|\"from\": \"$dir/model\"|&, \"sha256\": \"$hash\"|" "$dir/tuned.json" >"$dir/hashed.json"
train hashed hashed -t 2
same train_from_the_hashed_model_same_bits tuned hashed
sed "s|$hash|99${hash:2}|" "$dir/hashed.json" >"$dir/unhashed.json"
expect train_refuses_other_weights 5 "model/model.safetensors: sha256: expected 9" unhashed bad8
expect train_refuses_start_at_nothing 5 "no checkpoint and no model" plain bad7 --from "$dir/text"
sed 's|"parts": 2|"parts": 9|' "$dir/episodes.json" >"$dir/parts.json"
expect train_refuses_many_parts 2 "parts" parts bad9
sed 's|"lr": 1e-9|"lr": 2e-9|; s|/one"|/two"|' "$dir/on.json" >"$dir/start.json"
expect train_refuses_other_start 2 "differ in seed, init" start on --resume
expect train_refuses_other_generator 2 "differ in generator" mixed made_again --resume
expect train_names_nearest_generator_key 2 "mixed" mixd bad5
exit $fails
