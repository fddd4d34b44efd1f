# common.bash: what the scripts share. A check prints "ok NAME" or
# "not ok NAME: why"; the script goes on after a failure.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
root=$PWD
variant=${VARIANT:-release}
fotbench=${FOTBENCH:-$root/build/$variant/fotbench}
make_checkpoint=$root/build/$variant/tests/make_checkpoint
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
export LC_ALL=C

ok() { echo "ok $1"; }
not_ok() { echo "not ok $1: $2"; }

# check NAME CONDITION...: ok when the command succeeds
check() {
	local name=$1
	shift
	if "$@" >"$work/.check" 2>&1; then ok "$name"; else not_ok "$name" "$* failed: $(tr '\n' ' ' <"$work/.check" | cut -c1-300)"; fi
}

# exits NAME CODE PATTERN COMMAND...: exit code and one line of stderr that matches
exits() {
	local name=$1 code=$2 pattern=$3 rc=0
	shift 3
	"$@" >"$work/.out" 2>"$work/.err" || rc=$?
	if [ "$rc" -ne "$code" ]; then
		not_ok "$name" "exit $rc, expected $code: $(head -c 300 "$work/.err" | tr '\n' ' ')"
	elif [ -n "$pattern" ] && ! grep -qE -- "$pattern" "$work/.err"; then
		not_ok "$name" "stderr lacks /$pattern/: $(head -c 300 "$work/.err" | tr '\n' ' ')"
	elif [ "$code" -ne 0 ] && [ "$(grep -c '^error' "$work/.err")" -ne 1 ]; then
		not_ok "$name" "expected one error line: $(head -c 300 "$work/.err" | tr '\n' ' ')"
	else
		ok "$name"
	fi
}

# prints NAME PATTERN COMMAND...: exit 0 and stdout that matches
prints() {
	local name=$1 pattern=$2
	shift 2
	if ! "$@" >"$work/.out" 2>"$work/.err"; then
		not_ok "$name" "failed: $(head -c 300 "$work/.err" | tr '\n' ' ')"
	elif ! grep -qE -- "$pattern" "$work/.out"; then
		not_ok "$name" "stdout lacks /$pattern/: $(head -c 300 "$work/.out" | tr '\n' ' ')"
	else
		ok "$name"
	fi
}

# A small experiment in the working folder: models tiny and tiny2, documents docs/, spec.json.
make_experiment() {
	"$make_checkpoint" tiny seed=1 || exit 1
	"$make_checkpoint" tiny2 seed=2 || exit 1
	mkdir -p docs
	for i in 1 2 3 4 5 6; do
		head -c $((700 * i + 900)) "$root/LICENSE" | tail -c +$((i * 37)) >"docs/d$i.txt"
	done
	head -c 50 "$root/LICENSE" >docs/short.txt
	cat >spec.json <<-EOS
	{ "name": "trial", "seed": 3,
	  "models": [
	    { "path": "tiny", "variant": "local", "memory": ["none"] },
	    { "path": "tiny", "variant": "vanilla", "memory": ["dense", "knn:8"] },
	    { "path": "tiny2", "variant": "fot", "memory": ["dense", { "mode": "knn", "top_k": 8, "mem_dtype": "f32" }] } ],
	  "tasks": [ { "task": "perplexity", "datasets": ["./docs"], "context_lengths": [32, 64, "256"],
	               "target_tokens": 512, "documents": 8 } ] }
	EOS
}

# The sum of a column behind all texts: counted from the line's end, as texts may hold commas.
total() { # COLUMN FILE
	awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) back = NF - i; next } { s += $(NF - back) } END { print s + 0 }' "$2"
}
# Tokens that a dry run says are computed, and those that prompts share.
foretold() { "$fotbench" "$@" --dry-run -t 1 | awk '/^all / { print $(NF - 3), $(NF - 2) }'; }
