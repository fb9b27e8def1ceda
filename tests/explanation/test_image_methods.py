"""Grad-CAM, occlusion, rollout and the trust tests, on networks whose answer is known and on real architectures."""

import numpy as np
import pytest
import torch
from torch import nn

from dlcore.explanation import cam, effort, occlusion, rollout, sanity_checks
from dlcore.models.deep_network import DeepNetwork, DeepNetworkConfig
from dlcore.models.dense_classifier import DenseClassifier, DenseClassifierConfig
from dlcore.models.resnet import ResNetConfig, resnet
from dlcore.models.small_cnn import SmallCnn, SmallCnnConfig
from dlcore.models.vit import HybridConfig, Vit, VitConfig

SIZES = {"width": 8, "depth": 2, "heads": 2}


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


class Corner(nn.Module):
    """Class 1 is the sum of the image's upper left quarter, after an identity convolution."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, padding=1, bias=False)
        with torch.no_grad():
            self.conv.weight.zero_()[0, 0, 1, 1] = 1

    def forward(self, x):
        x = self.conv(x.unsqueeze(1) if x.dim() == 3 else x)
        corner = x[:, 0, :4, :4].sum(dim=(1, 2))
        return torch.stack([torch.zeros_like(corner), corner], dim=1)


def untouched(module: nn.Module) -> bool:
    return all(not part._forward_hooks and not part._forward_pre_hooks and part.training for part in module.modules())


def test_grad_cam_points_at_what_counts():
    module, x = Corner().train(), torch.ones(1, 8, 8)
    layer, grid = cam.feature_layer(module, x)
    assert (layer, grid) == ("conv", (8, 8))
    grad_cam = cam.grad_cam(module, x, 1, layer=layer)
    assert grad_cam.shape == (1, 8, 8) and (grad_cam >= 0).all() and untouched(module)
    # by hand: weight = mean gradient = 16 / 64, map = weight * 1 everywhere (Selvaraju et al., eq. 1 and 2)
    np.testing.assert_allclose(grad_cam, 0.25, atol=1e-6)
    assert not cam.grad_cam(module, -x, 1, layer=layer).any()  # evidence against is not shown


@pytest.mark.parametrize(
    ("module", "x", "layer"),
    [
        (resnet(ResNetConfig(width=4), channels=3, classes=3), torch.rand(1, 3, 32, 32), None),
        (SmallCnn(SmallCnnConfig(width=4), channels=1, classes=3), torch.rand(1, 28, 28), "stages.19"),
        (
            DeepNetwork(DeepNetworkConfig(depth=8, width=4), channels=1, height=28, classes=3),
            torch.rand(1, 28, 28),
            None,
        ),
    ],
    ids=["resnet", "cnn", "deep"],
)
def test_last_feature_map_of_real_networks(module, x, layer):
    module.eval()
    name, grid = cam.feature_layer(module, x)
    assert min(grid) >= cam.MIN_SIDE and (layer is None or name == layer)
    assert cam.grad_cam(module, x, 0, layer=name).shape == (1, *x.shape[-2:])


def test_networks_without_overlapping_convolutions_have_no_feature_map():
    dense = DenseClassifier(DenseClassifierConfig(), features=64, classes=3)
    assert cam.feature_layer(dense, torch.rand(1, 8, 8)) is None
    vit = Vit(VitConfig(**SIZES), channels=1, height=8, width=8, classes=3)
    assert cam.feature_layer(vit, torch.rand(1, 8, 8)) is None


@pytest.mark.parametrize("channels", [0, 3])
def test_occlusion_is_what_the_answer_loses(channels):
    """For a sum over a corner, each window costs what it covers there; edges are covered by a clipped window."""

    class Sum(nn.Module):
        def forward(self, x):
            x = x if x.dim() == 3 else x.sum(dim=1)
            return torch.stack([x[:, :4, :4].sum(dim=(1, 2)), x.sum(dim=(1, 2))], dim=1)

    x = torch.rand(1, channels, 7, 7) if channels else torch.rand(1, 7, 7)
    window = occlusion.OcclusionWindow(2, 2)
    result = occlusion.occlusion(Sum(), x, 0, window=window, baseline=torch.zeros(1, *x.shape[1:]))
    flat = x.sum(dim=1) if channels else x
    values = flat[0].numpy() * (np.arange(7)[:, None] < 4) * (np.arange(7)[None] < 4)
    np.testing.assert_allclose(result[0], occlusion.coarsen(values, window), atol=1e-5)
    assert window.places(7) == 4


def test_window_fits_what_is_affordable():
    assert occlusion.window_for(28, 28, affordable=225) == occlusion.OcclusionWindow(4, 2)
    few = occlusion.window_for(64, 64, affordable=49)
    assert few.places(64) ** 2 <= 49 and few.side < 32


def test_effort_shrinks_with_the_networks_size_and_is_bounded():
    assert effort.budget_for(14_000_000) == effort.FULL
    large = effort.budget_for(2_000_000_000)
    assert not large.full and large.steps == 16 and large.places == 49 and large.draws == 1
    dense = DenseClassifier(DenseClassifierConfig(), features=64, classes=3)
    assert effort.multiply_adds(dense, torch.rand(4, 8, 8)) == 64 * 256 + 256 * 128 + 128 * 64 + 64 * 3


def test_rollout_against_the_formula():
    """Two layers by hand: the product of 0.5 (mean over heads) + 0.5 I; rows sum to 1."""
    attentions = np.random.default_rng(0).dirichlet(np.ones(5), (2, 3, 5))
    first, second = (0.5 * layer.mean(axis=0) + 0.5 * np.eye(5) for layer in attentions)
    result = rollout.rollout(attentions)
    np.testing.assert_allclose(result, second @ first, atol=1e-12)
    np.testing.assert_allclose(result.sum(axis=1), 1)
    np.testing.assert_allclose(rollout.rollout(np.eye(4)[None, None]), np.eye(4))


def test_distances_of_known_looks():
    nearby = np.zeros((1, 1, 5, 5))
    for patch, neighbor in ((1, 2), (2, 1), (3, 4), (4, 3)):
        nearby[0, 0, patch, neighbor] = 0.5
        nearby[0, 0, patch, 0] = 0.5  # the class token does not count
    np.testing.assert_allclose(rollout.distances(nearby, (2, 2)), 1)
    np.testing.assert_allclose(rollout.distances(np.eye(5)[None, None], (2, 2)), 0)


def test_random_weights_differ_and_leave_module_and_generator_alone():
    module = Vit(HybridConfig(**SIZES), channels=1, height=8, width=8, classes=3)
    before, state = {k: v.clone() for k, v in module.state_dict().items()}, torch.get_rng_state()
    result, again, other = (sanity_checks.randomize_weights(module, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(v, before[k]) for k, v in module.state_dict().items())
    for name in ("positions", "blocks.0.mlp.0.weight"):
        assert torch.equal(result.state_dict()[name], again.state_dict()[name])
        assert not torch.equal(result.state_dict()[name], before[name])
        assert not torch.equal(result.state_dict()[name], other.state_dict()[name])


def test_map_independent_of_weights_fails_the_random_weights_test():
    module, picture = nn.Linear(4, 2), np.random.default_rng(0).random((6, 6))
    relevant = picture > 0.1
    assert sanity_checks.similarity(module, lambda _: picture, relevant=relevant) == pytest.approx([1, 1, 1])
    maps = iter(np.random.default_rng(1).normal(size=(4, 30, 30)))
    changed = sanity_checks.similarity(module, lambda _: next(maps), relevant=np.ones((30, 30), dtype=bool))
    assert np.abs(changed).max() < 0.2


def test_deletion_takes_the_best_pixels_first_and_black_ones_never():
    module, x = Corner(), torch.rand(1, 8, 8) + 0.1
    x[0, 6:] = 0
    good = np.zeros((8, 8))
    good[:4, :4] = 1 + x[0, :4, :4].numpy()
    best = sanity_checks.deletion_curve(module, x, 1, good, baseline=torch.zeros(1, 8, 8), steps=12)
    worst = sanity_checks.deletion_curve(module, x, 1, -good, baseline=torch.zeros(1, 8, 8), steps=12)
    assert best.area < best.low_area < best.chance_area < worst.area
    assert best.ours[0] == worst.ours[0] and best.ours[-1] == pytest.approx(0.5)
    at = 4  # 4 of 12 steps: 16 of the 48 pixels that are not black, the whole corner
    assert best.ours[at] == pytest.approx(0.5) and best.removed[at] == pytest.approx(1 / 3)
    assert (best.low <= best.chance).all() and (best.chance <= best.high).all()
