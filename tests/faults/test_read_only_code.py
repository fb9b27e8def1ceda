"""The first start by somebody who may not write into the folder of the code."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from dlcore.core.settings import ROOT
from dlcore.ui.components import mount

pytestmark = [pytest.mark.faults]

USER = [
    "setpriv",
    "--reuid=12345",
    "--regid=12345",
    "--clear-groups",
    "--inh-caps=+dac_read_search",
    "--ambient-caps=+dac_read_search",
]
"""Starts a process of a user who may read everything and write nothing of root's."""


@pytest.fixture
def installed(tmp_path):
    """A copy of the code as root installs it."""
    if shutil.which("setpriv") is None or os.geteuid() != 0:
        pytest.skip("another user's process needs setpriv and root")
    code = tmp_path / "code"
    code.mkdir()
    for name in ("dlcore", "pages", ".streamlit"):
        shutil.copytree(ROOT / name, code / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "app.py", code)
    (code / "assets").symlink_to(ROOT / "assets")
    return code


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def get(url, server, log):
    """The body at that address, once the server answers."""
    deadline = time.monotonic() + 90
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.read()
        except urllib.error.HTTPError:
            raise
        except OSError:
            assert server.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.5)


@pytest.mark.parametrize("has_home", [True, False])
def test_server_starts_from_a_folder_that_cannot_be_written(installed, tmp_path, has_home):
    home, log, port = tmp_path / "home", tmp_path / "log", free_port()
    home.mkdir()
    home.chmod(0o777)
    environment = {"PATH": os.environ["PATH"], "HOME": "/", "PYTHONDONTWRITEBYTECODE": "1"}
    if has_home:
        environment["DLCORE_HOME"] = str(home)
    before = sorted(installed.rglob("*"))
    command = [*USER, sys.executable, "-m", "streamlit", "run", "app.py"]
    options = ["--server.headless=true", f"--server.port={port}"]
    with log.open("w") as output:
        server = subprocess.Popen(
            [*command, *options], cwd=installed, env=environment, stdout=output, stderr=output, text=True
        )
    try:
        address = f"http://localhost:{port}"
        assert b"<html" in get(address, server, log)
        assert b"plotly.js v" in get(f"{address}/app/static/{mount.PLOTLY_FILE}", server, log)[:500]
        assert get(f"{address}/app/static/{mount.SCRIPTS}/curves/curves.js", server, log)
        assert "Traceback" not in log.read_text() and sorted(installed.rglob("*")) == before
    finally:
        server.terminate()
        server.wait(20)


def test_command_line_answers_from_a_folder_that_cannot_be_written(installed):
    done = subprocess.run(
        [*USER, sys.executable, "-m", "dlcore", "runs", "list", "--json"],
        cwd=installed,
        env={"PATH": os.environ["PATH"], "HOME": "/", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and '"run_id": "reference:' in done.stdout, done.stderr
