"""Turn decisions about a run's samples into a new version of its dataset, and train on it with the same settings."""

from collections.abc import Iterable, Sequence

import numpy as np

from dlcore import projects
from dlcore.data.custom import registry, versions
from dlcore.data.custom.decisions import Decision
from dlcore.data.custom.registry import CustomDataset
from dlcore.data.sources.registry import DATASETS
from dlcore.data.splits import SPLITS
from dlcore.evaluation.metrics import format_percent
from dlcore.projects.run_config import RunConfig
from dlcore.runs.paired_tests import PairedTest, compare_variants
from dlcore.runs.quality.inspection import DataQuality
from dlcore.runs.quality.samples import RunSamples
from dlcore.runs.run import Run


def list_decisions(quality: DataQuality, indices: Iterable[int]) -> list[Decision]:
    """Return the samples at these indices as decisions that are still to be made."""
    rows = (quality.describe_sample(int(index)) for index in indices)
    return [Decision(*(row[name] for name in ("part", "row", "label", "suggested"))) for row in rows]


def save_corrected(
    config: RunConfig, samples: RunSamples, decisions: Sequence[Decision], *, name: str = ""
) -> CustomDataset:
    """Save the run's samples as a new version of its dataset, changed by the decisions.

    Raises:
        RequestError: no decision changes a sample, or the name is invalid or taken.
        DataError: a decision names a sample that the run does not have.
        StoreError: the folder cannot be written.
    """
    dataset = config.dataset
    entry = registry.find(dataset) if registry.is_custom(dataset) else None
    splits: dict[str, np.ndarray] = {part: samples.ids[samples.parts == number] for number, part in enumerate(SPLITS)}
    plain = registry.plain_name(dataset)
    return versions.save_version(
        name or registry.free_name(f"{plain}-corrected", reserved=DATASETS),
        (dataset, entry.checksum if entry else ""),
        splits,
        decisions,
        kind="images" if samples.images is not None else "text",
        labels=samples.names if entry is None else tuple(entry.facts.get("classes", samples.names)),
    )


def configure_corrected(config: RunConfig, version: CustomDataset) -> RunConfig:
    """Return the config of a run on the version with the settings of the run on its base."""
    return projects.with_settings(config, {"dataset": version.dataset})


def compare_before_after(before: Run, after: Run) -> PairedTest:
    """Test both runs on the same test samples: after minus before.

    Raises:
        RunError: a run has no bundle yet.
    """
    return compare_variants({"after": [after.finished_bundle], "before": [before.finished_bundle]})[0]


def describe_gain(before: Run, after: Run) -> str:
    """Say whether the second run is better on the same test samples, in one line.

    Raises:
        RunError: a run has no bundle yet.
    """
    test = compare_before_after(before, after)
    if test.difference is None:
        return f"not comparable: {test.reason}."
    accuracies = [format_percent(run.metrics["accuracy"]) for run in (before, after)]
    gap = test.difference
    verdicts = {"first": "it helped", "second": "it hurt"}
    return (
        f"accuracy {accuracies[1]} instead of {accuracies[0]}, {100 * gap.value:+.1f} points "
        f"[{100 * gap.low:+.1f}, {100 * gap.high:+.1f}]: {verdicts.get(gap.verdict, 'no difference beyond noise')} "
        f"({test.method})."
    )
