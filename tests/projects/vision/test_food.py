"""Transfer learning: what is taken over, what is trained at which rate, features computed once, two public layouts."""

import json
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression
from torch.nn import functional
from torchvision import models as zoo

from dlcore import projects
from dlcore.core import progress
from dlcore.core.errors import ConfigError, DataError, DataMissingError
from dlcore.data.batches import Batches
from dlcore.data.images import archives, images
from dlcore.data.images import folders as image_folders
from dlcore.data.images.photos import MixupResult
from dlcore.data.sources import weights
from dlcore.models.transfer import BACKBONES, FrozenConfig, TransferConfig, TransferNet
from dlcore.projects.project import LoadedModel
from dlcore.projects.vision import food, food_features
from dlcore.training import optimizers
from dlcore.training.config import TrainingConfig

SIDE, EACH = 64, 12


def photos(folder, *, parts=("train", "test"), each=EACH):
    """Two kinds of noisy pictures in class folders."""
    generator = np.random.default_rng(0)
    for part in parts:
        for k, name in enumerate(("red_soup", "green_salad")):
            (folder / part / name).mkdir(parents=True)
            for i in range(each):
                pixels = generator.integers(0, 90, (SIDE, SIDE, 3), dtype=np.uint8)
                pixels[..., k] += 120
                Image.fromarray(pixels).save(folder / part / name / f"{i}.png")


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A tiny set under the name of Food-11, and random weights where ImageNet's would be."""
    photos(tmp_path / "data" / "food-11", parts=("training", "validation", "evaluation"))
    monkeypatch.setenv("DLCORE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("DLCORE_CACHE", str(tmp_path / "cache"))
    torch.manual_seed(0)
    carried = {
        name: v.half().float() if v.is_floating_point() else v
        for name, v in zoo.mobilenet_v2(weights=None).state_dict().items()
    }
    monkeypatch.setattr(weights, "load", lambda backbone: carried)
    return carried


def config(model="mobilenet_v2_frozen", **settings):
    settings = {"side": SIDE, "train_side": SIDE, "validation_share": 0.25, **settings}
    return projects.configure("food", model=model, dataset="food11", preset="quick", settings=settings)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_backbone_answers_as_torchvisions_own_with_its_weights(backbone):
    theirs = getattr(zoo, backbone)(weights=None).eval()
    ours = TransferNet(TransferConfig(), backbone=backbone, classes=3).eval()
    ours.load_pretrained(theirs.state_dict())
    last = theirs.fc if backbone == "resnet50" else theirs.classifier[-1]
    x = torch.randn(2, 3, SIDE, SIDE)
    with torch.no_grad():
        features = ours.features(x)
        wanted = theirs(x)
        torch.testing.assert_close(last(features), wanted, rtol=1e-3, atol=1e-5 * float(wanted.abs().max()))
        assert torch.equal(ours(features), ours(x)) and ours(x).shape == (2, 3)


def test_what_is_frozen_has_no_gradient_and_stays_in_evaluation_mode():
    for options, trained in (
        (FrozenConfig(), 0),
        (TransferConfig(train="last_blocks", blocks=3), 3),
        (TransferConfig(train="all"), 19),
    ):
        network = TransferNet(options, backbone="mobilenet_v2", classes=3).train()
        moving = [any(p.requires_grad for p in block.parameters()) for block in network.blocks]
        assert moving == [False] * (19 - trained) + [True] * trained
        assert not any(part.training for part in network.blocks.modules() if isinstance(part, torch.nn.BatchNorm2d))
    free = TransferNet(TransferConfig(norm_layers="trained", train="all"), backbone="mobilenet_v2", classes=3).train()
    assert all(part.training for part in free.modules() if isinstance(part, torch.nn.BatchNorm2d))


def test_rates_fall_by_depth_and_follow_the_schedule():
    network = TransferNet(
        TransferConfig(train="all", backbone_rate=0.1, layer_decay=0.5), backbone="mobilenet_v2", classes=3
    )
    optimiser = optimizers.create(network, TrainingConfig(learning_rate=0.01))
    rates = [group["lr"] for group in optimiser.param_groups]
    assert rates[0] == 0.01 and rates[1] == pytest.approx(0.001)
    assert all(later == pytest.approx(earlier / 2) for earlier, later in pairwise(rates[1:]))
    counted = sum(p.numel() for group in optimiser.param_groups for p in group["params"])
    assert counted == sum(p.numel() for p in network.parameters())
    plain = optimizers.create(torch.nn.Linear(2, 2), TrainingConfig(learning_rate=0.01))
    assert [group["lr"] for group in plain.param_groups] == [0.01]


def test_features_are_computed_once_with_progress_and_are_what_the_network_says(small, monkeypatch):
    told = []
    with progress.listening(lambda *said: told.append(said)):
        prepared = food.prepare(config())
    assert told[-1][1:] == (72, 72) and "features" in told[-1][0]
    assert prepared.train.inputs[0].shape[1:] == (food_features.VIEWS, 1280) and len(prepared.test) == 24
    assert prepared.labels == ("green salad", "red soup")
    module = food.PROJECT.models["mobilenet_v2_frozen"].build(config().model_options, prepared.facts).eval()
    prepared.start(module)
    whole = food.prepare(config("mobilenet_v2", train="all"))
    assert np.array_equal(whole.test.ids, prepared.test.ids)
    (pixels,) = whole.transform(whole.test.inputs, False)
    (views,) = prepared.transform(prepared.test.inputs, False)
    with torch.no_grad():
        torch.testing.assert_close(module.features(pixels), views, rtol=1e-4, atol=1e-5)
    monkeypatch.setattr(food_features, "_computed", lambda *args: pytest.fail("computed a second time"))
    food.prepare(config())


def test_a_warm_head_is_the_same_every_time_and_knows_its_features():
    generator = np.random.default_rng(0)
    targets = torch.arange(60) % 3
    features = torch.from_numpy(generator.normal(0, 1, (60, 20)).astype(np.float32)) + 2 * functional.one_hot(
        targets, 20
    )
    found = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        head = torch.nn.Linear(20, 3)
        food.fit_head(head, features, targets, pull=1.0)
        found.append(head(features).detach())
    torch.testing.assert_close(*found, rtol=1e-2, atol=1e-2)
    assert (found[0].argmax(1) == targets).float().mean() > 0.9
    reference = LogisticRegression(C=1.0, max_iter=1000).fit(features.numpy(), targets.numpy())
    shares = reference.predict_proba(features.numpy())
    np.testing.assert_allclose(found[0].softmax(1).numpy(), shares, atol=0.02)


def test_only_a_pretrained_start_with_a_warm_head_fits_one(small):
    prepared = food.prepare(config("mobilenet_v2", train="all"))
    module = TransferNet(TransferConfig(), backbone="mobilenet_v2", classes=2)
    before = module.head[-1].weight.clone()
    prepared.start(module)
    assert not torch.equal(before, module.head[-1].weight)


def test_a_head_on_random_weights_is_refused_and_scratch_needs_none(small, monkeypatch):
    with pytest.raises(ConfigError, match="initialization=pretrained"):
        food.prepare(config(initialization="random"))

    def missing(backbone):
        raise DataMissingError("weights:x", "not here.")

    monkeypatch.setattr(weights, "load", missing)
    scratch = config("mobilenet_v2_scratch")
    prepared = food.prepare(scratch)
    assert prepared.start is None and prepared.train.inputs[0].dtype == torch.uint8
    assert "logistic_regression_on_features" not in food.baselines(prepared, scratch)
    with pytest.raises(DataMissingError):
        food.prepare(config())


def test_simple_methods_are_measured_on_the_same_test(small):
    found = food.baselines(food.prepare(config()), config())
    assert set(found) == {"majority", "nearest_centroid", "logistic_regression", "logistic_regression_on_features"}
    assert found["majority"]["accuracy"] == 0.5


def test_a_mixed_batch_is_judged_by_both_its_labels(small):
    made = config(label_smoothing=0.0)
    prepared = food.prepare(made)
    loss = food.objective(made, prepared).loss
    outputs, targets, other = torch.randn(4, 2), torch.tensor([0, 1, 0, 1]), torch.tensor([1, 0, 3, 2])
    prepared.transform.mix = MixupResult(other, 0.3)
    wanted = 0.3 * functional.cross_entropy(outputs, targets) + 0.7 * functional.cross_entropy(outputs, targets[other])
    torch.testing.assert_close(loss(outputs, targets), wanted)
    prepared.transform.mix = None
    torch.testing.assert_close(loss(outputs, targets), functional.cross_entropy(outputs, targets))


def test_batches_of_photographs_are_trained_on_at_their_own_side(small):
    made = config("mobilenet_v2_scratch", train_side=32, mixup=0.2)
    prepared = food.prepare(made)
    batches = Batches(prepared.train, 8, seed=0, transform=prepared.transform)
    (x,), _ = next(batches.epoch(1))
    assert x.shape == (8, 3, 32, 32)


def test_one_photo_is_answered_as_the_test_was(small):
    made = config()
    prepared = food.prepare(made)
    module = food.PROJECT.models[made.model].build(made.model_options, prepared.facts).eval()
    loaded = LoadedModel(module, made, prepared.facts, prepared.preprocessing, prepared.labels)
    path = sorted((images.sources.require("food11") / "evaluation" / "red_soup").iterdir())[0]
    found = food.answer(loaded, path.read_bytes())
    assert json.dumps(found) and sum(found["probabilities"].values()) == pytest.approx(1)
    assert found["label"] in prepared.labels
    with pytest.raises(DataError, match="not an image"):
        food.answer(loaded, b"<svg/>")


def test_food_11_in_its_own_layout_has_its_names_and_its_parts(tmp_path):
    for part, numbers in (("training", (0, 10)), ("validation", (0,)), ("evaluation", (10,))):
        (tmp_path / part).mkdir()
        for k in numbers:
            for i in range(6):
                Image.new("RGB", (8, 8)).save(tmp_path / part / f"{k}_{i}.jpg")
    with archives.open_source(tmp_path) as opened:
        found = image_folders.survey(opened)
    assert found.names == ("bread", "vegetable and fruit") and len(found.entries) == 24
    assert found.in_test.sum() == 6 and set(found.labels[found.in_test]) == {1}


def test_food_101_keeps_the_test_part_that_its_lists_name(tmp_path):
    for name in ("apple_pie", "baklava"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for i in range(7):
            Image.new("RGB", (8, 8)).save(tmp_path / "images" / name / f"{i}.jpg")
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "test.txt").write_text("apple_pie/0\nbaklava/3\n")
    with archives.open_source(tmp_path) as opened:
        found = image_folders.survey(opened)
    assert [entry.name for entry in found.entries if entry.part == "test"] == [
        "test/apple_pie/0.jpg",
        "test/baklava/3.jpg",
    ]
    assert len(found.entries) == 14 and found.names == ("apple_pie", "baklava")


@pytest.mark.realdata("food101_mini")
def test_the_photographs_at_hand_are_1_200_of_ten_dishes():
    found = images.load("food101_mini")
    assert len(found.labels) == 800 and len(found.test_labels) == 400 and len(found.names) == 10
    assert np.bincount(found.test_labels).tolist() == [40] * 10 and not found.refused and not found.also_in_test.any()
