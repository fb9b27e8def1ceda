"""Text sections of a report: verdict, metrics beside baselines, data, settings, environment."""

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dlcore import projects
from dlcore.core.errors import WorkbenchError
from dlcore.data.sources import locate as sources
from dlcore.evaluation import metrics
from dlcore.evaluation.metrics import METRICS, BaselineComparison
from dlcore.projects.project import Evaluation
from dlcore.projects.run_config import RunConfig
from dlcore.runs.bundle.reader import Bundle
from dlcore.runs.record import Record
from dlcore.runs.report.markup import Markup, join, table, tag
from dlcore.runs.run import Run

MAX_CARDS = 4
OUTCOMES = {"better": "beats", "worse": "loses to", "tie": "ties with"}


@dataclass(frozen=True)
class Subject:
    """A run that a report is about, opened once."""

    run: Run
    bundle: Bundle
    config: RunConfig
    record: Record
    evaluation: Evaluation
    content: Mapping[str, Any]

    @classmethod
    def open(cls, run: Run) -> "Subject":
        """Return a run with a bundle.

        Raises:
            RunError: it has none yet.
        """
        bundle = run.finished_bundle
        return cls(run, bundle, bundle.config, run.record, bundle.evaluation, bundle.run)

    @property
    def title(self) -> str:
        """Return the title of its model."""
        return projects.get(self.config.project).models[self.config.model].title

    @property
    def baselines(self) -> Mapping[str, Mapping[str, float]]:
        """Return the baselines of the same smoothing."""
        return metrics.with_smoothing(self.evaluation.baselines, self.config.flat.get("smoothing_h"))

    @property
    def summary(self) -> BaselineComparison | None:
        """Return its main metric beside the best baseline; None without one."""
        return metrics.summarize(self.evaluation.metrics, self.baselines)

    def baseline_title(self, name: str) -> str:
        """Return the title of one of its baselines."""
        return metrics.baseline_title(name, season=self.evaluation.season)


def verdict(subject: Subject) -> Markup:
    """Return one line: the main metric, and who wins."""
    top = subject.summary
    if top is None:
        return tag("p", subject.evaluation.verdict, class_="dlr-verdict")
    interval = metrics.format_interval(top.metric, top.low, top.high)
    score = f"{metrics.metric_title(top.metric)} {metrics.format_metric(top.metric, top.value)} {interval}".rstrip()
    if top.baseline_value is None:
        return tag("p", tag("b", score), ".", class_="dlr-verdict")
    baseline = metrics.lower_first(subject.baseline_title(top.baseline))
    value = metrics.format_metric(top.metric, top.baseline_value)
    outcome = f"{OUTCOMES[top.outcome or 'tie']} the best baseline"
    return tag("p", tag("b", score), ", ", tag("b", outcome), f" ({baseline}, {value}).", class_="dlr-verdict")


def cards(subject: Subject) -> Markup:
    """Return the main metrics, each beside the best baseline."""
    values, top = subject.evaluation.metrics, subject.summary
    names = shown_metrics(values)
    first = [top.metric] if top else []
    known = [name for name in dict.fromkeys((*first, *names)) if f"{name}_low" in values or name in first]
    compared = (metrics.compare_with_best_baseline(values, subject.baselines, name) for name in known[:MAX_CARDS])
    return tag("div", *(_card(subject, item) for item in compared if item is not None), class_="dlr-cards")


def _card(subject: Subject, item: BaselineComparison) -> Markup:
    value = metrics.format_metric(item.metric, item.value)
    interval = metrics.format_interval(item.metric, item.low, item.high)
    lines = [tag("small", metrics.metric_title(item.metric)), tag("b", value), tag("small", interval)]
    if item.baseline_value is not None:
        sign = {"better": "▲ better than", "worse": "▼ worse than", "tie": "= ties with"}[item.outcome or "tie"]
        baseline = metrics.lower_first(subject.baseline_title(item.baseline))
        against = metrics.format_metric(item.metric, item.baseline_value)
        lines.append(tag("small", f"{sign} {baseline}, {against}", class_="dlr-outcome"))
    return tag("div", *lines, class_="dlr-card")


def metric_table(subject: Subject) -> Markup:
    """Return all metrics of the run and its baselines, with intervals, and what they mean."""
    evaluation = subject.evaluation
    rows: dict[str, Mapping[str, float]] = {subject.title: evaluation.metrics}
    rows |= {subject.baseline_title(name): values for name, values in evaluation.baselines.items()}
    names = shown_metrics(*rows.values())
    content = numbers(rows, names, label="Test metrics of the run and of the baselines")
    note = f"Test split, {subject.content['sizes']['test']:,} samples. In brackets: 95 % confidence interval."
    baselines = dict.fromkeys(metrics.baseline_key(name) for name in evaluation.baselines)
    terms = {METRICS[name].title: METRICS[name].help for name in names}
    terms |= {
        metrics.BASELINES[key].title: metrics.BASELINES[key].help for key in baselines if key in metrics.BASELINES
    }
    return join((content, tag("p", note, class_="dlr-note"), details("Metrics and baselines explained", pairs(terms))))


def shown_metrics(*rows: Mapping[str, float]) -> list[str]:
    """Return the metrics of tables; those of a task whose pages have no such table, if there are none."""
    return metrics.table_metrics(*rows) or [name for name in METRICS if any(name in row for row in rows)]


def numbers(rows: Mapping[str, Mapping[str, float]], names: Iterable[str], *, label: str) -> Markup:
    """Return a table of metrics `names` by row."""
    columns = list(names)
    header = ("Method", *(tag("th", METRICS[name].title, scope="col", title=METRICS[name].help) for name in columns))
    cells = [(title, *(metrics.format_with_interval(values, n) for n in columns)) for title, values in rows.items()]
    return tag("div", table(header, cells, label=label), class_="dlr-numbers")


def details(title: str, content: Markup) -> Markup:
    """Return content that opens on a click."""
    return tag("details", tag("summary", title), content)


def pairs(items: Mapping[str, object]) -> Markup:
    """Return a table of names and values."""
    rows = [(name, plain(value)) for name, value in items.items()]
    return tag("div", table(("", ""), rows, label="Names and values"), class_="dlr-pairs")


def plain(value: object) -> str:
    """Return a setting as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(plain, value)) or "none"
    return "none" if value is None or value == "" else str(value)


def data_card(subject: Subject) -> Markup:
    """Return dataset, license, sizes and checksum, and what its import changed."""
    sizes, name = subject.content["sizes"], subject.config.dataset
    items: dict[str, object] = {"Dataset": data_title(name)}
    with contextlib.suppress(WorkbenchError):  # a custom dataset that was removed
        items["License"] = sources.get_dataset(name).license
    items["Samples"] = ", ".join(f"{size:,} {part}" for part, size in sizes.items())
    items["sha256"] = subject.content["data_checksum"] or "unknown"
    looks = subject.content["test_looks"]
    items["Test split read"] = "once" if looks == 1 else f"{looks} times"
    content = pairs(items)
    receipt = subject.content.get("data_receipt") or ()
    if receipt:
        content = join((content, details("Data repairs", tag("ol", *(tag("li", line) for line in receipt)))))
    return content


def data_title(name: str) -> str:
    """Return the title of a dataset; its name if it is not known here."""
    try:
        return sources.get_dataset(name).title
    except WorkbenchError:
        return name


def training_card(subject: Subject) -> Markup:
    """Return epochs, steps, parameters, time and hardware."""
    record, environment = subject.record, subject.content["environment"]
    best = f"{record.best.epoch}, by {record.best.metric.replace('_', ' ')}" if record.best else "the last"
    items = {
        "Epochs": f"{record.epoch} of {record.epochs}; best epoch: {best}",
        "Steps": f"{record.step:,} of {record.batch_size} samples",
        "Parameters": record.parameter_text.removesuffix(" parameters") or "unknown",
        "Seed": record.seed,
        "Time": f"{record.duration_s:,.1f} s on {record.device}",
        **({"Precision": record.precision} if record.precision else {}),
        **{name.replace("_", " ").capitalize(): value for name, value in environment.items()},
    }
    return pairs(items)


def settings(config: RunConfig) -> dict[str, object]:
    """Return model, dataset, preset and every setting."""
    return {"model": config.model, "dataset": config.dataset, "preset": config.preset, **config.flat}
