"""Code and data of the training script of an autoencoder that detects anomalies in a series."""

import numpy as np

from dlcore.core.errors import RunError
from dlcore.data.series.series import calendar
from dlcore.data.splits import Prepared
from dlcore.evaluation.smoothing import trailing_mean
from dlcore.models.calendar_autoencoder import CalendarAutoencoderConfig
from dlcore.projects.anomaly import project, streaming
from dlcore.projects.anomaly.models import AnomalyData, view_of
from dlcore.projects.anomaly.scores import STORED, View, error_scale
from dlcore.projects.project import RunConfig
from dlcore.runs.standalone.loop import fill
from dlcore.runs.standalone.script import TaskCode

RULES = {
    "maximum": "held_out.max()",
    "quantile": "np.quantile(held_out, 0.995)",
    "mean_std": "held_out.mean() + 3 * held_out.std()",
    "midway": '(scores[:second][data["is_ordinary"].numpy()].max() + held_out.max()) / 2',
}
"""Threshold by rule, as `projects.anomaly.evaluation.threshold_of` computes it."""
VALUES_ONLY: tuple[View, ...] = ("value window", "folded window")
WINDOWS: dict[View, str] = {
    "row": "rows",
    "window": "rows.unfold(0, LENGTH, 1).transpose(1, 2)",
    "folded window": "rows.unfold(0, LENGTH, 1).transpose(1, 2)",
    "value window": "rows.unfold(0, LENGTH, 1)",
}
AXES: dict[View, str] = {"row": "dim=1, keepdim=True", "window": "dim=2", "value window": "dim=1"}
"""View -> argument of the mean over features."""


def anomaly_code(config: RunConfig, prepared: Prepared) -> TaskCode:
    """Return the code of a run of autoencoders of rows or windows.

    Raises:
        RunError: its model is not trained by reconstruction.
    """
    view, options, facts = view_of(config), config.data_as(AnomalyData), prepared.facts
    if view in STORED:
        raise RunError(f"'{config.model}' stores the training values and compares windows with them: see the bundle.")
    series, spans = prepared.source["series"], prepared.source["spans"]
    ends = (spans["train"].stop, spans["validation"].stop)
    is_validated = project.threshold_mask(series.times[: ends[1]], ends, config)
    arrays = {
        "times": series.times,
        "values": series.values,
        "labels": series.labels,
        "left_out": prepared.source["left_out"],
        "ends": np.array(ends),
        "sets_threshold": is_validated,
    }
    if options.threshold_rule == "midway":
        arrays["is_ordinary"] = is_validated & ~project._holiday_mask(series.times[: ends[1]], config)
    values = {"folds": 0, "seeds": 0, "members": 0}
    if view == "folded window":
        rows, network = prepared.source["rows"], config.model_as(CalendarAutoencoderConfig)
        arrays |= {"folds": rows.folds, "places": rows.places}
        values = {"folds": network.folds, "seeds": network.seeds, "members": network.folds * network.seeds}
    smooth = streaming.smoothing_points(config, series.step_ms)
    cycles = repr(tuple(prepared.preprocessing["cycles"])).replace("'", '"')
    is_calendar = view not in VALUES_ONLY
    template = {
        "features": f'np.column_stack([data["values"], calendar(data["times"], {cycles})])'
        if is_calendar
        else 'data["values"][:, None]',
        "windows": WINDOWS[view],
        "axis": AXES.get(view, ""),
        "smooth": smooth,
        "places": facts["places"],
        "rule": RULES[options.threshold_rule],
        **values,
    }
    flags = ["folded" if view == "folded window" else "plain", *(["smooth"] if smooth > 1 else [])]
    objects = ((calendar, is_calendar), (trailing_mean, smooth > 1), (error_scale, "folded" in flags))
    length = 1 if view == "row" else options.window
    return TaskCode(
        arrays=arrays,
        data=f"LENGTH = {length}  # points of a window\n\n\n{fill(_DATA, *flags, **template)}",
        test=fill(_FOLDED if "folded" in flags else _ERRORS, *flags, **template) + "\n\n\n" + fill(_TEST, **template),
        loss="nn.functional.mse_loss(outputs, targets)",
        figures=("auc_pr", "roc_auc"),
        data_text="The series as rows of features, scaled to [0, 1] by its training part, and their windows.",
        test_text="The score of a point is the error at the end of the window that ends there.",
        objects=tuple(each for each, is_used in objects if is_used),
    )


_DATA = '''\
def load(path: str) -> dict[str, Tensor]:
    """Read the series, and scale its features by the range of the training points."""
    with np.load(path) as file:
        data = {name: file[name] for name in file.files}
    end = data["ends"][0]
    features = $features
    known = features[:end][~data["left_out"][:end]]
    low, high = known.min(axis=0), known.max(axis=0)
    data["rows"] = ((features - low) / np.where(high > low, high - low, 1.0)).astype(np.float32)
    return {name: torch.from_numpy(value) for name, value in data.items()}


def windows(rows: Tensor) -> Tensor:
    """Return all windows of rows (T, F), one per first point."""
    return $windows


def epoch_order(data: dict[str, Tensor], epoch: int) -> Tensor:
    """Return the training windows of an epoch in the order of the run, without those that touch excluded days."""
    left_out = data["left_out"][: int(data["ends"][0])].unfold(0, LENGTH, 1).any(dim=1)
    rows = torch.nonzero(~left_out)[:, 0]
    return rows[torch.randperm(len(rows), generator=generator(SEED, epoch))]


?folded|def inputs_of(data: dict[str, Tensor], start: int, stop: int) -> tuple[Tensor, ...]:
?folded|    """Return the windows of some points, the folds of their points, and their positions in the period."""
?folded|    part = {name: data[name][start:stop].to(DEVICE) for name in ("rows", "folds", "places")}
?folded|    x = windows(part["rows"])
?folded|    return x, part["folds"].unfold(0, LENGTH, 1), part["places"][: len(x)]
?folded|
?folded|
def batch(data: dict[str, Tensor], split: str, rows: Tensor, *, training: bool) -> tuple:
    """Return training windows as inputs and as targets."""
?folded|    inputs = tuple(each[rows] for each in inputs_of(data, 0, int(data["ends"][0])))
?folded|    return inputs, inputs[0][:, None, :, 0].expand(-1, $members, -1)
?plain|    x = windows(data["rows"][: int(data["ends"][0])])[rows].to(DEVICE)
?plain|    return (x,), x
'''

_ERRORS = '''\
def errors_of(model: nn.Module, data: dict[str, Tensor], start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
    """Return each point's error at the end of its window, and its mean error over all windows with it."""
    before = min(LENGTH - 1, start)
    parts = windows(data["rows"][start - before : stop].to(DEVICE)).split(1024)
    x = torch.cat([(model(part) - part).square().mean($axis).cpu() for part in parts]).numpy()  # (N, LENGTH)
    causal, total, count = np.zeros((3, stop - start + before))
    causal[LENGTH - 1 :] = x[:, -1]
    for i in range(LENGTH):
        total[i : i + len(x)] += x[:, i]
        count[i : i + len(x)] += 1
    return causal[before:], (total / count)[before:]


def validation_loss(model: nn.Module, data: dict[str, Tensor]) -> float:
    return float(errors_of(model, data, *data["ends"].tolist())[1].mean())


def scores_of(model: nn.Module, data: dict[str, Tensor]) -> np.ndarray:
    errors, _ = errors_of(model, data, 0, len(data["values"]))
?smooth|    errors[LENGTH - 1 :] = trailing_mean(errors[LENGTH - 1 :], $smooth)
    return errors
'''

_FOLDED = '''\
def errors_of(model: nn.Module, data: dict[str, Tensor], start: int, stop: int) -> np.ndarray:
    """Return each point's error (n, $seeds) at the end of its window, by networks that did not learn from it."""
    before, errors = min(LENGTH - 1, start), []
    for x, *rest in zip(*(each.split(1024) for each in inputs_of(data, start - before, stop))):
        squares = (model(x, *rest) - x[:, None, :, 0]).square()[:, :, -1]
        errors.append(squares.unflatten(1, ($seeds, -1)).mean(dim=2).cpu().double())
    causal = np.zeros((stop - start + before, $seeds))
    causal[LENGTH - 1 :] = torch.cat(errors).numpy()
    return causal[before:]


def validation_loss(model: nn.Module, data: dict[str, Tensor]) -> float:
    return float(errors_of(model, data, *data["ends"].tolist()).mean())


def scores_of(model: nn.Module, data: dict[str, Tensor]) -> np.ndarray:
    """Return the mean over the seeds of errors relative to those of ordinary training points at the same position."""
    end, folds, places = int(data["ends"][0]), data["folds"].numpy(), data["places"].numpy()
    errors, usable = errors_of(model, data, 0, len(folds)), data["sets_threshold"].numpy()[:end]
    for column in errors.T:
        others = [usable & (folds[:end] != fold) for fold in range($folds + 1)]
        scale = np.stack([error_scale(column[:end][rows], places[:end][rows], count=$places) for rows in others])
        column /= scale[folds % ($folds + 1), places % $places] ** 2
?smooth|        column[LENGTH - 1 :] = trailing_mean(column[LENGTH - 1 :], $smooth)
    return errors.mean(axis=1)
'''

_TEST = """\
def test(model: nn.Module, data: dict[str, Tensor]) -> dict[str, float]:
    first, second = data["ends"].tolist()
    scores = scores_of(model, data)
    held_out = scores[:second][data["sets_threshold"].numpy()]
    threshold = $rule
    labels = data["labels"].numpy()[second:]
    print(f"threshold {threshold:.6g}: {int((scores[first:] > threshold).sum())} points above it after training")
    areas = {"auc_pr": average_precision_score, "roc_auc": roc_auc_score}
    return {name: float(area(labels, scores[second:])) for name, area in areas.items()}
"""
