"""Code and data of the training script of an autoencoder that detects anomalies in a series."""

import numpy as np

from dlcore.core.errors import RunError
from dlcore.data.series.series import calendar
from dlcore.data.splits import Prepared
from dlcore.evaluation.smoothing import trailing_mean
from dlcore.projects.anomaly import project, streaming
from dlcore.projects.anomaly.models import AnomalyData, view_of
from dlcore.projects.project import RunConfig
from dlcore.runs.standalone.script import TaskCode

RULES = {
    "maximum": "held_out.max()",
    "quantile": "np.quantile(held_out, 0.995)",
    "mean_std": "held_out.mean() + 3 * held_out.std()",
}
"""Threshold by rule, as `evaluation.anomaly.threshold_of` computes it."""


def anomaly_code(config: RunConfig, prepared: Prepared) -> TaskCode:
    """Return the code of a run of one autoencoder of rows or windows.

    Raises:
        RunError: its model is an ensemble or is not trained.
    """
    view, options = view_of(config), config.data_as(AnomalyData)
    if view not in ("row", "window", "value window"):
        raise RunError(f"'{config.model}' is an ensemble over folds of the series, too long for a training script.")
    series, spans = prepared.source["series"], prepared.source["spans"]
    ends = (spans["train"].stop, spans["validation"].stop)
    is_validated = project.threshold_mask(series.times[: ends[1]], ends, config)
    if options.threshold_rule not in RULES:
        raise RunError("the threshold midway between ordinary days and holidays is not part of a training script.")
    arrays = {
        "times": series.times,
        "values": series.values,
        "labels": series.labels,
        "left_out": prepared.source["left_out"],
        "ends": np.array(ends),
        "sets_threshold": is_validated,
    }
    smooth = streaming.smoothing_points(config, series.step_ms)
    length = 1 if view == "row" else options.window
    cycles = repr(tuple(prepared.preprocessing["cycles"])).replace("'", '"')
    features = 'data["values"][:, None]'
    if view != "value window":
        features = f'np.column_stack([data["values"], calendar(data["times"], {cycles})])'
    windows = {
        "row": "rows",
        "window": "rows.unfold(0, LENGTH, 1).transpose(1, 2)",
        "value window": "rows.unfold(0, LENGTH, 1)",
    }[view]
    mean = {"row": "dim=1, keepdim=True", "window": "dim=2", "value window": "dim=1"}[view]
    score = f"    errors[LENGTH - 1 :] = trailing_mean(errors[LENGTH - 1 :], {smooth})\n" if smooth > 1 else ""
    data = _DATA.replace("FEATURES", features).replace("WINDOWS", windows)
    test = _TEST.replace("AXIS", mean).replace("SCORES", score).replace("RULE", RULES[options.threshold_rule])
    return TaskCode(
        arrays=arrays,
        data=f"LENGTH = {length}  # points of a window\n\n\n{data}",
        test=test,
        loss="nn.functional.mse_loss(outputs, targets)",
        figures=("auc_pr", "roc_auc"),
        data_text="The series as rows of features, scaled to [0, 1] by its training part, and their windows.",
        test_text="The score of a point is the error at the end of the window that ends there.",
        objects=(*((calendar,) if view != "value window" else ()), *((trailing_mean,) if smooth > 1 else ())),
    )


_DATA = '''\
def load(path: str) -> dict[str, Tensor]:
    """Read the series, and scale its features by the range of the training points."""
    with np.load(path) as file:
        data = {name: file[name] for name in file.files}
    end = data["ends"][0]
    features = FEATURES
    known = features[:end][~data["left_out"][:end]]
    low, high = known.min(axis=0), known.max(axis=0)
    data["rows"] = ((features - low) / np.where(high > low, high - low, 1.0)).astype(np.float32)
    return {name: torch.from_numpy(value) for name, value in data.items()}


def windows(rows: Tensor) -> Tensor:
    """Return all windows of rows (T, F), one per first point."""
    return WINDOWS


def epoch_order(data: dict[str, Tensor], epoch: int) -> Tensor:
    """Return the training windows of an epoch in the order of the run, without those that touch excluded days."""
    left_out = data["left_out"][: int(data["ends"][0])].unfold(0, LENGTH, 1).any(dim=1)
    rows = torch.nonzero(~left_out)[:, 0]
    return rows[torch.randperm(len(rows), generator=generator(SEED, epoch))]


def batch(data: dict[str, Tensor], split: str, rows: Tensor, *, training: bool) -> tuple:
    """Return training windows as inputs and as targets."""
    x = windows(data["rows"][: int(data["ends"][0])])[rows].to(DEVICE)
    return (x,), x
'''

_TEST = '''\
def errors_of(model: nn.Module, data: dict[str, Tensor], start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
    """Return each point's error at the end of its window, and its mean error over all windows with it."""
    before = min(LENGTH - 1, start)
    parts = windows(data["rows"][start - before : stop].to(DEVICE)).split(1024)
    x = torch.cat([(model(part) - part).square().mean(AXIS).cpu() for part in parts]).numpy()  # (N, LENGTH)
    causal, total, count = np.zeros((3, stop - start + before))
    causal[LENGTH - 1 :] = x[:, -1]
    for i in range(LENGTH):
        total[i : i + len(x)] += x[:, i]
        count[i : i + len(x)] += 1
    return causal[before:], (total / count)[before:]


def validation_loss(model: nn.Module, data: dict[str, Tensor]) -> float:
    return float(errors_of(model, data, *data["ends"].tolist())[1].mean())


def test(model: nn.Module, data: dict[str, Tensor]) -> dict[str, float]:
    first, second = data["ends"].tolist()
    errors, _ = errors_of(model, data, 0, len(data["values"]))
SCORES    held_out = errors[:second][data["sets_threshold"].numpy()]
    threshold = RULE
    labels = data["labels"].numpy()[second:]
    print(f"threshold {threshold:.6g}: {int((errors[first:] > threshold).sum())} points above it after training")
    scores = {"auc_pr": average_precision_score, "roc_auc": roc_auc_score}
    return {name: float(score(labels, errors[second:])) for name, score in scores.items()}
'''
