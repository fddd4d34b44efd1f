#!/usr/bin/env bash
# What the other commands write (merge, report, export, samples, train): no space at the k-th write, for every k, is exit 6
# and one line; the power goes at every call; done again, the files are the same. And kills at random moments.
. "$(dirname "$0")/calls.bash"
for i in 1 2; do check "faults_shard_$i" run -o "shard$i" --shard "$i/2"; done
cat >recipe.json <<'EOS'
{ "name": "small", "variant": "fot", "seed": 1, "tokenizer": "none",
  "model": { "vocab_size": 64, "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1,
    "max_position_embeddings": 20, "rope_theta": 100, "bos_token_id": null, "eos_token_id": null, "pad_token_id": 0,
    "mem_layers": [0], "mem_positionals": false, "mem_dtype": "float32", "fot": { "tokenizer": "none" } },
  "generator": { "kind": "lookup", "mixed": 0.3 },
  "stages": [ { "method": "crossbatch", "steps": 60, "window": 20, "batch": 8, "w": 1, "d": 1, "lr": 0.002 } ],
  "validation": { "every": 30, "windows": 2 }, "checkpoint_every": 20, "save_dtype": "F32" }
EOS
merge() { "$fotbench" merge shard1 shard2 -o "$1" --no-timings -q "${@:2}"; }
report() { "$fotbench" report whole -o "$1"; }
export_runs() { "$fotbench" export whole -o "$1" --log-samples -q "${@:2}"; }
junit() { mkdir -p "$1" && "$fotbench" compare whole whole --junit "$1/junit.xml" --benchmark "$1/benchmark.json" -q; }
samples() { "$fotbench" samples -m tiny -d ./docs --context-length 32 --memory knn --top-k 2 --no-timings -q -o "$1" "${@:2}"; }
train() { "$fotbench" train recipe.json -o "$1" -q -t 1 "${@:2}"; }
# Without what a kill may leave, and in train.csv without the columns that the clock moves.
result() { find "$1" -name '.fot-*.tmp' -delete; rm -f "$1"/{journal.jsonl,manifest.json,log.txt,LOCK}; [ ! -e "$1/train.csv" ] || sed -i -r 's/^(([^,]*,){10}[^,]*).*/\1/' "$1/train.csv"; }
equal() { result out && diff -r "good.$1" out; }

# every HOW RC LEAST COMMAND [OPTION-TO-GO-ON...]
every() {
	local how=$1 code=$2 least=$3 command=$4 call=any k rc
	[ "$how" = kill ] || call=write
	for ((k = 1; k < 200; k++)); do
		rm -rf out
		arm $call $k "$how"
		rc=0
		(export "${armed[@]}" && $command out) >say 2>err || rc=$?
		[ -e mark ] || break
		if [ $rc -ne 0 ]; then
			[ $rc -eq "$code" ] || { echo "call $k: exit $rc: $(cat err)"; return 1; }
			[ "$code" -ne 6 ] || [ "$(grep -c ^error err)" -eq 1 ] || { echo "call $k: $(cat err)"; return 1; }
			$command out "${@:5}" >say 2>err || { echo "call $k: again: $(cat err)"; return 1; }
		fi
		equal "$command" || { echo "call $k: exit $rc, then again: differs"; return 1; }
	done
	[ $rc -eq 0 ] && [ $k -gt "$least" ] || { echo "$k calls, exit $rc"; return 1; }
}
for command in merge report export_runs junit samples train; do
	check "faults_${command}_whole" $command good.$command
	result good.$command
	case $command in merge | samples | export_runs) again=(--overwrite) ;; train) again=(--resume) ;; *) again=() ;; esac
	check "faults_${command}_no_space" every 28 6 1 $command "${again[@]}"
	check "faults_${command}_power_goes" every kill 137 3 $command "${again[@]}"
done

# Killed again and again at a random moment, until it comes to its end.
until_done() {
	local n rc pid
	rm -rf out
	for ((n = 0; n < 200; n++)); do
		"$fotbench" "$@" >say 2>err &
		pid=$!
		sleep "0.0$((RANDOM % 60 + 10))"
		kill -KILL $pid 2>/dev/null
		rc=0
		wait $pid 2>/dev/null || rc=$?
		[ $rc -ne 0 ] || return 0
		[ $rc -eq 137 ] || { echo "exit $rc: $(cat err)"; return 1; }
	done
	echo "no end after $n kills: $(cat err)"
	return 1
}
RANDOM=7
killed_train() { until_done train recipe.json -o out -q -t 2 --resume && equal train; }
check faults_train_killed_at_random killed_train
for name in a b c; do
	killed() { until_done run spec.json -o out -q -t 2 --no-timings --resume && same out; }
	check "faults_run_killed_at_random_$name" killed
done
