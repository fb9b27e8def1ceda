"""Preview of a validated file: what will be saved."""

from collections.abc import Mapping
from typing import Any, Literal

import pandas as pd
import streamlit as st

from dlcore.data.custom.importer import Preview, RejectedItem
from dlcore.data.series.series import Series
from dlcore.plots.series import series_over_time
from dlcore.ui.shell import style
from dlcore.ui.widgets import samples
from dlcore.ui.widgets.figure import show_figure

TABLE_HEIGHT = 250
"""Pixels of a table before it scrolls."""
ROWS_WITHOUT_SCROLLING = 5


def show_preview(preview: Preview[Any]) -> None:
    """Draw the summary, a chart, thumbnails or sample rows, the classes with counts, and what was left out."""
    style.summary_row(list(preview.summary))
    if isinstance(preview.data, Series):
        _show_series(preview.data, unit=preview.columns[-1])
    if preview.thumbnails:
        labels, images = zip(*preview.thumbnails, strict=True)
        samples.show_images(images, labels, alt="An image of the class")
    if preview.samples:
        show_table(pd.DataFrame(preview.samples), alt="The data that will be saved")
    content = preview.describe()
    show_classes(content["classes"])
    if content["values"]:
        with st.expander("Columns as read", icon=":material/table:"):
            roles = {column["name"]: column.get("role", "") for column in content["columns"]}
            rows = [{"Column": name, "Role": roles.get(name, ""), **row} for name, row in content["values"].items()]
            show_table(pd.DataFrame(rows).astype(str), alt="Count, missing values and range of every column")
    show_rejected(preview.rejected)


def show_table(frame: pd.DataFrame, *, alt: str) -> None:
    """Draw a table; a long one scrolls."""
    height: Literal["auto"] | int = TABLE_HEIGHT if len(frame) > ROWS_WITHOUT_SCROLLING else "auto"
    st.dataframe(frame, hide_index=True, width="stretch", height=height, alt=alt)


def show_classes(classes: Mapping[str, Mapping[str, int]]) -> None:
    """Draw the classes with their counts, by part where the files are split."""
    if not classes:
        return
    frame = pd.DataFrame.from_dict({name: dict(counts) for name, counts in classes.items()}, orient="index")
    frame = frame.rename(columns={"all": "Samples"}).rename(columns=str.capitalize)
    frame.insert(0, "Class", list(classes))
    show_table(frame, alt=f"{len(classes)} classes with the number of their samples")


def show_rejected(items: tuple[RejectedItem, ...]) -> None:
    """List the files that were left out or converted, with the reason."""
    if not items:
        return
    converted = sum(item.used for item in items)
    title = f"{len(items) - converted:,} left out, {converted:,} converted"
    with st.expander(title, icon=":material/report:"):
        rows = [(item.name, item.outcome, item.reason) for item in items]
        show_table(pd.DataFrame(rows, columns=["Where", "What", "Why"]), alt="Files left out or converted")


def _show_series(series: Series, *, unit: str) -> None:
    windows = [(window.start, window.end, window.name) for window in series.windows]
    figure = series_over_time(series.times, series.values, title="Preview", unit=unit, windows=windows)
    figure.update_layout(height=260)
    show_figure(figure, key="custom-preview", alt=f"The {len(series.values):,} points of the file over time")
