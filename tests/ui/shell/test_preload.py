"""The page's HTML names the files it will need; everything else passes untouched."""

import asyncio
from pathlib import Path

import pytest
import streamlit

from dlcore.ui.shell import preload

HTML = b"<html><head><title>x</title></head><body></body></html>"


def answer(path: str, *, kind: str = "text/html; charset=utf-8", query: bytes = b"") -> tuple[dict, bytes, dict]:
    """What a browser gets for `path` when the app behind answers HTML in two parts."""
    seen: dict = {}
    sent: list = []

    async def app(scope, receive, send):
        seen.update(scope)
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(HTML)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": HTML[:10], "more_body": True})
        await send({"type": "http.response.body", "body": HTML[10:]})

    async def send(message):
        sent.append(message)

    result = [(b"accept-encoding", b"gzip")]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": query, "headers": result}
    asyncio.run(preload.Preload(app)(scope, None, send))
    body = b"".join(message.get("body", b"") for message in sent)
    return dict(sent[0]["headers"]), body, seen


def test_a_page_names_streamlits_plotly_and_its_length_is_right():
    headers, body, _ = answer("/anomaly")
    assert b"PlotlyChart." in body and b"modulepreload" in body
    assert int(headers[b"content-length"]) == len(body)
    assert body.replace(preload.links(ours=False).encode(), b"") == HTML


def test_our_own_plotly_is_named_where_it_draws():
    assert preload.PLOTLY_FILE.encode() in answer("/anomaly", query=b"panel=Train")[1]
    assert preload.PLOTLY_FILE.encode() not in answer("/anomaly", query=b"panel=Data")[1]


@pytest.mark.parametrize("path", ["/static/js/index.js", "/_stcore/health", "/app/static/plotly.min.js"])
def test_files_and_streamlits_own_addresses_pass_untouched(path):
    _, body, result = answer(path)
    assert body == HTML
    assert result["headers"] == [(b"accept-encoding", b"gzip")]


def test_what_is_not_html_passes_untouched():
    assert answer("/anomaly", kind="application/json")[1] == HTML


def test_every_named_file_is_one_that_streamlit_has():
    folder = Path(streamlit.__file__).parent / "static" / "static" / "js"
    names = preload._needed(preload.ELEMENTS)
    assert len(names) > 20
    assert all((folder / name).is_file() for name in names)
    missing = [element for element in preload.ELEMENTS if not preload.chunks(element)]
    assert missing == []
