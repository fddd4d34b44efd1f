#!/usr/bin/env bash
# inspect: what a model is, and what reading with it takes.
. "$(dirname "$0")/common.bash"
"$make_checkpoint" tiny || exit 1
prints inspect_model '^parameters +42854$' "$fotbench" inspect tiny
prints inspect_tensors '^model.layers.1.self_attn.q_proj.weight +F32 +\[32, 32\]$' "$fotbench" inspect tiny --tensors
prints inspect_stored '^stored +33 tensors F32 +0\.2 MiB$' "$fotbench" inspect tiny
prints inspect_file '^file +model.safetensors [0-9]+ bytes$' "$fotbench" inspect tiny
prints inspect_hash "^file +config.json [0-9]+ bytes $(sha256sum tiny/config.json | cut -c1-64)\$" "$fotbench" inspect tiny --hash
prints inspect_round_trip '^probe +comes back unchanged$' "$fotbench" inspect tiny
prints inspect_probe '^probe +44 tokens: 32 32 84 104 101 32 32 99 97 102 195 169 44 10 9 105 102 ' "$fotbench" inspect tiny
prints inspect_tokenizer '^tokenizer +bytes, 258 tokens$' "$fotbench" inspect tiny
prints inspect_family '^family +longllama$' "$fotbench" inspect tiny
prints inspect_default_lengths '^ +262144 ' "$fotbench" inspect tiny
# Every kind of memory it can have; keys and values: layers x 2 x width x entries x bytes (the last window is not in it).
check inspect_kinds bash -c '[ "$("$0" inspect tiny --context-lengths 2k,8k | sed -n "s/^reading with memory \([^ ,]*\).*/\1/p" | tr "\n" " ")" = "none dense knn:8 " ]' "$fotbench"
check inspect_memory_bytes bash -c '"$0" inspect tiny --memory dense,f32 --window 32 --json --context-lengths 8k | tr -d " \t\n" | grep -q "\"memory_bytes\":$((1 * 2 * 32 * (8192 - 32) * 4))[,}]"' "$fotbench"
prints inspect_lengths '^ +8192 +[0-9.]+ ' "$fotbench" inspect tiny --context-lengths 2k-8k*2
prints inspect_knn '^reading with memory knn:4 in F32, 2 threads' "$fotbench" inspect tiny --memory knn --top-k 4 --mem-dtype f32 -t 2
prints inspect_too_large 'more memory than this machine has' "$fotbench" inspect tiny --context-lengths 16384M
prints inspect_checks_weights 'all finite, no constant matrix' "$fotbench" inspect tiny --check-weights
prints inspect_by_option '^parameters +42854$' "$fotbench" inspect -m tiny
"$fotbench" inspect tiny --json --context-lengths 2k,8k --tensors >i.json
check inspect_json bash -c 'tr -d " \t\n" <i.json | grep -q "^{\"model\":\"tiny\",\"parameters\":42854,\"weight_bytes\":171416,\"config\":{" &&
	[ "$(grep -c "\"shape\":" i.json)" = 33 ] && [ "$(grep -c "\"peak_bytes\":" i.json)" = 2 ]'
exits inspect_bad_lengths 2 'context-lengths: expected such as' "$fotbench" inspect tiny --context-lengths 8k-2k

# The work of a prompt in one window is that of its tokens: 2 flop a weight and token, 4 a pair and layer.
"$make_checkpoint" plain blocks=0 qknorm=0 mem=none tokenizer=none vocab=1000 hidden=64 heads=2 mlp=128 layers=2 window=64 last=64
prints inspect_work '^ +64 +[0-9.]+ +1\.974e-05 +1\.974e-05 ' "$fotbench" inspect plain --context-lengths 64

# What is foretold is what it takes, within a tenth.
peak() { # NAME TOKENS MODEL MODE
	local foretold taken
	foretold=$("$fotbench" inspect "$3" --memory "$4" -t 2 --context-lengths "$2" | awk -v n="$2" '$1 == n { print $2 }')
	seq -s, 1 "$2" | awk -F, '{ printf "[["; for (i = 1; i <= NF; i++) printf "%s%d", (i > 1 ? "," : ""), ($i * 7919) % 4000; print "]]" }' >"$1.json"
	taken=$("$fotbench" score -m "$3" --memory "$4" -t 2 --tokens "$1.json" --out "$1.csv" 2>&1 | sed -n 's/.*peak memory \([0-9]*\) MiB.*/\1/p')
	if awk -v a="$foretold" -v b="$taken" 'BEGIN { exit !(a > 0 && b > 0 && a < b * 1.1 && b < a * 1.1) }'; then
		ok "$1"
	else
		not_ok "$1" "foretold $foretold MiB, took $taken"
	fi
}
case $variant in
release)
	"$make_checkpoint" middle blocks=0 qknorm=0 positionals=1 mem=2 tokenizer=none vocab=4000 hidden=320 heads=5 mlp=864 layers=5 window=256 last=128 dtype=BF16
	peak inspect_peak_of_many_windows 1400 middle dense
	peak inspect_peak_of_one_window 120 middle none
	# The same of a dry run.
	"$make_checkpoint" read blocks=1 qknorm=0 mem=2 vocab=258 hidden=640 heads=5 mlp=1728 layers=6 window=256 dtype=BF16
	seq 1 2000 >numbers.txt
	reads() { "$fotbench" perplexity -m read -d ./numbers.txt --context-lengths 4k --target-tokens 256 --memory dense -t 2 "$@"; }
	foretold=$(reads --dry-run | awk '/^read/ { print $NF }')
	reads -o peak -q
	taken=$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "peak_rss_bytes") c = i; next } { print $c / 1048576 }' peak/perplexity.csv)
	if awk -v a="$foretold" -v b="$taken" 'BEGIN { exit !(a > 60 && b > 60 && a < b * 1.1 && b < a * 1.1) }'; then
		ok inspect_peak_of_a_dry_run
	else
		not_ok inspect_peak_of_a_dry_run "foretold $foretold MiB, took $taken"
	fi
	;;
*) echo "skip inspect_peak: a sanitizer takes memory of its own" ;;
esac

# Datasets: documents by split, with the tokens of a model's tokenizer; labelled sets with their classes.
mkdir -p docs/train docs/dev
printf 'one two three' >docs/train/a.txt && printf 'caf\303\251' >docs/train/b.txt && printf 'x y' >docs/dev/c.txt && printf 'a test' >docs/d.txt
splits() { [ "$("$fotbench" inspect "$@" | sed -n '/^split/,$p' | tail -n +2 | tr -s ' ')" = "$(cat)" ]; }
check inspect_documents splits ./docs <<'END'
train 2 18 4 5 5 13
valid 1 3 2 3 3 3
test 1 6 2 6 6 6
END
check inspect_tokens splits ./docs -m lm-fot <<'END'
train 2 18 4 8 4 4 4
valid 1 3 2 2 2 2 2
test 1 6 2 3 3 3 3
END
printf 'text,label,split\na,x,train\nb,y,train\nc,y,train\nd e,x,test\n' >rows.csv
check inspect_classes splits ./rows.csv <<'END'
train 3 3 3 1 1 1
test 1 3 2 3 3 3
 train valid test class (2)
 1 0 1 x
 2 0 0 y
END
prints inspect_parquet '^test +60 +2185 ' "$fotbench" inspect "$root/tests/parquet/plain.parquet"
check inspect_dataset_json bash -c '"$0" inspect ./rows.csv --json | tr -d " \t\n" | grep -q "\"classes\":\[{\"class\":\"x\",\"train\":1,\"valid\":0,\"test\":1},{\"class\":\"y\",\"train\":2,\"valid\":0,\"test\":0}\]"' "$fotbench"
mkdir bare && cp rows.csv bare/rows.md
exits inspect_neither 5 'no model .it has no config.json., and as a dataset: bare: expected .txt or .parquet files' "$fotbench" inspect bare
exits inspect_other_columns 5 "other.tsv:1: expected a column 'text', got question, class .others: FILE.text=NAME" bash -c 'printf "question\tclass\na\tx\n" >other.tsv; "$0" inspect other.tsv' "$fotbench"
exits inspect_bad_folder 5 'as a labelled set: bare/bad.csv:1: expected a column .text.' bash -c 'cp rows.csv bare/ok.csv; echo x >bare/bad.csv; "$0" inspect bare' "$fotbench"
exits inspect_bad_option 5 "rows.csv:1: expected a column 'text', got a, b, c among columns=" "$fotbench" inspect './rows.csv?columns=a%2Cb%2Cc'
exits inspect_bad_option_of_both 2 "unknown option 'nmae'" "$fotbench" inspect './rows.csv?nmae=x'
exits inspect_bad_rows 5 "bad.csv:1: expected a column 'label', got text .others: FILE" bash -c 'echo text >bad.csv; "$0" inspect ./bad.csv' "$fotbench"
exits inspect_no_tokenizer 5 'plain: the model has no tokenizer' "$fotbench" inspect ./docs -m plain
