"""A wheel holds all that the app needs, and an installed copy works outside the checkout."""

import importlib.util
import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from dlcore.cli import app

ROOT = Path(__file__).resolve().parents[2]
MAX_BYTES = 100e6


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder with the unpacked wheel: what pip puts into site-packages."""
    if importlib.util.find_spec("hatchling") is None or importlib.util.find_spec("hatch_requirements_txt") is None:
        pytest.skip("hatchling or hatch-requirements-txt is not installed (tests/requirements.txt)")
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    assert wheel.stat().st_size < MAX_BYTES
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site-packages")
    return folder / "site-packages"


def run_python(installed: Path, home: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(installed), "DLCORE_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=home, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_wheel_holds_app_pages_and_assets(installed):
    bundled = installed / "dlcore" / "_bundled"
    for folder in ("pages", "assets"):
        expected = {p.relative_to(ROOT) for p in (ROOT / folder).rglob("*") if p.is_file() and p.suffix != ".pyc"}
        assert expected == {p.relative_to(bundled) for p in (bundled / folder).rglob("*") if p.is_file()}
    assert all((bundled / name).is_file() for name in ("app.py", ".streamlit/config.toml"))
    assert (installed / "dlcore" / "py.typed").is_file()
    assert not (installed / "tests").exists()


def test_wheel_states_the_requirements(installed):
    (metadata,) = installed.glob("*.dist-info/METADATA")
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    packages = [line.partition("#")[0].strip() for line in lines if line.strip() and not line.startswith("#")]
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    packages += [package for packages_of_extra in extras.values() for package in packages_of_extra]
    assert metadata.read_text(encoding="utf-8").count("\nRequires-Dist: ") == len(packages)
    (entry_points,) = installed.glob("*.dist-info/entry_points.txt")
    assert "dlcore = dlcore.cli:main" in entry_points.read_text(encoding="utf-8")


def test_installed_copy_finds_its_reference_runs(installed, tmp_path):
    rows = json.loads(run_python(installed, tmp_path, "-m", "dlcore", "runs", "list", "--json"))
    assert len(rows) == len(list((ROOT / "assets" / "runs").glob("*/*/run.json")))
    assert str(installed) in run_python(installed, tmp_path, "-c", "import dlcore; print(dlcore.__file__)")


def test_installed_copy_trains_in_a_worker(installed, tmp_path):
    arguments = ["train", "anomaly", "--model", "dense_32", "--preset", "quick", "--set", "epochs=1", "--json"]
    record = json.loads(run_python(installed, tmp_path, "-m", "dlcore", *arguments))
    assert record["state"] == "finished"


def test_app_serves_the_bundled_app_and_passes_options_on(monkeypatch):
    calls = []
    monkeypatch.setattr(app.os, "execve", lambda path, command, environment: calls.append((command, environment)))
    monkeypatch.setattr(app.sys, "exit", lambda code: None)
    monkeypatch.setattr(app.subprocess, "call", lambda command, env: 0)
    from dlcore import cli

    cli.main(["app", "--port", "8600", "--headless", "--", "--server.maxUploadSize=10"])
    command, environment = calls[0]
    assert command[1:4] == ["-m", "streamlit", "run"] and Path(command[4]) == ROOT / "app.py"
    assert command[5:] == ["--server.port=8600", "--server.headless=true", "--server.maxUploadSize=10"]
    assert environment["PYTHONPATH"].split(os.pathsep)[0] == str(ROOT)
