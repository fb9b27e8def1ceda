"""Lessons of a project as comparisons of the runs that come with the workbench, and what these runs show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dlcore.evaluation import seeds
from dlcore.projects.lessons import SEEDS, Lesson
from dlcore.projects.project import Project
from dlcore.runs import comparisons
from dlcore.runs.bundle import reference
from dlcore.runs.bundle.reader import Bundle
from dlcore.runs.comparisons import Comparison
from dlcore.runs.paired_tests import correct_classes
from dlcore.runs.record import Record
from dlcore.runs.run import Run, open_run


@dataclass(frozen=True)
class Finding:
    """What the runs of a lesson show: one sentence, and the values by variant on which it rests."""

    sentence: str
    values: Mapping[str, tuple[float, ...]]


def list_comparisons(project: Project) -> dict[str, Comparison]:
    """Return every comparison of a project by id: those started here, newest first, its lessons, the reference runs."""
    by_id = {each.comparison_id: each for each in comparisons.list_comparisons(project.slug)}
    by_id |= lesson_comparisons(project)
    if references := comparisons.from_references(project.slug):
        by_id[references.comparison_id] = references
    return by_id


def lesson_comparisons(project: Project) -> dict[str, Comparison]:
    """Return the project's lessons as comparisons by slug; one that lacks runs in this installation is left out."""
    opened = {lesson.slug: (lesson, open_lesson(project, lesson)) for lesson in project.lessons}
    return {
        slug: comparison
        for slug, (lesson, comparison) in opened.items()
        if len(comparison.records) == len(SEEDS) * len(lesson.variants)
    }


def open_lesson(project: Project, lesson: Lesson) -> Comparison:
    """Return the runs of a lesson by label."""
    variants: dict[str, tuple[Record, ...]] = {}
    runs = dict(reference.lesson_runs(project.slug, lesson.slug))
    for name in lesson.variants:
        prefix = f"{reference.PREFIX}{project.slug}/{lesson.slug}/{name}-"
        records = [Run(ref, path).record for ref, path in runs.items() if ref.rpartition("-")[0] + "-" == prefix]
        if records:
            label = lesson.titles.get(name) or project.models[records[0].model].title
            variants[label] = tuple(sorted(records, key=lambda record: record.seed))
    return Comparison(lesson.slug, lesson.title, variants)


def find_lesson(project: Project, comparison: Comparison) -> Lesson | None:
    """Return the lesson whose runs the comparison has, or None."""
    return next((lesson for lesson in project.lessons if lesson.slug == comparison.comparison_id), None)


def describe_finding(lesson: Lesson, comparison: Comparison) -> Finding:
    """Return what the runs show, computed from their curves and predictions.

    Raises:
        RunError: a bundle cannot be read.
    """
    bundles = {label: [_bundle(record) for record in records] for label, records in comparison.variants.items()}
    if lesson.question == "overfitting":
        return _overfitting(bundles)
    return _accuracy(bundles)


def _overfitting(bundles: Mapping[str, Sequence[Bundle]]) -> Finding:
    gaps = {label: tuple(_final_gap(bundle) for bundle in each) for label, each in bundles.items()}
    means = {label: seeds.mean_interval(values) for label, values in gaps.items()}
    widest, narrowest = (choose(means, key=lambda label: means[label][0]) for choose in (max, min))
    numbers = "; ".join(f"{label} {_signed(*values)}" for label, values in means.items())
    measured = f"Validation minus training loss after the last epoch: {numbers}."
    if min(map(len, gaps.values())) < 2:
        return Finding(f"One seed each. {measured}", gaps)
    if seeds.compare_means(gaps[widest], gaps[narrowest]).verdict == "no difference":
        return Finding(f"**No difference in overfitting.** {measured}", gaps)
    word = "overfits" if means[widest][1] > 0 else "overfits more"
    return Finding(f"**{widest} {word}.** {measured}", gaps)


def _final_gap(bundle: Bundle) -> float:
    history = bundle.history()
    return float(history["validation_loss"].values[-1] - history["train_loss"].values[-1])


def _accuracy(bundles: Mapping[str, Sequence[Bundle]]) -> Finding:
    correct = {label: [correct_classes(bundle) for bundle in each] for label, each in bundles.items()}
    means = {label: seeds.interval(masks) for label, masks in correct.items()}
    values = {label: tuple(float(mask.mean()) for mask in masks) for label, masks in correct.items()}
    pairs = seeds.compare_all_pairs(correct)
    top = max(means, key=lambda label: means[label][0])
    numbers = "; ".join(
        f"{label} {100 * mean:.1f} % [{100 * low:.1f}, {100 * high:.1f}]" for label, (mean, low, high) in means.items()
    )
    beaten = [label for label in means if label != top and _wins(top, label, pairs)]
    tied = [label for label in means if label != top and label not in beaten]
    if not beaten:
        return Finding(f"**No difference in accuracy.** {numbers}.", values)
    if not tied:
        return Finding(f"**Highest accuracy: {top}.** {numbers}.", values)
    return Finding(f"**{' and '.join([top, *tied])} tie, ahead of {' and '.join(beaten)}.** {numbers}.", values)


def _wins(top: str, other: str, pairs: Mapping[tuple[str, str], seeds.SeedDifference]) -> bool:
    pair = pairs.get((top, other))
    return pair.verdict == "first" if pair else pairs[other, top].verdict == "second"


def _signed(mean: float, low: float, high: float) -> str:
    """Format a signed value with its interval, with a typographic minus."""
    return f"{mean:+.2f} [{low:+.2f}, {high:+.2f}]".replace("-", "−")


def _bundle(record: Record) -> Bundle:
    return open_run(record.run_id).finished_bundle
