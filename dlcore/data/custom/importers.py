"""The importers of all kinds of custom data, and the choice of one by file and options."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from dlcore.core.errors import DataError, RequestError
from dlcore.data.custom import images, pairs, registry, series, table, texts
from dlcore.data.custom.importer import Importer, Payload, Preview, list_options
from dlcore.data.custom.registry import CustomDataset, Kind
from dlcore.data.repairs import Repair
from dlcore.data.sources.registry import DATASETS

IMPORTERS: dict[Kind, Importer[Any]] = {
    "series": series.IMPORTER,
    "table": table.IMPORTER,
    "images": images.IMPORTER,
    "text": texts.IMPORTER,
    "pairs": pairs.IMPORTER,
}
KIND_NAMES: dict[str, Kind] = {**{kind: kind for kind in IMPORTERS}, "texts": "text"}
"""Names of kinds as people give them -> kind."""


def choose_importer(path: Path, options: Collection[str] = ()) -> Importer[Any]:
    """Return the first importer that reads files with this suffix (or folders) and has all of these options.

    Raises:
        RequestError: No kind of data has all of these options.
    """
    suffix = path.suffix.lower().removeprefix(".")
    candidates = [importer for importer in IMPORTERS.values() if suffix in importer.suffixes]
    if path.is_dir():
        candidates = [importer for importer in IMPORTERS.values() if importer.accepts_folders]
    for importer in candidates or IMPORTERS.values():
        if set(options) <= set(importer.options.model_fields):
            return importer
    flags = ", ".join(f"--{name}" for name in options)
    raise RequestError(f"no kind of data has all of {flags} for this file: leave some out, or choose one with --kind.")


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
