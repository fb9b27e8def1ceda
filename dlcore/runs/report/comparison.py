"""The report of several runs: overlaid curves, a table of metrics, the settings that differ."""

from collections.abc import Mapping, Sequence

from dlcore import projects
from dlcore.evaluation import metrics
from dlcore.projects.variants import label_configs
from dlcore.runs.record import Curve
from dlcore.runs.report import figures
from dlcore.runs.report.figures import PartList, ReportPart
from dlcore.runs.report.markup import Markup, join, table, tag
from dlcore.runs.report.sections import Subject, data_card, data_title, numbers, plain, settings, shown_metrics
from dlcore.runs.report.single import footer, section
from dlcore.runs.views.curves import run_curves

MAX_MATRICES = 4
CURVES_HEIGHT = 460


def render_comparison(subjects: Sequence[Subject], parts: PartList) -> tuple[str, Markup]:
    """Return the title and the body of the report of several runs of a project."""
    project = projects.get(subjects[0].config.project)
    named = dict(zip(label_runs(subjects), subjects, strict=True))
    runs = [run_curves(item.record, _by_epoch(item), label=name) for name, item in named.items()]
    values = {name: item.evaluation.metrics for name, item in named.items()}
    content = numbers(values, shown_metrics(*values.values()), label="Test metrics by run")
    first = subjects[0]
    same_data = len({(item.config.dataset, item.content["data_checksum"]) for item in subjects}) == 1
    note = "In brackets: 95 % confidence interval on the test split."
    note += "" if same_data else " The runs use different data: their metrics are not comparable."
    body = join(
        (
            tag("p", " · ".join((f"{len(subjects)} runs", data_title(first.config.dataset))), class_="dlr-sub"),
            best_run(named),
            parts.add(figures.curves_part(runs, height=CURVES_HEIGHT)),
            section("Metrics", content, note=note),
            section("Settings that differ", differences(named)),
            section("Confusion matrices", tag("div", *_matrices(named, parts), class_="dlr-grid")),
            section("Data", data_card(first) if same_data else Markup()),
            section("Commands", join(tag("pre", item.content["command"]) for item in subjects)),
            footer(),
        )
    )
    return f"Comparison: {project.title}", body


def _by_epoch(subject: Subject) -> dict[str, Curve]:
    """Return the history without the loss of single batches, which would hide the other runs."""
    return {name: curve for name, curve in subject.run.history().items() if name != "batch_loss"}


def label_runs(subjects: Sequence[Subject]) -> list[str]:
    """Return a name for each run: what differs, with its seed where seeds differ."""
    labels = label_configs([item.config for item in subjects])
    seeds = [item.record.seed for item in subjects]
    return labels if len(set(seeds)) == 1 else [f"{a}, seed {b}" for a, b in zip(labels, seeds, strict=True)]


def best_run(named: Mapping[str, Subject]) -> Markup:
    """Return one line: the run with the best main metric, and whether the second lies in its interval."""
    summaries = {name: top for name, item in named.items() if (top := item.summary) is not None}
    if not summaries:
        return Markup()
    metric = next(iter(summaries.values())).metric
    scores = {name: item.evaluation.metrics for name, item in named.items() if metric in item.evaluation.metrics}
    direction = metrics.find_metric(metric)
    higher = direction is None or direction.higher_is_better
    ranked = sorted(scores, key=lambda name: scores[name][metric], reverse=higher)
    best = scores[ranked[0]]
    words = f"{metrics.metric_title(metric)} {metrics.format_with_interval(best, metric)}"
    if len(ranked) < 2:
        return tag("p", tag("b", ranked[0]), f": {words}.", class_="dlr-verdict")
    second = scores[ranked[1]][metric]
    low, high = (best.get(f"{metric}_{end}", best[metric]) for end in ("low", "high"))
    outcome = "ties with" if low <= second <= high else "is ahead of"
    value = metrics.format_metric(metric, second)
    return tag(
        "p", tag("b", ranked[0]), f": {words}, ", tag("b", outcome), f" {ranked[1]} ({value}).", class_="dlr-verdict"
    )


def differences(named: Mapping[str, Subject]) -> Markup:
    """Return a table of the settings in which the runs differ."""
    values = {name: {**settings(item.config), "seed": item.record.seed} for name, item in named.items()}
    keys = list(dict.fromkeys(key for row in values.values() for key in row))
    differ = [key for key in keys if len({plain(row.get(key)) for row in values.values()}) > 1]
    if not differ:
        return tag("p", "The runs have the same settings.")
    rows = [(key.replace("_", " "), *(plain(row.get(key, "–")) for row in values.values())) for key in differ]
    return table(("Setting", *values), rows, label="Settings that differ")


def _matrices(named: Mapping[str, Subject], parts: PartList) -> list[Markup]:
    elements: list[ReportPart] = []
    for name, item in list(named.items())[:MAX_MATRICES]:
        stored = item.bundle.predictions()
        if stored["test_scores"].ndim == 2:
            elements.append(figures.confusion_part(item.bundle, stored, title=name))
    return [parts.add(part) for part in elements]
