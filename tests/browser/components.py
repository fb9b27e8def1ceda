"""Open a component in a page without a server: modules from the repository, data from the test."""

import json
from typing import Any

from playwright.sync_api import Page, Route

from dlcore.ui.components import mount

ADDRESS = "http://components.test"
_TYPES = {"html": "text/html", "js": "text/javascript"}


def serve(page: Page, html: str = "") -> None:
    """Serve a page around `html` and the components' modules at `ADDRESS`."""

    def answer(route: Route) -> None:
        name = route.request.url.removeprefix(f"{ADDRESS}/")
        body = (mount._FOLDER / name).read_text() if name.endswith(".js") else f"<!doctype html><main>{html}</main>"
        route.fulfill(body=body, content_type=_TYPES["js" if name.endswith(".js") else "html"])

    page.route(f"{ADDRESS}/**", answer)
    page.goto(f"{ADDRESS}/")


def open_component(page: Page, name: str, data: dict[str, Any], *, style: str = "") -> None:
    """Draw a component with its style sheet; its reports are collected in `window.reports`."""
    css, html = mount._FOLDER / name / f"{name}.css", (mount._FOLDER / name / f"{name}.html").read_text()
    sheet = css.read_text() if css.exists() else ""
    serve(page, f"<style>{style}{sheet}</style>{html}")
    page.evaluate(
        """async ([name, data]) => {
          window.reports = [];
          const { default: draw } = await import(`/${name}/${name}.js`);
          const setStateValue = (...report) => window.reports.push(report);
          await draw({ data, parentElement: document.querySelector("main"), setStateValue });
        }""",
        [name, json.loads(json.dumps(data))],
    )
