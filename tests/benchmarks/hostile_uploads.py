"""Hostile uploads to the server through a browser: messages, memory, other sessions, disk.

    python tests/benchmarks/hostile_uploads.py [--seconds 60]

Uploads every file of tests/data/hostile_files.py to the food page, one after the other, and prints JSON. Exits with 1
if a bad file got no one-line message, a good one no prediction, a traceback was shown, the server took 1 GB more than
when idle, or a file was left on disk.
"""

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser"), str(ROOT / "tests" / "data")]

from hostile_files import HOSTILE, ODD, large, too_large  # noqa: E402
from invalid_images import JPEG  # noqa: E402
from server import browser, calm, server, visit  # noqa: E402

PAGE = "food?panel=predict&food-input=My+photos"
PREDICTED = "Predicted in"
TRACEBACK = "[data-testid=stException]"
MESSAGE = "[data-testid=stAlert] [data-testid=stMarkdownContainer], [data-testid=stFileChip] [role=alert]"
DELETE = "[data-testid=stFileChipDeleteBtn] button"
ALLOWED = 2**30
"""Allowed memory increase of the server over its idle state, in bytes."""


class MemoryMonitor(threading.Thread):
    """Peak memory of a process and its children, polled fifty times per second."""

    def __init__(self, process: psutil.Process) -> None:
        super().__init__(daemon=True)
        self.process, self.peak, self.stopped = process, 0, threading.Event()

    def run(self) -> None:
        while not self.stopped.wait(0.02):
            self.peak = max(self.peak, memory_bytes(self.process))


def memory_bytes(process: psutil.Process) -> int:
    """Return the resident memory of a process and its children."""
    total = 0
    for part in (process, *process.children(recursive=True)):
        try:
            total += part.memory_info().rss
        except psutil.Error:
            continue
    return total


def upload(page: Page, name: str, payload: bytes, seconds: float) -> tuple[str, float]:
    """Upload a file, then remove it; returns the page's message and the seconds until it appeared."""
    begin = time.perf_counter()
    page.locator("input[type=file]").first.set_input_files(
        [{"name": name, "mimeType": "application/octet-stream", "buffer": payload}]
    )
    text = ""
    while not text and time.perf_counter() - begin < seconds:
        page.wait_for_timeout(50)
        calm(page)
        text = read_message(page)
    seconds_taken = time.perf_counter() - begin
    while page.locator(DELETE).count():
        page.locator(DELETE).first.click()
        page.wait_for_timeout(100)
        calm(page)
    until = time.perf_counter() + seconds
    while read_message(page) and time.perf_counter() < until:  # the next file must not get this message
        page.wait_for_timeout(50)
    return text, seconds_taken


def read_message(page: Page) -> str:
    """Return the first error message, `PREDICTED` after a prediction, or "traceback"."""
    if page.locator(TRACEBACK).count():
        return "traceback"
    messages = [text for text in page.locator(MESSAGE).all_inner_texts() if text.strip()]
    if page.get_by_text(PREDICTED).count():
        return PREDICTED
    return messages[0].strip() if messages else ""


def list_files(*folders: Path) -> set[str]:
    """Return every file below the folders."""
    return {str(path) for folder in folders for path in folder.rglob("*") if path.is_file()}


def files() -> Iterator[tuple[str, bytes, bool]]:
    """Yield name, content, and whether the file is valid."""
    yield from ((name, payload, False) for name, payload in {**HOSTILE, **too_large()}.items())
    yield from ((name, payload, True) for name, payload in {**ODD, **large()}.items())


def is_expected(text: str, good: bool) -> bool:
    """Return whether a good file got a prediction, and a bad one an error of one line."""
    return text == PREDICTED if good else bool(text) and text not in (PREDICTED, "traceback") and "\n" not in text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="time limit per file")
    seconds = parser.parse_args().seconds
    this_process = psutil.Process()
    failures: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as temporary, browser() as chromium:
        folders = [Path(temporary) / name for name in ("home", "cache", "tmp")]
        for folder in folders:
            folder.mkdir()
        os.environ |= {"DLCORE_CACHE": str(folders[1]), "TMPDIR": str(folders[2])}
        with server(folders[0]) as address:
            process = next(child for child in this_process.children() if "streamlit" in " ".join(child.cmdline()))
            page, other = (chromium.new_context().new_page() for _ in range(2))
            visit(page, f"{address}/{PAGE}")
            assert upload(page, "good.jpg", JPEG, seconds)[0] == PREDICTED
            visit(other, f"{address}/anatomy")
            disk, idle = list_files(*folders), memory_bytes(process)
            monitor = MemoryMonitor(process)
            monitor.start()
            waits, slowest, count = [], ("", 0.0), 0
            for name, payload, good in files():
                message, duration = upload(page, name, payload, seconds)
                count, slowest = count + 1, max(slowest, (ascii(name)[:40], duration), key=lambda pair: pair[1])
                if not is_expected(message, good):
                    failures[ascii(name)[:60]] = message or "no message"
                print(
                    f"{count:3} {'ok ' if is_expected(message, good) else 'BAD'} {ascii(name)[:40]:40} {message[:110]}",
                    file=sys.stderr,
                )
                if count % 10 == 0:
                    begin = time.perf_counter()
                    visit(other, f"{address}/anatomy")
                    waits.append(time.perf_counter() - begin)
            message, _ = upload(page, "good again.jpg", JPEG + b"\n", seconds)
            monitor.stopped.set()
            monitor.join()
            new_files = sorted(list_files(*folders) - disk)
            log = (folders[0] / "server.log").read_text()
    result = {
        "files": count,
        "wrong": failures,
        "good photo afterwards": message == PREDICTED,
        "idle MB": idle >> 20,
        "peak MB over idle": (monitor.peak - idle) >> 20,
        "other session's page s": round(max(waits), 1),
        "slowest": [slowest[0], round(slowest[1], 1)],
        "left on disk": new_files,
        "tracebacks in the log": log.count("Traceback"),
    }
    print(json.dumps(result, indent=1))
    passed = (
        not failures
        and message == PREDICTED
        and monitor.peak - idle < ALLOWED
        and not new_files
        and "Traceback" not in log
    )
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
