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
from dlcore.ui.pages.anomaly.baseline import compute_baseline_scores
from dlcore.ui.pages.anomaly.scores import PARTS, ScoredSeries, get_smoothing, load_scored_series, select_baselines
from dlcore.ui.shell.cache import cache_resource
from dlcore.ui.widgets import run_cache

RULES = {
    "midway": "midway: between the maxima on ordinary days and on known holidays",
    "maximum": "maximum score",
    "quantile": "99.5 % quantile of the scores",
    "mean_std": "mean + 3 standard deviations",
}

EXPLORATORY = "The rule “midway” was selected after seeing test results: treat it as exploratory."


@dataclass(frozen=True)
class RuleResults:
    """Counts at each rule's threshold, by rule; `seeds` has the NAB score of each seed, `baselines` the best baseline
    under that rule and its NAB score.
    """

    run: Mapping[str, tuple[float, int, int]]
    seeds: Mapping[str, tuple[float, ...]]
    baselines: Mapping[str, tuple[str, float]]


def show_threshold_rules(project: Project, run: Run, bundle: Bundle) -> None:
    """Draw a row per rule: NAB, events and false alarms of the run, NAB of its seeds and of the best baseline."""
    try:
        scores = _by_rule(run_cache.bundle_key(bundle), project, run, bundle)
    except WorkbenchError:  # settings of an older version
        return
    run_rule = run.config.flat["threshold_rule"]
    rows = []
    for rule in sorted(scores.run, key=lambda name: name != run_rule):
        score, hit, false = scores.run[rule]
        row = {
            "Rule": ("▶ " if rule == run_rule else "") + RULES.get(rule, rule),
            "NAB score": f"{score:.1f}",
            "Events hit": hit,
            "False alarms": false,
        }
        if scores.seeds:
            row["NAB of single seeds"] = f"{min(scores.seeds[rule]):.1f} to {max(scores.seeds[rule]):.1f}"
        if scores.baselines:
            row["Best baseline, NAB"] = f"{scores.baselines[rule][1]:.1f} ({scores.baselines[rule][0]})"
        rows.append(row)
    st.markdown("**Other threshold rules**")
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", alt="Scores by threshold rule")
    values = [score for score, _, _ in scores.run.values()]
    st.caption(
        "Every rule uses the same scores before the test split, and no label; yet NAB ranges from "
        f"{min(values):.1f} to {max(values):.1f}: with so few unusual days before the test split, the rule has a large "
        "effect on the result." + (" " + EXPLORATORY if run_rule == "midway" else "")
    )


@cache_resource(max_entries=8, show_spinner=False)
def _by_rule(key: str, _project: Project, _run: Run, _bundle: Bundle) -> RuleResults:
    scored, stored = load_scored_series(_bundle), run_cache.predictions(_bundle)
    assert scored is not None
    names = [name for name in select_baselines(run_cache.evaluation(_bundle), get_smoothing(_run)) if name != "random"]
    baseline_scores = compute_baseline_scores(_project, _run, scored, names)
    by_baseline = {
        baseline_title(name, smoothing=False, season=run_cache.evaluation(_bundle).season): _scores_by_rule(
            score, scored, _run
        )
        for name, score in baseline_scores.items()
    }
    members = np.concatenate([stored[f"{part}_members"] for part in PARTS]).T if "test_members" in stored else ()
    by_seed = [_scores_by_rule(score, scored, _run) for score in members]
    by_rule = _scores_by_rule(scored.scores, scored, _run)
    best = {rule: _best_baseline(by_baseline, rule) for rule in by_rule} if by_baseline else {}
    return RuleResults(
        run=by_rule,
        seeds={rule: tuple(seed[rule][0] for seed in by_seed) for rule in by_rule} if by_seed else {},
        baselines=best,
    )


def _best_baseline(by_baseline: Mapping[str, Mapping[str, tuple[float, int, int]]], rule: str) -> tuple[str, float]:
    """Return the method with the highest NAB score under a rule, and that score."""
    name = max(by_baseline, key=lambda baseline: by_baseline[baseline][rule][0])
    return name, by_baseline[name][rule][0]


def _scores_by_rule(scores: np.ndarray, scored: ScoredSeries, run: Run) -> dict[str, tuple[float, int, int]]:
    """Return NAB, events and false alarms at each rule's threshold for scores (N,)."""
    start, stop = scored.ends
    gap = anomaly.event_gap(scored.step_hours, len(scores) - start)
    windows = anomaly.true_ranges(scored.targets.astype(bool))
    scores_by_rule = {}
    for rule, limit in thresholds(scores[:stop], scored.times[:stop], scored.ends, run.config).items():
        is_alarm = anomaly.alarms(scores, limit)
        events = anomaly.events(is_alarm[start:], scored.targets[start:], gap=gap)
        scores_by_rule[str(rule)] = (
            nab.file_score(is_alarm, windows, start=start),
            int(events.hit.sum()),
            len(events.false_alarms),
        )
    return scores_by_rule
