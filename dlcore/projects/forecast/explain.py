"""Explain a forecast: attribution over time and variable, and what-if forecasts of a changed past."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from dlcore.data.splits import Prepared
from dlcore.evaluation import ridge
from dlcore.explanation import findings
from dlcore.explanation.agreement import rank_correlation
from dlcore.explanation.attribution import attribute
from dlcore.explanation.findings import CheckWording, SanityCheck
from dlcore.inference import predict as inference
from dlcore.projects.forecast.scores import RidgeBaseline
from dlcore.projects.project import LoadedModel

ForecastTarget = Literal["value", "change"]
STEPS = 128
"""Steps of integrated gradients."""
BLOCK = 3
"""Hours that feature ablation replaces together."""
METHODS = {"integrated_gradients": "Integrated gradients", "feature_ablation": "Feature ablation"}
WORDING = CheckWording(
    thing="window",
    parts="values",
    baseline="a window of training means",
    quantity="The explained forecast",
    unit=0.0,
)


@dataclass(frozen=True)
class ForecastAttribution:
    """Contribution of each hour and variable to one forecast, in that variable's unit.

    gradients, ablation: (L, V); output, baseline_output: the forecast of the window and that of training means;
    delta: completeness gap of the integrated gradients.
    """

    gradients: np.ndarray
    ablation: np.ndarray
    output: float
    baseline_output: float
    delta: float

    @property
    def agreement(self) -> float:
        """Rank correlation of the two maps, -1 to 1; NaN if one is constant."""
        return rank_correlation(self.gradients.ravel(), self.ablation.ravel())

    @property
    def checks(self) -> tuple[SanityCheck, ...]:
        """Completeness of the integrated gradients, and their agreement with feature ablation."""
        first, second = METHODS.values()
        return (
            findings.check_completeness(self.output, self.baseline_output, self.delta, of=WORDING),
            findings.check_agreement(self.agreement, first=first, second=second, of=WORDING),
        )


def explain(
    module: nn.Module, prepared: Prepared, first: int, *, variable: int, hour: int, explained: ForecastTarget
) -> ForecastAttribution:
    """Attribution of the forecast of one variable, `hour` steps ahead.

    If the model predicts changes, the last hour contributes to the value directly and through the network. Masks and
    calendar are held fixed.
    """
    x, *held = inputs_at(prepared, first)
    scale, variables = prepared.source["scale"], prepared.facts["variables"]
    unit, mean = float(scale.deviation[variable]), float(scale.mean[variable])
    by_change = scale.change is not None

    def value(inputs: Tensor, outputs: Tensor) -> Tensor:
        output, last = outputs[:, hour, variable], inputs[:, -1, variable] * unit + mean
        if by_change:
            change = output * float(scale.change[hour, variable])
            return change if explained == "change" else last + change
        return output * unit + mean - (last if explained == "change" else 0.0)

    baseline = x.clone()
    attributed = variables * (1 + prepared.source["data"].difference_input)
    baseline[..., :attributed] = 0.0
    length, features = x.shape[1:]
    owner = torch.where(torch.arange(features) < attributed, torch.arange(features) % variables, torch.arange(features))
    blocks = (torch.arange(length) // BLOCK)[:, None] * features + owner  # a value and its change are in one block
    attributions = [
        attribute(module, (x, *held), value, method="integrated_gradients", baseline=baseline, steps=STEPS),
        attribute(module, (x, *held), value, method="feature_ablation", baseline=baseline, blocks=_dense(blocks)[None]),
    ]
    gradients = attributions[0].values[0, :, :attributed].reshape(length, -1, variables).sum(axis=1)
    maps = [gradients, attributions[1].values[0, :, :variables]]
    delta = attributions[0].delta
    return ForecastAttribution(
        maps[0],
        maps[1],
        float(attributions[0].output[0]),
        float(attributions[0].baseline_output[0]),
        0.0 if delta is None else float(delta[0]),
    )


def explain_table(loaded: LoadedModel, prepared: Prepared, first: int, *, method: str, variable: int) -> dict[str, Any]:
    """Attribution of the first forecast step of one variable, as a JSON-able dict."""
    attribution = explain(loaded.module, prepared, first, variable=variable, hour=0, explained="change")
    values = attribution.gradients if method == "integrated_gradients" else attribution.ablation
    names, length = loaded.preprocessing["names"], len(values)
    times = prepared.source["table"].times[first - length : first]
    moments = [str(np.datetime64(int(time), "ms").astype("datetime64[m]")) for time in times]
    top = names[int(np.abs(values).sum(axis=0).argmax())]
    return {
        "method": METHODS[method],
        "methods": list(METHODS),
        "target": names[variable],
        "summary": f"The change of {names[variable]} one step ahead depends most on {top}.",
        "contributions": [
            {"part": f"{name}, {moment}", "value": float(values[row, column])}
            for row, moment in enumerate(moments)
            for column, name in enumerate(names)
        ],
        "checks": [check.as_json() for check in attribution.checks],
        "output": attribution.output,
        "baseline_output": attribution.baseline_output,
    }


def what_if(module: nn.Module, prepared: Prepared, first: int, *, variable: int, by: float) -> np.ndarray:
    """Forecast (H, V) with one variable raised by `by`, in its unit, throughout the window.

    This is the response of the model, not a causal effect: the other variables are unchanged.
    """
    x, *held = inputs_at(prepared, first)
    scale, steps = prepared.source["scale"], prepared.facts["steps"]
    changed = x.clone()
    changed[..., variable] += by / float(scale.deviation[variable])
    last = prepared.source["filled"][[first - 1]].copy()
    last[:, variable] += by
    if "linear" in prepared.preprocessing:
        held[1] = _linear_if(prepared, first, variable, by)
    values: np.ndarray = scale.to_values(inference.forward_batch(module, changed, *held).double().numpy(), last)[
        0, :steps
    ]
    return values


def inputs_at(prepared: Prepared, first: int) -> tuple[Tensor, ...]:
    """Inputs for the moment whose first forecast hour has index `first`: window (1, L, F), calendar (1, C), others."""
    assert prepared.transform is not None
    return prepared.transform((torch.tensor([first]),), False)


def _linear_if(prepared: Prepared, first: int, variable: int, by: float) -> Tensor:
    """Output (1, H, V) of a blend's linear part with one variable raised by `by`."""
    baseline = RidgeBaseline.of(prepared)
    filled = baseline.filled.copy()
    filled[first - baseline.window : first, variable] += by
    changed = replace(baseline, filled=filled)
    weights = np.asarray(prepared.preprocessing["linear"])
    outputs = ridge.predict(weights, changed.features(np.array([first])))
    return torch.from_numpy(outputs.astype(np.float32)).reshape(1, prepared.facts["horizon"], -1)


def _dense(blocks: Tensor) -> Tensor:
    """Renumber blocks without gaps."""
    return torch.unique(blocks, return_inverse=True)[1]
