#!/usr/bin/env bash
# A machine that others use too: threads that wait sleep, and more threads than cores give the same bytes.
. "$(dirname "$0")/../cli/common.bash"
unset OMP_WAIT_POLICY GOMP_SPINCOUNT KMP_BLOCKTIME
# How long waiting threads spin, as the OpenMP library (gcc's or clang's) says when the program starts.
spins() { OMP_DISPLAY_ENV=verbose "$@" --version 2>&1 | grep -E 'GOMP_SPINCOUNT|KMP_BLOCKTIME' | tail -n 1 | grep -oE '[0-9]+'; }
asleep() { [ "$(spins "$fotbench")" = 0 ]; }
check load_threads_wait_asleep asleep
users_word() { [ "$(spins env OMP_WAIT_POLICY=active "$fotbench")" -gt 1000 ] && [ "$(spins env GOMP_SPINCOUNT=77 KMP_BLOCKTIME=77 "$fotbench")" = 77 ]; }
check load_the_users_word_holds users_word
arguments() { "$fotbench" 'no such' 2>&1 | grep -q 'unknown command "no such"'; }
check load_arguments_stay arguments
# Where the program cannot be started once more as it was, it goes on, and its threads spin.
as_file() { "$loader" "$fotbench" --version | grep -q '^fotbench '; }
loader=$(ldd "$fotbench" | grep -oE '/[^ ]*/ld-linux[^ ]*')
check load_through_the_loader as_file
watched() { [ "$(spins env LD_PRELOAD=vgpreload_memcheck.so "$fotbench")" -gt 0 ]; }
check load_not_away_from_valgrind watched
gone() { cp "$fotbench" copy && exec 3<copy && rm copy && /proc/self/fd/3 --version | grep -q '^fotbench '; }
check load_a_removed_program gone

make_experiment
run() { "$fotbench" run spec.json --no-timings -q "$@"; }
check load_one_thread run -o one -t 1
same() { for f in perplexity.csv summary.csv; do cmp "one/$f" "$1/$f" || return 1; done; }
many() { run -o many -t 16 && same many; }
check load_sixteen_threads many
beside() { run -o left -t 4 & run -o right -t 4 && wait $! && same left && same right; }
check load_two_runs_side_by_side beside
