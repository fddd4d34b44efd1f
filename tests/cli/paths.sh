#!/usr/bin/env bash
# One rule for the names of files: as written, beside the spec, in the repository, shipped under a bare name.
. "$(dirname "$0")/common.bash"
make_experiment
few() { "$fotbench" "$@" --dry-run -t 1; }
ask() { few perplexity -m "$1" -d docs/ --context-lengths 512 --documents 1 --memory none; }

mkdir -p beside/docs && mv tiny2 beside/ && cp docs/d1.txt beside/docs/
cat >beside/spec.json <<-EOS
{ "models": [ { "path": "tiny2", "memory": ["none"] } ],
  "tasks": [ { "task": "perplexity", "datasets": ["docs/"], "context_lengths": [32], "target_tokens": 32 } ] }
EOS
prints paths_beside_the_spec ', 7 items' "$fotbench" validate beside/spec.json
if [ -d "$root/model/zoo/lm-fot" ]; then
	prints paths_in_the_repository '^lm-fot/fot/none' ask model/zoo/lm-fot
	prints paths_shipped_model '^lm-fot/fot/none' ask lm-fot
	mkdir lm-fot
	exits paths_working_folder_first 5 'lm-fot.*config.json' ask lm-fot
	rmdir lm-fot
	check paths_score_finds_it "$fotbench" score -m lm-fot --text docs/short.txt --out s.csv
	mkdir -p texts/train texts/valid && cp docs/d1.txt texts/train/ && cp docs/d1.txt texts/valid/
	sed 's#"books"#"./texts"#; s#^ *8$#2#; s#"window": 512#"window": 16#; s#"steps": 200#"steps": 20#' "$root/model/train/recipes/fine-tune.json" >tune.json
	exits paths_train_finds_it 0 'M parameters' "$fotbench" train tune.json --from lm-local --dry-run
	prints paths_inspect_finds_it 'lm-fot' "$fotbench" inspect lm-fot
else
	echo "skip paths_shipped_model: no model/zoo/lm-fot"
fi
exits paths_missing_model_names_all_places 5 'no-such: no such model; looked for it as well at .*/no-such, .*model/zoo/no-such' ask no-such
exits paths_train_from_nowhere 5 'no-such: no such model; looked for it as well at .*/no-such, .*model/zoo/no-such' \
	"$fotbench" train fine-tune --from no-such --dry-run
sed 's/tiny2/gone/' beside/spec.json >beside/gone.json
exits paths_missing_names_the_spec_s_folder 5 'gone: no such model; looked for it as well at beside/gone, .*model/zoo/gone' \
	"$fotbench" validate beside/gone.json
exits paths_model_is_a_file 5 'docs/d1.txt: expected the folder of a model, got a file' ask docs/d1.txt
for name in scratch-fot model/zoo/scratch-fot; do # has a recipe, and no place in the zoo
	[ -e "$root/model/zoo/scratch-fot" ] || exits "paths_missing_model_has_a_recipe_$name" 5 \
		"error: perplexity: $name: no such model; train it: fotbench train .*model/train/recipes/scratch-fot.json -o $name\$" ask "$name"
done
exits paths_missing_dataset 5 'nowhere: no such file or folder, and dataset .nowhere. is not installed in .*; run: fotbench data fetch nowhere' \
	few perplexity -m tiny -d nowhere --context-lengths 64
exits paths_missing_text 5 'no/docs: no such text; looked for it as well at .*/no/docs' few perplexity -m tiny -d no/docs --context-lengths 64
mkdir -p beside/sub && printf 'id,body,topic\n%s' "$(for i in $(seq 12); do echo "$i,word $i,$((i % 2))"; done)" >beside/sub/set.csv
for i in $(seq 8); do echo "other $i,$((i % 2))"; done | cat <(echo body,topic) - >beside/sub/more.csv
cp beside/sub/set.csv beside/sub/more.csv .
cat >beside/few.json <<-EOS
{ "models": [ { "path": "tiny", "memory": ["none"] } ], "window": 64, "tasks": [ { "task": "fewshot", "datasets": ["sub/set.csv?text=body&label=topic&holdout=0.3"],
  "context_lengths": [256], "shots": [0], "demo_seeds": 1 } ] }
EOS
prints paths_set_with_options_beside_the_spec 'valid: ' "$fotbench" validate beside/few.json
prints paths_labelled_sets_are_counted ' 1 dataset, 1 item' "$fotbench" validate beside/few.json
[ ! -d "$root/model/zoo/lookup-fot" ] || prints paths_shipped_spec_with_its_suffix '^lookup-16m.json: valid: ' "$fotbench" validate lookup-16m.json
exits paths_missing_spec 2 'no-such: no such spec; looked for it as well at .*harness/specs/no-such.json' "$fotbench" validate no-such
for i in $(seq 12); do echo "{\"id\":\"$i\",\"text\":\"word $i\",\"label\":\"$((i % 2))\",\"split\":\"$([ "$i" -le 4 ] && echo test || echo train)\"}"; done >set.jsonl
shots() { few fewshot -m tiny -d set.jsonl --window 64 --context-lengths 256 --shots 0 --demo-seeds 1 --template "$1"; }
prints paths_shipped_template '^tiny/tiny/' shots plain
exits paths_missing_template 5 'wording: no such template; looked for it as well at .*datasets/templates/wording.json' shots wording
if [ -d "$root/model/zoo/bpe-2k" ]; then
	prints paths_shipped_tokenizer '^\[1,' "$fotbench" tokenize -m bpe-2k --text docs/short.txt
	prints paths_tokenizer_of_a_model '^\[' "$fotbench" tokenize -m lm-fot --text docs/short.txt
fi
cp "$root/model/train/recipes/lm-local.json" beside/r.json
mkdir beside/tok && cp "$root/model/zoo/bpe-2k/tokenizer.model" beside/tok/ && sed -i 's#model/zoo/bpe-2k/tokenizer.model#tok/gone.model#' beside/r.json
exits paths_missing_tokenizer_of_a_recipe 5 'tok/gone.model: no such tokenizer; looked for it as well at beside/tok/gone.model' \
	"$fotbench" train beside/r.json -o trained -q -t 1
sed -i 's#tok/gone.model#tok/tokenizer.model#; s#"name": "books"#"name": "no-such-set"#' beside/r.json
exits paths_tokenizer_beside_its_recipe 5 'no-such-set' "$fotbench" train beside/r.json -o trained -q -t 1 --store .
exits paths_tokenizer_beside_its_recipe_in_a_dry_run 5 'no-such-set' "$fotbench" train beside/r.json --dry-run --store .
exits paths_missing_recipe 5 'no-such: no such recipe; looked for it as well at .*model/train/recipes/no-such.json' "$fotbench" train no-such -o trained
prints paths_help 'model/zoo/NAME' "$fotbench" help paths
# several files of one labelled set: each beside the spec; on the command line one dataset
sed 's/"datasets": .*\],/"datasets": ["train:sub\/set.csv,test:sub\/more.csv?text=body\&label=topic\&id="],/' beside/few.json >beside/two.json
prints paths_sources_beside_the_spec ' 1 dataset, 1 item' "$fotbench" validate beside/two.json
sources() { "$fotbench" fewshot -m tiny --window 64 --memory none -d 'train:./set.csv,test:./more.csv?text=body&label=topic&id=' --shots 1 --context-lengths 64 --demo-seeds 1 -o sources -q; }
check paths_sources_on_the_command_line sources
check paths_sources_are_one_dataset bash -c 'tr -d " \n" <sources/manifest.json | grep -qF "\"datasets\":[\"train:./set.csv,test:./more.csv?text=body&label=topic&id=\"]"'
