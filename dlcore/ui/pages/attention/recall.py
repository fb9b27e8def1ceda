"""Data, Results and Predict panels of the attention page: associative recall."""

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from dlcore import projects
from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import as_text, error_line
from dlcore.data.text import recall
from dlcore.evaluation.metrics import format_percent
from dlcore.plots.palette import BLUE
from dlcore.plots.style import blank
from dlcore.projects.foundations import attention
from dlcore.projects.foundations.quiz import Failure, RunEvidence
from dlcore.runs import Run
from dlcore.runs.short_run import run_short
from dlcore.ui.compare import comparison
from dlcore.ui.pages.backprop.predict import short_run_evidence
from dlcore.ui.shell.cache import cache_resource
from dlcore.ui.widgets import quiz, run_cache
from dlcore.ui.widgets.figure import show_figure
from dlcore.ui.widgets.learning_curves import show_learning_curves
from dlcore.ui.widgets.metric_table import compare_with_baseline, score_table

if TYPE_CHECKING:
    from dlcore.projects.project import Project

EXAMPLE = "a3 b7 c1 d7 b?"
SAMPLES, STEPS = 12, 100


def data(project: "Project", run: Run | None) -> None:
    """Draw the task with some sequences."""
    config = run.config if run is not None else projects.configure(project.slug)
    options = config.data_as(attention.RecallData)
    st.markdown(
        "**Pairs and a question**: a synthetic task. A sequence has 2 to "
        f"{options.pairs} pairs of a letter and a digit, with distinct letters, and one question: which digit belongs "
        f"to this letter? The question is placed {options.question}."
    )
    st.caption(
        f"{options.train_rows:,} training and {options.validation_rows:,} validation sequences, generated from the "
        f"run's seed; {attention.TEST_ROWS:,} test sequences, the same for every run. Pairs are "
        "random in every sequence, so nothing can be memorized."
    )
    sequences = recall.make_sequences(SAMPLES, pairs=options.pairs, question=options.question, seed=config.seed)
    lines = [" ".join(recall.format_sequence(*pair)) for pair in zip(sequences.letters, sequences.values, strict=True)]
    st.dataframe(
        pd.DataFrame({"Sequence": lines, "Answer": [str(answer) for answer in sequences.answers]}),
        hide_index=True,
        width="content",
        alt=f"{SAMPLES} sequences, the first is {lines[0]}",
    )


def results(project: "Project", run: Run | None) -> None:
    """Draw one run, or compare several."""
    comparison.results(project, run, run_panel=_show_run)


def _show_run(project: "Project", run: Run | None) -> None:
    """Draw scores next to baselines, accuracy by number of pairs, and learning curves."""
    bundle = run_cache.finished_bundle(run, to_see="scores and curves")
    if bundle is None or run is None:
        return
    stored, evaluation = run_cache.predictions(bundle), run_cache.evaluation(bundle)
    st.markdown(f"{as_text(evaluation.verdict)} {compare_with_baseline(evaluation, 'accuracy')}")
    score_table(
        evaluation, title=project.models[run.record.model].title, n=len(stored["test_targets"]), unit="sequences"
    )
    options = run.config.data_as(attention.RecallData)
    sequences = recall.make_sequences(attention.TEST_ROWS, pairs=options.pairs, question=options.question, seed=2**31)
    counts = (sequences.values > recall.QUESTION).sum(axis=1)
    is_correct = stored["test_scores"].argmax(axis=1) == stored["test_targets"]
    sizes = np.arange(recall.MIN_PAIRS, options.pairs + 1)
    accuracies = [100 * float(is_correct[counts == size].mean()) for size in sizes]
    figure = blank("Accuracy by number of pairs (test)", x="pairs in the sequence", y="accuracy, %", height=280)
    figure.add_bar(x=sizes, y=accuracies, marker={"color": BLUE}, name="this run", width=0.5)
    figure.add_scatter(x=sizes, y=100 / sizes, mode="lines+markers", name="chance among the digits present")
    figure.update_yaxes(range=[0, 105])
    show_figure(
        figure, key="by-pairs", alt=f"Accuracy by pairs: {', '.join(f'{accuracy:.0f} %' for accuracy in accuracies)}"
    )
    show_learning_curves(
        bundle,
        run.record,
        loss="Cross-entropy loss; guessing one of ten gives 2.30.",
        accuracy="Accuracy; guessing one of ten gives 0.1.",
    )


def predict(project: "Project", run: Run | None) -> None:
    """Draw a query form for the trained network, the quiz on scaling, and the failures."""
    bundle = run_cache.finished_bundle(run, to_see="a trained network's answers")
    if bundle is not None:
        st.subheader("Query the network", anchor=False)
        text = st.text_input(
            "Pairs of a letter and a digit, and one question",
            EXAMPLE,
            max_chars=80,
            key="recall-text",
            bind="query-params",
            help="Letters a to j, digits 0 to 9; the question is a letter and a question mark, as in b?.",
        )
        try:
            _show_prediction(project.answer(run_cache.load_model(bundle), text.encode()))
        except WorkbenchError as error:
            st.error(error_line(error), icon=":material/error:")
        st.divider()
    quiz.show_quiz(
        attention.QUESTIONS,
        lambda: run_evidence(attention.TRIAL),
        key="attention",
        lead="A new network is trained for a hundred steps, with d_k = 256 and unscaled scores. "
        "Answer first; then that run's numbers check your answers.",
        button="Train and check answers",
    )
    st.divider()
    quiz.show_failures(attention.BREAKS, _run_failure, key="attention", picture=_plot)


def _show_prediction(prediction: dict[str, Any]) -> None:
    st.markdown(
        f"Predicted: **{as_text(prediction['label'])}**, probability {format_percent(prediction['probability'])}."
    )
    figure = blank("Attention from the question to each token", x="", y="weight", height=240)
    tokens = [f"{position}: {token}" for position, token in enumerate(prediction["tokens"], 1)]
    for head, weights in enumerate(prediction["looked_at"], 1):
        figure.add_bar(x=tokens, y=weights, name=f"head {head}")
    figure.update_yaxes(range=[0, 1.02])
    top = int(np.argmax(prediction["looked_at"][0]))
    show_figure(figure, key="looked-at", alt=f"The question attends most to {prediction['tokens'][top]}")


def run_evidence(settings: Any) -> RunEvidence:
    """Return the evidence of a hundred steps with these settings over the quick preset, cached."""
    return _run(json.dumps(dict(settings), sort_keys=True))


def _run_failure(failure: Failure[RunEvidence]) -> RunEvidence:
    return run_evidence(failure.settings)


@cache_resource(max_entries=8, show_spinner=False)
def _run(settings: str) -> RunEvidence:
    changed = json.loads(settings)
    config = projects.configure("attention", preset="quick", settings=changed)
    short_run = run_short(config, projects.get("attention").prepare(config), steps=STEPS, every=1)
    return short_run_evidence(short_run, changed)


def _plot(evidence: RunEvidence, key: str) -> None:
    quiz.loss_by_step(evidence, key=key, reference=run_evidence({}), guessing=attention.LN_K, top=50)
