"""Baselines that are stored with a run and predict instead of the network."""

import io
import json
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from dlcore import cli, projects, runs
from dlcore.core.errors import DataError, RequestError, RunError
from dlcore.data.custom.importers import add_file
from dlcore.evaluation.linear import TfidfRegression
from dlcore.projects.vision import images
from dlcore.runs import inference
from dlcore.runs.bundle import inspection

pytestmark = pytest.mark.usefixtures("home")
WORDS = {"billing": "invoice refund card", "shipping": "parcel courier late", "account": "password login email"}
CALIBRATED = {"threshold", "calibrated_threshold"}
"""Keys of the answer of a calibrated network only."""
FAST = {"epochs": 1, "vectors": "none", "length": 8, "vocabulary": 100}


def text_csv(tmp_path, labels=("billing", "shipping", "account"), rows=90):
    random = np.random.default_rng(0)
    rows = [
        (
            f"my {' '.join(random.permutation(WORDS[labels[i % len(labels)]].split())[:2])} please",
            labels[i % len(labels)],
        )
        for i in range(rows)
    ]
    file = tmp_path / "tickets.csv"
    pd.DataFrame(
        [(f"{text} {number}", label) for number, (text, label) in enumerate(rows)], columns=["text", "label"]
    ).to_csv(file, index=False)
    return file


@pytest.fixture
def trained(tmp_path):
    """A run on custom texts after one epoch, which its baseline beats."""
    add_file("tickets", text_csv(tmp_path), kind="text", repair="default")
    config = projects.configure(
        "reviews_lstm", model="base_lstm", dataset="tickets", preset="quick", device="cpu", settings=FAST
    )
    runs.train_here(config, tmp_path / "bundle")
    return runs.import_run(tmp_path / "bundle").run_id


def test_a_text_run_that_is_beaten_offers_its_baseline(trained, capsys):
    run = runs.open_run(trained)
    evaluation = run.finished_bundle.evaluation
    assert evaluation.baselines["tfidf_logistic_regression"]["accuracy"] == 1.0
    assert "--baseline tfidf_logistic_regression" in evaluation.verdict and "--baseline" in run.finished_bundle.card
    answer = run.predict("my parcel is late", baseline="tfidf_logistic_regression")
    assert answer["label"] == "shipping" and sum(answer["probabilities"].values()) == pytest.approx(1.0)
    assert set(run.predict("my parcel is late")) >= set(answer) - CALIBRATED
    words = ["predict", trained, "--text", "card refund", "--baseline", "tfidf_logistic_regression", "--json"]
    assert cli.main(words) == 0 and json.loads(capsys.readouterr().out)["label"] == "billing"
    with pytest.raises(RequestError, match="no baseline 'majority' that can predict: it has tfidf_logistic_regression"):
        run.predict("late", baseline="majority")


def test_a_damaged_or_foreign_baseline_is_rejected(trained, tmp_path):
    folder = runs.open_run(trained).finished_bundle.folder
    arrays = dict(np.load(folder / "baselines.npz"))
    np.savez(folder / "baselines.npz", **{**arrays, "tfidf_logistic_regression.weights": np.zeros((2, 2))})
    with pytest.raises(DataError, match="the stored baseline is damaged"):
        runs.open_run(trained).predict("late parcel", baseline="tfidf_logistic_regression")
    np.savez(folder / "baselines.npz", **arrays, **{"../escape": np.zeros(1)})
    with pytest.raises(RunError, match="not an array of a bundle"):
        inspection.validate_bundle(folder)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_stored_text_baseline_gives_the_measured_probabilities(classes):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(1)
    texts = [" ".join(random.choice(list("abcdefgh"), 6) + random.choice(list("xy"), 6)) for _ in range(60)]
    targets = random.integers(0, classes, 60)
    fitted = TfidfRegression.fit(texts, targets, classes=classes)
    restored = TfidfRegression.from_arrays(fitted.as_arrays())
    vectorizer = TfidfVectorizer(sublinear_tf=True, min_df=2, max_features=50_000, dtype=np.float32)
    model = LogisticRegression(C=4.0, max_iter=100).fit(vectorizer.fit_transform(texts), targets)
    np.testing.assert_allclose(restored.predict(texts), model.predict_proba(vectorizer.transform(texts)), atol=1e-5)
    one_class = TfidfRegression.fit(texts, np.ones(60, int), classes=classes)
    np.testing.assert_allclose(one_class.predict(texts[:3])[:, 1], 1.0)


def test_an_image_run_predicts_with_logistic_regression(tmp_path):
    random = np.random.default_rng(0)
    with zipfile.ZipFile(tmp_path / "shades.zip", "w") as archive:
        for number in range(60):
            pixels = random.integers(0, 60, (40, 40, 3)) + 120 * (number % 2)
            buffer = io.BytesIO()
            Image.fromarray(pixels.astype(np.uint8)).save(buffer, "PNG")
            archive.writestr(f"{('dark', 'light')[number % 2]}/{number}.png", buffer.getvalue())
    add_file("shades", tmp_path / "shades.zip", kind="images", repair="default")
    settings = {"epochs": 1, "side": 32, "width": 8}
    config = projects.configure("architectures", dataset="shades", preset="quick", device="cpu", settings=settings)
    runs.train_here(config, tmp_path / "bundle")
    bundle = runs.Bundle(tmp_path / "bundle")
    answer = inference.predict(bundle, buffer.getvalue(), baseline="logistic_regression")
    assert answer["label"] == "light" and set(inference.predict(bundle, buffer.getvalue())) >= set(answer) - CALIBRATED
    damaged = bundle.baselines()["logistic_regression"] | {"weights": np.zeros((2, 3))}
    with pytest.raises(DataError, match="damaged"):
        images.answer_with_logistic_regression(bundle.load(), damaged, buffer.getvalue())


@pytest.mark.parametrize("name", ["ridge", "persistence"])
def test_a_table_run_predicts_with_ridge_and_the_last_value(name, tmp_path):
    hours = np.arange(500)
    table = pd.DataFrame({"time": pd.date_range("2021-01-04", periods=500, freq="1h")})
    table["a"] = 10 + np.sin(2 * np.pi * hours / 24)
    table["b"] = 5 + np.cos(2 * np.pi * hours / 24)
    file = tmp_path / "sensors.csv"
    table.to_csv(file, index=False)
    add_file("sensors", file, kind="table", repair="default")
    config = projects.configure(
        "forecast", dataset="sensors", preset="quick", device="cpu", settings={"epochs": 1, "horizon": 2}
    )
    runs.train_here(config, tmp_path / "bundle")
    bundle = runs.Bundle(tmp_path / "bundle")
    assert set(bundle.baselines()) == {"ridge", "persistence"}
    payload = table.iloc[:100].to_csv(index=False).encode()
    forecast = inference.predict(bundle, payload, baseline=name)["forecast"]
    expected = table.iloc[100:102] if name == "ridge" else table.iloc[[99, 99]]
    for column in ("a", "b"):
        np.testing.assert_allclose(forecast[column], expected[column], atol=0.05 if name == "ridge" else 1e-9)
