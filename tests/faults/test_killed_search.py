"""A killed search resumes where it was: it loses no trial, repeats none, and ends with the same results."""

import contextlib
import os
import re
import signal
import time

import pytest

from dlcore import projects
from dlcore.projects import search_space
from dlcore.runs import folder
from dlcore.runs.search import searches
from dlcore.runs.search import trials as search_worker
from dlcore.runs.worker import liveness

pytestmark = [pytest.mark.faults]


@pytest.fixture(autouse=True)
def _kill_workers_after_each_test(home):
    yield
    for log in home.glob("searches/*/log.txt"):
        for pid in worker_pids(log.parent.name):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def create(n_trials: int, *, epochs: int, workers: int = 1):
    base = projects.configure(
        "fashion", dataset="digits", preset="quick", device="cpu", settings={"epochs": epochs, "train_rows": 300}
    )
    space = search_space.parse_parameters(["learning_rate=1e-4..1e-1", "dropout=0..0.5"], base)
    return searches.create(base, space, n_trials=n_trials, workers=workers)


def worker_pids(search_id: str) -> list[int]:
    """Return the pids of the workers in the log of a search, the newest last."""
    return [int(pid) for pid in re.findall(r"process (\d+)", folder.of_run(search_id).log.read_text())]


def wait_until(search_id: str, condition, seconds: float = 90):
    deadline = time.monotonic() + seconds
    while not condition(search := searches.open_search(search_id)):
        if time.monotonic() > deadline or search.state == "failed":
            pytest.fail(f"{search.state} {search.reason}\n{folder.of_run(search_id).log.read_text()[-3000:]}")
        time.sleep(0.02)
    return search


class InProcessWorker:
    """This process as a worker that receives no command."""

    rank, received_signals = 0, ()

    def __init__(self, search_id: str):
        self.run_id, self.folder = search_id, folder.of_run(search_id)

    def poll_command(self):
        return None

    def is_current(self):
        return True


def test_a_search_killed_between_trials_ends_with_the_results_of_an_uninterrupted_one(home):
    search_id = create(20, epochs=8).search_id
    searches.start(search_id)
    before = wait_until(search_id, lambda search: search.n_finished >= 8 and len(search.trials) > search.n_finished)
    os.kill(liveness.read(folder.of_run(search_id)).pid, signal.SIGKILL)
    killed = wait_until(search_id, lambda search: search.state == "interrupted", 10)
    finished = {trial.number: trial for trial in killed.trials if trial.state != "running"}
    assert before.n_finished <= len(finished) < 20
    searches.resume(search_id)
    resumed = wait_until(search_id, lambda search: search.state == "finished")
    assert [trial.number for trial in resumed.trials] == list(range(20)) and resumed.n_finished == 20
    starts = [trial.starts for trial in resumed.trials]
    assert sorted(starts)[:19] == [1] * 19 and max(starts) <= 2  # only the running trial was resumed
    assert finished.items() <= {trial.number: trial for trial in resumed.trials}.items()

    uninterrupted = create(20, epochs=8)
    search_worker.lead(InProcessWorker(uninterrupted.search_id), lambda line: None)
    expected = searches.open_search(uninterrupted.search_id)
    for trial, other in zip(resumed.trials, expected.trials, strict=True):
        assert (trial.params, trial.state, trial.intermediate_values, trial.value) == (
            other.params,
            other.state,
            other.intermediate_values,
            other.value,
        )


def test_two_workers_share_the_trials_and_a_killed_one_loses_none(home):
    search_id = create(10, epochs=8, workers=2).search_id
    searches.start(search_id)
    wait_until(search_id, lambda search: search.n_finished >= 3 and len(set(worker_pids(search_id))) == 2)
    lead = liveness.read(folder.of_run(search_id)).pid
    os.kill(next(pid for pid in worker_pids(search_id) if pid != lead), signal.SIGKILL)
    ended = wait_until(search_id, lambda search: not search.is_active)
    if ended.state != "finished":
        searches.resume(search_id)
    finished = wait_until(search_id, lambda search: search.state == "finished")
    assert [trial.number for trial in finished.trials] == list(range(10)) and finished.n_finished == 10
    assert {trial.state for trial in finished.trials} <= {"complete", "pruned"}
