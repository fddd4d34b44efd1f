#!/bin/sh
# Installs the program with what it reads, manual pages, completions and documents, or removes them again.
#
#   base/install.sh FOLDER PROGRAM     into FOLDER/bin, FOLDER/share
#   base/install.sh --remove FOLDER    what FOLDER/share/fotbench/installed lists, and nothing else
#
# Paths in that list are relative to FOLDER. Folders that the installation made end in a slash, and are removed where
# they are empty; FOLDER itself, where it made that, is "./", and each folder above it "../".
set -eu
umask 022
export LC_ALL=C
removing=
if [ "${1:-}" = --remove ]; then
	removing=1
	shift
fi
to=${1:?install: no folder}
case $to in
/*) ;;
*)
	echo "install: $to: expected an absolute path (DESTDIR and PREFIX)" >&2
	exit 2
	;;
esac
list=$to/share/fotbench/installed

# The list is read before it goes. Sorted backwards, the deepest folder is first, FOLDER and those above it last.
remove() {
	[ -f "$list" ] || return 0
	paths=$(cat "$list")
	printf '%s\n' "$paths" | grep -v '/$' | while IFS= read -r path; do rm -f "$to/$path"; done
	above=$to
	printf '%s\n' "$paths" | grep '/$' | sort -r | while IFS= read -r path; do
		case $path in
		../) above=$(dirname "$above") && rmdir "$above" 2>/dev/null || : ;;
		./) rmdir "$to" 2>/dev/null || : ;;
		*) rmdir "$to/$path" 2>/dev/null || : ;;
		esac
	done
}

if [ -n "$removing" ]; then
	remove
	exit 0
fi
program=${2:?install: no program}
cd "$(dirname "$0")/.."
remove # what an older one had
made=
# also of an installation that was broken off
keep_list() { [ ! -d "$to/share/fotbench" ] || printf '%sshare/fotbench/installed\n' "$made" >"$list"; }
trap keep_list EXIT

# The folders above PATH.
above() {
	dir=$(dirname "$1")
	[ ! -d "$dir" ] || return 0
	above "$dir"
	dir=$(dirname "$1")
	mkdir "$dir"
	made="$made../
"
}
# folder PATH: below $to, with those above it
folder() {
	[ ! -d "$to/$1" ] || return 0
	if [ "$1" = . ]; then
		above "$to"
		mkdir "$to"
	else
		folder "$(dirname "$1")"
		mkdir "$to/$1"
	fi
	made="$made$1/
"
}
# put MODE FOLDER FILE...
put() {
	mode=$1 where=$2
	shift 2
	folder "$where"
	for file; do
		[ -f "$file" ] || continue
		made="$made$where/$(basename "$file")
"
		install -m "$mode" "$file" "$to/$where/"
	done
}
# printed FOLDER NAME WORD...: what `fotbench help WORD...` prints
printed() {
	where=$1 name=$2
	shift 2
	folder "$where"
	made="$made$where/$name
"
	"$program" help "$@" >"$to/$where/$name"
}

folder share/fotbench # the list's
put 755 bin "$program"
for where in harness/specs model/train/recipes datasets/templates datasets/manifests plots results/paper tests/regress; do
	put 644 "share/fotbench/$where" "$where"/*.json "$where"/*.gp "$where"/*.csv "$where"/*.txt
done
for model in model/zoo/*/; do
	case $model in
	model/zoo/ft-*) continue ;; # trained here: make ablations
	esac
	for file in README.md config.json model.safetensors recipe.json tokenizer.model train.csv valid.csv; do
		put 644 "share/fotbench/${model%/}" "$model$file"
	done
done
put 644 share/fotbench/model/zoo model/zoo/README.md
put 644 share/doc/fotbench README.md CHANGELOG.md CITATION.cff CONTRIBUTING.md LICENSE
put 644 share/doc/fotbench/docs docs/*.md
put 644 share/doc/fotbench/results/reference/decay/plots results/reference/decay/plots/perplexity.svg

printed share/man/man1 fotbench.1 man
for command in $("$program" help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
	printed share/man/man1 "fotbench-$command.1" man "$command"
done
printed share/bash-completion/completions fotbench completion bash
printed share/zsh/site-functions _fotbench completion zsh
printed share/fish/vendor_completions.d fotbench.fish completion fish
