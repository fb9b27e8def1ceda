import os
import signal
import time
from pathlib import Path

import pytest

from dlcore import runs
from dlcore.runs import folder
from dlcore.runs.worker import liveness

pytestmark = [pytest.mark.faults]


def is_signed_in(run_id):
    worker = liveness.read(folder.of_run(run_id))
    return worker is not None and worker.pid != 0


def test_queue_is_first_in_first_out_and_waiting_workers_use_little_memory(launch, until):
    first = launch(epochs=2000)
    until(first, lambda record: record.state == "running")
    second, third = launch(epochs=1), launch(epochs=1)
    until(third, lambda record: is_signed_in(third) and is_signed_in(second))
    time.sleep(1.0)
    assert [runs.open_run(run_id).record.state for run_id in (first, second, third)] == ["running", "queued", "queued"]
    reasons = [runs.open_run(run_id).record.reason for run_id in (second, third)]
    assert reasons == ["waits for cpu behind 1 run", "waits for cpu behind 2 runs"]
    maps = [f"/proc/{liveness.read(folder.of_run(run_id)).pid}/maps" for run_id in (second, third)]
    assert not any("libtorch" in Path(path).read_text() for path in maps)  # waiting workers do not load torch
    assert runs.pause(second).state == "paused"  # at once
    runs.resume(second)  # now behind the third
    os.kill(runs.open_run(first).record.pid, signal.SIGKILL)  # the kernel frees the device
    until(third, lambda record: record.state == "finished")
    assert runs.open_run(second).record.state in ("queued", "running")
    until(second, lambda record: record.state == "finished")
    ends = [runs.open_run(run_id).bundle.run["record"]["created"] for run_id in (third, second)]
    assert ends == sorted(ends)
    assert runs.open_run(first).record.state == "interrupted"


def test_killed_waiting_worker_is_interrupted_and_blocks_no_other_run(launch, until):
    first = launch(epochs=2000)
    until(first, lambda record: record.state == "running")
    second, third = launch(epochs=1), launch(epochs=1)
    until(second, lambda record: is_signed_in(second))
    os.kill(liveness.read(folder.of_run(second)).pid, signal.SIGKILL)
    until(second, lambda record: record.state == "interrupted", timeout=10)
    runs.stop(first)
    until(third, lambda record: record.state == "finished")
    assert runs.open_run(second).record.state == "interrupted"
