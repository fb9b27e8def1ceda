"""Opens pages without a browser: `python -m dlcore.ui.shell.health [PAGE ...]` prints one line a page.

A page fails if its script raises an error, or shows one: a page that cannot read its runs, for example.
"""

import logging
import sys
from collections.abc import Sequence

from streamlit.testing.v1 import AppTest

from dlcore.core.errors import RequestError
from dlcore.core.settings import ROOT
from dlcore.ui.shell.menu import PageFile, find_pages, workspace_pages

HOME = "home"
TIMEOUT = 60
"""Seconds a page may take."""


def open_page(page: PageFile | None) -> str:
    """Open a page, the home page for None; return its error in one line, or an empty text."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=TIMEOUT)
    try:
        if page is not None:
            app.switch_page(str(page.path.relative_to(ROOT)))
        app.run()
    except Exception as error:
        return f"{type(error).__name__} {error}"
    problems = [*(each.message for each in app.exception), *(each.value for each in app.error)]
    return " ".join(str(problems[0]).split()) if problems else ""


def main(names: Sequence[str]) -> int:
    """Open the named pages, or all; return the exit code."""
    logging.disable(logging.WARNING)
    pages: dict[str, PageFile | None] = {
        HOME: None,
        **{page.slug: page for page in (*workspace_pages(), *find_pages())},
    }
    if unknown := set(names) - set(pages):
        raise RequestError(f"there is no page '{min(unknown)[:40]}': available are {', '.join(pages)}.")
    is_healthy = True
    for name in names or pages:
        error = open_page(pages[name])
        is_healthy &= not error
        sys.stdout.write(f"{name}: {error}\n" if error else f"{name}\n")
        sys.stdout.flush()
    return 0 if is_healthy else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
