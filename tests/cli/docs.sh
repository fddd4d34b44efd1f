#!/usr/bin/env bash
# What the documents name is there: links and their headings, paths, commands with their flags, make's targets.
. "$(dirname "$0")/common.bash"
cd "$root" || exit 1
documents=(README.md CONTRIBUTING.md docs/*.md results/README.md model/zoo/README.md tests/*/README.md)

# The text of a document outside code blocks, on one line; the lines of its code blocks without comments.
prose() { awk '/^ *```/ { code = !code; next } !code { printf "%s ", $0 }' "$1"; }
blocks() { awk '/^ *```/ { code = !code; next } code' "$1" | sed 's/[[:space:]]#.*//'; }
spans() { prose "$1" | grep -o '`[^`]*`' | tr -d '`'; }
# Each heading as the name that a link has for it.
headings() { grep '^#' "$1" | sed 's/^#* *//' | tr '[:upper:]' '[:lower:]' | sed 's/[^a-z0-9 _-]//g; s/ /-/g'; }

# links FILE: prints those that lead nowhere
links() {
	local link target heading
	prose "$1" | grep -o ']([^)]*)' | sed 's/^](//; s/)$//' | grep -v '^https\?:' | while read -r link; do
		target=${link%%#*} heading=${link#"${link%%#*}"}
		if [ -n "$target" ]; then target=$(dirname "$1")/$target; else target=$1; fi
		if [ ! -e "$target" ]; then
			echo "$link: no such file"
		elif [ -n "$heading" ] && ! headings "$target" | grep -qxF -- "${heading#\#}"; then
			echo "$link: no such heading"
		fi
	done
}

# NAME and the like stand for any name; what a run or a build makes is not there yet.
there() {
	local pattern
	[ -e "$1" ] && return
	[[ $1 == results/runs/* || $1 == build/* || $1 == datasets/store* ]] && return
	pattern=$(printf %s "$1" | sed -E 's/NAME|MODULE|TASK/*/g')
	compgen -G "$pattern" >/dev/null
}

# paths FILE: prints those under the repository's folders that are not there
paths() {
	local word
	{ spans "$1"; blocks "$1"; } | tr ' ' '\n' | tr -d "'\",;()" |
		grep -E '^(base|model|datasets|tasks|harness|results|plots|tests|docs)/' | sort -u |
		while read -r word; do there "$word" || echo "$word: no such path"; done
}

helps=$work/helps
mkdir "$helps"
"$fotbench" help | awk '/^  [a-z]/ { print $1 }' >"$helps/.names"
while read -r name; do "$fotbench" "$name" --help >"$helps/$name"; done <"$helps/.names"

# command WORD...: prints what of `fotbench WORD...` its --help does not have
command_line() {
	local name=${1:-} word
	[ $# -eq 0 ] || [[ $name == [A-Z]* ]] || [ "$name" = --version ] && return
	if ! grep -qxF -- "$name" "$helps/.names"; then
		echo "fotbench $name: no such command"
		return
	fi
	shift
	if [ "$name" = help ] && [ -n "${1:-}" ] && ! "$fotbench" help "$1" >"$work/.help" 2>&1; then echo "fotbench help $1: no such topic"; fi
	if [ "$name" = data ] && [ -n "${1:-}" ] && ! grep -q "^usage.*\b$1\b" "$helps/data"; then echo "fotbench data $1: no such action"; fi
	for word; do
		case $word in
		--help | -h) ;;
		--*) grep -qE -- "^ +(-., )?${word%%=*}( |\[|\$)" "$helps/$name" || echo "fotbench $name ${word%%=*}: no such flag" ;;
		-[a-z]*) grep -qE -- "^ +$word, " "$helps/$name" || echo "fotbench $name $word: no such flag" ;;
		esac
	done
}

commands() {
	local words
	{ spans "$1"; blocks "$1"; } | grep '^ *fotbench\b' | sed 's/$([^)]*)//g' | tr -d "'\"" | while read -ra words; do
		command_line "${words[@]:1}"
	done
}

targets() {
	local words word
	{ spans "$1"; blocks "$1"; } | grep '^ *make ' | sed 's/"[^"]*"//g; s/\([^ ]\)   *.*/\1/' | while read -ra words; do
		for word in "${words[@]:1}"; do
			[[ $word =~ ^[a-z][a-z-]*$ ]] || break
			sed ':a; /\\$/ { N; s/\\\n//; ba }' Makefile | grep -qE "^([^:=]* )?$word( [^:=]*)?:([^=]|\$)|^LONG *=.* $word( |\$)" ||
				echo "make $word: no such target"
		done
	done
}

# none NAME FUNCTION: ok when FUNCTION prints nothing for any document
none() {
	local name=$1 document found=
	for document in "${documents[@]}"; do
		found+=$("$2" "$document" | sed "s|^|$document: |")
	done
	if [ -z "$found" ]; then ok "$name"; else not_ok "$name" "$(printf %s "$found" | head -5 | tr '\n' ';')"; fi
}

none docs_links_lead_somewhere links
none docs_paths_are_there paths
none docs_commands_have_their_flags commands
none docs_targets_are_in_the_makefile targets

# the test sees what is wrong
printf '# One\n[a](nowhere.md) [b](#one) [c](#two) `fotbench run x --nope` `fotbench nope` `tests/nope.sh` `make nope`\n```\nfotbench help nope   # -z\n```\n' >"$work/bad.md"
documents=("$work/bad.md")
for kind in links paths commands targets; do "$kind" "$work/bad.md"; done >"$work/found"
check docs_faults_are_seen diff "$work/found" - <<-'EOS'
	nowhere.md: no such file
	#two: no such heading
	tests/nope.sh: no such path
	fotbench run --nope: no such flag
	fotbench nope: no such command
	fotbench help nope: no such topic
	make nope: no such target
EOS

# README's spec runs as it stands, with a folder of texts of one's own
awk '/^```json/ { on = 1; next } /^```/ { on = 0 } on' README.md >"$work/my.json"
mkdir -p "$work/my-texts"
for i in 1 2; do { echo "text $i"; cat LICENSE docs/faults.md LICENSE; } >"$work/my-texts/$i.txt"; done
cd "$work" || exit 1
if [ -d "$root/model/zoo/lm-fot" ]; then
	prints docs_spec_of_the_readme 'my.json: valid: 2 models, 4 conditions, 1 dataset, ' "$fotbench" validate my.json
else
	echo "skip docs_spec_of_the_readme: no model/zoo/lm-fot"
fi

# "The flags of fotbench TASK are these keys": each key of help spec has its flag in the command's help.
missing=$("$fotbench" help spec | awk '
	/^[a-z]/ { task = ""; if (match($0, /"task": "[a-z]+"/)) task = substr($0, RSTART + 9, RLENGTH - 10) }
	task && /^  [a-z]/ { key = $1 }
	task && /^   / && key != "task" { flag = "--" key; gsub(/_/, "-", flag); if (match($0, /flag: --.*/)) flag = substr($0, RSTART + 6); print task, flag }' |
	while read -r task flag; do grep -q -- " $flag[ $]" "$helps/$task" || echo "$task $flag"; done)
check docs_keys_have_their_flags test -z "$missing"
check docs_keys_have_flags_of_other_names bash -c '"$0" help spec | grep -q "default: 500; flag: --items$"' "$fotbench"
