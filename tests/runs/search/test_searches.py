"""Searches: made whole or not at all, found again, refused in a line, and honest about which trial is the best."""

import dataclasses

import pytest

from dlcore import projects
from dlcore.core.errors import NotFiniteError, RequestError, RunError
from dlcore.projects import search_space
from dlcore.runs import execution, folder
from dlcore.runs.search import searches
from dlcore.runs.search import trials as search_worker
from dlcore.runs.search.study import Plan, Study, Trial

TINY = {"epochs": 3, "train_rows": 100}


def config(slug: str = "fashion", **settings):
    return projects.configure(
        slug, dataset="digits", preset="quick", seed=0, device="cpu", settings={**TINY, **settings}
    )


def made(trials: int = 4, *wanted: str, **settings):
    base = config(**settings)
    return searches.create(
        base, search_space.parse_parameters(wanted or ("learning_rate=1e-4..1e-1",), base), trials=trials
    )


class Here:
    """This very process as the worker of a search; `stops` says before which looks for a wish it is told to go."""

    rank, told_to_go = 0, ()

    def __init__(self, search_id: str, *, stops: int = 10**9):
        self.run_id, self.folder, self.stops, self.looks = search_id, folder.of_run(search_id), stops, 0

    def wish(self):
        self.looks += 1
        return "pause" if self.looks > self.stops else None

    def is_current(self):
        return True


def done(search, *, stops: int = 10**9):
    search_worker.lead(Here(search.search_id, stops=stops), lambda line: None)
    return searches.open_search(search.search_id)


def test_it_is_found_again_as_it_was_asked_for(home):
    search = made(4, "learning_rate=1e-4..1e-1", "optimiser=adam,sgd")
    (found,) = searches.list_searches("fashion")
    assert found == searches.open_search(search.search_id[:12]) == search
    assert (search.state, search.metric, search.mode, search.done) == ("queued", "validation_loss", "min", 0)
    assert [str(knob) for knob in search.knobs] == ["learning_rate=0.0001..0.1", "optimiser=adam,sgd"]
    assert searches.list_searches("anomaly") == []
    searches.delete(search.search_id)
    with pytest.raises(RunError, match="no search"):
        searches.open_search(search.search_id)


def test_trials_are_the_same_again_and_the_first_is_the_settings_as_they_stand(home):
    first, again = (done(made(6, "learning_rate=1e-4..1e-1", "dropout=0..0.5")) for _ in range(2))
    assert first.state == "finished" and first.done == 6
    assert first.attempts[0].settings == {"learning_rate": 1e-3, "dropout": 0.0}
    same = [dataclasses.replace(one, seconds=0.0) for one in first.attempts]
    assert same == [dataclasses.replace(one, seconds=0.0) for one in again.attempts]
    assert {one.starts for one in first.attempts} == {1} and not first.uneven
    assert first.best.value == min(one.value for one in first.attempts if one.state == "finished")
    chosen = searches.best_config(first)
    assert chosen.training.learning_rate == first.best.settings["learning_rate"] and chosen.training.gradient_every
    assert not list(home.glob("searches/*/trials/*/checkpoints/*")) and not list(home.glob("searches/**/bundle"))


def test_a_pause_anywhere_changes_nothing(home, monkeypatch):
    monkeypatch.setattr("dlcore.runs.worker.checkpoint_scheduler.LOOK_SECONDS", 0.0)
    straight, search = done(made(5)), made(5)
    for stops in (3, 9, 20, 14, 10**9):
        search = done(search, stops=stops)
    assert search.state == "finished"
    for one, other in zip(straight.attempts, search.attempts, strict=True):
        assert (one.settings, one.curve, one.value, one.state) == (
            other.settings,
            other.curve,
            other.value,
            other.state,
        )
    assert max(one.starts for one in search.attempts) > 1


def test_more_trials_can_be_asked_for_and_fewer_not(home):
    search = done(made(2))
    with pytest.raises(RunError, match="did all its 2 trials"):
        searches.resume(search.search_id)
    with pytest.raises(RequestError, match="trials=1 is refused: it must be 2"):
        searches.resume(search.search_id, trials=1)
    with pytest.raises(RunError, match="only one that runs or waits"):
        searches.pause(search.search_id)


def test_trials_that_fail_say_why_and_a_hopeless_search_ends(home, monkeypatch):
    def breaks(job):
        raise NotFiniteError(3, "out", "a loss of inf")

    monkeypatch.setattr(execution, "train_without_test", breaks)
    assert done(made(2)).state == "failed"  # all there are
    search = done(made(5))
    assert search.state == "failed" and "the first 3 trials failed: Not a finite number at step 3" in search.reason
    assert [one.state for one in search.attempts] == ["failed"] * 3 and search.best is None
    assert "out" in search.attempts[0].reason


@pytest.mark.parametrize(("trials", "workers"), [(1, 1), (501, 1), (4, 0), (4, 17)])
def test_too_few_and_too_many_are_refused(home, trials, workers):
    base = config()
    with pytest.raises(RequestError, match="is refused: it must be a whole number"):
        searches.create(base, search_space.parse_parameters(["dropout"], base), trials=trials, workers=workers)
    assert searches.list_searches() == []


def attempt(number, value, state="finished"):
    return Trial(number, state, {}, value=value)


def test_the_best_came_to_its_full_length(home):
    search = made()
    told = (attempt(0, 0.5), attempt(1, 0.1, "pruned"), attempt(2, 0.4), attempt(3, 0.4))
    assert dataclasses.replace(search, attempts=told).best.number == 2
    assert dataclasses.replace(search, attempts=told, mode="max").best.number == 0
    assert dataclasses.replace(search, attempts=told[1:2]).best is None


def test_a_trial_in_somebodys_hands_is_not_given_to_another(home):
    search = made(2)
    study = searches.study_of(folder.of_run(search.search_id), folder.read_json(folder.of_run(search.search_id).config))
    assert isinstance(study, Study) and isinstance(study.plan, Plan)
    with study.taken() as first, study.taken() as second:
        assert (first.number, second.number) == (0, 1)
        with study.taken() as third:
            assert third is None
        first.end("failed")
    with study.taken() as left:
        assert left.number == 1 and left.deaths == 1
    assert [one.starts for one in study.attempts()] == [1, 2]
