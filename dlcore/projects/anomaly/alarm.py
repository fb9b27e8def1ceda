"""Explain an alarm: the window behind it, its reconstruction, and the attribution of its error.

The explained quantity is the window's reconstruction error: the mean squared error over its points.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import torch
from torch import Tensor, nn

from dlcore.data.custom import registry as custom_registry
from dlcore.data.series.series import CYCLES, MinMaxScaler, Series
from dlcore.data.splits import Prepared, Split
from dlcore.explanation import findings
from dlcore.explanation.agreement import rank_correlation
from dlcore.explanation.attribution import Attribution, attribute
from dlcore.explanation.findings import CheckWording, SanityCheck
from dlcore.models.nearest_windows import NearestWindowsByColumn
from dlcore.models.patch_network import Match, PatchNetwork
from dlcore.projects.anomaly.detector_model import SEASONAL_MEDIAN
from dlcore.projects.anomaly.models import AnomalyData, view_of
from dlcore.projects.anomaly.scores import ENSEMBLES, ScaledRows, View, weight_by_length, worst_column
from dlcore.projects.anomaly.scores import errors as score_errors
from dlcore.projects.project import LoadedModel
from dlcore.projects.run_config import RunConfig

CLOCK = {
    "day": ("time of day (sine)", "time of day (cosine)"),
    "week": ("day of week (sine)", "day of week (cosine)"),
}
"""Names of the time features of each cycle."""
ROWS = 48
"""Number of rows in the window of a model that scores each row separately."""
_VALUE_ALONE = ("value window", *ENSEMBLES)
MOST_BLOCKS = 24
"""Maximum number of time blocks per channel in feature ablation."""
STEPS = (64, 256, 512)
"""Integration steps of integrated gradients; the next number is used if completeness fails."""
METHODS = {"integrated_gradients": "Integrated gradients", "feature_ablation": "Feature ablation"}

BaselineKind = Literal["usual", "mean"]
"""Baseline of a window: the training medians at the same positions in the period, or the training mean of every
channel, which removes the time of day as well."""
BASELINES: dict[BaselineKind, str] = {
    "usual": "the same hours at their training medians",
    "mean": "a window with every channel, including the time, at its training mean",
}


@dataclass(frozen=True)
class Reconstruction:
    """A window and its reconstruction.

    times (L,): epoch milliseconds; observed, rebuilt (L,): in the series' units; errors (L, G): squared error by point
    and reconstructed channel; at: index of the alarm in the window; first: index of its first point in the series;
    stored_at: time of the first point of the stored patch that `rebuilt` is, None for other models; column: of a table,
    the one shown.
    """

    times: np.ndarray
    observed: np.ndarray
    rebuilt: np.ndarray
    errors: np.ndarray
    at: int
    first: int
    stored_at: int | None = None
    column: str = ""

    @property
    def by_point(self) -> np.ndarray:
        """Error (L,) of each point; their mean is the window's error."""
        mean: np.ndarray = self.errors.mean(axis=1)
        return mean


@dataclass(frozen=True)
class ErrorAttribution:
    """Attribution of a window's error by integrated gradients and by feature ablation, both (L, C).

    output: the window's error; baseline_output: that of the baseline; delta: completeness gap of the integrated
    gradients; agreement: rank correlation of the two methods over the blocks, NaN if one is constant.
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
        """Squared errors (N, L, G) of windows (N, L, C) with folds (N, L) and positions in the period (N,)."""
        if self.view == "patch window":
            match = cast(PatchNetwork, self.module).match(window, fold, turn)
            gaps = self._difference(window, match)
            return (match.distance.to(window)[:, None] * gaps / gaps.mean(dim=1, keepdim=True))[:, :, None]
        if self.view in ENSEMBLES:
            squares = (self.module(window, fold, turn) - window[:, None, :, 0]).square()  # (N, M, L)
            is_nearest = self.view == "nearest window"
            return (weight_by_length(squares) if is_nearest else squares.mean(dim=1))[:, :, None]
        return (self.rebuilt(window) - window).square()

    def _difference(self, window: Tensor, match: Match) -> Tensor:
        """Squared difference (N, L) of windows from their nearest stored patches: which points differ."""
        stored = cast(PatchNetwork, self.module).stored_patch(window, match)
        return ((stored - window[:, :, 0]).square() + torch.finfo(window.dtype).tiny).detach()

    def rebuilt(self, window: Tensor) -> Tensor:
        """Reconstructions (N, L, C) of windows (N, L, C), for models with a single input."""
        if self.view == "row":
            copies: Tensor = self.module(window.flatten(0, 1)).unflatten(0, window.shape[:2])
        elif self.view == "value window":
            copies = self.module(window.transpose(1, 2)).transpose(1, 2)
        else:
            copies = self.module(window)
        return copies


def window_error(inputs: Tensor, errors: Tensor) -> Tensor:
    """Mean error (N,) of each window, from errors (N, L, G)."""
    return errors.mean(dim=(1, 2))


def select_column(
    module: nn.Module, prepared: Prepared, config: RunConfig, place: int
) -> tuple[nn.Module, Prepared, str]:
    """Return detector, data and name of the column with the largest error at a point; of one series, its own and ""."""
    if not isinstance(module, NearestWindowsByColumn):
        return module, prepared, ""
    series, rows, count = prepared.source["series"], prepared.source["rows"], len(module)
    start = max(0, place - window_length(prepared, config) + 1)
    part = rows[start : start + window_length(prepared, config)]
    number = worst_column(score_errors(module, part, view=view_of(config), length=len(part)).causal[-1], module)
    scaler = prepared.preprocessing["scaler"]
    limits_of_column = {name: [limits[number], *limits[count:]] for name, limits in scaler.items()}
    source = {
        **prepared.source,
        "rows": rows.column(number, columns=count),
        "series": dataclasses.replace(series, values=series.columns[:, number], columns=None, names=()),
    }
    preprocessing = {**prepared.preprocessing, "scaler": limits_of_column}
    column = dataclasses.replace(prepared, source=source, preprocessing=preprocessing)
    return module[number], column, series.names[number]


def reconstruct(module: nn.Module, prepared: Prepared, config: RunConfig, place: int) -> Reconstruction:
    """The window behind the score of a point; `place` is its index in the whole series.

    A score depends on the windows that end at its point or, if smoothed, within the smoothing time before it; the one
    with the largest error is returned. For models of single rows: the rows around the point.
    """
    view, points = view_of(config), len(prepared.source["rows"])
    length = window_length(prepared, config)
    module, prepared, column = select_column(module, prepared, config, place)
    if view == "row":
        starts = np.array([np.clip(place - length // 2, 0, points - length)])
    else:
        ends = np.arange(place - _reach(prepared, config) + 1, place + 1)
        starts = np.unique(np.clip(ends - length + 1, 0, points - length))
    window_errors = WindowErrors(module, view)
    with torch.no_grad():
        errors = window_errors(*_windows(prepared, starts, length=length, view=view))  # (n, L, G)
    worst = int(errors.mean(dim=(1, 2)).argmax())
    first = int(starts[worst])
    series: Series = prepared.source["series"]
    times = series.times[first : first + length]
    rebuilt, stored_at = _copy(module, prepared, config, first=first)
    return Reconstruction(
        times=times,
        observed=series.values[first : first + length],
        rebuilt=rebuilt,
        errors=errors[worst].numpy(),
        at=int(np.clip(place - first, 0, length - 1)),
        first=first,
        stored_at=stored_at,
        column=column,
    )


def explain(
    module: nn.Module,
    prepared: Prepared,
    config: RunConfig,
    reconstruction: Reconstruction,
    *,
    baseline_kind: BaselineKind = "usual",
) -> ErrorAttribution:
    """Attribution of a window's error over time and channel."""
    view, length = view_of(config), len(reconstruction.times)
    module, prepared, _ = select_column(module, prepared, config, reconstruction.first + length - 1)
    window, *held = _windows(prepared, np.array([reconstruction.first]), length=length, view=view)
    baseline = _build_baseline(
        prepared, reconstruction.first, length=length, channels=window.shape[2], baseline_kind=baseline_kind
    )
    window_errors, inputs = WindowErrors(module, view), (window, *held)
    for steps in STEPS:
        gradients = attribute(window_errors, inputs, window_error, baseline=baseline, steps=steps)
        if findings.is_complete(
            float(gradients.output[0]), float(gradients.baseline_output[0]), _delta(gradients), unit=0.0
        ):
            break
    blocks = _blocks(length, window.shape[2])
    ablation = attribute(
        window_errors,
        inputs,
        window_error,
        method="feature_ablation",
        baseline=baseline,
        blocks=torch.from_numpy(blocks),
    )
    names = np.unique(blocks)
    sums = np.array([gradients.values[0][blocks[0] == name].sum() for name in names])
    effects = np.array([ablation.values[0][blocks[0] == name].mean() for name in names])
    return ErrorAttribution(
        channels=channels(config, prepared.preprocessing),
        gradients=gradients.values[0],
        ablation=ablation.values[0],
        output=float(gradients.output[0]),
        baseline_output=float(gradients.baseline_output[0]),
        delta=_delta(gradients),
        steps=steps,
        agreement=rank_correlation(sums, effects),
    )


def check_attribution(result: ErrorAttribution, baseline_kind: BaselineKind) -> tuple[SanityCheck, ...]:
    """Completeness of the integrated gradients, and their agreement with feature ablation."""
    wording = CheckWording(
        thing="window",
        parts="points",
        baseline=BASELINES[baseline_kind],
        quantity="The window's reconstruction error",
        unit=0.0,
    )
    first, second = METHODS.values()
    return (
        findings.check_completeness(result.output, result.baseline_output, result.delta, of=wording),
        findings.check_agreement(result.agreement, first=first, second=second, of=wording),
    )


def explain_series(
    loaded: LoadedModel,
    series: Series,
    rows: ScaledRows,
    place: int,
    *,
    method: str,
    baseline_kind: BaselineKind = "usual",
) -> dict[str, Any]:
    """Attribution of the error behind one point of a new series, as a JSON-able dict.

    The medians are those of the series itself, since a bundle has no training data.
    """
    prepared = _as_prepared(loaded, series, rows)
    window = reconstruct(loaded.module, prepared, loaded.config, place)
    attribution = explain(loaded.module, prepared, loaded.config, window, baseline_kind=baseline_kind)
    values = attribution.gradients if method == "integrated_gradients" else attribution.ablation
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
            for column, name in enumerate(attribution.channels)
        ],
        "checks": [check.as_json() for check in check_attribution(attribution, baseline_kind)],
        "output": attribution.output,
        "baseline_output": attribution.baseline_output,
    }


def reconstruct_series(loaded: LoadedModel, series: Series, rows: ScaledRows, place: int) -> Reconstruction:
    """The window behind the score of a point of a new series."""
    return reconstruct(loaded.module, _as_prepared(loaded, series, rows), loaded.config, place)


def _as_prepared(loaded: LoadedModel, series: Series, rows: ScaledRows) -> Prepared:
    empty = Split((torch.zeros(0),), torch.zeros(0), np.zeros(0, np.int64))
    source = {
        "rows": rows,
        "series": series,
        "spans": {"train": slice(0, len(rows))},
        "left_out": np.zeros(len(rows), bool),
    }
    return Prepared(empty, empty, empty, loaded.facts, loaded.preprocessing, source=source)


def channels(config: RunConfig, preprocessing: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the model's input channels."""
    value = "value" if custom_registry.is_custom(config.dataset) else "count"
    names = [name for cycle in preprocessing.get("cycles", CYCLES) for name in CLOCK[cycle]]
    return (value,) if view_of(config) in _VALUE_ALONE else (value, *names)


def expected_name(config: RunConfig) -> str:
    """What is compared with the window: its reconstruction, or the most similar window or pattern of training."""
    if view_of(config) == "patch window":
        return "nearest stored pattern"
    if view_of(config) != "scored window":
        return "reconstruction"
    return "seasonal median" if config.model == SEASONAL_MEDIAN else "most similar training window"


def scores_rows(config: RunConfig) -> bool:
    """Whether the model reads one row at a time."""
    return view_of(config) == "row"


def window_length(prepared: Prepared, config: RunConfig) -> int:
    """Number of points in a window; for models of single rows, the number of rows shown."""
    points = len(prepared.source["rows"])
    return min(ROWS, points) if view_of(config) == "row" else int(prepared.facts["window"])


def _delta(attribution: Attribution) -> float:
    return 0.0 if attribution.delta is None else float(attribution.delta[0])


def _reach(prepared: Prepared, config: RunConfig) -> int:
    """Number of points in the running mean of a score."""
    hours = config.data_as(AnomalyData).smoothing_h
    return max(1, round(hours * 3_600_000 / int(prepared.preprocessing["step_ms"])))


def _windows(prepared: Prepared, starts: np.ndarray, *, length: int, view: View) -> tuple[Tensor, Tensor, Tensor]:
    """Windows (n, L, C), folds (n, L) and positions in the period (n,) by first point (n,)."""
    rows: ScaledRows = prepared.source["rows"]
    places = starts[:, None] + np.arange(length)
    inputs = rows.scaled[places]
    inputs = inputs[:, :, :1] if view in _VALUE_ALONE else inputs
    return torch.from_numpy(inputs), torch.from_numpy(rows.folds[places]), torch.from_numpy(rows.places[starts])


def _copy(module: nn.Module, prepared: Prepared, config: RunConfig, *, first: int) -> tuple[np.ndarray, int | None]:
    """Reconstruction (L,) of the value channel in the units of the series; the mean over an ensemble's networks.

    Of the patch network: the nearest stored patch, and the time of its first point if it is known.
    """
    stored_at = None
    view, length = view_of(config), window_length(prepared, config)
    window, fold, turn = _windows(prepared, np.array([first]), length=length, view=view)
    with torch.no_grad():
        if view in ENSEMBLES:
            if view == "patch window":
                network = cast(PatchNetwork, module)
                match = network.match(window, fold, turn)
                copies = network.stored_patch(window, match)  # (1, L)
                stored_at = _time_of(int(match.nearest[0]) - length + 1, prepared.preprocessing)
            else:
                copies = module(window, fold, turn)[0]  # (M, L)
            rebuilt = copies[0] if view == "nearest window" else copies.mean(dim=0)  # of the longest window
        else:
            rebuilt = WindowErrors(module, view).rebuilt(window)[0, :, 0]
    scaler = MinMaxScaler.from_json(prepared.preprocessing["scaler"])
    values: np.ndarray = scaler.low[0] + (scaler.high[0] - scaler.low[0]) * rebuilt.double().numpy()
    return values, stored_at


def _time_of(index: int, preprocessing: Mapping[str, Any]) -> int | None:
    """Time of a training point in epoch milliseconds; None if the training times are irregular."""
    first = preprocessing.get("first_ms")
    return None if first is None else int(first) + max(0, index) * int(preprocessing["step_ms"])


def _build_baseline(
    prepared: Prepared, first: int, *, length: int, channels: int, baseline_kind: BaselineKind
) -> Tensor:
    """Baseline window (1, L, C) of the attribution, from the training split only."""
    series: Series = prepared.source["series"]
    rows, train = prepared.source["rows"].scaled, prepared.source["spans"]["train"]
    is_training = np.zeros(len(rows), bool)
    is_training[train] = ~prepared.source["left_out"][train]
    mean = np.tile(rows[is_training].mean(axis=0), (length, 1))
    if baseline_kind == "usual":
        mean[:] = rows[first : first + length]
        mean[:, 0] = _seasonal_median(series, rows[:, 0], is_training, first=first, length=length)
    return torch.from_numpy(mean[None, :, :channels].astype(np.float32))


def _seasonal_median(
    series: Series, values: np.ndarray, is_training: np.ndarray, *, first: int, length: int
) -> np.ndarray:
    """Training median (L,) at each point's position in the period; the overall median for positions without points."""
    middle = float(np.median(values[is_training]))
    if series.period < 2:
        return np.full(length, middle)
    places = np.arange(len(values)) % series.period
    medians = np.empty(length)
    for point in range(length):
        alike = values[is_training & (places == (first + point) % series.period)]
        medians[point] = np.median(alike) if len(alike) else middle
    return medians


def _blocks(length: int, channels: int) -> np.ndarray:
    """Block index (1, L, C) int64: time blocks by channel."""
    each = -(-length // MOST_BLOCKS)
    stretch = np.arange(length) // each
    return (stretch[:, None] * channels + np.arange(channels))[None].astype(np.int64)
