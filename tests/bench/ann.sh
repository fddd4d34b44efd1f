#!/usr/bin/env bash
# Kinds of memory that search an index (ivf, hnsw, int8) against exact top-k, on the keys that model/zoo/lm-fot makes of
# real books, 64 numbers each, and the 256 queries of what it reads next, all at once, with one thread. CSV:
#
#   entries,queries,head_dim,memory,build_s,memory_bytes,query_us,exact_query_us,times_exact,recall,mass
#
#   tests/bench/ann.sh [DIR]     DIR keeps tokens and keys, build/ann
#
# Times are the processor's, of the search alone; exact_query_us is knn of the same K measured in turn with it; recall is the share
# of knn's keys that were found, mass the share of the attention's mass on all keys that is on those found.
# Where libfaiss-dev and g++ are installed, FAISS's flat index too (rows "faiss flat:K"), in turn with knn.
# SIZES ("262144 1048576"), STORE (datasets/store; the corpus books: fotbench data fetch books), FAST=1: small.
set -eu
cd "$(dirname "$0")/../.."
export LC_ALL=C OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
fotbench=build/release/fotbench ann=build/release/tests/ann
dir=${1:-build/ann}
sizes=${SIZES:-262144 1048576}
[ "${FAST:-}" ] && sizes=${SIZES:-32768}
books=${STORE:-datasets/store}/books/documents
mkdir -p "$dir"
most=$(tr ' ' '\n' <<<"$sizes" | sort -n | tail -n 1)

if [ ! -e "$dir/keys-$most.bin" ]; then
	[ -d "$books" ] || { echo "ann.sh: no books in $books: fotbench data fetch books" >&2; exit 1; }
	for book in "$books"/anarchism*.txt "$books"/kjv*.txt "$books"/tdavid*.txt; do
		"$fotbench" tokenize -m model/zoo/lm-fot --text "$book" --no-bos -q
	done | "$ann" keys model/zoo/lm-fot "$most" 256 "$dir/keys-$most.new"
	mv "$dir/keys-$most.new" "$dir/keys-$most.bin"
fi
faiss=
if [ -e /usr/include/faiss/IndexFlat.h ] && command -v g++ >/dev/null; then
	faiss=$dir/faiss_flat
	g++ -O2 -fopenmp tests/bench/faiss_flat.cc -o "$faiss" -lfaiss -lopenblas
fi

echo "entries,queries,head_dim,memory,build_s,memory_bytes,query_us,exact_query_us,times_exact,recall,mass"
for size in $sizes; do
	for turn in 1 2 3; do
		"$ann" measure "$dir/keys-$most.bin" "$size" knn:32 knn:128 | tail -n +2
		[ -z "$faiss" ] || "$faiss" "$dir/keys-$most.bin" "$size" 32 128
	done
	"$ann" measure "$dir/keys-$most.bin" "$size" int8:32 int8:128 ivf:32,probe={8,16,24,32,64} ivf:128,probe={16,32,48,64} \
		hnsw:32,ef={64,96,128,192} hnsw:128,ef={128,256,384} | tail -n +2
done
