"""Results of the page on sequence to sequence: exact match beside simple ways, by form or by length, and mistakes."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from dlcore.data.text.sequences import FORMS
from dlcore.evaluation import sequences as judged
from dlcore.plots import sequences as plots
from dlcore.projects.language import seq2seq
from dlcore.projects.project import Evaluation
from dlcore.runs import Run
from dlcore.ui.compare import comparison
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.figure import show_figure
from dlcore.ui.widgets.learning_curves import show_learning_curves
from dlcore.ui.widgets.metric_table import compare_with_baseline, score_table

if TYPE_CHECKING:
    from dlcore.projects.project import Project

MISTAKES = 12


def results(project: "Project", run: Run | None) -> None:
    """One run or several side by side."""
    comparison.results(project, run, run_panel=_one)


def _one(project: "Project", run: Run | None) -> None:
    """Scores, what the way of writing changes, forms or lengths, mistakes, and how it learnt."""
    bundle = run_cache.finished_bundle(run, to_see="its scores and curves")
    if bundle is None or run is None:
        return
    stored, evaluation = run_cache.predictions(bundle), run_cache.evaluation(bundle)
    st.markdown(f"{evaluation.verdict} {compare_with_baseline(evaluation, 'exact_match')}")
    score_table(evaluation, title=project.models[run.record.model].title, n=len(stored["test_targets"]), unit="items")
    _ways(evaluation)
    if run.config.dataset == "dates_in_words":
        _forms(stored)
    elif "longer_written" in stored:
        _lengths(stored, run)
        _longer(stored, bundle.preprocessing)
    _mistakes(stored, bundle.preprocessing)
    show_learning_curves(
        bundle,
        run.record,
        loss="Mean surprise at the next symbol of the true answer, which it is given up to there.",
        accuracy="Share of answers right in every symbol, the true answer given. Written freely it is exact match.",
    )


def _ways(evaluation: Evaluation) -> None:
    """Greedy, beam, and with the true answer given."""
    ways = {"the likeliest symbol each time (greedy)": evaluation.metrics}
    ways |= {seq2seq.WAYS.get(name, name): found for name, found in evaluation.parts.items()}
    said = [f"{name}: **{found['exact_match']:.1%}**" for name, found in ways.items()]
    st.markdown(f"Written in three ways: {'; '.join(said)}.")
    st.caption(
        "With the true answer given a mistake cannot lead to another, and that is how it learnt; the first two are "
        "what it does on its own. A beam keeps several drafts, so that one poor symbol early on may yet be left."
    )


def _right(stored: dict[str, np.ndarray]) -> np.ndarray:
    right: np.ndarray = (stored["test_written"] == stored["test_targets"]).all(axis=1)
    return right


def _forms(stored: dict[str, np.ndarray]) -> None:
    st.subheader("By the way the day is written", anchor=False)
    right, kinds = _right(stored), stored["test_kinds"]
    rows: list[dict[str, Any]] = []
    for kind in np.unique(kinds):
        found = judged.share_correct(right[kinds == kind])
        rows.append(
            {
                "Written like": FORMS[int(kind)],
                "Test days": int((kinds == kind).sum()),
                "Right in every symbol": f"{found['exact_match']:.1%} "
                f"({100 * found['exact_match_low']:.1f}–{100 * found['exact_match_high']:.1f})",
            }
        )
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", alt="Exact match by the form of the date")


def _lengths(stored: dict[str, np.ndarray], run: Run) -> None:
    st.subheader("Longer than any it learnt from", anchor=False)
    longest = int(run.config.flat["longest"])
    beyond = (stored["longer_written"] == stored["longer_targets"]).all(axis=1)
    right, kinds = np.r_[_right(stored), beyond], np.r_[stored["test_kinds"], stored["longer_kinds"]]
    lengths = np.unique(kinds)
    found = [judged.share_correct(right[kinds == length]) for length in lengths]
    shares, low, high = (100 * np.array([each[f"exact_match{end}"] for each in found]) for end in ("", "_low", "_high"))
    figure = plots.by_length(lengths, shares, low, high, longest=longest, name=run.config.dataset)
    show_figure(
        figure,
        key="by-length",
        alt=f"Right answers by length: {shares[lengths <= longest].mean():.0f} % up to {longest} symbols on average, "
        f"{shares[lengths > longest].mean():.0f} % beyond",
    )
    held = lengths[(shares >= 50) & (lengths > longest)]
    edge = (
        f"It holds for at least half of the items up to **{held.max()}** symbols."
        if len(held)
        else "At no greater length is even half of it right."
    )
    share = judged.share_correct(beyond)
    st.markdown(
        f"It learnt from items of up to {longest} symbols and is asked for up to {2 * longest}: right on "
        f"**{share['exact_match']:.1%}** ({100 * share['exact_match_low']:.1f} to "
        f"{100 * share['exact_match_high']:.1f}) of those beyond. {edge}"
    )
    st.caption(
        f"{seq2seq.EACH} items of each length beyond; bars are 95 % intervals. Places are told by sines of the place "
        "itself: places beyond the longest item were never learnt from, so there is nothing it could know of them."
    )


def _longer(stored: dict[str, np.ndarray], preprocessing: Any) -> None:
    """What is written for the first item of some lengths beyond."""
    _, target = seq2seq.alphabets(preprocessing)
    kinds = stored["longer_kinds"]
    rows = [int(np.flatnonzero(kinds == kind)[0]) for kind in np.unique(kinds)[::3]]
    table = pd.DataFrame(
        {
            "Symbols": kinds[rows],
            "Right would be": seq2seq.decode_rows(stored["longer_targets"][rows], target),
            "Written": seq2seq.decode_rows(stored["longer_written"][rows], target),
        }
    )
    st.dataframe(table, hide_index=True, width="stretch", alt="What is written for longer items, and what is right")


def _mistakes(stored: dict[str, np.ndarray], preprocessing: Any) -> None:
    st.subheader("Where it is wrong on the test items", anchor=False)
    wrong = np.flatnonzero(~_right(stored))
    if not len(wrong):
        st.markdown("Nowhere: every answer on the test items is right.")
        return
    source, target = seq2seq.alphabets(preprocessing)
    rows = wrong[np.argsort(stored["test_scores"][wrong])[::-1]][:MISTAKES]
    table = pd.DataFrame(
        {
            "Read": seq2seq.decode_rows(stored["test_sources"][rows], source),
            "Written": seq2seq.decode_rows(stored["test_written"][rows], target),
            "Right would be": seq2seq.decode_rows(stored["test_targets"][rows], target),
            "How sure it was": [f"{100 * float(np.exp(score)):.0f} %" for score in stored["test_scores"][rows]],
        }
    )
    st.dataframe(table, hide_index=True, width="stretch", alt=f"{len(rows)} of {len(wrong)} mistakes")
    st.caption(f"{len(wrong):,} of {len(stored['test_targets']):,}; those it was surest of come first.")
