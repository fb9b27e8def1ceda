"""Documentation agrees with the code: links, files, commands, tables and code blocks."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from dlcore import cli, projects
from dlcore.data.sources.locate import DATASETS
from dlcore.runs import results
from dlcore.ui.shell.menu import page_of

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
DOCS = [README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = {path: path.read_text(encoding="utf-8") for path in DOCS}


def commands() -> list[str]:
    """Return all complete `dlcore` commands in code blocks and inline code (without placeholders in capitals)."""
    complete: dict[str, None] = {}
    for text in TEXTS.values():
        blocks = "\n".join(re.findall(r"```\n(.*?)```", text, re.DOTALL))
        inline = re.findall(r"`((?:python -m )?dlcore [^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
        for line in [*blocks.splitlines(), *inline]:
            command = line.split("#")[0].removeprefix("python -m ").removeprefix(".venv/bin/").strip()
            if command.startswith("dlcore ") and not re.search(r"\b[A-Z]{3,}\b", command):
                complete[command.split(">")[0].strip()] = None
    return list(complete)


def test_readme_is_short():
    assert len(TEXTS[README].splitlines()) <= 150
    assert len(TEXTS[ROOT / "CONTRIBUTING.md"].splitlines()) <= 60


@pytest.mark.parametrize("command", commands())
def test_documented_command_is_valid(command):
    options = cli.build_parser().parse_args(shlex.split(command)[1:])
    assert callable(options.command)
    if getattr(options, "project", None):
        projects.get(options.project)


def test_every_command_of_the_parser_is_in_the_readme():
    parser = cli.build_parser()
    verbs = next(action.choices for action in parser._actions if isinstance(action.choices, dict))
    assert [verb for verb in verbs if f"`dlcore {verb}" not in TEXTS[README]] == []


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_links_and_files_exist(path):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", TEXTS[path])
    named = re.findall(r"`((?:dlcore|tests|assets|pages|docs|examples)/[\w/.]+)`", TEXTS[path])
    missing = [link for link in links if not (path.parent / link).exists()]
    assert missing + [name for name in named if not (ROOT / name).exists()] == []


def test_readme_names_every_project():
    assert [p.title for p in projects.list_projects() if f"| {p.title} |" not in TEXTS[README]] == []


def test_readme_counts_reference_runs():
    counts = {
        p.title: len(list((ROOT / "assets" / "runs" / p.slug).glob("*/run.json"))) for p in projects.list_projects()
    }
    rows = dict(re.findall(r"^\| ([^|]+) \| [^|]+ \| (\d+) \|$", TEXTS[README], re.MULTILINE))
    assert {title: int(rows[title]) for title in counts} == counts


def test_data_guide_names_every_dataset():
    assert [name for name in DATASETS if f"| `{name}` |" not in TEXTS[ROOT / "docs" / "data.md"]] == []


def test_architecture_names_every_package():
    packages = sorted(p.parent.name for p in (ROOT / "dlcore").glob("*/__init__.py"))
    assert [name for name in packages if f"  {name}/ " not in TEXTS[ROOT / "docs" / "architecture.md"]] == []


def test_results_equal_those_of_the_bundles():
    assert TEXTS[ROOT / "docs" / "results.md"] == results.render_markdown()


@pytest.mark.slow
def test_python_of_the_readme_runs(tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", TEXTS[README], re.DOTALL)
    environment = {**os.environ, "DLCORE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2


def test_page_files_repeat_title_and_summary_of_their_project():
    """The menu reads titles from the page files because projects import torch; both must agree."""
    for project in projects.list_projects():
        page = page_of(project.slug)
        assert page is not None and page.section == project.section, project.slug
        assert (page.title, page.summary) == (project.title, project.summary), project.slug


def test_every_dependency_has_a_comment_and_a_bound():
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            requirement, _, comment = line.partition("#")
            assert comment.strip(), line
            assert "~=" in requirement or ">=" in requirement, line


def test_no_path_of_a_development_machine():
    for path in [*ROOT.rglob("*.py"), *DOCS, ROOT / "Makefile", *(ROOT / "assets").rglob("*.md")]:
        if not any(part.startswith(".venv") for part in path.parts) and path != Path(__file__):
            text = path.read_text(encoding="utf-8")
            assert "/work/" not in text and "/root/" not in text, path
