"""Thinning keeps what matters."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dlcore.plots import style


@given(st.integers(1, 5000), st.integers(4, 300), st.integers(0, 99))
def test_thinning_keeps_extremes_and_order_and_stays_within_the_limit(n: int, limit: int, seed: int) -> None:
    y = np.random.default_rng(seed).normal(size=n)
    x, result = style.thin(np.arange(n), y, limit=limit)
    assert len(result) <= max(limit, n if n <= limit else 0)
    assert result.min() == y.min() and result.max() == y.max()
    assert (np.diff(x) > 0).all()
    np.testing.assert_array_equal(y[x], result)


def test_every_single_spike_survives() -> None:
    y = np.zeros(100_000)
    y[[17, 50_001, 99_998]] = [5, -7, 9]
    _, result = style.thin(np.arange(len(y)), y)
    assert set(result) == {0, 5, -7, 9}


def test_a_logarithmic_axis_has_labels_that_can_be_read() -> None:
    """Losses from 0.05 to 0.9 lie between labels; from 0.0001 to 1 powers of ten alone are labelled."""
    narrow = style.log_axis(np.array([0.05, 0.9]))
    assert [text for text in narrow["ticktext"] if 0.05 <= float(text) <= 1] == ["0.05", "0.1", "0.2", "0.5", "1"]
    assert style.log_axis(np.array([1e-4, 1.0]))["dtick"] == 1
    assert style.log_axis(np.array([0.0]))["type"] == "log"
    assert "tickvals" not in style.log_axis(np.array([2.302, 2.305]))  # of a network that does not learn


def test_colours_of_curves_stand_out_on_white_and_on_dark() -> None:
    """At least 3 to 1 (WCAG 1.4.11) for the three that carry train, validation and test."""
    for colour in style.SPLIT_COLORS.values():
        assert contrast(colour, "#FFFFFF") >= 3
        assert contrast(colour, "#0E1117") >= 3


def contrast(first: str, second: str) -> float:
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
