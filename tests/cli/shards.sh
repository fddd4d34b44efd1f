#!/usr/bin/env bash
# Shards and merge: the number of shards changes nothing; validate.
. "$(dirname "$0")/common.bash"
make_experiment
run() { "$fotbench" run spec.json --no-timings -q -t 1 "$@"; }
same() { for f in perplexity.csv summary.csv summary.md summary.tex; do cmp "$1/$f" "$2/$f" || return 1; done; }
all() { # N: run N shards and merge them
	local i dirs=()
	for i in $(seq "$1"); do
		run -o "s$1.$i" --shard "$i/$1" || return 1
		dirs+=("s$1.$i")
	done
	"$fotbench" merge "${dirs[@]}" -o "merged$1" --no-timings -q && same one "merged$1"
}

check shard_whole_run run -o one
for n in 1 2 3 7; do check "shard_merge_of_${n}_equals_one_run" all $n; done
journal() { sed 's/"note".*//; s/"crc":"[0-9a-f]*"//' "$1/journal.jsonl"; }
check shard_merged_journal_equals_one_run bash -c 'cmp <(sed "s/\"note\".*//; s/\"crc\":\"[0-9a-f]*\"//" one/journal.jsonl) <(sed "s/\"note\".*//; s/\"crc\":\"[0-9a-f]*\"//" merged7/journal.jsonl)'
check shard_manifest_says_which grep -q '"index": 2' s3.2/manifest.json
parts() { [ $(($(wc -l <s2.1/perplexity.csv) + $(wc -l <s2.2/perplexity.csv))) -eq $(($(wc -l <one/perplexity.csv) + 1)) ]; }
check shard_rows_add_up parts
check shard_more_shards_than_items run -o empty --shard 99/100
check shard_order_of_folders_does_not_matter bash -c '"$0" merge s3.3 s3.1 s3.2 -o turned --no-timings -q && cmp one/perplexity.csv turned/perplexity.csv' "$fotbench"
check shard_folder_twice bash -c '"$0" merge s2.1 s2.2 s2.1 -o twice --no-timings -q && cmp one/perplexity.csv twice/perplexity.csv' "$fotbench"
slurm() {
	for id in 5 7 9; do
		SLURM_ARRAY_TASK_ID=$id SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=5 SLURM_ARRAY_TASK_STEP=2 run -o "slurm$id" --shard slurm || return 1
	done
	"$fotbench" merge slurm5 slurm7 slurm9 -o slurm --no-timings -q && same one slurm
}
check shard_slurm slurm
missing() {
	local rc=0
	"$fotbench" merge s3.1 s3.3 -o partial --no-timings -q 2>err || rc=$?
	[ $rc -eq 4 ] && grep -q 'in none of the folders' err && grep -q '"status": "partial"' partial/manifest.json &&
		[ "$(wc -l <partial/perplexity.csv)" -eq "$(wc -l <one/perplexity.csv)" ]
}
check shard_missing_one_is_partial missing
check shard_partial_merge_can_be_run_on bash -c '"$0" run spec.json --no-timings -q -t 1 -o partial --resume && cmp one/perplexity.csv partial/perplexity.csv' "$fotbench"
check shard_resume bash -c 'head -c 2500 s2.1/journal.jsonl >j && mkdir cut && mv j cut/journal.jsonl && "$0" run spec.json --no-timings -q -t 1 -o cut --shard 1/2 --resume && cmp s2.1/perplexity.csv cut/perplexity.csv' "$fotbench"

# By cost, neighbours stay together; a folder that an older version began is divided by count, as those beside it.
check shard_manifest_says_division grep -q '"division": "cost"' s3.2/manifest.json
old() { # I: shard I of 2 begun by an older version, two of its records there
	mkdir "old$1" && sed 2,3d s2.1/journal.jsonl | head -n 1 >"old$1/journal.jsonl" &&
		printf '{ "status": "started", "shard": { "index": %d, "count": 2 } }\n' "$1" >"old$1/manifest.json" &&
		run -o "old$1" --shard "$1/2" --resume && grep -q '"division": "count"' "old$1/manifest.json"
}
old_folders() {
	old 1 && old 2 && [ "$(($(wc -l <old1/journal.jsonl) - $(wc -l <old2/journal.jsonl)))" -eq 1 ] &&
		run -o old2 --shard 2/2 --resume && grep -q '"division": "count"' old2/manifest.json &&
		"$fotbench" merge old1 old2 -o old --no-timings -q && same one old
}
check shard_begun_by_count_goes_on_by_count old_folders

# Zeros at the end of a journal, as a loss of power leaves them: refused where the run says that it closed it, else told.
zeros() {
	rm -rf holed && cp -r s3.2 holed && truncate -s -40 holed/journal.jsonl && truncate -s +40 holed/journal.jsonl && printf '\n' >>holed/journal.jsonl
}
zeros
line=$(wc -l <holed/journal.jsonl)
exits merge_zeros_in_a_closed_journal 5 "holed/journal.jsonl: line $line: zeros where a record was on the disk" "$fotbench" merge s3.1 holed s3.3 -o no
exits shard_resume_of_a_closed_journal_with_zeros 5 "line $line: zeros where a record was on the disk" run -o holed --shard 2/3 --resume
told() {
	local rc=0
	sed -i 's/"status": "complete"/"status": "started"/' holed/manifest.json
	"$fotbench" merge s3.1 holed s3.3 -o gap --no-timings -q 2>err || rc=$?
	[ $rc -eq 4 ] && grep -q "^warning: holed/journal.jsonl: line $line holds zeros, .* run --resume first" err && grep -q 'in none of the folders' err &&
		run -o holed --shard 2/3 --resume 2>/dev/null && "$fotbench" merge s3.1 holed s3.3 -o healed --no-timings -q && same one healed
}
check merge_tells_zeros told

sed 's/"seed": 3/"seed": 4/' spec.json >other.json
check shard_other_run "$fotbench" run other.json --no-timings -q -t 1 -o other --shard 2/2
exits merge_other_spec 2 'not shards of one run: spec.seed: s2.1 3, other 4' "$fotbench" merge s2.1 other -o no
exits merge_no_folder 5 'nowhere' "$fotbench" merge s2.1 nowhere -o no
exits merge_without_output 2 'output' "$fotbench" merge s2.1 s2.2
exits merge_into_a_run 2 'holds a run already' "$fotbench" merge s2.1 s2.2 -o one
mv tiny2 away && "$make_checkpoint" tiny2 seed=5
exits merge_other_model 2 'not the run of these folders|differ' "$fotbench" merge s2.1 s2.2 -o changed
rm -r tiny2 && mv away tiny2
for bad in 0/3 4/3 a/3 1 1/ /2 1/0 -1/3; do exits "shard_bad_$(tr -c 'a-z0-9\n' _ <<<"$bad")" 2 'I/N' "$fotbench" run spec.json -o no --shard="$bad"; done
exits shard_slurm_without_array 2 'no job array' env -u SLURM_ARRAY_TASK_ID "$fotbench" run spec.json -o no --shard slurm
check shard_failures_leave_no_folder test ! -e no

prints validate_good '^spec.json: valid: 2 models, 5 conditions, 1 dataset, 35 items, run_id [0-9a-f]{16}$' "$fotbench" validate spec.json
sed 's/"context_lengths"/"contxt_lengths"/' spec.json >bad.json
exits validate_names_nearest_key 2 'contxt_lengths.*context_lengths' "$fotbench" validate bad.json
sed 's/"tiny2"/"tiny9"/' spec.json >bad.json
exits validate_missing_model 5 'tiny9' "$fotbench" validate bad.json
