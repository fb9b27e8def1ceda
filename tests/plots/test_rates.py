"""Curve of the range test: its scale follows the falling loss, not the diverged end."""

import numpy as np

from dlcore.plots.rates import loss_by_rate


def test_divergence_does_not_flatten_the_fall():
    rates = np.logspace(-6, 0, 60)
    losses = np.r_[np.linspace(2.3, 1.0, 50), np.linspace(1.0, 500.0, 10)]
    low, high = loss_by_rate(rates, losses, losses, suggestion=2e-3).layout.yaxis.range
    assert low < 1.0 and 2.3 < high < 4.0
    low, high = loss_by_rate(rates, np.ones(60), np.ones(60), suggestion=2e-3).layout.yaxis.range
    assert low < 1.0 < high
