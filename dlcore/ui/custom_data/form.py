"""The form that imports a custom dataset, the same for every kind: read, preview, repair, save.

A person's file and fields stay on every error. The choices of repairs live in the session, apart from their widgets, so
that they also survive a rerun that draws none of them.
"""

from typing import Any

import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dlcore import projects
from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import as_text, error_line
from dlcore.data.custom import registry
from dlcore.data.custom.importer import NO_COLUMN, Importer, Inspection, Option, Preview, list_options
from dlcore.data.custom.importers import IMPORTERS, kind_of_content
from dlcore.data.custom.registry import Kind
from dlcore.data.sources.registry import DATASETS
from dlcore.ui.custom_data import checking, problems, saved
from dlcore.ui.custom_data.checking import CheckedFile
from dlcore.ui.custom_data.preview import show_preview, show_table
from dlcore.ui.shell import cache, links
from dlcore.ui.shell.menu import title_of
from dlcore.ui.widgets import forms, samples
from dlcore.ui.widgets.choice import choose

SAVE = "Save dataset"
_NO_FILE = "Choose a file first."
MAX_LINKS = 4
"""Pages that are named for a file of another kind."""


def show_form(*kinds: Kind) -> None:
    """Draw the form for files of the first kind, or of the selected one; confirm what was saved before this rerun."""
    saved.announce_added(*kinds)
    titles = " or ".join(IMPORTERS[kind].title for kind in kinds)
    with st.expander(f"Add your data: {titles}", icon=":material/upload:"):
        kind = kinds[0] if len(kinds) == 1 else _choose_kind(kinds)
        importer = IMPORTERS[kind]
        st.caption(f"{importer.summary} Up to {importer.limit}. Your data stays on this machine.")
        file = st.file_uploader(
            f"File ({', '.join(suffix.upper() for suffix in importer.suffixes)})",
            type=sorted({suffix for each in IMPORTERS.values() for suffix in each.suffixes}),  # others get a link
            key=f"custom-{kind}-file",
            max_upload_size=importer.byte_limit // 2**20,
            help="A larger file: split it, take a sample of its rows, convert a CSV to Parquet, or add it with "
            "`dlcore data add NAME FILE`.",
        )
        if file is None:
            checking.forget(importer)
            st.button(SAVE, icon=":material/save:", key=f"custom-{kind}-save-nothing", disabled=True, help=_NO_FILE)
        elif not saved.show_saved_file(kind, file.file_id):
            _show_steps(importer, file, kinds)


def _choose_kind(kinds: tuple[Kind, ...]) -> Kind:
    return choose(
        "Kind of data",
        kinds,
        key=f"kind-of-{kinds[0]}",
        format_func=lambda kind: IMPORTERS[kind].title.capitalize(),
        in_url=False,
        show_label=True,
    )


def _show_steps(importer: Importer[Any], file: UploadedFile, kinds: tuple[Kind, ...]) -> None:
    """Draw the steps after the upload: options, preview, repairs, save."""
    opened = checking.open_file(importer, file)
    checked = opened if isinstance(opened, CheckedFile) else _choose_options(importer, file, opened.inspection)
    if checked.error:
        st.error(f"Nothing was saved: {checked.error}", icon=":material/error:")
        _link_pages_for(checking.once(importer, file, "kind", kind_of_content(file) or importer.kind), kinds)
    if checked.preview is not None:
        _step(2, "Preview")
        show_preview(checked.preview)
    if any(problem.choices for problem in checked.problems):
        _step(3, "Problems and their repairs")
        problems.show_problems(checked.problems, store=checking.choices_key(importer), key=_key(importer, "", file))
    if checked.preview is not None:
        saved.show_receipt(checked.preview.receipt)
        _step(4, "Save")
        _show_save(importer, checked.preview, file)


def _link_pages_for(kind: Kind, kinds: tuple[Kind, ...]) -> None:
    """Name the kind of data that the file holds, and link to a page that takes it, if this form does not."""
    if kind in kinds:
        return
    takers = [project for project in projects.list_projects() if kind in project.custom_data]
    st.info(f"The file seems to hold {IMPORTERS[kind].title}. These pages take it:", icon=":material/signpost:")
    for project in takers[:MAX_LINKS]:
        links.link_to_page(project.slug, label=title_of(project.slug))


def _step(number: int, title: str) -> None:
    st.markdown(f"**{number}. {title}**")


def _choose_options(importer: Importer[Any], file: UploadedFile, inspection: Inspection) -> CheckedFile:
    """Draw the options, columns first; the others start from what the validation guessed."""
    _step(1, "File as read")
    if inspection.format:
        st.caption(f"{as_text(inspection.format)}. Change a guess below if it is wrong.")
    if inspection.samples:
        show_table(pd.DataFrame(inspection.samples), alt="The first rows of the file")
    options = list_options(importer)
    values = _column_widgets(importer, [o for o in options if "column" in o.role], inspection, file)
    checked = checking.check(importer, file, values, stage="guesses")
    guesses = checking.remember_guesses(importer, file, checked.preview)
    changed = {}
    for option in (o for o in options if "column" not in o.role):
        start = guesses.get(option.setting.name, option.setting.default)
        value = _value_widget(importer, option, start, file)
        if value != start:
            changed[option.setting.name] = value
    return checking.check(importer, file, {**values, **changed}, stage="preview") if changed else checked


def _column_widgets(
    importer: Importer[Any], options: list[Option], inspection: Inspection, file: UploadedFile
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for slot, option in zip(st.columns(len(options)) if options else [], options, strict=True):
        name, title = option.setting.name, forms.setting_label(option.setting)
        key = _key(importer, name, file)
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


def _value_widget(importer: Importer[Any], option: Option, start: Any, file: UploadedFile) -> Any:
    key = _key(importer, option.setting.name, file)
    if option.role != "file":
        # a new guess replaces the value
        return forms.setting_widget(option.setting, start, key=f"{key}-{start}", keep=True)
    upload = st.file_uploader(
        f"{forms.setting_label(option.setting)} ({', '.join(option.suffixes).upper()})",
        type=list(option.suffixes),
        key=key,
        max_upload_size=max(1, option.byte_limit // 2**20),
        help=option.setting.help,
    )
    return upload.getvalue() if upload else None


def _show_save(importer: Importer[Any], preview: Preview[Any], file: UploadedFile) -> None:
    suggestion = registry.free_name(file.name.rpartition(".")[0] or file.name, reserved=DATASETS)
    typed = st.text_input(
        "Name",
        checking.once(importer, file, "name", suggestion),
        key=_key(importer, "name", file),
        max_chars=60,
        help="Letters, digits, - and _.",
        persist_state="session",
    )
    name = registry.clean_name(typed or "")
    if name and name != (typed or "").strip():
        st.caption(f"It is saved as **{name}**: names have letters, digits, - and _.")
    same = next((each.name for each in registry.list_datasets(importer.kind) if each.checksum == preview.checksum), "")
    if same:
        st.caption(f"The same content is saved already, as **{same}**.")
    undecided = ", ".join(problem.kind.replace("_", " ") for problem in preview.undecided)
    if undecided:
        st.caption(f":material/info: To save, choose a repair above: {as_text(undecided)}.")
    pressed = st.button(
        SAVE, type="primary", icon=":material/save:", key=f"custom-{importer.kind}-save", disabled=bool(undecided)
    )
    if pressed:
        _save(importer, name, preview, file)


def _save(importer: Importer[Any], name: str, preview: Preview[Any], file: UploadedFile) -> None:
    """Save with the repairs that are shown: pressing the button accepts them."""
    try:
        with checking.progress_bar("Saving"):
            entry = importer.save(name, preview.accept(), source=file.name)
    except WorkbenchError as error:
        st.error(error_line(error), icon=":material/error:")
        return
    cache.clear(samples.load_images)  # a removed dataset may have had this name
    saved.remember_added(importer.kind, entry, file.file_id)
    checking.forget(importer)
    st.rerun()


def _key(importer: Importer[Any], name: str, file: UploadedFile) -> str:
    return f"custom-{importer.kind}-{name}-{file.file_id}"
