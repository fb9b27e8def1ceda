"""Advice in the verdict of a run that does not beat its baselines."""

import numpy as np
import pytest

from dlcore.projects import verdicts
from dlcore.projects.project import Evaluation

FALLING, FLAT = np.array([1.0, 0.8, 0.6, 0.4]), np.array([1.0, 0.5, 0.4, 0.4])


def evaluation(accuracy, baseline):
    ends = {"accuracy_low": accuracy - 0.05, "accuracy_high": accuracy + 0.05}
    return Evaluation({"accuracy": accuracy, **ends}, {"majority": {"accuracy": baseline}}, verdict="Accuracy 60 %.")


def test_a_beaten_run_whose_loss_was_falling_was_trained_too_briefly():
    advised = verdicts.advise(evaluation(0.6, 0.9), FALLING)
    assert advised.suggested_epochs == 10
    assert advised.verdict == (
        "Trained too briefly: the validation loss was still falling. Train for 10 epochs. Accuracy 60 %."
    )


@pytest.mark.parametrize(("accuracy", "losses"), [(0.6, FLAT), (0.95, FALLING)])
def test_no_advice_for_a_converged_run_or_a_better_one(accuracy, losses):
    evaluated = evaluation(accuracy, 0.8)
    assert verdicts.advise(evaluated, losses) == evaluated and verdicts.describe_short_training(evaluated) == ""
