#!/usr/bin/env bash
# Recipes whose steps go through several batches: what a step of one batch of that size does, threads, resume.
. "$(dirname "$0")/common.bash"

recipe() { # METHOD BATCH ACCUMULATE [MORE KEYS OF THE STAGE]
	cat <<EOS
{"name": "small", "variant": "fot", "seed": 3, "tokenizer": "byte",
 "model": {"vocab_size": 258, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 3,
  "num_attention_heads": 2, "max_position_embeddings": 32, "rope_theta": 100, "bos_token_id": 256,
  "eos_token_id": 257, "pad_token_id": 0, "mem_layers": [1], "mem_positionals": false,
  "mem_dtype": "float32", "fot": {"cut": "blocks", "qk_norm": true, "tokenizer": "byte"}},
 "datasets": [{"name": "text", "weight": 1}],
 "stages": [{"method": "$1", "steps": 6, "window": 32, "batch": $2, "accumulate": $3${4:-}, "lr": 0.003}],
 "validation": {"every": 3, "windows": 4, "memory": 2}, "checkpoint_every": 4}
EOS
}
mkdir -p text/train text/valid
for i in 1 2 3 4; do { echo "$i"; cat "$root"/base/*.c; } >"text/train/$i.txt"; done
cat "$root"/model/*.c >text/valid/1.txt
train() { "$fotbench" train "$1.json" -o "$2" --store store -q "${@:3}"; } # RECIPE OUT ARGS...
# Loss and norm of the gradient of every step, of A and B, agree to a part of 10^4.
near() {
	paste -d, <(cut -d, -f1,3,4,6 "$1/train.csv") <(cut -d, -f1,3,4,6 "$2/train.csv") | awk -F, '
		function off(a, b) { return a - b > 1e-4 * b || b - a > 1e-4 * b }
		NR > 1 { n++; bad += $1 != $5 || $2 != $6 || off($3, $7) || off($4, $8) }
		END { exit !(n == 6 && bad == 0) }'
}

recipe standard 8 1 >one.json
recipe standard 4 2 >two.json
recipe standard 1 8 >eight.json
sed 's/"accumulate": 1, //' one.json >without.json
for r in one two eight without; do check accumulate_${r}_runs train $r $r -t 1; done
check accumulate_1_is_none cmp one/model.safetensors without/model.safetensors
check accumulate_2_of_4_is_8 near two one
check accumulate_8_of_1_is_8 near eight one
recipe standard 4 1 >four.json
check accumulate_4_runs train four four -t 1
fewer() { ! near four one; } # the measure sees another batch
check accumulate_4_is_not_8 fewer
counted() { [ "$(tail -n 1 two/train.csv | cut -d, -f3)" = $((6 * 8 * 32)) ]; }
check accumulate_counts_tokens counted

recipe transformer-xl 8 1 ', "w": 2' >xl8.json
recipe transformer-xl 4 2 ', "w": 2' >xl4.json
check accumulate_xl_runs bash -c '"$0" train xl8.json -o xl8 --store store -q && "$0" train xl4.json -o xl4 --store store -q' "$fotbench"
check accumulate_xl_2_of_4_is_8 near xl4 xl8

recipe crossbatch 8 3 ', "pack": 4, "w": 3, "d": 2, "negatives": 2' >cross.json
rows() { cut -d, -f1-11 "$1/train.csv"; }
same() { cmp "$1/model.safetensors" "$2/model.safetensors" && [ "$(rows "$1")" = "$(rows "$2")" ] && cmp "$1/valid.csv" "$2/valid.csv"; }
check accumulate_cross_runs train cross c1 -t 1
threads() { for t in 2 16; do train cross "c$t" -t $t && same c1 "c$t" || return 1; done; }
check accumulate_same_bits_for_threads threads
resumed() { train cross half -t 2 --stop-after 2 && train cross half -t 1 --resume && same c1 half; }
check accumulate_resumed_same_bits resumed
train cross stopped -t 1 --stop-after 2
sed 's/"accumulate": 3/"accumulate": 2/' cross.json >other.json
exits accumulate_resume_of_the_other 2 'the first 2 steps differ in stages' "$fotbench" train other.json -o stopped --store store -q --resume
sed 's/"accumulate": 3/"accumulate": 0/' cross.json >other.json
exits accumulate_of_none 2 'accumulate: expected' "$fotbench" train other.json -o x --store store
sed 's/"accumulate": 3/"accumulate": 4096/; s/"batch": 8/"batch": 256/' cross.json >other.json
exits accumulate_of_too_many 2 'accumulate: expected at most 2032 batches of 258 windows, got 4096' "$fotbench" train other.json -o x --store store
grows() { # two parts take one array of parameters more, whatever the batch
	local one two
	one=$("$fotbench" train one.json --dry-run 2>&1 | grep -o 'about [0-9]* MiB') && two=$("$fotbench" train eight.json --dry-run 2>&1 | grep -o 'about [0-9]* MiB') &&
		[ "${two//[!0-9]/}" -le "${one//[!0-9]/}" ]
}
check accumulate_takes_no_more_memory grows
