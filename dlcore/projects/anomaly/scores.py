"""Anomaly scores per time point from reconstructions; higher is more anomalous.

A **causal** score uses no later point: the error at the last position of the window that ends there (of nearest
windows, that of the whole window), and trailing means. A **centered** score may look ahead: the mean error over all
windows with the point (for the cross-fitted model, whose windows are long, the causal error), and centered means.
Neither crosses into a later split, so no test value reaches a threshold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn

from dlcore.data.batches import Batches
from dlcore.data.series import windows
from dlcore.data.splits import SPLITS, Prepared, Split, SplitName
from dlcore.evaluation import smoothing
from dlcore.models.nearest_windows import NearestWindowsByColumn
from dlcore.models.patch_network import PROJECTION, PatchNetwork

View = Literal["row", "window", "value window", "folded window", "nearest window", "patch window", "scored window"]
"""Input of a model: one row of features, a window of rows, a window of values, a window of rows with folds and the
position in the period, or one with indices in the series instead of folds: "patch window" has two patches in training,
"scored window" is for a model that scores windows itself."""


STORED: tuple[View, ...] = ("nearest window", "patch window", "scored window")
"""Views whose models store the training values; the score of a point is that of the window that ends there."""
ENSEMBLES: tuple[View, ...] = ("folded window", *STORED)
"""Views whose models score training points as if they were new."""


class CrossFitted(Protocol):
    """A module with the view "folded window": several networks, and the scale of their errors (S, G, P)."""

    seeds: int
    folds: int
    usual: Tensor


class ScoresWindows(Protocol):
    """A module with the view "scored window"."""

    def score(self, window: Tensor, index: Tensor, offset: Tensor) -> np.ndarray:
        """(N, L, F), (N, L), (N,) -> one score per window (N,)."""
        ...


KINDS = ("causal", "centered")
BATCH = 1024
ROWS_MULTIPLE = 32
"""Rows of a batch are padded to a multiple: matrix products of few rows use other kernels, which round differently, so
that the score of a point would depend on how many points were scored with it."""
LEAST_SHARE = 0.1
"""Lower bound of an error scale as a share of the median one; avoids division by almost zero."""


@dataclass(frozen=True)
class ScaledRows:
    """Part of a series as model input: scaled (n, F), folds (n,), positions in the period (n,). Fold -1: not trained
    on. For the views `STORED` the folds are indices in the series; -1: another series."""

    scaled: np.ndarray
    folds: np.ndarray
    places: np.ndarray

    def __getitem__(self, rows: slice) -> "ScaledRows":
        return ScaledRows(self.scaled[rows], self.folds[rows], self.places[rows])

    def __len__(self) -> int:
        return len(self.scaled)

    def column(self, number: int, *, columns: int) -> "ScaledRows":
        """The rows with one of the first `columns` features only, and all later ones."""
        scaled = np.column_stack([self.scaled[:, number], self.scaled[:, columns:]])
        return ScaledRows(scaled, self.folds, self.places)


@dataclass(frozen=True)
class ReconstructionErrors:
    """Errors of n points and S seeds, or columns of a table (n, S) float64: `causal` (0 before the first complete
    window) and `centered`."""

    causal: np.ndarray
    centered: np.ndarray

    def cut(self, start: int) -> "ReconstructionErrors":
        """Without the points before `start`."""
        return ReconstructionErrors(self.causal[start:], self.centered[start:])


def inputs_of(rows: ScaledRows, *, view: View, length: int) -> tuple[Tensor, ...]:
    """Arguments of a model's forward: every row or window of n points."""
    if view == "row":
        return (torch.from_numpy(rows.scaled),)  # (n, F)
    if view == "value window":
        return (windows.sliding_windows(rows.scaled[:, :1], length).transpose(1, 2),)  # (N, 1, L)
    sliding_windows = windows.sliding_windows(rows.scaled, length)  # (N, L, F)
    if view == "window":
        return (sliding_windows,)
    folds = windows.sliding_windows(rows.folds[:, None], length)[:, :, 0]  # (N, L)
    return sliding_windows, folds, torch.from_numpy(rows.places[: len(sliding_windows)])  # and (N,)


def targets_of(inputs: tuple[Tensor, ...], *, view: View, members: int) -> Tensor:
    """Targets of the loss: the input, or its values repeated for each ensemble member (N, M, L); zeros if unused."""
    if view == "patch window":
        return torch.zeros(1, 4, PROJECTION).expand(len(inputs[0]), -1, -1)
    return inputs[0][:, None, :, 0].expand(-1, members, -1) if view in ENSEMBLES else inputs[0]


def errors(module: nn.Module, rows: ScaledRows, *, view: View, length: int) -> ReconstructionErrors:
    """Squared errors of at least `length` points, without context."""
    if isinstance(module, NearestWindowsByColumn):
        parts = [
            errors(detector, rows.column(number, columns=len(module)), view=view, length=length)
            for number, detector in enumerate(module)
        ]
        return ReconstructionErrors(*(np.hstack([getattr(part, kind) for part in parts]) for kind in KINDS))
    seeds = cast(CrossFitted, module).seeds if view == "folded window" else 1
    inputs = inputs_of(rows, view=view, length=length)
    last, means = [], windows.PointwiseMean(len(rows), series=(seeds,))
    split = Split(inputs, inputs[-1], rows.places)
    device = next((tensor.device for tensor in (*module.parameters(), *module.buffers())), torch.device("cpu"))
    training = module.training
    module.eval()
    with torch.no_grad():
        for batch, _ in Batches(split, BATCH, device=device).epoch(1):
            if view == "scored window":
                values = cast(ScoresWindows, module).score(*batch)  # (B,)
                per_place = np.broadcast_to(values[:, None, None], (len(values), length, 1))
            elif view == "patch window":
                distance = cast(PatchNetwork, module).match(*map(_pad, batch)).distance[: len(batch[0])]
                per_place = distance[:, None, None].expand(-1, length, 1).cpu().numpy()
            else:
                outputs = module(*(_pad(tensor) for tensor in batch))[: len(batch[0])]
                per_place = _per_place(outputs, batch[0], seeds=seeds, view=view).cpu().numpy()  # (B, L, S)
            last.append(per_place[:, -1])
            if view != "folded window":
                means.add(per_place)
    module.train(training)
    causal = np.zeros((len(rows), seeds))
    causal[length - 1 :] = np.concatenate(last)
    return ReconstructionErrors(causal, causal if view == "folded window" else means.means)


def worst_column(errors: np.ndarray, module: NearestWindowsByColumn) -> int:
    """Return the column with the largest error of errors (V,), each in units of its largest training error."""
    return int(relative_errors(errors[None], module)[0].argmax())


def relative_errors(errors: np.ndarray, module: NearestWindowsByColumn) -> np.ndarray:
    """Errors (n, V) in units of the largest training error of each column."""
    largest = np.array([float(detector.largest) for detector in module])
    values: np.ndarray = errors / np.maximum(largest, 1e-12) ** 2
    return values


def errors_by_split(
    module: nn.Module, prepared: Prepared, *, view: View, length: int, names: Sequence[SplitName] = SPLITS
) -> dict[SplitName, ReconstructionErrors]:
    """Errors of each split's points; windows may reach back into the previous split, never ahead.

    Those of a model without trainable weights are computed once.
    """
    known = prepared.source.get("errors") if view in ("nearest window", "scored window") else None
    errors_by_name: dict[SplitName, ReconstructionErrors] = {} if known is None else known.setdefault(module, {})
    for name in (name for name in names if name not in errors_by_name):
        span = prepared.source["spans"][name]
        before = min(length - 1, span.start)
        rows = prepared.source["rows"][span.start - before : span.stop]
        errors_by_name[name] = errors(module, rows, view=view, length=length).cut(before)
    return {name: errors_by_name[name] for name in names}


def smooth_scores(
    parts: Sequence[ReconstructionErrors], rows: ScaledRows, *, error_scale: np.ndarray, smooth: int, length: int
) -> list[ReconstructionErrors]:
    """Scores from the errors of consecutive parts of one series with the points `rows` (n).

    error_scale (S, G, P) is the scale per seed, fold (the last: no fold) and position in the period. The causal mean of
    `smooth` points reaches back into earlier parts; the centered mean never reaches into later ones.
    """
    squares = error_scale[:, rows.folds % error_scale.shape[1], rows.places % error_scale.shape[2]].T ** 2  # (n, S)
    causal = np.concatenate([part.causal for part in parts]) / squares
    centered = np.concatenate([part.centered for part in parts]) / squares
    head = length - 1  # points before the first complete window have no causal score
    for seed in range(causal.shape[1]):
        causal[head:, seed] = smoothing.trailing_mean(causal[head:, seed], smooth)
    ends = np.cumsum([len(part.causal) for part in parts]).tolist()
    scores = []
    for start, stop in zip([0, *ends], ends, strict=False):
        centered_means = [smoothing.centered_mean(column[:stop], smooth)[start:] for column in centered.T]
        scores.append(ReconstructionErrors(causal[start:stop], np.stack(centered_means, axis=1)))
    return scores


def scores(
    module: nn.Module,
    prepared: Prepared,
    *,
    view: View,
    length: int,
    smooth: int,
    names: Sequence[SplitName] = SPLITS,
) -> dict[SplitName, ReconstructionErrors]:
    """Scores of the splits `names` of a series, from its start."""
    parts = errors_by_split(module, prepared, view=view, length=length, names=names)
    rows = prepared.source["rows"][: prepared.source["spans"][names[-1]].stop]
    whole = smooth_scores(list(parts.values()), rows, error_scale=get_error_scale(module), smooth=smooth, length=length)
    return dict(zip(parts, whole, strict=True))


def fit_error_scale(module: CrossFitted, train: ReconstructionErrors, rows: ScaledRows, *, mask: np.ndarray) -> None:
    """Set the module's error scale per position: the RMS error of the training points (n,) in `mask`.

    A point of fold k is compared with points of other folds only, since its own error would make it look smaller than a
    new point. Like running statistics of batch norm, the scale is saved with the weights and never trained.
    """
    scales = torch.ones_like(module.usual)
    for fold in range(module.folds + 1):
        other_folds = mask & (rows.folds != fold)
        for seed in range(module.seeds):
            sizes = error_scale(train.causal[other_folds, seed], rows.places[other_folds], count=scales.shape[2])
            scales[seed, fold] = torch.from_numpy(sizes)
    module.usual.copy_(scales)


def error_scale(squares: np.ndarray, places: np.ndarray, *, count: int) -> np.ndarray:
    """RMS error (count,) per position from squared errors (n,), at least a tenth of the median.

    A position without points gets the RMS of all points; 1 if all errors are zero.
    """
    if not len(squares) or not squares.any():
        return np.ones(count)
    places = places % count
    total, number = np.bincount(places, squares, count), np.bincount(places, minlength=count)
    rms: np.ndarray = np.sqrt(np.where(number > 0, total / np.maximum(number, 1), squares.mean()))
    return np.maximum(rms, LEAST_SHARE * np.median(rms) or rms.max())


def get_error_scale(module: nn.Module) -> np.ndarray:
    """Error scale (S, G, P) of the module; ones if it has none."""
    scale = getattr(module, "usual", None)
    return np.ones((1, 1, 1)) if scale is None else scale.cpu().numpy().astype(np.float64)


def places_of(times: np.ndarray, preprocessing: Mapping[str, Any], *, count: int) -> np.ndarray:
    """Position (n,) of each time within the period of `count` training steps."""
    step = int(preprocessing["step_ms"])
    values: np.ndarray = times % (count * step) // step
    return values


def weight_by_length(squares: Tensor) -> Tensor:
    """Squared errors (N, L) of nearest windows, from those of M lengths (N, M, L): every length has the same share.

    Their mean over L is the mean over the lengths of each one's mean squared error.
    """
    sizes = _sizes(squares)
    return (squares * (squares.shape[2] / sizes)[:, None]).mean(dim=1)


def _sizes(squares: Tensor) -> Tensor:
    """The window lengths (M,) of errors (N, M, L): L, its half, its quarter."""
    return torch.tensor([squares.shape[2] >> scale for scale in range(squares.shape[1])], device=squares.device)


def _pad(batch: Tensor) -> Tensor:
    """Repeat the last row of a batch (N, ...) until N is a multiple of `ROWS_MULTIPLE`."""
    missing = -len(batch) % ROWS_MULTIPLE
    return torch.cat([batch, batch[-1:].expand(missing, *batch.shape[1:])]) if missing else batch


def _per_place(outputs: Tensor, inputs: Tensor, *, seeds: int, view: View) -> Tensor:
    """Squared error per position of each window (B, L, S); a row is a window of length 1."""
    if view == "row":
        return (outputs - inputs).square().mean(dim=1)[:, None, None]  # (B, F) ->
    if view == "folded window":
        squares = (outputs - inputs[:, None, :, 0]).square()  # (B, M, L)
        return squares.unflatten(1, (seeds, -1)).mean(dim=2).transpose(1, 2)
    if view == "nearest window":  # every point of a window has the error of the whole window, by length
        squares = (outputs - inputs[:, None, :, 0]).square()  # (B, M, L)
        sizes, length = _sizes(squares), squares.shape[2]
        is_inside = torch.arange(length, device=squares.device) >= length - sizes[:, None]  # (M, L)
        return ((squares.sum(dim=2) / sizes) @ is_inside.to(squares) / len(sizes))[:, :, None]
    squares = (outputs - inputs).square()
    return squares.mean(dim=1 if view == "value window" else 2)[:, :, None]  # (B, 1, L) or (B, L, F) ->


def last_errors(outputs: Tensor, inputs: Tensor, *, seeds: int, view: View) -> Tensor:
    """Squared error (B, S) of the last point of each window, from a module's outputs and its first argument."""
    return _per_place(outputs, inputs, seeds=seeds, view=view)[:, -1]
