#!/usr/bin/env bash
# The seeds of the fuzz targets and some hundred changed copies of each, without a fuzzer:
# a target aborts when its reader breaks a promise.
. "$(dirname "$0")/../cli/common.bash"
fuzz=$root/build/$variant/tests/fuzz
check seeds_are_written "$fuzz/seeds" seeds "$root/model/zoo/bpe-2k/tokenizer.model" "$root/tests/tokenizers"
for target in safetensors torch tokenizer hf json spec journal table claims dataset; do
	check "seeds_of_$target" "$fuzz/fuzz_$target" seeds/"$target"/* --mutate 300
done
check seeds_of_parquet "$fuzz/fuzz_parquet" "$root"/tests/parquet/*.parquet --mutate 300
