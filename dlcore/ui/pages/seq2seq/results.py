"""Results panel of the sequence-to-sequence page: exact match beside baselines, by format or length, and errors."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from dlcore.core.markdown import as_text
from dlcore.data.text.sequences import FORMS
from dlcore.evaluation.metrics import format_percent
from dlcore.evaluation.sequences import share_correct
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

MAX_ERRORS = 12


def results(project: "Project", run: Run | None) -> None:
    """Draw one run, or compare several."""
    comparison.results(project, run, run_panel=_one)


def _one(project: "Project", run: Run | None) -> None:
    """Draw scores, decoding methods, formats or lengths, errors and learning curves."""
    bundle = run_cache.finished_bundle(run, to_see="scores and curves")
    if bundle is None or run is None:
        return
    stored, evaluation = run_cache.predictions(bundle), run_cache.evaluation(bundle)
    st.markdown(f"{as_text(evaluation.verdict)} {compare_with_baseline(evaluation, 'exact_match')}")
    score_table(evaluation, title=project.models[run.record.model].title, n=len(stored["test_targets"]), unit="items")
    _decoding_methods(evaluation)
    if run.config.dataset == "dates_in_words":
        _forms(stored)
    elif "longer_written" in stored:
        _lengths(stored, run)
        _longer(stored, bundle.preprocessing)
    _errors(stored, bundle.preprocessing)
    show_learning_curves(
        bundle,
        run.record,
        loss="Cross-entropy loss of the next symbol with teacher forcing.",
        accuracy="Share of outputs correct in every symbol with teacher forcing.",
    )


def _decoding_methods(evaluation: Evaluation) -> None:
    """Draw greedy, beam search and teacher forcing."""
    methods = {"greedy decoding": evaluation.metrics}
    methods |= {seq2seq.WAYS.get(name, name): part for name, part in evaluation.parts.items()}
    scores = [f"{name}: **{format_percent(part['exact_match'])}**" for name, part in methods.items()]
    st.markdown(f"Exact match by decoding method: {'; '.join(scores)}.")
    st.caption(
        "With teacher forcing, errors do not propagate; training uses it. The others are "
        "free-running. Beam search keeps several sequences, so that an early error can be undone."
    )


def _is_correct(stored: dict[str, np.ndarray]) -> np.ndarray:
    correct: np.ndarray = (stored["test_written"] == stored["test_targets"]).all(axis=1)
    return correct


def _forms(stored: dict[str, np.ndarray]) -> None:
    st.subheader("By date format", anchor=False)
    correct, kinds = _is_correct(stored), stored["test_kinds"]
    rows: list[dict[str, Any]] = []
    for kind in np.unique(kinds):
        exact_match = share_correct(correct[kinds == kind])
        rows.append(
            {
                "Format, for example": FORMS[int(kind)],
                "Test days": int((kinds == kind).sum()),
                "Exact match": f"{format_percent(exact_match['exact_match'])} "
                f"({100 * exact_match['exact_match_low']:.1f}–{100 * exact_match['exact_match_high']:.1f})",
            }
        )
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", alt="Exact match by date format")


def _lengths(stored: dict[str, np.ndarray], run: Run) -> None:
    st.subheader("Length generalization", anchor=False)
    longest = int(run.config.flat["longest"])
    longer_correct = (stored["longer_written"] == stored["longer_targets"]).all(axis=1)
    correct, kinds = np.r_[_is_correct(stored), longer_correct], np.r_[stored["test_kinds"], stored["longer_kinds"]]
    lengths = np.unique(kinds)
    by_length = [share_correct(correct[kinds == length]) for length in lengths]
    shares, low, high = (
        100 * np.array([row[f"exact_match{end}"] for row in by_length]) for end in ("", "_low", "_high")
    )
    figure = plots.by_length(lengths, shares, low, high, longest=longest, name=run.config.dataset)
    show_figure(
        figure,
        key="by-length",
        alt=f"Exact match by length: {shares[lengths <= longest].mean():.0f} % up to {longest} symbols on average, "
        f"{shares[lengths > longest].mean():.0f} % beyond",
    )
    learned_lengths = lengths[(shares >= 50) & (lengths > longest)]
    limit = (
        f"At least half of the items are correct up to **{learned_lengths.max()}** symbols."
        if len(learned_lengths)
        else "At every greater length, fewer than half of the items are correct."
    )
    share = share_correct(longer_correct)
    st.markdown(
        f"Trained on items of up to {longest} symbols and tested up to {2 * longest}: exact match of longer items: "
        f"**{format_percent(share['exact_match'])}** ({100 * share['exact_match_low']:.1f} to "
        f"{100 * share['exact_match_high']:.1f}). {limit}"
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


def _errors(stored: dict[str, np.ndarray], preprocessing: Any) -> None:
    st.subheader("Errors on the test split", anchor=False)
    incorrect = np.flatnonzero(~_is_correct(stored))
    if not len(incorrect):
        st.markdown("None: every test output is correct.")
        return
    source, target = seq2seq.alphabets(preprocessing)
    rows = incorrect[np.argsort(stored["test_scores"][incorrect])[::-1]][:MAX_ERRORS]
    table = pd.DataFrame(
        {
            "Source": seq2seq.decode_rows(stored["test_sources"][rows], source),
            "Output": seq2seq.decode_rows(stored["test_written"][rows], target),
            "Target": seq2seq.decode_rows(stored["test_targets"][rows], target),
            "Confidence": [f"{100 * float(np.exp(score)):.0f} %" for score in stored["test_scores"][rows]],
        }
    )
    st.dataframe(table, hide_index=True, width="stretch", alt=f"{len(rows)} of {len(incorrect)} errors")
    st.caption(f"{len(incorrect):,} of {len(stored['test_targets']):,}; highest confidence first.")
