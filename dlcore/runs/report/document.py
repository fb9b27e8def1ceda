"""The report as one HTML file: it loads nothing, and its policy forbids it to."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dlcore.core.errors import RequestError
from dlcore.runs.browser_model.ort_web import OrtWeb
from dlcore.runs.folder import translate_errors
from dlcore.runs.report.comparison import render_comparison
from dlcore.runs.report.figures import PartList
from dlcore.runs.report.markup import Markup, join, tag
from dlcore.runs.report.model import ModelInReport, embed_model
from dlcore.runs.report.scripts import component_script, component_style, plotly_script, plotly_style_ids
from dlcore.runs.report.sections import Subject
from dlcore.runs.report.single import render_run
from dlcore.runs.run import open_run

MAX_RUNS = 20
BINARY = "application/octet-stream"
STYLES = ("report", "curves", "gradients", "threshold", "epochs", "draw", "model", "figure_menu")


def write_report(refs: Sequence[str], path: Path, *, runtime: OrtWeb | None = None, explain: bool = False) -> Path:
    """Write the report of one or several runs to a file; return its path. See `render_report`.

    Raises:
        RunError: a run does not exist or has no bundle yet.
        RequestError: more than 20 runs, or runs of several projects.
        StoreError: the file cannot be written.
    """
    text = render_report(refs, runtime=runtime, explain=explain)
    with translate_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return path


def render_report(refs: Sequence[str], *, runtime: OrtWeb | None = None, explain: bool = False) -> str:
    """Return the report of one or several runs as HTML.

    With `runtime`, the model of one run answers in the page where it is small enough. `explain` adds the explanation
    of one test sample, which takes seconds to minutes.
    """
    names = list(dict.fromkeys(refs))
    if not 1 <= len(names) <= MAX_RUNS:
        raise RequestError(f"a report shows 1 to {MAX_RUNS} runs, not {len(names)}: name fewer.")
    subjects = [Subject.open(open_run(name)) for name in names]
    slugs = sorted({subject.config.project for subject in subjects})
    if len(slugs) > 1:
        raise RequestError(f"these runs belong to several projects ({', '.join(slugs)}): compare runs of one.")
    parts = PartList()
    if len(subjects) == 1:
        model = ModelInReport() if runtime is None else embed_model(subjects[0], runtime)
        title, body = render_run(subjects[0], parts, model, explain=explain)
        return _document(title, body, parts.data, model)
    return _document(*render_comparison(subjects, parts), parts.data, ModelInReport())


def _document(title: str, body: Markup, data: Mapping[str, Any], model: ModelInReport) -> str:
    style = Markup("\n".join(component_style(name) for name in STYLES))
    programs = [Markup(component_script("report/report.js")), Markup(plotly_script())]
    modules = [Markup(model.script)] if model.script else []
    head = join(
        (
            tag("meta", charset="utf-8"),
            tag(
                "meta",
                http_equiv="Content-Security-Policy",
                content=policy([*programs, *modules], style, has_wasm=bool(modules)),
            ),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("title", title),
            tag("style", style),
            *(tag("style", id=name) for name in plotly_style_ids()),
        )
    )
    button = tag("button", class_="dlr-theme", type="button", hidden="")
    heading = tag("header", tag("h1", title), button, class_="dlr-head")
    page = tag("div", heading, tag("main", body), class_="dlr")
    values = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    stored = tag("script", Markup(values), type="application/json", id="dlr-data")
    binaries = [tag("script", Markup(value), type=BINARY, id=key) for key, value in model.binaries.items()]
    scripts = [tag("script", program) for program in programs] + [tag("script", m, type="module") for m in modules]
    content = tag("body", page, stored, *scripts, *binaries)
    return f"<!doctype html>\n{tag('html', tag('head', head), content, lang='en')}\n"


def policy(programs: Sequence[str], style: str, *, has_wasm: bool = False) -> str:
    """Return the Content-Security-Policy: these scripts and this style sheet, images in the file, no address.

    `has_wasm` also allows these scripts to compile WebAssembly.
    """
    wasm = " 'wasm-unsafe-eval'" if has_wasm else ""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {' '.join(map(_digest, programs))}{wasm}",
            f"style-src-elem {_digest(style)} {_digest('')}",  # plotly.js fills an empty style element by script
            "style-src-attr 'unsafe-inline'",  # and sets styles of its elements
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
