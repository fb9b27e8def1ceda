"""Models of series for a browser: scores of anomalies, forecasts of tables."""

from typing import cast

import torch
from torch import Tensor, nn

from dlcore.core.errors import RunError
from dlcore.data.series.series import CYCLES
from dlcore.projects.anomaly import scores as scored
from dlcore.projects.anomaly.models import AnomalyData, view_of
from dlcore.projects.anomaly.scores import ENSEMBLES, View
from dlcore.projects.forecast.windows import ForecastData
from dlcore.projects.project import LoadedModel
from dlcore.runs.browser_model.packing import BrowserModel, NetworkInputs, pack

ROWS = scored.ROWS_MULTIPLE
"""Windows of one batch."""


class WindowScore(nn.Module):
    """(N, L, F) windows, (N,) positions of their first and last points in the period -> scores (N,) of last points."""

    def __init__(self, module: nn.Module, view: View) -> None:
        super().__init__()
        self.module, self.view = module, view
        self.seeds = int(getattr(module, "seeds", 1)) if view == "folded window" else 1
        self.scale = torch.from_numpy(scored.get_error_scale(module)[:, -1]).float()  # (S, P), of points of no fold

    def forward(self, windows: Tensor, starts: Tensor, ends: Tensor) -> Tensor:
        """Return scores before any running mean."""
        inputs: tuple[Tensor, ...] = {
            "row": (windows[:, 0],),
            "value window": (windows[:, :, :1].transpose(1, 2),),
        }.get(self.view, (windows,))
        if self.view in ENSEMBLES:
            inputs = (windows, torch.full(windows.shape[:2], -1, dtype=torch.int64), starts.long())
        errors = scored.last_errors(self.module(*inputs), inputs[0], seeds=self.seeds, view=self.view)  # (N, S)
        scale = self.scale.t().index_select(0, ends.long() % self.scale.shape[1])
        return (errors / scale.square()).mean(dim=1)


def pack_scorer(loaded: LoadedModel) -> BrowserModel:
    """Return a detector: the score of each point of a series, from the window that ends there."""
    known, facts, data = loaded.preprocessing, loaded.facts, loaded.config.data_as(AnomalyData)
    cycles = list(known.get("cycles", CYCLES))
    if data.record_share:
        raise RunError("its alarms depend on earlier scores.")
    window, places = int(facts["window"]), int(facts.get("places", 1))
    generator = torch.Generator().manual_seed(0)
    inputs = [
        {
            "windows": torch.rand(ROWS, window, 1 + 2 * len(cycles), generator=generator),
            "starts": (starts := torch.randint(0, max(1, places), (ROWS,), generator=generator, dtype=torch.int32)),
            "ends": (starts + window - 1) % max(1, places),
        }
        for _ in range(2)
    ]
    settings = {
        "label": "Choose or drop a CSV file: a time and a value per row",
        "rows": ROWS,
        "window": window,
        "places": places,
        "train_step": int(known["step_ms"]),
        "cycles": cycles,
        "low": known["scaler"]["low"],
        "high": known["scaler"]["high"],
        "threshold": float(loaded.threshold or 0.0),
        "smoothing_h": data.smoothing_h,
    }
    network = WindowScore(loaded.module, view_of(loaded.config)).eval()
    return pack("score", NetworkInputs(network, inputs[0], inputs[1:]), settings)


class WindowForecast(nn.Module):
    """(N, L, F), (N, C) -> (N, H, V); the linear part of a blended model is computed from the same inputs."""

    def __init__(self, module: nn.Module, linear: Tensor, variables: int) -> None:
        """`linear` (D + 1, H V) are the weights of ridge regression; empty without one."""
        super().__init__()
        self.module, self.linear, self.variables = module, linear, variables

    def forward(self, x: Tensor, calendar: Tensor) -> Tensor:
        """Return the outputs of the model, in its units."""
        if not len(self.linear):
            return cast(Tensor, self.module(x, calendar))
        scaled, hour = x[:, :, : self.variables], calendar[:, :24]
        now = torch.cat([scaled[:, -1], scaled[:, -1] - scaled[:, -2]], dim=1)
        products = (now[:, :, None] * hour[:, None]).flatten(1)
        features = torch.cat([scaled.flip(1).flatten(1), calendar, products], dim=1)
        linear = features @ self.linear[:-1] + self.linear[-1]
        return cast(Tensor, self.module(x, calendar, linear.unflatten(1, (-1, self.variables))))


def pack_forecaster(loaded: LoadedModel) -> BrowserModel:
    """Return a forecaster of the rows after the end of a table.

    Raises:
        RunError: it feeds its forecasts back as input.
    """
    data, known, facts = loaded.config.data_as(ForecastData), loaded.preprocessing, loaded.facts
    if data.strategy == "recursive" and data.horizon > 1:
        raise RunError("it feeds its forecasts back as input, row by row.")
    linear = torch.tensor(known.get("linear", []), dtype=torch.float32)
    network = WindowForecast(loaded.module, linear, int(facts["variables"])).eval()
    generator = torch.Generator().manual_seed(0)
    inputs = []
    for hour in (0, 13):
        calendar = torch.zeros(1, int(facts["calendar"]))
        calendar[0, [hour, 24 + hour % 7]] = 1.0
        x = torch.randn(1, int(facts["window"]), int(facts["features"]), generator=generator)
        inputs.append({"x": x, "calendar": calendar})
    scale = known["scale"]
    settings = {
        "label": f"Choose or drop a CSV file with a time and {len(known['names'])} columns",
        "names": known["names"],
        "units": known["units"],
        "window": data.window,
        "horizon": data.horizon,
        "mean": scale["mean"],
        "deviation": scale["deviation"],
        "change": scale["change"],
        "inputs": {"difference": data.difference_input, "mask": data.mask_input, "calendar": data.calendar_input},
    }
    return pack("forecast", NetworkInputs(network, inputs[0], inputs[1:]), settings)
