import numpy as np
import torch

from dlcore.data.images.photos import FeatureViews, PhotoAugmentation, PhotoTransform, mixup, random_resized_crop

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.2, 0.2)


def batch(n: int = 40, side: int = 32) -> torch.Tensor:
    return torch.randint(0, 256, (n, side, side, 3), dtype=torch.uint8)


def test_zoom_of_one_crops_nothing():
    x = torch.rand(6, 3, 20, 20)
    assert torch.allclose(random_resized_crop(x, side=20, zoom=1.0, flip=False), x, atol=1e-5)


def test_half_of_the_images_are_flipped():
    x = torch.rand(200, 3, 16, 16)
    flipped = random_resized_crop(x, side=16, zoom=1.0, flip=True)
    is_flipped = [torch.allclose(a, b.flip(-1), atol=1e-5) for a, b in zip(flipped, x, strict=True)]
    is_unchanged = [torch.allclose(a, b, atol=1e-5) for a, b in zip(flipped, x, strict=True)]
    assert 60 < sum(is_flipped) < 140 and sum(is_flipped) + sum(is_unchanged) == 200


def test_crop_is_inside_and_has_the_requested_area():
    ramp = torch.linspace(0, 1, 64).expand(300, 1, 64, 64)
    widths = random_resized_crop(ramp, side=64, zoom=0.25, flip=False)
    reach = (widths.amax(dim=(1, 2, 3)) - widths.amin(dim=(1, 2, 3))).numpy()
    assert reach.max() <= 1.001 and reach.min() > 0.25**0.5 * (3 / 4) ** 0.5 - 0.05 and np.median(reach) < 0.95


def test_only_training_is_augmented_and_sides_are_as_requested():
    transform = PhotoTransform(
        MEAN, STD, PhotoAugmentation(side=24, zoom=0.5, flip=True, jitter=0.2, erase=6, mixup=0.4)
    )
    pixels = batch()
    (images,) = transform((pixels,), False)
    again = (pixels.permute(0, 3, 1, 2).float() / 255 - torch.tensor(MEAN).view(1, 3, 1, 1)) / 0.2
    assert torch.allclose(images, again, atol=1e-5) and images.is_contiguous(memory_format=torch.channels_last)
    (trained,) = transform((pixels,), True)
    assert trained.shape == (40, 3, 24, 24) and transform.mix is not None and 0 <= transform.mix.share <= 1


def test_mixup_is_between_its_two_images():
    x = torch.rand(10, 4)
    mixed, mix = mixup(x, alpha=1.0)
    assert torch.allclose(mixed, mix.share * x + (1 - mix.share) * x[mix.other])
    assert mixup(x, alpha=0.0) == (x, None)


def test_training_draws_a_view_and_inference_takes_the_first():
    views = torch.stack([torch.zeros(50, 3), torch.ones(50, 3)], dim=1)
    assert not FeatureViews()((views,), False)[0].any()
    assert 5 < float(FeatureViews()((views,), True)[0][:, 0].sum()) < 45


def test_seed_is_reproducible():
    transform, pixels = PhotoTransform(MEAN, STD, PhotoAugmentation(zoom=0.3, flip=True, mixup=0.2)), batch()
    crops = []
    for _ in range(2):
        torch.manual_seed(3)
        crops.append(transform((pixels,), True)[0])
    assert torch.equal(*crops)
