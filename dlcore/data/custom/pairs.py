"""Pairs of one's own: a CSV or TSV with two columns, what is read and what is to be written, checked row by row."""

import hashlib
import json
from pathlib import Path

import numpy as np

from dlcore.core.errors import DataError
from dlcore.data.custom import registry as own
from dlcore.data.custom.registry import CustomDataset
from dlcore.data.sources import locate as sources
from dlcore.data.text import delimited
from dlcore.data.text.sequences import SequencePairs, SequenceSplits, SplitSizes

BYTES_LIMIT = 32 * 2**20
ROWS_LIMIT = 200_000
FEWEST = 100
SYMBOLS_LIMIT = 120
"""Of one side of a pair: attention takes length x length numbers a head."""
TEST_SHARE, VALIDATION_SHARE = 0.2, 0.1
KEPT = "pairs.json"


def validate(payload: bytes) -> list[tuple[str, str]]:
    """Read and check a file with a head and two columns; sources come as small letters, and each once.

    Raises:
        DataError: it cannot be read or used: says the line, the column and the reason.
    """
    content = delimited.decode_file(payload, limit=BYTES_LIMIT, wanted="CSV")
    delimiter = delimited.detect_delimiter(content)
    rows = delimited.read_rows(content, delimiter=delimiter, cell_limit=BYTES_LIMIT)
    head = [cell.strip() for cell in next(rows, (1, []))[1]]
    if len(head) != 2:
        raise DataError(f"line 1 has {len(head)} columns: wanted are two, what is read and what is to be written.")
    found: dict[str, str] = {}
    for line, row in rows:
        source, target = _pair(row, head, line, delimiter)
        found.setdefault(source, target)
        if len(found) > ROWS_LIMIT:
            raise DataError(f"there are more than {ROWS_LIMIT:,} rows: cut the file down.")
    if len(found) < FEWEST:
        raise DataError(f"there are {len(found)} different pairs: {FEWEST} or more are needed to learn and to judge.")
    return list(found.items())


def _pair(row: list[str], head: list[str], line: int, delimiter: str) -> tuple[str, str]:
    if len(row) != 2:
        raise DataError(f"line {line} has {len(row)} cells: put a text with a '{delimiter}' in double quotes.")
    source, target = row[0].strip().lower(), row[1].strip()
    for name, value in zip(head, (source, target), strict=True):
        if not value:
            raise DataError(f"line {line}, column '{name[:40]}': it is empty. Fill it in or take the row out.")
        if len(value) > SYMBOLS_LIMIT:
            raise DataError(
                f"line {line}, column '{name[:40]}': {len(value):,} characters; up to {SYMBOLS_LIMIT} are read."
            )
    return source, target


def save(name: str, pairs: list[tuple[str, str]], *, source: str = "") -> CustomDataset:
    """Keep them under that name.

    Raises:
        RequestError: the name will not do, or is taken.
        StoreError: the folder of datasets cannot be written.
    """
    payload = json.dumps(pairs, ensure_ascii=False).encode()
    entry = CustomDataset(name, "pairs", len(pairs), hashlib.sha256(payload).hexdigest(), Path(source).name)

    def write(draft: Path) -> None:
        (draft / KEPT).write_bytes(payload)

    return own.save(entry, write, reserved=sources.DATASETS)


def load(name: str, *, checksum: str = "") -> list[tuple[str, str]]:
    """The pairs of that name; with a `checksum` the very ones that a run was made from.

    Raises:
        DataError: they are not here, or not what they were.
    """
    entry = own.require(name, "pairs", checksum=checksum)
    return [(pair[0], pair[1]) for pair in json.loads((entry.folder / KEPT).read_text(encoding="utf-8"))]


def split_pairs(pairs: list[tuple[str, str]], sizes: SplitSizes, *, seed: int) -> SequenceSplits:
    """A fifth to test on, the same for every seed; a tenth to validate on; the rest to learn from, up to the sizes."""
    order = np.random.default_rng(0).permutation(len(pairs))
    test, rest = np.split(order, [min(sizes.test, round(len(pairs) * TEST_SHARE))])
    rest = np.random.default_rng(seed).permutation(rest)
    validation, train = np.split(rest, [min(sizes.validation, round(len(pairs) * VALIDATION_SHARE))])

    def some(rows: np.ndarray) -> SequencePairs:
        chosen = [pairs[row] for row in rows.tolist()]
        lengths = np.array([len(source) for source, _ in chosen], dtype=np.int64)
        return SequencePairs(tuple(source for source, _ in chosen), tuple(target for _, target in chosen), lengths)

    return SequenceSplits(some(train[: sizes.train]), some(validation), some(test), some(test[:0]))
