"""Preload the files a page needs in the browser.

Streamlit loads the code of each element type with its first element: about sixty files and plotly.js, requested
while Python is busy with the page. Links in the page's HTML name the few that title and main picture need; a script
at the end of the page loads those of the other panels (`tests/benchmarks/first_paint.py` measures it). Pages work
without preloading, but more slowly.
"""

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.delta_generator import DeltaGenerator

from dlcore.ui.components.mount import PLOTLY_FILE, script_urls
from dlcore.ui.shell.security import inline_script

FIRST = ("StreamlitMarkdown", "Html", "Selectbox", "ButtonGroup", "BidiComponent")
"""Element types of every first screen, named as in Streamlit's file names; unknown names are skipped."""
LATER = (
    *("PageLink", "Button", "DownloadButton", "Slider", "Progress", "DataFrame", "PlotlyChart"),
    *("NumberInput", "Checkbox", "FileUploader", "Multiselect"),
)
"""Element types of the other panels."""
MAIN_COMPONENTS = {
    "anomaly": ("threshold",),
    "architectures": ("curves",),
    "attention": ("self_attention",),
    "backprop": ("walk",),
    **dict.fromkeys(("fashion", "food"), ("gallery",)),
    **dict.fromkeys(("bert", "news", "questions", "reviews_bert", "reviews_lstm", "reviews_transformer"), ("typed",)),
    "rnn": ("unrolled",),
    "vit": ("attention",),
}
"""Page -> components of its main picture."""
MAIN_ELEMENTS = {"runs": ("TextInput", "Multiselect", "DataFrame")}
"""Page -> further element types of its main picture."""
_CURVES = (b"panel=train", b"panel=compare", b"runs=")
"""Parts of addresses that open on training curves."""
_FOLDER = Path(st.__file__).parent / "static"
_IMPORT = re.compile(r'(?:from|import)"\./([\w.$-]+\.js)"')
_LOAD_CUSTOM = """
if (!window.dlcorePlotly) window.dlcorePlotly = new Promise((resolve, reject) => {
  const script = Object.assign(document.createElement("script"), { src: "app/static/%s" });
  script.onload = () => resolve(window.Plotly);
  script.onerror = () => { window.dlcorePlotly = undefined; reject(new Error("plotly.js did not load")); };
  document.head.append(script);
});
"""
_LOAD_FILES = """
for (const name of %s) document.head.append(Object.assign(document.createElement("link"),
  { rel: "modulepreload", crossOrigin: "", href: new URL(name, document.baseURI).href }));
"""
_LOAD_STREAMLIT = 'import(new URL("static/js/%s", document.baseURI).href).catch(() => {});'
_CONNECT = inline_script("""window.__streamlit = {
  BACKEND_BASE_URL: new URL(".", document.baseURI).href,
  HOST_CONFIG: { allowedOrigins: [location.origin], useExternalAuthToken: false, enableCustomParentMessages: false,
    enforceDownloadInNewTab: false, metricsUrl: "", blockErrorDialogs: false, resourceCrossOriginMode: null },
};""")
"""Address and host settings of the server; without them, Streamlit first requests `/PAGE/_stcore/health`: a 404."""
_NEXT = inline_script("""addEventListener("DOMContentLoaded", () => {
  for (const link of document.querySelectorAll("link[rel=dl-next]")) link.rel = "modulepreload";
});""")
"""Load the files of the first screen after those that start the page."""


class Preload:
    """Middleware that adds preload links to every HTML page."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request; only HTML responses are changed."""
        if scope["type"] != "http" or scope["method"] != "GET" or "." in scope["path"] or "/_stcore/" in scope["path"]:
            await self.app(scope, receive, send)
            return
        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        await self.app({**scope, "headers": plain}, receive, _Rewriter(send, _links_of(scope)))


class _Rewriter:
    """Buffers an HTML response, and sends it with the links in its head."""

    def __init__(self, send: Send, links: str) -> None:
        self.send, self.links = send, links
        self.start: Message | None = None
        self.body = b""

    async def __call__(self, message: Message) -> None:
        """Handle one message of the response."""
        if message["type"] == "http.response.start" and _is_html(message):
            self.start = message
        elif self.start is None:
            await self.send(message)
        else:
            self.body += message.get("body", b"")
            if not message.get("more_body"):
                await self._finish(self.start)

    async def _finish(self, start: Message) -> None:
        body = self.body.replace(b"</head>", self.links.encode() + b"</head>", 1)
        MutableHeaders(raw=start["headers"])["content-length"] = str(len(body))
        await self.send(start)
        await self.send({"type": "http.response.body", "body": body})


MIDDLEWARE = [Middleware(Preload)]


def load_rest(place: DeltaGenerator, *, ours: bool) -> None:
    """Load the files of other panels and plotly.js (`ours`: that of the components) from a script in `place`."""
    with place:
        st.html(_SCRIPTS[ours], unsafe_allow_javascript=True)


def _links_of(scope: Scope) -> str:
    query = scope["query_string"].lower()
    return links(scope["path"].rpartition("/")[2], ours=any(part in query for part in _CURVES))


@lru_cache(maxsize=32)
def links(slug: str = "", *, ours: bool = False) -> str:
    """Return the `<link>` elements of a page's first screen, or of a view that opens on training curves (`ours`)."""
    attributes = 'crossorigin rel="dl-next"'
    names = [f"static/js/{name}" for name in _needed((*FIRST, *MAIN_ELEMENTS.get(slug, ())))]
    names += script_urls("curves", "gradients") if ours else script_urls(*MAIN_COMPONENTS.get(slug, ()))
    files = "".join(f'<link {attributes} href="./{name}">' for name in names)
    plotly = f'<link rel="preload" as="script" href="./app/static/{PLOTLY_FILE}">' if ours else ""
    early = _EARLY.get((slug, ours), "")
    return f"{_CONNECT}{files}{_NEXT}{early}{plotly}"


@lru_cache(maxsize=1)
def _later() -> list[str]:
    first = set(_needed(FIRST))
    return [f"static/js/{name}" for name in _needed(LATER) if name not in first]


def chunks(element: str) -> list[str]:
    """Return the files of an element type, without imports."""
    return sorted(file.name for file in (_FOLDER / "static" / "js").glob(f"{element}.*.js"))


def _needed(elements: Iterable[str]) -> list[str]:
    """Return the files of the elements and of all their imports, except those linked in index.html."""
    index = (_FOLDER / "index.html").read_text(encoding="utf-8")
    needed: dict[str, None] = {}
    pending = [name for element in elements for name in chunks(element)]
    while pending:
        name = pending.pop()
        file = _FOLDER / "static" / "js" / name
        if name not in needed and name not in index and file.is_file():
            needed[name] = None
            pending += _IMPORT.findall(file.read_text(encoding="utf-8"))
    return list(needed)


def _is_html(message: Message) -> bool:
    headers = Headers(raw=message["headers"])
    return headers.get("content-type", "").startswith("text/html") and "content-encoding" not in headers


def _while_python_works(load: str) -> str:
    return inline_script(f'addEventListener("DOMContentLoaded", () => setTimeout(() => {{{load}}}));')


def _when_idle(load: str) -> str:
    return inline_script(
        f"requestIdleCallback(() => {{{_LOAD_FILES % json.dumps(_later())}{load}}}, {{ timeout: 2000 }});"
    )


_SCRIPTS = {
    True: _when_idle(_LOAD_CUSTOM % PLOTLY_FILE),
    False: "".join(_when_idle(_LOAD_STREAMLIT % name) for name in chunks("PlotlyChart")[:1]),
}
_TABLE = "".join(_LOAD_STREAMLIT % name for name in chunks("DataFrame")[:1])
_EARLY = {
    ("runs", False): _while_python_works(_TABLE),
    ("runs", True): _while_python_works(_TABLE),
}
"""Scripts that run the large files of a first screen before Python sends what they draw, by page and `ours`."""
