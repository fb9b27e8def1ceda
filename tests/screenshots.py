"""Takes the README's two screenshots into assets/screenshots/: results, and a run while it trains.

    python tests/screenshots.py

Needs a Chromium; trains for a few seconds in a home of its own.
"""

import io
import re
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

from server import browser, calm, server, visit  # noqa: E402

FOLDER = ROOT / "assets" / "screenshots"
COLOURS = 128


def take(page: Page, name: str) -> None:
    """Keep what the page shows as a small PNG with a palette."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(FOLDER / f"{name}.png", optimize=True)
    print(f"{FOLDER / name}.png: {(FOLDER / f'{name}.png').stat().st_size / 1024:.0f} kB")


def training(page: Page, address: str) -> None:
    """Start a run from the form and wait until its curves have something to show."""
    visit(page, f"{address}/anomaly?panel=Train")
    page.get_by_text("More settings").click()
    page.get_by_label("Epochs", exact=True).fill("300")
    page.get_by_label("Epochs", exact=True).press("Enter")
    calm(page)
    page.get_by_text("More settings").click()
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_url(re.compile("run=[0-9a-f]{12}"), timeout=60_000)
    run_id = re.search("run=([0-9a-f]+)", page.url).group(1)
    page.wait_for_function(
        f"document.querySelector('.dl-curves')?.dataset.drawn?.startsWith('{run_id}')", timeout=60_000
    )
    grown = "trace => trace.name === 'validation' && trace.x.length > 60"
    page.wait_for_function(f"document.querySelector('.dl-curves .dl-plot')?.data?.some({grown})", timeout=180_000)


def results(page: Page, address: str) -> None:
    """The threshold with its views."""
    visit(page, f"{address}/anomaly?panel=Results")
    views = page.locator(".dlt[data-drawn]")
    views.wait_for(timeout=60_000)
    views.evaluate("element => element.scrollIntoView({block: 'start'})")
    page.wait_for_timeout(2000)


def main() -> None:
    """Both pictures."""
    with tempfile.TemporaryDirectory() as home, server(Path(home)) as address, browser() as chromium:
        page = chromium.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light").new_page()
        results(page, address)
        take(page, "results")
        page = chromium.new_context(viewport={"width": 1280, "height": 1120}, color_scheme="dark").new_page()
        training(page, address)
        page.evaluate("document.querySelector('[data-testid=stMain]').scrollTo(0, 345)")
        page.wait_for_timeout(2500)
        take(page, "training")


if __name__ == "__main__":
    main()
