"""Data sent to the browser: packed arrays, figure style, marks on curves, thumbnails of the home page."""

import base64
import re
from pathlib import Path
from urllib.parse import urljoin

import numpy as np
import plotly
import plotly.graph_objects as go
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dlcore import runs
from dlcore.plots import palette
from dlcore.runs import Curve
from dlcore.ui.components import mount as components
from dlcore.ui.components.curves.component import describe_layer, learning_rate_marks
from dlcore.ui.shell import thumbnails
from dlcore.ui.shell.home import page_rows
from dlcore.ui.shell.menu import PageFile
from dlcore.ui.widgets import figure


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "uint8"])
def test_packed_array_can_be_unpacked(dtype):
    array = np.arange(12).reshape(3, 4)
    packed = components.pack(array, dtype=dtype)
    back = np.frombuffer(base64.b64decode(packed["base64"]), dtype).reshape(packed["shape"])
    assert np.array_equal(back, array)


def test_epoch_milliseconds_are_packed_exactly():
    times = np.array([1_404_172_800_123, 1_422_748_800_999])
    packed = components.pack(times, dtype="float64")
    assert np.frombuffer(base64.b64decode(packed["base64"]), "float64").tolist() == times.tolist()


def test_plotly_js_is_served_from_the_installed_package():
    answer = TestClient(Starlette(routes=components.static_routes())).get(f"/app/static/{components.PLOTLY_FILE}")
    source = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    assert answer.content == source.read_bytes()
    assert answer.headers["content-type"].startswith("text/javascript")


def test_static_files_are_served_below_the_base_url_path(monkeypatch):
    monkeypatch.setattr(components.st, "get_option", lambda name: "/workbench/")
    paths = [route.path for route in components.static_routes()]
    assert paths[0] == f"/workbench/app/static/{components.PLOTLY_FILE}"
    assert paths[1].startswith("/workbench/app/static/dlcore-")


def test_modules_and_all_their_imports_are_served():
    client = TestClient(Starlette(routes=components.static_routes()))
    folder = Path(components.__file__).parent
    urls = components.script_urls(*(file.stem for file in folder.glob("*/*.html")), "report", "tour")  # of no template
    assert {url.split("/", 3)[3] for url in urls} == {str(file.relative_to(folder)) for file in folder.glob("*/*.js")}
    for url in urls:
        answer = client.get(f"/{url}")
        assert answer.status_code == 200 and "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-type"].startswith("text/javascript") and "PLOTLY_FILE" not in answer.text
        for name in re.findall(r'from "([^"]+)"', answer.text):
            assert client.get(urljoin(f"/{url}", name)).status_code == 200, (url, name)
    assert client.get(f"/app/static/{components.SCRIPTS}/../mount.py").status_code == 404


def test_lines_of_components_fit_into_120_characters():
    files = [file for kind in ("js", "css", "html") for file in Path(components.__file__).parent.glob(f"*/*.{kind}")]
    lines = [(file.name, line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    assert not [(name, line) for name, line in lines if len(line) > 120]


def test_house_style_does_not_override_figure_settings():
    styled = figure.house_style(go.Figure(layout={"height": 500, "colorway": ["#000000"], "title": {"text": "A"}}))
    assert styled.layout.height == 500
    assert styled.layout.colorway == ("#000000",)
    assert styled.layout.title.text == "A"
    assert figure.house_style(go.Figure()).layout.colorway == palette.ORDER


def test_browser_and_python_use_the_same_colors():
    script = (Path(components.__file__).parent / "shared" / "palette.js").read_text()
    for color in palette.ORDER:
        assert color in script


def test_steps_of_the_learning_rate_are_marked_and_continuous_changes_are_not():
    steps = np.arange(100)
    jumps = {"learning_rate": Curve(steps, np.where(steps < 40, 1e-2, 1e-3))}
    assert [(mark.step, mark.text) for mark in learning_rate_marks(jumps)] == [(40, "learning rate 0.001")]
    assert learning_rate_marks({"learning_rate": Curve(steps, np.linspace(1e-2, 0, 100))}) == ()
    assert learning_rate_marks({}) == ()
    warm_up = {"learning_rate": Curve(steps[:9], np.linspace(1e-4, 1e-2, 9))}  # the first steps: few changes
    assert learning_rate_marks(warm_up) == ()


@pytest.mark.parametrize("classes", [1, 2, 5])
def test_thumbnail_of_every_kind_of_prediction(classes):
    random = np.random.default_rng(0)
    targets = random.integers(0, max(2, classes), 300)
    scores = random.random(300) if classes == 1 else random.dirichlet(np.ones(classes), 300)
    drawing = thumbnails.thumbnail({"test_scores": scores, "test_targets": targets})
    assert drawing.startswith("<svg") and "nan" not in drawing
    assert ("polyline" in drawing) == (classes == 1)


def test_thumbnail_without_predictions_is_empty():
    assert thumbnails.thumbnail({}) == ""


def test_sections_are_not_split_between_rows():
    def pages(section: str, count: int) -> list[PageFile]:
        return [PageFile(f"{section}{i}", section, "", "", "", Path()) for i in range(count)]

    rows = page_rows([pages("a", 1), pages("b", 2), pages("c", 4), pages("d", 2), pages("e", 2)])
    assert [[page.section for page in row] for row in rows] == [
        ["a", "b", "b"],
        ["c", "c", "c"],
        ["c", "d", "d"],
        ["e", "e"],
    ]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("stages.3.0.shortcut.1", "stage 4, block 1, shortcut, part 2"),
        ("pairs.8.second.0", "block 9, conv 2, part 1"),
        ("decoder.2.memory_attention.query", "decoder 3, cross-attention, query"),
        ("layers.3.feed_forward.narrow", "layer 4, feed-forward, projection"),
        ("classes", "classes"),
    ],
)
def test_layers_are_named_in_words(path, words):
    assert describe_layer(path) == words


def test_every_layer_of_a_reference_run_has_its_own_name():
    for run in runs.references():
        norms = run.gradients()
        if norms is not None:
            assert len({describe_layer(name) for name in norms.layers}) == len(norms.layers), run.run_id
