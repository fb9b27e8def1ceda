"""Data of a project on pictures: where they come from, duplicates, what was left out, samples, augmentation."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from dlcore import projects
from dlcore.data.custom import images as custom_images
from dlcore.data.custom import registry as custom
from dlcore.data.images import images
from dlcore.data.images.augment import Augmentation, ImageTransform
from dlcore.data.images.folders import RejectedFile
from dlcore.data.sources import locate as sources
from dlcore.plots import classification as plots
from dlcore.projects.project import Project, RunConfig
from dlcore.projects.vision import images as pictures
from dlcore.runs import Run
from dlcore.ui.custom_data import form
from dlcore.ui.shell.error_boundary import with_error_boundary
from dlcore.ui.widgets import samples
from dlcore.ui.widgets.figure import show_figure

SHOWN, CHANGED = 4, 6
"""Samples of each class, at most so many classes' worth; and versions of one picture as training sees it."""
MOST_SHOWN, PAIRS, MOST_ALIKE = 30, 4, 6
CHANGES = {"shift": "moved", "flip": "mirrored", "jitter": "brighter or darker", "cutout": "a part hidden"}


def data(project: Project, run: Run | None) -> None:
    """The dataset of the run, of a run with default settings where there is none, or another one; and one's own."""
    config = _chosen(project, run.config if run is not None else projects.configure(project.slug))
    with_error_boundary(lambda: _dataset(config))
    if project.own_data == "images":
        form.show_form("images")
        form.show_saved("images")


def _chosen(project: Project, config: RunConfig) -> RunConfig:
    """The config whose pictures are looked at: that of the page's run unless another dataset is chosen."""
    gone = custom.is_custom(config.dataset) and not samples.is_available(config)
    names = [] if gone else [config.dataset]
    if project.own_data == "images":
        known = projects.list_datasets(project.slug)
        names += [name for name in known if name not in names and sources.is_available(name)]
    if gone:
        st.info(
            f"The pictures that this run learnt from, “{custom.plain_name(config.dataset)}”, are not on this "
            "machine any more; its scores stay.",
            icon=":material/folder_off:",
        )
    added = form.announce_added("images")
    if len(names) < 2:
        return config if config.dataset in names or not names else projects.configure(project.slug, dataset=names[0])
    name = st.selectbox(
        "Pictures of",
        names,
        index=names.index(added) if added in names else 0,
        format_func=lambda name: sources.get_dataset(name).title,
        key=f"pictures-of-{project.slug}-{'-'.join(names)}",
        help="It opens on those of the run chosen above; any other set on this machine may be looked at.",
    )
    return config if name == config.dataset and not gone else projects.configure(project.slug, dataset=name)


def _dataset(config: RunConfig) -> None:
    _said(config.dataset)
    found = samples.load_run_images(config)
    _parts(found)
    describe_duplicates(found)
    _left_out(_remarks(config.dataset, found))
    _samples(found)
    _changed(found, config)


def _said(name: str) -> None:
    if custom.is_custom(name):
        entry = custom.require(name, "images")
        st.markdown(f"**{entry.name}**, your own: {entry.rows:,} pictures from `{entry.source}`.")
        return
    source = sources.get_dataset(name)
    where = f"[Source]({source.homepage})" if source.homepage else "No home page is known"
    st.markdown(f"**{source.title}**: {source.rows:,} pictures. {where}; license: {source.license}.")


def _parts(found: images.Images) -> None:
    counts = np.stack([np.bincount(part, minlength=len(found.names)) for part in (found.labels, found.test_labels)])
    height, width = found.pixels.shape[1:3]
    kind = "red, green and blue, each" if found.channels == 3 else "grey,"
    st.caption(
        f"{len(found.labels):,} pictures to learn from and {len(found.test_labels):,} kept for the test, {height} x "
        f"{width} pixels, {kind} from 0 (dark) to 255 (bright). A share of the first is held back for validation."
    )
    figure = plots.class_counts(counts, ("to learn from", "test"), _spoken(found))
    total = counts.sum(axis=0)
    show_figure(figure, key="class-counts", alt=f"{total.min():,} to {total.max():,} pictures a class")


def _spoken(found: images.Images) -> tuple[str, ...]:
    """Names of folders as they are said."""
    return tuple(name.replace("_", " ") for name in found.names)


def describe_duplicates(found: images.Images) -> None:
    """Duplicates in a sentence, and where they went."""
    near = "" if found.near is None else f" and **{found.near:,}** nearly the same"
    same = "1 picture is" if found.exact == 1 else f"{found.exact:,} pictures are"
    words = f"**Duplicates:** {same} exactly the same as another one{near}. "
    if not found.exact and not found.near:
        how = "no two pictures are exactly the same" + ("" if found.near is None else ", or nearly so")
        words = f"**Duplicates:** {how}. "
    else:
        words += "Each group of them is kept in one part, so that no picture is both learnt and tested. "
    if found.near is None:
        words += "Pictures that are nearly the same are not looked for: as small as these, two of a kind often are. "
    crossing = int(found.also_in_test.sum())
    if crossing:
        words += f"{crossing:,} pictures to learn from are in the set's own test part too: runs leave them out. "
    if found.conflicts:
        words += f"{found.conflicts:,} groups carry different labels."
    st.markdown(words)
    numbers, counts = np.unique(found.groups, return_counts=True)
    groups = numbers[counts > 1][:PAIRS]
    if len(groups):
        with st.expander("Look at some of them", icon=":material/filter_none:"):
            for group in groups:
                rows = np.flatnonzero(found.groups == group)[:MOST_ALIKE]
                said = [f"{_spoken(found)[found.labels[row]]}, row {row:,}" for row in rows]
                samples.show_images([found.pixels[row] for row in rows], said, alt="Alike", width=104)


def _remarks(name: str, found: images.Images) -> Sequence[RejectedFile]:
    """What was said of single files; of one's own set when it was taken in, since good ones alone were kept."""
    return custom_images.list_rejected(custom.require(name, "images")) if custom.is_custom(name) else found.refused


def _left_out(remarks: Sequence[RejectedFile]) -> None:
    out = [one for one in remarks if not one.used]
    changed = [one for one in remarks if one.used]
    if not remarks:
        return
    files = "1 file" if len(out) == 1 else f"{len(out):,} files"
    with st.expander(f"{files} left out, {len(changed):,} converted", icon=":material/report:"):
        st.dataframe(
            {"File": [one.name for one in [*out, *changed]], "Why": [one.reason for one in [*out, *changed]]},
            hide_index=True,
            width="stretch",
        )


def _samples(found: images.Images) -> None:
    st.subheader("Samples", anchor=False)
    each = max(1, min(SHOWN, MOST_SHOWN // len(found.names)))
    rows = np.concatenate([np.flatnonzero(found.labels == k)[:each] for k in range(min(len(found.names), MOST_SHOWN))])
    names = [_spoken(found)[k] for k in found.labels[rows]]
    samples.show_images([found.pixels[row] for row in rows], names, alt="A training picture", width=104)


def _changed(found: images.Images, config: RunConfig) -> None:
    """One picture as several epochs of this run would see it."""
    options = projects.data_config(config).model_dump()
    if not {"flip", "shift", "cutout", "jitter"} <= set(options):
        return
    st.subheader("As training sees one of them", anchor=False)
    how = pictures.augmentation(pictures.ImageData(**options), config.dataset)
    on = [word for name, word in CHANGES.items() if getattr(how, name)]
    row = int(np.flatnonzero(found.labels == 0)[0])
    versions = _versions(config.dataset, row, int(options["side"]), how)
    st.caption(
        f"Each epoch sees it otherwise ({', '.join(on)}): the network learns the thing, not the picture. Validation "
        "and test see pictures as they are."
        if on
        else "This run changes nothing: every epoch sees the same pixels."
    )
    samples.show_images(versions, [f"epoch {i + 1}" for i in range(len(versions))], alt="The same picture", width=104)


@st.cache_data(max_entries=16, show_spinner=False)
def _versions(dataset: str, row: int, side: int, how: Augmentation) -> list[np.ndarray]:
    import torch

    found = samples.load_images(dataset)
    picture = images.resize(np.asarray(found.pixels[row : row + 1]), side)
    batch = torch.from_numpy(picture.copy()).repeat(CHANGED, *[1] * (picture.ndim - 1))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        channels = found.channels
        (seen,) = ImageTransform([0.0] * channels, [1.0] * channels, how)((batch,), True)
    shown = (seen.permute(0, 2, 3, 1) * 255).clamp(0, 255).byte().numpy()
    return [one[..., 0] if channels == 1 else one for one in shown]
