#!/usr/bin/env bash
# Kinds of memory that take numbers, through the command line: the same files however the work is shared, cut or
# resumed, names, what they look at, refusals before the run.
. "$(dirname "$0")/common.bash"
"$make_checkpoint" tiny seed=1 || exit 1
mkdir docs && head -c 30000 "$root/LICENSE" >docs/prose.txt
all="recent:60 sinks:4,recent:56 random:60 moba:16,4 quest:16,4 ivf:60,probe=4 ivf:30,probe=9,lists=30 hnsw:9,ef=16 hnsw:9,ef=9,m=4 int8:60 int8:30,rescore=40"
kinds=$(printf '"%s", ' $all) && kinds=${kinds%, }
cat >spec.json <<-EOS
{ "name": "trial", "seed": 5, "window": 128,
  "models": [ { "path": "tiny", "variant": "one", "memory": [$kinds, "dense"] },
              { "path": "tiny", "variant": "two", "mem_layers": [0, 2], "memory": [$kinds] } ],
  "tasks": [ { "task": "passkey", "context_lengths": [300, 512], "depths": [0.5, 1], "trials": 2, "prompt_styles": ["paper"] },
             { "task": "perplexity", "datasets": ["./docs"], "context_lengths": [192, 500], "target_tokens": 256 } ] }
EOS
run() { "$fotbench" run "${spec:-spec.json}" --no-timings -q "$@"; }
same() { local f; for f in passkey.csv perplexity.csv summary.csv summary.md; do cmp "$1/$f" "$2/$f" || return 1; done; }

check memories_run run -o one -t 2
check memories_without_sharing run -o two --no-sharing --no-skipping -t 1
check memories_sharing_and_threads_change_no_byte same one two
resumed() { mkdir cut && head -n 15 one/journal.jsonl >cut/journal.jsonl && run -o cut --resume && same one cut; }
check memories_resumed_is_the_same resumed
named() {
	local kind
	for kind in $all; do
		[ "$(grep -cF "$kind" one/perplexity.csv)" -eq 4 ] || { echo "$kind"; return 1; }
	done
}
check memories_stand_in_the_rows named
scores() { awk -F'"' '{ gsub(/,/, ";", $2); print $1 $2 $3 }' one/perplexity.csv |
	awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "nll_sum") c = i; next } /,500,/ { print $c }' | sort -u | wc -l; }
check memories_differ test "$(scores)" -eq 23
paired() {
	"$fotbench" compare one one --pair one/sinks:4,recent:56=one/moba:16,4 >paired.txt
	grep -q ' sinks:4,recent:56=moba:16,4 ' paired.txt
}
check memories_are_pairs paired
cat >claims.json <<-EOS
{ "claims": [ { "id": "c", "claim": "near", "source": "s", "task": "perplexity", "metric": "perplexity", "expect": "equal", "margin": 0.9,
    "a": { "variant": "one", "memory": "sinks:4,recent:56" }, "b": { "variant": "one", "memory": "moba:16,4" } } ] }
EOS
prints memories_are_claimed 'one, sinks:4,recent:56, 500 \| one, moba:16,4, 500 \|' "$fotbench" report one --claims claims.json
run_ids() { local mode; for mode in '"moba:16,4,bf16"' '{ "mode": "moba:16,4", "mem_dtype": "bf16" }'; do
	sed "s/\[\"recent.*\"dense\"\]/[$mode]/" spec.json >mode.json && "$fotbench" run mode.json --dry-run | grep '^run_id'
done | sort -u | wc -l; }
check memories_text_and_object_are_one_spec test "$(run_ids)" -eq 1

for kind in recent:5 sinks:2,recent:3 moba:4,1 random:5 quest:1,5 ivf:5,probe=60 hnsw:5,ef=5 int8:5; do
	"$fotbench" samples -m tiny -d ./docs --window 128 --context-length 256 --memory $kind --positions 200 --documents 1 -o "samples-$kind" -q
	awk -F, -v want=$([ $kind = moba:4,1 ] && echo 4 || echo 5) 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "n_retrieved") c = i; next }
		{ n++; if ($c != want) exit 1 } END { exit !n }' "samples-$kind/samples.csv" && ok "memories_samples_of_$kind" ||
		not_ok "memories_samples_of_$kind" "other keys than it reads"
done

bad() { # NAME MEMORY MESSAGE
	exits "memories_refuses_$1" 2 "$3" "$fotbench" perplexity -m tiny -d ./docs --context-lengths 256 --window 128 --memory "$2" -o bad
}
bad recent_without_a_number recent '"recent": expected recent:B, each 1 to 1048576$'
bad sinks_alone sinks:4 '"sinks:4": expected sinks:S,recent:B, each 1 to 1048576$'
bad random_zero random:0 '"random:0": expected random:K, each 1 to 1048576$'
bad moba_without_k moba:16 '"moba:16": expected moba:B,K, each 1 to 1048576$'
bad ivf_without_probe ivf:16 '"ivf:16": expected ivf:K,probe=P\[,lists=N\], each 1 to 1048576$'
bad ivf_of_no_list ivf:16,probe=0 '"ivf:16,probe=0": expected ivf:K,probe=P\[,lists=N\], each 1 to 1048576$'
bad ivf_of_other_words ivf:16,nprobe=4 '"ivf:16": expected ivf:K,probe=P\[,lists=N\], each 1 to 1048576$'
bad ivf_lists_zero ivf:16,probe=4,lists=0 '"ivf:16,probe=4,lists=0": expected ivf:K,probe=P\[,lists=N\], each 1 to 1048576$'
bad hnsw_without_ef hnsw:16 '"hnsw:16": expected hnsw:K,ef=E\[,m=M\], each 1 to 1048576, M 2 to 128$'
bad hnsw_of_one_link hnsw:16,ef=16,m=1 '"hnsw:16,ef=16,m=1": expected hnsw:K,ef=E\[,m=M\], each 1 to 1048576, M 2 to 128$'
bad hnsw_of_many_links hnsw:16,ef=16,m=129 '"hnsw:16,ef=16,m=129": expected hnsw:K,ef=E\[,m=M\], each 1 to 1048576, M 2 to 128$'
bad int8_without_a_number int8 '"int8": expected int8:K\[,rescore=R\], each 1 to 1048576$'
bad int8_rescores_none int8:4,rescore=0 '"int8:4,rescore=0": expected int8:K\[,rescore=R\], each 1 to 1048576$'
bad quest_too_large quest:16,1048577 '"quest:16,1048577": expected quest:B,K, each 1 to 1048576$'
