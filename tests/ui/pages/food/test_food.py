"""Uploaded photos are predicted, flagged as uncertain, rejected or explained; sample drawings work without data."""

import io
import json
import time

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from dlcore import runs
from dlcore.evaluation.abstention import AbstentionRule, describe_rule
from dlcore.ui.pages.food import predict as food_try
from dlcore.ui.pages.food import results as food_results
from dlcore.ui.widgets import run_cache


def panel(which: str, **state: str) -> AppTest:
    def draw(which: str) -> None:
        from dlcore import projects, runs
        from dlcore.ui.pages.food import explain as food_explain
        from dlcore.ui.pages.food import predict as food_try

        run = runs.open_run("reference:food/mobilenet_v2_frozen")
        show_panel = food_try.predict if which == "try" else food_explain.explain
        show_panel(projects.get("food"), run)

    app = AppTest.from_function(draw, args=(which,), default_timeout=60)
    for name, value in state.items():
        app.session_state[name.replace("_", "-")] = value
    return app.run()


def photo(seed: int = 0) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (80, 120, 3), dtype=np.uint8)).save(file, "JPEG")
    return file.getvalue()


def test_ten_sample_drawings_are_predicted_without_upload():
    app = panel("try")
    assert not app.exception and not app.error
    assert app.file_uploader[0].label.startswith("Drop a photo here")  # the drop zone is not a click away
    assert len(drawings := food_try._drawings()) == 10
    words = " ".join(part.value for part in [*app.markdown, *app.warning])
    assert "Predicted: **" in words or "possibly none of the 10 classes" in words
    text = " ".join(f"{part.value} {part.help}" for part in app.caption)
    assert "Predicted in" in text and "are flagged as uncertain" in text and "False flags on test" in text
    for index in range(1, 4):
        app.session_state[food_try.SAMPLE_KEY] = index
        app.run()
        assert not app.exception and not app.error
        assert app.session_state[food_try.LAST_PHOTO][0] == drawings[index].name


def test_good_and_bad_files_together_are_each_answered():
    app = panel("try", food_input=food_try.FILES)
    app.file_uploader[0].set_value([("a.jpg", photo(1), "image/jpeg")]).run()
    assert not app.exception and not app.error and any("Predicted in" in part.value for part in app.caption)
    app.file_uploader[0].set_value(
        [
            ("a.jpg", photo(1), "image/jpeg"),
            ("b.jpg", photo(2), "image/jpeg"),
            ("`x`.jpg", b"<html>", "image/jpeg"),
            ("none.png", b"", "image/png"),
        ]
    ).run()
    assert not app.exception
    assert [error.value.count("\n") for error in app.error] == [0, 0]
    assert r"\`x\`.jpg: this is not an image" in app.error[0].value and "zero bytes" in app.error[1].value
    assert len(next(box for box in app.selectbox if box.label == "Photo").options) == 2


@pytest.mark.parametrize("name", ["photo.jfif", "photo.jpe", "photo", "photo.txt"])
def test_case_23_the_content_of_a_photo_decides_not_its_name(name):
    app = panel("try", food_input=food_try.FILES)
    assert list(app.file_uploader[0].proto.type) == []  # any ending
    app.file_uploader[0].set_value([(name, photo(1), "application/octet-stream")]).run()
    assert not app.exception and not app.error and any("Predicted in" in part.value for part in app.caption)


def test_uploaded_photos_stay_when_another_source_is_shown():
    app = panel("try", food_input=food_try.FILES)
    app.file_uploader[0].set_value([("a.jpg", photo(1), "image/jpeg"), ("b.jpg", photo(2), "image/jpeg")]).run()
    app.session_state["food-input"] = food_try.CAMERA
    app.run()
    assert not app.get("file_uploader")
    app.session_state["food-input"] = food_try.FILES
    app.run()
    assert len(next(box for box in app.selectbox if box.label == "Photo").options) == 2
    app.button(key="food-uploads-remove").click().run()
    assert not app.exception and "Photo" not in [box.label for box in app.selectbox]


def test_a_sample_is_shown_after_an_upload_until_the_next_upload():
    app = panel("try")
    app.file_uploader[0].set_value([("a.jpg", photo(1), "image/jpeg")]).run()
    assert app.session_state[food_try.LAST_PHOTO][0] == "a.jpg"
    app.session_state[food_try.SAMPLE_KEY] = 2
    app.run()
    assert app.session_state[food_try.LAST_PHOTO][0] == food_try._drawings()[2].name
    app.file_uploader[0].set_value([("b.jpg", photo(2), "image/jpeg")]).run()
    assert app.session_state[food_try.LAST_PHOTO][0] == "b.jpg"


@pytest.mark.realdata("food101_ten")
def test_samples_are_test_photos_with_their_stored_predictions_where_the_dataset_is():
    bundle = runs.open_run("reference:food/mobilenet_v2_frozen").finished_bundle
    app = panel("try")
    assert not app.exception and not app.error
    stored = run_cache.predictions(bundle)
    row = int(np.flatnonzero(stored["test_targets"] == 0)[0])
    answer = run_cache.stored_prediction(bundle, row)
    words = " ".join(part.value for part in [*app.markdown, *app.warning])
    assert food_try.class_title(answer["label"]) in words and "Actual: “apple pie”" in words


def test_a_drawing_is_explained_without_any_data():
    key = "explained-how-gradients-occlusion-cam"  # the quickest of the three
    app = panel("explain", food_explained="The photo under Predict", **{key: "cam"})
    assert not app.exception and not app.error
    text = " ".join(part.value for part in [*app.markdown, *app.caption])
    assert "Grad-CAM" in text and "over the pixels" in text


def test_rule_description_has_the_false_flag_rate():
    words = describe_rule(AbstentionRule(0.5, 0.4, 0.05, 0.035, 0.02, 0.06, 400))
    assert "3.5 % [2.0, 6.0] of 400" in words and "5.0 % of validation" in words and "below 40 %" in words


def test_the_learning_curve_is_drawn_from_what_was_measured():
    rows = json.loads(food_results.TABLE.read_text())
    assert {row["start"] for row in rows} <= set(food_results.NAMES)
    assert all(row["accuracy_low"] < row["accuracy"] < row["accuracy_high"] and row["command"] for row in rows)

    def draw() -> None:
        import json

        from dlcore.ui.pages.food import results as food_results

        food_results._curve(json.loads(food_results.TABLE.read_text()))

    app = AppTest.from_function(draw, default_timeout=30).run()
    assert not app.exception and "food_curve.py" in app.caption[0].value


def test_backbones_are_compared_by_accuracy_compute_size_and_latency():
    def draw() -> None:
        from dlcore import projects
        from dlcore.ui.pages.food import results as food_results

        point = {"seed": 0, "accuracy_low": 0.7, "accuracy_high": 0.9}
        rows = [
            {
                "backbone": name,
                "n": 1000,
                "multiply_adds": adds,
                "parameters": 4_000_000,
                "latency_ms": 21.4,
                "imagenet": 0.75,
                "processor": "a processor",
                "curve": [{"each": 35, "accuracy": 0.71, **point}, {"each": 350, "accuracy": accuracy, **point}],
            }
            for name, adds, accuracy in (("mobilenet_v2", 4e8, 0.8), ("efficientnet_lite1", 8e8, 0.85))
        ]
        food_results._backbones(projects.get("food"), rows)

    app = AppTest.from_function(draw, default_timeout=30).run()
    assert not app.exception and "food_backbones.py" in app.caption[0].value
    table = app.dataframe[0].value
    assert table["Network"].tolist() == ["MobileNetV2", "EfficientNet-Lite1"]
    assert table["Accuracy"].tolist()[1].startswith("85") and table["Latency"].tolist()[0] == "21 ms"


@pytest.mark.realdata("food101_mini")
@pytest.mark.parametrize(
    ("model", "caption"),
    [("mobilenet_v2", "Each epoch uses another random version"), ("mobilenet_v2_frozen", "Only the head")],
)
def test_data_shows_weights_and_augmentation(model, caption):
    def draw(model: str) -> None:
        from dlcore import projects
        from dlcore.ui.pages.food import data as food_data

        food_data._show_weights()
        food_data._show_augmentation(projects.configure("food", model=model, dataset="food101_mini"))

    app = AppTest.from_function(draw, args=(model,), default_timeout=60).run()
    assert not app.exception and not app.error
    assert any(caption in part.value for part in app.caption)
    assert app.dataframe[0].value["Network"].tolist()[0] == "mobilenet_v2"
    assert any(button.label == "Download" for button in app.button)


def test_seconds_of_a_prediction_leave_out_what_only_the_first_one_does(monkeypatch):
    passes = []

    def answer(model: object, payload: bytes) -> dict[str, object]:
        passes.append(payload)
        time.sleep(0.3 if len(passes) == 1 else 0)
        return {}

    monkeypatch.setattr(food_try.food, "answer", answer)
    monkeypatch.setattr(food_try.latency, "is_machine_in_use", lambda: False)
    food_try._warm_model.clear()
    food_try._predict.clear()
    prediction = food_try.predict_photo(runs.references("food")[0].finished_bundle, food_try.Photo("a", photo()))
    food_try._warm_model.clear()
    food_try._predict.clear()
    assert len(passes) == 2 and 0 < prediction.seconds < 0.2
