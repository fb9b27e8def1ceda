"""Time to the title and to the main picture of every page, against two tiny pages served beside the workbench.

    python tests/benchmarks/first_paint.py [--repeats 3] [--pages anomaly forecast] [--json]

The first tiny page has only `st.title`, the second one `st.plotly_chart` of 10,000 points. All are opened in turn, with
an empty and with a filled browser cache; the servers are warm. The table has medians, and ratios to the tiny pages.
Goals: title at most 1.3 times the title page; chart at most 0.5 times (empty cache) and 0.35 times (filled) the
chart page.
"""

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

from server import browser, calm, server, wait_until  # noqa: E402

from dlcore.ui.shell.first_paint import KEY  # noqa: E402
from dlcore.ui.shell.menu import find_pages  # noqa: E402

TITLE_PAGE = 'import streamlit as st\n\nst.title("Title")\n'
CHART_PAGE = """import numpy as np
import plotly.graph_objects as go
import streamlit as st

y = np.random.default_rng(0).normal(size=10_000).cumsum()
st.title("Chart")
st.plotly_chart(go.Figure(go.Scatter(y=y)))
"""
GOALS = {"empty": (1.3, 0.5), "filled": (1.3, 0.35)}
"""Cache -> highest ratio of the title and of the chart."""
CHART = ".js-plotly-plot .main-svg"
WATCH = """
window.firstSeen = {};
const box = (element) => element && element.getClientRects().length && element.getBoundingClientRect();
const isPainted = (element) => { const r = box(element); return r && r.height > 40 && r.top < innerHeight; };
const isDrawn = () => {
  const chart = document.querySelector(".st-key-KEY");
  if (!chart) return isPainted(document.querySelector("CHART"));
  const images = [...chart.querySelectorAll("img")];
  if (images.length) return images.some((image) => image.complete && image.naturalWidth && isPainted(image));
  const components = [...chart.querySelectorAll("[data-testid=stBidiComponentRegular], .stBidiComponent")];
  if (components.length) return components.some((c) => isPainted(c.querySelector("[data-drawn], [data-answered]")));
  return isPainted(chart) && !chart.querySelector("[data-testid=stSkeleton]");
};
const look = () => {
  if (!("title" in firstSeen) && box(document.querySelector("h1"))) firstSeen.title = performance.now();
  if (!("chart" in firstSeen) && isDrawn()) firstSeen.chart = performance.now();
  if (!("chart" in firstSeen) || !("title" in firstSeen)) requestAnimationFrame(look);
};
requestAnimationFrame(look);
""".replace("KEY", KEY).replace("CHART", CHART)


def open_tab(context: BrowserContext, address: str) -> dict[str, float]:
    """Return milliseconds from the request to the frame with the title, and to that with the chart."""
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto(address, wait_until="commit")
    page.wait_for_selector("h1")
    calm(page)
    with contextlib.suppress(Exception):  # a page without its chart has no such time
        wait_until(page, "'chart' in window.firstSeen", timeout=20_000)
    times: dict[str, float] = page.evaluate("window.firstSeen")
    page.close()
    return times


def measure(chromium: Browser, targets: dict[str, str], repeats: int) -> dict[str, dict[str, dict[str, float]]]:
    """Return cache -> page -> part -> median; pages take turns."""
    filled = _context(chromium)
    for target in targets.values():
        open_tab(filled, target)  # warms the server, and fills the cache

    def open_alone(target: str) -> dict[str, float]:
        context = _context(chromium)
        times = open_tab(context, target)
        context.close()
        return times

    ways: dict[str, Callable[[str], dict[str, float]]] = {
        "empty": open_alone,
        "filled": lambda target: open_tab(filled, target),
    }
    result = {}
    for cache, way in ways.items():
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in targets}
        for _ in range(repeats):
            for name, target in targets.items():
                runs[name].append(way(target))
        result[cache] = {name: _medians(times) for name, times in runs.items()}
    return result


def _context(chromium: Browser) -> BrowserContext:
    return chromium.new_context(viewport={"width": 1280, "height": 800})


def _medians(runs: list[dict[str, float]]) -> dict[str, float]:
    parts = {part for run in runs for part in run}
    return {part: statistics.median(run[part] for run in runs if part in run) for part in sorted(parts)}


def add_ratios(times: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Return page -> times and their ratios to the title page's title and the chart page's chart."""
    title, chart = times["(title)"]["title"], times["(chart)"].get("chart", float("nan"))
    return {
        name: {
            **values,
            "title_ratio": values.get("title", float("nan")) / title,
            "chart_ratio": values.get("chart", float("nan")) / chart,
        }
        for name, values in times.items()
    }


def print_table(cache: str, rows: dict[str, dict[str, float]]) -> None:
    """Print one cache's table; a ratio above its goal has an exclamation mark."""
    goals = dict(zip(("title_ratio", "chart_ratio"), GOALS[cache], strict=True))
    print(f"\n{cache} cache{'title, ms':>24}{'ratio':>9}{'chart, ms':>14}{'ratio':>9}")
    for name, row in rows.items():
        cells = []
        for part in ("title", "chart"):
            ratio = row[f"{part}_ratio"]
            is_above = not name.startswith("(") and not ratio <= goals[f"{part}_ratio"]
            cells += [f"{row.get(part, float('nan')):>13,.0f}", f"{ratio:>8.2f}{'!' if is_above else ' '}"]
        print(f"{name:22}{''.join(cells)}")


def main() -> None:
    """Serve the three apps, measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--pages", nargs="*", default=[page.slug for page in find_pages()])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        addresses = {}
        for name, text in {"title": TITLE_PAGE, "chart": CHART_PAGE}.items():
            script = Path(folder) / f"{name}.py"
            script.write_text(text, encoding="utf-8")
            addresses[f"({name})"] = stack.enter_context(server(Path(folder) / name, script=str(script)))
        app = stack.enter_context(server(Path(folder) / "home"))
        targets = {**addresses, **{slug: f"{app}/{slug}" for slug in options.pages}}
        chromium = stack.enter_context(browser())
        caches = {cache: add_ratios(times) for cache, times in measure(chromium, targets, options.repeats).items()}
    if options.json:
        print(json.dumps({**caches, "load": os.getloadavg()[0], "cores": os.cpu_count()}, indent=1))
        return
    for cache, rows in caches.items():
        print_table(cache, rows)
    print(f"\nmedians of {options.repeats}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
