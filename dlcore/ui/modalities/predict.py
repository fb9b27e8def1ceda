"""Panel Predict of classifiers: the user's input, or a test sample."""

from collections.abc import Callable
from typing import Any

import numpy as np
import streamlit as st

from dlcore import projects
from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import as_text, error_line
from dlcore.data.custom.registry import is_custom
from dlcore.evaluation.abstention import describe_outside, describe_reasons, describe_rule
from dlcore.evaluation.metrics import format_percent
from dlcore.projects.project import Project
from dlcore.runs import Bundle, Run
from dlcore.ui.modalities.modality import load_modality
from dlcore.ui.shell.address import read_text, write_text
from dlcore.ui.shell.first_paint import main_picture
from dlcore.ui.widgets import run_cache, samples
from dlcore.ui.widgets.bars import show_probabilities
from dlcore.ui.widgets.choice import choose
from dlcore.ui.widgets.metric_table import summarize_run
from dlcore.ui.widgets.predictor import choose_predictor, predict_with

EXAMPLES = {
    "bert": "Who was the first woman to fly across the Atlantic?",
    "custom_text": "Shares of the chip maker fell sharply after the bank cut its forecast for computer sales.",
    "news": "Shares of the chip maker fell sharply after the bank cut its forecast for computer sales.",
    "questions": "Who was the first woman to fly across the Atlantic?",
    "reviews_lstm": "What a wonderful film: I laughed, I cried, and I would gladly pay to see it again.",
}
"""Example text by project."""
TEXT = "text"
"""Query parameter with the typed text."""
SET_HELP = "The 90 % set contains the actual class of at least 90 % of new samples (conformal prediction)."
MAX_SET = 5
"""Classes of a prediction set that are named."""
CUSTOM, SAMPLE = "Your input", "Test sample"


def predict(
    project: Project, run: Run | None, *, show_sample: Callable[[Project, Run, Bundle], None] | None = None
) -> dict[str, Any] | None:
    """Show class probabilities of the user's input or of a test sample; returns the prediction of an uploaded input.

    `show_sample` draws the test samples (default: `test_sample`).
    """
    bundle = run_cache.finished_bundle(run, to_see="predictions for your input")
    if bundle is None or run is None:
        return None
    modality = load_modality(project)
    opens_on_input = modality.STARTS_WITH_INPUT or not samples.has_test_images(run.config)
    st.markdown(f":small[{summarize_run(project, bundle)}]")
    choice = choose("Input", [SAMPLE, CUSTOM], key="input", default=CUSTOM if opens_on_input else SAMPLE)
    if choice == SAMPLE:
        (show_sample or test_sample)(project, run, bundle)
        return None
    return modality.input_widget(project, bundle)


def test_sample(project: Project, run: Run, bundle: Bundle) -> None:
    """Show a test sample, its class and its prediction."""
    stored, labels, modality = run_cache.predictions(bundle), bundle.labels, load_modality(project)
    row = modality.pick_sample(project, run.config.dataset, stored["test_ids"], key="sample")
    truth = int(stored["test_targets"][row])
    actual = labels[truth]
    with main_picture():
        left, right = st.columns(2)
        with left:
            modality.show(run.config, [int(stored["test_ids"][row])], [actual], large=True)
        with right:
            prediction = run_cache.stored_prediction(bundle, row)
            show_prediction(prediction, bundle, truth=truth)
            verdict = "correct" if prediction["label"] == actual else "incorrect"
            st.markdown(f"Actual: “{as_text(actual)}”. The prediction is **{verdict}**.")


def pick_sample(project: Project, dataset: str, ids: np.ndarray, *, key: str) -> int:
    """Return the index of the test sample that the user chooses."""
    return load_modality(project).pick_sample(project, dataset, ids, key=key)


def number_of_sample(project: Project, n: int, *, key: str, first: Callable[[], int]) -> int:
    """Return a number from 0 to n - 1, typed or random; `first` returns the initial one."""
    key = f"{key}-{project.slug}"
    if key not in st.session_state and key not in st.query_params:
        st.session_state[key] = first()
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    right.button("Random sample", icon=":material/casino:", key=f"{key}-chance", on_click=_draw, args=(n, key))
    row: int = left.number_input(f"Test sample, 0 to {n - 1:,}", 0, n - 1, key=key, bind="query-params")
    return row


def select_sample(project: Project, row: int, *, key: str) -> None:
    """Select a test sample, as if its number had been typed."""
    st.session_state[f"{key}-{project.slug}"] = row


def _draw(n: int, key: str) -> None:
    st.session_state[key] = int(np.random.default_rng().integers(n))


def last_typed(project: Project) -> str:
    """Return the last text typed on the project's page; initially that of the URL, or an example."""
    value: str | None = st.session_state.get(f"said-{project.slug}")
    return read_text(TEXT) or _example(project) if value is None else value


def text_label(dataset: str) -> str:
    """Label of a field for texts: built-in datasets are English."""
    return "Your text" if is_custom(dataset) else "Your text, in English"


def remember_typed(project: Project, text: str) -> None:
    """Store the text, so that Predict and Explain use the same one, and write it into the URL."""
    st.session_state[f"said-{project.slug}"] = text
    if not write_text(TEXT, "" if text == _example(project) else text):
        st.caption("This text is too long for a link.")


def _example(project: Project) -> str:
    return EXAMPLES.get(project.slug, EXAMPLES["reviews_lstm"])


def predict_payload(project: Project, bundle: Bundle, payload: bytes) -> dict[str, Any] | None:
    """Return the project's prediction for an input; None after showing an error."""
    baseline = choose_predictor(project, bundle)
    try:
        return predict_with(baseline, project, bundle, payload)
    except WorkbenchError as error:
        st.error(error_line(error), icon=":material/error:")
        return None


def show_prediction(prediction: dict[str, Any], bundle: Bundle, *, truth: int | None = None) -> None:
    """Show calibrated probabilities as bars, the predicted label, and a warning if the prediction is uncertain."""
    labels = bundle.labels
    show_probabilities(np.array([prediction["probabilities"][label] for label in labels]), labels, truth=truth)
    show_label(prediction, bundle)


def show_label(prediction: dict[str, Any], bundle: Bundle) -> None:
    """Show the predicted label with its probability or a low-confidence warning, and the abstention rule."""
    label, labels = as_text(prediction["label"].replace("_", " ")), bundle.labels
    if prediction["uncertain"]:
        is_text = projects.get(bundle.config.project).modality == "text"
        why = describe_reasons(prediction["reasons"], classes=len(labels), text=is_text)
        st.warning(
            f"**{why}** Best guess: **{label}** ({format_percent(prediction['probability'])}).",
            icon=":material/help:",
        )
    else:
        probability = format_percent(prediction["probability"])
        st.markdown(f"Predicted: **{label}** ({probability}).{run_cache.threshold_note(labels, prediction)}")
    rule = run_cache.calibration(bundle)
    if rule is not None:
        below = format_percent(rule.threshold, digits=0)
        unlike = " or unlike the training data" if rule.limits else ""
        st.caption(
            f"Calibrated; flagged below {below}{unlike}. {_describe_set(prediction)}".strip(),
            help=f"{describe_rule(rule)} {describe_outside(rule)} {SET_HELP}",
        )


def _describe_set(prediction: dict[str, Any]) -> str:
    """Name the classes of a prediction set of several."""
    labels = prediction["prediction_set"]
    if len(labels) < 2:
        return ""
    more = f" and {len(labels) - MAX_SET} more" if len(labels) > MAX_SET else ""
    return as_text(f"90 % set: {', '.join(labels[:MAX_SET])}{more}.")
