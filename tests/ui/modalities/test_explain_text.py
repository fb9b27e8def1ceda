"""Words are escaped and highlighted, and the threshold decides the predicted class."""

import numpy as np
import pytest

from dlcore import runs
from dlcore.ui.modalities.explain_text import highlight
from dlcore.ui.modalities.text import cut_text as shorten
from dlcore.ui.widgets import run_cache


def test_words_are_escaped() -> None:
    page = highlight(["<script>", "fine"], np.array([1.0, -1.0]))
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_evidence_for_and_against_differ_by_more_than_color() -> None:
    for_it, against = highlight(["a"], np.array([1.0])), highlight(["a"], np.array([-1.0]))
    assert "underline solid" in for_it and "underline dotted" in against


def test_zero_contributions_do_not_divide_by_zero() -> None:
    assert "a" in highlight(["a", "b"], np.zeros(2))


def test_threshold_decides_the_class_and_is_mentioned_if_argmax_differs() -> None:
    bundle = runs.open_run("reference:reviews_transformer/base").bundle
    threshold = run_cache.evaluation(bundle).threshold
    near = np.array([threshold - 0.01, threshold + 0.01])
    assert run_cache.predicted_classes(bundle, np.stack([1 - near, near], axis=1)).tolist() == [0, 1]
    stored = run_cache.predictions(bundle)
    accuracy = (run_cache.predicted_classes(bundle, stored["test_scores"]) == stored["test_targets"]).mean()
    assert accuracy == pytest.approx(run_cache.evaluation(bundle).metrics["accuracy"], abs=1e-12)
    prediction = {"probability": 0.49, "calibrated_threshold": 0.4771}
    assert "“positive” is predicted from a probability of 47.7 % on" in run_cache.threshold_note(
        bundle.labels, prediction
    )
    assert not run_cache.threshold_note(bundle.labels, {**prediction, "probability": 0.6})
    assert not run_cache.threshold_note(("a", "b", "c"), {"probability": 0.4})


def test_long_texts_are_shortened_at_a_word() -> None:
    assert shorten("one two three", 8) == "one two …"
    assert shorten("one", 8) == "one"
