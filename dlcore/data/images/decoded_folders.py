"""Decodes class folders into arrays on disk: pixels, labels, duplicate groups and the parts of the source."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from dlcore.data.images import archives, classes, duplicates, folders
from dlcore.data.images.folders import Entry, RejectedFile
from dlcore.data.repairs import Repairs

SIDE = 64
"""Default side in pixels of images from class folders."""
TEST_SHARE = 0.15
"""Test share of datasets without a test split."""
ABOUT = "about.json"


def decode_folders(path: Path, draft: Path, *, saved: bool) -> None:
    """Decode, find duplicates and split; training and validation rows come first, then test rows.

    `saved`: the archive of a custom dataset, whose classes were already checked.

    Raises:
        DataError: The folder or zip cannot be read, or has fewer than two classes.
    """
    with archives.open_source(path) as source:
        entries, rejected = _list_entries(source, saved=saved)
        raw = _blank(draft / "raw.npy", len(entries), SIDE)
        good, notes = folders.decode(source, entries, raw)
    rows = np.flatnonzero(good)
    names = tuple(sorted({entries[row].label for row in rows}))
    classes.check_classes(names, [*rejected, *notes])
    numbers = {name: k for k, name in enumerate(names)}
    labels = np.array([numbers[entries[row].label] for row in rows])
    parts = np.array([entries[row].part for row in rows])
    result = duplicates.find(raw[rows], labels)
    train, test = _split_test(labels, parts, result.groups)
    order = np.r_[train, test]
    pixels = _blank(draft / "pixels.npy", len(order), SIDE)
    for start in range(0, len(order), 1024):
        pixels[start : start + 1024] = raw[rows[order[start : start + 1024]]]
    del raw
    (draft / "raw.npy").unlink()
    np.save(draft / "labels.npy", labels[order])
    np.save(draft / "groups.npy", result.groups[order])
    np.save(draft / "in_validation.npy", parts[train] == "validation")
    about = {
        "learn": len(train),
        "names": names,
        "exact": result.exact,
        "near": result.near,
        "conflicts": result.conflicts,
        "refused": [asdict(file) for file in [*rejected, *notes]],
        "files": [entries[rows[at]].name for at in order],
        "checksum": hashlib.sha256(hashlib.sha256(pixels.data).digest() + labels[order].tobytes()).hexdigest(),
    }
    (draft / ABOUT).write_text(json.dumps(about), encoding="utf-8")


def _list_entries(source: archives.Source, *, saved: bool) -> tuple[list[Entry], list[RejectedFile]]:
    if saved:
        return folders.list_saved(source), []
    names, rejected = folders.list_files(source)
    repairs = Repairs()  # defaults: public datasets need none
    entries, unplaced, _ = classes.arrange(names, repairs)
    return classes.select_classes(entries, rejected, repairs)[0], [*rejected, *unplaced]


def _split_test(labels: np.ndarray, parts: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows for training and validation, and those for the test, which is drawn if the source has none."""
    in_test = parts == "test"
    if in_test.any():
        return np.flatnonzero(~in_test), np.flatnonzero(in_test)
    rows = np.flatnonzero(parts == "train")
    train, test = duplicates.grouped_stratified_split(labels[rows], groups[rows], TEST_SHARE, seed=0)
    return np.sort(np.r_[rows[train], np.flatnonzero(parts == "validation")]), rows[test]


def decode_again(path: Path, entries: list[Entry], side: int, draft: Path) -> None:
    """Decode the same images in the same order at another side."""
    with archives.open_source(path) as source:
        folders.list_files(source)
        folders.decode(source, entries, _blank(draft / "pixels.npy", len(entries), side))


def _blank(file: Path, n: int, side: int) -> np.memmap:
    return np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=(n, side, side, 3))
