#!/usr/bin/env bash
# The README's first commands on a fresh Debian 12, as a newcomer would type them.
#
#   tests/fresh.sh FOLDER [COMMAND...]     default: "make test" "make reproduce"
#
# debootstrap makes a minimal system in FOLDER (made anew, 400 MB and more), with git and make; this checkout's HEAD
# is cloned into its /root/fotbench, and each COMMAND runs there under chroot; the first that fails ends it.
# An existing system in FOLDER is used again, its clone made anew. Needs root, debootstrap and a Debian mirror
# (MIRROR; proxies and apt's settings of this machine go along). Nothing outside FOLDER is changed.
set -eu
[ $# -ge 1 ] || { sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2; }
root=$1
shift
[ $# -gt 0 ] || set -- "make test" "make reproduce"
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
	debootstrap --variant=minbase --include=git,make,ca-certificates bookworm "$root" "$mirror" >"$root.log" 2>&1 ||
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

rm -rf "$root/root/fotbench"
git clone -q --no-hardlinks "$repo" "$root/root/fotbench"
git -C "$root/root/fotbench" -c advice.detachedHead=false checkout -q "$(git -C "$repo" rev-parse HEAD)"
for command in "$@"; do
	echo "fresh: $command"
	from=$SECONDS
	chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
		http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" bash -c "cd /root/fotbench && $command" ||
		{ rc=$?; echo "fresh: $command: exit $rc after $((SECONDS - from)) s" >&2; exit 1; }
	echo "fresh: $command: done, $((SECONDS - from)) s"
done
