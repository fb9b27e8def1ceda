"""Hostile files handed in to the real server through a real browser: what is said, memory, other sessions, the disk.

    python tests/benchmarks/hostile_uploads.py [--seconds 60]

Every file of tests/data/hostile_files.py goes through the food page's uploader, one after the other; JSON at the end,
and exit status 1 where a file got no one-line message (or a good one no answer), a traceback was seen, the server took
1 GB more than idle, another session's page stood still, or something was left on the disk.
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
from nasty_pictures import JPEG  # noqa: E402
from server import browser, calm, server, visit  # noqa: E402

PAGE = "food?panel=predict&food-input=My+photos"
ANSWERED = "Answered in"
TRACEBACK = "[data-testid=stException]"
SAID = "[data-testid=stAlert] [data-testid=stMarkdownContainer], [data-testid=stFileChip] [role=alert]"
DELETE = "[data-testid=stFileChipDeleteBtn] button"
ALLOWED = 2**30
"""Bytes that the server may take beyond what it holds when idle."""


class Watch(threading.Thread):
    """The most memory that a process and its children held, looked at fifty times a second."""

    def __init__(self, process: psutil.Process) -> None:
        super().__init__(daemon=True)
        self.process, self.most, self.over = process, 0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.02):
            self.most = max(self.most, held(self.process))


def held(process: psutil.Process) -> int:
    """Bytes in memory of a process and its children."""
    total = 0
    for item in (process, *process.children(recursive=True)):
        try:
            total += item.memory_info().rss
        except psutil.Error:
            continue
    return total


def hand_in(page: Page, name: str, payload: bytes, seconds: float) -> tuple[str, float]:
    """What the page says of one file, and after how many seconds; the file is taken away again."""
    begin = time.perf_counter()
    page.locator("input[type=file]").first.set_input_files(
        [{"name": name, "mimeType": "application/octet-stream", "buffer": payload}]
    )
    text = ""
    while not text and time.perf_counter() - begin < seconds:
        page.wait_for_timeout(50)
        calm(page)
        text = words(page)
    start = time.perf_counter() - begin
    while page.locator(DELETE).count():
        page.locator(DELETE).first.click()
        page.wait_for_timeout(100)
        calm(page)
    until = time.perf_counter() + seconds
    while words(page) and time.perf_counter() < until:  # what is said of the next one must be said of it
        page.wait_for_timeout(50)
    return text, start


def words(page: Page) -> str:
    """The first refusal, or that there is an answer, or that a traceback is shown."""
    if page.locator(TRACEBACK).count():
        return "traceback"
    result = [text for text in page.locator(SAID).all_inner_texts() if text.strip()]
    if page.get_by_text(ANSWERED).count():
        return ANSWERED
    return result[0].strip() if result else ""


def left_on_disk(*folders: Path) -> set[str]:
    """Every file below the folders."""
    return {str(path) for folder in folders for path in folder.rglob("*") if path.is_file()}


def files() -> Iterator[tuple[str, bytes, bool]]:
    """Name, content, and whether it is to be answered."""
    yield from ((name, payload, False) for name, payload in {**HOSTILE, **too_large()}.items())
    yield from ((name, payload, True) for name, payload in {**ODD, **large()}.items())


def right(text: str, good: bool) -> bool:
    """A good file is answered; a bad one is refused in one line."""
    return text == ANSWERED if good else bool(text) and text not in (ANSWERED, "traceback") and "\n" not in text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long a file may take")
    seconds = parser.parse_args().seconds
    before_us = psutil.Process()
    wrong: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as room, browser() as chromium:
        folders = [Path(room) / name for name in ("home", "cache", "tmp")]
        for folder in folders:
            folder.mkdir()
        os.environ |= {"DLCORE_CACHE": str(folders[1]), "TMPDIR": str(folders[2])}
        with server(folders[0]) as at:
            process = next(child for child in before_us.children() if "streamlit" in " ".join(child.cmdline()))
            page, other = (chromium.new_context().new_page() for _ in range(2))
            visit(page, f"{at}/{PAGE}")
            assert hand_in(page, "good.jpg", JPEG, seconds)[0] == ANSWERED
            visit(other, f"{at}/anatomy")
            disk, idle = left_on_disk(*folders), held(process)
            watch = Watch(process)
            watch.start()
            waits, slowest, count = [], ("", 0.0), 0
            for name, payload, good in files():
                said, taken = hand_in(page, name, payload, seconds)
                count, slowest = count + 1, max(slowest, (ascii(name)[:40], taken), key=lambda pair: pair[1])
                if not right(said, good):
                    wrong[ascii(name)[:60]] = said or "nothing was said"
                print(
                    f"{count:3} {'ok ' if right(said, good) else 'BAD'} {ascii(name)[:40]:40} {said[:110]}",
                    file=sys.stderr,
                )
                if count % 10 == 0:
                    begin = time.perf_counter()
                    visit(other, f"{at}/anatomy")
                    waits.append(time.perf_counter() - begin)
            said, _ = hand_in(page, "good again.jpg", JPEG + b"\n", seconds)
            watch.over.set()
            watch.join()
            left = sorted(left_on_disk(*folders) - disk)
            log = (folders[0] / "server.log").read_text()
    result = {
        "files": count,
        "wrong": wrong,
        "good photo afterwards": said == ANSWERED,
        "idle MB": idle >> 20,
        "most MB over idle": (watch.most - idle) >> 20,
        "other session's page s": round(max(waits), 1),
        "slowest": [slowest[0], round(slowest[1], 1)],
        "left on disk": left,
        "tracebacks in the log": log.count("Traceback"),
    }
    print(json.dumps(result, indent=1))
    well = not wrong and said == ANSWERED and watch.most - idle < ALLOWED and not left and "Traceback" not in log
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
