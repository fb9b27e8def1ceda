"""Cost of `dlcore.watch`: share of a step of about 5 ms at the default cadence, microseconds of an unmeasured `log`.

    python tests/benchmarks/watch.py [--seconds 20] > watch.json

Watched and plain steps alternate in blocks, in one process on one thread. Reports CPU time, which, unlike wall time,
hardly depends on the machine's other load, and the load itself.
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

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["DLCORE_HOME"] = tempfile.mkdtemp(prefix="dlcore-watch-")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from torch import nn

import dlcore

BLOCK = 10


def training(width: int, batch: int) -> tuple[nn.Module, Callable[[], torch.Tensor]]:
    """Return a dense network, and a function that takes one step."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(784, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10))
    optimizer = torch.optim.Adam(module.parameters(), 1e-3)
    inputs, targets = torch.rand(batch, 784), torch.randint(0, 10, (batch,))

    def step() -> torch.Tensor:
        loss = nn.functional.cross_entropy(module(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return module, step


def measure_share(seconds: float) -> dict[str, float]:
    """Return CPU milliseconds of a plain and a watched step, and the added share in percent."""
    module, step = training(256, 256)
    plain, watched = [], []
    with dlcore.watch(module) as run:
        for _ in range(BLOCK):
            run.log(loss=step())
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            begin = time.process_time()
            for _ in range(BLOCK):
                step()
            middle = time.process_time()
            for _ in range(BLOCK):
                run.log(loss=step())
            plain.append((middle - begin) / BLOCK * 1e3)
            watched.append((time.process_time() - middle) / BLOCK * 1e3)
    ratio = sum(watched) / sum(plain) - 1
    return {
        "plain_ms": statistics.median(plain),
        "watched_ms": statistics.median(watched),
        "added_percent": 100 * ratio,
        "blocks": len(plain),
    }


def measure_log() -> float:
    """Return CPU microseconds of one `log` that measures no step."""
    module, step = training(16, 8)
    loss = step().detach()
    with dlcore.watch(module) as run:
        run._probe.close()
        run._probed_until = float("inf")
        times = []
        for _ in range(20):
            begin = time.process_time()
            for _ in range(1000):
                run.log(loss=loss)
            times.append((time.process_time() - begin) / 1000 * 1e6)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    seconds = parser.parse_args().seconds
    result = {"step": measure_share(seconds), "log_us": measure_log(), "load": os.getloadavg()[0]}
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
