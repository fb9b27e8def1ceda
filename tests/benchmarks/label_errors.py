"""How many planted label errors `dlcore inspect` finds, and what correcting them gains.

    python tests/benchmarks/label_errors.py [DATASET ...]

Labels of training and validation samples are flipped, at random or to the class that a model of the clean labels finds
most similar. Each run uses the ordinary path: a version of the dataset, training, inspection, a corrected version,
training again, and a paired test.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from dlcore import projects, runs
from dlcore.data.custom.decisions import Decision
from dlcore.data.splits import SPLITS
from dlcore.evaluation.label_errors import rank_by_loss
from dlcore.projects import classification
from dlcore.projects.run_config import RunConfig
from dlcore.runs.bundle.reader import Bundle
from dlcore.runs.paired_tests import compare_variants
from dlcore.runs.quality import correction, inspection
from dlcore.runs.quality.inspection import DataQuality

SETTINGS: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "fashion_mnist": ("fashion", "dense", "quick", {"train_rows": 3000, "validation_share": 0.05, "epochs": 12}),
    "ag_news_15k": ("news", "tfidf", "quick", {}),
    "trec6": ("questions", "tfidf", "quick", {}),
    "food101_mini": ("food", "mobilenet_v2_frozen", "quick", {}),
}
"""Dataset -> project, model, preset and settings: small, so that all rows take minutes on one thread."""
KINDS, SHARES = ("random", "similar"), (0.05, 0.2)


@dataclass(frozen=True)
class Planted:
    """Decisions that plant errors, and the true class of each row that was changed."""

    decisions: list[Decision]
    true: dict[int, int]


def main() -> None:
    """Measure and print the tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("datasets", nargs="*", default=list(SETTINGS))
    datasets = parser.parse_args().datasets
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as home:
        os.environ["DLCORE_HOME"] = home
        for dataset in datasets:
            for row in measure(dataset, Path(home)):
                print(row, flush=True)


def measure(dataset: str, home: Path) -> Iterator[str]:
    """Yield the rows of the table for one dataset: clean, then each kind and share of errors."""
    project, model, preset, settings = SETTINGS[dataset]
    config = projects.configure(project, model=model, dataset=dataset, preset=preset, device="cpu", settings=settings)
    begin = time.monotonic()
    clean, quality = train(config, home / f"{dataset}-clean")
    suspects = quality.errors.suspects[~quality.samples.is_test[quality.errors.suspects]]
    learned = int((~quality.samples.is_test).sum())
    yield (
        f"| {dataset} | none | 0 of {learned:,} | {len(suspects):,} suspects ({len(suspects) / learned:.1%}) | | | "
        f"{clean.evaluation.metrics['accuracy']:.1%} | | | {time.monotonic() - begin:.0f} s |"
    )
    for kind in KINDS:
        for share in SHARES:
            begin = time.monotonic()
            planted = plant(quality, kind, share)
            row = measure_planted(config, quality, planted, home / f"{dataset}-{kind}-{share}")
            yield f"| {dataset} | {kind} {share:.0%} | {row} | {time.monotonic() - begin:.0f} s |"


def measure_planted(config: RunConfig, clean: DataQuality, planted: Planted, folder: Path) -> str:
    """Return the cells of one row: found errors, rankings, and the gain of correcting what was found."""
    damaged = correction.save_corrected(
        config, clean.samples, planted.decisions, name=f"d{folder.name}".replace(".", "-")[:40]
    )
    before, quality = train(correction.configure_corrected(config, damaged), folder / "before")
    samples = quality.samples
    is_planted = ~samples.is_test & np.isin(samples.ids, list(planted.true))
    k, suspects = len(planted.true), quality.errors.suspects[~samples.is_test[quality.errors.suspects]]

    def precision(ranking: np.ndarray) -> float:
        return float(is_planted[ranking[~samples.is_test[ranking]][:k]].mean())

    is_found = is_planted[suspects]
    loss = rank_by_loss(in_sample(before, quality), samples.labels)
    corrected = [
        Decision(SPLITS[samples.parts[i]], int(samples.ids[i]), samples.names[samples.labels[i]], "", "relabel", true)
        for i in suspects
        if (true := samples.names[planted.true.get(int(samples.ids[i]), int(samples.labels[i]))])
        != samples.names[samples.labels[i]]
    ]
    config = correction.configure_corrected(before.config, correction.save_corrected(before.config, samples, corrected))
    after, _ = train(config, folder / "after", inspect=False)
    test = compare_variants({"after": [after], "before": [before]})[0]
    assert test.difference is not None, test.reason
    gap, scores = test.difference, [each.evaluation.metrics["accuracy"] for each in (before, after)]
    return (
        f"{k:,} of {int((~samples.is_test).sum()):,} | {len(suspects):,} suspects, {is_found.mean():.1%} planted, "
        f"{is_found.sum() / k:.1%} found | {precision(quality.errors.ranking):.1%} | {precision(loss):.1%} | "
        f"{scores[0]:.1%} | {scores[1]:.1%} | {100 * gap.value:+.1f} [{100 * gap.low:+.1f}, {100 * gap.high:+.1f}]"
    )


def train(config: RunConfig, folder: Path, *, inspect: bool = True) -> tuple[Bundle, Any]:
    """Train in this process; return the bundle and, with `inspect`, its data quality."""
    runs.train_here(config, folder)
    bundle = Bundle(folder)
    return bundle, inspection.inspect_run(bundle) if inspect else None


def in_sample(bundle: Bundle, quality: DataQuality) -> np.ndarray:
    """Return the network's own probabilities (N, K) of the samples that it was trained on: the plain loss ranking."""
    prepared = projects.get(bundle.config.project).prepare(bundle.config)
    module = bundle.load().module
    return np.concatenate([classification.logits(module, prepared, part)[0].softmax(dim=1).numpy() for part in SPLITS])


def plant(quality: DataQuality, kind: str, share: float) -> Planted:
    """Flip a share of the labels of training and validation samples, the same samples for both kinds."""
    samples, generator = quality.samples, np.random.default_rng(0)
    rows = np.flatnonzero(~samples.is_test)
    rows = generator.permutation(rows)[: round(share * len(rows))]
    classes, labels = len(samples.names), samples.labels
    wrong = (labels[rows] + generator.integers(1, classes, len(rows))) % classes
    if kind == "similar":
        other_classes = quality.probabilities[rows].copy()
        other_classes[np.arange(len(rows)), labels[rows]] = -1
        wrong = other_classes.argmax(axis=1)
    decisions = [
        Decision(
            SPLITS[samples.parts[row]], int(samples.ids[row]), samples.names[labels[row]], samples.names[new], "relabel"
        )
        for row, new in zip(rows, wrong, strict=True)
    ]
    return Planted(decisions, {int(samples.ids[row]): int(labels[row]) for row in rows})


if __name__ == "__main__":
    main()
