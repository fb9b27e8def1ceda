"""Areas agree with scikit-learn's, ties and resamples included."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from dlcore.evaluation import curves


@st.composite
def scored(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Scores with many ties, and targets of both classes."""
    n = draw(st.integers(2, 60))
    scores = np.array(draw(st.lists(st.integers(0, 12), min_size=n, max_size=n))) / 12
    positive = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    positive[:2] = [True, False]
    return scores, positive


@given(scored())
def test_areas_equal_scikit_learns(sample: tuple[np.ndarray, np.ndarray]) -> None:
    scores, positive = sample
    assert curves.roc_auc(scores, positive)[0] == pytest.approx(reference.roc_auc_score(positive, scores))
    assert curves.average_precision(scores, positive)[0] == pytest.approx(
        reference.average_precision_score(positive, scores)
    )


@given(scored(), st.integers(0, 5))
def test_weights_mean_the_same_as_repeated_samples(sample: tuple[np.ndarray, np.ndarray], seed: int) -> None:
    scores, positive = sample
    weights = np.random.default_rng(seed).integers(0, 3, size=len(scores))
    weights[:2] = 1
    repeated = np.repeat(np.arange(len(scores)), weights)
    for area in (curves.roc_auc, curves.average_precision):
        weighted = area(scores, positive, weights=weights[None].astype(float))[0]
        assert weighted == pytest.approx(area(scores[repeated], positive[repeated])[0])


def test_one_class_has_no_area() -> None:
    scores = np.array([0.1, 0.9])
    assert np.isnan(curves.roc_auc(scores, np.array([True, True]))[0])
    assert np.isnan(curves.average_precision(scores, np.array([False, False]))[0])


@given(scored())
def test_the_roc_curve_is_scikit_learns_and_a_long_one_is_thinned(sample: tuple[np.ndarray, np.ndarray]) -> None:
    scores, positive = sample
    false, true, _ = reference.roc_curve(positive, scores, drop_intermediate=False)
    roc = curves.roc(scores, positive)
    np.testing.assert_allclose(roc, (false, true))
    thin = curves.roc(scores, positive, points=3)
    assert len(thin[0]) <= 3 and thin[0][-1] == thin[1][-1] == 1.0 and thin[0][0] == thin[1][0] == 0.0
