"""Import of custom pairs: a table with an input and a target column of short texts."""

import hashlib
import json
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from dlcore.core.config import Config
from dlcore.core.errors import DataError
from dlcore.data.custom import registry
from dlcore.data.custom import text_columns as columns_of
from dlcore.data.custom.importer import Importer, Inspection, Payload, Preview, column
from dlcore.data.repairs import Repairs
from dlcore.data.tabular.read import SUFFIXES, TableFile, read_table
from dlcore.data.text.sequences import SequencePairs, SequenceSplits, SplitSizes

BYTES_LIMIT = 32 * 2**20
MAX_ROWS = 200_000
MIN_PAIRS = 100
MAX_SYMBOLS = 120
"""Characters on one side of a pair: attention computes length x length weights per head."""
TEST_SHARE, VALIDATION_SHARE = 0.2, 0.1
FILE = "pairs.json"
SAMPLES = 8
INPUT_NAMES = ("input", "source", "src", "read", "from", "question", "prompt", "original", "wrong")
TARGET_NAMES = ("target", "output", "tgt", "write", "to", "answer", "response", "translation", "corrected", "right")
"""Column names that are guessed, the first match wins."""
SIDES = ("input", "target")

Pairs = list[tuple[str, str]]


class PairOptions(Config):
    """Columns of inputs and targets."""

    input: str = column("The column of input texts.")
    target: str = column("The column of target texts.")


def open_file(payload: Payload, repairs: Repairs) -> TableFile:
    """Read a table of pairs.

    Raises:
        DataError: The file is too large, damaged, or no table of two or more columns.
    """
    file = read_table(cast(bytes, payload), repairs, limit=BYTES_LIMIT, rows=MAX_ROWS)
    if len(file.columns) < 2:
        raise DataError(f"row 1 has {len(file.columns)} column: expected two, an input and a target text.")
    return columns_of.restore_first_pair(file, repairs, known=(*INPUT_NAMES, *TARGET_NAMES))


def inspect(file: TableFile) -> Inspection:
    """List the columns with sample rows, and guess which hold inputs and targets."""
    return Inspection(file.columns, _guess(file, PairOptions()), file.format, columns_of.sample_rows(file))


def validate(file: TableFile, options: PairOptions, repairs: Repairs) -> Preview[Pairs]:
    """Check every row; inputs are lowercased.

    Raises:
        DataError: No column or too few pairs are usable.
    """
    roles = _choose_columns(file, options)
    columns_of.record_unused_columns(file, tuple(roles.values()), repairs)
    frame = _read_pairs(file, roles, repairs)
    frame = columns_of.leave_out_empty(frame, roles, repairs)
    frame = _leave_out_long(frame, roles, repairs)
    frame = _resolve_duplicates(frame, repairs)
    if len(frame) < MIN_PAIRS:
        raise DataError(f"the file has {len(frame)} different pairs: training needs at least {MIN_PAIRS}. Add some.")
    pairs = list(zip(frame["input"], frame["target"], strict=True))
    left_out = len(file.rows) - len(pairs)
    return Preview(
        kind="pairs",
        data=pairs,
        rows=len(pairs),
        checksum=hashlib.sha256(_encode(pairs)).hexdigest(),
        facts=roles,
        columns=tuple(roles.values()),
        guesses=roles,
        summary=(("Pairs", f"{len(pairs):,}", f"{left_out:,} rows left out" if left_out else ""),),
        samples=tuple({"Input": source, "Target": target} for source, target in pairs[:SAMPLES]),
        content={"columns": columns_of.describe_roles(file, {name: role for role, name in roles.items()})},
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


def _guess(file: TableFile, options: PairOptions) -> dict[str, str]:
    """Guess the columns by name; else the first two that are not numbers, or the only two."""
    source = options.input or columns_of.match_name(file.columns, INPUT_NAMES)
    target = options.target or columns_of.match_name(file.columns, TARGET_NAMES)
    contents = [each for each in columns_of.describe_columns(file) if each.filled]
    texts = [each.name for each in contents if each.values < 0.5 and each.distinct > 1]
    names = file.columns if len(file.columns) == 2 else texts if len(texts) > 1 else [each.name for each in contents]
    free = [name for name in names if name not in (source, target)]
    if not source:
        source = free.pop(0) if free else ""
    if not target:
        target = free.pop(0) if free else ""
    return {"input": source, "target": target}


def _choose_columns(file: TableFile, options: PairOptions) -> dict[str, str]:
    guesses = _guess(file, options)
    roles = {side: columns_of.require_column(file, side, getattr(options, side), guesses[side]) for side in SIDES}
    if roles["input"] == roles["target"]:
        raise DataError(f"column '{roles['input'][:40]}' is used twice: input and target are two columns.")
    return roles


def _read_pairs(file: TableFile, roles: dict[str, str], repairs: Repairs) -> pd.DataFrame:
    """Return inputs, lowercased, and targets by row number of the file."""
    raw = {side: file.table[name].str.strip() for side, name in roles.items()}
    frame = pd.DataFrame({"row": file.rows, "input": raw["input"].str.lower(), "target": raw["target"]})
    for side, name in roles.items():
        trimmed = (raw[side] != file.table[name]).to_numpy()
        if trimmed.any():
            row = file.rows[np.argmax(trimmed)]
            repairs.record(f"{side}s trimmed of spaces at their ends: {int(trimmed.sum()):,} (first at row {row})")
    lower = (frame["input"] != raw["input"]).to_numpy()
    if lower.any():
        repairs.record(f"inputs lowercased: {int(lower.sum()):,} (first at row {file.rows[np.argmax(lower)]})")
    return frame


def _leave_out_long(frame: pd.DataFrame, roles: dict[str, str], repairs: Repairs) -> pd.DataFrame:
    lengths = {side: frame[side].str.len() for side in SIDES}
    long = np.logical_or.reduce([lengths[side] > MAX_SYMBOLS for side in SIDES])
    if not long.any():
        return frame
    first = int(np.argmax(long))
    side = max(SIDES, key=lambda side: int(lengths[side].iloc[first]))
    where = f"row {frame['row'].iloc[first]}, column '{roles[side][:40]}'"
    repairs.choose(
        "long_pairs",
        f"Pairs with a side of more than {MAX_SYMBOLS} characters: {int(long.sum()):,}.",
        ("leave_out",),
        default="leave_out",
        count=int(long.sum()),
        where=where,
        example=f"{lengths[side].iloc[first]:,} characters: {frame[side].iloc[first][:40]}",
    )
    repairs.record(f"pairs of more than {MAX_SYMBOLS} characters left out: {int(long.sum()):,} (first at {where})")
    return frame[~long]


def _resolve_duplicates(frame: pd.DataFrame, repairs: Repairs) -> pd.DataFrame:
    """Leave out equal pairs, and decide on equal inputs with different targets."""
    duplicate = frame.duplicated(list(SIDES))
    if duplicate.any():
        repairs.note(
            "duplicate_pairs",
            f"equal pairs are counted once: {int(duplicate.sum()):,} of {len(frame):,} rows left out",
            count=int(duplicate.sum()),
            where=f"row {frame['row'].iloc[int(np.argmax(duplicate))]}",
        )
        frame = frame[~duplicate]
    conflicting = frame.duplicated("input", keep=False)
    if not conflicting.any():
        return frame
    first = frame[conflicting].iloc[0]
    targets = frame.loc[frame["input"] == first["input"], "target"]
    count, rows = frame.loc[conflicting, "input"].nunique(), int(conflicting.sum())
    how = repairs.choose(
        "conflicting_targets",
        f"Equal inputs with different targets: {count:,} in {rows:,} rows.",
        ("first", "drop_all"),
        default="first",
        count=count,
        where=f"row {first['row']}",
        example=f"{first['input'][:30]}: {' | '.join(targets.str[:20])}",
    )
    what = f"equal inputs with different targets ({count:,}, first at row {first['row']})"
    if how == "first":
        repairs.record(f"{what} have the target of their first row, rows left out: {rows - count:,}")
        return frame[~frame.duplicated("input")]
    repairs.record(f"{what} left out, rows: {rows:,}")
    return frame[~conflicting]


def _encode(pairs: Pairs) -> bytes:
    return json.dumps(pairs, ensure_ascii=False).encode()


def _write(pairs: Pairs, folder: Path) -> None:
    (folder / FILE).write_bytes(_encode(pairs))


IMPORTER = Importer[Pairs](
    kind="pairs",
    title="pairs",
    summary=f"A table with an input and a target column of up to {MAX_SYMBOLS} characters: CSV, TSV, JSON, JSON lines, "
    "Excel or Parquet.",
    unit="pairs",
    suffixes=SUFFIXES,
    byte_limit=BYTES_LIMIT,
    options=PairOptions,
    open=open_file,
    inspect=inspect,
    validate=validate,
    write=_write,
    load=load,
    limits=(f"{MAX_ROWS:,} pairs", f"{MAX_SYMBOLS} characters a side"),
)
