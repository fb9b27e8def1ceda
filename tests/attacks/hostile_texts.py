"""Hostile texts and bundles, and the words of a page that would show them as something other than text."""

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf.message import Message
from streamlit.testing.v1 import AppTest

from dlcore.core.settings import ASSETS

HOST = "evil.example"
TEXT = (
    f"<img src=x onerror=window.hacked=1>![p](https://{HOST}/p.png)[l](https://{HOST}) https://{HOST} www.{HOST} "
    f"<a href=https://{HOST}>a</a> :red[r] :smile: $x^2$ **b**"
)
"""A text that HTML, Markdown or Plotly would show as an image, a link, a script, an icon, a formula, or bold."""
MARKUP = {
    "markdown": re.compile(
        r"!\[p\]\(|(?<!\\)\[l\]|(?<!\\):red\[r|(?<!\\):smile|(?<!\\)\$x|(?<!\\)\*\*b\*\*|https://evil|www\.evil"
    ),
    "html": re.compile(r"<img src=x|<a href=http"),
}
PLAIN = re.compile(
    r"(Selectbox|MultiSelect)\.(options|raw_value)|.*\.alt|BidiComponent|(Code|Text|FileUploader|TextInput|TextArea)\."
)
"""Fields that Streamlit shows as text."""


def hostile_bundle(reference: str, path: Path, **changes: Any) -> Path:
    """Zip a reference run whose labels, verdict and preset are hostile texts; `changes` replace files."""
    folder = ASSETS / "runs" / reference
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    run, labels = json.loads(files["run.json"]), json.loads(files["labels.json"])
    labels = [f"{TEXT} {number}"[-200:] for number in range(len(labels))]
    run["labels"], run["record"]["preset"], run["evaluation"]["verdict"] = labels, TEXT, TEXT
    preprocessing = json.loads(files["preprocessing.json"])
    for name in {"names", "units"} & set(preprocessing):
        preprocessing[name] = [f"{TEXT} {number}" for number in range(len(preprocessing[name]))]
    for name, value in (("run", run), ("labels", labels), ("preprocessing", preprocessing)):
        files[f"{name}.json"] = json.dumps(value).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**files, **changes}.items():
            archive.writestr(name, data)
    return path


def find_markup(app: AppTest) -> list[str]:
    """Return the places of a page where a hostile text is not shown as text."""
    places = []
    for node in app._tree:
        proto = getattr(node, "proto", None)
        if isinstance(proto, Message):
            for place, text in _texts(proto, type(proto).__name__):
                is_html = place.startswith(("Html.", "PlotlyChart."))
                text = text.replace("\\u003c", "<")  # in the JSON of a figure
                if not PLAIN.match(place) and (hit := MARKUP["html" if is_html else "markdown"].search(text)):
                    places.append(f"{place}: ...{text[max(0, hit.start() - 60) : hit.end() + 20]}")
    return places


def _texts(message: Message, place: str) -> Iterator[tuple[str, str]]:
    for field, value in message.ListFields():
        name = f"{place}.{field.name}"
        for item in value if field.is_repeated and not isinstance(value, Message) else [value]:
            if isinstance(item, Message):
                yield from _texts(item, name)
            elif isinstance(item, str):
                yield name, item
