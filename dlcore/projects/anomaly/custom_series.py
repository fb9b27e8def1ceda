"""Default settings for a custom series."""

from collections.abc import Mapping
from typing import Any

from dlcore.data.custom.registry import CustomDataset
from dlcore.data.series.series import DAY_MS

TRAIN_SHARE, VALIDATION_SHARE = 0.5, 0.1
DEFAULT_WINDOW, LEAST_WINDOW, MOST_WINDOW, MULTIPLE = 48, 8, 336, 4


def settings(dataset: CustomDataset, model: str) -> Mapping[str, Any]:
    """Half of the series for training, a tenth for validation; a window that fits the seasonality; no excluded day.

    Excluded days of the preset belong to another series.

    The calendar autoencoder takes whole periods, the others one day.
    """
    return {
        "train_share": TRAIN_SHARE,
        "validation_share": VALIDATION_SHARE,
        "window": window(
            dataset.rows,
            step_ms=0 if model == "calendar" else int(dataset.facts["step_ms"]),
            period=int(dataset.facts.get("period", 0)),
        ),
        "leave_out": "",
    }


def window(rows: int, *, step_ms: int, period: int) -> int:
    """Window length: one day (with `step_ms`), else one period, else 48; a multiple of 4, at most half of the smallest
    split."""
    day = DAY_MS // step_ms if step_ms else 0
    fitting = [points for points in (day, period) if LEAST_WINDOW <= points <= MOST_WINDOW]
    points = fitting[0] if fitting else DEFAULT_WINDOW
    room = int(rows * VALIDATION_SHARE) // 2
    return max(LEAST_WINDOW, min(points, room) // MULTIPLE * MULTIPLE)
