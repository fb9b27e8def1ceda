import re
import subprocess
import sys
import time

import pytest

from dlcore import runs

pytestmark = [pytest.mark.faults]


def test_non_finite_loss_fails_with_step_and_layer(launch):
    run_id = launch(model="conv", epochs=20, optimizer="sgd", learning_rate=10.0, momentum=0.999)
    record = runs.wait(run_id, timeout=60)
    assert record.state == "failed" and record.reason.startswith("not finite: ")
    assert re.search(r"at step [1-9]\d*, layer '[\w.]+'", record.reason), record.reason
    assert "Traceback" in runs.open_run(run_id).log_tail() and "Traceback" not in record.reason
    assert runs.open_run(run_id).bundle is None


START_WITH_LITTLE_MEMORY = """
import resource, sys
from dlcore import runs
resource.setrlimit(resource.RLIMIT_DATA, (1600 * 2**20, resource.RLIM_INFINITY))
runs.start(sys.argv[1])
"""


def test_out_of_memory_suggests_half_the_batch(configure):
    """The activations of one batch take 1.4 GB, more than the limit that the worker inherits from its parent."""
    run_id = runs.create(configure(1, "lstm", batch_size=4096, window=336, bottleneck=64)).run_id
    subprocess.run([sys.executable, "-c", START_WITH_LITTLE_MEMORY, run_id], check=True, timeout=60)
    record = runs.wait(run_id, timeout=60)
    assert record.state == "failed" and record.reason.startswith("out of memory: "), runs.open_run(run_id).log_tail(40)
    assert "retry with half the batch (batch_size=2048)" in record.reason


def test_unexpected_exception_fails_as_code_with_traceback_in_the_log(launch, monkeypatch):
    monkeypatch.setenv("DLCORE_DATA", "/nonexistent")
    monkeypatch.setenv("DLCORE_CHECKPOINT_SECONDS", "not a number")
    run_id = launch(epochs=1)
    record = runs.wait(run_id, timeout=60)
    assert record.state == "failed" and record.reason.startswith("code: ValueError"), record
    assert "Traceback" in runs.open_run(run_id).log_tail()


def test_two_processes_share_batches_and_pause_together(configure, until):
    config = configure(epochs=20).model_copy(update={"devices": 2})
    record = runs.create(config)
    runs.start(record.run_id)
    until(record.run_id, lambda record: record.step > 100)
    runs.pause(record.run_id)
    paused = until(record.run_id, lambda record: record.state == "paused")
    assert paused.step < 20 * 79
    runs.resume(record.run_id)
    done = until(record.run_id, lambda record: record.state == "finished", timeout=120)
    curves = runs.open_run(record.run_id).history()
    assert done.step == 20 * 79 and curves["batch_loss"].steps.tolist() == list(range(1, 20 * 79 + 1))
    assert curves["train_loss"].values[-1] < curves["train_loss"].values[0]


def test_unreachable_mlflow_server_does_not_affect_the_run(launch, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    run_id = launch(epochs=2)
    assert runs.wait(run_id, timeout=60).state == "finished"
    assert runs.open_run(run_id).bundle.load()
    deadline = time.monotonic() + 60
    while "runs mirror" not in (log := runs.open_run(run_id).log_tail()) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert log.count(f"dlcore runs mirror {run_id}") == 1, log
