"""The gradients project: models, descriptions, remedies and short runs."""

import pytest

from dlcore import projects
from dlcore.core.config import describe
from dlcore.data.sources import locate as sources
from dlcore.models.deep_network import DeepNetwork, DeepNetworkConfig
from dlcore.projects.vision.gradients import (
    NETWORKS,
    PROJECT,
    describe_network,
    describe_setting,
    list_remedies,
    weight_layers,
)
from dlcore.runs.short_run import run_short
from dlcore.training import gradients

HERE = "fashion_mnist" if sources.is_available("fashion_mnist") else "digits"


def config(model: str = "vgg_deep", **settings):
    return projects.configure("gradients", model=model, dataset=HERE, preset="quick", settings=settings)


@pytest.mark.parametrize("model", NETWORKS)
@pytest.mark.parametrize("preset", PROJECT.presets)
def test_every_model_matches_its_name(model, preset):
    run_config = projects.configure("gradients", model=model, dataset="digits", preset=preset)
    flat = run_config.flat
    assert {name: flat[name] for name in NETWORKS[model]} == NETWORKS[model]


def test_number_of_weight_layers_equals_the_depth():
    for model in NETWORKS:
        options = config(model).model_options
        names = list(gradients.layers(DeepNetwork(options, channels=1, height=8, classes=10)))
        assert len(weight_layers(names)) == options.depth


def test_description_follows_the_settings():
    assert describe_network(config()) == "20 layers, ReLU, no norm, PyTorch init, plain, rate 0.05"
    changed = config(skip_connections=True, normalization="batch", depth=8, clip_norm=1.0)
    assert describe_network(changed) == "8 layers, ReLU, batch norm, PyTorch init, skips, rate 0.05, clipped at 1"


def test_description_names_the_built_depth():
    assert describe_network(config(depth=21)).startswith("20 layers")


def test_every_switch_has_a_description():
    for field in describe(DeepNetworkConfig):
        for choice in field.choices:
            assert describe_setting(field.name, choice)


def test_remedies_fit_the_diagnosis_and_change_a_setting():
    vanishing = list_remedies(config(), "vanishing")
    assert [cure.name for cure in vanishing if cure.suits] == ["Batch norm", "Skip connections", "He init"]
    assert vanishing[0].suits and not vanishing[-1].suits
    for cure in vanishing:
        changed = projects.with_settings(config(), cure.settings)
        assert changed != config(), cure.name
    exploding = [cure.name for cure in list_remedies(config(initialization="he"), "exploding") if cure.suits]
    assert exploding == ["Batch norm", "Clip at 1", "A tenth of the learning rate"]
    assert "ReLU" in [cure.name for cure in list_remedies(config("sigmoid"), "vanishing") if cure.suits]


def test_active_remedies_are_not_offered():
    names = [cure.name for cure in list_remedies(config("resnet", clip_norm=1.0), "healthy")]
    assert names == ["Leaky ReLU", "A tenth of the learning rate"]


@pytest.fixture(scope="module")
def prepared():
    return PROJECT.prepare(config())


def test_short_run_is_deterministic_and_leaves_no_files(prepared):
    import torch

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, again = (run_short(config(depth=8), prepared, steps=6, every=2) for _ in range(2))
    assert torch.equal(torch.rand(3), expected)  # the random state is unchanged
    assert first.gradients.steps.tolist() == [1, 2, 4, 6] and first.losses.steps.tolist() == [1, 2, 3, 4, 5, 6]
    assert first.gradients.norms.tolist() == again.gradients.norms.tolist()
    assert first.losses.values.tolist() == again.losses.values.tolist()


def test_diverging_short_run_reports_the_step(prepared):
    """Residual without normalization, without clipping, at the default learning rate."""
    broken = run_short(config("residual_bare", learning_rate=0.05, clip_norm=0.0), prepared, steps=10)
    assert "step 3" in broken.error and broken.failed_step == 3 and len(broken.losses.values) == 2


def test_default_short_run_is_quick(prepared):
    """Fifty steps of twenty layers: measured in CPU seconds, independent of other load."""
    import time

    begin = time.process_time()
    run_short(config(), prepared)
    assert time.process_time() - begin < 5
