"""Data of the image classifiers: sizes, leaks, what inference repeats; a picture handed in; recipes that build."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from dlcore import projects
from dlcore.core.errors import DataError
from dlcore.data.images import images
from dlcore.projects.project import LoadedModel
from dlcore.projects.vision import images as pictures

PHOTOGRAPHS = pytest.mark.realdata("dogs_food_vehicles")


def config(dataset: str = "digits", model: str = "resnet18", **settings):
    return projects.configure("architectures", model=model, dataset=dataset, preset="quick", settings=settings)


def encoded(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def test_digits_are_enlarged_scaled_by_the_training_part_and_never_mirrored():
    prepared = pictures.prepare(config())
    assert prepared.train.inputs[0].shape[1:] == (32, 32) and prepared.train.inputs[0].dtype == torch.uint8
    assert prepared.facts == {"channels": 1, "height": 32, "width": 32, "classes": 10}
    assert len(prepared.train) + len(prepared.validation) == 1438 and len(prepared.test) == 359
    assert not set(prepared.train.ids) & set(prepared.validation.ids)
    (result,) = prepared.transform((prepared.train.inputs[0],), False)
    assert abs(float(result.mean())) < 1e-3 and abs(float(result.std()) - 1) < 1e-3
    assert not prepared.transform.augmentation.flip
    assert pictures.prepare(config()).checksum == prepared.checksum


def test_one_seed_one_split_and_another_seed_another_but_the_same_test():
    first, again = (pictures.prepare(config()) for _ in range(2))
    other = pictures.prepare(config().model_copy(update={"seed": 1}))
    assert np.array_equal(first.train.ids, again.train.ids) and not np.array_equal(first.train.ids, other.train.ids)
    assert np.array_equal(first.test.ids, other.test.ids) and torch.equal(first.test.inputs[0], other.test.inputs[0])


def planted(monkeypatch):
    """Three pictures that nearly repeat one another, and one that the test part holds too."""
    pixels = np.random.default_rng(0).integers(0, 256, (100, 32, 32, 3), dtype=np.uint8)
    groups = np.arange(100)
    groups[[10, 20, 30]] = 10
    also = np.zeros(100, bool)
    also[5] = True
    labels = np.arange(100) % 2
    labels[[10, 20, 30]] = 0
    result = images.Images(pixels, labels, pixels[:9], labels[:9], ("a", "b"), "c", groups, also)
    monkeypatch.setattr(images, "load", lambda *args, **more: result)


@pytest.mark.parametrize("seed", range(4))
def test_no_duplicate_is_on_both_sides_and_none_of_the_test_is_learnt(monkeypatch, seed):
    planted(monkeypatch)
    prepared = pictures.prepare(config().model_copy(update={"seed": seed}))
    train, validation = set(prepared.train.ids.tolist()), set(prepared.validation.ids.tolist())
    assert 5 not in train | validation and len(train | validation) == 99
    assert {10, 20, 30} <= train or {10, 20, 30} <= validation


@pytest.mark.parametrize("model", ["resnet18", "vgg16_c", "resnext"])
@pytest.mark.parametrize("preset", ["quick", "full"])
def test_every_recipe_builds_its_model_for_its_pictures(model, preset):
    result = projects.configure("architectures", model=model, dataset="digits", preset=preset)
    side = result.data_options.side
    facts = {"channels": 3, "height": side, "width": side, "classes": 3}
    with torch.device("meta"):
        module = projects.get("architectures").models[model].build(result.model_options, facts).eval()
        assert module(torch.empty(2, 3, side, side)).shape == (2, 3)


def loaded(channels: int) -> LoadedModel:
    result = config()
    facts = {"channels": channels, "height": 32, "width": 32, "classes": 3}
    module = projects.get("architectures").models["resnet18"].build(result.model_options, facts).eval()
    scale = {"mean": [0.5] * channels, "std": [0.25] * channels}
    return LoadedModel(
        module, result, facts, {"kind": "picture", "channels": channels, "side": 32, **scale}, ("a", "b", "c")
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_handed_in_is_seen_as_training_saw_its_own(channels):
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 80, 3), dtype=np.uint8))
    answer = pictures.answer(loaded(channels), encoded(picture))
    assert sum(answer["probabilities"].values()) == pytest.approx(1)
    assert np.array(answer["pixels"]).shape == ((32, 32) if channels == 1 else (32, 32, 3))
    assert answer["label"] == max(answer["probabilities"], key=answer["probabilities"].get)


def test_what_is_no_picture_is_refused():
    with pytest.raises(DataError, match="not an image"):
        pictures.answer(loaded(3), b"<html></html>")


def test_simple_methods_are_measured_on_the_same_test():
    result = config(train_rows=300)
    baselines = pictures.baselines(pictures.prepare(result), result)
    assert baselines["majority"]["accuracy"] < 0.15 and baselines["logistic_regression"]["accuracy"] > 0.8


@PHOTOGRAPHS
def test_photographs_keep_their_colours_and_duplicates_together():
    prepared = pictures.prepare(config("dogs_food_vehicles"))
    assert prepared.train.inputs[0].shape[1:] == (32, 32, 3) and abs(len(prepared.train) - 2000) <= 2
    assert len(prepared.test) == 4048 and prepared.labels == ("dogs", "food", "vehicles")
    groups = images.load("dogs_food_vehicles").groups
    assert not set(groups[prepared.train.ids]) & set(groups[prepared.validation.ids])
    assert len(prepared.preprocessing["mean"]) == 3
