"""Titles of models and datasets, and the score of a run, as pickers, bars and legends show them."""

from dlcore.core.errors import WorkbenchError
from dlcore.data.sources import locate as sources
from dlcore.evaluation.metrics import (
    HEADLINE,
    METRICS,
    BaselineComparison,
    format_metric,
    lower_first,
    summarize,
    with_smoothing,
)
from dlcore.runs import Record, Run


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


def format_score(record: Record) -> str:
    """Return the main test metric of a run, "accuracy 89.1 %"; empty before its test."""
    name = next((name for name in HEADLINE if name in record.metrics), "")
    return f"{lower_first(METRICS[name].title)} {format_metric(name, record.metrics[name])}" if name else ""


def summarize_run(run: Run) -> BaselineComparison | None:
    """Compare a tested run with its best baseline of the same smoothing; None before its test."""
    bundle = run.bundle
    if bundle is None:
        return None
    evaluation = bundle.evaluation
    return summarize(evaluation.metrics, with_smoothing(evaluation.baselines, run.config.flat.get("smoothing_h")))
