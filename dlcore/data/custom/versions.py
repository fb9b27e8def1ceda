"""Versions of a dataset: the samples of a run with some labels changed and some samples left out.

A version stores no samples: it names its base, public or custom, with the row numbers of each split and the decisions.
Splits are those of the run, so that a new run differs from it by the decisions only; the test split never changes.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlcore.core.errors import DataError, RequestError
from dlcore.data.custom import registry
from dlcore.data.custom.decisions import Decision, write_csv
from dlcore.data.custom.registry import CustomDataset, Kind
from dlcore.data.sources.registry import DATASETS

SAMPLES, DECISIONS = "samples.npz", "decisions.csv"
_OUTCOMES = {"relabel": "labels changed", "exclude": "samples left out", "confirm": "labels confirmed"}


@dataclass(frozen=True)
class Version:
    """Row numbers in the base of the samples of each split, and new class numbers of the relabeled rows."""

    base: str
    base_checksum: str
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    relabeled: np.ndarray
    classes: np.ndarray

    def relabel(self, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Return the labels (N,) of training or validation rows (N,) after the decisions."""
        new = dict(zip(self.relabeled.tolist(), self.classes.tolist(), strict=True))
        return np.array([new.get(row, label) for row, label in zip(rows.tolist(), labels.tolist(), strict=True)])


def is_version(entry: CustomDataset) -> bool:
    """Return whether a custom dataset is a version of another dataset."""
    return "base" in entry.facts


def find_base(dataset: str) -> str:
    """Return the dataset that a version was made of, or of the version before; any other dataset is its own base."""
    for _ in range(registry.MAX_DATASETS):
        entry = registry.find(dataset) if registry.is_custom(dataset) else None
        if entry is None or not is_version(entry):
            return dataset
        dataset = str(entry.facts["base"])
    return dataset


def save_version(
    name: str,
    base: tuple[str, str],
    splits: dict[str, np.ndarray],
    decisions: Sequence[Decision],
    *,
    kind: Kind,
    labels: Sequence[str],
) -> CustomDataset:
    """Save the samples of a run as a new dataset, changed by decisions about training and validation samples.

    base: dataset and, for a custom one, its checksum. splits: row numbers of train, validation and test. Decisions
    about test samples change nothing: scores before and after stay comparable.

    Raises:
        RequestError: no decision changes a sample, or the name is invalid or taken.
        DataError: a decision names a sample that the run does not have.
        StoreError: the folder cannot be written.
    """
    learned = [each for each in decisions if each.part != "test"]
    _check_rows(learned, splits)
    excluded = np.array([each.row for each in learned if each.decision == "exclude"], np.int64)
    changed = [each for each in learned if each.decision == "relabel" and each.target != each.label]
    if not len(excluded) and not changed:
        raise RequestError("no decision changes a training sample: relabel or exclude at least one.")
    remaining = {part: rows if part == "test" else rows[~np.isin(rows, excluded)] for part, rows in splits.items()}
    arrays = {
        **{part: rows.astype(np.int64) for part, rows in remaining.items()},
        "relabeled": np.array([each.row for each in changed], np.int64),
        "classes": np.array([labels.index(each.target) for each in changed], np.int64),
    }
    digest = hashlib.sha256(f"{base[0]} {base[1]}".encode())
    for part in sorted(arrays):
        digest.update(part.encode() + arrays[part].tobytes())
    entry = CustomDataset(
        name=name,
        kind=kind,
        rows=sum(len(rows) for rows in remaining.values()),
        checksum=digest.hexdigest(),
        source=base[0],
        facts={
            "base": base[0],
            "base_checksum": base[1],
            "classes": list(labels),
            "receipt": _receipt(base[0], learned),
        },
    )

    def write(folder: Path) -> None:
        np.savez_compressed(folder / SAMPLES, allow_pickle=False, **arrays)  # type: ignore[arg-type]
        (folder / DECISIONS).write_bytes(write_csv(decisions))

    return registry.save(entry, write, reserved=DATASETS)


def load_version(entry: CustomDataset) -> Version:
    """Return the rows and labels of a version.

    Raises:
        DataError: its file is damaged.
    """
    try:
        with np.load(entry.folder / SAMPLES, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in ("train", "validation", "test", "relabeled", "classes")}
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{entry.folder / SAMPLES} cannot be read ({error}): make the version again.") from None
    return Version(str(entry.facts["base"]), str(entry.facts.get("base_checksum", "")), **arrays)


def _check_rows(decisions: Sequence[Decision], splits: dict[str, np.ndarray]) -> None:
    known = {part: set(rows.tolist()) for part, rows in splits.items()}
    for each in decisions:
        if each.row not in known[each.part]:
            raise DataError(f"the run has no {each.part} sample with row {each.row}: use the CSV of this run.")


def _receipt(base: str, decisions: Sequence[Decision]) -> list[str]:
    counts: Counter[str] = Counter(each.decision for each in decisions)
    changes = [f"{what}: {counts[name]:,}" for name, what in _OUTCOMES.items() if counts[name]]
    return [f"version of {base}, with the splits of the run", *changes]
