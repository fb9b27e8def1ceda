"""What the README says is so."""

import re
import shlex
from pathlib import Path

import pytest

from dlcore import cli, projects
from dlcore.data.sources.locate import DATASETS
from dlcore.ui.shell.menu import page_of

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [line.split("#")[0].strip() for line in TEXT.splitlines() if line.startswith("python -m dlcore ")]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_readme_is_understood(command):
    options = cli._parser().parse_args(shlex.split(command)[3:])
    assert callable(options.command)
    if getattr(options, "project", None):
        projects.get(options.project)


def test_every_page_and_dataset_is_named():
    for project in projects.list_projects():
        assert f"| {project.title} |" in TEXT
    for name in DATASETS:
        assert f"| `{name}` |" in TEXT


def test_every_file_and_picture_named_is_there():
    for name in re.findall(r"\((assets/[^)]+)\)", TEXT) + re.findall(
        r"`((?:dlcore|tests|assets|pages)/[\w/.]+)`", TEXT
    ):
        assert (ROOT / name).exists(), name


def test_the_readme_names_each_room():
    for room in sorted(p.name for p in (ROOT / "dlcore").iterdir() if (p / "__init__.py").is_file()):
        assert f"dlcore/{room} " in TEXT, room


def test_a_page_says_of_itself_what_its_project_says():
    """The menu reads titles from the page files, so that it need not import torch; the two must not drift apart."""
    for project in projects.list_projects():
        page = page_of(project.slug)
        assert page is not None and page.section == project.section, project.slug
        said = page.part(project.slug) or page
        assert (said.title, said.summary) == (project.title, project.summary), project.slug


def test_every_dependency_has_a_reason_and_an_upper_bound():
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            requirement, _, reason = line.partition("#")
            assert reason.strip(), line
            assert "~=" in requirement or ">=" in requirement, line


def test_the_project_speaks_of_itself_alone():
    for path in [*ROOT.rglob("*.py"), ROOT / "README.md", ROOT / "Makefile", *(ROOT / "assets").rglob("*.md")]:
        if not any(part.startswith(".venv") for part in path.parts) and path != Path(__file__):
            text = path.read_text(encoding="utf-8")
            assert "/work/" not in text and "/root/" not in text, path
