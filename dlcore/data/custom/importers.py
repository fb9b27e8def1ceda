"""The importers of all kinds of custom data, and the choice of one by file and options."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from dlcore.core.errors import DataError, RequestError
from dlcore.data.custom import images, pairs, registry, series, table, text_columns
from dlcore.data.custom import texts as texts_importer
from dlcore.data.custom.importer import Importer, Payload, Preview, list_options
from dlcore.data.custom.registry import CustomDataset, Kind
from dlcore.data.images.zip_directory import ZipDirectory
from dlcore.data.repairs import Repair, Repairs
from dlcore.data.series.columns import NUMERIC_TIMES, Sheet, is_id
from dlcore.data.series.reading import reason_to_leave_out
from dlcore.data.series.times import parse_times
from dlcore.data.sources.registry import DATASETS
from dlcore.data.tabular import read as tabular

IMPORTERS: dict[Kind, Importer[Any]] = {
    "series": series.IMPORTER,
    "table": table.IMPORTER,
    "images": images.IMPORTER,
    "text": texts_importer.IMPORTER,
    "pairs": pairs.IMPORTER,
}
KIND_NAMES: dict[str, Kind] = {**{kind: kind for kind in IMPORTERS}, "texts": "text"}
"""Names of kinds as people give them -> kind."""
TABULAR: tuple[Kind, ...] = ("series", "table", "text", "pairs")
"""Kinds that a tabular file can hold."""


def choose_importer(path: Path, options: Mapping[str, Any] | None = None) -> Importer[Any]:
    """Choose the importer of a file: of a folder, zip or image by its name, of a table by its content.

    A table over time with one value column is a series, with several a table; a text and a label column are texts, two
    text columns are pairs. Only importers that have all of `options` are considered.

    Raises:
        RequestError: No kind of data has all of these options.
    """
    options = options or {}
    suffix = path.suffix.lower().removeprefix(".")
    is_table = not path.is_dir() and (
        suffix in tabular.SUFFIXES or not any(suffix in i.suffixes for i in IMPORTERS.values())
    )
    is_table = is_table and not _is_archive(path)
    if not is_table and suffix not in IMPORTERS["images"].suffixes:
        suffix = "zip"
    kinds = TABULAR if is_table else tuple(kind for kind, importer in IMPORTERS.items() if suffix in importer.suffixes)
    if path.is_dir():
        kinds = tuple(kind for kind, importer in IMPORTERS.items() if importer.accepts_folders)
    fitting = [kind for kind in kinds if set(options) <= set(IMPORTERS[kind].options.model_fields)]
    if not fitting:
        flags = ", ".join(f"--{name}" for name in options)
        raise RequestError(
            f"no kind of data has all of {flags} for this file: leave some out, or choose one with --kind."
        )
    if len(fitting) > 1 and is_table:
        guess = guess_kind(path, label=str(options.get("label") or ""))
        return IMPORTERS[guess if guess in fitting else fitting[0]]
    return IMPORTERS[fitting[0]]


def _is_archive(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return is_archive(file)
    except OSError:
        return False


def is_archive(file: IO[bytes]) -> bool:
    """Return whether an open file is a zip archive, but no Excel workbook, by its content instead of its name."""
    file.seek(0)
    try:
        return file.read(4) == b"PK\x03\x04" and not any(
            info.filename.startswith("xl/") for _, info in ZipDirectory(file)
        )
    except (OSError, ValueError, zipfile.BadZipFile):
        return False
    finally:
        file.seek(0)


def kind_of_content(file: IO[bytes]) -> Kind | None:
    """Return the kind of data that an open file holds; None if it cannot be read."""
    if is_archive(file):
        return "images"
    try:
        return content_kind(Sheet(tabular.read_table(file.read(), Repairs(accept_defaults=True))))
    except DataError:
        return None
    finally:
        file.seek(0)


def guess_kind(path: Path, *, label: str = "") -> Kind:
    """Guess the kind of a tabular file by its columns; `label` names its label column, if known.

    A file that cannot be read is a `series`: its importer gives the reason.
    """
    try:
        payload = read_file(path, tabular.BYTES_LIMIT)
        return content_kind(Sheet(tabular.read_table(payload, Repairs(accept_defaults=True))), label=label)
    except DataError:
        return "text" if path.suffix.lower() in (".jsonl", ".ndjson") else "series"


def content_kind(sheet: Sheet, *, label: str = "") -> Kind:
    """Return the kind of data that the columns of a table hold; see `choose_importer`."""
    texts = [name for name in sheet.columns if sheet.kinds[name] == "text"]
    cells = {name: sheet.file.table[name].str.strip() for name in texts}
    distinct = {name: column.nunique() / max(1, len(column)) for name, column in cells.items()}
    amounts = [name for name in texts if cells[name].str.match(r"[+-]?\d").mean() > 0.5]  # 5 kW and 5 MW
    prose = [
        name
        for name in texts
        if name not in amounts and distinct[name] > 0.5 and cells[name].str.contains(" ").mean() > 0.5
    ]
    sides = [text_columns.match_name(sheet.columns, names) for names in (pairs.INPUT_NAMES, pairs.TARGET_NAMES)]
    timed = [kind in ("datetime", "date", *NUMERIC_TIMES) for kind in sheet.kinds.values()]
    if len(sheet.columns) == 2 and all(sides) and sum(timed) != 1:
        return "pairs"
    has_times = any(timed)
    numbers = [
        name
        for name in sheet.numeric(())
        if sheet.kinds[name] == "number" and not sheet.is_counter(name) and not is_id(name)
    ]
    if prose or (texts and not numbers and not (has_times and amounts)):
        labels = [name for name in sheet.columns if name not in prose and _is_label(sheet, name)]
        named = [name for name in labels if name.lower() in text_columns.LABEL_NAMES]
        is_pairs = len(sheet.columns) == len(texts) == 2 and not named and all(s > 0.2 for s in distinct.values())
        return "pairs" if is_pairs or (not labels and len(prose) > 1) else "text"
    return _temporal_kind(sheet, label) if has_times or numbers else "series"


def _temporal_kind(sheet: Sheet, label: str) -> Kind:
    """Return `table` if there are several variables over time, or one for each of several groups."""
    try:
        source = sheet.find_times()
        micros = parse_times(source.cells, source.names[0], sheet.file.rows, Repairs(accept_defaults=True)).micros
    except DataError:
        return "series"
    label = label if label in sheet.columns else sheet.find_label(source.names)
    used = (*source.names, *([label] if label else []))
    variables = [name for name in sheet.numeric(used) if not reason_to_leave_out(sheet, name, micros)]
    group = sheet.find_group(micros, used)
    return "table" if (group and group not in variables) or len(variables) - (group in variables) > 1 else "series"


def _is_label(sheet: Sheet, name: str) -> bool:
    cells = sheet.file.table[name].str.strip()
    return bool(2 <= cells.nunique() <= max(20, len(cells) // 5))


def check_file(
    file: str | Path, *, kind: str | None = None, repair: Repair = None, **options: Any
) -> tuple[Importer[Any], Preview[Any]]:
    """Read and validate a file without storing anything.

    `repair` is "default", a mapping of problem kinds to repairs, or `KIND=HOW` texts; `options` are those of the kind,
    for example `time` and `value` of a series. Options that take a file also take its path.

    Raises:
        ConfigError: An option or a repair is unknown or invalid.
        DataError: The file cannot be used.
    """
    path = Path(file)
    if kind is not None and kind not in KIND_NAMES:
        raise RequestError(f"'{kind}' is not a kind of data: choose one of {', '.join(KIND_NAMES)}.")
    importer = IMPORTERS[KIND_NAMES[kind]] if kind else choose_importer(path, options)
    limits = {each.setting.name: each.byte_limit for each in list_options(importer) if each.role == "file"}
    values = {
        name: read_file(Path(value), limits[name]) if name in limits and isinstance(value, str | Path) else value
        for name, value in options.items()
    }
    payload: Payload = path if importer.accepts_folders else read_file(path, importer.byte_limit)
    return importer, importer.preview(payload, repair=repair, **values)


def add_file(
    name: str, file: str | Path, *, kind: str | None = None, repair: Repair = None, **options: Any
) -> CustomDataset:
    """Validate a file and save it as the custom dataset `name`; see `check_file`.

    Raises:
        RequestError: The name is invalid or taken, or a problem of the file has no repair yet.
        DataError: The file cannot be used.
        StoreError: The folder cannot be written.
    """
    registry.check_name(name, reserved=DATASETS)
    importer, preview = check_file(file, kind=kind, repair=repair, **options)
    return importer.save(name, preview, source=str(file))


def read_file(path: Path, limit: int) -> bytes:
    """Read a file of at most `limit` bytes; a larger one is not read.

    Raises:
        DataError: The file cannot be read, or is larger.
    """
    try:
        size = path.stat().st_size
        if size <= limit:
            with path.open("rb") as file:
                content = file.read(limit + 1)  # a pipe has no size
            size = len(content)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}: name a readable file.") from None
    if size > limit:
        raise DataError(
            f"{path.name} ({size / 2**20:,.0f} MB) is larger than the {limit // 2**20} MB that are read: split it, "
            "take a sample of its rows, or convert it to Parquet."
        )
    return content
