"""The Vision Transformer project: sizes, attention, stem, and explanations."""

import numpy as np
import pytest
import torch

from dlcore import projects
from dlcore.data.images import images
from dlcore.explanation import sanity_checks
from dlcore.models.vit import HybridConfig, Vit, VitConfig
from dlcore.projects import LoadedModel
from dlcore.projects.vision import explain as vision_maps

PROJECT = projects.get("vit")


def built(model: str, preset: str = "full") -> torch.nn.Module:
    config = projects.configure("vit", model=model, dataset="digits", preset=preset)
    return PROJECT.models[model].build(config.model_options, PROJECT.facts)


def test_convolutional_baseline_has_as_many_parameters():
    """Compared models have equal size."""
    for preset in PROJECT.presets:
        vit, cnn = (sum(part.numel() for part in built(name, preset).parameters()) for name in ("vit", "cnn"))
        assert abs(vit - cnn) / vit < 0.02


@pytest.mark.parametrize(("patch", "size"), [(4, 28), (7, 28), (6, 28), (1, 5), (4, 30)])
def test_stem_gives_as_many_patches_as_a_linear_embedding(patch, size):
    options = {"patch": patch, "width": 8, "heads": 2, "depth": 1}
    x = torch.rand(2, size, size)
    plain = Vit(VitConfig(**options), channels=1, height=size, width=size, classes=3)
    hybrid = Vit(HybridConfig(**options), channels=1, height=size, width=size, classes=3)
    assert hybrid.embed(x).shape == plain.embed(x).shape and hybrid(x).shape == (2, 3)


@pytest.mark.parametrize("config", [VitConfig, HybridConfig])
def test_shown_attention_is_the_attention_used(config):
    """Values weighted by the shown attention equal the network's output."""
    torch.manual_seed(0)
    module = Vit(config(width=8, heads=2, depth=2), channels=1, height=8, width=8, classes=3).eval()
    x = torch.rand(3, 8, 8)
    attentions = module.attentions(x)
    assert attentions.shape == (3, 2, 2, 5, 5)
    torch.testing.assert_close(attentions.sum(dim=-1), torch.ones(3, 2, 2, 5))
    block = module.blocks[0]
    tokens = block.attention_norm(module.embed(x))
    value = block.attention._split(tokens)[2]
    expected = block.attention.out((attentions[:, 0] @ value).transpose(1, 2).flatten(2))
    torch.testing.assert_close(expected, block.attention(tokens))


@pytest.fixture(scope="module")
def loaded() -> LoadedModel:
    config = projects.configure("vit", model="hybrid", dataset="digits", preset="quick")
    prepared = PROJECT.prepare(config)
    torch.manual_seed(0)
    module = PROJECT.models["hybrid"].build(config.model_options, prepared.facts)
    return LoadedModel(module.eval(), config, prepared.facts, prepared.preprocessing, prepared.labels)


@pytest.mark.parametrize("how", ["gradients", "occlusion", "rollout"])
def test_explanations_leave_the_model_unchanged(loaded, how):
    before = {name: value.clone() for name, value in loaded.module.state_dict().items()}
    explanation = vision_maps.prepare_explanation(loaded, images.load("digits").test_pixels[0], 3)
    assert explanation.plan.methods == ("gradients", "occlusion", "rollout") and explanation.plan.budget.full
    result = vision_maps.compute_map(explanation, how)
    assert result.values.shape == (8, 8) and np.isfinite(result.values).all()
    alike = sanity_checks.similarity(
        explanation.module,
        lambda module: vision_maps.compute_map(explanation, how, module).values,
        relevant=explanation.is_visible,
        draws=1,
    )
    assert len(alike) == 1
    assert all(torch.equal(value, before[name]) for name, value in loaded.module.state_dict().items())
    assert all(not part._forward_hooks and not part.training for part in loaded.module.modules())


def test_images_are_augmented_only_in_training_and_digits_never_flipped():
    settings = {"flip": True, "shift": 2}
    prepared = PROJECT.prepare(projects.configure("vit", dataset="digits", settings=settings))
    inputs = (prepared.test.inputs[0][:50],)
    (calm,), (again,) = prepared.transform(inputs, False), prepared.transform(inputs, False)
    (result,) = prepared.transform(inputs, True)
    assert torch.equal(calm, again) and not torch.equal(calm, result) and result.shape == calm.shape
    assert not prepared.transform.how.flip
