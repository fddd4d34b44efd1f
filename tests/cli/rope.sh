#!/usr/bin/env bash
# Windows that grow with interpolated positions (none,rope=T:F): rows, the same files however the work is shared, refusals.
. "$(dirname "$0")/common.bash"
"$make_checkpoint" tiny seed=1 || exit 1
mkdir docs && head -c 30000 "$root/LICENSE" >docs/prose.txt && tail -c 20000 "$root/LICENSE" >docs/other.txt
cat >spec.json <<-EOS
{ "name": "grown", "seed": 5, "window": 128,
  "models": [ { "path": "tiny", "memory": ["none", "none,rope=linear:4", { "mode": "none", "rope": "ntk:4" }, "none,rope=yarn:4", "dense"] } ],
  "tasks": [ { "task": "perplexity", "datasets": ["./docs"], "context_lengths": [128, 200, 512], "target_tokens": 384 } ] }
EOS
run() { "$fotbench" run spec.json --no-timings -q "$@"; }
same() { cmp "$1/perplexity.csv" "$2/perplexity.csv" && cmp "$1/summary.csv" "$2/summary.csv"; }
check rope_runs run -o one -t 2
check rope_alone run -o two --no-sharing --no-skipping -t 1
check rope_sharing_and_threads_change_no_byte same one two
resumed() { mkdir cut && head -n 5 one/journal.jsonl >cut/journal.jsonl && run -o cut --resume && same one cut; }
check rope_resumed_is_the_same resumed
cells() { # FILE COLUMN...
	awk -F'"' -v OFS= '{ for (i = 2; i <= NF; i += 2) gsub(/,/, ";", $i); $1 = $1; print }' "$1" | awk -F, -v want="${*:2}" 'NR == 1 { n = split(want, name, " ")
			for (i = 1; i <= NF; i++) for (k = 1; k <= n; k++) if ($i == name[k]) at[k] = i; next }
		{ line = $at[1]; for (k = 2; k <= n; k++) line = line " " $at[k]; print line }'
}
memories() { cells one/perplexity.csv memory | sort -u | paste -sd ' '; }
check rope_stands_in_the_rows test "$(memories)" = 'dense none none;rope=linear:4 none;rope=ntk:4 none;rope=yarn:4'
check rope_scores_the_same_targets test "$(cells one/perplexity.csv n_tokens_scored target_start window stride | sort -u | wc -l)" -eq 1
# Without a longer context it is a matter of positions alone; with one, of what is seen.
lengths() { cells one/perplexity.csv memory context_length nll_nats | grep "^$1 " | cut -d' ' -f3 | sort -u | wc -l; }
check rope_sees_more_at_longer_lengths test "$(lengths 'none;rope=yarn:4')" -eq 6
check rope_none_sees_the_same test "$(lengths none)" -eq 2
prints rope_costs 'none,rope=linear:4' "$fotbench" run spec.json --dry-run
bad() { exits "rope_refuses_$1" 2 "$3" "$fotbench" "${4:-perplexity}" -m tiny ${5:--d ./docs} --context-lengths "${6:-256}" --window 128 --memory "$2" -o bad; }
bad a_memory dense,rope=yarn:4 '"rope=yarn:4": expected it behind none'
bad an_unknown_type none,rope=dynamic:4 'expected rope=T:F, T linear, ntk or yarn, F 2 to 1024$'
bad factor_one none,rope=linear:1 'expected rope=T:F'
bad a_fraction none,rope=linear:2.5 'expected rope=T:F'
bad twice none,rope=linear:2,rope=ntk:2 'it was given before'
bad longer_contexts none,rope=linear:2 'context_lengths: memory "none,rope=linear:2": expected at most 256, got 512$' perplexity '-d ./docs' 256,512
bad another_task none,rope=linear:2 'passkey reads no memory none,rope=linear:2' passkey '--trials 1'
exits rope_refuses_score 2 'rope: score and generate read no windows that grow' "$fotbench" score --model tiny --memory none,rope=linear:2 --text docs/prose.txt --out x.csv
sed 's/"mode": "none"/"mode": "dense"/' spec.json >bad.json
exits rope_refuses_a_key_beside_a_memory 2 'rope: expected mode none and linear:F, ntk:F or yarn:F' "$fotbench" validate bad.json
