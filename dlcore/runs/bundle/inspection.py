"""Validates an untrusted bundle: every file is read, bounded, and compared with the others."""

import math
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dlcore.core.errors import RunError
from dlcore.runs.bundle import limits
from dlcore.runs.bundle.reader import OPTIONAL, REQUIRED, TEST_NAMES, Bundle
from dlcore.runs.epoch_log import EpochRecord
from dlcore.training.events import MEASURES

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
    for name in (*REQUIRED, *OPTIONAL):
        if (folder / name).is_file():
            limits.check_size(name, (folder / name).stat().st_size)
    bundle = Bundle(folder)
    checks: tuple[Callable[[Bundle], None], ...] = (_texts, _facts, _record, _numbers, _history, _arrays, _model)
    for check in checks:
        try:
            check(bundle)
        except RunError:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, MemoryError, OverflowError) as error:
            what = " ".join(f"{type(error).__name__} {error}".split())[:200]
            raise RunError(f"{folder} is not a readable bundle ({what}): export the run again.") from None
    return bundle


def _texts(bundle: Bundle) -> None:
    """Check the length of texts and the depth of JSON."""
    bundle.card  # noqa: B018 - reading it is the check
    run, path = bundle.run, bundle.folder / "run.json"
    receipt = {name: run.pop(name) for name in ("data_receipt", "data_source") if name in run}
    limits.check_json(receipt, f"{path}", length=limits.RECEIPT_LENGTH)
    limits.check_labels(run.pop("labels", []), f"{path}: labels")
    limits.check_json(run, f"{path}")
    limits.check_labels(bundle._json("labels.json"), f"{bundle.folder / 'labels.json'}")
    limits.check_json(bundle._json("preprocessing.json"), f"{bundle.folder / 'preprocessing.json'}", length=2**20)


def _facts(bundle: Bundle) -> None:
    for name, value in bundle.facts.items():
        if not 0 <= value <= limits.LARGEST_FACT:
            raise RunError(
                f"{bundle.folder / 'run.json'}: {name[:60]}={value} is not from 0 to {limits.LARGEST_FACT:,}: rejected."
            )


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
    for name, (least, most) in limits.COUNTS.items():
        if not least <= getattr(record, name) <= most:
            raise RunError(f"{bundle.folder / 'run.json'}: record.{name} is out of bounds: rejected.")
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


def _history(bundle: Bundle) -> None:
    for name, curve in bundle.history().items():
        _check_name(name, bundle)
        if len(curve.steps) and curve.steps[0] < 0:
            raise RunError(f"{bundle.folder / 'metrics.csv'}: negative steps: rejected.")


def _arrays(bundle: Bundle) -> None:
    """Arrays are as large as their headers say, and those of one split have one length."""
    size = 0
    for name in (name for name in (*REQUIRED, *OPTIONAL) if name.endswith(".npz")):
        if (bundle.folder / name).exists():
            size += _check_npz(bundle.folder / name)
            if size > limits.ARRAY_BYTES:
                raise RunError(f"{bundle.folder} has arrays of more than {limits.ARRAY_BYTES >> 20} MiB: rejected.")
    norms = bundle.gradients()
    fits = norms is None or {values.shape for values in (norms.norms, *norms.measures.values())} == {
        (len(norms.steps), len(norms.layers))
    }
    if not fits:
        raise RunError(f"{bundle.folder / 'gradients.npz'}: its arrays do not match: rejected.")
    bundle.correctness()
    predictions = bundle.predictions()
    for split in ("train", "validation", "test"):
        lengths = {len(array) for name, array in predictions.items() if name.startswith(f"{split}_")}
        if len(lengths) > 1:
            raise RunError(f"{bundle.folder / 'predictions.npz'}: the {split} arrays differ in length: rejected.")
    _epochs(bundle, predictions)
    if "test_scores" not in predictions:
        raise RunError(f"{bundle.folder / 'predictions.npz'} has no scores: rejected.")
    _check_scores(bundle, predictions)


def _epochs(bundle: Bundle, predictions: Mapping[str, np.ndarray]) -> None:
    """Recorded epochs name rows of the validation split, and have a probability for each label."""
    record = bundle.epochs()
    if record is None:
        return
    samples, rows = len(predictions.get("validation_targets", ())), record.rows
    if record.scores.shape[2] != len(bundle.labels) or not bool(((rows >= 0) & (rows < samples)).all()):
        raise RunError(f"{bundle.folder / 'epochs.npz'}: its arrays do not fit the validation split: rejected.")


def _check_scores(bundle: Bundle, predictions: Mapping[str, np.ndarray]) -> None:
    """Scores are finite and as many as there are labels; targets of a classifier are numbers of labels."""
    labels = len(bundle.labels)
    for split in ("train", "validation", "test"):
        scores, targets = (predictions.get(f"{split}_{kind}") for kind in ("scores", "targets"))
        if scores is None:
            continue
        fits = scores.dtype.kind in "fiu" and bool(np.isfinite(scores).all())
        fits = fits and (scores.ndim < 2 or not labels or scores.shape[-1] == labels)
        if fits and scores.ndim == 2 and labels and targets is not None:
            fits = targets.dtype.kind in "iu" and bool(((targets >= 0) & (targets < labels)).all())
        if not fits:
            raise RunError(f"{bundle.folder / 'predictions.npz'}: the {split} arrays do not fit the labels: rejected.")


def _check_npz(path: Path) -> int:
    """Check the headers: an array may claim to be larger than the file, or contain Python objects; return the size."""
    try:
        with limits.open_zip(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            if size > limits.ARRAY_BYTES:
                raise RunError(f"{path} unpacks to more than {limits.ARRAY_BYTES >> 20} MiB: rejected.")
            for entry in archive.infolist():
                if not _is_array_name(path.name, entry.filename.removesuffix(".npy")):
                    raise RunError(f"{path}: '{entry.filename[:60]}' is not an array of a bundle: rejected.")
                _check_npy(path, archive, entry)
            return size
    except (OSError, zipfile.BadZipFile) as error:
        raise RunError(f"{path} cannot be read ({error}): export the run again.") from None


def _is_array_name(file: str, name: str) -> bool:
    if file in ("baselines.npz", "familiarity.npz"):
        return _NAME.fullmatch(name) is not None
    if file == "epochs.npz":
        return name in EpochRecord.__dataclass_fields__
    if file == "correctness.npz":
        return name in ("bits", "samples")
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
    if dtype.itemsize > 8 and (dtype.kind != "U" or dtype.itemsize > 4 * limits.LABEL_LENGTH):
        raise RunError(f"{path}: '{entry.filename[:60]}' has elements of an unknown type: rejected.")
    if math.prod(shape) * dtype.itemsize > entry.file_size:
        raise RunError(f"{path}: '{entry.filename[:60]}' claims more numbers than it contains: rejected.")


def _model(bundle: Bundle) -> None:
    """The weights have the shapes of the model, compared before memory is spent on either."""
    import torch

    from dlcore import projects
    from dlcore.runs.bundle.weight_format import SCALE

    shapes = limits.read_weight_shapes(bundle.folder / "model.safetensors")
    config, facts = bundle.config, bundle.facts
    if (bundle.folder / "network.py").exists():
        bundle.load(complete=False)  # in another process
        return
    build = projects.get(config.project).models[config.model].build
    try:
        with torch.device("meta"):
            expected = build(config.model_options, facts).state_dict()
    except RuntimeError as error:
        if "meta" not in str(error):
            raise RunError(f"{bundle.folder / 'run.json'}: no model has these facts: export the run again.") from None
        if math.prod(max(1, value) for value in facts.values()) > limits.LARGEST_NUMPY_INPUT:  # a NumPy network
            raise RunError(f"{bundle.folder / 'run.json'}: the facts are too large for {config.model}.") from None
        bundle.load(complete=False)
        return
    known = {name: tuple(weight.shape) for name, weight in expected.items()}
    scales = {name + SCALE: shape[:1] for name, shape in known.items() if name + SCALE in shapes}
    differing = {name[:100] for name, _ in shapes.items() ^ (known | scales).items()}
    if differing:
        raise RunError(
            f"{bundle.folder / 'model.safetensors'} does not fit {config.model}: '{min(differing)}' differs."
        )
    bundle.calibration  # noqa: B018 - reading it is the check
    half_widths = projects.get(config.project).half_widths
    if half_widths is not None:
        half_widths(bundle.predictions())


def _check_name(name: str, bundle: Bundle) -> None:
    if not _NAME.fullmatch(name):
        raise RunError(f"{bundle.folder / 'run.json'}: {name[:60]!r} is not a valid metric name: rejected.")
