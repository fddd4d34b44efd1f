#!/usr/bin/env bash
# Checkpoints of families beyond LLaMA through the commands: score, perplexity, inspect, bench, a memory given to them
# (--mem-layers). Training them: tune.sh.
. "$(dirname "$0")/common.bash"
make() { # FAMILY KEY=VALUE...
	"$make_checkpoint" "$1" family="$1" blocks=0 qknorm=0 positionals=1 mem=none window=64 last=32 "${@:2}" || exit 1
}
make llama kv=2 heads=4 rope=linear
make mistral kv=2 heads=4 slide=8
make qwen2 kv=1 tied=1
make qwen3 kv=2 heads=4 dim=12
make smollm3 kv=1 tied=1
make olmo2
families="llama mistral qwen2 qwen3 smollm3 olmo2"

seq -s, 1 200 | sed 's/^/[[/; s/$/]]/' >ids.json
mkdir docs
for i in 1 2 3 4; do head -c $((900 + 300 * i)) "$root/LICENSE" | tail -c +$((40 * i)) >docs/d$i.txt; done
score() { # FAMILY MEMORY THREADS OUT ARGS...
	"$fotbench" score -m "$1" --tokens ids.json --mem-layers 1 --memory "$2" -t "$3" --out "$4" "${@:5}"
}
for f in $families; do
	check "families_scores_$f" bash -c "$(declare -f score); fotbench=$fotbench
		score $f none 1 $f.none.csv && score $f dense 1 $f.dense.csv && score $f dense 2 $f.dense2.csv &&
		score $f knn 1 $f.knn.csv --top-k 3 &&
		[ \$(wc -l <$f.none.csv) = 200 ] && cmp $f.dense.csv $f.dense2.csv &&
		! cmp -s $f.none.csv $f.dense.csv && ! cmp -s $f.dense.csv $f.knn.csv"
	check "families_perplexity_$f" "$fotbench" perplexity -m "$f" -d docs --context-lengths 64,128 --mem-layers 1 \
		--memory none,dense,knn:16 -o "perp_$f" -q
	check "families_perplexity_rows_$f" bash -c '[ $(tail -n +2 "perp_'$f'/perplexity.csv" | wc -l) -gt 4 ]'
done

prints families_inspect_qwen2 '^biases +q, k, v$' "$fotbench" inspect qwen2
prints families_inspect_grouped '^key and value heads +2, 2 query heads share each$' "$fotbench" inspect qwen3
prints families_inspect_qwen3 '^query and key norms +per head$' "$fotbench" inspect qwen3
prints families_inspect_mistral '^sliding window +8, in 3 layers$' "$fotbench" inspect mistral
prints families_inspect_olmo2 '^layer norms +of outputs$' "$fotbench" inspect olmo2
prints families_inspect_llama '^rotary scaling +linear, factor 4$' "$fotbench" inspect llama

# Who states 32k positions and more is read in windows of 4096, unless told otherwise.
cp -r qwen2 wide && sed -i 's/"max_position_embeddings": 64/"max_position_embeddings": 131072/' wide/config.json
prints families_wide_window '^window +4096$' "$fotbench" inspect wide
prints families_wide_stated '^positions +131072 stated, windows of 4096 are read' "$fotbench" inspect wide
check families_wide_manifest bash -c '"$0" perplexity -m wide -d docs --context-lengths 64 --window 64 -o wide_out -q &&
	grep -q "\"max_position_embeddings\": 131072" wide_out/manifest.json' "$fotbench"

# Several ids may end a text: each does.
cp -r qwen3 ends && echo '[[1,2,3]]' >three.json
continue_three() { "$fotbench" generate -m ends --tokens three.json --max-new 12 "$@" | grep -o '\[.*\]' | tr -d '[]' | tr , ' '; }
said=$(continue_three --ignore-eos)
third=$(echo "$said" | cut -d' ' -f3) until='' other=0
for id in $said; do until="$until${until:+ }$id" && [ "$id" != "$third" ] || break; done
while grep -qw "$other" <<<"$said"; do other=$((other + 1)); done
sed -i "s/\"eos_token_id\": [0-9]*/\"eos_token_id\": [$other, $third]/" ends/config.json
check families_stops_at_any_eos test "$(continue_three)" = "$until"
check families_goes_on_to_an_eos test "$until" != "$said"
prints families_eos_inspect "^vocabulary +258 \(BOS 256, EOS $other and $third, padding" "$fotbench" inspect ends
check families_eos_manifest bash -c '"$0" perplexity -m ends -d docs --context-lengths 64 -o ends_out -q &&
	tr -d "[:space:]" <ends_out/manifest.json | grep -q "\"eos_ids\":\['$other,$third'\]"' "$fotbench"

# A tensor that nobody asks for may be of any type.
cp -r olmo2 more
python3 - more/model.safetensors <<'PY' 2>/dev/null || echo "skip families_surplus: no python3"
import json, struct, sys
data = open(sys.argv[1], "rb").read()
n = struct.unpack("<Q", data[:8])[0]
head, body = json.loads(data[8:8 + n]), data[8 + n:]
head["model.scales"] = {"dtype": "F8_E4M3", "shape": [4], "data_offsets": [len(body), len(body) + 4]}
text = json.dumps(head).encode()
text += b" " * (-len(text) % 8)
open(sys.argv[1], "wb").write(struct.pack("<Q", len(text)) + text + body + b"\1\2\3\4")
PY
if grep -q F8_E4M3 more/model.safetensors; then
	prints families_surplus 'warning: tensors that the config does not ask for: model.scales' "$fotbench" inspect more
fi

check families_bench bash -c '"$0" bench -m olmo2 --rounds 1 --tokens 256 >bench.out 2>bench.err && grep -q ^prefill bench.out && grep -q ^training bench.out' "$fotbench"
