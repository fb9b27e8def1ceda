"""No page shows a raw template such as `{best:.2f}`: a string with a placeholder is an f-string or is formatted."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLACEHOLDER = re.compile(r"(?:^|[\s(\"“*/=`])\{([a-z_][\w.]+)(?:![rsa])?(?::[^{}]*)?\}")
"""Braces of LaTeX and of plotly's hover texts follow another character."""
FILLED_LATER = {
    "dlcore/ui/components/mount.py": {"name"},  # a route
    "dlcore/ui/modalities/behavior.py": {"dish"},  # a template that a person may change
    "dlcore/ui/modalities/explain_image.py": {"label", "side", "layer", "grid"},
    "dlcore/ui/pages/seq2seq/explain.py": {"column", "row", "value"},  # in the browser
    "dlcore/ui/pages/seq2seq/predict.py": {"column", "row", "value"},
}
"""Names in templates that a call of `format` or a component fills."""
SENTENCES = ROOT / "dlcore" / "data" / "text" / "templates.py"
"""Templates of synthetic texts, filled at random."""
SCRIPTS = ROOT / "dlcore" / "runs" / "standalone"
"""Source code of exported scripts."""
FILES = sorted(
    {path for folder in ("dlcore", "pages") for path in (ROOT / folder).rglob("*.py")}
    - {SENTENCES, *SCRIPTS.rglob("*.py")}
)


def raw_templates(source: str, filled_later: frozenset[str] = frozenset()) -> list[tuple[int, str]]:
    """Return line and text of the strings with a placeholder that nothing fills."""
    tree = ast.parse(source)
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):  # docstrings
            skipped.add(id(node.value))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
            skipped.add(id(node.func.value))
    return [
        (node.lineno, node.value[:80])
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in skipped
        and set(PLACEHOLDER.findall(node.value)) - filled_later
    ]


@pytest.mark.parametrize(
    ("text", "is_raw"),
    [
        ('st.caption("Skill ranges from {worst:.2f} to {best:.2f}.")', True),
        ('st.caption(f"{a} rows. " "Skill {best}.")', True),
        ('st.caption(f"Skill ranges from {worst:.2f}.")', False),
        ('st.caption("Skill {best}.".format(best=1))', False),
        ('"""Docs name {slug}."""', False),
    ],
)
def test_a_raw_template_is_found(text, is_raw):
    assert bool(raw_templates(text)) is is_raw


def test_no_string_is_a_raw_template():
    hits = [
        f"{path.relative_to(ROOT)}:{line}: {text!r}"
        for path in FILES
        for line, text in raw_templates(
            path.read_text(encoding="utf-8"), frozenset(FILLED_LATER.get(str(path.relative_to(ROOT)), ()))
        )
    ]
    assert not hits, "\n".join(hits)
