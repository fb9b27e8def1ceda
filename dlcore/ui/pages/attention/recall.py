"""Data and Try it of the page on attention: sequences of pairs with a question, and a trained network that answers."""

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from dlcore import projects
from dlcore.core.errors import WorkbenchError, one_line
from dlcore.data.text import recall
from dlcore.plots.palette import BLUE
from dlcore.plots.style import blank
from dlcore.projects.foundations import attention
from dlcore.projects.foundations.quiz import Failure, RunEvidence
from dlcore.runs import Run
from dlcore.runs.short_run import run_short
from dlcore.ui.widgets import quiz, run_cache
from dlcore.ui.widgets.figure import show_figure
from dlcore.ui.widgets.learning_curves import show_learning_curves
from dlcore.ui.widgets.metric_table import compare_with_baseline, score_table

if TYPE_CHECKING:
    from dlcore.projects.project import Project

EXAMPLE = "a3 b7 c1 d7 b?"
SHOWN, STEPS = 12, 100


def data(project: "Project", run: Run | None) -> None:
    """What the task is, some of its sequences, and why nothing but looking up solves it."""
    config = run.config if run is not None else projects.configure(project.slug)
    options = attention.RecallData(**config.data_options)
    st.markdown(
        "**Pairs and a question**, a synthetic task made here: no text from the world. A sequence has 2 to "
        f"{options.pairs} pairs of a letter and a digit, all letters different, and one question: which digit stood "
        f"with this letter? The question stands {options.question}."
    )
    st.caption(
        f"{options.train_rows:,} sequences to learn from, {options.validation_rows:,} to validate on, drawn from the "
        f"run's seed; {attention.TEST_ROWS:,} to test on, the same for every run. Which digit goes with which letter "
        "is drawn anew for each sequence, so there is nothing to learn by heart."
    )
    made = recall.make_sequences(SHOWN, pairs=options.pairs, question=options.question, seed=config.seed)
    lines = [" ".join(recall.format_sequence(*pair)) for pair in zip(made.letters, made.values, strict=True)]
    st.dataframe(
        pd.DataFrame({"Sequence": lines, "Answer": [str(one) for one in made.answers]}),
        hide_index=True,
        width="content",
        alt=f"{SHOWN} sequences, the first is {lines[0]}",
    )


def results(project: "Project", run: Run | None) -> None:
    """Scores beside simple methods, accuracy by how many pairs there were, and how it learnt."""
    bundle = run_cache.finished_bundle(run, to_see="its scores and curves")
    if bundle is None or run is None:
        return
    stored, evaluation = run_cache.predictions(bundle), run_cache.evaluation(bundle)
    st.markdown(f"{evaluation.verdict} {compare_with_baseline(evaluation, 'accuracy')}")
    score_table(
        evaluation, title=project.models[run.record.model].title, n=len(stored["test_targets"]), unit="sequences"
    )
    options = attention.RecallData(**run.config.data_options)
    made = recall.make_sequences(attention.TEST_ROWS, pairs=options.pairs, question=options.question, seed=2**31)
    counts = (made.values > recall.QUESTION).sum(axis=1)
    right = stored["test_scores"].argmax(axis=1) == stored["test_targets"]
    sizes = np.arange(recall.MIN_PAIRS, options.pairs + 1)
    share = [100 * float(right[counts == size].mean()) for size in sizes]
    figure = blank("Right answers by the number of pairs (test)", x="pairs in the sequence", y="right, %", height=280)
    figure.add_bar(x=sizes, y=share, marker={"color": BLUE}, name="this run", width=0.5)
    figure.add_scatter(x=sizes, y=100 / sizes, mode="lines+markers", name="any of the digits there")
    figure.update_yaxes(range=[0, 105])
    show_figure(figure, key="by-pairs", alt=f"Right answers by pairs: {', '.join(f'{one:.0f} %' for one in share)}")
    show_learning_curves(
        bundle,
        run.record,
        loss="Mean surprise at the true digit; guessing one of ten costs 2.30.",
        accuracy="Share of right answers; guessing one of ten gets 0.1.",
    )


def try_it(project: "Project", run: Run | None) -> None:
    """Ask the trained network; predict what happens without the root; break it."""
    bundle = run_cache.finished_bundle(run, to_see="what a trained network answers")
    if bundle is not None:
        st.subheader("Ask it", anchor=False)
        text = st.text_input(
            "Pairs of a letter and a digit, and one question",
            EXAMPLE,
            max_chars=80,
            key="recall-text",
            help="Letters a to j, digits 0 to 9; the question is a letter and a question mark, as in b?.",
        )
        try:
            _say(project.answer(run_cache.load_model(bundle), text.encode()))
        except WorkbenchError as error:
            st.error(one_line(error), icon=":material/error:")
        st.divider()
    quiz.show_quiz(
        attention.QUESTIONS,
        lambda: trial(attention.TRIAL),
        key="attention",
        lead="A fresh network is trained for a hundred steps, with keys of 256 numbers and no division by the root. "
        "Answer first; then that run's own numbers mark your answers.",
        button="Train it and mark my answers",
    )
    st.divider()
    quiz.show_failures(attention.BREAKS, _broken, key="attention", picture=_picture)


def _say(found: dict[str, Any]) -> None:
    st.markdown(f"It says **{found['label']}**, with a probability of {found['probability']:.1%}.")
    figure = blank("How much the question takes of each token", x="", y="weight", height=240)
    tokens = [f"{place}: {word}" for place, word in enumerate(found["tokens"], 1)]
    for head, weights in enumerate(found["looked_at"], 1):
        figure.add_bar(x=tokens, y=weights, name=f"head {head}")
    figure.update_yaxes(range=[0, 1.02])
    top = int(np.argmax(found["looked_at"][0]))
    show_figure(figure, key="looked-at", alt=f"The question looks most at {found['tokens'][top]}")


def trial(settings: Any) -> RunEvidence:
    """A hundred steps with these settings over the quick preset; kept by the settings."""
    return _trial(json.dumps(dict(settings), sort_keys=True))


def _broken(broken: Failure[RunEvidence]) -> RunEvidence:
    return trial(broken.settings)


@st.cache_resource(max_entries=8, show_spinner=False)
def _trial(settings: str) -> RunEvidence:
    chosen = json.loads(settings)
    config = projects.configure("attention", preset="quick", settings=chosen)
    found = run_short(config, projects.get("attention").prepare(config), steps=STEPS, every=1)
    norms, losses = found.gradients, found.losses
    return RunEvidence(
        chosen,
        {"batch_loss": (losses.steps, losses.values)},
        norms.layers,
        norms.steps,
        norms.norms,
        norms.measures,
        broke=found.broke,
    )


def _picture(seen: RunEvidence, key: str) -> None:
    quiz.loss_by_step(seen, key=key, usual=trial({}), guessing=attention.LN_K, top=50)
