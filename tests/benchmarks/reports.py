"""Reports opened from a disk with the network cut: python tests/benchmarks/reports.py [PROJECT ...].

Prints one Markdown row for each of these projects, or all: the run, size of the file in MB, requests and console
errors, serious findings of axe at two widths, milliseconds until it is drawn, and until the model in it has answered
once, which includes loading the runtime; then the load. $DLCORE_ORT_WEB is the folder of the npm package
onnxruntime-web; without it, no model is in them.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

from server import browser, serious  # noqa: E402

from dlcore import runs  # noqa: E402
from dlcore.runs.browser_model import ort_web  # noqa: E402
from dlcore.runs.report.document import write_report  # noqa: E402

SAMPLE, TEXT, FILE = ".dl-model-samples button", ".dl-model textarea", ".dl-model input[type=file][accept*=image]"
INPUT, ANSWERED = f"{SAMPLE}, {TEXT}, {FILE}", ".dl-model-note[data-state=done]"
PHOTO = ROOT / "docs" / "images" / "food.png"


def main() -> None:
    """Write a report for each project, open it and print its row."""
    runtime = ort_web.find()
    first = {run.record.project: run.run_id for run in reversed(runs.references())}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="*", choices=[[], *first], metavar="PROJECT")
    requested = parser.parse_args().projects
    print("| run | MB | requests | errors | axe | drawn, ms | first answer, ms |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, browser() as chromium:
        for ref in [first[project] for project in requested or first]:
            file = Path(folder) / "report.html"
            write_report([ref], file, runtime=runtime)
            print(f"| {ref} | {file.stat().st_size / 1e6:.1f} | {measure(chromium, file)} |", flush=True)
    print(f"\nload {os.getloadavg()[0]:.1f}")


def measure(chromium: Browser, file: Path) -> str:
    """Open a report and return the other cells of its row."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, offline=True)
    page, requests, errors = context.new_page(), [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda entry: errors.append(entry.text) if entry.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    begin = time.perf_counter()
    page.goto(file.as_uri())
    page.locator("html[data-drawn]").wait_for(timeout=60_000)
    drawn_ms = 1000 * (time.perf_counter() - begin)
    answer = "–"
    if page.locator(INPUT).count():
        begin = time.perf_counter()
        give_input(page)
        try:
            page.locator(ANSWERED).first.wait_for(timeout=120_000)
            answer = f"{1000 * (time.perf_counter() - begin):.0f}"
        except PlaywrightTimeout:
            answer = "none"
    context.close()
    findings = 0
    for width in (1280, 390):
        context = chromium.new_context(viewport={"width": width, "height": 800}, bypass_csp=True)  # axe is a script
        page = context.new_page()
        page.goto(file.as_uri())
        page.locator("html[data-drawn]").wait_for(timeout=60_000)
        findings += len(serious(page)) + (not page.evaluate("document.documentElement.scrollWidth <= innerWidth"))
        context.close()
    for error in errors:
        print(error, file=sys.stderr)
    return f"{len(requests) - 1} | {len(errors)} | {findings} | {drawn_ms:.0f} | {answer}"


def give_input(page: Page) -> None:
    """Choose the first sample of the report's model, or type a text, or give it an image."""
    if page.locator(SAMPLE).count():
        page.locator(SAMPLE).first.click()
    elif page.locator(TEXT).count():
        page.locator(TEXT).first.fill("who wrote this wonderful film?")
    else:
        page.locator(FILE).first.set_input_files(PHOTO)


if __name__ == "__main__":
    main()
