"""The form that imports a custom dataset, the same for every kind: upload, choose options, preview, save."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dlcore.core.config import parse
from dlcore.core.errors import WorkbenchError, one_line
from dlcore.data.custom import registry
from dlcore.data.custom.importer import NO_COLUMN, Importer, Inspection, Option, Preview, RejectedItem, list_options
from dlcore.data.custom.importers import IMPORTERS
from dlcore.data.custom.registry import CustomDataset, Kind
from dlcore.data.repairs import Repairs
from dlcore.data.series.series import Series
from dlcore.data.sources.registry import DATASETS
from dlcore.plots.series import series_over_time
from dlcore.ui.shell import style
from dlcore.ui.widgets import forms, samples
from dlcore.ui.widgets.figure import show_figure

Value = TypeVar("Value")


def show_form(kind: Kind) -> None:
    """Draw the form; confirm the dataset that was saved just before this rerun, unless the page did."""
    importer = IMPORTERS[kind]
    announce_added(kind)
    formats = ", ".join(suffix.upper() for suffix in importer.suffixes)
    with st.expander(f"Add custom {importer.title}", icon=":material/upload_file:"):
        st.caption(f"{importer.summary} Your data stays on this machine.")
        file = st.file_uploader(
            f"File ({formats})",
            type=list(importer.suffixes),
            key=f"custom-{kind}-file",
            max_upload_size=importer.byte_limit // 2**20,
        )
        if file is None:
            for stage in ("parsed", "preview"):
                st.session_state.pop(_stage_key(importer, stage), None)
            return
        try:
            preview = _choose_options(importer, file)
        except WorkbenchError as error:
            st.error(f"Nothing was saved: {one_line(error)}", icon=":material/error:")
            return
        _show_preview(preview)
        _show_save(importer, preview, file)


def show_saved(kind: Kind) -> None:
    """List the saved datasets of a kind, each with a remove button."""
    for entry in registry.list_datasets(kind):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"{_describe(entry)} Source: {entry.source or 'unknown'}.", width="stretch")
            show_remove(entry)


def show_remove(entry: CustomDataset) -> None:
    """Draw a button that deletes a custom dataset after confirmation."""
    with st.popover("Remove this dataset", icon=":material/delete:"):
        st.markdown("Its copy on this machine is deleted. Runs trained on it keep their scores.")
        if st.button("Remove", type="primary", key=f"remove-{entry.name}"):
            try:
                registry.remove(entry.name)
            except WorkbenchError as error:
                st.error(one_line(error), icon=":material/error:")
                return
            st.toast(f"Removed '{entry.name}'.", icon=":material/delete:")
            st.rerun()


def pop_added(kind: Kind) -> str:
    """Return the id of the dataset that was saved just before this rerun, once; else an empty string."""
    return str(st.session_state.pop(_added_key(kind), ""))


def announce_added(kind: Kind) -> str:
    """Like `pop_added`, and confirm the dataset on the page."""
    dataset = pop_added(kind)
    entry = registry.find(dataset) if dataset else None
    if entry is not None:
        st.success(f"Saved {_describe(entry)} Choose it as the dataset under Train.", icon=":material/check_circle:")
    return dataset


def _choose_options(importer: Importer[Any], file: UploadedFile) -> Preview[Any]:
    """Draw the options, columns first; the others start from what the validation guessed.

    Raises:
        WorkbenchError: The file cannot be used with these options.
    """
    parsed, inspection = _compute_once(importer, "parsed", (), file, lambda: _open(importer, file))
    options = list_options(importer)
    values = _column_widgets(importer, [o for o in options if "column" in o.role], inspection, file.file_id)
    preview = _validate(importer, file, parsed, values)
    changed = {}
    for option in (o for o in options if "column" not in o.role):
        start = preview.guesses.get(option.setting.name, option.setting.default)
        value = _value_widget(importer, option, start, file.file_id)
        if value != start:
            changed[option.setting.name] = value
    return _validate(importer, file, parsed, {**values, **changed}) if changed else preview


def _open(importer: Importer[Any], file: UploadedFile) -> tuple[Any, Inspection]:
    parsed = importer.open(file if importer.accepts_folders else file.getvalue(), Repairs())
    return parsed, importer.inspect(parsed)


def _column_widgets(
    importer: Importer[Any], options: list[Option], inspection: Inspection, file_id: str
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for slot, option in zip(st.columns(len(options)) if options else [], options, strict=True):
        name, title = option.setting.name, forms.setting_label(option.setting)
        key = f"custom-{importer.kind}-{name}-{file_id}"
        if option.role == "columns":
            known = [column for column in inspection.columns if column not in values.values()]
            values[name] = tuple(
                slot.multiselect(title, known, key=key, placeholder="All numeric columns", help=option.setting.help)
            )
            continue
        known = [*([NO_COLUMN] if option.optional else []), *inspection.columns]
        guess = inspection.options.get(name) or (NO_COLUMN if option.optional else None)
        column = slot.selectbox(
            f"{title} column",
            known,
            index=known.index(guess) if guess in known else None,
            key=key,
            placeholder="Choose a column",
            help=option.setting.help,
        )
        values[name] = column or ""
    return values


def _value_widget(importer: Importer[Any], option: Option, start: Any, file_id: str) -> Any:
    key = f"custom-{importer.kind}-{option.setting.name}-{file_id}"
    if option.role != "file":
        return forms.setting_widget(option.setting, start, key=key)
    file = st.file_uploader(
        f"{forms.setting_label(option.setting)} ({', '.join(option.suffixes).upper()})",
        type=list(option.suffixes),
        key=key,
        max_upload_size=max(1, option.byte_limit // 2**20),
        help=option.setting.help,
    )
    return file.getvalue() if file else None


def _validate(importer: Importer[Any], file: UploadedFile, parsed: Any, values: Mapping[str, Any]) -> Preview[Any]:
    options = parse(importer.options, values)
    return _compute_once(importer, "preview", options, file, lambda: importer.check(parsed, options, Repairs()))


def _compute_once(
    importer: Importer[Any], stage: str, stamp: Any, file: UploadedFile, compute: Callable[[], Value]
) -> Value:
    """Compute a value again only if the file or the stamp changed; the session holds the latest one of each stage."""
    key = _stage_key(importer, stage)
    last_stamp, last_value = st.session_state.get(key, (None, None))
    if last_stamp == (file.file_id, stamp):
        return cast(Value, last_value)
    st.session_state.pop(key, None)
    with st.spinner("Checking the file"):
        value = compute()
    st.session_state[key] = ((file.file_id, stamp), value)
    return value


def _stage_key(importer: Importer[Any], stage: str) -> str:
    return f"custom-{importer.kind}-{stage}"


def _show_preview(preview: Preview[Any]) -> None:
    style.summary_row(list(preview.summary))
    if isinstance(preview.data, Series):
        _show_series(preview.data, unit=preview.columns[-1])
    if preview.thumbnails:
        labels, images = zip(*preview.thumbnails, strict=True)
        samples.show_images(images, labels, alt="An image of the class")
    if preview.samples:
        st.dataframe(pd.DataFrame(preview.samples), hide_index=True, width="stretch", alt="The data that will be saved")
    show_problems(preview.rejected)


def show_problems(problems: tuple[RejectedItem, ...]) -> None:
    """List what was left out or converted, with the reason."""
    if not problems:
        return
    converted = sum(problem.used for problem in problems)
    title = f"{len(problems) - converted:,} left out, {converted:,} converted"
    with st.expander(title, icon=":material/report:"):
        rows = [(problem.name, problem.outcome, problem.reason) for problem in problems]
        st.dataframe(pd.DataFrame(rows, columns=["Where", "What", "Why"]), hide_index=True, width="stretch")


def _show_series(series: Series, *, unit: str) -> None:
    windows = [(window.start, window.end, window.name) for window in series.windows]
    figure = series_over_time(series.times, series.values, title="Preview", unit=unit, windows=windows)
    figure.update_layout(height=260)
    show_figure(figure, key="custom-preview", alt=f"The {len(series.values):,} points of the file over time")


def _show_save(importer: Importer[Any], preview: Preview[Any], file: UploadedFile) -> None:
    suggestion = registry.free_name(file.name.rpartition(".")[0] or file.name, reserved=DATASETS)
    key = f"custom-{importer.kind}-name-{file.file_id}"
    name = st.text_input("Name", suggestion, key=key, max_chars=40, help="Letters, digits, - and _.")
    if not st.button("Save dataset", type="primary", icon=":material/save:", key=f"custom-{importer.kind}-save"):
        return
    try:
        entry = importer.save(name.strip(), preview, source=file.name)
    except WorkbenchError as error:
        st.error(one_line(error), icon=":material/error:")
        return
    samples.load_images.clear()  # a removed dataset may have had this name
    st.session_state[_added_key(importer.kind)] = entry.dataset
    st.rerun()


def _describe(entry: CustomDataset) -> str:
    classes = f" of {len(entry.facts['classes'])} classes" if "classes" in entry.facts else ""
    rejected = int(entry.facts.get("refused_count", 0))
    left_out = f", {rejected:,} file{'' if rejected == 1 else 's'} left out" if rejected else ""
    return f"**{entry.name}**: {entry.rows:,} {IMPORTERS[entry.kind].unit}{classes}{left_out}."


def _added_key(kind: Kind) -> str:
    return f"custom-{kind}-added"
