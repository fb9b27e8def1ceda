"""An environment with the packages of this one, but without dlcore."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def plain_python(tmp_path_factory):
    """Run Python without dlcore: (arguments, folder) -> its output."""
    folder = tmp_path_factory.mktemp("plain")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    packages = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    # A path in a .pth file is searched, but the .pth files in it are not read: an editable dlcore is not found.
    (Path(packages) / "packages.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")

    def run(arguments, cwd):
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(
            [python, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=280
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    assert run(
        ["-c", "import importlib.util as u; print(u.find_spec('dlcore'), bool(u.find_spec('torch')))"], folder
    ) == ("None True\n")
    assert sys.prefix != str(folder)
    return run
