"""Components that draw in the browser: registration, their ES modules as static files, arrays as typed arrays.

A component is a folder `<name>/` with `<name>.html`, `<name>.js` (an ES module with a default export) and
`<name>.css`. Modules import each other and `shared/`. Streamlit wraps a component's script in a blob, which cannot
resolve relative imports, so the script given to Streamlit only imports the module from the static folder.
"""

import base64
import hashlib
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import plotly
import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from dlcore.core.settings import ROOT

PLOTLY_FILE = f"plotly-{plotly.__version__}.min.js"
STATIC = ROOT / "static"
"""The folder that Streamlit serves as `app/static/`; written at start, not part of the repository."""

_FOLDER = Path(__file__).parent
_BOOTSTRAP = """
export default async function (component) {
  const { default: draw } = await import(new URL("%s", document.baseURI).href);
  if (component.parentElement.isConnected) await draw(component);
}
"""
_TYPES = {"float32": "<f4", "float64": "<f8", "int32": "<i4", "uint8": "|u1"}


@cache
def _scripts() -> dict[str, str]:
    files = sorted(_FOLDER.glob("*/*.js"))
    texts = {file.relative_to(_FOLDER).as_posix(): file.read_text(encoding="utf-8") for file in files}
    return {name: text.replace("PLOTLY_FILE", PLOTLY_FILE) for name, text in texts.items()}


SCRIPTS = f"dlcore-{hashlib.sha256(repr(_scripts()).encode()).hexdigest()[:12]}"
"""The folder of the components' modules below `STATIC`; a change of any module changes the name, so no cache is stale."""


class Packed(TypedDict):
    """An array for the browser: base64 of its bytes, its type and shape."""

    type: str
    shape: list[int]
    base64: str


def pack(array: np.ndarray, *, dtype: str = "float32") -> Packed:
    """Pack an array for `decode` in the browser, which returns a flat typed array.

    `dtype` is float32, float64 (epoch milliseconds), int32 or uint8.
    """
    flat = np.ascontiguousarray(array, dtype=_TYPES[dtype])
    return {"type": dtype, "shape": list(flat.shape), "base64": base64.b64encode(flat.tobytes()).decode("ascii")}


def serve_plotly() -> Path:
    """Copy plotly.js from the installed wheel into the static folder, unless it is there."""
    source = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    target = STATIC / PLOTLY_FILE
    if not target.exists() or target.stat().st_size != source.stat().st_size:
        STATIC.mkdir(exist_ok=True)
        partial = target.with_suffix(".partial")
        shutil.copyfile(source, partial)
        partial.replace(target)
    return target


def serve_scripts() -> Path:
    """Write the components' modules into the static folder, in a folder named by their content, unless it is there."""
    target = STATIC / SCRIPTS
    if not target.exists():
        STATIC.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=STATIC) as folder:
            for name, text in _scripts().items():
                file = Path(folder) / SCRIPTS / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
            with suppress(OSError):  # another server wrote the same files first
                (Path(folder) / SCRIPTS).rename(target)
    return target


def script_urls(*names: str) -> list[str]:
    """Return the addresses of all modules of some components and of `shared/`, relative to the app's root."""
    return [f"app/static/{SCRIPTS}/{name}" for name in _scripts() if name.split("/")[0] in ("shared", *names)]


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
        js=_BOOTSTRAP % f"app/static/{SCRIPTS}/{name}/{name}.js",
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
