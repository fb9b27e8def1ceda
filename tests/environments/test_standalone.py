"""The scripts of an export reach the figure of their run where dlcore is not installed."""

import json
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest

from dlcore import projects, runs
from dlcore.core.errors import DataMissingError
from dlcore.runs.standalone import archive, script

pytestmark = pytest.mark.environments

CASES = {
    "anomaly": ("anomaly", "conv", None, {"epochs": 2}, "auc_pr"),
    "fashion": ("fashion", "improved", "digits", {"epochs": 3}, "accuracy"),
    "vit": ("vit", "vit", "digits", {"epochs": 1}, "accuracy"),
    "questions": (
        "questions",
        "gru",
        "template_questions",
        {"epochs": 2, "hidden": 16, "vectors": "none"},
        "accuracy",
    ),
    "reviews_lstm": (
        "reviews_lstm",
        "base_lstm",
        "movie_reviews",
        {"epochs": 1, "rows": 600, "length": 40, "hidden": 16, "tokens": "byte_pair"},
        "accuracy",
    ),
    "forecast": ("forecast", "lstm", "air_quality", {"epochs": 1, "units": 16}, "r2_mean"),
}
"""Name -> project, model, dataset, settings, figure: with training script, notebook and prediction script."""
TRAINED = {
    "calendar": ("anomaly", "calendar", None, {"epochs": 2, "seeds": 1}, "auc_pr"),
    "blend": ("forecast", "blend", "air_quality", {"epochs": 1, "units": 8}, "r2_mean"),
    "seq2seq": ("seq2seq", "transformer", "sorting", {"epochs": 2, "train_rows": 4000, "longest": 6}, "exact_match"),
    "bert": ("bert", "head", "trec6", {"epochs": 8}, "accuracy"),
    "bert_fine_tuned": ("bert", "last_layers", "trec6", {"epochs": 1, "rows": 200, "train_rows": 100}, "accuracy"),
    "food_frozen": ("food", "mobilenet_v2_frozen", "food101_mini", {"epochs": 5, "side": 64}, "accuracy"),
    "food": (
        "food",
        "mobilenet_v2",
        "food101_mini",
        {"epochs": 1, "side": 64, "train_side": 64, "blocks": 1},
        "accuracy",
    ),
}
"""With a training script that tests run."""
RUN_CELLS = """
import __future__, json
space = {"__name__": "__main__"}
for cell in json.load(open("cells.json")):
    exec(compile(cell, "cell", "exec", __future__.annotations.compiler_flag), space)
"""
SAMPLES = 200
"""Test samples that `predict.py` answers."""


@pytest.fixture(scope="module")
def exported(request, tmp_path_factory):
    """A quick run of one project, exported and unpacked."""
    project, model, dataset, settings, figure = {**CASES, **TRAINED}[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    dataset_setting = {"dataset": dataset} if dataset else {}
    config = projects.configure(
        project, model=model, preset="quick", settings=settings, device="cpu", **dataset_setting
    )
    try:
        runs.train_here(config, folder / "bundle")
    except DataMissingError as error:
        pytest.skip(str(error))
    bundle = runs.Bundle(folder / "bundle")
    with pytest.MonkeyPatch.context() as patch:
        run = SimpleNamespace(finished_bundle=bundle, record=bundle.record)
        patch.setattr(archive, "open_run", lambda ref: run)
        report = archive.export_standalone("mine", folder / "run.zip")
    with zipfile.ZipFile(report["path"]) as packed:
        packed.extractall(folder / "files")
    return SimpleNamespace(bundle=bundle, folder=folder / "files", figure=figure, report=report, name=project)


def assert_reaches_figure(exported, value):
    metrics = exported.bundle.evaluation.metrics
    low, high = metrics[f"{exported.figure}_low"], metrics[f"{exported.figure}_high"]
    assert low <= value <= high


def read_figure(exported, output):
    return float(next(line.split()[1] for line in output.splitlines() if line.startswith(f"{exported.figure} ")))


@pytest.mark.parametrize("exported", [*CASES, *TRAINED], indirect=True)
def test_training_script(exported, plain_python):
    text = (exported.folder / "train.py").read_text(encoding="utf-8")
    assert text.count("\n") <= script.MOST_LINES and "import dlcore" not in text and "from dlcore" not in text
    assert_reaches_figure(exported, read_figure(exported, plain_python(["train.py", "data.npz"], exported.folder)))


@pytest.mark.parametrize("exported", CASES, indirect=True)
def test_notebook(exported, plain_python):
    notebook = json.loads((exported.folder / "train.ipynb").read_text(encoding="utf-8"))
    kinds = [cell["cell_type"] for cell in notebook["cells"]]
    assert kinds == ["markdown", "code"] * (len(kinds) // 2) and all(
        cell["source"].strip() for cell in notebook["cells"]
    )
    cells = [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    (exported.folder / "cells.json").write_text(json.dumps(cells), encoding="utf-8")
    assert_reaches_figure(exported, read_figure(exported, plain_python(["-c", RUN_CELLS], exported.folder)))


@pytest.mark.parametrize("exported", CASES, indirect=True)
def test_prediction_script(exported, plain_python):
    prepared = projects.get(exported.name).prepare(exported.bundle.config)
    project, loaded = projects.get(exported.name), exported.bundle.load()
    if exported.name == "anomaly":
        series, start = prepared.source["series"], prepared.source["spans"]["test"].start
        lines = [
            f"{time},{value!r}"
            for time, value in zip(series.times.astype("M8[ms]"), series.values.tolist(), strict=True)
        ]
        payload = "\n".join(["time,value", *lines]) + "\n"
        (exported.folder / "series.csv").write_text(payload, encoding="utf-8")
        answer = json.loads(plain_python(["predict.py", "series.csv"], exported.folder))
        expected = project.answer(loaded, payload.encode())
        assert answer["alarm_rows"] == expected["alarm_rows"]
        assert answer["errors"] == pytest.approx(expected["errors"], abs=1e-5)
        from dlcore.evaluation import curves

        scores = np.array(answer["errors"])[start:]
        assert_reaches_figure(exported, float(curves.average_precision(scores, series.labels[start:].astype(bool))[0]))
        return
    if exported.name == "forecast":
        table = prepared.source["table"]
        rows = zip(table.times.astype("M8[ms]"), table.values.tolist(), strict=True)
        lines = [f"{time},{','.join('' if value != value else repr(value) for value in row)}" for time, row in rows]
        payload = "\n".join([",".join(["time", *table.names]), *lines[:600]]) + "\n"
        (exported.folder / "table.csv").write_text(payload, encoding="utf-8")
        answer = json.loads(plain_python(["predict.py", "table.csv"], exported.folder))
        expected = project.answer(loaded, payload.encode())
        assert answer["times"] == expected["times"]
        for name in table.names:
            assert answer["forecast"][name] == pytest.approx(expected["forecast"][name], rel=1e-4, abs=1e-4)
        return
    inputs, payloads = [], []
    for row in range(min(SAMPLES, len(prepared.test))):
        if "texts" in prepared.source:
            inputs.append(prepared.source["texts"]["test"][row])
            payloads.append(inputs[-1].encode())
        else:
            pixels = prepared.test.inputs[0][row].numpy()
            np.save(exported.folder / f"{row}.npy", pixels)
            inputs.append(f"{row}.npy")
            payloads.append(encode_png(pixels))
    (exported.folder / "inputs.json").write_text(json.dumps(inputs), encoding="utf-8")
    runner = (
        "import json, predict; print(json.dumps([predict.predict(each) for each in json.load(open('inputs.json'))]))"
    )
    answers = json.loads(plain_python(["-c", runner], exported.folder))
    for answer, payload in list(zip(answers, payloads, strict=True))[:40]:
        expected = project.answer(loaded, payload)
        assert {"temperature", "prediction_set"} <= set(answer) <= set(expected)
        assert answer["label"] == expected["label"] and answer["prediction_set"] == expected["prediction_set"]
        assert answer["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-4)
        for name in set(answer) & {"probability", "temperature", "threshold", "calibrated_threshold"}:
            assert answer[name] == pytest.approx(expected[name], abs=1e-4)
        if expected["reasons"] in ([], ["probability"]):  # the script does not compare an input with the training data
            assert answer["uncertain"] == expected["uncertain"]
    actual = [exported.bundle.labels[number] for number in prepared.test.targets[: len(answers)].tolist()]
    accuracy = float(np.mean([answer["label"] == label for answer, label in zip(answers, actual, strict=True)]))
    scores = exported.bundle.predictions()["test_scores"][: len(answers)]
    threshold = exported.bundle.threshold
    predicted = scores.argmax(axis=1) if threshold is None else scores[:, 1] >= threshold
    assert accuracy == pytest.approx(
        float((predicted == prepared.test.targets[: len(answers)].numpy()).mean()), abs=0.011
    )


def encode_png(pixels):
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
