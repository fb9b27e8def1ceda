"""Settings that suit a series of one's own, from what is known of it before anything is learnt."""

from collections.abc import Mapping
from typing import Any

from dlcore.data.custom.registry import CustomDataset
from dlcore.data.series.series import DAY_MS

TRAIN_SHARE, VALIDATION_SHARE = 0.5, 0.1
USUAL_WINDOW, LEAST_WINDOW, MOST_WINDOW, MULTIPLE = 48, 8, 336, 4


def settings(dataset: CustomDataset, model: str) -> Mapping[str, Any]:
    """Half of the series to train on, a tenth to validate, the rest to test; a window that fits its rhythm; and no day
    left out, since whatever the preset leaves out belongs to another series.

    The calendar autoencoder is made for whole periods; the others see a day.
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
    """Points that a windowed model should see: a day (where `step_ms` is given), else one period, else 48; a multiple
    of 4, and at most half of the smallest part."""
    day = DAY_MS // step_ms if step_ms else 0
    fitting = [points for points in (day, period) if LEAST_WINDOW <= points <= MOST_WINDOW]
    points = fitting[0] if fitting else USUAL_WINDOW
    room = int(rows * VALIDATION_SHARE) // 2
    return max(LEAST_WINDOW, min(points, room) // MULTIPLE * MULTIPLE)
