"""Result of a benchmark as one document: for the command line, a file, and the page."""

import json
import time
from pathlib import Path
from typing import Any

import dlcore
from dlcore.core import devices, settings
from dlcore.core.errors import RequestError
from dlcore.evaluation.ranks import RankComparison
from dlcore.projects.anomaly import benchmark
from dlcore.runs.benchmark import Benchmark
from dlcore.runs.folder import translate_errors

SHIPPED = settings.ASSETS / "anomaly_benchmark.json"
"""Result on the part of the Numenta corpus that development used."""
METRICS = ("vus_pr", "vus_pr_centered", "nab")
"""Metrics by series. `nab` is at the detector's threshold for all series."""


def build(result: Benchmark, *, command: str) -> dict[str, Any]:
    """Return summaries, ranks, metrics by series, and how they were made, as a JSON-able dict."""
    ranks = result.ranks()
    nab = benchmark.nab_by_series(result.results)
    return {
        "command": command,
        "made": time.strftime("%Y-%m-%d", time.gmtime()),
        "version": dlcore.__version__,
        "machine": "{processor}, {cores} cores".format(**devices.describe()),
        "train_share": benchmark.TRAIN_SHARE,
        "detectors": [
            {**summary.as_json(), "rank": ranks.ranks[summary.detector] if ranks else None}
            for summary in result.summaries
        ],
        "critical_difference": ranks.critical_difference if ranks else None,
        "groups": ranks.groups if ranks else [],
        "series": {
            detector: {
                name: {key: value for key, value in row.items() if "raw_" not in key and key != "detector"}
                | ({"nab": nab[detector][name]} if name in nab.get(detector, {}) else {})
                for name, row in rows.items()
            }
            for detector, rows in result.results.items()
        },
        "errors": list(result.errors),
    }


def save(document: dict[str, Any], path: Path) -> None:
    """Write a document with five significant digits.

    Raises:
        StoreError: the file cannot be written.
    """
    with translate_errors(path):
        path.write_text(json.dumps(_round(document), indent=1) + "\n", encoding="utf-8")


def read(path: Path = SHIPPED) -> dict[str, Any]:
    """Return a stored document.

    Raises:
        RequestError: the file is missing or damaged.
    """
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise RequestError(f"{path.name} cannot be read: {error}") from None
    if not isinstance(document, dict) or not {"detectors", "series"} <= set(document):
        raise RequestError(f"{path.name} is not a result of 'dlcore benchmark anomaly': write one with -o.")
    return document


def ranks_of(document: dict[str, Any]) -> RankComparison | None:
    """Return average ranks by VUS-PR; None without labels."""
    if document["critical_difference"] is None:
        return None
    ranks = {row["detector"]: row["rank"] for row in document["detectors"]}
    return RankComparison(ranks, document["critical_difference"], count_labeled(document))


def count_labeled(document: dict[str, Any]) -> int:
    """Return the number of series with labels."""
    return max((sum("vus_pr" in row for row in rows.values()) for rows in document["series"].values()), default=0)


def _round(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {key: _round(part) for key, part in value.items()}
    return [_round(part) for part in value] if isinstance(value, list) else value
