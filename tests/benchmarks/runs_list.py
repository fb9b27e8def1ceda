"""Time to list 1,000 stored runs: python tests/benchmarks/runs_list.py [--runs 1000].

Prints median milliseconds to list runs the first time and again in a process, as the jobs bar and `runs list` do, and
to open a run and read its curves, as the live panel does every second.
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


def measure_ms(function: Callable[[], object], repeats: int = 20) -> float:
    """Return the median time of a call in milliseconds."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        function()
        times.append(time.perf_counter() - begin)
    return round(statistics.median(times) * 1e3, 1)


def store_runs(count: int) -> str:
    """Store `count` finished runs and return the id of the last."""
    config = projects.configure("anomaly", model="dense_32", preset="quick", device="cpu")
    best = {"epoch": 9, "metric": "validation_loss", "value": 0.01}
    metrics = {f"metric_{number}": number / 7 for number in range(30)}
    for _ in range(count):
        run_id = runs.create(config).run_id
        lifecycle.write_state(of_run(run_id), "finished", epoch=10, step=790, metrics=metrics, best=best)
    append_metrics(of_run(run_id), [(step, {"batch_loss": 1.0, "learning_rate": 0.1}, 0) for step in range(2000)])
    return run_id


def main() -> None:
    """Store runs and print how long reading them takes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    count = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as home:
        os.environ["DLCORE_HOME"] = home
        run_id = store_runs(count)
        lifecycle._parse.cache_clear()
        run = runs.open_run(run_id)
        result = {
            "runs": count,
            "load": os.getloadavg()[0],
            "first_list_ms": measure_ms(lambda: runs.list_runs(limit=count), repeats=1),
            "list_ms": measure_ms(lambda: runs.list_runs(limit=count)),
            "list_newest_100_ms": measure_ms(lambda: runs.list_runs(limit=100)),
            "read_record_and_curves_ms": measure_ms(lambda: (run.record, run.history())),
        }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
