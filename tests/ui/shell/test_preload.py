"""Preload links are added to HTML pages; other responses are unchanged."""

import asyncio
from pathlib import Path

import pytest
import streamlit

from dlcore.ui.shell import preload

HTML = b"<html><head><title>x</title></head><body></body></html>"


def respond(path: str, *, kind: str = "text/html; charset=utf-8", query: bytes = b"") -> tuple[dict, bytes, dict]:
    """Return headers, body and request scope for an app that responds with HTML in two parts."""
    request: dict = {}
    sent: list = []

    async def app(scope, receive, send):
        request.update(scope)
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(HTML)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": HTML[:10], "more_body": True})
        await send({"type": "http.response.body", "body": HTML[10:]})

    async def send(message):
        sent.append(message)

    request_headers = [(b"accept-encoding", b"gzip")]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": query, "headers": request_headers}
    asyncio.run(preload.Preload(app)(scope, None, send))
    body = b"".join(message.get("body", b"") for message in sent)
    return dict(sent[0]["headers"]), body, request


def test_page_preloads_its_main_picture_and_has_the_correct_length():
    headers, body, _ = respond("/anomaly")
    assert b"threshold/threshold.js" in body and b"modulepreload" in body
    assert b"PlotlyChart." not in body, "plotly.js delays the first paint"
    assert int(headers[b"content-length"]) == len(body)
    assert body.replace(preload.links("anomaly").encode(), b"") == HTML


def test_preloaded_components_exist():
    assert all(preload.links(slug).count("app/static/") >= 1 for slug in preload.MAIN_COMPONENTS)


def test_custom_plotly_is_preloaded_for_the_train_panel_only():
    assert preload.PLOTLY_FILE.encode() in respond("/anomaly", query=b"panel=Train")[1]
    assert preload.PLOTLY_FILE.encode() not in respond("/anomaly", query=b"panel=Data")[1]


@pytest.mark.parametrize("path", ["/static/js/index.js", "/_stcore/health", "/app/static/plotly.min.js"])
def test_files_and_internal_urls_are_unchanged(path):
    _, body, request = respond(path)
    assert body == HTML
    assert request["headers"] == [(b"accept-encoding", b"gzip")]


def test_other_content_types_are_unchanged():
    assert respond("/anomaly", kind="application/json")[1] == HTML


def test_every_preloaded_file_exists_in_streamlit():
    folder = Path(streamlit.__file__).parent / "static" / "static" / "js"
    elements = (*preload.FIRST, *preload.LATER)
    names = preload._needed(elements)
    assert len(names) > 20
    assert set(preload._needed(preload.FIRST)).isdisjoint(preload._later())
    assert all((folder / name).is_file() for name in names)
    missing = [element for element in elements if not preload.chunks(element)]
    assert missing == []
