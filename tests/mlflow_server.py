"""PostgreSQL and `mlflow server` on loopback, which tests kill and start again."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / ".venv-services"
"""Made by `make test-services`: the server needs other packages than the workbench."""
WAIT_SECONDS = 90.0


def free_port():
    """A TCP port of loopback that is free now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Daemon:
    """A process in a new session, with its output in a file."""

    def __init__(self, command, log, env=None):
        self.command, self.log, self.env = command, log, env
        self.process = None

    def start(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env, start_new_session=True
            )

    def kill(self, number=signal.SIGKILL):
        """Signal the process and its children; wait for its end."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, number)
            self.process.wait(60)

    def wait_until(self, is_ready):
        deadline = time.monotonic() + WAIT_SECONDS
        while not is_ready():
            assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()[-3000:]
            time.sleep(0.2)


class Postgres(Daemon):
    """A cluster with a database `mlflow`; the user `postgres` runs it, since root may not."""

    def __init__(self, postgres, folder, port):
        self.binaries, self.folder, self.port = Path(postgres).resolve().parent, folder, port
        self.as_user = []
        if os.geteuid() == 0:
            self.as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
        self.call("initdb", "-D", folder / "data", "-A", "trust", "-U", "mlflow", "--no-sync")
        super().__init__(
            [
                *self.as_user,
                self.binaries / "postgres",
                "-D",
                folder / "data",
                "-p",
                str(port),
                "-k",
                folder,
                "-h",
                "127.0.0.1",
            ],
            folder / "log",
        )

    @property
    def uri(self):
        return f"postgresql+pg8000://mlflow@127.0.0.1:{self.port}/mlflow"

    def call(self, program, *arguments):
        command = [*self.as_user, self.binaries / program, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/")
        assert done.returncode == 0, done.stderr
        return done.stdout

    def is_ready(self):
        command = [self.binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(command).returncode == 0

    def start(self):
        super().start()
        self.wait_until(self.is_ready)

    def create_database(self):
        self.call("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "mlflow", "mlflow")

    def restart(self):
        """Start again after a kill, once the last children of the killed process have noticed it."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            Daemon.start(self)
            while self.process.poll() is None:
                if self.is_ready():
                    return
                time.sleep(0.2)
            time.sleep(0.5)
        raise AssertionError(self.log.read_text()[-3000:])

    def query(self, sql):
        """Rows of a query, as lists of texts."""
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "mlflow", "mlflow"]
        text = self.call("psql", "-At", "-F", "\t", "-c", sql, *where)
        return [line.split("\t") for line in text.splitlines()]


class MlflowServer(Daemon):
    """`mlflow server` with one worker process and artifacts through the server."""

    def __init__(self, backend, folder, port):
        self.uri = f"http://127.0.0.1:{port}"
        command = [ENVIRONMENT / "bin" / "mlflow", "server", "--backend-store-uri", backend]
        command += ["--artifacts-destination", str(folder / "artifacts"), "--serve-artifacts", "--workers", "1"]
        command += ["--host", "127.0.0.1", "--port", str(port)]
        quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
        env = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "PYTHONPATH"))}
        jobs = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # judges of language models: need further packages
        super().__init__(command, folder / "server.log", {**env, **quiet, **jobs})

    def is_ready(self):
        try:
            return requests.get(f"{self.uri}/health", timeout=2).text == "OK"
        except requests.RequestException:
            return False

    def start(self):
        super().start()
        self.wait_until(self.is_ready)


def find_server():
    """Path of the program `mlflow` with a server; None if it is not installed."""
    return shutil.which("mlflow", path=str(ENVIRONMENT / "bin"))


def run_dlcore(*arguments, timeout=120):
    """Output of a command of the workbench."""
    command = [sys.executable, "-m", "dlcore", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stderr
    return done.stdout
