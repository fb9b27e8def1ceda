"""Results of the reference runs, read from their bundles: the source of docs/results.md."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

from dlcore.runs import behavior
from dlcore.runs.bundle import reference
from dlcore.runs.bundle.reader import Bundle

if TYPE_CHECKING:
    from dlcore.evaluation.abstention import AbstentionRule
    from dlcore.evaluation.behavior import FailureRate

HEADLINES = {
    "nab_standard": "NAB score",
    "skill": "Skill",
    "error_strangers": "ROC AUC",
    "exact_match": "Exact match",
    "accuracy": "Accuracy",
}
"""The first metric that a run has decides its headline column."""
_METRIC = {"error_strangers": "roc_auc"}
_PERCENT = {"accuracy", "exact_match"}
_COLUMNS = ("n train", "parameters", "epochs", "seed", "test reads", "train time, hardware")

_INTRODUCTION = """\
# Results of the reference runs

`dlcore results` prints this page from the bundles in `assets/runs`; `dlcore results --json` prints every field. The
command below each table reproduces its runs. [Findings](findings.md) interprets the numbers.

* Metrics are measured on the test split with the weights of the best epoch by validation. Brackets: 95 % interval.
* The baseline is the best of the project's baselines by the same metric on the same split.
* Each row is one run with one seed. "Test reads" counts how often the test split was evaluated for this run: more than
  once if the run was resumed, or if its weights were stored again in a smaller format.
* Train time excludes data preparation and evaluation.

Metrics: **Accuracy**, the share of correct predictions. **Exact match**, the share of sequences without any error.
**Skill**, 1 - MSE / MSE of copying the last value. **NAB score**, Numenta Anomaly Benchmark with the standard profile
(100 is perfect), from scores that use no later points. **ROC AUC**, area under the ROC curve.
"""


_OUTSIDE = """\
## Out of scope

A prediction is flagged as uncertain if its calibrated probability is too low, or if the input is unlike the training
data: its penultimate features (distance), the letters of a text (language) or its subject (topic). All limits come from
training and validation samples and flag at most 5 % of validation together; the test split only counts false flags.
Inputs of no class are measured after that, with `python tests/write_calibration.py`: photos and images of other
datasets, and sentences written for the tests (`tests/out_of_scope.py`). The shares are of complete texts: a single
sentence of a review or an article that has no word of its subject is flagged more often.
"""


_SETS = """\
## Abstention and prediction sets

A prediction set holds all classes above a limit that is fitted on validation, for a coverage of 90 %: the share of test
samples whose set contains the actual class, with the mean number of classes. The last columns are the accuracy of the
most confident predictions, if the others are not answered.
"""
_ANSWERED = (1.0, 0.9, 0.8, 0.5)

_BEHAVIOR = """\
## Behavioral tests

Failure rates in percent, with 95 % intervals, on the test half of the templates in `assets/behavior`: "MFT" has a known
label, "INV" must not change the label, "DIR" must not lower the probability of a label by more than 10 points.
`dlcore check RUN` lists the worst failures; `python tests/write_behavior.py` measures all runs. See
[Behavioral tests](behavior.md).
"""
_KINDS = {"minimum": "MFT", "invariance": "INV", "directional": "DIR"}


def result_rows() -> list[dict[str, Any]]:
    """Return one row per reference run: data, n, metric with interval, best baseline, seeds, hardware, command."""
    pairs = sorted([*reference.every(), *reference.on_further_datasets()])
    return [_row(name, Bundle(path)) for name, path in pairs]


def render_markdown() -> str:
    """Return all results as a Markdown document."""
    sections = [_INTRODUCTION]
    for project, group in groupby(result_rows(), key=lambda row: str(row["project"])):
        rows = list(group)
        sections.append(f"## {rows[0]['title']} (`{project}`)\n")
        sections += [_table(list(same)) for _, same in groupby(sorted(rows, key=_group_key), key=_group_key)]
    return "\n".join([*sections, _outside_table(), _set_table(), *_behavior_tables()])


def _set_table() -> str:
    """Return the coverage of prediction sets and the accuracy by coverage of each classifier."""
    header = ("project", "model", "coverage", "mean size", *(f"accuracy, {share:.0%} answered" for share in _ANSWERED))
    lines = [_SETS, _line(header), "|---" * len(header) + "|"]
    for _, path in reference.every():
        bundle = Bundle(path)
        if (rule := bundle.calibration) is not None and rule.set_limit:
            lines.append(_line((f"`{path.parent.name}`", f"`{path.name}`", *_set_cells(bundle, rule))))
    return "\n".join(lines) + "\n"


def _set_cells(bundle: Bundle, rule: "AbstentionRule") -> tuple[str, ...]:
    from dlcore.evaluation import abstention, calibration, classification, conformal

    stored, threshold = bundle.predictions(), bundle.evaluation.threshold
    targets, scores = stored["test_targets"], calibration.apply_temperature(stored["test_scores"], rule.temperature)
    sets = conformal.measure_sets(scores, targets, rule.set_limit)
    threshold = 0.5 if threshold is None else threshold
    correct = classification.predicted_classes(stored["test_scores"], threshold=threshold) == targets
    curve = abstention.accuracy_by_coverage(scores.max(axis=1), correct)
    coverage = f"{_share(sets.coverage)} [{100 * sets.low:.1f}, {100 * sets.high:.1f}] of {sets.n:,}"
    return coverage, f"{sets.mean_size:.2f}", *(_share(abstention.accuracy_at(curve, share)) for share in _ANSWERED)


def _behavior_tables() -> list[str]:
    """Return a table per set of capabilities: a row per run, a column per capability."""
    rates = behavior.stored_rates()
    sections = [_BEHAVIOR]
    columns = {run_id: tuple((rate.capability, rate.kind) for rate in rows) for run_id, rows in rates.items()}
    for keys in dict.fromkeys(columns.values()):
        header = ("run", "accuracy", *(f"{capability} ({_KINDS[kind]})" for capability, kind in keys))
        lines = [_line(header), "|---" * len(header) + "|"]
        for run_id in (name for name, same in columns.items() if same == keys):
            path = reference.find(run_id)
            accuracy = "" if path is None else _share(Bundle(path).evaluation.metrics["accuracy"])
            lines.append(_line((f"`{run_id}`", accuracy, *map(_failure_rate, rates[run_id]))))
        sections.append("\n".join(lines) + "\n")
    return sections


def _failure_rate(rate: "FailureRate") -> str:
    low, high = rate.interval
    return f"{100 * rate.rate:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def _outside_table() -> str:
    """Return the section on how often each classifier flags its own classes and what belongs to none of them."""
    rules = [(path.parent.name, path.name, Bundle(path).calibration) for _, path in reference.every()]
    lines = [
        _line((f"`{project}`", f"`{model}`", _share(rule.flagged_share), _false_flags(rule), *_outside(rule)))
        for project, model, rule in rules
        if rule is not None
    ]
    header = ("project", "model", "flagged of validation", "flagged of test", "rule", "flagged of no class")
    return "\n".join([_OUTSIDE, _line(header), "|---" * len(header) + "|", *lines]) + "\n"


def _false_flags(rule: "AbstentionRule") -> str:
    return f"{_share(rule.false_flag_rate)} [{100 * rule.low:.1f}, {100 * rule.high:.1f}] of {rule.n:,}"


def _outside(rule: "AbstentionRule") -> tuple[str, str]:
    measures = ", ".join(("probability", *rule.limits))
    return measures, "; ".join(f"{rate.flagged} of {rate.n} {rate.what}" for rate in rule.outside)


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


def _row(name: str, bundle: Bundle) -> dict[str, Any]:
    from dlcore import projects

    run = bundle.run
    record, environment, evaluation = run["record"], run["environment"], run["evaluation"]
    headline = next(metric for metric in HEADLINES if metric in evaluation["metrics"])
    metric = _METRIC.get(headline, headline)
    baseline, baseline_value = _best_baseline(evaluation["baselines"], metric)
    seeds = sum(part.startswith("seed_") for part in evaluation.get("parts") or {})
    return {
        "run_id": name,
        "project": record["project"],
        "title": projects.get(record["project"]).title,
        "model": record["model"],
        "dataset": record["dataset"],
        "n_train": run["sizes"]["train"],
        "n_validation": run["sizes"]["validation"],
        "n_test": run["sizes"]["test"],
        "metric": metric,
        "metric_title": HEADLINES[headline],
        "value": evaluation["metrics"][metric],
        "low": evaluation["metrics"].get(f"{metric}_low"),
        "high": evaluation["metrics"].get(f"{metric}_high"),
        "baseline": baseline,
        "baseline_value": baseline_value,
        "seeds": f"{record['seed']}" + (f" (ensemble of {seeds})" if seeds else ""),
        "test_reads": run["test_looks"],
        "epochs": record["epoch"],
        "parameters": record["parameters"],
        "duration_s": record["duration_s"],
        "hardware": f"{environment['devices']}, {environment['threads']} thread{'s' * (environment['threads'] > 1)}",
        "command": run["command"],
    }


def _best_baseline(baselines: Mapping[str, Mapping[str, float]], metric: str) -> tuple[str, float | None]:
    """Return name and value of the best baseline; higher is better for every headline metric.

    Centered smoothing uses later points, which the headline score does not: those baselines are left out.
    """
    values = {
        name: metrics[metric]
        for name, metrics in baselines.items()
        if metrics.get(metric) is not None and not name.endswith("_centred")
    }
    if not values:
        return "", None
    best = max(values, key=lambda name: values[name])
    return best, values[best]


def _group_key(row: Mapping[str, Any]) -> tuple[str, str, int]:
    return str(row["dataset"]), str(row["metric"]), int(row["n_test"])


def _table(rows: list[dict[str, Any]]) -> str:
    first = rows[0]
    header = ("model", first["metric_title"], "best baseline", *_COLUMNS)
    lines = [
        f"`{first['dataset']}`: {first['n_validation']:,} validation, {first['n_test']:,} test samples.\n",
        _line(header),
        "|---" * len(header) + "|",
        *(_line(_cells(row)) for row in rows),
    ]
    commands = "\n".join(row["command"] for row in rows)
    return "\n".join(lines) + f"\n\n```\n{commands}\n```\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        f"`{row['model']}`",
        _value(row),
        _baseline(row),
        f"{row['n_train']:,}",
        f"{row['parameters']:,}",
        str(row["epochs"]),
        row["seeds"],
        str(row["test_reads"]),
        f"{row['duration_s']:,.0f} s, {row['hardware']}",
    )


def _value(row: Mapping[str, Any]) -> str:
    value = _format(row["value"], row["metric"])
    if row["low"] is None or row["high"] is None:
        return value
    low, high = (_format(row[name], row["metric"]).removesuffix(" %") for name in ("low", "high"))
    return f"{value} [{low}, {high}]"


def _baseline(row: Mapping[str, Any]) -> str:
    if row["baseline_value"] is None:
        return ""
    return f"{_format(row['baseline_value'], row['metric'])} (`{row['baseline']}`)"


def _format(value: float, metric: str) -> str:
    if metric in _PERCENT:
        return f"{100 * value:.1f} %"
    return f"{value:.1f}" if metric == "nab_standard" else f"{value:.3f}"
