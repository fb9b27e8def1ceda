"""A photo handed in in a real browser while a run trains: it is answered, and the run goes on."""

import json
import os
import subprocess
import sys
import time

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect
from server import ROOT, calm, errors, serious, server, visit

sys.path.insert(0, str(ROOT / "tests" / "data"))
from hostile_files import HOSTILE

pytestmark = [pytest.mark.browser, pytest.mark.timeout(280)]
WITHIN = 90_000
DRAWING = ROOT / "assets" / "samples" / "food" / "bibimbap.png"


def dlcore(home, *words: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "dlcore", *words, "--json"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
        env={**os.environ, "DLCORE_HOME": str(home)},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_photo_is_answered_while_a_run_trains(chromium, tmp_path):
    home = tmp_path / "home"
    with server(home) as at:
        long = ("--model", "dense_32", "--set", "epochs=10000", "--set", "patience=0", "--device", "cpu", "--detach")
        run_id = dlcore(home, "train", "anomaly", *long)["run_id"]
        context = chromium.new_context(viewport={"width": 1280, "height": 800})
        page = context.new_page()
        visit(page, f"{at}/food?panel=Try+it&food-input=My+photos")
        page.mouse.move(0, 0)
        bad = tmp_path / "page.jpg"
        bad.write_text("<html></html>")
        page.locator("input[type=file]").first.set_input_files([DRAWING, bad])
        expect(page.get_by_text("Answered in")).to_be_visible(timeout=WITHIN)
        expect(page.get_by_text("this is not an image")).to_be_visible()
        calm(page)
        assert serious(page) == []
        states = [dlcore(home, "runs", "show", run_id)]
        until = time.monotonic() + 60
        while states[-1]["step"] <= states[0]["step"] and time.monotonic() < until:
            states.append(dlcore(home, "runs", "show", run_id))
        assert states[-1]["state"] == "running" and states[-1]["step"] > states[0]["step"], states[-1]
        context.close()


@pytest.mark.parametrize(
    "names",
    [
        ("zero.png", "cut.jpg", "bomb.png", "page.jpg", "moving.gif"),
        ("slip.zip", "bomb.zip", "many.zip", "secret.zip", "link.zip"),
    ],
)
def test_hostile_files_get_a_line_each_and_the_photo_among_them_its_answer(address, page, console, names):
    """A sample; tests/benchmarks/hostile_uploads.py hands in all of them and watches memory, disk and others."""
    visit(page, f"{address}/food?panel=Try+it&food-input=My+photos")
    files = [{"name": name, "mimeType": "image/jpeg", "buffer": HOSTILE[name]} for name in names]
    good = {"name": "a dish.png", "mimeType": "image/png", "buffer": DRAWING.read_bytes()}
    page.locator("input[type=file]").first.set_input_files([*files, good])
    expect(page.get_by_text("Answered in")).to_be_visible(timeout=WITHIN)
    calm(page)
    said = page.locator("[data-testid=stAlert] [data-testid=stMarkdownContainer]").all_inner_texts()
    refused = [line for line in said if ": " in line and "classes" not in line]
    assert len(refused) == len(names) and all("\n" not in line and len(line) < 200 for line in refused), said
    assert page.locator("[data-testid=stException]").count() == 0 and errors(console) == []


def test_the_slider_between_picture_and_map_moves_in_the_browser(address, page, console):
    visit(page, f"{address}/food?panel=Explain")
    page.get_by_text("The photo under Try it", exact=True).click()
    page.get_by_text("Grad-CAM", exact=True).first.click()
    slider = page.get_by_role("slider", name="From picture to map")
    expect(slider).to_be_visible(timeout=WITHIN)
    calm(page)
    look = "document.querySelector('.dl-blend canvas').toDataURL()"
    seen = []
    for value in ("0", "50", "100"):
        slider.fill(value)
        page.wait_for_timeout(150)
        seen.append(page.evaluate(look))
        assert page.locator("[data-testid=stApp][data-test-script-state=notRunning]").count() == 1
    assert len(set(seen)) == 3 and errors(console) == []
