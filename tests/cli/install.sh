#!/usr/bin/env bash
# make install, uninstall and deb; the installed program from an empty folder without an environment; manual pages and
# completions out of the tables of options.
. "$(dirname "$0")/common.bash"
prefix=/opt/fotbench
dest=$work/dest
bin=$dest$prefix/bin/fotbench
share=$dest$prefix/share
mkdir -p empty home

# As the program under test was built, so that nothing is compiled again.
flags=$(cat "$root/build/$variant/flags" 2>/dev/null)
opt=${flags#*-D_GNU_SOURCE } werror=
[[ $flags == *-Werror* ]] && werror=1
build() { env -u MAKEFLAGS -u MAKELEVEL make -s -C "$root" VARIANT="$variant" CC="${flags%% -std=c11*}" OPT="${opt%% -g*}" WERROR=$werror "$@" >&2; }
if [ -z "$flags" ] || ! command -v make >/dev/null; then
	echo "skip install: no make, or not built by it"
	exit 0
fi

# --- install ---
check install_into_a_destdir build install DESTDIR="$dest" PREFIX="$prefix"
[ -x "$bin" ] || exit 0
find "$dest" | sort >first
build install DESTDIR="$dest" PREFIX="$prefix" && find "$dest" | sort >second
check install_twice_is_the_same diff first second
touch "$share/fotbench/mine"
ln -s "$bin" link
bare() { (cd "$work/empty" && env -i HOME="$work/home" "$@"); }
prints install_through_a_link "^manifests: +$share/fotbench/datasets/manifests\$" bare "$work/link" --version
prints install_store_of_the_user "^datasets: +$work/home/.local/share/fotbench/store\$" bare "$work/link" --version
prints install_store_of_xdg "^datasets: +/data/fotbench/store\$" bare XDG_DATA_HOME=/data "$work/link" --version
prints install_store_not_of_a_relative_xdg "^datasets: +$work/home/.local/share/fotbench/store\$" bare XDG_DATA_HOME=data "$work/link" --version
prints install_store_without_a_home "^datasets: +$(getent passwd "$(id -u)" | cut -d: -f6 | sed 's#/$##')/.local/share/fotbench/store\$" \
	env -i "$work/link" --version
prints install_store_that_is_given '^datasets: +/given$' bare FOTBENCH_DATA=/given "$work/link" --version
check install_version_tells bash -c 'for of in compiler flags BLAS processor kernels; do "$0" --version | grep -q "^$of: *[^ ]" || exit 1; done' "$work/link"
mkdir moved && cp -R "$dest$prefix/." moved/
prints install_moved_as_a_whole "^manifests: +$work/moved/share/fotbench/datasets/manifests\$" bare "$work/moved/bin/fotbench" --version
cp "$bin" copied
prints install_copied_away "^manifests: +datasets/manifests \\(not there\\)\$" bare "$work/copied" --version # /opt/fotbench is not there
build installed PREFIX="$dest$prefix" && cp "$root/build/$variant/installed/fotbench" copied
prints install_copied_away_finds_its_prefix "^manifests: +$share/fotbench/datasets/manifests\$" bare "$work/copied" --version
cp "$fotbench" built
prints install_copied_build_finds_its_checkout "^manifests: +$root/datasets/manifests\$" bare "$work/built" --version

before=$(find "$share" -type f -newer first | sort)
head -c 20000 "$root/LICENSE" >text.txt
check install_shipped_model_and_results bare "$work/link" perplexity -m lm-fot -d "$work/text.txt" --context-lengths 512 \
	--split all --target-tokens 64 --memory none -o "$work/out" -q -t 1
check install_shipped_spec_and_texts bare "$work/link" run regress --dry-run -t 1
check install_shipped_claims_and_figures bare "$work/link" report "$work/out" -q
prints install_shipped_manifests '^books +absent' bare "$work/link" data list books
check install_shipped_template bash -c '[ -s "$0/datasets/templates/plain.json" ] && [ -s "$0/plots/style.gp" ] && [ -s "$0/model/train/recipes/lm-fot.json" ]' "$share/fotbench"
check install_writes_nothing_into_prefix test "$before" = "$(find "$share" -type f -newer first | sort)"

# --- manual pages and completions ---
commands=$("$fotbench" help | sed -n 's/^  \([a-z]*\)  .*/\1/p')
pages() { local c; for c in $commands; do [ -s "$share/man/man1/fotbench-$c.1" ] || { echo "$c"; return 1; }; done; [ -s "$share/man/man1/fotbench.1" ]; }
check install_a_page_for_each_command pages
# options COMMAND: those that --help has
options() { "$fotbench" "$1" --help | sed -n 's/^  .\{4\}\(--[a-z0-9-]*\).*/\1/p' | sort; }
told() { # PROGRAM of the options that a page or script tells for a command, on stdin
	local c
	for c in $commands; do
		[ "$c" = help ] || diff <(options "$c") <("$1" "$c" | sort) >"$work/.told" || { echo "$c: $(cat "$work/.told")"; return 1; }
	done
}
in_page() { sed -n 's/^\(\\fB\\-.\\fR, \)\{0,1\}\\fB\(\\-\\-[^ ]*\)\\fR.*/\2/p' "$share/man/man1/fotbench-$1.1" | sed 's/\\fR.*//; s/\\//g'; }
in_bash() { awk -v c="$1" '$0 == "\t" c ")" { on = 1 } on && /options=/ { gsub(/.*=.--help ?|.$/, ""); gsub(/ /, "\n"); if ($0 != "") print; exit }' "$share/bash-completion/completions/fotbench"; }
in_zsh() { awk -v c="$1" '$0 == c ")" { on = 1; next } on && /^\t;;/ { exit } on' "$share/zsh/site-functions/_fotbench" | sed -nE "s/^\t\t('\*'|'\([^)]*\)')?\{?(-.\+?,)?(--[a-z0-9-]+).*/\3/p"; }
in_fish() { sed -n "s/^complete -c fotbench -n '__fotbench_is $1' -l \([a-z0-9-]*\) .*/--\1/p" "$share/fish/vendor_completions.d/fotbench.fish"; }
for where in page bash zsh fish; do check "install_${where}_has_each_option" told "in_$where"; done
if command -v groff >/dev/null; then
	warns() { ! groff -man -Tascii -ww -z "$share"/man/man1/*.1 2>&1 | grep .; }
	check install_pages_without_warnings warns
	prints install_page_is_read '^ +-o, --output DIR$' groff -man -Tascii -P-cbou "$share/man/man1/fotbench-run.1"
	prints install_page_keeps_signs '^ +help +this list; help columns' groff -man -Tascii -P-cbou "$share/man/man1/fotbench.1"
else
	echo "skip install_pages_without_warnings: no groff"
fi
if command -v man >/dev/null && MANPAGER=cat man -l "$share/man/man1/fotbench.1" >.page 2>/dev/null; then
	check install_man_reads_it grep -q 'OMP_WAIT_POLICY' .page
else
	echo "skip install_man_reads_it: no man"
fi

completed() { # WORD...: what bash completes for the last, on one line
	bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _fotbench; printf "%s\n" "${COMPREPLY[@]}" | sort | tr "\n" " "' - \
		"$share/bash-completion/completions/fotbench" "$@"
}
completes() { local name=$1 expected=$2; shift 2; local got=$(completed "$@"); if [ "$got" = "$expected" ]; then ok "$name"; else not_ok "$name" "$got"; fi; }
check install_bash_parses bash -n "$share/bash-completion/completions/fotbench"
completes install_bash_commands 'report run ' fotbench r
completes install_bash_options '--progress ' fotbench run --prog
completes install_bash_choices 'auto off on ' fotbench run --progress ''
completes install_bash_choices_behind_a_sign 'off on ' fotbench run --progress = o
completes install_bash_choices_at_a_sign 'auto off on ' fotbench run --progress =
completes install_bash_actions 'fetch ' fotbench data f
completes install_bash_topics 'columns commands completion ' fotbench help co
mkdir -p "choose/a folder" && touch choose/file
cd choose && completes install_bash_folders 'a folder ' fotbench run -o '' && completes install_bash_files 'a folder file ' fotbench run '' && cd ..
for shell in zsh fish; do
	if command -v $shell >/dev/null; then
		"$fotbench" help completion $shell >script
		check "install_${shell}_parses" $shell -n script
	else
		echo "skip install_${shell}_parses: no $shell"
	fi
done
exits install_no_such_shell 2 'expected bash, zsh or fish, got "csh"' "$fotbench" help completion csh
exits install_no_shell 2 'expected bash, zsh or fish, got ""' "$fotbench" help completion
exits install_no_such_page 2 'unknown command "rum"; did you mean run' "$fotbench" help man rum

# --- uninstall ---
build uninstall DESTDIR="$dest" PREFIX="$prefix"
check install_removed_but_what_is_not_ours diff <(find "$dest" -type f) <(echo "$share/fotbench/mine")
rm "$share/fotbench/mine"
build install DESTDIR="$work/other" PREFIX="$prefix" && mkdir -p "$work/other$prefix" && build uninstall DESTDIR="$work/other" PREFIX="$prefix"
check install_removed_without_a_trace test ! -e "$work/other"
mkdir -p used/bin used/share && build install DESTDIR= PREFIX="$work/used" && build uninstall PREFIX="$work/used"
check install_leaves_the_folders_of_others diff <(cd used && find . | sort) <(printf '%s\n' . ./bin ./share)
printf '#!/bin/sh\n[ "$2" != man ]\n' >broken && chmod +x broken
check install_broken_off_fails bash -c '! sh "$0/base/install.sh" "$PWD/part" "$PWD/broken"' "$root"
check install_broken_off_is_removed bash -c '[ -e part/bin/broken ] && sh "$0/base/install.sh" --remove "$PWD/part" && [ ! -e part ]' "$root"
exits install_into_a_relative_folder 2 '' bash -c 'sh "$0/base/install.sh" here "$1" || { rc=$?; echo "error"  >&2; exit $rc; }' "$root" "$fotbench"

# --- the package ---
if [ "$variant" != release ] || ! command -v dpkg-shlibdeps >/dev/null || ! command -v dpkg-deb >/dev/null; then
	echo "skip install_deb: not the release build, or no dpkg-dev"
	exit 0
fi
check install_deb build deb MACHINES=release DEB="$work/deb"
deb=$(echo deb/fotbench_*.deb)
dpkg-deb -c "$deb" | awk '{ print $1, $2, $6 }' >list
check install_deb_belongs_to_root bash -c '! grep -v " root/root " list'
check install_deb_holds bash -c 'for f in bin/fotbench share/man/man1/fotbench-run.1.gz share/bash-completion/completions/fotbench \
	share/zsh/vendor-completions/_fotbench share/fish/vendor_completions.d/fotbench.fish share/doc/fotbench/copyright \
	share/fotbench/model/zoo/lm-fot/model.safetensors share/fotbench/harness/specs/quick.json; do grep -q " ./usr/$f$" list || { echo "$f"; exit 1; }; done'
check install_deb_is_under_usr bash -c '! grep -vE " \./(usr/.*)?$" list'
# each library of the program is in a package that is depended on
needed() {
	local library package depends=$(dpkg-deb -f "$deb" Depends)
	for library in $(objdump -p unpacked/usr/bin/fotbench | awk '$1 == "NEEDED" { print $2 }'); do
		[[ $library == lib[cm].so.6 || $library == ld-linux* ]] && package=libc6 ||
			package=$(grep -hE "^(.*: )?${library%%.so*} ${library##*.so.} " /var/lib/dpkg/info/*.shlibs | awk '{ print $3; exit }')
		[[ " $depends" == *" ${package:-none }"* ]] || { echo "$library: $package"; return 1; }
	done
	[[ $depends == *'libopenblas0-pthread | libopenblas0-openmp'* ]]
}
dpkg-deb -x "$deb" unpacked
check install_deb_depends_on_its_libraries needed
check install_deb_sums bash -c 'dpkg-deb -e "$1" control && cd unpacked && md5sum -c --quiet ../control/md5sums' - "$deb"
prints install_deb_runs "^manifests: +$work/unpacked/usr/share/fotbench/datasets/manifests\$" bare "$work/unpacked/usr/bin/fotbench" --version
# which build is started: the best that is there and that the processor has
cat >probe.c <<-'EOS'
	#include <stdio.h>
	#include "harness/plan/place.h"
	int main(void)
	{
		struct fot_str out = FOT_STR_INIT;

		puts(fot_place_faster(&out) ? out.data : "this one");
		fot_str_release(&out);
	}
EOS
if [ "$(uname -m)" = x86_64 ] && grep -qw avx2 /proc/cpuinfo && grep -qw fma /proc/cpuinfo; then
	for machine in x86-64 x86-64-v3 x86-64-v4; do
		mkdir -p "unpacked/usr/lib/fotbench/$machine"
		gcc -std=c11 -D_GNU_SOURCE -march=$machine -I"$root" '-DFOT_SHIPPED=""' probe.c "$root/harness/plan/place.c" "$root/harness/plan/prefix.c" \
			"$root/build/$variant/libfotbench.a" -fopenmp -o "unpacked/usr/lib/fotbench/$machine/probe"
	done
	cp unpacked/usr/lib/fotbench/x86-64/probe unpacked/usr/bin/probe
	there() { (cd unpacked/usr/lib/fotbench && rm -f ./*/fotbench && for m; do cp x86-64/probe "$m/fotbench"; done); }
	most=v3
	[ "$(grep -m 1 ^flags /proc/cpuinfo | grep -owE 'avx512(f|bw|cd|dq|vl)' | wc -l)" = 5 ] && most=v4
	at() { echo "/../../lib/fotbench/x86-64-$1/fotbench\$"; }
	prints install_no_faster_build_there '^this one$' unpacked/usr/bin/probe
	there x86-64-v3
	prints install_faster_build "$(at v3)" unpacked/usr/bin/probe
	there x86-64-v3 x86-64-v4
	prints install_fastest_build "$(at $most)" unpacked/usr/bin/probe
	[ $most != v4 ] || prints install_faster_than_v3 "$(at v4)" unpacked/usr/lib/fotbench/x86-64-v3/probe
	[ $most != v4 ] || prints install_not_itself_again '^this one$' unpacked/usr/lib/fotbench/x86-64-v4/probe
	there x86-64-v3 && chmod -x unpacked/usr/lib/fotbench/x86-64-v3/fotbench
	prints install_faster_build_that_cannot_start '^this one$' unpacked/usr/bin/probe
else
	echo "skip install_fastest_build: this processor has but one"
fi
