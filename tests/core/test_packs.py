"""Broken packs: each is named in one line, and everything else opens."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BROKEN = {
    "import": ("dlcore.models", "fashion.lost", "import no_such_module", "ModuleNotFoundError"),
    "type": ("dlcore.models", "fashion.three", "THING = 3", "is a int, not a ModelEntry"),
    "clash": (
        "dlcore.projects",
        "fashion",
        "from dlcore.projects.vision.fashion import PROJECT as THING",
        "the name 'fashion' belongs to the workbench",
    ),
    "attribute": ("dlcore.metrics", "broken", "OTHER = 1", "has no attribute 'THING'"),
    "call": (
        "dlcore.models",
        "fashion.broken",
        "from dlcore.projects.project import ModelEntry\n"
        "def build(options, facts):\n    raise ValueError('no weights today')\n"
        "THING = ModelEntry('Broken', 'Fails.', build)",
        "ValueError: no weights today",
    ),
    "version": ("dlcore.datasets", "broken", "", "made for version 0"),
    "exit": ("dlcore.explainers", "broken", "raise SystemExit(3)", "SystemExit"),
    "model clash": (
        "dlcore.models",
        "fashion.dense",
        "from dlcore.projects.vision import fashion\nTHING = fashion.PROJECT.models['dense']",
        "the name 'fashion.dense' belongs to the workbench",
    ),
    "other clash": ("dlcore.models", "fashion.broken", "THING = None", "belongs to pack 'broken_call'"),
    "no project": (
        "dlcore.models",
        "nowhere.broken",
        "from dlcore.projects.vision import fashion\nTHING = fashion.PROJECT.models['dense']",
        "there is no project 'nowhere'",
    ),
}


def install(folder: Path, kind: str) -> None:
    """Install a broken pack into a folder of the module path, as pip would."""
    group, name, code, _ = BROKEN[kind]
    pack = f"broken_{kind.replace(' ', '_')}"
    (folder / pack).mkdir(parents=True)
    (folder / pack / "__init__.py").write_text(f"DLCORE_API = {0 if kind == 'version' else 1}\n")
    (folder / pack / "part.py").write_text(code)
    info = folder / f"{pack}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {pack}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {pack}.part:THING\n")


def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}", "DLCORE_HOME": str(folder / "home")}
    return subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=200
    )


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("broken")
    for kind in BROKEN:
        install(folder, kind)
    return folder


@pytest.fixture(scope="module")
def listed(broken):
    return run(broken, "-m", "dlcore", "projects")


@pytest.mark.parametrize("kind", [kind for kind in BROKEN if kind != "call"])
def test_broken_pack_is_named_in_one_line(listed, kind):
    done = listed
    assert done.returncode == 0 and "anomaly" in done.stdout and "Traceback" not in done.stderr, done.stderr
    lines = [line for line in done.stderr.splitlines() if f"'broken_{kind.replace(' ', '_')}' 1.0" in line]
    assert len(lines) == 1 and BROKEN[kind][3] in lines[0] and "pip uninstall" in lines[0], done.stderr


def test_model_that_raises_is_named_and_other_models_are_listed(broken):
    done = run(broken, "-m", "dlcore", "models", "fashion")
    assert done.returncode == 0 and "improved" in done.stdout and "broken" not in done.stdout
    assert done.stderr.count(BROKEN["call"][3]) == 1 and "pack 'broken_call' 1.0" in done.stderr


def test_check_of_a_broken_pack_fails_with_its_reason(broken):
    done = run(broken, "-m", "dlcore", "pack", "check", "broken_call")
    assert done.returncode == 1 and BROKEN["call"][3] in done.stderr, done.stderr


def test_home_names_broken_packs_and_pages_open(broken):
    script = """
from streamlit.testing.v1 import AppTest
app = AppTest.from_file("app.py", default_timeout=120).run()
assert not app.exception, app.exception
print(*[each.value for each in app.warning])
app.switch_page("pages/vision/fashion.py").run()
assert not app.exception and not app.error, (app.exception, app.error)
"""
    done = run(broken, "-c", script)
    assert done.returncode == 0, done.stderr[-2000:]
    assert all(f"broken\\_{kind}" in done.stdout or f"broken_{kind}" in done.stdout for kind in ("import", "version"))


def test_import_of_the_package_reads_no_metadata(broken):
    done = run(broken, "-c", "import dlcore, sys; print('importlib.metadata' in sys.modules)")
    assert done.stdout == "False\n"
