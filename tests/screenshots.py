"""Take the screenshots of the README into docs/images.

    python tests/screenshots.py

Needs a Chromium. The runs shown are reference runs.
"""

import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

from server import browser, calm, server, visit  # noqa: E402

FOLDER = ROOT / "docs" / "images"
PHOTO = ROOT / "assets" / "samples" / "food" / "apple_pie.png"
COLORS = 128
SIZE = {"width": 1280, "height": 800}


def save(page: Page, name: str) -> None:
    """Save the visible page as a small PNG with a palette."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    image.quantize(COLORS, dither=Image.Dither.NONE).save(FOLDER / f"{name}.png", optimize=True)
    print(f"{FOLDER / name}.png: {(FOLDER / f'{name}.png').stat().st_size / 1024:.0f} kB")


def scroll_to(page: Page, selector: str) -> None:
    """Wait for an element and scroll it to the top."""
    element = page.locator(selector).first
    element.wait_for(timeout=90_000)
    for _ in range(3):  # content that loads above moves the element
        page.wait_for_timeout(2000)
        element.evaluate("element => element.scrollIntoView({block: 'start'})")
    page.wait_for_timeout(500)


def threshold(page: Page, address: str) -> None:
    """Show the draggable anomaly threshold."""
    open_panel(page, f"{address}/anomaly", 2)
    scroll_to(page, ".dlt[data-drawn]")


def compare(page: Page, address: str) -> None:
    """Show the learning curves of the three CNN families in one chart."""
    open_panel(page, f"{address}/architectures", 2)
    page.get_by_text("Compare", exact=True).first.click()
    calm(page)
    scroll_to(page, "[data-testid=stPlotlyChart], .dl-curves")


def food(page: Page, address: str) -> None:
    """Show the prediction for an uploaded photo."""
    open_panel(page, f"{address}/food", 3)
    page.get_by_role("radiogroup", name="Which photo").get_by_role("radio").nth(1).click()
    calm(page)
    page.locator("input[type=file]").first.set_input_files([PHOTO])
    page.wait_for_timeout(2000)
    calm(page)
    scroll_to(page, "[data-testid=stFileUploader]")


def open_panel(page: Page, address: str, number: int) -> None:
    """Open a page and one of its panels: Data, Train, Results, Predict, Explain."""
    visit(page, address)
    page.get_by_role("radiogroup", name="Panel").get_by_role("radio").nth(number).click()
    calm(page)


SCREENSHOTS: dict[str, Callable[[Page, str], None]] = {"threshold": threshold, "compare": compare, "food": food}


def main() -> None:
    """Take all screenshots."""
    with tempfile.TemporaryDirectory() as home, server(Path(home)) as address, browser() as chromium:
        for name, show in SCREENSHOTS.items():
            page = chromium.new_context(viewport=SIZE, color_scheme="light").new_page()
            show(page, address)
            save(page, name)


if __name__ == "__main__":
    main()
