"""Real daemons on loopback: skipped where they are not installed, but a failure in CI."""

import os
import shutil
import socket
import subprocess

import pytest

DEBIAN = {  # program -> package
    "slurmctld": "slurm-wlm",
    "munged": "munge",
    "slurmdbd": "slurmdbd",
    "mariadbd": "mariadb-server",
    "postgres": "postgresql",
    "nginx": "nginx-light",
}
FOLDERS = ("/usr/sbin", "/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/17/bin")


@pytest.fixture(scope="session")
def require():
    """Return a function: names of programs -> their paths; skips the test if one is not installed."""

    def paths(*programs):
        installed = [find(program) for program in programs]
        missing = sorted({DEBIAN[program] for program, path in zip(programs, installed, strict=True) if path is None})
        if missing and os.environ.get("CI") == "true":
            pytest.fail(f"not installed: {', '.join(missing)}")
        if missing:
            pytest.skip(f"not installed: apt-get install {' '.join(missing)}")
        return installed

    return paths


def find(program):
    """Path of a program, also of a daemon outside of the user's PATH."""
    return shutil.which(program) or shutil.which(program, path=os.pathsep.join(FOLDERS))


@pytest.fixture(scope="session")
def namespaces():
    """Skip the test unless this process may start children in namespaces of processes and mounts, as root often may."""
    command = ["unshare", "--pid", "--mount", "--fork", "--mount-proc", "true"]
    if os.geteuid() or not shutil.which("unshare") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("needs root, and namespaces of processes and mounts")


@pytest.fixture(scope="session")
def free_port():
    """Return a function without arguments: a TCP port of loopback that is free now."""

    def port():
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            return listener.getsockname()[1]

    return port
