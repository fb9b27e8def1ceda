"""What a page shows first: its main picture, before the menu, other panels and chart libraries.

It may be drawn twice. Its first frame is an SVG image from Python, which needs no script. The live chart or
component is drawn under it in the same container and replaces it once it has drawn itself.
"""

import base64
import html
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import streamlit as st

KEY = "main_picture"
"""Key of the container of a page's main picture; a larger component marks its chart with `data-picture`."""
_PAUSE = 0.15
"""Seconds between the first frame and what follows, on the first page of a session."""
_deferred: ContextVar[tuple[Callable[[], object], ...]] = ContextVar("deferred", default=())


@contextmanager
def main_picture(
    frame: str = "", *, alt: str = "", height: int = 0, top: int = 0, is_html: bool = False
) -> Iterator[None]:
    """Container of the page's main picture; the live chart is drawn inside the `with` block.

    Args:
        frame: SVG of the first frame (`dlcore.plots.svg`); without one, the live chart is its own first frame.
        is_html: whether `frame` is HTML instead, whose texts are escaped.
        alt: the frame in one sentence.
        height: of the frame in pixels.
        top: distance of the frame from the top of the live chart in pixels.
    """
    with st.container(key=KEY):
        if frame:
            data = base64.b64encode(frame.encode()).decode("ascii")
            image = f'<img alt="{html.escape(alt)}" src="data:image/svg+xml;base64,{data}">'
            box = f'class="dl-frame" style="height:{height}px;margin-top:{top}px"'
            st.html(f"<div {box}>{frame if is_html else image}</div>")
            _let_browser_paint()
            draw_deferred()
        yield
    draw_deferred()


def _let_browser_paint() -> None:
    """Hold the rest of a session's first page back, if a browser is there: it paints late what arrives at once."""
    if st.context.headers and not st.session_state.get("is-painted"):
        st.session_state["is-painted"] = True
        time.sleep(_PAUSE)


def defer(draw: Callable[[], object]) -> None:
    """Call `draw` after the first frame of this page, or at its end."""
    _deferred.set((*_deferred.get(), draw))


def draw_deferred() -> None:
    """Draw what is deferred, once."""
    pending = _deferred.get()
    _deferred.set(())
    for draw in pending:
        draw()
