"""Labels drawn by hand on a series: stored with a custom dataset, or in `DLCORE_HOME/labels` for a public one."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from dlcore.core import access
from dlcore.core.errors import DataError, StoreError
from dlcore.data.custom import registry
from dlcore.data.series import window_file
from dlcore.data.series.series import LabeledWindow

FILE = "manual_labels.csv"


def load(dataset: str) -> tuple[LabeledWindow, ...]:
    """Return the stored labels of a dataset; none if there are none or the file is damaged."""
    try:
        return window_file.parse(_path(dataset).read_bytes())
    except (OSError, DataError):
        return ()


def save(dataset: str, windows: Iterable[LabeledWindow]) -> None:
    """Store the labels of a dataset in place of the earlier ones; no labels delete the file.

    Raises:
        StoreError: the folder cannot be written.
    """
    path, text = _path(dataset), to_csv(windows)
    draft = path.with_name(f".{path.name}.tmp")
    try:
        if not text:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise StoreError(f"{path.parent} cannot be written ({error.strerror or error}): free some space.") from error


def read_file(payload: bytes, times: np.ndarray) -> tuple[LabeledWindow, ...]:
    """Read labels from CSV or JSON with start and end, for a series with these times (T,).

    Raises:
        DataError: the file is invalid, or a window contains no point of the series.
    """
    windows = window_file.parse(payload)
    window_file.check_windows(windows, times)
    return windows


def to_csv(windows: Iterable[LabeledWindow]) -> str:
    """Return labels as CSV with start, end (both included) and, if there are any, names; empty without labels."""
    rows = [(_format(window.start), _format(window.end), window.name) for window in windows]
    table = pd.DataFrame(rows, columns=["start", "end", "name"])
    visible = table if table["name"].any() else table.drop(columns="name")
    return visible.to_csv(index=False) if rows else ""


def _format(moment: int) -> str:
    return str(np.datetime64(int(moment), "ms")).replace("T", " ").removesuffix(".000")


def _path(dataset: str) -> Path:
    entry = registry.find(dataset) if registry.is_custom(dataset) else None
    name = f"{'custom-' if registry.is_custom(dataset) else ''}{registry.plain_name(dataset)}.csv"
    return entry.folder / FILE if entry else access.personal_home() / "labels" / name
