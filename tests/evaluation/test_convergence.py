"""When training ended too early."""

import numpy as np
import pytest

from dlcore.evaluation.convergence import suggest_epochs


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([1.0, 0.8, 0.6, 0.4], 10),  # still falling: twice as many, at least ten
        (np.linspace(1, 0.1, 20), 40),
        ([1.0, 0.5], 10),
        ([1.0, 0.5, 0.4, 0.39], 0),  # a gain of 2.5 %
        ([1.0, 0.5, 0.3, 0.35], 0),  # the best epoch is not the last
        ([1.0], 0),
        ([], 0),
        ([-1.0, -1.2, -1.4, -1.6], 10),  # a negative log-likelihood
        ([1.0, 0.5, np.nan], 0),
    ],
)
def test_epochs_are_suggested_only_if_the_loss_was_still_falling(losses, expected):
    assert suggest_epochs(np.array(losses, float)) == expected
