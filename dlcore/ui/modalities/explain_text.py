"""Explain a text's class: contributions of its words, and sanity checks."""

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import as_text, error_line
from dlcore.data.text.corpora import read_text
from dlcore.evaluation.metrics import format_percent
from dlcore.plots import attention as attention_plots
from dlcore.plots import attribution as plots
from dlcore.projects.language import explain as explanations
from dlcore.projects.language import inside, texts
from dlcore.projects.language.explain import MIN_WORDS, CheckedText, TextExplanation
from dlcore.projects.project import Project
from dlcore.runs import Bundle, Run
from dlcore.ui.components.typed.component import shorten
from dlcore.ui.modalities.predict import CUSTOM, SAMPLE, last_typed, pick_sample, remember_typed, text_label
from dlcore.ui.shell.cache import cache_data
from dlcore.ui.shell.error_boundary import fragment
from dlcore.ui.widgets import run_cache, samples
from dlcore.ui.widgets.choice import choose
from dlcore.ui.widgets.figure import show_figure
from dlcore.ui.widgets.findings import show_checks

BY_WORD_HELP = "The model reads the text as if it ended after each word."
HEADS_HELP = "Removes the output of one attention head at a time and shows how the probability changes."
_SOURCES: dict[explanations.Method, str] = {
    "integrated_gradients": "Integrated gradients (Sundararajan et al. 2017) at the word vectors.",
    "feature_ablation": "The effect of hiding each word.",
    "weights": "The weights of the n-grams, in equal parts for their words: exact, since the model is linear.",
}


def explain_text(project: Project, run: Run, bundle: Bundle) -> None:
    """Show the evidence for and against a class in a test sample or a typed text."""
    source = choose(
        "What to explain",
        [SAMPLE, CUSTOM],
        key="explain",
        default=SAMPLE if samples.is_available(run.config) else CUSTOM,
        show_label=True,
    )
    choice = _typed_text(project, bundle) if source == CUSTOM else _sample_text(project, run, bundle)
    if choice is not None:
        _show_explanation(*choice, bundle)


def _sample_text(project: Project, run: Run, bundle: Bundle) -> tuple[str, int] | None:
    """Return text and class number of a test sample; None if its text is not available."""
    row, target = choose_sample(project, run, bundle)
    origin = int(run_cache.predictions(bundle)["test_ids"][row])
    text = samples.get_text(run.config.dataset, origin) if samples.is_available(run.config) else ""
    if not text:
        st.info(samples.GONE, icon=":material/search_off:")
        return None
    return text, target


def _typed_text(project: Project, bundle: Bundle) -> tuple[str, int] | None:
    """Return the last text typed under Predict, and the class number to explain."""
    key, loaded = f"explained-text-{project.slug}", run_cache.load_model(bundle)
    if key not in st.session_state:
        st.session_state[key] = last_typed(project)
    typed = st.text_area(text_label(bundle.config.dataset), key=key, height=120)
    remember_typed(project, typed)
    payload = typed.encode("utf-8", "replace")
    try:
        text, prediction = read_text(payload), project.answer(loaded, payload)
    except WorkbenchError as error:
        st.error(error_line(error), icon=":material/error:")
        return None
    labels = bundle.labels
    target = choose_class(labels, prediction, of=f"{run_cache.bundle_key(bundle)}-{text}")
    st.markdown(
        f"Predicted: **{as_text(prediction['label'])}** ({format_percent(prediction['probability'])})."
        f"{run_cache.threshold_note(labels, prediction)}"
    )
    return text, target


def _show_explanation(text: str, target: int, bundle: Bundle) -> None:
    """Draw the words' contributions as bars and in the text, then the sanity checks."""
    key = run_cache.bundle_key(bundle)
    explanation = _explain_text(key, text, target, _bundle=bundle)
    label, words = bundle.labels[target], [shorten(word) for word in explanation.encoded.words]
    figure = plots.token_contributions(words, explanation.values, label=label)
    show_figure(figure, key="explained", alt=f"Words with the largest contributions to {label}, as bars")
    st.caption("The number after a word is its position in the text that the model read.")
    st.html(highlight(words, explanation.values))
    baseline = "masked words" if explanation.is_masked else "unknown words, so an unknown word contributes nothing"
    st.caption(
        f"Orange-red, underlined: evidence for class “{as_text(label)}”. Blue, dotted: evidence against it. "
        f"{_SOURCES[explanation.method]} Baseline: a text of {baseline}."
    )
    _show_words_and_heads(key, text, target, bundle)
    _show_checks(key, text, target, explanation, bundle)


@fragment
def _show_words_and_heads(key: str, text: str, target: int, bundle: Bundle) -> None:
    """Draw the probability after each word, and the effect of each attention head, on request."""
    row, label = st.container(horizontal=True), bundle.labels[target]
    loaded = run_cache.load_model(bundle)
    if row.toggle("Probability after each word", key="explained-by-word", help=BY_WORD_HELP):
        words, probabilities = _by_word(key, text, target, _bundle=bundle)
        figure = plots.probability_by_word(words, probabilities, label=label)
        show_figure(figure, key="by-word", alt=describe_by_word(words, probabilities, label))
    has_heads = next(inside.attention_outputs(loaded.module), None) is not None
    if has_heads and row.toggle("Switch heads off", key="explained-heads", help=HEADS_HELP):
        layers, effects = _head_effects(key, text, target, _bundle=bundle)
        figure = attention_plots.head_effects(effects, layers, label=label)
        show_figure(figure, key="head-effects", alt=describe_heads(layers, effects, label))
        st.caption(describe_heads(layers, effects, label))


def describe_by_word(words: Sequence[str], probabilities: np.ndarray, label: str) -> str:
    """Name the word after which the probability of a class changes most."""
    if len(words) < 2:
        return f"Probability of {label}: {format_percent(float(probabilities[-1]))}"
    steps = np.diff(probabilities)
    word = int(np.abs(steps).argmax()) + 1
    return (
        f"Probability of {label} after each word; largest change at {words[word]} ({word + 1}), from "
        f"{format_percent(float(probabilities[word - 1]))} to {format_percent(float(probabilities[word]))}"
    )


def describe_heads(layers: Sequence[str], effects: np.ndarray, label: str) -> str:
    """Name the head without which the probability of a class changes most."""
    layer, head = divmod(int(np.nanargmax(np.abs(effects))), effects.shape[1])
    return (
        f"Largest effect: without head {head + 1} of {layers[layer]}, the probability of “{as_text(label)}” changes by "
        f"{100 * effects[layer, head]:+.1f} points."
    )


@cache_data(max_entries=64, show_spinner="Predicting after each word")
def _by_word(key: str, text: str, target: int, _bundle: Any) -> tuple[list[str], np.ndarray]:
    loaded = run_cache.load_model(_bundle)
    encoded = texts.encode_text(loaded, text)
    words = encoded.words[encoded.specials : len(encoded.words) - encoded.specials]
    return words, inside.prefix_probabilities(loaded, encoded)[:, target]


@cache_data(max_entries=64, show_spinner="Switching heads off")
def _head_effects(key: str, text: str, target: int, _bundle: Any) -> tuple[list[str], np.ndarray]:
    loaded = run_cache.load_model(_bundle)
    return inside.head_effects(loaded, texts.encode_text(loaded, text), target)


def highlight(words: list[str], values: np.ndarray) -> str:
    """Return the words as escaped HTML, colored and underlined by contribution."""
    largest = float(np.abs(values).max()) or 1.0
    parts = [
        f'<span style="background: rgba({"213,94,0" if value > 0 else "0,114,178"}, {0.55 * abs(value) / largest:.2f});'
        f'{_underline(value / largest)}">{html.escape(word)}</span>'
        for word, value in zip(words, values, strict=True)
    ]
    return f'<p dir="auto" style="line-height: 1.9">{" ".join(parts)}</p>'


def _underline(strength: float) -> str:
    if abs(strength) < 0.15:
        return ""
    return f"text-decoration: underline {'solid' if strength > 0 else 'dotted'}; text-underline-offset: 3px;"


def choose_sample(project: Project, run: Run, bundle: Bundle) -> tuple[int, int]:
    """Choose a test sample; returns its row and the class to explain, initially the predicted one."""
    stored = run_cache.predictions(bundle)
    row = pick_sample(project, run.config.dataset, stored["test_ids"], key="explained-sample")
    prediction, labels = run_cache.stored_prediction(bundle, row), bundle.labels
    predicted, actual = prediction["label"], labels[int(stored["test_targets"][row])]
    target = choose_class(labels, prediction, of=f"{run_cache.bundle_key(bundle)}-{row}")
    verdict = "correct" if predicted == actual else "incorrect"
    st.markdown(
        f"Predicted: **{as_text(predicted)}** ({format_percent(prediction['probability'])}), **{verdict}**. "
        f"Actual: “{as_text(actual)}”."
        f"{run_cache.threshold_note(labels, prediction)}"
    )
    return row, target


def choose_class(labels: Sequence[str], prediction: dict[str, Any], *, of: str) -> int:
    """Return the number of the class to explain: the predicted one for each new input `of`, unless the URL has one."""
    key, predicted = "explained-class", labels.index(prediction["label"])
    if st.session_state.get(f"{key}-of", of) != of or (key not in st.session_state and key not in st.query_params):
        st.session_state[key] = predicted
    st.session_state[f"{key}-of"] = of
    return int(
        st.selectbox(
            "Evidence for class",
            range(len(labels)),
            format_func=lambda k: f"{labels[k]} ({format_percent(prediction['probabilities'][labels[k]])})",
            key=key,
            bind="query-params",
        )
    )


@cache_data(max_entries=64, show_spinner="Computing the words' contributions")
def _explain_text(key: str, text: str, target: int, _bundle: Any) -> TextExplanation:
    loaded = run_cache.load_model(_bundle)
    return explanations.explain_text(loaded, texts.encode_text(loaded, text), target)


@cache_data(max_entries=64, show_spinner="Checking the explanation")
def _check_text(key: str, text: str, target: int, _bundle: Any, _result: Any) -> CheckedText:
    return explanations.check_text(run_cache.load_model(_bundle), _result)


@fragment
def _show_checks(key: str, text: str, target: int, explanation: TextExplanation, bundle: Bundle) -> None:
    st.subheader("Sanity checks", anchor=False)
    checked = _check_text(key, text, target, _bundle=bundle, _result=explanation)
    show_checks(checked.checks)
    curve, label = checked.deletion, bundle.labels[target]
    if curve is None:
        st.caption(f"The other checks need at least {MIN_WORDS} known words.")
        return
    figure = plots.deletion_curve(
        curve.removed, curve.ours, curve.chance, low=curve.low, high=curve.high, label=label, parts=("words", "hidden")
    )
    show_figure(figure, key="deletion", alt=f"Area {curve.area:.2f}, in random order {curve.chance_area:.2f}")
    st.caption("The faster the orange line falls below the gray ones, the better the explanation.")
