"""The table of a batch: written in parts beside its final path, continued after a kill, renamed at the end.

`OUT.partial` holds the rows so far, `OUT.partial.json` what they belong to and where to continue. Parquet is converted
from JSON lines at the end, because an incomplete Parquet file cannot be read.
"""

import contextlib
import csv
import glob
import io
import itertools
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from dlcore.core.errors import RequestError, StoreError
from dlcore.runs import locks
from dlcore.runs.folder import read_json, store_error, write_json

Kind = Literal["int", "float", "bool", "text"]
Cells = tuple[Any, ...]
FORMATS = (".csv", ".jsonl", ".parquet")
PARQUET_ROWS = 16_384


@dataclass(frozen=True)
class Column:
    """A column of the output: name and type of its values; every value may be missing (None)."""

    name: str
    kind: Kind = "text"


@dataclass
class BatchProgress:
    """What is done so far: rows, those with an error, and those that are flagged (uncertain, or an alarm).

    `position` of `total` is the progress in `unit` (bytes, rows or photos).
    """

    rows: int = 0
    errors: int = 0
    flagged: int = 0
    position: int = 0
    total: int = 0
    unit: str = "rows"

    @property
    def share(self) -> float:
        """The share that is done, from 0 to 1."""
        return min(1.0, self.position / max(1, self.total))

    def describe(self, seconds: float, *, since: int) -> str:
        """Format rows, share and time left; `since` is the position `seconds` ago."""
        done, left = self.position - since, max(0, self.total - self.position)
        remaining = f", {_format_duration(seconds * left / done)} left" if done > 0 and seconds > 0 and left else ""
        rows = f"{self.rows:,} rows" if self.unit == "bytes" else f"{self.rows:,} of {self.total:,} {self.unit}"
        errors = f", {self.errors:,} with an error" if self.errors else ""
        return f"{rows}, {self.share:.0%}{remaining}{errors}"


@dataclass
class PartialTable:
    """The unfinished output at `path` of the job that `identity` describes: its input, run and columns."""

    path: Path
    columns: tuple[Column, ...]
    identity: Mapping[str, Any]
    progress: BatchProgress = field(default_factory=BatchProgress)
    state: Mapping[str, Any] | None = None
    note: str = ""

    @property
    def partial(self) -> Path:
        """The file of the rows so far."""
        return self.path.with_name(f"{self.path.name}.partial")

    @property
    def state_path(self) -> Path:
        """The file that says what the rows belong to."""
        return self.path.with_name(f"{self.path.name}.partial.json")

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from writing the same table.

        Raises:
            RequestError: Another process is writing it.
            StoreError: The folder cannot be written.
        """
        path = self.path.with_name(f"{self.path.name}.partial.lock")
        held = locks.try_lock(path)
        if held is None:
            raise RequestError(
                f"{self.path}: another process is writing this table: wait for it, or choose another -o."
            )
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            held.release()

    def open(self) -> None:
        """Continue the rows of an earlier process with the same identity; else start again, and say so in `note`."""
        stored = read_json(self.state_path) if self.partial.exists() else {}
        if stored and stored.get("identity") == dict(self.identity):
            size = int(stored["bytes"])
            if self.partial.stat().st_size >= size:
                os.truncate(self.partial, size)
                self.progress = BatchProgress(**stored["progress"])
                self.state = stored["state"]
                self.note = f"continued after {self.progress.rows:,} rows."
                return
        if stored:
            self.note = f"{self.partial.name} belongs to another input or run: started again from row 1."
        with _writing(self.partial):
            self.partial.write_bytes(self._header())
        self._save(self.partial.stat().st_size)

    def append(self, rows: Sequence[Cells], state: Mapping[str, Any] | None) -> None:
        """Add rows; `state` is where to continue after them."""
        with _writing(self.partial):
            with self.partial.open("ab") as file:
                file.write(self._encode(rows))
                file.flush()
                os.fsync(file.fileno())
                size = file.tell()
            self.state = state
            self._save(size)

    def finish(self) -> None:
        """Move the finished table to its path."""
        with _writing(self.path):
            if self.path.suffix.lower() == ".parquet":
                converted = self.path.with_name(f"{self.path.name}.partial.parquet")
                _write_parquet(self.partial, converted, self.columns)
                converted.replace(self.path)
                self.partial.unlink()
            else:
                self.partial.replace(self.path)
            self._remove_state()

    def discard(self) -> None:
        """Delete the rows so far."""
        self.partial.unlink(missing_ok=True)
        self._remove_state()

    def _remove_state(self) -> None:
        """Delete the state, and what a process that was killed while it wrote the state has left."""
        self.state_path.unlink(missing_ok=True)
        for leftover in self.path.absolute().parent.glob(f".{glob.escape(self.state_path.name)}.*.tmp"):
            leftover.unlink(missing_ok=True)

    def _save(self, size: int) -> None:
        progress = vars(self.progress)
        document = {"identity": dict(self.identity), "bytes": size, "progress": progress, "state": self.state}
        write_json(self.state_path, document)

    def _header(self) -> bytes:
        names = [column.name for column in self.columns]
        return _csv_bytes([names]) if self.path.suffix.lower() == ".csv" else b""

    def _encode(self, rows: Sequence[Cells]) -> bytes:
        if self.path.suffix.lower() == ".csv":
            return encode_csv(rows)
        names = [column.name for column in self.columns]
        lines = [json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) for row in rows]
        return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


def check_output(path: Path) -> None:
    """Check that a table can be written to that path.

    Raises:
        RequestError: Its ending is not a known format, its folder is missing, or it is a folder.
    """
    if path.suffix.lower() not in FORMATS:
        raise RequestError(f"-o {path}: the ending must be one of {', '.join(FORMATS)}.")
    if path.is_dir():
        raise RequestError(f"-o {path}: this is a folder: name a file in it.")
    if not path.absolute().parent.is_dir():
        raise RequestError(f"-o {path}: the folder {path.absolute().parent} does not exist: create it first.")


def _format_duration(seconds: float) -> str:
    whole = round(seconds)
    minutes = f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole / 3600:.1f} h"
    return f"{whole} s" if whole < 60 else minutes


def to_csv(columns: Sequence[Column], rows: Sequence[Cells]) -> bytes:
    """Return a table as CSV, as in the output of a batch."""
    names = [column.name for column in columns]
    return _csv_bytes([names]) + encode_csv(rows)


def encode_csv(rows: Sequence[Cells]) -> bytes:
    """Return rows as CSV without a header; true and false in lower case."""
    return _csv_bytes([["true" if v is True else "false" if v is False else v for v in row] for row in rows])


def _csv_bytes(rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "replace")


def _write_parquet(source: Path, path: Path, columns: Sequence[Column]) -> None:
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    types = {"int": arrow.int64(), "float": arrow.float64(), "bool": arrow.bool_(), "text": arrow.string()}
    schema = arrow.schema([(column.name, types[column.kind]) for column in columns])
    with source.open(encoding="utf-8", newline="\n") as lines, parquet.ParquetWriter(path, schema) as writer:
        while rows := [json.loads(line) for line in itertools.islice(lines, PARQUET_ROWS)]:
            writer.write_table(arrow.Table.from_pylist(rows, schema))


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turn errors of the file system into one line."""
    try:
        yield
    except StoreError:
        raise
    except OSError as error:
        raise store_error(error, path) from error
