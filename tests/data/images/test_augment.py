import numpy as np
import torch

from dlcore.data.batches import Batches
from dlcore.data.images import images
from dlcore.data.images.augment import (
    Augmentation,
    ImageTransform,
    color_jitter,
    growing_sides,
    random_erasing,
    random_shift_flip,
)
from dlcore.data.splits import Split


def batch(n: int = 200, side: int = 12, channels: int = 3) -> torch.Tensor:
    return torch.randint(0, 256, (n, side, side, channels), dtype=torch.uint8)


def test_images_are_shifted_and_flipped_entirely():
    pixels = batch()
    changed = random_shift_flip(pixels, shift=2, flip=True)
    assert changed.shape == pixels.shape and changed.dtype == torch.uint8
    middle = pixels[:, 4:8, 4:8]
    flips = 0
    for center, image in zip(middle, changed, strict=True):
        places = [image[r : r + 4, c : c + 4] for r in range(2, 7) for c in range(2, 7)]
        is_unchanged = any(torch.equal(place, center) for place in places)
        is_flipped = any(torch.equal(place.flip(1), center) for place in places)
        assert is_unchanged or is_flipped
        flips += is_flipped and not is_unchanged
    assert 60 < flips < 140


def test_zero_shift_without_flip_is_identity():
    pixels = batch()
    assert torch.equal(random_shift_flip(pixels, shift=0, flip=False), pixels)


def test_random_erasing_has_the_requested_size():
    inside = random_erasing(torch.zeros(500, 3, 20, 20), side=6).sum(dim=(1, 2, 3))
    assert inside.max() == 36 and inside.min() >= 9 and (inside == 36).sum() > 150


def test_color_jitter_keeps_the_range():
    x = batch().permute(0, 3, 1, 2).float()
    assert torch.allclose(color_jitter(x, share=0.0), x, atol=1e-3)
    changed = color_jitter(x, share=0.5)
    assert changed.min() >= 0 and changed.max() <= 255 and not torch.allclose(changed, x)


def test_only_training_is_augmented_and_output_is_standardized():
    pixels = batch(400, channels=3)
    scale = images.channel_mean_and_std(pixels.numpy())
    transform = ImageTransform(scale["mean"], scale["std"], Augmentation(shift=2, flip=True, cutout=4, jitter=0.3))
    (standardized,) = transform((pixels,), False)
    assert torch.allclose(standardized.mean(dim=(0, 2, 3)), torch.zeros(3), atol=1e-4)
    assert torch.allclose(standardized.std(dim=(0, 2, 3)), torch.ones(3), atol=1e-3)
    assert torch.equal(standardized, transform((pixels,), False)[0])
    assert not torch.equal(standardized, transform((pixels,), True)[0])
    assert standardized.is_contiguous(memory_format=torch.channels_last)
    model_input = images.to_model_input(pixels[0].numpy(), {"kind": "picture", "side": 12, **scale})
    assert np.allclose(model_input, standardized[0].numpy(), atol=1e-5)


def test_gray_images_get_a_channel_and_a_seed_is_reproducible():
    pixels = batch(channels=1)[..., 0]
    transform = ImageTransform([0.5], [0.25], Augmentation(shift=1, cutout=3))
    torch.manual_seed(3)
    first = transform((pixels,), True)[0]
    torch.manual_seed(3)
    assert torch.equal(first, transform((pixels,), True)[0])
    assert first.shape == (200, 1, 12, 12)


def test_training_images_grow_with_the_epochs_and_validation_images_do_not():
    assert growing_sides(32, 64, 9) == (32,) * 3 + (48,) * 3 + (64,) * 3
    assert growing_sides(32, 64, 1) == (32,) and growing_sides(32, 64, 2) == (32, 48)
    transform = ImageTransform([0.5] * 3, [0.25] * 3, Augmentation(sides=growing_sides(8, 16, 3)))
    split = Split((batch(8, side=16),), torch.zeros(8), np.arange(8))
    training = Batches(split, 4, seed=0, transform=transform)
    assert [next(training.epoch(epoch))[0][0].shape[-1] for epoch in (1, 2, 3)] == [8, 16, 16]
    validation = Batches(split, 4, transform=transform)
    next(training.epoch(1))
    assert next(validation.epoch(1))[0][0].shape == (4, 3, 16, 16)
