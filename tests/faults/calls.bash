# calls.bash: the smallest experiment that has all parts, run with tests/faults/calls.c around it.
# In memory where that can be had: it is the logic that is tested, not the disk.
[ -w /dev/shm ] && export TMPDIR=/dev/shm
. "$(dirname "${BASH_SOURCE[0]}")/../cli/common.bash"
case $variant in
asan | ubsan)
	echo "skip faults_${0##*/}: a sanitizer's runtime must be the first library"
	exit 0
	;;
esac
if ! ${CC:-gcc} -std=c11 -D_GNU_SOURCE -O1 -shared -fPIC -o calls.so "$root/tests/faults/calls.c" 2>cc.txt; then
	not_ok "faults_${0##*/}" "calls.c: $(head -c 300 cc.txt | tr '\n' ' ')"
	exit 1
fi
export FOTBENCH_DATA=$work/store OMP_WAIT_POLICY=passive
"$make_checkpoint" tiny hidden=8 mlp=8 layers=1 heads=1 window=16 mem=0 || exit 1
mkdir docs
for i in 1 2 3; do head -c $((100 + 20 * i)) "$root/LICENSE" >"docs/$i.txt"; done
cat >spec.json <<'EOS'
{ "models": [ { "path": "tiny", "memory": ["dense"] } ],
  "tasks": [ { "task": "perplexity", "datasets": ["./docs"], "context_lengths": [16], "target_tokens": 32 } ] }
EOS
run() { "$fotbench" run spec.json --no-timings -q -t 1 "$@"; }
# arm CALL AT HOW: sets armed, the environment in which that happens
arm() {
	rm -f mark go
	armed=(LD_PRELOAD="$work/calls.so" FAULT_CALL="$1" FAULT_AT="$2" FAULT_HOW="$3" FAULT_MARK="$work/mark" FAULT_GO="$work/go")
}
# with CALL AT HOW COMMAND...: the command with the library around it
with() {
	arm "$1" "$2" "$3"
	shift 3
	env "${armed[@]}" "$@"
}
# held [COMMAND...]: a run in the background, waiting amid the record of its second item; its process id in $pid
held() {
	rm -rf out
	arm write 5 hold
	# The program itself, no shell in between: $! must be its number.
	env "${armed[@]}" "$@" "$fotbench" run spec.json --no-timings -t 1 -o out >say 2>err &
	pid=$!
	for ((i = 0; i < 2000; i++)); do
		[ -e mark ] && return 0
		sleep 0.01
	done
	return 1
}
ends() { local rc=0; wait $pid 2>/dev/null || rc=$?; [ $rc -eq "$1" ] || { echo "exit $rc: $(cat err)"; return 1; }; }
same() { for f in perplexity.csv summary.csv summary.md summary.tex; do cmp "whole/$f" "$1/$f" || return 1; done; }
check "faults_whole_run_of_${0##*/}" run -o whole
