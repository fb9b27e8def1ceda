"""The model card of a run: results, data, how to reproduce it, limitations."""

import importlib.metadata
import json
import platform
from collections.abc import Mapping
from typing import Any

from dlcore import projects
from dlcore.core.markdown import as_text
from dlcore.evaluation.abstention import AbstentionRule, describe_outside, describe_rule
from dlcore.evaluation.metrics import baseline_title, format_with_interval, metric_title

PACKAGES = ("torch", "numpy", "lightning-fabric", "safetensors")
MOST_CLASSES = 30
"""Largest number of class names on a card."""
MOST_REPAIRS = 50
"""Largest number of lines of a receipt on a card."""
_CENTERED = "_centred"
_DEFAULT_LIMITS = (
    "Trained and evaluated on one split of one dataset. The metrics do not carry over to other data, years or "
    "places: evaluate the model there before you rely on it."
)


def render_card(run: Mapping[str, Any], rule: AbstentionRule | None = None) -> str:
    """Return the card in Markdown, from the content of `run.json` and a classifier's abstention rule."""
    record, evaluation = run["record"], run["evaluation"]
    project = projects.get(record["project"])
    best = record["best"]
    weights = (
        f"Weights of epoch {best['epoch']}, the best by {best['metric']} ({best['value']:.6g})."
        if best
        else "Weights of the last step: training stopped before the end of the first epoch."
    )
    parts = [
        f"# {project.title}: {project.models[record['model']].title}",
        f"{project.summary} {evaluation['verdict']}".strip(),
        "## Result on the test split",
        _table(_rows(evaluation)),
        f"{weights} The test split was evaluated {_times(run['test_looks'])}. In brackets: 95 % confidence interval.",
        "## Data",
        f"`{record['dataset']}`: {run['sizes']['train']} samples to train, {run['sizes']['validation']} to validate, "
        f"{run['sizes']['test']} to test; sha256 `{run['data_checksum'] or 'unknown'}`.{_classes(run)}",
        *_data_repairs(run),
        *_abstention(rule),
        "## Training",
        _training(run),
        f"```\n{run['command']}\n```",
        "## Limitations",
        _DEFAULT_LIMITS,
    ]
    return "\n\n".join(parts) + "\n"


PIPELINES = {"image": "image-classification", "text": "text-classification", "series": "time-series-forecasting"}
"""Task of the Hugging Face hub by modality."""


def hub_metadata(run: Mapping[str, Any]) -> str:
    """Return the metadata block of a card for the Hugging Face hub (YAML), from the content of `run.json`."""
    record, metrics = run["record"], run["evaluation"]["metrics"]
    project = projects.get(record["project"])
    name, task = json.dumps(f"{record['project']}-{record['model']}"), PIPELINES.get(project.modality, "other")
    values = [
        f"    - type: {metric}\n      name: {json.dumps(metric_title(metric))}\n      value: {value:.6g}"
        for metric, value in metrics.items()
        if not metric.endswith(("_low", "_high", _CENTERED))
    ]
    dataset = json.dumps(record["dataset"])
    return "\n".join(
        (
            f"---\nlibrary_name: pytorch\npipeline_tag: {task}\ntags: [pytorch, onnx, {record['project']}]",
            f"model-index:\n- name: {name}\n  results:\n  - task:\n      type: {task}",
            f"    dataset:\n      name: {dataset}\n      type: {dataset}\n      split: test\n    metrics:",
            *values,
            "---",
        )
    )


def _abstention(rule: AbstentionRule | None) -> list[str]:
    """Return a section on when a prediction is flagged, and how often."""
    if rule is None:
        return []
    return ["## Out of scope", f"{describe_rule(rule)} {describe_outside(rule)}".strip()]


def _classes(run: Mapping[str, Any]) -> str:
    """Return a sentence with the class names of a classifier, if there are few."""
    names = run.get("labels", [])
    if not 2 <= len(names) <= MOST_CLASSES or "accuracy" not in run["evaluation"]["metrics"]:
        return ""
    return f" Classes: {', '.join(names)}."


def _data_repairs(run: Mapping[str, Any]) -> list[str]:
    """Return a section with what the import of a custom dataset changed."""
    receipt = run.get("data_receipt")
    if receipt is None:
        return []
    lines = [f"{number}. {as_text(line)}" for number, line in enumerate(receipt[:MOST_REPAIRS], start=1)]
    if len(receipt) > MOST_REPAIRS:
        lines.append(f"... and {len(receipt) - MOST_REPAIRS:,} more, in `run.json`")
    return ["## Data repairs", "\n".join(lines) or "None: the data are as in the file."]


def package_versions() -> dict[str, str]:
    """Return the versions of Python and of the numerical packages."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return versions


def _training(run: Mapping[str, Any]) -> str:
    record, environment = run["record"], run["environment"]
    return (
        f"{record['epoch']} of {record['epochs']} epochs, {record['step']} steps of {record['batch_size']} samples, "
        f"{record['parameters']:,} parameters, seed {record['seed']}, {record['duration_s']:.1f} s of training on "
        f"{record['device']} ({environment['devices']}; {environment['threads']} threads); Python "
        f"{environment['python']}, torch {environment['torch']}, NumPy {environment['numpy']}. "
        f"{_precision(record.get('precision', ''))}"
        f"Weights are stored as {run['weights']}.{_pretrained(run.get('pretrained', {}))}"
        f"{' ' + run['sharing'] if run.get('sharing') else ''}"
    )


def _precision(choice: str) -> str:
    """Return a sentence on the precision that was chosen by timing, if it was."""
    return f"Precision {choice}. " if choice else ""


def _pretrained(network: Mapping[str, str]) -> str:
    """Return a sentence about the pretrained network that the bundle omits."""
    if not network:
        return ""
    return (
        f" It uses the pretrained BERT `{network['name']}` (sha256 over its files `{network['checksum']}`): its "
        "frozen weights are not in this bundle."
    )


def _rows(evaluation: Mapping[str, Any]) -> dict[str, Mapping[str, float]]:
    """Return the metrics of the model, of its non-causal variant, its parts, and the baselines."""
    metrics = evaluation["metrics"]
    centered = {name.removesuffix(_CENTERED): value for name, value in metrics.items() if name.endswith(_CENTERED)}
    non_causal = {"this model, looking ahead": centered} if centered else {}
    season = evaluation.get("season", "")
    baselines = {baseline_title(name, season=season): values for name, values in evaluation["baselines"].items()}
    return {"this model": metrics, **non_causal, **evaluation.get("parts", {}), **baselines}


def _table(rows: Mapping[str, Mapping[str, float]]) -> str:
    names = [name for name in next(iter(rows.values())) if not name.endswith(("_low", "_high", _CENTERED))]
    lines = ["| | " + " | ".join(metric_title(name) for name in names) + " |", "|---" * (len(names) + 1) + "|"]
    for title, metrics in rows.items():
        lines.append(f"| {title} | " + " | ".join(format_with_interval(metrics, name) for name in names) + " |")
    return "\n".join(lines)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times (once more after each resume or weight conversion)"
