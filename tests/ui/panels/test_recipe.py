"""How a run differs from its model's full recipe, in words."""

from dlcore import projects, runs
from dlcore.ui.train import preset as recipe


def test_a_small_reference_run_is_not_taken_for_the_full_recipe():
    other = recipe.differences_from_full(runs.open_run("reference:architectures/resnet18").config)
    assert other.startswith("width 32 instead of 64, epochs 10 instead of 30")
    said = recipe.describe_preset(projects.get("architectures"), "resnet18", "full")
    assert said == f"The full recipe; the reference run was made with {other}"


def test_one_made_by_the_recipe_says_so():
    assert recipe.differences_from_full(runs.open_run("reference:fashion/improved").config) == ""
    fashion = projects.get("fashion")
    assert recipe.describe_preset(fashion, "improved", "full") == "The recipe behind the reference run"
    assert recipe.describe_preset(fashion, "improved", "quick").startswith("Under a minute")


def test_a_run_whose_own_data_are_gone_says_nothing():
    config = projects.configure("architectures", dataset="digits", preset="full")
    assert recipe.differences_from_full(config.model_copy(update={"dataset": "custom:gone"})) == ""
