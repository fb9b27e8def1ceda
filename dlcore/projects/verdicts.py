"""What a verdict adds where a run does not beat its baselines: train longer, or use the baseline."""

import dataclasses
from collections.abc import Collection

import numpy as np

from dlcore.evaluation.convergence import suggest_epochs
from dlcore.evaluation.metrics import baseline_title, lower_first, summarize
from dlcore.projects.project import Evaluation


def is_beaten(evaluation: Evaluation) -> bool:
    """Whether the best baseline ties with the run or beats it, by the run's main metric."""
    comparison = summarize(evaluation.metrics, evaluation.baselines)
    return comparison is not None and comparison.outcome in ("tie", "worse")


def advise(evaluation: Evaluation, losses: np.ndarray) -> Evaluation:
    """Say that training was too short if the run is beaten and its validation losses (E,) were still falling."""
    epochs = suggest_epochs(losses)
    if not epochs or not is_beaten(evaluation):
        return evaluation
    advised = dataclasses.replace(evaluation, suggested_epochs=epochs)
    return dataclasses.replace(advised, verdict=f"{describe_short_training(advised)} {evaluation.verdict}".strip())


def describe_short_training(evaluation: Evaluation) -> str:
    """The advice of a run that was trained too briefly; empty for others."""
    if not evaluation.suggested_epochs:
        return ""
    epochs = evaluation.suggested_epochs
    return f"Trained too briefly: the validation loss was still falling. Train for {epochs} epochs."


def offer_baseline(evaluation: Evaluation, usable: Collection[str]) -> Evaluation:
    """Say that the best baseline can be used for prediction, if it beats the run and is among the `usable` ones."""
    comparison = summarize(evaluation.metrics, evaluation.baselines)
    if comparison is None or comparison.outcome != "worse" or comparison.baseline not in usable:
        return evaluation
    title = lower_first(baseline_title(comparison.baseline, season=evaluation.season))
    text = f"The baseline “{title}” is better: choose it in Predict, or add --baseline {comparison.baseline}."
    return dataclasses.replace(evaluation, verdict=f"{evaluation.verdict} {text}".strip())
