"""Patch network: distance by hand, held-out periods, independence of the batch, loss."""

import numpy as np
import pytest
import torch

from dlcore.models.patch_network import PatchNetwork, PatchNetworkConfig, patch_loss

PERIOD, LENGTH = 24, 16


@pytest.fixture(scope="module")
def values() -> torch.Tensor:
    steps = torch.arange(240)
    return torch.sin(2 * torch.pi * steps / PERIOD) + 0.1 * torch.randn(240, generator=torch.manual_seed(0))


def network(values, *, places=1, **options) -> PatchNetwork:
    torch.manual_seed(1)
    module = PatchNetwork(PatchNetworkConfig(width=8, **options), window=LENGTH, places=places, points=len(values))
    module.store(values, torch.ones(len(values), dtype=torch.bool), first_place=0)
    return module.eval()


def match(module, windows, first=-1, offset=0):
    count = len(windows)
    index = torch.full((count, LENGTH), -1) if first < 0 else first + torch.arange(LENGTH).repeat(count, 1)
    with torch.no_grad():
        return module.match(windows[:, :, None], index, torch.full((count,), offset))


def test_distance_equals_a_plain_search(values):
    module = network(values, scales=1, neighbors=2, use_values=False)
    window = torch.randn(1, LENGTH)
    with torch.no_grad():
        stored = module.embed(values.unfold(0, LENGTH, 1)).double().numpy()
        new = module.embed(window).double().numpy()
    spread = stored.std(axis=0)
    spread[spread <= 1e-6 * spread.max()] = np.inf  # embeddings that are the same for all patches
    distance = np.sqrt((((stored - new) / spread) ** 2).sum(axis=1))
    result = match(module, window)
    unit = module._memory()[0].unit
    assert float(result.distance) * unit == pytest.approx(np.sort(distance)[:2].mean(), rel=1e-3)
    assert int(result.nearest) == distance.argmin() + LENGTH - 1


def test_training_patch_is_compared_with_other_periods_at_the_same_time(values):
    module = network(values, places=PERIOD, tolerance=2)
    first = 100
    window = values[first : first + LENGTH][None]
    end = int(match(module, window, first=first, offset=first % PERIOD).nearest)
    assert abs(end - (first + LENGTH - 1)) >= PERIOD
    shift = (end - (first + LENGTH - 1)) % PERIOD
    assert min(shift, PERIOD - shift) <= 2
    itself = network(values, places=PERIOD, exclude_self=False)
    assert int(match(itself, window, first=first, offset=first % PERIOD).nearest) == first + LENGTH - 1


@pytest.mark.parametrize("places", [1, PERIOD])
def test_distance_does_not_depend_on_the_batch_and_follows_the_weights(values, places):
    module, windows = network(values, places=places), torch.randn(40, LENGTH)
    together = match(module, windows).distance
    alone = torch.cat([match(module, window[None]).distance for window in windows])
    assert torch.allclose(together, alone, rtol=1e-6, atol=0)
    module.train()
    with torch.no_grad():
        module.blocks[0][0].weight.mul_(-1)
    assert not torch.allclose(match(module.eval(), windows).distance, together, rtol=1e-3)


def test_flat_window_is_farther_than_a_stored_one(values):
    module = network(values)
    stored = values[5 : 5 + LENGTH]
    flat = torch.full((LENGTH,), float(values.mean()))
    near, far = match(module, torch.stack([stored, flat])).distance.tolist()
    assert far > 2 * near


def test_loss_rewards_similar_neighbors_and_the_right_predecessor():
    turns = torch.linspace(0, 2 * torch.pi, 9)[:-1]
    unit = torch.stack([turns.cos(), turns.sin()], dim=1)
    good = torch.stack([unit, unit, 5 * unit, 5 * unit], dim=1)
    bad = torch.stack([unit, -unit, 5 * unit, -5 * unit], dim=1)
    losses = [float(patch_loss(outputs, margin=0.5, pretext_weight=1.0)) for outputs in (good, bad)]
    assert losses[0] < losses[1]
    assert float(patch_loss(good, margin=0.5, pretext_weight=0.0)) < 0.01
