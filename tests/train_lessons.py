"""Train the lessons of a project into `assets/lessons`, seed by seed; bundles that exist are kept.

    python tests/train_lessons.py architectures

A lesson takes little space: the first seed is stored with int8 weights and the others without, curves are
thinned, and predictions are those of the test split with three decimals, of further seeds with one (their classes are
exact). Needs the lessons' datasets.
"""

import argparse
import io
import json
import os
import sys
import zipfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from dlcore import projects, runs
from dlcore.core import settings
from dlcore.projects.lessons import SEEDS
from dlcore.projects.variants import lesson_configs
from dlcore.runs import Bundle, Curve, budgets
from dlcore.runs.bundle.reader import WITHOUT_WEIGHTS
from dlcore.runs.bundle.writer import metrics_csv


def train(project: str, folder: Path) -> None:
    """Train every missing run and print its accuracy."""
    for index, seed in enumerate(SEEDS):
        for lesson in projects.get(project).lessons:
            for variant, configs in lesson_configs(project, lesson).items():
                target = folder / lesson.slug / f"{variant}-{seed}"
                if not target.exists():
                    record = runs.train_here(configs[index], target, weights="int8")
                    print(f"{target}: accuracy {record.metrics['accuracy']:.4f}", flush=True)


def shrink(folder: Path) -> None:
    """Reduce a bundle to what a lesson needs."""
    bundle = Bundle(folder)
    run, history, stored = bundle.run, bundle.history(), bundle.predictions()
    is_first = run["record"]["seed"] == SEEDS[0]
    if not is_first:
        (folder / "model.safetensors").unlink(missing_ok=True)
        run["weights"] = WITHOUT_WEIGHTS
    if "multiply_adds" not in run and (cost := budgets.model_cost(bundle)):
        run["multiply_adds"] = cost.multiply_adds
    (folder / "run.json").write_text(json.dumps(run))
    epochs = history["validation_loss"].steps
    curves = {name: _thin(curve, epochs) for name, curve in history.items() if not name.startswith("batch_")}
    (folder / "metrics.csv").write_bytes(metrics_csv(curves))
    scores = stored["test_scores"].astype(np.float64)
    short = scores.round(3 if is_first else 1).astype(np.float16)
    predicted = scores.argmax(axis=1)
    tied = np.flatnonzero(short.argmax(axis=1) != predicted)
    short[tied, predicted[tied]] = np.nextafter(short[tied].max(axis=1), np.float16(2))
    targets, ids = stored["test_targets"].astype(np.uint8), stored["test_ids"].astype(np.int16)
    _write_arrays(folder / "predictions.npz", {"scores": short, "targets": targets, "ids": ids})


def _write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write an .npz file with bzip2, which takes a third of the space of deflate for row numbers."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        for name, values in arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, values, allow_pickle=False)
            archive.writestr(f"{name}.npy", buffer.getvalue())


def _thin(curve: Curve, epochs: np.ndarray) -> Curve:
    """Keep the values at the ends of epochs and every eighth other one, rounded to six digits."""
    keep = np.isin(curve.steps, epochs) | (np.arange(len(curve.steps)) % 8 == 0)
    return Curve(curve.steps[keep], np.array([float(f"{value:.6g}") for value in curve.values[keep]]))


def main() -> None:
    """Train and shrink all lessons of a project."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project")
    torch.set_num_threads(1)
    project = parser.parse_args().project
    folder = settings.ASSETS / "lessons" / project
    train(project, folder)
    for path in sorted(folder.glob("*/*/run.json")):
        shrink(path.parent)


if __name__ == "__main__":
    main()
