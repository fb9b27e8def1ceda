"""Page, command line and Python give the same prediction for the same input, uncertain flag included."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dlcore import projects, runs
from dlcore.cli import main
from dlcore.core import settings
from dlcore.core.errors import DataError, RequestError
from dlcore.data.images.uploads import Photo
from dlcore.ui.modalities import predict as predict_panel
from dlcore.ui.pages.food import predict as food_page
from dlcore.ui.widgets import run_cache

FOOD, REVIEWS, TAXI = (
    "reference:food/mobilenet_v2_frozen",
    "reference:reviews_lstm/base_lstm",
    "reference:anomaly/dense_32",
)
TEXTS = (
    "I laughed, I cried, and I would gladly pay to see it again.",
    "A dull and lifeless film.",
    "not bad",
    "good",
    "The plot is thin, but the actors are wonderful and the ending moved me.",
    "Two hours of my life that I will never get back.",
    "It is a film.",
    "bad good bad good",
    "An unforgettable masterpiece of quiet power!",
    "I do not know what to think of it, some scenes work and others do not.",
)


def noise(seed: int) -> bytes:
    """A photo-like PNG of random blocks."""
    generator = np.random.default_rng(seed)
    blocks = Image.fromarray(generator.integers(0, 256, (6 + seed, 8, 3), dtype=np.uint8))
    file = io.BytesIO()
    blocks.resize((320, 240), Image.Resampling.BICUBIC).save(file, "PNG")
    return file.getvalue()


PHOTOS = [path.read_bytes() for path in sorted((settings.ASSETS / "samples" / "food").glob("*.png"))]
PHOTOS += [noise(seed) for seed in range(5)]


def series_csv(seed: int) -> bytes:
    """Half-hourly counts of five days with a daily seasonality, noise and a jump."""
    generator = np.random.default_rng(seed)
    hours = np.arange(240) / 2
    values = 12_000 + 6_000 * np.sin(hours / 24 * 2 * np.pi) + generator.normal(0, 500, 240)
    values[100 + seed : 110 + seed] += 1_000 * seed
    start = np.datetime64("2015-03-01T00:00")
    rows = [f"{start + np.timedelta64(30 * i, 'm')},{value:.0f}" for i, value in enumerate(values)]
    return "\n".join(["timestamp,value", *rows]).encode()


def command_line(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main([*arguments, "--json"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def assert_same(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Equal keys and flags, numbers equal to 1e-6."""
    assert set(first) - {"run_id"} == set(second) - {"run_id"}
    for name in set(first) - {"run_id"}:
        assert first[name] == pytest.approx(second[name], abs=1e-6), name


@pytest.mark.parametrize("number", range(len(PHOTOS)))
def test_photo_is_predicted_equally_everywhere(number: int, capsys, tmp_path: Path) -> None:
    run, path = runs.open_run(FOOD), tmp_path / "photo.png"
    path.write_bytes(PHOTOS[number])
    python = run.predict(path)
    assert_same(python, command_line(capsys, "predict", FOOD, "--input", str(path)))
    assert_same(python, food_page.predict_photo(run.finished_bundle, Photo("photo.png", PHOTOS[number])).answer)
    rule = run.finished_bundle.calibration
    assert set(python["measures"]) == {"distance"} == set(rule.limits)
    assert tuple(python["reasons"]) == rule.reasons(python["probability"], python["measures"])
    assert python["uncertain"] == bool(python["reasons"])
    assert python["temperature"] == rule.temperature


def test_drawings_and_noise_are_unlike_the_training_photos() -> None:
    run = runs.open_run(FOOD)
    assert all("distance" in run.predict(photo)["reasons"] for photo in PHOTOS)
    stored = run.finished_bundle.predictions()["test_reasons"]  # of photos of its classes
    assert 0.02 < (stored > 0).mean() < 0.08


@pytest.mark.parametrize("text", TEXTS)
def test_text_is_predicted_equally_everywhere(text: str, capsys) -> None:
    run = runs.open_run(REVIEWS)
    python = run.predict(text)
    assert_same(python, command_line(capsys, "predict", REVIEWS, "--text", text))
    page = predict_panel.predict_payload(projects.get("reviews_lstm"), run.finished_bundle, text.encode())
    assert page is not None
    assert_same(python, page)
    raw = python["label"] == run.finished_bundle.labels[1]
    assert raw == (python["probabilities"][run.finished_bundle.labels[1]] >= python["calibrated_threshold"])


@pytest.mark.parametrize("seed", range(10))
def test_csv_rows_are_scored_equally_everywhere(seed: int, capsys, tmp_path: Path) -> None:
    run, path = runs.open_run(TAXI), tmp_path / "rows.csv"
    path.write_bytes(series_csv(seed))
    python = run.predict(path)
    assert_same(python, command_line(capsys, "predict", TAXI, "--input", str(path)))
    assert_same(python, projects.get("anomaly").answer(run_cache.load_model(run.finished_bundle), path.read_bytes()))


def test_stored_test_predictions_are_shown_as_predict_returns_them() -> None:
    """The Predict panel shows a test sample's stored probabilities by the same rule."""
    bundle = runs.open_run(REVIEWS).finished_bundle
    classes = run_cache.predicted_classes(bundle, run_cache.predictions(bundle)["test_scores"][:500])
    predicted = [run_cache.stored_prediction(bundle, row) for row in range(500)]
    assert [prediction["label"] for prediction in predicted] == [bundle.labels[number] for number in classes]
    assert {"label", "probability", "probabilities", "uncertain", "temperature"} <= set(predicted[0])


def test_onnx_card_and_graph_name_the_same_temperature() -> None:
    from dlcore.runs import onnx_export

    bundle = runs.open_run(FOOD).finished_bundle
    loaded = bundle.load()
    assert float(onnx_export._facts(bundle, loaded)["temperature"]) == bundle.calibration.temperature


def test_path_file_name_and_bytes_are_the_same_source(tmp_path: Path) -> None:
    run, path = runs.open_run(REVIEWS), tmp_path / "review.txt"
    path.write_text(TEXTS[0])
    assert run.predict(path) == run.predict(str(path)) == run.predict(TEXTS[0].encode()) == run.predict(TEXTS[0])


def test_image_project_rejects_text(tmp_path: Path) -> None:
    run = runs.open_run(FOOD)
    with pytest.raises(RequestError, match="is not a file"):
        run.predict("apple pie")
    with pytest.raises(RequestError, match="is not a file"):
        run.predict("x" * 5000)
    with pytest.raises(DataError, match="No such file"):
        run.predict(tmp_path / "missing.png")


def test_predict_needs_exactly_one_input(capsys) -> None:
    for arguments in ([], ["--text", "a", "--input", "b"]):
        assert main(["predict", REVIEWS, *arguments]) == 2
        assert "--input FILE" in capsys.readouterr().err


def test_bundle_without_the_file_is_calibrated_from_its_predictions(tmp_path: Path) -> None:
    import shutil

    bundle = runs.open_run(FOOD).finished_bundle
    shutil.copytree(bundle.folder, tmp_path / "copy")
    (tmp_path / "copy" / "calibration.json").unlink()
    fitted = runs.Bundle(tmp_path / "copy").calibration
    assert fitted.temperature == pytest.approx(bundle.calibration.temperature, abs=1e-9)
    assert fitted.threshold > bundle.calibration.threshold and not fitted.limits  # the probability alone flags 5 %
    (tmp_path / "copy" / "calibration.json").write_text('{"temperature": -1}')
    from dlcore.core.errors import RunError
    from dlcore.runs.bundle.inspection import validate_bundle

    with pytest.raises(RunError, match=r"calibration\.json"):
        validate_bundle(tmp_path / "copy")


@pytest.mark.parametrize("path", sorted((settings.ASSETS / "runs").glob("*/*/run.json")), ids=lambda p: p.parent.name)
def test_every_reference_classifier_stores_its_calibration(path: Path) -> None:
    from dlcore.evaluation.abstention import fit_from_predictions

    bundle = runs.Bundle(path.parent)
    stored = bundle.predictions()
    fitted = fit_from_predictions(stored, classes=len(bundle.labels))
    assert (path.parent / "calibration.json").exists() == (fitted is not None)
    if fitted is not None:
        rule = bundle.calibration
        assert rule.temperature == pytest.approx(fitted.temperature, abs=1e-6)
        assert rule.threshold <= fitted.threshold + 1e-6  # the other limits use a part of the 5 %
        if rule.limits:
            assert (stored["test_reasons"] > 0).mean() == pytest.approx(rule.false_flag_rate, abs=1e-9)
        assert rule.flagged_share <= 0.053  # a step of 120 samples


@pytest.mark.parametrize(
    ("reference", "source", "checks"),
    [
        (FOOD, PHOTOS[0], 3),
        (REVIEWS, TEXTS[4].encode(), 4),
        (TAXI, series_csv(9), 2),
    ],
)
def test_every_modality_is_explained_by_run_and_command_line(reference, source, checks, capsys, tmp_path) -> None:
    path = tmp_path / "input"
    path.write_bytes(source)
    result = runs.open_run(reference).explain(path)
    document = command_line(capsys, "explain", reference, "--input", str(path))
    assert {"method", "methods", "target", "summary", "contributions", "checks"} <= set(document)
    assert len(result["checks"]) == checks and result["target"] == document["target"]
    first, second = (np.array([row["value"] for row in each["contributions"]]) for each in (result, document))
    np.testing.assert_allclose(first, second, rtol=1e-4, atol=1e-6)
    assert main(["explain", reference, "--input", str(path)]) == 0
    captured = capsys.readouterr()
    assert result["summary"] in captured.err and result["checks"][-1]["name"] in captured.out


def test_unavailable_explanation_is_rejected_in_one_line() -> None:
    with pytest.raises(RequestError, match="offers no explanation"):
        runs.open_run("reference:seq2seq/sorting").explain("abc")
    with pytest.raises(RequestError, match="no method 'magic' here: choose"):
        runs.open_run(REVIEWS).explain("a good film", method="magic")
    with pytest.raises(RequestError, match="no class 'neutral' here: choose negative, positive"):
        runs.open_run(REVIEWS).explain("a good film", target="neutral")
