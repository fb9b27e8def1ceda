"""The prediction script of an autoencoder of a series: scores and alarms of a CSV with a time and a value column."""

import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from dlcore.data.series.series import calendar
from dlcore.evaluation.smoothing import trailing_mean
from dlcore.runs.standalone.predict_common import read_facts, run_network


def read_series(path: str) -> tuple[np.ndarray, np.ndarray]:
    """Return times (T,) in epoch milliseconds and values (T,); the first row holds the names."""
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))[1:]
    times = np.array([row[0].replace(" ", "T") for row in rows], "datetime64[ms]")
    return times.astype(np.int64), np.array([float(row[1]) for row in rows])


def predict(path: str) -> dict[str, Any]:
    """Return the score of each point, its error at the end of a window, and the rows above the threshold."""
    facts = read_facts()
    times, values = read_series(path)
    low, high = (np.array(facts["preprocessing"]["scaler"][end]) for end in ("low", "high"))
    features = np.column_stack([values, calendar(times, facts["preprocessing"]["cycles"])])
    rows = ((features - low) / np.where(high > low, high - low, 1.0)).astype(np.float32)
    length = facts["window"]
    if len(rows) < length:
        raise SystemExit(f"the file has {len(rows)} points; this model needs {length}.")
    if facts["view"] == "row":
        x, axis = rows[:, None], 2
    else:
        x, axis = np.lib.stride_tricks.sliding_window_view(rows, length, axis=0), 1  # (N, F, L)
        x = x[:, :1] if facts["view"] == "value window" else x.transpose(0, 2, 1)
        axis = 1 if facts["view"] == "value window" else 2
    inputs = np.ascontiguousarray(x[:, 0] if facts["view"] == "row" else x)
    squares = (run_network(inputs) - inputs) ** 2
    errors = squares.mean(axis=1) if facts["view"] == "row" else squares.mean(axis=axis)[:, -1]
    scores = np.zeros(len(values))
    step = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
    smooth = max(1, round(facts["smoothing_h"] * 3_600_000 / step))
    scores[length - 1 :] = trailing_mean(errors.astype(np.float64), smooth)
    rows_above = (np.flatnonzero(scores > facts["threshold"]) + 2).tolist()
    return {
        "threshold": facts["threshold"],
        "alarms": len(rows_above),
        "alarm_rows": rows_above,
        "errors": scores.tolist(),
    }


def main() -> None:
    """Print scores and alarms of the CSV file on the command line as JSON."""
    sys.stdout.write(f"{json.dumps(predict(sys.argv[1]))}\n")
