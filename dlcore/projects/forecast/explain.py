"""What a forecast leans on, and what it would be if the past had been otherwise."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from dlcore.data.splits import Prepared
from dlcore.evaluation import ridge
from dlcore.explanation.agreement import rank_correlation
from dlcore.explanation.attribution import attribute
from dlcore.inference import predict as inference
from dlcore.projects.forecast.scores import RidgeBaseline

ForecastTarget = Literal["value", "change"]
STEPS = 128
"""Points of the integrated gradients' way."""
BLOCK = 3
"""Hours that ablation puts back together."""
TRUSTED = 0.05
"""The integrated gradients may miss the difference that they share out by so large a part of it."""


@dataclass(frozen=True)
class ForecastAttribution:
    """What each hour and variable adds to one forecast, in that variable's unit, against a window of training means.

    gradients, ablation (L, V); output and floor are the forecast of the window and that of the means; delta is by how
    much the gradients' sum misses output - floor.
    """

    gradients: np.ndarray
    ablation: np.ndarray
    output: float
    floor: float
    delta: float

    @property
    def agreement(self) -> float:
        """Rank correlation of the two maps, -1 to 1; NaN where one is flat."""
        return rank_correlation(self.gradients.ravel(), self.ablation.ravel())

    @property
    def trusted(self) -> bool:
        """Whether the gradients' sum is near enough."""
        return abs(self.delta) <= TRUSTED * max(abs(self.output - self.floor), 1e-9)


def explain(
    module: nn.Module, prepared: Prepared, first: int, *, variable: int, hour: int, asked: ForecastTarget
) -> ForecastAttribution:
    """Why the forecast of one variable, `hour` steps ahead, is what it is.

    Asked for a value, the last hour counts twice where changes are predicted: by itself, and through the network.
    Masks and calendar are held as they are.
    """
    x, *held = inputs_at(prepared, first)
    scale, variables = prepared.source["scale"], prepared.facts["variables"]
    unit, mean = float(scale.deviation[variable]), float(scale.mean[variable])
    by_change = scale.change is not None

    def value(inputs: Tensor, outputs: Tensor) -> Tensor:
        told, last = outputs[:, hour, variable], inputs[:, -1, variable] * unit + mean
        if by_change:
            moved = told * float(scale.change[hour, variable])
            return moved if asked == "change" else last + moved
        return told * unit + mean - (last if asked == "change" else 0.0)

    nothing = x.clone()
    told = variables * (1 + prepared.source["data"].difference_input)
    nothing[..., :told] = 0.0
    length, features = x.shape[1:]
    owner = torch.where(torch.arange(features) < told, torch.arange(features) % variables, torch.arange(features))
    blocks = (torch.arange(length) // BLOCK)[:, None] * features + owner  # a value and its change go together
    found = [
        attribute(module, (x, *held), value, method="integrated_gradients", baseline=nothing, steps=STEPS),
        attribute(module, (x, *held), value, method="feature_ablation", baseline=nothing, blocks=_dense(blocks)[None]),
    ]
    gradients = found[0].values[0, :, :told].reshape(length, -1, variables).sum(axis=1)
    maps = [gradients, found[1].values[0, :, :variables]]
    delta = found[0].delta
    return ForecastAttribution(
        maps[0],
        maps[1],
        float(found[0].output[0]),
        float(found[0].baseline_output[0]),
        0.0 if delta is None else float(delta[0]),
    )


def what_if(module: nn.Module, prepared: Prepared, first: int, *, variable: int, by: float) -> np.ndarray:
    """The forecast (H, V) had one variable been higher by so much, in its unit, all through the window.

    It says what the model makes of that, not what the world would: nothing else in the window is moved with it.
    """
    x, *held = inputs_at(prepared, first)
    scale, steps = prepared.source["scale"], prepared.facts["steps"]
    changed = x.clone()
    changed[..., variable] += by / float(scale.deviation[variable])
    last = prepared.source["filled"][[first - 1]].copy()
    last[:, variable] += by
    if "linear" in prepared.preprocessing:
        held[1] = _linear_if(prepared, first, variable, by)
    found: np.ndarray = scale.to_values(inference.forward_batch(module, changed, *held).double().numpy(), last)[
        0, :steps
    ]
    return found


def inputs_at(prepared: Prepared, first: int) -> tuple[Tensor, ...]:
    """The window (1, L, F), the calendar (1, C) and what else the model takes, of the moment whose first hour to come
    is at this place."""
    assert prepared.transform is not None
    return prepared.transform((torch.tensor([first]),), False)


def _linear_if(prepared: Prepared, first: int, variable: int, by: float) -> Tensor:
    """What the linear part of a blend says (1, H, V) with one variable higher by so much."""
    rival = RidgeBaseline.of(prepared)
    filled = rival.filled.copy()
    filled[first - rival.window : first, variable] += by
    changed = replace(rival, filled=filled)
    weights = np.asarray(prepared.preprocessing["linear"])
    outputs = ridge.predict(weights, changed.features(np.array([first])))
    return torch.from_numpy(outputs.astype(np.float32)).reshape(1, prepared.facts["horizon"], -1)


def _dense(blocks: Tensor) -> Tensor:
    """The same groups, numbered without gaps."""
    return torch.unique(blocks, return_inverse=True)[1]
