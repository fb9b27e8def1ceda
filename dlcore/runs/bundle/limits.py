"""Size limits of the parts of an untrusted bundle, checked before they are read into memory."""

import json
import math
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dlcore.core.errors import RunError

ARRAY_BYTES = 192 * 2**20
"""Largest size of all unpacked arrays of a bundle."""
FILE_BYTES = {
    "card.md": 2**20,
    "run.json": 8 * 2**20,
    "metrics.csv": 64 * 2**20,
    "model.safetensors": 512 * 2**20,
    "preprocessing.json": 8 * 2**20,
    "labels.json": 2**20,
    "threshold.json": 2**12,
    "calibration.json": 2**20,
    "network.py": 2**18,
}
"""Largest size of each file; those with arrays are bounded by `ARRAY_BYTES`."""
ZIP_ENTRIES = 1_000
ARRAYS = 1_000
METRIC_ROWS = 1_000_000
METRICS = 1_000
DEPTH = 32
LABELS, LABEL_LENGTH = 10_000, 200
TEXT_LENGTH = 5_000
"""Longest text in `run.json`, and longest name of a fact or vocabulary."""
RECEIPT_LENGTH = 32_000
"""Longest line of a dataset's receipt, which may name many rows; `Repairs.record` cuts longer ones."""
LARGEST_FACT = 1_000_000
LARGEST_NUMPY_INPUT = 20_000
"""Largest product of the facts of a NumPy network, whose arrays cannot be measured before they exist."""
COUNTS = {
    **dict.fromkeys(("epoch", "epochs", "step", "steps"), (0, 10**9)),
    **dict.fromkeys(("steps_per_epoch", "batch_size"), (1, 10**9)),
    **dict.fromkeys(("parameters", "created", "duration_s"), (0, 10**12)),
}
"""Least and largest value of the numbers of a record."""
WEIGHT_HEADER_BYTES = 2**20
WIDTHS = {"C64": 8, "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
"""Bytes of each number by its type in a safetensors file."""


def check_size(name: str, size: int) -> None:
    """Raise RunError if a file of a bundle is larger than its limit."""
    limit = FILE_BYTES.get(name, ARRAY_BYTES)
    if size > limit:
        most = f"{limit >> 20} MiB" if limit >= 2**20 else f"{limit >> 10} KiB"
        raise RunError(f"'{name}' has {size / 2**20:,.1f} MiB: the limit is {most}. Export the run again.")


def open_zip(source: Path) -> zipfile.ZipFile:
    """Open a zip whose list of files is short: Python reads the whole list when it opens one.

    Raises:
        BadZipFile: it is no zip, or lists too many files.
    """
    with source.open("rb") as file:
        end = zipfile._EndRecData(file)  # type: ignore[attr-defined]
    total, size = (end[4], end[5]) if end else (0, 0)
    if total > ZIP_ENTRIES or size > 2**20:
        raise zipfile.BadZipFile(f"it lists more than {ZIP_ENTRIES:,} files")
    return zipfile.ZipFile(source)


def check_json(value: Any, where: str, *, length: int = TEXT_LENGTH) -> None:
    """Raise RunError if a JSON value is nested too deep, or a text in it is too long."""
    for depth, part in _walk(value):
        if depth > DEPTH:
            raise RunError(f"{where} is nested more than {DEPTH} levels deep: export the run again.")
        if isinstance(part, str) and len(part) > length:
            raise RunError(f"{where}: a text of {len(part):,} characters: the limit is {length:,}. Shorten it.")
        if isinstance(part, int) and abs(part) > 2**63:
            raise RunError(f"{where}: a whole number of more than 64 bits: export the run again.")


def _walk(value: Any) -> Iterator[tuple[int, Any]]:
    pending = [(1, value)]
    while pending:
        depth, part = pending.pop()
        yield depth, part
        if depth <= DEPTH:
            inner = [*part, *part.values()] if isinstance(part, dict) else part if isinstance(part, list) else ()
            pending += [(depth + 1, item) for item in inner]


def check_labels(labels: Any, where: str) -> None:
    """Raise RunError unless the labels are texts, not too many and not too long."""
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise RunError(f"{where} is not a list of texts: export the run again.")
    if len(labels) > LABELS:
        raise RunError(f"{where} has {len(labels):,} labels: the limit is {LABELS:,}. Use fewer classes.")
    number, longest = max(enumerate(labels, 1), key=lambda pair: len(pair[1]), default=(0, ""))
    if len(longest) > LABEL_LENGTH:
        raise RunError(
            f"{where}: label {number} has {len(longest):,} characters: the limit is {LABEL_LENGTH}. Shorten it."
        )


def read_weight_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes in the header of a safetensors file, without its weights.

    Raises:
        RunError: the header is damaged, or claims other sizes than the file has.
    """
    try:
        with path.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            if size > WEIGHT_HEADER_BYTES:
                raise RunError(f"{path}: its header is larger than {WEIGHT_HEADER_BYTES >> 20} MiB: rejected.")
            header = json.loads(file.read(size))
        entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
        shapes = {name: tuple(map(int, entry["shape"])) for name, entry in entries.items()}
        ends = sorted(tuple(map(int, entry["data_offsets"])) for entry in entries.values())
        sizes = {name: entry["data_offsets"][1] - entry["data_offsets"][0] for name, entry in entries.items()}
        widths = {name: WIDTHS[entry["dtype"]] for name, entry in entries.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error, RecursionError) as error:
        raise RunError(f"{path} has a damaged header ({type(error).__name__}): export the run again.") from None
    content = path.stat().st_size - 8 - size
    is_complete = [0, *(stop for _, stop in ends)] == [*(start for start, _ in ends), content]
    fits = all(min(shape, default=0) >= 0 and math.prod(shape) * widths[n] == sizes[n] for n, shape in shapes.items())
    if not is_complete or not fits:
        raise RunError(f"{path} has a header that does not match its size: export the run again.")
    return shapes
