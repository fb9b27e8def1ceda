"""Results panel of the sequence-to-sequence page: exact match beside baselines, by format or length, and errors."""

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
    """Draw one run, or compare several."""
    comparison.results(project, run, run_panel=_one)


def _one(project: "Project", run: Run | None) -> None:
    """Draw scores, decoding methods, formats or lengths, errors and learning curves."""
    bundle = run_cache.finished_bundle(run, to_see="scores and curves")
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
        loss="Cross-entropy loss of the next symbol with teacher forcing.",
        accuracy="Share of outputs correct in every symbol with teacher forcing.",
    )


def _ways(evaluation: Evaluation) -> None:
    """Draw greedy, beam search and teacher forcing."""
    ways = {"greedy decoding": evaluation.metrics}
    ways |= {seq2seq.WAYS.get(name, name): found for name, found in evaluation.parts.items()}
    said = [f"{name}: **{found['exact_match']:.1%}**" for name, found in ways.items()]
    st.markdown(f"Exact match by decoding method: {'; '.join(said)}.")
    st.caption(
        "With teacher forcing, errors do not propagate; training uses it. The others are "
        "free-running. Beam search keeps several sequences, so that an early error can be undone."
    )


def _right(stored: dict[str, np.ndarray]) -> np.ndarray:
    right: np.ndarray = (stored["test_written"] == stored["test_targets"]).all(axis=1)
    return right


def _forms(stored: dict[str, np.ndarray]) -> None:
    st.subheader("By date format", anchor=False)
    right, kinds = _right(stored), stored["test_kinds"]
    rows: list[dict[str, Any]] = []
    for kind in np.unique(kinds):
        found = judged.share_correct(right[kinds == kind])
        rows.append(
            {
                "Format, for example": FORMS[int(kind)],
                "Test days": int((kinds == kind).sum()),
                "Exact match": f"{found['exact_match']:.1%} "
                f"({100 * found['exact_match_low']:.1f}–{100 * found['exact_match_high']:.1f})",
            }
        )
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", alt="Exact match by date format")


def _lengths(stored: dict[str, np.ndarray], run: Run) -> None:
    st.subheader("Length generalization", anchor=False)
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
        alt=f"Exact match by length: {shares[lengths <= longest].mean():.0f} % up to {longest} symbols on average, "
        f"{shares[lengths > longest].mean():.0f} % beyond",
    )
    held = lengths[(shares >= 50) & (lengths > longest)]
    edge = (
        f"At least half of the items are correct up to **{held.max()}** symbols."
        if len(held)
        else "At no greater length are half of the items correct."
    )
    share = judged.share_correct(beyond)
    st.markdown(
        f"Trained on items of up to {longest} symbols and tested up to {2 * longest}: exact match of longer items "
        f"**{share['exact_match']:.1%}** ({100 * share['exact_match_low']:.1f} to "
        f"{100 * share['exact_match_high']:.1f}) of those beyond. {edge}"
    )
    st.caption(
        f"{seq2seq.EACH} items per greater length; bars are 95 % intervals. Positions are encoded by sinusoids: "
        "positions beyond the longest training item were never trained."
    )


def _longer(stored: dict[str, np.ndarray], preprocessing: Any) -> None:
    """Draw the outputs for the first item of some greater lengths."""
    _, target = seq2seq.alphabets(preprocessing)
    kinds = stored["longer_kinds"]
    rows = [int(np.flatnonzero(kinds == kind)[0]) for kind in np.unique(kinds)[::3]]
    table = pd.DataFrame(
        {
            "Symbols": kinds[rows],
            "Target": seq2seq.decode_rows(stored["longer_targets"][rows], target),
            "Output": seq2seq.decode_rows(stored["longer_written"][rows], target),
        }
    )
    st.dataframe(table, hide_index=True, width="stretch", alt="Outputs for longer items, and their targets")


def _mistakes(stored: dict[str, np.ndarray], preprocessing: Any) -> None:
    st.subheader("Errors on the test split", anchor=False)
    wrong = np.flatnonzero(~_right(stored))
    if not len(wrong):
        st.markdown("None: every test output is correct.")
        return
    source, target = seq2seq.alphabets(preprocessing)
    rows = wrong[np.argsort(stored["test_scores"][wrong])[::-1]][:MISTAKES]
    table = pd.DataFrame(
        {
            "Source": seq2seq.decode_rows(stored["test_sources"][rows], source),
            "Output": seq2seq.decode_rows(stored["test_written"][rows], target),
            "Target": seq2seq.decode_rows(stored["test_targets"][rows], target),
            "Confidence": [f"{100 * float(np.exp(score)):.0f} %" for score in stored["test_scores"][rows]],
        }
    )
    st.dataframe(table, hide_index=True, width="stretch", alt=f"{len(rows)} of {len(wrong)} errors")
    st.caption(f"{len(wrong):,} of {len(stored['test_targets']):,}; highest confidence first.")
