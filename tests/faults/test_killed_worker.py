import json
import os
import signal
import subprocess
import sys
import time

import pytest
from straight import same_as_straight

from dlcore import runs
from dlcore.runs import folder
from dlcore.runs.worker import liveness

pytestmark = [pytest.mark.faults]


def kill(run_id):
    os.kill(liveness.read(folder.of_run(run_id)).pid, signal.SIGKILL)
    return time.monotonic()


def test_kill_9_is_interrupted_and_resume_completes_the_run(launch, until, configure, tmp_path):
    run_id = launch(epochs=60)
    until(run_id, lambda record: record.step > 600)
    begin = kill(run_id)
    until(run_id, lambda record: record.state == "interrupted", timeout=10)
    assert time.monotonic() - begin < 10
    result = subprocess.run(
        [sys.executable, "-m", "dlcore", "runs", "show", run_id, "--json"], capture_output=True, text=True
    )
    assert json.loads(result.stdout)["state"] == "interrupted", result.stderr
    runs.resume(run_id)
    until(run_id, lambda record: record.step > 2000 or record.state == "finished")
    kill(run_id)
    until(run_id, lambda record: record.state == "interrupted", timeout=10)
    runs.resume(run_id)
    record = until(run_id, lambda record: record.state == "finished")
    assert record.epoch == 60 and record.step == 60 * 79
    same_as_straight(run_id, configure(epochs=60), tmp_path)


def test_pause_mid_epoch_and_resume_in_a_new_process_change_no_result(launch, until, configure, tmp_path):
    run_id = launch(epochs=40)
    first = until(run_id, lambda record: record.step > 300).pid
    runs.pause(run_id)
    paused = until(run_id, lambda record: record.state == "paused")
    assert 300 < paused.step < 40 * 79 and runs.open_run(run_id).bundle is None
    runs.resume(run_id)
    second = until(run_id, lambda record: record.pid is not None).pid
    assert second != first
    until(run_id, lambda record: record.state == "finished")
    same_as_straight(run_id, configure(epochs=40), tmp_path)


def test_a_stop_leaves_a_bundle_and_can_be_resumed(launch, until):
    run_id = launch(epochs=2000)
    until(run_id, lambda record: record.epoch >= 3)
    runs.stop(run_id)
    record = until(run_id, lambda record: record.state == "stopped")
    assert "stopped at step" in record.reason and record.metrics["f1"] >= 0
    assert runs.open_run(run_id).bundle.record.best.epoch == record.best.epoch
    runs.resume(run_id)
    until(run_id, lambda later: later.state == "running" and later.step > record.step)
    runs.pause(run_id)
    paused = until(run_id, lambda later: later.state == "paused")
    runs.stop(run_id)  # a paused run gets a worker that evaluates its best epoch without further training
    ended = until(run_id, lambda later: later.state == "stopped")
    assert ended.step == paused.step and runs.open_run(run_id).bundle.run["test_looks"] == 2


def test_sigterm_pauses_with_the_system_as_the_reason(launch, until):
    run_id = launch(epochs=2000)
    record = until(run_id, lambda record: record.step > 100)
    os.kill(record.pid, signal.SIGTERM)
    record = until(run_id, lambda record: record.state == "paused")
    assert "stopped by the system (SIGTERM)" in record.reason
    assert list(folder.of_run(run_id).checkpoints.glob("step-*.pt"))


def test_worker_survives_ctrl_c_and_kill_9_of_its_parent(configure, until):
    config = configure(epochs=2000).model_dump_json()
    code = f"""
import json, signal, time
from dlcore import projects, runs
signal.signal(signal.SIGINT, lambda *_: print("interrupted", flush=True))
record = runs.create(projects.load_config(json.loads({config!r})))
runs.start(record.run_id)
print(record.run_id, flush=True)
while True:
    time.sleep(1)
"""
    server = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        run_id = server.stdout.readline().strip()
        before = until(run_id, lambda record: record.step > 50)
        os.killpg(server.pid, signal.SIGINT)  # what Ctrl-C in the terminal sends: to the whole group
        assert server.stdout.readline().strip() == "interrupted"
        with folder.of_run(run_id).log.open("a") as log:
            log.write(("y" * 99 + "\n") * 15_000)  # over 1 MB: no pipe that could fill up
        later = until(run_id, lambda record: record.step > before.step + 300)
        assert later.pid == before.pid
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
    after = until(run_id, lambda record: record.step > later.step + 300)
    assert after.state == "running" and after.pid == before.pid
    assert os.getsid(after.pid) not in (server.pid, os.getsid(0))
    assert "epoch" in runs.open_run(run_id).log_tail(5)
    runs.pause(run_id)
    until(run_id, lambda record: record.state == "paused")
