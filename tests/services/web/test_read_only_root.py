"""What the containers do, without a container: no root, a read-only root file system, a separate worker service."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import server as browser_server
import shared

ROOT = browser_server.ROOT
USER = "10001"
pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def container(namespaces):
    """Return a function: command -> the command on a read-only root, as another user; only `data` can be written."""
    if not shutil.which("setpriv"):
        pytest.skip("needs util-linux")
    base = Path(tempfile.mkdtemp(dir="/var/tmp"))  # pytest closes its own folders to other users
    base.chmod(0o755)
    data, view = base / "data", base / "view"
    data.mkdir()
    view.mkdir()
    (data / "tmp").mkdir()
    subprocess.run(["chown", "-R", f"{USER}:{USER}", str(data)], check=True)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "DLCORE_HOME": str(data / "home"),
        "DLCORE_CACHE": str(data / "cache"),
        "HOME": str(data / "tmp"),
        "TMPDIR": str(data / "tmp"),
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "DLCORE_WORKERS": "service",
    }

    def command(*words):
        inside = f"cd {shlex.quote(str(ROOT))} && exec {shlex.join(words)}"
        script = f"""set -e
            mount --make-rprivate /
            mount --rbind / {view}
            mount -o remount,bind,ro {view}
            {open_paths(view)}
            mount --bind {data} {view}{data}
            exec chroot {view} setpriv --reuid={USER} --regid={USER} --clear-groups --no-new-privs \\
                --bounding-set=-all sh -c {shlex.quote(inside)}"""
        return ["unshare", "--mount", "sh", "-c", script], environment, data

    words, environment, _ = command("touch", str(ROOT / "never"))
    tried = subprocess.run(words, env=environment, capture_output=True, text=True)
    if "Read-only file system" not in tried.stderr and "Permission denied" not in tried.stderr:
        pytest.skip(f"no mount namespaces here: {tried.stderr.strip()[:200]}")
    yield command
    shutil.rmtree(base, ignore_errors=True)


def open_paths(view):
    """Return shell commands that make interpreter and repository readable for all, below folders of root's own."""
    paths = {Path(sys.base_prefix).resolve(), Path(sys.prefix), ROOT}
    closed = {each for path in paths for each in path.parents if not each.stat().st_mode & 0o001}
    outermost = [each for each in closed if not closed & set(each.parents)]
    commands = [f"mount -t tmpfs -o mode=755 tmpfs {view}{folder}" for folder in outermost]
    for path in sorted(path for path in paths if closed & set(path.parents)):
        commands.append(f"mkdir -p {view}{path} && mount --bind {path} {view}{path}")
    return "\n".join(commands)


def test_web_and_worker_run_without_root_on_a_read_only_root(container):
    port = browser_server.free_port()
    dlcore = (sys.executable, "-m", "dlcore")
    web, environment, data = container(*dlcore, "app", "--port", str(port), "--headless")
    work, _, _ = container(*dlcore, "worker")

    def call(*words):
        command, _, _ = container(*dlcore, *words)
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)

    with (
        shared.running(web, data.parent / "web.log", environment) as server,
        shared.running(work, data.parent / "worker.log", environment) as worker,
    ):
        browser_server._wait_for_health(f"http://localhost:{port}", server, data.parent / "web.log")
        done = call("health", "--url", f"http://localhost:{port}", "home")
        assert done.returncode == 0, done.stdout + done.stderr
        done = call(
            "train",
            "fashion",
            "--dataset",
            "digits",
            "--set",
            "epochs=10000",
            "--set",
            "patience=0",
            "--detach",
            "--json",
        )
        assert done.returncode == 0, done.stderr
        run_id = json.loads(done.stdout)["run_id"]
        wait_for(lambda: json.loads(call("runs", "show", run_id, "--json").stdout)["epoch"] >= 1)
        server.send_signal(signal.SIGKILL)  # the worker works without the web server
        done = call("health", "--url", f"http://localhost:{port}", "home")
        assert done.returncode == 1 and "does not answer" in done.stderr
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(120) == 0
        assert json.loads(call("runs", "show", run_id, "--json").stdout)["state"] == "paused"
    assert (data / "home/runs" / run_id).stat().st_uid == int(USER)


def test_health_fails_when_pages_fail(tmp_path, monkeypatch):
    copy = tmp_path / "app"
    for name in ("pages", "dlcore", ".streamlit"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "app.py", copy)
    (copy / "assets").symlink_to(ROOT / "assets")
    page = copy / "pages/workspace/runs.py"
    page.write_text(page.read_text() + "\nraise RuntimeError('broken')\n")
    environment = {**os.environ, "PYTHONPATH": str(copy), "DLCORE_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "dlcore", "health", "home", "runs"]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "runs: " in done.stderr and "broken" in done.stderr


def wait_for(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)
