"""The NumPy network pages in a browser: steps redraw at once, cells show formulas, a drawn digit is classified."""

import pytest
import server

pytestmark = [pytest.mark.browser, pytest.mark.realdata("mnist")]
QUICK_MS = 100


def elapsed_ms(page, selector: str) -> float:
    return float(page.get_attribute(selector, "data-took"))


def test_steps_and_cells_redraw_at_once(page, address, console):
    server.visit(page, f"{address}/backprop?panel=explain")
    walk = ".dl-walk[data-drawn]"
    page.wait_for_selector(walk)
    steps = int(page.get_attribute(f"{walk} input[type=range]", "max"))
    for _ in range(steps):
        page.click(".dl-walk-next")
        assert elapsed_ms(page, walk) <= QUICK_MS
    assert page.get_by_text("Backward: flatten").is_visible()
    assert page.locator(".dl-badge").inner_text().startswith("equals autograd to")
    page.click(".dl-walk-back")
    version = page.get_attribute(walk, "data-drawn")
    page.get_by_role("button", name="weights").click()
    assert "Gradient of the weight" in page.locator(".dl-walk-open").inner_text()
    page.locator(".dl-walk-cells").press("ArrowUp")
    assert page.get_attribute(walk, "data-drawn") != version and elapsed_ms(page, walk) <= QUICK_MS
    assert not [message for message in console if "404" not in str(message)]


def test_drawn_digit_is_classified(page, address):
    server.visit(page, f"{address}/backprop?panel=predict")
    canvas = page.wait_for_selector(".dl-draw[data-ready] canvas")
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 112, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 110, box["y"] + 190, steps=8)
    page.mouse.up()
    page.get_by_text("Predicted: 1").wait_for(timeout=20_000)


def test_digit_drawn_by_keyboard_is_classified(page, address):
    server.visit(page, f"{address}/backprop?panel=predict")
    page.wait_for_selector(".dl-draw[data-ready] canvas").focus()
    page.keyboard.press("Space")
    for _ in range(16):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    page.get_by_text("Predicted: 1").wait_for(timeout=20_000)


def test_unrolled_sequence_redraws_at_once(page, address):
    server.visit(page, f"{address}/rnn?panel=explain&run=reference:rnn/rnn")
    page.wait_for_selector(".dl-unrolled[data-drawn]")
    for _ in range(5):
        page.click(".dl-unrolled .dl-walk-back")
        assert elapsed_ms(page, ".dl-unrolled") <= QUICK_MS
    assert "Backward: from step" in page.locator(".dl-walk-open").inner_text()
    page.locator(".dl-states").press("ArrowDown")
    assert elapsed_ms(page, ".dl-unrolled") <= QUICK_MS
