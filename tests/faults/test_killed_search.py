"""A search killed in the middle goes on where it was: no trial lost, none done twice, the same in the end."""

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
def _no_worker_outlives_a_test(home):
    yield
    for log in home.glob("searches/*/log.txt"):
        for pid in pids(log.parent.name):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def made(trials: int, *, epochs: int, workers: int = 1):
    base = projects.configure(
        "fashion", dataset="digits", preset="quick", device="cpu", settings={"epochs": epochs, "train_rows": 300}
    )
    wanted = search_space.parse_parameters(["learning_rate=1e-4..1e-1", "dropout=0..0.5"], base)
    return searches.create(base, wanted, trials=trials, workers=workers)


def pids(search_id: str) -> list[int]:
    """The processes that said in its log that they work on it, the newest last."""
    return [int(pid) for pid in re.findall(r"process (\d+)", folder.of_run(search_id).log.read_text())]


def until(search_id: str, condition, seconds: float = 90):
    deadline = time.monotonic() + seconds
    while not condition(search := searches.open_search(search_id)):
        if time.monotonic() > deadline or search.state == "failed":
            pytest.fail(f"{search.state} {search.reason}\n{folder.of_run(search_id).log.read_text()[-3000:]}")
        time.sleep(0.02)
    return search


class Here:
    """This very process as a worker that nobody disturbs."""

    rank, received_signals = 0, ()

    def __init__(self, search_id: str):
        self.run_id, self.folder = search_id, folder.of_run(search_id)

    def poll_command(self):
        return None

    def is_current(self):
        return True


def test_twenty_trials_killed_in_the_middle_are_those_of_a_search_that_nobody_disturbed(home):
    search_id = made(20, epochs=8).search_id
    searches.start(search_id)
    before = until(search_id, lambda search: search.done >= 8 and len(search.attempts) > search.done)
    os.kill(liveness.read(folder.of_run(search_id)).pid, signal.SIGKILL)
    dead = until(search_id, lambda search: search.state == "interrupted", 10)
    kept = {one.number: one for one in dead.attempts if one.state != "running"}
    assert before.done <= len(kept) < 20
    searches.resume(search_id)
    found = until(search_id, lambda search: search.state == "finished")
    assert [one.number for one in found.attempts] == list(range(20)) and found.done == 20
    starts = [one.starts for one in found.attempts]
    assert sorted(starts)[:19] == [1] * 19 and max(starts) <= 2  # the one in hand was taken up again, and no other
    assert kept.items() <= {one.number: one for one in found.attempts}.items()

    straight = made(20, epochs=8)
    search_worker.lead(Here(straight.search_id), lambda line: None)
    whole = searches.open_search(straight.search_id)
    for one, other in zip(found.attempts, whole.attempts, strict=True):
        assert (one.settings, one.state, one.curve, one.value) == (
            other.settings,
            other.state,
            other.curve,
            other.value,
        )


def test_two_workers_share_the_trials_and_one_that_is_killed_takes_none_with_it(home):
    search_id = made(10, epochs=8, workers=2).search_id
    searches.start(search_id)
    until(search_id, lambda search: search.done >= 3 and len(set(pids(search_id))) == 2)
    lead = liveness.read(folder.of_run(search_id)).pid
    os.kill(next(pid for pid in pids(search_id) if pid != lead), signal.SIGKILL)
    left = until(search_id, lambda search: not search.is_active)
    if left.state != "finished":
        searches.resume(search_id)
    found = until(search_id, lambda search: search.state == "finished")
    assert [one.number for one in found.attempts] == list(range(10)) and found.done == 10
    assert {one.state for one in found.attempts} <= {"finished", "pruned"}
