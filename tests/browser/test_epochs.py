"""Slider over epochs in the browser: points glide, a drag selects a group, a cell of the matrix its samples."""

import re

import numpy as np
import pytest

pytest.importorskip("playwright")
from components import open_component
from playwright.sync_api import expect

from dlcore.ui.components.mount import pack

pytestmark = pytest.mark.browser
SAMPLES, EPOCHS = 40, 3
LABELS = ["<b>cat</b>", "dog"]


@pytest.fixture
def epochs_page(page):
    """Half of the samples are of each class; all are predicted as dogs in epoch 1, all correct in epoch 4."""
    targets = np.arange(SAMPLES) % 2
    scores = np.zeros((EPOCHS, SAMPLES, 2))
    scores[0] = (0.2, 0.8)
    scores[1] = np.where((np.arange(SAMPLES) < 20)[:, None], np.eye(2)[targets], (0.2, 0.8))
    scores[2] = np.eye(2)[targets]
    points = np.zeros((EPOCHS, SAMPLES, 2))
    points[:, :, 1] = np.linspace(-1, 1, SAMPLES)
    points[:, :, 0] = (2 * targets - 1) * np.array([0.1, 0.5, 1.0])[:, None]
    data = {
        "version": "one",
        "labels": LABELS,
        "epochs": [1, 2, 4],
        "best": 4,
        "total": 90,
        "preserved": [0.7, 0.8, 0.9],
        "ids": pack(1000 + np.arange(SAMPLES), dtype="float64"),
        "targets": pack(targets, dtype="int32"),
        "predicted": pack(scores.argmax(axis=2), dtype="int32"),
        "scores": pack(np.rint(255 * scores), dtype="uint8"),
        "points": pack(points),
        "texts": [f"<i>text</i> {i}" for i in range(SAMPLES)],
    }
    open_component(page, "epochs", data)
    return page


def test_slider_moves_all_views_to_another_epoch(epochs_page, console):
    root, say = epochs_page.locator(".dle"), epochs_page.locator(".dle-say")
    expect(say).to_have_text("Epoch 4 of 4, the best: 100.0 % of 40 of 90 validation samples correct")
    epochs_page.locator(".dle-slider").focus()
    epochs_page.keyboard.press("Home")
    expect(say).to_have_text("Epoch 1 of 4: 50.0 % of 40 of 90 validation samples correct")
    expect(root).to_have_attribute("data-at", "0.00")  # the points have arrived
    expect(epochs_page.locator(".dle-matrix canvas")).to_have_attribute("aria-label", re.compile("20 of 40"))
    expect(epochs_page.locator(".dle-course canvas")).to_have_attribute(
        "aria-label", re.compile("cat</b> 20 %.*dog 80 %")
    )
    expect(epochs_page.locator(".dle-content")).to_have_text("<i>text</i> 0dog 80 %, is <b>cat</b>")  # never as HTML
    expect(epochs_page.locator(".dle-key")).to_contain_text("0.70")
    epochs_page.locator(".dle-play").click()
    expect(root).to_have_attribute("data-at", "2.00", timeout=20_000)
    expect(epochs_page.locator(".dle-play")).to_have_text("Play")
    assert not console


def test_drag_selects_a_group_and_a_click_a_sample(epochs_page, console):
    root, canvas = epochs_page.locator(".dle"), epochs_page.locator(".dle-map canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    middle = box["x"] + box["width"] / 2
    epochs_page.mouse.move(middle + 1, box["y"] + 1)
    epochs_page.mouse.down()
    epochs_page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] - 2, steps=4)
    epochs_page.mouse.up()
    expect(root).to_have_attribute("data-group", "20")
    expect(epochs_page.locator(".dle-count")).to_have_text("20 selected, 100 % correct")
    assert epochs_page.locator(".dle-pick").count() == 6
    epochs_page.locator(".dle-pick").nth(2).click()
    expect(root).to_have_attribute("data-sample", "1005")
    epochs_page.locator(".dle-clear").click()
    assert epochs_page.locator(".dle-pick").count() == 0
    place = middle - min(box["width"], box["height"]) / 2 + 18, box["y"] + box["height"] / 2
    place = place[0], place[1] + middle - place[0]  # the corner of the square of all points
    epochs_page.mouse.move(*place)
    expect(epochs_page.locator(".dle-tip")).to_contain_text("<i>text</i> 0")
    epochs_page.mouse.click(*place)
    expect(root).to_have_attribute("data-sample", "1000")
    canvas.focus()
    epochs_page.keyboard.press("ArrowRight")
    expect(root).to_have_attribute("data-sample", "1001")
    assert not console


def test_cell_of_the_matrix_selects_its_samples(epochs_page):
    epochs_page.locator(".dle-slider").focus()
    epochs_page.keyboard.press("Home")
    canvas = epochs_page.locator(".dle-matrix canvas")
    canvas.scroll_into_view_if_needed()
    side = epochs_page.evaluate("document.querySelector('.dle').dlcore.matrix")
    canvas.click(position={"x": side["left"] + 1.5 * side["side"], "y": side["top"] + 0.5 * side["side"]})
    expect(epochs_page.locator(".dle-count")).to_have_text("20 selected, 0.0 % correct")
