"""Metrics a second into a run's folder and into an MLflow server over PostgreSQL: python tests/benchmarks/mirror.py.

Needs `.venv-services` (`make test-services`) and Debian's postgresql. Prints the load of the machine beside the rates.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from mlflow_server import MlflowServer, Postgres, free_port  # noqa: E402

NAMES = ("batch_loss", "learning_rate", "elapsed_s")


def measure(steps: int) -> tuple[float, float, float]:
    """Return seconds to write the rows to the folder, to send them, and to send them once more."""
    from dlcore import projects, runs
    from dlcore.runs import mlflow_mirror
    from dlcore.runs.folder import of_run
    from dlcore.runs.metric_file import append_metrics

    config = projects.configure("anomaly", model="dense_32", preset="quick", device="cpu")
    folder = of_run(runs.create(config).run_id)
    mlflow_mirror.mirror_run(folder)
    marks = [time.perf_counter()]
    for begin in range(0, steps, 100):  # as many as a run writes twice a second
        now = int(time.time() * 1000)
        append_metrics(folder, [(step, dict.fromkeys(NAMES, step / 7), now) for step in range(begin, begin + 100)])
    marks.append(time.perf_counter())
    mlflow_mirror.mirror_run(folder)
    marks.append(time.perf_counter())
    sent = mlflow_mirror._Progress(folder)
    sent.save(offset=0)
    mlflow_mirror.mirror_run(folder)
    marks.append(time.perf_counter())
    return marks[1] - marks[0], marks[2] - marks[1], marks[3] - marks[2]


def main() -> None:
    """Start PostgreSQL and the server, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000, help="rows of three metrics (default: %(default)s)")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="mirror-"))
    (folder / "postgres").mkdir()
    folder.chmod(0o755)
    binary = shutil.which(
        "postgres", path=os.environ["PATH"] + ":/usr/lib/postgresql/15/bin:/usr/lib/postgresql/17/bin"
    )
    postgres = Postgres(binary, folder / "postgres", free_port())
    postgres.start()
    postgres.create_database()
    server = MlflowServer(postgres.uri, folder, free_port())
    server.start()
    try:
        os.environ |= {"MLFLOW_TRACKING_URI": server.uri, "DLCORE_HOME": str(folder / "home")}
        names = ("into the folder", "into the server", "into the server a second time")
        for name, seconds in zip(names, measure(options.steps), strict=True):
            print(f"{len(NAMES) * options.steps / seconds:10,.0f} metrics a second {name}")
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    finally:
        server.kill()
        postgres.kill()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
