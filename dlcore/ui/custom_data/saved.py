"""Saved custom datasets: confirmed, listed with classes and receipt, selected, removed."""

from collections.abc import Sequence

import streamlit as st

from dlcore.core import access
from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import as_text, error_line
from dlcore.data.custom import registry
from dlcore.data.custom.importers import IMPORTERS
from dlcore.data.custom.registry import CustomDataset, Kind
from dlcore.data.sources.registry import DATASETS
from dlcore.ui.custom_data.preview import show_classes
from dlcore.ui.shell.links import OPEN

TITLE_LETTERS = 120
"""Letters of a receipt in the title of its expander."""


def show_saved(*kinds: Kind) -> None:
    """List the saved datasets of these kinds with classes, receipt and a remove button."""
    entries = registry.list_datasets(*kinds)
    if not entries:
        return
    with st.expander(f"Your datasets: {len(entries)}", icon=":material/folder:"):
        for entry in entries:
            with st.container(border=True):
                st.caption(f"{_describe(entry)} Source: {as_text(entry.source) or 'unknown'}.")
                show_classes(entry.describe()["classes"])
                show_receipt(entry.receipt)
                if entry.is_own:
                    show_remove(entry)
                    _show_share(entry)


def show_receipt(receipt: Sequence[str]) -> None:
    """Draw what an import changed: a summary as the title of an expander, all lines in it."""
    if not receipt:
        return
    title = "; ".join(receipt)
    title = title if len(title) <= TITLE_LETTERS else f"{title[:TITLE_LETTERS].rsplit(' ', 1)[0]} …"
    with st.expander(f"Receipt: {as_text(title)}", icon=":material/receipt_long:"):
        for number, line in enumerate(receipt, start=1):
            st.text(f"{number}. {line}")


def show_remove(entry: CustomDataset) -> None:
    """Draw a button that deletes a custom dataset after confirmation."""
    with st.popover("Remove this dataset", icon=":material/delete:"):
        st.markdown("Its copy on this machine is deleted. Runs trained on it keep their scores.")
        if st.button("Remove", type="primary", key=f"remove-{entry.name}"):
            try:
                registry.remove(entry.name)
            except WorkbenchError as error:
                st.error(error_line(error), icon=":material/error:")
                return
            st.toast(f"Removed '{entry.name}'.", icon=":material/delete:")
            st.rerun()


def _show_share(entry: CustomDataset) -> None:
    """Draw the switch that lets the other people of a shared server use a dataset."""
    if access.is_shared():
        key = f"share-{entry.name}"
        st.toggle(
            "Shared",
            value=entry.is_shared,
            key=key,
            help="Everybody on this server can use it; only you can remove it.",
            on_change=_share,
            args=(entry.name, key),
        )


def _share(name: str, key: str) -> None:
    try:
        registry.share(name, is_shared=st.session_state[key])
    except WorkbenchError as error:
        st.toast(error_line(error), icon=":material/error:")


def remember_added(kind: Kind, entry: CustomDataset, file_id: str) -> None:
    """Remember for the next rerun that a file was saved."""
    st.session_state[_added_key(kind)] = entry.dataset
    st.session_state[f"custom-{kind}-saved"] = (file_id, entry.name)


def pop_added(*kinds: Kind) -> str:
    """Return the id of the dataset that was saved just before this rerun, once; else an empty string."""
    return next((str(name) for kind in kinds if (name := st.session_state.pop(_added_key(kind), ""))), "")


def announce_added(*kinds: Kind) -> None:
    """Confirm the dataset that was saved just before this rerun, unless the page did."""
    dataset = pop_added(*kinds)
    entry = registry.find(dataset) if dataset else None
    if entry is not None:
        st.success(f"Saved {_describe(entry)} Choose it as the dataset under Train.", icon=":material/check_circle:")


def show_saved_file(kind: Kind, file_id: str) -> bool:
    """Say that the uploaded file is saved, and return whether it is."""
    saved_id, name = st.session_state.get(f"custom-{kind}-saved", ("", ""))
    if saved_id != file_id or registry.find(name) is None:
        return False
    st.caption(f"This file is saved as **{name}**. Choose another file to add more.")
    return True


def offer_training(slug: str, kind: Kind, payload: bytes, *, name: str) -> None:
    """Draw a button that saves a file, with the default repairs, as a dataset and selects it under Train."""
    if not st.button("Train on this file", icon=":material/model_training:", key=f"train-on-file-{slug}"):
        return
    try:
        preview = IMPORTERS[kind].preview(payload, repair="default")
        same = next((each for each in registry.list_datasets(kind) if each.checksum == preview.checksum), None)
        title = registry.free_name(name.rpartition(".")[0] or name, reserved=DATASETS)
        entry = same or IMPORTERS[kind].save(title, preview.accept(), source=name)
    except WorkbenchError as error:
        st.error(error_line(error), icon=":material/error:")
        return
    open_training(slug, entry.dataset)
    st.rerun()


def open_training(slug: str, dataset: str) -> None:
    """Open the panel Train with the dataset selected."""
    st.session_state[f"dataset-{slug}"] = dataset
    st.query_params[OPEN] = "train"


def _describe(entry: CustomDataset) -> str:
    classes = f" of {len(entry.facts['classes'])} classes" if "classes" in entry.facts else ""
    rejected = int(entry.facts.get("refused_count", 0))
    left_out = f", {rejected:,} file{'' if rejected == 1 else 's'} left out" if rejected else ""
    return f"**{entry.name}**: {entry.rows:,} {IMPORTERS[entry.kind].unit}{classes}{left_out}."


def _added_key(kind: Kind) -> str:
    return f"custom-{kind}-added"
