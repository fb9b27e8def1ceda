"""Data of the image classifiers: sizes, leakage, uploaded images; presets that build."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from dlcore import projects
from dlcore.core.errors import ConfigError, DataError
from dlcore.data.images import images
from dlcore.projects.project import LoadedModel
from dlcore.projects.vision import images as vision_images

PHOTOS = pytest.mark.realdata("dogs_food_vehicles")


def config(dataset: str = "digits", model: str = "resnet18", **settings):
    return projects.configure("architectures", model=model, dataset=dataset, preset="quick", settings=settings)


def encoded(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def test_digits_are_resized_scaled_and_never_flipped():
    prepared = vision_images.prepare(config())
    assert prepared.train.inputs[0].shape[1:] == (32, 32) and prepared.train.inputs[0].dtype == torch.uint8
    assert prepared.facts == {"channels": 1, "height": 32, "width": 32, "classes": 10}
    assert len(prepared.train) + len(prepared.validation) == 1438 and len(prepared.test) == 359
    assert not set(prepared.train.ids) & set(prepared.validation.ids)
    (result,) = prepared.transform((prepared.train.inputs[0],), False)
    assert abs(float(result.mean())) < 1e-3 and abs(float(result.std()) - 1) < 1e-3
    assert not prepared.transform.augmentation.flip
    assert vision_images.prepare(config()).checksum == prepared.checksum


def test_split_depends_on_the_seed_and_test_does_not():
    first, again = (vision_images.prepare(config()) for _ in range(2))
    other = vision_images.prepare(config().model_copy(update={"seed": 1}))
    assert np.array_equal(first.train.ids, again.train.ids) and not np.array_equal(first.train.ids, other.train.ids)
    assert np.array_equal(first.test.ids, other.test.ids) and torch.equal(first.test.inputs[0], other.test.inputs[0])


def planted(monkeypatch):
    """Three near duplicates, and an image that is in the test split too."""
    pixels = np.random.default_rng(0).integers(0, 256, (100, 32, 32, 3), dtype=np.uint8)
    groups = np.arange(100)
    groups[[10, 20, 30]] = 10
    also = np.zeros(100, bool)
    also[5] = True
    labels = np.arange(100) % 2
    labels[[10, 20, 30]] = 0
    dataset = images.Images(pixels, labels, pixels[:9], labels[:9], ("a", "b"), "c", groups, also)
    monkeypatch.setattr(images, "load", lambda *args, **more: dataset)


@pytest.mark.parametrize("seed", range(4))
def test_duplicates_never_cross_splits(monkeypatch, seed):
    planted(monkeypatch)
    prepared = vision_images.prepare(config().model_copy(update={"seed": seed}))
    train, validation = set(prepared.train.ids.tolist()), set(prepared.validation.ids.tolist())
    assert 5 not in train | validation and len(train | validation) == 99
    assert {10, 20, 30} <= train or {10, 20, 30} <= validation


@pytest.mark.parametrize("model", ["resnet18", "vgg16_c", "resnext"])
@pytest.mark.parametrize("preset", ["quick", "full"])
def test_every_preset_builds_its_model(model, preset):
    run_config = projects.configure("architectures", model=model, dataset="digits", preset=preset)
    side = run_config.data_options.side
    facts = {"channels": 3, "height": side, "width": side, "classes": 3}
    with torch.device("meta"):
        module = projects.get("architectures").models[model].build(run_config.model_options, facts).eval()
        assert module(torch.empty(2, 3, side, side)).shape == (2, 3)


def loaded(channels: int) -> LoadedModel:
    run_config = config()
    facts = {"channels": channels, "height": 32, "width": 32, "classes": 3}
    module = projects.get("architectures").models["resnet18"].build(run_config.model_options, facts).eval()
    scale = {"mean": [0.5] * channels, "std": [0.25] * channels}
    return LoadedModel(
        module, run_config, facts, {"kind": "picture", "channels": channels, "side": 32, **scale}, ("a", "b", "c")
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_uploaded_image_is_preprocessed_as_in_training(channels):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 80, 3), dtype=np.uint8))
    answer = vision_images.answer(loaded(channels), encoded(image))
    assert sum(answer["probabilities"].values()) == pytest.approx(1)
    assert np.array(answer["pixels"]).shape == ((32, 32) if channels == 1 else (32, 32, 3))
    assert answer["label"] == max(answer["probabilities"], key=answer["probabilities"].get)


def test_file_that_is_no_image_is_rejected():
    with pytest.raises(DataError, match="not an image"):
        vision_images.answer(loaded(3), b"<html></html>")


def test_baselines_use_the_same_test_split():
    run_config = config(train_rows=300)
    baselines = vision_images.baselines(vision_images.prepare(run_config), run_config)
    assert baselines["majority"]["accuracy"] < 0.15 and baselines["logistic_regression"]["accuracy"] > 0.8


@PHOTOS
def test_photos_have_colors_and_duplicates_stay_together():
    prepared = vision_images.prepare(config("dogs_food_vehicles"))
    assert prepared.train.inputs[0].shape[1:] == (32, 32, 3) and abs(len(prepared.train) - 2000) <= 2
    assert len(prepared.test) == 4048 and prepared.labels == ("dogs", "food", "vehicles")
    groups = images.load("dogs_food_vehicles").groups
    assert not set(groups[prepared.train.ids]) & set(groups[prepared.validation.ids])
    assert len(prepared.preprocessing["mean"]) == 3


def test_label_smoothing_changes_the_training_loss_only():
    smooth = config(label_smoothing=0.2)
    prepared = vision_images.prepare(config(train_rows=50))
    outputs, targets = torch.tensor([[4.0, 0.0, -1.0]]), torch.tensor([0])
    log_p = outputs.log_softmax(dim=1)
    expected = -(0.8 * log_p[0, 0] + 0.2 * log_p.mean())
    assert float(vision_images.objective(smooth, prepared).loss(outputs, targets)) == pytest.approx(float(expected))
    plain = vision_images.objective(config(), prepared)
    assert float(plain.loss(outputs, targets)) == pytest.approx(float(-log_p[0, 0]))
    assert plain.correct is not None and bool(plain.correct(outputs, targets)[0])


def test_flip_averaging_is_reported_beside_the_normal_test():
    run_config = config(train_rows=50, average_flips=True, width=4)
    prepared = vision_images.prepare(run_config)
    module = projects.get("architectures").models["resnet18"].build(run_config.model_options, prepared.facts).eval()
    predictions = vision_images.predict(module, prepared, run_config)
    evaluation = vision_images.evaluate(predictions, None, run_config)
    (x,) = prepared.transform((prepared.test.inputs[0][:4],), False)
    with torch.no_grad():
        expected = (module(x).softmax(1) + module(x.flip(-1)).softmax(1)) / 2
    assert np.allclose(predictions["test_mirrored_scores"][:4], expected.numpy(), atol=1e-5)
    correct = predictions["test_mirrored_scores"].argmax(1) == predictions["test_targets"]
    assert evaluation.parts[vision_images.MIRRORED]["accuracy"] == pytest.approx(correct.mean())
    normal = predictions["test_scores"].argmax(1) == predictions["test_targets"]
    assert evaluation.metrics["accuracy"] == pytest.approx(normal.mean())
    off = vision_images.predict(module, prepared, config(train_rows=50, width=4))
    assert "test_mirrored_scores" not in off


def test_progressive_resizing_is_not_offered_to_vgg():
    with pytest.raises(ConfigError, match="first_side"):
        config(model="vgg16_c", first_side=32)
    assert config(first_side=32).data_options.first_side == 32
