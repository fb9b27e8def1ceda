"""Description of a series or table for other programs: columns, time, values and windows as JSON values."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlcore.data.series.reading import Reading
from dlcore.data.series.series import LabeledWindow


def describe_reading(
    reading: Reading, *, step_ms: int, period: int, windows: Sequence[LabeledWindow] = ()
) -> dict[str, Any]:
    """Describe samples after all repairs; `period` is in steps, 0 for none.

    Times are ISO 8601: local times with their offset if the zone is known.
    """
    samples, clock = reading.samples, reading.clock
    return {
        "columns": [{"name": name, "role": role, "type": kind} for name, role, kind in reading.columns],
        "time": {
            "first": clock.format(int(samples.times[0])),
            "last": clock.format(int(samples.times[-1])),
            "step_seconds": _plain(step_ms / 1000),
            "period": period,
            "zone": clock.zone,
        },
        "values": {name: _describe_values(samples.values[:, v]) for v, name in enumerate(reading.names)},
        "windows": [
            {"start": clock.format(window.start), "end": clock.format(window.end), "name": window.name}
            for window in windows
        ],
    }


def _describe_values(values: np.ndarray) -> dict[str, Any]:
    known = values[~np.isnan(values)]
    return {
        "count": len(known),
        "missing": len(values) - len(known),
        "min": _plain(known.min()),
        "max": _plain(known.max()),
        "first": _plain(values[0]),
        "last": _plain(values[-1]),
    }


def _plain(number: float) -> float | int | None:
    """A JSON number: whole if it is, null if it is missing."""
    value = float(number)
    if value != value:
        return None
    return int(value) if value.is_integer() and abs(value) < 1e15 else value
