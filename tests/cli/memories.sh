#!/usr/bin/env bash
# Kinds of memory that take numbers, through the command line: the same files however the work is shared, cut or
# resumed, names, what they look at, refusals before the run.
. "$(dirname "$0")/common.bash"
"$make_checkpoint" tiny seed=1 || exit 1
mkdir docs && head -c 30000 "$root/LICENSE" >docs/prose.txt
all=(recent:60 sinks:4,recent:56 random:60 moba:16,4 quest:16,4 ivf:60,probe=4 ivf:30,probe=9,lists=30 hnsw:9,ef=16 hnsw:9,ef=9,m=4 int8:60
	int8:30,rescore=40 infllm:16,4,2 shared:60 knorm:60 keydiff:60 snapkv:60 tova:60)
kinds=$(printf '"%s", ' "${all[@]}") kinds=${kinds%, }
cat >spec.json <<-EOS
{ "name": "trial", "seed": 5, "window": 128,
  "models": [ { "path": "tiny", "variant": "one", "memory": [$kinds, "dense"] },
              { "path": "tiny", "variant": "two", "mem_layers": [0, 2], "memory": [$kinds] } ],
  "tasks": [ { "task": "passkey", "context_lengths": [300, 512], "depths": [0.5, 1], "trials": 2, "prompt_styles": ["paper"] },
             { "task": "perplexity", "datasets": ["./docs"], "context_lengths": [128, 192, 500], "target_tokens": 256 } ] }
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
	for kind in "${all[@]}"; do
		[ "$(grep -cF "$kind" one/perplexity.csv)" -eq 6 ] || { echo "$kind"; return 1; }
	done
}
check memories_stand_in_the_rows named
scores() { awk -F'"' '{ gsub(/,/, ";", $2); print $1 $2 $3 }' one/perplexity.csv |
	awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "nll_sum") c = i; next } /,500,/ { print $c }' | sort -u | wc -l; }
check memories_differ test "$(scores)" -eq 35
# FILE COLUMN...: its cells in these columns, whatever commas stand in others.
cells() {
	local file=$1
	shift
	awk -F'"' -v OFS= '{ for (i = 2; i <= NF; i += 2) gsub(/,/, ";", $i) } { $1 = $1; print }' "$file" | awk -F, -v want="$*" 'NR == 1 { n = split(want, name, " ")
			for (i = 1; i <= NF; i++) for (k = 1; k <= n; k++) if ($i == name[k]) at[k] = i; next }
		{ line = $at[1]; for (k = 2; k <= n; k++) line = line " " $at[k]; print line }'
}
# Two heads of 16 numbers in bf16: 128 bytes an entry, what stands for blocks, queries that observe.
budgets() {
	local file
	for file in one/perplexity.csv one/summary.csv; do
		diff - <(cells $file model_variant memory memory_tokens keys_read keys_scored memory_bytes | grep '^one .* 372 ' | grep -v ' \(ivf\|hnsw\|int8\):' | sort -u) <<-EOS || return 1
			one dense 372 372 372 47616
			one infllm:16;4;2 372 64 88 53888
			one keydiff:60 372 60 60 7680
			one knorm:60 372 60 60 7680
			one moba:16;4 372 64 88 50816
			one quest:16;4 372 64 112 53888
			one random:60 372 60 60 47616
			one recent:60 372 60 60 7680
			one shared:60 372 60 432 47616
			one sinks:4;recent:56 372 60 60 7680
			one snapkv:60 372 60 60 11520
			one tova:60 372 60 60 7808
		EOS
	done
}
check memories_budgets_stand_in_the_rows budgets
paired() {
	"$fotbench" compare one one --pair one/sinks:4,recent:56=one/moba:16,4 >paired.txt
	grep -q ' sinks:4,recent:56=moba:16,4 ' paired.txt
}
check memories_are_pairs paired
# Perplexity against keys read: a line a kind, whatever its numbers, where there are three or more.
drawn() {
	"$fotbench" plot one --format svg && [ -s one/plots/budget.svg ] || return 1
	head -n 1 one/plots/budget_data.csv | grep -qx 'panel,series,keys_read,value,low,high,panel_name,series_name' || return 1
	[ "$(grep -c '^series' one/plots/budget_names.tsv)" -eq 29 ] || return 1
	grep -q '^1,1,60,.*: context 192,one (recent memory)$' one/plots/budget_data.csv
	grep -q '^2,1,60,.*: context 500,one (recent memory)$' one/plots/budget_data.csv
	grep -q '^2,15,372,.*: context 500,one (dense memory)$' one/plots/budget_data.csv
}
check memories_are_drawn_against_keys_read drawn
# Change against reading all of it, at the longest context over all texts; a word that no kind has is no text of a script.
against() {
	head -n 1 one/plots/loss_data.csv | grep -qx 'panel,series,keys_read,value,low,high,panel_name,series_name' && [ -s one/plots/loss.svg ] || return 1
	grep -q '^1,[0-9]*,60,.*one (recent memory)$' one/plots/loss_data.csv && ! grep -q 'dense memory' one/plots/loss_data.csv || return 1
	! grep -q 'context 192' one/plots/loss_data.csv && grep -q '^array kind.*"moba"' one/plots/loss_names.gp || return 1
	mkdir -p odd && sed 's/,moba,/,mo]ba,/' one/summary.csv >odd/summary.csv
	"$fotbench" plot odd --format svg && ! grep -q 'ba' odd/plots/loss_names.gp
}
check memories_are_drawn_against_all_of_it against
few() {
	sed '/^[^,]*,[^,]*,two,/d; /,\(dense\|recent\|sinks\|snapkv\|tova\|k[a-z]*\|ivf\|hnsw\|int8\|infllm\|shared\|quest\),/d' one/summary.csv >few/summary.csv
	"$fotbench" plot few --format svg && [ -s few/plots/perplexity.svg ] && [ ! -e few/plots/budget.svg ] && [ ! -e few/plots/loss.svg ]
}
mkdir few
check memories_of_two_kinds_are_not few
cat >claims.json <<-EOS
{ "claims": [ { "id": "c", "claim": "near", "source": "s", "task": "perplexity", "metric": "perplexity", "expect": "equal", "margin": 0.9,
    "a": { "variant": "one", "memory": "sinks:4,recent:56" }, "b": { "variant": "one", "memory": "moba:16,4" } } ] }
EOS
prints memories_are_claimed 'one, sinks:4,recent:56, 500 \| one, moba:16,4, 500 \|' "$fotbench" report one --claims claims.json
run_ids() { local mode; for mode in '"moba:16,4,bf16"' '{ "mode": "moba:16,4", "mem_dtype": "bf16" }'; do
	sed "s/\[\"recent.*\"dense\"\]/[$mode]/" spec.json >mode.json && "$fotbench" run mode.json --dry-run | grep '^run_id'
done | sort -u | wc -l; }
check memories_text_and_object_are_one_spec test "$(run_ids)" -eq 1

for kind in recent:5 sinks:2,recent:3 moba:4,1 random:5 quest:1,5 ivf:5,probe=60 hnsw:5,ef=5 int8:5 infllm:4,1,2 shared:5 knorm:5 keydiff:5 snapkv:5 tova:5; do
	"$fotbench" samples -m tiny -d ./docs --window 128 --context-length 256 --memory $kind --positions 200 --documents 1 -o "samples-$kind" -q
	awk -F, -v want=$([[ $kind = *:4,1* ]] && echo 4 || echo 5) 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "n_retrieved") c = i; next }
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
bad infllm_without_r infllm:16,4 '"infllm:16,4": expected infllm:B,K,R, each 1 to 1048576$'
bad shared_without_k shared, '"shared": expected shared:K, each 1 to 1048576$'
bad knorm_zero knorm:0 '"knorm:0": expected knorm:B, each 1 to 1048576$'
bad snapkv_negative snapkv:-3 '"snapkv:-3": expected snapkv:B, each 1 to 1048576$'
bad tova_of_two tova:3,4 '"4": expected a memory, or an option of the one before it: decay=X, scale=X, f32, bf16 or layers=A\+B$'
