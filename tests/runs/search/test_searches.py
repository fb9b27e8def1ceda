"""Searches: created atomically, deterministic, resumable, rejected in one line; the best trial is a complete one."""

import dataclasses
import sys

import pytest

from dlcore import projects
from dlcore.core.errors import NotFiniteError, RequestError, RunError, StoreError
from dlcore.projects import search_space
from dlcore.runs import execution, folder
from dlcore.runs.search import journal, searches
from dlcore.runs.search import trials as search_worker
from dlcore.runs.search.study import Trial, open_study

TINY = {"epochs": 3, "train_rows": 100}


def config(slug: str = "fashion", **settings):
    return projects.configure(
        slug, dataset="digits", preset="quick", seed=0, device="cpu", settings={**TINY, **settings}
    )


def create(n_trials: int = 4, *parameters: str, **settings):
    base = config(**settings)
    space = search_space.parse_parameters(parameters or ("learning_rate=1e-4..1e-1",), base)
    return searches.create(base, space, n_trials=n_trials)


class InProcessWorker:
    """This process as the worker of a search; receives `pause` after `polls` polls."""

    rank, received_signals = 0, ()

    def __init__(self, search_id: str, *, polls: int = 10**9):
        self.run_id, self.folder, self.polls_left = search_id, folder.of_run(search_id), polls

    def poll_command(self):
        self.polls_left -= 1
        return "pause" if self.polls_left < 0 else None

    def is_current(self):
        return True


def run(search, *, polls: int = 10**9):
    search_worker.lead(InProcessWorker(search.search_id, polls=polls), lambda line: None)
    return searches.open_search(search.search_id)


def study_folder(search):
    return folder.of_run(search.search_id)


def test_list_and_open_return_the_created_search(home):
    search = create(4, "learning_rate=1e-4..1e-1", "optimizer=adam,sgd")
    (listed,) = searches.list_searches("fashion")
    assert listed == searches.open_search(search.search_id[:12]) == search
    assert (search.state, search.metric, search.mode, search.n_finished) == ("queued", "validation_loss", "min", 0)
    assert [str(parameter) for parameter in search.search_space] == [
        "learning_rate=0.0001..0.1",
        "optimizer=adam,sgd",
    ]
    assert searches.list_searches("anomaly") == []
    searches.delete(search.search_id)
    with pytest.raises(RunError, match="no search"):
        searches.open_search(search.search_id)


def test_trials_are_deterministic_and_the_first_has_the_params_of_the_config(home):
    first, again = (run(create(6, "learning_rate=1e-4..1e-1", "dropout=0..0.5")) for _ in range(2))
    assert first.state == "finished" and first.n_finished == 6
    assert first.trials[0].params == {"learning_rate": 1e-3, "dropout": 0.0}
    without_seconds = [dataclasses.replace(trial, seconds=0.0, started=0.0) for trial in first.trials]
    assert without_seconds == [dataclasses.replace(trial, seconds=0.0, started=0.0) for trial in again.trials]
    assert {trial.starts for trial in first.trials} == {1} and not first.has_mixed_validation
    assert first.best.value == min(trial.value for trial in first.trials if trial.state == "complete")
    best = searches.best_config(first)
    assert best.training.learning_rate == first.best.params["learning_rate"] and best.training.gradient_every
    assert not list(home.glob("searches/*/trials/*/checkpoints/*")) and not list(home.glob("searches/**/bundle"))


def test_pauses_anywhere_change_no_result(home, monkeypatch):
    monkeypatch.setattr("dlcore.runs.worker.checkpoint_scheduler.POLL_SECONDS", 0.0)
    uninterrupted, search = run(create(5)), create(5)
    for polls in (3, 9, 20, 14, 10**9):
        search = run(search, polls=polls)
    assert search.state == "finished"
    for trial, other in zip(uninterrupted.trials, search.trials, strict=True):
        assert (trial.params, trial.intermediate_values, trial.value, trial.state) == (
            other.params,
            other.intermediate_values,
            other.value,
            other.state,
        )
    assert max(trial.starts for trial in search.trials) > 1


def test_a_finished_search_can_be_extended_but_not_shortened(home):
    search = run(create(2))
    with pytest.raises(RunError, match="finished all 2 trials"):
        searches.resume(search.search_id)
    with pytest.raises(RequestError, match="trials=1 is out of range: choose 2"):
        searches.resume(search.search_id, n_trials=1)
    with pytest.raises(RunError, match="only a queued or running one can be paused"):
        searches.pause(search.search_id)


def test_failed_trials_have_reasons_and_three_of_them_fail_the_search(home, monkeypatch):
    def diverge(job):
        raise NotFiniteError(3, "out", "a loss of inf")

    monkeypatch.setattr(execution, "train_without_test", diverge)
    assert run(create(2)).state == "failed"  # both trials
    search = run(create(5))
    assert search.state == "failed" and "the first 3 trials failed: Non-finite number at step 3" in search.reason
    assert [trial.state for trial in search.trials] == ["failed"] * 3 and search.best is None
    assert "out" in search.trials[0].reason


@pytest.mark.parametrize(("n_trials", "workers"), [(1, 1), (501, 1), (4, 0), (4, 17)])
def test_numbers_out_of_range_are_rejected(home, n_trials, workers):
    base = config()
    space = search_space.parse_parameters(["dropout"], base)
    with pytest.raises(RequestError, match="is out of range: choose"):
        searches.create(base, space, n_trials=n_trials, workers=workers)
    assert searches.list_searches() == []


def trial(number, value, state="complete"):
    return Trial(number, state, {}, value=value)


def test_the_best_trial_is_complete(home):
    search = create()
    trials = (trial(0, 0.5), trial(1, 0.1, "pruned"), trial(2, 0.4), trial(3, 0.4))
    assert dataclasses.replace(search, trials=trials).best.number == 2
    assert dataclasses.replace(search, trials=trials, mode="max").best.number == 0
    assert dataclasses.replace(search, trials=trials[1:2]).best is None


def test_a_claimed_trial_cannot_be_claimed_again(home):
    study = open_study(study_folder(create(2)))
    with study.claim() as first, study.claim() as second:
        assert (first.number, second.number) == (0, 1)
        with study.claim() as third:
            assert third is None
        first.tell("failed")
    with study.claim() as orphan:
        assert orphan.number == 1 and orphan.deaths == 1
    assert [trial.starts for trial in study.trials()] == [1, 2]


def test_reports_repeated_after_a_kill_keep_their_values_and_decisions(home):
    study = open_study(study_folder(create(2)))
    with study.claim() as claimed:
        assert not claimed.report(1, 0.5) and not claimed.report(2, 0.4)
    with study.claim() as resumed:
        resumed.trial.should_prune = lambda: True
        assert not resumed.report(1, 9.0)  # decided before the kill
        assert resumed.report(2, 9.0)  # the kill may have come before the decision
        assert (resumed.value_at(1), resumed.value_at(2)) == (0.5, 0.4)


def test_a_torn_last_line_is_ignored_and_removed_by_the_next_write(home):
    search = create(3)
    file = study_folder(search).path / journal.FILE_NAME
    complete = file.read_bytes()
    file.write_bytes(complete + b'{"op_code": 4, "worker')
    journal._storage.cache_clear()
    study = open_study(study_folder(search))
    assert study.trials() == []
    with study.claim() as claimed:
        claimed.tell("failed")
    assert file.read_bytes().startswith(complete + b'{"op_code"') and b"worker{" not in file.read_bytes()
    journal._storage.cache_clear()
    assert [trial.state for trial in open_study(study_folder(search)).trials()] == ["failed"]


def test_a_search_needs_neither_sqlite_nor_sqlalchemy(home):
    search = create(2)
    names = {path.name for path in study_folder(search).path.iterdir()}
    assert names == {"config.json", "state.json", "trials.jsonl", "trials.lock", "write.lock"}
    assert "optuna" in sys.modules
    (study_folder(search).path / journal.FILE_NAME).unlink()
    with pytest.raises(StoreError, match=r"trials\.jsonl is missing: delete this search"):
        searches.open_search(search.search_id)


def test_searches_of_another_version_are_left_out(home):
    search = create(2)
    stored = folder.read_json(study_folder(search).config)
    folder.write_json(study_folder(search).config, {**stored, "format": 1})
    assert searches.list_searches() == searches.active() == []
    with pytest.raises(RunError, match="another version"):
        searches.open_search(search.search_id)
