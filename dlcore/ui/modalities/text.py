"""Texts: lengths and samples, a field to type in, and the words behind a prediction."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from dlcore import projects
from dlcore.core.config import describe
from dlcore.core.errors import WorkbenchError
from dlcore.data.sources import locate as sources
from dlcore.data.text.corpora import read_text
from dlcore.plots import classification as plots
from dlcore.projects.language import texts
from dlcore.projects.project import LoadedModel, Project
from dlcore.projects.run_config import RunConfig
from dlcore.runs import Bundle, Run
from dlcore.ui.components.typed.component import TypedText, shorten, show_typed
from dlcore.ui.custom_data import form
from dlcore.ui.modalities import explain_text
from dlcore.ui.modalities.predict import last_typed, number_of_sample, predict_payload, remember_typed, show_prediction
from dlcore.ui.modalities.text_attention import show_heads
from dlcore.ui.modalities.tokens import show_tokens
from dlcore.ui.shell.error_boundary import fragment, with_error_boundary
from dlcore.ui.widgets import run_cache, samples
from dlcore.ui.widgets.figure import show_figure

STARTS_WITH_INPUT = True
SHOWN = 2
"""Samples of each class."""
MOST_CLASSES = 6
"""With more classes, samples of a chosen one are shown."""
SHORT = (30, 60)
"""Words of the texts shown as samples."""
LISTED, CHARACTERS = 5, 1500
"""Test texts in a list, and characters shown of each."""


def overview(project: Project, run: Run | None) -> None:
    """Source, classes, lengths, samples and tokens of the texts, and a form for custom texts."""
    config = run.config if run is not None else projects.configure(project.slug)
    source = sources.get_dataset(config.dataset)
    link = f"[Source]({source.homepage}), license" if source.homepage else "License"
    st.markdown(f"**{source.title}**: {source.rows:,} samples. {link}: {source.license}.")
    with_error_boundary(lambda: _texts(config))  # offers the download of a missing dataset; the form works without
    form.show_form("text")
    form.show_saved("text")


def pick_sample(project: Project, dataset: str, ids: np.ndarray, *, key: str) -> int:
    """A test text, at first a short one that is read at a glance."""
    return number_of_sample(project, len(ids), key=key, first=lambda: samples.shortest_text(dataset, ids))


def show(config: RunConfig, ids: Sequence[int], captions: Sequence[str], *, large: bool = False) -> None:
    """Test texts, each behind its caption; with `large` in full and without captions."""
    available = samples.is_available(config)
    if large:
        for row in ids:
            st.text((samples.get_text(config.dataset, row) if available else "") or samples.GONE)
        return
    if not available:
        st.caption(f"{'; '.join(captions[:LISTED])}. The texts are not on this machine: see Data.")
        return
    for row, caption in zip(ids[:LISTED], captions, strict=False):
        with st.expander(caption):
            st.text(cut_text(samples.get_text(config.dataset, row), CHARACTERS))


def browse(project: Project, run: Run, bundle: Bundle) -> None:
    """Nothing: Results lists texts with the errors."""


def input_widget(project: Project, bundle: Bundle) -> None:
    """A text field whose prediction follows as the user types."""
    run_cache.load_model(bundle)  # a missing pretrained network is offered by the page, not inside the fragment
    _typed_text(project, bundle)


def explain(project: Project, run: Run, bundle: Bundle) -> None:
    """Evidence of each word for and against a class."""
    explain_text.explain_text(project, run, bundle)


def _texts(config: RunConfig) -> None:
    found = samples.load_texts(config.dataset)
    counts = np.bincount(found.labels, minlength=len(found.names))
    lengths = samples.word_counts(config.dataset)
    field = next((field for field in describe(type(config.data_options)) if field.name == "length"), None)
    limit, unit = (config.flat["length"], field.unit) if field else (None, "")
    tested = "" if found.test is None else f" {found.test.sum():,} of them are the source's test split."
    st.caption(
        f"{len(found.texts):,} texts; {found.doubled:,} duplicates were removed, so none is in both training and test."
        f"{tested} A run may use fewer."
    )
    left, right = st.columns(2)
    with left:
        figure = plots.class_counts(counts[None], ("texts",), found.names)
        show_figure(
            figure, key="class-counts", alt=f"Texts by class: {dict(zip(found.names, counts.tolist(), strict=True))}"
        )
        st.caption(f"Majority class baseline: {counts.max() / counts.sum():.1%} accuracy.")
    with right:
        figure = plots.length_histogram(np.minimum(lengths, 1000), unit="words", limit=limit)
        show_figure(figure, key="lengths", alt=f"Lengths; median {np.median(lengths):.0f} words")
        share = float(np.mean(lengths > limit)) if limit else 0.0
        longer = f"{share:.1%} have" if share else "None has"
        cut = f" {longer} more than the {limit} words that the model reads." if limit else ""
        if unit == "tokens":  # counted in words all the same: a word is one piece or several
            cut = f" {longer} more than {limit} words, and this model reads {limit} pieces of words."
        st.caption(f"Median: {np.median(lengths):.0f} words.{cut} Longer texts are shown as 1,000 words.")
    st.subheader("Samples", anchor=False)
    kinds = range(len(found.names))
    if len(found.names) > MOST_CLASSES:
        choice = st.selectbox("Class", kinds, format_func=lambda k: found.names[k], key=f"class-{config.dataset}")
        kinds = range(choice, choice + 1)
    short = (lengths >= min(SHORT[0], int(np.median(lengths)))) & (lengths <= SHORT[1])  # fits a card whole
    for k in kinds:
        for row in np.flatnonzero((found.labels == k) & short)[:SHOWN]:
            with st.container(border=True):
                st.caption(found.names[k])
                st.text(cut_text(found.texts[row]))
    show_tokens(config.dataset)


@fragment
def _typed_text(project: Project, bundle: Bundle) -> None:
    """A typed text, predicted as the user pauses, and the effect of hiding words."""
    loaded = run_cache.load_model(bundle)

    pieces = loaded.preprocessing.get("kind") == texts.PIECES

    def words_of(text: str) -> tuple[list[str], list[bool]]:
        try:
            seen = texts.encode_text(loaded, read_text(text.encode("utf-8", "replace")))
        except WorkbenchError:
            return [], []
        return seen.words, seen.unknown.tolist()

    typed = show_typed(
        words_of,
        start=last_typed(project),
        label="Your text, in English",
        key=f"typed-{project.slug}",
        marks=1 if pieces else 0,
    )
    remember_typed(project, typed.text)
    prediction = predict_payload(project, bundle, typed.text.encode("utf-8", "replace"))
    if prediction is None:
        return
    show_prediction(prediction, bundle)
    if typed.hidden:
        _say_hidden(loaded, typed, prediction)
    several = "s" * (prediction["tokens"] != 1)
    notes = [f"{prediction['tokens']:,} {f'piece{several} of words' if pieces else f'word{several}'} read"]
    notes += [f"{prediction['unknown']:,} unknown"] if prediction.get("unknown") else []
    notes += [f"{prediction['left_out']:,} cut off (maximum length)"] if prediction.get("left_out") else []
    marks = " [CLS] and [SEP] are special tokens and cannot be hidden." if pieces else ""
    st.caption(f"{', '.join(notes)}.{marks} Nothing is stored.")
    if hasattr(loaded.module, "weights"):
        show_heads(
            loaded, texts.encode_text(loaded, read_text(typed.text.encode("utf-8", "replace"))), hidden=typed.hidden
        )


def _say_hidden(loaded: LoadedModel, typed: TypedText, found: dict[str, Any]) -> None:
    """The prediction without the hidden words."""
    text = texts.encode_text(loaded, read_text(typed.text.encode("utf-8", "replace")))
    without = texts.classify(loaded, text, hidden=typed.hidden)
    words = ", ".join(f"“{shorten(text.words[place])}”" for place in typed.hidden[:6] if place < len(text.words))
    label, now, probability = found["label"], without["label"], without["probabilities"][found["label"]]
    change = 100 * (probability - found["probability"])
    turned = f" It now says **{now}**." if now != label else " Its answer stays."
    st.markdown(
        f"Without {words}{' …' if len(typed.hidden) > 6 else ''}, “{label}” has a probability of {probability:.1%} "
        f"({change:+.1f} points).{turned}"
    )


def cut_text(words: str, limit: int = 420) -> str:
    """The start of a text, cut at a word boundary."""
    return words if len(words) <= limit else words[:limit].rsplit(" ", 1)[0] + " …"
