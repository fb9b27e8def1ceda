"""Write assets/thumbnails: 200 test images of each dataset that may be passed on (needs the datasets).

The first 32 of the test split, the most confident errors of the reference runs, then as many of each class as fit.
Run it after new reference runs: DLCORE_DATA=... python tests/draw_thumbnails.py
"""

import numpy as np

from dlcore import projects, runs
from dlcore.data.images import images
from dlcore.data.images.thumbnails import FOLDER

DATASETS, COUNT, FIRST, ERRORS = ("fashion_mnist", "mnist"), 200, 32, 6


def confident_errors(dataset: str) -> list[int]:
    """Return test rows that the reference runs on a dataset misclassify most confidently, worst of each run first."""
    ranked = []
    for run in runs.references():
        bundle = run.finished_bundle
        if run.config.dataset != dataset or projects.get(run.config.project).task.name != "classification":
            continue
        stored = bundle.predictions()
        scores, targets = stored["test_scores"], stored["test_targets"]
        wrong = np.flatnonzero(scores.argmax(axis=1) != targets)
        ranked.append(stored["test_ids"][wrong[np.argsort(-scores[wrong].max(axis=1), kind="stable")[:ERRORS]]])
    return [int(run[place]) for place in range(ERRORS) for run in ranked if place < len(run)]


def choose(dataset: str) -> np.ndarray:
    """Return the rows of the thumbnails, ascending."""
    labels = images.load(dataset).test_labels
    rows = list(dict.fromkeys([*range(FIRST), *confident_errors(dataset)]))[:COUNT]
    places = [np.flatnonzero(labels == k) for k in range(labels.max() + 1)]
    for row in (int(row) for group in zip(*(part[: COUNT * 2] for part in places), strict=False) for row in group):
        if len(rows) == COUNT:
            break
        if row not in rows:
            rows.append(row)
    return np.sort(rows)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for dataset in DATASETS:
        rows, data = choose(dataset), images.load(dataset)
        np.savez_compressed(
            FOLDER / f"{dataset}.npz",
            rows=rows.astype(np.uint16),
            pixels=np.asarray(data.test_pixels[rows]),
            labels=data.test_labels[rows].astype(np.uint8),
        )
        print(dataset, len(rows), (FOLDER / f"{dataset}.npz").stat().st_size)
