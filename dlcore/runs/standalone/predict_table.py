"""The prediction script of a forecaster of a table: the rows after the end of a CSV with a time column."""

import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from dlcore.data.series.tables import forward_fill
from dlcore.projects.forecast.windows import TableScale, calendar_features
from dlcore.runs.standalone.predict_common import read_facts, run_network


def read_table(path: str, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return times (T,) in epoch milliseconds and values (T, V) of these columns, NaN where a cell is empty.

    The first column holds the times, the first row the names.
    """
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        header, *rows = list(csv.reader(file))
    missing = [name for name in names if name not in header]
    if missing:
        raise SystemExit(f"the file has no column '{missing[0]}'.")
    times = np.array([row[0].replace(" ", "T") for row in rows], "datetime64[ms]").astype(np.int64)
    places = [header.index(name) for name in names]
    return times, np.array([[float(row[place] or "nan") for place in places] for row in rows])


def predict(path: str) -> dict[str, Any]:
    """Return the forecast of each variable, and its times in epoch milliseconds."""
    facts = read_facts()
    known, inputs = facts["preprocessing"], facts["inputs"]
    times, values = read_table(path, known["names"])
    if len(times) < facts["window"]:
        raise SystemExit(f"the file has {len(times)} rows; this model needs {facts['window']}.")
    scale = TableScale.from_json(known["scale"])
    filled, step = forward_fill(values, scale.mean), int(times[-1] - times[-2])
    parts = [scale.scaled(filled)]
    if inputs["difference"]:
        parts.append(scale.scale_change(np.diff(filled, axis=0, prepend=filled[:1])))
    if inputs["mask"]:
        parts.append(np.isnan(values).astype(np.float64))
    if inputs["calendar"]:
        parts.append(calendar_features(times))
    window = np.concatenate(parts, axis=1)[None, -facts["window"] :].astype(np.float32)
    calendar = calendar_features(times[-1:] + step).astype(np.float32)
    forecast = scale.to_values(run_network(window, calendar).astype(np.float64), filled[-1:])[0]
    return {
        "times": [int(times[-1]) + step * (row + 1) for row in range(len(forecast))],
        "forecast": dict(zip(known["names"], forecast.T.tolist(), strict=True)),
    }


def main() -> None:
    """Print the forecast for the CSV file on the command line as JSON."""
    sys.stdout.write(f"{json.dumps(predict(sys.argv[1]))}\n")
