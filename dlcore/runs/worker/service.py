"""Starts the workers that other processes ask for: `dlcore worker`, in a container or service beside the web server.

With `DLCORE_WORKERS=service` the web server only writes who is to work; restarting it ends no worker. Both share the
home, and the host name, which names the queues of the devices.
"""

import os
import signal
import threading
import time
from pathlib import Path

from dlcore.core import settings
from dlcore.runs.folder import RunFolder
from dlcore.runs.worker import launcher, liveness

POLL_SECONDS = 0.5
GRACE_SECONDS = 90.0
"""How long workers may take to write their checkpoints when the service ends."""


def serve(over: threading.Event) -> None:
    """Start workers until `over` is set; then let those of this service write their checkpoints and end."""
    launched: dict[str, RunFolder] = {}
    while not over.wait(POLL_SECONDS):
        for folder in _requested():
            launched[folder.run_id] = folder
    for folder in launched.values():
        if (worker := liveness.read(folder)) and worker.pid and liveness.is_alive(folder):
            os.kill(worker.pid, signal.SIGTERM)  # a worker pauses its run
    deadline = time.monotonic() + GRACE_SECONDS
    while any(map(liveness.is_alive, launched.values())) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def _requested() -> list[RunFolder]:
    """Start the workers that were asked for and not started yet; return their folders."""
    folders = []
    for kind in ("runs", "searches"):
        for path in (settings.home() / kind).glob("*/worker.json"):
            folder = RunFolder(path.parent)
            worker = liveness.read(folder)
            if worker and not worker.pid and worker.executor == "local" and _claim(folder.path, worker):
                launcher.spawn(folder, worker.token)
                folders.append(folder)
    return folders


def _claim(folder: Path, worker: liveness.WorkerInfo) -> bool:
    """Return whether this service is the one to start a worker; a launch is too old once it counts as dead."""
    if time.time() - worker.launched > liveness.LAUNCH_SECONDS:
        return False
    try:
        (folder / f"claimed-{worker.token}").touch(exist_ok=False)
    except FileExistsError:
        return False
    for old in folder.glob("claimed-*"):
        if old.name != f"claimed-{worker.token}":
            old.unlink(missing_ok=True)
    return True
