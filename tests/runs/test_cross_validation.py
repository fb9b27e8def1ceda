"""Cross-validation of small classification datasets."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from dlcore import projects, runs
from dlcore.data.custom.importers import add_file
from dlcore.data.stratify import stratified_folds
from dlcore.projects import quick
from dlcore.runs import cross_validation

pytestmark = pytest.mark.usefixtures("home")
FAST = {"epochs": 1, "vectors": "none", "length": 8, "vocabulary": 100}


def text_config(tmp_path, rows=80, **settings):
    random, names = np.random.default_rng(0), ("good", "bad")
    texts = [f"a {names[i % 2]} film {' '.join(random.choice(list('abcdefgh'), 3))} {i}" for i in range(rows)]
    file = tmp_path / "films.csv"
    pd.DataFrame({"text": texts, "label": [f"{names[i % 2]} one" for i in range(rows)]}).to_csv(file, index=False)
    add_file("films", file, kind="text", repair="default")
    return projects.configure(
        "reviews_lstm", model="base_lstm", dataset="films", preset="quick", device="cpu", settings={**FAST, **settings}
    )


@pytest.mark.parametrize("limit", [0.0, 1000.0])
def test_baselines_are_always_cross_validated_and_the_network_if_it_is_quick(limit, tmp_path, monkeypatch):
    monkeypatch.setattr(cross_validation, "NETWORK_SECONDS", limit)
    config = text_config(tmp_path, folds=3)
    runs.train_here(config, tmp_path / "bundle")
    bundle = runs.Bundle(tmp_path / "bundle")
    metrics, baseline = bundle.evaluation.metrics, bundle.evaluation.baselines["tfidf_logistic_regression"]
    assert baseline["accuracy_cv"] == 1.0 and baseline["accuracy_cv_low"] > 0.95  # over all 80 texts
    assert baseline["accuracy_cv_low"] > baseline["accuracy_low"]  # 16 test texts say less
    majority = bundle.evaluation.baselines["majority"]["accuracy_cv"]
    assert majority == pytest.approx(0.5, abs=0.05)
    assert ("accuracy_cv" in metrics) == (limit > 0)
    assert "in 3-fold cross-validation" in bundle.evaluation.verdict
    assert ("this network" in bundle.evaluation.verdict) == (limit > 0)
    assert "Accuracy, cross-validated" in bundle.card or limit == 0


def test_small_custom_datasets_are_cross_validated_by_default(tmp_path):
    config = text_config(tmp_path)
    assert config.flat["folds"] == quick.FOLDS and cross_validation.fold_count(config) == 5
    assert cross_validation.fold_count(projects.with_settings(config, {"folds": 0})) == 0
    assert cross_validation.fold_count(projects.with_settings(config, {"fold": 2})) == 0
    assert projects.configure("reviews_lstm", preset="quick").flat["folds"] == 0


def test_folds_of_a_model_are_no_cross_validation(tmp_path):
    """The calendar autoencoder trains a network for each of its folds; a series has no accuracy to validate."""
    file = tmp_path / "load.csv"
    times = pd.date_range("2021-01-01", periods=400, freq="1h").astype(str)
    pd.DataFrame({"time": times, "load": np.sin(np.arange(400) / 4)}).to_csv(file, index=False)
    add_file("load", file, repair="default")
    config = projects.configure("anomaly", model="calendar", dataset="load", preset="quick")
    assert config.flat["folds"] > 1 and cross_validation.fold_count(config) == 0


@pytest.mark.parametrize(("project", "model"), [("anomaly", "dense_32"), ("forecast", "improved")])
def test_a_year_of_weeks_can_be_trained_on(project, model, tmp_path):
    file = tmp_path / "weeks.csv"
    times = pd.date_range("2021-01-04", periods=52, freq="7D").astype(str)
    pd.DataFrame({"week": times, "sales": 100 + 9 * np.sin(np.arange(52))}).to_csv(file, index=False)
    add_file("weeks", file, repair="default")
    config = projects.configure(
        project, model=model, dataset="weeks", preset="quick", device="cpu", settings={"epochs": 2}
    )
    runs.train_here(config, tmp_path / "bundle")
    evaluation = runs.Bundle(tmp_path / "bundle").evaluation
    assert evaluation.metrics and evaluation.baselines


def test_folds_of_texts_share_no_text_and_cover_all(tmp_path):
    config = text_config(tmp_path)
    project, tested = projects.get("reviews_lstm"), []
    for fold in range(1, 6):
        prepared = project.prepare(projects.with_settings(config, {"fold": fold}))
        parts = [set(prepared.split(name).ids.tolist()) for name in ("train", "validation", "test")]
        assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]
        assert len(set.union(*parts)) == 80
        tested += prepared.test.ids.tolist()
    assert sorted(tested) == list(range(80))


@pytest.mark.parametrize(("slug", "model"), [("architectures", "resnet18"), ("food", "mobilenet_v2_scratch")])
def test_folds_of_images_leave_the_test_part_alone(slug, model, tmp_path):
    random = np.random.default_rng(0)
    for name in ("red", "blue"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(20):
            pixels = random.integers(0, 255, (32, 32, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{number}.png")
    add_file("photos", tmp_path / "photos", kind="images", repair="default")
    config = projects.configure(slug, model=model, dataset="photos", preset="quick", device="cpu")
    project = projects.get(slug)
    assert cross_validation.fold_count(config) == quick.FOLDS
    usual = project.prepare(config)
    rows = {*usual.train.ids.tolist(), *usual.validation.ids.tolist()}
    tested = []
    for fold in range(1, 6):
        fold_config = projects.with_settings(config, {"fold": fold})
        prepared = project.prepare(fold_config)
        majority = int(prepared.train.targets.mode().values)
        share = float((prepared.test.targets == majority).float().mean())
        assert project.baselines(prepared, fold_config)["majority"]["accuracy"] == pytest.approx(share)
        parts = [set(prepared.split(name).ids.tolist()) for name in ("train", "validation", "test")]
        assert not parts[2] & (parts[0] | parts[1]) and set.union(*parts) == rows
        tested += prepared.test.ids.tolist()
    assert sorted(tested) == sorted(rows)


@pytest.mark.parametrize("folds", [2, 5])
def test_every_fold_has_every_class(folds):
    labels = np.repeat([0, 1, 2], [50, 20, 5])
    numbers = stratified_folds(labels, folds)
    sizes = np.array(
        [[((numbers == fold) & (labels == label)).sum() for label in range(3)] for fold in range(1, folds + 1)]
    )
    assert (np.ptp(sizes, axis=0) <= 1).all() and np.ptp(sizes.sum(axis=1)) <= 2 and sizes.min() >= 1
