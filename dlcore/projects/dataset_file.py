"""Datasets as a file path: `--dataset rides.csv` on the command line, `dataset="rides.csv"` in Python."""

from pathlib import Path

from dlcore.core.errors import RequestError
from dlcore.data.custom import series, table
from dlcore.data.custom.importers import guess_kind, read_file
from dlcore.data.tabular.read import BYTES_LIMIT
from dlcore.projects import registry


def is_file_name(dataset: str) -> bool:
    """Whether `dataset` names a file: it has a suffix or a folder in it."""
    return Path(dataset).suffix != "" or len(Path(dataset).parts) > 1


def import_file(slug: str, path: str | Path) -> str:
    """Import a table file as a custom dataset named after the file; return its name. An identical import is reused.

    For anomaly detection one column is imported, because most of its models score one.

    Raises:
        RequestError: the project takes no file.
        DataError: the file cannot be read, or fails validation (row, column and reason).
    """
    project = registry.get(slug)
    if "series" not in project.custom_data:
        raise RequestError(f"dataset {path}: '{slug}' takes no file; name one of its datasets.")
    path = Path(path)
    payload = read_file(path, BYTES_LIMIT)
    is_table = "table" in project.custom_data and slug != "anomaly" and guess_kind(path) == "table"
    return (table if is_table else series).IMPORTER.find_or_save(path, payload).dataset
