"""Load time of pages in a browser: first chart, ready page, and rerun. Prints JSON.

    python tests/benchmarks/pages.py [--repeats 7]

The server is warm (every page was opened once). `open` is a new tab with an empty cache, `open_again` a new tab with a
warm cache, `from_home` a click on a card of the home page.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

from server import browser, calm, panel_switch, server, visit, wait_until  # noqa: E402

from dlcore.ui.shell.menu import find_pages  # noqa: E402

PANELS = ("Results", "Data", "Train")
CHART = ".js-plotly-plot .main-svg, .dlt[data-drawn]"
TITLE = "h1"
WATCH = f"""
window.firstSeen = {{}};
new MutationObserver(() => {{
  for (const [name, selector] of [["title", "{TITLE}"], ["chart", "{CHART}"]])
    if (!(name in window.firstSeen) && document.querySelector(selector)) window.firstSeen[name] = performance.now();
}}).observe(document, {{ childList: true, subtree: true }});
"""


def open_tab(context: BrowserContext, address: str) -> dict[str, float]:
    """Return milliseconds from the request to the title, to the first chart, and to the end of the script.

    The browser measures the first two when the element appears, this process the last.
    """
    page = context.new_page()
    page.add_init_script(WATCH)
    start = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.wait_for_selector(TITLE)
    calm(page)
    ready = since(start)
    page.wait_for_timeout(1500)  # a chart may still be drawing
    times = page.evaluate("window.firstSeen")
    page.close()
    return {name: times[name] for name in ("title", "chart") if name in times} | {"ready": ready}


def new_context(chromium: Browser) -> BrowserContext:
    """Return a browser context with an empty cache."""
    return chromium.new_context(viewport={"width": 1280, "height": 800})


def from_home(chromium: Browser, address: str, slug: str) -> dict[str, float]:
    """Return milliseconds from a click on a card of the home page to the first chart and the end of the script."""
    context = new_context(chromium)
    page = context.new_page()
    visit(page, address)
    page.wait_for_timeout(1500)
    link = page.locator(f".st-key-card-{slug} a").first
    link.wait_for()
    page.evaluate(WATCH.replace("firstSeen = {};", "firstSeen = {}; window.start = performance.now();"))
    start = time.perf_counter()
    page.evaluate("window.firstSeen = {}; window.start = performance.now()")
    link.click()
    page.wait_for_selector(CHART, state="attached")
    calm(page)
    ready = since(start)
    times = page.evaluate("({chart: window.firstSeen.chart - window.start})")
    context.close()
    return {**times, "ready": ready}


def reruns(chromium: Browser, address: str, repeats: int) -> list[float]:
    """Return milliseconds from a click on a panel to the end of the script, for each of 2 * repeats switches."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    visit(page, f"{address}?panel=train")
    took = []
    for turn in range(2 * repeats):
        panel = ("Results", "Train")[turn % 2]
        start = time.perf_counter()
        panel_switch(page, panel).click()
        wait_until(
            page, f"new URL(location).searchParams.get('panel') {'!==' if panel == 'Results' else '==='} 'train'"
        )
        calm(page)
        took.append(since(start))
    context.close()
    return took


def since(start: float) -> float:
    return (time.perf_counter() - start) * 1000


def summary(values: list[float]) -> dict[str, float]:
    return {"median_ms": round(statistics.median(values)), "low_ms": round(min(values)), "high_ms": round(max(values))}


def summaries(runs: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    return {part: summary([run[part] for run in runs if part in run]) for part in runs[0] if part in runs[-1]}


def _alone(chromium: Browser, address: str) -> dict[str, float]:
    context = new_context(chromium)
    took = open_tab(context, address)
    context.close()
    return took


def measure(repeats: int) -> dict[str, object]:
    """Measure the home page and every panel of every page."""
    pages: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as home, server(Path(home)) as address, browser() as chromium:
        where = {"home": f"{address}/"}
        for page in find_pages():
            where |= {f"{page.slug}/{panel}": f"{address}/{page.slug}?panel={panel}" for panel in PANELS}
        for target in where.values():
            _alone(chromium, target)
        for name, target in where.items():
            pages[name] = summaries([_alone(chromium, target) for _ in range(repeats)])
        known = new_context(chromium)
        again = {}
        for name, target in where.items():
            open_tab(known, target)
            again[name] = summaries([open_tab(known, target) for _ in range(repeats)])
        clicked = {
            page.slug: summaries([from_home(chromium, f"{address}/", page.slug) for _ in range(repeats)])
            for page in find_pages()
        }
        switched = {page.slug: summary(reruns(chromium, f"{address}/{page.slug}", repeats)) for page in find_pages()}
    return {
        "open": pages,
        "open_again": again,
        "from_home": clicked,
        "panel_switch": switched,
        "repeats": repeats,
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    print(json.dumps(measure(parser.parse_args().repeats), indent=1))
