"""One server, one browser and one browser context for all tests of this tier in a process.

Without a browser the tests are skipped; in CI they fail.
"""

import contextlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

SKIP = "no browser found: install Chromium (Debian: apt install chromium) or set DLCORE_BROWSER"


@pytest.fixture(scope="session")
def chromium():
    if importlib.util.find_spec("playwright") is None:
        _skip("playwright is not installed: pip install -r tests/requirements.txt")
    import server

    if server.find_browser() is None:
        _skip(SKIP)
    with server.browser() as browser:
        yield browser


def _skip(reason: str) -> None:
    if os.environ.get("DLCORE_REQUIRE_BROWSER") == "1":
        pytest.fail(f"{reason} (required by DLCORE_REQUIRE_BROWSER=1)")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def server_home(tmp_path_factory) -> Path:
    """The DLCORE_HOME of the shared server."""
    return tmp_path_factory.mktemp("browser-home")


@pytest.fixture(scope="session")
def context(chromium):
    """The shared browser context: with its cache, pages do not compile the app's scripts again."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    yield context
    context.close()


@pytest.fixture(scope="session")
def address(context, server_home):
    import server

    with server.server(server_home) as url:
        page = context.new_page()
        server.visit(page, f"{url}/anomaly", seconds=240)  # the first visit imports torch
        page.close()
        yield url


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Add the browser's errors to the report of a failed test."""
    outcome = yield
    report = outcome.get_result()
    lines = getattr(item, "funcargs", {}).get("console")
    if report.failed and lines:
        report.sections.append(("browser console", "\n".join(str(getattr(line, "text", line)) for line in lines)))


@pytest.fixture
def console():
    """Errors in the browser's console."""
    return []


@pytest.fixture(scope="session")
def runtime():
    """ONNX Runtime Web: the installed package, or in CI that of npm."""
    from dlcore.core.errors import WorkbenchError
    from dlcore.runs.browser_model import ort_web

    files = ort_web.find()
    if files is None and os.environ.get("CI") == "true":
        with contextlib.suppress(WorkbenchError):  # no npm, or no network
            files = ort_web.fetch()
    if files is None:
        pytest.skip("ONNX Runtime Web is not here: set DLCORE_ORT_WEB to the folder of the npm package onnxruntime-web")
    return files


@pytest.fixture
def page(context, console) -> Iterator:
    """A new tab without cookies or stored settings."""
    page = context.new_page()
    page.on("console", lambda message: console.append(message) if message.type == "error" else None)
    page.on("pageerror", lambda error: console.append(error))
    yield page
    if page.url.startswith("http"):
        page.evaluate("localStorage.clear(); sessionStorage.clear()")
    page.close()
    context.clear_cookies()
