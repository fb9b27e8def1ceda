"""Words of a text are shown as text, whatever they contain."""

import numpy as np
import pytest

from dlcore import runs
from dlcore.ui.modalities.explain_text import highlight
from dlcore.ui.modalities.text import cut_text as shorten
from dlcore.ui.widgets import run_cache


def test_words_cannot_become_html() -> None:
    page = highlight(["<script>", "fine"], np.array([1.0, -1.0]))
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_for_and_against_differ_by_more_than_colour() -> None:
    for_it, against = highlight(["a"], np.array([1.0])), highlight(["a"], np.array([-1.0]))
    assert "underline solid" in for_it and "underline dotted" in against


def test_no_contribution_at_all_is_no_division_by_nought() -> None:
    assert "a" in highlight(["a", "b"], np.zeros(2))


def test_the_answer_is_the_thresholds_and_it_is_said_where_that_is_not_the_likelier_class() -> None:
    bundle = runs.open_run("reference:reviews_transformer/base").bundle
    threshold = run_cache.evaluation(bundle).threshold
    near = np.array([threshold - 0.01, threshold + 0.01])
    assert run_cache.predicted_classes(bundle, np.stack([1 - near, near], axis=1)).tolist() == [0, 1]
    stored = run_cache.predictions(bundle)
    right = (run_cache.predicted_classes(bundle, stored["test_scores"]) == stored["test_targets"]).mean()
    assert right == pytest.approx(run_cache.evaluation(bundle).metrics["accuracy"], abs=1e-12)
    prediction = {"probability": 0.49, "calibrated_threshold": 0.4771}
    assert "“positive” is predicted from a probability of 47.7% on" in run_cache.threshold_note(
        bundle.labels, prediction
    )
    assert not run_cache.threshold_note(bundle.labels, {**prediction, "probability": 0.6})
    assert not run_cache.threshold_note(("a", "b", "c"), {"probability": 0.4})


def test_long_texts_are_cut_at_a_word() -> None:
    assert shorten("one two three", 8) == "one two …"
    assert shorten("one", 8) == "one"
