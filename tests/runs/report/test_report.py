"""Reports: every reference run as one file that loads nothing, comparisons, bundled modules."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from dlcore import cli, runs
from dlcore.core.errors import RequestError, RunError
from dlcore.runs.report import document, scripts
from dlcore.runs.report.markup import tag

MOST_BYTES = 25 * 2**20
REFERENCES = [run.run_id for run in runs.references()]


class Page(HTMLParser):
    """Collects tags, attributes and the text of scripts and styles of a report."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.blocks: dict[str, list[str]] = {"script": [], "style": [], "other": []}
        self._block = "other"
        self.feed(text)

    def handle_starttag(self, name, attributes):
        self.tags.append((name, dict(attributes)))
        self._block = name if name in self.blocks else "other"

    def handle_endtag(self, name):
        self._block = "other"

    def handle_data(self, data):
        self.blocks[self._block].append(data)

    @property
    def policy(self) -> str:
        return next(a["content"] for n, a in self.tags if a.get("http-equiv") == "Content-Security-Policy")


_SVG = "http://www.w3.org/2000/svg"
_ADDRESS = re.compile(r"(?:\w+:)?//[\w.]+\.\w+|(?:src|href)=(?!data:)\S+")


def addresses(page: Page) -> list[str]:
    """Return addresses in attributes, text, data and scripts; the XML namespace of SVG is only a name."""
    values = [f"{key}={value}" for _, attributes in page.tags for key, value in attributes.items()]
    texts = (*page.blocks["script"], *values, *page.blocks["style"], *page.blocks["other"])
    return [hit for text in texts for hit in _ADDRESS.findall(text.replace(_SVG, ""))]


@pytest.mark.parametrize("ref", REFERENCES)
def test_report_of_a_reference_run_is_small_and_loads_nothing(ref):
    text = document.render_report([ref])
    page = Page(text.replace(scripts.plotly_script(), ""))
    assert len(text.encode()) < MOST_BYTES
    assert not addresses(page)
    assert {"a", "link", "iframe", "object", "form", "base"}.isdisjoint(name for name, _ in page.tags)
    assert any("data-part" in attributes for _, attributes in page.tags)


def test_policy_allows_the_scripts_and_the_style_of_the_file_only():
    page = Page(document.render_report(["reference:rnn/lstm"]))
    directives = page.policy.split("; ")
    assert directives[0] == "default-src 'none'" and "img-src data:" in directives
    allowed = set(re.findall(r"'sha256-[^']+'", page.policy))
    blocks = [block for kind in ("script", "style") for block in page.blocks[kind] if not block.startswith("{")]
    digests = {f"'sha256-{base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()}'" for block in blocks}
    empty = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
    assert allowed == digests | {empty} and len(digests) == 3
    assert not re.search(r"script-src[^;]*unsafe|\*|https?:", page.policy)


def test_children_and_attributes_of_a_tag_are_text():
    assert tag("p", "<b>", tag("i", "&"), title='"><x') == '<p title="&quot;&gt;&lt;x">&lt;b&gt;<i>&amp;</i></p>'


def test_comparison_shows_the_settings_that_differ():
    page = Page(document.render_report(["reference:architectures/resnet18", "reference:architectures/vgg16_c"]))
    text = " ".join(page.blocks["other"])
    assert "ResNet-18" in text and "VGG-16 (version C)" in text and "learning rate" in text
    assert "batch size" not in text  # the same in both
    assert "93.1 % [92.2, 93.8]" in text


def test_runs_of_several_projects_are_rejected():
    with pytest.raises(RequestError, match="anomaly, forecast"):
        document.render_report(["reference:anomaly/conv", "reference:forecast/lstm"])


def test_a_run_without_bundle_is_rejected(config, tmp_path, monkeypatch):
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path))
    with pytest.raises(RunError, match="no bundle yet"):
        document.render_report([runs.create(config).run_id])


def test_command_writes_the_file(tmp_path, capsys):
    file = tmp_path / "new" / "report.html"
    assert cli.main(["report", "reference:rnn/lstm", "-o", str(file), "--json"]) == 0
    assert file.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert cli.main(["report", "reference:rnn/none", "-o", str(file)]) == 2
    assert "no reference run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        ({"a/a.js": 'import { b } from "./b.js";\n', "a/b.js": 'import { a } from "./a.js";\n'}, "import each other"),
        ({"a/a.js": 'import * as b from "./b.js";\n', "a/b.js": ""}, "do not know"),
        ({"a/a.js": "export { a };\n"}, "do not know"),
    ],
)
def test_modules_that_cannot_be_bundled_are_named(modules, message, monkeypatch):
    monkeypatch.setattr(scripts, "_read", modules.__getitem__)
    with pytest.raises(ValueError, match=message):
        scripts.component_script.__wrapped__("a/a.js")
