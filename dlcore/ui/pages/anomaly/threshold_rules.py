"""Scores of an anomaly run under other threshold rules."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from dlcore.core.errors import WorkbenchError
from dlcore.evaluation import anomaly, nab
from dlcore.evaluation.metrics import baseline_title
from dlcore.projects.anomaly.project import thresholds
from dlcore.projects.project import Project
from dlcore.runs import Bundle, Run
from dlcore.ui.pages.anomaly.baseline import scores_of
from dlcore.ui.pages.anomaly.scores import PARTS, Whole, own_form, rivals_of, whole
from dlcore.ui.widgets import run_cache

RULES = {
    "midway": "midway: between the maxima on ordinary days and on known holidays",
    "maximum": "maximum score",
    "quantile": "99.5 % quantile of the scores",
    "mean_std": "mean + 3 standard deviations",
}

AFTERWARDS = "The rule “midway” was chosen after test results had been seen: treat it as exploratory."


@dataclass(frozen=True)
class ByRule:
    """Counts at each rule's threshold, by rule; `seeds` has the NAB score of each seed, `rivals` the best baseline
    under that rule and its NAB score.
    """

    own: Mapping[str, tuple[float, int, int]]
    seeds: Mapping[str, tuple[float, ...]]
    rivals: Mapping[str, tuple[str, float]]


def rules_part(project: Project, run: Run, bundle: Bundle) -> None:
    """Draw a row per rule: NAB, events and false alarms of the run, NAB of its seeds and of the best baseline."""
    try:
        found = _by_rule(run_cache.bundle_key(bundle), project, run, bundle)
    except WorkbenchError:  # settings of an older version
        return
    own = run.config.flat["threshold_rule"]
    rows = []
    for rule in sorted(found.own, key=lambda name: name != own):
        score, hit, false = found.own[rule]
        row = {
            "Rule": ("▶ " if rule == own else "") + RULES.get(rule, rule),
            "NAB score": f"{score:.1f}",
            "Events hit": hit,
            "False alarms": false,
        }
        if found.seeds:
            row["NAB of single seeds"] = f"{min(found.seeds[rule]):.1f} to {max(found.seeds[rule]):.1f}"
        if found.rivals:
            row["Best baseline, NAB"] = f"{found.rivals[rule][1]:.1f} ({found.rivals[rule][0]})"
        rows.append(row)
    st.markdown("**Other threshold rules**")
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", alt="Scores by threshold rule")
    scores = [score for score, _, _ in found.own.values()]
    st.caption(
        "Every rule uses the same scores before the test split, and no label; yet NAB ranges from "
        f"{min(scores):.1f} to {max(scores):.1f}: with so few unusual days before the test split, the rule has a large "
        "effect on the result." + (" " + AFTERWARDS if own == "midway" else "")
    )


@st.cache_resource(max_entries=8, show_spinner=False)
def _by_rule(key: str, _project: Project, _run: Run, _bundle: Bundle) -> ByRule:
    joined, stored = whole(_bundle), run_cache.predictions(_bundle)
    assert joined is not None
    names = [name for name in rivals_of(run_cache.evaluation(_bundle), own_form(_run)) if name != "random"]
    simple = scores_of(_project, _run, joined, names)
    counted = {baseline_title(name, smoothing=False): _counted(score, joined, _run) for name, score in simple.items()}
    members = np.concatenate([stored[f"{part}_members"] for part in PARTS]).T if "test_members" in stored else ()
    alone = [_counted(score, joined, _run) for score in members]
    own = _counted(joined.scores, joined, _run)
    best = {rule: _best(counted, rule) for rule in own} if counted else {}
    return ByRule(
        own=own,
        seeds={rule: tuple(one[rule][0] for one in alone) for rule in own} if alone else {},
        rivals=best,
    )


def _best(counted: Mapping[str, Mapping[str, tuple[float, int, int]]], rule: str) -> tuple[str, float]:
    """Return the method with the highest NAB score under a rule, and that score."""
    name = max(counted, key=lambda one: counted[one][rule][0])
    return name, counted[name][rule][0]


def _counted(scores: np.ndarray, joined: Whole, run: Run) -> dict[str, tuple[float, int, int]]:
    """Return NAB, events and false alarms at each rule's threshold for scores (N,)."""
    start, stop = joined.ends
    gap = max(1, round(24 / joined.step_hours))
    windows = anomaly.true_ranges(joined.targets.astype(bool))
    found = {}
    for rule, limit in thresholds(scores[:stop], joined.times[:stop], joined.ends, run.config).items():
        called = anomaly.alarms(scores, limit)
        seen = anomaly.events(called[start:], joined.targets[start:], gap=gap)
        found[str(rule)] = nab.file_score(called, windows, start=start), int(seen.hit.sum()), len(seen.false_alarms)
    return found
