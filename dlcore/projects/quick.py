"""The quick preset on a custom dataset: as many epochs as fit into about half a minute on two cores.

Epochs follow from the number of training rows, so that a small file is not trained for a few steps only and a large one
does not take minutes. The result is part of the run's config, and of the command that repeats it.
"""

from collections.abc import Mapping
from typing import Any

from dlcore.data.custom.registry import CustomDataset

PRESET = "quick"
MAX_EPOCHS = 120
MIN_EPOCHS = 3
MIN_PATIENCE = 10


SMALL, FOLDS = 500, 5
"""A classification dataset with fewer rows is cross-validated, with that many folds."""


def cross_validation(dataset: CustomDataset, model: str) -> dict[str, Any]:
    """`Project.custom_settings` of classifiers: small datasets are cross-validated."""
    return {"folds": FOLDS} if dataset.rows < SMALL else {}


def fit_epochs(
    values: Mapping[str, Any],
    dataset: CustomDataset,
    *,
    samples: float,
    train_share: float = 0.7,
    rows_setting: str = "",
    most_rows: int = 0,
) -> dict[str, Any]:
    """Return the settings of a run that trains on about `samples` samples (rows x epochs), from the preset's `values`.

    train_share: share of the dataset's rows that train. rows_setting: a setting that limits the rows, which is lowered
    where three epochs would take too long, and to `most_rows` where reading a row is expensive; without it the number
    of epochs falls to 1.
    """
    rows = dataset.rows
    if limit := int(values.get(rows_setting, 0)):
        rows = min(rows, limit)
    settings: dict[str, Any] = {}
    most = min(round(samples / MIN_EPOCHS / train_share), most_rows or dataset.rows)
    if rows_setting and rows > most:
        settings[rows_setting] = rows = most
    epochs = min(MAX_EPOCHS, max(1, round(samples / max(1.0, rows * train_share))))
    settings["epochs"] = epochs
    if values.get("schedule", "constant") != "one_cycle":  # which must run to its end
        settings["patience"] = max(MIN_PATIENCE, epochs // 4)
    return settings
