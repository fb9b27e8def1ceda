import io

import numpy as np
import pytest
import torch
from PIL import Image

from dlcore import projects, runs
from dlcore.core.errors import ConfigError, DataError
from dlcore.data.images import images
from dlcore.data.sources import locate as sources
from dlcore.data.splits import SPLITS
from dlcore.evaluation import agreement, calibration, classification
from dlcore.projects import LoadedModel

PROJECT = projects.get("fashion")


@pytest.fixture(scope="module")
def config():
    return projects.configure("fashion", dataset="digits", preset="quick", settings={"epochs": 25})


@pytest.fixture(scope="module")
def prepared(config):
    return PROJECT.prepare(config)


@pytest.fixture(scope="module")
def loaded(config, prepared) -> LoadedModel:
    """A dense network trained on the digits by a minimal loop."""
    torch.manual_seed(0)
    module = PROJECT.models["dense"].build(config.model_options, prepared.facts)
    optimiser, objective = torch.optim.Adam(module.parameters(), lr=3e-3), PROJECT.objective(config, prepared)
    (x,) = prepared.transform(prepared.train.inputs, True)
    for _ in range(60):
        optimiser.zero_grad()
        objective.loss(module(x), prepared.train.targets).backward()
        optimiser.step()
    return LoadedModel(module.eval(), config, prepared.facts, prepared.preprocessing, prepared.labels)


def test_splits_are_disjoint_and_test_is_the_same_for_every_seed(prepared):
    other = PROJECT.prepare(projects.configure("fashion", dataset="digits", seed=1))
    assert np.array_equal(prepared.test.ids, other.test.ids) and len(prepared.test) == 359
    assert torch.equal(prepared.test.inputs[0], other.test.inputs[0])
    assert not np.array_equal(prepared.validation.ids, other.validation.ids)
    assert not set(prepared.train.ids) & set(prepared.validation.ids)
    assert all(prepared.split(name).inputs[0].dtype == torch.uint8 for name in SPLITS)


def test_scaler_is_fitted_on_the_training_split_only():
    """Bright validation and test images must not change the scaler."""
    data = images.load("digits")
    config = projects.configure("fashion", dataset="digits")
    before = PROJECT.prepare(config)
    bright = data.pixels.copy()
    bright[before.validation.ids] = 255
    leaky = images.Images(bright, data.labels, data.test_pixels * 0 + 255, data.test_labels, data.names, "x")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(images, "load", lambda name, **options: leaky)
        after = PROJECT.prepare(config)
    assert after.preprocessing == before.preprocessing
    assert after.validation.inputs[0].min() == 255  # leakage would change the scaler


def test_transform_equals_that_of_inference(prepared):
    (scaled,) = prepared.transform((prepared.test.inputs[0][:5],), False)
    again = images.normalize(prepared.test.inputs[0][:5].numpy(), prepared.preprocessing)
    np.testing.assert_allclose(scaled.numpy(), again, atol=1e-5)
    assert abs(float(prepared.transform(prepared.train.inputs, True)[0].mean())) < 1e-4


def test_predictions_metrics_and_baselines(loaded, prepared, config):
    predictions = PROJECT.predict(loaded.module, prepared, config)
    assert predictions["test_scores"].shape == (359, 10)
    np.testing.assert_allclose(predictions["test_scores"].sum(axis=1), 1, atol=1e-5)
    assert np.array_equal(predictions["test_targets"], prepared.test.targets.numpy())
    metrics = PROJECT.epoch_metrics(loaded.module, prepared, config)
    right = (predictions["validation_scores"].argmax(axis=1) == predictions["validation_targets"]).mean()
    assert metrics["validation_accuracy"] == pytest.approx(right) and metrics["validation_accuracy"] > 0.9
    evaluation = PROJECT.evaluate(predictions, None, config)
    baselines = PROJECT.baselines(prepared, config)
    assert evaluation.metrics["accuracy"] > 0.9
    assert baselines["majority"]["accuracy"] < 0.15
    assert 0.8 < baselines["nearest_centroid"]["accuracy"] < baselines["logistic_regression"]["accuracy"]


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


TORN = png(np.random.default_rng(0).integers(0, 256, (90, 90), dtype=np.uint8))[:2000]


def test_answer_equals_the_stored_prediction(loaded, prepared, config):
    predictions = PROJECT.predict(loaded.module, prepared, config)
    for row in range(10):
        answer = PROJECT.answer(loaded, png(prepared.test.inputs[0][row].numpy()))
        test_score = predictions["test_scores"][row]
        assert answer["label"] == loaded.labels[test_score.argmax()]
        assert answer["probabilities"][answer["label"]] == pytest.approx(test_score.max(), abs=1e-4)
        assert np.array(answer["pixels"]).shape == (8, 8)


def test_answer_on_a_large_dark_on_light_drawing(loaded, prepared):
    """A digit of the test split, enlarged and inverted, like a photo of a drawing."""
    right = 0
    for row in range(40):
        big = np.kron(255 - prepared.test.inputs[0][row].numpy(), np.ones((30, 30), np.uint8))
        answer = PROJECT.answer(loaded, png(big))
        right += answer["label"] == loaded.labels[prepared.test.targets[row]]
    assert right >= 24  # cropping shifts and stretches a digit of 8 x 8 pixels a little


@pytest.mark.parametrize("payload", [b"", b"a text", TORN], ids=["empty", "text", "torn"])
def test_file_that_is_no_image_is_rejected(loaded, payload):
    with pytest.raises(DataError):
        PROJECT.answer(loaded, payload)


def test_train_rows_reduces_only_the_training_split(prepared):
    few = PROJECT.prepare(projects.configure("fashion", dataset="digits", settings={"train_rows": 200}))
    assert abs(len(few.train) - 200) <= 5 and len(few.test) == 359 and len(few.validation) == len(prepared.validation)


def test_invalid_settings_are_rejected():
    with pytest.raises(ConfigError, match="dropout"):
        projects.configure("fashion", settings={"dropout": 1.5})


def test_digits_replace_missing_fashion_mnist(monkeypatch, tmp_path):
    monkeypatch.delenv("DLCORE_DATA", raising=False)
    monkeypatch.setenv("DLCORE_CACHE", str(tmp_path))
    assert projects.configure("fashion").dataset == "digits"
    folder = tmp_path / "fashion-mnist"
    folder.mkdir()
    for file in sources.get_dataset("fashion_mnist").files:
        (folder / file.name).touch()
    monkeypatch.setenv("DLCORE_DATA", str(tmp_path))
    assert projects.configure("fashion").dataset == "fashion_mnist"


def test_improved_reference_run_beats_the_plain_one():
    """README: accuracy of at least 90.5 %, better than the plain network on the same images."""
    improved, plain = (runs.open_run(f"reference:fashion/{name}").bundle for name in ("improved", "dense"))
    comparison = agreement.agreement_of_predictions(improved.predictions(), plain.predictions())
    assert comparison.verdict == "first" and improved.evaluation.metrics["accuracy"] >= 0.905
    for bundle in (improved, plain):
        stored = bundle.predictions()
        temperature = calibration.fit_temperature(stored["validation_scores"], stored["validation_targets"])
        before, after = (
            classification.metrics(scores, stored["test_targets"])["ece"]
            for scores in (stored["test_scores"], calibration.apply_temperature(stored["test_scores"], temperature))
        )
        assert temperature > 1 and after < before / 2  # both are overconfident; temperature scaling corrects most of it
