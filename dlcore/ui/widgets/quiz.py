"""Quizzes: questions answered before the numbers are shown, and failures to try with one click.

    quiz.show_quiz(QUESTIONS, lambda: evidence, key="backprop")
    quiz.show_failures(BREAKS, lambda settings: evidence_of(settings), key="backprop")

Both accept any evidence that the questions can read: `quiz.run_evidence(run)`, or an object of the page.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import streamlit as st

from dlcore.core.errors import WorkbenchError, one_line
from dlcore.plots.palette import BLUE
from dlcore.plots.style import blank
from dlcore.projects.foundations.quiz import Failure, MarkedAnswer, Question, RunEvidence, mark_answer, score
from dlcore.runs import Run
from dlcore.ui.widgets.figure import show_figure

OF_THE_RUN = "Three questions on the chosen run; its own numbers check your answers."
Evidence = TypeVar("Evidence")


def show_quiz(
    questions: Sequence[Question[Evidence]],
    evidence: Callable[[], Evidence],
    *,
    key: str,
    title: str = "Predict, then check",
    lead: str = "Answer first; then the run's own numbers check it.",
    button: str = "Check answers",
) -> None:
    """Draw the questions and, once all are answered and the button is pressed, the result of each with its reason.

    `evidence` is called after the button press only: it may train for a few seconds. Results stay until an answer
    changes.
    """
    st.subheader(title, anchor=False)
    st.caption(lead)
    done = f"{key}-marked"
    chosen: list[int | None] = []
    for number, question in enumerate(questions, 1):
        chosen.append(
            st.radio(
                f"**{number}.** {question.text}",
                range(len(question.choices)),
                index=None,
                format_func=question.choices.__getitem__,
                key=f"{key}-{question.name}",
                on_change=_forget,
                args=(done,),
            )
        )
        _say(st.session_state.get(done, {}).get(question.name), question)
    missing = sum(place is None for place in chosen)
    pressed = st.button(
        button,
        key=f"{key}-check",
        type="primary",
        icon=":material/play_arrow:",
        disabled=missing > 0,
        help=f"{missing} not answered yet." if missing else None,
    )
    if pressed and _mark(questions, chosen, evidence, done):
        st.rerun()
    if done in st.session_state:
        st.markdown(f"**{score(list(st.session_state[done].values()))}**")


def _mark(
    questions: Sequence[Question[Evidence]], chosen: Sequence[int | None], evidence: Callable[[], Evidence], done: str
) -> bool:
    try:
        with st.spinner("Running"):
            seen = evidence()
        marked = [
            mark_answer(item, place, seen) for item, place in zip(questions, chosen, strict=True) if place is not None
        ]
    except WorkbenchError as error:
        st.error(one_line(error), icon=":material/error:")
        return False
    st.session_state[done] = {item.question: item for item in marked}
    return True


def _say(marked: MarkedAnswer | None, question: Question[Evidence]) -> None:
    if marked is None:
        return
    if marked.right:
        st.success(f"Correct. {marked.expected.why}", icon=":material/check_circle:")
    else:
        right = question.choices[marked.expected.right]
        st.warning(f"Incorrect: the answer is “{right}”. {marked.expected.why}", icon=":material/cancel:")


def _forget(done: str) -> None:
    st.session_state.pop(done, None)


def show_failures(
    breaks: Sequence[Failure[Evidence]],
    run: Callable[[Failure[Evidence]], Evidence],
    *,
    key: str,
    picture: Callable[[Evidence, str], None] | None = None,
    title: str = "Break it",
) -> None:
    """Draw the failures; run the chosen one and report whether its signature appeared. `picture` draws its evidence and
    takes a key.
    """
    st.subheader(title, anchor=False)
    names = {one.name: one for one in breaks}
    choice = st.segmented_control(
        "Break it", list(names), default=None, key=f"{key}-break", label_visibility="collapsed"
    )
    if choice is None:
        st.caption("Choose one: it is trained with this error on purpose; nothing is stored.")
        return
    broken = names[choice]
    st.markdown(f"{broken.what} **Expected:** {broken.signature}")
    try:
        with st.spinner("Running"):
            result = run(broken)
    except WorkbenchError as error:
        st.error(one_line(error), icon=":material/error:")
        return
    shown, words = broken.shows(result)
    if shown:
        st.success(f"As expected. {words}", icon=":material/check_circle:")
    else:
        st.warning(f"Not this time. {words}", icon=":material/help:")
    if picture is not None:
        picture(result, f"{key}-broken")


def run_evidence(run: Run) -> RunEvidence:
    """Return what a run measured, as questions read it."""
    config, bundle, found = run.config, run.bundle, run.gradients()
    curves = {name: (curve.steps, curve.values) for name, curve in run.history().items()}
    settings = config.flat
    metrics = dict(bundle.evaluation.metrics) if bundle else {}
    if found is None:
        return RunEvidence(settings, curves, metrics=metrics)
    return RunEvidence(settings, curves, found.layers, found.steps, found.norms, found.measures, metrics)


def loss_by_step(
    seen: RunEvidence, *, key: str, usual: RunEvidence | None = None, guessing: float | None = None, top: float = 1e6
) -> None:
    """Draw the loss of a failing network by step, up to `top`, with the normal network's and the guessing baseline."""
    steps, losses = seen.curves["batch_loss"]
    figure = blank("Loss by step", x="step", y="loss", height=280)
    named = {"name": "broken"} if usual else {"line": {"color": BLUE}}
    figure.add_scatter(x=steps, y=np.minimum(losses, top), mode="lines", **named)
    if usual:
        batch_loss = usual.curves["batch_loss"]
        figure.add_scatter(x=batch_loss[0], y=batch_loss[1], mode="lines", name="without the error")
    if guessing is not None:
        line = {"dash": "dot", "width": 1}
        figure.add_hline(y=guessing, line=line, annotation_text=f"guessing: {guessing:.2f}")
    show_figure(figure, key=f"{key}-loss", alt=f"Loss from {losses[0]:.3g} to {losses[-1]:.3g}")
