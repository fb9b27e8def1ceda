"""Transfer learning: pretrained weights, learning rates per layer, cached features, two public layouts."""

import json
from collections import Counter
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
from dlcore.data.images import archives, classes, images
from dlcore.data.images import folders as image_folders
from dlcore.data.images.photos import MixupResult
from dlcore.data.repairs import Repairs
from dlcore.data.sources import weights
from dlcore.models.transfer import BACKBONES, FrozenConfig, TransferConfig, TransferNet
from dlcore.projects.project import LoadedModel
from dlcore.projects.vision import food, food_features
from dlcore.training import optimizers
from dlcore.training.config import TrainingConfig

SIDE, EACH = 64, 12


def photos(folder, *, parts=("train", "test"), each=EACH):
    """Two classes of noisy images in class folders."""
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
    """A tiny dataset named like Food-11, and random weights in place of ImageNet's."""
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
def test_every_backbone_equals_torchvisions(backbone):
    theirs = getattr(zoo, backbone)(weights=None).eval()
    ours = TransferNet(TransferConfig(), backbone=backbone, classes=3).eval()
    ours.load_pretrained(theirs.state_dict())
    last = theirs.fc if backbone == "resnet50" else theirs.classifier[-1]
    x = torch.randn(2, 3, SIDE, SIDE)
    with torch.no_grad():
        features = ours.features(x)
        expected = theirs(x)
        torch.testing.assert_close(last(features), expected, rtol=1e-3, atol=1e-5 * float(expected.abs().max()))
        assert torch.equal(ours(features), ours(x)) and ours(x).shape == (2, 3)


def test_frozen_layers_have_no_gradient_and_stay_in_evaluation_mode():
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


def test_learning_rates_fall_by_depth_and_follow_the_schedule():
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


def test_features_are_cached_and_equal_the_networks(small, monkeypatch):
    events = []
    with progress.listening(lambda *event: events.append(event)):
        prepared = food.prepare(config())
    assert events[-1][1:] == (72, 72) and "features" in events[-1][0]
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


def test_warm_start_of_the_head_is_deterministic():
    generator = np.random.default_rng(0)
    targets = torch.arange(60) % 3
    features = torch.from_numpy(generator.normal(0, 1, (60, 20)).astype(np.float32)) + 2 * functional.one_hot(
        targets, 20
    )
    outputs = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        head = torch.nn.Linear(20, 3)
        food.fit_head(head, features, targets, pull=1.0)
        outputs.append(head(features).detach())
    torch.testing.assert_close(*outputs, rtol=1e-2, atol=1e-2)
    assert (outputs[0].argmax(1) == targets).float().mean() > 0.9
    reference = LogisticRegression(C=1.0, max_iter=1000).fit(features.numpy(), targets.numpy())
    shares = reference.predict_proba(features.numpy())
    np.testing.assert_allclose(outputs[0].softmax(1).numpy(), shares, atol=0.02)


def test_head_is_fitted_only_for_a_pretrained_warm_start(small):
    prepared = food.prepare(config("mobilenet_v2", train="all"))
    module = TransferNet(TransferConfig(), backbone="mobilenet_v2", classes=2)
    before = module.head[-1].weight.clone()
    prepared.start(module)
    assert not torch.equal(before, module.head[-1].weight)


def test_warm_start_on_random_weights_is_rejected(small, monkeypatch):
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


def test_baselines_use_the_same_test_split(small):
    baselines = food.baselines(food.prepare(config()), config())
    pretrained = {"nearest_neighbors_on_features", "logistic_regression_on_features"}
    assert set(baselines) == {"majority", "nearest_centroid", "logistic_regression", *pretrained}
    assert baselines["majority"]["accuracy"] == 0.5


def test_mixup_loss_uses_both_labels(small):
    run_config = config(label_smoothing=0.0)
    prepared = food.prepare(run_config)
    loss = food.objective(run_config, prepared).loss
    outputs, targets, other = torch.randn(4, 2), torch.tensor([0, 1, 0, 1]), torch.tensor([1, 0, 3, 2])
    prepared.transform.mix = MixupResult(other, 0.3)
    expected = 0.3 * functional.cross_entropy(outputs, targets) + 0.7 * functional.cross_entropy(
        outputs, targets[other]
    )
    torch.testing.assert_close(loss(outputs, targets), expected)
    prepared.transform.mix = None
    torch.testing.assert_close(loss(outputs, targets), functional.cross_entropy(outputs, targets))


def test_training_batches_are_resized_to_train_side(small):
    run_config = config("mobilenet_v2_scratch", train_side=32, mixup=0.2)
    prepared = food.prepare(run_config)
    batches = Batches(prepared.train, 8, seed=0, transform=prepared.transform)
    (x,), _ = next(batches.epoch(1))
    assert x.shape == (8, 3, 32, 32)


def test_answer_equals_the_stored_prediction(small):
    run_config = config()
    prepared = food.prepare(run_config)
    module = food.PROJECT.models[run_config.model].build(run_config.model_options, prepared.facts).eval()
    loaded = LoadedModel(module, run_config, prepared.facts, prepared.preprocessing, prepared.labels)
    path = sorted((images.sources.require("food11") / "evaluation" / "red_soup").iterdir())[0]
    answer = food.answer(loaded, path.read_bytes())
    assert json.dumps(answer) and sum(answer["probabilities"].values()) == pytest.approx(1)
    assert answer["label"] in prepared.labels
    with pytest.raises(DataError, match="not an image"):
        food.answer(loaded, b"<svg/>")


def list_entries(folder):
    with archives.open_source(folder) as opened:
        return classes.arrange(image_folders.list_files(opened)[0], Repairs())[0]


def test_food_11_layout_has_class_names_and_splits(tmp_path):
    for part, numbers in (("training", (0, 10)), ("validation", (0,)), ("evaluation", (10,))):
        (tmp_path / part).mkdir()
        for k in numbers:
            for i in range(6):
                Image.new("RGB", (8, 8)).save(tmp_path / part / f"{k}_{i}.jpg")
    entries = list_entries(tmp_path)
    assert {entry.label for entry in entries} == {"bread", "vegetable and fruit"} and len(entries) == 24
    assert Counter(entry.part for entry in entries) == {"train": 12, "validation": 6, "test": 6}
    assert {entry.label for entry in entries if entry.part == "test"} == {"vegetable and fruit"}


def test_food_101_uses_its_test_list(tmp_path):
    for name in ("apple_pie", "baklava"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for i in range(7):
            Image.new("RGB", (8, 8)).save(tmp_path / "images" / name / f"{i}.jpg")
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "test.txt").write_text("apple_pie/0\nbaklava/3\n")
    entries = list_entries(tmp_path)
    assert [entry.name for entry in entries if entry.part == "test"] == [
        "test/apple_pie/0.jpg",
        "test/baklava/3.jpg",
    ]
    assert len(entries) == 14 and {entry.label for entry in entries} == {"apple_pie", "baklava"}


@pytest.mark.realdata("food101_mini")
def test_bundled_photos_are_1_200_of_ten_dishes():
    data = images.load("food101_mini")
    assert len(data.labels) == 800 and len(data.test_labels) == 400 and len(data.names) == 10
    assert np.bincount(data.test_labels).tolist() == [40] * 10 and not data.rejected and not data.also_in_test.any()
