"""Why a point of a series raised an alarm: the window behind it, the copy of it, and what its error leans on.

The number explained is the window's reconstruction error: the mean distance between what the model saw and its copy.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from dlcore.data.custom import registry as own
from dlcore.data.series.series import MinMaxScaler, Series
from dlcore.data.splits import Prepared
from dlcore.explanation.agreement import rank_correlation
from dlcore.explanation.attribution import Attribution, attribute
from dlcore.projects.anomaly.project import AnomalyData, view_of
from dlcore.projects.anomaly.scores import ScaledRows, View
from dlcore.projects.run_config import RunConfig

CLOCK = ("time of day (sine)", "time of day (cosine)", "day of week (sine)", "day of week (cosine)")
ROWS = 48
"""Rows looked at together where the model judges each by itself."""
_VALUE_ALONE = ("value window", "folded window")
MOST_BLOCKS = 24
"""Feature ablation takes out at most so many stretches of time, for each channel."""
TRUSTED = 0.05
"""Contributions may miss what they explain by this share of it and still be called trustworthy."""
SETTLING = (64, 256, 512)
"""Steps of integrated gradients, tried in turn until the sum is trusted."""

Nothing = Literal["usual", "mean"]
"""What a window is compared with: the usual values of its time of the period, or the training part's mean, which
hides the time from the model as well."""


@dataclass(frozen=True)
class Reconstruction:
    """A window as the model saw and rebuilt it.

    times (L,) epoch milliseconds; seen and rebuilt (L,) in the series' own units; errors (L, G) the distance of each
    place and rebuilt channel; at is the place of the alarm; first the window's first point in the series.
    """

    times: np.ndarray
    seen: np.ndarray
    rebuilt: np.ndarray
    errors: np.ndarray
    at: int
    first: int

    @property
    def by_point(self) -> np.ndarray:
        """(L,) each point's part of the error: their mean is the window's error."""
        found: np.ndarray = self.errors.mean(axis=1)
        return found


@dataclass(frozen=True)
class ErrorAttribution:
    """What a window's error leans on, by integrated gradients and by feature ablation, both (L, C).

    output is the window's error, floor that of the window it is compared with, delta how far the gradients' sum misses
    their difference, agreement the rank correlation of the two over the blocks (not a number where all are equal).
    """

    channels: tuple[str, ...]
    gradients: np.ndarray
    ablation: np.ndarray
    output: float
    floor: float
    delta: float
    steps: int
    agreement: float

    @property
    def trusted(self) -> bool:
        """Whether the gradients add up closely enough."""
        return abs(self.delta) <= TRUSTED * abs(self.output - self.floor)


class WindowErrors(nn.Module):
    """A model of any view as (N, L, C) windows of channels -> (N, L, G) squared errors by place and rebuilt channel."""

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
    """The window behind the score of a point, `place` counted over the whole series.

    A score leans on the windows that end at its point or, where scores are means over some time, in that time before
    it; of these the one that the model rebuilds worst. Where the model judges each row by itself, the rows around.
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
    module: nn.Module, prepared: Prepared, config: RunConfig, found: Reconstruction, *, nothing: Nothing = "usual"
) -> ErrorAttribution:
    """What the error of a window leans on, over time and channel."""
    view, length = view_of(config), len(found.times)
    window, *held = _windows(prepared, np.array([found.first]), length=length, view=view)
    baseline = _nothing(prepared, found.first, length=length, channels=window.shape[2], nothing=nothing)
    measured, inputs = WindowErrors(module, view), (window, *held)
    for steps in SETTLING:
        slopes = attribute(measured, inputs, window_error, baseline=baseline, steps=steps)
        gap = float(slopes.output[0] - slopes.baseline_output[0])
        if abs(_delta(slopes)) <= TRUSTED * abs(gap):
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
        floor=float(slopes.baseline_output[0]),
        delta=_delta(slopes),
        steps=steps,
        agreement=rank_correlation(sums, effects),
    )


def channels(config: RunConfig) -> tuple[str, ...]:
    """What the model's input channels are, in words."""
    value = "value" if own.is_custom(config.dataset) else "count"
    return (value,) if view_of(config) in _VALUE_ALONE else (value, *CLOCK)


def scores_rows(config: RunConfig) -> bool:
    """Whether the model looks at one row at a time."""
    return view_of(config) == "row"


def window_length(prepared: Prepared, config: RunConfig) -> int:
    """Points of a window, or of the rows looked at together."""
    points = len(prepared.source["rows"])
    return min(ROWS, points) if view_of(config) == "row" else int(prepared.facts["window"])


def _delta(found: Attribution) -> float:
    return 0.0 if found.delta is None else float(found.delta[0])


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
    found: np.ndarray = scaler.low[0] + (scaler.high[0] - scaler.low[0]) * rebuilt.double().numpy()
    return found


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
