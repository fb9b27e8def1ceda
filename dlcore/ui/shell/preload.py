"""What a page needs in the browser, on its way before anyone asks for it.

Streamlit loads the code of each kind of element when the first one arrives: some sixty files and plotly.js, asked for
just while Python is busy with the page. Named in the page's HTML they come while Python waits
(`tests/benchmarks/pages.py` times it). Without any of this everything still works, only later.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dlcore.ui.components.mount import PLOTLY_FILE, script_urls

ELEMENTS = (
    *("PageLink", "Html", "Selectbox", "ButtonGroup", "Button", "DownloadButton", "Slider", "Progress"),
    *("DataFrame", "PlotlyChart", "BidiComponent", "NumberInput", "Checkbox", "FileUploader", "Multiselect"),
)
"""Kinds of elements that our pages show, as Streamlit's files are called; a name it does not have is skipped."""
_FOLDER = Path(st.__file__).parent / "static"
_IMPORT = re.compile(r'(?:from|import)"\./([\w.$-]+\.js)"')
_OURS = """
if (!window.dlcorePlotly) window.dlcorePlotly = new Promise((resolve, reject) => {
  const script = Object.assign(document.createElement("script"), { src: "app/static/%s" });
  script.onload = () => resolve(window.Plotly);
  script.onerror = () => { window.dlcorePlotly = undefined; reject(new Error("plotly.js did not load")); };
  document.head.append(script);
});
"""
_STREAMLITS = 'import(new URL("static/js/%s", document.baseURI).href).catch(() => {});'


class Preload:
    """Names in every HTML page the files that it will need."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; only what is HTML is touched."""
        if scope["type"] != "http" or scope["method"] != "GET" or "." in scope["path"] or "/_stcore/" in scope["path"]:
            await self.app(scope, receive, send)
            return
        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        await self.app({**scope, "headers": plain}, receive, _Rewriter(send, b"panel=Train" in scope["query_string"]))


class _Rewriter:
    """Holds an HTML answer back until it is whole, and sends it with the links in its head."""

    def __init__(self, send: Send, ours: bool) -> None:
        self.send, self.ours = send, ours
        self.start: Message | None = None
        self.body = b""

    async def __call__(self, message: Message) -> None:
        """Take one part of the answer."""
        if message["type"] == "http.response.start" and _is_html(message):
            self.start = message
        elif self.start is None:
            await self.send(message)
        else:
            self.body += message.get("body", b"")
            if not message.get("more_body"):
                await self._finish(self.start)

    async def _finish(self, start: Message) -> None:
        body = self.body.replace(b"</head>", links(ours=self.ours).encode() + b"</head>", 1)
        MutableHeaders(raw=start["headers"])["content-length"] = str(len(body))
        await self.send(start)
        await self.send({"type": "http.response.body", "body": body})


MIDDLEWARE = [Middleware(Preload)]


def read_plotly(*, ours: bool) -> None:
    """Let the browser read plotly.js once it has painted: our components' copy, or else that of `st.plotly_chart`."""
    name = PLOTLY_FILE if ours else next(iter(chunks("PlotlyChart")), "")
    if name:
        with st.container(key="ahead"):
            read = (_OURS if ours else _STREAMLITS) % name
            painted = f"requestAnimationFrame(() => setTimeout(() => {{{read}}}));"  # the page's head comes first
            st.html(f"<script>{painted}</script>", unsafe_allow_javascript=True)


@lru_cache(maxsize=2)
def links(*, ours: bool) -> str:
    """Return the `<link>` elements: Streamlit's files, the modules of our components, plotly.js for the Train panel."""
    later = 'fetchpriority="low" crossorigin rel="modulepreload"'  # what starts the page goes first
    names = [f"static/js/{name}" for name in _needed(ELEMENTS)]
    names += script_urls("curves", "gradients") if ours else script_urls("threshold")
    files = "".join(f'<link {later} href="./{name}">' for name in names)
    return files + (f'<link rel="preload" as="script" href="./app/static/{PLOTLY_FILE}">' if ours else "")


def chunks(element: str) -> list[str]:
    """The files of one kind of element, without those they import."""
    return sorted(file.name for file in (_FOLDER / "static" / "js").glob(f"{element}.*.js"))


def _needed(elements: Iterable[str]) -> list[str]:
    """The elements' files and all that those import, but for what the HTML names already."""
    index = (_FOLDER / "index.html").read_text(encoding="utf-8")
    seen: dict[str, None] = {}
    left = [name for element in elements for name in chunks(element)]
    while left:
        name = left.pop()
        file = _FOLDER / "static" / "js" / name
        if name not in seen and name not in index and file.is_file():
            seen[name] = None
            left += _IMPORT.findall(file.read_text(encoding="utf-8"))
    return list(seen)


def _is_html(message: Message) -> bool:
    headers = Headers(raw=message["headers"])
    return headers.get("content-type", "").startswith("text/html") and "content-encoding" not in headers
