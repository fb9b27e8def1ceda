"""From reconstructions to scores: one number per time point that is larger the stranger the point is.

A **causal** score uses nothing after its point: the error of the last place of the window that ends there, and means
of what came before. A **centred** one may look ahead: the mean error over all windows that hold the point (of the
cross-fitted model, whose windows are long, the same error as the causal one), and means of what lies on both sides.
Neither ever looks from one split into a later one, so no test value can reach a threshold.
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

View = Literal["row", "window", "value window", "folded window"]
"""What a model sees at once: one row of features, a window of rows, a window of the value alone, or a window of rows
with the fold of each and its place in the period."""


class CrossFitted(Protocol):
    """A module with the view "folded window": several networks, and the scale of their errors (S, G, P)."""

    seeds: int
    folds: int
    usual: Tensor


BATCH = 1024
LEAST_SHARE = 0.1
"""A place's usual error is taken for at least this share of the middle place's: no division by next to nothing."""


@dataclass(frozen=True)
class ScaledRows:
    """A stretch of a series as models see it: scaled (n, F), the fold of each point (n,), and its place in the
    period (n,); -1 is the fold of a point that nobody learns from."""

    scaled: np.ndarray
    folds: np.ndarray
    places: np.ndarray

    def __getitem__(self, rows: slice) -> "ScaledRows":
        return ScaledRows(self.scaled[rows], self.folds[rows], self.places[rows])

    def __len__(self) -> int:
        return len(self.scaled)


@dataclass(frozen=True)
class ReconstructionErrors:
    """Errors of n points by S seeds, both (n, S) float64: `causal` (0 before the first whole window) and `centred`."""

    causal: np.ndarray
    centred: np.ndarray

    def cut(self, start: int) -> "ReconstructionErrors":
        """Without the points before `start`."""
        return ReconstructionErrors(self.causal[start:], self.centred[start:])


def inputs_of(rows: ScaledRows, *, view: View, length: int) -> tuple[Tensor, ...]:
    """What a model's forward takes: every row or window of a stretch of n points."""
    if view == "row":
        return (torch.from_numpy(rows.scaled),)  # (n, F)
    if view == "value window":
        return (windows.sliding_windows(rows.scaled[:, :1], length).transpose(1, 2),)  # (N, 1, L)
    seen = windows.sliding_windows(rows.scaled, length)  # (N, L, F)
    if view == "window":
        return (seen,)
    folds = windows.sliding_windows(rows.folds[:, None], length)[:, :, 0]  # (N, L)
    return seen, folds, torch.from_numpy(rows.places[: len(seen)])  # and (N,)


def targets_of(inputs: tuple[Tensor, ...], *, view: View, members: int) -> Tensor:
    """What the loss compares with: the input, or its values once for each of the members (N, M, L)."""
    return inputs[0][:, None, :, 0].expand(-1, members, -1) if view == "folded window" else inputs[0]


def errors(module: nn.Module, rows: ScaledRows, *, view: View, length: int) -> ReconstructionErrors:
    """The squared errors of a stretch of at least `length` points that is judged by itself."""
    seeds = cast(CrossFitted, module).seeds if view == "folded window" else 1
    inputs = inputs_of(rows, view=view, length=length)
    last, means = [], windows.PointwiseMean(len(rows), series=(seeds,))
    split = Split(inputs, inputs[-1], rows.places)
    training = module.training
    module.eval()
    with torch.no_grad():
        for batch, _ in Batches(split, BATCH, device=next(module.parameters()).device).epoch(1):
            per_place = _per_place(module(*batch), batch[0], seeds=seeds, view=view).cpu().numpy()  # (B, L, S)
            last.append(per_place[:, -1])
            if view != "folded window":
                means.add(per_place)
    module.train(training)
    causal = np.zeros((len(rows), seeds))
    causal[length - 1 :] = np.concatenate(last)
    return ReconstructionErrors(causal, causal if view == "folded window" else means.means)


def errors_by_split(
    module: nn.Module, prepared: Prepared, *, view: View, length: int, names: Sequence[SplitName] = SPLITS
) -> dict[SplitName, ReconstructionErrors]:
    """The errors of each split's points; a split's windows may reach back into the split before it, never ahead."""
    found: dict[SplitName, ReconstructionErrors] = {}
    for name in names:
        span = prepared.source["spans"][name]
        before = min(length - 1, span.start)
        rows = prepared.source["rows"][span.start - before : span.stop]
        found[name] = errors(module, rows, view=view, length=length).cut(before)
    return found


def smooth_scores(
    parts: Sequence[ReconstructionErrors], rows: ScaledRows, *, usual: np.ndarray, smooth: int, length: int
) -> list[ReconstructionErrors]:
    """Scores from the errors of successive parts of one series, of which `rows` (n) are the points.

    usual (S, G, P) is the usual size of an error at each of the P places of a period, for each fold and (last) for
    points of none. The causal mean of `smooth` points reaches back into earlier parts; the centred one never into
    later ones.
    """
    squares = usual[:, rows.folds % usual.shape[1], rows.places % usual.shape[2]].T ** 2  # (n, S)
    causal = np.concatenate([part.causal for part in parts]) / squares
    centred = np.concatenate([part.centred for part in parts]) / squares
    head = length - 1  # no whole window has been seen yet: those points have no causal score
    for seed in range(causal.shape[1]):
        causal[head:, seed] = smoothing.trailing_mean(causal[head:, seed], smooth)
    ends = np.cumsum([len(part.causal) for part in parts]).tolist()
    found = []
    for start, stop in zip([0, *ends], ends, strict=False):
        ahead = [smoothing.centred_mean(column[:stop], smooth)[start:] for column in centred.T]
        found.append(ReconstructionErrors(causal[start:stop], np.stack(ahead, axis=1)))
    return found


def scores(
    module: nn.Module,
    prepared: Prepared,
    *,
    view: View,
    length: int,
    smooth: int,
    names: Sequence[SplitName] = SPLITS,
) -> dict[SplitName, ReconstructionErrors]:
    """The scores of the first splits of a series (all of them, unless `names` says otherwise)."""
    parts = errors_by_split(module, prepared, view=view, length=length, names=names)
    rows = prepared.source["rows"][: prepared.source["spans"][names[-1]].stop]
    whole = smooth_scores(list(parts.values()), rows, usual=get_error_scale(module), smooth=smooth, length=length)
    return dict(zip(parts, whole, strict=True))


def fit_error_scale(module: CrossFitted, train: ReconstructionErrors, rows: ScaledRows, *, kept: np.ndarray) -> None:
    """Give the module the usual size of an error at each place: the root of the mean square over the training points
    (n,) that were `kept`.

    A point of fold k is held against points of the other folds alone: with its own error in the mean, it would look
    smaller than a new point does. The network's output is not touched. Like the running means of batch normalization,
    this is measured along the way and saved with the weights.
    """
    found = torch.ones_like(module.usual)
    for fold in range(module.folds + 1):
        others = kept & (rows.folds != fold)
        for seed in range(module.seeds):
            sizes = error_scale(train.causal[others, seed], rows.places[others], count=found.shape[2])
            found[seed, fold] = torch.from_numpy(sizes)
    module.usual.copy_(found)


def error_scale(squares: np.ndarray, places: np.ndarray, *, count: int) -> np.ndarray:
    """(count,) the root of the mean of the squared errors (n,) at each place, at least a tenth of the middle place's.

    A place that never comes takes the root of the mean of all; where all is zero, 1.
    """
    if not len(squares) or not squares.any():
        return np.ones(count)
    places = places % count
    total, number = np.bincount(places, squares, count), np.bincount(places, minlength=count)
    found: np.ndarray = np.sqrt(np.where(number > 0, total / np.maximum(number, 1), squares.mean()))
    return np.maximum(found, LEAST_SHARE * np.median(found) or found.max())


def get_error_scale(module: nn.Module) -> np.ndarray:
    """(S, G, P) the usual sizes that errors are held against; ones where the model has none."""
    usual = getattr(module, "usual", None)
    return np.ones((1, 1, 1)) if usual is None else usual.cpu().numpy().astype(np.float64)


def places_of(times: np.ndarray, preprocessing: Mapping[str, Any], *, count: int) -> np.ndarray:
    """(n,) the place of each moment within the period of `count` training steps."""
    step = int(preprocessing["step_ms"])
    found: np.ndarray = times % (count * step) // step
    return found


def _per_place(rebuilt: Tensor, seen: Tensor, *, seeds: int, view: View) -> Tensor:
    """The squared error of each place of each window, (B, L, S); a row is a window of one."""
    if view == "row":
        return (rebuilt - seen).square().mean(dim=1)[:, None, None]  # (B, F) ->
    if view == "folded window":
        squares = (rebuilt - seen[:, None, :, 0]).square()  # (B, M, L)
        return squares.unflatten(1, (seeds, -1)).mean(dim=2).transpose(1, 2)
    squares = (rebuilt - seen).square()
    return squares.mean(dim=1 if view == "value window" else 2)[:, :, None]  # (B, 1, L) or (B, L, F) ->
