"""What every component of ours that draws in the browser stands on: plotly.js served by us, and arrays as typed arrays.

The browser side calls `loadPlotly()` and `decode(packed)`; both are put before its own script by `drawing_component`.
"""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import plotly
import streamlit as st
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route
from streamlit.components.v2.types import ComponentRenderer

PLOTLY_FILE = f"plotly-{plotly.__version__}.min.js"
"""Served at `app/static/<PLOTLY_FILE>` (see `static_routes`)."""

_FOLDER = Path(__file__).parent
_TYPES = {"float32": "<f4", "float64": "<f8", "int32": "<i4", "uint8": "|u1"}


class Packed(TypedDict):
    """An array on its way to the browser: its numbers in base64, their type, and its shape."""

    type: str
    shape: list[int]
    base64: str


def pack(array: np.ndarray, *, dtype: str = "float32") -> Packed:
    """Pack an array for `decode` in the browser, which gives a flat typed array.

    `dtype` is float32, float64 (epoch milliseconds), int32 or uint8.
    """
    flat = np.ascontiguousarray(array, dtype=_TYPES[dtype])
    return {"type": dtype, "shape": list(flat.shape), "base64": base64.b64encode(flat.tobytes()).decode("ascii")}


def static_routes() -> list[Route]:
    """Return the route that serves plotly.js straight from the installed plotly package.

    No file is copied, so a read-only installation works too. User routes take precedence over Streamlit's own.
    """
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return [Route(f"{base and '/' + base}/app/static/{PLOTLY_FILE}", _send_plotly)]


async def _send_plotly(request: Request) -> FileResponse:
    return FileResponse(
        Path(plotly.__file__).parent / "package_data" / "plotly.min.js",
        media_type="text/javascript",
        headers={"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"},
    )


def drawing_component(name: str, *, parts: Sequence[str] = ()) -> ComponentRenderer:
    """Register the component made of `<name>.html`, `.js` and, where there is one, `.css`.

    `parts` names further scripts, and sheets where there are any, that are put before the component's own. Call it
    once, when a module is imported.
    """
    files = {file.name: file for file in _FOLDER.glob("*/*.*")}
    scripts = (files[f"{part}.js"].read_text(encoding="utf-8") for part in ("drawing", *parts, name))
    script = "".join(scripts).replace("PLOTLY_FILE", PLOTLY_FILE)
    sheets = [files[f"{part}.css"] for part in (*parts, name) if f"{part}.css" in files]
    return st.components.v2.component(
        f"dlcore.{name}",
        html=files[f"{name}.html"].read_text(encoding="utf-8"),
        css="".join(sheet.read_text(encoding="utf-8") for sheet in sheets) or None,
        js=script,
        isolate_styles=False,
    )


def mount(component: ComponentRenderer, data: dict[str, Any], *, key: str) -> None:
    """Show a component that reports nothing back."""
    component(data=data, key=key)


def mount_reporting(
    component: ComponentRenderer, data: dict[str, Any], *, key: str, defaults: Mapping[str, Any]
) -> dict[str, Any]:
    """Show a component that reports values back with `setStateValue`; gives each of `defaults`, as last reported."""
    heard: dict[str, Any] = {f"on_{name}_change": _nothing for name in defaults}
    result = component(data=data, key=key, default=dict(defaults), **heard)
    return {name: result.get(name, value) for name, value in defaults.items()}


def _nothing() -> None:
    """Streamlit wants a callback for every value that has a default."""
