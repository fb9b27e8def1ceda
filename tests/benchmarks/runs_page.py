"""Time of page Runs in a browser: python tests/benchmarks/runs_page.py [--runs 1000] [--repeats 7].

Prints JSON with median milliseconds, on a warm server with a filled browser cache: a new tab to the first rows and to
the table that scrolls, a filter to the end of its script, a link with 20 runs of 200 epochs to the first curves and to
the chart that zooms; and the load.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import BrowserContext

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser"), str(ROOT / "tests" / "benchmarks")]

from runs_list import store_runs  # noqa: E402
from server import browser, calm, server, visit  # noqa: E402

from dlcore import projects, runs  # noqa: E402
from dlcore.runs import lifecycle  # noqa: E402
from dlcore.runs.folder import of_run  # noqa: E402
from dlcore.runs.metric_file import append_metrics  # noqa: E402

ROWS, TABLE, FRAME = ".dl-frame tbody tr", "[data-testid=stDataFrame] canvas", ".dl-frame img"
CURVES = ".js-plotly-plot .main-svg"
METRICS = ("train_loss", "validation_loss", "train_accuracy", "validation_accuracy")


def store_curves(count: int, epochs: int) -> list[str]:
    """Store runs of that many epochs with different learning rates, and return their ids."""
    run_ids = []
    for number in range(count):
        settings = {"learning_rate": 1e-4 * (number + 1)}
        config = projects.configure("fashion", dataset="digits", preset="quick", device="cpu", settings=settings)
        run_id = runs.create(config).run_id
        metrics = {"accuracy": 0.9 + number / 1000, "loss": 0.3}
        lifecycle.write_state(of_run(run_id), "finished", epoch=epochs, steps_per_epoch=10, metrics=metrics)
        rows = [(10 * epoch, dict.fromkeys(METRICS, 1 / epoch), 0) for epoch in range(1, epochs + 1)]
        append_metrics(of_run(run_id), rows)
        run_ids.append(run_id)
    return run_ids


def open_tab(context: BrowserContext, address: str, selector: str) -> float:
    """Return milliseconds from the request in a new tab until the element is there."""
    page = context.new_page()
    start = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.wait_for_selector(selector, state="attached", timeout=60_000)
    took = 1000 * (time.perf_counter() - start)
    calm(page)
    page.close()
    return took


def filter_times(context: BrowserContext, address: str, repeats: int) -> list[float]:
    """Return milliseconds from a click on a filter until its script ended and the table is there."""
    page = context.new_page()
    visit(page, f"{address}/runs")
    page.wait_for_selector(TABLE)
    page.wait_for_timeout(1000)
    took = []
    for _ in range(2 * repeats):
        before = page.locator("[data-testid=stCaptionContainer]").first.inner_text()
        start = time.perf_counter()
        page.get_by_role("button", name="Favorites").first.click()
        while page.locator("[data-testid=stCaptionContainer]").first.inner_text() == before:
            page.wait_for_timeout(5)
        took.append(1000 * (time.perf_counter() - start))
        calm(page)
        page.wait_for_timeout(300)
    page.close()
    return took


def main() -> None:
    """Store runs, start a server, and print the times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["DLCORE_HOME"] = home
        compared = store_curves(20, 200)
        store_runs(options.runs - len(compared))
        with server(Path(home)) as address, browser() as chromium:
            context = chromium.new_context(viewport={"width": 1280, "height": 800})
            link = f"{address}/runs?runs={','.join(compared)}"
            for warm_up in (f"{address}/runs", link):
                visit(context.new_page(), warm_up)
            result = {
                "runs": options.runs,
                "load": os.getloadavg()[0],
                "first_table_ms": [open_tab(context, f"{address}/runs", ROWS) for _ in range(options.repeats)],
                "live_table_ms": [open_tab(context, f"{address}/runs", TABLE) for _ in range(options.repeats)],
                "filter_ms": filter_times(context, address, options.repeats),
                "first_curves_20x200_ms": [open_tab(context, link, FRAME) for _ in range(options.repeats)],
                "live_chart_20x200_ms": [open_tab(context, link, CURVES) for _ in range(options.repeats)],
            }
    medians = {
        name: round(statistics.median(value)) if isinstance(value, list) else value for name, value in result.items()
    }
    print(json.dumps(medians, indent=1))


if __name__ == "__main__":
    main()
