"""Models that answer inside a report: equal to torch from the same raw input, offline, in a real browser."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("playwright")
from PIL import Image

from dlcore import projects, runs
from dlcore.core.errors import WorkbenchError
from dlcore.core.settings import ASSETS
from dlcore.data.images import images, thumbnails
from dlcore.data.text.corpora import general_english
from dlcore.projects.vision.images import read_model_image
from dlcore.runs.report.document import write_report

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
TOLERANCE = 1e-4
MODEL = "document.querySelector('[data-kind=model]').dlcoreModel"
STRANGE = (
    "ΟΔΥΣΣΕΥΣ naïve ﬁne 42½ don't rock’n’roll?!",
    "<b>Who</b> wrote &quot;Hamlet&quot; &amp; why<br/>now?",
    "What is 漢字 and H<sub>2</sub>O, e-mail or İstanbul​?",
    "How far is it from Denver to " + "x" * 120 + " miles?",
)


@pytest.fixture
def model(chromium, runtime, tmp_path):
    """Open the report of a reference run offline; answer many raw inputs in it."""
    context = chromium.new_context(offline=True)
    page, events = context.new_page(), []
    page.set_default_timeout(200_000)
    page.on("request", lambda request: events.append(request.url))
    page.on("console", lambda message: events.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: events.append(str(error)))

    def ask(ref: str, payloads: list[bytes], *, function: str = "answer", read: str = "new TextDecoder().decode(b)"):
        address = write_report([f"reference:{ref}"], tmp_path / "report.html", runtime=runtime).as_uri()
        page.goto(address)
        page.locator("html[data-drawn]").wait_for()
        plain = "(v) => JSON.parse(JSON.stringify(v, (_, x) => ArrayBuffer.isView(x) ? Array.from(x) : x))"
        script = (
            "async (list) => { const out = []; for (const text of list) {"
            " const b = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));"
            f" out.push(({plain})(await {MODEL}.{function}({read}))); }} return out; }}"
        )
        answers = page.evaluate(script, [base64.b64encode(each).decode() for each in payloads])
        assert events == [address]
        return answers

    yield ask
    context.close()


def load(ref: str):
    loaded = runs.open_run(f"reference:{ref}").finished_bundle.load()
    return loaded, projects.get(loaded.config.project)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def check_classes(ref: str, payloads: list[bytes], answers: list[dict]) -> None:
    loaded, project = load(ref)
    for payload, answer in zip(payloads, answers, strict=True):
        expected = project.answer(loaded, payload)
        probabilities = [expected["probabilities"][name] for name in loaded.labels]
        assert np.abs(np.array(answer["probabilities"]) - probabilities).max() <= TOLERANCE
        assert loaded.labels[answer["best"]] == expected["label"]


def test_200_test_images_are_classified_as_by_torch(model):
    shipped = thumbnails.find("fashion_mnist")
    payloads = [png(pixels) for pixels in shipped.pixels[:200]]
    answers = model("vit/vit", payloads, read="new Blob([b])")
    assert len(answers) == 200
    check_classes("vit/vit", payloads, answers)


def has_answer(project, loaded, text: bytes) -> bool:
    """Whether the model answers: it refuses a text of unknown words."""
    try:
        project.answer(loaded, text)
    except WorkbenchError:
        return False
    return True


@pytest.mark.parametrize("ref", ["questions/rnn", "reviews_transformer/base"])
def test_200_texts_are_classified_as_by_torch(model, ref):
    loaded, project = load(ref)
    texts = [text.encode() for text in (*STRANGE, *general_english())]
    payloads = [text for text in texts if has_answer(project, loaded, text)][:200]
    check_classes(ref, payloads, model(ref, payloads))


def photos() -> list[bytes]:
    """Images of several sizes. Pillow 13 resizes some upright ones down first, then across: not the browser."""
    random = np.random.default_rng(0)
    shapes = [(64, 64, 3), (61, 90, 3), (33, 200, 3), (701, 512, 3), (400, 400), (50, 40)]
    noise = [random.integers(0, 256, shape, dtype=np.uint8) for shape in shapes]
    light = np.full((300, 200, 3), 250, dtype=np.uint8)
    light[80:220, 60:130] = (30, 60, 90)
    return [*map(png, noise), png(light)]


@pytest.mark.parametrize("ref", ["architectures/vgg16_c", "backprop/dense"])
def test_photos_of_any_size_are_prepared_as_in_python(model, ref):
    loaded, project = load(ref)
    known, payloads = loaded.preprocessing, photos()
    prepared = model(ref, payloads, function="prepare", read="new Blob([b])")
    for payload, result in zip(payloads, prepared, strict=True):
        if ref == "backprop/dense":
            pixels = np.array(project.answer(loaded, payload)["pixels"], dtype=np.uint8)
        else:
            pixels = read_model_image(payload, known)
        expected = images.to_model_input(pixels, known)
        assert np.abs(np.array(result["input"]["data"]) - expected.ravel()).max() <= 1e-6


def test_a_series_is_scored_as_by_torch(model):
    lines = (ASSETS / "data" / "nyc_taxi.csv").read_text(encoding="utf-8").splitlines()
    payload = "\n".join([lines[0], *lines[6001:6301]]).encode()
    (answer,) = model("anomaly/dense_16", [payload])
    loaded, project = load("anomaly/dense_16")
    expected = np.array(project.answer(loaded, payload)["errors"])
    assert len(expected) == 300 and np.abs(np.array(answer["scores"]) - expected).max() <= TOLERANCE


@pytest.mark.parametrize("ref", ["forecast/lstm", "forecast/blend"])
def test_a_table_is_forecast_as_by_torch(model, ref):
    loaded, project = load(ref)
    names, scale = loaded.preprocessing["names"], loaded.preprocessing["scale"]
    random, payloads = np.random.default_rng(0), []
    for start in range(20):
        values = random.normal(scale["mean"], scale["deviation"], (60, len(names)))
        values[random.random(values.shape) < 0.1] = np.nan
        values[-1] = np.where(np.isnan(values[-1]), scale["mean"], values[-1])
        times = np.datetime64("2005-03-01T00") + np.arange(start * 7, start * 7 + 60)
        cells = [["" if np.isnan(value) else f"{value:.6f}" for value in row] for row in values]
        rows = [",".join((f"{time}:00", *row)) for time, row in zip(times, cells, strict=True)]
        payloads.append("\n".join((",".join(("time", *names)), *rows)).encode())
    for payload, answer in zip(payloads, model(ref, payloads), strict=True):
        expected = np.array([project.answer(loaded, payload)["forecast"][name] for name in names]).T
        off = np.abs(np.array(answer["forecast"]) - expected) / np.array(scale["deviation"])
        assert off.max() <= TOLERANCE


def test_symbols_are_decoded_as_by_torch(model):
    payloads = [b"35142", b"9", b"70708", b"1234"]
    loaded, project = load("seq2seq/sorting")
    for payload, answer in zip(payloads, model("seq2seq/sorting", payloads), strict=True):
        expected = project.answer(loaded, payload)
        assert answer["text"] == expected["answer"]
        assert abs(answer["probability"] - expected["probability"]) <= TOLERANCE


def test_a_recalled_digit_is_that_of_torch(model):
    payloads = [b"a3 b7 c1 b?", b"d4, e8, f2 a5 d?", b"j0 j?"]
    check_classes("attention/attention", payloads, model("attention/attention", payloads))


def test_a_click_on_a_sample_answers(chromium, runtime, tmp_path: Path):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, offline=True)
    page = context.new_page()
    page.goto(write_report(["reference:anomaly/dense_16"], tmp_path / "r.html", runtime=runtime).as_uri())
    page.locator(".dl-model-samples button").click()
    page.locator(".dl-model-note[data-state=done]").wait_for(timeout=200_000)
    assert "points above the threshold" in page.locator(".dl-model-answer b").inner_text()
    page.locator(".dl-model-chart .main-svg").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()
