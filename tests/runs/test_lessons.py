"""Lessons that come with the architectures: their runs, sizes, and sentences computed from these runs."""

from dataclasses import replace

import numpy as np
import pytest

from dlcore import projects, runs
from dlcore.core import settings
from dlcore.core.errors import RunError
from dlcore.projects.lessons import SEEDS
from dlcore.runs import lessons

PROJECT = projects.get("architectures")
OPENED = {lesson.slug: lessons.open_lesson(PROJECT, lesson) for lesson in PROJECT.lessons}
BY_SLUG = {lesson.slug: lesson for lesson in PROJECT.lessons}


@pytest.mark.parametrize("slug", BY_SLUG)
def test_every_variant_has_three_seeds_and_weights_of_the_first(slug):
    comparison = OPENED[slug]
    assert len(comparison.variants) == len(BY_SLUG[slug].variants)
    for records in comparison.variants.values():
        assert tuple(record.seed for record in records) == SEEDS
        first, *others = (runs.open_run(record.run_id).finished_bundle for record in records)
        assert first.load().module.training is False
        for bundle in others:
            with pytest.raises(RunError, match="without weights"):
                bundle.load()
    assert len({record.epochs for record in comparison.records}) == 1


def test_small_lessons_take_less_than_three_megabytes():
    folder = settings.ASSETS / "lessons" / "architectures"
    sizes = {slug: sum(path.stat().st_size for path in (folder / slug).rglob("*") if path.is_file()) for slug in BY_SLUG}
    assert 0 < sum(size for slug, size in sizes.items() if slug != "main") < 3e6, sizes
    assert 0 < sizes["main"] < 3e6, sizes


def spread(values: list[float]) -> float:
    return max(values) / min(values)


def test_main_comparison_has_equal_compute_and_the_cardinalities_equal_parameters():
    compute = [
        run.finished_bundle.run["multiply_adds"] * run.finished_bundle.run["sizes"]["train"] * run.record.epochs
        for run in map(runs.open_run, (records[0].run_id for records in OPENED["main"].variants.values()))
    ]
    assert spread(compute) < 1.05
    assert spread([records[0].parameters for records in OPENED["cardinality"].variants.values()]) < 1.1
    assert len({runs.open_run(record.run_id).config.training for record in OPENED["main"].records}) == 1


@pytest.mark.parametrize("slug", BY_SLUG)
def test_sentence_states_the_values_of_the_runs(slug):
    finding = lessons.describe_finding(BY_SLUG[slug], OPENED[slug])
    for label, records in OPENED[slug].variants.items():
        bundles = [runs.open_run(record.run_id).finished_bundle for record in records]
        if slug == "overfitting":
            histories = [bundle.history() for bundle in bundles]
            values = [each["validation_loss"].values[-1] - each["train_loss"].values[-1] for each in histories]
            text = f"{np.mean(values):+.2f}".replace("-", "−")
        else:
            values = [bundle.evaluation.metrics["accuracy"] for bundle in bundles]
            text = f"{100 * np.mean(values):.1f} %"
        assert finding.values[label] == pytest.approx(values)
        assert f"{label} {text}" in finding.sentence


def test_sentence_follows_the_runs_when_labels_are_exchanged():
    comparison = OPENED["residual"]
    first, second = comparison.variants
    exchanged = replace(
        comparison, variants={first: comparison.variants[second], second: comparison.variants[first]}
    )
    before, after = (lessons.describe_finding(BY_SLUG["residual"], each).sentence for each in (comparison, exchanged))
    assert f"Highest accuracy: {first}." in before and f"Highest accuracy: {second}." in after


def test_overfitting_sentence_follows_the_curves():
    comparison = OPENED["overfitting"]
    plain, regularized = comparison.variants
    assert f"{plain} overfits." in lessons.describe_finding(BY_SLUG["overfitting"], comparison).sentence
    same = replace(comparison, variants={"A": comparison.variants[plain], "B": comparison.variants[plain]})
    assert "No difference in overfitting." in lessons.describe_finding(BY_SLUG["overfitting"], same).sentence


def test_lessons_are_listed_before_the_reference_runs_and_not_among_them(home):
    assert list(lessons.list_comparisons(PROJECT)) == [*BY_SLUG, "reference"]
    assert [run.record.model for run in runs.references("architectures")] == ["resnet18", "resnext", "vgg16_c"]
    with pytest.raises(RunError, match="no reference run"):
        runs.open_run("reference:architectures/../runs/x")
