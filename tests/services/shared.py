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
def shared_server(folder: Path, issuer: str, *, port: int, public: str = "", base_path: str = "") -> Iterator[str]:
    """Start the app for several people; yields its local address. `public` is the address of a proxy before it."""
    home, settings, secrets = folder / "home", folder / "shared.toml", folder / "secrets.toml"
    home.mkdir(parents=True, exist_ok=True)
    local = f"http://localhost:{port}{base_path}"
    settings.write_text('administrators = ["ada@example.org"]\n')
    secrets.write_text(openid.secrets_toml(issuer, f"{public or local}/oauth2callback"))
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={port}"]
    command += [f"--secrets.files={secrets}", *([f"--server.baseUrlPath={base_path}"] if base_path else [])]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DLCORE_HOME": str(home), "DLCORE_SHARED": str(settings)}
    log = (folder / "server.log").open("ab")
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        browser_server._wait_for_health(local, process, folder / "server.log")
        yield local
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()
        log.close()
        browser_server.end_workers(home)
