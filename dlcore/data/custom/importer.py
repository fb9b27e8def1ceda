"""The importer protocol: how a file becomes a custom dataset, the same way for every kind of data.

`open` parses the file, `inspect` lists its columns and guesses the options, `validate` checks every row and returns a
`Preview` with all problems and their repairs, `save` stores it with the receipt, `load` reads it back. Form fields and
command-line flags follow from `options`.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, Generic, Literal, TypeVar

import numpy as np
import pydantic

from dlcore.core.config import Config, Field, describe, parse
from dlcore.core.errors import ConfigError, RequestError
from dlcore.data.custom import registry
from dlcore.data.custom.registry import CustomDataset, Kind
from dlcore.data.repairs import DEFAULT, Problem, Repair, Repairs, parse_repairs
from dlcore.data.sources.registry import DATASETS
from dlcore.data.tabular.read import TableFile

Data = TypeVar("Data")
Payload = bytes | Path | BinaryIO
"""A file's content; images are also read from a path (file or folder) or an open file."""
Role = Literal["value", "column", "columns", "file"]
NO_COLUMN = "none"
"""The value of an optional column option that turns guessing off."""
SAMPLE_ROWS = 3
"""First rows of a table shown while its columns are chosen."""


@dataclass(frozen=True)
class RejectedItem:
    """One file of many that was left out, or converted to be usable (`used`), with the reason."""

    name: str
    reason: str
    used: bool = False

    @property
    def outcome(self) -> str:
        """The outcome in words: left out or converted."""
        return "converted" if self.used else "left out"


@dataclass(frozen=True)
class Inspection:
    """The columns of a file, and the options guessed from their names and first cells.

    `format` says how the file was read (`CSV, separator comma, UTF-8`), `samples` are its first rows by column.
    """

    columns: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    format: str = ""
    samples: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True)
class Preview(Generic[Data]):
    """The result of a successful validation: what will be saved.

    `data` is what the importer writes; `rows` counts samples; `columns` are the column or class names; `guesses` are
    the options as used, guesses filled in; `summary` holds (label, value, note) triples; `samples` are a few rows of
    text by column, `thumbnails` a few images (H, W, 3) with their class names; `content` describes the data for other
    programs (columns, time, values, classes, windows); `problems` are those of the file with their repairs, `receipt`
    lists what was changed, in order, and `rejected` names single files that were left out or converted.
    """

    kind: Kind
    data: Data
    rows: int
    checksum: str
    facts: Mapping[str, Any]
    columns: tuple[str, ...] = ()
    guesses: Mapping[str, Any] = field(default_factory=dict)
    summary: tuple[tuple[str, str, str], ...] = ()
    samples: tuple[Mapping[str, str], ...] = ()
    thumbnails: tuple[tuple[str, np.ndarray], ...] = ()
    content: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    receipt: tuple[str, ...] = ()
    rejected: tuple[RejectedItem, ...] = ()

    @property
    def pending(self) -> tuple[Problem, ...]:
        """Problems whose repair was neither chosen nor accepted."""
        return tuple(problem for problem in self.problems if problem.choices and not problem.selected)

    @property
    def undecided(self) -> tuple[Problem, ...]:
        """Pending problems without a default: a person must decide."""
        return tuple(problem for problem in self.pending if not problem.default)

    def accept(self) -> "Preview[Data]":
        """Return the preview with the repairs that made it as the chosen ones; undecided problems stay pending."""
        problems = (replace(each, selected=each.repair) if each.choices else each for each in self.problems)
        return replace(self, problems=tuple(problems))

    def describe(self) -> dict[str, Any]:
        """Describe the data, its problems and the receipt as JSON values."""
        problems = [describe_problem(problem) for problem in self.problems]
        return registry.describe(self.kind, self.rows, self.content, problems=problems, receipt=self.receipt)


def describe_problem(problem: Problem) -> dict[str, Any]:
    """Describe a problem as JSON values."""
    return {**asdict(problem), "choices": list(problem.choices)}


@dataclass(frozen=True)
class Importer(Generic[Data]):
    """Importer of one kind of data.

    open:     (payload, repairs) -> parsed file, handed to `inspect` and `validate`. Raises DataError.
    inspect:  parsed file -> `Inspection`. Raises DataError.
    validate: (parsed file, options, repairs) -> `Preview`. Raises DataError with row, column, reason and next step if
              no repair makes the file usable.
    write:    (data, folder) -> None; writes the files of the dataset.
    load:     (dataset id, checksum=...) -> the data as projects use it. Raises DataError.

    `open` and `validate` may report progress (`dlcore.core.progress.report`). `validate` leaves the parsed file as it
    is: a form validates it again with other options. `limits` are bounds beside `byte_limit`, in words.
    """

    kind: Kind
    title: str
    summary: str
    unit: str
    suffixes: tuple[str, ...]
    byte_limit: int
    open: Callable[[Payload, Repairs], Any]
    validate: Callable[[Any, Any, Repairs], Preview[Data]]
    write: Callable[[Data, Path], None]
    load: Callable[..., Any]
    inspect: Callable[[Any], Inspection] = lambda parsed: Inspection()
    options: type[Config] = Config
    accepts_folders: bool = False
    limits: tuple[str, ...] = ()

    @property
    def limit(self) -> str:
        """The limits of a file in words: its size, then `limits`, such as rows and classes."""
        return ", ".join((f"{self.byte_limit // 2**20} MB", *self.limits))

    def inspect_file(self, parsed: Any) -> Inspection:
        """Like `inspect`, with the format and first rows of a tabular file, where the importer leaves them empty.

        Raises:
            DataError: The file has no usable columns.
        """
        inspection = self.inspect(parsed)
        parts = (parsed, getattr(parsed, "file", None), getattr(parsed, "table", None))
        table = next((part for part in parts if isinstance(part, TableFile)), None)
        if table is None:
            return inspection
        rows = tuple({str(name): str(cell)[:80] for name, cell in row.items()} for row in table.head(SAMPLE_ROWS))
        return replace(inspection, format=inspection.format or table.format, samples=inspection.samples or rows)

    def preview(self, payload: Payload, *, repair: Repair = None, **options: Any) -> Preview[Data]:
        """Open and validate a file in one call; `options` may be text, as on the command line.

        Raises:
            ConfigError: An option or a repair is unknown or invalid.
            DataError: The file cannot be used.
        """
        unknown = [name for name in options if name not in self.options.model_fields]
        if unknown:
            known = ", ".join(self.options.model_fields) or "none"
            raise ConfigError(f"'{unknown[0]}' is not an option of {self.title}: its options are {known}.")
        values = parse(self.options, options)
        repairs = parse_repairs(repair)
        preview = self.check(self.open(payload, repairs), values, repairs)
        repairs.check_choices()
        return preview

    def check(self, parsed: Any, values: Config, repairs: Repairs) -> Preview[Data]:
        """Validate a parsed file; the preview carries the problems and the receipt of `repairs`.

        Raises:
            DataError: The file cannot be used.
        """
        preview = self.validate(parsed, values, repairs)
        return replace(preview, problems=tuple(repairs.problems), receipt=tuple(repairs.receipt))

    def save(self, name: str, preview: Preview[Data], *, source: str = "") -> CustomDataset:
        """Save a validated file under a name; `source` is the file's own name.

        Raises:
            RequestError: The name is invalid or taken, or a problem has no repair yet.
            StoreError: The folder cannot be written.
        """
        if preview.pending:
            raise RequestError(ask_for_repairs(preview.pending))
        record = {"problems": [describe_problem(problem) for problem in preview.problems]} if preview.problems else {}
        entry = CustomDataset(
            name=name,
            kind=self.kind,
            rows=preview.rows,
            checksum=preview.checksum,
            source=Path(source).name[:100],
            facts={**preview.facts, "content": preview.content, **record, "receipt": list(preview.receipt)},
        )
        return registry.save(entry, lambda folder: self.write(preview.data, folder), reserved=DATASETS)

    def find_or_save(self, path: Path, payload: bytes) -> CustomDataset:
        """Import a file under its own name with default repairs, which its receipt lists; return the saved dataset if
        the same content was imported before.

        Raises:
            DataError: The file cannot be used.
            RequestError: A problem has no default repair.
        """
        preview = self.preview(payload, repair=DEFAULT)
        identity = preview.checksum, _plain(preview.facts.get("windows", ()))
        for entry in registry.list_datasets(self.kind):
            if (entry.checksum, _plain(entry.facts.get("windows", ()))) == identity:
                return entry
        return self.save(registry.free_name(path.stem, reserved=DATASETS), preview, source=path.name)


def column(help: str, *, optional: bool = False) -> Any:
    """An option that names a column of the file; empty means guess, `none` means no column if `optional`."""
    return pydantic.Field(
        "", max_length=200, description=help, json_schema_extra={"role": "column", "optional": optional}
    )


def column_list(help: str) -> Any:
    """An option that names several columns, as a tuple or comma-separated text; empty means all usable ones."""
    return pydantic.Field((), description=help, json_schema_extra={"role": "columns"})


def attachment(help: str, *, suffixes: tuple[str, ...], byte_limit: int) -> Any:
    """An option that takes a second file, as bytes."""
    extra: Any = {"role": "file", "suffixes": list(suffixes), "byte_limit": byte_limit}
    return pydantic.Field(None, description=help, json_schema_extra=extra)


@dataclass(frozen=True)
class Option:
    """One option of an importer, as forms and flags see it."""

    setting: Field
    role: Role = "value"
    optional: bool = False
    suffixes: tuple[str, ...] = ()
    byte_limit: int = 0


def list_options(importer: Importer[Any]) -> list[Option]:
    """List the options of an importer in order."""
    extras = {name: info.json_schema_extra for name, info in importer.options.model_fields.items()}
    return [_option(setting, extras[setting.name]) for setting in describe(importer.options)]


def _option(setting: Field, extra: Any) -> Option:
    extra = extra or {}
    suffixes, limit = tuple(extra.get("suffixes", ())), int(extra.get("byte_limit", 0))
    return Option(setting, extra.get("role", "value"), bool(extra.get("optional", False)), suffixes, limit)


def ask_for_repairs(problems: tuple[Problem, ...]) -> str:
    """Ask for the repairs of all problems in one line."""
    parts = [
        f"{problem.kind} ({problem.count:,}{f', {problem.where}' if problem.where else ''}: "
        f"{', '.join(problem.choices[:6])}{f'; default {problem.default}' if problem.default else ''})"
        for problem in problems
    ]
    accept = ", or accept the defaults with --repair default" if any(problem.default for problem in problems) else ""
    number = f"{len(problems)} problems need" if len(problems) > 1 else "one problem needs"
    return f"{number} a repair: choose with --repair KIND=HOW{accept}. {'; '.join(parts)}."


def _plain(value: Any) -> list[list[Any]]:
    """Convert tuples to lists, as JSON does."""
    return [list(part) for part in value]
