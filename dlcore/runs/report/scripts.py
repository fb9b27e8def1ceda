"""Scripts of a report: the app's components as one classic script, so that a file on a disk can run them.

An ES module in a file cannot import another one. Each module therefore becomes a function that returns what the others
import from it.
"""

import posixpath
import re
from functools import cache
from pathlib import Path

import plotly

import dlcore

COMPONENTS = Path(dlcore.__file__).parent / "ui" / "components"
_IMPORT = re.compile(r'^import (?:(?P<default>\w+)|\{(?P<names>[^}]*)\}) from "(?P<path>[^"]+)";\n', re.MULTILINE)
_DEFAULT = re.compile(r"^export default (async )?function( \w+)?", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=async function|function|const|class)", re.MULTILINE)
_STYLE_ID = re.compile(r'getElementById\("([0-9a-f]{64})"\)')


@cache
def component_script(entry: str) -> str:
    """Return the module `<folder>/<file>.js` and all that it imports as one script that runs at once.

    Raises:
        ValueError: modules import each other, or one has a form of import or export that is not known here.
    """
    order: list[str] = []
    exports: dict[str, set[str]] = {}
    _visit(entry, order, exports, ())
    return "\n".join(['(() => {\n"use strict";', *(_wrap(name, exports[name]) for name in order), "})();"])


@cache
def plotly_script() -> str:
    """Return plotly.js of the installed package."""
    return (Path(plotly.__file__).parent / "package_data" / "plotly.min.js").read_text(encoding="utf-8")


@cache
def plotly_style_ids() -> tuple[str, ...]:
    """Return the ids of style elements that plotly.js adds unless they exist: those of maps, which reports lack."""
    return tuple(dict.fromkeys(_STYLE_ID.findall(plotly_script())))


def component_html(name: str) -> str:
    """Return the HTML of a component."""
    return (COMPONENTS / name / f"{name}.html").read_text(encoding="utf-8")


def component_style(name: str) -> str:
    """Return the style sheet of a component; empty if it has none."""
    file = COMPONENTS / name / f"{name}.css"
    return file.read_text(encoding="utf-8") if file.exists() else ""


def _visit(module: str, order: list[str], exports: dict[str, set[str]], path: tuple[str, ...]) -> None:
    """Append a module after those that it imports; collect what is imported from each."""
    if module in path:
        raise ValueError(f"modules import each other: {' -> '.join((*path, module))}")
    if module in order:
        return
    exports.setdefault(module, set())
    for match in _IMPORT.finditer(_read(module)):
        target = _resolve(module, match["path"])
        _visit(target, order, exports, (*path, module))
        names = _names(match["names"])
        exports[target] |= {"default"} if match["default"] else {name for name, _ in names}
    order.append(module)


def _wrap(module: str, exports: set[str]) -> str:
    """Return a module as a constant that holds its exports."""
    text = _IMPORT.sub(lambda match: _binding(module, match), _read(module))
    text = _DEFAULT.sub(lambda match: f"const $default = {match[1] or ''}function{match[2] or ''}", text)
    text = _EXPORT.sub("", text).replace("import.meta.url", "document.baseURI")
    if re.search(r"^(import|export)\b", text, re.MULTILINE):
        raise ValueError(f"{module}: a form of import or export that reports do not know.")
    returned = ", ".join("default: $default" if name == "default" else name for name in sorted(exports))
    return f"const {_constant(module)} = (() => {{\n{text.rstrip()}\nreturn {{ {returned} }};\n}})();"


def _binding(module: str, match: re.Match[str]) -> str:
    source = _constant(_resolve(module, match["path"]))
    if match["default"]:
        return f"const {match['default']} = {source}.default;\n"
    names = ", ".join(name if name == local else f"{name}: {local}" for name, local in _names(match["names"]))
    return f"const {{ {names} }} = {source};\n"


def _names(text: str | None) -> list[tuple[str, str]]:
    """Return pairs of exported and local name: `a, b as c` are (a, a) and (b, c)."""
    parts = [part.split(" as ") for part in (text or "").replace("\n", " ").split(",") if part.strip()]
    return [(part[0].strip(), part[-1].strip()) for part in parts]


def _resolve(module: str, path: str) -> str:
    return posixpath.normpath(f"{module}/../{path}")


def _constant(module: str) -> str:
    return "$" + re.sub(r"\W", "_", module.removesuffix(".js"))


def _read(module: str) -> str:
    return (COMPONENTS / module).read_text(encoding="utf-8")
