"""Try it for classifiers: a picture or a text of one's own, or one of the test samples."""

from typing import Any

import numpy as np
import streamlit as st

from dlcore.core.errors import WorkbenchError, one_line
from dlcore.data.sources import locate as sources
from dlcore.data.text.corpora import read_text
from dlcore.evaluation.abstention import AbstentionRule
from dlcore.evaluation.metrics import format_percent
from dlcore.plots import classification as plots
from dlcore.projects.language import texts
from dlcore.projects.project import LoadedModel, Project
from dlcore.runs import Bundle, Run
from dlcore.ui.components.typed.component import TypedText, shorten, show_typed
from dlcore.ui.modalities.text_attention import show_heads
from dlcore.ui.shell.error_boundary import fragment
from dlcore.ui.widgets import run_cache, samples
from dlcore.ui.widgets.figure import show_figure

EXAMPLES = {
    "bert": "Who was the first woman to fly across the Atlantic?",
    "news": "Shares of the chip maker fell sharply after the bank cut its forecast for computer sales.",
    "questions": "Who was the first woman to fly across the Atlantic?",
    "reviews_lstm": "I laughed, I cried, and I would gladly pay to see it again.",
}
"""A text to start with, by project."""
OWN, SAMPLE = "My own", "A test sample"


def try_it(project: Project, run: Run | None) -> dict[str, Any] | None:
    """Hand in one thing and see how likely the model finds each class; gives the answer to a picture of one's own."""
    bundle = run_cache.finished_bundle(run, to_see="what a trained model says of your own input")
    if bundle is None or run is None:
        return None
    chosen = st.segmented_control(
        "What to judge",
        [SAMPLE, OWN],
        default=OWN if project.input_kind == "text" or not sources.is_available(run.config.dataset) else SAMPLE,
        required=True,
        key="input",
        bind="query-params",
    )
    if chosen == SAMPLE:
        test_sample(project, run, bundle)
    elif project.input_kind == "image":
        return _own_picture(project, bundle)
    else:
        run_cache.load_model(
            bundle
        )  # what it lacks, a pretrained network say, is offered by the page and not in a fragment
        _own_text(project, bundle)
    return None


def test_sample(project: Project, run: Run, bundle: Bundle) -> None:
    """One of the test samples, what it is and what the model says."""
    stored, dataset = run_cache.predictions(bundle), run.config.dataset
    row = pick_sample(project, dataset, stored["test_ids"], key="sample")
    truth, origin = int(stored["test_targets"][row]), int(stored["test_ids"][row])
    left, right = st.columns([1, 2], gap="large")
    with left:
        if project.input_kind == "image":
            samples.show_images(
                [samples.load_run_images(run.config).test_pixels[origin]],
                [bundle.labels[truth]],
                alt="The picture",
                width=224,
            )
        else:
            said = samples.get_text(dataset, origin) if samples.is_available(run.config) else ""
            st.text(said or samples.GONE)
    with right:
        prediction, actual = run_cache.stored_prediction(bundle, row), bundle.labels[truth]
        show_prediction(prediction, bundle, truth=truth)
        verdict = "correct" if prediction["label"] == actual else "incorrect"
        st.markdown(f"Actual: “{actual}”. The prediction is **{verdict}**.")


def pick_sample(project: Project, dataset: str, ids: np.ndarray, *, key: str) -> int:
    """A test sample's number, typed or drawn by chance; opens on a short text, which is read at a glance."""
    n, key = len(ids), f"{key}-{project.slug}"
    if key not in st.session_state:
        st.session_state[key] = samples.shortest_text(dataset, ids) if project.input_kind == "text" else 0
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    right.button("Another one by chance", icon=":material/casino:", key=f"{key}-chance", on_click=_draw, args=(n, key))
    row: int = left.number_input(f"Test sample, 0 to {n - 1:,}", 0, n - 1, key=key)
    return row


def _draw(n: int, key: str) -> None:
    st.session_state[key] = int(np.random.default_rng().integers(n))


def _own_picture(project: Project, bundle: Bundle) -> dict[str, Any] | None:
    colour = bundle.preprocessing.get("channels") == 3
    how = (
        "The picture's middle is shrunk to the few pixels that the model knows"
        if colour
        else "One thing on a plain ground works best: the picture is made grey, cropped and shrunk to the few pixels "
        "that the model knows"
    )
    st.caption(f"{how}, shown below as it saw them. It is not kept.")
    kinds = ["png", "jpg", "jpeg", "gif", "bmp", "webp"]
    file = st.file_uploader("Your picture", type=kinds, key="own-picture", max_upload_size=project.input_limit // 2**20)
    if file is None:
        st.info("Choose a picture, or switch to a test sample above.", icon=":material/upload_file:")
        return None
    found = _answer(project, bundle, file.getvalue())
    if found is None:
        return None
    left, right = st.columns([1, 2], gap="large")
    with left:
        samples.show_images(
            [np.array(found["pixels"], dtype=np.uint8)], ["as the model saw it"], alt="Your picture", width=224
        )
    with right:
        show_prediction(found, bundle)
    return found


@fragment
def _own_text(project: Project, bundle: Bundle) -> None:
    """A text of one's own, answered as one pauses, and what hiding words of it does."""
    loaded = run_cache.load_model(bundle)

    pieces = loaded.preprocessing.get("kind") == texts.PIECES

    def words_of(said: str) -> tuple[list[str], list[bool]]:
        try:
            seen = texts.encode_text(loaded, read_text(said.encode("utf-8", "replace")))
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
    found = _answer(project, bundle, typed.text.encode("utf-8", "replace"))
    if found is None:
        return
    show_prediction(found, bundle)
    if typed.hidden:
        _say_hidden(loaded, typed, found)
    several = "s" * (found["tokens"] != 1)
    notes = [f"{found['tokens']:,} {f'piece{several} of words' if pieces else f'word{several}'} read"]
    notes += [f"{found['unknown']:,} of them unknown to the model"] if found.get("unknown") else []
    notes += [f"{found['left_out']:,} left out, since it reads only so many"] if found.get("left_out") else []
    marks = " [CLS] and [SEP] are BERT's own marks of start and end, and stay." if pieces else ""
    st.caption(f"{', '.join(notes)}.{marks} Nothing is kept.")
    if hasattr(loaded.module, "weights"):
        show_heads(
            loaded, texts.encode_text(loaded, read_text(typed.text.encode("utf-8", "replace"))), hidden=typed.hidden
        )


def last_typed(project: Project) -> str:
    """The text that was typed last on that page, an example at first."""
    kept: str = st.session_state.get(f"said-{project.slug}", EXAMPLES.get(project.slug, EXAMPLES["reviews_lstm"]))
    return kept


def remember_typed(project: Project, said: str) -> None:
    """Keep it, so that Try it and Explain are about the same text."""
    st.session_state[f"said-{project.slug}"] = said


def _say_hidden(loaded: LoadedModel, typed: TypedText, found: dict[str, Any]) -> None:
    """What the model says without the words that are hidden."""
    seen = texts.encode_text(loaded, read_text(typed.text.encode("utf-8", "replace")))
    without = texts.classify(loaded, seen, hidden=typed.hidden)
    words = ", ".join(f"“{shorten(seen.words[place])}”" for place in typed.hidden[:6] if place < len(seen.words))
    label, now, probability = found["label"], without["label"], without["probabilities"][found["label"]]
    change = 100 * (probability - found["probability"])
    turned = f" It now says **{now}**." if now != label else " Its answer stays."
    st.markdown(
        f"Without {words}{' …' if len(typed.hidden) > 6 else ''}, “{label}” has a probability of {probability:.1%} "
        f"({change:+.1f} points).{turned}"
    )


def _answer(project: Project, bundle: Bundle, payload: bytes) -> dict[str, Any] | None:
    try:
        return project.answer(run_cache.load_model(bundle), payload)
    except WorkbenchError as error:
        st.error(one_line(error), icon=":material/error:")
        return None


def show_prediction(prediction: dict[str, Any], bundle: Bundle, *, truth: int | None = None) -> None:
    """Calibrated probabilities as bars, the predicted label, and a warning where the prediction is uncertain."""
    labels = bundle.labels
    _bars(np.array([prediction["probabilities"][label] for label in labels]), labels, truth=truth)
    show_label(prediction, bundle)


def show_label(prediction: dict[str, Any], bundle: Bundle) -> None:
    """The predicted label with its probability, or that the prediction is uncertain; and the rule behind it."""
    label, labels = prediction["label"].replace("_", " "), bundle.labels
    if prediction["uncertain"]:
        classes = f"possibly none of the {len(labels)} classes. " if len(labels) > 2 else ""
        st.warning(
            f"**Low confidence**: {classes}Best guess: **{label}** ({format_percent(prediction['probability'])}).",
            icon=":material/help:",
        )
    else:
        probability = format_percent(prediction["probability"])
        st.markdown(f"Predicted: **{label}** ({probability}).{run_cache.threshold_note(labels, prediction)}")
    rule = run_cache.calibration(bundle)
    if rule is not None:
        st.caption(describe_rule(rule))


def describe_rule(rule: AbstentionRule) -> str:
    """The calibration and the abstention rule with their numbers."""
    threshold, flagged = format_percent(rule.threshold, digits=0), format_percent(rule.flagged_share)
    false_flags = f"{format_percent(rule.false_flag_rate)} [{100 * rule.low:.1f}, {100 * rule.high:.1f}]"
    return (
        f"Probabilities are calibrated (temperature {rule.temperature:.2f}, fitted on validation). Predictions below "
        f"{threshold} are flagged as uncertain ({flagged} of validation). False flags on test: {false_flags} of "
        f"{rule.n:,}."
    )


def _bars(scores: np.ndarray, labels: tuple[str, ...], *, truth: int | None = None) -> None:
    figure = plots.class_probabilities(scores, labels, truth=truth)
    likeliest = int(scores.argmax())
    show_figure(
        figure, key="probabilities", alt=f"Probabilities; likeliest is {labels[likeliest]} at {scores[likeliest]:.1%}"
    )
