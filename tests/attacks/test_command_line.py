"""Hostile bundles and datasets on the command line: exit code 2, one line, nothing stored or run, memory bounded."""

import json
import os
import subprocess
import sys
from pathlib import Path

import hostile_bundles
import hostile_data
import hostile_files
import pytest
from hostile_texts import hostile_bundle

from dlcore.core.settings import ASSETS, ROOT

OVER_IDLE = 300
"""Largest increase of the peak memory over the idle state, in MB."""
BASE = "questions/rnn"
IMAGES = ("slip.zip", "bomb.zip", "liar.zip", "link.zip", "text.zip", "nested.zip", "list.zip", "secret.zip")
NAMES = [f"bundle: {name}" for name in hostile_bundles.HOSTILE]
NAMES += [f"data: {name}" for name in (*hostile_data.HOSTILE, *IMAGES)]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Result of every command by its name: all run in one process after a valid import."""
    folder = tmp_path_factory.mktemp("attacks")
    base = {file.name: file.read_bytes() for file in (ASSETS / "runs" / BASE).iterdir()}
    valid = hostile_bundle(BASE, folder / "valid.zip")
    commands = [["idle", "runs", "import", str(valid)]]
    commands += [
        [f"bundle: {name}", "runs", "import", str(path)] for name, path in hostile_bundles.write_bundles(folder, base)
    ]
    data = {name: (kind, make) for name, (kind, make) in hostile_data.HOSTILE.items()}
    data |= {name: (f"photos-{name}", lambda name=name: hostile_files.HOSTILE[name]) for name in IMAGES}
    for number, (name, (file, make)) in enumerate(data.items()):
        path = folder / f"{number}-{file}"
        path.write_bytes(make())
        kind = hostile_data.KINDS[file.split(".")[0].split("-")[0]]
        commands.append([f"data: {name}", "data", "add", f"name-{number}", str(path), "--kind", kind])
    lines = "\n".join(map(json.dumps, commands))
    home = folder / "home"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DLCORE_HOME": str(home), "OMP_NUM_THREADS": "1"}
    script = str(Path(__file__).with_name("command_line.py"))
    done = subprocess.run([sys.executable, script], input=lines, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    rows = {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert list(rows) == [name for name, *_ in commands] and len(rows) > 60
    return rows, home


@pytest.mark.parametrize("name", NAMES)
def test_hostile_input_is_one_line_and_exit_code_2(name, results):
    row = results[0][name]
    assert (row["code"], row["out"], row["error"].count("\n")) == (2, "", 1), row
    message = row["error"].rstrip("\n")
    assert message.isprintable() and len(message) < 700 and "Traceback" not in message, message


def test_memory_stays_within_300_mb_over_idle_and_nothing_is_stored(results):
    rows, home = results
    idle = rows["idle"]["peak"]
    assert rows["idle"]["code"] == 0
    largest = max(rows.values(), key=lambda row: row["peak"])
    assert largest["peak"] - idle <= OVER_IDLE, (largest["name"], idle, largest["peak"])
    assert len(list((home / "runs").iterdir())) == 1
    assert not [path for path in (home / "custom").rglob("*") if path.is_file()]
