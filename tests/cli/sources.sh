#!/usr/bin/env bash
# Labelled sets of installed packages, made up here: listed, asked for, trained on, and kept apart.
. "$(dirname "$0")/common.bash"
export FOTBENCH_DATA=$work/store
mkdir -p manifests/package
sum() { sha256sum "manifests/package/$1" | cut -d' ' -f1; }

# manifest NAME ID: one document ID of the file NAME
manifest() {
	cat >"manifests/$1.json" <<EOF
{"format": "fotbench-manifest-1", "dataset": "$1", "packages": [{"name": "p", "registry": "dir", "path": "package"}],
 "documents": [{"id": "$2", "split": "train", "package": "p", "include": ["$1"],
  "bytes": $(wc -c <"manifests/package/$1"), "sha256": "$(sum "$1")"}]}
EOF
}

# source OFFSET WORD: four kinds of 45 words below a word
source_of() {
	local i
	printf '%08d 03 n 01 %s 0 000 | top\n' "$1" "$2"
	for i in 1 2 3 4; do printf '%08d 03 n 01 %s_%d 0 001 @ %08d n 0000 | kind\n' $(($1 + i)) "$2" "$i" "$1"; done
	for i in $(seq 0 179); do
		printf '%08d %02d n 01 x 0 001 @ %08d n 0000 | one %s of the sort %d, number %d; "said so"\n' \
			$(($1 + 10 + i)) $((i % 2 ? 5 : 18)) $(($1 + 1 + i % 4)) "$2" $((i % 4)) "$i"
	done
}
{ source_of 1000 ware; source_of 2000 deed; source_of 7555863 food; } >manifests/package/wordnet
for i in $(seq 1 60); do
	printf 'Word \\Word\\, n. (Zool.)\n   A beast of kind %d.\n   [1913 Webster]\n\n   2. (Bot.) A plant of kind %d.\n\n' "$i" "$i"
	printf '   3. (Anat.) A limb of kind %d.\n\n   {Old word} (Law), a rule of kind %d.\n\n' "$i" "$i"
done >manifests/package/gcide
for i in $(seq 1 30); do
	printf 'word%d\n\n   <language, tool> A {language} for numbers up to %d.\n\n   (1995-01-02)\n\n' "$i" "$i"
	printf 'thing%d\n\n   <networking> A page that shows %d pictures.\n\nrare%d\n\n   <abuse> A subject of few words.\n\n' "$i" "$i" "$i"
done >manifests/package/foldoc
manifest wordnet noun
manifest gcide gcide
manifest foldoc foldoc
check sources_fetched "$fotbench" data fetch -q --manifests manifests

"$fotbench" data list --sets --manifests manifests >list
lists() { diff <(grep '^  ' list | tr -s ' ') - >&2; }
check sources_listed lists <<'EOF'
 foldoc 2 classes 60 texts for evaluation
 foldoc?labels=coarse 2 classes 60 texts for evaluation
 gcide 2 classes 120 texts
 gcide-held-out 2 classes 120 texts for evaluation
 wordnet 3 classes 555 texts
 wordnet?labels=coarse 2 classes 540 texts
 wordnet?hypernym=ware 4 classes 180 texts
 wordnet?hypernym=deed 4 classes 180 texts
 wordnet-held-out?hypernym=food 4 classes 180 texts for evaluation
EOF

"$make_checkpoint" tiny seed=1 || exit 1
few() { "$fotbench" fewshot -m tiny --window 128 --context-lengths 1k -o out --overwrite --shots 4 --demo-seeds 1 --items 2 --memory dense -d "$1"; }
says() { few "$1" && grep -qF "$2" out/samples/fewshot.jsonl; }
check sources_foldoc says foldoc 'Computing term: '
check sources_gcide says gcide-held-out 'Subject: law'
check sources_wordnet says 'wordnet-held-out?hypernym=food' 'Topic: food 1'
exits sources_other_side 2 "'food' is held out for evaluation: wordnet-held-out\?hypernym=food" few 'wordnet?hypernym=food'
exits sources_pattern_is_none 2 'expected the name of one source, got a pattern' few 'wordnet?hypernym=*'

mkdir -p text/train text/valid
for i in 1 2; do head -c 60000 "$root/datasets/labelled.c" | tail -c +$((i * 900)) >"text/train/$i.txt"; done
head -c 60000 "$root/datasets/text.c" >text/valid/1.txt
# learn OUT LABELLED: three steps on episodes of at most 8 classes
learn() {
	cat >recipe.json <<EOF
{"name": "sources", "variant": "fot", "seed": 3, "tokenizer": "byte",
 "model": {"vocab_size": 258, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 3,
  "num_attention_heads": 2, "max_position_embeddings": 32, "rope_theta": 100, "bos_token_id": 256,
  "eos_token_id": 257, "pad_token_id": 0, "mem_layers": [1], "mem_positionals": false,
  "mem_dtype": "float32", "fot": {"cut": "blocks", "qk_norm": true, "tokenizer": "byte"}},
 "datasets": [{"name": "./text", "weight": 0.001}],
 "generator": {"kind": "episodes", "classes_min": 2, "classes_max": 3, "labelled": $2,
  "template": "datasets/templates/plain.json"},
 "stages": [{"method": "standard", "steps": 3, "window": 32, "batch": 2, "lr": 0.003}],
 "validation": {"every": 0}, "checkpoint_every": 9, "save_dtype": "F32"}
EOF
	"$fotbench" train recipe.json -o "$1" -q -t 1
}
check sources_train learn trained '["wordnet?hypernym=*", "gcide"]'
exits sources_train_held_out 2 'labelled: foldoc is held out for evaluation, not to be trained on' learn no '["gcide", "foldoc"]'
exits sources_train_held_out_of_several 2 'labelled: wordnet-held-out-food is held out' learn no '["wordnet-held-out?hypernym=*"]'
