"""Quizzes: questions answered before the measurements are shown, and failures that run on request.

    quiz.show_quiz(QUESTIONS, lambda: evidence, key="backprop")
    quiz.show_failures(BREAKS, lambda settings: evidence_of(settings), key="backprop")

Both accept any evidence that the questions can read: `quiz.run_evidence(run)`, or an object of the page.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import streamlit as st

from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import error_line
from dlcore.plots.palette import BLUE
from dlcore.plots.style import blank
from dlcore.projects.foundations.quiz import Failure, MarkedAnswer, Question, RunEvidence, mark_answer, score
from dlcore.runs import Run
from dlcore.ui.widgets.figure import show_figure

OF_THE_RUN = "Three questions on the selected run; its measurements check your answers."
Evidence = TypeVar("Evidence")


def show_quiz(
    questions: Sequence[Question[Evidence]],
    evidence: Callable[[], Evidence],
    *,
    key: str,
    title: str = "Predict, then check",
    lead: str = "Answer first; the run's measurements check it.",
    button: str = "Check answers",
) -> None:
    """Draw the questions and, once all are answered and the button is pressed, the result of each with its reason.

    `evidence` is called after the button press only: it may train for a few seconds. Results stay until an answer
    changes.
    """
    st.subheader(title, anchor=False)
    st.caption(lead)
    done = f"{key}-marked"
    choices: list[int | None] = []
    for number, question in enumerate(questions, 1):
        choices.append(
            st.radio(
                f"**{number}.** {question.text}",
                range(len(question.choices)),
                index=None,
                format_func=question.choices.__getitem__,
                key=f"{key}-{question.name}",
                on_change=_clear_grades,
                args=(done,),
            )
        )
        _show_grade(st.session_state.get(done, {}).get(question.name), question)
    missing = sum(choice is None for choice in choices)
    pressed = st.button(
        button,
        key=f"{key}-check",
        type="primary",
        icon=":material/play_arrow:",
        disabled=missing > 0,
        help=f"{missing} not answered yet." if missing else None,
    )
    if pressed and _grade(questions, choices, evidence, done):
        st.rerun()
    if done in st.session_state:
        st.markdown(f"**{score(list(st.session_state[done].values()))}**")


def _grade(
    questions: Sequence[Question[Evidence]], choices: Sequence[int | None], evidence: Callable[[], Evidence], done: str
) -> bool:
    try:
        with st.spinner("Running"):
            measured = evidence()
        marked = [
            mark_answer(question, choice, measured)
            for question, choice in zip(questions, choices, strict=True)
            if choice is not None
        ]
    except WorkbenchError as error:
        st.error(error_line(error), icon=":material/error:")
        return False
    st.session_state[done] = {answer.question: answer for answer in marked}
    return True


def _show_grade(marked: MarkedAnswer | None, question: Question[Evidence]) -> None:
    if marked is None:
        return
    if marked.right:
        st.success(f"Correct. {marked.expected.why}", icon=":material/check_circle:")
    else:
        right = question.choices[marked.expected.right]
        st.warning(f"Incorrect: the answer is “{right}”. {marked.expected.why}", icon=":material/cancel:")


def _clear_grades(done: str) -> None:
    st.session_state.pop(done, None)


def show_failures(
    breaks: Sequence[Failure[Evidence]],
    run: Callable[[Failure[Evidence]], Evidence],
    *,
    key: str,
    picture: Callable[[Evidence, str], None] | None = None,
    title: str = "Break it",
) -> None:
    """Draw the failures; run the selected one and report whether its signature appeared.

    The optional last callback draws the evidence; its second argument is a key.
    """
    st.subheader(title, anchor=False)
    names = {failure.name: failure for failure in breaks}
    name = st.segmented_control("Break it", list(names), default=None, key=f"{key}-break", label_visibility="collapsed")
    if name is None:
        st.caption("Choose a failure to train with it; nothing is stored.")
        return
    selected = names[name]
    st.markdown(f"{selected.what} **Expected:** {selected.signature}")
    try:
        with st.spinner("Running"):
            evidence = run(selected)
    except WorkbenchError as error:
        st.error(error_line(error), icon=":material/error:")
        return
    has_signature, explanation = selected.shows(evidence)
    if has_signature:
        st.success(f"As expected. {explanation}", icon=":material/check_circle:")
    else:
        st.warning(f"Not this time. {explanation}", icon=":material/help:")
    if picture is not None:
        picture(evidence, f"{key}-broken")


def run_evidence(run: Run) -> RunEvidence:
    """Return the measurements of a run, as questions read them."""
    config, bundle, gradients = run.config, run.bundle, run.gradients()
    curves = {name: (curve.steps, curve.values) for name, curve in run.history().items()}
    settings = config.flat
    metrics = dict(bundle.evaluation.metrics) if bundle else {}
    if gradients is None:
        return RunEvidence(settings, curves, metrics=metrics)
    return RunEvidence(
        settings, curves, gradients.layers, gradients.steps, gradients.norms, gradients.measures, metrics
    )


def loss_by_step(
    evidence: RunEvidence,
    *,
    key: str,
    reference: RunEvidence | None = None,
    guessing: float | None = None,
    top: float = 1e6,
) -> None:
    """Draw the loss of a failing network by step, up to `top`, with the reference loss and the guessing baseline."""
    steps, losses = evidence.curves["batch_loss"]
    figure = blank("Loss by step", x="step", y="loss", height=280)
    named = {"name": "broken"} if reference else {"line": {"color": BLUE}}
    figure.add_scatter(x=steps, y=np.minimum(losses, top), mode="lines", **named)
    if reference:
        batch_loss = reference.curves["batch_loss"]
        figure.add_scatter(x=batch_loss[0], y=batch_loss[1], mode="lines", name="without the error")
    if guessing is not None:
        line = {"dash": "dot", "width": 1}
        figure.add_hline(y=guessing, line=line, annotation_text=f"guessing: {guessing:.2f}")
    show_figure(figure, key=f"{key}-loss", alt=f"Loss from {losses[0]:.3g} to {losses[-1]:.3g}")
