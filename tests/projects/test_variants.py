"""Variants of a comparison: combinations of models and values, and their labels."""

import pytest

from dlcore import projects
from dlcore.core.errors import ConfigError, RequestError
from dlcore.projects.variants import VariantGrid, build_variants, label_configs, lesson_configs, parse_values


def test_variants_differ_only_in_model_and_seed():
    grid = VariantGrid("architectures", ["resnet18", "vgg16_c"], dataset="digits", preset="quick", epochs=3)
    variants = build_variants(grid, range(2))
    assert list(variants) == ["ResNet-18", "VGG-16 (version C)"]
    assert {config.training.epochs for configs in variants.values() for config in configs} == {3}
    assert [config.seed for config in variants["ResNet-18"]] == [0, 1]


def test_values_apply_to_the_models_that_have_the_setting():
    values = parse_values(["cardinality=1,8", "flip=true,false"])
    grid = VariantGrid("architectures", ["resnext", "vgg16_c"], dataset="digits", preset="quick", values=values)
    variants = build_variants(grid, [0])
    assert list(variants) == [
        *(f"ResNeXt, cardinality {paths}, flip {flip}" for paths in (1, 8) for flip in ("on", "off")),
        *(f"VGG-16 (version C), flip {flip}" for flip in ("on", "off")),
    ]
    assert variants["ResNeXt, cardinality 8, flip off"][0].flat["cardinality"] == 8
    base = variants["ResNeXt, cardinality 1, flip on"][0].flat
    other = variants["ResNeXt, cardinality 8, flip off"][0].flat
    assert {name for name in base if base[name] != other[name]} == {"cardinality", "flip"}


@pytest.mark.parametrize("project", [project.slug for project in projects.list_projects()])
def test_every_project_compares_values_of_its_settings(project):
    model = next(iter(projects.get(project).models))
    grid = VariantGrid(project, [model], preset="quick", values={"learning_rate": ["0.001", "0.01"]})
    assert list(build_variants(grid, [0])) == ["Learning rate 0.001", "Learning rate 0.01"]


@pytest.mark.parametrize("pair", ["cardinality", "cardinality=", "=1,2", "cardinality=,"])
def test_values_without_name_or_value_are_rejected(pair):
    with pytest.raises(RequestError, match="KEY=V1,V2"):
        parse_values([pair])


def test_repeated_unknown_and_equal_values_are_rejected():
    with pytest.raises(RequestError, match="twice"):
        parse_values(["width=8", "width=16"])
    for values, message in (({"nope": ["1"]}, "nope"), ({"width": ["8", "8.0"]}, "same settings"), ({"width": ["-1"]}, "width")):
        with pytest.raises(ConfigError, match=message):
            build_variants(VariantGrid("architectures", ["resnet18"], preset="quick", values=values), [0])


def test_labels_are_short_and_distinct():
    full, quick = (projects.configure("architectures", dataset="digits", preset=preset) for preset in ("full", "quick"))
    labels = label_configs([full, quick, full])
    assert len(set(labels)) == 3 and labels[0].startswith("Full, epochs 30") and "more" in labels[0]


def test_lessons_are_what_they_promise():
    lessons = {lesson.slug: lesson for lesson in projects.get("architectures").lessons}
    assert list(lessons) == ["main", "overfitting", "residual", "cardinality"]
    configs = {slug: lesson_configs("architectures", lesson) for slug, lesson in lessons.items()}
    for slug, variants in configs.items():
        training = [each[0].training.model_dump() for each in variants.values()]
        assert all(values == training[0] for values in training), slug  # same optimizer, schedule and epochs
        assert all([config.seed for config in each] == [0, 1, 2] for each in variants.values())
    skips = [each[0].model_options.model_dump() for each in configs["residual"].values()]
    assert {name for name in skips[0] if skips[0][name] != skips[1][name]} == {"skip_connections"}
    assert [each[0].flat["cardinality"] for each in configs["cardinality"].values()] == [1, 4, 16]
