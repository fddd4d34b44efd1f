# cluster.bash: a Slurm of a test's own, on this machine and in its folder: munged, slurmctld, two slurmd. Behind common.bash.
# Needs root and Debian's slurmctld, slurmd, slurm-client, munge.

# needs TEST PROGRAM...: ends the test with a skip where one is missing
needs() {
	local test=$1 program why=
	shift
	PATH=$PATH:/usr/sbin:/sbin
	for program; do command -v "$program" >/dev/null || why="$program is not installed ($PACKAGES)"; done
	[ "$(id -u)" -eq 0 ] || why="not root"
	[ -z "$why" ] || { echo "skip $test: $why"; exit 0; }
}
PACKAGES="slurmctld slurmd slurm-client munge"

pids=()
# Jobs, daemons, and what jobs leave behind: it has this test's configuration in its environment.
clean_up() {
	timeout 10 scancel --quiet --state=PENDING 2>/dev/null
	timeout 10 scancel --quiet --state=RUNNING 2>/dev/null
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done
	until_true 5 gone || for pid in "${pids[@]}"; do kill -9 "$pid" 2>/dev/null; done
	for pid in $(pgrep slurmstepd); do
		grep -qsF "SLURM_CONF=$SLURM_CONF" "/proc/$pid/environ" && kill -9 "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	rm -rf "$work"
}
gone() {
	local pid
	for pid in "${pids[@]}"; do kill -0 "$pid" && return 1; done
	return 0
}
free_port() { # of the ports that the system gives to nobody by itself
	local port
	while port=$((20000 + RANDOM % 10000)); do
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
	done
}
start() { # NAME COMMAND...
	local name=$1
	shift
	"$@" >"$work/$name.out" 2>&1 &
	pids+=($!)
	eval "$name=$!"
}
# until SECONDS COMMAND...: asks again and again
until_true() {
	local end=$(($(date +%s) + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt "$end" ] || return 1
		sleep 0.2
	done
}

# Keys and slurm.conf; more may be appended to that before the start.
begin_cluster() {
	unset "${!SLURM_@}" "${!SBATCH_@}"
	export SLURM_CONF=$work/slurm.conf
	trap clean_up EXIT
	chmod 755 "$work"
	mkdir -p munge state spool.n1 spool.n2
	head -c 1024 /dev/urandom >munge/key && chmod 600 munge/key
	cat >slurm.conf <<-EOS
		ClusterName=fotbench
		SlurmctldHost=$(uname -n)(127.0.0.1)
		SlurmctldPort=$(free_port)
		SlurmUser=root
		SlurmdUser=root
		AuthType=auth/munge
		AuthInfo=socket=$work/munge/socket
		CredType=cred/munge
		StateSaveLocation=$work/state
		SlurmdSpoolDir=$work/spool.%n
		SlurmctldPidFile=$work/slurmctld.pid
		SlurmdPidFile=$work/slurmd.%n.pid
		ProctrackType=proctrack/linuxproc
		TaskPlugin=task/none
		MpiDefault=none
		SelectType=select/cons_tres
		SelectTypeParameters=CR_CPU
		SlurmdParameters=config_overrides
		SchedulerParameters=bf_interval=1,sched_interval=1,sched_min_interval=0
		ReturnToService=2
		SlurmctldTimeout=30
		SlurmdTimeout=4
		TCPTimeout=1
		MessageTimeout=3
		KillWait=2
		InactiveLimit=0
		JobAcctGatherType=jobacct_gather/none
		AccountingStorageType=accounting_storage/none
		NodeName=n1 NodeHostname=$(uname -n) NodeAddr=127.0.0.1 Port=$(free_port) CPUs=2 RealMemory=4000 State=UNKNOWN
		NodeName=n2 NodeHostname=$(uname -n) NodeAddr=127.0.0.1 Port=$(free_port) CPUs=2 RealMemory=4000 State=UNKNOWN
		PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
	EOS
}
start_munge() {
	start munged munged --foreground --force --key-file="$work/munge/key" --socket="$work/munge/socket" \
		--pid-file="$work/munge/pid" --log-file="$work/munge/log" --seed-file="$work/munge/seed"
	until_true 10 test -S munge/socket
}
up() { [ "$(sinfo --noheader --Node --format=%T | sort -u)" = idle ]; }
# Prints whether it came up.
start_cluster() {
	start_munge
	start slurmctld slurmctld -D -i
	start slurmd1 slurmd -D -N n1
	start slurmd2 slurmd -D -N n2
	if ! until_true 20 up; then
		not_ok slurm_starts "$(tail -n 3 slurmctld.out slurmd1.out munged.out | tr '\n' ' ' | cut -c1-400)"
		return 1
	fi
	ok slurm_starts
}
