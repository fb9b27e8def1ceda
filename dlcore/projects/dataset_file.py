"""Datasets as a file path: `--dataset rides.csv` on the command line, `dataset="rides.csv"` in Python."""

from pathlib import Path

from dlcore.core.errors import DataError, RequestError
from dlcore.data.custom import series, table
from dlcore.data.series import csv_file
from dlcore.projects import registry


def is_file_name(dataset: str) -> bool:
    """Whether `dataset` names a file: it has a suffix or a folder in it."""
    return Path(dataset).suffix != "" or len(Path(dataset).parts) > 1


def import_file(slug: str, path: str | Path) -> str:
    """Import a CSV as a custom dataset named after the file; return its name. An identical import is reused.

    Raises:
        RequestError: the project takes no CSV.
        DataError: the file cannot be read, or fails validation (row, column and reason).
    """
    project = registry.get(slug)
    if "series" not in project.custom_data:
        raise RequestError(f"dataset {path}: '{slug}' takes no file; name one of its datasets.")
    path = Path(path)
    try:
        with path.open("rb") as file:
            payload = file.read(csv_file.BYTES_LIMIT + 1)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}: name a readable file.") from None
    has_several = "table" in project.custom_data and csv_file.open_sheet(payload).variables > 1
    return (table if has_several else series).IMPORTER.find_or_save(path, payload).dataset
