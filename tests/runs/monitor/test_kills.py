"""A monitor that is killed at any moment loses no alarm and repeats at most one."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlcore import runs
from dlcore.runs.monitor.monitor import make_detector

RUN = "reference:anomaly/dense_32"
STEP_MS = 30 * 60_000
START = int(np.datetime64("2021-03-01T00:00", "ms").astype(np.int64))
EVERY = 6
"""Points from one spike to the next."""


def make_spikes(points: int) -> tuple[np.ndarray, np.ndarray]:
    at = np.arange(points)
    values = 15_000 + 6_000 * np.sin(2 * np.pi * at / 48)
    values[at % EVERY == EVERY - 1] = 400_000
    return START + at * STEP_MS, values


STARTER = """
import os, sys
from dlcore import cli, runs
from dlcore.runs.inference import open_bundle
import dlcore.runs.monitor.monitor, dlcore.runs.monitor.sources
open_bundle(runs.open_run(sys.argv[1]).finished_bundle)
for line in sys.stdin:
    pid = os.fork()
    if not pid:
        os._exit(cli.main(line.rstrip().split("|")))
    print(pid, flush=True)
    os.waitpid(pid, 0)
    print("ended", flush=True)
"""
"""Starts a process for each command: a fork saves the imports, which take seconds."""


class Starter:
    def __init__(self) -> None:
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen([sys.executable, "-c", STARTER, RUN], **pipes)

    def start(self, path: Path, url: str, output: Path) -> int:
        command = ["monitor", RUN, "--follow", str(path), "--webhook", url, "--gap", "1", "-o", str(output)]
        self.process.stdin.write("|".join([*command, "--json"]) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def end(self, pid: int, how: signal.Signals) -> None:
        os.kill(pid, how)
        while "ended" not in self.process.stdout.readline():
            pass


@pytest.fixture
def starter() -> Iterator[Starter]:
    started = Starter()
    yield started
    try:
        started.process.communicate(timeout=30)  # closes its input, which ends it
    finally:
        started.process.kill()


def wait_for(condition, seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing arrived in time"
        time.sleep(0.002)


@pytest.mark.faults
@pytest.mark.skipif(os.name != "posix", reason="kill -9")
@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_kills_lose_no_alarm_and_repeat_at_most_one_each(
    kills: int, tmp_path: Path, receiver, starter: Starter
) -> None:
    rng = random.Random(kills)
    each = 40 * EVERY
    times, values = make_spikes((kills + 1) * each)
    expected = {alarm.id for alarm in _detector(tmp_path).push(times, values).alarms}
    assert len(expected) == len(times) // EVERY
    path, output = tmp_path / "points.csv", tmp_path / "alarms.jsonl"
    rows = [f"{np.datetime64(int(t), 'ms')},{v!r}\n" for t, v in zip(times.tolist(), values.tolist(), strict=True)]
    path.write_text("time,value\n")
    for kill in range(kills + 1):
        before = len(receiver.ids)
        pid = starter.start(path, receiver.url, output)
        text = "".join(rows[kill * each : (kill + 1) * each])
        with path.open("a") as file:
            file.write(text[: len(text) // 2])  # the last line is cut
            file.flush()
            if kill == kills:
                file.write(text[len(text) // 2 :])
                break
            count = before + rng.randint(1, 15)
            wait_for(lambda count=count: len(receiver.ids) >= count)
            time.sleep(rng.random() * 0.02)
            starter.end(pid, signal.SIGKILL)
            file.write(text[len(text) // 2 :])
    try:
        wait_for(lambda: len(receiver.ids) >= len(expected) and output.read_bytes().count(b"\n") >= len(expected))
    finally:
        starter.end(pid, signal.SIGKILL)
    assert set(receiver.ids) == expected
    assert sum(receiver.ids.values()) - len(expected) <= kills
    stored = [json.loads(line)["id"] for line in output.read_text().splitlines()]
    assert len(stored) == len(expected) and set(stored) == expected


def _detector(folder: Path):
    return make_detector(runs.open_run(RUN), str((folder / "points.csv").resolve()), STEP_MS, gap=1)
