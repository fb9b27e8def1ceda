"""Import of custom pairs: a CSV or TSV with two columns, an input text and a target text."""

import hashlib
import json
from pathlib import Path
from typing import cast

import numpy as np

from dlcore.core.errors import DataError
from dlcore.data.custom import registry
from dlcore.data.custom.importer import Importer, Inspection, Payload, Preview
from dlcore.data.repairs import Repairs
from dlcore.data.text.delimited import TextTable, decode_file, open_table
from dlcore.data.text.sequences import SequencePairs, SequenceSplits, SplitSizes

BYTES_LIMIT = 32 * 2**20
MAX_ROWS = 200_000
MIN_PAIRS = 100
MAX_SYMBOLS = 120
"""Characters on one side of a pair: attention computes length x length weights per head."""
TEST_SHARE, VALIDATION_SHARE = 0.2, 0.1
FILE = "pairs.json"
SAMPLES = 8

Pairs = list[tuple[str, str]]


def open_file(payload: Payload, repairs: Repairs) -> TextTable:
    """Decode a file and check its header.

    Raises:
        DataError: The file is not UTF-8 text with two columns.
    """
    content = decode_file(cast(bytes, payload), limit=BYTES_LIMIT, expected="CSV")
    table = open_table(content, cell_limit=BYTES_LIMIT)
    if len(table.header) != 2:
        raise DataError(f"line 1 has {len(table.header)} columns: expected two, an input and a target text.")
    return table


def validate(table: TextTable, options: object, repairs: Repairs) -> Preview[Pairs]:
    """Check every row; inputs are lowercased, and of equal inputs the first is used.

    Raises:
        DataError: Names the line, column and reason.
    """
    targets: dict[str, str] = {}
    for line, cells in table.rows():
        source, target = _check_pair(cells, table.header, line)
        targets.setdefault(source, target)
        if len(targets) > MAX_ROWS:
            raise DataError(f"the file has more than {MAX_ROWS:,} rows: shorten it.")
    if len(targets) < MIN_PAIRS:
        raise DataError(f"the file has {len(targets)} different pairs: training needs at least {MIN_PAIRS}.")
    pairs = list(targets.items())
    return Preview(
        kind="pairs",
        data=pairs,
        rows=len(pairs),
        checksum=hashlib.sha256(_encode(pairs)).hexdigest(),
        facts={},
        columns=table.header,
        summary=(("Pairs", f"{len(pairs):,}", ""),),
        samples=tuple({"Input": source, "Target": target} for source, target in pairs[:SAMPLES]),
    )


def load(name: str, *, checksum: str = "") -> Pairs:
    """Load saved pairs.

    Raises:
        DataError: The dataset is missing, or has another checksum.
    """
    entry = registry.require(name, "pairs", checksum=checksum)
    return [(pair[0], pair[1]) for pair in json.loads((entry.folder / FILE).read_text(encoding="utf-8"))]


def split_pairs(pairs: Pairs, sizes: SplitSizes, *, seed: int) -> SequenceSplits:
    """Split pairs into training, validation (a tenth) and test (a fifth, the same for every seed), up to the sizes."""
    order = np.random.default_rng(0).permutation(len(pairs))
    test, other = np.split(order, [min(sizes.test, round(len(pairs) * TEST_SHARE))])
    other = np.random.default_rng(seed).permutation(other)
    validation, train = np.split(other, [min(sizes.validation, round(len(pairs) * VALIDATION_SHARE))])

    def select(rows: np.ndarray) -> SequencePairs:
        selected = [pairs[row] for row in rows.tolist()]
        lengths = np.array([len(source) for source, _ in selected], dtype=np.int64)
        return SequencePairs(tuple(source for source, _ in selected), tuple(target for _, target in selected), lengths)

    return SequenceSplits(select(train[: sizes.train]), select(validation), select(test), select(test[:0]))


def _check_pair(cells: list[str], header: tuple[str, ...], line: int) -> tuple[str, str]:
    source, target = cells[0].strip().lower(), cells[1].strip()
    for name, value in zip(header, (source, target), strict=True):
        if not value:
            raise DataError(f"line {line}, column '{name[:40]}': it is empty. Fill it in or remove the row.")
        if len(value) > MAX_SYMBOLS:
            raise DataError(
                f"line {line}, column '{name[:40]}': {len(value):,} characters; up to {MAX_SYMBOLS} are read."
            )
    return source, target


def _encode(pairs: Pairs) -> bytes:
    return json.dumps(pairs, ensure_ascii=False).encode()


def _write(pairs: Pairs, folder: Path) -> None:
    (folder / FILE).write_bytes(_encode(pairs))


IMPORTER = Importer[Pairs](
    kind="pairs",
    title="pairs",
    summary=f"A CSV or TSV with a header and two columns, input and target, of up to {MAX_SYMBOLS} characters each.",
    unit="pairs",
    suffixes=("csv", "tsv", "txt"),
    byte_limit=BYTES_LIMIT,
    open=open_file,
    inspect=lambda table: Inspection(table.header),
    validate=validate,
    write=_write,
    load=load,
    limits=(f"{MAX_ROWS:,} pairs", f"{MAX_SYMBOLS} characters a side"),
)
