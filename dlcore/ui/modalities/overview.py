"""Data of a classifier: where it comes from, how many of each class, samples, and how long they are."""

import numpy as np
import streamlit as st

from dlcore import projects
from dlcore.core.config import describe
from dlcore.data.sources import locate as sources
from dlcore.plots import classification as plots
from dlcore.projects.project import Project, RunConfig
from dlcore.runs import Run
from dlcore.ui.custom_data import form
from dlcore.ui.modalities import images as images_data
from dlcore.ui.modalities.tokens import show_tokens
from dlcore.ui.shell.error_boundary import with_error_boundary
from dlcore.ui.widgets import samples
from dlcore.ui.widgets.figure import show_figure

SHOWN_PICTURES, SHOWN_TEXTS = 3, 2
"""Samples of each class."""
MOST_CLASSES = 6
"""Of more classes one is chosen to show samples of."""
SHORT = (30, 60)
"""Words of the texts shown as samples."""


def data(project: Project, run: Run | None) -> None:
    """The dataset of the run, or of a run with default settings where there is none."""
    config = run.config if run is not None else projects.configure(project.slug)
    source = sources.get_dataset(config.dataset)
    link = f"[Source]({source.homepage}), license" if source.homepage else "License"
    st.markdown(f"**{source.title}**: {source.rows:,} samples. {link}: {source.license}.")
    if project.input_kind == "image":
        _pictures(config)
    else:
        with_error_boundary(
            lambda: _texts(config)
        )  # a missing dataset is offered there; one's own can be taken in all the same
        form.show_form("text")
        form.show_saved("text")


def _pictures(config: RunConfig) -> None:
    found = samples.load_images(config.dataset)
    counts = np.stack([np.bincount(part, minlength=len(found.names)) for part in (found.labels, found.test_labels)])
    height, width = found.pixels.shape[1:]
    st.caption(
        f"{len(found.labels):,} pictures to learn from and {len(found.test_labels):,} kept for the test, grey, "
        f"{height} x {width} pixels from 0 (black) to 255 (white). A share of the first is held back for validation."
    )
    figure = plots.class_counts(counts, ("to learn from", "test"), found.names)
    show_figure(
        figure, key="class-counts", alt=f"{counts.sum(axis=0).min():,} to {counts.sum(axis=0).max():,} pictures a class"
    )
    images_data.describe_duplicates(found)
    st.subheader("Samples", anchor=False)
    rows = np.concatenate([np.flatnonzero(found.labels == k)[:SHOWN_PICTURES] for k in range(len(found.names))])
    names = [found.names[k] for k in found.labels[rows]]
    samples.show_images(list(found.pixels[rows]), names, alt="A training picture")


def _texts(config: RunConfig) -> None:
    found = samples.load_texts(config.dataset)
    counts = np.bincount(found.labels, minlength=len(found.names))
    lengths = samples.word_counts(config.dataset)
    field = next((field for field in describe(type(projects.data_config(config))) if field.name == "length"), None)
    limit, unit = (config.data_options["length"], field.unit) if field else (None, "")
    tested = "" if found.test is None else f" {found.test.sum():,} of them are the source's own test part."
    st.caption(
        f"{len(found.texts):,} texts; {found.doubled:,} that came twice were left out, so that none can sit "
        f"in training and in test at once.{tested} A run may use fewer: see its settings."
    )
    left, right = st.columns(2)
    with left:
        figure = plots.class_counts(counts[None], ("texts",), found.names)
        show_figure(
            figure, key="class-counts", alt=f"Texts by class: {dict(zip(found.names, counts.tolist(), strict=True))}"
        )
        st.caption(f"Always guessing the commonest class gets {counts.max() / counts.sum():.1%} right.")
    with right:
        figure = plots.length_histogram(np.minimum(lengths, 1000), unit="words", limit=limit)
        show_figure(figure, key="lengths", alt=f"Lengths, the median is {np.median(lengths):.0f} words")
        share = float(np.mean(lengths > limit)) if limit else 0.0
        longer = f"{share:.1%} have" if share else "None has"
        cut = f" {longer} more than the {limit} words that this model reads." if limit else ""
        if unit == "pieces":  # counted in words all the same: a word is one piece or several
            cut = f" {longer} more than {limit} words, and this model reads {limit} pieces of words."
        st.caption(f"Half have up to {np.median(lengths):.0f} words.{cut} Above 1,000 words are counted at 1,000.")
    st.subheader("Samples", anchor=False)
    kinds = range(len(found.names))
    if len(found.names) > MOST_CLASSES:
        chosen = st.selectbox("Class", kinds, format_func=lambda k: found.names[k], key=f"class-{config.dataset}")
        kinds = range(chosen, chosen + 1)
    short = (lengths >= min(SHORT[0], int(np.median(lengths)))) & (lengths <= SHORT[1])  # fits a card whole
    for k in kinds:
        for row in np.flatnonzero((found.labels == k) & short)[:SHOWN_TEXTS]:
            with st.container(border=True):
                st.caption(found.names[k])
                st.text(shorten(found.texts[row]))
    show_tokens(config.dataset)


def shorten(words: str, limit: int = 420) -> str:
    """The start of a text, cut at a word."""
    return words if len(words) <= limit else words[:limit].rsplit(" ", 1)[0] + " …"
