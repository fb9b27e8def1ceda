"""Latency of the threshold component during a drag in a browser. Prints JSON.

    python tests/benchmarks/threshold.py [--moves 60] [--points 10320 50000 100000]

For each number of points: milliseconds from a pointer move to the end of the frame that shows its counts, the
websocket messages sent before and after the release, whether the zoom survives, and how long the first drawing blocks
the page (`first_drawing_ms`: the longest task of the browser's main thread).
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

from server import browser, calm, server, visit  # noqa: E402

SCRIPT = """
import numpy as np
import streamlit as st

from dlcore.ui.components import mount
from dlcore.runs.views.threshold import NamedWindow, Scope, SeriesAxis, ThresholdView
from dlcore.ui.components.threshold.component import show_threshold


def main():
    st.set_page_config(layout="wide")
    n = int(st.query_params.get("points", 10320))
    random = np.random.default_rng(0)
    times = 1_404_172_800_000 + 1_800_000 * np.arange(n)
    scores, labels = random.lognormal(-6, 1.2, n).astype(np.float32), np.zeros(n, np.uint8)
    windows = []
    for number, start in enumerate(np.linspace(0.55, 0.95, 5)):
        first = int(start * n)
        labels[first : first + 200] = 1
        scores[first + 30 : first + 90] *= 40
        windows.append(NamedWindow(int(times[first]), int(times[first + 199]), f"event {number + 1}"))
    values = (12_000 + 8_000 * np.sin(np.arange(n) * 2 * np.pi / 48) + random.normal(0, 900, n)).astype(np.float32)
    half = n // 2
    released = show_threshold(
        ThresholdView(scores, labels, 0.05, (Scope("second half", half, n), Scope("all", 0, n)),
                      (Scope("first", 0, half), Scope("second", half, n)), Scope("first", 0, half),
                      SeriesAxis(times, values, "rides in half an hour", tuple(windows)), "error"),
        key=f"bench-{n}",
    )
    st.write(f"Released: {released.threshold!r}")


if __name__ == "__main__":
    main()
else:
    app = st.App(__file__, routes=mount.static_routes())
"""
WATCH = """
window.longest = 0;
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) window.longest = Math.max(window.longest, task.duration);
}).observe({ type: "longtask", buffered: true });
window.took = [];
addEventListener("pointermove", (event) => {
  if (!event.buttons) return;
  requestAnimationFrame(() => { // asked for before the component asks: its own frame is the same one
    const channel = new MessageChannel();
    channel.port1.onmessage = () => window.took.push(performance.now() - event.timeStamp);
    channel.port2.postMessage(0); // runs once the frame has been drawn
  });
}, true);
"""
STATE = "(({zoom, t}) => ({zoom, t}))(document.querySelector('.dlt').dlcore)"


def dragged(chromium: Browser, address: str, points: int, *, moves: int) -> dict[str, object]:
    """Drag the threshold line over `moves` steps, on the whole and a zoomed view, with this number of points."""
    page, sent = chromium.new_page(viewport={"width": 1280, "height": 1000}), []
    page.add_init_script(WATCH)
    page.on("websocket", lambda socket: socket.on("framesent", lambda _: sent.append(1)))
    visit(page, f"{address}?points={points}")
    page.wait_for_selector(".dlt[data-drawn]")
    page.wait_for_timeout(1500)
    first, took = page.evaluate("window.longest"), {}
    for name in ("whole", "zoomed"):
        if name == "zoomed":
            page.locator(".dlt-in").click()
        before = len(sent)
        took[name] = drag(page, moves)
        during, zoomed = len(sent) - before, page.evaluate(STATE)
        page.mouse.up()
        page.wait_for_timeout(1200)
        calm(page)
        after = page.evaluate(STATE)
        page.get_by_text(f"Released: {after['t']!r}").wait_for(timeout=10_000)
    result = {
        **{f"{name}_{key}": value for name, values in took.items() for key, value in summary(values).items()},
        "messages_until_release": during,
        "messages_after": len(sent) - before - during,
        "zoom_survives": after["zoom"] == zoomed["zoom"] != [0, points],
        "first_drawing_ms": round(first),
    }
    page.close()
    return result


def drag(page: Page, moves: int) -> list[float]:
    """Grab the handle and move it up and down without releasing it."""
    box = page.locator(".dlt-handle").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate("window.took = []")
    for step in range(moves):
        page.mouse.move(x, y + 1.5 * (step if step < moves / 2 else moves - step))
        page.wait_for_timeout(30)
    page.wait_for_timeout(200)
    took: list[float] = page.evaluate("window.took")
    return took


def summary(values: list[float]) -> dict[str, float]:
    return {
        "median_ms": round(statistics.median(values), 1),
        "p95_ms": round(sorted(values)[int(0.95 * (len(values) - 1))], 1),
        "moves": len(values),
    }


def measure(points: list[int], moves: int) -> dict[str, object]:
    """Measure every number of points in one browser."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "drag.py"
        script.write_text(SCRIPT)
        with server(Path(folder) / "home", script=str(script)) as address, browser() as chromium:
            drags = {str(count): dragged(chromium, address, count, moves=moves) for count in points}
            version = chromium.version
    return {
        **drags,
        "browser": f"Chromium {version}, headless, no GPU",
        "processor": processor(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
    }


def processor() -> str:
    """Return the processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moves", type=int, default=60)
    parser.add_argument("--points", type=int, nargs="+", default=[10_320, 50_000, 100_000])
    args = parser.parse_args()
    print(json.dumps(measure(args.points, args.moves), indent=1))
