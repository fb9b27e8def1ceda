"""workspace/custom_forecast: networks of the user's code that forecast a table or series from windows (N, T, F)."""

from dlcore.projects.custom.networks import adopt
from dlcore.projects.forecast import project as forecast

_TRAINING = {**forecast.OBSERVED, "batch_size": 128, "learning_rate": 2e-3, "clip_norm": 1.0}

PROJECT = adopt(
    forecast.PROJECT,
    "custom_forecast",
    summary="Paste a PyTorch network that forecasts every variable of a table or series.",
    presets={
        "quick": {**_TRAINING, "epochs": 8, "window": 24},
        "full": {**_TRAINING, "epochs": 24, "window": 24, "schedule": "one_cycle"},
    },
)
