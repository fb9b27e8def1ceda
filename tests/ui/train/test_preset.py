"""Differences between a run's settings and the full preset."""

from dlcore import projects, runs
from dlcore.ui.train import preset as presets


def test_small_reference_run_differs_from_the_full_preset():
    differences = presets.differences_from_full(runs.open_run("reference:architectures/resnet18").config)
    assert differences.startswith("width 32 instead of 64, epochs 10 instead of 30")
    text = presets.describe_preset(projects.get("architectures"), "resnet18", "full")
    assert text == f"All settings at full size; the reference run has {differences}"


def test_run_of_the_full_preset_has_no_differences():
    assert presets.differences_from_full(runs.open_run("reference:fashion/improved").config) == ""
    fashion = projects.get("fashion")
    assert presets.describe_preset(fashion, "improved", "full") == "The settings of the reference run"
    assert presets.describe_preset(fashion, "improved", "quick").startswith("Under a minute")


def test_run_with_deleted_custom_data_has_no_differences():
    config = projects.configure("architectures", dataset="digits", preset="full")
    assert presets.differences_from_full(config.model_copy(update={"dataset": "custom:gone"})) == ""
