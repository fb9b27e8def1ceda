"""Startup time of a worker: python tests/benchmarks/worker_start.py [--tree DIR ...] [--repeats 5].

Trains `anomaly/dense_32` for one epoch with `dlcore train` and prints the median seconds from the launch of
the worker, and from the command itself, to the first training step. Several trees (checkouts) are interleaved.
"""

import argparse
import contextlib
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ["train", "anomaly", "--model", "dense_32", "--preset", "quick", "--device", "cpu", "--set", "epochs=1"]


def first_step(home: Path) -> float:
    """Return the time of the first logged step, in seconds since 1970."""
    files = list((home / "runs").glob("*/metrics.jsonl"))
    if files:
        return json.loads(files[0].read_text().splitlines()[0])["time"] / 1e3
    with contextlib.closing(sqlite3.connect(home / "runs.db")) as database:  # versions that stored runs in MLflow
        (milliseconds,) = database.execute("SELECT min(timestamp) FROM metrics WHERE key = 'batch_loss'").fetchone()
    return milliseconds / 1e3


def start_times(tree: Path) -> tuple[float, float]:
    """Return seconds from the worker's launch and from the command to the first step of a run in a new home."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        environment = {**os.environ, "PYTHONPATH": str(tree), "DLCORE_HOME": folder}
        begin = time.time()
        subprocess.run(
            [sys.executable, "-m", "dlcore", *COMMAND], cwd=folder, env=environment, check=True, capture_output=True
        )
        step = first_step(home)
        (worker,) = (home / "runs").glob("*/worker.json")
        return step - json.loads(worker.read_text())["launched"], step - begin


def main() -> None:
    """Measure all trees in turns and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", type=Path, action="append", help="a checkout; the default is this one")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    trees = options.tree or [ROOT]
    times: dict[Path, list[tuple[float, float]]] = {tree: [] for tree in trees}
    load = os.getloadavg()[0]
    for _ in range(options.repeats):
        for tree in trees:
            times[tree].append(start_times(tree.resolve()))
    result = {
        str(tree): {
            "launch_to_first_step_s": round(statistics.median(launch for launch, _ in pairs), 2),
            "command_to_first_step_s": round(statistics.median(command for _, command in pairs), 2),
        }
        for tree, pairs in times.items()
    }
    print(json.dumps({"load": [round(load, 1), round(os.getloadavg()[0], 1)], **result}, indent=1))


if __name__ == "__main__":
    main()
