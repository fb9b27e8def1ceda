"""One server and one browser for all tests of this tier; without a browser they are skipped, in CI they fail."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

SKIP = "no browser here: install Chromium (Debian: apt install chromium) or name one in DLCORE_BROWSER"


@pytest.fixture(scope="session")
def chromium():
    if importlib.util.find_spec("playwright") is None:
        _without("playwright is not installed: pip install -r tests/requirements.txt")
    import server

    if server.browser_here() is None:
        _without(SKIP)
    with server.browser() as browser:
        yield browser


def _without(reason: str) -> None:
    if os.environ.get("DLCORE_REQUIRE_BROWSER") == "1":
        pytest.fail(f"{reason} (DLCORE_REQUIRE_BROWSER=1 demands this tier)")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def address(chromium, tmp_path_factory):
    import server

    with server.server(tmp_path_factory.mktemp("browser-home")) as at:
        context = chromium.new_context()
        page = context.new_page()
        server.visit(page, f"{at}/anomaly")  # the first visit pays for the imports
        context.close()
        yield at


@pytest.fixture
def console():
    """Errors the browser's console showed, but for Streamlit's two probes on a deep link."""
    return []


@pytest.fixture
def page(chromium, console):
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.on("console", lambda message: console.append(message) if message.type == "error" else None)
    page.on("pageerror", lambda error: console.append(error))
    yield page
    context.close()
