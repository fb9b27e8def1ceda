"""A shared server for the tests: sign-in at `openid.provider`, settings and secrets in a temporary folder."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import openid
import server as browser_server

ROOT = browser_server.ROOT


@contextlib.contextmanager
def running(command: list[str], log: Path, environment: dict[str, str] | None = None) -> Iterator["subprocess.Popen"]:
    """Run a daemon inside the block, and end it afterwards."""
    with log.open("ab") as file:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=file, stderr=file, stdin=subprocess.DEVNULL
        )
        try:
            yield process
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()


@contextlib.contextmanager
def shared_server(
    folder: Path, issuer: str, *, port: int, public: str = "", base_path: str = "", keep_secret: str = ""
) -> Iterator[str]:
    """Start the app for several people; yields its address. `public` is that of a proxy before it."""
    home, settings, secrets = folder / "home", folder / "shared.toml", folder / "secrets.toml"
    home.mkdir(parents=True, exist_ok=True)
    address = f"http://localhost:{port}{base_path}"
    settings.write_text('administrators = ["ada@example.org"]\n')
    secrets.write_text(openid.secrets_toml(issuer, f"{public or address}/oauth2callback", secret=keep_secret))
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={port}"]
    command += [f"--secrets.files={secrets}", *([f"--server.baseUrlPath={base_path}"] if base_path else [])]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DLCORE_HOME": str(home), "DLCORE_SHARED": str(settings)}
    environment.pop("DLCORE_USER", None)
    try:
        with running(command, folder / "server.log", environment) as process:
            (folder / "server.pid").write_text(str(process.pid))
            browser_server._wait_for_health(address, process, folder / "server.log")
            yield address
    finally:
        browser_server.end_workers(home)


def pid_of(folder: Path) -> int:
    """Return the process of the server started last with that folder."""
    return int((folder / "server.pid").read_text())
