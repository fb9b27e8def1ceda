"""Runs and searches as jobs of a real Slurm cluster of one host, without accounting and with it."""

import json
import signal
import subprocess
import sys
import time

import psutil
import pytest
from services.slurm_cluster import start_cluster, wait_until
from straight import same_as_straight

from dlcore import projects, runs
from dlcore.projects import search_space
from dlcore.runs import folder
from dlcore.runs.search import searches
from dlcore.runs.worker import slurm as jobs

pytestmark = [pytest.mark.services]


WITH_ACCOUNTING = pytest.mark.parametrize("cluster", ["accounting"], indirect=True)


@pytest.fixture(scope="module")
def cluster(request, require, namespaces, free_port, tmp_path_factory):
    daemons = ["munged", "slurmctld", "slurmd"]
    if getattr(request, "param", "") == "accounting":
        daemons += ["slurmdbd", "mariadbd"]
    cluster = start_cluster(tmp_path_factory.mktemp("slurm"), require(*daemons), free_port)
    yield cluster
    cluster.stop()


@pytest.fixture(autouse=True)
def _settings(home, cluster, monkeypatch):
    for name, value in cluster.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DLCORE_EXECUTOR", "slurm")
    monkeypatch.setenv("DLCORE_SLURM_MINUTES", "10")
    monkeypatch.setenv("DLCORE_CHECKPOINT_SECONDS", "0.2")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    jobs._jobs.forget()
    jobs._ended.cache_clear()
    yield
    subprocess.run(["scancel", "--user=root"], check=True)
    wait_until(lambda: not cluster.command("squeue", "-h"), what="an empty queue")


@pytest.fixture
def block(cluster):
    """Return a function that takes the whole cluster with a job of high priority, and ends it after some seconds."""

    def submit(seconds=600):
        return cluster.command(
            "sbatch", "-p", "high", "-n", "2", "-o", "/dev/null", "--parsable", "--wrap", f"sleep {seconds}"
        ).strip()

    return submit


EPOCHS = 500


def configure(epochs=EPOCHS):
    """A config of the smallest classifier on data that ships; 11 steps an epoch."""
    return projects.configure("fashion", dataset="digits", preset="quick", settings={"epochs": epochs})


def launch(**settings):
    return runs.start(runs.create(configure(**settings)).run_id).run_id


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """A folder for the bundle of the uninterrupted run, trained once."""
    return tmp_path_factory.mktemp("straight")


def until(run_id, condition, timeout=120):
    """Wait until the record of a run satisfies a condition; return it."""

    def check():
        record = runs.open_run(run_id).record
        assert record.state != "failed", (record, runs.open_run(run_id).log_tail(30))
        return record if condition(record) else None

    try:
        return wait_until(check, timeout=timeout)
    except AssertionError as error:
        raise AssertionError(f"{runs.open_run(run_id).record}\n{runs.open_run(run_id).log_tail(8)}") from error


def job_of(run_id):
    return json.loads(folder.of_run(run_id).job.read_text())["job_id"]


def kill_step(run_id):
    """Kill the worker process, which belongs to another process namespace, with SIGKILL."""
    place = str(folder.of_run(run_id).path)
    workers = [
        process
        for process in psutil.process_iter(["cmdline", "name"])
        if any(place in word for word in process.info["cmdline"] or ()) and "python" in process.info["name"]
    ]
    assert workers
    for process in workers:
        process.kill()


def test_the_command_line_trains_on_the_cluster(cluster, monkeypatch):
    monkeypatch.delenv("DLCORE_EXECUTOR")
    words = ["train", "fashion", "--dataset", "digits", "--preset", "quick", "--cluster", "--json"]
    done = subprocess.run([sys.executable, "-m", "dlcore", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    run_id = json.loads(done.stdout)["run_id"]
    assert json.loads(done.stdout)["state"] == "finished"
    assert cluster.command("squeue", "-h", "-t", "all", "-j", job_of(run_id), "-o", "%P").strip() == "low"
    assert "fashion/dense on auto" in runs.open_run(run_id).log_tail(30)


def test_a_refused_submission_fails_with_the_words_of_slurm(monkeypatch):
    monkeypatch.setenv("DLCORE_SLURM_PARTITION", "nowhere")
    record = runs.wait(launch(), timeout=60)
    assert record.state == "failed" and "invalid partition" in record.reason


def test_a_run_in_the_queue_can_be_paused_and_resumed(cluster, block):
    blocker = block()
    run_id = launch(epochs=2)
    record = until(run_id, lambda record: "partition low" in record.reason)
    assert record.state == "queued" and record.pid is None
    first = job_of(run_id)
    assert runs.pause(run_id).state == "paused"
    assert cluster.command("squeue", "-h", "-t", "all", "-j", first, "-o", "%T").strip() == "CANCELLED"
    assert runs.resume(run_id).state == "queued"
    until(run_id, lambda record: "partition low" in record.reason)
    assert job_of(run_id) != first
    cluster.command("scancel", blocker)
    until(run_id, lambda record: record.state == "running" and record.pid)
    until(run_id, lambda record: record.state == "finished")


def test_stop_reaches_a_running_job():
    run_id = launch(epochs=4000)
    until(run_id, lambda record: record.epoch > 1)
    runs.stop(run_id)
    until(run_id, lambda record: record.state == "stopped")
    assert runs.open_run(run_id).bundle.evaluation


def further(run_id, steps=100):
    """Wait until the run is some steps further than now."""
    goal = runs.open_run(run_id).record.step + steps
    until(run_id, lambda record: record.state == "running" and record.step > goal)


def test_an_interrupted_run_equals_an_uninterrupted_one(cluster, block, straight):
    """Paused, preempted, killed and cancelled, one after the other."""
    run_id = launch()
    further(run_id)
    runs.pause(run_id)
    until(run_id, lambda record: record.state == "paused")

    runs.resume(run_id)
    further(run_id)
    block(4)
    record = until(run_id, lambda record: record.state == "queued" and "partition" in record.reason)
    assert f"Slurm job {job_of(run_id)} waits in partition low" in record.reason
    further(run_id)  # by itself

    kill_step(run_id)
    begin = time.monotonic()
    record = until(run_id, lambda record: record.state == "interrupted", timeout=15)
    print(f"interrupted after {time.monotonic() - begin:.1f} s: {record.reason}")
    runs.resume(run_id)
    further(run_id)

    cluster.command("scancel", job_of(run_id))
    until(run_id, lambda record: record.state == "interrupted" and "was cancelled" in record.reason)
    runs.resume(run_id)
    until(run_id, lambda record: record.state == "finished")
    same_as_straight(run_id, configure(), straight)


def test_a_run_preempted_without_grace_continues_by_itself(block, monkeypatch, straight):
    monkeypatch.setenv("DLCORE_SLURM_PARTITION", "abrupt")
    run_id = launch()
    further(run_id)
    block(2)
    until(run_id, lambda record: record.state == "queued" and "partition abrupt" in record.reason)
    until(run_id, lambda record: record.state == "finished")
    same_as_straight(run_id, configure(), straight)


def test_a_preempted_search_continues_by_itself(block):
    config = configure(epochs=60)
    space = search_space.parse_parameters(["learning_rate=1e-4..1e-2"], config)
    search_id = searches.create(config, space, n_trials=3, prune=False).search_id
    searches.start(search_id)
    wait_until(lambda: searches.open_search(search_id).n_finished >= 1)
    block(2)
    wait_until(lambda: "waits in partition low" in searches.open_search(search_id).reason)
    search = searches.wait(search_id, timeout=90)
    log = folder.of_run(search_id).log.read_text()
    assert search.state == "finished", log
    assert [trial.state for trial in search.trials] == ["complete"] * 3
    assert all(log.count(f"trial {number} complete") == 1 for number in range(3))  # none twice


def test_a_controller_that_is_away_changes_no_running_run(cluster):
    run_id = launch(epochs=10_000)
    further(run_id)
    controller = cluster.daemons["slurmctld"]
    controller.send_signal(signal.SIGSTOP)
    try:
        further(run_id)
        runs.pause(run_id)
        until(run_id, lambda record: record.state == "paused")
    finally:
        controller.send_signal(signal.SIGCONT)


@WITH_ACCOUNTING
def test_a_run_continues_after_its_time_limit(cluster, monkeypatch):
    monkeypatch.setenv("DLCORE_SLURM_MINUTES", "1")
    monkeypatch.setenv("DLCORE_SLURM_DIRECTIVES", "--signal=USR2@50 --comment=test")
    run_id = launch(epochs=10_000)
    further(run_id, 50)
    record = until(run_id, lambda record: record.state == "queued")
    assert "SIGUSR2" in record.reason or job_of(run_id) in record.reason
    further(run_id, 50)
    cluster.command("scancel", job_of(run_id))
    record = until(run_id, lambda record: "was cancelled" in record.reason)
    wait_until(lambda: not cluster.command("squeue", "-h", "-t", "all"), what="squeue to forget the job")
    jobs._jobs.forget()
    record = runs.open_run(run_id).record
    assert record.state == "interrupted" and "was cancelled (CANCELLED)" in record.reason
    assert "CANCELLED" in cluster.command("sacct", "-n", "-X", "-P", "-o", "State", "-j", job_of(run_id))
