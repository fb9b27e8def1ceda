"""A batch that is killed and started again ends with the same file as one that runs through."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytestmark = [pytest.mark.faults]
COMMAND = (sys.executable, "-m", "dlcore", "predict", "reference:anomaly/conv", "--input")


def test_killed_batch_continues_to_the_same_file(home: Path, tmp_path: Path) -> None:
    source, out, straight = (tmp_path / name for name in ("in.csv", "out.csv", "straight.csv"))
    times = np.datetime64("2015-03-01T00:00") + np.arange(120_000) * np.timedelta64(30, "m")
    values = np.random.default_rng(0).normal(12_000, 3_000, len(times))
    source.write_text("time,value\n" + "".join(f"{t},{v:.1f}\n" for t, v in zip(times, values, strict=True)))
    subprocess.run([*COMMAND, str(source), "-o", str(straight)], check=True, capture_output=True)

    partial = tmp_path / "out.csv.partial"
    process = subprocess.Popen([*COMMAND, str(source), "-o", str(out)], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (partial.exists() and partial.stat().st_size > 100_000):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not out.exists()

    result = subprocess.run([*COMMAND, str(source), "-o", str(out)], check=True, capture_output=True, text=True)
    assert "continued after" in result.stderr
    assert out.read_bytes() == straight.read_bytes()
    assert not list(tmp_path.glob("*.partial*"))
