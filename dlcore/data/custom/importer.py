"""The importer protocol: how a file becomes a custom dataset, the same way for every kind of data.

`open` parses the file, `inspect` lists its columns and guesses the options, `validate` checks every row and returns a
`Preview`, `save` stores it, `load` reads it back. Form fields and command-line flags follow from `options`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Generic, Literal, TypeVar

import numpy as np
import pydantic

from dlcore.core.config import Config, Field, describe, parse
from dlcore.core.errors import ConfigError
from dlcore.data.custom import registry
from dlcore.data.custom.registry import CustomDataset, Kind
from dlcore.data.sources.registry import DATASETS

Data = TypeVar("Data")
Payload = bytes | Path | BinaryIO
"""A file's content; images are also read from a path (file or folder) or an open file."""
Role = Literal["value", "column", "columns", "file"]
NO_COLUMN = "none"
"""The value of an optional column option that turns guessing off."""


@dataclass(frozen=True)
class Problem:
    """One file, row or column that was left out, or changed to be usable (`used`), with the reason."""

    where: str
    reason: str
    used: bool = False

    @property
    def outcome(self) -> str:
        """The outcome in words: left out or converted."""
        return "converted" if self.used else "left out"


@dataclass(frozen=True)
class Inspection:
    """The columns of a file, and the options guessed from their names and first cells."""

    columns: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Preview(Generic[Data]):
    """The result of a successful validation: what will be saved.

    `data` is what the importer writes; `rows` counts samples; `columns` are the column or class names; `guesses` are
    the options as used, guesses filled in; `summary` holds (label, value, note) triples; `samples` are a few rows of
    text by column, `thumbnails` a few images (H, W, 3) with their class names; `problems` is what was left out;
    `receipt` lists the repairs that were applied.
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
    problems: tuple[Problem, ...] = ()
    receipt: tuple[str, ...] = ()


@dataclass(frozen=True)
class Importer(Generic[Data]):
    """Importer of one kind of data.

    open:     payload -> parsed file, handed to `inspect` and `validate`. Raises DataError.
    inspect:  parsed file -> `Inspection`. Raises DataError.
    validate: (parsed file, options) -> `Preview`. Raises DataError with row, column, reason and next step.
    write:    (data, folder) -> None; writes the files of the dataset.
    load:     (dataset id, checksum=...) -> the data as projects use it. Raises DataError.
    """

    kind: Kind
    title: str
    summary: str
    unit: str
    suffixes: tuple[str, ...]
    byte_limit: int
    open: Callable[[Payload], Any]
    validate: Callable[[Any, Any], Preview[Data]]
    write: Callable[[Data, Path], None]
    load: Callable[..., Any]
    inspect: Callable[[Any], Inspection] = lambda parsed: Inspection()
    options: type[Config] = Config
    accepts_folders: bool = False

    def preview(self, payload: Payload, **options: Any) -> Preview[Data]:
        """Open and validate a file in one call; `options` may be text, as on the command line.

        Raises:
            ConfigError: An option is unknown or invalid.
            DataError: The file cannot be used.
        """
        unknown = [name for name in options if name not in self.options.model_fields]
        if unknown:
            known = ", ".join(self.options.model_fields) or "none"
            raise ConfigError(f"'{unknown[0]}' is not an option of {self.title}: its options are {known}.")
        values = parse(self.options, options)
        return self.validate(self.open(payload), values)

    def save(self, name: str, preview: Preview[Data], *, source: str = "") -> CustomDataset:
        """Save a validated file under a name; `source` is the file's own name.

        Raises:
            RequestError: The name is invalid or taken.
            StoreError: The folder cannot be written.
        """
        receipt = {"receipt": list(preview.receipt)} if preview.receipt else {}
        entry = CustomDataset(
            name=name,
            kind=self.kind,
            rows=preview.rows,
            checksum=preview.checksum,
            source=Path(source).name[:100],
            facts={**preview.facts, **receipt},
        )
        return registry.save(entry, lambda folder: self.write(preview.data, folder), reserved=DATASETS)

    def find_or_save(self, path: Path, payload: bytes) -> CustomDataset:
        """Import a file under its own name; return the saved dataset if the same content was imported before.

        Raises:
            DataError: The file cannot be used.
        """
        preview = self.preview(payload)
        identity = preview.checksum, _plain(preview.facts.get("windows"))
        for entry in registry.list_datasets(self.kind):
            if (entry.checksum, _plain(entry.facts.get("windows"))) == identity:
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


def _plain(value: Any) -> Any:
    """Convert tuples to lists, as JSON does."""
    return [list(part) for part in value] if value is not None else None
