"""Columns of files with texts: guesses from names and content, sample rows, and the checks that all kinds share."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dlcore.core.errors import DataError
from dlcore.data.images.label_tables import flag_parts
from dlcore.data.repairs import Repairs
from dlcore.data.tabular.delimited import is_value
from dlcore.data.tabular.read import TableFile

SAMPLE_ROWS, SAMPLE_LETTERS = 3, 200
_SAMPLED_ROWS = 2_000
"""Rows that a column's content is guessed from, spread over the file."""
_TEXTS = (
    "text review sentence question content body message description comment tweet document ticket utterance query "
    "subject headline title"
)
_LABELS = "label class category sentiment target topic type intent queue emotion tag genre department polarity rating"
TEXT_NAMES, LABEL_NAMES = tuple(_TEXTS.split()), tuple(_LABELS.split())
_OTHER_NAMES = ("id", "index", *TEXT_NAMES, *LABEL_NAMES)
_SENTENCE = re.compile(r"[.!?…]\s*$|\S\s+\S+\s+\S+\s+\S")
SPLIT_NAMES = ("split", "subset", "partition", "set", "part", "fold", "usage")
"""Column names that are guessed, the first match wins if the content fits."""
SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""Values of a split column."""


@dataclass(frozen=True)
class ColumnContent:
    """What the cells of a column look like.

    `filled` cells of the sample are not empty, `distinct` of them differ; `length` is their mean number of characters,
    and `values` the share of numbers and dates.
    """

    name: str
    filled: int
    distinct: int
    length: float
    values: float

    @property
    def is_text(self) -> bool:
        """Whether most cells are different texts."""
        return self.values < 0.5 and self.distinct > 0.5 * self.filled

    def is_category(self, limit: int) -> bool:
        """Return whether few values repeat: 2 to `limit`, on average at least twice each."""
        return 2 <= self.distinct <= min(limit, self.filled // 2)


def describe_columns(file: TableFile) -> list[ColumnContent]:
    """Describe the content of every column, by a sample of rows."""
    step = max(1, len(file.table) // _SAMPLED_ROWS)
    contents = []
    for name in file.columns:
        cells = [cell.strip() for cell in file.table[name].iloc[::step] if cell.strip()]
        length = float(np.mean([len(cell) for cell in cells])) if cells else 0.0
        share = sum(is_value(cell[:40]) for cell in cells) / max(1, len(cells))
        contents.append(ColumnContent(name, len(cells), len({cell.casefold() for cell in cells}), length, share))
    return contents


def match_name(columns: Sequence[str], names: Collection[str]) -> str:
    """Return the column with the first of these names, in any case, or an empty string."""
    lower = {name.lower().rpartition(".")[2]: name for name in reversed(columns)}
    lower |= {name.lower(): name for name in columns}
    return next((lower[name] for name in names if name in lower), "")


def guess_roles(file: TableFile, *, limit: int, text: str = "", label: str = "", split: str = "") -> dict[str, str]:
    """Guess the text, label and split columns that were not chosen, by name where the content fits, else by content.

    A label column has at most `limit` values.
    """
    contents = {each.name: each for each in describe_columns(file)}
    split = split or next((name for name in file.columns if split_parts(file, name)), "")
    free = [name for name in file.columns if name not in (text, label, split)]
    category = [name for name in free if contents[name].is_category(limit)]
    label = label or match_name(category, LABEL_NAMES)
    texts = [name for name in free if contents[name].values < 0.5 and name != label]
    distinct = [name for name in texts if contents[name].is_text]
    text = text or match_name(texts, TEXT_NAMES) or _longest(distinct, contents) or match_name(free, TEXT_NAMES)
    text = text or _longest([name for name in texts if not match_name([name], LABEL_NAMES)], contents)
    if not label:
        category = [name for name in category if name != text]
        words = [name for name in category if contents[name].values < 0.5]
        by_name = match_name([name for name in free if name != text], LABEL_NAMES)
        label = by_name or next(reversed(words or category), "")
    return {"text": text, "label": label, "split": split}


def _longest(names: Sequence[str], contents: Mapping[str, ColumnContent]) -> str:
    return max((name for name in names if contents[name].filled), key=lambda name: contents[name].length, default="")


def split_parts(file: TableFile, name: str) -> Mapping[str, str]:
    """Return what the cells of a split column mean, in lower case; of a flag such as `is_test`, too. Empty if the
    column is neither."""
    cells = {value.strip().lower() for value in file.table[name].unique()}
    values = {SPLITS.get(cell) for cell in cells}
    if match_name([name], SPLIT_NAMES) and {"train", "test"} <= values and None not in values:
        return SPLITS
    parts = flag_parts(name, cells)
    return parts if "test" in parts.values() else {}


def sample_rows(file: TableFile) -> tuple[Mapping[str, str], ...]:
    """Return the first rows, each cell shortened."""
    rows = file.table.head(SAMPLE_ROWS).to_dict(orient="records")
    return tuple({str(name): str(cell)[:SAMPLE_LETTERS] for name, cell in row.items()} for row in rows)


def restore_header_row(file: TableFile, repairs: Repairs, *, limit: int) -> TableFile:
    """Read the first row as data if it is no header: no known name, but one of the values of its column."""
    names = file.columns
    if not file.format.startswith(("CSV", "Excel")) or match_name(names, (*TEXT_NAMES, *LABEL_NAMES)):
        return file
    repeated = [
        each.name
        for each in describe_columns(file)
        if each.is_category(limit) and (file.table[each.name].str.strip() == each.name).any()
    ]
    if not repeated:
        return file
    return _choose_header(file, f"'{repeated[0][:40]}' is also a value of its column", repairs)


def restore_first_pair(file: TableFile, repairs: Repairs, *, known: Collection[str]) -> TableFile:
    """Read the first row of pairs as data if it is no header: no known name, but a sentence, or a cell with digits of
    the same shape as those below."""
    names = file.columns
    if not file.format.startswith(("CSV", "Excel", "JSON arrays")) or match_name(names, (*known, *_OTHER_NAMES)):
        return file
    shapes = {name: file.table[name].head(_SAMPLED_ROWS).map(_shape).value_counts(normalize=True) for name in names}
    data = [
        name
        for name in names
        if _SENTENCE.search(name) or (re.search(r"\d", name) and shapes[name].get(_shape(name), 0.0) > 0.5)
    ]
    return _choose_header(file, f"'{data[0][:40]}' is like the cells below", repairs) if data else file


def _shape(cell: str) -> str:
    return re.sub(r"\d+", "0", re.sub(r"[^\W\d_]+", "a", cell.strip()))


def _choose_header(file: TableFile, reason: str, repairs: Repairs) -> TableFile:
    names = file.columns
    how = repairs.choose(
        "header",
        f"The first row is no header: {reason}. Read as data.",
        ("none", "first_row"),
        default="none",
        where="row 1",
        example=", ".join(names),
    )
    if how == "first_row":
        return file
    repairs.record("no header: the first row is data, columns are named column 1, column 2 and so on")
    numbered = [f"column {number}" for number in range(1, len(names) + 1)]
    table = pd.concat([pd.DataFrame([names], columns=numbered), file.table.set_axis(numbered, axis=1)])
    rows = np.concatenate([file.rows[:1] - 1, file.rows])
    return TableFile(table.reset_index(drop=True), rows, file.format, file.separator)


def require_column(file: TableFile, role: str, requested: str, guess: str) -> str:
    """Return the requested column, or else the guess.

    Raises:
        DataError: There is no such column, or nothing was requested and nothing could be guessed.
    """
    name = file.known(requested) if requested else guess
    if not name:
        known = ", ".join(f"'{column[:30]}'" for column in file.columns[:12])
        raise DataError(
            f"which column is the {role}? The columns are {known}: rename one to '{role}', or choose it with --{role}. "
            "A file without a header needs one in line 1."
        )
    return name


def leave_out_empty(frame: pd.DataFrame, columns: Mapping[str, str], repairs: Repairs) -> pd.DataFrame:
    """Leave out rows with an empty cell; `columns` maps those of the frame to those of the file."""
    empty = {name: frame[name] == "" for name in columns}
    rows = np.logical_or.reduce(list(empty.values()))
    if not rows.any():
        return frame
    counts = ", ".join(f"{int(mask.sum()):,} in '{columns[name][:40]}'" for name, mask in empty.items() if mask.any())
    first = int(np.argmax(rows))
    column = next(columns[name] for name, mask in empty.items() if mask.iloc[first])
    where = f"row {frame['row'].iloc[first]}, column '{column[:40]}'"
    repairs.choose(
        "empty_cells",
        f"Rows with an empty cell: {counts}.",
        ("leave_out",),
        default="leave_out",
        count=int(rows.sum()),
        where=where,
        example=" | ".join(str(frame[name].iloc[first])[:30] for name in columns),
    )
    repairs.record(f"rows with an empty cell left out: {int(rows.sum()):,} ({counts}; first {where})")
    return frame[~rows]


def record_unused_columns(file: TableFile, used: Collection[str], repairs: Repairs) -> None:
    """Record the columns that are not used."""
    unused = [name for name in file.columns if name not in used]
    if unused:
        names = ", ".join(f"'{name[:40]}'" for name in unused[:20])
        more = f" and {len(unused) - 20:,} more" if len(unused) > 20 else ""
        repairs.record(f"columns left out: {names}{more}")


def describe_roles(file: TableFile, roles: Mapping[str, str]) -> list[dict[str, str]]:
    """Describe every column by role; `roles` maps columns to roles, all other columns are left out."""
    types = {"text": "text", "input": "text", "target": "text", "label": "category", "split": "category"}
    return [
        {"name": name, "role": (role := roles.get(name, "left_out")), "type": types.get(role, "text")}
        for name in file.columns
    ]
