#!/usr/bin/env bash
# A model that changes under a run, and too little address space: a message, nothing wrong is kept.
. "$(dirname "$0")/calls.bash"

# changed HOW...: while a journal record is on its way to the disk, the model is changed. What was
# finished before stays, what comes after is no result.
cp -p tiny/model.safetensors kept
changed() {
	local n
	held || return 1
	"$@" && touch go && ends 5 && grep -q 'error.*model.safetensors: changed while in use' err || return 1
	n=$(grep -c '"item"' out/journal.jsonl)
	[ "$n" -ge 1 ] && [ "$n" -lt 3 ] && grep -q '"status": "failed"' out/manifest.json && [ ! -e out/perplexity.csv ] ||
		{ echo "$n records"; return 1; }
	cp -p kept tiny/model.safetensors && run -o out --resume && same out
}
written() { printf '\377' | dd of=tiny/model.safetensors bs=1 seek=$(($(stat -c %s kept) - 2)) conv=notrunc status=none; }
cut_short() { truncate -s -8 tiny/model.safetensors; }
check faults_model_written_to_while_in_use changed written
check faults_model_cut_while_in_use changed cut_short
touched() { held && touch go && ends 0 && same out; }
check faults_model_left_alone touched

# The smallest limit under which the program starts at all, and some above it: an end with one line, or the whole
# result. Training alone needs OpenBLAS' buffers, which it asks for again and again where they cannot be had.
least=53248
starts() { (ulimit -v "$1" && "$fotbench" --version >/dev/null 2>&1); }
while [ $least -lt 4000000 ] && ! starts $least; do least=$((least + 20480)); done
limited() { # KIB COMMAND...
	(ulimit -v "$1" && shift && timeout 20 "$@")
}
ends_somehow() {
	local rc=0
	rm -rf low
	limited "$1" "$fotbench" run spec.json -t 1 -q --no-timings -o low 2>err || rc=$?
	case $rc in
	0) same low ;;
	1 | 2) [ "$(grep -c '^error' err)" -eq 1 ] ;;
	*) echo "exit $rc: $(cat err)"; return 1 ;;
	esac
}
exits faults_address_space_training 1 'address space for matrix products' limited $least "$fotbench" train lookup-fot \
	--stop-after 1 -t 1 -q -o low
check faults_address_space_before_the_training test ! -e low
for more in 0 20000 100000 160000 200000 300000 1000000; do
	check "faults_address_space_and_${more}_k" ends_somehow $((least + more))
done

# Any limit: where the loader cannot even map the libraries its message, else a line or the result; always an end.
ends_by_itself() { # THREADS FROM TO STEP, in MiB
	local mib rc
	for ((mib = $2; mib <= $3; mib += $4)); do
		rc=0
		rm -rf low
		limited $((mib << 10)) "$fotbench" run spec.json -t "$1" -q --no-timings -o low 2>err || rc=$?
		case $rc in
		0) same low ;;
		1 | 2 | 127) [ "$(wc -l <err)" -eq 1 ] ;;
		*) false ;;
		esac || { echo "exit $rc at $mib MiB: $(cat err)"; return 1; }
	done
}
check faults_address_space_any_size_one_thread ends_by_itself 1 20 260 8
check faults_address_space_any_size_two_threads ends_by_itself 2 20 400 12
# What the user says of the BLAS library's own threads does not start any.
user_threads() { OPENBLAS_NUM_THREADS=4 OMP_NUM_THREADS=4 ends_by_itself 2 52 68 4; }
check faults_address_space_with_the_users_threads user_threads
