"""A Slurm cluster of one host: munged, slurmctld and slurmd on loopback, in a temporary folder, started by root."""

import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

CONFIG = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ctld_port}
SlurmdPort={slurmd_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0,sched_min_interval=200000
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
KillWait=5
OverTimeLimit=0
ReturnToService=2
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/none
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=4000 State=UNKNOWN
PartitionName=low Nodes={host} Default=YES PriorityTier=1 GraceTime=20 MaxTime=60
PartitionName=abrupt Nodes={host} PriorityTier=1 GraceTime=0 MaxTime=60
PartitionName=high Nodes={host} PriorityTier=10 PreemptMode=OFF MaxTime=60
{accounting}
"""

ACCOUNTING = """\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={port}
AccountingStoragePass={folder}/munge/socket
MinJobAge=2
"""

DBD_CONFIG = """\
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={port}
SlurmUser=root
LogFile={folder}/slurmdbd.log
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={database_port}
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm
"""

INIT_SQL = """\
CREATE USER 'slurm'@'127.0.0.1' IDENTIFIED BY 'slurm';
GRANT ALL ON slurm.* TO 'slurm'@'127.0.0.1';
"""


@dataclass
class Cluster:
    """Its daemons and configuration; commands such as `squeue` find it through `environ`."""

    folder: Path
    daemons: dict = field(default_factory=dict)

    @property
    def environ(self):
        return {"SLURM_CONF": str(self.folder / "slurm.conf")}

    def command(self, *words):
        """Output of a Slurm command."""
        done = subprocess.run(words, env={**os.environ, **self.environ}, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def start(self, name, *words, ready, timeout=30):
        """Start a daemon in the foreground and wait until `ready()`."""
        with (self.folder / f"{name}.out").open("wb") as out:
            daemon = subprocess.Popen(
                words, env={**os.environ, **self.environ}, stdout=out, stderr=out, start_new_session=True
            )
        self.daemons[name] = daemon
        wait_until(lambda: daemon.poll() is not None or ready(), timeout=timeout, what=f"{name} of {self.folder}")
        assert daemon.poll() is None, (self.folder / f"{name}.out").read_text()

    def stop(self):
        """Cancel every job and end the daemons, the last first."""
        if "slurmd" in self.daemons:
            subprocess.run(["scancel", "--user=root"], env={**os.environ, **self.environ}, timeout=30)
        for daemon in reversed(self.daemons.values()):
            os.killpg(daemon.pid, signal.SIGTERM)
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(daemon.pid, signal.SIGKILL)
                daemon.wait()


def wait_until(condition, *, timeout=60, what="condition"):
    """Wait until `condition()` is true and return its value."""
    end = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < end, f"{what}: not after {timeout} s"
        time.sleep(0.1)
    return value


def listens(port):
    """Whether a server accepts connections on that port of loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def start_cluster(folder, programs, free_port):
    """Start the daemons; `programs` are munged, slurmctld and slurmd, and for accounting slurmdbd and mariadbd."""
    munged, slurmctld, slurmd, *accounting = programs
    cluster = Cluster(folder)
    ctld_port, dbd_port = free_port(), free_port()
    try:
        for name in ("munge", "state", "spool"):
            (folder / name).mkdir(mode=0o755)
        (folder / "munge/key").write_bytes(os.urandom(128))
        (folder / "munge/key").chmod(0o400)
        munge = [f"--{name}={folder}/munge/{name}" for name in ("socket", "pid-file", "log-file", "seed-file")]
        text = CONFIG.format(
            host=socket.gethostname(),
            ctld_port=ctld_port,
            slurmd_port=free_port(),
            folder=folder,
            accounting=ACCOUNTING.format(port=dbd_port, folder=folder) if accounting else "",
        )
        (folder / "slurm.conf").write_text(text)
        (folder / "slurm.conf").chmod(0o644)
        cluster.start(
            "munged",
            munged,
            "--foreground",
            "--force",
            f"--key-file={folder}/munge/key",
            *munge,
            ready=(folder / "munge/socket").exists,
        )
        if accounting:
            _start_accounting(cluster, *accounting, dbd_port=dbd_port, database_port=free_port())
        cluster.start("slurmctld", slurmctld, "-D", "-c", ready=lambda: listens(ctld_port))
        # in a separate process namespace: for the workbench, the node is another machine
        node = ["unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", f"{slurmd} -D -c & trap 'kill $!' TERM; wait"]
        cluster.start("slurmd", *node, ready=lambda: "idle" in cluster.command("sinfo", "-h", "-o", "%T"))
    except BaseException:
        cluster.stop()
        raise
    return cluster


def _start_accounting(cluster, slurmdbd, mariadbd, *, dbd_port, database_port):
    """Start MariaDB with an empty database, and slurmdbd over it."""
    folder = cluster.folder
    subprocess.run(
        ["mariadb-install-db", "--no-defaults", f"--datadir={folder}/database", "--user=root", "--skip-test-db"],
        check=True,
        capture_output=True,
    )
    (folder / "init.sql").write_text(INIT_SQL)
    cluster.start(
        "mariadbd",
        mariadbd,
        "--no-defaults",
        "--user=root",
        f"--datadir={folder}/database",
        f"--socket={folder}/database.socket",
        f"--pid-file={folder}/database.pid",
        f"--init-file={folder}/init.sql",
        "--skip-name-resolve",
        "--bind-address=127.0.0.1",
        f"--port={database_port}",
        "--innodb-buffer-pool-size=32M",
        ready=lambda: listens(database_port),
        timeout=60,
    )
    config = folder / "slurmdbd.conf"
    config.write_text(DBD_CONFIG.format(folder=folder, port=dbd_port, database_port=database_port))
    config.chmod(0o600)
    cluster.start("slurmdbd", slurmdbd, "-D", ready=lambda: listens(dbd_port), timeout=60)
    cluster.command("sacctmgr", "-i", "add", "cluster", "test")
