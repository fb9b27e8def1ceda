"""Counts of the threshold component's modules equal those of scikit-learn and `evaluation`."""

import base64
import json
import shutil
import subprocess

import numpy as np
import pytest

pytest.importorskip("playwright")
from components import serve
from sklearn import metrics

from dlcore.evaluation import anomaly
from dlcore.ui.components import mount

pytestmark = pytest.mark.browser
SWEEP = """async (input) => {
  const { buildTable, countAt, countEvents } = await import("/threshold/counts.js");
  const sweeps = await import("/threshold/sweep.js");
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
  const scores = new (input.double ? Float64Array : Float32Array)(bytes(input.scores));
  const labels = input.labels && new Uint8Array(bytes(input.labels));
  const { start, stop, gap, inclusive, plausible, ratio } = input;
  const table = buildTable(scores, labels, { start, stop, gap, inclusive, plausible });
  const sweep = sweeps.buildSweep(table), costs = sweeps.computeCosts(table, sweep, ratio);
  return {
    at: input.thresholds.map((t) => ({
      ...countAt(table, t), ...countEvents(table, t), steady: sweeps.findStableRange(table, sweep, t),
      cost: costs[sweeps.indexAt(sweep, table, t)],
    })),
    cheapest: sweeps.findCheapest(table, sweep, costs),
    best: sweeps.findLowest(sweep, sweeps.computeF1(table, sweep).map((f1) => -f1), inclusive),
    areas: sweeps.computeAreas(table, sweep),
    rules: sweeps.computeRules(Float64Array.from(scores).sort(), { k: 2.5, quantile: 0.97 }),
  };
}"""


@pytest.fixture(scope="module")
def script(chromium):
    """A function of scores, labels and thresholds that runs `SWEEP` in a blank page."""
    page = chromium.new_page()
    serve(page)

    yield lambda *data, **options: page.evaluate(SWEEP, pack(*data, **options))
    page.close()


def pack(scores, labels, thresholds, *, start=0, gap=48, inclusive=False, plausible=(), ratio=10.0):
    """Return the input of `SWEEP`."""
    texts = [None if part is None else base64.b64encode(part.tobytes()).decode() for part in (scores, labels)]
    return {
        "scores": texts[0],
        "labels": texts[1],
        "double": scores.dtype == np.float64,
        "start": start,
        "stop": len(scores),
        "gap": gap,
        "inclusive": inclusive,
        "ratio": ratio,
        "plausible": [list(map(int, window)) for window in plausible],
        "thresholds": [float(t) for t in thresholds],
    }


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize("kind", ["distinct", "ties"])
def test_node_and_browser_agree(script, kind):
    scores, labels = random_scores(kind, "float32", 1)
    data = pack(scores, labels, candidate_thresholds(scores), plausible=[(20, 130)])
    imports = SWEEP.replace('import("/', f'import("{mount._FOLDER.as_uri()}/')
    program = f"console.log(JSON.stringify(await ({imports})({json.dumps(data)})))"
    command = ["node", "--experimental-detect-module", "--no-warnings", "--input-type=module", "-"]
    answer = subprocess.run(command, input=program, capture_output=True, text=True, check=True)
    without_nan = replace_nan(script(scores, labels, candidate_thresholds(scores), plausible=[(20, 130)]))
    assert json.loads(answer.stdout) == without_nan


def replace_nan(value):
    """Return the value as JSON stores it: NaN and infinity become None."""
    if isinstance(value, dict):
        return {key: replace_nan(part) for key, part in value.items()}
    if isinstance(value, list):
        return [replace_nan(part) for part in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def candidate_thresholds(scores) -> np.ndarray:
    """Return all distinct scores, values between and next to them, and values below and above all."""
    levels = np.unique(scores.astype(np.float64))
    middle = (levels[1:] + levels[:-1]) / 2
    beside = [np.nextafter(levels, -np.inf), np.nextafter(levels, np.inf)]
    return np.unique(np.concatenate([levels, middle, *beside, [levels[0] - 1, levels[-1] + 1]]))


def random_scores(kind: str, dtype, seed: int, n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    scores = {
        "distinct": random.gamma(1.0, size=n),
        "ties": random.integers(0, 12, n) / 10,
        "equal": np.full(n, 0.1),
        "below_zero": random.normal(size=n),
    }[kind].astype(dtype)
    labels = np.zeros(n, np.uint8)
    for begin in random.integers(0, n - 20, 4):
        labels[begin : begin + random.integers(1, 20)] = 1
    return scores, labels


@pytest.mark.parametrize(("dtype", "inclusive"), [("float32", False), ("float64", False), ("float32", True)])
@pytest.mark.parametrize("kind", ["distinct", "ties", "equal", "below_zero"])
def test_counts_equal_scikit_learn_at_every_threshold(script, kind, dtype, inclusive):
    scores, labels = random_scores(kind, dtype, seed=len(kind), n=150)
    for truth in (labels, np.zeros_like(labels), np.ones_like(labels)):
        thresholds = candidate_thresholds(scores)
        counts = script(scores, truth, thresholds, inclusive=inclusive)["at"]
        above = scores[:, None].astype(np.float64)
        called = above >= thresholds if inclusive else above > thresholds  # (n, T), one label per threshold
        truths = np.repeat(truth[:, None], len(thresholds), axis=1)
        cells = metrics.multilabel_confusion_matrix(truths, called).reshape(-1, 4)
        assert [[at[name] for name in ("tn", "fp", "fn", "tp")] for at in counts] == cells.tolist()
        ratios = metrics.precision_recall_fscore_support(truths, called, average=None, zero_division=0.0)[:3]
        actual = np.array([[at[name] for name in ("precision", "recall", "f1")] for at in counts])
        np.testing.assert_allclose(actual, np.stack(ratios, axis=1), atol=1e-12)
    assert (anomaly.alarms(scores, float(thresholds[3])) == (above > thresholds)[:, 3]).all()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["distinct", "ties", "equal"])
def test_events_bursts_and_delay_equal_the_evaluation(script, kind, seed):
    scores, labels = random_scores(kind, "float32", seed, n=240)
    start, gap, plausible = 40, (1, 5, 48)[seed % 3], np.array([[20, 130], [200, 220], [222, 230]])
    thresholds = candidate_thresholds(scores)
    result = script(scores, labels, thresholds, start=start, gap=gap, plausible=plausible)
    for threshold_, at in zip(thresholds, result["at"], strict=True):
        called = anomaly.alarms(scores, float(threshold_))[start:]
        events = anomaly.events(called, labels[start:], gap=gap)
        assert [at["hit"], at["bursts"]] == [events.hit.tolist(), len(events.false_alarms)], threshold_
        first = [int(np.flatnonzero(called[a:b])[0]) for a, b in events.windows[events.hit]]
        assert at["delay"] == pytest.approx(np.mean(first)) if first else at["delay"] is None or np.isnan(at["delay"])
        touching = sum(any(a + start < q and b + start > p for p, q in plausible) for a, b in events.false_alarms)
        assert at["plausible"] == touching


@pytest.mark.parametrize("gap", [0, 48])
@pytest.mark.parametrize("kind", ["distinct", "ties", "equal"])
def test_lowest_cost_and_best_f1_equal_brute_force(script, kind, gap):
    scores, labels = random_scores(kind, "float64", 7, n=200)
    result = script(scores, labels, candidate_thresholds(scores), gap=gap, ratio=3.5)
    costs, scored, bursts = {}, {}, {}
    for threshold_ in np.r_[scores.min() - 1, np.unique(scores)]:
        called = anomaly.alarms(scores, float(threshold_))
        events = anomaly.events(called, labels, gap=max(1, gap))
        missed = (~events.hit).sum() if gap else (labels.astype(bool) & ~called).sum()
        false = called & ~labels.astype(bool)
        bursts[threshold_] = len(events.false_alarms) if gap else 0
        costs[threshold_] = missed * 3.5 + (bursts[threshold_] if gap else false.sum())
        scored[threshold_] = metrics.f1_score(labels, called, zero_division=0.0)
    useful = max(level for level, count in bursts.items() if count == max(bursts.values())) if gap else -np.inf
    costs = {level: cost for level, cost in costs.items() if level >= useful}
    assert result["cheapest"]["value"] == pytest.approx(min(costs.values()))
    at = script(scores, labels, [result["cheapest"]["threshold"], result["best"]["threshold"]], gap=gap, ratio=3.5)[
        "at"
    ]
    assert at[0]["cost"] == pytest.approx(min(costs.values()))
    assert at[1]["f1"] == pytest.approx(max(scored.values()))


def test_areas_equal_scikit_learn(script):
    for kind in ("distinct", "ties"):
        scores, labels = random_scores(kind, "float32", 3)
        areas = script(scores, labels, [0.5])["areas"]
        assert areas["precision"] == pytest.approx(metrics.average_precision_score(labels, scores), abs=1e-12)
        assert areas["roc"] == pytest.approx(metrics.roc_auc_score(labels, scores), abs=1e-12)


def test_rules_equal_the_evaluation(script):
    scores, _ = random_scores("distinct", "float64", 5)
    rules = script(scores, None, [0.5])["rules"]
    assert rules["maximum"] == scores.max()
    assert rules["quantile"] == pytest.approx(anomaly.threshold_of(scores, "quantile", quantile=0.97), rel=1e-12)
    assert rules["meanStd"] == pytest.approx(anomaly.threshold_of(scores, "mean_std", k=2.5), rel=1e-12)


def test_counts_change_only_outside_the_stable_range(script):
    scores, labels = random_scores("distinct", "float64", 11)
    thresholds = np.quantile(scores, [0.2, 0.6, 0.9, 0.99])
    at = script(scores, labels, thresholds)["at"]
    for counts in at:
        low, high = counts["steady"]["low"], counts["steady"]["high"]
        same, below, above = script(scores, labels, [low, np.nextafter(low, -9), high])["at"]
        assert (same["caught"], same["bursts"]) == (counts["caught"], counts["bursts"])
        assert (below["caught"], below["bursts"]) != (counts["caught"], counts["bursts"])
        assert (above["caught"], above["bursts"]) != (counts["caught"], counts["bursts"])
