"""Texts: lengths and samples, a field to type in, and the words behind a prediction."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from dlcore.core.config import describe
from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import as_text
from dlcore.data.sources import locate as sources
from dlcore.data.text.corpora import TextDataset, read_text
from dlcore.evaluation.metrics import format_percent
from dlcore.plots import classification as plots
from dlcore.projects.language import texts
from dlcore.projects.project import LoadedModel, Project
from dlcore.projects.run_config import RunConfig
from dlcore.runs import Bundle, Run
from dlcore.ui.components.typed.component import TypedText, shorten, show_typed
from dlcore.ui.custom_data.picker import choose_dataset
from dlcore.ui.modalities import explain_text
from dlcore.ui.modalities.predict import (
    last_typed,
    number_of_sample,
    predict_payload,
    remember_typed,
    show_prediction,
    text_label,
)
from dlcore.ui.modalities.quality import show_quality
from dlcore.ui.modalities.text_attention import show_heads
from dlcore.ui.modalities.tokens import show_tokens
from dlcore.ui.shell.address import write_param
from dlcore.ui.shell.error_boundary import fragment, with_error_boundary
from dlcore.ui.shell.first_paint import main_picture
from dlcore.ui.widgets import batch, run_cache, samples
from dlcore.ui.widgets.bars import show_probabilities
from dlcore.ui.widgets.figure import show_figure

MASKED = "masked"
"""Query parameter with the positions of the masked tokens."""
STARTS_WITH_INPUT = True
SAMPLES_PER_CLASS = 2
"""Samples of each class."""
MOST_CLASSES = 6
"""With more classes, the user chooses the class of the samples."""
SAMPLE_LENGTHS = (30, 60)
"""Words of the texts shown as samples."""
MAX_LISTED, MAX_CHARACTERS = 5, 1500
"""Test texts in a list, and characters shown of each."""


def overview(project: Project, run: Run | None) -> None:
    """Show a form for custom texts, and source, classes, lengths, samples and tokens of the selected texts."""
    config = choose_dataset(project, run, "text")
    source = sources.get_dataset(config.dataset)
    link = f"[Source]({source.homepage}), license" if source.homepage else "License"
    st.markdown(f"**{source.title}**: {source.rows:,} samples. {link}: {source.license}.")
    with_error_boundary(lambda: _show_texts(config))  # offers the download of a missing dataset
    with_error_boundary(lambda: show_quality(project, run, config))


def pick_sample(project: Project, dataset: str, ids: np.ndarray, *, key: str) -> int:
    """Return the number of the chosen test text, initially a short one."""
    return number_of_sample(project, len(ids), key=key, first=lambda: samples.shortest_text(dataset, ids))


def show(config: RunConfig, ids: Sequence[int], captions: Sequence[str], *, large: bool = False) -> None:
    """Show test texts in expanders; with `large`, in full and without captions."""
    available = samples.is_available(config)
    if large:
        for row in ids:
            st.text((samples.get_text(config.dataset, row) if available else "") or samples.GONE)
        return
    if not available:
        st.caption(f"{as_text('; '.join(captions[:MAX_LISTED]))}. The texts are not on this machine: see Data.")
        return
    for row, caption in zip(ids[:MAX_LISTED], captions, strict=False):
        with st.expander(as_text(caption)):
            st.text(cut_text(samples.get_text(config.dataset, row), MAX_CHARACTERS))


def browse(project: Project, run: Run, bundle: Bundle) -> None:
    """Show nothing: Results lists texts with the errors."""


def input_widget(project: Project, bundle: Bundle) -> None:
    """Draw a text field with live prediction, and the upload of a table of texts."""
    run_cache.load_model(bundle)  # outside the fragment, so that the page can offer a missing network
    _typed_text(project, bundle)
    batch.show_text_batch(project, bundle)


def explain(project: Project, run: Run, bundle: Bundle) -> None:
    """Show the evidence of each word for and against a class."""
    explain_text.explain_text(project, run, bundle)


def describe_majority(dataset: TextDataset) -> str:
    """Describe the most frequent class and, with the source's test split, the accuracy of always predicting it."""
    is_test = np.zeros(len(dataset.labels), bool) if dataset.test is None else dataset.test
    top = int(np.bincount(dataset.labels[~is_test]).argmax())
    name, share = dataset.names[top], format_percent(float((dataset.labels == top).mean()))
    if not is_test.any():
        return f"Most frequent class: “{name}”, {share} of all texts."
    accuracy = format_percent(float((dataset.labels[is_test] == top).mean()))
    return f"Most frequent class: “{name}”, {share} of all texts. Always predicting it: {accuracy} on the test split."


def _show_texts(config: RunConfig) -> None:
    dataset = samples.load_texts(config.dataset)
    counts = np.bincount(dataset.labels, minlength=len(dataset.names))
    lengths = samples.word_counts(config.dataset)
    field = next((field for field in describe(type(config.data_options)) if field.name == "length"), None)
    limit, unit = (config.flat["length"], field.unit) if field else (None, "")
    test_note = "" if dataset.test is None else f" {dataset.test.sum():,} of them are the source's test split."
    st.caption(
        f"{len(dataset.texts):,} texts; {dataset.doubled:,} duplicates were "
        f"removed, so none is in both training and test.{test_note} A run may use fewer."
    )
    left, right = st.columns(2)
    with left:
        figure = plots.class_counts(counts[None], ("texts",), dataset.names)
        show_figure(
            figure, key="class-counts", alt=f"Texts by class: {dict(zip(dataset.names, counts.tolist(), strict=True))}"
        )
        st.caption(describe_majority(dataset))
    with right:
        figure = plots.length_histogram(np.minimum(lengths, 1000), unit="words", limit=limit)
        show_figure(figure, key="lengths", alt=f"Lengths; median {np.median(lengths):.0f} words")
        share = float(np.mean(lengths > limit)) if limit else 0.0
        share_note = f"{format_percent(share)} have" if share else "None has"
        limit_note = f" {share_note} more than the {limit} words that the model reads." if limit else ""
        if unit == "tokens":  # lengths are in words, and a word has one or more pieces
            limit_note = f" {share_note} more than {limit} words, and this model reads {limit} word pieces."
        st.caption(f"Median: {np.median(lengths):.0f} words.{limit_note} Longer texts are shown as 1,000 words.")
    st.subheader("Samples", anchor=False)
    classes = range(len(dataset.names))
    if len(dataset.names) > MOST_CLASSES:
        choice = st.selectbox(
            "Class", classes, format_func=lambda k: dataset.names[k], key=f"class-{config.dataset}", bind="query-params"
        )
        classes = range(choice, choice + 1)
    is_short = (lengths >= min(SAMPLE_LENGTHS[0], int(np.median(lengths)))) & (
        lengths <= SAMPLE_LENGTHS[1]
    )  # fits on a card
    for k in classes:
        for row in np.flatnonzero((dataset.labels == k) & is_short)[:SAMPLES_PER_CLASS]:
            with st.container(border=True):
                st.caption(as_text(dataset.names[k]))
                st.text(cut_text(dataset.texts[row]))
    show_tokens(config.dataset)


@fragment
def _typed_text(project: Project, bundle: Bundle) -> None:
    """Draw the text field, its live prediction and the effect of hidden words."""
    loaded = run_cache.load_model(bundle)

    pieces = loaded.preprocessing.get("kind") == texts.PIECES

    def words_of(text: str) -> tuple[list[str], list[bool]]:
        try:
            encoded = texts.encode_text(loaded, read_text(text.encode("utf-8", "replace")))
        except WorkbenchError:
            return [], []
        return encoded.words, encoded.unknown.tolist()

    with main_picture():
        left, right = st.columns(2)
        with left:
            typed = show_typed(
                words_of,
                start=last_typed(project),
                label=text_label(bundle.config.dataset),
                key=f"typed-{project.slug}",
                marks=1 if pieces else 0,
                hidden=[int(index) for index in st.query_params.get(MASKED, "").split(",") if index.isdecimal()],
            )
            write_param(MASKED, ",".join(map(str, typed.hidden)))
        remember_typed(project, typed.text)
        with right:
            if not typed.text.strip():
                st.caption("Type a text to see a prediction.")
                return
            prediction = predict_payload(project, bundle, typed.text.encode("utf-8", "replace"))
            if prediction is None:
                return
            show_prediction(prediction, bundle)
            if typed.hidden:
                _show_without_hidden(loaded, typed, prediction)
    unit = "word piece" if pieces else "word"
    notes = [f"{prediction['tokens']:,} {unit}{'s' * (prediction['tokens'] != 1)} read"]
    notes += [f"{prediction['unknown']:,} unknown"] if prediction.get("unknown") else []
    notes += [f"{prediction['left_out']:,} cut off (maximum length)"] if prediction.get("left_out") else []
    marks = " [CLS] and [SEP] are special tokens and cannot be hidden." if pieces else ""
    st.caption(f"{', '.join(notes)}.{marks} Nothing is stored.")
    if hasattr(loaded.module, "weights"):
        show_heads(
            loaded, texts.encode_text(loaded, read_text(typed.text.encode("utf-8", "replace"))), hidden=typed.hidden
        )


def _show_without_hidden(loaded: LoadedModel, typed: TypedText, prediction: dict[str, Any]) -> None:
    """Show the prediction without the hidden words."""
    encoded = texts.encode_text(loaded, read_text(typed.text.encode("utf-8", "replace")))
    prediction_without = texts.classify(loaded, encoded, hidden=typed.hidden)
    words = ", ".join(
        f"“{as_text(shorten(encoded.words[index]))}”" for index in typed.hidden[:6] if index < len(encoded.words)
    )
    label, label_without, probability = (
        prediction["label"],
        prediction_without["label"],
        prediction_without["probabilities"][prediction["label"]],
    )
    change = 100 * (probability - prediction["probability"])
    label_note = (
        f" The prediction becomes **{label_without}**." if label_without != label else " The prediction stays the same."
    )
    probabilities = prediction_without["probabilities"]
    show_probabilities(np.array([probabilities[name] for name in probabilities]), list(probabilities))
    st.markdown(
        f"Without {words}{' …' if len(typed.hidden) > 6 else ''}, “{as_text(label)}” has a "
        f"probability of {format_percent(probability)} "
        f"({change:+.1f} points).{label_note}"
    )


def cut_text(text: str, limit: int = 420) -> str:
    """Return the start of a text, cut at a word boundary."""
    return text if len(text) <= limit else text[:limit].rsplit(" ", 1)[0] + " …"
