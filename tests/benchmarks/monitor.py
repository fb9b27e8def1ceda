"""Points per second of a monitor on one core, and where the time goes.

python tests/benchmarks/monitor.py [MODEL ...] [--period N] [--stored N]

Scores a synthetic series in parts of 512 points, as from a file with a backlog, then point by point. Counts processor
time, so that other programs do not matter. The model is `neighbors` with `--stored` points by default, with a period of
`--period` points (1: none), or reference runs by name.
"""

import argparse
import contextlib
import cProfile
import pstats
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from dlcore import runs
from dlcore.models.nearest_windows import NearestWindows, NearestWindowsConfig
from dlcore.projects.project import LoadedModel
from dlcore.runs.inference import open_bundle
from dlcore.runs.monitor.detector import StreamDetector
from dlcore.runs.monitor.monitor import ThresholdSettings, make_detector

STEP_MS = 30 * 60_000
WINDOW = 96


def make_values(points: int, period: int) -> np.ndarray:
    at = np.arange(points)
    wave = np.sin(2 * np.pi * at / max(period, 48))
    return 15_000 + 6_000 * wave + np.random.default_rng(0).normal(0, 800, points)


def store_patterns(detector: StreamDetector, *, stored: int, period: int) -> None:
    """Replace the model by nearest windows with this many stored points."""
    loaded: LoadedModel = detector.loaded
    module = NearestWindows(NearestWindowsConfig(), window=WINDOW, places=period, points=stored)
    values = torch.from_numpy(((make_values(stored, period) - 8) / 39_189).astype(np.float32))
    module.store(values, torch.ones(stored, dtype=torch.bool), first_place=0)
    facts = {**loaded.facts, "places": period, "train_points": stored}
    detector.loaded = replace(loaded, module=module.eval(), facts=facts)
    assert detector.project.scorer is not None
    detector.scorer = detector.project.scorer(detector.loaded, STEP_MS)


def parts(points: int, period: int, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    values = make_values(points, period)
    times = np.arange(points) * STEP_MS + 1_600_000_000_000
    for start in range(0, points, size):
        yield times[start : start + size], values[start : start + size]


def measure(detector: StreamDetector, *, points: int, period: int, size: int) -> float:
    start = time.process_time()
    for times, values in parts(points, period, size):
        detector.push(times, values)
    return points / (time.process_time() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("models", nargs="*", default=["stored"])
    parser.add_argument("--period", type=int, default=336)
    parser.add_argument("--stored", type=int, default=5_000)
    parser.add_argument("--points", type=int, default=30_000)
    parser.add_argument("--threshold", default="fixed")
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for model in options.models:
        run = runs.open_run(f"reference:anomaly/{'neighbors' if model == 'stored' else model}")
        open_bundle(run.finished_bundle)
        rates = []
        for size, points in ((512, options.points), (512, options.points), (1, 1_000)):
            detector = make_detector(run, "series", STEP_MS, threshold=ThresholdSettings(options.threshold))
            if model == "stored":
                store_patterns(detector, stored=options.stored, period=options.period)
            measure(detector, points=600, period=options.period, size=600)  # tables are built
            detector = make_detector(run, "series", STEP_MS) if model != "stored" else detector
            detector.last_time = 0
            detector.fed = 0
            with cProfile.Profile() if options.profile and size > 1 else contextlib.nullcontext() as profile:
                rates.append(measure(detector, points=points, period=options.period, size=size))
            if profile is not None and len(rates) == 2:
                pstats.Stats(profile).sort_stats("tottime").print_stats(10)
        print(f"{model}: {max(rates[:2]):,.0f} points/s in parts of 512, {rates[2]:,.0f} one by one", flush=True)


if __name__ == "__main__":
    main()
