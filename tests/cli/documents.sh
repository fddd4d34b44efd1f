#!/usr/bin/env bash
# What is read of the files a user has, what is left out and said, and what of it is counted.
. "$(dirname "$0")/common.bash"
"$make_checkpoint" tiny hidden=8 mlp=8 layers=1 heads=1 window=16 mem=0 || exit 1
export FOTBENCH_DATA=$work/store
text=$(head -c 200 "$root/LICENSE" | tr '\n"\\' '   ')
on() { timeout 30 "$fotbench" perplexity -m tiny --memory dense --context-lengths 16 --target-tokens 32 -t 1 -q --no-timings -d "$1" -o "$2" --overwrite 2>"$2.err" >"$2.out"; }
on_shown() { timeout 30 "$fotbench" perplexity -m tiny --memory dense --context-lengths 16 --target-tokens 32 -t 1 -q -d "$1" -o never; }
ids() { tail -n +2 "$1/perplexity.csv" | cut -d, -f 11 | sort | tr '\n' ' '; }
read_as() { on "$1" out && [ "$(ids out)" = "$2" ] || { ids out; cat out.err; return 1; }; } # DATASET IDS

# links
mkdir real mix all
echo "$text a" >mix/a.txt && echo "$text b" >real/b.txt && cp mix/a.txt real/c.txt
ln -s ../real/b.txt mix/b.txt && ln -s ../real all/real
check documents_links_to_files read_as mix 'a b '
check documents_links_to_folders read_as all 'real/b real/c '
ln -s gone.txt all/lost.txt
exits documents_link_to_nowhere 5 'all/lost.txt: cannot stat.*link that leads nowhere' on_shown all
rm all/lost.txt

# one file, plain and packed
cp real/b.txt book.txt && gzip -k book.txt
check documents_one_text read_as ./book.txt 'book '
check documents_one_text_packed read_as book.txt.gz 'book '
for i in 1 2 3; do echo "{\"content\":\"$text $i\",\"id\":$i,\"meta\":{\"set\":\"$([ $i = 2 ] && echo ArXiv || echo Web)\"}}"; done >r.jsonl
gzip -k r.jsonl
check documents_packed_records read_as './r.jsonl.gz?text=content' '1 2 3 '
check documents_where read_as './r.jsonl?text=content&where=meta.set:Web' '1 3 '
check documents_where_is_said grep -q 'records that where= does not take: 1' out.err
check documents_where_is_in_the_manifest grep -q '"records_left_out": 1' out/manifest.json
echo 'It was a dark and stormy night.' >book.md
exits documents_other_kind 5 'book.md: expected a folder of .txt files, or a file .txt or .jsonl' on_shown ./book.md

# what is left out, and what is there twice
mkdir some && cp mix/a.txt some/a.txt && cp mix/a.txt some/again.txt && : >some/empty.txt && echo x >some/notes.md && echo x >some/.hidden.txt
check documents_what_is_left_out read_as some 'a again empty '
said='^warning: some: files of other kinds, left out: 1; hidden, left out: 1; empty documents: 1; documents with the text of an earlier one: 1 (.hidden.txt, ...)$'
check documents_say_so grep -q "$said" out.err
in_manifest() { local k; for k in other_files_left_out hidden_files_left_out empty_documents repeated_documents; do grep -q "\"$k\": 1" out/manifest.json || return 1; done; }
check documents_manifest_says_so in_manifest

# The targets are "the cat the cat the cat the cat the cat the": 11 words, 43 bytes with one blank
# between them, 40 more with five.  Bytes and words are those of the text, also where the tokenizer squeezes blanks
"$make_checkpoint" squeezing vocab=2048 tokenizer=spm seed=3 blocks=0 positionals=1 qknorm=0 window=16 last=16 mem=1
{ cat "$root/model/zoo/bpe-2k/tokenizer.model" && printf '\32\2\40\1'; } >squeezing/tokenizer.model
words=$(for i in $(seq 40); do printf 'the cat '; done)
mkdir one five && printf '%s' "$words" >one/a.txt && printf '%s' "${words// /     }" >five/a.txt
count() { "$fotbench" perplexity -m squeezing --memory none --context-lengths 16 --target-tokens 16 -t 1 -q -d "$1" -o c --overwrite >/dev/null 2>&1 && cut -d, -f 14-16 c/perplexity.csv | tail -n 1; }
counts() { [ "$(count one)" = "$1" ] && [ "$(count five)" = "$2" ] || { count one; count five; return 1; }; }
check documents_bytes_are_the_texts_own counts 16,11,43 16,11,83

# An installed text that is not the one of its manifest: the run warns of it and names it.
"$make_checkpoint" pinless seed=1 || exit 1
mkdir -p manifests/package
for name in one two three; do head -c 1500 "$root/LICENSE" | tail -c 1000 | sed "s/the/$name/" >"manifests/package/$name.txt"; done
pin() { printf '{"id": "%s", "split": "test", "package": "p", "include": ["%s.txt"], "bytes": %d, "sha256": "%s"}' "$1" "$1" \
	"$(wc -c <"manifests/package/$1.txt")" "$(sha256sum <"manifests/package/$1.txt" | cut -d' ' -f1)"; }
printf '{"format": "fotbench-manifest-1", "dataset": "own",\n "packages": [{"name": "p", "registry": "dir", "path": "package"}],\n "documents": [%s, %s, %s]}\n' \
	"$(pin one)" "$(pin two)" "$(pin three)" >manifests/own.json
reads() { "$fotbench" perplexity -m pinless --memory none -d own --store store --context-lengths 32 --target-tokens 32 -o "$1" --no-timings; }
not_pinned() { tr -d ' \n' <"$1/manifest.json" | grep -oE '"not_pinned":\[[^]]*\]'; }
installed() { "$fotbench" data fetch --store store --manifests manifests -q; }
as_pinned() { installed && reads plain 2>err && ! grep -q pinned err && ! not_pinned plain; }
check documents_pinned_are_not_listed as_pinned
of_another_edition() {
	for i in one three; do echo "another edition" >>"manifests/package/$i.txt"; done
	rm store/own/index.json && installed && reads other 2>err && [ "$(not_pinned other)" = '"not_pinned":["one","three"]' ] &&
		[ "$(grep -c '^warning: own: documents that are not the pinned ones: 2$' err)" = 1 ]
}
check documents_not_pinned_are_listed of_another_edition
