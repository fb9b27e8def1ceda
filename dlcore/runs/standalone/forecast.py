"""Code and data of the training script of a forecast of a table."""

import numpy as np
import torch

from dlcore.core.errors import RunError
from dlcore.data.splits import SPLITS, Prepared
from dlcore.evaluation.forecast import LEAST
from dlcore.projects.forecast import windows
from dlcore.projects.project import RunConfig
from dlcore.runs.standalone.loop import LOAD, fill
from dlcore.runs.standalone.script import TaskCode


def forecast_code(config: RunConfig, prepared: Prepared) -> TaskCode:
    """Return the code of a run that forecasts all hours at once.

    Raises:
        RunError: it forecasts hour by hour.
    """
    facts, source = prepared.facts, prepared.source
    if facts["horizon"] != facts["steps"]:
        raise RunError("a recursive forecast feeds its own output back, which is not part of a training script.")
    table, scale = source["table"], source["scale"]
    arrays = {
        "features": np.ascontiguousarray(source["features"], np.float32),
        "calendar": windows.calendar_features(table.times).astype(np.float32),
        "mean": scale.mean,
        "deviation": scale.deviation,
        "loss_weights": np.ones((1, len(scale.mean)), np.float32),
    }
    if scale.change is not None:
        share = (scale.change / scale.deviation) ** 2
        arrays |= {"change": scale.change, "loss_weights": (0.5 + 0.5 * share / share.mean()).astype(np.float32)}
    flags = ["blend"] if "linear" in prepared.preprocessing else []
    if flags:
        assert prepared.transform is not None
        hours = torch.arange(facts["window"], len(table.times))
        linear = np.zeros((len(table.times), facts["horizon"], len(scale.mean)), np.float32)
        linear[facts["window"] :] = prepared.transform((hours,), False)[2].numpy()
        arrays["linear"] = linear
    for name in SPLITS:
        arrays[f"{name}_first"] = source["cuts"][name]
        arrays[f"{name}_targets"] = prepared.split(name).targets.numpy()
    test = source["cuts"]["test"]
    arrays["test_values"] = windows.future_values(table.values, test, facts["horizon"])
    arrays["test_last"] = source["filled"][test - 1]
    values = "outputs * data['deviation'] + data['mean']"
    if scale.change is not None:
        values = "outputs * data['change'] + data['test_last'][:, None]"
    return TaskCode(
        arrays=arrays,
        data=fill(_DATA, *flags, load=LOAD, window=facts["window"]),
        test=fill(_TEST, least=LEAST, values=values.replace("'", '"')),
        loss="weighted_loss(outputs, targets, data)",
        figures=("r2_mean", "skill"),
        data_text="Scaled features of every hour; a window is the hours before the first hour of a forecast.",
        test_text="R2 is relative to the mean of the test values, skill to copying the last value.",
    )


_DATA = '''\
$load

def batch(data: dict[str, Tensor], split: str, rows: Tensor | slice, *, training: bool = False) -> tuple:
    """Return windows (N, L, F) and calendars (N, C) of forecasts as inputs, and their scaled targets (N, H, V)."""
    first = data[f"{split}_first"][rows]
    hours = first[:, None] + torch.arange(-$window, 0)
    inputs = data["features"][hours].to(DEVICE), data["calendar"][first].to(DEVICE)
?blend|    inputs = *inputs, data["linear"][first].to(DEVICE)  # ridge regression, out of fold for training windows
    return inputs, data[f"{split}_targets"][rows].to(DEVICE)


def epoch_order(data: dict[str, Tensor], epoch: int) -> Tensor:
    """Return the windows of an epoch in the order of the run."""
    return torch.randperm(len(data["train_first"]), generator=generator(SEED, epoch))


def weighted_loss(outputs: Tensor, targets: Tensor, data: dict[str, Tensor]) -> Tensor:
    """Return the mean squared error of the known targets."""
    if outputs.dim() > targets.dim():  # several networks, each with its own loss
        targets = targets[:, None].expand_as(outputs)
    known = ~targets.isnan()
    weights = data["loss_weights"].to(outputs.device) * known
    squares = (outputs - torch.where(known, targets, outputs.detach())) ** 2
    return (squares * weights).sum() / weights.sum().clamp(min=1e-9)
'''

_TEST = '''\
def forecast(model: nn.Module, data: dict[str, Tensor], split: str) -> tuple[Tensor, Tensor]:
    """Return outputs and targets of a split."""
    rows = range(0, len(data[f"{split}_first"]), 1024)
    parts = [batch(data, split, slice(start, start + 1024)) for start in rows]
    return torch.cat([model(*x).cpu() for x, _ in parts]), torch.cat([y.cpu() for _, y in parts])


def validation_loss(model: nn.Module, data: dict[str, Tensor]) -> float:
    return float(weighted_loss(*forecast(model, data, "validation"), data))


def test(model: nn.Module, data: dict[str, Tensor]) -> dict[str, float]:
    outputs = forecast(model, data, "test")[0].double()
    values, targets = $values, data["test_values"]
    known, last = ~targets.isnan(), data["test_last"][:, None]
    references = (values, last, targets.nanmean(dim=0))
    sums = [torch.where(known, (targets - other) ** 2, 0.0).sum(dim=0) for other in references]
    error, naive, total = (each[known.sum(dim=0) >= $least] for each in sums)  # of variables with enough values
    return {"r2_mean": float((1 - error / total).mean()), "skill": float((1 - error / naive).mean())}
'''
