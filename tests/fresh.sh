#!/usr/bin/env bash
# The first commands on a fresh Debian 12, as a newcomer would type them.
#
#   tests/fresh.sh FOLDER [COMMAND...]             default: "make test" "make reproduce"
#   tests/fresh.sh --deb FILE FOLDER [COMMAND...]  default: a pass key in 64k tokens, its page
#
# debootstrap makes a minimal system in FOLDER (made anew, 400 MB and more), and each COMMAND runs there under chroot;
# the first that fails ends it. Without --deb the system has git and make, and this checkout's HEAD is cloned into its
# /root/fotbench. With it nothing is added: apt installs FILE (APT="--no-install-recommends": with that option), each
# COMMAND runs as an ordinary user in an empty folder without an environment, and the package is removed again.
# An existing system in FOLDER is used again, its clone made anew. Needs root, debootstrap and a Debian mirror
# (MIRROR; proxies and apt's settings of this machine go along). Nothing outside FOLDER is changed.
set -eu
deb= include=--include=git,make,ca-certificates
if [ "${1:-}" = --deb ]; then
	deb=${2:-} include=
	shift $(($# < 2 ? $# : 2))
	[ -f "$deb" ] || { echo "fresh: --deb: expected a package, got \"$deb\"; make deb" >&2; exit 2; }
fi
[ $# -ge 1 ] || { sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 2; }
root=$1
shift
if [ $# -eq 0 ] && [ -n "$deb" ]; then
	set -- "fotbench passkey -m passkey-fot --context-lengths 64k -o out && fotbench report --html out" \
		"grep -q '\"status\": \"complete\"' out/manifest.json && grep -q 'class=\"chart\" data-figure' out/report.html && fotbench --version"
elif [ $# -eq 0 ]; then
	set -- "make test" "make reproduce"
fi
repo=$(cd "$(dirname "$0")/.." && git rev-parse --show-toplevel)
mirror=${MIRROR:-http://deb.debian.org/debian}
[ "$(id -u)" = 0 ] || { echo "fresh: debootstrap and chroot need root" >&2; exit 1; }

if [ ! -e "$root/etc/debian_version" ]; then
	command -v debootstrap >/dev/null || { echo "fresh: no debootstrap; apt-get install debootstrap" >&2; exit 1; }
	if [ -e "$root" ] && [ -n "$(ls -A "$root")" ]; then
		echo "fresh: $root: neither empty nor a Debian system" >&2
		exit 1
	fi
	echo "fresh: Debian 12 into $root"
	# shellcheck disable=SC2086 # one word or none
	debootstrap --variant=minbase $include bookworm "$root" "$mirror" >"$root.log" 2>&1 ||
		{ echo "fresh: debootstrap failed: $(tail -n 1 "$root.log") ($root.log)" >&2; exit 1; }
	cp /etc/resolv.conf "$root/etc/" 2>/dev/null || :
	apt-config dump | grep -iE '^Acquire::https?::' >"$root/etc/apt/apt.conf.d/99fresh" || :
fi
root=$(cd "$root" && pwd)

# Processes as any machine has them; gone when this ends.  The devices are the folder's own: nothing of this machine's
# /dev stands in it, where somebody may remove it.
leave() {
	umount -l "$root/proc" 2>/dev/null || :
}
trap leave EXIT
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc" || { echo "fresh: cannot mount /proc" >&2; exit 1; }
device() { [ -e "$root/dev/$1" ] || mknod -m 666 "$root/dev/$1" c "$2" "$3"; }
device null 1 3 && device zero 1 5 && device full 1 7 && device random 1 8 && device urandom 1 9 && device tty 5 0
[ -e "$root/dev/fd" ] || ln -s /proc/self/fd "$root/dev/fd"
mkdir -p "$root/dev/shm"

# there USER FOLDER COMMAND: under chroot
there() {
	local home=/root
	[ "$1" = root ] || home=/home/$1
	chroot --userspec="$1:$1" "$root" /usr/bin/env -i HOME=$home PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
		DEBIAN_FRONTEND=noninteractive http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" bash -c "cd $2 && $3"
}
# timed USER FOLDER COMMAND
timed() {
	local from=$SECONDS rc=0
	echo "fresh: $3"
	there "$@" || rc=$?
	[ $rc -eq 0 ] || { echo "fresh: $3: exit $rc after $((SECONDS - from)) s" >&2; exit 1; }
	echo "fresh: $3: done, $((SECONDS - from)) s"
}

if [ -z "$deb" ]; then
	rm -rf "$root/root/fotbench"
	git clone -q --no-hardlinks "$repo" "$root/root/fotbench"
	git -C "$root/root/fotbench" -c advice.detachedHead=false checkout -q "$(git -C "$repo" rev-parse HEAD)"
	for command; do timed root /root/fotbench "$command"; done
	exit 0
fi

[ ! -e "$root/usr/bin/git" ] || { echo "fresh: $root: has git, so it is not the minimal system" >&2; exit 1; }
rm -rf "$root/home/reader" "$root/deb"
mkdir "$root/deb"
cp "$deb" "$root/deb/"
there root / 'grep -q ^reader: /etc/passwd || useradd reader; install -d -o reader -g reader /home/reader/empty; apt-get -q -y purge --auto-remove fotbench >/dev/null 2>&1; apt-get -q update >/dev/null'
timed root /deb "apt-get -q -y ${APT:-} install ./$(basename "$deb") >/deb/log 2>&1 || { tail -n 5 /deb/log; false; }"
for command; do timed reader /home/reader/empty "$command"; done
timed root / "apt-get -q -y purge --auto-remove fotbench >/deb/log 2>&1 && ! find /usr /etc /opt /var/lib /var/cache -name '*fotbench*' | grep -v '^/var/lib/apt'"
