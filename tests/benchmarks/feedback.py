"""Effect of feedback on later alarms: a paired test over labeled series.

python tests/benchmarks/feedback.py FOLDER [--missed]

FOLDER holds CSV files and `windows.json` of the Numenta Anomaly Benchmark. Each series is scored causally by nearest
windows fitted on its first 30 %, with the maximum of the next 10 % as threshold. The other 60 % are halved: all false
alarms of the first half are marked (with --missed its missed events too), its detected events are confirmed, and the
proposed threshold is applied to the second half, which feedback never sees.
"""

import argparse
import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from dlcore import projects
from dlcore.core.errors import WorkbenchError
from dlcore.data.series.seasonality import detect_period
from dlcore.data.series.series import LabeledWindow, Series, read_csv
from dlcore.evaluation import anomaly
from dlcore.evaluation.feedback import propose
from dlcore.projects.anomaly import project, scores
from dlcore.projects.anomaly.models import MODELS

TRAIN, VALIDATION = 0.3, 0.1


@dataclass(frozen=True)
class Effect:
    """False alarms and detected events of the second half before and after, and the events there."""

    name: str
    factor: float
    false_before: int
    false_after: int
    hit_before: int
    hit_after: int
    events: int


def to_windows(spans: list[list[str]]) -> tuple[LabeledWindow, ...]:
    """Return labeled windows from pairs of times."""
    ends = [[int(np.datetime64(text[:19], "ms").astype(np.int64)) for text in span] for span in spans]
    return tuple(LabeledWindow(start, end, "event") for start, end in ends)


def score(series: Series) -> tuple[np.ndarray, float, int]:
    """Return causal scores (N,), the threshold, and the end of the validation split."""
    settings = {"train_share": TRAIN, "validation_share": VALIDATION, "window": 48, "leave_out": ""}
    config = projects.configure("anomaly", model="neighbors", preset="quick", settings=settings, device="cpu")
    prepared = project.prepare_series(series, config)
    module = MODELS["neighbors"].build(config.model_options, prepared.facts)
    assert prepared.start is not None
    prepared.start(module)
    parts = scores.scores(module, prepared, view="nearest window", length=48, smooth=1)
    whole = np.concatenate([parts[name].causal.mean(axis=1) for name in ("train", "validation", "test")])
    ends = prepared.source["spans"]["validation"]
    return whole, float(whole[ends].max()), ends.stop


def compare(name: str, series: Series, *, with_missed: bool) -> Effect:
    """Give feedback on the first half, and count on the second."""
    whole, threshold, start = score(series)
    labels = series.labels[start:].astype(bool)
    ratios = whole[start:] / max(threshold, 1e-12)
    middle = len(ratios) // 2
    while middle < len(ratios) - 1 and labels[middle]:
        middle += 1  # an event belongs to one half
    gap = anomaly.event_gap(series.step_ms / 3_600_000, len(ratios))
    first = anomaly.events(ratios[:middle] > 1, labels[:middle], gap=gap)
    events = [tuple(span) for span in first.windows.tolist()]
    confirmed = [span for span, hit in zip(events, first.hit, strict=True) if hit]
    missed = [span for span, hit in zip(events, first.hit, strict=True) if not hit] if with_missed else []
    false = [tuple(span) for span in first.false_alarms.tolist()]
    factor = 1.0
    if false or missed:
        factor = propose(ratios[:middle], false=false, missed=missed, confirmed=confirmed, gap=gap).factor
    before, after = (anomaly.events(ratios[middle:] > limit, labels[middle:], gap=gap) for limit in (1.0, factor))
    counts = [len(each.false_alarms) for each in (before, after)]
    return Effect(name, factor, *counts, int(before.hit.sum()), int(after.hit.sum()), len(before.windows))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--missed", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    windows = json.loads((options.folder / "windows.json").read_text())
    effects = []
    for path in sorted(options.folder.rglob("*.csv")):
        key = str(path.relative_to(options.folder))
        spans = next((value for name, value in windows.items() if name.endswith(path.name)), [])
        try:
            series = read_csv(path.read_bytes())
            first = series.values[: int(len(series.values) * TRAIN)]
            period = detect_period(first, series.step_ms)
            labeled = Series(series.times, series.values, to_windows(spans), period=period)
            effects.append(compare(key, labeled, with_missed=options.missed))
        except WorkbenchError as error:
            print(f"{key}: {error}")
            continue
        last = effects[-1]
        print(
            f"{last.name}: threshold x {last.factor:.3f}; false alarms {last.false_before} -> {last.false_after}; "
            f"events {last.hit_before} -> {last.hit_after} of {last.events}",
            flush=True,
        )
    summarize(effects)


def summarize(effects: list[Effect]) -> None:
    """Print totals, and the exact two-sided sign test over series."""
    changes = np.array([effect.false_after - effect.false_before for effect in effects])
    fewer, more = int((changes < 0).sum()), int((changes > 0).sum())
    n, k = fewer + more, max(fewer, more)
    p = min(1.0, 2 * sum(math.comb(n, i) for i in range(k, n + 1)) / 2**n) if n else 1.0
    total = {
        name: sum(getattr(effect, name) for effect in effects)
        for name in Effect.__annotations__
        if name not in ("name", "factor")
    }
    print(f"{len(effects)} series, {total}")
    print(f"false alarms: fewer on {fewer}, more on {more}, equal on {len(effects) - n}; sign test p = {p:.2g}")


if __name__ == "__main__":
    main()
