"""Result of a benchmark as one document: for the command line, a file, and the page."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import dlcore
from dlcore.core import devices, settings
from dlcore.core.errors import RequestError
from dlcore.evaluation.ranks import RankComparison
from dlcore.projects.anomaly import benchmark, recommendation
from dlcore.projects.anomaly.recommendation import Evidence
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


def add_recommendations(
    document: dict[str, Any], evidence: Mapping[str, Mapping[str, Evidence]], *, labeled: Sequence[str] = ()
) -> None:
    """Add what is recommended for series without labels, and how often such a recommendation is right.

    `labeled` are series of the document with evidence: its rule is chosen, and measured, on them. Otherwise both come
    from the shipped result.

    Raises:
        RequestError: neither has a rule.
    """
    if labeled:
        vus_pr = {
            name: {detector: rows[name]["vus_pr"] for detector, rows in document["series"].items()} for name in labeled
        }
        results, rule = recommendation.measure(evidence, vus_pr)
        document["recommendation"] = {
            "rule": rule,
            "earlier": recommendation.mean_vus_pr(vus_pr, sorted(vus_pr)),
            "measured": [asdict(result) for result in results],
            "series": len(vus_pr),
        }
    elif "recommendation" not in document:
        document["recommendation"] = read()["recommendation"]
    stored = document["recommendation"]
    document["recommended"] = [
        recommend_one(name, values, stored) for name, values in evidence.items() if name not in labeled
    ]


def recommend_one(name: str, evidence: Mapping[str, Evidence], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the recommended detector of a series, its reasons, and the order of all."""
    earlier = stored["earlier"]
    order = recommendation.recommend(evidence, rule=stored["rule"], earlier=earlier)
    other = recommendation.recommend(evidence, rule="all evidence", earlier=earlier)[0]
    reasons = recommendation.explain(evidence, order[0], earlier=earlier)
    if other != order[0]:
        text = recommendation.explain(evidence, other, earlier=earlier)
        reasons += f" First by evidence from this series alone: {text}"
    return {
        "series": name,
        "detector": order[0],
        "title": benchmark.TITLES[order[0]],
        "reasons": reasons,
        "order": order,
        "first_by_evidence": other,
    }


def describe_hit_rate(stored: Mapping[str, Any]) -> str:
    """Say how often the recommendation is right, and how it compares with always picking the default detector."""
    rows = {row["rule"]: row for row in stored["measured"]}
    default, selected = next(iter(rows.values())), rows["chosen on the others"]
    return (
        f"On {stored['series']} labeled series the recommendation picks the best of "
        f"{len(recommendation.CANDIDATES)} detectors for {selected['best']:.0%} of them, and one within "
        f"{recommendation.NEAR} VUS-PR for {selected['near']:.0%}; always the default detector: {default['best']:.0%} "
        f"and {default['near']:.0%}. Mean VUS-PR {selected['vus_pr']:.3f} against {default['vus_pr']:.3f} "
        f"(difference {selected['gain']:+.3f} [{selected['gain_low']:+.3f}, {selected['gain_high']:+.3f}])."
    )


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


def labeled_series(document: dict[str, Any]) -> list[str]:
    """Return the series with labels that every detector scored."""
    scored = [{name for name, row in rows.items() if "vus_pr" in row} for rows in document["series"].values()]
    return sorted(set.intersection(*scored)) if scored else []


def count_labeled(document: dict[str, Any]) -> int:
    """Return the number of series with labels."""
    return len(labeled_series(document))


def _round(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {key: _round(part) for key, part in value.items()}
    return [_round(part) for part in value] if isinstance(value, list) else value
