"""`check.py` runs with the few packages of a GPU machine, and without the assets of the repository."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("torch", "torchvision", "numpy", "lightning_fabric", "pydantic", "safetensors")
BLOCKED = """
import pathlib, runpy, sys

sys.modules.update(dict.fromkeys({blocked!r}))  # as if they were not installed
sys.argv = {arguments!r}
sys.path.insert(0, str(pathlib.Path(sys.argv[0]).parent))
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.slow
def test_all_checks_pass_on_a_cpu_with_few_packages(tmp_path):
    shutil.copytree(ROOT / "dlcore", tmp_path / "dlcore", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "tests" / "device", tmp_path / "tests" / "device")
    lines = [line.partition("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines()]
    names = {line.partition("[")[0].partition("=")[0].strip(" <>~!").replace("-", "_") for line in lines if line}
    names |= {"scipy", "sklearn", "yaml"}
    blocked = names - {*PACKAGES, "filelock"}  # torch needs filelock, torchvision Pillow
    arguments = [str(tmp_path / "tests" / "device" / "check.py"), str(tmp_path / "out"), "--cpu"]
    result = subprocess.run(
        [sys.executable, "-c", BLOCKED.format(blocked=blocked, arguments=arguments)],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert {name: check["status"] for name, check in results["checks"].items()} == dict.fromkeys(
        results["checks"], "passed"
    )
    assert len(results["checks"]) == 7 and results["checks"]["resume"]["largest_difference"] == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "results.json",
        *(f"{name}.{ending}" for name in ("resnet18", "vgg16", "resnext26") for ending in ("json", "safetensors")),
    }
