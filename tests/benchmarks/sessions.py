"""Many people at once: python tests/benchmarks/sessions.py [--sessions 40] [--browsers 6] [--minutes 10].

Starts one server with as many Chromium browsers, and one process with as many sessions without a browser (Streamlit's
AppTest, which runs the same scripts). Each opens every panel of its page once, which is not counted, and then another
one every `--pause` seconds. Prints JSON: switches, median and 95th percentile of their milliseconds (browser: from the
click to the end of the script with the panel in the address), and resident memory at the start and the end.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

from server import browser, calm, panel_switch, server, visit  # noqa: E402

from dlcore.core import devices  # noqa: E402
from dlcore.ui.shell.menu import find_pages  # noqa: E402

PAGES = ("anomaly", "architectures", "forecast", "food", "reviews_lstm", "fashion")
PANELS = ("Results", "Data", "Train", "Explain")


def switch_in_turn(people: list[Callable[[str], None]], *, seconds: float, pause: float) -> list[float]:
    """Let every person choose a panel once in `pause` seconds; return milliseconds of each switch."""
    took, end = [], time.monotonic() + seconds
    for turn in itertools.count():
        due = time.monotonic() + pause / len(people)
        if due > end:
            return took
        start = time.perf_counter()
        people[turn % len(people)](PANELS[(turn // len(people) + 1) % len(PANELS)])
        took.append(1000 * (time.perf_counter() - start))
        time.sleep(max(due - time.monotonic(), 0))
    return took


def be_sessions(number: int, seconds: float, pause: float) -> dict[str, Any]:
    """Open pages in sessions without a browser, and switch their panels."""
    from streamlit.testing.v1 import AppTest

    people = []
    for _, page in zip(range(number), itertools.cycle(find_pages()), strict=False):
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
        app.switch_page(str(page.path.relative_to(ROOT)))
        app.run()

        def choose(panel: str, app: AppTest = app) -> None:
            app.query_params["panel"] = panel.lower()
            app.run()
            assert not app.exception, app.exception

        people.append(choose)
    for choose, panel in itertools.product(people[: len(find_pages())], PANELS):
        choose(panel)
    before = psutil.Process().memory_info().rss
    took = switch_in_turn(people, seconds=seconds, pause=pause)
    return {"took": took, "memory": [before, psutil.Process().memory_info().rss]}


def be_browser(address: str, seconds: float, pause: float) -> dict[str, Any]:
    """Open a page in a browser, and switch its panels."""
    with browser() as chromium:
        page = chromium.new_page()
        visit(page, address, seconds=240)

        def choose(panel: str) -> None:
            panel_switch(page, panel).click(force=True)
            page.wait_for_url(f"**panel={panel.lower()}*", timeout=120_000, wait_until="commit")
            calm(page, seconds=120)

        for panel in (*PANELS[1:], PANELS[0]):
            choose(panel)
        return {"took": switch_in_turn([choose], seconds=seconds, pause=pause)}


def summary(took: list[float]) -> dict[str, float]:
    """Number of switches, and their median and 95th percentile in milliseconds."""
    return {
        "switches": len(took),
        "median_ms": round(statistics.median(took)),
        "p95_ms": round(statistics.quantiles(took, n=20)[-1]),
    }


def main() -> None:
    """Start the server and everybody, and print the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=40)
    parser.add_argument("--browsers", type=int, default=6)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--pause", type=float, default=20, help="seconds between two switches of one person")
    parser.add_argument("--address", help=argparse.SUPPRESS)
    parser.add_argument("--child", choices=("sessions", "browser"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    seconds = 60 * options.minutes
    if options.child == "sessions":
        return print(json.dumps(be_sessions(options.sessions, seconds, options.pause)))
    if options.child == "browser":
        return print(json.dumps(be_browser(options.address, seconds, options.pause)))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DLCORE_HOME"] = folder
        with server(Path(folder)) as address:
            command = [sys.executable, __file__, f"--minutes={options.minutes}", f"--pause={options.pause}"]
            addresses = [f"{address}/{PAGES[number % len(PAGES)]}" for number in range(options.browsers)]
            commands = [[*command, "--child=browser", f"--address={place}"] for place in addresses]
            commands.append([*command, "--child=sessions", f"--sessions={options.sessions}"])
            children = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for words in commands]
            time.sleep(seconds / 5)
            served = next(p for p in psutil.Process().children() if "streamlit" in p.cmdline())
            early = served.memory_info().rss
            answers = []
            for child in children[:-1]:
                answers.append(json.loads(child.communicate()[0].splitlines()[-1]))
            late = served.memory_info().rss
            sessions = json.loads(children[-1].communicate()[0].splitlines()[-1])
    result = {
        "hardware": f"{devices.describe()['processor']}, {devices.allowed_cores()} cores",
        "load": os.getloadavg(),
        "browsers": summary([time for answer in answers for time in answer["took"]]),
        "sessions": summary(sessions["took"]),
        "server_memory_mb": [round(early / 1e6), round(late / 1e6)],
        "sessions_memory_mb": [round(bytes / 1e6) for bytes in sessions["memory"]],
    }
    return print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
