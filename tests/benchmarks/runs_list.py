"""Times the list of 1,000 stored runs: python tests/benchmarks/runs_list.py [--runs 1000].

Prints the median, in milliseconds, of the first list in a new process, and of later ones (warm), as the jobs bar and
`runs list` make them; and of opening one run and reading its curves, as the live panel does every second.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from dlcore import projects, runs
from dlcore.runs import lifecycle
from dlcore.runs.folder import of_run
from dlcore.runs.metric_file import append_metrics


def milliseconds(function: Callable[[], object], repeats: int = 20) -> float:
    """Median time of a call."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        function()
        times.append(time.perf_counter() - begin)
    return round(statistics.median(times) * 1e3, 1)


def fill(count: int) -> str:
    """Store that many finished runs; returns the id of the last one."""
    config = projects.configure("anomaly", model="dense_32", preset="quick", device="cpu")
    best = {"epoch": 9, "metric": "validation_loss", "value": 0.01}
    metrics = {f"metric_{number}": number / 7 for number in range(30)}
    for _ in range(count):
        run_id = runs.create(config).run_id
        lifecycle.write_state(of_run(run_id), "finished", epoch=10, step=790, metrics=metrics, best=best)
    append_metrics(of_run(run_id), [(step, {"batch_loss": 1.0, "learning_rate": 0.1}, 0) for step in range(2000)])
    return run_id


def main() -> None:
    """Fill a home and time the reads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    count = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as home:
        os.environ["DLCORE_HOME"] = home
        run_id = fill(count)
        lifecycle._parse.cache_clear()
        run = runs.open_run(run_id)
        result = {
            "runs": count,
            "load": os.getloadavg()[0],
            "first_list_ms": milliseconds(lambda: runs.list_runs(limit=count), repeats=1),
            "list_ms": milliseconds(lambda: runs.list_runs(limit=count)),
            "list_newest_100_ms": milliseconds(lambda: runs.list_runs(limit=100)),
            "read_record_and_curves_ms": milliseconds(lambda: (run.record, run.history())),
        }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
