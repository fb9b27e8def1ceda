"""Speed of several processes against one, of the start of a run, and of its metrics on the way to the folder.

    python tests/benchmarks/scale.py [--processes 2] [--repeats 7] [--steps 20] [--slurm] > scale.json

Part 1 trains a ResNet-18 on noise with the same global batch: one process with as many threads as there are processes,
against processes with one thread each that share every batch over gloo. Both groups stay alive and take turns, so that
other load affects both; the ratio is the median over the repeats. It also times one all-reduce of all gradients.
Part 2: seconds from the request to the first step of a small run, here and with `--slurm` (as root) as a job of a Slurm
cluster of this host.
Part 3: rows of metrics a second that a run writes to its folder, four values a row.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
from torch.nn import functional

from dlcore import projects, runs
from dlcore.core import devices
from dlcore.data.batches import Batches
from dlcore.data.splits import Split
from dlcore.models.resnet import ResNetConfig, resnet
from dlcore.runs.accelerator import connect
from dlcore.runs.folder import RunFolder
from dlcore.runs.metric_log import FolderMetricLog
from dlcore.training.config import TrainingConfig
from dlcore.training.fit import Objective, Validation, fit
from dlcore.training.state import TrainingState, count_parameters

BATCH, SIDE, WIDTH = 64, 32, 32
LOG_EVERY = 10
"""Steps between two events: runs of thousands of steps log no more often."""


def train(rank: int, processes: int, threads: int) -> None:
    """Be one process of a group: for each number n on standard input, train n steps and print the seconds."""
    torch.set_num_threads(threads)
    fabric = connect("cpu", devices=processes)
    rows = 4096
    pixels = torch.randn(rows, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    split = Split((pixels,), torch.arange(rows) % 10, np.arange(rows))
    batches = Batches(split, BATCH, seed=0, share=(rank, processes))
    module = resnet(ResNetConfig(width=WIDTH), channels=3, classes=10)
    config = TrainingConfig(epochs=10_000, batch_size=BATCH, gradient_every=0)
    state = TrainingState(module, config, steps_per_epoch=len(batches), fabric=fabric)
    state.log_every = LOG_EVERY
    events = fit(
        state,
        batches,
        objective=Objective(functional.cross_entropy),
        validation=Validation(lambda _: {"validation_loss": 0.0}),
    )
    gradients = torch.zeros(count_parameters(module)[0])
    for line in sys.stdin:
        begin, last = time.perf_counter(), state.step + int(line)
        while state.step < last:
            next(events)
        seconds = time.perf_counter() - begin
        begin = time.perf_counter()
        if processes > 1:
            fabric.all_reduce(gradients, reduce_op="sum")
        reduce_seconds = time.perf_counter() - begin
        answer = {"seconds": seconds, "all_reduce_s": reduce_seconds, "gradient_mb": gradients.nbytes / 1e6}
        print(json.dumps(answer), flush=True)


class Group:
    """Processes that train together when asked."""

    def __init__(self, processes: int, *, threads: int) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        self.processes = [
            subprocess.Popen(
                [
                    sys.executable,
                    __file__,
                    "--rank",
                    str(rank),
                    "--processes",
                    str(processes),
                    "--threads",
                    str(threads),
                ],
                env={
                    **os.environ,
                    "MASTER_ADDR": "127.0.0.1",
                    "MASTER_PORT": str(port),
                    "LOCAL_RANK": str(rank),
                    "GLOO_SOCKET_IFNAME": "lo",
                },
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            for rank in range(processes)
        ]

    def steps(self, number: int) -> dict[str, float]:
        """Train `number` steps; return what the slowest process measured."""
        for process in self.processes:
            assert process.stdin
            process.stdin.write(f"{number}\n")
            process.stdin.flush()
        return max(map(_read_answer, self.processes), key=lambda answer: answer["seconds"])

    def close(self) -> None:
        """End the processes."""
        for process in self.processes:
            process.kill()
            process.wait()


def _read_answer(process: "subprocess.Popen[str]") -> dict[str, float]:
    """Return the first JSON line; others come from the libraries."""
    assert process.stdout
    for line in process.stdout:
        if line.startswith("{"):
            answer: dict[str, float] = json.loads(line)
            return answer
    raise RuntimeError(f"a process ended with {process.wait()}")


def compare(processes: int, *, repeats: int, steps: int) -> dict[str, Any]:
    """Images a second of one process and of several, taking turns."""
    groups = {"one_process": Group(1, threads=processes), "processes": Group(processes, threads=1)}
    answers: dict[str, list[dict[str, float]]] = {name: [] for name in groups}
    try:
        for repeat in range(repeats + 1):
            for name, group in groups.items():
                answer = group.steps(LOG_EVERY if repeat == 0 else steps)
                if repeat:
                    answers[name].append(answer)
    finally:
        for group in groups.values():
            group.close()
    seconds = {name: [answer["seconds"] for answer in rows] for name, rows in answers.items()}
    ratios = [a / b for a, b in zip(seconds["one_process"], seconds["processes"], strict=True)]
    return {
        "batch_size": BATCH,
        "images_per_second": {name: steps * BATCH / statistics.median(values) for name, values in seconds.items()},
        "speed_up": statistics.median(ratios),
        "speed_up_range": [min(ratios), max(ratios)],
        "all_reduce_ms": 1000 * statistics.median(answer["all_reduce_s"] for answer in answers["processes"]),
        "gradient_mb": answers["processes"][0]["gradient_mb"],
    }


def time_starts(repeats: int, processes: int) -> Iterator[float]:
    """Seconds from the request to the first step of a small run, by that many processes."""
    settings = {"epochs": 2000, "devices": processes}
    config = projects.configure("anomaly", model="dense_32", preset="quick", device="cpu", settings=settings)
    for _ in range(repeats):
        begin = time.monotonic()
        run_id = runs.start(runs.create(config).run_id).run_id
        while not runs.open_run(run_id).record.step:
            time.sleep(0.02)
        yield time.monotonic() - begin
        runs.pause(run_id)
        runs.wait(run_id, timeout=60)
        runs.delete_run(run_id)


def time_jobs(repeats: int) -> float:
    """Median seconds from the request to the first step as a job of a Slurm cluster of this host."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from services.slurm_cluster import start_cluster

    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        first = probe.getsockname()[1]
        daemons = [shutil.which(name, path="/usr/sbin") for name in ("munged", "slurmctld", "slurmd")]
        cluster = start_cluster(Path(folder), daemons, iter(range(first + 1, first + 9)).__next__)
        os.environ.update(cluster.environ, DLCORE_EXECUTOR="slurm", DLCORE_SLURM_MINUTES="10")
        try:
            return statistics.median(time_starts(repeats, 1))
        finally:
            cluster.stop()


def write_rows(rows: int) -> float:
    """Rows a second that a run writes to its folder."""
    with tempfile.TemporaryDirectory() as path:
        log = FolderMetricLog(RunFolder(Path(path)))
        log.start(0)
        begin = time.perf_counter()
        for step in range(rows):
            log.log(step, {"batch_loss": 0.5, "learning_rate": 1e-3, "elapsed_s": step / 7, "loss": 1 / 3})
        log.flush()
        seconds = time.perf_counter() - begin
        log.close()
    return rows / seconds


def main() -> None:
    """Print the results as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--slurm", action="store_true", help="also start runs on a Slurm cluster of this host")
    parser.add_argument("--rank", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=1, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.rank is not None:
        return train(options.rank, options.processes, options.threads)
    results = {
        "hardware": f"{devices.describe()['processor']}, {devices.allowed_cores()} cores, torch {torch.__version__}",
        "load": os.getloadavg(),
        "training": compare(options.processes, repeats=options.repeats, steps=options.steps),
        "rows_per_second": statistics.median(write_rows(50_000) for _ in range(3)),
    }
    with tempfile.TemporaryDirectory() as home:
        os.environ["DLCORE_HOME"] = home
        for number in (1, options.processes):
            results[f"start_s_{number}"] = statistics.median(time_starts(3, number))
        if options.slurm:
            results["start_s_slurm"] = time_jobs(3)
    print(json.dumps(results, indent=1))
    return None


if __name__ == "__main__":
    main()
