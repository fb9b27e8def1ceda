"""Components that draw in the browser: registration, ES modules as static files, arrays as typed arrays.

A component is a folder `<name>/` with `<name>.html`, `<name>.js` (an ES module with a default export) and
`<name>.css`. Modules import each other and `shared/`. Streamlit wraps a component's script in a blob, which cannot
resolve relative imports, so the script given to Streamlit only imports the module from the static folder.
"""

import hashlib
import json
import posixpath
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import plotly
import streamlit as st
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from streamlit.components.v2.types import ComponentRenderer

from dlcore.plots.packing import Packed, pack

__all__ = [
    "PLOTLY_FILE",
    "SCRIPTS",
    "Packed",
    "drawing_component",
    "module_url",
    "mount",
    "mount_reporting",
    "pack",
    "script_urls",
    "static_routes",
]

PLOTLY_FILE = f"plotly-{plotly.__version__}.min.js"
"""Served at `app/static/<PLOTLY_FILE>` (see `static_routes`)."""

_FOLDER = Path(__file__).parent
_BOOTSTRAP = """
export default async function (component) {
  const modules = %s.map((url) => import(new URL(url, document.baseURI).href));
  const [{ default: draw }] = await Promise.all(modules); // all at once: no chain of requests
  if (component.parentElement.isConnected) await draw(component);
}
"""
_IMPORT = re.compile(r'^(?:import|}).* from "([^"]+)";$', re.MULTILINE)
_HEADERS = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


@cache
def _scripts() -> dict[str, str]:
    files = sorted(_FOLDER.glob("*/*.js"))
    texts = {file.relative_to(_FOLDER).as_posix(): file.read_text(encoding="utf-8") for file in files}
    return {name: text.replace("PLOTLY_FILE", PLOTLY_FILE) for name, text in texts.items()}


SCRIPTS = f"dlcore-{hashlib.sha256(repr(_scripts()).encode()).hexdigest()[:12]}"
"""Folder of the modules below `app/static/`, named by their content so that no browser cache is stale."""


def static_routes() -> list[Route]:
    """Return the routes that serve plotly.js, from the installed package, and the components' modules.

    No file is copied, so a read-only installation works too. User routes take precedence over Streamlit's own.
    """
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    static = f"{base and '/' + base}/app/static"
    return [Route(f"{static}/{PLOTLY_FILE}", _send_plotly), Route(f"{static}/{SCRIPTS}/{{name:path}}", _send_script)]


async def _send_plotly(request: Request) -> Response:
    file = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    return FileResponse(file, media_type="text/javascript", headers=_HEADERS)


async def _send_script(request: Request) -> Response:
    script = _scripts().get(request.path_params["name"])
    if script is None:
        return Response(status_code=404)
    return Response(script, media_type="text/javascript", headers=_HEADERS)


def script_urls(*names: str) -> list[str]:
    """Return the URLs of the modules of components and of all they import, relative to the app's root."""
    modules: dict[str, None] = {}
    queue = [f"{name}/{name}.js" for name in names]
    while queue:
        module = queue.pop()
        if module not in modules:
            modules[module] = None
            queue += [posixpath.normpath(f"{module}/../{path}") for path in _IMPORT.findall(_scripts()[module])]
    return [f"app/static/{SCRIPTS}/{module}" for module in modules]


def module_url(name: str) -> str:
    """Return the URL of a module of `shared/`, relative to the app's root."""
    return f"app/static/{SCRIPTS}/shared/{name}.js"


def drawing_component(name: str, *, styles: Sequence[str] = ()) -> ComponentRenderer:
    """Register the component in the folder `name`; call it once, when a module is imported.

    `styles` names further style sheets, as `<folder>/<file>.css`.
    """
    folder = _FOLDER / name
    sheets = [file for file in (*(_FOLDER / sheet for sheet in styles), folder / f"{name}.css") if file.exists()]
    return st.components.v2.component(
        f"dlcore.{name}",
        html=(folder / f"{name}.html").read_text(encoding="utf-8"),
        css="".join(sheet.read_text(encoding="utf-8") for sheet in sheets) or None,
        js=_BOOTSTRAP % json.dumps(script_urls(name)),
        isolate_styles=False,
    )


def mount(component: ComponentRenderer, data: dict[str, Any], *, key: str) -> None:
    """Render a component without return values."""
    component(data=data, key=key)


def mount_reporting(
    component: ComponentRenderer, data: dict[str, Any], *, key: str, defaults: Mapping[str, Any]
) -> dict[str, Any]:
    """Render a component that sets values with `setStateValue`; return the latest value for each of `defaults`."""
    callbacks: dict[str, Any] = {f"on_{name}_change": _ignore for name in defaults}
    result = component(data=data, key=key, default=dict(defaults), **callbacks)
    return {name: result.get(name, value) for name, value in defaults.items()}


def _ignore() -> None:
    """Do nothing: Streamlit requires a callback for every value with a default."""
