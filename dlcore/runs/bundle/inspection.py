"""Validates an untrusted bundle: every file is read, bounded, and compared with the others."""

import math
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from dlcore.core.errors import RunError
from dlcore.runs.bundle.reader import OPTIONAL, REQUIRED, TEST_NAMES, Bundle
from dlcore.training.events import MEASURES

JSON_BYTES = 64 * 2**20
ARRAY_BYTES = 2 * 2**30
MOST_ROWS = 5_000_000
LARGEST_FACT = 10_000_000
_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,100}")
ARRAYS = {*TEST_NAMES, *(f"{split}_{kind}" for split in ("train", "validation", "longer") for kind in TEST_NAMES)}

MEASURED = {"layers", "steps", "norms", *MEASURES}


def validate_bundle(folder: Path) -> Bundle:
    """The bundle in `folder`, if every part of it is readable and consistent.

    Raises:
        RunError: the first problem, in one line.
    """
    for name in REQUIRED:
        if not (folder / name).is_file():
            raise RunError(f"{folder} has no {name}: it is not a bundle. Export the run again.")
    for path in (folder / name for name in (*REQUIRED, *OPTIONAL) if name.endswith((".json", ".md"))):
        if path.is_file() and path.stat().st_size > JSON_BYTES:
            raise RunError(f"{path} is larger than {JSON_BYTES >> 20} MiB: rejected.")
    bundle = Bundle(folder)
    checks: tuple[Callable[[Bundle], None], ...] = (_card, _facts, _record, _numbers, _history, _arrays, _model)
    for check in checks:
        try:
            check(bundle)
        except RunError:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, MemoryError, OverflowError) as error:
            what = " ".join(f"{type(error).__name__} {error}".split())[:200]
            raise RunError(f"{folder} is not a readable bundle ({what}): export the run again.") from None
    return bundle


def _card(bundle: Bundle) -> None:
    bundle.card  # noqa: B018 - reading it is the check


def _facts(bundle: Bundle) -> None:
    for name, value in bundle.facts.items():
        if not 0 <= value <= LARGEST_FACT:
            raise RunError(f"{bundle.folder / 'run.json'}: {name}={value} is not from 0 to {LARGEST_FACT}: rejected.")


def _record(bundle: Bundle) -> None:
    """The record has the right types and matches the config."""
    import pydantic

    from dlcore.runs.record import Record

    try:
        pydantic.TypeAdapter(Record).validate_python(bundle.record.as_json())
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RunError(f"{bundle.folder / 'run.json'}: record.{where}: {first['msg']}: rejected.") from None
    record, config = bundle.record, bundle.config
    for name in ("project", "model", "dataset", "seed"):
        if getattr(record, name) != getattr(config, name):
            raise RunError(f"{bundle.folder / 'run.json'}: record and config do not name the same {name}: rejected.")


def _numbers(bundle: Bundle) -> None:
    evaluation = bundle.evaluation
    for name in (*evaluation.parts, *evaluation.baselines):
        _check_name(name, bundle)
    for metrics in (
        evaluation.metrics,
        *evaluation.baselines.values(),
        *evaluation.parts.values(),
        bundle.record.metrics,
    ):
        for name, value in metrics.items():
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
                raise RunError(f"{bundle.folder / 'run.json'}: metric '{name[:60]}' is not a finite number: rejected.")
            _check_name(name, bundle)
    if bundle.threshold is not None and not math.isfinite(bundle.threshold):
        raise RunError(f"{bundle.folder / 'threshold.json'}: the threshold is not a finite number: rejected.")
    dict(bundle.preprocessing)
    tuple(bundle.labels)


def _history(bundle: Bundle) -> None:
    rows = 0
    for name, curve in bundle.history().items():
        rows += len(curve.steps)
        _check_name(name, bundle)
        if rows > MOST_ROWS or (len(curve.steps) and curve.steps[0] < 0):
            raise RunError(
                f"{bundle.folder / 'metrics.csv'}: negative steps, or more than {MOST_ROWS:,} rows: rejected."
            )


def _arrays(bundle: Bundle) -> None:
    """Arrays are as large as their headers say, and those of one split have one length."""
    for name in ("predictions.npz", "gradients.npz", "baselines.npz"):
        if (bundle.folder / name).exists():
            _check_npz(bundle.folder / name)
    norms = bundle.gradients()
    fits = norms is None or {values.shape for values in (norms.norms, *norms.measures.values())} == {
        (len(norms.steps), len(norms.layers))
    }
    if not fits:
        raise RunError(f"{bundle.folder / 'gradients.npz'}: its arrays do not match: rejected.")
    predictions = bundle.predictions()
    for split in ("train", "validation", "test"):
        lengths = {len(array) for name, array in predictions.items() if name.startswith(f"{split}_")}
        if len(lengths) > 1:
            raise RunError(f"{bundle.folder / 'predictions.npz'}: the {split} arrays differ in length: rejected.")
    if "test_scores" not in predictions:
        raise RunError(f"{bundle.folder / 'predictions.npz'} has no scores: rejected.")


def _check_npz(path: Path) -> None:
    """Check the headers: an array may claim to be larger than the file, or contain Python objects."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > ARRAY_BYTES:
                raise RunError(f"{path} unpacks to more than {ARRAY_BYTES >> 30} GiB: rejected.")
            for entry in archive.infolist():
                if not _is_array_name(path.name, entry.filename.removesuffix(".npy")):
                    raise RunError(f"{path}: '{entry.filename[:60]}' is not an array of a bundle: rejected.")
                _check_npy(path, archive, entry)
    except (OSError, zipfile.BadZipFile) as error:
        raise RunError(f"{path} cannot be read ({error}): export the run again.") from None


def _is_array_name(file: str, name: str) -> bool:
    if file == "baselines.npz":
        return _NAME.fullmatch(name) is not None
    return name in (ARRAYS if file == "predictions.npz" else MEASURED)


def _check_npy(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    with archive.open(entry) as file:
        version = np.lib.format.read_magic(file)
        read: Any = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        if version not in read:
            raise RunError(f"{path}: '{entry.filename[:60]}' has an unknown format: rejected.")
        shape, _, dtype = read[version](file)
    if dtype.hasobject:
        raise RunError(f"{path}: '{entry.filename[:60]}' holds Python objects, which are never loaded: rejected.")
    if math.prod(shape) * dtype.itemsize > entry.file_size:
        raise RunError(f"{path}: '{entry.filename[:60]}' claims more numbers than it contains: rejected.")


def _model(bundle: Bundle) -> None:
    bundle.load(complete=False)


def _check_name(name: str, bundle: Bundle) -> None:
    if not _NAME.fullmatch(name):
        raise RunError(f"{bundle.folder / 'run.json'}: {name[:60]!r} is not a valid metric name: rejected.")
