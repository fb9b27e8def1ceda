"""A server on a free local port with a separate home, and a headless browser."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CALM = "[data-testid=stApp][data-test-script-state=notRunning]"
_COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def find_browser() -> str | None:
    """Return the path of a Chromium: `DLCORE_BROWSER`, or the first found on the PATH."""
    path = os.environ.get("DLCORE_BROWSER")
    return path or next(filter(None, map(shutil.which, _COMMANDS)), None)


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """Start a headless browser and close it at the end."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
        yield chromium
        chromium.close()


@contextlib.contextmanager
def server(home: Path, *, script: str = "app.py", python: str = sys.executable) -> Iterator[str]:
    """Start the app (or another script) with its runs in `home`; yields its address once it responds."""
    port = free_port()
    home.mkdir(parents=True, exist_ok=True)
    log = (home / "server.log").open("wb")
    command = [python, "-m", "streamlit", "run", script, "--server.headless=true", f"--server.port={port}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DLCORE_HOME": str(home), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    address = f"http://localhost:{port}"
    try:
        _wait_for_health(address, process, home / "server.log")
        yield address
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()
        log.close()
        end_workers(home)


def end_workers(home: Path) -> None:
    """Kill all workers of runs and searches in `home`: workers outlive the server."""
    for file in home.glob("*/*/worker.json"):
        pid = json.loads(file.read_text()).get("pid")
        with contextlib.suppress(OSError, TypeError):
            os.kill(pid, signal.SIGKILL)


def free_port() -> int:
    """Return a free local port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def visit(page: Page, address: str, *, seconds: float = 60) -> None:
    """Open an address and wait until the script has finished."""
    page.goto(address)
    calm(page, seconds=seconds)


def panel_switch(page: Page, panel: str) -> Locator:
    """Return the radio button of a panel."""
    return page.get_by_role("radiogroup", name="Panel").get_by_role("radio", name=panel, exact=True)


def calm(page: Page, *, seconds: float = 60) -> None:
    """Wait until no script runs."""
    page.wait_for_selector(CALM, timeout=seconds * 1000)


def wait_until(page: Page, expression: str, *, timeout: float = 30_000) -> None:
    """Wait until an expression is true: Playwright's `wait_for_function` needs `eval`, which the policy forbids."""
    deadline = time.monotonic() + timeout / 1000
    while not page.evaluate(expression):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not true after {timeout / 1000:.0f} s: {expression}")
        page.wait_for_timeout(50)


def errors(console: Iterable[object]) -> list[str]:
    """Return console errors except the two 404s of addresses that Streamlit probes on a deep link."""
    lines = []
    for message in console:
        where = getattr(message, "location", None) or {}
        probe = "_stcore/" in str(where.get("url", "")) and "404" in getattr(message, "text", "")
        if not probe:
            lines.append(f"{getattr(message, 'text', message)} {where}")
    return lines


def serious(page: Page, *, rules: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """Return violations that axe rates serious or critical, as pairs of rule and element; of `rules` or all.

    Streamlit fades elements while a script redraws them, which axe reports as low contrast: only violations that
    persist count.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    for wait in (0, 1500, 3000):
        page.wait_for_timeout(wait)
        wait_until(
            page,
            "() => ![...document.querySelectorAll('[data-testid=stElementContainer]')]"
            ".some((element) => Number(getComputedStyle(element).opacity) < 1)",
        )
        bad = page.evaluate(_SERIOUS, list(rules))
        if not bad:
            return []
    return [(rule, element) for rule, element in bad]


_SERIOUS = """async (rules) => {
    const run = { resultTypes: ["violations"], ...(rules.length ? { runOnly: { type: "rule", values: rules } } : {}) };
    const bad = (await axe.run(run)).violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
    return bad.map(({ id, nodes }) => [id, nodes[0].html.slice(0, 300)]);
}"""


def _wait_for_health(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server exited: {log.read_text()[-2000:]}")
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
            return
        time.sleep(0.2)
    raise RuntimeError(f"no response from {address}: {log.read_text()[-2000:]}")
