"""Photos uploaded in a browser: predictions during training, hostile files, the slider between photo and map."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect
from server import ROOT, calm, errors, serious, visit

from dlcore import projects, runs

sys.path.insert(0, str(ROOT / "tests" / "data"))
from hostile_files import HOSTILE

pytestmark = [pytest.mark.browser, pytest.mark.timeout(280)]
WITHIN = 90_000
DRAWING = ROOT / "assets" / "samples" / "food" / "bibimbap.png"


def in_thread(function, *arguments):
    """Call the run store outside the main thread, where Playwright keeps its event loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *arguments).result()


@pytest.fixture
def training_run(address, server_home, monkeypatch):
    """A long run on the server's home, deleted at the end; a function that returns its current record."""
    monkeypatch.setenv("DLCORE_HOME", str(server_home))
    settings = {"epochs": 10_000, "patience": 0}
    config = projects.configure("anomaly", model="dense_32", device="cpu", settings=settings)
    run_id = in_thread(lambda: runs.start(runs.create(config).run_id).run_id)

    def record():
        return in_thread(runs.open_run, run_id).record

    yield record
    in_thread(runs.stop, run_id)
    in_thread(lambda: runs.wait(run_id, timeout=60))
    in_thread(runs.delete_run, run_id)


def test_photo_is_classified_while_a_run_trains(training_run, address, page, tmp_path):
    visit(page, f"{address}/food?panel=predict&food-input=My+photos")
    page.mouse.move(0, 0)
    bad = tmp_path / "page.jpg"
    bad.write_text("<html></html>")
    page.locator("input[type=file]").first.set_input_files([DRAWING, bad])
    expect(page.get_by_text("this is not an image")).to_be_visible(timeout=WITHIN)
    expect(page.get_by_text("Predicted:").or_(page.get_by_text("Best guess:"))).to_be_visible(timeout=WITHIN)
    calm(page)
    assert serious(page) == []
    first, deadline = training_run(), time.monotonic() + 60
    while (latest := training_run()).step <= first.step and time.monotonic() < deadline:
        time.sleep(0.2)
    assert latest.state == "running" and latest.step > first.step, latest


@pytest.mark.parametrize(
    "names",
    [
        ("zero.png", "cut.jpg", "bomb.png", "page.jpg", "moving.gif"),
        ("slip.zip", "bomb.zip", "many.zip", "secret.zip", "link.zip"),
    ],
)
def test_each_hostile_file_gets_an_error_line_and_the_photo_a_prediction(address, page, console, names):
    """A sample; tests/benchmarks/hostile_uploads.py uploads all of them and measures memory and disk."""
    visit(page, f"{address}/food?panel=predict&food-input=My+photos")
    files = [{"name": name, "mimeType": "image/jpeg", "buffer": HOSTILE[name]} for name in names]
    good = {"name": "a dish.png", "mimeType": "image/png", "buffer": DRAWING.read_bytes()}
    page.locator("input[type=file]").first.set_input_files([*files, good])
    expect(page.locator("[data-testid=stAlert]").nth(len(names) - 1)).to_be_visible(timeout=WITHIN)
    expect(page.get_by_text("Predicted in")).to_be_visible(timeout=WITHIN)
    calm(page)
    alerts = page.locator("[data-testid=stAlert] [data-testid=stMarkdownContainer]").all_inner_texts()
    rejections = [line for line in alerts if ": " in line and "classes" not in line]
    assert len(rejections) == len(names) and all("\n" not in line and len(line) < 200 for line in rejections), alerts
    assert page.locator("[data-testid=stException]").count() == 0 and errors(console) == []


def test_slider_between_photo_and_map_works_in_the_browser(address, page, console):
    visit(page, f"{address}/food?panel=explain")
    page.get_by_text("The photo under Predict", exact=True).click()
    page.get_by_text("Grad-CAM", exact=True).first.click()
    slider = page.get_by_role("slider", name="Opacity of the map")
    expect(slider).to_be_visible(timeout=WITHIN)
    calm(page)
    look = "document.querySelector('.dl-blend canvas').toDataURL()"
    images = []
    for value in ("0", "50", "100"):
        slider.fill(value)
        page.wait_for_timeout(150)
        images.append(page.evaluate(look))
        assert page.locator("[data-testid=stApp][data-test-script-state=notRunning]").count() == 1
    assert len(set(images)) == 3 and errors(console) == []
