"""Decisions about single samples of a dataset, and the CSV that carries them in and out."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from dlcore.core.errors import DataError
from dlcore.data.splits import SPLITS

Verdict = Literal["", "confirm", "relabel", "exclude"]
COLUMNS = ("part", "row", "label", "suggested", "decision", "new_label")
MAX_BYTES, MAX_ROWS = 16 * 2**20, 200_000


@dataclass(frozen=True)
class Decision:
    """Decision about one sample: its label is right, it has another label, or the sample is excluded.

    `part` and `row` name the sample: its split in the run, and its row number in the source. An empty `decision` is
    none yet.
    """

    part: str
    row: int
    label: str
    suggested: str
    decision: Verdict = ""
    new_label: str = ""

    @property
    def target(self) -> str:
        """The label after the decision."""
        return (self.new_label or self.suggested) if self.decision == "relabel" else self.label


def write_csv(decisions: Iterable[Decision]) -> bytes:
    """Return a CSV with one line per sample; `read_csv` is its inverse."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([getattr(each, name) for name in COLUMNS] for each in decisions)
    return buffer.getvalue().encode()


def read_csv(payload: bytes, *, labels: Sequence[str]) -> list[Decision]:
    """Return the decisions of a CSV; samples without a decision are left out.

    Columns part, row, label, suggested and decision are required; new_label replaces `suggested` of a relabeled sample.

    Raises:
        DataError: a column is missing, or a cell is invalid; names row and column.
    """
    if len(payload) > MAX_BYTES:
        raise DataError(f"the decisions have {len(payload) / 2**20:,.0f} MiB: the limit is {MAX_BYTES >> 20} MiB.")
    try:
        lines = list(csv.DictReader(io.StringIO(payload.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"the decisions are no CSV in UTF-8 ({error}): save the table as CSV.") from None
    missing = [name for name in COLUMNS[:-1] if not lines or name not in lines[0]]
    if missing or len(lines) > MAX_ROWS:
        raise DataError(
            f"the decisions have {len(lines):,} rows and lack column '{missing[0]}': download the CSV again."
            if missing
            else f"the decisions have {len(lines):,} rows: the limit is {MAX_ROWS:,}."
        )
    decisions = [_read_line(number, line, labels) for number, line in enumerate(lines, 2)]
    decided = [each for each in decisions if each.decision]
    repeated = len(decided) - len({(each.part == "test", each.row) for each in decided})
    if repeated:
        raise DataError(f"the decisions name {repeated:,} samples twice: leave one line for each.")
    return decided


def _read_line(number: int, line: dict[str, str | None], labels: Sequence[str]) -> Decision:
    cells = {name: (line.get(name) or "").strip() for name in COLUMNS}

    def reject(column: str, allowed: str) -> DataError:
        return DataError(f"row {number}, column '{column}': '{cells[column][:40]}' is not {allowed}.")

    if cells["part"] not in SPLITS:
        raise reject("part", f"one of {', '.join(SPLITS)}")
    if not cells["row"].isdecimal() or len(cells["row"]) > 12:
        raise reject("row", "a row number")
    if cells["decision"] not in get_args(Verdict):
        raise reject("decision", "confirm, relabel, exclude or empty")
    decision = Decision(**{**cells, "row": int(cells["row"])})  # type: ignore[arg-type]
    if decision.decision == "relabel" and decision.target not in labels:
        raise reject("new_label" if decision.new_label else "suggested", f"a label: {', '.join(labels)[:200]}")
    return decision
