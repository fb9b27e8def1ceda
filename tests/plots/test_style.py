"""Downsampling, log axes and color contrast."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dlcore.plots import style


@given(st.integers(1, 5000), st.integers(4, 300), st.integers(0, 99))
def test_thin_keeps_extremes_and_order_within_the_limit(n: int, limit: int, seed: int) -> None:
    y = np.random.default_rng(seed).normal(size=n)
    x, thinned = style.thin(np.arange(n), y, limit=limit)
    assert len(thinned) <= max(limit, n if n <= limit else 0)
    assert thinned.min() == y.min() and thinned.max() == y.max()
    assert (np.diff(x) > 0).all()
    np.testing.assert_array_equal(y[x], thinned)


def test_thin_keeps_single_spikes() -> None:
    y = np.zeros(100_000)
    y[[17, 50_001, 99_998]] = [5, -7, 9]
    _, thinned = style.thin(np.arange(len(y)), y)
    assert set(thinned) == {0, 5, -7, 9}


def test_log_axis_has_readable_ticks() -> None:
    """Losses from 0.05 to 0.9 have ticks in between; from 0.0001 to 1 only powers of ten are labeled."""
    narrow = style.log_axis(np.array([0.05, 0.9]))
    assert [text for text in narrow["ticktext"] if 0.05 <= float(text) <= 1] == ["0.05", "0.1", "0.2", "0.5", "1"]
    assert style.log_axis(np.array([1e-4, 1.0]))["dtick"] == 1
    assert style.log_axis(np.array([0.0]))["type"] == "log"
    assert "tickvals" not in style.log_axis(np.array([2.302, 2.305]))


def test_split_colors_have_contrast_on_light_and_dark_backgrounds() -> None:
    """At least 3 to 1 (WCAG 1.4.11)."""
    for color in style.SPLIT_COLORS.values():
        assert contrast(color, "#FFFFFF") >= 3
        assert contrast(color, "#0E1117") >= 3


def contrast(first: str, second: str) -> float:
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def luminance(color: str) -> float:
    parts = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
