#!/usr/bin/env bash
# status when the queue has forgotten a job: sacct on a real accounting database, slurmdbd over MariaDB.
#
#   tests/slurm-accounting.sh
#
# Some 30 s, so that it is not among the tests of make test. Database, daemons and nodes are the test's own, in its folder.
# Needs root and Debian's mariadb-server, slurmdbd and what tests/cli/slurm.sh needs; without, it says so and ends with 0.
. "$(dirname "$0")/cli/common.bash"
. "$root/tests/cli/cluster.bash"
PACKAGES="$PACKAGES slurmdbd mariadb-server"
needs accounting munged slurmctld slurmd sbatch squeue scontrol sinfo slurmdbd sacct sacctmgr mariadbd mariadb mariadb-install-db

begin_cluster
db_port=$(free_port) dbd_port=$(free_port)
sed -i "s|^AccountingStorageType=.*|AccountingStorageType=accounting_storage/slurmdbd\nAccountingStorageHost=127.0.0.1\nAccountingStoragePort=$dbd_port\nAccountingStoragePass=$work/munge/socket\nMinJobAge=2|" slurm.conf
cat >slurmdbd.conf <<-EOS
	AuthType=auth/munge
	AuthInfo=socket=$work/munge/socket
	DbdAddr=127.0.0.1
	DbdHost=$(uname -n)
	DbdPort=$dbd_port
	SlurmUser=root
	PidFile=$work/slurmdbd.pid
	StorageType=accounting_storage/mysql
	StorageHost=127.0.0.1
	StoragePort=$db_port
	StorageUser=slurm
	StoragePass=slurm
	StorageLoc=slurm_acct_db
EOS
chmod 600 slurmdbd.conf
start_munge
mariadb-install-db --no-defaults --user=root --datadir="$work/db" --skip-test-db >install.out 2>&1
start mariadbd mariadbd --no-defaults --user=root --datadir="$work/db" --socket="$work/db.socket" --pid-file="$work/db.pid" \
	--bind-address=127.0.0.1 --port="$db_port" --skip-name-resolve --innodb-flush-log-at-trx-commit=0
sql() { mariadb --no-defaults --user=root --socket="$work/db.socket" -e "$1"; }
until_true 30 sql "SELECT 1" || not_ok accounting_database_starts "$(tail -n 2 install.out mariadbd.out | tr '\n' ' ')"
sql "CREATE DATABASE slurm_acct_db; CREATE USER slurm@'127.0.0.1' IDENTIFIED BY 'slurm'; GRANT ALL ON slurm_acct_db.* TO slurm@'127.0.0.1'"
start slurmdbd slurmdbd -D
cluster_is_known() { sacctmgr -i add cluster fotbench || sacctmgr --noheader show cluster | grep -q fotbench; }
until_true 30 cluster_is_known || not_ok accounting_starts "$(tail -n 3 slurmdbd.out | tr '\n' ' ')"
start_cluster || exit 0

# --- of four tasks one is cancelled, and the program of another dies ---

cat >spec.json <<EOS
{ "name": "accounts", "seed": 1,
  "models": [ { "path": "$root/model/zoo/passkey-fot", "variant": "fot", "memory": ["dense"] } ],
  "tasks": [ { "task": "passkey", "context_lengths": ["32k"], "depths": [0, 0.3, 0.6, 1], "trials": 6 } ] }
EOS
prints accounting_submits '^job array [0-9]+: 4 of 4 shards \(1-4\); merge [0-9]+$' "$fotbench" submit spec.json -o out --shards 4 --no-timings --mem 500M
job=$(sed -n 's/.*"array": "\([0-9]*\)".*/\1/p' out/shards/submit.json)
begun() { [ "$(cat "out/shards/$1/journal.jsonl" 2>/dev/null | wc -l)" -ge 2 ]; }
check accounting_task_3_runs until_true 30 begun 3
scancel "${job}_3"
check accounting_task_4_runs until_true 30 begun 4
kill -9 "$(sed -n 's/^pid \([0-9]*\) on.*/\1/p' out/shards/4/LOCK)"
forgotten() { squeue --noheader --jobs "$job" 2>&1 | grep -q 'Invalid job id'; }
check accounting_queue_forgets until_true 120 forgotten
kept() { sacct --noheader --parsable2 --allocations --format=JobID,State --jobs "$job" | grep -q "_4|FAILED"; }
check accounting_is_kept until_true 20 kept

said() { "$fotbench" status out "$@" >said; [ $? -eq 4 ]; }
check status_exits_4 said
check status_tells_cancelled grep -qE "^ +3 +stopped .* ${job}_3 CANCELLED$" said
check status_tells_failed grep -qE "^ +4 +stopped .* ${job}_4 FAILED$" said
check status_tells_what_to_type grep -q '^next: fotbench submit spec.json' said
json() { said --json && grep -q '"job_state": "CANCELLED"' said && grep -q '"job_state": "FAILED"' said; }
check status_json_tells_how_tasks_ended json

# --- without accounts the folders say what stopped, not why ---

mkdir bin && printf '#!/bin/sh\necho "Slurm accounting storage is disabled" >&2\nexit 1\n' >bin/sacct && chmod +x bin/sacct
without() { PATH=$work/bin:$PATH said; }
check status_without_accounts without
check status_without_accounts_tells_stopped grep -qE '^ +3 +stopped ' said
check status_without_accounts_names_no_end bash -c '! grep -qE "CANCELLED|FAILED" said'

# --- and again ---

prints submit_again_what_is_unfinished '^job array [0-9]+: 2 of 4 shards \(3-4\); merge [0-9]+$' "$fotbench" submit spec.json -o out --no-timings --mem 500M
merged() { grep -qs '"status": "complete"' out/manifest.json && [ out/manifest.json -nt out/shards/4/manifest.json ]; }
check submit_again_merges until_true 120 merged
prints status_of_the_whole '4 complete; 24 of 24 items done, 0 failed; merged: complete$' "$fotbench" status out
