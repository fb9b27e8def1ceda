"""Titles of models and datasets, and the summary of a run, as pickers, bars and legends show them."""

from dlcore.core.errors import WorkbenchError
from dlcore.data.sources import locate as sources
from dlcore.evaluation.metrics import BaselineComparison, summarize, with_smoothing
from dlcore.runs import Run


def model_title(slug: str, model: str) -> str:
    """Return the title of a model; its name in words for one of another version."""
    from dlcore import projects  # imports torch, so it runs when a page needs it

    try:
        return projects.get(slug).models[model].title
    except (WorkbenchError, KeyError):
        return model.replace("_", " ")


def data_title(name: str) -> str:
    """Return the short title of a dataset: without size and format."""
    try:
        return sources.get_dataset(name).title.partition(",")[0]
    except WorkbenchError:
        return name.rpartition(":")[2].replace("_", " ")


def summarize_run(run: Run) -> BaselineComparison | None:
    """Compare a tested run with its best baseline of the same smoothing; None before its test."""
    bundle = run.bundle
    if bundle is None:
        return None
    evaluation = bundle.evaluation
    return summarize(evaluation.metrics, with_smoothing(evaluation.baselines, run.config.flat.get("smoothing_h")))
