"""Explain an alarm: the window behind it, its reconstruction, and the attribution of its error.

The number explained is the window's reconstruction error, the mean squared error over its points.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from dlcore.data.custom import registry as custom_registry
from dlcore.data.series.series import MinMaxScaler, Series
from dlcore.data.splits import Prepared, Split
from dlcore.explanation import findings
from dlcore.explanation.agreement import rank_correlation
from dlcore.explanation.attribution import Attribution, attribute
from dlcore.explanation.findings import CheckWording, SanityCheck
from dlcore.projects.anomaly.models import AnomalyData, view_of
from dlcore.projects.anomaly.scores import ScaledRows, View
from dlcore.projects.project import LoadedModel
from dlcore.projects.run_config import RunConfig

CLOCK = ("time of day (sine)", "time of day (cosine)", "day of week (sine)", "day of week (cosine)")
ROWS = 48
"""Rows looked at together where the model judges each by itself."""
_VALUE_ALONE = ("value window", "folded window")
MOST_BLOCKS = 24
"""Feature ablation takes out at most so many stretches of time, for each channel."""
STEPS = (64, 256, 512)
"""Steps of integrated gradients, tried in turn until the sum is complete."""
METHODS = {"integrated_gradients": "Integrated gradients", "feature_ablation": "Feature ablation"}

Nothing = Literal["usual", "mean"]
"""Baseline of a window: the usual values of its time of the period, or the training part's mean, which hides the time
from the model as well."""
BASELINES: dict[Nothing, str] = {
    "usual": "the same hours with their usual values (training medians)",
    "mean": "a window in which every channel, the time included, has its training mean",
}


@dataclass(frozen=True)
class Reconstruction:
    """A window and its reconstruction.

    times (L,): epoch milliseconds; seen, rebuilt (L,): in the series' units; errors (L, G): squared error by point and
    reconstructed channel; at: index of the alarm in the window; first: index of the window's first point in the series.
    """

    times: np.ndarray
    seen: np.ndarray
    rebuilt: np.ndarray
    errors: np.ndarray
    at: int
    first: int

    @property
    def by_point(self) -> np.ndarray:
        """(L,) error of each point; their mean is the window's error."""
        mean: np.ndarray = self.errors.mean(axis=1)
        return mean


@dataclass(frozen=True)
class ErrorAttribution:
    """Attribution of a window's error by integrated gradients and by feature ablation, both (L, C).

    output: the window's error; baseline_output: that of the baseline; delta: by how much the gradients' sum misses the
    difference; agreement: rank correlation of the two methods over the blocks, NaN where one is constant.
    """

    channels: tuple[str, ...]
    gradients: np.ndarray
    ablation: np.ndarray
    output: float
    baseline_output: float
    delta: float
    steps: int
    agreement: float


class WindowErrors(nn.Module):
    """Wraps a model of any view: (N, L, C) windows -> (N, L, G) squared errors by point and reconstructed channel."""

    def __init__(self, module: nn.Module, view: View) -> None:
        super().__init__()
        self.module, self.view = module, view

    def forward(self, window: Tensor, fold: Tensor, turn: Tensor) -> Tensor:
        """(N, L, C), (N, L) folds, (N,) places in the period -> (N, L, G)."""
        if self.view == "folded window":
            copies = self.module(window, fold, turn)  # (N, M, L)
            return (copies - window[:, None, :, 0]).square().mean(dim=1)[:, :, None]
        return (self.rebuilt(window) - window).square()

    def rebuilt(self, window: Tensor) -> Tensor:
        """(N, L, C) -> (N, L, C), for models that take nothing else."""
        if self.view == "row":
            copies: Tensor = self.module(window.flatten(0, 1)).unflatten(0, window.shape[:2])
        elif self.view == "value window":
            copies = self.module(window.transpose(1, 2)).transpose(1, 2)
        else:
            copies = self.module(window)
        return copies


def window_error(inputs: Tensor, errors: Tensor) -> Tensor:
    """(N, L, G) -> (N,): the number explained."""
    return errors.mean(dim=(1, 2))


def reconstruct(module: nn.Module, prepared: Prepared, config: RunConfig, place: int) -> Reconstruction:
    """The window behind the score of a point; `place` is its index in the whole series.

    A score depends on the windows that end at its point or, for smoothed scores, in the smoothing time before it; of
    these the one with the largest error. For models of single rows: the rows around the point.
    """
    view, points = view_of(config), len(prepared.source["rows"])
    length = window_length(prepared, config)
    if view == "row":
        starts = np.array([np.clip(place - length // 2, 0, points - length)])
    else:
        ends = np.arange(place - _reach(prepared, config) + 1, place + 1)
        starts = np.unique(np.clip(ends - length + 1, 0, points - length))
    measured = WindowErrors(module, view)
    with torch.no_grad():
        errors = measured(*_windows(prepared, starts, length=length, view=view))  # (n, L, G)
    worst = int(errors.mean(dim=(1, 2)).argmax())
    first = int(starts[worst])
    series: Series = prepared.source["series"]
    times = series.times[first : first + length]
    return Reconstruction(
        times=times,
        seen=series.values[first : first + length],
        rebuilt=_copy(module, prepared, config, first=first),
        errors=errors[worst].numpy(),
        at=int(np.clip(place - first, 0, length - 1)),
        first=first,
    )


def explain(
    module: nn.Module,
    prepared: Prepared,
    config: RunConfig,
    reconstruction: Reconstruction,
    *,
    nothing: Nothing = "usual",
) -> ErrorAttribution:
    """Attribution of a window's error over time and channel."""
    view, length = view_of(config), len(reconstruction.times)
    window, *held = _windows(prepared, np.array([reconstruction.first]), length=length, view=view)
    baseline = _nothing(prepared, reconstruction.first, length=length, channels=window.shape[2], nothing=nothing)
    measured, inputs = WindowErrors(module, view), (window, *held)
    for steps in STEPS:
        slopes = attribute(measured, inputs, window_error, baseline=baseline, steps=steps)
        if findings.is_complete(float(slopes.output[0]), float(slopes.baseline_output[0]), _delta(slopes), unit=0.0):
            break
    blocks = _blocks(length, window.shape[2])
    taken = attribute(
        measured, inputs, window_error, method="feature_ablation", baseline=baseline, blocks=torch.from_numpy(blocks)
    )
    names = np.unique(blocks)
    sums = np.array([slopes.values[0][blocks[0] == name].sum() for name in names])
    effects = np.array([taken.values[0][blocks[0] == name].mean() for name in names])
    return ErrorAttribution(
        channels=channels(config),
        gradients=slopes.values[0],
        ablation=taken.values[0],
        output=float(slopes.output[0]),
        baseline_output=float(slopes.baseline_output[0]),
        delta=_delta(slopes),
        steps=steps,
        agreement=rank_correlation(sums, effects),
    )


def check_attribution(result: ErrorAttribution, nothing: Nothing) -> tuple[SanityCheck, ...]:
    """Completeness of the integrated gradients, and their agreement with feature ablation."""
    wording = CheckWording(
        thing="window",
        parts="points",
        baseline=BASELINES[nothing],
        quantity="The window's reconstruction error",
        unit=0.0,
    )
    first, second = METHODS.values()
    return (
        findings.check_completeness(result.output, result.baseline_output, result.delta, of=wording),
        findings.check_agreement(result.agreement, first=first, second=second, of=wording),
    )


def explain_series(
    loaded: LoadedModel, series: Series, rows: ScaledRows, place: int, *, method: str, nothing: Nothing = "usual"
) -> dict[str, Any]:
    """Attribution of the error behind one point of a series that is not the run's own, as a JSON-able dict.

    The usual values are those of the series itself, since a bundle does not hold the training part.
    """
    empty = Split((torch.zeros(0),), torch.zeros(0), np.zeros(0, np.int64))
    source = {
        "rows": rows,
        "series": series,
        "spans": {"train": slice(0, len(rows))},
        "left_out": np.zeros(len(rows), bool),
    }
    prepared = Prepared(empty, empty, empty, loaded.facts, loaded.preprocessing, source=source)
    window = reconstruct(loaded.module, prepared, loaded.config, place)
    result = explain(loaded.module, prepared, loaded.config, window, nothing=nothing)
    values = result.gradients if method == "integrated_gradients" else result.ablation
    times = [str(np.datetime64(int(time), "ms").astype("datetime64[m]")) for time in window.times]
    moment = str(np.datetime64(int(series.times[place]), "ms").astype("datetime64[m]"))
    top = times[int(values.sum(axis=1).argmax())]
    return {
        "method": METHODS[method],
        "methods": list(METHODS),
        "target": moment,
        "summary": f"The error of the window behind {moment} depends most on {top}.",
        "contributions": [
            {"part": f"{name}, {time}", "value": float(values[row, column])}
            for row, time in enumerate(times)
            for column, name in enumerate(result.channels)
        ],
        "checks": [check.as_json() for check in check_attribution(result, nothing)],
        "output": result.output,
        "baseline_output": result.baseline_output,
    }


def channels(config: RunConfig) -> tuple[str, ...]:
    """Names of the model's input channels."""
    value = "value" if custom_registry.is_custom(config.dataset) else "count"
    return (value,) if view_of(config) in _VALUE_ALONE else (value, *CLOCK)


def scores_rows(config: RunConfig) -> bool:
    """Whether the model reads one row at a time."""
    return view_of(config) == "row"


def window_length(prepared: Prepared, config: RunConfig) -> int:
    """Points of a window, or of the rows looked at together."""
    points = len(prepared.source["rows"])
    return min(ROWS, points) if view_of(config) == "row" else int(prepared.facts["window"])


def _delta(attribution: Attribution) -> float:
    return 0.0 if attribution.delta is None else float(attribution.delta[0])


def _reach(prepared: Prepared, config: RunConfig) -> int:
    """Points whose errors a score is the mean of."""
    hours = config.data_as(AnomalyData).smoothing_h
    return max(1, round(hours * 3_600_000 / int(prepared.preprocessing["step_ms"])))


def _windows(prepared: Prepared, starts: np.ndarray, *, length: int, view: View) -> tuple[Tensor, Tensor, Tensor]:
    """(n, L, C) windows, (n, L) folds and (n,) places in the period, from their first points (n,)."""
    rows: ScaledRows = prepared.source["rows"]
    places = starts[:, None] + np.arange(length)
    seen = rows.scaled[places]
    seen = seen[:, :, :1] if view in _VALUE_ALONE else seen
    return torch.from_numpy(seen), torch.from_numpy(rows.folds[places]), torch.from_numpy(rows.places[starts])


def _copy(module: nn.Module, prepared: Prepared, config: RunConfig, *, first: int) -> np.ndarray:
    """(L,) the value channel as rebuilt, in the series' own units; the mean over the networks where there are many."""
    view, length = view_of(config), window_length(prepared, config)
    window, fold, turn = _windows(prepared, np.array([first]), length=length, view=view)
    with torch.no_grad():
        if view == "folded window":
            rebuilt = module(window, fold, turn)[0].mean(dim=0)
        else:
            rebuilt = WindowErrors(module, view).rebuilt(window)[0, :, 0]
    scaler = MinMaxScaler.from_json(prepared.preprocessing["scaler"])
    values: np.ndarray = scaler.low[0] + (scaler.high[0] - scaler.low[0]) * rebuilt.double().numpy()
    return values


def _nothing(prepared: Prepared, first: int, *, length: int, channels: int, nothing: Nothing) -> Tensor:
    """(1, L, C) what the window is compared with, from the training part alone."""
    series: Series = prepared.source["series"]
    rows, train = prepared.source["rows"].scaled, prepared.source["spans"]["train"]
    learnt = np.zeros(len(rows), bool)
    learnt[train] = ~prepared.source["left_out"][train]
    mean = np.tile(rows[learnt].mean(axis=0), (length, 1))
    if nothing == "usual":
        mean[:] = rows[first : first + length]
        mean[:, 0] = _usual(series, rows[:, 0], learnt, first=first, length=length)
    return torch.from_numpy(mean[None, :, :channels].astype(np.float32))


def _usual(series: Series, values: np.ndarray, learnt: np.ndarray, *, first: int, length: int) -> np.ndarray:
    """(L,) the training median of each point's place in the period; of all where a place was never seen."""
    middle = float(np.median(values[learnt]))
    if series.period < 2:
        return np.full(length, middle)
    places = np.arange(len(values)) % series.period
    found = np.empty(length)
    for point in range(length):
        alike = values[learnt & (places == (first + point) % series.period)]
        found[point] = np.median(alike) if len(alike) else middle
    return found


def _blocks(length: int, channels: int) -> np.ndarray:
    """(1, L, C) whole numbers: stretches of time by channel."""
    each = -(-length // MOST_BLOCKS)
    stretch = np.arange(length) // each
    return (stretch[:, None] * channels + np.arange(channels))[None].astype(np.int64)
