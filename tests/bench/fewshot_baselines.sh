#!/usr/bin/env bash
# What few-shot classification of TREC's six classes gives without a model: chance, the commonest label, and the vote of
# bags of words, over 500 questions and 20 orders of demonstrations.
#
#   tests/bench/fewshot_baselines.sh TREC [SHOTS]     TREC: folder with train_5500.label and TREC_10.label
#
# The model beside them has random weights and no memory: it is there because a run needs one. Some 90 s of a core; make
# test-programs first.
set -eu
cd "$(dirname "$0")/../.."
trec=$1 shots=${2:-6,16,64,256,1024}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
mkdir "$out/trec"
cp "$trec/train_5500.label" "$out/trec/train.label"
cp "$trec/TREC_10.label" "$out/trec/test.label"
program=$PWD/build/${VARIANT:-release}
(cd "$out" && "$program/tests/make_checkpoint" tiny seed=1)
"$program/fotbench" fewshot -m "$out/tiny" --memory none -d "$out/trec" --window 256 --context-lengths 256k --shots "$shots" \
	--demo-seeds 20 --items 500 -q -o "$out/run" >/dev/null
grep -E '^(Few-shot|Balanced|\| (model|---|chance|commonest|bow) )' "$out/run/summary.md"
